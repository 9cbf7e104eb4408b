/* The public API at its edges: option structs of other sizes, null arguments, tensors and views. */
#include "base/cpu.h"
#include "tegula/tegula.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static tg_context *make(void) {
    tg_context_options o = TG_CONTEXT_OPTIONS_INIT;
    o.cache_dir = "";
    tg_context *c;
    cr_assert_eq(tg_context_create(&o, &c), TG_OK, "%s", tg_last_error(NULL));
    return c;
}

static const char one[] = "kernel one(out f32 Y[N]) { grid (i in N) Y[i] = 1; }";

Test(api, option_sizes_and_versions) {
    tg_context *c;
    struct {
        tg_context_options o;
        char future[32];
    } big;
    memset(&big, 0, sizeof big);
    big.o.struct_size = sizeof big;
    big.o.cache_dir = "";
    cr_assert_eq(tg_context_create(&big.o, &c), TG_OK); /* newer caller, new fields unused */
    tg_context_destroy(c);
    big.future[5] = 1;
    cr_assert_eq(tg_context_create(&big.o, &c), TG_ERROR_INVALID_ARGUMENT);
    cr_assert_null(c);
    cr_assert(strstr(tg_last_error(NULL), "struct_size"));
    big.o.struct_size = offsetof(tg_context_options, pin_threads); /* older caller */
    big.o.n_threads = 3;
    big.o.deterministic = 1;
    cr_assert_eq(tg_context_create(&big.o, &c), TG_OK);
    cr_assert_eq(tg_context_n_threads(c), 3);
    tg_context_destroy(c);
    big.o.struct_size = 3;
    cr_assert_eq(tg_context_create(&big.o, &c), TG_ERROR_INVALID_ARGUMENT);
    cr_assert_eq(tg_context_create_versioned(TG_VERSION + 1, NULL, &c),
                 TG_ERROR_INVALID_ARGUMENT);
    cr_assert_eq(tg_context_create(NULL, NULL), TG_ERROR_INVALID_ARGUMENT);
    tg_context_options o = TG_CONTEXT_OPTIONS_INIT;
    o.device = "abacus";
    cr_assert_eq(tg_context_create(&o, &c), TG_ERROR_INVALID_ARGUMENT);
    cr_assert(strstr(tg_last_error(NULL), "abacus"));
    o.device = "cpu";
    o.arch = "z80";
    cr_assert_eq(tg_context_create(&o, &c), TG_ERROR_UNSUPPORTED);
    static const char *const levels[] = {"avx512amx", "avx512vnni", "avx512", "avx2vnni", "avx2", "v2", "avx512split"};
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) { /* what the processor lacks compiles, but does not launch */
        o.arch = levels[i];
        cr_assert_eq(tg_context_create(&o, &c), TG_OK);
        tg_module *m;
        cr_assert_eq(tg_module_load_text(c, "x", one, strlen(one), &m), TG_OK);
        tg_tensor *t = tg_tensor_create(c, TG_F32, 1, (int64_t[]){5});
        tg_status s = tg_launch(tg_module_kernel(m, "one"), TG_ARGS(t));
        cr_assert_eq(s, tg_cpu_runs(levels[i]) ? TG_OK : TG_ERROR_UNSUPPORTED, "%s", levels[i]);
        cr_assert(s == TG_OK || strstr(tg_last_error(c), levels[i]));
        tg_tensor_release(t);
        tg_module_destroy(m);
        tg_context_destroy(c);
    }
    cr_assert_eq(tg_version(), TG_VERSION);
    cr_assert_str_eq(tg_version_string(), "0.1.0");
}

Test(api, null_arguments) {
    tg_context *c = make();
    tg_module *m;
    int64_t shape[8];
    cr_assert_eq(tg_module_load_file(NULL, "x", &m), TG_ERROR_INVALID_ARGUMENT);
    cr_assert_eq(tg_module_load_file(c, NULL, &m), TG_ERROR_INVALID_ARGUMENT);
    cr_assert_eq(tg_module_load_text(c, "x", "", 0, NULL), TG_ERROR_INVALID_ARGUMENT);
    cr_assert_eq(tg_module_load_text(c, NULL, "", 0, &m), TG_OK);
    cr_assert_eq(tg_module_n_kernels(m), 0);
    cr_assert_null(tg_module_kernel_at(m, 0));
    cr_assert_null(tg_module_kernel(m, NULL));
    cr_assert_null(tg_module_kernel(m, "f"));
    tg_module_destroy(m);
    tg_module_destroy(NULL);
    cr_assert_null(tg_module_kernel(NULL, "f"));
    cr_assert_eq(tg_module_n_kernels(NULL), 0);
    cr_assert_str_eq(tg_module_warnings(NULL), "");
    cr_assert_eq(tg_launch(NULL, NULL, 0), TG_ERROR_INVALID_ARGUMENT);
    cr_assert_eq(tg_kernel_prepare(NULL, NULL), TG_ERROR_INVALID_ARGUMENT);
    cr_assert_eq(tg_kernel_prepare_async(NULL, NULL), TG_ERROR_INVALID_ARGUMENT);
    cr_assert_eq(tg_kernel_prepare_args(NULL, NULL, 0), TG_ERROR_INVALID_ARGUMENT);
    cr_assert_eq(tg_kernel_wait(NULL), TG_ERROR_INVALID_ARGUMENT);
    cr_assert_eq(tg_kernel_with_schedule(NULL, NULL, NULL), TG_ERROR_INVALID_ARGUMENT);
    tg_kernel_release(NULL);
    cr_assert_eq(tg_kernel_infer_shape(NULL, NULL, 0, 0, shape), TG_ERROR_INVALID_ARGUMENT);
    cr_assert_eq(tg_kernel_parameter(NULL, 0, NULL), TG_ERROR_INVALID_ARGUMENT);
    cr_assert_eq(tg_kernel_get_stats(NULL, NULL), TG_ERROR_INVALID_ARGUMENT);
    cr_assert_str_eq(tg_kernel_name(NULL), "");
    cr_assert_null(tg_tensor_create(NULL, TG_F32, 0, NULL));
    cr_assert_null(tg_tensor_create(c, TG_F32, 1, NULL));
    cr_assert_null(tg_tensor_view(NULL, 0, NULL, NULL, 0));
    cr_assert_null(tg_tensor_slice(NULL, 0, 0, 0));
    cr_assert_null(tg_tensor_permute(NULL, NULL));
    cr_assert_null(tg_tensor_retain(NULL));
    tg_tensor_release(NULL);
    cr_assert_eq(tg_tensor_copy(NULL, NULL), TG_ERROR_INVALID_ARGUMENT);
    cr_assert_eq(tg_tensor_dtype(NULL), TG_DTYPE_NONE);
    tg_context_destroy(c);
    tg_context_destroy(NULL);
}

Test(api, describes_kernels) {
    tg_context *c = make();
    tg_module *m;
    const char *text = "kernel f<T: float>(in T X[N, M], in? f32 b[M], out T Y[N, M], const "
                       "int k = 2, f32 s)\n"
                       "{\n    grid (i in N, j in M) Y[i, j] = X[i, j] * T(f32(k) * s);\n}\n";
    cr_assert_eq(tg_module_load_text(c, "f.dsl", text, strlen(text), &m), TG_OK, "%s",
                 tg_last_error(c));
    tg_kernel *k = tg_module_kernel_at(m, 0);
    cr_assert_str_eq(tg_kernel_name(k), "f");
    cr_assert_eq(tg_kernel_n_parameters(k), 5);
    tg_parameter_info p = {.struct_size = sizeof p};
    cr_assert_eq(tg_kernel_parameter(k, 0, &p), TG_OK);
    cr_assert(p.kind == TG_PARAMETER_IN && p.rank == 2 && !strcmp(p.type_param, "T") &&
              !p.is_optional);
    cr_assert_eq(tg_kernel_parameter(k, 1, &p), TG_OK);
    cr_assert(p.is_optional && p.dtype == TG_F32 && !p.type_param);
    cr_assert_eq(tg_kernel_parameter(k, 3, &p), TG_OK);
    cr_assert(p.kind == TG_PARAMETER_SCALAR && p.is_const && p.is_optional);
    cr_assert_eq(tg_kernel_parameter(k, 5, &p), TG_ERROR_INVALID_ARGUMENT);
    p.struct_size = 4;
    cr_assert_eq(tg_kernel_parameter(k, 0, &p), TG_ERROR_INVALID_ARGUMENT);
    cr_assert_not_null(tg_module_warnings(m));
    tg_module_destroy(m);
    tg_context_destroy(c);
}

Test(api, views) {
    tg_context *c = make();
    tg_tensor *t = tg_tensor_create(c, TG_F32, 2, (int64_t[]){4, 6});
    float *p = tg_tensor_data(t);
    for (int i = 0; i < 24; i++) {
        p[i] = (float)i;
    }
    tg_tensor *rows = tg_tensor_slice(t, 0, 1, 3);
    cr_assert_eq(*(float *)tg_tensor_data(rows), 6);
    tg_tensor *turned = tg_tensor_permute(rows, (uint32_t[]){1, 0});
    cr_assert_eq(tg_tensor_shape(turned)[0], 6);
    cr_assert_eq(tg_tensor_strides(turned)[0], 1);
    tg_tensor *reversed = tg_tensor_view(t, 1, (int64_t[]){24}, (int64_t[]){-1}, 23);
    cr_assert_eq(*(float *)tg_tensor_data(reversed), 23);
    tg_tensor *repeated = tg_tensor_view(t, 2, (int64_t[]){5, 6}, (int64_t[]){0, 1}, 18);
    cr_assert_not_null(repeated);
    cr_assert_null(tg_tensor_view(t, 1, (int64_t[]){25}, (int64_t[]){1}, 0));
    cr_assert_null(tg_tensor_view(t, 1, (int64_t[]){2}, (int64_t[]){1}, 23));
    cr_assert_null(tg_tensor_view(t, 1, (int64_t[]){2}, (int64_t[]){-1}, 0));
    cr_assert_null(tg_tensor_view(t, 1, (int64_t[]){3}, (int64_t[]){INT64_MAX}, 0));
    cr_assert_null(tg_tensor_view(t, 1, (int64_t[]){-1}, (int64_t[]){1}, 0));
    cr_assert_null(tg_tensor_slice(t, 0, 2, 5));
    cr_assert_null(tg_tensor_slice(t, 2, 0, 1));
    cr_assert_null(tg_tensor_permute(t, (uint32_t[]){0, 0}));
    tg_tensor_release(t); /* views keep the memory */
    tg_tensor *copy = tg_tensor_create(c, TG_F16, 2, (int64_t[]){6, 2});
    cr_assert_eq(tg_tensor_copy(copy, turned), TG_OK);
    cr_assert_eq(((uint16_t *)tg_tensor_data(copy))[1], 0x4a00); /* 12 */
    cr_assert_eq(tg_tensor_copy(copy, rows), TG_ERROR_INVALID_ARGUMENT);
    cr_assert_eq(tg_tensor_n_elements(repeated), 30);
    tg_tensor_release(rows);
    tg_tensor_release(turned);
    tg_tensor_release(reversed);
    tg_tensor_release(repeated);
    tg_tensor_release(copy);
    tg_context_destroy(c);
}
