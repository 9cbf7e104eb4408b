/* C = A B of u8 or i8 by i8 with sums in i32, and of bf16. Integers are compared exactly. Weights that are packed beforehand have rows of
 * their own, as oneDNN's matmul on its own layout is among the peers of every row. */
#include <math.h>

#include "bench/peers.h"

typedef struct lowp_case {
    bench_case head;
    tg_dtype type;
    int m, n, k;
    enum { AS_IT_IS, PACKED, TRANSPOSED } form; /* of B; TRANSPOSED: stored as n x k */
} lowp_case;

#define GOAL 0.9
#define ROWS(name, m, n, k, quick, form)                                                       \
    {{"u8 " name, GOAL, quick}, TG_U8, m, n, k, form},                                         \
        {{"i8 " name, GOAL, quick}, TG_I8, m, n, k, form}, {                                   \
        {"bf16 " name, 3, quick}, TG_BF16, m, n, k, form                                       \
    }
#define ALL(name, m, n, k, quick) ROWS(name, m, n, k, quick, AS_IT_IS)
#define WEIGHTS(m, n, k) ROWS(#m "," #n "," #k " packed", m, n, k, false, PACKED)
#define LINES(m, n, k) ROWS(#m "," #n "," #k " B^T", m, n, k, false, TRANSPOSED)
static const lowp_case cases[] = {
    ALL("64^3", 64, 64, 64, false),           ALL("256^3", 256, 256, 256, true),
    ALL("512^3", 512, 512, 512, false),       ALL("1024^3", 1024, 1024, 1024, false),
    ALL("1,4096,4096", 1, 4096, 4096, false), ALL("8,4096,4096", 8, 4096, 4096, false),
    ALL("128,768,768", 128, 768, 768, false), ALL("256,3072,768", 256, 3072, 768, false),
    ALL("127,129,131", 127, 129, 131, false), WEIGHTS(1, 4096, 4096),
    WEIGHTS(2, 4096, 4096),                   WEIGHTS(4, 4096, 4096),
    WEIGHTS(8, 4096, 4096),                   WEIGHTS(16, 4096, 4096),
    WEIGHTS(128, 768, 768),                   WEIGHTS(256, 3072, 768),
    LINES(1, 4096, 4096),                     LINES(8, 4096, 4096),
    LINES(128, 768, 768),
};

static double element(const tg_tensor *t, int64_t i) {
    const void *data = tg_tensor_data(t);
    switch ((int)tg_tensor_dtype(t)) { /* the few types of the cases */
    case TG_U8:
        return ((const uint8_t *)data)[i];
    case TG_I8:
        return ((const int8_t *)data)[i];
    case TG_I32:
        return ((const int32_t *)data)[i];
    default:
        break;
    }
    union {
        uint32_t bits;
        float value;
    } x = {(uint32_t)((const uint16_t *)data)[i] << 16}; /* bf16 */
    return (double)x.value;
}

static double exact(const bench_plan *p, int i, int j) {
    const lowp_case *s = p->the_case;
    const tg_tensor *a = p->tensors[0], *b = p->tensors[1];
    double sum = 0;
    for (int k = 0; k < s->k; k++) {
        bool lines = s->form == TRANSPOSED;
        int64_t x = (int64_t)i * s->k + k;
        int64_t y = lines ? (int64_t)j * s->k + k : (int64_t)k * s->n + j;
        sum += element(a, x) * element(b, y);
    }
    return sum;
}

static void check(const bench_plan *p) {
    const lowp_case *s = p->the_case;
    for (int i = 0; i < s->m; i += s->m / 7 + 1) {
        for (int j = i % 5; j < s->n; j += s->n / 5 + 1) {
            int64_t at = (int64_t)i * s->n + j;
            double error = fabs(exact(p, i, j) - element(p->out, at));
            bench_check(p->row.name, error, p->tolerance);
        }
    }
}

/* Without instructions for it oneDNN multiplies bf16 slowly, in software; with them at its full speed. */
static bool has_bf16(void) {
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx512bf16");
#else
    return false;
#endif
}

static void prepare(bench_plan *p, const void *the_case) {
    const lowp_case *s = the_case;
    bool integers = s->type != TG_BF16;
    if (!integers && has_bf16()) {
        p->row.goal = GOAL;
    }
    bool lines = s->form == TRANSPOSED;
    int64_t ad[] = {s->m, s->k}, cd[] = {s->m, s->n};
    int64_t bd[] = {lines ? s->n : s->k, lines ? s->k : s->n};
    double m = s->m, n = s->n, k = s->k;
    p->work = p->flops = 2e-9 * m * n * k;
    p->bytes = 1e-9 * ((integers ? 1 : 2) * (m * k + k * n) + (integers ? 4 : 2) * m * n);
    /* A sum of k products below 1 is below k: half a unit of bf16 (8 bits), for ours and theirs, beside the sum's
     * own roundings. */
    p->tolerance = integers ? 0 : k * (0x1p-8 + 0x1p-24 * 2 * k) / 8;
    p->check = check;
    bench_plan_ours(p, integers ? "bench/kernels/lowp.dsl" : "tutorials/03-gemm/gemm.dsl",
                    integers ? "gemm_i8" : "gemm");
    /* Without VNNI oneDNN adds pairs of products in 16 bits, saturating. It is documented to want operands for which
     * that cannot happen: 2 * 127 * 128 < 2^15. It adds 128 to a signed A: 2 * 255 * 64 < 2^15. */
    static const double ranges[][4] = {
        {0, 127, -128, 127}, {-128, 127, -64, 64}, {-1, 1, -1, 1}};
    const double *r = ranges[s->type == TG_U8 ? 0 : s->type == TG_I8 ? 1 : 2];
    tg_tensor *a = bench_plan_tensor_in(p, s->type, 2, ad, r[0], r[1]);
    tg_tensor *b = bench_plan_tensor_in(p, integers ? TG_I8 : s->type, 2, bd, r[2], r[3]);
    tg_tensor *c = bench_plan_tensor(p, integers ? TG_I32 : s->type, 2, cd);
    tg_tensor *w = bench_plan_tensor(p, integers ? TG_I32 : s->type, 2, cd);
    p->out = c;
    bench_plan_arg(p, tg_argument_tensor(a));
    const uint32_t turned[] = {1, 0};
    bench_plan_arg(p, tg_argument_tensor(
                          lines ? bench_plan_own(p, tg_tensor_permute(b, turned)) : b));
    bench_plan_arg(p, tg_argument_tensor(c));
    if (s->form == PACKED) {
        bench_plan_pack(p, 1);
    }
    bench_matmul g = {
        s->type,          s->m, s->n, s->k, p->b->threads, tg_tensor_data(a), tg_tensor_data(b),
        tg_tensor_data(w), lines};
    bench_add_fma_roof(p);
    bench_add_onednn_matmul(p, &g);
    if (!integers && !lines) {
        bench_add_torch(p, "PyTorch", "gemm bf16 %d %d %d", s->m, s->n, s->k);
    }
}

const bench_suite bench_suite_lowp = {.name = "lowp",
                                      .cases = cases,
                                      .case_size = sizeof *cases,
                                      .n_cases = sizeof cases / sizeof *cases,
                                      .prepare = prepare,
                                      .unit = "GFLOP/s"};
