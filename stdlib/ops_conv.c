/* Functions of ops.h: convolutions. */
#include "stdlib/dense.h"
#include "stdlib/ops_conv_grouped.h"
#include "stdlib/ops_conv_groups.h"
#include "stdlib/ops_conv_planes.h"

enum { SPACE = 3 };

/* Arguments: tensors, then stride, pad and dilation of each spatial dimension, and `more`. */
typedef struct arguments {
    tg_argument values[32];
    uint32_t n;
} arguments;

static void add(arguments *a, tg_argument v) {
    a->values[a->n++] = v;
}

static void add_each(arguments *a, const int64_t *values, uint32_t space) {
    for (uint32_t i = 0; i < space; i++) {
        add(a, tg_argument_int(values[i]));
    }
}

typedef struct direction {
    const char *name;
    tg_std_row rows[SPACE]; /* by number of spatial dimensions */
    bool has_bias;          /* and so an activation */
} direction;

static const direction forward = {"conv", {TG_STD_conv1d, TG_STD_conv2d, TG_STD_conv3d}, true},
                       to_image = {"conv_transpose", {TG_STD_conv1d_dgrad, TG_STD_conv2d_dgrad, TG_STD_conv3d_dgrad}, true},
                       to_filter = {"conv_wgrad", {TG_STD_conv1d_wgrad, TG_STD_conv2d_wgrad, TG_STD_conv3d_wgrad}, false};

static void list_arguments(arguments *a, const direction *d, const tg_tensor *first, const tg_tensor *second, const tg_tensor *bias,
                           const tg_tensor *out, const tg_conv_options *o) {
    uint32_t space = tg_tensor_rank(first) - 2;
    add(a, tg_argument_tensor(first));
    add(a, tg_argument_tensor(second));
    if (d->has_bias) {
        add(a, tg_argument_tensor(bias));
    }
    add(a, tg_argument_tensor(out));
    add_each(a, o->stride, space);
    add_each(a, o->pad, space);
    add_each(a, o->dilation, space);
    add(a, tg_argument_int(o->groups));
    if (d->has_bias) {
        add(a, tg_argument_int((int64_t)o->activation));
    }
}

static tg_status convolve(tg_context *context, const direction *d, const tg_tensor *first,
                          const tg_tensor *second, const tg_tensor *bias, const tg_tensor *out,
                          const tg_conv_options *options) {
    tg_conv_options o = TG_CONV_OPTIONS_INIT;
    uint32_t rank = first ? tg_tensor_rank(first) : 0;
    if (!tg_std_options(options, &o, sizeof o)) {
        return tg_fail(context, TG_ERROR_INVALID_ARGUMENT, "%s: struct_size is wrong", d->name);
    }
    tg_status status = d->has_bias ? tg_std_check_activation(context, d->rows[1], o.activation, false) : TG_OK;
    if (status) {
        return status;
    }
    if (rank < 3 || rank > 5) {
        return tg_fail(context, TG_ERROR_INVALID_ARGUMENT,
                       "%s: the first tensor has %u dimensions; it takes [N, W, C] to [N, D, H, W, C]",
                       d->name, rank);
    }
    tg_conv_tensors t = {first, second, bias, out, d == &to_image};
    if (d->has_bias && context && tg_conv_prefers_planes(context, &t, &o)) {
        return tg_conv_by_planes(context, &t, &o);
    }
    if (d->has_bias && context && tg_conv_has_group_kernel(context, d == &to_image, first, second, bias, out, &o)) {
        return tg_conv_by_group_kernel(context, d == &to_image, first, second, bias, out, &o);
    }
    if (d->has_bias && context && tg_conv_prefers_groups(context, &t, &o)) {
        return tg_conv_by_groups(context, &t, &o);
    }
    arguments a = {.n = 0};
    list_arguments(&a, d, first, second, bias, out, &o);
    return tg_std_launch(context, d->rows[rank - 3], a.values, a.n);
}

tg_status tg_op_conv(tg_context *context, const tg_tensor *x, const tg_tensor *f,
                     const tg_tensor *bias, tg_tensor *y, const tg_conv_options *options) {
    return convolve(context, &forward, x, f, bias, y, options);
}

/* The extent of an image that a filter just covers; false if there is no such number. */
static bool covered(int64_t dilation, int64_t filter, int64_t *out) {
    return !__builtin_mul_overflow(dilation, filter - 1, out) && !__builtin_add_overflow(*out, 1, out);
}

/* Packing does not depend on the images: there are none, of the size of a filter. */
tg_status tg_op_conv_pack(tg_context *context, const tg_tensor *f, const tg_conv_options *options, tg_tensor **packed) {
    tg_conv_options o = TG_CONV_OPTIONS_INIT;
    if (packed) {
        *packed = NULL;
    }
    bool fits = f && f->rank >= 3 && f->rank <= 5 && tg_std_options(options, &o, sizeof o);
    if (!context || !packed || !fits) {
        return tg_fail(context, TG_ERROR_INVALID_ARGUMENT, "conv_pack: %s",
                       !context ? "context is null" : !packed ? "packed is null" : !f ? "f is null" : "f is no filter, or struct_size is wrong");
    }
    uint32_t rank = f->rank, space = rank - 2;
    tg_tensor x = {.dtype = f->dtype, .rank = rank}, y = {.dtype = f->dtype, .rank = rank};
    bool ok = !__builtin_mul_overflow(f->arg.shape[rank - 2], o.groups, &x.arg.shape[rank - 1]);
    y.arg.shape[rank - 1] = f->arg.shape[rank - 1];
    for (uint32_t i = 0; i < space; i++) {
        ok = ok && covered(o.dilation[i], f->arg.shape[i], &x.arg.shape[1 + i]) && o.pad[i] >= 0 && o.pad[i] <= INT64_MAX / 4;
        y.arg.shape[1 + i] = ok && o.stride[i] > 0 ? 2 * o.pad[i] / o.stride[i] + 1 : 0;
    }
    if (!ok) {
        return tg_fail(context, TG_ERROR_INVALID_ARGUMENT, "conv_pack: options.pad is negative, or pad, dilation or groups are too large");
    }
    tg_tensor_row_major(x.dtype, rank, x.arg.shape, x.arg.stride);
    tg_tensor_row_major(y.dtype, rank, y.arg.shape, y.arg.stride);
    arguments a = {.n = 0};
    tg_kernel *k;
    tg_status s = tg_std_kernel(context, forward.rows[space - 1], &k);
    list_arguments(&a, &forward, &x, f, NULL, &y, &o);
    return s ? s : tg_kernel_pack(k, a.values, a.n, 1, packed);
}

static tg_status wgrad(tg_context *context, const tg_tensor *x, const tg_tensor *dy, tg_tensor *df, const tg_conv_options *options) {
    return convolve(context, &to_filter, x, dy, NULL, df, options);
}

/* Filters of one position: dF[c, k] = sum of X[stride p, c] dY[p, k], where what is read of X and dY may change places. */
static bool is_symmetric(const tg_tensor *x, const tg_tensor *dy, const tg_tensor *df, const tg_conv_options *o) {
    bool fits = x && dy && df && x->rank >= 3 && x->rank <= 5 && dy->rank == x->rank && df->rank == x->rank && o->groups == 1;
    for (uint32_t i = 0; fits && i + 2 < x->rank; i++) {
        int64_t extent = x->arg.shape[1 + i];
        fits = df->arg.shape[i] == 1 && o->stride[i] > 0 && o->dilation[i] > 0 && o->pad[i] == 0 && extent > 0 &&
               dy->arg.shape[1 + i] == (extent - 1) / o->stride[i] + 1;
    }
    return fits;
}

/* What is read of an image; null: no memory. */
static tg_tensor *strided_view(const tg_tensor *x, const tg_tensor *dy, const tg_conv_options *o) {
    int64_t shape[TG_MAX_RANK], stride[TG_MAX_RANK];
    bool fits = true;
    for (uint32_t i = 0; i < x->rank; i++) {
        bool space = i > 0 && i + 1 < x->rank;
        shape[i] = space ? dy->arg.shape[i] : x->arg.shape[i];
        fits = fits && !__builtin_mul_overflow(x->arg.stride[i], space ? o->stride[i - 1] : 1, &stride[i]);
    }
    return fits ? tg_tensor_view(x, x->rank, shape, stride, 0) : NULL;
}

/* As after exchanging the filter's channels, so that results are stored side by side: with channels first, a filter's input channels are. */
static tg_status wgrad_exchanged(tg_context *context, const tg_tensor *x, const tg_tensor *dy, const tg_tensor *df, const tg_conv_options *options) {
    uint32_t order[TG_MAX_RANK], last = df->rank - 1;
    for (uint32_t i = 0; i <= last; i++) {
        order[i] = i + 1 == last ? last : i == last ? last - 1 : i;
    }
    tg_tensor *image = strided_view(x, dy, options), *filter = tg_tensor_permute(df, order);
    tg_status s = image && filter ? wgrad(context, dy, image, filter, NULL)
                                  : tg_fail(context, TG_ERROR_OUT_OF_MEMORY, "conv_wgrad: no memory for views of the tensors");
    tg_tensor_release(image);
    tg_tensor_release(filter);
    return s;
}

static tg_status wgrad_by_groups(tg_context *context, const tg_tensor *x, const tg_tensor *dy, tg_tensor *df, const tg_conv_options *o) {
    int64_t joined = tg_conv_joined_groups(x, dy, df, o->groups);
    return joined > 1 ? tg_conv_wgrad_joined(context, wgrad, x, dy, df, o, joined) : wgrad(context, x, dy, df, o);
}

/* Are channels first, and those of a group so few that products gain more from channels last than copies of the tensors take? Packing what lies across
 * fills whole tiles of columns; those of four vectors are for the most part empty then. */
static bool prefers_wgrad_of_copies(const tg_context *context, const tg_tensor *x, const tg_tensor *dy, const tg_tensor *df, const tg_conv_options *o) {
    enum { FEW = 16 };
    bool fits = x && dy && df && x->rank >= 3 && dy->rank == x->rank && df->rank == x->rank && o->groups > 1;
    uint32_t last = fits ? x->rank - 1 : 0;
    return fits && context->machine.has_masks && x->arg.stride[last] != 1 && dy->arg.stride[last] != 1 && df->arg.shape[last - 1] <= FEW &&
           df->arg.shape[last] / o->groups <= FEW;
}

static tg_status wgrad_of_copies(tg_context *context, const tg_tensor *x, const tg_tensor *dy, tg_tensor *df, const tg_conv_options *o) {
    tg_dense d;
    tg_status s = tg_dense_open(context, (const tg_tensor *[]){x, dy, df}, 3, "conv_wgrad", &d);
    return tg_dense_close(context, &d, s ? s : wgrad_by_groups(context, d.tensor[0], d.tensor[1], d.copy[2] ? d.copy[2] : df, o));
}

tg_status tg_op_conv_wgrad(tg_context *context, const tg_tensor *x, const tg_tensor *dy,
                           tg_tensor *df, const tg_conv_options *options) {
    tg_conv_options o = TG_CONV_OPTIONS_INIT;
    if (!context || !tg_std_options(options, &o, sizeof o)) {
        return wgrad(context, x, dy, df, options);
    }
    if (is_symmetric(x, dy, df, &o) && df->arg.stride[df->rank - 1] != 1 && df->arg.stride[df->rank - 2] == 1) {
        return wgrad_exchanged(context, x, dy, df, options);
    }
    if (tg_conv_prefers_wgrad_of_planes(context, x, dy, df, &o)) {
        return tg_conv_wgrad_of_planes(context, x, dy, df, &o);
    }
    return prefers_wgrad_of_copies(context, x, dy, df, &o) ? wgrad_of_copies(context, x, dy, df, &o) : wgrad_by_groups(context, x, dy, df, &o);
}

tg_status tg_op_conv_transpose(tg_context *context, const tg_tensor *x, const tg_tensor *f,
                               const tg_tensor *bias, tg_tensor *y,
                               const tg_conv_options *options) {
    return convolve(context, &to_image, x, f, bias, y, options);
}

/* ---- Winograd -------------------------------------------------------------------------------- */

/* Products of a tile, which tell the size of tiles: 16 of 2 x 2, 36 of 4 x 4. */
static bool is_of_two(const tg_tensor *u) {
    return u && u->rank > 0 && u->arg.shape[0] == 16;
}

/* Do images with few tiles wait for the filters of 4 x 4? A transformed number takes part in a multiply-add for each tile: where it comes from
 * memory, less than eight of them take no longer than it. The filters of 2 x 2 are less than half as many numbers, for four times as many tiles. */
static bool wants_tiles_of_two(const tg_context *context, const tg_tensor *f, const tg_tensor *y) {
    enum { FEW = 8 };
    const int64_t *out = y->arg.shape;
    double bytes = 36. * sizeof(float) * (double)f->arg.shape[2] * (double)f->arg.shape[3];
    double tiles = (double)out[0] * (double)(out[1] / 4 + (out[1] % 4 != 0)) * (double)(out[2] / 4 + (out[2] % 4 != 0));
    return tiles < (double)FEW && bytes > (double)context->machine.l3_bytes;
}

tg_status tg_op_winograd_filter_extents(tg_context *context, const tg_tensor *f, const tg_tensor *y, int64_t *extents) {
    bool fits = f && y && f->rank == 4 && y->rank == 4 && f->arg.shape[0] == 3 && f->arg.shape[1] == 3;
    if (!context || !extents || !fits) {
        return tg_fail(context, TG_ERROR_INVALID_ARGUMENT, "winograd_filter_extents: %s",
                       !context ? "context is null" : !extents ? "extents is null" : "f is no [3, 3, C, K] or y no [N, P, Q, K]");
    }
    enum { VECTORS = 2 }; /* a tile of two has more rows and fewer leftovers than one of four, and as much of a line of memory as comes at a time */
    int64_t filters = f->arg.shape[3], together = VECTORS * context->machine.vector_bits / (int)(8 * sizeof(float));
    extents[0] = wants_tiles_of_two(context, f, y) ? 16 : 36;
    extents[1] = filters / together + (filters % together != 0);
    extents[2] = f->arg.shape[2];
    extents[3] = together;
    return TG_OK;
}

tg_status tg_op_winograd_filter(tg_context *context, const tg_tensor *f, tg_tensor *u) {
    return tg_std_launch(context, is_of_two(u) ? TG_STD_winograd2_filter : TG_STD_winograd_filter, TG_ARGS(f, u));
}

static tg_status winograd(tg_context *context, const tg_tensor *x, const tg_tensor *u, const tg_tensor *bias,
                          tg_tensor *y, const tg_conv_options *o) {
    tg_dense d;
    tg_status s = tg_dense_open(context, (const tg_tensor *[]){x, y}, 2, "conv_winograd", &d);
    if (!s) {
        s = tg_std_launch(context, is_of_two(u) ? TG_STD_conv2d_winograd2 : TG_STD_conv2d_winograd,
                          TG_ARGS(d.tensor[0], u, bias, d.tensor[1], o->pad[0], o->pad[1], (int64_t)o->activation));
    }
    return tg_dense_close(context, &d, s);
}

tg_status tg_op_conv_winograd(tg_context *context, const tg_tensor *x, const tg_tensor *u,
                              const tg_tensor *bias, tg_tensor *y, const tg_conv_options *options) {
    tg_conv_options o = TG_CONV_OPTIONS_INIT;
    if (!context || !tg_std_options(options, &o, sizeof o)) {
        return tg_fail(context, TG_ERROR_INVALID_ARGUMENT, "conv_winograd: the context is null or struct_size is wrong");
    }
    if (o.groups != 1 || o.stride[0] != 1 || o.stride[1] != 1 || o.dilation[0] != 1 || o.dilation[1] != 1) {
        return tg_fail(context, TG_ERROR_INVALID_ARGUMENT,
                       "conv_winograd: stride, dilation and groups must be 1; use tg_op_conv");
    }
    tg_status status = tg_std_check_activation(context, TG_STD_conv2d_winograd, o.activation, false);
    return status ? status : winograd(context, x, u, bias, y, &o);
}

/* ---- depthwise ------------------------------------------------------------------------------ */

enum { DEPTHWISE_TENSORS = 4 };
_Static_assert((int)DEPTHWISE_TENSORS <= (int)TG_DENSE_TENSORS, "copies of all tensors");

/* `planes`: the kernel for images whose channels come before their rows and columns; its tensors are the same in that order. `padded`: the kernel
 * that copies windows, with zeros around them. */
typedef struct depthwise_direction {
    tg_std_row row, planes, padded;
    uint32_t n_tensors, filter, result; /* the images are the others of rank 4; `result` is of the forward direction */
    bool has_activation;
} depthwise_direction;

static const depthwise_direction
    depthwise_forward = {TG_STD_depthwise2d, TG_STD_depthwise2d_planes, TG_STD_depthwise2d_padded, 4, 1, 3, true},
    depthwise_to_image = {TG_STD_depthwise2d_dgrad, TG_STD_depthwise2d_planes_dgrad, TG_STD_depthwise2d_dgrad, 3, 1, 0, false},
    depthwise_to_filter = {TG_STD_depthwise2d_wgrad, TG_STD_depthwise2d_planes_wgrad, TG_STD_depthwise2d_wgrad, 3, 2, 1, false};

/* Do columns follow one another, and channels not? */
static bool is_planes(const tg_tensor *t) {
    const tg_tensor_arg *a = &t->arg;
    return t->rank == 4 && a->stride[2] == 1 && (a->stride[3] != 1 || a->shape[3] == 1);
}

static bool are_planes(const depthwise_direction *d, const tg_tensor *const *tensors) {
    bool fits = tensors[d->filter] && tensors[d->filter]->rank == 3;
    for (uint32_t i = 0; i < d->n_tensors && fits; i++) {
        bool bias = d->n_tensors == DEPTHWISE_TENSORS && i == 2;
        fits = bias ? !tensors[i] || tensors[i]->rank == 1 : i == d->filter || (tensors[i] && is_planes(tensors[i]));
    }
    return fits;
}

/* A view with its channels in front of rows and columns; of a bias, the same. */
static tg_tensor *channels_first(const tg_tensor *t) {
    static const uint32_t of_image[] = {0, 3, 1, 2}, of_filter[] = {2, 0, 1}, of_bias[] = {0};
    return tg_tensor_permute(t, t->rank == 4 ? of_image : t->rank == 3 ? of_filter : of_bias);
}

enum { LARGE = 25, LARGER = 49, SMALL = 14 * 14 };

static int64_t taps_of(const depthwise_direction *d, const tg_tensor *const *tensors) {
    const int64_t *filter = tensors[d->filter]->arg.shape;
    int64_t taps;
    return __builtin_mul_overflow(filter[0], filter[1], &taps) ? INT64_MAX : taps;
}

/* Are so many of a tile's windows at borders, where every load is tested, that a copy with zeros around is less work? docs/performance/x86-conv.md
 * has the table: from 7 x 7 positions of a filter on, from 5 x 5 where the result is small. */
static bool prefers_padded(const depthwise_direction *d, const tg_tensor *const *tensors) {
    const tg_tensor *f = tensors[d->filter], *y = tensors[d->result];
    if (!f || f->rank != 3 || !y || y->rank != 4) {
        return false;
    }
    int64_t taps = taps_of(d, tensors), p = y->arg.shape[1], q = y->arg.shape[2];
    return taps >= LARGER || (taps >= LARGE && p <= SMALL && q <= SMALL && p * q <= SMALL);
}

/* Are rows so short that most lanes along them are empty, and filters so large that copies with channels last are less work? The same table. */
static bool prefers_channels_last(const tg_context *context, const depthwise_direction *d, const tg_tensor *const *tensors) {
    int64_t lanes = context->machine.vector_bits / (int)(8 * sizeof(float)), columns = tensors[d->result]->arg.shape[2];
    return columns <= lanes / 2 && taps_of(d, tensors) >= LARGE;
}

static tg_status launch_depthwise(tg_context *context, const depthwise_direction *d, tg_std_row row, const tg_tensor *const *tensors,
                                  const tg_conv_options *o) {
    arguments a = {.n = 0};
    for (uint32_t i = 0; i < d->n_tensors; i++) {
        add(&a, tg_argument_tensor(tensors[i]));
    }
    add_each(&a, o->stride, 2);
    add_each(&a, o->pad, 2);
    add_each(&a, o->dilation, 2);
    if (d->has_activation) {
        add(&a, tg_argument_int((int64_t)o->activation));
    }
    return tg_std_launch(context, row, a.values, a.n);
}

static tg_status launch_planes(tg_context *context, const depthwise_direction *d, const tg_tensor *const *tensors, const tg_conv_options *o) {
    tg_tensor *views[DEPTHWISE_TENSORS] = {NULL};
    bool ready = true;
    for (uint32_t i = 0; i < d->n_tensors && ready; i++) {
        views[i] = tensors[i] ? channels_first(tensors[i]) : NULL;
        ready = views[i] || !tensors[i];
    }
    tg_status s = ready ? launch_depthwise(context, d, d->planes, (const tg_tensor *const *)views, o)
                        : tg_fail(context, TG_ERROR_OUT_OF_MEMORY, "%s: no memory for views of the tensors", tg_std_table[d->row].name);
    for (uint32_t i = 0; i < d->n_tensors; i++) {
        tg_tensor_release(views[i]);
    }
    return s;
}

static tg_status launch_channels_last(tg_context *context, const depthwise_direction *d, const tg_tensor *const *tensors, const tg_conv_options *o) {
    return launch_depthwise(context, d, prefers_padded(d, tensors) ? d->padded : d->row, tensors, o);
}

static tg_status launch_copies(tg_context *context, const depthwise_direction *d, const tg_tensor *const *tensors, const tg_conv_options *o) {
    tg_dense dense;
    tg_status s = tg_dense_open(context, tensors, d->n_tensors, tg_std_table[d->row].name, &dense);
    return tg_dense_close(context, &dense, s ? s : launch_channels_last(context, d, dense.tensor, o));
}

static tg_status depthwise(tg_context *context, const depthwise_direction *d, const tg_tensor *const *tensors, const tg_conv_options *options) {
    tg_conv_options o = TG_CONV_OPTIONS_INIT;
    if (!tg_std_options(options, &o, sizeof o) || o.groups != 1) {
        return tg_fail(context, TG_ERROR_INVALID_ARGUMENT, "%s: struct_size is wrong or groups is not 1", tg_std_table[d->row].name);
    }
    tg_status status = d->has_activation ? tg_std_check_activation(context, d->row, o.activation, false) : TG_OK;
    if (status) {
        return status;
    }
    bool planes = context && are_planes(d, tensors);
    return !planes ? launch_channels_last(context, d, tensors, &o)
           : prefers_channels_last(context, d, tensors) ? launch_copies(context, d, tensors, &o)
                                                            : launch_planes(context, d, tensors, &o);
}

tg_status tg_op_depthwise2d(tg_context *context, const tg_tensor *x, const tg_tensor *f,
                            const tg_tensor *bias, tg_tensor *y, const tg_conv_options *options) {
    return depthwise(context, &depthwise_forward, (const tg_tensor *[]){x, f, bias, y}, options);
}

tg_status tg_op_depthwise2d_dgrad(tg_context *context, const tg_tensor *dy, const tg_tensor *f,
                                  tg_tensor *dx, const tg_conv_options *options) {
    return depthwise(context, &depthwise_to_image, (const tg_tensor *[]){dy, f, dx}, options);
}

tg_status tg_op_depthwise2d_wgrad(tg_context *context, const tg_tensor *x, const tg_tensor *dy,
                                  tg_tensor *df, const tg_conv_options *options) {
    return depthwise(context, &depthwise_to_filter, (const tg_tensor *[]){x, dy, df}, options);
}
