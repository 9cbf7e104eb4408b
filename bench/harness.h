/* What the suites share: contenders measured in turn, rows of the result table, the peers.
 *
 * A suite fills one array of contenders (ours first) per case and calls bench_compare. All numbers of a row
 * come from the same interval: contender 1, 2, … n, 1, 2, … n, and so on, so that whatever else the machine
 * does falls on all of them. A row reports medians; its ratio is the median over the rounds of
 * (peer's time / our time). Read next: one suite, e.g. vector_add.c; peers are in peer_*.c and hand.c. */
#ifndef TG_BENCH_HARNESS_H
#define TG_BENCH_HARNESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <tegula/tegula.h>

/* Seconds for `calls` calls of a contender; negative if it cannot do the case. */
typedef double (*bench_run_fn)(void *user, int64_t calls);

typedef enum bench_role { BENCH_OURS, BENCH_PEER, BENCH_ROOF } bench_role;

typedef struct bench_contender {
    const char *name;
    bench_role role; /* BENCH_ROOF: a limit of the machine, not a competitor */
    bench_run_fn run;
    void *user;
    double roof_work; /* BENCH_ROOF: work of one call in the row's unit times seconds */
} bench_contender;

/* A row as it is printed. Numbers below zero are not known. */
typedef struct bench_row {
    const char *suite;
    char name[48];
    int threads;
    const char *unit; /* "GFLOP/s" and "GB/s": more is better; "ms", "us": less is better */
    double ours, best_peer;
    const char *best_peer_name;
    double ratio, roofline_fraction;
    double goal; /* of the ratio; for times the most that is wanted; 0: none */
} bench_row;

typedef struct bench {
    int threads; /* of this pass */
    bool busy;   /* processor time instead of wall time while there is one thread */
    bool quick;  /* small sizes, few repeats: does it run at all */
    bool has_json_rows;
    FILE *json;
    const char *root;    /* the source tree: tutorials/ */
    const char *starter; /* program of the start-up measurement */
    struct bench_torch *torch;
} bench;

enum { BENCH_MAX_ROUNDS = 31, BENCH_MAX_CONTENDERS = 6 };

/* ---- time and statistics ---- */
double bench_now(void);
/* From here on bench_now is the processor time of the process: right for one thread on a machine that others use. */
void bench_count_processor_time(void);
double bench_median(double *values, int n); /* sorts them */
void bench_pause(double seconds);

/* ---- rows ---- */
void bench_compare(bench *b, bench_row *row, double work, const bench_contender *c, int n);
void bench_print_header(void);
void bench_report(bench *b, const bench_row *row);
/* A row of a time alone; `seconds` is sorted. */
void bench_report_time(bench *b, const char *suite, const char *name, const char *unit,
                       double *seconds, int n, double goal);

/* ---- ours ---- */
typedef struct bench_launch {
    tg_kernel *kernel;
    tg_argument args[8];
    uint32_t n_args;
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

/* ---- suites ---- */
void bench_gemm(bench *b);
void bench_vector_add(bench *b);
void bench_softmax(bench *b);
void bench_attention(bench *b);
void bench_jit(bench *b);
void bench_start(bench *b);
void bench_launch_cost(bench *b);

#endif
