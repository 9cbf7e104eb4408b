/* One elementwise op on LLVM scalars or vectors. Meaning: language.md section 4. Integers wrap and never trap, floats
 * are IEEE without contraction (fused only in FMA), f16 and bf16 are computed in f32 and rounded after every op, which
 * is exact for + - * / sqrt because f32 has more than twice their bits. Complex: complex.c. */
#include "dsl/ir/range.h"
#include "targets/x86/memory/memory.h"
#include "targets/x86/ops/elementwise.h"
#include "targets/x86/ops/ops.h"

#include <math.h>

static LLVMValueRef imm(LLVMValueRef like, int64_t v) {
    return tg_llvm_int(LLVMTypeOf(like), v);
}

static LLVMValueRef zero_of(LLVMValueRef like) {
    return LLVMConstNull(LLVMTypeOf(like));
}

static LLVMValueRef select(tg_x86 *x, LLVMValueRef c, LLVMValueRef a, LLVMValueRef b) {
    return LLVMBuildSelect(x->builder, c, a, b, "");
}

static bool is_signed(tg_dtype t) {
    return tg_dtype_kind_of(t) == TG_KIND_SINT;
}

LLVMValueRef tg_x86_fast(tg_x86 *x, LLVMValueRef v) {
    unsigned flags = 0;
    flags |= x->f->fast & TG_FAST_REASSOC ? LLVMFastMathAllowReassoc | LLVMFastMathNoSignedZeros : 0;
    flags |= x->f->fast & TG_FAST_NONAN ? LLVMFastMathNoNaNs : 0;
    flags |= x->f->fast & TG_FAST_NOINF ? LLVMFastMathNoInfs : 0;
    flags |= x->f->fast & TG_FAST_RECIP ? LLVMFastMathAllowReciprocal : 0;
    flags |= x->f->fast & TG_FAST_APPROX ? LLVMFastMathApproxFunc : 0;
    if (flags && LLVMIsAInstruction(v) && LLVMCanValueUseFastMathFlags(v)) {
        LLVMSetFastMathFlags(v, flags);
    }
    return v;
}

/* ---- integer division ------------------------------------------------------------------------------ */

/* Of vectors, which have no such instruction, by floats. If a / d, of p bits each, is no whole number, it is 1 / d or more from one, and that is more than
 * 2^-p of it, where a float of 2 p bits or so rounds by less: truncation gives the same. */
static LLVMValueRef quotient_by_floats(tg_x86 *x, tg_dtype t, LLVMValueRef a, LLVMValueRef d) {
    LLVMBuilderRef b = x->builder;
    bool wide = tg_dtype_bits(t) > 16, by_sign = is_signed(t);
    LLVMTypeRef f = tg_llvm_like(wide ? x->l->f64 : x->l->f32, a), word = tg_llvm_like(x->l->i32, a);
    LLVMValueRef p = by_sign ? LLVMBuildSIToFP(b, a, f, "") : LLVMBuildUIToFP(b, a, f, "");
    LLVMValueRef q = by_sign ? LLVMBuildSIToFP(b, d, f, "") : LLVMBuildUIToFP(b, d, f, "");
    LLVMValueRef r = LLVMBuildFDiv(b, p, q, "");
    r = wide && !by_sign ? LLVMBuildFPToUI(b, r, word, "") : LLVMBuildFPToSI(b, r, word, "");
    return wide ? r : LLVMBuildTrunc(b, r, LLVMTypeOf(a), "");
}

static LLVMValueRef truncated_quotient(tg_x86 *x, tg_dtype t, LLVMValueRef a, LLVMValueRef d) {
    bool by_floats = (tg_llvm_is_vector(a) || tg_llvm_is_vector(d)) && tg_dtype_bits(t) >= 8 && tg_dtype_bits(t) <= 32 && !LLVMIsConstant(d);
    if (by_floats) {
        unsigned lanes = tg_llvm_is_vector(a) ? tg_llvm_lanes(a) : tg_llvm_lanes(d);
        return quotient_by_floats(x, t, tg_llvm_splat(x->l, a, lanes), tg_llvm_splat(x->l, d, lanes));
    }
    return is_signed(t) ? LLVMBuildSDiv(x->builder, a, d, "") : LLVMBuildUDiv(x->builder, a, d, "");
}

/* x / 0 = 0 and MIN / -1 = MIN: divide by 1 instead and choose. Gives the truncated quotient and remainder. */
static void divide(tg_x86 *x, tg_dtype t, LLVMValueRef a, LLVMValueRef d, LLVMValueRef *quotient, LLVMValueRef *rest) {
    LLVMBuilderRef b = x->builder;
    LLVMValueRef by_zero = LLVMBuildICmp(b, LLVMIntEQ, d, zero_of(d), "");
    LLVMValueRef special = by_zero, by_minus = NULL;
    if (is_signed(t)) {
        by_minus = LLVMBuildICmp(b, LLVMIntEQ, d, imm(d, -1), "");
        special = LLVMBuildOr(b, by_zero, by_minus, "");
    }
    LLVMValueRef safe = select(x, special, imm(d, 1), d);
    LLVMValueRef q = truncated_quotient(x, t, a, safe);
    LLVMValueRef r = LLVMBuildSub(b, a, LLVMBuildMul(b, q, safe, ""), "");
    if (by_minus) {
        q = select(x, by_minus, LLVMBuildNeg(b, a, ""), q);
    }
    *quotient = select(x, by_zero, zero_of(a), q);
    *rest = select(x, by_zero, a, r);
}

/* k if `d`, or each of its lanes, is the constant 2^k; -1 if not */
static int power_of(LLVMValueRef d) {
    unsigned lanes = tg_llvm_lanes(d);
    LLVMValueRef first = tg_llvm_is_vector(d) && LLVMIsConstant(d) ? LLVMGetAggregateElement(d, 0) : d;
    for (unsigned i = 1; tg_llvm_is_vector(d) && first && i < lanes; i++) {
        first = LLVMGetAggregateElement(d, i) == first ? first : NULL; /* constants are unique */
    }
    int64_t c;
    return first && tg_llvm_is_const(first, &c) && c > 0 && (c & (c - 1)) == 0 ? __builtin_ctzll((uint64_t)c) : -1;
}

static LLVMValueRef floor_div(tg_x86 *x, tg_opcode op, tg_dtype t, LLVMValueRef a, LLVMValueRef d) {
    LLVMBuilderRef b = x->builder;
    LLVMValueRef q, r;
    int k = power_of(d);
    if (k >= 0) { /* a shift rounds down */
        LLVMValueRef n = imm(d, k), low = LLVMBuildSub(b, d, imm(d, 1), "");
        return op != TG_OP_DIV ? LLVMBuildAnd(b, a, low, "") : is_signed(t) ? LLVMBuildAShr(b, a, n, "") : LLVMBuildLShr(b, a, n, "");
    }
    divide(x, t, a, d, &q, &r);
    if (!is_signed(t)) {
        return op == TG_OP_DIV ? q : r;
    }
    LLVMValueRef differ = LLVMBuildICmp(b, LLVMIntSLT, LLVMBuildXor(b, r, d, ""), zero_of(r), "");
    LLVMValueRef inexact = LLVMBuildICmp(b, LLVMIntNE, r, zero_of(r), "");
    LLVMValueRef down = LLVMBuildAnd(b, differ, inexact, "");
    LLVMValueRef by_zero = LLVMBuildICmp(b, LLVMIntEQ, d, zero_of(d), "");
    down = LLVMBuildAnd(b, down, LLVMBuildNot(b, by_zero, ""), "");
    if (op == TG_OP_DIV) {
        return select(x, down, LLVMBuildSub(b, q, imm(q, 1), ""), q);
    }
    return select(x, down, LLVMBuildAdd(b, r, d, ""), r);
}

/* ---- integers ------------------------------------------------------------------------------------------ */

static LLVMValueRef int_min_max(tg_x86 *x, tg_opcode op, tg_dtype t, LLVMValueRef a, LLVMValueRef b) {
    bool less = op == TG_OP_MIN;
    LLVMIntPredicate p = is_signed(t) ? (less ? LLVMIntSLT : LLVMIntSGT) : (less ? LLVMIntULT : LLVMIntUGT);
    return select(x, LLVMBuildICmp(x->builder, p, a, b, ""), a, b);
}

/* Counts of any integer type, taken as unsigned. */
static LLVMValueRef shift(tg_x86 *x, tg_opcode op, tg_dtype t, LLVMValueRef a, LLVMValueRef count) {
    LLVMBuilderRef b = x->builder;
    int width = tg_dtype_bits(t);
    LLVMValueRef large = LLVMBuildICmp(b, LLVMIntUGE, count, imm(count, width), "");
    LLVMValueRef n = LLVMBuildIntCast2(b, count, LLVMTypeOf(a), 0, "");
    if (op == TG_OP_SHR && is_signed(t)) {
        return LLVMBuildAShr(b, a, select(x, large, imm(a, width - 1), n), "");
    }
    LLVMValueRef safe = select(x, large, zero_of(a), n);
    LLVMValueRef v = op == TG_OP_SHL ? LLVMBuildShl(b, a, safe, "") : LLVMBuildLShr(b, a, safe, "");
    return select(x, large, zero_of(a), v);
}

static LLVMValueRef rotate(tg_x86 *x, tg_dtype t, LLVMValueRef a, LLVMValueRef count) {
    LLVMValueRef n = LLVMBuildAnd(x->builder, count, imm(count, tg_dtype_bits(t) - 1), "");
    return tg_llvm_call3(x->l, "llvm.fshl", a, a, LLVMBuildIntCast2(x->builder, n, LLVMTypeOf(a), 0, ""));
}

static LLVMValueRef mulhi(tg_x86 *x, tg_dtype t, LLVMValueRef a, LLVMValueRef c) {
    LLVMBuilderRef b = x->builder;
    unsigned width = (unsigned)tg_dtype_bits(t);
    LLVMTypeRef wide = tg_llvm_like(LLVMIntTypeInContext(x->l->context, 2 * width), a);
    LLVMValueRef p = LLVMBuildMul(b, LLVMBuildIntCast2(b, a, wide, is_signed(t), ""),
                                  LLVMBuildIntCast2(b, c, wide, is_signed(t), ""), "");
    return LLVMBuildTrunc(b, LLVMBuildLShr(b, p, imm(p, width), ""), LLVMTypeOf(a), "");
}

/* Euclid with a loop of fixed length per lane would be slow; each lane runs until all are done. */
static LLVMValueRef gcd(tg_x86 *x, tg_dtype t, LLVMValueRef a, LLVMValueRef d) {
    LLVMBuilderRef b = x->builder;
    LLVMTypeRef type = LLVMTypeOf(a);
    LLVMValueRef pa = tg_x86_alloca(x, type), pd = tg_x86_alloca(x, type);
    LLVMValueRef off = LLVMConstInt(x->l->i1, 0, 0);
    if (is_signed(t)) {
        LLVMTypeRef types[] = {type};
        a = tg_llvm_call(x->l, "llvm.abs", types, 1, (LLVMValueRef[]){a, off}, 2);
        d = tg_llvm_call(x->l, "llvm.abs", types, 1, (LLVMValueRef[]){d, off}, 2);
    }
    LLVMBuildStore(b, a, pa);
    LLVMBuildStore(b, d, pd);
    LLVMBasicBlockRef head = tg_llvm_block(x->l), body = tg_llvm_block(x->l), after = tg_llvm_block(x->l);
    LLVMBuildBr(b, head);
    LLVMPositionBuilderAtEnd(b, head);
    LLVMValueRef u = LLVMBuildLoad2(b, type, pa, ""), v = LLVMBuildLoad2(b, type, pd, "");
    LLVMValueRef more = LLVMBuildICmp(b, LLVMIntNE, v, zero_of(v), "");
    LLVMValueRef any = tg_llvm_is_vector(more) ? tg_llvm_call1(x->l, "llvm.vector.reduce.or", more) : more;
    LLVMBuildCondBr(b, any, body, after);
    LLVMPositionBuilderAtEnd(b, body);
    LLVMValueRef r = LLVMBuildURem(b, u, select(x, more, v, imm(v, 1)), "");
    LLVMBuildStore(b, select(x, more, v, u), pa);
    LLVMBuildStore(b, select(x, more, r, v), pd);
    LLVMBuildBr(b, head);
    LLVMPositionBuilderAtEnd(b, after);
    return LLVMBuildLoad2(b, type, pa, "");
}

static LLVMValueRef byte_perm(tg_x86 *x, LLVMValueRef lo, LLVMValueRef hi, LLVMValueRef sel) {
    LLVMBuilderRef b = x->builder;
    LLVMTypeRef wide = tg_llvm_like(x->l->i64, lo);
    LLVMValueRef pair = LLVMBuildZExt(b, hi, wide, "");
    pair = LLVMBuildOr(b, LLVMBuildShl(b, pair, imm(pair, 32), ""), LLVMBuildZExt(b, lo, wide, ""), "");
    LLVMValueRef s = LLVMBuildIntCast2(b, sel, wide, 0, ""), out = zero_of(pair);
    for (int i = 0; i < 4; i++) {
        LLVMValueRef n = LLVMBuildAnd(b, LLVMBuildLShr(b, s, imm(s, 4 * i), ""), imm(s, 7), "");
        LLVMValueRef byte = LLVMBuildLShr(b, pair, LLVMBuildShl(b, n, imm(n, 3), ""), "");
        byte = LLVMBuildAnd(b, byte, imm(byte, 255), "");
        out = LLVMBuildOr(b, out, LLVMBuildShl(b, byte, imm(byte, 8 * i), ""), "");
    }
    return LLVMBuildTrunc(b, out, LLVMTypeOf(lo), "");
}

static LLVMValueRef count_bits(tg_x86 *x, tg_opcode op, LLVMValueRef a) {
    LLVMTypeRef type = LLVMTypeOf(a);
    if (op == TG_OP_POPC) {
        return tg_llvm_call1(x->l, "llvm.ctpop", a);
    }
    LLVMValueRef args[] = {a, LLVMConstInt(x->l->i1, 0, 0)};
    return tg_llvm_call(x->l, op == TG_OP_CLZ ? "llvm.ctlz" : "llvm.cttz", &type, 1, args, 2);
}

/* ---- floats ------------------------------------------------------------------------------------------------ */

static LLVMValueRef bits_of(tg_x86 *x, LLVMValueRef v) {
    bool d = LLVMGetTypeKind(LLVMTypeOf(v)) == LLVMDoubleTypeKind ||
             (tg_llvm_is_vector(v) && LLVMGetElementType(LLVMTypeOf(v)) == x->l->f64);
    return LLVMBuildBitCast(x->builder, v, tg_llvm_like(d ? x->l->i64 : x->l->i32, v), "");
}

/* NaN propagates: when the comparison is unordered take x + y. The sign of a zero result is unspecified. */
static LLVMValueRef float_min_max(tg_x86 *x, tg_opcode op, LLVMValueRef a, LLVMValueRef c) {
    LLVMBuilderRef b = x->builder;
    bool number = op == TG_OP_MINNUM || op == TG_OP_MAXNUM;
    bool less = op == TG_OP_MIN || op == TG_OP_MINNUM;
    LLVMValueRef chosen = LLVMBuildFCmp(b, less ? LLVMRealOLT : LLVMRealOGT, a, c, "");
    LLVMValueRef v = select(x, chosen, a, c); /* c if unordered: right when a is NaN and minnum, or c is NaN and min */
    LLVMValueRef other = number ? c : a;
    return select(x, LLVMBuildFCmp(b, LLVMRealUNO, other, other, ""), a, v);
}

static LLVMValueRef float_sign(tg_x86 *x, LLVMValueRef a) {
    LLVMBuilderRef b = x->builder;
    LLVMValueRef one = tg_llvm_call2(x->l, "llvm.copysign", tg_llvm_real(LLVMTypeOf(a), 1.0), a);
    LLVMValueRef ordered = LLVMBuildFCmp(b, LLVMRealONE, a, zero_of(a), ""); /* neither zero nor NaN */
    return select(x, ordered, one, a);
}

static LLVMValueRef classify(tg_x86 *x, tg_opcode op, LLVMValueRef a) {
    LLVMBuilderRef b = x->builder;
    LLVMValueRef mag = tg_llvm_call1(x->l, "llvm.fabs", a), inf = tg_llvm_real(LLVMTypeOf(a), INFINITY);
    if (op == TG_OP_ISNAN) {
        return LLVMBuildFCmp(b, LLVMRealUNO, a, a, "");
    }
    if (op == TG_OP_ISINF) {
        return LLVMBuildFCmp(b, LLVMRealOEQ, mag, inf, "");
    }
    if (op == TG_OP_ISFINITE) {
        return LLVMBuildFCmp(b, LLVMRealOLT, mag, inf, "");
    }
    LLVMValueRef u = bits_of(x, a);
    return LLVMBuildICmp(b, LLVMIntSLT, u, zero_of(u), "");
}

/* One step of the bit pattern towards y. In f16/bf16 a step is 2^13 or 2^16 f32 patterns; their subnormals (f16) need
 * the step of the format: a fixed spacing. */
static LLVMValueRef nextafter_of(tg_x86 *x, tg_dtype t, LLVMValueRef a, LLVMValueRef y) {
    LLVMBuilderRef b = x->builder;
    LLVMValueRef u = bits_of(x, a), zero = zero_of(u);
    int64_t step = t == TG_BF16 ? 1 << 16 : t == TG_F16 ? 1 << 13 : 1;
    LLVMValueRef up = LLVMBuildFCmp(b, LLVMRealOLT, a, y, "");
    LLVMValueRef negative = LLVMBuildICmp(b, LLVMIntSLT, u, zero, "");
    LLVMValueRef grow = LLVMBuildXor(b, up, negative, ""); /* magnitude grows */
    LLVMValueRef moved = LLVMBuildAdd(b, u, select(x, grow, imm(u, step), imm(u, -step)), "");
    LLVMValueRef v = LLVMBuildBitCast(b, moved, LLVMTypeOf(a), "");
    if (t == TG_F16) {
        LLVMTypeRef type = LLVMTypeOf(a);
        LLVMValueRef mag = tg_llvm_call1(x->l, "llvm.fabs", a), least = tg_llvm_real(type, 0x1p-14);
        LLVMValueRef tiny = LLVMBuildFCmp(b, LLVMRealOLT, mag, least, "");
        LLVMValueRef edge = LLVMBuildAnd(b, LLVMBuildFCmp(b, LLVMRealOEQ, mag, least, ""), LLVMBuildNot(b, grow, ""), "");
        LLVMValueRef d = select(x, up, tg_llvm_real(type, 0x1p-24), tg_llvm_real(type, -0x1p-24));
        v = select(x, LLVMBuildOr(b, tiny, edge, ""), LLVMBuildFAdd(b, a, d, ""), v);
        LLVMValueRef over = LLVMBuildFCmp(b, LLVMRealOGT, tg_llvm_call1(x->l, "llvm.fabs", v), tg_llvm_real(type, 65504.0), "");
        LLVMValueRef inf = tg_llvm_call2(x->l, "llvm.copysign", tg_llvm_real(type, INFINITY), v);
        v = select(x, over, inf, v);
        LLVMValueRef most = tg_llvm_call2(x->l, "llvm.copysign", tg_llvm_real(type, 65504.0), a);
        v = select(x, LLVMBuildFCmp(b, LLVMRealOEQ, mag, tg_llvm_real(type, INFINITY), ""), most, v); /* back into the range */
    } else {
        double least = t == TG_F64 ? 0x1p-1074 : t == TG_BF16 ? 0x1p-133 : 0x1p-149;
        LLVMValueRef small = tg_llvm_call2(x->l, "llvm.copysign", tg_llvm_real(LLVMTypeOf(a), least), y);
        v = select(x, LLVMBuildFCmp(b, LLVMRealOEQ, a, zero_of(a), ""), small, v);
    }
    v = select(x, LLVMBuildFCmp(b, LLVMRealOEQ, a, y, ""), y, v);
    return select(x, LLVMBuildFCmp(b, LLVMRealUNO, a, y, ""), LLVMBuildFAdd(b, a, y, ""), v);
}

/* f16/bf16: the product is exact in f64; the sum is made odd where it is inexact (two-sum), so that rounding it to the
 * small format is the only rounding. */
static LLVMValueRef fma_exactly(tg_x86 *x, tg_dtype t, LLVMValueRef a, LLVMValueRef c, LLVMValueRef d) {
    LLVMBuilderRef b = x->builder;
    LLVMTypeRef wide = tg_llvm_like(x->l->f64, a);
    LLVMValueRef p = LLVMBuildFMul(b, LLVMBuildFPExt(b, a, wide, ""), LLVMBuildFPExt(b, c, wide, ""), "");
    LLVMValueRef q = LLVMBuildFPExt(b, d, wide, ""), s = LLVMBuildFAdd(b, p, q, "");
    LLVMValueRef v = LLVMBuildFSub(b, s, p, "");
    LLVMValueRef e = LLVMBuildFAdd(b, LLVMBuildFSub(b, p, LLVMBuildFSub(b, s, v, ""), ""), LLVMBuildFSub(b, q, v, ""), "");
    LLVMValueRef u = bits_of(x, s), zero = zero_of(u);
    LLVMValueRef even = LLVMBuildICmp(b, LLVMIntEQ, LLVMBuildAnd(b, u, imm(u, 1), ""), zero, "");
    LLVMValueRef fix = LLVMBuildAnd(b, LLVMBuildFCmp(b, LLVMRealONE, e, zero_of(e), ""), even, "");
    LLVMValueRef away = LLVMBuildICmp(b, LLVMIntSGE, LLVMBuildXor(b, bits_of(x, e), u, ""), zero, "");
    LLVMValueRef odd = LLVMBuildAdd(b, u, select(x, away, imm(u, 1), imm(u, -1)), "");
    s = LLVMBuildBitCast(b, select(x, fix, odd, u), wide, "");
    return tg_x86_convert(x, s, TG_F64, t);
}

/* May `s`, the sum in f32, round to the small format otherwise than the exact one? Only if it is in the middle of two of its numbers: those are numbers of f32, so
 * that everything else stays on its side of them. (Where numbers of f16 are subnormal the middle is elsewhere: all of them.) */
static LLVMValueRef rounds_in_doubt(tg_x86 *x, tg_dtype t, LLVMValueRef s) {
    LLVMBuilderRef b = x->builder;
    LLVMValueRef u = bits_of(x, s);
    int64_t middle = t == TG_BF16 ? 1 << 15 : 1 << 12;
    LLVMValueRef doubt = LLVMBuildICmp(b, LLVMIntEQ, LLVMBuildAnd(b, u, imm(u, 2 * middle - 1), ""), imm(u, middle), "");
    if (t == TG_BF16) {
        return doubt;
    }
    LLVMValueRef small = LLVMBuildFCmp(b, LLVMRealOLT, tg_llvm_call1(x->l, "llvm.fabs", s), tg_llvm_real(LLVMTypeOf(s), 0x1p-14), "");
    return LLVMBuildOr(b, doubt, LLVMBuildAnd(b, small, LLVMBuildFCmp(b, LLVMRealONE, s, zero_of(s), ""), ""), "");
}

/* Is s = a c + d not exact? (Or is the product too small to be exact in f32, which makes it matter only where s is small.) */
static LLVMValueRef is_inexact(tg_x86 *x, LLVMValueRef a, LLVMValueRef c, LLVMValueRef d, LLVMValueRef s) {
    LLVMBuilderRef b = x->builder;
    LLVMValueRef p = LLVMBuildFMul(b, a, c, ""), v = LLVMBuildFSub(b, s, p, "");
    LLVMValueRef e = LLVMBuildFAdd(b, LLVMBuildFSub(b, p, LLVMBuildFSub(b, s, v, ""), ""), LLVMBuildFSub(b, d, v, ""), "");
    LLVMValueRef small = LLVMBuildFCmp(b, LLVMRealOLT, tg_llvm_call1(x->l, "llvm.fabs", s), tg_llvm_real(LLVMTypeOf(s), 0x1p-100), "");
    return LLVMBuildOr(b, LLVMBuildFCmp(b, LLVMRealUNE, e, zero_of(e), ""), small, "");
}

static LLVMValueRef any_lane(tg_x86 *x, LLVMValueRef test) {
    return tg_llvm_is_vector(test) ? tg_llvm_call1(x->l, "llvm.vector.reduce.or", test) : test;
}

/* One instruction in f32, rounded once more, is right but where a lane is in doubt and not exact. */
static LLVMValueRef fma_small(tg_x86 *x, tg_dtype t, LLVMValueRef a, LLVMValueRef c, LLVMValueRef d) {
    LLVMBuilderRef b = x->builder;
    if (!x->machine->has_fma || x->machine->has_masks || x->options->baseline || x->eager) {
        return fma_exactly(x, t, a, c, d);
    }
    LLVMValueRef s = tg_llvm_call3(x->l, "llvm.fma", a, c, d), rounded = tg_x86_round(x, s, t), doubt = rounds_in_doubt(x, t, s);
    LLVMBasicBlockRef usual = LLVMGetInsertBlock(b), some = tg_llvm_block(x->l), rare = tg_llvm_block(x->l), after = tg_llvm_block(x->l);
    tg_x86_branch_rarely(x, any_lane(x, doubt), some, after);
    LLVMPositionBuilderAtEnd(b, some);
    tg_x86_branch_rarely(x, any_lane(x, LLVMBuildAnd(b, doubt, is_inexact(x, a, c, d, s), "")), rare, after);
    LLVMPositionBuilderAtEnd(b, rare);
    LLVMValueRef exact = fma_exactly(x, t, a, c, d);
    LLVMBuildBr(b, after);
    LLVMPositionBuilderAtEnd(b, after);
    LLVMValueRef out = LLVMBuildPhi(b, LLVMTypeOf(s), "");
    LLVMAddIncoming(out, (LLVMValueRef[]){exact, rounded, rounded}, (LLVMBasicBlockRef[]){rare, some, usual}, 3);
    return out;
}

/* vscalefps of one register. */
static LLVMValueRef scale_register(tg_x86 *x, LLVMValueRef a, LLVMValueRef n) {
    static const char *const names[] = {"llvm.x86.avx512.mask.scalef.ps.128", "llvm.x86.avx512.mask.scalef.ps.256",
                                        "llvm.x86.avx512.mask.scalef.ps.512"};
    unsigned lanes = tg_llvm_lanes(a), size = lanes / 8; /* 0, 1, 2 */
    LLVMTypeRef bits = LLVMIntTypeInContext(x->l->context, lanes < 8 ? 8 : lanes);
    LLVMValueRef args[] = {a, n, LLVMGetPoison(LLVMTypeOf(a)), LLVMConstAllOnes(bits), tg_llvm_i32(x->l, 4) /* rounding: as set */};
    return tg_llvm_call(x->l, names[size], NULL, 0, args, size == 2 ? 5 : 4);
}

/* Lanes from `first` on, as a vector of `n`; those that `v` lacks are undefined. */
static LLVMValueRef lanes_from(tg_x86 *x, LLVMValueRef v, unsigned first, unsigned n) {
    LLVMValueRef ids[16];
    unsigned have = tg_llvm_lanes(v);
    for (unsigned i = 0; i < n; i++) {
        ids[i] = first + i < have ? tg_llvm_i32(x->l, first + i) : LLVMGetPoison(x->l->i32);
    }
    return LLVMBuildShuffleVector(x->builder, v, LLVMGetPoison(LLVMTypeOf(v)), LLVMConstVector(ids, n), "");
}

/* x * 2^n, on machines with masks. */
static LLVMValueRef ldexp_of(tg_x86 *x, tg_dtype t, LLVMValueRef a, LLVMValueRef n) {
    unsigned lanes = tg_llvm_lanes(a), width = lanes >= 16 ? 16 : lanes >= 8 ? 8 : 4;
    if (t != TG_F32 || !x->machine->has_masks) {
        return NULL;
    }
    if (lanes == 1) {
        LLVMValueRef v = scale_register(x, tg_llvm_splat(x->l, a, width), tg_llvm_splat(x->l, n, width));
        return LLVMBuildExtractElement(x->builder, v, tg_llvm_i32(x->l, 0), "");
    }
    if (lanes <= width) {
        LLVMValueRef v = scale_register(x, lanes_from(x, a, 0, width), lanes_from(x, n, 0, width));
        return lanes_from(x, v, 0, lanes);
    }
    LLVMValueRef out = LLVMGetPoison(LLVMTypeOf(a));
    for (unsigned i = 0; i < lanes; i += width) {
        LLVMValueRef v = scale_register(x, lanes_from(x, a, i, width), lanes_from(x, n, i, width));
        LLVMTypeRef types[] = {LLVMTypeOf(a), LLVMTypeOf(v)};
        out = tg_llvm_call(x->l, "llvm.vector.insert", types, 2, (LLVMValueRef[]){out, v, tg_llvm_i64(x->l, i)}, 3);
    }
    return out;
}

static LLVMValueRef float_binary(tg_x86 *x, tg_opcode op, tg_dtype t, LLVMValueRef a, LLVMValueRef c) {
    LLVMBuilderRef b = x->builder;
    switch ((int)op) {
    case TG_OP_ADD:
        return tg_x86_round(x, tg_x86_fast(x, LLVMBuildFAdd(b, a, c, "")), t);
    case TG_OP_SUB:
        return tg_x86_round(x, tg_x86_fast(x, LLVMBuildFSub(b, a, c, "")), t);
    case TG_OP_MUL:
        return tg_x86_round(x, tg_x86_fast(x, LLVMBuildFMul(b, a, c, "")), t);
    case TG_OP_DIV:
        return tg_x86_round(x, tg_x86_fast(x, LLVMBuildFDiv(b, a, c, "")), t);
    case TG_OP_FMOD:
        return LLVMBuildFRem(b, a, c, "");
    case TG_OP_MIN:
    case TG_OP_MAX:
    case TG_OP_MINNUM:
    case TG_OP_MAXNUM:
        return float_min_max(x, op, a, c);
    case TG_OP_COPYSIGN:
        return tg_llvm_call2(x->l, "llvm.copysign", a, c);
    case TG_OP_NEXTAFTER:
        return nextafter_of(x, t, a, c);
    case TG_OP_LDEXP:
        return ldexp_of(x, t, a, c);
    default:
        return NULL;
    }
}

static LLVMValueRef int_binary(tg_x86 *x, tg_opcode op, tg_dtype t, LLVMValueRef a, LLVMValueRef c) {
    LLVMBuilderRef b = x->builder;
    switch ((int)op) {
    case TG_OP_ADD:
        return LLVMBuildAdd(b, a, c, "");
    case TG_OP_SUB:
        return LLVMBuildSub(b, a, c, "");
    case TG_OP_MUL:
        return LLVMBuildMul(b, a, c, "");
    case TG_OP_DIV:
    case TG_OP_REM:
        return floor_div(x, op, t, a, c);
    case TG_OP_TDIV:
    case TG_OP_TREM: {
        LLVMValueRef q, r;
        divide(x, t, a, c, &q, &r);
        return op == TG_OP_TDIV ? q : r;
    }
    case TG_OP_MIN:
    case TG_OP_MAX:
        return int_min_max(x, op, t, a, c);
    case TG_OP_AND:
        return LLVMBuildAnd(b, a, c, "");
    case TG_OP_OR:
        return LLVMBuildOr(b, a, c, "");
    case TG_OP_XOR:
        return LLVMBuildXor(b, a, c, "");
    case TG_OP_SHL:
    case TG_OP_SHR:
        return shift(x, op, t, a, c);
    case TG_OP_ROTL:
        return rotate(x, t, a, c);
    case TG_OP_MULHI:
        return mulhi(x, t, a, c);
    case TG_OP_GCD:
        return gcd(x, t, a, c);
    default:
        return NULL;
    }
}

LLVMValueRef tg_x86_binary(tg_x86 *x, tg_opcode op, tg_dtype t, LLVMValueRef a, LLVMValueRef b) {
    return tg_dtype_is_float(t) ? float_binary(x, op, t, a, b) : int_binary(x, op, t, a, b);
}

LLVMValueRef tg_x86_compare(tg_x86 *x, tg_enum pred, tg_dtype t, LLVMValueRef a, LLVMValueRef b) {
    static const LLVMRealPredicate reals[] = {LLVMRealOEQ, LLVMRealUNE, LLVMRealOLT, LLVMRealOLE, LLVMRealOGT, LLVMRealOGE};
    static const LLVMIntPredicate sints[] = {LLVMIntEQ, LLVMIntNE, LLVMIntSLT, LLVMIntSLE, LLVMIntSGT, LLVMIntSGE};
    static const LLVMIntPredicate uints[] = {LLVMIntEQ, LLVMIntNE, LLVMIntULT, LLVMIntULE, LLVMIntUGT, LLVMIntUGE};
    unsigned i = (unsigned)pred - TG_EQ;
    if (tg_dtype_is_float(t)) {
        return LLVMBuildFCmp(x->builder, reals[i], a, b, "");
    }
    return LLVMBuildICmp(x->builder, is_signed(t) ? sints[i] : uints[i], a, b, "");
}

static LLVMValueRef float_unary(tg_x86 *x, tg_opcode op, tg_dtype t, LLVMValueRef a) {
    switch ((int)op) {
    case TG_OP_NEG:
        return LLVMBuildFNeg(x->builder, a, "");
    case TG_OP_ABS:
        return tg_llvm_call1(x->l, "llvm.fabs", a);
    case TG_OP_SIGN:
        return float_sign(x, a);
    case TG_OP_FLOOR:
        return tg_llvm_call1(x->l, "llvm.floor", a);
    case TG_OP_CEIL:
        return tg_llvm_call1(x->l, "llvm.ceil", a);
    case TG_OP_TRUNC:
        return tg_llvm_call1(x->l, "llvm.trunc", a);
    case TG_OP_ROUND:
        return tg_llvm_call1(x->l, "llvm.roundeven", a);
    case TG_OP_SQRT:
        return tg_x86_round(x, tg_llvm_call1(x->l, "llvm.sqrt", a), t);
    case TG_OP_ISNAN:
    case TG_OP_ISINF:
    case TG_OP_ISFINITE:
    case TG_OP_SIGNBIT:
        return classify(x, op, a);
    default:
        return NULL;
    }
}

static LLVMValueRef int_unary(tg_x86 *x, tg_opcode op, tg_dtype t, LLVMValueRef a) {
    LLVMBuilderRef b = x->builder;
    LLVMTypeRef type = LLVMTypeOf(a);
    switch ((int)op) {
    case TG_OP_NEG:
        return LLVMBuildNeg(b, a, "");
    case TG_OP_ABS:
        return is_signed(t) ? tg_llvm_call(x->l, "llvm.abs", &type, 1, (LLVMValueRef[]){a, LLVMConstInt(x->l->i1, 0, 0)}, 2) : a;
    case TG_OP_SIGN: {
        LLVMValueRef one = select(x, LLVMBuildICmp(b, LLVMIntNE, a, zero_of(a), ""), imm(a, 1), zero_of(a));
        LLVMValueRef minus = LLVMBuildICmp(b, LLVMIntSLT, a, zero_of(a), "");
        return is_signed(t) ? select(x, minus, imm(a, -1), one) : one;
    }
    case TG_OP_NOT:
        return LLVMBuildNot(b, a, "");
    case TG_OP_POPC:
    case TG_OP_CLZ:
    case TG_OP_CTZ:
        return count_bits(x, op, a);
    case TG_OP_BREV:
        return tg_llvm_call1(x->l, "llvm.bitreverse", a);
    default:
        return NULL;
    }
}

/* Register formats of the small types differ from memory's, so bits pass through memory form. */
static LLVMValueRef bitcast(tg_x86 *x, LLVMValueRef v, tg_dtype from, tg_dtype to) {
    LLVMValueRef m = tg_x86_to_memory(x, v, from);
    m = LLVMBuildBitCast(x->builder, m, tg_llvm_like(tg_x86_mem_type(x, to), m), "");
    return tg_x86_from_memory(x, m, to);
}

static LLVMValueRef fma_of(tg_x86 *x, tg_dtype t, LLVMValueRef a, LLVMValueRef b, LLVMValueRef c) {
    if (t == TG_F16 || t == TG_BF16) {
        return fma_small(x, t, a, b, c);
    }
    return tg_llvm_call3(x->l, "llvm.fma", a, b, c);
}

static bool fits_word(const tg_x86 *x, const tg_value *v) {
    tg_range r;
    bool known = tg_range_of(x->arena, v, &r) && r.lo.known && !r.lo.symbol && r.hi.known && !r.hi.symbol;
    return known && r.lo.constant > INT32_MIN && r.hi.constant <= INT32_MAX;
}

/* Vectors of 64 bits have neither a division nor the long products that stand for one by a constant: each lane would be divided by itself. */
static bool divides_words(const tg_x86 *x, const tg_op *op, tg_dtype t, const tg_x86_val *a) {
    tg_opcode code = op->opcode;
    bool divides = code == TG_OP_DIV || code == TG_OP_REM || code == TG_OP_TDIV || code == TG_OP_TREM;
    return divides && t == TG_I64 && tg_llvm_is_vector(a[0].v) && fits_word(x, tg_operand(op, 0)) && fits_word(x, tg_operand(op, 1));
}

static LLVMValueRef word_quotient(tg_x86 *x, tg_opcode op, LLVMValueRef a, LLVMValueRef d) {
    LLVMTypeRef word = tg_llvm_like(x->l->i32, a);
    LLVMValueRef q = tg_x86_binary(x, op, TG_I32, LLVMBuildTrunc(x->builder, a, word, ""), LLVMBuildTrunc(x->builder, d, word, ""));
    return LLVMBuildSExt(x->builder, q, LLVMTypeOf(a), "");
}

static LLVMValueRef real_op(tg_x86 *x, const tg_op *op, tg_dtype to, const tg_dtype *from, tg_x86_val *a, uint32_t n) {
    switch ((int)op->opcode) {
    case TG_OP_CMP:
        return tg_x86_compare(x, tg_op_enum(op, TG_ATTR_PRED, TG_EQ), from[0], a[0].v, a[1].v);
    case TG_OP_CAST:
        return tg_x86_convert(x, a[0].v, from[0], to);
    case TG_OP_BITCAST:
        return bitcast(x, a[0].v, from[0], to);
    case TG_OP_FMA:
        return fma_of(x, to, a[0].v, a[1].v, a[2].v);
    case TG_OP_BYTE_PERM:
        return byte_perm(x, a[0].v, a[1].v, a[2].v);
    default:
        break;
    }
    if (tg_op_is_math(op->opcode) && to == TG_F64) {
        return tg_x86_libm(x, op->opcode, a, n);
    }
    if (n == 1) {
        return tg_dtype_is_float(from[0]) ? float_unary(x, op->opcode, from[0], a[0].v)
                                          : int_unary(x, op->opcode, from[0], a[0].v);
    }
    if (n == 2 && divides_words(x, op, from[0], a)) {
        return word_quotient(x, op->opcode, a[0].v, a[1].v);
    }
    return n == 2 ? tg_x86_binary(x, op->opcode, from[0], a[0].v, a[1].v) : NULL;
}

/* All operands scalar or all vectors of one width. */
static void align_lanes(tg_x86 *x, tg_opcode op, tg_x86_val *a, uint32_t n) {
    unsigned lanes = 1;
    for (uint32_t i = 0; i < n; i++) {
        a[i] = tg_x86_plain(x, a[i]);
        unsigned k = tg_llvm_lanes(a[i].v);
        lanes = k > lanes ? k : lanes;
    }
    for (uint32_t i = 0; i < n; i++) {
        a[i].v = tg_x86_spread(x, op, a[i].v, lanes);
        a[i].im = a[i].im ? tg_llvm_splat(x->l, a[i].im, lanes) : NULL;
    }
}

static tg_x86_val affine(LLVMValueRef v, LLVMValueRef step) {
    int64_t c;
    bool none = !step || (tg_llvm_is_const(step, &c) && c == 0);
    return (tg_x86_val){v, none ? NULL : step, NULL};
}

/* i64 arithmetic on lane-affine values stays affine: addresses come from here. */
static bool apply_affine(tg_x86 *x, tg_opcode op, tg_x86_val *a, uint32_t n, tg_x86_val *out) {
    LLVMBuilderRef b = x->builder;
    bool any = false;
    for (uint32_t i = 0; i < n; i++) {
        any |= a[i].step != NULL;
        if (tg_llvm_is_vector(a[i].v)) {
            return false;
        }
    }
    if (!any) {
        return false;
    }
    LLVMValueRef zero = tg_llvm_i64(x->l, 0);
    LLVMValueRef s0 = a[0].step ? a[0].step : zero, s1 = n > 1 && a[1].step ? a[1].step : zero;
    if (op == TG_OP_ADD) {
        *out = affine(LLVMBuildAdd(b, a[0].v, a[1].v, ""), LLVMBuildAdd(b, s0, s1, ""));
    } else if (op == TG_OP_SUB) {
        *out = affine(LLVMBuildSub(b, a[0].v, a[1].v, ""), LLVMBuildSub(b, s0, s1, ""));
    } else if (op == TG_OP_NEG) {
        *out = affine(LLVMBuildNeg(b, a[0].v, ""), LLVMBuildNeg(b, s0, ""));
    } else if (op == TG_OP_MUL && !(a[0].step && a[1].step)) {
        LLVMValueRef factor = a[0].step ? a[1].v : a[0].v, step = a[0].step ? s0 : s1;
        *out = affine(LLVMBuildMul(b, a[0].v, a[1].v, ""), LLVMBuildMul(b, step, factor, ""));
    } else {
        return false;
    }
    return true;
}

static bool is_complex(tg_dtype t) {
    return tg_dtype_kind_of(t) == TG_KIND_COMPLEX;
}

tg_x86_val tg_x86_apply(tg_x86 *x, const tg_op *op, tg_dtype to, const tg_dtype *from, tg_x86_val *args, uint32_t n) {
    tg_x86_val out = {NULL, NULL, NULL};
    if (op->opcode == TG_OP_BROADCAST) {
        return args[0];
    }
    if (to == TG_I64 && n > 0 && from[0] == TG_I64 && apply_affine(x, op->opcode, args, n, &out)) {
        return out;
    }
    align_lanes(x, op->opcode, args, n);
    if (op->opcode == TG_OP_SELECT) {
        out.v = select(x, args[0].v, args[1].v, args[2].v);
        out.im = args[1].im ? select(x, args[0].v, args[1].im, args[2].im) : NULL;
        return out;
    }
    if (is_complex(to) || (n > 0 && is_complex(from[0]))) {
        out = tg_x86_apply_complex(x, op, to, from, args);
    } else {
        out.v = real_op(x, op, to, from, args, n);
    }
    if (!out.v) {
        tg_x86_refuse(x, op, "has no lowering on this target");
    }
    return out;
}

tg_x86_val tg_x86_const(tg_x86 *x, const tg_op *op) {
    tg_dtype t = tg_result(op, 0)->type->dtype;
    const tg_attr *value = tg_op_attr(op, TG_ATTR_VALUE), *imag = tg_op_attr(op, TG_ATTR_IMAG);
    LLVMTypeRef type = tg_x86_reg_type(x, t);
    tg_x86_val out = {NULL, NULL, NULL};
    if (tg_dtype_is_float(t) || is_complex(t)) {
        out.v = LLVMConstReal(type, value->kind == TG_AK_NUM ? value->f : (double)value->i);
        double im = !imag ? 0.0 : imag->kind == TG_AK_NUM ? imag->f : (double)imag->i;
        out.im = is_complex(t) ? LLVMConstReal(type, im) : NULL;
    } else {
        out.v = LLVMConstInt(type, (uint64_t)value->i, 1);
    }
    return out;
}
