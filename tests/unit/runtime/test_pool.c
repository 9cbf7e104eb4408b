/* The thread pool and the host under many callers: every task runs once, failures stop a job, nested runs
 * are serial, scratch is private. A plain program, so that ThreadSanitizer sees all of it in one process. */
#define _GNU_SOURCE
#include "runtime/host.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHECK(c)                                                                               \
    ((c) ? (void)0 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #c), exit(1)))

struct frame {
    tg_pool *pool;
    _Atomic int64_t sum, calls, in_nested;
    _Atomic uint8_t *seen;
    int64_t fail_at;
};

static int32_t mark(const void *user, int64_t begin, int64_t end, tg_worker *w) {
    struct frame *f = *(struct frame *const *)user;
    CHECK(w->scratch_bytes >= 1000);
    memset(w->scratch, w->index, 1000);
    for (int64_t i = begin; i < end; i++) {
        char *more = w->alloc(w, 100000);
        CHECK(more && (uintptr_t)more % 64 == 0);
        memset(more, (int)i, 100000);
        char *again = w->alloc(w, 300000);
        memset(again, 0, 300000);
        CHECK(more[99999] == (char)i);
        w->reset(w);
        atomic_fetch_add(&f->seen[i], 1);
        atomic_fetch_add(&f->sum, i);
        if (i == f->fail_at) {
            return TG_ERROR_LAUNCH;
        }
    }
    CHECK(((char *)w->scratch)[999] == (char)w->index);
    return 0;
}

static void run_once(tg_pool *pool, int64_t n, int64_t fail_at) {
    struct frame f = {.pool = pool, .fail_at = fail_at};
    struct frame *p = &f;
    f.seen = calloc((size_t)n + 1, 1);
    int32_t status = tg_pool_run(pool, mark, &p, n, 1000);
    if (fail_at < 0) {
        CHECK(status == 0 && f.sum == n * (n - 1) / 2);
        for (int64_t i = 0; i < n; i++) {
            CHECK(f.seen[i] == 1);
        }
    } else {
        CHECK(status == TG_ERROR_LAUNCH && f.seen[fail_at] == 1);
    }
    free((void *)f.seen);
}

static int32_t nested(const void *user, int64_t begin, int64_t end, tg_worker *w) {
    tg_pool *pool = *(tg_pool *const *)user;
    (void)w;
    for (int64_t i = begin; i < end; i++) {
        run_once(pool, 17, -1);
    }
    return 0;
}

static void *caller(void *user) {
    tg_pool *pool = user;
    for (int i = 0; i < 10; i++) {
        run_once(pool, 1 + i * 7 % 100, -1);
        run_once(pool, 50, 5 * i);
        CHECK(tg_pool_run(pool, nested, &pool, 5, 0) == 0);
        CHECK(tg_pool_run(pool, nested, &pool, 0, 0) == 0);
    }
    return NULL;
}

static void test_pool(int32_t n_threads, bool pin) {
    tg_pool *pool;
    CHECK(tg_pool_create(&(tg_pool_options){&tg_allocator_default, n_threads, pin, 0}, &pool) ==
          TG_OK);
    CHECK(tg_pool_n_threads(pool) >= 1);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        pthread_create(&threads[i], NULL, caller, pool);
    }
    caller(pool);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    tg_pool_destroy(pool);
}

/* ---- host ------------------------------------------------------------------------------------------- */

static int32_t nothing(const void *frame, int64_t begin, int64_t end, tg_worker *w) {
    (void)frame, (void)begin, (void)end, (void)w;
    return 0;
}

static int32_t entry(const tg_rt *rt, const void *const *args) {
    int64_t mode = *(const int64_t *)args[0];
    for (int i = 0; i < 20; i++) {
        char *p = rt->workspace(rt, 1000 * (i + 1));
        CHECK(p && (uintptr_t)p % 64 == 0);
        memset(p, i, 1000);
    }
    if (mode == 1) {
        rt->fail(rt, TG_ERROR_LAUNCH, "L0908: first");
        rt->fail(rt, TG_ERROR_LAUNCH, "L0908: second");
    }
    if (mode == 2 && !rt->workspace(rt, INT64_MAX / 4)) {
        return TG_ERROR_OUT_OF_MEMORY;
    }
    int64_t values[2] = {-7, 0};
    double x = 1.5;
    memcpy(&values[1], &x, 8);
    rt->print(rt, "{{i={:4d} x={:.3f} {}", values,
              (const uint8_t[]){TG_PRINT_SIGNED, TG_PRINT_FLOAT}, 2);
    return rt->parallel(rt, nothing, NULL, mode == 3 ? 1 : 100, 64);
}

static void collect(void *user, const char *text, size_t n) {
    memcpy(user, text, n);
    ((char *)user)[n] = '\0';
}

static void test_host(void) {
    char text[256] = "", message[100];
    tg_host *host;
    tg_host_options options = {.n_threads = 3, .print = collect, .print_user = text};
    CHECK(tg_host_create(&options, &host) == TG_OK);
    int64_t mode = 0;
    const void *args[] = {&mode};
    CHECK(tg_host_launch(host, entry, args, false, message, sizeof message) == TG_OK);
    CHECK(strcmp(text, "{i=  -7 x=1.500 {}\n") == 0);
    mode = 1;
    CHECK(tg_host_launch(host, entry, args, true, message, sizeof message) == TG_ERROR_LAUNCH);
    CHECK(strcmp(message, "L0908: first") == 0);
    mode = 2;
    CHECK(tg_host_launch(host, entry, args, true, message, sizeof message) ==
          TG_ERROR_OUT_OF_MEMORY);
    CHECK(strcmp(message, "out of memory") == 0);
    tg_host_destroy(host);
}

/* Memory that was given back is what is taken next; two at once are two. */
static void test_memory_of_host(void) {
    tg_host *host;
    tg_mem a, b, none = {0};
    CHECK(tg_host_create(&(tg_host_options){.n_threads = 1}, &host) == TG_OK);
    CHECK(tg_host_take_memory(host, 100000, &a) && a.size >= 100000);
    CHECK(tg_host_take_memory(host, 100000, &b) && b.data != a.data);
    const void *first = a.data;
    tg_host_give_memory(host, &a);
    CHECK(!a.data && tg_host_take_memory(host, 90000, &a) && a.data == first);
    CHECK(!tg_host_take_memory(host, SIZE_MAX, &none));
    tg_host_give_memory(host, &none);
    tg_host_give_memory(host, &a);
    tg_host_give_memory(host, &b);
    tg_host_destroy(host);
}

/* Prints the cost of a one-task launch; only a gross regression fails. */
static int32_t small_entry(const tg_rt *rt, const void *const *args) {
    (void)args;
    return rt->parallel(rt, nothing, NULL, 1, 64);
}

static void test_cost(void) {
    tg_host *host;
    CHECK(tg_host_create(&(tg_host_options){.n_threads = 2}, &host) == TG_OK);
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (int i = 0; i < 100000; i++) {
        CHECK(tg_host_launch(host, small_entry, NULL, false, NULL, 0) == TG_OK);
    }
    clock_gettime(CLOCK_MONOTONIC, &b);
    double ns =
        ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / 100000;
    printf("one-task launch: %.0f ns\n", ns);
    tg_host_destroy(host);
}

struct meeting {
    _Atomic int arrived;
    int caller; /* its processor; it runs on no other */
};

/* Two tasks that wait for one another take two threads; the pool's must stay off the caller's processor. */
static int32_t meet(const void *user, int64_t begin, int64_t end, tg_worker *w) {
    struct meeting *m = *(struct meeting *const *)user;
    cpu_set_t mine;
    CHECK(end - begin == 1 && sched_getaffinity(0, sizeof mine, &mine) == 0);
    CHECK(w->index == 0 || !CPU_ISSET((size_t)m->caller, &mine));
    atomic_fetch_add(&m->arrived, 1);
    while (atomic_load(&m->arrived) < 2) {
        sched_yield();
    }
    return 0;
}

static void test_threads_stay_off_the_caller(void) {
    cpu_set_t all, one;
    tg_pool *pool;
    CHECK(sched_getaffinity(0, sizeof all, &all) == 0);
    CHECK(tg_pool_create(&(tg_pool_options){&tg_allocator_default, 2, false, 0}, &pool) == TG_OK);
    run_once(pool, 100, -1); /* starts the threads */
    for (int cpu = 0, tried = 0; cpu < CPU_SETSIZE && CPU_COUNT(&all) > 1 && tried < 4; cpu++) {
        if (!CPU_ISSET((size_t)cpu, &all)) {
            continue;
        }
        tried++;
        CPU_ZERO(&one);
        CPU_SET((size_t)cpu, &one);
        CHECK(sched_setaffinity(0, sizeof one, &one) == 0);
        nanosleep(&(struct timespec){0, 200000000}, NULL); /* the pool's thread falls asleep */
        struct meeting m = {.caller = cpu}, *p = &m;
        CHECK(tg_pool_run(pool, meet, &p, 2, 0) == 0 && m.arrived == 2);
    }
    CHECK(sched_setaffinity(0, sizeof all, &all) == 0);
    tg_pool_destroy(pool);
}

struct beginnings {
    _Atomic int64_t first[2]; /* by thread; -1: none yet */
};

/* A thread's first task waits until the other has begun one. */
static int32_t begin_both(const void *user, int64_t begin, int64_t end, tg_worker *w) {
    struct beginnings *b = *(struct beginnings *const *)user;
    int64_t none = -1;
    CHECK(w->index < 2 && end > begin);
    atomic_compare_exchange_strong(&b->first[w->index], &none, begin);
    while (atomic_load(&b->first[0]) < 0 || atomic_load(&b->first[1]) < 0) {
        sched_yield();
    }
    return 0;
}

/* Each thread begins with the same tasks in every job: its caches hold what they read and write. */
static void test_shares(void) {
    tg_pool *pool;
    CHECK(tg_pool_create(&(tg_pool_options){&tg_allocator_default, 2, false, 0}, &pool) == TG_OK);
    for (int64_t n = 2; n < 200; n = 2 * n + 1) {
        struct beginnings b = {{-1, -1}}, *p = &b;
        CHECK(tg_pool_run(pool, begin_both, &p, n, 0) == 0);
        CHECK(b.first[0] == 0 && b.first[1] == (n + 1) / 2);
    }
    tg_pool_destroy(pool);
}

struct crowd {
    tg_pool *pool;
    _Atomic int inside, callers;
};

/* A caller's first task waits until all callers are in a job at once. */
static int32_t wait_for_all(const void *user, int64_t begin, int64_t end, tg_worker *w) {
    struct crowd *c = *(struct crowd *const *)user;
    (void)end;
    if (begin == 0 && w->index == 0) {
        atomic_fetch_add(&c->inside, 1);
        while (atomic_load(&c->inside) < atomic_load(&c->callers)) {
            sched_yield();
        }
    }
    return 0;
}

static void *join_crowd(void *user) {
    struct crowd *c = user;
    CHECK(tg_pool_run(c->pool, wait_for_all, &c, 40, 0) == 0);
    run_once(c->pool, 40, -1);
    return NULL;
}

/* More callers at once than a pool has seats for: each runs its job, if need be alone. */
static void test_many_callers(void) {
    enum { CALLERS = 20 };
    struct crowd c = {.callers = CALLERS};
    pthread_t threads[CALLERS];
    CHECK(tg_pool_create(&(tg_pool_options){&tg_allocator_default, 3, false, 0}, &c.pool) == TG_OK);
    for (int i = 0; i < CALLERS; i++) {
        CHECK(pthread_create(&threads[i], NULL, join_crowd, &c) == 0);
    }
    for (int i = 0; i < CALLERS; i++) {
        pthread_join(threads[i], NULL);
    }
    CHECK(c.inside == CALLERS);
    tg_pool_destroy(c.pool);
}

struct pair {
    struct crowd *crowd;
    _Atomic int arrived;
};

/* The tasks of a job wait for one another, and the callers for all callers. */
static int32_t meet_in_crowd(const void *user, int64_t begin, int64_t end, tg_worker *w) {
    struct pair *p = *(struct pair *const *)user;
    CHECK(end - begin == 1);
    atomic_fetch_add(&p->arrived, 1);
    while (atomic_load(&p->arrived) < 2) {
        sched_yield();
    }
    return wait_for_all(&p->crowd, begin, end, w);
}

static void *join_in_pairs(void *user) {
    struct pair pair = {.crowd = user}, *p = &pair;
    CHECK(tg_pool_run(pair.crowd->pool, meet_in_crowd, &p, 2, 0) == 0);
    return NULL;
}

/* As long as there are threads, each of many callers at once has a second one. */
static void test_many_callers_share(void) {
    enum { CALLERS = 12 };
    struct crowd c = {.callers = CALLERS};
    pthread_t threads[CALLERS];
    CHECK(tg_pool_create(&(tg_pool_options){&tg_allocator_default, 16, false, 0}, &c.pool) == TG_OK);
    for (int i = 0; i < CALLERS; i++) {
        CHECK(pthread_create(&threads[i], NULL, join_in_pairs, &c) == 0);
    }
    for (int i = 0; i < CALLERS; i++) {
        pthread_join(threads[i], NULL);
    }
    tg_pool_destroy(c.pool);
}

struct tally {
    _Atomic int64_t calls, tasks;
};

static int32_t count_tasks(const void *user, int64_t begin, int64_t end, tg_worker *w) {
    struct tally *t = *(struct tally *const *)user;
    (void)w;
    atomic_fetch_add(&t->calls, 1);
    atomic_fetch_add(&t->tasks, end - begin);
    return 0;
}

enum { SHORT_JOBS = 1000, TASKS = 2 };

/* The calls of tasks. A short job that all threads sleep through is one call by its caller; many of them wake the threads. */
static int64_t run_short_jobs(int32_t n_threads) {
    struct tally t = {0}, *p = &t;
    tg_pool *pool;
    CHECK(tg_pool_create(&(tg_pool_options){&tg_allocator_default, n_threads, false, 0}, &pool) == TG_OK);
    run_once(pool, 100, -1); /* starts the threads */
    nanosleep(&(struct timespec){0, 200000000}, NULL);
    CHECK(tg_pool_run_awake(pool, count_tasks, &p, TASKS, 0, sizeof p) == 0);
    CHECK(t.calls == 1 && t.tasks == TASKS);
    for (int i = 1; i < SHORT_JOBS; i++) {
        CHECK(tg_pool_run_awake(pool, count_tasks, &p, TASKS, 0, sizeof p) == 0);
    }
    CHECK(t.tasks == (int64_t)SHORT_JOBS * TASKS);
    tg_pool_destroy(pool);
    return t.calls;
}

/* Threads that would sleep again at once, as they outnumber the processors, are not woken. */
static void test_short_jobs(void) {
    if (tg_processor_count() > 1) {
        CHECK(run_short_jobs(2) > SHORT_JOBS);
    }
    CHECK(run_short_jobs(tg_processor_count() + 1) == SHORT_JOBS);
}

int main(void) {
    test_shares();
    test_many_callers();
    test_many_callers_share();
    test_short_jobs();
    test_threads_stay_off_the_caller();
    test_pool(1, false);
    test_pool(2, true);
    test_pool(5, false);
    test_pool(0, false);
    test_host();
    test_memory_of_host();
    test_cost();
    return 0;
}
