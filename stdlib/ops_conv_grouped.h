/* Convolutions of images and sequences by groups, whose numbers of channels are compiled in, by kernels/conv_grouped.dsl. */
#ifndef TG_STDLIB_OPS_CONV_GROUPED_H
#define TG_STDLIB_OPS_CONV_GROUPED_H

#include "stdlib/conv_geometry.h"

/* Are there groups, of enough channels for register tiles, and does the kernel take the geometry? False also for tensors that do not fit together. */
bool tg_conv_prefers_groups(const tg_context *context, const tg_conv_tensors *t, const tg_conv_options *o);
/* Then: what the function computes. */
tg_status tg_conv_by_groups(tg_context *context, const tg_conv_tensors *t, const tg_conv_options *o);

#endif
