/* Compiled kernels on disk: one file per entry, named by its key.
 *
 *   | magic "TGKERNEL" | version | header bytes | key | sizes, flags | XXH3-128 of all that follows and precedes |
 *   | entry name | object code | signature |
 *
 * A file is used only if every byte checks; anything else (truncated, corrupt, of another
 * version) counts as absent and is replaced. Written to a temporary and renamed, so that
 * readers see whole files. The directory must be ours and closed to writing by others: who can
 * write to it can run code in our processes. */
#ifndef TG_JIT_CACHE_H
#define TG_JIT_CACHE_H

#include "base/hash.h"
#include "base/io.h"

typedef struct tg_cache {
    const tg_allocator *allocator;
    char *dir; /* null: no cache */
    uint64_t limit;
} tg_cache;

typedef struct tg_cache_entry {
    const char *entry; /* symbol */
    const void *object;
    size_t object_size;
    const void *signature;
    size_t signature_size;
    uint64_t flags;
} tg_cache_entry;

/* Makes and checks the directory. No cache (dir null) if it cannot be used; OUT_OF_MEMORY is
 * the only error. */
tg_status tg_cache_open(tg_cache *cache, const tg_allocator *allocator, const char *dir,
                        uint64_t limit);
void tg_cache_close(tg_cache *cache);
/* False if there is no such entry. What it points to lives in the arena. */
bool tg_cache_read(const tg_cache *cache, tg_hash key, tg_arena *arena, tg_cache_entry *out);
/* Best effort: a full disk or a lost race is no error. Trims the directory to its limit
 * afterwards. */
void tg_cache_write(const tg_cache *cache, tg_hash key, const tg_cache_entry *entry,
                    tg_arena *arena);
/* Bytes and number of entries. */
void tg_cache_usage(const tg_cache *cache, uint64_t *bytes, uint64_t *n);
/* Removes all entries; the number removed. */
uint64_t tg_cache_clear(const tg_cache *cache);

#endif
