/* Where memory and kernels live. One device today, the CPU; another adds a row to device.c with
 * its own functions, and nothing above the runtime changes. Queues are synchronous on the CPU:
 * a launch has finished when it returns. */
#ifndef TG_RUNTIME_DEVICE_H
#define TG_RUNTIME_DEVICE_H

#include "runtime/memory.h"

typedef enum tg_device_kind { TG_DEVICE_CPU = 1 } tg_device_kind;

typedef struct tg_device {
    const char *name; /* "cpu" */
    tg_device_kind kind;
    bool host_visible; /* the host may read and write its memory directly */
    bool (*alloc)(const struct tg_device *device, const tg_allocator *allocator, size_t bytes,
                  tg_mem *out);
    void (*free)(const struct tg_device *device, const tg_allocator *allocator, tg_mem *mem);
} tg_device;

uint32_t tg_device_count(void);
const tg_device *tg_device_get(uint32_t i);        /* null if out of range */
const tg_device *tg_device_find(const char *name); /* null if unknown; null name: the first */

#endif
