/* One compilation's LLVM objects: open, optimise, emit, close. Each compilation has its own context, so any number
 * of threads may compile at once. */
#include "targets/llvm/llvm.h"

#include "base/io.h"

#include <llvm-c/Analysis.h>
#include <llvm-c/Error.h>
#include <llvm-c/Target.h>
#include <llvm-c/Support.h>
#include <llvm-c/Transforms/PassBuilder.h>

#include <pthread.h>
#include <string.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Passes of the code generator whose work is done before, on the IR: addresses are simple by construction, and tg_llvm_optimise has
 * hoisted and shared what can be. Each costs a twentieth of a compilation, strength reduction a tenth, and code
 * was not found to be slower without them (docs/performance/compile-time.md). */
#define NOT_WORTH_IT \
    "-disable-lsr", "-disable-machine-licm", "-disable-machine-cse", "-disable-machine-sink", "-disable-copyprop", "-enable-misched=false"

/* Passes that find nothing in such code; each costs up to one hundredth, promotion of memory in loops a twentieth for kernels with many accesses. */
#define NOTHING_TO_DO \
    "-disable-constant-hoisting", "-disable-machine-dce", "-disable-branch-fold", "-fixup-byte-word-insts=0", "-x86-machine-combiner=0", \
        "-combiner-store-merging=0", "-combiner-tokenfactor-inline-limit=16", "-disable-licm-promotion", "-disable-ssc", "-disable-x86-domain-reassignment"

static void initialise(void) {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    const char *args[] = {"tegula", NOT_WORTH_IT, NOTHING_TO_DO};
    LLVMParseCommandLineOptions(sizeof args / sizeof *args, args, NULL);
}

static void set_message(tg_llvm *l, const char *text) {
    size_t n = strlen(text);
    n = n < sizeof l->message ? n : sizeof l->message - 1;
    memcpy(l->message, text, n);
    l->message[n] = 0;
}

/* Without a handler LLVM prints and ends the process. */
static void on_diagnostic(LLVMDiagnosticInfoRef info, void *user) {
    tg_llvm *l = user;
    if (LLVMGetDiagInfoSeverity(info) != LLVMDSError || l->n_errors++ > 0) {
        return;
    }
    char *text = LLVMGetDiagInfoDescription(info);
    set_message(l, text);
    LLVMDisposeMessage(text);
}

static void make_types(tg_llvm *l) {
    l->t_void = LLVMVoidTypeInContext(l->context);
    l->i1 = LLVMInt1TypeInContext(l->context);
    l->i8 = LLVMInt8TypeInContext(l->context);
    l->i16 = LLVMInt16TypeInContext(l->context);
    l->i32 = LLVMInt32TypeInContext(l->context);
    l->i64 = LLVMInt64TypeInContext(l->context);
    l->f16 = LLVMHalfTypeInContext(l->context);
    l->f32 = LLVMFloatTypeInContext(l->context);
    l->f64 = LLVMDoubleTypeInContext(l->context);
    l->ptr = LLVMPointerTypeInContext(l->context, 0);
}

/* ---- target machines -------------------------------------------------------------------------------------------- */

/* Making one with its subtarget is a good part of a small compilation (3 of 7.6 ms, Zen 4), so a few wait here for the next one with
 * the same processor and level. After an error in LLVM it does not come back. */
enum { MOST_IDLE = 8, KEY_SIZE = 1024 };

typedef struct idle_machine {
    char key[KEY_SIZE]; /* level, processor, newline, features */
    LLVMTargetMachineRef machine;
} idle_machine;

static pthread_mutex_t idle_lock = PTHREAD_MUTEX_INITIALIZER;
static idle_machine idle[MOST_IDLE];
static int n_idle;

/* False if there is too much to compare. */
static bool key_of(const tg_llvm *l, LLVMCodeGenOptLevel level, char *key) {
    return tg_format(key, KEY_SIZE, "%d%s\n%s", (int)level, l->cpu, l->features) < KEY_SIZE;
}

static LLVMTargetMachineRef take_idle(const tg_llvm *l, LLVMCodeGenOptLevel level) {
    char key[KEY_SIZE];
    LLVMTargetMachineRef machine = NULL;
    bool known = key_of(l, level, key);
    pthread_mutex_lock(&idle_lock);
    for (int i = n_idle - 1; known && !machine && i >= 0; i--) {
        if (strcmp(idle[i].key, key) == 0) {
            machine = idle[i].machine;
            idle[i] = idle[--n_idle];
        }
    }
    pthread_mutex_unlock(&idle_lock);
    return machine;
}

static void give_back(const tg_llvm *l, LLVMTargetMachineRef machine, LLVMCodeGenOptLevel level) {
    pthread_mutex_lock(&idle_lock);
    bool kept = !l->message[0] && n_idle < MOST_IDLE && key_of(l, level, idle[n_idle].key);
    if (kept) {
        idle[n_idle++].machine = machine;
    }
    pthread_mutex_unlock(&idle_lock);
    if (!kept) {
        LLVMDisposeTargetMachine(machine);
    }
}

/* Null with l->message. */
static LLVMTargetMachineRef take_machine(tg_llvm *l, LLVMCodeGenOptLevel level) {
    LLVMTargetMachineRef machine = take_idle(l, level);
    if (machine) {
        return machine;
    }
    char *triple = LLVMGetDefaultTargetTriple(), *error = NULL;
    LLVMTargetRef target;
    if (LLVMGetTargetFromTriple(triple, &target, &error)) {
        set_message(l, error);
        LLVMDisposeMessage(error);
    } else {
        machine = LLVMCreateTargetMachine(target, triple, l->cpu, l->features, level, LLVMRelocPIC, LLVMCodeModelSmall);
    }
    LLVMDisposeMessage(triple);
    return machine;
}

/* ---- one compilation ---------------------------------------------------------------------------------------------- */

static LLVMModuleRef make_module(const tg_llvm *l, const char *name) {
    LLVMModuleRef module = LLVMModuleCreateWithNameInContext(name, l->context);
    char *triple = LLVMGetTargetMachineTriple(l->machine);
    LLVMSetTarget(module, triple);
    LLVMDisposeMessage(triple);
    LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(l->machine);
    LLVMSetModuleDataLayout(module, layout);
    LLVMDisposeTargetData(layout);
    return module;
}

bool tg_llvm_open(tg_llvm *l, const char *name, const char *cpu, const char *features) {
    pthread_once(&once, initialise);
    memset(l, 0, sizeof *l);
    l->cpu = cpu;
    l->features = features;
    l->machine = take_machine(l, LLVMCodeGenLevelLess);
    if (!l->machine) {
        return false;
    }
    l->context = LLVMContextCreate();
    LLVMContextSetDiagnosticHandler(l->context, on_diagnostic, l);
    l->module = make_module(l, name);
    l->builder = LLVMCreateBuilderInContext(l->context);
    make_types(l);
    return true;
}

LLVMModuleRef tg_llvm_module_beside(const tg_llvm *l) {
    return make_module(l, "");
}

void tg_llvm_close(tg_llvm *l) {
    if (!l->context) {
        return;
    }
    for (size_t i = 0; i < sizeof l->buffers / sizeof *l->buffers; i++) {
        if (l->buffers[i]) {
            LLVMDisposeMemoryBuffer(l->buffers[i]);
        }
    }
    LLVMDisposeBuilder(l->builder);
    LLVMDisposeModule(l->module);
    give_back(l, l->machine, LLVMCodeGenLevelLess);
    LLVMContextDispose(l->context);
    l->context = NULL;
}

/* ---- stores of one lane ------------------------------------------------------------------------------------------ */

/* The one lane that a constant mask has; -1 for other masks. */
static int64_t single_lane(LLVMValueRef mask) {
    int64_t lane = -1;
    for (unsigned i = 0; LLVMIsAConstant(mask) && i < LLVMGetVectorSize(LLVMTypeOf(mask)); i++) {
        LLVMValueRef on = LLVMGetAggregateElement(mask, i);
        if (!on || !LLVMIsAConstantInt(on) || (lane >= 0 && LLVMConstIntGetZExtValue(on))) {
            return -1;
        }
        lane = LLVMConstIntGetZExtValue(on) ? (int64_t)i : lane;
    }
    return lane;
}

static bool is_masked_store(LLVMValueRef v) {
    static const char name[] = "llvm.masked.store.";
    LLVMValueRef callee = LLVMIsACallInst(v) ? LLVMGetCalledValue(v) : NULL;
    size_t n;
    const char *is = callee && LLVMIsAFunction(callee) ? LLVMGetValueName2(callee, &n) : "";
    return strncmp(is, name, sizeof name - 1) == 0;
}

/* LLVM 22 makes a store of the whole number before it was truncated of a masked store of truncated numbers whose mask has one lane: 32 bits in the
 * place of 16 (X86 back end, vpmovdw to a single element). Masks become constant as late as in LLVM's own passes. */
static void store_single_lanes(tg_llvm *l) {
    unsigned align = LLVMGetEnumAttributeKindForName("align", 5);
    for (LLVMValueRef f = LLVMGetFirstFunction(l->module); f; f = LLVMGetNextFunction(f)) {
        for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(f); b; b = LLVMGetNextBasicBlock(b)) {
            for (LLVMValueRef v = LLVMGetFirstInstruction(b), next; v; v = next) {
                next = LLVMGetNextInstruction(v);
                int64_t lane = is_masked_store(v) ? single_lane(LLVMGetOperand(v, 2)) : -1;
                if (lane < 0) {
                    continue;
                }
                LLVMAttributeRef aligned = LLVMGetCallSiteEnumAttribute(v, 2, align);
                LLVMPositionBuilderBefore(l->builder, v);
                LLVMValueRef one = LLVMBuildExtractElement(l->builder, LLVMGetOperand(v, 0), tg_llvm_i64(l, lane), "");
                LLVMValueRef at = tg_llvm_gep(l, LLVMTypeOf(one), LLVMGetOperand(v, 1), tg_llvm_i64(l, lane));
                tg_llvm_store(l, one, at, aligned && lane == 0 ? (unsigned)LLVMGetEnumAttributeValue(aligned) : 1);
                LLVMInstructionEraseFromParent(v);
            }
        }
    }
}

bool tg_llvm_optimise(tg_llvm *l, const char *passes) {
#ifndef NDEBUG
    char *error = NULL;
    bool bad = LLVMVerifyModule(l->module, LLVMReturnStatusAction, &error);
    if (bad) {
        set_message(l, error);
    }
    LLVMDisposeMessage(error);
    if (bad) {
        return false;
    }
#endif
    LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
    LLVMErrorRef failed = LLVMRunPasses(l->module, passes, l->machine, options);
    LLVMDisposePassBuilderOptions(options);
    if (failed) {
        char *text = LLVMGetErrorMessage(failed);
        set_message(l, text);
        LLVMDisposeErrorMessage(text);
    }
    if (!failed) {
        store_single_lanes(l);
    }
    return !failed && l->n_errors == 0;
}

static LLVMMemoryBufferRef emit(tg_llvm *l, LLVMModuleRef module, LLVMTargetMachineRef machine, LLVMCodeGenFileType kind) {
    char *error = NULL;
    LLVMMemoryBufferRef buffer = NULL;
    if (LLVMTargetMachineEmitToMemoryBuffer(machine, module, kind, &error, &buffer)) {
        set_message(l, error);
        LLVMDisposeMessage(error);
        return NULL;
    }
    if (l->n_errors) {
        LLVMDisposeMemoryBuffer(buffer);
        return NULL;
    }
    return buffer;
}

LLVMMemoryBufferRef tg_llvm_emit_buffer(tg_llvm *l, LLVMCodeGenFileType kind) {
    return emit(l, l->module, l->machine, kind);
}

LLVMMemoryBufferRef tg_llvm_emit_quickly(tg_llvm *l, LLVMModuleRef module) {
    LLVMTargetMachineRef machine = take_machine(l, LLVMCodeGenLevelNone);
    LLVMMemoryBufferRef buffer = machine ? emit(l, module, machine, LLVMObjectFile) : NULL;
    LLVMDisposeModule(module);
    if (machine) {
        give_back(l, machine, LLVMCodeGenLevelNone);
    }
    return buffer;
}

const void *tg_llvm_emit(tg_llvm *l, LLVMCodeGenFileType kind, tg_arena *arena, size_t *size) {
    LLVMMemoryBufferRef buffer = tg_llvm_emit_buffer(l, kind);
    if (!buffer) {
        return NULL;
    }
    l->buffers[0] = buffer; /* should the arena unwind */
    *size = LLVMGetBufferSize(buffer);
    char *copy = tg_arena_alloc(arena, *size + 1, 64); /* zeroed: text ends with a NUL */
    memcpy(copy, LLVMGetBufferStart(buffer), *size);
    l->buffers[0] = NULL;
    LLVMDisposeMemoryBuffer(buffer);
    return copy;
}

const char *tg_llvm_text(tg_llvm *l, tg_arena *arena) {
    char *text = LLVMPrintModuleToString(l->module);
    char *copy = tg_arena_strndup(arena, text, strlen(text));
    LLVMDisposeMessage(text);
    return copy;
}
