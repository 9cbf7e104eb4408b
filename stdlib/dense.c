/* See dense.h. */
#include "stdlib/dense.h"

static bool is_dense(const tg_tensor *t) {
    return !t || t->rank == 0 || t->arg.shape[t->rank - 1] < 2 || t->arg.stride[t->rank - 1] == 1;
}

static bool make_copy(tg_context *context, tg_dense *d, uint32_t i) {
    const tg_tensor *t = d->given[i];
    int64_t stride[TG_MAX_RANK], bytes = tg_tensor_row_major(t->dtype, t->rank, t->arg.shape, stride);
    bool there = tg_host_take_memory(context->host, bytes > 0 ? (size_t)bytes : 1, &d->memory[i]);
    d->copy[i] = there ? tg_tensor_from_memory(context, t->dtype, t->rank, t->arg.shape, NULL, d->memory[i].data, NULL, NULL) : NULL;
    d->tensor[i] = d->copy[i];
    return d->copy[i];
}

tg_status tg_dense_open(tg_context *context, const tg_tensor *const *tensors, uint32_t n, const char *what, tg_dense *d) {
    *d = (tg_dense){.n = n};
    tg_status s = TG_OK;
    for (uint32_t i = 0; i < n && !s; i++) {
        d->given[i] = d->tensor[i] = tensors[i];
        if (is_dense(tensors[i])) {
            continue;
        }
        if (!make_copy(context, d, i)) {
            s = tg_fail(context, TG_ERROR_OUT_OF_MEMORY, "%s: no memory for a copy of a tensor", what);
        } else if (i + 1 < n) {
            s = tg_op_copy(context, tensors[i], d->copy[i]);
        }
    }
    return s;
}

tg_status tg_dense_close(tg_context *context, tg_dense *d, tg_status launched) {
    uint32_t last = d->n - 1;
    tg_status s = launched || !d->copy[last] ? launched : tg_std_launch(context, TG_STD_copy, TG_ARGS(d->copy[last], d->given[last]));
    for (uint32_t i = 0; i < d->n; i++) {
        tg_tensor_release(d->copy[i]);
        tg_host_give_memory(context->host, &d->memory[i]);
    }
    return s;
}
