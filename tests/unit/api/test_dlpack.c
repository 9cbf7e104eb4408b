/* DLPack both ways, both ABI versions. */
#include "tegula/tegula.h"

#include <criterion/criterion.h>
#include <string.h>

static int n_deleted;

static void deleter(tg_dl_managed *self) {
    (void)self;
    n_deleted++;
}

static void deleter_versioned(tg_dl_managed_versioned *self) {
    (void)self;
    n_deleted++;
}

Test(dlpack, round_trip) {
    tg_context_options o = TG_CONTEXT_OPTIONS_INIT;
    o.cache_dir = "";
    tg_context *c;
    cr_assert_eq(tg_context_create(&o, &c), TG_OK);
    static const tg_dtype all[] = {TG_BOOL, TG_I8,  TG_U8,  TG_I16, TG_U16,
                                   TG_I32,  TG_U32, TG_I64, TG_U64, TG_BF16,
                                   TG_F16,  TG_F32, TG_F64, TG_C32, TG_C64};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        tg_tensor *t = tg_tensor_create(c, all[i], 2, (int64_t[]){3, 4}), *back;
        tg_tensor *view = tg_tensor_permute(t, (uint32_t[]){1, 0});
        tg_dl_managed *plain;
        tg_dl_managed_versioned *versioned;
        cr_assert_eq(tg_tensor_to_dlpack(view, &plain), TG_OK);
        tg_tensor_release(t);
        cr_assert(plain->tensor.ndim == 2 && plain->tensor.strides[0] == 1 &&
                  plain->tensor.shape[0] == 4);
        cr_assert_eq(tg_tensor_from_dlpack(c, plain, &back), TG_OK);
        cr_assert_eq(tg_tensor_dtype(back), all[i]);
        cr_assert_eq(tg_tensor_data(back), tg_tensor_data(view));
        tg_tensor_release(view);
        cr_assert_eq(tg_tensor_to_dlpack_versioned(back, &versioned), TG_OK);
        tg_tensor_release(back);
        cr_assert_eq(tg_tensor_from_dlpack_versioned(c, versioned, &back), TG_OK);
        cr_assert_eq(tg_tensor_shape(back)[1], 3);
        memset(tg_tensor_data(back), 1, 12);
        tg_tensor_release(back);
    }
    tg_tensor *f8 = tg_tensor_create(c, TG_F8E4M3, 1, (int64_t[]){4});
    tg_dl_managed *none;
    cr_assert_eq(tg_tensor_to_dlpack(f8, &none), TG_ERROR_UNSUPPORTED);
    cr_assert_null(none);
    tg_tensor_release(f8);
    tg_context_destroy(c);
}

/* What a capsule says must not be written is not, by whatever way, and goes out again as it came. */
Test(dlpack, read_only) {
    static const char twice[] = "kernel twice(in f32 X[M, N], inout f32 Y[M, N]) { grid (m in M, n in N) Y[m, n] += X[m, n]; }";
    tg_context_options o = TG_CONTEXT_OPTIONS_INIT;
    o.cache_dir = "";
    tg_context *c;
    tg_module *m;
    cr_assert_eq(tg_context_create(&o, &c), TG_OK);
    cr_assert_eq(tg_module_load_text(c, "twice.dsl", twice, sizeof twice - 1, &m), TG_OK);
    tg_kernel *k = tg_module_kernel(m, "twice");
    float data[24] = {0};
    int64_t shape[] = {2, 3, 4};
    tg_dl_managed_versioned v = {.version = {1, 0}, .flags = TG_DLPACK_READ_ONLY, .deleter = deleter_versioned};
    v.tensor = (tg_dl_tensor){data, {TG_DLPACK_CPU, 0}, 3, {TG_DL_FLOAT, 32, 1}, shape, NULL, 0};
    tg_tensor *t, *free_one = tg_tensor_create(c, TG_F32, 3, shape), *other = tg_tensor_create(c, TG_F32, 2, (int64_t[]){2, 12});
    cr_assert_eq(tg_tensor_from_dlpack_versioned(c, &v, &t), TG_OK);
    tg_tensor *view = tg_tensor_view(t, 2, (int64_t[]){2, 12}, (int64_t[]){12, 1}, 0);
    tg_tensor *writable = tg_tensor_view(free_one, 2, (int64_t[]){2, 12}, (int64_t[]){12, 1}, 0);
    for (int i = 0; i < 3; i++) { /* also after launches alike with a tensor that may be written */
        cr_expect_eq(tg_launch(k, TG_ARGS(view, writable)), TG_OK);
        cr_expect_eq(tg_launch(k, TG_ARGS(other, writable)), TG_OK);
        cr_expect_eq(tg_launch(k, TG_ARGS(other, view)), TG_ERROR_INVALID_ARGUMENT);
        cr_expect(strstr(tg_last_error(c), "twice: Y is written; argument 2 is read-only"), "%s", tg_last_error(c));
    }
    tg_call *call;
    cr_expect_eq(tg_call_create(k, TG_ARGS(other, view), NULL, &call), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_eq(tg_tensor_copy(view, other), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_eq(tg_tensor_fill_random(t, 1, 0, 1), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_eq(tg_tensor_copy(other, view), TG_OK);
    tg_dl_managed *plain;
    tg_dl_managed_versioned *again;
    cr_expect_eq(tg_tensor_to_dlpack(t, &plain), TG_ERROR_UNSUPPORTED);
    cr_expect_null(plain);
    cr_assert_eq(tg_tensor_to_dlpack_versioned(view, &again), TG_OK);
    cr_expect_eq(again->flags, TG_DLPACK_READ_ONLY);
    again->deleter(again);
    cr_assert_eq(tg_tensor_to_dlpack_versioned(writable, &again), TG_OK);
    cr_expect_eq(again->flags, 0);
    again->deleter(again);
    tg_tensor *all[] = {t, free_one, other, view, writable};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        tg_tensor_release(all[i]);
    }
    tg_module_destroy(m);
    tg_context_destroy(c);
}

Test(dlpack, foreign_capsules) {
    tg_context_options o = TG_CONTEXT_OPTIONS_INIT;
    o.cache_dir = "";
    tg_context *c;
    cr_assert_eq(tg_context_create(&o, &c), TG_OK);
    float data[12] = {0};
    int64_t shape[] = {2, 5};
    tg_dl_managed m = {
        .tensor = {data, {TG_DLPACK_CPU, 0}, 2, {TG_DL_FLOAT, 32, 1}, shape, NULL, 8},
        .deleter = deleter};
    tg_tensor *t;
    cr_assert_eq(tg_tensor_from_dlpack(c, &m, &t), TG_OK);
    cr_assert_eq(tg_tensor_data(t), data + 2);
    cr_assert_eq(tg_tensor_strides(t)[0], 5);
    tg_tensor_retain(t);
    tg_tensor_release(t);
    cr_assert_eq(n_deleted, 0);
    tg_tensor_release(t);
    cr_assert_eq(n_deleted, 1);
    m.tensor.byte_offset = 3;
    cr_assert_eq(tg_tensor_from_dlpack(c, &m, &t), TG_ERROR_INVALID_ARGUMENT);
    m.tensor.byte_offset = 0;
    m.tensor.device.type = 2;
    cr_assert_eq(tg_tensor_from_dlpack(c, &m, &t), TG_ERROR_UNSUPPORTED);
    m.tensor.device.type = TG_DLPACK_CPU;
    m.tensor.dtype.lanes = 4;
    cr_assert_eq(tg_tensor_from_dlpack(c, &m, &t), TG_ERROR_UNSUPPORTED);
    m.tensor.dtype.lanes = 1;
    m.tensor.ndim = 9;
    cr_assert_eq(tg_tensor_from_dlpack(c, &m, &t), TG_ERROR_INVALID_ARGUMENT);
    tg_dl_managed_versioned v = {
        .version = {2, 0}, .deleter = deleter_versioned, .tensor = m.tensor};
    v.tensor.ndim = 2;
    cr_assert_eq(tg_tensor_from_dlpack_versioned(c, &v, &t), TG_ERROR_INVALID_ARGUMENT);
    v.version.major = 1;
    cr_assert_eq(tg_tensor_from_dlpack_versioned(c, &v, &t), TG_OK);
    tg_tensor_release(t);
    cr_assert_eq(n_deleted, 2);
    tg_context_destroy(c);
}
