/* References: points of a few elements side by side. See kernels.h. */
#include "tests/kernels/kernels.h"

#include <string.h>

/* X[y, x, c] of three channels, 0 outside. */
static double channel(const kcase *c, int64_t y, int64_t x, int64_t k) {
    int64_t h = kd(c, "H"), w = kd(c, "W");
    return y >= 0 && y < h && x >= 0 && x < w ? kt(c, "X")[(y * w + x) * 3 + k] : 0;
}

void ref_recolour(kcase *c) {
    const double *x = kt(c, "X");
    double *y = kt(c, "Y");
    for (int64_t i = 0; i < kn(c, "Z"); i++, x += 3, y += 3) {
        y[0] = x[2];
        y[1] = x[1] + x[0];
        y[2] = x[0] * kt(c, "M")[1];
        kt(c, "Z")[i] = x[0] + x[1] + x[2];
    }
}

void ref_channels(kcase *c) {
    int64_t w = kd(c, "W"), points = kd(c, "H") * w;
    for (int64_t i = 0; i < 3 * points; i++) {
        int64_t y = i / 3 / w, x = i / 3 % w, k = i % 3;
        kt(c, "Y")[i] = channel(c, y, x + 1, k) * kt(c, "M")[k] + channel(c, y, x - 2, 2) + channel(c, y - 1, x, 2 - k);
        kt(c, "P")[k * points + i / 3] = channel(c, y, x, k);
    }
}

void ref_quads(kcase *c) {
    for (int64_t i = 0; i < kd(c, "N"); i++) {
        const double *x = kt(c, "X") + 4 * i, *a = kt(c, "A") + 2 * i;
        double *v = kt(c, "V") + 3 * i, old[3];
        memcpy(old, v, sizeof old);
        for (int64_t k = 0; k < 4; k++) {
            kt(c, "Y")[4 * i + k] = x[3] + x[k];
            kt(c, "C")[4 * i + k] += k % 2 ? a[1] : 0;
        }
        for (int64_t k = 0; k < 3; k++) {
            v[k] = old[k] + old[2 - k] * a[0];
        }
        kt(c, "B")[2 * i] = a[1] + x[1];
        kt(c, "B")[2 * i + 1] = a[0] + kt(c, "S")[i];
    }
}

void ref_partly(kcase *c) {
    for (int64_t i = 0; i < kd(c, "N"); i++) {
        const double *x = kt(c, "X") + 3 * i;
        double *y = kt(c, "Y") + 3 * i, *z = kt(c, "Z") + 4 * i, *w = kt(c, "W") + 2 * i;
        y[0] = x[2];
        y[2] = x[0];
        z[0] = x[1];
        z[1] = x[0] > x[1] ? x[1] : z[1];
        z[2] = x[2];
        z[3] = x[0];
        w[0] = i % 2 == 0 ? x[0] : w[0];
        w[1] = x[1];
    }
}
