/* Axes with their domains, and views.
 *
 * A domain becomes three scalars, V = [max(0, from), min(extent, until)). Over another axis t
 * it is V(t) cut the same way, and
 * an axis over the whole of t is marked `like` it.
 *
 * One bound of a loop over single indices in a lifted function may differ from point to point. The loop then runs from the
 * least to the greatest, and each point takes part where its own bound says so (elab_loop.c). */
#include "dsl/parser/elab_flow.h"

/* ---- axes and domains -------------------------------------------------------------------- */

/* E is an axis t: V(t) = [first, first + size) */
static bool axis_extent(tg_elab *e, tg_sym *t, tg_span span, tg_bounds *out) {
    out->over = t;
    out->from = tg_elab_axis_attribute(e, t, TG_OP_AXIS_FIRST, span);
    tg_value *size = tg_elab_axis_attribute(e, t, TG_OP_AXIS_SIZE, span);
    out->extent = tg_build_binary(&e->b, TG_OP_ADD, out->from, size);
    out->until = out->extent;
    out->known = t->axis->extent;
    out->varies = !tg_elab_constant_axis(e, t->axis);
    return true;
}

/* `end`: of points that do not run */
static tg_value *bound_of_points(tg_elab *e, tg_value *v, tg_enum fn, int64_t end,
                                 tg_value **here) {
    tg_value *mask = e->frame->mask;
    *here = v;
    v = mask ? tg_build_select(&e->b, mask, v, tg_build_int(&e->b, TG_I64, end)) : v;
    return tg_build_reduce(&e->b, fn, v, v->type->axes, v->type->n_axes);
}

static bool differs_by_point(tg_elab *e, const tg_value *v, bool each) {
    return each && v && v->type->n_axes && tg_flow_maskable(e, v);
}

static tg_value *from_of_points(tg_elab *e, const tg_expr *x, const tg_domain *d, bool each,
                                tg_bounds *out) {
    tg_value *v = tg_elab_index_tile(e, x);
    return differs_by_point(e, v, each && !d->step)
               ? bound_of_points(e, v, TG_FN_MIN, INT64_MAX, &out->from_here)
               : tg_elab_require_scalar(e, v, x->span, TG_E0305);
}

static tg_value *until_of_points(tg_elab *e, const tg_expr *x, bool each, tg_bounds *out) {
    tg_value *v = tg_elab_index_tile(e, x), *before = out->until_here;
    if (!differs_by_point(e, v, each)) {
        return tg_elab_require_scalar(e, v, x->span, TG_E0305);
    }
    v = bound_of_points(e, v, TG_FN_MAX, 0, &out->until_here);
    if (before) {
        out->until_here = tg_build_binary(&e->b, TG_OP_MIN, before, out->until_here);
    }
    return v;
}

static bool integer_extent(tg_elab *e, const tg_expr *x, tg_ev v, bool grid, bool each,
                           tg_bounds *out) {
    if (v.kind == TG_EV_TENSOR) {
        tg_diag *d = tg_report(e->diags, TG_E0304, x->span,
                               "axis extent is not an integer or an axis, '%s' is a tensor",
                               v.sym->name);
        tg_diag_add_help(e->diags, d, "its dimensions have names: in … %s[N] makes N known",
                         v.sym->name);
        return false;
    }
    v = tg_elab_as_rvalue(e, v, x->span);
    if (tg_ev_is_poison(&v)) {
        return false;
    }
    const tg_type *t = tg_ev_type(e, &v);
    if (!t || !tg_dtype_is_int(t->dtype) || (v.kind == TG_EV_LITERAL && v.is_float)) {
        tg_report(e->diags, TG_E0304, x->span,
                  "axis extent is not an integer or an axis, it is %s", tg_elab_ev_text(e, &v));
        return false;
    }
    v = tg_elab_cast(e, &v, TG_I64, x->span);
    out->varies = !tg_ev_is_constant(&v);
    if (!tg_ev_known_int(&v, &out->known)) {
        out->known = -1;
    }
    out->extent = tg_elab_value(e, &v);
    if (differs_by_point(e, out->extent, each)) {
        out->extent = bound_of_points(e, out->extent, TG_FN_MAX, 0, &out->until_here);
    } else if (t->n_axes) {
        tg_report(e->diags, TG_E0305, x->span,
                  "an extent must be a scalar, this one has axes %s",
                  tg_elab_axes_text(e, t->axes, t->n_axes));
        return false;
    }
    if (grid && !tg_elab_launch_value(out->extent)) {
        tg_diag *d =
            tg_report(e->diags, TG_E0306, x->span, "grid extent must be known at launch");
        tg_diag_add_help(
            e->diags, d,
            "use a bound of parameters and dimensions, and cut it: `in MAX until %s`", "n[0]");
        return false;
    }
    out->from = tg_build_int(&e->b, TG_I64, 0);
    out->until = out->extent;
    return true;
}

static bool read_step(tg_elab *e, const tg_expr *x, bool each, tg_bounds *out) {
    bool known;
    if (!each) {
        tg_diag *d = tg_report(e->diags, TG_E0208, x->span, "`step` goes with `each`");
        tg_diag_add_help(e->diags, d,
                         "how many indices a block has is no part of the kernel: `schedule k { "
                         "i = 128; }`, or leave it to the compiler");
        return false;
    }
    if (!tg_elab_constant_int(e, x, &out->step, &known)) {
        return false;
    }
    if (!known) {
        out->step = 1;
    } else if (out->step < 1) {
        tg_report(e->diags, TG_E0212, x->span, "a step is at least 1, this is %lld",
                  (long long)out->step);
        return false;
    }
    return true;
}

bool tg_elab_bounds(tg_elab *e, const tg_domain *d, bool grid, bool each, tg_bounds *out) {
    *out = (tg_bounds){.known = -1, .step = 1};
    tg_ev v = tg_elab_expr(e, d->extent);
    bool ok = v.kind == TG_EV_AXIS ? axis_extent(e, v.sym, d->extent->span, out)
                                   : integer_extent(e, d->extent, v, grid, each, out);
    tg_value *from = d->from ? from_of_points(e, d->from, d, each, out) : NULL;
    tg_value *until = d->until ? until_of_points(e, d->until, each, out) : NULL;
    ok = ok && (!d->from || from) && (!d->until || until) &&
         (!d->step || read_step(e, d->step, each, out));
    if (!ok) {
        return false;
    }
    e->b.span = d->span;
    if (from) {
        out->from = out->over ? tg_build_binary(&e->b, TG_OP_MAX, out->from, from) : from;
    }
    if (until) {
        out->until = out->over ? tg_build_binary(&e->b, TG_OP_MIN, out->until, until) : until;
    }
    out->restricted = from || until || (out->over && out->over->restricted);
    if (from || until) {
        out->known = -1;
        out->varies = true;
    }
    return true;
}

tg_sym *tg_elab_new_axis(tg_elab *e, tg_axis_kind kind, const tg_binder *b,
                         const tg_bounds *d) {
    tg_sym *s = tg_scope_add(e, TG_SYM_AXIS, b->name, b->name_span);
    s->axis = tg_func_add_axis(e->func, kind, b->name, b->name_span);
    s->axis->extent = d->known;
    s->restricted = d->restricted;
    if (d->over && !b->domain.from && !b->domain.until) {
        s->axis->like = d->over->axis;
    }
    if (kind == TG_AXIS_LOCAL && d->known >= 0) {
        s->axis->block = d->known;
    }
    if (d->varies) {
        tg_vec_push(e->arena, &e->varying, s->axis);
    }
    return s;
}

bool tg_elab_constant_axis(const tg_elab *e, const tg_axis *a) {
    if (a->kind != TG_AXIS_LOCAL || !e->checking) {
        return a->kind == TG_AXIS_LOCAL && a->extent >= 0;
    }
    for (uint32_t i = 0; i < e->varying.len; i++) {
        if (e->varying.data[i] == a) {
            return false;
        }
    }
    return true;
}

void tg_elab_axis_stmt(tg_elab *e, const tg_stmt *s) {
    for (uint32_t i = 0; i < s->u.axis.n_items; i++) {
        const tg_binder *b = &s->u.axis.items[i];
        tg_bounds d;
        if (!tg_elab_bounds(e, &b->domain, false, false, &d)) {
            tg_scope_add(e, TG_SYM_VALUE, b->name, b->name_span)->ev = tg_ev_poison();
            continue;
        }
        tg_sym *sym = tg_elab_new_axis(e, TG_AXIS_LOCAL, b, &d);
        tg_value *operands[] = {d.extent, d.from, d.until};
        tg_attr attr = tg_attr_axis(e->func->arena, TG_ATTR_AXIS, sym->axis);
        e->b.span = b->name_span;
        sym->axis->binder = tg_build_op(&e->b, TG_OP_AXIS, operands, 3, NULL, 0, &attr, 1);
    }
}

/* ---- views ------------------------------------------------------------------------------- */

/* `p`, `p + n`: an address in bytes */
static tg_value *view_address(tg_elab *e, const tg_expr *x, tg_dtype t) {
    if (x->kind == TG_EXPR_BINARY && x->u.binary.op == TG_OPER_ADD) {
        tg_value *base = view_address(e, x->u.binary.left, t);
        tg_value *n = tg_elab_scalar_int(e, x->u.binary.right, TG_E0305);
        if (!base || !n) {
            return NULL;
        }
        tg_value *bytes =
            tg_build_binary(&e->b, TG_OP_MUL, n, tg_build_int(&e->b, TG_I64, tg_dtype_bits(t)));
        bytes = tg_build_binary(&e->b, TG_OP_SHR, bytes, tg_build_int(&e->b, TG_I64, 3));
        return tg_build_binary(&e->b, TG_OP_ADD, base, tg_build_cast(&e->b, bytes, TG_U64));
    }
    tg_ev v = tg_elab_expr(e, x);
    if (v.kind == TG_EV_POINTER) {
        if (v.dtype != t) {
            tg_report(e->diags, TG_E0203, x->span, "the pointer is to %s, the view is of %s",
                      tg_dtype_name(v.dtype), tg_dtype_name(t));
            return NULL;
        }
        return v.value;
    }
    v = tg_elab_as_rvalue(e, v, x->span);
    if (tg_ev_is_poison(&v)) {
        return NULL;
    }
    tg_value *a = tg_elab_value(e, &v);
    if (!a || a->type->dtype != TG_U64 || a->type->n_axes) {
        tg_report(e->diags, TG_E0203, x->span,
                  "a view needs a ptr parameter or a scalar u64 address, this is %s",
                  tg_elab_ev_text(e, &v));
        return NULL;
    }
    return a;
}

static bool view_strides(tg_elab *e, const tg_stmt *s, tg_value *const *extents,
                         tg_value **out) {
    uint32_t n = s->u.view.n_dims;
    if (s->u.view.n_strides && s->u.view.n_strides != n) {
        tg_report(e->diags, TG_E0213, s->span, "%u dimensions but %u strides", n,
                  s->u.view.n_strides);
        return false;
    }
    tg_value *step = tg_build_int(&e->b, TG_I64, 1);
    for (uint32_t i = n; i-- > 0;) {
        out[i] =
            s->u.view.n_strides ? tg_elab_scalar_int(e, s->u.view.strides[i], TG_E0305) : step;
        if (!out[i]) {
            return false;
        }
        if (!s->u.view.n_strides && i) {
            step = tg_build_binary(&e->b, TG_OP_MUL, step, extents[i]);
        }
    }
    return true;
}

void tg_elab_view(tg_elab *e, const tg_stmt *s) {
    uint32_t n = s->u.view.n_dims;
    tg_dtype t = tg_elab_dtype(e, s->u.view.type);
    tg_value **operands = TG_NEW_ARRAY(e->arena, tg_value *, 1 + 2 * n);
    e->b.span = s->span;
    bool ok = t != TG_DTYPE_NONE;
    operands[0] = ok ? view_address(e, s->u.view.base, t) : NULL;
    ok = ok && operands[0];
    for (uint32_t i = 0; i < n; i++) {
        operands[1 + i] = tg_elab_scalar_int(e, s->u.view.dims[i].value, TG_E0305);
        ok = ok && operands[1 + i];
    }
    ok = ok && view_strides(e, s, operands + 1, operands + 1 + n);
    tg_sym *sym = tg_scope_add(e, TG_SYM_TENSOR, s->u.view.name, s->u.view.name_span);
    sym->storage = TG_STORE_VIEW;
    sym->dtype = t;
    sym->rank = n;
    sym->filled = true;
    if (ok) {
        const tg_type *type = tg_type_tensor(e->func, t, n);
        e->b.span = s->span;
        sym->tensor = tg_result(
            tg_build_op(&e->b, TG_OP_TENSOR, operands, 1 + 2 * n, &type, 1, NULL, 0), 0);
        sym->tensor->name = s->u.view.name;
    }
}
