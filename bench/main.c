/* tegula_bench: measures Tegula against its peers on this machine. scripts/bench builds and runs it.
 *
 *   tegula_bench [SUITE…] [--case SUBSTRING] [--threads N] [--seconds S] [--json FILE] [--quick] [--busy]
 *                [--isa avx2] [--python PYTHON]
 *
 * Without --threads every suite runs with one thread and then with all. No thread is bound to a processor, neither
 * ours nor a library's; all may use the processors of the process. Only the loops by hand, which are the limits, are.
 *
 * --busy is for a machine that others use: it runs one thread and counts processor time instead of wall time, for
 * ours and peers alike.
 *
 * --isa avx2 keeps all of them to AVX2 on a processor that has more (isa.c). */
#define _GNU_SOURCE /* sched_getaffinity, setenv */
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/peers.h"

static const bench_suite *const suites[] = {
    &bench_suite_gemm, &bench_suite_conv,   &bench_suite_fft,       &bench_suite_lowp,
    &bench_suite_rows, &bench_suite_chains, &bench_suite_attention, &bench_suite_launch,
    &bench_suite_jit,  &bench_suite_start,
};
enum { N_SUITES = sizeof suites / sizeof *suites };

typedef struct request {
    bool wanted[N_SUITES];
    int threads; /* 0: one, then all */
    bool quick, busy;
    double seconds;
    const char *json, *python, *only, *isa;
} request;

static int processors(void) {
    cpu_set_t set;
    CPU_ZERO(&set);
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

static bool want(request *r, const char *name) {
    bool found = false;
    for (int i = 0; i < N_SUITES; i++) {
        if (strcmp(name, "all") == 0 || strcmp(name, suites[i]->name) == 0 ||
            (strcmp(name, "jit") == 0 && strcmp(suites[i]->name, "start") == 0)) {
            r->wanted[i] = found = true;
        }
    }
    return found;
}

static bool parse(int argc, char **argv, request *r) {
    int n_suites = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0) {
            r->quick = true;
        } else if (strcmp(argv[i], "--busy") == 0) {
            r->busy = true;
        } else if (strcmp(argv[i], "--threads") == 0 && i + 1 < argc) {
            r->threads = atoi(argv[++i]);
        } else if (strcmp(argv[i], "--case") == 0 && i + 1 < argc) {
            r->only = argv[++i];
        } else if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc) {
            r->seconds = atof(argv[++i]);
        } else if (strcmp(argv[i], "--json") == 0 && i + 1 < argc) {
            r->json = argv[++i];
        } else if (strcmp(argv[i], "--isa") == 0 && i + 1 < argc) {
            r->isa = argv[++i];
        } else if (strcmp(argv[i], "--python") == 0 && i + 1 < argc) {
            r->python = argv[++i];
        } else if (want(r, argv[i])) {
            n_suites++;
        } else {
            return false;
        }
    }
    return (n_suites || want(r, "all")) && (!r->isa || bench_keep_to(r->isa));
}

/* ---- the machine -------------------------------------------------------------------------------------------- */

static void print_processor(void) {
    char line[256];
    FILE *f = fopen("/proc/cpuinfo", "r");
    while (f && fgets(line, sizeof line, f)) {
        char *value = strstr(line, ": ");
        if (strncmp(line, "model name", 10) == 0 && value) {
            printf("processor   %s", value + 2);
            break;
        }
    }
    if (f) {
        fclose(f);
    }
}

static void print_environment(const bench *b, const char *isa) {
    char date[32];
    time_t now = time(NULL);
    strftime(date, sizeof date, "%Y-%m-%d %H:%M UTC", gmtime(&now));
    print_processor();
    printf("processors  %d\n", processors());
    printf("date        %s\n", date);
    if (isa) {
        printf("kept to     %s, ours and peers\n", isa);
    }
    printf("tegula      %s\n", tg_version_string());
    bench_print_peers(b);
    putchar('\n');
}

static double best_rate(bench_run_fn run, void *user, double work) {
    double best = 0;
    int64_t calls = work < 0.001 ? 2000 : work < 0.01 ? 200 : 1;
    for (int i = 0; i < 7; i++) {
        double t = run(user, calls);
        double rate = t > 0 ? work * (double)calls / t : 0;
        best = rate > best ? rate : best;
    }
    return best;
}

/* The best of some tries: these are limits, not competitors. */
static void measure_peaks(bench *b) {
    static const struct {
        const char *name;
        bench_run_fn run;
        double bytes; /* for each element */
    } kinds[] = {{"read", bench_hand_read, 4},
                 {"copy", bench_hand_copy, 8},
                 {"copy streaming", bench_hand_copy_streaming, 8},
                 {"memcpy", bench_hand_memcpy, 8}};
    static const struct {
        const char *name;
        int64_t floats; /* of each of two arrays, for one thread */
    } places[] = {{"L1", 1 << 11}, {"L2", 1 << 15}, {"L3", 1 << 19}, {"memory", 1 << 24}};
    bench_ours o = bench_open(b, "tutorials/01-vector-add/vector_add.dsl", "add");
    int64_t n = (int64_t)(1 << 24) * b->threads;
    tg_tensor *x = bench_tensor(&o, TG_F32, 1, &n, 1), *y = bench_tensor(&o, TG_F32, 1, &n, 2);
    bench_hand h = {.threads = b->threads,
                    .n = 64 * b->threads,
                    .a = tg_tensor_data(x),
                    .b = tg_tensor_data(x),
                    .c = tg_tensor_data(y)};
    bench_row row = {.suite = "machine",
                     .name = "peak FMA f32",
                     .threads = b->threads,
                     .unit = "GFLOP/s",
                     .best_peer = -1,
                     .ours_best = -1,
                     .best_peer_best = -1,
                     .best_peer_name = "",
                     .ratio = -1,
                     .roofline_fraction = -1};
    row.ours = best_rate(bench_hand_fma, &h, bench_hand_fma_flops() * b->threads);
    bench_report(b, &row);
    row.unit = "GB/s";
    for (int i = 0; i < 16; i++) {
        h.n = places[i / 4].floats * b->threads;
        snprintf(row.name, sizeof row.name, "peak %s %s", kinds[i % 4].name,
                 places[i / 4].name);
        row.ours = best_rate(kinds[i % 4].run, &h, 1e-9 * kinds[i % 4].bytes * (double)h.n);
        bench_report(b, &row);
    }
    tg_tensor_release(x);
    tg_tensor_release(y);
    bench_close(&o);
}

/* ---- passes ------------------------------------------------------------------------------------------------- */

static void run_pass(bench *b, const request *r, bool first) {
    if (!b->only) {
        measure_peaks(b);
    }
    for (int i = 0; i < N_SUITES; i++) {
        if (r->wanted[i] && (first || !suites[i]->once)) {
            bench_run_suite(b, suites[i]);
        }
    }
}

static void run_all(bench *b, const request *r) {
    int all = processors();
    bench_print_header();
    b->threads = r->threads ? r->threads : 1;
    run_pass(b, r, true);
    if (!r->threads && all > 1) {
        b->threads = all;
        run_pass(b, r, false);
    }
}

/* Threads of OpenMP and OpenBLAS spin while they wait, so that calls in a row need not wake them, but no longer than the pause
 * before the next contender: about a millisecond, by iterations, as a power of two of clock ticks, in milliseconds. */
static void bound_spinning(void) {
    setenv("GOMP_SPINCOUNT", "20000", 0);
    setenv("OPENBLAS_THREAD_TIMEOUT", "21", 0);
    setenv("KMP_BLOCKTIME", "1", 0);
}

/* A release of OpenBLAS that is older than the processor takes it for a Pentium 4, a quarter of its speed; the name of a core with the
 * same vectors gives it the kernels that it has. */
static void name_core_for_openblas(void) {
    if (__builtin_cpu_is("intel")) {
        const char *core = __builtin_cpu_supports("avx512f") ? "SkylakeX"
                           : __builtin_cpu_supports("avx2")  ? "Haswell"
                                                             : NULL;
        if (core) {
            setenv("OPENBLAS_CORETYPE", core, 0);
        }
    }
}

int main(int argc, char **argv) {
    request r = {.python = "python3", .seconds = 2};
    if (!parse(argc, argv, &r) || r.threads < 0 || r.threads > 256) {
        fputs(
            "usage: tegula_bench [gemm|conv|attention|fft|rows|lowp|launch|jit|start|all]… "
            "[--case "
            "SUBSTRING] "
            "[--threads N] [--seconds S] [--json FILE] [--quick] [--busy] [--isa avx2] [--python "
            "PYTHON]\n",
            stderr);
        return 2;
    }
    if (r.busy) {
        r.threads = 1;
        bench_count_processor_time();
    }
    bound_spinning();
    name_core_for_openblas();
    bench b = {.quick = r.quick,
               .busy = r.busy,
               .seconds = r.seconds,
               .only = r.only,
               .root = BENCH_ROOT,
               .starter = BENCH_STARTER};
    if (r.json && !(b.json = fopen(r.json, "w"))) {
        bench_fail("cannot write %s", r.json);
    }
    b.torch = bench_torch_start(r.python, BENCH_ROOT "/bench/peer_torch.py", r.busy);
    print_environment(&b, r.isa);
    if (b.json) {
        fputs("[", b.json);
    }
    run_all(&b, &r);
    if (b.json) {
        fputs("\n]\n", b.json);
        fclose(b.json);
    }
    bench_torch_stop(b.torch);
    return 0;
}
