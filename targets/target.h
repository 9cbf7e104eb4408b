/* The contract of a CPU target: tile IR in, object code out. (GPU targets add emit hooks when they come.)
 *
 * A target never aborts the process: what it cannot lower is TG_ERROR_UNSUPPORTED with a message that names the op. */
#ifndef TG_TARGETS_TARGET_H
#define TG_TARGETS_TARGET_H

#include "dsl/ir/ir.h"
#include "dsl/ir/machine.h"

/* Which tensors the code must serve. Loads along a last dimension of stride 1 are vector loads; with other strides they are
 * gathers. Serving both doubles the code, and the general half is rarely run. */
typedef enum tg_strides {
    TG_STRIDES_ANY,    /* both, chosen per phase at launch: ahead-of-time objects */
    TG_STRIDES_USUAL,  /* unit last strides; where that alone decides, the entry returns TG_ENTRY_NEEDS_GENERAL */
    TG_STRIDES_GENERAL /* nothing is taken for granted */
} tg_strides;

typedef struct tg_codegen_options {
    bool baseline;    /* every value materialised, scalar loops: the always-correct lowering */
    bool debug_info;  /* DWARF lines of the .dsl source */
    tg_strides strides;
    bool in_parts; /* for a loader: the bytes may be several objects, one after the other at multiples of 64 */
    /* The context has several threads. Large code that may come in parts is emitted by two of them; code for known shapes keeps phases apart
     * that are better done by one. */
    bool two_threads;
    /* By parameter: code for tensors of these shapes and strides alone. Data is not looked at. Null: any. */
    const tg_tensor_arg *tensors;
    /* By parameter, at most one of them: an operand that was laid out in panels before (tg_object.packed says how). Null: none. */
    const bool *packed;
    /* By parameter, a bit per dimension: is it at most TG_FEW_ROWS in the launch that the code is for? Where others are the rows of a product,
     * code for few rows may be left out (tg_object.few_rows tells). Null: the code is for launches of all kinds. */
    const uint8_t *short_dims;
    const char *entry; /* name of the function in the object; null: "tg_" and the kernel's */
    bool optimise_o2; /* LLVM O2 instead of the short list: a debugging switch */
    const tg_sources *sources; /* for debug info; may be null */
} tg_codegen_options;

/* A directive of schedules that the code would obey where the target now decides itself, with values worth trying: what a tuner may vary.
 * Several targets (`reg(m)`, `reg(n)`) take a value each, together. */
enum { TG_DIRECTIVE_TARGETS = 2, TG_DIRECTIVE_VALUES = 12 };
typedef struct tg_directive {
    const char *target[TG_DIRECTIVE_TARGETS];
    const char *value[TG_DIRECTIVE_VALUES][TG_DIRECTIVE_TARGETS];
    uint32_t n_targets, n_values;
} tg_directive;

/* A third of the code of a product is for few rows against TG_FEW_BYTES or more. Left out, launches with at most TG_FEW_ROWS along dimension
 * `dim` of parameter `param`, and so many bytes of parameter `against`, come out right, but not as fast as they could. */
enum { TG_FEW_ROWS = 192, TG_FEW_BYTES = 192 << 10 };
typedef struct tg_few_rows {
    bool left_out;
    uint8_t param, dim, against;
} tg_few_rows;

/* Object code and what a loader needs. Bytes live in the arena given to compile. */
typedef struct tg_object {
    const void *bytes;
    size_t size;
    const char *entry; /* symbol of the tg_entry_fn (base/abi.h) */
    bool plain;        /* which uses nothing of its tg_rt: null will do */
    tg_packing packing; /* of the operand that options.packed names */
    tg_few_rows few_rows;
    const char *asm_text, *llvm_text, *plan_text; /* only if asked for, else null */
    const tg_directive *directives;               /* likewise */
    uint32_t n_directives;
} tg_object;

/* PLAN and DIRECTIVES alone cost no code generation. */
typedef enum tg_emit { TG_EMIT_OBJECT = 1, TG_EMIT_ASM = 2, TG_EMIT_LLVM = 4, TG_EMIT_PLAN = 8, TG_EMIT_DIRECTIVES = 16 } tg_emit;

typedef struct tg_target {
    const char *name;
    /* The machine this process runs on, or the named architecture ("avx512", "avx2", "v2" …); false if unknown. Code can be made for
     * every architecture; out->runs_here says whether it can also run. */
    bool (*machine)(const char *arch, tg_machine *out);
    /* Gives a machine of a named architecture the caches of a typical processor of its kind, and what that foresees, in place of this one's, for code
     * that does not depend on who makes it. */
    void (*typical)(tg_machine *m);
    /* Tile passes to run before compile, as a comma list for tg_pass_run_list. */
    const char *(*passes)(const tg_machine *machine, const tg_codegen_options *options);
    /* `f` has been through passes(). Thread safe: any number of compiles at once. `message` names op and reason on failure.
     * COMPILE: a setting of its schedule does not fit this machine, or would have no effect; `message` says which (E0703). */
    tg_status (*compile)(tg_func *f, const tg_machine *machine, const tg_codegen_options *options, unsigned emit, tg_arena *arena,
                         tg_object *out, const char **message);
} tg_target;

extern const tg_target tg_target_x86;

#endif
