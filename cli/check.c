/* See data.h: the oracle. The interpreter runs on the originals in IDEAL mode, which also
 * derives how far a correct result may be away; what was launched must lie within. */
#include "cli/data.h"

#include <stdlib.h>
#include <string.h>

typedef struct oracle {
    const cli_data *d;
    tg_interp_arg args[TG_MAX_PARAMS];
} oracle;

static bool is_written(const cli_data *d, uint32_t i) {
    return d->originals[i] != NULL;
}

static bool make_args(oracle *o) {
    const cli_data *d = o->d;
    for (uint32_t i = 0; i < d->kernel->signature->n_params; i++) {
        tg_interp_arg *a = &o->args[i];
        a->scalar = d->scalars[i];
        const tg_tensor *t = is_written(d, i) ? d->originals[i] : d->tensors[i];
        if (!t) {
            continue;
        }
        a->tensor.arg = t->arg;
        a->tensor.dtype = t->dtype;
        if (is_written(d, i)) {
            size_t n = (size_t)tg_tensor_count(t) + 1;
            a->tensor.value = calloc(2 * n, sizeof(double)); /* complex: pairs */
            a->tensor.bound = calloc(n, sizeof(double));
            if (!a->tensor.value || !a->tensor.bound) {
                return false;
            }
        }
    }
    return true;
}

static void free_args(oracle *o) {
    for (uint32_t i = 0; i < TG_MAX_PARAMS; i++) {
        free(o->args[i].tensor.value);
        free(o->args[i].tensor.bound);
    }
}

static void describe(const cli_data *d, uint32_t i, const tg_compare_result *r,
                     cli_check *out) {
    const tg_tensor *t = d->tensors[i];
    int64_t index[TG_MAX_RANK];
    char where[160] = "";
    tg_compare_index(t->rank, t->arg.shape, r->first_failed, index);
    for (uint32_t k = 0; k < t->rank; k++) {
        size_t n = strlen(where);
        snprintf(where + n, sizeof where - n, "%s%lld", k ? ", " : "", (long long)index[k]);
    }
    snprintf(out->message, sizeof out->message,
             "%s[%s] is %.9g, expected %.9g ± %.3g (%lld of %lld elements differ)",
             d->kernel->signature->params[i].name, where, r->actual, r->value, r->bound,
             (long long)r->n_failed, (long long)r->n);
}

static void compare(oracle *o, uint32_t i, cli_check *out) {
    const tg_tensor *t = o->d->tensors[i];
    const tg_interp_tensor *ideal = &o->args[i].tensor;
    bool is_float =
        tg_dtype_is_float(t->dtype) || tg_dtype_kind_of(t->dtype) == TG_KIND_COMPLEX;
    tg_compare_result r = tg_compare_tensor(t->dtype, t->rank, &t->arg, &ideal->arg,
                                            is_float ? ideal->value : NULL, ideal->bound);
    out->n += r.n;
    out->n_failed += r.n_failed;
    out->n_unverifiable += r.n_unverifiable;
    out->max_error = r.max_error > out->max_error ? r.max_error : out->max_error;
    out->max_ratio = r.max_ratio > out->max_ratio ? r.max_ratio : out->max_ratio;
    for (int64_t k = 0; is_float && k < r.n; k++) {
        double b = ideal->bound[k];
        out->error_bound = b > out->error_bound && b < 1e300 ? b : out->error_bound;
    }
    if (r.n_failed && out->ok) {
        out->ok = false;
        describe(o->d, i, &r, out);
    }
}

bool cli_data_check(const cli_data *d, const tg_func *f, int n_threads, cli_check *out) {
    oracle o = {.d = d};
    *out = (cli_check){.ok = true};
    tg_interp_options options = {.mode = TG_INTERP_IDEAL, .n_threads = n_threads};
    tg_status status = TG_ERROR_OUT_OF_MEMORY;
    if (make_args(&o)) {
        status = tg_interp_run(f, o.args, &options, &tg_allocator_default, out->message,
                               sizeof out->message);
    }
    if (status) {
        out->ok = false;
    }
    for (uint32_t i = 0; i < d->kernel->signature->n_params && status == TG_OK; i++) {
        if (is_written(d, i)) {
            compare(&o, i, out);
        }
    }
    free_args(&o);
    return status == TG_OK;
}
