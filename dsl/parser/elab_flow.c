/* Control flow. Variables assigned in a region and declared outside become carried values
 * (loops) or results (if).
 *
 * break, continue and return set hidden bool variables; what follows such a statement in its
 * block, and the body of the loop,
 * runs under `if (!flag)`:
 *
 *   for (k…) { A; if (c) break; B }   →   for (k…) carry stop { if (!stop) { A; stop = c; if
 * (!stop) { B } } }
 *
 * Flags whose value is known fold away, so a `return` at the end of a body costs nothing.
 *
 * In a function whose arguments brought extra axes, conditions and flags may have those axes.
 * Then nothing branches: the points
 * that run are a mask, assignments select by it, and a loop runs while the mask has a point
 * left. */
#include "dsl/parser/elab_flow.h"

/* ---- what a statement may do ------------------------------------------------------------- */

void tg_flow_find_exits(const tg_stmt *s, bool inner, tg_exits *out) {
    switch ((int)s->kind) {
    case TG_STMT_BLOCK:
        for (uint32_t i = 0; i < s->u.block.n_items; i++) {
            tg_flow_find_exits(s->u.block.items[i], inner, out);
        }
        break;
    case TG_STMT_IF:
        tg_flow_find_exits(s->u.branch.yes, inner, out);
        if (s->u.branch.no) {
            tg_flow_find_exits(s->u.branch.no, inner, out);
        }
        break;
    case TG_STMT_WHILE:
        tg_flow_find_exits(s->u.loop.body, true, out);
        break;
    case TG_STMT_FOR:
        tg_flow_find_exits(s->u.range.body, true, out);
        break;
    case TG_STMT_FOR_C:
        tg_flow_find_exits(s->u.for_c.body, true, out);
        break;
    case TG_STMT_BREAK:
        out->stop |= !inner;
        break;
    case TG_STMT_CONTINUE:
        out->skip |= !inner;
        break;
    case TG_STMT_RETURN:
        out->leave = true;
        break;
    default:
        break;
    }
}

bool tg_elab_may_exit(const tg_stmt *s) {
    tg_exits x = {0};
    tg_flow_find_exits(s, false, &x);
    return x.stop || x.skip || x.leave;
}

bool tg_elab_has_return(const tg_stmt *s) {
    tg_exits x = {0};
    tg_flow_find_exits(s, false, &x);
    return x.leave;
}

void tg_flow_add_symbol(tg_elab *e, tg_syms *out, tg_sym *s) {
    for (uint32_t i = 0; i < out->len; i++) {
        if (out->data[i] == s) {
            return;
        }
    }
    tg_vec_push(e->arena, out, s);
}

static void add_target(tg_elab *e, tg_syms *out, const tg_expr *x) {
    if (x->kind == TG_EXPR_INDEX) {
        x = x->u.index.base;
    }
    if (x->kind == TG_EXPR_TUPLE) {
        for (uint32_t i = 0; i < x->u.tuple.n_items; i++) {
            add_target(e, out, x->u.tuple.items[i]);
        }
    }
    tg_sym *s = x->kind == TG_EXPR_NAME ? tg_scope_find(e, x->u.name.name) : NULL;
    if (s && s->kind == TG_SYM_VAR && !s->unrolled) {
        tg_flow_add_symbol(e, out, s);
    }
}

/* Variables in scope here that the statement assigns. */
static void find_assigned(tg_elab *e, const tg_stmt *s, tg_syms *out) {
    switch ((int)s->kind) {
    case TG_STMT_BLOCK:
        for (uint32_t i = 0; i < s->u.block.n_items; i++) {
            find_assigned(e, s->u.block.items[i], out);
        }
        break;
    case TG_STMT_IF:
        find_assigned(e, s->u.branch.yes, out);
        if (s->u.branch.no) {
            find_assigned(e, s->u.branch.no, out);
        }
        break;
    case TG_STMT_WHILE:
        find_assigned(e, s->u.loop.body, out);
        break;
    case TG_STMT_FOR:
        find_assigned(e, s->u.range.body, out);
        break;
    case TG_STMT_FOR_C:
        find_assigned(e, s->u.for_c.body, out);
        if (s->u.for_c.step) {
            find_assigned(e, s->u.for_c.step, out);
        }
        break;
    case TG_STMT_ASSIGN:
        add_target(e, out, s->u.assign.target);
        break;
    default:
        break;
    }
}

tg_sym *tg_flow_returned(const tg_elab *e) {
    return e->frame ? e->frame->returned : e->kernel_returned;
}

static void add_flags(tg_elab *e, const tg_exits *x, tg_syms *out) {
    if (x->stop && e->loop && e->loop->stop) {
        tg_flow_add_symbol(e, out, e->loop->stop);
    }
    if (x->skip && e->loop && e->loop->skip) {
        tg_flow_add_symbol(e, out, e->loop->skip);
    }
    if (x->leave && tg_flow_returned(e)) {
        tg_flow_add_symbol(e, out, tg_flow_returned(e));
        for (uint32_t i = 0; e->frame && i < e->frame->n_results; i++) {
            tg_flow_add_symbol(e, out, e->frame->results[i]);
        }
    }
}

void tg_flow_find_changed(tg_elab *e, const tg_stmt *s, tg_syms *out) {
    tg_exits x = {0};
    find_assigned(e, s, out);
    tg_flow_find_exits(s, false, &x);
    add_flags(e, &x, out);
}

/* ---- carried values ---------------------------------------------------------------------- */

static const tg_type *carried_type(tg_elab *e, const tg_sym *s) {
    if (!e->frame || !e->frame->n_lift || s->dtype == TG_DTYPE_NONE) {
        return s->type;
    }
    const tg_type *both[] = {
        s->type, tg_type_tile(e->func, s->type->dtype, e->frame->lift, e->frame->n_lift)};
    return tg_type_union(e->func, s->type->dtype, both, 2);
}

static tg_value *carried_value(tg_elab *e, const tg_sym *s, const tg_type *t) {
    tg_value *v = tg_elab_value(e, &s->ev);
    if (!v) { /* poisoned: any value of the type keeps the IR whole */
        tg_ev zero = tg_ev_const(tg_dtype_is_int(t->dtype) || t->dtype == TG_BOOL
                                     ? tg_scalar_int(t->dtype, 0)
                                     : tg_scalar_float(t->dtype, 0));
        v = tg_elab_value(e, &zero);
    }
    return tg_build_broadcast(&e->b, v, t);
}

void tg_flow_open_carried(tg_elab *e, tg_carried *c) {
    uint32_t n = c->syms.len;
    c->types = TG_NEW_ARRAY(e->arena, const tg_type *, n + 1);
    c->values = TG_NEW_ARRAY(e->arena, tg_value *, n + 1);
    c->before = TG_NEW_ARRAY(e->arena, tg_ev, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        c->types[i] = carried_type(e, c->syms.data[i]);
        c->before[i] = c->syms.data[i]->ev;
    }
}

void tg_flow_current_values(tg_elab *e, const tg_carried *c, tg_value **out) {
    for (uint32_t i = 0; i < c->syms.len; i++) {
        out[i] = carried_value(e, c->syms.data[i], c->types[i]);
    }
}

void tg_flow_set_values(const tg_carried *c, tg_value *const *v) {
    for (uint32_t i = 0; i < c->syms.len; i++) {
        c->syms.data[i]->ev = tg_ev_value(v[i]);
    }
}

void tg_flow_set_results(const tg_carried *c, tg_op *op) {
    for (uint32_t i = 0; i < c->syms.len; i++) {
        tg_value *v = tg_result(op, i);
        v->name = c->syms.data[i]->name;
        c->syms.data[i]->ev = tg_ev_value(v);
    }
}

static void restore(const tg_carried *c) {
    for (uint32_t i = 0; i < c->syms.len; i++) {
        c->syms.data[i]->ev = c->before[i];
    }
}

void tg_flow_enter_region(tg_elab *e, tg_op *op, uint32_t r) {
    e->b.block = &op->regions[r].body;
    e->b.before = NULL;
}

tg_value **tg_flow_add_arguments(tg_elab *e, tg_op *op, uint32_t r, const tg_carried *c) {
    tg_value **args = TG_NEW_ARRAY(e->arena, tg_value *, c->syms.len + 1);
    for (uint32_t i = 0; i < c->syms.len; i++) {
        args[i] =
            tg_block_add_arg(e->func, &op->regions[r].body, c->types[i], c->syms.data[i]->name);
    }
    return args;
}

/* ---- if ---------------------------------------------------------------------------------- */

/* A flag that one branch sets and the other leaves false is the condition itself. */
static void settle_flags(tg_elab *e, const tg_carried *c, tg_value *test, const tg_ev *yes,
                         const tg_ev *no) {
    for (uint32_t i = 0; i < c->syms.len; i++) {
        bool a, b;
        if (c->types[i]->dtype != TG_BOOL || !tg_ev_known_bool(&yes[i], &a) ||
            !tg_ev_known_bool(&no[i], &b)) {
            continue;
        }
        c->syms.data[i]->ev =
            a == b ? yes[i] : tg_ev_value(a ? test : tg_build_unary(&e->b, TG_OP_NOT, test));
    }
}

static void build_if(tg_elab *e, tg_value *test, tg_syms syms, tg_flow_fn yes,
                     const void *yes_data, tg_flow_fn no, const void *no_data) {
    tg_carried c = {.syms = syms};
    tg_flow_open_carried(e, &c);
    tg_op *op = tg_build_op(&e->b, TG_OP_IF, &test, 1, c.types, syms.len, NULL, 0);
    tg_builder saved = e->b;
    tg_ev *after[2];
    for (uint32_t r = 0; r < 2; r++) {
        tg_flow_fn fn = r ? no : yes;
        restore(&c);
        tg_flow_enter_region(e, op, r);
        if (fn) {
            fn(e, r ? no_data : yes_data);
        }
        after[r] = TG_NEW_ARRAY(e->arena, tg_ev, syms.len + 1);
        for (uint32_t i = 0; i < syms.len; i++) {
            after[r][i] = syms.data[i]->ev;
        }
        tg_flow_current_values(e, &c, c.values);
        tg_build_yield(&e->b, c.values, syms.len);
    }
    e->b = saved;
    tg_flow_set_results(&c, op);
    settle_flags(e, &c, test, after[0], after[1]);
}

static void run_block(tg_elab *e, const void *what) {
    tg_elab_block(e, what);
}

typedef struct branch_of {
    const tg_expr *test;
    const tg_stmt *body;
    bool truth;
} branch_of;

static void run_branch(tg_elab *e, const void *what) {
    const branch_of *b = what;
    tg_elab_open_optionals(e, b->test, b->truth, 1);
    tg_elab_block(e, b->body);
    tg_elab_open_optionals(e, b->test, b->truth, -1);
}

/* May the current function run under a mask over these axes? */
bool tg_flow_maskable(tg_elab *e, const tg_value *v) {
    return e->frame && e->frame->n_lift &&
           tg_type_axes_within(
               v->type, tg_type_tile(e->func, TG_BOOL, e->frame->lift, e->frame->n_lift));
}

tg_value *tg_flow_both(tg_elab *e, tg_value *a, tg_value *b) {
    return a && b ? tg_build_binary(&e->b, TG_OP_AND, a, b) : a ? a : b;
}

void tg_flow_run_masked(tg_elab *e, tg_value *more, tg_flow_fn fn, const void *data) {
    tg_value *mask = e->frame->mask;
    e->frame->mask = tg_flow_both(e, mask, more);
    fn(e, data);
    e->frame->mask = mask;
}

/* Runs `fn` where `left` is false. */
void tg_flow_run_unless(tg_elab *e, const tg_ev *left, tg_syms syms, tg_flow_fn fn,
                        const void *data) {
    tg_value *go = tg_build_unary(&e->b, TG_OP_NOT, tg_elab_value(e, left));
    if (go->type->n_axes) {
        tg_flow_run_masked(e, go, fn, data);
    } else {
        build_if(e, go, syms, fn, data, NULL, NULL);
    }
}

bool tg_flow_scalar_condition(tg_elab *e, const tg_value *v, const tg_expr *x) {
    if (v->type->n_axes == 0) {
        return true;
    }
    tg_diag *d = tg_report(e->diags, TG_E0312, x->span,
                           "condition has axes %s; use ?: or move the code into an fn",
                           tg_elab_axes_text(e, v->type->axes, v->type->n_axes));
    tg_diag_add_label(e->diags, d, tg_elab_axis_origin(e, x, v->type->axes[0]),
                      "axis '%s' enters here", v->type->axes[0]->name);
    tg_diag_add_help(e->diags, d,
                     "a store or assignment takes a condition, `Y[%s] = v where c`, `x += v "
                     "where c`; bounds need no test: an axis never leaves its extent",
                     v->type->axes[0]->name);
    return false;
}

/* Both branches are looked at while checking; later only the one that is taken. */
static void known_if(tg_elab *e, const tg_stmt *s, bool taken) {
    const tg_stmt *live = taken ? s->u.branch.yes : s->u.branch.no,
                  *dead = taken ? s->u.branch.no : s->u.branch.yes;
    if (dead && e->checking && !s->u.branch.is_const && e->func) {
        tg_syms syms = {0};
        tg_flow_find_changed(e, dead, &syms);
        tg_carried c = {.syms = syms};
        tg_flow_open_carried(e, &c);
        uint32_t phase = e->phase;
        branch_of never = {s->u.branch.test, dead, !taken};
        build_if(e, tg_build_int(&e->b, TG_BOOL, 0), syms, run_branch, &never, NULL, NULL);
        e->phase = phase;
        restore(&c);
    } else if (dead) {
        tg_elab_resolve_stmt(e, dead);
    }
    if (live) {
        tg_elab_open_optionals(e, s->u.branch.test, taken, 1);
        tg_elab_block(e, live);
        tg_elab_open_optionals(e, s->u.branch.test, taken, -1);
    }
}

static void unknown_constant_if(tg_elab *e, const tg_stmt *s) {
    tg_elab_resolve_stmt(e, s->u.branch.yes);
    if (s->u.branch.no) {
        tg_elab_resolve_stmt(e, s->u.branch.no);
    }
}

void tg_elab_if(tg_elab *e, const tg_stmt *s) {
    tg_ev test = tg_elab_bool(e, s->u.branch.test);
    bool known;
    if (tg_ev_known_bool(&test, &known)) {
        known_if(e, s, known);
        return;
    }
    if (s->u.branch.is_const && !tg_ev_is_poison(&test)) {
        if (!tg_ev_is_constant(&test)) {
            tg_report(e->diags, TG_E0212, s->u.branch.test->span,
                      "`if const` needs a constant condition");
        }
        unknown_constant_if(e, s);
        return;
    }
    tg_value *v = tg_elab_value(e, &test);
    if (v && v->type->n_axes && tg_flow_maskable(e, v)) {
        tg_flow_run_masked(e, v, run_block, s->u.branch.yes);
        if (s->u.branch.no) {
            tg_flow_run_masked(e, tg_build_unary(&e->b, TG_OP_NOT, v), run_block,
                               s->u.branch.no);
        }
        return;
    }
    if (!v || !tg_flow_scalar_condition(e, v, s->u.branch.test)) {
        v = tg_build_int(&e->b, TG_BOOL, 0); /* the branches are still checked */
    }
    tg_syms syms = {0};
    tg_flow_find_changed(e, s->u.branch.yes, &syms);
    if (s->u.branch.no) {
        tg_flow_find_changed(e, s->u.branch.no, &syms);
    }
    e->b.span = s->span;
    branch_of yes = {s->u.branch.test, s->u.branch.yes, true},
              no = {s->u.branch.test, s->u.branch.no, false};
    build_if(e, v, syms, run_branch, &yes, s->u.branch.no ? run_branch : NULL, &no);
}

/* ---- flags ------------------------------------------------------------------------------- */

/* The value of "some flag is set": known false, known true or a scalar. */
tg_ev tg_flow_any_flag(tg_elab *e, bool with_skip) {
    tg_sym *flags[] = {e->loop ? e->loop->stop : NULL,
                       with_skip && e->loop ? e->loop->skip : NULL, tg_flow_returned(e)};
    tg_ev all = tg_ev_bool(false);
    for (int i = 0; i < 3; i++) {
        bool known;
        if (!flags[i] || (tg_ev_known_bool(&flags[i]->ev, &known) && !known)) {
            continue;
        }
        if (tg_ev_known_bool(&flags[i]->ev, &known)) {
            return flags[i]->ev;
        }
        all = tg_ev_known_bool(&all, &known)
                  ? flags[i]->ev
                  : tg_elab_binary(e, TG_OPER_OR, all, flags[i]->ev, e->b.span);
    }
    return all;
}

typedef struct statements {
    tg_stmt *const *items;
    uint32_t n;
} statements;

static void run_statements(tg_elab *e, const void *what);

/* The rest of a block after a statement that may have left it. */
static void run_rest(tg_elab *e, const statements *rest) {
    tg_ev left = tg_flow_any_flag(e, true);
    bool known;
    if (tg_ev_known_bool(&left, &known)) {
        if (!known) {
            run_statements(e, rest);
            return;
        }
        for (uint32_t i = 0; i < rest->n; i++) {
            tg_elab_resolve_stmt(e, rest->items[i]);
        }
        return;
    }
    tg_syms syms = {0};
    for (uint32_t i = 0; i < rest->n; i++) {
        tg_flow_find_changed(e, rest->items[i], &syms);
    }
    tg_flow_run_unless(e, &left, syms, run_statements, rest);
}

static void run_statements(tg_elab *e, const void *what) {
    const statements *list = what;
    for (uint32_t i = 0; i < list->n; i++) {
        tg_elab_stmt(e, list->items[i]);
        if (i + 1 < list->n && tg_elab_may_exit(list->items[i])) {
            statements rest = {list->items + i + 1, list->n - i - 1};
            run_rest(e, &rest);
            return;
        }
    }
}

void tg_elab_block(tg_elab *e, const tg_stmt *s) {
    tg_sym *mark = e->scope;
    if (s->kind == TG_STMT_BLOCK) {
        statements list = {s->u.block.items, s->u.block.n_items};
        run_statements(e, &list);
    } else {
        tg_elab_stmt(e, s);
    }
    tg_scope_pop(e, mark);
}

static void raise_flag(tg_elab *e, tg_sym *flag) {
    tg_value *mask = e->frame ? e->frame->mask : NULL;
    bool known;
    if (!mask) {
        flag->ev = tg_ev_bool(true);
    } else if (tg_ev_known_bool(&flag->ev, &known)) {
        flag->ev = known ? flag->ev : tg_ev_value(mask);
    } else {
        flag->ev = tg_ev_value(tg_build_binary(&e->b, TG_OP_OR, flag->ev.value, mask));
    }
}

static void set_results_of_return(tg_elab *e, const tg_ev *v, tg_span span, uint32_t *at) {
    if (v->kind == TG_EV_TUPLE) {
        for (uint32_t i = 0; i < v->n_items; i++) {
            set_results_of_return(e, &v->items[i], span, at);
        }
    } else if (*at < e->frame->n_results) {
        tg_elab_set_var(e, e->frame->results[(*at)++], v, NULL, span);
    }
}

static void function_return(tg_elab *e, const tg_stmt *s) {
    if (!s->u.ret.value) {
        tg_report(e->diags, TG_E0105, s->span, "a function returns a value");
        return;
    }
    tg_ev v = tg_elab_rvalue(e, s->u.ret.value);
    if (!e->frame->returned) {
        e->frame->value = v;
        e->frame->has_value = true;
        return;
    }
    uint32_t at = 0;
    set_results_of_return(e, &v, s->u.ret.value->span, &at);
    if (at != e->frame->n_results && !tg_ev_is_poison(&v)) {
        tg_report(e->diags, TG_E0211, s->u.ret.value->span,
                  "%u results are declared, this is %s", e->frame->n_results,
                  tg_elab_ev_text(e, &v));
    }
    raise_flag(e, e->frame->returned);
}

void tg_elab_exit(tg_elab *e, const tg_stmt *s) {
    if (s->kind == TG_STMT_RETURN) {
        if (e->frame) {
            function_return(e, s);
            return;
        }
        if (s->u.ret.value) {
            tg_report(e->diags, TG_E0105, s->u.ret.value->span,
                      "a kernel returns no value; store it");
        }
        if (e->kernel_returned) {
            e->kernel_returned->ev = tg_ev_bool(true);
        }
        return;
    }
    tg_sym *flag = e->loop ? (s->kind == TG_STMT_BREAK ? e->loop->stop : e->loop->skip) : NULL;
    if (!flag) {
        tg_report(e->diags, TG_E0105, s->span, "'%s' outside a loop",
                  s->kind == TG_STMT_BREAK ? "break" : "continue");
        return;
    }
    raise_flag(e, flag);
}

/* ---- dispatch ---------------------------------------------------------------------------- */

static void call_statement(tg_elab *e, const tg_stmt *s) {
    e->whole = s->u.call.call;
    tg_ev v = tg_elab_expr(e, s->u.call.call);
    tg_ev callee = s->u.call.call->kind == TG_EXPR_CALL &&
                           s->u.call.call->u.call.callee->kind == TG_EXPR_NAME
                       ? tg_elab_name(e, s->u.call.call->u.call.callee->u.name.name, s->span)
                       : tg_ev_poison();
    bool effect = callee.kind == TG_EV_BUILTIN &&
                  (callee.builtin->op == TG_OP_ATOMIC || callee.builtin->op == TG_OP_CAS);
    if (v.kind != TG_EV_NOTHING && v.kind != TG_EV_POISON && !effect) {
        tg_report(e->diags, TG_W0806, s->span, "the result of this call is not used");
    }
}

void tg_elab_stmt(tg_elab *e, const tg_stmt *s) {
    e->b.span = s->span;
    switch (s->kind) {
    case TG_STMT_BLOCK:
        tg_elab_block(e, s);
        break;
    case TG_STMT_LET:
        tg_elab_let(e, s);
        break;
    case TG_STMT_DECL:
        tg_elab_decl(e, s);
        break;
    case TG_STMT_AXIS:
        tg_elab_axis_stmt(e, s);
        break;
    case TG_STMT_VIEW:
        tg_elab_view(e, s);
        break;
    case TG_STMT_TEMP:
        tg_elab_temp(e, s);
        break;
    case TG_STMT_GRID:
        tg_elab_grid(e, s);
        break;
    case TG_STMT_IF:
        tg_elab_if(e, s);
        break;
    case TG_STMT_WHILE:
        tg_elab_while(e, s);
        break;
    case TG_STMT_FOR:
        tg_elab_for(e, s);
        break;
    case TG_STMT_FOR_C:
        tg_elab_for_c(e, s);
        break;
    case TG_STMT_BREAK:
    case TG_STMT_CONTINUE:
    case TG_STMT_RETURN:
        tg_elab_exit(e, s);
        break;
    case TG_STMT_STATIC_ASSERT:
        tg_elab_static_assert(e, s->u.static_assertion.args, s->u.static_assertion.n_args,
                              s->span);
        break;
    case TG_STMT_ASSIGN:
        tg_elab_assign(e, s);
        break;
    case TG_STMT_CALL:
        call_statement(e, s);
        break;
    case TG_STMT_POISON:
        break;
    }
}
