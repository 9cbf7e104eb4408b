/* The interpreter's main loop: runs blocks of operations, dispatches by opcode, and ends each value's life after its last use. */
#include "dsl/interp/internal.h"
#include "dsl/ir/scalar_eval.h"

void set_slot(interp *c, const tg_value *v, tile *t) {
    c->slot[v->id] = t;
}

int64_t scalar_int(const interp *c, const tg_op *op, uint32_t i) {
    return operand(c, op, i)->i[0];
}

bool uncertain(const tile *t) {
    return t->q && t->q[0];
}

static void kill_values(interp *c, const tg_op *op) {
    for (uint32_t id = c->plan->first_kill[op->id]; id; id = c->plan->next_kill[id - 1]) {
        tile_unref(c, c->slot[id - 1]);
        c->slot[id - 1] = NULL;
    }
}

static void exec_yield(interp *c, const tg_op *op) {
    for (uint32_t k = 0; k < op->n_operands; k++) {
        c->yielded[k] = tile_ref(operand(c, op, k));
    }
}

void exec_region(interp *c, const tg_region *r, tile *const *args, tile **out) {
    tile **outer = c->yielded;
    c->yielded = out;
    for (uint32_t k = 0; k < r->body.n_args; k++) {
        set_slot(c, r->body.args[k], tile_ref(args[k]));
    }
    exec_block(c, &r->body);
    c->yielded = outer;
}

void exec_const(interp *c, const tg_op *op) {
    tg_scalar s = {0};
    tg_value_const_scalar(tg_result(op, 0), &s);
    tile *r = tile_scalar(c, tg_result(op, 0)->type->dtype);
    if (r->i) {
        r->i[0] = s.i;
    } else {
        r->f[0] = s.f;
    }
    if (r->g) {
        r->g[0] = s.g;
    }
    set_slot(c, tg_result(op, 0), r);
}

void exec_iota(interp *c, const tg_op *op) {
    axis_state a = c->axis[tg_op_axis(op, TG_ATTR_AXIS)->rank];
    shape s = shape_of_type(c, tg_result(op, 0)->type);
    tile *r = tile_new(c, TG_I64, &s, false);
    for (int64_t k = 0; k < r->n; k++) {
        r->i[k] = a.first + k;
    }
    set_slot(c, tg_result(op, 0), r);
}

static void exec_axis_fact(interp *c, const tg_op *op) {
    axis_state a = c->axis[tg_op_axis(op, TG_ATTR_AXIS)->rank];
    tile *r = tile_scalar(c, TG_I64);
    r->i[0] = op->opcode == TG_OP_AXIS_FIRST   ? a.first
              : op->opcode == TG_OP_AXIS_SIZE  ? a.size
              : op->opcode == TG_OP_AXIS_BLOCK ? a.block
                                               : a.count;
    set_slot(c, tg_result(op, 0), r);
}

axis_state domain_of(const interp *c, const tg_op *op) {
    int64_t extent = scalar_int(c, op, 0), from = scalar_int(c, op, 1),
            until = scalar_int(c, op, 2);
    const tg_axis *axis = tg_op_axis(op, TG_ATTR_AXIS);
    axis_state a = {.count = 1};
    if (axis && axis->like) {
        a = c->axis[axis->like->rank];
    } else {
        a.first = from > 0 ? from : 0;
        int64_t end = extent < until ? extent : until;
        a.size = end > a.first ? end - a.first : 0;
    }
    a.block = 0;
    a.count = 1;
    return a;
}

static void exec_axis(interp *c, const tg_op *op) {
    c->axis[tg_op_axis(op, TG_ATTR_AXIS)->rank] = domain_of(c, op);
}

static void exec_unknown(interp *c, const tg_op *op) {
    interp_fail(c, TG_ERROR_UNSUPPORTED, "the interpreter cannot run %s",
                tg_op_info_of(op->opcode)->mnemonic);
}

typedef void (*exec_fn)(interp *c, const tg_op *op);

static exec_fn exec_of(tg_opcode op) {
    static const exec_fn table[TG_OP_COUNT] = {
        [TG_OP_CONST] = exec_const,
        [TG_OP_IOTA] = exec_iota,
        [TG_OP_BROADCAST] = exec_elementwise,
        [TG_OP_REINDEX] = exec_reindex,
        [TG_OP_REINDEX_SET] = exec_reindex_set,
        [TG_OP_REDUCE] = exec_reduce,
        [TG_OP_REDUCE_FN] = exec_reduce_fn,
        [TG_OP_SCAN] = exec_scan,
        [TG_OP_SCAN_FN] = exec_scan_fn,
        [TG_OP_SORT] = exec_sort,
        [TG_OP_TOPK] = exec_topk,
        [TG_OP_HISTOGRAM] = exec_histogram,
        [TG_OP_DOT] = exec_dot,
        [TG_OP_PHILOX] = exec_philox,
        [TG_OP_MAP] = exec_map,
        [TG_OP_ASM] = exec_map,
        [TG_OP_DIM] = exec_tensor,
        [TG_OP_STRIDE] = exec_tensor,
        [TG_OP_TEMP] = exec_tensor,
        [TG_OP_TENSOR] = exec_tensor,
        [TG_OP_FILL] = exec_tensor,
        [TG_OP_LOAD] = exec_load,
        [TG_OP_STORE] = exec_store,
        [TG_OP_ATOMIC] = exec_atomic,
        [TG_OP_CAS] = exec_atomic,
        [TG_OP_PHASE] = exec_phase,
        [TG_OP_PAR] = exec_par,
        [TG_OP_FOR] = exec_for,
        [TG_OP_AXIS] = exec_axis,
        [TG_OP_AXIS_FIRST] = exec_axis_fact,
        [TG_OP_AXIS_SIZE] = exec_axis_fact,
        [TG_OP_AXIS_BLOCK] = exec_axis_fact,
        [TG_OP_AXIS_COUNT] = exec_axis_fact,
        [TG_OP_IF] = exec_if,
        [TG_OP_WHILE] = exec_while,
        [TG_OP_YIELD] = exec_yield,
        [TG_OP_CONDITION] = exec_yield,
        [TG_OP_ASSUME] = exec_assert,
        [TG_OP_PRINT] = exec_print,
        [TG_OP_ASSERT] = exec_assert,
    };
    if (table[op]) {
        return table[op];
    }
    return tg_op_is_elementwise(op) ? exec_elementwise : exec_unknown;
}

void exec_op(interp *c, const tg_op *op) {
    exec_of(op->opcode)(c, op);
}

void exec_block(interp *c, const tg_block *b) {
    for (const tg_op *op = b->first; op; op = op->next) {
        c->stats.ops++;
        if (c->o->max_ops > 0 && c->stats.ops > c->o->max_ops) {
            interp_fail(c, TG_ERROR_LAUNCH, "stopped after %lld operations",
                        (long long)c->o->max_ops);
        }
        exec_op(c, op);
        kill_values(c, op);
    }
}
