/* Shared by signature.c, signature_eval.c, signature_memory.c and signature_io.c. */
#ifndef TG_BASE_SIGNATURE_INTERNAL_H
#define TG_BASE_SIGNATURE_INTERNAL_H

#include "base/signature.h"

/* Optional tensors are absent if they have no data; required ones may lack it when they are empty. */
static inline bool tg_launch_arg_present(const tg_launch_arg *arg) {
    return arg->tensor && arg->tensor->data;
}

/* The scalar given for a parameter, or its default. */
tg_scalar tg_sig_scalar(const tg_signature *sig, const tg_launch_arg *args, uint32_t param);

#endif
