/* See roof.h. */
#include "cli/roof.h"

#include "base/clock.h"
#include "tegula/ops.h"

#include <math.h>
#include <stdbool.h>

enum { WIDTH = 1024, LEAST_LAUNCHES = 5 };
static const double LEAST_MS = 40; /* of launches, after the one that compiles */

/* A kernel of the library on two or three tensors. */
typedef tg_status launch(tg_context *c, tg_tensor *const *t);

static tg_status product(tg_context *c, tg_tensor *const *t) {
    return tg_op_matmul(c, t[0], t[1], t[2], NULL);
}

static tg_status sum(tg_context *c, tg_tensor *const *t) {
    return tg_op_reduce_sum(c, t[0], t[1]);
}

static tg_status copy(tg_context *c, tg_tensor *const *t) {
    return tg_op_copy(c, t[0], t[1]);
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

tg_dtype cli_roof_dtype(tg_dtype dtype) {
    return dtype == TG_F16 || dtype == TG_BF16 || dtype == TG_F64 ? dtype : TG_F32;
}

double cli_roof_gflops(tg_context *c, tg_dtype dtype) {
    enum { SIZE = 512 };
    tg_tensor *t[3];
    for (int i = 0; i < 3; i++) {
        t[i] = tg_tensor_create(c, dtype, 2, (int64_t[]){SIZE, SIZE});
    }
    double ms = t[0] && t[1] && t[2] ? best_ms(c, product, t) : INFINITY;
    for (int i = 0; i < 3; i++) {
        tg_tensor_release(t[i]);
    }
    return 2.0 * SIZE * SIZE * SIZE / ms * 1e-6;
}

/* Of a kernel that reads `rows` rows and writes as many, or a number each. */
static double moved_gbps(tg_context *c, launch *run, int64_t rows, int64_t written, double bytes) {
    tg_tensor *t[2] = {tg_tensor_create(c, TG_F32, 2, (int64_t[]){rows, WIDTH}),
                       tg_tensor_create(c, TG_F32, written == 1 ? 1 : 2, (int64_t[]){rows, written})};
    /* Written once: pages that were never touched are all the same page of zeros. */
    bool ready = t[0] && t[1] && !tg_op_fill(c, t[0], 1);
    double ms = ready ? best_ms(c, run, t) : INFINITY;
    tg_tensor_release(t[0]);
    tg_tensor_release(t[1]);
    return bytes / ms * 1e-6;
}

double cli_roof_gbps(tg_context *c, double bytes) {
    const double most = 256 << 20, row = WIDTH * sizeof(float);
    int64_t rows = (int64_t)ceil(fmin(bytes, most) / row), half = (rows + 1) / 2;
    if (rows == 0) {
        return 0;
    }
    return fmax(moved_gbps(c, sum, rows, 1, (double)rows * row), moved_gbps(c, copy, half, WIDTH, 2 * (double)half * row));
}
