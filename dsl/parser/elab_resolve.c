/* Names only: for branches of `if const` that are not taken, code behind a return, and
 * functions nobody calls. Declared names
 * are poison here, so nothing but E0201 and E0302 can be reported. */
#include "dsl/parser/elab_internal.h"

static void resolve_expr(tg_elab *e, const tg_expr *x);

static void resolve_args(tg_elab *e, const tg_arg *args, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        resolve_expr(e, args[i].value);
    }
}

static bool is_word_argument(const tg_arg *a) {
    return a->name != NULL && a->value->kind == TG_EXPR_NAME;
}

static void resolve_call(tg_elab *e, const tg_expr *x) {
    resolve_expr(e, x->u.call.callee);
    for (uint32_t i = 0; i < x->u.call.n_args; i++) {
        if (!is_word_argument(&x->u.call.args[i])) { /* precision = tf32 names no value */
            resolve_expr(e, x->u.call.args[i].value);
        }
    }
}

static void resolve_expr(tg_elab *e, const tg_expr *x) {
    switch (x->kind) {
    case TG_EXPR_NAME:
        tg_elab_name(e, x->u.name.name, x->span);
        break;
    case TG_EXPR_TYPE:
        tg_elab_dtype(e, x->u.type.type);
        break;
    case TG_EXPR_TUPLE:
        for (uint32_t i = 0; i < x->u.tuple.n_items; i++) {
            resolve_expr(e, x->u.tuple.items[i]);
        }
        break;
    case TG_EXPR_UNARY:
        resolve_expr(e, x->u.unary.operand);
        break;
    case TG_EXPR_BINARY:
        resolve_expr(e, x->u.binary.left);
        resolve_expr(e, x->u.binary.right);
        break;
    case TG_EXPR_COND:
        resolve_expr(e, x->u.cond.test);
        resolve_expr(e, x->u.cond.yes);
        resolve_expr(e, x->u.cond.no);
        break;
    case TG_EXPR_CALL:
        resolve_call(e, x);
        break;
    case TG_EXPR_INDEX:
        resolve_expr(e, x->u.index.base);
        resolve_args(e, x->u.index.args, x->u.index.n_args);
        if (x->u.index.otherwise) {
            resolve_expr(e, x->u.index.otherwise);
        }
        break;
    case TG_EXPR_MEMBER:
        resolve_expr(e, x->u.member.base);
        break;
    case TG_EXPR_ELEMENT:
        resolve_expr(e, x->u.element.base);
        break;
    case TG_EXPR_INT:
    case TG_EXPR_FLOAT:
    case TG_EXPR_STRING:
    case TG_EXPR_BOOL:
    case TG_EXPR_INF:
    case TG_EXPR_NAN:
    case TG_EXPR_POISON:
        break;
    }
}

static void declare(tg_elab *e, tg_name name, tg_span span) {
    tg_scope_add(e, TG_SYM_VALUE, name, span)->ev = tg_ev_poison();
}

static void resolve_domain(tg_elab *e, const tg_domain *d) {
    const tg_expr *parts[] = {d->extent, d->from, d->until, d->step};
    for (int i = 0; i < 4; i++) {
        if (parts[i]) {
            resolve_expr(e, parts[i]);
        }
    }
}

static void resolve_decl(tg_elab *e, const tg_stmt *s) {
    if (s->kind != TG_STMT_LET && s->kind != TG_STMT_DECL) {
        return; /* a syntax error was reported */
    }
    for (uint32_t i = 0; i < s->u.decl.n_items; i++) {
        const tg_declarator *d = &s->u.decl.items[i];
        if (d->init) {
            resolve_expr(e, d->init);
        }
        for (uint32_t k = 0; k < d->n_names; k++) {
            declare(e, d->names[k], d->name_spans[k]);
        }
    }
}

static void resolve_binder(tg_elab *e, const tg_binder *b) {
    resolve_domain(e, &b->domain);
    declare(e, b->name, b->name_span);
}

static void resolve_scoped(tg_elab *e, const tg_stmt *s) {
    tg_sym *mark = e->scope;
    tg_elab_resolve_stmt(e, s);
    tg_scope_pop(e, mark);
}

static void resolve_assign(tg_elab *e, const tg_stmt *s) {
    resolve_expr(e, s->u.assign.target);
    resolve_expr(e, s->u.assign.value);
    if (s->u.assign.guard) {
        resolve_expr(e, s->u.assign.guard);
    }
}

static void resolve_view(tg_elab *e, const tg_stmt *s) {
    resolve_expr(e, s->u.view.base);
    for (uint32_t i = 0; i < s->u.view.n_dims; i++) {
        resolve_expr(e, s->u.view.dims[i].value);
    }
    for (uint32_t i = 0; i < s->u.view.n_strides; i++) {
        resolve_expr(e, s->u.view.strides[i]);
    }
    declare(e, s->u.view.name, s->u.view.name_span);
}

static void resolve_grid(tg_elab *e, const tg_stmt *s) {
    tg_sym *mark = e->scope;
    for (uint32_t i = 0; i < s->u.grid.n_binders; i++) {
        resolve_binder(e, &s->u.grid.binders[i]);
    }
    resolve_scoped(e, s->u.grid.body);
    tg_scope_pop(e, mark);
}

static void resolve_loop(tg_elab *e, const tg_stmt *s) {
    tg_sym *mark = e->scope;
    if (s->kind == TG_STMT_FOR) {
        resolve_binder(e, &s->u.range.binder);
        resolve_scoped(e, s->u.range.body);
    } else {
        resolve_decl(e, s->u.for_c.init);
        resolve_expr(e, s->u.for_c.test);
        resolve_scoped(e, s->u.for_c.body);
        tg_elab_resolve_stmt(e, s->u.for_c.step);
    }
    tg_scope_pop(e, mark);
}

void tg_elab_resolve_stmt(tg_elab *e, const tg_stmt *s) {
    tg_sym *mark = e->scope;
    switch (s->kind) {
    case TG_STMT_BLOCK:
        for (uint32_t i = 0; i < s->u.block.n_items; i++) {
            tg_elab_resolve_stmt(e, s->u.block.items[i]);
        }
        tg_scope_pop(e, mark);
        break;
    case TG_STMT_LET:
    case TG_STMT_DECL:
        resolve_decl(e, s);
        break;
    case TG_STMT_AXIS:
        for (uint32_t i = 0; i < s->u.axis.n_items; i++) {
            resolve_binder(e, &s->u.axis.items[i]);
        }
        break;
    case TG_STMT_VIEW:
        resolve_view(e, s);
        break;
    case TG_STMT_TEMP:
        for (uint32_t i = 0; i < s->u.temp.n_items; i++) {
            declare(e, s->u.temp.items[i].name, s->u.temp.items[i].name_span);
        }
        break;
    case TG_STMT_GRID:
        resolve_grid(e, s);
        break;
    case TG_STMT_IF:
        resolve_expr(e, s->u.branch.test);
        resolve_scoped(e, s->u.branch.yes);
        if (s->u.branch.no) {
            resolve_scoped(e, s->u.branch.no);
        }
        break;
    case TG_STMT_WHILE:
        resolve_expr(e, s->u.loop.test);
        resolve_scoped(e, s->u.loop.body);
        break;
    case TG_STMT_FOR:
    case TG_STMT_FOR_C:
        resolve_loop(e, s);
        break;
    case TG_STMT_RETURN:
        if (s->u.ret.value) {
            resolve_expr(e, s->u.ret.value);
        }
        break;
    case TG_STMT_STATIC_ASSERT:
        resolve_args(e, s->u.static_assertion.args, s->u.static_assertion.n_args);
        break;
    case TG_STMT_ASSIGN:
        resolve_assign(e, s);
        break;
    case TG_STMT_CALL:
        resolve_expr(e, s->u.call.call);
        break;
    case TG_STMT_BREAK:
    case TG_STMT_CONTINUE:
    case TG_STMT_POISON:
        break;
    }
}

void tg_elab_resolve_fn(tg_elab *e, const tg_fn *fn) {
    tg_sym *mark = e->scope;
    e->broken = fn->broken;
    for (uint32_t i = 0; i < fn->n_generics; i++) {
        tg_sym *s = tg_scope_add(e, TG_SYM_TYPE, fn->generics[i].name, fn->generics[i].span);
        s->ev = (tg_ev){.kind = TG_EV_TYPE, .dtype = TG_F32};
    }
    for (uint32_t i = 0; i < fn->n_params; i++) {
        const tg_param *p = &fn->params[i];
        for (uint32_t d = 0; d < p->n_dims; d++) {
            const tg_expr *dim = p->dims[d].value;
            if (dim->kind == TG_EXPR_NAME && !tg_scope_find(e, dim->u.name.name)) {
                declare(e, dim->u.name.name, dim->span);
            }
        }
        declare(e, p->name, p->name_span);
    }
    if (fn->value) {
        resolve_expr(e, fn->value);
    } else if (fn->body) {
        tg_elab_resolve_stmt(e, fn->body);
    }
    e->broken = false;
    tg_scope_pop(e, mark);
}
