/* Modules: text, imports, diagnostics, in one arena that goes with the compilation. */
#include "base/io.h"
#include "compiler/compile.h"

#include <string.h>

/* `dir/name`, with ".dsl" if the name has no such ending. */
static char *file_name(tg_arena *arena, const char *dir, size_t dir_len, const char *name) {
    size_t n = strlen(name);
    bool has_ending = n > 4 && strcmp(name + n - 4, ".dsl") == 0;
    return tg_arena_printf(arena, "%.*s%s%s%s", (int)dir_len, dir, dir_len ? "/" : "", name,
                           has_ending ? "" : ".dsl");
}

static const char *read_source(tg_arena *arena, const char *path, size_t *len) {
    char *text;
    return tg_io_read_file(arena, path, TG_MAX_SOURCE, &text, len) == TG_OK ? text : NULL;
}

/* tg_loader: a path that is already relative to the importing file (it starts with "./", "../"
 * or "/") or one to look for in the include path. */
static const char *load_import(void *user, const char *path, tg_arena *arena, size_t *len) {
    const tg_compilation *c = user;
    const char *text = read_source(arena, file_name(arena, "", 0, path), len);
    for (const char *dir = c->include_path; dir && *dir && !text;) {
        size_t n = strcspn(dir, ":");
        if (n) {
            text = read_source(arena, file_name(arena, dir, n, path), len);
        }
        dir += n + (dir[n] == ':');
    }
    return text;
}

static tg_hash hash_sources(const tg_compilation *c) {
    tg_hasher *h = tg_hasher_create(c->arena);
    for (uint32_t i = 0; i < c->sources.files.len; i++) {
        const tg_source *s = c->sources.files.data[i];
        tg_hasher_add_text(h, s->path);
        tg_hasher_add(h, s->text, s->len);
    }
    return tg_hasher_finish(h);
}

static tg_compilation *create(const tg_allocator *allocator) {
    tg_compilation *c = tg_alloc(allocator, sizeof *c, _Alignof(tg_compilation));
    if (!c) {
        return NULL;
    }
    c->allocator = *allocator;
    c->arena = tg_arena_create(&c->allocator, NULL);
    if (!c->arena) {
        tg_free(allocator, c, sizeof *c);
        return NULL;
    }
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

/* `text` null: read it from `path`. */
static tg_status open_text(tg_compilation *c, const char *path, const char *text, size_t len,
                           const char *include_path, bool trusted) {
    tg_unwind u;
    tg_arena_set_unwind(c->arena, &u);
    if (TG_PROTECT(&u)) {
        tg_arena_set_unwind(c->arena, NULL);
        return u.status;
    }
    c->names = tg_interner_create(c->arena);
    c->sources.arena = c->arena;
    c->diags = (tg_diags){.arena = c->arena, .sources = &c->sources};
    c->include_path = include_path ? tg_arena_printf(c->arena, "%s", include_path) : NULL;
    char *read = NULL;
    tg_status status = text ? len <= TG_MAX_SOURCE ? TG_OK : TG_ERROR_INVALID_ARGUMENT : tg_io_read_file(c->arena, path, TG_MAX_SOURCE, &read, &len);
    if (status == TG_OK) {
        tg_loader loader = {load_import, c, trusted};
        c->unit =
            tg_unit_load(c->arena, c->names, &c->diags, path, text ? text : read, len, &loader);
        c->hash = hash_sources(c);
        status = c->diags.n_errors ? TG_ERROR_COMPILE : TG_OK;
    }
    tg_arena_set_unwind(c->arena, NULL);
    return status;
}

static tg_status open_any(const tg_allocator *allocator, const char *path, const char *text, size_t len, const char *include_path, bool trusted,
                      tg_compilation **out) {
    *out = NULL;
    tg_compilation *c = create(allocator);
    if (!c) {
        return TG_ERROR_OUT_OF_MEMORY;
    }
    tg_status status = open_text(c, path, text, len, include_path, trusted);
    if (status != TG_OK && status != TG_ERROR_COMPILE) {
        tg_compilation_close(c);
        return status;
    }
    *out = c;
    return status;
}

tg_status tg_compilation_open(const tg_allocator *allocator, const char *path, const char *text,
                              size_t len, const char *include_path, tg_compilation **out) {
    return open_any(allocator, path, text, len, include_path, false, out);
}

tg_status tg_compilation_open_trusted(const tg_allocator *allocator, const char *path, const char *text, size_t len, tg_compilation **out) {
    return open_any(allocator, path, text, len, NULL, true, out);
}

tg_status tg_compilation_open_file(const tg_allocator *allocator, const char *path,
                                   const char *include_path, tg_compilation **out) {
    return tg_compilation_open(allocator, path, NULL, 0, include_path, out);
}

tg_diags tg_compilation_diags(const tg_compilation *c, tg_arena *arena) {
    tg_sources *own = TG_NEW(arena, tg_sources);
    own->arena = arena;
    for (uint32_t i = 0; i < c->sources.files.len; i++) {
        tg_vec_push(arena, &own->files, c->sources.files.data[i]);
    }
    return (tg_diags){.arena = arena, .sources = own};
}

void tg_compilation_close(tg_compilation *c) {
    if (c) {
        tg_allocator allocator = c->allocator;
        tg_arena_destroy(c->arena);
        pthread_mutex_destroy(&c->lock);
        tg_free(&allocator, c, sizeof *c);
    }
}
