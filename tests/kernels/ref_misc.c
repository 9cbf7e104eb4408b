/* References: histograms, sparse products, simulations, small matrices, geometry, strings. See kernels.h. */
#include "tests/kernels/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A label outside the vocabulary reads a logit of zero. */
void ref_any_label(kcase *c) {
    ref_cross_entropy(c);
    for (int64_t i = 0; i < kd(c, "M"); i++) {
        double label = kt(c, "label")[i];
        bool known = label >= 0 && label < (double)kd(c, "V");
        kt(c, "loss")[i] = known ? kt(c, "loss")[i] : kt(c, "lse")[i];
    }
}

void ref_residual_norm(kcase *c) {
    int64_t n = kd(c, "N");
    for (int64_t i = 0; i < kd(c, "M"); i++) {
        const double *x = kt(c, "X") + i * n, *r = kt(c, "R") + i * n;
        double *s = kt(c, "S") + i * n, mean = 0, variance = 0;
        for (int64_t j = 0; j < n; j++) {
            s[j] = x[j] + r[j];
            mean += s[j] / (double)n;
        }
        for (int64_t j = 0; j < n; j++) {
            variance += (s[j] - mean) * (s[j] - mean) / (double)n;
        }
        for (int64_t j = 0; j < n; j++) {
            kt(c, "Y")[i * n + j] = (s[j] - mean) / sqrt(variance + 1e-5) - s[n - 1 - j];
        }
    }
}

void ref_spmv(kcase *c) {
    const double *row = kt(c, "row");
    for (int64_t r = 0; r < kd(c, "R"); r++) {
        double s = 0;
        for (int64_t z = (int64_t)row[r]; z < (int64_t)row[r + 1]; z++) {
            double col = kt(c, "col")[z];
            s += col >= 0 && col < (double)kd(c, "C") ? kt(c, "V")[z] * kt(c, "X")[(int64_t)col]
                                                      : 0;
        }
        kt(c, "Y")[r] = s;
    }
}

void ref_nbody(kcase *c) {
    int64_t n = kd(c, "N");
    for (int64_t i = 0; i < n; i++) {
        double f[3] = {0};
        for (int64_t j = 0; j < n; j++) {
            double d[3], r2 = kf(c, "eps2");
            for (int a = 0; a < 3; a++) {
                d[a] = kt(c, "P")[j * 3 + a] - kt(c, "P")[i * 3 + a];
                r2 += d[a] * d[a];
            }
            for (int a = 0; a < 3; a++) {
                f[a] += kt(c, "mass")[j] * d[a] / (r2 * sqrt(r2));
            }
        }
        memcpy(kt(c, "F") + i * 3, f, sizeof f);
    }
}

void ref_mandelbrot(kcase *c) {
    int64_t w = kd(c, "W");
    for (int64_t at = 0; at < kd(c, "H") * w; at++) {
        double cx = kf(c, "x0") + (double)(at % w) * kf(c, "step"),
               cy = kf(c, "y0") + (double)(at / w) * kf(c, "step");
        double x = 0, y = 0;
        int64_t n = 0;
        for (; x * x + y * y < 4 && n < kd(c, "limit"); n++) {
            double next = x * x - y * y + cx;
            y = 2 * x * y + cy;
            x = next;
        }
        kt(c, "C")[at] = (double)n;
    }
}

static double normal(double d) {
    return 0.5 * erfc(-d / sqrt(2));
}

void ref_black_scholes(kcase *c) {
    double r = kf(c, "r"), v = kf(c, "v");
    for (int64_t i = 0; i < kd(c, "N"); i++) {
        double s = kt(c, "S")[i], x = kt(c, "X")[i], t = kt(c, "T")[i];
        double d1 = (log(s / x) + (r + v * v / 2) * t) / (v * sqrt(t)), d2 = d1 - v * sqrt(t);
        kt(c, "call")[i] = s * normal(d1) - x * exp(-r * t) * normal(d2);
        kt(c, "put")[i] = x * exp(-r * t) * normal(-d2) - s * normal(-d1);
    }
}

void ref_kmeans_assign(kcase *c) {
    int64_t d = kd(c, "D");
    for (int64_t i = 0; i < kd(c, "N"); i++) {
        double low = INFINITY;
        kt(c, "best")[i] = -1;
        for (int64_t k = 0; k < kd(c, "K"); k++) {
            double s = 0;
            for (int64_t a = 0; a < d; a++) {
                double difference = kt(c, "X")[i * d + a] - kt(c, "C")[k * d + a];
                s += difference * difference;
            }
            if (s < low) {
                low = s;
                kt(c, "best")[i] = (double)k;
            }
        }
    }
}

/* ---- small matrices ---------------------------------------------------------------------- */

void prepare_cholesky(kcase *c) {
    int64_t n = kd(c, "N");
    double g[32][32];
    for (int64_t b = 0; b < kd(c, "B"); b++) {
        for (int64_t i = 0; i < n * n; i++) {
            g[i / n][i % n] = krandom(c, -1, 1);
        }
        for (int64_t i = 0; i < n * n; i++) {
            double s = i / n == i % n ? 1 : 0;
            for (int64_t k = 0; k < n; k++) {
                s += g[i / n][k] * g[i % n][k];
            }
            kt(c, "A")[b * n * n + i] = s;
        }
    }
}

void ref_cholesky(kcase *c) {
    int64_t n = kd(c, "N");
    for (int64_t b = 0; b < kd(c, "B"); b++) {
        double *l = kt(c, "L") + b * n * n;
        memset(l, 0, (size_t)(n * n) * sizeof *l);
        for (int64_t i = 0; i < n; i++) {
            for (int64_t j = 0; j <= i; j++) {
                double s = kt(c, "A")[(b * n + i) * n + j];
                for (int64_t k = 0; k < j; k++) {
                    s -= l[i * n + k] * l[j * n + k];
                }
                l[i * n + j] = i == j ? sqrt(s) : s / l[j * n + j];
            }
        }
    }
}

void prepare_lu4(kcase *c) {
    for (int64_t i = 0; i < kn(c, "A"); i++) {
        kt(c, "A")[i] += i % 16 / 4 == i % 4 ? 5 : 0;
    }
}

void ref_lu4(kcase *c) {
    for (int64_t b = 0; b < kd(c, "B"); b++) {
        double *a = kt(c, "LU") + b * 16;
        memcpy(a, kt(c, "A") + b * 16, 16 * sizeof *a);
        for (int k = 0; k < 3; k++) {
            for (int r = k + 1; r < 4; r++) {
                a[r * 4 + k] /= a[k * 4 + k];
                for (int j = k + 1; j < 4; j++) {
                    a[r * 4 + j] -= a[r * 4 + k] * a[k * 4 + j];
                }
            }
        }
    }
}

/* ---- geometry, strings ------------------------------------------------------------------- */

void prepare_nms(kcase *c) {
    for (int64_t i = 0; i < kn(c, "box"); i += 4) {
        double *box = kt(c, "box") + i, x = krandom(c, 0, 10), y = krandom(c, 0, 10);
        box[0] = x;
        box[1] = y;
        box[2] = x + krandom(c, 1, 6);
        box[3] = y + krandom(c, 1, 6);
    }
}

static double overlap(const double *a, const double *b) {
    double w = fmax(0, fmin(a[2], b[2]) - fmax(a[0], b[0])),
           h = fmax(0, fmin(a[3], b[3]) - fmax(a[1], b[1]));
    double both = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]);
    return w * h / (both - w * h);
}

/* A box is kept if no kept box before it overlaps it by more than the limit. */
void ref_nms(kcase *c) {
    int64_t n = kd(c, "N");
    for (int64_t at = 0; at < kd(c, "B") * n; at++) {
        bool keep = true;
        for (int64_t i = at / n * n; i < at; i++) {
            const double *box = kt(c, "box");
            keep = keep && !(kt(c, "keep")[i] != 0 &&
                             overlap(box + 4 * i, box + 4 * at) > kf(c, "limit"));
        }
        kt(c, "keep")[at] = keep;
    }
}

void ref_levenshtein(kcase *c) {
    int64_t m = kd(c, "M"), n = kd(c, "N");
    double *d = calloc((size_t)((m + 1) * (n + 1)), sizeof *d);
    for (int64_t b = 0; b < kd(c, "B"); b++) {
        for (int64_t at = 0; at < (m + 1) * (n + 1); at++) {
            int64_t i = at / (n + 1), j = at % (n + 1);
            if (i == 0 || j == 0) {
                d[at] = (double)(i + j);
                continue;
            }
            double change = kt(c, "A")[b * m + i - 1] != kt(c, "C")[b * n + j - 1];
            d[at] = fmin(fmin(d[at - 1], d[at - n - 1]) + 1, d[at - n - 2] + change);
        }
        kt(c, "D")[b] = d[(m + 1) * (n + 1) - 1];
    }
    free(d);
}

/* Positive numbers, in order, behind the n[0] that are there. */
void ref_compact(kcase *c) {
    for (int64_t i = 0; i < kd(c, "N"); i++) {
        if (kt(c, "X")[i] > 0) {
            int64_t at = (int64_t)(kt(c, "n")[0]++);
            if (at < kd(c, "N")) {
                kt(c, "Y")[at] = kt(c, "X")[i];
            }
        }
    }
}

/* ---- statistics -------------------------------------------------------------------------- */

static double mean_of(const double *x, int64_t step, int64_t n) {
    double s = 0;
    for (int64_t i = 0; i < n; i++) {
        s += x[i * step];
    }
    return s / (double)n;
}

static double variance_of(const double *x, int64_t step, int64_t n) {
    double m = mean_of(x, step, n), s = 0;
    for (int64_t i = 0; i < n; i++) {
        s += (x[i * step] - m) * (x[i * step] - m);
    }
    return s / (double)n;
}

/* No rows: the mean of nothing is 0 by the identity of the fold, the variance 0 / 0. */
void ref_batch_norm_stats(kcase *c) {
    int64_t ch = kd(c, "C"), r = kd(c, "R");
    for (int64_t j = 0; j < ch; j++) {
        kt(c, "mean")[j] = r ? mean_of(kt(c, "X") + j, ch, r) : 0;
        kt(c, "var")[j] = variance_of(kt(c, "X") + j, ch, r);
    }
}

void ref_splat(kcase *c) {
    int64_t m = kd(c, "M"), cols = kd(c, "D");
    double *y = kt(c, "Y"), *z = kt(c, "Z");
    for (int64_t k = 0; k < kn(c, "X"); k++) {
        int64_t i = (int64_t)kt(c, "I")[k / cols], d = k % cols;
        double x = kt(c, "X")[k] * kt(c, "X")[k];
        if (i >= 0 && i < m) {
            y[i * cols + d] += x + 1;
            z[i * cols + d] = x > z[i * cols + d] ? x : z[i * cols + d];
        }
        if (i + 1 >= 0 && i + 1 < m && x > 4) {
            y[(i + 1) * cols + d] += x;
        }
        if (i >= 1 && i <= m && i % 2 == 0) {
            kt(c, "W")[i * cols - 1 - d] += x;
        }
    }
}

void ref_segments(kcase *c) {
    const double *off = kt(c, "off");
    for (int64_t s = 0; s < kd(c, "S"); s++) {
        int64_t from = (int64_t)off[s], until = (int64_t)off[s + 1], at = -1;
        double sum = 0, least = INFINITY, most = -INFINITY, squares = 0, n = fmax(off[s + 1] - off[s], 1);
        for (int64_t i = from; i < until; i++) {
            double x = kt(c, "X")[i];
            at = at < 0 || x > most ? i : at;
            sum += x;
            least = fmin(least, x);
            most = fmax(most, x);
        }
        for (int64_t i = from; i < until; i++) {
            double d = kt(c, "X")[i] - sum / n;
            squares += d * d;
        }
        kt(c, "Y")[s] = sum;
        kt(c, "Z")[s] = most + kt(c, "W")[s];
        kt(c, "W")[s] = least;
        kt(c, "A")[s] = (double)at;
        kt(c, "D")[s] = sum / n;
        kt(c, "E")[s] = squares / n;
    }
}
