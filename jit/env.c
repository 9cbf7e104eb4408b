/* The only place that reads environment variables. */
#include "base/io.h"
#include "jit/context.h"

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

static int64_t get_number(const char *name, int64_t most) {
    const char *v = get(name);
    char *end;
    long long n = v ? strtoll(v, &end, 10) : 0;
    return v && *end == '\0' && n > 0 && n <= most ? n : 0;
}

void tg_settings_read_environment(tg_settings *s) {
    tg_context_options *o = &s->options;
    o->device = o->device ? o->device : get("TEGULA_DEVICE");
    o->arch = o->arch ? o->arch : get("TEGULA_ARCH");
    o->include_path = o->include_path ? o->include_path : get("TEGULA_PATH");
    s->stdlib_path = get("TEGULA_STDLIB_PATH");
    if (o->n_threads == 0) {
        o->n_threads = (int32_t)get_number("TEGULA_THREADS", 1024);
    }
    if (o->cache_bytes == 0) {
        o->cache_bytes = (uint64_t)get_number("TEGULA_CACHE_BYTES", INT64_MAX);
    }
    if (!o->cache_dir) {
        const char *dir = getenv("TEGULA_CACHE"); /* empty: no cache */
        o->cache_dir = dir ? dir : default_cache_dir(s);
    }
}
