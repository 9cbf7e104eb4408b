/* See pool.h. Sleeping uses the futex of Linux on a 32-bit counter that every new job
 * increments: a worker that saw the counter before looking for jobs and found none sleeps only
 * while it is unchanged, so no wake is lost and no mutex is held while waiting. Jobs live on
 * their callers' stacks; a worker touches one only between entering (under the pool's lock,
 * while the job is listed) and its decrement of `active`. */
#define _GNU_SOURCE
#include "runtime/pool.h"

#include "runtime/float_mode.h"
#include "runtime/fork.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { MAX_THREADS = 1024, MAX_SHARES = 16, CHUNKS_PER_THREAD = 16, SPIN_NS = 200000 /* as uneven as tasks are, decision 0020 */, NONE = -1 };

/* Tasks that a thread begins with. In launches that follow each other it has the same part of the tensors then, which its own caches hold: layer norm of
 * 128 x 1024, two threads, 24 us with one counter for all, 14 so. */
struct share {
    _Alignas(64) _Atomic int64_t next;
    int64_t until;
};

struct job {
    tg_task_fn fn;
    const void *frame;
    int64_t n_tasks, chunk, scratch_bytes;
    struct share shares[MAX_SHARES];
    int32_t n_shares;
    _Atomic int32_t status;
    _Atomic uint32_t active; /* pool threads inside */
    struct job *before, *after;
};

struct thread {
    tg_pool *pool;
    tg_scratch scratch;
    pthread_t handle;
    _Atomic int apart; /* the processor that it stays off; NONE */
};

struct tg_pool {
    tg_fork_watch fork; /* first */
    const tg_allocator *allocator;
    int32_t n_threads, n_started; /* n_started: pool threads running, without callers */
    bool pin, spin;
    cpu_set_t allowed; /* processors of whoever made the pool */
    uint32_t mxcsr;
    pthread_mutex_t lock; /* jobs, start, spares */
    struct job *first, *last;
    _Atomic uint32_t epoch; /* counts jobs; threads sleep on it */
    _Atomic uint32_t sleepers;
    _Atomic bool stop, started;
    struct thread *threads;
    _Atomic(tg_scratch *) spare; /* scratch of callers: one at hand, the others in a list */
    tg_scratch *spares;
};

/* A task that runs a job of its own does so serially: its pool may have no thread to spare. */
static _Thread_local int task_depth;

static void futex_wait(_Atomic uint32_t *word, uint32_t value) {
    (void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word, int n) {
    (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
}

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

/* Waits until *word differs from `value`: spins, then sleeps. `sleepers` may be null. */
static void wait_while(_Atomic uint32_t *word, uint32_t value, bool spin,
                       _Atomic uint32_t *sleepers) {
    if (spin) {
        int64_t until = now_ns() + SPIN_NS;
        do {
            for (int i = 0; i < 16; i++) {
                if (atomic_load_explicit(word, memory_order_acquire) != value) {
                    return;
                }
                relax();
            }
        } while (now_ns() < until);
    }
    if (sleepers) {
        atomic_fetch_add(sleepers, 1);
    }
    while (atomic_load(word) == value) {
        futex_wait(word, value);
    }
    if (sleepers) {
        atomic_fetch_sub(sleepers, 1);
    }
}

/* ---- tasks ------------------------------------------------------------------------------------------
 */

static void job_fail(struct job *job, int32_t status) {
    int32_t none = 0;
    atomic_compare_exchange_strong(&job->status, &none, status);
    for (int32_t i = 0; i < job->n_shares; i++) {
        atomic_store(&job->shares[i].next, job->shares[i].until);
    }
}

static void share_out(struct job *job, int32_t n) {
    job->n_shares = n < MAX_SHARES ? n : MAX_SHARES;
    for (int32_t i = 0; i < job->n_shares; i++) {
        atomic_init(&job->shares[i].next, job->n_tasks * i / job->n_shares);
        job->shares[i].until = job->n_tasks * (i + 1) / job->n_shares;
    }
}

static bool has_tasks(struct job *job) {
    bool has = false;
    for (int32_t i = 0; i < job->n_shares && !has; i++) {
        has = atomic_load(&job->shares[i].next) < job->shares[i].until;
    }
    return has;
}

static int32_t call_task(tg_task_fn fn, const void *frame, int64_t begin, int64_t end,
                         tg_scratch *s) {
    task_depth++;
    int32_t status = fn(frame, begin, end, &s->worker);
    task_depth--;
    return status ? status : s->worker.failed;
}

/* False: a task failed. */
static bool run_share(struct job *job, struct share *share, tg_scratch *s) {
    for (;;) {
        int64_t begin = atomic_fetch_add(&share->next, job->chunk);
        if (begin >= share->until) {
            return true;
        }
        int64_t end = share->until - begin < job->chunk ? share->until : begin + job->chunk;
        int32_t status = call_task(job->fn, job->frame, begin, end, s);
        if (status) {
            job_fail(job, status);
            return false;
        }
    }
}

/* The thread's own share, then what is left of the others'. */
static void run_chunks(struct job *job, tg_scratch *s) {
    bool goes_on = tg_scratch_prepare(s, job->scratch_bytes);
    if (!goes_on) {
        job_fail(job, TG_ERROR_OUT_OF_MEMORY);
    }
    for (int32_t i = 0; i < job->n_shares && goes_on; i++) {
        goes_on = run_share(job, &job->shares[(s->worker.index + i) % job->n_shares], s);
    }
}

/* ---- pool threads ------------------------------------------------------------------------------------
 */

/* The first listed job with tasks left, entered; null if there is none. */
static struct job *enter_job(tg_pool *pool) {
    pthread_mutex_lock(&pool->lock);
    struct job *job = pool->first;
    while (job && !has_tasks(job)) {
        job = job->after;
    }
    if (job) {
        atomic_fetch_add(&job->active, 1);
    }
    pthread_mutex_unlock(&pool->lock);
    return job;
}

static void leave_job(struct job *job) {
    if (atomic_fetch_sub(&job->active, 1) == 1) {
        futex_wake(&job->active, 1);
    }
}

static void *thread_main(void *user) {
    struct thread *t = user;
    tg_pool *pool = t->pool;
    tg_float_mode_set(pool->mxcsr);
    for (;;) {
        uint32_t seen = atomic_load(&pool->epoch);
        struct job *job = enter_job(pool);
        if (job) {
            run_chunks(job, &t->scratch);
            leave_job(job);
        } else if (atomic_load(&pool->stop)) {
            return NULL;
        } else {
            wait_while(&pool->epoch, seen, pool->spin, &pool->sleepers);
        }
    }
}

static void pin_thread(pthread_t handle, int32_t index) {
    cpu_set_t allowed, one;
    if (sched_getaffinity(0, sizeof allowed, &allowed)) {
        return;
    }
    int32_t n = CPU_COUNT(&allowed);
    int32_t left = n ? index % n : 0;
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &allowed) && left-- == 0) {
            CPU_ZERO(&one);
            CPU_SET(cpu, &one);
            (void)pthread_setaffinity_np(handle, sizeof one, &one);
            return;
        }
    }
}

static void start_threads(tg_pool *pool) {
    pthread_mutex_lock(&pool->lock);
    while (!atomic_load(&pool->started) && pool->n_started < pool->n_threads - 1) {
        struct thread *t = &pool->threads[pool->n_started];
        atomic_init(&t->apart, NONE);
        if (!t->pool) { /* else one that a fork left behind */
            t->pool = pool;
            tg_scratch_init(&t->scratch, pool->allocator, pool->n_started + 1);
        }
        if (pthread_create(&t->handle, NULL, thread_main, t)) {
            break;
        }
        if (pool->pin) {
            pin_thread(t->handle, pool->n_started + 1);
        }
        pool->n_started++;
    }
    atomic_store(&pool->started, true);
    pthread_mutex_unlock(&pool->lock);
}

/* ---- callers -------------------------------------------------------------------------------------------
 */

static tg_scratch *take_spare(tg_pool *pool) {
    tg_scratch *s = atomic_exchange(&pool->spare, NULL);
    if (s) {
        return s;
    }
    pthread_mutex_lock(&pool->lock);
    s = pool->spares;
    if (s) {
        pool->spares = s->next;
    }
    pthread_mutex_unlock(&pool->lock);
    if (!s) {
        s = tg_alloc(pool->allocator, sizeof *s, _Alignof(tg_scratch));
        if (s) {
            tg_scratch_init(s, pool->allocator, 0);
        }
    }
    return s;
}

static void give_spare(tg_pool *pool, tg_scratch *s) {
    tg_scratch *none = NULL;
    if (atomic_compare_exchange_strong(&pool->spare, &none, s)) {
        return;
    }
    pthread_mutex_lock(&pool->lock);
    s->next = pool->spares;
    pool->spares = s;
    pthread_mutex_unlock(&pool->lock);
}

/* A woken thread may be put on the processor where the caller runs, and wait there while others idle: the kernel moves it at its leisure
 * only, and by then the caller has done all of the job (seen after every pause of 40 ms; launches then took twice as long). So threads
 * that all sleep stay off that processor, which costs something only when the caller has moved; those at work for another caller are let be. */
static void make_way(tg_pool *pool) {
    int here = sched_getcpu();
    cpu_set_t others = pool->allowed;
    if (here < 0 || pool->pin || !CPU_ISSET((size_t)here, &others) || CPU_COUNT(&others) < 2) {
        return;
    }
    CPU_CLR((size_t)here, &others);
    for (int32_t i = 0; i < pool->n_started; i++) {
        struct thread *t = &pool->threads[i];
        if (atomic_exchange_explicit(&t->apart, here, memory_order_relaxed) != here) {
            (void)pthread_setaffinity_np(t->handle, sizeof others, &others);
        }
    }
}

static void list_job(tg_pool *pool, struct job *job) {
    pthread_mutex_lock(&pool->lock);
    job->before = pool->last;
    *(pool->last ? &pool->last->after : &pool->first) = job;
    pool->last = job;
    pthread_mutex_unlock(&pool->lock);
    atomic_fetch_add(&pool->epoch, 1);
    uint32_t asleep = atomic_load(&pool->sleepers);
    if (asleep) {
        if (asleep == (uint32_t)pool->n_started) {
            make_way(pool);
        }
        int64_t chunks = (job->n_tasks + job->chunk - 1) / job->chunk - 1;
        futex_wake(&pool->epoch, chunks < (int64_t)asleep ? (int)chunks : (int)asleep);
    }
}

static void unlist_job(tg_pool *pool, struct job *job) {
    pthread_mutex_lock(&pool->lock);
    *(job->before ? &job->before->after : &pool->first) = job->after;
    *(job->after ? &job->after->before : &pool->last) = job->before;
    pthread_mutex_unlock(&pool->lock);
}

int32_t tg_pool_run_serial(tg_pool *pool, tg_task_fn fn, const void *frame, int64_t n_tasks,
                           int64_t scratch_bytes) {
    if (n_tasks <= 0) {
        return 0;
    }
    tg_scratch *s = take_spare(pool);
    if (!s) {
        return TG_ERROR_OUT_OF_MEMORY;
    }
    int32_t status = TG_ERROR_OUT_OF_MEMORY;
    if (tg_scratch_prepare(s, scratch_bytes)) {
        status = call_task(fn, frame, 0, n_tasks, s);
    }
    give_spare(pool, s);
    return status;
}

int32_t tg_pool_run(tg_pool *pool, tg_task_fn fn, const void *frame, int64_t n_tasks,
                    int64_t scratch_bytes) {
    if (n_tasks <= 1 || pool->n_threads == 1 || task_depth) {
        return tg_pool_run_serial(pool, fn, frame, n_tasks, scratch_bytes);
    }
    if (!atomic_load_explicit(&pool->started, memory_order_acquire)) {
        start_threads(pool);
    }
    tg_scratch *s = take_spare(pool);
    if (!s) {
        return TG_ERROR_OUT_OF_MEMORY;
    }
    int64_t chunk = n_tasks / ((int64_t)pool->n_threads * CHUNKS_PER_THREAD);
    struct job job = {.fn = fn,
                      .frame = frame,
                      .n_tasks = n_tasks,
                      .chunk = chunk ? chunk : 1,
                      .scratch_bytes = scratch_bytes};
    share_out(&job, pool->n_threads);
    list_job(pool, &job);
    run_chunks(&job, s);
    unlist_job(pool, &job);
    uint32_t active;
    while ((active = atomic_load(&job.active)) != 0) {
        wait_while(&job.active, active, pool->spin, NULL);
    }
    give_spare(pool, s);
    return atomic_load(&job.status);
}

/* ---- forks ----------------------------------------------------------------------------------------------- */

/* Pool threads take the lock for moments only. */
static void before_fork(tg_fork_watch *watch) {
    pthread_mutex_lock(&((tg_pool *)watch)->lock);
}

/* A child starts threads of its own with its first job. Jobs of other threads of the parent are not its. */
static void after_fork(tg_fork_watch *watch, bool is_child) {
    tg_pool *pool = (tg_pool *)watch;
    if (is_child) {
        pool->first = pool->last = NULL;
        pool->n_started = 0;
        atomic_store(&pool->sleepers, 0);
        atomic_store(&pool->started, false);
    }
    pthread_mutex_unlock(&pool->lock);
}

/* ---- life ------------------------------------------------------------------------------------------------
 */

int32_t tg_processor_count(void) {
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0 && CPU_COUNT(&allowed) > 0) {
        return CPU_COUNT(&allowed);
    }
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 && n < MAX_THREADS ? (int32_t)n : 1;
}

tg_status tg_pool_create(const tg_pool_options *options, tg_pool **out) {
    *out = NULL;
    int32_t processors = tg_processor_count();
    int32_t n = options->n_threads > 0 ? options->n_threads : processors;
    if (n > MAX_THREADS) {
        n = MAX_THREADS;
    }
    tg_pool *pool = tg_alloc(options->allocator, sizeof *pool, _Alignof(tg_pool));
    if (!pool) {
        return TG_ERROR_OUT_OF_MEMORY;
    }
    pool->allocator = options->allocator;
    pool->n_threads = n;
    pool->pin = options->pin;
    if (sched_getaffinity(0, sizeof pool->allowed, &pool->allowed)) {
        CPU_ZERO(&pool->allowed);
    }
    pool->spin =
        n <= processors; /* with more threads than processors spinning steals time from work */
    pool->mxcsr = options->mxcsr ? options->mxcsr : TG_MXCSR_DEFAULT;
    pthread_mutex_init(&pool->lock, NULL);
    if (n > 1) {
        pool->threads = tg_alloc(pool->allocator, sizeof *pool->threads * (size_t)(n - 1),
                                 _Alignof(struct thread));
        if (!pool->threads) {
            tg_pool_destroy(pool);
            return TG_ERROR_OUT_OF_MEMORY;
        }
    }
    pool->fork.before = before_fork;
    pool->fork.after = after_fork;
    tg_fork_enlist(&pool->fork);
    *out = pool;
    return TG_OK;
}

void tg_pool_destroy(tg_pool *pool) {
    if (!pool) {
        return;
    }
    tg_fork_delist(&pool->fork);
    atomic_store(&pool->stop, true);
    atomic_fetch_add(&pool->epoch, 1);
    futex_wake(&pool->epoch, INT_MAX);
    for (int32_t i = 0; i < pool->n_started; i++) {
        pthread_join(pool->threads[i].handle, NULL);
    }
    for (int32_t i = 0; pool->threads && i < pool->n_threads - 1 && pool->threads[i].pool; i++) {
        tg_scratch_fini(&pool->threads[i].scratch);
    }
    tg_free(pool->allocator, pool->threads,
            sizeof *pool->threads * (size_t)(pool->n_threads - 1));
    tg_scratch *s = atomic_load(&pool->spare);
    if (s) {
        s->next = pool->spares;
        pool->spares = s;
    }
    while ((s = pool->spares) != NULL) {
        pool->spares = s->next;
        tg_scratch_fini(s);
        tg_free(pool->allocator, s, sizeof *s);
    }
    pthread_mutex_destroy(&pool->lock);
    tg_free(pool->allocator, pool, sizeof *pool);
}

int32_t tg_pool_n_threads(const tg_pool *pool) {
    return pool->n_threads;
}
