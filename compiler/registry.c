/* The targets that are built in, and what identifies this build in cache keys. */
#include "compiler/compile.h"

#include <string.h>

static const tg_target *const targets[] = {&tg_target_x86};

uint32_t tg_target_count(void) {
    return sizeof targets / sizeof targets[0];
}

const tg_target *tg_target_get(uint32_t i) {
    return i < tg_target_count() ? targets[i] : NULL;
}

const tg_target *tg_target_find(const char *name) {
    for (uint32_t i = 0; i < tg_target_count(); i++) {
        if (!name || strcmp(targets[i]->name, name) == 0) {
            return targets[i];
        }
    }
    return NULL;
}
