/* When values die: the last operation, in the block of the value's definition, that uses it or contains a use. */
#include "dsl/interp/internal.h"

typedef struct planner {
    plan *p;
    uint32_t *order; /* per op id: position in a pre-order walk */
    uint32_t next;
} planner;

static void number_block(planner *pl, const tg_block *b) {
    for (const tg_op *op = b->first; op; op = op->next) {
        pl->order[op->id] = pl->next++;
        for (uint32_t r = 0; r < op->n_regions; r++) {
            number_block(pl, &op->regions[r].body);
        }
    }
}

/* The op of `b` that is `op` or contains it. */
static const tg_op *ancestor_in(const tg_op *op, const tg_block *b) {
    while (op->parent != b) {
        op = op->parent->parent->parent;
    }
    return op;
}

static void plan_value(planner *pl, const tg_value *v, const tg_block *b, const tg_op *last) {
    for (const tg_use *u = v->uses; u; u = u->next) {
        const tg_op *at = ancestor_in(u->user, b);
        if (!last || pl->order[at->id] > pl->order[last->id]) {
            last = at;
        }
    }
    if (last) {
        pl->p->next_kill[v->id] = pl->p->first_kill[last->id];
        pl->p->first_kill[last->id] = v->id + 1;
    }
}

static void plan_block(planner *pl, const tg_block *b) {
    for (uint32_t i = 0; i < b->n_args; i++) {
        plan_value(pl, b->args[i], b, b->first);
    }
    for (const tg_op *op = b->first; op; op = op->next) {
        for (uint32_t i = 0; i < op->n_results; i++) {
            plan_value(pl, tg_result(op, i), b, op);
        }
        for (uint32_t r = 0; r < op->n_regions; r++) {
            plan_block(pl, &op->regions[r].body);
        }
    }
}

plan *plan_create(tg_arena *arena, const tg_func *f) {
    plan *p = TG_NEW(arena, plan);
    p->first_kill = TG_NEW_ARRAY(arena, uint32_t, f->next_op_id + 1);
    p->next_kill = TG_NEW_ARRAY(arena, uint32_t, f->next_value_id + 1);
    planner pl = {p, TG_NEW_ARRAY(arena, uint32_t, f->next_op_id + 1), 0};
    number_block(&pl, &f->body.body);
    plan_block(&pl, &f->body.body);
    return p;
}
