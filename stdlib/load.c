/* From a row to its kernel. Modules are checked once per context, on first use; a kernel that was
 * used before costs one load from memory. */
#include "base/io.h"
#include "dsl/parser/std_modules.h"
#include "stdlib/stdlib.h"

#include <string.h>

extern const tg_std_module tg_stdlib_files[]; /* made from kernels/ when building */

typedef struct std_state {
    tg_context_part part; /* first: how the context frees it */
    tg_allocator allocator;
    pthread_mutex_t lock; /* loading */
    _Atomic(tg_kernel *) kernels[TG_STD_COUNT];
    tg_module *modules[TG_STD_COUNT]; /* by the first row of the file */
} std_state;

static const tg_std_module *find_file(const char *file) {
    for (const tg_std_module *m = tg_stdlib_files; m->path; m++) {
        if (strcmp(m->path + strlen("std:"), file) == 0) {
            return m;
        }
    }
    return NULL;
}

tg_status tg_std_load(tg_context *context, const char *file, tg_module **out) {
    *out = NULL;
    if (context->stdlib_path) {
        char path[1024];
        if (tg_format(path, sizeof path, "%s/%s.dsl", context->stdlib_path, file) >=
            sizeof path) {
            return tg_fail(context, TG_ERROR_INVALID_ARGUMENT,
                           "TEGULA_STDLIB_PATH is too long");
        }
        return tg_module_load_file(context, path, out);
    }
    const tg_std_module *m = find_file(file);
    return m ? tg_module_load_trusted(context, m->path, m->text, m->len, out)
             : tg_fail(context, TG_ERROR_NOT_FOUND, "the standard library has no file '%s'",
                       file);
}

static void state_free(tg_context_part *part) {
    std_state *s = (std_state *)part;
    for (uint32_t i = 0; i < TG_STD_COUNT; i++) {
        tg_module_destroy(s->modules[i]);
    }
    pthread_mutex_destroy(&s->lock);
    tg_allocator a = s->allocator;
    tg_free(&a, s, sizeof *s);
}

/* Made by whoever comes first. */
static std_state *state_of(tg_context *context) {
    tg_context_part *have = atomic_load_explicit(&context->stdlib, memory_order_acquire);
    if (have) {
        return (std_state *)have;
    }
    std_state *s = tg_alloc(&context->allocator, sizeof *s, _Alignof(std_state));
    if (!s) {
        return NULL;
    }
    s->part.free = state_free;
    s->allocator = context->allocator;
    pthread_mutex_init(&s->lock, NULL);
    if (!atomic_compare_exchange_strong(&context->stdlib, &have, &s->part)) {
        state_free(&s->part);
        return (std_state *)have;
    }
    return s;
}

static uint32_t first_row_of_file(const char *file) {
    uint32_t i = 0;
    while (strcmp(tg_std_table[i].file, file)) {
        i++;
    }
    return i;
}

static tg_status load_kernel(tg_context *context, std_state *s, tg_std_row row,
                             tg_kernel **out) {
    const tg_std_info *r = &tg_std_table[row];
    tg_module **m = &s->modules[first_row_of_file(r->file)];
    pthread_mutex_lock(&s->lock);
    tg_status status = *m ? TG_OK : tg_std_load(context, r->file, m);
    pthread_mutex_unlock(&s->lock);
    if (status) {
        return status;
    }
    *out = tg_module_kernel(*m, r->name);
    if (!*out) {
        return TG_ERROR_NOT_FOUND;
    }
    atomic_store_explicit(&s->kernels[row], *out, memory_order_release);
    return TG_OK;
}

tg_status tg_std_kernel(tg_context *context, tg_std_row row, tg_kernel **out) {
    std_state *s = state_of(context);
    if (!s) {
        return tg_fail(context, TG_ERROR_OUT_OF_MEMORY, "out of memory");
    }
    *out = atomic_load_explicit(&s->kernels[row], memory_order_acquire);
    return *out ? TG_OK : load_kernel(context, s, row, out);
}

/* ---- by name ----------------------------------------------------------------------------- */

static tg_status find_named(tg_context *context, const char *name, tg_std_row *row) {
    *row = TG_STD_COUNT;
    if (!context || !name) {
        return tg_fail(context, TG_ERROR_INVALID_ARGUMENT, "%s is null",
                       context ? "name" : "context");
    }
    *row = tg_std_find(name);
    if (*row < TG_STD_COUNT) {
        return TG_OK;
    }
    const char *names[TG_STD_COUNT];
    for (uint32_t i = 0; i < TG_STD_COUNT; i++) {
        names[i] = tg_std_table[i].name;
    }
    const char *near = tg_suggest(name, names, TG_STD_COUNT);
    return tg_fail(context, TG_ERROR_NOT_FOUND,
                   near ? "the standard library has no kernel '%s'; did you mean '%s'?"
                        : "the standard library has no kernel '%s'%s",
                   name, near ? near : "");
}

tg_kernel *tg_stdlib_kernel(tg_context *context, const char *name) {
    tg_std_row row;
    tg_kernel *k = NULL;
    tg_status s = find_named(context, name, &row);
    return s == TG_OK && tg_std_kernel(context, row, &k) == TG_OK ? k : NULL;
}

tg_status tg_stdlib_module(tg_context *context, const char *name, tg_module **out) {
    tg_std_row row;
    if (!out) {
        return tg_fail(context, TG_ERROR_INVALID_ARGUMENT, "out is null");
    }
    *out = NULL;
    tg_status s = find_named(context, name, &row);
    return s ? s : tg_std_load(context, tg_std_table[row].file, out);
}

tg_status tg_stdlib_launch(tg_context *context, const char *name, const tg_argument *values,
                           uint32_t n_values) {
    tg_std_row row;
    tg_status s = find_named(context, name, &row);
    return s ? s : tg_std_launch(context, row, values, n_values);
}
