/* The peers: OpenBLAS (loaded at run time), PyTorch (another process), loops written by hand. */
#ifndef TG_BENCH_PEERS_H
#define TG_BENCH_PEERS_H

#include "bench/harness.h"

/* ---- OpenBLAS ---- */
/* C = A B, all n x n, row-major. */
typedef struct bench_sgemm {
    int n, threads;
    const float *a, *b;
    float *c;
} bench_sgemm;
/* Its configuration, or null if there is no libopenblas.so.0. */
const char *bench_blas_version(void);
double bench_sgemm_run(void *sgemm, int64_t calls);

/* ---- PyTorch ---- */
typedef struct bench_torch bench_torch;
/* Starts `python script`; null if that has no torch. */
bench_torch *bench_torch_start(const char *python, const char *script, bool processor_time);
void bench_torch_stop(bench_torch *t);
const char *bench_torch_version(const bench_torch *t);

typedef struct bench_torch_case {
    bench_torch *torch; /* null: the contender is absent */
    int threads;
    char what[96]; /* "gemm f32 1024", see peer_torch.py */
} bench_torch_case;
double bench_torch_run(void *torch_case, int64_t calls);

/* ---- by hand ---- */
typedef struct bench_hand {
    int threads;
    int64_t n; /* elements */
    const float *a, *b;
    float *c;
    volatile float sink;
} bench_hand;
double bench_hand_add(void *hand, int64_t calls); /* c = a + b */
double bench_hand_add_streaming(void *hand,
                                int64_t calls);    /* the same with non-temporal stores */
double bench_hand_copy(void *hand, int64_t calls); /* c = a */
double bench_hand_copy_streaming(void *hand, int64_t calls);
double bench_hand_memcpy(void *hand, int64_t calls);
double bench_hand_read(void *hand, int64_t calls);
double bench_hand_fma(void *hand,
                      int64_t calls); /* bench_hand_fma_flops of work per call and thread */
extern const double bench_hand_fma_flops;
bool bench_hand_available(void); /* AVX-512 is there; without it only memcpy is */

#endif
