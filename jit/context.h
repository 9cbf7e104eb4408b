/* Inside the JIT: the context, modules, kernels and their compiled variants.
 *
 *   tg_launch            launch.c    arguments → signature check → variant → entry
 *   launches like before plan.c      arguments → variant → entry
 *   bound launches       call.c      → entry
 *   variants             variant.c   one hash look-up; compile once, disk cache, loader
 *   disk cache           cache.c     one checked file per variant
 *   machine code         cpu_loader.c
 *   background compiles  async.c
 *
 * Locking: a kernel's table of variants is read without a lock; `lock` guards its growth and
 * the compiling state. No lock is held while compiling or running. */
#ifndef TG_JIT_CONTEXT_H
#define TG_JIT_CONTEXT_H

#include "compiler/compile.h"
#include "jit/async.h"
#include "jit/cache.h"
#include "jit/cpu_loader.h"
#include "runtime/cells.h"
#include "runtime/device.h"
#include "runtime/host.h"
#include "runtime/tensor.h"
#include "tegula/kernel.h"

#include <stdatomic.h>

typedef struct tg_error_slot tg_error_slot;

/* What a layer above keeps in a context: the first member of its own struct. */
typedef struct tg_context_part {
    void (*free)(struct tg_context_part *part); /* before anything of the context goes */
} tg_context_part;

/* Who decides at launch under which schedule a kernel runs: installed by the layer above. `choose`
 * is asked once per kernel, types, constants and extents, for the first 256 of a kernel; it gives
 * the kernel itself, one of tg_kernel_kept_with_schedule, or null if it cannot say now: the launch
 * then runs the kernel itself, and the next one asks again. It must not launch, and takes no longer
 * than a compile's front end. Any thread. Answers of an earlier `epoch` do not count; epochs are
 * unique among all choosers and count from 1. */
typedef struct tg_chooser {
    tg_kernel *(*choose)(struct tg_chooser *chooser, tg_kernel *kernel,
                         const tg_launch_arg *args, const tg_launch_binding *binding);
    _Atomic uint64_t epoch;
} tg_chooser;

/* An answer; they are kept by the kernel that was launched. */
typedef struct tg_choice {
    struct tg_choice *next;
    _Atomic(tg_kernel *) kernel;
    _Atomic uint64_t epoch;   /* of the answer, see choose.c */
    _Atomic uint64_t words[]; /* types, extents and constants */
} tg_choice;

struct tg_context {
    tg_allocator allocator;
    const tg_device *device;
    tg_host *host;
    const tg_target *target;
    tg_machine machine;
    bool deterministic, checked;
    uint32_t specialise_after;     /* launches alike; 0: never */
    _Atomic uint64_t n_specialised; /* part of the epoch of kept launches: they look for better code again */
    tg_codegen_options codegen; /* set by the command line only, before the first compile */
    char *include_path;         /* may be null */
    tg_hash build;              /* compiler, machine, options: part of every cache key */
    tg_cache cache;
    tg_code_space *code;
    tg_async *async;
    pthread_mutex_t calls_lock; /* calls, ended */
    struct tg_call *calls; /* bound launches, call.c */
    struct tg_module *ended; /* newest first; their kernels are traces that say so to who still uses them */
    pthread_mutex_t error_lock;
    tg_error_slot *errors; /* one per thread that failed */
    char *stdlib_path;     /* directory in place of the embedded kernels; may be null */
    _Atomic(tg_context_part *) stdlib; /* null until a kernel of the library is used */
    _Atomic(tg_chooser *) chooser; /* null: kernels run as they are */
};

/* Context options after defaults and environment. */
typedef struct tg_settings {
    tg_context_options options; /* strings null only where that means "none" */
    const char *stdlib_path;    /* TEGULA_STDLIB_PATH, or null */
    const char *device_from, *arch_from; /* "TEGULA_ARCH: " in front of what is wrong, "" for an option */
    char cache_default[1024];
} tg_settings;
/* Reads TEGULA_DEVICE, _ARCH, _THREADS, _CACHE, _PATH, _CACHE_BYTES where the options leave
 * them open, and TEGULA_STDLIB_PATH. A number that is none is INVALID_ARGUMENT. */
tg_status tg_settings_read_environment(tg_settings *s);
/* TEGULA_TUNING: path of the tuning database, "" for none; null if it is not set. */
const char *tg_environment_tuning(void);
/* TEGULA_SHIPPED: path of rows that ship, "" for none; null if it is not set. */
const char *tg_environment_shipped(void);

/* An options struct of the public API (its struct_size first) as this library knows it: `size` bytes to `to`. A smaller one
 * is an older caller's; a larger one may only have zeros beyond ours, else false. Null: all zero. */
bool tg_options_read(const void *from, void *to, size_t size);

/* ---- errors (error.c) -----------------------------------------------------------------------------------
 */

/* Records the text for this thread and returns the status. `context` may be null. */
tg_status tg_fail(const tg_context *context, tg_status status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same with diagnostics as JSON; both texts are copied. */
tg_status tg_fail_compile(const tg_context *context, tg_status status, const char *text,
                          const char *json);
void tg_errors_free(tg_context *context);

/* ---- modules and kernels --------------------------------------------------------------------------------
 */

enum { TG_MAX_CONSTS = TG_SIG_MAX_CONSTS, TG_KEY_WORDS = 2 + 1 + 2 * TG_MAX_CONSTS + TG_MAX_PARAMS };

/* What a variant is specialised on. The words: types (one byte each), presence bits, then two
 * words per constant; then the orders of the parameters, if it is for tensors that do not lie as
 * they are numbered, or shape and strides of each tensor that is there, if it is for these alone. */
typedef struct tg_variant_key {
    uint64_t words[TG_KEY_WORDS];
    uint32_t n;
    uint64_t hash;
} tg_variant_key;

typedef enum tg_variant_state {
    TG_VARIANT_COMPILING,
    TG_VARIANT_READY,
    TG_VARIANT_FAILED,
    TG_VARIANT_RETRY
} tg_variant_state;

typedef struct tg_variant {
    _Atomic int state;
    uint64_t hash;
    uint64_t *words;
    uint32_t n_words;
    tg_code code;
    bool serial, nondeterministic, from_cache;
    bool plain; /* its entry needs no tg_rt */
    tg_packing packing; /* what it wants of the packed operand */
    tg_few_rows few_rows;
    tg_status status; /* of FAILED */
    char *text, *json;
    double compile_ms;
    size_t code_bytes;
    struct tg_variant *next; /* all of the kernel, newest first */
} tg_variant;

typedef struct tg_plans tg_plans; /* plan.c */

typedef struct tg_variant_table {
    uint32_t n_slots; /* a power of two */
    struct tg_variant_table *older;
    _Atomic(tg_variant *) slots[];
} tg_variant_table;

struct tg_kernel {
    tg_context *context;
    struct tg_module *module;
    const tg_item *item;
    const tg_signature *signature;
    uint32_t key_words;
    _Atomic(tg_variant *) recent; /* the one launched last: usually right */
    _Atomic(tg_variant_table *) table;
    pthread_mutex_t lock; /* growth of the table, states */
    pthread_cond_t changed;
    tg_variant *variants;
    uint32_t n_variants;
    _Atomic uint32_t n_pending; /* async compiles */
    _Atomic uint32_t n_shapes;  /* that have code of their own, or soon will */
    tg_status async_status;
    char *schedule;     /* of tg_kernel_with_schedule; null: what the source says */
    bool only_given;    /* the source's schedule items are left out */
    bool kept;          /* of tg_kernel_kept_with_schedule */
    tg_kernel *derived; /* next of the module's list of those */
    _Atomic(tg_plans *) plans;    /* null until a launch was kept */
    _Atomic(tg_choice *) choices; /* newest first; choose.c */
    _Atomic uint32_t n_choices;
};

struct tg_module {
    tg_context *context;
    tg_compilation *compilation;
    char *warnings;
    tg_kernel *kernels;
    uint32_t n_kernels, n_made; /* initialised; allocated */
    pthread_mutex_t lock; /* `derived` */
    tg_kernel *derived;   /* made by tg_kernel_with_schedule */
    struct tg_module *before; /* ended before this one */
};

/* The kernel under a schedule that the module keeps: made once per text, ends with the module. Null: out of memory. */
tg_kernel *tg_kernel_kept_with_schedule(tg_kernel *kernel, const char *schedule);

/* INVALID_ARGUMENT if the kernel is null, or a trace of one whose module has ended. */
tg_status tg_kernel_check(const tg_kernel *kernel);
/* Frees what is kept of the modules that have ended. */
void tg_modules_forget(tg_context *context);

char *tg_copy_text(const tg_allocator *a, const char *text); /* null on failure or for null */
void tg_free_text(const tg_allocator *a, char *text);

/* ---- variants (variant.c) --------------------------------------------------------------------------------
 */

/* tg_module_load_text of text that the library brings with it (see compiler/compile.h). */
tg_status tg_module_load_trusted(tg_context *context, const char *name, const char *text, size_t length, tg_module **out);
void tg_kernel_init(tg_kernel *k, tg_module *module, const tg_item *item);
void tg_kernel_fini(tg_kernel *k);
uint32_t tg_kernel_key_words(const tg_signature *sig);
/* `present` has one entry per parameter. */
void tg_variant_key_make(const tg_kernel *k, const tg_dtype *types, const tg_scalar *consts,
                         const bool *present, tg_variant_key *key);
/* Turns the key into that of the code for tensors of any strides. */
void tg_variant_key_set_general(tg_variant_key *key);
/* … of the code for tensors that lie like these, one order per parameter. */
void tg_variant_key_set_orders(const tg_kernel *k, const tg_order *orders, tg_variant_key *key);
/* … of the code for tensors of exactly these shapes and strides; false if they take too many words. */
bool tg_variant_key_set_shapes(const tg_kernel *k, const tg_launch_arg *args, tg_variant_key *key);
bool tg_variant_key_has_shapes(const tg_variant_key *key);
/* … and which lie like these; false if that takes too many words. */
bool tg_variant_key_add_orders(const tg_kernel *k, const tg_order *orders, tg_variant_key *key);
/* … of the code for tensors of which these are packed, one bit per parameter. */
void tg_variant_key_set_packed(tg_variant_key *key, uint64_t packed);
/* … of the code that leaves nothing out for launches of few rows. */
void tg_variant_key_set_few(tg_variant_key *key);
/* Is it for all shapes, but not for any strides? */
bool tg_variant_is_usual(const tg_variant *v);
/* A ready variant without waiting, or null. */
tg_variant *tg_variant_find(const tg_kernel *k, const tg_variant_key *key);
/* ---- selecting a variant by name (kernel.c) -------------------------------------------------------------
 */

typedef struct tg_selection {
    tg_dtype types[TG_SIG_MAX_TYPES];
    tg_scalar consts[TG_MAX_CONSTS];
    bool present[TG_MAX_PARAMS];
    uint8_t short_dims[TG_MAX_PARAMS]; /* of the launch at hand, as tg_codegen_options.short_dims; none if there is no launch */
    tg_variant_key key;
} tg_selection;
/* Finds its variant, or compiles and waits. Errors are recorded for this thread. */
tg_status tg_variant_get(tg_kernel *k, const tg_selection *s, tg_variant **out);
tg_status tg_selection_read(const tg_kernel *k, const tg_kernel_spec *spec, tg_selection *s);
/* Compiles on another thread; tg_kernel_wait tells how it went. OUT_OF_MEMORY. */
tg_status tg_selection_compile_async(tg_kernel *kernel, const tg_selection *s);
/* What a launch with these arguments is specialised on. */
void tg_selection_of_launch(const tg_kernel *k, const tg_launch_arg *args,
                            const tg_launch_binding *b, tg_selection *s);
/* "true", "false", an integer or a float. */
bool tg_scalar_parse(const char *text, tg_scalar *out);

/* Compiles on another thread what a launch with such arguments needs; of tensors only types, shapes and strides are read. Whether it
 * worked shows at the launch. */
void tg_launch_compile_ahead(tg_kernel *kernel, const tg_argument *values, uint32_t n_values);

/* ---- launches (launch.c) ----------------------------------------------------------------------------------
 */

/* tg_launch_arg of every parameter; missing values are absent or defaults. INVALID_ARGUMENT:
 * kinds, number. */
tg_status tg_launch_args_make(const tg_kernel *k, const tg_argument *values, uint32_t n_values,
                              tg_launch_arg *args);
/* The value of an argument that is not a tensor. */
tg_scalar tg_argument_scalar(const tg_argument *v);
/* Which kernel to launch instead of k, by the context's chooser (choose.c); k itself if there is none. *epoch: as long as the
 * chooser's epoch is this one, the answer for these arguments stays. */
#define TG_NO_CHOOSER  UINT64_C(0)
#define TG_NOT_SETTLED UINT64_MAX
tg_kernel *tg_choose(tg_kernel *k, const tg_launch_arg *args, const tg_launch_binding *b,
                     uint64_t *epoch);
void tg_choices_free(tg_kernel *k);
/* Arguments are right for the kernel: binds types, dimensions and constants. */
tg_status tg_launch_check(const tg_kernel *k, const tg_launch_arg *args, tg_launch_binding *b);
/* Is one of the tensors packed? Such launches run under no schedule that a tuner chose, and are not kept. */
bool tg_launch_has_packed(const tg_kernel *k, const tg_launch_arg *args);
/* The variant of a launch of which tensor i shall be packed, compiled if need be. */
tg_status tg_launch_get_packed(tg_kernel *k, uint32_t i, const tg_launch_arg *args, const tg_launch_binding *b, tg_variant **out);
/* Runs a checked launch under k; *ran: the variant that did. */
tg_status tg_launch_run(tg_kernel *k, const tg_launch_arg *args, const tg_launch_binding *b, tg_variant **ran);
/* What a checked launch would run: k or the kernel that is chosen instead, and its variant, compiled if need be. `exact`: code for
 * these shapes alone, if the context allows. The variant may still turn out not to be for these strides (TG_ENTRY_NEEDS_GENERAL). */
typedef struct tg_launch_code {
    tg_kernel *kernel;
    tg_variant *variant;
} tg_launch_code;
tg_status tg_launch_find_code(tg_kernel *k, const tg_launch_arg *args, const tg_launch_binding *b, bool exact, tg_launch_code *out);
/* A checked launch as its entry takes it (plan.c). */
typedef struct tg_plan {
    const tg_variant *variant;
    tg_cell cells[TG_MAX_PARAMS];
    const void *pointers[TG_MAX_PARAMS];
    bool hot; /* not found this once: so often that code of its own is due */
} tg_plan;
/* Was a launch kept whose checks say that this one is right too? False is no failure. */
bool tg_plan_find(const tg_kernel *k, const tg_argument *values, uint32_t n_values,
                  tg_plan *out);
/* What the choice of a variant depends on beside the arguments; a plan that was found is good as long as it is the same. */
uint64_t tg_plan_epoch(const tg_kernel *k);
/* The same, if the chooser's epoch is `chosen`. */
uint64_t tg_plan_epoch_of(const tg_kernel *k, uint64_t chosen);
/* Runs a variant on arguments that a plan was found for, or on others that would pass the same checks. False: nothing was done. */
bool tg_plan_run(const tg_kernel *k, const tg_variant *variant, const void *const *pointers,
                 tg_status *status);
/* Keeps a launch that passed every check and ran `variant`; `epoch` is what the choice of the variant depends on. `n_found`: how many
 * launches like it are counted already. */
void tg_plan_keep(tg_kernel *k, const tg_argument *values, uint32_t n_values,
                  const tg_launch_arg *args, const tg_dtype *types, const tg_variant *variant,
                  uint64_t epoch, uint32_t n_found);
void tg_plans_free(tg_kernel *k);
/* Content facts in checked mode (facts.c). */
tg_status tg_facts_check(const tg_kernel *k, const tg_launch_binding *b,
                         const tg_launch_arg *args);

#endif
