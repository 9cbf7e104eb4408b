/* Atomic operations on elements of tensors, one lane at a time: nests that contain one are scalar. Where nobody can meet them (apart.c)
 * they are reads and writes, also in lanes. */
#include "targets/x86/memory/address.h"
#include "targets/x86/memory/memory.h"
#include "targets/x86/ops/ops.h"

static LLVMAtomicOrdering ordering_of(const tg_op *op) {
    switch ((int)tg_op_enum(op, TG_ATTR_ORDER, TG_RELAXED)) {
    case TG_ACQUIRE:
        return LLVMAtomicOrderingAcquire;
    case TG_RELEASE:
        return LLVMAtomicOrderingRelease;
    case TG_ACQ_REL:
        return LLVMAtomicOrderingAcquireRelease;
    default:
        return LLVMAtomicOrderingMonotonic;
    }
}

static LLVMAtomicRMWBinOp rmw_of(tg_enum fn, tg_dtype t) {
    bool is_float = tg_dtype_is_float(t), is_signed = tg_dtype_kind_of(t) == TG_KIND_SINT;
    switch ((int)fn) {
    case TG_FN_ADD:
        return is_float ? LLVMAtomicRMWBinOpFAdd : LLVMAtomicRMWBinOpAdd;
    case TG_FN_AND:
        return LLVMAtomicRMWBinOpAnd;
    case TG_FN_OR:
        return LLVMAtomicRMWBinOpOr;
    case TG_FN_XOR:
        return LLVMAtomicRMWBinOpXor;
    case TG_FN_MIN:
        return is_float ? LLVMAtomicRMWBinOpFMinimum : is_signed ? LLVMAtomicRMWBinOpMin : LLVMAtomicRMWBinOpUMin;
    case TG_FN_MAX:
        return is_float ? LLVMAtomicRMWBinOpFMaximum : is_signed ? LLVMAtomicRMWBinOpMax : LLVMAtomicRMWBinOpUMax;
    default:
        return LLVMAtomicRMWBinOpXchg;
    }
}

static LLVMTypeRef int_like(tg_x86 *x, LLVMTypeRef t) {
    return t == x->l->f16 ? x->l->i16 : t == x->l->f32 ? x->l->i32 : t == x->l->f64 ? x->l->i64 : t;
}

static LLVMValueRef combine(tg_x86 *x, tg_op *op, tg_dtype t, LLVMValueRef old, LLVMValueRef v) {
    static const tg_opcode ops[] = {TG_OP_ADD, TG_OP_MUL, TG_OP_MIN, TG_OP_MAX, TG_OP_AND, TG_OP_OR, TG_OP_XOR};
    tg_enum fn = tg_op_enum(op, TG_ATTR_FN, TG_FN_ADD);
    return fn == TG_FN_XCHG ? v : tg_x86_binary(x, ops[fn - TG_FN_ADD], t, old, v);
}

/* Types without an instruction: compare and exchange until it holds. */
static LLVMValueRef rmw_loop(tg_x86 *x, tg_op *op, LLVMValueRef p, const tg_x86_address *a, LLVMValueRef v) {
    LLVMBuilderRef b = x->builder;
    LLVMTypeRef word = int_like(x, a->element);
    LLVMValueRef slot = tg_x86_alloca(x, word);
    LLVMBuildStore(b, tg_llvm_load(x->l, word, p, a->align), slot);
    LLVMBasicBlockRef body = tg_llvm_block(x->l), after = tg_llvm_block(x->l);
    LLVMBuildBr(b, body);
    LLVMPositionBuilderAtEnd(b, body);
    LLVMValueRef old = LLVMBuildLoad2(b, word, slot, "");
    LLVMValueRef r = tg_x86_from_memory(x, LLVMBuildBitCast(b, old, a->element, ""), a->dtype);
    LLVMValueRef next = combine(x, op, a->dtype, r, v);
    next = LLVMBuildBitCast(b, tg_x86_to_memory(x, next, a->dtype), word, "");
    LLVMValueRef pair = LLVMBuildAtomicCmpXchg(b, p, old, next, LLVMAtomicOrderingAcquireRelease,
                                               LLVMAtomicOrderingMonotonic, 0);
    LLVMBuildStore(b, LLVMBuildExtractValue(b, pair, 0, ""), slot);
    LLVMBuildCondBr(b, LLVMBuildExtractValue(b, pair, 1, ""), after, body);
    LLVMPositionBuilderAtEnd(b, after);
    return r;
}

static LLVMValueRef exchange_if(tg_x86 *x, tg_x86_frame *f, tg_op *op, LLVMValueRef p, const tg_x86_address *a) {
    LLVMBuilderRef b = x->builder;
    LLVMTypeRef word = int_like(x, a->element);
    LLVMValueRef want = tg_x86_to_memory(x, tg_x86_eval(x, f, tg_operand(op, 1)).v, a->dtype);
    LLVMValueRef put = tg_x86_to_memory(x, tg_x86_eval(x, f, tg_operand(op, 2)).v, a->dtype);
    LLVMAtomicOrdering order = ordering_of(op);
    LLVMAtomicOrdering fail = order == LLVMAtomicOrderingAcquire || order == LLVMAtomicOrderingAcquireRelease
                                  ? LLVMAtomicOrderingAcquire
                                  : LLVMAtomicOrderingMonotonic;
    LLVMValueRef pair = LLVMBuildAtomicCmpXchg(b, p, LLVMBuildBitCast(b, want, word, ""),
                                               LLVMBuildBitCast(b, put, word, ""), order, fail, 0);
    LLVMValueRef old = LLVMBuildBitCast(b, LLVMBuildExtractValue(b, pair, 0, ""), a->element, "");
    return tg_x86_from_memory(x, old, a->dtype);
}

static LLVMValueRef modify(tg_x86 *x, tg_x86_frame *f, tg_op *op, LLVMValueRef p, const tg_x86_address *a) {
    LLVMValueRef v = tg_x86_plain(x, tg_x86_eval(x, f, tg_operand(op, 1))).v;
    tg_enum fn = tg_op_enum(op, TG_ATTR_FN, TG_FN_ADD);
    bool is_float = tg_dtype_is_float(a->dtype);
    bool direct = is_float ? fn == TG_FN_ADD && tg_dtype_bits(a->dtype) >= 32 : a->dtype != TG_BOOL;
    if (!direct) {
        return rmw_loop(x, op, p, a, v);
    }
    return LLVMBuildAtomicRMW(x->builder, rmw_of(fn, a->dtype), p, v, ordering_of(op), 0);
}

/* Reads, changes and writes the lanes of the address. */
static LLVMValueRef update(tg_x86 *x, tg_x86_frame *f, tg_op *op, const tg_x86_address *a) {
    LLVMValueRef v = tg_x86_vector(x, tg_x86_eval(x, f, tg_operand(op, 1)));
    LLVMValueRef old = tg_x86_from_memory(x, tg_x86_load_elements(x, a), a->dtype);
    tg_x86_store_elements(x, a, tg_x86_to_memory(x, combine(x, op, a->dtype, old, v), a->dtype));
    return old;
}

tg_x86_val tg_x86_atomic(tg_x86 *x, tg_x86_frame *f, tg_op *op) {
    LLVMValueRef inside;
    tg_x86_address a = tg_x86_address_of(x, f, op, &inside);
    if (tg_dtype_bits(a.dtype) == 4 || tg_dtype_kind_of(a.dtype) == TG_KIND_COMPLEX) {
        tg_x86_refuse(x, op, "has no atomic form for this element type");
    }
    tg_value *guard = op->opcode == TG_OP_ATOMIC ? tg_op_guard(op) : NULL;
    if (guard) {
        inside = tg_x86_and_masks(x, inside, tg_x86_eval(x, f, guard).v);
    }
    bool plain = tg_x86_is_plain_atomic(x, op);
    uint32_t n_values = op->opcode == TG_OP_CAS ? 2 : 1;
    LLVMTypeRef type = tg_llvm_wide(tg_x86_reg_type(x, a.dtype), x->lanes);
    LLVMValueRef slot = tg_x86_alloca(x, type), p = plain ? NULL : tg_llvm_gep(x->l, a.element, a.base, a.offset.v);
    inside = plain ? tg_x86_and_masks(x, f->mask, inside) : inside;
    for (uint32_t i = 1; i <= n_values; i++) { /* now: other operations of the nest may use what it is made of, and not only in this branch */
        tg_x86_eval(x, f, tg_operand(op, i));
    }
    if (inside && tg_llvm_is_vector(inside)) {
        a.mask = inside;
        inside = NULL;
    }
    LLVMBuildStore(x->builder, LLVMConstNull(type), slot);
    tg_llvm_if c;
    if (inside) {
        tg_llvm_if_open(x->l, &c, inside);
    }
    LLVMValueRef old = plain ? update(x, f, op, &a) : op->opcode == TG_OP_CAS ? exchange_if(x, f, op, p, &a) : modify(x, f, op, p, &a);
    LLVMBuildStore(x->builder, old, slot);
    if (inside) {
        tg_llvm_if_close(x->l, &c);
    }
    return (tg_x86_val){LLVMBuildLoad2(x->builder, type, slot, ""), NULL, NULL};
}
