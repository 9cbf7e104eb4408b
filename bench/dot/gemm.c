/* C = A·B in f32 against the libraries that are there, in one process, runs interleaved, so that all meet the same state of the
 * machine.
 *
 *   bench_dot [threads] [all | small | M N K]
 *
 * Prints the speed of the best and the median run of ours, the best run of every peer, the ratio of ours to the best of them, and
 * the share of the multiply-add peak measured just before. Times are of the processor with one thread, of the clock with several.
 * Results are compared exactly: the operands are small integers. OpenBLAS, oneDNN and MKL are loaded if they are there; libxsmm
 * is linked if CMake found it, and takes part where it has a kernel for the size. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/dot/gemm_peers.h"
#include "bench/dot/ir_program.h"

static const char text[] =
    "func @gemm(in %A: tensor<2 x f32>, in %B: tensor<2 x f32>, out %C: tensor<2 x f32>)\n"
    "  axes { #m grid, #n grid, #k local }\n{\n"
    "  %zero = const {value=0} : i64\n  %M = dim %A {d=0} : i64\n  %K = dim %A {d=1} : i64\n  "
    "%N = dim %B {d=1} : i64\n"
    "  phase {name=\"main\"} () {\n    par %M, %zero, %M {axis=#m} () {\n      par %N, %zero, "
    "%N {axis=#n} () {\n"
    "        axis %K, %zero, %K {axis=#k}\n        %i = iota {axis=#m} : tile<#m x i64>\n"
    "        %j = iota {axis=#n} : tile<#n x i64>\n        %l = iota {axis=#k} : tile<#k x "
    "i64>\n"
    "        %a = load %A, %i, %l : tile<#m, #k x f32>\n        %b = load %B, %l, %j : "
    "tile<#n, #k x f32>\n"
    "        %d = dot %a, %b {over=(#k), precision=ieee} : tile<#m, #n x f32>\n        store "
    "%C, %d, %i, %j\n"
    "      }\n    }\n  }\n}\n";

enum { RUNS = 11 };

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

/* Twelve independent chains of multiply-adds, `n` times: seconds. */
#define CHAINS(name, isa, bytes, constraint)                                                   \
    __attribute__((target(isa))) static double name(int n) {                                   \
        typedef float vec __attribute__((vector_size(bytes)));                                 \
        vec acc[12] = {{0}}, a = {0}, b = {0};                                                 \
        double start = now();                                                                  \
        for (int i = 0; i < n; i++) {                                                          \
            _Pragma("GCC unroll 12") for (int k = 0; k < 12; k++) {                            \
                __asm__ volatile("vfmadd231ps %1, %2, %0"                                      \
                                 : "+" constraint(acc[k])                                      \
                                 : constraint(a), constraint(b));                              \
            }                                                                                  \
        }                                                                                      \
        return now() - start;                                                                  \
    }
CHAINS(chains_512, "avx512f", 64, "v")
CHAINS(chains_256, "avx2,fma", 32, "x")

/* GFLOP/s of one core; 0 without multiply-add. */
static double peak(void) {
    bool wide = __builtin_cpu_supports("avx512f");
    double best = 1e9;
    for (int r = 0; r < 5 && (wide || __builtin_cpu_supports("fma")); r++) {
        double t = wide ? chains_512(1000000) : chains_256(1000000);
        best = t < best ? t : best;
    }
    return 12.0 * (wide ? 32 : 16) * 1e6 / best * 1e-9;
}

/* GB/s at which one core reads memory that no cache holds. */
static double read_bandwidth(void) {
    enum { BYTES = 64 << 20 };
    typedef float vec __attribute__((vector_size(16)));
    vec *p = aligned_alloc(64, BYTES), sum[4] = {{0}};
    double best = 1e9;
    memset(p, 0, BYTES);
    for (int r = 0; r < 4; r++) {
        double start = now();
        for (size_t i = 0; i < BYTES / sizeof *p; i += 4) {
            for (int k = 0; k < 4; k++) {
                sum[k] += p[i + (size_t)k];
            }
        }
        __asm__ volatile("" ::"x"(sum[0]), "x"(sum[1]), "x"(sum[2]), "x"(sum[3]));
        double t = now() - start;
        best = t < best ? t : best;
    }
    free(p);
    return BYTES / best * 1e-9;
}

static float *matrix(size_t n) {
    float *p = aligned_alloc(64, (n * sizeof(float) + 127) / 64 * 64);
    for (size_t i = 0; i < n; i++) {
        p[i] = (float)(rand() % 7 - 3);
    }
    return p;
}

typedef struct state {
    ir_program *program;
    int threads;
    double peak, product; /* of the ratios */
    int n;
} state;

static void ours_run(state *s, const gemm_case *c, int repeat) {
    int64_t as[] = {c->m, c->k}, bs[] = {c->k, c->n}, cs[] = {c->m, c->n};
    tg_tensor_arg ta = ir_tensor((void *)(uintptr_t)c->a, 2, as, NULL),
                  tb = ir_tensor((void *)(uintptr_t)c->b, 2, bs, NULL);
    tg_tensor_arg tc = ir_tensor(c->c, 2, cs, NULL);
    const void *args[] = {&ta, &tb, &tc};
    for (int i = 0; i < repeat; i++) {
        ir_program_run(s->program, args);
    }
}

static void report(state *s, const gemm_case *c, double ours[RUNS], const double *theirs,
                   bool same) {
    double flops = 2.0 * c->m * c->n * c->k * 1e-9, best = 1e9;
    qsort(ours, RUNS, sizeof *ours, by_value);
    printf("%5d %5d %5d  %6.1f (%6.1f)", c->m, c->n, c->k, flops / ours[0],
           flops / ours[RUNS / 2]);
    for (int i = 0; i < GEMM_PEERS; i++) {
        best = theirs[i] > 0 && theirs[i] < best ? theirs[i] : best;
        printf(theirs[i] > 0 ? "  %8.1f" : "         -",
               flops / (theirs[i] > 0 ? theirs[i] : 1));
    }
    printf("  %5.2f  %3.0f %%%s\n", best / ours[0],
           100 * flops / ours[0] / (s->peak * s->threads), same ? "" : "  WRONG");
    fflush(stdout);
    s->product *= best < 1e9 ? best / ours[0] : 1;
    s->n++;
}

static void measure(state *s, int sm, int sn, int sk) {
    size_t m = (size_t)sm, n = (size_t)sn, k = (size_t)sk;
    float *c = matrix(m * n), *want = matrix(m * n);
    gemm_case g = {sm, sn, sk, matrix(m * k), matrix(k * n), c};
    double ours[RUNS], theirs[GEMM_PEERS] = {0},
                       flops = 2.0 * (double)m * (double)n * (double)k;
    int repeat = (int)(5e7 / flops) + 1;
    bool same = true;
    for (int r = -1; r < RUNS; r++) {
        g.c = c;
        double start = now();
        ours_run(s, &g, repeat);
        double t = (now() - start) / repeat;
        ours[r < 0 ? 0 : r] = t;
        g.c = want;
        for (int i = 0; i < GEMM_PEERS; i++) {
            start = now();
            bool ran = gemm_peer_run(i, &g, repeat);
            t = (now() - start) / repeat;
            theirs[i] = ran && r >= 0 && (theirs[i] == 0 || t < theirs[i]) ? t : theirs[i];
            same = same && (!ran || memcmp(c, want, m * n * sizeof(float)) == 0);
        }
    }
    report(s, &g, ours, theirs, same);
    free((void *)(uintptr_t)g.a), free((void *)(uintptr_t)g.b), free(c), free(want);
}

typedef struct sizes {
    int m, n, k;
} sizes;

static const sizes listed[] = {{64, 64, 64},     {128, 128, 128},    {256, 256, 256},
                               {512, 512, 512},  {1024, 1024, 1024}, {2048, 2048, 2048},
                               {1, 4096, 4096},  {8, 4096, 4096},    {128, 768, 768},
                               {256, 3072, 768}, {512, 512, 64},     {1000, 1000, 1000},
                               {127, 129, 131},  {4096, 64, 64}};
static const sizes small[] = {{4, 4, 4},    {8, 8, 8},    {16, 16, 16},
                              {24, 24, 24}, {32, 32, 32}, {48, 48, 48},
                              {64, 64, 64}, {96, 96, 96}, {128, 128, 128}};

static void measure_list(state *s, const sizes *list, size_t n) {
    s->product = 1;
    s->n = 0;
    for (size_t i = 0; i < n; i++) {
        measure(s, list[i].m, list[i].n, list[i].k);
    }
    double lo = 0, hi = 1e3; /* the n-th root */
    for (int i = 0; i < 60 && s->n; i++) {
        double mid = (lo + hi) / 2, power = 1;
        for (int k = 0; k < s->n; k++) {
            power *= mid;
        }
        *(power > s->product ? &hi : &lo) = mid;
    }
    printf("geometric mean of the ratios: %.3f\n", lo);
}

int main(int argc, char **argv) {
    ir_program p;
    state s = {.program = &p, .threads = argc > 1 ? atoi(argv[1]) : 1};
    const char *what = argc > 2 ? argv[2] : "all";
    used_clock = s.threads > 1 ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID;
    gemm_peers_open(s.threads);
    if (!ir_program_open(&p, text, getenv("BENCH_ARCH"), s.threads)) {
        fprintf(stderr, "%s\n", p.message);
        return 1;
    }
    s.peak = peak();
    printf(
        "compiled in %.1f ms, %zu bytes; one core: %.1f GFLOP/s multiply-add, %.1f GB/s read\n",
        p.ms, p.object.size, s.peak, read_bandwidth());
    printf("    M     N     K    best (median)");
    for (int i = 0; i < GEMM_PEERS; i++) {
        printf("  %8s", gemm_peer_name(i));
    }
    printf("  ratio  of peak\n");
    if (argc > 4) {
        measure(&s, atoi(argv[2]), atoi(argv[3]), atoi(argv[4]));
    } else if (strcmp(what, "small") == 0) {
        measure_list(&s, small, sizeof small / sizeof *small);
    } else {
        measure_list(&s, listed, sizeof listed / sizeof *listed);
    }
    ir_program_close(&p);
    return 0;
}
