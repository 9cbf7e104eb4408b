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
