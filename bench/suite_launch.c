/* What a launch costs beside the kernel: a vector add of 16 elements, prepared. */
#include "bench/harness.h"

enum { N_SAMPLES = 21, N_CALLS = 20000 };

static void run(bench *b) {
    bench_ours o = bench_open(b, "tutorials/01-vector-add/vector_add.dsl", "add");
    int64_t n = 16;
    tg_tensor *t[3];
    bench_launch ours = {o.kernel, {{0}}, 3};
    for (uint32_t i = 0; i < 3; i++) {
        t[i] = bench_tensor(&o, TG_F32, 1, &n, i);
        ours.args[i] = tg_argument_tensor(t[i]);
    }
    double seconds[N_SAMPLES];
    bench_launch_run(&ours, N_CALLS);
    for (int r = 0; r < N_SAMPLES; r++) {
        seconds[r] = bench_launch_run(&ours, N_CALLS) / (double)N_CALLS;
    }
    bench_report_time(b, "launch", "one program", "us", seconds, N_SAMPLES, 1);
    for (int i = 0; i < 3; i++) {
        tg_tensor_release(t[i]);
    }
    bench_close(&o);
}

const bench_suite bench_suite_launch = {.name = "launch", .run = run};
