/* Attention of 12 heads, 1024 positions, width 64, f32, against two products and a softmax in PyTorch.
 *
 * The work counted is that of the full matrix of scores, or of its half for the causal form, for both sides: the
 * plain form computes all of it in either case. The roof is the FMA peak. */
#include <math.h>

#include "bench/peers.h"

enum { HEADS = 12, WIDTH = 64, MAX_LENGTH = 1024 };

/* One row of one head in f64. */
static void check_row(const float *q, const float *k, const float *v, const float *out,
                      int64_t keys) {
    double s[MAX_LENGTH], sum = 0;
    for (int64_t j = 0; j < keys; j++) {
        s[j] = 0;
        for (int d = 0; d < WIDTH; d++) {
            s[j] += 0.125 * (double)q[d] * (double)k[j * WIDTH + d];
        }
        sum += exp(s[j]);
    }
    for (int d = 0; d < WIDTH; d++) {
        double want = 0;
        for (int64_t j = 0; j < keys; j++) {
            want += exp(s[j]) / sum * (double)v[j * WIDTH + d];
        }
        bench_check("attention", fabs(want - (double)out[d]), 0x1p-24 * 2000);
    }
}

static void check(tg_tensor *const *t, int64_t length, bool causal) {
    for (int64_t row = 0; row < HEADS * length; row += 997) {
        int64_t head = row / length * length * WIDTH, at = row * WIDTH,
                keys = causal ? row % length + 1 : length;
        check_row((const float *)tg_tensor_data(t[0]) + at,
                  (const float *)tg_tensor_data(t[1]) + head,
                  (const float *)tg_tensor_data(t[2]) + head,
                  (const float *)tg_tensor_data(t[3]) + at, keys);
    }
}

static void measure(bench *b, int64_t length, bool causal) {
    bench_ours o = bench_open(b, "tutorials/06-attention/attention.dsl", "attention");
    int64_t shape[] = {1, HEADS, length, WIDTH};
    tg_tensor *t[5];
    for (uint32_t i = 0; i < 5; i++) { /* Q K V O, and LSE of a smaller rank */
        t[i] = bench_tensor(&o, TG_F32, i < 4 ? 4 : 3, shape, i + 1);
    }
    bench_launch ours = {o.kernel, {{0}}, 7};
    for (uint32_t i = 0; i < 5; i++) {
        ours.args[i] = tg_argument_tensor(t[i]);
    }
    ours.args[5] = tg_argument_float(0.125);
    ours.args[6] = tg_argument_bool(causal);
    bench_torch_case torch = {b->torch, b->threads, ""};
    snprintf(torch.what, sizeof torch.what, "attention %d %lld %d %d", HEADS, (long long)length,
             WIDTH, causal);
    bench_hand peak = {.threads = b->threads, .n = 64 * b->threads};
    bench_contender c[] = {
        {"tegula", BENCH_OURS, bench_launch_run, &ours, 0},
        {"FMA peak", BENCH_ROOF, bench_hand_fma, &peak, bench_hand_fma_flops * b->threads},
        {"torch 2 GEMM", BENCH_PEER, bench_torch_run, &torch, 0},
    };
    bench_launch_run(&ours, 1);
    check(t, length, causal);
    bench_row row = {.suite = "attention", .unit = "GFLOP/s", .goal = 2};
    snprintf(row.name, sizeof row.name, "f32 S%lld%s", (long long)length,
             causal ? " causal" : "");
    bench_compare(b, &row,
                  4e-9 * (double)(HEADS * WIDTH * length * length) * (causal ? 0.5 : 1), c, 3);
    for (int i = 0; i < 5; i++) {
        tg_tensor_release(t[i]);
    }
    bench_close(&o);
}

void bench_attention(bench *b) {
    int64_t length = b->quick ? 256 : MAX_LENGTH;
    measure(b, length, false);
    measure(b, length, true);
}
