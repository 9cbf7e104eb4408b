/* Work in the background: compiles that a host started ahead of its first launch, and a deep
 * stack for any. */
#ifndef TG_JIT_ASYNC_H
#define TG_JIT_ASYNC_H

#include "base/alloc.h"

#include <stdint.h>

typedef struct tg_async tg_async;
typedef void (*tg_async_fn)(void *user);

/* Up to n_threads threads, started as work arrives. OUT_OF_MEMORY. */
tg_status tg_async_create(const tg_allocator *allocator, int32_t n_threads, tg_async **out);
/* Finishes what is queued; null is fine. */
void tg_async_destroy(tg_async *async);
/* Queues `fn(user)`. If memory or threads are lacking it runs before this returns; if the process ends first, `dropped(user)` runs in its place. */
void tg_async_submit(tg_async *async, tg_async_fn fn, tg_async_fn dropped, void *user);

/* Runs `fn(user)` on a thread with a large stack and waits: the code generator recurses deeper
 * than the stacks that some hosts give their threads. Here and now if no thread can be had. All compiles run like this. */
void tg_run_on_large_stack(tg_async_fn fn, void *user);

#endif
