/* Functions over axes: folds, scans, dot, sorting. The axes are bare names at the end of the
 * argument list. */
#include "dsl/parser/elab_builtin.h"

#include <string.h>

static void note_block_reduction(tg_elab *e, tg_axis *const *axes, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        const tg_axis *a = axes[i];
        while (a->like) {
            a = a->like;
        }
        if (a->kind == TG_AXIS_GRID) {
            e->func->block_dependent = true;
        }
    }
}

/* Operand 0 and the axes of argument `first` on; null after a report. */
static tg_value *operand_and_axes(tg_elab *e, const tg_call *c, uint32_t first, tg_axis **axes,
                                  uint32_t *n) {
    tg_value *x = tg_builtin_tile(e, c, 0);
    int count = tg_builtin_axes(e, c, first, axes);
    if (!x || count < 0 || !tg_builtin_check_axes(e, c, x, axes, (uint32_t)count)) {
        return NULL;
    }
    *n = (uint32_t)count;
    note_block_reduction(e, axes, *n);
    e->b.span = c->span;
    return x;
}

static bool arithmetic(tg_elab *e, const tg_call *c, const tg_value *x) {
    tg_dtype t = x->type->dtype;
    bool ordered = c->f->option != TG_FN_ADD && c->f->option != TG_FN_MUL;
    if (tg_dtype_is_storage(t)) {
        tg_report(e->diags, TG_E0210, c->span,
                  "%s is a storage type; convert before arithmetic", tg_dtype_name(t));
        return false;
    }
    if (t == TG_BOOL || (ordered && tg_dtype_kind_of(t) == TG_KIND_COMPLEX)) {
        tg_report(e->diags, TG_E0207, c->span, "'%s' is not defined for %s", c->f->name,
                  tg_dtype_name(t));
        return false;
    }
    return true;
}

/* ---- folds ------------------------------------------------------------------------------- */

static tg_value *widened(tg_elab *e, const tg_call *c, tg_axis **axes, uint32_t *n) {
    tg_value *x = operand_and_axes(e, c, 1, axes, n);
    return x ? tg_build_cast(&e->b, x, tg_dtype_wide(x->type->dtype)) : NULL;
}

tg_ev tg_builtin_fold(tg_elab *e, const tg_call *c) {
    tg_axis *axes[TG_CALL_MAX_AXES];
    uint32_t n;
    tg_value *x = widened(e, c, axes, &n);
    return x ? tg_ev_value(tg_build_reduce(&e->b, (tg_enum)c->f->option, x, axes, n))
             : tg_ev_poison();
}

tg_ev tg_builtin_minmax_over(tg_elab *e, const tg_call *c) {
    tg_axis *axes[TG_CALL_MAX_AXES];
    uint32_t n;
    if (c->n < 2) {
        tg_diag *d = tg_report(e->diags, TG_E0208, c->span,
                               "'%s' takes two values, or a value and axes", c->f->name);
        tg_diag_add_help(e->diags, d,
                         "name the axes to combine, `%s(x, j)`: `axis j in N;` declares one",
                         c->f->name);
        return tg_ev_poison();
    }
    tg_value *x = operand_and_axes(e, c, 1, axes, &n);
    if (!x || !arithmetic(e, c, x)) {
        return tg_ev_poison();
    }
    return tg_ev_value(tg_build_reduce(&e->b, (tg_enum)c->f->option, x, axes, n));
}

static tg_value *points_of(tg_elab *e, tg_axis *a) {
    tg_sym s = {.axis = a, .restricted = a->extent < 0};
    return tg_elab_axis_attribute(e, &s, TG_OP_AXIS_SIZE, e->b.span);
}

tg_ev tg_builtin_mean(tg_elab *e, const tg_call *c) {
    tg_axis *axes[TG_CALL_MAX_AXES];
    uint32_t n;
    tg_value *x = widened(e, c, axes, &n);
    if (!x) {
        return tg_ev_poison();
    }
    tg_value *total = tg_build_reduce(&e->b, TG_FN_ADD, x, axes, n),
             *points = points_of(e, axes[0]);
    for (uint32_t i = 1; i < n; i++) {
        points = tg_build_binary(&e->b, TG_OP_MUL, points, points_of(e, axes[i]));
    }
    points = tg_build_cast(&e->b, points, tg_dtype_real(total->type->dtype));
    return tg_ev_value(tg_build_binary(&e->b, TG_OP_DIV, total,
                                       tg_build_cast(&e->b, points, total->type->dtype)));
}

tg_ev tg_builtin_argminmax(tg_elab *e, const tg_call *c) {
    tg_axis *axes[TG_CALL_MAX_AXES];
    uint32_t n;
    tg_value *x = operand_and_axes(e, c, 1, axes, &n);
    if (!x || !arithmetic(e, c, x)) {
        return tg_ev_poison();
    }
    return tg_ev_value(tg_build_reduce(&e->b, (tg_enum)c->f->option, x, axes, n));
}

static tg_value *bool_operand(tg_elab *e, const tg_call *c, tg_axis **axes, uint32_t *n) {
    tg_value *x = operand_and_axes(e, c, 1, axes, n);
    if (x && x->type->dtype != TG_BOOL) {
        tg_report(e->diags, TG_E0206, tg_builtin_arg_span(c, 0),
                  "'%s' takes a bool, this is %s; write `!= 0`", c->f->name,
                  tg_elab_type_text(e, x->type));
        return NULL;
    }
    return x;
}

tg_ev tg_builtin_quantifier(tg_elab *e, const tg_call *c) {
    tg_axis *axes[TG_CALL_MAX_AXES];
    uint32_t n;
    tg_value *x = bool_operand(e, c, axes, &n);
    return x ? tg_ev_value(tg_build_reduce(&e->b, (tg_enum)c->f->option, x, axes, n))
             : tg_ev_poison();
}

tg_ev tg_builtin_count(tg_elab *e, const tg_call *c) {
    tg_axis *axes[TG_CALL_MAX_AXES];
    uint32_t n;
    tg_value *x = bool_operand(e, c, axes, &n);
    if (!x) {
        return tg_ev_poison();
    }
    return tg_ev_value(
        tg_build_reduce(&e->b, TG_FN_ADD, tg_build_cast(&e->b, x, TG_I64), axes, n));
}

static uint32_t scan_attrs(tg_elab *e, const tg_call *c, tg_attr *out) {
    uint32_t n = 0;
    if (tg_builtin_flag(e, c, "exclusive")) {
        out[n++] = tg_attr_flag(TG_ATTR_EXCLUSIVE);
    }
    if (tg_builtin_flag(e, c, "reverse")) {
        out[n++] = tg_attr_flag(TG_ATTR_REVERSE);
    }
    return n;
}

tg_ev tg_builtin_scan(tg_elab *e, const tg_call *c) {
    tg_axis *axes[TG_CALL_MAX_AXES];
    uint32_t n;
    tg_value *x = operand_and_axes(e, c, 1, axes, &n);
    if (!x || !arithmetic(e, c, x)) {
        return tg_ev_poison();
    }
    tg_attr attrs[4] = {tg_attr_enum(TG_ATTR_FN, (tg_enum)c->f->option),
                        tg_attr_axis(e->func->arena, TG_ATTR_AXIS, axes[0])};
    uint32_t n_attrs = 2 + scan_attrs(e, c, attrs + 2);
    return tg_ev_value(
        tg_result(tg_build_op(&e->b, TG_OP_SCAN, &x, 1, &x->type, 1, attrs, n_attrs), 0));
}

/* ---- folds with a function --------------------------------------------------------------- */

enum { MAX_PARTS = 16 };

/* Part i of the first parameter's type, where the function is not generic in it. */
static tg_dtype declared_part(tg_elab *e, const tg_ev *f, uint32_t i) {
    if (f->kind != TG_EV_FN || !f->function->fn || f->function->fn->n_params != 2) {
        return TG_DTYPE_NONE;
    }
    const tg_param *p = &f->function->fn->params[0];
    const tg_tref *t = p->kind == TG_PARAM_SCALAR ? p->type : NULL;
    if (t && t->kind == TG_TREF_TUPLE) {
        t = i < t->n_items ? t->items[i] : NULL;
    }
    if (t && t->kind == TG_TREF_WIDE) {
        t = NULL;
    }
    (void)e;
    return t && t->kind == TG_TREF_NAMED ? t->dtype : TG_DTYPE_NONE;
}

static uint32_t parts_of(const tg_ev *v, tg_ev *out) {
    if (v->kind != TG_EV_TUPLE) {
        out[0] = *v;
        return 1;
    }
    for (uint32_t i = 0; i < v->n_items && i < MAX_PARTS; i++) {
        out[i] = v->items[i];
    }
    return v->n_items;
}

typedef struct fold_parts {
    tg_value *operands[2 * MAX_PARTS]; /* identities, then tiles */
    const tg_type *results[MAX_PARTS];
    uint32_t n;
    bool tuple;
} fold_parts;

static bool convert_parts(tg_elab *e, const tg_call *c, const tg_ev *f, fold_parts *out) {
    tg_ev t = tg_builtin_arg(e, c, 0), id = tg_builtin_arg(e, c, 3);
    tg_ev tiles[MAX_PARTS], ids[MAX_PARTS];
    if (tg_ev_is_poison(&t) || tg_ev_is_poison(&id)) {
        return false;
    }
    out->tuple = t.kind == TG_EV_TUPLE;
    out->n = parts_of(&t, tiles);
    if (out->n > MAX_PARTS || parts_of(&id, ids) != out->n) {
        tg_report(e->diags, TG_E0211, c->span, "'%s' folds %s but its identity is %s",
                  c->f->name, tg_elab_ev_text(e, &t), tg_elab_ev_text(e, &id));
        return false;
    }
    for (uint32_t i = 0; i < out->n; i++) {
        tg_ev pair[] = {tiles[i], ids[i]};
        tg_dtype type = declared_part(e, f, i);
        type = type == TG_DTYPE_NONE ? tg_ev_dtype(&tiles[i]) : type;
        type = type == TG_DTYPE_NONE ? tg_elab_common(e, pair, 2, c->span, c->f->name) : type;
        out->operands[i] = tg_elab_converted(e, &ids[i], type, tg_builtin_arg_span(c, 3));
        out->operands[out->n + i] =
            tg_elab_converted(e, &tiles[i], type, tg_builtin_arg_span(c, 0));
        if (!out->operands[i] || !out->operands[out->n + i]) {
            return false;
        }
        if (out->operands[i]->type->n_axes) {
            tg_report(e->diags, TG_E0311, tg_builtin_arg_span(c, 3),
                      "the identity is a scalar, this one has axes %s",
                      tg_elab_axes_text(e, out->operands[i]->type->axes,
                                        out->operands[i]->type->n_axes));
            return false;
        }
    }
    return true;
}

static bool result_types(tg_elab *e, const tg_call *c, tg_axis *axis, fold_parts *p) {
    const tg_type *types[MAX_PARTS];
    for (uint32_t i = 0; i < p->n; i++) {
        types[i] = p->operands[p->n + i]->type;
    }
    const tg_type *all = tg_type_union(e->func, types[0]->dtype, types, p->n);
    if (!tg_type_has_axis(all, axis)) {
        tg_report(e->diags, TG_E0310, tg_builtin_arg_span(c, 0),
                  "axis '%s' is not an axis of this value: %s", axis->name,
                  tg_elab_type_text(e, all));
        return false;
    }
    const tg_type *rest = c->f->option ? all : tg_type_drop(e->func, all, &axis, 1);
    for (uint32_t i = 0; i < p->n; i++) {
        p->results[i] = tg_type_with_dtype(e->func, rest, types[i]->dtype);
    }
    return true;
}

static tg_ev wrap(tg_elab *e, const fold_parts *p, tg_value *const *v) {
    tg_ev items[MAX_PARTS];
    for (uint32_t i = 0; i < p->n; i++) {
        items[i] = tg_ev_value(v[i]);
    }
    return p->tuple ? tg_ev_tuple(e, items, p->n) : items[0];
}

/* region(a…, b…) { yield f(a, b) } */
static bool build_region(tg_elab *e, const tg_call *c, const tg_ev *f, tg_op *op,
                         const fold_parts *p) {
    tg_block *body = &op->regions[0].body;
    tg_builder saved = e->b;
    tg_value *yields[MAX_PARTS];
    tg_ev parts[MAX_PARTS];
    for (uint32_t i = 0; i < 2 * p->n; i++) {
        tg_block_add_arg(e->func, body, tg_type_scalar(e->func, p->results[i % p->n]->dtype),
                         NULL);
    }
    e->b.block = body;
    e->b.before = NULL;
    tg_ev pair[] = {wrap(e, p, body->args), wrap(e, p, body->args + p->n)};
    e->folds++;
    tg_ev r = tg_elab_apply(e, f, pair, 2, tg_builtin_arg_span(c, 2));
    e->folds--;
    bool ok = !tg_ev_is_poison(&r);
    if (ok && (parts_of(&r, parts) != p->n)) {
        tg_report(e->diags, TG_E0211, tg_builtin_arg_span(c, 2),
                  "the function returns %s, %u part%s expected", tg_elab_ev_text(e, &r), p->n,
                  p->n == 1 ? "" : "s");
        ok = false;
    }
    for (uint32_t i = 0; i < p->n && ok; i++) {
        yields[i] =
            tg_elab_converted(e, &parts[i], p->results[i]->dtype, tg_builtin_arg_span(c, 2));
        ok = yields[i] != NULL;
    }
    tg_build_yield(&e->b, yields, ok ? p->n : 0);
    e->b = saved;
    return ok;
}

tg_ev tg_builtin_fold_fn(tg_elab *e, const tg_call *c) {
    if (!c->x) {
        return tg_ev_poison();
    }
    tg_ev f = tg_elab_expr(e, c->args[2]);
    const tg_expr *name = c->args[1];
    tg_sym *axis =
        name->kind == TG_EXPR_NAME ? tg_elab_axis_name(e, name->u.name.name, name->span) : NULL;
    fold_parts p;
    if (name->kind != TG_EXPR_NAME) {
        tg_report(e->diags, TG_E0301, name->span, "'%s' takes the name of an axis here",
                  c->f->name);
    }
    if (!axis || f.kind == TG_EV_POISON || !convert_parts(e, c, &f, &p) ||
        !result_types(e, c, axis->axis, &p)) {
        return tg_ev_poison();
    }
    note_block_reduction(e, &axis->axis, 1);
    tg_attr attrs[4];
    uint32_t n_attrs = 1;
    attrs[0] = c->f->option ? tg_attr_axis(e->func->arena, TG_ATTR_AXIS, axis->axis)
                            : tg_attr_axes(e->func->arena, TG_ATTR_OVER, &axis->axis, 1);
    if (c->f->option) {
        n_attrs += scan_attrs(e, c, attrs + 1);
    }
    e->b.span = c->span;
    tg_op *op =
        tg_build_op(&e->b, c->f->op, p.operands, 2 * p.n, p.results, p.n, attrs, n_attrs);
    if (!build_region(e, c, &f, op, &p)) {
        return tg_ev_poison();
    }
    tg_value *results[MAX_PARTS];
    for (uint32_t i = 0; i < p.n; i++) {
        results[i] = tg_result(op, i);
    }
    return wrap(e, &p, results);
}

/* ---- dot --------------------------------------------------------------------------------- */

static bool dot_pair(tg_dtype a, tg_dtype b) {
    static const tg_dtype groups[][4] = {
        {TG_F16, TG_BF16}, {TG_F8E4M3, TG_F8E5M2}, {TG_I8, TG_U8}};
    if (a == b) {
        return a != TG_BOOL && a != TG_F8E8M0;
    }
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        bool has_a = a == groups[i][0] || a == groups[i][1],
             has_b = b == groups[i][0] || b == groups[i][1];
        if (has_a && has_b) {
            return true;
        }
    }
    return false;
}

static tg_enum precision_of(tg_elab *e, const tg_call *c, tg_dtype t) {
    const tg_expr *x = tg_builtin_named(c, "precision");
    if (!x) {
        return TG_ENUM_NONE;
    }
    static const tg_enum modes[] = {TG_TF32, TG_BF16X3, TG_TF32X3, TG_IEEE};
    for (size_t i = 0; i < 4 && x->kind == TG_EXPR_NAME; i++) {
        if (strcmp(x->u.name.name, tg_enum_name(modes[i])) == 0) {
            if (t != TG_F32) {
                tg_report(e->diags, TG_E0208, x->span,
                          "precision applies to f32, this is a dot of %s", tg_dtype_name(t));
            }
            return modes[i];
        }
    }
    tg_report(e->diags, TG_E0208, x->span, "precision is tf32, bf16x3 or tf32x3");
    return TG_ENUM_NONE;
}

/* An operand may be a choice of literals or a constant: it takes the other's type. */
static bool dot_operands(tg_elab *e, const tg_call *c, tg_value **x, tg_value **y) {
    tg_ev a = tg_builtin_arg(e, c, 0), b = tg_builtin_arg(e, c, 1);
    if (a.kind == TG_EV_LITERAL && b.kind == TG_EV_VALUE) {
        a = tg_elab_convert(e, &a, b.dtype, c->span);
    } else if (b.kind == TG_EV_LITERAL && a.kind == TG_EV_VALUE) {
        b = tg_elab_convert(e, &b, a.dtype, c->span);
    }
    *x = tg_elab_value(e, &a);
    *y = tg_elab_value(e, &b);
    if (!*x || !*y) {
        return false;
    }
    if (!dot_pair((*x)->type->dtype, (*y)->type->dtype)) {
        tg_diag *d =
            tg_report(e->diags, TG_E0203, c->span,
                      "dot takes operands of one type, these are %s and %s; convert one",
                      tg_dtype_name((*x)->type->dtype), tg_dtype_name((*y)->type->dtype));
        tg_diag_add_help(e->diags, d,
                         "mixed operands: two of f16 bf16, two of f8e4m3 f8e5m2, two of i8 u8");
        return false;
    }
    return true;
}

static tg_ev build_dot(tg_elab *e, const tg_call *c, tg_value *x, tg_value *y, tg_axis **axes,
                       uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        tg_value *lacking = !tg_type_has_axis(x->type, axes[i])   ? x
                            : !tg_type_has_axis(y->type, axes[i]) ? y
                                                                  : NULL;
        if (lacking) {
            uint32_t second = c->n - n == 4 ? 2 : 1;
            tg_diag *d =
                tg_report(e->diags, TG_E0310, tg_builtin_arg_span(c, lacking == x ? 0 : second),
                          "axis '%s' is not an axis of this operand: %s", axes[i]->name,
                          tg_elab_type_text(e, lacking->type));
            tg_diag_add_label(e->diags, d, c->span,
                              "dot sums products over '%s', which both operands need",
                              axes[i]->name);
            return tg_ev_poison();
        }
    }
    note_block_reduction(e, axes, n);
    e->b.span = c->span;
    return tg_ev_value(tg_build_dot(&e->b, x, y, NULL, axes, n));
}

tg_ev tg_builtin_dot(tg_elab *e, const tg_call *c) {
    tg_axis *axes[TG_CALL_MAX_AXES];
    tg_value *x, *y;
    bool ok = dot_operands(e, c, &x, &y);
    int n = tg_builtin_axes(e, c, 2, axes);
    if (!ok || n < 0) {
        return tg_ev_poison();
    }
    tg_ev v = build_dot(e, c, x, y, axes, (uint32_t)n);
    tg_enum precision = precision_of(e, c, x->type->dtype);
    if (v.kind == TG_EV_VALUE && precision != TG_ENUM_NONE) {
        tg_op_set_attr(e->func, v.value->def, tg_attr_enum(TG_ATTR_PRECISION, precision));
    }
    return v;
}

/* Scales are powers of two (f8e8m0) or small (f8e4m3): the products of value and scale are
 * exact in f32. */
static tg_value *scaled(tg_elab *e, const tg_call *c, uint32_t i) {
    tg_value *x = tg_builtin_tile(e, c, i), *s = tg_builtin_tile(e, c, i + 1);
    if (!x || !s) {
        return NULL;
    }
    tg_dtype t = x->type->dtype, st = s->type->dtype;
    bool small = tg_dtype_is_float(t) && tg_dtype_is_storage(t) && t != TG_F8E8M0;
    if (!small || (st != TG_F8E8M0 && st != TG_F8E4M3)) {
        tg_report(e->diags, TG_E0203, c->span,
                  "dot_scaled takes f4 or f8 values with f8e8m0 or f8e4m3 scales, these are %s "
                  "and %s",
                  tg_dtype_name(t), tg_dtype_name(st));
        return NULL;
    }
    e->b.span = c->span;
    return tg_build_binary(&e->b, TG_OP_MUL, tg_build_cast(&e->b, x, TG_F32),
                           tg_build_cast(&e->b, s, TG_F32));
}

tg_ev tg_builtin_dot_scaled(tg_elab *e, const tg_call *c) {
    tg_axis *axes[TG_CALL_MAX_AXES];
    tg_value *x = scaled(e, c, 0), *y = scaled(e, c, 2);
    int n = tg_builtin_axes(e, c, 4, axes);
    return x && y && n >= 0 ? build_dot(e, c, x, y, axes, (uint32_t)n) : tg_ev_poison();
}

/* ---- order ------------------------------------------------------------------------------- */

tg_ev tg_builtin_sort(tg_elab *e, const tg_call *c) {
    tg_axis *axes[TG_CALL_MAX_AXES];
    uint32_t n;
    tg_value *x = operand_and_axes(e, c, 1, axes, &n);
    if (!x || !arithmetic(e, c, x)) {
        return tg_ev_poison();
    }
    tg_attr attrs[] = {tg_attr_axis(e->func->arena, TG_ATTR_AXIS, axes[0]),
                       tg_attr_flag(TG_ATTR_DESCENDING)};
    const tg_type *types[] = {x->type, tg_type_with_dtype(e->func, x->type, TG_I64)};
    uint32_t n_attrs = tg_builtin_flag(e, c, "descending") ? 2 : 1;
    tg_op *op = tg_build_op(&e->b, TG_OP_SORT, &x, 1, types, 2, attrs, n_attrs);
    tg_ev parts[] = {tg_ev_value(tg_result(op, 0)), tg_ev_value(tg_result(op, 1))};
    return c->f->option == 2 ? tg_ev_tuple(e, parts, 2) : parts[c->f->option];
}

static bool constant_axis(tg_elab *e, const tg_call *c, const tg_axis *a, uint32_t i) {
    if (tg_elab_constant_axis(e, a)) {
        return true;
    }
    tg_diag *d = tg_report(e->diags, TG_E0212, tg_builtin_arg_span(c, i),
                           "'%s' takes an axis of constant extent here", c->f->name);
    tg_diag_add_label(e->diags, d, a->span, "axis '%s' is bound here", a->name);
    tg_diag_add_help(e->diags, d,
                     "`axis %s in 8;`, or over a dimension that is declared with const, "
                     "`[M, const N]`, or a const parameter: one variant is compiled per value",
                     a->name);
    return false;
}

tg_ev tg_builtin_topk(tg_elab *e, const tg_call *c) {
    tg_axis *axes[TG_CALL_MAX_AXES];
    tg_value *x = tg_builtin_tile(e, c, 0);
    int n = tg_builtin_axes(e, c, 1, axes);
    if (!x || n != 2 || !tg_builtin_check_axes(e, c, x, axes, 1) || !arithmetic(e, c, x) ||
        !constant_axis(e, c, axes[1], 2)) {
        return tg_ev_poison();
    }
    const tg_type *to = tg_type_tile(e->func, x->type->dtype, &axes[1], 1);
    const tg_type *both[] = {tg_type_drop(e->func, x->type, axes, 1), to};
    const tg_type *values = tg_type_union(e->func, x->type->dtype, both, 2);
    const tg_type *types[] = {values, tg_type_with_dtype(e->func, values, TG_I64)};
    tg_attr attrs[] = {tg_attr_axis(e->func->arena, TG_ATTR_AXIS, axes[0]),
                       tg_attr_axis(e->func->arena, TG_ATTR_TO, axes[1])};
    note_block_reduction(e, axes, 1);
    e->b.span = c->span;
    tg_op *op = tg_build_op(&e->b, TG_OP_TOPK, &x, 1, types, 2, attrs, 2);
    tg_ev parts[] = {tg_ev_value(tg_result(op, 0)), tg_ev_value(tg_result(op, 1))};
    return tg_ev_tuple(e, parts, 2);
}

tg_ev tg_builtin_histogram(tg_elab *e, const tg_call *c) {
    tg_axis *axes[TG_CALL_MAX_AXES];
    tg_value *x = tg_builtin_tile(e, c, 0);
    int n = tg_builtin_axes(e, c, 1, axes);
    if (!x || n != 2 || !tg_builtin_check_axes(e, c, x, axes, 1) ||
        !constant_axis(e, c, axes[1], 2)) {
        return tg_ev_poison();
    }
    if (!tg_dtype_is_int(x->type->dtype) || tg_dtype_is_storage(x->type->dtype)) {
        tg_report(e->diags, TG_E0207, c->span, "'histogram' is not defined for %s",
                  tg_dtype_name(x->type->dtype));
        return tg_ev_poison();
    }
    const tg_type *bins = tg_type_tile(e->func, TG_I32, &axes[1], 1);
    const tg_type *both[] = {tg_type_drop(e->func, x->type, axes, 1), bins};
    const tg_type *type = tg_type_union(e->func, TG_I32, both, 2);
    tg_attr attrs[] = {tg_attr_axis(e->func->arena, TG_ATTR_AXIS, axes[0]),
                       tg_attr_axis(e->func->arena, TG_ATTR_BINS, axes[1])};
    note_block_reduction(e, axes, 1);
    e->b.span = c->span;
    return tg_ev_value(
        tg_result(tg_build_op(&e->b, TG_OP_HISTOGRAM, &x, 1, &type, 1, attrs, 2), 0));
}
