/* Forward transforms in f32, out of place: single ones, batches of some 1 MB, real ones, lengths that are no powers of
 * two, two dimensions. GFLOP/s count 5 N log2 N operations (2.5 for real input), whatever the algorithm does; the limit
 * of memory is a copy of the data. Plans of both sides are made before anything is timed. */
#include <math.h>
#include <tegula/ops.h>

#include "bench/peers.h"

typedef struct fft_case {
    bench_case head;
    bool real;
    int n0, n1, batch;
} fft_case;

#define C2C(n, batch, goal)                                                                    \
    { {"c2c " #n " x" #batch, goal, false}, false, 1, n, batch }
#define ONE(n, goal)                                                                           \
    { {"c2c " #n, goal, n == 1024}, false, 1, n, 1 }
#define R2C(n, goal)                                                                           \
    { {"r2c " #n, goal, false}, true, 1, n, 1 }
static const fft_case cases[] = {
    ONE(16, 0.85),
    ONE(64, 0.85),
    ONE(256, 0.85),
    ONE(512, 0.85),
    ONE(1024, 0.85),
    ONE(2048, 0.85),
    ONE(4096, 0.85),
    ONE(8192, 0.9),
    ONE(16384, 0.9),
    ONE(32768, 0.9),
    ONE(131072, 1.3),
    ONE(524288, 1.3),
    ONE(1048576, 1.3),
    C2C(16, 8192, 1),
    C2C(64, 2048, 1),
    C2C(256, 512, 1),
    C2C(1024, 128, 1),
    C2C(4096, 32, 1),
    C2C(16384, 8, 1),
    C2C(65536, 2, 1),
    R2C(64, 0.85),
    R2C(256, 0.85),
    R2C(1024, 0.85),
    R2C(4096, 0.85),
    R2C(16384, 0.85),
    R2C(65536, 0.85),
    R2C(262144, 1.3),
    R2C(1048576, 1.3),
    ONE(1000, 0.85),
    ONE(1536, 0.85),
    ONE(1009, 1.2),
    ONE(1200, 0.85),
    ONE(2187, 0.85),
    ONE(44100, 0.85),
    C2C(1000, 128, 1),
    C2C(1536, 128, 1),
    C2C(1009, 128, 1.2),
    {{"2d 512x512", 1.3, false}, false, 512, 512, 1},
    {{"2d 64x64", 0.85, false}, false, 64, 64, 1},
};

/* ---- ours --------------------------------------------------------------------------------------------------- */

typedef struct transform {
    tg_fft_plan *plan;
    const tg_tensor *x;
    tg_tensor *y;
} transform;

static double run(void *user, int64_t calls) {
    const transform *t = user;
    double start = bench_now();
    for (int64_t i = 0; i < calls; i++) {
        if (tg_fft_execute(t->plan, t->x, t->y) != TG_OK) {
            bench_fail("transform failed");
        }
    }
    return bench_now() - start;
}

static void destroy(void *user) {
    const transform *t = user;
    tg_fft_plan_destroy(t->plan);
}

/* `data` as the tensor that the library wants: batch x n1, or n0 x n1. */
static tg_tensor *shaped(bench_plan *p, tg_tensor *data, tg_dtype type, int64_t width) {
    const fft_case *c = p->the_case;
    int64_t shape[] = {c->n0 > 1 ? c->n0 : c->batch, width};
    return bench_plan_own(p, tg_tensor_from_memory(p->ours.context, type, 2, shape, NULL,
                                                   tg_tensor_data(data), NULL, NULL));
}

static void add_ours(bench_plan *p, tg_tensor *x) {
    const fft_case *c = p->the_case;
    tg_fft_options options = TG_FFT_OPTIONS_INIT;
    options.kind = c->real ? TG_FFT_R2C : TG_FFT_C2C;
    int64_t n[] = {c->n0, c->n1};
    uint32_t rank = c->n0 > 1 ? 2 : 1;
    transform t = {.x = shaped(p, x, c->real ? TG_F32 : TG_C32, c->n1),
                   .y = shaped(p, p->out, TG_C32, c->real ? c->n1 / 2 + 1 : c->n1)};
    if (tg_fft_plan_create(p->ours.context, rank, rank == 2 ? n : n + 1, &options, &t.plan) !=
        TG_OK) {
        bench_fail("%s", tg_last_error(p->ours.context));
    }
    bench_plan_add(p, "tegula", BENCH_OURS, run, &t, sizeof t)->destroy = destroy;
}

/* ---- the reference ------------------------------------------------------------------------------------------ */

/* Output (k0, k1) of transform `b` by the definition, in f64. */
static void exact(const bench_plan *p, int64_t b, int64_t k0, int64_t k1, double sum[2]) {
    const fft_case *c = p->the_case;
    int64_t n0 = c->n0, n1 = c->n1;
    const float *x = tg_tensor_data(p->tensors[0]);
    x += b * n0 * n1 * (c->real ? 1 : 2);
    sum[0] = sum[1] = 0;
    for (int64_t i = 0; i < n0 * n1; i++) {
        int64_t turns0 = i / n1 * k0 % n0, turns1 = i % n1 * k1 % n1;
        double turn =
            -2 * acos(-1) * ((double)turns0 / (double)n0 + (double)turns1 / (double)n1);
        double re = (double)x[c->real ? i : 2 * i], im = c->real ? 0 : (double)x[2 * i + 1];
        sum[0] += re * cos(turn) - im * sin(turn);
        sum[1] += re * sin(turn) + im * cos(turn);
    }
}

static void check(const bench_plan *p) {
    const fft_case *c = p->the_case;
    int64_t width = c->real ? c->n1 / 2 + 1 : c->n1;
    const float *y = tg_tensor_data(p->out);
    for (int64_t b = 0; b<c->batch; b += c->batch> 1 ? c->batch - 1 : 1) {
        for (int64_t k1 = 0; k1 < width; k1 += width / 5 + 1) {
            int64_t k0 = (k1 + c->n0 / 3) % c->n0;
            double want[2];
            exact(p, b, k0, k1, want);
            const float *at = y + 2 * ((b * c->n0 + k0) * width + k1);
            double error = hypot(want[0] - (double)at[0], want[1] - (double)at[1]);
            bench_check(p->row.name, error, p->tolerance);
        }
    }
}

/* ---- the suite ---------------------------------------------------------------------------------------------- */

static void prepare(bench_plan *p, const void *the_case) {
    const fft_case *c = the_case;
    double n = (double)c->n0 * c->n1;
    int64_t in = (int64_t)c->n0 * c->n1 * c->batch * (c->real ? 1 : 2);
    int64_t out = c->real ? (int64_t)(c->n1 / 2 + 1) * 2 * c->batch : in;
    p->work = 1e-9 * (c->real ? 2.5 : 5) * n * log2(n) * c->batch;
    p->flops = p->work;
    p->bytes = 4e-9 * (double)(in + out);
    /* Outputs have a root mean square of sqrt(2 n / 3). Each of log2 n stages is off by some three roundings of that,
     * of independent signs; the largest of 10^6 normal errors is at five standard deviations, six are allowed. A prime
     * length takes three transforms of up to four times the length. */
    bool prime = c->n1 == 1009;
    p->tolerance =
        0x1p-24 * 18 * sqrt(2 * n / 3) * (prime ? sqrt(3 * log2(4 * n)) : sqrt(log2(n)));
    p->check = check;
    bench_plan_context(p);
    tg_tensor *x = bench_plan_tensor(p, TG_F32, 1, &in);
    p->out = bench_plan_tensor(p, TG_F32, 1, &out);
    tg_tensor *theirs = bench_plan_tensor(p, TG_F32, 1, &out);
    add_ours(p, x);
    bench_fft f = {c->real,
                   c->n0,
                   c->n1,
                   c->batch,
                   p->b->threads,
                   tg_tensor_data(x),
                   tg_tensor_data(theirs)};
    bench_add_fma_roof(p);
    if (in >= 64) {
        bench_add_copy_roof(p, f.in, f.out, in);
    }
    bench_add_fftw(p, &f);
}

const bench_suite bench_suite_fft = {.name = "fft",
                                     .cases = cases,
                                     .case_size = sizeof *cases,
                                     .n_cases = sizeof cases / sizeof *cases,
                                     .prepare = prepare,
                                     .unit = "GFLOP/s"};
