/* References: Fourier transforms, by their definition in doubles with angles reduced in integers. See ref.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stdlib/ref/ref.h"

/* exp(2 pi i a / n) into two doubles */
static void unit(double *to, int64_t a, int64_t n) {
    double angle = 2 * acos(-1) * (double)((a % n + n) % n) / (double)n;
    to[0] = cos(angle);
    to[1] = sin(angle);
}

/* Entry i of a table of `entries`, real parts before imaginary ones. */
static void entry(double *table, int64_t entries, int64_t i, int64_t a, int64_t n) {
    double w[2];
    unit(w, a, n);
    table[i] = w[0];
    table[entries + i] = w[1];
}

static void multiply(double *to, const double *a, const double *b) {
    double re = a[0] * b[0] - a[1] * b[1];
    to[1] = a[0] * b[1] + a[1] * b[0];
    to[0] = re;
}

/* y[k] = sum of x[m] exp(sign 2 pi i m k / n); elements sx and sy complex numbers apart */
static void strided(const double *x, int64_t sx, double *y, int64_t sy, int64_t n, int64_t sign, double factor) {
    for (int64_t k = 0; k < n; k++) {
        double sum[2] = {0, 0};
        for (int64_t m = 0; m < n; m++) {
            double w[2];
            unit(w, sign * (m * k % n), n);
            multiply(w, w, x + 2 * m * sx);
            sum[0] += w[0];
            sum[1] += w[1];
        }
        y[2 * k * sy] = sum[0] * factor;
        y[2 * k * sy + 1] = sum[1] * factor;
    }
}

static void transform(const double *x, double *y, int64_t step, int64_t n, int64_t sign, double factor) {
    strided(x, step, y, step, n, sign, factor);
}

static double factor_of(const kcase *c, int64_t n) {
    return kb(c, "normalise") ? 1 / (double)n : 1;
}

/* ---- tables -------------------------------------------------------------------------------- */

/* Entry i of the table of a pass, factors themselves or cosines and tangents of those of levels of pairs. */
static void pass_entry(double *table, int64_t entries, int64_t i, int64_t radix, int64_t m, int64_t sign, double least) {
    int64_t k = i / m, p = i % m;
    if (least <= 0) {
        entry(table, entries, i, sign * (k + 1) * p, radix * m);
        return;
    }
    int64_t parts = k < 2 ? 2 * k + 2 : k < 4 ? 8 : 16, part = k < 2 ? 0 : k < 4 ? k - 2 : k - 4;
    entry(table, entries, i, sign * (radix / parts) * (p + part * m), radix * m);
    table[i] = fabs(table[i]) < 1e-15 ? least : table[i];
    table[entries + i] /= table[i];
}

/* F[p, q] of p < rows, q < columns: exp(sign 2 pi i step p q / n) */
static void turns(double *f, int64_t rows, int64_t columns, int64_t step, int64_t n) {
    for (int64_t i = 0; i < rows * columns; i++) {
        entry(f, rows * columns, i, step * (i / columns) * (i % columns), n);
    }
}

static void chirp(double *v, int64_t n, int64_t sign) {
    for (int64_t i = 0; i < n; i++) {
        unit(v + 2 * i, sign * (i * i % (2 * n)), 2 * n);
    }
}

void ref_fft_chirp(kcase *c) {
    chirp(kt(c, "W"), kd(c, "N"), kd(c, "sign"));
}

static void filter(const double *v, int64_t n, double *h, int64_t m) {
    for (int64_t i = 0; i < m; i++) {
        int64_t from = i < n ? i : m - i;
        bool inside = from < n;
        h[2 * i] = inside ? v[2 * from] / (double)m : 0;
        h[2 * i + 1] = inside ? -v[2 * from + 1] / (double)m : 0;
    }
}

void ref_fft_filter(kcase *c) {
    filter(kt(c, "V"), kd(c, "N"), kt(c, "H"), kd(c, "M"));
}

/* The radices of a length: odd ones first, of what is then a power of two 4 or 2 before eights, or, with `last` 24, 16 for two of 4; if the last one is 16, which takes a
 * length of 256 or more, 2, 4 or 16 before eights. */
static int64_t radix_of(int64_t left, bool ends_with_16, int64_t last) {
    static const int64_t odd[] = {13, 11, 7, 5, 3};
    for (int i = 0; i < 5; i++) {
        if (left % odd[i] == 0) {
            return odd[i];
        }
    }
    int64_t bits = 0;
    while (left % 2 == 0) {
        left /= 2;
        bits++;
    }
    if (left > 1 || bits < 4) {
        return left << bits;
    }
    static const int64_t before16[] = {16, 2, 4, 8, 16, 4, 8, 16, 16, 8, 16};
    int64_t first = bits % 3 == 1 && bits > 4 && last == 24 ? 16 : 4;
    return ends_with_16 ? before16[bits - 4] : bits % 3 == 0 ? 8 : first;
}

/* Cosines of 0 are as small as that. */
static const double LEAST = 0x1p-60;

static void factors_to(const kcase *c, const char *name, int64_t n, int64_t sign, int64_t last) {
    bool ends_with_16 = last == 16 && n % 16 == 0 && n >= 256;
    for (int64_t left = n; left > 1; left /= radix_of(left, ends_with_16, last)) {
        int64_t m = n / left, radix = radix_of(left, ends_with_16, last);
        for (int64_t i = 0; i < (radix - 1) * m; i++) {
            pass_entry(kt(c, name) + m - 1, n - 1, i, radix, m, sign, radix % 2 ? 0 : LEAST);
        }
    }
}

static void factors(const kcase *c, const char *name, int64_t n, int64_t sign) {
    factors_to(c, name, n, sign, kd(c, "last"));
}

/* ---- transforms ---------------------------------------------------------------------------- */

void prepare_fft(kcase *c) {
    factors(c, "W", kd(c, "N"), kd(c, "sign"));
}

static void rows_of(kcase *c, int64_t rows) {
    int64_t n = kd(c, "N");
    for (int64_t i = 0; i < rows; i++) {
        transform(kt(c, "X") + 2 * i * n, kt(c, "Y") + 2 * i * n, 1, n, kd(c, "sign"), factor_of(c, n));
    }
}

void ref_fft_lines(kcase *c) {
    rows_of(c, kd(c, "A") * kd(c, "C"));
}

/* Rows in groups of L. */
void ref_fft_beside(kcase *c) {
    rows_of(c, kd(c, "A") * kd(c, "C") * kd(c, "L"));
}

/* Along the middle of [A, N, columns], from one tensor to another or to itself. */
static void middle(kcase *c, const char *from, int64_t columns) {
    int64_t n = kd(c, "N"), all = kd(c, "A") * n * columns;
    double *x = calloc((size_t)(2 * all + 1), sizeof *x);
    memcpy(x, kt(c, from), (size_t)(2 * all) * sizeof *x);
    for (int64_t i = 0; i < kd(c, "A") * columns; i++) {
        int64_t at = 2 * (i / columns * n * columns + i % columns);
        transform(x + at, kt(c, "Y") + at, columns, n, kd(c, "sign"), factor_of(c, n));
    }
    free(x);
}

void ref_fft_columns(kcase *c) {
    middle(c, "X", kd(c, "C"));
}

void ref_fft_columns_in_place(kcase *c) {
    middle(c, "Y", kd(c, "C"));
}

/* Columns in groups of L. */
void ref_fft_groups(kcase *c) {
    middle(c, "X", kd(c, "L") * kd(c, "C"));
}

void ref_fft_groups_in_place(kcase *c) {
    middle(c, "Y", kd(c, "L") * kd(c, "C"));
}

void prepare_fft_planes(kcase *c) {
    factors(c, "WM", kd(c, "M"), kd(c, "sign"));
    factors(c, "WN", kd(c, "N"), kd(c, "sign"));
}

void ref_fft_planes(kcase *c) {
    int64_t m = kd(c, "M"), n = kd(c, "N");
    double *rows = calloc((size_t)(2 * m * n + 1), sizeof *rows);
    for (int64_t a = 0; a < kd(c, "A"); a++) {
        double *y = kt(c, "Y") + 2 * a * m * n;
        for (int64_t i = 0; i < m; i++) {
            transform(kt(c, "X") + 2 * (a * m + i) * n, rows + 2 * i * n, 1, n, kd(c, "sign"), 1);
        }
        for (int64_t j = 0; j < n; j++) {
            transform(rows + 2 * j, y + 2 * j, n, m, kd(c, "sign"), factor_of(c, m * n));
        }
    }
    free(rows);
}

void prepare_fft_split(kcase *c) {
    int64_t p = kd(c, "P"), q = kd(c, "Q"), l = kd(c, "L"), sign = kd(c, "sign");
    factors_to(c, "W", p, sign, 8);
    turns(kt(c, "FB"), kd(c, "QL"), kd(c, "PB"), l * sign, p * q);
    turns(kt(c, "FR"), kd(c, "QL"), l, sign, p * q);
}

/* Where number p of column q is in Z; `row` counts the matrices. */
static int64_t place(const kcase *c, int64_t row, int64_t p, int64_t q) {
    int64_t l = kd(c, "L");
    return 2 * (((row * kd(c, "PB") + p / l) * kd(c, "QL") + q) * l + p % l);
}

void ref_fft_split(kcase *c) {
    int64_t p = kd(c, "P"), q = kd(c, "Q"), columns = kd(c, "QL");
    double *y = calloc((size_t)p * 2 + 1, sizeof *y);
    for (int64_t i = 0; i < kd(c, "A") * kd(c, "C") * columns; i++) {
        int64_t row = i / columns, column = i % columns;
        memset(y, 0, (size_t)p * 2 * sizeof *y);
        if (column < q) { /* the others are zeros */
            strided(kt(c, "X") + 2 * (row * p * q + column), q, y, 1, p, kd(c, "sign"), 1);
        }
        for (int64_t k = 0; k < p; k++) {
            double w[2];
            unit(w, kd(c, "sign") * k * column, p * q);
            multiply(kt(c, "Z") + place(c, row, k, column), y + 2 * k, w);
        }
    }
    free(y);
}

void prepare_fft_join(kcase *c) {
    factors_to(c, "W", kd(c, "Q"), kd(c, "sign"), 8);
}

void ref_fft_join(kcase *c) {
    int64_t p = kd(c, "P"), q = kd(c, "Q");
    for (int64_t i = 0; i < kd(c, "A") * kd(c, "C") * p; i++) {
        strided(kt(c, "Z") + place(c, i / p, i % p, 0), kd(c, "L"), kt(c, "Y") + 2 * (i / p * p * q + i % p), p, q, kd(c, "sign"), factor_of(c, p * q));
    }
}

/* Forward: the chirp decides. */
void prepare_fft_bluestein(kcase *c) {
    int64_t n = kd(c, "N"), m = kd(c, "M");
    double *wrapped = calloc((size_t)m * 2 + 1, sizeof *wrapped);
    chirp(kt(c, "V"), n, -1);
    filter(kt(c, "V"), n, wrapped, m);
    transform(wrapped, kt(c, "H"), 1, m, -1, 1);
    factors(c, "WF", m, -1);
    factors(c, "WB", m, 1);
    free(wrapped);
}

void ref_fft_bluestein(kcase *c) {
    int64_t n = kd(c, "N"), rows = kd(c, "A") * kd(c, "C");
    for (int64_t i = 0; i < rows; i++) {
        transform(kt(c, "X") + 2 * i * n, kt(c, "Y") + 2 * i * n, 1, n, -1, factor_of(c, n));
    }
}

/* ---- Rader --------------------------------------------------------------------------------- */

static void powers(double *to, int64_t m, int64_t g, int64_t n) {
    int64_t power = 1;
    for (int64_t q = 0; q < m; q++, power = power * g % n) {
        to[q] = (double)power;
    }
}

void ref_fft_powers(kcase *c) {
    powers(kt(c, "P"), kd(c, "M"), kd(c, "g"), kd(c, "n"));
}

/* A g whose powers modulo n are all numbers from 1 to n - 1, the inverse of which is its power n - 2. */
static int64_t generator(int64_t n) {
    for (int64_t g = 1;; g++) {
        int64_t order = 1;
        for (int64_t power = g % n; power > 1; power = power * g % n) {
            order++;
        }
        if (order == n - 1) {
            return g;
        }
    }
}

static void rader_filter(const double *r, double *h, int64_t m, int64_t sign) {
    for (int64_t q = 0; q < m; q++) {
        unit(h + 2 * q, sign * (int64_t)r[q], m + 1);
        h[2 * q] /= (double)m;
        h[2 * q + 1] /= (double)m;
    }
}

/* Of the filter only the order, of the transform all that it reads. */
void prepare_fft_rader(kcase *c) {
    int64_t m = kd(c, "M"), n = m + 1, g = m ? generator(n) : 1, inverse = 1;
    for (int64_t i = 0; i + 1 < m; i++) {
        inverse = inverse * g % n;
    }
    powers(kt(c, "R"), m, inverse, n);
    if (kd_or(c, "NW", -1) < 0) {
        return;
    }
    double *before = calloc((size_t)m * 2 + 1, sizeof *before);
    powers(kt(c, "P"), m, g, n);
    rader_filter(kt(c, "R"), before, m, -1);
    transform(before, kt(c, "H"), 1, m, -1, 1);
    factors(c, "WF", m, -1);
    factors(c, "WB", m, 1);
    free(before);
}

void ref_fft_rader_filter(kcase *c) {
    rader_filter(kt(c, "R"), kt(c, "H"), kd(c, "M"), kd(c, "sign"));
}

/* ---- real rows ----------------------------------------------------------------------------- */

static void half_turns(kcase *c, int64_t sign) {
    int64_t h = kd(c, "H");
    for (int64_t k = 0; k < h; k++) {
        entry(kt(c, "V"), h, k, sign * k, 2 * h);
    }
}

void prepare_fft_r2c(kcase *c) {
    factors(c, "W", kd(c, "H"), -1);
    half_turns(c, -1);
}

void prepare_fft_c2r(kcase *c) {
    factors(c, "W", kd(c, "H"), 1);
    half_turns(c, 1);
}

void prepare_fft_untangle(kcase *c) {
    half_turns(c, -1);
}

void prepare_fft_tangle(kcase *c) {
    half_turns(c, 1);
}

void ref_fft_r2c(kcase *c) {
    int64_t h = kd(c, "H"), n = 2 * h;
    double *x = calloc((size_t)n * 2 + 1, sizeof *x), *y = calloc((size_t)n * 2 + 1, sizeof *y);
    for (int64_t i = 0; i < kd(c, "A") * kd(c, "C"); i++) {
        for (int64_t k = 0; k < n; k++) {
            x[2 * k] = kt(c, "Z")[i * n + k];
            x[2 * k + 1] = 0;
        }
        transform(x, y, 1, n, -1, factor_of(c, n));
        memcpy(kt(c, "Y") + 2 * i * (h + 1), y, (size_t)(2 * h + 2) * sizeof *y);
    }
    free(x);
    free(y);
}

void ref_fft_c2r(kcase *c) {
    int64_t h = kd(c, "H"), n = 2 * h;
    double *x = calloc((size_t)n * 2 + 1, sizeof *x), *y = calloc((size_t)n * 2 + 1, sizeof *y);
    for (int64_t i = 0; i < kd(c, "A") * kd(c, "C"); i++) {
        const double *from = kt(c, "X") + 2 * i * (h + 1);
        for (int64_t k = 0; k < n; k++) {
            int64_t at = k <= h ? k : n - k;
            x[2 * k] = from[2 * at];
            x[2 * k + 1] = k % h == 0 ? 0 : k < h ? from[2 * at + 1] : -from[2 * at + 1];
        }
        transform(x, y, 1, n, 1, factor_of(c, n));
        for (int64_t k = 0; k < n; k++) {
            kt(c, "Z")[i * n + k] = y[2 * k];
        }
    }
    free(x);
    free(y);
}

void ref_fft_untangle(kcase *c) {
    int64_t h = kd(c, "H");
    for (int64_t i = 0; i < kd(c, "A") * kd(c, "C") * (h + 1); i++) {
        int64_t k = i % (h + 1);
        const double *z = kt(c, "Z") + 2 * (i / (h + 1) * h), *p = z + 2 * (k % h), *q = z + 2 * ((h - k) % h);
        double w[2], d[2] = {p[0] - q[0], p[1] + q[1]}, f = 0.5 * factor_of(c, 2 * h);
        unit(w, -k, 2 * h);
        multiply(d, d, w);
        kt(c, "Y")[2 * i] = (p[0] + q[0] + d[1]) * f;
        kt(c, "Y")[2 * i + 1] = (p[1] - q[1] - d[0]) * f;
    }
}

void ref_fft_tangle(kcase *c) {
    int64_t h = kd(c, "H");
    for (int64_t i = 0; i < kd(c, "A") * kd(c, "C") * h; i++) {
        int64_t k = i % h;
        const double *x = kt(c, "X") + 2 * (i / h * (h + 1)), *p = x + 2 * k, *q = x + 2 * (h - k);
        double w[2], f = kb(c, "halve") ? 0.5 : 1, im = k ? 1 : 0;
        double d[2] = {p[0] - q[0], (p[1] + q[1]) * im};
        unit(w, k, 2 * h);
        multiply(d, d, w);
        kt(c, "Z")[2 * i] = (p[0] + q[0] - d[1]) * f;
        kt(c, "Z")[2 * i + 1] = ((p[1] - q[1]) * im + d[0]) * f;
    }
}

/* ---- steps --------------------------------------------------------------------------------- */

void ref_fft_chirp_in(kcase *c) {
    int64_t n = kd(c, "N"), m = kd(c, "M");
    for (int64_t i = 0; i < kd(c, "A") * kd(c, "C") * m; i++) {
        double zero[2] = {0, 0};
        int64_t k = i % m;
        multiply(kt(c, "Y") + 2 * i, k < n ? kt(c, "X") + 2 * (i / m * n + k) : zero,
                 k < n ? kt(c, "V") + 2 * k : zero);
    }
}

void ref_fft_multiply(kcase *c) {
    for (int64_t i = 0; i < kn(c, "X"); i++) {
        multiply(kt(c, "Y") + 2 * i, kt(c, "X") + 2 * i, kt(c, "H") + 2 * i);
    }
}

void ref_fft_chirp_out(kcase *c) {
    int64_t n = kd(c, "N"), m = kd(c, "M");
    for (int64_t i = 0; i < kd(c, "A") * kd(c, "C") * n; i++) {
        double v[2] = {kt(c, "V")[2 * (i % n)] * factor_of(c, n),
                       kt(c, "V")[2 * (i % n) + 1] * factor_of(c, n)};
        multiply(kt(c, "Y") + 2 * i, kt(c, "X") + 2 * (i / n * m + i % n), v);
    }
}

void ref_fft_widen(kcase *c) {
    for (int64_t i = 0; i < kn(c, "X"); i++) {
        kt(c, "Y")[2 * i] = kt(c, "X")[i];
        kt(c, "Y")[2 * i + 1] = 0;
    }
}

void ref_fft_real(kcase *c) {
    for (int64_t i = 0; i < kn(c, "X"); i++) {
        kt(c, "Y")[i] = kt(c, "X")[2 * i];
    }
}

void ref_fft_head(kcase *c) {
    int64_t n = kd(c, "N"), k = kd(c, "K");
    for (int64_t i = 0; i < kd(c, "A") * kd(c, "C"); i++) {
        memcpy(kt(c, "Y") + 2 * i * k, kt(c, "X") + 2 * i * n,
               (size_t)(2 * k) * sizeof(double));
    }
}

void ref_fft_mirror(kcase *c) {
    int64_t n = kd(c, "N"), k = kd(c, "K");
    for (int64_t i = 0; i < kd(c, "A") * kd(c, "C") * n; i++) {
        int64_t at = i % n < k ? i % n : n - i % n;
        kt(c, "Y")[2 * i] = kt(c, "X")[2 * (i / n * k + at)];
        kt(c, "Y")[2 * i + 1] = (i % n < k ? 1 : -1) * kt(c, "X")[2 * (i / n * k + at) + 1];
    }
}

/* ---- convolutions -------------------------------------------------------------------------- */

void ref_fft_fill(kcase *c) {
    int64_t n = kd(c, "N"), m = kd(c, "M"), width = kwidth(c, "X");
    double *x = kt(c, "X"), *y = kt(c, "Y");
    for (int64_t i = 0; i < kd(c, "A") * kd(c, "C") * m; i++) {
        int64_t at = i % m, end = at - m + n;
        int64_t from[] = {at - kd(c, "from"), at < n + kd(c, "after") ? at - n : -1, at >= m - kd(c, "before") ? end : -1};
        for (int64_t w = 0; w < width; w++) {
            y[width * i + w] = 0;
            for (int k = 0; k < 3; k++) {
                y[width * i + w] += from[k] >= 0 && from[k] < n ? x[width * (i / m * n + from[k]) + w] : 0;
            }
        }
    }
}

void ref_fft_respond(kcase *c) {
    for (int64_t i = 0; i < kn(c, "Z"); i++) {
        kt(c, "G")[2 * i] = kt(c, "Z")[2 * i] / (double)kd(c, "M");
        kt(c, "G")[2 * i + 1] = (kb(c, "correlate") ? -1 : 1) * kt(c, "Z")[2 * i + 1] / (double)kd(c, "M");
    }
}

/* From the response of the filter itself: F its transform and E[h] = conj(F[H - h]), G[0] = F + E - (F - E) sin, G[1] = i (F - E) cos. */
static void respond_real(kcase *c, const double *z, double *g, int64_t k) {
    int64_t h = kd(c, "H");
    const double *p = z + 2 * k, *r = z + 2 * ((h - k) % h);
    double s[2] = {p[0] + r[0], p[1] - r[1]}, d[2] = {p[0] - r[0], p[1] + r[1]}, turn[2], by = 0.5 / (double)h;
    unit(turn, -k, 2 * h);
    multiply(d, d, turn);
    double minus[2] = {d[1], -d[0]}, sign = kb(c, "correlate") ? -1 : 1; /* F - E = -i V d */
    g[2 * k] = (s[0] + minus[0] * turn[1]) * by;
    g[2 * k + 1] = sign * (s[1] + minus[1] * turn[1]) * by;
    g[2 * (h + k)] = -sign * minus[1] * turn[0] * by;
    g[2 * (h + k) + 1] = minus[0] * turn[0] * by;
}

void ref_fft_respond_real(kcase *c) {
    int64_t h = kd(c, "H");
    for (int64_t i = 0; i < kd(c, "A") * kd(c, "C"); i++) {
        for (int64_t k = 0; k < h; k++) {
            respond_real(c, kt(c, "Z") + 2 * i * h, kt(c, "G") + 4 * i * h, k);
        }
    }
}

static void blend(const double *z, const double *g, double *y, int64_t h) {
    for (int64_t k = 0; k < h; k++) {
        const double *r = z + 2 * ((h - k) % h);
        double back[2] = {r[0], -r[1]};
        multiply(back, back, g + 2 * (h + k));
        multiply(y + 2 * k, z + 2 * k, g + 2 * k);
        y[2 * k] += back[0];
        y[2 * k + 1] += back[1];
    }
}

void ref_fft_blend(kcase *c) {
    int64_t h = kd(c, "H");
    for (int64_t i = 0; i < kd(c, "A") * kd(c, "C"); i++) {
        blend(kt(c, "Z") + 2 * i * h, kt(c, "G") + 4 * i * h, kt(c, "Y") + 2 * i * h, h);
    }
}

static void prepare_both(kcase *c, int64_t m) {
    factors(c, "WF", m, -1);
    factors(c, "WB", m, 1);
}

void prepare_fft_convolve(kcase *c) {
    prepare_both(c, kd(c, "M"));
}

void prepare_fft_convolve_real(kcase *c) {
    prepare_both(c, kd(c, "H"));
}

/* The first l of the backward transform of the product of row i. */
static void convolve(kcase *c, int64_t i, int64_t m, bool real) {
    int64_t n = kd(c, "N"), l = kd(c, "L");
    double *x = calloc((size_t)m * 6, sizeof *x), *z = x + 2 * m, *y = z + 2 * m;
    memcpy(x, kt(c, "X") + 2 * i * n, (size_t)(2 * n) * sizeof *x);
    transform(x, z, 1, m, -1, 1);
    for (int64_t k = 0; k < m && !real; k++) {
        multiply(y + 2 * k, z + 2 * k, kt(c, "G") + 2 * (i * m + k));
    }
    if (real) {
        blend(z, kt(c, "G") + 4 * i * m, y, m);
    }
    transform(y, z, 1, m, 1, 1);
    memcpy(kt(c, "Y") + 2 * i * l, z, (size_t)(2 * l) * sizeof *z);
    free(x);
}

void ref_fft_convolve(kcase *c) {
    for (int64_t i = 0; i < kd(c, "A") * kd(c, "C"); i++) {
        convolve(c, i, kd(c, "M"), false);
    }
}

void ref_fft_convolve_real(kcase *c) {
    for (int64_t i = 0; i < kd(c, "A") * kd(c, "C"); i++) {
        convolve(c, i, kd(c, "H"), true);
    }
}
