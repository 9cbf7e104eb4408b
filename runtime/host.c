/* See host.h. Everything of one launch lives in a struct on the launching thread's stack; the
 * tg_rt that generated code gets is its first member. */
#include "runtime/host.h"

#include "base/io.h"
#include "base/sharing.h"
#include "runtime/float_mode.h"

#include <stdatomic.h>
#include <string.h>

enum { MESSAGE_SIZE = 512, INLINE_BLOCKS = 16, PRINT_SIZE = 4096 };

struct tg_host {
    const tg_allocator *allocator;
    tg_pool *pool;
    tg_mem_cache cache;
    uint32_t mxcsr;
    pthread_mutex_t print_lock;
    tg_print_fn print;
    void *print_user;
};

struct block_list { /* workspaces beyond the inline ones */
    tg_mem mem;
    struct block_list *next;
};

struct launch {
    tg_rt rt;
    tg_host *host;
    _Atomic int32_t status; /* of fail() and of workspace() */
    uint32_t n_blocks;
    struct block_list *more;
    char *message;
    size_t message_size;
    tg_mem blocks[INLINE_BLOCKS];
};

static int32_t status_of(struct launch *l, int32_t status) {
    int32_t failed = atomic_load(&l->status);
    return failed ? failed : status;
}

static int32_t launch_serial(const tg_rt *rt, tg_task_fn fn, const void *frame, int64_t n_tasks,
                             int64_t scratch_bytes) {
    struct launch *l = rt->owner;
    return status_of(l, tg_pool_run_serial(l->host->pool, fn, frame, n_tasks, scratch_bytes));
}

static int32_t launch_parallel(const tg_rt *rt, tg_task_fn fn, const void *frame,
                               int64_t n_tasks, int64_t scratch_bytes) {
    struct launch *l = rt->owner;
    return status_of(l, tg_pool_run(l->host->pool, fn, frame, n_tasks, scratch_bytes));
}

static int32_t launch_parallel_awake(const tg_rt *rt, tg_task_fn fn, const void *frame, int64_t n_tasks,
                                     int64_t scratch_bytes, int64_t frame_bytes) {
    struct launch *l = rt->owner;
    return status_of(l, tg_pool_run_awake(l->host->pool, fn, frame, n_tasks, scratch_bytes, frame_bytes));
}

static int32_t launch_serial_awake(const tg_rt *rt, tg_task_fn fn, const void *frame, int64_t n_tasks,
                                   int64_t scratch_bytes, int64_t frame_bytes) {
    (void)frame_bytes;
    return launch_serial(rt, fn, frame, n_tasks, scratch_bytes);
}

static tg_mem *new_block(struct launch *l) {
    if (l->n_blocks < INLINE_BLOCKS) {
        return &l->blocks[l->n_blocks++];
    }
    struct block_list *b = tg_alloc(l->host->allocator, sizeof *b, _Alignof(struct block_list));
    if (!b) {
        return NULL;
    }
    b->next = l->more;
    l->more = b;
    return &b->mem;
}

static void *launch_workspace(const tg_rt *rt, int64_t bytes) {
    struct launch *l = rt->owner;
    tg_mem *block = bytes >= 0 ? new_block(l) : NULL;
    if (block) {
        *block = (tg_mem){0};
    }
    if (!block || !tg_mem_cache_take(&l->host->cache, (size_t)bytes, block)) {
        int32_t none = 0;
        atomic_compare_exchange_strong(&l->status, &none, TG_ERROR_OUT_OF_MEMORY);
        return NULL;
    }
    return block->data;
}

/* The first failure keeps its message: whoever sets the status writes it. */
static void launch_fail(const tg_rt *rt, int32_t status, const char *message) {
    struct launch *l = rt->owner;
    int32_t none = 0;
    if (atomic_compare_exchange_strong(&l->status, &none, status ? status : TG_ERROR_LAUNCH) &&
        l->message_size) {
        (void)tg_format(l->message, l->message_size, "%s", message ? message : "");
    }
}

static void launch_fail_assert(const tg_rt *rt, const char *format, const void *values,
                               const uint8_t *kinds, int32_t n) {
    char text[MESSAGE_SIZE] = "L0908: ";
    size_t code = strlen(text);
    (void)tg_format_print(text + code, sizeof text - code, format, values, kinds, n);
    launch_fail(rt, TG_ERROR_LAUNCH, text);
}

static void launch_print(const tg_rt *rt, const char *format, const void *values,
                         const uint8_t *kinds, int32_t n) {
    struct launch *l = rt->owner;
    if (!l->host->print) {
        return;
    }
    char few[PRINT_SIZE], *text = few;
    size_t length = tg_format_print(few, sizeof few, format, values, kinds, n);
    size_t size = length + 1; /* the end of the line takes the NUL's place */
    if (size > sizeof few) {
        text = tg_alloc(l->host->allocator, size, 1);
        length = text ? tg_format_print(text, size, format, values, kinds, n) : sizeof few - 1;
    }
    char *line = text ? text : few;
    line[length] = '\n';
    pthread_mutex_lock(&l->host->print_lock);
    l->host->print(l->host->print_user, line, length + 1);
    pthread_mutex_unlock(&l->host->print_lock);
    if (text && text != few) {
        tg_free(l->host->allocator, text, size);
    }
}

static void release_blocks(struct launch *l) {
    for (uint32_t i = 0; i < l->n_blocks; i++) {
        if (l->blocks[i].data) {
            tg_mem_cache_give(&l->host->cache, &l->blocks[i]);
        }
    }
    while (l->more) {
        struct block_list *b = l->more;
        l->more = b->next;
        if (b->mem.data) {
            tg_mem_cache_give(&l->host->cache, &b->mem);
        }
        tg_free(l->host->allocator, b, sizeof *b);
    }
}

tg_status tg_host_launch(tg_host *host, tg_entry_fn entry, const void *const *args, bool serial,
                         char *message, size_t size) {
    struct launch l;
    l.rt = (tg_rt){TG_ABI_VERSION,
                   serial ? 1 : tg_pool_n_threads(host->pool),
                   serial ? launch_serial : launch_parallel,
                   launch_workspace,
                   launch_fail,
                   launch_print,
                   &l,
                   launch_fail_assert,
                   tg_share_product,
                   serial ? launch_serial_awake : launch_parallel_awake};
    l.host = host;
    atomic_init(&l.status, 0);
    l.n_blocks = 0;
    l.more = NULL;
    l.message = message;
    l.message_size = size;
    if (size) {
        message[0] = '\0';
    }
    int32_t status = tg_entry_run(entry, &l.rt, args, host->mxcsr);
    release_blocks(&l);
    int32_t failed = atomic_load(&l.status);
    status = failed ? failed : status;
    if (status && size && !message[0]) {
        (void)tg_format(message, size, "%s", tg_status_name((tg_status)status));
    }
    return (tg_status)status;
}

/* ---- life ------------------------------------------------------------------------------------------------
 */

tg_status tg_host_create(const tg_host_options *options, tg_host **out) {
    *out = NULL;
    const tg_allocator *a = options->allocator ? options->allocator : &tg_allocator_default;
    tg_host *h = tg_alloc(a, sizeof *h, _Alignof(tg_host));
    if (!h) {
        return TG_ERROR_OUT_OF_MEMORY;
    }
    h->allocator = a;
    h->mxcsr = options->flush_denormals ? TG_MXCSR_FLUSH : TG_MXCSR_DEFAULT;
    h->print = options->print;
    h->print_user = options->print_user;
    pthread_mutex_init(&h->print_lock, NULL);
    tg_mem_cache_init(&h->cache, a,
                      options->cached_bytes ? options->cached_bytes : (size_t)1 << 30);
    tg_pool_options pool = {a, options->n_threads, options->pin, h->mxcsr};
    tg_status status = tg_pool_create(&pool, &h->pool);
    if (status) {
        tg_host_destroy(h);
        return status;
    }
    *out = h;
    return TG_OK;
}

void tg_host_destroy(tg_host *host) {
    if (host) {
        tg_pool_destroy(host->pool);
        tg_mem_cache_fini(&host->cache);
        pthread_mutex_destroy(&host->print_lock);
        tg_free(host->allocator, host, sizeof *host);
    }
}

const tg_allocator *tg_host_allocator(const tg_host *host) {
    return host->allocator;
}

bool tg_host_take_memory(tg_host *host, size_t bytes, tg_mem *out) {
    return tg_mem_cache_take(&host->cache, bytes, out);
}

void tg_host_give_memory(tg_host *host, tg_mem *mem) {
    if (mem->data) {
        tg_mem_cache_give(&host->cache, mem);
    }
}

uint32_t tg_host_float_mode(const tg_host *host) {
    return host->mxcsr;
}

int32_t tg_host_n_threads(const tg_host *host) {
    return tg_pool_n_threads(host->pool);
}

tg_pool *tg_host_pool(tg_host *host) {
    return host->pool;
}
