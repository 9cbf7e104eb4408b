/* reduce and scan with built-in functions. The operand is walked in row-major order, so indices ascend; a row either folds into one
 * element (its axis is reduced) or combines elementwise with a row of the result. */
#include "dsl/interp/internal.h"
#include "dsl/ir/scalar_eval.h"

#include <math.h>

/* ---- one step --------------------------------------------------------------------------- */

static double fold_real(tg_enum fn, double a, double b) {
    switch ((int)fn) {
    case TG_FN_ADD:
        return a + b;
    case TG_FN_MUL:
        return a * b;
    case TG_FN_MIN:
        return a != a ? a : b != b ? b : a < b ? a : b;
    default:
        return a != a ? a : b != b ? b : a > b ? a : b;
    }
}

static int64_t fold_int(tg_enum fn, tg_dtype t, int64_t a, int64_t b) {
    bool less = t == TG_U64 ? (uint64_t)a < (uint64_t)b : a < b;
    switch ((int)fn) {
    case TG_FN_ADD:
        return wrap_to(t, (int64_t)((uint64_t)a + (uint64_t)b));
    case TG_FN_MUL:
        return wrap_to(t, (int64_t)((uint64_t)a * (uint64_t)b));
    case TG_FN_MIN:
        return less ? a : b;
    case TG_FN_MAX:
        return less ? b : a;
    case TG_FN_AND:
        return a & b;
    case TG_FN_OR:
        return a | b;
    default:
        return a ^ b;
    }
}

/* ---- rows of real numbers --------------------------------------------------------------- */

/* Sum with eight partial sums: IDEAL has no order. */
WIDE static double sum_row(const double *x, int64_t n, bool magnitude) {
    double s[8] = {0};
    int64_t k = 0;
    for (; !magnitude && k + 8 <= n; k += 8) {
        for (int j = 0; j < 8; j++) {
            s[j] += x[k + j];
        }
    }
    for (; magnitude && k + 8 <= n; k += 8) {
        for (int j = 0; j < 8; j++) {
            s[j] += fabs(x[k + j]);
        }
    }
    for (; k < n; k++) {
        s[0] += magnitude ? fabs(x[k]) : x[k];
    }
    return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
}

static double fold_row(tg_enum fn, double acc, const double *x, int64_t n, tg_dtype rounds) {
    if (rounds == TG_F32 && fn == TG_FN_ADD) {
        for (int64_t k = 0; k < n; k++) {
            acc = (double)(float)(acc + x[k]);
        }
        return acc;
    }
    bool exact = fn != TG_FN_ADD && fn != TG_FN_MUL;
    for (int64_t k = 0; k < n; k++) {
        acc = fold_real(fn, acc, x[k]);
        if (!exact && rounds != TG_F64) {
            acc = round_value(rounds, acc);
        }
    }
    return acc;
}

WIDE static void add_rows(double *acc, const double *x, int64_t n) {
    for (int64_t k = 0; k < n; k++) {
        acc[k] += x[k];
    }
}

WIDE static void add_magnitudes(double *acc, const double *x, int64_t n) {
    for (int64_t k = 0; k < n; k++) {
        acc[k] += finite_magnitude(x[k]);
    }
}

static void combine_rows(tg_enum fn, double *acc, const double *x, int64_t n, tg_dtype rounds) {
    if (fn == TG_FN_ADD) {
        add_rows(acc, x, n);
    } else {
        for (int64_t k = 0; k < n; k++) {
            acc[k] = fold_real(fn, acc[k], x[k]);
        }
    }
    if (rounds != TG_F64 && (fn == TG_FN_ADD || fn == TG_FN_MUL)) {
        round_array(rounds, acc, n);
    }
}

/* ---- reduce ----------------------------------------------------------------------------- */

typedef struct reduction {
    tg_enum fn;
    const tile *x;
    tile *r;
    walk at;         /* over the operand: offset in the result */
    tg_dtype rounds; /* EXACT: rounds to it; F64: nothing to do */
    double *mass;    /* IDEAL, per element of the result: sum of |x| + e; of a product: its depth */
    double *height;  /* IDEAL, per element of a product */
    double terms;    /* per element of the result */
    kernel_facts facts;
} reduction;

static void add_depths(double *depth, double *height, const double *x, int64_t n, bool folds) {
    for (int64_t k = 0; k < n; k++) {
        depth[folds ? 0 : k] += depth_of(x[k]);
        height[folds ? 0 : k] += height_of(x[k]);
    }
}

static void reduce_real_run(reduction *d, int64_t from, int64_t to, int64_t n, bool folds) {
    const double *x = d->x->f + from;
    bool sum = d->fn == TG_FN_ADD && d->facts.ideal;
    if (folds) {
        d->r->f[to] = sum ? d->r->f[to] + sum_row(x, n, false)
                          : fold_row(d->fn, d->r->f[to], x, n, d->rounds);
    } else {
        combine_rows(d->fn, d->r->f + to, x, n, d->rounds);
    }
    if (!d->r->e) {
        return;
    }
    const double *e = d->x->e ? d->x->e + from : NULL;
    double *re = d->r->e + to;
    for (int64_t k = 0; e && !sum && k < n;
         k++) { /* min, max: the largest bound; mul: summed relative to |x| below */
        double *at = folds ? re : re + k;
        double step = d->fn == TG_FN_MUL ? (e[k] > 0 ? e[k] / fabs(x[k]) : 0) : e[k];
        *at = d->fn == TG_FN_MUL ? *at + step : max_f(*at, step);
    }
    if (d->fn == TG_FN_MUL) {
        add_depths(d->mass + to, d->height + to, x, n, folds);
    }
    if (!sum) {
        return;
    }
    if (folds) {
        *re += e ? sum_row(e, n, false) : 0;
        d->mass[to] += sum_row(x, n, true);
        return;
    }
    if (e) {
        add_rows(re, e, n);
    }
    add_magnitudes(d->mass + to, x, n);
}

static void reduce_int_run(reduction *d, int64_t from, int64_t to, int64_t n, bool folds) {
    for (int64_t k = 0; k < n; k++) {
        int64_t *at = d->r->i + to + (folds ? 0 : k);
        *at = fold_int(d->fn, d->r->dtype, *at, d->x->i[from + k]);
    }
    for (int64_t k = 0; d->r->q && k < n; k++) {
        d->r->q[to + (folds ? 0 : k)] |= d->x->q[from + k];
    }
}

static void reduce_complex_run(reduction *d, int64_t from, int64_t to, int64_t n, bool folds) {
    for (int64_t k = 0; k < n; k++) {
        int64_t at = to + (folds ? 0 : k);
        tg_dtype t = d->facts.ideal ? TG_C64 : d->r->dtype;
        tg_scalar acc = {.dtype = t, .f = d->r->f[at], .g = d->r->g[at]}, out = acc;
        tg_scalar x = {.dtype = t, .f = d->x->f[from + k], .g = d->x->g[from + k]};
        tg_scalar_fold(d->fn, acc, x, &out);
        d->r->f[at] = out.f;
        d->r->g[at] = out.g;
        if (d->r->e) {
            double e = d->x->e ? d->x->e[from + k] : 0;
            d->r->e[at] += e;
            d->mass[at] += finite_magnitude(x.f) + finite_magnitude(x.g);
        }
    }
}

/* IDEAL: what the summation itself may add. */
static void finish_reduction(reduction *d) {
    double u = d->facts.unit, n = d->terms;
    tile *r = d->r;
    for (int64_t k = 0; k < r->n; k++) {
        double size = fabs(r->f[k]);
        bool open = !(r->e[k] < INFINITY); /* an operand is */
        if (d->fn == TG_FN_ADD) {
            r->e[k] += n * u * (1 + n * u) * (d->mass[k] + r->e[k]);
            if (d->mass[k] > d->facts.largest && d->mass[k] < INFINITY && !r->g) { /* some order overflows on the way */
                r->e[k] = UNSURE;
            }
        } else if (d->fn == TG_FN_MUL && r->g) {
            r->e[k] = INFINITY;
        } else if (d->fn == TG_FN_MUL) {
            double relative = r->e[k] + n * u;
            bool between = overflows_between(&d->facts, size == 0 ? 1 : d->mass[k], d->height[k]);
            r->e[k] = between || (size > 0 && loses_digits(&d->facts, d->mass[k])) ? UNSURE
                      : relative < 0.5 ? size * relative * (1 + relative) * 1.5 + d->facts.tiny
                      : size == 0 && r->e[k] == 0 ? 0
                                                  : UNSURE;
        }
        r->e[k] = open && !r->g ? UNSURE : r->e[k];
    }
    if (!r->g) {
        chunk out = chunk_of(r, 0);
        finish_errors(&d->facts, r->n, &out, NULL);
    }
}

static bool is_over(const tg_attr *over, const tg_axis *a) {
    for (uint32_t k = 0; k < over->n_axes; k++) {
        if (over->axes[k] == a) {
            return true;
        }
    }
    return false;
}

static void walk_over(walk *w, const tg_op *op, const shape *in, const shape *out) {
    const tg_attr *over = tg_op_attr(op, TG_ATTR_OVER);
    int64_t stride[MAX_AXES];
    for (int k = 0; k < in->n; k++) {
        int at = is_over(over, in->axis[k]) ? -1 : shape_find(out, in->axis[k]);
        stride[k] = at < 0 ? 0 : shape_stride(out, at);
    }
    walk_init(w, in->n, in->size, stride);
}

static void fill_identity(tg_enum fn, tile *r) {
    tg_scalar id = tg_scalar_identity(fn, r->dtype);
    for (int64_t k = 0; k < r->n; k++) {
        if (r->i) {
            r->i[k] = id.i;
        } else {
            r->f[k] = id.f;
        }
        if (r->g) {
            r->g[k] = id.g;
        }
    }
    if (r->e) {
        memset(r->e, 0, (size_t)r->n * sizeof *r->e);
    }
    if (r->q) {
        memset(r->q, 0, (size_t)r->n);
    }
}

static void run_reduction(reduction *d) {
    for (int64_t at = 0; at < d->x->n;) {
        int64_t run = walk_run(&d->at), to = d->at.offset;
        bool folds = d->at.stride[d->at.n - 1] == 0;
        (d->r->i   ? reduce_int_run
         : d->r->g ? reduce_complex_run
                   : reduce_real_run)(d, at, to, run, folds);
        walk_advance(&d->at, run);
        at += run;
    }
}

static tile *argument_of_extreme(interp *c, const tg_op *op, const tile *x, const shape *in,
                                 const shape *out);

void exec_reduce(interp *c, const tg_op *op) {
    tg_enum fn = tg_op_enum(op, TG_ATTR_FN, TG_FN_ADD);
    const tile *x = operand(c, op, 0);
    shape in = shape_of_type(c, tg_operand(op, 0)->type),
          out = shape_of_type(c, tg_result(op, 0)->type);
    if (fn == TG_FN_ARGMIN || fn == TG_FN_ARGMAX) {
        set_slot(c, tg_result(op, 0), argument_of_extreme(c, op, x, &in, &out));
        return;
    }
    bool rounds = fn == TG_FN_ADD || fn == TG_FN_MUL;
    bool errors = x->e || x->q || (!is_integer(x->dtype) && rounds);
    reduction d = {.fn = fn, .x = x, .facts = facts_of(c, x->dtype)};
    d.r = tile_new(c, x->dtype, &out, errors);
    d.rounds = c->ideal ? TG_F64 : x->dtype;
    d.terms = out.total ? (double)(x->n / out.total) : 0;
    if (d.r->e) {
        d.mass = pool_zero(&c->pool, out.total, sizeof *d.mass);
        d.height = pool_zero(&c->pool, out.total, sizeof *d.height);
    }
    fill_identity(fn, d.r);
    walk_over(&d.at, op, &in, &out);
    run_reduction(&d);
    if (d.r->e) {
        finish_reduction(&d);
    }
    pool_free(&c->pool, d.mass);
    pool_free(&c->pool, d.height);
    set_slot(c, tg_result(op, 0), d.r);
}

/* ---- argmin, argmax --------------------------------------------------------------------- */

/* NaN counts as extreme; the least index wins ties. */
static bool beats(const tile *x, bool max, int64_t a, int64_t b) {
    if (x->i) {
        bool flip = x->dtype == TG_U64;
        uint64_t bias = flip ? 0 : UINT64_C(1) << 63;
        uint64_t va = (uint64_t)x->i[a] ^ bias, vb = (uint64_t)x->i[b] ^ bias;
        return max ? va > vb : va < vb;
    }
    double va = x->f[a], vb = x->f[b];
    if (vb != vb) {
        return false;
    }
    return va != va || (max ? va > vb : va < vb);
}

static bool may_tie(const tile *x, int64_t a, int64_t b) {
    if (x->q) {
        return x->q[a] || x->q[b];
    }
    double e = x->e ? x->e[a] + x->e[b] : 0;
    return e > 0 && !(fabs(x->f[a] - x->f[b]) > e);
}

static tile *argument_of_extreme(interp *c, const tg_op *op, const tile *x, const shape *in,
                                 const shape *out) {
    bool max = tg_op_enum(op, TG_ATTR_FN, TG_FN_ADD) == TG_FN_ARGMAX;
    const tg_attr *over = tg_op_attr(op, TG_ATTR_OVER);
    if (over->n_axes != 1) {
        interp_fail(c, TG_ERROR_UNSUPPORTED, "argmin and argmax reduce one axis");
    }
    int at_axis = shape_find(in, over->axes[0]);
    int64_t stride = shape_stride(in, at_axis), length = in->size[at_axis],
            first = c->axis[over->axes[0]->rank].first;
    tile *r = tile_new(c, TG_I64, out, x->e || x->q);
    for (int64_t k = 0; k < r->n; k++) {
        int64_t base = k / stride * stride * length + k % stride, best = 0;
        for (int64_t j = 1; j < length; j++) {
            best = beats(x, max, base + j * stride, base + best * stride) ? j : best;
        }
        r->i[k] = length ? first + best : -1;
        if (!r->q) {
            continue;
        }
        r->q[k] = 0;
        for (int64_t j = 0; j < length; j++) {
            r->q[k] |= j != best && may_tie(x, base + j * stride, base + best * stride);
        }
    }
    return r;
}

/* ---- scan ------------------------------------------------------------------------------- */

typedef struct scan_state {
    tg_scalar acc;
    double e, mass, n;
    uint8_t q;
} scan_state;

static void scan_put(const scan_state *s, const kernel_facts *k, tg_enum fn, tile *r,
                     int64_t at) {
    if (r->i) {
        r->i[at] = s->acc.i;
    } else {
        r->f[at] = s->acc.f;
    }
    if (r->g) {
        r->g[at] = s->acc.g;
    }
    if (r->q) {
        r->q[at] = s->q;
    }
    if (r->e) {
        double nu = s->n * k->unit, size = fabs(s->acc.f);
        bool open = !(s->e < INFINITY) && !r->g;
        r->e[at] = open              ? UNSURE
                   : fn == TG_FN_ADD ? (s->mass > k->largest && !r->g
                                          ? UNSURE
                                          : s->e + nu * (1 + nu) * (s->mass + s->e))
                   : fn == TG_FN_MUL && r->g ? INFINITY
                   : fn == TG_FN_MUL && size > 0 && loses_digits(k, s->mass) ? UNSURE
                   : fn == TG_FN_MUL
                       ? (s->e + nu < 0.5 ? size * (s->e + nu) * 1.5 + k->tiny : UNSURE)
                       : s->e;
    }
}

static void scan_step(scan_state *s, tg_enum fn, const tile *x, int64_t at) {
    tg_scalar v = {.dtype = s->acc.dtype,
                   .i = x->i ? x->i[at] : 0,
                   .f = x->f ? x->f[at] : 0,
                   .g = x->g ? x->g[at] : 0};
    tg_scalar_fold(fn, s->acc, v, &s->acc);
    double e = x->e ? x->e[at] : 0, size = fabs(v.f) + fabs(v.g);
    s->e = fn == TG_FN_ADD   ? s->e + e
           : fn == TG_FN_MUL ? s->e + (e > 0 ? e / size : 0)
                             : max_f(s->e, e);
    s->mass += fn == TG_FN_MUL ? depth_of(v.f) : size < INFINITY ? size : 0;
    s->n++;
    s->q |= x->q ? x->q[at] : 0;
}

static tg_dtype carried_dtype(const interp *c, tg_dtype t) {
    return !c->ideal || is_integer(t) ? t : is_complex(t) ? TG_C64 : TG_F64;
}

void exec_scan(interp *c, const tg_op *op) {
    const tile *x = operand(c, op, 0);
    tg_enum fn = tg_op_enum(op, TG_ATTR_FN, TG_FN_ADD);
    bool exclusive = tg_op_flag(op, TG_ATTR_EXCLUSIVE),
         reverse = tg_op_flag(op, TG_ATTR_REVERSE);
    shape s = shape_of_type(c, tg_operand(op, 0)->type);
    int at_axis = shape_find(&s, tg_op_axis(op, TG_ATTR_AXIS));
    int64_t stride = shape_stride(&s, at_axis), length = s.size[at_axis];
    tile *r = tile_new(c, x->dtype, &s, x->e || x->q || !is_integer(x->dtype));
    kernel_facts facts = facts_of(c, x->dtype);
    tg_scalar identity = tg_scalar_identity(fn, carried_dtype(c, x->dtype));
    for (int64_t k = 0; length && k < s.total / length; k++) {
        int64_t base = k / stride * stride * length + k % stride;
        scan_state st = {.acc = identity};
        for (int64_t j = 0; j < length; j++) {
            int64_t at = base + (reverse ? length - 1 - j : j) * stride;
            if (exclusive) {
                scan_put(&st, &facts, fn, r, at);
            }
            scan_step(&st, fn, x, at);
            if (!exclusive) {
                scan_put(&st, &facts, fn, r, at);
            }
        }
    }
    if (r->e && !r->g) {
        chunk out = chunk_of(r, 0);
        finish_errors(&facts, r->n, &out, NULL);
    }
    set_slot(c, tg_result(op, 0), r);
}
