/* Operands that lie in panels already: a matrix of weights that its owner packed once (tg_packing).
 *
 *   B[k, n], panels of W columns:   [n / W][k][n % W]      a step along k is W elements, one of W columns is W times K
 *
 * For the nest of dot_emit.c that is a side in place, whose panels begin where columns are multiples of W; nothing else can
 * read such a tensor, so a kernel that would is refused. */
#include "targets/x86/dot_nest.h"

_Noreturn static void refuse(tg_x86 *x, const char *why) {
    x->message = why;
    tg_unwind_to(x->unwind, TG_ERROR_UNSUPPORTED);
}

static const tg_fparam *packed_param(const tg_x86 *x) {
    for (uint32_t i = 0; x->options->packed && i < x->f->n_params; i++) {
        if (x->options->packed[i] && x->f->params[i].value) {
            return &x->f->params[i];
        }
    }
    return NULL;
}

bool tg_x86_is_packed(const tg_x86 *x, const tg_value *v) {
    const tg_fparam *p = packed_param(x);
    return p && v->def && v->def->opcode == TG_OP_LOAD && tg_operand(v->def, 0) == p->value;
}

/* Is dimension d of the load indexed by one axis alone, from its first point on? */
static tg_axis *axis_of(const tg_op *load, uint32_t d) {
    const tg_value *index = tg_op_index(load, d);
    bool plain = index->def && index->def->opcode == TG_OP_IOTA && index->type->n_axes == 1;
    return plain ? index->type->axes[0] : NULL;
}

static bool feeds_products_alone(const tg_value *v) {
    for (const tg_use *u = v->uses; u; u = u->next) {
        if (u->user->opcode != TG_OP_DOT) {
            return false;
        }
    }
    return v->uses != NULL;
}

void tg_x86_check_packed(tg_x86 *x) {
    const tg_fparam *p = packed_param(x);
    if (!p) {
        return;
    }
    if (!x->machine->has_fma || x->options->baseline) {
        refuse(x, "operands are not packed on this machine: it has no products in registers");
    }
    for (const tg_use *u = p->value->uses; u; u = u->next) {
        const tg_op *op = u->user;
        bool reads = op->opcode == TG_OP_LOAD && tg_op_n_indices(op) == 2 && axis_of(op, 0) && axis_of(op, 1);
        if (op->opcode != TG_OP_DIM && (!reads || !feeds_products_alone(tg_result((tg_op *)(uintptr_t)op, 0)))) {
            refuse(x, "a packed operand must be a matrix that only products read, as it is");
        }
    }
}

/* Columns come from a packed operand: where they are and how far apart. */
void tg_x86_dot_open_packed(tg_dot_emission *e, tg_dot_side *s, const tg_axis *vector) {
    tg_x86 *x = e->x;
    const tg_op *op = s->value->def;
    tg_x86_tensor *t = tg_x86_tensor_of(x, tg_operand(op, 0));
    uint32_t dim = axis_of(op, 0) == vector ? 0 : 1;
    tg_axis *along = axis_of(op, 1 - dim);
    unsigned width = e->vecs * e->lanes;
    bool fits = t->dtype == e->d->dtype && axis_of(op, dim) == vector && e->d->n_over == 1 && along == e->d->over[0] && e->d->group <= 1;
    if (!fits || (vector->scheduled && vector->block % width)) {
        refuse(x, fits ? "blocks of the packed operand are no whole panels" : "the packed operand's lines must be what the product sums over, in the type of its sums");
    }
    if (x->packing.width && (x->packing.width != width || x->packing.dim != dim)) {
        refuse(x, "the products that read the packed operand want different panels");
    }
    LLVMBuilderRef b = e->l->builder;
    LLVMValueRef line = tg_llvm_i64(e->l, (int64_t)width * e->size);
    LLVMValueRef column = LLVMBuildMul(b, t->dim[1 - dim], tg_llvm_i64(e->l, e->size), "");
    LLVMValueRef from = LLVMBuildMul(b, x->ranges[vector->rank].first, column, "");
    from = LLVMBuildAdd(b, from, LLVMBuildMul(b, x->ranges[along->rank].first, line, ""), "");
    s->base = tg_llvm_gep(e->l, e->l->i8, t->base, from);
    s->axes[0] = axis_of(op, dim);
    s->step[0] = column;
    s->axes[1] = along;
    s->step[1] = line;
    s->n_axes = 2;
    x->packing = (tg_packing){dim, width};
}
