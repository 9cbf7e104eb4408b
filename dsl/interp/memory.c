/* Tensors: arguments, workspace, raw tensors and their shadows; where the points of index tiles lie in memory. Reading elements is in
 * load.c, writing them in store.c. */
#include "dsl/interp/internal.h"

void tensor_init(tensor *t, tg_dtype dtype, uint32_t rank, void *data, const int64_t *extent,
                 const int64_t *stride) {
    *t = (tensor){.data = data, .dtype = dtype, .rank = rank, .n = 1};
    for (uint32_t d = rank; d-- > 0;) {
        t->shape[d] = extent[d] > 0 ? extent[d] : 0;
        t->dense[d] = t->n;
        t->stride[d] = stride ? stride[d] : t->n;
        t->n *= t->shape[d];
    }
}

/* Offset of a row-major ordinal in memory. */
static int64_t memory_offset(const tensor *t, int64_t at) {
    int64_t offset = 0;
    for (uint32_t d = t->rank; d-- > 0;) {
        offset += at % t->shape[d] * t->stride[d];
        at /= t->shape[d];
    }
    return offset;
}

void tensor_add_shadow(interp *c, tensor *t, double *value, double *bound) {
    bool floats = !is_integer(t->dtype);
    int64_t per = is_complex(t->dtype) ? 2 : 1;
    t->bound = bound ? bound : pool_alloc(&c->pool, t->n, sizeof *t->bound);
    memset(t->bound, 0, (size_t)t->n * sizeof *t->bound);
    if (!floats) {
        return;
    }
    t->value = value ? value : pool_alloc(&c->pool, t->n * per, sizeof *t->value);
    for (int64_t at = 0; at < t->n; at++) {
        tg_scalar s = tg_scalar_load(t->dtype, t->data, memory_offset(t, at));
        t->value[at * per] = s.f;
        if (per == 2) {
            t->value[at * per + 1] = s.g;
        }
    }
}

/* ---- positions -------------------------------------------------------------------------- */

void position_init(interp *c, position_stream *s, const tg_op *op, const tensor *t,
                   const shape *over) {
    s->t = t;
    s->n = t->rank;
    for (uint32_t d = 0; d < s->n; d++) {
        const tg_value *v = tg_op_index(op, d);
        stream_init(&s->index[d], c->slot[v->id], v->type, over, &s->store[d]);
    }
}

void position_next(position_stream *s, int64_t n, position *p) {
    memset(p->offset, 0, (size_t)n * sizeof *p->offset);
    memset(p->dense, 0, (size_t)n * sizeof *p->dense);
    memset(p->inside, 1, (size_t)n);
    memset(s->q, 0, (size_t)n);
    for (uint32_t d = 0; d < s->n; d++) {
        chunk x = stream_next(&s->index[d], n);
        int64_t extent = s->t->shape[d], stride = s->t->stride[d], dense = s->t->dense[d];
        for (int64_t k = 0; k < n; k++) {
            bool inside = (uint64_t)x.i[k] < (uint64_t)extent;
            int64_t at = inside ? x.i[k] : 0;
            p->offset[k] += at * stride;
            p->dense[k] += at * dense;
            p->inside[k] &= inside;
            s->q[k] |= x.q[k];
        }
    }
}
/* The tensor that holds the shadow: views of one memory share it. */
tensor *with_shadow(interp *c, tensor *t) {
    if (!c->ideal || t->bound || !t->raw) {
        return t;
    }
    tensor *copy = pool_alloc(&c->pool, 1, sizeof *copy);
    *copy = *t;
    tensor_add_shadow(c, copy, NULL, NULL);
    t->value = copy->value;
    t->bound = copy->bound;
    copy->next = c->raw_tensors;
    c->raw_tensors = copy;
    return t;
}

shape shape_of_indices(interp *c, const tg_op *op, const tensor *t) {
    shape s = {.total = 1};
    for (uint32_t d = 0; d < t->rank; d++) {
        const tg_value *v = tg_op_index(op, d);
        shape own = shape_of_type(c, v->type);
        own.lifted = c->slot[v->id]->lifted;
        s = shape_union(c, &s, &own);
    }
    return s;
}

/* ---- dim stride temp tensor fill -------------------------------------------------------- */

static void give_tensor(interp *c, const tg_op *op, const tensor *t) {
    tile *r = tile_scalar(c, t->dtype);
    r->tensor = pool_alloc(&c->pool, 1, sizeof *r->tensor);
    *r->tensor = *t;
    set_slot(c, tg_result(op, 0), r);
}

/* Contents of a temp are unspecified: NaN, or 0xaa bytes, so that relying on them shows. */
static void make_temp(interp *c, const tg_op *op) {
    const tg_type *type = tg_result(op, 0)->type;
    int64_t extent[TG_MAX_RANK] = {0}, total = 1;
    for (uint32_t d = 0; d < type->rank; d++) {
        extent[d] = scalar_int(c, op, d);
        extent[d] = extent[d] > 0 ? extent[d] : 0;
        if (__builtin_mul_overflow(total, extent[d], &total)) {
            tg_unwind_to(&c->unwind, TG_ERROR_OUT_OF_MEMORY);
        }
    }
    int64_t bytes = (total + 1) * (tg_dtype_bits(type->dtype) + 4) / 8;
    void *data = pool_alloc(&c->pool, bytes, 1);
    tensor t;
    memset(data, tg_dtype_is_float(type->dtype) || is_complex(type->dtype) ? 0xff : 0xaa,
           (size_t)bytes);
    tensor_init(&t, type->dtype, type->rank, data, extent, NULL);
    if (type->dtype == TG_BOOL) {
        memset(data, 0, (size_t)bytes);
    }
    if (c->ideal) {
        tensor_add_shadow(c, &t, NULL, NULL);
    }
    if (c->check) {
        t.written = pool_zero(&c->pool, t.n, 1);
    }
    give_tensor(c, op, &t);
}

static void make_raw(interp *c, const tg_op *op) {
    const tg_type *type = tg_result(op, 0)->type;
    int64_t extent[TG_MAX_RANK] = {0}, stride[TG_MAX_RANK] = {0};
    for (uint32_t d = 0; d < type->rank; d++) {
        extent[d] = scalar_int(c, op, 1 + d);
        stride[d] = scalar_int(c, op, 1 + type->rank + d);
    }
    tensor t;
    tensor_init(&t, type->dtype, type->rank, (void *)(uintptr_t)(uint64_t)scalar_int(c, op, 0),
                extent, stride);
    t.raw = true;
    for (const tensor *k = c->raw_tensors; k; k = k->next) {
        bool same = k->data == t.data && k->dtype == t.dtype && k->rank == t.rank &&
                    memcmp(k->shape, t.shape, sizeof t.shape) == 0 &&
                    memcmp(k->stride, t.stride, sizeof t.stride) == 0;
        if (same) {
            t.value = k->value;
            t.bound = k->bound;
        }
    }
    give_tensor(c, op, &t);
}

static void fill(interp *c, const tg_op *op) {
    tensor *t = with_shadow(c, operand(c, op, 0)->tensor);
    const tile *v = operand(c, op, 1);
    chunk_store store;
    stream vs;
    shape s = {.total = t->n, .lifted = v->lifted};
    stream_init(&vs, v, tg_operand(op, 1)->type, &s, &store);
    static const uint8_t certain[CHUNK];
    for (int64_t at = 0; at < t->n; at += CHUNK) {
        int64_t n = t->n - at < CHUNK ? t->n - at : CHUNK;
        position p;
        memset(p.inside, 1, sizeof p.inside);
        for (int64_t k = 0; k < n; k++) {
            p.dense[k] = at + k;
            p.offset[k] = memory_offset(t, at + k);
        }
        chunk x = stream_next(&vs, n);
        store_elements(c, op, t, &p, certain, n, &x);
    }
}

void exec_tensor(interp *c, const tg_op *op) {
    switch ((int)op->opcode) {
    case TG_OP_TEMP:
        make_temp(c, op);
        return;
    case TG_OP_TENSOR:
        make_raw(c, op);
        return;
    case TG_OP_FILL:
        fill(c, op);
        return;
    default:
        break;
    }
    const tensor *t = operand(c, op, 0)->tensor;
    int64_t d = tg_op_int(op, TG_ATTR_D, 0);
    tile *r = tile_scalar(c, TG_I64);
    r->i[0] = op->opcode == TG_OP_DIM ? t->shape[d] : t->stride[d];
    set_slot(c, tg_result(op, 0), r);
}
