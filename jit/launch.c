/* tg_launch: arguments to what generated code takes.
 *
 *   tg_argument[] ─make→ tg_launch_arg[] ─bind, check→ types, dims, constants ─key→ variant ─→ entry(rt, cells)
 *                 ─like a launch before (plan.c)──────────────────────────────────→
 *
 * Everything is on the stack; a launch of a compiled variant allocates nothing and takes no
 * lock. */
#include "jit/context.h"

#include "runtime/float_mode.h"

#include <string.h>

enum { MESSAGE_SIZE = 512 };

/* ---- from the host ------------------------------------------------------------------------------------------
 */

static tg_status make_tensor(const tg_kernel *k, uint32_t i, const tg_argument *v,
                             tg_launch_arg *out) {
    const tg_sig_param *p = &k->signature->params[i];
    bool absent =
        v->kind == TG_ARGUMENT_NONE || (v->kind == TG_ARGUMENT_POINTER && !v->u.pointer);
    if (!absent && v->kind != TG_ARGUMENT_TENSOR) {
        return tg_fail(k->context, TG_ERROR_INVALID_ARGUMENT,
                       "%s: %s is a tensor; argument %u is a %s", k->signature->name, p->name,
                       i + 1, v->kind == TG_ARGUMENT_POINTER ? "pointer" : "number");
    }
    const tg_tensor *t = absent ? NULL : v->u.tensor;
    *out = (tg_launch_arg){0};
    if (t && t->read_only && p->kind != TG_SP_IN) {
        return tg_fail(k->context, TG_ERROR_INVALID_ARGUMENT, "%s: %s is written; argument %u is read-only, as its DLPack capsule said",
                       k->signature->name, p->name, i + 1);
    }
    if (t) {
        out->tensor = &t->arg;
        out->dtype = t->packing.width ? t->packed_dtype : t->dtype;
        out->rank = t->rank;
        out->packing = t->packing;
    }
    return TG_OK;
}

tg_scalar tg_argument_scalar(const tg_argument *v) {
    switch (v->kind) {
    case TG_ARGUMENT_INT:
        return (tg_scalar){.dtype = TG_I64, .i = v->u.i};
    case TG_ARGUMENT_UINT:
    case TG_ARGUMENT_POINTER:
        return (tg_scalar){.dtype = TG_U64, .i = v->u.i};
    case TG_ARGUMENT_FLOAT:
        return (tg_scalar){.dtype = TG_F64, .f = v->u.f};
    case TG_ARGUMENT_BOOL:
        return (tg_scalar){.dtype = TG_BOOL, .i = v->u.i};
    case TG_ARGUMENT_NONE:
    case TG_ARGUMENT_TENSOR:
        break;
    }
    return (tg_scalar){0};
}

static tg_status make_scalar(const tg_kernel *k, uint32_t i, const tg_argument *v,
                             tg_launch_arg *out) {
    const tg_sig_param *p = &k->signature->params[i];
    bool tensor = v->kind == TG_ARGUMENT_TENSOR;
    if (p->kind != TG_SP_PTR && (tensor || v->kind == TG_ARGUMENT_POINTER)) {
        return tg_fail(k->context, TG_ERROR_INVALID_ARGUMENT,
                       "%s: %s is a number; argument %u is a %s", k->signature->name, p->name,
                       i + 1, tensor ? "tensor" : "pointer");
    }
    tg_scalar s = tg_argument_scalar(v);
    if (tensor) { /* the address of its first element */
        s = (tg_scalar){.dtype = TG_U64, .i = (int64_t)(uintptr_t)v->u.tensor->arg.data};
    }
    *out = (tg_launch_arg){.dtype = s.dtype, .scalar = s};
    return TG_OK;
}

tg_status tg_launch_args_make(const tg_kernel *k, const tg_argument *values, uint32_t n_values,
                              tg_launch_arg *args) {
    const tg_signature *sig = k->signature;
    if (n_values && !values) {
        return tg_fail(k->context, TG_ERROR_INVALID_ARGUMENT,
                       "%s: values is null, n_values is %u", sig->name, n_values);
    }
    if (n_values > sig->n_params) {
        return tg_fail(k->context, TG_ERROR_INVALID_ARGUMENT, "%s takes %u arguments, %u given",
                       sig->name, sig->n_params, n_values);
    }
    static const tg_argument none = {TG_ARGUMENT_NONE, {0}};
    for (uint32_t i = 0; i < sig->n_params; i++) {
        const tg_argument *v = i < n_values ? &values[i] : &none;
        tg_status s = tg_param_is_tensor(&sig->params[i]) ? make_tensor(k, i, v, &args[i])
                                                          : make_scalar(k, i, v, &args[i]);
        if (s) {
            return s;
        }
    }
    return TG_OK;
}

/* ---- checks and the variant -------------------------------------------------------------------------------
 */

tg_status tg_launch_check(const tg_kernel *k, const tg_launch_arg *args, tg_launch_binding *b) {
    char message[MESSAGE_SIZE];
    const tg_signature *sig = k->signature;
    tg_status s = tg_signature_bind(sig, args, sig->n_params, b, message, sizeof message);
    if (s == TG_OK) {
        s = tg_signature_check_memory(sig, args, sig->n_params, message, sizeof message);
    }
    if (s) {
        return tg_fail(k->context, s, "%s: %s", sig->name, message);
    }
    return k->context->checked ? tg_facts_check(k, b, args) : TG_OK;
}

/* From the first byte to the last; far more than memory has if that is not known. */
static int64_t span_of(const tg_launch_arg *a) {
    int64_t first, end;
    return tg_launch_arg_spread(a, &first, &end) ? end - first : INT64_MAX / (2 * TG_MAX_PARAMS);
}

/* What a launch works on. */
static int64_t bytes_of(const tg_kernel *k, const tg_launch_arg *args) {
    int64_t bytes = 0;
    for (uint32_t i = 0; i < k->signature->n_params; i++) {
        bytes += args[i].tensor ? span_of(&args[i]) : 0;
    }
    return bytes;
}

static void present_of(const tg_kernel *k, const tg_launch_arg *args, bool *present) {
    for (uint32_t i = 0; i < k->signature->n_params; i++) {
        present[i] = !tg_param_is_tensor(&k->signature->params[i]) || args[i].tensor;
    }
}

static bool is_few(const tg_launch_arg *a, uint32_t d) {
    return a->tensor->shape[d] <= TG_FEW_ROWS;
}

/* The span of a matrix lacks what a step between its lines counts beyond the last. */
static bool is_much(int64_t bytes) {
    return bytes >= TG_FEW_BYTES / 2;
}

/* None where nothing is so large that code for few rows would run. */
static void short_dims_of(const tg_kernel *k, const tg_launch_arg *args, uint8_t *dims) {
    bool much = is_much(bytes_of(k, args));
    for (uint32_t i = 0; i < k->signature->n_params; i++) {
        uint32_t few = 0;
        for (uint32_t d = 0; much && args[i].tensor && d < args[i].rank; d++) {
            few |= (uint32_t)is_few(&args[i], d) << d;
        }
        dims[i] = (uint8_t)few;
    }
}

void tg_selection_of_launch(const tg_kernel *k, const tg_launch_arg *args,
                            const tg_launch_binding *b, tg_selection *s) {
    memcpy(s->types, b->types, sizeof s->types);
    memcpy(s->consts, b->consts, sizeof s->consts);
    present_of(k, args, s->present);
    short_dims_of(k, args, s->short_dims);
    tg_variant_key_make(k, s->types, s->consts, s->present, &s->key);
}

/* Which strides a variant is for: 1 in last dimensions; these tensors' if those have 1 elsewhere; any. */
typedef enum form { USUAL, ORDERED, GENERAL } form;

/* How the tensors lie; false if one has no dimension of stride 1. */
static bool orders_of(const tg_kernel *k, const tg_launch_arg *args, tg_order *orders) {
    bool rows = true;
    for (uint32_t i = 0; i < k->signature->n_params; i++) {
        const tg_launch_arg *a = &args[i];
        bool whole = a->tensor && tg_dtype_bits(a->dtype) >= 8; /* an element in part of a byte has neighbours there */
        orders[i] = whole ? tg_order_of(a->tensor->shape, a->tensor->stride, a->rank) : 0;
        rows = rows && (orders[i] || !whole || a->rank == 0);
    }
    return rows;
}

/* One bit per parameter. */
static uint64_t packed_of(const tg_kernel *k, const tg_launch_arg *args) {
    uint64_t packed = 0;
    for (uint32_t i = 0; i < k->signature->n_params; i++) {
        packed |= (uint64_t)(args[i].packing.width > 0) << i;
    }
    return packed;
}

bool tg_launch_has_packed(const tg_kernel *k, const tg_launch_arg *args) {
    return packed_of(k, args) != 0;
}

enum { PACKING_TEXT = 96 };

static const char *packing_text(const tg_packing *p, char *out) {
    size_t n = tg_format(out, PACKING_TEXT, "panels of %u along dimension %u", p->width, p->dim);
    if (p->group > 1 && n < PACKING_TEXT) {
        (void)tg_format(out + n, PACKING_TEXT - n, " in groups of %u along %u%s", p->group, p->along, p->flips ? ", with sums" : "");
    }
    return out;
}

/* Was the packed operand laid out as this code reads it? */
static tg_status check_packing(const tg_kernel *k, const tg_launch_arg *args, const tg_variant *v) {
    for (uint32_t i = 0; i < k->signature->n_params; i++) {
        const tg_packing *p = &args[i].packing;
        char had[PACKING_TEXT], wants[PACKING_TEXT];
        if (p->width && !tg_packing_is(p, &v->packing)) {
            return tg_fail(k->context, TG_ERROR_INVALID_ARGUMENT, "%s: %s was packed for another kernel or schedule (%s, here %s): pack it with this one",
                           k->signature->name, k->signature->params[i].name, packing_text(p, had), packing_text(&v->packing, wants));
        }
    }
    return TG_OK;
}

static tg_status find_or_compile(tg_kernel *k, const tg_selection *s, tg_variant **out) {
    *out = tg_variant_find(k, &s->key);
    return *out ? TG_OK : tg_variant_get(k, s, out);
}

static tg_status get_packed(tg_kernel *k, const tg_launch_arg *args, const tg_launch_binding *b, form which, tg_variant **out) {
    tg_selection s;
    if (which != USUAL) {
        return tg_fail(k->context, TG_ERROR_UNSUPPORTED, "%s: beside a packed operand tensors must have a last stride of 1", k->signature->name);
    }
    uint64_t packed = packed_of(k, args);
    if (packed & (packed - 1)) { /* the code knows of one (tg_packing) */
        return tg_fail(k->context, TG_ERROR_UNSUPPORTED, "%s: only one operand of a launch can be packed", k->signature->name);
    }
    tg_selection_of_launch(k, args, b, &s);
    tg_variant_key_set_packed(&s.key, packed);
    tg_status status = find_or_compile(k, &s, out);
    return status ? status : check_packing(k, args, *out);
}

tg_status tg_launch_get_packed(tg_kernel *k, uint32_t i, const tg_launch_arg *args, const tg_launch_binding *b, tg_variant **out) {
    tg_selection s;
    tg_selection_of_launch(k, args, b, &s);
    tg_variant_key_set_packed(&s.key, UINT64_C(1) << i);
    return tg_variant_get(k, &s, out);
}

/* Was code left out that this launch wants, as its rows are few? */
static bool lacks_few(const tg_variant *v, const tg_launch_arg *args) {
    const tg_few_rows *f = &v->few_rows;
    return f->left_out && is_few(&args[f->param], f->dim) && is_much(span_of(&args[f->against]));
}

static tg_status get_variant(tg_kernel *k, const tg_launch_arg *args,
                             const tg_launch_binding *b, form which, tg_variant **out) {
    if (tg_launch_has_packed(k, args)) {
        return get_packed(k, args, b, which, out);
    }
    tg_selection s;
    tg_selection_of_launch(k, args, b, &s);
    if (which == GENERAL) {
        tg_variant_key_set_general(&s.key);
    } else if (which == ORDERED) {
        tg_order orders[TG_MAX_PARAMS];
        orders_of(k, args, orders);
        tg_variant_key_set_orders(k, orders, &s.key);
    }
    tg_status status = find_or_compile(k, &s, out);
    if (status == TG_OK && lacks_few(*out, args)) {
        tg_variant_key_set_few(&s.key);
        status = find_or_compile(k, &s, out);
    }
    return status;
}

/* *needs_general: the tensors' strides are not what the variant was compiled for; nothing was done. */
static tg_status enter(const tg_kernel *k, const tg_variant *v, const void *const *pointers,
                       bool *needs_general) {
    char message[MESSAGE_SIZE];
    tg_host *host = k->context->host;
    message[0] = '\0';
    tg_status s = v->plain ? (tg_status)tg_entry_run(v->code.entry, NULL, pointers, tg_host_float_mode(host))
                           : tg_host_launch(host, v->code.entry, pointers, v->serial, message, sizeof message);
    *needs_general = (int32_t)s == TG_ENTRY_NEEDS_GENERAL;
    if (*needs_general) {
        return TG_OK;
    }
    return s ? tg_fail(k->context, s, "%s: %s", k->signature->name, message) : TG_OK;
}

static tg_status check_variant(const tg_kernel *k, const tg_variant *v) {
    if (v->nondeterministic && k->context->deterministic) {
        return tg_fail(k->context, TG_ERROR_LAUNCH,
                       "L0907: %s adds floats atomically, so its result depends on the order "
                       "of its instances; the "
                       "context is deterministic",
                       k->signature->name);
    }
    return TG_OK;
}

static tg_status run(tg_kernel *k, const tg_variant *v, const tg_launch_arg *args,
                     const tg_dtype *types, bool *needs_general) {
    tg_status s = check_variant(k, v);
    if (s) {
        return s;
    }
    tg_cell cells[TG_MAX_PARAMS];
    const void *pointers[TG_MAX_PARAMS];
    tg_cells_fill(k->signature, args, types, cells, pointers);
    return enter(k, v, pointers, needs_general);
}

/* ---- code for shapes that come often ------------------------------------------------------------------------ */

/* Are the last dimensions contiguous, as code for usual strides has them? */
static bool has_usual_strides(const tg_kernel *k, const tg_launch_arg *args) {
    bool usual = true;
    for (uint32_t i = 0; i < k->signature->n_params; i++) {
        const tg_tensor_arg *t = args[i].rank ? args[i].tensor : NULL;
        usual = usual && (!t || t->stride[args[i].rank - 1] == 1 || t->shape[args[i].rank - 1] <= 1);
    }
    return usual;
}

/* The key of code for these shapes and strides alone; false if there is none. */
static bool select_shapes(const tg_kernel *k, const tg_launch_arg *args,
                          const tg_launch_binding *b, tg_selection *s) {
    tg_order orders[TG_MAX_PARAMS];
    tg_selection_of_launch(k, args, b, s);
    bool fits = !tg_launch_has_packed(k, args) && tg_variant_key_set_shapes(k, args, &s->key);
    return fits && (has_usual_strides(k, args) || !orders_of(k, args, orders) || tg_variant_key_add_orders(k, orders, &s->key));
}

enum { SMALL_BYTES = 256 << 10 }; /* that fit the second-level cache */

/* Are there rows shorter than half a vector? Code that knows them runs its lanes along something else. */
static bool has_short_rows(const tg_kernel *k, const tg_launch_arg *args) {
    enum { SHORT = 4 };
    bool is_short = false;
    for (uint32_t i = 0; i < k->signature->n_params; i++) {
        const tg_launch_arg *a = &args[i];
        is_short = is_short || (a->tensor && a->rank > 1 && a->tensor->shape[a->rank - 1] <= SHORT);
    }
    return is_short;
}

/* Large launches gain from code of their own only if rows are short; it is due all the sooner. The launches counted ahead for that. */
static uint32_t head_start(const tg_kernel *k, const tg_launch_arg *args) {
    uint32_t after = k->context->specialise_after;
    int64_t bytes = bytes_of(k, args), times = bytes > SMALL_BYTES && has_short_rows(k, args) ? bytes / (SMALL_BYTES / 4) : 1;
    uint32_t left = times < after ? after / (uint32_t)times : 1;
    return left < after ? after - left : 0;
}

static bool gains(const tg_kernel *k, const tg_launch_arg *args) {
    return bytes_of(k, args) <= SMALL_BYTES || has_short_rows(k, args);
}

/* Has code compiled for a launch that has come often, unless it would gain little or too many others have some. */
static void specialise(tg_kernel *k, const tg_launch_arg *args, const tg_launch_binding *b,
                       const tg_variant *ran) {
    enum { MOST_SHAPES = 16 };
    tg_selection s;
    if (tg_variant_is_usual(ran) && gains(k, args) && select_shapes(k, args, b, &s) &&
        atomic_fetch_add(&k->n_shapes, 1) < MOST_SHAPES) {
        (void)tg_selection_compile_async(k, &s); /* nobody asked for it */
    }
}

static tg_variant *find_special(const tg_kernel *k, const tg_launch_arg *args,
                                const tg_launch_binding *b) {
    tg_selection s;
    bool some = atomic_load_explicit(&k->n_shapes, memory_order_relaxed) > 0;
    return some && select_shapes(k, args, b, &s) ? tg_variant_find(k, &s.key) : NULL;
}

tg_status tg_launch_run(tg_kernel *k, const tg_launch_arg *args,
                        const tg_launch_binding *binding, tg_variant **ran) {
    bool needs_general = false;
    *ran = find_special(k, args, binding);
    if (*ran) {
        tg_status s = run(k, *ran, args, binding->types, &needs_general);
        if (s || !needs_general) {
            return s;
        }
    }
    tg_status s = get_variant(k, args, binding, USUAL, ran);
    if (s == TG_OK) {
        s = run(k, *ran, args, binding->types, &needs_general);
    }
    tg_order orders[TG_MAX_PARAMS];
    if (needs_general && orders_of(k, args, orders)) {
        s = get_variant(k, args, binding, ORDERED, ran);
        s = s ? s : run(k, *ran, args, binding->types, &needs_general);
    }
    if (needs_general && s == TG_OK) {
        s = get_variant(k, args, binding, GENERAL, ran);
        s = s ? s : run(k, *ran, args, binding->types, &needs_general);
    }
    return s;
}

/* Code for these shapes alone, compiled if need be; null: none, or it does not compile. */
static tg_variant *get_exact(tg_kernel *k, const tg_launch_arg *args, const tg_launch_binding *b) {
    tg_selection s;
    tg_variant *v;
    bool may = !k->context->deterministic && !k->context->checked && select_shapes(k, args, b, &s);
    return may && tg_variant_get(k, &s, &v) == TG_OK ? v : NULL;
}

static tg_status find_code(tg_kernel *k, const tg_launch_arg *args, const tg_launch_binding *b, bool exact, tg_launch_code *out) {
    out->kernel = k;
    out->variant = exact ? get_exact(k, args, b) : find_special(k, args, b);
    tg_status s = out->variant ? TG_OK : get_variant(k, args, b, USUAL, &out->variant);
    return s ? s : check_variant(k, out->variant);
}

tg_status tg_launch_find_code(tg_kernel *k, const tg_launch_arg *args, const tg_launch_binding *b, bool exact, tg_launch_code *out) {
    uint64_t epoch;
    tg_kernel *chosen = tg_choose(k, args, b, &epoch);
    tg_status s = find_code(chosen, args, b, exact, out);
    bool unusable = s == TG_ERROR_COMPILE || s == TG_ERROR_UNSUPPORTED;
    return unusable && chosen != k ? find_code(k, args, b, exact, out) : s;
}

static tg_status launch_checked(tg_kernel *kernel, const tg_argument *values,
                                uint32_t n_values, bool hot) {
    tg_launch_arg args[TG_MAX_PARAMS];
    tg_launch_binding binding;
    tg_status s = tg_kernel_check(kernel);
    s = s ? s : tg_launch_args_make(kernel, values, n_values, args);
    s = s ? s : tg_launch_check(kernel, args, &binding);
    if (s) {
        return s;
    }
    uint64_t epoch;
    tg_variant *ran;
    uint64_t before = tg_plan_epoch_of(kernel, 0);
    tg_kernel *chosen = tg_choose(kernel, args, &binding, &epoch);
    s = tg_launch_run(chosen, args, &binding, &ran);
    /* A schedule that no longer compiles is no reason to fail: nothing was run yet. */
    bool unusable = s == TG_ERROR_COMPILE || s == TG_ERROR_UNSUPPORTED;
    if (unusable && chosen != kernel) {
        return tg_launch_run(kernel, args, &binding, &ran);
    }
    if (s == TG_OK && hot) {
        specialise(chosen, args, &binding, ran);
    }
    if (s == TG_OK && epoch != TG_NOT_SETTLED && !tg_launch_has_packed(kernel, args)) {
        tg_plan_keep(kernel, values, n_values, args, binding.types, ran, before + epoch,
                     hot ? kernel->context->specialise_after : head_start(kernel, args));
    }
    return s;
}

bool tg_plan_run(const tg_kernel *k, const tg_variant *variant, const void *const *pointers,
                 tg_status *status) {
    bool needs_general;
    *status = enter(k, variant, pointers, &needs_general);
    return !needs_general;
}

tg_status tg_launch(tg_kernel *kernel, const tg_argument *values, uint32_t n_values) {
    if (!kernel) {
        return tg_fail(NULL, TG_ERROR_INVALID_ARGUMENT, "kernel is null");
    }
    tg_plan plan;
    tg_status s;
    if (tg_plan_find(kernel, values, n_values, &plan) &&
        tg_plan_run(kernel, plan.variant, plan.pointers, &s)) {
        return s;
    }
    return launch_checked(kernel, values, n_values, plan.hot);
}

void tg_launch_compile_ahead(tg_kernel *kernel, const tg_argument *values, uint32_t n_values) {
    char message[MESSAGE_SIZE];
    tg_launch_arg args[TG_MAX_PARAMS];
    tg_launch_binding binding;
    tg_selection s;
    if (tg_launch_args_make(kernel, values, n_values, args) ||
        tg_signature_bind(kernel->signature, args, kernel->signature->n_params, &binding, message, sizeof message)) {
        return;
    }
    tg_selection_of_launch(kernel, args, &binding, &s);
    const tg_variant *there = tg_variant_find(kernel, &s.key);
    if (there && lacks_few(there, args)) {
        tg_variant_key_set_few(&s.key);
        there = tg_variant_find(kernel, &s.key);
    }
    if (!tg_launch_has_packed(kernel, args) && !there) {
        (void)tg_selection_compile_async(kernel, &s);
    }
}

tg_status tg_kernel_prepare_args(tg_kernel *kernel, const tg_argument *values,
                                 uint32_t n_values) {
    tg_launch_arg args[TG_MAX_PARAMS];
    tg_launch_binding binding;
    tg_variant *v;
    tg_status s = tg_kernel_check(kernel);
    s = s ? s : tg_launch_args_make(kernel, values, n_values, args);
    s = s ? s : tg_launch_check(kernel, args, &binding);
    uint64_t epoch;
    return s ? s
             : get_variant(tg_choose(kernel, args, &binding, &epoch), args, &binding, USUAL,
                           &v);
}

static tg_status check_ranks(const tg_kernel *k, const tg_launch_arg *args) {
    for (uint32_t i = 0; i < k->signature->n_params; i++) {
        const tg_sig_param *p = &k->signature->params[i];
        if (args[i].tensor && args[i].rank != p->rank) {
            return tg_fail(k->context, TG_ERROR_INVALID_ARGUMENT, "%s: %s has %u dimensions, expected %u", k->signature->name, p->name,
                           args[i].rank, p->rank);
        }
    }
    return TG_OK;
}

tg_status tg_kernel_infer_shape(const tg_kernel *kernel, const tg_argument *values,
                                uint32_t n_values, uint32_t i, int64_t *shape) {
    if (!kernel || !shape) {
        return tg_fail(kernel ? kernel->context : NULL, TG_ERROR_INVALID_ARGUMENT, "%s is null",
                       kernel ? "shape" : "kernel");
    }
    if (i >= kernel->signature->n_params ||
        !tg_param_is_tensor(&kernel->signature->params[i])) {
        bool is_there = i < kernel->signature->n_params;
        return tg_fail(kernel->context, TG_ERROR_INVALID_ARGUMENT,
                       is_there ? "%s: parameter %u is a number, not a tensor"
                                : "%s: there is no parameter %u",
                       kernel->signature->name, i);
    }
    tg_launch_arg args[TG_MAX_PARAMS];
    tg_launch_binding binding;
    tg_status s = tg_launch_args_make(kernel, values, n_values, args);
    if (s) {
        return s;
    }
    s = check_ranks(kernel, args);
    if (s) {
        return s;
    }
    tg_signature_bind_dims(kernel->signature, args, kernel->signature->n_params, &binding);
    if (!tg_signature_infer_shape(kernel->signature, &binding, args, i, shape)) {
        return tg_fail(kernel->context, TG_ERROR_INVALID_ARGUMENT,
                       "the arguments do not determine the shape of %s",
                       kernel->signature->params[i].name);
    }
    return TG_OK;
}
