/* FFTW 3, and MKL, which has the same interface. Plans are of kind MEASURE, made before anything is timed. */
#include <stdlib.h>
#include <string.h>

#include "bench/peers.h"

enum { FORWARD = -1, MEASURE = 0, PRESERVE_INPUT = 1 << 4, N_LIBRARIES = 2 };

typedef struct fft_library {
    const char *name;
    const char *const *files;
    bool tried, there;
    void *(*plan)(int rank, const int *n, int how_many, float *in, const int *in_embed,
                  int in_stride, int in_dist, float *out, const int *out_embed, int out_stride,
                  int out_dist, int sign, unsigned flags);
    void *(*plan_real)(int rank, const int *n, int how_many, float *in, const int *in_embed,
                       int in_stride, int in_dist, float *out, const int *out_embed,
                       int out_stride, int out_dist, unsigned flags);
    void (*execute)(void *plan);
    void (*destroy_plan)(void *plan);
    int (*init_threads)(void);
    void (*set_threads)(int n);
    const char *version;
} fft_library;

/* The library of the threads brings the other with it. */
static const char *const fftw_files[] = {"libfftw3f_threads.so.3", "libfftw3f.so.3", NULL};
static const char *const mkl_files[] = {"libmkl_rt.so.3", "libmkl_rt.so.2", NULL};
static fft_library libraries[N_LIBRARIES] = {{.name = "FFTW", .files = fftw_files},
                                             {.name = "MKL", .files = mkl_files}};

static fft_library *get(int which) {
    fft_library *l = &libraries[which];
    if (!l->tried) {
        l->tried = true;
        setenv("MKL_THREADING_LAYER", "GNU", 0); /* see peer_cblas.c */
        void *handle = bench_library(l->files);
        l->there = bench_symbol(handle, "fftwf_plan_many_dft", &l->plan) &&
                   bench_symbol(handle, "fftwf_plan_many_dft_r2c", &l->plan_real) &&
                   bench_symbol(handle, "fftwf_execute", &l->execute) &&
                   bench_symbol(handle, "fftwf_destroy_plan", &l->destroy_plan);
        if (l->there && bench_symbol(handle, "fftwf_init_threads", &l->init_threads) &&
            bench_symbol(handle, "fftwf_plan_with_nthreads", &l->set_threads)) {
            l->init_threads();
        }
        bench_symbol(handle, "fftwf_version", &l->version);
    }
    return l->there ? l : NULL;
}

const char *bench_fftw_version(void) {
    fft_library *l = get(0);
    return !l ? NULL : l->version ? l->version : "found";
}

typedef struct transform {
    const fft_library *l;
    void *plan;
} transform;

static double run(void *user, int64_t calls) {
    const transform *t = user;
    double start = bench_now();
    for (int64_t i = 0; i < calls; i++) {
        t->l->execute(t->plan);
    }
    return bench_now() - start;
}

static void destroy(void *user) {
    const transform *t = user;
    t->l->destroy_plan(t->plan);
}

static void *make_plan(const fft_library *l, const bench_fft *f) {
    union {
        const float *in;
        float *out;
    } in = {.in = f->in}; /* the interface does not know const */
    int n[] = {f->n0, f->n1}, all = f->n0 * f->n1, rank = f->n0 > 1 ? 2 : 1;
    const int *sizes = rank == 2 ? n : n + 1;
    if (l->set_threads) {
        l->set_threads(f->threads);
    }
    return f->real ? l->plan_real(rank, sizes, f->batch, in.out, NULL, 1, all, f->out, NULL, 1,
                                  all / 2 + 1, MEASURE | PRESERVE_INPUT)
                   : l->plan(rank, sizes, f->batch, in.out, NULL, 1, all, f->out, NULL, 1, all,
                             FORWARD, MEASURE | PRESERVE_INPUT);
}

void bench_add_fftw(bench_plan *p, const bench_fft *f) {
    size_t bytes = (size_t)f->n0 * (size_t)f->n1 * (size_t)f->batch * (f->real ? 4 : 8);
    float *saved = malloc(bytes);
    union {
        const float *in;
        float *out;
    } in = {.in = f->in};
    for (int i = 0; i < N_LIBRARIES && saved; i++) {
        transform t = {.l = get(i)};
        memcpy(saved, f->in, bytes); /* planning overwrites the arrays */
        t.plan = t.l ? make_plan(t.l, f) : NULL;
        memcpy(in.out, saved, bytes);
        if (t.plan) {
            bench_contender *c = bench_plan_add(p, t.l->name, BENCH_PEER, run, &t, sizeof t);
            c->destroy = destroy;
            c->result = f->out;
        }
    }
    free(saved);
}
