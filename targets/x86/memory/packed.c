/* Operands that lie in panels already: weights that their owner packed once (tg_packing).
 *
 *   B[k, n], panels of W columns:         [n / W][k][n % W]          a step along k is W elements, one of W columns is W times K
 *   F[r, s, c, n], a filter, the same:    [n / W][r][s][c][n % W]    along c W elements, along s W times C …
 *
 * For the nest of dot_emit.c that is a side in place, whose panels begin where columns are multiples of W; nothing else can
 * read such a tensor, so a kernel that would is refused. */
#include "targets/x86/dot/dot_nest.h"
#include "targets/x86/memory/memory.h"

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

/* Is every dimension indexed by an axis of its own, or by a scalar? */
static bool is_plain_load(const tg_op *op) {
    for (uint32_t d = 0; d < tg_op_n_indices(op); d++) {
        const tg_axis *a = axis_of(op, d);
        if (!a && tg_op_index(op, d)->type->n_axes > 0) {
            return false;
        }
        for (uint32_t e = 0; a && e < d; e++) {
            if (axis_of(op, e) == a) {
                return false;
            }
        }
    }
    return tg_op_n_indices(op) > 1;
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
        bool reads = op->opcode == TG_OP_LOAD && is_plain_load(op);
        if (op->opcode != TG_OP_DIM && (!reads || !feeds_products_alone(tg_result((tg_op *)(uintptr_t)op, 0)))) {
            refuse(x, "a packed operand must be one that only products read, as it is");
        }
    }
}

/* Does dimension d run along the panels' lines: over an axis that the product sums over, or at a scalar that is known to be inside? */
static bool is_along(const tg_x86_dot *dot, const tg_op *op, uint32_t d) {
    const tg_axis *a = axis_of(op, d);
    return a ? tg_op_reduces_over(dot->op, a) : tg_op_int(op, TG_ATTR_IN_BOUNDS, 0) >> d & 1;
}

/* The dimension of the columns if the others are all that the product sums over; else their number. */
static uint32_t dim_of_columns(const tg_x86_dot *dot, const tg_op *op, const tg_axis *vector) {
    uint32_t rank = tg_op_n_indices(op), dim = rank, along = 0;
    for (uint32_t d = 0; d < rank; d++) {
        if (axis_of(op, d) == vector) {
            dim = d;
        } else if (!is_along(dot, op, d)) {
            return rank;
        }
        along += axis_of(op, d) && axis_of(op, d) != vector;
    }
    return along == dot->n_over ? dim : rank;
}

/* Columns come from a packed operand: where they are and how far apart. */
void tg_x86_dot_open_packed(tg_dot_emission *e, tg_dot_side *s, const tg_axis *vector) {
    tg_x86 *x = e->x;
    LLVMBuilderRef b = e->l->builder;
    const tg_op *op = s->value->def;
    tg_x86_tensor *t = tg_x86_tensor_of(x, tg_operand(op, 0));
    unsigned width = e->vecs * e->lanes;
    uint32_t dim = dim_of_columns(e->d, op, vector);
    bool fits = t->dtype == e->d->dtype && dim < t->rank && e->d->group <= 1;
    if (!fits || (vector->scheduled && vector->block % width)) {
        refuse(x, fits ? "blocks of the packed operand are no whole panels" : "the packed operand's lines must be what the product sums over, in the type of its sums");
    }
    if (x->packing.width && (x->packing.width != width || x->packing.dim != dim)) {
        refuse(x, "the products that read the packed operand want different panels");
    }
    LLVMValueRef from = tg_llvm_i64(e->l, 0), step = tg_llvm_i64(e->l, (int64_t)width * e->size), column = tg_llvm_i64(e->l, e->size);
    for (uint32_t d = t->rank; d-- > 0;) {
        tg_axis *a = axis_of(op, d);
        if (d == dim) {
            continue;
        }
        LLVMValueRef first = a ? x->ranges[a->rank].first : tg_x86_scalar_of(x, tg_op_index(op, d));
        from = LLVMBuildAdd(b, from, LLVMBuildMul(b, first, step, ""), "");
        if (a) {
            s->axes[s->n_axes] = a;
            s->step[s->n_axes++] = step;
        }
        step = LLVMBuildMul(b, step, t->dim[d], "");
        column = LLVMBuildMul(b, column, t->dim[d], "");
    }
    tg_axis *columns = axis_of(op, dim);
    from = LLVMBuildAdd(b, from, LLVMBuildMul(b, x->ranges[columns->rank].first, column, ""), "");
    s->base = tg_llvm_gep(e->l, e->l->i8, t->base, from);
    s->axes[s->n_axes] = columns;
    s->step[s->n_axes++] = column;
    x->packing = (tg_packing){dim, width};
}
