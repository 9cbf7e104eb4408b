/* Operations on scalars and vectors, and those that are no nests: what the files of this folder offer to others. */
#ifndef TG_TARGETS_X86_OPS_OPS_H
#define TG_TARGETS_X86_OPS_OPS_H

#include "targets/x86/x86_internal.h"

/* ---- convert.c ---- */
LLVMTypeRef tg_x86_reg_type(tg_x86 *x, tg_dtype t);
LLVMTypeRef tg_x86_mem_type(tg_x86 *x, tg_dtype t);
LLVMTypeRef tg_x86_buf_type(tg_x86 *x, tg_dtype t); /* element of a buffer: registers' type, bool as i8 */
LLVMValueRef tg_x86_convert(tg_x86 *x, LLVMValueRef v, tg_dtype from, tg_dtype to);
LLVMValueRef tg_x86_round(tg_x86 *x, LLVMValueRef v, tg_dtype t);     /* f32 → nearest f16/bf16/f8/f4, as f32 */
LLVMValueRef tg_x86_from_memory(tg_x86 *x, LLVMValueRef v, tg_dtype t);
LLVMValueRef tg_x86_to_memory(tg_x86 *x, LLVMValueRef v, tg_dtype t);
LLVMValueRef tg_x86_from_buffer(tg_x86 *x, LLVMValueRef v, tg_dtype t);
LLVMValueRef tg_x86_to_buffer(tg_x86 *x, LLVMValueRef v, tg_dtype t);

/* ---- elementwise.c ---- */
/* Applies an elementwise op (not CONST, IOTA, LOAD, REINDEX). `dtypes` of operands; results of type `to`. */
tg_x86_val tg_x86_apply(tg_x86 *x, const tg_op *op, tg_dtype to, const tg_dtype *from, tg_x86_val *args, uint32_t n);
LLVMValueRef tg_x86_binary(tg_x86 *x, tg_opcode op, tg_dtype t, LLVMValueRef a, LLVMValueRef b); /* rounds 16-bit floats */
LLVMValueRef tg_x86_compare(tg_x86 *x, tg_enum pred, tg_dtype t, LLVMValueRef a, LLVMValueRef b);
tg_x86_val tg_x86_const(tg_x86 *x, const tg_op *op);
LLVMValueRef tg_x86_fast(tg_x86 *x, LLVMValueRef v); /* sets the fast-math flags the kernel grants */

/* ---- constants.c ---- */
/* Operand `v` of `op` on that many lanes. */
LLVMValueRef tg_x86_spread(tg_x86 *x, tg_opcode op, LLVMValueRef v, unsigned lanes);

/* ---- special.c ---- */
tg_x86_val tg_x86_philox(tg_x86 *x, tg_x86_frame *f, tg_op *op, uint32_t result); /* memoises all results */
void tg_x86_emit_fail(tg_x86 *x, tg_op *op, tg_x86_frame *f);  /* assert */
void tg_x86_emit_print(tg_x86 *x, tg_op *op);
void tg_x86_emit_special(tg_x86 *x, tg_op *op); /* sort, topk, histogram */

/* ---- region.c ---- */
/* The scalar region of an op (reduce_fn, map) with its arguments; gives the yielded values. */
void tg_x86_inline_region(tg_x86 *x, tg_region *r, tg_x86_val *args, tg_x86_val *out, LLVMValueRef mask);

/* ---- quotient.c: divisors that all lanes share ---- */
enum { TG_X86_RANGE_ABS_MIN = 10, TG_X86_RANGE_ABS_MAX = 11 }; /* forms of vrangeps that it uses: magnitudes, numbers before NaN */
bool tg_x86_is_shared_quotient(const tg_x86 *x, const tg_op *op, const tg_axis *vector); /* if lanes run along `vector` */
bool tg_x86_eval_shared_quotient(tg_x86 *x, tg_x86_frame *f, const tg_op *op, tg_x86_val *out);
void tg_x86_branch_rarely(tg_x86 *x, LLVMValueRef test, LLVMBasicBlockRef rare, LLVMBasicBlockRef usual); /* weighted a thousand to one */

/* ---- order.c ---- */
void tg_x86_emit_sort(tg_x86 *x, tg_op *op);
void tg_x86_emit_topk(tg_x86 *x, tg_op *op);
void tg_x86_emit_histogram(tg_x86 *x, tg_op *op);

/* ---- points.c ---- */
typedef struct tg_x86_points {
    tg_llvm_loop loop[8];
    tg_x86_place place[8], *outside[8];
    uint32_t n;
    tg_x86_frame *frame; /* of the innermost loop */
} tg_x86_points;
/* Opens a loop for each axis but `leave_out`, the first outermost; scalar code. */
void tg_x86_points_open(tg_x86 *x, tg_x86_points *l, tg_x86_frame *parent, tg_axis *const *axes, uint32_t n, const tg_axis *leave_out);
void tg_x86_points_close(tg_x86 *x, tg_x86_points *l);

#endif
