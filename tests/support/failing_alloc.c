#include "tests/support/failing_alloc.h"

#include <stdlib.h>

static void *take(void *user, size_t size, size_t align) {
    failing_alloc *a = user;
    pthread_mutex_lock(&a->lock);
    int fails = ++a->n == a->fail_at;
    a->live += !fails;
    pthread_mutex_unlock(&a->lock);
    size_t step = align < 16 ? 16 : align;
    return fails ? NULL : aligned_alloc(step, (size / step + 1) * step);
}

static void give(void *user, void *p, size_t size) {
    failing_alloc *a = user;
    (void)size;
    pthread_mutex_lock(&a->lock);
    a->live -= p != NULL;
    pthread_mutex_unlock(&a->lock);
    free(p);
}

void failing_alloc_init(failing_alloc *a) {
    *a = (failing_alloc){.allocator = {take, give, a}};
    pthread_mutex_init(&a->lock, NULL);
}

void failing_alloc_reset(failing_alloc *a, long fail_at) {
    a->n = 0;
    a->fail_at = fail_at;
}
