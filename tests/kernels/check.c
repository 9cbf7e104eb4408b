/* One case, three results: machine code, interpreter, reference. See kernels.h.
 *
 *   machine code   within the interpreter's bound of the interpreter's unrounded value
 *   interpreter    within the same bound, and a little for the arithmetic in doubles, of the reference
 *   where the bound is infinite (the outcome of a comparison is within the error) the machine code must be near
 *   the reference all the same, by half the digits of the type */
#include "autotune/flops.h"
#include "tests/kernels/kernels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The formulas count the arithmetic that the mathematics needs, the tile IR also holds comparisons, selections, negations and
 * conversions as operations of their own: for work that is not a product these are up to two more per operation. A formula that
 * lacks a dimension or has one too many is off by that extent, which in the last cases is mostly far more than 3 (filters of 3 positions pass). */
enum { WORK_FACTOR = 3 };

typedef struct outcome {
    tg_interp_arg args[TG_MAX_PARAMS];
    double *before[TG_MAX_PARAMS];
} outcome;

/* ---- compiling with forced blocks -------------------------------------------------------- */

typedef struct compiled {
    tg_arena *arena;
    tg_func *func;
    tg_object object;
    char message[480];
    tg_status status;
} compiled;

typedef struct job {
    kcase *c;
    compiled *out;
    int64_t block;
    bool code;
    const tg_tensor_arg *tensors; /* of the launch, for code for these alone; null: any */
} job;

static uint32_t make_blocks(const kcase *c, int64_t block, char *text, size_t size,
                            struct tg_block_override *out) {
    uint32_t n = 0;
    if (block <= 0 || !c->row->blocks) {
        return 0;
    }
    (void)snprintf(text, size, "%s", c->row->blocks);
    for (char *p = strtok(text, " "); p && n < 8; p = strtok(NULL, " ")) {
        out[n++] = (struct tg_block_override){p, block};
    }
    return n;
}

static void compile_now(void *user) {
    job *j = user;
    kcase *c = j->c;
    tg_context *ctx = c->kernel->context;
    compiled *o = j->out;
    struct tg_block_override blocks[8];
    char text[128];
    tg_unwind u;
    o->arena = tg_arena_create(&ctx->allocator, &u);
    if (!o->arena || TG_PROTECT(&u)) {
        o->status = TG_ERROR_OUT_OF_MEMORY;
        return;
    }
    tg_instance_spec spec = {.types = c->selection.types,
                             .consts = c->selection.consts,
                             .present = c->selection.present,
                             .machine = &ctx->machine,
                             .blocks = blocks};
    spec.n_blocks = make_blocks(c, j->block, text, sizeof text, blocks);
    tg_compile_options options = {
        .target = ctx->target, .machine = &ctx->machine, .codegen = ctx->codegen};
    options.codegen.tensors = j->tensors;
    options.codegen.two_threads = tg_host_n_threads(ctx->host) > 1;
    options.emit = j->code ? TG_EMIT_OBJECT : 0;
    options.passes = j->code ? NULL : "";
    options.stop_after_passes = !j->code;
    tg_diags diags = {.arena = o->arena, .sources = &c->kernel->module->compilation->sources};
    const char *message = "";
    tg_artifact a;
    o->status = tg_compile_kernel(c->kernel->module->compilation, c->kernel->item, &spec,
                                  &options, o->arena, &diags, &a, &message);
    if (o->status) {
        (void)snprintf(o->message, sizeof o->message, "%s", message);
        return;
    }
    o->func = (tg_func *)(uintptr_t)a.func;
    o->object = a.object;
}

static void compile(kcase *c, int64_t block, bool code, compiled *out) {
    job j = {c, out, block, code, NULL};
    tg_tensor_arg tensors[TG_MAX_PARAMS];
    for (uint32_t i = 0; i < c->kernel->signature->n_params && code && c->exact; i++) {
        tensors[i] = c->tensors[i] ? c->tensors[i]->arg : (tg_tensor_arg){0};
        j.tensors = tensors;
    }
    *out = (compiled){.status = TG_OK};
    tg_run_on_large_stack(compile_now, &j);
    if (out->status) {
        kcase_fail(c, "%s: %s", tg_status_name(out->status), out->message);
    }
}

/* ---- machine code ------------------------------------------------------------------------ */

static void run_blocks(kcase *c, int64_t block) {
    compiled o;
    compile(c, block, true, &o);
    tg_context *ctx = c->kernel->context;
    const tg_signature *sig = c->kernel->signature;
    tg_code code = {0};
    char message[480] = "";
    tg_launch_arg args[TG_MAX_PARAMS];
    tg_cell cells[TG_MAX_PARAMS];
    const void *pointers[TG_MAX_PARAMS];
    if (!c->failed && tg_code_load(ctx->code, o.object.bytes, o.object.size, o.object.entry,
                                   &code, message, sizeof message)) {
        kcase_fail(c, "%s", message);
    }
    if (!c->failed && tg_launch_args_make(c->kernel, c->values, sig->n_params, args)) {
        kcase_fail(c, "%s", tg_last_error(ctx));
    }
    if (!c->failed) {
        tg_cells_fill(sig, args, c->binding.types, cells, pointers);
        tg_status s = tg_host_launch(ctx->host, code.entry, pointers, c->row->serial, message, sizeof message);
        bool other = c->exact && (int)s == TG_ENTRY_NEEDS_GENERAL; /* strides that this code is not made for */
        if (s && (!other || tg_launch(c->kernel, c->values, sig->n_params))) {
            kcase_fail(c, "%s", other ? tg_last_error(ctx) : message);
        }
    }
    tg_code_unload(ctx->code, &code);
    tg_arena_destroy(o.arena);
}

static void run_code(kcase *c, int64_t block) {
    c->stage = "x86";
    if (block > 0 || c->exact) {
        run_blocks(c, block);
    } else if (tg_launch(c->kernel, c->values, c->kernel->signature->n_params)) {
        kcase_fail(c, "%s", tg_last_error(c->kernel->context));
    }
    if (c->row->finish && !c->failed) {
        c->row->finish(c);
    }
}

/* ---- the interpreter --------------------------------------------------------------------- */

static void make_interp_args(kcase *c, outcome *o) {
    const tg_signature *sig = c->kernel->signature;
    for (uint32_t i = 0; i < sig->n_params; i++) {
        tg_interp_arg *a = &o->args[i];
        a->scalar = c->scalars[i];
        const tg_tensor *t = kcase_is_written(c, i) ? c->expected[i] : c->tensors[i];
        if (!t) {
            continue;
        }
        a->tensor.arg = t->arg;
        a->tensor.dtype = t->dtype;
        if (kcase_is_written(c, i)) {
            size_t n = (size_t)(tg_tensor_count(t) * kcase_width(c, i));
            a->tensor.value = malloc((n + 1) * sizeof(double));
            a->tensor.bound = calloc(n + 1, sizeof(double));
            memcpy(a->tensor.value, o->before[i], n * sizeof(double));
        }
    }
}

static const char *last_case(const kernel_row *row) {
    const char *bar = strrchr(row->cases, '|');
    return bar ? bar + 1 : row->cases;
}

/* The table's formulas must evaluate; in the last case, which is large, FLOPs must be those of the tile IR up to WORK_FACTOR.
 * Rows of 0 FLOPs move data: what the tile IR counts there are conversions and parts of complex numbers. */
static void check_work(kcase *c, const compiled *f) {
    tg_launch_arg args[TG_MAX_PARAMS];
    double flops, bytes, counted;
    for (uint32_t i = 0; i < c->kernel->signature->n_params; i++) {
        const tg_tensor *t = c->tensors[i];
        args[i] = (tg_launch_arg){.scalar = c->scalars[i],
                                  .tensor = t ? &t->arg : NULL,
                                  .dtype = t ? t->dtype : c->scalars[i].dtype,
                                  .rank = t ? t->rank : 0};
    }
    counted = tg_count_flops(f->func, args, f->arena);
    if (!tg_std_work(c->row->std, c->kernel->signature, &c->binding, args, &flops, &bytes)) {
        kcase_fail(c, "a formula of stdlib.def is wrong");
    } else if (!(flops >= 0 && bytes >= 0)) {
        kcase_fail(c, "%g FLOPs and %g bytes", flops, bytes);
    } else if (!c->row->estimate && flops > 0 && c->text == last_case(c->row) &&
               (flops > WORK_FACTOR * counted || counted > WORK_FACTOR * flops)) {
        kcase_fail(c, "stdlib.def says %g FLOPs, the tile IR has %g", flops, counted);
    }
}

static void run_interp(kcase *c, outcome *o, int64_t block) {
    compiled f;
    c->stage = "interpreter";
    compile(c, block, false, &f);
    if (!c->failed && c->row->is_std && block == 0) {
        check_work(c, &f);
    }
    if (!c->failed) {
        char message[480] = "";
        tg_interp_options options = {.mode = TG_INTERP_IDEAL};
        if (tg_interp_run(f.func, o->args, &options, &tg_allocator_default, message,
                          sizeof message)) {
            kcase_fail(c, "%s", message);
        }
    }
    tg_arena_destroy(f.arena);
    if (c->row->finish && !c->failed) {
        c->row->finish(c);
    }
}

/* A row of class X promises exact results: no bound may be more than zero. */
static void check_class(kcase *c, const outcome *o, uint32_t i) {
    const tg_tensor *t = c->tensors[i];
    bool exact = c->row->is_std && strcmp(tg_std_table[c->row->std].error, "X") == 0;
    for (int64_t k = 0; exact && k < tg_tensor_count(t); k++) {
        if (o->args[i].tensor.bound[k] > 0) {
            kcase_fail(c, "the row's error class is X, but %s is only within %.3g",
                       c->kernel->signature->params[i].name, o->args[i].tensor.bound[k]);
            return;
        }
    }
}

/* ---- comparing --------------------------------------------------------------------------- */

static void name_element(const tg_tensor *t, int64_t at, char *out, size_t size) {
    int64_t index[TG_MAX_RANK];
    size_t n = 0;
    out[0] = '\0';
    tg_compare_index(t->rank, t->arg.shape, at, index);
    for (uint32_t d = 0; d < t->rank && n < size; d++) {
        n += (size_t)snprintf(out + n, size - n, "%s%lld", d ? ", " : "", (long long)index[d]);
    }
}

static void compare_code(kcase *c, const outcome *o, uint32_t i) {
    const tg_tensor *t = c->tensors[i];
    const tg_interp_tensor *ideal = &o->args[i].tensor;
    bool is_float = tg_dtype_is_float(t->dtype) || kcase_width(c, i) == 2;
    tg_compare_result r = tg_compare_tensor(t->dtype, t->rank, &t->arg, &ideal->arg,
                                            is_float ? ideal->value : NULL, ideal->bound);
    c->n += r.n;
    c->n_open += r.n_unverifiable;
    if (r.n_failed) {
        char where[128];
        name_element(t, r.first_failed, where, sizeof where);
        c->stage = "x86 against interpreter";
        kcase_fail(c, "%s[%s] is %.9g, expected %.9g +- %.3g (%lld of %lld differ)",
                   c->kernel->signature->params[i].name, where, r.actual, r.value, r.bound,
                   (long long)r.n_failed, (long long)r.n);
    }
}

static bool same(double a, double b) {
    return a == b || (a != a && b != b);
}

static double loaded(const tg_tensor *t, int64_t at, int64_t part, bool is_float) {
    tg_scalar v = tg_scalar_load(t->dtype, t->arg.data, tg_tensor_offset(t, at));
    return is_float ? part ? v.g : v.f : (double)v.i;
}

static double largest(const double *v, int64_t n) {
    double m = 0;
    for (int64_t i = 0; i < n; i++) {
        m = fabs(v[i]) > m && isfinite(v[i]) ? fabs(v[i]) : m;
    }
    return m;
}

/* How far value (of the interpreter, or of machine code where the bound is infinite) may be from the reference. The
 * interpreter's is unrounded: only literals, which are rounded to their type, and the arithmetic in doubles are between. */
static double allowance(const kernel_row *row, tg_dtype t, double bound, double most) {
    double literals = row->literals ? INFINITY : ldexp(most, -20);
    return bound < INFINITY ? fmin(bound, literals) + ldexp(most, -40)
                            : 8 * sqrt(tg_dtype_unit(tg_dtype_real(t))) * (1 + most);
}

static void compare_reference(kcase *c, const outcome *o, uint32_t i) {
    const tg_tensor *t = c->tensors[i];
    const tg_interp_tensor *ideal = &o->args[i].tensor;
    int64_t width = kcase_width(c, i), n = tg_tensor_count(t) * width;
    bool is_float = tg_dtype_is_float(t->dtype) || width == 2;
    double most = largest(c->elements[i], n);
    for (int64_t k = 0; k < n; k++) {
        double bound = ideal->bound[k / width], expected = c->elements[i][k];
        bool open = !(bound < INFINITY);
        if (open && !is_float) {
            continue;
        }
        double value = !is_float ? loaded(c->expected[i], k, 0, false)
                       : open    ? loaded(t, k / width, k % width, true)
                                 : ideal->value[k];
        if (same(value, expected) ||
            fabs(value - expected) <=
                (is_float ? allowance(c->row, t->dtype, bound, most) : 0)) {
            continue;
        }
        char where[128];
        name_element(t, k / width, where, sizeof where);
        c->stage = open ? "x86 against reference" : "interpreter against reference";
        kcase_fail(c, "%s[%s] is %.17g, the reference says %.17g (bound %.3g)",
                   c->kernel->signature->params[i].name, where, value, expected, bound);
        return;
    }
}

static void keep_before(kcase *c, outcome *o) {
    for (uint32_t i = 0; i < c->kernel->signature->n_params; i++) {
        if (kcase_is_written(c, i)) {
            size_t n = (size_t)(tg_tensor_count(c->tensors[i]) * kcase_width(c, i));
            o->before[i] = malloc((n + 1) * sizeof(double));
            memcpy(o->before[i], c->elements[i], n * sizeof(double));
        }
    }
}

static void restore(kcase *c, outcome *o) {
    for (uint32_t i = 0; i < c->kernel->signature->n_params; i++) {
        if (kcase_is_written(c, i)) {
            memcpy(c->elements[i], o->before[i],
                   (size_t)(tg_tensor_count(c->tensors[i]) * kcase_width(c, i)) *
                       sizeof(double));
        }
        free(o->before[i]);
        free(o->args[i].tensor.value);
        free(o->args[i].tensor.bound);
    }
}

void kcase_check(kcase *c, int64_t block) {
    outcome *o = calloc(1, sizeof *o);
    keep_before(c, o);
    kcase_reset(c, o->before);
    make_interp_args(c, o);
    run_code(c, block);
    if (!c->failed) {
        run_interp(c, o, block);
    }
    if (!c->failed) {
        c->row->reference(c);
    }
    for (uint32_t i = 0; i < c->kernel->signature->n_params && !c->failed; i++) {
        if (kcase_is_written(c, i)) {
            check_class(c, o, i);
            compare_code(c, o, i);
            if (!c->failed) {
                compare_reference(c, o, i);
            }
        }
    }
    if (c->n_open * 20 > c->n) {
        kcase_fail(c, "%lld of %lld elements cannot be checked", (long long)c->n_open,
                   (long long)c->n);
    }
    restore(c, o);
    free(o);
}
