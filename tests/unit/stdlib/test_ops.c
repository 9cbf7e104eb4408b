/* The functions of ops.h: leading dimensions, strides, choices and errors. That the kernels compute the right thing is
 * tests/kernels' business; here results are compared with plain loops over the same tensors. */
#include "stdlib/stdlib.h"
#include "stdlib_fixture.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define U 0x1p-24 /* relative error of one rounding in f32 */

#define EXPECT_OK(call) cr_assert_eq((call), TG_OK, "%s", tg_last_error(ctx))

static tg_tensor *make(uint32_t rank, const int64_t *shape, uint64_t seed) {
    tg_tensor *t = tg_tensor_create(ctx, TG_F32, rank, shape);
    cr_assert_not_null(t);
    (void)tg_tensor_fill_random(t, seed, -1, 1);
    return t;
}
#define MAKE(seed, ...)                                                                        \
    make(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (int64_t[]){__VA_ARGS__}, seed)

static float *at(const tg_tensor *t, int64_t i) {
    return (float *)tg_tensor_data(t) + tg_tensor_offset(t, i);
}

static tg_tensor *permuted(tg_tensor *t, uint32_t a, uint32_t b, uint32_t c) {
    tg_tensor *v = tg_tensor_permute(t, (uint32_t[]){a, b, c});
    tg_tensor_release(t);
    return v;
}

static void release(tg_tensor *a, tg_tensor *b, tg_tensor *c) {
    tg_tensor_release(a);
    tg_tensor_release(b);
    tg_tensor_release(c);
}

/* Numbers are in -1 … 1. Relative errors: x - max, at most 2, by u, so its exponential by 2 u; the exponential of 1 ulp, 2 u;
 * the sum the same and n roundings; division 2 u. */
static void expect_softmax(const tg_tensor *x, const tg_tensor *y, int64_t n) {
    for (int64_t row = 0; row < tg_tensor_n_elements(x) / n; row++) {
        double sum = 0;
        for (int64_t j = 0; j < n; j++) {
            sum += exp(*at(x, row * n + j));
        }
        for (int64_t j = 0; j < n; j++) {
            double want = exp(*at(x, row * n + j)) / sum;
            cr_expect_float_eq(*at(y, row * n + j), want, (double)(n + 10) * U * want);
        }
    }
}

Test(stdlib_ops, leading_dimensions_fold, .init = setup, .fini = teardown) {
    tg_tensor *x = MAKE(1, 3, 4, 7), *y = MAKE(2, 3, 4, 7);
    EXPECT_OK(tg_op_softmax(ctx, x, y));
    expect_softmax(x, y, 7);
    release(x, y, NULL);
    x = MAKE(1, 9);
    y = MAKE(2, 9);
    EXPECT_OK(tg_op_softmax(ctx, x, y)); /* none at all */
    expect_softmax(x, y, 9);
    release(x, y, NULL);
    x = MAKE(1, 2, 1, 3, 1, 2, 5);
    y = MAKE(2, 2, 1, 3, 1, 2, 5);
    EXPECT_OK(tg_op_softmax(ctx, x, y));
    expect_softmax(x, y, 5);
    release(x, y, NULL);
}

Test(stdlib_ops, leading_dimensions_are_walked, .init = setup, .fini = teardown) {
    tg_tensor *x = permuted(MAKE(1, 4, 3, 7), 1, 0, 2), *y = MAKE(2, 3, 4, 7);
    EXPECT_OK(tg_op_softmax(ctx, x, y));
    expect_softmax(x, y, 7);
    release(x, y, NULL);
    x = permuted(MAKE(1, 4, 3, 0), 1, 0, 2);
    y = MAKE(2, 3, 4, 0);
    EXPECT_OK(tg_op_softmax(ctx, x, y));
    release(x, y, NULL);
    x = permuted(MAKE(1, 0, 3, 5), 1, 0, 2);
    y = MAKE(2, 3, 0, 5);
    EXPECT_OK(tg_op_softmax(ctx, x, y));
    release(x, y, NULL);
}

/* Weights packed once, under several numbers of rows and epilogues. */
Test(stdlib_ops, packed_weights, .init = setup, .fini = teardown) {
    tg_tensor *b = MAKE(1, 33, 50), *bias = MAKE(2, 50), *packed, *none;
    EXPECT_OK(tg_op_matmul_pack(ctx, b, &packed));
    tg_matmul_options o = TG_MATMUL_OPTIONS_INIT;
    for (int i = 0; i < 3; i++) {
        tg_tensor *a = i ? MAKE(3, 2, i, 33) : MAKE(3, 7, 33), *x = i ? MAKE(4, 2, i, 50) : MAKE(4, 7, 50), *y = i ? MAKE(5, 2, i, 50) : MAKE(5, 7, 50);
        o.bias = i ? bias : NULL;
        EXPECT_OK(tg_op_matmul(ctx, a, b, x, &o));
        EXPECT_OK(tg_op_matmul(ctx, a, packed, y, &o));
        for (int64_t k = 0; k < tg_tensor_n_elements(x); k++) {
            cr_expect_float_eq(*at(x, k), *at(y, k), 2 * 34 * U * 34);
        }
        release(a, x, y);
    }
    cr_expect_eq(tg_op_matmul_pack(ctx, bias, &none), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_null(none);
    release(b, bias, packed);
}

/* Filters packed once, in one to three dimensions, with few and many columns, padding, strides and dilation. */
Test(stdlib_ops, packed_filters, .init = setup, .fini = teardown, .timeout = 300) {
    tg_conv_options o = TG_CONV_OPTIONS_INIT;
    for (int i = 0; i < 6; i++) {
        int k = i % 2 ? 40 : 5, c = i < 4 ? 7 : 70;
        o.stride[0] = 1 + i % 2;
        o.pad[0] = o.pad[1] = o.pad[2] = i % 3;
        o.dilation[1] = 1 + i / 3;
        tg_tensor *f = i % 3 == 0 ? MAKE(1, 3, c, k) : i % 3 == 1 ? MAKE(1, 3, 2, c, k) : MAKE(1, 2, 1, 3, c, k), *packed;
        tg_tensor *x = i % 3 == 0 ? MAKE(2, 2, 29, c) : i % 3 == 1 ? MAKE(2, 2, 9, 8, c) : MAKE(2, 1, 5, 6, 7, c);
        int64_t out[5] = {tg_tensor_shape(x)[0]};
        uint32_t rank = tg_tensor_rank(x);
        for (uint32_t d = 0; d + 2 < rank; d++) {
            out[1 + d] = (tg_tensor_shape(x)[1 + d] + 2 * o.pad[d] - o.dilation[d] * (tg_tensor_shape(f)[d] - 1) - 1) / o.stride[d] + 1;
        }
        out[rank - 1] = k;
        tg_tensor *y = tg_tensor_create(ctx, TG_F32, rank, out), *z = tg_tensor_create(ctx, TG_F32, rank, out);
        EXPECT_OK(tg_op_conv_pack(ctx, f, &o, &packed));
        EXPECT_OK(tg_op_conv(ctx, x, f, NULL, y, &o));
        EXPECT_OK(tg_op_conv(ctx, x, packed, NULL, z, &o));
        for (int64_t j = 0; j < tg_tensor_n_elements(y); j++) {
            cr_expect_float_eq(*at(y, j), *at(z, j), 2 * 6 * (c + 1) * U * 6 * c);
        }
        release(f, x, y);
        release(z, packed, NULL);
    }
    tg_tensor *f = MAKE(1, 3, 3, 4, 8), *matrix = MAKE(1, 4, 8), *none;
    o = (tg_conv_options)TG_CONV_OPTIONS_INIT;
    o.groups = 2;
    cr_expect_eq(tg_op_conv_pack(ctx, f, &o, &none), TG_ERROR_UNSUPPORTED);
    cr_expect_eq(tg_op_conv_pack(ctx, matrix, NULL, &none), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_eq(tg_op_conv_pack(ctx, f, NULL, NULL), TG_ERROR_INVALID_ARGUMENT);
    tg_conv_options far = TG_CONV_OPTIONS_INIT;
    far.dilation[0] = INT64_MAX;
    cr_expect_eq(tg_op_conv_pack(ctx, f, &far, &none), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_null(none);
    cr_expect_null(none);
    release(f, matrix, NULL);
}

/* x / 2 (1 + erf(x / sqrt 2)), |x| <= 1: the argument by u, erf by 4 u, the sum (at most 1.7) by 2 u, two products by u of
 * at most 0.9 |x|. */
static void expect_gelu(const tg_tensor *x, const tg_tensor *y) {
    for (int64_t i = 0; i < tg_tensor_n_elements(x); i++) {
        double v = *at(x, i);
        cr_expect_float_eq(*at(y, i), 0.5 * v * erfc(-v / sqrt(2)), 8 * U * fabs(v));
    }
}

Test(stdlib_ops, pointwise_takes_any_shape, .init = setup, .fini = teardown) {
    tg_tensor *x, *y;
    x = make(0, NULL, 1);
    y = make(0, NULL, 2);
    EXPECT_OK(tg_op_activation(ctx, x, y, TG_ACTIVATION_GELU, 1));
    expect_gelu(x, y);
    release(x, y, NULL);
    x = MAKE(1, 50, 3);
    y = MAKE(2, 50, 3);
    EXPECT_OK(tg_op_activation(ctx, x, y, TG_ACTIVATION_GELU, 1));
    expect_gelu(x, y);
    release(x, y, NULL);
    x = permuted(MAKE(1, 4, 5, 6), 2, 0, 1); /* walked */
    y = MAKE(2, 6, 4, 5);
    EXPECT_OK(tg_op_activation(ctx, x, y, TG_ACTIVATION_GELU, 1));
    expect_gelu(x, y);
    release(x, y, NULL);
    x = permuted(MAKE(1, 4, 5, 6), 1, 2, 0); /* two dimensions are left */
    y = MAKE(2, 5, 6, 4);
    EXPECT_OK(tg_op_activation(ctx, x, y, TG_ACTIVATION_GELU, 1));
    expect_gelu(x, y);
    release(x, y, NULL);
}

/* Batch p, or the only one. A sum of k products is within k u of the sum of their sizes, in any order. */
static void expect_product(const tg_tensor *a, const tg_tensor *b, const tg_tensor *c,
                           int64_t batch, int64_t m, int64_t n, int64_t k) {
    bool shared = tg_tensor_rank(b) == 2;
    for (int64_t i = 0; i < batch * m * n; i++) {
        double sum = 0, size = 0;
        for (int64_t p = 0; p < k; p++) {
            int64_t matrix = shared ? 0 : i / (m * n);
            double v = (double)*at(a, i / n * k + p) * *at(b, (matrix * k + p) * n + i % n);
            sum += v;
            size += fabs(v);
        }
        cr_expect_float_eq(*at(c, i), sum, (double)k * U * size);
    }
}

/* Joined as rows where the last two dimensions follow each other, line by line where they do not. */
Test(stdlib_ops, concat_of_any_strides, .init = setup, .fini = teardown) {
    enum { P = 5, M = 3, K = 4, N = 7 };
    for (int kind = 0; kind < 3; kind++) { /* contiguous, lines apart, one column of a wider tensor */
        int64_t n = kind == 2 ? 1 : N, wide = kind ? N + 2 : N;
        tg_tensor *a = MAKE(1, P, M, wide), *b = MAKE(2, P, K, wide);
        tg_tensor *c = tg_tensor_create(ctx, TG_F32, 3, (int64_t[]){P, M + K, wide});
        tg_tensor *part[] = {tg_tensor_slice(a, 2, 0, n), tg_tensor_slice(b, 2, 0, n), tg_tensor_slice(c, 2, 0, n)};
        EXPECT_OK(tg_op_concat(ctx, part[0], part[1], part[2]));
        for (int64_t p = 0; p < P; p++) {
            for (int64_t r = 0; r < M + K; r++) {
                const float *from = r < M ? (const float *)tg_tensor_data(a) + (p * M + r) * wide : (const float *)tg_tensor_data(b) + (p * K + r - M) * wide;
                for (int64_t i = 0; i < wide; i++) {
                    float got = ((const float *)tg_tensor_data(c))[(p * (M + K) + r) * wide + i];
                    cr_expect_eq(got, i < n ? from[i] : 0.0f, "%d: %d %d %d", kind, (int)p, (int)r, (int)i);
                }
            }
        }
        release(part[0], part[1], part[2]);
        release(a, b, c);
    }
}

Test(stdlib_ops, matmul_chooses, .init = setup, .fini = teardown) {
    tg_tensor *a = MAKE(1, 5, 7), *b = MAKE(2, 7, 9), *c = MAKE(3, 5, 9);
    EXPECT_OK(tg_op_matmul(ctx, a, b, c, NULL));
    expect_product(a, b, c, 1, 5, 9, 7);
    release(a, b, c);
    a = MAKE(1, 2, 5, 7); /* more rows */
    b = MAKE(2, 7, 9);
    c = MAKE(3, 2, 5, 9);
    EXPECT_OK(tg_op_matmul(ctx, a, b, c, NULL));
    expect_product(a, b, c, 2, 5, 9, 7);
    release(a, b, c);
    a = MAKE(1, 2, 3, 5, 7); /* a batch of 6 */
    b = MAKE(2, 2, 3, 7, 9);
    c = MAKE(3, 2, 3, 5, 9);
    EXPECT_OK(tg_op_matmul(ctx, a, b, c, NULL));
    expect_product(a, b, c, 6, 5, 9, 7);
    release(a, b, c);
    a = permuted(MAKE(1, 7, 2, 5), 1, 2, 0); /* transposed by strides */
    b = permuted(MAKE(2, 9, 7, 2), 2, 1, 0);
    c = MAKE(3, 2, 5, 9);
    EXPECT_OK(tg_op_matmul(ctx, a, b, c, NULL));
    expect_product(a, b, c, 2, 5, 9, 7);
    release(a, b, c);
}

Test(stdlib_ops, matmul_epilogue, .init = setup, .fini = teardown) {
    tg_tensor *a = MAKE(1, 5, 7), *b = MAKE(2, 7, 9), *c = MAKE(3, 5, 9),
              *plain = MAKE(4, 5, 9), *bias = MAKE(5, 9), *residual = MAKE(6, 5, 9);
    tg_matmul_options o = TG_MATMUL_OPTIONS_INIT;
    EXPECT_OK(tg_op_matmul(ctx, a, b, plain, &o));
    o.alpha = 0.5;
    o.bias = bias;
    o.residual = residual;
    o.activation = TG_ACTIVATION_RELU;
    EXPECT_OK(tg_op_matmul(ctx, a, b, c, &o));
    for (int64_t i = 0; i < 45; i++) {
        /* two sums of 7 products within 49 u, halved; then sums of at most 4.5 and 5.5 are rounded */
        double v = 0.5 * *at(plain, i) + *at(bias, i % 9);
        cr_expect_float_eq(*at(c, i), fmax(v, 0) + *at(residual, i), (49 + 4.5 + 5.5) * U);
    }
    o.struct_size = 3;
    cr_expect_eq(tg_op_matmul(ctx, a, b, c, &o), TG_ERROR_INVALID_ARGUMENT);
    release(a, b, c);
    release(plain, bias, residual);
}

Test(stdlib_ops, shapes_are_checked, .init = setup, .fini = teardown) {
    tg_tensor *x = MAKE(1, 3, 4, 7), *y = MAKE(2, 3, 5, 7), *z = MAKE(3, 12, 7);
    cr_expect_eq(tg_op_softmax(ctx, x, y), TG_ERROR_LAUNCH);
    cr_expect_not_null(strstr(tg_last_error(ctx), "L0901"), "%s", tg_last_error(ctx));
    cr_expect_eq(tg_op_softmax(ctx, x, z), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_eq(tg_op_softmax(ctx, z, NULL), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_eq(tg_op_softmax(ctx, NULL, z), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_eq(tg_op_softmax(NULL, x, y), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_eq(tg_op_matmul(ctx, NULL, NULL, NULL, NULL), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_eq(tg_op_softmax(ctx, x, x), TG_ERROR_LAUNCH); /* overlap */
    release(x, y, z);
}

/* Every row with no arguments at all, and with tensors of no sensible rank, is an error value. */
Test(stdlib_ops, rows_refuse_nonsense, .init = setup, .fini = teardown) {
    tg_tensor *scalar = make(0, NULL, 1);
    int64_t ones[TG_RANK_MAX] = {1, 1, 1, 1, 1, 1, 1, 1};
    tg_tensor *deep = make(TG_RANK_MAX, ones, 2);
    for (uint32_t i = 0; i < TG_STD_COUNT; i++) {
        tg_kernel *k = tg_stdlib_kernel(ctx, tg_std_table[i].name);
        cr_assert_not_null(k, "%s", tg_last_error(ctx));
        tg_argument values[TG_MAX_PARAMS] = {{TG_ARGUMENT_NONE, {0}}};
        uint32_t n = tg_kernel_n_parameters(k);
        cr_expect_neq(tg_std_launch(ctx, (tg_std_row)i, values, n), TG_OK);
        cr_expect_eq(tg_std_launch(ctx, (tg_std_row)i, values, n + 1),
                     TG_ERROR_INVALID_ARGUMENT);
        for (uint32_t p = 0; p < n; p++) {
            values[p] = tg_argument_tensor(p % 2 ? scalar : deep);
        }
        cr_expect_neq(tg_std_launch(ctx, (tg_std_row)i, values, n), TG_OK, "%s",
                      tg_std_table[i].name);
    }
    release(scalar, deep, NULL);
}

/* ---- convolutions ----------------------------------------------------------------------- */

Test(stdlib_ops, convolution_chooses_by_rank, .init = setup, .fini = teardown) {
    tg_conv_options o = TG_CONV_OPTIONS_INIT;
    o.stride[0] = 2;
    o.pad[0] = 1;
    tg_tensor *x = MAKE(1, 1, 7, 2), *f = MAKE(2, 3, 2, 1), *y = MAKE(3, 1, 4, 1);
    EXPECT_OK(tg_op_conv(ctx, x, f, NULL, y, &o));
    for (int64_t q = 0; q < 4; q++) {
        double sum = 0;
        for (int64_t s = 0; s < 3; s++) {
            int64_t w = 2 * q + s - 1;
            for (int64_t c = 0; c < 2 && w >= 0 && w < 7; c++) {
                sum += (double)*at(x, w * 2 + c) * *at(f, s * 2 + c);
            }
        }
        cr_expect_float_eq(*at(y, q), sum, 6 * 6 * U); /* 6 products of at most 1 */
    }
    /* <conv(x), y> = <x, conv_transpose(y)> = <f, wgrad(x, y)>. Numbers of y are at most 6 and off by 36 u: 4 * 6 * 36 u on the
     * left. 14 elements of dx are sums of 3 products of at most 6: 14 * 3 * 18 u; 6 of df of 4: 6 * 4 * 24 u. */
    tg_tensor *dx = MAKE(4, 1, 7, 2), *df = MAKE(5, 3, 2, 1);
    double left = 0, right = 0, third = 0;
    for (int64_t i = 0; i < 4; i++) {
        left += (double)*at(y, i) * *at(y, i);
    }
    EXPECT_OK(tg_op_conv_transpose(ctx, y, f, NULL, dx, &o));
    EXPECT_OK(tg_op_conv_wgrad(ctx, x, y, df, &o));
    for (int64_t i = 0; i < 14; i++) {
        right += (double)*at(dx, i) * *at(x, i);
    }
    for (int64_t i = 0; i < 6; i++) {
        third += (double)*at(df, i) * *at(f, i);
    }
    cr_expect_float_eq(left, right, (4 * 6 * 36 + 14 * 3 * 18) * U);
    cr_expect_float_eq(left, third, (4 * 6 * 36 + 6 * 4 * 24) * U);
    cr_expect_eq(tg_op_conv(ctx, f, f, NULL, y, &o), TG_ERROR_LAUNCH);
    cr_expect_eq(tg_op_conv(ctx, NULL, f, NULL, y, &o), TG_ERROR_INVALID_ARGUMENT);
    o.struct_size = 1;
    cr_expect_eq(tg_op_conv(ctx, x, f, NULL, y, &o), TG_ERROR_INVALID_ARGUMENT);
    release(x, f, y);
    release(dx, df, NULL);
}

Test(stdlib_ops, pooling_and_its_gradient, .init = setup, .fini = teardown) {
    tg_pooling_options o = TG_POOLING_OPTIONS_INIT(2, 2);
    tg_tensor *x = MAKE(1, 1, 4, 4, 1), *y = MAKE(2, 1, 2, 2, 1), *dx = MAKE(3, 1, 4, 4, 1);
    tg_tensor *index = tg_tensor_create(ctx, TG_I32, 4, (int64_t[]){1, 2, 2, 1});
    EXPECT_OK(tg_op_max_pool2d(ctx, x, y, index, &o));
    EXPECT_OK(tg_op_max_pool2d_bwd(ctx, y, index, dx, &o));
    for (int64_t i = 0; i < 4; i++) {
        int64_t from = ((const int32_t *)tg_tensor_data(index))[i];
        cr_expect_eq(*at(y, i), *at(x, from));
        cr_expect_eq(*at(dx, from), *at(x, from));
    }
    EXPECT_OK(tg_op_avg_pool2d(ctx, x, y, &o));
    /* sums of 2, 3 and 4 numbers of at most 1 are rounded, here and there; a quarter of it is exact */
    cr_expect_float_eq(*at(y, 3), (*at(x, 10) + *at(x, 11) + *at(x, 14) + *at(x, 15)) / 4,
                       2 * (2 + 3 + 4) * U / 4);
    cr_expect_eq(tg_op_avg_pool2d(ctx, x, y, NULL), TG_ERROR_INVALID_ARGUMENT);
    o.pad[0] = 2;
    cr_expect_eq(tg_op_avg_pool2d(ctx, x, y, &o), TG_ERROR_LAUNCH);
    release(x, y, dx);
    tg_tensor_release(index);
}

/* ---- shapes of gradients ---------------------------------------------------------------- */

static void expect_refused(tg_status s, const char *what) {
    cr_expect_eq(s, TG_ERROR_LAUNCH, "%s", what);
    cr_expect_not_null(strstr(tg_last_error(ctx), "L0904"), "%s: %s", what, tg_last_error(ctx));
}

typedef void (*conv_case_fn)(const tg_conv_options *o, const char *what);

/* Every way in which options make no sense. The extents fit stride 2, pad 1, dilation 1. */
static void each_bad_option(uint32_t space, bool has_groups, conv_case_fn check) {
    for (uint32_t d = 0; d < space; d++) {
        tg_conv_options good = TG_CONV_OPTIONS_INIT;
        for (uint32_t i = 0; i < space; i++) {
            good.stride[i] = 2;
            good.pad[i] = 1;
        }
        tg_conv_options o = good;
        o.stride[d] = 0;
        check(&o, "stride 0");
        o.stride[d] = -2;
        check(&o, "stride -2");
        o.stride[d] = 1;
        check(&o, "stride 1");
        o = good;
        o.dilation[d] = 0;
        check(&o, "dilation 0");
        o.dilation[d] = -1;
        check(&o, "dilation -1");
        o = good;
        o.pad[d] = 3;
        check(&o, "pad 3");
        o = good;
        o.groups = 0;
        if (has_groups) {
            check(&o, "no groups");
        }
    }
}

static void refuse_conv(uint32_t space, const tg_conv_options *o, const char *what) {
    int64_t image[] = {1, 7, 7, 7, 2}, out[] = {1, 4, 4, 4, 2}, filter[] = {3, 3, 3, 2, 2};
    image[space + 1] = out[space + 1] = 2;
    tg_tensor *x = make(space + 2, image, 1), *y = make(space + 2, out, 2),
              *f = make(space + 2, filter + 3 - space, 3);
    expect_refused(tg_op_conv(ctx, x, f, NULL, y, o), what);
    expect_refused(tg_op_conv_transpose(ctx, y, f, NULL, x, o), what);
    expect_refused(tg_op_conv_wgrad(ctx, x, y, f, o), what);
    release(x, y, f);
}

static void refuse_1d(const tg_conv_options *o, const char *what) {
    refuse_conv(1, o, what);
}

static void refuse_2d(const tg_conv_options *o, const char *what) {
    refuse_conv(2, o, what);
}

static void refuse_3d(const tg_conv_options *o, const char *what) {
    refuse_conv(3, o, what);
}

static void refuse_depthwise(const tg_conv_options *o, const char *what) {
    tg_tensor *x = MAKE(1, 1, 7, 7, 2), *y = MAKE(2, 1, 4, 4, 2), *f = MAKE(3, 3, 3, 2);
    expect_refused(tg_op_depthwise2d(ctx, x, f, NULL, y, o), what);
    expect_refused(tg_op_depthwise2d_dgrad(ctx, y, f, x, o), what);
    expect_refused(tg_op_depthwise2d_wgrad(ctx, x, y, f, o), what);
    release(x, y, f);
}

Test(stdlib_ops, convolutions_refuse_what_does_not_fit, .init = setup, .fini = teardown) {
    each_bad_option(1, true, refuse_1d);
    each_bad_option(2, true, refuse_2d);
    each_bad_option(3, true, refuse_3d);
    each_bad_option(2, false, refuse_depthwise);
}

/* Against the direct form. In one dimension 4 5 1 of an input's row, 1/2 of a filter's and 1 1 2 2 8 8 1 of an output's are the largest sums
 * of magnitudes, 10, 1 and 19: 36 products of at most 10^2 * 1 are weighted with at most 19^2, and each is off by
 * less than 40 u; C of them. In tiles of 2 x 2 they are 2, 3/2 and 3, and less than 20 u. */
static const double of_four = 3 * 100. * 361 * 40 * U, of_two = 3 * 4 * 2.25 * 9 * 20 * U;

static void expect_winograd(const tg_tensor *x, const tg_tensor *u, const tg_tensor *bias, tg_tensor *y, const tg_tensor *direct,
                            double bound) {
    tg_conv_options o = TG_CONV_OPTIONS_INIT;
    o.pad[0] = o.pad[1] = 1;
    EXPECT_OK(tg_op_conv_winograd(ctx, x, u, bias, y, &o));
    for (int64_t i = 0; i < 2 * 7 * 9 * 5; i++) {
        cr_expect_float_eq(*at(y, i), *at(direct, i), bound);
    }
    o.stride[1] = 2;
    cr_expect_eq(tg_op_conv_winograd(ctx, x, u, bias, y, &o), TG_ERROR_INVALID_ARGUMENT);
}

/* [N, C, H, W] as [N, H, W, C] */
static tg_tensor *channels_first(tg_tensor *t) {
    tg_tensor *v = tg_tensor_permute(t, (uint32_t[]){0, 2, 3, 1});
    tg_tensor_release(t);
    return v;
}

Test(stdlib_ops, winograd_computes_the_convolution, .init = setup, .fini = teardown) {
    tg_conv_options o = TG_CONV_OPTIONS_INIT;
    o.pad[0] = o.pad[1] = 1;
    tg_tensor *x = MAKE(1, 2, 7, 9, 3), *f = MAKE(2, 3, 3, 3, 5), *y = MAKE(3, 2, 7, 9, 5),
              *u = MAKE(4, 36, 1, 3, 16), *u2 = MAKE(9, 16, 1, 3, 16), *direct = MAKE(5, 2, 7, 9, 5), *bias = MAKE(6, 5);
    tg_tensor *planes = channels_first(MAKE(7, 2, 3, 7, 9)), *result = channels_first(MAKE(8, 2, 5, 7, 9));
    EXPECT_OK(tg_op_winograd_filter(ctx, f, u));
    EXPECT_OK(tg_op_conv(ctx, x, f, bias, direct, &o));
    EXPECT_OK(tg_op_copy(ctx, x, planes));
    expect_winograd(x, u, bias, y, direct, of_four);
    expect_winograd(planes, u, bias, result, direct, of_four);
    expect_winograd(planes, u, bias, y, direct, of_four);
    expect_winograd(x, u, bias, result, direct, of_four);
    EXPECT_OK(tg_op_winograd_filter(ctx, f, u2));
    expect_winograd(x, u2, bias, y, direct, of_two);
    expect_winograd(planes, u2, bias, result, direct, of_two);
    release(x, f, y);
    release(u, direct, bias);
    release(planes, result, u2);
}

/* Small whole numbers, of which sums are exact in any order. */
static tg_tensor *whole(tg_tensor *t) {
    for (int64_t i = 0; i < tg_tensor_n_elements(t); i++) {
        *at(t, i) = (float)(int)(4 * *at(t, i));
    }
    return t;
}

static void expect_same(const tg_tensor *a, const tg_tensor *b) {
    for (int64_t i = 0; i < tg_tensor_n_elements(a); i++) {
        cr_assert_eq(*at(a, i), *at(b, i), "element %lld", (long long)i);
    }
}

/* Channels before rows and columns are another kernel: its results are those of channels last. The filter may lie in either order. */
static void expect_planes(int64_t h, int64_t w, int64_t r, int64_t stride, int64_t pad, int64_t dilation, bool filter_too) {
    enum { N = 2, C = 3 };
    const int64_t H = h, W = w, R = r;
    int64_t p = (H + 2 * pad - dilation * (R - 1) - 1) / stride + 1, q = (W + 2 * pad - dilation * (R - 1) - 1) / stride + 1;
    tg_conv_options o = TG_CONV_OPTIONS_INIT;
    o.stride[0] = o.stride[1] = stride;
    o.pad[0] = o.pad[1] = pad;
    o.dilation[0] = o.dilation[1] = dilation;
    tg_tensor *x = whole(MAKE(1, N, H, W, C)), *f = whole(MAKE(2, R, R, C)), *bias = whole(MAKE(3, C)), *y = MAKE(4, N, p, q, C),
              *dx = MAKE(5, N, H, W, C), *df = MAKE(6, R, R, C);
    tg_tensor *x1 = channels_first(MAKE(7, N, C, H, W)), *y1 = channels_first(MAKE(8, N, C, p, q)), *dx1 = channels_first(MAKE(9, N, C, H, W)),
              *f1 = filter_too ? permuted(MAKE(10, C, R, R), 1, 2, 0) : MAKE(10, R, R, C),
              *df1 = filter_too ? permuted(MAKE(11, C, R, R), 1, 2, 0) : MAKE(11, R, R, C);
    EXPECT_OK(tg_op_copy(ctx, x, x1));
    EXPECT_OK(tg_op_copy(ctx, f, f1));
    EXPECT_OK(tg_op_depthwise2d(ctx, x, f, bias, y, &o));
    EXPECT_OK(tg_op_depthwise2d(ctx, x1, f1, bias, y1, &o));
    expect_same(y, y1);
    EXPECT_OK(tg_op_depthwise2d_dgrad(ctx, y, f, dx, &o));
    EXPECT_OK(tg_op_depthwise2d_dgrad(ctx, y1, f1, dx1, &o));
    expect_same(dx, dx1);
    EXPECT_OK(tg_op_depthwise2d_wgrad(ctx, x, y, df, &o));
    EXPECT_OK(tg_op_depthwise2d_wgrad(ctx, x1, y1, df1, &o));
    expect_same(df, df1);
    release(x, f, bias);
    release(y, dx, df);
    release(x1, y1, dx1);
    release(f1, df1, NULL);
}

Test(stdlib_ops, depthwise_of_planes, .init = setup, .fini = teardown) {
    expect_planes(19, 27, 3, 1, 1, 1, true);
    expect_planes(19, 27, 3, 2, 1, 1, false);
    expect_planes(19, 27, 3, 3, 0, 2, true);
    expect_planes(19, 27, 3, 2, 2, 3, true);
}

/* Large filters have a kernel of their own, also for channels first where rows are short. */
Test(stdlib_ops, depthwise_with_large_filters, .init = setup, .fini = teardown) {
    expect_planes(7, 7, 5, 1, 2, 1, true);
    expect_planes(13, 12, 7, 2, 3, 1, false);
    expect_planes(40, 33, 7, 1, 3, 1, true);
}

/* Elements of the image that no finite tap leaves out are finite: nothing is multiplied by what lies between strides. */
static void expect_finite_where_no_tap_reaches(tg_tensor *dy, tg_tensor *f, tg_tensor *dx) {
    tg_conv_options o = TG_CONV_OPTIONS_INIT;
    o.stride[0] = o.stride[1] = 2;
    o.pad[0] = o.pad[1] = 1;
    for (int64_t i = 0; i < tg_tensor_n_elements(f); i++) {
        *at(f, i) = i == 0 ? INFINITY : 1;
    }
    for (int64_t i = 0; i < tg_tensor_n_elements(dy); i++) {
        *at(dy, i) = 1;
    }
    EXPECT_OK(tg_op_depthwise2d_dgrad(ctx, dy, f, dx, &o));
    for (int64_t i = 0; i < tg_tensor_n_elements(dx); i++) {
        int64_t w = i % 34, h = i / 34;
        bool reached = h % 2 == 1 && w % 2 == 1; /* by the first tap, also from outside dY, where zeros are read */
        cr_expect(isfinite(*at(dx, i)) == !reached, "row %lld, column %lld: %g", (long long)h, (long long)w, (double)*at(dx, i));
    }
}

Test(stdlib_ops, strides_multiply_no_zeros, .init = setup, .fini = teardown) {
    tg_tensor *f = MAKE(1, 3, 3, 1), *dy = channels_first(MAKE(2, 1, 1, 5, 17)), *dx = channels_first(MAKE(3, 1, 1, 9, 34));
    expect_finite_where_no_tap_reaches(dy, f, dx);
    release(dy, dx, NULL);
    dy = MAKE(2, 1, 5, 17, 1);
    dx = MAKE(3, 1, 9, 34, 1);
    expect_finite_where_no_tap_reaches(dy, f, dx);
    release(dy, dx, f);
}

/* ---- groups of few channels --------------------------------------------------------------- */

/* The filter of all channels that does what that of groups does: zeros elsewhere. */
static tg_tensor *spread_filter(const tg_tensor *f, uint32_t rank, int64_t positions, int64_t channels, int64_t all) {
    int64_t shape[] = {3, 3, all, all};
    tg_tensor *full = make(rank, shape + (4 - rank), 1);
    for (int64_t i = 0; i < positions * all * all; i++) {
        int64_t k = i % all, c = i / all % all, position = i / (all * all);
        bool within = k / channels == c / channels;
        *at(full, i) = within ? *at(f, (position * channels + c % channels) * all + k) : 0;
    }
    return full;
}

static tg_tensor *channels_before(tg_tensor *t) {
    return tg_tensor_rank(t) == 3 ? permuted(t, 0, 2, 1) : channels_first(t);
}

/* Images, or sequences of rank 3, of whole numbers, channels last or first. */
static void expect_groups(uint32_t rank, int64_t channels, int64_t groups, int64_t stride, bool first) {
    enum { N = 2, H = 9, W = 13 };
    int64_t all = channels * groups, p = (H - 1) / stride + 1, q = (W - 1) / stride + 1;
    int64_t image[] = {N, H, W, all}, out[] = {N, p, q, all}, planes[] = {N, all, H, W}, result[] = {N, all, p, q}, filter[] = {3, 3, channels, all};
    if (rank == 3) {
        memcpy(image + 1, (int64_t[]){W, all}, 2 * sizeof *image);
        memcpy(out + 1, (int64_t[]){q, all}, 2 * sizeof *out);
        memcpy(planes + 2, (int64_t[]){W}, sizeof *planes);
        memcpy(result + 2, (int64_t[]){q}, sizeof *result);
    }
    tg_conv_options o = TG_CONV_OPTIONS_INIT, whole_options = TG_CONV_OPTIONS_INIT;
    o.stride[0] = o.stride[1] = whole_options.stride[0] = whole_options.stride[1] = stride;
    o.pad[0] = o.pad[1] = whole_options.pad[0] = whole_options.pad[1] = 1;
    o.groups = groups;
    tg_tensor *x = whole(make(rank, image, 1)), *f = whole(make(rank, filter + 4 - rank, 2)), *bias = whole(MAKE(3, all)),
              *full = spread_filter(f, rank, rank == 3 ? 3 : 9, channels, all), *want = make(rank, out, 4), *back = make(rank, image, 5);
    tg_tensor *x1 = first ? channels_before(make(rank, planes, 6)) : make(rank, image, 6), *y = first ? channels_before(make(rank, result, 7)) : make(rank, out, 7),
              *dx = first ? channels_before(make(rank, planes, 8)) : make(rank, image, 8);
    EXPECT_OK(tg_op_copy(ctx, x, x1));
    EXPECT_OK(tg_op_conv(ctx, x, full, bias, want, &whole_options));
    EXPECT_OK(tg_op_conv(ctx, x1, f, bias, y, &o));
    expect_same(want, y);
    EXPECT_OK(tg_op_conv_transpose(ctx, want, full, bias, back, &whole_options));
    EXPECT_OK(tg_op_conv_transpose(ctx, y, f, bias, dx, &o));
    expect_same(back, dx);
    release(x, f, bias);
    release(full, want, back);
    release(x1, y, dx);
}

Test(stdlib_ops, groups_of_few_channels, .init = setup, .fini = teardown) {
    expect_groups(4, 4, 8, 1, false);
    expect_groups(4, 2, 9, 2, true);
    expect_groups(4, 8, 2, 1, true);
    expect_groups(3, 4, 5, 2, false);
    expect_groups(3, 16, 2, 1, true);
    expect_groups(4, 3, 4, 1, false);
}

/* ---- filters of one position ---------------------------------------------------------------- */

static void expect_exchanged(int64_t stride) {
    enum { N = 2, H = 7, W = 9, C = 21, K = 18 };
    int64_t p = (H - 1) / stride + 1, q = (W - 1) / stride + 1;
    tg_conv_options o = TG_CONV_OPTIONS_INIT;
    o.stride[0] = o.stride[1] = stride;
    tg_tensor *x = whole(MAKE(1, N, H, W, C)), *dy = whole(MAKE(2, N, p, q, K)), *df = MAKE(3, 1, 1, C, K);
    tg_tensor *x1 = channels_first(MAKE(4, N, C, H, W)), *dy1 = channels_first(MAKE(5, N, K, p, q)), *by_filter = MAKE(6, K, C, 1, 1),
              *df1 = tg_tensor_permute(by_filter, (uint32_t[]){2, 3, 1, 0});
    EXPECT_OK(tg_op_copy(ctx, x, x1));
    EXPECT_OK(tg_op_copy(ctx, dy, dy1));
    EXPECT_OK(tg_op_conv_wgrad(ctx, x, dy, df, &o));
    EXPECT_OK(tg_op_conv_wgrad(ctx, x1, dy1, df1, &o));
    expect_same(df, df1);
    release(x, dy, df);
    release(x1, dy1, by_filter);
    release(df1, NULL, NULL);
}

Test(stdlib_ops, gradients_of_filters_of_one_position, .init = setup, .fini = teardown) {
    expect_exchanged(1);
    expect_exchanged(2);
}

static void fill(tg_tensor *t, float v) {
    for (int64_t i = 0; i < tg_tensor_n_elements(t); i++) {
        *at(t, i) = v;
    }
}

/* Ones everywhere; an infinite factor of tap (0, 2), which makes a NaN of the zeros outside of the image: above it and right of it. */
static float sum_of_ones(int64_t p, int64_t q, int64_t channels, bool infinite) {
    int64_t rows = p == 0 || p == 6 ? 2 : 3, columns = q == 0 || q == 7 ? 2 : 3;
    return !infinite ? (float)(rows * columns * channels) : p == 0 || q == 7 ? NAN : INFINITY;
}

static void expect_sums(const tg_tensor *y, int64_t channels, int64_t infinite) {
    int64_t filters = tg_tensor_shape(y)[3];
    for (int64_t i = 0; i < tg_tensor_n_elements(y); i++) {
        int64_t k = i % filters, q = i / filters % 8, p = i / filters / 8;
        float expected = sum_of_ones(p, q, channels, k == infinite), found = *at(y, i);
        cr_expect(isnan(expected) ? isnan(found) : found == expected, "[%d, %d, %d]: %g for %g", (int)p, (int)q, (int)k, (double)found, (double)expected);
    }
}

Test(stdlib_ops, products_at_borders_are_left_out_only_if_they_are_zero, .init = setup, .fini = teardown) {
    enum { CHANNELS = 160, FILTERS = 40, COLUMN = 33 }; /* enough for leaving out to pay, with AVX2 too */
    tg_conv_options o = TG_CONV_OPTIONS_INIT;
    o.pad[0] = o.pad[1] = 1;
    tg_tensor *x = MAKE(1, 1, 7, 8, CHANNELS), *f = MAKE(2, 3, 3, CHANNELS, FILTERS), *y = MAKE(3, 1, 7, 8, FILTERS), *packed;
    fill(x, 1);
    fill(f, 1);
    for (int64_t infinite = -1; infinite <= COLUMN; infinite += COLUMN + 1) {
        if (infinite > 0) {
            *at(f, (2 * CHANNELS + 5) * FILTERS + infinite) = INFINITY;
        }
        EXPECT_OK(tg_op_conv_pack(ctx, f, &o, &packed));
        EXPECT_OK(tg_op_conv(ctx, x, f, NULL, y, &o));
        expect_sums(y, CHANNELS, infinite);
        fill(y, 0);
        EXPECT_OK(tg_op_conv(ctx, x, packed, NULL, y, &o));
        expect_sums(y, CHANNELS, infinite);
        tg_tensor_release(packed);
    }
    release(x, f, y);
}

/* The same layer with channels last and, as permuted views, first. */
Test(stdlib_ops, products_at_borders_are_left_out_in_any_order, .init = setup, .fini = teardown) {
    enum { CHANNELS = 70, FILTERS = 96 };
    for (int stride = 1; stride <= 2; stride++) {
        int64_t p = stride == 1 ? 9 : 4, q = stride == 1 ? 10 : 5;
        tg_conv_options o = TG_CONV_OPTIONS_INIT;
        o.stride[0] = o.stride[1] = stride;
        o.dilation[1] = 2;
        o.pad[0] = 1;
        o.pad[1] = 2;
        tg_tensor *x = MAKE(1, 1, 9, 10, CHANNELS), *f = MAKE(2, 3, 3, CHANNELS, FILTERS), *y = MAKE(3, 1, p + (stride == 2), q, FILTERS);
        tg_tensor *x1 = channels_first(MAKE(4, 1, CHANNELS, 9, 10)), *y1 = channels_first(MAKE(6, 1, FILTERS, p + (stride == 2), q));
        tg_tensor *stored = MAKE(5, FILTERS, CHANNELS, 3, 3), *f1 = tg_tensor_permute(stored, (uint32_t[]){2, 3, 1, 0});
        EXPECT_OK(tg_op_copy(ctx, x, x1));
        EXPECT_OK(tg_op_copy(ctx, f, f1));
        EXPECT_OK(tg_op_conv(ctx, x, f, NULL, y, &o));
        EXPECT_OK(tg_op_conv(ctx, x1, f1, NULL, y1, &o));
        for (int64_t i = 0; i < tg_tensor_n_elements(y); i++) {
            cr_expect_float_eq(*at(y, i), *at(y1, i), 2 * 9 * CHANNELS * U * 9 * CHANNELS);
        }
        release(x, f, y);
        release(x1, f1, y1);
        tg_tensor_release(stored);
    }
}

static void expect_extents(const int64_t *f, const int64_t *y, const int64_t *expected) {
    int64_t extents[4];
    tg_tensor *filter = tg_tensor_from_memory(ctx, TG_F32, 4, f, NULL, &extents, NULL, NULL),
              *result = tg_tensor_from_memory(ctx, TG_F32, 4, y, NULL, &extents, NULL, NULL);
    EXPECT_OK(tg_op_winograd_filter_extents(ctx, filter, result, extents));
    cr_expect_arr_eq(extents, expected, sizeof extents);
    release(filter, result, NULL);
}

Test(stdlib_ops, winograd_takes_small_tiles_for_few_pixels_of_many_channels, .init = setup, .fini = teardown) {
    int64_t two = ctx->machine.vector_bits / 16, all = 1 << 15;
    expect_extents((int64_t[]){3, 3, 3, 5}, (int64_t[]){2, 7, 9, 5}, (int64_t[]){36, 1, 3, two});
    expect_extents((int64_t[]){3, 3, 0, 2 * two + 1}, (int64_t[]){0, 7, 9, 2 * two + 1}, (int64_t[]){36, 3, 0, two});
    expect_extents((int64_t[]){3, 3, all, all}, (int64_t[]){1, 7, 7, all}, (int64_t[]){16, all / two, all, two});
    expect_extents((int64_t[]){3, 3, all, all}, (int64_t[]){2, 7, 7, all}, (int64_t[]){36, all / two, all, two});
    int64_t extents[4];
    tg_tensor *f = MAKE(1, 3, 3, 2, 2), *five = MAKE(2, 5, 5, 2, 2), *y = MAKE(3, 1, 4, 4, 2);
    cr_expect_eq(tg_op_winograd_filter_extents(NULL, f, y, extents), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_eq(tg_op_winograd_filter_extents(ctx, five, y, extents), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_eq(tg_op_winograd_filter_extents(ctx, f, NULL, extents), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_eq(tg_op_winograd_filter_extents(ctx, f, y, NULL), TG_ERROR_INVALID_ARGUMENT);
    release(f, five, y);
}

/* Images of 7 and 8 both give 4 outputs: the second is a transposed convolution with output padding. */
Test(stdlib_ops, transposed_convolution_takes_output_padding, .init = setup, .fini = teardown) {
    tg_conv_options o = TG_CONV_OPTIONS_INIT;
    o.stride[0] = 2;
    o.pad[0] = 1;
    tg_tensor *y = MAKE(1, 1, 4, 2), *f = MAKE(2, 3, 1, 2), *x7 = MAKE(3, 1, 7, 1),
              *x8 = MAKE(4, 1, 8, 1), *x9 = MAKE(5, 1, 9, 1);
    EXPECT_OK(tg_op_conv_transpose(ctx, y, f, NULL, x7, &o));
    EXPECT_OK(tg_op_conv_transpose(ctx, y, f, NULL, x8, &o));
    for (int64_t w = 0; w < 7; w++) {
        cr_expect_eq(*at(x7, w), *at(x8, w));
    }
    expect_refused(tg_op_conv_transpose(ctx, y, f, NULL, x9, &o), "9 have 5 outputs");
    release(y, f, x7);
    release(x8, x9, NULL);
}

static void refuse_pools(const tg_pooling_options *o, const char *what) {
    tg_tensor *x = MAKE(1, 1, 7, 7, 2), *y = MAKE(2, 1, 4, 4, 2);
    tg_tensor *index = tg_tensor_create(ctx, TG_I32, 4, (int64_t[]){1, 4, 4, 2});
    expect_refused(tg_op_max_pool2d(ctx, x, y, index, o), what);
    expect_refused(tg_op_max_pool2d_bwd(ctx, y, index, x, o), what);
    expect_refused(tg_op_avg_pool2d(ctx, x, y, o), what);
    expect_refused(tg_op_avg_pool2d_bwd(ctx, y, x, o), what);
    release(x, y, index);
}

Test(stdlib_ops, pools_refuse_what_does_not_fit, .init = setup, .fini = teardown) {
    for (uint32_t d = 0; d < 2; d++) {
        tg_pooling_options good = TG_POOLING_OPTIONS_INIT(3, 3), o;
        good.stride[0] = good.stride[1] = 2;
        good.pad[0] = good.pad[1] = 1;
        static const int64_t strides[] = {0, -2, 1}, pads[] = {2, -1}, windows[] = {0, -3, 5};
        for (int i = 0; i < 3; i++) {
            o = good;
            o.stride[d] = strides[i];
            refuse_pools(&o, "stride");
            o = good;
            o.window[d] = windows[i];
            refuse_pools(&o, "window");
        }
        for (int i = 0; i < 2; i++) {
            o = good;
            o.pad[d] = pads[i];
            refuse_pools(&o, "pad");
        }
    }
}

/* ---- attention -------------------------------------------------------------------------- */

/* [rows, d], row `bad` all NaN and no other element. */
static void expect_nan_row(const tg_tensor *o, int64_t rows, int64_t d, int64_t bad,
                           const char *what) {
    for (int64_t i = 0; i < rows * d; i++) {
        cr_expect_eq(isnan(*at(o, i)) != 0, i / d == bad, "%s: element %lld", what,
                     (long long)i);
    }
}

/* A NaN in a query makes its row NaN, not the zeros of a row without keys, and touches no other row. */
Test(stdlib_ops, attention_keeps_nan, .init = setup, .fini = teardown) {
    tg_attention_options options = TG_ATTENTION_OPTIONS_INIT;
    options.causal = 1;
    tg_tensor *q = MAKE(1, 1, 2, 5, 4), *k = MAKE(2, 1, 1, 5, 4), *v = MAKE(3, 1, 1, 5, 4),
              *o = MAKE(4, 1, 2, 5, 4), *lse = MAKE(5, 1, 2, 5);
    *at(q, 7 * 4 + 1) = NAN; /* head 1, query 2 */
    EXPECT_OK(tg_op_attention(ctx, q, k, v, o, lse, &options));
    expect_nan_row(o, 10, 4, 7, "attention");
    expect_nan_row(lse, 10, 1, 7, "attention, lse");
    release(q, k, v);
    release(o, lse, NULL);

    int32_t cu[] = {0, 5}, pages[] = {0, 0}, lengths[] = {5, 5};
    int64_t two = 2, paged[] = {2, 1};
    tg_tensor *off = tg_tensor_from_memory(ctx, TG_I32, 1, &two, NULL, cu, NULL, NULL);
    q = MAKE(1, 5, 2, 4);
    k = MAKE(2, 5, 1, 4);
    v = MAKE(3, 5, 1, 4);
    o = MAKE(4, 5, 2, 4);
    lse = MAKE(5, 2, 5);
    *at(q, 7 * 4 + 1) = NAN; /* query 3, head 1 */
    EXPECT_OK(tg_op_attention_packed(ctx, q, k, v, off, off, o, lse, &options));
    expect_nan_row(o, 10, 4, 7, "attention_packed");
    expect_nan_row(lse, 10, 1, 8, "attention_packed, lse");
    release(q, k, v);
    release(o, lse, off);

    tg_tensor *table = tg_tensor_from_memory(ctx, TG_I32, 2, paged, NULL, pages, NULL, NULL),
              *len = tg_tensor_from_memory(ctx, TG_I32, 1, &two, NULL, lengths, NULL, NULL);
    q = MAKE(1, 2, 2, 4);
    k = MAKE(2, 1, 8, 1, 4);
    v = MAKE(3, 1, 8, 1, 4);
    o = MAKE(4, 2, 2, 4);
    *at(q, 2 * 4 + 3) = NAN; /* sequence 1, head 0 */
    EXPECT_OK(tg_op_attention_paged(ctx, q, k, v, table, len, o, 0.5));
    expect_nan_row(o, 4, 4, 2, "attention_paged");
    release(q, k, v);
    release(o, table, len);
}

/* The last of many queries and the same one alone, which has a kernel of its own, see the same keys; a NaN stays in its row there too. */
Test(stdlib_ops, attention_of_few_queries, .init = setup, .fini = teardown) {
    enum { S = 9, L = 700, D = 16 };
    tg_attention_options options = TG_ATTENTION_OPTIONS_INIT;
    options.scale = 0.25;
    options.causal = 1;
    tg_tensor *q = MAKE(1, 1, 4, S, D), *k = MAKE(2, 1, 2, L, D), *v = MAKE(3, 1, 2, L, D), *o = MAKE(4, 1, 4, S, D), *lse = MAKE(5, 1, 4, S);
    tg_tensor *last = MAKE(6, 1, 4, 1, D), *few = MAKE(7, 1, 4, 1, D), *few_lse = MAKE(8, 1, 4, 1);
    for (int i = 0; i < 4 * D; i++) {
        *at(last, i) = *at(q, (i / D * S + S - 1) * D + i % D);
    }
    EXPECT_OK(tg_op_attention(ctx, q, k, v, o, lse, &options));
    EXPECT_OK(tg_op_attention(ctx, last, k, v, few, few_lse, &options));
    for (int i = 0; i < 4 * D; i++) {
        cr_expect_float_eq(*at(few, i), *at(o, (i / D * S + S - 1) * D + i % D), 1000 * U, "element %d", i);
    }
    for (int h = 0; h < 4; h++) {
        cr_expect_float_eq(*at(few_lse, h), *at(lse, h * S + S - 1), 1000 * U, "lse %d", h);
    }
    *at(last, 2 * D + 3) = NAN;
    EXPECT_OK(tg_op_attention(ctx, last, k, v, few, few_lse, &options));
    expect_nan_row(few, 4, D, 2, "attention of one query");
    expect_nan_row(few_lse, 4, 1, 2, "attention of one query, lse");
    release(q, k, v);
    release(o, lse, last);
    release(few, few_lse, NULL);
}

/* ---- options ---------------------------------------------------------------------------- */

/* Structs grow at the end: an older caller's is smaller, a newer one's larger with zeros that mean nothing here. */
Test(stdlib_ops, options_of_other_versions, .init = setup, .fini = teardown) {
    struct {
        tg_matmul_options now;
        int64_t later;
    } o = {TG_MATMUL_OPTIONS_INIT, 0};
    tg_tensor *a = MAKE(1, 5, 7), *b = MAKE(2, 7, 9), *c = MAKE(3, 5, 9);
    o.now.struct_size = sizeof o;
    EXPECT_OK(tg_op_matmul(ctx, a, b, c, &o.now));
    expect_product(a, b, c, 1, 5, 9, 7);
    o.later = 1;
    cr_expect_eq(tg_op_matmul(ctx, a, b, c, &o.now), TG_ERROR_INVALID_ARGUMENT);
    o.now.struct_size = offsetof(tg_matmul_options, activation);
    o.now.activation = TG_ACTIVATION_RELU; /* beyond the caller's struct */
    EXPECT_OK(tg_op_matmul(ctx, a, b, c, &o.now));
    expect_product(a, b, c, 1, 5, 9, 7);
    o.now.struct_size = 0;
    cr_expect_eq(tg_op_matmul(ctx, a, b, c, &o.now), TG_ERROR_INVALID_ARGUMENT);
    tg_fft_options f = TG_FFT_OPTIONS_INIT;
    tg_fft_plan *plan;
    int64_t n = 8;
    f.struct_size = 1;
    cr_expect_eq(tg_fft_plan_create(ctx, 1, &n, &f, &plan), TG_ERROR_INVALID_ARGUMENT);
    release(a, b, c);
}

/* ---- what else is refused --------------------------------------------------------------- */

Test(stdlib_ops, one_element_has_no_variance, .init = setup, .fini = teardown) {
    tg_tensor *x = MAKE(1, 1, 3, 1), *y = MAKE(2, 1, 3, 1), *mean = MAKE(3, 3),
              *var = MAKE(4, 3), *mu = MAKE(5, 3), *rstd = MAKE(6, 3);
    expect_refused(tg_op_batch_norm_train(ctx, x, NULL, NULL, mean, var, y, mu, rstd, 1e-5, 0.1),
                   "one element per channel");
    release(x, y, mean);
    release(var, mu, rstd);
}

/* 15 half bytes apart: the second index of a walked dimension begins inside a byte. */
Test(stdlib_ops, half_bytes_are_not_walked, .init = setup, .fini = teardown) {
    static unsigned char memory[64];
    int64_t shape[] = {3, 2, 3, 5}, strides[] = {15, 45, 5, 1}, turned[] = {3, 2, 5, 3};
    tg_tensor *x = tg_tensor_from_memory(ctx, TG_U4, 4, shape, strides, memory, NULL, NULL),
              *y = tg_tensor_create(ctx, TG_U4, 4, turned);
    cr_assert(x && y, "%s", tg_last_error(ctx));
    cr_expect_eq(tg_op_transpose(ctx, x, y), TG_ERROR_UNSUPPORTED, "%s", tg_last_error(ctx));
    release(x, y, NULL);
}
