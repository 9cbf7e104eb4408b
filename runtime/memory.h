/* Blocks of memory for tensors, workspaces and worker scratch: 64-byte aligned, from 16 KiB on at
 * the start of a page, large ones on huge pages, and a small cache so that launches do not go to the allocator each time. */
#ifndef TG_RUNTIME_MEMORY_H
#define TG_RUNTIME_MEMORY_H

#include "base/abi.h"
#include "base/alloc.h"

#include <pthread.h>
#include <stdbool.h>

enum { TG_MEM_ALIGN = 64 };

typedef struct tg_mem {
    void *data; /* null: no block */
    size_t size;
} tg_mem;

/* At least `bytes`, 64-byte aligned, contents unspecified. From 16 KiB on aligned to 4 KiB, from 4 MiB
 * on to 2 MiB and advised as huge pages. False if out of memory; *out is then empty. bytes == 0 gives a small
 * block. */
bool tg_mem_alloc(const tg_allocator *allocator, size_t bytes, tg_mem *out);
void tg_mem_free(const tg_allocator *allocator,
                 tg_mem *mem); /* an empty block is fine; empties *mem */

/* Blocks given back wait here for the next taker. Any thread. */
enum { TG_MEM_CACHE_SLOTS = 16 };
typedef struct tg_mem_cache {
    const tg_allocator *allocator;
    pthread_mutex_t lock;
    tg_mem slots[TG_MEM_CACHE_SLOTS];
    size_t held, limit; /* bytes in slots; more than `limit` is freed at once */
} tg_mem_cache;

void tg_mem_cache_init(tg_mem_cache *cache, const tg_allocator *allocator, size_t limit);
void tg_mem_cache_fini(tg_mem_cache *cache);
/* The smallest cached block that fits and is not more than four times too large, else a new
 * one. */
bool tg_mem_cache_take(tg_mem_cache *cache, size_t bytes, tg_mem *out);
void tg_mem_cache_give(tg_mem_cache *cache, tg_mem *mem);

/* Scratch of one worker: a fixed part of at least the phase's size, and a bump arena that
 * reset() empties and that keeps its largest chunk. One thread at a time. */
enum { TG_SCRATCH_CHUNKS = 40 };
typedef struct tg_scratch {
    tg_worker worker; /* what generated code sees; worker.owner is this struct */
    const tg_allocator *allocator;
    tg_mem fixed;
    tg_mem chunks
        [TG_SCRATCH_CHUNKS]; /* the last one is current; each at least twice its predecessor */
    uint32_t n_chunks;
    size_t used;             /* of the current chunk */
    struct tg_scratch *next; /* list of the owner */
} tg_scratch;

void tg_scratch_init(tg_scratch *s, const tg_allocator *allocator, int32_t index);
void tg_scratch_fini(tg_scratch *s);
/* Readies the worker for a phase; false if out of memory. */
bool tg_scratch_prepare(tg_scratch *s, int64_t scratch_bytes);

#endif
