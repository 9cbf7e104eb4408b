/* Short loops that carry tiles, point by point.
 *
 *   f32 acc[p, q, c] = 0;
 *   for (each r in R) for (each s in S) acc += X[p + r, q + s, c] * F[r, s, c];
 *   Y[p, q, c] = acc;
 *
 * As written, every iteration is a walk over whole tiles in buffers. If what is carried at a point depends on what was carried
 * at this point alone, the loops can run inside those over the points: the same operations in the same order, with the carried
 * values in registers. Such a loop is one root of a nest over the tile's axes; stores of its results run after it.
 *
 * Each iteration has a frame of its own, in which what the body computes is evaluated, even if it does not vary with the index:
 * LLVM moves that outside. */
#include "targets/x86/memory/memory.h"
#include "targets/x86/nest/carry.h"
#include "targets/x86/ops/ops.h"

enum { MAX_TRIP = 256, MAX_UNROLLED = 9, MAX_UNROLLED_OPS = 600, MAX_CARRIED = 4 };

/* ---- recognition ------------------------------------------------------------------------------------------ */

typedef struct check {
    tg_x86 *x;
    const tg_type *type; /* of a carried value */
    tg_map *carried;     /* what depends on carried values */
    int64_t trip;        /* of the loops around */
} check;

bool tg_x86_carry_range(const tg_op *loop, int64_t *first, int64_t *until) {
    int64_t extent, from;
    bool known = tg_op_is_each(loop) && tg_op_int(loop, TG_ATTR_STEP, 1) == 1 && tg_value_const_int(tg_operand(loop, 0), &extent) &&
                 tg_value_const_int(tg_operand(loop, 1), &from) && tg_value_const_int(tg_operand(loop, 2), until);
    if (known) {
        *first = from > 0 ? from : 0;
        *until = *until < extent ? *until : extent;
    }
    return known;
}

static bool depends_on_carried(const check *c, const tg_op *op) {
    for (uint32_t i = 0; i < op->n_operands; i++) {
        if (tg_map_has(c->carried, tg_operand(op, i))) {
            return true;
        }
    }
    return false;
}

static bool check_body_op(check *c, const tg_op *op) {
    bool pure = tg_op_is_elementwise(op->opcode) || op->opcode == TG_OP_LOAD || op->opcode == TG_OP_REINDEX;
    if (!pure || op->n_results != 1 || op->n_regions > 0 || op->opcode == TG_OP_PHILOX) {
        return false;
    }
    const tg_type *t = tg_result(op, 0)->type;
    if (depends_on_carried(c, op)) {
        tg_map_set(c->carried, tg_result(op, 0), c);
        if (op->opcode == TG_OP_REINDEX || op->opcode == TG_OP_LOAD) { /* other points */
            return false;
        }
    }
    return tg_type_axes_within(t, c->type);
}

static bool check_loop(check *c, const tg_op *loop) {
    const tg_block *body = &loop->regions[0].body;
    int64_t first, until;
    if (loop->n_results == 0 || loop->n_results > MAX_CARRIED || !tg_x86_carry_range(loop, &first, &until) ||
        until <= first || until - first > MAX_TRIP / c->trip) {
        return false;
    }
    for (uint32_t i = 0; i < loop->n_results; i++) {
        const tg_type *t = tg_result(loop, i)->type;
        if (!tg_type_same_axes(t, c->type) || tg_dtype_kind_of(t->dtype) == TG_KIND_COMPLEX || t->n_axes == 0) {
            return false;
        }
        tg_map_set(c->carried, body->args[1 + i], c);
        tg_map_set(c->carried, tg_result(loop, i), c);
    }
    c->trip *= until - first;
    for (const tg_op *op = body->first; op; op = op->next) {
        bool fits = op->opcode == TG_OP_YIELD || (op->opcode == TG_OP_FOR ? check_loop(c, op) : check_body_op(c, op));
        if (!fits) {
            return false;
        }
    }
    c->trip /= until - first;
    return true;
}

bool tg_x86_is_carry(tg_x86 *x, const tg_op *op) {
    if (op->opcode != TG_OP_FOR || x->options->baseline || op->n_results == 0) {
        return false;
    }
    void *known = tg_map_get(x->carries, op);
    if (!known) {
        check c = {x, tg_result(op, 0)->type, tg_map_create(x->arena), 1};
        bool nested = op->parent->parent->parent && tg_map_get(x->carries, op->parent->parent->parent) == x;
        known = nested || check_loop(&c, op) ? (void *)x : (void *)x->carries;
        tg_map_set(x->carries, op, known);
    }
    return known == x;
}

bool tg_x86_in_carry(const tg_x86 *x, const tg_op *op) {
    const tg_op *around = op->parent->parent->parent;
    return around && tg_map_get(x->carries, around) == x;
}

/* ---- code ---------------------------------------------------------------------------------------------------- */

typedef struct carry {
    tg_x86 *x;
    tg_op *loop;
    tg_x86_frame **frames;
    uint32_t n;
    LLVMValueRef slot[TG_X86_MAX_POINTS][MAX_CARRIED];
    LLVMTypeRef type[MAX_CARRIED];
} carry;

static LLVMValueRef value_at(tg_x86 *x, tg_x86_frame *f, tg_value *v) {
    return tg_x86_vector(x, tg_x86_eval(x, f, v));
}

static void open_slots(carry *c) {
    tg_x86 *x = c->x;
    for (uint32_t k = 0; k < c->loop->n_results; k++) {
        c->type[k] = tg_llvm_wide(tg_x86_reg_type(x, tg_result(c->loop, k)->type->dtype), x->lanes);
        for (uint32_t u = 0; u < c->n; u++) {
            c->slot[u][k] = tg_x86_alloca(x, c->type[k]);
            LLVMBuildStore(x->builder, value_at(x, c->frames[u], tg_operand(c->loop, TG_FOR_CARRIED + k)), c->slot[u][k]);
        }
    }
}

static void get_slots(const carry *c, tg_x86_frame **frames, tg_value *const *values) {
    for (uint32_t k = 0; k < c->loop->n_results; k++) {
        for (uint32_t u = 0; u < c->n; u++) {
            tg_x86_val v = {LLVMBuildLoad2(c->x->builder, c->type[k], c->slot[u][k], ""), NULL, NULL};
            tg_x86_memo(c->x, frames[u], values[k], v);
        }
    }
}

static void set_slots(const carry *c, tg_x86_frame **frames, const tg_op *yield) {
    LLVMValueRef next[TG_X86_MAX_POINTS][MAX_CARRIED];
    for (uint32_t u = 0; u < c->n; u++) {
        for (uint32_t k = 0; k < c->loop->n_results; k++) {
            next[u][k] = value_at(c->x, frames[u], tg_operand(yield, k));
        }
    }
    for (uint32_t u = 0; u < c->n; u++) {
        for (uint32_t k = 0; k < c->loop->n_results; k++) {
            LLVMBuildStore(c->x->builder, next[u][k], c->slot[u][k]);
        }
    }
}

static void iteration(const carry *c, LLVMValueRef index) {
    tg_x86 *x = c->x;
    tg_block *body = &c->loop->regions[0].body;
    tg_x86_frame *inside[TG_X86_MAX_POINTS];
    x->scalars[body->args[0]->id] = index;
    for (uint32_t u = 0; u < c->n; u++) {
        inside[u] = tg_x86_frame_create(x, c->frames[u], x->place);
        inside[u]->loop = c->loop;
    }
    get_slots(c, inside, body->args + 1);
    for (tg_op *op = body->first; op; op = op->next) {
        if (op->opcode == TG_OP_FOR) {
            x->window_row++;
            tg_x86_emit_carry(x, op, inside, c->n);
        } else if (op->n_results && tg_result(op, 0)->type->n_axes == 0) {
            tg_x86_emit_scalar(x, op);
        }
    }
    set_slots(c, inside, body->last);
}

/* Iterations of the loop, those of loops inside included, and operations in them, if none of it were a loop. */
static void measure(const tg_op *loop, int64_t *trips, int64_t *ops) {
    int64_t first = 0, until = 0, inner = 1, n = 0;
    tg_x86_carry_range(loop, &first, &until);
    for (const tg_op *op = loop->regions[0].body.first; op; op = op->next) {
        n++;
        if (op->opcode == TG_OP_FOR) {
            int64_t t, k;
            measure(op, &t, &k);
            inner = t > inner ? t : inner;
            n += k;
        }
    }
    *trips = (until - first) * inner;
    *ops = (until - first) * n;
}

/* Nine positions of a filter leave the loops around them nothing to compute but addresses. */
static bool is_unrolled(const carry *c) {
    int64_t trips, ops;
    measure(c->loop, &trips, &ops);
    return trips <= MAX_UNROLLED && ops * c->n <= MAX_UNROLLED_OPS;
}

void tg_x86_emit_carry(tg_x86 *x, tg_op *loop, tg_x86_frame **frames, uint32_t n) {
    carry c = {.x = x, .loop = loop, .frames = frames, .n = n};
    int64_t first = 0, until = 0;
    tg_x86_carry_range(loop, &first, &until);
    open_slots(&c);
    if (is_unrolled(&c)) {
        for (int64_t k = first; k < until; k++) {
            iteration(&c, tg_llvm_i64(x->l, k));
        }
    } else {
        tg_x86_nest_loop l;
        iteration(&c, tg_x86_open_loop(x, &l, tg_llvm_i64(x->l, first), tg_llvm_i64(x->l, until), 1));
        tg_x86_close_loop(x, &l);
    }
    tg_value *results[MAX_CARRIED];
    for (uint32_t k = 0; k < loop->n_results; k++) {
        results[k] = tg_result(loop, k);
    }
    get_slots(&c, frames, results);
}
