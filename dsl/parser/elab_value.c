/* Values at elaboration time: construction, conversion, and their description in messages.
 *
 * Untyped literals are exact: integers in 128 bits, others in f64 (section 4 leaves rationals
 * open; f64 is
 * what a literal is rounded from). A literal takes a type when it meets one, at the latest at
 * a sink. */
#include "dsl/parser/elab_internal.h"

#include <math.h>

tg_ev tg_ev_poison(void) {
    return (tg_ev){.kind = TG_EV_POISON};
}
tg_ev tg_ev_nothing(void) {
    return (tg_ev){.kind = TG_EV_NOTHING};
}
tg_ev tg_ev_int(tg_i128 v) {
    return (tg_ev){.kind = TG_EV_LITERAL, .integer = v};
}
tg_ev tg_ev_float(double v) {
    return (tg_ev){.kind = TG_EV_LITERAL, .is_float = true, .number = v};
}
tg_ev tg_ev_const(tg_scalar s) {
    return (tg_ev){.kind = TG_EV_CONST, .dtype = s.dtype, .scalar = s, .constant = true};
}
tg_ev tg_ev_const_int(tg_dtype t, int64_t v) {
    return tg_ev_const(tg_scalar_int(t, v));
}
tg_ev tg_ev_bool(bool v) {
    return tg_ev_const(tg_scalar_int(TG_BOOL, v));
}
tg_ev tg_ev_value(tg_value *v) {
    return tg_ev_value_const(v, false);
}

tg_ev tg_ev_value_const(tg_value *v, bool constant) {
    if (!v) {
        return tg_ev_poison();
    }
    return (tg_ev){
        .kind = TG_EV_VALUE, .value = v, .dtype = v->type->dtype, .constant = constant};
}

tg_ev tg_ev_tuple(tg_elab *e, const tg_ev *items, uint32_t n) {
    return (tg_ev){
        .kind = TG_EV_TUPLE, .items = TG_COPY_ARRAY(e->arena, tg_ev, items, n), .n_items = n};
}

bool tg_ev_is_poison(const tg_ev *v) {
    if (v->kind == TG_EV_TUPLE) {
        for (uint32_t i = 0; i < v->n_items; i++) {
            if (tg_ev_is_poison(&v->items[i])) {
                return true;
            }
        }
    }
    return v->kind == TG_EV_POISON;
}

bool tg_ev_is_number(const tg_ev *v) {
    return v->kind == TG_EV_LITERAL || v->kind == TG_EV_CONST || v->kind == TG_EV_VALUE;
}

bool tg_ev_is_constant(const tg_ev *v) {
    return (v->kind == TG_EV_LITERAL && (!v->n_items || v->constant)) || v->kind == TG_EV_CONST ||
           (v->kind == TG_EV_VALUE && v->constant);
}

tg_ev tg_ev_choice(tg_elab *e, tg_value *test, tg_ev yes, tg_ev no) {
    tg_ev items[] = {yes, no};
    return (tg_ev){.kind = TG_EV_LITERAL,
                   .is_float = yes.is_float || no.is_float,
                   .value = test,
                   .items = TG_COPY_ARRAY(e->arena, tg_ev, items, 2),
                   .n_items = 2};
}

bool tg_ev_known_int(const tg_ev *v, int64_t *out) {
    if (v->kind == TG_EV_LITERAL && !v->n_items && !v->is_float && v->integer >= INT64_MIN &&
        v->integer <= INT64_MAX) {
        *out = (int64_t)v->integer;
        return true;
    }
    if (v->kind == TG_EV_CONST && tg_dtype_is_int(v->dtype)) {
        *out = v->scalar.i;
        return true;
    }
    return false;
}

bool tg_ev_known_bool(const tg_ev *v, bool *out) {
    if (v->kind == TG_EV_CONST && v->dtype == TG_BOOL) {
        *out = v->scalar.i != 0;
        return true;
    }
    return false;
}

tg_dtype tg_ev_dtype(const tg_ev *v) {
    return v->kind == TG_EV_CONST || v->kind == TG_EV_VALUE ? v->dtype : TG_DTYPE_NONE;
}

const tg_type *tg_ev_type(tg_elab *e, const tg_ev *v) {
    if (v->kind == TG_EV_VALUE) {
        return v->value->type;
    }
    if (v->kind == TG_EV_CONST) {
        return tg_type_scalar(e->func, v->dtype);
    }
    if (v->kind == TG_EV_LITERAL) {
        tg_dtype t = v->is_float ? TG_F32 : TG_I64;
        if (!v->n_items) {
            return tg_type_scalar(e->func, t);
        }
        const tg_type *types[] = {v->value->type, tg_ev_type(e, &v->items[0]),
                                  tg_ev_type(e, &v->items[1])};
        return tg_type_union(e->func, t, types, 3);
    }
    return NULL;
}

/* ---- to IR ------------------------------------------------------------------------------- */

static tg_value *build_const(tg_elab *e, tg_scalar s) {
    if (tg_dtype_kind_of(s.dtype) == TG_KIND_COMPLEX) {
        const tg_type *type = tg_type_scalar(e->func, s.dtype);
        tg_attr attrs[] = {tg_attr_float(TG_ATTR_VALUE, s.f), tg_attr_float(TG_ATTR_IMAG, s.g)};
        return tg_result(tg_build_op(&e->b, TG_OP_CONST, NULL, 0, &type, 1, attrs, 2), 0);
    }
    if (tg_dtype_is_float(s.dtype)) {
        return tg_build_float(&e->b, s.dtype, s.f);
    }
    return tg_build_int(&e->b, s.dtype, s.i);
}

tg_value *tg_elab_value(tg_elab *e, const tg_ev *v) {
    if (v->kind == TG_EV_VALUE) {
        return v->value;
    }
    if (v->kind == TG_EV_CONST) {
        return build_const(e, v->scalar);
    }
    if (v->kind == TG_EV_LITERAL && v->n_items) {
        tg_ev typed = tg_elab_convert(e, v, v->is_float ? TG_F32 : TG_I64, e->b.span);
        return tg_elab_value(e, &typed);
    }
    if (v->kind == TG_EV_LITERAL) {
        if (v->is_float) {
            return tg_build_float(&e->b, TG_F32, v->number);
        }
        return tg_build_int(&e->b, TG_I64, (int64_t)v->integer);
    }
    return NULL;
}

/* ---- conversion -------------------------------------------------------------------------- */

static bool integer_fits(tg_i128 v, tg_dtype t) {
    int bits = tg_dtype_bits(t);
    if (tg_dtype_kind_of(t) == TG_KIND_UINT) {
        return v >= 0 && v < ((tg_i128)1 << bits);
    }
    return v >= -((tg_i128)1 << (bits - 1)) && v < ((tg_i128)1 << (bits - 1));
}

static const char *literal_text(tg_elab *e, const tg_ev *v) {
    if (v->is_float) {
        return tg_arena_printf(e->arena, "%g", v->number);
    }
    if (v->integer > INT64_MAX) {
        return tg_arena_printf(e->arena, "%llu", (unsigned long long)v->integer);
    }
    return tg_arena_printf(e->arena, "%lld", (long long)v->integer);
}

static tg_ev convert_choice(tg_elab *e, const tg_ev *v, tg_dtype to, tg_span span) {
    tg_value *yes = tg_elab_converted(e, &v->items[0], to, span),
             *no = tg_elab_converted(e, &v->items[1], to, span);
    return yes && no ? tg_ev_value_const(tg_build_select(&e->b, v->value, yes, no), v->constant)
                     : tg_ev_poison();
}

static tg_ev convert_literal(tg_elab *e, const tg_ev *v, tg_dtype to, tg_span span) {
    tg_dtype_kind kind = tg_dtype_kind_of(to);
    if (v->n_items) {
        return convert_choice(e, v, to, span);
    }
    if (kind == TG_KIND_FLOAT || kind == TG_KIND_COMPLEX) {
        double number = v->is_float ? v->number : (double)v->integer;
        return tg_ev_const(tg_scalar_float(to, number));
    }
    if (kind == TG_KIND_BOOL) {
        tg_report(e->diags, TG_E0206, span,
                  "the number %s is used as a bool; write true or false", literal_text(e, v));
        return tg_ev_poison();
    }
    if (v->is_float) {
        tg_report(e->diags, TG_E0204, span,
                  "implicit conversion of the float literal %s to %s; write %s(…) to truncate",
                  literal_text(e, v), tg_dtype_name(to), tg_dtype_name(to));
        return tg_ev_poison();
    }
    if (!integer_fits(v->integer, to)) {
        tg_report(e->diags, TG_E0205, span, "literal %s does not fit %s", literal_text(e, v),
                  tg_dtype_name(to));
        return tg_ev_poison();
    }
    return tg_ev_const_int(to, (int64_t)v->integer);
}

static tg_ev cast_known(tg_elab *e, const tg_ev *v, tg_dtype to) {
    if (v->dtype == to) {
        return *v;
    }
    if (v->kind == TG_EV_CONST) {
        return tg_ev_const(tg_scalar_convert(v->scalar, to));
    }
    return tg_ev_value_const(tg_build_cast(&e->b, v->value, to), v->constant);
}

/* A kernel is checked with each type that T may be: the message names a type which the source
 * does not. */
static void explain_type(tg_elab *e, tg_diag *d, tg_dtype from, tg_dtype to) {
    for (uint32_t i = 0; !e->frame && e->sig && i < e->sig->n_tparams; i++) {
        const tg_sig_tparam *t = &e->sig->tparams[i];
        if (e->spec->types[i] == from && t->n_members > 1 && tg_dtype_is_float(to)) {
            tg_diag_add_help(
                e->diags, d,
                "%s is %s here; a variable of type wide(%s) holds the values of every %s",
                t->name, tg_dtype_name(from), t->name, t->name);
            return;
        }
    }
}

static void report_narrowing(tg_elab *e, tg_dtype from, tg_dtype to, tg_span span) {
    const char *text = tg_elab_dtype_text(e, to);
    tg_diag *d;
    if (to == TG_BOOL) {
        d = tg_report(e->diags, TG_E0206, span, "a number (%s) is used as a bool; write `!= 0`",
                      tg_dtype_name(from));
        tg_diag_add_edit(e->diags, d, (tg_span){span.file, span.end, span.end}, " != 0");
        return;
    }
    d = tg_report(e->diags, TG_E0204, span, "implicit narrowing %s → %s; write %s(…)",
                  tg_dtype_name(from), tg_dtype_name(to), text);
    tg_diag_add_edit(e->diags, d, (tg_span){span.file, span.begin, span.begin},
                     tg_arena_printf(e->arena, "%s(", text));
    tg_diag_add_edit(e->diags, d, (tg_span){span.file, span.end, span.end}, ")");
    explain_type(e, d, from, to);
}

tg_ev tg_elab_convert(tg_elab *e, const tg_ev *v, tg_dtype to, tg_span span) {
    if (to == TG_DTYPE_NONE || !tg_ev_is_number(v)) {
        return tg_ev_poison();
    }
    if (v->kind == TG_EV_LITERAL) {
        return convert_literal(e, v, to, span);
    }
    if (!tg_dtype_converts_implicitly(v->dtype, to)) {
        report_narrowing(e, v->dtype, to, span);
        return tg_ev_poison();
    }
    return cast_known(e, v, to);
}

tg_ev tg_elab_cast(tg_elab *e, const tg_ev *v, tg_dtype to, tg_span span) {
    if (to == TG_DTYPE_NONE || !tg_ev_is_number(v)) {
        return tg_ev_poison();
    }
    tg_dtype from = v->kind == TG_EV_LITERAL ? (v->is_float ? TG_F64 : TG_I64) : v->dtype;
    if (to == TG_BOOL && from != TG_BOOL) {
        tg_report(e->diags, TG_E0206, span, "a number is not converted to bool; write `!= 0`");
        return tg_ev_poison();
    }
    if (tg_dtype_kind_of(from) == TG_KIND_COMPLEX && tg_dtype_kind_of(to) != TG_KIND_COMPLEX) {
        tg_report(e->diags, TG_E0204, span,
                  "a complex number is not converted to %s; take re(…), im(…) or abs(…)",
                  tg_dtype_name(to));
        return tg_ev_poison();
    }
    if (v->kind != TG_EV_LITERAL) {
        return cast_known(e, v, to);
    }
    if (v->n_items) {
        tg_ev typed = tg_elab_convert(e, v, from == TG_F64 ? TG_F32 : TG_I64, span);
        return tg_elab_cast(e, &typed, to, span);
    }
    if (!v->is_float && (tg_dtype_is_int(to) || v->integer > INT64_MAX)) {
        return tg_dtype_is_int(to) ? tg_ev_const_int(to, (int64_t)(uint64_t)v->integer)
                                   : tg_ev_const(tg_scalar_float(to, (double)v->integer));
    }
    if (v->is_float) {
        return tg_ev_const(tg_scalar_convert((tg_scalar){.dtype = TG_F64, .f = v->number}, to));
    }
    return tg_ev_const(tg_scalar_convert(tg_scalar_int(TG_I64, (int64_t)v->integer), to));
}

tg_value *tg_elab_converted(tg_elab *e, const tg_ev *v, tg_dtype to, tg_span span) {
    tg_ev c = tg_elab_convert(e, v, to, span);
    return tg_elab_value(e, &c);
}

tg_dtype tg_elab_common(tg_elab *e, const tg_ev *items, uint32_t n, tg_span span,
                        const char *what) {
    tg_dtype t = TG_DTYPE_NONE;
    bool float_literal = false, literal = false;
    for (uint32_t i = 0; i < n; i++) {
        if (!tg_ev_is_number(&items[i])) {
            return TG_DTYPE_NONE;
        }
        if (items[i].kind == TG_EV_LITERAL) {
            literal = true;
            float_literal |= items[i].is_float;
            continue;
        }
        tg_dtype before = t;
        t = t == TG_DTYPE_NONE ? items[i].dtype : tg_dtype_common(t, items[i].dtype);
        if (t == TG_DTYPE_NONE) {
            tg_diag *d =
                tg_report(e->diags, TG_E0203, span, "no common type for %s and %s; convert one",
                          tg_dtype_name(before), tg_dtype_name(items[i].dtype));
            tg_diag_set_label(e->diags, d, "operands of %s are %s and %s", what,
                              tg_elab_ev_text(e, &items[0]), tg_elab_ev_text(e, &items[i]));
            return TG_DTYPE_NONE;
        }
    }
    if (t == TG_DTYPE_NONE) {
        return float_literal ? TG_F32 : TG_I64;
    }
    if (literal && (t == TG_BOOL || (float_literal && tg_dtype_is_int(t)))) {
        tg_report(e->diags, TG_E0203, span,
                  "no common type for %s and a%s literal; convert one", tg_dtype_name(t),
                  float_literal ? " float" : " number");
        return TG_DTYPE_NONE;
    }
    return t;
}

/* ---- text -------------------------------------------------------------------------------- */

const char *tg_elab_axes_text(tg_elab *e, tg_axis *const *axes, uint32_t n) {
    tg_strbuf s;
    tg_strbuf_init(&s, e->arena);
    tg_strbuf_putc(&s, '[');
    for (uint32_t i = 0; i < n; i++) {
        tg_strbuf_printf(&s, "%s%s", i ? ", " : "", axes[i]->name);
    }
    tg_strbuf_putc(&s, ']');
    return s.data;
}

const char *tg_elab_type_text(tg_elab *e, const tg_type *t) {
    if (t->n_axes == 0) {
        return tg_dtype_name(t->dtype);
    }
    return tg_arena_printf(e->arena, "%s%s", tg_dtype_name(t->dtype),
                           tg_elab_axes_text(e, t->axes, t->n_axes));
}

static const char *tuple_text(tg_elab *e, const tg_ev *v) {
    tg_strbuf s;
    tg_strbuf_init(&s, e->arena);
    for (uint32_t i = 0; i < v->n_items; i++) {
        tg_strbuf_printf(&s, "%s%s", i ? ", " : "(", tg_elab_ev_text(e, &v->items[i]));
    }
    tg_strbuf_putc(&s, ')');
    return s.data;
}

const char *tg_elab_ev_text(tg_elab *e, const tg_ev *v) {
    switch (v->kind) {
    case TG_EV_POISON:
        return "an error";
    case TG_EV_NOTHING:
        return "no value";
    case TG_EV_LITERAL:
        return v->is_float ? "a float literal" : "an integer literal";
    case TG_EV_CONST:
        return tg_dtype_name(v->dtype);
    case TG_EV_VALUE:
        return tg_elab_type_text(e, v->value->type);
    case TG_EV_TUPLE:
        return tuple_text(e, v);
    case TG_EV_AXIS:
        return "an axis";
    case TG_EV_TENSOR:
        return "a tensor";
    case TG_EV_POINTER:
        return "a pointer";
    case TG_EV_TYPE:
        return "a type";
    case TG_EV_FN:
    case TG_EV_BUILTIN:
        return "a function";
    case TG_EV_MODULE:
        return "a module";
    case TG_EV_TEXT:
        return "a string";
    }
    return "a value";
}

const char *tg_elab_dtype_text(tg_elab *e, tg_dtype t) {
    for (const tg_sym *s = e->scope; s; s = s->next) {
        if (s->kind == TG_SYM_TYPE && s->ev.dtype == t) {
            return s->name;
        }
    }
    return tg_dtype_name(t);
}
