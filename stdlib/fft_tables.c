/* Tables of factors: exp(2 pi i x / n) of many x, or their cosines and tangents.
 *
 * They are made in C because they are made once: to compile kernels for them took a quarter of the first call of a transform. An
 * angle is folded to the first eighth of the circle, where it is the sum of two from short lists, whose exp are multiplied. In long double
 * the product is far more exact than either type of the tables. */
#include "stdlib/fft_axis.h"

#include <math.h>

static const long double HALF_PI = 1.57079632679489661923132169163975144L;

/* exp(pi i t / (2 n)) for 0 <= t <= n / 2 is near[t % 2^bits] far[t / 2^bits], both pairs of real and imaginary part. */
typedef struct roots {
    int64_t n, n_near, n_far;
    int bits;
    long double *near, *far;
} roots;

static long double *list(const tg_allocator *allocator, int64_t count, int64_t step, int64_t n) {
    long double *pairs = tg_alloc(allocator, 2 * (size_t)count * sizeof *pairs, _Alignof(long double));
    for (int64_t i = 0; pairs && i < count; i++) {
        long double angle = HALF_PI * (long double)(i * step) / (long double)n;
        pairs[2 * i] = cosl(angle);
        pairs[2 * i + 1] = sinl(angle);
    }
    return pairs;
}

static void free_list(const tg_allocator *allocator, long double *pairs, int64_t count) {
    if (pairs) {
        tg_free(allocator, pairs, 2 * (size_t)count * sizeof *pairs);
    }
}

static void close_roots(const tg_allocator *allocator, roots *r) {
    free_list(allocator, r->near, r->n_near);
    free_list(allocator, r->far, r->n_far);
}

static bool open_roots(const tg_allocator *allocator, int64_t n, roots *r) {
    *r = (roots){.n = n};
    while ((n >> r->bits) >> r->bits > 1) {
        r->bits++;
    }
    r->n_near = (int64_t)1 << r->bits;
    r->n_far = (n / 2 >> r->bits) + 1;
    r->near = list(allocator, r->n_near, 1, n);
    r->far = list(allocator, r->n_far, r->n_near, n);
    if (!r->near || !r->far) {
        close_roots(allocator, r);
        return false;
    }
    return true;
}

/* out = exp(pi i (quarter + t / n) / 2), 0 <= t < n */
static void turn(const roots *r, int64_t quarter, int64_t t, long double *out) {
    bool beyond = 2 * t > r->n; /* an eighth: there sine and cosine change places */
    t = beyond ? r->n - t : t;
    const long double *a = &r->near[2 * (t & (r->n_near - 1))], *b = &r->far[2 * (t >> r->bits)];
    long double re = a[0] * b[0] - a[1] * b[1], im = a[0] * b[1] + a[1] * b[0];
    long double c = beyond ? im : re, s = beyond ? re : im;
    out[0] = quarter == 0 ? c : quarter == 1 ? -s : quarter == 2 ? -c : s;
    out[1] = quarter == 0 ? s : quarter == 1 ? c : quarter == 2 ? -s : -c;
}

static void put(const tg_tensor *table, int64_t at, long double v) {
    if (table->dtype == TG_F32) {
        ((float *)table->arg.data)[at] = (float)v;
    } else {
        ((double *)table->arg.data)[at] = (double)v;
    }
}

/* A row of exponents start + d q, q = 0, 1, … */
typedef struct exponents {
    int64_t start, d;
} exponents;

/* Row `row` gets exp(sign 2 pi i e / n) of its exponents e, or with least > 0 the cosine and the tangent: four times the exponent is `quarter`
 * times n and t. */
static void fill_row(const roots *r, const tg_tensor *table, int64_t row, exponents e, int sign, double least) {
    const int64_t *stride = table->arg.stride;
    int64_t quarters = 4 * e.d / r->n, step = 4 * e.d % r->n, quarter = 4 * e.start / r->n, t = 4 * e.start % r->n;
    for (int64_t q = 0; q < table->arg.shape[2]; q++) {
        int64_t at = row * stride[1] + q * stride[2];
        long double w[2];
        turn(r, quarter & 3, t, w);
        w[0] = fabsl(w[0]) < least ? least : w[0];
        w[1] = least > 0 ? w[1] / w[0] : w[1];
        put(table, at, w[0]);
        put(table, at + stride[0], sign < 0 ? -w[1] : w[1]);
        quarter += quarters + (t >= r->n - step);
        t += t >= r->n - step ? step - r->n : step;
    }
}

/* Row k of the factors of a pass of radix K + 1 over M groups: p (k + 1); those of levels of pairs (std/fft.dsl) p + part M of each of `parts`
 * that a group of the level has; rows from half the radix on are not used. */
static exponents of_pass(int64_t k, int64_t radix, int64_t groups, bool pairs) {
    int64_t parts = k < 2 ? 2 * k + 2 : k < 4 ? 8 : 16, part = k < 2 ? 0 : k < 4 ? k - 2 : k - 4, d = radix / parts;
    return pairs ? (exponents){d * part * groups, d} : (exponents){0, k + 1};
}

bool tg_fft_fill_twiddles(tg_tensor *w, int sign, double least) {
    const tg_context *context = w->context;
    const tg_allocator *allocator = &context->allocator;
    int64_t radix = w->arg.shape[1] + 1, groups = w->arg.shape[2];
    roots r;
    if (!open_roots(allocator, radix * groups, &r)) {
        return false;
    }
    for (int64_t k = 0; k + 1 < radix && groups > 0; k++) {
        fill_row(&r, w, k, of_pass(k, radix, groups, least > 0), sign, least);
    }
    close_roots(allocator, &r);
    return true;
}

bool tg_fft_fill_factors(tg_tensor *f, int64_t n, int64_t step, int sign) {
    const tg_context *context = f->context;
    const tg_allocator *allocator = &context->allocator;
    roots r;
    if (!open_roots(allocator, n, &r)) {
        return false;
    }
    for (int64_t p = 0; p < f->arg.shape[1] && f->arg.shape[2] > 0; p++) {
        fill_row(&r, f, p, (exponents){0, p * step % n}, sign, 0);
    }
    close_roots(allocator, &r);
    return true;
}
