/* References: normalisations, losses, embeddings, rotary positions, AdamW. See ref.h. */
#include <math.h>
#include <string.h>

#include "stdlib/ref/ref.h"

static double mean_of(const double *x, int64_t step, int64_t n) {
    double s = 0;
    for (int64_t i = 0; i < n; i++) {
        s += x[i * step];
    }
    return s / (double)n;
}

static double variance_of(const double *x, int64_t step, int64_t n) {
    double m = mean_of(x, step, n), s = 0;
    for (int64_t i = 0; i < n; i++) {
        s += (x[i * step] - m) * (x[i * step] - m);
    }
    return s / (double)n;
}

void ref_layer_norm(kcase *c) {
    int64_t n = kd(c, "N");
    for (int64_t i = 0; i < kd(c, "M"); i++) {
        const double *x = kt(c, "X") + i * n;
        double m = mean_of(x, 1, n), r = 1 / sqrt(variance_of(x, 1, n) + kf(c, "eps"));
        for (int64_t j = 0; j < n; j++) {
            kt(c, "Y")[i * n + j] = (x[j] - m) * r * kt(c, "W")[j] + kt(c, "Bi")[j];
        }
        kt(c, "mean")[i] = m;
        kt(c, "rstd")[i] = r;
    }
}

/* dX is the gradient through h = (x - mean) rstd: the part of g = dY W along 1 and along h is projected out. */
void ref_layer_norm_bwd(kcase *c) {
    int64_t m = kd(c, "M"), n = kd(c, "N");
    memset(kt(c, "dW"), 0, (size_t)n * sizeof(double));
    memset(kt(c, "dB"), 0, (size_t)n * sizeof(double));
    for (int64_t i = 0; i < m; i++) {
        const double *x = kt(c, "X") + i * n, *dy = kt(c, "dY") + i * n;
        double mu = kt(c, "mean")[i], r = kt(c, "rstd")[i], along_one = 0, along_h = 0;
        for (int64_t j = 0; j < n; j++) {
            double h = (x[j] - mu) * r, g = dy[j] * kt(c, "W")[j];
            along_one += g / (double)n;
            along_h += g * h / (double)n;
            kt(c, "dW")[j] += dy[j] * h;
            kt(c, "dB")[j] += dy[j];
        }
        for (int64_t j = 0; j < n; j++) {
            double h = (x[j] - mu) * r, g = dy[j] * kt(c, "W")[j];
            kt(c, "dX")[i * n + j] = (g - along_one - h * along_h) * r;
        }
    }
}

/* No rows: the mean of nothing is 0 by the identity of the fold, the variance 0 / 0. */
void ref_batch_norm_stats(kcase *c) {
    int64_t ch = kd(c, "C"), r = kd(c, "R");
    for (int64_t j = 0; j < ch; j++) {
        kt(c, "mean")[j] = r ? mean_of(kt(c, "X") + j, ch, r) : 0;
        kt(c, "var")[j] = variance_of(kt(c, "X") + j, ch, r);
    }
}

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

/* A label outside the vocabulary reads a logit of zero. */
void ref_cross_entropy(kcase *c) {
    int64_t v = kd(c, "V");
    for (int64_t i = 0; i < kd(c, "M"); i++) {
        const double *x = kt(c, "X") + i * v;
        double z = log_sum_exp(x, v), label = kt(c, "label")[i];
        kt(c, "lse")[i] = z;
        kt(c, "loss")[i] = z - (label >= 0 && label < (double)v ? x[(int64_t)label] : 0);
    }
}

void ref_cross_entropy_bwd(kcase *c) {
    int64_t v = kd(c, "V");
    for (int64_t at = 0; at < kd(c, "M") * v; at++) {
        int64_t i = at / v;
        double p = exp(kt(c, "X")[at] - kt(c, "lse")[i]),
               hot = kt(c, "label")[i] == (double)(at % v);
        kt(c, "dX")[at] = (p - hot) * kt(c, "dL")[i];
    }
}

/* ---- embeddings -------------------------------------------------------------------------- */

void ref_embedding(kcase *c) {
    int64_t d = kd(c, "D") * kwidth(c, "E");
    for (int64_t at = 0; at < kd(c, "N") * d; at++) {
        double id = kt(c, "ids")[at / d];
        kt(c, "Y")[at] =
            id >= 0 && id < (double)kd(c, "V") ? kt(c, "E")[(int64_t)id * d + at % d] : 0;
    }
}

void ref_embedding_bwd(kcase *c) {
    int64_t d = kd(c, "D");
    memset(kt(c, "dE"), 0, (size_t)kn(c, "dE") * sizeof(double));
    for (int64_t at = 0; at < kd(c, "N") * d; at++) {
        double id = kt(c, "ids")[at / d];
        if (id >= 0 && id < (double)kd(c, "V")) {
            kt(c, "dE")[(int64_t)id * d + at % d] += kt(c, "dY")[at];
        }
    }
}

/* Positions sorted by a random id each; start[v] is the first of id v. */
void prepare_embedding_bwd_sorted(kcase *c) {
    int64_t n = kd(c, "N"), v = kd(c, "V"), at = 0;
    double ids[256];
    for (int64_t t = 0; t < n; t++) {
        ids[t] = (double)krandint(c, 0, v - 1);
    }
    for (int64_t id = 0; id < v; id++) {
        kt(c, "start")[id] = (double)at;
        for (int64_t t = 0; t < n; t++) {
            if (ids[t] == (double)id) {
                kt(c, "perm")[at++] = (double)t;
            }
        }
    }
    kt(c, "start")[v] = (double)at;
}

void ref_embedding_bwd_sorted(kcase *c) {
    int64_t d = kd(c, "D");
    for (int64_t at = 0; at < kn(c, "dE"); at++) {
        const double *start = kt(c, "start") + at / d;
        double s = 0;
        for (int64_t t = (int64_t)start[0]; t < (int64_t)start[1]; t++) {
            s += kt(c, "dY")[(int64_t)kt(c, "perm")[t] * d + at % d];
        }
        kt(c, "dE")[at] = s;
    }
}

/* Elements u and u + D/2 turn by the angle position / base^(2 u / D). */
void ref_rope(kcase *c) {
    int64_t d = kd(c, "D"), h = kd(c, "H"), s = kd(c, "S");
    for (int64_t at = 0; at < kd(c, "B") * s * h; at++) {
        const double *x = kt(c, "X") + at * d;
        double *y = kt(c, "Y") + at * d, pos = kt(c, "pos")[at / h % s];
        for (int64_t u = 0; u < d / 2; u++) {
            double angle = pos * pow(kf(c, "base"), -2.0 * (double)u / (double)d);
            y[u] = x[u] * cos(angle) - x[u + d / 2] * sin(angle);
            y[u + d / 2] = x[u + d / 2] * cos(angle) + x[u] * sin(angle);
        }
    }
}

void ref_adamw(kcase *c) {
    double b1 = kf(c, "b1"), b2 = kf(c, "b2");
    for (int64_t i = 0; i < kd(c, "N"); i++) {
        double g = kt(c, "G")[i], p = kt(c, "P")[i];
        double m = b1 * kt(c, "M")[i] + (1 - b1) * g, v = b2 * kt(c, "V")[i] + (1 - b2) * g * g;
        double step =
            m / kf(c, "c1") / (sqrt(v / kf(c, "c2")) + kf(c, "eps")) + kf(c, "wd") * p;
        kt(c, "P")[i] = p - kf(c, "lr") * step;
        kt(c, "M")[i] = m;
        kt(c, "V")[i] = v;
    }
}
