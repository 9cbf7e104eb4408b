/* What tests of the functions of ops.h share: tensors of random numbers, their elements, and refusals. */
#ifndef TG_TESTS_STDLIB_OPS_FIXTURE_H
#define TG_TESTS_STDLIB_OPS_FIXTURE_H

#include "stdlib/stdlib.h"
#include "stdlib_fixture.h"

#include <math.h>
#include <string.h>

#define U 0x1p-24 /* relative error of one rounding in f32 */

#define EXPECT_OK(call) cr_assert_eq((call), TG_OK, "%s", tg_last_error(ctx))

/* Operands are packed for products in registers; x86-64-v2 has none. */
#define SKIP_WITHOUT_PACKING()                                                                 \
    do {                                                                                       \
        if (strcmp(tg_context_arch(ctx), "v2") == 0) {                                         \
            cr_skip("nothing is packed without fused multiply-add");                           \
        }                                                                                      \
    } while (0)

static tg_tensor *make_of(tg_dtype type, uint32_t rank, const int64_t *shape, uint64_t seed) {
    tg_tensor *t = tg_tensor_create(ctx, type, rank, shape);
    double most = type == TG_I8 ? 127 : 1;
    cr_assert_not_null(t);
    (void)tg_tensor_fill_random(t, seed, -most, most);
    return t;
}

static tg_tensor *make(uint32_t rank, const int64_t *shape, uint64_t seed) {
    return make_of(TG_F32, rank, shape, seed);
}
#define MAKE(seed, ...)                                                                        \
    make(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (int64_t[]){__VA_ARGS__}, seed)

static float *at(const tg_tensor *t, int64_t i) {
    return (float *)tg_tensor_data(t) + tg_tensor_offset(t, i);
}

static tg_tensor *permuted(tg_tensor *t, uint32_t a, uint32_t b, uint32_t c) {
    tg_tensor *v = tg_tensor_permute(t, (uint32_t[]){a, b, c});
    tg_tensor_release(t);
    return v;
}

static void release(tg_tensor *a, tg_tensor *b, tg_tensor *c) {
    tg_tensor_release(a);
    tg_tensor_release(b);
    tg_tensor_release(c);
}

static void expect_refused(tg_status s, const char *what) {
    cr_expect_eq(s, TG_ERROR_LAUNCH, "%s", what);
    cr_expect_not_null(strstr(tg_last_error(ctx), "L0904"), "%s: %s", what, tg_last_error(ctx));
}

#endif
