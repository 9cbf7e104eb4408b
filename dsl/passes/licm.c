/* Loop-invariant code. Idea: an operation directly in the body of a for or while moves in front
 * of the loop if it is pure (or a load of a tensor its phase does not write, or an `axis`), its
 * operands are defined outside, and no axis of its results or attributes is bound inside. Inner
 * loops first, so that code moves out of a whole nest. All operations are total, so running
 * one for a loop of no iterations is harmless. Terminates: every step lowers the nesting
 * depth of an operation. */
#include "dsl/passes/passes.h"
#include "dsl/passes/rewrite.h"

typedef struct mover {
    tg_func *f;
    rewrite_writes writes;
    bool changed;
} mover;

static bool defined_inside(const tg_value *v, const tg_op *loop) {
    const tg_op *owner = v->def ? v->def : v->block->parent->parent;
    return owner && (v->def ? rewrite_is_inside(owner, loop)
                            : owner == loop || rewrite_is_inside(owner, loop));
}

static bool bound_inside(const tg_axis *a, const tg_op *loop) {
    for (; a; a = a->like) {
        if (a->binder == loop || (a->binder && rewrite_is_inside(a->binder, loop))) {
            return true;
        }
    }
    return false;
}

static bool axes_outside(const tg_op *op, const tg_op *loop) {
    for (uint32_t i = 0; i < op->n_results; i++) {
        const tg_type *t = op->results[i].type;
        for (uint32_t j = 0; j < t->n_axes; j++) {
            if (bound_inside(t->axes[j], loop)) {
                return false;
            }
        }
    }
    for (uint32_t i = 0; i < op->n_attrs; i++) {
        for (uint32_t j = 0; j < op->attrs[i].n_axes; j++) {
            const tg_axis *a = op->attrs[i].axes[j];
            if (a->binder == op ? bound_inside(a->like, loop) : bound_inside(a, loop)) {
                return false;
            }
        }
    }
    return true;
}

static bool is_movable(mover *m, const tg_op *op) {
    if (op->opcode == TG_OP_LOAD) {
        tg_op *phase = rewrite_phase_of(op);
        return phase && !rewrite_is_written(&m->writes, phase, tg_operand(op, 0));
    }
    return rewrite_is_pure(op) || op->opcode == TG_OP_AXIS;
}

static bool is_invariant(mover *m, const tg_op *op, const tg_op *loop) {
    if (!is_movable(m, op)) {
        return false;
    }
    for (uint32_t i = 0; i < op->n_operands; i++) {
        if (defined_inside(tg_operand(op, i), loop)) {
            return false;
        }
    }
    return axes_outside(op, loop);
}

static void visit_block(mover *m, tg_block *block);

static void hoist_from(mover *m, tg_op *loop) {
    for (uint32_t r = 0; r < loop->n_regions; r++) {
        for (tg_op *op = loop->regions[r].body.first, *next; op; op = next) {
            next = op->next;
            if (is_invariant(m, op, loop)) {
                tg_op_move_before(op, loop);
                m->changed = true;
            }
        }
    }
}

static void visit_block(mover *m, tg_block *block) {
    for (tg_op *op = block->first; op; op = op->next) {
        for (uint32_t r = 0; r < op->n_regions; r++) {
            visit_block(m, &op->regions[r].body);
        }
        if (op->opcode == TG_OP_FOR || op->opcode == TG_OP_WHILE) {
            hoist_from(m, op);
        }
    }
}

bool tg_pass_licm(tg_func *f) {
    mover m = {.f = f};
    rewrite_writes_init(&m.writes, f);
    visit_block(&m, &f->body.body);
    return m.changed;
}
