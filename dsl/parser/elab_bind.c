/* Calls, first half: arguments are matched to parameters, type parameters deduced, and the
 * callee's scope filled.
 *
 * The order is types, axes, then the other parameters: all axis parameters are in scope of all
 * others. */
#include "dsl/parser/elab_call.h"
#include "dsl/parser/rules.h"

/* ---- matching arguments to parameters ---------------------------------------------------- */

const tg_fn *tg_call_signature(const tg_function *f) {
    return f->fn ? f->fn : f->externs[0];
}

static int param_by_name(const tg_fn *fn, tg_name name) {
    for (uint32_t i = 0; i < fn->n_params; i++) {
        if (fn->params[i].name == name) {
            return (int)i;
        }
    }
    return -1;
}

void tg_call_report_count(tg_elab *e, const tg_fn *fn, uint32_t given, tg_span span) {
    tg_diag *d = tg_report(e->diags, TG_E0208, span, "'%s' takes %u argument%s, %u given",
                           fn->name, fn->n_params, fn->n_params == 1 ? "" : "s", given);
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

bool tg_call_match(tg_elab *e, const tg_fn *fn, const tg_expr *call, tg_actual *out) {
    bool ok = true;
    for (uint32_t i = 0; i < call->u.call.n_args; i++) {
        const tg_arg *a = &call->u.call.args[i];
        int at = a->name ? param_by_name(fn, a->name) : (int)i;
        if (at < 0 || (uint32_t)at >= fn->n_params || out[at].given) {
            if (a->name) {
                tg_report(e->diags, TG_E0208, a->name_span,
                          "'%s' has no parameter '%s' left to name", fn->name, a->name);
            } else {
                tg_call_report_count(e, fn, call->u.call.n_args, call->span);
            }
            return false;
        }
        out[at] = (tg_actual){.x = a->value, .span = a->value->span, .given = true};
        out[at].v = evaluate_argument(e, &fn->params[at], a->value);
        ok = ok && !tg_ev_is_poison(&out[at].v);
    }
    for (uint32_t i = 0; i < fn->n_params; i++) {
        if (!out[i].given && !fn->params[i].init) {
            tg_call_report_count(e, fn, call->u.call.n_args, call->span);
            return false;
        }
        out[i].span = out[i].given ? out[i].span : call->span;
    }
    return ok;
}

/* ---- type parameters --------------------------------------------------------------------- */

typedef struct deduced {
    tg_dtype t;
    bool literal, float_literal;
} deduced;

static int generic_index(const tg_fn *fn, const tg_tref *t) {
    for (uint32_t i = 0;
         t->kind == TG_TREF_NAMED && t->dtype == TG_DTYPE_NONE && i < fn->n_generics; i++) {
        if (fn->generics[i].name == t->name) {
            return (int)i;
        }
    }
    return -1;
}

static bool deduce(tg_elab *e, const tg_fn *fn, const tg_tref *t, const tg_ev *v, tg_span span,
                   deduced *out) {
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
        tg_report(e->diags, TG_E0203, span,
                  "no common type for %s and %s as %s of '%s'; convert one",
                  tg_dtype_name(out[g].t), tg_dtype_name(got), fn->generics[g].name, fn->name);
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

bool tg_call_bind_types(tg_elab *e, const tg_fn *fn, const tg_actual *args, tg_span span,
                        tg_dtype *out) {
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
            tg_report(e->diags, TG_E0209, span,
                      "type parameter %s of '%s' is not determined by the arguments", g->name,
                      fn->name);
            return false;
        }
        out[i] = d[i].t == TG_DTYPE_NONE ? literal_type(g, &d[i]) : d[i].t;
        if (!satisfies(g, out[i])) {
            tg_diag *diag = tg_report(e->diags, TG_E0209, span, "%s = %s does not satisfy '%s'",
                                      g->name, tg_dtype_name(out[i]), bounds_text(e, g));
            tg_diag_add_label(e->diags, diag, g->span, "required by '%s'", fn->name);
            return false;
        }
    }
    return true;
}

/* ---- binding parameters to symbols ------------------------------------------------------- */

tg_ev tg_call_convert(tg_elab *e, const tg_tref *t, const tg_ev *v, tg_span span) {
    if (t->kind != TG_TREF_TUPLE) {
        if (v->kind == TG_EV_TUPLE) {
            tg_report(e->diags, TG_E0211, span, "tuple of %u where one value is expected",
                      v->n_items);
            return tg_ev_poison();
        }
        return tg_elab_convert(e, v, tg_elab_dtype(e, t), span);
    }
    if (v->kind != TG_EV_TUPLE || v->n_items != t->n_items) {
        if (!tg_ev_is_poison(v)) {
            tg_report(e->diags, TG_E0211, span, "%s where a tuple of %u is expected",
                      tg_elab_ev_text(e, v), t->n_items);
        }
        return tg_ev_poison();
    }
    tg_ev *items = TG_NEW_ARRAY(e->arena, tg_ev, t->n_items);
    for (uint32_t i = 0; i < t->n_items; i++) {
        items[i] = tg_call_convert(e, t->items[i], &v->items[i], span);
    }
    return tg_ev_tuple(e, items, t->n_items);
}

static void bind_axis(tg_elab *e, const tg_param *p, const tg_actual *a) {
    tg_sym *s = tg_scope_add(e, TG_SYM_AXIS, p->name, p->name_span);
    s->axis = a->v.sym->axis;
    s->restricted = a->v.sym->restricted;
}

static bool bind_tensor(tg_elab *e, const tg_fn *fn, const tg_param *p, const tg_actual *a) {
    if (a->v.kind != TG_EV_TENSOR) {
        tg_report(e->diags, TG_E0208, a->span, "'%s' of '%s' takes a tensor, this is %s",
                  p->name, fn->name, tg_elab_ev_text(e, &a->v));
        return false;
    }
    tg_sym *t = a->v.sym;
    if (t->rank != p->n_dims || tg_elab_dtype(e, p->type) != t->dtype) {
        tg_report(e->diags, TG_E0213, a->span,
                  "'%s' of '%s' takes a tensor of %u dimensions of %s; %s has %u of %s",
                  p->name, fn->name, p->n_dims, tg_dtype_name(tg_elab_dtype(e, p->type)),
                  t->name, t->rank, tg_dtype_name(t->dtype));
        return false;
    }
    if (t->optional && !t->open) {
        tg_report(e->diags, TG_E0406, a->span, "optional '%s' used outside `if (%s)`", t->name,
                  t->name);
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
static bool check_declared(tg_elab *e, const tg_fn *fn, const tg_param *p, const tg_actual *a,
                           const tg_type *t, tg_axes *lift) {
    bool ok = true;
    tg_axis **declared = TG_NEW_ARRAY(e->arena, tg_axis *, p->n_axes + 1);
    for (uint32_t i = 0; i < p->n_axes; i++) {
        tg_sym *s = tg_elab_axis_name(e, p->axes[i], p->axis_spans[i]);
        declared[i] = s ? s->axis : NULL;
        ok = ok && s;
        if (s && !tg_type_has_axis(t, s->axis)) {
            tg_diag *d = tg_report(e->diags, TG_E0315, a->span,
                                   "argument has no axis '%s' for declared axis '%s': it is %s",
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

static bool check_declared_value(tg_elab *e, const tg_fn *fn, const tg_param *p,
                                 const tg_actual *a, const tg_ev *v, tg_axes *lift) {
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

static bool bind_value(tg_elab *e, const tg_fn *fn, const tg_param *p, tg_actual *a,
                       tg_axes *lift) {
    if (!a->given) {
        a->v = tg_elab_rvalue(e, p->init);
    }
    tg_ev v = tg_call_convert(e, p->type, &a->v, a->span);
    if (tg_ev_is_poison(&v)) {
        return false;
    }
    if (p->is_const && !tg_ev_is_constant(&v)) {
        tg_report(e->diags, TG_E0212, a->span, "'%s' of '%s' takes a constant expression",
                  p->name, fn->name);
        return false;
    }
    a->v = v;
    tg_scope_add(e, TG_SYM_VALUE, p->name, p->name_span)->ev = v;
    return check_declared_value(e, fn, p, a, &v, lift);
}

static bool bind_function(tg_elab *e, const tg_fn *fn, const tg_param *p, const tg_actual *a) {
    if (a->v.kind != TG_EV_FN && a->v.kind != TG_EV_BUILTIN) {
        tg_report(e->diags, TG_E0208, a->span, "'%s' of '%s' takes a function, this is %s",
                  p->name, fn->name, tg_elab_ev_text(e, &a->v));
        return false;
    }
    tg_scope_add(e, TG_SYM_FN, p->name, p->name_span)->ev = a->v;
    return true;
}

/* The callee's scope: types, axes, then the others in order (defaults may use earlier
 * parameters). */
bool tg_call_bind_parameters(tg_elab *e, const tg_fn *fn, tg_actual *args,
                             const tg_dtype *types, tg_axes *lift) {
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
