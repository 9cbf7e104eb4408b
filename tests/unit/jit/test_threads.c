/* Many threads launch kernels that nobody has compiled: each variant is compiled once, every result is right. A plain
 * program, so that it also runs under ThreadSanitizer. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "jit_fixture.h"

#define CHECK(c)                                                                               \
    ((c) ? (void)0 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #c), exit(1)))

typedef struct shared {
    tg_context *context;
    tg_module *module;
} shared;

/* More extents than a kernel keeps launches of: threads write the same entries while others read them. */
static void many_extents(tg_context *c, tg_kernel *axpy) {
    for (int64_t n = 1; n <= 200; n++) {
        tg_tensor *x = jit_tensor_f32(c, n, 1, 0), *y = jit_tensor_f32(c, n, 0, 0);
        for (int i = 1; i <= 3; i++) {
            CHECK(tg_launch(axpy, TG_ARGS(x, y, 1.0f)) == TG_OK);
            CHECK(((float *)tg_tensor_data(y))[n - 1] == (float)i);
        }
        tg_tensor_release(x);
        tg_tensor_release(y);
    }
}

static void *caller(void *user) {
    const shared *s = user;
    tg_context *c = s->context;
    tg_kernel *scale = tg_module_kernel(s->module, "scale"),
              *axpy = tg_module_kernel(s->module, "axpy");
    tg_tensor *x = jit_tensor_f32(c, 5000, 1, 1), *y = jit_tensor_f32(c, 5000, 0, 0);
    for (int i = 0; i < 60; i++) {
        int k = i % 4;
        CHECK(tg_launch(scale, TG_ARGS(x, (void *)0, y, k)) == TG_OK);
        CHECK(((float *)tg_tensor_data(y))[4999] == 5000.0f * (float)k);
        CHECK(tg_launch(axpy, TG_ARGS(x, y, 1.0f)) == TG_OK);
        CHECK(((float *)tg_tensor_data(y))[4999] == 5000.0f * (float)(k + 1));
        CHECK(tg_launch(axpy, TG_ARGS(x, x)) == TG_ERROR_LAUNCH); /* errors are per thread */
        CHECK(tg_last_error(c)[0] != '\0');
    }
    many_extents(c, axpy);
    tg_tensor_release(x);
    tg_tensor_release(y);
    return NULL;
}

/* Sums of ones, which are exact: rows that are tasks of their own, and elements that all threads change. */
static const char sums[] = "kernel by_row(in i32 I[M, N], inout f32 Y[M, K]) { grid (m in M, n in N) atomic Y[m, I[m, n]] += 1.0; }"
                           "kernel by_all(in i32 I[M, N], inout f32 Y[1, K]) { grid (m in M, n in N) atomic Y[0, I[m, n]] += 1.0; }";

static void add_in_threads(tg_context *c, const char *name, int64_t rows) {
    enum { M = 64, N = 4096, K = 5 };
    tg_module *m;
    tg_tensor *index = tg_tensor_create(c, TG_I32, 2, (int64_t[]){M, N}), *y = tg_tensor_create(c, TG_F32, 2, (int64_t[]){rows, K});
    CHECK(tg_module_load_text(c, "sums.dsl", sums, strlen(sums), &m) == TG_OK);
    for (int i = 0; i < M * N; i++) {
        ((int32_t *)tg_tensor_data(index))[i] = i % K;
    }
    float total = 0;
    for (int i = 0; i < 20; i++) {
        CHECK(tg_launch(tg_module_kernel(m, name), TG_ARGS(index, y)) == TG_OK);
    }
    for (int64_t i = 0; i < rows * K; i++) {
        total += ((const float *)tg_tensor_data(y))[i];
    }
    CHECK(total == 20.0f * M * N);
    tg_tensor_release(index);
    tg_tensor_release(y);
    tg_module_destroy(m);
}

static void report_cost(tg_context *c, tg_kernel *axpy) {
    tg_tensor *x = jit_tensor_f32(c, 16, 1, 1), *y = jit_tensor_f32(c, 16, 0, 0);
    struct timespec a, b;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
    for (int i = 0; i < 100000; i++) {
        CHECK(tg_launch(axpy, TG_ARGS(x, y, 0.0f)) == TG_OK);
    }
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
    printf("launch of a prepared kernel: %.0f ns\n",
           ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / 100000);
    tg_tensor_release(x);
    tg_tensor_release(y);
}

int main(void) {
    shared s;
    s.context = jit_context(NULL, 0, 0);
    s.module = jit_module(s.context);
    pthread_t threads[8];
    for (int i = 0; i < 8; i++) {
        CHECK(pthread_create(&threads[i], NULL, caller, &s) == 0);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
    }
    tg_kernel_stats stats = {.struct_size = sizeof stats};
    CHECK(tg_kernel_get_stats(tg_module_kernel(s.module, "scale"), &stats) == TG_OK);
    CHECK(stats.n_variants == 4);
    add_in_threads(s.context, "by_row", 64);
    add_in_threads(s.context, "by_all", 1);
    report_cost(s.context, tg_module_kernel(s.module, "axpy"));
    tg_module_destroy(s.module);
    tg_context_destroy(s.context);
    return 0;
}
