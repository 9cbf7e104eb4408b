/* References: attention in its forms, each from softmax(Q K' scale + bias) V over the visible keys. See ref.h. */
#include "stdlib/ref/ref.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double product(const double *a, const double *b, int64_t n) {
    return kproduct(a, 1, b, 1, n);
}

/* ---- one row of queries ------------------------------------------------------------------ */

typedef struct row {
    double *score; /* -inf: not visible */
    const double **key, **value;
    double *keep; /* factor of the probability in the output */
    int64_t n;
} row;

static row row_new(int64_t n) {
    size_t count = (size_t)n + 1;
    row r = {.n = n};
    r.score = calloc(count, sizeof *r.score);
    r.key = calloc(count, sizeof *r.key);
    r.value = calloc(count, sizeof *r.value);
    r.keep = calloc(count, sizeof *r.keep);
    for (size_t j = 0; j < count; j++) {
        r.keep[j] = 1;
    }
    return r;
}

static void row_free(row *r) {
    free(r->score);
    free(r->key);
    free(r->value);
    free(r->keep);
}

/* Returns log of the sum of exponentials; -inf, and zeros, if no key is visible. */
static double row_attend(const row *r, double *out, int64_t e) {
    double top = -INFINITY, total = 0;
    for (int64_t j = 0; j < r->n; j++) {
        top = fmax(top, r->score[j]);
    }
    memset(out, 0, (size_t)e * sizeof *out);
    for (int64_t j = 0; j < r->n && isfinite(top); j++) {
        double p = exp(r->score[j] - top);
        total += p;
        for (int64_t d = 0; d < e && p > 0; d++) {
            out[d] += r->keep[j] * p * r->value[j][d];
        }
    }
    for (int64_t d = 0; d < e && total > 0; d++) {
        out[d] /= total;
    }
    return total > 0 ? top + log(total) : -INFINITY;
}

/* ---- variable lengths -------------------------------------------------------------------- */

static void attend_packed(kcase *c, int64_t h, int64_t i, int64_t from, int64_t end,
                          int64_t off) {
    int64_t heads = kd(c, "H"), groups = kd(c, "G"), d = kd(c, "D"), e = kd(c, "E"),
            tq = kd(c, "TQ"), tk = kd(c, "TK");
    int64_t g = h * groups / heads, window = kd(c, "window");
    row r = row_new(end - from);
    for (int64_t j = from; j < end; j++) {
        int64_t at = j - from;
        double s =
            product(kt(c, "Q") + (i * heads + h) * d, kt(c, "K") + (j * groups + g) * d, d) *
            kf(c, "scale");
        s += kt(c, "bias") ? kt(c, "bias")[(h * tq + i) * tk + j] : 0;
        bool visible =
            (!kb(c, "causal") || j <= i + off) && (window <= 0 || j > i + off - window);
        r.score[at] = visible ? s : -INFINITY;
        r.value[at] = kt(c, "V") + (j * groups + g) * e;
        if (kb(c, "dropout")) {
            bool dropped = kphilox((uint64_t)kd(c, "seed"), (uint64_t)((h * tq + i) * tk + j)) <
                           kf(c, "drop");
            r.keep[at] = dropped ? 0 : 1 / (1 - kf(c, "drop"));
        }
    }
    kt(c, "LSE")[h * tq + i] = row_attend(&r, kt(c, "O") + (i * heads + h) * e, e);
    row_free(&r);
}

void ref_attention(kcase *c) {
    const double *cq = kt(c, "cq"), *ck = kt(c, "ck");
    for (int64_t b = 0; b < kd(c, "B"); b++) {
        for (int64_t h = 0; h < kd(c, "H"); h++) {
            for (int64_t i = (int64_t)cq[b]; i < (int64_t)cq[b + 1]; i++) {
                attend_packed(c, h, i, (int64_t)ck[b], (int64_t)ck[b + 1],
                              (int64_t)(ck[b + 1] - cq[b + 1]));
            }
        }
    }
}

/* ---- dense ------------------------------------------------------------------------------- */

/* What the forward kernel adds to or hides from the scores; the backward one has none of it. */
typedef struct extras {
    const double *bias, *slopes;
    int64_t window;
} extras;

static double adjusted(const extras *x, double score, int64_t h, int64_t i, int64_t j,
                       int64_t s, int64_t l) {
    int64_t distance = i + l - s - j;
    score += x->bias ? x->bias[(h * s + i) * l + j] : 0;
    score -= x->slopes ? x->slopes[h] * fabs((double)distance) : 0;
    return x->window > 0 && distance >= x->window ? -INFINITY : score;
}

static void attend_dense(const kcase *c, extras x, double *o, double *lse) {
    int64_t heads = kd(c, "H"), groups = kd(c, "G"), s = kd(c, "S"), l = kd(c, "L"),
            d = kd(c, "D"), e = kd(c, "E");
    for (int64_t at = 0; at < kd(c, "B") * heads * s; at++) {
        int64_t i = at % s, h = at / s % heads, b = at / s / heads,
                base = (b * groups + h * groups / heads) * l;
        row r = row_new(l);
        for (int64_t j = 0; j < l; j++) {
            bool visible = !kb(c, "causal") || j <= i + (l - s);
            double score =
                product(kt(c, "Q") + at * d, kt(c, "K") + (base + j) * d, d) * kf(c, "scale");
            r.score[j] = visible ? adjusted(&x, score, h, i, j, s, l) : -INFINITY;
            r.value[j] = kt(c, "V") + (base + j) * e;
        }
        lse[at] = row_attend(&r, o + at * e, e);
        row_free(&r);
    }
}

void ref_attention_batch(kcase *c) {
    extras x = {kt_if(c, "bias"), kt_if(c, "slopes"), kd_or(c, "window", 0)};
    attend_dense(c, x, kt(c, "O"), kt(c, "LSE"));
}

void prepare_attention_bwd(kcase *c) {
    attend_dense(c, (extras){0}, kt(c, "O"), kt(c, "LSE"));
    for (int64_t i = 0; i < kn(c, "LSE");
         i++) { /* rows without keys: any finite number will do */
        kt(c, "LSE")[i] = isfinite(kt(c, "LSE")[i]) ? kt(c, "LSE")[i] : 0;
    }
}

/* dP = dO V', dS = P (dP - sum O dO) scale; dV = P' dO, dK = dS' Q, dQ = dS K. */
void ref_attention_bwd(kcase *c) {
    int64_t heads = kd(c, "H"), groups = kd(c, "G"), s = kd(c, "S"), l = kd(c, "L"),
            d = kd(c, "D"), e = kd(c, "E");
    double scale = kf(c, "scale");
    memset(kt(c, "dQ"), 0, (size_t)kn(c, "dQ") * sizeof(double));
    memset(kt(c, "dK"), 0, (size_t)kn(c, "dK") * sizeof(double));
    memset(kt(c, "dV"), 0, (size_t)kn(c, "dV") * sizeof(double));
    for (int64_t at = 0; at < kd(c, "B") * heads * s; at++) {
        int64_t i = at % s, h = at / s % heads, b = at / s / heads,
                base = (b * groups + h * groups / heads) * l;
        const double *q = kt(c, "Q") + at * d, *dout = kt(c, "dO") + at * e;
        double delta = product(kt(c, "O") + at * e, dout, e);
        for (int64_t j = 0; j < l; j++) {
            const double *k = kt(c, "K") + (base + j) * d, *v = kt(c, "V") + (base + j) * e;
            bool visible = !kb(c, "causal") || j <= i + (l - s);
            double p = visible ? exp(product(q, k, d) * scale - kt(c, "LSE")[at]) : 0;
            double ds = p * (product(dout, v, e) - delta) * scale;
            for (int64_t x = 0; x < e; x++) {
                kt(c, "dV")[(base + j) * e + x] += p * dout[x];
            }
            for (int64_t x = 0; x < d; x++) {
                kt(c, "dK")[(base + j) * d + x] += ds * q[x];
                kt(c, "dQ")[at * d + x] += ds * k[x];
            }
        }
    }
}

/* ---- pages ------------------------------------------------------------------------------- */

/* A page that does not exist reads as zeros. Lengths: none, part of a page, all pages. */
void prepare_paged_decode(kcase *c) {
    int64_t most = kd(c, "MP") * kd(c, "PS");
    for (int64_t b = 0; b < kd(c, "B"); b++) {
        kt(c, "len")[b] = (double)(b == 0 ? most : b == 1 ? 0 : krandint(c, 1, most));
    }
    if (kn(c, "table") > 3) {
        kt(c, "table")[1] = -1;
        kt(c, "table")[2] = (double)kd(c, "NP");
    }
}

void ref_paged_decode(kcase *c) {
    int64_t heads = kd(c, "H"), groups = kd(c, "G"), d = kd(c, "D"), ps = kd(c, "PS"),
            np = kd(c, "NP");
    double *zeros = calloc((size_t)d + 1, sizeof *zeros);
    for (int64_t at = 0; at < kd(c, "B") * heads; at++) {
        int64_t b = at / heads, g = at % heads / kd(c, "R"), n = (int64_t)kt(c, "len")[b];
        row r = row_new(n);
        for (int64_t j = 0; j < n; j++) {
            int64_t page = (int64_t)kt(c, "table")[b * kd(c, "MP") + j / ps],
                    from = ((page * ps + j % ps) * groups + g) * d;
            bool exists = page >= 0 && page < np;
            r.score[j] = product(kt(c, "Q") + at * d, exists ? kt(c, "K") + from : zeros, d) *
                         kf(c, "scale");
            r.value[j] = exists ? kt(c, "V") + from : zeros;
        }
        (void)row_attend(&r, kt(c, "O") + at * d, d);
        row_free(&r);
    }
    free(zeros);
}
