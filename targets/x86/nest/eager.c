/* The order in which a chain of partial assignments (assign.c) computes its values.
 *
 * Pulled from the results, a butterfly would keep all its inputs until its last output:
 *
 *   y0 = a + b    computed and written;  a and b stay, for  y1 = a - b  of the next assignment
 *
 * So in a chain, a value that has just been computed goes on to its users: those whose operands are all known now are
 * computed too, and an assignment whose value is known is done. a + b and a - b come together and a and b are free; the
 * registers hold about as many values as the butterfly has arms. Only arithmetic goes on like this: loads still wait
 * until somebody asks, and integers are addresses, which the instructions compute. */
#include "targets/x86/nest/nest.h"

struct tg_x86_eager {
    const tg_x86_nest *nest;
    tg_map *wanted; /* values that the chain computes */
    tg_x86_frame *frame;
    bool done[TG_X86_MAX_ROOTS];
};

static bool is_arithmetic(const tg_value *v) {
    return v->type->kind == TG_TYPE_TILE && v->type->n_axes > 0 && v->def && tg_op_is_elementwise(v->def->opcode) &&
           v->def->n_results == 1 && tg_dtype_is_float(tg_dtype_real(v->type->dtype));
}

static void want(tg_x86 *x, tg_map *wanted, tg_value *v) {
    if (!is_arithmetic(v) || x->buffers[v->id] || tg_map_has(wanted, v)) {
        return;
    }
    tg_map_set(wanted, v, v);
    for (uint32_t i = 0; i < v->def->n_operands; i++) {
        want(x, wanted, tg_operand(v->def, i));
    }
}

void tg_x86_eager_open(tg_x86 *x, const tg_x86_nest *n) {
    struct tg_x86_eager *e = TG_NEW(x->arena, struct tg_x86_eager);
    e->nest = n;
    e->wanted = tg_map_create(x->arena);
    for (uint32_t i = 0; i < n->roots.len; i++) {
        if (n->roots.data[i].kind == TG_X86_ROOT_SET) {
            want(x, e->wanted, tg_operand(n->roots.data[i].op, 1));
        }
    }
    x->eager = e;
}

void tg_x86_eager_close(tg_x86 *x) {
    x->eager = NULL;
}

static bool is_known(const tg_value *v, tg_x86_frame *f) {
    return v->type->n_axes == 0 || tg_map_has(tg_x86_frame_of(f, v->type)->memo, v);
}

static bool is_ready(const tg_op *op, tg_x86_frame *f) {
    bool ready = true;
    for (uint32_t i = 0; i < op->n_operands && ready; i++) {
        ready = is_known(tg_operand(op, i), f);
    }
    return ready;
}

static void assign(tg_x86 *x, uint32_t root) {
    struct tg_x86_eager *e = x->eager;
    if (!e->done[root]) {
        e->done[root] = true;
        tg_op *op = e->nest->roots.data[root].op;
        tg_x86_place *back = tg_x86_move_to(x, e->frame->place);
        void *location = tg_x86_debug_enter(x, op);
        tg_x86_set_point(x, e->nest, e->frame, op);
        tg_x86_debug_leave(x, location);
        tg_x86_move_to(x, back);
    }
}

static void assign_value(tg_x86 *x, const tg_op *op, const tg_value *v) {
    const tg_x86_nest *n = x->eager->nest;
    for (uint32_t i = 0; i < n->roots.len; i++) {
        if (n->roots.data[i].kind == TG_X86_ROOT_SET && n->roots.data[i].op == op && tg_operand(op, 1) == v) {
            assign(x, i);
        }
    }
}

void tg_x86_eager_go_on(tg_x86 *x, tg_x86_frame *f, tg_value *v) {
    const struct tg_x86_eager *e = x->eager;
    if (!e || e->frame != f) {
        return;
    }
    for (const tg_use *u = v->uses; u; u = u->next) {
        tg_value *result = u->user->n_results == 1 ? tg_result(u->user, 0) : NULL;
        if (result && tg_map_has(e->wanted, result) && !is_known(result, f) && is_ready(u->user, f)) {
            (void)tg_x86_eval(x, f, result);
        }
        assign_value(x, u->user, v);
    }
}

void tg_x86_run_chain(tg_x86 *x, tg_x86_frame *f) {
    struct tg_x86_eager *e = x->eager;
    e->frame = f;
    for (uint32_t i = 0; i < TG_X86_MAX_ROOTS; i++) {
        e->done[i] = false;
    }
    for (uint32_t i = 0; i < e->nest->roots.len; i++) {
        if (e->nest->roots.data[i].kind == TG_X86_ROOT_SET) {
            assign(x, i);
        }
    }
    e->frame = NULL;
}
