/* References: convolutions, pooling, a stencil. Positions outside an image are zero. See ref.h. */
#include "stdlib/ref/ref.h"

#include <math.h>
#include <string.h>

typedef struct conv {
    int64_t n, h, w, c, p, q, k, r, s, stride, pad, dil;
} conv;

static conv sizes(const kcase *c) {
    conv v = {kd(c, "N"), kd(c, "H"), kd(c, "W"), kd(c, "C"),      kd(c, "P"),   kd(c, "Q"),
              kd(c, "K"), kd(c, "R"), kd(c, "S"), kd(c, "stride"), kd(c, "pad"), kd(c, "dil")};
    return v;
}

typedef void (*tap_fn)(kcase *c, const conv *v, int64_t x, int64_t f, int64_t y);

/* All (image position, filter position, output position) that meet: elements x, f and y without their channels. */
static void each_tap(kcase *c, tap_fn fn) {
    conv v = sizes(c);
    for (int64_t y = 0; y < v.n * v.p * v.q; y++) {
        int64_t q = y % v.q, p = y / v.q % v.p, n = y / v.q / v.p;
        for (int64_t f = 0; f < v.r * v.s; f++) {
            int64_t i = p * v.stride + f / v.s * v.dil - v.pad,
                    j = q * v.stride + f % v.s * v.dil - v.pad;
            if (i >= 0 && i < v.h && j >= 0 && j < v.w) {
                fn(c, &v, (n * v.h + i) * v.w + j, f, y);
            }
        }
    }
}

static void forward(kcase *c, const conv *v, int64_t x, int64_t f, int64_t y) {
    for (int64_t a = 0; a < v->c; a++) {
        for (int64_t k = 0; k < v->k; k++) {
            kt(c, "Y")[y * v->k + k] +=
                kt(c, "X")[x * v->c + a] * kt(c, "F")[(f * v->c + a) * v->k + k];
        }
    }
}

static void to_image(kcase *c, const conv *v, int64_t x, int64_t f, int64_t y) {
    for (int64_t a = 0; a < v->c; a++) {
        for (int64_t k = 0; k < v->k; k++) {
            kt(c, "dX")[x * v->c + a] +=
                kt(c, "dY")[y * v->k + k] * kt(c, "F")[(f * v->c + a) * v->k + k];
        }
    }
}

static void to_filter(kcase *c, const conv *v, int64_t x, int64_t f, int64_t y) {
    for (int64_t a = 0; a < v->c; a++) {
        for (int64_t k = 0; k < v->k; k++) {
            kt(c, "dF")[(f * v->c + a) * v->k + k] +=
                kt(c, "dY")[y * v->k + k] * kt(c, "X")[x * v->c + a];
        }
    }
}

static void clear(kcase *c, const char *name) {
    memset(kt(c, name), 0, (size_t)kn(c, name) * sizeof(double));
}

void ref_conv2d(kcase *c) {
    clear(c, "Y");
    each_tap(c, forward);
}

void ref_conv2d_dgrad(kcase *c) {
    clear(c, "dX");
    each_tap(c, to_image);
}

void ref_conv2d_wgrad(kcase *c) {
    clear(c, "dF");
    each_tap(c, to_filter);
}

/* Element of X[n, h, w, c], or `outside`. */
static double pixel(const kcase *c, int64_t n, int64_t i, int64_t j, int64_t a,
                    double outside) {
    int64_t h = kd(c, "H"), w = kd(c, "W");
    bool inside = i >= 0 && i < h && j >= 0 && j < w;
    return inside ? kt(c, "X")[((n * h + i) * w + j) * kd(c, "C") + a] : outside;
}

void ref_depthwise(kcase *c) {
    int64_t ch = kd(c, "C"), r = kd(c, "R"), s = kd(c, "S"), p = kd(c, "P"), q = kd(c, "Q");
    for (int64_t at = 0; at < kn(c, "Y"); at++) {
        int64_t a = at % ch, x = at / ch % q, y = at / ch / q % p, n = at / ch / q / p;
        double v = 0;
        for (int64_t f = 0; f < r * s; f++) {
            int64_t i = y * kd(c, "stride") + f / s - kd(c, "pad"),
                    j = x * kd(c, "stride") + f % s - kd(c, "pad");
            v += pixel(c, n, i, j, a, 0) * kt(c, "F")[f * ch + a];
        }
        kt(c, "Y")[at] = v;
    }
}

void ref_maxpool(kcase *c) {
    int64_t ch = kd(c, "C"), r = kd(c, "R"), p = kd(c, "P"), q = kd(c, "Q");
    for (int64_t at = 0; at < kn(c, "Y"); at++) {
        int64_t a = at % ch, x = at / ch % q, y = at / ch / q % p, n = at / ch / q / p,
                best = 0;
        double top = -INFINITY;
        for (int64_t f = 0; f < r * r; f++) {
            double v = pixel(c, n, y * kd(c, "stride") + f / r, x * kd(c, "stride") + f % r, a,
                             -INFINITY);
            best = v > top ? f : best;
            top = fmax(top, v);
        }
        kt(c, "Y")[at] = top;
        kt(c, "A")[at] = (double)best;
    }
}

static double cell(const kcase *c, int64_t x, int64_t y, int64_t z) {
    int64_t nx = kd(c, "X"), ny = kd(c, "Y"), nz = kd(c, "Z");
    bool inside = x >= 0 && x < nx && y >= 0 && y < ny && z >= 0 && z < nz;
    return inside ? kt(c, "U")[(x * ny + y) * nz + z] : 0;
}

void ref_stencil7(kcase *c) {
    int64_t ny = kd(c, "Y"), nz = kd(c, "Z");
    for (int64_t at = 0; at < kn(c, "V"); at++) {
        int64_t z = at % nz, y = at / nz % ny, x = at / nz / ny;
        double around = cell(c, x - 1, y, z) + cell(c, x + 1, y, z) + cell(c, x, y - 1, z) +
                        cell(c, x, y + 1, z) + cell(c, x, y, z - 1) + cell(c, x, y, z + 1);
        kt(c, "V")[at] = kf(c, "c0") * cell(c, x, y, z) + kf(c, "c1") * around;
    }
}
