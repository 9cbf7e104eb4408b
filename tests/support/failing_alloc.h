/* An allocator that counts, and of which one call fails: for sweeps over all allocations of a session. Any thread. */
#ifndef TG_TESTS_FAILING_ALLOC_H
#define TG_TESTS_FAILING_ALLOC_H

#include "tegula/base.h"

#include <pthread.h>

typedef struct failing_alloc {
    tg_allocator allocator;
    pthread_mutex_t lock;
    long n;       /* calls since the last reset */
    long fail_at; /* number of the call that fails; 0: none */
    long live;    /* blocks not freed */
} failing_alloc;

void failing_alloc_init(failing_alloc *a);
/* Counts from 0 again. */
void failing_alloc_reset(failing_alloc *a, long fail_at);

#endif
