/* See tensor.h. */
#include "runtime/tensor.h"

#include "runtime/device.h"

#include <string.h>

static bool multiply(int64_t a, int64_t b, int64_t *out) {
    return !__builtin_mul_overflow(a, b, out);
}

int64_t tg_tensor_row_major(tg_dtype dtype, uint32_t rank, const int64_t *shape,
                            int64_t *stride) {
    int64_t count = 1, bytes;
    for (uint32_t d = rank; d-- > 0;) {
        stride[d] = count;
        if (shape[d] < 0 || !multiply(count, shape[d] ? shape[d] : 1, &count)) {
            return -1;
        }
        if (d + 1 == rank && tg_dtype_bits(dtype) == 4) {
            count += count % 2; /* rows start at whole bytes */
        }
    }
    for (uint32_t d = 0; d < rank; d++) {
        if (shape[d] == 0) {
            return 0;
        }
    }
    if (!multiply(count, tg_dtype_bits(dtype), &bytes) || bytes > INT64_MAX - 8) {
        return -1;
    }
    return (bytes + 7) / 8;
}

bool tg_tensor_reach(uint32_t rank, const int64_t *shape, const int64_t *stride, int64_t *low, int64_t *high) {
    *low = *high = 0;
    for (uint32_t d = 0; d < rank; d++) {
        int64_t way;
        if (!multiply(shape[d] - 1, stride[d], &way) || __builtin_add_overflow(*(way < 0 ? low : high), way, way < 0 ? low : high)) {
            return false;
        }
    }
    return true;
}

/* Can offsets of its elements be counted in bytes? */
static bool is_addressable(tg_dtype dtype, uint32_t rank, const int64_t *shape, const int64_t *stride) {
    int64_t low, high, size, bits;
    return tg_tensor_reach(rank, shape, stride, &low, &high) && !__builtin_sub_overflow(high, low, &size) &&
           multiply(size, tg_dtype_bits(dtype), &bits);
}

static void release_buffer(tg_buffer *b) {
    if (b && atomic_fetch_sub(&b->refs, 1) == 1) {
        if (b->mem.data) {
            b->device->free(b->device, b->allocator, &b->mem);
        }
        if (b->release) {
            b->release(b->user);
        }
        tg_free(b->allocator, b, sizeof *b);
    }
}

static tg_tensor *new_tensor(const tg_allocator *a, tg_dtype dtype, uint32_t rank,
                             const int64_t *shape) {
    tg_tensor *t = tg_alloc(a, sizeof *t, _Alignof(tg_tensor));
    if (t) {
        atomic_init(&t->refs, 1);
        t->dtype = dtype;
        t->rank = rank;
        t->allocator = a;
        if (rank) {
            memcpy(t->arg.shape, shape, rank * sizeof *shape);
        }
    }
    return t;
}

static tg_buffer *new_buffer(const tg_allocator *a) {
    tg_buffer *b = tg_alloc(a, sizeof *b, _Alignof(tg_buffer));
    if (b) {
        atomic_init(&b->refs, 1);
        b->allocator = a;
    }
    return b;
}

static bool valid_shape(tg_dtype dtype, uint32_t rank, const int64_t *shape) {
    if (tg_dtype_bits(dtype) == 0 || rank > TG_MAX_RANK || (rank && !shape)) {
        return false;
    }
    for (uint32_t d = 0; d < rank; d++) {
        if (shape[d] < 0) {
            return false;
        }
    }
    return true;
}

tg_status tg_tensor_new(const tg_device *device, const tg_allocator *allocator, tg_dtype dtype,
                        uint32_t rank, const int64_t *shape, tg_tensor **out) {
    *out = NULL;
    int64_t stride[TG_MAX_RANK];
    int64_t bytes =
        valid_shape(dtype, rank, shape) ? tg_tensor_row_major(dtype, rank, shape, stride) : -1;
    if (bytes < 0) {
        return TG_ERROR_INVALID_ARGUMENT;
    }
    tg_tensor *t = new_tensor(allocator, dtype, rank, shape);
    tg_buffer *b = t ? new_buffer(allocator) : NULL;
    if (!b || !device->alloc(device, allocator, (size_t)bytes, &b->mem)) {
        tg_free(allocator, b, sizeof *b);
        tg_free(allocator, t, sizeof *t);
        return TG_ERROR_OUT_OF_MEMORY;
    }
    b->device = device;
    t->buffer = b;
    t->arg.data = b->mem.data;
    memcpy(t->arg.stride, stride, rank * sizeof *stride);
    if (device->host_visible) {
        memset(b->mem.data, 0, b->mem.size);
    }
    *out = t;
    return TG_OK;
}

/* Those of a tensor without elements mean nothing (some libraries write zeros): row-major ones, so that code for others is not asked for. */
static void set_strides(tg_tensor *t, const int64_t *stride) {
    int64_t dense[TG_MAX_RANK];
    bool empty = tg_tensor_row_major(t->dtype, t->rank, t->arg.shape, dense) == 0;
    memcpy(t->arg.stride, empty ? dense : stride, t->rank * sizeof *stride);
}

tg_status tg_tensor_wrap(const tg_allocator *allocator, tg_dtype dtype, uint32_t rank,
                         const int64_t *shape, const int64_t *stride, void *data,
                         void (*release)(void *), void *user, tg_tensor **out) {
    *out = NULL;
    int64_t dense[TG_MAX_RANK];
    int64_t bytes =
        valid_shape(dtype, rank, shape) ? tg_tensor_row_major(dtype, rank, shape, dense) : -1;
    if (bytes < 0 || (!data && bytes > 0) || (bytes > 0 && stride && !is_addressable(dtype, rank, shape, stride))) {
        return TG_ERROR_INVALID_ARGUMENT;
    }
    tg_tensor *t = new_tensor(allocator, dtype, rank, shape);
    if (!t) {
        return TG_ERROR_OUT_OF_MEMORY;
    }
    if (release) {
        t->buffer = new_buffer(allocator);
        if (!t->buffer) {
            tg_free(allocator, t, sizeof *t);
            return TG_ERROR_OUT_OF_MEMORY;
        }
        t->buffer->release = release;
        t->buffer->user = user;
    }
    t->arg.data = data;
    set_strides(t, stride ? stride : dense);
    *out = t;
    return TG_OK;
}

tg_status tg_tensor_share(const tg_tensor *t, tg_dtype dtype, uint32_t rank,
                          const int64_t *shape, const int64_t *stride, int64_t offset,
                          tg_tensor **out) {
    *out = NULL;
    if (!valid_shape(dtype, rank, shape)) {
        return TG_ERROR_INVALID_ARGUMENT;
    }
    tg_tensor *v = new_tensor(t->allocator, dtype, rank, shape);
    if (!v) {
        return TG_ERROR_OUT_OF_MEMORY;
    }
    set_strides(v, stride);
    v->arg.data =
        t->arg.data ? (char *)t->arg.data + offset * tg_dtype_bits(t->dtype) / 8 : NULL;
    v->context = t->context;
    v->read_only = t->read_only;
    v->buffer = t->buffer;
    if (v->buffer) {
        atomic_fetch_add(&v->buffer->refs, 1);
    }
    *out = v;
    return TG_OK;
}

void tg_tensor_ref(tg_tensor *t) {
    atomic_fetch_add(&t->refs, 1);
}

void tg_tensor_unref(tg_tensor *t) {
    if (t && atomic_fetch_sub(&t->refs, 1) == 1) {
        release_buffer(t->buffer);
        tg_free(t->allocator, t, sizeof *t);
    }
}

int64_t tg_tensor_count(const tg_tensor *t) {
    int64_t n = 1;
    for (uint32_t d = 0; d < t->rank; d++) {
        n *= t->arg.shape[d];
    }
    return n;
}

bool tg_tensor_is_row_major(const tg_tensor *t) {
    int64_t dense[TG_MAX_RANK];
    if (tg_tensor_row_major(t->dtype, t->rank, t->arg.shape, dense) == 0) {
        return true; /* no elements */
    }
    for (uint32_t d = 0; d < t->rank; d++) {
        if (t->arg.shape[d] != 1 && t->arg.stride[d] != dense[d]) {
            return false;
        }
    }
    return true;
}

int64_t tg_tensor_offset(const tg_tensor *t, int64_t i) {
    int64_t offset = 0;
    for (uint32_t d = t->rank; d-- > 0;) {
        offset += i % t->arg.shape[d] * t->arg.stride[d];
        i /= t->arg.shape[d];
    }
    return offset;
}

static bool same_shape(const tg_tensor *a, const tg_tensor *b) {
    return a->rank == b->rank &&
           (a->rank == 0 || memcmp(a->arg.shape, b->arg.shape, a->rank * sizeof(int64_t)) == 0);
}

tg_status tg_tensor_assign(tg_tensor *dst, const tg_tensor *src) {
    if (!same_shape(dst, src)) {
        return TG_ERROR_INVALID_ARGUMENT;
    }
    int64_t stride[TG_MAX_RANK];
    if (dst->dtype == src->dtype && tg_tensor_is_row_major(dst) &&
        tg_tensor_is_row_major(src)) {
        int64_t bytes = tg_tensor_row_major(dst->dtype, dst->rank, dst->arg.shape, stride);
        memmove(dst->arg.data, src->arg.data, (size_t)bytes);
        return TG_OK;
    }
    int64_t n = tg_tensor_count(dst);
    for (int64_t i = 0; i < n; i++) {
        tg_scalar v = tg_scalar_load(src->dtype, src->arg.data, tg_tensor_offset(src, i));
        tg_scalar_store(tg_scalar_convert(v, dst->dtype), dst->arg.data,
                        tg_tensor_offset(dst, i));
    }
    return TG_OK;
}
