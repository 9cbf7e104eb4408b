/* C = A + B from memory and from the second-level cache. The peers are a loop written by hand with the same kind of
 * stores, the same with non-temporal stores, and PyTorch; the roof is the fastest copy of the same size. */
#include <math.h>

#include "bench/peers.h"

static void measure(bench *b, int64_t n, const char *where) {
    bench_ours o = bench_open(b, "tutorials/01-vector-add/vector_add.dsl", "add");
    tg_tensor *x = bench_tensor(&o, TG_F32, 1, &n, 1), *y = bench_tensor(&o, TG_F32, 1, &n, 2);
    tg_tensor *z = bench_tensor(&o, TG_F32, 1, &n, 3), *w = bench_tensor(&o, TG_F32, 1, &n, 4);
    bench_launch ours = {
        o.kernel, {tg_argument_tensor(x), tg_argument_tensor(y), tg_argument_tensor(z)}, 3};
    bench_hand hand = {b->threads,        n, tg_tensor_data(x), tg_tensor_data(y),
                       tg_tensor_data(w), 0};
    bench_torch_case torch = {b->torch, b->threads, ""};
    snprintf(torch.what, sizeof torch.what, "add %lld", (long long)n);
    double copied = 8e-9 * (double)n;
    bench_contender c[] = {
        {"tegula", BENCH_OURS, bench_launch_run, &ours, 0},
        {"hand", BENCH_PEER, bench_hand_add, &hand, 0},
        {"hand streaming", BENCH_PEER, bench_hand_add_streaming, &hand, 0},
        {"copy", BENCH_ROOF, bench_hand_copy, &hand, copied},
        {"copy streaming", BENCH_ROOF, bench_hand_copy_streaming, &hand, copied},
        {"torch", BENCH_PEER, bench_torch_run, &torch, 0},
    };
    bench_launch_run(&ours, 1);
    const float *p = tg_tensor_data(x), *q = tg_tensor_data(y), *r = tg_tensor_data(z);
    for (int64_t i = 0; i < n; i++) {
        bench_check("vector add", (double)fabsf(p[i] + q[i] - r[i]), 0);
    }
    bench_row row = {.suite = "vector-add", .unit = "GB/s", .goal = 0.95};
    snprintf(row.name, sizeof row.name, "f32 %lld (%s)", (long long)n, where);
    bench_compare(b, &row, 12e-9 * (double)n, c, 6);
    tg_tensor *all[] = {x, y, z, w};
    for (int i = 0; i < 4; i++) {
        tg_tensor_release(all[i]);
    }
    bench_close(&o);
}

void bench_vector_add(bench *b) {
    measure(b, 1 << 16, "L2");
    measure(b, b->quick ? 1 << 20 : 1 << 24, "memory");
}
