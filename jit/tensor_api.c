/* Tensors of the public API: argument checks around runtime/tensor.c. */
#include "jit/context.h"
#include "runtime/random.h"

#include <math.h>
#include <string.h>

static const tg_context *context_of(const tg_tensor *t) {
    return t->context;
}

static bool has_elements(uint32_t rank, const int64_t *shape) {
    for (uint32_t d = 0; d < rank; d++) {
        if (shape[d] == 0) {
            return false;
        }
    }
    return true;
}

static tg_tensor *reject_null(const char *what) {
    (void)tg_fail(NULL, TG_ERROR_INVALID_ARGUMENT, "%s is null", what);
    return NULL;
}

/* Says what is wrong with the description of a tensor. */
static bool describes_tensor(const tg_context *c, tg_dtype dtype, uint32_t rank,
                             const int64_t *shape) {
    int64_t stride[TG_MAX_RANK];
    tg_status s = TG_ERROR_INVALID_ARGUMENT;
    if (tg_dtype_bits(dtype) == 0) {
        return tg_fail(c, s, "dtype %d is no element type", (int)dtype), false;
    }
    if (rank > TG_MAX_RANK) {
        return tg_fail(c, s, "rank is %u, at most %d", rank, TG_MAX_RANK), false;
    }
    if (rank && !shape) {
        return tg_fail(c, s, "shape is null, rank is %u", rank), false;
    }
    for (uint32_t d = 0; d < rank; d++) {
        if (shape[d] < 0) {
            return tg_fail(c, s, "dimension %u is negative (%lld)", d, (long long)shape[d]),
                   false;
        }
    }
    if (tg_tensor_row_major(dtype, rank, shape, stride) < 0) {
        return tg_fail(c, s, "a tensor of this shape has 2^63 bytes or more"), false;
    }
    return true;
}

static tg_tensor *finish(tg_context *context, tg_status status, tg_tensor *t) {
    if (status) {
        (void)tg_fail(context, status, "%s for a tensor", tg_status_name(status));
        return NULL;
    }
    t->context = context;
    return t;
}

tg_tensor *tg_tensor_create(tg_context *context, tg_dtype dtype, uint32_t rank,
                            const int64_t *shape) {
    if (!context) {
        return reject_null("context");
    }
    if (!describes_tensor(context, dtype, rank, shape)) {
        return NULL;
    }
    tg_tensor *t;
    tg_status s = tg_tensor_new(context->device, &context->allocator, dtype, rank, shape, &t);
    return finish(context, s, t);
}

tg_tensor *tg_tensor_from_memory(tg_context *context, tg_dtype dtype, uint32_t rank,
                                 const int64_t *shape, const int64_t *strides, void *data,
                                 void (*release)(void *user), void *user) {
    if (!context) {
        return reject_null("context");
    }
    if (!describes_tensor(context, dtype, rank, shape)) {
        return NULL;
    }
    if (!data && has_elements(rank, shape)) {
        (void)tg_fail(context, TG_ERROR_INVALID_ARGUMENT,
                      "data is null, but the tensor has elements");
        return NULL;
    }
    tg_tensor *t;
    tg_status s = tg_tensor_wrap(&context->allocator, dtype, rank, shape, strides, data,
                                 release, user, &t);
    if (s == TG_ERROR_INVALID_ARGUMENT) { /* of what is checked there, only this is left */
        (void)tg_fail(context, s, "shape and strides reach over 2^60 bytes or more");
        return NULL;
    }
    return finish(context, s, t);
}

/* ---- views -------------------------------------------------------------------------------------------------
 */

/* Says where a view would leave its tensor. */
static bool within(const tg_tensor *t, uint32_t rank, const int64_t *shape,
                   const int64_t *stride, int64_t offset) {
    int64_t low, high, own_low, own_high;
    tg_status s = TG_ERROR_INVALID_ARGUMENT;
    if (!has_elements(rank, shape)) {
        return true;
    }
    if (!has_elements(t->rank, t->arg.shape)) {
        return tg_fail(context_of(t), s, "the view has elements, its tensor has none"), false;
    }
    if (!tg_tensor_reach(t->rank, t->arg.shape, t->arg.stride, &own_low, &own_high) ||
        !tg_tensor_reach(rank, shape, stride, &low, &high) || __builtin_add_overflow(low, offset, &low) ||
        __builtin_add_overflow(high, offset, &high)) {
        return tg_fail(context_of(t), s, "shape, strides and offset of the view overflow"),
               false;
    }
    if (low < own_low || high > own_high) {
        return tg_fail(context_of(t), s,
                       "the view needs elements %lld to %lld, its tensor has %lld to %lld",
                       (long long)low, (long long)high, (long long)own_low,
                       (long long)own_high),
               false;
    }
    return true;
}

static tg_tensor *make_view(const tg_tensor *t, uint32_t rank, const int64_t *shape,
                            const int64_t *stride, int64_t offset) {
    tg_tensor *v;
    if (t->packing.width) {
        (void)tg_fail(context_of(t), TG_ERROR_INVALID_ARGUMENT, "view: the tensor is packed for a product, only that can read it");
        return NULL;
    }
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
        return reject_null("tensor");
    }
    if (rank && !strides) {
        (void)tg_fail(context_of(tensor), TG_ERROR_INVALID_ARGUMENT, "strides is null");
        return NULL;
    }
    if (!describes_tensor(context_of(tensor), tensor->dtype, rank, shape) ||
        !within(tensor, rank, shape, strides, offset)) {
        return NULL;
    }
    return make_view(tensor, rank, shape, strides, offset);
}

tg_tensor *tg_tensor_slice(const tg_tensor *tensor, uint32_t dim, int64_t from, int64_t until) {
    if (!tensor) {
        return reject_null("tensor");
    }
    if (dim >= tensor->rank) {
        (void)tg_fail(context_of(tensor), TG_ERROR_INVALID_ARGUMENT,
                      "slice of dimension %u: the tensor has %u dimensions", dim, tensor->rank);
        return NULL;
    }
    if (from < 0 || until < from || until > tensor->arg.shape[dim]) {
        (void)tg_fail(context_of(tensor), TG_ERROR_INVALID_ARGUMENT,
                      "slice [%lld, %lld) is outside of dimension %u, which has %lld elements",
                      (long long)from, (long long)until, dim,
                      (long long)tensor->arg.shape[dim]);
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
        return reject_null("tensor");
    }
    if (tensor->rank && !order) {
        (void)tg_fail(context_of(tensor), TG_ERROR_INVALID_ARGUMENT, "order is null");
        return NULL;
    }
    int64_t shape[TG_MAX_RANK], stride[TG_MAX_RANK];
    uint32_t seen = 0;
    for (uint32_t d = 0; d < tensor->rank; d++) {
        if (order[d] >= tensor->rank || seen & (1u << order[d])) {
            (void)tg_fail(context_of(tensor), TG_ERROR_INVALID_ARGUMENT,
                          "order[%u] is %u: each of 0 to %u stands in it once", d, order[d],
                          tensor->rank - 1);
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
        return tg_fail(to ? context_of(to) : NULL, TG_ERROR_INVALID_ARGUMENT, "%s is null",
                       to ? "from" : "to");
    }
    if (to->packing.width || from->packing.width) {
        return tg_fail(context_of(to), TG_ERROR_INVALID_ARGUMENT, "copy: `%s` is packed for a product, only that can read it",
                       to->packing.width ? "to" : "from");
    }
    if (to->read_only) {
        return tg_fail(context_of(to), TG_ERROR_INVALID_ARGUMENT, "copy: `to` is read-only");
    }
    if (to->rank != from->rank) {
        return tg_fail(context_of(to), TG_ERROR_INVALID_ARGUMENT,
                       "copy from %u dimensions to %u", from->rank, to->rank);
    }
    for (uint32_t d = 0; d < to->rank; d++) {
        if (to->arg.shape[d] != from->arg.shape[d]) {
            return tg_fail(context_of(to), TG_ERROR_INVALID_ARGUMENT,
                           "copy: dimension %u is %lld in `from` but %lld in `to`", d,
                           (long long)from->arg.shape[d], (long long)to->arg.shape[d]);
        }
    }
    tg_status s = tg_tensor_assign(to, from);
    return s ? tg_fail(context_of(to), s, "copy: %s", tg_status_name(s)) : TG_OK;
}

tg_status tg_tensor_fill_random(tg_tensor *tensor, uint64_t seed, double low, double high) {
    if (!tensor) {
        return tg_fail(NULL, TG_ERROR_INVALID_ARGUMENT, "tensor is null");
    }
    if (tensor->packing.width) {
        return tg_fail(context_of(tensor), TG_ERROR_INVALID_ARGUMENT, "the tensor is packed for a product");
    }
    if (tensor->read_only) {
        return tg_fail(context_of(tensor), TG_ERROR_INVALID_ARGUMENT, "the tensor is read-only");
    }
    if (isinf(low) || isinf(high)) {
        return tg_fail(context_of(tensor), TG_ERROR_INVALID_ARGUMENT, "low is %g and high is %g: finite numbers are expected", low, high);
    }
    if (!(low <= high)) {
        return tg_fail(context_of(tensor), TG_ERROR_INVALID_ARGUMENT,
                       "low is %g and high is %g: low <= high is expected", low, high);
    }
    tg_random_fill(tensor, seed, low, high);
    return TG_OK;
}
