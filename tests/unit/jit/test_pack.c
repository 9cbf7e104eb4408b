/* Packed operands: the same products as with the matrix itself, in launches and calls, and what refuses them. */
#include "base/cpu.h"
#include "jit/context.h"

#include <criterion/criterion.h>
#include <math.h>
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
    "        for (k in K) acc += dot(A[m, k], D[k, n], k);\n        C[m, n] = acc;\n    }\n}\n"
    "kernel halves<T: bf16 | f16, U: bf16 | f16>(in T A[M, K], in U B[K, N], out f32 C[M, N], f32 alpha = 1.0)\n"
    "{\n    grid (m in M, n in N) {\n        f32 acc[m, n] = 0;\n"
    "        for (k in K) acc += dot(A[m, k], B[k, n], k);\n        C[m, n] = alpha * acc;\n    }\n}\n"
    "kernel bytes<T: i8 | u8, U: i8 | u8>(in T A[M, K], in U B[K, N], out i32 C[M, N], f32 alpha = 1.0)\n"
    "{\n    grid (m in M, n in N) {\n        i32 acc[m, n] = 0;\n"
    "        for (k in K) acc += dot(A[m, k], B[k, n], k);\n        C[m, n] = i32(alpha) * acc;\n    }\n}\n"
    "kernel naturals(in u8 A[M, K], in u8 B[K, N], out u32 C[M, N], f32 alpha = 1.0)\n"
    "{\n    grid (m in M, n in N) {\n        u32 acc[m, n] = 0;\n"
    "        for (k in K) acc += dot(A[m, k], B[k, n], k);\n        C[m, n] = u32(alpha) * acc;\n    }\n}\n"
    "kernel windows<T: bf16 | f16 | f32 | i8>(in T X[Q, C], in T F[S, C, K], out f32 Y[P, K])\n    where P + S == Q + 1\n"
    "{\n    grid (p in P, k in K) {\n        wide(T) acc[p, k] = 0;\n"
    "        for (each s in S) for (c in C) acc += dot(X[p + s, c], F[s, c, k], c);\n        Y[p, k] = f32(acc);\n    }\n}\n"
    "kernel experts<T: i8 | bf16>(in T A[M, K], in T B[E, K, N], out f32 C[M, N], int e)\n    where e >= 0, e < E\n"
    "{\n    grid (m in M, n in N) {\n        wide(T) acc[m, n] = 0;\n"
    "        for (k in K) acc += dot(A[m, k], B[e, k, n], k);\n        C[m, n] = f32(acc);\n    }\n}\n"
    "kernel half_of<T: i8 | bf16 | f16>(in T A[M, K], in T B[K, N], out f32 C[M, N])\n"
    "{\n    grid (m in M, n in N) {\n        wide(T) acc[m, n] = 0;\n"
    "        for (k in K / 2) acc += dot(A[m, k], B[k, n], k);\n        C[m, n] = f32(acc);\n    }\n}\n"
    "kernel fixed<T: i8 | bf16 | f16>(in T A[const M, const K], in T B[const K, const N], out f32 C[const M, const N])\n"
    "{\n    grid (m in M, n in N) {\n        wide(T) acc[m, n] = 0;\n"
    "        for (k in K) acc += dot(A[m, k], B[k, n], k);\n        C[m, n] = f32(acc);\n    }\n}\n";

typedef struct stage {
    tg_context *c;
    tg_module *m;
} stage;

static stage open_stage_at(const char *arch, int n_threads, const char *cache) {
    stage s;
    tg_context_options o = TG_CONTEXT_OPTIONS_INIT;
    o.arch = arch;
    o.cache_dir = cache;
    o.n_threads = n_threads;
    cr_assert_eq(tg_context_create(&o, &s.c), TG_OK);
    cr_assert_eq(tg_module_load_text(s.c, "pack.dsl", source, sizeof source - 1, &s.m), TG_OK, "%s", tg_last_error(s.c));
    return s;
}

static stage open_stage(int n_threads, const char *cache) {
    return open_stage_at(NULL, n_threads, cache);
}

static void close_stage(stage *s) {
    tg_module_destroy(s->m);
    tg_context_destroy(s->c);
}

static tg_tensor *matrix(tg_context *c, tg_dtype t, int64_t m, int64_t n, uint64_t seed) {
    tg_tensor *x = tg_tensor_create(c, t, 2, (int64_t[]){m, n});
    bool is_signed = t == TG_I8, bytes = is_signed || t == TG_U8; /* all there are */
    tg_tensor_fill_random(x, seed, is_signed ? -128 : bytes ? 0 : -1, is_signed ? 127 : bytes ? 255 : 1);
    return x;
}

static double element(const tg_tensor *t, int64_t i) {
    const void *data = tg_tensor_data(t);
    switch ((int)tg_tensor_dtype(t)) { /* those of results */
    case TG_F32:
        return (double)((const float *)data)[i];
    case TG_I32:
        return (double)((const int32_t *)data)[i];
    case TG_U32:
        return (double)((const uint32_t *)data)[i];
    default:
        return ((const double *)data)[i];
    }
}

static void compare(const tg_tensor *x, const tg_tensor *y, double bound, const char *what) {
    const int64_t *n = tg_tensor_shape(x);
    for (int64_t i = 0; i < n[0] * n[1]; i++) {
        double a = element(x, i), b = element(y, i);
        cr_assert(fabs(a - b) <= bound, "%s, %lld by %lld, element %lld: %g and %g", what, (long long)n[0], (long long)n[1], (long long)i, a, b);
    }
}

typedef struct form {
    const char *kernel;
    tg_dtype a, b, c;
} form;

/* Sums of k products of at most 1, times two; those of integers are exact. */
static double bound_of(const form *f, int64_t k) {
    return f->c == TG_I32 || f->c == TG_U32 ? 0 : 4 * (double)(k + 1) * tg_dtype_unit(f->c) * (double)(k + 1);
}

/* B as it is, and as a transposed view; packed once each, run at two numbers of rows. */
static void check_gemm(stage *s, const form *f, int64_t m, int64_t n, int64_t k, bool flipped) {
    tg_kernel *gemm = tg_module_kernel(s->m, f->kernel);
    tg_tensor *a = matrix(s->c, f->a, m, k, 1), *stored = flipped ? matrix(s->c, f->b, n, k, 2) : matrix(s->c, f->b, k, n, 2);
    tg_tensor *b = flipped ? tg_tensor_permute(stored, (uint32_t[]){1, 0}) : tg_tensor_retain(stored), *packed, *few, *some;
    tg_tensor *x = matrix(s->c, f->c, m, n, 3), *y = matrix(s->c, f->c, m, n, 4);
    OK(tg_kernel_pack(gemm, TG_ARGS(a, b, x), 1, &packed), s->c);
    OK(tg_launch(gemm, TG_ARGS(a, b, x, 2.0f)), s->c);
    double bound = bound_of(f, k);
    for (int i = 0; i < 2; i++) {
        OK(tg_launch(gemm, TG_ARGS(a, packed, y, 2.0f)), s->c);
        compare(x, y, bound, "launch");
    }
    tg_call *call;
    OK(tg_call_create(gemm, TG_ARGS(a, packed, y, 2.0f), NULL, &call), s->c);
    for (int i = 0; i < 2; i++) {
        memset(tg_tensor_data(y), 0xff, (size_t)(m * n) * tg_dtype_size(f->c));
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

static const form plain[] = {{"gemm", TG_F32, TG_F32, TG_F32}, {"gemm", TG_F64, TG_F64, TG_F64}};

Test(pack, products, .timeout = 300) {
    static const int64_t sizes[][3] = {{1, 1, 1}, {6, 16, 8}, {7, 17, 5}, {64, 100, 33}, {130, 49, 300}, {3, 700, 1000}, {200, 333, 2100}, {5, 0, 3}, {5, 3, 0}, {0, 3, 4}};
    for (int threads = 1; threads < 4; threads += 2) {
        stage s = open_stage(threads, "");
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            for (int flipped = 0; flipped < 2; flipped++) {
                check_gemm(&s, &plain[i % 3 == 2], sizes[i][0], sizes[i][1], sizes[i][2], flipped);
            }
        }
        close_stage(&s);
    }
}

static const form narrow_forms[] = {
    {"halves", TG_BF16, TG_BF16, TG_F32}, {"halves", TG_F16, TG_F16, TG_F32}, {"halves", TG_BF16, TG_F16, TG_F32}, {"halves", TG_F16, TG_BF16, TG_F32},
    {"bytes", TG_U8, TG_I8, TG_I32},      {"bytes", TG_I8, TG_I8, TG_I32},    {"naturals", TG_U8, TG_U8, TG_U32}, {"bytes", TG_I8, TG_U8, TG_I32},
};
enum { N_NARROW = sizeof narrow_forms / sizeof *narrow_forms };

/* What products of these run on where there are tile registers is not packed beforehand. */
static bool on_tiles(const stage *s, const form *f) {
    return s->c->machine.has_amx && (bound_of(f, 1) == 0 || (f->a == TG_BF16 && f->b == TG_BF16));
}

/* At the levels that this machine has: words of pairs and quads, and elements that tiles convert. */
static const char *const levels[] = {NULL, "avx512", "avx2"};
enum { N_LEVELS = sizeof levels / sizeof *levels };

static void check_narrow(const char *level, int threads) {
    static const int64_t sizes[][3] = {{1, 1, 1},   {6, 16, 8},     {7, 17, 5},       {64, 100, 33}, {130, 49, 300}, {3, 700, 1000}, {1, 333, 9001},
                                       {7, 70, 13000}, {60, 70, 7000}, {13, 200, 4099}, {200, 333, 2100}, {5, 0, 3},     {5, 3, 0},      {0, 3, 4}};
    stage s = open_stage_at(level, threads, "");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (int k = 0; k < N_NARROW; k++) {
            if (!on_tiles(&s, &narrow_forms[k])) {
                check_gemm(&s, &narrow_forms[k], sizes[i][0], sizes[i][1], sizes[i][2], (i + (size_t)k) % 2);
            }
        }
    }
    close_stage(&s);
}

Test(pack, narrow_types, .timeout = 600) {
    for (int i = 0; i < N_LEVELS; i++) {
        if (!levels[i] || tg_cpu_runs(levels[i])) {
            check_narrow(levels[i], i == 0 ? 3 : 1);
        }
    }
}

/* Rows that end within a group, beside infinities that are not theirs. */
Test(pack, ends_of_rows) {
    stage s = open_stage(1, "");
    const form *f = &narrow_forms[0];
    if (on_tiles(&s, f)) {
        cr_skip_test("tile registers");
    }
    tg_kernel *halves = tg_module_kernel(s.m, f->kernel);
    tg_tensor *wide = tg_tensor_create(s.c, f->a, 2, (int64_t[]){9, 40}), *b = matrix(s.c, f->b, 37, 70, 2), *packed;
    tg_tensor_fill_random(wide, 1, -1, 1);
    for (int i = 0; i < 9; i++) {
        ((uint16_t *)tg_tensor_data(wide))[40 * i + 37] = 0x7f80;
    }
    tg_tensor *a = tg_tensor_slice(wide, 1, 0, 37), *x = matrix(s.c, f->c, 9, 70, 3), *y = matrix(s.c, f->c, 9, 70, 4);
    OK(tg_kernel_pack(halves, TG_ARGS(a, b, x), 1, &packed), s.c);
    OK(tg_launch(halves, TG_ARGS(a, b, x, 2.0f)), s.c);
    OK(tg_launch(halves, TG_ARGS(a, packed, y, 2.0f)), s.c);
    compare(x, y, bound_of(f, 37), "ends");
    tg_tensor *all[] = {wide, a, b, packed, x, y};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        tg_tensor_release(all[i]);
    }
    close_stage(&s);
}

/* Kernels whose packed operand, `b`, is argument 1 and results f32. */
static void check_other(stage *s, const char *name, tg_dtype t, const int64_t *a_shape, uint32_t b_rank, const int64_t *b_shape, const int64_t *out, int64_t k) {
    tg_kernel *kernel = tg_module_kernel(s->m, name);
    tg_tensor *a = tg_tensor_create(s->c, t, 2, a_shape), *b = tg_tensor_create(s->c, t, b_rank, b_shape), *packed;
    tg_tensor *x = tg_tensor_create(s->c, TG_F32, 2, out), *y = tg_tensor_create(s->c, TG_F32, 2, out);
    double most = t == TG_I8 ? 100 : 1;
    tg_tensor_fill_random(a, 1, -most, most);
    tg_tensor_fill_random(b, 2, -most, most);
    tg_argument with[] = {tg_argument_tensor(a), tg_argument_tensor(b), tg_argument_tensor(x), tg_argument_int(2)};
    uint32_t n = strcmp(name, "experts") == 0 ? 4 : 3;
    OK(tg_kernel_pack(kernel, with, n, 1, &packed), s->c);
    OK(tg_launch(kernel, with, n), s->c);
    with[1] = tg_argument_tensor(packed);
    with[2] = tg_argument_tensor(y);
    OK(tg_launch(kernel, with, n), s->c);
    form f = {name, t, t, t == TG_I8 ? TG_I32 : TG_F32};
    compare(x, y, bound_of(&f, k), name);
    tg_tensor *all[] = {a, b, packed, x, y};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        tg_tensor_release(all[i]);
    }
}

/* Filters, of which a group ends with each position; a matrix among several; code for one size. */
Test(pack, other_products, .timeout = 300) {
    static const tg_dtype types[] = {TG_F32, TG_F16, TG_BF16, TG_I8};
    for (int i = 0; i < N_LEVELS; i++) {
        stage s = open_stage_at(levels[i] && !tg_cpu_runs(levels[i]) ? NULL : levels[i], 1, "");
        for (size_t k = 0; k < 4 && !s.c->machine.has_amx; k++) {
            check_other(&s, "windows", types[k], (int64_t[]){30, 7}, 3, (int64_t[]){3, 7, 70}, (int64_t[]){28, 70}, 21);
            check_other(&s, "windows", types[k], (int64_t[]){9, 70}, 3, (int64_t[]){4, 70, 19}, (int64_t[]){6, 19}, 280);
            if (types[k] == TG_BF16) { /* with sums they are those of one matrix */
                check_other(&s, "experts", types[k], (int64_t[]){9, 33}, 3, (int64_t[]){4, 33, 70}, (int64_t[]){9, 70}, 33);
            }
            if (types[k] != TG_F32) {
                check_other(&s, "fixed", types[k], (int64_t[]){9, 33}, 2, (int64_t[]){33, 70}, (int64_t[]){9, 70}, 33);
                check_other(&s, "fixed", types[k], (int64_t[]){1, 64}, 2, (int64_t[]){64, 64}, (int64_t[]){1, 64}, 64);
            }
        }
        close_stage(&s);
    }
}

/* A part of the lines, or of several matrices, is no whole column: what the panels say of those does not hold. And rows of the other sign want
 * another panel. */
Test(pack, refusals_of_narrow_types) {
    stage s = open_stage(1, "");
    tg_kernel *bytes = tg_module_kernel(s.m, "bytes"), *half = tg_module_kernel(s.m, "half_of"), *experts = tg_module_kernel(s.m, "experts");
    tg_tensor *a = matrix(s.c, TG_I8, 8, 24, 1), *u = matrix(s.c, TG_U8, 8, 24, 1), *b = matrix(s.c, TG_I8, 24, 40, 2), *packed, *none;
    tg_tensor *c = matrix(s.c, TG_I32, 8, 40, 3), *d = matrix(s.c, TG_F32, 8, 40, 3), *all_of = tg_tensor_create(s.c, TG_I8, 3, (int64_t[]){2, 24, 40});
    if (s.c->machine.has_amx) {
        FAILS(tg_kernel_pack(bytes, TG_ARGS(a, b, c), 1, &none), s.c, TG_ERROR_UNSUPPORTED, "tile registers");
    } else if (s.c->machine.has_vnni) {
        OK(tg_kernel_pack(bytes, TG_ARGS(a, b, c), 1, &packed), s.c);
        FAILS(tg_launch(bytes, TG_ARGS(u, packed, c)), s.c, TG_ERROR_INVALID_ARGUMENT, "B was packed for another kernel or schedule");
        tg_call *call;
        OK(tg_call_create(bytes, TG_ARGS(a, packed, c), NULL, &call), s.c);
        OK(tg_kernel_pack(bytes, TG_ARGS(u, b, c), 1, &none), s.c);
        FAILS(tg_call_rebind(call, TG_ARGS(a, none, c)), s.c, TG_ERROR_INVALID_ARGUMENT, "B is not laid out");
        tg_call_destroy(call);
        tg_tensor_release(none);
        tg_tensor_release(packed);
        FAILS(tg_kernel_pack(half, TG_ARGS(a, b, d), 1, &none), s.c, TG_ERROR_UNSUPPORTED, "must sum over all of the packed operand's lines");
        FAILS(tg_kernel_pack(experts, TG_ARGS(a, all_of, d, 1), 1, &none), s.c, TG_ERROR_UNSUPPORTED, "must sum over all of the packed operand's lines");
    }
    tg_tensor *all[] = {a, u, b, c, d, all_of};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        tg_tensor_release(all[i]);
    }
    close_stage(&s);
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
        check_gemm(&s, &plain[0], 20, 30, 40, i);
        for (int k = 0; k < N_NARROW; k++) {
            if (!on_tiles(&s, &narrow_forms[k])) {
                check_gemm(&s, &narrow_forms[k], 20, 30, 40, i);
            }
        }
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
