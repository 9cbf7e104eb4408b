/* The order in which dimensions lie. */
#include "base/order.h"

#include <criterion/criterion.h>

static tg_order order_of(int64_t n0, int64_t n1, int64_t n2, int64_t n3, int64_t s0, int64_t s1, int64_t s2, int64_t s3) {
    return tg_order_of((int64_t[]){n0, n1, n2, n3}, (int64_t[]){s0, s1, s2, s3}, 4);
}

static void check(tg_order o, const uint32_t *dimensions, const bool *joined) {
    cr_assert(o != 0);
    for (uint32_t i = 0; i < 4; i++) {
        cr_assert_eq(tg_order_dimension(o, i), dimensions[i], "place %u", i);
        cr_assert_eq(tg_order_place(o, dimensions[i], 4), i);
        cr_assert_eq(tg_order_joins(o, i), joined[i], "place %u", i);
    }
}

Test(order, channels_first) {
    tg_order o = order_of(2, 5, 7, 3, 105, 7, 1, 35);
    check(o, (uint32_t[]){0, 3, 1, 2}, (bool[]){true, true, true, false});
    check(order_of(2, 5, 7, 3, 120, 8, 1, 40), (uint32_t[]){0, 3, 1, 2}, (bool[]){true, true, false, false}); /* padded rows */
}

Test(order, as_numbered) {
    tg_order o = order_of(2, 5, 7, 3, 105, 21, 3, 1);
    check(o, (uint32_t[]){0, 1, 2, 3}, (bool[]){true, true, true, false});
    cr_assert_eq(o, tg_order_dense(4));
    cr_assert_eq(tg_order_dimension(0, 2), 2);
    cr_assert_eq(tg_order_place(0, 2, 4), 2);
}

Test(order, one_element_disturbs_nothing) {
    check(order_of(4, 1, 6, 1, 6, 1, 1, 9), (uint32_t[]){1, 3, 0, 2}, (bool[]){true, true, true, false});
    check(order_of(3, 1, 1, 1, 1, 1, 1, 1), (uint32_t[]){1, 2, 3, 0}, (bool[]){true, true, true, false});
}

Test(order, repeated_dimensions_lie_around) {
    check(order_of(2, 3, 4, 5, 0, 1, 15, 3), (uint32_t[]){0, 2, 3, 1}, (bool[]){false, true, true, false});
}

Test(order, repeated_dimensions_are_still) {
    tg_order o = order_of(2, 3, 4, 5, 0, 1, 15, 3);
    cr_assert(tg_order_is_still(o, 0));
    cr_assert(!tg_order_is_still(o, 1) && !tg_order_is_still(o, 2) && !tg_order_is_still(o, 3));
    o = order_of(2, 3, 4, 5, 0, 0, 0, 0); /* one element */
    cr_assert(o && tg_order_is_still(o, 0) && tg_order_is_still(o, 3));
    cr_assert_eq(tg_order_step(o), 1);
    cr_assert(!tg_order_is_still(order_of(1, 3, 4, 5, 0, 20, 5, 1), 0)); /* one index */
}

Test(order, steps) {
    cr_assert_eq(tg_order_step(order_of(2, 3, 4, 5, 60, 20, 5, 1)), 1);
    tg_order o = order_of(2, 3, 4, 5, 120, 40, 10, 2);
    cr_assert_eq(tg_order_step(o), 2);
    check(o, (uint32_t[]){0, 1, 2, 3}, (bool[]){true, true, true, false});
    cr_assert_eq(tg_order_step(order_of(2, 3, 4, 5, 240, 80, 20, 4)), 4);
    cr_assert_eq(tg_order_step(order_of(2, 3, 4, 5, -60, -20, -5, -1)), -1);
}

Test(order, none) {
    cr_assert_eq(order_of(2, 3, 4, 5, 300, 100, 25, 5), 0); /* no rows */
    cr_assert_eq(order_of(2, 3, 4, 5, -120, -40, -10, -2), 0);
    cr_assert_eq(tg_order_of(NULL, NULL, 0), 0);
}
