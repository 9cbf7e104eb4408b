/* Views for kernels/conv_grouped.dsl: channels as [group, channel of the group]. */
#include "stdlib/ops_conv_grouped.h"

enum { IMAGE_RANK = 5, FILTER_RANK = 5 };

/* Of fewer columns, known to be so few, no register tile is made. */
enum { FEWEST = 6 };

bool tg_conv_prefers_groups(const tg_context *context, const tg_conv_tensors *t, const tg_conv_options *o) {
    tg_conv_geometry g;
    return context->machine.has_fma && tg_conv_describe(t, o, &g) && g.groups > 1 && g.filters >= FEWEST &&
           (!t->to_image || (g.stride[0] == 1 && g.stride[1] == 1));
}

/* [N, positions…, C] as [N, H, W, G, C / G] */
static tg_tensor *view_image(const tg_tensor *t, const tg_conv_geometry *g, int64_t channels) {
    int64_t step = t->arg.stride[t->rank - 1];
    int64_t shape[] = {t->arg.shape[0], tg_conv_extent_at(t, 1, g, 0), tg_conv_extent_at(t, 1, g, 1), g->groups, channels};
    int64_t stride[] = {t->arg.stride[0], tg_conv_stride_at(t, 1, g, 0), tg_conv_stride_at(t, 1, g, 1), channels * step, step};
    return tg_tensor_view(t, IMAGE_RANK, shape, stride, 0);
}

/* [filter…, C / G, K] as [R, S, C / G, G, K / G] */
static tg_tensor *view_filter(const tg_conv_tensors *t, const tg_conv_geometry *g) {
    const tg_tensor *f = t->f;
    int64_t channels = t->to_image ? g->filters : g->in, filters = t->to_image ? g->in : g->filters, step = f->arg.stride[f->rank - 1];
    int64_t shape[] = {tg_conv_extent_at(f, 0, g, 0), tg_conv_extent_at(f, 0, g, 1), channels, g->groups, filters};
    int64_t stride[] = {tg_conv_stride_at(f, 0, g, 0), tg_conv_stride_at(f, 0, g, 1), f->arg.stride[f->rank - 2], filters * step, step};
    return tg_tensor_view(f, FILTER_RANK, shape, stride, 0);
}

static tg_status launch(tg_context *context, bool to_image, const tg_tensor *const *views, const tg_conv_geometry *g, tg_activation activation) {
    const tg_tensor *first = views[0], *f = views[1], *bias = views[2], *out = views[3];
    int64_t act = (int64_t)activation;
    return to_image ? tg_std_launch(context, TG_STD_conv2d_grouped_dgrad, TG_ARGS(first, f, bias, out, g->pad[0], g->pad[1], g->dilation[0], g->dilation[1], act))
                    : tg_std_launch(context, TG_STD_conv2d_grouped,
                                    TG_ARGS(first, f, bias, out, g->stride[0], g->stride[1], g->pad[0], g->pad[1], g->dilation[0], g->dilation[1], act));
}

tg_status tg_conv_by_groups(tg_context *context, const tg_conv_tensors *t, const tg_conv_options *o) {
    tg_conv_geometry g;
    if (!tg_conv_describe(t, o, &g)) {
        return tg_fail(context, TG_ERROR_INVALID_ARGUMENT, "conv: the tensors do not fit together");
    }
    tg_tensor *first = view_image(t->first, &g, g.in), *f = view_filter(t, &g), *bias = tg_conv_view_bias(t, &g), *out = view_image(t->out, &g, g.filters);
    bool ready = first && f && out && (bias || !t->bias);
    tg_status s = ready ? launch(context, t->to_image, (const tg_tensor *[]){first, f, bias, out}, &g, o->activation)
                        : tg_fail(context, TG_ERROR_OUT_OF_MEMORY, "conv: no memory for views of its tensors");
    tg_tensor_release(first);
    tg_tensor_release(f);
    tg_tensor_release(bias);
    tg_tensor_release(out);
    return s;
}
