/* Functions of ops.h whose parameters are the kernel's: activations, softmax, losses. */
#include "stdlib/stdlib.h"

tg_status tg_op_activation(tg_context *context, const tg_tensor *x, tg_tensor *y,
                           tg_activation kind, double alpha) {
    tg_status status = tg_std_check_activation(context, TG_STD_activation, kind, true);
    return status ? status : tg_std_launch(context, TG_STD_activation, TG_ARGS(x, y, (int)kind, alpha));
}

tg_status tg_op_activation_bwd(tg_context *context, const tg_tensor *x, const tg_tensor *dy,
                               tg_tensor *dx, tg_activation kind, double alpha) {
    tg_status status = tg_std_check_activation(context, TG_STD_activation_bwd, kind, true);
    return status ? status : tg_std_launch(context, TG_STD_activation_bwd, TG_ARGS(x, dy, dx, (int)kind, alpha));
}

tg_status tg_op_gated(tg_context *context, const tg_tensor *a, const tg_tensor *b, tg_tensor *y,
                      tg_activation kind) {
    tg_status status = tg_std_check_activation(context, TG_STD_gated, kind, false);
    return status ? status : tg_std_launch(context, TG_STD_gated, TG_ARGS(a, b, y, (int)kind));
}

tg_status tg_op_gated_bwd(tg_context *context, const tg_tensor *a, const tg_tensor *b,
                          const tg_tensor *dy, tg_tensor *da, tg_tensor *db,
                          tg_activation kind) {
    tg_status status = tg_std_check_activation(context, TG_STD_gated_bwd, kind, false);
    return status ? status : tg_std_launch(context, TG_STD_gated_bwd, TG_ARGS(a, b, dy, da, db, (int)kind));
}

tg_status tg_op_softmax(tg_context *context, const tg_tensor *x, tg_tensor *y) {
    return tg_std_launch(context, TG_STD_softmax, TG_ARGS(x, y));
}

tg_status tg_op_softmax_bwd(tg_context *context, const tg_tensor *y, const tg_tensor *dy,
                            tg_tensor *dx) {
    return tg_std_launch(context, TG_STD_softmax_bwd, TG_ARGS(y, dy, dx));
}

tg_status tg_op_log_softmax(tg_context *context, const tg_tensor *x, tg_tensor *y) {
    return tg_std_launch(context, TG_STD_log_softmax, TG_ARGS(x, y));
}

tg_status tg_op_log_softmax_bwd(tg_context *context, const tg_tensor *y, const tg_tensor *dy,
                                tg_tensor *dx) {
    return tg_std_launch(context, TG_STD_log_softmax_bwd, TG_ARGS(y, dy, dx));
}

tg_status tg_op_cross_entropy(tg_context *context, const tg_tensor *x, const tg_tensor *label,
                              tg_tensor *loss, tg_tensor *lse) {
    return tg_std_launch(context, TG_STD_cross_entropy, TG_ARGS(x, label, loss, lse));
}

tg_status tg_op_cross_entropy_bwd(tg_context *context, const tg_tensor *x,
                                  const tg_tensor *label, const tg_tensor *lse,
                                  const tg_tensor *dloss, tg_tensor *dx) {
    return tg_std_launch(context, TG_STD_cross_entropy_bwd, TG_ARGS(x, label, lse, dloss, dx));
}
