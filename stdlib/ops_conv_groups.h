/* Convolutions whose groups have few channels, several groups at a time. */
#ifndef TG_STDLIB_OPS_CONV_GROUPS_H
#define TG_STDLIB_OPS_CONV_GROUPS_H

#include "stdlib/stdlib.h"

typedef tg_status tg_conv_wgrad_fn(tg_context *context, const tg_tensor *x, const tg_tensor *dy, tg_tensor *df, const tg_conv_options *options);

/* Groups to take as one; 1: each for itself, also if the arguments do not fit together. */
int64_t tg_conv_joined_groups(const tg_tensor *x, const tg_tensor *dy, const tg_tensor *df, int64_t groups);
/* What `wgrad` would do, by it with fewer groups. */
tg_status tg_conv_wgrad_joined(tg_context *context, tg_conv_wgrad_fn *wgrad, const tg_tensor *x, const tg_tensor *dy, tg_tensor *df,
                               const tg_conv_options *options, int64_t joined);

/* Are channels first, rows long enough for lanes along them, and a group's channels and filters so few that products in registers are mostly empty? */
bool tg_conv_prefers_wgrad_of_planes(const tg_context *context, const tg_tensor *x, const tg_tensor *dy, const tg_tensor *df, const tg_conv_options *o);
/* Then: the gradient of the filter. */
tg_status tg_conv_wgrad_of_planes(tg_context *context, const tg_tensor *x, const tg_tensor *dy, const tg_tensor *df, const tg_conv_options *o);

/* Is there a kernel for these sequences or images and groups, the tensors being those of a convolution, or `to_image`, of its gradient? */
bool tg_conv_has_group_kernel(const tg_context *context, bool to_image, const tg_tensor *first, const tg_tensor *f, const tg_tensor *bias,
                              const tg_tensor *out, const tg_conv_options *options);
/* Then: what it computes. */
tg_status tg_conv_by_group_kernel(tg_context *context, bool to_image, const tg_tensor *first, const tg_tensor *f, const tg_tensor *bias, const tg_tensor *out,
                                  const tg_conv_options *options);

#endif
