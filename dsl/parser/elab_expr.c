/* Expressions: one case per node kind; what the parts mean is in the sibling files. */
#include "dsl/parser/elab_internal.h"

#include <math.h>

tg_ev tg_elab_as_rvalue(tg_elab *e, tg_ev v, tg_span span) {
    if (v.kind == TG_EV_AXIS) {
        e->b.span = span;
        return tg_ev_value(tg_build_iota(&e->b, v.sym->axis));
    }
    if (v.kind == TG_EV_TENSOR) {
        tg_report(e->diags, TG_E0213, span,
                  "tensor '%s' has %u dimension%s, 0 indices given; index it", v.sym->name,
                  v.sym->rank, v.sym->rank == 1 ? "" : "s");
        return tg_ev_poison();
    }
    if (tg_ev_is_number(&v) || v.kind == TG_EV_TUPLE || v.kind == TG_EV_POISON ||
        v.kind == TG_EV_NOTHING) {
        return v;
    }
    tg_report(e->diags, TG_E0105, span, "expected a value, this is %s", tg_elab_ev_text(e, &v));
    return tg_ev_poison();
}

tg_ev tg_elab_rvalue(tg_elab *e, const tg_expr *x) {
    tg_ev v = tg_elab_as_rvalue(e, tg_elab_expr(e, x), x->span);
    if (v.kind == TG_EV_NOTHING) {
        tg_report(e->diags, TG_E0105, x->span, "expected a value, this call has none");
        return tg_ev_poison();
    }
    return v;
}

tg_value *tg_elab_tile(tg_elab *e, const tg_expr *x) {
    tg_ev v = tg_elab_rvalue(e, x);
    if (v.kind == TG_EV_TUPLE) {
        tg_report(e->diags, TG_E0211, x->span, "expected one value, this is a tuple of %u",
                  v.n_items);
        return NULL;
    }
    return tg_elab_value(e, &v);
}

tg_value *tg_elab_index_tile(tg_elab *e, const tg_expr *x) {
    tg_ev v = tg_elab_rvalue(e, x);
    tg_dtype t = tg_ev_dtype(&v);
    if (t != TG_DTYPE_NONE && tg_dtype_is_int(t) && !tg_dtype_is_storage(t)) {
        v = tg_elab_cast(e, &v, TG_I64, x->span);
    } else if (tg_ev_is_number(&v) && t != TG_DTYPE_NONE) {
        tg_report(e->diags, TG_E0203, x->span, "an index is an integer, this is %s",
                  tg_elab_ev_text(e, &v));
        return NULL;
    }
    return tg_elab_converted(e, &v, TG_I64, x->span);
}

tg_value *tg_elab_require_scalar(tg_elab *e, tg_value *v, tg_span span,
                                 tg_diag_code not_scalar) {
    if (v && v->type->n_axes) {
        tg_report(e->diags, not_scalar, span,
                  "a bound must be a scalar, this one has axes %s",
                  tg_elab_axes_text(e, v->type->axes, v->type->n_axes));
        return NULL;
    }
    return v;
}

tg_value *tg_elab_scalar_int(tg_elab *e, const tg_expr *x, tg_diag_code not_scalar) {
    return tg_elab_require_scalar(e, tg_elab_index_tile(e, x), x->span, not_scalar);
}

bool tg_elab_constant_int(tg_elab *e, const tg_expr *x, int64_t *out, bool *known) {
    tg_ev v = tg_elab_rvalue(e, x);
    if (tg_ev_is_poison(&v)) {
        return false;
    }
    *known = tg_ev_known_int(&v, out);
    if (!*known &&
        !(tg_ev_is_constant(&v) && v.kind == TG_EV_VALUE && tg_dtype_is_int(v.dtype))) {
        tg_report(e->diags, TG_E0212, x->span, "a constant integer is required here");
        return false;
    }
    return true;
}

/* ---- conditions -------------------------------------------------------------------------- */

static tg_sym *optional_tensor(const tg_elab *e, const tg_expr *x) {
    tg_sym *s = x->kind == TG_EXPR_NAME ? tg_scope_find(e, x->u.name.name) : NULL;
    return s && s->kind == TG_SYM_TENSOR && s->optional ? s : NULL;
}

void tg_elab_open_optionals(tg_elab *e, const tg_expr *x, bool truth, int by) {
    tg_sym *s = optional_tensor(e, x);
    if (s) {
        s->open += truth ? by : 0;
    } else if (x->kind == TG_EXPR_UNARY && x->u.unary.op == TG_OPER_LNOT) {
        tg_elab_open_optionals(e, x->u.unary.operand, !truth, by);
    } else if (x->kind == TG_EXPR_BINARY &&
               x->u.binary.op == (truth ? TG_OPER_LAND : TG_OPER_LOR)) {
        tg_elab_open_optionals(e, x->u.binary.left, truth, by);
        tg_elab_open_optionals(e, x->u.binary.right, truth, by);
    }
}

static bool tests_absent(const tg_elab *e, const tg_expr *x) {
    tg_sym *s = optional_tensor(e, x);
    if (s) {
        return !s->tensor;
    }
    if (x->kind == TG_EXPR_UNARY) {
        return tests_absent(e, x->u.unary.operand);
    }
    return x->kind == TG_EXPR_BINARY &&
           (tests_absent(e, x->u.binary.left) || tests_absent(e, x->u.binary.right));
}

static tg_ev logic(tg_elab *e, const tg_expr *x) {
    bool is_and = x->u.binary.op == TG_OPER_LAND, known;
    tg_ev left = tg_elab_bool(e, x->u.binary.left);
    bool left_decides = tg_ev_known_bool(&left, &known) && known != is_and;
    if (left_decides && tests_absent(e, x->u.binary.left)) {
        return left;
    }
    tg_elab_open_optionals(e, x->u.binary.left, is_and, 1);
    tg_ev right = tg_elab_bool(e, x->u.binary.right);
    tg_elab_open_optionals(e, x->u.binary.left, is_and, -1);
    if (left_decides || tg_ev_is_poison(&left)) {
        return left;
    }
    if (tg_ev_known_bool(&left, &known)) {
        return right;
    }
    if (tg_ev_known_bool(&right, &known)) {
        return known == is_and ? left : right;
    }
    return tg_elab_binary(e, x->u.binary.op, left, right, x->span);
}

static tg_ev report_number(tg_elab *e, const tg_expr *x, const tg_expr *not, const tg_ev *v) {
    const char *instead = not ? "== 0" : "!= 0";
    tg_diag *d = tg_report(e->diags, TG_E0206, x->span, "%s a bool, this is %s; write `%s`",
                           not ? "! takes" : "a condition is", tg_elab_ev_text(e, v), instead);
    if (not) {
        tg_span sign = {not->span.file, not->span.begin, not->span.begin + 1};
        tg_diag_add_edit(e->diags, d, sign, "");
        x = not;
    }
    tg_diag_add_edit(e->diags, d, (tg_span){x->span.file, x->span.end, x->span.end},
                     tg_arena_printf(e->arena, " %s", instead));
    return tg_ev_poison();
}

/* `not`: the `!` that x stands behind, or null. */
static tg_ev condition(tg_elab *e, const tg_expr *x, const tg_expr *not) {
    tg_sym *s = optional_tensor(e, x);
    if (s) {
        s->used = true;
        return tg_ev_bool(s->tensor != NULL);
    }
    if (x->kind == TG_EXPR_UNARY && x->u.unary.op == TG_OPER_LNOT) {
        return tg_elab_unary(e, TG_OPER_LNOT, condition(e, x->u.unary.operand, x), x->span);
    }
    if (x->kind == TG_EXPR_BINARY &&
        (x->u.binary.op == TG_OPER_LAND || x->u.binary.op == TG_OPER_LOR)) {
        return logic(e, x);
    }
    tg_ev v = tg_elab_rvalue(e, x);
    if (tg_ev_is_poison(&v) || tg_ev_dtype(&v) == TG_BOOL) {
        return v;
    }
    return report_number(e, x, not, &v);
}

tg_ev tg_elab_bool(tg_elab *e, const tg_expr *x) {
    return condition(e, x, NULL);
}

/* ---- ?: ---------------------------------------------------------------------------------- */

static tg_ev select_tuple(tg_elab *e, const tg_ev *c, const tg_ev *x, const tg_ev *y,
                          tg_span span) {
    if (x->kind != TG_EV_TUPLE || y->kind != TG_EV_TUPLE || x->n_items != y->n_items) {
        tg_report(e->diags, TG_E0211, span, "the two values of ?: are %s and %s",
                  tg_elab_ev_text(e, x), tg_elab_ev_text(e, y));
        return tg_ev_poison();
    }
    tg_ev *items = TG_NEW_ARRAY(e->arena, tg_ev, x->n_items);
    for (uint32_t i = 0; i < x->n_items; i++) {
        items[i] = tg_elab_select(e, *c, x->items[i], y->items[i], span);
    }
    return tg_ev_tuple(e, items, x->n_items);
}

/* Both values have been checked; the one not taken still lends its axes, so that reductions
 * stay meaningful. */
static tg_ev chosen(tg_elab *e, const tg_ev *taken, const tg_ev *other) {
    if (taken->kind == TG_EV_LITERAL || !tg_ev_is_number(other)) {
        return *taken;
    }
    const tg_type *types[] = {tg_ev_type(e, taken), tg_ev_type(e, other)};
    if (tg_type_axes_within(types[1], types[0])) {
        return *taken;
    }
    const tg_type *both = tg_type_union(e->func, types[0]->dtype, types, 2);
    return tg_ev_value_const(tg_build_broadcast(&e->b, tg_elab_value(e, taken), both),
                             tg_ev_is_constant(taken));
}

tg_ev tg_elab_select(tg_elab *e, tg_ev c, tg_ev x, tg_ev y, tg_span span) {
    bool known;
    if (tg_ev_is_poison(&c) || tg_ev_is_poison(&x) || tg_ev_is_poison(&y)) {
        return tg_ev_poison();
    }
    if (x.kind == TG_EV_TUPLE || y.kind == TG_EV_TUPLE) {
        return select_tuple(e, &c, &x, &y, span);
    }
    e->b.span = span;
    if (x.kind == TG_EV_LITERAL && y.kind == TG_EV_LITERAL) {
        if (tg_ev_known_bool(&c, &known)) {
            return known ? x : y;
        }
        tg_ev choice = tg_ev_choice(e, tg_elab_value(e, &c), x, y);
        choice.constant = tg_ev_is_constant(&c) && tg_ev_is_constant(&x) && tg_ev_is_constant(&y);
        return choice;
    }
    tg_ev pair[] = {x, y};
    tg_dtype t =
        tg_ev_dtype(&x) == tg_ev_dtype(&y) ? x.dtype : tg_elab_common(e, pair, 2, span, "?:");
    x = tg_elab_convert(e, &x, t, span);
    y = tg_elab_convert(e, &y, t, span);
    if (tg_ev_is_poison(&x) || tg_ev_is_poison(&y)) {
        return tg_ev_poison();
    }
    if (tg_ev_known_bool(&c, &known)) {
        return known ? chosen(e, &x, &y) : chosen(e, &y, &x);
    }
    bool constant = tg_ev_is_constant(&c) && tg_ev_is_constant(&x) && tg_ev_is_constant(&y);
    tg_value *test = tg_elab_value(e, &c), *yes = tg_elab_value(e, &x),
             *no = tg_elab_value(e, &y);
    return tg_ev_value_const(tg_build_select(&e->b, test, yes, no), constant);
}

static tg_ev conditional(tg_elab *e, const tg_expr *x) {
    tg_ev c = tg_elab_bool(e, x->u.cond.test);
    bool known;
    const tg_expr *test = x->u.cond.test;
    if (tg_ev_known_bool(&c, &known) && tests_absent(e, test)) {
        return tg_elab_rvalue(e, known ? x->u.cond.yes : x->u.cond.no);
    }
    tg_elab_open_optionals(e, test, true, 1);
    tg_ev yes = tg_elab_rvalue(e, x->u.cond.yes);
    tg_elab_open_optionals(e, test, true, -1);
    tg_elab_open_optionals(e, test, false, 1);
    tg_ev no = tg_elab_rvalue(e, x->u.cond.no);
    tg_elab_open_optionals(e, test, false, -1);
    return tg_elab_select(e, c, yes, no, x->span);
}

/* ---- the rest ---------------------------------------------------------------------------- */

static tg_ev tuple(tg_elab *e, const tg_expr *x) {
    tg_ev *items = TG_NEW_ARRAY(e->arena, tg_ev, x->u.tuple.n_items);
    for (uint32_t i = 0; i < x->u.tuple.n_items; i++) {
        items[i] = tg_elab_rvalue(e, x->u.tuple.items[i]);
    }
    return tg_ev_tuple(e, items, x->u.tuple.n_items);
}

static tg_ev element(tg_elab *e, const tg_expr *x) {
    tg_ev v = tg_elab_rvalue(e, x->u.element.base);
    if (tg_ev_is_poison(&v)) {
        return tg_ev_poison();
    }
    if (v.kind != TG_EV_TUPLE || x->u.element.position >= v.n_items) {
        tg_report(e->diags, TG_E0211, x->span, "there is no part %u in %s",
                  x->u.element.position, tg_elab_ev_text(e, &v));
        return tg_ev_poison();
    }
    return v.items[x->u.element.position];
}

static bool type_operand(tg_elab *e, const tg_expr *x, tg_dtype *out) {
    if (x->kind == TG_EXPR_TYPE) {
        *out = tg_elab_dtype(e, x->u.type.type);
        return true;
    }
    tg_sym *s = x->kind == TG_EXPR_NAME ? tg_scope_find(e, x->u.name.name) : NULL;
    if (s && s->kind == TG_SYM_TYPE) {
        *out = s->ev.dtype;
        return true;
    }
    return false;
}

static tg_ev binary(tg_elab *e, const tg_expr *x) {
    tg_operator op = x->u.binary.op;
    tg_dtype a, b;
    if (op == TG_OPER_LAND || op == TG_OPER_LOR) {
        return logic(e, x);
    }
    if ((op == TG_OPER_EQ || op == TG_OPER_NE) && type_operand(e, x->u.binary.left, &a) &&
        type_operand(e, x->u.binary.right, &b)) {
        return tg_ev_bool((a == b) == (op == TG_OPER_EQ));
    }
    if (op == TG_OPER_ADD || op == TG_OPER_SUB) {
        return tg_elab_sum(e, op, NULL, x->u.binary.left, x->u.binary.right, x->span);
    }
    tg_ev left = tg_elab_rvalue(e, x->u.binary.left),
          right = tg_elab_rvalue(e, x->u.binary.right);
    return tg_elab_binary(e, op, left, right, x->span);
}

static tg_ev unary(tg_elab *e, const tg_expr *x) {
    if (x->u.unary.op == TG_OPER_LNOT) {
        return tg_elab_bool(e, x);
    }
    return tg_elab_unary(e, x->u.unary.op, tg_elab_rvalue(e, x->u.unary.operand), x->span);
}

tg_ev tg_elab_expr(tg_elab *e, const tg_expr *x) {
    switch (x->kind) {
    case TG_EXPR_INT:
        return tg_ev_int((tg_i128)x->u.integer.value);
    case TG_EXPR_FLOAT:
        return tg_ev_float(x->u.number.value);
    case TG_EXPR_STRING:
        return (tg_ev){.kind = TG_EV_TEXT, .text = x->u.string.text};
    case TG_EXPR_BOOL:
        return tg_ev_bool(x->u.boolean.value);
    case TG_EXPR_INF:
        return tg_ev_float((double)INFINITY);
    case TG_EXPR_NAN:
        return tg_ev_float((double)NAN);
    case TG_EXPR_NAME:
        return tg_elab_name(e, x->u.name.name, x->span);
    case TG_EXPR_TYPE:
        return (tg_ev){.kind = TG_EV_TYPE, .dtype = tg_elab_dtype(e, x->u.type.type)};
    case TG_EXPR_TUPLE:
        return tuple(e, x);
    case TG_EXPR_UNARY:
        return unary(e, x);
    case TG_EXPR_BINARY:
        return binary(e, x);
    case TG_EXPR_COND:
        return conditional(e, x);
    case TG_EXPR_CALL:
        return tg_elab_call(e, x);
    case TG_EXPR_INDEX:
        return tg_elab_index(e, x);
    case TG_EXPR_MEMBER:
        return tg_elab_member(e, x);
    case TG_EXPR_ELEMENT:
        return element(e, x);
    case TG_EXPR_POISON:
        break;
    }
    return tg_ev_poison();
}
