/* A thin layer over LLVM-C: one struct owns every LLVM object of one compilation, helpers build the
 * few shapes that all CPU code is made of (loops, masked memory operations, intrinsic calls), and
 * guard.c keeps failures inside LLVM from ending the process.
 *
 * LLVM's optimiser is hardly used: code is emitted as SSA vectors and a short list of passes cleans up
 * (module.c). Nothing here knows of tile IR. Read targets/x86/x86_internal.h next. */
#ifndef TG_TARGETS_LLVM_LLVM_H
#define TG_TARGETS_LLVM_LLVM_H

#include "base/arena.h"

#include <llvm-c/Core.h>
#include <llvm-c/TargetMachine.h>

typedef struct tg_llvm {
    LLVMContextRef context;
    LLVMModuleRef module;
    LLVMBuilderRef builder;
    LLVMTargetMachineRef machine;
    LLVMTypeRef t_void, i1, i8, i16, i32, i64, f16, f32, f64, ptr;
    LLVMMemoryBufferRef buffers[3]; /* emitted, not yet copied */
    const char *cpu, *features;
    int n_errors;       /* diagnostics of severity error */
    char message[512];  /* the first of them */
} tg_llvm;

/* False with l->message if the machine cannot be made. The struct is zeroed first. */
bool tg_llvm_open(tg_llvm *l, const char *name, const char *cpu, const char *features);
void tg_llvm_close(tg_llvm *l); /* closed or never opened is fine */

/* Address space, in MiB, that a compile may need: two threads with 32 of stack each, an arena of 64 that the C library aligns within 128 for
 * the second, and LLVM, which takes some 100 for the largest kernels of the library. And that the linker of an object may. */
enum { TG_LLVM_COMPILE_MIB = 384, TG_LLVM_LOAD_MIB = 128 };
/* Is that much to be had? LLVM ends the process where an allocation fails, so that has to be asked first:
 * under a limit of the address space, or of what the system commits to. What other threads take meanwhile is not known. */
bool tg_llvm_has_room(size_t mib);
/* Runs `fn`; false if LLVM met a fatal error in it (then what LLVM held is leaked: it may be in any state). */
bool tg_llvm_guard(void (*fn)(void *user), void *user, char *message, size_t size);

/* Verifies (in debug builds) and runs the pass list. False with l->message. */
bool tg_llvm_optimise(tg_llvm *l, const char *passes);
/* The module as an object file or assembly text, copied to the arena; null with l->message. */
const void *tg_llvm_emit(tg_llvm *l, LLVMCodeGenFileType kind, tg_arena *arena, size_t *size);
/* The same, to be disposed of by the caller. */
LLVMMemoryBufferRef tg_llvm_emit_buffer(tg_llvm *l, LLVMCodeGenFileType kind);
/* An object of another module of the context, without optimisation; disposes of the module. */
LLVMMemoryBufferRef tg_llvm_emit_quickly(tg_llvm *l, LLVMModuleRef module);
LLVMModuleRef tg_llvm_module_beside(const tg_llvm *l); /* an empty one of the same context */
/* (move.c) Moves the function's code to another module of the context; here it is left as a declaration. Only if it may: what it refers to
 * other than functions has to be copied. Functions that either module shares have to be visible. */
void tg_llvm_move(LLVMValueRef fn, LLVMModuleRef module);
bool tg_llvm_may_move(LLVMValueRef fn);
/* The attribute, a string, of functions that only steer. */
#define TG_LLVM_STEERS "tegula-steers"
/* (parts.c) Passes and object code: functions that only steer quickly, the others by two threads if they are many and it may be.
 * Up to three objects, the others at multiples of 64 bytes. The module cannot be used any more. */
const void *tg_llvm_emit_parts(tg_llvm *l, const char *passes, bool two_threads, tg_arena *arena, size_t *size);
const char *tg_llvm_text(tg_llvm *l, tg_arena *arena);

/* ---- small builders ---------------------------------------------------------------------------- */

LLVMValueRef tg_llvm_int(LLVMTypeRef type, int64_t v); /* scalar or vector type */
LLVMValueRef tg_llvm_i64(tg_llvm *l, int64_t v);
LLVMValueRef tg_llvm_i32(tg_llvm *l, int64_t v);
LLVMValueRef tg_llvm_real(LLVMTypeRef type, double v); /* scalar or vector type */
bool tg_llvm_is_const(LLVMValueRef v, int64_t *out);   /* scalar integer constant */
bool tg_llvm_is_vector(LLVMValueRef v);
unsigned tg_llvm_lanes(LLVMValueRef v); /* 1 for a scalar */
LLVMTypeRef tg_llvm_like(LLVMTypeRef element, LLVMValueRef shape); /* element, or a vector as wide as `shape` */
LLVMTypeRef tg_llvm_wide(LLVMTypeRef element, unsigned lanes); /* element itself for one lane */
LLVMValueRef tg_llvm_splat(tg_llvm *l, LLVMValueRef v, unsigned lanes);
LLVMValueRef tg_llvm_splatted(LLVMValueRef v); /* what all lanes of an instruction that tg_llvm_splat made are; null: it is none */
LLVMValueRef tg_llvm_lane_ids(tg_llvm *l, unsigned lanes); /* <0, 1, …> of i64 */
LLVMValueRef tg_llvm_gep(tg_llvm *l, LLVMTypeRef element, LLVMValueRef base, LLVMValueRef index);
LLVMValueRef tg_llvm_load(tg_llvm *l, LLVMTypeRef type, LLVMValueRef at, unsigned align);
LLVMValueRef tg_llvm_store(tg_llvm *l, LLVMValueRef v, LLVMValueRef at, unsigned align);
LLVMValueRef tg_llvm_masked_load(tg_llvm *l, LLVMTypeRef type, LLVMValueRef at, unsigned align, LLVMValueRef mask);
void tg_llvm_masked_store(tg_llvm *l, LLVMValueRef v, LLVMValueRef at, unsigned align, LLVMValueRef mask);
LLVMValueRef tg_llvm_gather(tg_llvm *l, LLVMTypeRef type, LLVMValueRef at, unsigned align, LLVMValueRef mask);
void tg_llvm_scatter(tg_llvm *l, LLVMValueRef v, LLVMValueRef at, unsigned align, LLVMValueRef mask);
void tg_llvm_take_back(LLVMValueRef v); /* an instruction that turned out to have no use: removed, if it has none */
/* An intrinsic overloaded on `types`; zero operands after n_args ignored. */
LLVMValueRef tg_llvm_call(tg_llvm *l, const char *name, LLVMTypeRef *types, unsigned n_types, LLVMValueRef *args,
                          unsigned n_args);
/* The common case: overloaded on the type of the first argument. */
LLVMValueRef tg_llvm_call1(tg_llvm *l, const char *name, LLVMValueRef a);
LLVMValueRef tg_llvm_call2(tg_llvm *l, const char *name, LLVMValueRef a, LLVMValueRef b);
/* Asks for the line of p, to be read; locality 3: first-level cache, 2: second. */
void tg_llvm_prefetch(tg_llvm *l, LLVMValueRef p, uint32_t locality);
void tg_llvm_prefetch_written(tg_llvm *l, LLVMValueRef p); /* a line that will be stored to */
LLVMValueRef tg_llvm_call3(tg_llvm *l, const char *name, LLVMValueRef a, LLVMValueRef b, LLVMValueRef c);
LLVMValueRef tg_llvm_min64(tg_llvm *l, LLVMValueRef a, LLVMValueRef b); /* signed */
LLVMValueRef tg_llvm_max64(tg_llvm *l, LLVMValueRef a, LLVMValueRef b);
LLVMValueRef tg_llvm_ceil_div(tg_llvm *l, LLVMValueRef a, LLVMValueRef b); /* a >= 0, b > 0 */
LLVMBasicBlockRef tg_llvm_block(tg_llvm *l); /* appended to the function of the current block */
/* Lanes `pick` of a, then b; at most 128. */
LLVMValueRef tg_llvm_shuffle(tg_llvm *l, LLVMValueRef a, LLVMValueRef b, const unsigned *pick, unsigned n);
/* Lanes of `v` [from, from + n) as a shorter vector. */
LLVMValueRef tg_llvm_slice(tg_llvm *l, LLVMValueRef v, unsigned from, unsigned n);
/* Vectors of one type side by side; n is a power of two. Overwrites them. */
LLVMValueRef tg_llvm_beside(tg_llvm *l, LLVMValueRef *part, unsigned n);

/* A bottom-tested counted loop. The block before it stays open until the loop is closed, so that code that does not
 * depend on the index can still be put there (`before` follows if such code makes blocks of its own). */
typedef struct tg_llvm_loop {
    LLVMBasicBlockRef before, body;
    LLVMValueRef index, from, until, step;
    bool may_wrap; /* set between open and close: the last index plus the step may lie beyond 2^63 */
} tg_llvm_loop;
LLVMValueRef tg_llvm_loop_open(tg_llvm *l, tg_llvm_loop *loop, LLVMValueRef from, LLVMValueRef until, LLVMValueRef step);
void tg_llvm_loop_close(tg_llvm *l, tg_llvm_loop *loop);

/* if (test) { … } else { … }: open, then, else_, close; nothing is merged (use stack slots). */
typedef struct tg_llvm_if {
    LLVMBasicBlockRef no, after;
    bool has_else;
} tg_llvm_if;
void tg_llvm_if_open(tg_llvm *l, tg_llvm_if *c, LLVMValueRef test);
void tg_llvm_if_else(tg_llvm *l, tg_llvm_if *c);
void tg_llvm_if_close(tg_llvm *l, tg_llvm_if *c);

/* What is emitted from open to close goes into a function of its own, called from where it stood (outline.c). The region must
 * leave no value that is used after it; code put into blocks of the outer function meanwhile stays there. Null if the
 * region has to stay where it is: `keep`, a branch out of it, or too many values read. The caller gives the function its attributes. */
typedef struct tg_llvm_outline {
    LLVMBasicBlockRef before, first;
    LLVMValueRef region;
} tg_llvm_outline;
void tg_llvm_outline_open(tg_llvm *l, tg_llvm_outline *o);
LLVMValueRef tg_llvm_outline_close(tg_llvm *l, tg_llvm_outline *o, const char *name, bool keep);
/* Does the function neither store elements nor handle vectors, but leave that to those it calls? (outline.c) */
bool tg_llvm_only_steers(LLVMValueRef fn);

#endif
