/* Functions of ops.h: attention. */
#include "stdlib/stdlib.h"

static tg_status refuse(tg_context *context, const char *name, const char *why) {
    return tg_fail(context, TG_ERROR_INVALID_ARGUMENT, "%s: %s", name, why);
}

/* Query heads of a key head, if there are so few queries that a kernel of their own reads the keys sooner; else 0. Shapes that are wrong are left to
 * the kernel that takes any number. */
static int64_t share_of_few(const tg_tensor *q, const tg_tensor *k, const tg_attention_options *options) {
    enum { FEW = 8 };
    bool known = q && k && q->rank == 4 && k->rank == 4 && k->arg.shape[1] > 0 && !(options->dropout > 0);
    int64_t share = known && q->arg.shape[1] % k->arg.shape[1] == 0 ? q->arg.shape[1] / k->arg.shape[1] : 0;
    return share > 0 && share <= FEW && q->arg.shape[2] > 0 && q->arg.shape[2] <= FEW / share ? share : 0;
}

tg_status tg_op_attention(tg_context *context, const tg_tensor *q, const tg_tensor *k,
                          const tg_tensor *v, tg_tensor *o, tg_tensor *lse,
                          const tg_attention_options *options) {
    tg_attention_options p = TG_ATTENTION_OPTIONS_INIT;
    if (!tg_std_options(options, &p, sizeof p)) {
        return refuse(context, "attention", "struct_size is wrong");
    }
    tg_status status = tg_std_check_probability(context, TG_STD_attention, p.dropout);
    if (status) {
        return status;
    }
    int64_t share = share_of_few(q, k, &p);
    if (share) {
        return tg_std_launch(context, TG_STD_attention_few,
                             TG_ARGS(q, k, v, p.bias, p.slopes, o, lse, p.scale, (bool)(p.causal != 0), p.window, share));
    }
    return tg_std_launch(context, TG_STD_attention,
                         TG_ARGS(q, k, v, p.bias, p.slopes, o, lse, p.scale,
                                 (bool)(p.causal != 0), p.window, (bool)(p.dropout > 0),
                                 p.dropout, p.seed));
}

tg_status tg_op_attention_bwd(tg_context *context, const tg_tensor *q, const tg_tensor *k,
                              const tg_tensor *v, const tg_tensor *o, const tg_tensor *lse,
                              const tg_tensor *d_o, tg_tensor *dq, tg_tensor *dk, tg_tensor *dv,
                              const tg_attention_options *options) {
    tg_attention_options p = TG_ATTENTION_OPTIONS_INIT;
    if (!tg_std_options(options, &p, sizeof p)) {
        return refuse(context, "attention_bwd", "struct_size is wrong");
    }
    tg_status status = tg_std_check_probability(context, TG_STD_attention_bwd, p.dropout);
    if (status) {
        return status;
    }
    return tg_std_launch(context, TG_STD_attention_bwd,
                         TG_ARGS(q, k, v, o, lse, d_o, p.bias, p.slopes, dq, dk, dv, p.scale,
                                 (bool)(p.causal != 0), p.window, (bool)(p.dropout > 0),
                                 p.dropout, p.seed));
}

tg_status tg_op_attention_bias_bwd(tg_context *context, const tg_tensor *q, const tg_tensor *k,
                                   const tg_tensor *v, const tg_tensor *o, const tg_tensor *lse,
                                   const tg_tensor *d_o, tg_tensor *dbias,
                                   const tg_attention_options *options) {
    tg_attention_options p = TG_ATTENTION_OPTIONS_INIT;
    if (!tg_std_options(options, &p, sizeof p)) {
        return refuse(context, "attention_bias_bwd", "struct_size is wrong");
    }
    tg_status status = tg_std_check_probability(context, TG_STD_attention_bias_bwd, p.dropout);
    if (status) {
        return status;
    }
    if (!p.bias) {
        return refuse(context, "attention_bias_bwd", "the options have no bias");
    }
    return tg_std_launch(context, TG_STD_attention_bias_bwd,
                         TG_ARGS(q, k, v, o, lse, d_o, p.bias, p.slopes, dbias, p.scale,
                                 (bool)(p.causal != 0), p.window, (bool)(p.dropout > 0),
                                 p.dropout, p.seed));
}

/* Reads the options of a function of packed sequences. */
static tg_status packed_options(tg_context *context, const char *name,
                                const tg_attention_options *options, tg_attention_options *p) {
    *p = (tg_attention_options)TG_ATTENTION_OPTIONS_INIT;
    if (!tg_std_options(options, p, sizeof *p)) {
        return refuse(context, name, "struct_size is wrong");
    }
    tg_status status = tg_std_check_probability(context, TG_STD_attention_packed, p->dropout);
    if (status) {
        return status;
    }
    return p->slopes ? refuse(context, name, "slopes are an option of attention") : TG_OK;
}

tg_status tg_op_attention_packed(tg_context *context, const tg_tensor *q, const tg_tensor *k,
                                 const tg_tensor *v, const tg_tensor *cq, const tg_tensor *ck,
                                 tg_tensor *o, tg_tensor *lse,
                                 const tg_attention_options *options) {
    tg_attention_options p;
    tg_status status = packed_options(context, "attention_packed", options, &p);
    if (status != TG_OK) {
        return status;
    }
    return tg_std_launch(context, TG_STD_attention_packed,
                         TG_ARGS(q, k, v, cq, ck, p.bias, o, lse, p.scale,
                                 (bool)(p.causal != 0), p.window, (bool)(p.dropout > 0),
                                 p.dropout, p.seed));
}

tg_status tg_op_attention_packed_bwd(tg_context *context, const tg_tensor *q,
                                     const tg_tensor *k, const tg_tensor *v,
                                     const tg_tensor *cq, const tg_tensor *ck,
                                     const tg_tensor *o, const tg_tensor *lse,
                                     const tg_tensor *d_o, tg_tensor *dq, tg_tensor *dk,
                                     tg_tensor *dv, const tg_attention_options *options) {
    tg_attention_options p;
    tg_status status = packed_options(context, "attention_packed_bwd", options, &p);
    if (status != TG_OK) {
        return status;
    }
    return tg_std_launch(context, TG_STD_attention_packed_bwd,
                         TG_ARGS(q, k, v, cq, ck, o, lse, d_o, p.bias, dq, dk, dv, p.scale,
                                 (bool)(p.causal != 0), p.window, (bool)(p.dropout > 0),
                                 p.dropout, p.seed));
}

tg_status tg_op_attention_paged(tg_context *context, const tg_tensor *q, const tg_tensor *k,
                                const tg_tensor *v, const tg_tensor *table,
                                const tg_tensor *len, tg_tensor *o, double scale) {
    if (!q || !k || q->rank != 3 || k->rank != 4 || k->arg.shape[2] == 0) {
        return refuse(context, "attention_paged",
                      "q must be [B, H, D] and k [NP, PS, G, D], G > 0");
    }
    int64_t share = q->arg.shape[1] / k->arg.shape[2];
    return tg_std_launch(context, TG_STD_attention_paged,
                         TG_ARGS(q, k, v, table, len, o, scale, share));
}
