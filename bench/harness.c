/* The clock, errors, our kernels, plans. */
#include "bench/harness.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- time and errors --------------------------------------------------------------------------------------- */

static clockid_t bench_clock = CLOCK_MONOTONIC;

void bench_count_processor_time(void) {
    bench_clock = CLOCK_PROCESS_CPUTIME_ID;
}

double bench_now(void) {
    struct timespec t;
    clock_gettime(bench_clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
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

/* ---- ours --------------------------------------------------------------------------------------------------- */

static tg_context_options options_of(const bench *b) {
    tg_context_options options = TG_CONTEXT_OPTIONS_INIT;
    options.n_threads = b->threads;
    options.cache_dir = "";
    return options;
}

static tg_context *open_context(const tg_context_options *options) {
    tg_context *context;
    if (tg_context_create(options, &context) != TG_OK) {
        bench_fail("%s", tg_last_error(NULL));
    }
    return context;
}

static bench_ours open_kernel(const bench *b, const tg_context_options *options,
                              const char *file, const char *kernel) {
    bench_ours o = {.context = open_context(options)};
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", b->root, file);
    if (tg_module_load_file(o.context, path, &o.module) != TG_OK) {
        bench_fail("%s", tg_last_error(o.context));
    }
    o.kernel = tg_module_kernel(o.module, kernel);
    if (!o.kernel) {
        bench_fail("%s", tg_last_error(o.context));
    }
    return o;
}

bench_ours bench_open(const bench *b, const char *file, const char *kernel) {
    tg_context_options options = options_of(b);
    return open_kernel(b, &options, file, kernel);
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

static double run_bound(bench_launch *l, int64_t calls) {
    tg_call_options exact = TG_CALL_OPTIONS_INIT;
    exact.exact = 1;
    if (!l->call && tg_call_create(l->kernel, l->args, l->n_args, &exact, &l->call) != TG_OK) {
        bench_fail("%s could not be bound", tg_kernel_name(l->kernel));
    }
    double start = bench_now();
    for (int64_t i = 0; i < calls; i++) {
        if (tg_call_run(l->call) != TG_OK) {
            bench_fail("bound launch of %s failed", tg_kernel_name(l->kernel));
        }
    }
    return bench_now() - start;
}

double bench_launch_run(void *user, int64_t calls) {
    bench_launch *l = user;
    if (l->bound) {
        return run_bound(l, calls);
    }
    double start = bench_now();
    for (int64_t i = 0; i < calls; i++) {
        if (tg_launch(l->kernel, l->args, l->n_args) != TG_OK) {
            bench_fail("launch of %s failed", tg_kernel_name(l->kernel));
        }
    }
    return bench_now() - start;
}

/* ---- plans -------------------------------------------------------------------------------------------------- */

void bench_plan_ours(bench_plan *p, const char *file, const char *kernel) {
    p->ours = open_kernel(p->b, &p->options, file, kernel);
    p->launch.kernel = p->ours.kernel;
    p->contenders[0] = (bench_contender){
        .name = "tegula", .role = BENCH_OURS, .run = bench_launch_run, .user = &p->launch};
    p->n_contenders = 1;
}

void bench_plan_context(bench_plan *p) {
    p->ours.context = open_context(&p->options);
}

tg_tensor *bench_plan_own(bench_plan *p, tg_tensor *t) {
    if (!t || p->n_tensors == BENCH_MAX_OWNED) {
        bench_fail("%s: %s", p->row.name,
                   t ? "too many tensors" : tg_last_error(p->ours.context));
    }
    p->tensors[p->n_tensors++] = t;
    return t;
}

tg_tensor *bench_plan_tensor_in(bench_plan *p, tg_dtype type, uint32_t rank,
                                const int64_t *shape, double low, double high) {
    tg_tensor *t = bench_plan_own(p, tg_tensor_create(p->ours.context, type, rank, shape));
    if (tg_tensor_fill_random(t, (uint64_t)p->n_tensors, low, high) != TG_OK) {
        bench_fail("%s", tg_last_error(p->ours.context));
    }
    return t;
}

tg_tensor *bench_plan_tensor(bench_plan *p, tg_dtype type, uint32_t rank,
                             const int64_t *shape) {
    return bench_plan_tensor_in(p, type, rank, shape, -1, 1);
}

void bench_plan_arg(bench_plan *p, tg_argument arg) {
    if (p->launch.n_args == sizeof p->launch.args / sizeof *p->launch.args) {
        bench_fail("%s: too many arguments", p->row.name);
    }
    p->launch.args[p->launch.n_args++] = arg;
}

void bench_plan_pack(bench_plan *p, uint32_t i) {
    tg_tensor *packed;
    tg_status s = tg_kernel_pack(p->ours.kernel, p->launch.args, p->launch.n_args, i, &packed);
    if (s == TG_OK) {
        p->launch.args[i].u.tensor = bench_plan_own(p, packed);
    } else if (s == TG_ERROR_UNSUPPORTED) {
        size_t n = strlen(p->row.name);
        snprintf(p->row.name + n, sizeof p->row.name - n, ": no packed form");
    } else {
        bench_fail("%s", tg_last_error(p->ours.context));
    }
}

bench_contender *bench_plan_add(bench_plan *p, const char *name, bench_role role,
                                bench_run_fn run, const void *user, size_t size) {
    if (p->n_contenders == BENCH_MAX_CONTENDERS) {
        bench_fail("%s: too many contenders", p->row.name);
    }
    bench_contender *c = &p->contenders[p->n_contenders++];
    *c = (bench_contender){.name = name, .role = role, .run = run, .user = malloc(size)};
    if (!c->user) {
        bench_fail("out of memory");
    }
    memcpy(c->user, user, size);
    return c;
}

static void close_plan(bench_plan *p) {
    for (int i = 0; i < p->n_contenders; i++) {
        bench_contender *c = &p->contenders[i];
        if (c->destroy) {
            c->destroy(c->user);
        }
        if (c->user != &p->launch) {
            free(c->user);
        }
    }
    for (int i = 0; i < p->n_tensors; i++) {
        tg_tensor_release(p->tensors[i]);
    }
    tg_call_destroy(p->launch.call);
    bench_close(&p->ours);
}

/* ---- suites ------------------------------------------------------------------------------------------------- */

static void run_case(bench *b, const bench_suite *suite, const bench_case *the_case) {
    bench_plan p = {.b = b,
                    .options = options_of(b),
                    .the_case = the_case,
                    .row = {.suite = suite->name,
                            .unit = suite->unit,
                            .threads = b->threads,
                            .goal = the_case->goal}};
    snprintf(p.row.name, sizeof p.row.name, "%s", the_case->name);
    suite->prepare(&p, the_case);
    p.contenders[0].run(p.contenders[0].user, 1);
    if (p.check) {
        p.check(&p);
    }
    bench_race(&p);
    bench_report(b, &p.row);
    close_plan(&p);
}

void bench_run_suite(bench *b, const bench_suite *suite) {
    if (suite->run) {
        suite->run(b);
        return;
    }
    for (int i = 0; i < suite->n_cases; i++) {
        const void *at = (const char *)suite->cases + (size_t)i * suite->case_size;
        const bench_case *the_case = at;
        bool wanted =
            b->only ? strstr(the_case->name, b->only) != NULL : !b->quick || the_case->quick;
        if (wanted) {
            run_case(b, suite, the_case);
        }
    }
    bench_report_mean(b, suite->name);
}
