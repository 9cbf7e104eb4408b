/* Functions of ops.h: pooling. */
#include "stdlib/stdlib.h"

#include <string.h>

enum { SPACE = 3, MOST_TENSORS = 3 };

typedef struct pooling {
    const char *name;
    tg_std_row plane, volume; /* images of up to two dimensions, of three */
    bool is_average;
} pooling;

/* An image of one dimension as one of two with a single line. */
static tg_tensor as_plane(const tg_tensor *t) {
    tg_tensor plane = *t;
    plane.rank = 4;
    for (uint32_t i = 3; i > 1; i--) {
        plane.arg.shape[i] = t->arg.shape[i - 1];
        plane.arg.stride[i] = t->arg.stride[i - 1];
    }
    plane.arg.shape[1] = 1;
    plane.arg.stride[1] = 0;
    return plane;
}

/* Tensors, then window, stride and padding of each dimension, of which the last `space` are given; those before are of a single line. */
static tg_status launch(tg_context *context, const pooling *p, const tg_tensor *const *tensors, uint32_t n, uint32_t space, const tg_pooling_options *o) {
    uint32_t rows = space < 2 ? 2 : space, n_values = 0;
    tg_argument values[MOST_TENSORS + 3 * SPACE + 1];
    for (uint32_t i = 0; i < n; i++) {
        values[n_values++] = tg_argument_tensor(tensors[i]);
    }
    const int64_t *const of_each[] = {o->window, o->stride, o->pad};
    for (uint32_t k = 0; k < 3; k++) {
        for (uint32_t i = 0; i < rows; i++) {
            bool given = i + space >= rows;
            values[n_values++] = tg_argument_int(given ? of_each[k][i + space - rows] : k < 2);
        }
    }
    if (p->is_average) {
        values[n_values++] = tg_argument_bool(!o->count_padding);
    }
    return tg_std_launch(context, space == SPACE ? p->volume : p->plane, values, n_values);
}

static tg_status pool(tg_context *context, const pooling *p, const tg_tensor *const *tensors, uint32_t n, const tg_pooling_options *options) {
    tg_pooling_options o;
    uint32_t rank = tensors[0] ? tg_tensor_rank(tensors[0]) : 0;
    if (!options || !tg_std_options(options, &o, sizeof o)) {
        return tg_fail(context, TG_ERROR_INVALID_ARGUMENT, "%s: options are null or struct_size is wrong", p->name);
    }
    if (rank < 3 || rank > 5) {
        return tg_fail(context, TG_ERROR_INVALID_ARGUMENT, "%s: the first tensor has %u dimensions; it takes [N, W, C] to [N, D, H, W, C]", p->name, rank);
    }
    tg_tensor planes[MOST_TENSORS];
    const tg_tensor *all[MOST_TENSORS];
    for (uint32_t i = 0; i < n; i++) {
        bool is_line = rank == 3 && tensors[i] && tensors[i]->rank == 3; /* any other rank is refused as it is */
        if (is_line) {
            planes[i] = as_plane(tensors[i]);
        }
        all[i] = is_line ? &planes[i] : tensors[i];
    }
    return launch(context, p, all, n, rank - 2, &o);
}

tg_status tg_op_max_pool(tg_context *context, const tg_tensor *x, tg_tensor *y, tg_tensor *index, const tg_pooling_options *options) {
    static const pooling p = {"max_pool", TG_STD_max_pool2d, TG_STD_max_pool3d, false};
    return pool(context, &p, (const tg_tensor *[]){x, y, index}, 3, options);
}

tg_status tg_op_max_pool_bwd(tg_context *context, const tg_tensor *dy, const tg_tensor *index, tg_tensor *dx, const tg_pooling_options *options) {
    static const pooling p = {"max_pool_bwd", TG_STD_max_pool2d_bwd, TG_STD_max_pool3d_bwd, false};
    return pool(context, &p, (const tg_tensor *[]){dy, index, dx}, 3, options);
}

tg_status tg_op_avg_pool(tg_context *context, const tg_tensor *x, tg_tensor *y, const tg_pooling_options *options) {
    static const pooling p = {"avg_pool", TG_STD_avg_pool2d, TG_STD_avg_pool3d, true};
    return pool(context, &p, (const tg_tensor *[]){x, y}, 2, options);
}

tg_status tg_op_avg_pool_bwd(tg_context *context, const tg_tensor *dy, tg_tensor *dx, const tg_pooling_options *options) {
    static const pooling p = {"avg_pool_bwd", TG_STD_avg_pool2d_bwd, TG_STD_avg_pool3d_bwd, true};
    return pool(context, &p, (const tg_tensor *[]){dy, dx}, 2, options);
}
