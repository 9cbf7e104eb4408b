/* From source text to object code: the one place that lists the stages.
 *
 *   tg_compilation_open   text → unit: parse, imports, check           (once per module)
 *   tg_compile_kernel     instantiate → passes → target code           (once per variant)
 *
 * A compilation may be used by several threads: its front end runs under a lock, code
 * generation does not. */
#ifndef TG_COMPILER_COMPILE_H
#define TG_COMPILER_COMPILE_H

#include "base/hash.h"
#include "dsl/parser/elab.h"
#include "targets/target.h"

#include <pthread.h>

/* ---- modules ----------------------------------------------------------------------------------------
 */

typedef struct tg_compilation {
    tg_allocator allocator;
    tg_arena *arena;
    tg_interner *names;
    tg_sources sources;
    tg_diags diags; /* of loading: errors and warnings */
    tg_unit *unit;  /* null if loading was cut short */
    tg_hash hash;   /* of all source text, imports included */
    const char *include_path;
    pthread_mutex_t lock;
} tg_compilation;

enum { TG_MAX_SOURCE = 64 * 1024 * 1024 }; /* bytes of a file or text */

/* `text` is copied. INVALID_ARGUMENT: longer than TG_MAX_SOURCE. COMPILE: *out is there all the same, for its diagnostics; after other
 * errors it is null. `include_path`: directories separated by colons, or null. Close it with
 * tg_compilation_close. */
tg_status tg_compilation_open(const tg_allocator *allocator, const char *path, const char *text,
                              size_t len, const char *include_path, tg_compilation **out);
/* The same for text that belongs to the library and was checked when that was tested: kernels are not checked one by one, which takes longer
 * than to compile one of them. */
tg_status tg_compilation_open_trusted(const tg_allocator *allocator, const char *path, const char *text, size_t len, tg_compilation **out);
/* Reads the file first: NOT_FOUND, IO. */
tg_status tg_compilation_open_file(const tg_allocator *allocator, const char *path,
                                   const char *include_path, tg_compilation **out);
void tg_compilation_close(tg_compilation *c); /* null is fine */
/* Diagnostics of one compile, with a list of sources of its own: a schedule given from outside becomes one more.
 * Lives in `arena`. */
tg_diags tg_compilation_diags(const tg_compilation *c, tg_arena *arena);

/* ---- kernels -----------------------------------------------------------------------------------------
 */

typedef enum tg_stage {
    TG_STAGE_INSTANTIATE,
    TG_STAGE_PASSES,
    TG_STAGE_CODEGEN,
    TG_STAGE_COUNT
} tg_stage;
const char *tg_stage_name(tg_stage stage);

/* Called after a pass ("canon", …) and after the stage "instantiate", for printing. Must not
 * unwind. */
typedef void (*tg_after_fn)(void *user, const char *name, const tg_func *f);

typedef struct tg_compile_options {
    const tg_target *target;
    const tg_machine *machine;
    tg_codegen_options codegen;
    unsigned emit;      /* tg_emit bits */
    const char *passes; /* null: the target's list */
    const tg_order *orders; /* null, or one per parameter: the code is for tensors that lie so */
    bool stop_after_passes;
    bool verify;       /* tg_ir_verify after each pass */
    tg_after_fn after; /* null: not called */
    void *user;
    double *pass_seconds; /* TG_PASS_COUNT sums, or null */
} tg_compile_options;

typedef struct tg_artifact {
    const tg_func *func; /* after the passes */
    tg_object object;
    const tg_signature *signature; /* of the unit */
    bool nondeterministic;         /* float atomics */
    bool prints;                   /* or asserts: runs serially, so that its output is in order and the first failure is told */
    double ms[TG_STAGE_COUNT];
} tg_artifact;

/* Everything that is made lives in `arena`; an exhausted arena is OUT_OF_MEMORY here (the
 * arena's own unwind point is replaced). COMPILE: see `diags`, which must use the same arena.
 * Other failures: *message. */
tg_status tg_compile_kernel(tg_compilation *c, const tg_item *kernel,
                            const tg_instance_spec *spec, const tg_compile_options *options,
                            tg_arena *arena, tg_diags *diags, tg_artifact *out,
                            const char **message);

/* ---- targets ------------------------------------------------------------------------------------------
 */

uint32_t tg_target_count(void);
const tg_target *tg_target_get(uint32_t i);        /* null if out of range */
const tg_target *tg_target_find(const char *name); /* null if unknown; null name: the first */

/* Adds what identifies this build of the compiler: part of every cache key. */
void tg_build_id_add(tg_hasher *h);

#endif
