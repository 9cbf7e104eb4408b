/* Calls: conversions, functions of the module, and the choice between the three ways to elaborate a function body.
 *
 *   inline      the body is elaborated on the argument tiles. Lifting falls out of alignment by name: E, the axes that arguments
 *               have beyond those declared, simply stay. Always right without control flow, or when E is empty.
 *   map         control flow and no axes of its own: a region of scalars applied at every point of E.
 *   masked      control flow together with declared axes: elaborated inline with tile conditions as masks (elab_flow.c).
 *
 * A declared axis is a name for an axis of the caller, bound by an `axis` parameter. */
#include "dsl/parser/elab_internal.h"

#include "dsl/parser/rules.h"

#include <string.h>

typedef struct actual { /* one parameter's argument */
    const tg_expr *x;
    tg_ev v;
    tg_span span;
    bool given;
} actual;

/* ---- matching arguments to parameters ------------------------------------------------------------------------- */

static const tg_fn *signature_of(const tg_function *f) { return f->fn ? f->fn : f->externs[0]; }

static int param_by_name(const tg_fn *fn, tg_name name) {
    for (uint32_t i = 0; i < fn->n_params; i++) {
        if (fn->params[i].name == name) {
            return (int)i;
        }
    }
    return -1;
}

static void report_count(tg_elab *e, const tg_fn *fn, uint32_t given, tg_span span) {
    tg_diag *d = tg_report(e->diags, TG_E0208, span, "'%s' takes %u argument%s, %u given", fn->name, fn->n_params,
                           fn->n_params == 1 ? "" : "s", given);
    tg_diag_add_label(e->diags, d, fn->name_span, "declared here");
}

static tg_ev evaluate_argument(tg_elab *e, const tg_param *p, const tg_expr *x) {
    if (p->kind == TG_PARAM_AXIS) {
        if (x->kind != TG_EXPR_NAME) {
            tg_report(e->diags, TG_E0301, x->span, "'%s' takes the name of an axis", p->name);
            return tg_ev_poison();
        }
        tg_sym *s = tg_elab_axis_name(e, x->u.name.name, x->span);
        return s ? (tg_ev){.kind = TG_EV_AXIS, .sym = s} : tg_ev_poison();
    }
    if (p->kind == TG_PARAM_SCALAR) {
        return tg_elab_rvalue(e, x);
    }
    return tg_elab_expr(e, x);
}

static bool match_arguments(tg_elab *e, const tg_fn *fn, const tg_expr *call, actual *out) {
    bool ok = true;
    for (uint32_t i = 0; i < call->u.call.n_args; i++) {
        const tg_arg *a = &call->u.call.args[i];
        int at = a->name ? param_by_name(fn, a->name) : (int)i;
        if (at < 0 || (uint32_t)at >= fn->n_params || out[at].given) {
            if (a->name) {
                tg_report(e->diags, TG_E0208, a->name_span, "'%s' has no parameter '%s' left to name", fn->name, a->name);
            } else {
                report_count(e, fn, call->u.call.n_args, call->span);
            }
            return false;
        }
        out[at] = (actual){.x = a->value, .span = a->value->span, .given = true};
        out[at].v = evaluate_argument(e, &fn->params[at], a->value);
        ok = ok && !tg_ev_is_poison(&out[at].v);
    }
    for (uint32_t i = 0; i < fn->n_params; i++) {
        if (!out[i].given && !fn->params[i].init) {
            report_count(e, fn, call->u.call.n_args, call->span);
            return false;
        }
        out[i].span = out[i].given ? out[i].span : call->span;
    }
    return ok;
}

/* ---- type parameters ---------------------------------------------------------------------------------------------- */

typedef struct deduced { tg_dtype t; bool literal, float_literal; } deduced;

static int generic_index(const tg_fn *fn, const tg_tref *t) {
    for (uint32_t i = 0; t->kind == TG_TREF_NAMED && t->dtype == TG_DTYPE_NONE && i < fn->n_generics; i++) {
        if (fn->generics[i].name == t->name) {
            return (int)i;
        }
    }
    return -1;
}

static bool deduce(tg_elab *e, const tg_fn *fn, const tg_tref *t, const tg_ev *v, tg_span span, deduced *out) {
    if (t->kind == TG_TREF_TUPLE) {
        for (uint32_t i = 0; v->kind == TG_EV_TUPLE && i < t->n_items && i < v->n_items; i++) {
            if (!deduce(e, fn, t->items[i], &v->items[i], span, out)) {
                return false;
            }
        }
        return true;
    }
    int g = generic_index(fn, t);
    if (g < 0) {
        return true;
    }
    tg_dtype got = v->kind == TG_EV_TENSOR ? v->sym->dtype : tg_ev_dtype(v);
    if (got == TG_DTYPE_NONE) {
        out[g].literal = true;
        out[g].float_literal |= v->is_float;
        return true;
    }
    tg_dtype both = out[g].t == TG_DTYPE_NONE ? got : tg_dtype_common(out[g].t, got);
    if (both == TG_DTYPE_NONE) {
        tg_report(e->diags, TG_E0203, span, "no common type for %s and %s as %s of '%s'; convert one", tg_dtype_name(out[g].t),
                  tg_dtype_name(got), fn->generics[g].name, fn->name);
        return false;
    }
    out[g].t = both;
    return true;
}

static bool satisfies(const tg_generic *g, tg_dtype t) {
    tg_dtype members[TG_BOUND_MAX];
    for (uint32_t i = 0; i < g->n_bounds; i++) {
        uint32_t n = tg_bound_members(g->bounds[i], members);
        for (uint32_t j = 0; j < n; j++) {
            if (members[j] == t) {
                return true;
            }
        }
    }
    return false;
}

static const char *bounds_text(tg_elab *e, const tg_generic *g) {
    tg_strbuf s;
    tg_strbuf_init(&s, e->arena);
    for (uint32_t i = 0; i < g->n_bounds; i++) {
        tg_strbuf_printf(&s, "%s%s", i ? " | " : "", g->bounds[i]);
    }
    return s.data;
}

/* A literal alone satisfies what it can: a float class takes f32. */
static tg_dtype literal_type(const tg_generic *g, const deduced *d) {
    if (!d->float_literal && satisfies(g, TG_I64)) {
        return TG_I64;
    }
    return TG_F32;
}

static bool bind_types(tg_elab *e, const tg_fn *fn, const actual *args, tg_span span, tg_dtype *out) {
    deduced *d = TG_NEW_ARRAY(e->arena, deduced, fn->n_generics + 1);
    for (uint32_t i = 0; i < fn->n_params; i++) {
        const tg_param *p = &fn->params[i];
        bool typed = p->kind == TG_PARAM_SCALAR || p->kind == TG_PARAM_TENSOR;
        if (typed && args[i].given && !deduce(e, fn, p->type, &args[i].v, args[i].span, d)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < fn->n_generics; i++) {
        const tg_generic *g = &fn->generics[i];
        if (d[i].t == TG_DTYPE_NONE && !d[i].literal) {
            tg_report(e->diags, TG_E0209, span, "type parameter %s of '%s' is not determined by the arguments", g->name, fn->name);
            return false;
        }
        out[i] = d[i].t == TG_DTYPE_NONE ? literal_type(g, &d[i]) : d[i].t;
        if (!satisfies(g, out[i])) {
            tg_diag *diag = tg_report(e->diags, TG_E0209, span, "%s = %s does not satisfy '%s'", g->name, tg_dtype_name(out[i]),
                                      bounds_text(e, g));
            tg_diag_add_label(e->diags, diag, g->span, "required by '%s'", fn->name);
            return false;
        }
    }
    return true;
}

/* ---- binding parameters to symbols --------------------------------------------------------------------------------- */

static tg_ev convert_to(tg_elab *e, const tg_tref *t, const tg_ev *v, tg_span span) {
    if (t->kind != TG_TREF_TUPLE) {
        if (v->kind == TG_EV_TUPLE) {
            tg_report(e->diags, TG_E0211, span, "tuple of %u where one value is expected", v->n_items);
            return tg_ev_poison();
        }
        return tg_elab_convert(e, v, tg_elab_dtype(e, t), span);
    }
    if (v->kind != TG_EV_TUPLE || v->n_items != t->n_items) {
        if (!tg_ev_is_poison(v)) {
            tg_report(e->diags, TG_E0211, span, "%s where a tuple of %u is expected", tg_elab_ev_text(e, v), t->n_items);
        }
        return tg_ev_poison();
    }
    tg_ev *items = TG_NEW_ARRAY(e->arena, tg_ev, t->n_items);
    for (uint32_t i = 0; i < t->n_items; i++) {
        items[i] = convert_to(e, t->items[i], &v->items[i], span);
    }
    return tg_ev_tuple(e, items, t->n_items);
}

static void bind_axis(tg_elab *e, const tg_param *p, const actual *a) {
    tg_sym *s = tg_scope_add(e, TG_SYM_AXIS, p->name, p->name_span);
    s->axis = a->v.sym->axis;
    s->restricted = a->v.sym->restricted;
}

static bool bind_tensor(tg_elab *e, const tg_fn *fn, const tg_param *p, const actual *a) {
    if (a->v.kind != TG_EV_TENSOR) {
        tg_report(e->diags, TG_E0208, a->span, "'%s' of '%s' takes a tensor, this is %s", p->name, fn->name, tg_elab_ev_text(e, &a->v));
        return false;
    }
    tg_sym *t = a->v.sym;
    if (t->rank != p->n_dims || tg_elab_dtype(e, p->type) != t->dtype) {
        tg_report(e->diags, TG_E0213, a->span, "'%s' of '%s' takes a tensor of %u dimensions of %s; %s has %u of %s", p->name,
                  fn->name, p->n_dims, tg_dtype_name(tg_elab_dtype(e, p->type)), t->name, t->rank, tg_dtype_name(t->dtype));
        return false;
    }
    if (t->optional && !t->open) {
        tg_report(e->diags, TG_E0406, a->span, "optional '%s' used outside `if (%s)`", t->name, t->name);
        return false;
    }
    tg_elab_note_load(e, t, a->span);
    tg_sym *s = tg_scope_add(e, TG_SYM_TENSOR, p->name, p->name_span);
    s->tensor = t->tensor;
    s->dtype = t->dtype;
    s->rank = t->rank;
    s->storage = TG_STORE_IN;
    s->filled = true;
    for (uint32_t d = 0; d < p->n_dims && t->tensor; d++) {
        const tg_expr *dim = p->dims[d].value;
        if (dim->kind == TG_EXPR_NAME && !tg_scope_find(e, dim->u.name.name)) {
            tg_sym *n = tg_scope_add(e, TG_SYM_VALUE, dim->u.name.name, dim->span);
            n->ev = tg_ev_value_const(tg_build_dim(&e->b, t->tensor, d), false);
        }
    }
    return true;
}

/* Every declared axis must be an axis of the argument; the rest of its axes are lifted. */
static bool check_declared(tg_elab *e, const tg_fn *fn, const tg_param *p, const actual *a, const tg_type *t, tg_axes *lift) {
    bool ok = true;
    tg_axis **declared = TG_NEW_ARRAY(e->arena, tg_axis *, p->n_axes + 1);
    for (uint32_t i = 0; i < p->n_axes; i++) {
        tg_sym *s = tg_elab_axis_name(e, p->axes[i], p->axis_spans[i]);
        declared[i] = s ? s->axis : NULL;
        ok = ok && s;
        if (s && !tg_type_has_axis(t, s->axis)) {
            tg_diag *d = tg_report(e->diags, TG_E0315, a->span, "argument has no axis '%s' for declared axis '%s': it is %s",
                                   s->axis->name, p->axes[i], tg_elab_type_text(e, t));
            tg_diag_add_label(e->diags, d, p->span, "'%s' declares it here", fn->name);
            ok = false;
        }
    }
    const tg_type *rest = tg_type_drop(e->func, t, declared, ok ? p->n_axes : 0);
    for (uint32_t i = 0; i < rest->n_axes; i++) {
        bool known = false;
        for (uint32_t j = 0; j < lift->len; j++) {
            known = known || lift->data[j] == rest->axes[i];
        }
        if (!known) {
            tg_vec_push(e->arena, lift, rest->axes[i]);
        }
    }
    return ok;
}

static bool check_declared_value(tg_elab *e, const tg_fn *fn, const tg_param *p, const actual *a, const tg_ev *v, tg_axes *lift) {
    if (v->kind == TG_EV_TUPLE) {
        for (uint32_t i = 0; i < v->n_items; i++) {
            if (!check_declared_value(e, fn, p, a, &v->items[i], lift)) {
                return false;
            }
        }
        return true;
    }
    const tg_type *t = tg_ev_type(e, v);
    return t && check_declared(e, fn, p, a, t, lift);
}

static bool bind_value(tg_elab *e, const tg_fn *fn, const tg_param *p, actual *a, tg_axes *lift) {
    if (!a->given) {
        a->v = tg_elab_rvalue(e, p->init);
    }
    tg_ev v = convert_to(e, p->type, &a->v, a->span);
    if (tg_ev_is_poison(&v)) {
        return false;
    }
    if (p->is_const && !tg_ev_is_constant(&v)) {
        tg_report(e->diags, TG_E0212, a->span, "'%s' of '%s' takes a constant expression", p->name, fn->name);
        return false;
    }
    a->v = v;
    tg_scope_add(e, TG_SYM_VALUE, p->name, p->name_span)->ev = v;
    return check_declared_value(e, fn, p, a, &v, lift);
}

static bool bind_function(tg_elab *e, const tg_fn *fn, const tg_param *p, const actual *a) {
    if (a->v.kind != TG_EV_FN && a->v.kind != TG_EV_BUILTIN) {
        tg_report(e->diags, TG_E0208, a->span, "'%s' of '%s' takes a function, this is %s", p->name, fn->name, tg_elab_ev_text(e, &a->v));
        return false;
    }
    tg_scope_add(e, TG_SYM_FN, p->name, p->name_span)->ev = a->v;
    return true;
}

/* The callee's scope: types, axes, then the others in order (defaults may use earlier parameters). */
static bool bind_parameters(tg_elab *e, const tg_fn *fn, actual *args, const tg_dtype *types, tg_axes *lift) {
    bool ok = true;
    for (uint32_t i = 0; i < fn->n_generics; i++) {
        tg_sym *s = tg_scope_add(e, TG_SYM_TYPE, fn->generics[i].name, fn->generics[i].span);
        s->ev = (tg_ev){.kind = TG_EV_TYPE, .dtype = types[i]};
    }
    for (uint32_t i = 0; i < fn->n_params; i++) {
        if (fn->params[i].kind == TG_PARAM_AXIS) {
            bind_axis(e, &fn->params[i], &args[i]);
        }
    }
    for (uint32_t i = 0; i < fn->n_params && ok; i++) {
        const tg_param *p = &fn->params[i];
        if (p->kind == TG_PARAM_TENSOR) {
            ok = bind_tensor(e, fn, p, &args[i]);
        } else if (p->kind == TG_PARAM_FN) {
            ok = bind_function(e, fn, p, &args[i]);
        } else if (p->kind == TG_PARAM_SCALAR) {
            ok = bind_value(e, fn, p, &args[i], lift);
        }
    }
    return ok;
}

/* ---- which way ----------------------------------------------------------------------------------------------------- */

static bool is_static_name(const tg_elab *e, tg_name name) {
    const tg_sym *s = tg_scope_find(e, name);
    return !s || s->kind == TG_SYM_TYPE || (s->kind == TG_SYM_VALUE && tg_ev_is_constant(&s->ev));
}

static bool static_test(const tg_elab *e, const tg_expr *x) {
    switch ((int)x->kind) {
    case TG_EXPR_NAME: return is_static_name(e, x->u.name.name);
    case TG_EXPR_UNARY: return static_test(e, x->u.unary.operand);
    case TG_EXPR_BINARY: return static_test(e, x->u.binary.left) && static_test(e, x->u.binary.right);
    case TG_EXPR_INT:
    case TG_EXPR_FLOAT:
    case TG_EXPR_BOOL:
    case TG_EXPR_TYPE: return true;
    default: return false;
    }
}

/* Control flow that may differ from point to point, or leaves early. */
static bool per_point(const tg_elab *e, const tg_stmt *s) {
    switch ((int)s->kind) {
    case TG_STMT_BLOCK:
        for (uint32_t i = 0; i < s->u.block.n_items; i++) {
            if (per_point(e, s->u.block.items[i])) {
                return true;
            }
        }
        return false;
    case TG_STMT_IF:
        return (!s->u.branch.is_const && !static_test(e, s->u.branch.test)) || per_point(e, s->u.branch.yes) ||
               (s->u.branch.no && per_point(e, s->u.branch.no));
    case TG_STMT_FOR_C: return !s->u.for_c.unroll || per_point(e, s->u.for_c.body);
    case TG_STMT_FOR: return per_point(e, s->u.range.body);
    case TG_STMT_WHILE:
    case TG_STMT_BREAK:
    case TG_STMT_CONTINUE: return true;
    default: return false;
    }
}

/* Axes of its own forbid a region of scalars. */
static bool has_axes(const tg_fn *fn) {
    for (uint32_t i = 0; i < fn->n_params; i++) {
        if (fn->params[i].kind == TG_PARAM_AXIS) {
            return true;
        }
    }
    return false;
}

static bool declares_axes(const tg_stmt *s) {
    switch ((int)s->kind) {
    case TG_STMT_AXIS: return true;
    case TG_STMT_BLOCK:
        for (uint32_t i = 0; i < s->u.block.n_items; i++) {
            if (declares_axes(s->u.block.items[i])) {
                return true;
            }
        }
        return false;
    case TG_STMT_IF: return declares_axes(s->u.branch.yes) || (s->u.branch.no && declares_axes(s->u.branch.no));
    case TG_STMT_FOR_C: return declares_axes(s->u.for_c.body);
    case TG_STMT_FOR: return !s->u.range.binder.each || declares_axes(s->u.range.body);
    case TG_STMT_WHILE: return declares_axes(s->u.loop.body);
    default: return false;
    }
}

/* ---- results ------------------------------------------------------------------------------------------------------- */

static uint32_t count_parts(const tg_tref *t) {
    uint32_t n = 0;
    for (uint32_t i = 0; t->kind == TG_TREF_TUPLE && i < t->n_items; i++) {
        n += count_parts(t->items[i]);
    }
    return t->kind == TG_TREF_TUPLE ? n : 1;
}

static bool allowed_axes(tg_elab *e, const tg_tref *t, tg_axes *out) {
    bool ok = true;
    for (uint32_t i = 0; i < t->n_axes; i++) {
        tg_sym *s = tg_elab_axis_name(e, t->axes[i], t->axis_spans[i]);
        ok = ok && s;
        if (s) {
            tg_vec_push(e->arena, out, s->axis);
        }
    }
    return ok;
}

static tg_ev finish_result(tg_elab *e, const tg_fn *fn, const tg_tref *t, tg_axes declared, const tg_ev *v, tg_span span) {
    if (!allowed_axes(e, t, &declared)) {
        return tg_ev_poison();
    }
    if (t->kind == TG_TREF_TUPLE) {
        if (v->kind != TG_EV_TUPLE || v->n_items != t->n_items) {
            if (!tg_ev_is_poison(v)) {
                tg_report(e->diags, TG_E0211, span, "'%s' returns a tuple of %u, this is %s", fn->name, t->n_items, tg_elab_ev_text(e, v));
            }
            return tg_ev_poison();
        }
        tg_ev *items = TG_NEW_ARRAY(e->arena, tg_ev, t->n_items);
        for (uint32_t i = 0; i < t->n_items; i++) {
            items[i] = finish_result(e, fn, t->items[i], declared, &v->items[i], span);
        }
        return tg_ev_tuple(e, items, t->n_items);
    }
    tg_ev r = convert_to(e, t, v, span);
    if (tg_ev_is_poison(&r)) {
        return r;
    }
    const tg_type *full = tg_type_tile(e->func, tg_ev_dtype(&r), declared.data, declared.len);
    tg_axes allowed = {0};
    for (uint32_t i = 0; i < declared.len; i++) {
        tg_vec_push(e->arena, &allowed, declared.data[i]);
    }
    for (uint32_t i = 0; i < e->frame->n_lift; i++) {
        tg_vec_push(e->arena, &allowed, e->frame->lift[i]);
    }
    const tg_type *got = tg_ev_type(e, &r);
    if (!tg_elab_check_axes(e, got, allowed.data, allowed.len, NULL, span, fn->name, TG_E0311)) {
        return tg_ev_poison();
    }
    if (full->n_axes == 0 || tg_type_axes_within(full, got)) {
        return r;
    }
    const tg_type *types[] = {full, got};
    tg_value *value = tg_elab_value(e, &r);
    return tg_ev_value(tg_build_broadcast(&e->b, value, tg_type_union(e->func, got->dtype, types, 2)));
}

/* Hidden variables for functions that return before their end: a flag, and one per part of the result. */
static void result_types(tg_elab *e, const tg_tref *t, tg_axes axes, const tg_type **out, uint32_t *n) {
    allowed_axes(e, t, &axes);
    if (t->kind == TG_TREF_TUPLE) {
        for (uint32_t i = 0; i < t->n_items; i++) {
            result_types(e, t->items[i], axes, out, n);
        }
        return;
    }
    tg_dtype dtype = tg_elab_dtype(e, t);
    out[(*n)++] = tg_type_tile(e->func, dtype == TG_DTYPE_NONE ? TG_F32 : dtype, axes.data, axes.len);
}

static void prepare_early_returns(tg_elab *e, const tg_fn *fn) {
    tg_frame *f = e->frame;
    tg_axes axes = {0};
    for (uint32_t i = 0; i < f->n_lift; i++) {
        tg_vec_push(e->arena, &axes, f->lift[i]);
    }
    const tg_type **types = TG_NEW_ARRAY(e->arena, const tg_type *, count_parts(fn->result));
    result_types(e, fn->result, axes, types, &f->n_results);
    f->returned = tg_scope_hidden(e, "returned", TG_BOOL);
    f->results = TG_NEW_ARRAY(e->arena, tg_sym *, f->n_results);
    for (uint32_t i = 0; i < f->n_results; i++) {
        tg_sym *s = tg_scope_hidden(e, "result", types[i]->dtype);
        tg_ev zero = tg_ev_const(tg_dtype_is_float(s->dtype) || tg_dtype_kind_of(s->dtype) == TG_KIND_COMPLEX
                                     ? tg_scalar_float(s->dtype, 0) : tg_scalar_int(s->dtype, 0));
        s->type = types[i];
        s->ev = tg_ev_value(tg_build_broadcast(&e->b, tg_elab_value(e, &zero), types[i]));
        f->results[i] = s;
    }
}

static tg_ev gather_results(tg_elab *e, const tg_tref *t, tg_sym **results, uint32_t *at) {
    if (t->kind != TG_TREF_TUPLE) {
        return results[(*at)++]->ev;
    }
    tg_ev *items = TG_NEW_ARRAY(e->arena, tg_ev, t->n_items);
    for (uint32_t i = 0; i < t->n_items; i++) {
        items[i] = gather_results(e, t->items[i], results, at);
    }
    return tg_ev_tuple(e, items, t->n_items);
}

static bool ends_with_only_return(const tg_stmt *body) {
    uint32_t n = body->u.block.n_items;
    for (uint32_t i = 0; i + 1 < n; i++) {
        if (tg_elab_has_return(body->u.block.items[i])) {
            return false;
        }
    }
    return n > 0 && body->u.block.items[n - 1]->kind == TG_STMT_RETURN;
}

tg_ev tg_elab_fn_body(tg_elab *e, const tg_fn *fn) {
    tg_axes none = {0};
    if (fn->value) {
        tg_ev v = tg_elab_rvalue(e, fn->value);
        return finish_result(e, fn, fn->result, none, &v, fn->value->span);
    }
    if (!tg_elab_has_return(fn->body)) {
        tg_report(e->diags, TG_E0105, fn->name_span, "'%s' returns no value; end it with `return …;`", fn->name);
        return tg_ev_poison();
    }
    bool simple = ends_with_only_return(fn->body);
    if (!simple) {
        prepare_early_returns(e, fn);
    }
    tg_elab_block(e, fn->body);
    uint32_t at = 0;
    tg_ev v = simple ? e->frame->value : gather_results(e, fn->result, e->frame->results, &at);
    return finish_result(e, fn, fn->result, none, &v, fn->result->span);
}

/* ---- elaborating the body -------------------------------------------------------------------------------------------- */

static uint32_t flatten(const tg_ev *v, const tg_ev **out, uint32_t n) {
    if (v->kind != TG_EV_TUPLE) {
        out[n++] = v;
        return n;
    }
    for (uint32_t i = 0; i < v->n_items; i++) {
        n = flatten(&v->items[i], out, n);
    }
    return n;
}

/* Replaces the values of parameters by the region's arguments. */
static tg_ev region_argument(tg_elab *e, tg_op *op, const tg_ev *v, uint32_t *at) {
    if (v->kind == TG_EV_TUPLE) {
        tg_ev *items = TG_NEW_ARRAY(e->arena, tg_ev, v->n_items);
        for (uint32_t i = 0; i < v->n_items; i++) {
            items[i] = region_argument(e, op, &v->items[i], at);
        }
        return tg_ev_tuple(e, items, v->n_items);
    }
    return v->kind == TG_EV_VALUE && !v->constant ? tg_ev_value(op->regions[0].body.args[(*at)++]) : *v;
}

static uint32_t map_operands(const tg_elab *e, const tg_fn *fn, tg_value **out) {
    const tg_ev *parts[64];
    uint32_t n = 0;
    for (uint32_t i = 0; i < fn->n_params; i++) {
        const tg_sym *s = fn->params[i].kind == TG_PARAM_SCALAR ? tg_scope_find(e, fn->params[i].name) : NULL;
        uint32_t k = s ? flatten(&s->ev, parts, 0) : 0;
        for (uint32_t j = 0; j < k; j++) {
            if (parts[j]->kind == TG_EV_VALUE && !parts[j]->constant) {
                out[n++] = parts[j]->value;
            }
        }
    }
    return n;
}

static tg_ev wrap_results(tg_elab *e, const tg_tref *t, tg_op *op, uint32_t *at) {
    if (t->kind != TG_TREF_TUPLE) {
        return tg_ev_value(tg_result(op, (*at)++));
    }
    tg_ev *items = TG_NEW_ARRAY(e->arena, tg_ev, t->n_items);
    for (uint32_t i = 0; i < t->n_items; i++) {
        items[i] = wrap_results(e, t->items[i], op, at);
    }
    return tg_ev_tuple(e, items, t->n_items);
}

static tg_ev map_body(tg_elab *e, const tg_fn *fn, tg_span span) {
    tg_value *operands[256];
    uint32_t n = map_operands(e, fn, operands), n_results = 0, at = 0;
    tg_axes lifted = {0};
    for (uint32_t i = 0; i < e->frame->n_lift; i++) {
        tg_vec_push(e->arena, &lifted, e->frame->lift[i]);
    }
    const tg_type **types = TG_NEW_ARRAY(e->arena, const tg_type *, count_parts(fn->result));
    result_types(e, fn->result, lifted, types, &n_results);
    e->b.span = span;
    tg_op *op = tg_build_op(&e->b, TG_OP_MAP, operands, n, types, n_results, NULL, 0);
    for (uint32_t i = 0; i < n; i++) {
        tg_block_add_arg(e->func, &op->regions[0].body, tg_type_scalar(e->func, operands[i]->type->dtype), NULL);
    }
    for (uint32_t i = 0; i < fn->n_params; i++) {
        tg_sym *s = fn->params[i].kind == TG_PARAM_SCALAR ? tg_scope_find(e, fn->params[i].name) : NULL;
        if (s) {
            s->ev = region_argument(e, op, &s->ev, &at);
        }
    }
    tg_builder saved = e->b;
    e->b.block = &op->regions[0].body;
    e->b.before = NULL;
    e->frame->n_lift = 0;
    tg_ev v = tg_elab_fn_body(e, fn);
    bool ok = !tg_ev_is_poison(&v);
    const tg_ev **parts = TG_NEW_ARRAY(e->arena, const tg_ev *, n_results + 1);
    tg_value **yields = TG_NEW_ARRAY(e->arena, tg_value *, n_results + 1);
    uint32_t k = ok ? flatten(&v, parts, 0) : 0;
    for (uint32_t i = 0; i < k; i++) {
        yields[i] = tg_elab_value(e, parts[i]);
    }
    tg_build_yield(&e->b, yields, k);
    e->b = saved;
    at = 0;
    return ok ? wrap_results(e, fn->result, op, &at) : tg_ev_poison();
}

/* Only an extern version exists: nothing to elaborate. While checking, a zero of the right type stands for it. */
static tg_ev extern_result(tg_elab *e, const tg_fn *fn, tg_span span) {
    if (!e->checking) {
        tg_report(e->diags, TG_E0201, span, "'%s' is defined for %s only; give it a portable definition: fn %s(…) -> … = …;",
                  fn->name, fn->extern_target, fn->name);
        return tg_ev_poison();
    }
    uint32_t at = 0;
    prepare_early_returns(e, fn);
    return gather_results(e, fn->result, e->frame->results, &at);
}

static tg_ev elaborate(tg_elab *e, const tg_function *f, tg_axes lift, tg_span span) {
    const tg_fn *fn = signature_of(f);
    tg_frame frame = {.function = f, .up = e->frame, .lift = lift.data, .n_lift = lift.len};
    tg_value *mask = e->frame ? e->frame->mask : NULL;
    if (mask && tg_type_axes_within(mask->type, tg_type_tile(e->func, TG_BOOL, lift.data, lift.len))) {
        frame.mask = mask; /* loops of the callee must not wait for points that do not run */
    }
    tg_loop *loop = e->loop;
    tg_ev v;
    e->frame = &frame;
    e->loop = NULL;
    if (!f->fn) {
        v = extern_result(e, fn, span);
    } else if (lift.len && !mask && fn->body && per_point(e, fn->body) && !has_axes(fn) && !declares_axes(fn->body)) {
        v = map_body(e, fn, span);
    } else {
        v = tg_elab_fn_body(e, fn);
    }
    e->frame = frame.up;
    e->loop = loop;
    return v;
}

static bool recursive(tg_elab *e, const tg_function *f, tg_span span) {
    for (const tg_frame *frame = e->frame; frame; frame = frame->up) {
        if (frame->function == f) {
            tg_diag *d = tg_report(e->diags, TG_E0501, span, "recursion: '%s' calls itself", signature_of(f)->name);
            tg_diag_add_label(e->diags, d, signature_of(f)->name_span, "declared here");
            tg_diag_add_help(e->diags, d, "write a loop");
            return true;
        }
    }
    return false;
}

static tg_ev call_function(tg_elab *e, const tg_function *f, actual *args, tg_span span) {
    const tg_fn *fn = signature_of(f);
    tg_dtype *types = TG_NEW_ARRAY(e->arena, tg_dtype, fn->n_generics + 1);
    if (recursive(e, f, span) || !bind_types(e, fn, args, span, types)) {
        return tg_ev_poison();
    }
    tg_sym *scope = e->scope;
    const tg_module *module = e->module;
    tg_axes lift = {0};
    e->scope = NULL;
    e->module = f->module;
    tg_ev v = tg_ev_poison();
    if (bind_parameters(e, fn, args, types, &lift)) {
        v = elaborate(e, f, lift, span);
    }
    e->scope = scope;
    e->module = module;
    return v;
}

/* ---- entry points ------------------------------------------------------------------------------------------------------- */

static tg_ev conversion(tg_elab *e, tg_dtype to, const tg_expr *x) {
    if (x->u.call.n_args != 1 || x->u.call.args[0].name) {
        tg_report(e->diags, TG_E0208, x->span, "a conversion takes one argument");
        return tg_ev_poison();
    }
    tg_ev v = tg_elab_rvalue(e, x->u.call.args[0].value);
    if (v.kind == TG_EV_TUPLE) {
        tg_report(e->diags, TG_E0211, x->span, "a tuple is not converted; convert its parts");
        return tg_ev_poison();
    }
    e->b.span = x->span;
    return tg_elab_cast(e, &v, to, x->span);
}

tg_ev tg_elab_call(tg_elab *e, const tg_expr *x) {
    tg_ev callee = tg_elab_expr(e, x->u.call.callee);
    if (callee.kind == TG_EV_POISON) {
        return callee;
    }
    if (callee.kind == TG_EV_TYPE) {
        return callee.dtype == TG_DTYPE_NONE ? tg_ev_poison() : conversion(e, callee.dtype, x);
    }
    if (callee.kind == TG_EV_BUILTIN) {
        return tg_builtin_call(e, callee.builtin, x);
    }
    if (callee.kind != TG_EV_FN) {
        tg_report(e->diags, TG_E0208, x->u.call.callee->span, "expected a function, this is %s", tg_elab_ev_text(e, &callee));
        return tg_ev_poison();
    }
    const tg_fn *fn = signature_of(callee.function);
    actual *args = TG_NEW_ARRAY(e->arena, actual, fn->n_params + 1);
    return match_arguments(e, fn, x, args) ? call_function(e, callee.function, args, x->span) : tg_ev_poison();
}

tg_ev tg_elab_apply(tg_elab *e, const tg_ev *callee, const tg_ev *values, uint32_t n, tg_span span) {
    if (callee->kind == TG_EV_BUILTIN) {
        const tg_builtin *f = callee->builtin;
        if (n < f->min_args || n > f->max_args) {
            tg_report(e->diags, TG_E0208, span, "'%s' does not take %u arguments", f->name, n);
            return tg_ev_poison();
        }
        tg_call c = {.f = f, .values = values, .n = n, .span = span};
        return f->fn(e, &c);
    }
    if (callee->kind != TG_EV_FN) {
        tg_report(e->diags, TG_E0208, span, "expected a function, this is %s", tg_elab_ev_text(e, callee));
        return tg_ev_poison();
    }
    const tg_fn *fn = signature_of(callee->function);
    actual *args = TG_NEW_ARRAY(e->arena, actual, fn->n_params + 1);
    if (fn->n_params != n) {
        report_count(e, fn, n, span);
        return tg_ev_poison();
    }
    for (uint32_t i = 0; i < n; i++) {
        args[i] = (actual){.v = values[i], .span = span, .given = true};
    }
    return call_function(e, callee->function, args, span);
}
