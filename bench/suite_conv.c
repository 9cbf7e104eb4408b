/* Forward convolutions of one image in f32: layers of ResNet and MobileNet.
 *
 * Ours reads NHWC and filters [R, S, C, K]. oneDNN's "direct" has its own layouts of images and filters, converted
 * beforehand; "nhwc" has those of images as ours. Filters are constant: ours are packed beforehand, too (tg_kernel_pack), but for
 * depthwise ones and the cases "nchw". In the cases "nchw" both sides read and write plain NCHW and filters
 * [K, C, R, S]: ours is the library's tg_op_conv, which chooses a kernel by strides, as the peers are functions of libraries. In the cases "winograd" we compute by Winograd's algorithm, which needs fewer
 * operations, with filters transformed beforehand. Peers compute there by the best algorithm they have: Winograd's with
 * AVX-512 only, else the direct one. GFLOP/s count operations of the direct one, on both sides. */
#include <math.h>

#include "bench/peers.h"

typedef struct conv_case {
    bench_case head;
    bench_conv c;
} conv_case;

#define IN(kind, winograd, label, in, px, out, r, stride, pad, groups, goal)                   \
    {                                                                                          \
        {label, goal, px == 14}, {                                                             \
            kind, winograd, in, px, out, r, stride, pad, groups, 0, NULL, NULL, NULL           \
        }                                                                                      \
    }
#define LAYER(label, in, px, out, r, stride, pad, groups, goal)                                \
    IN(BENCH_NHWC, false, label, in, px, out, r, stride, pad, groups, goal)
#define PLANES(label, in, px, out, r, stride, pad, groups, goal)                               \
    IN(BENCH_NCHW, false, label, in, px, out, r, stride, pad, groups, goal)
static const conv_case cases[] = {
    LAYER("3x3 64@56", 64, 56, 64, 3, 1, 1, 1, 0.93),
    LAYER("3x3 128@28", 128, 28, 128, 3, 1, 1, 1, 0.93),
    LAYER("3x3 256@14", 256, 14, 256, 3, 1, 1, 1, 0.93),
    LAYER("3x3 512@7", 512, 7, 512, 3, 1, 1, 1, 1),
    LAYER("1x1 256>64@56", 256, 56, 64, 1, 1, 0, 1, 0.95),
    LAYER("1x1 64>256@56", 64, 56, 256, 1, 1, 0, 1, 0.95),
    LAYER("1x1 1024>256@14", 1024, 14, 256, 1, 1, 0, 1, 0.95),
    LAYER("7x7 s2 3>64@224", 3, 224, 64, 7, 2, 3, 1, 0.95),
    LAYER("dw 3x3 144@56", 144, 56, 144, 3, 1, 1, 144, 1.1),
    LAYER("dw 3x3 s2 144@56", 144, 56, 144, 3, 2, 1, 144, 1.1),
    PLANES("nchw 3x3 64@56", 64, 56, 64, 3, 1, 1, 1, 1.4),
    PLANES("nchw 3x3 128@28", 128, 28, 128, 3, 1, 1, 1, 1.4),
    PLANES("nchw 3x3 256@14", 256, 14, 256, 3, 1, 1, 1, 1.4),
    PLANES("nchw 3x3 512@7", 512, 7, 512, 3, 1, 1, 1, 1.4),
    PLANES("nchw 1x1 256>64@56", 256, 56, 64, 1, 1, 0, 1, 0),
    PLANES("nchw 1x1 64>256@56", 64, 56, 256, 1, 1, 0, 1, 0),
    PLANES("nchw 1x1 1024>256@14", 1024, 14, 256, 1, 1, 0, 1, 0),
    PLANES("nchw 7x7 s2 3>64@224", 3, 224, 64, 7, 2, 3, 1, 1.4),
    IN(BENCH_NHWC, true, "winograd 3x3 64@56", 64, 56, 64, 3, 1, 1, 1, 1),
    IN(BENCH_NHWC, true, "winograd 3x3 128@28", 128, 28, 128, 3, 1, 1, 1, 1),
    IN(BENCH_NHWC, true, "winograd 3x3 256@14", 256, 14, 256, 3, 1, 1, 1, 1),
    IN(BENCH_NHWC, true, "winograd 3x3 512@7", 512, 7, 512, 3, 1, 1, 1, 1),
    IN(BENCH_NCHW, true, "winograd nchw 3x3 64@56", 64, 56, 64, 3, 1, 1, 1, 1.4),
    IN(BENCH_NCHW, true, "winograd nchw 3x3 128@28", 128, 28, 128, 3, 1, 1, 1, 1.4),
    IN(BENCH_NCHW, true, "winograd nchw 3x3 256@14", 256, 14, 256, 3, 1, 1, 1, 1.4),
    IN(BENCH_NCHW, true, "winograd nchw 3x3 512@7", 512, 7, 512, 3, 1, 1, 1, 1.4),
};

static int out_size(const bench_conv *c) {
    return (c->size + 2 * c->pad - c->r) / c->stride + 1;
}

/* ---- the reference ------------------------------------------------------------------------------------------ */

static double at(const tg_tensor *t, int64_t i, int64_t j, int64_t k, int64_t l) {
    const int64_t *s = tg_tensor_strides(t);
    const float *data = tg_tensor_data(t);
    int64_t offset = tg_tensor_rank(t) == 4 ? i * s[0] + j * s[1] + k * s[2] + l * s[3]
                                            : i * s[0] + j * s[1] + l * s[2];
    return (double)data[offset];
}

/* One output in f64; x is indexed [n, h, w, c], f [r, s, c, k], both by strides. */
static double exact(const bench_plan *p, const bench_conv *c, int row, int col, int k) {
    const tg_tensor *x = p->launch.args[0].u.tensor, *f = p->launch.args[1].u.tensor;
    f = tg_tensor_dtype(f) == TG_DTYPE_NONE ? p->tensors[1] : f; /* as it was before it was packed */
    double sum = 0;
    for (int r = 0; r < c->r; r++) {
        for (int s = 0; s < c->r; s++) {
            int h = row * c->stride + r - c->pad, w = col * c->stride + s - c->pad;
            bool inside = h >= 0 && h < c->size && w >= 0 && w < c->size;
            for (int i = 0; inside && i < (c->groups > 1 ? 1 : c->channels); i++) {
                sum += at(x, 0, h, w, c->groups > 1 ? k : i) * at(f, r, s, i, k);
            }
        }
    }
    return sum;
}

static void check(const bench_plan *p) {
    const bench_conv *c = &((const conv_case *)p->the_case)->c;
    const tg_tensor *y = p->out;
    int size = out_size(c);
    for (int i = 0; i < size; i += size / 5 + 1) {
        for (int j = 0; j < size; j += size / 4 + 1) {
            for (int k = (i + j) % 3; k < c->filters; k += c->filters / 4 + 1) {
                bench_check(p->row.name, fabs(exact(p, c, i, j, k) - at(y, 0, i, j, k)),
                            p->tolerance);
            }
        }
    }
}

/* ---- contenders --------------------------------------------------------------------------------------------- */

/* A tensor whose memory is in `order` of dimensions and that is indexed by the kernel's: order[i] is where in memory
 * dimension i lies. Null order: as it is. */
static tg_tensor *tensor(bench_plan *p, uint32_t rank, const int64_t *shape,
                         const uint32_t *order) {
    int64_t stored[4];
    for (uint32_t i = 0; i < rank; i++) {
        stored[order ? order[i] : i] = shape[i];
    }
    tg_tensor *t = bench_plan_tensor(p, TG_F32, rank, stored);
    return order ? bench_plan_own(p, tg_tensor_permute(t, order)) : t;
}

typedef struct conv_kernel {
    const char *file, *kernel;
} conv_kernel;

static const conv_kernel direct_kernel = {"tutorials/07-conv2d/conv2d.dsl", "conv2d"},
                         depthwise_kernel = {"bench/kernels/conv.dsl", "depthwise"};

/* A function of the library. */
typedef struct library_call {
    tg_context *context;
    const tg_tensor *x, *f; /* f: as Winograd's algorithm wants it, if it is that one */
    tg_tensor *y;
    tg_conv_options options;
    bool winograd;
} library_call;

static double run_library(void *user, int64_t calls) {
    const library_call *c = user;
    double start = bench_now();
    for (int64_t i = 0; i < calls; i++) {
        tg_status s = c->winograd ? tg_op_conv_winograd(c->context, c->x, c->f, NULL, c->y, &c->options) : tg_op_conv(c->context, c->x, c->f, NULL, c->y, &c->options);
        if (s != TG_OK) {
            bench_fail("%s", tg_last_error(c->context));
        }
    }
    return bench_now() - start;
}

/* Constant weights: transformed once, beforehand, as the peer's are. */
static const tg_tensor *transformed(bench_plan *p, const tg_tensor *f, const tg_tensor *y) {
    int64_t us[4];
    if (tg_op_winograd_filter_extents(p->ours.context, f, y, us) != TG_OK) {
        bench_fail("%s", tg_last_error(p->ours.context));
    }
    tg_tensor *u = bench_plan_tensor(p, TG_F32, 4, us);
    if (tg_op_winograd_filter(p->ours.context, f, u) != TG_OK) {
        bench_fail("%s", tg_last_error(p->ours.context));
    }
    return u;
}

static void add_library(bench_plan *p, const bench_conv *c, const tg_tensor *x, const tg_tensor *f, tg_tensor *y) {
    library_call call = {.context = p->ours.context, .x = x, .f = c->winograd ? transformed(p, f, y) : f, .y = y, .options = TG_CONV_OPTIONS_INIT, .winograd = c->winograd};
    call.options.stride[0] = call.options.stride[1] = c->stride;
    call.options.pad[0] = call.options.pad[1] = c->pad;
    bench_plan_add(p, "tegula", BENCH_OURS, run_library, &call, sizeof call);
}

static void prepare(bench_plan *p, const void *the_case) {
    bench_conv c = ((const conv_case *)the_case)->c;
    static const uint32_t image_order[] = {0, 2, 3, 1}, filter_order[] = {2, 3, 1, 0};
    bool nchw = c.layout == BENCH_NCHW, depthwise = c.groups > 1;
    const conv_kernel *ours = depthwise ? &depthwise_kernel : &direct_kernel;
    int64_t out = out_size(&c), each = c.channels / c.groups;
    int64_t xs[] = {1, c.size, c.size, c.channels}, ys[] = {1, out, out, c.filters};
    int64_t fs[] = {c.r, c.r, depthwise ? c.filters : each, c.filters};
    double terms = (double)(each * c.r * c.r), outputs = (double)(out * out * c.filters);
    p->work = p->flops = 2e-9 * terms * outputs;
    p->bytes = 4e-9 * ((double)c.size * c.size * c.channels + terms * c.filters + outputs);
    p->tolerance = 0x1p-24 * 2 * terms * (c.winograd ? 64 : 1);
    p->check = check;
    bool library = c.winograd || nchw;
    if (library) {
        bench_plan_context(p);
    } else {
        bench_plan_ours(p, ours->file, ours->kernel);
    }
    tg_tensor *x = tensor(p, 4, xs, nchw ? image_order : NULL);
    tg_tensor *f = tensor(p, depthwise ? 3 : 4, fs, nchw ? filter_order : NULL);
    tg_tensor *y = tensor(p, 4, ys, nchw ? image_order : NULL);
    tg_tensor *theirs = bench_plan_tensor(p, TG_F32, 4, ys);
    bench_plan_arg(p, tg_argument_tensor(x));
    bench_plan_arg(p, tg_argument_tensor(f));
    bench_plan_arg(p, tg_argument_tensor(y));
    bench_plan_arg(p, tg_argument_int(c.stride));
    bench_plan_arg(p, tg_argument_int(c.pad));
    if (library) {
        add_library(p, &c, x, f, y);
    } else if (!depthwise) {
        bench_plan_pack(p, 1); /* constant weights, as the peer's are */
    }
    p->out = y;
    c.threads = p->b->threads;
    c.x = tg_tensor_data(x);
    c.f = tg_tensor_data(f);
    c.y = tg_tensor_data(theirs);
    bench_add_fma_roof(p);
    if (depthwise) { /* the result's traffic is the limit: a copy of as much */
        tg_tensor *scratch = bench_plan_tensor(p, TG_F32, 4, ys);
        bench_add_copy_roof(p, c.y, tg_tensor_data(scratch), out * out * c.filters);
    }
    bench_add_onednn_conv(p, &c);
    bench_add_torch(p, "PyTorch", "conv %d %d %d %d %d %d %d %s", c.channels, c.size, c.filters, c.r,
                    c.stride, c.pad, c.groups, nchw ? "nchw" : "nhwc");
}

const bench_suite bench_suite_conv = {.name = "conv",
                                      .cases = cases,
                                      .case_size = sizeof *cases,
                                      .n_cases = sizeof cases / sizeof *cases,
                                      .prepare = prepare,
                                      .unit = "GFLOP/s"};
