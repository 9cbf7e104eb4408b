/* Constant folding with the language's arithmetic: integers wrap and divide downwards, floats
 * round once.
 *
 * Folding must give the bits that running would give; f32, f16 and bf16 results of + - * /
 * sqrt computed in f64 and
 * rounded once are correctly rounded (2p + 2 <= 53). Elementary functions of constants are
 * computed in f64 and rounded,
 * which is inside their error class. Complex numbers are left to the IR. */
#include "base/integer.h"
#include "dsl/parser/elab_internal.h"

#include <math.h>

tg_scalar tg_scalar_float(tg_dtype t, double v) {
    return (tg_scalar){.dtype = t, .f = tg_round_to(tg_dtype_real(t), v)};
}

tg_scalar tg_scalar_int(tg_dtype t, int64_t v) {
    int bits = t == TG_BOOL ? 1 : tg_dtype_bits(t);
    if (bits < 64) {
        uint64_t low = (uint64_t)v & ((UINT64_C(1) << bits) - 1);
        bool negative = tg_dtype_kind_of(t) == TG_KIND_SINT && (low >> (bits - 1)) != 0;
        v = negative ? (int64_t)(low | ~((UINT64_C(1) << bits) - 1)) : (int64_t)low;
    }
    return (tg_scalar){.dtype = t, .i = v};
}

static tg_i128 floor_div(tg_i128 x, tg_i128 y) {
    if (y == 0) {
        return 0;
    }
    tg_i128 q = x / y;
    return x % y != 0 && (x < 0) != (y < 0) ? q - 1 : q;
}

static tg_i128 as_wide(tg_scalar s) {
    return tg_dtype_kind_of(s.dtype) == TG_KIND_UINT ? (tg_i128)(uint64_t)s.i : (tg_i128)s.i;
}

static bool shift(tg_operator op, tg_scalar x, uint64_t count, tg_scalar *out) {
    int bits = tg_dtype_bits(x.dtype);
    tg_i128 v = as_wide(x);
    if (op == TG_OPER_SHL) {
        v = count >= (uint64_t)bits ? 0 : (tg_i128)((uint64_t)x.i << count);
    } else if (count >= (uint64_t)bits) {
        v = v < 0 ? -1 : 0;
    } else {
        v >>= count;
    }
    *out = tg_scalar_int(x.dtype, (int64_t)(uint64_t)v);
    return true;
}

static bool compare(tg_operator op, int order, bool unordered, bool *out) {
    switch ((int)op) {
    case TG_OPER_LT:
        *out = !unordered && order < 0;
        return true;
    case TG_OPER_LE:
        *out = !unordered && order <= 0;
        return true;
    case TG_OPER_GT:
        *out = !unordered && order > 0;
        return true;
    case TG_OPER_GE:
        *out = !unordered && order >= 0;
        return true;
    case TG_OPER_EQ:
        *out = !unordered && order == 0;
        return true;
    case TG_OPER_NE:
        *out = unordered || order != 0;
        return true;
    default:
        return false;
    }
}

static bool fold_wide(tg_operator op, tg_i128 x, tg_i128 y, tg_i128 *out) {
    switch ((int)op) {
    case TG_OPER_ADD:
        return !__builtin_add_overflow(x, y, out);
    case TG_OPER_SUB:
        return !__builtin_sub_overflow(x, y, out);
    case TG_OPER_MUL:
        return !__builtin_mul_overflow(x, y, out);
    case TG_OPER_DIV:
        *out = floor_div(x, y);
        return true;
    case TG_OPER_REM:
        *out = x - floor_div(x, y) * y;
        return true;
    case TG_OPER_AND:
        *out = x & y;
        return true;
    case TG_OPER_OR:
        *out = x | y;
        return true;
    case TG_OPER_XOR:
        *out = x ^ y;
        return true;
    case TG_OPER_MIN:
        *out = x < y ? x : y;
        return true;
    case TG_OPER_MAX:
        *out = x > y ? x : y;
        return true;
    default:
        return false;
    }
}

static bool fold_float(tg_operator op, double x, double y, double *out) {
    switch ((int)op) {
    case TG_OPER_ADD:
        *out = x + y;
        return true;
    case TG_OPER_SUB:
        *out = x - y;
        return true;
    case TG_OPER_MUL:
        *out = x * y;
        return true;
    case TG_OPER_DIV:
        *out = x / y;
        return true;
    case TG_OPER_MIN:
        *out = isnan(x) || isnan(y) ? NAN : (x < y ? x : y);
        return true;
    case TG_OPER_MAX:
        *out = isnan(x) || isnan(y) ? NAN : (x > y ? x : y);
        return true;
    default:
        return false;
    }
}

bool tg_const_binary(tg_operator op, tg_scalar x, tg_scalar y, tg_scalar *out) {
    bool answer;
    if (op == TG_OPER_SHL || op == TG_OPER_SHR) {
        return shift(op, x, (uint64_t)y.i, out);
    }
    tg_dtype_kind kind = tg_dtype_kind_of(x.dtype);
    if (kind == TG_KIND_COMPLEX) {
        return false;
    }
    if (kind == TG_KIND_FLOAT) {
        int order = x.f < y.f ? -1 : x.f > y.f;
        if (compare(op, order, isnan(x.f) || isnan(y.f), &answer)) {
            *out = tg_scalar_int(TG_BOOL, answer);
            return true;
        }
        double v;
        if (!fold_float(op, x.f, y.f, &v)) {
            return false;
        }
        *out = tg_scalar_float(x.dtype, v);
        return true;
    }
    tg_i128 a = as_wide(x), b = as_wide(y), v;
    if (compare(op, a < b ? -1 : a > b, false, &answer)) {
        *out = tg_scalar_int(TG_BOOL, answer);
        return true;
    }
    if (!fold_wide(op, a, b, &v)) {
        return false;
    }
    *out = tg_scalar_int(x.dtype, (int64_t)(uint64_t)v);
    return true;
}

bool tg_const_unary(tg_operator op, tg_scalar x, tg_scalar *out) {
    tg_dtype_kind kind = tg_dtype_kind_of(x.dtype);
    if (kind == TG_KIND_COMPLEX) {
        return false;
    }
    if (op == TG_OPER_NEG && kind == TG_KIND_FLOAT) {
        *out = (tg_scalar){.dtype = x.dtype, .f = -x.f};
    } else if (op == TG_OPER_NEG) {
        *out = tg_scalar_int(x.dtype, (int64_t)(0 - (uint64_t)x.i));
    } else if (op == TG_OPER_LNOT) {
        *out = tg_scalar_int(TG_BOOL, x.i == 0);
    } else {
        *out = tg_scalar_int(x.dtype, ~x.i);
    }
    return true;
}

bool tg_const_literals(tg_operator op, const tg_ev *x, const tg_ev *y, tg_ev *out) {
    bool answer;
    if (!x->is_float && !y->is_float) {
        if (compare(op, x->integer < y->integer ? -1 : x->integer > y->integer, false,
                    &answer)) {
            *out = tg_ev_bool(answer);
            return true;
        }
        if (op == TG_OPER_SHL || op == TG_OPER_SHR) {
            if (y->integer < 0 || y->integer > 64) {
                return false;
            }
            int count = (int)y->integer;
            *out = tg_ev_int(op == TG_OPER_SHL ? x->integer * ((tg_i128)1 << count)
                                               : x->integer >> count);
            return true;
        }
        tg_i128 v;
        if (!fold_wide(op, x->integer, y->integer, &v)) {
            return false;
        }
        *out = tg_ev_int(v);
        return true;
    }
    double a = x->is_float ? x->number : (double)x->integer,
           b = y->is_float ? y->number : (double)y->integer, v;
    if (compare(op, a < b ? -1 : a > b, isnan(a) || isnan(b), &answer)) {
        *out = tg_ev_bool(answer);
        return true;
    }
    if (!fold_float(op, a, b, &v)) {
        return false;
    }
    *out = tg_ev_float(v);
    return true;
}

/* ---- built-in functions of constants ----------------------------------------------------- */

static bool float_function(tg_opcode op, double x, double *out) {
    static const struct {
        tg_opcode op;
        double (*fn)(double);
    } table[] = {
        {TG_OP_FLOOR, floor}, {TG_OP_CEIL, ceil},       {TG_OP_TRUNC, trunc},
        {TG_OP_ABS, fabs},    {TG_OP_ROUND, nearbyint}, {TG_OP_SQRT, sqrt},
        {TG_OP_CBRT, cbrt},   {TG_OP_EXP, exp},         {TG_OP_EXP2, exp2},
        {TG_OP_EXPM1, expm1}, {TG_OP_LOG, log},         {TG_OP_LOG2, log2},
        {TG_OP_LOG10, log10}, {TG_OP_LOG1P, log1p},     {TG_OP_SIN, sin},
        {TG_OP_COS, cos},     {TG_OP_TAN, tan},         {TG_OP_ASIN, asin},
        {TG_OP_ACOS, acos},   {TG_OP_ATAN, atan},       {TG_OP_SINH, sinh},
        {TG_OP_COSH, cosh},   {TG_OP_TANH, tanh},       {TG_OP_ERF, erf},
        {TG_OP_ERFC, erfc},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (table[i].op == op) {
            *out = table[i].fn(x);
            return true;
        }
    }
    return false;
}

static int64_t bit_function(tg_opcode op, tg_scalar x, bool *known) {
    int bits = tg_dtype_bits(x.dtype);
    uint64_t v = bits == 64 ? (uint64_t)x.i : (uint64_t)x.i & ((UINT64_C(1) << bits) - 1);
    *known = true;
    if (op == TG_OP_POPC) {
        return __builtin_popcountll(v);
    }
    if (op == TG_OP_CTZ) {
        return v ? __builtin_ctzll(v) : bits;
    }
    if (op == TG_OP_CLZ) {
        return v ? __builtin_clzll(v) - (64 - bits) : bits;
    }
    if (op == TG_OP_ABS) {
        return x.i < 0 && tg_dtype_kind_of(x.dtype) == TG_KIND_SINT
                   ? (int64_t)(0 - (uint64_t)x.i)
                   : x.i;
    }
    *known = false;
    return 0;
}

static bool integer_pair(tg_opcode op, tg_scalar x, tg_scalar y, tg_scalar *out) {
    tg_i128 a = as_wide(x), b = as_wide(y), v;
    if (op == TG_OP_TDIV) {
        v = b ? a / b : 0;
    } else if (op == TG_OP_TREM) {
        v = b ? a % b : a;
    } else if (op == TG_OP_GCD) {
        v = tg_gcd(x.i, y.i);
    } else {
        return false;
    }
    *out = tg_scalar_int(x.dtype, (int64_t)(uint64_t)v);
    return true;
}

bool tg_const_function(tg_opcode op, const tg_scalar *args, uint32_t n, tg_scalar *out) {
    tg_dtype_kind kind = tg_dtype_kind_of(args[0].dtype);
    if (op == TG_OP_MIN || op == TG_OP_MAX) {
        return tg_const_binary(op == TG_OP_MIN ? TG_OPER_MIN : TG_OPER_MAX, args[0], args[1],
                               out);
    }
    if (kind == TG_KIND_FLOAT && n == 1) {
        double v;
        if (!float_function(op, args[0].f, &v)) {
            return false;
        }
        *out = tg_scalar_float(args[0].dtype, v);
        return true;
    }
    if (kind != TG_KIND_SINT && kind != TG_KIND_UINT) {
        return false;
    }
    if (n == 2) {
        return integer_pair(op, args[0], args[1], out);
    }
    bool known;
    int64_t v = bit_function(op, args[0], &known);
    *out = tg_scalar_int(args[0].dtype, v);
    return known && n == 1;
}
