/* Convolutions by transforms (tg_fft_convolution) against sums in doubles: every kind, type and way of execution.
 *
 * Bound. A transform of length m is off by at most b = 4 u log2(m) + u in the 2-norm (test_fft.c). For rows x and a filter h with transforms X
 * and H, what is off before the last transform is at most dX H + X dH + 8 u X H (the product of complex numbers, and the sum of two of them
 * for pairs), whose norms are b |X| max|H|, max|H| <= |h|_1, b |H| max|X|, max|X| <= |x|_1, and 8 u |X| |h|_1; the last transform
 * adds b of its input. By Parseval the factors of the lengths cancel: with |.| the 2-norm,
 *
 *     |error| <= (2 b + 8 u) |x| |h|_1 + b |h| |x|_1.
 *
 * A response of pairs has two parts, each of which takes up errors of Z[h] and Z[m - h]: twice the last term. */
#include "stdlib_fixture.h"

#include <math.h>
#include <stdlib.h>

TestSuite(fft_convolve, .init = setup, .fini = teardown, .timeout = 900);

typedef struct convolution_case {
    int64_t n, k, rows;
    tg_dtype dtype;
    int cyclic, correlate;
    bool filters; /* one for each row */
} convolution_case;

static int width_of(tg_dtype t) {
    return t == TG_C32 || t == TG_C64 ? 2 : 1;
}

static bool is_narrow(tg_dtype t) {
    return t == TG_F32 || t == TG_C32;
}

static tg_tensor *make(tg_dtype dtype, uint32_t rank, const int64_t *shape, uint64_t seed) {
    tg_tensor *t = tg_tensor_create(ctx, dtype, rank, shape);
    cr_assert_not_null(t, "%s", tg_last_error(ctx));
    int64_t n = tg_tensor_n_elements(t) * width_of(dtype);
    tg_tensor *flat = tg_tensor_from_memory(ctx, is_narrow(dtype) ? TG_F32 : TG_F64, 1, &n, NULL, tg_tensor_data(t), NULL, NULL);
    cr_assert_eq(seed && flat ? tg_tensor_fill_random(flat, seed, -1, 1) : TG_OK, TG_OK);
    tg_tensor_release(flat);
    return t;
}

/* Element i of row-major numbers as a complex number. */
static void number(const tg_tensor *t, int64_t i, double *to) {
    tg_dtype type = tg_tensor_dtype(t);
    int width = width_of(type);
    to[1] = 0;
    for (int w = 0; w < width; w++) {
        int64_t at = i * width + w;
        to[w] = is_narrow(type) ? (double)((const float *)tg_tensor_data(t))[at] : ((const double *)tg_tensor_data(t))[at];
    }
}

static tg_fft_convolution *create(const convolution_case *c) {
    tg_fft_convolution_options o = TG_FFT_CONVOLUTION_OPTIONS_INIT;
    o.dtype = c->dtype;
    o.cyclic = c->cyclic;
    o.correlate = c->correlate;
    tg_fft_convolution *p;
    cr_assert_eq(tg_fft_convolution_create(ctx, c->n, c->k, &o, &p), TG_OK, "%s", tg_last_error(ctx));
    return p;
}

static int64_t outputs(const convolution_case *c) {
    return c->cyclic ? c->n : c->n + c->k - 1;
}

/* Output t of row r. */
static void exact(const convolution_case *c, const tg_tensor *x, const tg_tensor *h, int64_t r, int64_t t, double *sum) {
    sum[0] = sum[1] = 0;
    for (int64_t j = 0; j < c->k; j++) {
        int64_t at = c->correlate ? t + j - (c->cyclic ? 0 : c->k - 1) : t - j;
        at = c->cyclic ? (at + c->n) % c->n : at;
        if (at >= 0 && at < c->n) {
            double a[2], b[2];
            number(x, r * c->n + at, a);
            number(h, (c->filters ? r * c->k : 0) + j, b);
            b[1] *= c->correlate ? -1 : 1;
            sum[0] += a[0] * b[0] - a[1] * b[1];
            sum[1] += a[0] * b[1] + a[1] * b[0];
        }
    }
}

/* |.| and |.|_1 of n elements */
static void norms(const tg_tensor *t, int64_t from, int64_t n, double *two, double *one) {
    *two = *one = 0;
    for (int64_t i = from; i < from + n; i++) {
        double v[2];
        number(t, i, v);
        *two += v[0] * v[0] + v[1] * v[1];
        *one += hypot(v[0], v[1]);
    }
    *two = sqrt(*two);
}

static double limit(const convolution_case *c, const tg_tensor *x, const tg_tensor *h, int64_t r) {
    double x2, x1, h2, h1, u = is_narrow(c->dtype) ? 0x1p-24 : 0x1p-53;
    norms(x, r * c->n, c->n, &x2, &x1);
    norms(h, c->filters ? r * c->k : 0, c->k, &h2, &h1);
    double b = 4 * u * log2(2 * (double)(c->n + c->k)) + u; /* lengths are below twice what is needed */
    return (2 * b + 8 * u) * x2 * h1 + 2 * b * h2 * x1;
}

static void expect_rows(const convolution_case *c, const tg_tensor *x, const tg_tensor *h, const tg_tensor *y) {
    for (int64_t r = 0; r < c->rows; r++) {
        double error = 0, most = limit(c, x, h, r);
        for (int64_t t = 0; t < outputs(c); t++) {
            double want[2], got[2];
            exact(c, x, h, r, t, want);
            number(y, r * outputs(c) + t, got);
            error += (got[0] - want[0]) * (got[0] - want[0]) + (got[1] - want[1]) * (got[1] - want[1]);
        }
        cr_expect(sqrt(error) <= most, "n %lld, k %lld, type %d, cyclic %d, correlate %d, row %lld: error %.3g, bound %.3g", (long long)c->n,
                  (long long)c->k, c->dtype, c->cyclic, c->correlate, (long long)r, sqrt(error), most);
    }
}

static void check(convolution_case c) {
    tg_fft_convolution *p = create(&c);
    tg_tensor *x = make(c.dtype, 2, (int64_t[]){c.rows, c.n}, 1), *y = make(c.dtype, 2, (int64_t[]){c.rows, outputs(&c)}, 0);
    tg_tensor *h = c.filters ? make(c.dtype, 2, (int64_t[]){c.rows, c.k}, 2) : make(c.dtype, 1, &c.k, 2);
    for (int again = 0; again < 2; again++) { /* what is kept of the first must not show in the second */
        cr_assert_eq(tg_fft_convolve(p, x, h, y), TG_OK, "%s", tg_last_error(ctx));
        expect_rows(&c, x, h, y);
    }
    tg_fft_convolution_destroy(p);
    tg_tensor_release(x);
    tg_tensor_release(h);
    tg_tensor_release(y);
}

static const tg_dtype types[] = {TG_F32, TG_C32, TG_F64, TG_C64};

/* cyclic + 2 correlate */
static void check_kinds(convolution_case c) {
    for (int kind = 0; kind < 4; kind++) {
        c.cyclic = kind % 2;
        c.correlate = kind / 2;
        if (!c.cyclic || c.k <= c.n) {
            check(c);
        }
    }
}

Test(fft_convolve, ragged_lengths_of_every_kind_and_type) {
    static const int64_t lengths[][2] = {{1, 1}, {1, 6}, {7, 3}, {8, 8}, {97, 13}, {120, 31}};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        for (size_t t = 0; t < 4; t++) {
            check_kinds((convolution_case){lengths[i][0], lengths[i][1], 3, types[t], 0, 0, i % 2 == 1});
        }
    }
}

Test(fft_convolve, longer_ones) {
    check((convolution_case){1000, 75, 5, TG_F32, 0, 0, false});
    check((convolution_case){999, 400, 2, TG_F32, 0, 1, true});
    check((convolution_case){2048, 33, 2, TG_C32, 1, 0, false});
    check((convolution_case){1000, 1000, 2, TG_C32, 1, 1, true});
}

/* Transforms that do not fit an instance. */
Test(fft_convolve, long_ones) {
    for (size_t t = 0; t < 2; t++) {
        check_kinds((convolution_case){9973, 28, 2, types[t], 0, 0, t == 1});
    }
    check((convolution_case){16384, 9, 1, TG_F32, 1, 0, false});
}

/* Every second number of every row, backwards rows, and rows that are columns. */
Test(fft_convolve, strides) {
    convolution_case c = {20, 5, 6, TG_F32, 0, 0, false};
    for (size_t t = 0; t < 2; t++) {
        c.dtype = types[t];
        tg_fft_convolution *p = create(&c);
        tg_tensor *columns = make(c.dtype, 2, (int64_t[]){20, 6}, 4), *x = tg_tensor_permute(columns, (uint32_t[]){1, 0});
        tg_tensor *taps = make(c.dtype, 2, (int64_t[]){5, 2}, 5), *turned = tg_tensor_permute(taps, (uint32_t[]){1, 0});
        tg_tensor *h = tg_tensor_slice(turned, 0, 1, 2), *one = make(c.dtype, 1, &c.k, 0);
        tg_tensor *wide = make(c.dtype, 2, (int64_t[]){6, 25}, 0), *y = tg_tensor_slice(wide, 1, 1, 25);
        tg_tensor *flat = make(c.dtype, 2, (int64_t[]){6, 20}, 0), *result = make(c.dtype, 2, (int64_t[]){6, 24}, 0);
        tg_tensor *only = tg_tensor_from_memory(ctx, c.dtype, 1, &c.k, (int64_t[]){2}, (char *)tg_tensor_data(taps) + tg_dtype_bits(c.dtype) / 8,
                                                NULL, NULL);
        cr_assert_eq(tg_fft_convolve(p, x, only, y), TG_OK, "%s", tg_last_error(ctx));
        cr_assert(tg_tensor_copy(flat, x) == TG_OK && tg_tensor_copy(result, y) == TG_OK && tg_tensor_copy(one, only) == TG_OK);
        expect_rows(&c, flat, one, result);
        cr_expect_eq(tg_fft_convolve(p, x, h, y), TG_ERROR_LAUNCH, "one row of filters for six");
        tg_fft_convolution_destroy(p);
        tg_tensor *all[] = {columns, x, taps, turned, h, one, wide, y, flat, result, only};
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
            tg_tensor_release(all[i]);
        }
    }
}

Test(fft_convolve, errors_and_nothing_to_do) {
    tg_fft_convolution_options o = TG_FFT_CONVOLUTION_OPTIONS_INIT;
    tg_fft_convolution *p = NULL;
    cr_expect_eq(tg_fft_convolution_create(ctx, 0, 1, &o, &p), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_eq(tg_fft_convolution_create(ctx, 4, 0, &o, &p), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_eq(tg_fft_convolution_create(ctx, 4, 3, NULL, &p), TG_ERROR_INVALID_ARGUMENT);
    o.cyclic = 1;
    cr_expect_eq(tg_fft_convolution_create(ctx, 4, 5, &o, &p), TG_ERROR_INVALID_ARGUMENT);
    o.dtype = TG_I32;
    cr_expect_eq(tg_fft_convolution_create(ctx, 4, 3, &o, &p), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_null(p);
    convolution_case c = {4, 3, 2, TG_F32, 0, 0, false};
    p = create(&c);
    int64_t k = 3, n = 4, none[] = {0, 4}, long_none[] = {0, 6};
    tg_tensor *x = make(TG_F32, 1, &n, 1), *h = make(TG_F32, 1, &k, 1), *y = make(TG_F32, 1, (int64_t[]){6}, 0);
    tg_tensor *empty = make(TG_F32, 2, none, 0), *nothing = make(TG_F32, 2, long_none, 0), *wide = make(TG_F64, 1, &n, 1);
    cr_expect_eq(tg_fft_convolve(p, empty, h, nothing), TG_OK);
    cr_expect_eq(tg_fft_convolve(p, x, h, x), TG_ERROR_LAUNCH);
    cr_expect_eq(tg_fft_convolve(p, wide, h, y), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_eq(tg_fft_convolve(p, x, NULL, y), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_eq(tg_fft_convolve(p, empty, h, y), TG_ERROR_LAUNCH);
    cr_expect_eq(tg_fft_convolve(NULL, x, h, y), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_eq(tg_fft_convolve(p, x, h, y), TG_OK, "%s", tg_last_error(ctx));
    tg_fft_convolution_destroy(p);
    tg_fft_convolution_destroy(NULL);
    tg_tensor *all[] = {x, h, y, empty, nothing, wide};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        tg_tensor_release(all[i]);
    }
}
