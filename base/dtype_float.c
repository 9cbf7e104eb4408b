/* Rounding to the float formats and their bit patterns, by one description per format.
 *
 *     value = (-1)^s * 2^(e - bias) * 1.m     e > 0
 *             (-1)^s * 2^(1 - bias) * 0.m     e = 0 (subnormal)
 *
 * Formats (OCP 8-bit Floating Point 1.0, OCP Microscaling 1.0, IEEE 754, bfloat16):
 *   ieee      exponent field all ones is infinity or NaN
 *   e4m3, e2m1  no infinity; overflow and infinities give the largest finite value; NaN is 0x7f in
 *             e4m3, and e2m1, which has none, stores its largest value (as PTX cvt.satfinite does)
 *   e8m0      unsigned power of two, no zero: zero and what is too small give 2^-127; negatives
 *             give NaN
 * Everything is integer arithmetic on the bits of the double, so the caller's rounding mode does not
 * matter; only subnormal results are scaled, exactly, so that their unit is 1. The interpreter spends
 * much of its time here: no calls into libm. */
#include "base/dtype_float.h"

#include <math.h>
#include <string.h>

typedef struct float_format {
    int exponent_bits, mantissa_bits, bias; /* exponent_bits 0: not a format of this table */
    bool is_ieee;
    double largest;
} float_format;

/* clang-format off */
static const float_format formats[TG_C64 + 1] = {
    [TG_F4E2M1] = {2, 1,  1,   false, 6.0},
    [TG_F8E4M3] = {4, 3,  7,   false, 448.0},
    [TG_F8E5M2] = {5, 2,  15,  true,  57344.0},
    [TG_BF16]   = {8, 7,  127, true,  0x1.fep127},
    [TG_F16]    = {5, 10, 15,  true,  65504.0},
    [TG_F32]    = {8, 23, 127, true,  0x1.fffffep127},
};
/* clang-format on */

static const uint64_t SIGN = UINT64_C(1) << 63;

static const float_format *format_of(tg_dtype t) {
    bool is_known = (unsigned)t <= TG_C64 && formats[t].exponent_bits;
    return is_known ? &formats[t] : NULL;
}

static uint64_t bits_of(double v) {
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

static double from_bits(uint64_t bits) {
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* Exponent of a double that is not negative; -1023 for zero and subnormals. */
static int exponent_of(uint64_t bits) {
    return (int)(bits >> 52) - 1023;
}

/* 2^k, -1022 <= k <= 1023 */
static double power_of_two(int k) {
    return from_bits((uint64_t)(k + 1023) << 52);
}

/* Nearest power of two; the tie 1.5 * 2^k goes to the even exponent code k + 127. */
static double round_e8m0(double v) {
    if (v != v || v < 0.0) {
        return NAN;
    }
    if (v <= 0x1p-127) {
        return 0x1p-127;
    }
    if (v >= 0x1p127) {
        return 0x1p127;
    }
    uint64_t bits = bits_of(v), mantissa = bits << 12;
    int k = exponent_of(bits);
    bool up = mantissa > SIGN || (mantissa == SIGN && (k + 127) % 2 != 0);
    return power_of_two(up ? k + 1 : k);
}

/* To a whole number; x >= 0 and small. */
static double round_half_even(double x) {
    int64_t low = (int64_t)x;
    double part = x - (double)low;
    bool up = part > 0.5 || (part == 0.5 && (low & 1));
    return (double)(low + up);
}

static double round_finite(const float_format *fmt, double v) {
    uint64_t sign = bits_of(v) & SIGN, bits = bits_of(v) & ~SIGN;
    int e_min = 1 - fmt->bias, drop = 52 - fmt->mantissa_bits;
    double r;
    if (exponent_of(bits) >= e_min) {
        /* adds half a unit, or just below half if the kept part is even; the carry may reach the
         * exponent, which is right */
        bits += (UINT64_C(1) << (drop - 1)) - 1 + (bits >> drop & 1);
        r = from_bits(bits >> drop << drop);
    } else {
        int ulp = e_min - fmt->mantissa_bits;
        r = round_half_even(from_bits(bits) * power_of_two(-ulp)) * power_of_two(ulp);
    }
    if (r > fmt->largest) {
        r = fmt->is_ieee ? INFINITY : fmt->largest;
    }
    return from_bits(bits_of(r) | sign);
}

double tg_round_to(tg_dtype t, double v) {
    if (t == TG_F8E8M0) {
        return round_e8m0(v);
    }
    const float_format *fmt = format_of(t);
    if (!fmt) {
        return v; /* f64, and what is no float */
    }
    if (v != v) {
        return t == TG_F4E2M1 ? fmt->largest : v;
    }
    if (isinf(v)) {
        return fmt->is_ieee ? v : copysign(fmt->largest, v);
    }
    return round_finite(fmt, v);
}

/* NaN with the given sign and the payload's leading bits at the top of the mantissa. */
static double make_nan(bool negative, uint64_t payload, int payload_bits) {
    return from_bits(UINT64_C(0x7ff8000000000000) | payload << (52 - payload_bits) |
                     (negative ? SIGN : 0));
}

static double decode(const float_format *fmt, tg_dtype t, uint64_t bits) {
    uint64_t mantissa = bits & ((UINT64_C(1) << fmt->mantissa_bits) - 1);
    int e_max = (1 << fmt->exponent_bits) - 1;
    int e = (int)(bits >> fmt->mantissa_bits) & e_max;
    bool negative = (bits >> (fmt->mantissa_bits + fmt->exponent_bits)) & 1;
    if (fmt->is_ieee && e == e_max) {
        if (mantissa) {
            return make_nan(negative, mantissa, fmt->mantissa_bits);
        }
        return negative ? -INFINITY : INFINITY;
    }
    if (t == TG_F8E4M3 && (bits & 0x7f) == 0x7f) {
        return make_nan(negative, 0, 1);
    }
    if (e == 0) {
        double v = (double)mantissa * power_of_two(1 - fmt->bias - fmt->mantissa_bits);
        return negative ? -v : v;
    }
    return from_bits((negative ? SIGN : 0) | (uint64_t)(e - fmt->bias + 1023) << 52 |
                     mantissa << (52 - fmt->mantissa_bits));
}

double tg_float_decode(tg_dtype t, uint64_t bits) {
    if (t == TG_F32) {
        uint32_t low = (uint32_t)bits;
        float f;
        memcpy(&f, &low, sizeof f);
        return (double)f;
    }
    if (t == TG_F8E8M0) {
        return (bits & 0xff) == 0xff ? NAN : power_of_two((int)(bits & 0xff) - 127);
    }
    const float_format *fmt = format_of(t);
    return fmt ? decode(fmt, t, bits) : from_bits(bits);
}

static uint64_t encode_nan(const float_format *fmt, uint64_t payload) {
    uint64_t exponent = ((UINT64_C(1) << fmt->exponent_bits) - 1) << fmt->mantissa_bits;
    if (!fmt->is_ieee) {
        return 0x7f; /* e4m3: exponent and mantissa all ones */
    }
    uint64_t quiet = UINT64_C(1) << (fmt->mantissa_bits - 1);
    return exponent | quiet | payload >> (52 - fmt->mantissa_bits);
}

/* r is a value of the format, not negative, not NaN. */
static uint64_t encode_magnitude(const float_format *fmt, double r) {
    if (isinf(r)) {
        return ((UINT64_C(1) << fmt->exponent_bits) - 1) << fmt->mantissa_bits;
    }
    uint64_t bits = bits_of(r);
    int e = exponent_of(bits), e_min = 1 - fmt->bias;
    if (e < e_min) {
        return (uint64_t)(r * power_of_two(fmt->mantissa_bits - e_min));
    }
    uint64_t mantissa = (bits << 12) >> (64 - fmt->mantissa_bits);
    return (uint64_t)(e - e_min + 1) << fmt->mantissa_bits | mantissa;
}

uint64_t tg_float_encode(tg_dtype t, double v) {
    uint64_t bits = bits_of(v);
    double r = tg_round_to(t, v);
    if (t == TG_F8E8M0) {
        return r != r ? 0xff : (uint64_t)(exponent_of(bits_of(r)) + 127);
    }
    const float_format *fmt = format_of(t);
    if (!fmt) {
        return bits;
    }
    uint64_t payload = bits & UINT64_C(0xfffffffffffff);
    uint64_t magnitude = r != r ? encode_nan(fmt, payload) : encode_magnitude(fmt, fabs(r));
    /* e2m1 turns a NaN into its largest value, which is positive */
    uint64_t sign = (r != r ? bits : bits_of(r)) >> 63;
    return magnitude | sign << (fmt->exponent_bits + fmt->mantissa_bits);
}

uint16_t tg_f32_to_bf16(float v) {
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    if (v != v) {
        return (uint16_t)(bits >> 16 | 0x40u);
    }
    /* as in round_finite; the carry may reach infinity */
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

float tg_bf16_to_f32(uint16_t v) {
    uint32_t bits = (uint32_t)v << 16;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

uint16_t tg_f32_to_f16(float v) {
    return (uint16_t)tg_float_encode(TG_F16, (double)v);
}

float tg_f16_to_f32(uint16_t v) {
    return (float)tg_float_decode(TG_F16, v);
}
