/* The thread pool of a CPU device. A launch is a job: its tasks are shared out evenly, a run of
 * them to each thread, which takes them in chunks by an atomic counter and then helps with the
 * shares of others. The launching thread takes part, and the call returns after the last task
 * (a barrier).
 *
 *   host thread ── tg_pool_run ──┬─ worker 0 = the caller      chunks of its share:  |0‥7|8‥15|…
 *   host thread ── tg_pool_run ──┼─ worker 0 = that caller
 *                                └─ workers 1 … n-1: the pool's threads, each in one job at a time: |32‥39|40‥47|…
 *
 * Any number of host threads may run jobs at once (as many as the pool has threads share them, at least 8 and at most 64;
 * further ones run each alone); inside a task a further run is serial. The
 * threads are started by the first job that has work for them; if the system refuses some,
 * fewer are used. Idle threads spin for some microseconds, so that the phases of a launch
 * follow each other quickly, and then sleep. A thread that is woken stays off the processor where the
 * caller runs, if there are others. */
#ifndef TG_RUNTIME_POOL_H
#define TG_RUNTIME_POOL_H

#include "runtime/memory.h"

typedef struct tg_pool tg_pool;

typedef struct tg_pool_options {
    const tg_allocator *allocator;
    int32_t n_threads; /* with the caller; 0: the processors this process may use */
    bool pin;          /* thread i to the i-th such processor */
    uint32_t mxcsr;    /* floating-point mode of the pool's threads (float_mode.h) */
} tg_pool_options;

tg_status tg_pool_create(const tg_pool_options *options, tg_pool **out);
/* No job may be running. Null is fine. */
void tg_pool_destroy(tg_pool *pool);
int32_t tg_pool_n_threads(const tg_pool *pool);

/* Runs tasks 0 … n_tasks-1. 0, or the first status a task returned or a worker recorded (the
 * rest of the tasks may then not have run). */
int32_t tg_pool_run(tg_pool *pool, tg_task_fn fn, const void *frame, int64_t n_tasks,
                    int64_t scratch_bytes);
/* The same for jobs of a few microseconds, which would be done before a thread that sleeps had woken: none is woken, unless
 * jobs that all threads slept through are many and there are no more threads than processors, so that these stay awake. frame: so many bytes; tasks may get a copy. */
int32_t tg_pool_run_awake(tg_pool *pool, tg_task_fn fn, const void *frame, int64_t n_tasks,
                          int64_t scratch_bytes, int64_t frame_bytes);
/* The same on the calling thread alone, in increasing order. */
int32_t tg_pool_run_serial(tg_pool *pool, tg_task_fn fn, const void *frame, int64_t n_tasks,
                           int64_t scratch_bytes);

/* Processors this process may use, at least 1. */
int32_t tg_processor_count(void);

#endif
