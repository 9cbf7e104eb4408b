/* See data.h: arguments for `tegula run`. */
#include "cli/data.h"

#include "runtime/random.h"

#include <stdlib.h>
#include <string.h>

/* ---- dimensions and scalars ------------------------------------------------------------------------------------
 */

static int set_dims(const tg_signature *sig, const cli_selection *s, tg_launch_binding *b) {
    for (uint32_t i = 0; i < sig->n_dims; i++) {
        const char *text = cli_lookup(&s->set, sig->dims[i].name);
        tg_scalar v = {.i = cli_default_extent(sig)};
        if (text && (!tg_scalar_parse(text, &v) || v.dtype != TG_I64 || v.i < 0)) {
            return cli_wrong_usage("--set %s=%s: a dimension is a number >= 0", sig->dims[i].name, text);
        }
        b->dims[i] = v.i;
    }
    return CLI_OK;
}

/* `where P == (H - R) / stride + 1` gives a dimension that was not set: DIM P, a program for
 * the other side, EQ (or the other way round). */
static bool solve_where(cli_data *d, const cli_selection *s, const tg_sig_check *c,
                        const tg_launch_arg *args) {
    const tg_signature *sig = d->kernel->signature;
    const tg_sig_expr *e = &c->expr;
    if (c->kind != TG_SC_WHERE || e->n < 3 || e->code[e->n - 1].op != TG_SE_EQ) {
        return false;
    }
    bool left =
        e->code[0].op == TG_SE_DIM && !cli_lookup(&s->set, sig->dims[e->code[0].imm.i].name);
    bool right = e->code[e->n - 2].op == TG_SE_DIM &&
                 !cli_lookup(&s->set, sig->dims[e->code[e->n - 2].imm.i].name);
    tg_sig_expr rest = {.code = e->code + (left ? 1 : 0), .n = e->n - 2};
    if ((!left && !right) || !tg_sig_expr_valid(&rest, sig)) {
        return false;
    }
    int64_t dim = (left ? e->code[0] : e->code[e->n - 2]).imm.i;
    int64_t value = tg_sig_eval(&rest, sig, &d->binding, args, NULL);
    if (value < 0 || sig->dims[dim].const_slot >= 0 || d->binding.dims[dim] == value) {
        return false;
    }
    d->binding.dims[dim] = value;
    return true;
}

static tg_argument argument_of(tg_scalar v) {
    if (v.dtype == TG_BOOL) {
        return tg_argument_bool(v.i != 0);
    }
    if (tg_dtype_kind_of(v.dtype) == TG_KIND_UINT) {
        return tg_argument_uint((uint64_t)v.i);
    }
    return tg_dtype_is_int(v.dtype) ? tg_argument_int(v.i) : tg_argument_float(v.f);
}

static int set_scalar(cli_data *d, const cli_selection *s, uint32_t i) {
    const tg_sig_param *p = &d->kernel->signature->params[i];
    const char *text = cli_lookup(&s->set, p->name);
    tg_dtype dtype = tg_param_dtype(p, d->selection.types);
    tg_scalar v = p->has_default ? p->default_value : (tg_scalar){.dtype = TG_I64, .i = 1};
    if (text && !tg_scalar_parse(text, &v)) {
        return cli_wrong_usage("--set %s=%s: not a number, true or false", p->name, text);
    }
    d->values[i] = argument_of(v);
    d->scalars[i] = tg_scalar_convert(v, dtype);
    return CLI_OK;
}

/* The launch arguments that shapes may refer to: scalars only. */
static void scalar_args(const cli_data *d, tg_launch_arg *args) {
    for (uint32_t i = 0; i < d->kernel->signature->n_params; i++) {
        args[i] = (tg_launch_arg){.dtype = d->scalars[i].dtype, .scalar = d->scalars[i]};
    }
}

static void solve_dims(cli_data *d, const cli_selection *s) {
    const tg_signature *sig = d->kernel->signature;
    tg_launch_arg args[TG_MAX_PARAMS];
    scalar_args(d, args);
    bool changed = true;
    for (int round = 0; changed && round < 4; round++) {
        changed = false;
        for (uint32_t i = 0; i < sig->n_checks; i++) {
            changed = solve_where(d, s, &sig->checks[i], args) || changed;
        }
    }
}

/* ---- tensors -------------------------------------------------------------------------------------------------------
 */

typedef struct limits {
    bool sorted, unique, bounded_low, bounded_high;
    double low, high; /* inclusive for integers */
} limits;

static void add_fact(const cli_data *d, const tg_sig_fact *f, const tg_launch_arg *args,
                     bool is_int, limits *l) {
    double as_float;
    int64_t as_int =
        f->bound.n ? tg_sig_eval(&f->bound, d->kernel->signature, &d->binding, args, &as_float)
                   : 0;
    double bound = f->bound.is_float ? as_float : (double)as_int, step = is_int ? 1 : 0;
    switch (f->kind) {
    case TG_SF_SORTED:
        l->sorted = true;
        return;
    case TG_SF_UNIQUE:
        l->unique = true;
        return;
    case TG_SF_LESS:
    case TG_SF_LESS_EQUAL:
        l->high = bound - (f->kind == TG_SF_LESS ? step : 0);
        l->low = l->bounded_low ? l->low : 0;
        l->bounded_high = true;
        return;
    case TG_SF_GREATER:
    case TG_SF_GREATER_EQUAL:
        l->low = bound + (f->kind == TG_SF_GREATER ? step : 0);
        l->high = l->bounded_high ? l->high : l->low + 8;
        l->bounded_low = true;
        return;
    }
}

/* Offsets into something: up to the largest extent that is not one of their own. */
static double offsets_end(const cli_data *d, uint32_t param) {
    const tg_signature *sig = d->kernel->signature;
    int64_t most = 0;
    for (uint32_t i = 0; i < sig->n_params; i++) {
        for (uint32_t k = 0; i != param && d->tensors[i] && k < sig->params[i].rank; k++) {
            int64_t n = d->tensors[i]->arg.shape[k];
            most = k == 0 && n > most ? n : most;
        }
    }
    return (double)(most ? most : tg_tensor_count(d->tensors[param]));
}

/* "LOW:HIGH" of --fill. */
static bool parse_range(const char *text, limits *l) {
    char low[64];
    size_t n = strcspn(text, ":");
    tg_scalar from, to;
    if (text[n] != ':' || n >= sizeof low) {
        return false;
    }
    memcpy(low, text, n);
    low[n] = 0;
    if (!tg_scalar_parse(low, &from) || !tg_scalar_parse(text + n + 1, &to)) {
        return false;
    }
    l->low = tg_dtype_is_float(from.dtype) ? from.f : (double)from.i;
    l->high = tg_dtype_is_float(to.dtype) ? to.f : (double)to.i;
    return l->low <= l->high;
}

/* The tensor that a --fill names; null if there is none. */
static const tg_sig_param *filled_tensor(const tg_signature *sig, const char *item) {
    size_t n = strcspn(item, "=");
    for (uint32_t i = 0; i < sig->n_params; i++) {
        const tg_sig_param *p = &sig->params[i];
        if (tg_param_is_tensor(p) && strncmp(p->name, item, n) == 0 && !p->name[n]) {
            return p;
        }
    }
    return NULL;
}

static bool is_unique(const tg_signature *sig, const tg_sig_param *p) {
    for (uint32_t k = 0; k < sig->n_facts; k++) {
        if (&sig->params[sig->facts[k].param] == p && sig->facts[k].kind == TG_SF_UNIQUE) {
            return true;
        }
    }
    return false;
}

/* Is each --fill of a tensor of the kernel whose data may be chosen, and a range? */
static int check_fills(const tg_signature *sig, const cli_list *fills) {
    for (uint32_t k = 0; k < fills->n; k++) {
        const char *item = fills->items[k], *range = strchr(item, '=');
        const tg_sig_param *p = filled_tensor(sig, item);
        limits l = {0};
        if (!p) {
            return cli_wrong_usage("--fill %s: %s has no tensor '%.*s'", item, sig->name, (int)strcspn(item, "="), item);
        }
        if (!range || !parse_range(range + 1, &l)) {
            return cli_wrong_usage("--fill %s: a range is LOW:HIGH, two numbers in that order", item);
        }
        if (is_unique(sig, p)) {
            return cli_wrong_usage("--fill %s: the elements of %s are unique; it is filled with a permutation", item, p->name);
        }
    }
    return CLI_OK;
}

static void fill(cli_data *d, const cli_selection *s, uint32_t i, uint64_t seed) {
    const tg_signature *sig = d->kernel->signature;
    tg_tensor *t = d->tensors[i];
    bool is_int = tg_dtype_is_int(t->dtype),
         is_signed = tg_dtype_kind_of(t->dtype) == TG_KIND_SINT;
    limits l = {.low = is_int && !is_signed ? 0 : is_int ? -8 : -1, .high = is_int ? 8 : 1};
    tg_launch_arg args[TG_MAX_PARAMS];
    scalar_args(d, args);
    for (uint32_t k = 0; k < sig->n_facts; k++) {
        if (sig->facts[k].param == i) {
            add_fact(d, &sig->facts[k], args, is_int, &l);
        }
    }
    const char *range = cli_lookup(&s->fill, sig->params[i].name);
    if (range && parse_range(range, &l)) {
        l.bounded_high = true;
    }
    seed = seed * 1000003 + i;
    if (l.unique && is_int) {
        tg_random_fill_unique(t, seed, 0);
    } else if (l.sorted && is_int) {
        tg_random_fill_sorted(t, seed, range ? (int64_t)l.low : 0,
                              (int64_t)(l.bounded_high ? l.high : offsets_end(d, i)));
    } else {
        tg_random_fill(t, seed, l.low, l.high);
    }
}

static int make_tensor(cli_data *d, uint32_t i) {
    tg_kernel *k = d->kernel;
    const tg_sig_param *p = &k->signature->params[i];
    tg_launch_arg args[TG_MAX_PARAMS];
    int64_t shape[TG_MAX_RANK];
    scalar_args(d, args);
    if (!tg_signature_infer_shape(k->signature, &d->binding, args, i, shape)) {
        return cli_error("the shape of %s cannot be worked out", p->name);
    }
    for (uint32_t r = 0; r < p->rank; r++) {
        if (shape[r] < 0) {
            return cli_error("dimension %u of %s would be %lld", r, p->name, (long long)shape[r]);
        }
    }
    d->tensors[i] =
        tg_tensor_create(k->context, tg_param_dtype(p, d->selection.types), p->rank, shape);
    if (!d->tensors[i]) {
        return cli_last_error(k->context);
    }
    d->values[i] = tg_argument_tensor(d->tensors[i]);
    return CLI_OK;
}

static void add_bytes(cli_data *d, uint32_t i) {
    double bytes =
        (double)tg_tensor_count(d->tensors[i]) * tg_dtype_bits(d->tensors[i]->dtype) / 8;
    d->bytes += d->kernel->signature->params[i].kind == TG_SP_INOUT ? 2 * bytes : bytes;
}

static int keep_original(cli_data *d, uint32_t i) {
    const tg_tensor *t = d->tensors[i];
    if (d->kernel->signature->params[i].kind == TG_SP_IN) {
        return CLI_OK;
    }
    d->originals[i] = tg_tensor_create(d->kernel->context, t->dtype, t->rank, t->arg.shape);
    if (!d->originals[i] || tg_tensor_copy(d->originals[i], t)) {
        return cli_last_error(d->kernel->context);
    }
    return CLI_OK;
}

static int make_values(cli_data *d, const cli_selection *s) {
    const tg_signature *sig = d->kernel->signature;
    int code = CLI_OK;
    for (uint32_t i = 0; i < sig->n_params && code == CLI_OK; i++) {
        if (sig->params[i].kind == TG_SP_PTR) {
            return cli_error("%s takes the pointer %s; tegula run cannot make one", sig->name,
                             sig->params[i].name);
        }
        code = sig->params[i].kind == TG_SP_SCALAR ? set_scalar(d, s, i) : CLI_OK;
    }
    if (code == CLI_OK) {
        solve_dims(d, s);
    }
    for (uint32_t i = 0; i < sig->n_params && code == CLI_OK; i++) {
        if (tg_param_is_tensor(&sig->params[i])) {
            d->values[i] = tg_argument_none();
            code = d->selection.present[i] ? make_tensor(d, i) : CLI_OK;
        }
    }
    return code;
}

int cli_data_make(tg_kernel *k, const cli_selection *s, uint64_t seed, cli_data *out) {
    memset(out, 0, sizeof *out);
    out->kernel = k;
    int code = cli_select(k, s, &out->selection);
    code = code ? code : check_fills(k->signature, &s->fill);
    code = code ? code : set_dims(k->signature, s, &out->binding);
    if (code) {
        return code;
    }
    memcpy(out->binding.types, out->selection.types, sizeof out->binding.types);
    memcpy(out->binding.consts, out->selection.consts, sizeof out->binding.consts);
    code = make_values(out, s);
    for (uint32_t i = 0; i < k->signature->n_params && code == CLI_OK; i++) {
        if (out->tensors[i]) {
            fill(out, s, i, seed);
            add_bytes(out, i);
            code = keep_original(out, i);
        }
    }
    return code;
}

tg_dtype cli_data_dtype(const cli_data *d) {
    for (uint32_t i = 0; i < d->kernel->signature->n_params; i++) {
        if (d->tensors[i]) {
            return tg_tensor_dtype(d->tensors[i]);
        }
    }
    return TG_F32;
}

void cli_data_free(cli_data *d) {
    for (uint32_t i = 0; i < TG_MAX_PARAMS; i++) {
        tg_tensor_release(d->tensors[i]);
        tg_tensor_release(d->originals[i]);
    }
}
