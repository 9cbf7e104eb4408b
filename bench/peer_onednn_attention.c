/* Attention out of oneDNN's primitives: S = scale Q K^T, softmax of the rows of S, O = S V. */
#include "bench/onednn.h"

enum { N_STEPS = 3 };

typedef struct steps {
    onednn_op op[N_STEPS];
} steps;

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

static bool prepare(steps *t, const bench_attention *a) {
    const onednn *lib = bench_onednn();
    onednn_desc desc;
    shapes m;
    return describe(&m, a) && lib->matmul_desc_init(&desc, &m.qv, &m.k, NULL, &m.s) == 0 &&
           onednn_make_scaled(&t->op[0], &desc, a->threads, a->scale) &&
           product(&t->op[0], &m.qv, a->q, &m.k, a->k, &m.s, a->scores) &&
           lib->softmax_forward_desc_init(&desc, DNNL_FORWARD_INFERENCE, &m.rows, 1) == 0 &&
           onednn_make(&t->op[1], &desc, a->threads) &&
           onednn_operand(&t->op[1], DNNL_ARG_SRC, 0, &m.rows, a->scores) &&
           onednn_operand(&t->op[1], DNNL_ARG_DST, 0, &m.rows, a->scores) &&
           lib->matmul_desc_init(&desc, &m.s, &m.qv, NULL, &m.qv) == 0 &&
           onednn_make(&t->op[2], &desc, a->threads) &&
           product(&t->op[2], &m.s, a->scores, &m.qv, a->v, &m.qv, a->out);
}

static double run(void *user, int64_t calls) {
    steps *t = user;
    double seconds = 0;
    for (int64_t i = 0; i < calls; i++) {
        for (int k = 0; k < N_STEPS; k++) {
            double s = onednn_run(&t->op[k], 1);
            if (s < 0) {
                return -1;
            }
            seconds += s;
        }
    }
    return seconds;
}

static void destroy(void *user) {
    steps *t = user;
    for (int k = 0; k < N_STEPS; k++) {
        onednn_free(&t->op[k]);
    }
}

void bench_add_onednn_attention(bench_plan *p, const bench_attention *a) {
    const onednn *lib = bench_onednn();
    steps t = {{{.lib = lib}, {.lib = lib}, {.lib = lib}}};
    if (!lib) {
        return;
    }
    if (!prepare(&t, a)) {
        destroy(&t);
        return;
    }
    bench_contender *c = bench_plan_add(p, "oneDNN, 3 steps", BENCH_PEER, run, &t, sizeof t);
    c->destroy = destroy;
    c->result = a->out;
}
