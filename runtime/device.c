/* See device.h: the table of devices. */
#include "runtime/device.h"

#include <string.h>

static bool cpu_alloc(const tg_device *device, const tg_allocator *allocator, size_t bytes,
                      tg_mem *out) {
    (void)device;
    return tg_mem_alloc(allocator, bytes, out);
}

static void cpu_free(const tg_device *device, const tg_allocator *allocator, tg_mem *mem) {
    (void)device;
    tg_mem_free(allocator, mem);
}

static const tg_device devices[] = {
    {"cpu", TG_DEVICE_CPU, true, cpu_alloc, cpu_free},
};

uint32_t tg_device_count(void) {
    return sizeof devices / sizeof devices[0];
}

const tg_device *tg_device_get(uint32_t i) {
    return i < tg_device_count() ? &devices[i] : NULL;
}

const tg_device *tg_device_find(const char *name) {
    for (uint32_t i = 0; i < tg_device_count(); i++) {
        if (!name || strcmp(devices[i].name, name) == 0) {
            return &devices[i];
        }
    }
    return NULL;
}
