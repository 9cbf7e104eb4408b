/* See memory.h. Transparent huge pages matter for kernels that stream through large tensors:
 * with 4 KiB pages a 1 k GEMM loses several per cent to TLB misses. The advice is a hint; where
 * the kernel does not support it nothing changes. */
#define _GNU_SOURCE
#include "runtime/memory.h"

#include "base/packing.h"

#include <string.h>
#include <sys/mman.h>

/* User space of x86-64 with four-level page tables: more cannot be had, and must not overflow
 * below. */
static const size_t ADDRESS_SPACE = (size_t)1 << 47;

/* A result should not lie a line or two after an operand in its page: loads are told from the stores before them by the last 12 bits of their addresses, so that
 * one which runs ahead seems to read what was just written, and waits. Blocks of whole pages from the heap, one after the other, lie just so: add of 16 x 1024 had 97
 * to 109 GB/s there, residual + layer norm 69 to 82 (Zen 4). At the start of a page each, they have 111 and 79: a loop reads before it writes there. */
enum { PAGE = 4096, PAGES_FROM = 4 * PAGE, HUGE_PAGE = 2 * 1024 * 1024, HUGE_FROM = 2 * HUGE_PAGE, FIRST_CHUNK = 64 * 1024 };

/* The fixed scratch begins so far after its page: code leaves a line free before its buffers, which would be a line after the tensors that they are
 * computed from. */
enum { SCRATCH_AT = 1024 };

static size_t round_up(size_t n, size_t to) {
    return (n + to - 1) / to * to;
}

bool tg_mem_alloc(const tg_allocator *allocator, size_t bytes, tg_mem *out) {
    *out = (tg_mem){0};
    if (bytes > ADDRESS_SPACE) {
        return false;
    }
    bool huge = bytes >= HUGE_FROM;
    size_t align = huge ? HUGE_PAGE : bytes >= PAGES_FROM ? PAGE : TG_MEM_ALIGN;
    size_t size = round_up(bytes ? bytes : 1, align);
    void *data = allocator->alloc(allocator->user, size, align);
    if (!data) {
        return false;
    }
#ifdef MADV_HUGEPAGE
    if (huge && (uintptr_t)data % HUGE_PAGE == 0) {
        (void)madvise(data, size, MADV_HUGEPAGE);
    }
#endif
    *out = (tg_mem){data, size};
    return true;
}

void tg_mem_free(const tg_allocator *allocator, tg_mem *mem) {
    tg_free(allocator, mem->data, mem->size);
    *mem = (tg_mem){0};
}

/* ---- cache ----------------------------------------------------------------------------------------
 */

void tg_mem_cache_init(tg_mem_cache *cache, const tg_allocator *allocator, size_t limit) {
    memset(cache, 0, sizeof *cache);
    cache->allocator = allocator;
    cache->limit = limit;
    pthread_mutex_init(&cache->lock, NULL);
}

void tg_mem_cache_fini(tg_mem_cache *cache) {
    for (int i = 0; i < TG_MEM_CACHE_SLOTS; i++) {
        tg_mem_free(cache->allocator, &cache->slots[i]);
    }
    pthread_mutex_destroy(&cache->lock);
}

static tg_mem take_cached(tg_mem_cache *cache, size_t bytes) {
    tg_mem found = {0};
    tg_mem *best = NULL;
    pthread_mutex_lock(&cache->lock);
    for (int i = 0; i < TG_MEM_CACHE_SLOTS; i++) {
        tg_mem *m = &cache->slots[i];
        bool fits = m->data && m->size >= bytes && m->size / 4 <= bytes + HUGE_PAGE;
        if (fits && (!best || m->size < best->size)) {
            best = m;
        }
    }
    if (best) {
        found = *best;
        cache->held -= best->size;
        *best = (tg_mem){0};
    }
    pthread_mutex_unlock(&cache->lock);
    return found;
}

bool tg_mem_cache_take(tg_mem_cache *cache, size_t bytes, tg_mem *out) {
    *out = take_cached(cache, bytes);
    return out->data || tg_mem_alloc(cache->allocator, bytes, out);
}

void tg_mem_cache_give(tg_mem_cache *cache, tg_mem *mem) {
    pthread_mutex_lock(&cache->lock);
    if (mem->size <= cache->limit && cache->held <= cache->limit - mem->size) {
        for (int i = 0; i < TG_MEM_CACHE_SLOTS && mem->data; i++) {
            if (!cache->slots[i].data) {
                cache->slots[i] = *mem;
                cache->held += mem->size;
                *mem = (tg_mem){0};
            }
        }
    }
    pthread_mutex_unlock(&cache->lock);
    tg_mem_free(cache->allocator, mem);
}

/* ---- worker scratch ---------------------------------------------------------------------------------
 */

static bool add_chunk(tg_scratch *s, size_t bytes) {
    if (s->n_chunks == TG_SCRATCH_CHUNKS) {
        return false;
    }
    size_t last = s->n_chunks ? s->chunks[s->n_chunks - 1].size : FIRST_CHUNK / 2;
    size_t size = last * 2 > bytes ? last * 2 : bytes;
    if (!tg_mem_alloc(s->allocator, size, &s->chunks[s->n_chunks])) {
        return false;
    }
    s->n_chunks++;
    s->used = 0;
    return true;
}

static void *scratch_alloc(tg_worker *w, int64_t bytes) {
    tg_scratch *s = w->owner;
    if (bytes < 0 || (uint64_t)bytes > SIZE_MAX / 4) {
        w->failed = TG_ERROR_OUT_OF_MEMORY;
        return NULL;
    }
    size_t n = round_up(bytes ? (size_t)bytes : 1, TG_MEM_ALIGN);
    bool room = s->n_chunks && s->chunks[s->n_chunks - 1].size - s->used >= n;
    if (!room && !add_chunk(s, n)) {
        w->failed = TG_ERROR_OUT_OF_MEMORY;
        return NULL;
    }
    void *p = (char *)s->chunks[s->n_chunks - 1].data + s->used;
    s->used += n;
    return p;
}

/* Keeps the last chunk, which is the largest: after a few instances one chunk serves them all. */
static void scratch_reset(tg_worker *w) {
    tg_scratch *s = w->owner;
    s->used = 0;
    if (s->n_chunks > 1) {
        for (uint32_t i = 0; i + 1 < s->n_chunks; i++) {
            tg_mem_free(s->allocator, &s->chunks[i]);
        }
        s->chunks[0] = s->chunks[s->n_chunks - 1];
        s->n_chunks = 1;
    }
}

void tg_scratch_init(tg_scratch *s, const tg_allocator *allocator, int32_t index) {
    memset(s, 0, sizeof *s);
    s->allocator = allocator;
    s->worker.index = index;
    s->worker.alloc = scratch_alloc;
    s->worker.reset = scratch_reset;
    s->worker.owner = s;
    s->worker.pack_panels = tg_pack_panels;
    s->worker.pack_tiles = tg_pack_tiles;
}

void tg_scratch_fini(tg_scratch *s) {
    tg_mem_free(s->allocator, &s->fixed);
    for (uint32_t i = 0; i < s->n_chunks; i++) {
        tg_mem_free(s->allocator, &s->chunks[i]);
    }
    s->n_chunks = 0;
}

bool tg_scratch_prepare(tg_scratch *s, int64_t scratch_bytes) {
    scratch_reset(&s->worker);
    s->worker.failed = 0;
    size_t need = (scratch_bytes > 0 ? (size_t)scratch_bytes : 0) + SCRATCH_AT;
    if (need > s->fixed.size) {
        tg_mem_free(s->allocator, &s->fixed);
        if (!tg_mem_alloc(s->allocator, need, &s->fixed)) {
            return false;
        }
    }
    s->worker.scratch = (char *)s->fixed.data + SCRATCH_AT;
    s->worker.scratch_bytes = (int64_t)(s->fixed.size - SCRATCH_AT);
    return true;
}
