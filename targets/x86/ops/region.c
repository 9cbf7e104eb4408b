/* Scalar regions (map, reduce_fn, scan_fn) evaluated for one point or for all lanes at once. Control flow is predication: a
 * region runs under a mask, results are merged by select, a loop runs while any lane is active. For a single lane the
 * mask is a plain condition and the branches are real ones. */
#include "targets/x86/memory/memory.h"
#include "targets/x86/ops/ops.h"

enum { MAX_CARRIED = 32 };

static void run_block(tg_x86 *x, tg_block *b, LLVMValueRef mask);

static LLVMValueRef lanes_of(tg_x86 *x, LLVMValueRef v) {
    return tg_llvm_splat(x->l, v, x->lanes);
}

static LLVMValueRef any(tg_x86 *x, LLVMValueRef mask) {
    return tg_llvm_is_vector(mask) ? tg_llvm_call1(x->l, "llvm.vector.reduce.or", mask) : mask;
}

static tg_x86_val value_of(tg_x86 *x, tg_value *v) {
    tg_x86_val p = tg_x86_plain(x, tg_x86_eval(x, x->root, v));
    p.v = lanes_of(x, p.v);
    p.im = p.im ? lanes_of(x, p.im) : NULL;
    return p;
}

static void define(tg_x86 *x, tg_value *v, tg_x86_val val) {
    tg_map_set(x->local, v, TG_COPY_ARRAY(x->arena, tg_x86_val, &val, 1));
}

/* A value per lane that control flow changes. */
typedef struct cell {
    LLVMTypeRef type;
    LLVMValueRef re, im;
} cell;

static cell cell_create(tg_x86 *x, tg_dtype t) {
    cell c = {tg_llvm_wide(tg_x86_reg_type(x, t), x->lanes), NULL, NULL};
    c.re = tg_x86_alloca(x, c.type);
    LLVMBuildStore(x->builder, LLVMConstNull(c.type), c.re);
    if (tg_dtype_kind_of(t) == TG_KIND_COMPLEX) {
        c.im = tg_x86_alloca(x, c.type);
        LLVMBuildStore(x->builder, LLVMConstNull(c.type), c.im);
    }
    return c;
}

static tg_x86_val cell_get(tg_x86 *x, const cell *c) {
    LLVMValueRef re = LLVMBuildLoad2(x->builder, c->type, c->re, "");
    return (tg_x86_val){re, NULL, c->im ? LLVMBuildLoad2(x->builder, c->type, c->im, "") : NULL};
}

static void cell_set(tg_x86 *x, const cell *c, tg_x86_val v, LLVMValueRef mask) {
    tg_x86_val old = cell_get(x, c);
    LLVMBuilderRef b = x->builder;
    LLVMBuildStore(b, mask ? LLVMBuildSelect(b, mask, v.v, old.v, "") : v.v, c->re);
    if (c->im) {
        LLVMBuildStore(b, mask ? LLVMBuildSelect(b, mask, v.im, old.im, "") : v.im, c->im);
    }
}

static void cells_from(tg_x86 *x, cell *c, tg_op *op, uint32_t first, uint32_t n) {
    if (n > MAX_CARRIED) {
        tg_x86_refuse(x, op, "carries too many values");
    }
    for (uint32_t i = 0; i < n; i++) {
        tg_value *v = tg_operand(op, first + i);
        c[i] = cell_create(x, v->type->dtype);
        cell_set(x, &c[i], value_of(x, v), NULL);
    }
}

static void set_all(tg_x86 *x, const cell *c, tg_op *terminator, uint32_t first, uint32_t n, LLVMValueRef mask) {
    tg_x86_val v[MAX_CARRIED];
    for (uint32_t i = 0; i < n; i++) {
        v[i] = value_of(x, tg_operand(terminator, first + i));
    }
    for (uint32_t i = 0; i < n; i++) {
        cell_set(x, &c[i], v[i], mask);
    }
}

static void get_all(tg_x86 *x, const cell *c, tg_value *const *v, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        define(x, v[i], cell_get(x, &c[i]));
    }
}

/* ---- control flow -------------------------------------------------------------------------------------- */

static void run_branch(tg_x86 *x, tg_region *r, const cell *to, uint32_t n, LLVMValueRef mask) {
    if (!r->body.last) {
        return;
    }
    tg_llvm_if c;
    tg_llvm_if_open(x->l, &c, any(x, mask));
    run_block(x, &r->body, mask);
    set_all(x, to, r->body.last, 0, n, mask);
    tg_llvm_if_close(x->l, &c);
}

/* ---- what few lanes need ----------------------------------------------------------------------------------- */

/* A value per lane in memory, to be read and written one by one. */
typedef struct column {
    tg_value *value;
    tg_x86_val lanes;
    LLVMTypeRef element;
    LLVMValueRef memory;
} column;

static column column_create(tg_x86 *x, tg_value *v, tg_x86_val lanes) {
    LLVMTypeRef element = tg_x86_reg_type(x, v->type->dtype);
    return (column){v, lanes, element, tg_x86_alloca(x, LLVMVectorType(element, x->lanes))};
}

/* What the region reads of the values around it; false if one of them has no place in memory, lane by lane. */
static bool find_columns(tg_x86 *x, const tg_region *r, column *c, uint32_t *n) {
    for (tg_op *op = r->body.first; op; op = op->next) {
        for (uint32_t i = 0; i < op->n_operands; i++) {
            tg_value *v = tg_operand(op, i);
            tg_x86_val *known = tg_map_get(x->local, v);
            bool seen = !known || !tg_llvm_is_vector(known->v);
            for (uint32_t k = 0; k < *n && !seen; k++) {
                seen = c[k].value == v;
            }
            if (!seen && (*n == MAX_CARRIED || known->im || v->type->dtype == TG_BOOL)) {
                return false;
            }
            if (!seen) {
                c[(*n)++] = column_create(x, v, *known);
            }
        }
        if (op->n_regions) {
            return false;
        }
    }
    return true;
}

static LLVMValueRef column_at(tg_x86 *x, const column *c, LLVMValueRef lane) {
    return tg_llvm_gep(x->l, c->element, c->memory, lane);
}

/* The region at one lane; its results go to their columns. */
static void run_lane(tg_x86 *x, tg_region *r, const column *in, uint32_t n_in, const column *out, uint32_t n_out, LLVMValueRef lane) {
    unsigned lanes = x->lanes;
    x->lanes = 1;
    for (uint32_t i = 0; i < n_in; i++) {
        LLVMValueRef v = LLVMBuildLoad2(x->builder, in[i].element, column_at(x, &in[i], lane), "");
        define(x, in[i].value, (tg_x86_val){v, NULL, NULL});
    }
    run_block(x, &r->body, LLVMConstInt(x->l->i1, 1, 0));
    for (uint32_t i = 0; i < n_out; i++) {
        LLVMBuildStore(x->builder, value_of(x, tg_operand(r->body.last, i)).v, column_at(x, &out[i], lane));
    }
    x->lanes = lanes;
    for (uint32_t i = 0; i < n_in; i++) {
        define(x, in[i].value, in[i].lanes);
    }
}

/* The lanes of the mask one after the other: code for a single lane, where that for all would be most of a kernel. */
static bool run_rare(tg_x86 *x, tg_op *op, const cell *to, LLVMValueRef mask) {
    column in[MAX_CARRIED], out[MAX_CARRIED];
    uint32_t n_in = 0, n_out = op->n_results;
    LLVMBuilderRef b = x->builder;
    bool simple = tg_op_flag(op, TG_ATTR_RARE) && tg_llvm_is_vector(mask) && x->lanes <= 64 && find_columns(x, &op->regions[0], in, &n_in);
    for (uint32_t i = 0; i < n_out && simple; i++) {
        simple = !to[i].im && tg_result(op, i)->type->dtype != TG_BOOL;
        out[i] = column_create(x, tg_result(op, i), (tg_x86_val){0});
    }
    if (!simple) {
        return false;
    }
    tg_llvm_if some;
    tg_llvm_if_open(x->l, &some, any(x, mask));
    for (uint32_t i = 0; i < n_in; i++) {
        LLVMBuildStore(b, in[i].lanes.v, in[i].memory);
    }
    LLVMValueRef bits = LLVMBuildBitCast(b, mask, LLVMIntTypeInContext(x->l->context, x->lanes), "");
    bits = LLVMBuildZExt(b, bits, x->l->i64, "");
    LLVMBasicBlockRef before = LLVMGetInsertBlock(b), loop = tg_llvm_block(x->l), after = tg_llvm_block(x->l);
    LLVMBuildBr(b, loop);
    LLVMPositionBuilderAtEnd(b, loop);
    LLVMValueRef left = LLVMBuildPhi(b, x->l->i64, "");
    LLVMValueRef lane = tg_llvm_call2(x->l, "llvm.cttz", left, LLVMConstInt(x->l->i1, 1, 0));
    run_lane(x, &op->regions[0], in, n_in, out, n_out, lane);
    LLVMValueRef next = LLVMBuildAnd(b, left, LLVMBuildSub(b, left, tg_llvm_i64(x->l, 1), ""), "");
    LLVMAddIncoming(left, (LLVMValueRef[]){bits, next}, (LLVMBasicBlockRef[]){before, LLVMGetInsertBlock(b)}, 2);
    LLVMBuildCondBr(b, LLVMBuildICmp(b, LLVMIntNE, next, tg_llvm_i64(x->l, 0), ""), loop, after);
    LLVMPositionBuilderAtEnd(b, after);
    for (uint32_t i = 0; i < n_out; i++) {
        cell_set(x, &to[i], (tg_x86_val){LLVMBuildLoad2(b, to[i].type, out[i].memory, ""), NULL, NULL}, mask);
    }
    tg_llvm_if_close(x->l, &some);
    return true;
}

static void run_if(tg_x86 *x, tg_op *op, LLVMValueRef mask) {
    cell to[MAX_CARRIED];
    uint32_t n = op->n_results;
    if (n > MAX_CARRIED) {
        tg_x86_refuse(x, op, "yields too many values");
    }
    for (uint32_t i = 0; i < n; i++) {
        to[i] = cell_create(x, tg_result(op, i)->type->dtype);
    }
    LLVMValueRef test = value_of(x, tg_operand(op, 0)).v;
    LLVMValueRef taken = LLVMBuildAnd(x->builder, mask, test, "");
    if (!run_rare(x, op, to, taken)) {
        run_branch(x, &op->regions[0], to, n, taken);
    }
    run_branch(x, &op->regions[1], to, n, LLVMBuildAnd(x->builder, mask, LLVMBuildNot(x->builder, test, ""), ""));
    for (uint32_t i = 0; i < n; i++) {
        define(x, tg_result(op, i), cell_get(x, &to[i]));
    }
}

typedef struct lane_loop {
    LLVMBasicBlockRef head, after;
    cell active;
} lane_loop;

static LLVMValueRef loop_head(tg_x86 *x, lane_loop *l, LLVMValueRef mask) {
    l->active = cell_create(x, TG_BOOL);
    cell_set(x, &l->active, (tg_x86_val){mask, NULL, NULL}, NULL);
    l->head = tg_llvm_block(x->l);
    l->after = tg_llvm_block(x->l);
    LLVMBuildBr(x->builder, l->head);
    LLVMPositionBuilderAtEnd(x->builder, l->head);
    return cell_get(x, &l->active).v;
}

/* Lanes that pass `test` go on; gives their mask inside the body. */
static LLVMValueRef loop_test(tg_x86 *x, lane_loop *l, LLVMValueRef active, LLVMValueRef test) {
    active = LLVMBuildAnd(x->builder, active, test, "");
    cell_set(x, &l->active, (tg_x86_val){active, NULL, NULL}, NULL);
    LLVMBasicBlockRef body = tg_llvm_block(x->l);
    LLVMBuildCondBr(x->builder, any(x, active), body, l->after);
    LLVMPositionBuilderAtEnd(x->builder, body);
    return active;
}

static void loop_end(tg_x86 *x, lane_loop *l) {
    LLVMBuildBr(x->builder, l->head);
    LLVMPositionBuilderAtEnd(x->builder, l->after);
}

static void run_while(tg_x86 *x, tg_op *op, LLVMValueRef mask) {
    tg_block *test = &op->regions[0].body, *body = &op->regions[1].body;
    cell carried[MAX_CARRIED], passed[MAX_CARRIED];
    uint32_t n = op->n_results;
    cells_from(x, carried, op, 0, op->n_operands);
    for (uint32_t i = 0; i < n; i++) {
        passed[i] = cell_create(x, tg_result(op, i)->type->dtype);
    }
    lane_loop l;
    LLVMValueRef active = loop_head(x, &l, mask);
    get_all(x, carried, test->args, op->n_operands);
    run_block(x, test, active);
    set_all(x, passed, test->last, 1, n, active);
    active = loop_test(x, &l, active, value_of(x, tg_operand(test->last, 0)).v);
    get_all(x, passed, body->args, n);
    run_block(x, body, active);
    set_all(x, carried, body->last, 0, op->n_operands, active);
    loop_end(x, &l);
    for (uint32_t i = 0; i < n; i++) {
        define(x, tg_result(op, i), cell_get(x, &passed[i]));
    }
}

static LLVMValueRef pick(tg_x86 *x, LLVMIntPredicate p, LLVMValueRef a, LLVMValueRef b) {
    return LLVMBuildSelect(x->builder, LLVMBuildICmp(x->builder, p, a, b, ""), a, b, "");
}

static void run_for(tg_x86 *x, tg_op *op, LLVMValueRef mask) {
    if (!tg_op_is_each(op)) {
        tg_x86_refuse(x, op, "over an axis inside a lifted function");
    }
    tg_block *body = &op->regions[0].body;
    cell carried[MAX_CARRIED], index = cell_create(x, TG_I64);
    uint32_t n = op->n_operands - TG_FOR_CARRIED;
    cells_from(x, carried, op, TG_FOR_CARRIED, n);
    LLVMValueRef extent = value_of(x, tg_operand(op, 0)).v, from = value_of(x, tg_operand(op, 1)).v;
    LLVMValueRef until = pick(x, LLVMIntSLT, extent, value_of(x, tg_operand(op, 2)).v);
    LLVMValueRef zero = tg_llvm_int(LLVMTypeOf(from), 0);
    cell_set(x, &index, (tg_x86_val){pick(x, LLVMIntSGT, from, zero), NULL, NULL}, NULL);
    lane_loop l;
    LLVMValueRef active = loop_head(x, &l, mask);
    tg_x86_val k = cell_get(x, &index);
    active = loop_test(x, &l, active, LLVMBuildICmp(x->builder, LLVMIntSLT, k.v, until, ""));
    define(x, body->args[0], k);
    get_all(x, carried, body->args + 1, n);
    run_block(x, body, active);
    set_all(x, carried, body->last, 0, n, active);
    LLVMValueRef step = tg_llvm_int(LLVMTypeOf(k.v), tg_op_int(op, TG_ATTR_STEP, 1));
    step = pick(x, LLVMIntSLT, step, LLVMBuildSub(x->builder, until, k.v, "")); /* to the end, not beyond 2^63 */
    cell_set(x, &index, (tg_x86_val){LLVMBuildAdd(x->builder, k.v, step, ""), NULL, NULL}, NULL);
    loop_end(x, &l);
    for (uint32_t i = 0; i < n; i++) {
        define(x, tg_result(op, i), cell_get(x, &carried[i]));
    }
}

/* ---- straight code ---------------------------------------------------------------------------------------- */

static void run_plain(tg_x86 *x, tg_op *op, LLVMValueRef mask) {
    tg_x86_frame *f = tg_x86_frame_create(x, x->root, x->place);
    f->mask = mask;
    if (op->opcode == TG_OP_LOAD) {
        define(x, tg_result(op, 0), tg_x86_load_tensor(x, f, op));
        return;
    }
    if (tg_op_info_of(op->opcode)->effect != TG_EFF_NONE || op->n_results == 0) {
        return; /* facts, and output of functions, which is not made per lane */
    }
    if (!tg_op_is_elementwise(op->opcode)) {
        tg_x86_emit_scalar(x, op);
        return;
    }
    for (uint32_t i = 0; i < op->n_results; i++) {
        define(x, tg_result(op, i), tg_x86_eval_def(x, f, tg_result(op, i)));
    }
}

static void run_op(tg_x86 *x, tg_op *op, LLVMValueRef mask) {
    switch ((int)op->opcode) {
    case TG_OP_IF:
        run_if(x, op, mask);
        break;
    case TG_OP_WHILE:
        run_while(x, op, mask);
        break;
    case TG_OP_FOR:
        run_for(x, op, mask);
        break;
    case TG_OP_YIELD:
    case TG_OP_CONDITION:
        break;
    case TG_OP_MAP:
    case TG_OP_ASM: {
        tg_x86_val args[16], out[16];
        for (uint32_t i = 0; i < op->n_operands && i < 16; i++) {
            args[i] = value_of(x, tg_operand(op, i));
        }
        tg_x86_inline_region(x, &op->regions[0], args, out, mask);
        for (uint32_t i = 0; i < op->n_results && i < 16; i++) {
            define(x, tg_result(op, i), out[i]);
        }
        break;
    }
    default:
        run_plain(x, op, mask);
        break;
    }
}

static void run_block(tg_x86 *x, tg_block *b, LLVMValueRef mask) {
    for (tg_op *op = b->first; op; op = op->next) {
        run_op(x, op, mask);
    }
}

void tg_x86_inline_region(tg_x86 *x, tg_region *r, tg_x86_val *args, tg_x86_val *out, LLVMValueRef mask) {
    tg_map *outer = x->local;
    if (!outer) {
        x->local = tg_map_create(x->arena);
    }
    unsigned lanes = x->lanes, width = 1;
    for (uint32_t i = 0; i < r->body.n_args; i++) {
        unsigned k = tg_llvm_lanes(args[i].v);
        width = k > width ? k : width;
    }
    if (width < lanes && width > 1) {
        x->lanes = width; /* halves of an accumulator being folded */
    } else if (width == 1 && !mask) {
        x->lanes = 1;
    }
    for (uint32_t i = 0; i < r->body.n_args; i++) {
        args[i].v = lanes_of(x, args[i].v);
        args[i].im = args[i].im ? lanes_of(x, args[i].im) : NULL;
        define(x, r->body.args[i], args[i]);
    }
    LLVMValueRef all = LLVMConstInt(x->l->i1, 1, 0);
    run_block(x, &r->body, lanes_of(x, mask ? mask : all));
    for (uint32_t i = 0; i < r->body.last->n_operands; i++) {
        out[i] = value_of(x, tg_operand(r->body.last, i));
    }
    x->lanes = lanes;
    x->local = outer;
}
