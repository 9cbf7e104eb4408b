/* Whole kernels: matrix product, softmax, stencil; values, bounds, grid orders, ragged and empty sizes. */
#include "tests/unit/interp/interp_fixture.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char gemm_text[] =
    "func @gemm(in %A: tensor<2 x f32>, in %B: tensor<2 x f32>, out %C: tensor<2 x f32>)\n"
    "  axes { #m grid block=%BM%, #n grid block=%BN%, #k loop block=%BK% }\n"
    "{\n"
    "  %z = const {value=0} : i64\n"
    "  %M = dim %A {d=0} : i64\n"
    "  %K = dim %A {d=1} : i64\n"
    "  %N = dim %B {d=1} : i64\n"
    "  phase () {\n"
    "    par %M, %z, %M {axis=#m} () {\n"
    "      par %N, %z, %N {axis=#n} () {\n"
    "        %i = iota {axis=#m} : tile<#m x i64>\n"
    "        %j = iota {axis=#n} : tile<#n x i64>\n"
    "        %zero = const {value=0.0} : f32\n"
    "        %init = broadcast %zero : tile<#m, #n x f32>\n"
    "        %acc = for %K, %z, %K, %init {axis=#k} (%a: tile<#m, #n x f32>) {\n"
    "          %p = iota {axis=#k} : tile<#k x i64>\n"
    "          %x = load %A, %i, %p : tile<#m, #k x f32>\n"
    "          %y = load %B, %p, %j : tile<#n, #k x f32>\n"
    "          %d = dot %x, %y, %a {over=(#k)} : tile<#m, #n x f32>\n"
    "          yield %d\n"
    "        } : tile<#m, #n x f32>\n"
    "        store %C, %acc, %i, %j\n"
    "      }\n"
    "    }\n"
    "  }\n"
    "}\n";

/* The text with block sizes put in. */
static void with_blocks(char *out, size_t size, const char *text, int m, int n, int k) {
    const int value[] = {m, n, k};
    size_t used = 0;
    for (const char *p = text; *p && used + 16 < size; p++) {
        if (p[0] == '%' && p[1] == 'B' && p[3] == '%') {
            used += (size_t)sprintf(out + used, "%d",
                                    value[p[2] == 'M'   ? 0
                                          : p[2] == 'N' ? 1
                                                        : 2]);
            p += 3;
        } else {
            out[used++] = *p;
        }
    }
    out[used] = 0;
}

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

typedef struct gemm_data {
    int64_t m, n, k;
    float *a, *b, *c;
    double *value, *bound, *exact;
} gemm_data;

static gemm_data gemm_make(int64_t m, int64_t n, int64_t k) {
    gemm_data d = {m, n, k, NULL, NULL, NULL, NULL, NULL, NULL};
    d.a = malloc((size_t)(m * k + 1) * sizeof *d.a);
    d.b = malloc((size_t)(n * k + 1) * sizeof *d.b);
    d.c = malloc((size_t)(m * n + 1) * sizeof *d.c);
    d.value = malloc((size_t)(m * n + 1) * sizeof *d.value);
    d.bound = malloc((size_t)(m * n + 1) * sizeof *d.bound);
    random_f32(d.a, m * k, 1);
    random_f32(d.b, n * k, 2);
    memset(d.c, 0xff, (size_t)(m * n) * sizeof *d.c);
    return d;
}

static void gemm_free(gemm_data *d) {
    free(d->a);
    free(d->b);
    free(d->c);
    free(d->value);
    free(d->bound);
}

static void gemm_run(gemm_data *d, const int block[3], const tg_interp_options *o) {
    char text[4096];
    fixture x;
    with_blocks(text, sizeof text, gemm_text, block[0], block[1], block[2]);
    fixture_open(&x, text);
    tg_interp_arg args[3] = {matrix_arg(TG_F32, d->a, d->m, d->k),
                             matrix_arg(TG_F32, d->b, d->k, d->n),
                             matrix_arg(TG_F32, d->c, d->m, d->n)};
    args[2].tensor.value = d->value;
    args[2].tensor.bound = d->bound;
    tg_status status = fixture_run(&x, args, o);
    cr_assert_eq(status, TG_OK, "%s", x.message);
    fixture_close(&x);
}

static double dot_f64(const gemm_data *d, int64_t i, int64_t j) {
    double s = 0;
    for (int64_t k = 0; k < d->k; k++) {
        s += (double)d->a[i * d->k + k] * (double)d->b[k * d->n + j];
    }
    return s;
}

/* f32 in the given order: ascending, descending, or pairs of halves. */
static float dot_f32(const gemm_data *d, int64_t i, int64_t j, int order) {
    float s[2] = {0, 0};
    for (int64_t q = 0; q < d->k; q++) {
        int64_t k = order == 1 ? d->k - 1 - q : q;
        s[order == 2 ? q & 1 : 0] += d->a[i * d->k + k] * d->b[k * d->n + j];
    }
    return s[0] + s[1];
}

Test(interp_kernels, gemm) {
    const int64_t sizes[][3] = {{1, 1, 1}, {5, 7, 9}, {16, 16, 16}, {33, 20, 70},
                                {3, 0, 4}, {4, 4, 0}, {40, 1, 50},  {1, 40, 50}};
    const int blocks[][3] = {{0, 0, 0}, {8, 16, 4}, {7, 3, 100}};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        for (size_t b = 0; b < sizeof blocks / sizeof blocks[0]; b++) {
            gemm_data d = gemm_make(sizes[s][0], sizes[s][1], sizes[s][2]);
            tg_interp_options o = {.mode = TG_INTERP_IDEAL,
                                   .order = (tg_interp_order)b,
                                   .n_threads = b == 0 ? 3 : 0};
            gemm_run(&d, blocks[b], &o);
            double worst = 0;
            for (int64_t k = 0; k < d.m * d.n; k++) {
                double exact = dot_f64(&d, k / d.n, k % d.n);
                cr_assert_float_eq(d.value[k], exact, 1e-12);
                cr_assert_eq(d.c[k], (float)d.value[k]);
                for (int order = 0; order < 3; order++) {
                    double error = fabs((double)dot_f32(&d, k / d.n, k % d.n, order) - exact);
                    cr_assert(error <= d.bound[k], "%g > %g", error, d.bound[k]);
                    worst = fmax(worst, error / d.bound[k]);
                }
            }
            cr_assert(d.k < 50 || d.m * d.n < 100 || worst > 0.01, "bound too wide: %g", worst);
            o.mode = TG_INTERP_EXACT;
            gemm_run(&d, blocks[b], &o);
            for (int64_t k = 0; k < d.m * d.n; k++) {
                cr_assert(fabs((double)d.c[k] - d.value[k]) <= d.bound[k]);
            }
            gemm_free(&d);
        }
    }
}

static const char softmax_text[] =
    "func @softmax(in %X: tensor<2 x f32>, out %Y: tensor<2 x f32>)\n"
    "  axes { #i grid block=%BM%, #j local }\n"
    "{\n"
    "  %z = const {value=0} : i64\n"
    "  %M = dim %X {d=0} : i64\n"
    "  %N = dim %X {d=1} : i64\n"
    "  phase () {\n"
    "    par %M, %z, %M {axis=#i} () {\n"
    "      axis %N, %z, %N {axis=#j}\n"
    "      %i = iota {axis=#i} : tile<#i x i64>\n"
    "      %j = iota {axis=#j} : tile<#j x i64>\n"
    "      %x = load %X, %i, %j : tile<#i, #j x f32>\n"
    "      %m = reduce %x {over=(#j), fn=max} : tile<#i x f32>\n"
    "      %d = sub %x, %m : tile<#i, #j x f32>\n"
    "      %e = exp %d : tile<#i, #j x f32>\n"
    "      %s = reduce %e {over=(#j), fn=add} : tile<#i x f32>\n"
    "      %y = div %e, %s : tile<#i, #j x f32>\n"
    "      store %Y, %y, %i, %j\n"
    "    }\n"
    "  }\n"
    "}\n";

static void softmax_c(const float *x, float *y, int64_t n) {
    float m = -INFINITY, s = 0;
    for (int64_t j = 0; j < n; j++) {
        m = fmaxf(m, x[j]);
    }
    for (int64_t j = 0; j < n; j++) {
        y[j] = expf(x[j] - m);
        s += y[j];
    }
    for (int64_t j = 0; j < n; j++) {
        y[j] /= s;
    }
}

static void softmax_run(const float *x, float *y, double *value, double *bound, int64_t m,
                        int64_t n, int block, tg_interp_mode mode) {
    char text[4096];
    fixture f;
    with_blocks(text, sizeof text, softmax_text, block, 0, 0);
    fixture_open(&f, text);
    tg_interp_arg args[2] = {matrix_arg(TG_F32, (void *)(uintptr_t)x, m, n),
                             matrix_arg(TG_F32, y, m, n)};
    args[1].tensor.value = value;
    args[1].tensor.bound = bound;
    tg_interp_options o = {.mode = mode};
    cr_assert_eq(fixture_run(&f, args, &o), TG_OK, "%s", f.message);
    fixture_close(&f);
}

Test(interp_kernels, softmax) {
    enum { M = 13, N = 301 };
    static float x[M * N], y[M * N], z[N];
    static double value[M * N], bound[M * N];
    random_f32(x, M * N, 7);
    for (int k = 0; k < M * N; k++) {
        x[k] *= 8;
    }
    x[5] = -INFINITY;
    x[2 * N] = NAN;
    softmax_run(x, y, value, bound, M, N, 4, TG_INTERP_IDEAL);
    double worst = 0;
    for (int i = 0; i < M; i++) {
        softmax_c(x + i * N, z, N);
        for (int j = 0; j < N; j++) {
            int k = i * N + j;
            if (i == 2) {
                cr_assert(isnan(value[k]) && bound[k] == 0);
                continue;
            }
            double error = fabs((double)z[j] - value[k]);
            cr_assert(error <= bound[k], "%d %d: %g %g", i, j, error, bound[k]);
            worst = fmax(worst, bound[k] > 0 ? error / bound[k] : 0);
        }
    }
    cr_assert(worst > 0.01, "bound too wide: %g", worst);
    int64_t shape[2] = {M, N};
    tg_interp_arg actual = tensor_arg(TG_F32, y, 2, shape);
    tg_compare_result r = tg_compare_tensor(TG_F32, 2, &actual.tensor.arg, NULL, value, bound);
    cr_assert_eq(r.n_failed, 0);
    y[40] *= 1.01f;
    y[N + 3] = NAN;
    r = tg_compare_tensor(TG_F32, 2, &actual.tensor.arg, NULL, value, bound);
    cr_assert_eq(r.n_failed, 2);
    cr_assert_eq(r.first_failed, 40);
    softmax_run(x, y, NULL, NULL, M, N, 0, TG_INTERP_EXACT);
    r = tg_compare_tensor(TG_F32, 2, &actual.tensor.arg, NULL, value, bound);
    cr_assert_eq(r.n_failed, 0);
}

/* Times at the sizes of --check; run with TG_INTERP_SPEED=1. */
Test(interp_kernels, speed, .timeout = 300) {
    if (!getenv("TG_INTERP_SPEED")) {
        return;
    }
    for (int mode = 0; mode < 2; mode++) {
        tg_interp_options o = {.mode = (tg_interp_mode)mode};
        gemm_data d = gemm_make(2048, 2048, 2048);
        const int block[3] = {256, 256, 0};
        double t = seconds();
        gemm_run(&d, block, &o);
        fprintf(stderr, "gemm 2048^3 mode %d: %.2f s\n", mode, seconds() - t);
        t = seconds();
        const int small[3] = {96, 64, 64};
        gemm_run(&d, small, &o);
        fprintf(stderr, "gemm 2048^3 blocks 96x64x64 mode %d: %.2f s\n", mode, seconds() - t);
        gemm_free(&d);
        int64_t n = 4096;
        float *x = malloc((size_t)(n * n) * sizeof *x),
              *y = malloc((size_t)(n * n) * sizeof *y);
        double *v = malloc((size_t)(n * n) * sizeof *v),
               *e = malloc((size_t)(n * n) * sizeof *e);
        random_f32(x, n * n, 3);
        t = seconds();
        softmax_run(x, y, v, e, n, n, 16, (tg_interp_mode)mode);
        fprintf(stderr, "softmax 4096^2 mode %d: %.2f s\n", mode, seconds() - t);
        free(x);
        free(y);
        free(v);
        free(e);
    }
}
