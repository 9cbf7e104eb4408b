/* One variant of a kernel, stage by stage:
 *
 *   unit ─instantiate→ tile IR ─passes→ tile IR ─target→ object code
 *
 * The first two stages touch what all compiles of a module share (the unit, its arena and
 * interner) and run under the compilation's lock. The third is where the time goes and works on
 * its own function only, so variants of one module are generated in parallel. */
#include "compiler/compile.h"

#include "base/clock.h"
#include "dsl/passes/passes.h"


typedef struct job {
    tg_compilation *c;
    const tg_item *kernel;
    const tg_instance_spec *spec;
    const tg_compile_options *options;
    tg_arena *arena;
    tg_diags *diags;
    tg_artifact *out;
    const char *message;
    tg_func *func;
} job;

const char *tg_stage_name(tg_stage stage) {
    static const char *const names[TG_STAGE_COUNT] = {"instantiate", "passes", "codegen"};
    return (unsigned)stage < TG_STAGE_COUNT ? names[stage] : "?";
}

static void note_op(tg_op *op, void *user) {
    tg_artifact *out = user;
    out->prints = out->prints || op->opcode == TG_OP_PRINT || op->opcode == TG_OP_ASSERT;
}

static tg_status instantiate(job *j) {
    double start = tg_now_ms();
    j->func = tg_unit_instantiate(j->c->unit, j->kernel, j->spec, j->arena, j->diags);
    j->out->ms[TG_STAGE_INSTANTIATE] = tg_now_ms() - start;
    if (!j->func) {
        return TG_ERROR_COMPILE;
    }
    const char *refusal = tg_split_refusal(j->func);
    if (refusal) {
        tg_report(j->diags, TG_E0703, j->kernel->u.kernel.name_span, "%s", refusal);
        return TG_ERROR_COMPILE;
    }
    j->out->signature = tg_unit_signature(j->c->unit, j->kernel);
    tg_ir_walk(j->func, note_op, j->out);
    j->out->nondeterministic = j->func->nondeterministic;
    if (j->options->after) {
        j->options->after(j->options->user, "instantiate", j->func);
    }
    return TG_OK;
}

static tg_status run_passes(job *j) {
    const tg_compile_options *o = j->options;
    double start = tg_now_ms();
    const char *list = o->passes ? o->passes : o->target->passes(o->machine, &o->codegen);
    tg_pass_options options = {.verify_each = o->verify,
                               .after = o->after,
                               .user = o->user,
                               .seconds = o->pass_seconds};
    j->message = tg_pass_run_list(j->func, list, &options);
    if (o->orders && !j->message) {
        tg_apply_orders(j->func, o->orders);
    } else if (o->codegen.strides == TG_STRIDES_USUAL && !o->codegen.baseline && !j->message) {
        tg_assume_dense(j->func);
    }
    j->out->ms[TG_STAGE_PASSES] = tg_now_ms() - start;
    j->out->func = j->func;
    j->out->nondeterministic = j->func->nondeterministic; /* atomics that passes have made, too */
    return j->message ? TG_ERROR_INTERNAL : TG_OK;
}

/* Under the lock; unwinds of both arenas end here. */
static tg_status run_front_end(job *j, tg_unwind *u) {
    pthread_mutex_lock(&j->c->lock);
    tg_arena_set_unwind(j->c->arena, u);
    tg_status status;
    if (TG_PROTECT(u)) {
        status = u->status;
    } else {
        status = instantiate(j);
        if (status == TG_OK) {
            status = run_passes(j);
        }
    }
    tg_arena_set_unwind(j->c->arena, NULL);
    pthread_mutex_unlock(&j->c->lock);
    return status;
}

static tg_status run_target(job *j, tg_unwind *u) {
    const tg_compile_options *o = j->options;
    double start = tg_now_ms();
    if (TG_PROTECT(u)) {
        return u->status;
    }
    tg_codegen_options codegen = o->codegen;
    codegen.sources = &j->c->sources;
    tg_status status = o->target->compile(j->func, o->machine, &codegen, o->emit, j->arena,
                                          &j->out->object, &j->message);
    if (status == TG_ERROR_COMPILE) {
        tg_report(j->diags, TG_E0703, j->kernel->u.kernel.name_span, "%s", j->message);
    }
    j->out->ms[TG_STAGE_CODEGEN] = tg_now_ms() - start;
    return status;
}

tg_status tg_compile_kernel(tg_compilation *c, const tg_item *kernel,
                            const tg_instance_spec *spec, const tg_compile_options *options,
                            tg_arena *arena, tg_diags *diags, tg_artifact *out,
                            const char **message) {
    *out = (tg_artifact){0};
    job j = {c, kernel, spec, options, arena, diags, out, NULL, NULL};
    tg_unwind u, *outer = tg_arena_unwind(arena);
    tg_arena_set_unwind(arena, &u);
    tg_status status = run_front_end(&j, &u);
    if (status == TG_OK && !options->stop_after_passes) {
        status = run_target(&j, &u);
    }
    tg_arena_set_unwind(arena, outer);
    *message = j.message ? j.message : tg_status_name(status);
    return status;
}
