/* Bump allocation in a list of chunks.
 *
 * Chunks double from 16 KiB to 1 MiB; a request larger than a quarter of the next chunk gets a
 * chunk of its own, behind the current one, so that the current one keeps filling:
 *
 *     arena->current ─→ [ used | free ] ─→ [ full ] ─→ [ big ] ─→ null
 *
 * Memory is zeroed piece by piece as it is handed out, so untouched pages cost nothing. */
#include "base/arena.h"

#include <string.h>

enum { FIRST_CHUNK = 16 * 1024, LAST_CHUNK = 1024 * 1024 };

typedef struct chunk {
    struct chunk *next;
    size_t size; /* bytes taken from the allocator, header included */
    size_t used; /* from the start of the header */
} chunk;

struct tg_arena {
    tg_allocator allocator;
    tg_unwind *unwind;
    chunk *current;
    size_t next_size;
    size_t bytes;
};

tg_arena *tg_arena_create(const tg_allocator *allocator, tg_unwind *unwind) {
    const tg_allocator *a = allocator ? allocator : &tg_allocator_default;
    tg_arena *arena = tg_alloc(a, sizeof *arena, _Alignof(tg_arena));
    if (!arena) {
        return NULL;
    }
    arena->allocator = *a;
    arena->unwind = unwind;
    arena->next_size = FIRST_CHUNK;
    arena->bytes = sizeof *arena;
    return arena;
}

void tg_arena_destroy(tg_arena *arena) {
    if (!arena) {
        return;
    }
    chunk *c = arena->current;
    while (c) {
        chunk *next = c->next;
        tg_free(&arena->allocator, c, c->size);
        c = next;
    }
    tg_allocator a = arena->allocator;
    tg_free(&a, arena, sizeof *arena);
}

void tg_arena_set_unwind(tg_arena *arena, tg_unwind *unwind) {
    arena->unwind = unwind;
}

tg_unwind *tg_arena_unwind(const tg_arena *arena) {
    return arena->unwind;
}

size_t tg_arena_bytes(const tg_arena *arena) {
    return arena->bytes;
}

static chunk *new_chunk(tg_arena *arena, size_t size) {
    chunk *c = arena->allocator.alloc(arena->allocator.user, size, _Alignof(max_align_t));
    if (!c) {
        tg_unwind_to(arena->unwind, TG_ERROR_OUT_OF_MEMORY);
    }
    c->next = NULL;
    c->size = size;
    c->used = sizeof *c;
    arena->bytes += size;
    return c;
}

/* Takes `size` bytes from a chunk, or null if they do not fit. */
static void *bump(chunk *c, size_t size, size_t align) {
    uintptr_t base = (uintptr_t)c;
    uintptr_t at = (base + c->used + align - 1) & ~(uintptr_t)(align - 1);
    size_t begin = (size_t)(at - base);
    if (begin > c->size || size > c->size - begin) {
        return NULL;
    }
    c->used = begin + size;
    return memset((char *)c + begin, 0, size);
}

static void *alloc_in_new_chunk(tg_arena *arena, size_t size, size_t align) {
    if (size > SIZE_MAX - align - sizeof(chunk)) {
        tg_unwind_to(arena->unwind, TG_ERROR_OUT_OF_MEMORY);
    }
    size_t need = size + align + sizeof(chunk);
    if (arena->current && need > arena->next_size / 4) {
        chunk *own = new_chunk(arena, need);
        own->next = arena->current->next;
        arena->current->next = own;
        return bump(own, size, align);
    }
    chunk *c = new_chunk(arena, need > arena->next_size ? need : arena->next_size);
    if (arena->next_size < LAST_CHUNK) {
        arena->next_size *= 2;
    }
    c->next = arena->current;
    arena->current = c;
    return bump(c, size, align);
}

void *tg_arena_alloc(tg_arena *arena, size_t size, size_t align) {
    void *p = arena->current ? bump(arena->current, size, align) : NULL;
    return p ? p : alloc_in_new_chunk(arena, size, align);
}

void *tg_arena_copy(tg_arena *arena, const void *src, size_t size, size_t align) {
    void *p = tg_arena_alloc(arena, size, align);
    if (size) {
        memcpy(p, src, size);
    }
    return p;
}

char *tg_arena_strndup(tg_arena *arena, const char *s, size_t n) {
    char *p = tg_arena_alloc(arena, n + 1, 1);
    if (n) {
        memcpy(p, s, n);
    }
    return p;
}

void *tg_vec_grow(tg_arena *arena, void *data, uint32_t *cap, uint32_t len, size_t elem_size) {
    if (*cap > UINT32_MAX / 2) {
        tg_unwind_to(arena->unwind, TG_ERROR_OUT_OF_MEMORY);
    }
    uint32_t new_cap = *cap ? *cap * 2 : 4;
    void *p = tg_arena_alloc(arena, elem_size * new_cap, _Alignof(max_align_t));
    if (len) {
        memcpy(p, data, elem_size * len);
    }
    *cap = new_cap;
    return p;
}
