/* References: maximum over windows, a stencil. See kernels.h. */
#include "tests/kernels/kernels.h"

#include <math.h>

/* Element of X[n, h, w, c], or `outside`. */
static double pixel(const kcase *c, int64_t n, int64_t i, int64_t j, int64_t a,
                    double outside) {
    int64_t h = kd(c, "H"), w = kd(c, "W");
    bool inside = i >= 0 && i < h && j >= 0 && j < w;
    return inside ? kt(c, "X")[((n * h + i) * w + j) * kd(c, "C") + a] : outside;
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
