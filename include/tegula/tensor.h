/* Tensors: element type, shape and strides over memory that is the tensor's, shared with
 * another, or the caller's. Strides count elements, not bytes, and may be zero or negative.
 * Rank 0 to TG_RANK_MAX.
 *
 * Retain and release are atomic; the contents are ordered by whoever uses them: a launch reads
 * and writes its tensors between its call and its return. */
#ifndef TEGULA_TENSOR_H
#define TEGULA_TENSOR_H

#include "tegula/context.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { TG_RANK_MAX = 8 };

typedef struct tg_tensor tg_tensor;

/** New row-major tensor, contents zero, 64-byte aligned (from 16 KiB on: to 4 KiB; from 4 MiB on:
 * huge pages where the system has them).
 *
 * @param shape  `rank` extents >= 0; null only for rank 0
 * @return null on failure: tg_last_error tells whether dtype, rank, an extent or memory was at
 *         fault. Free it with tg_tensor_release. Any thread. */
TG_API tg_tensor *tg_tensor_create(tg_context *context, tg_dtype dtype, uint32_t rank,
                                   const int64_t *shape);

/** Tensor over the caller's memory.
 *
 * @param strides  `rank` strides in elements; null: row-major
 * @param data     first element, aligned to the element; null only if there are no elements
 * @param release  called once with `user` when the last reference goes; null: the caller keeps
 *         the memory alive
 * @return null on failure (release is then not called). Any thread. */
TG_API tg_tensor *tg_tensor_from_memory(tg_context *context, tg_dtype dtype, uint32_t rank,
                                        const int64_t *shape, const int64_t *strides,
                                        void *data, void (*release)(void *user), void *user);

/** View of `tensor`'s memory with another shape; keeps the memory alive. Every element must lie
 * within the memory that `tensor` spans.
 *
 * @param offset   elements from the first element of `tensor`
 * @return null on failure: tg_last_error tells why. Any thread. */
TG_API tg_tensor *tg_tensor_view(const tg_tensor *tensor, uint32_t rank, const int64_t *shape,
                                 const int64_t *strides, int64_t offset);
/** View of indices [from, until) of dimension `dim`. Null on failure. */
TG_API tg_tensor *tg_tensor_slice(const tg_tensor *tensor, uint32_t dim, int64_t from,
                                  int64_t until);
/** View with dimensions in the order `order` (a permutation of 0 … rank-1). Null on failure. */
TG_API tg_tensor *tg_tensor_permute(const tg_tensor *tensor, const uint32_t *order);

/** One reference more, and the tensor itself. Null gives null. Any thread. */
TG_API tg_tensor *tg_tensor_retain(tg_tensor *tensor);
/** One reference less; the last one frees. Null is fine. Any thread. */
TG_API void tg_tensor_release(tg_tensor *tensor);

/** Element type; TG_DTYPE_NONE for null. */
TG_API tg_dtype tg_tensor_dtype(const tg_tensor *tensor);
TG_API uint32_t tg_tensor_rank(const tg_tensor *tensor);
/** `rank` extents, `rank` strides in elements (row-major ones if there are no elements); live as long as the tensor. */
TG_API const int64_t *tg_tensor_shape(const tg_tensor *tensor);
TG_API const int64_t *tg_tensor_strides(const tg_tensor *tensor);
/** Address of the first element. 4-bit types: two elements per byte, low nibble first. */
TG_API void *tg_tensor_data(const tg_tensor *tensor);
/** Product of the extents. */
TG_API int64_t tg_tensor_n_elements(const tg_tensor *tensor);

/** Copies all elements, converting the type as the language does (section 4 "Conversions").
 * Shapes must be equal; strides are free; the two must not overlap partly. INVALID_ARGUMENT
 * otherwise. */
TG_API tg_status tg_tensor_copy(tg_tensor *to, const tg_tensor *from);

/** Fills with seeded values: floats uniform in [low, high), integers low … high inclusive, bool
 * 0 or 1. The same seed gives the same values on every machine. */
TG_API tg_status tg_tensor_fill_random(tg_tensor *tensor, uint64_t seed, double low,
                                       double high);

#ifdef __cplusplus
}
#endif
#endif
