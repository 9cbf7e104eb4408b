/* Constants in indices, and how the points of a tile share pointers.
 *
 *   X[p + r, q + s, c]      the points p … p + 3, q … q + 1 of a tile with r, s of 3 by 3: 6 rows of 4 positions
 *
 * Where strides are known at run time only, every position would be a pointer of its own, which the loop over c reads from the
 * stack: one load more for every vector. Instead one pointer for each row moves with c, and positions are its sums with a few multiples
 * of the stride, which stay in registers. LLVM would take these sums out of the loop again, so a row's pointer passes through an
 * empty piece of assembler, which it does not see through; equal ones are one for it still.
 *
 * What is read for one row of a window is read again for the next (p + 1, r = 0 is p, r = 1): in registers it would be kept in place of
 * accumulators, on the stack it would be stored. So pointers count as equal within a row of the window only. */
#include "targets/x86/memory/address.h"

/* v = result + *plus. Products with constants are distributed. */
static LLVMValueRef without_constant(tg_x86 *x, LLVMValueRef v, int64_t *plus) {
    int64_t c, inner;
    *plus = 0;
    while (LLVMIsAInstruction(v) && LLVMGetInstructionOpcode(v) == LLVMAdd && tg_llvm_is_const(LLVMGetOperand(v, 1), &c) &&
           !__builtin_add_overflow(*plus, c, plus)) {
        v = LLVMGetOperand(v, 0);
    }
    if (LLVMIsAInstruction(v) && LLVMGetInstructionOpcode(v) == LLVMMul && tg_llvm_is_const(LLVMGetOperand(v, 1), &c)) {
        LLVMValueRef rest = without_constant(x, LLVMGetOperand(v, 0), &inner);
        if (inner && !__builtin_mul_overflow(inner, c, &inner) && !__builtin_add_overflow(*plus, inner, plus)) {
            v = LLVMBuildMul(x->builder, rest, LLVMGetOperand(v, 1), "");
        }
    }
    return v;
}

LLVMValueRef tg_x86_move_constant(tg_x86 *x, tg_x86_address *a, tg_x86_val *index, LLVMValueRef stride, bool all) {
    int64_t plus, c;
    bool whole = tg_dtype_bits(a->dtype) >= 8 && tg_dtype_kind_of(a->dtype) != TG_KIND_COMPLEX;
    bool is_const = tg_llvm_is_const(index->v, &plus);
    if (!whole || tg_llvm_is_const(stride, &c) || tg_llvm_is_vector(index->v) || (is_const && !all)) {
        return NULL;
    }
    LLVMValueRef rest = is_const ? tg_llvm_i64(x->l, 0) : without_constant(x, index->v, &plus);
    if (plus == 0) {
        return NULL;
    }
    index->v = rest;
    return LLVMBuildMul(x->builder, stride, tg_llvm_i64(x->l, plus), "");
}

/* The same pointer, of which nothing is known but where it comes from. */
static LLVMValueRef opaque(tg_x86 *x, LLVMValueRef p) {
    static const char constraints[] = "=r,0,i,~{dirflag},~{fpsr},~{flags}";
    LLVMTypeRef types[] = {x->l->ptr, x->l->i32}, type = LLVMFunctionType(x->l->ptr, types, 2, 0);
    LLVMValueRef args[] = {p, tg_llvm_i32(x->l, x->window_row)};
    LLVMValueRef code = LLVMGetInlineAsm(type, "", 0, constraints, sizeof constraints - 1, 0, 0, LLVMInlineAsmDialectATT, 0);
    LLVMValueRef call = LLVMBuildCall2(x->builder, type, code, args, 2, "");
    unsigned memory = LLVMGetEnumAttributeKindForName("memory", 6);
    LLVMAddCallSiteAttribute(call, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, LLVMCreateEnumAttribute(x->l->context, memory, 0)); /* none */
    return call;
}

void tg_x86_point_at_row(tg_x86 *x, tg_x86_address *a, LLVMValueRef column) {
    a->base = opaque(x, tg_llvm_gep(x->l, a->element, a->base, a->offset.v));
    a->offset.v = column ? column : tg_llvm_i64(x->l, 0);
}
