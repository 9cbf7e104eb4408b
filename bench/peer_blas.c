/* OpenBLAS, loaded when the program runs: the benchmark builds without it. */
#include <dlfcn.h>

#include "bench/peers.h"

/* The parts of cblas.h that are used. */
enum { ROW_MAJOR = 101, NO_TRANS = 111 };
typedef void (*sgemm_fn)(int order, int trans_a, int trans_b, int m, int n, int k, float alpha,
                         const float *a, int lda, const float *b, int ldb, float beta, float *c,
                         int ldc);
typedef void (*set_threads_fn)(int n);
typedef const char *(*config_fn)(void);

/* A function pointer cannot be cast from an object pointer in standard C; the union is what POSIX promises. */
typedef union symbol {
    void *object;
    sgemm_fn sgemm;
    set_threads_fn set_threads;
    config_fn config;
} symbol;

static symbol find(const char *name) {
    void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    return (symbol){.object = library ? dlsym(library, name) : NULL};
}

const char *bench_blas_version(void) {
    symbol s = find("openblas_get_config");
    return s.object ? s.config() : NULL;
}

double bench_sgemm_run(void *user, int64_t calls) {
    const bench_sgemm *g = user;
    symbol sgemm = find("cblas_sgemm"), threads = find("openblas_set_num_threads");
    if (!sgemm.object || !threads.object) {
        return -1;
    }
    threads.set_threads(g->threads);
    double start = bench_now();
    for (int64_t i = 0; i < calls; i++) {
        sgemm.sgemm(ROW_MAJOR, NO_TRANS, NO_TRANS, g->n, g->n, g->n, 1, g->a, g->n, g->b, g->n,
                    0, g->c, g->n);
    }
    return bench_now() - start;
}
