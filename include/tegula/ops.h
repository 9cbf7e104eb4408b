/* The standard library of kernels as C functions. Every one is a kernel written in the language (stdlib/kernels) that is compiled on
 * first use and launched; nothing is computed in C. docs/stdlib.md lists them with their FLOPs, bytes and error bounds.
 *
 *   tg_op_softmax(ctx, x, y);
 *   tg_op_matmul(ctx, a, b, c, NULL);
 *
 * Rules that hold for every function:
 *   - tensors are the caller's; strides are free, so a transposed operand is a view (tg_tensor_permute);
 *   - element types are those of the kernel's type parameter (T: mostly f16, bf16, f32 and f64), the same for all tensors
 *     that share it; extents may be zero;
 *   - where a kernel takes X[M, …], M may be several leading dimensions or none, the same in all tensors that have it;
 *     "any shape" means element by element over tensors of equal shape;
 *   - outputs must not overlap inputs, unless the text says "in place";
 *   - result TG_OK, INVALID_ARGUMENT (null, dtypes, ranks, scalars out of range), LAUNCH (L09xx: extents do not fit), UNSUPPORTED (leading
 *     dimensions that cannot be folded, see docs/stdlib.md; not on this machine), OUT_OF_MEMORY; the text is in
 *     tg_last_error. After an error other than OUT_OF_MEMORY in a walk over leading dimensions nothing was written;
 *   - any thread, any number at once. Cost of a launch: that of tg_launch, below a microsecond. */
#ifndef TEGULA_OPS_H
#define TEGULA_OPS_H

#include "tegula/kernel.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the table --------------------------------------------------------------------------- */

/** One kernel of the library. Strings are static. */
typedef struct tg_stdlib_info {
    size_t struct_size;  /**< set by the caller: sizeof(tg_stdlib_info) */
    const char *name;    /**< of the kernel: "softmax" */
    const char *file;    /**< its module: "rows" */
    const char *summary; /**< one line */
    const char *flops;   /**< formula over dimensions, scalars and types (bytes per element) */
    const char *bytes;   /**< the same; null: every tensor once, `inout` twice */
    const char *error_class; /**< X, C, U, R of docs/language.md section 8 */
    const char *gradient;    /**< kernel that computes the gradient, or null */
} tg_stdlib_info;

/** Number of kernels in the library. */
TG_API uint32_t tg_stdlib_count(void);
/** Describes kernel i. INVALID_ARGUMENT: i out of range, struct_size too small. */
TG_API tg_status tg_stdlib_describe(uint32_t i, tg_stdlib_info *info);
/** The kernel of that name, shared by the context and living as long as it, for tg_launch, tg_kernel_prepare and so
 * on. Null: tg_last_error suggests the nearest name, or has the diagnostics of a changed source. */
TG_API tg_kernel *tg_stdlib_kernel(tg_context *context, const char *name);
/** A module of the caller's own with the kernel and its relatives; free it with tg_module_destroy. */
TG_API tg_status tg_stdlib_module(tg_context *context, const char *name, tg_module **out);
/** tg_launch by name, with free leading dimensions as described above.
 * @param values  one per parameter of the kernel, in order: TG_ARGS(x, y) */
TG_API tg_status tg_stdlib_launch(tg_context *context, const char *name,
                                  const tg_argument *values, uint32_t n_values);

/* ---- activations ------------------------------------------------------------------------- */

/** Activations; the same numbers are in std/activate.dsl. */
typedef enum tg_activation {
    TG_ACTIVATION_NONE = 0,
    TG_ACTIVATION_RELU = 1,
    TG_ACTIVATION_GELU = 2,      /**< x times the normal distribution function */
    TG_ACTIVATION_GELU_TANH = 3, /**< its approximation by tanh */
    TG_ACTIVATION_SILU = 4,      /**< x sigmoid(x) */
    TG_ACTIVATION_SIGMOID = 5,
    TG_ACTIVATION_TANH = 6,
    TG_ACTIVATION_SOFTPLUS = 7,
    TG_ACTIVATION_MISH = 8,
    TG_ACTIVATION_LEAKY_RELU = 9, /**< slope `alpha` */
    TG_ACTIVATION_ELU = 10,       /**< alpha (exp(x) - 1) below 0 */
    TG_ACTIVATION_HARD_SIGMOID = 11,
    TG_ACTIVATION_HARD_SWISH = 12
} tg_activation;

/** y = f(x), any shape. `alpha` is used by LEAKY_RELU and ELU. */
TG_API tg_status tg_op_activation(tg_context *context, const tg_tensor *x, tg_tensor *y,
                                  tg_activation kind, double alpha);
/** dx = dy f'(x), any shape; at a corner the slope from the left. */
TG_API tg_status tg_op_activation_bwd(tg_context *context, const tg_tensor *x,
                                      const tg_tensor *dy, tg_tensor *dx, tg_activation kind,
                                      double alpha);
/** y = f(a) b, any shape: SwiGLU with SILU, GeGLU with GELU. */
TG_API tg_status tg_op_gated(tg_context *context, const tg_tensor *a, const tg_tensor *b,
                             tg_tensor *y, tg_activation kind);
/** da = dy f'(a) b, db = dy f(a), any shape. */
TG_API tg_status tg_op_gated_bwd(tg_context *context, const tg_tensor *a, const tg_tensor *b,
                                 const tg_tensor *dy, tg_tensor *da, tg_tensor *db,
                                 tg_activation kind);

/* ---- matrix products --------------------------------------------------------------------- */

/** What happens to a product before it is stored. Start from TG_MATMUL_OPTIONS_INIT. */
typedef struct tg_matmul_options {
    size_t struct_size;
    double alpha;              /**< factor of A B */
    const tg_tensor *bias;     /**< [N], added to every row; null: none */
    const tg_tensor *residual; /**< shape of C, added after the activation; null: none */
    tg_activation activation;  /**< of kinds without `alpha`: not LEAKY_RELU or ELU */
} tg_matmul_options;
#ifdef __cplusplus
#define TG_MATMUL_OPTIONS_INIT                                                                 \
    { sizeof(tg_matmul_options), 1, 0, 0, TG_ACTIVATION_NONE }
#else
#define TG_MATMUL_OPTIONS_INIT                                                                 \
    { .struct_size = sizeof(tg_matmul_options), .alpha = 1 }
#endif

/** C = act(alpha A B + bias) + residual.
 *
 * @param a  [M, K], or [..., M, K] with any leading dimensions
 * @param b  [K, N], shared by the whole batch, or [..., K, N] with the leading dimensions of `a`
 * @param c  [M, N] or [..., M, N]
 * @param options  null: the plain product */
TG_API tg_status tg_op_matmul(tg_context *context, const tg_tensor *a, const tg_tensor *b,
                              tg_tensor *c, const tg_matmul_options *options);
/** B of later products, packed once (see tg_kernel_pack): weights.
 *
 * @param b       [K, N] of any strides, in a type of tg_op_matmul; a permuted view of weights [N, K] is fine
 * @param packed  receives what takes B's place in tg_op_matmul; null on failure. Free it with tg_tensor_release */
TG_API tg_status tg_op_matmul_pack(tg_context *context, const tg_tensor *b, tg_tensor **packed);
/** y[M] = alpha A[M, K] x[K] + beta z[M]; `z` null: no addend. */
TG_API tg_status tg_op_matvec(tg_context *context, const tg_tensor *a, const tg_tensor *x,
                              const tg_tensor *z, tg_tensor *y, double alpha, double beta);
/** Mixture of experts: y[r] = act(x[r] W[e] + bias[e]) for rows r in off[e] … off[e + 1].
 *
 * @param x    [R, K], rows sorted by expert
 * @param off  i32 [E + 1], not decreasing; rows outside stay as they are in `y`
 * @param w    [E, K, N];  @param bias  [E, N] or null;  @param y  [R, N]
 * @param act  a kind without `alpha` */
TG_API tg_status tg_op_matmul_grouped(tg_context *context, const tg_tensor *x,
                                      const tg_tensor *off, const tg_tensor *w,
                                      const tg_tensor *bias, tg_tensor *y, tg_activation act);
/** C[M, N] = act(sa[m] sb[n] (A B)[m, n] + bias[n]): i8 [M, K] times i8 [K, N], summed exactly in 32 bits.
 *
 * @param sa  f32 [M], scales per row (per token);  @param sb  f32 [N], per column (per channel)
 * @param bias  f32 [N] or null;  @param c  f16, bf16 or f32 */
TG_API tg_status tg_op_matmul_i8(tg_context *context, const tg_tensor *a, const tg_tensor *b,
                                 const tg_tensor *sa, const tg_tensor *sb,
                                 const tg_tensor *bias, tg_tensor *c, tg_activation act);
/** B of tg_op_matmul_i8, packed once, as tg_op_matmul_pack does.
 *
 * @param b       i8 [K, N] of any strides
 * @param packed  receives what takes B's place; null on failure. Free it with tg_tensor_release */
TG_API tg_status tg_op_matmul_i8_pack(tg_context *context, const tg_tensor *b, tg_tensor **packed);
/** C[M, N] = act(A[M, K] V' + bias) with V[n, k] = (W[n, k] - Z[n, k / g]) S[n, k / g] rounded to the type of A.
 *
 * @param w  u4 [N, K], two per byte;  @param s  [N, ceil(K / g)], type of A;  @param z  u4, shape of `s`
 * @param bias  [N] or null;  @param g  weights per group, such as 128 */
TG_API tg_status tg_op_matmul_w4(tg_context *context, const tg_tensor *a, const tg_tensor *w,
                                 const tg_tensor *s, const tg_tensor *z, const tg_tensor *bias,
                                 tg_tensor *c, int64_t g, tg_activation act);
/** C[M, N] = V B, V of R × … blocks of S × S in compressed rows: block row r has blocks z = row[r] … row[r + 1] at block
 * column col[z].
 *
 * @param v  [Z, S, S];  @param row  i32 [R + 1];  @param col  i32 [Z];  @param b  [K, N];  @param c  [R S, N] */
TG_API tg_status tg_op_matmul_block_sparse(tg_context *context, const tg_tensor *v,
                                           const tg_tensor *row, const tg_tensor *col,
                                           const tg_tensor *b, tg_tensor *c);

/* ---- convolutions and pooling ------------------------------------------------------------ */

/** Geometry of a convolution, per spatial dimension: [0] is the first one of the image. Start from TG_CONV_OPTIONS_INIT. */
typedef struct tg_conv_options {
    size_t struct_size;
    int64_t stride[3];   /**< of the output, in elements of the image; at least 1 */
    int64_t pad[3];      /**< zeros before and after the image */
    int64_t dilation[3]; /**< distance of neighbouring filter positions; at least 1 */
    int64_t groups;      /**< input channels are split into so many groups, output channels too */
    tg_activation activation; /**< of conv, conv_transpose and depthwise2d; of kinds without `alpha` */
} tg_conv_options;
#ifdef __cplusplus
#define TG_CONV_OPTIONS_INIT                                                                   \
    { sizeof(tg_conv_options), {1, 1, 1}, {0, 0, 0}, {1, 1, 1}, 1, TG_ACTIVATION_NONE }
#else
#define TG_CONV_OPTIONS_INIT                                                                   \
    {                                                                                          \
        .struct_size = sizeof(tg_conv_options), .stride = {1, 1, 1}, .dilation = {1, 1, 1},    \
        .groups = 1                                                                            \
    }
#endif

/** y = act(x * f + bias): a cross-correlation, as everywhere in deep learning.
 *
 * Channels are last; another order in memory is a permuted view. Geometry is compiled in: every new one compiles.
 * Groups of up to 8 channels, as many out as in, have kernels of their own; where channels are not last and rows are short, they take
 * memory for copies of the tensors, as do depthwise layers with large filters. So do f32 layers of few channels, or groups of a few, where
 * channels come before rows and columns, and gradients with strides: for one copy of the image, and the number of columns and channels is compiled in as well. So is the number
 * of channels of other f32 groups of sequences and images.
 *
 * @param x     [N, W, C], [N, H, W, C] or [N, D, H, W, C]
 * @param f     [filter…, C / groups, K]
 * @param bias  [K] or null
 * @param y     [N, out…, K], out = (in + 2 pad - dilation (filter - 1) - 1) / stride + 1, else LAUNCH
 * @param options  null: stride and dilation 1, no padding */
TG_API tg_status tg_op_conv(tg_context *context, const tg_tensor *x, const tg_tensor *f,
                            const tg_tensor *bias, tg_tensor *y,
                            const tg_conv_options *options);
/** Filters of later convolutions, packed once (see tg_kernel_pack): constant weights. Layers of small images, whose filters are larger
 * than they, gain most: the others read a filter often enough to pack it in each call.
 *
 * @param f        as in tg_op_conv, of any strides
 * @param options  those of the convolutions; the activation does not matter. Groups are UNSUPPORTED
 * @param packed   receives what takes the place of f in tg_op_conv; null on failure. Free it with tg_tensor_release */
TG_API tg_status tg_op_conv_pack(tg_context *context, const tg_tensor *f,
                                 const tg_conv_options *options, tg_tensor **packed);
/** What tg_op_conv_winograd reads instead of a filter: u f32 [36, ceil(K / B), C, B] for tiles of 4 x 4 outputs, or [16, …] for
 * 2 x 2, from f[3, 3, C, K]; f16, bf16 or f32. For constant weights it is made once. B, columns that lie together, is the caller's;
 * tg_op_winograd_filter_extents knows a fast one. */
TG_API tg_status tg_op_winograd_filter(tg_context *context, const tg_tensor *f, tg_tensor *u);
/** Extents of a u that is fast on the context's machine for results like y[N, P, Q, K]: tiles of 2 x 2 where a result has few tiles of
 * 4 x 4 and their u would not fit the last cache.
 *
 * @param extents  receives four numbers; on failure they stay as they are */
TG_API tg_status tg_op_winograd_filter_extents(tg_context *context, const tg_tensor *f, const tg_tensor *y, int64_t *extents);
/** tg_op_conv of images [N, H, W, C] with filters of 3 x 3 and stride 1, by fewer products: four times with tiles of 4 x 4, up to
 * three times as fast, 2.25 times with 2 x 2, whose u is smaller, so that they win where a batch has few tiles (images of 7 x 7).
 * Errors are larger, so tg_op_conv never does it by itself: below 36100 (40 + C) C 2^-24 max |x| max |f| with 4 x 4, some ten times
 * those of tg_op_conv in practice; below 81 (20 + C) C 2^-24 max |x| max |f| with 2 x 2.
 * It takes memory for 2.25 (4) times image and result, and for copies of those whose channels are not last, such as permuted views
 * of [N, C, H, W].
 * Source: Lavin and Gray, 2016, F(4 x 4, 3 x 3) and F(2 x 2, 3 x 3).
 *
 * @param u  of tg_op_winograd_filter
 * @param options  null: no padding; stride, dilation or groups other than 1 are INVALID_ARGUMENT */
TG_API tg_status tg_op_conv_winograd(tg_context *context, const tg_tensor *x,
                                     const tg_tensor *u, const tg_tensor *bias, tg_tensor *y,
                                     const tg_conv_options *options);
/** Gradient for the filter: df[filter…, C / groups, K]. Groups of up to 16 channels may take memory: for a larger gradient, or for copies where
 * channels are not last. */
TG_API tg_status tg_op_conv_wgrad(tg_context *context, const tg_tensor *x, const tg_tensor *dy,
                                  tg_tensor *df, const tg_conv_options *options);
/** Transposed convolution, act(x *^T f + bias): x[N, out…, K] to y[N, in…, C] in the terms of tg_op_conv; extents of y that
 * stride leaves open (output padding) are y's. @param bias  [C] or null */
TG_API tg_status tg_op_conv_transpose(tg_context *context, const tg_tensor *x,
                                      const tg_tensor *f, const tg_tensor *bias, tg_tensor *y,
                                      const tg_conv_options *options);
/** Gradient of tg_op_conv for the image: dx[N, in…, C] from dy[N, out…, K]. `activation` must be NONE. */
static inline tg_status tg_op_conv_dgrad(tg_context *context, const tg_tensor *dy,
                                         const tg_tensor *f, tg_tensor *dx,
                                         const tg_conv_options *options) {
    return tg_op_conv_transpose(context, dy, f, 0, dx, options);
}

/** A filter of its own for every channel: x[N, H, W, C], f[R, S, C], bias[C] or null, y[N, P, Q, C]. `groups` must be 1. */
TG_API tg_status tg_op_depthwise2d(tg_context *context, const tg_tensor *x, const tg_tensor *f,
                                   const tg_tensor *bias, tg_tensor *y,
                                   const tg_conv_options *options);
/** Its gradient for the image. */
TG_API tg_status tg_op_depthwise2d_dgrad(tg_context *context, const tg_tensor *dy,
                                         const tg_tensor *f, tg_tensor *dx,
                                         const tg_conv_options *options);
/** Its gradient for the filter. */
TG_API tg_status tg_op_depthwise2d_wgrad(tg_context *context, const tg_tensor *x,
                                         const tg_tensor *dy, tg_tensor *df,
                                         const tg_conv_options *options);

/** Windows of pooling, per spatial dimension: [0] is the first one of the image. Start from TG_POOLING_OPTIONS_INIT. */
typedef struct tg_pooling_options {
    size_t struct_size;
    int64_t window[3], stride[3];
    int64_t pad[3];        /**< at most half the window */
    int32_t count_padding; /**< averages: positions outside the image count as zeros */
} tg_pooling_options;
/** Windows that tile the image: their extents, one to three of them. */
#define TG_POOLING_OPTIONS_INIT(...)                                                              \
    { sizeof(tg_pooling_options), {__VA_ARGS__}, {__VA_ARGS__}, {0, 0, 0}, 0 }

/** Largest element of each window; NaN if there is one. Geometry is compiled in: every new one compiles.
 *
 * @param x  [N, W, C], [N, H, W, C] or [N, D, H, W, C]; another order in memory is a permuted view
 * @param y  [N, out…, C], out = (in + 2 pad - window) / stride + 1, else LAUNCH
 * @param index  i32, shape of y: where the first of the largest is, (depth * H + row) * W + column, for the gradient */
TG_API tg_status tg_op_max_pool(tg_context *context, const tg_tensor *x, tg_tensor *y,
                                tg_tensor *index, const tg_pooling_options *options);
/** dx of max_pool; the same on every run. */
TG_API tg_status tg_op_max_pool_bwd(tg_context *context, const tg_tensor *dy,
                                    const tg_tensor *index, tg_tensor *dx,
                                    const tg_pooling_options *options);
/** Mean of each window; shapes as tg_op_max_pool. */
TG_API tg_status tg_op_avg_pool(tg_context *context, const tg_tensor *x, tg_tensor *y,
                                const tg_pooling_options *options);
/** dx of avg_pool. */
TG_API tg_status tg_op_avg_pool_bwd(tg_context *context, const tg_tensor *dy, tg_tensor *dx,
                                    const tg_pooling_options *options);

/* ---- softmax and losses ------------------------------------------------------------------ */

/** y = exp(x) / sum exp(x) over the last dimension of [M, N]. */
TG_API tg_status tg_op_softmax(tg_context *context, const tg_tensor *x, tg_tensor *y);
/** dx = y (dy - sum y dy) from the result y of tg_op_softmax. */
TG_API tg_status tg_op_softmax_bwd(tg_context *context, const tg_tensor *y, const tg_tensor *dy,
                                   tg_tensor *dx);
/** y = x - log sum exp(x) over the last dimension of [M, N]. */
TG_API tg_status tg_op_log_softmax(tg_context *context, const tg_tensor *x, tg_tensor *y);
/** dx = dy - exp(y) sum dy from the result y of tg_op_log_softmax. */
TG_API tg_status tg_op_log_softmax_bwd(tg_context *context, const tg_tensor *y,
                                       const tg_tensor *dy, tg_tensor *dx);
/** Cross-entropy of logits.
 *
 * @param x      [M, V];  @param label  i64 [M]; outside 0 … V-1: ignored, loss 0, no gradient
 * @param loss   [M];  @param lse  [M], log sum exp(x), for the gradient. Both f32, or f64 for f64 */
TG_API tg_status tg_op_cross_entropy(tg_context *context, const tg_tensor *x,
                                     const tg_tensor *label, tg_tensor *loss, tg_tensor *lse);
/** dx = (exp(x - lse) - [label]) dloss. */
TG_API tg_status tg_op_cross_entropy_bwd(tg_context *context, const tg_tensor *x,
                                         const tg_tensor *label, const tg_tensor *lse,
                                         const tg_tensor *dloss, tg_tensor *dx);

/* ---- normalisation ----------------------------------------------------------------------- */

/** y = (x - mu) rstd w + b over the last dimension of [M, N].
 *
 * @param w, b      [N] or null
 * @param mu, rstd  receive the statistics [M], which the gradient needs: f32, or f64 for f64
 * @param eps       added to the variance, such as 1e-5 */
TG_API tg_status tg_op_layer_norm(tg_context *context, const tg_tensor *x, const tg_tensor *w,
                                  const tg_tensor *b, tg_tensor *y, tg_tensor *mu,
                                  tg_tensor *rstd, double eps);
/** dx, dw and db of tg_op_layer_norm from its statistics; `w` null as there. */
TG_API tg_status tg_op_layer_norm_bwd(tg_context *context, const tg_tensor *x,
                                      const tg_tensor *w, const tg_tensor *mu,
                                      const tg_tensor *rstd, const tg_tensor *dy, tg_tensor *dx,
                                      tg_tensor *dw, tg_tensor *db);
/** y = x rstd w with rstd = 1 / sqrt(mean x^2 + eps) over the last dimension of [M, N]; `w` [N] or null. */
TG_API tg_status tg_op_rms_norm(tg_context *context, const tg_tensor *x, const tg_tensor *w,
                                tg_tensor *y, tg_tensor *rstd, double eps);
/** dx and dw of tg_op_rms_norm. */
TG_API tg_status tg_op_rms_norm_bwd(tg_context *context, const tg_tensor *x, const tg_tensor *w,
                                    const tg_tensor *rstd, const tg_tensor *dy, tg_tensor *dx,
                                    tg_tensor *dw);
/** Normalises each group of channels of each sample. A tensor [P, G C, S] is a view [P, G, C, S]; S stands for the
 * spatial extents together.
 *
 * @param x, y  [P, G, C, S];  @param w, b  [G, C] or null;  @param mu, rstd  [P, G] */
TG_API tg_status tg_op_group_norm(tg_context *context, const tg_tensor *x, const tg_tensor *w,
                                  const tg_tensor *b, tg_tensor *y, tg_tensor *mu,
                                  tg_tensor *rstd, double eps);
/** dx, dw and db of tg_op_group_norm. */
TG_API tg_status tg_op_group_norm_bwd(tg_context *context, const tg_tensor *x,
                                      const tg_tensor *w, const tg_tensor *mu,
                                      const tg_tensor *rstd, const tg_tensor *dy, tg_tensor *dx,
                                      tg_tensor *dw, tg_tensor *db);
/** Inference: y = (x - mu) / sqrt(var + eps) w + b per channel of [P, C, S]; mu and var [C], w and b [C] or null. For
 * channels in the last dimension give a permuted view. */
TG_API tg_status tg_op_batch_norm(tg_context *context, const tg_tensor *x, const tg_tensor *mu,
                                  const tg_tensor *var, const tg_tensor *w, const tg_tensor *b,
                                  tg_tensor *y, double eps);
/** Training: normalises by the statistics of the batch, which it stores in `mu` and `rstd` [C], and moves `run_mean` and
 * `run_var` [C] towards them by `momentum` (the variance unbiased). LAUNCH: fewer than two elements per
 * channel, which have no unbiased variance. */
TG_API tg_status tg_op_batch_norm_train(tg_context *context, const tg_tensor *x,
                                        const tg_tensor *w, const tg_tensor *b,
                                        tg_tensor *run_mean, tg_tensor *run_var, tg_tensor *y,
                                        tg_tensor *mu, tg_tensor *rstd, double eps,
                                        double momentum);
/** dx, dw and db of tg_op_batch_norm_train. */
TG_API tg_status tg_op_batch_norm_bwd(tg_context *context, const tg_tensor *x,
                                      const tg_tensor *w, const tg_tensor *mu,
                                      const tg_tensor *rstd, const tg_tensor *dy, tg_tensor *dx,
                                      tg_tensor *dw, tg_tensor *db);

/* ---- training ---------------------------------------------------------------------------- */

/** y = x / (1 - p), or 0 with probability p; any shape. Element n in row-major order is kept if rand(seed, n) >= p
 * (Philox), whatever the threads and blocks. */
TG_API tg_status tg_op_dropout(tg_context *context, const tg_tensor *x, tg_tensor *y, double p,
                               uint64_t seed);
/** dx of tg_op_dropout with the same p and seed. */
TG_API tg_status tg_op_dropout_bwd(tg_context *context, const tg_tensor *dy, tg_tensor *dx,
                                   double p, uint64_t seed);
/** y[n] = e[ids[n]]: i32 ids of any shape [N], table [V, D] of any type, y [N, D]; 0 where an id is out of range. */
TG_API tg_status tg_op_embedding(tg_context *context, const tg_tensor *ids, const tg_tensor *e,
                                 tg_tensor *y);
/** de[v] = sum of dy[n] with ids[n] = v, in f32 by atomic additions, dy f16, bf16 or f32; refused in a
 * deterministic context. */
TG_API tg_status tg_op_embedding_bwd(tg_context *context, const tg_tensor *ids,
                                     const tg_tensor *dy, tg_tensor *de);
/** The same in a fixed order. `perm` i32 [N]: positions sorted by id; `start` i32 [V + 1]: first of each id. */
TG_API tg_status tg_op_embedding_bwd_sorted(tg_context *context, const tg_tensor *dy,
                                            const tg_tensor *perm, const tg_tensor *start,
                                            tg_tensor *de);
/** Rotary positions: elements u and u + D/2 of each head of x [P, S, H, D] turn by direction pos[s] / base^(2 u / D).
 *
 * @param pos  i64 [S];  @param base  usually 10000;  @param direction  1, or -1 for the gradient */
TG_API tg_status tg_op_rope(tg_context *context, const tg_tensor *x, const tg_tensor *pos,
                            tg_tensor *y, double base, double direction);
/** v = momentum v + g + decay p; p -= lr v (nesterov: lr (g + decay p + momentum v)). Any shape, in place; `v` is f32, or
 * f64 for f64. */
TG_API tg_status tg_op_sgd(tg_context *context, tg_tensor *p, const tg_tensor *g, tg_tensor *v,
                           double lr, double momentum, double decay, int nesterov);
/** Adam (Kingma and Ba, 2015) with L2 decay in the gradient. Any shape, in place; moments `a` and `v` start at 0.
 * @param step  1 at the first call, for the bias correction */
TG_API tg_status tg_op_adam(tg_context *context, tg_tensor *p, const tg_tensor *g, tg_tensor *a,
                            tg_tensor *v, double lr, double b1, double b2, double eps,
                            double decay, int64_t step);
/** AdamW (Loshchilov and Hutter, 2019): the decay acts on the parameter. */
TG_API tg_status tg_op_adamw(tg_context *context, tg_tensor *p, const tg_tensor *g,
                             tg_tensor *a, tg_tensor *v, double lr, double b1, double b2,
                             double eps, double decay, int64_t step);

/* ---- reductions -------------------------------------------------------------------------- */

/* Over the last dimension of x [M, N]; another dimension is a permuted view. */

/** y [M] = sum. y has the accumulator's type, wide(T): f32 for f16, bf16 and f32, i32 for i8 to i32 … */
TG_API tg_status tg_op_reduce_sum(tg_context *context, const tg_tensor *x, tg_tensor *y);
/** y [N] = sum over the first dimension: the gradient of a bias. Types as tg_op_reduce_sum. */
TG_API tg_status tg_op_reduce_columns(tg_context *context, const tg_tensor *x, tg_tensor *y);
/** y [M] = mean; NaN of nothing. */
TG_API tg_status tg_op_reduce_mean(tg_context *context, const tg_tensor *x, tg_tensor *y);
/** y [M] = product. Types as tg_op_reduce_sum. */
TG_API tg_status tg_op_reduce_prod(tg_context *context, const tg_tensor *x, tg_tensor *y);
/** y [M] = largest element; a NaN wins; of nothing -inf or the least integer. Integers and floats. */
TG_API tg_status tg_op_reduce_max(tg_context *context, const tg_tensor *x, tg_tensor *y);
/** y [M] = smallest element; the mirror image of tg_op_reduce_max. */
TG_API tg_status tg_op_reduce_min(tg_context *context, const tg_tensor *x, tg_tensor *y);
/** y [M] = sum of squared differences from the mean / (N - correction): 0 of the population, 1 unbiased. */
TG_API tg_status tg_op_reduce_variance(tg_context *context, const tg_tensor *x, tg_tensor *y,
                                       double correction);
/** y i64 [M] = index of the largest element, the least on ties; NaN counts as largest; -1 of nothing. */
TG_API tg_status tg_op_arg_max(tg_context *context, const tg_tensor *x, tg_tensor *y);
/** The same of the smallest. */
TG_API tg_status tg_op_arg_min(tg_context *context, const tg_tensor *x, tg_tensor *y);
/** y [M, N] = cumulative sum, accumulated in wide(T). */
TG_API tg_status tg_op_running_sum(tg_context *context, const tg_tensor *x, tg_tensor *y);
/** y [M, N] = cumulative product. */
TG_API tg_status tg_op_running_prod(tg_context *context, const tg_tensor *x, tg_tensor *y);
/** y [M, N] = cumulative maximum. */
TG_API tg_status tg_op_running_max(tg_context *context, const tg_tensor *x, tg_tensor *y);

/* ---- order ------------------------------------------------------------------------------- */

/** y [M, N] = rows of x in order, i i64 [M, N] = where each element was; stable, NaN last. */
TG_API tg_status tg_op_sort_rows(tg_context *context, const tg_tensor *x, tg_tensor *y,
                                 tg_tensor *i, int descending);
/** y [M, K] = the K largest of each row, largest first, i i64 [M, K] their indices; missing ones: the least value, -1.
 * One kernel is compiled per K. */
TG_API tg_status tg_op_top_k(tg_context *context, const tg_tensor *x, tg_tensor *y,
                             tg_tensor *i);
/** h i32 [B], h[b] = how often b is in x [N] (u8 or i32); other values are not counted. One kernel per B. */
TG_API tg_status tg_op_bincount(tg_context *context, const tg_tensor *x, tg_tensor *h);

/* ---- data -------------------------------------------------------------------------------- */

/** y = x in the type of y, any shape; integer and float types, conversions as in the language. With a permuted view it
 * transposes, into slices of one tensor it joins. */
TG_API tg_status tg_op_copy(tg_context *context, const tg_tensor *x, tg_tensor *y);
/** Every element of y, any shape, is `value`; integer types take it truncated. */
TG_API tg_status tg_op_fill(tg_context *context, tg_tensor *y, double value);
/** y [P, N, M] from x [P, M, N], any type. */
TG_API tg_status tg_op_transpose(tg_context *context, const tg_tensor *x, tg_tensor *y);
/** c [P, M + K, N] = a [P, M, N], then b [P, K, N], any type. */
TG_API tg_status tg_op_concat(tg_context *context, const tg_tensor *a, const tg_tensor *b,
                              tg_tensor *c);
/** y [P, U, V] = x [P, M, N] at (top, left), `value` around it; negative positions crop. */
TG_API tg_status tg_op_pad(tg_context *context, const tg_tensor *x, tg_tensor *y, int64_t top,
                           int64_t left, double value);
/** y [M, N] = x[m, i[m, n]] of x [M, K], any type; i i32 [M, N]; 0 where an index is out of range. */
TG_API tg_status tg_op_gather(tg_context *context, const tg_tensor *x, const tg_tensor *i,
                              tg_tensor *y);
/** y[m, i[m, n]] += x[m, n] in f32 by atomic additions, x f16, bf16 or f32; indices out of range are dropped. Refused in a deterministic
 * context. */
TG_API tg_status tg_op_scatter_add(tg_context *context, const tg_tensor *x, const tg_tensor *i,
                                   tg_tensor *y);
/** y[perm[n]] = x[n] by rows of x [N, D] into y [V, D], any type; perm i32 [N] has no index twice. Other rows stay. */
TG_API tg_status tg_op_scatter_rows(tg_context *context, const tg_tensor *perm,
                                    const tg_tensor *x, tg_tensor *y);
/** y, any shape: low + (high - low) u, u uniform in [0, 1) with 24 bits, rounded to the type of y (which may give
 * `high`); element n from Philox(seed, n). */
TG_API tg_status tg_op_uniform(tg_context *context, tg_tensor *y, double low, double high,
                               uint64_t seed);
/** y, any shape: normal with this mean and deviation, element n from Philox(seed, n). */
TG_API tg_status tg_op_normal(tg_context *context, tg_tensor *y, double mean, double deviation,
                              uint64_t seed);
/* ---- Fourier transforms ------------------------------------------------------------------ */

/** Y[k] = sum over n of X[n] exp(sign 2 pi i k n / N), in each of the last 1 to 3 dimensions. */
typedef enum tg_fft_kind {
    TG_FFT_C2C = 0,
    TG_FFT_R2C = 1, /**< sign -1; of the last dimension only the first N / 2 + 1 outputs */
    TG_FFT_C2R = 2  /**< sign +1, from those to N real numbers; without `normalise` N times too large */
} tg_fft_kind;

/** What to transform. Start from TG_FFT_OPTIONS_INIT: c32, C2C, forward, no factor. */
typedef struct tg_fft_options {
    size_t struct_size;
    tg_dtype dtype; /**< of the complex tensors: TG_C32 or TG_C64; real ones are TG_F32 or TG_F64 */
    tg_fft_kind kind;
    int sign;       /**< C2C: -1 forward, +1 backward */
    int normalise;  /**< not 0: divide by the number of points */
} tg_fft_options;
#ifdef __cplusplus
#define TG_FFT_OPTIONS_INIT                                                                    \
    { sizeof(tg_fft_options), TG_C32, TG_FFT_C2C, -1, 0 }
#else
#define TG_FFT_OPTIONS_INIT                                                                    \
    { .struct_size = sizeof(tg_fft_options), .dtype = TG_C32, .kind = TG_FFT_C2C, .sign = -1 }
#endif

/** Lengths, kernels and tables of a transform. Immutable once made: any number of threads may execute it at once. */
typedef struct tg_fft_plan tg_fft_plan;

/** Makes a plan: computes the tables of factors (about as much memory as one transform; a prime length four to eight
 * times as much). Kernels are compiled here and on the first execution, once per length and context.
 *
 * Lengths whose prime factors are at most 13 are done directly (Stockham), long ones in two passes over memory; a prime that follows such a length of
 * at most 16384 mostly by Rader's algorithm; every other length by Bluestein's.
 * Factors are cosine times (1 + i tangent): numbers of input and result should stay below 2^96 in size, in doubles
 * 2^962, or a quarter turn of them overflows.
 * @param rank     1, 2 or 3;  @param lengths  `rank` lengths from 1 to 2^28; above 16384 a product of primes up to 13 must split into
 *                 two factors of at most 16384, another length be at most 2^27
 * @param options  not null
 * @return TG_OK; INVALID_ARGUMENT, UNSUPPORTED (a length whose factors do not split in two), OUT_OF_MEMORY; *out is then null */
TG_API tg_status tg_fft_plan_create(tg_context *context, uint32_t rank, const int64_t *lengths,
                                    const tg_fft_options *options, tg_fft_plan **out);
/** y = transform of x over the last `rank` dimensions; leading dimensions are a batch, spread over the threads.
 *
 * One-dimensional transforms take any strides and up to two leading dimensions (more if row-major), others row-major
 * tensors. x and y must not overlap. May allocate work space of the size of x (several dimensions, awkward lengths).
 * @return TG_OK; INVALID_ARGUMENT, LAUNCH (extents), UNSUPPORTED (strides), OUT_OF_MEMORY. Any thread. */
TG_API tg_status tg_fft_execute(const tg_fft_plan *plan, const tg_tensor *x, tg_tensor *y);
/** Frees a plan that no thread executes. Null is fine. The plan's context must still live. */
TG_API void tg_fft_plan_destroy(tg_fft_plan *plan);

/** What to convolve. Start from TG_FFT_CONVOLUTION_OPTIONS_INIT: f32, linear. */
typedef struct tg_fft_convolution_options {
    size_t struct_size;
    tg_dtype dtype; /**< of all tensors: TG_F32, TG_F64, TG_C32 or TG_C64 */
    int cyclic;     /**< not 0: indices of x are modulo N; k <= n */
    int correlate;  /**< not 0: a correlation, by conj(h) the other way round */
} tg_fft_convolution_options;
#ifdef __cplusplus
#define TG_FFT_CONVOLUTION_OPTIONS_INIT                                                        \
    { sizeof(tg_fft_convolution_options), TG_F32, 0, 0 }
#else
#define TG_FFT_CONVOLUTION_OPTIONS_INIT                                                        \
    { .struct_size = sizeof(tg_fft_convolution_options), .dtype = TG_F32 }
#endif

/** Lengths, kernels and tables of a convolution by Fourier transforms. Immutable once made: any number of threads may use it at once. */
typedef struct tg_fft_convolution tg_fft_convolution;

/** Prepares convolutions of rows of `n` by filters of `k` elements; both from 1 to 2^27. Transforms are of the next length
 * 2^a 3^b 5^c 7^d from n + k - 1 on that fills vectors, or of n if its prime factors are at most 13 and the convolution cyclic.
 * @param options  not null
 * @return TG_OK; INVALID_ARGUMENT, OUT_OF_MEMORY; *out is then null */
TG_API tg_status tg_fft_convolution_create(tg_context *context, int64_t n, int64_t k, const tg_fft_convolution_options *options,
                                           tg_fft_convolution **out);
/** Rows y[…, t] from x[…, n] and h[k], one filter for all rows, or h[…, k], one for each:
 *
 *     linear   y[t] = sum over j of h[j] x[t - j]             correlation   sum over j of conj(h[j]) x[t + j - (k - 1)]      t < n + k - 1
 *     cyclic   y[t] = sum over j of h[j] x[(t - j) mod n]     correlation   sum over j of conj(h[j]) x[(t + j) mod n]        t < n
 *
 * with 0 for x outside its n elements. Some 5 M log2 M operations per real row, M being the length of the transforms; short filters are faster directly
 * (tg_op_conv). Errors are relative to the norms of x and h, not to each output. Any strides and up to two leading dimensions (more if
 * row-major). y must not overlap x or h. Memory between the steps stays with the convolution.
 * @return TG_OK; INVALID_ARGUMENT, LAUNCH (extents), UNSUPPORTED (strides), OUT_OF_MEMORY. Any thread. */
TG_API tg_status tg_fft_convolve(const tg_fft_convolution *convolution, const tg_tensor *x, const tg_tensor *h, tg_tensor *y);
/** Frees a convolution that no thread uses. Null is fine. Its context must still live. */
TG_API void tg_fft_convolution_destroy(tg_fft_convolution *convolution);

/* ---- attention --------------------------------------------------------------------------- */

/** How attention treats keys. Start from TG_ATTENTION_OPTIONS_INIT. Tensors are null or f32. */
typedef struct tg_attention_options {
    size_t struct_size;
    double scale; /**< of the scores, usually 1 / sqrt(D) */
    int32_t
        causal; /**< non-zero: a query sees no later key; the last query is at the last key */
    int32_t window;          /**< > 0: a query sees no key that is this far before it or more */
    const tg_tensor *bias;   /**< added to the scores: [H, S, L], packed [H, TQ, TK] */
    const tg_tensor *slopes; /**< ALiBi, [H]: -slope |distance| is added; not packed */
    double dropout; /**< probability with which a weight is dropped, 0 none */
    uint64_t seed;  /**< of the dropout */
} tg_attention_options;
#ifdef __cplusplus
#define TG_ATTENTION_OPTIONS_INIT                                                              \
    { sizeof(tg_attention_options), 1, 0, 0, 0, 0, 0, 0 }
#else
#define TG_ATTENTION_OPTIONS_INIT                                                              \
    { .struct_size = sizeof(tg_attention_options), .scale = 1 }
#endif

/** o = softmax(scale q k' + …) v; H query heads share G key heads, H a multiple of G. f16, bf16 or f32.
 *
 * @param q  [B, H, S, D];  @param k  [B, G, L, D];  @param v  [B, G, L, E];  @param o  [B, H, S, E]. One kernel is
 *           compiled per D and E; for few queries without dropout, S H / G <= 8, one per S too. Tensors [B, S, H, D] are permuted views
 * @param lse  f32 [B, H, S], log sum exp of the scores, for the gradient. Rows that see no key: o = 0, lse = -inf
 * @param options  null: every query sees every key, scale 1 */
TG_API tg_status tg_op_attention(tg_context *context, const tg_tensor *q, const tg_tensor *k,
                                 const tg_tensor *v, tg_tensor *o, tg_tensor *lse,
                                 const tg_attention_options *options);
/** dq, dk, dv of tg_op_attention, from its o and lse, under its options. Source: Dao, FlashAttention-2, 2023. */
TG_API tg_status tg_op_attention_bwd(tg_context *context, const tg_tensor *q,
                                     const tg_tensor *k, const tg_tensor *v, const tg_tensor *o,
                                     const tg_tensor *lse, const tg_tensor *d_o, tg_tensor *dq,
                                     tg_tensor *dk, tg_tensor *dv,
                                     const tg_attention_options *options);
/** dbias f32 [H, S, L] of the bias in the options of tg_op_attention, summed over the batch. Without a bias:
 * INVALID_ARGUMENT. */
TG_API tg_status tg_op_attention_bias_bwd(tg_context *context, const tg_tensor *q,
                                          const tg_tensor *k, const tg_tensor *v,
                                          const tg_tensor *o, const tg_tensor *lse,
                                          const tg_tensor *d_o, tg_tensor *dbias,
                                          const tg_attention_options *options);
/** Sequences of different lengths, one after the other: q [TQ, H, D], k [TK, G, D], v [TK, G, E], o [TQ, H, E], lse f32
 * [H, TQ]. Sequence b has queries cq[b] … cq[b + 1] and keys ck[b] … ck[b + 1]; cq and ck i32 [B + 1], not decreasing.
 * `slopes` in the options is INVALID_ARGUMENT. */
TG_API tg_status tg_op_attention_packed(tg_context *context, const tg_tensor *q,
                                        const tg_tensor *k, const tg_tensor *v,
                                        const tg_tensor *cq, const tg_tensor *ck, tg_tensor *o,
                                        tg_tensor *lse, const tg_attention_options *options);
/** dq, dk, dv of tg_op_attention_packed, from its o and lse, under its options. Rows of dq, dk, dv that belong to no sequence
 * are not written. */
TG_API tg_status tg_op_attention_packed_bwd(tg_context *context, const tg_tensor *q,
                                            const tg_tensor *k, const tg_tensor *v,
                                            const tg_tensor *cq, const tg_tensor *ck,
                                            const tg_tensor *o, const tg_tensor *lse,
                                            const tg_tensor *d_o, tg_tensor *dq, tg_tensor *dk,
                                            tg_tensor *dv, const tg_attention_options *options);
/** Decoding against a paged cache: one query per sequence.
 *
 * @param q  [B, H, D];  @param o  [B, H, D]
 * @param k, v   [NP, PS, G, D]: NP pages of PS keys, of all sequences
 * @param table  i32 [B, MP]: page t of sequence b; a page that does not exist reads as zeros
 * @param len    i32 [B]: keys of each sequence, at most MP PS; 0 gives o = 0 */
TG_API tg_status tg_op_attention_paged(tg_context *context, const tg_tensor *q,
                                       const tg_tensor *k, const tg_tensor *v,
                                       const tg_tensor *table, const tg_tensor *len,
                                       tg_tensor *o, double scale);

#ifdef __cplusplus
}
#endif
#endif
