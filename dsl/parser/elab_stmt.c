/* Statements without control flow: let, declarations, assignments and stores.
 *
 * A mutable variable is a symbol whose current value is SSA; its type is fixed by the
 * declaration, and values are broadcast to
 * it when they are assigned. In an inlined function a variable may also carry the lifted axes
 * of the call. */
#include "dsl/parser/elab_internal.h"

/* ---- sinks ------------------------------------------------------------------------------- */

static bool symbol_has_axis(const tg_elab *e, tg_name name, const tg_axis *a) {
    const tg_sym *s = tg_scope_find(e, name);
    if (!s) {
        return false;
    }
    if (s->kind == TG_SYM_AXIS) {
        return s->axis == a;
    }
    return s->ev.kind == TG_EV_VALUE && tg_type_has_axis(s->ev.value->type, a);
}

static bool find_origin(const tg_elab *e, const tg_expr *x, const tg_axis *a, tg_span *out);

static bool origin_in_args(const tg_elab *e, const tg_arg *args, uint32_t n, const tg_axis *a,
                           tg_span *out) {
    for (uint32_t i = 0; i < n; i++) {
        if (find_origin(e, args[i].value, a, out)) {
            return true;
        }
    }
    return false;
}

static bool find_origin(const tg_elab *e, const tg_expr *x, const tg_axis *a, tg_span *out) {
    switch ((int)x->kind) {
    case TG_EXPR_NAME:
        *out = x->span;
        return symbol_has_axis(e, x->u.name.name, a);
    case TG_EXPR_TUPLE:
        for (uint32_t i = 0; i < x->u.tuple.n_items; i++) {
            if (find_origin(e, x->u.tuple.items[i], a, out)) {
                return true;
            }
        }
        return false;
    case TG_EXPR_UNARY:
        return find_origin(e, x->u.unary.operand, a, out);
    case TG_EXPR_BINARY:
        return find_origin(e, x->u.binary.left, a, out) ||
               find_origin(e, x->u.binary.right, a, out);
    case TG_EXPR_COND:
        return find_origin(e, x->u.cond.test, a, out) ||
               find_origin(e, x->u.cond.yes, a, out) || find_origin(e, x->u.cond.no, a, out);
    case TG_EXPR_CALL:
        return origin_in_args(e, x->u.call.args, x->u.call.n_args, a, out);
    case TG_EXPR_INDEX:
        return origin_in_args(e, x->u.index.args, x->u.index.n_args, a, out) ||
               find_origin(e, x->u.index.base, a, out);
    case TG_EXPR_ELEMENT:
        return find_origin(e, x->u.element.base, a, out);
    default:
        return false;
    }
}

tg_span tg_elab_axis_origin(tg_elab *e, const tg_expr *x, const tg_axis *a) {
    tg_span span = x->span;
    return find_origin(e, x, a, &span) ? span : x->span;
}

static const tg_axis *first_beyond(const tg_type *t, tg_axis *const *allowed, uint32_t n) {
    for (uint32_t i = 0; i < t->n_axes; i++) {
        if (!tg_axes_contain(allowed, n, t->axes[i])) {
            return t->axes[i];
        }
    }
    return NULL;
}

/* Splits the axes of t into those that the declaration of `var` can name and those that began later, like that of a loop around
 * the assignment. */
static uint32_t axes_before(const tg_type *t, const tg_sym *var, tg_axis **older,
                            tg_axis **newer) {
    uint32_t n_older = 0, n_newer = 0;
    for (uint32_t i = 0; i < t->n_axes; i++) {
        const tg_sym *s = var->next;
        while (s && s->axis != t->axes[i]) {
            s = s->next;
        }
        if (s) {
            older[n_older++] = t->axes[i];
        } else {
            newer[n_newer++] = t->axes[i];
        }
    }
    return n_older;
}

static void advise_scalar(tg_elab *e, tg_diag *d, const tg_type *t, const tg_sym *var) {
    tg_axis **older = TG_NEW_ARRAY(e->arena, tg_axis *, t->n_axes);
    tg_axis **newer = TG_NEW_ARRAY(e->arena, tg_axis *, t->n_axes);
    uint32_t n = axes_before(t, var, older, newer);
    const char *type = tg_dtype_name(var->dtype), *name = var->name;
    const char *axes = tg_elab_axes_text(e, older, n);
    if (n == t->n_axes) {
        tg_diag_add_help(e->diags, d,
                         "'%s' is declared as a scalar: give it axes, `%s %s%s = …;`, or "
                         "reduce over them, for example sum(…, %s)",
                         name, type, name, axes, older[0]->name);
    } else if (n == 0) {
        tg_diag_add_help(e->diags, d,
                         "'%s' is declared as a scalar: reduce, for example sum(…, %s)", name,
                         newer[0]->name);
    } else {
        tg_diag_add_help(
            e->diags, d,
            "'%s' is declared as a scalar: give it axes, `%s %s%s = …;`, and reduce "
            "over the others, for example sum(…, %s)",
            name, type, name, axes, newer[0]->name);
    }
}

static void show_axis(tg_elab *e, tg_diag *d, const tg_type *t, const tg_axis *a,
                      const tg_expr *source) {
    tg_diag_set_label(e->diags, d, "the value is %s", tg_elab_type_text(e, t));
    if (source) {
        tg_diag_add_label(e->diags, d, tg_elab_axis_origin(e, source, a),
                          "axis '%s' enters here", a->name);
    }
    tg_diag_add_label(e->diags, d, a->span, "axis '%s' is bound here", a->name);
}

bool tg_elab_check_axes(tg_elab *e, const tg_type *t, tg_axis *const *allowed, uint32_t n,
                        const tg_expr *source, tg_span span, const char *target,
                        tg_diag_code code) {
    const tg_axis *a = first_beyond(t, allowed, n);
    if (!a) {
        return true;
    }
    tg_diag *d =
        code == TG_E0405
            ? tg_report(e->diags, code, span,
                        "stored value has axis '%s' not used by the index of %s", a->name,
                        target)
            : tg_report(e->diags, code, span, "value has axis '%s' that the target %s%s lacks",
                        a->name, target, n ? tg_elab_axes_text(e, allowed, n) : "");
    show_axis(e, d, t, a, source);
    const tg_sym *var = code == TG_E0311 ? tg_scope_find(e, target) : NULL;
    if (var && var->kind == TG_SYM_VAR && n == 0) {
        advise_scalar(e, d, t, var);
    } else {
        tg_diag_add_help(e->diags, d,
                         "reduce over it, for example sum(…, %s), or give the target that axis",
                         a->name);
    }
    return false;
}

bool tg_elab_check_guard(tg_elab *e, const tg_type *t, tg_axis *const *allowed, uint32_t n,
                         const tg_expr *source, const char *target) {
    const tg_axis *a = first_beyond(t, allowed, n);
    if (!a) {
        return true;
    }
    tg_diag *d =
        tg_report(e->diags, TG_E0405, source->span,
                  "the condition has axis '%s', the index of %s does not", a->name, target);
    show_axis(e, d, t, a, source);
    tg_diag_add_help(e->diags, d,
                     "one condition decides for each element: name '%s' in the index, or test "
                     "a scalar such as `%s.first == 0`",
                     a->name, a->name);
    return false;
}

static const tg_type *with_lift(tg_elab *e, const tg_type *t) {
    if (!e->frame || !e->frame->n_lift) {
        return t;
    }
    const tg_type *both[] = {t,
                             tg_type_tile(e->func, t->dtype, e->frame->lift, e->frame->n_lift)};
    return tg_type_union(e->func, t->dtype, both, 2);
}

tg_ev tg_elab_masked(tg_elab *e, const tg_ev *value, const tg_ev *old, tg_span span) {
    if (!e->frame || !e->frame->mask || !tg_ev_is_number(old)) {
        return *value;
    }
    return tg_elab_select(e, tg_ev_value(e->frame->mask), *value, *old, span);
}

void tg_elab_set_var(tg_elab *e, tg_sym *var, const tg_ev *value, const tg_expr *source,
                     tg_span span) {
    if (value->kind == TG_EV_TUPLE) {
        tg_report(e->diags, TG_E0211, span, "'%s' holds one value, this is a tuple of %u",
                  var->name, value->n_items);
        return;
    }
    tg_ev v = tg_elab_convert(e, value, var->type->dtype, source ? source->span : span);
    if (tg_ev_is_poison(&v)) {
        return;
    }
    const tg_type *allowed = with_lift(e, var->type), *got = tg_ev_type(e, &v);
    if (!tg_elab_check_axes(e, got, allowed->axes, allowed->n_axes, source,
                            source ? source->span : span, var->name, TG_E0311)) {
        return;
    }
    if (var->unrolled) {
        var->ev = v;
        return;
    }
    e->b.span = span;
    v = tg_elab_masked(e, &v, &var->ev, span);
    tg_value *x = tg_elab_value(e, &v);
    const tg_type *both[] = {var->type, x->type};
    var->ev = tg_ev_value(
        tg_build_broadcast(&e->b, x, tg_type_union(e->func, var->type->dtype, both, 2)));
}

static void name_value(const tg_ev *v, tg_name name) {
    if (v->kind == TG_EV_VALUE && v->value->def && !v->value->name) {
        v->value->name = name;
    }
}

tg_ev tg_elab_whole(tg_elab *e, const tg_expr *x) {
    e->whole = x;
    return tg_elab_rvalue(e, x);
}

/* ---- let --------------------------------------------------------------------------------- */

/* A literal without context becomes int or f32. */
static tg_ev settle(tg_elab *e, const tg_ev *v, tg_span span) {
    if (v->kind == TG_EV_TUPLE) {
        tg_ev *items = TG_NEW_ARRAY(e->arena, tg_ev, v->n_items);
        for (uint32_t i = 0; i < v->n_items; i++) {
            items[i] = settle(e, &v->items[i], span);
        }
        return tg_ev_tuple(e, items, v->n_items);
    }
    return v->kind == TG_EV_LITERAL ? tg_elab_convert(e, v, v->is_float ? TG_F32 : TG_I64, span)
                                    : *v;
}

static void bind_let(tg_elab *e, tg_name name, tg_span span, const tg_ev *v) {
    tg_sym *s = tg_scope_add(e, TG_SYM_VALUE, name, span);
    s->ev = *v;
    s->is_let = s->name != NULL;
    name_value(v, s->name);
    if (e->phase == 0 && v->kind == TG_EV_VALUE && !e->frame &&
        !tg_elab_launch_value(v->value)) {
        tg_report(e->diags, TG_E0306, span,
                  "'%s' must be known at launch: parameters, dimensions and constants only",
                  name);
        s->ev = tg_ev_poison();
    }
}

void tg_elab_let(tg_elab *e, const tg_stmt *s) {
    for (uint32_t i = 0; i < s->u.decl.n_items; i++) {
        const tg_declarator *d = &s->u.decl.items[i];
        tg_ev v = d->init ? tg_elab_whole(e, d->init) : tg_ev_poison();
        v = settle(e, &v, d->span);
        if (d->n_names == 1) {
            bind_let(e, d->names[0], d->name_spans[0], &v);
            continue;
        }
        bool fits = v.kind == TG_EV_TUPLE && v.n_items == d->n_names;
        if (!fits && !tg_ev_is_poison(&v)) {
            tg_report(e->diags, TG_E0211, d->span, "%s cannot be bound to %u names",
                      tg_elab_ev_text(e, &v), d->n_names);
        }
        for (uint32_t k = 0; k < d->n_names; k++) {
            tg_ev part = fits ? v.items[k] : tg_ev_poison();
            bind_let(e, d->names[k], d->name_spans[k], &part);
        }
    }
}

/* ---- declarations ------------------------------------------------------------------------ */

static tg_ev list_value(tg_elab *e, const struct tg_init_list *list, tg_axis *const *axes,
                        uint32_t n, tg_dtype t);

static tg_ev list_item(tg_elab *e, const struct tg_init_list *list, uint32_t i,
                       tg_axis *const *axes, uint32_t n, tg_dtype t) {
    if (list->items[i].list) {
        return list_value(e, list->items[i].list, axes, n, t);
    }
    if (n) {
        tg_report(e->diags, TG_E0309, list->items[i].value->span,
                  "a list {…} is expected for axis '%s'", axes[0]->name);
        return tg_ev_poison();
    }
    tg_ev v = tg_elab_rvalue(e, list->items[i].value);
    if (tg_ev_is_number(&v) && !tg_ev_is_constant(&v)) {
        tg_report(e->diags, TG_E0212, list->items[i].value->span,
                  "an initialiser list holds constants");
        return tg_ev_poison();
    }
    return tg_elab_convert(e, &v, t, list->items[i].value->span);
}

/* {a, b, c} along an axis: axis == 0 ? a : axis == 1 ? b : c */
static tg_ev list_value(tg_elab *e, const struct tg_init_list *list, tg_axis *const *axes,
                        uint32_t n, tg_dtype t) {
    if (n == 0) {
        tg_report(e->diags, TG_E0309, list->span,
                  "too many nested lists: the tile has no further axis");
        return tg_ev_poison();
    }
    if (!tg_elab_constant_axis(e, axes[0]) ||
        (axes[0]->extent >= 0 && axes[0]->extent != (int64_t)list->n_items)) {
        tg_diag *d = tg_report(
            e->diags, TG_E0309, list->span,
            "a list of %u needs a constant axis of that extent; '%s' has %s", list->n_items,
            axes[0]->name,
            axes[0]->extent >= 0 ? tg_arena_printf(e->arena, "%lld", (long long)axes[0]->extent)
                                 : "no constant one");
        tg_diag_add_label(e->diags, d, axes[0]->span, "axis '%s' is bound here", axes[0]->name);
        return tg_ev_poison();
    }
    tg_ev acc = list_item(e, list, list->n_items - 1, axes + 1, n - 1, t);
    for (uint32_t i = list->n_items - 1; i-- > 0 && !tg_ev_is_poison(&acc);) {
        tg_ev v = list_item(e, list, i, axes + 1, n - 1, t);
        e->b.span = list->span;
        tg_value *here = tg_build_cmp(&e->b, TG_EQ, tg_build_iota(&e->b, axes[0]),
                                      tg_build_int(&e->b, TG_I64, i));
        acc = tg_elab_select(e, tg_ev_value(here), v, acc, list->span);
    }
    return acc;
}

static bool declared_axes(tg_elab *e, const tg_declarator *d, tg_axis **out) {
    bool ok = true;
    for (uint32_t i = 0; i < d->n_axes; i++) {
        tg_sym *s = tg_elab_axis_name(e, d->axes[i], d->axis_spans[i]);
        out[i] = s ? s->axis : NULL;
        ok = ok && s;
    }
    return ok;
}

static void need_constant(tg_elab *e, const tg_declarator *d, tg_ev *v) {
    if (tg_ev_is_number(v) && !tg_ev_is_constant(v)) {
        tg_report(e->diags, TG_E0212, d->init->span, "'%s' needs a constant expression",
                  d->names[0]);
        *v = tg_ev_poison();
    }
}

static void declare_constant(tg_elab *e, const tg_declarator *d, tg_dtype t) {
    tg_ev v = tg_elab_rvalue(e, d->init);
    need_constant(e, d, &v);
    v = tg_elab_convert(e, &v, t, d->init->span);
    tg_scope_add(e, TG_SYM_VALUE, d->names[0], d->name_spans[0])->ev = v;
}

/* `fixed`: a tile of constants, which nothing may assign to. */
static void declare_variable(tg_elab *e, const tg_declarator *d, tg_dtype t, bool fixed) {
    tg_axis **axes = TG_NEW_ARRAY(e->arena, tg_axis *, d->n_axes + 1);
    bool ok = declared_axes(e, d, axes) && t != TG_DTYPE_NONE;
    tg_ev v = tg_ev_poison();
    if (!d->init && !d->list) {
        tg_diag *diag = tg_report(e->diags, TG_E0401, d->name_spans[0],
                                  "tile '%s' needs an initial value", d->names[0]);
        tg_diag_add_edit(e->diags, diag, (tg_span){d->span.file, d->span.end, d->span.end},
                         " = 0");
    } else if (d->init) {
        v = tg_elab_whole(e, d->init);
        if (fixed) {
            need_constant(e, d, &v);
        }
    } else if (ok) {
        v = list_value(e, d->list, axes, d->n_axes, t);
    }
    tg_sym *s = tg_scope_add(e, TG_SYM_VAR, d->names[0], d->name_spans[0]);
    s->dtype = t;
    s->type = ok ? tg_type_tile(e->func, t, axes, d->n_axes) : NULL;
    s->ev = tg_ev_poison();
    if (!s->type) {
        s->kind = TG_SYM_VALUE; /* poison */
        return;
    }
    tg_elab_set_var(e, s, &v, d->init, d->span);
    name_value(&s->ev, s->name);
    s->kind = fixed ? TG_SYM_VALUE : s->kind;
}

void tg_elab_decl(tg_elab *e, const tg_stmt *s) {
    tg_dtype t = tg_elab_dtype(e, s->u.decl.type);
    for (uint32_t i = 0; i < s->u.decl.n_items; i++) {
        const tg_declarator *d = &s->u.decl.items[i];
        if (s->u.decl.is_const && d->init && d->n_axes == 0) {
            declare_constant(e, d, t);
        } else {
            declare_variable(e, d, t, s->u.decl.is_const);
        }
    }
}

/* ---- assignment -------------------------------------------------------------------------- */

/* old op value */
static tg_ev combined(tg_elab *e, const tg_stmt *s, const tg_ev *old) {
    tg_operator op = s->u.assign.op;
    if (op == TG_OPER_NONE) {
        return tg_elab_whole(e, s->u.assign.value);
    }
    if (op == TG_OPER_ADD || op == TG_OPER_SUB) {
        return tg_elab_sum(e, op, old, NULL, s->u.assign.value, s->span);
    }
    tg_ev v = tg_elab_rvalue(e, s->u.assign.value);
    if (op == TG_OPER_MIN || op == TG_OPER_MAX) {
        tg_ev args[] = {*old, v};
        const char *name = tg_elab_operator_text(op);
        return tg_builtin_elementwise(e, name, op == TG_OPER_MIN ? TG_OP_MIN : TG_OP_MAX,
                                      TG_TAKES_NUMBER, args, 2, s->span);
    }
    return tg_elab_binary(e, op, *old, v, s->span);
}

static tg_value *guard_value(tg_elab *e, const tg_stmt *s, bool *ok) {
    if (!s->u.assign.guard) {
        return NULL;
    }
    tg_ev g = tg_elab_bool(e, s->u.assign.guard);
    tg_value *v = tg_elab_value(e, &g);
    *ok = *ok && v;
    return v;
}

static void store(tg_elab *e, const tg_stmt *s) {
    tg_place p;
    if (!tg_elab_place(e, s->u.assign.target, &p)) {
        tg_elab_rvalue(e, s->u.assign.value);
        return;
    }
    tg_ev old = tg_ev_poison();
    if (s->u.assign.op != TG_OPER_NONE) {
        old = tg_ev_value(tg_elab_load(e, &p, NULL, s->u.assign.target->span));
    }
    tg_ev v = combined(e, s, &old);
    tg_value *value = tg_elab_converted(e, &v, p.tensor->dtype, s->u.assign.value->span);
    bool ok = value != NULL;
    tg_value *guard = guard_value(e, s, &ok);
    const tg_type *types[16];
    for (uint32_t i = 0; i < p.n; i++) {
        types[i] = p.indices[i]->type;
    }
    tg_elab_note_store(e, p.tensor, s->u.assign.target->span);
    if (!ok) {
        if (v.kind == TG_EV_TUPLE && !tg_ev_is_poison(&v)) {
            tg_report(e->diags, TG_E0211, s->u.assign.value->span,
                      "a tuple has no place in memory; store its parts");
        }
        return;
    }
    const tg_type *points = tg_type_union(e->func, value->type->dtype, types, p.n);
    if (!tg_elab_check_axes(e, value->type, points->axes, points->n_axes, s->u.assign.value,
                            s->u.assign.value->span, p.tensor->name, TG_E0405) ||
        (guard && !tg_elab_check_guard(e, guard->type, points->axes, points->n_axes,
                                       s->u.assign.guard, p.tensor->name))) {
        return;
    }
    e->b.span = s->span;
    tg_op *op = tg_build_store(&e->b, p.tensor->tensor, value, p.indices, p.n, guard);
    if (s->u.assign.unchecked) {
        tg_op_set_attr(e->func, op, tg_attr_flag(TG_ATTR_UNCHECKED));
    }
}

static tg_sym *assignable(tg_elab *e, const tg_expr *x) {
    if (x->kind != TG_EXPR_NAME) {
        tg_report(e->diags, TG_E0214, x->span, "this cannot be assigned to");
        return NULL;
    }
    tg_sym *s = tg_scope_find(e, x->u.name.name);
    if (s && s->kind == TG_SYM_VAR && !s->unrolled) {
        return s;
    }
    if (!s) {
        tg_ev v = tg_elab_name(e, x->u.name.name, x->span);
        if (v.kind != TG_EV_POISON) {
            tg_report(e->diags, TG_E0214, x->span, "cannot assign to '%s'", x->u.name.name);
        }
        return NULL;
    }
    if (s->kind == TG_SYM_TENSOR) {
        tg_report(e->diags, TG_E0213, x->span,
                  "tensor '%s' has %u dimensions, 0 indices given; index it", s->name, s->rank);
        return NULL;
    }
    if (s->ev.kind == TG_EV_POISON && s->kind == TG_SYM_VALUE) {
        return NULL;
    }
    tg_diag *d =
        tg_report(e->diags, TG_E0214, x->span, "cannot assign to an immutable '%s'", s->name);
    tg_diag_add_label(e->diags, d, s->span, "'%s' is bound here", s->name);
    if (s->kind == TG_SYM_VALUE && s->ev.kind == TG_EV_VALUE) {
        const tg_type *t = s->ev.value->type;
        tg_diag_add_help(e->diags, d,
                         s->is_let ? "declare it mutable: %s %s%s = …;"
                                   : "change a copy of another name: %s %s_%s = …;",
                         tg_dtype_name(t->dtype), s->name,
                         t->n_axes ? tg_elab_axes_text(e, t->axes, t->n_axes) : "");
    }
    return NULL;
}

static void assign_variable(tg_elab *e, const tg_stmt *s) {
    tg_sym *var = assignable(e, s->u.assign.target);
    bool ok = true;
    tg_ev v = var ? combined(e, s, &var->ev) : tg_elab_rvalue(e, s->u.assign.value);
    tg_value *guard = guard_value(e, s, &ok);
    if (!var || !ok) {
        return;
    }
    if (guard) {
        v = tg_elab_select(e, tg_ev_value(guard), v, var->ev, s->span);
    }
    tg_elab_set_var(e, var, &v, s->u.assign.value, s->span);
}

static void assign_tuple(tg_elab *e, const tg_stmt *s) {
    const tg_expr *t = s->u.assign.target;
    tg_ev v = tg_elab_whole(e, s->u.assign.value);
    bool fits = v.kind == TG_EV_TUPLE && v.n_items == t->u.tuple.n_items;
    if (!fits && !tg_ev_is_poison(&v)) {
        tg_report(e->diags, TG_E0211, s->span, "%s cannot be assigned to %u names",
                  tg_elab_ev_text(e, &v), t->u.tuple.n_items);
    }
    for (uint32_t i = 0; i < t->u.tuple.n_items; i++) {
        tg_sym *var = assignable(e, t->u.tuple.items[i]);
        if (var && fits) {
            tg_elab_set_var(e, var, &v.items[i], NULL, s->u.assign.value->span);
        }
    }
}

/* x[r = e1] = e2: x updated at p[r := e1(p)] for every p over (axes(x) - r) and axes(e1) */
static void assign_part(tg_elab *e, const tg_stmt *s) {
    const tg_expr *target = s->u.assign.target;
    tg_sym *var = assignable(e, target->u.index.base);
    if (!var || var->ev.kind != TG_EV_VALUE) {
        tg_elab_rvalue(e, s->u.assign.value);
        return;
    }
    uint32_t n = target->u.index.n_args;
    tg_value *x = tg_build_broadcast(&e->b, var->ev.value, with_lift(e, var->type));
    tg_axis **axes = TG_NEW_ARRAY(e->arena, tg_axis *, n);
    tg_value **operands = TG_NEW_ARRAY(e->arena, tg_value *, n + 2);
    bool ok = tg_elab_named_indices(e, target, x->type, axes, operands + 2);
    tg_ev old = s->u.assign.op == TG_OPER_NONE ? tg_ev_poison() : tg_elab_index(e, target);
    tg_ev v = combined(e, s, &old);
    tg_value *guard = guard_value(e, s, &ok);
    if (guard) {
        old = tg_elab_index(e, target);
        v = tg_elab_select(e, tg_ev_value(guard), v, old, s->span);
    }
    if (ok && e->frame && e->frame->mask) {
        old = tg_elab_index(e, target);
        v = tg_elab_masked(e, &v, &old, s->span);
    }
    operands[0] = x;
    operands[1] = tg_elab_converted(e, &v, var->type->dtype, s->u.assign.value->span);
    if (!ok || !operands[1]) {
        return;
    }
    const tg_type **types = TG_NEW_ARRAY(e->arena, const tg_type *, n + 1);
    types[0] = tg_type_drop(e->func, x->type, axes, n);
    for (uint32_t i = 0; i < n; i++) {
        types[i + 1] = operands[i + 2]->type;
    }
    const tg_type *points = tg_type_union(e->func, x->type->dtype, types, n + 1);
    if (!tg_elab_check_axes(e, operands[1]->type, points->axes, points->n_axes,
                            s->u.assign.value, s->u.assign.value->span, var->name, TG_E0311)) {
        return;
    }
    tg_attr attr = tg_attr_axes(e->func->arena, TG_ATTR_AXES, axes, n);
    e->b.span = s->span;
    var->ev = tg_ev_value(tg_result(
        tg_build_op(&e->b, TG_OP_REINDEX_SET, operands, n + 2, &x->type, 1, &attr, 1), 0));
}

void tg_elab_assign(tg_elab *e, const tg_stmt *s) {
    const tg_expr *t = s->u.assign.target;
    if (s->u.assign.atomic) {
        tg_elab_atomic_stmt(e, s);
        return;
    }
    if (t->kind == TG_EXPR_TUPLE) {
        assign_tuple(e, s);
        return;
    }
    if (t->kind != TG_EXPR_INDEX) {
        assign_variable(e, s);
        return;
    }
    const tg_expr *base = t->u.index.base;
    tg_sym *sym = base->kind == TG_EXPR_NAME ? tg_scope_find(e, base->u.name.name) : NULL;
    if (sym && sym->kind == TG_SYM_TENSOR) {
        sym->used = true;
        store(e, s);
    } else {
        assign_part(e, s);
    }
}

void tg_elab_static_assert(tg_elab *e, const tg_arg *args, uint32_t n, tg_span span) {
    bool known;
    if (n == 0 || n > 2) {
        tg_report(e->diags, TG_E0208, span, "static_assert takes a condition and a text");
        return;
    }
    tg_ev v = tg_elab_bool(e, args[0].value);
    if (tg_ev_is_poison(&v)) {
        return;
    }
    if (!tg_ev_is_constant(&v)) {
        tg_report(e->diags, TG_E0212, args[0].value->span,
                  "static_assert needs a constant condition");
    } else if (tg_ev_known_bool(&v, &known) && !known) {
        const tg_expr *text = n > 1 ? args[1].value : NULL;
        tg_report(e->diags, TG_E0212, args[0].value->span, "static assertion failed%s%s",
                  text && text->kind == TG_EXPR_STRING ? ": " : "",
                  text && text->kind == TG_EXPR_STRING ? text->u.string.text : "");
    }
}
