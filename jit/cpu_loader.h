/* Object code into executable memory. Pages are written first and made executable, then never
 * written again: none is writable and executable at once. */
#ifndef TG_JIT_CPU_LOADER_H
#define TG_JIT_CPU_LOADER_H

#include "base/abi.h"
#include "base/alloc.h"

typedef struct tg_code_space tg_code_space;

typedef struct tg_code {
    tg_entry_fn entry; /* null: not loaded */
    void *unit;        /* what unloads it */
} tg_code;

/* The linker inside is made by the first load. OUT_OF_MEMORY. */
tg_status tg_code_space_create(const tg_allocator *allocator, tg_code_space **out);
/* Unloads everything; null is fine. */
void tg_code_space_destroy(tg_code_space *space);
/* Any thread. INTERNAL with a message: the object is malformed or needs a symbol that is not
 * offered. */
tg_status tg_code_load(tg_code_space *space, const void *object, size_t size, const char *entry,
                       tg_code *out, char *message, size_t message_size);
void tg_code_unload(tg_code_space *space, tg_code *code);
/* Version of the code generator, for cache keys ("22.1.8"). */
void tg_code_version(char *out, size_t size);

#endif
