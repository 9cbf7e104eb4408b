/* Rows that ship: a file of winners that is only read, made by tg_tuner_ship. The library's own is installed beside it.
 *
 * What another version of Tegula found says nothing about the code of this one, so a file in JSON names its version and serves no
 * other. Rows of a kernel whose text has changed since have another hash and match nothing; those of another machine, see lookup.c. */
#define _GNU_SOURCE /* dladdr */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "autotune/tuner.h"
#include "tegula/version.h"

/* ---- where it is ---------------------------------------------------------------------------------------------- */

/* The folder of the file that holds this code: the shared library, or the program that it is linked into. */
static bool own_folder(char *out, size_t size) {
    static const char here = 0;
    Dl_info info;
    /* The name of a program is what it was called by, which need not be a path. */
    bool named = dladdr(&here, &info) && info.dli_fname && strchr(info.dli_fname, '/');
    char *path = named ? realpath(info.dli_fname, NULL) : NULL;
    path = path ? path : realpath("/proc/self/exe", NULL);
    char *slash = path ? strrchr(path, '/') : NULL;
    size_t n = slash ? (size_t)(slash - path) : size;
    if (n < size) {
        memcpy(out, path, n);
        out[n] = '\0';
    }
    free(path);
    return n < size;
}

/* Beside the library and beside the command: an installed tree may be moved as a whole. */
static bool installed(char *out, size_t size) {
    static const char *const ways[] = {TG_LIBRARY_TO_SHARED, TG_COMMAND_TO_SHARED};
    char folder[4096];
    bool found = false;
    if (!own_folder(folder, sizeof folder)) {
        return false;
    }
    for (size_t i = 0; i < sizeof ways / sizeof *ways && !found; i++) {
        found = tg_format(out, size, "%s/%s/tuned.json", folder, ways[i]) < size &&
                access(out, F_OK) == 0;
    }
    return found;
}

void tg_tuner_shipped_path(const char *given, char *out, size_t size) {
    const char *path = given ? given : tg_environment_shipped();
    bool there = path ? tg_format(out, size, "%s", path) < size : installed(out, size);
    if (!there) {
        out[0] = '\0';
    }
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

enum { MOST_BYTES = 64 << 20 };

typedef struct opening {
    tg_tuner *t;
    const char *path;
    char *message;
    size_t size;
} opening;

static tg_status read_rows(const opening *o, const char *text, size_t length) {
    tg_db *db;
    tg_status s = tg_db_open(&o->t->context->allocator, NULL, TG_DB_MEMORY, &db, o->message, o->size);
    if (s) {
        return s;
    }
    s = tg_db_import_shipped(db, tg_version_string(), text, length);
    if (s) {
        (void)tg_format(o->message, o->size, "%s: %s", o->path, tg_db_message(db));
        tg_db_close(db);
        db = NULL;
    }
    o->t->shipped = db;
    o->t->narrow = true;
    return s;
}

static tg_status read_file(const opening *o, tg_arena *arena) {
    char *text;
    size_t length;
    tg_status s = tg_io_read_file(arena, o->path, MOST_BYTES, &text, &length);
    if (s) {
        (void)tg_format(o->message, o->size, "%s: %s", o->path, tg_status_name(s));
        return s;
    }
    return tg_db_is_file(text, length)
               ? tg_db_open(&o->t->context->allocator, o->path, TG_DB_READ, &o->t->shipped, o->message, o->size)
               : read_rows(o, text, length);
}

tg_status tg_tuner_open_shipped(tg_tuner *t, const char *path, char *message, size_t size) {
    const opening o = {t, path, message, size};
    tg_unwind u;
    tg_arena *arena = tg_arena_create(&t->context->allocator, &u);
    if (!arena || TG_PROTECT(&u)) {
        tg_arena_destroy(arena);
        (void)tg_format(message, size, "out of memory");
        return TG_ERROR_OUT_OF_MEMORY;
    }
    tg_status s = read_file(&o, arena);
    tg_arena_destroy(arena);
    return s;
}

/* ---- writing --------------------------------------------------------------------------------------------------- */

tg_status tg_tuner_ship(tg_tuner *tuner, const char *path, double least_gain) {
    char *text;
    const char *wrong = !tuner                                    ? "tuner is null"
                        : !path                                   ? "path is null"
                        : !(least_gain >= 0 && least_gain <= 100) ? "least_gain is not within 0 and 100"
                                                                  : NULL;
    if (wrong) {
        return tg_fail(tuner ? tuner->context : NULL, TG_ERROR_INVALID_ARGUMENT, "%s", wrong);
    }
    tg_status s = tg_db_export_shipped(tuner->db, tg_version_string(), least_gain, &text);
    if (s) {
        return tg_fail(tuner->context, s, "%s", tg_db_message(tuner->db));
    }
    s = tg_io_write_file(path, text, strlen(text));
    tg_db_free_text(text);
    return s ? tg_fail(tuner->context, s, "%s: %s", path, tg_status_name(s)) : TG_OK;
}
