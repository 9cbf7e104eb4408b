/* Many rows at once: JSON out and in by SQLite's own JSON functions, and merging another file. */
#include <string.h>

#include "autotune/db_internal.h"

enum { SQL_SIZE = 6144 };

/* The one text that a query returns, copied for the caller. Nulls among `values` end them. */
static tg_status query_text(tg_db *db, const char *sql, const char *const *values,
                            double least_gain, char **text) {
    sqlite3_stmt *st = NULL;
    *text = NULL;
    tg_db_lock(db);
    bool ok = sqlite3_prepare_v2(db->sql, sql, -1, &st, NULL) == SQLITE_OK;
    int n = 0;
    for (; ok && values[n]; n++) {
        ok = sqlite3_bind_text(st, n + 1, values[n], -1, SQLITE_STATIC) == SQLITE_OK;
    }
    if (ok && sqlite3_bind_parameter_count(st) > n) {
        ok = sqlite3_bind_double(st, n + 1, least_gain) == SQLITE_OK;
    }
    ok = ok && sqlite3_step(st) == SQLITE_ROW;
    const char *row = ok ? (const char *)sqlite3_column_text(st, 0) : NULL;
    tg_status s = row ? TG_OK : tg_db_fail(db, "exporting");
    if (row) {
        *text = sqlite3_mprintf("%s", row);
        s = *text ? TG_OK : TG_ERROR_OUT_OF_MEMORY;
    }
    sqlite3_finalize(st);
    tg_db_unlock(db);
    return s;
}

tg_status tg_db_export(tg_db *db, char **text) {
    static const char *const none[] = {NULL};
    char sql[SQL_SIZE];
    (void)tg_format(
        sql, sizeof sql,
        "SELECT '{\"tegula_tuning\": 1,' || char(10) || '\"results\": [' || char(10) || "
        "coalesce((SELECT group_concat(%s, ',' || char(10)) FROM result), '') || char(10) || "
        "'],' || char(10) || '\"winners\": [' || char(10) || "
        "coalesce((SELECT group_concat(%s, ',' || char(10)) FROM winner), '') || char(10) || "
        "']}' || char(10)",
        tg_db_result_table.json_object, tg_db_winner_table.json_object);
    return query_text(db, sql, none, 0, text);
}

/* With max() the other columns are those of the row that has it. */
tg_status tg_db_export_shipped(tg_db *db, const char *version, double least_gain,
                               char **text) {
    const char *const values[] = {version, NULL};
    char sql[SQL_SIZE];
    (void)tg_format(
        sql, sizeof sql,
        "SELECT '{\"tegula_tuning\": 1,' || char(10) || '\"tegula\": ' || json_quote(?1) || ',' || "
        "char(10) || '\"results\": [],' || char(10) || '\"winners\": [' || char(10) || "
        "coalesce((SELECT group_concat(%s, ',' || char(10)) FROM (SELECT *, max(stamp) FROM "
        "winner GROUP BY kernel, device, threads, spec, shape, deterministic "
        "ORDER BY name, device, threads, spec, shape, deterministic) "
        "WHERE schedule != '' AND default_ns >= (1 + ?2) * median_ns), '') || char(10) || "
        "']}' || char(10)",
        tg_db_winner_table.json_object);
    return query_text(db, sql, values, least_gain, text);
}

void tg_db_free_text(char *text) {
    sqlite3_free(text);
}

/* One table of the text in ?1. The `WHERE true` keeps the parser from reading ON CONFLICT as a join. */
static tg_status import_table(tg_db *db, const tg_db_table *t, const char *array,
                              const char *text, size_t length, int64_t *n) {
    char sql[SQL_SIZE];
    sqlite3_stmt *st = NULL;
    (void)tg_format(sql, sizeof sql, "%sSELECT %s FROM json_each(?1, '$.%s') WHERE true %s",
                    t->put_head, t->json_values, array, t->put_tail);
    int code = sqlite3_prepare_v2(db->sql, sql, -1, &st, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_bind_text64(st, 1, text, length, SQLITE_STATIC, SQLITE_UTF8);
    }
    if (code == SQLITE_OK) {
        code = sqlite3_step(st);
    }
    tg_status s = code == SQLITE_DONE ? TG_OK : tg_db_fail(db, "importing");
    /* Malformed JSON is a plain error; a missing or mistyped value breaks a constraint. */
    if (code == SQLITE_ERROR || (code & 0xff) == SQLITE_CONSTRAINT || code == SQLITE_MISMATCH) {
        s = TG_ERROR_INVALID_ARGUMENT;
    }
    *n += s == TG_OK ? sqlite3_changes64(db->sql) : 0;
    sqlite3_finalize(st);
    return s;
}

static tg_status check_marker(tg_db *db, const char *text, size_t length) {
    sqlite3_stmt *st = NULL;
    bool ok =
        sqlite3_prepare_v2(db->sql,
                           "SELECT json_valid(?1) AND json_extract(?1, '$.tegula_tuning') = 1",
                           -1, &st, NULL) == SQLITE_OK &&
        sqlite3_bind_text64(st, 1, text, length, SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK &&
        sqlite3_step(st) == SQLITE_ROW && sqlite3_column_int(st, 0) == 1;
    sqlite3_finalize(st);
    if (!ok) {
        (void)tg_format(db->message, sizeof db->message,
                        "tuning database: the text is no export of one (format 1)");
    }
    return ok ? TG_OK : TG_ERROR_INVALID_ARGUMENT;
}

bool tg_db_is_file(const char *bytes, size_t length) {
    static const char magic[16] = "SQLite format 3";
    return length >= sizeof magic && memcmp(bytes, magic, sizeof magic) == 0;
}

/* `db->lock` is held. */
static tg_status check_version(tg_db *db, const char *version, const char *text,
                               size_t length) {
    sqlite3_stmt *st = NULL;
    bool ok = sqlite3_prepare_v2(db->sql, "SELECT json_extract(?1, '$.tegula') = ?2", -1, &st,
                                 NULL) == SQLITE_OK &&
              sqlite3_bind_text64(st, 1, text, length, SQLITE_STATIC, SQLITE_UTF8) ==
                  SQLITE_OK &&
              sqlite3_bind_text(st, 2, version, -1, SQLITE_STATIC) == SQLITE_OK &&
              sqlite3_step(st) == SQLITE_ROW && sqlite3_column_int(st, 0) == 1;
    sqlite3_finalize(st);
    if (!ok) {
        (void)tg_format(db->message, sizeof db->message,
                        "tuning database: the rows were made by another version of Tegula");
    }
    return ok ? TG_OK : TG_ERROR_INVALID_ARGUMENT;
}

tg_status tg_db_import_shipped(tg_db *db, const char *version, const char *text,
                               size_t length) {
    tg_db_lock(db);
    tg_status s = check_marker(db, text, length);
    s = s ? s : check_version(db, version, text, length);
    tg_db_unlock(db);
    return s ? s : tg_db_import(db, text, length, NULL);
}

tg_status tg_db_import(tg_db *db, const char *text, size_t length, int64_t *n) {
    int64_t count = 0;
    tg_db_lock(db);
    tg_status s = check_marker(db, text, length);
    s = s ? s : tg_db_exec(db, "locking", "BEGIN IMMEDIATE");
    if (s == TG_OK) {
        s = import_table(db, &tg_db_result_table, "results", text, length, &count);
        s = s ? s : import_table(db, &tg_db_winner_table, "winners", text, length, &count);
        s = tg_db_end(db, s);
    }
    tg_db_unlock(db);
    if (n) {
        *n = s == TG_OK ? count : 0;
    }
    return s;
}

/* By way of the text: the other file is opened and checked like any, and never attached to this connection. */
tg_status tg_db_merge(tg_db *db, const char *path, int64_t *n) {
    tg_db *other;
    char *text;
    if (n) {
        *n = 0;
    }
    char message[sizeof db->message];
    tg_status s = tg_db_open(&db->allocator, path, TG_DB_READ, &other, message, sizeof message);
    if (s) {
        tg_db_lock(db);
        memcpy(db->message, message, sizeof message);
        tg_db_unlock(db);
        return s;
    }
    s = tg_db_export(other, &text);
    tg_db_close(other);
    s = s ? s : tg_db_import(db, text, strlen(text), n);
    tg_db_free_text(text);
    return s;
}
