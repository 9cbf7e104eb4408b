/* Ops with loops of their own. */
#include "targets/x86/x86_internal.h"

void tg_x86_emit_special(tg_x86 *x, tg_op *op) {
    tg_x86_refuse(x, op, "has no lowering on this target");
}

void tg_x86_emit_fail(tg_x86 *x, tg_op *op, tg_x86_frame *f) {
    (void)f;
    LLVMBuilderRef b = x->builder;
    const char *format = tg_op_str(op, TG_ATTR_FORMAT);
    LLVMTypeRef params[] = {x->l->ptr, x->l->i32, x->l->ptr}, type = LLVMFunctionType(x->l->t_void, params, 3, 0);
    LLVMValueRef text = LLVMBuildGlobalStringPtr(b, format ? format : "assertion failed", "");
    LLVMValueRef at = tg_llvm_gep(x->l, x->l->i8, x->rt, tg_llvm_i64(x->l, (int64_t)offsetof(tg_rt, fail)));
    LLVMValueRef fn = tg_llvm_load(x->l, x->l->ptr, at, 8);
    LLVMBuildCall2(b, type, fn, (LLVMValueRef[]){x->rt, tg_llvm_i32(x->l, TG_ERROR_LAUNCH), text}, 3, "");
}

void tg_x86_emit_print(tg_x86 *x, tg_op *op, tg_x86_frame *f) {
    (void)f;
    tg_x86_refuse(x, op, "has no lowering on this target");
}

tg_x86_val tg_x86_philox(tg_x86 *x, tg_x86_frame *f, tg_op *op, uint32_t result) {
    (void)f;
    (void)result;
    tg_x86_refuse(x, op, "has no lowering on this target");
}

void tg_x86_inline_region(tg_x86 *x, tg_region *r, tg_x86_val *args, tg_x86_val *out, LLVMValueRef mask) {
    (void)args;
    (void)out;
    (void)mask;
    tg_x86_refuse(x, r->parent, "has no lowering on this target");
}
