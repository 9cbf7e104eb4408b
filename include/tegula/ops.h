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
 *   - result TG_OK, INVALID_ARGUMENT (null, dtypes, ranks), LAUNCH (L09xx: extents do not fit), UNSUPPORTED (leading
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

#ifdef __cplusplus
}
#endif
#endif
