/* One module emitted as several objects, for a loader.
 *
 * Most of a compilation is LLVM's code generator, whose time follows the amount of code, function by function. What only steers goes to a
 * module of its own, for which a generator without optimisation will do: the other allocates the registers of functions marked `optnone`
 * as carefully as of any. Of several large functions a half goes over to a second thread and context by way of bitcode. Each side sees
 * the functions of the others as defined elsewhere. */
#include "targets/llvm/llvm.h"

#include <llvm-c/BitReader.h>
#include <llvm-c/BitWriter.h>

#include <pthread.h>
#include <string.h>

/* In instructions: below, the second context, or the second module, costs what it gains. */
enum { WORTH_A_THREAD = 700, WORTH_A_MODULE = 150 };
enum { SENDING = 150 /* what the other thread's start costs, as code */, QUICK_SHARE = 4 /* less time than for as much other code */ };
enum { ALIGNMENT = 64, STACK_BYTES = 64 << 20 };

typedef enum side { HERE, AWAY, QUICKLY, N_SIDES } side;

typedef struct part {
    LLVMValueRef fn;
    unsigned weight;
    side side;
    bool stays;
} part;

typedef struct division {
    part *parts; /* the heaviest first */
    unsigned n, weight[N_SIDES];
} division;

/* ---- who emits what ------------------------------------------------------------------------------------------------ */

static unsigned count_instructions(LLVMValueRef fn) {
    unsigned n = 0;
    for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(fn); b; b = LLVMGetNextBasicBlock(b)) {
        for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i)) {
            n++;
        }
    }
    return n;
}

static unsigned count_functions(LLVMModuleRef module) {
    unsigned n = 0;
    for (LLVMValueRef f = LLVMGetFirstFunction(module); f; f = LLVMGetNextFunction(f)) {
        n += !LLVMIsDeclaration(f);
    }
    return n;
}

static part describe(LLVMValueRef fn) {
    bool stays = !tg_llvm_may_move(fn);
    bool steers = LLVMGetStringAttributeAtIndex(fn, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, TG_LLVM_STEERS, sizeof TG_LLVM_STEERS - 1);
    return (part){fn, count_instructions(fn), steers && !stays ? QUICKLY : HERE, stays};
}

static void list_parts(tg_llvm *l, tg_arena *arena, division *d) {
    d->parts = TG_NEW_ARRAY(arena, part, count_functions(l->module) + 1);
    for (LLVMValueRef f = LLVMGetFirstFunction(l->module); f; f = LLVMGetNextFunction(f)) {
        if (LLVMIsDeclaration(f)) {
            continue;
        }
        part p = describe(f);
        unsigned at = d->n++;
        for (; at > 0 && d->parts[at - 1].weight < p.weight; at--) {
            d->parts[at] = d->parts[at - 1];
        }
        d->parts[at] = p;
        d->weight[p.side] += p.weight;
    }
}

static void move(division *d, part *p, side to) {
    d->weight[p->side] -= p->weight;
    d->weight[to] += p->weight;
    p->side = to;
}

/* Each part, the heaviest first, goes where less is to be done. The other thread begins later. */
static void divide(division *d, bool two_threads) {
    bool quick = d->weight[QUICKLY] >= WORTH_A_MODULE && d->weight[HERE] > 0;
    for (unsigned i = 0; i < d->n && !quick; i++) {
        move(d, &d->parts[i], HERE);
    }
    bool away = two_threads && d->weight[HERE] >= WORTH_A_THREAD;
    unsigned here = d->weight[QUICKLY] / QUICK_SHARE;
    for (unsigned i = 0; i < d->n && away; i++) {
        part *p = &d->parts[i];
        if (p->side == HERE && !p->stays && d->weight[AWAY] + SENDING < here) {
            move(d, p, AWAY);
        } else if (p->side == HERE) {
            here += p->weight;
        }
    }
}

/* ---- modules ------------------------------------------------------------------------------------------------------- */

/* Objects may be loaded far from one another. A name that could be another's is called by way of a stub and has its address read from a
 * table, which reach anywhere; the address of a hidden one is made relative to the code. */
static void make_visible(LLVMModuleRef module) {
    for (LLVMValueRef f = LLVMGetFirstFunction(module); f; f = LLVMGetNextFunction(f)) {
        if (LLVMGetLinkage(f) == LLVMInternalLinkage) {
            LLVMSetLinkage(f, LLVMExternalLinkage);
        }
    }
}

/* The parts of one side in a module of their own, or null. */
static LLVMModuleRef take(tg_llvm *l, const division *d, side which) {
    if (!d->weight[which]) {
        return NULL;
    }
    LLVMModuleRef module = tg_llvm_module_beside(l);
    for (unsigned i = 0; i < d->n; i++) {
        if (d->parts[i].side == which) {
            tg_llvm_move(d->parts[i].fn, module);
        }
    }
    return module;
}

/* ---- emission ------------------------------------------------------------------------------------------------------ */

typedef struct emission {
    tg_llvm *l;
    const char *passes, *cpu, *features;
    LLVMModuleRef quick;         /* or null */
    LLVMMemoryBufferRef bitcode; /* for the other thread, or null */
    LLVMMemoryBufferRef objects[N_SIDES];
    char message[sizeof((tg_llvm *)NULL)->message]; /* of the other thread */
} emission;

static void emit_away(void *user) {
    emission *e = user;
    tg_llvm l;
    LLVMModuleRef module = NULL;
    if (tg_llvm_open(&l, "", e->cpu, e->features) && !LLVMParseBitcodeInContext2(l.context, e->bitcode, &module)) {
        LLVMDisposeModule(l.module);
        l.module = module;
        e->objects[AWAY] = tg_llvm_optimise(&l, e->passes) ? tg_llvm_emit_buffer(&l, LLVMObjectFile) : NULL;
    }
    memcpy(e->message, l.message, sizeof e->message);
    LLVMDisposeMemoryBuffer(e->bitcode);
    tg_llvm_close(&l);
}

static void *away_main(void *user) {
    emission *e = user;
    tg_llvm_guard(emit_away, e, e->message, sizeof e->message);
    return NULL;
}

static void emit_here(void *user) {
    emission *e = user;
    e->objects[HERE] = tg_llvm_optimise(e->l, e->passes) ? tg_llvm_emit_buffer(e->l, LLVMObjectFile) : NULL;
    if (e->objects[HERE] && e->quick) {
        e->objects[QUICKLY] = tg_llvm_emit_quickly(e->l, e->quick);
    }
}

static bool start(pthread_t *thread, emission *e) {
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes)) {
        return false;
    }
    bool ok = !pthread_attr_setstacksize(&attributes, (size_t)STACK_BYTES) && !pthread_create(thread, &attributes, away_main, e);
    pthread_attr_destroy(&attributes);
    return ok;
}

static size_t aligned(size_t size) {
    return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static const void *put_together(LLVMMemoryBufferRef *objects, tg_arena *arena, size_t *size) {
    *size = 0;
    for (int i = 0; i < N_SIDES; i++) {
        *size = objects[i] ? aligned(*size) + LLVMGetBufferSize(objects[i]) : *size;
    }
    char *bytes = tg_arena_alloc(arena, *size, ALIGNMENT); /* zeroed */
    for (size_t i = 0, at = 0; i < N_SIDES; i++) {
        if (objects[i]) {
            memcpy(bytes + at, LLVMGetBufferStart(objects[i]), LLVMGetBufferSize(objects[i]));
            at += aligned(LLVMGetBufferSize(objects[i]));
        }
    }
    return bytes;
}

/* Nothing is taken from the arena while the other thread runs: that might unwind. */
static bool emit_all(emission *e) {
    tg_llvm *l = e->l;
    pthread_t thread;
    bool sent = e->bitcode && start(&thread, e), ok = tg_llvm_guard(emit_here, e, l->message, sizeof l->message);
    if (sent) {
        pthread_join(thread, NULL);
    } else if (e->bitcode) {
        away_main(e);
    }
    ok = ok && e->objects[HERE] && (e->objects[QUICKLY] || !e->quick);
    if (ok && e->bitcode && !e->objects[AWAY]) {
        memcpy(l->message, e->message, sizeof l->message);
        ok = false;
    }
    return ok;
}

const void *tg_llvm_emit_parts(tg_llvm *l, const char *passes, bool two_threads, tg_arena *arena, size_t *size) {
    division *d = TG_NEW(arena, division);
    emission *e = TG_NEW(arena, emission);
    *e = (emission){.l = l, .passes = passes, .cpu = l->cpu, .features = l->features};
    list_parts(l, arena, d);
    divide(d, two_threads);
    if (d->weight[QUICKLY] || d->weight[AWAY]) {
        make_visible(l->module);
    }
    e->quick = take(l, d, QUICKLY);
    LLVMModuleRef away = take(l, d, AWAY);
    if (away) {
        e->bitcode = LLVMWriteBitcodeToMemoryBuffer(away);
        LLVMDisposeModule(away);
    }
    bool ok = emit_all(e);
    memcpy(l->buffers, e->objects, sizeof e->objects); /* should the arena unwind */
    return ok ? put_together(e->objects, arena, size) : NULL;
}
