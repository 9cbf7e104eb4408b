/* How the dimensions of a tensor lie in memory, as a number: a class of strides that code can be compiled for.
 *
 *   NHWC [n, h, w, c] kept as NCHW: strides C·H·W, W, 1, H·W    order n, c, h, w; c joined to h, h to w
 *
 * 0: as they are numbered. Else the dimensions by falling stride, and which of them are joined to the next: as much of the next
 * as there is fits between two of their elements exactly, so that both can be counted as one. */
#ifndef TG_BASE_ORDER_H
#define TG_BASE_ORDER_H

#include <stdbool.h>
#include <stdint.h>

typedef uint64_t tg_order;

/* Dimensions of one element, and such of stride 0, lie where they do not disturb: first. 0 if no order makes rows of it: the last dimension has
 * stride 1, or one of the steps that tg_order_step may give. */
tg_order tg_order_of(const int64_t *shape, const int64_t *stride, uint32_t rank);
/* As they are numbered, all joined. */
tg_order tg_order_dense(uint32_t rank);
uint32_t tg_order_dimension(tg_order o, uint32_t i); /* the dimension in place i, outermost first */
uint32_t tg_order_place(tg_order o, uint32_t d, uint32_t rank); /* its inverse */
bool tg_order_joins(tg_order o, uint32_t i); /* place i to place i + 1 */
bool tg_order_is_still(tg_order o, uint32_t i); /* all of place i is one element: its stride is 0 */
int64_t tg_order_step(tg_order o); /* stride in the last place: 1; or -1, 2, 3, 4, as of rows turned round or of every other column */

#endif
