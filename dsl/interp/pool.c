/* Memory of one run: blocks in size classes (two per power of two), reused as soon as they are freed, so that a loop over
 * blocks works on the same few buffers. All blocks are listed: an unwind frees them without knowing who held them. */
#include "base/io.h"
#include "dsl/interp/internal.h"

enum { HEADER = 64, SMALLEST_LOG = 7, TRIM_FROM = 1 << 20 };

void pool_init(pool *p, const tg_allocator *a, tg_unwind *unwind, size_t limit) {
    *p = (pool){.allocator = a, .unwind = unwind, .limit = limit};
}

static void release(pool *p, pool_block *b) {
    *(b->prev ? &b->prev->next : &p->all) = b->next;
    if (b->next) {
        b->next->prev = b->prev;
    }
    p->bytes -= b->size;
    p->allocator->free(p->allocator->user, b, b->size);
}

void pool_dispose(pool *p) {
    while (p->all) {
        release(p, p->all);
    }
}

void pool_trim(pool *p) {
    for (int k = 0; k < N_CLASSES; k++) {
        while (p->free_list[k] && p->free_list[k]->size >= TRIM_FROM) {
            pool_block *b = p->free_list[k];
            p->free_list[k] = b->next_free;
            release(p, b);
        }
    }
}

/* Class 2e is 2^e bytes, class 2e + 1 is 1.5 * 2^e. */
static uint32_t class_of(size_t size, size_t *rounded) {
    int e = SMALLEST_LOG;
    if (size > (size_t)1 << SMALLEST_LOG) {
        e = 63 - __builtin_clzll((unsigned long long)(size - 1));
    }
    size_t low = (size_t)1 << e;
    if (size <= low) {
        *rounded = low;
        return (uint32_t)(2 * (e - SMALLEST_LOG));
    }
    bool half = size <= low + low / 2;
    *rounded = half ? low + low / 2 : 2 * low;
    return (uint32_t)(2 * (e - SMALLEST_LOG) + (half ? 1 : 2));
}

static pool_block *new_block(pool *p, size_t size, uint32_t size_class) {
    if (size > p->limit || p->bytes > p->limit - size) {
        pool_trim(p);
    }
    bool fits = size <= p->limit && p->bytes <= p->limit - size;
    pool_block *b = fits ? p->allocator->alloc(p->allocator->user, size, 64) : NULL;
    if (!b) {
        tg_unwind_to(p->unwind, TG_ERROR_OUT_OF_MEMORY);
    }
    *b = (pool_block){.next = p->all, .size = size, .size_class = size_class};
    if (p->all) {
        p->all->prev = b;
    }
    p->all = b;
    p->bytes += size;
    p->peak = p->bytes > p->peak ? p->bytes : p->peak;
    return b;
}

void *pool_alloc(pool *p, int64_t count, size_t size) {
    uint64_t bytes;
    if (count < 0 || __builtin_mul_overflow((uint64_t)count, size, &bytes) ||
        bytes > (uint64_t)1 << 46) {
        tg_unwind_to(p->unwind, TG_ERROR_OUT_OF_MEMORY);
    }
    size_t rounded;
    uint32_t k = class_of((size_t)bytes + HEADER, &rounded);
    pool_block *b = p->free_list[k];
    if (b) {
        p->free_list[k] = b->next_free;
    } else {
        b = new_block(p, rounded, k);
    }
    b->in_use = true;
    return (char *)b + HEADER;
}

void *pool_zero(pool *p, int64_t count, size_t size) {
    void *ptr = pool_alloc(p, count, size);
    return memset(ptr, 0, (size_t)count * size);
}

void pool_free(pool *p, void *ptr) {
    if (!ptr) {
        return;
    }
    pool_block *b = (pool_block *)(void *)((char *)ptr - HEADER);
    b->in_use = false;
    b->next_free = p->free_list[b->size_class];
    p->free_list[b->size_class] = b;
}

/* ---- tiles ------------------------------------------------------------------------------ */

static tile *new_tile(interp *c, tg_dtype t, int64_t n, bool lifted, bool errors) {
    size_t per_element = is_complex(t) ? 16 : 8;
    bool with = errors && c->ideal;
    per_element += with ? (is_integer(t) ? 1 : 8) : 0;
    if (n > INT64_MAX / 64) {
        tg_unwind_to(&c->unwind, TG_ERROR_OUT_OF_MEMORY);
    }
    enum { HEAD = (sizeof(tile) + 63) / 64 * 64 };
    char *base = pool_alloc(&c->pool, (int64_t)per_element * n + HEAD, 1);
    tile *r = (tile *)(void *)base;
    double *data = (double *)(void *)(base + HEAD);
    *r = (tile){.refs = 1, .dtype = t, .n = n, .lifted = lifted};
    if (is_integer(t)) {
        r->i = (int64_t *)(void *)data;
        r->q = with ? (uint8_t *)(data + n) : NULL;
        return r;
    }
    r->f = data;
    data += n;
    if (is_complex(t)) {
        r->g = data;
        data += n;
    }
    r->e = with ? data : NULL;
    return r;
}

tile *tile_new(interp *c, tg_dtype t, const shape *s, bool errors) {
    return new_tile(c, t, s->total, s->lifted, errors);
}

tile *tile_scalar(interp *c, tg_dtype t) {
    return new_tile(c, t, 1, false, false);
}

tile *tile_copy(interp *c, const tile *t) {
    tile *r = new_tile(c, t->dtype, t->n, t->lifted, t->e || t->q);
    size_t bytes = (size_t)t->n * 8;
    if (t->f) {
        memcpy(r->f, t->f, bytes);
    }
    if (t->g) {
        memcpy(r->g, t->g, bytes);
    }
    if (t->i) {
        memcpy(r->i, t->i, bytes);
    }
    if (t->e) {
        memcpy(r->e, t->e, bytes);
    }
    if (t->q) {
        memcpy(r->q, t->q, (size_t)t->n);
    }
    if (t->tensor) {
        r->tensor = pool_alloc(&c->pool, 1, sizeof *r->tensor);
        *r->tensor = *t->tensor;
    }
    return r;
}

void tile_unref(interp *c, tile *t) {
    if (t && --t->refs == 0) {
        pool_free(&c->pool, t->tensor);
        pool_free(&c->pool, t);
    }
}

_Noreturn void interp_fail(interp *c, tg_status status, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    if (c->message && c->message_size) {
        tg_vformat(c->message, c->message_size, fmt, args);
    }
    va_end(args);
    tg_unwind_to(&c->unwind, status);
}
