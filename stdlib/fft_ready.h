/* Transforms that are one launch, and the way of one that came before.
 *
 * A short transform takes less time than finding out what to launch. So the first execution whose tensors passed every check leaves
 * behind what it launched; one whose tensors have the same layout goes straight to the compiled code. What it has to check
 * itself is what depends on addresses: alignment, and that input and output do not overlap.
 *
 * The first executions are launched all the same, so that the context sees how often they come and compiles code for just their layout
 * (jit/launch.c); when it has, what was kept is replaced. */
#ifndef TG_STDLIB_FFT_READY_H
#define TG_STDLIB_FFT_READY_H

#include "stdlib/stdlib.h"

enum { TG_FFT_MAX_ARGS = 9 };

/* The launch: the input is its first argument. */
typedef struct tg_fft_call {
    tg_std_row row;
    uint32_t n, out; /* arguments; which is the output */
    tg_argument values[TG_FFT_MAX_ARGS];
    tg_tensor views[2]; /* for arguments to point to; such a call is not copied */
} tg_fft_call;

tg_fft_call tg_fft_call_make(tg_std_row row, uint32_t out, const tg_argument *values, uint32_t n);
tg_status tg_fft_call_launch(tg_context *context, const tg_fft_call *c);

typedef struct tg_fft_ready tg_fft_ready;

/* False: not like the one that was kept, nothing was done. `r` may be null. Any thread. */
bool tg_fft_ready_run(const tg_fft_ready *r, const tg_tensor *x, const tg_tensor *y, tg_status *s);
/* After `c` ran for x and y: keeps it in an empty slot, or in place of what the context has newer code for. Any thread. */
void tg_fft_ready_keep(_Atomic(tg_fft_ready *) *slot, tg_context *context, const tg_fft_call *c, const tg_tensor *x, const tg_tensor *y);
void tg_fft_ready_free(tg_fft_ready *r, tg_context *context); /* null is fine */

#endif
