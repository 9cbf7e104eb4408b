/* Built-ins with effects, and random numbers. */
#include "dsl/parser/elab_builtin.h"
#include "dsl/parser/elab_flow.h"

#include <string.h>

/* ---- atomics ----------------------------------------------------------------------------- */

void tg_elab_note_atomic(tg_elab *e, tg_sym *t, tg_span span) {
    if (t->storage == TG_STORE_IN) {
        tg_diag *d = tg_report(e->diags, TG_E0411, span, "cannot write to 'in' %s", t->name);
        tg_diag_add_label(e->diags, d, t->span, "declared in here");
        tg_diag_add_help(e->diags, d, "declare it inout, or out with an initial value");
        return;
    }
    if (!t->filled &&
        (t->storage == TG_STORE_OUT ||
         (t->storage == TG_STORE_TEMP && (!t->first_store || t->first_store >= e->phase)))) {
        tg_diag *d = tg_report(e->diags, TG_E0409, span,
                               "atomic target %s needs an initial value", t->name);
        tg_diag_add_label(e->diags, d, t->span, "declared here without one");
        tg_diag_add_help(e->diags, d, "declare it inout, or give it one: out … %s[…] = 0",
                         t->name);
    }
    t->first_store = t->first_store ? t->first_store : e->phase;
    t->last_store = e->phase;
}

static bool find_enum(const char *name, tg_enum low, tg_enum high, tg_enum *out) {
    for (int i = (int)low; i <= (int)high; i++) {
        if (strcmp(tg_enum_name((tg_enum)i), name) == 0) {
            *out = (tg_enum)i;
            return true;
        }
    }
    return false;
}

static uint32_t order_attrs(tg_elab *e, tg_name order, tg_name scope, tg_span span,
                            tg_attr *out) {
    uint32_t n = 0;
    tg_enum v;
    if (order && find_enum(order, TG_RELAXED, TG_ACQ_REL, &v)) {
        out[n++] = tg_attr_enum(TG_ATTR_ORDER, v);
    } else if (order) {
        tg_report(e->diags, TG_E0208, span,
                  "'%s' is no memory order; have relaxed acquire release acq_rel", order);
    }
    if (scope && find_enum(scope, TG_DEVICE, TG_SYSTEM, &v)) {
        out[n++] = tg_attr_enum(TG_ATTR_SCOPE, v);
    } else if (scope) {
        tg_report(e->diags, TG_E0208, span, "'%s' is no scope; have device system", scope);
    }
    return n;
}

static const tg_type *place_type(tg_elab *e, const tg_place *p) {
    const tg_type *types[TG_CALL_MAX_AXES];
    for (uint32_t i = 0; i < p->n; i++) {
        types[i] = p->indices[i]->type;
    }
    return tg_type_union(e->func, p->tensor->dtype, types, p->n);
}

static bool atomic_type(tg_elab *e, tg_enum fn, tg_dtype t, tg_span span) {
    bool ok = tg_atomic_fits(fn, t);
    if (!ok) {
        tg_report(e->diags, TG_E0207, span, "this atomic operation is not defined for %s",
                  tg_dtype_name(t));
    }
    if (tg_dtype_is_float(t) && fn == TG_FN_ADD) {
        e->func->nondeterministic = true;
    }
    return ok;
}

/* The op itself; operands: tensor, values…, indices…, guard. */
static tg_value *build_atomic(tg_elab *e, tg_opcode op, const tg_place *p,
                              tg_value *const *values, uint32_t n_values, tg_value *guard,
                              const tg_expr *condition, const tg_attr *attrs, uint32_t n_attrs,
                              tg_span span) {
    const tg_type *type = place_type(e, p);
    tg_value *operands[TG_MAX_RANK + 4];
    uint32_t n = 0;
    bool fits = !guard || tg_elab_check_guard(e, guard->type, type->axes, type->n_axes,
                                              condition, p->tensor->name);
    for (uint32_t i = 0; i < n_values && fits; i++) {
        fits = tg_elab_check_axes(e, values[i]->type, type->axes, type->n_axes, NULL, span,
                                  p->tensor->name, TG_E0405);
    }
    if (!fits) {
        return NULL;
    }
    operands[n++] = p->tensor->tensor;
    for (uint32_t i = 0; i < n_values; i++) {
        operands[n++] = values[i];
    }
    for (uint32_t i = 0; i < p->n; i++) {
        operands[n++] = p->indices[i];
    }
    if (guard) {
        operands[n++] = guard;
    }
    e->b.span = span;
    return tg_result(tg_build_op(&e->b, op, operands, n, &type, 1, attrs, n_attrs), 0);
}

static tg_name named_name(const tg_call *c, const char *name) {
    const tg_expr *x = tg_builtin_named(c, name);
    return x && x->kind == TG_EXPR_NAME ? x->u.name.name : NULL;
}

static bool atomic_place(tg_elab *e, const char *what, const tg_expr *x, tg_place *p) {
    if (x->kind != TG_EXPR_INDEX) {
        tg_report(e->diags, TG_E0208, x->span, "%s takes an element, Y[…]", what);
        return false;
    }
    if (!tg_elab_place(e, x, p)) {
        return false;
    }
    tg_elab_note_atomic(e, p->tensor, x->span);
    return true;
}

tg_ev tg_builtin_atomic(tg_elab *e, const tg_call *c) {
    tg_place p;
    tg_value *values[2];
    tg_attr attrs[3];
    uint32_t n_attrs = 0, n_values = c->n - 1;
    if (c->x && c->x != e->whole) {
        tg_diag *d = tg_report(e->diags, TG_E0208, c->span,
                               "'%s' changes memory: it is the whole right side of a `let` or "
                               "an assignment, or a statement",
                               c->f->name);
        tg_diag_add_help(e->diags, d,
                         "`let old = %s(…);` first; what runs only where a condition holds is "
                         "`atomic Y[…] += v where c;`",
                         c->f->name);
        return tg_ev_poison();
    }
    if (!c->x || !atomic_place(e, c->f->name, c->args[0], &p)) {
        return tg_ev_poison();
    }
    for (uint32_t i = 0; i < n_values; i++) {
        tg_ev v = tg_builtin_arg(e, c, i + 1);
        values[i] = tg_elab_converted(e, &v, p.tensor->dtype, tg_builtin_arg_span(c, i + 1));
        if (!values[i]) {
            return tg_ev_poison();
        }
    }
    if (c->f->op == TG_OP_ATOMIC) {
        attrs[n_attrs++] = tg_attr_enum(TG_ATTR_FN, (tg_enum)c->f->option);
    }
    tg_enum fn = c->f->op == TG_OP_CAS ? TG_FN_XCHG : (tg_enum)c->f->option;
    if (!atomic_type(e, fn, p.tensor->dtype, c->span)) {
        return tg_ev_poison();
    }
    n_attrs += order_attrs(e, named_name(c, "order"), named_name(c, "scope"), c->span,
                           attrs + n_attrs);
    return tg_ev_value(
        build_atomic(e, c->f->op, &p, values, n_values, NULL, NULL, attrs, n_attrs, c->span));
}

static bool atomic_operator(tg_operator op, tg_enum *out) {
    static const struct {
        tg_operator op;
        tg_enum fn;
    } table[] = {{TG_OPER_ADD, TG_FN_ADD}, {TG_OPER_SUB, TG_FN_ADD}, {TG_OPER_AND, TG_FN_AND},
                 {TG_OPER_OR, TG_FN_OR},   {TG_OPER_XOR, TG_FN_XOR}, {TG_OPER_MIN, TG_FN_MIN},
                 {TG_OPER_MAX, TG_FN_MAX}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (table[i].op == op) {
            *out = table[i].fn;
            return true;
        }
    }
    return false;
}

void tg_elab_atomic_stmt(tg_elab *e, const tg_stmt *s) {
    tg_place p;
    tg_enum fn;
    tg_attr attrs[3];
    if (!atomic_operator(s->u.assign.op, &fn)) {
        tg_report(
            e->diags, TG_E0207, s->u.assign.op_span,
            "atomic takes += -= &= |= ^= min= max=; exchange is atomic_exchange(Y[…], v)");
        return;
    }
    if (!atomic_place(e, "atomic", s->u.assign.target, &p)) {
        return;
    }
    tg_ev v = tg_elab_rvalue(e, s->u.assign.value);
    v = tg_elab_convert(e, &v, p.tensor->dtype, s->u.assign.value->span);
    if (s->u.assign.op == TG_OPER_SUB) {
        v = tg_elab_unary(e, TG_OPER_NEG, v, s->u.assign.value->span);
    }
    tg_value *value = tg_elab_value(e, &v), *guard = NULL;
    if (s->u.assign.guard) {
        tg_ev g = tg_elab_bool(e, s->u.assign.guard);
        guard = tg_elab_value(e, &g);
    }
    if (!value || (s->u.assign.guard && !guard) ||
        !atomic_type(e, fn, p.tensor->dtype, s->span)) {
        return;
    }
    attrs[0] = tg_attr_enum(TG_ATTR_FN, fn);
    uint32_t n = 1 + order_attrs(e, s->u.assign.order, s->u.assign.scope, s->span, attrs + 1);
    build_atomic(e, TG_OP_ATOMIC, &p, &value, 1, guard, s->u.assign.guard, attrs, n, s->span);
}

/* ---- random numbers: Philox-4x32-10 (Salmon et al., SC 2011) ----------------------------- */

static tg_value *philox_operand(tg_elab *e, const tg_call *c, uint32_t i, tg_dtype to) {
    tg_ev v = tg_builtin_arg(e, c, i);
    tg_dtype t = tg_ev_dtype(&v);
    if (tg_ev_is_poison(&v)) {
        return NULL;
    }
    if (!tg_ev_is_number(&v) || (t != TG_DTYPE_NONE && !tg_dtype_is_int(t)) ||
        (t == TG_DTYPE_NONE && v.is_float)) {
        tg_report(e->diags, TG_E0203, tg_builtin_arg_span(c, i),
                  "'%s' takes an integer here, this is %s", c->f->name, tg_elab_ev_text(e, &v));
        return NULL;
    }
    v = tg_elab_cast(e, &v, to, tg_builtin_arg_span(c, i));
    return tg_elab_value(e, &v);
}

/* 24 high bits as a number of [0, 1), or of (0, 1] with `up` */
static tg_value *unit_interval(tg_elab *e, tg_value *bits, bool up) {
    tg_value *high = tg_build_binary(&e->b, TG_OP_SHR, bits, tg_build_int(&e->b, TG_U32, 8));
    if (up) {
        high = tg_build_binary(&e->b, TG_OP_ADD, high, tg_build_int(&e->b, TG_U32, 1));
    }
    tg_value *scale = tg_build_float(&e->b, TG_F32, 0x1p-24);
    return tg_build_binary(&e->b, TG_OP_MUL, tg_build_cast(&e->b, high, TG_F32), scale);
}

/* Box and Muller: sqrt(-2 ln u) cos(2 pi v) */
static tg_value *normal(tg_elab *e, tg_op *bits) {
    tg_value *u = unit_interval(e, tg_result(bits, 0), true),
             *v = unit_interval(e, tg_result(bits, 1), false);
    tg_value *ln = tg_build_unary(&e->b, TG_OP_LOG, u);
    tg_value *square = tg_build_binary(&e->b, TG_OP_MUL, ln, tg_build_float(&e->b, TG_F32, -2));
    tg_value *turn = tg_build_binary(&e->b, TG_OP_MUL, v, tg_build_float(&e->b, TG_F32, 2));
    return tg_build_binary(&e->b, TG_OP_MUL, tg_build_unary(&e->b, TG_OP_SQRT, square),
                           tg_build_unary(&e->b, TG_OP_COSPI, turn));
}

tg_ev tg_builtin_rand(tg_elab *e, const tg_call *c) {
    tg_value *operands[] = {philox_operand(e, c, 0, TG_U64), philox_operand(e, c, 1, TG_I64)};
    if (!operands[0] || !operands[1]) {
        return tg_ev_poison();
    }
    if (operands[0]->type->n_axes) {
        tg_report(e->diags, TG_E0311, tg_builtin_arg_span(c, 0),
                  "the seed is a scalar, this one has axes %s",
                  tg_elab_axes_text(e, operands[0]->type->axes, operands[0]->type->n_axes));
        return tg_ev_poison();
    }
    const tg_type *word = tg_type_with_dtype(e->func, operands[1]->type, TG_U32),
                  *types[] = {word, word, word, word};
    e->b.span = c->span;
    tg_op *op = tg_build_op(&e->b, TG_OP_PHILOX, operands, 2, types, 4, NULL, 0);
    if (c->f->option == 0) {
        return tg_ev_value(unit_interval(e, tg_result(op, 0), false));
    }
    if (c->f->option == 1) {
        return tg_ev_value(normal(e, op));
    }
    tg_ev parts[4];
    for (uint32_t i = 0; i < 4; i++) {
        parts[i] = tg_ev_value(tg_result(op, i));
    }
    return tg_ev_tuple(e, parts, 4);
}

/* ---- print and assert -------------------------------------------------------------------- *
 *
 * Under a mask (elab_flow.c) an assertion holds where the mask is false, and a line is printed if the mask is true anywhere. */

static tg_value *output_mask(tg_elab *e) {
    return e->frame ? tg_flow_both(e, e->frame->outside, e->frame->mask) : NULL;
}

/* In a function that reduce or scan applies there is nobody to hear it. */
static bool is_unheard(tg_elab *e, const tg_call *c) {
    if (e->folds && e->checking) {
        tg_report(e->diags, TG_W0806, c->span,
                  "'%s' does nothing in a function that reduce or scan applies", c->f->name);
    }
    return e->folds != 0;
}

/* Opens `if (any(mask))` when there is a mask; the builder to go on with behind it. */
static tg_builder open_masked(tg_elab *e) {
    tg_value *mask = output_mask(e);
    tg_builder saved = e->b;
    if (mask) {
        tg_value *any =
            mask->type->n_axes
                ? tg_build_reduce(&e->b, TG_FN_OR, mask, mask->type->axes, mask->type->n_axes)
                : mask;
        tg_op *op = tg_build_op(&e->b, TG_OP_IF, &any, 1, NULL, 0, NULL, 0);
        saved = e->b;
        for (uint32_t r = 2; r-- > 0;) {
            e->b.block = &op->regions[r].body;
            e->b.before = NULL;
            if (r == 1) {
                tg_build_yield(&e->b, NULL, 0);
            }
        }
    }
    return saved;
}

static uint32_t placeholders(const char *text) {
    uint32_t n = 0;
    for (const char *s = text; *s; s++) {
        if (s[0] == '{' && s[1] == '{') {
            s++;
        } else if (*s == '{') {
            n++;
        }
    }
    return n;
}

/* The format string in argument `at` and the values after it. */
static bool format_arguments(tg_elab *e, const tg_call *c, uint32_t at, const char **format,
                             tg_value **out, uint32_t *n) {
    const tg_expr *x = c->x ? c->args[at] : NULL;
    if (!x || x->kind != TG_EXPR_STRING) {
        tg_report(e->diags, TG_E0208, x ? x->span : c->span, "'%s' takes a string here",
                  c->f->name);
        return false;
    }
    *format = x->u.string.text;
    bool ok = true;
    for (uint32_t i = at + 1; i < c->n; i++) {
        out[*n] = tg_builtin_tile(e, c, i);
        ok = out[(*n)++] != NULL && ok;
    }
    uint32_t expected = placeholders(*format);
    if (expected != c->n - at - 1) {
        tg_report(e->diags, TG_E0208, x->span, "the text has %u place%s for values, %u given",
                  expected, expected == 1 ? "" : "s", c->n - at - 1);
        return false;
    }
    return ok;
}

tg_ev tg_builtin_print(tg_elab *e, const tg_call *c) {
    tg_value **values = TG_NEW_ARRAY(e->arena, tg_value *, c->n + 1);
    const char *format;
    uint32_t n = 0;
    if (!format_arguments(e, c, 0, &format, values, &n)) {
        return tg_ev_poison();
    }
    if (is_unheard(e, c)) {
        return tg_ev_nothing();
    }
    tg_attr attr = tg_attr_str(TG_ATTR_FORMAT, format);
    e->b.span = c->span;
    tg_builder outside = open_masked(e);
    tg_build_op(&e->b, TG_OP_PRINT, values, n, NULL, 0, &attr, 1);
    if (e->b.block != outside.block) {
        tg_build_yield(&e->b, NULL, 0);
    }
    e->b = outside;
    return tg_ev_nothing();
}

/* The source of an expression on one line, with braces doubled. */
static void put_source(tg_elab *e, tg_strbuf *out, tg_span span) {
    const tg_source *src = tg_sources_get(e->diags->sources, span.file);
    bool space = false;
    for (uint32_t i = span.begin; src && i < span.end && i < src->len; i++) {
        char c = src->text[i];
        bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
        if (!blank && space) {
            tg_strbuf_putc(out, ' ');
        }
        if (!blank) {
            tg_strbuf_putc(out, c);
        }
        if (c == '{' || c == '}') {
            tg_strbuf_putc(out, c);
        }
        space = blank;
    }
}

/* "x > 0 is false at i = {}, j = {}: x = {}; " and the values for it: the indices of the point, and the sides of a comparison that
 * are not constant. What the program says follows. */
static uint32_t describe_assert(tg_elab *e, const tg_expr *test, tg_value *cond,
                                const tg_type *points, const char *said, tg_strbuf *out,
                                tg_value **values) {
    uint32_t n = 0;
    put_source(e, out, test->span);
    tg_strbuf_puts(out, " is false");
    for (uint32_t i = 0; i < points->n_axes; i++) {
        tg_axis *a = points->axes[i];
        tg_strbuf_printf(out, "%s%s = {}", i ? ", " : " at ", a->name ? a->name : "axis");
        values[n++] = tg_build_iota(&e->b, a);
    }
    bool compares = test->kind == TG_EXPR_BINARY && cond->def && cond->def->opcode == TG_OP_CMP;
    uint32_t shown = 0;
    for (uint32_t i = 0; compares && i < 2; i++) {
        const tg_expr *side = i ? test->u.binary.right : test->u.binary.left;
        tg_value *v = tg_operand(cond->def, i);
        if (v->def && v->def->opcode == TG_OP_CONST) {
            continue;
        }
        tg_strbuf_puts(out, shown++ ? ", " : ": ");
        put_source(e, out, side->span);
        tg_strbuf_puts(out, " = {}");
        values[n++] = v;
    }
    if (said) {
        tg_strbuf_printf(out, "%s%s", shown ? "; " : ": ", said);
    }
    return n;
}

tg_ev tg_builtin_assert(tg_elab *e, const tg_call *c) {
    tg_value **said = TG_NEW_ARRAY(e->arena, tg_value *, c->n + 1);
    const char *format = NULL;
    uint32_t n_said = 0;
    tg_ev test = c->x ? tg_elab_bool(e, c->args[0]) : tg_ev_poison();
    tg_value *cond = tg_elab_value(e, &test);
    if (!cond || (c->n > 1 && !format_arguments(e, c, 1, &format, said, &n_said))) {
        return tg_ev_poison();
    }
    if (!is_unheard(e, c) && (e->checking || e->func->checked)) {
        tg_value *mask = output_mask(e);
        tg_value *holds = mask ? tg_build_binary(&e->b, TG_OP_OR, cond,
                                                 tg_build_unary(&e->b, TG_OP_NOT, mask))
                               : cond;
        tg_value **values =
            TG_NEW_ARRAY(e->arena, tg_value *, holds->type->n_axes + n_said + 3);
        tg_strbuf text;
        tg_strbuf_init(&text, e->arena);
        values[0] = holds;
        uint32_t n =
            1 + describe_assert(e, c->args[0], cond, holds->type, format, &text, values + 1);
        for (uint32_t i = 0; i < n_said; i++) {
            values[n++] = said[i];
        }
        tg_attr attr =
            tg_attr_str(TG_ATTR_FORMAT, tg_intern(e->func->names, text.data, text.len));
        e->b.span = c->span;
        tg_build_op(&e->b, TG_OP_ASSERT, values, n, NULL, 0, &attr, 1);
    }
    return tg_ev_nothing();
}
