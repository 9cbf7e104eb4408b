/* Operations on rows out of oneDNN's primitives, one for each operation. */
#include "bench/onednn.h"

enum { INFERENCE = DNNL_FORWARD_INFERENCE, SCALE_AND_SHIFT = 8 | 16 };

typedef struct chain {
    const bench_chain *c;
    onednn_steps steps;
    onednn_md rows, line, one_row; /* one_row: a line as a matrix */
} chain;

static bool operand(onednn_op *op, int arg, const onednn_md *md, const float *data) {
    union {
        const float *in;
        float *out;
    } at = {.in = data}; /* the library's memory objects do not know const */
    return onednn_operand(op, arg, 0, md, at.out);
}

/* The step after, from `x` to `y`; null if the library refuses it. */
static onednn_op *step(chain *t, const onednn_desc *desc, bool described, const float *x,
                       float *y) {
    onednn_op *op = described ? onednn_step(&t->steps, desc, t->c->threads, 1) : NULL;
    bool ready =
        op && operand(op, DNNL_ARG_SRC, &t->rows, x) && operand(op, DNNL_ARG_DST, &t->rows, y);
    return ready ? op : NULL;
}

static bool add(chain *t, const float *x, const onednn_md *md, const float *other, float *y) {
    onednn_desc desc;
    bool described =
        bench_onednn()->binary_desc_init(&desc, DNNL_BINARY_ADD, &t->rows, md, &t->rows) == 0;
    onednn_op *op = step(t, &desc, described, x, y);
    return op && operand(op, DNNL_ARG_SRC_1, md, other);
}

static bool eltwise(chain *t, int algorithm, float alpha, const float *x, float *y) {
    onednn_desc desc;
    return step(t, &desc,
                bench_onednn()->eltwise_forward_desc_init(&desc, INFERENCE, algorithm, &t->rows,
                                                          alpha, 0) == 0,
                x, y);
}

static bool softmax(chain *t, const float *x, float *y) {
    onednn_desc desc;
    return step(t, &desc,
                bench_onednn()->softmax_forward_desc_init(&desc, INFERENCE, &t->rows, 1) == 0,
                x, y);
}

static bool layer_norm(chain *t, const float *x, float *y) {
    onednn_desc desc;
    const float *line = t->c->line;
    bool described = bench_onednn()->layer_normalization_forward_desc_init(
                         &desc, INFERENCE, &t->rows, NULL, 1e-5f, SCALE_AND_SHIFT) == 0;
    onednn_op *op = step(t, &desc, described, x, y);
    return op && operand(op, DNNL_ARG_SCALE, &t->line, line) &&
           operand(op, DNNL_ARG_SHIFT, &t->line, line + t->c->cols);
}

static bool prepare(chain *t) {
    const bench_chain *c = t->c;
    switch (c->op) {
    case BENCH_BIAS_GELU:
        return add(t, c->a, &t->one_row, c->line, c->y) &&
               eltwise(t, DNNL_ELTWISE_GELU_TANH, 0, c->y, c->y);
    case BENCH_RESIDUAL_LAYER_NORM:
        return add(t, c->a, &t->rows, c->b, c->between) && layer_norm(t, c->between, c->y);
    case BENCH_MASKED_SOFTMAX:
        return eltwise(t, DNNL_ELTWISE_LINEAR, BENCH_CHAIN_SCALE, c->a, c->y) &&
               add(t, c->y, &t->rows, c->b, c->y) && softmax(t, c->y, c->y);
    }
    return false;
}

void bench_add_onednn_chain(bench_plan *p, const bench_chain *c) {
    chain t = {.c = c};
    const int64_t rows[] = {c->rows, c->cols}, one_row[] = {1, c->cols};
    if (bench_onednn() && onednn_plain(&t.rows, 2, rows, DNNL_F32) &&
        onednn_plain(&t.one_row, 2, one_row, DNNL_F32) &&
        onednn_plain(&t.line, 1, one_row + 1, DNNL_F32)) {
        onednn_add_steps(p, "oneDNN, by steps", &t.steps, prepare(&t), c->y);
    }
}
