/* Binding of a launch: types, dimensions and constants from the arguments, then every check of the signature.
 *
 * Runs on each launch, so it allocates nothing and touches each argument once; text is made only on failure.
 * Tensors not given (an out tensor whose shape is still to be inferred) are skipped by binds and checks.
 * Expressions: signature_eval.c; addresses: signature_memory.c. */
#include "base/io.h"
#include "base/signature_internal.h"

#include <string.h>

typedef struct binder {
    const tg_signature *sig;
    const tg_launch_arg *args;
    tg_launch_binding *out;
    char *message;
    size_t size;
} binder;

static bool is_tensor(const tg_sig_param *p) {
    return p->kind == TG_SP_IN || p->kind == TG_SP_OUT || p->kind == TG_SP_INOUT;
}

static tg_status fail(const binder *b, tg_status status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static tg_status fail(const binder *b, tg_status status, const char *fmt, ...) {
    if (b->size) {
        va_list args;
        va_start(args, fmt);
        tg_vformat(b->message, b->size, fmt, args);
        va_end(args);
    }
    return status;
}

/* ---- types --------------------------------------------------------------------------------------------------- */

static bool is_member(const tg_sig_tparam *t, tg_dtype dtype) {
    for (uint32_t i = 0; i < t->n_members; i++) {
        if (t->members[i] == dtype) {
            return true;
        }
    }
    return false;
}

void tg_sig_type_list(const tg_sig_tparam *t, char *out, size_t size) {
    size_t n = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < t->n_members && n < size; i++) {
        n += tg_format(out + n, size - n, "%s%s", i ? ", " : "", tg_dtype_name(t->members[i]));
    }
}

/* Tensor that gave type parameter `t`, for messages. */
static const char *type_source(const binder *b, int32_t t) {
    for (uint32_t i = 0; i < b->sig->n_params; i++) {
        const tg_sig_param *p = &b->sig->params[i];
        if (is_tensor(p) && p->type.type_param == t && !p->type.wide && b->args[i].tensor) {
            return p->name;
        }
    }
    return "?";
}

static tg_status fail_type(const binder *b, const tg_sig_tparam *t, tg_dtype given,
                           const tg_sig_param *p) {
    char list[200];
    tg_sig_type_list(t, list, sizeof list);
    return fail(b, TG_ERROR_INVALID_ARGUMENT,
                "%s = %s (from %s) is not a type that %s accepts: %s", t->name,
                tg_dtype_name(given), p->name, b->sig->name, list);
}

static tg_status bind_type(const binder *b, uint32_t i) {
    const tg_sig_param *p = &b->sig->params[i];
    int32_t t = p->type.type_param;
    if (t < 0 || p->type.wide || !b->args[i].tensor) {
        return TG_OK;
    }
    tg_dtype given = b->args[i].dtype, *bound = &b->out->types[t];
    const tg_sig_tparam *tp = &b->sig->tparams[t];
    if (*bound == TG_DTYPE_NONE) {
        *bound = given;
        return is_member(tp, given) ? TG_OK : fail_type(b, tp, given, p);
    }
    return *bound == given
               ? TG_OK
               : fail(b, TG_ERROR_INVALID_ARGUMENT, "%s is %s in %s but %s in %s", tp->name,
                      tg_dtype_name(*bound), type_source(b, t), tg_dtype_name(given), p->name);
}

static tg_dtype param_dtype(const binder *b, const tg_sig_param *p) {
    tg_dtype t = p->type.type_param >= 0 ? b->out->types[p->type.type_param] : p->type.dtype;
    return p->type.wide ? tg_dtype_wide(t) : t;
}

static tg_status check_tensor(const binder *b, uint32_t i) {
    const tg_sig_param *p = &b->sig->params[i];
    const tg_launch_arg *a = &b->args[i];
    tg_dtype expected = param_dtype(b, p);
    if (a->dtype != expected) {
        return fail(b, TG_ERROR_INVALID_ARGUMENT, "%s has type %s, expected %s", p->name,
                    tg_dtype_name(a->dtype), tg_dtype_name(expected));
    }
    if (a->rank != p->rank) {
        return fail(b, TG_ERROR_INVALID_ARGUMENT, "%s has %u dimensions, expected %u", p->name,
                    a->rank, p->rank);
    }
    bool empty = false;
    for (uint32_t d = 0; d < p->rank; d++) {
        if (a->tensor->shape[d] < 0) {
            return fail(b, TG_ERROR_INVALID_ARGUMENT, "dimension %u of %s is negative (%lld)",
                        d, p->name, (long long)a->tensor->shape[d]);
        }
        empty = empty || a->tensor->shape[d] == 0;
    }
    if (!a->tensor->data && !empty && !p->optional) {
        return fail(b, TG_ERROR_INVALID_ARGUMENT, "%s has no data", p->name);
    }
    return TG_OK;
}

/* ---- scalars ------------------------------------------------------------------------------------------------- */

static bool fits_int(tg_scalar v, tg_dtype to) {
    int bits = tg_dtype_bits(to);
    bool big = v.dtype == TG_U64 && v.i < 0; /* above INT64_MAX */
    if (to == TG_BOOL) {
        return v.i == 0 || v.i == 1;
    }
    if (tg_dtype_kind_of(to) == TG_KIND_UINT) {
        return bits == 64 ? big || v.i >= 0 : v.i >= 0 && v.i >> bits == 0;
    }
    return !big && (bits == 64 ||
                    (v.i >= -(INT64_C(1) << (bits - 1)) && v.i < INT64_C(1) << (bits - 1)));
}

static bool is_floating(tg_dtype t) {
    return tg_dtype_is_float(t) || tg_dtype_kind_of(t) == TG_KIND_COMPLEX;
}

bool tg_sig_scalar_fits(tg_scalar v, tg_dtype to) {
    return is_floating(to) || (!tg_dtype_is_float(v.dtype) && fits_int(v, to));
}

static tg_status check_scalar(const binder *b, uint32_t i) {
    const tg_sig_param *p = &b->sig->params[i];
    tg_scalar v = tg_sig_scalar(b->sig, b->args, i);
    tg_dtype to = param_dtype(b, p);
    if (v.dtype == TG_DTYPE_NONE) {
        return fail(b, TG_ERROR_INVALID_ARGUMENT, "%s has no value and no default", p->name);
    }
    if (!is_floating(to) && tg_dtype_is_float(v.dtype)) {
        return fail(b, TG_ERROR_INVALID_ARGUMENT, "%s takes %s, not a floating-point number",
                    p->name, tg_dtype_name(to));
    }
    if (!tg_sig_scalar_fits(v, to)) {
        return fail(b, TG_ERROR_INVALID_ARGUMENT, v.dtype == TG_U64 ? "%s = %llu does not fit %s" : "%s = %lld does not fit %s",
                    p->name, (unsigned long long)v.i, tg_dtype_name(to));
    }
    if (p->is_const && p->const_slot >= 0) {
        b->out->consts[p->const_slot] = tg_scalar_convert(v, to);
    }
    return TG_OK;
}

/* ---- dimensions ---------------------------------------------------------------------------------------------- */

static tg_status bind_dim(const binder *b, const tg_sig_bind *s) {
    const tg_launch_arg *a = &b->args[s->param];
    if (!a->tensor || b->out->dims[s->dim] != TG_DIM_UNKNOWN || s->d >= a->rank) {
        return TG_OK;
    }
    int64_t extent = a->tensor->shape[s->d], rest;
    if (extent < 0 || __builtin_sub_overflow(extent, s->offset, &rest) || rest == INT64_MIN ||
        rest % s->factor != 0) {
        return fail(
            b, TG_ERROR_LAUNCH,
            "L0903: dimension %u of %s is %lld, which is no value of %s for an integer %s",
            s->d, b->sig->params[s->param].name, (long long)extent,
            b->sig->params[s->param].shape_text[s->d], b->sig->dims[s->dim].name);
    }
    b->out->dims[s->dim] = rest / s->factor;
    if (b->out->dims[s->dim] < 0) {
        return fail(b, TG_ERROR_LAUNCH,
                    "L0903: dimension %u of %s is %lld, so that %s would be negative in %s",
                    s->d, b->sig->params[s->param].name, (long long)extent,
                    b->sig->dims[s->dim].name, b->sig->params[s->param].shape_text[s->d]);
    }
    return TG_OK;
}

/* Dimensions of absent optional tensors alone are 0; const ones fill their slots. */
static void finish_dims(const binder *b) {
    for (uint32_t i = 0; i < b->sig->n_dims; i++) {
        int64_t *v = &b->out->dims[i];
        *v = *v == TG_DIM_UNKNOWN ? 0 : *v;
        if (b->sig->dims[i].const_slot >= 0) {
            b->out->consts[b->sig->dims[i].const_slot] = (tg_scalar){.dtype = TG_I64, .i = *v};
        }
    }
}

/* Name of the tensor that bound a dimension. */
static const char *dim_source(const binder *b, uint32_t dim) {
    for (uint32_t i = 0; i < b->sig->n_binds; i++) {
        if (b->sig->binds[i].dim == dim && b->args[b->sig->binds[i].param].tensor) {
            return b->sig->params[b->sig->binds[i].param].name;
        }
    }
    return "?";
}

/* ---- checks -------------------------------------------------------------------------------------------------- */

typedef struct text {
    char data[256];
    size_t n;
} text;

static void append_value(text *t, const char *name, long long value) {
    char item[80];
    tg_format(item, sizeof item, "%s%s = %lld", t->n ? ", " : "", name, value);
    size_t n = strlen(item);
    if (!strstr(t->data, item + (t->n ? 2 : 0)) && t->n + n < sizeof t->data) {
        memcpy(t->data + t->n, item, n + 1);
        t->n += n;
    }
}

/* "H = 7, G = 2": the names a condition reads. */
static void describe_values(const binder *b, const tg_sig_expr *e, text *out) {
    out->n = 0;
    out->data[0] = 0;
    for (uint32_t k = 0; k < e->n; k++) {
        int64_t i = e->code[k].imm.i;
        if (e->code[k].op == TG_SE_DIM) {
            append_value(out, b->sig->dims[i].name, (long long)b->out->dims[i]);
        } else if (e->code[k].op == TG_SE_SCALAR_I) {
            tg_scalar s = tg_sig_scalar(b->sig, b->args, (uint32_t)i);
            append_value(out, b->sig->params[i].name, (long long)s.i);
        }
    }
}

static tg_status fail_shape(const binder *b, const tg_sig_check *c, int64_t has,
                            int64_t wants) {
    text values;
    describe_values(b, &c->expr, &values);
    if (!values.n) {
        return fail(b, TG_ERROR_LAUNCH, "L0902: dimension %u of %s is %lld, expected %lld",
                    c->d, b->sig->params[c->param].name, (long long)has, (long long)wants);
    }
    return fail(b, TG_ERROR_LAUNCH, "L0902: dimension %u of %s is %lld but %s is %lld (%s)",
                c->d, b->sig->params[c->param].name, (long long)has,
                c->text ? c->text : "its shape", (long long)wants, values.data);
}

static tg_status fail_where(const binder *b, const tg_sig_check *c) {
    text values;
    describe_values(b, &c->expr, &values);
    return fail(b, TG_ERROR_LAUNCH, "L0904: %s requires %s%s%s", b->sig->name,
                c->text ? c->text : "its condition", values.n ? "; here " : "", values.data);
}

static tg_status run_check(const binder *b, const tg_sig_check *c) {
    if (c->kind == TG_SC_WHERE) {
        return tg_sig_eval(&c->expr, b->sig, b->out, b->args, NULL) ? TG_OK : fail_where(b, c);
    }
    if (!b->args[c->param].tensor) {
        return TG_OK;
    }
    int64_t has = b->args[c->param].tensor->shape[c->d];
    if (c->kind == TG_SC_DIM_AGREES) {
        int64_t wants = b->out->dims[c->dim];
        return has == wants
                   ? TG_OK
                   : fail(b, TG_ERROR_LAUNCH, "L0901: %s is %lld in %s but %lld in %s",
                          b->sig->dims[c->dim].name, (long long)wants, dim_source(b, c->dim),
                          (long long)has, b->sig->params[c->param].name);
    }
    int64_t wants = tg_sig_eval(&c->expr, b->sig, b->out, b->args, NULL);
    return has == wants ? TG_OK : fail_shape(b, c, has, wants);
}

/* ---- entry points -------------------------------------------------------------------------------------------- */

static void clear(const binder *b) {
    for (uint32_t i = 0; i < b->sig->n_tparams; i++) {
        b->out->types[i] = TG_DTYPE_NONE;
    }
    for (uint32_t i = 0; i < b->sig->n_dims; i++) {
        b->out->dims[i] = TG_DIM_UNKNOWN;
    }
}

static tg_status bind_types(const binder *b) {
    for (uint32_t i = 0; i < b->sig->n_params; i++) {
        tg_status s = is_tensor(&b->sig->params[i]) ? bind_type(b, i) : TG_OK;
        if (s != TG_OK) {
            return s;
        }
    }
    return TG_OK;
}

/* No tensor that would decide type parameter t is given. */
static tg_status fail_open(const binder *b, uint32_t t) {
    const char *name = b->sig->tparams[t].name;
    for (uint32_t i = 0; i < b->sig->n_params; i++) {
        const tg_sig_param *p = &b->sig->params[i];
        if (is_tensor(p) && !p->optional && !p->type.wide && p->type.type_param == (int32_t)t) {
            return fail(b, TG_ERROR_INVALID_ARGUMENT, "%s is missing, which decides type %s",
                        p->name, name);
        }
    }
    return fail(b, TG_ERROR_INVALID_ARGUMENT, "no tensor given decides type parameter %s", name);
}

static tg_status check_params(const binder *b) {
    for (uint32_t i = 0; i < b->sig->n_tparams; i++) {
        if (b->out->types[i] == TG_DTYPE_NONE) {
            return fail_open(b, i);
        }
    }
    for (uint32_t i = 0; i < b->sig->n_params; i++) {
        const tg_sig_param *p = &b->sig->params[i];
        tg_status s = TG_OK;
        if (p->kind == TG_SP_SCALAR) {
            s = check_scalar(b, i);
        } else if (is_tensor(p) && (b->args[i].tensor || !p->optional)) {
            s = b->args[i].tensor
                    ? check_tensor(b, i)
                    : fail(b, TG_ERROR_INVALID_ARGUMENT, "%s is missing", p->name);
        }
        if (s != TG_OK) {
            return s;
        }
    }
    return TG_OK;
}

void tg_signature_bind_dims(const tg_signature *sig, const tg_launch_arg *args, uint32_t n_args,
                            tg_launch_binding *out) {
    binder b = {sig, args, out, NULL, 0};
    clear(&b);
    if (n_args != sig->n_params) {
        return;
    }
    (void)bind_types(&b);
    for (uint32_t i = 0; i < sig->n_binds; i++) {
        (void)bind_dim(&b, &sig->binds[i]);
    }
}

tg_status tg_signature_bind(const tg_signature *sig, const tg_launch_arg *args, uint32_t n_args,
                            tg_launch_binding *out, char *message, size_t size) {
    binder b = {sig, args, out, message, size};
    clear(&b);
    if (n_args != sig->n_params) {
        return fail(&b, TG_ERROR_INVALID_ARGUMENT, "%s takes %u arguments, %u given", sig->name,
                    sig->n_params, n_args);
    }
    tg_status s = bind_types(&b);
    if (s == TG_OK) {
        s = check_params(&b);
    }
    for (uint32_t i = 0; s == TG_OK && i < sig->n_binds; i++) {
        s = bind_dim(&b, &sig->binds[i]);
    }
    if (s != TG_OK) {
        return s;
    }
    finish_dims(&b);
    for (uint32_t i = 0; s == TG_OK && i < sig->n_checks; i++) {
        s = run_check(&b, &sig->checks[i]);
    }
    return s;
}

/* A dimension expression can be evaluated if the binding has every dimension it reads. */
static bool is_known(const tg_sig_expr *e, const tg_launch_binding *b) {
    for (uint32_t k = 0; k < e->n; k++) {
        if (e->code[k].op == TG_SE_DIM && b->dims[e->code[k].imm.i] == TG_DIM_UNKNOWN) {
            return false;
        }
    }
    return e->n > 0;
}

bool tg_signature_infer_shape(const tg_signature *sig, const tg_launch_binding *b,
                              const tg_launch_arg *args, uint32_t param, int64_t *shape) {
    const tg_sig_param *p = &sig->params[param];
    for (uint32_t d = 0; d < p->rank; d++) {
        if (!is_known(&p->shape[d], b)) {
            return false;
        }
        shape[d] = tg_sig_eval(&p->shape[d], sig, b, args, NULL);
    }
    return true;
}
