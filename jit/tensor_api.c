/* Tensors of the public API: argument checks around runtime/tensor.c. */
#include "jit/context.h"
#include "runtime/random.h"

#include <string.h>

static const tg_context *context_of(const tg_tensor *t) {
    return t->context;
}

static tg_tensor *finish(tg_context *context, tg_status status, tg_tensor *t,
                         const char *what) {
    if (status) {
        (void)tg_fail(context, status,
                      status == TG_ERROR_OUT_OF_MEMORY
                          ? "out of memory for %s"
                          : "%s: invalid dtype, rank, extent or data",
                      what);
        return NULL;
    }
    t->context = context;
    return t;
}

tg_tensor *tg_tensor_create(tg_context *context, tg_dtype dtype, uint32_t rank,
                            const int64_t *shape) {
    if (!context) {
        (void)tg_fail(NULL, TG_ERROR_INVALID_ARGUMENT, "context is null");
        return NULL;
    }
    tg_tensor *t;
    tg_status s = tg_tensor_new(context->device, &context->allocator, dtype, rank, shape, &t);
    return finish(context, s, t, "a tensor");
}

tg_tensor *tg_tensor_from_memory(tg_context *context, tg_dtype dtype, uint32_t rank,
                                 const int64_t *shape, const int64_t *strides, void *data,
                                 void (*release)(void *user), void *user) {
    if (!context) {
        (void)tg_fail(NULL, TG_ERROR_INVALID_ARGUMENT, "context is null");
        return NULL;
    }
    tg_tensor *t;
    tg_status s = tg_tensor_wrap(&context->allocator, dtype, rank, shape, strides, data,
                                 release, user, &t);
    return finish(context, s, t, "a tensor over memory");
}

/* ---- views -------------------------------------------------------------------------------------------------
 */

/* Element offsets from the first element to the lowest and the highest one; false if they
 * overflow. */
static bool reach(uint32_t rank, const int64_t *shape, const int64_t *stride, int64_t *low,
                  int64_t *high) {
    *low = *high = 0;
    for (uint32_t d = 0; d < rank; d++) {
        int64_t way;
        if (__builtin_mul_overflow(shape[d] - 1, stride[d], &way) ||
            __builtin_add_overflow(*(way < 0 ? low : high), way, way < 0 ? low : high)) {
            return false;
        }
    }
    return true;
}

static bool has_elements(uint32_t rank, const int64_t *shape) {
    for (uint32_t d = 0; d < rank; d++) {
        if (shape[d] == 0) {
            return false;
        }
    }
    return true;
}

static bool within(const tg_tensor *t, uint32_t rank, const int64_t *shape,
                   const int64_t *stride, int64_t offset) {
    int64_t low, high, own_low, own_high;
    if (!has_elements(rank, shape)) {
        return true;
    }
    return has_elements(t->rank, t->arg.shape) && reach(rank, shape, stride, &low, &high) &&
           reach(t->rank, t->arg.shape, t->arg.stride, &own_low, &own_high) &&
           !__builtin_add_overflow(low, offset, &low) &&
           !__builtin_add_overflow(high, offset, &high) && low >= own_low && high <= own_high;
}

static bool valid_extents(uint32_t rank, const int64_t *shape) {
    for (uint32_t d = 0; d < rank; d++) {
        if (shape[d] < 0) {
            return false;
        }
    }
    return true;
}

static tg_tensor *make_view(const tg_tensor *t, uint32_t rank, const int64_t *shape,
                            const int64_t *stride, int64_t offset) {
    tg_tensor *v;
    if (has_elements(rank, shape) && offset * tg_dtype_bits(t->dtype) % 8) {
        (void)tg_fail(context_of(t), TG_ERROR_INVALID_ARGUMENT,
                      "a view of a 4-bit tensor starts at an even element");
        return NULL;
    }
    tg_status s = tg_tensor_share(t, t->dtype, rank, shape, stride,
                                  has_elements(rank, shape) ? offset : 0, &v);
    if (s) {
        (void)tg_fail(context_of(t), s, "view: %s", tg_status_name(s));
        return NULL;
    }
    return v;
}

tg_tensor *tg_tensor_view(const tg_tensor *tensor, uint32_t rank, const int64_t *shape,
                          const int64_t *strides, int64_t offset) {
    if (!tensor) {
        return NULL;
    }
    bool given = rank <= TG_MAX_RANK && (rank == 0 || (shape && strides));
    if (!given || !valid_extents(rank, shape) ||
        !within(tensor, rank, shape, strides, offset)) {
        (void)tg_fail(context_of(tensor), TG_ERROR_INVALID_ARGUMENT,
                      given ? "the view reaches outside its tensor"
                            : "shape or strides are null, or rank is above 8");
        return NULL;
    }
    return make_view(tensor, rank, shape, strides, offset);
}

tg_tensor *tg_tensor_slice(const tg_tensor *tensor, uint32_t dim, int64_t from, int64_t until) {
    if (!tensor) {
        return NULL;
    }
    if (dim >= tensor->rank || from < 0 || until < from || until > tensor->arg.shape[dim]) {
        (void)tg_fail(context_of(tensor), TG_ERROR_INVALID_ARGUMENT,
                      "slice [%lld, %lld) of dimension %u is outside", (long long)from,
                      (long long)until, dim);
        return NULL;
    }
    int64_t shape[TG_MAX_RANK];
    memcpy(shape, tensor->arg.shape, sizeof shape);
    shape[dim] = until - from;
    return make_view(tensor, tensor->rank, shape, tensor->arg.stride,
                     from * tensor->arg.stride[dim]);
}

tg_tensor *tg_tensor_permute(const tg_tensor *tensor, const uint32_t *order) {
    if (!tensor) {
        return NULL;
    }
    int64_t shape[TG_MAX_RANK], stride[TG_MAX_RANK];
    uint32_t seen = 0;
    for (uint32_t d = 0; d < tensor->rank; d++) {
        if (!order || order[d] >= tensor->rank || seen & (1u << order[d])) {
            (void)tg_fail(context_of(tensor), TG_ERROR_INVALID_ARGUMENT,
                          "order is not a permutation");
            return NULL;
        }
        seen |= 1u << order[d];
        shape[d] = tensor->arg.shape[order[d]];
        stride[d] = tensor->arg.stride[order[d]];
    }
    return make_view(tensor, tensor->rank, shape, stride, 0);
}

/* ---- references and facts -------------------------------------------------------------------------------------
 */

tg_tensor *tg_tensor_retain(tg_tensor *tensor) {
    if (tensor) {
        tg_tensor_ref(tensor);
    }
    return tensor;
}

void tg_tensor_release(tg_tensor *tensor) {
    tg_tensor_unref(tensor);
}

tg_dtype tg_tensor_dtype(const tg_tensor *tensor) {
    return tensor ? tensor->dtype : TG_DTYPE_NONE;
}

uint32_t tg_tensor_rank(const tg_tensor *tensor) {
    return tensor ? tensor->rank : 0;
}

const int64_t *tg_tensor_shape(const tg_tensor *tensor) {
    return tensor ? tensor->arg.shape : NULL;
}

const int64_t *tg_tensor_strides(const tg_tensor *tensor) {
    return tensor ? tensor->arg.stride : NULL;
}

void *tg_tensor_data(const tg_tensor *tensor) {
    return tensor ? tensor->arg.data : NULL;
}

int64_t tg_tensor_n_elements(const tg_tensor *tensor) {
    return tensor ? tg_tensor_count(tensor) : 0;
}

tg_status tg_tensor_copy(tg_tensor *to, const tg_tensor *from) {
    if (!to || !from) {
        return TG_ERROR_INVALID_ARGUMENT;
    }
    tg_status s = tg_tensor_assign(to, from);
    return s ? tg_fail(context_of(to), s, "copy between different shapes") : TG_OK;
}

tg_status tg_tensor_fill_random(tg_tensor *tensor, uint64_t seed, double low, double high) {
    if (!tensor || !(low <= high)) {
        return TG_ERROR_INVALID_ARGUMENT;
    }
    tg_random_fill(tensor, seed, low, high);
    return TG_OK;
}
