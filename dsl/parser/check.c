/* Entry of the access checks: numbers the variables of a function, then checks phase by phase. Start reading with
 * check_form.h. */
#include "dsl/parser/check_form.h"

static uint32_t new_var(tg_check *c, tg_var v) {
    tg_vec_push(c->arena, &c->vars, v);
    return c->vars.len - 1;
}

static void number_axes(tg_check *c) {
    uint32_t n = c->func->axes.len;
    c->index_var = TG_NEW_ARRAY(c->arena, uint32_t, n);
    c->block_var = TG_NEW_ARRAY(c->arena, uint32_t, n);
    for (uint32_t i = 0; i < n; i++) {
        const tg_axis *a = c->func->axes.data[i];
        c->index_var[i] = new_var(c, (tg_var){.axis = a, .binder = a->binder});
        c->block_var[i] = UINT32_MAX;
        if (!a->like && a->kind != TG_AXIS_LOCAL) {
            c->block_var[i] =
                new_var(c, (tg_var){.axis = a, .is_block = true, .binder = a->binder});
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        const tg_axis *a = c->func->axes.data[i];
        c->block_var[i] = c->block_var[tg_check_root(a)->rank];
    }
}

static void number_each(tg_op *op, void *user) {
    tg_check *c = user;
    bool binder = op->opcode == TG_OP_PAR || op->opcode == TG_OP_FOR;
    if (binder && tg_op_is_each(op) && op->regions[0].body.n_args) {
        const tg_value *v = op->regions[0].body.args[0];
        uint32_t var = new_var(c, (tg_var){.each = v, .binder = op});
        tg_map_set(c->each_vars, v, (void *)(uintptr_t)(var + 1));
    }
}

static bool is_in_phase(const tg_op *op) {
    while (op && op->opcode != TG_OP_PHASE) {
        op = op->parent->parent->parent;
    }
    return op != NULL;
}

static void gather_launch_variables(tg_check *c) {
    c->launch = tg_vars_new(c);
    for (uint32_t v = 0; v < c->vars.len; v++) {
        if (c->vars.data[v].each && !is_in_phase(c->vars.data[v].binder)) {
            tg_vars_add(c->launch, v);
        }
    }
}

static void check_op(tg_op *op, void *user) {
    if (op->opcode == TG_OP_PHASE) {
        tg_check_phase(user, op);
    }
}

void tg_check_accesses(tg_func *f, const tg_signature *sig, bool whole, tg_diags *diags) {
    tg_check c = {.arena = diags->arena, .func = f, .sig = sig, .diags = diags};
    c.each_vars = tg_map_create(c.arena);
    number_axes(&c);
    tg_ir_walk(f, number_each, &c);
    c.iteration = new_var(&c, (tg_var){0});
    c.n_words = c.vars.len / 64 + 1;
    gather_launch_variables(&c);
    c.memo = tg_map_create(c.arena);
    c.written = tg_map_create(c.arena);
    c.every = tg_vars_new(&c);
    tg_check_gather_facts(&c);
    tg_ir_walk(f, check_op, &c);
    if (diags->n_errors == 0) { /* a store with an error may be missing from the function */
        if (whole) {
            tg_check_coverage(&c);
        }
        tg_check_costs(&c);
    }
}
