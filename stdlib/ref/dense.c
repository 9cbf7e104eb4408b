/* References: elementwise, softmax and the family of matrix products. See ref.h. */
#include "base/dtype.h"
#include "stdlib/ref/ref.h"

#include <math.h>

void ref_add(kcase *c) {
    const double *a = kt(c, "A"), *b = kt(c, "B");
    double *y = kt(c, "C");
    int64_t n = kd(c, "N") * kwidth(c, "C");
    for (int64_t i = 0; i < n; i++) {
        y[i] = a[i] + b[i];
    }
}

void ref_softmax(kcase *c) {
    int64_t m = kd(c, "M"), n = kd(c, "N");
    for (int64_t i = 0; i < m; i++) {
        const double *x = kt(c, "X") + i * n;
        double top = -INFINITY, total = 0;
        for (int64_t j = 0; j < n; j++) {
            top = fmax(top, x[j]);
        }
        for (int64_t j = 0; j < n; j++) {
            total += exp(x[j] - top);
        }
        for (int64_t j = 0; j < n; j++) {
            kt(c, "Y")[i * n + j] = exp(x[j] - top) / total;
        }
    }
}

static double product(const double *a, int64_t step_a, const double *b, int64_t step_b,
                      int64_t n) {
    double s = 0;
    for (int64_t k = 0; k < n; k++) {
        s += a[k * step_a] * b[k * step_b];
    }
    return s;
}

void ref_gemm(kcase *c) {
    int64_t m = kd(c, "M"), n = kd(c, "N"), k = kd(c, "K");
    const double *bias = kt(c, "bias");
    for (int64_t i = 0; i < m; i++) {
        for (int64_t j = 0; j < n; j++) {
            double v = product(kt(c, "A") + i * k, 1, kt(c, "B") + j, n, k) * kf(c, "alpha");
            v += bias ? bias[j] : 0;
            kt(c, "C")[i * n + j] = kb(c, "act") ? v * 0.5 * erfc(-v / sqrt(2)) : v;
        }
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

void ref_gemm_w4(kcase *c) {
    int64_t m = kd(c, "M"), n = kd(c, "N"), k = kd(c, "K"), groups = kd(c, "KG"),
            g = kd(c, "G");
    for (int64_t i = 0; i < m; i++) {
        for (int64_t j = 0; j < n; j++) {
            double v = 0;
            for (int64_t p = 0; p < k; p++) {
                int64_t at = j * groups + p / g;
                v += kt(c, "A")[i * k + p] * (kt(c, "W")[j * k + p] - kt(c, "Z")[at]) *
                     kt(c, "S")[at];
            }
            kt(c, "C")[i * n + j] = v;
        }
    }
}

/* Eight 4-bit numbers in each word, the first in the low bits. Words past the end of P read as zero. */
void ref_gemm_gptq(kcase *c) {
    int64_t m = kd(c, "M"), n = kd(c, "N"), k = kd(c, "K"), g = kd(c, "G");
    for (int64_t i = 0; i < m; i++) {
        for (int64_t j = 0; j < n; j++) {
            double v = 0;
            for (int64_t p = 0; p < k; p++) {
                uint32_t word = p / 8 < k / 8 ? (uint32_t)kt(c, "P")[p / 8 * n + j] : 0;
                int nibble = (int)(word >> (4 * (p % 8)) & 15u);
                v += kt(c, "A")[i * k + p] * (nibble - 8) * kt(c, "S")[p / g * n + j];
            }
            kt(c, "C")[i * n + j] = v;
        }
    }
}

void ref_gemm_mx(kcase *c) {
    int64_t m = kd(c, "M"), n = kd(c, "N"), k = kd(c, "K"), groups = k / 32;
    for (int64_t i = 0; i < m; i++) {
        for (int64_t j = 0; j < n; j++) {
            double v = 0;
            for (int64_t p = 0; p < k; p++) {
                v += kt(c, "A")[i * k + p] * kt(c, "SA")[i * groups + p / 32] *
                     kt(c, "B")[j * k + p] * kt(c, "SB")[j * groups + p / 32];
            }
            kt(c, "C")[i * n + j] = v;
        }
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
