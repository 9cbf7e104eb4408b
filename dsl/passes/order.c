/* order: adapts a function to tensors that lie in memory in another order than their dimensions are numbered.
 *
 *   X[n, h, w, c] kept as NCHW      load %X, %n, #p, #q, #c   →   load %X', %n, #c, #p, #q     X'[n, c, h, w]
 *
 * Afterwards every tensor's last dimension is the one of stride 1, which is what targets make vectors along.
 *
 * Two grid axes that run through two joined dimensions of every tensor they index are one then: an instance reads
 * X'[n, c, 0, #pq], where #pq counts the h·w elements that follow one another. The outer axis stays, with one point, so nothing
 * else changes; the index leaves its dimension, but not the tensor, and counts as proved.
 *
 * Where the last stride is another small number, the index is multiplied: every second column is X'[m, 2 #n], of elements that follow one
 * another. Where a dimension's stride is 0, its index is 0.
 *
 * Tensors whose dimensions are numbered in order are mostly joined, too. A contraction takes that for granted, and its entry makes sure.
 *
 * Done once, after all passes on the function and in front of its target. */
#include "dsl/ir/range.h"
#include "dsl/passes/passes.h"
#include "dsl/passes/rewrite.h"

enum { MAX_PARS = 16 };

typedef struct orders {
    tg_func *f;
    tg_map *of;    /* tensor → its parameter's order */
    tg_map *steps; /* tensor → its parameter's step */
    tg_facts facts;
    tg_op *pars[MAX_PARS]; /* with an axis, outermost first */
    uint32_t n_pars;
    bool assumed, contracts; /* tensors may have gaps; there is a dot */
    uint32_t n_phases;
} orders;

static tg_order order_of(const orders *o, const tg_value *tensor) {
    const tg_order *known = tg_map_get(o->of, tensor);
    return known ? *known : 0;
}

static bool is_access(const tg_op *op) {
    return op->opcode == TG_OP_LOAD || op->opcode == TG_OP_STORE || op->opcode == TG_OP_ATOMIC || op->opcode == TG_OP_CAS;
}

static uint32_t first_index(const tg_op *op) {
    return op->opcode == TG_OP_LOAD ? 1 : op->opcode == TG_OP_CAS ? 3 : 2;
}

/* ---- one axis of two ------------------------------------------------------------------------------------------- */

static bool is_index_of(const tg_value *v, const tg_axis *a) {
    return v->def && v->def->opcode == TG_OP_IOTA && tg_op_axis(v->def, TG_ATTR_AXIS) == a;
}

/* Is v, an extent, that of dimension d? */
static bool is_extent(const orders *o, const tg_value *v, const tg_value *tensor, uint32_t d) {
    for (const tg_use *u = tensor->uses; u; u = u->next) {
        tg_affine a, b, difference;
        bool dim = u->user->opcode == TG_OP_DIM && tg_op_int(u->user, TG_ATTR_D, 0) == d;
        if (!dim || !tg_affine_of(o->f->arena, v, &a) || !tg_affine_of(o->f->arena, tg_result(u->user, 0), &b)) {
            continue;
        }
        bool same = tg_affine_sub(o->f->arena, &a, &b, &difference) && tg_prove_nonneg(o->f->arena, &o->facts, &difference) &&
                    tg_affine_sub(o->f->arena, &b, &a, &difference) && tg_prove_nonneg(o->f->arena, &o->facts, &difference);
        if (same) {
            return true;
        }
    }
    return false;
}

/* The dimension of an access that `a` alone counts, proved inside; rank if there is none. */
static uint32_t dimension_of(const tg_op *op, const tg_axis *a) {
    uint32_t rank = tg_op_n_indices(op), d = 0;
    while (d < rank && !(is_index_of(tg_op_index(op, d), a) && tg_op_int(op, TG_ATTR_IN_BOUNDS, 0) >> d & 1)) {
        d++;
    }
    return d;
}

static bool joins_in(const orders *o, const tg_op *op, const tg_op *outer, const tg_op *inner) {
    uint32_t rank = tg_op_n_indices(op);
    uint32_t p = dimension_of(op, tg_op_axis(outer, TG_ATTR_AXIS)), q = dimension_of(op, tg_op_axis(inner, TG_ATTR_AXIS));
    if (p == rank || q == rank) {
        return false;
    }
    tg_order order = order_of(o, tg_operand(op, 0));
    uint32_t place = tg_order_place(order, p, rank);
    return tg_order_joins(order, place) && tg_order_dimension(order, place + 1) == q &&
           is_extent(o, tg_operand(inner, 0), tg_operand(op, 0), q);
}

typedef struct join {
    const orders *o;
    const tg_op *outer, *inner;
    bool holds;
} join;

/* Both axes occur in indices alone, once each, and together. */
static void check_join(tg_op *op, void *user) {
    join *j = user;
    const tg_axis *p = tg_op_axis(j->outer, TG_ATTR_AXIS), *q = tg_op_axis(j->inner, TG_ATTR_AXIS);
    for (uint32_t i = 0; i < op->n_operands && j->holds; i++) {
        bool counts = is_index_of(tg_operand(op, i), p) || is_index_of(tg_operand(op, i), q);
        bool index = is_access(op) && i >= first_index(op) && i < first_index(op) + tg_op_n_indices(op);
        uint32_t d = i - first_index(op);
        j->holds = !counts || (index && joins_in(j->o, op, j->outer, j->inner) && (d == dimension_of(op, p) || d == dimension_of(op, q)));
    }
    for (uint32_t i = 0; i < op->n_attrs; i++) {
        const tg_attr *a = &op->attrs[i];
        for (uint32_t k = 0; k < a->n_axes && op != j->outer && op != j->inner && op->opcode != TG_OP_IOTA; k++) {
            j->holds = j->holds && a->axes[k] != p && a->axes[k] != q;
        }
    }
}

static bool is_whole(const tg_op *par) {
    int64_t from;
    const tg_axis *a = tg_op_axis(par, TG_ATTR_AXIS);
    return tg_value_const_int(tg_operand(par, 1), &from) && from == 0 && tg_operand(par, 0) == tg_operand(par, 2) && !a->block;
}

static bool may_join(const orders *o, const tg_op *outer, const tg_op *inner) {
    join j = {o, outer, inner, is_whole(outer) && is_whole(inner) && !o->f->block_dependent};
    if (j.holds) {
        tg_ir_walk(o->f, check_join, &j);
    }
    return j.holds;
}

/* Notes in parameters that the dimensions of two axes about to be joined have to be. */
static void note_dense(tg_op *op, void *user) {
    const join *j = user;
    uint32_t d = is_access(op) ? dimension_of(op, tg_op_axis(j->outer, TG_ATTR_AXIS)) : 0;
    for (uint32_t i = 0; i < j->o->f->n_params && is_access(op) && d < tg_op_n_indices(op); i++) {
        tg_fparam *p = &j->o->f->params[i];
        p->dense |= p->value == tg_operand(op, 0) ? 1u << d : 0;
    }
}

static void do_join(const orders *o, tg_op *outer, tg_op *inner) {
    join j = {o, outer, inner, true};
    if (o->assumed) {
        tg_ir_walk(o->f, note_dense, &j);
    }
    tg_builder b = rewrite_builder(o->f, inner);
    tg_value *all = tg_build_binary(&b, TG_OP_MUL, tg_operand(outer, 0), tg_operand(inner, 0));
    b = rewrite_builder(o->f, outer);
    tg_value *one = tg_build_int(&b, TG_I64, 1);
    tg_axis *p = tg_op_axis(outer, TG_ATTR_AXIS), *q = tg_op_axis(inner, TG_ATTR_AXIS);
    q->extent = p->extent >= 0 && q->extent >= 0 ? p->extent * q->extent : -1;
    p->extent = 1;
    for (uint32_t i = 0; i < 3; i += 2) {
        tg_set_operand(outer, i, one);
        tg_set_operand(inner, i, all);
    }
}

static void collect(tg_op *op, void *user) {
    orders *o = user;
    if (op->opcode == TG_OP_PAR && !tg_op_is_each(op) && o->n_pars < MAX_PARS) {
        o->pars[o->n_pars++] = op;
    }
}

/* Terminates: an axis of one point is joined to no other. */
static void join_axes(orders *o) {
    tg_ir_walk(o->f, collect, o);
    for (uint32_t p = 0; p < o->n_pars; p++) {
        for (uint32_t q = p + 1; q < o->n_pars; q++) {
            if (rewrite_is_inside(o->pars[q], o->pars[p]) && may_join(o, o->pars[p], o->pars[q])) {
                do_join(o, o->pars[p], o->pars[q]);
                break;
            }
        }
    }
}

/* ---- dimensions ----------------------------------------------------------------------------------------------------- */

/* May the last indices be multiplied? Then they do not count the dimension's elements, which a test would take them for. */
static bool may_step(const tg_value *tensor, uint32_t last) {
    bool may = true;
    for (const tg_use *u = tensor->uses; u && may; u = u->next) {
        tg_opcode code = u->user->opcode;
        bool proved = (code == TG_OP_LOAD || code == TG_OP_STORE) && tg_op_int(u->user, TG_ATTR_IN_BOUNDS, 0) >> last & 1;
        may = proved || code == TG_OP_DIM;
    }
    return may;
}

/* The last index times the step; 0 for dimensions of stride 0, if the index is known to be inside. */
static void scale_indices(const orders *o, tg_op *op, tg_order order) {
    uint32_t rank = tg_op_n_indices(op), first = first_index(op);
    const int64_t *step = tg_map_get(o->steps, tg_operand(op, 0));
    int64_t proved = tg_op_int(op, TG_ATTR_IN_BOUNDS, 0);
    tg_builder b = rewrite_builder(o->f, op);
    for (uint32_t i = 0; i < rank; i++) {
        if (tg_order_is_still(order, i) && proved >> i & 1) {
            tg_set_operand(op, first + i, tg_build_int(&b, TG_I64, 0));
        } else if (i + 1 == rank && step && *step) {
            tg_set_operand(op, first + i, tg_build_binary(&b, TG_OP_MUL, tg_operand(op, first + i), tg_build_int(&b, TG_I64, *step)));
        }
    }
}

static void move_indices(const orders *o, tg_op *op, tg_order order) {
    uint32_t rank = tg_op_n_indices(op), first = first_index(op);
    tg_value *old[8];
    int64_t before = tg_op_int(op, TG_ATTR_IN_BOUNDS, 0), bits = 0;
    for (uint32_t d = 0; d < rank; d++) {
        old[d] = tg_op_index(op, d);
    }
    for (uint32_t i = 0; i < rank; i++) {
        uint32_t d = tg_order_dimension(order, i);
        tg_set_operand(op, first + i, old[d]);
        bits |= (before >> d & 1) << i;
    }
    if (before) {
        tg_op_set_attr(o->f, op, tg_attr_int(TG_ATTR_IN_BOUNDS, bits));
    }
}

static void move_dimensions(tg_op *op, void *user) {
    orders *o = user;
    tg_order order = op->n_operands ? order_of(o, tg_operand(op, 0)) : 0;
    if (!order) {
        return;
    }
    if (is_access(op)) {
        move_indices(o, op, order);
        scale_indices(o, op, order);
    } else if (op->opcode == TG_OP_DIM || op->opcode == TG_OP_STRIDE) {
        uint32_t d = (uint32_t)tg_op_int(op, TG_ATTR_D, 0);
        tg_op_set_attr(o->f, op, tg_attr_int(TG_ATTR_D, tg_order_place(order, d, tg_operand(op, 0)->type->rank)));
    }
}

static bool is_tensor(const tg_fparam *p) {
    return p->value && p->value->type->kind == TG_TYPE_TENSOR;
}

static void count(tg_op *op, void *user) {
    orders *o = user;
    o->n_phases += op->opcode == TG_OP_PHASE ? op->parent == &o->f->body.body ? 1 : 2 : op->opcode == TG_OP_FILL;
    o->contracts |= op->opcode == TG_OP_DOT;
}

/* A contraction reads its operands as blocks of memory whose elements follow one another. */
void tg_apply_orders(tg_func *f, const tg_order *given) {
    orders o = {.f = f, .of = tg_map_create(f->arena), .steps = tg_map_create(f->arena)};
    tg_ir_walk(f, count, &o);
    for (uint32_t i = 0; i < f->n_params; i++) {
        tg_fparam *p = &f->params[i];
        if (is_tensor(p)) {
            uint32_t rank = p->value->type->rank;
            p->order = given[i];
            bool steps = !o.contracts && given[i] && tg_order_step(given[i]) != 1 && may_step(p->value, tg_order_dimension(given[i], rank - 1));
            p->step = steps ? tg_order_step(given[i]) : 0;
            tg_map_set(o.of, p->value, &p->order);
            tg_map_set(o.steps, p->value, &p->step);
        }
    }
    tg_facts_gather(&o.facts, f, f->arena);
    join_axes(&o);
    tg_ir_walk(f, move_dimensions, &o);
}

void tg_assume_dense(tg_func *f) {
    orders o = {.f = f, .of = tg_map_create(f->arena), .assumed = true};
    tg_ir_walk(f, count, &o);
    if (o.n_phases != 1 || !o.contracts) {
        return;
    }
    for (uint32_t i = 0; i < f->n_params; i++) {
        const tg_fparam *p = &f->params[i];
        if (is_tensor(p)) {
            tg_order *dense = TG_NEW(f->arena, tg_order);
            *dense = tg_order_dense(p->value->type->rank);
            tg_map_set(o.of, p->value, dense);
        }
    }
    tg_facts_gather(&o.facts, f, f->arena);
    join_axes(&o);
}
