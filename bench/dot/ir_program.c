#include "bench/dot/ir_program.h"

#include "dsl/passes/passes.h"

#include <llvm-c/Core.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static bool fail(ir_program *x, const char *why) {
    snprintf(x->message, sizeof x->message, "%s", why ? why : "unknown");
    return false;
}

static bool read_text(ir_program *x, const char *text) {
    tg_sources *sources = TG_NEW(x->arena, tg_sources);
    tg_diags *diags = TG_NEW(x->arena, tg_diags);
    sources->arena = diags->arena = x->arena;
    diags->sources = sources;
    uint32_t file = tg_sources_add(sources, "test.ir", text, strlen(text));
    x->f = tg_ir_read(x->arena, tg_interner_create(x->arena), diags, file);
    if (!x->f) {
        tg_strbuf out;
        tg_strbuf_init(&out, x->arena);
        tg_diags_render(diags, false, &out);
        return fail(x, out.data);
    }
    const char *broken = tg_ir_verify(x->f, x->arena);
    return broken ? fail(x, broken) : true;
}

static bool load(ir_program *x) {
    LLVMMemoryBufferRef copy =
        LLVMCreateMemoryBufferWithMemoryRangeCopy((const char *)x->object.bytes, x->object.size, "object");
    LLVMErrorRef e = LLVMOrcCreateLLJIT(&x->jit, NULL);
    LLVMOrcJITDylibRef lib = LLVMOrcLLJITGetMainJITDylib(x->jit);
    LLVMOrcDefinitionGeneratorRef process;
    LLVMOrcCreateDynamicLibrarySearchGeneratorForProcess(&process, LLVMOrcLLJITGetGlobalPrefix(x->jit), NULL, NULL);
    LLVMOrcJITDylibAddGenerator(lib, process);
    e = e ? e : LLVMOrcLLJITAddObjectFile(x->jit, lib, copy);
    LLVMOrcExecutorAddress at = 0;
    e = e ? e : LLVMOrcLLJITLookup(x->jit, &at, x->object.entry);
    if (e) {
        return fail(x, LLVMGetErrorMessage(e));
    }
    memcpy(&x->entry, &at, sizeof at);
    return true;
}

static bool compile(ir_program *x, const char *arch) {
    tg_machine machine;
    if (!tg_target_x86.machine(arch, &machine)) {
        return fail(x, "no such machine");
    }
    tg_codegen_options options = {0};
    const char *message = NULL;
    double start = now_ms();
    message = tg_pass_run_list(x->f, tg_target_x86.passes(&machine, &options), NULL);
    if (message) {
        return fail(x, message);
    }
    tg_status s = tg_target_x86.compile(x->f, &machine, &options, TG_EMIT_OBJECT | TG_EMIT_PLAN, x->arena, &x->object, &message);
    x->ms = now_ms() - start;
    if (s != TG_OK) {
        return fail(x, message);
    }
    return load(x);
}

bool ir_program_open(ir_program *x, const char *text, const char *arch, int threads) {
    memset(x, 0, sizeof *x);
    x->arena = tg_arena_create(&tg_allocator_default, &x->unwind);
    if (TG_PROTECT(&x->unwind)) {
        return fail(x, "out of memory");
    }
    tg_host_options o = {.allocator = &tg_allocator_default, .n_threads = threads};
    return tg_host_create(&o, &x->host) == TG_OK && read_text(x, text) && compile(x, arch);
}

void ir_program_close(ir_program *x) {
    if (x->jit) {
        LLVMOrcDisposeLLJIT(x->jit);
    }
    tg_host_destroy(x->host);
    tg_arena_destroy(x->arena);
}

tg_status ir_program_run(ir_program *x, const void *const *args) {
    return tg_host_launch(x->host, x->entry, args, false, x->message, sizeof x->message);
}

tg_tensor_arg ir_tensor(void *data, uint32_t rank, const int64_t *shape, const int64_t *strides) {
    tg_tensor_arg a = {.data = data};
    int64_t stride = 1;
    for (uint32_t d = rank; d-- > 0;) {
        a.shape[d] = shape[d];
        a.stride[d] = strides ? strides[d] : stride;
        stride *= shape[d];
    }
    return a;
}
