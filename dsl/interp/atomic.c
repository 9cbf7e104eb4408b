/* Atomics, one element after another, and Philox. In IDEAL a sum's bound covers every order: number of terms times the unit
 * times the sum of magnitudes, kept per element. */
#include "dsl/interp/internal.h"
#include "dsl/ir/scalar_eval.h"

#include <math.h>

static tg_scalar scalar_at(const tile *like, const chunk *x, int64_t k, tg_dtype t) {
    tg_scalar s = {.dtype = t};
    if (like->i) {
        s.i = x->i[k];
    } else {
        s.f = x->f[k];
    }
    s.g = like->g ? x->g[k] : 0;
    return s;
}

static void add_mass(interp *c, tensor *t, const kernel_facts *k, int64_t at, double x,
                     double e) {
    if (!t->mass) {
        t->mass = pool_zero(&c->pool, t->n, sizeof *t->mass);
        t->count = pool_zero(&c->pool, t->n, sizeof *t->count);
    }
    if (t->count[at] == 0) {
        t->mass[at] = fabs(t->value[at]) + t->bound[at];
    }
    double before = t->count[at] * k->unit * t->mass[at];
    t->count[at]++;
    t->mass[at] += fabs(x) + e;
    t->bound[at] += e + t->count[at] * k->unit * t->mass[at] - before;
}

/* New element value; the shadow follows. */
static void update_shadow(interp *c, tensor *t, tg_enum fn, int64_t at, double x, double e,
                          bool open) {
    kernel_facts k = facts_of(c, t->dtype);
    if (!t->value) {
        t->bound[at] = open || e > 0 ? INFINITY : t->bound[at];
        return;
    }
    double old = t->value[at];
    if (fn == TG_FN_ADD) {
        add_mass(c, t, &k, at, x, e);
        t->value[at] = old + x;
    } else if (fn == TG_FN_MIN || fn == TG_FN_MAX) {
        bool take = x != x || (fn == TG_FN_MIN ? x < old : x > old);
        t->value[at] = take ? x : old;
        t->bound[at] = max_f(t->bound[at], e);
    } else {
        t->value[at] = x;
        t->bound[at] = e;
    }
    if (open || c->doubt) {
        t->bound[at] = INFINITY;
    }
}

typedef struct atomic_run {
    const tg_op *op;
    tensor *t;
    tg_enum fn;
    bool is_cas;
    position_stream ps;
    stream value, other; /* ATOMIC: value, guard; CAS: expected, desired */
    chunk_store value_store, other_store;
    bool has_other;
    tile *old;
} atomic_run;

static void put_old(tile *r, int64_t at, tg_scalar s, bool open) {
    if (r->i) {
        r->i[at] = s.i;
    } else {
        r->f[at] = s.f;
    }
    if (r->g) {
        r->g[at] = s.g;
    }
    if (r->q) {
        r->q[at] = open;
    }
    if (r->e) {
        r->e[at] = open ? INFINITY : 0;
    }
}

static tg_scalar combined(const atomic_run *a, tg_scalar old, tg_scalar x) {
    tg_scalar r = x;
    if (a->fn != TG_FN_XCHG) {
        tg_scalar_fold(a->fn, old, x, &r);
    }
    return r;
}

static void atomic_element(interp *c, atomic_run *a, const position *p, const chunk *v,
                           const chunk *o, int64_t k, int64_t at) {
    const tile *like = c->slot[tg_operand(a->op, 1)->id];
    tg_dtype t = a->t->dtype;
    bool on = p->inside[k] && a->t->n && (a->is_cas || !a->has_other || o->i[k]);
    /* The order of instances is open, so old values of a changing element are only certain for one instance. */
    tg_scalar old = {.dtype = t};
    if (!on) {
        put_old(a->old, at, old, a->ps.q[k]);
        return;
    }
    old = tg_scalar_load(t, a->t->data, p->offset[k]);
    tg_scalar x = scalar_at(like, v, k, t), next = x;
    if (c->ideal && !like->i) {
        x.f = round_value(t, x.f);
    }
    if (a->is_cas) {
        bool equal = like->i ? old.i == x.i : memcmp(&old.f, &x.f, sizeof x.f) == 0;
        next = equal ? scalar_at(like, o, k, t) : old;
    } else {
        next = combined(a, old, x);
    }
    tg_scalar_store(next, a->t->data, p->offset[k]);
    bool open = a->ps.q[k] || v->q[k] || (a->has_other && o->q[k]);
    put_old(a->old, at, old, open || !like->i);
    if (a->t->bound) {
        update_shadow(c, a->t, a->is_cas ? TG_FN_XCHG : a->fn, p->dense[k],
                      like->i     ? 0
                      : a->is_cas ? next.f
                                  : v->f[k],
                      v->e[k], open);
    }
    if (a->t->written) {
        a->t->written[p->dense[k]] = 1;
    }
}

void exec_atomic(interp *c, const tg_op *op) {
    atomic_run *a = pool_alloc(&c->pool, 1, sizeof *a);
    const tg_value *guard = tg_op_guard(op);
    a->op = op;
    a->t = operand(c, op, 0)->tensor;
    a->is_cas = op->opcode == TG_OP_CAS;
    a->fn = tg_op_enum(op, TG_ATTR_FN, TG_FN_XCHG);
    a->has_other = a->is_cas || guard;
    shape s = shape_of_indices(c, op, a->t);
    const tg_value *v = tg_operand(op, 1), *o = a->is_cas ? tg_operand(op, 2) : guard;
    position_init(c, &a->ps, op, a->t, &s);
    stream_init(&a->value, c->slot[v->id], v->type, &s, &a->value_store);
    if (o) {
        stream_init(&a->other, c->slot[o->id], o->type, &s, &a->other_store);
    }
    a->old = tile_new(c, a->t->dtype, &s, true);
    for (int64_t at = 0; at < s.total; at += CHUNK) {
        int64_t n = s.total - at < CHUNK ? s.total - at : CHUNK;
        position p;
        position_next(&a->ps, n, &p);
        chunk x = stream_next(&a->value, n), y = {0};
        if (o) {
            y = stream_next(&a->other, n);
        }
        for (int64_t k = 0; k < n; k++) {
            atomic_element(c, a, &p, &x, &y, k, at + k);
        }
    }
    if (op->n_results) {
        set_slot(c, tg_result(op, 0), a->old);
    } else {
        tile_unref(c, a->old);
    }
    pool_free(&c->pool, a);
}

/* ---- Philox-4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011)  */

static void philox(uint64_t seed, uint64_t counter, uint32_t out[4]) {
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    uint32_t x[4] = {(uint32_t)counter, (uint32_t)(counter >> 32), 0, 0};
    for (int round = 0; round < 10; round++) {
        uint64_t p = (uint64_t)x[0] * UINT32_C(0xD2511F53),
                 q = (uint64_t)x[2] * UINT32_C(0xCD9E8D57);
        uint32_t next[4] = {(uint32_t)(q >> 32) ^ x[1] ^ k0, (uint32_t)q,
                            (uint32_t)(p >> 32) ^ x[3] ^ k1, (uint32_t)p};
        memcpy(x, next, sizeof x);
        k0 += UINT32_C(0x9E3779B9);
        k1 += UINT32_C(0xBB67AE85);
    }
    memcpy(out, x, sizeof x);
}

void exec_philox(interp *c, const tg_op *op) {
    shape s = shape_of_op(c, op, tg_result(op, 0)->type);
    bool flags = operand(c, op, 0)->q || operand(c, op, 1)->q;
    tile *r[4];
    for (uint32_t k = 0; k < 4; k++) {
        r[k] = tile_new(c, TG_U32, &s, flags);
    }
    stream in[2];
    chunk_store store[2];
    for (uint32_t k = 0; k < 2; k++) {
        stream_init(&in[k], operand(c, op, k), tg_operand(op, k)->type, &s, &store[k]);
    }
    for (int64_t at = 0; at < s.total; at += CHUNK) {
        int64_t n = s.total - at < CHUNK ? s.total - at : CHUNK;
        chunk seed = stream_next(&in[0], n), counter = stream_next(&in[1], n);
        for (int64_t k = 0; k < n; k++) {
            uint32_t out[4];
            philox((uint64_t)seed.i[k], (uint64_t)counter.i[k], out);
            for (int j = 0; j < 4; j++) {
                r[j]->i[at + k] = out[j];
                if (flags) {
                    r[j]->q[at + k] = seed.q[k] | counter.q[k];
                }
            }
        }
    }
    for (uint32_t k = 0; k < 4; k++) {
        set_slot(c, tg_result(op, k), r[k]);
    }
}
