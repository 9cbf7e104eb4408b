/* Interleaved measurement, medians, the table and its JSON form. */
#include "bench/harness.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- time and statistics ------------------------------------------------------------------------------------ */

static clockid_t bench_clock = CLOCK_MONOTONIC;

void bench_count_processor_time(void) {
    bench_clock = CLOCK_PROCESS_CPUTIME_ID;
}

double bench_now(void) {
    struct timespec t;
    clock_gettime(bench_clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *values, int n) {
    qsort(values, (size_t)n, sizeof *values, compare_doubles);
    return n % 2 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

void bench_pause(double seconds) {
    struct timespec t = {.tv_sec = (time_t)seconds,
                         .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&t, NULL);
}

_Noreturn void bench_fail(const char *format, ...) {
    va_list list;
    va_start(list, format);
    fputs("tegula_bench: ", stderr);
    vfprintf(stderr, format, list);
    fputc('\n', stderr);
    va_end(list);
    exit(1);
}

void bench_check(const char *what, double error, double bound) {
    if (!(error <= bound)) {
        bench_fail("%s: error %g exceeds %g", what, error, bound);
    }
}

/* ---- one row ------------------------------------------------------------------------------------------------ */

typedef struct series {
    int64_t calls;
    bool absent;
    double seconds[BENCH_MAX_ROUNDS]; /* per call */
} series;

/* Thread pools spin for a while after their last task (OpenBLAS for tens of milliseconds); the next contender must
 * not share the processors with them. */
static void let_others_sleep(const bench *b) {
    if (b->threads > 1) {
        bench_pause(0.04);
    }
}

/* Calls per sample: some 20 ms, so that the clock and the first wake-up do not count. */
static void calibrate(const bench *b, const bench_contender *c, series *s) {
    double goal = b->quick ? 0.002 : 0.02;
    let_others_sleep(b);
    double t = c->run(c->user, 1);
    if (t >= 0 && t < 10 * goal) {
        t = c->run(c->user, 1);
    }
    s->absent = t < 0;
    s->calls = 1;
    while (!s->absent && t < goal && s->calls < 10000000) {
        s->calls = t * 20 < goal ? s->calls * 10 : (int64_t)((double)s->calls * goal / t) + 1;
        t = c->run(c->user, s->calls);
    }
    s->seconds[0] = t / (double)s->calls;
}

/* A short sample is preceded by an untimed call that wakes the pool and brings back what caches held. */
static double sample(const bench *b, const bench_contender *c, const series *s) {
    let_others_sleep(b);
    if (s->seconds[0] < 0.05) {
        c->run(c->user, 1);
    }
    return c->run(c->user, s->calls) / (double)s->calls;
}

static int choose_rounds(const bench *b, const bench_contender *c, const series *s, int n) {
    double round = 0;
    for (int i = 0; i < n; i++) {
        round += s[i].absent ? 0
                             : s[i].seconds[0] * (double)s[i].calls *
                                   (c[i].role == BENCH_ROOF ? 1 : 1.2);
    }
    int rounds = b->quick ? 3 : (int)(4.0 / (round + 1e-9));
    rounds = rounds < BENCH_MAX_ROUNDS ? rounds | 1 : BENCH_MAX_ROUNDS;
    return b->quick || rounds > 7 ? rounds : 7;
}

static double median_of(const series *s, int rounds) {
    double copy[BENCH_MAX_ROUNDS];
    memcpy(copy, s->seconds, (size_t)rounds * sizeof *copy);
    return bench_median(copy, rounds);
}

/* Median over the rounds of how much faster `ours` was in the same round. */
static double paired_ratio(const series *ours, const series *peer, int rounds) {
    double ratio[BENCH_MAX_ROUNDS];
    for (int r = 0; r < rounds; r++) {
        ratio[r] = peer->seconds[r] / ours->seconds[r];
    }
    return bench_median(ratio, rounds);
}

static void summarize(bench_row *row, double work, const bench_contender *c, const series *s,
                      int n, int rounds) {
    double ours = work / median_of(&s[0], rounds);
    row->ours = ours;
    row->best_peer = row->ratio = row->roofline_fraction = -1;
    row->best_peer_name = "";
    for (int i = 1; i < n; i++) {
        if (s[i].absent) {
            continue;
        }
        double paired = paired_ratio(&s[0], &s[i], rounds);
        if (c[i].role == BENCH_ROOF) {
            double fraction = paired * work / c[i].roof_work;
            if (row->roofline_fraction < 0 || fraction < row->roofline_fraction) {
                row->roofline_fraction = fraction;
            }
        } else if (row->best_peer < 0 || paired < row->ratio) {
            row->best_peer = work / median_of(&s[i], rounds);
            row->best_peer_name = c[i].name;
            row->ratio = paired;
        }
    }
}

void bench_compare(bench *b, bench_row *row, double work, const bench_contender *c, int n) {
    series s[BENCH_MAX_CONTENDERS];
    for (int i = 0; i < n; i++) {
        calibrate(b, &c[i], &s[i]);
    }
    int rounds = choose_rounds(b, c, s, n);
    for (int r = 0; r < rounds; r++) {
        for (int i = 0; i < n; i++) {
            if (!s[i].absent) {
                s[i].seconds[r] = sample(b, &c[i], &s[i]);
            }
        }
    }
    row->threads = b->threads;
    summarize(row, work, c, s, n, rounds);
    bench_report(b, row);
}

/* ---- printing ----------------------------------------------------------------------------------------------- */

void bench_print_header(void) {
    printf("%-11s %-22s %7s %10s %10s %-8s %-14s %6s %8s %6s\n", "suite", "case", "threads",
           "ours", "best peer", "unit", "peer", "ratio", "of roof", "goal");
}

static void print_number(int width, double v) {
    if (v < 0) {
        printf(" %*s", width, "-");
    } else {
        printf(" %*.*f", width, v < 10 ? 2 : 1, v);
    }
}

static void json_number(FILE *f, const char *key, double v) {
    if (v < 0) {
        fprintf(f, ", \"%s\": null", key);
    } else {
        fprintf(f, ", \"%s\": %.6g", key, v);
    }
}

static void write_json(bench *b, const bench_row *r) {
    fprintf(b->json,
            "%s\n  {\"suite\": \"%s\", \"case\": \"%s\", \"threads\": %d, \"unit\": \"%s\"",
            b->has_json_rows ? "," : "", r->suite, r->name, r->threads, r->unit);
    json_number(b->json, "ours", r->ours);
    json_number(b->json, "best_peer", r->best_peer);
    fprintf(b->json, ", \"best_peer_name\": \"%s\"", r->best_peer_name);
    json_number(b->json, "ratio", r->ratio);
    json_number(b->json, "roofline_fraction", r->roofline_fraction);
    json_number(b->json, "goal", r->goal > 0 ? r->goal : -1);
    fputs("}", b->json);
    b->has_json_rows = true;
}

void bench_report(bench *b, const bench_row *r) {
    printf("%-11s %-22s %7d", r->suite, r->name, r->threads);
    print_number(10, r->ours);
    print_number(10, r->best_peer);
    printf(" %-8s %-14s", r->unit, r->best_peer_name[0] ? r->best_peer_name : "-");
    print_number(6, r->ratio);
    print_number(8, r->roofline_fraction);
    print_number(6, r->goal > 0 ? r->goal : -1);
    putchar('\n');
    fflush(stdout);
    if (b->json) {
        write_json(b, r);
    }
}

void bench_report_time(bench *b, const char *suite, const char *name, const char *unit,
                       double *seconds, int n, double goal) {
    double scale = strcmp(unit, "ms") == 0 ? 1e3 : 1e6;
    bench_row row = {.suite = suite,
                     .threads = b->threads,
                     .unit = unit,
                     .best_peer = -1,
                     .best_peer_name = "",
                     .ratio = -1,
                     .roofline_fraction = -1,
                     .goal = goal};
    snprintf(row.name, sizeof row.name, "%s", name);
    row.ours = scale * bench_median(seconds, n);
    bench_report(b, &row);
}

/* ---- ours --------------------------------------------------------------------------------------------------- */

bench_ours bench_open(const bench *b, const char *file, const char *kernel) {
    bench_ours o = {0};
    tg_context_options options = TG_CONTEXT_OPTIONS_INIT;
    options.n_threads = b->threads;
    options.cache_dir = "";
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", b->root, file);
    if (tg_context_create(&options, &o.context) != TG_OK) {
        bench_fail("%s", tg_last_error(NULL));
    }
    if (tg_module_load_file(o.context, path, &o.module) != TG_OK) {
        bench_fail("%s", tg_last_error(o.context));
    }
    o.kernel = tg_module_kernel(o.module, kernel);
    if (!o.kernel) {
        bench_fail("%s", tg_last_error(o.context));
    }
    return o;
}

void bench_close(bench_ours *o) {
    tg_module_destroy(o->module);
    tg_context_destroy(o->context);
}

tg_tensor *bench_tensor(const bench_ours *o, tg_dtype type, uint32_t rank, const int64_t *shape,
                        uint64_t seed) {
    tg_tensor *t = tg_tensor_create(o->context, type, rank, shape);
    if (!t || tg_tensor_fill_random(t, seed, -1, 1) != TG_OK) {
        bench_fail("%s", tg_last_error(o->context));
    }
    return t;
}

double bench_launch_run(void *user, int64_t calls) {
    bench_launch *l = user;
    double start = bench_now();
    for (int64_t i = 0; i < calls; i++) {
        if (tg_launch(l->kernel, l->args, l->n_args) != TG_OK) {
            bench_fail("launch of %s failed", tg_kernel_name(l->kernel));
        }
    }
    return bench_now() - start;
}
