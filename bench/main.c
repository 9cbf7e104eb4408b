/* tegula_bench: measures Tegula against its peers on this machine. scripts/bench builds and runs it.
 *
 *   tegula_bench [SUITE…] [--threads N] [--json FILE] [--quick] [--busy] [--python PYTHON]
 *
 * Without --threads every suite runs with one thread and then with all. No thread is bound to a processor, neither
 * ours nor a peer's; all may use the processors of the process.
 *
 * --busy is for a machine that others use: it runs one thread and counts processor time instead of wall time, for
 * ours and peers alike. */
#define _GNU_SOURCE /* sched_getaffinity */
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/peers.h"

typedef struct suite {
    const char *name;
    void (*run)(bench *b);
    bool once; /* does not depend on the number of threads */
} suite;

static const suite suites[] = {
    {"gemm", bench_gemm, false},          {"vector-add", bench_vector_add, false},
    {"softmax", bench_softmax, false},    {"attention", bench_attention, false},
    {"launch", bench_launch_cost, false}, {"jit", bench_jit, true},
    {"start", bench_start, true},
};
enum { N_SUITES = sizeof suites / sizeof *suites };

typedef struct request {
    bool wanted[N_SUITES];
    int threads; /* 0: one, then all */
    bool quick, busy;
    const char *json, *python;
} request;

static int processors(void) {
    cpu_set_t set;
    CPU_ZERO(&set);
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

static bool want(request *r, const char *name) {
    bool found = false;
    for (int i = 0; i < N_SUITES; i++) {
        if (strcmp(name, "all") == 0 || strcmp(name, suites[i].name) == 0 ||
            (strcmp(name, "jit") == 0 && strcmp(suites[i].name, "start") == 0)) {
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
        } else if (strcmp(argv[i], "--json") == 0 && i + 1 < argc) {
            r->json = argv[++i];
        } else if (strcmp(argv[i], "--python") == 0 && i + 1 < argc) {
            r->python = argv[++i];
        } else if (want(r, argv[i])) {
            n_suites++;
        } else {
            return false;
        }
    }
    return n_suites || want(r, "all");
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

static void print_environment(const bench *b) {
    char date[32];
    time_t now = time(NULL);
    strftime(date, sizeof date, "%Y-%m-%d %H:%M UTC", gmtime(&now));
    print_processor();
    printf("processors  %d\n", processors());
    printf("date        %s\n", date);
    printf("tegula      %s\n", tg_version_string());
    const char *blas = bench_blas_version();
    printf("OpenBLAS    %s\n", blas ? blas : "not found");
    printf("PyTorch     %s\n\n", b->torch ? bench_torch_version(b->torch) : "not found");
}

static double best_rate(bench_run_fn run, void *user, double work) {
    double best = 0;
    for (int i = 0; i < 7; i++) {
        double t = run(user, work < 0.01 ? 200 : 1);
        double rate = t > 0 ? work * (work < 0.01 ? 200 : 1) / t : 0;
        best = rate > best ? rate : best;
    }
    return best;
}

/* The best of some tries: these are limits, not competitors. */
static void measure_peaks(bench *b) {
    static const struct {
        const char *name;
        bench_run_fn run;
    } kinds[] = {{"peak read", bench_hand_read},
                 {"peak copy", bench_hand_copy},
                 {"peak copy streaming", bench_hand_copy_streaming},
                 {"peak memcpy", bench_hand_memcpy}};
    bench_ours o = bench_open(b, "tutorials/01-vector-add/vector_add.dsl", "add");
    int64_t n = 1 << 24;
    tg_tensor *x = bench_tensor(&o, TG_F32, 1, &n, 1), *y = bench_tensor(&o, TG_F32, 1, &n, 2);
    bench_hand h = {b->threads,        64 * b->threads,   tg_tensor_data(x),
                    tg_tensor_data(x), tg_tensor_data(y), 0};
    bench_row row = {.suite = "machine",
                     .name = "peak FMA f32",
                     .threads = b->threads,
                     .unit = "GFLOP/s",
                     .best_peer = -1,
                     .best_peer_name = "",
                     .ratio = -1,
                     .roofline_fraction = -1};
    row.ours = best_rate(bench_hand_fma, &h, bench_hand_fma_flops * b->threads);
    bench_report(b, &row);
    row.unit = "GB/s";
    for (int i = 0; i < 8; i++) {
        int64_t part = i < 4 ? n : 1 << 16;
        h.n = part;
        snprintf(row.name, sizeof row.name, "%s%s", kinds[i % 4].name, i < 4 ? "" : " L2");
        row.ours = best_rate(kinds[i % 4].run, &h, (i % 4 == 0 ? 4e-9 : 8e-9) * (double)part);
        bench_report(b, &row);
    }
    tg_tensor_release(x);
    tg_tensor_release(y);
    bench_close(&o);
}

/* ---- passes ------------------------------------------------------------------------------------------------- */

static void run_pass(bench *b, const request *r, bool first) {
    measure_peaks(b);
    for (int i = 0; i < N_SUITES; i++) {
        if (r->wanted[i] && (first || !suites[i].once)) {
            suites[i].run(b);
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

int main(int argc, char **argv) {
    request r = {.python = "python3"};
    if (!parse(argc, argv, &r) || r.threads < 0 || r.threads > 256) {
        fputs("usage: tegula_bench [gemm|vector-add|softmax|attention|launch|jit|start|all]… "
              "[--threads N] "
              "[--json FILE] [--quick] [--busy] [--python PYTHON]\n",
              stderr);
        return 2;
    }
    if (r.busy) {
        r.threads = 1;
        bench_count_processor_time();
    }
    bench b = {.quick = r.quick, .busy = r.busy, .root = BENCH_ROOT, .starter = BENCH_STARTER};
    if (r.json && !(b.json = fopen(r.json, "w"))) {
        bench_fail("cannot write %s", r.json);
    }
    b.torch = bench_torch_start(r.python, BENCH_ROOT "/bench/peer_torch.py", r.busy);
    print_environment(&b);
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
