/* Operators: typing, folding, building; and the one rule about rounding, contraction (section
 * 4):
 *
 *   p + q, p - q   where p or q is syntactically a product without parentheses is one fused
 * multiply-add (the left
 *                  product if both are), if product and sum are of one float type; a
 * conversion in between prevents it.
 *
 *   a*b + c → fma(a, b, c)     a*b - c → fma(a, b, -c)     c - a*b → fma(-a, b, c) */
#include "dsl/parser/elab_internal.h"

#include <math.h>

static const struct {
    tg_operator oper;
    const char *text;
    tg_opcode op;
    tg_enum pred;
} operators[] = {
    {TG_OPER_MUL, "*", TG_OP_MUL, TG_ENUM_NONE},
    {TG_OPER_DIV, "/", TG_OP_DIV, TG_ENUM_NONE},
    {TG_OPER_REM, "%", TG_OP_REM, TG_ENUM_NONE},
    {TG_OPER_ADD, "+", TG_OP_ADD, TG_ENUM_NONE},
    {TG_OPER_SUB, "-", TG_OP_SUB, TG_ENUM_NONE},
    {TG_OPER_SHL, "<<", TG_OP_SHL, TG_ENUM_NONE},
    {TG_OPER_SHR, ">>", TG_OP_SHR, TG_ENUM_NONE},
    {TG_OPER_AND, "&", TG_OP_AND, TG_ENUM_NONE},
    {TG_OPER_XOR, "^", TG_OP_XOR, TG_ENUM_NONE},
    {TG_OPER_OR, "|", TG_OP_OR, TG_ENUM_NONE},
    {TG_OPER_LT, "<", TG_OP_CMP, TG_LT},
    {TG_OPER_LE, "<=", TG_OP_CMP, TG_LE},
    {TG_OPER_GT, ">", TG_OP_CMP, TG_GT},
    {TG_OPER_GE, ">=", TG_OP_CMP, TG_GE},
    {TG_OPER_EQ, "==", TG_OP_CMP, TG_EQ},
    {TG_OPER_NE, "!=", TG_OP_CMP, TG_NE},
    {TG_OPER_LAND, "&&", TG_OP_AND, TG_ENUM_NONE},
    {TG_OPER_LOR, "||", TG_OP_OR, TG_ENUM_NONE},
    {TG_OPER_MIN, "min", TG_OP_MIN, TG_ENUM_NONE},
    {TG_OPER_MAX, "max", TG_OP_MAX, TG_ENUM_NONE},
    {TG_OPER_NEG, "-", TG_OP_NEG, TG_ENUM_NONE},
    {TG_OPER_LNOT, "!", TG_OP_NOT, TG_ENUM_NONE},
    {TG_OPER_BNOT, "~", TG_OP_NOT, TG_ENUM_NONE},
    {TG_OPER_NONE, "=", TG_OP_COUNT, TG_ENUM_NONE},
};
_Static_assert(sizeof operators / sizeof *operators == TG_OPER_NONE + 1,
               "one row per operator, in order");

const char *tg_elab_operator_text(tg_operator op) {
    return operators[op].text;
}

static bool is_comparison(tg_operator op) {
    return op >= TG_OPER_LT && op <= TG_OPER_NE;
}

static bool defined_for(tg_operator op, tg_dtype t) {
    bool equality = op == TG_OPER_EQ || op == TG_OPER_NE;
    bool bitwise = op == TG_OPER_AND || op == TG_OPER_OR || op == TG_OPER_XOR;
    switch (tg_dtype_kind_of(t)) {
    case TG_KIND_BOOL:
        return equality || bitwise || op == TG_OPER_LAND || op == TG_OPER_LOR;
    case TG_KIND_SINT:
    case TG_KIND_UINT:
        return true;
    case TG_KIND_FLOAT:
        return !bitwise && op != TG_OPER_REM && op != TG_OPER_SHL && op != TG_OPER_SHR;
    case TG_KIND_COMPLEX:
        return equality || op == TG_OPER_ADD || op == TG_OPER_SUB || op == TG_OPER_MUL ||
               op == TG_OPER_DIV;
    case TG_KIND_NONE:
        break;
    }
    return false;
}

static tg_ev report_undefined(tg_elab *e, tg_operator op, tg_dtype t, tg_span span) {
    tg_diag *d = tg_report(e->diags, TG_E0207, span, "operator %s is not defined for %s",
                           operators[op].text, tg_dtype_name(t));
    if (op == TG_OPER_REM && tg_dtype_is_float(t)) {
        tg_diag_add_help(e->diags, d, "the remainder of floats is fmod(x, y)");
    } else if (op == TG_OPER_XOR) {
        tg_diag_add_help(e->diags, d,
                         "`^` is the exclusive or of integers; a power is pow(x, y), a square "
                         "x * x");
    } else if (t == TG_BOOL) {
        tg_diag_add_help(
            e->diags, d,
            "convert the bool to a number, for example i32(b), or write b ? x : y");
    }
    return tg_ev_poison();
}

static bool reject_storage(tg_elab *e, const tg_ev *v, tg_span span) {
    tg_dtype t = tg_ev_dtype(v);
    if (t == TG_DTYPE_NONE || !tg_dtype_is_storage(t)) {
        return false;
    }
    tg_diag *d = tg_report(e->diags, TG_E0210, span,
                           "%s is a storage type; convert before arithmetic", tg_dtype_name(t));
    tg_diag_add_help(e->diags, d, "widen(x) converts to %s", tg_dtype_name(tg_dtype_wide(t)));
    return true;
}

static bool reject_non_numbers(tg_elab *e, tg_operator op, const tg_ev *v, tg_span span) {
    if (tg_ev_is_number(v)) {
        return false;
    }
    if (!tg_ev_is_poison(v)) {
        tg_report(e->diags, TG_E0207, span, "operator %s is not defined for %s",
                  operators[op].text, tg_elab_ev_text(e, v));
    }
    return true;
}

static tg_ev shift_values(tg_elab *e, tg_operator op, tg_ev x, tg_ev y, tg_span span) {
    if (x.kind == TG_EV_LITERAL) {
        x = tg_elab_convert(e, &x, TG_I64, span);
    }
    if (y.kind == TG_EV_LITERAL) {
        y = tg_elab_convert(e, &y, TG_I64, span);
    }
    if (tg_ev_is_poison(&x) || tg_ev_is_poison(&y)) {
        return tg_ev_poison();
    }
    if (!tg_dtype_is_int(x.dtype) || !tg_dtype_is_int(y.dtype)) {
        return report_undefined(e, op, tg_dtype_is_int(x.dtype) ? y.dtype : x.dtype, span);
    }
    tg_scalar folded;
    if (x.kind == TG_EV_CONST && y.kind == TG_EV_CONST &&
        tg_const_binary(op, x.scalar, y.scalar, &folded)) {
        return tg_ev_const(folded);
    }
    bool constant = tg_ev_is_constant(&x) && tg_ev_is_constant(&y);
    tg_value *a = tg_elab_value(e, &x), *b = tg_elab_value(e, &y);
    return tg_ev_value_const(tg_build_binary(&e->b, operators[op].op, a, b), constant);
}

/* A choice of literals meets a literal: the operator goes inside, so the result is still
 * untyped. */
static bool distribute(tg_elab *e, tg_operator op, const tg_ev *x, const tg_ev *y, tg_ev *out) {
    const tg_ev *choice = x->n_items ? x : y;
    if (x->kind != TG_EV_LITERAL || y->kind != TG_EV_LITERAL ||
        (x->n_items != 0) == (y->n_items != 0)) {
        return false;
    }
    tg_ev part[2];
    for (int i = 0; i < 2; i++) {
        const tg_ev *a = choice == x ? &x->items[i] : x, *b = choice == y ? &y->items[i] : y;
        if (a->n_items || b->n_items || !tg_const_literals(op, a, b, &part[i]) ||
            part[i].kind != TG_EV_LITERAL) {
            return false;
        }
    }
    *out = tg_ev_choice(e, choice->value, part[0], part[1]);
    return true;
}

static bool rounds_again(const tg_ev *v) {
    const tg_op *op = v->kind == TG_EV_VALUE ? v->value->def : NULL;
    return op &&
           (op->opcode == TG_OP_ADD || op->opcode == TG_OP_SUB || op->opcode == TG_OP_MUL ||
            op->opcode == TG_OP_DIV || op->opcode == TG_OP_FMA);
}

static bool holds(tg_span a, tg_span b) {
    return a.file == b.file && a.begin <= b.begin && b.end <= a.end;
}

/* Was the chain reported, for another type perhaps, or parts of it? Then the first of these is the whole chain from now on. */
static bool goes_on(tg_diags *diags, tg_span span) {
    uint32_t kept = 0;
    bool found = false;
    for (uint32_t i = 0; i < diags->list.len; i++) {
        tg_diag *d = diags->list.data[i];
        bool chain = d->code == TG_W0801, part = chain && holds(span, d->span);
        if (part && !found) {
            d->span = span;
        }
        if (!part || !found) {
            diags->list.data[kept++] = d;
        }
        found |= part || (chain && holds(d->span, span));
    }
    diags->list.len = kept;
    return found;
}

/* W0801: an operand was itself rounded to 16 bits just before. Not in library functions, which
 * are for every type. */
static void warn_chain(tg_elab *e, const tg_ev *x, const tg_ev *y, tg_span span) {
    tg_dtype t = tg_ev_dtype(x);
    bool own = e->checking && e->kernel && span.file == e->kernel->span.file;
    if (!own || (t != TG_F16 && t != TG_BF16) || (!rounds_again(x) && !rounds_again(y)) ||
        goes_on(e->diags, span)) {
        return;
    }
    tg_diag *d =
        tg_report(e->diags, TG_W0801, span,
                  "this chain of %s operations rounds after each step", tg_dtype_name(t));
    tg_diag_add_help(
        e->diags, d,
        "convert the operands once, for example with widen(…), and the result back");
}

static tg_ev build_binary(tg_elab *e, tg_operator op, const tg_ev *x, const tg_ev *y) {
    tg_value *a = tg_elab_value(e, x), *b = tg_elab_value(e, y);
    tg_value *v = is_comparison(op) ? tg_build_cmp(&e->b, operators[op].pred, a, b)
                                    : tg_build_binary(&e->b, operators[op].op, a, b);
    return tg_ev_value_const(v, tg_ev_is_constant(x) && tg_ev_is_constant(y));
}

tg_ev tg_elab_binary(tg_elab *e, tg_operator op, tg_ev x, tg_ev y, tg_span span) {
    tg_ev out, pair[2] = {x, y};
    if (reject_non_numbers(e, op, &x, span) || reject_non_numbers(e, op, &y, span)) {
        return tg_ev_poison();
    }
    bool plain = x.kind == TG_EV_LITERAL && y.kind == TG_EV_LITERAL && !x.n_items && !y.n_items;
    if ((plain && tg_const_literals(op, &x, &y, &out)) || distribute(e, op, &x, &y, &out)) {
        return out;
    }
    if (reject_storage(e, &x, span) || reject_storage(e, &y, span)) {
        return tg_ev_poison();
    }
    e->b.span = span;
    if (op == TG_OPER_SHL || op == TG_OPER_SHR) {
        return shift_values(e, op, x, y, span);
    }
    tg_dtype t = tg_elab_common(e, pair, 2, span, operators[op].text);
    if (t == TG_DTYPE_NONE) {
        return tg_ev_poison();
    }
    if (!defined_for(op, t)) {
        return report_undefined(e, op, t, span);
    }
    x = tg_elab_convert(e, &x, t, span);
    y = tg_elab_convert(e, &y, t, span);
    tg_scalar folded;
    if (tg_ev_is_poison(&x) || tg_ev_is_poison(&y)) {
        return tg_ev_poison();
    }
    if (x.kind == TG_EV_CONST && y.kind == TG_EV_CONST &&
        tg_const_binary(op, x.scalar, y.scalar, &folded)) {
        return tg_ev_const(folded);
    }
    if (!is_comparison(op)) {
        warn_chain(e, &x, &y, span);
    }
    return build_binary(e, op, &x, &y);
}

tg_ev tg_elab_unary(tg_elab *e, tg_operator op, tg_ev x, tg_span span) {
    if (reject_non_numbers(e, op, &x, span) || reject_storage(e, &x, span)) {
        return tg_ev_poison();
    }
    if (x.kind == TG_EV_LITERAL && op == TG_OPER_NEG) {
        tg_ev zero = x.is_float ? tg_ev_float(-0.0) : tg_ev_int(0);
        return tg_elab_binary(e, TG_OPER_SUB, zero, x, span);
    }
    if (x.kind == TG_EV_LITERAL) {
        x = tg_elab_convert(e, &x, x.is_float ? TG_F32 : TG_I64, span);
        if (tg_ev_is_poison(&x)) {
            return x;
        }
    }
    if (op == TG_OPER_LNOT && x.dtype != TG_BOOL) {
        tg_report(e->diags, TG_E0206, span, "! takes a bool, this is %s; write `== 0`",
                  tg_elab_ev_text(e, &x));
        return tg_ev_poison();
    }
    if ((op == TG_OPER_NEG && x.dtype == TG_BOOL) ||
        (op == TG_OPER_BNOT && !tg_dtype_is_int(x.dtype))) {
        return report_undefined(e, op, x.dtype, span);
    }
    tg_scalar folded;
    if (x.kind == TG_EV_CONST && tg_const_unary(op, x.scalar, &folded)) {
        return tg_ev_const(folded);
    }
    e->b.span = span;
    tg_value *v = tg_elab_value(e, &x);
    return tg_ev_value_const(tg_build_unary(&e->b, operators[op].op, v), tg_ev_is_constant(&x));
}

/* ---- contraction ------------------------------------------------------------------------- */

static bool is_product(const tg_expr *x) {
    return x && x->kind == TG_EXPR_BINARY && x->u.binary.op == TG_OPER_MUL && !x->parens;
}

static bool fold_fma(const tg_ev *a, const tg_ev *b, const tg_ev *c, tg_ev *out) {
    if (a->kind != TG_EV_CONST || b->kind != TG_EV_CONST || c->kind != TG_EV_CONST) {
        return false;
    }
    double x = a->scalar.f, y = b->scalar.f, z = c->scalar.f;
    double v = a->dtype == TG_F32 ? (double)fmaf((float)x, (float)y, (float)z) : fma(x, y, z);
    *out = tg_ev_const(tg_scalar_float(a->dtype, v));
    return true;
}

/* The float type in which a*b and the sum are one operation, or NONE. */
static tg_dtype fused_type(const tg_ev *a, const tg_ev *b, const tg_ev *c) {
    if (!tg_ev_is_number(a) || !tg_ev_is_number(b) || !tg_ev_is_number(c)) {
        return TG_DTYPE_NONE;
    }
    tg_dtype ta = tg_ev_dtype(a), tb = tg_ev_dtype(b), tc = tg_ev_dtype(c);
    tg_dtype product = ta == TG_DTYPE_NONE   ? tb
                       : tb == TG_DTYPE_NONE ? ta
                                             : tg_dtype_common(ta, tb);
    if (product == TG_DTYPE_NONE || !tg_dtype_is_float(product) ||
        tg_dtype_is_storage(product)) {
        return TG_DTYPE_NONE;
    }
    if ((ta != TG_DTYPE_NONE && tg_dtype_is_storage(ta)) ||
        (tb != TG_DTYPE_NONE && tg_dtype_is_storage(tb)) ||
        (tc != TG_DTYPE_NONE && tg_dtype_is_storage(tc))) {
        return TG_DTYPE_NONE;
    }
    return tc == TG_DTYPE_NONE || tg_dtype_common(product, tc) == product ? product
                                                                          : TG_DTYPE_NONE;
}

typedef struct product {
    tg_ev a, b, c;
    bool negate_product, negate_c;
    tg_span span;
} product;

static bool fuse(tg_elab *e, const product *p, tg_ev *out) {
    tg_dtype t = fused_type(&p->a, &p->b, &p->c);
    if (t == TG_DTYPE_NONE) {
        return false;
    }
    tg_ev a = tg_elab_convert(e, &p->a, t, p->span), b = tg_elab_convert(e, &p->b, t, p->span);
    tg_ev c = tg_elab_convert(e, &p->c, t, p->span);
    if (p->negate_product) {
        a = tg_elab_unary(e, TG_OPER_NEG, a, p->span);
    }
    if (p->negate_c) {
        c = tg_elab_unary(e, TG_OPER_NEG, c, p->span);
    }
    if (fold_fma(&a, &b, &c, out)) {
        return true;
    }
    e->b.span = p->span;
    bool constant = tg_ev_is_constant(&a) && tg_ev_is_constant(&b) && tg_ev_is_constant(&c);
    tg_value *x = tg_elab_value(e, &a), *y = tg_elab_value(e, &b), *z = tg_elab_value(e, &c);
    *out = tg_ev_value_const(x && y && z ? tg_build_fma(&e->b, x, y, z) : NULL, constant);
    return true;
}

static void factors(tg_elab *e, const tg_expr *x, tg_ev *a, tg_ev *b) {
    *a = tg_elab_rvalue(e, x->u.binary.left);
    *b = tg_elab_rvalue(e, x->u.binary.right);
}

tg_ev tg_elab_sum(tg_elab *e, tg_operator op, const tg_ev *left_value, const tg_expr *left,
                  const tg_expr *right, tg_span span) {
    bool minus = op == TG_OPER_SUB;
    product p = {.span = span};
    tg_ev out;
    if (!left_value && is_product(left)) {
        factors(e, left, &p.a, &p.b);
        p.c = tg_elab_rvalue(e, right);
        p.negate_c = minus;
        if (fuse(e, &p, &out)) {
            return out;
        }
        return tg_elab_binary(e, op, tg_elab_binary(e, TG_OPER_MUL, p.a, p.b, left->span), p.c,
                              span);
    }
    tg_ev first = left_value ? *left_value : tg_elab_rvalue(e, left);
    if (is_product(right)) {
        p.c = first;
        factors(e, right, &p.a, &p.b);
        p.negate_product = minus;
        if (fuse(e, &p, &out)) {
            return out;
        }
        return tg_elab_binary(e, op, first,
                              tg_elab_binary(e, TG_OPER_MUL, p.a, p.b, right->span), span);
    }
    return tg_elab_binary(e, op, first, tg_elab_rvalue(e, right), span);
}
