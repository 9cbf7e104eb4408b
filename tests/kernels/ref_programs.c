/* References of tests/corpus/i_programs.dsl. See kernels.h. */
#include "tests/kernels/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int64_t inside(int64_t i, int64_t n) {
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

void ref_sobel(kcase *c) {
    static const double mask[3][3] = {{-1, 0, 1}, {-2, 0, 2}, {-1, 0, 1}};
    int64_t h = kd(c, "H"), w = kd(c, "W");
    for (int64_t p = 0; p < h * w; p++) {
        double gx = 0, gy = 0;
        for (int64_t t = 0; t < 9; t++) {
            double v = kt(c, "X")[inside(p / w + t / 3 - 1, h) * w + inside(p % w + t % 3 - 1, w)];
            gx += v * mask[t / 3][t % 3];
            gy += v * mask[t % 3][t / 3];
        }
        kt(c, "Y")[p] = fmin(255, fabs(gx) + fabs(gy));
    }
}

/* Element [d, h, w], 0 outside. */
static double cell(const kcase *c, const double *t, int64_t d, int64_t h, int64_t w) {
    bool in = d >= 0 && d < kd(c, "D") && h >= 0 && h < kd(c, "H") && w >= 0 && w < kd(c, "W");
    return in ? t[(d * kd(c, "H") + h) * kd(c, "W") + w] : 0;
}

void ref_heat(kcase *c) {
    int64_t n = kn(c, "V"), hs = kd(c, "H"), ws = kd(c, "W");
    size_t bytes = (size_t)n * sizeof(double);
    double *old = malloc(bytes + 1), *v = kt(c, "V");
    memcpy(v, kt(c, "U"), bytes);
    for (int64_t s = 0; s < kd(c, "steps"); s++) {
        memcpy(old, v, bytes);
        for (int64_t i = 0; i < n; i++) {
            int64_t d = i / (hs * ws), h = i / ws % hs, w = i % ws;
            double around = cell(c, old, d - 1, h, w) + cell(c, old, d + 1, h, w) + cell(c, old, d, h - 1, w) + cell(c, old, d, h + 1, w) +
                            cell(c, old, d, h, w - 1) + cell(c, old, d, h, w + 1);
            v[i] = old[i] + kf(c, "c") * (around - 6 * old[i]);
        }
    }
    free(old);
}

static double log_sum(double x, double y) {
    double most = fmax(x, y);
    return most == -INFINITY ? most : most + log(exp(x - most) + exp(y - most));
}

static double ctc_loss(const kcase *c, int64_t b) {
    int64_t n = 2 * kd(c, "U") + 1, v = kd(c, "V"), end = 2 * (int64_t)kt(c, "n_label")[b];
    const double *label = kt(c, "label") + b * kd(c, "U"), *p = kt(c, "P") + b * kd(c, "L") * v;
    double *a = malloc((size_t)n * sizeof *a);
    for (int64_t s = 0; s < n; s++) {
        a[s] = s == 0 ? 0 : -INFINITY;
    }
    for (int64_t t = 0; t < (int64_t)kt(c, "n_in")[b]; t++) {
        for (int64_t s = n - 1; s >= 0; s--) { /* from the end: a step reads what is before */
            double x = log_sum(a[s], s > 0 ? a[s - 1] : -INFINITY);
            bool skip = t > 0 && s > 2 && s % 2 == 1 && label[s / 2] != label[s / 2 - 1];
            x = skip ? log_sum(x, a[s - 2]) : x;
            a[s] = x + p[t * v + (s % 2 ? (int64_t)label[s / 2] : 0)];
        }
    }
    double loss = -log_sum(a[end], end > 0 ? a[end - 1] : -INFINITY);
    free(a);
    return loss;
}

void ref_ctc(kcase *c) {
    for (int64_t b = 0; b < kd(c, "B"); b++) {
        kt(c, "loss")[b] = ctc_loss(c, b);
    }
}

/* Element [n, y, x, c] of an image, 0 outside, times a weight. */
static double corner(const kcase *c, int64_t n, double y, double x, int64_t channel, double weight) {
    int64_t h = kd(c, "H"), w = kd(c, "W");
    bool in = y >= 0 && y < (double)h && x >= 0 && x < (double)w;
    return in ? weight * kt(c, "X")[((n * h + (int64_t)y) * w + (int64_t)x) * kd(c, "C") + channel] : 0;
}

static double between(const kcase *c, int64_t n, double y, double x, int64_t channel) {
    double y0 = floor(y), x0 = floor(x), fy = y - y0, fx = x - x0;
    return corner(c, n, y0, x0, channel, (1 - fy) * (1 - fx)) + corner(c, n, y0, x0 + 1, channel, (1 - fy) * fx) +
           corner(c, n, y0 + 1, x0, channel, fy * (1 - fx)) + corner(c, n, y0 + 1, x0 + 1, channel, fy * fx);
}

void ref_deform_conv(kcase *c) {
    int64_t h = kd(c, "H"), w = kd(c, "W"), k = kd(c, "K"), taps = kd(c, "R") * kd(c, "S"), cs = kd(c, "C");
    for (int64_t i = 0; i < kn(c, "Y"); i++) {
        int64_t at = i / k, n = at / (h * w), y = at / w % h, x = at % w;
        double sum = 0;
        for (int64_t t = 0; t < taps; t++) {
            const double *o = kt(c, "O") + (at * taps + t) * 2;
            double ty = (double)(y + t / kd(c, "S") - kd(c, "R") / 2) + o[0], tx = (double)(x + t % kd(c, "S") - kd(c, "S") / 2) + o[1];
            for (int64_t q = 0; q < cs; q++) {
                sum += between(c, n, ty, tx, q) * kt(c, "F")[(t * cs + q) * k + i % k];
            }
        }
        kt(c, "Y")[i] = sum;
    }
}

void ref_chunk_scan(kcase *c) {
    int64_t ls = kd(c, "L"), hs = kd(c, "H"), ps = kd(c, "P"), ns = kd(c, "N");
    for (int64_t i = 0; i < kd(c, "B") * hs * ps; i++) { /* one sequence */
        int64_t b = i / (hs * ps), h = i / ps % hs, p = i % ps;
        double *state = calloc((size_t)ns + 1, sizeof *state);
        for (int64_t t = b * ls; t < (b + 1) * ls; t++) {
            double dt = kt(c, "dt")[t * hs + h], sum = 0;
            for (int64_t n = 0; n < ns; n++) {
                state[n] = state[n] * exp(dt * kt(c, "A")[h]) + dt * kt(c, "X")[(t * hs + h) * ps + p] * kt(c, "Bm")[t * ns + n];
                sum += state[n] * kt(c, "Cm")[t * ns + n];
            }
            kt(c, "Y")[(t * hs + h) * ps + p] = sum;
        }
        free(state);
    }
}

void ref_crc32(kcase *c) {
    for (int64_t n = 0; n < kd(c, "N"); n++) {
        uint32_t crc = UINT32_MAX;
        for (int64_t l = 0; l < (int64_t)kt(c, "len")[n]; l++) {
            crc ^= (uint32_t)kt(c, "X")[n * kd(c, "L") + l];
            for (int bit = 0; bit < 8; bit++) {
                crc = crc & 1 ? 0xedb88320u ^ crc >> 1 : crc >> 1;
            }
        }
        kt(c, "Y")[n] = ~crc;
    }
}

void ref_search(kcase *c) {
    for (int64_t m = 0; m < kd(c, "M"); m++) {
        int64_t n = 0;
        while (n < kd(c, "N") && kt(c, "keys")[n] < kt(c, "X")[m]) {
            n++;
        }
        kt(c, "at")[m] = (double)n;
    }
}

void ref_nibbles(kcase *c) {
    int64_t n = kd(c, "K");
    const double *w = kt(c, "W"), *v = kt(c, "V");
    for (int64_t m = 0; m < kd(c, "M"); m++) {
        double sum = 0;
        for (int64_t k = m * n; k < (m + 1) * n; k++) {
            kt(c, "Y")[k] = w[k] + 100 * (k + 1 < (m + 1) * n ? v[k + 1] : 0);
            sum += w[k] * v[k];
        }
        kt(c, "total")[m] = sum;
    }
}
