/* sort, topk, histogram: along one axis, everything else is a batch. Order: NaN last in both directions, equal elements stay in index
 * order. Order statistics move by at most the largest error of their inputs, so values keep a bound; indices do not. */
#include "dsl/interp/internal.h"
#include "dsl/ir/scalar_eval.h"

#include <math.h>

typedef struct line { /* one run along the axis */
    const tile *x;
    int64_t base, stride, length;
    bool descending;
} line;

/* a strictly before b */
static bool before(const line *l, int64_t a, int64_t b) {
    int64_t ia = l->base + a * l->stride, ib = l->base + b * l->stride;
    if (l->x->i) {
        uint64_t bias = l->x->dtype == TG_U64 ? 0 : UINT64_C(1) << 63;
        uint64_t va = (uint64_t)l->x->i[ia] ^ bias, vb = (uint64_t)l->x->i[ib] ^ bias;
        return l->descending ? va > vb : va < vb;
    }
    double va = l->x->f[ia], vb = l->x->f[ib];
    if (va != va) {
        return false;
    }
    return vb != vb || (l->descending ? va > vb : va < vb);
}

/* Stable merge sort of 0…length-1; the result is in `at`. */
static void sort_line(const line *l, int64_t *at, int64_t *other) {
    int64_t n = l->length, *from = at, *to = other;
    for (int64_t k = 0; k < n; k++) {
        at[k] = k;
    }
    for (int64_t width = 1; width < n; width *= 2) {
        for (int64_t lo = 0; lo < n; lo += 2 * width) {
            int64_t mid = lo + width < n ? lo + width : n,
                    hi = lo + 2 * width < n ? lo + 2 * width : n;
            for (int64_t i = lo, j = mid, k = lo; k < hi; k++) {
                bool right = i == mid || (j < hi && before(l, from[j], from[i]));
                to[k] = right ? from[j++] : from[i++];
            }
        }
        int64_t *t = from;
        from = to;
        to = t;
    }
    if (from != at) {
        memcpy(at, from, (size_t)n * sizeof *at);
    }
}

static double largest_bound(const line *l) {
    double e = 0;
    for (int64_t k = 0; l->x->e && k < l->length; k++) {
        e = max_f(e, l->x->e[l->base + k * l->stride]);
    }
    return e;
}

static uint8_t any_flag(const line *l) {
    uint8_t q = 0;
    for (int64_t k = 0; l->x->q && k < l->length; k++) {
        q |= l->x->q[l->base + k * l->stride];
    }
    return q;
}

/* Could the t-th place belong to a neighbour? */
static bool place_is_open(const line *l, const int64_t *at, int64_t t) {
    for (int64_t side = -1; side <= 1 && l->x->e; side += 2) {
        int64_t other = t + side;
        if (other < 0 || other >= l->length) {
            continue;
        }
        int64_t a = l->base + at[t] * l->stride, b = l->base + at[other] * l->stride;
        double e = l->x->e[a] + l->x->e[b];
        if (e > 0 && !(fabs(l->x->f[a] - l->x->f[b]) > e)) {
            return true;
        }
    }
    return false;
}

static void put_sorted(const line *l, const int64_t *at, int64_t t, tile *values, tile *indices,
                       int64_t to, int64_t first) {
    int64_t from = l->base + at[t] * l->stride;
    if (values->i) {
        values->i[to] = l->x->i[from];
    } else {
        values->f[to] = l->x->f[from];
    }
    if (values->e) {
        values->e[to] = largest_bound(l);
    }
    if (values->q) {
        values->q[to] = any_flag(l);
    }
    indices->i[to] = first + at[t];
    if (indices->q) {
        indices->q[to] = any_flag(l) || place_is_open(l, at, t);
    }
}

static line line_of(const tile *x, int64_t k, int64_t stride, int64_t length, bool descending) {
    return (line){x, k / stride * stride * length + k % stride, stride, length, descending};
}

void exec_sort(interp *c, const tg_op *op) {
    const tile *x = operand(c, op, 0);
    const tg_axis *axis = tg_op_axis(op, TG_ATTR_AXIS);
    shape s = shape_of_type(c, tg_operand(op, 0)->type);
    int at_axis = shape_find(&s, axis);
    int64_t stride = shape_stride(&s, at_axis), length = s.size[at_axis];
    tile *values = tile_new(c, x->dtype, &s, x->e || x->q),
         *indices = tile_new(c, TG_I64, &s, x->e || x->q);
    int64_t *at = pool_alloc(&c->pool, 2 * length, sizeof *at);
    for (int64_t k = 0; length && k < s.total / length; k++) {
        line l = line_of(x, k, stride, length, tg_op_flag(op, TG_ATTR_DESCENDING));
        sort_line(&l, at, at + length);
        for (int64_t t = 0; t < length; t++) {
            put_sorted(&l, at, t, values, indices, l.base + t * stride,
                       c->axis[axis->rank].first);
        }
    }
    pool_free(&c->pool, at);
    set_slot(c, tg_result(op, 0), values);
    set_slot(c, tg_result(op, 1), indices);
}

static void put_missing(tile *values, tile *indices, int64_t to) {
    tg_scalar least = tg_scalar_identity(TG_FN_MAX, values->dtype);
    if (values->i) {
        values->i[to] = least.i;
    } else {
        values->f[to] = least.f;
    }
    if (values->e) {
        values->e[to] = 0;
    }
    if (values->q) {
        values->q[to] = 0;
    }
    indices->i[to] = -1;
    if (indices->q) {
        indices->q[to] = 0;
    }
}

/* Offsets in a result of the points of the operand's other axes, in row-major order. */
static int64_t *batch_offsets(interp *c, const shape *s, int without, const shape *out) {
    int64_t size[MAX_AXES], stride[MAX_AXES], total = 1;
    int n = 0;
    for (int k = 0; k < s->n; k++) {
        if (k != without) {
            size[n] = s->size[k];
            stride[n++] = shape_stride(out, shape_find(out, s->axis[k]));
            total *= s->size[k];
        }
    }
    int64_t *offset = pool_zero(&c->pool, total, sizeof *offset);
    walk w;
    walk_init(&w, n, size, stride);
    walk_offsets(&w, total, offset);
    return offset;
}

static int64_t batch_count(const shape *s, int without) {
    int64_t n = 1;
    for (int k = 0; k < s->n; k++) {
        n *= k == without ? 1 : s->size[k];
    }
    return n;
}

void exec_topk(interp *c, const tg_op *op) {
    const tile *x = operand(c, op, 0);
    const tg_axis *axis = tg_op_axis(op, TG_ATTR_AXIS), *to = tg_op_axis(op, TG_ATTR_TO);
    shape s = shape_of_type(c, tg_operand(op, 0)->type),
          out = shape_of_type(c, tg_result(op, 0)->type);
    int at_axis = shape_find(&s, axis), at_to = shape_find(&out, to);
    int64_t stride = shape_stride(&s, at_axis), length = s.size[at_axis];
    int64_t out_stride = shape_stride(&out, at_to), count = out.size[at_to];
    tile *values = tile_new(c, x->dtype, &out, x->e || x->q),
         *indices = tile_new(c, TG_I64, &out, x->e || x->q);
    int64_t *at = pool_alloc(&c->pool, 2 * length, sizeof *at),
            *offset = batch_offsets(c, &s, at_axis, &out);
    for (int64_t k = 0; k < batch_count(&s, at_axis); k++) {
        line l = line_of(x, k, stride, length, true);
        sort_line(&l, at, at + length);
        for (int64_t t = 0; t < count; t++) {
            int64_t where = offset[k] + t * out_stride;
            if (t < length) {
                put_sorted(&l, at, t, values, indices, where, c->axis[axis->rank].first);
            } else {
                put_missing(values, indices, where);
            }
        }
    }
    pool_free(&c->pool, at);
    pool_free(&c->pool, offset);
    set_slot(c, tg_result(op, 0), values);
    set_slot(c, tg_result(op, 1), indices);
}

void exec_histogram(interp *c, const tg_op *op) {
    const tile *x = operand(c, op, 0);
    const tg_axis *bins = tg_op_axis(op, TG_ATTR_BINS);
    shape s = shape_of_type(c, tg_operand(op, 0)->type),
          out = shape_of_type(c, tg_result(op, 0)->type);
    int at_axis = shape_find(&s, tg_op_axis(op, TG_ATTR_AXIS));
    int64_t stride = shape_stride(&s, at_axis), length = s.size[at_axis];
    int64_t bin_stride = shape_stride(&out, shape_find(&out, bins));
    axis_state b = c->axis[bins->rank];
    tile *r = tile_new(c, TG_I32, &out, x->q != NULL);
    int64_t *offset = batch_offsets(c, &s, at_axis, &out);
    memset(r->i, 0, (size_t)r->n * sizeof *r->i);
    for (int64_t k = 0; k < batch_count(&s, at_axis); k++) {
        line l = line_of(x, k, stride, length, false);
        for (int64_t j = 0; j < length; j++) {
            uint64_t bin = (uint64_t)x->i[l.base + j * stride] - (uint64_t)b.first;
            if (bin < (uint64_t)b.size) {
                r->i[offset[k] + (int64_t)bin * bin_stride]++;
            }
        }
        for (int64_t j = 0; r->q && j < b.size; j++) {
            r->q[offset[k] + j * bin_stride] = any_flag(&l);
        }
    }
    wrap_array(TG_I32, r->i, r->n);
    pool_free(&c->pool, offset);
    set_slot(c, tg_result(op, 0), r);
}
