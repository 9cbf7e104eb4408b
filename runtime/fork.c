/* See fork.h. The list and its lock are global because forks are. */
#include "runtime/fork.h"

#include <pthread.h>
#include <stddef.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static tg_fork_watch *first;

static void before_fork(void) {
    pthread_mutex_lock(&lock);
    for (tg_fork_watch *w = first; w; w = w->next) {
        w->before(w);
    }
}

static void after_fork(bool is_child) {
    for (tg_fork_watch *w = first; w; w = w->next) {
        w->after(w, is_child);
    }
    pthread_mutex_unlock(&lock); /* in the child too: the thread that forked locked it */
}

static void in_parent(void) {
    after_fork(false);
}

static void in_child(void) {
    after_fork(true);
}

static void install(void) {
    (void)pthread_atfork(before_fork, in_parent, in_child);
}

void tg_fork_enlist(tg_fork_watch *watch) {
    pthread_once(&once, install);
    pthread_mutex_lock(&lock);
    watch->next = first;
    watch->at = &first;
    if (first) {
        first->at = &watch->next;
    }
    first = watch;
    pthread_mutex_unlock(&lock);
}

void tg_fork_delist(tg_fork_watch *watch) {
    pthread_mutex_lock(&lock); /* before looking: the neighbours in the list write `at` */
    if (watch->at) {
        *watch->at = watch->next;
        if (watch->next) {
            watch->next->at = watch->at;
        }
    }
    watch->at = NULL;
    pthread_mutex_unlock(&lock);
}
