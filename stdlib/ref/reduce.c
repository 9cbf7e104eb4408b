/* References: kernels/reduce.dsl and kernels/order.dsl. See ref.h. */
#include "stdlib/ref/ref.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void times(double *y, const double *x, int64_t width) {
    (void)width;
    *y *= *x;
}

/* Complex numbers are pairs. */
static void add(double *y, const double *x, int64_t width) {
    for (int64_t p = 0; p < width; p++) {
        y[p] += x[p];
    }
}

/* y of each row from `first` by `step` over its elements; to every element of Y if `running`. */
static void fold(kcase *c, double first, void (*step)(double *, const double *, int64_t),
                 bool running) {
    int64_t n = kd(c, "N"), w = kwidth(c, "X");
    for (int64_t i = 0; i < kd(c, "M"); i++) {
        double y[2] = {first, 0};
        for (int64_t j = 0; j < n; j++) {
            step(y, kt(c, "X") + (i * n + j) * w, w);
            if (running) {
                memcpy(kt(c, "Y") + (i * n + j) * w, y, (size_t)w * sizeof *y);
            }
        }
        if (!running) {
            memcpy(kt(c, "Y") + i * w, y, (size_t)w * sizeof *y);
        }
    }
}

void ref_reduce_sum(kcase *c) {
    fold(c, 0, add, false);
}

void ref_reduce_prod(kcase *c) {
    fold(c, 1, times, false);
}

void ref_running_sum(kcase *c) {
    fold(c, 0, add, true);
}

void ref_running_prod(kcase *c) {
    fold(c, 1, times, true);
}

static void larger(double *y, const double *x, int64_t width) {
    (void)width;
    *y = *x > *y ? *x : *y;
}

static void smaller(double *y, const double *x, int64_t width) {
    (void)width;
    *y = *x < *y ? *x : *y;
}

void ref_reduce_max(kcase *c) {
    fold(c, klimit(c, "X", false), larger, false);
}

void ref_reduce_min(kcase *c) {
    fold(c, klimit(c, "X", true), smaller, false);
}

void ref_running_max(kcase *c) {
    fold(c, klimit(c, "X", false), larger, true);
}

void ref_reduce_columns(kcase *c) {
    int64_t n = kd(c, "N") * kwidth(c, "X");
    memset(kt(c, "Y"), 0, (size_t)n * sizeof(double));
    for (int64_t at = 0; at < kd(c, "M") * n; at++) {
        kt(c, "Y")[at % n] += kt(c, "X")[at];
    }
}

/* Sum over a row of (x - middle)^power. */
static double moment(const double *x, int64_t n, double middle, int power) {
    double s = 0;
    for (int64_t j = 0; j < n; j++) {
        s += power == 1 ? x[j] - middle : (x[j] - middle) * (x[j] - middle);
    }
    return s;
}

void ref_reduce_mean(kcase *c) {
    int64_t n = kd(c, "N");
    for (int64_t i = 0; i < kd(c, "M"); i++) {
        kt(c, "Y")[i] = moment(kt(c, "X") + i * n, n, 0, 1) / (double)n;
    }
}

void ref_reduce_variance(kcase *c) {
    int64_t n = kd(c, "N");
    for (int64_t i = 0; i < kd(c, "M"); i++) {
        const double *x = kt(c, "X") + i * n;
        double m = moment(x, n, 0, 1) / (double)n;
        kt(c, "Y")[i] = moment(x, n, m, 2) / ((double)n - kf(c, "correction"));
    }
}

static void find(kcase *c, double sign) {
    int64_t n = kd(c, "N");
    for (int64_t i = 0; i < kd(c, "M"); i++) {
        const double *x = kt(c, "X") + i * n;
        int64_t best = n ? 0 : -1;
        for (int64_t j = 1; j < n; j++) {
            best = sign * x[j] > sign * x[best] ? j : best;
        }
        kt(c, "Y")[i] = (double)best;
    }
}

void ref_arg_max(kcase *c) {
    find(c, 1);
}

void ref_arg_min(kcase *c) {
    find(c, -1);
}

/* ---- order ------------------------------------------------------------------------------- */

/* Few different values, so that order among equals shows; infinity where the type has one. */
void prepare_ties(kcase *c) {
    bool has_infinity = isinf(klimit(c, "X", true));
    for (int64_t i = 0; i < kn(c, "X"); i++) {
        int64_t v = krandint(c, 0, 40) / 2;
        kt(c, "X")[i] = v == 20 && has_infinity ? INFINITY : (double)v;
    }
}

/* Is element a before element b: by value, then by index. */
static bool before(const double *x, int64_t a, int64_t b, bool descending) {
    double p = descending ? x[b] : x[a], q = descending ? x[a] : x[b];
    return p < q || (p == q && a < b);
}

/* The place of each element is the number of elements before it. */
static void order(const double *x, int64_t n, bool descending, int64_t *at) {
    for (int64_t i = 0; i < n; i++) {
        int64_t place = 0;
        for (int64_t j = 0; j < n; j++) {
            place += j != i && before(x, j, i, descending);
        }
        at[place] = i;
    }
}

/* The first k in order; what is missing has the least value and index -1. */
static void take(kcase *c, int64_t k, bool descending) {
    int64_t n = kd(c, "N"), *at = calloc((size_t)n + 1, sizeof *at);
    for (int64_t i = 0; i < kd(c, "M"); i++) {
        const double *x = kt(c, "X") + i * n;
        order(x, n, descending, at);
        for (int64_t j = 0; j < k; j++) {
            kt(c, "Y")[i * k + j] = j < n ? x[at[j]] : klimit(c, "X", false);
            kt(c, "I")[i * k + j] = j < n ? (double)at[j] : -1;
        }
    }
    free(at);
}

void ref_sort_rows(kcase *c) {
    take(c, kd(c, "N"), kd_or(c, "descending", 0) != 0);
}

void ref_top_k(kcase *c) {
    take(c, kd(c, "K"), true);
}

void ref_bincount(kcase *c) {
    int64_t bins = kn(c, "H");
    memset(kt(c, "H"), 0, (size_t)bins * sizeof(double));
    for (int64_t i = 0; i < kd(c, "N"); i++) {
        double x = kt(c, "X")[i];
        if (x >= 0 && x < (double)bins) {
            kt(c, "H")[(int64_t)x] += 1;
        }
    }
}
