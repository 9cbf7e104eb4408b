/* Version of the headers and of the library. */
#ifndef TEGULA_VERSION_H
#define TEGULA_VERSION_H

#include "tegula/base.h"

#define TG_VERSION_MAJOR 0
#define TG_VERSION_MINOR 1
#define TG_VERSION_PATCH 0
/** One number that grows with every release. */
#define TG_VERSION (TG_VERSION_MAJOR * 10000 + TG_VERSION_MINOR * 100 + TG_VERSION_PATCH)

#ifdef __cplusplus
extern "C" {
#endif

/** TG_VERSION of the library that is linked, which may be newer than these headers. Any thread.
 */
TG_API uint32_t tg_version(void);
/** "0.1.0"; static storage. Any thread. */
TG_API const char *tg_version_string(void);

#ifdef __cplusplus
}
#endif
#endif
