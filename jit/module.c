/* Modules of the public API: a compilation and one tg_kernel per kernel item. */
#include "jit/context.h"

#include <string.h>

typedef struct rendered {
    tg_arena *arena;
    const char *text, *json;
} rendered;

/* False if out of memory. Destroy r->arena afterwards in both cases. */
static bool render(const tg_compilation *c, rendered *r) {
    tg_unwind u;
    *r = (rendered){.arena = tg_arena_create(&c->allocator, &u), .text = "", .json = NULL};
    if (!r->arena || TG_PROTECT(&u)) {
        return false;
    }
    tg_strbuf text, json;
    tg_strbuf_init(&text, r->arena);
    tg_diags_render(&c->diags, false, &text);
    tg_strbuf_init(&json, r->arena);
    tg_diags_render_json(&c->diags, &json);
    r->text = text.data;
    r->json = json.data;
    tg_arena_set_unwind(r->arena, NULL);
    return true;
}

static tg_status fail_load(tg_context *context, const tg_compilation *c, tg_status status) {
    rendered r;
    if (render(c, &r)) {
        tg_fail_compile(context, status, r.text, r.json);
    } else {
        status = tg_fail(context, TG_ERROR_OUT_OF_MEMORY, "out of memory");
    }
    tg_arena_destroy(r.arena);
    return status;
}

static bool keep_warnings(tg_module *m) {
    if (m->compilation->diags.list.len == 0) {
        return true;
    }
    rendered r;
    bool ok = render(m->compilation, &r);
    if (ok) {
        m->warnings = tg_copy_text(&m->context->allocator, r.text);
    }
    tg_arena_destroy(r.arena);
    return ok && m->warnings;
}

static uint32_t n_kernels_made(const tg_module *m) {
    return m->n_made ? m->n_made : 1;
}

static tg_status make_kernels(tg_module *m) {
    uint32_t n = tg_unit_n_kernels(m->compilation->unit);
    m->n_made = n;
    m->kernels =
        tg_alloc(&m->context->allocator, n_kernels_made(m) * sizeof *m->kernels, _Alignof(tg_kernel));
    if (!m->kernels) {
        return tg_fail(m->context, TG_ERROR_OUT_OF_MEMORY, "out of memory");
    }
    for (uint32_t i = 0; i < n; i++) {
        tg_kernel_init(&m->kernels[i], m, tg_unit_kernel(m->compilation->unit, i));
        m->n_kernels++;
        const tg_signature *sig = m->kernels[i].signature;
        if (sig->n_params > TG_MAX_PARAMS || sig->n_consts > TG_MAX_CONSTS ||
            sig->n_tparams > 16 || sig->n_dims > 64) {
            return tg_fail(
                m->context, TG_ERROR_UNSUPPORTED,
                "%s has more than %d parameters, %d constants, 16 types or 64 dimensions",
                sig->name, TG_MAX_PARAMS, TG_MAX_CONSTS);
        }
    }
    return TG_OK;
}

/* A module of what was opened with status `s`. */
static tg_status finish_load(tg_context *context, const char *path, tg_compilation *c, tg_status s, tg_module **out) {
    if (s == TG_ERROR_COMPILE) {
        s = fail_load(context, c, s);
        tg_compilation_close(c);
        return s;
    }
    if (s == TG_ERROR_INVALID_ARGUMENT) {
        return tg_fail(context, s, "%s: a source has at most %d MiB, and what is no regular file at most 1 MiB", path, TG_MAX_SOURCE >> 20);
    }
    if (s) {
        return tg_fail(context, s, s == TG_ERROR_IO ? "%s cannot be read as a file" : "%s: %s",
                       path, tg_status_name(s));
    }
    tg_module *m = tg_alloc(&context->allocator, sizeof *m, _Alignof(tg_module));
    if (!m) {
        tg_compilation_close(c);
        return tg_fail(context, TG_ERROR_OUT_OF_MEMORY, "out of memory");
    }
    m->context = context;
    m->compilation = c;
    pthread_mutex_init(&m->lock, NULL);
    s = make_kernels(m);
    if (s == TG_OK && !keep_warnings(m)) {
        s = tg_fail(context, TG_ERROR_OUT_OF_MEMORY, "out of memory");
    }
    if (s) {
        tg_module_destroy(m);
        return s;
    }
    *out = m;
    return TG_OK;
}

/* `text` null: the file at `path`. */
static tg_status load(tg_context *context, const char *path, const char *text, size_t length,
                      tg_module **out) {
    tg_compilation *c;
    tg_status s = tg_compilation_open(&context->allocator, path, text, length, context->include_path, &c);
    return finish_load(context, path, c, s, out);
}

tg_status tg_module_load_trusted(tg_context *context, const char *name, const char *text, size_t length, tg_module **out) {
    tg_compilation *c;
    tg_status s = tg_compilation_open_trusted(&context->allocator, name, text, length, &c);
    return finish_load(context, name, c, s, out);
}

tg_status tg_module_load_file(tg_context *context, const char *path, tg_module **out) {
    if (out) {
        *out = NULL;
    }
    if (!context || !path || !*path || !out) {
        return tg_fail(context, TG_ERROR_INVALID_ARGUMENT,
                       !context ? "context is null"
                       : !path  ? "path is null"
                       : !out   ? "out is null"
                                : "path is empty");
    }
    return load(context, path, NULL, 0, out);
}

tg_status tg_module_load_text(tg_context *context, const char *name, const char *text,
                              size_t length, tg_module **out) {
    if (out) {
        *out = NULL;
    }
    if (!context || !text || !out) {
        return tg_fail(context, TG_ERROR_INVALID_ARGUMENT, "%s is null",
                       !context ? "context"
                       : !text  ? "text"
                                : "out");
    }
    return load(context, name ? name : "<memory>", text, length, out);
}

/* ---- the end ------------------------------------------------------------------------------------------------ */

enum { MOST_TRACES = 64 };

static void free_trace(tg_module *m) {
    const tg_allocator *a = &m->context->allocator;
    tg_free(a, m->kernels, n_kernels_made(m) * sizeof *m->kernels);
    tg_free(a, m, sizeof *m);
}

/* Programs hold kernels by address. Those of the last modules that ended stay as traces without code, so that using one is an error with
 * a text; older ones are forgotten. */
static void keep_trace(tg_module *m) {
    static const tg_signature nothing = {.name = "(ended)"};
    tg_context *context = m->context;
    for (uint32_t i = 0; i < m->n_kernels; i++) {
        m->kernels[i] = (tg_kernel){.context = context, .signature = &nothing};
    }
    pthread_mutex_lock(&context->calls_lock);
    m->before = context->ended;
    context->ended = m;
    tg_module *last = m;
    for (uint32_t n = 1; last->before && n < MOST_TRACES; n++) {
        last = last->before;
    }
    tg_module *forgotten = last->before;
    last->before = NULL;
    pthread_mutex_unlock(&context->calls_lock);
    if (forgotten) {
        free_trace(forgotten);
    }
}

void tg_modules_forget(tg_context *context) {
    while (context->ended) {
        tg_module *m = context->ended;
        context->ended = m->before;
        free_trace(m);
    }
}

void tg_module_destroy(tg_module *module) {
    if (!module) {
        return;
    }
    const tg_allocator *a = &module->context->allocator;
    while (module->derived) {
        tg_kernel_release(module->derived);
    }
    pthread_mutex_destroy(&module->lock);
    for (uint32_t i = 0; i < module->n_kernels; i++) {
        (void)tg_kernel_wait(&module->kernels[i]);
        tg_kernel_fini(&module->kernels[i]);
    }
    tg_free_text(a, module->warnings);
    tg_compilation_close(module->compilation);
    keep_trace(module);
}

const char *tg_module_warnings(const tg_module *module) {
    return module && module->warnings ? module->warnings : "";
}

uint32_t tg_module_n_kernels(const tg_module *module) {
    return module ? module->n_kernels : 0;
}

tg_kernel *tg_module_kernel_at(const tg_module *module, uint32_t i) {
    if (!module || i >= module->n_kernels) {
        (void)tg_fail(module ? module->context : NULL, TG_ERROR_INVALID_ARGUMENT,
                      module ? "there is no kernel %u: the module has %u" : "module is null", i,
                      module ? module->n_kernels : 0);
        return NULL;
    }
    return &module->kernels[i];
}

/* "; there are: a, b", or what is near; as far as it fits. */
static void describe_choice(const char *name, const char *const *names, size_t n, char *out,
                            size_t size) {
    const char *near = tg_suggest(name, names, n);
    size_t len = near ? tg_format(out, size, "; did you mean '%s'?", near)
                      : tg_format(out, size, n ? "; there are: " : "; the module has none");
    for (size_t i = 0; !near && i < n && len < size; i++) {
        len += tg_format(out + len, size - len, "%s%s", i ? ", " : "", names[i]);
    }
}

tg_kernel *tg_module_kernel(const tg_module *module, const char *name) {
    if (!module || !name) {
        (void)tg_fail(module ? module->context : NULL, TG_ERROR_INVALID_ARGUMENT, "%s is null",
                      module ? "name" : "module");
        return NULL;
    }
    const char *names[256] = {NULL};
    size_t n = 0;
    for (uint32_t i = 0; i < module->n_kernels; i++) {
        const char *have = module->kernels[i].signature->name;
        if (strcmp(have, name) == 0) {
            return &module->kernels[i];
        }
        if (n < 256) {
            names[n++] = have;
        }
    }
    char choice[400];
    describe_choice(name, names, n, choice, sizeof choice);
    (void)tg_fail(module->context, TG_ERROR_NOT_FOUND, "no kernel '%s'%s", name, choice);
    return NULL;
}
