/* Attention of 12 heads, 1024 positions, width 64, f32, against two products and a softmax in
 * oneDNN (the full form) and PyTorch, and against PyTorch's own kernel (scaled_dot_product_attention).
 *
 * The work counted is that of the full matrix of scores, or of its half for the causal form, for both sides: the
 * plain form computes all of it in either case. The roof is the FMA peak. The backward form counts five products: scores, the
 * gradient of the weights, and those of Q, K and V; its peers are the products of each library with the rest by hand, and are
 * what its results are compared with. */
#include "tegula/ops.h"

#include <math.h>

#include "bench/peers.h"

enum { HEADS = 12, WIDTH = 64, MAX_LENGTH = 1024 };

typedef struct attention_case {
    bench_case head;
    int64_t length;
    bool causal, backward;
} attention_case;

static const attention_case cases[] = {
    {{"f32 S1024", 1.4, false}, 1024, false, false},
    {{"f32 S1024 causal", 2.8, false}, 1024, true, false},
    {{"f32 S256", 0, true}, 256, false, false},
    {{"f32 S256 causal", 0, true}, 256, true, false},
    {{"f32 S1024 backward", 1.5, false}, 1024, false, true},
    {{"f32 S1024 causal backward", 1.5, false}, 1024, true, true},
};

/* One row of one head in f64. */
static void check_row(const float *q, const float *k, const float *v, const float *out,
                      int64_t keys) {
    double s[MAX_LENGTH], sum = 0;
    for (int64_t j = 0; j < keys; j++) {
        s[j] = 0;
        for (int d = 0; d < WIDTH; d++) {
            s[j] += 0.125 * (double)q[d] * (double)k[j * WIDTH + d];
        }
        sum += exp(s[j]);
    }
    for (int d = 0; d < WIDTH; d++) {
        double want = 0;
        for (int64_t j = 0; j < keys; j++) {
            want += exp(s[j]) / sum * (double)v[j * WIDTH + d];
        }
        bench_check("attention", fabs(want - (double)out[d]), 0x1p-24 * 2000);
    }
}

static void check(const bench_plan *p) {
    const attention_case *c = p->the_case;
    tg_tensor *const *t = p->tensors;
    for (int64_t row = 0; row < HEADS * c->length; row += 997) {
        int64_t head = row / c->length * c->length * WIDTH, at = row * WIDTH,
                keys = c->causal ? row % c->length + 1 : c->length;
        check_row((const float *)tg_tensor_data(t[0]) + at,
                  (const float *)tg_tensor_data(t[1]) + head,
                  (const float *)tg_tensor_data(t[2]) + head,
                  (const float *)tg_tensor_data(t[3]) + at, keys);
    }
}

/* ---- backward ------------------------------------------------------------------------------------------------ */

enum { Q, K, V, D_O, O, LSE, D_Q, D_K, D_V, N_OPERANDS };

typedef struct backward {
    tg_context *context;
    tg_tensor *t[N_OPERANDS];
    tg_attention_options options;
} backward;

static double run_backward(void *user, int64_t calls) {
    const backward *w = user;
    tg_tensor *const *t = w->t;
    double start = bench_now();
    for (int64_t i = 0; i < calls; i++) {
        if (tg_op_attention_bwd(w->context, t[Q], t[K], t[V], t[O], t[LSE], t[D_O], t[D_Q],
                                t[D_K], t[D_V], &w->options) != TG_OK) {
            bench_fail("%s", tg_last_error(w->context));
        }
    }
    return bench_now() - start;
}

/* Operands, with O and LSE from the forward form; the three results lie one after the other in the plan's. */
static void make_operands(bench_plan *p, backward *w, const int64_t *shape) {
    const int64_t all[] = {3 * shape[0], shape[1], shape[2], shape[3]};
    const int64_t strides[] = {shape[1] * shape[2] * shape[3], shape[2] * shape[3], shape[3],
                               1};
    p->out = bench_plan_tensor(p, TG_F32, 4, all);
    for (int i = 0; i < N_OPERANDS; i++) {
        w->t[i] = i < D_Q ? bench_plan_tensor(p, TG_F32, i == LSE ? 3 : 4, shape)
                          : bench_plan_own(p, tg_tensor_view(p->out, 4, shape, strides,
                                                             (i - D_Q) * strides[0]));
    }
    if (tg_op_attention(w->context, w->t[Q], w->t[K], w->t[V], w->t[O], w->t[LSE],
                        &w->options) != TG_OK) {
        bench_fail("%s", tg_last_error(w->context));
    }
}

static void prepare_backward(bench_plan *p, const attention_case *c) {
    const int64_t shape[] = {1, HEADS, c->length, WIDTH}, all[] = {3, HEADS, c->length, WIDTH};
    const int64_t scores[] = {2, c->length, c->length};
    p->work = p->flops =
        10e-9 * (double)(HEADS * WIDTH * c->length * c->length) * (c->causal ? 0.5 : 1);
    p->tolerance =
        0x1p-24 * 20000; /* sums of `length` terms, of exponentials that are off by 2^-22 */
    bench_plan_context(p);
    backward w = {.context = p->ours.context, .options = TG_ATTENTION_OPTIONS_INIT};
    w.options.scale = 0.125;
    w.options.causal = c->causal;
    make_operands(p, &w, shape);
    bench_plan_add(p, "tegula", BENCH_OURS, run_backward, &w, sizeof w);
    bench_add_fma_roof(p);
    bench_attention_bwd a = {.heads = HEADS,
                             .length = (int)c->length,
                             .width = WIDTH,
                             .threads = p->b->threads,
                             .causal = c->causal,
                             .scale = 0.125f,
                             .q = tg_tensor_data(w.t[Q]),
                             .k = tg_tensor_data(w.t[K]),
                             .v = tg_tensor_data(w.t[V]),
                             .o = tg_tensor_data(w.t[O]),
                             .lse = tg_tensor_data(w.t[LSE]),
                             .d_o = tg_tensor_data(w.t[D_O]),
                             .out = tg_tensor_data(bench_plan_tensor(p, TG_F32, 4, all)),
                             .work = tg_tensor_data(bench_plan_tensor(p, TG_F32, 3, scores))};
    bench_add_attention_bwd(p, &a);
}

/* ---- forward ------------------------------------------------------------------------------------------------- */

/* The three ways to it in PyTorch: step by step into tensors that exist, as one writes it, and its own kernel. */
static void add_torch(bench_plan *p, const attention_case *c) {
    char shape[64];
    snprintf(shape, sizeof shape, "%d %lld %d", HEADS, (long long)c->length, WIDTH);
    bench_add_torch(p, "PyTorch, 3 steps", "attention %s %d", shape, c->causal);
    if (!c->causal) {
        bench_add_torch(p, "PyTorch, naive", "attention_naive %s", shape);
    }
    bench_add_torch(p, "PyTorch SDPA", "attention_fused %s %d", shape, c->causal);
}

static void prepare_forward(bench_plan *p, const attention_case *c) {
    int64_t shape[] = {1, HEADS, c->length, WIDTH};
    p->work = p->flops =
        4e-9 * (double)(HEADS * WIDTH * c->length * c->length) * (c->causal ? 0.5 : 1);
    p->tolerance = 0x1p-24 * 2000;
    p->check = check;
    bench_plan_ours(p, "tutorials/06-attention/attention.dsl", "attention");
    for (uint32_t i = 0; i < 5; i++) { /* Q K V O, and LSE of a smaller rank */
        bench_plan_arg(p,
                       tg_argument_tensor(bench_plan_tensor(p, TG_F32, i < 4 ? 4 : 3, shape)));
    }
    bench_plan_arg(p, tg_argument_float(0.125));
    bench_plan_arg(p, tg_argument_bool(c->causal));
    p->out = p->tensors[3];
    bench_add_fma_roof(p);
    if (!c->causal) {
        int64_t n = HEADS * c->length * c->length;
        bench_attention a = {.heads = HEADS,
                             .length = (int)c->length,
                             .width = WIDTH,
                             .threads = p->b->threads,
                             .scale = 0.125f,
                             .q = tg_tensor_data(p->tensors[0]),
                             .k = tg_tensor_data(p->tensors[1]),
                             .v = tg_tensor_data(p->tensors[2]),
                             .out = tg_tensor_data(bench_plan_tensor(p, TG_F32, 4, shape)),
                             .scores = tg_tensor_data(bench_plan_tensor(p, TG_F32, 1, &n))};
        bench_add_onednn_attention(p, &a);
    }
    add_torch(p, c);
}

static void prepare(bench_plan *p, const void *the_case) {
    const attention_case *c = the_case;
    if (c->backward) {
        prepare_backward(p, c);
    } else {
        prepare_forward(p, c);
    }
}

const bench_suite bench_suite_attention = {.name = "attention",
                                           .cases = cases,
                                           .case_size = sizeof *cases,
                                           .n_cases = sizeof cases / sizeof *cases,
                                           .prepare = prepare,
                                           .unit = "GFLOP/s"};
