/* Loading libraries; OpenBLAS and MKL, which share the interface of cblas.h. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "bench/peers.h"

/* ---- loading ------------------------------------------------------------------------------------------------ */

void *bench_library(const char *const *names) {
    for (; *names; names++) {
        char path[4096];
        snprintf(path, sizeof path, BENCH_ROOT "/build/peers/lib/%s", *names);
        void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        if (!library) {
            library = dlopen(*names, RTLD_NOW | RTLD_LOCAL);
        }
        if (library) {
            return library;
        }
    }
    return NULL;
}

bool bench_symbol(void *library, const char *name, void *function) {
    void *address = library ? dlsym(library, name) : NULL;
    memcpy(function, &address,
           sizeof address); /* C has no cast from object to function pointers */
    return address != NULL;
}

void bench_openmp_threads(int threads) {
    static void (*set)(int);
    static const char *const names[] = {"libgomp.so.1", NULL};
    if (set || bench_symbol(bench_library(names), "omp_set_num_threads", &set)) {
        set(threads);
    }
}

static void print_peer(const char *name, const char *version) {
    printf("%-11s %s\n", name, version ? version : "not found");
}

void bench_print_peers(const bench *b) {
    print_peer("OpenBLAS", bench_cblas_version(0));
    print_peer("MKL", bench_cblas_version(1));
    print_peer("oneDNN", bench_onednn_version());
    print_peer("libxsmm", bench_xsmm_version());
    print_peer("FFTW", bench_fftw_version());
    print_peer("PyTorch", b->torch ? bench_torch_version(b->torch) : NULL);
}

/* ---- cblas -------------------------------------------------------------------------------------------------- */

enum { ROW_MAJOR = 101, NO_TRANS = 111, TRANS = 112, N_LIBRARIES = 2 };

typedef struct library {
    const char *name, *gemv_name, *set_threads_name, *version_name;
    const char *const *files;
    bool tried;
    void (*sgemm)(int order, int trans_a, int trans_b, int m, int n, int k, float alpha,
                  const float *a, int lda, const float *b, int ldb, float beta, float *c,
                  int ldc);
    void (*sgemv)(int order, int trans, int m, int n, float alpha, const float *a, int lda,
                  const float *x, int inc_x, float beta, float *y, int inc_y);
    void (*set_threads)(int n);
    char version[128];
} library;

static const char *const openblas_files[] = {"libopenblas.so.0", NULL};
static const char *const mkl_files[] = {"libmkl_rt.so.3", "libmkl_rt.so.2", NULL};
static library libraries[N_LIBRARIES] = {
    {.name = "OpenBLAS",
     .gemv_name = "OpenBLAS gemv",
     .set_threads_name = "openblas_set_num_threads",
     .version_name = "openblas_get_config",
     .files = openblas_files},
    {.name = "MKL",
     .gemv_name = "MKL gemv",
     .set_threads_name = "MKL_Set_Num_Threads",
     .version_name = "MKL_Get_Version_String",
     .files = mkl_files},
};

static void read_version(library *l, void *handle, bool is_mkl) {
    char *(*config)(void);
    void (*mkl_version)(char *text, int size);
    if (is_mkl) {
        if (bench_symbol(handle, l->version_name, &mkl_version)) {
            mkl_version(l->version, sizeof l->version - 1);
        }
    } else if (bench_symbol(handle, l->version_name, &config)) {
        snprintf(l->version, sizeof l->version, "%s", config());
    }
}

/* Null if it is not there. */
static library *get(int which) {
    library *l = &libraries[which];
    if (!l->tried) {
        l->tried = true;
        /* MKL's own OpenMP would keep a second team of spinning threads beside oneDNN's. */
        setenv("MKL_THREADING_LAYER", "GNU", 0);
        void *handle = bench_library(l->files);
        read_version(l, handle, which == 1);
        if (!bench_symbol(handle, "cblas_sgemv", &l->sgemv) ||
            !bench_symbol(handle, l->set_threads_name, &l->set_threads) ||
            !bench_symbol(handle, "cblas_sgemm", &l->sgemm)) {
            l->sgemm = NULL;
        }
    }
    return l->sgemm ? l : NULL;
}

const char *bench_cblas_version(int which) {
    library *l = get(which);
    return l ? l->version : NULL;
}

bool bench_cblas_product(int which, const bench_product *g) {
    library *l = get(which);
    if (l) {
        l->set_threads(1);
        l->sgemm(ROW_MAJOR, g->transpose_a ? TRANS : NO_TRANS,
                 g->transpose_b ? TRANS : NO_TRANS, g->m, g->n, g->k, g->alpha, g->a, g->lda,
                 g->b, g->ldb, g->beta, g->c, g->ldc);
    }
    return l != NULL;
}

typedef struct problem {
    bench_matmul g;
    library *l;
} problem;

static double run_gemm(void *user, int64_t calls) {
    const problem *p = user;
    const bench_matmul *g = &p->g;
    p->l->set_threads(g->threads);
    double start = bench_now();
    for (int64_t i = 0; i < calls; i++) {
        p->l->sgemm(ROW_MAJOR, NO_TRANS, NO_TRANS, g->m, g->n, g->k, 1, g->a, g->k, g->b, g->n,
                    0, g->c, g->n);
    }
    return bench_now() - start;
}

static double run_gemv(void *user, int64_t calls) {
    const problem *p = user;
    const bench_matmul *g = &p->g;
    p->l->set_threads(g->threads);
    double start = bench_now();
    for (int64_t i = 0; i < calls; i++) {
        p->l->sgemv(ROW_MAJOR, TRANS, g->k, g->n, 1, g->b, g->n, g->a, 1, 0, g->c, 1);
    }
    return bench_now() - start;
}

void bench_add_cblas(bench_plan *p, const bench_matmul *g) {
    for (int i = 0; i < N_LIBRARIES && g->type == TG_F32; i++) {
        problem one = {*g, get(i)};
        if (one.l) {
            bench_plan_add(p, one.l->name, BENCH_PEER, run_gemm, &one, sizeof one)->result =
                g->c;
        }
        if (one.l && g->m == 1) {
            bench_plan_add(p, one.l->gemv_name, BENCH_PEER, run_gemv, &one, sizeof one)
                ->result = g->c;
        }
    }
}
