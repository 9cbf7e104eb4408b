/* How much a phase computes, where its extents are known: operations on elements, each counted at every point of its axes, a product at
 * those of both factors. Only code for known shapes asks, to see whether one thread is enough. */
#include "targets/x86/dot/dot.h"

static const int64_t UNKNOWN = INT64_MAX;

typedef struct counter {
    tg_x86 *x;
    int64_t total;
} counter;

typedef struct axis_set {
    tg_axis *list[32];
    uint32_t n;
} axis_set;

static void add_axes(axis_set *s, const tg_type *t) {
    for (uint32_t i = 0; t->kind == TG_TYPE_TILE && i < t->n_axes && s->n < 32; i++) {
        bool there = false;
        for (uint32_t k = 0; k < s->n; k++) {
            there = there || s->list[k] == t->axes[i];
        }
        if (!there) {
            s->list[s->n++] = t->axes[i];
        }
    }
}

static int64_t extent_of(tg_x86 *x, const tg_axis *a) {
    int64_t n = a->extent;
    bool known = n >= 0 || (a->binder && tg_x86_is_known(x, tg_operand(a->binder, 0), &n));
    return known ? n : UNKNOWN;
}

static void count(tg_op *op, void *user) {
    counter *c = user;
    axis_set axes = {.n = 0};
    int64_t points = op->opcode == TG_OP_STORE ? 2 : 1; /* its line is read and written */
    for (uint32_t i = 0; i < op->n_operands; i++) {
        add_axes(&axes, tg_operand(op, i)->type);
    }
    for (uint32_t i = 0; i < op->n_results; i++) {
        add_axes(&axes, tg_result(op, i)->type);
    }
    for (uint32_t i = 0; i < axes.n; i++) {
        if (__builtin_mul_overflow(points, extent_of(c->x, axes.list[i]), &points)) {
            points = UNKNOWN;
        }
    }
    c->total = points > UNKNOWN - c->total ? UNKNOWN : c->total + points;
}

int64_t tg_x86_count_work(tg_x86 *x, tg_op *phase) {
    counter c = {x, 0};
    tg_ir_walk_region(&phase->regions[0], count, &c);
    return c.total;
}
