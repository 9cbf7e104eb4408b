/* Softmax of 4096 rows of 4096: each element is read once and written once, so the roof is a copy. */
#include <math.h>

#include "bench/peers.h"

/* A weight has the error of its exponential and of the sum. */
static void check_row(const float *x, const float *y, int64_t n) {
    double top = -INFINITY, sum = 0;
    for (int64_t j = 0; j < n; j++) {
        top = fmax(top, (double)x[j]);
    }
    for (int64_t j = 0; j < n; j++) {
        sum += exp((double)x[j] - top);
    }
    for (int64_t j = 0; j < n; j++) {
        double want = exp((double)x[j] - top) / sum;
        bench_check("softmax", fabs(want - (double)y[j]),
                    want * 0x1p-24 * (double)(n / 16 + 64));
    }
}

void bench_softmax(bench *b) {
    int64_t m = b->quick ? 256 : 4096, n = 4096, shape[] = {m, n};
    bench_ours o = bench_open(b, "tutorials/02-softmax/softmax.dsl", "softmax");
    tg_tensor *x = bench_tensor(&o, TG_F32, 2, shape, 1),
              *y = bench_tensor(&o, TG_F32, 2, shape, 2);
    tg_tensor *w = bench_tensor(&o, TG_F32, 2, shape, 3);
    bench_launch ours = {o.kernel, {tg_argument_tensor(x), tg_argument_tensor(y)}, 2};
    bench_hand hand = {b->threads,        m * n, tg_tensor_data(x), tg_tensor_data(x),
                       tg_tensor_data(w), 0};
    bench_torch_case torch = {b->torch, b->threads, ""};
    snprintf(torch.what, sizeof torch.what, "softmax %lld %lld", (long long)m, (long long)n);
    double bytes = 8e-9 * (double)(m * n);
    bench_contender c[] = {
        {"tegula", BENCH_OURS, bench_launch_run, &ours, 0},
        {"copy", BENCH_ROOF, bench_hand_copy, &hand, bytes},
        {"copy streaming", BENCH_ROOF, bench_hand_copy_streaming, &hand, bytes},
        {"memcpy", BENCH_ROOF, bench_hand_memcpy, &hand, bytes},
        {"torch", BENCH_PEER, bench_torch_run, &torch, 0},
    };
    bench_launch_run(&ours, 1);
    for (int64_t i = 0; i < m; i += m / 9 + 1) {
        check_row((const float *)tg_tensor_data(x) + i * n,
                  (const float *)tg_tensor_data(y) + i * n, n);
    }
    bench_row row = {.suite = "softmax", .unit = "GB/s", .goal = 2};
    snprintf(row.name, sizeof row.name, "f32 %lldx%lld", (long long)m, (long long)n);
    bench_compare(b, &row, bytes, c, 5);
    tg_tensor_release(x);
    tg_tensor_release(y);
    tg_tensor_release(w);
    bench_close(&o);
}
