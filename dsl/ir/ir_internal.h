/* What op.c gives to the files that make operations (build.c, clone.c, read.c) and to nobody
 * else. */
#ifndef TG_IR_INTERNAL_H
#define TG_IR_INTERNAL_H

#include "dsl/ir/ir.h"

/* An operation in no block, operands unset, result types unset, room for n_attrs attributes. */
tg_op *tg_op_new(tg_func *f, tg_opcode opcode, uint32_t n_operands, uint32_t n_results,
                 uint32_t n_attrs);
void tg_op_set_initial_operand(tg_op *op, uint32_t i, tg_value *v);
void tg_op_put_attr(tg_op *op, tg_attr attr); /* needs room; sets the binder of an axis */
void tg_op_insert(tg_op *op, tg_block *block, tg_op *before);
tg_dtype tg_dot_dtype(tg_dtype x, tg_dtype y); /* result element type of `dot` */

#endif
