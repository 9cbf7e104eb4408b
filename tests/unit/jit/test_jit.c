/* The JIT from text to results: specialisation, checks, disk cache, background compiles, page protection. */
#define _GNU_SOURCE
#include "jit/context.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "jit_fixture.h"

static tg_kernel_stats stats_of(const tg_kernel *k) {
    tg_kernel_stats s = {.struct_size = sizeof s};
    cr_assert_eq(tg_kernel_get_stats(k, &s), TG_OK);
    return s;
}

static void check_no_writable_code(void) {
    FILE *f = fopen("/proc/self/maps", "r");
    char line[512];
    while (fgets(line, sizeof line, f)) {
        cr_assert_null(strstr(line, "wx"), "%s", line);
    }
    fclose(f);
}

Test(jit, launches) {
    tg_context *c = jit_context(NULL, 0, 0);
    tg_module *m = jit_module(c);
    tg_kernel *axpy = tg_module_kernel(m, "axpy");
    cr_assert_not_null(axpy);
    for (int64_t n = 0; n < 200; n += 37) {
        tg_tensor *x = jit_tensor_f32(c, n, 0, 1), *y = jit_tensor_f32(c, n, 5, 0);
        OK(tg_launch(axpy, TG_ARGS(x, y, 3.0f)), c);
        OK(tg_launch(axpy, TG_ARGS(x, y)), c); /* alpha has a default */
        for (int64_t i = 0; i < n; i++) {
            cr_assert_eq(((float *)tg_tensor_data(y))[i], 5 + 5 * (float)i);
        }
        tg_tensor_release(x);
        tg_tensor_release(y);
    }
    cr_assert_eq(stats_of(axpy).n_variants, 1);
    check_no_writable_code();

    /* strides: C = A Bᵀ through a permuted view; and a second variant for f64 */
    tg_kernel *gemm = tg_module_kernel(m, "gemm");
    tg_tensor *a = tg_tensor_create(c, TG_F64, 2, (int64_t[]){5, 7});
    tg_tensor *b = tg_tensor_create(c, TG_F64, 2, (int64_t[]){3, 7});
    tg_tensor_fill_random(a, 1, -1, 1);
    tg_tensor_fill_random(b, 2, -1, 1);
    tg_tensor *bt = tg_tensor_permute(b, (uint32_t[]){1, 0});
    int64_t shape[8];
    OK(tg_kernel_infer_shape(gemm, TG_ARGS(a, bt), 2, shape), c);
    cr_assert(shape[0] == 5 && shape[1] == 3);
    tg_tensor *out = tg_tensor_create(c, TG_F64, 2, shape);
    OK(tg_launch(gemm, TG_ARGS(a, bt, out)), c);
    const double *pa = tg_tensor_data(a), *pb = tg_tensor_data(b), *pc = tg_tensor_data(out);
    for (int i = 0; i < 5; i++) {
        for (int j = 0; j < 3; j++) {
            double sum = 0;
            for (int k = 0; k < 7; k++) {
                sum += pa[i * 7 + k] * pb[j * 7 + k];
            }
            cr_assert_float_eq(pc[i * 3 + j], sum, 1e-12);
        }
    }
    FAILS(tg_launch(gemm, TG_ARGS(a, b, out)), c, TG_ERROR_LAUNCH, "L0901");
    FAILS(tg_launch(gemm, TG_ARGS(a, bt, a)), c, TG_ERROR_LAUNCH, "L090");
    FAILS(tg_launch(gemm, TG_ARGS(a, bt, 1)), c, TG_ERROR_INVALID_ARGUMENT, "C is a tensor");
    FAILS(tg_launch(gemm, TG_ARGS(a, bt)), c, TG_ERROR_INVALID_ARGUMENT, "C is missing");
    FAILS(tg_launch(gemm, TG_ARGS(a, bt, out, 1)), c, TG_ERROR_INVALID_ARGUMENT,
          "takes 3 arguments");
    tg_tensor_release(a);
    tg_tensor_release(b);
    tg_tensor_release(bt);
    tg_tensor_release(out);

    /* constants and presence make variants */
    tg_kernel *scale = tg_module_kernel(m, "scale");
    tg_tensor *x = jit_tensor_f32(c, 10, 1, 1), *bias = jit_tensor_f32(c, 10, 100, 0),
              *y = jit_tensor_f32(c, 10, 0, 0);
    OK(tg_launch(scale, TG_ARGS(x, (void *)0, y, 2)), c);
    cr_assert_eq(((float *)tg_tensor_data(y))[9], 20);
    OK(tg_launch(scale, TG_ARGS(x, bias, y, 3)), c);
    cr_assert_eq(((float *)tg_tensor_data(y))[9], 130);
    OK(tg_launch(scale, TG_ARGS(x, bias, y, 4)), c);
    OK(tg_launch(scale, TG_ARGS(x, bias, y, 3)), c);
    cr_assert_eq(stats_of(scale).n_variants, 3);
    FAILS(tg_launch(scale, TG_ARGS(x, bias, y)), c, TG_ERROR_INVALID_ARGUMENT, "k");
    OK(tg_launch(tg_module_kernel(m, "speak"), TG_ARGS(x)), c);
    tg_tensor_release(x);
    tg_tensor_release(bias);
    tg_tensor_release(y);
    tg_module_destroy(m);
    tg_context_destroy(c);
}

/* The second launch of each pair is like one that was checked (plan.c): only what may differ is looked at. */
Test(jit, launches_like_one_before) {
    tg_context *c = jit_context(NULL, 0, 0);
    tg_module *m = jit_module(c);
    tg_kernel *axpy = tg_module_kernel(m, "axpy"), *scale = tg_module_kernel(m, "scale");
    tg_tensor *x = jit_tensor_f32(c, 64, 1, 1), *y = jit_tensor_f32(c, 64, 0, 0);
    const float *out = tg_tensor_data(y);
    for (int i = 0; i < 3; i++) { /* a scalar that is not const may change */
        OK(tg_launch(axpy, TG_ARGS(x, y, (float)i)), c);
    }
    cr_assert_eq(out[63], 3 * 64.0f);
    OK(tg_launch(axpy, TG_ARGS(x, y, 1)), c);
    OK(tg_launch(axpy, TG_ARGS(x, y, 1)), c);
    OK(tg_launch(axpy, TG_ARGS(x, y)), c);
    OK(tg_launch(axpy, TG_ARGS(x, y)), c);
    cr_assert_eq(out[63], 9 * 64.0f);
    FAILS(tg_launch(axpy, TG_ARGS(x, x)), c, TG_ERROR_LAUNCH, "L0905");
    FAILS(tg_launch(axpy, TG_ARGS(x, (void *)0)), c, TG_ERROR_INVALID_ARGUMENT, "missing");
    FAILS(tg_launch(axpy, TG_ARGS(x, y, 1, 1)), c, TG_ERROR_INVALID_ARGUMENT,
          "takes 3 arguments");
    for (int i = 0; i < 6; i++) { /* const: a variant each */
        OK(tg_launch(scale, TG_ARGS(x, (void *)0, y, i % 3)), c);
        cr_assert_eq(out[63], 64.0f * (float)(i % 3));
    }
    FAILS(tg_launch(scale, TG_ARGS(x, (void *)0, y, UINT64_MAX)), c, TG_ERROR_INVALID_ARGUMENT,
          "fit");
    FAILS(tg_launch(scale, TG_ARGS(x, (void *)0, y, 1.0f)), c, TG_ERROR_INVALID_ARGUMENT,
          "floating");
    OK(tg_launch(scale, TG_ARGS(x, x, y, 2)), c); /* present now */
    tg_argument empty[] = {tg_argument_tensor(x), tg_argument_tensor(x), tg_argument_tensor(y),
                           tg_argument_int(2)};
    empty[1].u.tensor = NULL;
    OK(tg_launch(scale, empty, 4), c); /* absent, in another form */
    cr_assert_eq(out[63], 2 * 64.0f);
    empty[0].u.tensor = NULL;
    FAILS(tg_launch(scale, empty, 4), c, TG_ERROR_INVALID_ARGUMENT, "missing");
    OK(tg_launch(scale, TG_ARGS(x, x, y, 2)), c);
    cr_assert_eq(out[63], 3 * 64.0f);
    int64_t half = 32, two = 2;
    tg_tensor *front = tg_tensor_slice(y, 0, 0, 32), *back = tg_tensor_slice(y, 0, 32, 64);
    tg_tensor *middle = tg_tensor_slice(y, 0, 16, 48);
    tg_tensor *even = tg_tensor_view(x, 1, &half, &two, 0);
    for (int i = 0; i < 2; i++) { /* only the addresses, then only the strides differ */
        OK(tg_launch(scale, TG_ARGS(front, (void *)0, back, 5)), c);
        OK(tg_launch(scale, TG_ARGS(back, (void *)0, front, 5)), c);
        FAILS(tg_launch(scale, TG_ARGS(middle, (void *)0, back, 5)), c, TG_ERROR_LAUNCH,
              "L0905");
        OK(tg_launch(scale, TG_ARGS(even, (void *)0, back, 5)), c);
        cr_assert_eq(out[63], 5 * 63.0f);
    }
    FAILS(tg_launch(scale, TG_ARGS(front, (void *)0, x, 5)), c, TG_ERROR_LAUNCH, "L0901");
    tg_tensor_release(front);
    tg_tensor_release(back);
    tg_tensor_release(middle);
    tg_tensor_release(even);
    tg_tensor_release(x);
    tg_tensor_release(y);
    tg_module_destroy(m);
    tg_context_destroy(c);
}

/* Results too large for the caches may be stored past them: whole lines, where the tensor begins
 * with one, and a rest. */
Test(jit, launches_on_much) {
    enum { MUCH = (1 << 22) + 77, TIMES = 2 };
    tg_context *c = jit_context(NULL, 0, 0);
    tg_module *m = jit_module(c);
    tg_kernel *scale = tg_module_kernel(m, "scale");
    tg_tensor *x = jit_tensor_f32(c, MUCH, 1, 1), *y = jit_tensor_f32(c, MUCH + 1, 0, 0);
    for (int64_t offset = 0; offset < 2; offset++) {
        int64_t n = MUCH, one = 1;
        tg_tensor *part = tg_tensor_view(y, 1, &n, &one, offset);
        OK(tg_launch(scale, TG_ARGS(x, (void *)0, part, TIMES + offset)), c);
        const float *got = (const float *)tg_tensor_data(y) + offset;
        int64_t wrong = 0;
        for (int64_t i = 0; i < n; i++) {
            wrong += got[i] != (float)(TIMES + offset) * (float)(i + 1);
        }
        cr_assert_eq(wrong, 0);
        tg_tensor_release(part);
    }
    tg_tensor_release(x);
    tg_tensor_release(y);
    tg_module_destroy(m);
    tg_context_destroy(c);
}

Test(jit, modes_and_errors) {
    tg_context *c = jit_context(NULL, 1, 1);
    tg_module *m = jit_module(c);
    tg_tensor *x = jit_tensor_f32(c, 4, 1, 1), *y = jit_tensor_f32(c, 4, 0, 0),
              *one = jit_tensor_f32(c, 1, 0, 0);
    tg_tensor *ids = tg_tensor_create(c, TG_I32, 1, (int64_t[]){4});
    OK(tg_launch(tg_module_kernel(m, "gather"), TG_ARGS(x, ids, y)), c);
    ((int32_t *)tg_tensor_data(ids))[2] = 4;
    FAILS(tg_launch(tg_module_kernel(m, "gather"), TG_ARGS(x, ids, y)), c, TG_ERROR_LAUNCH,
          "element 2 of ids");
    FAILS(tg_launch(tg_module_kernel(m, "total"), TG_ARGS(x, one)), c, TG_ERROR_LAUNCH,
          "L0907");
    OK(tg_launch(tg_module_kernel(m, "fails"), TG_ARGS(x, y)), c);
    ((float *)tg_tensor_data(x))[3] = -1;
    FAILS(tg_launch(tg_module_kernel(m, "fails"), TG_ARGS(x, y)), c, TG_ERROR_LAUNCH,
          "L0908: X[i] > 0 is false at i = 3: X[i] = -1; X must be positive");
    cr_assert_null(tg_module_kernel(m, "gathr"));
    cr_assert(strstr(tg_last_error(c), "did you mean 'gather'"));

    tg_module *bad;
    const char *text =
        "kernel f(in f32 X[N], out f32 Y[N])\n{\n    grid (i in N) Y[i] = Z[i];\n}\n";
    FAILS(tg_module_load_text(c, "bad.dsl", text, strlen(text), &bad), c, TG_ERROR_COMPILE,
          "E0201");
    cr_assert_null(bad);
    cr_assert(strstr(tg_last_diagnostics(c), "\"E0201\""), "%s", tg_last_diagnostics(c));
    FAILS(tg_module_load_file(c, "/nowhere/x.dsl", &bad), c, TG_ERROR_NOT_FOUND, "x.dsl");
    cr_assert_str_eq(tg_last_diagnostics(c), "[]");
    tg_tensor_release(x);
    tg_tensor_release(y);
    tg_tensor_release(one);
    tg_tensor_release(ids);
    tg_module_destroy(m);
    tg_context_destroy(c);
}

static tg_kernel *scheduled(tg_context *c, tg_kernel *k, const char *text) {
    tg_schedule_options o = TG_SCHEDULE_OPTIONS_INIT;
    tg_kernel *out = NULL;
    o.schedule = text;
    OK(tg_kernel_with_schedule(k, &o, &out), c);
    return out;
}

Test(jit, schedules_from_outside) {
    tg_context *c = jit_context(NULL, 0, 0);
    tg_module *m = jit_module(c);
    tg_kernel *gemm = tg_module_kernel(m, "gemm");
    tg_tensor *a = jit_tensor_f32(c, 35, 1, 1), *b = jit_tensor_f32(c, 35, 2, 1);
    tg_tensor *x = tg_tensor_view(a, 2, (int64_t[]){5, 7}, (int64_t[]){7, 1}, 0);
    tg_tensor *y = tg_tensor_view(b, 2, (int64_t[]){7, 5}, (int64_t[]){5, 1}, 0);
    tg_tensor *z[2] = {tg_tensor_create(c, TG_F32, 2, (int64_t[]){5, 5}),
                       tg_tensor_create(c, TG_F32, 2, (int64_t[]){5, 5})};
    tg_kernel *small = scheduled(c, gemm, "m = 2; n = 3");
    OK(tg_launch(gemm, TG_ARGS(x, y, z[0])), c);
    OK(tg_launch(small, TG_ARGS(x, y, z[1])), c);
    for (int i = 0; i < 25; i++) { /* small integers: exact in any order */
        cr_assert_eq(((float *)tg_tensor_data(z[0]))[i], ((float *)tg_tensor_data(z[1]))[i]);
    }
    cr_assert_eq(stats_of(gemm).n_variants, 1);
    cr_assert_eq(stats_of(small).n_variants, 1);
    cr_assert_str_eq(tg_kernel_name(small), "gemm");

    const char *f32[] = {"T=f32"};
    tg_kernel_spec spec = {sizeof spec, f32, 1, NULL, 0};
    static const struct {
        const char *schedule, *message;
    } wrong[] = {
        {"rows = 2", "E0702"},      {"m = ", "<schedule>"},
        {"m in {1, 2}", "tune"},    {"m = 2; } schedule gemm { n = 2", "list of settings"},
        {"order = (k, q)", "axis"}, {"m = 0", "positive"},
        {"split(m) = 2", "E0701"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        tg_kernel *k = scheduled(c, small, wrong[i].schedule);
        FAILS(tg_kernel_prepare(k, &spec), c, TG_ERROR_COMPILE, wrong[i].message);
        FAILS(tg_launch(k, TG_ARGS(x, y, z[1])), c, TG_ERROR_COMPILE, wrong[i].message);
        if (i % 2) {
            tg_kernel_release(k); /* the others go with the module */
        }
    }
    tg_kernel_release(gemm); /* belongs to the module: nothing happens */
    OK(tg_launch(gemm, TG_ARGS(x, y, z[0])), c);
    tg_tensor *all[] = {a, b, x, y, z[0], z[1]};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        tg_tensor_release(all[i]);
    }
    tg_module_destroy(m);
    tg_context_destroy(c);
}

Test(jit, prepares) {
    tg_context *c = jit_context(NULL, 0, 0);
    tg_module *m = jit_module(c);
    tg_kernel *gemm = tg_module_kernel(m, "gemm"), *scale = tg_module_kernel(m, "scale");
    const char *f32[] = {"T=f32"}, *wrong[] = {"T=i32"}, *unknown[] = {"Q=1"}, *k[] = {"k=7"},
               *bias[] = {"bias"};
    tg_kernel_spec spec = {sizeof spec, f32, 1, NULL, 0};
    OK(tg_kernel_prepare(gemm, &spec), c);
    OK(tg_kernel_prepare(gemm, &spec), c);
    cr_assert_eq(stats_of(gemm).n_variants, 1);
    spec.bindings = wrong;
    FAILS(tg_kernel_prepare(gemm, &spec), c, TG_ERROR_INVALID_ARGUMENT, "i32");
    FAILS(tg_kernel_prepare_async(gemm, &spec), c, TG_ERROR_INVALID_ARGUMENT, "i32");
    spec.bindings = unknown;
    FAILS(tg_kernel_prepare(gemm, &spec), c, TG_ERROR_INVALID_ARGUMENT, "Q");
    FAILS(tg_kernel_prepare(gemm, NULL), c, TG_ERROR_INVALID_ARGUMENT, "no value for T");
    tg_kernel_spec variant = {sizeof variant, k, 1, bias, 1};
    OK(tg_kernel_prepare_async(scale, &variant), c);
    variant.n_absent = 0;
    OK(tg_kernel_prepare_async(scale, &variant), c);
    OK(tg_kernel_prepare_async(scale, &variant), c);
    OK(tg_kernel_wait(scale), c);
    cr_assert_eq(stats_of(scale).n_variants, 2);
    tg_tensor *x = jit_tensor_f32(c, 10, 1, 1);
    OK(tg_kernel_prepare_args(tg_module_kernel(m, "axpy"), TG_ARGS(x, x)) == TG_ERROR_LAUNCH
           ? TG_OK
           : TG_ERROR_INTERNAL,
       c);
    tg_tensor_release(x);
    tg_module_destroy(m); /* waits for what is still compiling */
    tg_context_destroy(c);
}

/* ---- the disk cache -------------------------------------------------------------------------------------------- */

static char entry[600];

static int count_entries(const char *dir) {
    int n = 0;
    DIR *d = opendir(dir);
    const struct dirent *e;
    while ((e = readdir(d)) != NULL) {
        if (strstr(e->d_name, ".tgk")) {
            snprintf(entry, sizeof entry, "%s/%s", dir, e->d_name);
            n++;
        }
    }
    closedir(d);
    return n;
}

/* Launches axpy in a fresh context; true if the code came from disk. */
static bool run_axpy(const char *dir) {
    tg_context *c = jit_context(dir, 0, 0);
    tg_module *m = jit_module(c);
    tg_kernel *axpy = tg_module_kernel(m, "axpy");
    tg_tensor *x = jit_tensor_f32(c, 100, 0, 1), *y = jit_tensor_f32(c, 100, 1, 0);
    OK(tg_launch(axpy, TG_ARGS(x, y, 1.0f)), c);
    cr_assert_eq(((float *)tg_tensor_data(y))[99], 100);
    bool cached = stats_of(axpy).n_from_cache == 1;
    tg_tensor_release(x);
    tg_tensor_release(y);
    tg_module_destroy(m);
    tg_context_destroy(c);
    return cached;
}

/* 37 × 41 × 29 in a context of `threads`; sets whether the code came from disk. */
static void run_gemm(const char *dir, int threads, float *out, bool *cached) {
    enum { M = 37, N = 41, K = 29 };
    tg_context_options o = TG_CONTEXT_OPTIONS_INIT;
    o.cache_dir = dir;
    o.n_threads = threads;
    tg_context *c;
    cr_assert_eq(tg_context_create(&o, &c), TG_OK);
    tg_module *m = jit_module(c);
    tg_kernel *gemm = tg_module_kernel(m, "gemm");
    tg_tensor *a = tg_tensor_create(c, TG_F32, 2, (int64_t[]){M, K}), *b = tg_tensor_create(c, TG_F32, 2, (int64_t[]){K, N});
    tg_tensor *y = tg_tensor_create(c, TG_F32, 2, (int64_t[]){M, N});
    for (int i = 0; i < M * K; i++) {
        ((float *)tg_tensor_data(a))[i] = (float)(i % 13) - 6.5f;
    }
    for (int i = 0; i < K * N; i++) {
        ((float *)tg_tensor_data(b))[i] = 0.1f * (float)(i % 17);
    }
    OK(tg_launch(gemm, TG_ARGS(a, b, y)), c);
    memcpy(out, tg_tensor_data(y), sizeof(float) * M * N);
    *cached = stats_of(gemm).n_from_cache == 1;
    tg_tensor_release(a);
    tg_tensor_release(b);
    tg_tensor_release(y);
    tg_module_destroy(m);
    tg_context_destroy(c);
}

/* Object files in the only entry of the cache. */
static int count_objects(const char *dir) {
    static const char magic[] = {0x7f, 'E', 'L', 'F'};
    static char bytes[1 << 20];
    cr_assert_eq(count_entries(dir), 1);
    FILE *f = fopen(entry, "rb");
    size_t size = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    int n = 0;
    for (size_t i = 0; i + sizeof magic <= size; i++) {
        n += memcmp(bytes + i, magic, sizeof magic) == 0;
    }
    return n;
}

/* What only steers is an object of its own, large code with several threads another two: the same code, also from the cache. */
Test(jit, code_in_parts) {
    const char *dir = test_temp_dir();
    static float one[37 * 41], two[37 * 41], again[37 * 41];
    bool cached;
    run_gemm(dir, 1, one, &cached);
    cr_assert_eq(count_objects(dir), 2);
    dir = test_temp_dir();
    run_gemm(dir, 2, two, &cached);
    cr_assert_not(cached);
    cr_assert_eq(count_objects(dir), 3);
    run_gemm(dir, 2, again, &cached);
    cr_assert(cached);
    cr_assert_arr_eq(one, two, sizeof one);
    cr_assert_arr_eq(one, again, sizeof one);
}

/* ---- code for shapes that come often ---------------------------------------------------------------------------- */

enum { OFTEN = 20 };

/* C = A B of M × K × N, `times` times, each result like the first bit by bit; B is a view of a wider tensor. */
static void repeat_gemm(tg_context *c, tg_kernel *gemm, const int64_t *size, int times) {
    int64_t m = size[0], n = size[1], k = size[2];
    tg_tensor *a = tg_tensor_create(c, TG_F32, 2, (int64_t[]){m, k}), *wide = tg_tensor_create(c, TG_F32, 2, (int64_t[]){k, n + 3});
    tg_tensor *y = tg_tensor_create(c, TG_F32, 2, (int64_t[]){m, n});
    tg_tensor *b = tg_tensor_view(wide, 2, (int64_t[]){k, n}, (int64_t[]){n + 3, 1}, 0);
    for (int64_t i = 0; i < m * k; i++) {
        ((float *)tg_tensor_data(a))[i] = (float)(i % 13) - 6.5f;
    }
    for (int64_t i = 0; i < k * (n + 3); i++) {
        ((float *)tg_tensor_data(wide))[i] = 0.1f * (float)(i % 17);
    }
    size_t bytes = sizeof(float) * (size_t)(m * n);
    float *first = malloc(bytes + 1);
    for (int i = 0; i < times; i++) {
        memset(tg_tensor_data(y), 0xff, bytes);
        OK(tg_launch(gemm, TG_ARGS(a, b, y)), c);
        if (i == 0) {
            memcpy(first, tg_tensor_data(y), bytes);
        }
        cr_assert_arr_eq(first, tg_tensor_data(y), bytes, "launch %d of %lld %lld %lld", i, (long long)m, (long long)n, (long long)k);
        if (i == OFTEN + 2) {
            OK(tg_kernel_wait(gemm), c);
        }
    }
    free(first);
    tg_tensor_release(a);
    tg_tensor_release(b);
    tg_tensor_release(wide);
    tg_tensor_release(y);
}

Test(jit, shapes_that_come_often) {
    static const int64_t sizes[][3] = {{8, 8, 8}, {1, 1, 1}, {7, 5, 3}, {6, 16, 4}, {13, 40, 1}, {32, 33, 31}, {64, 17, 9}, {5, 8, 0}, {100, 3, 100}};
    enum { N = sizeof sizes / sizeof *sizes };
    tg_context_options o = TG_CONTEXT_OPTIONS_INIT;
    o.cache_dir = "";
    o.specialise_after = OFTEN;
    o.n_threads = 1;
    tg_context *c;
    cr_assert_eq(tg_context_create(&o, &c), TG_OK);
    tg_module *m = jit_module(c);
    tg_kernel *gemm = tg_module_kernel(m, "gemm");
    for (int i = 0; i < N; i++) {
        repeat_gemm(c, gemm, sizes[i], 3 * OFTEN);
    }
    cr_assert_eq(stats_of(gemm).n_variants, 1 + N); /* the usual code, and some for each shape */
    tg_module_destroy(m);
    tg_context_destroy(c);
}

/* With several threads, phases that compute much are still shared out. */
Test(jit, shapes_for_several_threads) {
    tg_context *c = jit_context("", 0, 0);
    tg_module *m = jit_module(c);
    tg_kernel *gemm = tg_module_kernel(m, "gemm");
    repeat_gemm(c, gemm, (int64_t[]){8, 8, 8}, 1100);
    repeat_gemm(c, gemm, (int64_t[]){130, 131, 128}, 1100);
    OK(tg_kernel_wait(gemm), c);
    cr_assert_eq(stats_of(gemm).n_variants, 3);
    tg_module_destroy(m);
    tg_context_destroy(c);
}

/* Large ones, those of a deterministic context, and those beyond the limit go on as before. */
Test(jit, shapes_without_code_of_their_own) {
    for (int deterministic = 0; deterministic < 2; deterministic++) {
        tg_context_options o = TG_CONTEXT_OPTIONS_INIT;
        o.cache_dir = "";
        o.specialise_after = OFTEN;
        o.n_threads = 1;
        o.deterministic = deterministic;
        tg_context *c;
        cr_assert_eq(tg_context_create(&o, &c), TG_OK);
        tg_module *m = jit_module(c);
        tg_kernel *gemm = tg_module_kernel(m, "gemm");
        repeat_gemm(c, gemm, (int64_t[]){deterministic ? 8 : 300, 300, 8}, 3 * OFTEN);
        cr_assert_eq(stats_of(gemm).n_variants, 1);
        for (int i = 0; i < 20 && !deterministic; i++) {
            repeat_gemm(c, gemm, (int64_t[]){2, 3, 4 + i}, 2 * OFTEN);
        }
        cr_assert_eq(stats_of(gemm).n_variants, deterministic ? 1 : 17);
        tg_module_destroy(m);
        tg_context_destroy(c);
    }
}

/* Copies a transposed view whose rows have so many elements, a few times; the number of variants. */
static uint32_t copy_rows(int64_t rows, int64_t columns) {
    static const char text[] = "kernel turn(in f32 X[N, C], out f32 Y[N, C]) { grid (n in N, c in C) Y[n, c] = X[n, c]; }";
    tg_context_options o = TG_CONTEXT_OPTIONS_INIT;
    o.cache_dir = "";
    o.n_threads = 1;
    tg_context *c;
    cr_assert_eq(tg_context_create(&o, &c), TG_OK);
    tg_module *m;
    OK(tg_module_load_text(c, "turn.dsl", text, strlen(text), &m), c);
    tg_kernel *turn = tg_module_kernel(m, "turn");
    tg_tensor *planes = tg_tensor_create(c, TG_F32, 2, (int64_t[]){columns, rows}), *y = tg_tensor_create(c, TG_F32, 2, (int64_t[]){rows, columns});
    tg_tensor *x = tg_tensor_permute(planes, (uint32_t[]){1, 0});
    cr_assert_eq(tg_tensor_fill_random(planes, 1, -1, 1), TG_OK);
    const float *from = tg_tensor_data(planes), *to = tg_tensor_data(y);
    for (int i = 0; i < 8; i++) {
        memset(tg_tensor_data(y), 0, sizeof(float) * (size_t)(rows * columns));
        OK(tg_launch(turn, TG_ARGS(x, y)), c);
        for (int64_t k = 0; k < rows * columns; k++) {
            cr_assert_eq(to[k], from[k % columns * rows + k / columns]);
        }
        OK(tg_kernel_wait(turn), c);
    }
    uint32_t n = stats_of(turn).n_variants;
    tg_tensor_release(planes);
    tg_tensor_release(x);
    tg_tensor_release(y);
    tg_module_destroy(m);
    tg_context_destroy(c);
    return n;
}

/* Rows shorter than half a vector are worth code of their own in large tensors, too, and soon; it knows how the tensors lie. */
/* Quotients of 2^24 and more take a way of their own, which has the axes of both operands. */
Test(jit, far_remainders) {
    static const char *const sources[] = {
        "kernel k(in f32 X[M], in f32 Y[M, N], out f32 Z[M, N]) { grid (i in M, j in N) Z[i, j] = fmod(X[i], Y[i, j]); }",
        "kernel k(in f32 X[M], in f32 Y[M, N], out f32 Z[M, N]) { grid (each i in M, j in N) Z[i, j] = fmod(X[i], Y[i, j]); }"};
    enum { M = 5, N = 37 };
    tg_context *c = jit_context(NULL, 0, 0);
    for (size_t s = 0; s < sizeof sources / sizeof *sources; s++) {
        tg_module *m;
        OK(tg_module_load_text(c, "far.dsl", sources[s], strlen(sources[s]), &m), c);
        tg_tensor *x = jit_tensor_f32(c, M, 1e20f, 1e20f), *y = tg_tensor_create(c, TG_F32, 2, (int64_t[]){M, N});
        tg_tensor *z = tg_tensor_create(c, TG_F32, 2, (int64_t[]){M, N});
        cr_assert(y && z);
        float *of = tg_tensor_data(y);
        for (int i = 0; i < M * N; i++) {
            of[i] = 1.0f + 0.37f * (float)i;
        }
        OK(tg_launch(tg_module_kernel(m, "k"), TG_ARGS(x, y, z)), c);
        for (int i = 0; i < M * N; i++) {
            float want = fmodf(((float *)tg_tensor_data(x))[i / N], of[i]);
            cr_expect_eq(((float *)tg_tensor_data(z))[i], want, "kernel %d, element %d", (int)s, i);
        }
        tg_tensor_release(x), tg_tensor_release(y), tg_tensor_release(z);
        tg_module_destroy(m);
    }
    tg_context_destroy(c);
}

Test(jit, short_rows) {
    cr_expect_eq(copy_rows(2000003, 3), 3); /* the usual, that for this layout, that for this shape */
    cr_expect_eq(copy_rows(20003, 300), 2);
}

/* One element at a time is what an axis of one point does: the setting is obeyed, not without effect. A longer vector would be. */
Test(jit, vector_of_one_point) {
    tg_context *c = jit_context("", 0, 0);
    tg_module *m = jit_module(c);
    tg_tensor *x = jit_tensor_f32(c, 5, 1, 1), *y = jit_tensor_f32(c, 5, 0, 0);
    tg_schedule_options o = TG_SCHEDULE_OPTIONS_INIT;
    tg_kernel *k;
    o.schedule = "i = 1; vector(i) = 1";
    OK(tg_kernel_with_schedule(tg_module_kernel(m, "axpy"), &o, &k), c);
    OK(tg_launch(k, TG_ARGS(x, y, 3.0f)), c);
    cr_assert_eq(((float *)tg_tensor_data(y))[4], 15);
    o.schedule = "i = 1; vector(i) = 4";
    OK(tg_kernel_with_schedule(tg_module_kernel(m, "axpy"), &o, &k), c);
    FAILS(tg_launch(k, TG_ARGS(x, y, 3.0f)), c, TG_ERROR_COMPILE, "vector(i)");
    tg_tensor_release(x);
    tg_tensor_release(y);
    tg_module_destroy(m);
    tg_context_destroy(c);
}

static void damage(long at, int truncate_to) {
    FILE *f = fopen(entry, "r+b");
    if (truncate_to >= 0) {
        cr_assert_eq(ftruncate(fileno(f), truncate_to), 0);
    } else {
        fseek(f, at, at < 0 ? SEEK_END : SEEK_SET);
        int byte = fgetc(f);
        fseek(f, -1, SEEK_CUR);
        fputc(byte ^ 0x40, f);
    }
    fclose(f);
}

Test(jit, cache_files) {
    const char *dir = test_temp_dir();
    cr_assert_not(run_axpy(dir));
    cr_assert_eq(count_entries(dir), 1);
    cr_assert(run_axpy(dir));
    struct stat st;
    stat(entry, &st);
    cr_assert_eq(st.st_mode & 0777, 0600);
    static const long places[] = {0, 9, 20, 40, 70, 200, 1000, -1, -50};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        damage(places[i], -1);
        cr_assert_not(run_axpy(dir), "byte %ld",
                      places[i]); /* damaged: compiled again and replaced */
        cr_assert(run_axpy(dir));
    }
    for (int n = 0; n < 200; n += 66) {
        damage(0, n);
        cr_assert_not(run_axpy(dir));
    }
    cr_assert(run_axpy(dir));
    /* a directory that others may write to is not used */
    chmod(dir, 0777);
    cr_assert_not(run_axpy(dir));
    chmod(dir, 0700);
    cr_assert(run_axpy(dir));
    test_remove_dir(dir);
}

Test(jit, cache_is_trimmed) {
    const char *dir = test_temp_dir();
    tg_context_options o = TG_CONTEXT_OPTIONS_INIT;
    o.cache_dir = dir;
    o.cache_bytes = 24 * 1024;
    tg_context *c;
    cr_assert_eq(tg_context_create(&o, &c), TG_OK);
    tg_module *m = jit_module(c);
    for (int k = 0; k < 30; k++) {
        char text[16];
        snprintf(text, sizeof text, "k=%d", k);
        const char *binding[] = {text};
        tg_kernel_spec spec = {sizeof spec, binding, 1, NULL, 0};
        OK(tg_kernel_prepare(tg_module_kernel(m, "scale"), &spec), c);
    }
    int n = count_entries(dir);
    cr_assert(n > 0 && n < 30, "%d", n);
    tg_module_destroy(m);
    tg_context_destroy(c);
    test_remove_dir(dir);
}

/* ---- the chooser ------------------------------------------------------------------------------------------------- */

typedef struct counting_chooser {
    tg_chooser chooser;
    tg_kernel *answer; /* null: cannot say now */
    int asked;
} counting_chooser;

static tg_kernel *count_question(tg_chooser *chooser, tg_kernel *k, const tg_launch_arg *args,
                                 const tg_launch_binding *b) {
    counting_chooser *c = (counting_chooser *)chooser;
    (void)k;
    (void)args;
    (void)b;
    c->asked++;
    return c->answer;
}

static void launch_lengths(tg_kernel *axpy, tg_context *c, int first, int n) {
    for (int i = first; i < first + n; i++) {
        tg_tensor *x = jit_tensor_f32(c, i, 1, 1), *y = jit_tensor_f32(c, i, 0, 0);
        cr_assert_eq(tg_launch(axpy, TG_ARGS(x, y)), TG_OK, "%s", tg_last_error(c));
        cr_assert_eq(((float *)tg_tensor_data(y))[i - 1], 2.0f * (float)i);
        tg_tensor_release(x);
        tg_tensor_release(y);
    }
}

Test(jit, a_chooser_is_asked_once_per_extents_and_for_a_bounded_number_of_them) {
    tg_context *c = jit_context(NULL, 0, 0);
    tg_module *m = jit_module(c);
    tg_kernel *axpy = tg_module_kernel(m, "axpy");
    counting_chooser count = {.chooser = {.choose = count_question, .epoch = 1}};
    atomic_store(&c->chooser, &count.chooser);
    launch_lengths(axpy, c, 1, 3);
    launch_lengths(axpy, c, 1, 3);
    cr_expect_eq(count.asked, 6, "what cannot be said now is asked again");
    cr_expect_eq(atomic_load(&axpy->n_choices), 1, "in the same place");
    count.answer = tg_kernel_kept_with_schedule(axpy, "i = 16;");
    cr_assert_not_null(count.answer);
    cr_expect_eq(tg_kernel_kept_with_schedule(axpy, "i = 16;"), count.answer);
    for (int epoch = 2; epoch < 6; epoch++) {
        atomic_store(&count.chooser.epoch, (uint64_t)epoch);
        count.asked = 0;
        launch_lengths(axpy, c, 1, 100);
        launch_lengths(axpy, c, 1, 100);
        cr_expect_eq(count.asked, 100);
        launch_lengths(axpy, c, 101, 300);
        launch_lengths(axpy, c, 1, 400);
        cr_expect_eq(count.asked, 256);
        cr_expect_eq(atomic_load(&axpy->n_choices), 256, "stale answers make room");
    }
    atomic_store(&c->chooser, NULL);
    tg_module_destroy(m);
    tg_context_destroy(c);
}

static _Atomic bool no_memory;

static void *maybe_allocate(void *user, size_t size, size_t align) {
    return no_memory ? NULL : tg_allocator_default.alloc(user, size, align);
}

Test(jit, a_chooser_is_not_asked_if_the_answer_could_not_be_kept) {
    tg_allocator a = tg_allocator_default;
    a.alloc = maybe_allocate;
    tg_context_options o = TG_CONTEXT_OPTIONS_INIT;
    o.cache_dir = "";
    o.n_threads = 1;
    o.allocator = &a;
    tg_context *c;
    cr_assert_eq(tg_context_create(&o, &c), TG_OK);
    tg_module *m = jit_module(c);
    tg_kernel *axpy = tg_module_kernel(m, "axpy");
    tg_tensor *x = jit_tensor_f32(c, 5, 1, 1), *y = jit_tensor_f32(c, 5, 0, 0);
    cr_assert_eq(tg_launch(axpy, TG_ARGS(x, y)), TG_OK);
    counting_chooser count = {.chooser = {.choose = count_question, .epoch = 1},
                              .answer = axpy};
    atomic_store(&c->chooser, &count.chooser);
    no_memory = true;
    cr_expect_eq(tg_launch(axpy, TG_ARGS(x, y)), TG_OK);
    no_memory = false;
    cr_expect_eq(count.asked, 0);
    cr_expect_eq(atomic_load(&axpy->n_choices), 0);
    cr_expect_eq(tg_launch(axpy, TG_ARGS(x, y)), TG_OK);
    cr_expect_eq(count.asked, 1);
    cr_expect_eq(atomic_load(&axpy->n_choices), 1);
    atomic_store(&c->chooser, NULL);
    tg_tensor_release(x);
    tg_tensor_release(y);
    tg_module_destroy(m);
    tg_context_destroy(c);
}
