/* IDEAL: bounds of sums and products carried through a loop. `acc = acc + x` may legally be summed in any order and in any blocks, so its
 * rounding error is not that of this run's partial sums: it is bounded by steps * u * (|initial| + sum of |x|). What one iteration added is
 * the difference of the carried values, so no operand has to be kept. What it multiplied by is their quotient: a product whose parts leave
 * the range in some order is open. */
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

/* What carried value k is: used once, by an addition or a product whose result is yielded in its place and used for nothing else. */
static carried_kind kind_of(const tg_op *loop, uint32_t k) {
    const tg_block *b = &loop->regions[0].body;
    const tg_value *arg = b->args[tg_region_first_carried(loop) + k];
    if (!tg_dtype_is_float(arg->type->dtype) || !arg->uses || arg->uses->next || !b->last) {
        return CARRIED_OTHER;
    }
    const tg_op *user = arg->uses->user;
    const tg_value *yielded = tg_operand(b->last, k);
    if (yielded->def != user || yielded->uses->next) {
        return CARRIED_OTHER;
    }
    return adds_to(user, arg) ? CARRIED_SUM
           : user->opcode == TG_OP_MUL ? CARRIED_PRODUCT
                                       : CARRIED_OTHER;
}

carried_value *carried_values(interp *c, const tg_op *loop, tile *const *carried, uint32_t n) {
    if (!c->ideal || c->in_lift || !n) {
        return NULL;
    }
    carried_value *s = pool_zero(&c->pool, n, sizeof *s);
    for (uint32_t k = 0; k < n; k++) {
        const tile *t = carried[k];
        s[k].kind = kind_of(loop, k);
        bool sum = s[k].kind == CARRIED_SUM, product = s[k].kind == CARRIED_PRODUCT;
        s[k].mass = sum || product ? pool_alloc(&c->pool, t->n, sizeof *s[k].mass) : NULL;
        s[k].height = product ? pool_alloc(&c->pool, t->n, sizeof *s[k].height) : NULL;
        for (int64_t i = 0; s[k].mass && i < t->n; i++) {
            s[k].mass[i] = sum ? fabs(t->f[i]) : depth_of(t->f[i]);
            if (product) {
                s[k].height[i] = height_of(t->f[i]);
            }
        }
    }
    return s;
}

/* A term that is NaN adds nothing: it decides the sum in any order. */
WIDE static void add_difference(double *mass, const double *now, const double *before,
                                int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        bool decided = before[i] != before[i] || (now[i] != now[i] && fabs(before[i]) < INFINITY);
        mass[i] += decided ? 0 : fabs(now[i] - before[i]);
    }
}

/* The factor is unknown where the product was 0, or is infinite now: that may be an order's overflow. */
static void add_quotient(carried_value *s, const double *now, const double *before, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        if (!(fabs(before[i]) < INFINITY) || now[i] != now[i]) {
            continue;
        }
        bool known = before[i] != 0 && fabs(now[i]) < INFINITY;
        double factor = known ? now[i] / before[i] : 0;
        s->mass[i] += known && factor == 0 ? INFINITY : depth_of(factor);
        s->height[i] += known ? height_of(factor) : INFINITY;
    }
}

void carried_value_step(carried_value *s, const tile *before, const tile *now) {
    if (s->kind == CARRIED_SUM) {
        add_difference(s->mass, now->f, before->f, now->n);
    } else if (s->kind == CARRIED_PRODUCT) {
        add_quotient(s, now->f, before->f, now->n);
    }
    s->steps++;
}

/* Where all terms together may leave the range some order does so on the way. An infinite sum does not tell what its other terms are. */
static void finish_sum(const carried_value *s, const kernel_facts *k, const tile *t) {
    double unit = k->unit * s->steps;
    for (int64_t i = 0; t->e && i < t->n; i++) {
        bool range = s->steps > 1 && !(s->mass[i] <= k->largest);
        double rounding = fabs(t->f[i]) < INFINITY ? unit * s->mass[i] : 0;
        t->e[i] = range ? INFINITY : t->e[i] + rounding;
    }
}

static void finish_product(const carried_value *s, const kernel_facts *k, const tile *t) {
    for (int64_t i = 0; t->e && i < t->n; i++) {
        bool digits = t->f[i] != 0 && fabs(t->f[i]) < INFINITY && loses_digits(k, s->mass[i]);
        bool range = overflows_between(k, s->mass[i], s->height[i]) || s->height[i] == INFINITY;
        t->e[i] = digits || range ? INFINITY : t->e[i];
    }
}

void carried_values_end(interp *c, const tg_op *loop, carried_value *s, tile **carried,
                        uint32_t n) {
    for (uint32_t k = 0; s && k < n; k++) {
        if (s[k].kind == CARRIED_OTHER) {
            continue;
        }
        kernel_facts facts = facts_of(c, tg_result(loop, k)->type->dtype);
        if (s[k].kind == CARRIED_SUM) {
            finish_sum(&s[k], &facts, carried[k]);
        } else {
            finish_product(&s[k], &facts, carried[k]);
        }
        pool_free(&c->pool, s[k].mass);
        pool_free(&c->pool, s[k].height);
    }
    pool_free(&c->pool, s);
}
