/* DWARF: which line of the source an instruction comes from. Only line tables are made, no variables: enough for a
 * debugger's backtrace, a profiler's annotation and breakpoints. Every operation carries its span; evaluation sets the
 * builder's location and restores it, so that what an operand needs is charged to the operand. */
#include "targets/x86/x86_internal.h"

#include <llvm-c/DebugInfo.h>

#include <string.h>

struct tg_x86_debug {
    LLVMDIBuilderRef builder;
    LLVMMetadataRef file, type, scope;
    uint32_t source; /* id of the file the kernel is in */
};

static void add_flag(tg_x86 *x, const char *name, unsigned value) {
    LLVMMetadataRef v = LLVMValueAsMetadata(LLVMConstInt(x->l->i32, value, 0));
    LLVMAddModuleFlag(x->l->module, LLVMModuleFlagBehaviorWarning, name, strlen(name), v);
}

static uint32_t source_of(const tg_func *f) {
    for (const tg_op *op = f->body.body.first; op; op = op->next) {
        if (op->span.file) {
            return op->span.file;
        }
    }
    return 0;
}

void tg_x86_debug_open(tg_x86 *x) {
    const tg_sources *sources = x->options->sources;
    uint32_t id = source_of(x->f);
    const tg_source *src = x->options->debug_info && sources ? tg_sources_get(sources, id) : NULL;
    if (!src) {
        return;
    }
    tg_x86_debug *d = TG_NEW(x->arena, tg_x86_debug);
    d->builder = LLVMCreateDIBuilder(x->l->module);
    d->source = id;
    d->file = LLVMDIBuilderCreateFile(d->builder, src->path, strlen(src->path), ".", 1);
    LLVMDIBuilderCreateCompileUnit(d->builder, LLVMDWARFSourceLanguageC99, d->file, "Tegula", 6, 1, "", 0, 0, "", 0,
                                   LLVMDWARFEmissionLineTablesOnly, 0, 0, 0, "", 0, "", 0);
    d->type = LLVMDIBuilderCreateSubroutineType(d->builder, d->file, NULL, 0, LLVMDIFlagZero);
    add_flag(x, "Debug Info Version", LLVMDebugMetadataVersion());
    add_flag(x, "Dwarf Version", 4);
    x->debug = d;
}

void tg_x86_debug_close(tg_x86 *x) {
    if (x->debug && x->debug->builder) {
        LLVMDIBuilderFinalize(x->debug->builder);
        LLVMDisposeDIBuilder(x->debug->builder);
        x->debug->builder = NULL;
    }
}

static void position(const tg_x86 *x, tg_span span, uint32_t *line, uint32_t *column) {
    *line = *column = 0;
    const tg_source *src = tg_sources_get(x->options->sources, span.file);
    if (src && span.file == x->debug->source) {
        tg_source_position(src, span.begin, line, column);
    }
}

/* A new function begins; `op` is where. */
void tg_x86_debug_function(tg_x86 *x, LLVMValueRef fn, const tg_op *op) {
    tg_x86_debug *d = x->debug;
    if (!d) {
        return;
    }
    size_t n;
    uint32_t line = 0, column;
    const char *name = LLVMGetValueName2(fn, &n);
    if (op) {
        position(x, op->span, &line, &column);
    }
    d->scope = LLVMDIBuilderCreateFunction(d->builder, d->file, name, n, name, n, d->file, line, d->type, 1, 1, line,
                                           LLVMDIFlagZero, 1);
    LLVMSetSubprogram(fn, d->scope);
    LLVMMetadataRef at = LLVMDIBuilderCreateDebugLocation(x->l->context, line, 0, d->scope, NULL);
    LLVMSetCurrentDebugLocation2(x->builder, at);
}

void *tg_x86_debug_enter(tg_x86 *x, const tg_op *op) {
    if (!x->debug) {
        return NULL;
    }
    LLVMMetadataRef old = LLVMGetCurrentDebugLocation2(x->builder);
    uint32_t line, column;
    position(x, op->span, &line, &column);
    if (line) {
        LLVMMetadataRef at = LLVMDIBuilderCreateDebugLocation(x->l->context, line, column, x->debug->scope, NULL);
        LLVMSetCurrentDebugLocation2(x->builder, at);
    }
    return old;
}

void tg_x86_debug_leave(tg_x86 *x, void *old) {
    if (x->debug) {
        LLVMSetCurrentDebugLocation2(x->builder, old);
    }
}

/* Functions nest in time: the entry goes on after a task has been emitted. */
void *tg_x86_debug_scope(const tg_x86 *x) {
    return x->debug ? x->debug->scope : NULL;
}

void tg_x86_debug_return(tg_x86 *x, void *scope, void *location) {
    if (x->debug) {
        x->debug->scope = scope;
        LLVMSetCurrentDebugLocation2(x->builder, location);
    }
}
