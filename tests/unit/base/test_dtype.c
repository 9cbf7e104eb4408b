/* Element types: every value of the 4-, 8- and 16-bit formats against an independent decoding, rounding at
 * every midpoint, and the conversion rules of the language. */
#include "base/dtype.h"
#include "base/dtype_float.h"
#include "base/integer.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

/* Independent of dtype_float.c: the compiler's own half type, and identities between the formats. */
static double expected_value(tg_dtype t, unsigned code) {
    static const double e2m1[8] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
    uint16_t half = (uint16_t)code;
    if (t == TG_F4E2M1) {
        return code & 8 ? -e2m1[code & 7] : e2m1[code];
    }
    if (t == TG_F8E4M3 && (code & 0x7f) == 0x7f) {
        return NAN;
    }
    if (t == TG_BF16) {
        uint32_t bits = (uint32_t)code << 16;
        float f;
        memcpy(&f, &bits, sizeof f);
        return (double)f;
    }
    if (t == TG_F8E5M2) { /* e5m2 is the upper byte of f16 */
        half = (uint16_t)(code << 8);
    } else if (t == TG_F8E4M3) { /* three exponent steps of 2^8 below f16 */
        half = (uint16_t)((code & 0x80) << 8 | (code & 0x7f) << 7);
    }
    _Float16 h;
    memcpy(&h, &half, sizeof h);
    return (double)(float)h * (t == TG_F8E4M3 ? 256.0 : 1.0);
}

static bool same(double a, double b) {
    return a != a ? b != b : a == b && signbit(a) == signbit(b);
}

static void check_code(tg_dtype t, unsigned code, unsigned sign) {
    double v = expected_value(t, code);
    double got = tg_float_decode(t, code);
    cr_assert(same(v, got), "%s 0x%x is %a, decoded %a", tg_dtype_name(t), code, v, got);
    unsigned back = (unsigned)tg_float_encode(t, got);
    bool is_quiet_bit_set = v != v; /* signalling NaNs come back quiet */
    cr_assert(is_quiet_bit_set ? expected_value(t, back) != expected_value(t, back)
                               : back == code,
              "%s 0x%x comes back as 0x%x", tg_dtype_name(t), code, back);
    cr_assert_eq((code & sign) != 0, (back & sign) != 0);
}

/* Between the finite neighbours a < b with codes c, c + 1. */
static void check_midpoint(tg_dtype t, unsigned c, unsigned sign) {
    double a = expected_value(t, c), b = expected_value(t, c + 1), mid = (a + b) / 2;
    unsigned even = c & 1 ? c + 1 : c;
    cr_assert_eq(tg_float_encode(t, mid), even, "%s tie at %a", tg_dtype_name(t), mid);
    cr_assert_eq(tg_float_encode(t, -mid), even | sign);
    cr_assert_eq(tg_float_encode(t, nextafter(mid, 0)), c, "%s below %a", tg_dtype_name(t),
                 mid);
    cr_assert_eq(tg_float_encode(t, nextafter(mid, INFINITY)), c + 1, "%s above %a",
                 tg_dtype_name(t), mid);
    cr_assert(same(tg_round_to(t, mid), expected_value(t, even)));
}

Test(dtype, every_value_and_midpoint_of_small_floats) {
    static const struct {
        tg_dtype t;
        unsigned bits, largest;
        double overflow; /* result beyond the largest */
    } rows[] = {{TG_F4E2M1, 4, 0x7, 6.0},
                {TG_F8E4M3, 8, 0x7e, 448.0},
                {TG_F8E5M2, 8, 0x7b, INFINITY},
                {TG_F16, 16, 0x7bff, INFINITY},
                {TG_BF16, 16, 0x7f7f, INFINITY}};
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        tg_dtype t = rows[r].t;
        unsigned sign = 1u << (rows[r].bits - 1);
        for (unsigned c = 0; c < 1u << rows[r].bits; c++) {
            check_code(t, c, sign);
        }
        for (unsigned c = 0; c < rows[r].largest; c++) {
            check_midpoint(t, c, sign);
        }
        double top = expected_value(t, rows[r].largest);
        double ulp = top - expected_value(t, rows[r].largest - 1);
        double tie = top + ulp / 2;
        cr_assert_eq(tg_round_to(t, nextafter(tie, 0)), top);
        cr_assert_eq(tg_round_to(t, tie), rows[r].overflow, "%s", tg_dtype_name(t));
        cr_assert_eq(tg_round_to(t, -1e300), -rows[r].overflow);
        cr_assert_eq(tg_round_to(t, INFINITY), rows[r].overflow);
        cr_assert(same(tg_round_to(t, -0.0), -0.0));
        cr_assert(same(tg_round_to(t, -1e-300), -0.0));
        cr_assert(isnan(tg_round_to(t, NAN)) || t == TG_F4E2M1);
    }
}

Test(dtype, f32_helpers_agree_with_the_formats) {
    for (unsigned c = 0; c < 0x10000; c++) {
        cr_assert(same((double)tg_f16_to_f32((uint16_t)c), expected_value(TG_F16, c)));
        cr_assert(same((double)tg_bf16_to_f32((uint16_t)c), expected_value(TG_BF16, c)));
    }
    uint32_t bits = 1;
    for (int i = 0; i < 2000000; i++) {
        bits = bits * 1664525u + 1013904223u;
        float f;
        memcpy(&f, &bits, sizeof f);
        if (f == f) {
            cr_assert_eq(tg_f32_to_bf16(f), tg_float_encode(TG_BF16, (double)f), "%a",
                         (double)f);
            _Float16 h = (_Float16)f;
            uint16_t half;
            memcpy(&half, &h, sizeof half);
            cr_assert_eq(tg_f32_to_f16(f), half, "%a", (double)f);
        } else {
            cr_assert(tg_bf16_to_f32(tg_f32_to_bf16(f)) != tg_bf16_to_f32(tg_f32_to_bf16(f)));
        }
    }
}

Test(dtype, f32_rounds_as_the_hardware) {
    uint64_t bits = 1;
    for (int i = 0; i < 1000000; i++) {
        bits = bits * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        /* exponents around the range of f32, subnormals included */
        uint64_t exponent = 1023 - 160 + (bits >> 40) % 300;
        uint64_t pattern = (bits & UINT64_C(0x800fffffffffffff)) | exponent << 52;
        double d;
        memcpy(&d, &pattern, sizeof d);
        cr_assert(same(tg_round_to(TG_F32, d), (double)(float)d), "%a", d);
    }
}

Test(dtype, e8m0) {
    for (unsigned c = 0; c < 255; c++) {
        cr_assert_eq(tg_float_decode(TG_F8E8M0, c), ldexp(1, (int)c - 127));
        cr_assert_eq(tg_float_encode(TG_F8E8M0, ldexp(1, (int)c - 127)), c);
        if (c < 254) {
            double tie = 1.5 * ldexp(1, (int)c - 127);
            cr_assert_eq(tg_float_encode(TG_F8E8M0, tie), c % 2 ? c + 1 : c);
            cr_assert_eq(tg_float_encode(TG_F8E8M0, nextafter(tie, 0)), c);
            cr_assert_eq(tg_float_encode(TG_F8E8M0, nextafter(tie, INFINITY)), c + 1);
        }
    }
    cr_assert(isnan(tg_float_decode(TG_F8E8M0, 255)));
    cr_assert_eq(tg_float_encode(TG_F8E8M0, NAN), 255);
    cr_assert_eq(tg_float_encode(TG_F8E8M0, -1.0), 255);
    cr_assert_eq(tg_float_encode(TG_F8E8M0, 0.0), 0);
    cr_assert_eq(tg_float_encode(TG_F8E8M0, INFINITY), 254);
}

static int64_t to_int(double f, tg_dtype t) {
    return tg_scalar_convert((tg_scalar){.dtype = TG_F64, .f = f}, t).i;
}

Test(dtype, float_to_int_truncates_and_saturates) {
    cr_assert_eq(to_int(-1.9, TG_I32), -1);
    cr_assert_eq(to_int(1.9, TG_U8), 1);
    cr_assert_eq(to_int(-0.9, TG_U8), 0);
    cr_assert_eq(to_int(-5, TG_U64), 0);
    cr_assert_eq(to_int(NAN, TG_I64), 0);
    cr_assert_eq(to_int(7.5, TG_I4), 7);
    cr_assert_eq(to_int(8, TG_I4), 7);
    cr_assert_eq(to_int(-9, TG_I4), -8);
    cr_assert_eq(to_int(99, TG_U4), 15);
    cr_assert_eq(to_int(127.9, TG_I8), 127);
    cr_assert_eq(to_int(-128.9, TG_I8), -128);
    cr_assert_eq(to_int(0x1p63, TG_I64), INT64_MAX);
    cr_assert_eq(to_int(-0x1p63, TG_I64), INT64_MIN);
    cr_assert_eq(to_int(-INFINITY, TG_I64), INT64_MIN);
    cr_assert_eq((uint64_t)to_int(0x1p64, TG_U64), UINT64_MAX);
    cr_assert_eq((uint64_t)to_int(0x1.8p63, TG_U64), UINT64_C(0xc000000000000000));
    cr_assert_eq(to_int(4294967296.0, TG_U32), 4294967295);
}

Test(dtype, int_to_int_keeps_low_bits) {
    tg_scalar v = {.dtype = TG_I64, .i = -1};
    cr_assert_eq(tg_scalar_convert(v, TG_U8).i, 255);
    cr_assert_eq(tg_scalar_convert(v, TG_U4).i, 15);
    v.i = 200;
    cr_assert_eq(tg_scalar_convert(v, TG_I8).i, -56);
    v.i = 0x18;
    cr_assert_eq(tg_scalar_convert(v, TG_I4).i, -8);
    cr_assert_eq(tg_scalar_convert((tg_scalar){.dtype = TG_BOOL, .i = 1}, TG_BF16).f, 1.0);
}

/* Nearest bf16 by search in exact long double arithmetic. */
static double nearest_bf16(uint64_t v) {
    for (unsigned c = 0; c < 0x7f7f; c++) {
        long double a = (long double)expected_value(TG_BF16, c),
                    b = (long double)expected_value(TG_BF16, c + 1);
        long double x = (long double)v;
        if (a <= x && x < b) {
            bool up = x - a > b - x || (x - a == b - x && (c & 1));
            return expected_value(TG_BF16, up ? c + 1 : c);
        }
    }
    return INFINITY;
}

Test(dtype, int_to_float_rounds_once) {
    uint64_t s = 12345;
    for (int i = 0; i < 1000000; i++) {
        s = s * UINT64_C(6364136223846793005) + 1;
        /* runs of zeros and ones below the kept bits bring ties and near ties */
        uint64_t v = (s >> (s & 31)) & (s & 64 ? ~(uint64_t)0 : ~(uint64_t)0 << (s >> 7 & 63));
        v ^= s & 128 ? 1 : 0;
        tg_scalar u = {.dtype = TG_U64, .i = (int64_t)v},
                  n = {.dtype = TG_I64, .i = (int64_t)v};
        cr_assert_eq(tg_scalar_convert(u, TG_F32).f, (double)(float)v, "%llu",
                     (unsigned long long)v);
        cr_assert_eq(tg_scalar_convert(n, TG_F32).f, (double)(float)(int64_t)v);
        cr_assert_eq(tg_scalar_convert(u, TG_F64).f, (double)v);
        cr_assert_eq(tg_scalar_convert(n, TG_F64).f, (double)(int64_t)v);
        if (i % 20000 == 0) {
            cr_assert_eq(tg_scalar_convert(u, TG_BF16).f, nearest_bf16(v));
        }
    }
    /* twice rounded, by way of f64, this would be a tie and go down */
    uint64_t hard = (UINT64_C(1) << 63) + (UINT64_C(1) << 55) + 1;
    cr_assert_eq(tg_scalar_convert((tg_scalar){.dtype = TG_U64, .i = (int64_t)hard}, TG_BF16).f,
                 0x1.02p63);
    cr_assert_eq(tg_scalar_convert((tg_scalar){.dtype = TG_I64, .i = 70000}, TG_F16).f,
                 INFINITY);
    cr_assert_eq(tg_scalar_convert((tg_scalar){.dtype = TG_I64, .i = -70000}, TG_F8E4M3).f,
                 -448.0);
}

Test(dtype, load_and_store_every_type) {
    unsigned char memory[64] = {0};
    for (int i = TG_BOOL; i <= TG_C64; i++) {
        tg_dtype t = (tg_dtype)i;
        memset(memory, 0, sizeof memory);
        tg_scalar one = tg_scalar_convert((tg_scalar){.dtype = TG_I64, .i = 1}, t);
        one.g = tg_dtype_kind_of(t) == TG_KIND_COMPLEX ? -2.0 : 0.0;
        tg_scalar_store(one, memory, 3);
        tg_scalar got = tg_scalar_load(t, memory, 3);
        cr_assert(got.dtype == t && got.i == one.i && got.f == one.f && got.g == one.g, "%s",
                  tg_dtype_name(t));
    }
    for (int i = -8; i < 8; i++) { /* neighbours in a byte do not disturb each other */
        tg_scalar_store((tg_scalar){.dtype = TG_I4, .i = i}, memory, 4);
        tg_scalar_store((tg_scalar){.dtype = TG_I4, .i = -1 - i}, memory, 5);
        cr_assert_eq(tg_scalar_load(TG_I4, memory, 4).i, i);
        cr_assert_eq(tg_scalar_load(TG_I4, memory, 5).i, -1 - i);
        cr_assert_eq(memory[2] & 15, i & 15, "low nibble first");
    }
}

Test(dtype, facts_and_conversion_rules) {
    cr_assert_eq(tg_dtype_from_name("int"), TG_I64);
    cr_assert_eq(tg_dtype_from_name("f8e4m3"), TG_F8E4M3);
    cr_assert_eq(tg_dtype_from_name("float"), TG_DTYPE_NONE);
    cr_assert_eq(tg_dtype_from_name(NULL), TG_DTYPE_NONE);
    cr_assert_str_eq(tg_dtype_name((tg_dtype)99), "none");
    cr_assert_eq(tg_dtype_size(TG_C64), 16);
    cr_assert_eq(tg_dtype_size(TG_I4), 0);
    cr_assert_eq(tg_dtype_unit(TG_F32), 0x1p-24);
    cr_assert_eq(tg_dtype_unit(TG_BF16), 0x1p-8);
    cr_assert_eq(tg_dtype_unit(TG_I32), 0.0);
    cr_assert_eq(tg_dtype_wide(TG_F8E5M2), TG_F32);
    static const struct {
        tg_dtype a, b, common;
    } rows[] = {
        {TG_I8, TG_U8, TG_I16},   {TG_I8, TG_I32, TG_I32},     {TG_U32, TG_I32, TG_I64},
        {TG_U64, TG_I64, 0},      {TG_I32, TG_F32, 0},         {TG_F16, TG_BF16, TG_F32},
        {TG_F16, TG_F64, TG_F64}, {TG_F8E4M3, TG_F8E5M2, 0},   {TG_F8E4M3, TG_F16, TG_F16},
        {TG_F64, TG_C32, TG_C64}, {TG_F32, TG_C32, TG_C32},    {TG_BOOL, TG_I32, 0},
        {TG_U4, TG_I8, TG_I8},    {TG_F8E8M0, TG_F16, TG_F32}, {TG_BF16, TG_BF16, TG_BF16}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_assert_eq(tg_dtype_common(rows[i].a, rows[i].b), rows[i].common, "%s, %s",
                     tg_dtype_name(rows[i].a), tg_dtype_name(rows[i].b));
        cr_assert_eq(tg_dtype_common(rows[i].b, rows[i].a), rows[i].common);
    }
    cr_assert(!tg_dtype_converts_implicitly(TG_F32, TG_F16));
    cr_assert(!tg_dtype_converts_implicitly(TG_C32, TG_F64));
    cr_assert(!tg_dtype_converts_implicitly(TG_I8, TG_U16));
    cr_assert_str_eq(tg_status_name(TG_ERROR_OUT_OF_MEMORY), "out of memory");
    cr_assert_str_eq(tg_status_name((tg_status)-1), "unknown status");
}

Test(integer, gcd_is_defined_for_all_values) {
    cr_expect_eq(tg_gcd(12, -18), 6);
    cr_expect_eq(tg_gcd(0, -5), 5);
    cr_expect_eq(tg_gcd(0, 0), 0);
    cr_expect_eq(tg_gcd(INT64_MIN, -1), 1);
    cr_expect_eq(tg_gcd(INT64_MIN, 12), 4);
    cr_expect_eq(tg_gcd(INT64_MIN, INT64_MIN), INT64_MIN, "2^63 has no other name");
}
