/* Every allocation of a whole session fails in turn: each call then reports it, nothing leaks, nothing crashes. Memory
 * that LLVM takes for itself is not part of this. */
#include "tegula/tegula.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/failing_alloc.h"

static const char source[] =
    "kernel axpy<T: float>(in T X[N], inout T Y[N], const f32 alpha = 2.0)\n"
    "{\n    grid (i in N) Y[i] = T(f32(Y[i]) + alpha * f32(X[i]));\n}\n"
    "kernel row_sums(in f32 X[M, const N], out f32 S[M], out f32 Y[M, const N])\n"
    "{\n    grid (i in M) {\n        axis j in N;\n        S[i] = sum(X[i, j], j);\n"
    "        Y[i, j] = exp(X[i, j] - max(X[i, j], j));\n    }\n}\n"
    "kernel product(in f32 A[M, K], in f32 B[K, N], out f32 C[M, N])\n"
    "{\n    grid (m in M, n in N) {\n        axis k in K;\n        C[m, n] = dot(A[m, k], B[k, n], k);\n    }\n}\n";

static tg_status use_packed(tg_context *c, tg_module *m) {
    tg_kernel *product = tg_module_kernel(m, "product");
    tg_tensor *x = tg_tensor_create(c, TG_F32, 2, (int64_t[]){5, 5}), *y = tg_tensor_create(c, TG_F32, 2, (int64_t[]){5, 5}), *packed = NULL;
    tg_status s = x && y ? tg_kernel_pack(product, TG_ARGS(x, x, y), 1, &packed) : TG_ERROR_OUT_OF_MEMORY;
    s = s ? s : tg_launch(product, TG_ARGS(x, packed, y));
    tg_tensor_release(x);
    tg_tensor_release(y);
    tg_tensor_release(packed);
    return s;
}

/* Prepared by name in the background, then launched on views, with a shape inferred. */
static tg_status use_prepared(tg_context *c, tg_module *m) {
    const char *bindings[] = {"N=6"};
    tg_kernel_spec spec = {.struct_size = sizeof spec, .bindings = bindings, .n_bindings = 1};
    tg_schedule_options schedule = TG_SCHEDULE_OPTIONS_INIT;
    schedule.schedule = "i = 4";
    tg_kernel *k;
    tg_status s = tg_kernel_with_schedule(tg_module_kernel(m, "row_sums"), &schedule, &k);
    if (s) {
        return s;
    }
    s = tg_kernel_prepare_async(k, &spec);
    tg_status waited = tg_kernel_wait(k);
    if (s || waited) {
        return s ? s : waited;
    }
    tg_tensor *x = tg_tensor_create(c, TG_F32, 2, (int64_t[]){6, 9});
    tg_tensor *view = tg_tensor_permute(x, (uint32_t[]){1, 0});
    tg_tensor *y = tg_tensor_create(c, TG_F32, 2, (int64_t[]){9, 6}), *sums = NULL;
    int64_t shape[8];
    s = x && view && y ? tg_tensor_fill_random(x, 1, -1, 1) : TG_ERROR_OUT_OF_MEMORY;
    if (s == TG_OK) {
        s = tg_kernel_infer_shape(k, TG_ARGS(view), 1, shape);
    }
    if (s == TG_OK) {
        sums = tg_tensor_create(c, TG_F32, 1, shape);
        s = sums ? tg_launch(k, TG_ARGS(view, sums, y)) : TG_ERROR_OUT_OF_MEMORY;
    }
    if (s == TG_OK) {
        s = tg_tensor_copy(view, y);
    }
    tg_tensor_release(x);
    tg_tensor_release(view);
    tg_tensor_release(y);
    tg_tensor_release(sums);
    return s;
}

/* Errors need memory for their text; without it the status is still right. */
static tg_status use_broken(tg_context *c) {
    tg_module *m = NULL;
    tg_status s =
        tg_module_load_text(c, "broken.dsl", "kernel f(in f32 X[N]) { y = 1; }", 32, &m);
    tg_module_destroy(m);
    return s == TG_ERROR_COMPILE ? TG_OK : s == TG_OK ? TG_ERROR_INTERNAL : s;
}

static tg_status use_tensors(tg_context *c, tg_module *m) {
    tg_tensor *x = tg_tensor_create(c, TG_F32, 1, (int64_t[]){100});
    tg_tensor *y = tg_tensor_create(c, TG_F32, 1, (int64_t[]){200});
    tg_tensor *half = tg_tensor_slice(y, 0, 0, 100), *back = NULL;
    tg_dl_managed *capsule = NULL;
    tg_status s = x && half ? tg_launch(tg_module_kernel(m, "axpy"), TG_ARGS(x, half))
                            : TG_ERROR_OUT_OF_MEMORY;
    tg_call *call = NULL;
    tg_call_options exact = TG_CALL_OPTIONS_INIT;
    exact.exact = 1;
    for (int i = 0; i < 2 && s == TG_OK; i++) {
        s = tg_call_create(tg_module_kernel(m, "axpy"), TG_ARGS(x, half), i ? &exact : NULL, &call);
        s = s ? s : tg_call_run(call);
        tg_call_destroy(call);
    }
    if (s == TG_OK) {
        s = tg_tensor_to_dlpack(x, &capsule);
    }
    if (s == TG_OK) {
        s = tg_tensor_from_dlpack(c, capsule, &back);
        if (s) {
            capsule->deleter(capsule);
        }
    }
    tg_tensor_release(x);
    tg_tensor_release(y);
    tg_tensor_release(half);
    tg_tensor_release(back);
    return s;
}

static tg_status session(const tg_allocator *a) {
    tg_context_options o = TG_CONTEXT_OPTIONS_INIT;
    o.cache_dir = "";
    o.n_threads = 2;
    o.allocator = a;
    tg_context *c;
    tg_module *m = NULL;
    tg_status s = tg_context_create(&o, &c);
    if (s == TG_OK) {
        s = tg_module_load_text(c, "axpy.dsl", source, strlen(source), &m);
    }
    if (s == TG_OK) {
        s = use_tensors(c, m);
    }
    if (s == TG_OK) {
        s = use_prepared(c, m);
    }
    if (s == TG_OK) {
        s = use_packed(c, m);
    }
    if (s == TG_OK) {
        s = use_broken(c);
    }
    tg_module_destroy(m);
    tg_context_destroy(c);
    return s;
}

Test(memory, every_failure_is_reported, .timeout = 120) {
    failing_alloc a;
    failing_alloc_init(&a);
    tg_status s = TG_ERROR_OUT_OF_MEMORY;
    long n = 0;
    while (s != TG_OK) {
        failing_alloc_reset(&a, ++n);
        s = session(&a.allocator);
        cr_assert(s == TG_OK || s == TG_ERROR_OUT_OF_MEMORY, "allocation %ld: %s", n,
                  tg_status_name(s));
        cr_assert_eq(a.live, 0, "allocation %ld: %ld leaked", n, a.live);
        cr_assert(n < 5000);
    }
    cr_assert(n > 20, "%ld", n);
}
