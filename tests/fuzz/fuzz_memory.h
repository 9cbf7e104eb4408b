/* What fuzz targets share: an allocator that gives a limited amount, so that an input that asks for much ends in the
 * way that running out of memory does, and a launch made up for a signature. */
#ifndef TG_TEST_FUZZ_MEMORY_H
#define TG_TEST_FUZZ_MEMORY_H

#include "base/signature.h"

typedef struct fuzz_memory {
    tg_allocator allocator;
    size_t left;
} fuzz_memory;

/* `m` must stay where it is. */
void fuzz_memory_init(fuzz_memory *m, size_t limit);

/* Binds and checks launches with arguments that `seed` chooses, mostly of the right kinds. */
void fuzz_launch(const tg_signature *sig, uint64_t seed);

#endif
