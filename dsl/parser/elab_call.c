/* Calls: conversions, functions of the module, and the choice between the three ways to
 * elaborate a function body.
 *
 *   inline      the body is elaborated on the argument tiles. Lifting falls out of alignment
 * by name: E, the axes that arguments
 *               have beyond those declared, simply stay. Always right without control flow, or
 * when E is empty.
 *   map         control flow and no axes of its own: a region of scalars applied at every
 * point of E. Not with `print` and `assert` inside: what they say is about a tile.
 *   masked      control flow together with declared axes: elaborated inline with tile
 * conditions as masks (elab_flow.c).
 *
 * A declared axis is a name for an axis of the caller, bound by an `axis` parameter. */
#include "dsl/parser/elab_call.h"

#include "dsl/parser/elab_flow.h"

#include <string.h>

/* ---- which way --------------------------------------------------------------------------- */

static bool is_static_name(const tg_elab *e, tg_name name) {
    const tg_sym *s = tg_scope_find(e, name);
    return !s || s->kind == TG_SYM_TYPE ||
           (s->kind == TG_SYM_VALUE && tg_ev_is_constant(&s->ev));
}

static bool static_test(const tg_elab *e, const tg_expr *x) {
    switch ((int)x->kind) {
    case TG_EXPR_NAME:
        return is_static_name(e, x->u.name.name);
    case TG_EXPR_UNARY:
        return static_test(e, x->u.unary.operand);
    case TG_EXPR_BINARY:
        return static_test(e, x->u.binary.left) && static_test(e, x->u.binary.right);
    case TG_EXPR_INT:
    case TG_EXPR_FLOAT:
    case TG_EXPR_BOOL:
    case TG_EXPR_TYPE:
        return true;
    default:
        return false;
    }
}

/* Is it the same for all points? A name that is not known yet is a local's. */
static bool static_bound(const tg_elab *e, const tg_expr *x) {
    const tg_sym *s = x && x->kind == TG_EXPR_NAME ? tg_scope_find(e, x->u.name.name) : NULL;
    bool lifted = s && s->ev.kind == TG_EV_VALUE && s->ev.value->type->n_axes;
    return !lifted &&
           (!x || x->kind != TG_EXPR_BINARY ||
            (static_bound(e, x->u.binary.left) && static_bound(e, x->u.binary.right)));
}

static bool static_domain(const tg_elab *e, const tg_domain *d) {
    return static_bound(e, d->extent) && static_bound(e, d->from) && static_bound(e, d->until);
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
        return (!s->u.branch.is_const && !static_test(e, s->u.branch.test)) ||
               per_point(e, s->u.branch.yes) ||
               (s->u.branch.no && per_point(e, s->u.branch.no));
    case TG_STMT_FOR_C:
        return !s->u.for_c.unroll || per_point(e, s->u.for_c.body);
    case TG_STMT_FOR:
        return (s->u.range.binder.each && !static_domain(e, &s->u.range.binder.domain)) ||
               per_point(e, s->u.range.body);
    case TG_STMT_WHILE:
    case TG_STMT_BREAK:
    case TG_STMT_CONTINUE:
        return true;
    default:
        return false;
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
    case TG_STMT_AXIS:
        return true;
    case TG_STMT_BLOCK:
        for (uint32_t i = 0; i < s->u.block.n_items; i++) {
            if (declares_axes(s->u.block.items[i])) {
                return true;
            }
        }
        return false;
    case TG_STMT_IF:
        return declares_axes(s->u.branch.yes) ||
               (s->u.branch.no && declares_axes(s->u.branch.no));
    case TG_STMT_FOR_C:
        return declares_axes(s->u.for_c.body);
    case TG_STMT_FOR:
        return !s->u.range.binder.each || declares_axes(s->u.range.body);
    case TG_STMT_WHILE:
        return declares_axes(s->u.loop.body);
    default:
        return false;
    }
}

/* ---- results ----------------------------------------------------------------------------- */

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

static tg_ev finish_result(tg_elab *e, const tg_fn *fn, const tg_tref *t, tg_axes declared,
                           const tg_ev *v, tg_span span) {
    if (!allowed_axes(e, t, &declared)) {
        return tg_ev_poison();
    }
    if (t->kind == TG_TREF_TUPLE) {
        if (v->kind != TG_EV_TUPLE || v->n_items != t->n_items) {
            if (!tg_ev_is_poison(v)) {
                tg_report(e->diags, TG_E0211, span, "'%s' returns a tuple of %u, this is %s",
                          fn->name, t->n_items, tg_elab_ev_text(e, v));
            }
            return tg_ev_poison();
        }
        tg_ev *items = TG_NEW_ARRAY(e->arena, tg_ev, t->n_items);
        for (uint32_t i = 0; i < t->n_items; i++) {
            items[i] = finish_result(e, fn, t->items[i], declared, &v->items[i], span);
        }
        return tg_ev_tuple(e, items, t->n_items);
    }
    tg_ev r = tg_call_convert(e, t, v, span);
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
    if (!tg_elab_check_axes(e, got, allowed.data, allowed.len, NULL, span, fn->name,
                            TG_E0311)) {
        return tg_ev_poison();
    }
    if (full->n_axes == 0 || tg_type_axes_within(full, got)) {
        return r;
    }
    const tg_type *types[] = {full, got};
    tg_value *value = tg_elab_value(e, &r);
    return tg_ev_value(
        tg_build_broadcast(&e->b, value, tg_type_union(e->func, got->dtype, types, 2)));
}

/* Hidden variables for functions that return before their end: a flag, and one per part of the
 * result. */
static void result_types(tg_elab *e, const tg_tref *t, tg_axes axes, const tg_type **out,
                         uint32_t *n) {
    allowed_axes(e, t, &axes);
    if (t->kind == TG_TREF_TUPLE) {
        for (uint32_t i = 0; i < t->n_items; i++) {
            result_types(e, t->items[i], axes, out, n);
        }
        return;
    }
    tg_dtype dtype = tg_elab_dtype(e, t);
    out[(*n)++] =
        tg_type_tile(e->func, dtype == TG_DTYPE_NONE ? TG_F32 : dtype, axes.data, axes.len);
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
        tg_ev zero = tg_ev_const(tg_dtype_is_float(s->dtype) ||
                                         tg_dtype_kind_of(s->dtype) == TG_KIND_COMPLEX
                                     ? tg_scalar_float(s->dtype, 0)
                                     : tg_scalar_int(s->dtype, 0));
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

/* Was a statement of this block not understood? It may have been the `return`. */
static bool has_poison(const tg_stmt *body) {
    for (uint32_t i = 0; i < body->u.block.n_items; i++) {
        if (body->u.block.items[i]->kind == TG_STMT_POISON) {
            return true;
        }
    }
    return false;
}

static bool always_returns(const tg_stmt *s) {
    bool found = s->kind == TG_STMT_RETURN;
    for (uint32_t i = 0; s->kind == TG_STMT_BLOCK && i < s->u.block.n_items && !found; i++) {
        found = always_returns(s->u.block.items[i]);
    }
    return found || (s->kind == TG_STMT_IF && s->u.branch.no &&
                     always_returns(s->u.branch.yes) && always_returns(s->u.branch.no));
}

tg_ev tg_elab_fn_body(tg_elab *e, const tg_fn *fn) {
    tg_axes none = {0};
    if (fn->value) {
        tg_ev v = tg_elab_rvalue(e, fn->value);
        return finish_result(e, fn, fn->result, none, &v, fn->value->span);
    }
    if (!tg_elab_has_return(fn->body) && has_poison(fn->body)) {
        return tg_ev_poison();
    }
    if (!tg_elab_has_return(fn->body)) {
        tg_report(e->diags, TG_E0105, fn->name_span,
                  "'%s' returns no value; end it with `return …;`", fn->name);
        return tg_ev_poison();
    }
    if (!e->kernel && !always_returns(fn->body) && !has_poison(fn->body)) { /* once */
        tg_diag *d =
            tg_report(e->diags, TG_E0105, fn->name_span,
                      "'%s' may end without a value; end it with `return …;`", fn->name);
        tg_diag_set_label(e->diags, d, "not every way through it returns");
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

/* ---- elaborating the body ---------------------------------------------------------------- */

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
    return v->kind == TG_EV_VALUE && !v->constant
               ? tg_ev_value(op->regions[0].body.args[(*at)++])
               : *v;
}

static uint32_t map_operands(const tg_elab *e, const tg_fn *fn, tg_value **out) {
    const tg_ev *parts[64];
    uint32_t n = 0;
    for (uint32_t i = 0; i < fn->n_params; i++) {
        const tg_sym *s =
            fn->params[i].kind == TG_PARAM_SCALAR ? tg_scope_find(e, fn->params[i].name) : NULL;
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
        tg_block_add_arg(e->func, &op->regions[0].body,
                         tg_type_scalar(e->func, operands[i]->type->dtype), NULL);
    }
    for (uint32_t i = 0; i < fn->n_params; i++) {
        tg_sym *s =
            fn->params[i].kind == TG_PARAM_SCALAR ? tg_scope_find(e, fn->params[i].name) : NULL;
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

static void note_output(tg_op *op, void *user) {
    bool *found = user;
    *found |= op->opcode == TG_OP_PRINT || op->opcode == TG_OP_ASSERT;
}

static bool has_output(tg_region *r) {
    bool found = false;
    tg_ir_walk_region(r, note_output, &found);
    return found;
}

/* A map, or the body under masks if it turns out to print or assert. */
static tg_ev map_or_masked(tg_elab *e, const tg_fn *fn, tg_span span) {
    tg_sym **params = TG_NEW_ARRAY(e->arena, tg_sym *, fn->n_params + 1);
    tg_ev *values = TG_NEW_ARRAY(e->arena, tg_ev, fn->n_params + 1);
    for (uint32_t i = 0; i < fn->n_params; i++) {
        params[i] = tg_scope_find(e, fn->params[i].name);
        values[i] = params[i] ? params[i]->ev : tg_ev_poison();
    }
    tg_frame frame = *e->frame;
    uint32_t reported = e->diags->list.len, errors = e->diags->n_errors;
    tg_ev v = map_body(e, fn, span);
    tg_op *map = e->b.block->last;
    if (tg_ev_is_poison(&v) || e->diags->n_errors != errors || !map ||
        map->opcode != TG_OP_MAP || !has_output(&map->regions[0])) {
        return v;
    }
    tg_op_erase(map);
    e->diags->list.len = reported; /* the same warnings come again */
    *e->frame = frame;
    for (uint32_t i = 0; i < fn->n_params; i++) {
        if (params[i]) {
            params[i]->ev = values[i];
        }
    }
    return tg_elab_fn_body(e, fn);
}

/* Only an extern version exists: nothing to elaborate. While checking, a zero of the right
 * type stands for it. */
static tg_ev extern_result(tg_elab *e, const tg_fn *fn, tg_span span) {
    if (!e->checking) {
        tg_report(
            e->diags, TG_E0201, span,
            "'%s' is defined for %s only; give it a portable definition: fn %s(…) -> … = …;",
            fn->name, fn->extern_target, fn->name);
        return tg_ev_poison();
    }
    uint32_t at = 0;
    prepare_early_returns(e, fn);
    return gather_results(e, fn->result, e->frame->results, &at);
}

static tg_ev elaborate(tg_elab *e, const tg_function *f, tg_axes lift, tg_span span) {
    const tg_fn *fn = tg_call_signature(f);
    tg_frame frame = {.function = f, .up = e->frame, .lift = lift.data, .n_lift = lift.len};
    tg_value *mask = e->frame ? e->frame->mask : NULL;
    if (mask &&
        tg_type_axes_within(mask->type, tg_type_tile(e->func, TG_BOOL, lift.data, lift.len))) {
        frame.mask = mask; /* loops of the callee must not wait for points that do not run */
    }
    if (e->frame && !e->folds) { /* what it prints and asserts is said for these points */
        frame.outside =
            frame.mask ? e->frame->outside : tg_flow_both(e, e->frame->outside, e->frame->mask);
    }
    tg_loop *loop = e->loop;
    tg_ev v;
    e->frame = &frame;
    e->loop = NULL;
    if (!f->fn) {
        v = extern_result(e, fn, span);
    } else if (lift.len && !mask && fn->body && per_point(e, fn->body) && !has_axes(fn) &&
               !declares_axes(fn->body)) {
        v = map_or_masked(e, fn, span);
    } else {
        v = tg_elab_fn_body(e, fn);
    }
    e->frame = frame.up;
    e->loop = loop;
    return v;
}

/* One report per cycle, from whichever function it is entered. */
static void report_recursion(tg_elab *e, const tg_function *f, tg_span span) {
    bool reported = *f->recursive;
    for (const tg_frame *frame = e->frame; frame && frame->function != f; frame = frame->up) {
        reported = reported || *frame->function->recursive;
        *frame->function->recursive = true;
    }
    *f->recursive = true;
    if (reported) {
        return;
    }
    tg_diag *d = tg_report(e->diags, TG_E0501, span, "recursion: '%s' calls itself",
                           tg_call_signature(f)->name);
    tg_diag_add_label(e->diags, d, tg_call_signature(f)->name_span, "declared here");
    tg_diag_add_help(e->diags, d, "write a loop");
}

static bool recursive(tg_elab *e, const tg_function *f, tg_span span) {
    for (const tg_frame *frame = e->frame; frame; frame = frame->up) {
        if (frame->function == f) {
            report_recursion(e, f, span);
            return true;
        }
    }
    return false;
}

static tg_ev call_function(tg_elab *e, const tg_function *f, tg_actual *args, tg_span span) {
    const tg_fn *fn = tg_call_signature(f);
    tg_dtype *types = TG_NEW_ARRAY(e->arena, tg_dtype, fn->n_generics + 1);
    if (recursive(e, f, span) || !tg_call_bind_types(e, fn, args, span, types)) {
        return tg_ev_poison();
    }
    tg_sym *scope = e->scope;
    const tg_module *module = e->module;
    tg_axes lift = {0};
    e->scope = NULL;
    e->module = f->module;
    tg_ev v = tg_ev_poison();
    if (tg_call_bind_parameters(e, fn, args, types, &lift)) {
        v = elaborate(e, f, lift, span);
    }
    e->scope = scope;
    e->module = module;
    return v;
}

/* ---- entry points ------------------------------------------------------------------------ */

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

/* A parameter or a variable may have the name of a built-in function, `out f32 mean[M]`: it is then the one that is meant. */
static void report_no_function(tg_elab *e, const tg_expr *x, const tg_ev *callee) {
    tg_diag *d = tg_report(e->diags, TG_E0208, x->span, "expected a function, this is %s",
                           tg_elab_ev_text(e, callee));
    const tg_sym *s = x->kind == TG_EXPR_NAME ? tg_scope_find(e, x->u.name.name) : NULL;
    if (s && tg_builtin_find(s->name)) {
        tg_diag_add_label(e->diags, d, s->span, "'%s' is declared here", s->name);
        tg_diag_add_help(e->diags, d,
                         "it hides the built-in function '%s': give it another name", s->name);
    }
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
        report_no_function(e, x->u.call.callee, &callee);
        return tg_ev_poison();
    }
    const tg_fn *fn = tg_call_signature(callee.function);
    if (fn->broken) {
        return tg_ev_poison();
    }
    tg_actual *args = TG_NEW_ARRAY(e->arena, tg_actual, fn->n_params + 1);
    return tg_call_match(e, fn, x, args) ? call_function(e, callee.function, args, x->span)
                                         : tg_ev_poison();
}

tg_ev tg_elab_apply(tg_elab *e, const tg_ev *callee, const tg_ev *values, uint32_t n,
                    tg_span span) {
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
        tg_report(e->diags, TG_E0208, span, "expected a function, this is %s",
                  tg_elab_ev_text(e, callee));
        return tg_ev_poison();
    }
    const tg_fn *fn = tg_call_signature(callee->function);
    tg_actual *args = TG_NEW_ARRAY(e->arena, tg_actual, fn->n_params + 1);
    if (fn->n_params != n) {
        tg_call_report_count(e, fn, n, span);
        return tg_ev_poison();
    }
    for (uint32_t i = 0; i < n; i++) {
        args[i] = (tg_actual){.v = values[i], .span = span, .given = true};
    }
    return call_function(e, callee->function, args, span);
}
