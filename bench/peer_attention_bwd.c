/* The backward pass of attention out of a library's products, with the rest by hand in AVX2. For blocks of queries:
 *
 *   S = scale Q K', P = exp(S - LSE), dP = dO V', dS = scale P (dP - sum O dO)
 *   dV += P' dO, dK += dS' Q, dQ = dS K
 *
 * P is computed again from LSE, as ours is. The causal form leaves out the keys after a block, so small blocks save products and
 * stay in the second-level cache; large ones make better products: both are contenders. */
#include <immintrin.h>
#include <string.h>

#include "bench/peers.h"

#define AVX2 __attribute__((target("avx2,fma")))

enum { BLOCK = 256, LANES = 8, N_LIBRARIES = 3 };

typedef struct composed {
    bench_attention_bwd a;
    int library, rows;
} composed;

static const char *const names[N_LIBRARIES][2] = {
    {"OpenBLAS, by parts", "OpenBLAS, by parts of 256"},
    {"MKL, by parts", "MKL, by parts of 256"},
    {"oneDNN gemm, by parts", "oneDNN gemm, by parts of 256"},
};

static bool multiply(int library, const bench_product *g) {
    return library < 2 ? bench_cblas_product(library, g) : bench_onednn_product(g);
}

/* exp of numbers below some 80, to about 2^-22: a power of two times a polynomial. */
AVX2 static __m256 exp_of(__m256 x) {
    __m256 y =
        _mm256_max_ps(_mm256_mul_ps(x, _mm256_set1_ps(1.44269504f)), _mm256_set1_ps(-126));
    __m256 n = _mm256_round_ps(y, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m256 f = _mm256_sub_ps(y, n), r = _mm256_set1_ps(1.54353e-4f);
    static const float c[] = {1.3333558e-3f, 9.6181291e-3f, 5.5504109e-2f,
                              0.24022651f,   0.69314718f,   1};
    for (int i = 0; i < 6; i++) {
        r = _mm256_fmadd_ps(r, f, _mm256_set1_ps(c[i]));
    }
    __m256i bits =
        _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
    return _mm256_mul_ps(r, _mm256_castsi256_ps(bits));
}

/* A row of S and dP to P and dS; keys from `seen` on do not count. */
AVX2 static void weigh(float *s, float *dp, int keys, int seen, float lse, float delta,
                       float scale) {
    const __m256 top = _mm256_set1_ps(lse), mean = _mm256_set1_ps(delta),
                 by = _mm256_set1_ps(scale);
    int until = (seen + LANES - 1) / LANES * LANES;
    for (int j = 0; j < until; j += LANES) {
        __m256 p = exp_of(_mm256_sub_ps(_mm256_loadu_ps(s + j), top));
        __m256 d = _mm256_sub_ps(_mm256_loadu_ps(dp + j), mean);
        _mm256_storeu_ps(s + j, p);
        _mm256_storeu_ps(dp + j, _mm256_mul_ps(_mm256_mul_ps(p, d), by));
    }
    memset(s + seen, 0, (size_t)(keys - seen) * sizeof *s);
    memset(dp + seen, 0, (size_t)(keys - seen) * sizeof *dp);
}

AVX2 static float inner(const float *x, const float *y, int n) {
    float lanes[LANES], sum = 0;
    __m256 v = _mm256_setzero_ps();
    for (int i = 0; i < n; i += LANES) {
        v = _mm256_fmadd_ps(_mm256_loadu_ps(x + i), _mm256_loadu_ps(y + i), v);
    }
    _mm256_storeu_ps(lanes, v);
    for (int i = 0; i < LANES; i++) {
        sum += lanes[i];
    }
    return sum;
}

/* Queries [first, first + rows) of head h. */
static void run_block(const composed *c, int h, int first, int rows) {
    const bench_attention_bwd *a = &c->a;
    int w = a->width, n = a->length, keys = a->causal ? first + rows : n;
    size_t head = (size_t)h * (size_t)n * (size_t)w, at = head + (size_t)first * (size_t)w;
    size_t all = (size_t)a->heads * (size_t)n * (size_t)w;
    float *s = a->work, *dp = s + (size_t)c->rows * (size_t)n, beta = first ? 1 : 0;
    float *dq = a->out + at, *dk = a->out + all + head, *dv = a->out + 2 * all + head;
    multiply(c->library, &(bench_product){false, true, rows, keys, w, a->scale, 0, a->q + at,
                                          a->k + head, s, w, w, n});
    multiply(c->library, &(bench_product){false, true, rows, keys, w, 1, 0, a->d_o + at,
                                          a->v + head, dp, w, w, n});
    for (int i = 0; i < rows; i++) {
        size_t row = (size_t)i * (size_t)n, line = at + (size_t)i * (size_t)w;
        weigh(s + row, dp + row, keys, a->causal ? first + i + 1 : n,
              a->lse[(size_t)h * (size_t)n + (size_t)(first + i)],
              inner(a->o + line, a->d_o + line, w), a->scale);
    }
    multiply(c->library, &(bench_product){true, false, keys, w, rows, 1, beta, s, a->d_o + at,
                                          dv, n, w, w});
    multiply(c->library,
             &(bench_product){true, false, keys, w, rows, 1, beta, dp, a->q + at, dk, n, w, w});
    multiply(c->library,
             &(bench_product){false, false, rows, w, keys, 1, 0, dp, a->k + head, dq, n, w, w});
}

static double run(void *user, int64_t calls) {
    const composed *c = user;
    const bench_attention_bwd *a = &c->a;
    size_t all = (size_t)a->heads * (size_t)a->length * (size_t)a->width;
    double start = bench_now();
    for (int64_t i = 0; i < calls; i++) {
        memset(a->out + all, 0,
               2 * all * sizeof *a->out); /* the first causal block does not reach all keys */
        for (int h = 0; h < a->heads; h++) {
            for (int first = 0; first < a->length; first += c->rows) {
                run_block(c, h, first, c->rows);
            }
        }
    }
    return bench_now() - start;
}

void bench_add_attention_bwd(bench_plan *p, const bench_attention_bwd *a) {
    bool fits = a->threads == 1 && a->length % BLOCK == 0 && a->width % LANES == 0;
    for (int i = 0; fits && __builtin_cpu_supports("avx2") && i < N_LIBRARIES; i++) {
        float x = 1, y = 0;
        bool there =
            multiply(i, &(bench_product){false, false, 1, 1, 1, 1, 0, &x, &x, &y, 1, 1, 1});
        for (int parts = 0; there && parts < 2; parts++) {
            composed c = {*a, i, parts ? BLOCK : a->length};
            bench_plan_add(p, names[i][parts], BENCH_PEER, run, &c, sizeof c)->result = a->out;
        }
    }
}
