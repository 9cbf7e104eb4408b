/* Compares an actual tensor with the value and bound of an IDEAL run. */
#include "dsl/interp/internal.h"

#include <math.h>

void tg_compare_index(uint32_t rank, const int64_t *extent, int64_t at, int64_t *index) {
    for (uint32_t d = rank; d-- > 0;) {
        index[d] = extent[d] > 0 ? at % extent[d] : 0;
        at = extent[d] > 0 ? at / extent[d] : 0;
    }
}

static int64_t offset_of(uint32_t rank, const tg_tensor_arg *t, int64_t at) {
    int64_t index[TG_MAX_RANK], offset = 0;
    tg_compare_index(rank, t->shape, at, index);
    for (uint32_t d = 0; d < rank; d++) {
        offset += index[d] * t->stride[d];
    }
    return offset;
}

typedef struct verdict {
    double error, bound;
    bool failed, open;
} verdict;

static bool same_class(double a, double b) {
    return (a != a && b != b) || a == b;
}

static verdict judge(tg_dtype t, double actual, double value, double bound) {
    verdict v = {.open = !(bound < INFINITY)};
    if (v.open || same_class(actual, value)) {
        return v;
    }
    double rounded = round_value(t, value);
    if (!isfinite(actual) || !isfinite(rounded)) {
        /* Overflow is open where the bound reaches past the largest value. */
        bool edge = fabs(isfinite(value) ? value : actual) + bound >= largest_of(t);
        v.failed =
            !same_class(actual, rounded) && !(edge && !(actual != actual) && isfinite(value));
        return v;
    }
    v.error = fabs(actual - value);
    v.bound = bound > 0 ? bound : 0;
    v.failed = !(v.error <= bound || fabs(actual - rounded) <= bound);
    return v;
}

static verdict judge_int(tg_scalar actual, tg_scalar expected, double bound) {
    verdict v = {.open = bound > 0};
    v.error = v.open ? 0 : fabs((double)actual.i - (double)expected.i);
    v.failed = !v.open && actual.i != expected.i;
    return v;
}

static verdict worse(verdict a, verdict b) {
    verdict r = a.error > b.error ? a : b;
    r.failed = a.failed || b.failed;
    r.open = a.open || b.open;
    return r;
}

static void count(tg_compare_result *r, int64_t at, verdict v, double actual, double value,
                  double bound) {
    r->n_unverifiable += v.open;
    r->n_failed += v.failed;
    if (v.failed && r->first_failed < 0) {
        r->first_failed = at;
        r->actual = actual;
        r->value = value;
        r->bound = bound;
    }
    r->max_error = max_f(r->max_error, v.error);
    if (v.bound > 0) {
        r->max_ratio = max_f(r->max_ratio, v.error / v.bound);
    }
}

tg_compare_result tg_compare_tensor(tg_dtype dtype, uint32_t rank, const tg_tensor_arg *actual,
                                    const tg_tensor_arg *expected, const double *value,
                                    const double *bound) {
    tg_compare_result r = {.first_failed = -1};
    int64_t n = 1, per = is_complex(dtype) ? 2 : 1;
    for (uint32_t d = 0; d < rank; d++) {
        n *= actual->shape[d];
    }
    r.n = n;
    for (int64_t at = 0; at < n; at++) {
        tg_scalar a = tg_scalar_load(dtype, actual->data, offset_of(rank, actual, at));
        double e = bound ? bound[at] : 0;
        verdict v;
        double shown = 0;
        if (is_integer(dtype)) {
            tg_scalar x = tg_scalar_load(dtype, expected->data, offset_of(rank, expected, at));
            v = judge_int(a, x, e);
            a.f = (double)a.i;
            shown = (double)x.i;
        } else {
            tg_scalar x = {.dtype = dtype};
            if (!value) {
                x = tg_scalar_load(dtype, expected->data, offset_of(rank, expected, at));
            }
            shown = value ? value[at * per] : x.f;
            v = judge(dtype, a.f, shown, e);
            if (per == 2) {
                v = worse(v, judge(dtype, a.g, value ? value[at * 2 + 1] : x.g, e));
            }
        }
        count(&r, at, v, a.f, shown, e);
    }
    return r;
}
