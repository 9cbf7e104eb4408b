/* Launching candidates: are the results right, and how long does it take. See tuner.h.
 *
 * A sample is the mean of enough launches to be above the clock's noise; samples of the candidates that are compared are taken in
 * turn, so that whatever slows the machine for a while slows all of them. The interval of the median comes from order statistics:
 * with n samples it lies between those of rank n/2 ∓ 0.98·√n with 95 % confidence, whatever the distribution. */
#include "autotune/measure.h"

#include "dsl/interp/interp.h"
#include "tegula/call.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double SAMPLE_NS = 500e3; /* shortest sample */
enum { MOST_REPEATS = 1000 };

/* ---- results ----------------------------------------------------------------------------------------------- */

static void call_hook(const tg_session *s, const tg_try *t, const tg_bench *b) {
    if (s->tuner->after_launch) {
        s->tuner->after_launch(s->tuner->after_user, t->text, b->owned, s->n_params);
    }
}

static void set_wrong(tg_session *s, tg_try *t, uint32_t param, const tg_bench *b,
                      const tg_compare_result *r) {
    t->state = TG_CANDIDATE_WRONG;
    t->disproved = b->has_bounds;
    (void)tg_format(t->reason, sizeof t->reason,
                    "%s: element %lld is %.9g, %s %.9g ± %.3g (%lld of %lld differ)",
                    s->problem.kernel->signature->params[param].name,
                    (long long)r->first_failed, r->actual,
                    b->has_bounds ? "the interpreter says" : "the default schedule gives",
                    r->value, r->bound, (long long)r->n_failed, (long long)r->n);
}

/* Roundoff of the accumulators and of the narrowest float among the tensors. */
static void roundoffs(const tg_session *s, double *wide, double *narrow) {
    *wide = *narrow = tg_dtype_unit(TG_F64);
    for (uint32_t i = 0; i < s->n_params; i++) {
        tg_dtype t = s->problem.args[i].tensor ? s->problem.args[i].dtype : TG_DTYPE_NONE;
        double u = tg_dtype_unit(tg_dtype_real(t));
        *narrow = fmax(*narrow, u);
        *wide = fmax(*wide, fmin(u, tg_dtype_unit(TG_F32)));
    }
}

/* How far two legal results of an element may lie apart at the full extents. Of the n operations behind an element each rounds by u of
 * the sum so far, of which the largest output is a measure; independent roundings add as √n, of which 8 standard deviations, and
 * intermediate conversions to the narrow type by a few of its units. The premise, that no sum on the way is much larger than the
 * largest output, is not checked: where terms cancel in every output, legal candidates may fail. The rigorous bound is that of the
 * reduced extents. */
static double tolerance(const tg_session *s, double largest, int64_t n_elements) {
    double wide, narrow;
    roundoffs(s, &wide, &narrow);
    double n = s->problem.flops / (double)(n_elements ? n_elements : 1);
    return (8 * sqrt(fmax(n, 1)) * wide + 4 * (narrow > wide ? narrow : 0)) * largest;
}

static double largest_finite(const double *v, size_t n) {
    double most = 0;
    for (size_t i = 0; i < n; i++) {
        most = isfinite(v[i]) ? fmax(most, fabs(v[i])) : most;
    }
    return most;
}

/* The default schedule's results as values with one bound for all; bit for bit in deterministic mode. */
static tg_status expect_default(tg_session *s, uint32_t i) {
    tg_bench *b = &s->full;
    const tg_allocator *a = &s->tuner->context->allocator;
    const tg_tensor *e = b->expected[i];
    bool is_complex = tg_dtype_kind_of(e->dtype) == TG_KIND_COMPLEX;
    if (!tg_dtype_is_float(e->dtype) && !is_complex) {
        b->bound[i] =
            tg_alloc(a, ((size_t)tg_tensor_count(e) + 1) * sizeof(double), _Alignof(double));
        return b->bound[i] ? TG_OK : TG_ERROR_OUT_OF_MEMORY;
    }
    size_t n = (size_t)tg_tensor_count(e), parts = is_complex ? 2 : 1;
    b->value[i] = tg_alloc(a, 2 * (n + 1) * sizeof(double), _Alignof(double));
    b->bound[i] = tg_alloc(a, (n + 1) * sizeof(double), _Alignof(double));
    tg_tensor *wide =
        b->value[i]
            ? tg_tensor_from_memory(s->tuner->context, is_complex ? TG_C64 : TG_F64, e->rank,
                                    e->arg.shape, NULL, b->value[i], NULL, NULL)
            : NULL;
    tg_status status = b->bound[i] && wide ? tg_tensor_copy(wide, e) : TG_ERROR_OUT_OF_MEMORY;
    tg_tensor_release(wide);
    if (status) {
        return status;
    }
    double t = s->exact ? 0 : tolerance(s, largest_finite(b->value[i], n * parts), (int64_t)n);
    for (size_t k = 0; k < n; k++) {
        bool finite =
            isfinite(b->value[i][parts * k]) && isfinite(b->value[i][parts * k + parts - 1]);
        b->bound[i][k] = finite ? t : 0;
    }
    return TG_OK;
}

static bool same_bits(const tg_tensor *x, const tg_tensor *y) {
    size_t n = ((size_t)tg_tensor_count(x) * (size_t)tg_dtype_bits(x->dtype) + 7) / 8;
    return memcmp(x->arg.data, y->arg.data, n) == 0;
}

static void compare(tg_session *s, tg_try *t, const tg_bench *b) {
    for (uint32_t i = 0; i < s->n_params && t->state == TG_CANDIDATE_OK; i++) {
        const tg_tensor *have = b->owned[i], *want = b->expected[i];
        if (!want || tg_tensor_count(want) == 0) {
            continue;
        }
        if (s->exact && !b->has_bounds) {
            if (!same_bits(have, want)) {
                t->state = TG_CANDIDATE_WRONG;
                (void)tg_format(t->reason, sizeof t->reason,
                                "%s: not bit for bit that of the default schedule",
                                s->problem.kernel->signature->params[i].name);
            }
            continue;
        }
        bool is_float =
            tg_dtype_is_float(want->dtype) || tg_dtype_kind_of(want->dtype) == TG_KIND_COMPLEX;
        tg_compare_result r = tg_compare_tensor(want->dtype, want->rank, &have->arg, &want->arg,
                                                is_float ? b->value[i] : NULL, b->bound[i]);
        if (r.n_failed) {
            set_wrong(s, t, i, b, &r);
        }
    }
}

void tg_measure_failed(const tg_session *s, tg_try *t) {
    const char *text = tg_last_error(s->tuner->context), *error = strstr(text, "error[");
    t->state = TG_CANDIDATE_FAILED;
    (void)tg_format(t->reason, sizeof t->reason, "%s", error ? error : text);
}

static bool fail_launch(const tg_session *s, tg_try *t, tg_status status) {
    t->status = status;
    tg_measure_failed(s, t);
    return false;
}

static void check_on(tg_session *s, tg_try *t, const tg_bench *b) {
    tg_status status = tg_bench_restore(s, b);
    status = status ? status : tg_launch(t->kernel, b->values, s->n_params);
    if (status) {
        (void)fail_launch(s, t, status);
        return;
    }
    call_hook(s, t, b);
    compare(s, t, b);
}

void tg_measure_check(tg_session *s, tg_try *t) {
    if (s->has_small) {
        check_on(s, t, &s->small);
    }
    if (t->state == TG_CANDIDATE_OK) {
        check_on(s, t, &s->full);
    }
}

/* ---- opening ------------------------------------------------------------------------------------------------- */

tg_status tg_measure_open(tg_session *s) {
    tg_status status = tg_bench_make(s, &s->full, NULL);
    status = status ? status : tg_bench_restore(s, &s->full);
    status = status ? status : tg_launch(s->base->kernel, s->full.values, s->n_params);
    for (uint32_t i = 0; i < s->n_params && status == TG_OK; i++) {
        if (s->full.expected[i]) {
            status = tg_tensor_copy(s->full.expected[i], s->full.owned[i]);
            status = status ? status : expect_default(s, i);
        }
    }
    status = status ? status : tg_bench_make_small(s);
    if (status == TG_OK && s->has_small) {
        check_on(s, s->base, &s->small);
        if (s->base->state == TG_CANDIDATE_WRONG) {
            return tg_fail(
                s->tuner->context, TG_ERROR_INTERNAL,
                "the default schedule of %s differs from the reference interpreter: %s",
                s->problem.kernel->signature->name, s->base->reason);
        }
    }
    if (status == TG_ERROR_OUT_OF_MEMORY) {
        return tg_fail(s->tuner->context, status, "out of memory for copies of the tensors");
    }
    return status;
}

void tg_measure_close(tg_session *s) {
    tg_bench_free(&s->full, &s->tuner->context->allocator);
    tg_bench_free(&s->small, &s->tuner->context->allocator);
}

/* ---- time ------------------------------------------------------------------------------------------------------- */

/* With inout tensors every launch starts from the same contents, and only the launch itself is timed. */
static bool time_runs(const tg_session *s, tg_try *t, tg_call *call, double *ns) {
    const tg_bench *b = &s->full;
    double total = 0, start = tg_now_ms();
    for (uint32_t i = 0; i < s->repeats; i++) {
        if (b->has_inout) {
            if (tg_bench_restore(s, b)) {
                return false;
            }
            start = tg_now_ms();
        }
        tg_status status = tg_call_run(call);
        if (status) {
            return fail_launch(s, t, status);
        }
        total += b->has_inout ? tg_now_ms() - start : 0;
    }
    *ns = (b->has_inout ? total : tg_now_ms() - start) * 1e6 / s->repeats;
    return true;
}

/* Bound, so that what is compared is code, and no launch is so frequent that it gets code of its own. */
static bool take_sample(const tg_session *s, tg_try *t, double *ns) {
    tg_call *call;
    tg_status status = tg_call_create(t->kernel, s->full.values, s->n_params, NULL, &call);
    if (status) {
        return fail_launch(s, t, status);
    }
    bool ok = time_runs(s, t, call, ns);
    tg_call_destroy(call);
    return ok;
}

static void choose_repeats(tg_session *s) {
    double ns;
    s->repeats = 1;
    if (take_sample(s, s->base, &ns)) { /* the second is warm */
        (void)take_sample(s, s->base, &ns);
        double n = ceil(SAMPLE_NS / fmax(ns, 100));
        s->repeats = (uint32_t)fmin(fmax(n, 1), MOST_REPEATS);
    }
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void tg_statistics(tg_try *t) {
    double v[TG_MOST_SAMPLES];
    uint32_t n = t->n_samples;
    if (n == 0) {
        return;
    }
    memcpy(v, t->samples, n * sizeof *v);
    qsort(v, n, sizeof *v, by_size);
    t->median = n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
    t->least = v[0];
    uint32_t third = (n + 2) / 3;
    t->score = 0;
    for (uint32_t i = 0; i < third; i++) {
        t->score += v[i] / third;
    }
    double half = 0.98 * sqrt((double)n);
    double low = floor((double)n / 2 - half), high = ceil((double)n / 2 + half);
    t->low = v[low < 1 ? 0 : (uint32_t)low - 1];
    t->high = v[high >= n ? n - 1 : (uint32_t)high];
}

void tg_measure_round(tg_session *s, tg_try *const *tries, uint32_t n) {
    if (s->repeats == 0) {
        choose_repeats(s);
    }
    for (uint32_t i = 0; i < n; i++) {
        tg_try *t = tries[i];
        double ns;
        if (t->state != TG_CANDIDATE_OK || t->n_samples == TG_MOST_SAMPLES) {
            continue;
        }
        if (t->n_samples == 0 && !take_sample(s, t, &ns)) { /* warm up */
            continue;
        }
        if (take_sample(s, t, &ns)) {
            t->samples[t->n_samples++] = ns;
            tg_statistics(t);
        }
    }
}
