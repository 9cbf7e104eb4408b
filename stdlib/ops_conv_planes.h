/* Convolutions of images and sequences whose channels come before their positions, by kernels/conv_planes.dsl. */
#ifndef TG_STDLIB_OPS_CONV_PLANES_H
#define TG_STDLIB_OPS_CONV_PLANES_H

#include "stdlib/conv_geometry.h"

/* Are channels first, or those of a gradient very few, does the kernel take the geometry, and is it the fastest? False also for tensors that do not fit together. */
bool tg_conv_prefers_planes(const tg_context *context, const tg_conv_tensors *t, const tg_conv_options *o);
/* Then: what the function computes. */
tg_status tg_conv_by_planes(tg_context *context, const tg_conv_tensors *t, const tg_conv_options *o);

#endif
