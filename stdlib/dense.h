/* Tensors as kernels with lanes along the last dimension read and write them: consecutive there. Others, such as permuted views of images whose
 * channels come first, are copied for the time of a call. */
#ifndef TG_STDLIB_DENSE_H
#define TG_STDLIB_DENSE_H

#include "runtime/memory.h"
#include "stdlib/stdlib.h"

enum { TG_DENSE_TENSORS = 4 };

typedef struct tg_dense {
    const tg_tensor *given[TG_DENSE_TENSORS], *tensor[TG_DENSE_TENSORS]; /* what a kernel takes; null where null was given */
    tg_tensor *copy[TG_DENSE_TENSORS];                                    /* null: none is needed */
    tg_mem memory[TG_DENSE_TENSORS];
    uint32_t n;
} tg_dense;

/* Of n tensors, the last of which is the result. What was opened must be closed, also on failure; `what` is named in texts of errors. */
tg_status tg_dense_open(tg_context *context, const tg_tensor *const *tensors, uint32_t n, const char *what, tg_dense *d);
/* Copies the result back if the launch had the status OK, and frees the copies. The status of both. */
tg_status tg_dense_close(tg_context *context, tg_dense *d, tg_status launched);

#endif
