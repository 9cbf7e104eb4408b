/* The scalar meaning of operations: the corners that language.md section 4 names, and
 * exhaustive 8-bit and 16-bit checks. */
#include "dsl/ir/scalar_eval.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>

static tg_scalar eval(tg_opcode op, tg_enum pred, tg_dtype to, tg_scalar x, tg_scalar y,
                      tg_scalar z, uint32_t n) {
    tg_scalar in[] = {x, y, z}, out = {0};
    cr_assert(tg_scalar_eval(op, pred, to, in, n, &out), "%s", tg_op_info_of(op)->mnemonic);
    return out;
}

static int64_t ints(tg_opcode op, tg_dtype t, int64_t x, int64_t y) {
    tg_scalar none = {0};
    return eval(op, TG_ENUM_NONE, t, tg_scalar_of_int(t, x), tg_scalar_of_int(t, y), none, 2).i;
}

static double floats(tg_opcode op, tg_dtype t, double x, double y) {
    tg_scalar none = {0};
    return eval(op, TG_ENUM_NONE, t, tg_scalar_of_float(t, x), tg_scalar_of_float(t, y), none,
                2)
        .f;
}

Test(scalar_eval, integers) {
    cr_expect_eq(ints(TG_OP_DIV, TG_I32, -1, 2), -1);
    cr_expect_eq(ints(TG_OP_REM, TG_I32, -1, 2), 1);
    cr_expect_eq(ints(TG_OP_TDIV, TG_I32, -1, 2), 0);
    cr_expect_eq(ints(TG_OP_TREM, TG_I32, -1, 2), -1);
    cr_expect_eq(ints(TG_OP_DIV, TG_I32, 7, 0), 0);
    cr_expect_eq(ints(TG_OP_REM, TG_I32, 7, 0), 7);
    cr_expect_eq(ints(TG_OP_DIV, TG_I64, INT64_MIN, -1), INT64_MIN);
    cr_expect_eq(ints(TG_OP_DIV, TG_I8, -128, -1), -128);
    cr_expect_eq(ints(TG_OP_REM, TG_I64, INT64_MIN, -1), 0);
    cr_expect_eq(ints(TG_OP_DIV, TG_U64, -1, 10), 1844674407370955161);
    cr_expect_eq(ints(TG_OP_ADD, TG_U8, 200, 100), 44);
    cr_expect_eq(ints(TG_OP_MUL, TG_I16, 300, 300), 24464);
    cr_expect_eq(ints(TG_OP_SHL, TG_I32, 1, 32), 0);
    cr_expect_eq(ints(TG_OP_SHL, TG_I32, 1, -1), 0);
    cr_expect_eq(ints(TG_OP_SHR, TG_I32, -5, 1), -3);
    cr_expect_eq(ints(TG_OP_SHR, TG_I32, -5, 99), -1);
    cr_expect_eq(ints(TG_OP_SHR, TG_U32, -5, 99), 0);
    cr_expect_eq(ints(TG_OP_MULHI, TG_I64, INT64_MIN, INT64_MIN), INT64_C(1) << 62);
    cr_expect_eq(ints(TG_OP_MULHI, TG_I64, -1, 1), -1);
    cr_expect_eq(ints(TG_OP_MULHI, TG_U64, -1, -1), -2);
    cr_expect_eq(ints(TG_OP_MULHI, TG_I32, INT32_MIN, 2), -1);
    cr_expect_eq(ints(TG_OP_GCD, TG_I64, -12, 18), 6);
    cr_expect_eq(ints(TG_OP_GCD, TG_I64, 0, 0), 0);
    cr_expect_eq(ints(TG_OP_ROTL, TG_U8, 0x81, 9), 0x03);
    cr_expect_eq(ints(TG_OP_MIN, TG_U64, -1, 1), 1);
    tg_scalar none = {0}, zero = tg_scalar_of_int(TG_I16, 0);
    cr_expect_eq(eval(TG_OP_CLZ, 0, TG_I16, zero, none, none, 1).i, 16);
    cr_expect_eq(eval(TG_OP_CTZ, 0, TG_I16, zero, none, none, 1).i, 16);
    cr_expect_eq(eval(TG_OP_ABS, 0, TG_I8, tg_scalar_of_int(TG_I8, -128), none, none, 1).i,
                 -128);
    cr_expect_eq(eval(TG_OP_BREV, 0, TG_U8, tg_scalar_of_int(TG_U8, 1), none, none, 1).i, 128);
    tg_scalar p =
        eval(TG_OP_BYTE_PERM, 0, TG_U32, tg_scalar_of_int(TG_U32, 0x33221100),
             tg_scalar_of_int(TG_U32, 0x77665544), tg_scalar_of_int(TG_U32, 0x7410), 3);
    cr_expect_eq(p.i, 0x77441100);
}

/* x == x / y * y + x % y, and 0 <= x % y < |y| in the sign of y, for all bytes */
Test(scalar_eval, division_of_all_bytes) {
    for (int64_t x = -128; x < 128; x++) {
        for (int64_t y = -128; y < 128; y++) {
            int64_t q = ints(TG_OP_DIV, TG_I8, x, y), r = ints(TG_OP_REM, TG_I8, x, y);
            cr_assert_eq(tg_int_wrap(TG_I8, q * y + r), x);
            cr_assert(y == 0 || (y > 0 ? r >= 0 && r < y : r <= 0 && r > y));
            int64_t wide = y == 0 ? 0 : (int64_t)floor((double)x / (double)y);
            cr_assert_eq(q, tg_int_wrap(TG_I8, wide));
        }
    }
}

Test(scalar_eval, floats_of_all_types) {
    cr_expect(isnan(floats(TG_OP_MIN, TG_F32, NAN, 1)) &&
              isnan(floats(TG_OP_MAX, TG_F32, 1, NAN)));
    cr_expect_eq(floats(TG_OP_MINNUM, TG_F32, NAN, 1), 1);
    cr_expect_eq(floats(TG_OP_ADD, TG_F16, 2048, 1), 2048);
    cr_expect_eq(floats(TG_OP_ADD, TG_BF16, 256, 1), 256);
    cr_expect_eq(floats(TG_OP_MUL, TG_F32, 16777217, 1), 16777216);
    cr_expect(isinf(floats(TG_OP_MUL, TG_F16, 300, 300)));
    cr_expect_eq(floats(TG_OP_NEXTAFTER, TG_F32, 1, 2), (double)nextafterf(1, 2));
    cr_expect_eq(floats(TG_OP_NEXTAFTER, TG_F64, 0, -1), -0x1p-1074);
    cr_expect_eq(floats(TG_OP_NEXTAFTER, TG_F16, 1, 0), 1 - 0x1p-11);
    tg_scalar none = {0};
    cr_expect_eq(eval(TG_OP_ROUND, 0, TG_F32, tg_scalar_of_float(TG_F32, 2.5), none, none, 1).f,
                 2);
    cr_expect(signbit(
        eval(TG_OP_SIGN, 0, TG_F32, tg_scalar_of_float(TG_F32, -0.0), none, none, 1).f));
    cr_expect_eq(eval(TG_OP_BITCAST, 0, TG_I32, tg_scalar_of_float(TG_F32, 1), none, none, 1).i,
                 0x3f800000);
}

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state;
}

/* one rounding: against fmaf, whose result is correct, on products that nearly cancel */
Test(scalar_eval, fma_rounds_once) {
    uint32_t state = 1;
    for (int i = 0; i < 200000; i++) {
        float x = ldexpf((float)(next_random(&state) >> 8), -12),
              y = ldexpf((float)(next_random(&state) >> 8), -12);
        float z = i % 2 ? -x * y
                        : ldexpf((float)(next_random(&state) >> 8),
                                 (int)(next_random(&state) >> 26) - 32);
        tg_scalar r = eval(TG_OP_FMA, 0, TG_F32, tg_scalar_of_float(TG_F32, (double)x),
                           tg_scalar_of_float(TG_F32, (double)y),
                           tg_scalar_of_float(TG_F32, (double)z), 3);
        cr_assert_eq(r.f, (double)fmaf(x, y, z));
    }
}

Test(scalar_eval, comparison_and_complex) {
    tg_scalar nan = tg_scalar_of_float(TG_F32, NAN), one = tg_scalar_of_float(TG_F32, 1),
              none = {0};
    static const tg_enum preds[] = {TG_EQ, TG_LT, TG_LE, TG_GT, TG_GE};
    for (uint32_t i = 0; i < 5; i++) {
        cr_expect_eq(eval(TG_OP_CMP, preds[i], TG_BOOL, nan, one, none, 2).i, 0);
    }
    cr_expect_eq(eval(TG_OP_CMP, TG_NE, TG_BOOL, nan, one, none, 2).i, 1);
    tg_scalar i = eval(TG_OP_CPLX, 0, TG_C32, tg_scalar_of_float(TG_F32, 0), one, none, 2);
    tg_scalar square = eval(TG_OP_MUL, 0, TG_C32, i, i, none, 2),
              same = eval(TG_OP_DIV, 0, TG_C32, square, i, none, 2);
    cr_expect(square.f == -1 && square.g == 0 && same.f == 0 && same.g == 1);
    cr_expect_eq(tg_scalar_identity(TG_FN_MAX, TG_I8).i, -128);
    cr_expect_eq(tg_scalar_identity(TG_FN_MIN, TG_U16).i, 65535);
    cr_expect_eq(tg_scalar_identity(TG_FN_AND, TG_BOOL).i, 1);
    cr_expect(isinf(tg_scalar_identity(TG_FN_MIN, TG_F32).f));
}
