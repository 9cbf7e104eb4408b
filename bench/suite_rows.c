/* Operations bound by memory, on rows in the first- and second-level cache, the third, and memory. The roof is the
 * fastest copy of as many elements, for the sums the fastest read. GB/s count what must move: each operand once. */
#include <math.h>

#include "bench/peers.h"

typedef struct row_case {
    bench_case head;
    bench_row_op op;
    int64_t rows, cols;
} row_case;

#define SIZES(name, op, goal)                                                                  \
    {{name " 16x1024", goal, true}, op, 16, 1024},                                             \
        {{name " 128x1024", goal, false}, op, 128, 1024},                                      \
        {{name " 1024x1024", goal, false}, op, 1024, 1024}, {                                  \
        {name " 4096x4096", goal, false}, op, 4096, 4096                                       \
    }
static const row_case cases[] = {
    SIZES("softmax", BENCH_SOFTMAX, 1.5), SIZES("layernorm", BENCH_LAYER_NORM, 1.1),
    SIZES("gelu", BENCH_GELU, 1.4),       SIZES("exp", BENCH_EXP, 1),
    SIZES("add", BENCH_ADD, 0.95),        SIZES("sum", BENCH_ROW_SUM, 0.95),
    SIZES("copy", BENCH_COPY, 0.95),
};

/* Where our kernel is, and what the operation moves, in floats for each element. */
static const struct {
    const char *file, *kernel, *torch;
    double floats;
} about[] = {
    [BENCH_SOFTMAX] = {"tutorials/02-softmax/softmax.dsl", "softmax", "softmax", 2},
    [BENCH_LAYER_NORM] = {"tutorials/05-layer-norm/layer_norm.dsl", "layer_norm", "layernorm",
                          2},
    [BENCH_GELU] = {"bench/kernels/rows.dsl", "gelu", "gelu", 2},
    [BENCH_EXP] = {"bench/kernels/rows.dsl", "exponential", "exp", 2},
    [BENCH_ADD] = {"bench/kernels/rows.dsl", "add", "add", 3},
    [BENCH_ROW_SUM] = {"bench/kernels/rows.dsl", "row_sum", "sum", 1},
    [BENCH_COPY] = {"bench/kernels/rows.dsl", "copy", "copy", 2},
};

/* ---- the reference, in f64 ---------------------------------------------------------------------------------- */

static double gelu(double x) {
    return 0.5 * x * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
}

typedef struct moments {
    double top, sum, exp_sum, variance;
} moments;

static moments moments_of(const float *x, int64_t n) {
    moments m = {.top = -INFINITY};
    for (int64_t j = 0; j < n; j++) {
        m.top = fmax(m.top, (double)x[j]);
        m.sum += (double)x[j];
    }
    for (int64_t j = 0; j < n; j++) {
        double d = (double)x[j] - m.sum / (double)n;
        m.exp_sum += exp((double)x[j] - m.top);
        m.variance += d * d / (double)n;
    }
    return m;
}

/* Element j of row i. */
static double want(const bench_plan *p, const row_case *c, int64_t i, int64_t j,
                   const moments *m) {
    const float *second = tg_tensor_data(p->tensors[1]);
    double x = (double)((const float *)tg_tensor_data(p->tensors[0]))[i * c->cols + j];
    double n = (double)c->cols;
    switch (c->op) {
    case BENCH_SOFTMAX:
        return exp(x - m->top) / m->exp_sum;
    case BENCH_LAYER_NORM:
        return (x - m->sum / n) / sqrt(m->variance + 1e-5) * (double)second[j] +
               (double)second[c->cols + j];
    case BENCH_GELU:
        return gelu(x);
    case BENCH_EXP:
        return exp(x);
    case BENCH_ADD:
        return x + (double)second[i * c->cols + j];
    case BENCH_ROW_SUM:
        return m->sum;
    case BENCH_COPY:
        return x;
    }
    return NAN;
}

static void check(const bench_plan *p) {
    const row_case *c = p->the_case;
    const float *x = tg_tensor_data(p->tensors[0]), *y = tg_tensor_data(p->out);
    int64_t width = c->op == BENCH_ROW_SUM ? 1 : c->cols;
    for (int64_t i = 0; i < c->rows; i += c->rows / 9 + 1) {
        moments m = moments_of(x + i * c->cols, c->cols);
        for (int64_t j = 0; j < width; j++) {
            bench_check(p->row.name, fabs(want(p, c, i, j, &m) - (double)y[i * width + j]),
                        p->tolerance);
        }
    }
}

/* Inputs are below 1, results below 4 (sums apart). Softmax: results below e^2/n, off by their exponential and the sum
 * of n; sums: n roundings of at most n; the others a few dozen roundings. */
static double tolerance(const row_case *c) {
    double n = (double)c->cols;
    switch (c->op) {
    case BENCH_SOFTMAX:
        return 0x1p-24 * 8 / n * (n / 16 + 64);
    case BENCH_ROW_SUM:
        return 0x1p-24 * n * 16;
    case BENCH_ADD:
        return 0x1p-24 * 2;
    case BENCH_COPY:
        return 0;
    case BENCH_GELU:
    case BENCH_EXP:
    case BENCH_LAYER_NORM:
        break;
    }
    return 0x1p-24 * 64;
}

/* ---- contenders --------------------------------------------------------------------------------------------- */

static void add_hand(bench_plan *p, const char *name, bench_run_fn run, const bench_rows *r) {
    bench_hand h = {
        .threads = r->threads, .n = r->rows * r->cols, .a = r->a, .b = r->b, .c = r->y};
    bench_plan_add(p, name, BENCH_PEER, run, &h, sizeof h)->result = r->y;
}

static void add_peers(bench_plan *p, const row_case *c, const bench_rows *r, float *scratch) {
    if (c->op == BENCH_ROW_SUM) {
        bench_add_read_roof(p, r->a, c->rows * c->cols);
    } else {
        bench_add_copy_roof(p, r->a, scratch, c->rows * c->cols);
    }
    if (c->op == BENCH_ADD) {
        add_hand(p, "by hand", bench_hand_add, r);
        add_hand(p, "by hand, streaming", bench_hand_add_streaming, r);
    }
    if (c->op == BENCH_COPY) {
        add_hand(p, "memcpy", bench_hand_memcpy, r);
    }
    bench_add_onednn_rows(p, r);
    bench_add_torch(p, "PyTorch", "%s %lld %lld", about[c->op].torch, (long long)c->rows,
                    (long long)c->cols);
}

/* X, then what else the kernel reads, then its results. */
static void add_args(bench_plan *p, const row_case *c, tg_tensor *x, tg_tensor *second) {
    int64_t cols = c->cols, rows = c->rows, two = 1;
    bench_plan_arg(p, tg_argument_tensor(x));
    if (c->op == BENCH_ADD) {
        bench_plan_arg(p, tg_argument_tensor(second));
    } else if (c->op == BENCH_LAYER_NORM) {
        for (int64_t at = 0; at < 2; at++) {
            tg_tensor *line = tg_tensor_view(second, 1, &cols, &two, at * cols);
            bench_plan_arg(p, tg_argument_tensor(bench_plan_own(p, line)));
        }
    }
    bench_plan_arg(p, tg_argument_tensor(p->out));
    for (int i = 0; i < 2 && c->op == BENCH_LAYER_NORM; i++) {
        bench_plan_arg(p, tg_argument_tensor(bench_plan_tensor(p, TG_F32, 1, &rows)));
    }
}

static void prepare(bench_plan *p, const void *the_case) {
    const row_case *c = the_case;
    int64_t shape[] = {c->rows, c->cols}, line[] = {2, c->cols};
    uint32_t out_rank = c->op == BENCH_ROW_SUM ? 1 : 2;
    p->work = p->bytes = 4e-9 * about[c->op].floats * (double)(c->rows * c->cols);
    p->tolerance = tolerance(c);
    p->check = check;
    bench_plan_ours(p, about[c->op].file, about[c->op].kernel);
    tg_tensor *x = bench_plan_tensor(p, TG_F32, 2, shape);
    tg_tensor *second = bench_plan_tensor(p, TG_F32, 2, c->op == BENCH_ADD ? shape : line);
    p->out = bench_plan_tensor(p, TG_F32, out_rank, shape);
    tg_tensor *theirs = bench_plan_tensor(p, TG_F32, out_rank, shape);
    tg_tensor *scratch = out_rank == 2 ? theirs : bench_plan_tensor(p, TG_F32, 2, shape);
    add_args(p, c, x, second);
    bench_rows r = {c->op,
                    c->rows,
                    c->cols,
                    p->b->threads,
                    tg_tensor_data(x),
                    tg_tensor_data(second),
                    tg_tensor_data(theirs)};
    add_peers(p, c, &r, tg_tensor_data(scratch));
}

const bench_suite bench_suite_rows = {.name = "rows",
                                      .cases = cases,
                                      .case_size = sizeof *cases,
                                      .n_cases = sizeof cases / sizeof *cases,
                                      .prepare = prepare,
                                      .unit = "GB/s"};
