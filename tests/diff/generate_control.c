/* Loops and branches of random programs. */
#include "tests/diff/generate.h"

/* ---- control ------------------------------------------------------------------------------------------------------- */

gen_mark gen_enter(generator *g, tg_op *op, uint32_t region) {
    gen_mark m = {g->n_scope, g->n_binders, g->b, g->work};
    g->b.block = &op->regions[region].body;
    g->b.before = NULL;
    g->depth++;
    return m;
}

void gen_leave(generator *g, gen_mark m) {
    g->n_scope = m.n_scope;
    g->n_binders = m.n_binders;
    g->b = m.b;
    g->work = m.work;
    g->depth--;
}

/* A value of exactly this type, made from what is visible. */
static tg_value *of_type(generator *g, const tg_type *t) {
    for (uint32_t tries = 0; tries < 12; tries++) {
        tg_value *v = gen_pick(g, t->dtype, false);
        if (v && tg_type_axes_within(v->type, t)) {
            return tg_build_broadcast(&g->b, v, t);
        }
    }
    return tg_build_broadcast(&g->b, gen_constant(g, t->dtype), t);
}

void gen_for(generator *g) {
    int64_t extent = gen_extent(g);
    extent = g->work * extent > 3000 || extent > 40 ? 3 : extent;
    if (g->n_binders >= MAX_BINDERS - 4 || g->depth > 5) {
        return;
    }
    static const int64_t blocks[] = {1, 8, 16, 48, 0, 4};
    bool each = gen_chance(g, 50);
    tg_value *v[8];
    bool whole = gen_domain(g, extent, v);
    uint32_t n = gen_below(g, 3);
    const tg_type *types[3];
    for (uint32_t i = 0; i < n; i++) {
        tg_value *x = gen_value(g, gen_dtype(g));
        types[i] = x->type;
        v[3 + i] = x;
    }
    tg_axis *a = NULL;
    tg_attr attrs[2];
    uint32_t n_attrs = 0;
    int64_t block = blocks[gen_below(g, 6)];
    if (!each) {
        g->dependent = true;
        a = gen_axis(g, TG_AXIS_LOOP, extent, block, whole);
        attrs[n_attrs++] = tg_attr_axis(g->arena, TG_ATTR_AXIS, a);
    } else if (gen_chance(g, 20)) {
        attrs[n_attrs++] = tg_attr_int(TG_ATTR_STEP, 1 + gen_below(g, 4));
    }
    tg_op *op = tg_build_op(&g->b, TG_OP_FOR, v, 3 + n, types, n, attrs, n_attrs);
    if (a) {
        a->binder = op;
    }
    gen_mark m = gen_enter(g, op, 0);
    tg_value *index = each ? tg_block_add_arg(g->f, g->b.block, tg_type_scalar(g->f, TG_I64),
                                              gen_fresh(g, "k"))
                           : NULL;
    tg_value *carried[3];
    for (uint32_t i = 0; i < n; i++) {
        carried[i] = tg_block_add_arg(g->f, g->b.block, types[i], gen_fresh(g, "c"));
        gen_push(g, carried[i]);
    }
    g->work *= extent > 0 ? extent : 1;
    gen_push_binder(g, a, NULL,
                    each    ? 1
                    : block ? (block < extent ? block : extent)
                            : extent,
                    extent, false);
    index = each ? index : tg_build_iota(&g->b, a);
    g->binders[g->n_binders - 1].index = index;
    gen_push(g, index);
    gen_body(g, 2 + gen_below(g, 6));
    tg_value *out[3];
    for (uint32_t i = 0; i < n; i++) {
        out[i] = of_type(g, types[i]);
        static const tg_opcode update[] = {TG_OP_ADD, TG_OP_MAX, TG_OP_MIN, TG_OP_XOR};
        tg_dtype t = types[i]->dtype;
        uint32_t k = gen_below(g, 4);
        bool ordered = tg_dtype_kind_of(t) != TG_KIND_COMPLEX;
        bool ok =
            k == 3 ? (tg_dtype_is_int(t) || t == TG_BOOL) : t != TG_BOOL && (k == 0 || ordered);
        if (ok && gen_chance(g, 70)) {
            out[i] = tg_build_binary(&g->b, update[k], carried[i], out[i]);
        }
    }
    tg_build_yield(&g->b, out, n);
    gen_leave(g, m);
    for (uint32_t i = 0; i < n; i++) {
        gen_push(g, tg_result(op, i));
    }
}

/* As many rounds as an integer says, at most seven, with a tile that is carried. */
void gen_while(generator *g) {
    if (g->n_binders >= MAX_BINDERS - 4 || g->depth > 5 || g->work * 7 > 3000) {
        return;
    }
    tg_value *count = NULL;
    for (uint32_t i = 0; i < g->n_scope; i++) {
        tg_value *v = g->scope[i];
        count = !v->type->n_axes && v->type->dtype == TG_I64 && gen_chance(g, 60) ? v : count;
    }
    count = count ? count : tg_build_int(&g->b, TG_I64, gen_below(g, 8));
    tg_value *limit =
        tg_build_binary(&g->b, TG_OP_AND, count, tg_build_int(&g->b, TG_I64, 7));
    tg_value *x = gen_value(g, gen_dtype(g));
    tg_value *v[] = {tg_build_int(&g->b, TG_I64, 0), x};
    const tg_type *types[] = {v[0]->type, x->type};
    tg_op *op = tg_build_op(&g->b, TG_OP_WHILE, v, 2, types, 2, NULL, 0);
    for (uint32_t r = 0; r < 2; r++) {
        gen_mark m = gen_enter(g, op, r);
        tg_value *i = tg_block_add_arg(g->f, g->b.block, types[0], gen_fresh(g, "w")),
                 *y = tg_block_add_arg(g->f, g->b.block, types[1], gen_fresh(g, "c"));
        if (r == 0) {
            tg_value *passed[] = {tg_build_cmp(&g->b, TG_LT, i, limit), i, y};
            tg_build_op(&g->b, TG_OP_CONDITION, passed, 3, NULL, 0, NULL, 0);
        } else {
            g->work *= 7;
            gen_push_binder(g, NULL, i, 1, 7, false);
            gen_push(g, i);
            gen_push(g, y);
            gen_body(g, 1 + gen_below(g, 5));
            tg_value *next =
                tg_build_binary(&g->b, TG_OP_ADD, i, tg_build_int(&g->b, TG_I64, 1));
            tg_value *out[] = {next, of_type(g, types[1])};
            tg_build_yield(&g->b, out, 2);
        }
        gen_leave(g, m);
    }
    gen_push(g, tg_result(op, 1));
}

void gen_if(generator *g) {
    tg_value *c = NULL;
    for (uint32_t i = 0; i < g->n_scope; i++) {
        tg_value *v = g->scope[i];
        c = v->type->dtype == TG_BOOL && !v->type->n_axes ? v : c;
    }
    if (!c) {
        tg_value *x = NULL;
        for (uint32_t i = 0; i < g->n_scope; i++) {
            tg_value *v = g->scope[i];
            x = !v->type->n_axes && tg_dtype_is_int(v->type->dtype) && gen_chance(g, 60) ? v
                                                                                         : x;
        }
        if (!x || g->depth > 5) {
            return;
        }
        static const tg_enum preds[] = {TG_EQ, TG_NE, TG_LT, TG_LE, TG_GT, TG_GE};
        c = tg_build_cmp(&g->b, preds[gen_below(g, 6)], x, gen_constant(g, x->type->dtype));
    }
    uint32_t n = gen_below(g, 3);
    const tg_type *types[3];
    for (uint32_t i = 0; i < n; i++) {
        types[i] = gen_value(g, gen_dtype(g))->type;
    }
    tg_op *op = tg_build_op(&g->b, TG_OP_IF, &c, 1, types, n, NULL, 0);
    for (uint32_t r = 0; r < 2; r++) {
        gen_mark m = gen_enter(g, op, r);
        gen_body(g, gen_below(g, 4));
        tg_value *out[3];
        for (uint32_t i = 0; i < n; i++) {
            out[i] = of_type(g, types[i]);
        }
        tg_build_yield(&g->b, out, n);
        gen_leave(g, m);
    }
    for (uint32_t i = 0; i < n; i++) {
        gen_push(g, tg_result(op, i));
    }
}

/* ---- accumulations -------------------------------------------------------------------------------------------------------- */

/* An input over some of the axes of the grid and over `k`, at the places of these. */
static tg_value *term_over(generator *g, tg_dtype t, tg_axis *k, bool (*wanted)[MAX_BINDERS],
                           uint32_t side) {
    tg_axis *axes[4];
    uint32_t n = 0;
    for (uint32_t i = 0; i < g->n_binders; i++) {
        tg_axis *a = g->binders[i].axis;
        if (a && a->kind == TG_AXIS_GRID && wanted[side][i] && n < 3) {
            axes[n++] = a;
        }
    }
    uint32_t at = gen_below(g, n + 1);
    axes[n++] = axes[at];
    axes[at] = k;
    return gen_operand_over(g, t, axes, n);
}

/* What one block of `k` adds: a dot, or a reduction by the named function of that operation. */
static tg_value *block_term(generator *g, tg_dtype t, tg_axis *k, tg_enum fn,
                            const tg_type *to) {
    bool wanted[2][MAX_BINDERS];
    for (uint32_t i = 0; i < g->n_binders;
         i++) { /* every axis of the result on one side at least */
        wanted[0][i] = gen_chance(g, 60);
        wanted[1][i] = !wanted[0][i] || gen_chance(g, 20);
    }
    tg_value *x = term_over(g, t, k, wanted, 0), *y = x ? term_over(g, t, k, wanted, 1) : NULL;
    if (!y || !gen_fits(g, x->type, y->type)) {
        return NULL;
    }
    tg_value *term =
        fn == TG_FN_ADD && gen_chance(g, 50)
            ? tg_build_dot(&g->b, x, y, NULL, &k, 1)
            : tg_build_reduce(&g->b, fn, tg_build_binary(&g->b, TG_OP_ADD, x, y), &k, 1);
    return tg_type_axes_within(term->type, to)
               ? tg_build_broadcast(&g->b, tg_build_cast(&g->b, term, t), to)
               : NULL;
}

/* A loop over blocks that only accumulates, over all axes of the grid: what `split` cuts. Its block does not matter. */
void gen_accumulation(generator *g) {
    static const tg_dtype types[] = {TG_F32, TG_F32, TG_F32, TG_F64,
                                     TG_I32, TG_I64, TG_F16, TG_C32};
    static const tg_opcode ops[] = {TG_OP_ADD, TG_OP_ADD, TG_OP_MAX, TG_OP_MIN, TG_OP_MUL};
    static const tg_enum fns[] = {TG_FN_ADD, TG_FN_ADD, TG_FN_MAX, TG_FN_MIN, TG_FN_MUL};
    static const int64_t blocks[] = {0, 4, 8, 16};
    tg_dtype t = types[gen_below(g, 8)];
    uint32_t k = gen_below(g, tg_dtype_kind_of(t) == TG_KIND_COMPLEX ? 2 : 5);
    int64_t extent = gen_extent(g);
    if (g->n_binders >= MAX_BINDERS - 4 || g->depth != g->grid_depth ||
        g->work * extent > 20000) {
        return;
    }
    tg_axis *grid[8];
    uint32_t n_grid = 0;
    for (uint32_t i = 0; i < g->n_binders; i++) {
        tg_axis *a = g->binders[i].axis;
        if (a && a->kind == TG_AXIS_GRID) {
            grid[n_grid++] = a;
        }
    }
    const tg_type *type = tg_type_tile(g->f, t, grid, n_grid);
    if (n_grid > 3 || gen_tile_size(g, type) * (extent + 1) > MAX_TILE) {
        return;
    }
    tg_value *v[4];
    bool whole = gen_domain(g, extent, v);
    v[3] = tg_build_broadcast(&g->b, gen_constant(g, t), type);
    tg_axis *a = gen_axis(g, TG_AXIS_LOOP, extent, blocks[gen_below(g, 4)], whole);
    tg_attr attr = tg_attr_axis(g->arena, TG_ATTR_AXIS, a);
    tg_op *op = tg_build_op(&g->b, TG_OP_FOR, v, 4, &type, 1, &attr, 1);
    a->binder = op;
    gen_mark m = gen_enter(g, op, 0);
    tg_value *acc = tg_block_add_arg(g->f, g->b.block, type, gen_fresh(g, "c"));
    gen_push_binder(g, a, NULL, a->block && a->block < extent ? a->block : extent, extent,
                    false);
    g->binders[g->n_binders - 1].index = tg_build_iota(&g->b, a);
    tg_value *term = block_term(g, t, a, fns[k], type);
    tg_value *next = term ? tg_build_binary(&g->b, ops[k], acc, term) : acc;
    tg_build_yield(&g->b, &next, 1);
    gen_leave(g, m);
    gen_push(g, tg_result(op, 0));
}
