/* What a tuning result is about: see tuner.h. The kernel's hash is that of its tile IR after the source's own schedule, so that it
 * changes with what the kernel computes and what its source fixes, and with nothing else: not with its place in the file, comments,
 * or other kernels. */
#include "base/hash.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "autotune/flops.h"
#include "autotune/tuner.h"

void tg_device_text(const tg_context *c, char *out, size_t size) {
    const tg_machine *m = &c->machine;
    (void)tg_format(out, size, "%s %s %s%s l1=%lldK l2=%lldK l3=%lldK cores=%d",
                    c->target->name, m->arch, m->cpu ? m->cpu : "generic",
                    m->features ? m->features : "", (long long)m->l1_bytes >> 10,
                    (long long)m->l2_bytes >> 10, (long long)m->l3_bytes >> 10, m->n_cores);
}

/* "T=f32 causal=1 -bias": types, constants, what is absent. */
static const char *spec_text(const tg_problem *p) {
    const tg_signature *sig = p->kernel->signature;
    tg_strbuf s;
    tg_strbuf_init(&s, p->arena);
    for (uint32_t i = 0; i < sig->n_tparams; i++) {
        tg_strbuf_printf(&s, "%s%s=%s", s.len ? " " : "", sig->tparams[i].name,
                         tg_dtype_name(p->selection.types[i]));
    }
    for (uint32_t i = 0; i < sig->n_dims; i++) {
        if (sig->dims[i].const_slot >= 0) {
            tg_strbuf_printf(&s, "%s%s=%lld", s.len ? " " : "", sig->dims[i].name,
                             (long long)p->binding.dims[i]);
        }
    }
    for (uint32_t i = 0; i < sig->n_params; i++) {
        int32_t slot = sig->params[i].const_slot;
        if (slot >= 0) {
            tg_scalar c = p->selection.consts[slot];
            tg_strbuf_printf(&s, "%s%s=", s.len ? " " : "", sig->params[i].name);
            if (tg_dtype_is_float(c.dtype)) {
                tg_strbuf_printf(&s, "%.17g", c.f);
            } else {
                tg_strbuf_printf(&s, "%lld", (long long)c.i);
            }
        } else if (!p->selection.present[i]) {
            tg_strbuf_printf(&s, "%s-%s", s.len ? " " : "", sig->params[i].name);
        }
    }
    return s.data;
}

static const char *shape_text(const tg_problem *p) {
    const tg_signature *sig = p->kernel->signature;
    tg_strbuf s;
    tg_strbuf_init(&s, p->arena);
    for (uint32_t i = 0; i < sig->n_dims; i++) {
        if (sig->dims[i].const_slot < 0) {
            tg_strbuf_printf(&s, "%s%s=%lld", s.len ? " " : "", sig->dims[i].name,
                             (long long)p->binding.dims[i]);
        }
    }
    return s.data;
}

/* Does the bucket text say that results serve every extent of this dimension? */
static bool serves_all(const char *bucket, const char *name, size_t n) {
    for (const char *p = bucket; p && *p; p = strchr(p, ' ') ? strchr(p, ' ') + 1 : NULL) {
        if (strncmp(p, name, n) == 0 && p[n] == '=' && p[n + 1] == '*') {
            return true;
        }
    }
    return false;
}

double tg_shape_distance(const char *a, const char *b, const char *bucket) {
    double sum = 0;
    while (*a || *b) {
        size_t n = strcspn(a, "="), m = strcspn(b, "=");
        if (n != m || a[n] != '=' || b[m] != '=' || memcmp(a, b, n) != 0) {
            return -1;
        }
        char *end_a, *end_b;
        double x = (double)strtoll(a + n + 1, &end_a, 10),
               y = (double)strtoll(b + n + 1, &end_b, 10);
        double d = fabs(log2(fmax(x, 1)) - log2(fmax(y, 1)));
        bool all = serves_all(bucket, a, n);
        if (d > 2 && !all) {
            return -1;
        }
        sum += all ? d / 8 : d;
        a = end_a + (*end_a == ' ');
        b = end_b + (*end_b == ' ');
    }
    return sum;
}

/* ---- tile IR ------------------------------------------------------------------------------------- */

tg_status tg_problem_compile(const tg_problem *p, const char *schedule, unsigned emit,
                             tg_artifact *out, const char **message) {
    const tg_kernel *k = p->kernel;
    tg_unwind *outer = tg_arena_unwind(p->arena);
    tg_instance_spec spec = {.types = p->selection.types,
                             .consts = p->selection.consts,
                             .present = p->selection.present,
                             .machine = &k->context->machine,
                             .schedule = schedule,
                             .checked = k->context->checked};
    tg_diags diags = tg_compilation_diags(k->module->compilation, p->arena);
    tg_compile_options options = {.target = k->context->target,
                                  .machine = &k->context->machine,
                                  .codegen = k->context->codegen,
                                  .emit = emit,
                                  .passes = emit ? NULL : "",
                                  .stop_after_passes = emit == 0};
    options.codegen.strides = TG_STRIDES_USUAL;
    tg_status s = tg_compile_kernel(k->module->compilation, k->item, &spec, &options, p->arena,
                                    &diags, out, message);
    tg_arena_set_unwind(p->arena, outer);
    return s;
}

static tg_status instantiate(tg_problem *p) {
    const tg_kernel *k = p->kernel;
    tg_artifact a;
    const char *message = "";
    tg_status s = tg_problem_compile(p, NULL, 0, &a, &message);
    if (s) {
        return tg_fail(k->context, s, "%s: %s", k->signature->name, message);
    }
    p->func = (tg_func *)(uintptr_t)a.func;
    return TG_OK;
}

static const char *hash_text(tg_arena *arena, tg_hash h) {
    char hex[TG_HASH_HEX_SIZE];
    tg_hash_hex(h, hex);
    return tg_arena_strndup(arena, hex, strlen(hex));
}

static const char *kernel_hash(const tg_problem *p) {
    tg_strbuf text;
    tg_strbuf_init(&text, p->arena);
    tg_ir_print(p->func, &text);
    return hash_text(p->arena, tg_hash_bytes(text.data, text.len));
}

static void count_work(tg_problem *p) {
    const tg_signature *sig = p->kernel->signature;
    p->sizes = TG_NEW_ARRAY(p->arena, double, p->func->axes.len + 1);
    p->flops = tg_count_work(p->func, p->args, p->arena, p->sizes);
    for (uint32_t i = 0; i < sig->n_params; i++) {
        const tg_tensor_arg *t = p->args[i].tensor;
        double bytes = t ? tg_dtype_bits(p->args[i].dtype) / 8.0 : 0;
        for (uint32_t d = 0; t && d < p->args[i].rank; d++) {
            bytes *= (double)t->shape[d];
        }
        p->bytes += sig->params[i].kind == TG_SP_INOUT ? 2 * bytes : bytes;
    }
}

tg_status tg_problem_make_bound(tg_tuner *t, tg_kernel *k, const tg_launch_arg *args,
                                const tg_launch_binding *b, tg_arena *arena, tg_problem *p) {
    memset(p, 0, sizeof *p);
    p->kernel = k;
    p->arena = arena;
    p->binding = *b;
    memcpy(p->args, args, k->signature->n_params * sizeof *args);
    tg_selection_of_launch(k, args, b, &p->selection);
    tg_status s = instantiate(p);
    if (s) {
        return s;
    }
    count_work(p);
    p->key = (tg_db_key){.kernel = kernel_hash(p),
                         .device = t->device,
                         .threads = tg_context_n_threads(t->context),
                         .spec = spec_text(p),
                         .shape = shape_text(p),
                         .build = hash_text(arena, t->context->build)};
    p->bucket = tg_bucket_text(p);
    return TG_OK;
}

tg_status tg_problem_make(tg_tuner *t, tg_kernel *k, const tg_argument *values, uint32_t n,
                          tg_arena *arena, tg_problem *p) {
    tg_launch_arg *args = TG_NEW_ARRAY(arena, tg_launch_arg, TG_MAX_PARAMS);
    tg_launch_binding *b = TG_NEW(arena, tg_launch_binding);
    tg_status s = tg_launch_args_make(k, values, n, args);
    s = s ? s : tg_launch_check(k, args, b);
    s = s ? s : tg_problem_make_bound(t, k, args, b, arena, p);
    if (s == TG_OK) {
        tg_argument *all = TG_NEW_ARRAY(arena, tg_argument, TG_MAX_PARAMS);
        memcpy(all, values, n * sizeof *values);
        p->values = all;
    }
    return s;
}
