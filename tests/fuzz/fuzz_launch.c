/* Launches of a signature that came from anywhere: see fuzz_memory.h. */
#include "tests/fuzz/fuzz_memory.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_ARGS = 64 };

static uint64_t next(uint64_t *seed) {
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static int64_t number(uint64_t *seed) {
    static const int64_t odd[] = {0, 1, -1, INT64_MAX, INT64_MIN, 1 << 20, 16, 64};
    uint64_t r = next(seed);
    return r % 4 == 0 ? odd[r / 4 % 8] : (int64_t)(r / 4 % 9);
}

static void make_tensor(tg_launch_arg *arg, tg_tensor_arg *tensor, const tg_sig_param *p,
                        uint64_t *seed, void *data) {
    arg->rank = next(seed) % 8 ? p->rank : (uint32_t)(next(seed) % (TG_MAX_RANK + 1));
    arg->tensor = tensor;
    tensor->data = next(seed) % 16 ? data : NULL;
    for (uint32_t d = 0; d < TG_MAX_RANK; d++) {
        tensor->shape[d] = number(seed);
        tensor->stride[d] = number(seed);
    }
}

static void make_arg(const tg_signature *sig, const tg_sig_param *p, tg_launch_arg *arg,
                     tg_tensor_arg *tensor, uint64_t *seed, void *data) {
    bool is_tensor = p->kind == TG_SP_IN || p->kind == TG_SP_OUT || p->kind == TG_SP_INOUT;
    int32_t t = p->type.type_param;
    arg->dtype = t >= 0 && sig->tparams[t].n_members
                     ? sig->tparams[t].members[next(seed) % sig->tparams[t].n_members]
                     : p->type.dtype;
    if (is_tensor) {
        make_tensor(arg, tensor, p, seed, data);
    } else if (tg_dtype_kind_of(arg->dtype) == TG_KIND_FLOAT) {
        arg->dtype = TG_F64;
        arg->scalar = (tg_scalar){.dtype = TG_F64, .f = (double)number(seed)};
    } else {
        arg->dtype = p->kind == TG_SP_PTR ? TG_U64 : TG_I64;
        arg->scalar = (tg_scalar){.dtype = arg->dtype, .i = number(seed)};
    }
}

static void launch(const tg_signature *sig, uint64_t *seed) {
    static double data[64];
    tg_launch_arg args[MAX_ARGS] = {0};
    tg_tensor_arg tensors[MAX_ARGS] = {0};
    tg_launch_binding binding;
    char message[200];
    uint32_t n = sig->n_params < MAX_ARGS ? sig->n_params : MAX_ARGS;
    for (uint32_t i = 0; i < n; i++) {
        make_arg(sig, &sig->params[i], &args[i], &tensors[i], seed, &data[next(seed) % 64]);
    }
    memset(&binding, 0, sizeof binding);
    if (tg_signature_bind(sig, args, n, &binding, message, sizeof message) == TG_OK) {
        (void)tg_signature_check_memory(sig, args, n, message, sizeof message);
    } else if (strlen(message) == 0) {
        abort(); /* an error says what is wrong */
    }
    memset(&binding, 0, sizeof binding);
    tg_signature_bind_dims(sig, args, n, &binding);
    for (uint32_t i = 0; i < n; i++) {
        int64_t shape[TG_MAX_RANK];
        (void)tg_signature_infer_shape(sig, &binding, args, i, shape);
    }
}

void fuzz_launch(const tg_signature *sig, uint64_t seed) {
    for (int i = 0; i < 8; i++) {
        launch(sig, &seed);
    }
}
