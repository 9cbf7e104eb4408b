/* Bound launches: what a launch finds out about its arguments, kept.
 *
 *   tg_call_create   launch.c's checks → variant; per parameter what its entry takes and what a change of address must keep
 *   tg_call_run      → entry(rt, pointers), without an rt where the code needs none
 *   tg_call_run_on   pointers to copies of the tensors that move → entry(rt, pointers)
 *
 * A context lists its calls. Whoever ends a kernel takes the variant from its calls; a run that finds none says so. */
#include "jit/call.h"

#include "base/io.h"
#include "runtime/float_mode.h"

#include <string.h>

enum { MESSAGE_SIZE = 512, NAME_SIZE = 64 };

typedef struct bound {
    tg_launch_arg arg; /* as checks see it; a tensor is the one below */
    tg_tensor_arg tensor;
    tg_cell cell;
    tg_tensor *held;    /* null: not the call's */
    int64_t first, end; /* bytes from its data on that a tensor spans */
    uintptr_t align;    /* bits of its address that are zero */
    bool written;
} bound;

struct tg_call {
    _Atomic(tg_entry_fn) quick; /* an entry that only wants the pointers; null: see the variant */
    uint32_t float_mode;
    _Atomic(const tg_variant *) variant; /* null: its kernel has ended */
    tg_kernel *code;                     /* of the variant: the kernel itself, or under a schedule that was chosen */
    tg_kernel *kernel;
    tg_context *context; /* null: it has ended */
    tg_call *before, *after;
    tg_allocator allocator;
    size_t size;
    uint32_t n;
    bool borrowed;
    bool depends_on_addresses; /* a condition of the kernel does */
    char name[NAME_SIZE];
    tg_launch_binding binding;
    const void *pointers[TG_MAX_PARAMS];
    bound params[];
};

/* ---- binding ------------------------------------------------------------------------------------------------ */

static bool has_tensor(const bound *p) {
    return p->arg.tensor != NULL;
}

static void bind_tensor(bound *p, const tg_sig_param *sig, const tg_launch_arg *a) {
    p->tensor = *a->tensor;
    p->arg.tensor = &p->tensor;
    p->written = sig->kind != TG_SP_IN;
    uintptr_t bytes = (uintptr_t)tg_dtype_bits(tg_dtype_real(a->dtype)) / 8;
    p->align = bytes ? bytes - 1 : 0;
    if (!tg_launch_arg_spread(a, &p->first, &p->end)) {
        p->first = 0; /* overlaps everything */
        p->end = INT64_MAX;
    }
}

static bool reads_addresses(const tg_signature *sig) {
    for (uint32_t i = 0; i < sig->n_checks; i++) {
        for (uint32_t k = 0; k < sig->checks[i].expr.n; k++) {
            if (sig->checks[i].expr.code[k].op == TG_SE_ALIGNED) {
                return true;
            }
        }
    }
    return false;
}

/* References to the tensors among the values; they are not freed meanwhile, whatever the const says. */
static void hold(tg_call *c, const tg_argument *values, uint32_t n_values) {
    for (uint32_t i = 0; i < c->n && !c->borrowed; i++) {
        union {
            const tg_tensor *given;
            tg_tensor *kept;
        } t = {i < n_values && values[i].kind == TG_ARGUMENT_TENSOR ? values[i].u.tensor : NULL};
        tg_tensor *before = c->params[i].held;
        c->params[i].held = tg_tensor_retain(t.kept);
        tg_tensor_release(before);
    }
}

/* What entries take: after the checks. */
static void fill(tg_call *c, const tg_launch_arg *args, const tg_launch_binding *binding) {
    tg_cell cells[TG_MAX_PARAMS];
    tg_cells_fill(c->kernel->signature, args, binding->types, cells, c->pointers);
    for (uint32_t i = 0; i < c->n; i++) {
        bound *p = &c->params[i];
        p->arg = args[i];
        p->cell = cells[i];
        if (has_tensor(p)) {
            bind_tensor(p, &c->kernel->signature->params[i], &args[i]);
            c->pointers[i] = &p->tensor;
        } else if (c->pointers[i] == &cells[i]) {
            c->pointers[i] = &p->cell;
        }
    }
    c->binding = *binding;
}

static void set_variant(tg_call *c, const tg_variant *v) {
    bool quick = v && v->plain && !c->context->checked;
    atomic_store(&c->quick, quick ? v->code.entry : NULL);
    atomic_store(&c->variant, v);
}

bool tg_call_is_quick(const tg_call *call) {
    return atomic_load(&call->quick) != NULL;
}

static void enlist(tg_call *c) {
    tg_context *context = c->context;
    pthread_mutex_lock(&context->calls_lock);
    c->after = context->calls;
    if (c->after) {
        c->after->before = c;
    }
    context->calls = c;
    pthread_mutex_unlock(&context->calls_lock);
}

static tg_call *allocate(tg_kernel *kernel) {
    uint32_t n = kernel->signature->n_params;
    size_t size = sizeof(tg_call) + n * sizeof(bound);
    tg_call *c = tg_alloc(&kernel->context->allocator, size, _Alignof(tg_call));
    if (!c) {
        (void)tg_fail(kernel->context, TG_ERROR_OUT_OF_MEMORY, "out of memory");
        return NULL;
    }
    c->kernel = kernel;
    c->context = kernel->context;
    c->allocator = kernel->context->allocator;
    c->float_mode = tg_host_float_mode(kernel->context->host);
    c->size = size;
    c->n = n;
    c->depends_on_addresses = reads_addresses(kernel->signature);
    (void)tg_format(c->name, sizeof c->name, "%s", kernel->signature->name);
    return c;
}

static tg_status create(tg_kernel *kernel, const tg_argument *values, uint32_t n_values, const tg_call_options *options, bool borrowed,
                        tg_call **out) {
    tg_call_options o;
    tg_launch_arg args[TG_MAX_PARAMS];
    tg_launch_binding binding;
    tg_launch_code code;
    if (out) {
        *out = NULL;
    }
    if (!kernel || !out || !tg_options_read(options, &o, sizeof o)) {
        return tg_fail(kernel ? kernel->context : NULL, TG_ERROR_INVALID_ARGUMENT,
                       !kernel ? "kernel is null"
                       : !out  ? "out is null"
                               : "options have a wrong struct_size or unknown fields");
    }
    tg_status s = tg_kernel_check(kernel);
    s = s ? s : tg_launch_args_make(kernel, values, n_values, args);
    s = s ? s : tg_launch_check(kernel, args, &binding);
    s = s ? s : tg_launch_find_code(kernel, args, &binding, o.exact != 0, &code);
    if (s) {
        return s;
    }
    tg_call *c = allocate(kernel);
    if (!c) {
        return TG_ERROR_OUT_OF_MEMORY;
    }
    c->borrowed = borrowed;
    c->code = code.kernel;
    set_variant(c, code.variant);
    fill(c, args, &binding);
    hold(c, values, n_values);
    enlist(c);
    *out = c;
    return TG_OK;
}

tg_status tg_call_create(tg_kernel *kernel, const tg_argument *values, uint32_t n_values, const tg_call_options *options, tg_call **out) {
    return create(kernel, values, n_values, options, false, out);
}

tg_status tg_call_create_borrowed(tg_kernel *kernel, const tg_argument *values, uint32_t n_values, const tg_call_options *options,
                                  tg_call **out) {
    return create(kernel, values, n_values, options, true, out);
}

/* ---- ending -------------------------------------------------------------------------------------------------- */

void tg_calls_end(tg_context *context, const tg_kernel *kernel) {
    pthread_mutex_lock(&context->calls_lock);
    for (tg_call *c = context->calls, *after; c; c = after) {
        after = c->after;
        if (!kernel || c->kernel == kernel || c->code == kernel) {
            set_variant(c, NULL);
        }
        if (!kernel) {
            hold(c, NULL, 0); /* tensors do not outlive their context */
            c->context = NULL;
            c->before = c->after = NULL;
        }
    }
    pthread_mutex_unlock(&context->calls_lock);
}

static void unlist(tg_call *c) {
    tg_context *context = c->context;
    pthread_mutex_lock(&context->calls_lock);
    *(c->before ? &c->before->after : &context->calls) = c->after;
    if (c->after) {
        c->after->before = c->before;
    }
    pthread_mutex_unlock(&context->calls_lock);
}

void tg_call_destroy(tg_call *call) {
    if (!call) {
        return;
    }
    if (call->context) {
        unlist(call);
    }
    hold(call, NULL, 0);
    tg_allocator a = call->allocator;
    tg_free(&a, call, call->size);
}

/* ---- running -------------------------------------------------------------------------------------------------- */

static tg_status fail_ended(const tg_call *c) {
    return tg_fail(c ? c->context : NULL, TG_ERROR_INVALID_ARGUMENT, "%s", !c ? "call is null" : c->context ? "the module of this call has ended" : "the context of this call has ended");
}

/* The tensors lie as no code that was tried takes them: finds the code that does, and runs it. */
static tg_status run_first(tg_call *c, const tg_launch_arg *args) {
    tg_variant *ran;
    tg_status s = tg_launch_run(c->code, args, &c->binding, &ran);
    if (s == TG_OK) {
        set_variant(c, ran);
    }
    return s;
}

static void copy_args(const tg_call *c, const void *const *pointers, tg_launch_arg *args) {
    for (uint32_t i = 0; i < c->n; i++) {
        args[i] = c->params[i].arg;
        args[i].tensor = args[i].tensor ? pointers[i] : NULL;
    }
}

static tg_status run(tg_call *c, const void *const *pointers) {
    const tg_variant *v = atomic_load_explicit(&c->variant, memory_order_acquire);
    tg_launch_arg args[TG_MAX_PARAMS];
    if (!v) {
        return fail_ended(c);
    }
    if (c->context->checked) {
        copy_args(c, pointers, args);
        tg_status facts = tg_facts_check(c->kernel, &c->binding, args);
        if (facts) {
            return facts;
        }
    }
    tg_status s;
    if (tg_plan_run(c->code, v, pointers, &s)) {
        return s;
    }
    copy_args(c, pointers, args);
    return run_first(c, args);
}

static bool run_quickly(tg_call *c, const void *const *pointers) {
    tg_entry_fn entry = atomic_load_explicit(&c->quick, memory_order_acquire);
    return entry && tg_entry_run(entry, NULL, pointers, c->float_mode) == TG_OK;
}

tg_status tg_call_run(tg_call *call) {
    if (!call) {
        return fail_ended(NULL);
    }
    return run_quickly(call, call->pointers) ? TG_OK : run(call, call->pointers);
}

/* ---- other addresses -------------------------------------------------------------------------------------------- */

static bool is_apart(const bound *p, const tg_tensor_arg *at, const bound *q, const tg_tensor_arg *there) {
    uintptr_t x = (uintptr_t)at->data, y = (uintptr_t)there->data;
    bool empty = p->first == p->end || q->first == q->end;
    return empty || x + (uintptr_t)p->end <= y + (uintptr_t)q->first || y + (uintptr_t)q->end <= x + (uintptr_t)p->first;
}

/* Nothing that is written overlaps anything, and all is aligned? */
static bool lies_well(const tg_call *c, const void *const *pointers) {
    for (uint32_t i = 0; i < c->n; i++) {
        const bound *p = &c->params[i];
        const tg_tensor_arg *at = pointers[i];
        if (!has_tensor(p)) {
            continue;
        }
        if (((uintptr_t)at->data & p->align) != 0) {
            return false;
        }
        for (uint32_t k = 0; k < i; k++) {
            const bound *q = &c->params[k];
            if (has_tensor(q) && (p->written || q->written) && !is_apart(p, at, q, pointers[k])) {
                return false;
            }
        }
    }
    return true;
}

/* Says what is wrong with the addresses; OK if the quick test was too strict. */
static tg_status check_addresses(const tg_call *c, const void *const *pointers) {
    tg_launch_arg args[TG_MAX_PARAMS];
    tg_launch_binding binding;
    copy_args(c, pointers, args);
    return tg_launch_check(c->kernel, args, &binding);
}

static tg_status fail_data(const tg_call *c, uint32_t i) {
    if (i >= c->n) {
        return tg_fail(c->context, TG_ERROR_INVALID_ARGUMENT, "%s has %u parameters, data for %u given", c->name, c->n, i);
    }
    return tg_fail(c->context, TG_ERROR_INVALID_ARGUMENT, "%s: %s is bound to no tensor that could lie elsewhere", c->name,
                   c->kernel->signature->params[i].name);
}

static const tg_tensor_arg *moved(const bound *p, void *data, tg_tensor_arg *to) {
    to->data = data;
    for (uint32_t d = 0; d < p->arg.rank; d++) {
        to->shape[d] = p->tensor.shape[d];
        to->stride[d] = p->tensor.stride[d];
    }
    return to;
}

tg_status tg_call_run_on(tg_call *call, void *const *data, uint32_t n_data) {
    if (!call || !atomic_load_explicit(&call->variant, memory_order_acquire)) {
        return fail_ended(call);
    }
    if (n_data > call->n || (n_data && !data)) {
        return n_data > call->n ? fail_data(call, n_data) : tg_fail(call->context, TG_ERROR_INVALID_ARGUMENT, "%s: data is null, n_data is %u", call->name, n_data);
    }
    const void *pointers[TG_MAX_PARAMS];
    tg_tensor_arg tensors[TG_MAX_PARAMS];
    for (uint32_t i = 0; i < call->n; i++) {
        pointers[i] = call->pointers[i];
        if (i < n_data && data[i]) {
            if (!has_tensor(&call->params[i]) || call->params[i].arg.packing.width) {
                return fail_data(call, i);
            }
            pointers[i] = moved(&call->params[i], data[i], &tensors[i]);
        }
    }
    if (call->depends_on_addresses || !lies_well(call, pointers)) {
        tg_status s = check_addresses(call, pointers);
        if (s) {
            return s;
        }
    }
    return run_quickly(call, pointers) ? TG_OK : run(call, pointers);
}

static bool same_layout(const bound *p, const tg_launch_arg *a) {
    bool same = a->dtype == p->arg.dtype && a->rank == p->arg.rank && tg_packing_is(&a->packing, &p->arg.packing);
    for (uint32_t d = 0; same && d < a->rank; d++) {
        same = a->tensor->shape[d] == p->tensor.shape[d] && a->tensor->stride[d] == p->tensor.stride[d];
    }
    return same;
}

bool tg_call_takes(const tg_call *call, uint32_t i, const tg_tensor *t) {
    tg_launch_arg a = {.dtype = t->dtype, .rank = t->rank, .tensor = &t->arg, .packing = t->packing};
    return i < call->n && has_tensor(&call->params[i]) && same_layout(&call->params[i], &a);
}

static bool same_constant(const tg_scalar *x, const tg_scalar *y) {
    bool is_int = tg_dtype_kind_of(x->dtype) < TG_KIND_FLOAT;
    return x->dtype == y->dtype && (is_int ? x->i == y->i : memcmp(&x->f, &y->f, sizeof x->f) == 0 && (tg_dtype_kind_of(x->dtype) != TG_KIND_COMPLEX || memcmp(&x->g, &y->g, sizeof x->g) == 0));
}

/* Types and `const` dimensions follow from the tensors. */
static tg_status check_same(const tg_call *c, const tg_launch_arg *args, const tg_launch_binding *b) {
    const tg_signature *sig = c->kernel->signature;
    for (uint32_t i = 0; i < c->n; i++) {
        const bound *p = &c->params[i];
        bool given = args[i].tensor != NULL;
        if (given != has_tensor(p) || (given && !same_layout(p, &args[i]))) {
            return tg_fail(c->context, TG_ERROR_INVALID_ARGUMENT, "%s: %s is not laid out as the one that was bound", c->name, sig->params[i].name);
        }
        int32_t slot = sig->params[i].const_slot;
        if (slot >= 0 && !same_constant(&b->consts[slot], &c->binding.consts[slot])) {
            return tg_fail(c->context, TG_ERROR_INVALID_ARGUMENT, "%s: %s is const and has another value than the one that was bound", c->name, sig->params[i].name);
        }
    }
    return TG_OK;
}

tg_status tg_call_rebind(tg_call *call, const tg_argument *values, uint32_t n_values) {
    if (!call || !atomic_load(&call->variant)) {
        return fail_ended(call);
    }
    tg_launch_arg args[TG_MAX_PARAMS];
    tg_launch_binding binding;
    tg_status s = tg_launch_args_make(call->kernel, values, n_values, args);
    s = s ? s : tg_launch_check(call->kernel, args, &binding);
    s = s ? s : check_same(call, args, &binding);
    if (s) {
        return s;
    }
    hold(call, values, n_values);
    fill(call, args, &binding);
    return TG_OK;
}
