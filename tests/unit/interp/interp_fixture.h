/* Running functions written as IR text on small tensors. */
#ifndef INTERP_FIXTURE_H
#define INTERP_FIXTURE_H

#include "dsl/interp/interp.h"

typedef struct fixture {
    tg_unwind unwind;
    tg_arena *arena;
    tg_func *f;
    char message[200];
} fixture;

/* Reads and verifies; fails the test if the text is not well formed. */
void fixture_open(fixture *x, const char *text);
void fixture_close(fixture *x);
tg_status fixture_run(fixture *x, const tg_interp_arg *args, const tg_interp_options *o);

/* A dense tensor over `data`. */
tg_interp_arg tensor_arg(tg_dtype dtype, void *data, uint32_t rank, const int64_t *shape);
tg_interp_arg vector_arg(tg_dtype dtype, void *data, int64_t n);
tg_interp_arg matrix_arg(tg_dtype dtype, void *data, int64_t m, int64_t n);
tg_interp_arg int_arg(tg_dtype dtype, int64_t v);
tg_interp_arg float_arg(tg_dtype dtype, double v);

/* Uniform in [-1, 1), reproducible. */
double random_unit(uint64_t *state);
void random_f32(float *x, int64_t n, uint64_t seed);

#endif
