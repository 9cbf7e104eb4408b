/* The x86 target: machine description, pass list, compile. Compiling runs under two protections: tg_llvm_guard for
 * fatal errors inside LLVM, and an unwinding point of its own so that an exhausted arena or a refused op
 * (tg_x86_refuse) leaves with every LLVM object disposed of. No LLVM frame is ever jumped over by the latter. */
#include "targets/x86/x86_target.h"

#include "dsl/passes/passes.h"
#include "targets/x86/x86_internal.h"

#include <string.h>

/* Stack slots to registers, common subexpressions, hoisting: all that vector code in SSA form needs. Instruction
 * combination was measured to cost more than it saves. */
static const char short_passes[] = "function(mem2reg,early-cse,simplifycfg)";
/* Where the only task is inlined its buffers are on the stack. Once indices are constants, values stay in registers between passes. */
static const char inlining_passes[] = "always-inline,function(sroa,early-cse,simplifycfg,sroa,early-cse)";
static const char hoisting[] = "function(loop-mssa(licm),early-cse)"; /* after that, but for what is cold: by two threads if there are */

typedef struct job {
    tg_func *f;
    const tg_machine *machine;
    const tg_codegen_options *options;
    unsigned emit;
    tg_arena *arena;
    tg_object *out;
    tg_llvm llvm;
    const char *message;
    tg_status status;
} job;

_Noreturn void tg_x86_refuse(tg_x86 *x, const tg_op *op, const char *why) {
    const char *name = op ? tg_op_info_of(op->opcode)->mnemonic : "kernel";
    x->message = tg_arena_printf(x->arena, "`%s` %s", name, why);
    tg_unwind_to(x->unwind, TG_ERROR_UNSUPPORTED);
}

static bool is_of_complex(const tg_x86 *x) {
    const tg_block *b = &x->f->body.body;
    bool some = false;
    for (uint32_t i = 0; i < b->n_args; i++) {
        some = some || tg_dtype_kind_of(b->args[i]->type->dtype) == TG_KIND_COMPLEX;
    }
    return some;
}

/* Butterflies have more numbers than there are registers, and a store of 32 bytes across a boundary of 32 takes two cycles on Zen 3: their stack
 * is aligned. It takes a register, of which the loops of products have none to spare. */
void tg_x86_function_attributes(tg_x86 *x, LLVMValueRef fn) {
    LLVMContextRef c = x->l->context;
    LLVMAttributeRef width = LLVMCreateStringAttribute(c, "prefer-vector-width", 19, "512", 3);
    unsigned nounwind = LLVMGetEnumAttributeKindForName("nounwind", 8);
    LLVMAddAttributeAtIndex(fn, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, width);
    LLVMAddAttributeAtIndex(fn, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, LLVMCreateEnumAttribute(c, nounwind, 0));
    if (x->machine->vector_bits == 256 && is_of_complex(x)) {
        LLVMAddAttributeAtIndex(fn, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, LLVMCreateStringAttribute(c, "stackrealign", 12, "", 0));
    }
}

LLVMValueRef tg_x86_outline_close(tg_x86 *x, tg_llvm_outline *o, const char *name) {
    const char *full = tg_arena_printf(x->arena, "%s_%s", x->f->name, name);
    LLVMValueRef fn = tg_llvm_outline_close(x->l, o, full, x->debug);
    if (fn) {
        tg_x86_function_attributes(x, fn);
    }
    return fn;
}

/* Code that runs once per launch, or only for unusual strides, is not worth the full code generator: no passes run over it after those that
 * have cleaned it. */
void tg_x86_mark_cold(tg_x86 *x, LLVMValueRef fn) {
    tg_vec_push(x->arena, &x->cold, fn);
}

/* What also has no elements in its hands may be emitted without a thought for registers. */
void tg_x86_mark_steering(tg_x86 *x, LLVMValueRef fn) {
    LLVMAttributeRef a = LLVMCreateStringAttribute(x->l->context, TG_LLVM_STEERS, sizeof TG_LLVM_STEERS - 1, "", 0);
    LLVMAddAttributeAtIndex(fn, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, a);
    tg_x86_mark_cold(x, fn);
}

/* What stood in branches that are never taken, now that these are gone. */
static void drop_unused(tg_llvm *l) {
    for (LLVMValueRef f = LLVMGetFirstFunction(l->module), next; f; f = next) {
        next = LLVMGetNextFunction(f);
        if (LLVMGetLinkage(f) == LLVMInternalLinkage && !LLVMGetFirstUse(f)) {
            LLVMDeleteFunction(f);
        }
    }
}

static void compile_cold_quickly(tg_x86 *x) {
    static const char *const names[] = {"optnone", "noinline"};
    for (uint32_t i = 0; i < x->cold.len; i++) {
        for (int k = 0; k < 2; k++) {
            unsigned kind = LLVMGetEnumAttributeKindForName(names[k], strlen(names[k]));
            LLVMAttributeRef a = LLVMCreateEnumAttribute(x->l->context, kind, 0);
            LLVMAddAttributeAtIndex(x->cold.data[i], (LLVMAttributeIndex)LLVMAttributeFunctionIndex, a);
        }
    }
}

static void make_sink(tg_x86 *x) {
    LLVMTypeRef bytes = LLVMArrayType2(x->l->i8, 128); /* 16 lanes of 8 bytes or 32 of 4 */
    x->sink = LLVMAddGlobal(x->l->module, bytes, "sink");
    LLVMSetInitializer(x->sink, LLVMConstNull(bytes));
    LLVMSetGlobalConstant(x->sink, 1);
    LLVMSetLinkage(x->sink, LLVMInternalLinkage);
    LLVMSetAlignment(x->sink, 64);
}

static void prepare(tg_x86 *x, job *j) {
    tg_func *f = j->f;
    tg_x86_expand_fills(f);
    x->l = &j->llvm;
    x->f = f;
    x->arena = j->arena;
    tg_x86_sched_open(x);
    x->directives = TG_NEW(x->arena, tg_x86_directives);
    x->machine = j->machine;
    x->options = j->options;
    x->builder = j->llvm.builder;
    x->modes = TG_NEW_ARRAY(x->arena, uint8_t, f->next_value_id);
    x->memo = TG_NEW(x->arena, tg_x86_walk);
    x->memo->at = tg_arena_alloc(x->arena, sizeof *x->memo->at * 2 * f->next_value_id, 8);
    x->steps = tg_map_create(x->arena);
    x->chains = tg_map_create(x->arena);
    x->facts = TG_NEW(x->arena, tg_facts);
    tg_facts_gather(x->facts, x->f, x->arena);
    x->multiples = tg_map_create(x->arena);
    x->carries = tg_map_create(x->arena);
    x->scalars = TG_NEW_ARRAY(x->arena, LLVMValueRef, f->next_value_id);
    x->scalars_im = TG_NEW_ARRAY(x->arena, LLVMValueRef, f->next_value_id);
    x->tensors = TG_NEW_ARRAY(x->arena, tg_x86_tensor *, f->next_value_id);
    x->buffers = TG_NEW_ARRAY(x->arena, tg_x86_buffer *, f->next_value_id);
    x->ranges = TG_NEW_ARRAY(x->arena, tg_x86_range, f->axes.len + 1);
    x->entry_name = j->options->entry ? j->options->entry : tg_arena_printf(x->arena, "tg_%s", f->name);
    tg_strbuf_init(&x->plan_text, x->arena);
    make_sink(x);
    tg_x86_debug_open(x);
}

static const char *assembly(job *j) {
    tg_llvm *l = &j->llvm;
    size_t n;
    LLVMModuleRef whole = l->module;
    l->module = LLVMCloneModule(whole); /* emission changes the module */
    const char *text = tg_llvm_emit(l, LLVMAssemblyFile, j->arena, &n);
    LLVMDisposeModule(l->module);
    l->module = whole;
    return text;
}

/* What was asked for, from a module that still has to be hoisted. False with the message in j->llvm. */
static bool emit_code(job *j) {
    tg_llvm *l = &j->llvm;
    tg_object *out = j->out;
    if (j->emit == TG_EMIT_OBJECT && j->options->in_parts && !j->options->debug_info) {
        out->bytes = tg_llvm_emit_parts(l, hoisting, j->options->two_threads, j->arena, &out->size);
        return out->bytes;
    }
    bool ok = tg_llvm_optimise(l, hoisting);
    if (ok && j->emit & TG_EMIT_LLVM) {
        out->llvm_text = tg_llvm_text(l, j->arena);
    }
    if (ok && j->emit & TG_EMIT_ASM) {
        ok = (out->asm_text = assembly(j));
    }
    if (ok && j->emit & TG_EMIT_OBJECT) {
        ok = (out->bytes = tg_llvm_emit(l, LLVMObjectFile, j->arena, &out->size));
    }
    return ok;
}

static tg_status emit_outputs(job *j, tg_x86 *x) {
    tg_object *out = j->out;
    if (j->emit & TG_EMIT_PLAN) {
        out->plan_text = x->plan_text.data ? x->plan_text.data : "";
    }
    if (j->emit & TG_EMIT_DIRECTIVES) {
        out->directives = x->directives->data;
        out->n_directives = x->directives->len;
    }
    if (!(j->emit & ~(unsigned)(TG_EMIT_PLAN | TG_EMIT_DIRECTIVES))) {
        return TG_OK;
    }
    if (!tg_llvm_optimise(&j->llvm, j->options->optimise_o2 ? "default<O2>" : x->inlines ? inlining_passes : short_passes)) {
        return TG_ERROR_INTERNAL;
    }
    compile_cold_quickly(x);
    drop_unused(&j->llvm);
    if (!emit_code(j)) {
        return TG_ERROR_INTERNAL;
    }
    out->entry = x->entry_name;
    out->plain = x->plain;
    out->packing = x->packing;
    out->few_rows = x->few_rows;
    return TG_OK;
}

static void run(void *user) {
    job *j = user;
    tg_x86 *x = TG_NEW(j->arena, tg_x86);
    tg_unwind *outer = tg_arena_unwind(j->arena);
    tg_unwind u;
    x->unwind = &u;
    if (TG_PROTECT(&u)) {
        j->status = u.status;
        j->message = x->message ? x->message : "out of memory";
    } else {
        tg_arena_set_unwind(j->arena, &u);
        j->status = TG_ERROR_INTERNAL;
        if (tg_llvm_open(&j->llvm, j->f->name, j->machine->cpu, j->machine->features)) {
            prepare(x, j);
            tg_x86_emit_entry(x);
            if (!j->options->baseline && j->options->strides != TG_STRIDES_GENERAL) {
                tg_x86_sched_close(x);
            }
            tg_x86_debug_close(x);
            tg_x86_define_missing(x);
            j->status = emit_outputs(j, x);
        }
        if (j->status != TG_OK) {
            j->message = tg_arena_strndup(j->arena, j->llvm.message, strlen(j->llvm.message));
        }
    }
    tg_arena_set_unwind(j->arena, outer);
    tg_x86_debug_close(x);
    tg_llvm_close(&j->llvm);
}

static tg_status compile(tg_func *f, const tg_machine *machine, const tg_codegen_options *options, unsigned emit,
                         tg_arena *arena, tg_object *out, const char **message) {
    job *j = TG_NEW(arena, job);
    j->f = f;
    j->machine = machine;
    j->options = options;
    j->emit = emit;
    j->arena = arena;
    j->out = out;
    memset(out, 0, sizeof *out);
    if (!tg_llvm_has_room(TG_LLVM_COMPILE_MIB)) {
        *message = "out of memory";
        return TG_ERROR_OUT_OF_MEMORY;
    }
    char *fatal = TG_NEW_ARRAY(arena, char, 512);
    tg_unwind *outer = tg_arena_unwind(arena);
    bool ok = tg_llvm_guard(run, j, fatal, 512);
    tg_arena_set_unwind(arena, outer);
    *message = ok ? j->message : fatal;
    return ok ? j->status : TG_ERROR_INTERNAL;
}

static const char *passes(const tg_machine *machine, const tg_codegen_options *options) {
    (void)options;
    return machine->has_masks ? TG_PASSES_STANDARD ",blocks,lower-math-ldexp,canon,cse,dce" /* vscalefps */
                              : TG_PASSES_STANDARD ",blocks-narrow,lower-math,canon,cse,dce";
}

const tg_target tg_target_x86 = {"x86", tg_x86_machine, tg_x86_typical, passes, compile};
