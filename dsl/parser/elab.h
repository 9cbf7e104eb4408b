/* The front end's public face inside the project: load modules, check them, instantiate kernels to tile IR.
 *
 *   source text ─parse→ tg_file ─load→ tg_unit (imports resolved, names bound, every kernel checked)
 *                                        └ instantiate(kernel, types, constants, present tensors) → tg_func (tile IR)
 *
 * Elaboration (elab_*.c) walks the syntax tree once and builds tile IR while it checks types, axes, scopes
 * and rules; the same code serves checking (constants unknown, IR thrown away) and instantiation. */
#ifndef TG_PARSER_ELAB_H
#define TG_PARSER_ELAB_H

#include "dsl/ir/ir.h"
#include "dsl/ir/machine.h"
#include "base/signature.h"
#include "dsl/parser/ast.h"

typedef struct tg_unit tg_unit;

/* How import paths become text. Returns null if there is no such module. `std/…` is resolved inside. */
typedef struct tg_loader {
    const char *(*load)(void *user, const char *path, tg_arena *arena, size_t *len);
    void *user;
    bool trusted; /* the module was checked before: kernels are only given their signatures */
} tg_loader;

/* Parses and checks a module and what it imports. Always gives a unit; usable if diags->n_errors == 0.
 * Every kernel is checked for every member of its type bounds (first the first; the others only if that is clean). */
tg_unit *tg_unit_load(tg_arena *arena, tg_interner *names, tg_diags *diags, const char *path, const char *text, size_t len,
                      const tg_loader *loader);

uint32_t tg_unit_n_kernels(const tg_unit *u);
const tg_item *tg_unit_kernel(const tg_unit *u, uint32_t i);
const tg_item *tg_unit_find_kernel(const tg_unit *u, const char *name); /* null if absent */
const tg_file *tg_unit_file(const tg_unit *u);

/* What a caller must give and check at launch: see base/signature.h. Independent of types and constants. */
const tg_signature *tg_unit_signature(const tg_unit *u, const tg_item *kernel);

/* Bindings for one instance of a kernel. Arrays run parallel to the signature's lists. */
typedef struct tg_instance_spec {
    const tg_dtype *types;        /* per type parameter */
    const tg_scalar *consts;      /* per constant slot (const dims first, then const scalars: signature order) */
    const bool *present;          /* per parameter: false = optional tensor absent; null = all present */
    const tg_machine *machine;    /* picks schedules and default blocks; null: language defaults */
    const struct tg_block_override { const char *axis; int64_t block; } *blocks; /* forced block sizes (tests, tuner) */
    uint32_t n_blocks;
    const char *schedule;         /* settings as between the braces of a `schedule` item, applied after the source's; or null */
    bool only_given;              /* `schedule` items of the source are left out */
    bool checked;                 /* keep `assert`, verify content facts */
} tg_instance_spec;

/* Null if diagnostics with errors were reported (E0209, E0212, E07xx, unroll over 1024 …). The function verifies.
 * With spec->schedule its text becomes one more source of diags->sources, which must not be shared then. */
tg_func *tg_unit_instantiate(tg_unit *u, const tg_item *kernel, const tg_instance_spec *spec, tg_arena *arena, tg_diags *diags);

#endif
