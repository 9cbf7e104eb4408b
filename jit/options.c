/* Options structs of the public API, versioned by their size. */
#include "jit/context.h"

#include <string.h>

bool tg_options_read(const void *from, void *to, size_t size) {
    size_t n;
    memset(to, 0, size);
    if (!from) {
        return true;
    }
    memcpy(&n, from, sizeof n);
    if (n < sizeof n) {
        return false;
    }
    for (size_t i = size; i < n; i++) {
        if (((const unsigned char *)from)[i]) {
            return false;
        }
    }
    memcpy(to, from, n < size ? n : size);
    return true;
}
