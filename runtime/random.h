/* Seeded test data. The same seed gives the same values on every machine and for every stride
 * order. */
#ifndef TG_RUNTIME_RANDOM_H
#define TG_RUNTIME_RANDOM_H

#include "runtime/tensor.h"

typedef struct tg_random {
    uint64_t state;
} tg_random;

uint64_t tg_random_next(tg_random *r);
double tg_random_unit(tg_random *r);                              /* [0, 1), 53 bits */
int64_t tg_random_range(tg_random *r, int64_t low, int64_t high); /* low … high, inclusive */

/* Floats uniform in [low, high), integers low … high inclusive (cut to the dtype's range), bool
 * 0 or 1. */
void tg_random_fill(tg_tensor *t, uint64_t seed, double low, double high);
/* Nondecreasing integers from low to high, both taken as first and last element if there are
 * two. */
void tg_random_fill_sorted(tg_tensor *t, uint64_t seed, int64_t low, int64_t high);
/* A random permutation of low, low + 1, … over the elements in row-major order. */
void tg_random_fill_unique(tg_tensor *t, uint64_t seed, int64_t low);

#endif
