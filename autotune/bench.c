/* The tensors a tuning run works on: inputs as the caller gave them, everything that is written as copies that the run owns; and the
 * oracle. At the full extents candidates are compared with the default schedule; at extents that were reduced until the reference
 * interpreter is quick, with the interpreter and its derived bounds. */
#include "dsl/interp/interp.h"

#include <math.h>
#include <string.h>

#include "autotune/flops.h"
#include "autotune/measure.h"

static const double SMALL_FLOPS = 2e6; /* about 0.1 s of interpreter */

/* ---- tensors -------------------------------------------------------------------------------------------- */

void tg_bench_free(tg_bench *b, const tg_allocator *a) {
    for (uint32_t i = 0; i < TG_MAX_PARAMS; i++) {
        size_t n = b->expected[i] ? (size_t)tg_tensor_count(b->expected[i]) + 1 : 0;
        tg_free(a, b->value[i], 2 * n * sizeof(double));
        tg_free(a, b->bound[i], n * sizeof(double));
        tg_tensor_release(b->owned[i]);
        tg_tensor_release(b->original[i]);
        tg_tensor_release(b->expected[i]);
    }
    memset(b, 0, sizeof *b);
}

static tg_tensor *copy_leading(tg_context *c, tg_dtype dtype, uint32_t rank,
                               const int64_t *shape, const tg_tensor *from) {
    tg_tensor *to = tg_tensor_create(c, dtype, rank, shape);
    tg_tensor *part = to ? tg_tensor_view(from, rank, shape, tg_tensor_strides(from), 0) : NULL;
    if (!part || tg_tensor_copy(to, part)) {
        tg_tensor_release(to);
        to = NULL;
    }
    tg_tensor_release(part);
    return to;
}

/* Scratch of a parameter that kernels write: what they work on, what was there before, what should come out. */
static bool make_written(tg_context *c, tg_bench *b, uint32_t i, const int64_t *shape,
                         const tg_tensor *from) {
    tg_dtype dtype = tg_tensor_dtype(from);
    uint32_t rank = tg_tensor_rank(from);
    b->original[i] = copy_leading(c, dtype, rank, shape, from);
    b->owned[i] = tg_tensor_create(c, dtype, rank, shape);
    b->expected[i] = tg_tensor_create(c, dtype, rank, shape);
    b->values[i] = tg_argument_tensor(b->owned[i]);
    return b->original[i] && b->owned[i] && b->expected[i];
}

static bool is_written(const tg_signature *sig, uint32_t i) {
    return sig->params[i].kind == TG_SP_OUT || sig->params[i].kind == TG_SP_INOUT;
}

tg_status tg_bench_make(tg_session *s, tg_bench *b, const tg_launch_binding *reduced) {
    const tg_problem *p = &s->problem;
    const tg_signature *sig = p->kernel->signature;
    tg_context *c = s->tuner->context;
    for (uint32_t i = 0; i < sig->n_params; i++) {
        b->values[i] = p->values[i];
        if (!tg_param_is_tensor(&sig->params[i]) || p->values[i].kind != TG_ARGUMENT_TENSOR) {
            continue;
        }
        const tg_tensor *from = p->values[i].u.tensor;
        int64_t shape[TG_MAX_RANK];
        memcpy(shape, tg_tensor_shape(from), tg_tensor_rank(from) * sizeof *shape);
        if (reduced && !tg_signature_infer_shape(sig, reduced, p->args, i, shape)) {
            return TG_ERROR_UNSUPPORTED;
        }
        for (uint32_t d = 0; reduced && d < tg_tensor_rank(from); d++) {
            if (shape[d] < 0 || shape[d] > tg_tensor_shape(from)[d]) {
                return TG_ERROR_UNSUPPORTED;
            }
        }
        if (is_written(sig, i)) {
            b->has_inout = b->has_inout || sig->params[i].kind == TG_SP_INOUT;
            if (!make_written(c, b, i, shape, from)) {
                return TG_ERROR_OUT_OF_MEMORY;
            }
        } else if (reduced) {
            b->owned[i] =
                copy_leading(c, tg_tensor_dtype(from), tg_tensor_rank(from), shape, from);
            b->values[i] = tg_argument_tensor(b->owned[i]);
            if (!b->owned[i]) {
                return TG_ERROR_OUT_OF_MEMORY;
            }
        }
    }
    return TG_OK;
}

tg_status tg_bench_restore(const tg_session *s, const tg_bench *b) {
    for (uint32_t i = 0; i < s->n_params; i++) {
        if (b->original[i] && tg_tensor_copy(b->owned[i], b->original[i])) {
            return TG_ERROR_INTERNAL;
        }
    }
    return TG_OK;
}

/* ---- the interpreter at reduced extents ------------------------------------------------------------------ */

static double flops_at(const tg_session *s, const tg_launch_binding *b) {
    double full = 1, small = 1;
    const tg_signature *sig = s->problem.kernel->signature;
    for (uint32_t i = 0; i < sig->n_dims; i++) {
        full *= fmax(1, (double)s->problem.binding.dims[i]);
        small *= fmax(1, (double)b->dims[i]);
    }
    return s->problem.flops * small / full + small;
}

/* Halves the largest extent again and again, so that what divides what stays so as long as possible. */
static void reduce(const tg_session *s, tg_launch_binding *b) {
    const tg_signature *sig = s->problem.kernel->signature;
    *b = s->problem.binding;
    for (int step = 0; step < 200 && flops_at(s, b) > SMALL_FLOPS; step++) {
        int64_t *largest = NULL;
        for (uint32_t i = 0; i < sig->n_dims; i++) {
            bool free_dim = sig->dims[i].const_slot < 0 && b->dims[i] > 1;
            largest = free_dim && (!largest || b->dims[i] > *largest) ? &b->dims[i] : largest;
        }
        if (!largest) {
            return;
        }
        *largest /= 2;
    }
}

static void interp_args(const tg_session *s, tg_bench *b, tg_interp_arg *args) {
    const tg_signature *sig = s->problem.kernel->signature;
    for (uint32_t i = 0; i < sig->n_params; i++) {
        const tg_sig_param *q = &sig->params[i];
        args[i] = (tg_interp_arg){0};
        if (b->values[i].kind == TG_ARGUMENT_TENSOR) {
            const tg_tensor *t = b->original[i] ? b->original[i] : b->values[i].u.tensor;
            args[i].tensor = (tg_interp_tensor){
                .arg = t->arg, .dtype = t->dtype, .value = b->value[i], .bound = b->bound[i]};
        } else if (!tg_param_is_tensor(q)) {
            tg_scalar v = s->problem.values[i].kind == TG_ARGUMENT_NONE
                              ? q->default_value
                              : s->problem.args[i].scalar;
            args[i].scalar =
                tg_scalar_convert(v, tg_param_dtype(q, s->problem.selection.types));
        }
    }
}

/* The originals are written by the interpreter, so they are copied back afterwards from the scratch. */
static tg_status run_interpreter(tg_session *s, tg_bench *b) {
    const tg_allocator *a = &s->tuner->context->allocator;
    tg_interp_arg *args = TG_NEW_ARRAY(s->problem.arena, tg_interp_arg, TG_MAX_PARAMS);
    for (uint32_t i = 0; i < s->n_params; i++) {
        size_t n = b->expected[i] ? (size_t)tg_tensor_count(b->expected[i]) + 1 : 0;
        if (!n) {
            continue;
        }
        b->value[i] = tg_alloc(a, 2 * n * sizeof(double), _Alignof(double));
        b->bound[i] = tg_alloc(a, n * sizeof(double), _Alignof(double));
        if (!b->value[i] || !b->bound[i] || tg_tensor_copy(b->owned[i], b->original[i])) {
            return TG_ERROR_OUT_OF_MEMORY;
        }
    }
    interp_args(s, b, args);
    tg_interp_options o = {.mode = TG_INTERP_IDEAL, .n_threads = tg_processor_count()};
    tg_status status = tg_interp_run(s->problem.func, args, &o, a, NULL, 0);
    for (uint32_t i = 0; i < s->n_params && status == TG_OK; i++) {
        if (b->expected[i]) { /* integers: the interpreter's results are in the tensor */
            status = tg_tensor_copy(b->expected[i], b->original[i]);
            status = status ? status : tg_tensor_copy(b->original[i], b->owned[i]);
        }
    }
    b->has_bounds = status == TG_OK;
    return status;
}

/* Not every kernel can be cut down: `where` may not hold, contents may point outside. Then there is no small bench. */
tg_status tg_bench_make_small(tg_session *s) {
    tg_launch_binding *b = TG_NEW(s->problem.arena, tg_launch_binding);
    if (s->problem.kernel->signature->n_facts > 0) {
        return TG_OK;
    }
    reduce(s, b);
    if (flops_at(s, b) > 8 * SMALL_FLOPS) {
        return TG_OK;
    }
    tg_status status = tg_bench_make(s, &s->small, b);
    status = status ? status : tg_launch(s->base->kernel, s->small.values, s->n_params);
    status = status ? status : run_interpreter(s, &s->small);
    if (status) {
        tg_bench_free(&s->small, &s->tuner->context->allocator);
        return status == TG_ERROR_OUT_OF_MEMORY ? status : TG_OK;
    }
    s->has_small = true;
    return TG_OK;
}
