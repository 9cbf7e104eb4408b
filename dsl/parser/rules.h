/* Rules that stand beside the elaborator: what a launch must satisfy, which accesses are safe, which schedules
 * are legal. Each group reads finished data (a syntax tree item, a tg_func) and reports; none needs the elaborator.
 *
 *   sig_*.c       syntax tree of a kernel → tg_signature
 *   check_*.c     accesses of a tg_func: injectivity, reads of what is written, atomics (language.md section 7)
 *   schedule*.c   tune and schedule items → block sizes and schedule parameters of a tg_func (section 11)
 *
 * Order in the elaborator: signature, then the kernel's tile IR, then tg_check_accesses, then schedules. */
#ifndef TG_PARSER_RULES_H
#define TG_PARSER_RULES_H

#include "dsl/parser/elab.h"

/* ---- signatures (sig_build.c) ------------------------------------------------------------------------------ */

typedef struct tg_sig_env {
    tg_arena *arena;
    tg_interner *names;
    tg_diags *diags;
    /* Value of a module-level constant visible in the kernel's module; false if there is none of that name or
     * its value is not a known scalar. May be null. */
    bool (*constant)(void *user, tg_name name, tg_scalar *out);
    void *user;
} tg_sig_env;

/* Always gives a signature; usable if no errors were reported. Reports, for the parameter list and `where` alone:
 * E0201, E0202 (classes and types), E0203, E0206, E0208, E0212, E0213, E0302, E0407.
 * dims: every name in a tensor dimension that is neither a scalar parameter nor a module constant, by first appearance. */
const tg_signature *tg_signature_build(const tg_sig_env *env, const tg_item *kernel);

#define TG_BOUND_MAX 24

/* Members of a bound: a dtype name, or a class (any num integer sint uint float f8 complex). 0 if unknown. */
uint32_t tg_bound_members(const char *bound, tg_dtype out[TG_BOUND_MAX]);

/* An expression over dimensions, scalar parameters, types and constants as a postfix program, as `where` uses it.
 * False after a report. `is_bool` tells a condition from a number. Schedules use it for `when` and `require`. */
bool tg_sig_expr_build(const tg_sig_env *env, const tg_signature *sig, const tg_expr *x,
                       tg_sig_expr *out, bool *is_bool);

/* ---- accesses (check_*.c) ------------------------------------------------------------------------------------ */

/* Every rule about stores, atomics and reads of one finished function: E0314, E0402, E0403, E0404, E0408, E0409, E0410;
 * W0802; W0805 if the function is `whole`, that is, all its stores are there. `sig` gives the facts (`sorted`, `unique`) and
 * ties DIM of one parameter to DIM of another; its parameters run parallel to f->params. Serves functions with unknown
 * constants too (then symbolically). */
void tg_check_accesses(tg_func *f, const tg_signature *sig, bool whole, tg_diags *diags);

/* ---- schedules (schedule*.c) ----------------------------------------------------------------------------------- */

/* Checks one tune or schedule item against its kernel's function, whatever `@` and `when` say: E0701, E0702, and
 * names in `when`/`require`. Changes nothing. */
void tg_schedule_check(const tg_sig_env *env, const tg_func *f, const tg_signature *sig,
                       const tg_item *item);

/* Gives f the parameters of the schedule items of `file` for this kernel that match spec->machine (`@`) and whose `when`
 * holds for spec's types and constants (a `when` over launch parameters does not hold), then those of `given` (a schedule item
 * from outside, or null), then spec->blocks.
 * More specific items win: architecture over family over none, then `when` over none, then the later one.
 * Sets axis->block and appends to f->schedule. Reports what tg_schedule_check would and E0703. */
void tg_schedule_apply(const tg_sig_env *env, tg_func *f, const tg_signature *sig,
                       const tg_file *file, const tg_item *kernel, const tg_item *given,
                       const tg_instance_spec *spec);

/* The schedule item for spec->schedule: its text becomes the source "<schedule>". Null after a report: E01xx (syntax), E0702. */
const tg_item *tg_schedule_parse(const tg_sig_env *env, const tg_item *kernel,
                                 const char *text);

#endif
