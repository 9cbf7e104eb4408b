/* The default allocator and the jump behind TG_PROTECT. The only file that calls malloc's
 * family; see alloc.h for the contract and arena.c for the main user. */
#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

static void *default_alloc(void *user, size_t size, size_t align) {
    (void)user;
    if (align <= _Alignof(max_align_t)) {
        return malloc(size ? size : 1);
    }
    /* aligned_alloc wants a multiple of the alignment. */
    if (size > SIZE_MAX - align) {
        return NULL;
    }
    size_t rounded = (size + align - 1) / align * align;
    return aligned_alloc(align, rounded ? rounded : align);
}

static void default_free(void *user, void *ptr, size_t size) {
    (void)user;
    (void)size;
    free(ptr);
}

const tg_allocator tg_allocator_default = {default_alloc, default_free, NULL};

void *tg_alloc(const tg_allocator *a, size_t size, size_t align) {
    void *p = a->alloc(a->user, size, align);
    if (p) {
        memset(p, 0, size);
    }
    return p;
}

void tg_free(const tg_allocator *a, void *ptr, size_t size) {
    if (ptr) {
        a->free(a->user, ptr, size);
    }
}

_Noreturn void tg_unwind_to(tg_unwind *u, tg_status status) {
    if (!u) {
        /* Work outside TG_PROTECT is a bug of the library; there is nowhere to return to. */
        __builtin_trap();
    }
    u->status = status;
    longjmp(u->env, 1);
}
