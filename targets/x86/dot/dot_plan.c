/* Which axis of a dot plays which part; see dot.h.
 *
 * The vector axis is the decision that matters. In order of preference: an axis along which an operand can be read in place; an
 * axis of an operand that does not change in the loop around, which is laid out once; an axis whose panel is packed from
 * contiguous memory; an axis whose panel has to be gathered; an axis whose panel has to be packed again and again, for every
 * point of another axis of its side, as that of an image in windows for every row. */
#include "dsl/ir/affine.h"
#include "targets/x86/dot/dot.h"
#include "targets/x86/memory/memory.h"

enum { PACKED = -2, CHOSEN = -1, IN_PLACE = 0, INVARIANT = 1, CONTIGUOUS = 2, GATHERED = 3, REPEATED = 4, TINY = 5, NEVER = 100 };

static bool has(const tg_value *v, const tg_axis *a) {
    return tg_type_has_axis(v->type, a);
}

/* Do all loads behind `v` step by one element along `a`? */
static bool is_contiguous(tg_x86 *x, const tg_value *v, const tg_axis *a) {
    const tg_op *op = v->def;
    if (!has(v, a)) {
        return true;
    }
    if (op && op->opcode == TG_OP_LOAD) {
        uint32_t rank = tg_op_n_indices(op);
        for (uint32_t d = 0; d < rank; d++) {
            tg_affine form;
            int64_t c;
            tg_value *symbol;
            bool affine = tg_affine_of(x->arena, tg_op_index(op, d), &form) && tg_affine_axis_coeff(&form, a, &c, &symbol);
            if (!affine ? has(tg_op_index(op, d), a) : c != 0 && (d + 1 != rank || c != 1 || symbol)) {
                return false;
            }
        }
        return true;
    }
    if (!op || !(tg_op_is_elementwise(op->opcode) || op->opcode == TG_OP_REINDEX)) {
        return false;
    }
    for (uint32_t i = 0; i < op->n_operands; i++) {
        if (!is_contiguous(x, tg_operand(op, i), a)) {
            return false;
        }
    }
    return true;
}

/* Has the operand axes of its own beside `a`, with more points than `least`? The nest has loops over them around its panels. */
static bool has_more(const tg_op *op, uint32_t side, const tg_axis *a, int64_t least) {
    const tg_type *t = tg_operand(op, side)->type;
    for (uint32_t i = 0; i < t->n_axes; i++) {
        bool longer = t->axes[i]->extent < 0 || t->axes[i]->extent > least;
        if (t->axes[i] != a && longer && !has(tg_operand(op, 1 - side), t->axes[i]) && !tg_op_reduces_over(op, t->axes[i])) {
            return true;
        }
    }
    return false;
}

static int vector_rank(tg_x86 *x, const tg_op *op, uint32_t side, tg_axis *a, tg_dtype dtype) {
    tg_value *v = tg_operand(op, side);
    if (!has(v, a) || has(tg_operand(op, 1 - side), a) || tg_op_reduces_over(op, a)) {
        return NEVER;
    }
    int tiny = a->extent >= 0 && a->extent < 6 ? TINY : 0;
    bool contiguous = is_contiguous(x, v, a), again = has_more(op, side, a, 0) && !tg_x86_dot_may_stay(x, v, dtype, a);
    if (contiguous && !again && v->def && v->def->opcode == TG_OP_LOAD && v->type->dtype == dtype) {
        return IN_PLACE + tiny;
    }
    if (v->def && v->def->parent != op->parent) {
        return INVARIANT + tiny;
    }
    return (again ? REPEATED : contiguous ? CONTIGUOUS : GATHERED) + tiny;
}

static tg_dtype accumulator(const tg_op *op) {
    tg_dtype t = tg_result(op, 0)->type->dtype;
    for (uint32_t i = 0; i < 2; i++) {
        tg_dtype from = tg_operand(op, i)->type->dtype;
        bool floats = tg_dtype_kind_of(from) == TG_KIND_FLOAT && (t == TG_F32 || (t == TG_F64 && from == TG_F64));
        bool ints = (t == TG_I32 || t == TG_U32) && tg_dtype_bits(from) <= 32 &&
                    (tg_dtype_kind_of(from) == TG_KIND_SINT || tg_dtype_kind_of(from) == TG_KIND_UINT);
        if (!floats && !ints) {
            return TG_BOOL;
        }
    }
    return t;
}

/* Does a store beside the product run along `a`? */
static bool is_stored_along(const tg_op *op, const tg_axis *a) {
    for (const tg_op *o = op->parent->first; o; o = o->next) {
        uint32_t rank = o->opcode == TG_OP_STORE ? tg_op_n_indices(o) : 0;
        if (rank && tg_type_has_axis(tg_op_index(o, rank - 1)->type, a)) {
            return true;
        }
    }
    return false;
}

/* Of two axes of equal rank: are results stored along `a`, or is it alone on its side, or else longer? */
static bool is_better(const tg_x86_dot *d, uint32_t side, const tg_axis *a) {
    const tg_axis *b = d->vector;
    bool along = is_stored_along(d->op, a), had_along = is_stored_along(d->op, b);
    bool more = has_more(d->op, side, a, 1), had_more = has_more(d->op, d->side, b, 1);
    return along != had_along ? along : more != had_more ? had_more : b->extent >= 0 && (a->extent < 0 || a->extent > b->extent);
}

static int best_vector(tg_x86 *x, tg_x86_dot *d) {
    int best = NEVER;
    for (uint32_t side = 0; side < 2; side++) {
        const tg_type *t = tg_operand(d->op, side)->type;
        for (uint32_t i = 0; i < t->n_axes; i++) {
            int r = vector_rank(x, d->op, side, t->axes[i], d->dtype);
            const tg_sched_item *chosen = tg_x86_sched_vector(x, t->axes[i]);
            r = chosen && r != NEVER ? CHOSEN : r;
            if (tg_x86_is_packed(x, tg_operand(d->op, 1 - side))) {
                r = NEVER;
            } else if (r != NEVER && tg_x86_is_packed(x, tg_operand(d->op, side))) {
                r = PACKED;
            }
            if (r < best || (r == best && d->vector && is_better(d, side, t->axes[i]))) {
                best = r;
                d->side = side;
                d->vector = t->axes[i];
            }
        }
    }
    return best;
}

/* Of two axes the one with more iterations; an unknown extent counts as many. */
static bool is_longer(const tg_axis *a, const tg_axis *b) {
    return a->extent < 0 ? true : b->extent >= 0 && a->extent >= b->extent;
}

/* Last dimension of a load in whose index the axis appears; -1: in none, or no load. */
static int dimension_of(const tg_value *v, const tg_axis *a) {
    const tg_op *op = v->def;
    for (uint32_t i = op && op->opcode == TG_OP_LOAD ? tg_op_n_indices(op) : 0; i-- > 0;) {
        if (has(tg_op_index(op, i), a)) {
            return (int)i;
        }
    }
    return -1;
}

/* Should the loop over `a` be inside that over `b`? The side that streams decides, then the other; else as written. */
static bool is_inside(const tg_x86_dot *d, const tg_axis *a, const tg_axis *b) {
    for (uint32_t i = 0; i < 2; i++) {
        const tg_value *v = tg_operand(d->op, i ? 1 - d->side : d->side);
        int in_a = dimension_of(v, a), in_b = dimension_of(v, b);
        if (in_a >= 0 && in_b >= 0 && in_a != in_b) {
            return in_a > in_b;
        }
    }
    return a->rank > b->rank;
}

static void sort_parts(tg_x86_dot *d) {
    const tg_value *columns = tg_operand(d->op, d->side), *rows = tg_operand(d->op, 1 - d->side);
    const tg_type *t = tg_result(d->op, 0)->type;
    for (uint32_t i = 0; i < t->n_axes; i++) {
        tg_axis *a = t->axes[i];
        if (!has(columns, a) && has(rows, a) && a->extent != 1 && (!d->row || is_longer(a, d->row))) {
            d->row = a;
        }
    }
    for (uint32_t i = 0; i < t->n_axes; i++) {
        tg_axis *a = t->axes[i];
        if (a == d->vector || a == d->row) {
            continue;
        }
        if (!has(columns, a) && has(rows, a) && a->extent != 1) {
            d->rows[d->n_rows++] = a;
        } else {
            d->batch[d->n_batch++] = a;
        }
    }
    const tg_attr *over = tg_op_attr(d->op, TG_ATTR_OVER);
    for (uint32_t i = 0; i < over->n_axes; i++) { /* so that memory is walked in its order */
        uint32_t k = d->n_over++;
        for (; k > 0 && is_inside(d, d->over[k - 1], over->axes[i]); k--) {
            d->over[k] = d->over[k - 1];
        }
        d->over[k] = over->axes[i];
    }
}

/* The other axes that lanes could run along. */
static void offer_vectors(tg_x86 *x, const tg_x86_dot *d) {
    int64_t lanes = x->machine->vector_bits / tg_dtype_bits(d->dtype);
    for (uint32_t side = 0; side < 2; side++) {
        const tg_type *t = tg_operand(d->op, side)->type;
        for (uint32_t i = 0; i < t->n_axes; i++) {
            if (t->axes[i] != d->vector && vector_rank(x, d->op, side, t->axes[i], d->dtype) < TINY) {
                tg_x86_offer_vector(x, t->axes[i], lanes);
            }
        }
    }
}

tg_x86_dot *tg_x86_dot_plan(tg_x86 *x, tg_op *op) {
    const tg_attr *over = tg_op_attr(op, TG_ATTR_OVER);
    bool fits = over && over->n_axes > 0 && over->n_axes <= 8 && tg_result(op, 0)->type->n_axes <= 8;
    if (x->options->baseline || !x->machine->has_fma || !fits) {
        return NULL;
    }
    tg_x86_dot *d = TG_NEW(x->arena, tg_x86_dot);
    d->op = op;
    d->dtype = accumulator(op);
    if (d->dtype == TG_BOOL) {
        return NULL;
    }
    int rank = best_vector(x, d);
    if (rank == NEVER) {
        return NULL;
    }
    sort_parts(d);
    tg_x86_dot_plan_groups(x, d);
    if (rank == CHOSEN) {
        tg_x86_sched_obey(x, tg_x86_sched_vector(x, d->vector));
    }
    if (!d->row && rank >= GATHERED) { /* a matrix times a vector along the reduction */
        return NULL;
    }
    if (rank != CHOSEN) {
        offer_vectors(x, d);
    }
    return d;
}

static bool is_load(const tg_value *v) {
    return v->def && v->def->opcode == TG_OP_LOAD;
}

bool tg_x86_dot_wants_buffer(tg_x86 *x, const tg_use *use, bool otherwise) {
    tg_op *op = use->user;
    const tg_x86_dot *d = tg_x86_dot_plan(x, op);
    uint32_t operand = (uint32_t)(use - op->operands);
    const tg_value *v = use->value;
    if (!d || operand > 1) {
        return d ? false : otherwise;
    }
    bool columns = operand == d->side;
    if (tg_x86_is_packed(x, v)) {
        return false;
    }
    if (is_load(v) && v->type->dtype == d->dtype && (!columns || is_contiguous(x, v, d->vector))) {
        return false;
    }
    bool invariant = v->def && v->def->parent != op->parent;
    return invariant || (!columns && !is_load(v));
}

tg_axis *tg_x86_dot_innermost(tg_x86 *x, tg_value *v, tg_axis *otherwise) {
    for (const tg_use *u = v->uses; u; u = u->next) {
        uint32_t operand = (uint32_t)(u - u->user->operands);
        const tg_x86_dot *d = u->user->opcode == TG_OP_DOT && operand < 2 ? tg_x86_dot_plan(x, u->user) : NULL;
        if (d && d->side == operand) {
            otherwise = d->vector;
            if (!tg_x86_dot_needs_no_buffer(x, v, d->dtype, d->vector)) {
                break;
            }
        }
    }
    return otherwise;
}

static void list(tg_strbuf *out, const char *title, tg_axis *const *axes, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        tg_strbuf_printf(out, "%s%s", i ? ", " : title, axes[i]->name);
    }
}

void tg_x86_dot_describe(tg_x86 *x, const tg_x86_dot *d, tg_strbuf *out) {
    unsigned rows, vecs;
    tg_x86_dot_register_tile(x, d, &rows, &vecs);
    tg_strbuf_printf(out, "dot vector %s of operand %u", d->vector->name, d->side);
    tg_strbuf_printf(out, ", row %s", d->row ? d->row->name : "none");
    list(out, ", rows ", d->rows, d->n_rows);
    list(out, ", batch ", d->batch, d->n_batch);
    list(out, ", over ", d->over, d->n_over);
    if (d->group > 1) {
        tg_strbuf_printf(out, ", groups of %u", d->group);
    }
    tg_strbuf_printf(out, ", tile %u by %u vectors, %u roots\n", rows, vecs, d->roots.len);
}
