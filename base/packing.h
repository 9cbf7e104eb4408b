/* Copies that products make of their operands, the same for every kernel and so compiled once: generated code calls them
 * through the worker (base/abi.h, where they are described). Elements are moved as bits. */
#ifndef TG_BASE_PACKING_H
#define TG_BASE_PACKING_H

#include <stdint.h>

void tg_pack_panels(void *to, int64_t panel, const void *from, int64_t step, int64_t points, int64_t columns, int64_t width);
void tg_pack_tiles(void *to, const void *from, int64_t row_step, int64_t point_step, int64_t points, int64_t rows, int64_t until, int64_t height,
                   int64_t size);

#endif
