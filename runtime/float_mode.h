/* The floating-point control word. Kernels run with round to nearest, all exceptions masked,
 * and denormals kept unless the context says otherwise, whatever the host program has set. */
#ifndef TG_RUNTIME_FLOAT_MODE_H
#define TG_RUNTIME_FLOAT_MODE_H

#include "base/abi.h"

#include <stdbool.h>
#include <stdint.h>

enum { TG_MXCSR_DEFAULT = 0x1f80, TG_MXCSR_FLUSH = 0x9fc0 /* plus FTZ and DAZ */ };

static inline uint32_t tg_float_mode_get(void) {
#ifdef __SSE__
    return __builtin_ia32_stmxcsr();
#else
    return TG_MXCSR_DEFAULT;
#endif
}

static inline void tg_float_mode_set(uint32_t mode) {
#ifdef __SSE__
    __builtin_ia32_ldmxcsr(mode);
#else
    (void)mode;
#endif
}

/* Equal but for the sticky exception flags. */
static inline bool tg_float_mode_is(uint32_t current, uint32_t mode) {
    return (current & ~0x3fu) == mode;
}

/* Calls an entry under `mode`. rt may be null if the entry uses nothing of it (tg_object.plain). */
static inline int32_t tg_entry_run(tg_entry_fn entry, const tg_rt *rt, const void *const *args, uint32_t mode) {
    uint32_t before = tg_float_mode_get();
    if (tg_float_mode_is(before, mode)) {
        return entry(rt, args);
    }
    tg_float_mode_set(mode);
    int32_t status = entry(rt, args);
    tg_float_mode_set(before);
    return status;
}

#endif
