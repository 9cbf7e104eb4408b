/* libxsmm: one function generated for each small product. The interface is that of version 1.17. */
#include "bench/peers.h"

typedef void (*kernel_fn)(const float *a, const float *b, float *c, ...);
typedef kernel_fn (*dispatch_fn)(int m, int n, int k, const int *lda, const int *ldb,
                                 const int *ldc, const float *alpha, const float *beta,
                                 const int *flags, const int *prefetch);

/* The library itself stops generating there and calls a BLAS. */
enum { LARGEST = 128 * 128 * 128 };

static dispatch_fn dispatch(void) {
    static const char *const names[] = {"libxsmm.so", "libxsmm.so.1", NULL};
    static dispatch_fn function;
    static bool tried;
    if (!tried) {
        tried = true;
        bench_symbol(bench_library(names), "libxsmm_smmdispatch", &function);
    }
    return function;
}

const char *bench_xsmm_version(void) {
    return dispatch() ? "found" : NULL;
}

typedef struct problem {
    bench_matmul g;
    kernel_fn kernel;
} problem;

static double run(void *user, int64_t calls) {
    const problem *p = user;
    const bench_matmul *g = &p->g;
    double start = bench_now();
    for (int64_t i = 0; i < calls; i++) {
        p->kernel(g->b, g->a, g->c);
    }
    return bench_now() - start;
}

void bench_add_xsmm(bench_plan *p, const bench_matmul *g) {
    if (g->type != TG_F32 || g->threads != 1 || (double)g->m * g->n * g->k > LARGEST ||
        !dispatch()) {
        return;
    }
    float one = 1, zero = 0;
    int flags = 0;
    /* It is column-major: the product of the transposed operands in the other order. */
    problem it = {*g,
                  dispatch()(g->n, g->m, g->k, &g->n, &g->k, &g->n, &one, &zero, &flags, NULL)};
    if (it.kernel) {
        bench_plan_add(p, "libxsmm", BENCH_PEER, run, &it, sizeof it)->result = g->c;
    }
}
