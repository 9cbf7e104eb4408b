/* What a convolution is about, see conv_geometry.h. */
#include "stdlib/conv_geometry.h"

int64_t tg_conv_extent_at(const tg_tensor *t, uint32_t first, const tg_conv_geometry *g, uint32_t i) {
    return g->space == TG_CONV_SPACE ? t->arg.shape[first + i] : i ? t->arg.shape[first] : 1;
}

int64_t tg_conv_stride_at(const tg_tensor *t, uint32_t first, const tg_conv_geometry *g, uint32_t i) {
    return g->space == TG_CONV_SPACE ? t->arg.stride[first + i] : i ? t->arg.stride[first] : 0;
}

/* Do the channels of each group divide those of the tensors? */
static bool count_channels(const tg_conv_tensors *t, const tg_conv_options *o, tg_conv_geometry *g) {
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

bool tg_conv_describe(const tg_conv_tensors *t, const tg_conv_options *o, tg_conv_geometry *g) {
    uint32_t rank = t->first ? t->first->rank : 0;
    bool fits = (rank == 3 || rank == 4) && t->f && t->out && t->f->rank == rank && t->out->rank == rank && (!t->bias || t->bias->rank == 1);
    fits = fits && t->first->dtype == TG_F32 && t->f->dtype == TG_F32 && t->out->dtype == TG_F32;
    if (!fits) {
        return false;
    }
    *g = (tg_conv_geometry){.space = rank - 2, .stride = {1, 1}, .dilation = {1, 1}};
    for (uint32_t i = 0; i < g->space && fits; i++) {
        uint32_t at = i + TG_CONV_SPACE - g->space;
        g->stride[at] = o->stride[i];
        g->dilation[at] = o->dilation[i];
        g->pad[at] = o->pad[i];
        fits = o->dilation[i] > 0 && o->stride[i] > 0;
    }
    return fits && count_channels(t, o, g) && (!t->bias || t->bias->arg.shape[0] == t->out->arg.shape[rank - 1]);
}

tg_tensor *tg_conv_view_bias(const tg_conv_tensors *t, const tg_conv_geometry *g) {
    int64_t step = t->bias ? t->bias->arg.stride[0] : 0;
    return t->bias ? tg_tensor_view(t->bias, 2, (int64_t[]){g->groups, g->filters}, (int64_t[]){g->filters * step, step}, 0) : NULL;
}
