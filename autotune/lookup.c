/* Launches: which schedule the databases know for a kernel and its extents. */
#include "autotune/tuner.h"

#include <string.h>
#include <unistd.h>

/* What counts against a row; of two rows the first difference decides. */
enum { OTHER_SHAPE, SHIPPED, OTHER_BUILD, OTHER_THREADS, DISTANCE, OTHER_MODE, N_RANKS };

typedef struct match {
    const tg_problem *p;
    bool shipped, narrow; /* the rows seen now: those that ship; from a text of tg_tuner_ship */
    bool found, guessed;
    double best[N_RANKS];
    char schedule[512];
} match;

static bool is_less(const double *x, const double *y) {
    int i = 0;
    while (i < N_RANKS - 1 && x[i] == y[i]) {
        i++;
    }
    return x[i] < y[i];
}

/* A text of tg_tuner_ship goes to machines where nobody has seen what its rows are worth, and in their own bucket some lose a tenth
 * (docs/performance/tuner.md): they serve their very shape and number of threads, and this instruction set with these caches, whatever
 * the number of cores. */
static bool is_out_of_reach(const match *m, const tg_db_key *row) {
    const char *mine = m->p->key.device, *cores = strstr(mine, " cores=");
    size_t n = cores ? (size_t)(cores - mine) : strlen(mine);
    return strncmp(row->device, mine, n) != 0 ||
           (row->device[n] != '\0' && strncmp(row->device + n, " cores=", 7) != 0) ||
           row->threads != m->p->key.threads || strcmp(row->shape, m->p->key.shape) != 0;
}

static bool see_winner(void *user, const tg_db_winner *w) {
    match *m = user;
    bool deterministic = m->p->kernel->context->deterministic;
    const double rank[N_RANKS] = {
        [OTHER_SHAPE] = strcmp(w->key.shape, m->p->key.shape) != 0,
        [SHIPPED] = m->shipped,
        [OTHER_BUILD] = strcmp(w->key.build, m->p->key.build) != 0,
        [OTHER_THREADS] = w->key.threads != m->p->key.threads,
        [DISTANCE] = tg_shape_distance(m->p->key.shape, w->key.shape, m->p->bucket),
        [OTHER_MODE] = (w->deterministic != 0) != deterministic};
    bool fits = rank[DISTANCE] >= 0 && strlen(w->schedule) < sizeof m->schedule &&
                !(m->narrow && is_out_of_reach(m, &w->key));
    /* In a deterministic context only what was found to give the same bits. */
    bool allowed = w->deterministic || !deterministic;
    /* That blocks do not matter to a kernel that looks at them was seen for the measured shape only. */
    allowed = allowed && (rank[OTHER_SHAPE] == 0 || !m->p->func->block_dependent);
    if (fits && allowed && (!m->found || is_less(rank, m->best))) {
        m->found = true;
        memcpy(m->best, rank, sizeof rank);
        (void)tg_format(m->schedule, sizeof m->schedule, "%s", w->schedule);
    }
    return true;
}

/* A database that cannot be read has no rows. Without `wait` false if somebody is in the way. */
static bool search(tg_tuner *t, const tg_problem *p, bool wait, match *m) {
    tg_db_key key = {.kernel = p->key.kernel, .spec = p->key.spec};
    tg_db *const databases[] = {t->db, t->shipped};
    *m = (match){.p = p};
    for (int i = 0; i < 2 && databases[i]; i++) {
        m->shipped = i > 0;
        m->narrow = m->shipped && t->narrow;
        key.device = m->narrow ? NULL : p->key.device;
        if (wait) {
            (void)tg_db_winners(databases[i], &key, see_winner, m);
        } else if (!tg_db_winners_now(databases[i], &key, see_winner, m)) {
            return false;
        }
    }
    return true;
}

/* Rows first, then the model. */
static void guess(const tg_tuner *t, match *m) {
    const tg_context *c = t->context;
    if (!m->found) {
        m->guessed = tg_unseen_schedule(m->p, c->deterministic, tg_context_n_threads(c),
                                        m->schedule, sizeof m->schedule);
    }
}

static tg_kernel *choose_in(tg_tuner *t, tg_kernel *k, const tg_launch_arg *args,
                            const tg_launch_binding *b, tg_arena *arena) {
    tg_problem *p = TG_NEW(arena, tg_problem);
    match *m = TG_NEW(arena, match);
    if (tg_problem_make_bound(t, k, args, b, arena, p)) {
        return k; /* the launch will say what is wrong */
    }
    if (!search(t, p, false, m)) {
        return NULL;
    }
    guess(t, m);
    bool other = (m->found || m->guessed) && m->schedule[0];
    tg_kernel *chosen = other ? tg_kernel_kept_with_schedule(k, m->schedule) : NULL;
    return chosen ? chosen : k;
}

static tg_kernel *look_up(tg_tuner *t, tg_kernel *k, const tg_launch_arg *args, const tg_launch_binding *b) {
    tg_unwind u;
    if (pthread_mutex_trylock(&t->lookup_lock)) {
        return NULL;
    }
    tg_arena *arena = tg_arena_create(&t->context->allocator, &u);
    tg_kernel *chosen = NULL;
    if (arena && !TG_PROTECT(&u)) {
        chosen = choose_in(t, k, args, b, arena);
    }
    tg_arena_destroy(arena);
    pthread_mutex_unlock(&t->lookup_lock);
    return chosen;
}

tg_kernel *tg_tuner_choose(tg_chooser *chooser, tg_kernel *k, const tg_launch_arg *args,
                           const tg_launch_binding *b) {
    tg_tuner *t = (tg_tuner *)chooser;
    return t->process == getpid() ? look_up(t, k, args, b) : k;
}

void tg_tuner_renew(tg_tuner *t) {
    static _Atomic uint64_t epochs;
    atomic_store(&t->chooser.epoch, atomic_fetch_add(&epochs, 1) + 1);
}

tg_status tg_tuner_attach(tg_tuner *tuner) {
    if (!tuner) {
        return tg_fail(NULL, TG_ERROR_INVALID_ARGUMENT, "tuner is null");
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

/* `where`: the result goes there, under this name. */
static tg_status check_question(const tg_tuner *tuner, const tg_kernel *kernel, bool where,
                                const char *name) {
    const char *missing = !tuner ? "tuner" : !kernel ? "kernel" : !where ? name : NULL;
    if (missing) {
        return tg_fail(tuner ? tuner->context : NULL, TG_ERROR_INVALID_ARGUMENT, "%s is null",
                       missing);
    }
    return kernel->context == tuner->context
               ? TG_OK
               : tg_fail(tuner->context, TG_ERROR_INVALID_ARGUMENT,
                         "%s belongs to another context than the tuner",
                         kernel->signature->name);
}

static tg_status ask(const question *q, tg_arena *arena, char *text, size_t size,
                     tg_tuned_from *from) {
    tg_problem *p = TG_NEW(arena, tg_problem);
    match *m = TG_NEW(arena, match);
    tg_status s = tg_problem_make(q->t, q->k, q->values, q->n, arena, p);
    if (s == TG_OK) {
        if (!q->k->schedule) { /* launches leave the others alone */
            (void)search(q->t, p, true, m);
            guess(q->t, m);
        }
        bool other = m->found || m->guessed;
        (void)tg_format(text, size, "%s", other ? m->schedule : "");
        *from = m->guessed                  ? TG_TUNED_MODEL
                : !m->found                 ? TG_TUNED_DEFAULT
                : m->best[OTHER_SHAPE] == 0 ? TG_TUNED_EXACT
                                            : TG_TUNED_NEAREST;
    }
    return s;
}

tg_status tg_tuner_lookup(tg_tuner *tuner, tg_kernel *kernel, const tg_argument *values,
                          uint32_t n_values, char *text, size_t size, tg_tuned_from *from) {
    tg_status wrong = check_question(tuner, kernel, text && from, text ? "from" : "text");
    if (wrong) {
        return wrong;
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

typedef struct rows {
    tg_arena *arena;
    tg_candidates *list;
    bool no_memory;
} rows;

static void add_row(const rows *all, const tg_db_result *r) {
    tg_arena *a = all->arena;
    tg_candidate c = {.schedule = tg_arena_strndup(a, r->schedule, strlen(r->schedule)),
                      .reason = tg_arena_strndup(a, r->reason, strlen(r->reason)),
                      .state = (tg_candidate_state)r->state,
                      .n_samples = (int32_t)r->samples,
                      .median_ms = r->median_ns * 1e-6,
                      .low_ms = r->low_ns * 1e-6,
                      .high_ms = r->high_ns * 1e-6,
                      .model_ms = r->model_ns * 1e-6};
    tg_vec_push(a, all->list, c);
}

/* The database is locked: no unwinding through it. */
static bool keep_row(void *user, const tg_db_result *r) {
    rows *all = user;
    tg_unwind u, *outer = tg_arena_unwind(all->arena);
    tg_arena_set_unwind(all->arena, &u);
    if (TG_PROTECT(&u)) {
        all->no_memory = true;
    } else {
        add_row(all, r);
    }
    tg_arena_set_unwind(all->arena, outer);
    return !all->no_memory;
}

tg_status tg_problem_candidates(tg_tuner *t, const tg_problem *p, tg_candidates *out) {
    rows all = {.arena = p->arena, .list = out};
    tg_status s = tg_db_results(t->db, &p->key, keep_row, &all);
    return all.no_memory ? TG_ERROR_OUT_OF_MEMORY : s;
}

static tg_status visit(const question *q, tg_arena *arena,
                       int (*fn)(void *user, const tg_candidate *candidate), void *user) {
    tg_problem *p = TG_NEW(arena, tg_problem);
    tg_candidates all = {0};
    tg_status s = tg_problem_make(q->t, q->k, q->values, q->n, arena, p);
    if (s) {
        return s;
    }
    s = tg_problem_candidates(q->t, p, &all);
    if (s) {
        return tg_fail(q->t->context, s, "%s",
                       s == TG_ERROR_IO ? tg_db_message(q->t->db) : tg_status_name(s));
    }
    for (uint32_t i = 0; i < all.len && fn(user, &all.data[i]) == 0; i++) {
    }
    return TG_OK;
}

tg_status tg_tuner_candidates(tg_tuner *tuner, tg_kernel *kernel, const tg_argument *values,
                              uint32_t n_values,
                              int (*fn)(void *user, const tg_candidate *candidate),
                              void *user) {
    tg_status wrong = check_question(tuner, kernel, fn != NULL, "fn");
    if (wrong) {
        return wrong;
    }
    tg_unwind u;
    question q = {tuner, kernel, values, n_values};
    tg_arena *arena = tg_arena_create(&tuner->context->allocator, &u);
    if (!arena || TG_PROTECT(&u)) {
        tg_arena_destroy(arena);
        return tg_fail(tuner->context, TG_ERROR_OUT_OF_MEMORY, "out of memory");
    }
    tg_status s = visit(&q, arena, fn, user);
    tg_arena_destroy(arena);
    return s;
}
