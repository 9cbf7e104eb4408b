/* Checks a function on its own, so that one that nobody calls is not left unchecked: each type parameter is the first
 * member of its bound, each axis parameter a full axis of unknown extent, each value a parameter of an imaginary kernel
 * with exactly the declared axes. The IR is thrown away. Functions that take functions are only resolved. */
#include "dsl/parser/elab_internal.h"
#include "dsl/parser/rules.h"

static bool bind_types(tg_elab *e, const tg_fn *fn) {
    for (uint32_t i = 0; i < fn->n_generics; i++) {
        const tg_generic *g = &fn->generics[i];
        tg_dtype members[TG_BOUND_MAX];
        uint32_t n = g->n_bounds ? tg_bound_members(g->bounds[0], members) : 0;
        if (n == 0) {
            tg_report(e->diags, TG_E0202, g->span, "type parameter '%s' has an unknown bound",
                      g->name);
            return false;
        }
        tg_sym *s = tg_scope_add(e, TG_SYM_TYPE, g->name, g->span);
        s->ev = (tg_ev){.kind = TG_EV_TYPE, .dtype = members[0]};
    }
    return true;
}

static void bind_axis(tg_elab *e, const tg_param *p) {
    tg_fparam extent = {.name = p->name, .kind = TG_FP_SCALAR, .dtype = TG_I64};
    tg_value *n = tg_func_add_param(e->func, extent), *zero = tg_build_int(&e->b, TG_I64, 0);
    tg_binder binder = {.name = p->name, .name_span = p->name_span};
    tg_bounds d = {.extent = n, .from = zero, .until = n, .known = -1, .step = 1};
    tg_sym *s = tg_elab_new_axis(e, TG_AXIS_LOCAL, &binder, &d);
    tg_value *operands[] = {n, zero, n};
    tg_attr attr = tg_attr_axis(e->func->arena, TG_ATTR_AXIS, s->axis);
    s->axis->binder = tg_build_op(&e->b, TG_OP_AXIS, operands, 3, NULL, 0, &attr, 1);
}

static void bind_tensor(tg_elab *e, const tg_param *p) {
    tg_dtype t = tg_elab_dtype(e, p->type);
    tg_fparam f = {.name = p->name, .kind = TG_FP_IN, .dtype = t, .rank = p->n_dims};
    tg_sym *s = tg_scope_add(e, TG_SYM_TENSOR, p->name, p->name_span);
    s->tensor = tg_func_add_param(e->func, f);
    s->dtype = t;
    s->rank = p->n_dims;
    s->storage = TG_STORE_IN;
    s->filled = true;
    for (uint32_t d = 0; d < p->n_dims; d++) {
        const tg_expr *x = p->dims[d].value;
        if (x->kind == TG_EXPR_NAME && !tg_scope_find(e, x->u.name.name)) {
            tg_sym *dim = tg_scope_add(e, TG_SYM_VALUE, x->u.name.name, x->span);
            dim->ev = tg_ev_value(tg_build_dim(&e->b, s->tensor, d));
        }
    }
}

/* A value of a declared type over the declared axes. */
static tg_ev parameter_value(tg_elab *e, const tg_tref *t, const tg_param *p, tg_axes axes) {
    if (t->kind == TG_TREF_TUPLE) {
        tg_ev *items = TG_NEW_ARRAY(e->arena, tg_ev, t->n_items);
        for (uint32_t i = 0; i < t->n_items; i++) {
            items[i] = parameter_value(e, t->items[i], p, axes);
        }
        return tg_ev_tuple(e, items, t->n_items);
    }
    tg_dtype dtype = tg_elab_dtype(e, t);
    if (dtype == TG_DTYPE_NONE) {
        return tg_ev_poison();
    }
    tg_fparam f = {.name = p->name, .kind = TG_FP_SCALAR, .dtype = dtype};
    tg_value *v = tg_func_add_param(e->func, f);
    const tg_type *type = tg_type_tile(e->func, dtype, axes.data, axes.len);
    return tg_ev_value_const(tg_build_broadcast(&e->b, v, type), p->is_const);
}

static void bind_value(tg_elab *e, const tg_param *p) {
    tg_axes axes = {0};
    for (uint32_t i = 0; i < p->n_axes; i++) {
        tg_sym *s = tg_elab_axis_name(e, p->axes[i], p->axis_spans[i]);
        if (s) {
            tg_vec_push(e->arena, &axes, s->axis);
        }
    }
    tg_ev v = parameter_value(e, p->type, p, axes);
    tg_scope_add(e, TG_SYM_VALUE, p->name, p->name_span)->ev = v;
    if (p->init) {
        tg_ev init = tg_elab_rvalue(e, p->init);
        if (p->type->kind != TG_TREF_TUPLE) {
            tg_elab_convert(e, &init, tg_ev_dtype(&v), p->init->span);
        }
    }
}

static bool takes_functions(const tg_fn *fn) {
    for (uint32_t i = 0; i < fn->n_params; i++) {
        if (fn->params[i].kind == TG_PARAM_FN) {
            return true;
        }
    }
    return false;
}

static void bind_parameters(tg_elab *e, const tg_fn *fn) {
    for (uint32_t i = 0; i < fn->n_params; i++) {
        if (fn->params[i].kind == TG_PARAM_AXIS) {
            bind_axis(e, &fn->params[i]);
        }
    }
    for (uint32_t i = 0; i < fn->n_params; i++) {
        if (fn->params[i].kind == TG_PARAM_TENSOR) {
            bind_tensor(e, &fn->params[i]);
        } else if (fn->params[i].kind == TG_PARAM_SCALAR) {
            bind_value(e, &fn->params[i]);
        }
    }
}

void tg_elab_check_fn(tg_elab *e, const tg_function *f) {
    const tg_fn *fn = f->fn;
    if (takes_functions(fn)) {
        tg_elab_resolve_fn(e, fn);
        return;
    }
    tg_sym *mark = e->scope;
    tg_frame frame = {.function = f};
    e->b = (tg_builder){.func = e->func, .block = &e->func->body.body, .span = fn->name_span};
    if (bind_types(e, fn)) {
        bind_parameters(e, fn);
        e->phase = 1; /* as inside an instance */
        e->frame = &frame;
        tg_elab_fn_body(e, fn);
        e->frame = NULL;
        e->phase = 0;
    }
    tg_scope_pop(e, mark);
}
