/* Forward transforms in f32, out of place: single ones, batches of some 1 MB, real ones, lengths that are no powers of
 * two, two dimensions. GFLOP/s count 5 N log2 N operations (2.5 for real input), whatever the algorithm does; the limit
 * of memory is a copy of the data.
 *
 * There is no kernel of ours yet: rows show the peers alone. */
#include <math.h>

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

static void prepare(bench_plan *p, const void *the_case) {
    const fft_case *c = the_case;
    double n = (double)c->n0 * c->n1;
    int64_t in = (int64_t)c->n0 * c->n1 * c->batch * (c->real ? 1 : 2);
    int64_t out = c->real ? (int64_t)(c->n1 / 2 + 1) * 2 * c->batch : in;
    p->work = 1e-9 * (c->real ? 2.5 : 5) * n * log2(n) * c->batch;
    p->flops = p->work;
    p->bytes = 4e-9 * (double)(in + out);
    bench_plan_no_kernel(p, NULL, NULL);
    tg_tensor *x = bench_plan_tensor(p, TG_F32, 1, &in);
    tg_tensor *theirs = bench_plan_tensor(p, TG_F32, 1, &out);
    bench_fft f = {c->real,
                   c->n0,
                   c->n1,
                   c->batch,
                   p->b->threads,
                   tg_tensor_data(x),
                   tg_tensor_data(theirs)};
    bench_add_fftw(p, &f);
}

const bench_suite bench_suite_fft = {.name = "fft",
                                     .cases = cases,
                                     .case_size = sizeof *cases,
                                     .n_cases = sizeof cases / sizeof *cases,
                                     .prepare = prepare,
                                     .unit = "GFLOP/s"};
