/* Functions of ops.h whose parameters are the kernels': normalisation and training. */
#include "stdlib/stdlib.h"

#include <stdbool.h>

tg_status tg_op_layer_norm(tg_context *context, const tg_tensor *x, const tg_tensor *w,
                           const tg_tensor *b, tg_tensor *y, tg_tensor *mu, tg_tensor *rstd,
                           double eps) {
    return tg_std_launch(context, TG_STD_layer_norm, TG_ARGS(x, w, b, y, mu, rstd, eps));
}

tg_status tg_op_layer_norm_bwd(tg_context *context, const tg_tensor *x, const tg_tensor *w,
                               const tg_tensor *mu, const tg_tensor *rstd, const tg_tensor *dy,
                               tg_tensor *dx, tg_tensor *dw, tg_tensor *db) {
    return tg_std_launch(context, TG_STD_layer_norm_bwd,
                         TG_ARGS(x, w, mu, rstd, dy, dx, dw, db));
}

tg_status tg_op_rms_norm(tg_context *context, const tg_tensor *x, const tg_tensor *w,
                         tg_tensor *y, tg_tensor *rstd, double eps) {
    return tg_std_launch(context, TG_STD_rms_norm, TG_ARGS(x, w, y, rstd, eps));
}

tg_status tg_op_rms_norm_bwd(tg_context *context, const tg_tensor *x, const tg_tensor *w,
                             const tg_tensor *rstd, const tg_tensor *dy, tg_tensor *dx,
                             tg_tensor *dw) {
    return tg_std_launch(context, TG_STD_rms_norm_bwd, TG_ARGS(x, w, rstd, dy, dx, dw));
}

tg_status tg_op_group_norm(tg_context *context, const tg_tensor *x, const tg_tensor *w,
                           const tg_tensor *b, tg_tensor *y, tg_tensor *mu, tg_tensor *rstd,
                           double eps) {
    return tg_std_launch(context, TG_STD_group_norm, TG_ARGS(x, w, b, y, mu, rstd, eps));
}

tg_status tg_op_group_norm_bwd(tg_context *context, const tg_tensor *x, const tg_tensor *w,
                               const tg_tensor *mu, const tg_tensor *rstd, const tg_tensor *dy,
                               tg_tensor *dx, tg_tensor *dw, tg_tensor *db) {
    return tg_std_launch(context, TG_STD_group_norm_bwd,
                         TG_ARGS(x, w, mu, rstd, dy, dx, dw, db));
}

tg_status tg_op_batch_norm(tg_context *context, const tg_tensor *x, const tg_tensor *mu,
                           const tg_tensor *var, const tg_tensor *w, const tg_tensor *b,
                           tg_tensor *y, double eps) {
    return tg_std_launch(context, TG_STD_batch_norm, TG_ARGS(x, mu, var, w, b, y, eps));
}

tg_status tg_op_batch_norm_train(tg_context *context, const tg_tensor *x, const tg_tensor *w,
                                 const tg_tensor *b, tg_tensor *run_mean, tg_tensor *run_var,
                                 tg_tensor *y, tg_tensor *mu, tg_tensor *rstd, double eps,
                                 double momentum) {
    return tg_std_launch(context, TG_STD_batch_norm_train,
                         TG_ARGS(x, w, b, run_mean, run_var, y, mu, rstd, eps, momentum));
}

tg_status tg_op_batch_norm_bwd(tg_context *context, const tg_tensor *x, const tg_tensor *w,
                               const tg_tensor *mu, const tg_tensor *rstd, const tg_tensor *dy,
                               tg_tensor *dx, tg_tensor *dw, tg_tensor *db) {
    return tg_std_launch(context, TG_STD_batch_norm_bwd,
                         TG_ARGS(x, w, mu, rstd, dy, dx, dw, db));
}

tg_status tg_op_dropout(tg_context *context, const tg_tensor *x, tg_tensor *y, double p,
                        uint64_t seed) {
    tg_status status = tg_std_check_probability(context, TG_STD_dropout, p);
    return status ? status : tg_std_launch(context, TG_STD_dropout, TG_ARGS(x, y, p, seed));
}

tg_status tg_op_dropout_bwd(tg_context *context, const tg_tensor *dy, tg_tensor *dx, double p,
                            uint64_t seed) {
    tg_status status = tg_std_check_probability(context, TG_STD_dropout_bwd, p);
    return status ? status : tg_std_launch(context, TG_STD_dropout_bwd, TG_ARGS(dy, dx, p, seed));
}

tg_status tg_op_embedding(tg_context *context, const tg_tensor *ids, const tg_tensor *e,
                          tg_tensor *y) {
    return tg_std_launch(context, TG_STD_embedding, TG_ARGS(ids, e, y));
}

tg_status tg_op_embedding_bwd(tg_context *context, const tg_tensor *ids, const tg_tensor *dy,
                              tg_tensor *de) {
    return tg_std_launch(context, TG_STD_embedding_bwd, TG_ARGS(ids, dy, de));
}

tg_status tg_op_embedding_bwd_sorted(tg_context *context, const tg_tensor *dy,
                                     const tg_tensor *perm, const tg_tensor *start,
                                     tg_tensor *de) {
    return tg_std_launch(context, TG_STD_embedding_bwd_sorted, TG_ARGS(dy, perm, start, de));
}

tg_status tg_op_rope(tg_context *context, const tg_tensor *x, const tg_tensor *pos,
                     tg_tensor *y, double base, double direction) {
    return tg_std_launch(context, TG_STD_rope, TG_ARGS(x, pos, y, base, direction));
}

tg_status tg_op_sgd(tg_context *context, tg_tensor *p, const tg_tensor *g, tg_tensor *v,
                    double lr, double momentum, double decay, int nesterov) {
    return tg_std_launch(context, TG_STD_sgd,
                         TG_ARGS(p, g, v, lr, momentum, decay, (bool)(nesterov != 0)));
}

static tg_status check_step(const tg_context *context, tg_std_row row, int64_t step) {
    return step > 0 ? TG_OK
                    : tg_fail(context, TG_ERROR_INVALID_ARGUMENT, "%s: step is %lld; the first one is 1", tg_std_table[row].name, (long long)step);
}

tg_status tg_op_adam(tg_context *context, tg_tensor *p, const tg_tensor *g, tg_tensor *a,
                     tg_tensor *v, double lr, double b1, double b2, double eps, double decay,
                     int64_t step) {
    tg_status status = check_step(context, TG_STD_adam, step);
    return status ? status : tg_std_launch(context, TG_STD_adam,
                         TG_ARGS(p, g, a, v, lr, b1, b2, eps, decay, step));
}

tg_status tg_op_adamw(tg_context *context, tg_tensor *p, const tg_tensor *g, tg_tensor *a,
                      tg_tensor *v, double lr, double b1, double b2, double eps, double decay,
                      int64_t step) {
    tg_status status = check_step(context, TG_STD_adamw, step);
    return status ? status : tg_std_launch(context, TG_STD_adamw,
                         TG_ARGS(p, g, a, v, lr, b1, b2, eps, decay, step));
}
