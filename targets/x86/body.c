/* The body of an instance: the steps of its blocks in order. Scalars are emitted where they stand, nests by nest.c, control
 * flow here. Values that a region carries live in stack slots (scalars) or buffers (tiles); a loop that carries a tile
 * owns two buffers and exchanges them after each iteration, or a single one if a dot adds to it in place, here or in
 * a loop inside. */
#include "targets/x86/dot/dot.h"
#include "targets/x86/memory/memory.h"
#include "targets/x86/nest/carry.h"
#include "targets/x86/nest/nest.h"
#include "targets/x86/ops/ops.h"

void tg_x86_set_scalar(tg_x86 *x, tg_value *v, tg_x86_val val) {
    val = tg_x86_plain(x, val);
    x->scalars[v->id] = val.v;
    x->scalars_im[v->id] = val.im;
}

/* ---- axes ------------------------------------------------------------------------------------------------ */

/* V = [max(0, from), min(extent, until)) as lo, hi with hi >= lo */
void tg_x86_domain(tg_x86 *x, tg_op *op, LLVMValueRef *lo, LLVMValueRef *hi) {
    LLVMValueRef extent = tg_x86_scalar_of(x, tg_operand(op, 0));
    LLVMValueRef from = tg_x86_scalar_of(x, tg_operand(op, 1)), until = tg_x86_scalar_of(x, tg_operand(op, 2));
    *lo = tg_llvm_max64(x->l, from, tg_llvm_i64(x->l, 0));
    *hi = extent == until ? extent : tg_llvm_min64(x->l, extent, until);
    *hi = tg_llvm_max64(x->l, *hi, *lo);
}

void tg_x86_bind_axis(tg_x86 *x, tg_op *op) {
    tg_axis *a = tg_op_axis(op, TG_ATTR_AXIS);
    tg_x86_range *r = &x->ranges[a->rank];
    if (a->like) {
        *r = x->ranges[a->like->rank];
        return;
    }
    LLVMValueRef lo, hi;
    tg_x86_domain(x, op, &lo, &hi);
    r->first = lo;
    r->size = LLVMBuildSub(x->builder, hi, lo, "");
    r->ordinal = tg_llvm_i64(x->l, 0);
    r->count = tg_llvm_i64(x->l, 1);
    int64_t size;
    bool known = tg_llvm_is_const(r->size, &size);
    r->bound = known ? (size > 0 ? size : 1) : a->extent > 0 ? a->extent : 0;
}

/* ---- scalars ------------------------------------------------------------------------------------------------ */

static LLVMValueRef axis_fact(tg_x86 *x, tg_op *op) {
    const tg_x86_range *r = &x->ranges[tg_op_axis(op, TG_ATTR_AXIS)->rank];
    switch ((int)op->opcode) {
    case TG_OP_AXIS_FIRST:
        return r->first;
    case TG_OP_AXIS_SIZE:
        return r->size;
    case TG_OP_AXIS_BLOCK:
        return r->ordinal;
    default:
        return r->count;
    }
}

static void raw_tensor(tg_x86 *x, tg_op *op) {
    tg_value *v = tg_result(op, 0);
    tg_x86_tensor *t = TG_NEW(x->arena, tg_x86_tensor);
    t->dtype = v->type->dtype;
    t->rank = v->type->rank;
    t->base = LLVMBuildIntToPtr(x->builder, tg_x86_scalar_of(x, tg_operand(op, 0)), x->l->ptr, "");
    for (uint32_t d = 0; d < t->rank; d++) {
        t->dim[d] = tg_x86_scalar_of(x, tg_operand(op, 1 + d));
        t->stride[d] = tg_x86_scalar_of(x, tg_operand(op, 1 + t->rank + d));
    }
    x->tensors[v->id] = t;
}

static void emit_scalar_here(tg_x86 *x, tg_op *op) {
    tg_x86_val v = {NULL, NULL, NULL};
    switch ((int)op->opcode) {
    case TG_OP_ASSUME:
        return;
    case TG_OP_TENSOR:
        raw_tensor(x, op);
        return;
    case TG_OP_DIM:
        v.v = tg_x86_tensor_of(x, tg_operand(op, 0))->dim[tg_op_int(op, TG_ATTR_D, 0)];
        break;
    case TG_OP_STRIDE:
        v.v = tg_x86_tensor_of(x, tg_operand(op, 0))->stride[tg_op_int(op, TG_ATTR_D, 0)];
        break;
    case TG_OP_AXIS_FIRST:
    case TG_OP_AXIS_SIZE:
    case TG_OP_AXIS_BLOCK:
    case TG_OP_AXIS_COUNT:
        v.v = axis_fact(x, op);
        break;
    default:
        x->root->place = x->place;
        for (uint32_t i = 0; i < op->n_results; i++) {
            tg_map_remove(x->root->memo, tg_result(op, i)); /* a loop body is emitted once, but values repeat */
        }
        for (uint32_t i = 0; i < op->n_results; i++) {
            tg_x86_set_scalar(x, tg_result(op, i), tg_x86_eval_def(x, x->root, tg_result(op, i)));
        }
        return;
    }
    tg_x86_set_scalar(x, tg_result(op, 0), v);
}

void tg_x86_emit_scalar(tg_x86 *x, tg_op *op) {
    void *location = tg_x86_debug_enter(x, op);
    emit_scalar_here(x, op);
    tg_x86_debug_leave(x, location);
}

/* ---- carried values --------------------------------------------------------------------------------------------- */

/* One value that a region receives or yields: a slot or a buffer. */
typedef struct carried {
    LLVMValueRef slot, slot_im;
    LLVMTypeRef type;
    tg_x86_buffer *buffer;
} carried;

/* The last axis, or if it is shorter than a vector the longest one: what is copied, and added to, runs along it. */
static tg_axis *long_axis(const tg_x86 *x, const tg_type *type) {
    int64_t lanes = x->machine->vector_bits / (8 * (int64_t)sizeof(float));
    tg_axis *longest = type->axes[type->n_axes - 1];
    for (uint32_t i = type->n_axes; i-- > 0;) {
        int64_t bound = x->ranges[type->axes[i]->rank].bound, most = x->ranges[longest->rank].bound;
        longest = most && most < lanes && (!bound || bound > most) ? type->axes[i] : longest;
    }
    return longest;
}

/* `innermost`: of a buffer's axes; null: a long one. */
static carried carried_create(tg_x86 *x, const tg_type *type, tg_axis *innermost) {
    carried c = {0};
    if (type->n_axes) {
        c.buffer = tg_x86_buffer_create(x, type, innermost ? innermost : long_axis(x, type));
        tg_x86_buffer_reserve(x, c.buffer);
        return c;
    }
    c.type = tg_x86_reg_type(x, type->dtype);
    c.slot = tg_x86_alloca(x, c.type);
    c.slot_im = tg_dtype_kind_of(type->dtype) == TG_KIND_COMPLEX ? tg_x86_alloca(x, c.type) : NULL;
    return c;
}

static void carried_set(tg_x86 *x, const carried *c, tg_value *v) {
    if (c->buffer) {
        tg_x86_emit_nest(x, tg_x86_copy_nest(x, v, c->buffer));
        return;
    }
    LLVMBuildStore(x->builder, tg_x86_scalar_of(x, v), c->slot);
    if (c->slot_im) {
        LLVMBuildStore(x->builder, x->scalars_im[v->id], c->slot_im);
    }
}

/* The value now denotes what is carried. */
static void carried_get(tg_x86 *x, const carried *c, tg_value *v) {
    if (c->buffer) {
        x->buffers[v->id] = c->buffer;
        return;
    }
    x->scalars[v->id] = LLVMBuildLoad2(x->builder, c->type, c->slot, "");
    x->scalars_im[v->id] = c->slot_im ? LLVMBuildLoad2(x->builder, c->type, c->slot_im, "") : NULL;
}

static void exchange(tg_x86 *x, const carried *a, const carried *b) {
    if (a->buffer) {
        LLVMValueRef p = LLVMBuildLoad2(x->builder, x->l->ptr, a->buffer->pointer, "");
        LLVMValueRef q = LLVMBuildLoad2(x->builder, x->l->ptr, b->buffer->pointer, "");
        LLVMBuildStore(x->builder, q, a->buffer->pointer);
        LLVMBuildStore(x->builder, p, b->buffer->pointer);
        a->buffer->read_in = b->buffer->read_in = NULL;
        return;
    }
    LLVMBuildStore(x->builder, LLVMBuildLoad2(x->builder, a->type, b->slot, ""), a->slot);
    if (a->slot_im) {
        LLVMBuildStore(x->builder, LLVMBuildLoad2(x->builder, a->type, b->slot_im, ""), a->slot_im);
    }
}

typedef struct carried_list {
    carried *now, *next;
    uint32_t n;
} carried_list;

/* The axis along which the dot that makes what a loop carries on writes it, here or in a loop inside; null: no dot makes it. */
static tg_axis *carried_vector(tg_x86 *x, const tg_op *loop, uint32_t i) {
    const tg_block *body = &loop->regions[0].body;
    const tg_value *v = tg_operand(body->last, i);
    const tg_x86_dot *dot;
    if (tg_x86_root_of_yield(x, body, v, &dot)) {
        return dot->vector;
    }
    bool inside = v->def && v->def->opcode == TG_OP_FOR && v->def->parent == body;
    for (uint32_t k = 0; inside && k < v->def->n_results; k++) {
        if (tg_result(v->def, k) == v) {
            return carried_vector(x, v->def, k);
        }
    }
    return NULL;
}

/* Is carried value i read by nothing but the dot that makes the next one, at the same point? Then one buffer will do. */
static bool is_carried_in_place(tg_x86 *x, const tg_op *loop, uint32_t i) {
    const tg_block *body = &loop->regions[0].body;
    const tg_value *v = body->args[tg_region_first_carried(loop) + i], *next = tg_operand(body->last, i);
    bool alone = tg_x86_root_of_yield(x, body, next, NULL);
    while (alone && v != next) {
        const tg_op *user = v->uses && !v->uses->next ? v->uses->user : NULL;
        alone = user && user->parent == body && tg_op_is_elementwise(user->opcode) && x->modes[tg_result(user, 0)->id] == TG_X86_INLINE;
        v = alone ? tg_result(user, 0) : v;
    }
    return alone;
}

static bool has_one_buffer(tg_x86 *x, const tg_op *loop, uint32_t i);

/* Is carried value i, a tile, read by nothing but a loop inside that adds to it in place and hands back the next one? Then it works on this loop's. */
static bool is_handed_on(tg_x86 *x, const tg_op *loop, uint32_t i) {
    const tg_block *body = &loop->regions[0].body;
    const tg_value *v = body->args[tg_region_first_carried(loop) + i], *next = tg_operand(body->last, i);
    tg_op *inside = v->type->n_axes && v->uses && !v->uses->next ? v->uses->user : NULL;
    bool alone = inside && inside->opcode == TG_OP_FOR && inside->parent == body && !tg_x86_is_carry(x, inside) && next->uses && !next->uses->next;
    for (uint32_t k = 0; alone && k < inside->n_results; k++) {
        if (tg_operand(inside, TG_FOR_CARRIED + k) == v) {
            return tg_result(inside, k) == next && has_one_buffer(x, inside, k);
        }
    }
    return false;
}

static bool has_one_buffer(tg_x86 *x, const tg_op *loop, uint32_t i) {
    return is_carried_in_place(x, loop, i) || is_handed_on(x, loop, i);
}

/* The buffer of a value that the loop around hands to this one; null: it hands on no such. */
static tg_x86_buffer *handed_buffer(tg_x86 *x, const tg_op *loop, const tg_value *init) {
    const tg_op *around = loop->parent->parent->parent;
    if (loop->opcode != TG_OP_FOR || !around || around->opcode != TG_OP_FOR) {
        return NULL;
    }
    uint32_t first = tg_region_first_carried(around);
    for (uint32_t i = 0; i < around->n_results; i++) {
        if (around->regions[0].body.args[first + i] == init && is_handed_on(x, around, i)) {
            return x->buffers[init->id];
        }
    }
    return NULL;
}

static carried_list carried_open(tg_x86 *x, tg_op *op, uint32_t first_operand, uint32_t n) {
    carried_list c = {TG_NEW_ARRAY(x->arena, carried, n + 1), TG_NEW_ARRAY(x->arena, carried, n + 1), n};
    for (uint32_t i = 0; i < n; i++) {
        tg_value *init = tg_operand(op, first_operand + i);
        bool loop = op->opcode == TG_OP_FOR && init->type->n_axes;
        tg_axis *innermost = loop ? carried_vector(x, op, i) : NULL;
        tg_x86_buffer *handed = handed_buffer(x, op, init);
        c.now[i] = handed ? (carried){.buffer = handed} : carried_create(x, init->type, innermost);
        c.next[i] = loop && has_one_buffer(x, op, i) ? c.now[i] : carried_create(x, init->type, innermost);
        if (!handed) {
            carried_set(x, &c.now[i], init);
        }
    }
    return c;
}

/* Dots that make what is carried on write it where it goes. */
static void carried_expect(tg_x86 *x, const carried_list *c, const tg_block *body) {
    for (uint32_t i = 0; i < c->n; i++) {
        tg_x86_root *r = tg_x86_root_of_yield(x, body, tg_operand(body->last, i), NULL);
        if (r) {
            r->to = c->next[i].buffer;
        }
    }
}

static void carried_advance(tg_x86 *x, const carried_list *c, tg_op *terminator, uint32_t first_operand) {
    for (uint32_t i = 0; i < c->n; i++) {
        tg_value *v = tg_operand(terminator, first_operand + i);
        bool there = c->next[i].buffer && x->buffers[v->id] == c->next[i].buffer;
        if (!there && !tg_x86_root_of_yield(x, terminator->parent, v, NULL)) {
            carried_set(x, &c->next[i], v);
        }
    }
    for (uint32_t i = 0; i < c->n; i++) {
        exchange(x, &c->now[i], &c->next[i]);
    }
}

/* ---- control flow --------------------------------------------------------------------------------------------------- */

static void body_place(tg_x86 *x, tg_block *b) {
    tg_x86_place *outside = x->place;
    tg_x86_place inside = {LLVMGetInsertBlock(x->builder)};
    x->place = &inside;
    tg_x86_emit_block(x, b);
    x->place = outside;
}

static void emit_for(tg_x86 *x, tg_op *op) {
    LLVMBuilderRef b = x->builder;
    bool each = tg_op_is_each(op);
    tg_axis *a = each ? NULL : tg_op_axis(op, TG_ATTR_AXIS);
    LLVMValueRef lo, hi;
    tg_x86_domain(x, op, &lo, &hi);
    LLVMValueRef extent = LLVMBuildSub(b, hi, lo, "");
    LLVMValueRef step = tg_llvm_i64(x->l, each ? tg_op_int(op, TG_ATTR_STEP, 1) : a->block);
    if (!each && !a->block) {
        step = tg_llvm_max64(x->l, extent, tg_llvm_i64(x->l, 1));
    }
    carried_list c;
    if (a) {
        x->ranges[a->rank].bound = a->block ? a->block : a->extent > 0 ? a->extent : 0;
    }
    c = carried_open(x, op, TG_FOR_CARRIED, op->n_operands - TG_FOR_CARRIED);
    tg_llvm_loop loop;
    LLVMValueRef k = tg_llvm_loop_open(x->l, &loop, lo, hi, step);
    loop.may_wrap = each ? tg_op_int(op, TG_ATTR_STEP, 1) > 1 : a->block > INT64_C(1) << 62; /* bounds are below 2^62 */
    tg_block *body = &op->regions[0].body;
    if (each) {
        x->scalars[body->args[0]->id] = k;
    } else {
        tg_x86_range *r = &x->ranges[a->rank];
        r->first = k;
        r->size = tg_llvm_min64(x->l, step, LLVMBuildSub(b, hi, k, ""));
        r->ordinal = LLVMBuildUDiv(b, LLVMBuildSub(b, k, lo, ""), step, "");
        r->count = tg_llvm_ceil_div(x->l, extent, step);
    }
    uint32_t first = tg_region_first_carried(op);
    for (uint32_t i = 0; i < c.n; i++) {
        carried_get(x, &c.now[i], body->args[first + i]);
    }
    carried_expect(x, &c, body);
    body_place(x, body);
    carried_advance(x, &c, body->last, 0);
    tg_llvm_loop_close(x->l, &loop);
    for (uint32_t i = 0; i < c.n; i++) {
        carried_get(x, &c.now[i], tg_result(op, i));
    }
}

static void emit_branch(tg_x86 *x, tg_region *r, const carried *to, uint32_t n) {
    body_place(x, &r->body);
    for (uint32_t i = 0; i < n; i++) {
        carried_set(x, &to[i], tg_operand(r->body.last, i));
    }
}

static void emit_if(tg_x86 *x, tg_op *op) {
    uint32_t n = op->n_results;
    carried *to = TG_NEW_ARRAY(x->arena, carried, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        to[i] = carried_create(x, tg_result(op, i)->type, NULL);
    }
    tg_llvm_if c;
    tg_llvm_if_open(x->l, &c, tg_x86_scalar_of(x, tg_operand(op, 0)));
    emit_branch(x, &op->regions[0], to, n);
    tg_llvm_if_else(x->l, &c);
    if (op->regions[1].body.last) {
        emit_branch(x, &op->regions[1], to, n);
    }
    tg_llvm_if_close(x->l, &c);
    for (uint32_t i = 0; i < n; i++) {
        carried_get(x, &to[i], tg_result(op, i));
    }
}

static void emit_while(tg_x86 *x, tg_op *op) {
    LLVMBuilderRef b = x->builder;
    tg_block *test = &op->regions[0].body, *body = &op->regions[1].body;
    carried_list c = carried_open(x, op, 0, op->n_operands);
    uint32_t n = op->n_results;
    carried *passed = TG_NEW_ARRAY(x->arena, carried, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        passed[i] = carried_create(x, tg_result(op, i)->type, NULL);
    }
    LLVMBasicBlockRef head = tg_llvm_block(x->l), again = tg_llvm_block(x->l), after = tg_llvm_block(x->l);
    LLVMBuildBr(b, head);
    LLVMPositionBuilderAtEnd(b, head);
    for (uint32_t i = 0; i < c.n; i++) {
        carried_get(x, &c.now[i], test->args[i]);
    }
    body_place(x, test);
    for (uint32_t i = 0; i < n; i++) {
        carried_set(x, &passed[i], tg_operand(test->last, 1 + i));
    }
    LLVMBuildCondBr(b, tg_x86_scalar_of(x, tg_operand(test->last, 0)), again, after);
    LLVMPositionBuilderAtEnd(b, again);
    for (uint32_t i = 0; i < n; i++) {
        carried_get(x, &passed[i], body->args[i]);
    }
    body_place(x, body);
    carried_advance(x, &c, body->last, 0);
    LLVMBuildBr(b, head);
    LLVMPositionBuilderAtEnd(b, after);
    for (uint32_t i = 0; i < n; i++) {
        carried_get(x, &passed[i], tg_result(op, i));
    }
}

static void emit_control(tg_x86 *x, tg_op *op) {
    switch ((int)op->opcode) {
    case TG_OP_AXIS:
        tg_x86_bind_axis(x, op);
        break;
    case TG_OP_FOR:
        emit_for(x, op);
        break;
    case TG_OP_IF:
        emit_if(x, op);
        break;
    case TG_OP_WHILE:
        emit_while(x, op);
        break;
    case TG_OP_TEMP:
    case TG_OP_PHASE:
        tg_x86_emit_launch(x, op);
        break;
    default:
        tg_x86_emit_special(x, op);
        break;
    }
}

void tg_x86_emit_block(tg_x86 *x, tg_block *b) {
    tg_x86_steps *steps = tg_map_get(x->steps, b);
    for (uint32_t i = 0; i < steps->len; i++) {
        tg_x86_step *s = &steps->data[i];
        x->place->at = LLVMGetInsertBlock(x->builder);
        x->root->place = x->place;
        x->root->memo = tg_map_create(x->arena);
        if (s->kind == TG_X86_STEP_SCALAR) {
            tg_x86_emit_scalar(x, s->op);
        } else if (s->kind == TG_X86_STEP_NEST) {
            tg_x86_emit_nest(x, s->nest);
        } else {
            emit_control(x, s->op);
        }
    }
    x->place->at = LLVMGetInsertBlock(x->builder);
    x->root->place = x->place;
}
