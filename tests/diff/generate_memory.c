/* What random programs write: stores and atomics at places of their own, atomics at computed places, workspaces and fills. */
#include "tests/diff/generate.h"

#include <string.h>

/* Where a value goes: one index and one dimension of a tensor each. */
typedef struct places {
    tg_value *index[8];
    int64_t shape[8];
    uint32_t n;
} places;

static tg_value *int_const(generator *g, int64_t v) {
    return tg_build_int(&g->b, TG_I64, v);
}

static void vary_index(generator *g, places *p, uint32_t d) {
    uint32_t kind = gen_below(g, 100);
    if (kind < 6) {
        p->index[d] = tg_build_binary(&g->b, TG_OP_MUL, p->index[d], int_const(g, 2));
        p->shape[d] = p->shape[d] * 2;
    } else if (kind < 12) {
        p->index[d] =
            tg_build_binary(&g->b, TG_OP_SUB, int_const(g, p->shape[d] - 1), p->index[d]);
    } else if (kind < 16) {
        p->index[d] = tg_build_binary(&g->b, TG_OP_ADD, p->index[d],
                                      int_const(g, (int64_t)gen_below(g, 5) - 2));
    } else if (kind < 20) {
        p->shape[d] = p->shape[d] > 2 ? p->shape[d] - 2 : p->shape[d];
    }
}

/* Indices that no other instance, iteration or point writes: every binder around, and every axis of the value. */
static bool own_places(generator *g, const tg_value *v, places *p) {
    memset(p, 0, sizeof *p);
    for (uint32_t i = 0; i < g->n_binders; i++) {
        const binder *b = &g->binders[i];
        if (b->local && !tg_type_has_axis(v->type, b->axis)) {
            continue;
        }
        if (p->n == 7) {
            return false;
        }
        p->index[p->n] = b->index;
        p->shape[p->n++] = b->extent;
    }
    int64_t total = 1;
    for (uint32_t d = 0; d < p->n; d++) {
        vary_index(g, p, d);
        total *= p->shape[d] > 0 ? p->shape[d] : 1;
    }
    if (total > 60000) {
        return false;
    }
    for (uint32_t d = 1; d < p->n && gen_chance(g, 40); d++) {
        uint32_t other = gen_below(g, d + 1);
        tg_value *keep = p->index[d];
        int64_t size = p->shape[d];
        p->index[d] = p->index[other], p->shape[d] = p->shape[other];
        p->index[other] = keep, p->shape[other] = size;
    }
    return true;
}

static tg_value *some_guard(generator *g, const places *p) {
    tg_value *guard = gen_chance(g, 10) ? gen_pick(g, TG_BOOL, false) : NULL;
    for (uint32_t i = 0; guard && i < guard->type->n_axes; i++) {
        bool there = false;
        for (uint32_t d = 0; d < p->n; d++) {
            there = there || tg_type_has_axis(p->index[d]->type, guard->type->axes[i]);
        }
        guard = there ? guard : NULL;
    }
    return guard;
}

/* ---- targets --------------------------------------------------------------------------------------------- */

/* Code in front of this phase. */
static tg_builder before_phase(generator *g) {
    return (tg_builder){.func = g->f, .block = g->phase->parent, .before = g->phase};
}

static void fill(generator *g, tg_value *tensor, tg_dtype t) {
    tg_builder keep = g->b;
    g->b = before_phase(g);
    tg_value *v[] = {tensor, tg_build_cast(&g->b, gen_constant(g, TG_I32), t)};
    tg_build_op(&g->b, TG_OP_FILL, v, 2, NULL, 0, NULL, 0);
    g->b = keep;
}

/* A workspace; filled, because its contents are unspecified. */
static tg_value *workspace(generator *g, tg_dtype t, const places *p) {
    tg_builder b = before_phase(g);
    tg_value *extent[8];
    for (uint32_t d = 0; d < p->n; d++) {
        extent[d] = tg_build_int(&b, TG_I64, p->shape[d]);
    }
    const tg_type *type = tg_type_tensor(g->f, t, p->n);
    tg_value *v = tg_result(tg_build_op(&b, TG_OP_TEMP, extent, p->n, &type, 1, NULL, 0), 0);
    memcpy(g->dims[g->n_tensors], p->shape, sizeof p->shape);
    g->tensors[g->n_tensors++] = v;
    fill(g, v, t);
    return v;
}

/* To be written in this phase, and not to be read before the next one; null: there are enough tensors. */
static tg_value *target(generator *g, tg_fparam_kind kind, tg_dtype t, const places *p) {
    bool plain = tg_dtype_is_int(t) || t == TG_F32 || t == TG_F64;
    tg_value *y = kind == TG_FP_OUT && plain && g->n_tensors < 20 && gen_chance(g, 10)
                      ? workspace(g, t, p)
                      : gen_param_tensor(g, kind, t, p->n, p->shape, DIFF_FILL_FLOAT);
    if (y) {
        g->dims[g->n_tensors - 1][7] = 1;
        if (y->block && kind == TG_FP_OUT && plain && gen_chance(g, 10)) {
            fill(g, y, t);
        }
    }
    return y;
}

/* ---- stores ---------------------------------------------------------------------------------------------- */

static const tg_enum atomic_fns[] = {TG_FN_ADD, TG_FN_AND, TG_FN_OR,  TG_FN_XOR,
                                     TG_FN_MIN, TG_FN_MAX, TG_FN_XCHG};

/* An atomic at places of its own gives the old values, whatever the order. */
static tg_value *atomic_at(generator *g, tg_value *v, const places *p, tg_value *guard) {
    tg_dtype t = v->type->dtype;
    tg_enum fn = atomic_fns[gen_below(g, 7)];
    bool swap = tg_dtype_is_int(t) && gen_chance(g, 25);
    if (!swap && !tg_atomic_fits(fn, t)) {
        return NULL;
    }
    tg_value *operands[12] = {target(g, TG_FP_INOUT, t, p)};
    uint32_t n = 1;
    if (!operands[0]) {
        return NULL;
    }
    if (swap) {
        operands[n++] = gen_constant(g, t);
    }
    operands[n++] = v;
    const tg_type *type = tg_type_scalar(g->f, t);
    for (uint32_t d = 0; d < p->n; d++) {
        const tg_type *both[] = {type, p->index[d]->type};
        operands[n++] = p->index[d];
        type = tg_type_union(g->f, t, both, 2);
    }
    if (guard && !swap) {
        operands[n++] = guard;
    }
    tg_attr attr = tg_attr_enum(TG_ATTR_FN, fn);
    return tg_result(tg_build_op(&g->b, swap ? TG_OP_CAS : TG_OP_ATOMIC, operands, n, &type, 1,
                                 &attr, swap ? 0 : 1),
                     0);
}

void gen_store(generator *g, tg_value *v) {
    places p;
    if (!own_places(g, v, &p)) {
        return;
    }
    tg_value *guard = some_guard(g, &p);
    if (gen_chance(g, 8)) {
        gen_push(g, atomic_at(g, v, &p, guard));
        return;
    }
    static const tg_dtype narrow[] = {TG_F8E4M3, TG_F8E5M2, TG_F8E8M0, TG_BF16};
    if (v->type->dtype == TG_F32 && gen_chance(g, 6)) {
        v = tg_build_cast(&g->b, v, narrow[gen_below(g, 4)]);
    }
    tg_value *y =
        target(g, gen_chance(g, 80) ? TG_FP_OUT : TG_FP_INOUT, v->type->dtype, &p);
    if (y) {
        tg_build_store(&g->b, y, v, p.index, p.n, guard);
    }
}

/* ---- atomics that meet ----------------------------------------------------------------------------------- */

void gen_atomic(generator *g) {
    static const tg_dtype types[] = {TG_I32, TG_I64, TG_U32, TG_U64, TG_F32, TG_F64};
    tg_dtype t = types[gen_below(g, 6)];
    tg_enum fn = atomic_fns[gen_below(g, 6)];
    tg_value *v = gen_value(g, t), *at = gen_value(g, TG_I64);
    if (!tg_type_axes_within(v->type, at->type) || !tg_atomic_fits(fn, t)) {
        return;
    }
    int64_t shape[8] = {1 + gen_below(g, 30)};
    tg_value *y = gen_param_tensor(g, TG_FP_INOUT, t, 1, shape, DIFF_FILL_SMALL);
    if (!y) {
        return;
    }
    g->dims[g->n_tensors - 1][7] = 1;
    g->f->nondeterministic = g->f->nondeterministic || tg_dtype_is_float(t);
    for (uint32_t i = 0; i < g->n_binders;
         i++) { /* once per instance: how many there are must be fixed */
        tg_axis *a = g->binders[i].axis;
        g->dependent =
            g->dependent || (a && a->kind == TG_AXIS_GRID && !tg_type_has_axis(at->type, a));
    }
    tg_value *operands[] = {y, v, at};
    const tg_type *type = tg_type_with_dtype(g->f, at->type, t);
    tg_attr attr = tg_attr_enum(TG_ATTR_FN, fn);
    tg_build_op(&g->b, TG_OP_ATOMIC, operands, 3, &type, 1, &attr, 1);
}
