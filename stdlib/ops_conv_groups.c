/* Gradients of filters. A group of 4 channels has 4 of the 8 or 16 lanes of a vector, and a quarter of each line of memory that it reads. So several groups are taken as
 * one: its gradient has sums for all pairs of their channels, of which those within a group are kept. That is several times the products, at a
 * multiple of the speed, and nothing that is kept depends on another group.
 *
 *        k of group 0   1
 *   c of 0     [kept]   .         [filter…, joined · CG, K]   →   [filter…, CG, K]
 *      of 1      .   [kept]
 *
 * With channels that are not last, vectors run along the images, and groups are well off by themselves. */
#include "stdlib/ops_conv_groups.h"

#include "stdlib/dense.h"

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

/* ---- the other directions: kernels/groups.dsl ------------------------------------------------------------------ */

/* Do columns of images follow one another, and channels not, and are rows long enough for lanes along them? */
static bool are_planes(const tg_context *context, const tg_tensor *first, const tg_tensor *out) {
    int64_t lanes = context->machine.vector_bits / (int)(8 * sizeof(float));
    const tg_tensor *const images[] = {first, out};
    bool fits = true;
    for (uint32_t i = 0; i < 2 && fits; i++) {
        uint32_t column = images[i]->rank - 2;
        fits = images[i]->arg.stride[column] == 1 && images[i]->arg.stride[column + 1] != 1 && images[i]->arg.shape[column] > lanes / 2;
    }
    return fits;
}

/* Channels of a group: with more, products in registers (ops_conv_grouped.c) are faster. Where pixels are so far
 * apart that they share two sets of the first level, half as many are if they fill a vector, or would be copied, or if windows overlap little. The
 * gradient of a strided convolution is several products of few filter positions each. */
static int64_t most_channels(const tg_context *context, bool to_image, const tg_tensor *first, const tg_tensor *out, const tg_conv_options *o) {
    enum { MOST = 8, CROWDED = 2048 };
    int64_t lanes = context->machine.vector_bits / (int)(8 * sizeof(float)), last = out->rank - 1;
    bool strided = false, side_by_side = out->arg.stride[last] == 1;
    for (uint32_t i = 0; i + 2 < out->rank; i++) {
        strided = strided || o->stride[i] > 1;
    }
    if (to_image && strided) {
        return side_by_side && lanes > MOST ? lanes : MOST;
    }
    bool crowded = out->arg.shape[last] % (CROWDED / (int)sizeof(float)) == 0;
    return context->machine.has_fma && crowded && (lanes == MOST || !side_by_side || strided) && !are_planes(context, first, out) ? MOST / 2 : MOST;
}

/* They are a power of two, so that vectors hold whole groups. */
static bool suits_groups(const tg_context *context, bool to_image, const tg_tensor *first, const tg_tensor *f, const tg_tensor *out,
                         const tg_conv_options *o) {
    int64_t filters = f->arg.shape[f->rank - 1], channels = f->arg.shape[f->rank - 2], all;
    return channels > 0 && channels <= most_channels(context, to_image, first, out, o) && (channels & (channels - 1)) == 0 && o->groups > 1 &&
           !__builtin_mul_overflow(channels, o->groups, &all) && all == filters && filters == out->arg.shape[out->rank - 1];
}

bool tg_conv_has_group_kernel(const tg_context *context, bool to_image, const tg_tensor *first, const tg_tensor *f, const tg_tensor *bias,
                              const tg_tensor *out, const tg_conv_options *o) {
    uint32_t rank = first && f && out ? first->rank : 0;
    bool fits = (rank == 3 || rank == 4) && f->rank == rank && out->rank == rank && (!bias || bias->rank == 1);
    fits = fits && first->dtype == TG_F32 && f->dtype == TG_F32 && out->dtype == TG_F32 && first->arg.shape[rank - 1] == out->arg.shape[rank - 1];
    for (uint32_t i = 0; i + 2 < rank && fits; i++) {
        fits = o->stride[i] > 0 && o->dilation[i] > 0 && (o->stride[i] == 1 || o->dilation[i] == 1);
    }
    return fits && suits_groups(context, to_image, first, f, out, o);
}

/* Sequences are images of one row, and their filters, too. */
static tg_tensor *as_image(const tg_tensor *t, bool is_filter) {
    int64_t shape[4], stride[4];
    uint32_t row = is_filter ? 0 : 1;
    for (uint32_t i = 0; i < 4; i++) {
        bool added = t->rank == 3 && i == row;
        uint32_t from = t->rank == 3 && i > row ? i - 1 : i;
        shape[i] = added ? 1 : t->arg.shape[from];
        stride[i] = added ? 1 : t->arg.stride[from];
    }
    return tg_tensor_view(t, 4, shape, stride, 0);
}

enum { FIRST, FILTER, BIAS, OUT, TENSORS };

static tg_status launch_groups(tg_context *context, tg_std_row row, const tg_tensor *const *t, const tg_conv_options *o, bool images) {
    uint32_t w = images ? 1 : 0;
    return tg_std_launch(context, row,
                         TG_ARGS(t[FIRST], t[FILTER], t[BIAS], t[OUT], images ? o->stride[0] : 1, o->stride[w], images ? o->pad[0] : 0, o->pad[w],
                                 images ? o->dilation[0] : 1, o->dilation[w], (int64_t)o->activation));
}

static tg_status by_planes(tg_context *context, bool to_image, const tg_tensor *const *t, const tg_conv_options *o, bool images) {
    static const uint32_t image[] = {0, 3, 1, 2}, filter[] = {3, 2, 0, 1};
    tg_tensor *first = tg_tensor_permute(t[FIRST], image), *f = tg_tensor_permute(t[FILTER], filter), *out = tg_tensor_permute(t[OUT], image);
    tg_status s = !first || !f || !out ? tg_fail(context, TG_ERROR_OUT_OF_MEMORY, "conv: no memory for views of its tensors")
                                       : launch_groups(context, to_image ? TG_STD_conv2d_groups_planes_dgrad : TG_STD_conv2d_groups_planes,
                                                       (const tg_tensor *[]){first, f, t[BIAS], out}, o, images);
    tg_tensor_release(first);
    tg_tensor_release(f);
    tg_tensor_release(out);
    return s;
}

bool tg_conv_prefers_wgrad_of_planes(const tg_context *context, const tg_tensor *x, const tg_tensor *dy, const tg_tensor *df, const tg_conv_options *o) {
    uint32_t rank = x && dy && df ? x->rank : 0;
    int64_t few = context->machine.vector_bits / (int)(16 * sizeof(float));
    bool fits = (rank == 3 || rank == 4) && dy->rank == rank && df->rank == rank && x->dtype == TG_F32 && dy->dtype == TG_F32 && df->dtype == TG_F32;
    fits = fits && o->groups > 1 && are_planes(context, x, dy);
    return fits && df->arg.shape[rank - 2] <= few && df->arg.shape[rank - 1] % o->groups == 0 && df->arg.shape[rank - 1] / o->groups <= few &&
           df->arg.shape[rank - 1] > 0;
}

tg_status tg_conv_wgrad_of_planes(tg_context *context, const tg_tensor *x, const tg_tensor *dy, const tg_tensor *df, const tg_conv_options *o) {
    static const uint32_t as_planes[] = {0, 3, 1, 2}, as_filter[] = {3, 2, 0, 1};
    const tg_tensor *given[] = {x, dy, df};
    tg_tensor *image[3] = {NULL}, *view[3] = {NULL};
    bool ready = true, rows = x->rank == 4;
    uint32_t w = rows ? 1 : 0;
    for (uint32_t i = 0; i < 3 && ready; i++) {
        image[i] = as_image(given[i], i == 2);
        view[i] = image[i] ? tg_tensor_permute(image[i], i == 2 ? as_filter : as_planes) : NULL;
        ready = view[i];
    }
    tg_status s = ready ? tg_std_launch(context, TG_STD_conv2d_groups_planes_wgrad,
                                        TG_ARGS(view[0], view[1], view[2], rows ? o->stride[0] : 1, o->stride[w], rows ? o->pad[0] : 0, o->pad[w],
                                                rows ? o->dilation[0] : 1, o->dilation[w], df->arg.shape[df->rank - 1] / o->groups))
                        : tg_fail(context, TG_ERROR_OUT_OF_MEMORY, "conv_wgrad: no memory for views of the tensors");
    for (uint32_t i = 0; i < 3; i++) {
        tg_tensor_release(image[i]);
        tg_tensor_release(view[i]);
    }
    return s;
}

static tg_status by_copies(tg_context *context, bool to_image, const tg_tensor *const *t, const tg_conv_options *o, bool images) {
    tg_dense d;
    tg_status s = tg_dense_open(context, t, TENSORS, "conv", &d);
    return tg_dense_close(context, &d, s ? s : launch_groups(context, to_image ? TG_STD_conv2d_groups_dgrad : TG_STD_conv2d_groups, d.tensor, o, images));
}

tg_status tg_conv_by_group_kernel(tg_context *context, bool to_image, const tg_tensor *first, const tg_tensor *f, const tg_tensor *bias, const tg_tensor *out,
                                  const tg_conv_options *options) {
    tg_tensor *x = as_image(first, false), *filter = as_image(f, true), *y = as_image(out, false);
    const tg_tensor *t[TENSORS] = {x, filter, bias, y};
    tg_status s = !x || !filter || !y           ? tg_fail(context, TG_ERROR_OUT_OF_MEMORY, "conv: no memory for views of its tensors")
                  : are_planes(context, x, y) ? by_planes(context, to_image, t, options, first->rank == 4)
                                           : by_copies(context, to_image, t, options, first->rank == 4);
    tg_tensor_release(x);
    tg_tensor_release(filter);
    tg_tensor_release(y);
    return s;
}
