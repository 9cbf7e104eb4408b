/* Operands that lie in panels already: weights that their owner packed once (tg_packing).
 *
 *   B[k, n], panels of W columns:         [n / W][k][n % W]          a step along k is W elements, one of W columns is W times K
 *   F[r, s, c, n], a filter, the same:    [n / W][r][s][c][n % W]    along c W elements, along s W times C …
 *   in groups of G along k:               [n / W][k / G][n % W][k % G], and where rows are flipped a line of sums after each panel
 *
 * Elements lie as they are in the tensor, in 8 or 16 bits if they are so narrow there: few rows wait for memory, and what a tile converts as it
 * loads it is a few instructions beside its products.
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

/* ---- what panels hold -------------------------------------------------------------------------------------------- */

static bool is_integer(tg_dtype t) {
    tg_dtype_kind kind = tg_dtype_kind_of(t);
    return kind == TG_KIND_SINT || kind == TG_KIND_UINT;
}

/* Can tiles read elements of `t`, as they are or converting them? */
static bool holds(const tg_x86_dot *d, tg_dtype t) {
    bool halves = d->dtype == TG_F32 && (t == TG_BF16 || t == TG_F16);
    bool bytes = d->group > 1 && is_integer(t) && tg_dtype_bits(t) == 8;
    return t == d->dtype || halves || bytes;
}

/* Have they to convert them? */
static tg_dtype stored_as(const tg_dot_emission *e, tg_dtype t) {
    return tg_dtype_size(t) == tg_x86_dot_part_bytes(e) ? TG_DTYPE_NONE : t;
}

static bool is_equal(const tg_value *length, void *value) {
    int64_t n, other;
    return length == value || (tg_value_const_int(length, &n) && tg_value_const_int(value, &other) && n == other);
}

/* Does the axis run over all of dimension d of the load? */
static bool is_whole(const tg_axis *a, const tg_op *load, uint32_t d) {
    while (a->like) {
        a = a->like;
    }
    int64_t from;
    bool axis = a->binder && a->binder->opcode == TG_OP_AXIS && tg_value_const_int(tg_operand(a->binder, 1), &from) && from == 0;
    return axis && tg_operand(a->binder, 0) == tg_operand(a->binder, 2) && tg_x86_some_length(tg_operand(load, 0), d, is_equal, tg_operand(a->binder, 0));
}

/* In groups the ends of the lines are filled up, and sums are those of whole columns: the product has to sum over all of it. */
static bool sums_over_all(const tg_x86_dot *dot, const tg_op *op, uint32_t dim) {
    bool all = true;
    for (uint32_t d = 0; d < tg_op_n_indices(op) && all; d++) {
        const tg_axis *a = d == dim ? NULL : axis_of(op, d);
        all = d == dim || (a ? is_whole(a, op, d) : !dot->flip_rows);
    }
    return all;
}

static const char *why_not(const tg_dot_emission *e, const tg_op *op, uint32_t dim, const tg_axis *vector) {
    const tg_x86_dot *d = e->d;
    tg_dtype t = tg_operand(op, 0)->type->dtype;
    if (d->amx) {
        return "products on tile registers read no packed operand";
    }
    if (tg_result((tg_op *)(uintptr_t)op, 0)->type->dtype != t || !holds(d, t) || dim == tg_op_n_indices(op)) {
        return "the packed operand's lines must be what the product sums over, in the type of its sums or one of 8 or 16 bits that it takes";
    }
    if (d->group > 1 && !sums_over_all(d, op, dim)) {
        return "a product of 8-bit integers or bf16 must sum over all of the packed operand's lines";
    }
    return vector->scheduled && vector->block % (e->vecs * e->lanes) ? "blocks of the packed operand are no whole panels" : NULL;
}

static tg_packing packing_of(const tg_dot_emission *e, const tg_op *op, uint32_t dim) {
    const tg_x86_dot *d = e->d;
    tg_packing p = {.dim = dim, .width = e->vecs * e->lanes, .group = d->group};
    for (uint32_t k = 0; k < tg_op_n_indices(op) && d->group > 1; k++) {
        p.along = axis_of(op, k) == d->over[d->n_over - 1] ? k : p.along;
    }
    bool is_signed = tg_dtype_kind_of(tg_operand(op, 0)->type->dtype) == TG_KIND_SINT; /* the rows as well, from which 128 was taken otherwise */
    p.flips = !d->flip_rows ? 0 : is_signed ? -128 : 128;
    return p;
}

/* ---- where ------------------------------------------------------------------------------------------------------- */

/* Columns come from a packed operand: where they are and how far apart. */
void tg_x86_dot_open_packed(tg_dot_emission *e, tg_dot_side *s, const tg_axis *vector) {
    tg_x86 *x = e->x;
    LLVMBuilderRef b = e->l->builder;
    const tg_op *op = s->value->def;
    tg_x86_tensor *t = tg_x86_tensor_of(x, tg_operand(op, 0));
    uint32_t dim = dim_of_columns(e->d, op, vector);
    const char *why = why_not(e, op, dim, vector);
    if (why) {
        refuse(x, why);
    }
    tg_packing p = packing_of(e, op, dim);
    if (x->packing.width && !tg_packing_is(&x->packing, &p)) {
        refuse(x, "the products that read the packed operand want different panels");
    }
    e->stored = stored_as(e, t->dtype);
    int64_t word = tg_x86_dot_column_bytes(e->d->multiply, e->stored, e->size);
    LLVMValueRef from = tg_llvm_i64(e->l, 0), step = tg_llvm_i64(e->l, p.width * word), column = tg_llvm_i64(e->l, word);
    for (uint32_t d = t->rank; d-- > 0;) {
        tg_axis *a = axis_of(op, d);
        if (d == dim) {
            continue;
        }
        bool grouped = p.group > 1 && d == p.along; /* from its first point on */
        LLVMValueRef first = grouped ? tg_llvm_i64(e->l, 0) : a ? x->ranges[a->rank].first : tg_x86_scalar_of(x, tg_op_index(op, d));
        LLVMValueRef lines = grouped ? tg_llvm_ceil_div(e->l, t->dim[d], tg_llvm_i64(e->l, p.group)) : t->dim[d];
        from = LLVMBuildAdd(b, from, LLVMBuildMul(b, first, step, ""), "");
        if (a) {
            s->axes[s->n_axes] = a;
            s->step[s->n_axes++] = step;
        }
        step = LLVMBuildMul(b, step, lines, "");
        column = LLVMBuildMul(b, column, lines, "");
    }
    column = p.flips ? LLVMBuildAdd(b, column, tg_llvm_i64(e->l, e->size), "") : column;
    tg_axis *columns = axis_of(op, dim);
    from = LLVMBuildAdd(b, from, LLVMBuildMul(b, x->ranges[columns->rank].first, column, ""), "");
    s->base = tg_llvm_gep(e->l, e->l->i8, t->base, from);
    s->axes[s->n_axes] = columns;
    s->step[s->n_axes++] = column;
    x->packing = p;
}

LLVMValueRef tg_x86_dot_packed_sums(const tg_dot_emission *e, LLVMValueRef panel) {
    int64_t word = tg_x86_dot_column_bytes(e->d->multiply, e->stored, e->size);
    LLVMValueRef line = tg_llvm_i64(e->l, e->vecs * e->lanes * word);
    return tg_llvm_gep(e->l, e->l->i8, panel, LLVMBuildMul(e->l->builder, tg_x86_dot_extents(e, 0), line, ""));
}
