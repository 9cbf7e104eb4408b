#include "bench/dot/gemm_peers.h"

#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#ifdef BENCH_LIBXSMM
#include <libxsmm.h>
#endif

typedef void (*cblas_fn)(int, int, int, int, int, int, float, const float *, int, const float *,
                         int, float, float *, int);
typedef int (*dnnl_fn)(char, char, int64_t, int64_t, int64_t, float, const float *, int64_t,
                       const float *, int64_t, float, float *, int64_t);
typedef void (*set_fn)(int);
typedef int (*layer_fn)(int);

enum { OPENBLAS, ONEDNN, MKL, LIBXSMM };
enum { ROW_MAJOR = 101, NO_TRANS = 111, MKL_SEQUENTIAL = 1 };
enum { XSMM_LARGEST = 128 };

static struct {
    cblas_fn openblas, mkl;
    dnnl_fn dnnl;
} found;

static void *symbol(void *library, const char *name) {
    return library ? dlsym(library, name) : NULL;
}

#define AS(type, pointer) ((type)(uintptr_t)(pointer))

void gemm_peers_open(int threads) {
    char number[16];
    snprintf(number, sizeof number, "%d", threads);
    setenv("OMP_NUM_THREADS", number, 1); /* read by oneDNN's OpenMP when it starts */
    void *blas = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    void *dnnl = dlopen("libdnnl.so.2", RTLD_NOW | RTLD_LOCAL);
    void *mkl = dlopen(getenv("BENCH_MKL") ? getenv("BENCH_MKL") : "libmkl_rt.so",
                       RTLD_NOW | RTLD_LOCAL);
    found.openblas = AS(cblas_fn, symbol(blas, "cblas_sgemm"));
    found.dnnl = AS(dnnl_fn, symbol(dnnl, "dnnl_sgemm"));
    found.mkl = AS(cblas_fn, symbol(mkl, "cblas_sgemm"));
    set_fn set = AS(set_fn, symbol(blas, "openblas_set_num_threads")),
           set_mkl = AS(set_fn, symbol(mkl, "MKL_Set_Num_Threads"));
    layer_fn layer = AS(layer_fn, symbol(mkl, "MKL_Set_Threading_Layer"));
    if (set) {
        set(threads);
    }
    if (layer && threads == 1) {
        layer(MKL_SEQUENTIAL);
    }
    if (set_mkl) {
        set_mkl(threads);
    }
}

const char *gemm_peer_name(int peer) {
    static const char *const names[] = {"OpenBLAS", "oneDNN", "MKL", "libxsmm"};
    return names[peer];
}

/* Column-major: computes the transpose of c from those of b and a. */
static bool run_xsmm(const gemm_case *c, int repeat) {
#ifdef BENCH_LIBXSMM
    float zero = 0;
    bool small = c->m <= XSMM_LARGEST && c->n <= XSMM_LARGEST && c->k <= XSMM_LARGEST;
    libxsmm_smmfunction f =
        small ? libxsmm_smmdispatch(c->n, c->m, c->k, NULL, NULL, NULL, NULL, &zero, NULL, NULL)
              : NULL;
    for (int i = 0; f && i < repeat; i++) {
        f(c->b, c->a, c->c);
    }
    return f;
#else
    (void)c, (void)repeat;
    return false;
#endif
}

static bool run_cblas(cblas_fn f, const gemm_case *c, int repeat) {
    for (int i = 0; f && i < repeat; i++) {
        f(ROW_MAJOR, NO_TRANS, NO_TRANS, c->m, c->n, c->k, 1, c->a, c->k, c->b, c->n, 0, c->c,
          c->n);
    }
    return f;
}

bool gemm_peer_run(int peer, const gemm_case *c, int repeat) {
    if (peer == OPENBLAS || peer == MKL) {
        return run_cblas(peer == MKL ? found.mkl : found.openblas, c, repeat);
    }
    if (peer == LIBXSMM) {
        return run_xsmm(c, repeat);
    }
    for (int i = 0; found.dnnl && i < repeat; i++) {
        found.dnnl('N', 'N', c->m, c->n, c->k, 1, c->a, c->k, c->b, c->n, 0, c->c, c->n);
    }
    return found.dnnl;
}
