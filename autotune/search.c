/* tg_tune. The model proposes, the best are compiled in parallel, checked and measured in turn; a local search goes from the best
 * found to its neighbours until the budget is used or no neighbour is faster; the last few are measured again beside the default.
 *
 *   propose ─→ compile ─→ check ─→ measure ─→ neighbours of the best ─┐─→ confirm ─→ record
 *                 └───────────────────────────────────────────────────┘
 *
 * Every outcome is written to the database when it is known, so that a run that is killed loses nothing that it found. */
#include "autotune/measure.h"
#include "autotune/session.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 6, ROUNDS = 5, CONFIRM_ROUNDS = 25, KEPT = 3, SAMPLED_POINTS = 32768 };
static const double DROP_AT_ONCE = 30, DROP_FIRST = 1.5, DROP = 1.15, WORTH = 0.98,
                    CONFIRM_SHARE = 0.15;

double tg_session_left_ms(const tg_session *s) {
    return s->stopped ? 0 : s->budget_ms - (tg_now_ms() - s->start_ms);
}

/* ---- the best so far ----------------------------------------------------------------------------------------- */

static bool is_measured(const tg_try *t) {
    return t->state == TG_CANDIDATE_OK && t->n_samples > 0;
}

static int by_time(const void *a, const void *b) {
    const tg_try *x = *(tg_try *const *)a, *y = *(tg_try *const *)b;
    double tx = is_measured(x) ? x->median : INFINITY,
           ty = is_measured(y) ? y->median : INFINITY;
    return tx != ty ? (tx > ty) - (tx < ty) : strcmp(x->text, y->text);
}

static tg_try *best_of(const tg_session *s) {
    tg_try *best = s->base;
    for (uint32_t i = 0; i < s->tries.len; i++) {
        tg_try *t = s->tries.data[i];
        best = is_measured(t) && t->median < best->median ? t : best;
    }
    return best;
}

static bool is_known(const tg_session *s, const tg_point *x) {
    for (uint32_t i = 0; i < s->tries.len; i++) {
        if (memcmp(&s->tries.data[i]->point, x, sizeof *x) == 0) {
            return true;
        }
    }
    return false;
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

/* What failed or was wrong under this very compiler is not tried again. */
static void recall(tg_session *s, tg_try *t) {
    for (uint32_t i = 0; i < s->before.len; i++) {
        const tg_candidate *b = &s->before.data[i];
        if (b->state != TG_CANDIDATE_OK && strcmp(b->schedule, t->text) == 0) {
            t->known = true;
            t->state = b->state;
            (void)tg_format(t->reason, sizeof t->reason, "%s", b->reason);
        }
    }
}

/* Compiles on the context's background threads, all at once. */
static void compile(tg_session *s, tg_try *const *tries, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        tg_try *t = tries[i];
        tg_schedule_options o = TG_SCHEDULE_OPTIONS_INIT;
        o.schedule = t->text;
        recall(s, t);
        tg_status status = t->known
                               ? TG_ERROR_COMPILE
                               : tg_kernel_with_schedule(s->problem.kernel, &o, &t->kernel);
        if (status == TG_OK) {
            status = tg_selection_compile_async(t->kernel, &s->problem.selection);
        }
        if (status && !t->known) {
            t->state = TG_CANDIDATE_FAILED;
            (void)tg_format(t->reason, sizeof t->reason, "%s", tg_status_name(status));
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        tg_try *t = tries[i];
        if (t->state == TG_CANDIDATE_OK && tg_kernel_wait(t->kernel)) {
            t->state = TG_CANDIDATE_FAILED;
            (void)tg_format(t->reason, sizeof t->reason, "%s",
                            tg_last_error(s->tuner->context));
        }
        report(s, "compile", t);
    }
}

/* Compiles, checks and measures some candidates beside the best so far; drops what is clearly slower after each round. */
static void evaluate(tg_session *s, tg_try *const *tries, uint32_t n, const char *phase) {
    compile(s, tries, n);
    tg_try *running[BATCH + 1];
    uint32_t n_running = 0;
    for (uint32_t i = 0; i < n && tg_session_left_ms(s) > 0; i++) {
        if (tries[i]->state == TG_CANDIDATE_OK) {
            tg_measure_check(s, tries[i]);
        }
        if (tries[i]->state == TG_CANDIDATE_OK) {
            running[n_running++] = tries[i];
        }
    }
    tg_try *best = best_of(s);
    running[n_running++] = best;
    for (int round = 0; round < ROUNDS && n_running > 1 && tg_session_left_ms(s) > 0; round++) {
        tg_measure_round(s, running, n_running);
        /* One sample may have hit another process; three have not. */
        double limit = best_of(s)->median * (round < 2   ? DROP_AT_ONCE
                                             : round < 3 ? DROP_FIRST
                                                         : DROP);
        uint32_t kept = 0;
        for (uint32_t i = 0; i < n_running; i++) {
            bool keep =
                running[i] == best || (is_measured(running[i]) && running[i]->least <= limit);
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

/* ---- proposing ------------------------------------------------------------------------------------------------------ */

typedef struct ranked {
    tg_point point;
    double ns;
} ranked;

static int by_model(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    return x->ns != y->ns ? (x->ns > y->ns) - (x->ns < y->ns)
                          : memcmp(&x->point, &y->point, sizeof x->point);
}

static double n_points(const tg_space *s) {
    double n = 1;
    for (uint32_t i = 0; i < s->n_params; i++) {
        n *= s->params[i].n;
    }
    return n;
}

static void decode(const tg_space *s, uint64_t number, tg_point *x) {
    memset(x, 0, sizeof *x);
    for (uint32_t i = 0; i < s->n_params; i++) {
        x->at[i] = (uint8_t)(number % s->params[i].n);
        number /= s->params[i].n;
    }
}

/* The whole space, or an even sample of a larger one, ranked; the default is not in it. */
static uint32_t rank_space(tg_session *s, ranked **out) {
    double total = n_points(&s->space);
    uint32_t n = (uint32_t)fmin(total, SAMPLED_POINTS), kept = 0;
    double step = total / n;
    ranked *list = TG_NEW_ARRAY(s->problem.arena, ranked, n + 1);
    int32_t threads = tg_context_n_threads(s->tuner->context);
    for (uint32_t i = 1; i < n; i++) {
        ranked *r = &list[kept];
        decode(&s->space, (uint64_t)(i * step), &r->point);
        if (tg_space_legal(&s->space, &r->point)) {
            r->ns = tg_model_ns(&s->space, &r->point, threads);
            kept++;
        }
    }
    qsort(list, kept, sizeof *list, by_model);
    *out = list;
    return kept;
}

static bool same_blocks(const tg_space *s, const tg_point *x, const tg_point *y) {
    for (uint32_t i = 0; i < s->n_params; i++) {
        if (s->params[i].role == TG_ROLE_BLOCK && x->at[i] != y->at[i]) {
            return false;
        }
    }
    return true;
}

/* The best of the ranking, each with blocks of its own; what the model does not see is left to the local search. */
static uint32_t propose(tg_session *s, uint32_t most, tg_point *out) {
    ranked *list;
    uint32_t n = 0, total = rank_space(s, &list);
    s->n_space = total + 1;
    for (uint32_t i = 0; i < total && n < most; i++) {
        bool fresh = s->options->exhaustive || !is_known(s, &list[i].point);
        for (uint32_t k = 0; k < n && fresh && !s->options->exhaustive; k++) {
            fresh = !same_blocks(&s->space, &out[k], &list[i].point);
        }
        if (fresh) {
            out[n++] = list[i].point;
        }
    }
    return n;
}

/* ---- local search ------------------------------------------------------------------------------------------------------ */

static void add_neighbour(const tg_session *s, const tg_try *of, uint32_t param, int at,
                          tg_point *out, uint32_t *n) {
    tg_point x = of->point;
    if (at < 0 || at >= (int)s->space.params[param].n || *n == BATCH) {
        return;
    }
    x.at[param] = (uint8_t)at;
    bool fresh = !is_known(s, &x);
    for (uint32_t i = 0; i < *n && fresh; i++) {
        fresh = memcmp(&out[i], &x, sizeof x) != 0;
    }
    if (fresh && tg_space_legal(&s->space, &x)) {
        out[(*n)++] = x;
    }
}

/* Untried points one step away; parameters without an order: any other value. */
static uint32_t neighbours(const tg_session *s, const tg_try *of, uint32_t from,
                           tg_point *out) {
    uint32_t n = 0;
    for (uint32_t k = 0; k < s->space.n_params; k++) {
        uint32_t i = (from + k) % s->space.n_params;
        int at = of->point.at[i];
        if (s->space.params[i].role == TG_ROLE_OTHER) {
            for (int v = 0; v < (int)s->space.params[i].n; v++) {
                add_neighbour(s, of, i, v, out, &n);
            }
        } else {
            add_neighbour(s, of, i, at + 1, out, &n);
            add_neighbour(s, of, i, at - 1, out, &n);
            add_neighbour(s, of, i, at ? 0 : (int)s->space.params[i].n - 1, out, &n);
        }
    }
    return n;
}

static void search(tg_session *s) {
    uint32_t turn = 0;
    double keep_for_confirm = CONFIRM_SHARE * s->budget_ms;
    while (tg_session_left_ms(s) > keep_for_confirm && s->space.n_params) {
        tg_point next[BATCH];
        uint32_t n = 0;
        tg_try **order = TG_COPY_ARRAY(s->problem.arena, tg_try *, s->tries.data, s->tries.len);
        qsort(order, s->tries.len, sizeof *order, by_time);
        for (uint32_t i = 0; i < s->tries.len && i < KEPT && n == 0; i++) {
            n = is_measured(order[i]) ? neighbours(s, order[i], turn, next) : 0;
        }
        if (n == 0) {
            return;
        }
        evaluate_points(s, next, n, "search");
        turn++;
    }
}

/* ---- the end ------------------------------------------------------------------------------------------------------------- */

/* The fastest and the default again, in turn, until their intervals are apart. */
static tg_try *confirm(tg_session *s) {
    tg_try **order = TG_COPY_ARRAY(s->problem.arena, tg_try *, s->tries.data, s->tries.len);
    tg_try *last[KEPT + 1];
    uint32_t n = 0;
    qsort(order, s->tries.len, sizeof *order, by_time);
    for (uint32_t i = 0; i < s->tries.len && n < KEPT; i++) {
        if (is_measured(order[i]) && order[i] != s->base) {
            last[n++] = order[i];
        }
    }
    last[n++] = s->base;
    double end = tg_now_ms() + fmax(CONFIRM_SHARE * s->budget_ms, 20);
    for (int round = 0; round < CONFIRM_ROUNDS && n > 1 && !s->stopped && tg_now_ms() < end;
         round++) {
        tg_measure_round(s, last, n);
    }
    qsort(last, n, sizeof *last, by_time);
    for (uint32_t i = 0; i < n; i++) {
        tg_session_record(s, last[i]);
    }
    report(s, "confirm", last[0]);
    return is_measured(last[0]) && last[0]->median < WORTH * s->base->median ? last[0]
                                                                             : s->base;
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
    tg_point *points = TG_NEW_ARRAY(s->problem.arena, tg_point, most);
    uint32_t n = propose(s, most, points);
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
