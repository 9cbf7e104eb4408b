/* Functions of ops.h: reductions, order, moving data. */
#include "stdlib/stdlib.h"

/* A number as the kernel's scalar of the type of `t` takes it. */
static tg_argument number_for(const tg_tensor *t, double v) {
    return t && tg_dtype_is_int(t->dtype) ? tg_argument_int((int64_t)v) : tg_argument_float(v);
}

tg_status tg_op_reduce_sum(tg_context *context, const tg_tensor *x, tg_tensor *y) {
    return tg_std_launch(context, TG_STD_reduce_sum, TG_ARGS(x, y));
}

tg_status tg_op_reduce_columns(tg_context *context, const tg_tensor *x, tg_tensor *y) {
    return tg_std_launch(context, TG_STD_reduce_columns, TG_ARGS(x, y));
}

tg_status tg_op_reduce_mean(tg_context *context, const tg_tensor *x, tg_tensor *y) {
    return tg_std_launch(context, TG_STD_reduce_mean, TG_ARGS(x, y));
}

tg_status tg_op_reduce_prod(tg_context *context, const tg_tensor *x, tg_tensor *y) {
    return tg_std_launch(context, TG_STD_reduce_prod, TG_ARGS(x, y));
}

tg_status tg_op_reduce_max(tg_context *context, const tg_tensor *x, tg_tensor *y) {
    return tg_std_launch(context, TG_STD_reduce_max, TG_ARGS(x, y));
}

tg_status tg_op_reduce_min(tg_context *context, const tg_tensor *x, tg_tensor *y) {
    return tg_std_launch(context, TG_STD_reduce_min, TG_ARGS(x, y));
}

tg_status tg_op_reduce_variance(tg_context *context, const tg_tensor *x, tg_tensor *y,
                                double correction) {
    return tg_std_launch(context, TG_STD_reduce_variance, TG_ARGS(x, y, correction));
}

tg_status tg_op_arg_max(tg_context *context, const tg_tensor *x, tg_tensor *y) {
    return tg_std_launch(context, TG_STD_arg_max, TG_ARGS(x, y));
}

tg_status tg_op_arg_min(tg_context *context, const tg_tensor *x, tg_tensor *y) {
    return tg_std_launch(context, TG_STD_arg_min, TG_ARGS(x, y));
}

tg_status tg_op_running_sum(tg_context *context, const tg_tensor *x, tg_tensor *y) {
    return tg_std_launch(context, TG_STD_running_sum, TG_ARGS(x, y));
}

tg_status tg_op_running_prod(tg_context *context, const tg_tensor *x, tg_tensor *y) {
    return tg_std_launch(context, TG_STD_running_prod, TG_ARGS(x, y));
}

tg_status tg_op_running_max(tg_context *context, const tg_tensor *x, tg_tensor *y) {
    return tg_std_launch(context, TG_STD_running_max, TG_ARGS(x, y));
}

tg_status tg_op_sort_rows(tg_context *context, const tg_tensor *x, tg_tensor *y, tg_tensor *i,
                          int descending) {
    return tg_std_launch(context, TG_STD_sort_rows, TG_ARGS(x, y, i, (bool)(descending != 0)));
}

tg_status tg_op_top_k(tg_context *context, const tg_tensor *x, tg_tensor *y, tg_tensor *i) {
    return tg_std_launch(context, TG_STD_top_k, TG_ARGS(x, y, i));
}

tg_status tg_op_bincount(tg_context *context, const tg_tensor *x, tg_tensor *h) {
    return tg_std_launch(context, TG_STD_bincount, TG_ARGS(x, h));
}

tg_status tg_op_copy(tg_context *context, const tg_tensor *x, tg_tensor *y) {
    return tg_std_launch(context, TG_STD_copy, TG_ARGS(x, y));
}

tg_status tg_op_fill(tg_context *context, tg_tensor *y, double value) {
    const tg_argument values[] = {tg_argument_tensor(y), number_for(y, value)};
    return tg_std_launch(context, TG_STD_fill, values, 2);
}

tg_status tg_op_transpose(tg_context *context, const tg_tensor *x, tg_tensor *y) {
    return tg_std_launch(context, TG_STD_transpose, TG_ARGS(x, y));
}

/* The same elements as rows, if the last two dimensions follow each other. */
static bool as_rows(const tg_tensor *t, tg_tensor *rows) {
    if (!t || t->rank != 3) {
        return false;
    }
    int64_t lines = t->arg.shape[1], points = t->arg.shape[2];
    if (lines > 1 && points > 1 && t->arg.stride[1] != points * t->arg.stride[2]) {
        return false;
    }
    rows->dtype = t->dtype;
    rows->rank = 2;
    rows->context = t->context;
    rows->arg = (tg_tensor_arg){.data = t->arg.data,
                                .shape = {t->arg.shape[0], lines * points},
                                .stride = {t->arg.stride[0], t->arg.stride[points > 1 ? 2 : 1]}};
    return true;
}

/* Of whole bytes and the right shapes: all else is left to the kernel that says what is wrong with it. */
static bool joins_rows(const tg_tensor *a, const tg_tensor *b, const tg_tensor *c) {
    const int64_t *m = a->arg.shape, *k = b->arg.shape, *r = c->arg.shape;
    bool fits = m[0] == r[0] && k[0] == r[0] && m[2] == r[2] && k[2] == r[2] && r[1] == m[1] + k[1];
    bool number = tg_dtype_is_int(c->dtype) || tg_dtype_is_float(c->dtype);
    return fits && number && !tg_dtype_is_storage(c->dtype) && a->dtype == c->dtype && b->dtype == c->dtype;
}

tg_status tg_op_concat(tg_context *context, const tg_tensor *a, const tg_tensor *b,
                       tg_tensor *c) {
    tg_tensor rows[3] = {0};
    if (as_rows(a, &rows[0]) && as_rows(b, &rows[1]) && as_rows(c, &rows[2]) && joins_rows(a, b, c)) {
        return tg_std_launch(context, TG_STD_concat_rows, TG_ARGS(&rows[0], &rows[1], &rows[2]));
    }
    return tg_std_launch(context, TG_STD_concat, TG_ARGS(a, b, c));
}

tg_status tg_op_pad(tg_context *context, const tg_tensor *x, tg_tensor *y, int64_t top,
                    int64_t left, double value) {
    const tg_argument values[] = {tg_argument_tensor(x), tg_argument_tensor(y),
                                  tg_argument_int(top), tg_argument_int(left),
                                  number_for(y, value)};
    return tg_std_launch(context, TG_STD_pad, values, 5);
}

tg_status tg_op_gather(tg_context *context, const tg_tensor *x, const tg_tensor *i,
                       tg_tensor *y) {
    return tg_std_launch(context, TG_STD_gather, TG_ARGS(x, i, y));
}

tg_status tg_op_scatter_add(tg_context *context, const tg_tensor *x, const tg_tensor *i,
                            tg_tensor *y) {
    return tg_std_launch(context, TG_STD_scatter_add, TG_ARGS(x, i, y));
}

tg_status tg_op_scatter_rows(tg_context *context, const tg_tensor *perm, const tg_tensor *x,
                             tg_tensor *y) {
    return tg_std_launch(context, TG_STD_scatter_rows, TG_ARGS(perm, x, y));
}

tg_status tg_op_uniform(tg_context *context, tg_tensor *y, double low, double high,
                        uint64_t seed) {
    return tg_std_launch(context, TG_STD_uniform, TG_ARGS(y, low, high, seed));
}

tg_status tg_op_normal(tg_context *context, tg_tensor *y, double mean, double deviation,
                       uint64_t seed) {
    return tg_std_launch(context, TG_STD_normal, TG_ARGS(y, mean, deviation, seed));
}
