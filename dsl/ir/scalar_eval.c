/* Scalar meaning of the elementwise operations, as a table from opcode to function.
 *
 * Floats: f16, bf16 and f32 are held in doubles. One +, -, *, / or sqrt in double followed by
 * one rounding to at most 24 bits gives the correctly rounded result (Figueroa 1995: 53 >= 2
 * * 24 + 2). fma needs care: see round_to_odd. */
#include "base/integer.h"
#include "dsl/ir/scalar_eval.h"

#include <math.h>
#include <string.h>

typedef struct eval_args {
    tg_enum pred;
    tg_dtype to;
    const tg_scalar *in;
    uint32_t n;
} eval_args;

typedef bool (*eval_fn)(const eval_args *a, tg_scalar *out);

/* ---- values ----------------------------------------------------------------------------- */

int64_t tg_int_wrap(tg_dtype dtype, int64_t v) {
    if (dtype == TG_BOOL) {
        return v != 0;
    }
    int bits = tg_dtype_bits(dtype);
    if (bits >= 64) {
        return v;
    }
    uint64_t low = (uint64_t)v & ((UINT64_C(1) << bits) - 1), sign = UINT64_C(1) << (bits - 1);
    return tg_dtype_kind_of(dtype) == TG_KIND_SINT ? (int64_t)((low ^ sign) - sign)
                                                   : (int64_t)low;
}

tg_scalar tg_scalar_of_int(tg_dtype dtype, int64_t v) {
    return (tg_scalar){.dtype = dtype, .i = tg_int_wrap(dtype, v)};
}

static double round_real(tg_dtype dtype, double v) {
    if (dtype == TG_F32 || dtype == TG_C32) {
        return (double)(float)v;
    }
    return dtype == TG_F64 || dtype == TG_C64 ? v : tg_round_to(dtype, v);
}

tg_scalar tg_scalar_of_float(tg_dtype dtype, double v) {
    return (tg_scalar){.dtype = dtype, .f = round_real(dtype, v)};
}

static bool is_int(tg_dtype t) {
    return tg_dtype_is_int(t) && !tg_dtype_is_storage(t);
}

static bool is_real(tg_dtype t) {
    return tg_dtype_is_float(t) && !tg_dtype_is_storage(t);
}

static bool is_complex(tg_dtype t) {
    return t == TG_C32 || t == TG_C64;
}

static bool is_signed(tg_dtype t) {
    return tg_dtype_kind_of(t) == TG_KIND_SINT;
}

static uint64_t bits_of(const tg_scalar *s) { /* the value's own bits, zero-extended */
    int bits = tg_dtype_bits(s->dtype);
    return bits >= 64 ? (uint64_t)s->i : (uint64_t)s->i & ((UINT64_C(1) << bits) - 1);
}

static bool give_int(tg_scalar *out, tg_dtype dtype, uint64_t v) {
    *out = tg_scalar_of_int(dtype, (int64_t)v);
    return true;
}

static bool give_bool(tg_scalar *out, bool v) {
    *out = (tg_scalar){.dtype = TG_BOOL, .i = v};
    return true;
}

static bool give_float(tg_scalar *out, tg_dtype dtype, double v) {
    *out = tg_scalar_of_float(dtype, v);
    return true;
}

static bool give_complex(tg_scalar *out, tg_dtype dtype, double re, double im) {
    *out = (tg_scalar){.dtype = dtype, .f = round_real(dtype, re), .g = round_real(dtype, im)};
    return true;
}

/* ---- arithmetic ------------------------------------------------------------------------- */

static bool eval_add(const eval_args *a, tg_scalar *out) {
    const tg_scalar *x = &a->in[0], *y = &a->in[1];
    if (is_int(x->dtype)) {
        return give_int(out, x->dtype, (uint64_t)x->i + (uint64_t)y->i);
    }
    if (is_complex(x->dtype)) {
        return give_complex(out, x->dtype, x->f + y->f, x->g + y->g);
    }
    return is_real(x->dtype) && give_float(out, x->dtype, x->f + y->f);
}

static bool eval_sub(const eval_args *a, tg_scalar *out) {
    const tg_scalar *x = &a->in[0], *y = &a->in[1];
    if (is_int(x->dtype)) {
        return give_int(out, x->dtype, (uint64_t)x->i - (uint64_t)y->i);
    }
    if (is_complex(x->dtype)) {
        return give_complex(out, x->dtype, x->f - y->f, x->g - y->g);
    }
    return is_real(x->dtype) && give_float(out, x->dtype, x->f - y->f);
}

static bool eval_mul(const eval_args *a, tg_scalar *out) {
    const tg_scalar *x = &a->in[0], *y = &a->in[1];
    tg_dtype t = x->dtype;
    if (is_int(t)) {
        return give_int(out, t, (uint64_t)x->i * (uint64_t)y->i);
    }
    if (is_complex(t)) { /* textbook, each step rounded */
        double ac = round_real(t, x->f * y->f), bd = round_real(t, x->g * y->g);
        double ad = round_real(t, x->f * y->g), bc = round_real(t, x->g * y->f);
        return give_complex(out, t, ac - bd, ad + bc);
    }
    return is_real(t) && give_float(out, t, x->f * y->f);
}

static bool divide_complex(tg_dtype t, const tg_scalar *x, const tg_scalar *y, tg_scalar *out) {
    double norm = round_real(t, round_real(t, y->f * y->f) + round_real(t, y->g * y->g));
    double re = round_real(t, round_real(t, x->f * y->f) + round_real(t, x->g * y->g));
    double im = round_real(t, round_real(t, x->g * y->f) - round_real(t, x->f * y->g));
    return give_complex(out, t, re / norm, im / norm);
}

/* Truncating quotient with x/0 = 0 and MIN/-1 = MIN, on bits of the dtype. */
static uint64_t quotient(const tg_scalar *x, const tg_scalar *y) {
    if (y->i == 0) {
        return 0;
    }
    if (!is_signed(x->dtype)) {
        return bits_of(x) / bits_of(y);
    }
    return y->i == -1 ? 0 - (uint64_t)x->i : (uint64_t)(x->i / y->i);
}

static uint64_t floor_quotient(const tg_scalar *x, const tg_scalar *y) {
    uint64_t q = quotient(x, y);
    bool inexact = y->i != 0 && y->i != -1 && is_signed(x->dtype) && x->i % y->i != 0;
    return inexact && (x->i < 0) != (y->i < 0) ? q - 1 : q;
}

static bool eval_div(const eval_args *a, tg_scalar *out) {
    const tg_scalar *x = &a->in[0], *y = &a->in[1];
    if (is_int(x->dtype)) {
        return give_int(out, x->dtype, floor_quotient(x, y));
    }
    if (is_complex(x->dtype)) {
        return divide_complex(x->dtype, x, y, out);
    }
    return is_real(x->dtype) && give_float(out, x->dtype, x->f / y->f);
}

static bool eval_rem(const eval_args *a, tg_scalar *out) {
    const tg_scalar *x = &a->in[0], *y = &a->in[1];
    return is_int(x->dtype) &&
           give_int(out, x->dtype, (uint64_t)x->i - (uint64_t)y->i * floor_quotient(x, y));
}

static bool eval_tdiv(const eval_args *a, tg_scalar *out) {
    return is_int(a->in->dtype) && give_int(out, a->in->dtype, quotient(&a->in[0], &a->in[1]));
}

static bool eval_trem(const eval_args *a, tg_scalar *out) {
    const tg_scalar *x = &a->in[0], *y = &a->in[1];
    return is_int(x->dtype) &&
           give_int(out, x->dtype, (uint64_t)x->i - (uint64_t)y->i * quotient(x, y));
}

/* x + y rounded to odd: later rounding to fewer bits is then as if the exact sum had been
 * rounded (Boldo and Melquiond 2008). TwoSum gives the exact error. */
static double round_to_odd(double x, double y) {
    double s = x + y;
    if (!isfinite(s)) {
        return s;
    }
    double t = s - x, error = (x - (s - t)) + (y - t);
    uint64_t bits;
    memcpy(&bits, &s, sizeof bits);
    if (error != 0 && (bits & 1) == 0) {
        s = nextafter(s, error > 0 ? INFINITY : -INFINITY);
    }
    return s;
}

static bool eval_fma(const eval_args *a, tg_scalar *out) {
    const tg_scalar *v = a->in;
    if (!is_real(v->dtype)) {
        return false;
    }
    if (v->dtype == TG_F64) {
        return give_float(out, v->dtype, fma(v[0].f, v[1].f, v[2].f));
    }
    return give_float(
        out, v->dtype,
        round_to_odd(v[0].f * v[1].f, v[2].f)); /* the product is exact in double */
}

static bool eval_neg(const eval_args *a, tg_scalar *out) {
    const tg_scalar *x = a->in;
    if (is_int(x->dtype)) {
        return give_int(out, x->dtype, 0 - (uint64_t)x->i);
    }
    if (is_complex(x->dtype)) {
        return give_complex(out, x->dtype, -x->f, -x->g);
    }
    return is_real(x->dtype) && give_float(out, x->dtype, -x->f);
}

static bool eval_abs(const eval_args *a, tg_scalar *out) {
    const tg_scalar *x = a->in;
    if (is_int(x->dtype)) {
        bool negative = is_signed(x->dtype) && x->i < 0;
        return give_int(out, x->dtype, negative ? 0 - (uint64_t)x->i : (uint64_t)x->i);
    }
    return is_real(x->dtype) && give_float(out, x->dtype, fabs(x->f));
}

static bool eval_sign(const eval_args *a, tg_scalar *out) {
    const tg_scalar *x = a->in;
    if (is_int(x->dtype)) {
        bool negative = is_signed(x->dtype) && x->i < 0;
        return give_int(out, x->dtype, negative ? UINT64_MAX : x->i != 0);
    }
    double s = x->f > 0 ? 1.0 : x->f < 0 ? -1.0 : x->f;
    return is_real(x->dtype) && give_float(out, x->dtype, s);
}

static bool int_less(const tg_scalar *x, const tg_scalar *y) {
    return is_signed(x->dtype) || x->dtype == TG_BOOL ? x->i < y->i
                                                      : (uint64_t)x->i < (uint64_t)y->i;
}

/* -0 orders before +0, so that the result does not depend on the operand order */
static bool float_less(double x, double y) {
    return x < y || (x == y && signbit(x) && !signbit(y));
}

static bool eval_min(const eval_args *a, tg_scalar *out) {
    const tg_scalar *x = &a->in[0], *y = &a->in[1];
    if (is_real(x->dtype)) {
        return give_float(out, x->dtype,
                          isnan(x->f)                             ? x->f
                          : isnan(y->f) || float_less(y->f, x->f) ? y->f
                                                                  : x->f);
    }
    *out = int_less(y, x) ? *y : *x;
    return is_int(x->dtype);
}

static bool eval_max(const eval_args *a, tg_scalar *out) {
    const tg_scalar *x = &a->in[0], *y = &a->in[1];
    if (is_real(x->dtype)) {
        return give_float(out, x->dtype,
                          isnan(x->f)                             ? x->f
                          : isnan(y->f) || float_less(x->f, y->f) ? y->f
                                                                  : x->f);
    }
    *out = int_less(x, y) ? *y : *x;
    return is_int(x->dtype);
}

static bool eval_minnum(const eval_args *a, tg_scalar *out) {
    const tg_scalar *x = &a->in[0], *y = &a->in[1];
    return is_real(x->dtype) && (isnan(x->f)   ? give_float(out, x->dtype, y->f)
                                 : isnan(y->f) ? give_float(out, x->dtype, x->f)
                                               : eval_min(a, out));
}

static bool eval_maxnum(const eval_args *a, tg_scalar *out) {
    const tg_scalar *x = &a->in[0], *y = &a->in[1];
    return is_real(x->dtype) && (isnan(x->f)   ? give_float(out, x->dtype, y->f)
                                 : isnan(y->f) ? give_float(out, x->dtype, x->f)
                                               : eval_max(a, out));
}

static bool eval_fmod(const eval_args *a, tg_scalar *out) {
    return is_real(a->in->dtype) && give_float(out, a->in->dtype, fmod(a->in[0].f, a->in[1].f));
}

/* ---- bits ------------------------------------------------------------------------------- */

static bool has_bits(tg_dtype t) {
    return is_int(t) || t == TG_BOOL;
}

static bool eval_and(const eval_args *a, tg_scalar *out) {
    return has_bits(a->in->dtype) &&
           give_int(out, a->in->dtype, (uint64_t)(a->in[0].i & a->in[1].i));
}

static bool eval_or(const eval_args *a, tg_scalar *out) {
    return has_bits(a->in->dtype) &&
           give_int(out, a->in->dtype, (uint64_t)(a->in[0].i | a->in[1].i));
}

static bool eval_xor(const eval_args *a, tg_scalar *out) {
    return has_bits(a->in->dtype) &&
           give_int(out, a->in->dtype, (uint64_t)(a->in[0].i ^ a->in[1].i));
}

static bool eval_not(const eval_args *a, tg_scalar *out) {
    if (a->in->dtype == TG_BOOL) {
        return give_bool(out, a->in->i == 0);
    }
    return is_int(a->in->dtype) && give_int(out, a->in->dtype, ~(uint64_t)a->in->i);
}

static bool eval_shl(const eval_args *a, tg_scalar *out) {
    uint64_t count = bits_of(&a->in[1]), width = (uint64_t)tg_dtype_bits(a->in->dtype);
    return is_int(a->in->dtype) &&
           give_int(out, a->in->dtype, count >= width ? 0 : (uint64_t)a->in->i << count);
}

static bool eval_shr(const eval_args *a, tg_scalar *out) {
    const tg_scalar *x = a->in;
    uint64_t count = bits_of(&a->in[1]), width = (uint64_t)tg_dtype_bits(x->dtype);
    if (!is_int(x->dtype)) {
        return false;
    }
    if (!is_signed(x->dtype)) {
        return give_int(out, x->dtype, count >= width ? 0 : bits_of(x) >> count);
    }
    count = count >= width ? width - 1 : count;
    uint64_t flipped = x->i < 0
                           ? ~(uint64_t)x->i
                           : (uint64_t)x->i; /* >> of negative numbers is up to the compiler */
    return give_int(out, x->dtype, x->i < 0 ? ~(flipped >> count) : flipped >> count);
}

static uint64_t high_product(uint64_t x, uint64_t y) {
    uint64_t x0 = x & UINT32_MAX, x1 = x >> 32, y0 = y & UINT32_MAX, y1 = y >> 32;
    uint64_t middle = x1 * y0 + (x0 * y0 >> 32);
    uint64_t carry = (middle & UINT32_MAX) + x0 * y1;
    return x1 * y1 + (middle >> 32) + (carry >> 32);
}

static bool eval_mulhi(const eval_args *a, tg_scalar *out) {
    const tg_scalar *x = &a->in[0], *y = &a->in[1];
    int width = tg_dtype_bits(x->dtype);
    if (!is_int(x->dtype)) {
        return false;
    }
    if (width < 64) {
        return give_int(out, x->dtype, ((uint64_t)x->i * (uint64_t)y->i) >> width);
    }
    uint64_t high = high_product((uint64_t)x->i, (uint64_t)y->i);
    if (is_signed(x->dtype)) {
        high -= (x->i < 0 ? (uint64_t)y->i : 0) + (y->i < 0 ? (uint64_t)x->i : 0);
    }
    return give_int(out, x->dtype, high);
}

static bool eval_popc(const eval_args *a, tg_scalar *out) {
    uint64_t n = 0;
    for (uint64_t x = bits_of(a->in); x; x &= x - 1) {
        n++;
    }
    return is_int(a->in->dtype) && give_int(out, a->in->dtype, n);
}

static bool eval_clz(const eval_args *a, tg_scalar *out) {
    uint64_t n = (uint64_t)tg_dtype_bits(a->in->dtype);
    for (uint64_t x = bits_of(a->in); x; x >>= 1) {
        n--;
    }
    return is_int(a->in->dtype) && give_int(out, a->in->dtype, n);
}

static bool eval_ctz(const eval_args *a, tg_scalar *out) {
    uint64_t n = 0, width = (uint64_t)tg_dtype_bits(a->in->dtype), x = bits_of(a->in);
    while (n < width && ((x >> n) & 1) == 0) {
        n++;
    }
    return is_int(a->in->dtype) && give_int(out, a->in->dtype, n);
}

static bool eval_brev(const eval_args *a, tg_scalar *out) {
    int width = tg_dtype_bits(a->in->dtype);
    uint64_t x = bits_of(a->in), reversed = 0;
    for (int i = 0; i < width; i++, x >>= 1) {
        reversed = reversed << 1 | (x & 1);
    }
    return is_int(a->in->dtype) && give_int(out, a->in->dtype, reversed);
}

static bool eval_rotl(const eval_args *a, tg_scalar *out) {
    if (!is_int(a->in->dtype)) {
        return false;
    }
    uint64_t width = (uint64_t)tg_dtype_bits(a->in->dtype), x = bits_of(a->in);
    uint64_t count = bits_of(&a->in[1]) % width;
    return give_int(out, a->in->dtype, count ? x << count | x >> (width - count) : x);
}

static bool eval_gcd(const eval_args *a, tg_scalar *out) {
    const tg_scalar *v = a->in;
    bool sign = is_signed(v->dtype);
    uint64_t x = sign && v[0].i < 0 ? 0 - (uint64_t)v[0].i : bits_of(&v[0]);
    uint64_t y = sign && v[1].i < 0 ? 0 - (uint64_t)v[1].i : bits_of(&v[1]);
    return is_int(v->dtype) && give_int(out, v->dtype, tg_gcd_unsigned(x, y));
}

static bool eval_byte_perm(const eval_args *a, tg_scalar *out) {
    uint64_t bytes = bits_of(&a->in[1]) << 32 | bits_of(&a->in[0]),
             selector = bits_of(&a->in[2]), r = 0;
    for (uint32_t i = 0; i < 4; i++) {
        uint64_t which = selector >> (4 * i) & 7;
        r |= (bytes >> (8 * which) & 255) << (8 * i);
    }
    return a->in->dtype == TG_U32 && give_int(out, TG_U32, r);
}

/* ---- comparison, choice, conversion ----------------------------------------------------- */

static bool compare(tg_enum pred, bool less, bool equal, bool ordered) {
    if (!ordered) {
        return pred == TG_NE;
    }
    bool greater = !less && !equal;
    return (pred == TG_EQ && equal) || (pred == TG_NE && !equal) || (pred == TG_LT && less) ||
           (pred == TG_LE && (less || equal)) || (pred == TG_GT && greater) ||
           (pred == TG_GE && (greater || equal));
}

static bool eval_cmp(const eval_args *a, tg_scalar *out) {
    const tg_scalar *x = &a->in[0], *y = &a->in[1];
    if (is_complex(x->dtype)) {
        bool equal = x->f == y->f && x->g == y->g;
        return (a->pred == TG_EQ || a->pred == TG_NE) &&
               give_bool(out, equal == (a->pred == TG_EQ));
    }
    if (is_real(x->dtype)) {
        return give_bool(
            out, compare(a->pred, x->f < y->f, x->f == y->f, !isnan(x->f) && !isnan(y->f)));
    }
    return has_bits(x->dtype) &&
           give_bool(out, compare(a->pred, int_less(x, y), x->i == y->i, true));
}

static bool eval_select(const eval_args *a, tg_scalar *out) {
    *out = a->in[0].i ? a->in[1] : a->in[2];
    return true;
}

static bool eval_cast(const eval_args *a, tg_scalar *out) {
    *out = tg_scalar_convert(a->in[0], a->to);
    return true;
}

static bool eval_bitcast(const eval_args *a, tg_scalar *out) {
    unsigned char bytes[16] = {0};
    if (tg_dtype_bits(a->in->dtype) != tg_dtype_bits(a->to)) {
        return false;
    }
    tg_scalar_store(a->in[0], bytes, 0);
    *out = tg_scalar_load(a->to, bytes, 0);
    return true;
}

/* ---- rounding and predicates ------------------------------------------------------------ */

static bool eval_floor(const eval_args *a, tg_scalar *out) {
    return is_real(a->in->dtype) && give_float(out, a->in->dtype, floor(a->in->f));
}

static bool eval_ceil(const eval_args *a, tg_scalar *out) {
    return is_real(a->in->dtype) && give_float(out, a->in->dtype, ceil(a->in->f));
}

static bool eval_trunc(const eval_args *a, tg_scalar *out) {
    return is_real(a->in->dtype) && give_float(out, a->in->dtype, trunc(a->in->f));
}

static bool eval_round(const eval_args *a, tg_scalar *out) {
    return is_real(a->in->dtype) && give_float(out, a->in->dtype, nearbyint(a->in->f));
}

static bool eval_isnan(const eval_args *a, tg_scalar *out) {
    return is_real(a->in->dtype) && give_bool(out, isnan(a->in->f));
}

static bool eval_isinf(const eval_args *a, tg_scalar *out) {
    return is_real(a->in->dtype) && give_bool(out, isinf(a->in->f));
}

static bool eval_isfinite(const eval_args *a, tg_scalar *out) {
    return is_real(a->in->dtype) && give_bool(out, isfinite(a->in->f));
}

static bool eval_signbit(const eval_args *a, tg_scalar *out) {
    return is_real(a->in->dtype) && give_bool(out, signbit(a->in->f));
}

static bool eval_copysign(const eval_args *a, tg_scalar *out) {
    return is_real(a->in->dtype) &&
           give_float(out, a->in->dtype, copysign(a->in[0].f, a->in[1].f));
}

static bool eval_ldexp(const eval_args *a, tg_scalar *out) {
    return is_real(a->in->dtype) && fabs(a->in[1].f) < 0x1p30 &&
           give_float(out, a->in->dtype, ldexp(a->in[0].f, (int)a->in[1].f));
}

/* Neighbours of a float are neighbours of its sign-magnitude bits, whatever its width. */
static bool eval_nextafter(const eval_args *a, tg_scalar *out) {
    const tg_scalar *x = &a->in[0], *y = &a->in[1];
    if (!is_real(x->dtype)) {
        return false;
    }
    if (isnan(x->f) || isnan(y->f) || x->f == y->f) {
        *out = isnan(x->f) ? *x : *y;
        return true;
    }
    uint64_t bits = 0;
    tg_scalar_store(*x, &bits, 0);
    uint64_t sign = UINT64_C(1) << (tg_dtype_bits(x->dtype) - 1);
    if (x->f == 0) {
        bits = (y->f < 0 ? sign : 0) | 1;
    } else {
        bits += (y->f > x->f) == (x->f > 0) ? 1 : UINT64_MAX;
    }
    *out = tg_scalar_load(x->dtype, &bits, 0);
    return true;
}

static bool eval_sqrt(const eval_args *a, tg_scalar *out) {
    return is_real(a->in->dtype) && give_float(out, a->in->dtype, sqrt(a->in->f));
}

/* ---- complex ---------------------------------------------------------------------------- */

static bool eval_cplx(const eval_args *a, tg_scalar *out) {
    return give_complex(out, a->in->dtype == TG_F32 ? TG_C32 : TG_C64, a->in[0].f, a->in[1].f);
}

static bool eval_re(const eval_args *a, tg_scalar *out) {
    return give_float(out, tg_dtype_real(a->in->dtype), a->in->f);
}

static bool eval_im(const eval_args *a, tg_scalar *out) {
    return give_float(out, tg_dtype_real(a->in->dtype), a->in->g);
}

static bool eval_conj(const eval_args *a, tg_scalar *out) {
    *out = a->in[0];
    out->g = -out->g;
    return true;
}

static bool eval_same(const eval_args *a, tg_scalar *out) {
    *out = a->in[0];
    return true;
}

static const eval_fn evaluators[TG_OP_COUNT] = {
    [TG_OP_ADD] = eval_add,
    [TG_OP_SUB] = eval_sub,
    [TG_OP_MUL] = eval_mul,
    [TG_OP_DIV] = eval_div,
    [TG_OP_REM] = eval_rem,
    [TG_OP_TDIV] = eval_tdiv,
    [TG_OP_TREM] = eval_trem,
    [TG_OP_FMA] = eval_fma,
    [TG_OP_NEG] = eval_neg,
    [TG_OP_ABS] = eval_abs,
    [TG_OP_SIGN] = eval_sign,
    [TG_OP_MIN] = eval_min,
    [TG_OP_MAX] = eval_max,
    [TG_OP_MINNUM] = eval_minnum,
    [TG_OP_MAXNUM] = eval_maxnum,
    [TG_OP_FMOD] = eval_fmod,
    [TG_OP_AND] = eval_and,
    [TG_OP_OR] = eval_or,
    [TG_OP_XOR] = eval_xor,
    [TG_OP_NOT] = eval_not,
    [TG_OP_SHL] = eval_shl,
    [TG_OP_SHR] = eval_shr,
    [TG_OP_MULHI] = eval_mulhi,
    [TG_OP_POPC] = eval_popc,
    [TG_OP_CLZ] = eval_clz,
    [TG_OP_CTZ] = eval_ctz,
    [TG_OP_BREV] = eval_brev,
    [TG_OP_ROTL] = eval_rotl,
    [TG_OP_GCD] = eval_gcd,
    [TG_OP_BYTE_PERM] = eval_byte_perm,
    [TG_OP_CMP] = eval_cmp,
    [TG_OP_SELECT] = eval_select,
    [TG_OP_CAST] = eval_cast,
    [TG_OP_BITCAST] = eval_bitcast,
    [TG_OP_FLOOR] = eval_floor,
    [TG_OP_CEIL] = eval_ceil,
    [TG_OP_TRUNC] = eval_trunc,
    [TG_OP_ROUND] = eval_round,
    [TG_OP_ISNAN] = eval_isnan,
    [TG_OP_ISINF] = eval_isinf,
    [TG_OP_ISFINITE] = eval_isfinite,
    [TG_OP_SIGNBIT] = eval_signbit,
    [TG_OP_COPYSIGN] = eval_copysign,
    [TG_OP_NEXTAFTER] = eval_nextafter,
    [TG_OP_LDEXP] = eval_ldexp,
    [TG_OP_SQRT] = eval_sqrt,
    [TG_OP_CPLX] = eval_cplx,
    [TG_OP_RE] = eval_re,
    [TG_OP_IM] = eval_im,
    [TG_OP_CONJ] = eval_conj,
    [TG_OP_BROADCAST] = eval_same,
};

bool tg_scalar_eval(tg_opcode op, tg_enum pred, tg_dtype to, const tg_scalar *in, uint32_t n,
                    tg_scalar *out) {
    eval_args a = {.pred = pred, .to = to, .in = in, .n = n};
    return n > 0 && evaluators[op] && evaluators[op](&a, out);
}

/* ---- reductions ------------------------------------------------------------------------- */

tg_opcode tg_fn_opcode(tg_enum fn) {
    static const tg_opcode opcodes[TG_ENUM_COUNT] = {
        [TG_FN_ADD] = TG_OP_ADD, [TG_FN_MUL] = TG_OP_MUL, [TG_FN_MIN] = TG_OP_MIN,
        [TG_FN_MAX] = TG_OP_MAX, [TG_FN_AND] = TG_OP_AND, [TG_FN_OR] = TG_OP_OR,
        [TG_FN_XOR] = TG_OP_XOR};
    return opcodes[fn];
}

bool tg_scalar_fold(tg_enum fn, tg_scalar acc, tg_scalar x, tg_scalar *out) {
    tg_scalar in[] = {acc, x};
    return tg_fn_opcode(fn) != TG_OP_CONST &&
           tg_scalar_eval(tg_fn_opcode(fn), TG_ENUM_NONE, acc.dtype, in, 2, out);
}

static int64_t int_extreme(tg_dtype t, bool greatest) {
    int bits = tg_dtype_bits(t);
    if (t == TG_BOOL) {
        return greatest;
    }
    if (!is_signed(t)) {
        return greatest ? tg_int_wrap(t, -1) : 0;
    }
    int64_t max = (int64_t)(UINT64_MAX >> (65 - bits));
    return greatest ? max : -max - 1;
}

tg_scalar tg_scalar_identity(tg_enum fn, tg_dtype dtype) {
    bool number = !has_bits(dtype);
    if (fn == TG_FN_MUL) {
        return number ? tg_scalar_of_float(dtype, 1.0) : tg_scalar_of_int(dtype, 1);
    }
    if (fn == TG_FN_MIN || fn == TG_FN_MAX) {
        bool greatest = fn == TG_FN_MIN;
        return number ? tg_scalar_of_float(dtype, greatest ? INFINITY : -INFINITY)
                      : tg_scalar_of_int(dtype, int_extreme(dtype, greatest));
    }
    return number ? tg_scalar_of_float(dtype, 0.0)
                  : tg_scalar_of_int(dtype, fn == TG_FN_AND ? -1 : 0);
}

/* ---- constants of the IR ---------------------------------------------------------------- */

bool tg_value_const_scalar(const tg_value *v, tg_scalar *out) {
    if (!v->def || v->def->opcode != TG_OP_CONST) {
        return false;
    }
    const tg_attr *value = tg_op_attr(v->def, TG_ATTR_VALUE),
                  *imag = tg_op_attr(v->def, TG_ATTR_IMAG);
    *out = (tg_scalar){.dtype = v->type->dtype};
    bool integer = tg_dtype_is_int(v->type->dtype) || v->type->dtype == TG_BOOL;
    if (value && integer) {
        out->i = value->i;
    } else if (value && value->kind == TG_AK_INT) {
        out->f = (double)value->i;
    } else if (value) {
        out->f = value->f;
    }
    out->g = imag ? imag->f : 0.0;
    return value != NULL;
}

tg_value *tg_build_scalar(tg_builder *b, tg_scalar s) {
    if (has_bits(s.dtype) || tg_dtype_is_int(s.dtype)) {
        return tg_build_int(b, s.dtype, s.i);
    }
    tg_value *v = tg_build_float(b, s.dtype, s.f);
    if (is_complex(s.dtype) && (s.g != 0 || signbit(s.g))) {
        tg_op_set_attr(b->func, v->def, tg_attr_float(TG_ATTR_IMAG, s.g));
    }
    return v;
}
