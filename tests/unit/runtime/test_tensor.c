/* Tensors, their storage and the generators of test data. */
#include "runtime/device.h"
#include "runtime/random.h"

#include <criterion/criterion.h>
#include <string.h>

static tg_tensor *make(tg_dtype dtype, uint32_t rank, const int64_t *shape) {
    tg_tensor *t;
    tg_status status =
        tg_tensor_new(tg_device_find(NULL), &tg_allocator_default, dtype, rank, shape, &t);
    cr_assert_eq(status, TG_OK);
    return t;
}

/* Tensors that are used together lie alike in their pages, which loops depend on for their speed (memory.c). */
Test(tensor, large_ones_begin_with_a_page) {
    enum { MOST = 6 };
    tg_tensor *t[MOST];
    for (int64_t n = 4096; n <= 1 << 18; n *= 4) {
        for (int i = 0; i < MOST; i++) {
            t[i] = make(TG_F32, 1, &n);
            cr_expect_eq((uintptr_t)t[i]->arg.data % 4096, 0, "%lld elements", (long long)n);
        }
        for (int i = 0; i < MOST; i++) {
            tg_tensor_unref(t[i]);
        }
    }
}

static int n_released;
static void released(void *user) {
    (void)user;
    n_released++;
}

Test(tensor, storage_and_views) {
    tg_tensor *t = make(TG_F32, 3, (int64_t[]){2, 3, 4});
    cr_assert_eq(t->arg.stride[0], 12);
    cr_assert_eq((uintptr_t)t->arg.data % 64, 0);
    cr_assert(tg_tensor_is_row_major(t));
    tg_tensor *v;
    cr_assert_eq(tg_tensor_share(t, TG_F32, 2, (int64_t[]){4, 2}, (int64_t[]){1, 12}, 4, &v),
                 TG_OK);
    cr_assert_not(tg_tensor_is_row_major(v));
    tg_tensor_unref(t);
    ((float *)v->arg.data)[12] = 5;
    tg_tensor *d = make(TG_F64, 2, (int64_t[]){4, 2});
    cr_assert_eq(tg_tensor_assign(d, v), TG_OK);
    cr_assert_eq(((double *)d->arg.data)[1], 5.0);
    cr_assert_eq(tg_tensor_assign(d, d), TG_OK);
    tg_tensor_unref(v);
    tg_tensor_unref(d);

    float data[6];
    cr_assert_eq(tg_tensor_wrap(&tg_allocator_default, TG_F32, 2, (int64_t[]){2, 3}, NULL, data,
                                released, NULL, &t),
                 TG_OK);
    tg_tensor_ref(t);
    tg_tensor_unref(t);
    cr_assert_eq(n_released, 0);
    tg_tensor_unref(t);
    cr_assert_eq(n_released, 1);

    /* rows of packed types start at whole bytes; zero extents and rank 0 are fine */
    t = make(TG_I4, 2, (int64_t[]){3, 5});
    cr_assert_eq(t->arg.stride[0], 6);
    tg_tensor_unref(t);
    t = make(TG_F32, 2, (int64_t[]){0, 5});
    cr_assert_not_null(t->arg.data);
    tg_tensor_unref(t);
    tg_tensor_unref(make(TG_F32, 0, NULL));
    tg_tensor *large = make(TG_U8, 1, (int64_t[]){9 << 20});
    cr_assert_eq((uintptr_t)large->arg.data % (2 << 20), 0);
    tg_tensor_unref(large);

    const tg_device *cpu = tg_device_find("cpu");
    const tg_allocator *a = &tg_allocator_default;
    int64_t huge[] = {INT64_MAX / 2, 4}, negative[] = {-1};
    cr_assert_eq(tg_tensor_new(cpu, a, TG_F32, 2, huge, &t), TG_ERROR_INVALID_ARGUMENT);
    cr_assert_eq(tg_tensor_new(cpu, a, TG_F32, 1, negative, &t), TG_ERROR_INVALID_ARGUMENT);
    cr_assert_eq(tg_tensor_new(cpu, a, TG_F32, 9, huge, &t), TG_ERROR_INVALID_ARGUMENT);
    cr_assert_eq(tg_tensor_new(cpu, a, (tg_dtype)77, 1, huge, &t), TG_ERROR_INVALID_ARGUMENT);
    cr_assert_null(tg_device_find("nowhere"));
}

Test(tensor, strides_without_elements) {
    tg_tensor *t, *v;
    float data[1];
    cr_assert_eq(tg_tensor_wrap(&tg_allocator_default, TG_F32, 2, (int64_t[]){0, 4}, (int64_t[]){0, 0}, data, NULL, NULL, &t), TG_OK);
    cr_assert_eq(t->arg.stride[0], 4);
    cr_assert_eq(t->arg.stride[1], 1);
    cr_assert_eq(tg_tensor_share(t, TG_F32, 2, (int64_t[]){4, 0}, (int64_t[]){1, 4}, 0, &v), TG_OK);
    cr_assert_eq(v->arg.stride[1], 1);
    tg_tensor_unref(v);
    tg_tensor_unref(t);
}

Test(tensor, random_data) {
    tg_tensor *t = make(TG_I32, 1, (int64_t[]){1000});
    int32_t *p = t->arg.data;
    tg_random_fill(t, 7, 0, 9);
    int32_t first = p[0];
    for (int i = 0; i < 1000; i++) {
        cr_assert(p[i] >= 0 && p[i] <= 9);
    }
    tg_random_fill(t, 7, 0, 9);
    cr_assert_eq(p[0], first);
    tg_random_fill_sorted(t, 3, 0, 123);
    cr_assert_eq(p[0], 0);
    cr_assert_eq(p[999], 123);
    for (int i = 1; i < 1000; i++) {
        cr_assert(p[i - 1] <= p[i]);
    }
    tg_random_fill_unique(t, 3, 0);
    bool seen[1000] = {false};
    for (int i = 0; i < 1000; i++) {
        cr_assert(p[i] >= 0 && p[i] < 1000 && !seen[p[i]]);
        seen[p[i]] = true;
    }
    tg_tensor_unref(t);
    static const tg_dtype all[] = {TG_BOOL, TG_I4,  TG_U8,  TG_U64, TG_F8E4M3,
                                   TG_BF16, TG_F16, TG_F64, TG_C32};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        t = make(all[i], 2, (int64_t[]){3, 5});
        tg_random_fill(t, 1, -1, 1);
        for (int64_t j = 0; j < 15; j++) {
            tg_scalar s = tg_scalar_load(all[i], t->arg.data, tg_tensor_offset(t, j));
            cr_assert(s.f >= -1 && s.f <= 1 && s.i >= -1 && s.i <= 1, "%s",
                      tg_dtype_name(all[i]));
        }
        tg_tensor_unref(t);
    }
}
