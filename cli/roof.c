/* See roof.h. */
#include "cli/roof.h"

#include "base/clock.h"
#include "jit/context.h"
#include "tegula/ops.h"

#include <math.h>

enum { WIDTH = 1024, LEAST_LAUNCHES = 5 };
static const double LEAST_MS = 40; /* of launches, after the one that compiles */

/* A kernel of the library on three tensors, the second or third may be null. */
typedef tg_status launch(tg_context *c, tg_tensor *const *t);

static tg_status product(tg_context *c, tg_tensor *const *t) {
    return tg_op_matmul(c, t[0], t[1], t[2], NULL);
}

static tg_status sum(tg_context *c, tg_tensor *const *t) {
    return tg_op_reduce_sum(c, t[0], t[1]);
}

/* The fastest launch in milliseconds; infinite: it failed. */
static double best_ms(tg_context *c, launch *run, tg_tensor *const *t) {
    double best = INFINITY, begin = 0;
    for (int i = 0; i <= LEAST_LAUNCHES || tg_now_ms() - begin < LEAST_MS; i++) {
        double start = tg_now_ms();
        if (run(c, t)) {
            return INFINITY;
        }
        if (i == 0) {
            begin = tg_now_ms(); /* the first launch compiles */
        } else {
            best = fmin(best, tg_now_ms() - start);
        }
    }
    return best;
}

static double product_gflops(tg_context *c, tg_dtype dtype) {
    enum { SIZE = 512 };
    tg_tensor *t[3] = {NULL};
    double ms = INFINITY;
    for (int i = 0; i < 3; i++) {
        t[i] = tg_tensor_create(c, dtype, 2, (int64_t[]){SIZE, SIZE});
    }
    if (t[0] && t[1] && t[2]) {
        ms = best_ms(c, product, t);
    }
    for (int i = 0; i < 3; i++) {
        tg_tensor_release(t[i]);
    }
    return 2.0 * SIZE * SIZE * SIZE / ms * 1e-6;
}

static double read_gbs(tg_context *c, int64_t bytes) {
    int64_t rows = bytes / (WIDTH * (int64_t)sizeof(float));
    rows = rows > 0 ? rows : 1;
    tg_tensor *t[2] = {tg_tensor_create(c, TG_F32, 2, (int64_t[]){rows, WIDTH}),
                       tg_tensor_create(c, TG_F32, 1, &rows)};
    /* Written once: pages that were never touched are all the same page of zeros. */
    double ms = t[0] && t[1] && !tg_op_fill(c, t[0], 1) ? best_ms(c, sum, t) : INFINITY;
    tg_tensor_release(t[0]);
    tg_tensor_release(t[1]);
    return (double)rows * WIDTH * sizeof(float) / ms * 1e-6;
}

cli_roof cli_measure_roof(tg_context *c, tg_dtype dtype) {
    const int64_t most = (int64_t)256 << 20;
    const tg_machine *m = &c->machine;
    int64_t threads = tg_context_n_threads(c), all = m->l3_bytes > m->l2_bytes ? m->l3_bytes : m->l2_bytes;
    bool is_float = dtype == TG_F16 || dtype == TG_BF16 || dtype == TG_F64;
    cli_roof roof = {.dtype = is_float ? dtype : TG_F32};
    roof.gflops = product_gflops(c, roof.dtype);
    roof.cache_gbs = read_gbs(c, m->l2_bytes / 2 * threads);
    roof.memory_gbs = read_gbs(c, 4 * all < most ? 4 * all : most);
    return roof;
}
