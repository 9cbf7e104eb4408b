/* Elementary functions to elementwise arithmetic; see lower_math.c. */
#ifndef TG_PASSES_LOWER_MATH_H
#define TG_PASSES_LOWER_MATH_H

#include "dsl/ir/ir.h"

/* `ldexp`: the target has that operation in f32. Afterwards no math op (tg_op_is_math) of f32, f16 or bf16 is left, and of f64 only those the C library has:
 * cbrt, asinh, acosh, erfc, lgamma, and sin, cos, tan and fmod where arguments are huge. */
void tg_lower_math(tg_func *f, bool ldexp);

#endif
