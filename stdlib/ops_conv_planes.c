/* Views for kernels/conv_planes.dsl: channels as [group, channel of the group], in front of rows and columns; a sequence is an image of one row.
 *
 * The gradient for the image of stride 1 is a convolution as well: of dY, with the filter's positions in reverse and its channels exchanged, and with
 * as many zeros around that every position of the filter reaches every element of dX. */
#include "stdlib/ops_conv_planes.h"

enum { IMAGE_RANK = 5, FILTER_RANK = 5, SPACE = 2 };

typedef struct geometry {
    uint32_t space;              /* dimensions of the images: 1 or 2 */
    int64_t groups, in, filters; /* channels of a group of `first` and of `out` */
    int64_t stride[SPACE], pad[SPACE], dilation[SPACE]; /* rows, columns */
} geometry;

/* Extents and strides of position dimension i, 0 for rows; `first`: where the positions of a tensor begin. A sequence has one row. */
static int64_t extent_at(const tg_tensor *t, uint32_t first, const geometry *g, uint32_t i) {
    return g->space == SPACE ? t->arg.shape[first + i] : i ? t->arg.shape[first] : 1;
}

static int64_t stride_at(const tg_tensor *t, uint32_t first, const geometry *g, uint32_t i) {
    return g->space == SPACE ? t->arg.stride[first + i] : i ? t->arg.stride[first] : 0;
}

/* Do the channels of each group divide those of the tensors? */
static bool count_channels(const tg_conv_tensors *t, const tg_conv_options *o, geometry *g) {
    uint32_t last = t->first->rank - 1;
    int64_t in = t->first->arg.shape[last], out = t->out->arg.shape[last], all_in, all_out;
    g->groups = o->groups;
    g->in = t->f->arg.shape[t->to_image ? last : last - 1];
    g->filters = t->f->arg.shape[t->to_image ? last - 1 : last];
    int64_t *whole = t->to_image ? &g->in : &g->filters; /* the filter's last dimension counts all groups */
    if (o->groups < 1 || *whole % o->groups) {
        return false;
    }
    *whole /= o->groups;
    return !__builtin_mul_overflow(g->in, g->groups, &all_in) && !__builtin_mul_overflow(g->filters, g->groups, &all_out) && all_in == in && all_out == out;
}

/* Zeros before an image; of a gradient so many that position `filter` - 1 reaches the first element. */
static bool find_pad(const tg_conv_tensors *t, int64_t filter, int64_t dilation, int64_t pad, int64_t *out) {
    int64_t reach;
    *out = pad;
    return !t->to_image || (!__builtin_mul_overflow(dilation, filter - 1, &reach) && !__builtin_sub_overflow(reach, pad, out));
}

static bool describe(const tg_conv_tensors *t, const tg_conv_options *o, geometry *g) {
    uint32_t rank = t->first ? t->first->rank : 0;
    bool fits = (rank == 3 || rank == 4) && t->f && t->out && t->f->rank == rank && t->out->rank == rank && (!t->bias || t->bias->rank == 1);
    fits = fits && t->first->dtype == TG_F32 && t->f->dtype == TG_F32 && t->out->dtype == TG_F32;
    if (!fits) {
        return false;
    }
    *g = (geometry){.space = rank - 2, .stride = {1, 1}, .dilation = {1, 1}};
    for (uint32_t i = 0; i < g->space && fits; i++) {
        uint32_t at = i + SPACE - g->space;
        g->stride[at] = o->stride[i];
        g->dilation[at] = o->dilation[i];
        fits = o->dilation[i] > 0 && o->stride[i] > 0 && (!t->to_image || o->stride[i] == 1);
        fits = fits && find_pad(t, t->f->arg.shape[i], o->dilation[i], o->pad[i], &g->pad[at]);
    }
    return fits && count_channels(t, o, g) && (!t->bias || t->bias->arg.shape[0] == t->out->arg.shape[rank - 1]);
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
static bool is_narrow(const tg_context *context, const geometry *g, int64_t taps) {
    enum { FEW = 4, SHORT = 256 /* numbers of a filter */, LINE = 16 };
    int64_t lanes = context->machine.vector_bits / (int)(8 * sizeof(float)), tile = context->machine.has_masks ? 4 * lanes : 2 * lanes, sum;
    if (taps <= 1 || __builtin_mul_overflow(g->in, taps, &sum)) {
        return false;
    }
    return g->groups > 1 ? g->in >= FEW && g->filters % tile != 0 : sum <= SHORT || g->filters < LINE;
}

bool tg_conv_prefers_planes(const tg_context *context, const tg_conv_tensors *t, const tg_conv_options *o) {
    geometry g;
    int64_t taps;
    if (!describe(t, o, &g) || !is_planes(t->first) || !is_planes(t->out)) {
        return false;
    }
    int64_t lanes = context->machine.vector_bits / (int)(8 * sizeof(float)), columns = t->out->arg.shape[t->out->rank - 2];
    bool known = !__builtin_mul_overflow(extent_at(t->f, 0, &g, 0), extent_at(t->f, 0, &g, 1), &taps);
    return known && is_narrow(context, &g, taps) && columns > lanes / 2 && piece_of(columns) > lanes / 2;
}

/* [N, positions…, C] as [N, G, C / G, H, W] */
static tg_tensor *view_image(const tg_tensor *t, const geometry *g, int64_t channels) {
    uint32_t last = t->rank - 1;
    int64_t step = t->arg.stride[last];
    int64_t shape[] = {t->arg.shape[0], g->groups, channels, extent_at(t, 1, g, 0), extent_at(t, 1, g, 1)};
    int64_t stride[] = {t->arg.stride[0], channels * step, step, stride_at(t, 1, g, 0), stride_at(t, 1, g, 1)};
    return tg_tensor_view(t, IMAGE_RANK, shape, stride, 0);
}

/* [filter…, C / G, K] as [G, K / G, C / G, R, S]; of a gradient as [G, C / G, K / G, R, S], the last positions first. */
static tg_tensor *view_filter(const tg_tensor *f, const geometry *g, bool to_image) {
    uint32_t c = f->rank - 2, k = f->rank - 1;
    int64_t r = extent_at(f, 0, g, 0), s = extent_at(f, 0, g, 1), down = stride_at(f, 0, g, 0), right = stride_at(f, 0, g, 1);
    int64_t each = to_image ? g->in : g->filters, next = each * f->arg.stride[k];
    int64_t shape[] = {g->groups, g->filters, g->in, r, s};
    int64_t stride[] = {next, f->arg.stride[to_image ? c : k], f->arg.stride[to_image ? k : c], to_image ? -down : down, to_image ? -right : right};
    bool some = r > 0 && s > 0;
    return tg_tensor_view(f, FILTER_RANK, shape, stride, to_image && some ? (r - 1) * down + (s - 1) * right : 0);
}

static tg_tensor *view_bias(const tg_tensor *bias, const geometry *g) {
    int64_t step = bias->arg.stride[0];
    return tg_tensor_view(bias, 2, (int64_t[]){g->groups, g->filters}, (int64_t[]){g->filters * step, step}, 0);
}

tg_status tg_conv_by_planes(tg_context *context, const tg_conv_tensors *t, const tg_conv_options *o) {
    geometry g;
    if (!describe(t, o, &g)) {
        return tg_fail(context, TG_ERROR_INVALID_ARGUMENT, "conv: the tensors do not fit together");
    }
    tg_tensor *first = view_image(t->first, &g, g.in), *f = view_filter(t->f, &g, t->to_image), *bias = t->bias ? view_bias(t->bias, &g) : NULL,
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
