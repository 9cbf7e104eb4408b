/* Attention out of oneDNN's primitives: S = scale Q K^T, softmax of the rows of S, O = S V. */
#include "bench/onednn.h"

typedef struct shapes {
    onednn_md qv, k, s, rows; /* rows: the scores as one matrix */
} shapes;

static bool describe(shapes *m, const bench_attention *a) {
    const int64_t qv[] = {a->heads, a->length, a->width}, k[] = {a->heads, a->width, a->length};
    const int64_t k_strides[] = {(int64_t)a->length * a->width, 1, a->width};
    const int64_t s[] = {a->heads, a->length, a->length};
    const int64_t rows[] = {(int64_t)a->heads * a->length, a->length};
    return onednn_plain(&m->qv, 3, qv, DNNL_F32) &&
           onednn_strided(&m->k, 3, k, DNNL_F32, k_strides) &&
           onednn_plain(&m->s, 3, s, DNNL_F32) && onednn_plain(&m->rows, 2, rows, DNNL_F32);
}

/* Operands of a product, in the layouts that they have. */
static bool product(onednn_op *op, const onednn_md *a, const float *x, const onednn_md *b,
                    const float *y, const onednn_md *c, float *z) {
    union {
        const float *in;
        float *out;
    } from = {.in = x}, by = {.in = y}; /* the library's memory objects do not know const */
    return onednn_operand(op, DNNL_ARG_SRC, 0, a, from.out) &&
           onednn_operand(op, DNNL_ARG_WEIGHTS, 0, b, by.out) &&
           onednn_operand(op, DNNL_ARG_DST, 0, c, z);
}

static bool prepare(onednn_steps *t, const bench_attention *a) {
    const onednn *lib = bench_onednn();
    onednn_desc scores, rows, sums;
    shapes m;
    if (!describe(&m, a) || lib->matmul_desc_init(&scores, &m.qv, &m.k, NULL, &m.s) != 0 ||
        lib->softmax_forward_desc_init(&rows, DNNL_FORWARD_INFERENCE, &m.rows, 1) != 0 ||
        lib->matmul_desc_init(&sums, &m.s, &m.qv, NULL, &m.qv) != 0) {
        return false;
    }
    onednn_op *first = onednn_step(t, &scores, a->threads, a->scale);
    onednn_op *second = first ? onednn_step(t, &rows, a->threads, 1) : NULL;
    onednn_op *third = second ? onednn_step(t, &sums, a->threads, 1) : NULL;
    return third && product(first, &m.qv, a->q, &m.k, a->k, &m.s, a->scores) &&
           onednn_operand(second, DNNL_ARG_SRC, 0, &m.rows, a->scores) &&
           onednn_operand(second, DNNL_ARG_DST, 0, &m.rows, a->scores) &&
           product(third, &m.s, a->scores, &m.qv, a->v, &m.qv, a->out);
}

void bench_add_onednn_attention(bench_plan *p, const bench_attention *a) {
    onednn_steps t = {0};
    if (bench_onednn()) {
        onednn_add_steps(p, "oneDNN, 3 steps", &t, prepare(&t, a), a->out);
    }
}
