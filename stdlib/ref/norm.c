/* References: the normalisations of kernels/norm.dsl. All are one thing: sets of elements that share a mean and a scale,
 * and a weight per element. See ref.h. */
#include "stdlib/ref/ref.h"

#include <math.h>
#include <string.h>

/* Element e of set i is x[where(i, e)]; its weight is w[weight(i, e)]. */
typedef struct sets {
    int64_t n, size;      /* sets, elements of each */
    int64_t inner, outer; /* X[outer, n / …, inner]: see the makers below */
    int64_t channels;     /* weights */
    int64_t (*where)(const struct sets *s, int64_t i, int64_t e);
    int64_t (*weight)(const struct sets *s, int64_t i, int64_t e);
} sets;

/* Rows of X[M, N]: weights are columns. */
static int64_t row_where(const sets *s, int64_t i, int64_t e) {
    return i * s->size + e;
}
static int64_t row_weight(const sets *s, int64_t i, int64_t e) {
    (void)s;
    (void)i;
    return e;
}
static sets rows(const kcase *c) {
    return (sets){.n = kd(c, "M"),
                  .size = kd(c, "N"),
                  .channels = kd(c, "N"),
                  .where = row_where,
                  .weight = row_weight};
}

/* Group i = (p, g) of X[P, G, C, S] is contiguous. */
static int64_t group_weight(const sets *s, int64_t i, int64_t e) {
    return i % s->outer * (s->size / s->inner) + e / s->inner;
}
static sets groups(const kcase *c) {
    int64_t in = kd(c, "S"), per = kd(c, "C"), g = kd(c, "G");
    return (sets){.n = kd(c, "P") * g,
                  .size = per * in,
                  .inner = in ? in : 1,
                  .outer = g,
                  .channels = g * per,
                  .where = row_where,
                  .weight = group_weight};
}

/* Channel i of X[P, C, S]: P runs of S. */
static int64_t channel_where(const sets *s, int64_t i, int64_t e) {
    return (e / s->inner * s->n + i) * s->inner + e % s->inner;
}
static int64_t channel_weight(const sets *s, int64_t i, int64_t e) {
    (void)s;
    (void)e;
    return i;
}
static sets channels(const kcase *c) {
    int64_t in = kd(c, "S");
    return (sets){.n = kd(c, "C"),
                  .size = kd(c, "P") * in,
                  .inner = in ? in : 1,
                  .channels = kd(c, "C"),
                  .where = channel_where,
                  .weight = channel_weight};
}

static double mean_of(const sets *s, int64_t i, const double *x) {
    double sum = 0;
    for (int64_t e = 0; e < s->size; e++) {
        sum += x[s->where(s, i, e)];
    }
    return sum / (double)s->size;
}

/* Sum of squared differences from m. */
static double squares_of(const sets *s, int64_t i, const double *x, double m) {
    double sum = 0;
    for (int64_t e = 0; e < s->size; e++) {
        double d = x[s->where(s, i, e)] - m;
        sum += d * d;
    }
    return sum;
}

/* Y of set i, given its mean and scale. */
static void scale(kcase *c, const sets *s, int64_t i, double m, double r, const double *bias) {
    const double *w = kt(c, "W");
    for (int64_t e = 0; e < s->size; e++) {
        int64_t at = s->where(s, i, e), k = s->weight(s, i, e);
        kt(c, "Y")[at] = (kt(c, "X")[at] - m) * r * (w ? w[k] : 1) + (bias ? bias[k] : 0);
    }
}

static void normalize(kcase *c, sets s) {
    const double *x = kt(c, "X");
    for (int64_t i = 0; i < s.n; i++) {
        double m = mean_of(&s, i, x), v = squares_of(&s, i, x, m) / (double)s.size;
        kt(c, kname(c, "mu", "mean"))[i] = m;
        kt(c, "rstd")[i] = 1 / sqrt(v + kf(c, "eps"));
        scale(c, &s, i, m, kt(c, "rstd")[i], kt(c, kname(c, "B", "Bi")));
    }
}

void ref_layer_norm(kcase *c) {
    normalize(c, rows(c));
}

void ref_group_norm(kcase *c) {
    normalize(c, groups(c));
}

void ref_batch_norm_train(kcase *c) {
    sets s = channels(c);
    double step = kf(c, "momentum"), n = (double)s.size;
    normalize(c, s);
    for (int64_t i = 0; i < s.n; i++) {
        double m = kt(c, "mu")[i], *run = kt(c, "run_mean"), *var = kt(c, "run_var");
        double v = squares_of(&s, i, kt(c, "X"), m) / (n - 1);
        run[i] += step * (m - run[i]);
        var[i] += step * (v - var[i]);
    }
}

void ref_batch_norm(kcase *c) {
    sets s = channels(c);
    for (int64_t i = 0; i < s.n; i++) {
        scale(c, &s, i, kt(c, "mu")[i], 1 / sqrt(kt(c, "var")[i] + kf(c, "eps")), kt(c, "B"));
    }
}

void ref_rms_norm(kcase *c) {
    sets s = rows(c);
    for (int64_t i = 0; i < s.n; i++) {
        double v = squares_of(&s, i, kt(c, "X"), 0) / (double)s.size;
        kt(c, "rstd")[i] = 1 / sqrt(v + kf(c, "eps"));
        scale(c, &s, i, 0, kt(c, "rstd")[i], NULL);
    }
}

/* The gradient through h = (x - m) r, where m and r depend on the x of the set: r (g - mean g - h mean(g h)); without
 * a mean the second term is not there. `mean` null: RMS. */
static void backward(kcase *c, sets s, const double *mean) {
    const double *x = kt(c, "X"), *dy = kt(c, "dY"), *w = kt(c, "W"), *r = kt(c, "rstd");
    double *dw = kt(c, "dW"), *db = mean ? kt(c, "dB") : NULL;
    memset(dw, 0, (size_t)s.channels * sizeof *dw);
    if (db) {
        memset(db, 0, (size_t)s.channels * sizeof *db);
    }
    for (int64_t i = 0; i < s.n; i++) {
        double m = mean ? mean[i] : 0, along_one = 0, along_h = 0;
        for (int64_t e = 0; e < s.size; e++) {
            int64_t at = s.where(&s, i, e), k = s.weight(&s, i, e);
            double h = (x[at] - m) * r[i], g = dy[at] * (w ? w[k] : 1);
            along_one += mean ? g / (double)s.size : 0;
            along_h += g * h / (double)s.size;
            dw[k] += dy[at] * h;
            if (db) {
                db[k] += dy[at];
            }
        }
        for (int64_t e = 0; e < s.size; e++) {
            int64_t at = s.where(&s, i, e), k = s.weight(&s, i, e);
            double h = (x[at] - m) * r[i], g = dy[at] * (w ? w[k] : 1);
            kt(c, "dX")[at] = (g - along_one - h * along_h) * r[i];
        }
    }
}

void ref_layer_norm_bwd(kcase *c) {
    backward(c, rows(c), kt(c, kname(c, "mu", "mean")));
}

void ref_rms_norm_bwd(kcase *c) {
    backward(c, rows(c), NULL);
}

void ref_group_norm_bwd(kcase *c) {
    backward(c, groups(c), kt(c, "mu"));
}

void ref_batch_norm_bwd(kcase *c) {
    backward(c, channels(c), kt(c, "mu"));
}
