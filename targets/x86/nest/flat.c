/* Rows that follow each other without a gap are one row.
 *
 *     for p in P: for q in Q: Y[p, q] = f(X[p, q])        is, where all rows are as far apart as Q is long,
 *     for q in P·Q: Y[0, q] = f(X[0, q])
 *
 * with one loop's begin and end instead of P, and one rest under a mask: rows of 10 fill vectors of 8. The nest stays as it is;
 * the sizes of its two axes are chosen at run time. Points of Q may be a few elements, as of pixels (memory/pixels.c). */
#include "targets/x86/memory/memory.h"
#include "targets/x86/nest/nest.h"

/* A tensor whose rows must follow each other: the dimension of its rows, the elements of a point. */
typedef struct follower {
    tg_value *tensor;
    uint32_t d;
    int64_t elements;
} follower;

typedef struct finder {
    tg_x86 *x;
    const tg_axis *row, *column;
    tg_map *seen;
    TG_VEC(follower) tensors;
} finder;

static bool is_iota(const tg_value *v, const tg_axis *a) {
    while (v->def && v->def->opcode == TG_OP_BROADCAST) {
        v = tg_operand(v->def, 0);
    }
    return v->def && v->def->opcode == TG_OP_IOTA && tg_op_axis(v->def, TG_ATTR_AXIS) == a;
}

static bool depends(const finder *f, const tg_value *v) {
    return tg_type_has_axis(v->type, f->row) || tg_type_has_axis(v->type, f->column);
}

static bool is_inside(tg_x86 *x, const tg_op *op, uint32_t d) {
    return tg_op_int(op, TG_ATTR_IN_BOUNDS, 0) >> d & 1 || tg_x86_checked_at_launch(x, op, d);
}

/* Is the access T[…, p, q], or T[…, p, q, channel]? */
static bool see_access(finder *f, const tg_op *op) {
    uint32_t rank = tg_op_n_indices(op), q = rank - 1;
    tg_value *tensor = tg_operand(op, 0);
    int64_t elements = 1;
    if (rank < 2 || tg_dtype_bits(tensor->type->dtype) < 8 || !tg_x86_may_be_unit(tensor)) {
        return false;
    }
    if (!is_iota(tg_op_index(op, q), f->column)) {
        elements = tg_x86_packed_stride(f->x, tensor, --q);
    }
    for (uint32_t d = 0; d < rank; d++) {
        if (d != q && d + 1 != q && depends(f, tg_op_index(op, d))) {
            return false;
        }
    }
    bool fits = q > 0 && elements > 0 && is_iota(tg_op_index(op, q - 1), f->row) && is_iota(tg_op_index(op, q), f->column);
    for (uint32_t d = q - 1; fits && d < rank; d++) {
        fits = is_inside(f->x, op, d);
    }
    tg_vec_push(f->x->arena, &f->tensors, ((follower){tensor, q - 1, elements}));
    return fits;
}

/* Does the value at a point come from the same point of tensors, and from nothing else of the axes? */
static bool see_value(finder *f, const tg_value *v) {
    const tg_op *op = v->def;
    if (!depends(f, v) || tg_map_has(f->seen, v)) {
        return true;
    }
    tg_map_set(f->seen, v, f);
    if (!op || f->x->buffers[v->id] || op->opcode == TG_OP_IOTA) {
        return false;
    }
    if (op->opcode == TG_OP_LOAD) {
        return see_access(f, op);
    }
    const tg_op *stored = tg_x86_read_back(f->x, v);
    if (stored && !see_access(f, stored)) {
        return false;
    }
    bool fits = tg_op_is_elementwise(op->opcode) || op->opcode == TG_OP_BROADCAST;
    for (uint32_t i = 0; fits && i < op->n_operands; i++) {
        fits = see_value(f, tg_operand(op, i));
    }
    return fits;
}

static bool see_roots(finder *f, const tg_x86_nest *n) {
    for (uint32_t i = 0; i < n->roots.len; i++) {
        const tg_x86_root *r = &n->roots.data[i];
        if (r->kind != TG_X86_ROOT_STORE || tg_op_guard(r->op) || !see_access(f, r->op) || !see_value(f, tg_operand(r->op, 1))) {
            return false;
        }
    }
    return true;
}

void tg_x86_open_flat(tg_x86 *x, const tg_x86_nest *n, tg_x86_flat *flat) {
    *flat = (tg_x86_flat){0};
    uint32_t n_outer = n->n_outer - (n->channels != NULL);
    if (!x->unit || n_outer < 2 || n->n_inner || n->tile || n->partner || n->vector != n->outer[n_outer - 1]) {
        return;
    }
    finder f = {.x = x, .row = n->outer[n_outer - 2], .column = n->vector, .seen = tg_map_create(x->arena)};
    if (!see_roots(&f, n)) {
        return;
    }
    *flat = (tg_x86_flat){f.row, f.column, x->ranges[f.row->rank], x->ranges[f.column->rank]};
    LLVMBuilderRef b = x->builder;
    tg_x86_range *p = &x->ranges[f.row->rank], *q = &x->ranges[f.column->rank];
    LLVMValueRef follow = LLVMConstInt(x->l->i1, 1, 0), one = tg_llvm_i64(x->l, 1);
    for (uint32_t i = 0; i < f.tensors.len; i++) {
        const follower *k = &f.tensors.data[i];
        LLVMValueRef length = LLVMBuildMul(b, q->size, tg_llvm_i64(x->l, k->elements), "");
        follow = LLVMBuildAnd(b, follow, LLVMBuildICmp(b, LLVMIntEQ, tg_x86_tensor_of(x, k->tensor)->stride[k->d], length, ""), "");
    }
    LLVMValueRef all = LLVMBuildMul(b, p->size, q->size, "");
    q->size = LLVMBuildSelect(b, follow, all, q->size, "");
    q->bound = p->bound * q->bound;
    p->size = LLVMBuildSelect(b, follow, tg_llvm_min64(x->l, p->size, one), p->size, "");
}

void tg_x86_close_flat(tg_x86 *x, const tg_x86_flat *flat) {
    if (flat->row) {
        x->ranges[flat->row->rank] = flat->rows;
        x->ranges[flat->column->rank] = flat->columns;
    }
}
