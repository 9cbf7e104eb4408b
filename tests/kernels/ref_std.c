/* References: the functions of std/, as f_std.dsl uses them. See kernels.h. */
#include "tests/kernels/kernels.h"

#include <math.h>

static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}

static double clamp01(double x) {
    return x < 0 ? 0 : x > 1 ? 1 : x;
}

void ref_activations(kcase *c) {
    double slope = tg_round_to(kdtype(c, "X"), 0.1), pi = acos(-1);
    for (int64_t i = 0; i < kd(c, "N"); i++) {
        double x = kt(c, "X")[i], *y = kt(c, "Y") + i * 10, cdf = 0.5 * erfc(-x / sqrt(2));
        y[0] = x > 0 ? x : 0;
        y[1] = x > 0 ? x : x * slope;
        y[2] = x > 0 ? x : expm1(x);
        y[3] = x * sigmoid(x);
        y[4] = x * tanh(log1p(exp(x)));
        y[5] = x * cdf;
        y[6] = 0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x * x * x)));
        y[7] = clamp01(x / 6 + 0.5);
        y[8] = x * clamp01(x / 6 + 0.5);
        y[9] = log(cdf / (1 - cdf)) + exp(-x * x / 2) / sqrt(2 * pi);
    }
}

static void row_of(kcase *c, int64_t i) {
    int64_t n = kd(c, "N");
    const double *x = kt(c, "X") + i * n;
    double top = -INFINITY, total = 0, mean = 0, variance = 0, square = 0;
    for (int64_t j = 0; j < n; j++) {
        top = fmax(top, x[j]);
        mean += x[j] / (double)n;
        square += x[j] * x[j] / (double)n;
    }
    for (int64_t j = 0; j < n; j++) {
        total += exp(x[j] - top);
        variance += (x[j] - mean) * (x[j] - mean) / (double)n;
    }
    for (int64_t j = 0; j < n; j++) {
        double *y = kt(c, "Y") + (i * n + j) * 5,
               normal = (x[j] - mean) / sqrt(variance + 1e-5);
        y[0] = exp(x[j] - top) / total;
        y[1] = x[j] - top - log(total);
        y[2] = normal;
        y[3] = normal * kt(c, "W")[j] + kt(c, "B")[j];
        y[4] = x[j] / sqrt(square + 1e-5) * kt(c, "W")[j];
    }
    kt(c, "S")[i * 2] = top + log(total);
    kt(c, "S")[i * 2 + 1] = n ? variance : NAN;
}

void ref_rows(kcase *c) {
    for (int64_t i = 0; i < kd(c, "M"); i++) {
        row_of(c, i);
    }
}

void ref_small(kcase *c) {
    for (int64_t i = 0; i < kd(c, "N"); i++) {
        double x = kt(c, "X")[i], y = kt(c, "Y")[i], a = hypot(x, y), b = (x + y) / 2;
        kt(c, "Z")[i] = a * a + b * b * b + a * acos(-1);
    }
}
