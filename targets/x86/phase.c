/* The task function of a phase: decodes a task number into one block per grid axis and runs the body.
 *
 *   i32 task(ptr frame, i64 begin, i64 end, ptr worker)
 *     allocas │ prologue: loads of captured values │ for t in begin … end { decode; skip if empty; body; reset }
 * without the loop if there is but one task.
 *
 * Blocks that a task uses are in the frame (the entry chose them), so one function serves all sizes. */
#include "targets/x86/dot/dot.h"
#include "targets/x86/memory/memory.h"
#include "targets/x86/nest/nest.h"
#include "targets/x86/ops/ops.h"

static LLVMValueRef worker_field(tg_x86 *x, int64_t offset) {
    return tg_llvm_gep(x->l, x->l->i8, x->worker, tg_llvm_i64(x->l, offset));
}

LLVMValueRef tg_x86_captured(tg_x86 *x, tg_x86_slot kind, const void *key, uint32_t d, LLVMTypeRef type) {
    LLVMBuilderRef b = x->builder;
    uint32_t i = 0;
    tg_x86_captures *c = x->captures;
    LLVMValueRef known = tg_x86_launch_constant(x, kind, key, d);
    if (known) {
        return LLVMTypeOf(known) == type ? known : LLVMBuildZExt(b, known, type, ""); /* bool: i1, and a byte in the frame */
    }
    for (; i < c->list.len; i++) {
        tg_x86_capture *e = &c->list.data[i];
        if (e->kind == kind && e->key == key && e->d == d) {
            break;
        }
    }
    if (i == c->list.len) {
        tg_x86_capture e = {kind, key, d};
        tg_vec_push(x->arena, &c->list, e);
    }
    LLVMBasicBlockRef here = LLVMGetInsertBlock(b);
    LLVMPositionBuilderAtEnd(b, x->prologue.at);
    LLVMValueRef at = tg_llvm_gep(x->l, x->l->i64, x->frame, tg_llvm_i64(x->l, (int64_t)i + 1));
    LLVMValueRef v = tg_llvm_load(x->l, type, at, 8);
    LLVMPositionBuilderAtEnd(b, here);
    return v;
}

tg_x86_tensor *tg_x86_tensor_of(tg_x86 *x, tg_value *v) {
    tg_x86_tensor *t = x->tensors[v->id];
    if (t) {
        return t;
    }
    t = TG_NEW(x->arena, tg_x86_tensor);
    t->dtype = v->type->dtype;
    t->rank = v->type->rank;
    t->base = tg_x86_captured(x, TG_X86_SLOT_BASE, v, 0, x->l->ptr);
    for (uint32_t d = 0; d < t->rank; d++) {
        t->dim[d] = tg_x86_captured(x, TG_X86_SLOT_DIM, v, d, x->l->i64);
        bool packed = d + 1 == t->rank && v->def && v->def->opcode == TG_OP_TEMP;
        t->stride[d] = packed ? tg_llvm_i64(x->l, 1) : tg_x86_captured(x, TG_X86_SLOT_STRIDE, v, d, x->l->i64);
    }
    x->tensors[v->id] = t;
    return t;
}

LLVMValueRef tg_x86_scalar_of(tg_x86 *x, tg_value *v) {
    LLVMValueRef s = x->scalars[v->id];
    if (s) {
        return s;
    }
    if (v->def && v->def->opcode == TG_OP_CONST) {
        tg_x86_val c = tg_x86_const(x, v->def);
        tg_x86_set_scalar(x, v, c);
        return c.v;
    }
    if (!x->in_task) {
        tg_x86_refuse(x, v->def, "is used before it is known");
    }
    LLVMTypeRef type = tg_x86_reg_type(x, v->type->dtype);
    if (tg_dtype_kind_of(v->type->dtype) == TG_KIND_COMPLEX) {
        x->scalars_im[v->id] = tg_x86_captured(x, TG_X86_SLOT_IM, v, 0, type);
    }
    s = tg_x86_captured(x, TG_X86_SLOT_SCALAR, v, 0, v->type->dtype == TG_BOOL ? x->l->i8 : type);
    if (v->type->dtype == TG_BOOL) {
        LLVMBasicBlockRef here = LLVMGetInsertBlock(x->builder);
        LLVMPositionBuilderAtEnd(x->builder, x->prologue.at);
        s = LLVMBuildTrunc(x->builder, s, x->l->i1, "");
        LLVMPositionBuilderAtEnd(x->builder, here);
    }
    x->scalars[v->id] = s;
    return s;
}

LLVMValueRef tg_x86_worker_alloc(tg_x86 *x, LLVMValueRef bytes) {
    LLVMBuilderRef b = x->builder;
    LLVMTypeRef params[] = {x->l->ptr, x->l->i64}, type = LLVMFunctionType(x->l->ptr, params, 2, 0);
    LLVMValueRef fn = tg_llvm_load(x->l, x->l->ptr, worker_field(x, offsetof(tg_worker, alloc)), 8);
    LLVMValueRef p = LLVMBuildCall2(b, type, fn, (LLVMValueRef[]){x->worker, bytes}, 2, "");
    LLVMBasicBlockRef ok = tg_llvm_block(x->l);
    LLVMBuildCondBr(b, LLVMBuildIsNull(b, p, ""), x->fail, ok);
    LLVMPositionBuilderAtEnd(b, ok);
    x->uses_alloc = true;
    return p;
}

void tg_x86_worker_call(tg_x86 *x, int64_t function, LLVMValueRef *args, unsigned n) {
    enum { MOST_ARGS = 9 };
    LLVMTypeRef types[MOST_ARGS];
    for (unsigned i = 0; i < n; i++) {
        types[i] = LLVMTypeOf(args[i]);
    }
    LLVMValueRef fn = tg_llvm_load(x->l, x->l->ptr, worker_field(x, function), 8);
    LLVMBuildCall2(x->builder, LLVMFunctionType(x->l->t_void, types, n, 0), fn, args, n, "");
}

/* ---- blocks --------------------------------------------------------------------------------------------- */

static void bind_par(tg_x86 *x, tg_op *op, LLVMValueRef ordinal, LLVMBasicBlockRef skip) {
    LLVMBuilderRef b = x->builder;
    LLVMValueRef lo, hi, start, block;
    tg_x86_domain(x, op, &lo, &hi);
    bool each = tg_op_is_each(op);
    block = each ? tg_llvm_i64(x->l, tg_op_int(op, TG_ATTR_STEP, 1)) : tg_x86_captured(x, TG_X86_SLOT_BLOCK, op, 0, x->l->i64);
    start = LLVMBuildAdd(b, lo, LLVMBuildMul(b, ordinal, block, ""), "");
    LLVMBasicBlockRef run = tg_llvm_block(x->l);
    LLVMBuildCondBr(b, LLVMBuildICmp(b, LLVMIntSLT, start, hi, ""), run, skip);
    LLVMPositionBuilderAtEnd(b, run);
    x->place->at = run;
    if (each) {
        x->scalars[op->regions[0].body.args[0]->id] = start;
        return;
    }
    tg_axis *a = tg_op_axis(op, TG_ATTR_AXIS);
    tg_x86_range *r = &x->ranges[a->rank];
    LLVMValueRef extent = LLVMBuildSub(b, hi, lo, "");
    int64_t size;
    bool single = tg_llvm_is_const(extent, &size) && size == 1; /* as axes that were joined to another */
    r->first = single ? lo : start;
    r->size = single ? extent : tg_llvm_min64(x->l, block, LLVMBuildSub(b, hi, start, ""));
    r->ordinal = ordinal;
    r->count = tg_llvm_ceil_div(x->l, extent, block);
    r->bound = tg_llvm_is_const(r->size, &size) && size > 0 ? size : tg_x86_default_block(x, a);
    if (r->bound && a->extent > 0 && a->extent < r->bound) {
        r->bound = a->extent;
    }
}

static tg_op *par_of(const tg_block *block) {
    tg_op *par = NULL;
    for (tg_op *op = block->first; op && !par; op = op->next) {
        par = op->opcode == TG_OP_PAR ? op : NULL;
    }
    return par;
}

/* Ordinals of the binders from the task number: the last binder runs fastest, if no schedule orders them otherwise. */
static void emit_pars(tg_x86 *x, tg_block *block, LLVMValueRef task, LLVMBasicBlockRef skip) {
    LLVMBuilderRef b = x->builder;
    tg_op *par = par_of(block);
    if (!par) {
        tg_x86_emit_block(x, block);
        return;
    }
    for (tg_op *op = block->first; op != par; op = op->next) {
        if (op->opcode == TG_OP_AXIS) {
            tg_x86_bind_axis(x, op);
        } else {
            tg_x86_emit_scalar(x, op);
        }
    }
    LLVMValueRef count = tg_x86_launch_constant(x, TG_X86_SLOT_BLOCK, par, 2);
    int64_t only;
    if (count && tg_llvm_is_const(count, &only) && only == 1) {
        bind_par(x, par, tg_llvm_i64(x->l, 0), skip);
        emit_pars(x, &par->regions[0].body, task, skip);
        return;
    }
    if (!x->permuted && !par_of(&par->regions[0].body)) { /* the last binder takes what is left: no division */
        bind_par(x, par, task, skip);
        emit_pars(x, &par->regions[0].body, task, skip);
        return;
    }
    LLVMValueRef below = tg_x86_captured(x, TG_X86_SLOT_BLOCK, par, 1, x->l->i64); /* tasks per step of this binder */
    LLVMValueRef ordinal = LLVMBuildUDiv(b, task, below, "");
    LLVMValueRef rest = LLVMBuildSub(b, task, LLVMBuildMul(b, ordinal, below, ""), "");
    if (x->permuted) { /* what is left belongs to binders inside and outside of this one */
        ordinal = LLVMBuildURem(b, ordinal, tg_x86_captured(x, TG_X86_SLOT_BLOCK, par, 2, x->l->i64), "");
        rest = task;
    }
    bind_par(x, par, ordinal, skip);
    emit_pars(x, &par->regions[0].body, rest, skip);
}

static tg_block *innermost_body(tg_op *op) {
    for (;;) {
        tg_block *b = &op->regions[0].body;
        tg_op *par = NULL;
        for (tg_op *k = b->first; k; k = k->next) {
            par = k->opcode == TG_OP_PAR ? k : par;
        }
        if (!par) {
            return b;
        }
        op = par;
    }
}

static void begin_function(tg_x86 *x, const tg_op *phase, const char *suffix) {
    tg_llvm *l = x->l;
    LLVMTypeRef params[] = {l->ptr, l->i64, l->i64, l->ptr};
    const char *name = tg_arena_printf(x->arena, "%s_task%u%s", x->f->name, x->n_tasks_emitted++, suffix);
    x->fn = LLVMAddFunction(l->module, name, LLVMFunctionType(l->i32, params, 4, 0));
    LLVMSetLinkage(x->fn, LLVMInternalLinkage);
    tg_x86_function_attributes(x, x->fn);
    tg_x86_debug_function(x, x->fn, phase);
    x->allocas = LLVMAppendBasicBlockInContext(l->context, x->fn, "");
    x->prologue.at = LLVMAppendBasicBlockInContext(l->context, x->fn, "");
    x->fail = LLVMAppendBasicBlockInContext(l->context, x->fn, "");
    x->frame = LLVMGetParam(x->fn, 0);
    x->worker = LLVMGetParam(x->fn, 3);
    x->scalars = TG_NEW_ARRAY(x->arena, LLVMValueRef, x->f->next_value_id);
    x->scalars_im = TG_NEW_ARRAY(x->arena, LLVMValueRef, x->f->next_value_id);
    x->tensors = TG_NEW_ARRAY(x->arena, tg_x86_tensor *, x->f->next_value_id);
    x->buffers = TG_NEW_ARRAY(x->arena, tg_x86_buffer *, x->f->next_value_id);
    x->ranges = TG_NEW_ARRAY(x->arena, tg_x86_range, x->f->axes.len + 1);
    x->uses_alloc = false;
    x->streamed = x->reads_back = false;
    x->stored = tg_map_create(x->arena);
    x->chain_results.len = 0;
    x->free_buffers.len = 0;
    LLVMPositionBuilderAtEnd(l->builder, x->fail);
    LLVMBuildRet(l->builder, tg_llvm_i32(l, TG_ERROR_OUT_OF_MEMORY));
    LLVMPositionBuilderAtEnd(l->builder, x->prologue.at);
    x->scratch = tg_llvm_load(l, l->ptr, worker_field(x, offsetof(tg_worker, scratch)), 8);
    x->rt = tg_llvm_load(l, l->ptr, x->frame, 8);
}

static void end_instance(tg_x86 *x) {
    if (!x->uses_alloc) {
        return;
    }
    LLVMTypeRef type = LLVMFunctionType(x->l->t_void, &x->l->ptr, 1, 0);
    LLVMValueRef fn = tg_llvm_load(x->l, x->l->ptr, worker_field(x, offsetof(tg_worker, reset)), 8);
    LLVMBuildCall2(x->builder, type, fn, &x->worker, 1, "");
}

/* Where the instances of the task with the number in a parameter begin. */
static LLVMValueRef instance_of(tg_x86 *x, unsigned parameter) {
    LLVMValueRef task = LLVMGetParam(x->fn, parameter);
    return x->group ? LLVMBuildMul(x->builder, task, tg_x86_captured(x, TG_X86_SLOT_BLOCK, x->group, 1, x->l->i64), "") : task;
}

LLVMValueRef tg_x86_emit_task(tg_x86 *x, tg_op *phase, const char *suffix) {
    tg_llvm *l = x->l;
    LLVMBuilderRef b = l->builder;
    begin_function(x, phase, suffix);
    LLVMBasicBlockRef outside = LLVMAppendBasicBlockInContext(l->context, x->fn, "");
    LLVMPositionBuilderAtEnd(b, outside);
    tg_llvm_loop loop;
    bool single = tg_x86_is_single_task(x);
    LLVMValueRef task = single ? tg_llvm_i64(l, 0) : tg_llvm_loop_open(l, &loop, instance_of(x, 1), instance_of(x, 2), tg_llvm_i64(l, 1));
    LLVMBasicBlockRef skip = tg_llvm_block(l), body = tg_llvm_block(l);
    x->instance_start = LLVMGetInsertBlock(b);
    LLVMPositionBuilderAtEnd(b, body);
    tg_x86_place place = {body};
    x->place = &place;
    x->root = tg_x86_frame_create(x, NULL, &place);
    x->lanes = 1;
    x->pass = 0;
    x->first_reads = tg_map_create(x->arena);
    tg_block *innermost = innermost_body(phase);
    if (!tg_map_has(x->steps, innermost)) {
        tg_x86_plan(x, innermost->parent);
    }
    emit_pars(x, &phase->regions[0].body, task, skip);
    end_instance(x);
    LLVMBuildBr(b, skip);
    LLVMPositionBuilderAtEnd(b, x->instance_start);
    LLVMBuildBr(b, body);
    LLVMPositionBuilderAtEnd(b, skip);
    if (!single) {
        tg_llvm_loop_close(l, &loop);
    }
    tg_x86_stream_end(x);
    LLVMBuildRet(b, tg_llvm_i32(l, TG_OK));
    LLVMPositionBuilderAtEnd(b, x->prologue.at);
    LLVMBuildBr(b, outside);
    LLVMPositionBuilderAtEnd(b, x->allocas);
    LLVMBuildBr(b, LLVMGetNextBasicBlock(x->allocas));
    return x->fn;
}
