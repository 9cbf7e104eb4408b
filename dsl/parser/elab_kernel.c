/* Kernels: parameters and dimensions become symbols, launch-level statements become scalar
 * code and phases.
 *
 *   grid (each b in B, i in N from off[b]) S   →   phase { par each b { … par #i { S } } }
 *
 * A dimension is the `dim` operation of the first present tensor that binds it (signature:
 * binds); a `const` one is a known
 * constant when instantiating and an unknown one while checking. */
#include "dsl/parser/elab_internal.h"
#include "dsl/parser/rules.h"

#include <string.h>

/* ---- values known at launch -------------------------------------------------------------- */

static bool launch_argument(const tg_value *v) {
    const tg_op *owner = v->block->parent ? v->block->parent->parent : NULL;
    if (!owner) {
        return true;
    }
    if (owner->opcode != TG_OP_FOR || tg_op_axis(owner, TG_ATTR_AXIS)) {
        return false;
    }
    for (const tg_op *op = owner; op;
         op = op->parent && op->parent->parent ? op->parent->parent->parent : NULL) {
        if (op->opcode == TG_OP_PHASE) {
            return false;
        }
    }
    return true;
}

/* `budget` bounds the walk: shared subexpressions are visited again. */
static bool launch_value(const tg_value *v, uint32_t *budget) {
    if (*budget == 0) {
        return false;
    }
    --*budget;
    if (!v->def) {
        return launch_argument(v);
    }
    const tg_op *op = v->def;
    if (op->opcode == TG_OP_DIM || op->opcode == TG_OP_CONST) {
        return true;
    }
    if (!tg_op_is_elementwise(op->opcode) || op->opcode == TG_OP_IOTA) {
        return false;
    }
    for (uint32_t i = 0; i < op->n_operands; i++) {
        if (!launch_value(tg_operand(op, i), budget)) {
            return false;
        }
    }
    return true;
}

bool tg_elab_launch_value(const tg_value *v) {
    uint32_t budget = 100000;
    return launch_value(v, &budget);
}

/* ---- parameters -------------------------------------------------------------------------- */

static bool is_present(const tg_elab *e, uint32_t i) {
    return e->checking || !e->spec->present || e->spec->present[i];
}

static void bind_types(tg_elab *e) {
    const tg_kernel_decl *k = &e->kernel->u.kernel;
    for (uint32_t i = 0; i < k->n_generics; i++) {
        tg_sym *s = tg_scope_add(e, TG_SYM_TYPE, k->generics[i].name, k->generics[i].span);
        s->ev = (tg_ev){.kind = TG_EV_TYPE, .dtype = e->spec->types[i]};
    }
}

static void bind_tensor(tg_elab *e, const tg_param *p, uint32_t i) {
    static const tg_fparam_kind kinds[] = {TG_FP_IN, TG_FP_OUT, TG_FP_INOUT};
    static const tg_storage storage[] = {TG_STORE_IN, TG_STORE_OUT, TG_STORE_INOUT};
    tg_dtype t = tg_elab_dtype(e, p->type);
    bool present = !p->optional || is_present(e, i);
    tg_fparam f = {.name = p->name,
                   .kind = kinds[p->direction],
                   .dtype = t,
                   .rank = p->n_dims,
                   .absent = !present};
    tg_sym *s = tg_scope_add(e, TG_SYM_TENSOR, p->name, p->name_span);
    s->tensor = tg_func_add_param(e->func, f);
    s->storage = storage[p->direction];
    s->dtype = t;
    s->rank = p->n_dims;
    s->optional = p->optional;
    s->filled = p->init != NULL;
}

static void bind_scalar(tg_elab *e, const tg_param *p, uint32_t i) {
    tg_dtype t = tg_elab_dtype(e, p->type);
    bool folded = p->is_const && !e->checking;
    tg_fparam f = {.name = p->name, .kind = TG_FP_SCALAR, .dtype = t, .is_const = folded};
    tg_value *v = tg_func_add_param(e->func, f);
    tg_sym *s = tg_scope_add(e, TG_SYM_VALUE, p->name, p->name_span);
    if (folded) {
        tg_scalar c = e->spec->consts[e->sig->params[i].const_slot];
        s->ev = tg_ev_const(c.dtype == t ? c : tg_scalar_convert(c, t));
    } else {
        s->ev = t == TG_DTYPE_NONE ? tg_ev_poison() : tg_ev_value_const(v, p->is_const);
    }
}

static void bind_pointer(tg_elab *e, const tg_param *p) {
    tg_dtype t = tg_elab_dtype(e, p->type);
    tg_fparam f = {.name = p->name, .kind = TG_FP_PTR, .dtype = t};
    tg_value *v = tg_func_add_param(e->func, f);
    tg_scope_add(e, TG_SYM_VALUE, p->name, p->name_span)->ev =
        (tg_ev){.kind = TG_EV_POINTER, .value = v, .dtype = t};
}

static void bind_params(tg_elab *e) {
    const tg_kernel_decl *k = &e->kernel->u.kernel;
    for (uint32_t i = 0; i < k->n_params; i++) {
        const tg_param *p = &k->params[i];
        if (p->kind == TG_PARAM_TENSOR) {
            bind_tensor(e, p, i);
        } else if (p->kind == TG_PARAM_PTR) {
            bind_pointer(e, p);
        } else {
            bind_scalar(e, p, i);
        }
    }
}

/* ---- dimensions -------------------------------------------------------------------------- */

static tg_sym *param_symbol(const tg_elab *e, uint32_t i) {
    return tg_scope_find(e, e->kernel->u.kernel.params[i].name);
}

/* Where dimension d can be read: (parameter, position, factor, offset); the first with a
 * present tensor. */
static bool find_source(const tg_elab *e, uint32_t d, tg_sig_bind *out) {
    for (uint32_t i = 0; i < e->sig->n_binds; i++) {
        const tg_sig_bind *b = &e->sig->binds[i];
        tg_sym *s = b->dim == d ? param_symbol(e, b->param) : NULL;
        if (s && s->tensor) {
            *out = *b;
            return true;
        }
    }
    for (uint32_t i = 0; i < e->sig->n_checks; i++) {
        const tg_sig_check *c = &e->sig->checks[i];
        tg_sym *s =
            c->kind == TG_SC_DIM_AGREES && c->dim == d ? param_symbol(e, c->param) : NULL;
        if (s && s->tensor) {
            *out = (tg_sig_bind){.dim = d, .param = c->param, .d = c->d, .factor = 1};
            return true;
        }
    }
    return false;
}

static tg_value *dimension_value(tg_elab *e, const tg_sig_bind *b) {
    tg_value *v = tg_build_dim(&e->b, param_symbol(e, b->param)->tensor, b->d);
    if (b->offset) {
        v = tg_build_binary(&e->b, TG_OP_SUB, v, tg_build_int(&e->b, TG_I64, b->offset));
    }
    return b->factor == 1
               ? v
               : tg_build_binary(&e->b, TG_OP_DIV, v, tg_build_int(&e->b, TG_I64, b->factor));
}

/* First appearance of a dimension's name. */
static tg_span dimension_span(const tg_elab *e, tg_name name) {
    const tg_kernel_decl *k = &e->kernel->u.kernel;
    for (uint32_t i = 0; i < k->n_params; i++) {
        for (uint32_t d = 0; d < k->params[i].n_dims; d++) {
            const tg_expr *x = k->params[i].dims[d].value;
            if (x->kind == TG_EXPR_NAME && x->u.name.name == name) {
                return x->span;
            }
        }
    }
    return k->name_span;
}

static void bind_dims(tg_elab *e) {
    for (uint32_t d = 0; d < e->sig->n_dims; d++) {
        const tg_sig_dim *dim = &e->sig->dims[d];
        tg_name name = tg_intern_cstr(e->names, dim->name);
        tg_sig_bind b;
        if (tg_scope_find(e, name)) {
            continue; /* E0302 was reported with the signature */
        }
        tg_sym *s = tg_scope_add(e, TG_SYM_VALUE, name, dimension_span(e, name));
        if (dim->is_const && !e->checking) {
            s->ev = tg_ev_const_int(TG_I64, e->spec->consts[dim->const_slot].i);
        } else if (find_source(e, d, &b)) {
            tg_value *v = dimension_value(e, &b);
            v->name = name;
            s->ev = tg_ev_value_const(v, dim->is_const);
        } else {
            s->ev = tg_ev_poison();
        }
    }
}

/* The launch has checked that dimension d of a parameter is that of the signature: proofs of bounds need to know. */
static void assume_extent(tg_elab *e, uint32_t param, uint32_t d, uint32_t dim) {
    const tg_sig_dim *k = &e->sig->dims[dim];
    tg_sym *s = param_symbol(e, param);
    tg_sig_bind source;
    if (!s || !s->tensor || (!k->is_const && !find_source(e, dim, &source))) {
        return;
    }
    tg_value *extent = k->is_const ? tg_build_int(&e->b, TG_I64, e->spec->consts[k->const_slot].i) : dimension_value(e, &source);
    tg_value *same = tg_build_cmp(&e->b, TG_EQ, tg_build_dim(&e->b, s->tensor, d), extent);
    tg_build_op(&e->b, TG_OP_ASSUME, &same, 1, NULL, 0, NULL, 0);
}

static bool is_dimension(const tg_elab *e, const tg_expr *x) {
    for (uint32_t i = 0; x->kind == TG_EXPR_NAME && i < e->sig->n_dims; i++) {
        if (strcmp(e->sig->dims[i].name, x->u.name.name) == 0) {
            return true;
        }
    }
    return false;
}

/* Of an extent that is not the bare name of a dimension, like [3], [LANES] or [2 * N + 1]. */
static void assume_expression(tg_elab *e, uint32_t param, uint32_t d, const tg_expr *x) {
    tg_sym *s = param_symbol(e, param);
    tg_value *extent = s && s->tensor && !is_dimension(e, x) ? tg_elab_scalar_int(e, x, TG_E0212) : NULL;
    if (extent) {
        tg_value *same = tg_build_cmp(&e->b, TG_EQ, tg_build_dim(&e->b, s->tensor, d), extent);
        tg_build_op(&e->b, TG_OP_ASSUME, &same, 1, NULL, 0, NULL, 0);
    }
}

static void assume_extents(tg_elab *e) {
    const tg_kernel_decl *k = &e->kernel->u.kernel;
    for (uint32_t i = 0; i < e->sig->n_binds && !e->checking; i++) {
        const tg_sig_bind *b = &e->sig->binds[i];
        if (b->factor == 1 && b->offset == 0 && e->sig->dims[b->dim].is_const) {
            assume_extent(e, b->param, b->d, b->dim);
        }
    }
    for (uint32_t i = 0; i < e->sig->n_checks && !e->checking; i++) {
        const tg_sig_check *c = &e->sig->checks[i];
        if (c->kind == TG_SC_DIM_AGREES) {
            assume_extent(e, c->param, c->d, c->dim);
        }
    }
    for (uint32_t i = 0; i < k->n_params && !e->checking; i++) {
        for (uint32_t d = 0; d < k->params[i].n_dims; d++) {
            assume_expression(e, i, d, k->params[i].dims[d].value);
        }
    }
}

/* ---- where, fast, fills ------------------------------------------------------------------ */

/* Facts about contents and layout are the signature's; here only what scalar code can say. */
static bool is_scalar_condition(const tg_elab *e, const tg_expr *x) {
    static const char *const facts[] = {"sorted", "unique", "contiguous", "aligned"};
    if (x->kind == TG_EXPR_NAME) {
        const tg_sym *s = tg_scope_find(e, x->u.name.name);
        return !s || s->kind != TG_SYM_TENSOR;
    }
    if (x->kind == TG_EXPR_UNARY) {
        return is_scalar_condition(e, x->u.unary.operand);
    }
    if (x->kind == TG_EXPR_BINARY) {
        return is_scalar_condition(e, x->u.binary.left) &&
               is_scalar_condition(e, x->u.binary.right);
    }
    if (x->kind == TG_EXPR_COND) {
        return is_scalar_condition(e, x->u.cond.test) &&
               is_scalar_condition(e, x->u.cond.yes) && is_scalar_condition(e, x->u.cond.no);
    }
    for (size_t i = 0;
         x->kind == TG_EXPR_CALL && x->u.call.callee->kind == TG_EXPR_NAME && i < 4; i++) {
        if (strcmp(x->u.call.callee->u.name.name, facts[i]) == 0) {
            return false;
        }
    }
    return true;
}

static void assume_wheres(tg_elab *e) {
    const tg_kernel_decl *k = &e->kernel->u.kernel;
    for (uint32_t i = 0; i < k->n_wheres; i++) {
        if (!is_scalar_condition(e, k->wheres[i])) {
            continue;
        }
        tg_ev v = tg_elab_bool(e, k->wheres[i]);
        if (v.kind == TG_EV_VALUE) {
            e->b.span = k->wheres[i]->span;
            tg_build_op(&e->b, TG_OP_ASSUME, &v.value, 1, NULL, 0, NULL, 0);
        }
    }
}

static void read_fast(tg_elab *e) {
    static const struct {
        const char *name;
        uint32_t bit;
    } flags[] = {{"reassoc", TG_FAST_REASSOC}, {"approx", TG_FAST_APPROX},
                 {"ftz", TG_FAST_FTZ},         {"nonan", TG_FAST_NONAN},
                 {"noinf", TG_FAST_NOINF},     {"recip", TG_FAST_RECIP}};
    const tg_kernel_decl *k = &e->kernel->u.kernel;
    for (uint32_t i = 0; i < k->n_fast; i++) {
        uint32_t before = e->func->fast;
        bool known = false;
        for (size_t j = 0; j < sizeof flags / sizeof *flags; j++) {
            bool here = strcmp(k->fast[i], flags[j].name) == 0;
            known = known || here;
            e->func->fast |= here ? flags[j].bit : 0;
        }
        if (e->func->fast == before) {
            tg_report(e->diags, TG_E0208, k->fast_spans[i],
                      known ? "'%s' is given twice"
                            : "fast takes reassoc, approx, ftz, nonan, noinf, recip; not '%s'",
                      k->fast[i]);
        }
    }
}

static void fill(tg_elab *e, tg_sym *t, const tg_expr *init) {
    tg_ev v = tg_elab_rvalue(e, init);
    tg_value *x = tg_elab_converted(e, &v, t->dtype, init->span);
    if (!x || !t->tensor) {
        return;
    }
    if (!tg_elab_launch_value(x)) {
        tg_report(e->diags, TG_E0306, init->span, "an initial value must be known at launch");
        return;
    }
    tg_value *operands[] = {t->tensor, x};
    e->b.span = init->span;
    tg_build_op(&e->b, TG_OP_FILL, operands, 2, NULL, 0, NULL, 0);
}

static void fill_outputs(tg_elab *e) {
    const tg_kernel_decl *k = &e->kernel->u.kernel;
    for (uint32_t i = 0; i < k->n_params; i++) {
        tg_sym *s = k->params[i].kind == TG_PARAM_TENSOR && k->params[i].init
                        ? tg_scope_find(e, k->params[i].name)
                        : NULL;
        if (s && s->storage != TG_STORE_OUT) {
            tg_report(e->diags, TG_E0411, k->params[i].init->span,
                      "only 'out' tensors have an initial value");
        } else if (s) {
            fill(e, s, k->params[i].init);
        }
    }
}

/* ---- launch level ------------------------------------------------------------------------ */

void tg_elab_temp(tg_elab *e, const tg_stmt *s) {
    tg_dtype t = tg_elab_dtype(e, s->u.temp.type);
    for (uint32_t i = 0; i < s->u.temp.n_items; i++) {
        const struct tg_temp_decl *d = &s->u.temp.items[i];
        tg_value **extents = TG_NEW_ARRAY(e->arena, tg_value *, d->n_dims + 1);
        bool ok = t != TG_DTYPE_NONE;
        for (uint32_t k = 0; k < d->n_dims; k++) {
            extents[k] = tg_elab_scalar_int(e, d->dims[k].value, TG_E0305);
            ok = ok && extents[k];
            if (extents[k] && !tg_elab_launch_value(extents[k])) {
                tg_report(e->diags, TG_E0306, d->dims[k].value->span,
                          "the extent of a temp must be known at launch");
            }
        }
        tg_sym *sym = tg_scope_add(e, TG_SYM_TENSOR, d->name, d->name_span);
        sym->storage = TG_STORE_TEMP;
        sym->dtype = t;
        sym->rank = d->n_dims;
        sym->filled = d->init != NULL;
        if (!ok) {
            continue;
        }
        const tg_type *type = tg_type_tensor(e->func, t, d->n_dims);
        e->b.span = d->name_span;
        sym->tensor =
            tg_result(tg_build_op(&e->b, TG_OP_TEMP, extents, d->n_dims, &type, 1, NULL, 0), 0);
        sym->tensor->name = d->name;
        if (d->init) {
            fill(e, sym, d->init);
        }
    }
}

static void grid_body(tg_elab *e, const tg_stmt *s) {
    e->kernel_returned =
        tg_elab_has_return(s->u.grid.body) ? tg_scope_hidden(e, "returned", TG_BOOL) : NULL;
    tg_elab_block(e, s->u.grid.body);
    e->kernel_returned = NULL;
}

static void close_region(tg_elab *e) {
    tg_build_yield(&e->b, NULL, 0);
}

/* One par per binder from the i-th on, then the body. */
static void grid_nest(tg_elab *e, const tg_stmt *s, uint32_t i) {
    if (i == s->u.grid.n_binders) {
        grid_body(e, s);
        return;
    }
    const tg_binder *b = &s->u.grid.binders[i];
    tg_bounds d;
    if (!tg_elab_bounds(e, &b->domain, true, b->each, &d)) {
        tg_scope_add(e, TG_SYM_VALUE, b->name, b->name_span)->ev = tg_ev_poison();
        grid_nest(e, s, i + 1);
        return;
    }
    tg_value *operands[] = {d.extent, d.from, d.until};
    tg_sym *sym = b->each ? NULL : tg_elab_new_axis(e, TG_AXIS_GRID, b, &d);
    tg_attr attr = sym ? tg_attr_axis(e->func->arena, TG_ATTR_AXIS, sym->axis)
                       : tg_attr_int(TG_ATTR_STEP, d.step);
    e->b.span = b->name_span;
    tg_op *op = tg_build_op(&e->b, TG_OP_PAR, operands, 3, NULL, 0, &attr, sym || d.step > 1);
    tg_builder saved = e->b;
    e->b.block = &op->regions[0].body;
    e->b.before = NULL;
    if (sym) {
        sym->axis->binder = op;
    } else {
        tg_value *index =
            tg_block_add_arg(e->func, e->b.block, tg_type_scalar(e->func, TG_I64), b->name);
        tg_scope_add(e, TG_SYM_EACH, b->name, b->name_span)->ev = tg_ev_value(index);
    }
    grid_nest(e, s, i + 1);
    close_region(e);
    e->b = saved;
}

void tg_elab_grid(tg_elab *e, const tg_stmt *s) {
    if (e->phase || e->frame) {
        tg_diag *d = tg_report(e->diags, TG_E0502, s->span,
                               "grid inside a grid; use a second phase or `for`");
        tg_diag_add_help(
            e->diags, d,
            "instances are already parallel: write `for`, or a second grid after this one");
        return;
    }
    tg_sym *mark = e->scope;
    tg_attr attr = tg_attr_str(TG_ATTR_NAME, s->u.grid.label);
    tg_op *op =
        tg_build_op(&e->b, TG_OP_PHASE, NULL, 0, NULL, 0, &attr, s->u.grid.label ? 1 : 0);
    tg_builder saved = e->b;
    e->phase = ++e->n_phases;
    e->b.block = &op->regions[0].body;
    e->b.before = NULL;
    grid_nest(e, s, 0);
    close_region(e);
    e->b = saved;
    e->phase = 0;
    tg_scope_pop(e, mark);
}

/* ---- the whole --------------------------------------------------------------------------- */

tg_func *tg_elab_kernel(tg_elab *e) {
    const tg_kernel_decl *k = &e->kernel->u.kernel;
    uint32_t errors = e->diags->n_errors;
    e->func = tg_func_create(e->arena, e->names, k->name);
    e->func->checked = e->spec->checked;
    e->b = (tg_builder){.func = e->func, .block = &e->func->body.body, .span = k->name_span};
    e->scope = NULL;
    bind_types(e);
    bind_params(e);
    e->b.span = k->name_span;
    bind_dims(e);
    assume_extents(e);
    read_fast(e);
    assume_wheres(e);
    fill_outputs(e);
    tg_elab_block(e, k->body);
    return e->diags->n_errors == errors ? e->func : NULL;
}
