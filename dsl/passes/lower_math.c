/* lower-math: elementary functions become elementwise arithmetic.
 *
 * No target has to know exp or sin: LLVM scalarises them on x86 and cannot select most of them on GPUs. f32 functions are the
 * polynomials of math_f32.inc; f16 and bf16 are computed in f32 and rounded once; those of f64 are in math_f64.inc. The few that it lacks stay, and the
 * target calls the C library for them, one element at a time.
 *
 * Before: %y = exp %x : tile<#i x f32>     After: some twenty fma, cmp, select, bitcast, shl … of the same type.
 * Terminates: each op is replaced once by ops that are not f32 math ops. */
#include "dsl/passes/lower_math.h"

#include <float.h>
#include <math.h>

typedef tg_value *VF;
typedef tg_value *VD;
typedef tg_value *VI;
typedef tg_value *VL;
typedef tg_value *VU;
typedef tg_value *VB;

static VF shift_by(tg_builder *bld, tg_opcode op, tg_value *x, tg_dtype dtype, int64_t n)
{
    return tg_build_binary(bld, op, x, tg_build_int(bld, dtype, n));
}
static VF with_sign(tg_builder *bld, tg_value *x, tg_value *sign)
{
    return tg_build_binary(bld, TG_OP_COPYSIGN, x, sign);
}

/* Does control flow here run per point, with branches where no lane needs them? */
static bool is_per_point(const tg_block *block)
{
    for (const tg_op *op = block->parent->parent; op; op = op->parent->parent->parent)
        if (op->opcode == TG_OP_MAP || op->opcode == TG_OP_REDUCE_FN || op->opcode == TG_OP_SCAN_FN)
            return true;
    return false;
}
typedef struct math_row {
    tg_value *(*unary)(tg_builder *bld, tg_value *x);
    tg_value *(*binary)(tg_builder *bld, tg_value *x, tg_value *y);
} math_row;
static tg_value *expand(tg_builder *bld, const math_row *row, tg_value *const *x)
{
    return row->unary ? row->unary(bld, x[0]) : row->binary(bld, x[0], x[1]);
}

/* slow(x …), u64, where |x[n]| >= least, else 0; computed only where a lane needs it. */
typedef struct rare {
    math_row slow;
    uint32_t n;
    double least;
} rare;
static void yield_from(const tg_builder *bld, tg_region *r, const math_row *value, tg_value *const *x)
{
    tg_builder in = {.func = bld->func, .block = &r->body, .span = bld->span};
    VU v = value ? expand(&in, value, x) : tg_build_int(&in, TG_U64, 0);
    tg_build_yield(&in, &v, 1);
}
static VU branch_on(tg_builder *bld, const rare *how, tg_value *const *x)
{
    const tg_type *type = tg_type_scalar(bld->func, TG_U64);
    tg_value *key = x[how->n];
    tg_value *least = tg_build_float(bld, key->type->dtype, how->least), *size = tg_build_unary(bld, TG_OP_ABS, key);
    VB test = tg_build_cmp(bld, TG_GE, size, least);
    tg_attr flag = tg_attr_flag(TG_ATTR_RARE);
    tg_op *branch = tg_build_op(bld, TG_OP_IF, &test, 1, &type, 1, &flag, 1);
    yield_from(bld, &branch->regions[0], &how->slow, x);
    yield_from(bld, &branch->regions[1], NULL, x);
    return tg_result(branch, 0);
}
/* The host plans launches without branches. */
static VU rarely(tg_builder *bld, rare how, VF x, VF y, VF key)
{
    tg_value *args[] = {x, y ? y : key, key}, *points[3];
    how.n = y ? 2 : 1;
    const tg_type *types[] = {args[0]->type, args[1]->type, args[2]->type};
    const tg_type *type = tg_type_union(bld->func, TG_U64, types, 3); /* y may have axes that x lacks */
    if (type->n_axes == 0)
        return is_per_point(bld->block) ? branch_on(bld, &how, args) : expand(bld, &how.slow, args);
    tg_op *map = tg_build_op(bld, TG_OP_MAP, args, how.n + 1, &type, 1, NULL, 0);
    tg_builder in = {.func = bld->func, .block = &map->regions[0].body, .span = bld->span};
    for (uint32_t i = 0; i <= how.n; i++)
        points[i] = tg_block_add_arg(bld->func, in.block, tg_type_scalar(bld->func, args[i]->type->dtype), NULL);
    VU v = branch_on(&in, &how, points);
    tg_build_yield(&in, &v, 1);
    return tg_result(map, 0);
}

#define MARG tg_builder *bld,
#define MFN(ret, name, ...) __attribute__((unused)) static ret m_##name(__VA_ARGS__)
#define CALL(name, ...)     m_##name(bld, __VA_ARGS__)
#define RARELY(name, x, key_least) rarely(bld, (rare){.slow.unary = m_##name, .least = (key_least)}, x, NULL, x)
#define RARELY2(name, x, y, key, key_least) rarely(bld, (rare){.slow.binary = m_##name, .least = (key_least)}, x, y, key)
#define LIBRARY1(op, name, x) tg_build_unary(bld, TG_OP_##op, x)
#define F(x)                tg_build_float(bld, TG_F32, (double)(x))
#define D(x)                tg_build_float(bld, TG_F64, (double)(x))
#define I(x)                tg_build_int(bld, TG_I32, (x))
#define L(x)                tg_build_int(bld, TG_I64, (x))
#define U(x)                tg_build_int(bld, TG_U64, (int64_t)(x))
#define BIN(op, a, b)       tg_build_binary(bld, TG_OP_##op, a, b)
#define ADD(a, b)           BIN(ADD, a, b)
#define SUB(a, b)           BIN(SUB, a, b)
#define MUL(a, b)           BIN(MUL, a, b)
#define DIV(a, b)           BIN(DIV, a, b)
#define NEG(a)              tg_build_unary(bld, TG_OP_NEG, a)
#define FMA(a, b, c)        tg_build_fma(bld, a, b, c)
#define ABS(a)              tg_build_unary(bld, TG_OP_ABS, a)
#define SQRT(a)             tg_build_unary(bld, TG_OP_SQRT, a)
#define TRUNC(a)            tg_build_unary(bld, TG_OP_TRUNC, a)
#define FMOD(a, b)          BIN(FMOD, a, b)
#define COPYSIGN(a, b)      with_sign(bld, a, b)
#define LDEXP(a, n)         BIN(LDEXP, a, n)
#define SIGNBIT(a)          tg_build_unary(bld, TG_OP_SIGNBIT, a)
#define LT(a, b)            tg_build_cmp(bld, TG_LT, a, b)
#define LE(a, b)            tg_build_cmp(bld, TG_LE, a, b)
#define GT(a, b)            tg_build_cmp(bld, TG_GT, a, b)
#define GE(a, b)            tg_build_cmp(bld, TG_GE, a, b)
#define EQ(a, b)            tg_build_cmp(bld, TG_EQ, a, b)
#define NE(a, b)            tg_build_cmp(bld, TG_NE, a, b)
#define AND(a, b)           BIN(AND, a, b)
#define OR(a, b)            BIN(OR, a, b)
#define XOR(a, b)           BIN(XOR, a, b)
#define NOT(a)              tg_build_unary(bld, TG_OP_NOT, a)
#define SEL(c, a, b)        tg_build_select(bld, c, a, b)
#define F2D(a)              tg_build_cast(bld, a, TG_F64)
#define D2F(a)              tg_build_cast(bld, a, TG_F32)
#define I2F(a)              tg_build_cast(bld, a, TG_F32)
#define L2D(a)              tg_build_cast(bld, a, TG_F64)
#define L2I(a)              tg_build_cast(bld, a, TG_I32)
#define I2U(a)              tg_build_cast(bld, a, TG_U64)
#define U2L(a)              tg_build_cast(bld, a, TG_I64)
#define L2U(a)              tg_build_cast(bld, a, TG_U64)
#define FBITS(a)            tg_build_bitcast(bld, a, TG_I32)
#define BITSF(a)            tg_build_bitcast(bld, a, TG_F32)
#define DBITS(a)            tg_build_bitcast(bld, a, TG_I64)
#define BITSD(a)            tg_build_bitcast(bld, a, TG_F64)
#define IADD(a, b)          BIN(ADD, a, b)
#define ISUB(a, b)          BIN(SUB, a, b)
#define IAND(a, b)          BIN(AND, a, b)
#define IOR(a, b)           BIN(OR, a, b)
#define IXOR(a, b)          BIN(XOR, a, b)
#define ISHL(a, n)          shift_by(bld, TG_OP_SHL, a, TG_I32, n)
#define ISHR(a, n)          shift_by(bld, TG_OP_SHR, a, TG_I32, n)
#define LTI(a, b)           LT(a, b)
#define EQI(a, b)           EQ(a, b)
#define LADD(a, b)          BIN(ADD, a, b)
#define LSUB(a, b)          BIN(SUB, a, b)
#define LAND_(a, b)         BIN(AND, a, b)
#define LSHL(a, n)          shift_by(bld, TG_OP_SHL, a, TG_I64, n)
#define LSHR(a, n)          shift_by(bld, TG_OP_SHR, a, TG_I64, n)
#define LXOR(a, b)          BIN(XOR, a, b)
#define EQL(a, b)           EQ(a, b)
#define NEL(a, b)           NE(a, b)
#define UADD(a, b)          BIN(ADD, a, b)
#define USUB(a, b)          BIN(SUB, a, b)
#define UMUL(a, b)          BIN(MUL, a, b)
#define UAND(a, b)          BIN(AND, a, b)
#define UOR(a, b)           BIN(OR, a, b)
#define USHL(a, n)          BIN(SHL, a, n)
#define USHR(a, n)          BIN(SHR, a, n)
#include "dsl/passes/math_f32.inc"
#include "dsl/passes/math_f64.inc"

/* The functions of the table below; arity decides which member is used. */
#define MATH_UNARY(X)                                                                                              \
    X(RSQRT, rsqrt) X(CBRT, cbrt) X(EXP, exp) X(EXP2, exp2) X(EXPM1, expm1) X(LOG, log) X(LOG2, log2)              \
    X(LOG10, log10) X(LOG1P, log1p) X(SIN, sin) X(COS, cos) X(TAN, tan) X(SINPI, sinpi) X(COSPI, cospi)            \
    X(ASIN, asin) X(ACOS, acos) X(ATAN, atan) X(SINH, sinh) X(COSH, cosh) X(TANH, tanh) X(ASINH, asinh)            \
    X(ACOSH, acosh) X(ATANH, atanh) X(ERF, erf) X(ERFC, erfc) X(SIGMOID, sigmoid) X(SOFTPLUS, softplus)
#define MATH_BINARY(X) \
    X(ATAN2, atan2) X(POW, pow) X(EXP_SUB, exp_sub) X(EXP2_SUB, exp2_sub) X(LOGADDEXP, logaddexp) X(FMOD, fmod)

static const math_row F32_ROWS[TG_OP_COUNT] = {
#define X(op, name) [TG_OP_##op] = {.unary = m_##name},
    MATH_UNARY(X)
#undef X
#define X(op, name) [TG_OP_##op] = {.binary = m_##name},
    MATH_BINARY(X)
#undef X
};

/* ---- f64: what is made of functions of math_f64.inc ------------------------------------------------------------ */

static tg_value *d_decay(tg_builder *bld, tg_value *x) /* exp(-|x|) */
{
    return CALL(exp64, NEG(ABS(x)));
}
static tg_value *d_sigmoid(tg_builder *bld, tg_value *x)
{
    VD e = d_decay(bld, x);
    return DIV(SEL(GE(x, D(0.0)), D(1.0), e), ADD(e, D(1.0)));
}
static tg_value *d_softplus(tg_builder *bld, tg_value *x)
{
    VD tail = CALL(log1p64, d_decay(bld, x));
    return ADD(SEL(LT(x, D(0.0)), D(0.0), x), tail);
}
static tg_value *d_logaddexp(tg_builder *bld, tg_value *x, tg_value *y)
{
    VD hi = BIN(MAX, x, y), lo = BIN(MIN, x, y);
    VD d = SEL(EQ(hi, lo), D(0.0), SUB(lo, hi));
    VD sum = ADD(hi, CALL(log1p64, CALL(exp64, d)));
    return SEL(EQ(ABS(hi), D(HUGE_VAL)), hi, sum);
}
static tg_value *d_rsqrt(tg_builder *bld, tg_value *x) /* as rsqrt of math_f32.inc */
{
    VB tiny = LT(x, D(0x1p-500));
    VD a = SEL(tiny, MUL(x, D(0x1p600)), x), s = SQRT(a), y = DIV(D(1.0), s);
    VD d = FMA(NEG(s), s, a), e = FMA(NEG(s), y, D(1.0));
    VD r = FMA(y, FMA(MUL(MUL(D(-0.5), d), y), y, e), y);
    r = SEL(AND(GT(a, D(0.0)), LT(a, D(HUGE_VAL))), r, y);
    return SEL(tiny, MUL(r, D(0x1p300)), r);
}
/* sin(pi (x + shift/2)): the remainder is exact */
static tg_value *d_sinpi_shifted(tg_builder *bld, tg_value *x, int64_t shift)
{
    VB far = GE(ABS(x), D(0x1p51)), whole = GE(ABS(x), D(0x1p53));
    VD a = SEL(far, SUB(x, MUL(D(2.0), TRUNC(MUL(x, D(0.5))))), x);
    a = SEL(whole, D(0.0), a);
    VD t = ADD(ADD(a, a), MAGIC_D), turn = FMA(SUB(t, MAGIC_D), D(-0.5), a), r = MUL(turn, D(3.1415926535897931));
    VD low = FMA(turn, D(1.2246467991473532e-16), FMA(turn, D(3.1415926535897931), NEG(r)));
    VD v = CALL(sine64, r, low, LADD(DBITS(t), L(shift)), L(0));
    v = SEL(EQ(v, D(0.0)), D(0.0), v);
    return SEL(LT(ABS(x), D(HUGE_VAL)), v, D(NAN));
}
static tg_value *d_sinpi(tg_builder *bld, tg_value *x)
{
    VD v = d_sinpi_shifted(bld, ABS(x), 0);
    return SEL(SIGNBIT(x), NEG(v), v);
}
static tg_value *d_cospi(tg_builder *bld, tg_value *x) { return d_sinpi_shifted(bld, ABS(x), 1); }

/* The unary functions of math_f64.inc */
#define MATH_F64(X)                                                                                                              \
    X(EXP, exp64) X(EXP2, exp2_64) X(EXPM1, expm1_64) X(LOG, log64) X(LOG1P, log1p64) X(SIN, sin64) X(COS, cos64) X(TAN, tan64)  \
    X(SINH, sinh64) X(COSH, cosh64) X(TANH, tanh64) X(LOG2, log2_64) X(LOG10, log10_64) X(ASIN, asin_64) X(ACOS, acos_64)          \
    X(ATAN, atan_64) X(ATANH, atanh_64) X(ERF, erf64) X(ASINH, asinh64) X(ACOSH, acosh64) X(CBRT, cbrt64)
static const math_row F64_ROWS[TG_OP_COUNT] = {
#define X(op, name) [TG_OP_##op] = {.unary = m_##name},
    MATH_F64(X)
#undef X
    [TG_OP_RSQRT] = {.unary = d_rsqrt},         [TG_OP_SIGMOID] = {.unary = d_sigmoid},
    [TG_OP_SOFTPLUS] = {.unary = d_softplus},   [TG_OP_SINPI] = {.unary = d_sinpi},
    [TG_OP_COSPI] = {.unary = d_cospi},         [TG_OP_EXP_SUB] = {.binary = m_exp_sub64},
    [TG_OP_EXP2_SUB] = {.binary = m_exp2_sub64},  [TG_OP_LOGADDEXP] = {.binary = d_logaddexp},
    [TG_OP_ATAN2] = {.binary = m_atan2_64},      [TG_OP_POW] = {.binary = m_pow64},
    [TG_OP_FMOD] = {.binary = m_fmod_64},
};

/* ---- arguments that cannot be positive --------------------------------------------------------------------------------- */

enum { PROOF_DEPTH = 6 };

static const tg_op *def_of(const tg_value *v)
{
    while (v->def && v->def->opcode == TG_OP_BROADCAST)
        v = tg_operand(v->def, 0);
    return v->def;
}
static bool is_cast_of_float(const tg_op *op)
{
    return op && op->opcode == TG_OP_CAST && tg_dtype_is_float(tg_operand(op, 0)->type->dtype);
}
/* Is m >= v at every point, or one of them NaN? A maximum is at least what it is the maximum of. */
static bool dominates(const tg_value *m, const tg_value *v, int depth)
{
    const tg_op *op = def_of(m), *of = v->def;
    if (m == v || !op || depth == 0)
        return m == v;
    if (is_cast_of_float(op) && is_cast_of_float(of) && m->type->dtype == v->type->dtype) /* rounding is monotone */
        return dominates(tg_operand(op, 0), tg_operand(of, 0), depth - 1);
    if (op->opcode == TG_OP_MAX)
        return dominates(tg_operand(op, 0), v, depth - 1) || dominates(tg_operand(op, 1), v, depth - 1);
    bool maximum = op->opcode == TG_OP_REDUCE && tg_op_enum(op, TG_ATTR_FN, TG_ENUM_NONE) == TG_FN_MAX;
    return maximum && tg_operand(op, 0) == v;
}
static bool not_negative(const tg_value *v, int depth)
{
    const tg_op *op = def_of(v);
    if (!op || depth == 0)
        return false;
    if (op->opcode == TG_OP_MUL && tg_operand(op, 0) == tg_operand(op, 1))
        return true;
    return op->opcode == TG_OP_ABS || (is_cast_of_float(op) && not_negative(tg_operand(op, 0), depth - 1));
}
/* Is v <= 0 or NaN at every point? */
static bool not_positive(const tg_value *v, int depth)
{
    const tg_op *op = def_of(v);
    if (!op || depth == 0)
        return false;
    if (op->opcode == TG_OP_SUB)
        return dominates(tg_operand(op, 1), tg_operand(op, 0), depth);
    if (op->opcode == TG_OP_NEG)
        return not_negative(tg_operand(op, 0), depth);
    return is_cast_of_float(op) && not_positive(tg_operand(op, 0), depth - 1);
}

static VF bounded_exp_sub(tg_builder *bld, VF x, VF y) { return CALL(exp_not_positive, CALL(lead_below, x, y)); }
static VF bounded_exp2_sub(tg_builder *bld, VF x, VF y) { return CALL(exp2_not_positive, CALL(lead_below, x, y)); }
static const math_row BOUNDED_ROWS[TG_OP_COUNT] = {
    [TG_OP_EXP] = {.unary = m_exp_not_positive},
    [TG_OP_EXP2] = {.unary = m_exp2_not_positive},
    [TG_OP_EXP_SUB] = {.binary = bounded_exp_sub},
    [TG_OP_EXP2_SUB] = {.binary = bounded_exp2_sub},
};
static VF ldexp_exp_sub(tg_builder *bld, VF x, VF y) { return CALL(exp_ldexp, CALL(lead, x, y)); }
static VF ldexp_exp2_sub(tg_builder *bld, VF x, VF y) { return CALL(exp2_ldexp, CALL(lead, x, y)); }
static const math_row LDEXP_ROWS[TG_OP_COUNT] = {
    [TG_OP_EXP] = {.unary = m_exp_ldexp},
    [TG_OP_EXP2] = {.unary = m_exp2_ldexp},
    [TG_OP_EXP_SUB] = {.binary = ldexp_exp_sub},
    [TG_OP_EXP2_SUB] = {.binary = ldexp_exp2_sub},
};
/* exp(x - max(x)) never overflows: its cheaper form gives the same bits. */
static const math_row *f32_row(const tg_op *op, bool ldexp)
{
    const math_row *bounded = &BOUNDED_ROWS[op->opcode];
    bool ok = bounded->unary ? not_positive(tg_operand(op, 0), PROOF_DEPTH)
                             : bounded->binary && dominates(tg_operand(op, 1), tg_operand(op, 0), PROOF_DEPTH);
    const math_row *any = &LDEXP_ROWS[op->opcode];
    return ok ? bounded : ldexp && (any->unary || any->binary) ? any : &F32_ROWS[op->opcode];
}

/* ---- the pass --------------------------------------------------------------------------------------------------------------- */

static tg_value *lgamma_in_f64(tg_builder *bld, tg_value *x)
{
    return tg_build_cast(bld, tg_build_unary(bld, TG_OP_LGAMMA, tg_build_cast(bld, x, TG_F64)), TG_F32);
}
typedef struct lowering {
    tg_func *f;
    bool ldexp;
} lowering;
static void lower_op(tg_op *op, void *user)
{
    const lowering *how = user;
    tg_dtype dtype = tg_op_is_math(op->opcode) || op->opcode == TG_OP_FMOD ? tg_result(op, 0)->type->dtype : TG_DTYPE_NONE;
    if (dtype == TG_DTYPE_NONE || (dtype == TG_F64 && !F64_ROWS[op->opcode].unary && !F64_ROWS[op->opcode].binary))
        return;
    tg_builder bld = {.func = how->f, .block = op->parent, .before = op, .span = op->span};
    const math_row *row = dtype == TG_F64 ? &F64_ROWS[op->opcode] : f32_row(op, how->ldexp);
    tg_dtype compute = dtype == TG_F64 ? TG_F64 : TG_F32;
    tg_value *x[2] = {NULL, NULL};
    for (uint32_t i = 0; i < op->n_operands; i++)
        x[i] = tg_build_cast(&bld, tg_operand(op, i), compute);
    tg_value *v = op->opcode == TG_OP_LGAMMA ? lgamma_in_f64(&bld, x[0]) : expand(&bld, row, x);
    tg_replace_uses(tg_result(op, 0), tg_build_cast(&bld, v, dtype));
    tg_op_erase(op);
}
void tg_lower_math(tg_func *f, bool ldexp)
{
    lowering how = {f, ldexp};
    tg_ir_walk(f, lower_op, &how);
}
