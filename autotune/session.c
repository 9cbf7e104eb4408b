/* A tuning run from its arguments to its rows. */
#include "autotune/session.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "autotune/measure.h"

static int64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- rows ------------------------------------------------------------------------------------------------------ */

static void note(tg_tuner *t, tg_status status) {
    if (status) {
        (void)tg_format(t->warning, sizeof t->warning, "%s", tg_db_message(t->db));
    }
}

void tg_session_record(tg_session *s, const tg_try *t) {
    const tg_problem *p = &s->problem;
    /* Other bits than the default's are no failure outside deterministic mode, a tolerance from a premise proves nothing, and a lack of
     * memory is not the candidate's. */
    bool outcome = t->state == TG_CANDIDATE_OK      ? t->n_samples > 0
                   : t->state == TG_CANDIDATE_WRONG ? t->disproved
                                                    : t->status != TG_ERROR_OUT_OF_MEMORY;
    if (t->known || !outcome) {
        return;
    }
    tg_db_result row = {.key = p->key,
                        .name = p->kernel->signature->name,
                        .bucket = p->bucket,
                        .schedule = t->text,
                        .reason = t->reason,
                        .state = (tg_db_state)t->state,
                        .samples = t->n_samples,
                        .median_ns = t->median,
                        .low_ns = t->low,
                        .high_ns = t->high,
                        .min_ns = t->least,
                        .model_ns = t->model_ns * s->model_scale,
                        .flops = p->flops,
                        .bytes = p->bytes,
                        .stamp = now_us()};
    note(s->tuner, tg_db_put_result(s->tuner->db, &row));
}

static void record_winner(tg_session *s, const tg_try *w) {
    const tg_problem *p = &s->problem;
    tg_db_winner row = {.key = p->key,
                        .name = p->kernel->signature->name,
                        .bucket = p->bucket,
                        .schedule = w->text,
                        .median_ns = w->median,
                        .default_ns = s->base->median,
                        .budget_s = s->budget_ms * 1e-3,
                        .tried = s->tries.len,
                        .deterministic = s->exact,
                        .stamp = now_us()};
    note(s->tuner, tg_db_put_winner(s->tuner->db, &row));
}

/* ---- a finished shape ---------------------------------------------------------------------------------------------- */

typedef struct finished {
    tg_tune_result *r;
    bool deterministic, found;
} finished;

static bool take_winner(void *user, const tg_db_winner *w) {
    finished *f = user;
    if ((w->deterministic != 0) == f->deterministic && !f->found) {
        f->found = true;
        (void)tg_format(f->r->schedule, sizeof f->r->schedule, "%s", w->schedule);
        f->r->best_ms = w->median_ns * 1e-6;
        f->r->default_ms = w->default_ns * 1e-6;
        f->r->n_tried = (uint32_t)w->tried;
        f->r->from_database = 1;
    }
    return true;
}

/* ---- flow -------------------------------------------------------------------------------------------------------------- */

static tg_status refuse(const tg_problem *p) {
    const tg_kernel *k = p->kernel;
    for (uint32_t i = 0; i < k->signature->n_params; i++) {
        if (k->signature->params[i].kind == TG_SP_PTR) {
            return tg_fail(k->context, TG_ERROR_UNSUPPORTED,
                           "%s takes the pointer %s: what it writes cannot be copied",
                           k->signature->name, k->signature->params[i].name);
        }
    }
    return TG_OK;
}

static void fill_result(const tg_session *s, const tg_try *w, tg_tune_result *r) {
    (void)tg_format(r->schedule, sizeof r->schedule, "%s", w->text);
    r->best_ms = w->median * 1e-6;
    r->default_ms = s->base->median * 1e-6;
    r->n_space = s->n_space;
    r->n_tried = s->tries.len;
    for (uint32_t i = 0; i < s->tries.len; i++) {
        r->n_failed += s->tries.data[i]->state == TG_CANDIDATE_FAILED;
        r->n_wrong += s->tries.data[i]->state == TG_CANDIDATE_WRONG;
    }
}

static tg_status measure(tg_session *s, tg_tune_result *r) {
    tg_status status = tg_problem_candidates(s->tuner, &s->problem, &s->before);
    if (status == TG_ERROR_OUT_OF_MEMORY) {
        return tg_fail(s->tuner->context, status, "out of memory");
    }
    note(s->tuner, status);
    tg_space_make(&s->problem, s->exact, &s->space);
    if (!s->options->exhaustive) { /* else only what clauses name of them */
        tg_space_add_directives(&s->space, tg_context_n_threads(s->tuner->context));
    }
    status = tg_session_base(s);
    status = status ? status : tg_measure_open(s);
    if (status) {
        return status;
    }
    const tg_try *winner = tg_session_run(s);
    if (s->base->state != TG_CANDIDATE_OK || s->base->n_samples == 0) {
        bool memory = s->base->status == TG_ERROR_OUT_OF_MEMORY;
        return tg_fail(s->tuner->context, memory ? TG_ERROR_OUT_OF_MEMORY : TG_ERROR_LAUNCH, "%s", s->base->reason);
    }
    if (!s->stopped) {
        record_winner(s, winner);
    }
    fill_result(s, winner, r);
    return TG_OK;
}

static tg_status run(tg_session *s, tg_kernel *k, const tg_argument *values, uint32_t n,
                     tg_arena *arena, tg_tune_result *r) {
    tg_status status = tg_problem_make(s->tuner, k, values, n, arena, &s->problem);
    status = status ? status : refuse(&s->problem);
    if (status) {
        return status;
    }
    r->flops = s->problem.flops;
    r->bytes = s->problem.bytes;
    if (!s->options->again && !s->options->exhaustive) {
        finished f = {.r = r, .deterministic = s->exact};
        if (tg_db_winners(s->tuner->db, &s->problem.key, take_winner, &f)) {
            note(s->tuner, TG_ERROR_IO);
        }
        if (f.found) {
            return TG_OK;
        }
    }
    return measure(s, r);
}

/* Kernels and tensors are not the arena's. */
static void end(tg_session *s) {
    for (uint32_t i = 0; i < s->tries.len; i++) {
        tg_kernel_release(s->tries.data[i]->kernel);
    }
    if (s->problem.kernel) {
        tg_measure_close(s);
    }
}

static tg_status tune(tg_tuner *tuner, tg_kernel *k, const tg_argument *values, uint32_t n,
                      const tg_tune_options *o, tg_tune_result *r) {
    tg_unwind u;
    tg_arena *arena = tg_arena_create(&tuner->context->allocator, &u);
    tg_session *s = tg_alloc(&tuner->context->allocator, sizeof *s, _Alignof(tg_session));
    tg_status status;
    if (!arena || !s) {
        tg_free(&tuner->context->allocator, s, sizeof *s);
        tg_arena_destroy(arena);
        return tg_fail(tuner->context, TG_ERROR_OUT_OF_MEMORY, "out of memory");
    }
    s->tuner = tuner;
    s->options = o;
    s->exact = o->deterministic || tuner->context->deterministic;
    s->n_params = k->signature->n_params;
    s->start_ms = tg_now_ms();
    s->budget_ms = o->exhaustive ? 1e12 : (o->budget_s > 0 ? o->budget_s : 10) * 1e3;
    s->model_scale = 1;
    if (TG_PROTECT(&u)) {
        status = tg_fail(tuner->context, u.status, "%s", tg_status_name(u.status));
    } else {
        status = run(s, k, values, n, arena, r);
    }
    r->seconds = (tg_now_ms() - s->start_ms) * 1e-3;
    end(s);
    tg_free(&tuner->context->allocator, s, sizeof *s);
    tg_arena_destroy(arena);
    return status;
}

tg_status tg_tune(tg_tuner *tuner, tg_kernel *kernel, const tg_argument *values,
                  uint32_t n_values, const tg_tune_options *options, tg_tune_result *result) {
    tg_tune_options o;
    tg_tune_result r = {.struct_size = sizeof r};
    if (!tuner || !kernel || kernel->context != tuner->context || kernel->schedule) {
        return tg_fail(tuner ? tuner->context : NULL, TG_ERROR_INVALID_ARGUMENT, "%s",
                       !tuner             ? "tuner is null"
                       : !kernel          ? "kernel is null"
                       : kernel->schedule ? "the kernel is under a schedule from outside already"
                                          : "the kernel belongs to another context than the tuner");
    }
    if (!tg_options_read(options, &o, sizeof o) || (result && result->struct_size < sizeof r)) {
        return tg_fail(tuner->context, TG_ERROR_INVALID_ARGUMENT,
                       "options or result have a wrong struct_size");
    }
    if (!(o.budget_s >= 0 && o.budget_s <= 1e6)) {
        return tg_fail(tuner->context, TG_ERROR_INVALID_ARGUMENT, "budget_s is %g: 0 ... 1e6 seconds are expected; 0 is the default", o.budget_s);
    }
    tg_status ended = tg_kernel_check(kernel);
    if (ended) {
        return ended;
    }
    pthread_mutex_lock(&tuner->lock);
    tg_status status = tune(tuner, kernel, values, n_values, &o, &r);
    tg_tuner_renew(tuner); /* answers so far may be old now */
    pthread_mutex_unlock(&tuner->lock);
    if (result && status == TG_OK) {
        size_t size = result->struct_size;
        *result = r;
        result->struct_size = size;
    }
    return status;
}
