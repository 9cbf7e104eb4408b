/* How a product is shared out among threads: sizes of blocks, chosen at each launch. The same for every kernel and so compiled once:
 * generated code calls it through the runtime (base/abi.h, where the product is described). */
#ifndef TG_BASE_SHARING_H
#define TG_BASE_SHARING_H

#include "base/abi.h"

/* Sets p's blocks to those that `threads` threads should be done with first, by a count of cycles: multiply-adds, bytes that are packed, read
 * and written, and what a task and a wake-up cost. Blocks are whole register tiles, unless one is all there is. Takes some 45 ns for each of up to
 * sixty ways to cut; for products of microseconds there are few. */
void tg_share_product(tg_product *p, int64_t threads);

#endif
