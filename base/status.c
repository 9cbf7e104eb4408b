/* Names of status codes, from status.def. */
#include "tegula/base.h"

static const char *const status_names[] = {
#define STATUS(enumerator, name) [enumerator] = name,
#include "base/status.def"
#undef STATUS
};

const char *tg_status_name(tg_status status) {
    size_t i = (size_t)status;
    return i < sizeof status_names / sizeof status_names[0] ? status_names[i]
                                                            : "unknown status";
}
