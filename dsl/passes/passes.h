/* Passes over tile IR and the manager that runs lists of them. A pass is one file; its head
 * comment says the idea, an example and why it terminates. docs/tile-ir.md says what a pass
 * may rely on. */
#ifndef TG_PASSES_PASSES_H
#define TG_PASSES_PASSES_H

#include "dsl/ir/ir.h"

typedef enum tg_pass_id {
#define PASS(id, name, summary) TG_PASS_##id,
#include "dsl/passes/passes.def"
#undef PASS
    TG_PASS_COUNT
} tg_pass_id;

typedef struct tg_pass {
    const char *name, *summary;
    bool (*run)(tg_func *f); /* true if it changed the function */
} tg_pass;

const tg_pass *tg_pass_of(tg_pass_id id);
tg_pass_id tg_pass_from_name(const char *name, size_t n); /* TG_PASS_COUNT if unknown */

typedef struct tg_pass_options {
    bool verify_each; /* tg_ir_verify after each pass */
    void (*after)(void *user, const char *pass,
                  const tg_func *f); /* may be null; e.g. to print */
    void *user;
    double *seconds; /* TG_PASS_COUNT sums of wall time, or null */
    uint32_t
        limit; /* run at most so many passes; 0: all. For finding the pass that breaks a program */
} tg_pass_options;

/* Runs "canon,cse,dce" in order. Null, or a text in the function's arena: an unknown name,
 * or the pass and the rule it broke. */
const char *tg_pass_run_list(tg_func *f, const char *list, const tg_pass_options *options);

#define PASS(id, name, summary) bool tg_pass_##id(tg_func *f);
#include "dsl/passes/passes.def"
#undef PASS

/* Why a `split` or `split_atomic` of the schedule cannot be lowered ("split(k): …"), or null. Such settings are to be refused
 * (E0703): the pass leaves them alone. */
const char *tg_split_refusal(tg_func *f);

/* One order per parameter of how the tensors of a launch lie: indices follow them, and grid axes that can be counted as one are one.
 * After all passes. The target's entry gets the tensors as they are declared, and has to reorder their dimensions too. */
void tg_apply_orders(tg_func *f, const tg_order *given);
/* The second part, for a contraction over tensors without gaps, as they mostly are: notes in `dense` of the parameters what has been
 * taken for granted. The kernel has one phase, in front of which its entry can find out. */
void tg_assume_dense(tg_func *f);

/* What every target runs before its own lowering. */
#define TG_PASSES_STANDARD "split,canon,cse,widen-loops,canon,licm,cse,dce,bounds,lower-sort,nnan"

#endif
