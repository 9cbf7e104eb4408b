/* Attention of 12 heads, 1024 positions, width 64, f32, against two products and a softmax in
 * oneDNN (the full form) and PyTorch.
 *
 * The work counted is that of the full matrix of scores, or of its half for the causal form, for both sides: the
 * plain form computes all of it in either case. The roof is the FMA peak. */
#include <math.h>

#include "bench/peers.h"

enum { HEADS = 12, WIDTH = 64, MAX_LENGTH = 1024 };

typedef struct attention_case {
    bench_case head;
    int64_t length;
    bool causal;
} attention_case;

static const attention_case cases[] = {
    {{"f32 S1024", 1.4, false}, 1024, false},
    {{"f32 S1024 causal", 2.8, false}, 1024, true},
    {{"f32 S256", 0, true}, 256, false},
    {{"f32 S256 causal", 0, true}, 256, true},
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

static void prepare(bench_plan *p, const void *the_case) {
    const attention_case *c = the_case;
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
    bench_add_torch(p, "attention %d %lld %d %d", HEADS, (long long)c->length, WIDTH,
                    c->causal);
}

const bench_suite bench_suite_attention = {.name = "attention",
                                           .cases = cases,
                                           .case_size = sizeof *cases,
                                           .n_cases = sizeof cases / sizeof *cases,
                                           .prepare = prepare,
                                           .unit = "GFLOP/s"};
