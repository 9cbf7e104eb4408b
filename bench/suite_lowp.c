/* C = A B of u8 by i8 with sums in i32, and of bf16. Integers are compared exactly. */
#include <math.h>

#include "bench/peers.h"

typedef struct lowp_case {
    bench_case head;
    tg_dtype type;
    int m, n, k;
} lowp_case;

#define BOTH(name, m, n, k, quick)                                                             \
    {{"u8 " name, 0.9, quick}, TG_U8, m, n, k}, {                                              \
        {"bf16 " name, 3, quick}, TG_BF16, m, n, k                                             \
    }
static const lowp_case cases[] = {
    BOTH("64^3", 64, 64, 64, false),           BOTH("256^3", 256, 256, 256, true),
    BOTH("512^3", 512, 512, 512, false),       BOTH("1024^3", 1024, 1024, 1024, false),
    BOTH("1,4096,4096", 1, 4096, 4096, false), BOTH("8,4096,4096", 8, 4096, 4096, false),
    BOTH("128,768,768", 128, 768, 768, false), BOTH("256,3072,768", 256, 3072, 768, false),
};

static double bf16_at(const tg_tensor *t, int64_t i) {
    union {
        uint32_t bits;
        float value;
    } x = {(uint32_t)((const uint16_t *)tg_tensor_data(t))[i] << 16};
    return (double)x.value;
}

static double exact(const bench_plan *p, int i, int j) {
    const lowp_case *s = p->the_case;
    const tg_tensor *a = p->tensors[0], *b = p->tensors[1];
    double sum = 0;
    for (int k = 0; k < s->k; k++) {
        int64_t x = (int64_t)i * s->k + k, y = (int64_t)k * s->n + j;
        sum += s->type == TG_U8 ? (double)(((const uint8_t *)tg_tensor_data(a))[x] *
                                           ((const int8_t *)tg_tensor_data(b))[y])
                                : bf16_at(a, x) * bf16_at(b, y);
    }
    return sum;
}

static void check(const bench_plan *p) {
    const lowp_case *s = p->the_case;
    for (int i = 0; i < s->m; i += s->m / 7 + 1) {
        for (int j = i % 5; j < s->n; j += s->n / 5 + 1) {
            int64_t at = (int64_t)i * s->n + j;
            double z = s->type == TG_U8 ? (double)((const int32_t *)tg_tensor_data(p->out))[at]
                                        : bf16_at(p->out, at);
            bench_check(p->row.name, fabs(exact(p, i, j) - z), p->tolerance);
        }
    }
}

static void prepare(bench_plan *p, const void *the_case) {
    const lowp_case *s = the_case;
    bool u8 = s->type == TG_U8;
    int64_t ad[] = {s->m, s->k}, bd[] = {s->k, s->n}, cd[] = {s->m, s->n};
    double m = s->m, n = s->n, k = s->k;
    p->work = p->flops = 2e-9 * m * n * k;
    p->bytes = 1e-9 * ((u8 ? 1 : 2) * (m * k + k * n) + (u8 ? 4 : 2) * m * n);
    /* A sum of k products below 1 is below k: half a unit of bf16 (8 bits), for ours and theirs, beside the sum's
     * own roundings. */
    p->tolerance = u8 ? 0 : k * (0x1p-8 + 0x1p-24 * 2 * k) / 8;
    p->check = check;
    bench_plan_ours(p, u8 ? "bench/kernels/lowp.dsl" : "tutorials/03-gemm/gemm.dsl",
                    u8 ? "gemm_u8" : "gemm");
    /* Without VNNI oneDNN adds pairs of products in 16 bits, saturating. It is documented to want operands for which
     * that cannot happen: 2 * 127 * 128 < 2^15. */
    tg_tensor *a = bench_plan_tensor_in(p, s->type, 2, ad, u8 ? 0 : -1, u8 ? 127 : 1);
    tg_tensor *b =
        bench_plan_tensor_in(p, u8 ? TG_I8 : s->type, 2, bd, u8 ? -128 : -1, u8 ? 127 : 1);
    tg_tensor *c = bench_plan_tensor(p, u8 ? TG_I32 : s->type, 2, cd);
    tg_tensor *w = bench_plan_tensor(p, u8 ? TG_I32 : s->type, 2, cd);
    p->out = c;
    bench_plan_arg(p, tg_argument_tensor(a));
    bench_plan_arg(p, tg_argument_tensor(b));
    bench_plan_arg(p, tg_argument_tensor(c));
    bench_matmul g = {
        s->type,          s->m, s->n, s->k, p->b->threads, tg_tensor_data(a), tg_tensor_data(b),
        tg_tensor_data(w)};
    bench_add_fma_roof(p);
    bench_add_onednn_matmul(p, &g);
    if (!u8) {
        bench_add_torch(p, "gemm bf16 %d %d %d", s->m, s->n, s->k);
    }
}

const bench_suite bench_suite_lowp = {.name = "lowp",
                                      .cases = cases,
                                      .case_size = sizeof *cases,
                                      .n_cases = sizeof cases / sizeof *cases,
                                      .prepare = prepare,
                                      .unit = "GFLOP/s"};
