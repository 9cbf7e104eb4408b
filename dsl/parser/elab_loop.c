/* Loops: while, C for, for over blocks and single indices, unroll for. See elab_flow.c for
 * flags and masks. */
#include "dsl/parser/elab_flow.h"

enum { MAX_UNROLL = 1024 };

/* ---- loops ------------------------------------------------------------------------------- */

static void open_loop(tg_elab *e, tg_loop *loop, const tg_stmt *body) {
    tg_exits x = {0};
    tg_flow_find_exits(body, false, &x);
    loop->up = e->loop;
    loop->stop = x.stop ? tg_scope_hidden(e, "stop", TG_BOOL) : NULL;
    loop->skip = x.skip ? tg_scope_hidden(e, "skip", TG_BOOL) : NULL;
    e->loop = loop;
}

static tg_syms loop_changes(tg_elab *e, const tg_stmt *body, const tg_stmt *step) {
    tg_syms all = {0}, out = {0};
    tg_flow_find_changed(e, body, &all);
    if (step) {
        tg_flow_find_changed(e, step, &all);
    }
    for (uint32_t i = 0; i < all.len; i++) {
        if (all.data[i] != e->loop->skip) {
            tg_vec_push(e->arena, &out, all.data[i]);
        }
    }
    tg_exits x = {0};
    tg_flow_find_exits(body, false, &x);
    if (e->loop->stop) {
        tg_flow_add_symbol(e, &out, e->loop->stop);
    }
    if (x.leave && tg_flow_returned(e)) {
        tg_flow_add_symbol(e, &out, tg_flow_returned(e));
    }
    return out;
}

typedef struct iteration {
    const tg_stmt *body, *step;
} iteration;

static void run_step(tg_elab *e, const void *what) {
    tg_elab_stmt(e, what);
}

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
    tg_ev left = tg_flow_any_flag(e, false);
    if (tg_ev_known_bool(&left, &known)) {
        if (!known) {
            tg_elab_stmt(e, it->step);
        }
        return;
    }
    tg_syms syms = {0};
    tg_flow_find_changed(e, it->step, &syms);
    tg_flow_run_unless(e, &left, syms, run_step, it->step);
}

/* One iteration, unless a flag of an earlier one is set. */
static void guarded_body(tg_elab *e, const iteration *it) {
    tg_ev left = tg_flow_any_flag(e, false);
    bool known;
    if (tg_ev_known_bool(&left, &known)) {
        if (!known) {
            run_body(e, it);
        }
        return;
    }
    tg_syms syms = loop_changes(e, it->body, it->step);
    tg_flow_run_unless(e, &left, syms, run_body, it);
}

static void end_region(tg_elab *e, const tg_carried *c) {
    tg_flow_current_values(e, c, c->values);
    tg_build_yield(&e->b, c->values, c->syms.len);
}

/* test && mask && no flag, as a tile or scalar; poisoned tests count as false */
static tg_value *loop_test(tg_elab *e, const tg_expr *test) {
    tg_ev cond = tg_elab_bool(e, test), left = tg_flow_any_flag(e, false);
    tg_value *v = tg_elab_value(e, &cond);
    bool known;
    if (!v || (!tg_flow_maskable(e, v) && !tg_flow_scalar_condition(e, v, test))) {
        v = tg_build_int(&e->b, TG_BOOL, 0);
    }
    if (!tg_ev_known_bool(&left, &known)) {
        v = tg_flow_both(e, v, tg_build_unary(&e->b, TG_OP_NOT, left.value));
    } else if (known) {
        v = tg_build_int(&e->b, TG_BOOL, 0);
    }
    return e->frame ? tg_flow_both(e, v, e->frame->mask) : v;
}

/* while (test && no flag) { body; step }: region 0 computes the condition and passes the
 * carried values on. With a mask the
 * loop runs while any point does, and region 1 computes the mask again. */
static void build_while(tg_elab *e, const tg_expr *test, const tg_stmt *body,
                        const tg_stmt *step) {
    tg_carried c = {.syms = loop_changes(e, body, step)};
    tg_flow_open_carried(e, &c);
    tg_flow_current_values(e, &c, c.values);
    tg_op *op =
        tg_build_op(&e->b, TG_OP_WHILE, c.values, c.syms.len, c.types, c.syms.len, NULL, 0);
    tg_builder saved = e->b;
    tg_value **args = tg_flow_add_arguments(e, op, 0, &c),
             **passed = tg_flow_add_arguments(e, op, 1, &c);
    tg_flow_set_values(&c, args);
    tg_flow_enter_region(e, op, 0);
    tg_value *v = loop_test(e, test);
    bool masked = v->type->n_axes != 0;
    tg_value **operands = TG_NEW_ARRAY(e->arena, tg_value *, c.syms.len + 1);
    operands[0] =
        masked ? tg_build_reduce(&e->b, TG_FN_OR, v, v->type->axes, v->type->n_axes) : v;
    for (uint32_t i = 0; i < c.syms.len; i++) {
        operands[i + 1] = args[i];
    }
    tg_build_op(&e->b, TG_OP_CONDITION, operands, c.syms.len + 1, NULL, 0, NULL, 0);
    tg_flow_set_values(&c, passed);
    tg_flow_enter_region(e, op, 1);
    iteration it = {body, step};
    if (masked) {
        tg_flow_run_masked(e, loop_test(e, test), run_body, &it);
    } else {
        for (uint32_t i = 0; i < c.syms.len; i++) { /* inside an iteration no flag is set yet */
            if (c.syms.data[i] == e->loop->stop || c.syms.data[i] == tg_flow_returned(e)) {
                c.syms.data[i]->ev = tg_ev_bool(false);
            }
        }
        run_body(e, &it);
    }
    end_region(e, &c);
    e->b = saved;
    tg_flow_set_results(&c, op);
}

void tg_elab_while(tg_elab *e, const tg_stmt *s) {
    tg_loop loop;
    open_loop(e, &loop, s->u.loop.body);
    e->b.span = s->span;
    build_while(e, s->u.loop.test, s->u.loop.body, NULL);
    e->loop = loop.up;
}

/* ---- unroll for -------------------------------------------------------------------------- */

static bool any_flag_known_set(tg_elab *e) {
    tg_ev left = tg_flow_any_flag(e, false);
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
            tg_report(e->diags, TG_E0212, x->span,
                      "the variable of `unroll for` needs a constant initial value");
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
    v = step->u.assign.op == TG_OPER_NONE
            ? v
            : tg_elab_binary(e, step->u.assign.op, s->ev, v, step->span);
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
                tg_report(e->diags, TG_E0212, s->u.for_c.test->span,
                          "`unroll for` needs a constant trip count");
                return;
            }
            e->sampled = true;
            forget_constants(e, s->u.for_c.init);
            guarded_body(e, &it);
            return;
        }
        if (!go || any_flag_known_set(e)) {
            return;
        }
        if (n == MAX_UNROLL) {
            tg_report(e->diags, TG_E0212, s->span,
                      "`unroll for` makes more than %d copies of its body", MAX_UNROLL);
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

/* ---- for (binder) ------------------------------------------------------------------------ */

static bool constant_range(const tg_bounds *d, int64_t *from, int64_t *until) {
    int64_t extent;
    if (!tg_value_const_int(d->extent, &extent) || !tg_value_const_int(d->from, from) ||
        !tg_value_const_int(d->until, until)) {
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
        tg_report(e->diags, TG_E0212, b->domain.span,
                  "`unroll for` needs a constant trip count");
        return;
    }
    if (known && until > from && (until - from - 1) / d->step >= MAX_UNROLL) {
        tg_report(e->diags, TG_E0212, s->span,
                  "`unroll for` makes more than %d copies of its body", MAX_UNROLL);
        return;
    }
    e->sampled = e->sampled || !known;
    for (int64_t i = known ? from : 0; i < (known ? until : 1) && !any_flag_known_set(e);
         i += d->step) {
        tg_sym *mark = e->scope;
        tg_sym *v = tg_scope_add(e, TG_SYM_EACH, b->name, b->name_span);
        v->ev = known ? tg_ev_const_int(TG_I64, i)
                      : tg_ev_value_const(tg_build_int(&e->b, TG_I64, 0), true);
        guarded_body(e, &it);
        tg_scope_pop(e, mark);
    }
}

static void run_guarded(tg_elab *e, const void *what) {
    guarded_body(e, what);
}

/* The points of a lifted function whose own bounds hold `index`, or null for all of them. */
static tg_value *points_of_index(tg_elab *e, const tg_bounds *d, tg_value *index) {
    tg_value *begun = d->from_here ? tg_build_cmp(&e->b, TG_GE, index, d->from_here) : NULL;
    tg_value *going = d->until_here ? tg_build_cmp(&e->b, TG_LT, index, d->until_here) : NULL;
    return tg_flow_both(e, begun, going);
}

static void build_for(tg_elab *e, const tg_stmt *s, const tg_bounds *d) {
    const tg_binder *b = &s->u.range.binder;
    tg_carried c = {.syms = loop_changes(e, s->u.range.body, NULL)};
    tg_flow_open_carried(e, &c);
    tg_value **operands = TG_NEW_ARRAY(e->arena, tg_value *, c.syms.len + TG_FOR_CARRIED);
    operands[0] = d->extent, operands[1] = d->from, operands[2] = d->until;
    tg_flow_current_values(e, &c, operands + TG_FOR_CARRIED);
    tg_sym *mark = e->scope, *sym = NULL;
    tg_attr attr = tg_attr_int(TG_ATTR_STEP, d->step);
    if (!b->each) {
        sym = tg_elab_new_axis(e, TG_AXIS_LOOP, b, d);
        attr = tg_attr_axis(e->func->arena, TG_ATTR_AXIS, sym->axis);
    }
    e->b.span = s->span;
    tg_op *op = tg_build_op(&e->b, TG_OP_FOR, operands, c.syms.len + TG_FOR_CARRIED, c.types, c.syms.len,
                            &attr, !b->each || d->step > 1);
    tg_builder saved = e->b;
    if (b->each) {
        tg_value *index = tg_block_add_arg(e->func, &op->regions[0].body,
                                           tg_type_scalar(e->func, TG_I64), b->name);
        tg_scope_add(e, TG_SYM_EACH, b->name, b->name_span)->ev = tg_ev_value(index);
    } else {
        sym->axis->binder = op;
    }
    tg_flow_set_values(&c, tg_flow_add_arguments(e, op, 0, &c));
    tg_flow_enter_region(e, op, 0);
    iteration it = {s->u.range.body, NULL};
    tg_value *points = b->each ? points_of_index(e, d, op->regions[0].body.args[0]) : NULL;
    if (points) {
        tg_flow_run_masked(e, points, run_guarded, &it);
    } else {
        guarded_body(e, &it);
    }
    end_region(e, &c);
    e->b = saved;
    tg_flow_set_results(&c, op);
    tg_scope_pop(e, mark);
}

void tg_elab_for(tg_elab *e, const tg_stmt *s) {
    const tg_binder *b = &s->u.range.binder;
    tg_bounds d;
    tg_loop loop;
    bool launch_level = e->phase == 0 && !e->frame;
    if (launch_level && !b->each) {
        tg_report(e->diags, TG_E0109, s->span,
                  "a loop at launch level counts single indices: write for (each %s in …)",
                  b->name);
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
        tg_report(e->diags, TG_E0212, s->span,
                  "`unroll for` counts single indices: write unroll for (each %s in …)",
                  b->name);
    } else if (s->u.range.unroll) {
        unrolled_each(e, s, &d);
    } else {
        build_for(e, s, &d);
    }
    e->loop = loop.up;
}
