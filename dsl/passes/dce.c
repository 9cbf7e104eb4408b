/* Dead code. Idea: mark from the roots (stores, atomics, fills, prints, assertions,
 * assumptions) backwards through values; what is not marked goes. Optimistic, so a carried
 * value that only feeds its own next iteration is dead:
 *
 *   %r, %d = for … %a, %b (%x, %y) { … yield %x1, %y1 }   with %d unused and %y used only for
 * %y1
 *   →  %r = for … %a (%x) { … yield %x1 }
 *
 * An `axis` operation is live if a live operation's type or attribute names its axis.
 * Terminates: one mark, one sweep. */
#include "dsl/passes/passes.h"
#include "dsl/passes/rewrite.h"

typedef struct marker {
    tg_func *f;
    uint8_t *op_live, *value_live;
    TG_VEC(tg_op *) ops; /* marked, not yet followed */
    TG_VEC(tg_value *) values;
} marker;

static void mark_op(marker *m, tg_op *op) {
    if (op && !m->op_live[op->id]) {
        m->op_live[op->id] = 1;
        tg_vec_push(m->f->arena, &m->ops, op);
    }
}

static void mark_value(marker *m, tg_value *v) {
    if (!m->value_live[v->id]) {
        m->value_live[v->id] = 1;
        tg_vec_push(m->f->arena, &m->values, v);
    }
}

static void mark_axis(marker *m, const tg_axis *a) {
    for (; a; a = a->like) {
        mark_op(m, a->binder);
    }
}

static void mark_type(marker *m, const tg_type *t) {
    for (uint32_t i = 0; i < t->n_axes; i++) {
        mark_axis(m, t->axes[i]);
    }
}

/* FOR and IF keep results one by one; every other operation needs all that its regions
 * yield. */
static bool is_partial(const tg_op *op) {
    return op->opcode == TG_OP_FOR || op->opcode == TG_OP_IF;
}

static void follow_op(marker *m, tg_op *op) {
    uint32_t n = op->opcode == TG_OP_FOR ? TG_FOR_CARRIED : op->n_operands;
    bool selective = op->opcode == TG_OP_YIELD && is_partial(op->parent->parent->parent);
    for (uint32_t i = 0; i < n && !selective; i++) {
        mark_value(m, tg_operand(op, i));
    }
    for (uint32_t i = 0; i < op->n_attrs; i++) {
        for (uint32_t j = 0; j < op->attrs[i].n_axes; j++) {
            mark_axis(m, op->attrs[i].axes[j]);
        }
    }
    for (uint32_t i = 0; i < op->n_results; i++) {
        mark_type(m, op->results[i].type);
    }
    mark_op(m, op->parent->parent->parent);
    for (uint32_t r = 0; r < op->n_regions; r++) {
        tg_op *end = rewrite_terminator(&op->regions[r].body);
        mark_op(m, end);
        for (uint32_t i = 0; i < op->regions[r].body.n_args && !is_partial(op); i++) {
            mark_value(m, op->regions[r].body.args[i]);
        }
    }
}

/* Carried value i of a loop: its initial value, argument, yielded value live and die
 * together. */
static void mark_carried(marker *m, tg_op *op, uint32_t i) {
    tg_op *yield = rewrite_terminator(&op->regions[0].body);
    mark_value(m, tg_operand(op, TG_FOR_CARRIED + i));
    mark_value(m, op->regions[0].body.args[tg_region_first_carried(op) + i]);
    mark_value(m, &op->results[i]);
    mark_value(m, tg_operand(yield, i));
}

static void follow_value(marker *m, tg_value *v) {
    mark_type(m, v->type);
    if (!v->def) {
        tg_op *owner = v->block->parent->parent;
        mark_op(m, owner);
        if (owner && owner->opcode == TG_OP_FOR && v->index >= tg_region_first_carried(owner)) {
            mark_carried(m, owner, v->index - tg_region_first_carried(owner));
        }
        return;
    }
    mark_op(m, v->def);
    if (v->def->opcode == TG_OP_FOR) {
        mark_carried(m, v->def, v->index);
    } else if (v->def->opcode == TG_OP_IF) {
        for (uint32_t r = 0; r < 2; r++) {
            mark_value(m, tg_operand(rewrite_terminator(&v->def->regions[r].body), v->index));
        }
    }
}

static void mark_roots(tg_op *op, void *user) {
    marker *m = user;
    tg_effect effect = tg_op_info_of(op->opcode)->effect;
    bool root = effect == TG_EFF_WRITE || effect == TG_EFF_ATOMIC || effect == TG_EFF_IO ||
                op->opcode == TG_OP_ASSUME;
    if (root) {
        mark_op(m, op);
    }
}

static void mark_all(marker *m) {
    tg_ir_walk(m->f, mark_roots, m);
    while (m->ops.len || m->values.len) {
        while (m->ops.len) {
            follow_op(m, m->ops.data[--m->ops.len]);
        }
        if (m->values.len) {
            follow_value(m, m->values.data[--m->values.len]);
        }
    }
}

static bool trim_results(const marker *m, tg_op *op) {
    bool *keep = TG_NEW_ARRAY(m->f->arena, bool, op->n_results + 1u), all = true;
    for (uint32_t i = 0; i < op->n_results; i++) {
        keep[i] = m->value_live[op->results[i].id];
        all = all && keep[i];
    }
    if (!all) {
        rewrite_keep_results(m->f, op, keep);
    }
    return !all;
}

/* Later operations first, so that the uses of a dead value are gone before its definition. */
static bool sweep_block(const marker *m, tg_block *block) {
    bool changed = false;
    for (tg_op *op = block->last, *prev; op; op = prev) {
        prev = op->prev;
        if (!m->op_live[op->id] && op->opcode != TG_OP_YIELD) {
            tg_op_erase(op);
            changed = true;
            continue;
        }
        for (uint32_t r = 0; r < op->n_regions; r++) {
            changed |= sweep_block(m, &op->regions[r].body);
        }
    }
    return changed;
}

/* Results of dead inner operations may still be used by a live yield; those are trimmed
 * first, from the outside in. */
static bool trim_block(const marker *m, tg_block *block) {
    bool changed = false;
    for (tg_op *op = block->first, *next; op; op = next) {
        next = op->next;
        if (!m->op_live[op->id]) {
            continue;
        }
        for (uint32_t r = 0; r < op->n_regions; r++) {
            changed |= trim_block(m, &op->regions[r].body);
        }
        if (is_partial(op) && op->n_results) {
            changed |= trim_results(m, op);
        }
    }
    return changed;
}

bool tg_pass_dce(tg_func *f) {
    marker m = {.f = f};
    uint32_t n_ops =
        f->next_op_id * 2u +
        1024u; /* trimming makes new operations: at most a loop and a yield for each old one */
    m.op_live = TG_NEW_ARRAY(f->arena, uint8_t, n_ops);
    m.value_live = TG_NEW_ARRAY(f->arena, uint8_t, f->next_value_id + 1u);
    mark_all(&m);
    uint32_t first_new = f->next_op_id;
    bool changed = trim_block(&m, &f->body.body);
    for (uint32_t i = first_new; i < f->next_op_id && i < n_ops; i++) {
        m.op_live[i] = 1;
    }
    return sweep_block(&m, &f->body.body) || changed;
}
