/* References: the matrix products of kernels/matmul.dsl. See ref.h. */
#include "stdlib/ref/activate.h"
#include "stdlib/ref/ref.h"

#include <math.h>

double kproduct(const double *a, int64_t step_a, const double *b, int64_t step_b, int64_t n) {
    double s = 0;
    for (int64_t k = 0; k < n; k++) {
        s += a[k * step_a] * b[k * step_b];
    }
    return s;
}

/* One matrix: C = act(alpha A B + bias) + residual. */
static void multiply(const kcase *c, const double *a, const double *b, const double *residual,
                     double *out) {
    int64_t m = kd(c, "M"), n = kd(c, "N"), k = kd(c, "K");
    const double *bias = kt_if(c, "bias");
    for (int64_t i = 0; i < m * n; i++) {
        double v = kf_or(c, "alpha", 1) * kproduct(a + i / n * k, 1, b + i % n, n, k);
        v = ref_activate(v + (bias ? bias[i % n] : 0), kd_or(c, "act", 0), 0);
        out[i] = v + (residual ? residual[i] : 0);
    }
}

void ref_matmul(kcase *c) {
    multiply(c, kt(c, "A"), kt(c, "B"), kt(c, "residual"), kt(c, "C"));
}

void ref_matmul_batched(kcase *c) {
    int64_t m = kd(c, "M"), n = kd(c, "N"), k = kd(c, "K");
    const double *r = kt_if(c, "residual"), *b = kt(c, kname(c, "W", "B"));
    for (int64_t p = 0; p < kd(c, kname(c, "P", "B")); p++) {
        multiply(c, kt(c, "A") + p * m * k, b + p * k * n, r ? r + p * m * n : NULL,
                 kt(c, "C") + p * m * n);
    }
}

void ref_matvec(kcase *c) {
    int64_t k = kd(c, "K");
    const double *z = kt(c, "z");
    for (int64_t i = 0; i < kd(c, "M"); i++) {
        kt(c, "y")[i] = kf(c, "alpha") * kproduct(kt(c, "A") + i * k, 1, kt(c, "x"), 1, k) +
                        (z ? kf(c, "beta") * z[i] : 0);
    }
}

/* The first rows and the last belong to no group, one group is empty. */
void prepare_moe(kcase *c) {
    int64_t e = kd(c, "E");
    double *off = kt(c, "off");
    if (e > 0 && kd(c, "R") > 4) {
        off[0] = 1;
        off[e] -= 1;
        for (int64_t g = 1; g < e; g++) {
            off[g] = fmin(fmax(off[g], off[0]), off[e]);
        }
    }
}

void ref_matmul_grouped(kcase *c) {
    int64_t n = kd(c, "N"), k = kd(c, "K");
    const double *off = kt(c, "off"), *bias = kt_if(c, "bias");
    for (int64_t e = 0; e < kd(c, "E"); e++) {
        for (int64_t i = (int64_t)off[e] * n; i < (int64_t)off[e + 1] * n; i++) {
            double v = kproduct(kt(c, "X") + i / n * k, 1, kt(c, "W") + e * k * n + i % n, n, k);
            kt(c, "Y")[i] = ref_activate(v + (bias ? bias[e * n + i % n] : 0), kd_or(c, "act", 0), 0);
        }
    }
}

void ref_matmul_i8(kcase *c) {
    int64_t n = kd(c, "N"), k = kd(c, "K");
    const double *bias = kt_if(c, "bias");
    for (int64_t i = 0; i < kd(c, "M") * n; i++) {
        double v = kproduct(kt(c, "A") + i / n * k, 1, kt(c, "B") + i % n, n, k);
        v = v * kt(c, "sa")[i / n] * kt(c, "sb")[i % n] + (bias ? bias[i % n] : 0);
        kt(c, "C")[i] = ref_activate(v, kd_or(c, "act", 0), 0);
    }
}

/* A weight is rounded to the type of A, where the product takes it. */
void ref_matmul_w4(kcase *c) {
    int64_t n = kd(c, "N"), k = kd(c, "K"), groups = kd(c, "KG"), g = kd(c, "G");
    const double *bias = kt_if(c, "bias");
    for (int64_t i = 0; i < kd(c, "M") * n; i++) {
        int64_t j = i % n;
        double v = bias ? bias[j] : 0;
        for (int64_t p = 0; p < k; p++) {
            int64_t at = j * groups + p / g;
            v += kt(c, "A")[i / n * k + p] *
                 ((kt(c, "W")[j * k + p] - kt(c, "Z")[at]) * kt(c, "S")[at]);
        }
        kt(c, "C")[i] = ref_activate(v, kd_or(c, "act", 0), 0);
    }
}

/* Row block r of C: sum over its stored S by S blocks z of V[z] times rows col[z] S … of B; rows outside B are zero. */
void ref_block_sparse(kcase *c) {
    int64_t n = kd(c, "N"), k = kd(c, "K"), s = kd(c, "S");
    const double *row = kt(c, "row"), *col = kt(c, "col"), *v = kt(c, "V"), *b = kt(c, "B");
    for (int64_t i = 0; i < kd(c, "M"); i++) {
        for (int64_t j = 0; j < n; j++) {
            double sum = 0;
            for (int64_t z = (int64_t)row[i / s]; z < (int64_t)row[i / s + 1]; z++) {
                for (int64_t q = 0; q < s; q++) {
                    int64_t at = (int64_t)col[z] * s + q;
                    sum += at >= 0 && at < k ? v[(z * s + i % s) * s + q] * b[at * n + j] : 0;
                }
            }
            kt(c, "C")[i * n + j] = sum;
        }
    }
}
