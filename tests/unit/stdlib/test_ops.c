/* The functions of ops.h: leading dimensions, strides, choices and errors. That the kernels compute the right thing is
 * tests/kernels' business; here results are compared with plain loops over the same tensors. */
#include "ops_fixture.h"

#include <stddef.h>

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
    SKIP_WITHOUT_PACKING();
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

/* Element i of one without gaps. */
static double number(const tg_tensor *t, int64_t i) {
    const void *data = tg_tensor_data(t);
    switch ((int)tg_tensor_dtype(t)) { /* of results of products */
    case TG_F16:
        return (double)tg_f16_to_f32(((const uint16_t *)data)[i]);
    case TG_BF16:
        return (double)tg_bf16_to_f32(((const uint16_t *)data)[i]);
    default:
        return (double)((const float *)data)[i];
    }
}

/* Largest difference of results of a packed operand: of sums, `bound`, and of rounding these to the results' type. */
static void expect_near(const tg_tensor *x, const tg_tensor *y, double bound) {
    tg_dtype t = tg_tensor_dtype(x);
    for (int64_t i = 0; i < tg_tensor_n_elements(x); i++) {
        double a = number(x, i), b = number(y, i);
        cr_expect(fabs(a - b) <= bound + 2 * fabs(a) * tg_dtype_unit(t), "%s, element %d: %g and %g", tg_dtype_name(t), (int)i, a, b);
    }
}

/* Weights of 16 and 8 bits. */
Test(stdlib_ops, packed_narrow_weights, .init = setup, .fini = teardown) {
    SKIP_WITHOUT_PACKING();
    static const tg_dtype types[] = {TG_BF16, TG_F16, TG_I8};
    for (int i = 0; i < 9; i++) {
        tg_dtype t = types[i / 3];
        int m = i % 3 == 0 ? 1 : 7 * i;
        bool bytes = t == TG_I8;
        tg_tensor *a = make_of(t, 2, (int64_t[]){m, 70}, 1), *b = make_of(t, 2, (int64_t[]){70, 90}, 2), *packed;
        tg_tensor *x = make_of(bytes ? TG_F32 : t, 2, (int64_t[]){m, 90}, 3), *y = make_of(bytes ? TG_F32 : t, 2, (int64_t[]){m, 90}, 4);
        tg_tensor *sa = MAKE(5, m), *sb = MAKE(6, 90);
        tg_status s = bytes ? tg_op_matmul_i8_pack(ctx, b, &packed) : tg_op_matmul_pack(ctx, b, &packed);
        if (s == TG_ERROR_UNSUPPORTED && strstr(tg_last_error(ctx), "tile registers")) {
            cr_skip_test("tile registers");
        }
        EXPECT_OK(s);
        EXPECT_OK(bytes ? tg_op_matmul_i8(ctx, a, b, sa, sb, NULL, x, TG_ACTIVATION_RELU) : tg_op_matmul(ctx, a, b, x, NULL));
        EXPECT_OK(bytes ? tg_op_matmul_i8(ctx, a, packed, sa, sb, NULL, y, TG_ACTIVATION_RELU) : tg_op_matmul(ctx, a, packed, y, NULL));
        expect_near(x, y, bytes ? 0 : 2 * 71 * U * 71);
        release(a, b, packed);
        release(x, y, NULL);
        release(sa, sb, NULL);
    }
    tg_tensor *bias = MAKE(1, 50), *matrix = MAKE(1, 4, 8), *none;
    cr_expect_eq(tg_op_matmul_i8_pack(ctx, bias, &none), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_null(none);
    cr_expect_eq(tg_op_matmul_i8_pack(ctx, matrix, &none), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_null(none);
    release(bias, matrix, NULL);
}

/* Filters packed once, in one to three dimensions, with few and many columns, padding, strides and dilation. */
Test(stdlib_ops, packed_filters, .init = setup, .fini = teardown, .timeout = 300) {
    SKIP_WITHOUT_PACKING();
    tg_conv_options o = TG_CONV_OPTIONS_INIT;
    for (int i = 0; i < 18; i++) {
        tg_dtype t = i < 6 ? TG_F32 : i < 12 ? TG_BF16 : TG_F16;
        int k = i % 2 ? 40 : 5, c = i % 6 < 4 ? 7 : 70;
        o.stride[0] = 1 + i % 2;
        o.pad[0] = o.pad[1] = o.pad[2] = i % 3;
        o.dilation[1] = 1 + i % 6 / 3;
        const int64_t filters[][5] = {{3, c, k}, {3, 2, c, k}, {2, 1, 3, c, k}}, images[][5] = {{2, 29, c}, {2, 9, 8, c}, {1, 5, 6, 7, c}};
        tg_tensor *f = make_of(t, 3 + (uint32_t)i % 3, filters[i % 3], 1), *x = make_of(t, 3 + (uint32_t)i % 3, images[i % 3], 2), *packed;
        int64_t out[5] = {tg_tensor_shape(x)[0]};
        uint32_t rank = tg_tensor_rank(x);
        for (uint32_t d = 0; d + 2 < rank; d++) {
            out[1 + d] = (tg_tensor_shape(x)[1 + d] + 2 * o.pad[d] - o.dilation[d] * (tg_tensor_shape(f)[d] - 1) - 1) / o.stride[d] + 1;
        }
        out[rank - 1] = k;
        tg_tensor *y = tg_tensor_create(ctx, t, rank, out), *z = tg_tensor_create(ctx, t, rank, out);
        EXPECT_OK(tg_op_conv_pack(ctx, f, &o, &packed));
        EXPECT_OK(tg_op_conv(ctx, x, f, NULL, y, &o));
        EXPECT_OK(tg_op_conv(ctx, x, packed, NULL, z, &o));
        expect_near(y, z, 2 * 6 * (c + 1) * U * 6 * c);
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

/* Rows in which products by the inverse of the sum must do what quotients do: all -inf, one +inf, one NaN, and -inf but for one number. */
Test(stdlib_ops, softmax_of_rows_that_are_not_finite, .init = setup, .fini = teardown) {
    enum { ROWS = 6, MOST = 333 };
    for (int64_t n = 2; n <= MOST; n = 3 * n + 3) {
        tg_tensor *x = MAKE(1, ROWS, n), *y = MAKE(2, ROWS, n);
        for (int64_t j = 0; j < n; j++) {
            *at(x, n + j) = -INFINITY;
            *at(x, 4 * n + j) = j == n / 2 ? -1e30F : -INFINITY;
        }
        *at(x, 2 * n + n / 2) = INFINITY;
        *at(x, 3 * n + n - 1) = NAN;
        EXPECT_OK(tg_op_softmax(ctx, x, y));
        for (int64_t i = 0; i < ROWS; i++) {
            double sum = 0;
            for (int64_t j = 0; j < n; j++) {
                sum += *at(y, i * n + j);
            }
            bool nan = i >= 1 && i <= 3;
            cr_expect_eq(isnan(sum) != 0, nan, "row %lld of %lld", (long long)i, (long long)n);
            cr_expect(nan || fabs(sum - 1) < 8 * U, "row %lld of %lld: sum %.9g", (long long)i, (long long)n, sum);
        }
        for (int64_t j = 0; j < n; j++) {
            bool nan = isnan(*at(y, n + j)) && isnan(*at(y, 2 * n + j)) && isnan(*at(y, 3 * n + j));
            cr_expect(nan, "element %lld of %lld", (long long)j, (long long)n);
            cr_expect_eq(*at(y, 4 * n + j), j == n / 2 ? 1.0F : 0.0F, "element %lld of %lld", (long long)j, (long long)n);
        }
        release(x, y, NULL);
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
