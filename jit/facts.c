/* Content facts (`where sorted(off)`, `unique(perm)`, `ids < V`) in checked mode: every element
 * is looked at before the launch. Elsewhere they are the caller's promise. */
#include "jit/context.h"

#include <stdlib.h>
#include <string.h>

typedef struct reader {
    tg_tensor t; /* a borrowed view */
    int64_t n;
} reader;

static reader read_arg(const tg_launch_arg *a) {
    reader r = {.t = {.dtype = a->dtype, .rank = a->rank, .arg = *a->tensor}};
    r.n = tg_tensor_count(&r.t);
    return r;
}

static double element(const reader *r, int64_t i, int64_t *as_int) {
    tg_scalar v = tg_scalar_load(r->t.dtype, r->t.arg.data, tg_tensor_offset(&r->t, i));
    bool is_float = tg_dtype_is_float(r->t.dtype);
    *as_int = is_float ? 0 : v.i;
    return is_float ? v.f : (double)v.i;
}

static int compare(double a, int64_t ai, double b, int64_t bi, bool is_float) {
    return is_float ? (a > b) - (a < b) : (ai > bi) - (ai < bi);
}

static bool holds(tg_sig_fact_kind kind, int order) {
    switch (kind) {
    case TG_SF_LESS:
        return order < 0;
    case TG_SF_LESS_EQUAL:
        return order <= 0;
    case TG_SF_GREATER:
        return order > 0;
    case TG_SF_GREATER_EQUAL:
        return order >= 0;
    case TG_SF_SORTED:
    case TG_SF_UNIQUE:
        break;
    }
    return true;
}

static int64_t first_outside(const reader *r, const tg_sig_fact *f, double bound,
                             int64_t bound_int) {
    bool is_float = f->bound.is_float || tg_dtype_is_float(r->t.dtype);
    for (int64_t i = 0; i < r->n; i++) {
        int64_t vi;
        double v = element(r, i, &vi);
        if (!holds(f->kind, compare(v, vi, bound, bound_int, is_float))) {
            return i;
        }
    }
    return -1;
}

static int64_t first_unsorted(const reader *r) {
    int64_t last_int = 0;
    double last = 0;
    for (int64_t i = 0; i < r->n; i++) {
        int64_t vi;
        double v = element(r, i, &vi);
        if (i && compare(v, vi, last, last_int, tg_dtype_is_float(r->t.dtype)) < 0) {
            return i;
        }
        last = v;
        last_int = vi;
    }
    return -1;
}

typedef struct keyed {
    double v;
    int64_t vi, at;
} keyed;

static int by_value(const void *a, const void *b) {
    const keyed *x = a, *y = b;
    if (x->v != y->v) {
        return x->v < y->v ? -1 : 1;
    }
    if (x->vi != y->vi) {
        return x->vi < y->vi ? -1 : 1;
    }
    return (x->at > y->at) - (x->at < y->at);
}

/* *at: the later of two equal elements, -1 if there are none. False: out of memory. */
static bool find_duplicate(const tg_allocator *a, const reader *r, int64_t *at) {
    size_t bytes = (size_t)r->n * sizeof(keyed);
    keyed *all = a->alloc(a->user, bytes, _Alignof(keyed));
    *at = -1;
    if (!all) {
        return false;
    }
    for (int64_t i = 0; i < r->n; i++) {
        all[i].at = i;
        all[i].v = element(r, i, &all[i].vi);
    }
    qsort(all, (size_t)r->n, sizeof *all, by_value);
    for (int64_t i = 1; i < r->n && *at < 0; i++) {
        if (all[i].v == all[i - 1].v && all[i].vi == all[i - 1].vi) {
            *at = all[i].at;
        }
    }
    tg_free(a, all, bytes);
    return true;
}

static tg_status check_fact(const tg_kernel *k, const tg_sig_fact *f,
                            const tg_launch_binding *b, const tg_launch_arg *args) {
    if (!args[f->param].tensor) {
        return TG_OK;
    }
    reader r = read_arg(&args[f->param]);
    int64_t at = -1;
    if (f->kind == TG_SF_SORTED) {
        at = first_unsorted(&r);
    } else if (f->kind == TG_SF_UNIQUE) {
        if (r.n && !find_duplicate(&k->context->allocator, &r, &at)) {
            return tg_fail(k->context, TG_ERROR_OUT_OF_MEMORY, "out of memory");
        }
    } else {
        double bound;
        int64_t bound_int = tg_sig_eval(&f->bound, k->signature, b, args, &bound);
        at = first_outside(&r, f, f->bound.is_float ? bound : (double)bound_int, bound_int);
    }
    if (at < 0) {
        return TG_OK;
    }
    int64_t vi;
    double v = element(&r, at, &vi);
    return tg_fail(k->context, TG_ERROR_LAUNCH,
                   "L0904: %s requires %s; element %lld of %s is %.17g", k->signature->name,
                   f->text ? f->text : "a content fact", (long long)at,
                   k->signature->params[f->param].name, v);
}

tg_status tg_facts_check(const tg_kernel *k, const tg_launch_binding *b,
                         const tg_launch_arg *args) {
    for (uint32_t i = 0; i < k->signature->n_facts; i++) {
        tg_status s = check_fact(k, &k->signature->facts[i], b, args);
        if (s) {
            return s;
        }
    }
    return TG_OK;
}
