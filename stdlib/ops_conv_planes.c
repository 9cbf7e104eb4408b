/* Views for kernels/conv_planes.dsl: channels as [group, channel of the group], in front of rows and columns; a sequence is an image of one row.
 *
 * The gradient for the image of stride 1 is a convolution as well: of dY, with the filter's positions in reverse and its channels exchanged, and with
 * as many zeros around that every position of the filter reaches every element of dX. That of other strides is a kernel of its own. */
#include "stdlib/ops_conv_planes.h"

#include "stdlib/dense.h"

enum { IMAGE_RANK = 5, FILTER_RANK = 5 };

/* Zeros before an image; of a gradient so many that position `filter` - 1 reaches the first element. */
static bool find_pad(const tg_conv_tensors *t, int64_t filter, int64_t dilation, int64_t *pad) {
    int64_t reach;
    return !t->to_image || (!__builtin_mul_overflow(dilation, filter - 1, &reach) && !__builtin_sub_overflow(reach, *pad, pad));
}

static bool is_strided_gradient(const tg_conv_tensors *t, const tg_conv_geometry *g) {
    return t->to_image && (g->stride[0] > 1 || g->stride[1] > 1);
}

/* Each place of the strides is code of its own: 16 take 0.7 s to compile. */
static bool has_few_places(const tg_conv_geometry *g) {
    enum { MOST = 16 };
    return g->stride[0] <= MOST && g->stride[1] <= MOST / g->stride[0];
}

/* As a convolution, if it is a gradient of stride 1. */
static bool describe(const tg_conv_tensors *t, const tg_conv_options *o, tg_conv_geometry *g) {
    bool fits = tg_conv_describe(t, o, g), strided = fits && is_strided_gradient(t, g);
    fits = fits && (!strided || has_few_places(g));
    for (uint32_t i = 0; i < TG_CONV_SPACE && fits; i++) {
        int64_t filter = tg_conv_extent_at(t->f, 0, g, i);
        fits = strided ? g->dilation[i] == 1 && filter > 0 : find_pad(t, filter, g->dilation[i], &g->pad[i]);
    }
    return fits;
}

/* Do columns follow one another, and channels not? */
static bool is_planes(const tg_tensor *t) {
    return t->arg.stride[t->rank - 2] == 1 && t->arg.stride[t->rank - 1] != 1;
}

/* Columns of a result, or of each place of a stride of a gradient. */
static int64_t columns_of(const tg_conv_tensors *t, const tg_conv_geometry *g) {
    int64_t columns = t->out->arg.shape[t->out->rank - 2], places = t->to_image ? g->stride[1] : 1;
    return columns / places + (columns % places != 0);
}

/* Columns of a result that are computed together: the divisor of their number for which the fewest lanes of half a vector are empty. */
static int64_t piece_of(const tg_conv_tensors *t, const tg_conv_geometry *g) {
    enum { LANES = 8, LONGEST = 128 };
    int64_t best = 1, filled = LANES, columns = columns_of(t, g);
    for (int64_t b = columns < LONGEST ? columns : LONGEST; b > 1; b--) {
        int64_t lanes = (b + LANES - 1) / LANES * LANES;
        if (columns % b == 0 && lanes * best < filled * b) {
            best = b;
            filled = lanes;
        }
    }
    return best;
}

enum { FEW = 4 /* channels of a group */ };

/* Has conv.dsl, whose columns are filters, few of them for its registers, or short windows to gather? It reads single elements where they lie. Groups
 * of less than four channels have lanes along several groups instead (ops_conv_groups.c). docs/performance/x86-conv.md has the figures. */
static bool is_narrow(const tg_context *context, const tg_conv_geometry *g, int64_t taps) {
    enum { SHORT = 256 /* numbers of a filter */, LINE = 16 };
    int64_t lanes = context->machine.vector_bits / (int)(8 * sizeof(float)), tile = context->machine.has_masks ? 4 * lanes : 2 * lanes, sum;
    if (taps <= 1 || __builtin_mul_overflow(g->in, taps, &sum)) {
        return false;
    }
    return g->groups > 1 ? g->in >= FEW && g->filters % tile != 0 : sum <= SHORT || g->filters < LINE;
}

/* The places of a stride are products of few filter positions each, for which conv.dsl copies windows: with 32 registers that loses however many channels
 * there are. */
static bool has_places(const tg_context *context, const tg_conv_tensors *t, const tg_conv_geometry *g) {
    return context->machine.has_masks && is_strided_gradient(t, g) && (g->groups == 1 || g->in >= FEW);
}

/* Has the gradient so few channels, and so few columns along them, that copies by planes of what lies in any other way take less? */
static bool is_thin(const tg_conv_tensors *t, const tg_conv_geometry *g) {
    enum { THIN = 4 };
    return t->to_image && g->groups == 1 && g->filters <= THIN && g->in > g->filters;
}

bool tg_conv_prefers_planes(const tg_context *context, const tg_conv_tensors *t, const tg_conv_options *o) {
    tg_conv_geometry g;
    int64_t taps;
    if (!describe(t, o, &g) || (!is_thin(t, &g) && !(is_planes(t->first) && is_planes(t->out)))) {
        return false;
    }
    int64_t lanes = context->machine.vector_bits / (int)(8 * sizeof(float)), columns = columns_of(t, &g);
    bool known = !__builtin_mul_overflow(tg_conv_extent_at(t->f, 0, &g, 0), tg_conv_extent_at(t->f, 0, &g, 1), &taps);
    return known && (is_narrow(context, &g, taps) || has_places(context, t, &g)) && columns > lanes / 2 && piece_of(t, &g) > lanes / 2;
}

/* [N, positions…, C] as [N, G, C / G, H, W] */
static tg_tensor *view_image(const tg_tensor *t, const tg_conv_geometry *g, int64_t channels) {
    uint32_t last = t->rank - 1;
    int64_t step = t->arg.stride[last];
    int64_t shape[] = {t->arg.shape[0], g->groups, channels, tg_conv_extent_at(t, 1, g, 0), tg_conv_extent_at(t, 1, g, 1)};
    int64_t stride[] = {t->arg.stride[0], channels * step, step, tg_conv_stride_at(t, 1, g, 0), tg_conv_stride_at(t, 1, g, 1)};
    return tg_tensor_view(t, IMAGE_RANK, shape, stride, 0);
}

/* [filter…, C / G, K] as [G, K / G, C / G, R, S]; of a gradient of stride 1 as [G, C / G, K / G, R, S], the last positions first. */
static tg_tensor *view_filter(const tg_conv_tensors *t, const tg_conv_geometry *g) {
    const tg_tensor *f = t->f;
    uint32_t c = f->rank - 2, k = f->rank - 1;
    int64_t r = tg_conv_extent_at(f, 0, g, 0), s = tg_conv_extent_at(f, 0, g, 1), down = tg_conv_stride_at(f, 0, g, 0), right = tg_conv_stride_at(f, 0, g, 1);
    bool reversed = t->to_image && !is_strided_gradient(t, g), some = r > 0 && s > 0;
    int64_t filters = t->to_image ? g->in : g->filters, channels = t->to_image ? g->filters : g->in, next = filters * f->arg.stride[k];
    int64_t shape[] = {g->groups, reversed ? channels : filters, reversed ? filters : channels, r, s};
    int64_t stride[] = {next, f->arg.stride[reversed ? c : k], f->arg.stride[reversed ? k : c], reversed ? -down : down, reversed ? -right : right};
    return tg_tensor_view(f, FILTER_RANK, shape, stride, reversed && some ? (r - 1) * down + (s - 1) * right : 0);
}

static tg_status launch(tg_context *context, const tg_conv_tensors *t, const tg_tensor *const *views, const tg_conv_geometry *g, tg_activation activation) {
    const tg_tensor *first = views[0], *f = views[1], *bias = views[2], *out = views[3];
    int64_t act = (int64_t)activation, piece = piece_of(t, g);
    return is_strided_gradient(t, g)
               ? tg_std_launch(context, TG_STD_conv2d_planes_dgrad, TG_ARGS(first, f, bias, out, g->stride[0], g->stride[1], g->pad[0], g->pad[1], act, piece))
               : tg_std_launch(context, TG_STD_conv2d_planes,
                               TG_ARGS(first, f, bias, out, g->stride[0], g->stride[1], g->pad[0], g->pad[1], g->dilation[0], g->dilation[1], act, piece));
}

/* Each position of a group's filter is read again for every few columns. Are there more than the first level holds, wherever they lie? */
static bool is_large(const tg_context *context, const tg_tensor *f) {
    const int64_t *extent = f->arg.shape;
    int64_t bytes = (int64_t)sizeof(float);
    for (uint32_t i = 1; i < FILTER_RANK; i++) {
        if (__builtin_mul_overflow(bytes, extent[i], &bytes)) {
            return true;
        }
    }
    return bytes > context->machine.l1_bytes;
}

/* With columns that follow one another, and so the positions of a large filter. */
static tg_status launch_dense(tg_context *context, const tg_conv_tensors *t, const tg_tensor *const *views, const tg_conv_geometry *g, tg_activation activation) {
    tg_dense d;
    const tg_tensor *f = views[1], *large = is_large(context, f) ? f : NULL;
    tg_status s = tg_dense_open(context, (const tg_tensor *[]){views[0], large, views[3]}, 3, "conv", &d);
    const tg_tensor *const ready[] = {d.tensor[0], large ? d.tensor[1] : f, views[2], d.tensor[2]};
    return tg_dense_close(context, &d, s ? s : launch(context, t, ready, g, activation));
}

tg_status tg_conv_by_planes(tg_context *context, const tg_conv_tensors *t, const tg_conv_options *o) {
    tg_conv_geometry g;
    if (!describe(t, o, &g)) {
        return tg_fail(context, TG_ERROR_INVALID_ARGUMENT, "conv: the tensors do not fit together");
    }
    tg_tensor *first = view_image(t->first, &g, g.in), *f = view_filter(t, &g), *bias = tg_conv_view_bias(t, &g),
              *out = view_image(t->out, &g, g.filters);
    bool ready = first && f && out && (bias || !t->bias);
    tg_status s = ready ? launch_dense(context, t, (const tg_tensor *[]){first, f, bias, out}, &g, o->activation)
                        : tg_fail(context, TG_ERROR_OUT_OF_MEMORY, "conv: no memory for views of its tensors");
    tg_tensor_release(first);
    tg_tensor_release(f);
    tg_tensor_release(bias);
    tg_tensor_release(out);
    return s;
}
