/* Ranges of i64 values, and proofs of inequalities between affine forms: what removes bounds
 * checks.
 *
 * Known facts: an axis and the index of an each loop lie in [max(0, from), min(extent, until) -
 * 1]; dimensions are not negative; `assume` conditions hold everywhere; rem, and, min, max,
 * narrow casts bound their results. An index shared out among parts (i * parts / whole, with whole
 * % parts == 0) is one of theirs. */
#ifndef TG_IR_RANGE_H
#define TG_IR_RANGE_H

#include "dsl/ir/affine.h"

typedef struct tg_multiple { /* whole % part == 0: if whole is not 0, neither is part */
    const tg_value *whole, *part;
} tg_multiple;

typedef struct tg_facts { /* assumed conditions */
    tg_arena *arena;
    TG_VEC(tg_affine) nonneg; /* forms that are >= 0 */
    TG_VEC(tg_multiple) multiples;
} tg_facts;

/* Gathers the `assume` operations at launch level. */
void tg_facts_gather(tg_facts *facts, tg_func *f, tg_arena *arena);
/* True if `form` is >= 0 at every point where it is defined; false if that is not proved.
 * `facts` may be null. */
bool tg_prove_nonneg(tg_arena *arena, const tg_facts *facts, const tg_affine *form);
/* 0 <= index < extent of dimension d */
bool tg_prove_in_bounds(tg_arena *arena, const tg_facts *facts, const tg_value *index,
                        const tg_value *tensor, uint32_t d);

typedef struct tg_bound {
    bool known;
    tg_value *symbol; /* null: constant */
    int64_t constant; /* symbol + constant */
} tg_bound;
typedef struct tg_range {
    tg_bound lo, hi;
} tg_range; /* inclusive */

/* Conservative range of an i64 value; true if at least one end is known. */
bool tg_range_of(tg_arena *arena, const tg_value *v, tg_range *out);

#endif
