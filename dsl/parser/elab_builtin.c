/* Built-in functions: the table, argument handling, elementwise functions and what is composed
 * of them. */
#include "dsl/parser/elab_builtin.h"

#include <math.h>
#include <string.h>

/* ---- arguments --------------------------------------------------------------------------- */

tg_span tg_builtin_arg_span(const tg_call *c, uint32_t i) {
    return c->x ? c->args[i]->span : c->span;
}

tg_ev tg_builtin_arg(tg_elab *e, const tg_call *c, uint32_t i) {
    return c->x ? tg_elab_rvalue(e, c->args[i]) : c->values[i];
}

tg_value *tg_builtin_tile(tg_elab *e, const tg_call *c, uint32_t i) {
    tg_ev v = tg_builtin_arg(e, c, i);
    if (v.kind == TG_EV_TUPLE) {
        tg_report(e->diags, TG_E0211, tg_builtin_arg_span(c, i),
                  "'%s' takes one value here, this is a tuple of %u", c->f->name, v.n_items);
        return NULL;
    }
    return tg_elab_value(e, &v);
}

const tg_expr *tg_builtin_named(const tg_call *c, const char *name) {
    for (uint32_t i = 0; c->x && i < c->x->u.call.n_args; i++) {
        const tg_arg *a = &c->x->u.call.args[i];
        if (a->name && strcmp(a->name, name) == 0) {
            return a->value;
        }
    }
    return NULL;
}

bool tg_builtin_flag(tg_elab *e, const tg_call *c, const char *name) {
    const tg_expr *x = tg_builtin_named(c, name);
    bool value = false;
    if (!x) {
        return false;
    }
    tg_ev v = tg_elab_rvalue(e, x);
    if (!tg_ev_known_bool(&v, &value) && !tg_ev_is_poison(&v) && !tg_ev_is_constant(&v)) {
        tg_report(e->diags, TG_E0212, x->span, "'%s' takes a constant bool", name);
    }
    return value;
}

static const tg_sym *axis_symbol(const tg_elab *e, const tg_expr *x) {
    if (x->kind != TG_EXPR_NAME || x->parens) {
        return NULL;
    }
    const tg_sym *s = tg_scope_find(e, x->u.name.name);
    return s && s->kind == TG_SYM_AXIS ? s : NULL;
}

bool tg_builtin_has_axes(tg_elab *e, const tg_call *c, uint32_t first) {
    return c->x && c->n > first && axis_symbol(e, c->args[first]);
}

int tg_builtin_axes(tg_elab *e, const tg_call *c, uint32_t first, tg_axis **out) {
    uint32_t n = 0;
    if (!c->x) {
        tg_report(e->diags, TG_E0301, c->span,
                  "'%s' needs an axis; it cannot be applied to values alone", c->f->name);
        return -1;
    }
    for (uint32_t i = first; i < c->n; i++) {
        const tg_expr *x = c->args[i];
        if (x->kind != TG_EXPR_NAME) {
            tg_report(e->diags, TG_E0301, x->span, "'%s' takes the name of an axis here",
                      c->f->name);
            return -1;
        }
        tg_sym *s = tg_elab_axis_name(e, x->u.name.name, x->span);
        if (!s || n == TG_CALL_MAX_AXES) {
            return -1;
        }
        for (uint32_t j = 0; j < n; j++) {
            if (out[j] == s->axis) {
                tg_report(e->diags, TG_E0208, x->span, "axis '%s' is given twice", s->name);
                return -1;
            }
        }
        out[n++] = s->axis;
    }
    return (int)n;
}

bool tg_builtin_check_axes(tg_elab *e, const tg_call *c, const tg_value *x,
                           tg_axis *const *axes, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        if (!tg_type_has_axis(x->type, axes[i])) {
            tg_diag *d = tg_report(e->diags, TG_E0310, tg_builtin_arg_span(c, 0),
                                   "axis '%s' is not an axis of this value: %s", axes[i]->name,
                                   tg_elab_type_text(e, x->type));
            tg_diag_add_label(e->diags, d, c->span, "'%s' works over '%s' here", c->f->name,
                              axes[i]->name);
            return false;
        }
    }
    return true;
}

/* ---- elementwise ------------------------------------------------------------------------- */

static bool takes(int mask, tg_dtype t) {
    switch (tg_dtype_kind_of(t)) {
    case TG_KIND_BOOL:
        return mask & TG_TAKES_BOOL;
    case TG_KIND_SINT:
    case TG_KIND_UINT:
        return mask & TG_TAKES_INT;
    case TG_KIND_FLOAT:
        return mask & TG_TAKES_FLOAT;
    case TG_KIND_COMPLEX:
        return mask & TG_TAKES_COMPLEX;
    case TG_KIND_NONE:
        break;
    }
    return false;
}

/* Functions of literals alone are computed in f64 and stay untyped. */
static bool fold_literals(tg_opcode op, const tg_ev *args, uint32_t n, tg_ev *out) {
    tg_scalar s[4] = {{0}}, r;
    bool any_float = false;
    for (uint32_t i = 0; i < n; i++) {
        if (args[i].kind != TG_EV_LITERAL || args[i].n_items) {
            return false;
        }
        any_float |= args[i].is_float;
    }
    for (uint32_t i = 0; i < n; i++) {
        double v = args[i].is_float ? args[i].number : (double)args[i].integer;
        s[i] = any_float ? tg_scalar_float(TG_F64, v)
                         : tg_scalar_int(TG_I64, (int64_t)args[i].integer);
    }
    if (!tg_const_function(op, s, n, &r)) {
        return false;
    }
    *out = any_float ? tg_ev_float(r.f) : tg_ev_int(r.i);
    return true;
}

static bool fold_constants(tg_opcode op, const tg_ev *args, uint32_t n, tg_ev *out) {
    tg_scalar s[4], r;
    for (uint32_t i = 0; i < n; i++) {
        if (args[i].kind != TG_EV_CONST) {
            return false;
        }
        s[i] = args[i].scalar;
    }
    if (!tg_const_function(op, s, n, &r)) {
        return false;
    }
    *out = tg_ev_const(r);
    return true;
}

static tg_dtype argument_type(tg_elab *e, const char *name, int mask, const tg_ev *args,
                              uint32_t n, tg_span span) {
    tg_dtype t = tg_elab_common(e, args, n, span, name);
    if (t == TG_DTYPE_NONE) {
        for (uint32_t i = 0; i < n; i++) {
            if (args[i].kind == TG_EV_TUPLE && !tg_ev_is_poison(&args[i])) {
                tg_report(e->diags, TG_E0211, span, "'%s' takes single values, this is %s",
                          name, tg_elab_ev_text(e, &args[i]));
            }
        }
        return t;
    }
    bool untyped = true;
    for (uint32_t i = 0; i < n; i++) {
        untyped = untyped && args[i].kind == TG_EV_LITERAL;
    }
    if (untyped && !takes(mask, t)) {
        t = mask & TG_TAKES_FLOAT ? TG_F32 : t;
    }
    if (tg_dtype_is_storage(t)) {
        tg_report(e->diags, TG_E0210, span, "%s is a storage type; convert before arithmetic",
                  tg_dtype_name(t));
        return TG_DTYPE_NONE;
    }
    if (!takes(mask, t)) {
        tg_diag *d = tg_report(e->diags, TG_E0207, span, "'%s' is not defined for %s", name,
                               tg_dtype_name(t));
        if (tg_dtype_is_int(t) && (mask & TG_TAKES_FLOAT)) {
            tg_diag_add_help(e->diags, d, "convert the argument, for example f32(…)");
        }
        return TG_DTYPE_NONE;
    }
    return t;
}

tg_ev tg_builtin_elementwise(tg_elab *e, const char *name, tg_opcode op, int mask, tg_ev *args,
                             uint32_t n, tg_span span) {
    tg_ev out;
    tg_value *v[4];
    const tg_type *types[4];
    if (fold_literals(op, args, n, &out)) {
        return out;
    }
    tg_dtype t = argument_type(e, name, mask, args, n, span);
    bool constant = true;
    for (uint32_t i = 0; i < n; i++) {
        args[i] = tg_elab_convert(e, &args[i], t, span);
        if (tg_ev_is_poison(&args[i])) {
            return tg_ev_poison();
        }
        constant = constant && tg_ev_is_constant(&args[i]);
    }
    if (fold_constants(op, args, n, &out)) {
        return out;
    }
    e->b.span = span;
    for (uint32_t i = 0; i < n; i++) {
        v[i] = tg_elab_value(e, &args[i]);
        types[i] = v[i]->type;
    }
    tg_dtype result = tg_op_info_of(op)->results[0] == 'b' ? TG_BOOL : t;
    const tg_type *type = tg_type_union(e->func, result, types, n);
    return tg_ev_value_const(tg_result(tg_build_op(&e->b, op, v, n, &type, 1, NULL, 0), 0),
                             constant);
}

static tg_ev elementwise(tg_elab *e, const tg_call *c) {
    tg_ev args[4];
    for (uint32_t i = 0; i < c->n; i++) {
        args[i] = tg_builtin_arg(e, c, i);
    }
    return tg_builtin_elementwise(e, c->f->name, c->f->op, c->f->option, args, c->n, c->span);
}

static tg_ev apply1(tg_elab *e, tg_opcode op, tg_ev x, tg_span span) {
    return tg_builtin_elementwise(e, tg_op_info_of(op)->mnemonic, op, TG_TAKES_NUMBER, &x, 1,
                                  span);
}

static tg_ev apply2(tg_elab *e, tg_opcode op, tg_ev x, tg_ev y, tg_span span) {
    tg_ev args[] = {x, y};
    return tg_builtin_elementwise(e, tg_op_info_of(op)->mnemonic, op, TG_TAKES_NUMBER, args, 2,
                                  span);
}

static tg_ev minmax(tg_elab *e, const tg_call *c) {
    if (tg_builtin_has_axes(e, c, 1) || (c->x && c->n != 2)) {
        return tg_builtin_minmax_over(e, c);
    }
    return apply2(e, c->f->op, tg_builtin_arg(e, c, 0), tg_builtin_arg(e, c, 1), c->span);
}

static tg_ev clamp(tg_elab *e, const tg_call *c) {
    tg_ev x = tg_builtin_arg(e, c, 0), lo = tg_builtin_arg(e, c, 1),
          hi = tg_builtin_arg(e, c, 2);
    return apply2(e, TG_OP_MIN, apply2(e, TG_OP_MAX, x, lo, c->span), hi, c->span);
}

static tg_ev fract(tg_elab *e, const tg_call *c) {
    tg_ev x = tg_builtin_arg(e, c, 0), whole = x;
    whole = tg_builtin_elementwise(e, "fract", TG_OP_FLOOR, TG_TAKES_FLOAT, &whole, 1, c->span);
    return tg_ev_is_poison(&whole) ? whole : tg_elab_binary(e, TG_OPER_SUB, x, whole, c->span);
}

static tg_ev rcp(tg_elab *e, const tg_call *c) {
    return tg_elab_binary(e, TG_OPER_DIV, tg_ev_float(1.0), tg_builtin_arg(e, c, 0), c->span);
}

static tg_ev sincos(tg_elab *e, const tg_call *c) {
    tg_ev x = tg_builtin_arg(e, c, 0), y = x;
    tg_ev parts[2];
    parts[0] = tg_builtin_elementwise(e, "sincos", TG_OP_SIN, TG_TAKES_FLOAT, &x, 1, c->span);
    parts[1] = tg_builtin_elementwise(e, "sincos", TG_OP_COS, TG_TAKES_FLOAT, &y, 1, c->span);
    return tg_ev_tuple(e, parts, 2);
}

/* An integer exponent is converted to the base's type. */
static tg_ev power(tg_elab *e, const tg_call *c) {
    tg_ev x[2] = {tg_builtin_arg(e, c, 0), tg_builtin_arg(e, c, 1)};
    tg_dtype t = tg_ev_dtype(&x[0]), u = tg_ev_dtype(&x[1]);
    if (u != TG_DTYPE_NONE && tg_dtype_is_int(u) && t != TG_DTYPE_NONE &&
        tg_dtype_is_float(t)) {
        x[1] = tg_elab_cast(e, &x[1], t, c->span);
    }
    return tg_builtin_elementwise(e, "pow", TG_OP_POW, TG_TAKES_FLOAT, x, 2, c->span);
}

/* ---- integers ---------------------------------------------------------------------------- */

/* (a + b - 1) / b for b > 0 (and unsigned); -((-a) / b) where the sign of b is open: `/`
 * rounds down. */
static tg_ev ceil_div(tg_elab *e, const tg_call *c) {
    tg_ev a = tg_builtin_arg(e, c, 0), b = tg_builtin_arg(e, c, 1);
    int64_t known;
    bool positive = tg_ev_known_int(&b, &known) && known > 0;
    tg_dtype t = tg_ev_dtype(&a) == TG_DTYPE_NONE ? tg_ev_dtype(&b) : tg_ev_dtype(&a);
    if (positive || tg_dtype_kind_of(t) == TG_KIND_UINT) {
        tg_ev up = tg_elab_binary(e, TG_OPER_SUB, tg_elab_binary(e, TG_OPER_ADD, a, b, c->span),
                                  tg_ev_int(1), c->span);
        return tg_elab_binary(e, TG_OPER_DIV, up, b, c->span);
    }
    tg_ev q =
        tg_elab_binary(e, TG_OPER_DIV, tg_elab_unary(e, TG_OPER_NEG, a, c->span), b, c->span);
    return tg_elab_unary(e, TG_OPER_NEG, q, c->span);
}

static tg_ev is_pow2(tg_elab *e, const tg_call *c) {
    tg_ev x = tg_builtin_arg(e, c, 0);
    tg_ev less = tg_elab_binary(e, TG_OPER_SUB, x, tg_ev_int(1), c->span);
    tg_ev single = tg_elab_binary(
        e, TG_OPER_EQ, tg_elab_binary(e, TG_OPER_AND, x, less, c->span), tg_ev_int(0), c->span);
    tg_ev positive = tg_elab_binary(e, TG_OPER_GT, x, tg_ev_int(0), c->span);
    return tg_elab_binary(e, TG_OPER_AND, positive, single, c->span);
}

static bool integer_tile(tg_elab *e, const tg_call *c, tg_ev *v) {
    if (v->kind == TG_EV_LITERAL) {
        *v = tg_elab_convert(e, v, TG_I64, c->span);
    }
    if (tg_ev_is_number(v) && tg_dtype_is_int(v->dtype) && !tg_dtype_is_storage(v->dtype)) {
        return true;
    }
    if (!tg_ev_is_poison(v)) {
        tg_report(e->diags, TG_E0207, c->span, "'%s' is not defined for %s", c->f->name,
                  tg_elab_ev_text(e, v));
    }
    return false;
}

static tg_ev rotl(tg_elab *e, const tg_call *c) {
    tg_ev x = tg_builtin_arg(e, c, 0), n = tg_builtin_arg(e, c, 1);
    if (!integer_tile(e, c, &x) || !integer_tile(e, c, &n)) {
        return tg_ev_poison();
    }
    e->b.span = c->span;
    tg_value *a = tg_elab_value(e, &x), *b = tg_elab_value(e, &n);
    return tg_ev_value_const(tg_build_binary(&e->b, TG_OP_ROTL, a, b),
                             tg_ev_is_constant(&x) && tg_ev_is_constant(&n));
}

static tg_ev byte_perm(tg_elab *e, const tg_call *c) {
    tg_value *v[3];
    const tg_type *types[3];
    for (uint32_t i = 0; i < 3; i++) {
        tg_ev x = tg_builtin_arg(e, c, i);
        v[i] = tg_elab_converted(e, &x, TG_U32, tg_builtin_arg_span(c, i));
        if (!v[i]) {
            return tg_ev_poison();
        }
        types[i] = v[i]->type;
    }
    const tg_type *t = tg_type_union(e->func, TG_U32, types, 3);
    return tg_ev_value(tg_result(tg_build_op(&e->b, TG_OP_BYTE_PERM, v, 3, &t, 1, NULL, 0), 0));
}

/* ---- complex ----------------------------------------------------------------------------- */

static tg_ev build_complex(tg_elab *e, tg_ev re, tg_ev im, tg_span span) {
    tg_ev parts[] = {re, im};
    tg_dtype t = argument_type(e, "complex", TG_TAKES_FLOAT, parts, 2, span);
    if (t == TG_DTYPE_NONE) {
        return tg_ev_poison();
    }
    t = t == TG_F64 ? TG_F64 : TG_F32;
    re = tg_elab_convert(e, &re, t, span);
    im = tg_elab_convert(e, &im, t, span);
    tg_dtype complex_type = t == TG_F64 ? TG_C64 : TG_C32;
    if (re.kind == TG_EV_CONST && im.kind == TG_EV_CONST) {
        return tg_ev_const(
            (tg_scalar){.dtype = complex_type, .f = re.scalar.f, .g = im.scalar.f});
    }
    e->b.span = span;
    tg_value *v[] = {tg_elab_value(e, &re), tg_elab_value(e, &im)};
    if (!v[0] || !v[1]) {
        return tg_ev_poison();
    }
    const tg_type *types[] = {v[0]->type, v[1]->type};
    const tg_type *type = tg_type_union(e->func, complex_type, types, 2);
    tg_value *r = tg_result(tg_build_op(&e->b, TG_OP_CPLX, v, 2, &type, 1, NULL, 0), 0);
    return tg_ev_value_const(r, tg_ev_is_constant(&re) && tg_ev_is_constant(&im));
}

static tg_ev make_complex(tg_elab *e, const tg_call *c) {
    return build_complex(e, tg_builtin_arg(e, c, 0), tg_builtin_arg(e, c, 1), c->span);
}

static tg_ev part_of(tg_elab *e, tg_opcode op, tg_ev x, tg_span span) {
    if (x.kind == TG_EV_CONST) {
        return tg_ev_const(
            tg_scalar_float(tg_dtype_real(x.dtype), op == TG_OP_RE ? x.scalar.f : x.scalar.g));
    }
    e->b.span = span;
    const tg_type *t = tg_type_with_dtype(e->func, x.value->type, tg_dtype_real(x.dtype));
    return tg_ev_value_const(tg_result(tg_build_op(&e->b, op, &x.value, 1, &t, 1, NULL, 0), 0),
                             x.constant);
}

static bool complex_tile(tg_elab *e, const tg_call *c, tg_ev *v) {
    if ((v->kind == TG_EV_CONST || v->kind == TG_EV_VALUE) &&
        tg_dtype_kind_of(v->dtype) == TG_KIND_COMPLEX) {
        return true;
    }
    if (!tg_ev_is_poison(v)) {
        tg_report(e->diags, TG_E0207, c->span, "'%s' takes a complex number, this is %s",
                  c->f->name, tg_elab_ev_text(e, v));
    }
    return false;
}

static tg_ev complex_part(tg_elab *e, const tg_call *c) {
    tg_ev x = tg_builtin_arg(e, c, 0);
    return complex_tile(e, c, &x) ? part_of(e, c->f->op, x, c->span) : tg_ev_poison();
}

static tg_ev complex_arg(tg_elab *e, const tg_call *c) {
    tg_ev x = tg_builtin_arg(e, c, 0);
    if (!complex_tile(e, c, &x)) {
        return tg_ev_poison();
    }
    return apply2(e, TG_OP_ATAN2, part_of(e, TG_OP_IM, x, c->span),
                  part_of(e, TG_OP_RE, x, c->span), c->span);
}

static tg_ev absolute(tg_elab *e, const tg_call *c) {
    tg_ev x = tg_builtin_arg(e, c, 0);
    tg_dtype t = tg_ev_dtype(&x);
    if (t == TG_DTYPE_NONE || tg_dtype_kind_of(t) != TG_KIND_COMPLEX) {
        return apply1(e, TG_OP_ABS, x, c->span);
    }
    tg_ev re = part_of(e, TG_OP_RE, x, c->span), im = part_of(e, TG_OP_IM, x, c->span);
    tg_ev squares[] = {re, re, tg_elab_binary(e, TG_OPER_MUL, im, im, c->span)};
    tg_ev sum =
        tg_builtin_elementwise(e, "abs", TG_OP_FMA, TG_TAKES_FLOAT, squares, 3, c->span);
    return apply1(e, TG_OP_SQRT, sum, c->span);
}

static tg_ev unit_complex(tg_elab *e, const tg_call *c) {
    tg_ev x = tg_builtin_arg(e, c, 0), y = x;
    tg_ev re = tg_builtin_elementwise(e, c->f->name, c->f->op, TG_TAKES_FLOAT, &x, 1, c->span);
    tg_ev im = tg_builtin_elementwise(e, c->f->name, (tg_opcode)c->f->option, TG_TAKES_FLOAT,
                                      &y, 1, c->span);
    return tg_ev_is_poison(&re) || tg_ev_is_poison(&im) ? tg_ev_poison()
                                                        : build_complex(e, re, im, c->span);
}

/* ---- conversions ------------------------------------------------------------------------- */

static tg_ev bitcast(tg_elab *e, const tg_call *c) {
    tg_ev type = c->x ? tg_elab_expr(e, c->args[0]) : c->values[0];
    tg_value *x = tg_builtin_tile(e, c, 1);
    if (type.kind != TG_EV_TYPE || type.dtype == TG_DTYPE_NONE || !x) {
        if (type.kind != TG_EV_TYPE && type.kind != TG_EV_POISON) {
            tg_report(e->diags, TG_E0208, c->span,
                      "bitcast takes a type first: bitcast(u32, x)");
        }
        return tg_ev_poison();
    }
    if (tg_dtype_bits(type.dtype) != tg_dtype_bits(x->type->dtype) ||
        (type.dtype == TG_BOOL) != (x->type->dtype == TG_BOOL)) {
        tg_report(e->diags, TG_E0203, c->span,
                  "bitcast keeps the width: %s has %d bits, %s has %d",
                  tg_dtype_name(type.dtype), tg_dtype_bits(type.dtype),
                  tg_dtype_name(x->type->dtype), tg_dtype_bits(x->type->dtype));
        return tg_ev_poison();
    }
    e->b.span = c->span;
    return tg_ev_value(tg_build_bitcast(&e->b, x, type.dtype));
}

/* Bytes of one element; 0 for the packed 4-bit types. */
static tg_ev size_of(tg_elab *e, const tg_call *c) {
    tg_ev type = c->x ? tg_elab_expr(e, c->args[0]) : c->values[0];
    if (type.kind == TG_EV_TYPE && type.dtype != TG_DTYPE_NONE) {
        return tg_ev_const_int(TG_I64, tg_dtype_bits(type.dtype) / 8);
    }
    if (type.kind != TG_EV_TYPE && type.kind != TG_EV_POISON) {
        tg_report(e->diags, TG_E0208, c->span, "sizeof takes a type, as in sizeof(T)");
    }
    return tg_ev_poison();
}

static tg_ev widen(tg_elab *e, const tg_call *c) {
    tg_ev x = tg_builtin_arg(e, c, 0);
    tg_dtype t = tg_ev_dtype(&x);
    if (!tg_ev_is_number(&x) || t == TG_DTYPE_NONE) {
        return x;
    }
    e->b.span = c->span;
    return tg_elab_cast(e, &x, tg_dtype_wide(t), c->span);
}

/* A bitcast to the same type: the identity through which no gradient flows. */
static tg_ev stop(tg_elab *e, const tg_call *c) {
    tg_value *x = tg_builtin_tile(e, c, 0);
    if (!x) {
        return tg_ev_poison();
    }
    e->b.span = c->span;
    return tg_ev_value(
        tg_result(tg_build_op(&e->b, TG_OP_BITCAST, &x, 1, &x->type, 1, NULL, 0), 0));
}

/* ---- the table --------------------------------------------------------------------------- */

static const tg_builtin table[] = {
#define BUILTIN(name, least, most, fn, op, option, named)                                      \
    {name, least, most, fn, TG_OP_##op, option, named},
#include "dsl/parser/builtins.def"
#undef BUILTIN
};
enum { N_BUILTINS = sizeof table / sizeof *table };

const tg_builtin *tg_builtin_find(const char *name) {
    for (size_t i = 0; i < N_BUILTINS; i++) {
        if (table[i].name[0] == name[0] && strcmp(table[i].name, name) == 0) { /* each name of a function is looked up here */
            return &table[i];
        }
    }
    return NULL;
}

uint32_t tg_builtin_names(const char **out, uint32_t max) {
    uint32_t n = 0;
    for (size_t i = 0; i < N_BUILTINS && n < max; i++) {
        out[n++] = table[i].name;
    }
    return n;
}

static bool accepts_name(const tg_builtin *f, const char *name) {
    size_t n = strlen(name);
    for (const char *s = f->named; *s; s += strcspn(s, " "), s += *s == ' ') {
        if (strcspn(s, " ") == n && strncmp(s, name, n) == 0) {
            return true;
        }
    }
    return false;
}

tg_ev tg_builtin_call(tg_elab *e, const tg_builtin *f, const tg_expr *x) {
    const tg_expr **args = TG_NEW_ARRAY(e->arena, const tg_expr *, x->u.call.n_args + 1);
    uint32_t n = 0;
    for (uint32_t i = 0; i < x->u.call.n_args; i++) {
        const tg_arg *a = &x->u.call.args[i];
        if (!a->name) {
            args[n++] = a->value;
        } else if (!accepts_name(f, a->name)) {
            tg_report(e->diags, TG_E0208, a->name_span, "'%s' has no argument named '%s'",
                      f->name, a->name);
            return tg_ev_poison();
        }
    }
    if (n < f->min_args || n > f->max_args) {
        const char *many = f->min_args == f->max_args
                               ? tg_arena_printf(e->arena, "%u", f->min_args)
                               : tg_arena_printf(e->arena, "at least %u", f->min_args);
        tg_diag *d =
            tg_report(e->diags, TG_E0208, x->span, "'%s' takes %s argument%s, %u given",
                      f->name, many, f->min_args == 1 ? "" : "s", n);
        if (f->op == TG_OP_DOT && n == 2) {
            tg_diag_add_help(e->diags, d,
                             "name the axis to sum over, `dot(x, y, k)`: operands have named "
                             "axes, not rows and columns");
        } else if (f->op == TG_OP_REDUCE && n == 1) {
            tg_diag_add_help(
                e->diags, d,
                "name the axes to combine, `%s(x, j)`: `axis j in N;` declares one", f->name);
        }
        return tg_ev_poison();
    }
    tg_call c = {.f = f, .x = x, .args = args, .n = n, .span = x->span};
    tg_ev v = f->fn(e, &c);
    e->b.span = x->span;
    return v;
}
