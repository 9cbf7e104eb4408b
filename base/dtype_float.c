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
 * Rounding: v is scaled so that the unit in the last place is 1, which is exact in a double, then
 * rounded to the even neighbour by comparison, so that the caller's rounding mode does not matter. */
#include "base/dtype_float.h"

#include <math.h>
#include <string.h>

typedef struct float_format {
    tg_dtype dtype;
    int exponent_bits, mantissa_bits, bias;
    bool is_ieee;
    double largest;
} float_format;

static const float_format formats[] = {
    {TG_F4E2M1, 2, 1, 1, false, 6.0},     {TG_F8E4M3, 4, 3, 7, false, 448.0},
    {TG_F8E5M2, 5, 2, 15, true, 57344.0}, {TG_BF16, 8, 7, 127, true, 0x1.fep127},
    {TG_F16, 5, 10, 15, true, 65504.0},   {TG_F32, 8, 23, 127, true, 0x1.fffffep127},
};

static const float_format *format_of(tg_dtype t) {
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        if (formats[i].dtype == t) {
            return &formats[i];
        }
    }
    return NULL;
}

static double round_half_even(double x) {
    double low = floor(x), part = x - low;
    bool up = part > 0.5 || (part == 0.5 && fmod(low, 2.0) != 0.0);
    return up ? low + 1.0 : low;
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
    int e;
    double m = 2.0 * frexp(v, &e); /* v = m * 2^(e-1), 1 <= m < 2 */
    int k = e - 1;
    bool up = m > 1.5 || (m == 1.5 && (k + 127) % 2 != 0);
    return ldexp(1.0, up ? k + 1 : k);
}

static double round_finite(const float_format *fmt, double v) {
    double a = fabs(v);
    int e = a == 0.0 ? 0 : ilogb(a);
    int e_min = 1 - fmt->bias;
    int ulp = (e > e_min ? e : e_min) - fmt->mantissa_bits;
    double r = ldexp(round_half_even(ldexp(a, -ulp)), ulp);
    if (r > fmt->largest) {
        r = fmt->is_ieee ? INFINITY : fmt->largest;
    }
    return copysign(r, v);
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
    uint64_t bits = UINT64_C(0x7ff8000000000000) | payload << (52 - payload_bits) |
                    (uint64_t)negative << 63;
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static double decode(const float_format *fmt, uint64_t bits) {
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
    if (fmt->dtype == TG_F8E4M3 && (bits & 0x7f) == 0x7f) {
        return make_nan(negative, 0, 1);
    }
    double m = (double)(e ? mantissa | UINT64_C(1) << fmt->mantissa_bits : mantissa);
    double v = ldexp(m, (e ? e : 1) - fmt->bias - fmt->mantissa_bits);
    return negative ? -v : v;
}

double tg_float_decode(tg_dtype t, uint64_t bits) {
    if (t == TG_F8E8M0) {
        return (bits & 0xff) == 0xff ? NAN : ldexp(1.0, (int)(bits & 0xff) - 127);
    }
    const float_format *fmt = format_of(t);
    if (fmt) {
        return decode(fmt, bits);
    }
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
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
    int e = r == 0.0 ? 0 : ilogb(r), e_min = 1 - fmt->bias;
    if (e < e_min || r == 0.0) {
        return (uint64_t)ldexp(r, fmt->mantissa_bits - e_min);
    }
    uint64_t m = (uint64_t)ldexp(r, fmt->mantissa_bits - e); /* with the hidden bit */
    return ((uint64_t)(e - e_min) << fmt->mantissa_bits) + m;
}

uint64_t tg_float_encode(tg_dtype t, double v) {
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    if (t == TG_F8E8M0) {
        double r = round_e8m0(v);
        return r != r ? 0xff : (uint64_t)(ilogb(r) + 127);
    }
    const float_format *fmt = format_of(t);
    if (!fmt) {
        return bits;
    }
    double r = tg_round_to(t, v);
    uint64_t payload = bits & UINT64_C(0xfffffffffffff);
    uint64_t magnitude = r != r ? encode_nan(fmt, payload) : encode_magnitude(fmt, fabs(r));
    uint64_t sign = r != r || fmt->dtype != TG_F4E2M1 || v == v ? bits >> 63 : 0;
    return magnitude | sign << (fmt->exponent_bits + fmt->mantissa_bits);
}

uint16_t tg_f32_to_bf16(float v) {
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    if (v != v) {
        return (uint16_t)(bits >> 16 | 0x40u);
    }
    /* Adds half a unit, or just below half if the result is already even; carries reach
     * infinity. */
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
