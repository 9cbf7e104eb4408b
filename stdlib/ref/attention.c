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

/* ---- what options do to a score ---------------------------------------------------------- */

/* What a kernel may have besides the product of a query with a key. */
typedef struct extras {
    const double *bias, *slopes;
    bool causal, dropout;
    int64_t window, seed;
    double scale, drop;
} extras;

static extras extras_of(const kcase *c) {
    extras x = {.bias = kt_if(c, "bias"),
                .slopes = kt_if(c, "slopes"),
                .causal = kb(c, "causal"),
                .window = kd_or(c, "window", 0),
                .scale = kf(c, "scale"),
                .drop = kf_or(c, "drop", 0),
                .seed = kd_or(c, "seed", 0)};
    x.dropout = x.drop > 0;
    return x;
}

/* -inf: the query does not see the key, `distance` places before it; `at` numbers the pair in bias. */
static double adjusted(const extras *x, double score, int64_t h, int64_t at, int64_t distance) {
    if ((x->causal && distance < 0) || (x->window > 0 && distance >= x->window)) {
        return -INFINITY;
    }
    score = score * x->scale + (x->bias ? x->bias[at] : 0);
    return score - (x->slopes ? x->slopes[h] * fabs((double)distance) : 0);
}

static double kept(const extras *x, int64_t number) {
    if (!x->dropout) {
        return 1;
    }
    return kphilox((uint64_t)x->seed, (uint64_t)number) < x->drop ? 0 : 1 / (1 - x->drop);
}

/* ---- one pair of the gradient ------------------------------------------------------------ */

/* One query and one key: rows of the tensors. Null: not wanted. */
typedef struct pair {
    const double *q, *k, *v, *dout;
    double *dq, *dk, *dv, *dbias;
    int64_t d, e;
} pair;

/* dP = F dO V', dS = P (dP - sum O dO); dV = P F dO, dK = dS Q, dQ = dS K. */
static void pair_backward(const pair *r, double p, double factor, double delta, double scale) {
    double ds = p * (factor * product(r->dout, r->v, r->e) - delta);
    for (int64_t x = 0; x < r->e && r->dv; x++) {
        r->dv[x] += p * factor * r->dout[x];
    }
    for (int64_t x = 0; x < r->d && r->dk; x++) {
        r->dk[x] += ds * scale * r->q[x];
        r->dq[x] += ds * scale * r->k[x];
    }
    if (r->dbias) {
        *r->dbias += ds;
    }
}

static void clear(kcase *c, const char *name) {
    memset(kt(c, name), 0, (size_t)kn(c, name) * sizeof(double));
}

/* Rows without keys: any finite number will do. */
static void make_finite(kcase *c) {
    for (int64_t i = 0; i < kn(c, "LSE"); i++) {
        kt(c, "LSE")[i] = isfinite(kt(c, "LSE")[i]) ? kt(c, "LSE")[i] : 0;
    }
}

/* ---- variable lengths -------------------------------------------------------------------- */

typedef struct packing {
    int64_t heads, groups, d, e, tq, tk;
} packing;

static packing packing_of(const kcase *c) {
    return (packing){kd(c, "H"), kd(c, "G"),  kd(c, "D"),
                     kd(c, "E"), kd(c, "TQ"), kd(c, "TK")};
}

static void attend_packed(kcase *c, const extras *x, int64_t h, int64_t i, int64_t from,
                          int64_t end, int64_t off) {
    packing n = packing_of(c);
    int64_t g = h * n.groups / n.heads;
    row r = row_new(end - from);
    for (int64_t j = from; j < end; j++) {
        int64_t at = j - from, number = (h * n.tq + i) * n.tk + j;
        double s = product(kt(c, "Q") + (i * n.heads + h) * n.d,
                           kt(c, "K") + (j * n.groups + g) * n.d, n.d);
        r.score[at] = adjusted(x, s, h, number, i + off - j);
        r.value[at] = kt(c, "V") + (j * n.groups + g) * n.e;
        r.keep[at] = kept(x, number);
    }
    kt(c, "LSE")[h * n.tq + i] = row_attend(&r, kt(c, "O") + (i * n.heads + h) * n.e, n.e);
    row_free(&r);
}

static void packed_backward(kcase *c, const extras *x, int64_t h, int64_t i, int64_t from,
                            int64_t end, int64_t off) {
    packing n = packing_of(c);
    int64_t query = i * n.heads + h;
    double delta = product(kt(c, "O") + query * n.e, kt(c, "dO") + query * n.e, n.e);
    for (int64_t j = from; j < end; j++) {
        int64_t key = j * n.groups + h * n.groups / n.heads, number = (h * n.tq + i) * n.tk + j;
        pair r = {.q = kt(c, "Q") + query * n.d,
                  .k = kt(c, "K") + key * n.d,
                  .v = kt(c, "V") + key * n.e,
                  .dout = kt(c, "dO") + query * n.e,
                  .dq = kt(c, "dQ") + query * n.d,
                  .dk = kt(c, "dK") + key * n.d,
                  .dv = kt(c, "dV") + key * n.e,
                  .d = n.d,
                  .e = n.e};
        double s = adjusted(x, product(r.q, r.k, n.d), h, number, i + off - j);
        pair_backward(&r, exp(s - kt(c, "LSE")[h * n.tq + i]), kept(x, number), delta,
                      x->scale);
    }
}

/* Does `each` for every query of every sequence. */
static void each_packed(kcase *c, void (*each)(kcase *, const extras *, int64_t, int64_t,
                                               int64_t, int64_t, int64_t)) {
    const double *cq = kt(c, "cq"), *ck = kt(c, "ck");
    extras x = extras_of(c);
    for (int64_t b = 0; b < kd(c, "B"); b++) {
        for (int64_t h = 0; h < kd(c, "H"); h++) {
            for (int64_t i = (int64_t)cq[b]; i < (int64_t)cq[b + 1]; i++) {
                each(c, &x, h, i, (int64_t)ck[b], (int64_t)ck[b + 1],
                     (int64_t)(ck[b + 1] - cq[b + 1]));
            }
        }
    }
}

void ref_attention(kcase *c) {
    each_packed(c, attend_packed);
}

void prepare_attention_packed_bwd(kcase *c) {
    each_packed(c, attend_packed);
    make_finite(c);
}

void ref_attention_packed_bwd(kcase *c) {
    clear(c, "dQ");
    clear(c, "dK");
    clear(c, "dV");
    each_packed(c, packed_backward);
}

/* ---- dense ------------------------------------------------------------------------------- */

void ref_attention_batch(kcase *c) {
    int64_t heads = kd(c, "H"), groups = kd(c, "G"), s = kd(c, "S"), l = kd(c, "L"),
            d = kd(c, "D"), e = kd(c, "E");
    extras x = extras_of(c);
    for (int64_t at = 0; at < kd(c, "B") * heads * s; at++) {
        int64_t i = at % s, h = at / s % heads, b = at / s / heads,
                base = (b * groups + h * groups / heads) * l;
        row r = row_new(l);
        for (int64_t j = 0; j < l; j++) {
            double score = product(kt(c, "Q") + at * d, kt(c, "K") + (base + j) * d, d);
            r.score[j] = adjusted(&x, score, h, (h * s + i) * l + j, i + l - s - j);
            r.value[j] = kt(c, "V") + (base + j) * e;
            r.keep[j] = kept(&x, at * l + j);
        }
        kt(c, "LSE")[at] = row_attend(&r, kt(c, "O") + at * e, e);
        row_free(&r);
    }
}

void prepare_attention_bwd(kcase *c) {
    ref_attention_batch(c);
    make_finite(c);
}

/* With dbias, only that. */
static void dense_backward(kcase *c, double *dbias) {
    int64_t heads = kd(c, "H"), groups = kd(c, "G"), s = kd(c, "S"), l = kd(c, "L"),
            d = kd(c, "D"), e = kd(c, "E");
    extras x = extras_of(c);
    for (int64_t at = 0; at < kd(c, "B") * heads * s; at++) {
        int64_t i = at % s, h = at / s % heads, b = at / s / heads,
                base = (b * groups + h * groups / heads) * l;
        double delta = product(kt(c, "O") + at * e, kt(c, "dO") + at * e, e);
        for (int64_t j = 0; j < l; j++) {
            int64_t key = base + j, in_bias = (h * s + i) * l + j;
            pair r = {.q = kt(c, "Q") + at * d,
                      .k = kt(c, "K") + key * d,
                      .v = kt(c, "V") + key * e,
                      .dout = kt(c, "dO") + at * e,
                      .d = d,
                      .e = e};
            if (dbias) {
                r.dbias = dbias + in_bias;
            } else {
                r.dq = kt(c, "dQ") + at * d;
                r.dk = kt(c, "dK") + key * d;
                r.dv = kt(c, "dV") + key * e;
            }
            double score = adjusted(&x, product(r.q, r.k, d), h, in_bias, i + l - s - j);
            pair_backward(&r, exp(score - kt(c, "LSE")[at]), kept(&x, at * l + j), delta,
                          x.scale);
        }
    }
}

void ref_attention_bwd(kcase *c) {
    clear(c, "dQ");
    clear(c, "dK");
    clear(c, "dV");
    dense_backward(c, NULL);
}

void ref_attention_bias_bwd(kcase *c) {
    clear(c, "dbias");
    dense_backward(c, kt(c, "dbias"));
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
