/* C = A·B in f32 against OpenBLAS, in one process, runs interleaved, so that both meet the same state of the machine.
 *
 *   bench_dot [threads] [M N K]
 *
 * Prints the speed of the best and of the median run of both, their ratio, and the share of the multiply-add peak measured
 * just before. Times are of the processor with one thread, of the clock with several. Results are compared exactly: the
 * operands are small integers. OpenBLAS is loaded if it is there. */
#define _GNU_SOURCE
#include "bench/dot/ir_program.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char text[] =
    "func @gemm(in %A: tensor<2 x f32>, in %B: tensor<2 x f32>, out %C: tensor<2 x f32>)\n"
    "  axes { #m grid, #n grid, #k local }\n{\n"
    "  %zero = const {value=0} : i64\n  %M = dim %A {d=0} : i64\n  %K = dim %A {d=1} : i64\n  %N = dim %B {d=1} : i64\n"
    "  phase {name=\"main\"} () {\n    par %M, %zero, %M {axis=#m} () {\n      par %N, %zero, %N {axis=#n} () {\n"
    "        axis %K, %zero, %K {axis=#k}\n        %i = iota {axis=#m} : tile<#m x i64>\n"
    "        %j = iota {axis=#n} : tile<#n x i64>\n        %l = iota {axis=#k} : tile<#k x i64>\n"
    "        %a = load %A, %i, %l : tile<#m, #k x f32>\n        %b = load %B, %l, %j : tile<#n, #k x f32>\n"
    "        %d = dot %a, %b {over=(#k), precision=ieee} : tile<#m, #n x f32>\n        store %C, %d, %i, %j\n"
    "      }\n    }\n  }\n}\n";

typedef void (*sgemm_fn)(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *, int);
typedef void (*threads_fn)(int);

enum { RUNS = 15 };

static clockid_t used_clock = CLOCK_PROCESS_CPUTIME_ID;

static double now(void) {
    struct timespec t;
    clock_gettime(used_clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* GFLOP/s of twelve independent chains of multiply-adds in the widest registers. */
__attribute__((target("avx512f"))) static double peak_avx512(void) {
    typedef float vec __attribute__((vector_size(64)));
    vec acc[12], a = {0}, b = {0};
#pragma GCC unroll 12
    for (int i = 0; i < 12; i++) {
        acc[i] = a;
    }
    double best = 1e9;
    for (int r = 0; r < 5; r++) {
        double start = now();
        for (int i = 0; i < 1000000; i++) {
#pragma GCC unroll 12
            for (int k = 0; k < 12; k++) {
                __asm__ volatile("vfmadd231ps %1, %2, %0" : "+v"(acc[k]) : "v"(a), "v"(b));
            }
        }
        double t = now() - start;
        best = t < best ? t : best;
    }
    return 12.0 * 32 * 1e6 / best * 1e-9;
}

typedef struct sizes {
    int m, n, k;
} sizes;

typedef struct operands {
    float *a, *b, *c, *want;
} operands;

static float *matrix(size_t n) {
    float *p = aligned_alloc(64, (n * sizeof(float) + 127) / 64 * 64);
    for (size_t i = 0; i < n; i++) {
        p[i] = (float)(rand() % 7 - 3);
    }
    return p;
}

static void report(sizes s, double *ours, double *theirs, int threads, double peak, bool same) {
    double flops = 2.0 * s.m * s.n * s.k * 1e-9;
    qsort(ours, RUNS, sizeof *ours, by_value);
    qsort(theirs, RUNS, sizeof *theirs, by_value);
    printf("%5d %5d %5d  %6.1f %6.1f  %6.1f %6.1f  %5.2f %5.2f  %3.0f %%%s\n", s.m, s.n, s.k, flops / ours[0],
           flops / ours[RUNS / 2], flops / theirs[0], flops / theirs[RUNS / 2], theirs[0] / ours[0],
           theirs[RUNS / 2] / ours[RUNS / 2], peak > 0 ? 100 * flops / ours[0] / (peak * threads) : 0.0,
           same ? "" : "  WRONG");
    fflush(stdout);
}

static void measure(ir_program *p, sgemm_fn sgemm, sizes s, int threads, double peak) {
    size_t m = (size_t)s.m, n = (size_t)s.n, k = (size_t)s.k;
    operands o = {matrix(m * k), matrix(k * n), matrix(m * n), matrix(m * n)};
    int64_t as[] = {s.m, s.k}, bs[] = {s.k, s.n}, cs[] = {s.m, s.n};
    tg_tensor_arg a = ir_tensor(o.a, 2, as, NULL), b = ir_tensor(o.b, 2, bs, NULL), c = ir_tensor(o.c, 2, cs, NULL);
    const void *args[] = {&a, &b, &c};
    double ours[RUNS], theirs[RUNS], flops = 2.0 * (double)m * (double)n * (double)k;
    int repeat = (int)(2e8 / flops) + 1;
    for (int r = -1; r < RUNS; r++) {
        double start = now();
        for (int i = 0; i < repeat; i++) {
            ir_program_run(p, args);
        }
        double middle = now();
        for (int i = 0; i < repeat && sgemm; i++) {
            sgemm(101, 111, 111, s.m, s.n, s.k, 1, o.a, s.k, o.b, s.n, 0, o.want, s.n);
        }
        if (r >= 0) {
            ours[r] = (middle - start) / repeat;
            theirs[r] = (now() - middle) / repeat;
        }
    }
    bool same = !sgemm || memcmp(o.c, o.want, m * n * sizeof(float)) == 0;
    report(s, ours, theirs, threads, peak, same);
    free(o.a), free(o.b), free(o.c), free(o.want);
}

int main(int argc, char **argv) {
    static const sizes all[] = {{64, 64, 64},       {128, 128, 128},  {256, 256, 256},  {512, 512, 512}, {1024, 1024, 1024},
                                {2048, 2048, 2048}, {1, 4096, 4096},  {8, 4096, 4096},  {128, 768, 768}, {256, 3072, 768},
                                {512, 512, 64},     {512, 512, 4096}, {1000, 1000, 1000}, {127, 129, 131}, {4096, 64, 64}};
    int threads = argc > 1 ? atoi(argv[1]) : 1;
    used_clock = threads > 1 ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID;
    void *blas = dlopen("libopenblas.so.0", RTLD_NOW);
    sgemm_fn sgemm = blas ? (sgemm_fn)(uintptr_t)dlsym(blas, "cblas_sgemm") : NULL;
    threads_fn set = blas ? (threads_fn)(uintptr_t)dlsym(blas, "openblas_set_num_threads") : NULL;
    if (set) {
        set(threads);
    }
    ir_program p;
    if (!ir_program_open(&p, text, NULL, threads)) {
        fprintf(stderr, "%s\n", p.message);
        return 1;
    }
    double peak = __builtin_cpu_supports("avx512f") ? peak_avx512() : 0;
    printf("compiled in %.1f ms, %zu bytes; peak of one core %.1f GFLOP/s\n", p.ms, p.object.size, peak);
    printf("    M     N     K    best median    OpenBLAS      ratio      of peak\n");
    if (argc > 4) {
        measure(&p, sgemm, (sizes){atoi(argv[2]), atoi(argv[3]), atoi(argv[4])}, threads, peak);
    }
    for (size_t i = 0; i < sizeof all / sizeof *all && argc <= 4; i++) {
        measure(&p, sgemm, all[i], threads, peak);
    }
    ir_program_close(&p);
    return 0;
}
