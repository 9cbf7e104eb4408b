/* lower-sort: a sort along a short constant axis becomes a network of compare-exchanges between values without that axis.
 *
 *   axis t in 3; %s, _ = sort %x {axis=#t}      %0, %1, %2 = x at t = 0, 1, 2
 *                                               %0, %1 = exchange;  %1, %2 = exchange;  %0, %1 = exchange
 *   %m = reindex %s, 1 {axes=(#t)}              %m → %1,   other uses → t == 0 ? %0 : t == 1 ? %1 : %2
 *
 * A target runs it in lanes along another axis, as in a median of 3 x 3 neighbours, without memory and branches. What the operand is at
 * t = c is its expression over again with c for t, so that its loads become loads at moved indices.
 *
 * Floats, and all with their indices, are ordered by odd-even transposition: neighbours change places only where they must, which is
 * stable; equal integers cannot be told apart and take Batcher's merges (K. E. Batcher, "Sorting networks and their applications", 1968)
 * of minima and maxima.
 *
 * Terminates: each sort is replaced once by operations that are no sorts. */
#include "dsl/passes/passes.h"
#include "dsl/passes/rewrite.h"

enum { MOST_EXCHANGES = 300, MOST_ALONG = 64, LONGEST = 64 };

typedef struct network {
    tg_func *f;
    tg_builder *b;
    tg_axis *axis;
    bool descending, with_indices;
    tg_value *value[LONGEST], *index[LONGEST];
} network;

/* ---- the operand at one point of the axis ------------------------------------------------------------------------------ */

static bool repeats_at_a_point(const tg_op *op) {
    return op->n_regions == 0 && op->n_results == 1 && (op->opcode == TG_OP_LOAD || tg_op_is_elementwise(op->opcode));
}

/* The operation for operands and a result without the axis. */
static tg_value *repeated(const network *n, tg_op *op, tg_value *const *operands) {
    tg_axis *axis = n->axis;
    const tg_type *type = tg_type_drop(n->f, tg_result(op, 0)->type, &axis, 1);
    tg_builder b = rewrite_builder(n->f, op);
    return op->opcode == TG_OP_BROADCAST ? tg_build_broadcast(&b, operands[0], type)
                                         : tg_result(tg_build_op(&b, op->opcode, operands, op->n_operands, &type, 1, op->attrs, op->n_attrs), 0);
}

/* Where `v` begins, so that all that is made of it may use the result: that stands where `v` is used, not where the sort does. */
static tg_value *reindexed(const network *n, tg_value *v, int64_t at) {
    tg_axis *axis = n->axis;
    tg_builder b = {.func = n->f, .span = n->b->span};
    b.block = v->def ? v->def->parent : v->block;
    b.before = v->def ? v->def->next : v->block->first;
    tg_value *operands[] = {v, tg_build_int(&b, TG_I64, at)};
    const tg_type *type = tg_type_drop(n->f, v->type, &axis, 1);
    tg_attr axes = tg_attr_axes(n->f->arena, TG_ATTR_AXES, &axis, 1);
    return tg_result(tg_build_op(&b, TG_OP_REINDEX, operands, 2, &type, 1, &axes, 1), 0);
}

/* `v` where the axis has this index, computed where `v` is. `done` has the values already made for it. */
static tg_value *at_point(const network *n, tg_map *done, tg_value *v, int64_t at) {
    tg_value *made = tg_type_has_axis(v->type, n->axis) ? tg_map_get(done, v) : v;
    if (made) {
        return made;
    }
    tg_op *op = v->def;
    if (op && op->opcode == TG_OP_IOTA) {
        tg_builder b = rewrite_builder(n->f, op);
        made = tg_build_int(&b, TG_I64, at);
    } else if (op && repeats_at_a_point(op)) {
        tg_value **operands = TG_NEW_ARRAY(n->f->arena, tg_value *, op->n_operands);
        for (uint32_t i = 0; i < op->n_operands; i++) {
            operands[i] = at_point(n, done, tg_operand(op, i), at);
        }
        made = repeated(n, op, operands);
    } else {
        made = reindexed(n, v, at);
    }
    tg_map_set(done, v, made);
    return made;
}

/* ---- networks -------------------------------------------------------------------------------------------------------------- */

/* Calls for every pair in order and counts; without a function only counts. */
typedef void (*exchange_fn)(network *n, int64_t i, int64_t j);

static int64_t transposition(network *n, int64_t size, exchange_fn exchange) {
    for (int64_t round = 0; round < size && exchange; round++) {
        for (int64_t i = round % 2; i + 1 < size; i += 2) {
            exchange(n, i, i + 1);
        }
    }
    return size * (size - 1) / 2;
}

static int64_t merges(network *n, int64_t size, exchange_fn exchange) {
    int64_t count = 0;
    for (int64_t run = 1; run < size; run *= 2) {
        for (int64_t far = run; far >= 1; far /= 2) {
            for (int64_t i = far % run; i + far < size; i++) {
                bool second = (i - far % run) / far % 2 != 0, apart = i / (2 * run) != (i + far) / (2 * run);
                if (second || apart) {
                    continue;
                }
                count++;
                if (exchange) {
                    exchange(n, i, i + far);
                }
            }
        }
    }
    return count;
}

/* Does `q` have to come before `p`, which is in front of it? NaN goes last in both orders. */
static tg_value *is_out_of_order(const network *n, tg_value *p, tg_value *q) {
    tg_builder *b = n->b;
    if (!tg_dtype_is_float(p->type->dtype)) {
        return tg_build_cmp(b, n->descending ? TG_LT : TG_GT, p, q);
    }
    tg_value *in_order = tg_build_cmp(b, n->descending ? TG_GE : TG_LE, p, q), *number = tg_build_cmp(b, TG_EQ, q, q);
    return tg_build_binary(b, TG_OP_AND, tg_build_unary(b, TG_OP_NOT, in_order), number);
}

static void exchange_if(tg_builder *b, tg_value *test, tg_value **p, tg_value **q) {
    tg_value *first = tg_build_select(b, test, *q, *p);
    *q = tg_build_select(b, test, *p, *q);
    *p = first;
}

static void exchange_stably(network *n, int64_t i, int64_t j) {
    tg_value *test = is_out_of_order(n, n->value[i], n->value[j]);
    exchange_if(n->b, test, &n->value[i], &n->value[j]);
    if (n->with_indices) {
        exchange_if(n->b, test, &n->index[i], &n->index[j]);
    }
}

static void exchange_equals(network *n, int64_t i, int64_t j) {
    tg_value *least = tg_build_binary(n->b, TG_OP_MIN, n->value[i], n->value[j]);
    tg_value *most = tg_build_binary(n->b, TG_OP_MAX, n->value[i], n->value[j]);
    n->value[i] = n->descending ? most : least;
    n->value[j] = n->descending ? least : most;
}

/* ---- results ------------------------------------------------------------------------------------------------------------------ */

/* The t-th of the values at index t. */
static tg_value *as_tile(const network *n, tg_value *const *values, int64_t size) {
    tg_builder *b = n->b;
    tg_value *t = tg_build_iota(b, n->axis), *v = values[size - 1];
    for (int64_t i = size - 1; i-- > 0;) {
        v = tg_build_select(b, tg_build_cmp(b, TG_EQ, t, tg_build_int(b, TG_I64, i)), values[i], v);
    }
    return v;
}

/* The index of a use that reads one known point of the axis, else -1. */
static int64_t point_of(const network *n, const tg_op *use, int64_t size) {
    const tg_attr *axes = use->opcode == TG_OP_REINDEX ? tg_op_attr(use, TG_ATTR_AXES) : NULL;
    int64_t at;
    bool known = axes && axes->n_axes == 1 && axes->axes[0] == n->axis && tg_value_const_int(tg_operand(use, 1), &at);
    return known && at >= 0 && at < size ? at : -1;
}

/* The values may lack axes of the result: indices that no exchange has touched are constants. */
static void replace_result(const network *n, tg_value *result, tg_value *const *values, int64_t size) {
    for (const tg_use *u = result->uses, *next; u; u = next) {
        tg_op *user = u->user;
        int64_t at = point_of(n, user, size);
        next = u->next;
        if (at >= 0) {
            tg_replace_uses(tg_result(user, 0), tg_build_broadcast(n->b, values[at], tg_result(user, 0)->type));
            tg_op_erase(user);
        }
    }
    if (result->uses) {
        tg_replace_uses(result, tg_build_broadcast(n->b, as_tile(n, values, size), result->type));
    }
}

typedef TG_VEC(tg_op *) sorts;

typedef struct survey {
    tg_func *f;
    sorts found;
} survey;

static void find(tg_op *op, void *user) {
    survey *s = user;
    const tg_axis *axis = op->opcode == TG_OP_SORT ? tg_op_axis(op, TG_ATTR_AXIS) : NULL;
    if (axis && axis->kind == TG_AXIS_LOCAL && axis->extent >= 1 && axis->extent <= LONGEST) {
        tg_vec_push(s->f->arena, &s->found, op);
    }
}

/* Is something read whose elements along the axis lie next to each other? Lanes along another axis are then far apart, and a short
 * network one point at a time is faster than a merge sort, a long one is not. */
static bool is_read_along(const tg_value *v, const tg_axis *a) {
    const tg_op *op = tg_type_has_axis(v->type, a) ? v->def : NULL;
    if (op && op->opcode == TG_OP_LOAD) {
        const tg_type *last = tg_op_index(op, tg_op_n_indices(op) - 1)->type;
        return tg_type_has_axis(last, a) && last->n_axes == 1;
    }
    bool along = false;
    for (uint32_t i = 0; op && repeats_at_a_point(op) && i < op->n_operands; i++) {
        along |= is_read_along(tg_operand(op, i), a);
    }
    return along;
}

/* False if the network would be too long. */
static bool lower(tg_func *f, tg_op *op) {
    tg_builder b = rewrite_builder(f, op);
    network n = {.f = f, .b = &b, .axis = tg_op_axis(op, TG_ATTR_AXIS)};
    n.descending = tg_op_flag(op, TG_ATTR_DESCENDING);
    n.with_indices = tg_result(op, 1)->uses != NULL;
    bool equal = !n.with_indices && !tg_dtype_is_float(tg_operand(op, 0)->type->dtype);
    int64_t (*run)(network *, int64_t, exchange_fn) = equal ? merges : transposition, size = n.axis->extent;
    if (run(&n, size, NULL) > (is_read_along(tg_operand(op, 0), n.axis) ? MOST_ALONG : MOST_EXCHANGES)) {
        return false;
    }
    for (int64_t i = 0; i < size; i++) {
        n.value[i] = at_point(&n, tg_map_create(f->arena), tg_operand(op, 0), i);
        n.index[i] = n.with_indices ? tg_build_int(&b, TG_I64, i) : NULL;
    }
    run(&n, size, equal ? exchange_equals : exchange_stably);
    replace_result(&n, tg_result(op, 0), n.value, size);
    replace_result(&n, tg_result(op, 1), n.index, size);
    tg_op_erase(op);
    return true;
}

bool tg_pass_lower_sort(tg_func *f) {
    survey s = {.f = f};
    bool changed = false;
    tg_ir_walk(f, find, &s);
    for (uint32_t i = 0; i < s.found.len; i++) {
        changed |= lower(f, s.found.data[i]);
    }
    return changed;
}
