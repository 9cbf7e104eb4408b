/* Kernels of the public API: description, compiling ahead of the launch. */
#include "base/io.h"
#include "jit/context.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

tg_status tg_kernel_check(const tg_kernel *kernel) {
    if (!kernel) {
        return tg_fail(NULL, TG_ERROR_INVALID_ARGUMENT, "kernel is null");
    }
    return kernel->module ? TG_OK : tg_fail(kernel->context, TG_ERROR_INVALID_ARGUMENT, "the module of this kernel has ended");
}

const char *tg_kernel_name(const tg_kernel *kernel) {
    return kernel ? kernel->signature->name : "";
}

uint32_t tg_kernel_n_parameters(const tg_kernel *kernel) {
    return kernel ? kernel->signature->n_params : 0;
}

tg_status tg_kernel_parameter(const tg_kernel *kernel, uint32_t i, tg_parameter_info *info) {
    if (!kernel || !info) {
        return tg_fail(kernel ? kernel->context : NULL, TG_ERROR_INVALID_ARGUMENT, "%s is null",
                       kernel ? "info" : "kernel");
    }
    if (i >= kernel->signature->n_params) {
        return tg_fail(kernel->context, TG_ERROR_INVALID_ARGUMENT,
                       "%s: there is no parameter %u of %u", kernel->signature->name, i,
                       kernel->signature->n_params);
    }
    if (info->struct_size < offsetof(tg_parameter_info, kind)) {
        return tg_fail(kernel->context, TG_ERROR_INVALID_ARGUMENT,
                       "info has struct_size %zu, expected %zu", info->struct_size,
                       sizeof *info);
    }
    const tg_sig_param *p = &kernel->signature->params[i];
    static const tg_parameter_kind kinds[] = {
        [TG_SP_IN] = TG_PARAMETER_IN,       [TG_SP_OUT] = TG_PARAMETER_OUT,
        [TG_SP_INOUT] = TG_PARAMETER_INOUT, [TG_SP_SCALAR] = TG_PARAMETER_SCALAR,
        [TG_SP_PTR] = TG_PARAMETER_POINTER,
    };
    tg_parameter_info full = {
        .struct_size = info->struct_size,
        .name = p->name,
        .kind = kinds[p->kind],
        .dtype = p->type.type_param >= 0 ? TG_DTYPE_NONE : p->type.dtype,
        .type_param = p->type.type_param >= 0
                          ? kernel->signature->tparams[p->type.type_param].name
                          : NULL,
        .rank = tg_param_is_tensor(p) ? p->rank : 0,
        .is_optional = tg_param_is_tensor(p) ? p->optional : p->has_default,
        .is_const = p->is_const};
    memcpy(info, &full, info->struct_size < sizeof full ? info->struct_size : sizeof full);
    return TG_OK;
}

/* ---- variants by name -----------------------------------------------------------------------------------------
 */

/* Decimal, or hexadecimal after 0x: what begins with a 0 is not octal, as in the language. From -2^63 to 2^64 - 1. */
static bool parse_int(const char *text, tg_scalar *out) {
    const char *digits = text + (*text == '-' || *text == '+');
    bool is_hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
    char *end;
    if (*digits < '0' || *digits > '9') {
        return false;
    }
    errno = 0;
    *out = (tg_scalar){.dtype = TG_I64, .i = strtoll(text, &end, is_hex ? 16 : 10)};
    if (errno && *text != '-') {
        errno = 0;
        *out = (tg_scalar){.dtype = TG_U64, .i = (int64_t)strtoull(text, &end, is_hex ? 16 : 10)};
    }
    return !errno && *end == '\0';
}

bool tg_scalar_parse(const char *text, tg_scalar *out) {
    char *end;
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
        *out = (tg_scalar){.dtype = TG_BOOL, .i = text[0] == 't'};
        return true;
    }
    if (parse_int(text, out)) {
        return true;
    }
    double f = tg_text_to_double(text, &end);
    *out = (tg_scalar){.dtype = TG_F64, .f = f};
    return *text && *end == '\0';
}

static bool name_is(const char *name, const char *text, size_t n) {
    return strlen(name) == n && memcmp(name, text, n) == 0;
}

static tg_status bound_twice(const tg_kernel *k, const char *name, size_t n) {
    return tg_fail(k->context, TG_ERROR_INVALID_ARGUMENT, "%s: %.*s is bound twice", k->signature->name, (int)n, name);
}

static tg_status bind_type(const tg_kernel *k, tg_selection *s, uint32_t t, const char *value) {
    const tg_sig_tparam *tp = &k->signature->tparams[t];
    tg_dtype dtype = tg_dtype_from_name(value);
    if (s->types[t]) {
        return bound_twice(k, tp->name, strlen(tp->name));
    }
    for (uint32_t i = 0; i < tp->n_members; i++) {
        if (tp->members[i] == dtype) {
            s->types[t] = dtype;
            return TG_OK;
        }
    }
    char list[200];
    tg_sig_type_list(tp, list, sizeof list);
    return tg_fail(k->context, TG_ERROR_INVALID_ARGUMENT,
                   "'%s' is not a type that %s of %s accepts: %s", value, tp->name,
                   k->signature->name, list);
}

/* Const scalars are converted to their type once all types are known. */
static tg_status bind_one(const tg_kernel *k, tg_selection *s, const char *text) {
    const tg_signature *sig = k->signature;
    size_t n = text ? strcspn(text, "=") : 0;
    if (!text || !text[n]) {
        return tg_fail(k->context, TG_ERROR_INVALID_ARGUMENT,
                       "%s: a binding is %s%s, expected NAME=VALUE", sig->name,
                       text ? text : "null", text && !*text ? "empty" : "");
    }
    const char *value = text + n + 1;
    tg_scalar scalar;
    for (uint32_t i = 0; i < sig->n_tparams; i++) {
        if (name_is(sig->tparams[i].name, text, n)) {
            return bind_type(k, s, i, value);
        }
    }
    int32_t slot = -1;
    for (uint32_t i = 0; i < sig->n_dims; i++) {
        slot = name_is(sig->dims[i].name, text, n) ? sig->dims[i].const_slot : slot;
    }
    for (uint32_t i = 0; i < sig->n_params; i++) {
        slot = name_is(sig->params[i].name, text, n) ? sig->params[i].const_slot : slot;
    }
    if (slot < 0) {
        return tg_fail(k->context, TG_ERROR_INVALID_ARGUMENT,
                       "%s has no type parameter or constant '%.*s'", sig->name, (int)n, text);
    }
    if (s->consts[slot].dtype) {
        return bound_twice(k, text, n);
    }
    if (!tg_scalar_parse(value, &scalar)) {
        return tg_fail(k->context, TG_ERROR_INVALID_ARGUMENT,
                       "%s: '%s' is no number, true or false", sig->name, text);
    }
    s->consts[slot] = scalar;
    return TG_OK;
}

static tg_status mark_absent(const tg_kernel *k, tg_selection *s, const char *name) {
    if (!name) {
        return tg_fail(k->context, TG_ERROR_INVALID_ARGUMENT, "%s: a name in `absent` is null",
                       k->signature->name);
    }
    for (uint32_t i = 0; i < k->signature->n_params; i++) {
        const tg_sig_param *p = &k->signature->params[i];
        if (strcmp(p->name, name) == 0 && tg_param_is_tensor(p) && p->optional) {
            s->present[i] = false;
            return TG_OK;
        }
    }
    return tg_fail(k->context, TG_ERROR_INVALID_ARGUMENT, "%s has no optional tensor '%s'",
                   k->signature->name, name);
}

static tg_status finish_selection(const tg_kernel *k, tg_selection *s) {
    const tg_signature *sig = k->signature;
    const char *missing = NULL, *misfit = NULL;
    for (uint32_t i = 0; i < sig->n_tparams; i++) {
        missing = s->types[i] ? missing : sig->tparams[i].name;
    }
    for (uint32_t i = 0; i < sig->n_dims; i++) {
        int32_t slot = sig->dims[i].const_slot;
        missing = slot >= 0 && !s->consts[slot].dtype ? sig->dims[i].name : missing;
        if (slot >= 0 && s->consts[slot].dtype) {
            misfit = tg_sig_scalar_fits(s->consts[slot], TG_I64) ? misfit : sig->dims[i].name;
            s->consts[slot] = tg_scalar_convert(s->consts[slot], TG_I64);
        }
    }
    for (uint32_t i = 0; i < sig->n_params && !missing; i++) {
        const tg_sig_param *p = &sig->params[i];
        tg_scalar *c = p->const_slot >= 0 ? &s->consts[p->const_slot] : NULL;
        if (!c) {
            continue;
        }
        *c = c->dtype || !p->has_default ? *c : p->default_value;
        missing = c->dtype ? missing : p->name;
        misfit =
            c->dtype && !tg_sig_scalar_fits(*c, tg_param_dtype(p, s->types)) ? p->name : misfit;
        *c = c->dtype ? tg_scalar_convert(*c, tg_param_dtype(p, s->types)) : *c;
    }
    if (missing || misfit) {
        return tg_fail(k->context, TG_ERROR_INVALID_ARGUMENT,
                       missing ? "%s: no value for %s; give a binding \"%s=…\""
                               : "%s: the value does not fit the type of %s",
                       sig->name, missing ? missing : misfit, missing);
    }
    tg_variant_key_make(k, s->types, s->consts, s->present, &s->key);
    return TG_OK;
}

tg_status tg_selection_read(const tg_kernel *k, const tg_kernel_spec *spec, tg_selection *s) {
    memset(s, 0, sizeof *s);
    for (uint32_t i = 0; i < TG_MAX_PARAMS; i++) {
        s->present[i] = i < k->signature->n_params;
    }
    if (spec && spec->struct_size < sizeof *spec) {
        return tg_fail(k->context, TG_ERROR_INVALID_ARGUMENT,
                       "spec has struct_size %zu, expected %zu", spec->struct_size,
                       sizeof *spec);
    }
    if (spec && ((spec->n_bindings && !spec->bindings) || (spec->n_absent && !spec->absent))) {
        bool first = spec->n_bindings && !spec->bindings;
        return tg_fail(k->context, TG_ERROR_INVALID_ARGUMENT, "spec.%s is null, spec.n_%s is %u", first ? "bindings" : "absent",
                       first ? "bindings" : "absent", first ? spec->n_bindings : spec->n_absent);
    }
    tg_status status = TG_OK;
    for (uint32_t i = 0; spec && i < spec->n_bindings && status == TG_OK; i++) {
        status = bind_one(k, s, spec->bindings[i]);
    }
    for (uint32_t i = 0; spec && i < spec->n_absent && status == TG_OK; i++) {
        status = mark_absent(k, s, spec->absent[i]);
    }
    return status ? status : finish_selection(k, s);
}

tg_status tg_kernel_prepare(tg_kernel *kernel, const tg_kernel_spec *spec) {
    tg_selection s;
    tg_variant *v;
    tg_status status = tg_kernel_check(kernel);
    status = status ? status : tg_selection_read(kernel, spec, &s);
    return status ? status : tg_variant_get(kernel, &s, &v);
}

/* ---- in the background -------------------------------------------------------------------------------------------
 */

typedef struct background {
    tg_kernel *kernel;
    tg_selection s;
    bool optional; /* better code, which nobody asked for: its failure is not reported */
} background;

static void finish_background(background *b, tg_status status) {
    tg_kernel *k = b->kernel;
    status = b->optional ? TG_OK : status;
    tg_free(&k->context->allocator, b, sizeof *b);
    pthread_mutex_lock(&k->lock);
    k->n_pending--;
    k->async_status = k->async_status ? k->async_status : status;
    pthread_cond_broadcast(&k->changed);
    pthread_mutex_unlock(&k->lock);
}

static void run_background(void *user) {
    background *b = user;
    tg_variant *v;
    tg_status status = tg_variant_get(b->kernel, &b->s, &v);
    if (b->optional && status == TG_OK) {
        atomic_fetch_add(&b->kernel->context->n_specialised, 1);
    }
    finish_background(b, status);
}

static void drop_background(void *user) {
    finish_background(user, TG_ERROR_UNSUPPORTED); /* the process ends */
}

tg_status tg_selection_compile_async(tg_kernel *kernel, const tg_selection *s) {
    bool optional = tg_variant_key_has_shapes(&s->key);
    const tg_allocator *a = &kernel->context->allocator;
    background *b = tg_alloc(a, sizeof *b, _Alignof(background));
    if (!b) {
        return tg_fail(kernel->context, TG_ERROR_OUT_OF_MEMORY, "out of memory");
    }
    b->kernel = kernel;
    b->s = *s;
    b->optional = optional;
    pthread_mutex_lock(&kernel->lock);
    kernel->n_pending++;
    pthread_mutex_unlock(&kernel->lock);
    tg_async_submit(kernel->context->async, run_background, drop_background, b);
    return TG_OK;
}

tg_status tg_kernel_prepare_async(tg_kernel *kernel, const tg_kernel_spec *spec) {
    tg_selection s;
    tg_status status = tg_kernel_check(kernel);
    status = status ? status : tg_selection_read(kernel, spec, &s);
    return status ? status : tg_selection_compile_async(kernel, &s);
}

tg_status tg_kernel_wait(tg_kernel *kernel) {
    tg_status ended = tg_kernel_check(kernel);
    if (ended) {
        return ended;
    }
    pthread_mutex_lock(&kernel->lock);
    while (kernel->n_pending) {
        pthread_cond_wait(&kernel->changed, &kernel->lock);
    }
    tg_status status = kernel->async_status;
    kernel->async_status = TG_OK;
    const tg_variant *failed = NULL;
    for (const tg_variant *v = kernel->variants; v && status; v = v->next) {
        failed = v->status == status ? v : failed;
    }
    pthread_mutex_unlock(&kernel->lock);
    if (status) {
        tg_fail_compile(kernel->context, status,
                        failed && failed->text ? failed->text : tg_status_name(status),
                        failed ? failed->json : NULL);
    }
    return status;
}

tg_status tg_kernel_get_stats(const tg_kernel *kernel, tg_kernel_stats *stats) {
    if (!kernel || !stats || stats->struct_size < sizeof *stats) {
        return tg_fail(kernel ? kernel->context : NULL, TG_ERROR_INVALID_ARGUMENT,
                       !kernel  ? "kernel is null"
                       : !stats ? "stats is null"
                                : "stats have a wrong struct_size");
    }
    tg_status ended = tg_kernel_check(kernel);
    if (ended) {
        return ended;
    }
    tg_kernel *k = (tg_kernel *)(uintptr_t)kernel;
    *stats = (tg_kernel_stats){.struct_size = stats->struct_size};
    pthread_mutex_lock(&k->lock);
    for (const tg_variant *v = k->variants; v; v = v->next) {
        if (atomic_load(&v->state) == TG_VARIANT_READY) {
            stats->n_variants++;
            stats->n_from_cache += v->from_cache;
            stats->compile_ms += v->compile_ms;
            stats->code_bytes += v->code_bytes;
        }
    }
    pthread_mutex_unlock(&k->lock);
    return TG_OK;
}
