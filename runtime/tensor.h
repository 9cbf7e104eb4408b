/* Tensors: a dtype, a shape and strides (in elements) over a reference-counted buffer. Views
 * share the buffer. The public face is include/tegula/tensor.h. */
#ifndef TG_RUNTIME_TENSOR_H
#define TG_RUNTIME_TENSOR_H

#include "base/dtype.h"
#include "runtime/memory.h"

#include <stdatomic.h>

struct tg_device;

typedef struct tg_buffer {
    _Atomic int32_t refs;
    const struct tg_device *device;
    const tg_allocator *allocator; /* of this struct */
    tg_mem mem;                    /* what release() frees, if it is the device's */
    void (*release)(void *user);   /* for foreign memory; may be null */
    void *user;
} tg_buffer;

typedef struct tg_tensor {
    _Atomic int32_t refs;
    tg_dtype dtype;
    uint32_t rank;
    tg_tensor_arg arg; /* data, shape, strides: what a kernel gets */
    /* Packed for a product: width not 0. Then `dtype` is NONE, so that whoever reads elements refuses, and the elements' type is here. */
    tg_packing packing;
    tg_dtype packed_dtype;
    bool read_only; /* memory that its owner does not want written */
    tg_buffer *buffer; /* null: memory of the caller, not owned */
    const tg_allocator *allocator;
    void *context; /* the tg_context of the public API, for messages; null inside the runtime */
} tg_tensor;

/* Element strides of a row-major tensor; rows of 4-bit types start at an even element. Returns
 * the bytes of the storage, or -1 if they overflow or an extent is negative. */
int64_t tg_tensor_row_major(tg_dtype dtype, uint32_t rank, const int64_t *shape,
                            int64_t *stride);

/* Element offsets from the first element to the lowest and the highest one, of a tensor that has elements; false if they overflow. */
bool tg_tensor_reach(uint32_t rank, const int64_t *shape, const int64_t *stride, int64_t *low, int64_t *high);

/* New storage, contents zero. INVALID_ARGUMENT: dtype, rank or extents; OUT_OF_MEMORY. */
tg_status tg_tensor_new(const struct tg_device *device, const tg_allocator *allocator,
                        tg_dtype dtype, uint32_t rank, const int64_t *shape, tg_tensor **out);
/* Over memory at `data`; strides null: row-major. INVALID_ARGUMENT: as above, or strides that reach too far. `release(user)` is called with the last
 * reference; if it is null the caller keeps the memory alive. On failure release is not called.
 */
tg_status tg_tensor_wrap(const tg_allocator *allocator, tg_dtype dtype, uint32_t rank,
                         const int64_t *shape, const int64_t *stride, void *data,
                         void (*release)(void *), void *user, tg_tensor **out);
/* Another tensor over the same buffer, `offset` elements from t's first. Not checked against
 * the buffer. */
tg_status tg_tensor_share(const tg_tensor *t, tg_dtype dtype, uint32_t rank,
                          const int64_t *shape, const int64_t *stride, int64_t offset,
                          tg_tensor **out);
void tg_tensor_ref(tg_tensor *t);
void tg_tensor_unref(tg_tensor *t); /* null is fine */

bool tg_tensor_is_row_major(const tg_tensor *t);
int64_t tg_tensor_count(const tg_tensor *t); /* elements */
/* Offset in elements of the i-th element in row-major order of the shape. */
int64_t tg_tensor_offset(const tg_tensor *t, int64_t i);
/* Element by element with conversion; shapes must be equal. */
tg_status tg_tensor_assign(tg_tensor *dst, const tg_tensor *src);

#endif
