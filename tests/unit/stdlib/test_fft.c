/* Fourier transforms (tg_fft_plan): every length, kind, dimension and stride against sums in doubles, the theorems that hold for
 * all of them, and errors. Bound of a transform: |error| <= 4 u log2(N) |result| in the 2-norm (twice that by convolution,
 * which makes three transforms of more than twice the length), + u for N = 1. The worst case is 6.7 u log2(N) (Higham, Accuracy and
 * Stability, 24.2: per factor of 2 a product by a factor and a sum); roundings of different signs cancel, so less is asked for.
 * Transforms one after the other, as of several dimensions, add up. */
#include "stdlib/fft_axis.h"
#include "stdlib_fixture.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

TestSuite(fft, .init = setup, .fini = teardown, .timeout = 900);

static tg_tensor *make(tg_dtype dtype, uint32_t rank, const int64_t *shape, uint64_t seed) {
    tg_tensor *t = tg_tensor_create(ctx, dtype, rank, shape);
    cr_assert_not_null(t, "%s", tg_last_error(ctx));
    bool complex = dtype == TG_C32 || dtype == TG_C64;
    int64_t n = tg_tensor_n_elements(t) * (complex ? 2 : 1);
    tg_dtype real = dtype == TG_C32 || dtype == TG_F32 ? TG_F32 : TG_F64;
    tg_tensor *flat = tg_tensor_from_memory(ctx, real, 1, &n, NULL, tg_tensor_data(t), NULL, NULL);
    cr_assert_eq(seed && flat ? tg_tensor_fill_random(flat, seed, -1, 1) : TG_OK, TG_OK);
    tg_tensor_release(flat);
    return t;
}

/* Entry [p, q] of a table of factors is exp(sign 2 pi i x / n), rounded once: half a unit in the last place, and what long double is off. */
static void check_factor(const tg_tensor *t, int64_t p, int64_t q, int64_t x, int64_t n, int sign) {
    const long double pi = acosl(-1.0L);
    long double angle = 2 * pi * (long double)(x % n) / (long double)n, exact[2] = {cosl(angle), sign * sinl(angle)};
    double u = t->dtype == TG_F32 ? 0x1p-24 : 0x1p-53;
    for (int part = 0; part < 2; part++) {
        int64_t at = part * t->arg.stride[0] + p * t->arg.stride[1] + q * t->arg.stride[2];
        double got = t->dtype == TG_F32 ? ((const float *)t->arg.data)[at] : ((const double *)t->arg.data)[at];
        cr_assert(fabsl(got - exact[part]) <= 1.001L * u * fabsl(exact[part]) + 1e-18L, "%lld of %lld: part %d is %.17g, not %.17Lg", (long long)x,
                  (long long)n, part, got, exact[part]);
        cr_assert(4 * (x % n) % n != 0 || fabs(got) == 0 || fabs(got) == 1, "%lld of %lld", (long long)x, (long long)n);
    }
}

Test(fft, tables) {
    static const int64_t shapes[][2] = {{1, 1}, {7, 16}, {6, 35}, {1, 8}, {3, 0}, {0, 3}, {2, 1000}, {3, 4096}, {1, 99991}};
    for (size_t i = 0; i < 2 * sizeof shapes / sizeof *shapes; i++) {
        int64_t k = shapes[i / 2][0], m = shapes[i / 2][1], n = (k + 1) * m, far = ((int64_t)1 << 28) - 5 * (int64_t)i;
        int sign = k % 2 ? 1 : -1;
        tg_tensor *whole = make(i % 2 ? TG_F64 : TG_F32, 3, (int64_t[]){2, k + 1, 2 * m + 1}, 0);
        tg_tensor t = tg_fft_view(whole, 3, (int64_t[]){2, k, m}, (int64_t[]){(k + 1) * (2 * m + 1), 2 * m + 1, 2});
        cr_assert(tg_fft_fill_twiddles(&t, sign, 0));
        for (int64_t e = 0; e < k * m; e++) {
            check_factor(&t, e / m, e % m, (e / m + 1) * (e % m), n, sign);
        }
        cr_assert(tg_fft_fill_factors(&t, far, 8, -sign));
        for (int64_t e = 0; e < k * m; e++) {
            check_factor(&t, e / m, e % m, 8 * (e / m) * (e % m), far, -sign);
        }
        tg_tensor_release(whole);
    }
}

/* Levels of pairs: level j of a pass over m groups has 2^j rows of roots of order 2^(j+1) m, of which the first half is stored, but for j = 0: as many
 * rows as half the radix. As cosine, `least` where that is 0, and tangent. */
Test(fft, tables_of_pairs) {
    static const int64_t shapes[][2] = {{1, 1}, {1, 8}, {3, 40}, {7, 1}, {7, 5}, {15, 1}, {15, 24}, {15, 256}};
    const long double pi = acosl(-1.0L);
    const double least = 0x1p-60;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        int64_t k = shapes[i][0], m = shapes[i][1], order = 2;
        tg_tensor *t = make(TG_F64, 3, (int64_t[]){2, k, m}, 0);
        const double *cosine = tg_tensor_data(t), *tangent = cosine + k * m;
        cr_assert(tg_fft_fill_twiddles(t, -1, least));
        for (int64_t row = 0, part = 0; row < (k + 1) / 2; row++) {
            for (int64_t p = 0; p < m; p++) {
                long double angle = -2 * pi * (long double)(p + part * m) / (long double)(order * m);
                double c = cosine[row * m + p], s = tangent[row * m + p] * c;
                cr_assert(fabsl(c - cosl(angle)) <= 0x1p-53L + least && fabsl(s - sinl(angle)) <= 0x1p-51L, "row %lld of %lld, %lld of %lld: %g, %g",
                          (long long)row, (long long)k, (long long)p, (long long)m, c, s);
            }
            part = part + 1 < order / 4 ? part + 1 : 0;
            order = part ? order : 2 * order;
        }
        tg_tensor_release(t);
    }
}

static tg_fft_plan *plan_of(uint32_t rank, const int64_t *n, tg_dtype dtype, tg_fft_kind kind, int sign, int normalise) {
    tg_fft_options o = TG_FFT_OPTIONS_INIT;
    o.dtype = dtype;
    o.kind = kind;
    o.sign = sign;
    o.normalise = normalise;
    tg_fft_plan *p;
    cr_assert_eq(tg_fft_plan_create(ctx, rank, n, &o, &p), TG_OK, "%s", tg_last_error(ctx));
    return p;
}

static double number(const tg_tensor *t, int64_t i) {
    bool narrow = tg_tensor_dtype(t) == TG_C32 || tg_tensor_dtype(t) == TG_F32;
    return narrow ? ((const float *)tg_tensor_data(t))[i] : ((const double *)tg_tensor_data(t))[i];
}

/* Numbers as large as tg_fft_plan_create allows: a power of two goes through all roundings, so that it may as well be taken out before. */
Test(fft, large_numbers) {
    static const int64_t lengths[] = {2, 16, 64, 100, 256, 1000, 1009, 4096, 16384};
    for (size_t i = 0; i < 2 * sizeof lengths / sizeof *lengths; i++) {
        int64_t n = lengths[i / 2];
        bool wide = i % 2;
        double scale = ldexp(1.0, (wide ? 962 : 96) - 15); /* the result has up to 2^14 times as much, in two parts */
        tg_dtype dtype = wide ? TG_C64 : TG_C32;
        tg_tensor *x = make(dtype, 1, &n, 5), *large = make(dtype, 1, &n, 5), *y = make(dtype, 1, &n, 0), *z = make(dtype, 1, &n, 0);
        for (int64_t k = 0; k < 2 * n; k++) {
            if (wide) {
                ((double *)tg_tensor_data(large))[k] *= scale;
            } else {
                ((float *)tg_tensor_data(large))[k] *= (float)scale;
            }
        }
        tg_fft_plan *p = plan_of(1, &n, dtype, TG_FFT_C2C, -1, 0);
        cr_assert_eq(tg_fft_execute(p, x, y), TG_OK, "%s", tg_last_error(ctx));
        cr_assert_eq(tg_fft_execute(p, large, z), TG_OK, "%s", tg_last_error(ctx));
        for (int64_t k = 0; k < 2 * n; k++) {
            cr_assert_eq(number(z, k), number(y, k) * scale, "%lld of %lld points", (long long)k, (long long)n);
        }
        tg_fft_plan_destroy(p);
        tg_tensor_release(x), tg_tensor_release(large), tg_tensor_release(y), tg_tensor_release(z);
    }
}

/* y[k] = sum of x[m] exp(sign 2 pi i m k / n), elements `step` pairs apart; a table makes it n^2 products. */
static void naive(double *x, int64_t n, int64_t step, int sign) {
    double *w = malloc((size_t)n * 2 * sizeof *w), *y = malloc((size_t)n * 2 * sizeof *y);
    for (int64_t i = 0; i < n; i++) {
        w[2 * i] = cos(2 * acos(-1) * (double)i / (double)n);
        w[2 * i + 1] = sign * sin(2 * acos(-1) * (double)i / (double)n);
    }
    for (int64_t k = 0; k < n; k++) {
        double re = 0, im = 0;
        for (int64_t m = 0; m < n; m++) {
            const double *u = w + 2 * (m * k % n), *v = x + 2 * m * step;
            re += u[0] * v[0] - u[1] * v[1];
            im += u[0] * v[1] + u[1] * v[0];
        }
        y[2 * k] = re;
        y[2 * k + 1] = im;
    }
    for (int64_t k = 0; k < n; k++) {
        x[2 * k * step] = y[2 * k];
        x[2 * k * step + 1] = y[2 * k + 1];
    }
    free(w);
    free(y);
}

static bool smooth(int64_t n) {
    static const int64_t primes[] = {2, 3, 5, 7};
    for (int i = 0; i < 4; i++) {
        while (n % primes[i] == 0) {
            n /= primes[i];
        }
    }
    return n == 1;
}

static double unit(tg_dtype t) {
    return t == TG_C32 ? 0x1p-24 : 0x1p-53;
}

static double bound(tg_dtype t, int64_t n) {
    double u = unit(t);
    return (smooth(n) ? 4 : 8) * u * log2((double)n) + u;
}

/* |y - want| <= limit |want| over n numbers of y */
static void expect_near(const tg_tensor *y, const double *want, int64_t n, double limit, const char *what, int64_t length) {
    double error = 0, norm = 0;
    for (int64_t i = 0; i < n; i++) {
        double d = number(y, i) - want[i];
        error += d * d;
        norm += want[i] * want[i];
    }
    cr_expect(sqrt(error) <= limit * sqrt(norm), "%s of length %lld: relative error %.3g, bound %.3g", what, (long long)length,
              sqrt(error / norm), limit);
}

static double *doubles(const tg_tensor *t, int64_t n) {
    double *x = malloc((size_t)n * sizeof *x + 8);
    for (int64_t i = 0; i < n; i++) {
        x[i] = number(t, i);
    }
    return x;
}

static void check_c2c(int64_t n, int64_t batch, tg_dtype dtype, int sign) {
    int64_t shape[] = {batch, n};
    tg_tensor *x = make(dtype, 2, shape, (uint64_t)n), *y = make(dtype, 2, shape, 0);
    tg_fft_plan *p = plan_of(1, &n, dtype, TG_FFT_C2C, sign, 0);
    double *want = doubles(x, 2 * n * batch);
    cr_assert_eq(tg_fft_execute(p, x, y), TG_OK, "%s", tg_last_error(ctx));
    for (int64_t b = 0; b < batch; b++) {
        naive(want + 2 * b * n, n, 1, sign);
    }
    expect_near(y, want, 2 * n * batch, bound(dtype, n), "c2c", n);
    free(want);
    tg_fft_plan_destroy(p);
    tg_tensor_release(x);
    tg_tensor_release(y);
}

Test(fft, every_length_to_64) {
    for (int64_t n = 1; n <= 64; n++) {
        check_c2c(n, 3, TG_C32, n % 2 ? -1 : 1);
    }
}

Test(fft, lengths_of_every_kind) {
    static const int64_t lengths[] = {81, 97, 100, 105, 121, 125, 127, 128, 143, 169, 200, 211, 243, 256, 289, 343, 509, 512, 521, 720, 1000, 1001, 1009, 1024,
                                      1100, 1536, 2048, 2187, 2310, 3125, 4096};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        check_c2c(lengths[i], 1, TG_C32, -1);
    }
    check_c2c(60, 2, TG_C64, 1);
    check_c2c(101, 2, TG_C64, -1);
    check_c2c(512, 1, TG_C64, -1);
}

/* Rows in groups of four or eight, and some left over. */
Test(fft, rows_side_by_side) {
    static const int64_t lengths[] = {16, 32, 48, 64, 80, 96, 112, 128};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        for (int64_t rows = 4; rows <= 19; rows += 1 + rows % 4) {
            check_c2c(lengths[i], rows, TG_C32, rows % 2 ? -1 : 1);
        }
    }
    static const int64_t across[] = {4, 5, 6, 7, 11, 12, 13, 18, 24, 30, 50, 77, 100};
    for (size_t i = 0; i < sizeof across / sizeof *across; i++) {
        check_c2c(across[i], 17 + (int64_t)i % 3, TG_C32, i % 2 ? -1 : 1);
        check_c2c(across[i], 9, TG_C64, i % 2 ? -1 : 1);
        check_c2c(across[i], 33 + (int64_t)i % 7, TG_C32, i % 2 ? 1 : -1);
    }
    check_c2c(16, 35, TG_C32, 1);
    check_c2c(48, 33, TG_C32, -1);
    check_c2c(16, 19, TG_C64, -1);
}

/* Too long for sums: a single 1 at m gives exp(-2 pi i m k / n), and back again. */
static void check_impulse(int64_t n) {
    tg_tensor *x = make(TG_C32, 1, &n, 0), *y = make(TG_C32, 1, &n, 0), *z = make(TG_C32, 1, &n, 0);
    int64_t at = n / 3;
    ((float *)tg_tensor_data(x))[2 * at] = 1;
    tg_fft_plan *forward = plan_of(1, &n, TG_C32, TG_FFT_C2C, -1, 0), *back = plan_of(1, &n, TG_C32, TG_FFT_C2C, 1, 1);
    cr_assert_eq(tg_fft_execute(forward, x, y), TG_OK, "%s", tg_last_error(ctx));
    cr_assert_eq(tg_fft_execute(back, y, z), TG_OK, "%s", tg_last_error(ctx));
    double *want = malloc((size_t)n * 2 * sizeof *want), *once = doubles(x, 2 * n);
    for (int64_t k = 0; k < n; k++) {
        double a = -2 * acos(-1) * (double)(at * k % n) / (double)n;
        want[2 * k] = cos(a);
        want[2 * k + 1] = sin(a);
    }
    expect_near(y, want, 2 * n, bound(TG_C32, n), "impulse", n);
    expect_near(z, once, 2 * n, 2 * bound(TG_C32, n), "round trip", n);
    free(want);
    free(once);
    tg_fft_plan_destroy(forward);
    tg_fft_plan_destroy(back);
    tg_tensor_release(x);
    tg_tensor_release(y);
    tg_tensor_release(z);
}

Test(fft, long_ones) {
    static const int64_t lengths[] = {8192, 16384, 32768, 44100, 131072, 10007, 65537};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        check_impulse(lengths[i]);
    }
}

/* Elements are within the 2-norm of the error, bound |F x| = bound sqrt(n) |x|; |x| <= sqrt(2 n), 4 times that for 3 x + y: the
 * identities are off by at most 1 + 3 + 4 bounds, and less than one more for what is rounded here. Sums of 2 n squares: 2 n u each.
 * F(x shifted by 1)[k] = F(x)[k] exp(-2 pi i k / n); |F x|^2 = n |x|^2; F(a x + y) = a F x + F y. */
Test(fft, theorems) {
    static const int64_t lengths[] = {240, 211};
    for (size_t l = 0; l < 2; l++) {
        int64_t n = lengths[l], shape[] = {4, n};
        tg_tensor *x = make(TG_C64, 2, shape, 7), *y = make(TG_C64, 2, shape, 0);
        double *in = tg_tensor_data(x), *out = tg_tensor_data(y);
        for (int64_t i = 0; i < n; i++) {
            for (int64_t c = 0; c < 2; c++) {
                in[2 * (2 * n + i) + c] = in[2 * ((i + n - 1) % n) + c];
                in[2 * (3 * n + i) + c] = 3 * in[2 * i + c] + in[2 * (n + i) + c];
            }
        }
        tg_fft_plan *p = plan_of(1, &n, TG_C64, TG_FFT_C2C, -1, 0);
        cr_assert_eq(tg_fft_execute(p, x, y), TG_OK, "%s", tg_last_error(ctx));
        double before = 0, after = 0, limit = bound(TG_C64, n),
               scale = 9 * limit * sqrt(2) * (double)n;
        for (int64_t k = 0; k < n; k++) {
            const double *f = out + 2 * k, *s = out + 2 * (2 * n + k), *sum = out + 2 * (3 * n + k), *g = out + 2 * (n + k);
            double a = -2 * acos(-1) * (double)k / (double)n;
            before += in[2 * k] * in[2 * k] + in[2 * k + 1] * in[2 * k + 1];
            after += f[0] * f[0] + f[1] * f[1];
            cr_expect_float_eq(s[0], f[0] * cos(a) - f[1] * sin(a), scale);
            cr_expect_float_eq(s[1], f[0] * sin(a) + f[1] * cos(a), scale);
            cr_expect_float_eq(sum[0], 3 * f[0] + g[0], scale);
            cr_expect_float_eq(sum[1], 3 * f[1] + g[1], scale);
        }
        cr_expect_float_eq(after, before * (double)n, (2 * limit + 4 * (double)n * unit(TG_C64)) * after);
        tg_fft_plan_destroy(p);
        tg_tensor_release(x);
        tg_tensor_release(y);
    }
}

static void check_real(int64_t n, int64_t batch) {
    int64_t real[] = {batch, n}, half[] = {batch, n / 2 + 1};
    tg_tensor *x = make(TG_F32, 2, real, (uint64_t)n + 1), *y = make(TG_C32, 2, half, 0), *z = make(TG_F32, 2, real, 0);
    tg_fft_plan *p = plan_of(1, &n, TG_C32, TG_FFT_R2C, -1, 0), *back = plan_of(1, &n, TG_C32, TG_FFT_C2R, 1, 1);
    cr_assert_eq(tg_fft_execute(p, x, y), TG_OK, "%s", tg_last_error(ctx));
    cr_assert_eq(tg_fft_execute(back, y, z), TG_OK, "%s", tg_last_error(ctx));
    double *want = malloc((size_t)(batch * half[1] * 2) * sizeof *want), *row = malloc((size_t)n * 2 * sizeof *row),
           *same = doubles(x, n * batch);
    for (int64_t b = 0; b < batch; b++) {
        for (int64_t i = 0; i < n; i++) {
            row[2 * i] = number(x, b * n + i);
            row[2 * i + 1] = 0;
        }
        naive(row, n, 1, -1);
        for (int64_t i = 0; i < 2 * half[1]; i++) {
            want[b * 2 * half[1] + i] = row[i];
        }
    }
    expect_near(y, want, 2 * half[1] * batch, bound(TG_C32, n), "r2c", n);
    expect_near(z, same, n * batch, 2 * bound(TG_C32, n), "c2r", n);
    free(want);
    free(row);
    free(same);
    tg_fft_plan_destroy(p);
    tg_fft_plan_destroy(back);
    tg_tensor_release(x);
    tg_tensor_release(y);
    tg_tensor_release(z);
}

Test(fft, real) {
    static const int64_t lengths[] = {1, 2, 3, 4, 5, 6, 8, 10, 14, 16, 22, 26, 27, 30, 64, 105, 106, 128, 210, 256, 1000, 1024, 2018};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        check_real(lengths[i], 2);
    }
}

/* Over the last `rank` dimensions of a batch. */
static void naive_dims(double *x, int64_t batch, uint32_t rank, const int64_t *n) {
    int64_t all = batch;
    for (uint32_t d = 0; d < rank; d++) {
        all *= n[d];
    }
    for (uint32_t d = 0; d < rank; d++) {
        int64_t step = 1;
        for (uint32_t k = d + 1; k < rank; k++) {
            step *= n[k];
        }
        for (int64_t i = 0; i < all / n[d]; i++) {
            naive(x + 2 * (i / step * n[d] * step + i % step), n[d], step, -1);
        }
    }
}

static double bound_dims(tg_dtype t, uint32_t rank, const int64_t *n) {
    double sum = 0;
    for (uint32_t d = 0; d < rank; d++) {
        sum += bound(t, n[d]);
    }
    return sum;
}

static void check_dims(uint32_t rank, const int64_t *n) {
    int64_t shape[4] = {2, 1, 1, 1}, all = 1;
    for (uint32_t d = 0; d < rank; d++) {
        shape[1 + d] = n[d];
        all *= n[d];
    }
    tg_tensor *x = make(TG_C32, rank + 1, shape, 5), *y = make(TG_C32, rank + 1, shape, 0), *before = make(TG_C32, rank + 1, shape, 0);
    tg_fft_plan *p = plan_of(rank, n, TG_C32, TG_FFT_C2C, -1, 0);
    cr_assert_eq(tg_fft_execute(p, x, before), TG_OK, "%s", tg_last_error(ctx));
    cr_assert_eq(tg_fft_execute(p, x, y), TG_OK, "%s", tg_last_error(ctx));
    double *want = doubles(x, 4 * all);
    naive_dims(want, 2, rank, n);
    expect_near(y, want, 4 * all, bound_dims(TG_C32, rank, n), "2 or 3 dimensions", all);
    free(want);
    tg_fft_plan_destroy(p);
    tg_tensor_release(x);
    tg_tensor_release(y);
    tg_tensor_release(before);
}

Test(fft, dimensions) {
    check_dims(2, (int64_t[]){16, 24});
    check_dims(2, (int64_t[]){11, 7});
    check_dims(2, (int64_t[]){1, 9});
    check_dims(2, (int64_t[]){20, 64});
    check_dims(2, (int64_t[]){40, 64});
    check_dims(2, (int64_t[]){35, 66});
    check_dims(3, (int64_t[]){6, 8, 10});
    check_dims(3, (int64_t[]){3, 13, 4});
    check_dims(3, (int64_t[]){23, 4, 6});
    check_dims(2, (int64_t[]){300, 260}); /* more than half of a second-level cache: columns in place, 260 of them are no whole lines */
}

/* Of a batch of two, there and back. */
static void check_real_dims(uint32_t rank, const int64_t *n) {
    int64_t real[4] = {2}, half[4] = {2}, all = 1, last = n[rank - 1], kept = last / 2 + 1;
    for (uint32_t d = 0; d < rank; d++) {
        real[1 + d] = n[d];
        half[1 + d] = d + 1 < rank ? n[d] : kept;
        all *= n[d];
    }
    int64_t outputs = 2 * all / last * kept;
    tg_tensor *x = make(TG_F32, rank + 1, real, 3), *y = make(TG_C32, rank + 1, half, 0), *z = make(TG_F32, rank + 1, real, 0);
    tg_fft_plan *p = plan_of(rank, n, TG_C32, TG_FFT_R2C, -1, 0), *back = plan_of(rank, n, TG_C32, TG_FFT_C2R, 1, 1);
    cr_assert_eq(tg_fft_execute(p, x, y), TG_OK, "%s", tg_last_error(ctx));
    cr_assert_eq(tg_fft_execute(back, y, z), TG_OK, "%s", tg_last_error(ctx));
    double *same = doubles(x, 2 * all), *full = calloc((size_t)all * 4, sizeof *full), *want = calloc((size_t)outputs * 2, sizeof *want);
    for (int64_t i = 0; i < 2 * all; i++) {
        full[2 * i] = same[i];
    }
    naive_dims(full, 2, rank, n);
    for (int64_t i = 0; i < 2 * outputs; i++) { /* of each row the first */
        want[i] = full[i / (2 * kept) * (2 * last) + i % (2 * kept)];
    }
    expect_near(y, want, 2 * outputs, bound_dims(TG_C32, rank, n), "r2c of dimensions", all);
    expect_near(z, same, 2 * all, 2 * bound_dims(TG_C32, rank, n), "c2r of dimensions", all);
    free(same);
    free(full);
    free(want);
    tg_fft_plan_destroy(p);
    tg_fft_plan_destroy(back);
    tg_tensor_release(x);
    tg_tensor_release(y);
    tg_tensor_release(z);
}

Test(fft, real_dimensions_round_trip) {
    check_real_dims(3, (int64_t[]){6, 5, 12});
    check_real_dims(2, (int64_t[]){12, 126});
}

static void check_strides(int64_t n, int64_t rows) {
    int64_t shape[] = {n, rows};
    tg_tensor *x = make(TG_C32, 2, shape, 9), *y = make(TG_C32, 2, shape, 0);
    tg_tensor *from = tg_tensor_permute(x, (uint32_t[]){1, 0}), *to = tg_tensor_permute(y, (uint32_t[]){1, 0});
    tg_fft_plan *p = plan_of(1, &n, TG_C32, TG_FFT_C2C, 1, 0);
    cr_assert_eq(tg_fft_execute(p, from, to), TG_OK, "%s", tg_last_error(ctx));
    double *want = doubles(x, 2 * n * rows);
    for (int64_t c = 0; c < rows; c++) {
        naive(want + 2 * c, n, rows, 1);
    }
    expect_near(y, want, 2 * n * rows, bound(TG_C32, n), "columns", n);
    free(want);
    tg_fft_plan_destroy(p);
    tg_tensor_release(x);
    tg_tensor_release(y);
    tg_tensor_release(from);
    tg_tensor_release(to);
}

/* Rows that are columns of another tensor, backwards. */
Test(fft, strides) {
    check_strides(40, 6);
    check_strides(64, 8);
    check_strides(16, 5);
    check_strides(32, 8);
}

/* x and y are of 3 rows of n; the row-major copy of x tells what y must be. */
static void expect_rows(const tg_fft_plan *p, const tg_tensor *x, tg_tensor *y, int64_t n) {
    int64_t shape[] = {3, n};
    tg_tensor *flat = tg_tensor_create(ctx, TG_C32, 2, shape), *result = tg_tensor_create(ctx, TG_C32, 2, shape);
    cr_assert_eq(tg_tensor_copy(flat, x), TG_OK);
    cr_assert_eq(tg_fft_execute(p, x, y), TG_OK, "%s", tg_last_error(ctx));
    cr_assert_eq(tg_tensor_copy(result, y), TG_OK);
    double *want = doubles(flat, 6 * n);
    for (int64_t b = 0; b < 3; b++) {
        naive(want + 2 * b * n, n, 1, -1);
    }
    expect_near(result, want, 6 * n, bound(TG_C32, n), "again", n);
    free(want);
    tg_tensor_release(flat);
    tg_tensor_release(result);
}

/* A plan remembers the layout of its first tensors: others of that layout, then of other layouts, then none that are wrong. */
static void check_layouts(void) {
    int64_t n = 16, shape[] = {3, 16}, across[] = {16, 3};
    tg_fft_plan *p = plan_of(1, &n, TG_C32, TG_FFT_C2C, -1, 0);
    tg_tensor *x = make(TG_C32, 2, shape, 1), *other = make(TG_C32, 2, shape, 2), *y = make(TG_C32, 2, shape, 0);
    tg_tensor *turned = make(TG_C32, 2, across, 3), *columns = tg_tensor_permute(turned, (uint32_t[]){1, 0});
    tg_tensor *twice = make(TG_C32, 1, (int64_t[]){100}, 4);
    tg_tensor *low = tg_tensor_from_memory(ctx, TG_C32, 2, shape, NULL, tg_tensor_data(twice), NULL, NULL);
    tg_tensor *high = tg_tensor_from_memory(ctx, TG_C32, 2, shape, NULL, (float *)tg_tensor_data(twice) + 94, NULL, NULL);
    tg_tensor *beyond = tg_tensor_from_memory(ctx, TG_C32, 2, shape, NULL, (float *)tg_tensor_data(twice) + 96, NULL, NULL);
    tg_tensor *odd = tg_tensor_from_memory(ctx, TG_C32, 2, shape, NULL, (char *)tg_tensor_data(twice) + 2, NULL, NULL);
    tg_tensor *wide = make(TG_C64, 2, shape, 5);
    expect_rows(p, x, y, n);
    expect_rows(p, other, y, n);
    expect_rows(p, columns, y, n);
    expect_rows(p, x, columns, n);
    expect_rows(p, low, beyond, n);
    cr_expect_eq(tg_fft_execute(p, low, high), TG_ERROR_LAUNCH, "they overlap");
    cr_expect_eq(tg_fft_execute(p, x, x), TG_ERROR_LAUNCH);
    cr_expect_eq(tg_fft_execute(p, x, wide), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_eq(tg_fft_execute(p, NULL, y), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_neq(tg_fft_execute(p, odd, y), TG_OK, "not aligned");
    tg_fft_plan_destroy(p);
    tg_tensor *all[] = {x, other, y, columns, turned, low, high, beyond, odd, twice, wide};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        tg_tensor_release(all[i]);
    }
}

/* In place of the context of the suite. */
static void use_context(int32_t specialise_after, int32_t n_threads) {
    tg_context_options o = TG_CONTEXT_OPTIONS_INIT;
    o.cache_dir = "";
    o.specialise_after = specialise_after;
    o.n_threads = n_threads;
    tg_context_destroy(ctx);
    cr_assert_eq(tg_context_create(&o, &ctx), TG_OK, "%s", tg_last_error(NULL));
}

Test(fft, like_the_first_or_not) {
    use_context(-1, 0);
    check_layouts();
    check_dims(2, (int64_t[]){16, 12});
}

/* Rows and planes that threads share evenly, with nearly as many each, and together. */
Test(fft, parts) {
    use_context(0, 3);
    cr_expect_eq(tg_fft_n_parts(ctx, 6), 3);
    cr_expect_eq(tg_fft_n_parts(ctx, 25), 3);
    cr_expect_eq(tg_fft_n_parts(ctx, 4), 1);
    cr_expect_eq(tg_fft_n_parts(ctx, 0), 1);
    check_c2c(1050, 6, TG_C32, -1); /* two halves each: no multiple of 8 */
    check_c2c(1050, 25, TG_C32, 1);
    check_c2c(1050, 4, TG_C32, -1);
    check_dims(3, (int64_t[]){3, 8, 10});
    check_dims(3, (int64_t[]){23, 4, 6});
    check_real_dims(3, (int64_t[]){6, 5, 12});
}

/* Code for the shapes comes while transforms go on. */
Test(fft, code_for_shapes) {
    use_context(3, 0);
    int64_t n = 16, shape[] = {3, 16};
    tg_fft_plan *p = plan_of(1, &n, TG_C32, TG_FFT_C2C, -1, 0);
    tg_tensor *x = make(TG_C32, 2, shape, 1), *y = make(TG_C32, 2, shape, 0);
    for (int i = 0; i < 40; i++) {
        expect_rows(p, x, y, n);
        (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    tg_fft_plan_destroy(p);
    tg_tensor_release(x);
    tg_tensor_release(y);
    check_layouts();
}

Test(fft, errors) {
    tg_fft_options o = TG_FFT_OPTIONS_INIT;
    tg_fft_plan *p = NULL;
    int64_t n = 8, zero = 0, nine = 9;
    cr_expect_eq(tg_fft_plan_create(ctx, 1, &zero, &o, &p), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_eq(tg_fft_plan_create(ctx, 0, &n, &o, &p), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_eq(tg_fft_plan_create(ctx, 1, &n, NULL, &p), TG_ERROR_INVALID_ARGUMENT);
    o.sign = 2;
    cr_expect_eq(tg_fft_plan_create(ctx, 1, &n, &o, &p), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_null(p);
    o.sign = -1;
    int64_t deep = 40353607; /* 7^9 = 7^4 7^5, and 7^5 is more than 16384 */
    cr_expect_eq(tg_fft_plan_create(ctx, 1, &deep, &o, &p), TG_ERROR_UNSUPPORTED);
    cr_expect_null(p);
    p = plan_of(1, &n, TG_C32, TG_FFT_C2C, -1, 0);
    tg_tensor *x = make(TG_C32, 1, &n, 1), *long_one = make(TG_C32, 1, &nine, 1), *real = make(TG_F32, 1, &n, 1);
    cr_expect_eq(tg_fft_execute(p, x, long_one), TG_ERROR_LAUNCH);
    cr_expect_eq(tg_fft_execute(p, real, x), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_eq(tg_fft_execute(p, x, x), TG_ERROR_LAUNCH);
    cr_expect_eq(tg_fft_execute(NULL, x, x), TG_ERROR_INVALID_ARGUMENT);
    tg_fft_plan_destroy(p);
    tg_fft_plan_destroy(NULL);
    tg_tensor_release(x);
    tg_tensor_release(long_one);
    tg_tensor_release(real);
}
