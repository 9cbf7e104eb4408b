/* What runs compiled CPU kernels: thread pool, workspace cache, float mode and the callbacks of
 * base/abi.h. Knows no compiler; ahead-of-time programs use it alone (libtegula_rt is base and
 * runtime). */
#ifndef TG_RUNTIME_HOST_H
#define TG_RUNTIME_HOST_H

#include "runtime/memory.h"
#include "runtime/pool.h"

/* Receives the text of a kernel's `print`, one call per statement and instance, never two at
 * once. */
typedef void (*tg_print_fn)(void *user, const char *text, size_t n);

typedef struct tg_host_options {
    const tg_allocator *allocator;
    int32_t n_threads; /* 0: all processors */
    bool pin;
    bool flush_denormals;
    size_t cached_bytes; /* workspace kept between launches; 0: 1 GiB */
    tg_print_fn print;   /* null: dropped */
    void *print_user;
} tg_host_options;

typedef struct tg_host tg_host;

tg_status tg_host_create(const tg_host_options *options, tg_host **out);
void tg_host_destroy(tg_host *host); /* no launch may be running; null is fine */
const tg_allocator *tg_host_allocator(const tg_host *host);
int32_t tg_host_n_threads(const tg_host *host);
tg_pool *tg_host_pool(tg_host *host);

/* One launch. `serial`: on this thread alone and in order (kernels that print). On failure
 * `message` holds what the kernel said ("L0908: …") or a text for the status. Any thread, any
 * number at once. */
tg_status tg_host_launch(tg_host *host, tg_entry_fn entry, const void *const *args, bool serial,
                         char *message, size_t size);

/* Memory for the time of a call, of what launches keep: pages are there already, mostly. False if there is none. Not cleared. Any thread. */
bool tg_host_take_memory(tg_host *host, size_t bytes, tg_mem *out);
void tg_host_give_memory(tg_host *host, tg_mem *mem); /* what was taken, or nothing */

/* The floating-point mode of its kernels, for who calls entries that need no launch (tg_entry_run of float_mode.h). */
uint32_t tg_host_float_mode(const tg_host *host);

#endif
