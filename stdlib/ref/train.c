/* References: dropout, embeddings, rotary positions and the optimisers of kernels/train.dsl. See ref.h. */
#include "stdlib/ref/ref.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void drop(kcase *c, const char *from, const char *to) {
    double p = kf(c, "p");
    for (int64_t i = 0; i < kn(c, from); i++) {
        double u = kphilox((uint64_t)kd(c, "seed"), (uint64_t)i);
        kt(c, to)[i] = u < p ? 0 : kt(c, from)[i] / (1 - p);
    }
}

void ref_dropout(kcase *c) {
    drop(c, "X", "Y");
}

void ref_dropout_bwd(kcase *c) {
    drop(c, "dY", "dX");
}

void ref_rope(kcase *c) {
    int64_t d = kd(c, "D"), h = kd(c, "H"), s = kd(c, "S");
    for (int64_t at = 0; at < kd(c, kname(c, "P", "B")) * s * h; at++) {
        const double *x = kt(c, "X") + at * d;
        double *y = kt(c, "Y") + at * d, pos = kt(c, "pos")[at / h % s] * kf_or(c, "direction", 1);
        for (int64_t u = 0; u < d / 2; u++) {
            double angle = pos * pow(kf(c, "base"), -2.0 * (double)u / (double)d);
            y[u] = x[u] * cos(angle) - x[u + d / 2] * sin(angle);
            y[u + d / 2] = x[u + d / 2] * cos(angle) + x[u] * sin(angle);
        }
    }
}

void ref_sgd(kcase *c) {
    double mu = kf(c, "momentum"), lr = kf(c, "lr"), *p = kt(c, "P"), *v = kt(c, "V");
    for (int64_t i = 0; i < kn(c, "P"); i++) {
        double g = kt(c, "G")[i] + kf(c, "decay") * p[i];
        v[i] = mu * v[i] + g;
        p[i] -= lr * (kb(c, "nesterov") ? g + mu * v[i] : v[i]);
    }
}

/* l2: decay is part of the gradient (Adam); else it acts on the parameter (AdamW). */
static void adam(kcase *c, bool l2) {
    double b1 = kf(c, "b1"), b2 = kf(c, "b2"), t = (double)kd_or(c, "step", 1);
    double *p = kt(c, "P"), *a = kt(c, kname(c, "A", "M")), *v = kt(c, "V");
    double decay = kf(c, kname(c, "decay", "wd")), c1 = kf_or(c, "c1", 1 - pow(b1, t)), c2 = kf_or(c, "c2", 1 - pow(b2, t));
    for (int64_t i = 0; i < kn(c, "P"); i++) {
        double g = kt(c, "G")[i] + (l2 ? decay * p[i] : 0);
        a[i] = b1 * a[i] + (1 - b1) * g;
        v[i] = b2 * v[i] + (1 - b2) * g * g;
        double step = a[i] / c1 / (sqrt(v[i] / c2) + kf(c, "eps"));
        p[i] -= kf(c, "lr") * (step + (l2 ? 0 : decay * p[i]));
    }
}

void ref_adam(kcase *c) {
    adam(c, true);
}

void ref_adamw(kcase *c) {
    adam(c, false);
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
    double *ids = calloc((size_t)n + 1, sizeof *ids);
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
    free(ids);
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
