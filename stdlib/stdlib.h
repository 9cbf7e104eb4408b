/* The standard library of kernels: one row per kernel in stdlib.def, its source in kernels/, its
 * reference in ref/ (for tests only), its C function in include/tegula/ops.h.
 *
 *   stdlib.def ─┬─ table.c      what the library knows of a row at run time
 *               ├─ ref/ref.h    the reference of each row          (tests)
 *               ├─ tests/kernels/table.c   its cases               (tests)
 *               └─ docs/stdlib.md          written by tools/gen_stdlib_doc
 *   load.c      source → module → kernel, once per context
 *   launch.c    leading dimensions beyond the kernel's are folded or walked, then tg_launch
 *   ops*.c      the functions of ops.h: check, choose a row, launch; they compute nothing
 *   formula.c   evaluates the FLOP and byte formulas */
#ifndef TG_STDLIB_STDLIB_H
#define TG_STDLIB_STDLIB_H

#include "jit/context.h"
#include "tegula/ops.h"

typedef enum tg_std_row {
#define KERNEL(NAME, FILE, ...) TG_STD_##NAME,
#include "stdlib/stdlib.def"
    TG_STD_COUNT
} tg_std_row;

typedef struct tg_std_info {
    const char *name, *file; /* the kernel, and its module without ".dsl" */
    const char *doc;         /* one line */
    const char *flops; /* formula over dimensions, scalars and types; "0": moves data only */
    const char *bytes; /* null: every tensor once, `inout` twice */
    const char *error; /* class of language.md section 8 */
    const char *grad;  /* row that computes the gradient, or null */
    const char *via;   /* function of ops.h that reaches it; null: tg_op_NAME */
    bool independent;  /* indices of the leading dimension do not interact */
    bool pointwise;    /* X[M, N] stands for any shape: element by element */
} tg_std_info;
extern const tg_std_info tg_std_table[TG_STD_COUNT];

/* Row of a name; TG_STD_COUNT if there is none. */
tg_std_row tg_std_find(const char *name);

/* A module of its own of a file of kernels/, or with TEGULA_STDLIB_PATH of that directory.
 * NOT_FOUND, or as tg_module_load_file. */
tg_status tg_std_load(tg_context *context, const char *file, tg_module **out);
/* The kernel of a row from the module that the context shares. Any thread. */
tg_status tg_std_kernel(tg_context *context, tg_std_row row, tg_kernel **out);
/* tg_launch, but tensors that begin with the kernel's first dimension may have more leading
 * dimensions, or lack it. They are folded into one where strides allow; rows marked INDEPENDENT
 * are launched once per index of what cannot be folded. Of POINTWISE rows all dimensions are folded.
 * Allocates nothing. */
tg_status tg_std_launch(tg_context *context, tg_std_row row, const tg_argument *values,
                        uint32_t n_values);

/* Scalars that no kernel checks. INVALID_ARGUMENT with a text: no tg_activation, or one that takes an alpha where there is none; a
 * probability outside 0 ... 1. */
tg_status tg_std_check_activation(const tg_context *context, tg_std_row row, tg_activation kind, bool has_alpha);
tg_status tg_std_check_probability(const tg_context *context, tg_std_row row, double p);

/* Options of a call into `to`, which holds the defaults: they stay if `from` is null. What the struct of an older
 * caller lacks is 0. False: struct_size is wrong, or a newer caller asks for what is not known here. */
static inline bool tg_std_options(const void *from, void *to, size_t size) {
    return !from || tg_options_read(from, to, size);
}

/* Value of a name in a formula; false if there is none. */
typedef bool tg_std_name_fn(void *user, const char *name, size_t length, double *value);
/* Evaluates "2*M*N*K", with + - * / ( ) numbers, min(a, b), max(a, b), log2(a). False if it is not
 * well formed or a name is unknown. */
bool tg_std_evaluate(const char *formula, tg_std_name_fn *name, void *user, double *out);
/* FLOPs and bytes of a launch with this binding and these scalars (one per parameter). A type
 * parameter stands for its bytes per element. */
bool tg_std_work(tg_std_row row, const tg_signature *sig, const tg_launch_binding *b,
                 const tg_launch_arg *args, double *flops, double *bytes);

#endif
