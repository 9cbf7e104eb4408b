/* What compiling costs: in a process that has compiled before, from the disk cache, and in a fresh process.
 *
 * "cold" covers parsing, checking and code generation of one kernel in a new context without files, "first fft" a plan and its
 * first execution there. */
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/harness.h"

extern char **environ;

enum { N_COLD = 15, N_START = 15 };

static const double FIRST_FFT_GOAL_MS = 60;

typedef struct subject {
    const char *name, *file, *kernel;
    const char *bindings[4];
    uint32_t n_bindings;
    double goal_ms; /* of the cold compile */
} subject;

static const subject subjects[] = {
    {"vector-add", "tutorials/01-vector-add/vector_add.dsl", "add", {"T=f32"}, 1, 0},
    {"softmax", "tutorials/02-softmax/softmax.dsl", "softmax", {"T=f32"}, 1, 25},
    {"gemm", "tutorials/03-gemm/gemm.dsl", "gemm", {"T=f32"}, 1, 40},
    {"attention",
     "tutorials/06-attention/attention.dsl",
     "attention",
     {"T=f32", "D=64", "E=64", "causal=true"},
     4,
     0},
};

/* Context, module and variant; seconds. */
static double prepare(const bench *b, const subject *s, const char *cache, bool expect_cached) {
    tg_context_options options = TG_CONTEXT_OPTIONS_INIT;
    options.n_threads = b->threads;
    options.cache_dir = cache;
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", b->root, s->file);
    tg_context *context;
    tg_module *module;
    double start = bench_now();
    if (tg_context_create(&options, &context) != TG_OK ||
        tg_module_load_file(context, path, &module) != TG_OK) {
        bench_fail("cannot load %s", path);
    }
    tg_kernel *k = tg_module_kernel(module, s->kernel);
    tg_kernel_spec spec = {sizeof spec, s->bindings, s->n_bindings, NULL, 0};
    if (!k || tg_kernel_prepare(k, &spec) != TG_OK) {
        bench_fail("%s", tg_last_error(context));
    }
    double seconds = bench_now() - start;
    tg_kernel_stats stats = {.struct_size = sizeof stats};
    tg_kernel_get_stats(k, &stats);
    if ((stats.n_from_cache == 1) != expect_cached) {
        bench_fail("%s: %s the disk cache", s->name,
                   expect_cached ? "not loaded from" : "loaded from");
    }
    tg_module_destroy(module);
    tg_context_destroy(context);
    return seconds;
}

/* Context, plan and first transform of n points; seconds. */
static double first_transform(const bench *b, int64_t n) {
    tg_context_options options = TG_CONTEXT_OPTIONS_INIT;
    options.n_threads = b->threads;
    options.cache_dir = "";
    tg_fft_options kind = TG_FFT_OPTIONS_INIT;
    tg_context *context;
    tg_fft_plan *plan = NULL;
    double start = bench_now();
    if (tg_context_create(&options, &context) != TG_OK) {
        bench_fail("no context");
    }
    tg_tensor *x = tg_tensor_create(context, TG_C32, 1, (int64_t[]){n}), *y = tg_tensor_create(context, TG_C32, 1, (int64_t[]){n});
    if (!x || !y || tg_fft_plan_create(context, 1, (int64_t[]){n}, &kind, &plan) != TG_OK || tg_fft_execute(plan, x, y) != TG_OK) {
        bench_fail("%s", tg_last_error(context));
    }
    double seconds = bench_now() - start;
    tg_fft_plan_destroy(plan);
    tg_tensor_release(x);
    tg_tensor_release(y);
    tg_context_destroy(context);
    return seconds;
}

static void run_first_transforms(bench *b, int n) {
    static const int64_t lengths[] = {64, 1024, 8192, 44100, 1 << 17, 1 << 20};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        double seconds[N_COLD];
        char name[48];
        first_transform(b, lengths[i]); /* the process is warm now */
        for (int r = 0; r < n; r++) {
            seconds[r] = first_transform(b, lengths[i]);
        }
        snprintf(name, sizeof name, "first fft %lld", (long long)lengths[i]);
        bench_report_time(b, "jit", name, "ms", seconds, n, FIRST_FFT_GOAL_MS);
    }
}

static void remove_tree(const char *dir) {
    const char *argv[] = {"rm", "-rf", dir, NULL};
    pid_t pid;
    union {
        const char **in;
        char **out;
    } args = {.in = argv}; /* posix_spawn's type predates const */
    if (posix_spawnp(&pid, "rm", NULL, NULL, args.out, environ) == 0) {
        waitpid(pid, NULL, 0);
    }
}

static void run_jit(bench *b) {
    char dir[] = "/tmp/tegula_bench_XXXXXX", name[48];
    double cold[N_COLD], cached[N_COLD];
    int n = b->quick ? 3 : N_COLD;
    if (!mkdtemp(dir)) {
        bench_fail("no directory for the cache");
    }
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++) {
        const subject *s = &subjects[i];
        prepare(b, s, "", false); /* the process is warm now */
        prepare(b, s, dir, false);
        for (int r = 0; r < n; r++) {
            cold[r] = prepare(b, s, "", false);
            cached[r] = prepare(b, s, dir, true);
        }
        snprintf(name, sizeof name, "cold %s", s->name);
        bench_report_time(b, "jit", name, "ms", cold, n, s->goal_ms);
        snprintf(name, sizeof name, "from cache %s", s->name);
        bench_report_time(b, "jit", name, "ms", cached, n, 3);
    }
    remove_tree(dir);
    run_first_transforms(b, n);
}

/* ---- a fresh process ---------------------------------------------------------------------------------------- */

static double children_time(void) {
    struct rusage r;
    getrusage(RUSAGE_CHILDREN, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
           1e-6 * (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

/* Seconds from the start of bench_start to the byte that it writes after its first checked result. */
static double start_once(const bench *b, const char *cache) {
    char kernel[4096];
    snprintf(kernel, sizeof kernel, "%s/%s", b->root, subjects[0].file);
    int out[2];
    if (pipe(out)) {
        bench_fail("no pipe");
    }
    double start = bench_now(), used = children_time();
    pid_t pid = fork();
    if (pid == 0) {
        dup2(out[1], 1);
        close(out[0]);
        execl(b->starter, b->starter, kernel, cache, (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    char byte = 0;
    bool done = read(out[0], &byte, 1) == 1 && byte == '.';
    double seconds = bench_now() - start;
    close(out[0]);
    waitpid(pid, NULL, 0);
    if (!done) {
        bench_fail("%s failed", b->starter);
    }
    return b->busy ? children_time() - used : seconds;
}

static void run_start(bench *b) {
    char dir[] = "/tmp/tegula_bench_XXXXXX";
    double cold[N_START], cached[N_START];
    int n = b->quick ? 3 : N_START;
    if (!mkdtemp(dir)) {
        bench_fail("no directory for the cache");
    }
    start_once(b, dir);
    for (int r = 0; r < n; r++) {
        cold[r] = start_once(b, "");
        cached[r] = start_once(b, dir);
    }
    bench_report_time(b, "start", "process to result", "ms", cold, n, 60);
    bench_report_time(b, "start", "the same, cached", "ms", cached, n, 0);
    remove_tree(dir);
}

const bench_suite bench_suite_jit = {.name = "jit", .run = run_jit, .once = true};
const bench_suite bench_suite_start = {.name = "start", .run = run_start, .once = true};
