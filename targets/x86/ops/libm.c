/* The f64 functions that lower-math leaves, or leaves to huge arguments: one call of the C library per lane. Their mnemonics are its names. */
#include "targets/x86/ops/elementwise.h"

static LLVMValueRef declare(tg_x86 *x, const char *name, LLVMTypeRef type) {
    LLVMValueRef fn = LLVMGetNamedFunction(x->l->module, name);
    return fn ? fn : LLVMAddFunction(x->l->module, name, type);
}

static LLVMValueRef lane(tg_x86 *x, LLVMValueRef v, unsigned i) {
    return tg_llvm_is_vector(v) ? LLVMBuildExtractElement(x->builder, v, tg_llvm_i32(x->l, i), "") : v;
}

LLVMValueRef tg_x86_libm(tg_x86 *x, tg_opcode op, const tg_x86_val *args, uint32_t n) {
    LLVMTypeRef params[2] = {x->l->f64, x->l->f64};
    LLVMTypeRef type = LLVMFunctionType(x->l->f64, params, n, 0);
    LLVMValueRef fn = declare(x, tg_op_info_of(op)->mnemonic, type);
    unsigned lanes = tg_llvm_lanes(args[0].v);
    LLVMValueRef out = lanes == 1 ? NULL : LLVMGetPoison(LLVMTypeOf(args[0].v));
    for (unsigned i = 0; i < lanes; i++) {
        LLVMValueRef in[2] = {lane(x, args[0].v, i), n > 1 ? lane(x, args[1].v, i) : NULL};
        LLVMValueRef r = LLVMBuildCall2(x->builder, type, fn, in, n, "");
        if (lanes == 1) {
            return r;
        }
        out = LLVMBuildInsertElement(x->builder, out, r, tg_llvm_i32(x->l, i), "");
    }
    return out;
}
