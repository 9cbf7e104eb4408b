/* Lifted regions: map, reduce_fn and scan_fn run their scalar region once for many points, each scalar holding one value per point. Where
 * points disagree (if, while), every live lifted value is compacted to the points of the branch, the branch runs, and results are
 * scattered back; so each point sees exactly its own control flow. */
#include "dsl/interp/control.h"

#include <math.h>

enum { BATCH = 8 * CHUNK };

typedef struct lift_state {
    bool in_lift;
    int64_t lift;
} lift_state;

static lift_state enter_lift(interp *c, int64_t points) {
    lift_state s = {c->in_lift, c->lift};
    c->in_lift = true;
    c->lift = points;
    return s;
}

static void leave_lift(interp *c, lift_state s) {
    c->in_lift = s.in_lift;
    c->lift = s.lift;
}

static tile **new_tiles(interp *c, uint32_t n) {
    return pool_zero(&c->pool, (int64_t)n + 1, sizeof(tile *));
}

static void free_tiles(interp *c, tile **t, uint32_t n) {
    for (uint32_t k = 0; k < n; k++) {
        tile_unref(c, t[k]);
    }
    pool_free(&c->pool, t);
}

/* ---- moving elements between tiles ------------------------------------------------------ */

static void clear_errors(const tile *t) {
    if (t->e) {
        memset(t->e, 0, (size_t)t->n * sizeof *t->e);
    }
    if (t->q) {
        memset(t->q, 0, (size_t)t->n);
    }
}

static tile *new_lifted(interp *c, tg_dtype t, int64_t n, bool errors) {
    shape s = {.lifted = true, .total = n};
    tile *r = tile_new(c, t, &s, errors);
    clear_errors(r);
    return r;
}

/* Element `from` of x (element 0 if x is uniform) becomes element `to` of r. */
static void move_element(tile *r, int64_t to, const tile *x, int64_t from) {
    from = x->lifted ? from : 0;
    if (r->i) {
        r->i[to] = x->i[from];
    } else {
        r->f[to] = x->f[from];
    }
    if (r->g) {
        r->g[to] = x->g[from];
    }
    if (r->e) {
        r->e[to] = x->e ? x->e[from] : 0;
    }
    if (r->q) {
        r->q[to] = x->q ? x->q[from] : 0;
    }
}

static tile *compact(interp *c, const tile *x, const int64_t *at, int64_t n) {
    tile *r = new_lifted(c, x->dtype, n, x->e || x->q);
    for (int64_t k = 0; k < n; k++) {
        move_element(r, k, x, at[k]);
    }
    return r;
}

static void open_element(tile *r, int64_t at) {
    if (r->e) {
        r->e[at] = INFINITY;
    }
    if (r->q) {
        r->q[at] = 1;
    }
}

/* Every live lifted value, compacted; saved[id] keeps the original. */
static void compact_slots(interp *c, tile **saved, const int64_t *at, int64_t n) {
    for (uint32_t id = 0; id < c->f->next_value_id; id++) {
        tile *t = c->slot[id];
        if (!t || !t->lifted) {
            continue;
        }
        c->slot[id] = compact(c, t, at, n);
        if (saved[id]) {
            tile_unref(c, t);
        } else {
            saved[id] = t;
        }
    }
    c->lift = n;
}

static void restore_slots(interp *c, tile **saved) {
    for (uint32_t id = 0; id < c->f->next_value_id; id++) {
        if (saved[id]) {
            tile_unref(c, c->slot[id]);
            c->slot[id] = saved[id];
        }
    }
}

/* ---- if --------------------------------------------------------------------------------- */

static void run_branch(interp *c, const tg_op *op, int branch, const int64_t *at, int64_t n,
                       tile **results) {
    tile **saved = new_tiles(c, c->f->next_value_id), **out = new_tiles(c, op->n_results);
    lift_state s = enter_lift(c, n);
    compact_slots(c, saved, at, n);
    exec_region(c, &op->regions[branch], NULL, out);
    leave_lift(c, s);
    restore_slots(c, saved);
    for (uint32_t k = 0; k < op->n_results; k++) {
        for (int64_t j = 0; j < n; j++) {
            move_element(results[k], at[j], out[k], j);
        }
    }
    free_tiles(c, out, op->n_results);
    pool_free(&c->pool, saved);
}

void exec_if_lifted(interp *c, const tg_op *op) {
    tile *test = tile_ref(operand(c, op, 0));
    int64_t n[2] = {0, 0}, *at = pool_alloc(&c->pool, 2 * c->lift, sizeof *at);
    int64_t *branch[2] = {at, at + c->lift};
    for (int64_t k = 0; k < c->lift; k++) {
        int b = !test->i[k];
        branch[b][n[b]++] = k;
    }
    tile **results = new_tiles(c, op->n_results);
    for (uint32_t k = 0; k < op->n_results; k++) {
        results[k] = new_lifted(c, tg_result(op, k)->type->dtype, c->lift, true);
    }
    for (int b = 0; b < 2; b++) {
        if (n[b]) {
            run_branch(c, op, b, branch[b], n[b], results);
        }
    }
    for (uint32_t k = 0; k < op->n_results; k++) {
        for (int64_t j = 0; test->q && j < c->lift; j++) {
            if (test->q[j]) {
                open_element(results[k], j);
            }
        }
        set_slot(c, tg_result(op, k), results[k]);
    }
    tile_unref(c, test);
    pool_free(&c->pool, results);
    pool_free(&c->pool, at);
}

/* ---- while ------------------------------------------------------------------------------ */

typedef struct lifted_while {
    const tg_op *op;
    tile **args, **passed, **results, **saved;
    int64_t *active; /* points that still run, by number in the enclosing region */
    int64_t *keep;   /* those of them that go on, by position */
    uint8_t *open;   /* per point of the enclosing region: some condition was uncertain */
    int64_t n;
} lifted_while;

/* Moves the points whose condition is false to the results; gives the number of the others. */
static int64_t retire(lifted_while *w) {
    const tile *test = w->passed[0];
    int64_t left = 0;
    for (int64_t j = 0; j < w->n; j++) {
        int64_t from = test->lifted ? j : 0;
        w->open[w->active[j]] |= test->q && test->q[from];
        if (test->i[from]) {
            w->keep[left++] = j;
            continue;
        }
        for (uint32_t k = 0; k < w->op->n_results; k++) {
            move_element(w->results[k], w->active[j], w->passed[1 + k], j);
        }
    }
    return left;
}

static void shrink(interp *c, lifted_while *w, int64_t left) {
    for (uint32_t k = 0; k < w->op->n_results; k++) {
        tile *t = w->passed[1 + k];
        if (t->lifted) {
            w->passed[1 + k] = compact(c, t, w->keep, left);
            tile_unref(c, t);
        }
    }
    compact_slots(c, w->saved, w->keep, left);
    for (int64_t j = 0; j < left; j++) {
        w->active[j] = w->active[w->keep[j]];
    }
    w->n = left;
}

static void drop(interp *c, tile **t, uint32_t n) {
    for (uint32_t k = 0; k < n; k++) {
        tile_unref(c, t[k]);
        t[k] = NULL;
    }
}

static void run_while(interp *c, lifted_while *w) {
    uint32_t n_args = w->op->n_operands, n_passed = w->op->n_results + 1u;
    while (w->n) {
        exec_region(c, &w->op->regions[0], w->args, w->passed);
        drop(c, w->args, n_args);
        int64_t left = retire(w);
        if (left && left < w->n) {
            shrink(c, w, left);
        }
        if (left) {
            exec_region(c, &w->op->regions[1], w->passed + 1, w->args);
        }
        w->n = left;
        drop(c, w->passed, n_passed);
    }
}

void exec_while_lifted(interp *c, const tg_op *op) {
    int64_t points = c->lift;
    lifted_while w = {.op = op, .n = points};
    w.args = new_tiles(c, op->n_operands);
    w.passed = new_tiles(c, op->n_results + 1u);
    w.results = new_tiles(c, op->n_results);
    w.saved = new_tiles(c, c->f->next_value_id);
    w.active = pool_alloc(&c->pool, points, sizeof *w.active);
    w.keep = pool_alloc(&c->pool, points, sizeof *w.keep);
    w.open = pool_zero(&c->pool, points, 1);
    for (int64_t k = 0; k < points; k++) {
        w.active[k] = k;
    }
    for (uint32_t k = 0; k < op->n_operands; k++) {
        w.args[k] = tile_ref(operand(c, op, k));
    }
    for (uint32_t k = 0; k < op->n_results; k++) {
        w.results[k] = new_lifted(c, tg_result(op, k)->type->dtype, points, true);
    }
    run_while(c, &w);
    restore_slots(c, w.saved);
    c->lift = points;
    for (uint32_t k = 0; k < op->n_results; k++) {
        for (int64_t j = 0; j < points; j++) {
            if (w.open[j]) {
                open_element(w.results[k], j);
            }
        }
        set_slot(c, tg_result(op, k), w.results[k]);
    }
    void *all[] = {w.args, w.passed, w.results, w.saved, w.active, w.keep, w.open};
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
        pool_free(&c->pool, all[k]);
    }
}

/* ---- one point at a time, for what has no lifted form (loops whose bounds differ) ------- */

void exec_pointwise(interp *c, const tg_op *op) {
    int64_t points = c->lift;
    tile **results = new_tiles(c, op->n_results), **saved = new_tiles(c, c->f->next_value_id);
    for (uint32_t k = 0; k < op->n_results; k++) {
        results[k] = new_lifted(c, tg_result(op, k)->type->dtype, points, true);
    }
    for (int64_t p = 0; p < points; p++) {
        lift_state s = {c->in_lift, c->lift};
        memset(saved, 0, c->f->next_value_id * sizeof(tile *));
        compact_slots(c, saved, &p, 1);
        for (uint32_t id = 0; id < c->f->next_value_id; id++) {
            if (saved[id]) {
                c->slot[id]->lifted = false;
            }
        }
        c->in_lift = false;
        exec_op(c, op);
        leave_lift(c, s);
        restore_slots(c, saved);
        for (uint32_t k = 0; k < op->n_results; k++) {
            const tg_value *v = tg_result(op, k);
            move_element(results[k], p, c->slot[v->id], 0);
            tile_unref(c, c->slot[v->id]);
            c->slot[v->id] = NULL;
        }
    }
    for (uint32_t k = 0; k < op->n_results; k++) {
        set_slot(c, tg_result(op, k), results[k]);
    }
    pool_free(&c->pool, results);
    pool_free(&c->pool, saved);
}

/* ---- map -------------------------------------------------------------------------------- */

static void append(const chunk *r, const chunk *x, int64_t n) {
    size_t bytes = (size_t)n * 8;
    if (r->f) {
        memcpy(r->f, x->f, bytes);
    }
    if (r->g) {
        memcpy(r->g, x->g, bytes);
    }
    if (r->i) {
        memcpy(r->i, x->i, bytes);
    }
    if (r->e) {
        memcpy(r->e, x->e, bytes);
    }
    if (r->q) {
        memcpy(r->q, x->q, (size_t)n);
    }
}

static tile *next_points(interp *c, stream *s, int64_t n) {
    tile *r = new_lifted(c, s->t->dtype, n, s->t->e || s->t->q);
    for (int64_t at = 0; at < n; at += CHUNK) {
        int64_t m = n - at < CHUNK ? n - at : CHUNK;
        chunk to = chunk_of(r, at), from = stream_next(s, m);
        append(&to, &from, m);
    }
    return r;
}

static void map_batch(interp *c, const tg_op *op, stream *in, int64_t at, int64_t n,
                      tile **results) {
    tile **args = new_tiles(c, op->n_operands), **out = new_tiles(c, op->n_results);
    for (uint32_t k = 0; k < op->n_operands; k++) {
        args[k] = next_points(c, &in[k], n);
    }
    lift_state s = enter_lift(c, n);
    exec_region(c, &op->regions[0], args, out);
    leave_lift(c, s);
    for (uint32_t k = 0; k < op->n_results; k++) {
        for (int64_t j = 0; j < n; j++) {
            move_element(results[k], at + j, out[k], j);
        }
    }
    free_tiles(c, args, op->n_operands);
    free_tiles(c, out, op->n_results);
}

/* Inside a lifted region operands are lifted already. */
static void map_nested(interp *c, const tg_op *op) {
    tile **args = new_tiles(c, op->n_operands), **out = new_tiles(c, op->n_results);
    for (uint32_t k = 0; k < op->n_operands; k++) {
        args[k] = tile_ref(operand(c, op, k));
    }
    exec_region(c, &op->regions[0], args, out);
    for (uint32_t k = 0; k < op->n_results; k++) {
        set_slot(c, tg_result(op, k), out[k]);
    }
    free_tiles(c, args, op->n_operands);
    pool_free(&c->pool, out);
}

void exec_map(interp *c, const tg_op *op) {
    if (c->in_lift || !op->n_results) {
        map_nested(c, op);
        return;
    }
    shape s = shape_of_type(c, tg_result(op, 0)->type);
    tile **results = new_tiles(c, op->n_results);
    stream *in = pool_alloc(&c->pool, op->n_operands, sizeof *in);
    chunk_store *store = pool_alloc(&c->pool, op->n_operands, sizeof *store);
    for (uint32_t k = 0; k < op->n_operands; k++) {
        stream_init(&in[k], operand(c, op, k), tg_operand(op, k)->type, &s, &store[k]);
    }
    for (uint32_t k = 0; k < op->n_results; k++) {
        results[k] = tile_new(c, tg_result(op, k)->type->dtype, &s, true);
    }
    for (int64_t at = 0; at < s.total; at += BATCH) {
        map_batch(c, op, in, at, s.total - at < BATCH ? s.total - at : BATCH, results);
    }
    for (uint32_t k = 0; k < op->n_results; k++) {
        set_slot(c, tg_result(op, k), results[k]);
    }
    pool_free(&c->pool, results);
    pool_free(&c->pool, in);
    pool_free(&c->pool, store);
}

/* ---- reduce_fn, scan_fn ----------------------------------------------------------------- */

/* The points of a fold: `outer` axes are folded one index after another, `inner` ones are points of the lifted region. */
typedef struct fold {
    uint32_t n; /* components */
    shape outer, inner;
    tile **x; /* components, expanded to [outer][inner] */
} fold;

static tile *expand(interp *c, const tile *t, const tg_type *type, const fold *f) {
    shape own = shape_of_type(c, type);
    int64_t size[2 * MAX_AXES], stride[2 * MAX_AXES];
    int n = 0;
    for (int k = 0; k < f->outer.n + f->inner.n; k++) {
        const shape *s = k < f->outer.n ? &f->outer : &f->inner;
        int j = k < f->outer.n ? k : k - f->outer.n;
        int at = shape_find(&own, s->axis[j]);
        size[n] = s->size[j];
        stride[n++] = at < 0 ? 0 : shape_stride(&own, at);
    }
    int64_t total = f->outer.total * f->inner.total,
            *at = pool_zero(&c->pool, total, sizeof *at);
    walk w;
    walk_init(&w, n, size, stride);
    walk_offsets(&w, total, at);
    tile *r = new_lifted(c, t->dtype, total, t->e || t->q);
    tile source = *t;
    source.lifted = true;
    for (int64_t k = 0; k < total; k++) {
        move_element(r, k, &source, at[k]);
    }
    pool_free(&c->pool, at);
    return r;
}

static tile *slice(interp *c, const tile *t, int64_t at, int64_t n) {
    tile *r = new_lifted(c, t->dtype, n, t->e || t->q);
    chunk to = chunk_of(r, 0), from = chunk_of(t, at);
    append(&to, &from, n);
    return r;
}

static void make_fold(interp *c, const tg_op *op, fold *f, const tg_axis *const *over,
                      uint32_t n_over) {
    f->n = op->n_operands / 2u;
    shape all = {.total = 1};
    for (uint32_t k = 0; k < f->n; k++) {
        shape s = shape_of_type(c, tg_operand(op, f->n + k)->type);
        all = shape_union(c, &all, &s);
    }
    f->outer = f->inner = (shape){.total = 1};
    for (int k = 0; k < all.n; k++) {
        bool is_outer = false;
        for (uint32_t j = 0; j < n_over; j++) {
            is_outer |= over[j] == all.axis[k];
        }
        shape *s = is_outer ? &f->outer : &f->inner;
        s->axis[s->n] = all.axis[k];
        s->size[s->n++] = all.size[k];
        s->total *= all.size[k];
    }
    f->x = new_tiles(c, f->n);
    for (uint32_t k = 0; k < f->n; k++) {
        f->x[k] = expand(c, operand(c, op, f->n + k), tg_operand(op, f->n + k)->type, f);
    }
}

/* acc := region(acc, component at outer index j) */
static void fold_step(interp *c, const tg_op *op, const fold *f, tile **acc, int64_t j) {
    tile **args = new_tiles(c, 2 * f->n);
    int64_t points = f->inner.total;
    for (uint32_t k = 0; k < f->n; k++) {
        args[k] = acc[k];
        args[f->n + k] = slice(c, f->x[k], j * points, points);
    }
    lift_state s = enter_lift(c, points);
    exec_region(c, &op->regions[0], args, acc);
    leave_lift(c, s);
    free_tiles(c, args, 2 * f->n);
}

static tile **identities(interp *c, const tg_op *op, const fold *f) {
    tile **acc = new_tiles(c, f->n);
    for (uint32_t k = 0; k < f->n; k++) {
        acc[k] = tile_ref(operand(c, op, k));
    }
    return acc;
}

void exec_reduce_fn(interp *c, const tg_op *op) {
    const tg_attr *over = tg_op_attr(op, TG_ATTR_OVER);
    fold f;
    make_fold(c, op, &f, (const tg_axis *const *)over->axes, over->n_axes);
    tile **acc = identities(c, op, &f);
    for (int64_t j = 0; j < f.outer.total && f.inner.total; j++) {
        fold_step(c, op, &f, acc, j);
    }
    for (uint32_t k = 0; k < f.n; k++) {
        tile *r = tile_new(c, acc[k]->dtype, &f.inner, acc[k]->e || acc[k]->q);
        for (int64_t j = 0; j < r->n; j++) {
            move_element(r, j, acc[k], j);
        }
        set_slot(c, tg_result(op, k), r);
    }
    free_tiles(c, acc, f.n);
    free_tiles(c, f.x, f.n);
}

void exec_scan_fn(interp *c, const tg_op *op) {
    const tg_axis *axis = tg_op_axis(op, TG_ATTR_AXIS);
    bool exclusive = tg_op_flag(op, TG_ATTR_EXCLUSIVE),
         reverse = tg_op_flag(op, TG_ATTR_REVERSE);
    fold f;
    make_fold(c, op, &f, &axis, 1);
    shape out = shape_of_type(c, tg_result(op, 0)->type);
    int at_axis = shape_find(&out, axis);
    int64_t stride = shape_stride(&out, at_axis), length = f.outer.total;
    tile **acc = identities(c, op, &f);
    for (uint32_t k = 0; k < f.n; k++) {
        set_slot(c, tg_result(op, k), tile_new(c, acc[k]->dtype, &out, true));
    }
    for (int64_t step = 0; step < length && f.inner.total; step++) {
        int64_t j = reverse ? length - 1 - step : step;
        if (!exclusive) {
            fold_step(c, op, &f, acc, j);
        }
        for (uint32_t k = 0; k < f.n; k++) {
            for (int64_t p = 0; p < f.inner.total; p++) {
                int64_t to = p / stride * stride * length + p % stride + j * stride;
                move_element(c->slot[tg_result(op, k)->id], to, acc[k], p);
            }
        }
        if (exclusive) {
            fold_step(c, op, &f, acc, j);
        }
    }
    free_tiles(c, acc, f.n);
    free_tiles(c, f.x, f.n);
}
