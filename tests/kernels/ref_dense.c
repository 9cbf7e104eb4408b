/* References: addition and the matrix products that the library lacks. See kernels.h. */
#include "tests/kernels/kernels.h"

#include <math.h>

void ref_add(kcase *c) {
    const double *a = kt(c, "A"), *b = kt(c, "B");
    double *y = kt(c, "C");
    int64_t n = kd(c, "N") * kwidth(c, "C");
    for (int64_t i = 0; i < n; i++) {
        y[i] = a[i] + b[i];
    }
}

void ref_gemm(kcase *c) {
    int64_t m = kd(c, "M"), n = kd(c, "N"), k = kd(c, "K");
    const double *bias = kt(c, "bias");
    for (int64_t i = 0; i < m; i++) {
        for (int64_t j = 0; j < n; j++) {
            double v = kproduct(kt(c, "A") + i * k, 1, kt(c, "B") + j, n, k) * kf(c, "alpha");
            v += bias ? bias[j] : 0;
            kt(c, "C")[i * n + j] = kb(c, "act") ? v * 0.5 * erfc(-v / sqrt(2)) : v;
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
