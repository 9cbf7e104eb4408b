/* The only place that reads environment variables. */
#include "base/io.h"
#include "jit/context.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *get(const char *name) {
    const char *v = getenv(name);
    return v && *v ? v : NULL;
}

/* $XDG_CACHE_HOME/tegula, else $HOME/.cache/tegula, else none. */
static const char *default_cache_dir(tg_settings *s) {
    const char *base = get("XDG_CACHE_HOME"), *home = get("HOME");
    size_t n = 0;
    if (base && base[0] == '/') {
        n = tg_format(s->cache_default, sizeof s->cache_default, "%s/tegula", base);
    } else if (home && home[0] == '/') {
        n = tg_format(s->cache_default, sizeof s->cache_default, "%s/.cache/tegula", home);
    }
    return n && n < sizeof s->cache_default ? s->cache_default : "";
}

const char *tg_environment_tuning(void) {
    return getenv("TEGULA_TUNING"); /* empty: no file */
}

const char *tg_environment_shipped(void) {
    return getenv("TEGULA_SHIPPED"); /* empty: no file */
}

/* Digits alone, as many as the option takes. Not set, empty and 0 are the default. */
static tg_status get_number(const char *name, int64_t most, int64_t *out) {
    const char *v = get(name);
    *out = 0;
    if (!v) {
        return TG_OK;
    }
    errno = 0;
    *out = v[strspn(v, "0123456789")] ? -1 : strtoll(v, NULL, 10);
    return errno == 0 && *out >= 0 && *out <= most
               ? TG_OK
               : tg_fail(NULL, TG_ERROR_INVALID_ARGUMENT, "%s is '%s'; it takes a number from 0 (the default) to %lld", name, v, (long long)most);
}

tg_status tg_settings_read_environment(tg_settings *s) {
    tg_context_options *o = &s->options;
    s->device_from = o->device ? "" : "TEGULA_DEVICE: ";
    s->arch_from = o->arch ? "" : "TEGULA_ARCH: ";
    o->device = o->device ? o->device : get("TEGULA_DEVICE");
    o->arch = o->arch ? o->arch : get("TEGULA_ARCH");
    o->include_path = o->include_path ? o->include_path : get("TEGULA_PATH");
    s->stdlib_path = get("TEGULA_STDLIB_PATH");
    int64_t n_threads = o->n_threads, cache_bytes = 0;
    tg_status status = n_threads ? TG_OK : get_number("TEGULA_THREADS", INT32_MAX, &n_threads);
    if (status == TG_OK && o->cache_bytes == 0) {
        status = get_number("TEGULA_CACHE_BYTES", INT64_MAX, &cache_bytes);
        o->cache_bytes = (uint64_t)cache_bytes;
    }
    o->n_threads = (int32_t)n_threads;
    if (!o->cache_dir) {
        const char *dir = getenv("TEGULA_CACHE"); /* empty: no cache */
        o->cache_dir = dir ? dir : default_cache_dir(s);
    }
    return status;
}
