/* Control flow. Variables assigned in a region and declared outside become carried values (loops) or results (if).
 *
 * break, continue and return set hidden bool variables; what follows such a statement in its block, and the body of the loop,
 * runs under `if (!flag)`:
 *
 *   for (k…) { A; if (c) break; B }   →   for (k…) carry stop { if (!stop) { A; stop = c; if (!stop) { B } } }
 *
 * Flags whose value is known fold away, so a `return` at the end of a body costs nothing.
 *
 * In a function whose arguments brought extra axes, conditions and flags may have those axes. Then nothing branches: the points
 * that run are a mask, assignments select by it, and a loop runs while the mask has a point left. */
#include "dsl/parser/elab_internal.h"

enum { MAX_UNROLL = 1024 };

/* ---- what a statement may do -------------------------------------------------------------------------------------- */

typedef struct exits { bool stop, skip, leave; } exits;

static void find_exits(const tg_stmt *s, bool inner, exits *out) {
    switch ((int)s->kind) {
    case TG_STMT_BLOCK:
        for (uint32_t i = 0; i < s->u.block.n_items; i++) {
            find_exits(s->u.block.items[i], inner, out);
        }
        break;
    case TG_STMT_IF:
        find_exits(s->u.branch.yes, inner, out);
        if (s->u.branch.no) {
            find_exits(s->u.branch.no, inner, out);
        }
        break;
    case TG_STMT_WHILE: find_exits(s->u.loop.body, true, out); break;
    case TG_STMT_FOR: find_exits(s->u.range.body, true, out); break;
    case TG_STMT_FOR_C: find_exits(s->u.for_c.body, true, out); break;
    case TG_STMT_BREAK: out->stop |= !inner; break;
    case TG_STMT_CONTINUE: out->skip |= !inner; break;
    case TG_STMT_RETURN: out->leave = true; break;
    default: break;
    }
}

bool tg_elab_may_exit(const tg_stmt *s) {
    exits x = {0};
    find_exits(s, false, &x);
    return x.stop || x.skip || x.leave;
}

bool tg_elab_has_return(const tg_stmt *s) {
    exits x = {0};
    find_exits(s, false, &x);
    return x.leave;
}

static void add_symbol(tg_elab *e, tg_syms *out, tg_sym *s) {
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
        add_symbol(e, out, s);
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
    case TG_STMT_WHILE: find_assigned(e, s->u.loop.body, out); break;
    case TG_STMT_FOR: find_assigned(e, s->u.range.body, out); break;
    case TG_STMT_FOR_C:
        find_assigned(e, s->u.for_c.body, out);
        if (s->u.for_c.step) {
            find_assigned(e, s->u.for_c.step, out);
        }
        break;
    case TG_STMT_ASSIGN: add_target(e, out, s->u.assign.target); break;
    default: break;
    }
}

static tg_sym *returned_flag(const tg_elab *e) { return e->frame ? e->frame->returned : e->kernel_returned; }

static void add_flags(tg_elab *e, const exits *x, tg_syms *out) {
    if (x->stop && e->loop && e->loop->stop) {
        add_symbol(e, out, e->loop->stop);
    }
    if (x->skip && e->loop && e->loop->skip) {
        add_symbol(e, out, e->loop->skip);
    }
    if (x->leave && returned_flag(e)) {
        add_symbol(e, out, returned_flag(e));
        for (uint32_t i = 0; e->frame && i < e->frame->n_results; i++) {
            add_symbol(e, out, e->frame->results[i]);
        }
    }
}

static void find_changed(tg_elab *e, const tg_stmt *s, tg_syms *out) {
    exits x = {0};
    find_assigned(e, s, out);
    find_exits(s, false, &x);
    add_flags(e, &x, out);
}

/* ---- carried values --------------------------------------------------------------------------------------------------- */

static const tg_type *carried_type(tg_elab *e, const tg_sym *s) {
    if (!e->frame || !e->frame->n_lift || s->dtype == TG_DTYPE_NONE) {
        return s->type;
    }
    const tg_type *both[] = {s->type, tg_type_tile(e->func, s->type->dtype, e->frame->lift, e->frame->n_lift)};
    return tg_type_union(e->func, s->type->dtype, both, 2);
}

static tg_value *carried_value(tg_elab *e, const tg_sym *s, const tg_type *t) {
    tg_value *v = tg_elab_value(e, &s->ev);
    if (!v) { /* poisoned: any value of the type keeps the IR whole */
        tg_ev zero = tg_ev_const(tg_dtype_is_int(t->dtype) || t->dtype == TG_BOOL ? tg_scalar_int(t->dtype, 0)
                                                                                   : tg_scalar_float(t->dtype, 0));
        v = tg_elab_value(e, &zero);
    }
    return tg_build_broadcast(&e->b, v, t);
}

typedef struct carried { /* variables that cross a region's border */
    tg_syms syms;
    const tg_type **types;
    tg_value **values;
    tg_ev *before;
} carried;

static void open_carried(tg_elab *e, carried *c) {
    uint32_t n = c->syms.len;
    c->types = TG_NEW_ARRAY(e->arena, const tg_type *, n + 1);
    c->values = TG_NEW_ARRAY(e->arena, tg_value *, n + 1);
    c->before = TG_NEW_ARRAY(e->arena, tg_ev, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        c->types[i] = carried_type(e, c->syms.data[i]);
        c->before[i] = c->syms.data[i]->ev;
    }
}

static void current_values(tg_elab *e, const carried *c, tg_value **out) {
    for (uint32_t i = 0; i < c->syms.len; i++) {
        out[i] = carried_value(e, c->syms.data[i], c->types[i]);
    }
}

static void set_values(const carried *c, tg_value *const *v) {
    for (uint32_t i = 0; i < c->syms.len; i++) {
        c->syms.data[i]->ev = tg_ev_value(v[i]);
    }
}

static void set_results(const carried *c, tg_op *op) {
    for (uint32_t i = 0; i < c->syms.len; i++) {
        tg_value *v = tg_result(op, i);
        v->name = c->syms.data[i]->name;
        c->syms.data[i]->ev = tg_ev_value(v);
    }
}

static void restore(const carried *c) {
    for (uint32_t i = 0; i < c->syms.len; i++) {
        c->syms.data[i]->ev = c->before[i];
    }
}

static void enter_region(tg_elab *e, tg_op *op, uint32_t r) {
    e->b.block = &op->regions[r].body;
    e->b.before = NULL;
}

static tg_value **add_arguments(tg_elab *e, tg_op *op, uint32_t r, const carried *c) {
    tg_value **args = TG_NEW_ARRAY(e->arena, tg_value *, c->syms.len + 1);
    for (uint32_t i = 0; i < c->syms.len; i++) {
        args[i] = tg_block_add_arg(e->func, &op->regions[r].body, c->types[i], c->syms.data[i]->name);
    }
    return args;
}

/* ---- if ----------------------------------------------------------------------------------------------------------------- */

typedef void (*body_fn)(tg_elab *e, const void *what);

/* A flag that one branch sets and the other leaves false is the condition itself. */
static void settle_flags(tg_elab *e, const carried *c, tg_value *test, const tg_ev *yes, const tg_ev *no) {
    for (uint32_t i = 0; i < c->syms.len; i++) {
        bool a, b;
        if (c->types[i]->dtype != TG_BOOL || !tg_ev_known_bool(&yes[i], &a) || !tg_ev_known_bool(&no[i], &b)) {
            continue;
        }
        c->syms.data[i]->ev = a == b ? yes[i] : tg_ev_value(a ? test : tg_build_unary(&e->b, TG_OP_NOT, test));
    }
}

static void build_if(tg_elab *e, tg_value *test, tg_syms syms, body_fn yes, const void *yes_data, body_fn no, const void *no_data) {
    carried c = {.syms = syms};
    open_carried(e, &c);
    tg_op *op = tg_build_op(&e->b, TG_OP_IF, &test, 1, c.types, syms.len, NULL, 0);
    tg_builder saved = e->b;
    tg_ev *after[2];
    for (uint32_t r = 0; r < 2; r++) {
        body_fn fn = r ? no : yes;
        restore(&c);
        enter_region(e, op, r);
        if (fn) {
            fn(e, r ? no_data : yes_data);
        }
        after[r] = TG_NEW_ARRAY(e->arena, tg_ev, syms.len + 1);
        for (uint32_t i = 0; i < syms.len; i++) {
            after[r][i] = syms.data[i]->ev;
        }
        current_values(e, &c, c.values);
        tg_build_yield(&e->b, c.values, syms.len);
    }
    e->b = saved;
    set_results(&c, op);
    settle_flags(e, &c, test, after[0], after[1]);
}

static void run_block(tg_elab *e, const void *what) { tg_elab_block(e, what); }

typedef struct branch_of { const tg_expr *test; const tg_stmt *body; bool truth; } branch_of;

static void run_branch(tg_elab *e, const void *what) {
    const branch_of *b = what;
    tg_elab_open_optionals(e, b->test, b->truth, 1);
    tg_elab_block(e, b->body);
    tg_elab_open_optionals(e, b->test, b->truth, -1);
}

/* May the current function run under a mask over these axes? */
static bool maskable(tg_elab *e, const tg_value *v) {
    return e->frame && e->frame->n_lift &&
           tg_type_axes_within(v->type, tg_type_tile(e->func, TG_BOOL, e->frame->lift, e->frame->n_lift));
}

static tg_value *both(tg_elab *e, tg_value *a, tg_value *b) { return a && b ? tg_build_binary(&e->b, TG_OP_AND, a, b) : a ? a : b; }

static void run_masked(tg_elab *e, tg_value *more, body_fn fn, const void *data) {
    tg_value *mask = e->frame->mask;
    e->frame->mask = both(e, mask, more);
    fn(e, data);
    e->frame->mask = mask;
}

/* Runs `fn` where `left` is false. */
static void run_unless(tg_elab *e, const tg_ev *left, tg_syms syms, body_fn fn, const void *data) {
    tg_value *go = tg_build_unary(&e->b, TG_OP_NOT, tg_elab_value(e, left));
    if (go->type->n_axes) {
        run_masked(e, go, fn, data);
    } else {
        build_if(e, go, syms, fn, data, NULL, NULL);
    }
}

static bool scalar_condition(tg_elab *e, const tg_value *v, const tg_expr *x) {
    if (v->type->n_axes == 0) {
        return true;
    }
    tg_diag *d = tg_report(e->diags, TG_E0312, x->span, "condition has axes %s; use ?: or move the code into an fn",
                           tg_elab_axes_text(e, v->type->axes, v->type->n_axes));
    tg_diag_add_label(e->diags, d, tg_elab_axis_origin(e, x, v->type->axes[0]), "axis '%s' enters here", v->type->axes[0]->name);
    tg_diag_add_help(e->diags, d, "a store takes a condition, `Y[%s] = v where c`; bounds need no test: an axis never leaves its extent",
                     v->type->axes[0]->name);
    return false;
}

/* Both branches are looked at while checking; later only the one that is taken. */
static void known_if(tg_elab *e, const tg_stmt *s, bool taken) {
    const tg_stmt *live = taken ? s->u.branch.yes : s->u.branch.no, *dead = taken ? s->u.branch.no : s->u.branch.yes;
    if (dead && e->checking && !s->u.branch.is_const && e->func) {
        tg_syms syms = {0};
        find_changed(e, dead, &syms);
        carried c = {.syms = syms};
        open_carried(e, &c);
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
            tg_report(e->diags, TG_E0212, s->u.branch.test->span, "`if const` needs a constant condition");
        }
        unknown_constant_if(e, s);
        return;
    }
    tg_value *v = tg_elab_value(e, &test);
    if (v && v->type->n_axes && maskable(e, v)) {
        run_masked(e, v, run_block, s->u.branch.yes);
        if (s->u.branch.no) {
            run_masked(e, tg_build_unary(&e->b, TG_OP_NOT, v), run_block, s->u.branch.no);
        }
        return;
    }
    if (!v || !scalar_condition(e, v, s->u.branch.test)) {
        v = tg_build_int(&e->b, TG_BOOL, 0); /* the branches are still checked */
    }
    tg_syms syms = {0};
    find_changed(e, s->u.branch.yes, &syms);
    if (s->u.branch.no) {
        find_changed(e, s->u.branch.no, &syms);
    }
    e->b.span = s->span;
    branch_of yes = {s->u.branch.test, s->u.branch.yes, true}, no = {s->u.branch.test, s->u.branch.no, false};
    build_if(e, v, syms, run_branch, &yes, s->u.branch.no ? run_branch : NULL, &no);
}

/* ---- flags -------------------------------------------------------------------------------------------------------------- */

/* The value of "some flag is set": known false, known true or a scalar. */
static tg_ev any_flag(tg_elab *e, bool with_skip) {
    tg_sym *flags[] = {e->loop ? e->loop->stop : NULL, with_skip && e->loop ? e->loop->skip : NULL, returned_flag(e)};
    tg_ev all = tg_ev_bool(false);
    for (int i = 0; i < 3; i++) {
        bool known;
        if (!flags[i] || (tg_ev_known_bool(&flags[i]->ev, &known) && !known)) {
            continue;
        }
        if (tg_ev_known_bool(&flags[i]->ev, &known)) {
            return flags[i]->ev;
        }
        all = tg_ev_known_bool(&all, &known) ? flags[i]->ev
                                             : tg_elab_binary(e, TG_OPER_OR, all, flags[i]->ev, e->b.span);
    }
    return all;
}

typedef struct statements { tg_stmt *const *items; uint32_t n; } statements;

static void run_statements(tg_elab *e, const void *what);

/* The rest of a block after a statement that may have left it. */
static void run_rest(tg_elab *e, const statements *rest) {
    tg_ev left = any_flag(e, true);
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
        find_changed(e, rest->items[i], &syms);
    }
    run_unless(e, &left, syms, run_statements, rest);
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
        tg_report(e->diags, TG_E0211, s->u.ret.value->span, "%u results are declared, this is %s", e->frame->n_results,
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
            tg_report(e->diags, TG_E0105, s->u.ret.value->span, "a kernel returns no value; store it");
        }
        if (e->kernel_returned) {
            e->kernel_returned->ev = tg_ev_bool(true);
        }
        return;
    }
    tg_sym *flag = e->loop ? (s->kind == TG_STMT_BREAK ? e->loop->stop : e->loop->skip) : NULL;
    if (!flag) {
        tg_report(e->diags, TG_E0105, s->span, "'%s' outside a loop", s->kind == TG_STMT_BREAK ? "break" : "continue");
        return;
    }
    raise_flag(e, flag);
}

/* ---- loops ---------------------------------------------------------------------------------------------------------------- */

static void open_loop(tg_elab *e, tg_loop *loop, const tg_stmt *body) {
    exits x = {0};
    find_exits(body, false, &x);
    loop->up = e->loop;
    loop->stop = x.stop ? tg_scope_hidden(e, "stop", TG_BOOL) : NULL;
    loop->skip = x.skip ? tg_scope_hidden(e, "skip", TG_BOOL) : NULL;
    e->loop = loop;
}

static tg_syms loop_changes(tg_elab *e, const tg_stmt *body, const tg_stmt *step) {
    tg_syms all = {0}, out = {0};
    find_changed(e, body, &all);
    if (step) {
        find_changed(e, step, &all);
    }
    for (uint32_t i = 0; i < all.len; i++) {
        if (all.data[i] != e->loop->skip) {
            tg_vec_push(e->arena, &out, all.data[i]);
        }
    }
    exits x = {0};
    find_exits(body, false, &x);
    if (e->loop->stop) {
        add_symbol(e, &out, e->loop->stop);
    }
    if (x.leave && returned_flag(e)) {
        add_symbol(e, &out, returned_flag(e));
    }
    return out;
}

typedef struct iteration { const tg_stmt *body, *step; } iteration;

static void run_step(tg_elab *e, const void *what) { tg_elab_stmt(e, what); }

static void run_body(tg_elab *e, const void *what) {
    const iteration *it = what;
    bool known;
    if (e->loop->skip) {
        e->loop->skip->ev = tg_ev_bool(false);
    }
    tg_elab_block(e, it->body);
    if (!it->step) {
        return;
    }
    tg_ev left = any_flag(e, false);
    if (tg_ev_known_bool(&left, &known)) {
        if (!known) {
            tg_elab_stmt(e, it->step);
        }
        return;
    }
    tg_syms syms = {0};
    find_changed(e, it->step, &syms);
    run_unless(e, &left, syms, run_step, it->step);
}

/* One iteration, unless a flag of an earlier one is set. */
static void guarded_body(tg_elab *e, const iteration *it) {
    tg_ev left = any_flag(e, false);
    bool known;
    if (tg_ev_known_bool(&left, &known)) {
        if (!known) {
            run_body(e, it);
        }
        return;
    }
    tg_syms syms = loop_changes(e, it->body, it->step);
    run_unless(e, &left, syms, run_body, it);
}

static void end_region(tg_elab *e, const carried *c) {
    current_values(e, c, c->values);
    tg_build_yield(&e->b, c->values, c->syms.len);
}

/* test && mask && no flag, as a tile or scalar; poisoned tests count as false */
static tg_value *loop_test(tg_elab *e, const tg_expr *test) {
    tg_ev cond = tg_elab_bool(e, test), left = any_flag(e, false);
    tg_value *v = tg_elab_value(e, &cond);
    bool known;
    if (!v || (!maskable(e, v) && !scalar_condition(e, v, test))) {
        v = tg_build_int(&e->b, TG_BOOL, 0);
    }
    if (!tg_ev_known_bool(&left, &known)) {
        v = both(e, v, tg_build_unary(&e->b, TG_OP_NOT, left.value));
    } else if (known) {
        v = tg_build_int(&e->b, TG_BOOL, 0);
    }
    return e->frame ? both(e, v, e->frame->mask) : v;
}

/* while (test && no flag) { body; step }: region 0 computes the condition and passes the carried values on. With a mask the
 * loop runs while any point does, and region 1 computes the mask again. */
static void build_while(tg_elab *e, const tg_expr *test, const tg_stmt *body, const tg_stmt *step) {
    carried c = {.syms = loop_changes(e, body, step)};
    open_carried(e, &c);
    current_values(e, &c, c.values);
    tg_op *op = tg_build_op(&e->b, TG_OP_WHILE, c.values, c.syms.len, c.types, c.syms.len, NULL, 0);
    tg_builder saved = e->b;
    tg_value **args = add_arguments(e, op, 0, &c), **passed = add_arguments(e, op, 1, &c);
    set_values(&c, args);
    enter_region(e, op, 0);
    tg_value *v = loop_test(e, test);
    bool masked = v->type->n_axes != 0;
    tg_value **operands = TG_NEW_ARRAY(e->arena, tg_value *, c.syms.len + 1);
    operands[0] = masked ? tg_build_reduce(&e->b, TG_FN_OR, v, v->type->axes, v->type->n_axes) : v;
    for (uint32_t i = 0; i < c.syms.len; i++) {
        operands[i + 1] = args[i];
    }
    tg_build_op(&e->b, TG_OP_CONDITION, operands, c.syms.len + 1, NULL, 0, NULL, 0);
    set_values(&c, passed);
    enter_region(e, op, 1);
    iteration it = {body, step};
    if (masked) {
        run_masked(e, loop_test(e, test), run_body, &it);
    } else {
        for (uint32_t i = 0; i < c.syms.len; i++) { /* inside an iteration no flag is set yet */
            if (c.syms.data[i] == e->loop->stop || c.syms.data[i] == returned_flag(e)) {
                c.syms.data[i]->ev = tg_ev_bool(false);
            }
        }
        run_body(e, &it);
    }
    end_region(e, &c);
    e->b = saved;
    set_results(&c, op);
}

void tg_elab_while(tg_elab *e, const tg_stmt *s) {
    tg_loop loop;
    open_loop(e, &loop, s->u.loop.body);
    e->b.span = s->span;
    build_while(e, s->u.loop.test, s->u.loop.body, NULL);
    e->loop = loop.up;
}

/* ---- unroll for ------------------------------------------------------------------------------------------------------------- */

static bool any_flag_known_set(tg_elab *e) {
    tg_ev left = any_flag(e, false);
    bool known;
    return tg_ev_known_bool(&left, &known) && known;
}

static bool constant_variable(tg_elab *e, const tg_stmt *init) {
    for (uint32_t i = 0; i < init->u.decl.n_items; i++) {
        tg_sym *s = tg_scope_find(e, init->u.decl.items[i].names[0]);
        const tg_expr *x = init->u.decl.items[i].init;
        if (!s || s->kind != TG_SYM_VAR || !x) {
            return false;
        }
        tg_ev v = tg_elab_rvalue(e, x);
        if (!tg_ev_is_constant(&v)) {
            tg_report(e->diags, TG_E0212, x->span, "the variable of `unroll for` needs a constant initial value");
            return false;
        }
        s->unrolled = true;
        s->ev = tg_elab_convert(e, &v, s->type->dtype, x->span);
    }
    return true;
}

static void forget_constants(tg_elab *e, const tg_stmt *init) {
    for (uint32_t i = 0; i < init->u.decl.n_items; i++) {
        tg_sym *s = tg_scope_find(e, init->u.decl.items[i].names[0]);
        tg_value *v = tg_elab_value(e, &s->ev);
        s->ev = tg_ev_value_const(v, true);
    }
}

static void step_constant(tg_elab *e, const tg_stmt *step) {
    bool names = step->kind == TG_STMT_ASSIGN && step->u.assign.target->kind == TG_EXPR_NAME;
    tg_sym *s = names ? tg_scope_find(e, step->u.assign.target->u.name.name) : NULL;
    if (!s || !s->unrolled) {
        tg_elab_stmt(e, step);
        return;
    }
    s->unrolled = false;
    tg_ev v = tg_elab_rvalue(e, step->u.assign.value);
    v = step->u.assign.op == TG_OPER_NONE ? v : tg_elab_binary(e, step->u.assign.op, s->ev, v, step->span);
    s->ev = tg_elab_convert(e, &v, s->type->dtype, step->span);
    s->unrolled = true;
}

static void unrolled_c(tg_elab *e, const tg_stmt *s) {
    iteration it = {s->u.for_c.body, NULL};
    if (!constant_variable(e, s->u.for_c.init)) {
        return;
    }
    for (uint32_t n = 0;; n++) {
        bool go;
        tg_ev test = tg_elab_bool(e, s->u.for_c.test);
        if (tg_ev_is_poison(&test)) {
            return;
        }
        if (!tg_ev_known_bool(&test, &go)) {
            if (!tg_ev_is_constant(&test)) {
                tg_report(e->diags, TG_E0212, s->u.for_c.test->span, "`unroll for` needs a constant trip count");
                return;
            }
            forget_constants(e, s->u.for_c.init);
            guarded_body(e, &it);
            return;
        }
        if (!go || any_flag_known_set(e)) {
            return;
        }
        if (n == MAX_UNROLL) {
            tg_report(e->diags, TG_E0212, s->span, "`unroll for` makes more than %d copies of its body", MAX_UNROLL);
            return;
        }
        guarded_body(e, &it);
        step_constant(e, s->u.for_c.step);
    }
}

void tg_elab_for_c(tg_elab *e, const tg_stmt *s) {
    tg_sym *mark = e->scope;
    tg_loop loop;
    if (s->u.for_c.init->kind != TG_STMT_DECL || s->u.for_c.step->kind == TG_STMT_POISON) {
        return; /* a syntax error was reported */
    }
    tg_elab_decl(e, s->u.for_c.init);
    open_loop(e, &loop, s->u.for_c.body);
    e->b.span = s->span;
    if (s->u.for_c.unroll) {
        unrolled_c(e, s);
    } else {
        build_while(e, s->u.for_c.test, s->u.for_c.body, s->u.for_c.step);
    }
    e->loop = loop.up;
    tg_scope_pop(e, mark);
}

/* ---- for (binder) --------------------------------------------------------------------------------------------------------------- */

static bool constant_range(const tg_bounds *d, int64_t *from, int64_t *until) {
    int64_t extent;
    if (!tg_value_const_int(d->extent, &extent) || !tg_value_const_int(d->from, from) || !tg_value_const_int(d->until, until)) {
        return false;
    }
    *from = *from < 0 ? 0 : *from;
    *until = *until < extent ? *until : extent;
    return true;
}

static void unrolled_each(tg_elab *e, const tg_stmt *s, const tg_bounds *d) {
    const tg_binder *b = &s->u.range.binder;
    iteration it = {s->u.range.body, NULL};
    int64_t from, until;
    bool known = constant_range(d, &from, &until);
    if (!known && !e->checking) {
        tg_report(e->diags, TG_E0212, b->domain.span, "`unroll for` needs a constant trip count");
        return;
    }
    if (known && until > from && (until - from - 1) / d->step >= MAX_UNROLL) {
        tg_report(e->diags, TG_E0212, s->span, "`unroll for` makes more than %d copies of its body", MAX_UNROLL);
        return;
    }
    for (int64_t i = known ? from : 0; i < (known ? until : 1) && !any_flag_known_set(e); i += d->step) {
        tg_sym *mark = e->scope;
        tg_sym *v = tg_scope_add(e, TG_SYM_EACH, b->name, b->name_span);
        v->ev = known ? tg_ev_const_int(TG_I64, i) : tg_ev_value_const(tg_build_int(&e->b, TG_I64, 0), true);
        guarded_body(e, &it);
        tg_scope_pop(e, mark);
    }
}

static void build_for(tg_elab *e, const tg_stmt *s, const tg_bounds *d) {
    const tg_binder *b = &s->u.range.binder;
    carried c = {.syms = loop_changes(e, s->u.range.body, NULL)};
    open_carried(e, &c);
    tg_value **operands = TG_NEW_ARRAY(e->arena, tg_value *, c.syms.len + 3);
    operands[0] = d->extent, operands[1] = d->from, operands[2] = d->until;
    current_values(e, &c, operands + 3);
    tg_sym *mark = e->scope, *sym = NULL;
    tg_attr attr = tg_attr_int(TG_ATTR_STEP, d->step);
    if (!b->each) {
        sym = tg_elab_new_axis(e, TG_AXIS_LOOP, b, d);
        attr = tg_attr_axis(e->func->arena, TG_ATTR_AXIS, sym->axis);
    }
    e->b.span = s->span;
    tg_op *op = tg_build_op(&e->b, TG_OP_FOR, operands, c.syms.len + 3, c.types, c.syms.len, &attr, !b->each || d->step > 1);
    tg_builder saved = e->b;
    if (b->each) {
        tg_value *index = tg_block_add_arg(e->func, &op->regions[0].body, tg_type_scalar(e->func, TG_I64), b->name);
        tg_scope_add(e, TG_SYM_EACH, b->name, b->name_span)->ev = tg_ev_value(index);
    } else {
        sym->axis->binder = op;
    }
    set_values(&c, add_arguments(e, op, 0, &c));
    enter_region(e, op, 0);
    iteration it = {s->u.range.body, NULL};
    guarded_body(e, &it);
    end_region(e, &c);
    e->b = saved;
    set_results(&c, op);
    tg_scope_pop(e, mark);
}

void tg_elab_for(tg_elab *e, const tg_stmt *s) {
    const tg_binder *b = &s->u.range.binder;
    tg_bounds d;
    tg_loop loop;
    bool launch_level = e->phase == 0 && !e->frame;
    if (launch_level && !b->each) {
        tg_report(e->diags, TG_E0109, s->span, "a loop at launch level counts single indices: write for (each %s in …)", b->name);
    }
    if ((launch_level && !b->each) || !tg_elab_bounds(e, &b->domain, false, b->each, &d)) {
        tg_sym *mark = e->scope; /* the body is still resolved */
        tg_scope_add(e, TG_SYM_VALUE, b->name, b->name_span)->ev = tg_ev_poison();
        tg_elab_resolve_stmt(e, s->u.range.body);
        tg_scope_pop(e, mark);
        return;
    }
    open_loop(e, &loop, s->u.range.body);
    if (s->u.range.unroll && !b->each) {
        tg_report(e->diags, TG_E0212, s->span, "`unroll for` counts single indices: write unroll for (each %s in …)", b->name);
    } else if (s->u.range.unroll) {
        unrolled_each(e, s, &d);
    } else {
        build_for(e, s, &d);
    }
    e->loop = loop.up;
}

/* ---- dispatch --------------------------------------------------------------------------------------------------------------------- */

static void call_statement(tg_elab *e, const tg_stmt *s) {
    tg_ev v = tg_elab_expr(e, s->u.call.call);
    tg_ev callee = s->u.call.call->kind == TG_EXPR_CALL && s->u.call.call->u.call.callee->kind == TG_EXPR_NAME
                       ? tg_elab_name(e, s->u.call.call->u.call.callee->u.name.name, s->span)
                       : tg_ev_poison();
    bool effect = callee.kind == TG_EV_BUILTIN && (callee.builtin->op == TG_OP_ATOMIC || callee.builtin->op == TG_OP_CAS);
    if (v.kind != TG_EV_NOTHING && v.kind != TG_EV_POISON && !effect) {
        tg_report(e->diags, TG_W0806, s->span, "the result of this call is not used");
    }
}

void tg_elab_stmt(tg_elab *e, const tg_stmt *s) {
    e->b.span = s->span;
    switch (s->kind) {
    case TG_STMT_BLOCK: tg_elab_block(e, s); break;
    case TG_STMT_LET: tg_elab_let(e, s); break;
    case TG_STMT_DECL: tg_elab_decl(e, s); break;
    case TG_STMT_AXIS: tg_elab_axis_stmt(e, s); break;
    case TG_STMT_VIEW: tg_elab_view(e, s); break;
    case TG_STMT_TEMP: tg_elab_temp(e, s); break;
    case TG_STMT_GRID: tg_elab_grid(e, s); break;
    case TG_STMT_IF: tg_elab_if(e, s); break;
    case TG_STMT_WHILE: tg_elab_while(e, s); break;
    case TG_STMT_FOR: tg_elab_for(e, s); break;
    case TG_STMT_FOR_C: tg_elab_for_c(e, s); break;
    case TG_STMT_BREAK:
    case TG_STMT_CONTINUE:
    case TG_STMT_RETURN: tg_elab_exit(e, s); break;
    case TG_STMT_STATIC_ASSERT:
        tg_elab_static_assert(e, s->u.static_assertion.args, s->u.static_assertion.n_args, s->span);
        break;
    case TG_STMT_ASSIGN: tg_elab_assign(e, s); break;
    case TG_STMT_CALL: call_statement(e, s); break;
    case TG_STMT_POISON: break;
    }
}
