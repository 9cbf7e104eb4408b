/* References: softmax, its logarithm, cross-entropy and their gradients. See ref.h. */
#include "stdlib/ref/ref.h"

#include <math.h>

static double log_sum_exp(const double *x, int64_t n) {
    double top = -INFINITY, s = 0;
    for (int64_t i = 0; i < n; i++) {
        top = fmax(top, x[i]);
    }
    for (int64_t i = 0; i < n; i++) {
        s += exp(x[i] - top);
    }
    return top + log(s);
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

void ref_log_softmax(kcase *c) {
    int64_t n = kd(c, "N");
    for (int64_t i = 0; i < kd(c, "M"); i++) {
        const double *x = kt(c, "X") + i * n;
        double z = log_sum_exp(x, n);
        for (int64_t j = 0; j < n; j++) {
            kt(c, "Y")[i * n + j] = x[j] - z;
        }
    }
}

/* dX_j = sum_k dY_k dY_k/dX_j with the Jacobian Y_k (1[j = k] - Y_j). */
void ref_softmax_bwd(kcase *c) {
    int64_t n = kd(c, "N");
    for (int64_t at = 0; at < kd(c, "M") * n; at++) {
        const double *y = kt(c, "Y") + at / n * n, *dy = kt(c, "dY") + at / n * n;
        double s = 0;
        for (int64_t k = 0; k < n; k++) {
            s += dy[k] * y[k] * ((k == at % n) - y[at % n]);
        }
        kt(c, "dX")[at] = s;
    }
}

/* The Jacobian is 1[j = k] - exp(Y_j). */
void ref_log_softmax_bwd(kcase *c) {
    int64_t n = kd(c, "N");
    for (int64_t at = 0; at < kd(c, "M") * n; at++) {
        const double *dy = kt(c, "dY") + at / n * n;
        double s = 0;
        for (int64_t k = 0; k < n; k++) {
            s += dy[k] * ((k == at % n) - exp(kt(c, "Y")[at]));
        }
        kt(c, "dX")[at] = s;
    }
}

static bool is_known(const kcase *c, int64_t i) {
    return kt(c, "label")[i] >= 0 && kt(c, "label")[i] < (double)kd(c, "V");
}

void ref_cross_entropy(kcase *c) {
    int64_t v = kd(c, "V");
    for (int64_t i = 0; i < kd(c, "M"); i++) {
        const double *x = kt(c, "X") + i * v;
        double z = log_sum_exp(x, v);
        kt(c, "lse")[i] = z;
        kt(c, "loss")[i] = is_known(c, i) ? z - x[(int64_t)kt(c, "label")[i]] : 0;
    }
}

/* The corpus's kernel, with `dL`, ignores no label. */
void ref_cross_entropy_bwd(kcase *c) {
    int64_t v = kd(c, "V");
    const double *dloss = kt(c, kname(c, "dloss", "dL"));
    bool ignores = khas(c, "dloss");
    for (int64_t at = 0; at < kd(c, "M") * v; at++) {
        int64_t i = at / v;
        double p = exp(kt(c, "X")[at] - kt(c, "lse")[i]),
               hot = kt(c, "label")[i] == (double)(at % v);
        kt(c, "dX")[at] = ignores && !is_known(c, i) ? 0 : (p - hot) * dloss[i];
    }
}
