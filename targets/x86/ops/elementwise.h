/* Between elementwise.c, complex.c and libm.c. */
#ifndef TG_TARGETS_X86_OPS_ELEMENTWISE_H
#define TG_TARGETS_X86_OPS_ELEMENTWISE_H

#include "targets/x86/x86_internal.h"

/* v null in the result: not an op on complex numbers. Operands have equal lanes. */
tg_x86_val tg_x86_apply_complex(tg_x86 *x, const tg_op *op, tg_dtype to, const tg_dtype *from, tg_x86_val *a);

/* A math op of f64 on scalars or vectors of equal lanes. */
LLVMValueRef tg_x86_libm(tg_x86 *x, tg_opcode op, const tg_x86_val *args, uint32_t n);

#endif
