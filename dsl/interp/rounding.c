/* Rounding arrays of doubles to the float formats, and integers to their width. Same results as base/dtype.h, made for arrays:
 * adding 1.5 * 2^(e + 53 - p) and subtracting it again rounds a double with exponent e to p bits, ties to even. */
#include "dsl/interp/internal.h"

#include <math.h>

typedef struct small_format {
    int precision, min_exponent;
    double largest;
} small_format;

WIDE static void round_small(const small_format fmt, double *x, int64_t n) {
    const uint64_t min_bits = (uint64_t)(fmt.min_exponent + 1023) << 52;
    const uint64_t shift = (uint64_t)(53 - fmt.precision) << 52;
    for (int64_t k = 0; k < n; k++) {
        uint64_t bits, e;
        memcpy(&bits, &x[k], 8);
        e = bits & UINT64_C(0x7ff0000000000000);
        e = e > min_bits ? e : min_bits;
        uint64_t magic_bits = (e + shift) | UINT64_C(0x0008000000000000);
        double magic;
        memcpy(&magic, &magic_bits, 8);
        double r = (x[k] + magic) - magic;
        r = fabs(r) > fmt.largest ? copysign(INFINITY, x[k]) : copysign(r, x[k]);
        x[k] = fabs(x[k]) < 0x1p200    ? r
               : fabs(x[k]) >= 0x1p200 ? copysign(INFINITY, x[k])
                                       : x[k];
    }
}

WIDE static void round_f32(double *x, int64_t n) {
    for (int64_t k = 0; k < n; k++) {
        x[k] = (double)(float)x[k];
    }
}

void round_array(tg_dtype t, double *x, int64_t n) {
    tg_dtype real = tg_dtype_real(t);
    if (real == TG_F32) {
        round_f32(x, n);
    } else if (real == TG_F16) {
        round_small((small_format){11, -14, 65504.0}, x, n);
    } else if (real == TG_BF16) {
        round_small((small_format){8, -126, 0x1.fep127}, x, n);
    } else if (real != TG_F64) {
        for (int64_t k = 0; k < n; k++) {
            x[k] = tg_round_to(real, x[k]);
        }
    }
}

double round_value(tg_dtype t, double x) {
    round_array(t, &x, 1);
    return x;
}

double largest_of(tg_dtype t) {
    tg_dtype real = tg_dtype_real(t);
    double huge = real == TG_F64      ? 0x1.fffffffffffffp1023
                  : real == TG_F32    ? 0x1.fffffep127
                  : real == TG_BF16   ? 0x1.fep127
                  : real == TG_F8E5M2 ? 57344.0
                  : real == TG_F16    ? 65504.0
                                      : tg_round_to(real, 1e300);
    return huge;
}

double smallest_of(tg_dtype t) {
    switch ((int)tg_dtype_real(t)) {
    case TG_F64:
        return 0x1p-1074;
    case TG_F32:
        return 0x1p-149;
    case TG_BF16:
        return 0x1p-133;
    case TG_F16:
        return 0x1p-24;
    case TG_F8E5M2:
        return 0x1p-16;
    case TG_F8E4M3:
        return 0x1p-9;
    case TG_F4E2M1:
        return 0.5;
    default:
        return 0;
    }
}

int64_t wrap_to(tg_dtype t, int64_t v) {
    wrap_array(t, &v, 1);
    return v;
}

void wrap_array(tg_dtype t, int64_t *x, int64_t n) {
    int shift = 64 - tg_dtype_bits(t);
    if (t == TG_I32) {
        for (int64_t k = 0; k < n; k++) {
            x[k] = (int32_t)(uint32_t)(uint64_t)x[k];
        }
    } else if (t == TG_BOOL) {
        for (int64_t k = 0; k < n; k++) {
            x[k] &= 1;
        }
    } else if (shift && tg_dtype_kind_of(t) == TG_KIND_UINT) {
        uint64_t mask = UINT64_MAX >> shift;
        for (int64_t k = 0; k < n; k++) {
            x[k] = (int64_t)((uint64_t)x[k] & mask);
        }
    } else if (shift) {
        for (int64_t k = 0; k < n; k++) {
            x[k] = (int64_t)((uint64_t)x[k] << shift) >> shift;
        }
    }
}
