/* Elementary functions to elementwise arithmetic; see lower_math.c. */
#ifndef TG_PASSES_LOWER_MATH_H
#define TG_PASSES_LOWER_MATH_H

#include "dsl/ir/ir.h"

/* `ldexp`: the target has that operation in f32. Afterwards no math op (tg_op_is_math) of f32, f16 or bf16 is left, and of f64 only those the C library has:
 * cbrt exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh erf erfc lgamma pow. */
void tg_lower_math(tg_func *f, bool ldexp);

#endif
