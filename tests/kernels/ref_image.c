/* References: filters over the neighbours of a pixel. See kernels.h. */
#include "tests/kernels/kernels.h"

#include <math.h>

/* Few different numbers, infinities and NaN among the floats. */
void prepare_special(kcase *c) {
    bool is_float = isinf(klimit(c, "X", true));
    for (int64_t i = 0; i < kn(c, "X"); i++) {
        int64_t v = krandint(c, 0, 12);
        double special = v == 10 ? INFINITY : v == 11 ? -INFINITY : NAN;
        kt(c, "X")[i] = v >= 10 && is_float ? special : (double)v;
    }
}

/* Does q have to come before p, which is in front of it? */
static bool is_out_of_order(double p, double q, bool down) {
    return !isnan(q) && (isnan(p) || (down ? q > p : q < p));
}

static void sort_in_place(double *v, int64_t *at, int64_t n, bool down) {
    for (int64_t i = 0; i < n; i++) {
        at[i] = i;
    }
    for (int64_t i = 1; i < n; i++) {
        for (int64_t k = i; k > 0 && is_out_of_order(v[k - 1], v[k], down); k--) {
            double value = v[k];
            int64_t index = at[k];
            v[k] = v[k - 1];
            at[k] = at[k - 1];
            v[k - 1] = value;
            at[k - 1] = index;
        }
    }
}

static int64_t limited(int64_t v, int64_t least, int64_t most) {
    int64_t low = v < least ? least : v;
    return low > most ? most : low;
}

/* X[y, x], 0 outside. */
static double pixel(const kcase *c, int64_t y, int64_t x) {
    int64_t h = kd(c, "H"), w = kd(c, "W");
    return y >= 0 && y < h && x >= 0 && x < w ? kt(c, "X")[y * w + x] : 0;
}

enum { MOST = 64 };

void ref_median(kcase *c) {
    int64_t h = kd(c, "H"), w = kd(c, "W"), r = kd(c, "R"), size = 2 * r + 1, at[MOST];
    double v[MOST];
    for (int64_t p = 0; p < h * w; p++) {
        for (int64_t t = 0; t < size * size; t++) {
            v[t] = pixel(c, limited(p / w + t / size - r, 0, h - 1), limited(p % w + t % size - r, 0, w - 1));
        }
        sort_in_place(v, at, size * size, false);
        kt(c, "Y")[p] = v[size * size / 2];
    }
}

void ref_ranks(kcase *c) {
    int64_t w = kd(c, "W"), at[4];
    double v[4];
    for (int64_t p = 0; p < kd(c, "H") * w; p++) {
        for (int64_t t = 0; t < 4; t++) {
            v[t] = pixel(c, p / w + t / 2, p % w + t % 2);
        }
        sort_in_place(v, at, 4, kb(c, "down"));
        for (int64_t t = 0; t < 4; t++) {
            kt(c, "V")[p * 4 + t] = v[t];
            kt(c, "A")[p * 4 + t] = (double)at[t];
        }
    }
}

void ref_sort_columns(kcase *c) {
    int64_t n = kd(c, "N"), m = kd(c, "M"), at[MOST];
    double v[MOST];
    for (int64_t k = 0; k < m; k++) {
        for (int64_t i = 0; i < n; i++) {
            v[i] = kt(c, "X")[i * m + k];
        }
        sort_in_place(v, at, n, kb(c, "down"));
        for (int64_t i = 0; i < n; i++) {
            kt(c, "V")[i * m + k] = v[i];
        }
    }
}

void ref_limits(kcase *c) {
    int64_t h = kd(c, "H"), w = kd(c, "W"), lo = kd(c, "lo"), hi = kd(c, "hi");
    for (int64_t p = 0; p < h * w; p++) {
        int64_t y = p / w, x = p % w, high = 2 * x - 7 < hi ? 2 * x - 7 : hi;
        double *to = kt(c, "Y") + p;
        to[0 * h * w] = pixel(c, limited(y + 1, y + 1, h - 1), limited(x + 2, x + 2, w - 1));
        to[1 * h * w] = pixel(c, y > 0 ? y - 1 : 0, x - 3 > 2 ? x - 3 : 2);
        to[2 * h * w] = pixel(c, y, limited(x + 5, -2, hi));
        to[3 * h * w] = pixel(c, limited(2 * y, 1, hi), high > 4 ? high : 4);
        to[4 * h * w] = pixel(c, y, x > lo ? x : lo);
    }
}
