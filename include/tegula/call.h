/* Bound launches: a kernel with its arguments, checked once and run any number of times.
 *
 *   tg_call *call;
 *   if (tg_call_create(gemm, TG_ARGS(a, b, c, 1.0f), NULL, &call)) { … }
 *   while (…) {
 *       …                        // new contents of a and b
 *       tg_call_run(call);       // nothing is checked, looked up or allocated
 *   }
 *   tg_call_destroy(call);
 *
 * What a launch checks depends on its arguments, not on the contents of its tensors, so a call that was created needs no
 * check at its runs. Contents may change between runs, addresses as well (tg_call_run_on, tg_call_rebind); types, shapes and
 * strides stay, and so does the code: a schedule that a tuner finds later is for calls created later.
 *
 * A call keeps a reference to each of its tensors. It may outlive its kernel's module, and the context: it can then only be
 * destroyed, and a run is INVALID_ARGUMENT. */
#ifndef TEGULA_CALL_H
#define TEGULA_CALL_H

#include "tegula/kernel.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tg_call tg_call;

/** Options of a call. Start from TG_CALL_OPTIONS_INIT. Grows at its end only, as tg_context_options does. */
typedef struct tg_call_options {
    size_t struct_size;
    /** Non-zero: compile code for exactly these shapes and strides, before tg_call_create returns. It pays for small
     * tensors (a product of 16 x 16 takes half the time) and costs a compile per shape, which is kept in memory until the
     * module ends, and on disk. Such code may add in another order; in contexts that are deterministic or checked the
     * option is therefore ignored. */
    int32_t exact;
    int32_t reserved;
} tg_call_options;
#ifdef __cplusplus
#define TG_CALL_OPTIONS_INIT                                                                   \
    { sizeof(tg_call_options), 0, 0 }
#else
#define TG_CALL_OPTIONS_INIT                                                                   \
    { .struct_size = sizeof(tg_call_options) }
#endif

/** Checks the arguments as tg_launch does, compiles what a launch of them would, and keeps both. Nothing is run.
 *
 * @param values   as for tg_launch, not needed afterwards
 * @param options  null: defaults
 * @param out      receives the call; null on failure. Free it with tg_call_destroy
 * @return as tg_launch, without the failures of a kernel that runs. Any thread. Costs what a first launch costs. */
TG_API tg_status tg_call_create(tg_kernel *kernel, const tg_argument *values, uint32_t n_values,
                                const tg_call_options *options, tg_call **out);

/** Runs the kernel on the bound arguments and waits for it.
 *
 * In a checked context content facts are verified at each run. Tensors that are not row-major may cost one more compile at
 * the first run.
 *
 * @return LAUNCH (an `assert`, a content fact), OUT_OF_MEMORY, INVALID_ARGUMENT (null; the module or the context has ended).
 *
 * Any thread, any number at once, as far as the contents allow; not during rebind, nor while the module or context ends.
 * Cost: a few nanoseconds, plus the kernel. */
TG_API tg_status tg_call_run(tg_call *call);

/** Runs with other addresses. The call stays as it is, so several threads may run it on different data at once.
 *
 * @param data    address of the first element per parameter, laid out as the bound tensor; null: the bound one, as for every
 *                parameter that is no tensor. The memory need not belong to a tensor
 * @param n_data  at most the number of parameters; the others are as bound
 * @return as tg_call_run; LAUNCH as well if written memory overlaps (L0905) or is not aligned to its elements (L0906),
 *         INVALID_ARGUMENT if an absent tensor or a scalar is given an address.
 *
 * Threads as tg_call_run. Cost: some nanoseconds more. */
TG_API tg_status tg_call_run_on(tg_call *call, void *const *data, uint32_t n_data);

/** Binds other tensors of the same types, shapes and strides, and other scalars that are not `const`; checks them as
 * tg_call_create does. On failure the call is as before.
 *
 * @return as tg_call_create; INVALID_ARGUMENT if an argument needs other code or has another layout.
 *
 * No run of the call may be going on. Nothing is compiled or allocated. */
TG_API tg_status tg_call_rebind(tg_call *call, const tg_argument *values, uint32_t n_values);

/** Frees the call; null is fine. No run of it may be going on. Any thread. */
TG_API void tg_call_destroy(tg_call *call);

#ifdef __cplusplus
}
#endif
#endif
