/* Launch arguments as generated code takes them (base/abi.h). */
#ifndef TG_RUNTIME_CELLS_H
#define TG_RUNTIME_CELLS_H

#include "base/signature.h"

enum { TG_MAX_PARAMS = 64 };

typedef union tg_cell {
    int64_t i;
    double f;
} tg_cell;

/* What an absent tensor is passed as. */
extern const tg_tensor_arg tg_absent_tensor;

/* Element type of a parameter under these types of the type parameters. */
tg_dtype tg_param_dtype(const tg_sig_param *p, const tg_dtype *types);
bool tg_param_is_tensor(const tg_sig_param *p);

/* After tg_signature_bind: one pointer per parameter; `cells` holds the scalars. */
void tg_cells_fill(const tg_signature *sig, const tg_launch_arg *args, const tg_dtype *types,
                   tg_cell *cells, const void **out);

#endif
