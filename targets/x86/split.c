/* The level "avx512split": AVX-512 code for a processor that has AVX2, so that what is emitted for the former can be run, and tested, on
 * the latter. LLVM splits the vectors and masks by itself; the few instructions that are called by name are functions here. */
#include "targets/x86/ops/ops.h"

#include <string.h>

typedef LLVMValueRef (*body_fn)(tg_llvm *l, LLVMValueRef fn);

/* vscalefps: a * 2^floor(n); the lanes are not masked, rounding is as set. */
static LLVMValueRef scale(tg_llvm *l, LLVMValueRef fn) {
    LLVMValueRef a = LLVMGetParam(fn, 0), n = tg_llvm_call1(l, "llvm.floor", LLVMGetParam(fn, 1));
    LLVMTypeRef floats = LLVMTypeOf(a), ints = tg_llvm_like(l->i32, a);
    n = tg_llvm_call(l, "llvm.fptosi.sat", (LLVMTypeRef[]){ints, floats}, 2, &n, 1);
    return tg_llvm_call(l, "llvm.ldexp", (LLVMTypeRef[]){floats, ints}, 2, (LLVMValueRef[]){a, n}, 2);
}

/* vrangeps as quotient.c asks for it: the least or the greatest magnitude, numbers before NaN. */
static LLVMValueRef range(tg_llvm *l, LLVMValueRef fn) {
    LLVMValueRef a = tg_llvm_call1(l, "llvm.fabs", LLVMGetParam(fn, 0)), c = tg_llvm_call1(l, "llvm.fabs", LLVMGetParam(fn, 1));
    LLVMValueRef greatest = LLVMBuildICmp(l->builder, LLVMIntEQ, LLVMGetParam(fn, 2), tg_llvm_i32(l, TG_X86_RANGE_ABS_MAX), "");
    return LLVMBuildSelect(l->builder, greatest, tg_llvm_call2(l, "llvm.maxnum", a, c), tg_llvm_call2(l, "llvm.minnum", a, c), "");
}

/* vpmaddwd: the two products of each pair of words, added. */
static LLVMValueRef multiply_pairs(tg_llvm *l, LLVMValueRef fn) {
    unsigned even[16], odd[16];
    for (unsigned i = 0; i < 16; i++) {
        even[i] = 2 * i;
        odd[i] = 2 * i + 1;
    }
    LLVMTypeRef wide = LLVMVectorType(l->i32, 32);
    LLVMValueRef a = LLVMBuildSExt(l->builder, LLVMGetParam(fn, 0), wide, ""), c = LLVMBuildSExt(l->builder, LLVMGetParam(fn, 1), wide, "");
    LLVMValueRef products = LLVMBuildMul(l->builder, a, c, "");
    return LLVMBuildAdd(l->builder, tg_llvm_shuffle(l, products, products, even, 16), tg_llvm_shuffle(l, products, products, odd, 16), "");
}

static const struct {
    const char *name;
    body_fn body;
} missing[] = {{"llvm.x86.avx512.mask.scalef.ps.128", scale},
               {"llvm.x86.avx512.mask.scalef.ps.256", scale},
               {"llvm.x86.avx512.mask.scalef.ps.512", scale},
               {"llvm.x86.avx512.mask.range.ps.512", range},
               {"llvm.x86.avx512.pmaddw.d.512", multiply_pairs}};

static void define(tg_x86 *x, LLVMValueRef intrinsic, body_fn body) {
    LLVMValueRef fn = LLVMAddFunction(x->l->module, "missing", LLVMGlobalGetValueType(intrinsic));
    unsigned kind = LLVMGetEnumAttributeKindForName("alwaysinline", 12);
    LLVMSetLinkage(fn, LLVMInternalLinkage);
    LLVMAddAttributeAtIndex(fn, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, LLVMCreateEnumAttribute(x->l->context, kind, 0));
    LLVMPositionBuilderAtEnd(x->builder, LLVMAppendBasicBlockInContext(x->l->context, fn, ""));
    LLVMBuildRet(x->builder, body(x->l, fn));
    LLVMReplaceAllUsesWith(intrinsic, fn);
    LLVMDeleteFunction(intrinsic);
}

void tg_x86_define_missing(tg_x86 *x) {
    for (size_t i = 0; x->machine->splits && i < sizeof missing / sizeof missing[0]; i++) {
        LLVMValueRef intrinsic = LLVMGetNamedFunction(x->l->module, missing[i].name);
        if (intrinsic) {
            define(x, intrinsic, missing[i].body);
            x->inlines = true;
        }
    }
}
