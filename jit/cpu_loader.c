/* See cpu_loader.h. LLVM's LLJIT as a linker of ready objects: each one gets a JITDylib of its
 * own, so that entry names need not be unique, with the few symbols that generated code may
 * call. Nothing else of the process is visible to it. */
#define _DEFAULT_SOURCE /* lgamma_r */
#include "jit/cpu_loader.h"

#include "base/io.h"
#include "targets/llvm/llvm.h"

#include <llvm-c/Core.h>
#include <llvm-c/LLJIT.h>
#include <llvm-c/Target.h>
#include <llvm-c/TargetMachine.h>

#include <elf.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

struct tg_code_space {
    const tg_allocator *allocator;
    pthread_mutex_t lock; /* makes the linker; loads one object at a time */
    LLVMOrcLLJITRef jit;
    uint64_t n_loaded; /* names the dylibs */
};

/* ---- what generated code may call --------------------------------------------------------------------------
 */

typedef void (*any_fn)(void);

/* lgamma without the C library's global signgam, which threads would share. */
static double log_gamma(double v) {
    int sign;
    return lgamma_r(v, &sign);
}
static const struct offered {
    const char *name;
    any_fn fn;
} offered[] = {
    {"memcpy", (any_fn)memcpy},
    {"memmove", (any_fn)memmove},
    {"memset", (any_fn)memset},
    {"memcmp", (any_fn)memcmp},
    {"bcmp", (any_fn)memcmp},
    {"fmod", (any_fn)fmod},
    {"fmodf", (any_fn)fmodf},
    {"fma", (any_fn)fma},
    {"fmaf", (any_fn)fmaf},
    {"floor", (any_fn)floor},
    {"floorf", (any_fn)floorf},
    {"ceil", (any_fn)ceil},
    {"ceilf", (any_fn)ceilf},
    {"trunc", (any_fn)trunc},
    {"truncf", (any_fn)truncf},
    {"rint", (any_fn)rint},
    {"rintf", (any_fn)rintf},
    {"roundeven", (any_fn)rint},
    {"roundevenf", (any_fn)rintf},
    {"sqrt", (any_fn)sqrt},
    {"sqrtf", (any_fn)sqrtf},
    {"ldexp", (any_fn)ldexp},
    {"ldexpf", (any_fn)ldexpf},
    {"nextafter", (any_fn)nextafter},
    {"nextafterf", (any_fn)nextafterf},
    /* f64 functions, targets/x86/ops/libm.c */
    {"cbrt", (any_fn)cbrt},
    {"exp", (any_fn)exp},
    {"exp2", (any_fn)exp2},
    {"expm1", (any_fn)expm1},
    {"log", (any_fn)log},
    {"log2", (any_fn)log2},
    {"log10", (any_fn)log10},
    {"log1p", (any_fn)log1p},
    {"sin", (any_fn)sin},
    {"cos", (any_fn)cos},
    {"tan", (any_fn)tan},
    {"asin", (any_fn)asin},
    {"acos", (any_fn)acos},
    {"atan", (any_fn)atan},
    {"atan2", (any_fn)atan2},
    {"sinh", (any_fn)sinh},
    {"cosh", (any_fn)cosh},
    {"tanh", (any_fn)tanh},
    {"asinh", (any_fn)asinh},
    {"acosh", (any_fn)acosh},
    {"atanh", (any_fn)atanh},
    {"erf", (any_fn)erf},
    {"erfc", (any_fn)erfc},
    {"lgamma", (any_fn)log_gamma},
    {"pow", (any_fn)pow},
};
enum { N_OFFERED = sizeof offered / sizeof offered[0] };

static LLVMErrorRef offer_symbols(LLVMOrcExecutionSessionRef session,
                                  LLVMOrcJITDylibRef dylib) {
    LLVMOrcCSymbolMapPair pairs[N_OFFERED];
    for (int i = 0; i < N_OFFERED; i++) {
        pairs[i].Name = LLVMOrcExecutionSessionIntern(session, offered[i].name);
        pairs[i].Sym.Address = (LLVMOrcExecutorAddress)(uintptr_t)offered[i].fn;
        pairs[i].Sym.Flags.GenericFlags =
            LLVMJITSymbolGenericFlagsExported | LLVMJITSymbolGenericFlagsCallable;
        pairs[i].Sym.Flags.TargetFlags = 0;
    }
    return LLVMOrcJITDylibDefine(dylib, LLVMOrcAbsoluteSymbols(pairs, N_OFFERED));
}

/* ---- linking ------------------------------------------------------------------------------------------------
 */

typedef struct load {
    tg_code_space *space;
    const void *object;
    size_t size;
    const char *entry;
    tg_code *out;
    char *message;
    size_t message_size;
    LLVMErrorRef error;
    bool found;
} load;

static void on_lookup(LLVMErrorRef error, LLVMOrcCSymbolMapPairs result, size_t n, void *user) {
    load *l = user;
    l->error = error;
    if (!error && n == 1) {
        l->out->entry = (tg_entry_fn)(uintptr_t)result[0].Sym.Address;
        l->found = true;
    }
}

/* Errors of the linker reach us through the lookup; its own report would go to stderr. */
static void ignore_report(void *user, LLVMErrorRef error) {
    (void)user;
    LLVMConsumeError(error);
}

/* LLJIT makes two target machines, of this processor if it is not told otherwise. It compiles nothing here, and one without features is made in a
 * tenth of the time. Null: LLVM's own choice. */
static LLVMOrcLLJITBuilderRef describe_plain_machine(void) {
    char *triple = LLVMGetDefaultTargetTriple(), *error = NULL;
    LLVMTargetRef target;
    LLVMOrcLLJITBuilderRef builder = NULL;
    if (LLVMGetTargetFromTriple(triple, &target, &error)) {
        LLVMDisposeMessage(error);
    } else {
        LLVMTargetMachineRef machine = LLVMCreateTargetMachine(target, triple, "", "", LLVMCodeGenLevelNone, LLVMRelocPIC, LLVMCodeModelSmall);
        builder = LLVMOrcCreateLLJITBuilder();
        LLVMOrcLLJITBuilderSetJITTargetMachineBuilder(builder, LLVMOrcJITTargetMachineBuilderCreateFromTargetMachine(machine)); /* takes both */
    }
    LLVMDisposeMessage(triple);
    return builder;
}

static LLVMErrorRef make_linker(tg_code_space *s) {
    if (s->jit) {
        return NULL;
    }
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMErrorRef error = LLVMOrcCreateLLJIT(&s->jit, describe_plain_machine());
    if (!error) {
        LLVMOrcExecutionSessionSetErrorReporter(LLVMOrcLLJITGetExecutionSession(s->jit),
                                                ignore_report, NULL);
    }
    return error;
}

/* Bytes of the ELF file at `at`, whose section headers come last; all that is left if that is not sensible. */
static size_t object_size(const char *at, size_t left) {
    Elf64_Ehdr header;
    if (left < sizeof header) {
        return left;
    }
    memcpy(&header, at, sizeof header);
    size_t size = header.e_shoff + (size_t)header.e_shnum * header.e_shentsize;
    return size > sizeof header && size < left ? size : left;
}

/* One object after the other, each at a multiple of 64 bytes (tg_codegen_options). */
static LLVMErrorRef add_objects(load *l, LLVMOrcJITDylibRef dylib, const char *name) {
    enum { ALIGNMENT = 64 };
    LLVMErrorRef error = NULL;
    for (size_t at = 0; at < l->size && !error;) {
        const char *object = (const char *)l->object + at;
        size_t size = object_size(object, l->size - at);
        LLVMMemoryBufferRef buffer = LLVMCreateMemoryBufferWithMemoryRangeCopy(object, size, name);
        error = LLVMOrcLLJITAddObjectFile(l->space->jit, dylib, buffer); /* takes the buffer */
        at += (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
    return error;
}

static LLVMErrorRef link_object(load *l) {
    tg_code_space *s = l->space;
    LLVMErrorRef error = make_linker(s);
    if (error) {
        return error;
    }
    LLVMOrcExecutionSessionRef session = LLVMOrcLLJITGetExecutionSession(s->jit);
    char name[40];
    (void)tg_format(name, sizeof name, "kernel%llu", (unsigned long long)s->n_loaded++);
    LLVMOrcJITDylibRef dylib = LLVMOrcExecutionSessionCreateBareJITDylib(session, name);
    l->out->unit = dylib;
    error = offer_symbols(session, dylib);
    if (error) {
        return error;
    }
    error = add_objects(l, dylib, name);
    if (error) {
        return error;
    }
    LLVMOrcCJITDylibSearchOrderElement order = {
        dylib, LLVMOrcJITDylibLookupFlagsMatchExportedSymbolsOnly};
    LLVMOrcCLookupSetElement wanted = {LLVMOrcExecutionSessionIntern(session, l->entry),
                                       LLVMOrcSymbolLookupFlagsRequiredSymbol};
    LLVMOrcExecutionSessionLookup(session, LLVMOrcLookupKindStatic, &order, 1, &wanted, 1,
                                  on_lookup, l);
    return l->error;
}

static void run_load(void *user) {
    load *l = user;
    LLVMErrorRef error = link_object(l);
    if (error) {
        char *text = LLVMGetErrorMessage(error);
        (void)tg_format(l->message, l->message_size, "%s", text);
        LLVMDisposeErrorMessage(text);
        l->found = false;
    } else if (!l->found) {
        (void)tg_format(l->message, l->message_size, "no symbol %s in the object", l->entry);
    }
}

tg_status tg_code_load(tg_code_space *space, const void *object, size_t size, const char *entry,
                       tg_code *out, char *message, size_t message_size) {
    *out = (tg_code){0};
    if (!tg_llvm_has_room(TG_LLVM_LOAD_MIB)) {
        (void)tg_format(message, message_size, "out of memory");
        return TG_ERROR_OUT_OF_MEMORY;
    }
    load l = {space, object, size, entry, out, message, message_size, NULL, false};
    pthread_mutex_lock(&space->lock);
    bool ok = tg_llvm_guard(run_load, &l, message, message_size) && l.found;
    pthread_mutex_unlock(&space->lock);
    if (!ok) {
        tg_code_unload(space, out);
        return TG_ERROR_INTERNAL;
    }
    return TG_OK;
}

void tg_code_unload(tg_code_space *space, tg_code *code) {
    if (code->unit) {
        pthread_mutex_lock(&space->lock);
        LLVMErrorRef error = LLVMOrcJITDylibClear((LLVMOrcJITDylibRef)code->unit);
        if (error) {
            LLVMConsumeError(error);
        }
        pthread_mutex_unlock(&space->lock);
    }
    *code = (tg_code){0};
}

/* ---- life -----------------------------------------------------------------------------------------------------
 */

tg_status tg_code_space_create(const tg_allocator *allocator, tg_code_space **out) {
    tg_code_space *s = tg_alloc(allocator, sizeof *s, _Alignof(tg_code_space));
    *out = s;
    if (!s) {
        return TG_ERROR_OUT_OF_MEMORY;
    }
    s->allocator = allocator;
    pthread_mutex_init(&s->lock, NULL);
    return TG_OK;
}

void tg_code_space_destroy(tg_code_space *space) {
    if (!space) {
        return;
    }
    if (space->jit) {
        LLVMErrorRef error = LLVMOrcDisposeLLJIT(space->jit);
        if (error) {
            LLVMConsumeError(error);
        }
    }
    pthread_mutex_destroy(&space->lock);
    tg_free(space->allocator, space, sizeof *space);
}

void tg_code_version(char *out, size_t size) {
    unsigned major, minor, patch;
    LLVMGetVersion(&major, &minor, &patch);
    (void)tg_format(out, size, "%u.%u.%u", major, minor, patch);
}
