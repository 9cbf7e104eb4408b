/* Views for kernels/conv_planes.dsl: channels as [group, channel of the group], in front of rows and columns; a sequence is an image of one row.
 *
 * The gradient for the image of stride 1 is a convolution as well: of dY, with the filter's positions in reverse and its channels exchanged, and with
 * as many zeros around that every position of the filter reaches every element of dX. */
#include "stdlib/ops_conv_planes.h"

enum { IMAGE_RANK = 5, FILTER_RANK = 5 };

/* Zeros before an image; of a gradient so many that position `filter` - 1 reaches the first element. */
static bool find_pad(const tg_conv_tensors *t, int64_t filter, int64_t dilation, int64_t *pad) {
    int64_t reach;
    return !t->to_image || (!__builtin_mul_overflow(dilation, filter - 1, &reach) && !__builtin_sub_overflow(reach, *pad, pad));
}

/* As a convolution of stride 1, if it is a gradient. */
static bool describe(const tg_conv_tensors *t, const tg_conv_options *o, tg_conv_geometry *g) {
    bool fits = tg_conv_describe(t, o, g);
    for (uint32_t i = 0; i < TG_CONV_SPACE && fits; i++) {
        fits = (!t->to_image || g->stride[i] == 1) && find_pad(t, tg_conv_extent_at(t->f, 0, g, i), g->dilation[i], &g->pad[i]);
    }
    return fits;
}

/* Do columns follow one another, and channels not? */
static bool is_planes(const tg_tensor *t) {
    return t->arg.stride[t->rank - 2] == 1 && t->arg.stride[t->rank - 1] != 1;
}

/* Columns of a result that are computed together: the divisor of their number for which the fewest lanes of half a vector are empty. */
static int64_t piece_of(int64_t columns) {
    enum { LANES = 8, LONGEST = 128 };
    int64_t best = 1, filled = LANES;
    for (int64_t b = columns < LONGEST ? columns : LONGEST; b > 1; b--) {
        int64_t lanes = (b + LANES - 1) / LANES * LANES;
        if (columns % b == 0 && lanes * best < filled * b) {
            best = b;
            filled = lanes;
        }
    }
    return best;
}

/* Has conv.dsl, whose columns are filters, few of them for its registers, or short windows to gather? It reads single elements where they lie. Groups
 * of less than four channels have lanes along several groups instead (ops_conv_groups.c). docs/performance/x86-conv.md has the figures. */
static bool is_narrow(const tg_context *context, const tg_conv_geometry *g, int64_t taps) {
    enum { FEW = 4, SHORT = 256 /* numbers of a filter */, LINE = 16 };
    int64_t lanes = context->machine.vector_bits / (int)(8 * sizeof(float)), tile = context->machine.has_masks ? 4 * lanes : 2 * lanes, sum;
    if (taps <= 1 || __builtin_mul_overflow(g->in, taps, &sum)) {
        return false;
    }
    return g->groups > 1 ? g->in >= FEW && g->filters % tile != 0 : sum <= SHORT || g->filters < LINE;
}

bool tg_conv_prefers_planes(const tg_context *context, const tg_conv_tensors *t, const tg_conv_options *o) {
    tg_conv_geometry g;
    int64_t taps;
    if (!describe(t, o, &g) || !is_planes(t->first) || !is_planes(t->out)) {
        return false;
    }
    int64_t lanes = context->machine.vector_bits / (int)(8 * sizeof(float)), columns = t->out->arg.shape[t->out->rank - 2];
    bool known = !__builtin_mul_overflow(tg_conv_extent_at(t->f, 0, &g, 0), tg_conv_extent_at(t->f, 0, &g, 1), &taps);
    return known && is_narrow(context, &g, taps) && columns > lanes / 2 && piece_of(columns) > lanes / 2;
}

/* [N, positions…, C] as [N, G, C / G, H, W] */
static tg_tensor *view_image(const tg_tensor *t, const tg_conv_geometry *g, int64_t channels) {
    uint32_t last = t->rank - 1;
    int64_t step = t->arg.stride[last];
    int64_t shape[] = {t->arg.shape[0], g->groups, channels, tg_conv_extent_at(t, 1, g, 0), tg_conv_extent_at(t, 1, g, 1)};
    int64_t stride[] = {t->arg.stride[0], channels * step, step, tg_conv_stride_at(t, 1, g, 0), tg_conv_stride_at(t, 1, g, 1)};
    return tg_tensor_view(t, IMAGE_RANK, shape, stride, 0);
}

/* [filter…, C / G, K] as [G, K / G, C / G, R, S]; of a gradient as [G, C / G, K / G, R, S], the last positions first. */
static tg_tensor *view_filter(const tg_tensor *f, const tg_conv_geometry *g, bool to_image) {
    uint32_t c = f->rank - 2, k = f->rank - 1;
    int64_t r = tg_conv_extent_at(f, 0, g, 0), s = tg_conv_extent_at(f, 0, g, 1), down = tg_conv_stride_at(f, 0, g, 0), right = tg_conv_stride_at(f, 0, g, 1);
    int64_t each = to_image ? g->in : g->filters, next = each * f->arg.stride[k];
    int64_t shape[] = {g->groups, g->filters, g->in, r, s};
    int64_t stride[] = {next, f->arg.stride[to_image ? c : k], f->arg.stride[to_image ? k : c], to_image ? -down : down, to_image ? -right : right};
    bool some = r > 0 && s > 0;
    return tg_tensor_view(f, FILTER_RANK, shape, stride, to_image && some ? (r - 1) * down + (s - 1) * right : 0);
}

tg_status tg_conv_by_planes(tg_context *context, const tg_conv_tensors *t, const tg_conv_options *o) {
    tg_conv_geometry g;
    if (!describe(t, o, &g)) {
        return tg_fail(context, TG_ERROR_INVALID_ARGUMENT, "conv: the tensors do not fit together");
    }
    tg_tensor *first = view_image(t->first, &g, g.in), *f = view_filter(t->f, &g, t->to_image), *bias = tg_conv_view_bias(t, &g),
              *out = view_image(t->out, &g, g.filters);
    bool ready = first && f && out && (bias || !t->bias);
    tg_status s = ready ? tg_std_launch(context, TG_STD_conv2d_planes,
                                        TG_ARGS(first, f, bias, out, g.stride[0], g.stride[1], g.pad[0], g.pad[1], g.dilation[0], g.dilation[1],
                                                (int64_t)o->activation, piece_of(out->arg.shape[4])))
                        : tg_fail(context, TG_ERROR_OUT_OF_MEMORY, "conv: no memory for views of its tensors");
    tg_tensor_release(first);
    tg_tensor_release(f);
    tg_tensor_release(bias);
    tg_tensor_release(out);
    return s;
}
