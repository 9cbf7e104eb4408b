/* See pool.h. A job sits on a seat of the pool, which outlives it, so that threads may look at a seat at any time. What a thread needs to
 * know of a job is in one line of memory, its share: on a processor whose caches are far from each other a line takes 170 ns from one to the other, and
 * the hand-over of a part of a job is one line there and back.
 *
 *   caller: fields of the share, then `progress` = job, chunks left, chunks undone
 *   thread: reads progress and fields, begins a chunk by exchanging progress for one with one chunk less left
 *
 * The fields belong to the job if the exchange succeeds: its caller writes others only when nothing is left and nothing undone. Who
 * comes too late finds nothing left, and nobody waits for him.
 *
 * Sleeping uses the futex of Linux on a 32-bit counter, the epoch: a thread that read the counter before it looked at all seats sleeps only while
 * it is unchanged, so no wake is lost and no mutex is held while waiting. */
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

enum {
    MAX_THREADS = 1024,
    MAX_SHARES = 16,
    LEAST_SEATS = 8,
    MOST_SEATS = 64,
    CHUNKS_PER_THREAD = 16,
    SPIN_NS = 200000, /* as uneven as tasks are, decision 0020 */
    FRAME_BYTES = 256,  /* that are kept */
    SLEPT_THROUGH = 64, /* short jobs, for one of which threads are woken, if these stay awake */
    NONE = -1
};

/* Progress: the job's number, chunks left to begin, chunks that are not done. A share has at most 2 * 16 * 1024 / 16 + 1 chunks. */
enum { COUNT_BITS = 12, COUNT = (1 << COUNT_BITS) - 1 };
static const uint64_t LEFT = (uint64_t)1 << COUNT_BITS, UNDONE = 1;

/* Tasks that a thread begins with. In launches that follow each other it has the same part of the tensors then, which its own caches hold: layer norm of
 * 128 x 1024, two threads, 24 us with one counter for all, 14 so. */
struct share {
    _Alignas(64) _Atomic uint64_t progress;
    _Atomic(tg_task_fn) fn;
    _Atomic(const void *) frame;
    _Atomic int64_t begin, until, chunk, scratch_bytes;
    _Atomic uint32_t n_chunks;
    _Atomic uint16_t n_shares, first; /* of the job; others than the caller need not look at shares before `first` */
};

/* What a share says, copied. */
struct part {
    tg_task_fn fn;
    const void *frame;
    int64_t begin, until, chunk, scratch_bytes;
    uint32_t n_chunks;
    uint16_t n_shares, first;
};

struct seat {
    struct share shares[MAX_SHARES];
    _Alignas(64) _Atomic bool taken;
    _Atomic int32_t status;
    uint64_t n_jobs;
    uint32_t slept_through; /* short jobs */
    tg_scratch scratch; /* of the caller */
    _Alignas(64) unsigned char frame[FRAME_BYTES]; /* of a short job */
    _Alignas(64) _Atomic bool waiting; /* the caller sleeps until the bell rings */
    _Atomic uint32_t bell;
};

/* In lines of its own: a neighbour that spins reads its share and would share a line with what this one writes for each job. */
struct thread {
    _Alignas(64) tg_pool *pool;
    tg_scratch scratch;
    int32_t share; /* with which it begins */
    pthread_t handle;
    _Atomic int apart; /* the processor that it stays off; NONE */
};

struct tg_pool {
    tg_fork_watch fork; /* first */
    const tg_allocator *allocator;
    int32_t n_threads, n_started; /* n_started: pool threads running, without callers */
    int32_t most_seats;
    struct seat *seats; /* as many */
    bool pin, spin;
    cpu_set_t allowed; /* processors of whoever made the pool */
    uint32_t mxcsr;
    pthread_mutex_t lock; /* start, spares */
    struct thread *threads;
    _Atomic(tg_scratch *) spare; /* scratch of callers of serial jobs: one at hand, the others in a list */
    tg_scratch *spares;
    _Alignas(64) _Atomic uint32_t epoch; /* counts calls to look at all seats; threads sleep on it */
    _Atomic uint32_t sleepers;
    _Atomic int32_t n_seats; /* that were ever taken: the first ones */
    _Atomic bool stop, started;
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
#elif defined(__aarch64__)
    __asm__ volatile("isb"); /* some tens of cycles; yield does nothing on most */
#endif
}

/* ---- tasks ------------------------------------------------------------------------------------------
 */

static int32_t call_task(tg_task_fn fn, const void *frame, int64_t begin, int64_t end,
                         tg_scratch *s) {
    task_depth++;
    int32_t status = fn(frame, begin, end, &s->worker);
    task_depth--;
    return status ? status : s->worker.failed;
}

static uint64_t left_of(uint64_t progress) {
    return progress >> COUNT_BITS & COUNT;
}

static bool is_done(uint64_t progress) {
    return (progress & (((uint64_t)COUNT << COUNT_BITS) | COUNT)) == 0;
}

/* Of a share with nothing left and nothing undone. */
static void post_share(struct share *share, uint64_t job, const struct part *p, uint32_t left) {
    atomic_store_explicit(&share->fn, p->fn, memory_order_relaxed);
    atomic_store_explicit(&share->frame, p->frame, memory_order_relaxed);
    atomic_store_explicit(&share->begin, p->begin, memory_order_relaxed);
    atomic_store_explicit(&share->until, p->until, memory_order_relaxed);
    atomic_store_explicit(&share->chunk, p->chunk, memory_order_relaxed);
    atomic_store_explicit(&share->scratch_bytes, p->scratch_bytes, memory_order_relaxed);
    atomic_store_explicit(&share->n_chunks, p->n_chunks, memory_order_relaxed);
    atomic_store_explicit(&share->n_shares, p->n_shares, memory_order_relaxed);
    atomic_store_explicit(&share->first, p->first, memory_order_relaxed);
    atomic_store_explicit(&share->progress, job << 2 * COUNT_BITS | left * LEFT | left * UNDONE,
                          memory_order_release);
}

/* Counts only if a chunk of it is begun afterwards. */
static struct part read_share(struct share *share) {
    return (struct part){atomic_load_explicit(&share->fn, memory_order_relaxed),
                         atomic_load_explicit(&share->frame, memory_order_relaxed),
                         atomic_load_explicit(&share->begin, memory_order_relaxed),
                         atomic_load_explicit(&share->until, memory_order_relaxed),
                         atomic_load_explicit(&share->chunk, memory_order_relaxed),
                         atomic_load_explicit(&share->scratch_bytes, memory_order_relaxed),
                         atomic_load_explicit(&share->n_chunks, memory_order_relaxed),
                         atomic_load_explicit(&share->n_shares, memory_order_relaxed),
                         atomic_load_explicit(&share->first, memory_order_relaxed)};
}

/* Notes that a chunk is done and begins the next. What was left before, 0: nothing is begun. */
static uint64_t go_on(struct seat *seat, struct share *share) {
    uint64_t was = atomic_load(&share->progress), now;
    do {
        now = was - UNDONE - (left_of(was) ? LEFT : 0);
    } while (!atomic_compare_exchange_weak(&share->progress, &was, now));
    if (is_done(now) && atomic_load(&seat->waiting)) {
        atomic_fetch_add(&seat->bell, 1);
        futex_wake(&seat->bell, 1);
    }
    return left_of(was);
}

/* Nothing more is begun. By who has a chunk that is not done. */
static void fail_job(struct seat *seat, int32_t status, int32_t n_shares) {
    int32_t none = 0;
    atomic_compare_exchange_strong(&seat->status, &none, status);
    for (int32_t i = 0; i < n_shares; i++) {
        uint64_t was = atomic_load(&seat->shares[i].progress);
        while (left_of(was) && !atomic_compare_exchange_weak(&seat->shares[i].progress, &was,
                                                             was - left_of(was) * (LEFT + UNDONE))) {
        }
    }
}

static void run_chunk(struct seat *seat, const struct part *p, uint32_t chunk, tg_scratch *s) {
    int64_t begin = p->begin + chunk * p->chunk;
    int64_t end = p->until - begin < p->chunk ? p->until : begin + p->chunk;
    int32_t status = call_task(p->fn, p->frame, begin, end, s);
    if (status) {
        fail_job(seat, status, p->n_shares);
    }
}

/* What is left of a share. False: nothing was, and *p is of no use. */
static bool run_share(struct seat *seat, int32_t i, tg_scratch *s, struct part *p) {
    struct share *share = &seat->shares[i];
    uint64_t was = atomic_load_explicit(&share->progress, memory_order_acquire), left;
    do {
        if (!left_of(was)) {
            return false;
        }
        *p = read_share(share);
    } while (!atomic_compare_exchange_weak_explicit(&share->progress, &was, was - LEFT, memory_order_acq_rel,
                                                    memory_order_acquire));
    if (!tg_scratch_prepare(s, p->scratch_bytes)) {
        fail_job(seat, TG_ERROR_OUT_OF_MEMORY, p->n_shares);
        (void)go_on(seat, share);
        return true;
    }
    left = left_of(was);
    do {
        run_chunk(seat, p, p->n_chunks - (uint32_t)left, s);
    } while ((left = go_on(seat, share)) != 0);
    return true;
}

/* ---- pool threads ------------------------------------------------------------------------------------
 */

/* Share i of a job, then what is left of the others. False: nothing was left of i. */
static bool run_shares(struct seat *seat, int32_t i, tg_scratch *s) {
    struct part p, other;
    if (!run_share(seat, i, s, &p)) {
        return false;
    }
    for (int32_t k = 1; k < p.n_shares; k++) {
        int32_t next = (i + k) % p.n_shares;
        if (next >= p.first) {
            (void)run_share(seat, next, s, &other);
        }
    }
    return true;
}

static int32_t n_shares_of(const tg_pool *pool) {
    return pool->n_threads < MAX_SHARES ? pool->n_threads : MAX_SHARES;
}

static bool is_left(struct seat *seat, int32_t share) {
    return left_of(atomic_load_explicit(&seat->shares[share].progress, memory_order_acquire)) != 0;
}

/* Its own share of any seat. */
static struct seat *find_own(struct thread *t) {
    int32_t n = atomic_load_explicit(&t->pool->n_seats, memory_order_acquire);
    for (int32_t i = 0; i < n; i++) {
        if (is_left(&t->pool->seats[i], t->share)) {
            return &t->pool->seats[i];
        }
    }
    return NULL;
}

/* Any share of any seat, own ones first. */
static struct seat *find_any(struct thread *t, int32_t *share) {
    int32_t n = atomic_load(&t->pool->n_seats), n_shares = n_shares_of(t->pool);
    for (int32_t k = 0; k < n_shares; k++) {
        *share = (t->share + k) % n_shares;
        for (int32_t i = 0; i < n; i++) {
            if (is_left(&t->pool->seats[i], *share)) {
                return &t->pool->seats[i];
            }
        }
    }
    return NULL;
}

/* Until its own share of a seat has something left, which is returned; null after some time, or if it is called. */
static struct seat *spin(struct thread *t, uint32_t seen) {
    enum { LOOKS = 16 };
    tg_pool *pool = t->pool;
    int64_t until = 0, now = 0;
    while (pool->spin && now <= until) {
        for (int i = 0; i < LOOKS; i++) {
            struct seat *seat = find_own(t);
            if (seat || atomic_load_explicit(&pool->epoch, memory_order_acquire) != seen) {
                return seat;
            }
            relax();
        }
        now = now_ns();
        until = until ? until : now + SPIN_NS;
    }
    return NULL;
}

static void sleep_until_called(struct thread *t, uint32_t seen) {
    tg_pool *pool = t->pool;
    int32_t share;
    atomic_fetch_add(&pool->sleepers, 1);
    atomic_thread_fence(memory_order_seq_cst); /* either it sees a job here, or the job's caller sees it asleep */
    if (!find_any(t, &share)) {
        futex_wait(&pool->epoch, seen);
    }
    atomic_fetch_sub(&pool->sleepers, 1);
}

static void *thread_main(void *user) {
    struct thread *t = user;
    tg_pool *pool = t->pool;
    tg_float_mode_set(pool->mxcsr);
    for (;;) {
        uint32_t seen = atomic_load(&pool->epoch);
        struct seat *seat;
        int32_t share;
        while ((seat = find_any(t, &share)) != NULL) {
            (void)run_shares(seat, share, &t->scratch);
        }
        if (atomic_load(&pool->stop)) {
            return NULL;
        }
        while ((seat = spin(t, seen)) != NULL) {
            (void)run_shares(seat, t->share, &t->scratch);
        }
        if (atomic_load(&pool->epoch) == seen) {
            sleep_until_called(t, seen);
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
            t->share = (pool->n_started + 1) % n_shares_of(pool);
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

/* Null: all are taken. */
static struct seat *take_seat(tg_pool *pool) {
    for (int32_t i = 0; i < pool->most_seats; i++) {
        struct seat *seat = &pool->seats[i];
        if (atomic_load_explicit(&seat->taken, memory_order_relaxed) || atomic_exchange(&seat->taken, true)) {
            continue;
        }
        int32_t n = atomic_load(&pool->n_seats);
        while (n <= i && !atomic_compare_exchange_weak(&pool->n_seats, &n, i + 1)) {
        }
        return seat;
    }
    return NULL;
}

static bool is_alone(tg_pool *pool, const struct seat *seat) {
    int32_t n = atomic_load_explicit(&pool->n_seats, memory_order_relaxed);
    bool alone = true;
    for (int32_t i = 0; i < n && alone; i++) {
        alone = &pool->seats[i] == seat || !atomic_load_explicit(&pool->seats[i].taken, memory_order_relaxed);
    }
    return alone;
}

/* Each share but the caller's, then what the caller's has beside its first chunk, which is returned. */
static struct part post_job(tg_pool *pool, struct seat *seat, struct part p, int64_t n_tasks) {
    int64_t n = n_shares_of(pool) < n_tasks ? n_shares_of(pool) : n_tasks, each = n_tasks / n, more = n_tasks % n;
    int64_t own = each + (more > 0);
    uint64_t job = ++seat->n_jobs;
    p.n_shares = (uint16_t)n;
    p.first = own <= p.chunk;
    for (int64_t i = n - 1; i >= 0; i--) {
        int64_t tasks = each + (i < more);
        p.begin = i * each + (i < more ? i : more);
        p.until = p.begin + tasks;
        p.n_chunks = (uint32_t)((tasks + p.chunk - 1) / p.chunk);
        if (i >= p.first) {
            post_share(&seat->shares[i], job, &p, p.n_chunks - (i == 0));
        }
    }
    return p;
}

/* Threads that spin see their shares. Others are called: all that are awake if some sleep or are in other jobs, as they may
 * have the shares of this one; and as many of those that sleep as there are chunks for. */
static void call_threads(tg_pool *pool, const struct seat *seat, int64_t chunks) {
    atomic_thread_fence(memory_order_seq_cst); /* before looking who sleeps */
    int64_t asleep = atomic_load(&pool->sleepers), awake = pool->n_started - asleep;
    bool alone = is_alone(pool, seat);
    if (asleep == 0 && alone) {
        return;
    }
    atomic_fetch_add(&pool->epoch, 1);
    int64_t wanted = chunks - (alone ? awake : 0);
    wanted = wanted < asleep ? wanted : asleep;
    if (wanted > 0) {
        if (awake == 0) {
            make_way(pool);
        }
        futex_wake(&pool->epoch, (int)wanted);
    }
}

static void wait_for_share(tg_pool *pool, struct seat *seat, struct share *share) {
    enum { LOOKS = 16 };
    int64_t until = 0, now = 0;
    while (pool->spin && now <= until) {
        for (int i = 0; i < LOOKS; i++) {
            if (is_done(atomic_load_explicit(&share->progress, memory_order_acquire))) {
                return;
            }
            relax();
        }
        now = now_ns();
        until = until ? until : now + SPIN_NS;
    }
    atomic_store(&seat->waiting, true);
    for (;;) {
        uint32_t bell = atomic_load(&seat->bell);
        if (is_done(atomic_load(&share->progress))) {
            break;
        }
        futex_wait(&seat->bell, bell);
    }
    atomic_store(&seat->waiting, false);
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

static int32_t run_job(tg_pool *pool, struct seat *seat, struct part p, int64_t n_tasks, bool wakes) {
    int64_t chunk = n_tasks / ((int64_t)pool->n_threads * CHUNKS_PER_THREAD);
    p.chunk = chunk ? chunk : 1;
    atomic_store_explicit(&seat->status, 0, memory_order_relaxed);
    p = post_job(pool, seat, p, n_tasks);
    if (wakes) {
        call_threads(pool, seat, (n_tasks + p.chunk - 1) / p.chunk - 1);
    }
    run_chunk(seat, &p, 0, &seat->scratch);
    for (int32_t i = 0; i < p.n_shares; i++) {
        struct part other;
        (void)run_share(seat, i, &seat->scratch, &other);
    }
    for (int32_t i = p.first; i < p.n_shares; i++) {
        wait_for_share(pool, seat, &seat->shares[i]);
    }
    return atomic_load(&seat->status);
}

/* A frame that is the same as in the job before stays in the caches of those who read it. */
static const void *keep_frame(struct seat *seat, const void *frame, size_t bytes) {
    if (memcmp(seat->frame, frame, bytes) != 0) {
        memcpy(seat->frame, frame, bytes);
    }
    return seat->frame;
}

/* frame_bytes: of a short job; else 0. */
static int32_t run_seated(tg_pool *pool, struct seat *seat, struct part p, int64_t n_tasks, size_t frame_bytes) {
    if (!tg_scratch_prepare(&seat->scratch, p.scratch_bytes)) {
        return TG_ERROR_OUT_OF_MEMORY;
    }
    if (!atomic_load_explicit(&pool->started, memory_order_acquire)) {
        start_threads(pool);
    }
    bool all_sleep = atomic_load_explicit(&pool->sleepers, memory_order_relaxed) == (uint32_t)pool->n_started;
    if (frame_bytes && all_sleep && (!pool->spin || ++seat->slept_through % SLEPT_THROUGH != 0)) {
        return call_task(p.fn, p.frame, 0, n_tasks, &seat->scratch);
    }
    if (frame_bytes && frame_bytes <= FRAME_BYTES) {
        p.frame = keep_frame(seat, p.frame, frame_bytes);
    }
    return run_job(pool, seat, p, n_tasks, !frame_bytes || all_sleep);
}

static int32_t run(tg_pool *pool, const struct part *p, int64_t n_tasks, int64_t frame_bytes) {
    bool serial = n_tasks <= 1 || pool->n_threads == 1 || task_depth;
    struct seat *seat = serial ? NULL : take_seat(pool);
    if (!seat) { /* or as many callers are at work */
        return tg_pool_run_serial(pool, p->fn, p->frame, n_tasks, p->scratch_bytes);
    }
    int32_t status = run_seated(pool, seat, *p, n_tasks, (size_t)frame_bytes);
    atomic_store_explicit(&seat->taken, false, memory_order_release);
    return status;
}

int32_t tg_pool_run(tg_pool *pool, tg_task_fn fn, const void *frame, int64_t n_tasks,
                    int64_t scratch_bytes) {
    return run(pool, &(struct part){.fn = fn, .frame = frame, .scratch_bytes = scratch_bytes}, n_tasks, 0);
}

int32_t tg_pool_run_awake(tg_pool *pool, tg_task_fn fn, const void *frame, int64_t n_tasks,
                          int64_t scratch_bytes, int64_t frame_bytes) {
    return run(pool, &(struct part){.fn = fn, .frame = frame, .scratch_bytes = scratch_bytes}, n_tasks, frame_bytes);
}

/* ---- forks ----------------------------------------------------------------------------------------------- */

/* Pool threads take the lock for moments only. */
static void before_fork(tg_fork_watch *watch) {
    pthread_mutex_lock(&((tg_pool *)watch)->lock);
}

/* Seats that other threads of the parent had: memory that one of them was changing is left alone. */
static void clear_seats(tg_pool *pool) {
    for (int32_t i = 0; i < pool->most_seats; i++) {
        struct seat *seat = &pool->seats[i];
        for (int32_t k = 0; k < MAX_SHARES; k++) {
            atomic_store(&seat->shares[k].progress, 0);
        }
        if (atomic_load(&seat->taken)) {
            tg_scratch_init(&seat->scratch, pool->allocator, 0);
        }
        atomic_store(&seat->waiting, false);
        atomic_store(&seat->taken, false);
    }
}

/* A child starts threads of its own with its first job. Jobs of other threads of the parent are not its. */
static void after_fork(tg_fork_watch *watch, bool is_child) {
    tg_pool *pool = (tg_pool *)watch;
    if (is_child) {
        if (!task_depth) {
            clear_seats(pool);
        }
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

/* With as many callers as threads all processors are busy: further ones would gain nothing from sharing. A pool of one thread has none. */
static bool make_seats(tg_pool *pool) {
    int32_t n = pool->n_threads < LEAST_SEATS ? LEAST_SEATS : pool->n_threads;
    n = n < MOST_SEATS ? n : MOST_SEATS;
    pool->seats = tg_alloc(pool->allocator, sizeof *pool->seats * (size_t)n, _Alignof(struct seat));
    pool->most_seats = pool->seats ? n : 0;
    for (int32_t i = 0; i < pool->most_seats; i++) {
        tg_scratch_init(&pool->seats[i].scratch, pool->allocator, 0);
    }
    return pool->seats != NULL;
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
        if (!pool->threads || !make_seats(pool)) {
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
    for (int32_t i = 0; i < pool->most_seats; i++) {
        tg_scratch_fini(&pool->seats[i].scratch);
    }
    tg_free(pool->allocator, pool->seats, sizeof *pool->seats * (size_t)pool->most_seats);
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
