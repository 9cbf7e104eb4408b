/* dot: sum over axes of products. The axes fall into four groups, each in rank order:
 *
 *   batch  in both operands, kept       rows  in x only       cols  in y only       over  summed
 *
 * Operands are permuted to [batch][rows][over] and [batch][over][cols], multiplied by gemm.c, and the result is permuted back. For the
 * bound, with |x|, |y| and their bounds dx, dy and g = (terms) * u:
 *   e = |x| (dy + g |y|) + dx (|y| + dy)                              two more products of the same shape, one if dx = 0 */
#include "dsl/interp/internal.h"

#include <math.h>

typedef struct group {
    int n;
    const tg_axis *axis[MAX_AXES];
    int64_t size[MAX_AXES];
    int64_t total;
} group;

typedef struct dot_plan {
    group batch, rows, cols, over;
    shape x, y,
        out; /* out: batch, rows, cols in rank order, without the accumulator's own axes */
    tg_dtype result;
} dot_plan;

static void group_add(interp *c, group *g, const tg_axis *a) {
    g->axis[g->n] = a;
    g->size[g->n++] = c->axis[a->rank].size;
    g->total *= c->axis[a->rank].size;
}

static bool is_over(const tg_attr *over, const tg_axis *a) {
    for (uint32_t k = 0; k < over->n_axes; k++) {
        if (over->axes[k] == a) {
            return true;
        }
    }
    return false;
}

static void plan_dot(interp *c, const tg_op *op, dot_plan *p) {
    const tg_attr *over = tg_op_attr(op, TG_ATTR_OVER);
    const tg_type *tx = tg_operand(op, 0)->type, *ty = tg_operand(op, 1)->type;
    p->batch = p->rows = p->cols = p->over = (group){.total = 1};
    p->x = shape_of_type(c, tx);
    p->y = shape_of_type(c, ty);
    p->out = (shape){.total = 1};
    shape both = shape_union(c, &p->x, &p->y);
    for (int k = 0; k < both.n; k++) {
        const tg_axis *a = both.axis[k];
        bool in_x = tg_type_has_axis(tx, a), in_y = tg_type_has_axis(ty, a);
        if (is_over(over, a)) {
            group_add(c, &p->over, a);
            continue;
        }
        group_add(c, in_x && in_y ? &p->batch : in_x ? &p->rows : &p->cols, a);
        p->out.axis[p->out.n] = a;
        p->out.size[p->out.n++] = both.size[k];
        p->out.total *= both.size[k];
    }
}

/* Strides in `own` (0 where absent) of the axes of three groups, outermost first. */
static int strides_of(const shape *own, const group *const g[3], int64_t *size,
                      int64_t *stride) {
    int n = 0;
    for (int j = 0; j < 3; j++) {
        for (int k = 0; k < g[j]->n; k++) {
            int at = shape_find(own, g[j]->axis[k]);
            size[n] = g[j]->size[k];
            stride[n++] = at < 0 ? 0 : shape_stride(own, at);
        }
    }
    return n;
}

static void permute(const double *from, const shape *own, const group *const g[3], double *to) {
    int64_t size[3 * MAX_AXES], stride[3 * MAX_AXES],
        total = g[0]->total * g[1]->total * g[2]->total;
    int n = strides_of(own, g, size, stride);
    walk w;
    walk_init(&w, n, size, stride);
    for (int64_t at = 0; at < total;) {
        int64_t run = walk_run(&w), step = w.stride[w.n - 1];
        const double *p = from + w.offset;
        for (int64_t k = 0; k < run; k++) {
            to[at + k] = p[k * step];
        }
        walk_advance(&w, run);
        at += run;
    }
}

static void unpermute(const double *from, const shape *own, const group *const g[3],
                      double *to) {
    int64_t size[3 * MAX_AXES], stride[3 * MAX_AXES], total = own->total;
    int n = strides_of(own, g, size, stride);
    walk w;
    walk_init(&w, n, size, stride);
    for (int64_t at = 0; at < total;) {
        int64_t run = walk_run(&w), step = w.stride[w.n - 1];
        double *p = to + w.offset;
        for (int64_t k = 0; k < run; k++) {
            p[k * step] = from[at + k];
        }
        walk_advance(&w, run);
        at += run;
    }
}

static double *doubles(interp *c, int64_t n) {
    return pool_alloc(&c->pool, n, sizeof(double));
}

/* Elements as doubles; integers of up to 16 bits and bools are exact. */
static double *as_doubles(interp *c, const tile *t) {
    if (t->f) {
        return t->f;
    }
    double *r = doubles(c, t->n);
    for (int64_t k = 0; k < t->n; k++) {
        r[k] = (double)t->i[k];
    }
    return r;
}

typedef struct operands {
    double *x, *y;
} operands; /* permuted */

static double *permuted(interp *c, const double *from, const shape *own, const group *a,
                        const group *b, const group *d) {
    const group *const g[3] = {a, b, d};
    double *r = doubles(c, a->total * b->total * d->total);
    permute(from, own, g, r);
    return r;
}

static void multiply(interp *c, const dot_plan *p, const double *x, const double *y,
                     double *out, bool single) {
    int64_t m = p->rows.total, n = p->cols.total, k = p->over.total;
    if (p->batch.total == 0 || m == 0 || n == 0) {
        return;
    }
    bool turn = n < m && n < 4; /* few columns: the other way round, so that panels are full */
    double *turned = turn ? doubles(c, (m + n) * k + m * n) : NULL;
    double *panel = doubles(c, gemm_panel(turn ? m : n, k));
    for (int64_t b = 0; b < p->batch.total; b++) {
        const double *xb = x + b * m * k, *yb = y + b * k * n;
        double *ob = out + b * m * n;
        if (!turn) {
            gemm_f64(m, n, k, xb, yb, ob, panel, single);
            continue;
        }
        double *xt = turned, *yt = turned + m * k, *ot = yt + n * k;
        for (int64_t i = 0; i < m; i++) {
            for (int64_t q = 0; q < k; q++) {
                xt[q * m + i] = xb[i * k + q];
            }
        }
        for (int64_t j = 0; j < n; j++) {
            for (int64_t q = 0; q < k; q++) {
                yt[j * k + q] = yb[q * n + j];
            }
        }
        gemm_f64(n, m, k, yt, xt, ot, panel, single);
        for (int64_t i = 0; i < m; i++) {
            for (int64_t j = 0; j < n; j++) {
                ob[i * n + j] = ot[j * m + i];
            }
        }
    }
    pool_free(&c->pool, panel);
    pool_free(&c->pool, turned);
}

/* Relative error that a `precision` adds to each product, beyond the rounding of sums. */
static double product_error(const tg_op *op) {
    switch ((int)tg_op_enum(op, TG_ATTR_PRECISION, TG_IEEE)) {
    case TG_TF32:
        return 0x1p-10;
    case TG_BF16X3:
        return 0x1p-15;
    case TG_TF32X3:
        return 0x1p-20;
    default:
        return 0;
    }
}

/* e += |x| (dy + g |y|) + dx (|y| + dy), all permuted */
static void add_bound(interp *c, const dot_plan *p, double g, double *x, double *y, double *dx,
                      double *dy, double *out) {
    int64_t nx = p->batch.total * p->rows.total * p->over.total,
            ny = p->batch.total * p->over.total * p->cols.total;
    int64_t n = p->out.total;
    for (int64_t k = 0; k < nx; k++) {
        x[k] = fabs(x[k]);
    }
    double *w = doubles(c, ny);
    for (int64_t k = 0; k < ny; k++) {
        y[k] = fabs(y[k]);
        w[k] = g * y[k] + (dy ? dy[k] : 0);
    }
    multiply(c, p, x, w, out, false);
    if (dx) {
        double *more = doubles(c, n);
        for (int64_t k = 0; k < ny; k++) {
            w[k] = y[k] + (dy ? dy[k] : 0);
        }
        multiply(c, p, dx, w, more, false);
        for (int64_t k = 0; k < n; k++) {
            out[k] += more[k];
        }
        pool_free(&c->pool, more);
    }
    pool_free(&c->pool, w);
}

static double largest_finite(double *x, int64_t n) { /* the others become 0 */
    double most = 0;
    for (int64_t k = 0; k < n; k++) {
        x[k] = x[k] < INFINITY ? x[k] : 0;
        most = max_f(most, x[k]);
    }
    return most;
}

/* Where a partial sum may leave the range, in some order, nothing is certain. x and y: magnitudes. */
static void note_overflow(interp *c, const dot_plan *p, double largest, double *x, double *y, double *out) {
    int64_t nx = p->batch.total * p->rows.total * p->over.total,
            ny = p->batch.total * p->over.total * p->cols.total;
    double most = largest_finite(x, nx) * largest_finite(y, ny) * (double)p->over.total;
    if (most <= largest) {
        return;
    }
    double *mass = doubles(c, p->out.total);
    multiply(c, p, x, y, mass, false);
    for (int64_t k = 0; k < p->out.total; k++) {
        out[k] = mass[k] > largest ? UNSURE : out[k];
    }
    pool_free(&c->pool, mass);
}

/* Ones where `x`, magnitudes, is infinite, or where it may be zero and is not known to be; null where it nowhere is. */
static double *infinite_values(interp *c, const double *x, int64_t n) {
    double *which = NULL;
    for (int64_t k = 0; k < n; k++) {
        if (x[k] == INFINITY) {
            which = which ? which : pool_zero(&c->pool, n, sizeof *which);
            which[k] = 1;
        }
    }
    return which;
}

static double *possible_zeros(interp *c, const double *x, const double *e, int64_t n) {
    double *which = NULL;
    for (int64_t k = 0; e && k < n; k++) {
        if (e[k] > 0 && x[k] <= e[k]) {
            which = which ? which : pool_zero(&c->pool, n, sizeof *which);
            which[k] = 1;
        }
    }
    return which;
}

/* An infinite value times what may be zero, as is_open_product says of single values. x and y: magnitudes. */
static void note_infinite(interp *c, const dot_plan *p, const double *dx, const double *dy, const double *x, const double *y, double *out) {
    int64_t nx = p->batch.total * p->rows.total * p->over.total,
            ny = p->batch.total * p->over.total * p->cols.total;
    for (int side = 0; side < 2; side++) {
        double *infinite = side ? infinite_values(c, y, ny) : infinite_values(c, x, nx);
        double *zero = !infinite ? NULL : side ? possible_zeros(c, x, dx, nx) : possible_zeros(c, y, dy, ny);
        double *parts = zero ? doubles(c, p->out.total) : NULL;
        if (parts) {
            multiply(c, p, side ? zero : infinite, side ? infinite : zero, parts, false);
        }
        for (int64_t k = 0; parts && k < p->out.total; k++) {
            out[k] = parts[k] > 0 ? UNSURE : out[k];
        }
        pool_free(&c->pool, parts);
        pool_free(&c->pool, zero);
        pool_free(&c->pool, infinite);
    }
}

/* Ones where a bound says that the value is open, which may be infinite or NaN; null where none is. */
static double *open_values(interp *c, const double *e, int64_t n) {
    double *open = NULL;
    for (int64_t k = 0; e && k < n; k++) {
        if (!(e[k] < INFINITY)) {
            open = open ? open : pool_zero(&c->pool, n, sizeof *open);
            open[k] = 1;
        }
    }
    return open;
}

/* So is every sum that such a value is part of. x and y: room for ones. */
static void note_open(interp *c, const dot_plan *p, const double *dx, const double *dy, double *x, double *y,
                      double *out) {
    int64_t nx = p->batch.total * p->rows.total * p->over.total,
            ny = p->batch.total * p->over.total * p->cols.total;
    double *open[2] = {open_values(c, dx, nx), open_values(c, dy, ny)};
    for (int side = 0; side < 2; side++) {
        if (!open[side]) {
            continue;
        }
        double *ones = side ? x : y, *parts = doubles(c, p->out.total);
        for (int64_t k = 0; k < (side ? nx : ny); k++) {
            ones[k] = 1;
        }
        multiply(c, p, side ? x : open[0], side ? open[1] : y, parts, false);
        for (int64_t k = 0; k < p->out.total; k++) {
            out[k] = parts[k] > 0 ? UNSURE : out[k];
        }
        pool_free(&c->pool, parts);
        pool_free(&c->pool, open[side]);
    }
}

/* Subnormal operands of bf16 may count as zero: their error is all of them. `e`: null for exact operands. */
static double *with_flushed(interp *c, const double *x, double *e, int64_t n) {
    for (int64_t k = 0; k < n; k++) {
        double size = fabs(x[k]);
        if (size > 0 && size < 0x1p-126) {
            e = e ? e : pool_zero(&c->pool, n, sizeof *e);
            e[k] += size;
        }
    }
    return e;
}

static bool is_bf16_dot(const tg_op *op) {
    return tg_operand(op, 0)->type->dtype == TG_BF16 && tg_operand(op, 1)->type->dtype == TG_BF16;
}

static void dot_errors(interp *c, const tg_op *op, const dot_plan *p, double *x, double *y,
                       double *out) {
    const tile *tx = operand(c, op, 0), *ty = operand(c, op, 1);
    kernel_facts k = facts_of(c, p->result);
    double terms = (double)p->over.total + 1;
    double g = terms * k.unit * (1 + terms * k.unit) + product_error(op);
    double *dx = tx->e ? permuted(c, tx->e, &p->x, &p->batch, &p->rows, &p->over) : NULL;
    double *dy = ty->e ? permuted(c, ty->e, &p->y, &p->batch, &p->over, &p->cols) : NULL;
    double tiny = k.tiny;
    if (is_bf16_dot(op)) {
        dx = with_flushed(c, x, dx, p->batch.total * p->rows.total * p->over.total);
        dy = with_flushed(c, y, dy, p->batch.total * p->over.total * p->cols.total);
        tiny = 2 * 0x1p-126; /* the product, the sum */
    }
    add_bound(c, p, g, x, y, dx, dy, out);
    for (int64_t i = 0; i < p->out.total; i++) {
        out[i] += terms * tiny;
    }
    note_infinite(c, p, dx, dy, x, y, out);
    note_overflow(c, p, k.largest, x, y, out);
    note_open(c, p, dx, dy, x, y, out);
    pool_free(&c->pool, dx);
    pool_free(&c->pool, dy);
}

/* The result without the accumulator, in the order of p->out. */
static tile *real_dot(interp *c, const tg_op *op, const dot_plan *p) {
    const tile *tx = operand(c, op, 0), *ty = operand(c, op, 1);
    const group *const order[3] = {&p->batch, &p->rows, &p->cols};
    double *fx = as_doubles(c, tx), *fy = as_doubles(c, ty);
    double *x = permuted(c, fx, &p->x, &p->batch, &p->rows, &p->over);
    double *y = permuted(c, fy, &p->y, &p->batch, &p->over, &p->cols);
    bool to_int = is_integer(p->result), errors = c->ideal && !to_int;
    double *flat = doubles(c, p->out.total), *back = doubles(c, p->out.total);
    multiply(c, p, x, y, flat, p->result == TG_F32 && !c->ideal);
    tile *r = tile_new(c, p->result, &p->out, errors || tx->q || ty->q);
    unpermute(flat, &p->out, order, to_int ? back : r->f);
    for (int64_t k = 0; to_int && k < r->n; k++) {
        r->i[k] = (int64_t)back[k];
    }
    if (to_int) {
        wrap_array(p->result, r->i, r->n);
    } else if (errors) {
        dot_errors(c, op, p, x, y, flat);
        unpermute(flat, &p->out, order, r->e);
        chunk out = chunk_of(r, 0);
        kernel_facts k = facts_of(c, p->result);
        finish_errors(&k, r->n, &out, NULL);
    }
    double *all[] = {x, y, flat, back, tx->f ? NULL : fx, ty->f ? NULL : fy};
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
        pool_free(&c->pool, all[k]);
    }
    return r;
}

/* Offsets of the summed points in an operand, and of the kept points. */
static int64_t *offsets(interp *c, const shape *own, const group *const g[3]) {
    int64_t size[3 * MAX_AXES], stride[3 * MAX_AXES],
        total = g[0]->total * g[1]->total * g[2]->total;
    int64_t *out = pool_zero(&c->pool, total, sizeof *out);
    walk w;
    walk_init(&w, strides_of(own, g, size, stride), size, stride);
    walk_offsets(&w, total, out);
    return out;
}

static void complex_point(const interp *c, const tile *x, const tile *y, tile *r, int64_t at,
                          int64_t ox, int64_t oy, const int64_t *sx, const int64_t *sy,
                          int64_t n, double g) {
    double re = 0, im = 0, e = 0, mass = 0;
    for (int64_t k = 0; k < n; k++) {
        int64_t i = ox + sx[k], j = oy + sy[k];
        double a = x->f[i], b = x->g[i], f = y->f[j], h = y->g[j];
        re += a * f - b * h;
        im += a * h + b * f;
        if (!c->ideal) {
            re = round_value(r->dtype, re);
            im = round_value(r->dtype, im);
            continue;
        }
        double ex = x->e ? x->e[i] : 0, ey = y->e ? y->e[j] : 0, sa = fabs(a) + fabs(b),
               sb = fabs(f) + fabs(h);
        e += sa * ey + sb * ex + 2 * ex * ey + g * sa * sb + 4 * smallest_of(r->dtype);
        mass += sa * sb < INFINITY ? sa * sb : 0;
    }
    r->f[at] = re;
    r->g[at] = im;
    if (r->e) {
        r->e[at] = mass > largest_of(r->dtype) ? INFINITY : e;
    }
}

static void int_point(const tile *x, const tile *y, tile *r, int64_t at, int64_t ox, int64_t oy,
                      const int64_t *sx, const int64_t *sy, int64_t n) {
    uint64_t sum = 0;
    for (int64_t k = 0; k < n; k++) {
        sum += (uint64_t)x->i[ox + sx[k]] * (uint64_t)y->i[oy + sy[k]];
    }
    r->i[at] = wrap_to(r->dtype, (int64_t)sum);
}

/* Complex numbers and wide integers, point by point. */
static tile *plain_dot(interp *c, const tg_op *op, const dot_plan *p) {
    const tile *tx = operand(c, op, 0), *ty = operand(c, op, 1);
    const group none = {.total = 1}, *const over[3] = {&none, &none, &p->over};
    group kept = {.n = p->out.n, .total = p->out.total};
    memcpy(kept.axis, p->out.axis, sizeof kept.axis);
    memcpy(kept.size, p->out.size, sizeof kept.size);
    const group *const points[3] = {&none, &none, &kept};
    int64_t *sx = offsets(c, &p->x, over), *sy = offsets(c, &p->y, over);
    int64_t *ox = offsets(c, &p->x, points), *oy = offsets(c, &p->y, points);
    tile *r = tile_new(c, p->result, &p->out, !is_integer(p->result) || tx->q || ty->q);
    double g = 2 * ((double)p->over.total + 2) * facts_of(c, p->result).unit;
    for (int64_t at = 0; at < r->n; at++) {
        if (r->i) {
            int_point(tx, ty, r, at, ox[at], oy[at], sx, sy, p->over.total);
        } else {
            complex_point(c, tx, ty, r, at, ox[at], oy[at], sx, sy, p->over.total, g);
        }
    }
    pool_free(&c->pool, sx);
    pool_free(&c->pool, sy);
    pool_free(&c->pool, ox);
    pool_free(&c->pool, oy);
    return r;
}

static void add_values(const chunk *r, const chunk *d, const chunk *a, int64_t n) {
    for (int64_t k = 0; k < n; k++) {
        if (r->i) {
            r->i[k] = (int64_t)((uint64_t)d->i[k] + (uint64_t)a->i[k]);
            continue;
        }
        r->f[k] = d->f[k] + a->f[k];
        if (r->g) {
            r->g[k] = d->g[k] + a->g[k];
        }
    }
}

/* dot + acc, over the union of their axes. The accumulator is one more term of the sum. */
static tile *accumulate(interp *c, const tg_op *op, const dot_plan *p, tile *d,
                        const tg_type *type) {
    const tile *acc = operand(c, op, 2);
    shape s = shape_of_type(c, type);
    tile *r = tile_new(c, p->result, &s, d->e || d->q || acc->e || acc->q);
    tg_axis *axes[MAX_AXES];
    for (int k = 0; k < p->out.n; k++) {
        axes[k] = c->f->axes.data[p->out.axis[k]->rank];
    }
    tg_type own = {.n_axes = (uint16_t)p->out.n, .axes = axes};
    chunk_store ds, as;
    stream d_in, a_in;
    kernel_facts k = facts_of(c, p->result);
    k.opcode = TG_OP_ADD;
    double g = ((double)p->over.total + 1) * k.unit;
    stream_init(&d_in, d, &own, &s, &ds);
    stream_init(&a_in, acc, tg_operand(op, 2)->type, &s, &as);
    for (int64_t at = 0; at < r->n; at += CHUNK) {
        int64_t n = r->n - at < CHUNK ? r->n - at : CHUNK;
        chunk out = chunk_of(r, at), x = stream_next(&d_in, n), y = stream_next(&a_in, n);
        add_values(&out, &x, &y, n);
        if (out.i) {
            wrap_array(p->result, out.i, n);
        } else if (!c->ideal) {
            round_array(p->result, out.f, n);
            if (out.g) {
                round_array(p->result, out.g, n);
            }
        }
        for (int64_t i = 0; r->e && i < n; i++) {
            out.e[i] = x.e[i] + y.e[i] + g * fabs(y.f[i]) + k.unit * fabs(out.f[i]);
        }
        if (r->e && !out.g) {
            const chunk in[2] = {x, y};
            k.n_operands = 2;
            finish_errors(&k, n, &out, in);
        }
        for (int64_t i = 0; r->q && i < n; i++) {
            out.q[i] = x.q[i] | y.q[i];
        }
    }
    return r;
}

/* Uncertain integers spoil the whole result: rare, and finding out which elements is not worth a pass. */
static void flag_all(tile *r, const tile *x, const tile *y) {
    uint8_t any = 0;
    for (int64_t k = 0; x->q && k < x->n; k++) {
        any |= x->q[k];
    }
    for (int64_t k = 0; y->q && k < y->n; k++) {
        any |= y->q[k];
    }
    if (r->q) {
        memset(r->q, any, (size_t)r->n);
    }
}

void exec_dot(interp *c, const tg_op *op) {
    const tg_type *type = tg_result(op, 0)->type;
    dot_plan p;
    plan_dot(c, op, &p);
    p.result = type->dtype;
    tg_dtype in = tg_operand(op, 0)->type->dtype;
    bool plain = is_complex(in) || (is_integer(in) && tg_dtype_bits(in) > 16);
    tile *r = plain ? plain_dot(c, op, &p) : real_dot(c, op, &p);
    flag_all(r, operand(c, op, 0), operand(c, op, 1));
    if (op->n_operands > 2) {
        tile *sum = accumulate(c, op, &p, r, type);
        tile_unref(c, r);
        r = sum;
    }
    set_slot(c, tg_result(op, 0), r);
}
