/* IDEAL: bounds of sums carried through a loop. `acc = acc + x` may legally be summed in any order and in any blocks, so its rounding error
 * is not that of this run's partial sums: it is bounded by steps * u * (|initial| + sum of |x|). What one iteration added is the
 * difference of the carried values, so no operand has to be kept. */
#include "dsl/interp/control.h"

#include <math.h>

static bool adds_to(const tg_op *user, const tg_value *arg) {
    switch ((int)user->opcode) {
    case TG_OP_ADD:
        return true;
    case TG_OP_SUB:
        return tg_operand(user, 0) == arg;
    case TG_OP_FMA:
    case TG_OP_DOT:
        return user->n_operands == 3 && tg_operand(user, 2) == arg;
    default:
        return false;
    }
}

/* Is carried value k used once, by an addition whose result is yielded in its place and used for nothing else? */
static bool is_sum(const tg_op *loop, uint32_t k) {
    const tg_block *b = &loop->regions[0].body;
    const tg_value *arg = b->args[tg_region_first_carried(loop) + k];
    if (!tg_dtype_is_float(arg->type->dtype) || !arg->uses || arg->uses->next || !b->last) {
        return false;
    }
    const tg_op *user = arg->uses->user;
    const tg_value *yielded = tg_operand(b->last, k);
    return adds_to(user, arg) && yielded->def == user && !yielded->uses->next;
}

carried_sum *carried_sums(interp *c, const tg_op *loop, tile *const *carried, uint32_t n) {
    if (!c->ideal || c->in_lift || !n) {
        return NULL;
    }
    carried_sum *s = pool_zero(&c->pool, n, sizeof *s);
    for (uint32_t k = 0; k < n; k++) {
        if (!is_sum(loop, k)) {
            continue;
        }
        s[k].mass = pool_alloc(&c->pool, carried[k]->n, sizeof *s[k].mass);
        for (int64_t i = 0; i < carried[k]->n; i++) {
            s[k].mass[i] = fabs(carried[k]->f[i]);
        }
    }
    return s;
}

WIDE static void add_difference(double *mass, const double *now, const double *before,
                                int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        mass[i] += fabs(now[i] - before[i]);
    }
}

void carried_sum_step(carried_sum *s, const tile *before, const tile *now) {
    if (s->mass) {
        add_difference(s->mass, now->f, before->f, now->n);
        s->steps++;
    }
}

void carried_sums_end(interp *c, const tg_op *loop, carried_sum *s, tile **carried,
                      uint32_t n) {
    for (uint32_t k = 0; s && k < n; k++) {
        if (!s[k].mass) {
            continue;
        }
        double unit = facts_of(c, tg_result(loop, k)->type->dtype).unit * s[k].steps;
        tile *t = carried[k];
        for (int64_t i = 0; t->e && i < t->n; i++) {
            t->e[i] += s[k].mass[i] < INFINITY ? unit * s[k].mass[i] : 0;
        }
        pool_free(&c->pool, s[k].mass);
    }
    pool_free(&c->pool, s);
}
