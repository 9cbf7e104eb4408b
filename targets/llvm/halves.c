/* One module emitted by two threads, as two objects.
 *
 * Most of a compilation is LLVM's code generator, whose time follows the amount of code, function by function. A module of
 * several functions goes over to a second context by way of bitcode; each side then keeps a half of the functions and sees the
 * others as defined elsewhere. Functions that were internal get hidden names: a linker has to join the objects. */
#include "targets/llvm/llvm.h"

#include <llvm-c/BitReader.h>
#include <llvm-c/BitWriter.h>

#include <pthread.h>
#include <string.h>

enum { WORTH_IT = 700 /* instructions: below, the second context costs what it gains */, ALIGNMENT = 64, STACK_BYTES = 64 << 20 };

static unsigned count_instructions(LLVMValueRef fn) {
    unsigned n = 0;
    for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(fn); b; b = LLVMGetNextBasicBlock(b)) {
        for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i)) {
            n++;
        }
    }
    return n;
}

typedef struct part {
    LLVMValueRef fn;
    const char *name;
    unsigned weight;
    bool stays, away; /* has to be in the first half; is in the second */
} part;

/* The functions, the heaviest first. Null if they are few or small. */
static part *list_parts(tg_llvm *l, tg_arena *arena, unsigned *n) {
    unsigned total = 0;
    *n = 0;
    for (LLVMValueRef f = LLVMGetFirstFunction(l->module); f; f = LLVMGetNextFunction(f)) {
        *n += !LLVMIsDeclaration(f);
    }
    part *parts = TG_NEW_ARRAY(arena, part, *n + 1);
    unsigned k = 0;
    for (LLVMValueRef f = LLVMGetFirstFunction(l->module); f; f = LLVMGetNextFunction(f)) {
        if (LLVMIsDeclaration(f)) {
            continue;
        }
        size_t length;
        const char *name = LLVMGetValueName2(f, &length);
        part p = {f, tg_arena_strndup(arena, name, length), count_instructions(f), false, false};
        total += p.weight;
        unsigned at = k++;
        for (; at > 0 && parts[at - 1].weight < p.weight; at--) {
            parts[at] = parts[at - 1];
        }
        parts[at] = p;
    }
    return k > 1 && total >= WORTH_IT ? parts : NULL;
}

/* Is the operand a function whose address the instruction uses otherwise than to call it? */
static bool is_address(LLVMValueRef instruction, int operand) {
    LLVMValueRef v = LLVMGetOperand(instruction, (unsigned)operand);
    bool callee = LLVMIsACallInst(instruction) && operand + 1 == LLVMGetNumOperands(instruction); /* it comes last */
    return LLVMIsAFunction(v) && !LLVMIsDeclaration(v) && !callee;
}

/* Objects may be loaded far from one another: calls reach anywhere by way of a stub, addresses relative to the code do not. So a
 * function that is not only called stays here, and who takes its address too. */
static bool must_stay(LLVMValueRef fn) {
    for (LLVMUseRef u = LLVMGetFirstUse(fn); u; u = LLVMGetNextUse(u)) {
        LLVMValueRef user = LLVMGetUser(u);
        if (!LLVMIsACallInst(user) || LLVMGetCalledValue(user) != fn) {
            return true;
        }
    }
    for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(fn); b; b = LLVMGetNextBasicBlock(b)) {
        for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i)) {
            for (int k = 0; k < LLVMGetNumOperands(i); k++) {
                if (is_address(i, k)) {
                    return true;
                }
            }
        }
    }
    return false;
}

static void make_hidden(LLVMValueRef fn) {
    if (LLVMGetLinkage(fn) == LLVMInternalLinkage) {
        LLVMSetLinkage(fn, LLVMExternalLinkage);
        LLVMSetVisibility(fn, LLVMHiddenVisibility);
    }
}

/* What has to stay is weighed first; then each part, the heaviest first, goes where less is. False if all stay. */
static bool divide(part *parts, unsigned n) {
    unsigned here = 0, there = 0;
    for (unsigned i = 0; i < n; i++) {
        parts[i].stays = must_stay(parts[i].fn);
        here += parts[i].stays ? parts[i].weight : 0;
    }
    for (unsigned i = 0; i < n; i++) {
        part *p = &parts[i];
        make_hidden(p->fn);
        if (!p->stays) {
            p->away = there < here;
            *(p->away ? &there : &here) += p->weight;
        }
    }
    return there > 0;
}

/* A declaration in place of the function: passes would still look at a body that is available elsewhere. */
static void declare(LLVMModuleRef module, const char *name) {
    LLVMValueRef fn = LLVMGetNamedFunction(module, name), declared = LLVMAddFunction(module, "", LLVMGlobalGetValueType(fn));
    LLVMSetVisibility(declared, LLVMGetVisibility(fn));
    LLVMReplaceAllUsesWith(fn, declared);
    LLVMDeleteFunction(fn);
    LLVMSetValueName2(declared, name, strlen(name));
}

/* What this half does not emit is defined elsewhere. */
static void give_up(LLVMModuleRef module, const part *parts, unsigned n, bool away) {
    for (unsigned i = 0; i < n; i++) {
        if (parts[i].away == away) {
            declare(module, parts[i].name);
        }
    }
}

typedef struct half {
    const char *cpu, *features, *passes;
    LLVMMemoryBufferRef bitcode; /* owned until it is parsed */
    const part *parts;
    unsigned n;
    LLVMMemoryBufferRef object;
    char message[sizeof((tg_llvm *)NULL)->message];
} half;

static void emit_away(void *user) {
    half *h = user;
    tg_llvm l;
    LLVMModuleRef module = NULL;
    if (tg_llvm_open(&l, "", h->cpu, h->features) && !LLVMParseBitcodeInContext2(l.context, h->bitcode, &module)) {
        LLVMDisposeModule(l.module);
        l.module = module;
        give_up(module, h->parts, h->n, false);
        h->object = tg_llvm_optimise(&l, h->passes) ? tg_llvm_emit_buffer(&l, LLVMObjectFile) : NULL;
    }
    memcpy(h->message, l.message, sizeof h->message);
    LLVMDisposeMemoryBuffer(h->bitcode);
    tg_llvm_close(&l);
}

static void *away_main(void *user) {
    half *h = user;
    tg_llvm_guard(emit_away, h, h->message, sizeof h->message);
    return NULL;
}

typedef struct emission {
    tg_llvm *l;
    const char *passes;
    LLVMMemoryBufferRef object;
} emission;

static void emit_here(void *user) {
    emission *e = user;
    e->object = tg_llvm_optimise(e->l, e->passes) ? tg_llvm_emit_buffer(e->l, LLVMObjectFile) : NULL;
}

static const void *emit_whole(tg_llvm *l, const char *passes, tg_arena *arena, size_t *size) {
    return tg_llvm_optimise(l, passes) ? tg_llvm_emit(l, LLVMObjectFile, arena, size) : NULL;
}

static bool start(pthread_t *thread, half *h) {
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes)) {
        return false;
    }
    bool ok = !pthread_attr_setstacksize(&attributes, (size_t)STACK_BYTES) && !pthread_create(thread, &attributes, away_main, h);
    pthread_attr_destroy(&attributes);
    return ok;
}

/* Nothing is taken from the arena while the other thread runs: that might unwind. */
static const void *emit_both(tg_llvm *l, half *h, tg_arena *arena, size_t *size) {
    pthread_t thread;
    if (!start(&thread, h)) {
        LLVMDisposeMemoryBuffer(h->bitcode);
        return emit_whole(l, h->passes, arena, size);
    }
    give_up(l->module, h->parts, h->n, true);
    emission here = {l, h->passes, NULL};
    bool ok = tg_llvm_guard(emit_here, &here, l->message, sizeof l->message) && here.object;
    pthread_join(thread, NULL);
    if (ok && !h->object) {
        memcpy(l->message, h->message, sizeof l->message);
        ok = false;
    }
    l->buffers[0] = here.object;
    l->buffers[1] = h->object;
    if (!ok) {
        return NULL;
    }
    size_t first = LLVMGetBufferSize(here.object), at = (first + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    *size = at + LLVMGetBufferSize(h->object);
    char *bytes = tg_arena_alloc(arena, *size, ALIGNMENT); /* zeroed */
    memcpy(bytes, LLVMGetBufferStart(here.object), first);
    memcpy(bytes + at, LLVMGetBufferStart(h->object), LLVMGetBufferSize(h->object));
    return bytes;
}

const void *tg_llvm_emit_halves(tg_llvm *l, const char *passes, tg_arena *arena, size_t *size) {
    unsigned n;
    part *parts = list_parts(l, arena, &n);
    if (!parts || !divide(parts, n)) {
        return emit_whole(l, passes, arena, size);
    }
    half *h = TG_NEW(arena, half);
    *h = (half){.cpu = l->cpu, .features = l->features, .passes = passes, .parts = parts, .n = n};
    h->bitcode = LLVMWriteBitcodeToMemoryBuffer(l->module);
    return emit_both(l, h, arena, size);
}
