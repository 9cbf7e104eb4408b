/* Complex numbers as two registers. Products and quotients are the textbook formulas without recovery of infinities
 * (language.md section 4). */
#include "targets/x86/ops/elementwise.h"
#include "targets/x86/ops/ops.h"

static tg_dtype real_of(tg_dtype t) {
    return tg_dtype_real(t);
}

static LLVMValueRef mul(tg_x86 *x, LLVMValueRef a, LLVMValueRef b) {
    return tg_x86_fast(x, LLVMBuildFMul(x->builder, a, b, ""));
}

static tg_x86_val multiply(tg_x86 *x, tg_x86_val a, tg_x86_val c) {
    LLVMBuilderRef b = x->builder;
    tg_x86_val out = {LLVMBuildFSub(b, mul(x, a.v, c.v), mul(x, a.im, c.im), ""), NULL,
                      LLVMBuildFAdd(b, mul(x, a.v, c.im), mul(x, a.im, c.v), "")};
    return out;
}

static tg_x86_val quotient(tg_x86 *x, tg_x86_val a, tg_x86_val c) {
    LLVMBuilderRef b = x->builder;
    LLVMValueRef d = LLVMBuildFAdd(b, mul(x, c.v, c.v), mul(x, c.im, c.im), "");
    LLVMValueRef re = LLVMBuildFAdd(b, mul(x, a.v, c.v), mul(x, a.im, c.im), "");
    LLVMValueRef im = LLVMBuildFSub(b, mul(x, a.im, c.v), mul(x, a.v, c.im), "");
    tg_x86_val out = {LLVMBuildFDiv(b, re, d, ""), NULL, LLVMBuildFDiv(b, im, d, "")};
    return out;
}

static LLVMValueRef equal(tg_x86 *x, const tg_op *op, tg_x86_val a, tg_x86_val c) {
    bool ne = tg_op_enum(op, TG_ATTR_PRED, TG_EQ) == TG_NE;
    LLVMRealPredicate p = ne ? LLVMRealUNE : LLVMRealOEQ;
    LLVMValueRef re = LLVMBuildFCmp(x->builder, p, a.v, c.v, ""), im = LLVMBuildFCmp(x->builder, p, a.im, c.im, "");
    return ne ? LLVMBuildOr(x->builder, re, im, "") : LLVMBuildAnd(x->builder, re, im, "");
}

static tg_x86_val cast(tg_x86 *x, tg_dtype to, tg_dtype from, tg_x86_val a) {
    tg_x86_val out = {tg_x86_convert(x, a.v, real_of(from), real_of(to)), NULL, NULL};
    bool to_complex = tg_dtype_kind_of(to) == TG_KIND_COMPLEX;
    if (to_complex) {
        out.im = a.im ? tg_x86_convert(x, a.im, real_of(from), real_of(to)) : LLVMConstNull(LLVMTypeOf(out.v));
    }
    return out;
}

tg_x86_val tg_x86_apply_complex(tg_x86 *x, const tg_op *op, tg_dtype to, const tg_dtype *from, tg_x86_val *a) {
    LLVMBuilderRef b = x->builder;
    tg_x86_val out = {NULL, NULL, NULL};
    switch ((int)op->opcode) {
    case TG_OP_ADD:
        return (tg_x86_val){LLVMBuildFAdd(b, a[0].v, a[1].v, ""), NULL, LLVMBuildFAdd(b, a[0].im, a[1].im, "")};
    case TG_OP_SUB:
        return (tg_x86_val){LLVMBuildFSub(b, a[0].v, a[1].v, ""), NULL, LLVMBuildFSub(b, a[0].im, a[1].im, "")};
    case TG_OP_MUL:
        return multiply(x, a[0], a[1]);
    case TG_OP_DIV:
        return quotient(x, a[0], a[1]);
    case TG_OP_NEG:
        return (tg_x86_val){LLVMBuildFNeg(b, a[0].v, ""), NULL, LLVMBuildFNeg(b, a[0].im, "")};
    case TG_OP_CONJ:
        return (tg_x86_val){a[0].v, NULL, a[0].im ? LLVMBuildFNeg(b, a[0].im, "") : NULL};
    case TG_OP_CMP:
        out.v = equal(x, op, a[0], a[1]);
        return out;
    case TG_OP_CPLX:
        return (tg_x86_val){a[0].v, NULL, a[1].v};
    case TG_OP_RE:
        out.v = a[0].v;
        return out;
    case TG_OP_IM:
        out.v = a[0].im;
        return out;
    case TG_OP_CAST:
        return cast(x, to, from[0], a[0]);
    default:
        return out;
    }
}
