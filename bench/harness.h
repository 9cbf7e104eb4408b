/* What the suites share: cases made of contenders that are measured in turn, rows of the result table.
 *
 * A suite is a table of cases and one function that makes a case ready: it opens our kernel, gives it tensors, adds
 * the peers and the limits of the machine (a plan). The rest is common (race.c): our result is checked against the
 * suite's reference, every peer's against ours; then contender 1, 2, … n take turns, one sample each, round by round,
 * so that whatever else the machine does falls on all of them. A row reports medians (and bests); its ratio is the
 * median over the rounds of (peer's time / our time).
 *
 * Read next: one suite, e.g. suite_rows.c; peers are in peer_*.c and hand.c, the arithmetic in stats.h. */
#ifndef TG_BENCH_HARNESS_H
#define TG_BENCH_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <tegula/tegula.h>

#include "bench/stats.h"

/* Seconds for `calls` calls of a contender; negative if it cannot do the case. */
typedef double (*bench_run_fn)(void *user, int64_t calls);

typedef enum bench_role {
    BENCH_OURS,
    BENCH_PEER,
    /* Limits of the machine, not competitors: arithmetic, and memory. A case may have both; the one that takes longer
     * is its roof. Of several of one kind the fastest counts. */
    BENCH_ROOF_COMPUTE,
    BENCH_ROOF_MEMORY,
} bench_role;

typedef struct bench_contender {
    const char *name;
    bench_role role;
    bench_run_fn run;
    void *user;
    double
        roof_work; /* limits: work of one call, in the unit of the case's work for that kind */
    const void *
        result; /* peers: where the result of a call lies, laid out as ours; null: `fetch` or not compared */
    void (*fetch)(
        void *user); /* brings a result in a peer's own layout to `result`; null: it is there */
    void (*destroy)(void *user);
} bench_contender;

/* A row as it is printed. Numbers below zero are not known. */
typedef struct bench_row {
    const char *suite;
    char name[48];
    int threads;
    const char *unit; /* "GFLOP/s" and "GB/s": more is better; "ms", "us": less is better */
    double ours, best_peer, ours_best, best_peer_best;
    const char *best_peer_name;
    double ratio, roofline_fraction;
    double goal;     /* of the ratio; for times the most that is wanted; 0: none */
    char peers[512]; /* JSON members: every peer's median */
} bench_row;

typedef struct bench {
    int threads;      /* of this pass */
    bool busy;        /* processor time instead of wall time while there is one thread */
    bool quick;       /* few cases, few repeats: does it run at all */
    double seconds;   /* budget of one case */
    const char *only; /* cases whose name contains this; null: all */
    bool has_json_rows;
    FILE *json;
    const char *root;    /* the source tree: tutorials/ */
    const char *starter; /* program of the start-up measurement */
    struct bench_torch *torch;
} bench;

enum { BENCH_MAX_CONTENDERS = 16, BENCH_MAX_OWNED = 24 };

/* ---- time ---- */
double bench_now(void);
/* From here on bench_now is the processor time of the process: right for one thread on a machine that others use. */
void bench_count_processor_time(void);
void bench_pause(double seconds);

/* ---- rows ---- */
void bench_print_header(void);
void bench_report(bench *b, const bench_row *row);
/* A row of a time alone; `seconds` is sorted. */
void bench_report_time(bench *b, const char *suite, const char *name, const char *unit,
                       double *seconds, int n, double goal);
/* Geometric mean of the ratios of the rows of a suite since the last call, if there are two or more. */
void bench_report_mean(bench *b, const char *suite);

/* ---- ours ---- */
typedef struct bench_launch {
    tg_kernel *kernel;
    tg_argument args[12];
    uint32_t n_args;
    bool bound;    /* as a bound launch with code for its shapes, made before the first sample */
    tg_call *call; /* then */
} bench_launch;

/* Context without disk cache, module and kernel of a file of the source tree. Ends the program on errors. */
typedef struct bench_ours {
    tg_context *context;
    tg_module *module;
    tg_kernel *kernel;
} bench_ours;
bench_ours bench_open(const bench *b, const char *file, const char *kernel);
void bench_close(bench_ours *o);
tg_tensor *bench_tensor(const bench_ours *o, tg_dtype type, uint32_t rank, const int64_t *shape,
                        uint64_t seed);
double bench_launch_run(void *launch, int64_t calls);
_Noreturn void bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Ends the program unless error <= bound: a fast wrong answer is not measured. */
void bench_check(const char *what, double error, double bound);

/* ---- plans: one case made ready ---- */

/* The first member of every suite's case. */
typedef struct bench_case {
    const char *name;
    double goal; /* of the ratio; 0: none */
    bool quick;  /* part of --quick */
} bench_case;

typedef struct bench_plan {
    bench *b;
    bench_row row;
    double work;                /* of one call, in the row's unit times seconds */
    double flops, bytes;        /* of one call, 1e9 each: what the roofs are held against */
    tg_context_options options; /* of our context; may be changed before it is opened */
    bench_ours ours;
    bench_launch launch;
    tg_tensor *out;   /* our result */
    double tolerance; /* largest difference of a peer's result from ours */
    /* Compares our result with the suite's reference, by bench_check; null: the peers are the reference. */
    void (*check)(const struct bench_plan *p);
    const void *the_case;
    bench_contender contenders[BENCH_MAX_CONTENDERS]; /* ours is the first */
    int n_contenders;
    tg_tensor *tensors[BENCH_MAX_OWNED];
    int n_tensors;
} bench_plan;

/* Opens `kernel` of `file`: the first contender. */
void bench_plan_ours(bench_plan *p, const char *file, const char *kernel);
/* Opens a context alone, for a case that is not one kernel; add ours first, by bench_plan_add. */
void bench_plan_context(bench_plan *p);
/* A tensor of random values in [-1, 1) (integers: the range of the language), owned by the plan. */
tg_tensor *bench_plan_tensor(bench_plan *p, tg_dtype type, uint32_t rank, const int64_t *shape);
/* The same with values in [low, high). */
tg_tensor *bench_plan_tensor_in(bench_plan *p, tg_dtype type, uint32_t rank,
                                const int64_t *shape, double low, double high);
/* The plan owns `t` now. */
tg_tensor *bench_plan_own(bench_plan *p, tg_tensor *t);
/* The next argument of our kernel. */
void bench_plan_arg(bench_plan *p, tg_argument arg);
/* Argument `i` of our kernel, once all are there, gives its place to what tg_kernel_pack makes of it, if this machine has a packed form of it:
 * the row says so if not. */
void bench_plan_pack(bench_plan *p, uint32_t i);
/* A contender with a copy of `size` bytes at `user`, which the plan frees. Set result, fetch, destroy in what is
 * returned. */
bench_contender *bench_plan_add(bench_plan *p, const char *name, bench_role role,
                                bench_run_fn run, const void *user, size_t size);

/* Measures the contenders in turn and fills in the row. */
void bench_race(bench_plan *p);

typedef struct bench_suite {
    const char *name;
    const void *cases;
    size_t case_size;
    int n_cases;
    void (*prepare)(bench_plan *p, const void *the_case);
    const char *unit;
    void (*run)(bench *b); /* instead of cases */
    bool once;             /* does not depend on the number of threads */
} bench_suite;
/* All cases that b->only lets through. */
void bench_run_suite(bench *b, const bench_suite *suite);

/* ---- suites ---- */
extern const bench_suite bench_suite_gemm, bench_suite_rows, bench_suite_chains, bench_suite_attention,
    bench_suite_conv, bench_suite_lowp, bench_suite_fft, bench_suite_launch, bench_suite_jit,
    bench_suite_start;

#endif
