/* The meaning of every elementwise operation but the elementary functions, on single scalars
 * and bit for bit as language.md section 4 says. The interpreter, constant folding and the
 * front end's constant expressions share it, so they cannot disagree. */
#ifndef TG_IR_SCALAR_EVAL_H
#define TG_IR_SCALAR_EVAL_H

#include "dsl/ir/ir.h"

/* Applies `op` to n scalars. `to`: dtype of the result, read by CAST, BITCAST and CPLX; `pred`:
 * read by CMP. False if the operation is not covered (elementary functions, storage types,
 * structure). */
bool tg_scalar_eval(tg_opcode op, tg_enum pred, tg_dtype to, const tg_scalar *in, uint32_t n,
                    tg_scalar *out);

/* The operation that a named reduction repeats; CONST if it has none. */
tg_opcode tg_fn_opcode(tg_enum fn);
/* One step of a reduction (add mul min max and or xor) and its identity, in `dtype`. */
bool tg_scalar_fold(tg_enum fn, tg_scalar acc, tg_scalar x, tg_scalar *out);
tg_scalar tg_scalar_identity(tg_enum fn, tg_dtype dtype);

/* The low bits of v as a value of an integer dtype; bool: v != 0. */
int64_t tg_int_wrap(tg_dtype dtype, int64_t v);
tg_scalar tg_scalar_of_int(tg_dtype dtype, int64_t v);
tg_scalar tg_scalar_of_float(tg_dtype dtype, double v); /* rounded; complex: imaginary part 0 */

/* Between constants and scalars. False if v is not a CONST. */
bool tg_value_const_scalar(const tg_value *v, tg_scalar *out);
tg_value *tg_build_scalar(tg_builder *b, tg_scalar s);

#endif
