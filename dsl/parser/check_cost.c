/* Warnings about code that is right but may not do what its author expects: loops that wait for other instances (W0807),
 * tiles too large for registers that cannot be streamed (W0803). */
#include "dsl/parser/check_form.h"

/* ---- waiting --------------------------------------------------------------------------- */

typedef struct wait {
    tg_check *c;
    tg_op *loop;
    tg_map *seen;
    const tg_op *found; /* what reads memory that only others change */
} wait;

static bool is_inside(const tg_op *op, const tg_op *loop) {
    while (op && op != loop) {
        op = op->parent->parent->parent;
    }
    return op == loop;
}

/* The same in every iteration: computed outside, or from such values without memory. */
static bool is_invariant(const wait *w, const tg_value *v) {
    const tg_op *op = v->def;
    if (!op) {
        return !is_inside(v->block->parent->parent, w->loop);
    }
    if (!is_inside(op, w->loop)) {
        return true;
    }
    bool plain = op->n_regions == 0 && tg_op_info_of(op->opcode)->effect == TG_EFF_NONE;
    for (uint32_t i = 0; plain && i < op->n_operands; i++) {
        plain = is_invariant(w, tg_operand(op, i));
    }
    return plain;
}

static void note_store(tg_op *op, void *user) {
    wait *w = user;
    if (op->opcode == TG_OP_STORE && is_inside(op, w->loop)) {
        tg_map_set(w->seen, tg_operand(op, 0), w);
    }
}

/* Memory that other instances may change and this loop does not. */
static bool is_shared(const wait *w, const tg_value *tensor) {
    if (tg_map_has(w->seen, tensor)) {
        return false;
    }
    for (uint32_t i = 0; i < w->c->func->n_params; i++) {
        const tg_fparam *p = &w->c->func->params[i];
        if (p->value == tensor) {
            return p->kind == TG_FP_INOUT || p->kind == TG_FP_OUT;
        }
    }
    return tensor->def != NULL; /* temp, or a view of a pointer */
}

/* A read that gives the same until somebody else writes: a load, or an exchange of a constant as locks do it. */
static bool waits(const wait *w, const tg_op *op) {
    bool load = op->opcode == TG_OP_LOAD, cas = op->opcode == TG_OP_CAS;
    bool exchange =
        op->opcode == TG_OP_ATOMIC && tg_op_enum(op, TG_ATTR_FN, TG_ENUM_NONE) == TG_FN_XCHG;
    if ((!load && !cas && !exchange) || !is_shared(w, tg_operand(op, 0))) {
        return false;
    }
    for (uint32_t i = 1; i < op->n_operands; i++) {
        if (!is_invariant(w, tg_operand(op, i))) {
            return false;
        }
    }
    return true;
}

static void visit(wait *w, const tg_value *v);

static void visit_operands(wait *w, const tg_op *op, uint32_t first) {
    for (uint32_t i = first; op && i < op->n_operands; i++) {
        visit(w, tg_operand(op, i));
    }
}

/* Everything inside the loop that the value may depend on. */
static void visit(wait *w, const tg_value *v) {
    const tg_op *op = v->def ? v->def : v->block->parent->parent;
    if (w->found || tg_map_has(w->seen, v) || !is_inside(op, w->loop)) {
        return;
    }
    tg_map_set(w->seen, v, w);
    if (v->def && waits(w, op)) {
        w->found = op;
        return;
    }
    if (op != w->loop) {
        visit_operands(w, op, 0);
    }
    for (uint32_t r = 0; r < op->n_regions; r++) {
        visit_operands(w, op->regions[r].body.last, 0);
    }
}

static void check_wait(tg_op *op, void *user) {
    tg_check *c = user;
    const tg_op *test = op->opcode == TG_OP_WHILE ? op->regions[0].body.last : NULL;
    if (!test || test->opcode != TG_OP_CONDITION) {
        return;
    }
    wait w = {c, op, tg_map_create(c->arena), NULL};
    tg_ir_walk(c->func, note_store, &w);
    visit(&w, tg_operand(test, 0));
    if (!w.found) {
        return;
    }
    const char *name = tg_operand(w.found, 0)->name;
    tg_diag *d = tg_report(c->diags, TG_W0807, w.found->span,
                           "this loop may wait for another instance to store %s",
                           name ? name : "the value");
    tg_diag_add_note(c->diags, d,
                     "instances of a grid may run one after the other: it may wait for ever");
    tg_diag_add_help(c->diags, d, "put what comes after the store into a second grid");
}

/* ---- scratch --------------------------------------------------------------------------- */

enum { SCRATCH_LIMIT = 256 << 10 }; /* what a second-level cache holds */

/* Bytes of a tile per point of its blocks; 0 if an extent is not known here. */
static int64_t bytes_of(const tg_type *t) {
    int64_t n = (tg_dtype_bits(t->dtype) + 7) / 8;
    for (uint32_t i = 0; i < t->n_axes; i++) {
        const tg_axis *a = t->axes[i];
        int64_t extent = a->kind == TG_AXIS_LOCAL ? a->extent : 1;
        if (extent < 0 || (extent > 0 && n > INT64_MAX / extent)) {
            return 0;
        }
        n *= extent;
    }
    return n;
}

static void check_scratch(tg_op *op, void *user) {
    tg_check *c = user;
    bool sorts = op->opcode == TG_OP_SORT;
    if (!sorts && op->opcode != TG_OP_REINDEX && op->opcode != TG_OP_REINDEX_SET) {
        return;
    }
    const tg_type *t = tg_operand(op, 0)->type;
    int64_t bytes = bytes_of(t);
    if (bytes <= SCRATCH_LIMIT) {
        return;
    }
    const tg_axis *longest = NULL;
    for (uint32_t i = 0; i < t->n_axes; i++) {
        const tg_axis *a = t->axes[i];
        longest =
            a->kind == TG_AXIS_LOCAL && (!longest || a->extent > longest->extent) ? a : longest;
    }
    tg_diag *d = tg_report(c->diags, TG_W0803, op->span,
                           "the tile of axis '%s' uses %lld KB of scratch memory per instance",
                           longest->name, (long long)(bytes >> 10));
    tg_diag_add_note(c->diags, d, "a tile that is %s has to be held whole",
                     sorts ? "sorted" : "indexed by name");
}

void tg_check_costs(tg_check *c) {
    tg_ir_walk(c->func, check_wait, c);
    tg_ir_walk(c->func, check_scratch, c);
}
