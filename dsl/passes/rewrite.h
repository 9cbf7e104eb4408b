/* Helpers that several passes share. */
#ifndef TG_PASSES_REWRITE_H
#define TG_PASSES_REWRITE_H

#include "dsl/ir/ir.h"

/* A builder in front of an operation, with its span. */
tg_builder rewrite_builder(tg_func *f, tg_op *before);
/* The operation that ends a block if it is a yield or condition, else null. */
tg_op *rewrite_terminator(const tg_block *block);
/* The phase around an operation, or null at launch level. */
tg_op *rewrite_phase_of(const tg_op *op);
/* Is `inner` somewhere inside a region of `outer`? */
bool rewrite_is_inside(const tg_op *inner, const tg_op *outer);
/* No effect, no regions, not temp: may be merged, moved and dropped. */
bool rewrite_is_pure(const tg_op *op);

/* Does anything inside the phase (or the whole function for null) write this tensor, or a
 * tensor that may alias it? Tensors made from addresses may alias each other. Results are
 * cached in `set`; build one per function state. */
typedef struct rewrite_writes {
    tg_func *func;
    tg_map *phases; /* phase → tg_map of written tensors */
} rewrite_writes;
void rewrite_writes_init(rewrite_writes *w, tg_func *f);
bool rewrite_is_written(rewrite_writes *w, tg_op *phase, const tg_value *tensor);

/* Rebuilds a FOR or IF keeping only the results with keep[i]; for FOR the carried values go
 * with them. Carried values that are dropped must be unused but for their own yield. Returns
 * the new operation; the old one is erased. */
tg_op *rewrite_keep_results(tg_func *f, tg_op *op, const bool *keep);

#endif
