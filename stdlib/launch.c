/* Launches of rows: tensors with more dimensions than the kernel's.
 *
 *   softmax takes X[M, N]; given x[b, h, s, n], b, h and s together are M:
 *       all strides fit            one launch, M = b h s
 *       x is permuted, M = s       b h launches          (rows marked INDEPENDENT)
 *
 * Which tensors have leading dimensions is read off the signature: those whose first dimension has
 * the same name as that of the first tensor. Adjacent dimensions fold if they do in every tensor.
 * Rows marked POINTWISE take X[M, N] too, but there all dimensions fold, so that contiguous tensors
 * are one long row.
 * The tensors handed to tg_launch live on the stack. */
#include "stdlib/stdlib.h"

#include <string.h>

/* Shorter rows of a pointwise kernel are worth folding. */
enum { LONG_ROW = 256 };

typedef struct fold {
    tg_context *context;
    const tg_signature *sig;
    uint32_t n; /* arguments given */
    tg_tensor tensors[TG_MAX_PARAMS];
    bool leads[TG_MAX_PARAMS]; /* has the leading dimensions */
    const tg_tensor *of[TG_MAX_PARAMS];
    uint32_t n_kept; /* folded dimensions that the kernel takes: 1, POINTWISE 2 */
    uint32_t n_lead; /* leading dimensions of the first tensor */
    uint32_t n_dims; /* of them, after folding: n_kept or more */
    int64_t shape[TG_RANK_MAX];
    int64_t stride[TG_MAX_PARAMS][TG_RANK_MAX];
} fold;

static bool has_first_dim(const tg_sig_param *p, const char *name) {
    return p->rank > 0 && strcmp(p->shape_text[0], name) == 0;
}

static tg_status check_leading(fold *f, uint32_t i, const tg_tensor *first) {
    const tg_sig_param *p = &f->sig->params[i];
    const tg_tensor *t = f->of[i];
    if (t->rank != p->rank - f->n_kept + f->n_lead) {
        return tg_fail(f->context, TG_ERROR_INVALID_ARGUMENT,
                       "%s: %s has %u dimensions; with those of %s it must have %u",
                       f->sig->name, p->name, t->rank, f->sig->params[0].name,
                       p->rank - f->n_kept + f->n_lead);
    }
    for (uint32_t d = 0; d < f->n_lead; d++) {
        if (t->arg.shape[d] != first->arg.shape[d]) {
            return tg_fail(f->context, TG_ERROR_LAUNCH,
                           "L0901: %s: dimension %u is %lld in %s but %lld in %s", f->sig->name,
                           d, (long long)first->arg.shape[d], f->sig->params[0].name,
                           (long long)t->arg.shape[d], p->name);
        }
    }
    return TG_OK;
}

/* Can dimension d of the inputs be appended to the last folded one? */
static bool folds(const fold *f, const tg_tensor *first, uint32_t d) {
    uint32_t last = f->n_dims - 1;
    for (uint32_t i = 0; i < f->n; i++) {
        if (f->leads[i] &&
            f->stride[i][last] != f->of[i]->arg.stride[d] * first->arg.shape[d]) {
            return false;
        }
    }
    return true;
}

static void append(fold *f, const tg_tensor *first, uint32_t d) {
    bool joins = f->n_dims > 0 && (f->shape[f->n_dims - 1] == 1 || folds(f, first, d));
    uint32_t at = joins ? f->n_dims - 1 : f->n_dims;
    f->shape[at] = (joins ? f->shape[at] : 1) * first->arg.shape[d];
    f->n_dims = at + 1;
    for (uint32_t i = 0; i < f->n; i++) {
        if (f->leads[i]) {
            f->stride[i][at] = f->of[i]->arg.stride[d];
        }
    }
}

static void prepend_one(fold *f) {
    memmove(f->shape + 1, f->shape, f->n_dims * sizeof *f->shape);
    f->shape[0] = 1;
    for (uint32_t i = 0; i < f->n; i++) {
        memmove(f->stride[i] + 1, f->stride[i], f->n_dims * sizeof *f->shape);
        f->stride[i][0] = 1;
    }
    f->n_dims++;
}

static void fold_dims(fold *f, const tg_tensor *first) {
    for (uint32_t d = 0; d < f->n_lead; d++) {
        if (first->arg.shape[d] != 1) {
            append(f, first, d);
        }
    }
    while (f->n_dims < f->n_kept) { /* dimensions of extent 1 in front */
        prepend_one(f);
    }
    for (uint32_t d = 0; d < f->n_dims; d++) { /* nothing to walk, whatever the strides */
        if (f->shape[d] == 0) {
            f->shape[f->n_kept - 1] = 0;
            f->n_dims = f->n_kept;
        }
    }
}

/* The tensors of the kernel's ranks, at the first index of the walked dimensions. */
static void make_tensors(fold *f) {
    for (uint32_t i = 0; i < f->n; i++) {
        tg_tensor *t = &f->tensors[i];
        if (!f->leads[i]) {
            continue;
        }
        const tg_tensor *from = f->of[i];
        t->dtype = from->dtype;
        t->rank = f->sig->params[i].rank;
        t->context = from->context;
        t->read_only = from->read_only;
        t->arg.data = from->arg.data;
        for (uint32_t d = 0; d < t->rank; d++) {
            uint32_t folded = f->n_dims - f->n_kept + d, own = f->n_lead + d - f->n_kept;
            bool kept = d < f->n_kept;
            t->arg.shape[d] = kept ? f->shape[folded] : from->arg.shape[own];
            t->arg.stride[d] = kept ? f->stride[i][folded] : from->arg.stride[own];
        }
    }
}

/* Moves every tensor to the next index of the walked dimensions; false at the end. */
static bool advance(fold *f, int64_t *index) {
    for (uint32_t d = f->n_dims - f->n_kept; d-- > 0;) {
        int64_t by = ++index[d] < f->shape[d] ? 1 : 1 - f->shape[d];
        for (uint32_t i = 0; i < f->n; i++) {
            if (f->leads[i]) {
                tg_tensor_arg *a = &f->tensors[i].arg;
                int64_t bits = tg_dtype_bits(f->tensors[i].dtype);
                a->data = (char *)a->data + by * f->stride[i][d] * bits / 8;
            }
        }
        if (by == 1) {
            return true;
        }
        index[d] = 0;
    }
    return false;
}

/* The next index of a walked dimension must be whole bytes away. */
static bool walks_bytes(const fold *f) {
    for (uint32_t d = 0; d + f->n_kept < f->n_dims; d++) {
        for (uint32_t i = 0; i < f->n; i++) {
            if (f->leads[i] && f->stride[i][d] % 8 * tg_dtype_bits(f->tensors[i].dtype) % 8) {
                return false;
            }
        }
    }
    return true;
}

/* An output that every launch would overwrite. */
static const char *find_shared_output(const fold *f) {
    for (uint32_t i = 0; i < f->n; i++) {
        if (f->of[i] && !f->leads[i] && f->sig->params[i].kind != TG_SP_IN) {
            return f->sig->params[i].name;
        }
    }
    return NULL;
}

static tg_status walk(fold *f, tg_std_row row, tg_kernel *k, tg_argument *values) {
    int64_t index[TG_RANK_MAX] = {0};
    if (f->n_dims > f->n_kept && (!tg_std_table[row].independent || find_shared_output(f) || !walks_bytes(f))) {
        return tg_fail(f->context, TG_ERROR_UNSUPPORTED,
                       "%s: the dimensions of its tensors do not fold into %u: their strides "
                       "differ, or are half bytes; copy them to contiguous tensors",
                       f->sig->name, f->n_kept);
    }
    tg_status s;
    do {
        s = tg_launch(k, values, f->n);
    } while (s == TG_OK && advance(f, index));
    return s;
}

/* Nothing to do: a launch of tensors that already have the kernel's ranks. */
static bool is_plain(tg_std_row row, const tg_signature *sig, const tg_argument *values,
                     uint32_t n) {
    if (tg_std_table[row].pointwise && n && values[0].kind == TG_ARGUMENT_TENSOR &&
        values[0].u.tensor->rank == 2 && values[0].u.tensor->arg.shape[1] < LONG_ROW) {
        return false;
    }
    for (uint32_t i = 0; i < n && i < sig->n_params; i++) {
        if (values[i].kind == TG_ARGUMENT_TENSOR &&
            values[i].u.tensor->rank != sig->params[i].rank) {
            return false;
        }
    }
    return true;
}

static tg_status launch_folded(fold *f, tg_std_row row, tg_kernel *k, tg_argument *values) {
    const tg_tensor *first = f->of[0];
    const char *name = f->sig->params[0].rank ? f->sig->params[0].shape_text[0] : "";
    f->n_kept = tg_std_table[row].pointwise ? 2 : 1;
    if (!first || first->rank + f->n_kept < f->sig->params[0].rank) {
        return tg_launch(k, values, f->n); /* which says what is wrong */
    }
    f->n_lead = first->rank + f->n_kept - f->sig->params[0].rank;
    for (uint32_t i = 0; i < f->n; i++) {
        f->leads[i] = f->of[i] && has_first_dim(&f->sig->params[i], name);
        tg_status s = f->leads[i] ? check_leading(f, i, first) : TG_OK;
        if (s) {
            return s;
        }
    }
    fold_dims(f, first);
    make_tensors(f);
    for (uint32_t i = 0; i < f->n; i++) {
        if (f->leads[i]) {
            values[i].u.tensor = &f->tensors[i];
        }
    }
    return walk(f, row, k, values);
}

tg_status tg_std_launch(tg_context *context, tg_std_row row, const tg_argument *values,
                        uint32_t n_values) {
    tg_kernel *k;
    if (!context || (n_values && !values)) {
        return tg_fail(context, TG_ERROR_INVALID_ARGUMENT, "%s is null",
                       context ? "values" : "context");
    }
    tg_status s = tg_std_kernel(context, row, &k);
    if (s) {
        return s;
    }
    if (n_values > k->signature->n_params || is_plain(row, k->signature, values, n_values)) {
        return tg_launch(k, values, n_values);
    }
    fold f = {.context = context, .sig = k->signature, .n = n_values};
    tg_argument own[TG_MAX_PARAMS];
    memcpy(own, values, n_values * sizeof *own);
    for (uint32_t i = 0; i < n_values; i++) {
        f.of[i] = values[i].kind == TG_ARGUMENT_TENSOR ? values[i].u.tensor : NULL;
    }
    return launch_folded(&f, row, k, own);
}

tg_status tg_std_check_activation(const tg_context *context, tg_std_row row, tg_activation kind, bool has_alpha) {
    bool takes_alpha = kind == TG_ACTIVATION_LEAKY_RELU || kind == TG_ACTIVATION_ELU;
    if ((int)kind < TG_ACTIVATION_NONE || (int)kind > TG_ACTIVATION_HARD_SWISH) {
        return tg_fail(context, TG_ERROR_INVALID_ARGUMENT, "%s: there is no activation %d", tg_std_table[row].name, (int)kind);
    }
    if (takes_alpha && !has_alpha) {
        return tg_fail(context, TG_ERROR_INVALID_ARGUMENT, "%s: activation %d needs an alpha, which only tg_op_activation takes",
                       tg_std_table[row].name, (int)kind);
    }
    return TG_OK;
}

tg_status tg_std_check_probability(const tg_context *context, tg_std_row row, double p) {
    return p >= 0 && p <= 1 ? TG_OK
                            : tg_fail(context, TG_ERROR_INVALID_ARGUMENT, "%s: the probability is %g, not in 0 ... 1", tg_std_table[row].name, p);
}
