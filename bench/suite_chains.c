/* Operations on rows that follow each other, as one kernel of ours; the peer runs them one by one, so that what is between passes
 * through memory. GB/s count what the whole must move; the roof is a copy. */
#include <math.h>

#include "bench/peers.h"

typedef struct chain_case {
    bench_case head;
    bench_chain_op op;
    int64_t rows, cols;
} chain_case;

#define SIZES(name, op)                                                                        \
    {{name " 16x1024", 1.6, true}, op, 16, 1024},                                              \
        {{name " 128x1024", 1.6, false}, op, 128, 1024},                                       \
        {{name " 1024x1024", 1.6, false}, op, 1024, 1024}, {                                   \
        {name " 4096x4096", 1.6, false}, op, 4096, 4096                                        \
    }
static const chain_case cases[] = {
    SIZES("bias+gelu", BENCH_BIAS_GELU),
    SIZES("residual+layernorm", BENCH_RESIDUAL_LAYER_NORM),
    SIZES("scale+mask+softmax", BENCH_MASKED_SOFTMAX),
};

/* The arguments of the kernel in their order: A and B matrices that it reads, L a line, S and Y results, s the scale. What the
 * operation moves, in floats for each element. */
static const struct {
    const char *kernel, *args;
    double floats;
} about[] = {
    [BENCH_BIAS_GELU] = {"bias_gelu", "ALY", 2},
    [BENCH_RESIDUAL_LAYER_NORM] = {"residual_layer_norm", "ABLLSY", 4},
    [BENCH_MASKED_SOFTMAX] = {"masked_softmax", "ABYs", 3},
};

/* ---- the reference, in f64 ---------------------------------------------------------------------------------- */

typedef struct row {
    const float *a, *b, *line;
    double top, mean, exp_sum, variance;
} row;

static double between(const chain_case *c, const row *r, int64_t j) {
    switch (c->op) {
    case BENCH_BIAS_GELU:
        return (double)r->a[j] + (double)r->line[j];
    case BENCH_RESIDUAL_LAYER_NORM:
        return (double)r->a[j] + (double)r->b[j];
    case BENCH_MASKED_SOFTMAX:
        break;
    }
    return (double)(r->a[j] * BENCH_CHAIN_SCALE) + (double)r->b[j];
}

static void finish(const chain_case *c, row *r) {
    double n = (double)c->cols;
    r->top = -INFINITY;
    for (int64_t j = 0; j < c->cols; j++) {
        r->top = fmax(r->top, between(c, r, j));
        r->mean += between(c, r, j) / n;
    }
    for (int64_t j = 0; j < c->cols; j++) {
        double d = between(c, r, j) - r->mean;
        r->exp_sum += exp(between(c, r, j) - r->top);
        r->variance += d * d / n;
    }
}

static double want(const chain_case *c, const row *r, int64_t j) {
    double x = between(c, r, j);
    switch (c->op) {
    case BENCH_BIAS_GELU:
        return 0.5 * x * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
    case BENCH_RESIDUAL_LAYER_NORM:
        return (x - r->mean) / sqrt(r->variance + 1e-5) * (double)r->line[j] +
               (double)r->line[c->cols + j];
    case BENCH_MASKED_SOFTMAX:
        break;
    }
    return exp(x - r->top) / r->exp_sum;
}

enum { A, B, LINES, BETWEEN, THEIRS, THEIR_BETWEEN, TENSORS };

static void check(const bench_plan *p) {
    const chain_case *c = p->the_case;
    const float *y = tg_tensor_data(p->out);
    for (int64_t i = 0; i < c->rows; i += c->rows / 9 + 1) {
        row r = {.a = (const float *)tg_tensor_data(p->tensors[A]) + i * c->cols,
                 .b = (const float *)tg_tensor_data(p->tensors[B]) + i * c->cols,
                 .line = tg_tensor_data(p->tensors[LINES])};
        finish(c, &r);
        for (int64_t j = 0; j < c->cols; j++) {
            bench_check(p->row.name, fabs(want(c, &r, j) - (double)y[i * c->cols + j]),
                        p->tolerance);
        }
    }
}

/* Inputs are below 1, the results below 4: a few dozen roundings; for the softmax below e^3/n, off by their exponential and the
 * sum of n. */
static double tolerance(const chain_case *c) {
    double n = (double)c->cols;
    return c->op == BENCH_MASKED_SOFTMAX ? 0x1p-24 * 20 / n * (n / 16 + 64) : 0x1p-24 * 128;
}

/* ---- contenders --------------------------------------------------------------------------------------------- */

static void add_args(bench_plan *p, const chain_case *c, tg_tensor *const *t) {
    int64_t one = 1, line = 0;
    for (const char *arg = about[c->op].args; *arg; arg++) {
        switch (*arg) {
        case 'L':
            bench_plan_arg(p, tg_argument_tensor(bench_plan_own(
                                  p, tg_tensor_view(t[LINES], 1, &c->cols, &one, line))));
            line += c->cols;
            break;
        case 's':
            bench_plan_arg(p, tg_argument_float((double)BENCH_CHAIN_SCALE));
            break;
        default:
            bench_plan_arg(p, tg_argument_tensor(*arg == 'A'   ? t[A]
                                                 : *arg == 'B' ? t[B]
                                                 : *arg == 'S' ? t[BETWEEN]
                                                               : p->out));
            break;
        }
    }
}

static void prepare(bench_plan *p, const void *the_case) {
    const chain_case *c = the_case;
    int64_t shape[] = {c->rows, c->cols}, line[] = {2, c->cols};
    tg_tensor *t[TENSORS];
    p->work = p->bytes = 4e-9 * about[c->op].floats * (double)(c->rows * c->cols);
    p->tolerance = tolerance(c);
    p->check = check;
    bench_plan_ours(p, "bench/kernels/chains.dsl", about[c->op].kernel);
    for (int i = 0; i < TENSORS; i++) {
        t[i] = bench_plan_tensor(p, TG_F32, 2, i == LINES ? line : shape);
    }
    p->out = bench_plan_tensor(p, TG_F32, 2, shape);
    add_args(p, c, t);
    bench_chain chain = {.op = c->op,
                         .rows = c->rows,
                         .cols = c->cols,
                         .threads = p->b->threads,
                         .a = tg_tensor_data(t[A]),
                         .b = tg_tensor_data(t[B]),
                         .line = tg_tensor_data(t[LINES]),
                         .between = tg_tensor_data(t[THEIR_BETWEEN]),
                         .y = tg_tensor_data(t[THEIRS])};
    bench_add_copy_roof(p, chain.a, chain.y, c->rows * c->cols);
    bench_add_onednn_chain(p, &chain);
}

const bench_suite bench_suite_chains = {.name = "chains",
                                        .cases = cases,
                                        .case_size = sizeof *cases,
                                        .n_cases = sizeof cases / sizeof *cases,
                                        .prepare = prepare,
                                        .unit = "GB/s"};
