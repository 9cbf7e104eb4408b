/* Launches: which schedule the databases know for a kernel and its extents. The user's rows come before those that ship, this compiler's
 * before another's, this number of threads before another's, the shape itself before the nearest. */
#include <string.h>

#include "autotune/tuner.h"

static const double OTHER_BUILD = 0.25, OTHER_THREADS = 1, SHIPPED = 0.5;

typedef struct match {
    const tg_problem *p;
    double penalty, best;
    bool found, exact;
    char schedule[512];
} match;

static bool see_winner(void *user, const tg_db_winner *w) {
    match *m = user;
    double d = tg_shape_distance(m->p->key.shape, w->key.shape, m->p->bucket);
    bool fits = strlen(w->schedule) < sizeof m->schedule;
    double score = d + m->penalty + (strcmp(w->key.build, m->p->key.build) ? OTHER_BUILD : 0) +
                   (w->key.threads != m->p->key.threads ? OTHER_THREADS : 0);
    /* In a deterministic context only what was found to give the same bits. */
    bool allowed = w->deterministic || !m->p->kernel->context->deterministic;
    /* That blocks do not matter to a kernel that looks at them was seen for the measured shape only. */
    allowed = allowed && (d == 0 || !m->p->func->block_dependent);
    if (d >= 0 && fits && allowed && (!m->found || score < m->best)) {
        m->found = true;
        m->best = score;
        m->exact = strcmp(m->p->key.shape, w->key.shape) == 0;
        (void)tg_format(m->schedule, sizeof m->schedule, "%s", w->schedule);
    }
    return true;
}

static void search(tg_tuner *t, const tg_problem *p, match *m) {
    tg_db_key key = {.kernel = p->key.kernel, .device = p->key.device, .spec = p->key.spec};
    *m = (match){.p = p};
    (void)tg_db_winners(t->db, &key, see_winner, m);
    if (t->shipped) {
        m->penalty = SHIPPED;
        (void)tg_db_winners(t->shipped, &key, see_winner, m);
    }
}

static tg_kernel *choose_in(tg_tuner *t, tg_kernel *k, const tg_launch_arg *args,
                            const tg_launch_binding *b, tg_arena *arena) {
    tg_problem *p = TG_NEW(arena, tg_problem);
    match *m = TG_NEW(arena, match);
    if (tg_problem_make_bound(t, k, args, b, arena, p)) {
        return k; /* the launch will say what is wrong */
    }
    search(t, p, m);
    tg_kernel *chosen =
        m->found && m->schedule[0] ? tg_kernel_kept_with_schedule(k, m->schedule) : NULL;
    return chosen ? chosen : k;
}

tg_kernel *tg_tuner_choose(tg_chooser *chooser, tg_kernel *k, const tg_launch_arg *args,
                         const tg_launch_binding *b) {
    tg_tuner *t = (tg_tuner *)chooser;
    tg_unwind u;
    pthread_mutex_lock(&t->lookup_lock);
    tg_arena *arena = tg_arena_create(&t->context->allocator, &u);
    tg_kernel *chosen = k;
    if (arena && !TG_PROTECT(&u)) {
        chosen = choose_in(t, k, args, b, arena);
    }
    tg_arena_destroy(arena);
    pthread_mutex_unlock(&t->lookup_lock);
    return chosen;
}

void tg_tuner_renew(tg_tuner *t) {
    static _Atomic uint64_t epochs;
    atomic_store(&t->chooser.epoch, atomic_fetch_add(&epochs, 1) + 1);
}

tg_status tg_tuner_attach(tg_tuner *tuner) {
    if (!tuner) {
        return TG_ERROR_INVALID_ARGUMENT;
    }
    tg_chooser *none = NULL;
    tg_tuner_renew(tuner);
    if (!atomic_compare_exchange_strong(&tuner->context->chooser, &none, &tuner->chooser) &&
        none != &tuner->chooser) {
        return tg_fail(tuner->context, TG_ERROR_INVALID_ARGUMENT,
                       "another tuner is attached to the context");
    }
    return TG_OK;
}

void tg_tuner_detach(tg_tuner *tuner) {
    if (tuner) {
        tg_chooser *mine = &tuner->chooser;
        (void)atomic_compare_exchange_strong(&tuner->context->chooser, &mine, NULL);
    }
}

/* ---- asking --------------------------------------------------------------------------------------------------- */

typedef struct question {
    tg_tuner *t;
    tg_kernel *k;
    const tg_argument *values;
    uint32_t n;
} question;

static tg_status ask(const question *q, tg_arena *arena, char *text, size_t size,
                     tg_tuned_from *from) {
    tg_problem *p = TG_NEW(arena, tg_problem);
    match *m = TG_NEW(arena, match);
    tg_status s = tg_problem_make(q->t, q->k, q->values, q->n, arena, p);
    if (s == TG_OK) {
        search(q->t, p, m);
        (void)tg_format(text, size, "%s", m->schedule);
        *from = !m->found ? TG_TUNED_DEFAULT : m->exact ? TG_TUNED_EXACT : TG_TUNED_NEAREST;
    }
    return s;
}

tg_status tg_tuner_lookup(tg_tuner *tuner, tg_kernel *kernel, const tg_argument *values,
                          uint32_t n_values, char *text, size_t size, tg_tuned_from *from) {
    if (!tuner || !kernel || !text || !from || kernel->context != tuner->context) {
        return TG_ERROR_INVALID_ARGUMENT;
    }
    tg_unwind u;
    question q = {tuner, kernel, values, n_values};
    tg_arena *arena = tg_arena_create(&tuner->context->allocator, &u);
    if (!arena || TG_PROTECT(&u)) {
        tg_arena_destroy(arena);
        return tg_fail(tuner->context, TG_ERROR_OUT_OF_MEMORY, "out of memory");
    }
    tg_status s = ask(&q, arena, text, size, from);
    tg_arena_destroy(arena);
    return s;
}

typedef struct visit {
    int (*fn)(void *user, const tg_candidate *candidate);
    void *user;
} visit;

static bool visit_row(void *user, const tg_db_result *r) {
    const visit *v = user;
    tg_candidate c = {.schedule = r->schedule,
                      .reason = r->reason,
                      .state = (tg_candidate_state)r->state,
                      .n_samples = (int32_t)r->samples,
                      .median_ms = r->median_ns * 1e-6,
                      .low_ms = r->low_ns * 1e-6,
                      .high_ms = r->high_ns * 1e-6,
                      .model_ms = r->model_ns * 1e-6};
    return v->fn(v->user, &c) == 0;
}

tg_status tg_tuner_candidates(tg_tuner *tuner, tg_kernel *kernel, const tg_argument *values,
                              uint32_t n_values,
                              int (*fn)(void *user, const tg_candidate *candidate),
                              void *user) {
    if (!tuner || !kernel || !fn || kernel->context != tuner->context) {
        return TG_ERROR_INVALID_ARGUMENT;
    }
    tg_unwind u;
    visit v = {fn, user};
    tg_arena *arena = tg_arena_create(&tuner->context->allocator, &u);
    if (!arena || TG_PROTECT(&u)) {
        tg_arena_destroy(arena);
        return tg_fail(tuner->context, TG_ERROR_OUT_OF_MEMORY, "out of memory");
    }
    tg_problem *p = TG_NEW(arena, tg_problem);
    tg_status s = tg_problem_make(tuner, kernel, values, n_values, arena, p);
    if (s == TG_OK && tg_db_results(tuner->db, &p->key, visit_row, &v)) {
        s = tg_fail(tuner->context, TG_ERROR_IO, "%s", tg_db_message(tuner->db));
    }
    tg_arena_destroy(arena);
    return s;
}
