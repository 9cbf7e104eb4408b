/* How far from the best the tuner ends: every combination of blocks measured once, then the tuner with its budget, then both results and
 * the compiler's choice in turn. By hand, not a test: it takes minutes and a quiet machine.
 *
 *   tune_gap --dir DIR [--case TEXT] [--budget 30] [--threads 1] [--seconds 80]
 *
 * The exhaustive part keeps its rows in DIR/exhaustive.db and stops after --seconds: run again to go on. A case that is complete is
 * printed as one line. Times are means of the lowest third of the samples, as the tuner compares them. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tegula/tegula.h>

#include "base/clock.h"

enum { ROUNDS = 90, CONTENDERS = 3 };

typedef struct gap_case {
    const char *name, *kernel;
    int64_t m, n, k; /* or heads, length, depth of a head */
} gap_case;

static const gap_case cases[] = {
    {"gemm 256x256x256", "matmul", 256, 256, 256}, {"gemm 512x512x64", "matmul", 512, 512, 64},
    {"gemm 128x768x768", "matmul", 128, 768, 768}, {"attention 4x128x64", "attention", 4, 128, 64},
    {"attention 4x256x64", "attention", 4, 256, 64}, {"attention 4x512x64", "attention", 4, 512, 64},
};

typedef struct settings {
    const char *dir, *text;
    double budget, seconds, begin;
    int threads;
} settings;

typedef struct problem {
    tg_context *context;
    tg_module *module;
    tg_kernel *kernel;
    tg_argument values[12];
    tg_tensor *tensors[12];
    uint32_t n, n_tensors;
} problem;

static void check(tg_status s, const tg_context *c) {
    if (s) {
        fprintf(stderr, "tune_gap: %s\n", c ? tg_last_error(c) : tg_status_name(s));
        exit(1);
    }
}

static tg_argument tensor(problem *p, uint32_t rank, const int64_t *shape) {
    tg_tensor *t = tg_tensor_create(p->context, TG_F32, rank, shape);
    check(t ? tg_tensor_fill_random(t, p->n_tensors + 1, -1, 1) : TG_ERROR_OUT_OF_MEMORY, p->context);
    p->tensors[p->n_tensors++] = t;
    return tg_argument_tensor(t);
}

static void make_gemm(problem *p, const gap_case *c) {
    const tg_argument all[] = {tensor(p, 2, (int64_t[]){c->m, c->k}), tensor(p, 2, (int64_t[]){c->k, c->n}),
                               tg_argument_none(), tg_argument_none(), tensor(p, 2, (int64_t[]){c->m, c->n})};
    memcpy(p->values, all, sizeof all);
    p->n = sizeof all / sizeof *all;
}

static void make_attention(problem *p, const gap_case *c) {
    const int64_t shape[] = {1, c->m, c->n, c->k};
    const tg_argument all[] = {tensor(p, 4, shape), tensor(p, 4, shape), tensor(p, 4, shape), tg_argument_none(), tg_argument_none(),
                               tensor(p, 4, shape), tensor(p, 3, shape), tg_argument_float(1 / sqrt((double)c->k)),
                               tg_argument_int(0)};
    memcpy(p->values, all, sizeof all);
    p->n = sizeof all / sizeof *all;
}

static void open_problem(problem *p, const gap_case *c, const settings *o) {
    tg_context_options co = TG_CONTEXT_OPTIONS_INIT;
    co.cache_dir = ""; /* compiling is part of the budget */
    co.n_threads = o->threads;
    memset(p, 0, sizeof *p);
    check(tg_context_create(&co, &p->context), NULL);
    check(tg_stdlib_module(p->context, c->kernel, &p->module), p->context);
    p->kernel = tg_module_kernel(p->module, c->kernel);
    strcmp(c->kernel, "matmul") ? make_attention(p, c) : make_gemm(p, c);
}

static void close_problem(problem *p) {
    for (uint32_t i = 0; i < p->n_tensors; i++) {
        tg_tensor_release(p->tensors[i]);
    }
    tg_module_destroy(p->module);
    tg_context_destroy(p->context);
}

/* ---- tuning ---------------------------------------------------------------------------------------------------- */

static int until_seconds(void *user, const tg_tune_progress *progress) {
    const settings *o = user;
    return (tg_now_ms() - o->begin) * 1e-3 > o->seconds && progress->fraction < 1;
}

static tg_tune_result run_tuner(const problem *p, const char *database, tg_tune_options *options) {
    tg_tuner_options to = TG_TUNER_OPTIONS_INIT;
    tg_tune_result r = {.struct_size = sizeof r};
    tg_tuner *t;
    to.database = database;
    check(tg_tuner_create(p->context, &to, &t), p->context);
    if (*tg_tuner_warning(t)) {
        fprintf(stderr, "tune_gap: %s\n", tg_tuner_warning(t));
        exit(1);
    }
    check(tg_tune(t, p->kernel, p->values, p->n, options, &r), p->context);
    tg_tuner_destroy(t);
    return r;
}

/* ---- the race -------------------------------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double lowest_third(double *v, int n) {
    double sum = 0;
    qsort(v, (size_t)n, sizeof *v, by_size);
    for (int i = 0; i < n / 3; i++) {
        sum += v[i];
    }
    return sum / (n / 3);
}

static void race(const problem *p, const char *const *schedules, double *ms) {
    static double sample[CONTENDERS][ROUNDS];
    tg_kernel *k[CONTENDERS];
    for (int i = 0; i < CONTENDERS; i++) {
        tg_schedule_options so = TG_SCHEDULE_OPTIONS_INIT;
        so.schedule = schedules[i];
        check(tg_kernel_with_schedule(p->kernel, &so, &k[i]), p->context);
        check(tg_launch(k[i], p->values, p->n), p->context);
    }
    for (int round = -2; round < ROUNDS; round++) { /* two to warm up */
        for (int i = 0; i < CONTENDERS; i++) {
            int who = (i + round + 2) % CONTENDERS, launches = 0;
            double start = tg_now_ms(), end = start;
            for (; launches < 1 || end - start < 2; launches++) {
                check(tg_launch(k[who], p->values, p->n), p->context);
                end = tg_now_ms();
            }
            if (round >= 0) {
                sample[who][round] = (end - start) / launches;
            }
        }
    }
    for (int i = 0; i < CONTENDERS; i++) {
        ms[i] = lowest_third(sample[i], ROUNDS);
        tg_kernel_release(k[i]);
    }
}

static void run_case(const gap_case *c, settings *o) {
    problem p;
    char path[4200];
    snprintf(path, sizeof path, "%s/exhaustive.db", o->dir);
    open_problem(&p, c, o);
    tg_tune_options all = TG_TUNE_OPTIONS_INIT, some = TG_TUNE_OPTIONS_INIT;
    all.exhaustive = 1;
    all.progress = until_seconds;
    all.user = o;
    some.budget_s = o->budget;
    printf("%s, %d thread%s: ", c->name, o->threads, o->threads == 1 ? "" : "s");
    fflush(stdout);
    tg_tune_result whole = run_tuner(&p, path, &all);
    if (whole.n_tried == whole.n_space) {
        tg_tune_result tuned = run_tuner(&p, "", &some);
        const char *schedules[] = {whole.schedule, tuned.schedule, ""};
        double ms[CONTENDERS];
        race(&p, schedules, ms);
        printf("exhaustive of %u %.4f ms, tuner %.4f ms after %u in %.1f s (%u failed, %u wrong), ratio %.3f; compiler %.4f ms\n"
               "    exhaustive: %s\n    tuner:      %s\n",
               whole.n_space, ms[0], ms[1], tuned.n_tried, tuned.seconds, tuned.n_failed, tuned.n_wrong, ms[1] / ms[0], ms[2],
               whole.schedule, tuned.schedule);
    } else {
        printf("exhaustive: %u of %u so far; run again to go on\n", whole.n_tried, whole.n_space);
    }
    fflush(stdout);
    close_problem(&p);
}

int main(int argc, char **argv) {
    settings o = {.budget = 30, .seconds = 80, .threads = 1, .begin = tg_now_ms()};
    for (int i = 1; i + 1 < argc; i += 2) {
        o.dir = strcmp(argv[i], "--dir") == 0 ? argv[i + 1] : o.dir;
        o.text = strcmp(argv[i], "--case") == 0 ? argv[i + 1] : o.text;
        o.budget = strcmp(argv[i], "--budget") == 0 ? atof(argv[i + 1]) : o.budget;
        o.seconds = strcmp(argv[i], "--seconds") == 0 ? atof(argv[i + 1]) : o.seconds;
        o.threads = strcmp(argv[i], "--threads") == 0 ? atoi(argv[i + 1]) : o.threads;
    }
    if (!o.dir) {
        fprintf(stderr, "tune_gap --dir DIR [--case TEXT] [--budget S] [--threads N] [--seconds S]\n");
        return 2;
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (!o.text || strstr(cases[i].name, o.text)) {
            run_case(&cases[i], &o);
        }
    }
    return 0;
}
