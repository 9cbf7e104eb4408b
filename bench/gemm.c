/* C = A B, square, f32 against OpenBLAS and PyTorch, bf16 against PyTorch; the roof is the FMA peak. */
#include <math.h>

#include "bench/peers.h"

/* Compares with products in f64 at some places; terms are at most 1. */
static void check(const tg_tensor *a, const tg_tensor *b, const tg_tensor *c, int64_t n) {
    const float *x = tg_tensor_data(a), *y = tg_tensor_data(b), *z = tg_tensor_data(c);
    for (int64_t i = 0; i < n; i += n / 7 + 1) {
        for (int64_t j = i % 5; j < n; j += n / 5 + 1) {
            double sum = 0;
            for (int64_t k = 0; k < n; k++) {
                sum += (double)x[i * n + k] * (double)y[k * n + j];
            }
            bench_check("gemm", fabs(sum - (double)z[i * n + j]), 0x1p-24 * 2 * (double)n);
        }
    }
}

static void measure(bench *b, int n, tg_dtype type) {
    bench_ours o = bench_open(b, "tutorials/03-gemm/gemm.dsl", "gemm");
    int64_t shape[] = {n, n};
    tg_tensor *x = bench_tensor(&o, type, 2, shape, 1),
              *y = bench_tensor(&o, type, 2, shape, 2);
    tg_tensor *z = bench_tensor(&o, type, 2, shape, 3),
              *w = bench_tensor(&o, TG_F32, 2, shape, 4);
    bool f32 = type == TG_F32;
    bench_launch ours = {
        o.kernel, {tg_argument_tensor(x), tg_argument_tensor(y), tg_argument_tensor(z)}, 3};
    bench_sgemm blas = {n, b->threads, tg_tensor_data(x), tg_tensor_data(y), tg_tensor_data(w)};
    bench_torch_case torch = {b->torch, b->threads, ""};
    snprintf(torch.what, sizeof torch.what, "gemm %s %d", tg_dtype_name(type), n);
    bench_hand peak = {.threads = b->threads, .n = 64 * b->threads};
    bench_contender c[] = {
        {"tegula", BENCH_OURS, bench_launch_run, &ours, 0},
        {"FMA peak", BENCH_ROOF, bench_hand_fma, &peak, bench_hand_fma_flops * b->threads},
        {"torch", BENCH_PEER, bench_torch_run, &torch, 0},
        {"OpenBLAS", BENCH_PEER, bench_sgemm_run, &blas, 0},
    };
    bench_row row = {.suite = "gemm", .unit = "GFLOP/s", .goal = f32 ? 0.85 : 0};
    snprintf(row.name, sizeof row.name, "%s %dx%dx%d", tg_dtype_name(type), n, n, n);
    bench_launch_run(&ours, 1);
    if (f32) {
        check(x, y, z, n);
    }
    bench_compare(b, &row, 2e-9 * n * n * n, c, f32 ? 4 : 3);
    tg_tensor *all[] = {x, y, z, w};
    for (int i = 0; i < 4; i++) {
        tg_tensor_release(all[i]);
    }
    bench_close(&o);
}

void bench_gemm(bench *b) {
    static const int sizes[] = {64, 128, 256, 512, 1024, 2048};
    for (int i = 0; i < (b->quick ? 3 : 6); i++) {
        measure(b, sizes[i], TG_F32);
    }
    for (int i = b->quick ? 2 : 4; i < (b->quick ? 3 : 6); i++) {
        measure(b, sizes[i], TG_BF16);
    }
}
