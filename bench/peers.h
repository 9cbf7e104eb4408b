/* The peers. Libraries are loaded when the program runs, with prototypes of our own: the benchmark builds without
 * them, and one that is missing is left out. Each function adds the contenders that a library has for a problem. */
#ifndef TG_BENCH_PEERS_H
#define TG_BENCH_PEERS_H

#include "bench/harness.h"

/* ---- loading ---- */
/* The first of `names` (null-terminated) that can be loaded, from build/peers first; null: none. */
void *bench_library(const char *const *names);
/* Stores the address of `name` in the function pointer at `function`; false: there is none. */
bool bench_symbol(void *library, const char *name, void *function);
/* Ours, the libraries and the loops by hand use no instructions beyond `isa`: avx2; false: no such name. Before anything is loaded. */
bool bench_keep_to(const char *isa);
/* Threads of the OpenMP runtime that oneDNN and MKL share. */
void bench_openmp_threads(int threads);
/* One line for each peer, found or not. */
void bench_print_peers(const bench *b);
const char *bench_cblas_version(int which); /* 0 OpenBLAS, 1 MKL; null: not found */
const char *bench_onednn_version(void);
const char *bench_xsmm_version(void);

/* ---- matrix products ---- */
/* C = A B, row-major and contiguous; A is m x k. f32: f32 result; bf16: bf16; u8 and i8: of A,
 * B is i8, C is i32. */
typedef struct bench_matmul {
    tg_dtype type;
    int m, n, k, threads;
    const void *a, *b;
    void *c;
    bool b_transposed; /* B is stored as n x k; oneDNN alone looks at it */
} bench_matmul;
void bench_add_cblas(bench_plan *p,
                     const bench_matmul *g); /* OpenBLAS and MKL: sgemm, sgemv for one row */
void bench_add_xsmm(bench_plan *p,
                    const bench_matmul *g); /* libxsmm: small f32 products, one thread */
void bench_add_onednn_matmul(bench_plan *p,
                             const bench_matmul *g); /* matmul, with packed weights, gemm */

/* C = alpha op(A) op(B) + beta C, f32, one thread; op transposes what is stored. Distances of rows are in elements. */
typedef struct bench_product {
    bool transpose_a, transpose_b;
    int m, n, k;
    float alpha, beta;
    const float *a, *b;
    float *c;
    int lda, ldb, ldc;
} bench_product;
bool bench_cblas_product(int which, const bench_product *g); /* false: not there */
bool bench_onednn_product(const bench_product *g);

/* ---- rows ---- */
typedef enum bench_row_op {
    BENCH_SOFTMAX,
    BENCH_LAYER_NORM,
    BENCH_GELU, /* the tanh form */
    BENCH_EXP,
    BENCH_ADD,
    BENCH_ROW_SUM,
    BENCH_COPY,
} bench_row_op;
typedef struct bench_rows {
    bench_row_op op;
    int64_t rows, cols;
    int threads;
    const float *a, *b; /* add: the second operand; layer norm: scale, then shift */
    float *y;
} bench_rows;
void bench_add_onednn_rows(bench_plan *p, const bench_rows *r);

/* ---- chains: operations on rows that follow each other ---- */
typedef enum bench_chain_op {
    BENCH_BIAS_GELU,           /* gelu(a + line) */
    BENCH_RESIDUAL_LAYER_NORM, /* between = a + b, y = its layer norm with scale and shift `line` */
    BENCH_MASKED_SOFTMAX,      /* softmax(BENCH_CHAIN_SCALE a + b) */
} bench_chain_op;
#define BENCH_CHAIN_SCALE 0.125f
typedef struct bench_chain {
    bench_chain_op op;
    int64_t rows, cols;
    int threads;
    const float *a, *b, *line; /* line: a row, or two */
    float *between, *y;
} bench_chain;
/* Each operation by itself. */
void bench_add_onednn_chain(bench_plan *p, const bench_chain *c);

/* ---- convolutions ---- */
typedef enum bench_conv_layout {
    BENCH_NHWC, /* ours; peers: NHWC, and their own layouts */
    BENCH_NCHW, /* plain on both sides */
} bench_conv_layout;
/* Square images and filters, one image. Filters are [R, S, C, K], in NCHW [K, C, R, S]; depthwise [R, S, C]. */
typedef struct bench_conv {
    bench_conv_layout layout;
    bool winograd; /* ours; of peers also, where they have it */
    int channels, size, filters, r, stride, pad, groups, threads;
    const float *x, *f;
    float *y;
} bench_conv;
void bench_add_onednn_conv(bench_plan *p, const bench_conv *c);

/* ---- attention ---- */
/* Full attention of contiguous [heads, length, width], f32; scores has room for heads x length x length. */
typedef struct bench_attention {
    int heads, length, width, threads;
    float scale;
    const float *q, *k, *v;
    float *out, *scores;
} bench_attention;
/* A product, a softmax in place, a product: oneDNN has nothing fused. */
void bench_add_onednn_attention(bench_plan *p, const bench_attention *a);
/* Its gradient. `out`: dQ, dK, dV one after the other; `work` has room for two matrices of scores. */
typedef struct bench_attention_bwd {
    int heads, length, width, threads;
    bool causal;
    float scale;
    const float *q, *k, *v, *o, *lse, *d_o;
    float *out, *work;
} bench_attention_bwd;
/* Each library's products, the rest by hand. One thread, AVX2. */
void bench_add_attention_bwd(bench_plan *p, const bench_attention_bwd *a);

/* ---- Fourier transforms ---- */
/* Forward, out of place, of contiguous transforms one after the other. */
typedef struct bench_fft {
    bool real;  /* r2c: n floats to n/2+1 complex numbers */
    int n0, n1; /* 2-D: n0 x n1, complex; 1-D: n0 = 1 */
    int batch, threads;
    const float *in; /* complex numbers are pairs of floats */
    float *out;
} bench_fft;
void bench_add_fftw(bench_plan *p,
                    const bench_fft *f); /* FFTW (plans of kind MEASURE) and MKL */
const char *bench_fftw_version(void);

/* ---- PyTorch ---- */
typedef struct bench_torch bench_torch;
/* Starts `python script`; null if that has no torch. */
bench_torch *bench_torch_start(const char *python, const char *script, bool processor_time);
void bench_torch_stop(bench_torch *t);
const char *bench_torch_version(const bench_torch *t);
/* A case of peer_torch.py, such as "gemm f32 64 64 64", under the name of that peer; up to three a row. Its
 * results are not compared. */
void bench_add_torch(bench_plan *p, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- by hand ---- */
typedef struct bench_hand {
    int threads;
    int64_t n; /* elements; a multiple of 64 */
    const float *a, *b;
    float *c;
    volatile float sink[16];
} bench_hand;
void bench_hand_keep_to_avx2(void); /* not the widest instructions of the processor */
double bench_hand_add(void *hand, int64_t calls);           /* c = a + b */
double bench_hand_add_streaming(void *hand, int64_t calls); /* with non-temporal stores */
double bench_hand_copy(void *hand, int64_t calls);          /* c = a */
double bench_hand_copy_streaming(void *hand, int64_t calls);
double bench_hand_memcpy(void *hand, int64_t calls);
double bench_hand_read(void *hand, int64_t calls);
double bench_hand_fma(void *hand, int64_t calls);
double bench_hand_fma_flops(void); /* of one call and thread, 1e9 each */
/* The limits of a plan's case: multiply-adds; the fastest read, or copy, of `n` floats from `a` (to `c`). */
void bench_add_fma_roof(bench_plan *p);
void bench_add_read_roof(bench_plan *p, const float *a, int64_t n);
void bench_add_copy_roof(bench_plan *p, const float *a, float *c, int64_t n);

#endif
