/* Compiling IR text with the x86 target, loading the object and running it on the calling thread; and the differential
 * check against the interpreter. For tests only. */
#ifndef X86_RUN_H
#define X86_RUN_H

#include "base/abi.h"
#include "dsl/interp/interp.h"
#include "targets/target.h"

#include <string.h>

typedef struct x86_options {
    const char *arch; /* null: this machine */
    bool typical;     /* with what a typical processor of that level holds and foresees, in place of this one */
    tg_strides strides;
    bool baseline, o2, reverse; /* reverse: tasks in decreasing order */
    const char *passes; /* null: the target's */
    int32_t n_threads; /* what the kernel is told; 0: 1 */
    unsigned emit; /* more than the object */
    const bool *packed; /* as of tg_codegen_options */
} x86_options;

typedef struct x86_kernel {
    tg_unwind unwind;
    tg_arena *arena;
    tg_func *f;     /* as read */
    tg_func *lowered;
    tg_object object;
    tg_entry_fn entry;
    void *jit;
    const char *error; /* null: ready */
    double compile_ms;
    bool reverse;
    int32_t n_threads;
} x86_kernel;

x86_kernel *x86_open(const char *text, const x86_options *options);
void x86_close(x86_kernel *k);
/* args as for the entry. */
int32_t x86_launch(const x86_kernel *k, const void *const *args);
extern int x86_tiles_packed; /* calls of pack_tiles in the last launch */
extern int64_t x86_tasks;    /* of its last grid */

static inline tg_tensor_arg x86_matrix(void *data, int64_t rows, int64_t columns) {
    return (tg_tensor_arg){.data = data, .shape = {rows, columns}, .stride = {columns, 1}};
}

/* A float whose lower half is zero (or is cut off), and back. */
static inline uint16_t x86_bf16_of(float v) {
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return (uint16_t)(bits >> 16);
}

static inline float x86_f32_of(uint16_t v) {
    uint32_t bits = (uint32_t)v << 16;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* One tensor or scalar argument with storage of its own, alone in memory (guarded.h). */
typedef struct x86_arg {
    tg_tensor_arg tensor;
    tg_dtype dtype;
    uint32_t rank;
    char *storage;
    size_t bytes;
    bool at_start; /* the storage begins where memory does, else it ends where it ends */
    bool is_pointer; /* the kernel is given the address of the first element and nothing else */
    tg_scalar scalar;
    union { int64_t i; double f; } word;
} x86_arg;

typedef struct x86_args {
    x86_arg list[32];
    uint32_t n;
} x86_args;

/* Gives an argument its storage: zeros. */
void x86_arg_alloc(x86_arg *a, size_t bytes, bool at_start);
/* Makes the address of the first element the argument. */
void x86_arg_point(x86_arg *a);

/* Layout of generated tensors. */
typedef enum x86_layout { X86_DENSE, X86_PADDED, X86_SPREAD, X86_REVERSED } x86_layout;

/* Makes arguments for f from lines "// shape NAME EXPR …" of its text; dims gives the value of each letter A … Z. */
bool x86_args_make(x86_args *a, const tg_func *f, const char *text, const int64_t dims[26], x86_layout layout, uint64_t seed);
void x86_args_copy(x86_args *to, const x86_args *from); /* the first elements stay at their places in the storage */
void x86_args_free(x86_args *a);
void x86_args_pointers(x86_args *a, const void **out);

/* Runs text under all variants and sizes; null, or what differs (static text). */
const char *x86_differential(const char *text, int n_rounds, uint64_t seed);

char *x86_read_file(const char *path); /* malloc */

#endif
