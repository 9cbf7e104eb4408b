/* Bound launches for layers above the JIT (include/tegula/call.h is the public face). */
#ifndef TG_JIT_CALL_H
#define TG_JIT_CALL_H

#include "jit/context.h"
#include "tegula/call.h"

/* A call that keeps no reference to its tensors: these may be on the caller's stack. Its runs are tg_call_run_on with an address for
 * each of them that may be gone. */
tg_status tg_call_create_borrowed(tg_kernel *kernel, const tg_argument *values, uint32_t n_values, const tg_call_options *options,
                                  tg_call **out);
/* Has a tensor the type, shape and strides that parameter i is bound to? */
bool tg_call_takes(const tg_call *call, uint32_t i, const tg_tensor *t);

/* Does it run its entry without anything of the runtime? */
bool tg_call_is_quick(const tg_call *call);

/* Calls of a kernel that goes can no longer run; `kernel` null: all calls of a context that goes. */
void tg_calls_end(tg_context *context, const tg_kernel *kernel);

#endif
