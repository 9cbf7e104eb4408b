/* References: Fourier transforms, prefix sums, recurrences, sorting. See kernels.h. */
#include "tests/kernels/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* y[k] = sum x[m] exp(sign 2 pi i m k / n), n complex numbers. */
static void transform(const double *x, double *y, int64_t n, int64_t sign) {
    for (int64_t k = 0; k < n; k++) {
        double re = 0, im = 0;
        for (int64_t m = 0; m < n; m++) {
            double angle = 2 * acos(-1) * (double)(sign * (m * k % n)) / (double)n;
            re += x[2 * m] * cos(angle) - x[2 * m + 1] * sin(angle);
            im += x[2 * m] * sin(angle) + x[2 * m + 1] * cos(angle);
        }
        y[2 * k] = re;
        y[2 * k + 1] = im;
    }
}

void ref_fft(kcase *c) {
    int64_t n = kd(c, "N");
    for (int64_t b = 0; b < kd(c, "B"); b++) {
        transform(kt(c, "X") + 2 * b * n, kt(c, "Y") + 2 * b * n, n, kd(c, "sign"));
    }
}

/* Forward in Y, and where the kernel has a Z, backward with the factor 1 / N in Z. */
void ref_fft_rows(kcase *c) {
    int64_t n = kd(c, "N");
    bool both = c->kernel->signature->n_params == 3;
    for (int64_t b = 0; b < kd(c, "B"); b++) {
        const double *x = kt(c, "X") + 2 * b * n;
        transform(x, kt(c, "Y") + 2 * b * n, n, -1);
        if (both) {
            double *z = kt(c, "Z") + 2 * b * n;
            transform(x, z, n, 1);
            for (int64_t i = 0; i < 2 * n; i++) {
                z[i] /= (double)n;
            }
        }
    }
}

/* Z is the transform of x[2 m] + i x[2 m + 1]; the answer are the first H + 1 numbers of the transform of the 2 H real
 * numbers x. */
void ref_rfft_post(kcase *c) {
    int64_t h = kd(c, "H");
    double *packed = calloc((size_t)h * 2 + 1, sizeof *packed),
           *real = calloc((size_t)h * 4 + 1, sizeof *real);
    double *all = calloc((size_t)h * 4 + 4, sizeof *all);
    for (int64_t b = 0; b < kd(c, "B"); b++) {
        transform(kt(c, "Z") + 2 * b * h, packed, h, 1);
        for (int64_t i = 0; i < 2 * h; i++) {
            real[2 * i] = packed[i] / (double)h;
        }
        transform(real, all, 2 * h, -1);
        for (int64_t i = 0; i < 2 * (h + 1); i++) {
            kt(c, "Y")[2 * b * (h + 1) + i] = h ? all[i] : 0;
        }
    }
    free(packed);
    free(real);
    free(all);
}

void ref_cumsum(kcase *c) {
    int64_t n = kd(c, "N");
    for (int64_t at = 0; at < kd(c, "M") * n; at++) {
        kt(c, "Y")[at] = kt(c, "X")[at] + (at % n ? kt(c, "Y")[at - 1] : 0);
    }
}

void prepare_segmented(kcase *c) {
    for (int64_t i = 0; i < kd(c, "N"); i++) {
        kt(c, "head")[i] = krandom(c, 0, 1) < 0.15;
    }
}

void ref_segmented_scan(kcase *c) {
    double s = 0;
    for (int64_t i = 0; i < kd(c, "N"); i++) {
        s = kt(c, "head")[i] != 0 ? kt(c, "X")[i] : s + kt(c, "X")[i];
        kt(c, "Y")[i] = s;
    }
}

/* h(t) = exp(step A) h(t - 1) + step B x, y = C h + skip x, step = log(1 + exp(dt)). */
void ref_mamba(kcase *c) {
    int64_t l = kd(c, "L"), d = kd(c, "D"), n = kd(c, "N");
    for (int64_t at = 0; at < kd(c, "B") * d; at++) {
        int64_t b = at / d, i = at % d;
        double h[64] = {0};
        for (int64_t t = 0; t < l; t++) {
            int64_t row = b * l + t;
            double x = kt(c, "X")[row * d + i], step = log1p(exp(kt(c, "dt")[row * d + i])),
                   y = 0;
            for (int64_t s = 0; s < n; s++) {
                h[s] = exp(step * kt(c, "A")[i * n + s]) * h[s] +
                       step * kt(c, "Bm")[row * n + s] * x;
                y += h[s] * kt(c, "Cm")[row * n + s];
            }
            kt(c, "Y")[row * d + i] = y + kt(c, "skip")[i] * x;
        }
    }
}

/* O(t) = sum over u <= t of decay^(t - u) (Q(t) K(u)) V(u). */
void ref_linear_attention(kcase *c) {
    int64_t l = kd(c, "L"), d = kd(c, "D"), e = kd(c, "E");
    for (int64_t at = 0; at < kd(c, "B") * kd(c, "H"); at++) {
        for (int64_t t = 0; t < l; t++) {
            double *o = kt(c, "O") + (at * l + t) * e;
            memset(o, 0, (size_t)e * sizeof *o);
            for (int64_t u = 0; u <= t; u++) {
                double w =
                    kproduct(kt(c, "Q") + (at * l + t) * d, 1, kt(c, "K") + (at * l + u) * d, 1, d);
                w *= pow(kt(c, "decay")[at % kd(c, "H")], (double)(t - u));
                for (int64_t x = 0; x < e; x++) {
                    o[x] += w * kt(c, "V")[(at * l + u) * e + x];
                }
            }
        }
    }
}
