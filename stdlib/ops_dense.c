/* Functions of ops.h: matrix products. */
#include "stdlib/stdlib.h"

/* B without the batch: A's leading dimensions are more rows of A. */
static bool is_shared(const tg_tensor *b) {
    return b && tg_tensor_rank(b) <= 2;
}

tg_status tg_op_matmul(tg_context *context, const tg_tensor *a, const tg_tensor *b,
                       tg_tensor *c, const tg_matmul_options *options) {
    tg_matmul_options o = TG_MATMUL_OPTIONS_INIT;
    if (!tg_std_options(options, &o, sizeof o)) {
        return tg_fail(context, TG_ERROR_INVALID_ARGUMENT, "matmul: struct_size is wrong");
    }
    tg_std_row row = is_shared(b) ? TG_STD_matmul : TG_STD_matmul_batched;
    tg_status status = tg_std_check_activation(context, row, o.activation, false);
    return status ? status : tg_std_launch(context, row,
                         TG_ARGS(a, b, o.bias, o.residual, c, o.alpha, (int)o.activation));
}

static tg_status check_pack(tg_context *context, const tg_tensor *b, tg_tensor **packed, const char *name) {
    if (packed) {
        *packed = NULL;
    }
    if (context && b && packed && b->rank == 2) {
        return TG_OK;
    }
    return tg_fail(context, TG_ERROR_INVALID_ARGUMENT, "%s: %s", name,
                   !context ? "context is null" : !b ? "b is null" : !packed ? "packed is null" : "b is no matrix");
}

/* Packing does not depend on the rows: there are none, `columns` of them. */
static tg_tensor no_rows(tg_dtype type, int64_t columns) {
    return (tg_tensor){.dtype = type, .rank = 2, .arg = {.shape = {0, columns}, .stride = {columns, 1}}};
}

tg_status tg_op_matmul_pack(tg_context *context, const tg_tensor *b, tg_tensor **packed) {
    tg_status s = check_pack(context, b, packed, "matmul_pack");
    if (s) {
        return s;
    }
    tg_kernel *k;
    tg_tensor a = no_rows(b->dtype, b->arg.shape[0]), c = no_rows(b->dtype, b->arg.shape[1]);
    s = tg_std_kernel(context, TG_STD_matmul, &k);
    return s ? s : tg_kernel_pack(k, TG_ARGS(&a, b, (void *)0, (void *)0, &c), 1, packed);
}

tg_status tg_op_matmul_i8_pack(tg_context *context, const tg_tensor *b, tg_tensor **packed) {
    tg_status s = check_pack(context, b, packed, "matmul_i8_pack");
    if (s) {
        return s;
    }
    tg_kernel *k;
    tg_tensor a = no_rows(TG_I8, b->arg.shape[0]), c = no_rows(TG_F32, b->arg.shape[1]), sa = {.dtype = TG_F32, .rank = 1, .arg = {.stride = {1}}};
    tg_tensor *sb = tg_tensor_create(context, TG_F32, 1, &b->arg.shape[1]); /* there are columns, so it has data */
    s = sb ? tg_std_kernel(context, TG_STD_matmul_i8, &k) : TG_ERROR_OUT_OF_MEMORY;
    s = s ? s : tg_kernel_pack(k, TG_ARGS(&a, b, &sa, sb, (void *)0, &c), 1, packed);
    tg_tensor_release(sb);
    return s;
}

tg_status tg_op_matvec(tg_context *context, const tg_tensor *a, const tg_tensor *x,
                       const tg_tensor *z, tg_tensor *y, double alpha, double beta) {
    return tg_std_launch(context, TG_STD_matvec, TG_ARGS(a, x, z, y, alpha, beta));
}

tg_status tg_op_matmul_grouped(tg_context *context, const tg_tensor *x, const tg_tensor *off,
                               const tg_tensor *w, const tg_tensor *bias, tg_tensor *y,
                               tg_activation act) {
    tg_status status = tg_std_check_activation(context, TG_STD_matmul_grouped, act, false);
    return status ? status : tg_std_launch(context, TG_STD_matmul_grouped, TG_ARGS(x, off, w, bias, y, (int)act));
}

tg_status tg_op_matmul_i8(tg_context *context, const tg_tensor *a, const tg_tensor *b,
                          const tg_tensor *sa, const tg_tensor *sb, const tg_tensor *bias,
                          tg_tensor *c, tg_activation act) {
    tg_status status = tg_std_check_activation(context, TG_STD_matmul_i8, act, false);
    return status ? status : tg_std_launch(context, TG_STD_matmul_i8, TG_ARGS(a, b, sa, sb, bias, c, (int)act));
}

tg_status tg_op_matmul_w4(tg_context *context, const tg_tensor *a, const tg_tensor *w,
                          const tg_tensor *s, const tg_tensor *z, const tg_tensor *bias,
                          tg_tensor *c, int64_t g, tg_activation act) {
    tg_status status = tg_std_check_activation(context, TG_STD_matmul_w4, act, false);
    return status ? status : tg_std_launch(context, TG_STD_matmul_w4, TG_ARGS(a, w, s, z, bias, c, g, (int)act));
}

tg_status tg_op_matmul_block_sparse(tg_context *context, const tg_tensor *v,
                                    const tg_tensor *row, const tg_tensor *col,
                                    const tg_tensor *b, tg_tensor *c) {
    return tg_std_launch(context, TG_STD_matmul_block_sparse, TG_ARGS(v, row, col, b, c));
}
