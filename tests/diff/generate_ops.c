/* Random operations inside a body: elementwise ones by the signatures of ops.def, reductions and their relatives, and
 * operations with a region of scalars. */
#include "tests/diff/generate.h"

#include <string.h>

/* ---- elementwise ---------------------------------------------------------------------------------------- */

static bool dtype_fits(tg_opcode op, char letter, tg_dtype t) {
    bool complex = tg_dtype_kind_of(t) == TG_KIND_COMPLEX;
    bool bits = op == TG_OP_AND || op == TG_OP_OR || op == TG_OP_XOR || op == TG_OP_NOT;
    bool ordered = op == TG_OP_ABS || op == TG_OP_SIGN || op == TG_OP_MIN || op == TG_OP_MAX;
    if (op == TG_OP_BYTE_PERM) {
        return t == TG_U32;
    }
    if (bits) {
        return t == TG_BOOL || tg_dtype_is_int(t);
    }
    switch (letter) {
    case 'f':
        return tg_dtype_is_float(t);
    case 'i':
        return tg_dtype_is_int(t);
    case 'b':
        return t == TG_BOOL;
    case 'c':
        return complex;
    default:
        return (t != TG_BOOL || op == TG_OP_CMP || op == TG_OP_SELECT || op == TG_OP_CAST) &&
               !(ordered && complex);
    }
}

static tg_opcode elementwise_opcode(generator *g) {
    for (;;) {
        tg_opcode op = gen_chance(g, 35)
                           ? (tg_opcode)(TG_OP_ADD + gen_below(g, 4))
                           : (tg_opcode)(TG_OP_ADD + gen_below(g, TG_OP_BROADCAST - TG_OP_ADD));
        if (tg_op_is_math(op) && gen_chance(g, 60)) {
            continue;
        }
        return op;
    }
}

static tg_value *other_operand(generator *g, tg_dtype t, const tg_type *so_far) {
    tg_value *v = gen_value(g, t);
    return v && gen_fits(g, so_far, v->type) ? v : gen_constant(g, t);
}

static const tg_type *sum_type(generator *g, tg_dtype t, tg_value *const *v, uint32_t n) {
    const tg_type *types[4];
    for (uint32_t i = 0; i < n; i++) {
        types[i] = v[i]->type;
    }
    return tg_type_union(g->f, t, types, n);
}

static tg_value *build_plain(generator *g, tg_opcode op, tg_value **v, uint32_t n) {
    const tg_op_info *info = tg_op_info_of(op);
    tg_dtype t = strcmp(info->results, "bool") == 0 ? TG_BOOL : v[0]->type->dtype;
    const tg_type *type = sum_type(g, t, v, n);
    static const tg_enum preds[] = {TG_EQ, TG_NE, TG_LT, TG_LE, TG_GT, TG_GE};
    bool complex = tg_dtype_kind_of(v[0]->type->dtype) == TG_KIND_COMPLEX;
    tg_attr attr = tg_attr_enum(TG_ATTR_PRED, preds[gen_below(g, complex ? 2 : 6)]);
    return tg_result(tg_build_op(&g->b, op, v, n, &type, 1, &attr, op == TG_OP_CMP), 0);
}

static tg_dtype bitcast_dtype(generator *g, tg_dtype t) {
    static const tg_dtype same[][4] = {{TG_I8, TG_U8, TG_I8, TG_U8},
                                       {TG_I16, TG_U16, TG_F16, TG_BF16},
                                       {TG_I32, TG_U32, TG_F32, TG_F32},
                                       {TG_I64, TG_U64, TG_F64, TG_F64}};
    int bits = tg_dtype_bits(t);
    return same[bits == 8 ? 0 : bits == 16 ? 1 : bits == 32 ? 2 : 3][gen_below(g, 4)];
}

static tg_value *build_special(generator *g, tg_opcode op, tg_value *x) {
    tg_dtype t = x->type->dtype;
    bool complex = tg_dtype_kind_of(t) == TG_KIND_COMPLEX;
    if (op == TG_OP_CAST) {
        tg_dtype to = gen_dtype(g);
        return complex && tg_dtype_kind_of(to) != TG_KIND_COMPLEX ? NULL
                                                                  : tg_build_cast(&g->b, x, to);
    }
    if (op == TG_OP_BITCAST) {
        return complex || t == TG_BOOL || tg_dtype_is_float(t)
                   ? NULL
                   : tg_build_bitcast(&g->b, x, bitcast_dtype(g, t));
    }
    if (op == TG_OP_CPLX) {
        if (t != TG_F32 && t != TG_F64) {
            return NULL;
        }
        tg_value *v[] = {x, other_operand(g, t, x->type)};
        const tg_type *type = sum_type(g, t == TG_F32 ? TG_C32 : TG_C64, v, 2);
        return tg_result(tg_build_op(&g->b, op, v, 2, &type, 1, NULL, 0), 0);
    }
    if (op == TG_OP_SELECT) {
        tg_value *c = other_operand(g, TG_BOOL, x->type);
        const tg_type *both =
            tg_type_union(g->f, t, (const tg_type *const[]){c->type, x->type}, 2);
        return tg_build_select(&g->b, c, x, other_operand(g, t, both));
    }
    const tg_type *type = tg_type_with_dtype(g->f, x->type, tg_dtype_real(t));
    return complex ? tg_result(tg_build_op(&g->b, op, &x, 1, &type, 1, NULL, 0), 0) : NULL;
}

static tg_value *make_elementwise(generator *g, tg_opcode op) {
    const char *s = tg_op_info_of(op)->operands;
    tg_dtype t = gen_dtype(g);
    for (uint32_t i = 0; i < 40 && !dtype_fits(op, *s, t); i++) {
        tg_value *v = g->n_scope ? g->scope[gen_below(g, g->n_scope)] : NULL;
        t = v && i < 20 ? v->type->dtype : gen_dtype(g);
    }
    if (!dtype_fits(op, *s, t)) {
        return NULL;
    }
    tg_value *v[3] = {gen_chance(g, 80) ? gen_tile(g, t) : NULL};
    v[0] = v[0] ? v[0] : gen_value(g, t);
    if (strcmp(tg_op_info_of(op)->results, "explicit") == 0 ||
        strcmp(tg_op_info_of(op)->results, "cast") == 0) {
        return op == TG_OP_SELECT ? build_special(g, op, gen_value(g, gen_dtype(g)))
                                  : build_special(g, op, v[0]);
    }
    uint32_t n = 1;
    for (s = s + 1; *s; s += 2, n++) {
        static const tg_dtype counts[] = {TG_U32, TG_I32, TG_I64, TG_U8};
        tg_dtype want = s[1] == '=' ? t : gen_chance(g, 50) ? t : counts[gen_below(g, 4)];
        v[n] = other_operand(g, want, sum_type(g, t, v, n));
    }
    return build_plain(g, op, v, n);
}

void gen_elementwise(generator *g) {
    tg_value *v = make_elementwise(g, elementwise_opcode(g));
    if (v) {
        gen_push(g, v);
    }
}

/* ---- reductions and relatives ---------------------------------------------------------------------------------- */

static uint32_t some_axes(generator *g, const tg_type *t, tg_axis **out, uint32_t most) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->n_axes && n < most; i++) {
        bool local = t->axes[i]->kind == TG_AXIS_LOCAL;
        if (gen_chance(g, local ? 60 : 15)) {
            out[n++] = t->axes[i];
        }
    }
    if (n == 0) {
        out[n++] = t->axes[gen_below(g, t->n_axes)];
    }
    for (uint32_t i = 0; i < n; i++) {
        g->dependent = g->dependent || out[i]->kind != TG_AXIS_LOCAL;
    }
    return n;
}

static tg_value *gen_reduce(generator *g, tg_value *x) {
    static const tg_enum fns[] = {TG_FN_ADD,    TG_FN_ADD,    TG_FN_MUL, TG_FN_MIN, TG_FN_MAX,
                                  TG_FN_ARGMIN, TG_FN_ARGMAX, TG_FN_AND, TG_FN_OR,  TG_FN_XOR};
    tg_dtype t = x->type->dtype;
    bool complex = tg_dtype_kind_of(t) == TG_KIND_COMPLEX;
    uint32_t k = t == TG_BOOL ? 7 + gen_below(g, 3)
                              : gen_below(g, complex              ? 3
                                             : tg_dtype_is_int(t) ? 10
                                                                  : 7);
    tg_axis *over[8];
    uint32_t n =
        some_axes(g, x->type, over, fns[k] == TG_FN_ARGMIN || fns[k] == TG_FN_ARGMAX ? 1 : 8);
    return tg_build_reduce(&g->b, fns[k], x, over, n);
}

static tg_value *gen_scan(generator *g, tg_value *x) {
    static const tg_enum fns[] = {TG_FN_ADD, TG_FN_MUL, TG_FN_MIN, TG_FN_MAX};
    tg_dtype t = x->type->dtype;
    tg_axis *over[8];
    if (t == TG_BOOL) {
        return NULL;
    }
    some_axes(g, x->type, over, 1);
    tg_attr attrs[4] = {tg_attr_axis(g->arena, TG_ATTR_AXIS, over[0])};
    attrs[1] = tg_attr_enum(TG_ATTR_FN,
                            fns[gen_below(g, tg_dtype_kind_of(t) == TG_KIND_COMPLEX ? 2 : 4)]);
    uint32_t n = 2;
    if (gen_chance(g, 40)) {
        attrs[n++] = tg_attr_flag(TG_ATTR_EXCLUSIVE);
    }
    if (gen_chance(g, 30)) {
        attrs[n++] = tg_attr_flag(TG_ATTR_REVERSE);
    }
    return tg_result(tg_build_op(&g->b, TG_OP_SCAN, &x, 1, &x->type, 1, attrs, n), 0);
}

static tg_dtype partner(generator *g, tg_dtype t) {
    if (t == TG_F16 || t == TG_BF16) {
        return gen_chance(g, 50) ? TG_F16 : TG_BF16;
    }
    if (t == TG_I8 || t == TG_U8) {
        return gen_chance(g, 50) ? TG_I8 : TG_U8;
    }
    return t;
}

/* Loads with the axes that a product wants: x over (rows, k), y over (k, columns). */
tg_value *gen_operand_over(generator *g, tg_dtype t, tg_axis *const *axes, uint32_t n) {
    int64_t shape[8] = {0};
    tg_value *index[8];
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t b = 0; b < g->n_binders; b++) {
            if (g->binders[b].axis == axes[i]) {
                index[i] = g->binders[b].index;
                shape[i] = g->binders[b].extent;
            }
        }
    }
    tg_value *x = gen_param_tensor(g, TG_FP_IN, t, n, shape,
                                   g->special          ? DIFF_FILL_SPECIAL
                                   : gen_chance(g, 50) ? DIFF_FILL_SMALL
                                                       : DIFF_FILL_FLOAT);
    return x ? tg_build_load(&g->b, x, index, n, NULL) : NULL;
}

static tg_value *fresh_dot(generator *g) {
    static const tg_dtype types[] = {TG_F32, TG_F32, TG_F32, TG_BF16, TG_F16,   TG_F64,
                                     TG_I8,  TG_U8,  TG_I32, TG_C32,  TG_F8E4M3};
    tg_axis *all[MAX_BINDERS], *k, *x_axes[4], *y_axes[4];
    uint32_t n = 0, nx = 0, ny = 0;
    for (uint32_t i = 0; i < g->n_binders; i++) {
        if (g->binders[i].axis) {
            all[n++] = g->binders[i].axis;
        }
    }
    k = gen_local(g);
    if (!k) {
        return NULL;
    }
    for (uint32_t i = 0; i < n && nx < 3 && ny < 3; i++) {
        uint32_t side = gen_below(g, 10);
        if (side < 5 || side == 9) {
            x_axes[nx++] = all[i];
        }
        if (side >= 5) {
            y_axes[ny++] = all[i];
        }
    }
    uint32_t at = gen_below(g, nx + 1); /* the summed axis at any place */
    x_axes[nx++] = x_axes[at];
    x_axes[at] = k;
    at = gen_below(g, ny + 1);
    y_axes[ny++] = y_axes[at];
    y_axes[at] = k;
    tg_dtype t = types[gen_below(g, 11)],
             u = t == TG_F8E4M3 && gen_chance(g, 50) ? TG_F8E5M2 : partner(g, t);
    tg_value *x = gen_operand_over(g, t, x_axes, nx),
             *y = x ? gen_operand_over(g, u, y_axes, ny) : NULL;
    if (!y || !gen_fits(g, x->type, y->type)) {
        return NULL;
    }
    tg_axis *over[] = {k};
    return tg_build_dot(&g->b, x, y, NULL, over, 1);
}

static tg_value *gen_dot(generator *g, tg_value *x) {
    tg_dtype t = x->type->dtype;
    if (gen_chance(g, 40)) {
        return fresh_dot(g);
    }
    tg_value *y = t == TG_BOOL ? NULL : gen_tile(g, partner(g, t));
    if (!y || !gen_fits(g, x->type, y->type)) {
        return NULL;
    }
    tg_axis *common[8];
    uint32_t n = 0;
    for (uint32_t i = 0; i < x->type->n_axes; i++) {
        tg_axis *a = x->type->axes[i];
        if (tg_type_has_axis(y->type, a) && (n == 0 || gen_chance(g, 50)) && n < 8) {
            common[n++] = a;
            g->dependent = g->dependent || a->kind != TG_AXIS_LOCAL;
        }
    }
    if (!n) {
        return NULL;
    }
    tg_value *acc = NULL;
    if (gen_chance(g, 40)) {
        extern tg_dtype tg_dot_dtype(tg_dtype a, tg_dtype b);
        acc = gen_value(g, tg_dot_dtype(t, y->type->dtype));
        for (uint32_t i = 0; i < n && acc; i++) {
            acc = tg_type_has_axis(acc->type, common[i]) ? NULL : acc;
        }
        acc =
            acc && gen_fits(g, sum_type(g, t, (tg_value *[]){x, y}, 2), acc->type) ? acc : NULL;
    }
    return tg_build_dot(&g->b, x, y, acc, common, n);
}

static tg_value *gen_order(generator *g, tg_value *x) {
    tg_dtype t = x->type->dtype;
    tg_axis *over[8];
    if (tg_dtype_kind_of(t) == TG_KIND_COMPLEX || t == TG_BOOL) {
        return NULL;
    }
    some_axes(g, x->type, over, 1);
    uint32_t kind = gen_below(g, tg_dtype_is_int(t) ? 3 : 2);
    tg_attr attrs[2] = {tg_attr_axis(g->arena, TG_ATTR_AXIS, over[0])};
    uint32_t n = 1;
    tg_opcode op = kind == 0 ? TG_OP_SORT : kind == 1 ? TG_OP_TOPK : TG_OP_HISTOGRAM;
    const tg_type *types[2] = {x->type, tg_type_with_dtype(g->f, x->type, TG_I64)};
    if (kind == 0 && gen_chance(g, 50)) {
        attrs[n++] = tg_attr_flag(TG_ATTR_DESCENDING);
    }
    if (kind) {
        tg_axis *to = gen_local(g);
        if (!to) {
            return NULL;
        }
        attrs[n++] = tg_attr_axis(g->arena, kind == 1 ? TG_ATTR_TO : TG_ATTR_BINS, to);
        const tg_type *rest = tg_type_drop(g->f, x->type, over, 1);
        const tg_type *with[] = {rest, tg_type_tile(g->f, t, &to, 1)};
        if (!gen_fits(g, rest, with[1])) {
            return NULL;
        }
        types[0] = tg_type_union(g->f, kind == 1 ? t : TG_I32, with, 2);
        types[1] = tg_type_union(g->f, TG_I64, with, 2);
    }
    tg_op *made = tg_build_op(&g->b, op, &x, 1, types, kind == 2 ? 1 : 2, attrs, n);
    if (kind != 2) {
        gen_push(g, tg_result(made, 1));
    }
    return tg_result(made, 0);
}

static tg_value *gen_reindex(generator *g, tg_value *x) {
    tg_axis *over[8];
    uint32_t n = some_axes(g, x->type, over, 1 + gen_below(g, 2));
    tg_value *v[8] = {x};
    const tg_type *type = tg_type_drop(g->f, x->type, over, n);
    for (uint32_t i = 0; i < n; i++) {
        tg_value *e = gen_value(g, TG_I64);
        if (gen_chance(g, 50)) {
            e = tg_build_iota(&g->b, over[i]);
            tg_value *c = tg_build_int(&g->b, TG_I64, (int64_t)gen_below(g, 9) - 4);
            e = gen_chance(g, 60) ? tg_build_binary(&g->b, TG_OP_ADD, e, c)
                                  : tg_build_binary(&g->b, TG_OP_SUB, c, e);
        }
        v[1 + i] =
            gen_fits(g, type, e->type) ? e : tg_build_int(&g->b, TG_I64, gen_below(g, 4));
        type = tg_type_union(g->f, x->type->dtype,
                             (const tg_type *const[]){type, v[1 + i]->type}, 2);
    }
    tg_attr attrs[2] = {tg_attr_axes(g->arena, TG_ATTR_AXES, over, n),
                        tg_attr_flag(TG_ATTR_ELSE)};
    uint32_t count = 1 + n, n_attrs = 1;
    if (gen_chance(g, 40)) {
        v[count++] = gen_constant(g, x->type->dtype);
        n_attrs = 2;
    }
    return tg_result(tg_build_op(&g->b, TG_OP_REINDEX, v, count, &type, 1, attrs, n_attrs), 0);
}

/* At an index that is injective: a scalar, or the axis reversed or shifted. */
static tg_value *gen_reindex_set(generator *g, tg_value *x) {
    tg_axis *over[8];
    some_axes(g, x->type, over, 1);
    tg_value *e = tg_build_int(&g->b, TG_I64, gen_below(g, 8));
    if (gen_chance(g, 50)) {
        tg_value *i = tg_build_iota(&g->b, over[0]);
        e = tg_build_binary(&g->b, gen_chance(g, 50) ? TG_OP_ADD : TG_OP_SUB, e, i);
    }
    tg_value *value = gen_value(g, x->type->dtype);
    const tg_type *rest = tg_type_drop(g->f, x->type, over, 1);
    const tg_type *room =
        tg_type_union(g->f, TG_I64, (const tg_type *const[]){rest, e->type}, 2);
    if (!tg_type_axes_within(value->type, room)) {
        value = gen_constant(g, x->type->dtype);
    }
    tg_value *v[] = {x, value, e};
    tg_attr attr = tg_attr_axes(g->arena, TG_ATTR_AXES, over, 1);
    return tg_result(tg_build_op(&g->b, TG_OP_REINDEX_SET, v, 3, &x->type, 1, &attr, 1), 0);
}

static tg_value *gen_axis_value(generator *g) {
    static const tg_opcode ops[] = {TG_OP_AXIS_FIRST, TG_OP_AXIS_SIZE, TG_OP_AXIS_BLOCK,
                                    TG_OP_AXIS_COUNT};
    tg_axis *a = g->n_binders ? g->binders[gen_below(g, g->n_binders)].axis : NULL;
    if (!a) {
        return NULL;
    }
    g->dependent = g->dependent || a->kind != TG_AXIS_LOCAL;
    return tg_build_axis_attr(&g->b, ops[gen_below(g, 4)], a);
}

static tg_value *gen_philox(generator *g) {
    tg_value *v[] = {gen_pick(g, TG_U64, false), gen_value(g, TG_I64)};
    v[0] = v[0] && !v[0]->type->n_axes ? v[0] : gen_constant(g, TG_U64);
    const tg_type *u32 = tg_type_with_dtype(g->f, v[1]->type, TG_U32),
                  *types[] = {u32, u32, u32, u32};
    tg_op *op = tg_build_op(&g->b, TG_OP_PHILOX, v, 2, types, 4, NULL, 0);
    for (uint32_t i = 1; i < 4; i++) {
        gen_push(g, tg_result(op, i));
    }
    return tg_result(op, 0);
}

void gen_structure(generator *g) {
    tg_value *x = gen_any_tile(g), *v = NULL;
    if (!x) {
        return;
    }
    if (g->zeros && tg_dtype_is_float(x->type->dtype) && gen_chance(g, 60)) {
        static const tg_opcode ops[] = {TG_OP_EXP, TG_OP_LOG, TG_OP_DIV};
        tg_opcode op = ops[gen_below(g, 3)];
        x = op == TG_OP_DIV ? tg_build_binary(&g->b, op, gen_constant(g, x->type->dtype), x)
                            : tg_build_unary(&g->b, op, x);
    }
    uint32_t k = gen_below(g, 100);
    if (k < 36) {
        v = gen_reduce(g, x);
    } else if (k < 58) {
        v = gen_dot(g, x);
    } else if (k < 66) {
        v = gen_scan(g, x);
    } else if (k < 72) {
        v = gen_order(g, x);
    } else if (k < 85) {
        v = gen_reindex(g, x);
    } else if (k < 92) {
        v = gen_reindex_set(g, x);
    } else if (k < 94) {
        v = gen_philox(g);
    } else {
        v = gen_axis_value(g);
    }
    if (v) {
        gen_push(g, v);
    }
}

/* ---- regions of scalars ---------------------------------------------------------------------------------------------- */

/* Elementwise operations on scalars in a region; the scope holds only its arguments. */
static tg_value *scalar_code(generator *g, tg_value *const *args, uint32_t n, uint32_t length,
                             tg_dtype want) {
    uint32_t keep_scope = g->n_scope, keep_binders = g->n_binders;
    tg_value *saved[MAX_SCOPE];
    memcpy(saved, g->scope, sizeof saved);
    g->n_scope = 0;
    g->n_binders = 0;
    for (uint32_t i = 0; i < n; i++) {
        gen_push(g, args[i]);
    }
    for (uint32_t i = 0; i < length; i++) {
        gen_elementwise(g);
    }
    tg_value *v = gen_value(g, want);
    v = v->type->n_axes ? gen_constant(g, want) : v;
    memcpy(g->scope, saved, sizeof saved);
    g->n_scope = keep_scope;
    g->n_binders = keep_binders;
    return v;
}

/* A loop in a lifted function: as many rounds as an integer says, at most seven. */
static tg_value *counted_loop(generator *g, tg_value *x, tg_value *count) {
    tg_value *seven = tg_build_int(&g->b, TG_I64, 7), *zero = tg_build_int(&g->b, TG_I64, 0);
    tg_value *limit =
        tg_build_binary(&g->b, TG_OP_AND, tg_build_cast(&g->b, count, TG_I64), seven);
    tg_value *v[] = {zero, x};
    const tg_type *types[] = {zero->type, x->type};
    tg_op *op = tg_build_op(&g->b, TG_OP_WHILE, v, 2, types, 2, NULL, 0);
    tg_builder outer = g->b;
    for (uint32_t r = 0; r < 2; r++) {
        g->b.block = &op->regions[r].body;
        tg_value *i = tg_block_add_arg(g->f, g->b.block, types[0], NULL),
                 *y = tg_block_add_arg(g->f, g->b.block, types[1], NULL);
        if (r == 0) {
            tg_value *passed[] = {tg_build_cmp(&g->b, TG_LT, i, limit), i, y};
            tg_build_op(&g->b, TG_OP_CONDITION, passed, 3, NULL, 0, NULL, 0);
        } else {
            tg_value *next =
                tg_build_binary(&g->b, TG_OP_ADD, i, tg_build_int(&g->b, TG_I64, 1));
            tg_value *args[] = {i, y},
                     *out[] = {next, scalar_code(g, args, 2, 3, y->type->dtype)};
            tg_build_yield(&g->b, out, 2);
        }
    }
    g->b = outer;
    return tg_result(op, 1);
}

static void gen_map(generator *g) {
    tg_value *x = gen_any_tile(g), *n = gen_value(g, TG_I32);
    if (!x || tg_dtype_is_storage(x->type->dtype) || !gen_fits(g, x->type, n->type)) {
        return;
    }
    tg_value *v[] = {x, n};
    tg_dtype t = gen_chance(g, 60) ? x->type->dtype : gen_dtype(g);
    const tg_type *type = sum_type(g, t, v, 2);
    tg_attr code[] = {tg_attr_str(TG_ATTR_TARGET, tg_intern_cstr(g->f->names, "ptx")), tg_attr_str(TG_ATTR_CODE, tg_intern_cstr(g->f->names, "of another target"))};
    bool foreign = gen_chance(g, 15); /* whose region is what it means here */
    tg_op *op = tg_build_op(&g->b, foreign ? TG_OP_ASM : TG_OP_MAP, v, 2, &type, 1, code, foreign ? 2 : 0);
    tg_builder outer = g->b;
    g->b.block = &op->regions[0].body;
    tg_value *a =
        tg_block_add_arg(g->f, g->b.block, tg_type_scalar(g->f, x->type->dtype), NULL);
    tg_value *c = tg_block_add_arg(g->f, g->b.block, tg_type_scalar(g->f, TG_I32), NULL);
    tg_value *args[] = {a, c};
    if (gen_chance(g, 60)) {
        args[0] = counted_loop(g, a, c);
    }
    tg_value *y = scalar_code(g, args, 2, 1 + gen_below(g, 4), t);
    tg_build_yield(&g->b, &y, 1);
    g->b = outer;
    gen_push(g, tg_result(op, 0));
}

/* A fold of pairs (extreme, its place): associative whatever the values. */
static void gen_fold(generator *g) {
    tg_value *x = gen_tile(g, gen_chance(g, 50) ? TG_F32 : TG_I32);
    tg_axis *over[8];
    if (!x) {
        return;
    }
    bool scan = gen_chance(g, 40);
    uint32_t n = some_axes(g, x->type, over, scan ? 1 : 2);
    tg_value *at = tg_build_iota(&g->b, over[0]);
    tg_dtype t = x->type->dtype;
    tg_value *least =
        t == TG_F32 ? tg_build_float(&g->b, t, -3e38) : tg_build_int(&g->b, t, INT32_MIN);
    tg_value *v[] = {least, tg_build_int(&g->b, TG_I64, -1), x, at};
    const tg_type *all = sum_type(g, t, v, 4),
                  *left = scan ? all : tg_type_drop(g->f, all, over, n);
    const tg_type *types[] = {left, tg_type_with_dtype(g->f, left, TG_I64)};
    tg_attr attrs[3] = {scan ? tg_attr_axis(g->arena, TG_ATTR_AXIS, over[0])
                             : tg_attr_axes(g->arena, TG_ATTR_OVER, over, n)};
    uint32_t n_attrs = 1;
    if (scan && gen_chance(g, 40)) {
        attrs[n_attrs++] = tg_attr_flag(TG_ATTR_EXCLUSIVE);
    }
    if (scan && gen_chance(g, 30)) {
        attrs[n_attrs++] = tg_attr_flag(TG_ATTR_REVERSE);
    }
    tg_op *op = tg_build_op(&g->b, scan ? TG_OP_SCAN_FN : TG_OP_REDUCE_FN, v, 4, types, 2,
                            attrs, n_attrs);
    tg_builder outer = g->b;
    g->b.block = &op->regions[0].body;
    tg_value *arg[4];
    for (uint32_t i = 0; i < 4; i++) {
        arg[i] =
            tg_block_add_arg(g->f, g->b.block, tg_type_scalar(g->f, i % 2 ? TG_I64 : t), NULL);
    }
    tg_value *c = tg_build_cmp(&g->b, TG_LT, arg[0], arg[2]);
    tg_value *out[] = {tg_build_select(&g->b, c, arg[2], arg[0]),
                       tg_build_select(&g->b, c, arg[3], arg[1])};
    tg_build_yield(&g->b, out, 2);
    g->b = outer;
    gen_push(g, tg_result(op, 0));
    gen_push(g, tg_result(op, 1));
}

/* A fold of one operation, which is a reduction or a scan that the language has. */
static void gen_operation_fold(generator *g) {
    static const struct {
        tg_opcode op;
        int64_t identity;
    } folds[] = {{TG_OP_ADD, 0}, {TG_OP_MUL, 1}, {TG_OP_MIN, INT32_MAX}, {TG_OP_MAX, INT32_MIN}, {TG_OP_AND, -1}, {TG_OP_XOR, 0}};
    tg_value *x = gen_tile(g, TG_I32);
    tg_axis *over[8];
    if (!x) {
        return;
    }
    bool scan = gen_chance(g, 50);
    uint32_t n = some_axes(g, x->type, over, scan ? 1 : 2), k = gen_below(g, 6);
    tg_value *v[] = {tg_build_int(&g->b, TG_I32, folds[k].identity), x};
    const tg_type *type = scan ? x->type : tg_type_drop(g->f, x->type, over, n);
    tg_attr attrs[] = {scan ? tg_attr_axis(g->arena, TG_ATTR_AXIS, over[0]) : tg_attr_axes(g->arena, TG_ATTR_OVER, over, n),
                       tg_attr_flag(gen_chance(g, 50) ? TG_ATTR_EXCLUSIVE : TG_ATTR_REVERSE)};
    tg_op *op = tg_build_op(&g->b, scan ? TG_OP_SCAN_FN : TG_OP_REDUCE_FN, v, 2, &type, 1, attrs, scan ? 1 + gen_below(g, 2) : 1);
    tg_builder outer = g->b;
    g->b.block = &op->regions[0].body;
    tg_value *a = tg_block_add_arg(g->f, g->b.block, tg_type_scalar(g->f, TG_I32), NULL);
    tg_value *b = tg_block_add_arg(g->f, g->b.block, tg_type_scalar(g->f, TG_I32), NULL);
    tg_value *y = tg_build_binary(&g->b, folds[k].op, a, b);
    tg_build_yield(&g->b, &y, 1);
    g->b = outer;
    gen_push(g, tg_result(op, 0));
}

void gen_region(generator *g) {
    if (gen_chance(g, 55)) {
        gen_map(g);
    } else if (gen_chance(g, 70)) {
        gen_fold(g);
    } else {
        gen_operation_fold(g);
    }
}
