/* Products of 8-bit integers and convolutions against oneDNN, in one process, runs interleaved, so that both meet the same state of
 * the machine.
 *
 *   bench_onednn int8|conv|nchw|depthwise [part of a case's name] [threads]
 *
 * Prints the rate of the best and of the median run of ours and of each form of the peer, and ours over theirs. Times are of the
 * processor with one thread, of the clock with several. Integers are compared exactly, floats by the error of the sums. */
#define _GNU_SOURCE
#include "bench/onednn/onednn.h"

#include <tegula/tegula.h>

#include <dlfcn.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char text[] =
    "kernel product<TA: i8 | u8, TB: i8 | u8>(in TA A[M, K], in TB B[K, N], out i32 C[M, N]) {\n"
    "    grid (m in M, n in N) {\n        i32 acc[m, n] = 0;\n        for (k in K) acc += dot(A[m, k], B[k, n], k);\n"
    "        C[m, n] = acc;\n    }\n}\n"
    "kernel nhwc(in f32 X[N, H, W, C], in f32 F[const R, const S, C, K], out f32 Y[N, P, Q, K], const int stride, const int pad) {\n"
    "    grid (each n in N, p in P, q in Q, k in K) {\n        f32 acc[p, q, k] = 0;\n"
    "        for (each r in R) for (each s in S) for (c in C)\n"
    "            acc += dot(X[n, p * stride + r - pad, q * stride + s - pad, c], F[r, s, c, k], c);\n"
    "        Y[n, p, q, k] = acc;\n    }\n}\n"
    "kernel nchw(in f32 X[N, C, H, W], in f32 F[K, C, const R, const S], out f32 Y[N, K, P, Q], const int stride, const int pad) {\n"
    "    grid (each n in N, k in K, p in P, q in Q) {\n        f32 acc[k, p, q] = 0;\n"
    "        for (each r in R) for (each s in S) for (c in C)\n"
    "            acc += dot(X[n, c, p * stride + r - pad, q * stride + s - pad], F[k, c, r, s], c);\n"
    "        Y[n, k, p, q] = acc;\n    }\n}\n"
    "kernel depthwise(in f32 X[N, H, W, C], in f32 F[const R, const S, C], out f32 Y[N, P, Q, C], const int stride, const int pad) {\n"
    "    grid (each n in N, p in P, q in Q, c in C) {\n        axis r in R, s in S;\n"
    "        Y[n, p, q, c] = sum(X[n, p * stride + r - pad, q * stride + s - pad, c] * F[r, s, c], r, s);\n    }\n}\n";

enum { RUNS = 9, PEERS = 3 };

static tg_context *context;
static tg_module *module;
static clockid_t used_clock = CLOCK_PROCESS_CPUTIME_ID;

static double now(void) {
    struct timespec t;
    clock_gettime(used_clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void require(tg_status s) {
    if (s != TG_OK) {
        fprintf(stderr, "%s\n", tg_last_error(context));
        exit(1);
    }
}

static tg_tensor *tensor(tg_dtype t, uint32_t rank, const int64_t *shape, double low, double high) {
    tg_tensor *x = tg_tensor_create(context, t, rank, shape);
    if (!x) {
        require(TG_ERROR_OUT_OF_MEMORY);
    }
    require(tg_tensor_fill_random(x, rank + (uint64_t)t, low, high));
    return x;
}

typedef struct contest {
    const char *name;
    double flops, scale; /* of one run; unit printed */
    tg_kernel *kernel;
    tg_argument args[8];
    uint32_t n_args;
    onednn_op peers[PEERS];
    const char *peer_names[PEERS];
    double ours[RUNS], theirs[PEERS][RUNS];
} contest;

static void time_round(contest *c, int round, int repeat) {
    double start = now();
    for (int i = 0; i < repeat; i++) {
        require(tg_launch(c->kernel, c->args, c->n_args));
    }
    double end = now();
    if (round >= 0) {
        c->ours[round] = (end - start) / repeat;
    }
    for (int p = 0; p < PEERS; p++) {
        start = now();
        for (int i = 0; i < repeat && c->peers[p].kind; i++) {
            onednn_run(&c->peers[p]);
        }
        if (round >= 0) {
            c->theirs[p][round] = (now() - start) / repeat;
        }
    }
}

static void run_contest(contest *c, bool same) {
    int repeat = (int)(1e8 / c->flops) + 1;
    for (int r = -1; r < RUNS; r++) {
        time_round(c, r, repeat);
    }
    qsort(c->ours, RUNS, sizeof(double), by_value);
    printf("%-24s ours %7.1f (%6.1f)", c->name, c->flops / c->ours[0] * 1e-9, c->flops / c->ours[RUNS / 2] * 1e-9);
    for (int p = 0; p < PEERS; p++) {
        if (c->peers[p].kind) {
            qsort(c->theirs[p], RUNS, sizeof(double), by_value);
            printf("   %s %7.1f (%6.1f) ratio %.2f (%.2f)", c->peer_names[p], c->flops / c->theirs[p][0] * 1e-9,
                   c->flops / c->theirs[p][RUNS / 2] * 1e-9, c->theirs[p][0] / c->ours[0], c->theirs[p][RUNS / 2] / c->ours[RUNS / 2]);
            onednn_free(&c->peers[p]);
        }
    }
    printf("%s\n", same ? "" : "  WRONG");
    fflush(stdout);
}

static bool wanted(const char *name, const char *part) {
    return strstr(name, part) != NULL;
}

/* ---- products --------------------------------------------------------------------------------------------- */

static void product(int m, int n, int k, bool a_signed, bool b_signed, const char *part) {
    char name[64];
    snprintf(name, sizeof name, "%s%s %d,%d,%d", a_signed ? "s8" : "u8", b_signed ? "s8" : "u8", m, n, k);
    if (!wanted(name, part)) {
        return;
    }
    tg_tensor *a = tensor(a_signed ? TG_I8 : TG_U8, 2, (int64_t[]){m, k}, a_signed ? -128 : 0, a_signed ? 127 : 255);
    tg_tensor *b = tensor(b_signed ? TG_I8 : TG_U8, 2, (int64_t[]){k, n}, b_signed ? -9 : 0, 9); /* the peer's sums of two saturate */
    tg_tensor *c = tensor(TG_I32, 2, (int64_t[]){m, n}, 0, 0);
    int32_t *want = calloc((size_t)m * (size_t)n, 4);
    onednn_array x = {tg_tensor_data(a), 2, {m, k}, a_signed ? dnnl_s8 : dnnl_u8, dnnl_ab};
    onednn_array y = {tg_tensor_data(b), 2, {k, n}, b_signed ? dnnl_s8 : dnnl_u8, dnnl_ab};
    onednn_array z = {want, 2, {m, n}, dnnl_s32, dnnl_ab};
    contest t = {.name = name, .flops = 2.0 * m * n * k, .kernel = tg_module_kernel(module, "product"),
                 .args = {tg_argument_tensor(a), tg_argument_tensor(b), tg_argument_tensor(c)}, .n_args = 3};
    t.peers[0] = onednn_matmul(&x, &y, &z, dnnl_format_tag_any);
    t.peers[1] = onednn_matmul(&x, &y, &z, dnnl_ab);
    t.peer_names[0] = "packed B";
    t.peer_names[1] = "plain B";
    time_round(&t, -1, 1);
    bool same = true;
    if (t.peers[0].kind) {
        onednn_result(&t.peers[0], &z);
        same = memcmp(want, tg_tensor_data(c), (size_t)m * (size_t)n * 4) == 0;
    }
    run_contest(&t, same);
    free(want);
    tg_tensor_release(a), tg_tensor_release(b), tg_tensor_release(c);
}

static void products(const char *part) {
    static const int sizes[][3] = {{64, 64, 64}, {256, 256, 256}, {512, 512, 512}, {1024, 1024, 1024}, {1, 4096, 4096},
                                   {8, 4096, 4096}, {128, 768, 768}, {256, 3072, 768}, {127, 129, 131}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        product(sizes[i][0], sizes[i][1], sizes[i][2], false, true, part);
        product(sizes[i][0], sizes[i][1], sizes[i][2], true, true, part);
    }
}

/* ---- convolutions ------------------------------------------------------------------------------------------- */

typedef struct layer {
    const char *name;
    int c, size, k, r, stride, pad, groups;
} layer;

static const layer layers[] = {
    {"3x3 64@56", 64, 56, 64, 3, 1, 1, 1},        {"3x3 128@28", 128, 28, 128, 3, 1, 1, 1},
    {"3x3 256@14", 256, 14, 256, 3, 1, 1, 1},     {"3x3 512@7", 512, 7, 512, 3, 1, 1, 1},
    {"1x1 256>64@56", 256, 56, 64, 1, 1, 0, 1},   {"1x1 64>256@56", 64, 56, 256, 1, 1, 0, 1},
    {"1x1 1024>256@14", 1024, 14, 256, 1, 1, 0, 1}, {"7x7 s2 3>64@224", 3, 224, 64, 7, 2, 3, 1},
    {"dw 3x3 144@56", 144, 56, 144, 3, 1, 1, 144}, {"dw 3x3 144@56 s2", 144, 56, 144, 3, 2, 1, 144},
};

/* Largest difference in units of what f32 sums of `terms` products in [-1, 1) can be off by, in any order. */
static bool close(const float *a, const float *b, int64_t n, int terms) {
    float worst = 0;
    for (int64_t i = 0; i < n; i++) {
        worst = fmaxf(worst, fabsf(a[i] - b[i]));
    }
    return worst <= 2 * (float)terms * (float)terms * 0x1p-24f;
}

static void convolution(const layer *l, bool nchw, const char *part) {
    char name[64];
    snprintf(name, sizeof name, "%s%s", l->name, nchw ? " nchw" : "");
    if (!wanted(name, part)) {
        return;
    }
    int size = (l->size + 2 * l->pad - l->r) / l->stride + 1, depth = l->c / l->groups;
    int64_t xs[2][4] = {{1, l->size, l->size, l->c}, {1, l->c, l->size, l->size}};
    int64_t fs[2][4] = {{l->r, l->r, depth == 1 ? l->k : depth, l->k}, {l->k, depth, l->r, l->r}};
    int64_t ys[2][4] = {{1, size, size, l->k}, {1, l->k, size, size}};
    tg_tensor *x = tensor(TG_F32, 4, xs[nchw], -1, 1), *y = tensor(TG_F32, 4, ys[nchw], 0, 0);
    tg_tensor *f = tensor(TG_F32, depth == 1 ? 3 : 4, fs[nchw], -1, 1);
    int64_t n = (int64_t)size * size * l->k;
    float *want = calloc((size_t)n, sizeof(float));
    onednn_array ax = {tg_tensor_data(x), 4, {1, l->c, l->size, l->size}, dnnl_f32, nchw ? dnnl_nchw : dnnl_nhwc};
    onednn_array af = {tg_tensor_data(f), 4, {l->k, l->c, l->r, l->r}, dnnl_f32, nchw ? dnnl_oihw : dnnl_hwio};
    onednn_array ay = {want, 4, {1, l->k, size, size}, dnnl_f32, nchw ? dnnl_nchw : dnnl_nhwc};
    if (depth == 1) {
        af = (onednn_array){tg_tensor_data(f), 5, {l->k, 1, 1, l->r, l->r}, dnnl_f32, dnnl_hwigo};
    }
    contest t = {.name = name, .flops = 2.0 * (double)n * depth * l->r * l->r,
                 .kernel = tg_module_kernel(module, depth == 1 ? "depthwise" : nchw ? "nchw" : "nhwc"),
                 .args = {tg_argument_tensor(x), tg_argument_tensor(f), tg_argument_tensor(y), tg_argument_int(l->stride),
                          tg_argument_int(l->pad)}, .n_args = 5};
    t.peers[0] = onednn_convolution(&ax, &af, &ay, l->stride, l->pad, dnnl_format_tag_any);
    t.peers[1] = onednn_convolution(&ax, &af, &ay, l->stride, l->pad, nchw ? dnnl_nchw : dnnl_nhwc);
    t.peer_names[0] = "any";
    t.peer_names[1] = "plain";
    time_round(&t, -1, 1);
    bool same = true;
    if (t.peers[0].kind) {
        onednn_result(&t.peers[0], &ay);
        same = close(want, tg_tensor_data(y), n, depth * l->r * l->r);
    }
    run_contest(&t, same);
    free(want);
    tg_tensor_release(x), tg_tensor_release(f), tg_tensor_release(y);
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "", *part = argc > 2 ? argv[2] : "";
    int threads = argc > 3 ? atoi(argv[3]) : 1;
    void *symbol = dlsym(RTLD_DEFAULT, "omp_set_num_threads"); /* the peer's threads */
    void (*set_threads)(int) = NULL;
    memcpy(&set_threads, &symbol, sizeof symbol);
    if (set_threads) {
        set_threads(threads);
    }
    used_clock = threads > 1 ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID;
    tg_context_options o = TG_CONTEXT_OPTIONS_INIT;
    o.n_threads = threads;
    if (tg_context_create(&o, &context) != TG_OK || tg_module_load_text(context, "bench.dsl", text, strlen(text), &module) != TG_OK) {
        fprintf(stderr, "%s\n", tg_last_error(context));
        return 1;
    }
    if (strcmp(what, "int8") == 0) {
        products(part);
    }
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        bool deep = layers[i].groups == 1;
        if (strcmp(what, deep ? "conv" : "depthwise") == 0) {
            convolution(&layers[i], false, part);
        }
        if (deep && strcmp(what, "nchw") == 0) {
            convolution(&layers[i], true, part);
        }
    }
    tg_module_destroy(module);
    tg_context_destroy(context);
    return 0;
}
