/* Short loops that carry tiles, run point by point (carry.c). */
#ifndef TG_TARGETS_X86_NEST_CARRY_H
#define TG_TARGETS_X86_NEST_CARRY_H

#include "targets/x86/x86_internal.h"

/* Is `op` such a loop? Outer loops have to be asked about before those in them. */
bool tg_x86_is_carry(tg_x86 *x, const tg_op *op);
bool tg_x86_in_carry(const tg_x86 *x, const tg_op *op); /* is the op in the body of such a loop? */
/* Its index runs from *first to *until - 1. False if that is not known. */
bool tg_x86_carry_range(const tg_op *loop, int64_t *first, int64_t *until);
/* Runs the loop at n points; its results are then known in their frames. */
void tg_x86_emit_carry(tg_x86 *x, tg_op *loop, tg_x86_frame **frames, uint32_t n);

/* ---- nest.c ---- */
/* A loop whose body is a new place; the code before it stays open in the old one. */
typedef struct tg_x86_nest_loop {
    tg_llvm_loop loop;
    tg_x86_place *outside;
    tg_x86_place *inside;
} tg_x86_nest_loop;
LLVMValueRef tg_x86_open_loop(tg_x86 *x, tg_x86_nest_loop *l, LLVMValueRef from, LLVMValueRef until, int64_t step);
void tg_x86_close_loop(tg_x86 *x, tg_x86_nest_loop *l);

#endif
