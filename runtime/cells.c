/* See cells.h. */
#include "runtime/cells.h"

const tg_tensor_arg tg_absent_tensor = {0};

tg_dtype tg_param_dtype(const tg_sig_param *p, const tg_dtype *types) {
    tg_dtype t = p->type.type_param >= 0 ? types[p->type.type_param] : p->type.dtype;
    return p->type.wide ? tg_dtype_wide(t) : t;
}

bool tg_param_is_tensor(const tg_sig_param *p) {
    return p->kind == TG_SP_IN || p->kind == TG_SP_OUT || p->kind == TG_SP_INOUT;
}

static tg_scalar scalar_value(const tg_sig_param *p, const tg_launch_arg *a) {
    return a->scalar.dtype == TG_DTYPE_NONE && p->has_default ? p->default_value : a->scalar;
}

void tg_cells_fill(const tg_signature *sig, const tg_launch_arg *args, const tg_dtype *types,
                   tg_cell *cells, const void **out) {
    for (uint32_t i = 0; i < sig->n_params; i++) {
        const tg_sig_param *p = &sig->params[i];
        if (tg_param_is_tensor(p)) {
            out[i] = args[i].tensor ? args[i].tensor : &tg_absent_tensor;
            continue;
        }
        tg_scalar v = scalar_value(p, &args[i]);
        if (p->kind == TG_SP_SCALAR) {
            v = tg_scalar_convert(v, tg_param_dtype(p, types));
        }
        if (tg_dtype_is_float(v.dtype)) {
            cells[i].f = v.f;
        } else {
            cells[i].i = v.i;
        }
        out[i] = &cells[i];
    }
}
