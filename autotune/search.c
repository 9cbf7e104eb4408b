/* tg_tune. The model proposes, the best are compiled in parallel, checked and measured in turn; a search goes on from what was measured
 * (propose.c) until the budget is used or nothing promising is left; the last few are measured again beside the default.
 *
 *   propose ─→ compile ─→ check ─→ measure ─→ propose from the best ─┐─→ confirm ─→ record
 *                 └──────────────────────────────────────────────────┘
 *
 * What disturbs a launch only ever adds time, so candidates are compared by the mean of the lowest third of their samples (`score`).
 * Every outcome is written to the database when it is known, so that a run that is killed loses nothing that it found. */
#include "autotune/measure.h"
#include "autotune/session.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 6, ROUNDS = 5, CONFIRM_ROUNDS = 60, LEAST_ROUNDS = 12, KEPT = 6 };
static const double DROP_AT_ONCE = 30, DROP_FIRST = 1.5, DROP = 1.1, WORTH = 0.98,
                    CONFIRM_SHARE = 0.15;

double tg_session_left_ms(const tg_session *s) {
    double left = s->budget_ms - (tg_now_ms() - s->start_ms);
    return s->stopped ? 0 : s->confirming ? fmax(left, 1) : left;
}

/* ---- the best so far ----------------------------------------------------------------------------------------- */

bool tg_try_is_measured(const tg_try *t) {
    return t->state == TG_CANDIDATE_OK && t->score > 0;
}

static int by_time(const void *a, const void *b) {
    const tg_try *x = *(tg_try *const *)a, *y = *(tg_try *const *)b;
    double tx = tg_try_is_measured(x) ? x->score : INFINITY,
           ty = tg_try_is_measured(y) ? y->score : INFINITY;
    return tx != ty ? (tx > ty) - (tx < ty) : strcmp(x->text, y->text);
}

static tg_try *best_of(const tg_session *s) {
    tg_try *best = s->base;
    for (uint32_t i = 0; i < s->tries.len; i++) {
        tg_try *t = s->tries.data[i];
        best = tg_try_is_measured(t) && t->score < best->score ? t : best;
    }
    return best;
}

/* All tries, the fastest first. */
static tg_try **in_order(const tg_session *s) {
    tg_try **order = TG_COPY_ARRAY(s->problem.arena, tg_try *, s->tries.data, s->tries.len);
    qsort(order, s->tries.len, sizeof *order, by_time);
    return order;
}

/* ---- progress ---------------------------------------------------------------------------------------------------- */

static void describe(const tg_session *s, const tg_try *t, tg_candidate *out) {
    *out = (tg_candidate){.schedule = t->text,
                          .reason = t->reason,
                          .state = t->state,
                          .n_samples = (int32_t)t->n_samples,
                          .median_ms = t->median * 1e-6,
                          .low_ms = t->low * 1e-6,
                          .high_ms = t->high * 1e-6,
                          .model_ms = t->model_ns * s->model_scale * 1e-6};
}

static void report(tg_session *s, const char *phase, const tg_try *t) {
    if (!s->options->progress) {
        return;
    }
    tg_candidate c;
    double used = tg_now_ms() - s->start_ms, fraction = fmin(1, used / s->budget_ms),
           left = fmax(0, tg_session_left_ms(s));
    if (s->options->exhaustive) { /* the number of candidates is the budget */
        fraction = s->n_planned ? fmin(1, (double)s->tries.len / s->n_planned) : 0;
        left = fraction > 0 ? used * (1 - fraction) / fraction : 0;
    }
    tg_tune_progress p = {.phase = phase,
                          .fraction = fraction,
                          .seconds = used * 1e-3,
                          .eta_s = left * 1e-3,
                          .n_tried = s->tries.len,
                          .best_ms = best_of(s)->median * 1e-6,
                          .default_ms = s->base->median * 1e-6};
    if (t) {
        describe(s, t, &c);
        p.candidate = &c;
    }
    s->stopped = s->options->progress(s->options->user, &p) != 0 || s->stopped;
}

/* ---- candidates ---------------------------------------------------------------------------------------------------- */

static tg_try *add_try(tg_session *s, const tg_point *x) {
    tg_try *t = TG_NEW(s->problem.arena, tg_try);
    t->point = *x;
    t->text = tg_space_text(&s->space, x, s->problem.arena);
    t->model_ns = tg_model_ns(&s->space, x, tg_context_n_threads(s->tuner->context));
    tg_vec_push(s->problem.arena, &s->tries, t);
    return t;
}

/* What failed or was wrong under this very compiler is not tried again; an exhaustive run goes on where another stopped. */
static void recall(tg_session *s, tg_try *t) {
    bool resume = s->options->exhaustive && !s->options->again;
    for (uint32_t i = 0; i < s->before.len; i++) {
        const tg_candidate *b = &s->before.data[i];
        bool counts = b->state != TG_CANDIDATE_OK || resume;
        if (counts && t != s->base && strcmp(b->schedule, t->text) == 0) {
            t->known = true;
            t->state = b->state;
            t->median = b->median_ms * 1e6;
            t->low = b->low_ms * 1e6;
            t->high = b->high_ms * 1e6;
            t->least = t->score = t->low;
            (void)tg_format(t->reason, sizeof t->reason, "%s", b->reason);
        }
    }
}

/* Compiles on the context's background threads, all at once. */
static void start_compile(const tg_session *s, tg_try *t) {
    tg_schedule_options o = TG_SCHEDULE_OPTIONS_INIT;
    o.schedule = t->text;
    tg_status status = tg_kernel_with_schedule(s->problem.kernel, &o, &t->kernel);
    if (status == TG_OK) {
        status = tg_selection_compile_async(t->kernel, &s->problem.selection);
    }
    if (status) {
        t->state = TG_CANDIDATE_FAILED;
        (void)tg_format(t->reason, sizeof t->reason, "%s", tg_status_name(status));
    }
}

static void compile(tg_session *s, tg_try *const *tries, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        if (!tries[i]->kernel && !tries[i]->known) {
            start_compile(s, tries[i]);
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        tg_try *t = tries[i];
        if (t->state == TG_CANDIDATE_OK && t->kernel && tg_kernel_wait(t->kernel)) {
            tg_measure_failed(s, t);
        }
        report(s, "compile", t);
    }
}

/* Those of `tries` that are new, compile and compute what they should. */
static uint32_t make_ready(tg_session *s, tg_try *const *tries, uint32_t n, tg_try **out) {
    uint32_t kept = 0;
    compile(s, tries, n);
    for (uint32_t i = 0; i < n && tg_session_left_ms(s) > 0; i++) {
        bool fresh = tries[i]->state == TG_CANDIDATE_OK && tries[i]->kernel;
        if (fresh && tries[i] != s->base && tries[i]->n_samples == 0) {
            tg_measure_check(s, tries[i]);
        }
        if (fresh && tries[i]->state == TG_CANDIDATE_OK) {
            out[kept++] = tries[i];
        }
    }
    return kept;
}

/* Measures some candidates beside the best so far; drops what is clearly slower after each round. */
static void evaluate(tg_session *s, tg_try *const *tries, uint32_t n, const char *phase) {
    tg_try *running[BATCH + 1], *best = best_of(s);
    for (uint32_t i = 0; i < n; i++) {
        recall(s, tries[i]);
    }
    uint32_t n_running = make_ready(s, tries, n, running);
    best = best->kernel ? best : s->base;
    running[n_running++] = best;
    for (int round = 0; round < ROUNDS && n_running > 1 && tg_session_left_ms(s) > 0; round++) {
        tg_measure_round(s, running, n_running);
        /* One sample may have hit another process; three have not. */
        double limit = best_of(s)->score * (round < 2   ? DROP_AT_ONCE
                                            : round < 3 ? DROP_FIRST
                                                        : DROP);
        uint32_t kept = 0;
        for (uint32_t i = 0; i < n_running; i++) {
            bool keep = running[i] == best ||
                        (tg_try_is_measured(running[i]) && running[i]->least <= limit);
            if (keep) {
                running[kept++] = running[i];
            }
        }
        n_running = kept;
    }
    for (uint32_t i = 0; i < n; i++) {
        report(s, phase, tries[i]);
        tg_session_record(s, tries[i]);
    }
}

static void evaluate_points(tg_session *s, const tg_point *points, uint32_t n,
                            const char *phase) {
    for (uint32_t from = 0; from < n && tg_session_left_ms(s) > 0; from += BATCH) {
        tg_try *batch[BATCH];
        uint32_t m = 0;
        for (uint32_t i = from; i < n && m < BATCH; i++) {
            batch[m++] = add_try(s, &points[i]);
        }
        evaluate(s, batch, m, phase);
    }
}

static void search(tg_session *s) {
    double keep_for_confirm = CONFIRM_SHARE * s->budget_ms;
    tg_point next[BATCH];
    uint32_t n = 1;
    while (n > 0 && tg_session_left_ms(s) > keep_for_confirm && s->space.n_params) {
        uint32_t n_best = 0;
        tg_try **order = in_order(s);
        while (n_best < s->tries.len && tg_try_is_measured(order[n_best])) {
            n_best++;
        }
        n = n_best ? tg_propose_next(s, order, n_best, BATCH, next) : 0;
        evaluate_points(s, next, n, "search");
    }
}

/* ---- the end ------------------------------------------------------------------------------------------------------------- */

/* The fastest and the default again, in turn, from new samples: those so far were taken at different times, and the lowest of many
 * candidates are partly luck. */
static tg_try *confirm(tg_session *s) {
    tg_try **order = in_order(s), *wanted[KEPT + 1], *last[KEPT + 1];
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->tries.len && n < KEPT; i++) {
        if (tg_try_is_measured(order[i]) && order[i] != s->base) {
            order[i]->known = false; /* from the database: measured now */
            wanted[n++] = order[i];
        }
    }
    wanted[n++] = s->base;
    s->confirming = true;
    n = make_ready(s, wanted, n, last);
    double end = tg_now_ms() + fmax(CONFIRM_SHARE * s->budget_ms, 20);
    for (uint32_t i = 0; i < n && n > 1; i++) {
        last[i]->n_samples = 0;
    }
    for (int round = 0; round < CONFIRM_ROUNDS && n > 1 && !s->stopped &&
                        (round < LEAST_ROUNDS || tg_now_ms() < end);
         round++) {
        tg_measure_round(s, last, n);
    }
    qsort(last, n, sizeof *last, by_time);
    for (uint32_t i = 0; i < n; i++) {
        tg_session_record(s, last[i]);
    }
    report(s, "confirm", n ? last[0] : s->base);
    for (uint32_t i = 0; i < n; i++) {
        bool faster = tg_try_is_measured(last[i]) && last[i]->score < WORTH * s->base->score;
        if (faster && last[i]->median <= s->base->median) {
            return last[i];
        }
    }
    return s->base;
}

tg_try *tg_session_run(tg_session *s) {
    int32_t first = s->options->n_first > 0 ? s->options->n_first : 12;
    uint32_t most =
        s->options->exhaustive || first > TG_SPACE_LIMIT ? TG_SPACE_LIMIT : (uint32_t)first;
    report(s, "reference", NULL);
    for (int i = 0; i < 3; i++) {
        tg_measure_round(s, &s->base, 1);
    }
    s->model_scale = s->base->model_ns > 0 ? s->base->median / s->base->model_ns : 1;
    tg_session_record(s, s->base);
    tg_propose_open(s);
    most = most < s->n_ranked ? most : s->n_ranked;
    tg_point *points = TG_NEW_ARRAY(s->problem.arena, tg_point, most + 1);
    uint32_t n = tg_propose_first(s, most, points);
    s->n_planned = n + 1;
    evaluate_points(s, points, n, "measure");
    if (!s->options->exhaustive) {
        search(s);
    }
    return confirm(s);
}

tg_status tg_session_base(tg_session *s) {
    tg_point none = {{0}};
    tg_schedule_options o = TG_SCHEDULE_OPTIONS_INIT;
    s->base = add_try(s, &none);
    return tg_kernel_with_schedule(s->problem.kernel, &o, &s->base->kernel);
}
