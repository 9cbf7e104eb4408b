/* See async.h: a queue, its threads, and the thread for one call. */
#define _DEFAULT_SOURCE 1 /* syscall */

#include "jit/async.h"

#include "runtime/fork.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STACK_BYTES = 32 * 1024 * 1024, MAX_THREADS = 16 };

typedef struct task {
    tg_async_fn fn, dropped;
    void *user;
    struct task *next;
} task;

struct tg_async {
    tg_fork_watch fork; /* first */
    const tg_allocator *allocator;
    pthread_mutex_t lock;
    pthread_cond_t more, rest; /* a task is queued; all threads wait for one */
    task *first, *last;
    bool stop, leave; /* once nothing is queued; at once */
    tg_async *next;   /* of all that live */
    int32_t n_threads, n_started, n_idle;
    pthread_t threads[MAX_THREADS];
};

static bool start_thread(pthread_t *out, void *(*main_fn)(void *), void *user) {
    pthread_attr_t attr;
    if (pthread_attr_init(&attr)) {
        return false;
    }
    (void)pthread_attr_setstacksize(&attr, STACK_BYTES);
    bool ok = pthread_create(out, &attr, main_fn, user) == 0;
    pthread_attr_destroy(&attr);
    return ok;
}

static task *take_task(tg_async *a) {
    pthread_mutex_lock(&a->lock);
    a->n_idle++;
    pthread_cond_broadcast(&a->rest);
    while (!a->first && !a->stop) {
        pthread_cond_wait(&a->more, &a->lock);
    }
    a->n_idle--;
    task *t = a->leave ? NULL : a->first;
    if (t) {
        a->first = t->next;
        a->last = a->first ? a->last : NULL;
    }
    pthread_mutex_unlock(&a->lock);
    return t;
}

static void *worker_main(void *user) {
    tg_async *a = user;
    task *t;
    while ((t = take_task(a)) != NULL) {
        t->fn(t->user);
        tg_free(a->allocator, t, sizeof *t);
    }
    return NULL;
}

/* ---- at the end of the process --------------------------------------------------------------------------------- */

/* A host may leave main() with contexts open. What LLVM keeps for the whole process is destroyed then, and no thread may
 * be compiling any more: compiles that run are waited for, queued ones are dropped.
 *
 * A handler of exit() alone would come too late: destructors run in the opposite order of their registration, and LLVM makes tables in the
 * middle of a compile, when one first needs them. Destructors of the thread that calls exit() go before all of these, so the main thread has one. For
 * an exit() elsewhere the handler is registered again behind compiles, the first, second, fourth …: only tables of the latest may go before it runs. */
static pthread_mutex_t live_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t live_once = PTHREAD_ONCE_INIT;
static tg_async *live;

static void join_threads(tg_async *a, bool leave) {
    pthread_mutex_lock(&a->lock);
    a->stop = true;
    a->leave = leave;
    pthread_cond_broadcast(&a->more);
    pthread_mutex_unlock(&a->lock);
    for (int32_t i = 0; i < a->n_started; i++) {
        pthread_join(a->threads[i], NULL);
    }
    a->n_started = 0;
}

/* Whoever waits for one of them after this, as the host's own handlers may, goes on. */
static void drop_tasks(tg_async *a) {
    pthread_mutex_lock(&a->lock);
    task *t = a->first;
    a->first = a->last = NULL;
    pthread_mutex_unlock(&a->lock);
    while (t) {
        task *next = t->next;
        t->dropped(t->user);
        tg_free(a->allocator, t, sizeof *t);
        t = next;
    }
}

static void leave_all(void) {
    pthread_mutex_lock(&live_lock);
    for (tg_async *a = live; a; a = a->next) {
        join_threads(a, true);
        drop_tasks(a);
    }
    pthread_mutex_unlock(&live_lock);
}

static void watch_exit(void) {
    (void)atexit(leave_all);
}

static void lock_live(void) {
    pthread_mutex_lock(&live_lock);
}

static void unlock_live(void) {
    pthread_mutex_unlock(&live_lock);
}

/* A child of a fork in the middle of leave_all would find the list locked for good. Registered behind the handlers of fork.c, so that this
 * lock is taken before those of the objects, as in leave_all. */
static void watch_process(void) {
    (void)pthread_atfork(lock_live, unlock_live, unlock_live);
    watch_exit();
}

extern void *__dso_handle __attribute__((visibility("hidden")));
extern int __cxa_thread_atexit_impl(void (*fn)(void *), void *user, void *library) __attribute__((weak)); /* of glibc */

static void leave_main(void *user) {
    (void)user;
    leave_all();
    pthread_mutex_lock(&live_lock); /* a main thread may end alone: the others go on */
    for (tg_async *a = live; a; a = a->next) {
        pthread_mutex_lock(&a->lock);
        a->stop = a->leave = false;
        pthread_mutex_unlock(&a->lock);
    }
    pthread_mutex_unlock(&live_lock);
}

static void watch_main(void) {
    static _Thread_local bool watched;
    if (!watched && __cxa_thread_atexit_impl && syscall(SYS_gettid) == getpid()) {
        watched = __cxa_thread_atexit_impl(leave_main, NULL, &__dso_handle) == 0;
    }
}

static void watch_exit_again(void) {
    static atomic_uint compiles;
    unsigned n = atomic_fetch_add(&compiles, 1) + 1;
    if ((n & (n - 1)) == 0) {
        watch_exit();
    }
}

static void enlist(tg_async *a) {
    pthread_once(&live_once, watch_process);
    watch_main();
    pthread_mutex_lock(&live_lock);
    a->next = live;
    live = a;
    pthread_mutex_unlock(&live_lock);
}

static void delist(tg_async *a) {
    pthread_mutex_lock(&live_lock);
    tg_async **at = &live;
    while (*at != a) {
        at = &(*at)->next;
    }
    *at = a->next;
    pthread_mutex_unlock(&live_lock);
}

/* ---- forks ----------------------------------------------------------------------------------------------------- */

/* A compile that went on in the parent alone would never end in the child, and whoever waits for it there would wait for good; so what
 * is queued is compiled first. */
static void before_fork(tg_fork_watch *watch) {
    tg_async *a = (tg_async *)watch;
    pthread_mutex_lock(&a->lock);
    while (!a->stop && (a->first || a->n_idle < a->n_started)) {
        pthread_cond_wait(&a->rest, &a->lock);
    }
}

/* The child has no threads; as conditions they had waited on may not be destroyed, they are made anew. */
static void after_fork(tg_fork_watch *watch, bool is_child) {
    tg_async *a = (tg_async *)watch;
    if (is_child) {
        a->n_started = a->n_idle = 0;
        pthread_cond_init(&a->more, NULL);
        pthread_cond_init(&a->rest, NULL);
    }
    pthread_mutex_unlock(&a->lock);
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

tg_status tg_async_create(const tg_allocator *allocator, int32_t n_threads, tg_async **out) {
    tg_async *a = tg_alloc(allocator, sizeof *a, _Alignof(tg_async));
    *out = a;
    if (!a) {
        return TG_ERROR_OUT_OF_MEMORY;
    }
    a->allocator = allocator;
    a->n_threads = n_threads < 1 ? 1 : n_threads > MAX_THREADS ? MAX_THREADS : n_threads;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->more, NULL);
    pthread_cond_init(&a->rest, NULL);
    a->fork.before = before_fork;
    a->fork.after = after_fork;
    tg_fork_enlist(&a->fork); /* before enlist: see watch_process */
    enlist(a);
    return TG_OK;
}

void tg_async_destroy(tg_async *async) {
    if (!async) {
        return;
    }
    tg_fork_delist(&async->fork);
    delist(async);
    join_threads(async, false);
    pthread_cond_destroy(&async->more);
    pthread_cond_destroy(&async->rest);
    pthread_mutex_destroy(&async->lock);
    tg_free(async->allocator, async, sizeof *async);
}

/* Under the lock; true if some thread will take the task. */
static bool enqueue(tg_async *a, task *t) {
    if (a->n_idle == 0 && a->n_started < a->n_threads && !a->stop &&
        start_thread(&a->threads[a->n_started], worker_main, a)) {
        a->n_started++;
    }
    if (a->n_started == 0) {
        return false;
    }
    *(a->last ? &a->last->next : &a->first) = t;
    a->last = t;
    pthread_cond_signal(&a->more);
    return true;
}

void tg_async_submit(tg_async *async, tg_async_fn fn, tg_async_fn dropped, void *user) {
    task *t = tg_alloc(async->allocator, sizeof *t, _Alignof(task));
    watch_main();
    pthread_mutex_lock(&async->lock);
    bool leave = async->leave, queued = false;
    if (t && !leave) {
        *t = (task){fn, dropped, user, NULL};
        queued = enqueue(async, t);
    }
    pthread_mutex_unlock(&async->lock);
    if (!queued) {
        tg_free(async->allocator, t, sizeof *t);
        (leave ? dropped : fn)(user);
    }
}

/* ---- one call ------------------------------------------------------------------------------------------------
 */

typedef struct call {
    tg_async_fn fn;
    void *user;
} call;

static void *call_main(void *user) {
    call *c = user;
    c->fn(c->user);
    watch_exit_again();
    return NULL;
}

void tg_run_on_large_stack(tg_async_fn fn, void *user) {
    call c = {fn, user};
    pthread_t thread;
    if (start_thread(&thread, call_main, &c)) {
        pthread_join(thread, NULL);
    } else {
        (void)call_main(&c);
    }
}
