/* Affine forms of i64 values: what an index expression is, as data.
 *
 *   v  =  constant  +  Σ coeff · symbol  +  Σ coeff · [symbol ·] index(axis)
 *
 * A symbol is a scalar (rank 0) that is not taken apart further: a dimension, a scalar
 * parameter, the index of an each loop, a value loaded from memory. One level of symbolic
 * coefficients is kept, which is what run-time strides need. Injectivity of stores,
 * unit-stride axes, bounds and gradients all start from this form. */
#ifndef TG_IR_AFFINE_H
#define TG_IR_AFFINE_H

#include "dsl/ir/ir.h"

typedef struct tg_affine_term {
    int64_t coeff;    /* not 0 */
    tg_value *symbol; /* null in an axis term whose coefficient is constant */
    tg_axis *axis;    /* null in a scalar term */
} tg_affine_term;

typedef struct tg_affine {
    tg_arena *arena;
    int64_t constant;
    TG_VEC(tg_affine_term) terms; /* distinct (symbol, axis) pairs */
} tg_affine;

/* The form of v through const, iota, add, sub, neg, mul by a scalar, shl by a constant and
 * broadcast. False if v is a tile that is not affine (gather, div, rem …) or is not i64;
 * every i64 scalar has a form. */
bool tg_affine_of(tg_arena *arena, const tg_value *v, tg_affine *out);
/* As above, but tiles that are not affine become symbols too (with axes of their own): for
 * bounds. False only if v is not i64. */
bool tg_affine_with_opaque(tg_arena *arena, const tg_value *v, tg_affine *out);

void tg_affine_init(tg_affine *a, tg_arena *arena, int64_t constant);
/* Coefficient of an axis as constant · symbol (symbol null: 1). 0 if the axis is absent;
 * false if it is a sum of several. */
bool tg_affine_axis_coeff(const tg_affine *a, const tg_axis *axis, int64_t *constant,
                          tg_value **symbol);
bool tg_affine_has_axis(const tg_affine *a, const tg_axis *axis);
bool tg_affine_is_scalar(const tg_affine *a);   /* no axis terms */
bool tg_affine_is_constant(const tg_affine *a); /* no terms at all */
bool tg_affine_equal(const tg_affine *a, const tg_affine *b);
/* a += scale * b; false if a coefficient leaves 64 bits (a is then unspecified) */
bool tg_affine_add(tg_affine *a, const tg_affine *b, int64_t scale);
bool tg_affine_sub(tg_arena *arena, const tg_affine *a, const tg_affine *b, tg_affine *out);
bool tg_affine_add_term(tg_affine *a, int64_t coeff, tg_value *symbol, tg_axis *axis);
void tg_affine_copy(tg_arena *arena, const tg_affine *a, tg_affine *out);
/* Same value wherever both are visible: the same, or the same dim, stride or axis attribute, equal constants, or integer
 * arithmetic on such, as each phase has its own of an extent. */
bool tg_symbol_equal(const tg_value *a, const tg_value *b);
void tg_affine_print(const tg_affine *a,
                     tg_strbuf *out); /* "3 + 2*%n + #k + %s*#m"; unnamed values as %id */

#endif
