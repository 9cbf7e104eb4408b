/* Bound launches: the same results as launches, what may change between runs, what is said where something may not, and the ends of
 * modules and contexts. */
#include "jit/call.h"

#include <criterion/criterion.h>
#include <string.h>

#include "jit_fixture.h"

enum { N = 50 };

typedef struct stage {
    tg_context *c;
    tg_module *m;
    tg_tensor *x, *y;
} stage;

static stage open_stage(int checked, int deterministic) {
    stage s = {.c = jit_context(NULL, checked, deterministic)};
    s.m = jit_module(s.c);
    s.x = jit_tensor_f32(s.c, N, 0, 1);
    s.y = jit_tensor_f32(s.c, N, 0, 0);
    return s;
}

static void close_stage(stage *s) {
    tg_tensor_release(s->x);
    tg_tensor_release(s->y);
    tg_module_destroy(s->m);
    tg_context_destroy(s->c);
}

static float at(const tg_tensor *t, int64_t i) {
    return ((const float *)tg_tensor_data(t))[i];
}

Test(call, runs_again_and_again) {
    stage s = open_stage(0, 0);
    tg_call *call;
    OK(tg_call_create(tg_module_kernel(s.m, "axpy"), TG_ARGS(s.x, s.y, 3.0f), NULL, &call), s.c);
    cr_assert_eq(at(s.y, 7), 0); /* nothing was run */
    for (int i = 1; i < 4; i++) {
        OK(tg_call_run(call), s.c);
        cr_assert_eq(at(s.y, 7), (float)(21 * i));
    }
    ((float *)tg_tensor_data(s.x))[7] = 1; /* contents are free */
    OK(tg_call_run(call), s.c);
    cr_assert_eq(at(s.y, 7), 66);
    tg_call_destroy(call);
    tg_call_destroy(NULL);
    close_stage(&s);
}

/* The call keeps its tensors. */
Test(call, keeps_tensors) {
    stage s = open_stage(0, 0);
    tg_call *call;
    OK(tg_call_create(tg_module_kernel(s.m, "axpy"), TG_ARGS(s.x, s.y), NULL, &call), s.c);
    float *y = tg_tensor_data(s.y);
    tg_tensor_release(s.x);
    tg_tensor_release(s.y);
    s.x = s.y = NULL;
    OK(tg_call_run(call), s.c);
    cr_assert_eq(y[3], 6);
    tg_call_destroy(call);
    close_stage(&s);
}

Test(call, runs_on_other_addresses) {
    stage s = open_stage(0, 0);
    tg_kernel *scale = tg_module_kernel(s.m, "scale");
    tg_call *call;
    OK(tg_call_create(scale, TG_ARGS(s.x, (void *)0, s.y, 5), NULL, &call), s.c);
    float x[N], y[N + 1];
    for (int i = 0; i < N; i++) {
        x[i] = (float)(2 * i);
    }
    OK(tg_call_run_on(call, (void *[]){x, NULL, y}, 3), s.c);
    cr_assert_eq(y[9], 90);
    cr_assert_eq(at(s.y, 9), 0);
    OK(tg_call_run_on(call, (void *[]){x}, 1), s.c);
    cr_assert_eq(at(s.y, 9), 90);
    OK(tg_call_run_on(call, NULL, 0), s.c);
    cr_assert_eq(at(s.y, 9), 45);
    FAILS(tg_call_run_on(call, (void *[]){x, NULL, x + 1}, 3), s.c, TG_ERROR_LAUNCH, "L0905: Y overlaps X");
    FAILS(tg_call_run_on(call, (void *[]){x, NULL, (char *)y + 2}, 3), s.c, TG_ERROR_LAUNCH, "L0906: Y is not aligned");
    FAILS(tg_call_run_on(call, (void *[]){x, y}, 2), s.c, TG_ERROR_INVALID_ARGUMENT, "scale: bias is bound to no tensor");
    FAILS(tg_call_run_on(call, (void *[]){x, NULL, NULL, y}, 4), s.c, TG_ERROR_INVALID_ARGUMENT, "scale: k is bound to no tensor");
    FAILS(tg_call_run_on(call, (void *[]){x, y, y, y, y}, 5), s.c, TG_ERROR_INVALID_ARGUMENT, "scale has 4 parameters, data for 5");
    FAILS(tg_call_run_on(call, NULL, 1), s.c, TG_ERROR_INVALID_ARGUMENT, "data is null");
    cr_assert(tg_call_takes(call, 0, s.y));
    cr_assert_not(tg_call_takes(call, 1, s.y));
    tg_call_destroy(call);
    close_stage(&s);
}

Test(call, rebinds) {
    stage s = open_stage(0, 0);
    tg_tensor *short_one = jit_tensor_f32(s.c, N - 1, 0, 1), *z = jit_tensor_f32(s.c, N, 0, 0);
    tg_call *call, *scale;
    OK(tg_call_create(tg_module_kernel(s.m, "axpy"), TG_ARGS(s.x, s.y, 3.0f), NULL, &call), s.c);
    OK(tg_call_rebind(call, TG_ARGS(s.x, z, -1.0f)), s.c);
    OK(tg_call_run(call), s.c);
    cr_assert(at(z, 4) == -4 && at(s.y, 4) == 0);
    FAILS(tg_call_rebind(call, TG_ARGS(short_one, s.y)), s.c, TG_ERROR_LAUNCH, "L0901");
    tg_tensor *cut = tg_tensor_slice(s.y, 0, 0, N - 1);
    FAILS(tg_call_rebind(call, TG_ARGS(short_one, cut)), s.c, TG_ERROR_INVALID_ARGUMENT, "axpy: X is not laid out as the one that was bound");
    FAILS(tg_call_rebind(call, TG_ARGS(s.x)), s.c, TG_ERROR_INVALID_ARGUMENT, "Y is missing");
    OK(tg_call_run(call), s.c); /* as before */
    cr_assert_eq(at(z, 4), -8);
    OK(tg_call_create(tg_module_kernel(s.m, "scale"), TG_ARGS(s.x, (void *)0, s.y, 5), NULL, &scale), s.c);
    FAILS(tg_call_rebind(scale, TG_ARGS(s.x, (void *)0, s.y, 6)), s.c, TG_ERROR_INVALID_ARGUMENT, "scale: k is const and has another value");
    FAILS(tg_call_rebind(scale, TG_ARGS(s.x, z, s.y, 5)), s.c, TG_ERROR_INVALID_ARGUMENT, "scale: bias is not laid out");
    tg_call_destroy(call);
    tg_call_destroy(scale);
    tg_tensor_release(short_one);
    tg_tensor_release(cut);
    tg_tensor_release(z);
    close_stage(&s);
}

Test(call, says_what_is_wrong) {
    stage s = open_stage(0, 0);
    tg_kernel *axpy = tg_module_kernel(s.m, "axpy");
    tg_call *call;
    FAILS(tg_call_create(NULL, TG_ARGS(s.x), NULL, &call), NULL, TG_ERROR_INVALID_ARGUMENT, "kernel is null");
    cr_assert_null(call);
    FAILS(tg_call_create(axpy, TG_ARGS(s.x, s.y), NULL, NULL), s.c, TG_ERROR_INVALID_ARGUMENT, "out is null");
    FAILS(tg_call_create(axpy, TG_ARGS(s.x, 4), NULL, &call), s.c, TG_ERROR_INVALID_ARGUMENT, "axpy: Y is a tensor");
    FAILS(tg_call_create(axpy, TG_ARGS(s.x, s.x), NULL, &call), s.c, TG_ERROR_LAUNCH, "L0905");
    tg_call_options o = {.struct_size = 3};
    FAILS(tg_call_create(axpy, TG_ARGS(s.x, s.y), &o, &call), s.c, TG_ERROR_INVALID_ARGUMENT, "struct_size");
    FAILS(tg_call_run(NULL), NULL, TG_ERROR_INVALID_ARGUMENT, "call is null");
    FAILS(tg_call_run_on(NULL, NULL, 0), NULL, TG_ERROR_INVALID_ARGUMENT, "call is null");
    FAILS(tg_call_rebind(NULL, NULL, 0), NULL, TG_ERROR_INVALID_ARGUMENT, "call is null");
    close_stage(&s);
}

Test(call, outlives_module_and_context) {
    stage s = open_stage(0, 0);
    tg_tensor *x = s.x, *y = s.y;
    tg_call *call, *other;
    OK(tg_call_create(tg_module_kernel(s.m, "axpy"), TG_ARGS(x, y), NULL, &call), s.c);
    tg_schedule_options o = TG_SCHEDULE_OPTIONS_INIT;
    o.schedule = "i = 16";
    tg_kernel *scheduled;
    OK(tg_kernel_with_schedule(tg_module_kernel(s.m, "axpy"), &o, &scheduled), s.c);
    OK(tg_call_create(scheduled, TG_ARGS(x, y), NULL, &other), s.c);
    OK(tg_call_run(other), s.c);
    tg_kernel_release(scheduled);
    FAILS(tg_call_run(other), s.c, TG_ERROR_INVALID_ARGUMENT, "has ended");
    OK(tg_call_run(call), s.c);
    tg_module_destroy(s.m);
    FAILS(tg_call_run(call), s.c, TG_ERROR_INVALID_ARGUMENT, "the module of this call has ended");
    FAILS(tg_call_run_on(call, NULL, 0), s.c, TG_ERROR_INVALID_ARGUMENT, "the module of this call has ended");
    FAILS(tg_call_rebind(call, TG_ARGS(x, y)), s.c, TG_ERROR_INVALID_ARGUMENT, "the module of this call has ended");
    tg_call_destroy(other);
    s.m = jit_module(s.c);
    OK(tg_call_create(tg_module_kernel(s.m, "axpy"), TG_ARGS(x, y), NULL, &other), s.c);
    tg_call_destroy(other);
    float few[N] = {0};
    tg_tensor *mine = tg_tensor_from_memory(s.c, TG_F32, 1, (int64_t[]){N}, NULL, few, NULL, NULL);
    OK(tg_call_create(tg_module_kernel(s.m, "speak"), TG_ARGS(mine), NULL, &other), s.c);
    tg_tensor_release(mine);
    tg_call_destroy(call);
    close_stage(&s);
    FAILS(tg_call_run(other), NULL, TG_ERROR_INVALID_ARGUMENT, "the context of this call has ended");
    tg_call_destroy(other);
}

/* Kernels are borrowed from their module; using one later is a mistake that is told. */
Test(call, kernels_after_their_module) {
    stage s = open_stage(0, 0);
    tg_kernel *axpy = tg_module_kernel(s.m, "axpy");
    OK(tg_launch(axpy, TG_ARGS(s.x, s.y)), s.c);
    OK(tg_launch(axpy, TG_ARGS(s.x, s.y)), s.c);
    tg_module_destroy(s.m);
    static const char text[] = "the module of this kernel has ended";
    int64_t shape[8];
    tg_call *call;
    tg_kernel *other;
    tg_schedule_options o = TG_SCHEDULE_OPTIONS_INIT;
    tg_kernel_stats stats = {.struct_size = sizeof stats};
    FAILS(tg_launch(axpy, TG_ARGS(s.x, s.y)), s.c, TG_ERROR_INVALID_ARGUMENT, text);
    FAILS(tg_call_create(axpy, TG_ARGS(s.x, s.y), NULL, &call), s.c, TG_ERROR_INVALID_ARGUMENT, text);
    FAILS(tg_kernel_prepare_args(axpy, TG_ARGS(s.x, s.y)), s.c, TG_ERROR_INVALID_ARGUMENT, text);
    FAILS(tg_kernel_prepare(axpy, NULL), s.c, TG_ERROR_INVALID_ARGUMENT, text);
    FAILS(tg_kernel_prepare_async(axpy, NULL), s.c, TG_ERROR_INVALID_ARGUMENT, text);
    FAILS(tg_kernel_wait(axpy), s.c, TG_ERROR_INVALID_ARGUMENT, text);
    FAILS(tg_kernel_with_schedule(axpy, &o, &other), s.c, TG_ERROR_INVALID_ARGUMENT, text);
    FAILS(tg_kernel_get_stats(axpy, &stats), s.c, TG_ERROR_INVALID_ARGUMENT, text);
    cr_assert_eq(tg_kernel_infer_shape(axpy, TG_ARGS(s.x), 1, shape), TG_ERROR_INVALID_ARGUMENT);
    cr_assert_eq(tg_kernel_n_parameters(axpy), 0);
    cr_assert_str_eq(tg_kernel_name(axpy), "(ended)");
    tg_kernel_release(axpy);
    for (int i = 0; i < 70; i++) { /* traces do not pile up */
        tg_module_destroy(jit_module(s.c));
    }
    s.m = NULL;
    close_stage(&s);
}

Test(call, checks_contents_at_each_run) {
    stage s = open_stage(1, 0);
    tg_tensor *ids = tg_tensor_create(s.c, TG_I32, 1, (int64_t[]){N});
    tg_call *call, *asserts;
    tg_call_options exact = TG_CALL_OPTIONS_INIT;
    exact.exact = 1; /* ignored here */
    OK(tg_call_create(tg_module_kernel(s.m, "gather"), TG_ARGS(s.x, ids, s.y), &exact, &call), s.c);
    OK(tg_call_run(call), s.c);
    ((int32_t *)tg_tensor_data(ids))[3] = N;
    FAILS(tg_call_run(call), s.c, TG_ERROR_LAUNCH, "L0904");
    int32_t good[N] = {0};
    OK(tg_call_run_on(call, (void *[]){NULL, good}, 2), s.c);
    OK(tg_call_create(tg_module_kernel(s.m, "fails"), TG_ARGS(s.x, s.y), NULL, &asserts), s.c);
    FAILS(tg_call_run(asserts), s.c, TG_ERROR_LAUNCH, "X must be positive");
    tg_call_destroy(call);
    tg_call_destroy(asserts);
    tg_tensor_release(ids);
    close_stage(&s);
}

Test(call, deterministic_context) {
    stage s = open_stage(0, 1);
    tg_tensor *sum = jit_tensor_f32(s.c, 1, 0, 0);
    tg_call *call;
    FAILS(tg_call_create(tg_module_kernel(s.m, "total"), TG_ARGS(s.x, sum), NULL, &call), s.c, TG_ERROR_LAUNCH, "L0907");
    tg_tensor_release(sum);
    close_stage(&s);
}

static const char programs_source[] = "kernel programs(in f32 X[P], out f32 Y[P])\n{\n    grid (each p in P) Y[p] = X[p] + 1;\n}\n"
                                      "kernel rows(in f32 X[M, N], out f32 Y[M, N])\n{\n    grid (i in M, j in N) Y[i, j] = X[i, j] + 1;\n}\n";

static void expect_one_more(const tg_tensor *x, const tg_tensor *y) {
    for (int64_t i = 0; i < tg_tensor_n_elements(x); i++) {
        cr_assert_eq(at(y, i), at(x, i) + 1);
    }
}

/* With two threads code for known shapes is done by the caller itself, by it and threads that are awake, or by all: the same results, and
 * only the first needs nothing of the runtime. */
Test(call, as_many_threads_as_pay) {
    static const struct {
        const char *kernel;
        int64_t rows, columns;
        bool alone;
    } cases[] = {{"programs", 8, 1, true}, {"rows", 8, 256, true}, {"rows", 16, 1024, false}, {"rows", 3, 5000, false}, {"rows", 256, 1024, false}};
    tg_context *c = jit_context(NULL, 0, 0);
    tg_module *m;
    OK(tg_module_load_text(c, "programs", programs_source, strlen(programs_source), &m), c);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t rank = strcmp(cases[i].kernel, "rows") == 0 ? 2 : 1;
        tg_tensor *x = tg_tensor_create(c, TG_F32, rank, (int64_t[]){cases[i].rows, cases[i].columns});
        tg_tensor *y = tg_tensor_create(c, TG_F32, rank, (int64_t[]){cases[i].rows, cases[i].columns});
        tg_tensor_fill_random(x, i, -1, 1);
        tg_call_options exact = TG_CALL_OPTIONS_INIT;
        exact.exact = 1;
        tg_call *call;
        OK(tg_call_create(tg_module_kernel(m, cases[i].kernel), TG_ARGS(x, y), &exact, &call), c);
        cr_expect_eq(tg_call_is_quick(call), cases[i].alone, "case %zu", i);
        for (int run = 0; run < 200; run++) {
            memset(tg_tensor_data(y), 0xff, (size_t)tg_tensor_n_elements(y) * sizeof(float));
            OK(tg_call_run(call), c);
            expect_one_more(x, y);
        }
        tg_call_destroy(call);
        tg_tensor_release(x);
        tg_tensor_release(y);
    }
    tg_module_destroy(m);
    tg_context_destroy(c);
}

/* Products of every kind of edge and stride, as usual code and as code for the shapes alone, against launches. */
static void compare_gemm(stage *s, tg_dtype t, const int64_t *n, bool exact, int turn) {
    tg_kernel *gemm = tg_module_kernel(s->m, "gemm");
    tg_tensor *a = tg_tensor_create(s->c, t, 2, (int64_t[]){n[0], n[2]}), *b = tg_tensor_create(s->c, t, 2, (int64_t[]){n[2], n[1]});
    tg_tensor *flipped = tg_tensor_create(s->c, t, 2, (int64_t[]){n[1], n[2]});
    tg_tensor *view = tg_tensor_permute(flipped, (uint32_t[]){1, 0});
    tg_tensor *wide = tg_tensor_create(s->c, t, 2, (int64_t[]){n[0], n[1] + 3});
    tg_tensor *y = tg_tensor_slice(wide, 1, 1, n[1] + 1), *z = tg_tensor_create(s->c, t, 2, (int64_t[]){n[0], n[1]});
    tg_tensor_fill_random(a, 1, -1, 1);
    tg_tensor_fill_random(b, 2, -1, 1);
    OK(tg_tensor_copy(view, b), s->c);
    tg_call_options o = TG_CALL_OPTIONS_INIT;
    o.exact = exact;
    tg_call *call;
    OK(tg_call_create(gemm, TG_ARGS(a, turn ? view : b, y), &o, &call), s->c);
    OK(tg_launch(gemm, TG_ARGS(a, b, z)), s->c);
    for (int i = 0; i < 3; i++) {
        memset(tg_tensor_data(wide), 0xff, (size_t)(tg_tensor_n_elements(wide)) * tg_dtype_size(t));
        OK(tg_call_run(call), s->c);
        tg_tensor *p = tg_tensor_create(s->c, TG_F64, 2, (int64_t[]){n[0], n[1]}), *q = tg_tensor_create(s->c, TG_F64, 2, (int64_t[]){n[0], n[1]});
        OK(tg_tensor_copy(p, y), s->c);
        OK(tg_tensor_copy(q, z), s->c);
        for (int64_t k = 0; k < n[0] * n[1]; k++) {
            double have = ((double *)tg_tensor_data(p))[k], want = ((double *)tg_tensor_data(q))[k];
            cr_assert_float_eq(have, want, 2 * (double)n[2] * (tg_dtype_unit(t) + 0x1p-24), "%lld %lld %lld at %lld", (long long)n[0], (long long)n[1], (long long)n[2], (long long)k);
        }
        tg_tensor_release(p);
        tg_tensor_release(q);
    }
    tg_call_destroy(call);
    tg_tensor *all[] = {a, b, flipped, view, wide, y, z};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        tg_tensor_release(all[i]);
    }
}

Test(call, products, .timeout = 300) {
    static const int64_t sizes[][3] = {{8, 8, 8}, {1, 1, 1}, {7, 5, 3}, {16, 16, 16}, {13, 40, 1}, {64, 17, 9}, {5, 8, 0}, {0, 4, 4}, {97, 131, 33},
                                       {24, 24, 24}, {12, 20, 6}, {16, 11, 9}, {17, 37, 5}, {10, 4, 4}};
    stage s = open_stage(0, 0);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (int k = 0; k < 4; k++) {
            compare_gemm(&s, i % 4 == 3 ? TG_F64 : i % 4 == 2 ? TG_BF16 : TG_F32, sizes[i], k / 2, k % 2);
        }
    }
    close_stage(&s);
}

/* Code for an empty grid runs no instance, whichever of its extents is 0. */
Test(call, empty_grids) {
    static const char text[] =
        "kernel blocks(in f32 X[N], in f32 W[G], inout i32 C[M]) { grid (i in N, each g in G, j in M) { atomic C[j] |= 5; } }\n"
        "kernel points(in f32 X[N], in f32 W[G], inout i32 C[M]) { grid (each i in N, each g in G, each j in M) { atomic C[j] |= 5; } }\n";
    tg_context *c = jit_context(NULL, 0, 0);
    tg_module *m;
    OK(tg_module_load_text(c, "empty.dsl", text, sizeof text - 1, &m), c);
    for (int i = 0; i < 2 * 2 * 2 * 3; i++) {
        int64_t n = i % 2, g = i / 2 % 2, size = 1 + i / 4 % 2 * 5;
        tg_call_options options = TG_CALL_OPTIONS_INIT;
        options.exact = i / 8 < 2;
        tg_tensor *x = tg_tensor_create(c, TG_F32, 1, &n), *w = tg_tensor_create(c, TG_F32, 1, &g), *y = tg_tensor_create(c, TG_I32, 1, &size);
        cr_assert(x && w && y);
        tg_call *call;
        OK(tg_call_create(tg_module_kernel(m, i / 8 == 1 ? "points" : "blocks"), TG_ARGS(x, w, y), &options, &call), c);
        OK(tg_call_run(call), c);
        for (int64_t k = 0; k < size; k++) {
            cr_expect_eq(((int32_t *)tg_tensor_data(y))[k], n && g ? 5 : 0, "N = %d, G = %d, M = %d, case %d", (int)n, (int)g, (int)size, i / 8);
        }
        tg_call_destroy(call);
        tg_tensor_release(x), tg_tensor_release(w), tg_tensor_release(y);
    }
    tg_module_destroy(m);
    tg_context_destroy(c);
}

/* The last column of a product may be a vector with a mask of one lane: of 16 bits, nothing behind them is written. */
Test(call, last_columns) {
    static const char text[] = "kernel product(in f32 A[M, K], in f32 B[N, K], out bf16 C[M, N])\n"
                               "{\n    grid (m in M, n in N) {\n        f32 acc[m, n] = 0;\n"
                               "        for (k in K) acc += dot(A[m, k], B[n, k], k);\n        C[m, n] = bf16(acc);\n    }\n}\n";
    enum { K = 17, MOST = 300 };
    static const int64_t sizes[][2] = {{8, 1}, {3, 17}, {1, 5}, {16, 1}, {7, 33}};
    tg_context *c = jit_context(NULL, 0, 0);
    tg_module *m;
    OK(tg_module_load_text(c, "product.dsl", text, sizeof text - 1, &m), c);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int64_t rows = sizes[i][0], columns = sizes[i][1];
        uint16_t out[MOST];
        memset(out, 0x55, sizeof out);
        tg_tensor *a = tg_tensor_create(c, TG_F32, 2, (int64_t[]){rows, K}), *b = tg_tensor_create(c, TG_F32, 2, (int64_t[]){columns, K});
        tg_tensor *y = tg_tensor_from_memory(c, TG_BF16, 2, (int64_t[]){rows, columns}, NULL, out, NULL, NULL);
        cr_assert(a && b && y);
        tg_call_options options = TG_CALL_OPTIONS_INIT;
        options.exact = 1;
        tg_call *call;
        OK(tg_call_create(tg_module_kernel(m, "product"), TG_ARGS(a, b, y), &options, &call), c);
        OK(tg_call_run(call), c);
        for (int64_t k = 0; k < MOST; k++) {
            cr_expect_eq(out[k], k < rows * columns ? 0 : 0x5555, "%d by %d, element %d", (int)rows, (int)columns, (int)k);
        }
        tg_call_destroy(call);
        tg_tensor_release(a), tg_tensor_release(b), tg_tensor_release(y);
    }
    tg_module_destroy(m);
    tg_context_destroy(c);
}
