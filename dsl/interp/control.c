/* Binders and control flow outside lifted regions: phases and their instances, serial loops, if, while. */
#include "dsl/interp/control.h"

#include <math.h>

static int64_t ceil_div(int64_t a, int64_t b) {
    return a / b + (a % b > 0);
}

/* ---- loops ------------------------------------------------------------------------------ */

static void release(interp *c, tile **t, uint32_t n) {
    for (uint32_t k = 0; k < n; k++) {
        tile_unref(c, t[k]);
    }
}

static tile **new_tiles(interp *c, uint32_t n) {
    return pool_zero(&c->pool, n + 1, sizeof(tile *));
}

/* One iteration: args[0…] are the region's arguments, the carried ones from `first` on are replaced by what it yields. */
static void iterate(interp *c, const tg_op *op, tile **args, uint32_t first, uint32_t n,
                    carried_value *sums) {
    tile **out = new_tiles(c, n);
    exec_region(c, &op->regions[0], args, out);
    for (uint32_t k = 0; k < n; k++) {
        if (sums) {
            carried_value_step(&sums[k], args[first + k], out[k]);
        }
        tile_unref(c, args[first + k]);
        args[first + k] = out[k];
    }
    pool_free(&c->pool, out);
}

static void for_each(interp *c, const tg_op *op, axis_state a, tile **args, uint32_t n,
                     carried_value *sums) {
    int64_t step = tg_op_int(op, TG_ATTR_STEP, 1), count = ceil_div(a.size, step); /* the last index plus the step may be too large */
    for (int64_t i = 0; i < count; i++) {
        args[0] = tile_scalar(c, TG_I64);
        args[0]->i[0] = a.first + i * step;
        iterate(c, op, args, 1, n, sums);
        tile_unref(c, args[0]);
    }
}

static void for_blocks(interp *c, const tg_op *op, axis_state a, tile **args, uint32_t n,
                       carried_value *sums) {
    const tg_axis *axis = tg_op_axis(op, TG_ATTR_AXIS);
    int64_t block = axis->block > 0 ? axis->block : a.size > 0 ? a.size : 1;
    int64_t count = ceil_div(a.size, block);
    for (int64_t k = 0; k < count; k++) {
        int64_t left = a.size - k * block;
        c->axis[axis->rank] =
            (axis_state){a.first + k * block, left < block ? left : block, k, count};
        iterate(c, op, args, 0, n, sums);
    }
}

void exec_for(interp *c, const tg_op *op) {
    for (uint32_t k = 0; k < 3 && c->in_lift; k++) {
        if (operand(c, op, k)->lifted) {
            exec_pointwise(c, op);
            return;
        }
    }
    uint32_t first = tg_region_first_carried(op), n = op->n_results;
    tile **args = new_tiles(c, first + n);
    bool open = uncertain(operand(c, op, 0)) || uncertain(operand(c, op, 1)) ||
                uncertain(operand(c, op, 2));
    for (uint32_t k = 0; k < n; k++) {
        args[first + k] = tile_ref(operand(c, op, TG_FOR_CARRIED + k));
    }
    c->doubt += open;
    c->stats.uncertain += open;
    carried_value *sums = carried_values(c, op, args + first, n);
    (first ? for_each : for_blocks)(c, op, domain_of(c, op), args, n, sums);
    carried_values_end(c, op, sums, args + first, n);
    c->doubt -= open;
    for (uint32_t k = 0; k < n; k++) {
        set_slot(c, tg_result(op, k), open ? mark_open(c, args[first + k]) : args[first + k]);
    }
    pool_free(&c->pool, args);
}

/* ---- if and while ----------------------------------------------------------------------- */

tile *mark_open(interp *c, tile *t) {
    if (!c->ideal || t->tensor) {
        return t;
    }
    shape s = {.total = t->n, .lifted = t->lifted};
    tile *r = tile_new(c, t->dtype, &s, true);
    for (int64_t k = 0; k < t->n; k++) {
        if (r->i) {
            r->i[k] = t->i[k];
            r->q[k] = 1;
            continue;
        }
        r->f[k] = t->f[k];
        r->e[k] = (double)INFINITY;
        if (r->g) {
            r->g[k] = t->g[k];
        }
    }
    tile_unref(c, t);
    return r;
}

void exec_if(interp *c, const tg_op *op) {
    const tile *test = operand(c, op, 0);
    if (test->lifted) {
        exec_if_lifted(c, op);
        return;
    }
    bool open = uncertain(test);
    const tg_region *r = &op->regions[test->i[0] ? 0 : 1];
    tile **out = new_tiles(c, op->n_results);
    c->doubt += open;
    c->stats.uncertain += open;
    exec_region(c, r, NULL, out);
    c->doubt -= open;
    for (uint32_t k = 0; k < op->n_results; k++) {
        set_slot(c, tg_result(op, k), open ? mark_open(c, out[k]) : out[k]);
    }
    pool_free(&c->pool, out);
}

void exec_while(interp *c, const tg_op *op) {
    if (c->in_lift) {
        exec_while_lifted(c, op);
        return;
    }
    uint32_t n_args = op->n_operands, n_results = op->n_results;
    tile **args = new_tiles(c, n_args), **passed = new_tiles(c, n_results + 1);
    int open = 0;
    for (uint32_t k = 0; k < n_args; k++) {
        args[k] = tile_ref(operand(c, op, k));
    }
    for (;;) {
        exec_region(c, &op->regions[0], args, passed);
        release(c, args, n_args);
        bool now = uncertain(passed[0]), go = passed[0]->i[0] != 0;
        if (now && !open) {
            open = 1;
            c->doubt++;
            c->stats.uncertain++;
        }
        tile_unref(c, passed[0]);
        if (!go) {
            break;
        }
        exec_region(c, &op->regions[1], passed + 1, args);
        release(c, passed + 1, n_results);
    }
    c->doubt -= open;
    for (uint32_t k = 0; k < n_results; k++) {
        set_slot(c, tg_result(op, k), open ? mark_open(c, passed[1 + k]) : passed[1 + k]);
    }
    pool_free(&c->pool, args);
    pool_free(&c->pool, passed);
}

/* ---- grid instances --------------------------------------------------------------------- */

/* Three ways to walk the nest of `par`: run everything in row order; record the coordinates of every instance; run the one with
 * given coordinates. The code between two binders runs again each time. */
static void enter_par(interp *c, const tg_op *op, const par_domain *d, int64_t at) {
    tile *index = NULL;
    if (d->axis) {
        int64_t left = d->a.size - at * d->block;
        c->axis[d->axis->rank] = (axis_state){d->a.first + at * d->block,
                                              left < d->block ? left : d->block, at, d->count};
    } else {
        index = tile_scalar(c, TG_I64);
        index->i[0] = d->a.first + at * d->block;
    }
    exec_region(c, &op->regions[0], &index, NULL);
    tile_unref(c, index);
}

static bool is_innermost(const tg_op *op) {
    for (const tg_op *k = op->regions[0].body.first; k; k = k->next) {
        if (k->opcode == TG_OP_PAR) {
            return false;
        }
    }
    return true;
}

static par_domain par_domain_of(interp *c, const tg_op *op) {
    par_domain d = {.a = domain_of(c, op), .axis = tg_op_axis(op, TG_ATTR_AXIS)};
    if (d.axis) {
        d.block = d.axis->block > 0 ? d.axis->block : d.a.size > 0 ? d.a.size : 1;
        if (c->o->grid_block > 0 && !c->f->block_dependent && d.block > c->o->grid_block) {
            d.block = c->o->grid_block;
        }
    } else {
        d.block = tg_op_int(op, TG_ATTR_STEP, 1);
        d.block = d.block > 0 ? d.block : 1;
    }
    d.count = ceil_div(d.a.size, d.block);
    return d;
}

void exec_par(interp *c, const tg_op *op) {
    par_domain d = par_domain_of(c, op);
    bool innermost = is_innermost(op);
    int level = c->level++;
    if (c->only) {
        c->stats.instances += innermost;
        enter_par(c, op, &d, c->only[level]);
    } else {
        for (int64_t at = 0; at < d.count; at++) {
            if (c->collect) {
                c->collect->now[level] = at;
            }
            if (c->collect && innermost) {
                instances_add(c, c->collect, level + 1);
            } else {
                c->stats.instances += innermost;
                enter_par(c, op, &d, at);
            }
        }
    }
    c->level = level;
}

void instances_add(interp *c, instance_list *l, int n) {
    if (l->n == l->cap) {
        int64_t cap = l->cap ? 2 * l->cap : 64;
        int64_t *data = pool_alloc(&c->pool, cap * n, sizeof *data);
        memcpy(data, l->data, (size_t)(l->n * n) * sizeof *data);
        pool_free(&c->pool, l->data);
        l->data = data;
        l->cap = cap;
    }
    memcpy(l->data + l->n++ * n, l->now, (size_t)n * sizeof *l->now);
    l->levels = n;
}

void instances_collect(interp *c, const tg_op *phase, instance_list *l) {
    *l = (instance_list){.levels = 1};
    l->data = pool_alloc(&c->pool, 64 * MAX_AXES, sizeof *l->data);
    l->cap = 64;
    c->collect = l;
    exec_region(c, &phase->regions[0], NULL, NULL);
    c->collect = NULL;
}

void instances_run(interp *c, const tg_op *phase, const instance_list *l, int64_t begin,
                   int64_t end) {
    for (int64_t k = begin; k < end; k++) {
        c->only = l->data + k * l->levels;
        exec_region(c, &phase->regions[0], NULL, NULL);
    }
    c->only = NULL;
}

static uint64_t next_random(uint64_t *state) { /* splitmix64 */
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static void swap_instances(instance_list *l, int64_t a, int64_t b) {
    for (int k = 0; k < l->levels; k++) {
        int64_t t = l->data[a * l->levels + k];
        l->data[a * l->levels + k] = l->data[b * l->levels + k];
        l->data[b * l->levels + k] = t;
    }
}

static void reorder(interp *c, instance_list *l) {
    uint64_t state = c->o->seed;
    for (int64_t k = 0; c->o->order == TG_INTERP_REVERSE && k < l->n / 2; k++) {
        swap_instances(l, k, l->n - 1 - k);
    }
    for (int64_t k = l->n - 1; c->o->order == TG_INTERP_RANDOM && k > 0; k--) {
        swap_instances(l, k, (int64_t)(next_random(&state) % (uint64_t)(k + 1)));
    }
}

static bool has_par(const tg_op *phase) {
    for (const tg_op *k = phase->regions[0].body.first; k; k = k->next) {
        if (k->opcode == TG_OP_PAR) {
            return true;
        }
    }
    return false;
}

void exec_phase(interp *c, const tg_op *op) {
    c->level = 0;
    bool threads = c->o->n_threads > 1 && c->o->order == TG_INTERP_ROW;
    if (!has_par(op)) {
        c->stats.instances++;
        exec_region(c, &op->regions[0], NULL, NULL);
    } else if (threads && can_run_threads(op)) {
        run_threads(c, op);
    } else if (c->o->order == TG_INTERP_ROW) {
        exec_region(c, &op->regions[0], NULL, NULL);
    } else {
        instance_list l;
        instances_collect(c, op, &l);
        reorder(c, &l);
        instances_run(c, op, &l, 0, l.n);
        pool_free(&c->pool, l.data);
    }
    pool_trim(&c->pool);
}
