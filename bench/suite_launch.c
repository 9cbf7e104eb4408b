/* What the runtime costs beside the kernels: launches, new memory, and what numbers below the normal range cost. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/peers.h"

typedef struct launch_case {
    bench_case head;
    void (*prepare)(bench_plan *p, int64_t n);
    int64_t n;
} launch_case;

/* ---- launches ----------------------------------------------------------------------------------------------- */

static void check_programs(const bench_plan *p) {
    const float *x = tg_tensor_data(p->tensors[0]), *y = tg_tensor_data(p->out);
    for (int64_t i = 0; i < tg_tensor_n_elements(p->out); i++) {
        bench_check(p->row.name, (double)fabsf(x[i] + 1 - y[i]), 0);
    }
}

static void programs(bench_plan *p, int64_t n) {
    p->row.goal = p->b->threads == 1 ? 1 : 3; /* microseconds */
    p->check = check_programs;
    bench_plan_ours(p, "bench/kernels/launch.dsl", "programs");
    tg_tensor *x = bench_plan_tensor(p, TG_F32, 1, &n);
    p->out = bench_plan_tensor(p, TG_F32, 1, &n);
    bench_plan_arg(p, tg_argument_tensor(x));
    bench_plan_arg(p, tg_argument_tensor(p->out));
}

static void bound_programs(bench_plan *p, int64_t n) {
    programs(p, n);
    p->launch.bound = true;
    p->row.goal = 0.03;
}

/* The smallest addition. oneDNN's takes the same road as its large ones. */
static void addition(bench_plan *p, int64_t n) {
    int64_t shape[] = {1, n};
    p->row.goal = p->b->threads == 1 ? 1 : 3;
    bench_plan_ours(p, "bench/kernels/rows.dsl", "add");
    tg_tensor *x = bench_plan_tensor(p, TG_F32, 2, shape),
              *z = bench_plan_tensor(p, TG_F32, 2, shape);
    tg_tensor *theirs = bench_plan_tensor(p, TG_F32, 2, shape);
    p->out = bench_plan_tensor(p, TG_F32, 2, shape);
    bench_plan_arg(p, tg_argument_tensor(x));
    bench_plan_arg(p, tg_argument_tensor(z));
    bench_plan_arg(p, tg_argument_tensor(p->out));
    bench_rows r = {BENCH_ADD,
                    1,
                    n,
                    p->b->threads,
                    tg_tensor_data(x),
                    tg_tensor_data(z),
                    tg_tensor_data(theirs)};
    bench_add_onednn_rows(p, &r);
    bench_add_torch(p, "PyTorch", "add 1 %lld", (long long)n);
}

/* ---- memory ------------------------------------------------------------------------------------------------- */

static double new_tensor(void *user, int64_t calls) {
    const bench_plan *p = *(bench_plan *const *)user;
    const launch_case *c = p->the_case;
    double start = bench_now();
    for (int64_t i = 0; i < calls; i++) {
        tg_tensor *t = tg_tensor_create(p->ours.context, TG_F32, 1, &c->n);
        if (!t) {
            bench_fail("%s", tg_last_error(p->ours.context));
        }
        tg_tensor_release(t);
    }
    return bench_now() - start;
}

/* Zeros from the C library, each page touched, as a program that allocates its results does. */
static double fresh_pages(void *user, int64_t calls) {
    const int64_t *n = user;
    size_t bytes = (size_t)*n * sizeof(float), page = (size_t)sysconf(_SC_PAGESIZE);
    double start = bench_now();
    for (int64_t i = 0; i < calls; i++) {
        volatile char *memory = calloc(1, bytes);
        if (!memory) {
            return -1;
        }
        for (size_t at = 0; at < bytes; at += page) {
            memory[at] = 0;
        }
        union {
            volatile char *touched;
            void *plain;
        } m = {memory};
        free(m.plain);
    }
    return bench_now() - start;
}

static void tensors(bench_plan *p, int64_t n) {
    bench_plan_context(p);
    bench_plan_add(p, "tegula", BENCH_OURS, new_tensor, &p, sizeof p);
    bench_plan_add(p, "calloc, touched", BENCH_PEER, fresh_pages, &n, sizeof n);
}

/* ---- denormal numbers --------------------------------------------------------------------------------------- */

static void copy_launch(bench_plan *p, tg_tensor *x, tg_tensor *y, bench_launch *l) {
    l->kernel = p->ours.kernel;
    l->args[0] = l->args[1] = tg_argument_tensor(x);
    l->args[2] = tg_argument_tensor(y);
    l->n_args = 3;
}

/* The sum of products of numbers in [0, 2^-70): products are denormal. The peer is the same kernel on ordinary
 * numbers, so that the ratio is 1 if denormals cost nothing. */
static void denormals(bench_plan *p, int64_t n) {
    int64_t shape[] = {n, n};
    bench_plan_ours(p, "tutorials/03-gemm/gemm.dsl", "gemm");
    tg_tensor *tiny = bench_plan_tensor_in(p, TG_F32, 2, shape, 0, 0x1p-70);
    tg_tensor *ordinary = bench_plan_tensor(p, TG_F32, 2, shape);
    tg_tensor *y = bench_plan_tensor(p, TG_F32, 2, shape),
              *z = bench_plan_tensor(p, TG_F32, 2, shape);
    bench_launch theirs = {0};
    copy_launch(p, tiny, y, &p->launch);
    copy_launch(p, ordinary, z, &theirs);
    bench_plan_add(p, "ordinary", BENCH_PEER, bench_launch_run, &theirs, sizeof theirs);
}

static void flushed_denormals(bench_plan *p, int64_t n) {
    p->options.flush_denormals = 1;
    denormals(p, n);
}

/* ---- the suite ---------------------------------------------------------------------------------------------- */

static const launch_case cases[] = {
    {{"one program", 0, true}, programs, 1},
    {{"one program, bound", 0, true}, bound_programs, 1},
    {{"8 programs", 0, true}, programs, 8},
    {{"add of 16", 0, true}, addition, 16},
    {{"new tensor 1 MiB", 0, true}, tensors, 1 << 18},
    {{"new tensor 64 MiB", 0, false}, tensors, 1 << 24},
    {{"denormals, kept", 0, false}, denormals, 256},
    {{"denormals, flushed", 0, false}, flushed_denormals, 256},
};

static void prepare(bench_plan *p, const void *the_case) {
    const launch_case *c = the_case;
    c->prepare(p, c->n);
}

const bench_suite bench_suite_launch = {.name = "launch",
                                        .cases = cases,
                                        .case_size = sizeof *cases,
                                        .n_cases = sizeof cases / sizeof *cases,
                                        .prepare = prepare,
                                        .unit = "us"};
