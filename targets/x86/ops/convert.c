/* Conversions between element types, on scalars and on vectors alike, without library calls where the machine
 * lacks an instruction: bf16, f8 and f4 by integer arithmetic, all rounded to nearest even. Registers hold the
 * small floats as the f32 of equal value, so "rounding" is f32 → f32.
 *
 * f64 reaches a small float through f32 rounded to odd, which makes the second rounding exact (Boldo and
 * Melquiond, "When double rounding is odd", 2005). */
#include "targets/x86/ops/ops.h"

#include <math.h>

typedef struct small_format {
    int width, mantissa, bias; /* bits below the sign, stored mantissa bits, exponent bias */
    int max_bits;              /* bits of the largest finite value */
    int nan;                   /* code of NaN, 0: there is none; with infinities the quiet one without payload */
    bool has_inf;
} small_format;

static const small_format e4m3 = {7, 3, 7, 0x7e, 0x7f, false};
static const small_format e5m2 = {7, 2, 15, 0x7b, 0x7e, true};
static const small_format e2m1 = {3, 1, 1, 0x7, 0, false};
static const small_format e5m10 = {15, 10, 15, 0x7bff, 0x7e00, true}; /* f16 on a machine without F16C */

static const small_format *format_of(tg_dtype t) {
    return t == TG_F8E4M3 ? &e4m3 : t == TG_F8E5M2 ? &e5m2 : t == TG_F4E2M1 ? &e2m1 : t == TG_F16 ? &e5m10 : NULL;
}

static bool is_native_f16(const tg_x86 *x, tg_dtype t) {
    return t == TG_F16 && x->machine->has_f16c;
}

LLVMTypeRef tg_x86_reg_type(tg_x86 *x, tg_dtype t) {
    tg_llvm *l = x->l;
    if (t == TG_BOOL) {
        return l->i1;
    }
    if (t == TG_F64 || t == TG_C64) {
        return l->f64;
    }
    if (tg_dtype_is_float(t) || t == TG_C32) {
        return l->f32;
    }
    int bits = tg_dtype_bits(t);
    return bits <= 8 ? l->i8 : bits == 16 ? l->i16 : bits == 32 ? l->i32 : l->i64;
}

LLVMTypeRef tg_x86_mem_type(tg_x86 *x, tg_dtype t) {
    tg_llvm *l = x->l;
    if (is_native_f16(x, t)) {
        return l->f16;
    }
    if (t == TG_BF16 || t == TG_F16) {
        return l->i16;
    }
    return t == TG_BOOL || tg_dtype_bits(t) <= 8 ? l->i8 : tg_x86_reg_type(x, t);
}

LLVMTypeRef tg_x86_buf_type(tg_x86 *x, tg_dtype t) {
    return t == TG_BOOL ? x->l->i8 : tg_x86_reg_type(x, t);
}

LLVMValueRef tg_x86_from_buffer(tg_x86 *x, LLVMValueRef v, tg_dtype t) {
    return t == TG_BOOL ? LLVMBuildTrunc(x->builder, v, tg_llvm_like(x->l->i1, v), "") : v;
}

LLVMValueRef tg_x86_to_buffer(tg_x86 *x, LLVMValueRef v, tg_dtype t) {
    return t == TG_BOOL ? LLVMBuildZExt(x->builder, v, tg_llvm_like(x->l->i8, v), "") : v;
}

static LLVMValueRef imm(LLVMValueRef like, int64_t v) {
    return tg_llvm_int(LLVMTypeOf(like), v);
}

static LLVMValueRef as_int(tg_x86 *x, LLVMValueRef v) {
    return LLVMBuildBitCast(x->builder, v, tg_llvm_like(x->l->i32, v), "");
}

static LLVMValueRef as_f32(tg_x86 *x, LLVMValueRef v) {
    return LLVMBuildBitCast(x->builder, v, tg_llvm_like(x->l->f32, v), "");
}

/* Bits of the nearest bf16 in the upper half of a 32-bit word, lower half zero. */
static LLVMValueRef round_bf16_bits(tg_x86 *x, LLVMValueRef v) {
    LLVMBuilderRef b = x->builder;
    LLVMValueRef u = as_int(x, v);
    LLVMValueRef odd = LLVMBuildAnd(b, LLVMBuildLShr(b, u, imm(u, 16), ""), imm(u, 1), "");
    LLVMValueRef up = LLVMBuildAdd(b, LLVMBuildAdd(b, u, imm(u, 0x7fff), ""), odd, "");
    if (x->machine->has_masks) { /* a test gives a mask: one instruction less */
        LLVMValueRef test = LLVMBuildICmp(b, LLVMIntNE, LLVMBuildAnd(b, u, imm(u, 0x10000), ""), imm(u, 0), "");
        up = LLVMBuildAdd(b, u, LLVMBuildSelect(b, test, imm(u, 0x8000), imm(u, 0x7fff), ""), "");
    }
    LLVMValueRef nan = LLVMBuildFCmp(b, LLVMRealUNO, v, v, "");
    LLVMValueRef quiet = LLVMBuildOr(b, u, imm(u, 0x400000), "");
    return LLVMBuildAnd(b, LLVMBuildSelect(b, nan, quiet, up, ""), imm(u, (int64_t)0xffff0000), "");
}

/* Code of the NaN whose bits without the sign are a: the leading bits of the mantissa, so that a copy keeps them. */
static LLVMValueRef encode_nan(tg_x86 *x, LLVMValueRef a, const small_format *f) {
    LLVMBuilderRef b = x->builder;
    if (!f->has_inf) {
        return imm(a, f->nan);
    }
    LLVMValueRef kept = LLVMBuildAnd(b, LLVMBuildLShr(b, a, imm(a, 23 - f->mantissa), ""), imm(a, (1 << f->mantissa) - 1), "");
    LLVMValueRef none = LLVMBuildICmp(b, LLVMIntEQ, kept, imm(a, 0), "");
    return LLVMBuildSelect(b, none, imm(a, f->nan), LLVMBuildOr(b, kept, imm(a, f->max_bits + 1), ""), "");
}

/* f32 → the code of a small format in the low bits of i32. */
static LLVMValueRef encode_small(tg_x86 *x, LLVMValueRef v, const small_format *f) {
    LLVMBuilderRef b = x->builder;
    int drop = 23 - f->mantissa;
    LLVMValueRef u = as_int(x, v), sign = LLVMBuildLShr(b, u, imm(u, 31), "");
    LLVMValueRef a = LLVMBuildAnd(b, u, imm(u, 0x7fffffff), ""), mag = as_f32(x, a);
    LLVMValueRef odd = LLVMBuildAnd(b, LLVMBuildLShr(b, a, imm(u, drop), ""), imm(u, 1), "");
    LLVMValueRef n = LLVMBuildAdd(b, LLVMBuildAdd(b, a, imm(u, (1 << (drop - 1)) - 1), ""), odd, "");
    n = LLVMBuildLShr(b, n, imm(u, drop), "");
    n = LLVMBuildSub(b, n, imm(u, (int64_t)(127 - f->bias) << f->mantissa), "");
    /* below the least normal value: adding 2^(spacing + 23) rounds at the spacing of the subnormals */
    int spacing = 1 - f->bias - f->mantissa;
    LLVMValueRef magic = tg_llvm_int(LLVMTypeOf(u), (int64_t)(spacing + 23 + 127) << 23);
    LLVMValueRef s = LLVMBuildFAdd(b, mag, as_f32(x, magic), "");
    s = LLVMBuildSub(b, as_int(x, s), magic, "");
    LLVMValueRef least = imm(u, (int64_t)(1 - f->bias + 127) << 23);
    LLVMValueRef code = LLVMBuildSelect(b, LLVMBuildICmp(b, LLVMIntULT, a, least, ""), s, n, "");
    LLVMValueRef over = LLVMBuildICmp(b, LLVMIntUGT, code, imm(u, f->max_bits), "");
    code = LLVMBuildSelect(b, over, imm(u, f->has_inf ? f->max_bits + 1 : f->max_bits), code, "");
    if (f->nan) {
        LLVMValueRef nan = LLVMBuildICmp(b, LLVMIntUGT, a, imm(u, 0x7f800000), "");
        code = LLVMBuildSelect(b, nan, encode_nan(x, a, f), code, "");
    }
    return LLVMBuildOr(b, code, LLVMBuildShl(b, sign, imm(u, f->width), ""), "");
}

/* Code in the low bits of i32 → f32. Placing exponent and mantissa and multiplying by 2^(127 - bias) is exact for
 * subnormals as well. */
static LLVMValueRef decode_small(tg_x86 *x, LLVMValueRef u, const small_format *f) {
    LLVMBuilderRef b = x->builder;
    LLVMValueRef mag = LLVMBuildAnd(b, u, imm(u, (1 << f->width) - 1), "");
    LLVMValueRef scale = as_f32(x, imm(u, (int64_t)(254 - f->bias) << 23));
    LLVMValueRef placed = LLVMBuildShl(b, mag, imm(u, 23 - f->mantissa), "");
    LLVMValueRef v = as_int(x, LLVMBuildFMul(b, as_f32(x, placed), scale, ""));
    if (f->nan) {
        LLVMValueRef special = LLVMBuildICmp(b, LLVMIntUGT, mag, imm(u, f->max_bits), "");
        LLVMValueRef inf_or_nan = LLVMBuildOr(b, placed, imm(u, 0x7f800000), "");
        v = LLVMBuildSelect(b, special, f->has_inf ? inf_or_nan : imm(u, 0x7fc00000), v, "");
    }
    LLVMValueRef sign = LLVMBuildShl(b, LLVMBuildLShr(b, u, imm(u, f->width), ""), imm(u, 31), "");
    return as_f32(x, LLVMBuildOr(b, v, sign, ""));
}

/* f8e8m0: 2^(code - 127), 255 is NaN. */
static LLVMValueRef decode_scale(tg_x86 *x, LLVMValueRef u) {
    LLVMBuilderRef b = x->builder;
    LLVMValueRef v = LLVMBuildShl(b, u, imm(u, 23), "");
    v = LLVMBuildSelect(b, LLVMBuildICmp(b, LLVMIntEQ, u, imm(u, 0), ""), imm(u, 0x400000), v, "");
    v = LLVMBuildSelect(b, LLVMBuildICmp(b, LLVMIntEQ, u, imm(u, 255), ""), imm(u, 0x7fc00000), v, "");
    return as_f32(x, v);
}

/* Nearest power of two, ties to the even code; the range clamps, NaN and negative give NaN (code 255). Zeros of both signs are not
 * negative. */
static LLVMValueRef encode_scale(tg_x86 *x, LLVMValueRef v) {
    LLVMBuilderRef b = x->builder;
    LLVMValueRef u = as_int(x, v);
    LLVMValueRef e = LLVMBuildLShr(b, u, imm(u, 23), "");
    LLVMValueRef m = LLVMBuildAnd(b, u, imm(u, 0x7fffff), ""), half = imm(u, 0x400000);
    LLVMValueRef tie = LLVMBuildICmp(b, LLVMIntEQ, m, half, "");
    LLVMValueRef odd = LLVMBuildTrunc(b, e, tg_llvm_like(x->l->i1, e), "");
    LLVMValueRef up = LLVMBuildOr(b, LLVMBuildICmp(b, LLVMIntUGT, m, half, ""), LLVMBuildAnd(b, tie, odd, ""), "");
    LLVMValueRef code = LLVMBuildAdd(b, e, LLVMBuildZExt(b, up, LLVMTypeOf(e), ""), "");
    LLVMValueRef top = LLVMBuildICmp(b, LLVMIntUGT, code, imm(u, 254), "");
    code = LLVMBuildSelect(b, top, imm(u, 254), code, "");
    LLVMValueRef bad = LLVMBuildICmp(b, LLVMIntUGT, u, imm(u, 0x7f800000), "");
    LLVMValueRef zero = LLVMBuildICmp(b, LLVMIntEQ, u, imm(u, 0x80000000), "");
    code = LLVMBuildSelect(b, bad, imm(u, 255), code, "");
    return LLVMBuildSelect(b, zero, imm(u, 0), code, "");
}

static LLVMValueRef encode(tg_x86 *x, LLVMValueRef v, tg_dtype t) {
    return t == TG_F8E8M0 ? encode_scale(x, v) : encode_small(x, v, format_of(t));
}

static LLVMValueRef decode(tg_x86 *x, LLVMValueRef u, tg_dtype t) {
    return t == TG_F8E8M0 ? decode_scale(x, u) : decode_small(x, u, format_of(t));
}

LLVMValueRef tg_x86_round(tg_x86 *x, LLVMValueRef v, tg_dtype t) {
    LLVMBuilderRef b = x->builder;
    if (is_native_f16(x, t)) {
        LLVMValueRef h = LLVMBuildFPTrunc(b, v, tg_llvm_like(x->l->f16, v), "");
        return LLVMBuildFPExt(b, h, LLVMTypeOf(v), "");
    }
    if (t == TG_BF16) {
        return as_f32(x, round_bf16_bits(x, v));
    }
    bool coded = t == TG_F16 || (tg_dtype_is_storage(t) && tg_dtype_is_float(t));
    return coded ? decode(x, encode(x, v, t), t) : v;
}

LLVMValueRef tg_x86_from_memory(tg_x86 *x, LLVMValueRef v, tg_dtype t) {
    LLVMBuilderRef b = x->builder;
    LLVMTypeRef w = tg_llvm_like(x->l->i32, v);
    switch ((int)t) {
    case TG_BOOL:
        return LLVMBuildICmp(b, LLVMIntNE, v, imm(v, 0), "");
    case TG_F16:
        return is_native_f16(x, t) ? LLVMBuildFPExt(b, v, tg_llvm_like(x->l->f32, v), "")
                                   : decode(x, LLVMBuildZExt(b, v, w, ""), t);
    case TG_BF16:
        v = LLVMBuildZExt(b, v, w, "");
        return as_f32(x, LLVMBuildShl(b, v, imm(v, 16), ""));
    case TG_I4:
        return LLVMBuildAShr(b, LLVMBuildShl(b, v, imm(v, 4), ""), imm(v, 4), "");
    case TG_F4E2M1:
    case TG_F8E4M3:
    case TG_F8E5M2:
    case TG_F8E8M0:
        return decode(x, LLVMBuildZExt(b, v, w, ""), t);
    default:
        return v;
    }
}

/* Of 32 bits each. Two registers of 512 bits are one shuffle of words; of shorter ones LLVM makes a shift and a pack. */
static LLVMValueRef upper_halves(tg_x86 *x, LLVMValueRef v) {
    LLVMBuilderRef b = x->builder;
    unsigned lanes = tg_llvm_is_vector(v) ? tg_llvm_lanes(v) : 1, pick[64];
    LLVMValueRef u = as_int(x, v);
    if (!x->machine->has_masks || lanes < 32 || lanes > 64) {
        return LLVMBuildTrunc(b, LLVMBuildLShr(b, u, imm(u, 16), ""), tg_llvm_like(x->l->i16, v), "");
    }
    LLVMValueRef words = LLVMBuildBitCast(b, u, LLVMVectorType(x->l->i16, 2 * lanes), "");
    for (unsigned i = 0; i < lanes; i++) {
        pick[i] = 2 * i + 1;
    }
    return tg_llvm_shuffle(x->l, words, words, pick, lanes);
}

LLVMValueRef tg_x86_to_memory(tg_x86 *x, LLVMValueRef v, tg_dtype t) {
    LLVMBuilderRef b = x->builder;
    switch ((int)t) {
    case TG_BOOL:
        return LLVMBuildZExt(b, v, tg_llvm_like(x->l->i8, v), "");
    case TG_F16:
        return is_native_f16(x, t) ? LLVMBuildFPTrunc(b, v, tg_llvm_like(x->l->f16, v), "")
                                   : LLVMBuildTrunc(b, encode(x, v, t), tg_llvm_like(x->l->i16, v), "");
    case TG_BF16:
        return upper_halves(x, v); /* rounded already */
    case TG_I4:
    case TG_U4:
        return LLVMBuildAnd(b, v, imm(v, 15), "");
    case TG_F4E2M1:
    case TG_F8E4M3:
    case TG_F8E5M2:
    case TG_F8E8M0:
        return LLVMBuildTrunc(b, encode(x, v, t), tg_llvm_like(x->l->i8, v), "");
    default:
        return v;
    }
}

static LLVMValueRef round_to_odd(tg_x86 *x, LLVMValueRef v) {
    LLVMBuilderRef b = x->builder;
    LLVMValueRef f = LLVMBuildFPTrunc(b, v, tg_llvm_like(x->l->f32, v), "");
    LLVMValueRef back = LLVMBuildFPExt(b, f, LLVMTypeOf(v), ""), u = as_int(x, f);
    LLVMValueRef inexact = LLVMBuildFCmp(b, LLVMRealONE, back, v, "");
    LLVMValueRef even = LLVMBuildICmp(b, LLVMIntEQ, LLVMBuildAnd(b, u, imm(u, 1), ""), imm(u, 0), "");
    LLVMValueRef low = LLVMBuildFCmp(b, LLVMRealOLT, tg_llvm_call1(x->l, "llvm.fabs", back),
                                     tg_llvm_call1(x->l, "llvm.fabs", v), "");
    LLVMValueRef step = LLVMBuildSelect(b, low, imm(u, 1), imm(u, -1), "");
    LLVMValueRef moved = LLVMBuildAdd(b, u, step, "");
    return as_f32(x, LLVMBuildSelect(b, LLVMBuildAnd(b, inexact, even, ""), moved, u, ""));
}

static LLVMValueRef float_to_float(tg_x86 *x, LLVMValueRef v, tg_dtype from, tg_dtype to) {
    LLVMTypeRef type = tg_llvm_like(tg_x86_reg_type(x, to), v);
    if (to == TG_F64) {
        return from == TG_F64 ? v : LLVMBuildFPExt(x->builder, v, type, "");
    }
    if (from == TG_F64) {
        return to == TG_F32 ? LLVMBuildFPTrunc(x->builder, v, type, "") : tg_x86_round(x, round_to_odd(x, v), to);
    }
    return tg_dtype_bits(from) < tg_dtype_bits(to) && from != TG_F8E8M0 ? v : tg_x86_round(x, v, to);
}

/* i4 and u4 live in i8 registers: bring the value back into range. */
static LLVMValueRef wrap4(tg_x86 *x, LLVMValueRef v, tg_dtype t) {
    LLVMBuilderRef b = x->builder;
    if (t == TG_U4) {
        return LLVMBuildAnd(b, v, imm(v, 15), "");
    }
    return t == TG_I4 ? LLVMBuildAShr(b, LLVMBuildShl(b, v, imm(v, 4), ""), imm(v, 4), "") : v;
}

static LLVMValueRef int_to_int(tg_x86 *x, LLVMValueRef v, tg_dtype from, tg_dtype to) {
    LLVMTypeRef type = tg_llvm_like(tg_x86_reg_type(x, to), v);
    bool is_signed = tg_dtype_kind_of(from) == TG_KIND_SINT;
    return wrap4(x, LLVMBuildIntCast2(x->builder, v, type, is_signed, ""), to);
}

static LLVMValueRef int_to_float(tg_x86 *x, LLVMValueRef v, tg_dtype from, tg_dtype to) {
    bool is_signed = tg_dtype_kind_of(from) == TG_KIND_SINT;
    bool direct = to == TG_F64 || to == TG_F32 || tg_dtype_bits(from) <= 16;
    LLVMTypeRef wide = tg_llvm_like(to == TG_F64 || !direct ? x->l->f64 : x->l->f32, v);
    LLVMBuilderRef b = x->builder;
    if (!direct && tg_dtype_bits(from) == 64) {
        /* keep the rounding to f64 from making a tie: fold the low 12 bits into one sticky bit */
        LLVMValueRef low = LLVMBuildAnd(b, v, imm(v, 0xfff), "");
        LLVMValueRef sticky = LLVMBuildZExt(b, LLVMBuildICmp(b, LLVMIntNE, low, imm(v, 0), ""), LLVMTypeOf(v), "");
        LLVMValueRef cut = LLVMBuildOr(b, LLVMBuildAnd(b, v, imm(v, ~0xfffLL), ""),
                                       LLVMBuildShl(b, sticky, imm(v, 11), ""), "");
        LLVMValueRef high = LLVMBuildAnd(b, v, imm(v, (int64_t)0xfff0000000000000), "");
        LLVMValueRef small = LLVMBuildICmp(b, LLVMIntEQ, high, imm(v, 0), "");
        if (is_signed) {
            LLVMValueRef ones = LLVMBuildICmp(b, LLVMIntEQ, high, imm(v, (int64_t)0xfff0000000000000), "");
            small = LLVMBuildOr(b, small, ones, "");
        }
        v = LLVMBuildSelect(b, small, v, cut, "");
    }
    v = is_signed ? LLVMBuildSIToFP(b, v, wide, "") : LLVMBuildUIToFP(b, v, wide, "");
    return direct ? tg_x86_round(x, v, to) : tg_x86_round(x, round_to_odd(x, v), to);
}

static LLVMValueRef greater_of(tg_x86 *x, LLVMValueRef v, double bound) {
    LLVMValueRef c = tg_llvm_real(LLVMTypeOf(v), bound);
    return LLVMBuildSelect(x->builder, LLVMBuildFCmp(x->builder, LLVMRealOGT, v, c, ""), v, c, "");
}

static LLVMValueRef less_of(tg_x86 *x, LLVMValueRef v, double bound) {
    LLVMValueRef c = tg_llvm_real(LLVMTypeOf(v), bound);
    return LLVMBuildSelect(x->builder, LLVMBuildFCmp(x->builder, LLVMRealOLT, v, c, ""), v, c, "");
}

/* Towards 0, what is out of range to its end, NaN to 0: the float is clamped first. The greatest integer may lie between two floats; then it
 * is what everything beyond the last float below it becomes. The saturating intrinsics do the same, one lane at a time without AVX-512. */
static LLVMValueRef float_to_short_int(tg_x86 *x, LLVMValueRef v, tg_dtype to) {
    LLVMBuilderRef b = x->builder;
    bool is_signed = tg_dtype_kind_of(to) == TG_KIND_SINT;
    int value_bits = tg_dtype_bits(to) - is_signed, mantissa = LLVMTypeOf(v) == tg_llvm_like(x->l->f64, v) ? 53 : 24;
    bool exact = value_bits <= mantissa;
    double end = ldexp(1, value_bits), last = exact ? end - 1 : end - ldexp(1, value_bits - mantissa);
    LLVMValueRef number = LLVMBuildFCmp(b, LLVMRealORD, v, v, "");
    LLVMValueRef c = LLVMBuildSelect(b, number, v, LLVMConstNull(LLVMTypeOf(v)), "");
    c = less_of(x, greater_of(x, c, is_signed ? -end : 0), last);
    LLVMTypeRef word = tg_llvm_like(x->l->i32, v);
    LLVMValueRef r = value_bits == 32 ? LLVMBuildFPToUI(b, c, word, "") : LLVMBuildFPToSI(b, c, word, "");
    if (!exact) {
        LLVMValueRef beyond = LLVMBuildFCmp(b, LLVMRealOGE, v, tg_llvm_real(LLVMTypeOf(v), end), "");
        r = LLVMBuildSelect(b, beyond, imm(r, (int64_t)end - 1), r, "");
    }
    return LLVMBuildTrunc(b, r, tg_llvm_like(tg_x86_reg_type(x, to), v), "");
}

static LLVMValueRef float_to_int(tg_x86 *x, LLVMValueRef v, tg_dtype to) {
    if (tg_dtype_bits(to) < 64) {
        return float_to_short_int(x, v, to);
    }
    bool is_signed = tg_dtype_kind_of(to) == TG_KIND_SINT;
    LLVMTypeRef types[] = {tg_llvm_like(x->l->i64, v), LLVMTypeOf(v)};
    return tg_llvm_call(x->l, is_signed ? "llvm.fptosi.sat" : "llvm.fptoui.sat", types, 2, &v, 1);
}

LLVMValueRef tg_x86_convert(tg_x86 *x, LLVMValueRef v, tg_dtype from, tg_dtype to) {
    if (from == to) {
        return v;
    }
    bool from_float = tg_dtype_is_float(from), to_float = tg_dtype_is_float(to);
    if (to == TG_BOOL) {
        return from_float ? LLVMBuildFCmp(x->builder, LLVMRealUNE, v, LLVMConstNull(LLVMTypeOf(v)), "")
                          : LLVMBuildICmp(x->builder, LLVMIntNE, v, LLVMConstNull(LLVMTypeOf(v)), "");
    }
    if (from_float) {
        return to_float ? float_to_float(x, v, from, to) : float_to_int(x, v, to);
    }
    return to_float ? int_to_float(x, v, from, to) : int_to_int(x, v, from, to);
}
