/* References: neighbours on a grid, prefix sums, angles that heads share. See kernels.h. */
#include "tests/kernels/kernels.h"

#include <math.h>

static int64_t wrap(int64_t i, int64_t n) {
    return ((i % n) + n) % n;
}

/* Element [y, x] of a matrix of H by W, or `outside`. */
static double at(const kcase *c, const char *name, int64_t y, int64_t x, double outside) {
    int64_t h = kd(c, "H"), w = kd(c, "W");
    return y >= 0 && y < h && x >= 0 && x < w ? kt(c, name)[y * w + x] : outside;
}

static double around(const kcase *c, const char *name, int64_t y, int64_t x) {
    return at(c, name, wrap(y, kd(c, "H")), wrap(x, kd(c, "W")), 0);
}

void ref_jacobi(kcase *c) {
    int64_t w = kd(c, "W");
    for (int64_t i = 0; i < kn(c, "V"); i++) {
        int64_t y = i / w, x = i % w;
        double sum = at(c, "U", y - 1, x, 0) + at(c, "U", y + 1, x, 0) + at(c, "U", y, x - 1, 0) + at(c, "U", y, x + 1, 0);
        kt(c, "V")[i] = (sum - kf(c, "h2") * kt(c, "F")[i]) / 4;
    }
}

void ref_torus(kcase *c) {
    int64_t w = kd(c, "W");
    for (int64_t i = 0; i < kn(c, "Y"); i++) {
        int64_t y = i / w, x = i % w;
        kt(c, "Y")[i] = around(c, "X", y - 1, x) + around(c, "X", y + 1, x) + around(c, "X", y, x - 1) + around(c, "X", y, x + 1) -
                        around(c, "X", y - 1, x - 1) - around(c, "X", y + 1, x + 1);
    }
}

void ref_window(kcase *c) {
    int64_t w = kd(c, "W"), rs = kd(c, "R"), ss = kd(c, "S");
    for (int64_t i = 0; i < kn(c, "Y"); i++) {
        double inside = 0, wrapped = 0;
        for (int64_t k = 0; k < rs * ss; k++) {
            int64_t y = i / w + k / ss - rs / 2, x = i % w + k % ss - ss / 2;
            inside += at(c, "X", y, x, 0) * kt(c, "F")[k];
            wrapped += around(c, "X", y, x) * kt(c, "F")[k];
        }
        kt(c, "Y")[i] = inside;
        kt(c, "Z")[i] = wrapped;
    }
}

void ref_moved(kcase *c) {
    int64_t h = kd(c, "H"), w = kd(c, "W");
    for (int64_t i = 0; i < kn(c, "Y"); i++) {
        int64_t y = i / w, x = i % w;
        kt(c, "Y")[i] = at(c, "X", y, 2 * x - 3, 0) + 3 * at(c, "X", y, w - x, 0) + 5 * at(c, "X", y, x + kd(c, "by"), 7) +
                        11 * at(c, "X", h - 1 - y, 5 - x, 0);
    }
}

void ref_prefixes(kcase *c) {
    int64_t h = kd(c, "H"), w = kd(c, "W");
    for (int64_t y = 0; y < h; y++) {
        double sum = 0, rest = 0, top = -INFINITY;
        for (int64_t x = 0; x < w; x++) {
            int64_t i = y * w + x, back = y * w + w - 1 - x;
            kt(c, "B")[back] = rest;
            rest += kt(c, "X")[back];
            sum += kt(c, "X")[i];
            top = fmax(top, kt(c, "X")[i]);
            kt(c, "S")[i] = sum;
            kt(c, "M")[i] = top;
            kt(c, "C")[i] = (y ? kt(c, "C")[i - w] : 0) + kt(c, "X")[i];
        }
    }
}

void ref_turn(kcase *c) {
    int64_t n = kd(c, "D"), h = kd(c, "H"), s = kd(c, "S");
    for (int64_t i = 0; i < kn(c, "Y"); i++) {
        int64_t d = i % n, half = n / 2;
        double angle = (double)(i / n / h % s) * exp2(-2.0 * (double)(d % half) / (double)n * 13.287712);
        double x = kt(c, "X")[i], other = kt(c, "X")[i - d + (d + half) % n];
        kt(c, "Y")[i] = x * cos(angle) + (d < half ? -other : other) * sin(angle);
    }
}

void ref_attraction(kcase *c) {
    const double *p = kt(c, "P");
    for (int64_t i = 0; i < kd(c, "N"); i++) {
        double sum[3] = {0, 0, 0};
        for (int64_t j = 0; j < kd(c, "N"); j++) {
            double d[3], square = 0.01;
            for (int k = 0; k < 3; k++) {
                d[k] = p[3 * j + k] - p[3 * i + k];
                square += d[k] * d[k];
            }
            for (int k = 0; k < 3; k++) {
                sum[k] += kt(c, "M")[j] * d[k] / (square * sqrt(square));
            }
        }
        for (int k = 0; k < 3; k++) {
            kt(c, "A")[3 * i + k] = sum[k];
        }
    }
}

void ref_groups(kcase *c) {
    const double *r = kt(c, "R");
    for (int64_t i = 0; i < kn(c, "Y"); i++) {
        int64_t k = i % kd(c, "K"), m = i / kd(c, "K");
        kt(c, "Y")[i] = kt(c, "X")[i] * kt(c, "S")[m * kd(c, "G") + k / 32] + r[k % 16] - r[(k + 24) % 16];
    }
}

void ref_waves(kcase *c) {
    for (int64_t i = 0; i < kn(c, "X"); i++) {
        double x = kt(c, "X")[i], y = x;
        while (fabs(y) > 1) {
            y = sin(y);
        }
        kt(c, "S")[i] = sin(x);
        kt(c, "C")[i] = cos(x / 2);
        kt(c, "L")[i] = y * cos(x);
    }
}

/* Angles of all sizes: a fourth of them far, some not numbers. */
void prepare_waves(kcase *c) {
    for (int64_t i = 0; i < kn(c, "X"); i++) {
        double far = ldexp(krandom(c, -1, 1), (int)krandint(c, 15, 127));
        kt(c, "X")[i] = i % 4 ? krandom(c, -20, 20) : i % 52 == 8 ? INFINITY : i % 52 == 12 ? NAN : far;
    }
}

void ref_turn_part(kcase *c) {
    int64_t h = kd(c, "H"), d = kd(c, "D"), e = kd(c, "E");
    for (int64_t i = 0; i < kn(c, "Y"); i++) {
        int64_t k = i % d, s = i / d / h;
        const double *x = kt(c, "X") + (i - k);
        double other = k < e ? -x[k + e] : k < 2 * e ? x[k - e] : 0;
        int64_t p = e ? s * e + k % e : 0;
        kt(c, "Y")[i] = k < 2 * e ? x[k] * kt(c, "C")[p] + other * kt(c, "N")[p] : x[k];
    }
}

/* As the language has them: quotients round down, by 0 they are 0. */
static int64_t quotient(int64_t a, int64_t b) {
    return b == 0 ? 0 : a / b - (a % b != 0 && (a % b < 0) != (b < 0));
}

static double element(const double *row, int64_t n, int64_t i) {
    return i >= 0 && i < n ? row[i] : 0;
}

void ref_joined(kcase *c) {
    int64_t p = kd(c, "P"), q = kd(c, "Q"), at = kd(c, "at");
    for (int64_t i = 0; i < kn(c, "Y"); i++) {
        int64_t m = i / (p + q), k = i % (p + q);
        const double *a = kt(c, "A") + m * p, *b = kt(c, "B") + m * q;
        kt(c, "Y")[i] = k < p ? a[k] : b[k - p];
        bool above = k > (int64_t)((uint64_t)at + 1);
        kt(c, "Z")[i] = at >= k ? element(b, q, at ? k - quotient(k, at) * at : k) : element(a, p, above ? k / 2 : quotient(k, at));
    }
}
