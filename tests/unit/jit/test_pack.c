/* Packed operands: the same products as with the matrix itself, in launches and calls, and what refuses them. */
#include "jit/context.h"

#include <criterion/criterion.h>
#include <string.h>

#include "jit_fixture.h"

static const char source[] =
    "kernel gemm<T: float>(in T A[M, K], in T B[K, N], out T C[M, N], f32 alpha = 1.0)\n"
    "{\n    grid (m in M, n in N) {\n        wide(T) acc[m, n] = 0;\n"
    "        for (k in K) acc += dot(A[m, k], B[k, n], k);\n        C[m, n] = T(alpha * acc);\n    }\n}\n"
    "kernel linear(in f32 X[M, K], in f32 W[N, K], in f32 b[N], out f32 Y[M, N])\n"
    "{\n    grid (m in M, n in N) {\n        f32 acc[m, n] = 0;\n"
    "        for (k in K) acc += dot(X[m, k], W[n, k], k);\n        Y[m, n] = max(acc + b[n], 0.0);\n    }\n}\n"
    "kernel both(in f32 A[M, K], in f32 B[K, N], out f32 C[M, N], out f32 D[K, N])\n"
    "{\n    grid (m in M, n in N) {\n        f32 acc[m, n] = 0;\n"
    "        for (k in K) acc += dot(A[m, k], B[k, n], k);\n        C[m, n] = acc;\n    }\n"
    "    grid (k in K, n in N) D[k, n] = B[k, n] + 1.0;\n}\n"
    "kernel two(in f32 A[M, K], in f32 B[K, N], in f32 D[K, N], out f32 C[M, N])\n"
    "{\n    grid (m in M, n in N) {\n        f32 acc[m, n] = 0;\n"
    "        for (k in K) acc += dot(A[m, k], B[k, n], k);\n"
    "        for (k in K) acc += dot(A[m, k], D[k, n], k);\n        C[m, n] = acc;\n    }\n}\n";

typedef struct stage {
    tg_context *c;
    tg_module *m;
} stage;

static stage open_stage(int n_threads, const char *cache) {
    stage s;
    tg_context_options o = TG_CONTEXT_OPTIONS_INIT;
    o.cache_dir = cache;
    o.n_threads = n_threads;
    cr_assert_eq(tg_context_create(&o, &s.c), TG_OK);
    cr_assert_eq(tg_module_load_text(s.c, "pack.dsl", source, sizeof source - 1, &s.m), TG_OK, "%s", tg_last_error(s.c));
    return s;
}

static void close_stage(stage *s) {
    tg_module_destroy(s->m);
    tg_context_destroy(s->c);
}

static tg_tensor *matrix(tg_context *c, tg_dtype t, int64_t m, int64_t n, uint64_t seed) {
    tg_tensor *x = tg_tensor_create(c, t, 2, (int64_t[]){m, n});
    tg_tensor_fill_random(x, seed, -1, 1);
    return x;
}

static void compare(const tg_tensor *x, const tg_tensor *y, double bound, const char *what) {
    const int64_t *n = tg_tensor_shape(x);
    for (int64_t i = 0; i < n[0] * n[1]; i++) {
        double a = tg_tensor_dtype(x) == TG_F32 ? (double)((float *)tg_tensor_data(x))[i] : ((double *)tg_tensor_data(x))[i];
        double b = tg_tensor_dtype(x) == TG_F32 ? (double)((float *)tg_tensor_data(y))[i] : ((double *)tg_tensor_data(y))[i];
        cr_assert_float_eq(a, b, bound, "%s, %lld by %lld, element %lld", what, (long long)n[0], (long long)n[1], (long long)i);
    }
}

/* B as it is, and as a transposed view; packed once each, run at two numbers of rows. */
static void check_gemm(stage *s, tg_dtype t, int64_t m, int64_t n, int64_t k, bool flipped) {
    tg_kernel *gemm = tg_module_kernel(s->m, "gemm");
    tg_tensor *a = matrix(s->c, t, m, k, 1), *stored = flipped ? matrix(s->c, t, n, k, 2) : matrix(s->c, t, k, n, 2);
    tg_tensor *b = flipped ? tg_tensor_permute(stored, (uint32_t[]){1, 0}) : tg_tensor_retain(stored), *packed, *few, *some;
    tg_tensor *x = matrix(s->c, t, m, n, 3), *y = matrix(s->c, t, m, n, 4);
    OK(tg_kernel_pack(gemm, TG_ARGS(a, b, x), 1, &packed), s->c);
    OK(tg_launch(gemm, TG_ARGS(a, b, x, 2.0f)), s->c);
    double bound = 4 * (double)(k + 1) * tg_dtype_unit(t) * (double)(k + 1);
    for (int i = 0; i < 2; i++) {
        OK(tg_launch(gemm, TG_ARGS(a, packed, y, 2.0f)), s->c);
        compare(x, y, bound, "launch");
    }
    tg_call *call;
    OK(tg_call_create(gemm, TG_ARGS(a, packed, y, 2.0f), NULL, &call), s->c);
    for (int i = 0; i < 2; i++) {
        memset(tg_tensor_data(y), 0xff, (size_t)(m * n) * tg_dtype_size(t));
        OK(tg_call_run(call), s->c);
        compare(x, y, bound, "call");
    }
    tg_call_destroy(call);
    few = tg_tensor_slice(a, 0, 0, m / 3);
    some = tg_tensor_slice(y, 0, 0, m / 3);
    OK(tg_launch(gemm, TG_ARGS(few, packed, some, 2.0f)), s->c);
    compare(x, y, bound, "fewer rows");
    tg_tensor *all[] = {a, stored, b, packed, x, y, few, some};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        tg_tensor_release(all[i]);
    }
}

Test(pack, products, .timeout = 300) {
    static const int64_t sizes[][3] = {{1, 1, 1}, {6, 16, 8}, {7, 17, 5}, {64, 100, 33}, {130, 49, 300}, {3, 700, 1000}, {200, 333, 2100}, {5, 0, 3}, {5, 3, 0}, {0, 3, 4}};
    for (int threads = 1; threads < 4; threads += 2) {
        stage s = open_stage(threads, "");
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            for (int flipped = 0; flipped < 2; flipped++) {
                check_gemm(&s, i % 3 == 2 ? TG_F64 : TG_F32, sizes[i][0], sizes[i][1], sizes[i][2], flipped);
            }
        }
        close_stage(&s);
    }
}

/* Weights as layers store them: the lines of W are what the product sums over. */
Test(pack, linear) {
    stage s = open_stage(2, "");
    tg_kernel *linear = tg_module_kernel(s.m, "linear");
    tg_tensor *x = matrix(s.c, TG_F32, 50, 70, 1), *w = matrix(s.c, TG_F32, 90, 70, 2), *packed;
    tg_tensor *bias = jit_tensor_f32(s.c, 90, -0.5f, 0.01f), *y = matrix(s.c, TG_F32, 50, 90, 3), *z = matrix(s.c, TG_F32, 50, 90, 4);
    OK(tg_launch(linear, TG_ARGS(x, w, bias, y)), s.c);
    OK(tg_kernel_pack(linear, TG_ARGS(x, w, bias, z), 1, &packed), s.c);
    OK(tg_launch(linear, TG_ARGS(x, packed, bias, z)), s.c);
    compare(y, z, 1e-4, "linear");
    tg_tensor *all[] = {x, w, packed, bias, y, z};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        tg_tensor_release(all[i]);
    }
    close_stage(&s);
}

/* From the disk cache the code still says what it wants. */
Test(pack, cached) {
    const char *dir = test_temp_dir();
    for (int i = 0; i < 2; i++) {
        stage s = open_stage(1, dir);
        check_gemm(&s, TG_F32, 20, 30, 40, i);
        close_stage(&s);
    }
    test_remove_dir(dir);
}

Test(pack, refusals) {
    stage s = open_stage(1, "");
    tg_kernel *gemm = tg_module_kernel(s.m, "gemm"), *both = tg_module_kernel(s.m, "both"), *narrow;
    tg_tensor *a = matrix(s.c, TG_F32, 20, 30, 1), *b = matrix(s.c, TG_F32, 30, 40, 2), *c = matrix(s.c, TG_F32, 20, 40, 3), *packed, *other;
    tg_tensor *d = matrix(s.c, TG_F32, 30, 40, 3), *square = matrix(s.c, TG_F32, 40, 40, 3);
    FAILS(tg_kernel_pack(NULL, TG_ARGS(a, b, c), 1, &packed), NULL, TG_ERROR_INVALID_ARGUMENT, "kernel is null");
    FAILS(tg_kernel_pack(gemm, TG_ARGS(a, b, c), 1, NULL), s.c, TG_ERROR_INVALID_ARGUMENT, "out is null");
    FAILS(tg_kernel_pack(gemm, TG_ARGS(a, b, c), 2, &packed), s.c, TG_ERROR_INVALID_ARGUMENT, "gemm: C cannot be packed: it is written");
    FAILS(tg_kernel_pack(gemm, TG_ARGS(a, b, c), 3, &packed), s.c, TG_ERROR_INVALID_ARGUMENT, "gemm: alpha cannot be packed: it is no tensor");
    FAILS(tg_kernel_pack(gemm, TG_ARGS(a, b, c), 9, &packed), s.c, TG_ERROR_INVALID_ARGUMENT, "parameter 9 cannot be packed");
    FAILS(tg_kernel_pack(gemm, TG_ARGS(b, a, c), 1, &packed), s.c, TG_ERROR_LAUNCH, "L0901");
    FAILS(tg_kernel_pack(both, TG_ARGS(a, b, c, d), 1, &packed), s.c, TG_ERROR_UNSUPPORTED, "only products read");
    cr_assert_null(packed);
    OK(tg_kernel_pack(gemm, TG_ARGS(a, b, c), 1, &packed), s.c);
    FAILS(tg_kernel_pack(gemm, TG_ARGS(a, packed, c), 1, &other), s.c, TG_ERROR_INVALID_ARGUMENT, "it is packed already");
    FAILS(tg_launch(both, TG_ARGS(a, packed, c, d)), s.c, TG_ERROR_UNSUPPORTED, "only products read");
    FAILS(tg_launch(gemm, TG_ARGS(packed, square, d)), s.c, TG_ERROR_INVALID_ARGUMENT, "A was packed for another kernel");
    FAILS(tg_launch(tg_module_kernel(s.m, "two"), TG_ARGS(a, packed, packed, c)), s.c, TG_ERROR_UNSUPPORTED, "two: only one operand of a launch can be packed");
    FAILS(tg_tensor_copy(d, packed), s.c, TG_ERROR_INVALID_ARGUMENT, "`from` is packed");
    FAILS(tg_tensor_fill_random(packed, 1, 0, 1), s.c, TG_ERROR_INVALID_ARGUMENT, "packed");
    cr_assert_null(tg_tensor_slice(packed, 0, 0, 1));
    cr_assert_null(tg_tensor_permute(packed, (uint32_t[]){1, 0}));
    cr_assert_eq(tg_tensor_dtype(packed), TG_DTYPE_NONE);
    tg_dl_managed *capsule;
    cr_assert_neq(tg_tensor_to_dlpack(packed, &capsule), TG_OK);
    tg_call *call;
    OK(tg_call_create(gemm, TG_ARGS(a, packed, c), NULL, &call), s.c);
    FAILS(tg_call_run_on(call, (void *[]){NULL, tg_tensor_data(b)}, 2), s.c, TG_ERROR_INVALID_ARGUMENT, "B is bound to no tensor that could lie elsewhere");
    FAILS(tg_call_rebind(call, TG_ARGS(a, b, c)), s.c, TG_ERROR_INVALID_ARGUMENT, "B is not laid out");
    tg_call_destroy(call);
    tg_schedule_options o = TG_SCHEDULE_OPTIONS_INIT;
    o.schedule = s.c->machine.vector_bits == 512 ? "reg(m) = 6; reg(n) = 16" : "reg(m) = 6; reg(n) = 8";
    OK(tg_kernel_with_schedule(gemm, &o, &narrow), s.c);
    FAILS(tg_launch(narrow, TG_ARGS(a, packed, c)), s.c, TG_ERROR_INVALID_ARGUMENT, "B was packed for another kernel or schedule");
    OK(tg_kernel_pack(narrow, TG_ARGS(a, b, c), 1, &other), s.c);
    OK(tg_launch(narrow, TG_ARGS(a, other, c)), s.c);
    OK(tg_launch(gemm, TG_ARGS(a, b, square)) == TG_OK ? TG_ERROR_INTERNAL : TG_OK, s.c);
    tg_tensor *all[] = {a, b, c, d, square, packed, other};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        tg_tensor_release(all[i]);
    }
    close_stage(&s);
}
