/* C = A B in f32: the shapes of deep learning and linear algebra, small squares, one row (GEMV) and few.
 *
 * Small squares come twice: as ordinary launches, and bound. libxsmm finds or makes its function before the clock starts and is then
 * called with three addresses; its like is a bound launch, so the goal is that one's. Weights that are packed beforehand have rows of
 * their own, as oneDNN's matmul on its own layout is among the peers of every row. */
#include <math.h>

#include "bench/peers.h"

typedef struct gemm_case {
    bench_case head;
    int m, n, k;
    bool bound, packed;
} gemm_case;

#define SQUARE(n, goal, quick)                                                                 \
    { {"f32 " #n "^3", goal, quick}, n, n, n, false, false }
#define BOUND(n, goal, quick)                                                                  \
    { {"f32 " #n "^3 bound", goal, quick}, n, n, n, true, false }
#define SHAPE(m, n, k, goal)                                                                   \
    { {"f32 " #m "," #n "," #k, goal, false}, m, n, k, false, false }
#define WEIGHTS(m, n, k, goal)                                                                 \
    { {"f32 " #m "," #n "," #k " packed", goal, false}, m, n, k, false, true }
static const gemm_case cases[] = {
    SQUARE(64, 0.95, true),      SQUARE(128, 0.95, false),  SQUARE(256, 0.95, true),
    SQUARE(512, 0.95, false),    SQUARE(1024, 0.95, false), SQUARE(2048, 0.95, false),
    SHAPE(1, 4096, 4096, 0.95),  SHAPE(8, 4096, 4096, 1),   SHAPE(128, 768, 768, 0.95),
    SHAPE(256, 3072, 768, 0.95), SHAPE(512, 512, 64, 0.95), SQUARE(1000, 0.95, false),
    SHAPE(127, 129, 131, 0.95),  SHAPE(4096, 64, 64, 0.95), SQUARE(96, 0.95, false),
    SQUARE(48, 0, false),        SQUARE(32, 0, false),      SQUARE(24, 0, false),
    SQUARE(16, 0, false),        SQUARE(8, 0, true),        SQUARE(4, 0, false),
    BOUND(64, 0.95, false),      BOUND(48, 0.8, false),     BOUND(32, 0.8, false),
    BOUND(24, 0.8, false),       BOUND(16, 0.8, false),     BOUND(8, 0.8, true),
    BOUND(4, 0.8, false),        WEIGHTS(128, 768, 768, 0.95), WEIGHTS(256, 3072, 768, 0.95),
};

/* Products in f64 at some places. A sum of k terms below 1 is off by at most k roundings of at most k. */
static void check(const bench_plan *p) {
    const gemm_case *s = p->the_case;
    const float *x = tg_tensor_data(p->tensors[0]), *y = tg_tensor_data(p->tensors[1]);
    const float *z = tg_tensor_data(p->out);
    for (int i = 0; i < s->m; i += s->m / 7 + 1) {
        for (int j = i % 5; j < s->n; j += s->n / 5 + 1) {
            double sum = 0;
            for (int k = 0; k < s->k; k++) {
                sum += (double)x[(int64_t)i * s->k + k] * (double)y[(int64_t)k * s->n + j];
            }
            bench_check("gemm", fabs(sum - (double)z[(int64_t)i * s->n + j]), p->tolerance);
        }
    }
}

static void prepare(bench_plan *p, const void *the_case) {
    const gemm_case *s = the_case;
    int64_t ad[] = {s->m, s->k}, bd[] = {s->k, s->n}, cd[] = {s->m, s->n};
    double m = s->m, n = s->n, k = s->k;
    p->work = p->flops = 2e-9 * m * n * k;
    p->bytes = 4e-9 * (m * k + k * n + m * n);
    p->tolerance = 0x1p-24 * 2 * k;
    p->check = check;
    bench_plan_ours(p, "tutorials/03-gemm/gemm.dsl", "gemm");
    tg_tensor *a = bench_plan_tensor(p, TG_F32, 2, ad),
              *b = bench_plan_tensor(p, TG_F32, 2, bd);
    tg_tensor *c = bench_plan_tensor(p, TG_F32, 2, cd),
              *w = bench_plan_tensor(p, TG_F32, 2, cd);
    p->out = c;
    p->launch.bound = s->bound;
    bench_plan_arg(p, tg_argument_tensor(a));
    bench_plan_arg(p, tg_argument_tensor(b));
    bench_plan_arg(p, tg_argument_tensor(c));
    if (s->packed) {
        bench_plan_pack(p, 1);
    }
    bench_matmul g = {
        TG_F32,           s->m, s->n, s->k, p->b->threads, tg_tensor_data(a), tg_tensor_data(b),
        tg_tensor_data(w), false};
    bench_add_fma_roof(p);
    if (s->m <= 8 && s->n >= 1024) { /* B is read once: memory is the limit */
        bench_add_read_roof(p, tg_tensor_data(b), (int64_t)s->k * s->n);
    }
    bench_add_cblas(p, &g);
    bench_add_onednn_matmul(p, &g);
    bench_add_xsmm(p, &g);
    bench_add_torch(p, "PyTorch", "gemm f32 %d %d %d", s->m, s->n, s->k);
}

const bench_suite bench_suite_gemm = {.name = "gemm",
                                      .cases = cases,
                                      .case_size = sizeof *cases,
                                      .n_cases = sizeof cases / sizeof *cases,
                                      .prepare = prepare,
                                      .unit = "GFLOP/s"};
