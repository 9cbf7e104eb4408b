/* Fills of whole tensors, as phases that store one value everywhere. */
#include "targets/x86/x86_internal.h"

const char tg_x86_fill_phase[] = "(fill)"; /* no label of a grid has parentheses */

static tg_value *bind_dim(tg_builder *b, tg_value *tensor, uint32_t d) {
    tg_value *extent = tg_build_dim(b, tensor, d), *zero = tg_build_int(b, TG_I64, 0);
    tg_axis *a = tg_func_add_axis(b->func, d == 0 ? TG_AXIS_GRID : TG_AXIS_LOCAL, b->func->name, b->span);
    tg_value *domain[] = {extent, zero, extent};
    tg_attr attr = tg_attr_axis(b->func->arena, TG_ATTR_AXIS, a);
    a->extent = -1;
    a->binder = tg_build_op(b, d == 0 ? TG_OP_PAR : TG_OP_AXIS, domain, 3, NULL, 0, &attr, 1);
    if (d == 0) {
        b->block = &a->binder->regions[0].body;
        b->before = NULL;
    }
    return tg_build_iota(b, a);
}

static void expand_fill(tg_func *f, tg_op *fill) {
    tg_value *tensor = tg_operand(fill, 0), *value = tg_operand(fill, 1), *index[8];
    tg_builder b = {f, fill->parent, fill, fill->span};
    tg_attr name = tg_attr_str(TG_ATTR_NAME, tg_x86_fill_phase);
    tg_op *phase = tg_build_op(&b, TG_OP_PHASE, NULL, 0, NULL, 0, &name, 1);
    b.block = &phase->regions[0].body;
    b.before = NULL;
    for (uint32_t d = 0; d < tensor->type->rank; d++) {
        index[d] = bind_dim(&b, tensor, d);
    }
    tg_op *store = tg_build_store(&b, tensor, value, index, tensor->type->rank, NULL);
    tg_op_set_attr(f, store, tg_attr_int(TG_ATTR_IN_BOUNDS, (1 << tensor->type->rank) - 1));
    tg_op_erase(fill);
}

static void visit(tg_op *op, void *user) {
    if (op->opcode == TG_OP_FILL) {
        expand_fill(user, op);
    }
}

void tg_x86_expand_fills(tg_func *f) {
    tg_ir_walk(f, visit, f);
}
