/* Life of a tuner and its databases. */
#include "autotune/tuner.h"

#include <string.h>
#include <unistd.h>

void tg_tuner_path(const tg_context *c, const char *given, char *out, size_t size) {
    const char *path = given ? given : tg_environment_tuning();
    const char *dir = path ? NULL : tg_context_cache_dir(c);
    size_t n = path  ? tg_format(out, size, "%s", path)
               : dir ? tg_format(out, size, "%s/tuning.db", dir)
                     : size;
    if (n >= size) {
        out[0] = '\0';
    }
}

static void warn(tg_tuner *t, const char *message) {
    size_t n = strlen(t->warning);
    (void)tg_format(t->warning + n, sizeof t->warning - n, "%s%s", n ? "; " : "", message);
}

static tg_status open_databases(tg_tuner *t, const tg_tuner_options *o) {
    char buffer[4200], message[400];
    const tg_allocator *a = &t->context->allocator;
    const char *path = buffer;
    tg_tuner_path(t->context, o->database, buffer, sizeof buffer);
    tg_status s = TG_ERROR_IO;
    if (*path) {
        s = tg_db_open(a, path, TG_DB_WRITE, &t->db, message, sizeof message);
        if (s == TG_ERROR_OUT_OF_MEMORY) {
            return s;
        }
        if (s == TG_OK) {
            t->path = tg_copy_text(a, path);
            s = t->path ? TG_OK : TG_ERROR_OUT_OF_MEMORY;
        } else {
            warn(t, message);
        }
    }
    if (!t->db) {
        s = tg_db_open(a, NULL, TG_DB_MEMORY, &t->db, message, sizeof message);
    }
    tg_tuner_shipped_path(o->shipped, buffer, sizeof buffer);
    if (s == TG_OK && *buffer) {
        tg_status shipped = tg_tuner_open_shipped(t, buffer, message, sizeof message);
        if (shipped == TG_ERROR_OUT_OF_MEMORY) {
            return shipped;
        }
        if (shipped) {
            warn(t, message);
        }
    }
    return s;
}

tg_status tg_tuner_create(tg_context *context, const tg_tuner_options *options,
                          tg_tuner **out) {
    tg_tuner_options o;
    if (out) {
        *out = NULL;
    }
    if (!context || !out || !tg_options_read(options, &o, sizeof o)) {
        return tg_fail(context, TG_ERROR_INVALID_ARGUMENT,
                       !context ? "context is null"
                       : !out   ? "out is null"
                                : "options have a wrong struct_size or unknown fields");
    }
    tg_tuner *t = tg_alloc(&context->allocator, sizeof *t, _Alignof(tg_tuner));
    if (!t) {
        return tg_fail(context, TG_ERROR_OUT_OF_MEMORY, "out of memory");
    }
    t->context = context;
    t->process = getpid();
    t->chooser.choose = tg_tuner_choose;
    tg_tuner_renew(t);
    pthread_mutex_init(&t->lock, NULL);
    pthread_mutex_init(&t->lookup_lock, NULL);
    tg_device_text(context, t->device, sizeof t->device);
    tg_status s = open_databases(t, &o);
    if (s) {
        tg_tuner_destroy(t);
        return tg_fail(context, s, "%s", tg_status_name(s));
    }
    *out = t;
    return TG_OK;
}

void tg_tuner_destroy(tg_tuner *tuner) {
    if (!tuner) {
        return;
    }
    tg_tuner_detach(tuner);
    tg_db_close(tuner->db);
    tg_db_close(tuner->shipped);
    const tg_allocator *a = &tuner->context->allocator;
    tg_free_text(a, tuner->path);
    pthread_mutex_destroy(&tuner->lock);
    pthread_mutex_destroy(&tuner->lookup_lock);
    tg_free(a, tuner, sizeof *tuner);
}

const char *tg_tuner_warning(const tg_tuner *tuner) {
    return tuner ? tuner->warning : "";
}

const char *tg_tuner_database(const tg_tuner *tuner) {
    return tuner ? tuner->path : NULL;
}

/* ---- rows in and out ------------------------------------------------------------------------------------ */

tg_status tg_tuner_export(tg_tuner *tuner, const char *path) {
    char *text;
    if (!tuner || !path) {
        return tg_fail(tuner ? tuner->context : NULL, TG_ERROR_INVALID_ARGUMENT, "%s is null",
                       tuner ? "path" : "tuner");
    }
    tg_status s = tg_db_export(tuner->db, &text);
    if (s) {
        return tg_fail(tuner->context, s, "%s", tg_db_message(tuner->db));
    }
    s = tg_io_write_file(path, text, strlen(text));
    tg_db_free_text(text);
    return s ? tg_fail(tuner->context, s, "%s: %s", path, tg_status_name(s)) : TG_OK;
}

static tg_status import_text(tg_tuner *t, const char *path, tg_arena *arena, int64_t *n) {
    enum { MOST = 256 << 20 };
    char *text;
    size_t length;
    tg_status s = tg_io_read_file(arena, path, MOST, &text, &length);
    if (s) {
        return tg_fail(t->context, s, "%s: %s", path, tg_status_name(s));
    }
    s = tg_db_is_file(text, length) ? tg_db_merge(t->db, path, n) : tg_db_import(t->db, text, length, n);
    return s ? tg_fail(t->context, s, "%s: %s", path, tg_db_message(t->db)) : TG_OK;
}

tg_status tg_tuner_import(tg_tuner *tuner, const char *path, int64_t *n_rows) {
    int64_t n = 0;
    if (!tuner || !path) {
        return tg_fail(tuner ? tuner->context : NULL, TG_ERROR_INVALID_ARGUMENT, "%s is null",
                       tuner ? "path" : "tuner");
    }
    tg_unwind u;
    tg_arena *arena = tg_arena_create(&tuner->context->allocator, &u);
    if (!arena || TG_PROTECT(&u)) {
        tg_arena_destroy(arena);
        return tg_fail(tuner->context, TG_ERROR_OUT_OF_MEMORY, "out of memory");
    }
    tg_status s = import_text(tuner, path, arena, &n);
    tg_arena_destroy(arena);
    if (n_rows) {
        *n_rows = n;
    }
    return s;
}
