/* What a convolution of images or sequences, channels last in their views, is about: for functions that view its tensors in other ways. A sequence is
 * an image of one row. */
#ifndef TG_STDLIB_CONV_GEOMETRY_H
#define TG_STDLIB_CONV_GEOMETRY_H

#include "stdlib/stdlib.h"

enum { TG_CONV_SPACE = 2 };

/* The tensors of a convolution: a view of each has the order that its function of ops.h wants, channels last. `to_image`: of its gradient for the
 * image, which reads dY and writes dX. */
typedef struct tg_conv_tensors {
    const tg_tensor *first, *f, *bias, *out; /* bias: null for none */
    bool to_image;
} tg_conv_tensors;

typedef struct tg_conv_geometry {
    uint32_t space;              /* dimensions of the images: 1 or 2 */
    int64_t groups, in, filters; /* channels of a group of `first` and of `out` */
    int64_t stride[TG_CONV_SPACE], pad[TG_CONV_SPACE], dilation[TG_CONV_SPACE]; /* rows, columns */
} tg_conv_geometry;

/* False: not f32 images or sequences, or they do not fit together. */
bool tg_conv_describe(const tg_conv_tensors *t, const tg_conv_options *o, tg_conv_geometry *g);

/* Extents and strides of position dimension i, 0 for rows; `first`: where the positions of a tensor begin. */
int64_t tg_conv_extent_at(const tg_tensor *t, uint32_t first, const tg_conv_geometry *g, uint32_t i);
int64_t tg_conv_stride_at(const tg_tensor *t, uint32_t first, const tg_conv_geometry *g, uint32_t i);

/* [C] as [G, C / G]; null: no memory, or no bias */
tg_tensor *tg_conv_view_bias(const tg_conv_tensors *t, const tg_conv_geometry *g);

#endif
