/* See fft_ready.h. */
#include "stdlib/fft_ready.h"

#include "runtime/float_mode.h"

#include <string.h>

/* How often a plan may follow what a context has newly compiled. */
enum { MAX_RANK = 3, MOST_BEFORE = 16 };

/* A tensor of tg_fft_execute: its layout, and the bytes it spans from its data on. */
typedef struct layout {
    tg_dtype dtype;
    uint32_t rank;
    int64_t shape[MAX_RANK], stride[MAX_RANK];
    int64_t first, end;
    uintptr_t align; /* bits of an address that are zero */
} layout;

struct tg_fft_ready {
    struct tg_fft_ready *before; /* which others may still read */
    uint32_t n_before;
    const tg_kernel *kernel;
    const tg_variant *variant;
    tg_entry_fn quick; /* an entry that only wants the pointers; null: see the variant */
    uint32_t float_mode;
    uint64_t epoch;
    layout x, y;
    uint32_t n, out;
    tg_cell cells[TG_FFT_MAX_ARGS];
    tg_tensor_arg tensors[TG_FFT_MAX_ARGS]; /* as the kernel sees them; x and y where they were then */
    const void *pointers[TG_FFT_MAX_ARGS];
};

/* ---- launching ----------------------------------------------------------------------------- */

tg_fft_call tg_fft_call_make(tg_std_row row, uint32_t out, const tg_argument *values, uint32_t n) {
    tg_fft_call c = {.row = row, .n = n, .out = out};
    memcpy(c.values, values, n * sizeof *values);
    return c;
}

tg_status tg_fft_call_launch(tg_context *context, const tg_fft_call *c) {
    return tg_std_launch(context, c->row, c->values, c->n);
}

/* No branch for each number: all of them are alike nearly always. */
static bool fits(const layout *l, const tg_tensor *t) {
    if (t->dtype != l->dtype || t->rank != l->rank) {
        return false;
    }
    int64_t differ = 0;
    for (uint32_t d = 0; d < l->rank; d++) {
        differ |= (t->arg.shape[d] ^ l->shape[d]) | (t->arg.stride[d] ^ l->stride[d]);
    }
    return differ == 0;
}

static bool is_aligned(const layout *l, const tg_tensor *t) {
    return t->arg.data && ((uintptr_t)t->arg.data & l->align) == 0;
}

static bool apart(const tg_fft_ready *r, const tg_tensor *x, const tg_tensor *y) {
    uintptr_t from = (uintptr_t)x->arg.data, to = (uintptr_t)y->arg.data;
    return from + (uintptr_t)r->x.end <= to + (uintptr_t)r->y.first || to + (uintptr_t)r->y.end <= from + (uintptr_t)r->x.first;
}

static bool run(const tg_fft_ready *r, const void *const *pointers, tg_status *s) {
    if (r->quick && tg_entry_run(r->quick, NULL, pointers, r->float_mode) == TG_OK) {
        *s = TG_OK;
        return true;
    }
    return tg_plan_run(r->kernel, r->variant, pointers, s);
}

/* The kernels of transforms take at most four dimensions. */
static const tg_tensor_arg *placed(const tg_tensor_arg *from, void *data, tg_tensor_arg *to) {
    to->data = data;
    memcpy(to->shape, from->shape, 4 * sizeof *to->shape);
    memcpy(to->stride, from->stride, 4 * sizeof *to->stride);
    return to;
}

static bool run_elsewhere(const tg_fft_ready *r, const tg_tensor *x, const tg_tensor *y, tg_status *s) {
    if (!is_aligned(&r->x, x) || !is_aligned(&r->y, y) || !apart(r, x, y)) {
        return false;
    }
    tg_tensor_arg in, out;
    const void *pointers[TG_FFT_MAX_ARGS];
    memcpy(pointers, r->pointers, sizeof pointers);
    pointers[0] = placed(&r->tensors[0], x->arg.data, &in);
    pointers[r->out] = placed(&r->tensors[r->out], y->arg.data, &out);
    return run(r, pointers, s);
}

bool tg_fft_ready_run(const tg_fft_ready *r, const tg_tensor *x, const tg_tensor *y, tg_status *s) {
    if (!r || !x || !y || !fits(&r->x, x) || !fits(&r->y, y) || tg_plan_epoch(r->kernel) != r->epoch) {
        return false;
    }
    bool same_place = x->arg.data == r->tensors[0].data && y->arg.data == r->tensors[r->out].data;
    return same_place ? run(r, r->pointers, s) : run_elsewhere(r, x, y, s);
}

/* ---- keeping ------------------------------------------------------------------------------- */

static bool layout_of(const tg_tensor *t, layout *l) {
    tg_launch_arg a = {.dtype = t->dtype, .rank = t->rank, .tensor = &t->arg};
    *l = (layout){.dtype = t->dtype, .rank = t->rank};
    if (t->rank > MAX_RANK || !tg_launch_arg_spread(&a, &l->first, &l->end)) {
        return false;
    }
    memcpy(l->shape, t->arg.shape, t->rank * sizeof *l->shape);
    memcpy(l->stride, t->arg.stride, t->rank * sizeof *l->stride);
    l->align = tg_dtype_size(tg_dtype_real(t->dtype)) - 1;
    return true;
}

static bool fill(tg_fft_ready *r, tg_kernel *kernel, const tg_fft_call *c, const tg_tensor *x, const tg_tensor *y) {
    r->kernel = kernel;
    r->epoch = tg_plan_epoch(kernel);
    r->n = c->n;
    r->out = c->out;
    tg_plan plan;
    if (!layout_of(x, &r->x) || !layout_of(y, &r->y) || !tg_plan_find(kernel, c->values, c->n, &plan)) {
        return false;
    }
    r->variant = plan.variant;
    r->quick = plan.variant->plain ? plan.variant->code.entry : NULL;
    r->float_mode = tg_host_float_mode(kernel->context->host);
    for (uint32_t i = 0; i < c->n; i++) {
        bool tensor = c->values[i].kind == TG_ARGUMENT_TENSOR;
        r->cells[i] = plan.cells[i];
        r->tensors[i] = tensor ? c->values[i].u.tensor->arg : tg_absent_tensor;
        r->pointers[i] = tensor ? (const void *)&r->tensors[i] : (const void *)&r->cells[i];
    }
    return kernel->signature->n_params == c->n;
}

/* For the same tensors, from before the context got other code. */
static bool may_replace(const tg_fft_ready *r, const tg_kernel *kernel, const tg_tensor *x, const tg_tensor *y) {
    return r->epoch != tg_plan_epoch(kernel) && r->n_before < MOST_BEFORE && fits(&r->x, x) && fits(&r->y, y);
}

static bool put(_Atomic(tg_fft_ready *) *slot, tg_fft_ready *before, tg_fft_ready *r) {
    r->before = before;
    r->n_before = before ? before->n_before + 1 : 0;
    return atomic_compare_exchange_strong(slot, &before, r);
}

void tg_fft_ready_keep(_Atomic(tg_fft_ready *) *slot, tg_context *context, const tg_fft_call *c, const tg_tensor *x,
                       const tg_tensor *y) {
    tg_kernel *kernel;
    tg_fft_ready *before = atomic_load(slot);
    if (tg_std_kernel(context, c->row, &kernel) || (before && !may_replace(before, kernel, x, y))) {
        return;
    }
    tg_fft_ready *r = tg_alloc(&context->allocator, sizeof *r, _Alignof(tg_fft_ready));
    if (r && (!fill(r, kernel, c, x, y) || !put(slot, before, r))) {
        tg_free(&context->allocator, r, sizeof *r);
    }
}

void tg_fft_ready_free(tg_fft_ready *r, tg_context *context) {
    while (r) {
        tg_fft_ready *before = r->before;
        tg_free(&context->allocator, r, sizeof *r);
        r = before;
    }
}
