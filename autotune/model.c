/* The analytic model: how long a launch takes under a schedule, without compiling it. It ranks; measuring decides.
 *
 *   T = balance · (max(compute, traffic) + ¼ min(compute, traffic)) / threads + instances · overhead / min(threads, instances)
 *
 *   compute   flops at the machine's rate for f32, times the lanes over those that blocks fill
 *   traffic   of each access: the whole tensor once, at the bandwidth of the level that it fits, and again for every further block
 *             of grid axes that it lacks, at that of the level that one instance's part fits
 *   balance   instances per thread, rounded up, over the average
 *   overhead  of an instance, and of a pass of its loops (calls, tails, loads and stores of accumulators) times their number
 *
 * Bandwidths are bytes per cycle and core, measured on server x86 (140 from L1, 48 from L2, 10 from L3, 5 from memory). The unit of
 * the result is that of a core at 2.5 GHz; a run scales it by its measurement of the default schedule. */
#include "autotune/tuner.h"

#include <math.h>

static const double CYCLES_PER_NS = 2.5, BYTES_L1 = 140, BYTES_L2 = 48, BYTES_L3 = 10,
                    BYTES_MEMORY = 5;
static const double INSTANCE_CYCLES = 400, PASS_CYCLES = 40;
static const double DEFAULT_TASKS = 4; /* per thread */

typedef struct model {
    const tg_space *s;
    const tg_point *x;
    double threads, instances, passes;
    double traffic; /* cycles of one core, all instances */
    double lanes_lost;
} model;

static double size_of(const model *m, const tg_axis *a) {
    return fmax(1, m->s->problem->sizes[a->like ? a->like->rank : a->rank]);
}

static double block_of(const model *m, const tg_axis *a) {
    double size = size_of(m, a);
    if (a->kind == TG_AXIS_LOCAL) {
        return size;
    }
    int64_t b = tg_space_number(m->s, m->x, a->like ? a->like : a);
    if (b > 0) {
        return fmin((double)b, size);
    }
    return a->kind == TG_AXIS_LOOP ? fmin(size, 256) : fmin(size, m->s->own_block[a->rank]);
}

static double count_of(const model *m, const tg_axis *a) {
    return ceil(size_of(m, a) / block_of(m, a));
}

static bool index_has(const tg_op *op, const tg_axis *a) {
    for (uint32_t d = 0; d < tg_op_n_indices(op); d++) {
        if (tg_type_has_axis(tg_op_index(op, d)->type, a)) {
            return true;
        }
    }
    return false;
}

static double level_bandwidth(const model *m, double bytes) {
    const tg_machine *mc = &m->s->problem->kernel->context->machine;
    return bytes <= 0.75 * (double)mc->l1_bytes   ? BYTES_L1
           : bytes <= 0.75 * (double)mc->l2_bytes ? BYTES_L2
           : bytes <= 0.75 * (double)mc->l3_bytes ? BYTES_L3
                                                  : BYTES_MEMORY;
}

/* An access: the part of one instance is the product over its axes; it is read again by every instance that differs only in axes
 * it lacks, from the level that the part fits, and the first time from the level that the whole tensor fits. */
static void see_access(model *m, const tg_op *op) {
    const tg_func *f = m->s->problem->func;
    double part = tg_dtype_bits(tg_operand(op, 0)->type->dtype) / 8.0, whole = part, again = 1;
    for (uint32_t i = 0; i < f->axes.len; i++) {
        const tg_axis *a = f->axes.data[i];
        if (index_has(op, a)) {
            part *= a->kind == TG_AXIS_GRID ? block_of(m, a) : size_of(m, a);
            whole *= size_of(m, a);
        } else if (a->kind == TG_AXIS_GRID) {
            again *= count_of(m, a);
        }
    }
    m->traffic +=
        whole / level_bandwidth(m, whole) + (again - 1) * whole / level_bandwidth(m, part);
}

/* Blocks of the axis along which memory runs that do not fill vectors waste lanes. */
static void see_lanes(model *m, const tg_op *op) {
    const tg_machine *mc = &m->s->problem->kernel->context->machine;
    uint32_t n = tg_op_n_indices(op);
    const tg_type *last = n ? tg_op_index(op, n - 1)->type : NULL;
    double lanes = mc->vector_bits / (double)tg_dtype_bits(tg_operand(op, 0)->type->dtype);
    if (!last || last->n_axes != 1 || last->axes[0]->kind != TG_AXIS_GRID) {
        return;
    }
    double b = block_of(m, last->axes[0]);
    m->lanes_lost = fmax(m->lanes_lost, ceil(b / lanes) * lanes / b);
}

static void see_op(tg_op *op, void *user) {
    model *m = user;
    if (op->opcode == TG_OP_LOAD || op->opcode == TG_OP_STORE) {
        see_access(m, op);
        see_lanes(m, op);
    }
    const tg_axis *a = op->opcode == TG_OP_PAR || op->opcode == TG_OP_FOR
                           ? tg_op_axis(op, TG_ATTR_AXIS)
                           : NULL;
    if (a && op->opcode == TG_OP_PAR) {
        m->instances *= count_of(m, a);
    } else if (a) {
        m->passes *= count_of(m, a);
    }
}

static double compute_cycles(const model *m) {
    const tg_machine *mc = &m->s->problem->kernel->context->machine;
    double per_cycle = mc->vector_bits / 32.0 * (mc->has_fma ? 4 : 2);
    return m->s->problem->flops / per_cycle * fmax(1, m->lanes_lost);
}

double tg_model_ns(const tg_space *s, const tg_point *x, int32_t n_threads) {
    model m = {.s = s, .x = x, .threads = n_threads, .instances = 1, .passes = 1};
    tg_ir_walk(s->problem->func, see_op, &m);
    double work =
        fmax(compute_cycles(&m), m.traffic) + 0.25 * fmin(compute_cycles(&m), m.traffic);
    double used = fmin(m.threads, m.instances);
    double rounds = ceil(m.instances / m.threads), balance = rounds / (m.instances / m.threads);
    double overhead = m.instances * (INSTANCE_CYCLES + m.passes * PASS_CYCLES) / used;
    return (work / m.threads * balance + overhead) / CYCLES_PER_NS;
}

/* ---- the compiler's own choice ------------------------------------------------------------------------------------ */

typedef struct own_blocks {
    tg_space *s;
    double tasks, total; /* wanted in all; made by the binders so far */
} own_blocks;

/* A binder gets blocks in steps of 16, as many as tasks are still missing, outermost first. (The limits that the code generator sets
 * and binders of single values are not known here.) */
static void choose_own(tg_op *op, void *user) {
    own_blocks *o = user;
    const tg_axis *a = op->opcode == TG_OP_PAR ? tg_op_axis(op, TG_ATTR_AXIS) : NULL;
    if (a) {
        double size = fmax(1, o->s->problem->sizes[a->rank]), want = ceil(o->tasks / o->total);
        double block = a->block > 0 ? (double)a->block : 16 * ceil(size / want / 16);
        o->s->own_block[a->rank] = block;
        o->total *= ceil(size / block);
    }
}

void tg_model_open(tg_space *s) {
    double threads = tg_context_n_threads(s->problem->kernel->context);
    own_blocks o = {s, threads > 1 ? threads * DEFAULT_TASKS : 1, 1};
    s->own_block = TG_NEW_ARRAY(s->problem->arena, double, s->problem->func->axes.len + 1);
    tg_ir_walk(s->problem->func, choose_own, &o);
}

double tg_model_instances(const tg_space *s, int32_t n_threads) {
    const tg_point none = {{0}};
    model m = {.s = s, .x = &none, .threads = n_threads, .instances = 1, .passes = 1};
    tg_ir_walk(s->problem->func, see_op, &m);
    return m.instances;
}
