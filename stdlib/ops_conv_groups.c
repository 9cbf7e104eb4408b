/* A group of 4 channels has 4 of the 8 or 16 lanes of a vector, and a quarter of each line of memory that it reads. So several groups are taken as
 * one: its gradient has sums for all pairs of their channels, of which those within a group are kept. That is several times the products, at a
 * multiple of the speed, and nothing that is kept depends on another group.
 *
 *        k of group 0   1
 *   c of 0     [kept]   .         [filter…, joined · CG, K]   →   [filter…, CG, K]
 *      of 1      .   [kept]
 *
 * With channels that are not last, vectors run along the images, and groups are well off by themselves. */
#include "stdlib/ops_conv_groups.h"

#include <string.h>

enum { TOGETHER = 16 /* output channels that fill a tile's columns: a line of f32 */ };

int64_t tg_conv_joined_groups(const tg_tensor *x, const tg_tensor *dy, const tg_tensor *df, int64_t groups) {
    bool fits = x && dy && df && x->rank >= 3 && dy->rank == x->rank && df->rank == x->rank && df->dtype != TG_DTYPE_NONE && groups > 1;
    uint32_t last = fits ? x->rank - 1 : 0;
    int64_t filters = fits ? dy->arg.shape[last] : 0, joined = 1;
    if (filters == 0 || x->arg.stride[last] != 1 || dy->arg.stride[last] != 1 || df->arg.shape[last] != filters || filters % groups) {
        return 1;
    }
    while (joined < groups && (joined * (filters / groups) < TOGETHER || groups % joined)) {
        joined++;
    }
    return joined;
}

/* A gradient as [filter…, CG, number in the joined groups, joined groups, k of a group]; `kept`: of the sums for all pairs, those within a group. */
static tg_tensor *view_by_groups(const tg_tensor *f, int64_t channels, int64_t joined, int64_t groups, bool kept) {
    uint32_t c = f->rank - 2, k = f->rank - 1;
    int64_t each = f->arg.shape[k] / groups, to_k = f->arg.stride[k], next = each * to_k + (kept ? channels * f->arg.stride[c] : 0);
    int64_t shape[TG_MAX_RANK], stride[TG_MAX_RANK];
    memcpy(shape, f->arg.shape, c * sizeof *shape);
    memcpy(stride, f->arg.stride, c * sizeof *stride);
    memcpy(shape + c, (int64_t[]){channels, joined, groups / joined, each}, 4 * sizeof *shape);
    memcpy(stride + c, (int64_t[]){f->arg.stride[c], next, joined * each * to_k, to_k}, 4 * sizeof *stride);
    return tg_tensor_view(f, f->rank + 2, shape, stride, 0);
}

static tg_status keep(tg_context *context, const tg_tensor *all, const tg_tensor *df, int64_t joined, int64_t groups) {
    int64_t channels = df->arg.shape[df->rank - 2];
    tg_tensor *from = view_by_groups(all, channels, joined, groups, true), *to = view_by_groups(df, channels, joined, groups, false);
    tg_status s = from && to ? tg_op_copy(context, from, to) : tg_fail(context, TG_ERROR_OUT_OF_MEMORY, "conv_wgrad: no memory for views of the gradient");
    tg_tensor_release(from);
    tg_tensor_release(to);
    return s;
}

tg_status tg_conv_wgrad_joined(tg_context *context, tg_conv_wgrad_fn *wgrad, const tg_tensor *x, const tg_tensor *dy, tg_tensor *df,
                               const tg_conv_options *options, int64_t joined) {
    tg_conv_options o = *options;
    int64_t shape[TG_MAX_RANK];
    memcpy(shape, df->arg.shape, df->rank * sizeof *shape);
    if (__builtin_mul_overflow(shape[df->rank - 2], joined, &shape[df->rank - 2])) {
        return tg_fail(context, TG_ERROR_INVALID_ARGUMENT, "conv_wgrad: df has too many channels");
    }
    o.groups /= joined;
    tg_tensor *all = tg_tensor_create(context, df->dtype, df->rank, shape);
    if (!all) {
        return tg_fail(context, TG_ERROR_OUT_OF_MEMORY, "conv_wgrad: no memory for the gradients of all pairs of channels");
    }
    tg_status s = wgrad(context, x, dy, all, &o);
    s = s ? s : keep(context, all, df, joined, options->groups);
    tg_tensor_release(all);
    return s;
}
