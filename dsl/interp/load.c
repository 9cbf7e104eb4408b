/* Loads, in two ways. The general one computes, chunk by chunk, the offset of every point and whether it is inside. The fast one
 * (rows) serves the usual case that the innermost axis occurs in one index only and there as an arithmetic progression: then a row
 * of the result is a strided run of memory, cut to the tensor's extent. */
#include "dsl/interp/internal.h"

#include <math.h>

/* ---- elements of memory ----------------------------------------------------------------- */

static inline double f16_value(uint16_t h) {
    uint32_t wide = (uint32_t)h << 16, two = wide + wide,
             normal_bits = (two >> 4) + (UINT32_C(0xe0) << 23);
    uint32_t small_bits = (two >> 17) | (UINT32_C(126) << 23);
    float normal, small;
    memcpy(&normal, &normal_bits, 4);
    memcpy(&small, &small_bits, 4);
    float r = two < (UINT32_C(1) << 27) ? small - 0.5f : normal * 0x1p-112f;
    return h & 0x8000 ? -(double)r : (double)r;
}

static inline double bf16_value(uint16_t h) {
    uint32_t bits = (uint32_t)h << 16;
    float r;
    memcpy(&r, &bits, 4);
    return (double)r;
}

#define GATHER(type, out, expr)                                                                \
    {                                                                                          \
        const type *m = data;                                                                  \
        for (int64_t k = 0; k < n; k++) {                                                      \
            int64_t o = offset[k];                                                             \
            (out)[k] = expr;                                                                   \
        }                                                                                      \
        return true;                                                                           \
    }

static bool gather_common(tg_dtype t, const void *data, const int64_t *offset, int64_t n,
                          const chunk *r) {
    switch ((int)t) {
    case TG_F64:
        GATHER(double, r->f, m[o])
    case TG_F32:
        GATHER(float, r->f, (double)m[o])
    case TG_F16:
        GATHER(uint16_t, r->f, f16_value(m[o]))
    case TG_BF16:
        GATHER(uint16_t, r->f, bf16_value(m[o]))
    case TG_I64:
    case TG_U64:
        GATHER(int64_t, r->i, m[o])
    case TG_I32:
        GATHER(int32_t, r->i, m[o])
    case TG_U32:
        GATHER(uint32_t, r->i, m[o])
    case TG_I16:
        GATHER(int16_t, r->i, m[o])
    case TG_U16:
        GATHER(uint16_t, r->i, m[o])
    case TG_I8:
        GATHER(int8_t, r->i, m[o])
    case TG_U8:
        GATHER(uint8_t, r->i, m[o])
    case TG_BOOL:
        GATHER(uint8_t, r->i, m[o] != 0)
    default:
        return false;
    }
}

static void gather(tg_dtype t, const void *data, const int64_t *offset, int64_t n,
                   const chunk *r) {
    if (gather_common(t, data, offset, n, r)) {
        return;
    }
    for (int64_t k = 0; k < n; k++) {
        tg_scalar s = tg_scalar_load(t, data, offset[k]);
        if (r->i) {
            r->i[k] = s.i;
        } else {
            r->f[k] = s.f;
        }
        if (r->g) {
            r->g[k] = s.g;
        }
    }
}

element element_of(const tg_op *op, const tensor *t) {
    tg_enum part = tg_op_enum(op, TG_ATTR_PART, TG_ENUM_NONE);
    if (part == TG_ENUM_NONE) {
        return (element){t->dtype, 1, 0};
    }
    return (element){tg_dtype_real(t->dtype), 2, part == TG_PART_IM};
}

static void load_shadow(const tensor *t, element el, const position *p, int64_t n,
                        const chunk *r) {
    int64_t step = is_complex(t->dtype) ? 2 : 1;
    for (int64_t k = 0; t->value && k < n; k++) {
        r->f[k] = t->value[p->dense[k] * step + el.part];
        if (r->g) {
            r->g[k] = t->value[p->dense[k] * step + 1];
        }
    }
    for (int64_t k = 0; k < n; k++) {
        if (r->e) {
            r->e[k] = t->bound[p->dense[k]];
        }
        if (r->q) {
            r->q[k] = t->bound[p->dense[k]] > 0;
        }
    }
}

/* The selected part of complex elements. */
static void gather_parts(const tensor *t, element el, const position *p, int64_t n,
                         const chunk *r) {
    int64_t at[CHUNK] = {0};
    for (int64_t k = 0; k < n; k++) {
        at[k] = p->offset[k] * el.step + el.part;
    }
    gather(el.dtype, t->data, at, n, r);
}

void load_elements(const tensor *t, const tg_op *op, const position *p, int64_t n,
                   const chunk *r) {
    element el = element_of(op, t);
    if (t->value) {
        load_shadow(t, el, p, n, r);
        return;
    }
    if (el.step == 1) {
        gather(el.dtype, t->data, p->offset, n, r);
    } else {
        gather_parts(t, el, p, n, r);
    }
    if (t->bound) {
        load_shadow(t, el, p, n, r);
    } else if (r->e) {
        memset(r->e, 0, (size_t)n * sizeof *r->e);
    } else if (r->q) {
        memset(r->q, 0, (size_t)n);
    }
}

/* ---- load: general path ----------------------------------------------------------------- */

static void put_else(const chunk *r, const chunk *x, int64_t k) {
    if (r->f) {
        r->f[k] = x->f ? x->f[k] : 0;
    }
    if (r->g) {
        r->g[k] = x->g ? x->g[k] : 0;
    }
    if (r->i) {
        r->i[k] = x->i ? x->i[k] : 0;
    }
    if (r->e) {
        r->e[k] = x->e ? x->e[k] : 0;
    }
    if (r->q) {
        r->q[k] = x->q ? x->q[k] : 0;
    }
}

static void mark_uncertain(const chunk *r, int64_t k) {
    if (r->e) {
        r->e[k] = INFINITY;
    }
    if (r->q) {
        r->q[k] = 1;
    }
}

static void check_written(interp *c, const tensor *t, const position *p, int64_t n) {
    for (int64_t k = 0; t->written && k < n; k++) {
        if (p->inside[k] && !t->written[p->dense[k]]) {
            interp_fail(
                c, TG_ERROR_LAUNCH,
                "L0908: element %lld (row-major) of a temp is read before it is written",
                (long long)p->dense[k]);
        }
    }
}

static void load_general(interp *c, const tg_op *op, const tensor *t, const shape *s, tile *r) {
    const tg_value *other = tg_op_else(op);
    position_stream ps;
    position p;
    stream es;
    chunk_store es_store;
    position_init(c, &ps, op, t, s);
    if (other) {
        stream_init(&es, c->slot[other->id], other->type, s, &es_store);
    }
    for (int64_t at = 0; at < r->n; at += CHUNK) {
        int64_t n = r->n - at < CHUNK ? r->n - at : CHUNK;
        chunk out = chunk_of(r, at), x = {0};
        position_next(&ps, n, &p);
        check_written(c, t, &p, n);
        if (other) {
            x = stream_next(&es, n);
        }
        if (t->n) {
            load_elements(t, op, &p, n, &out);
        }
        for (int64_t k = 0; k < n; k++) {
            if (!p.inside[k] || !t->n) {
                put_else(&out, &x, k);
            }
            if (ps.q[k]) {
                mark_uncertain(&out, k);
            }
        }
    }
}

/* ---- load: rows ------------------------------------------------------------------------- */

typedef struct row_plan {
    uint32_t dim; /* the index that moves along a row */
    int64_t step; /* by this much per element */
    int64_t length;
    walk at[TG_MAX_RANK]; /* over the outer axes: offset into each index tile */
} row_plan;

/* Is every row of the tile (its last axis has `length` elements) a progression with one common step? */
static bool is_progression(const tile *t, int64_t length, int64_t *step) {
    *step = length > 1 && t->n ? t->i[1] - t->i[0] : 1;
    for (int64_t row = 0; row < t->n; row += length) {
        int64_t bad = 0;
        for (int64_t k = 1; k < length; k++) {
            bad |= (t->i[row + k] - t->i[row + k - 1]) ^ *step;
        }
        if (bad) {
            return false;
        }
    }
    return *step != 0 && *step < INT64_C(1) << 32 && *step > -(INT64_C(1) << 32);
}

static bool plan_rows(interp *c, const tg_op *op, const tensor *t, const shape *s,
                      row_plan *rp) {
    enum { SHORTEST_ROW = 4 };
    if (s->lifted || !s->n || s->size[s->n - 1] < SHORTEST_ROW || !s->total) {
        return false;
    }
    const tg_axis *inner = s->axis[s->n - 1];
    rp->length = s->size[s->n - 1];
    uint32_t moving = 0;
    for (uint32_t d = 0; d < t->rank; d++) {
        const tg_value *v = tg_op_index(op, d);
        const tile *x = c->slot[v->id];
        if (x->q) {
            return false;
        }
        if (tg_type_has_axis(v->type, inner)) {
            rp->dim = d;
            if (moving++ || !is_progression(x, rp->length, &rp->step)) {
                return false;
            }
        }
        int64_t stride[MAX_AXES];
        shape own = shape_of_type(c, v->type);
        for (int k = 0; k + 1 < s->n; k++) {
            int at = shape_find(&own, s->axis[k]);
            stride[k] = at < 0 ? 0 : shape_stride(&own, at);
        }
        walk_init(&rp->at[d], s->n - 1, s->size, stride);
    }
    return moving == 1;
}

static int64_t ceil_div(int64_t a, int64_t b) { /* b > 0 */
    return a / b + (a % b > 0);
}

/* The part [*lo, *hi) of 0…length where first + k*step is inside [0, extent). */
static void inside_part(int64_t first, int64_t step, int64_t extent, int64_t length,
                        int64_t *lo, int64_t *hi) {
    int64_t a = step > 0 ? ceil_div(-first, step) : ceil_div(first - (extent - 1), -step);
    int64_t b = step > 0 ? ceil_div(extent - first, step) : ceil_div(first + 1, -step);
    *lo = a < 0 ? 0 : a > length ? length : a;
    *hi = b < *lo ? *lo : b > length ? length : b;
}

#define RUN(type, out, expr)                                                                   \
    {                                                                                          \
        const type *m = (const type *)data + first;                                            \
        for (int64_t k = 0; k < n; k++) {                                                      \
            (out)[k] = expr;                                                                   \
        }                                                                                      \
        return true;                                                                           \
    }
#define RUNS(type, out, expr)                                                                  \
    if (stride == 1) {                                                                         \
        enum { STEP = 1 };                                                                     \
        RUN(type, out, expr(m[k * STEP]))                                                      \
    } else {                                                                                   \
        int64_t STEP = stride;                                                                 \
        RUN(type, out, expr(m[k * STEP]))                                                      \
    }

WIDE static bool copy_row(tg_dtype t, const void *data, int64_t first, int64_t stride,
                          int64_t n, const chunk *r) {
    switch ((int)t) {
    case TG_F64:
        RUNS(double, r->f, )
    case TG_F32:
        RUNS(float, r->f, (double))
    case TG_F16:
        RUNS(uint16_t, r->f, f16_value)
    case TG_BF16:
        RUNS(uint16_t, r->f, bf16_value)
    case TG_I64:
    case TG_U64:
        RUNS(int64_t, r->i, )
    case TG_I32:
        RUNS(int32_t, r->i, )
    case TG_U32:
        RUNS(uint32_t, r->i, )
    case TG_I8:
        RUNS(int8_t, r->i, )
    case TG_U8:
        RUNS(uint8_t, r->i, )
    default:
        return false;
    }
}

static void copy_any_row(tg_dtype t, const void *data, int64_t first, int64_t stride, int64_t n,
                         const chunk *r) {
    if (copy_row(t, data, first, stride, n, r)) {
        return;
    }
    int64_t offset[CHUNK];
    for (int64_t at = 0; at < n; at += CHUNK) {
        int64_t m = n - at < CHUNK ? n - at : CHUNK;
        for (int64_t k = 0; k < m; k++) {
            offset[k] = first + (at + k) * stride;
        }
        chunk part = {r->f ? r->f + at : NULL, r->g ? r->g + at : NULL, NULL,
                      r->i ? r->i + at : NULL, NULL};
        gather(t, data, offset, m, &part);
    }
}

/* Index values of the outer axes select the row; false if one of them is outside the tensor. */
static bool row_start(interp *c, const tg_op *op, const tensor *t, const row_plan *rp,
                      int64_t *offset, int64_t *first) {
    bool inside = true;
    *offset = 0;
    for (uint32_t d = 0; d < t->rank; d++) {
        int64_t v = c->slot[tg_op_index(op, d)->id]->i[rp->at[d].offset];
        if (d == rp->dim) {
            *first = v;
        } else {
            inside &= (uint64_t)v < (uint64_t)t->shape[d];
            *offset += v * t->stride[d];
        }
    }
    return inside;
}

static void fill_row(const chunk *r, int64_t from, int64_t to, const tile *other) {
    for (int64_t k = from; k < to; k++) {
        if (r->i) {
            r->i[k] = other ? other->i[0] : 0;
            continue;
        }
        r->f[k] = other ? other->f[0] : 0;
        if (r->g) {
            r->g[k] = other ? other->g[0] : 0;
        }
    }
}

static void load_rows(interp *c, const tg_op *op, const tensor *t, row_plan *rp,
                      const tile *other, tile *r) {
    element el = element_of(op, t);
    for (int64_t at = 0; at < r->n; at += rp->length) {
        chunk out = chunk_of(r, at);
        int64_t offset, first = 0, lo = 0, hi = 0;
        if (row_start(c, op, t, rp, &offset, &first)) {
            inside_part(first, rp->step, t->shape[rp->dim], rp->length, &lo, &hi);
        }
        if (lo < hi) {
            int64_t stride = t->stride[rp->dim];
            int64_t start = (offset + (first + lo * rp->step) * stride) * el.step + el.part;
            chunk in = chunk_of(r, at + lo);
            copy_any_row(el.dtype, t->data, start, rp->step * stride * el.step, hi - lo, &in);
        }
        fill_row(&out, 0, lo, other);
        fill_row(&out, hi > lo ? hi : lo, rp->length, other);
        for (uint32_t d = 0; d < t->rank; d++) {
            walk_advance(&rp->at[d], 1);
        }
    }
}

void exec_load(interp *c, const tg_op *op) {
    const tensor *t = operand(c, op, 0)->tensor;
    const tg_type *type = tg_result(op, 0)->type;
    const tg_value *other_value = tg_op_else(op);
    const tile *other = other_value ? c->slot[other_value->id] : NULL;
    shape s = shape_of_op(c, op, type);
    bool inexact = t->bound || (other && (other->e || other->q));
    row_plan rp;
    bool rows = !inexact && !t->written && (!other || other->n == 1) &&
                !(other && other->lifted) && plan_rows(c, op, t, &s, &rp);
    for (uint32_t d = 0; d < t->rank && !inexact; d++) {
        inexact = c->slot[tg_op_index(op, d)->id]->q != NULL;
    }
    tile *r = tile_new(c, type->dtype, &s, inexact);
    if (rows) {
        load_rows(c, op, t, &rp, other, r);
    } else {
        load_general(c, op, t, &s, r);
    }
    set_slot(c, tg_result(op, 0), r);
}
