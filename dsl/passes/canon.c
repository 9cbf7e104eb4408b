/* Canonicalisation. Idea: sweep over the operations in order, fold constants, apply the rows of
 * canon_rules.c, and inline control flow that is decided, until nothing changes. Example:
 *
 *   %a = sub %i, %c1        %b = add %i, %c-1
 *   %b = add %a, %c0   →
 *   if %true {A} {B}        A
 *
 * Terminates: every rule lowers the measure stated in canon.h, and inlining removes an
 * operation with regions. Dead operations that rules leave behind go at once if they are
 * pure, the rest is the work of dce. */
#include "dsl/passes/canon.h"

#include "dsl/passes/passes.h"
#include "dsl/passes/rewrite.h"

enum { MAX_SWEEPS = 64 };

typedef struct rule_range {
    uint16_t first, count;
} rule_range;

typedef struct driver {
    tg_func *f;
    rule_range ranges[TG_OP_COUNT];
    bool changed;
} driver;

static void index_rules(driver *d) {
    for (uint32_t i = 0; i < canon_rule_count; i++) {
        rule_range *r = &d->ranges[canon_rules[i].opcode];
        r->first = r->count ? r->first : (uint16_t)i;
        r->count++;
    }
}

static bool erase_if_dead(tg_op *op) {
    if (!rewrite_is_pure(op)) {
        return false;
    }
    for (uint32_t i = 0; i < op->n_results; i++) {
        if (tg_value_has_uses(&op->results[i])) {
            return false;
        }
    }
    tg_op_erase(op);
    return true;
}

static void replace(driver *d, tg_op *op, tg_value *with) {
    if (!with->name) {
        with->name = op->results[0].name;
    }
    tg_replace_uses(&op->results[0], with);
    erase_if_dead(op);
    d->changed = true;
}

static void apply_rules(driver *d, tg_op *op) {
    if (erase_if_dead(op)) {
        return;
    }
    canon_context c = {.f = d->f, .b = rewrite_builder(d->f, op)};
    tg_value *with = NULL;
    if (op->n_results == 1 && op->opcode != TG_OP_CONST) {
        with = canon_fold(&c, op);
    }
    if (!with) {
        canon_strip_broadcasts(&c, op);
        rule_range r = d->ranges[op->opcode];
        for (uint32_t i = r.first; i < (uint32_t)r.first + r.count && !with; i++) {
            with = canon_rules[i].apply(&c, op);
        }
    }
    d->changed = d->changed || c.changed;
    if (with) {
        replace(d, op, with);
    }
}

/* ---- control flow ----------------------------------------------------------------------- */

/* Moves the operations of a region in front of `op`, whose results become what the region
 * yields. */
static void inline_region(driver *d, tg_op *op, tg_block *body) {
    tg_op *yield = rewrite_terminator(body);
    for (tg_op *inner = body->first, *next; inner && inner != yield; inner = next) {
        next = inner->next;
        tg_op_move_before(inner, op);
    }
    for (uint32_t i = 0; i < op->n_results; i++) {
        tg_replace_uses(&op->results[i], tg_operand(yield, i));
    }
    tg_op_erase(op);
    d->changed = true;
}

static bool fold_if(driver *d, tg_op *op) {
    int64_t condition;
    if (!tg_value_const_int(tg_operand(op, 0), &condition)) {
        return false;
    }
    inline_region(d, op, &op->regions[condition ? 0 : 1].body);
    return true;
}

/* Trip count of a loop over single indices with a constant domain: 0, 1, or 2 for more; -1
 * if unknown. *first: its first index. */
static int constant_trips(const tg_op *op, int64_t *first) {
    int64_t extent, from, until, step = tg_op_int(op, TG_ATTR_STEP, 1);
    if (!tg_value_const_int(tg_operand(op, 0), &extent) ||
        !tg_value_const_int(tg_operand(op, 1), &from) ||
        !tg_value_const_int(tg_operand(op, 2), &until)) {
        return -1;
    }
    *first = from > 0 ? from : 0;
    int64_t end = until < extent ? until : extent;
    if (end <= *first) {
        return 0;
    }
    return end - *first <= step ? 1 : 2;
}

static bool fold_for(driver *d, tg_op *op) {
    int64_t first;
    int trips = constant_trips(op, &first);
    if (trips == 0) {
        for (uint32_t i = 0; i < op->n_results; i++) {
            tg_replace_uses(&op->results[i], tg_operand(op, TG_FOR_CARRIED + i));
        }
        tg_op_erase(op);
        d->changed = true;
        return true;
    }
    if (trips != 1 || !tg_op_is_each(op)) {
        return false;
    }
    tg_block *body = &op->regions[0].body;
    tg_builder b = rewrite_builder(d->f, op);
    tg_replace_uses(body->args[0], tg_build_int(&b, TG_I64, first));
    for (uint32_t i = 0; i < op->n_results; i++) {
        tg_replace_uses(body->args[1 + i], tg_operand(op, TG_FOR_CARRIED + i));
    }
    inline_region(d, op, body);
    return true;
}

/* The index of a grid over single indices that has one is known; the nest stays as it is. */
static void fold_par(driver *d, tg_op *op) {
    int64_t first;
    tg_block *body = &op->regions[0].body;
    if (!tg_op_is_each(op) || !body->args[0]->uses || constant_trips(op, &first) != 1) {
        return;
    }
    tg_builder b = rewrite_builder(d->f, op);
    tg_replace_uses(body->args[0], tg_build_int(&b, TG_I64, first));
    d->changed = true;
}

/* A carried value that each iteration passes on unchanged is its initial value. */
static void forward_invariants(driver *d, tg_op *op) {
    tg_op *yield = rewrite_terminator(&op->regions[0].body);
    for (uint32_t i = 0; i < op->n_results; i++) {
        tg_value *arg = op->regions[0].body.args[tg_region_first_carried(op) + i],
                 *init = tg_operand(op, TG_FOR_CARRIED + i);
        tg_value *next = tg_operand(yield, i);
        bool used = tg_value_has_uses(&op->results[i]) ||
                    (arg->uses && (arg->uses->next || arg->uses->user != yield));
        if ((next == arg || next == init) && used) {
            tg_replace_uses(&op->results[i], init);
            tg_replace_uses(arg, init);
            d->changed = true;
        }
    }
}

static bool fold_control(driver *d, tg_op *op) {
    if (op->opcode == TG_OP_IF) {
        return fold_if(d, op);
    }
    if (op->opcode == TG_OP_PAR) {
        fold_par(d, op);
    }
    if (op->opcode != TG_OP_FOR) {
        return false;
    }
    if (fold_for(d, op)) {
        return true;
    }
    forward_invariants(d, op);
    return false;
}

static void sweep(driver *d, tg_block *block) {
    for (tg_op *op = block->first, *next; op; op = next) {
        next = op->next;
        if (op->n_regions && fold_control(d, op)) {
            continue;
        }
        for (uint32_t r = 0; r < op->n_regions; r++) {
            sweep(d, &op->regions[r].body);
        }
        apply_rules(d, op);
    }
}

bool tg_pass_canon(tg_func *f) {
    driver *d = TG_NEW(f->arena, driver);
    d->f = f;
    index_rules(d);
    bool any = false;
    d->changed = true;
    for (uint32_t i = 0; i < MAX_SWEEPS && d->changed; i++) {
        d->changed = false;
        sweep(d, &f->body.body);
        any = any || d->changed;
    }
    return any;
}
