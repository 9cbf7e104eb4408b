/* The limited allocator: see fuzz_memory.h. */
#include "tests/fuzz/fuzz_memory.h"

#include <stdlib.h>

static void *limited_alloc(void *user, size_t size, size_t align) {
    fuzz_memory *m = user;
    if (size > m->left) {
        return NULL;
    }
    size_t a = align < sizeof(void *) ? sizeof(void *) : align;
    void *p = aligned_alloc(a, (size + a - 1) / a * a);
    m->left -= p ? size : 0;
    return p;
}

static void limited_free(void *user, void *p, size_t size) {
    fuzz_memory *m = user;
    m->left += p ? size : 0;
    free(p);
}

void fuzz_memory_init(fuzz_memory *m, size_t limit) {
    *m = (fuzz_memory){{limited_alloc, limited_free, m}, limit};
}
