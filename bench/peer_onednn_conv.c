/* oneDNN's convolutions. Its dimensions are N C H W and [groups,] K C R S whatever the layout; strides say it. */
#include "bench/onednn.h"

typedef struct layouts {
    onednn_md x, f, y; /* of our tensors */
    int f_rank;
    int64_t xd[4], fd[5], yd[4];
} layouts;

static bool image(onednn_md *md, int64_t *dims, int64_t channels, int64_t size, bool nchw) {
    const int64_t d[] = {1, channels, size, size}, all = channels * size * size;
    const int64_t nhwc_strides[] = {all, 1, size * channels, channels};
    const int64_t nchw_strides[] = {all, size * size, size, 1};
    for (int i = 0; i < 4; i++) {
        dims[i] = d[i];
    }
    return onednn_strided(md, 4, dims, DNNL_F32, nchw ? nchw_strides : nhwc_strides);
}

/* Ours are [R, S, C, K], depthwise [R, S, C], in NCHW [K, C, R, S]. */
static bool filters(layouts *l, const bench_conv *c) {
    int64_t r = c->r, k = c->filters, in = c->channels / c->groups;
    if (c->groups > 1) {
        const int64_t d[] = {c->groups, 1, 1, r, r}, s[] = {1, k, k, r * k, k};
        l->f_rank = 5;
        for (int i = 0; i < 5; i++) {
            l->fd[i] = d[i];
        }
        return onednn_strided(&l->f, 5, l->fd, DNNL_F32, s);
    }
    const int64_t d[] = {k, in, r, r}, rsck[] = {1, k, r * in * k, in * k};
    l->f_rank = 4;
    for (int i = 0; i < 4; i++) {
        l->fd[i] = d[i];
    }
    return onednn_strided(&l->f, 4, l->fd, DNNL_F32, c->layout == BENCH_NCHW ? NULL : rsck);
}

static bool describe(layouts *l, const bench_conv *c) {
    bool nchw = c->layout == BENCH_NCHW;
    int64_t out = (c->size + 2 * c->pad - c->r) / c->stride + 1;
    return image(&l->x, l->xd, c->channels, c->size, nchw) &&
           image(&l->y, l->yd, c->filters, out, nchw) && filters(l, c);
}

/* `own`: images in the layout that the primitive likes, else in ours. Filters are always in the primitive's. */
static void add(bench_plan *p, const bench_conv *c, const char *name, int algorithm, bool own) {
    const onednn *lib = bench_onednn();
    layouts l;
    onednn_md x, f, y;
    onednn_desc desc;
    onednn_op op = {.lib = lib};
    const int64_t stride[] = {c->stride, c->stride}, pad[] = {c->pad, c->pad};
    bool ready = describe(&l, c) && onednn_any(&x, 4, l.xd, DNNL_F32) &&
                 onednn_any(&f, l.f_rank, l.fd, DNNL_F32) &&
                 onednn_any(&y, 4, l.yd, DNNL_F32) &&
                 lib->convolution_forward_desc_init(&desc, DNNL_FORWARD_INFERENCE, algorithm,
                                                    own ? &x : &l.x, &f, NULL, own ? &y : &l.y,
                                                    stride, pad, pad) == 0 &&
                 onednn_make(&op, &desc, c->threads);
    union {
        const float *in;
        float *out;
    } from = {.in = c->x},
      by = {.in = c->f}; /* the library's memory objects do not know const */
    ready = ready && onednn_operand(&op, DNNL_ARG_SRC, DNNL_QUERY_SRC, &l.x, from.out) &&
            onednn_operand(&op, DNNL_ARG_WEIGHTS, DNNL_QUERY_WEIGHTS, &l.f, by.out) &&
            onednn_operand(&op, DNNL_ARG_DST, DNNL_QUERY_DST, &l.y, c->y);
    onednn_add(p, name, &op, ready, c->y);
}

void bench_add_onednn_conv(bench_plan *p, const bench_conv *c) {
    if (!bench_onednn()) {
        return;
    }
    bool own = c->layout == BENCH_NHWC;
    if (own) {
        add(p, c, "oneDNN direct", DNNL_CONV_DIRECT, true);
        add(p, c, "oneDNN nhwc", DNNL_CONV_DIRECT, false);
    } else {
        add(p, c, "oneDNN nchw", DNNL_CONV_DIRECT, false);
    }
    if (c->winograd) {
        add(p, c, "oneDNN winograd", DNNL_CONV_WINOGRAD, own);
    }
}
