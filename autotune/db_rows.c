/* Rows of the tuning database: one upsert and one query per table, both made from db_columns.def. */

#include <string.h>

#include "autotune/db_internal.h"

/* ---- SQL ------------------------------------------------------------------------------------------------------- */

/* The end of an upsert: the newer row stays; of two of the same time the one that sorts higher, so that merging in any
 * order gives the same. */
#define NEWER(table)                                                                           \
    "stamp = excluded.stamp WHERE (excluded.stamp, excluded.median_ns) > (" table              \
    ".stamp, " table ".median_ns)"

const tg_db_table tg_db_result_table = {
    .put_head = "INSERT INTO result("
#define KEY_COLUMN(f, t)    #f ", "
#define RESULT_COLUMN(f, t) #f ", "
#include "autotune/db_columns.def"
#undef KEY_COLUMN
#undef RESULT_COLUMN
                "stamp) ",
    .put_values = "VALUES("
#define KEY_COLUMN(f, t)    "?, "
#define RESULT_COLUMN(f, t) "?, "
#include "autotune/db_columns.def"
#undef KEY_COLUMN
#undef RESULT_COLUMN
                  "?) ",
    .put_tail = "ON CONFLICT DO UPDATE SET "
#define RESULT_COLUMN(f, t) #f " = excluded." #f ", "
#include "autotune/db_columns.def"
#undef RESULT_COLUMN
    NEWER("result"),
    .columns = ""
#define KEY_COLUMN(f, t)    #f ", "
#define RESULT_COLUMN(f, t) #f ", "
#include "autotune/db_columns.def"
#undef KEY_COLUMN
#undef RESULT_COLUMN
               "stamp",
    .json_object = "json_object("
#define KEY_COLUMN(f, t)    "'" #f "', " #f ", "
#define RESULT_COLUMN(f, t) "'" #f "', " #f ", "
#include "autotune/db_columns.def"
#undef KEY_COLUMN
#undef RESULT_COLUMN
                   "'stamp', stamp)",
    .json_values = ""
#define KEY_COLUMN(f, t)    "json_extract(value, '$." #f "'), "
#define RESULT_COLUMN(f, t) "json_extract(value, '$." #f "'), "
#include "autotune/db_columns.def"
#undef KEY_COLUMN
#undef RESULT_COLUMN
                   "json_extract(value, '$.stamp')",
};

const tg_db_table tg_db_winner_table = {
    .put_head = "INSERT INTO winner("
#define KEY_COLUMN(f, t)    #f ", "
#define WINNER_COLUMN(f, t) #f ", "
#include "autotune/db_columns.def"
#undef KEY_COLUMN
#undef WINNER_COLUMN
                "stamp) ",
    .put_values = "VALUES("
#define KEY_COLUMN(f, t)    "?, "
#define WINNER_COLUMN(f, t) "?, "
#include "autotune/db_columns.def"
#undef KEY_COLUMN
#undef WINNER_COLUMN
                  "?) ",
    .put_tail = "ON CONFLICT DO UPDATE SET "
#define WINNER_COLUMN(f, t) #f " = excluded." #f ", "
#include "autotune/db_columns.def"
#undef WINNER_COLUMN
    NEWER("winner"),
    .columns = ""
#define KEY_COLUMN(f, t)    #f ", "
#define WINNER_COLUMN(f, t) #f ", "
#include "autotune/db_columns.def"
#undef KEY_COLUMN
#undef WINNER_COLUMN
               "stamp",
    .json_object = "json_object("
#define KEY_COLUMN(f, t)    "'" #f "', " #f ", "
#define WINNER_COLUMN(f, t) "'" #f "', " #f ", "
#include "autotune/db_columns.def"
#undef KEY_COLUMN
#undef WINNER_COLUMN
                   "'stamp', stamp)",
    .json_values = ""
#define KEY_COLUMN(f, t)    "json_extract(value, '$." #f "'), "
#define WINNER_COLUMN(f, t) "json_extract(value, '$." #f "'), "
#include "autotune/db_columns.def"
#undef KEY_COLUMN
#undef WINNER_COLUMN
                   "json_extract(value, '$.stamp')",
};

/* ---- writing ----------------------------------------------------------------------------------------------------- */

typedef struct binder {
    sqlite3_stmt *st;
    int n;
    bool ok;
} binder;

static void bind_TEXT(binder *b, const char *v) {
    b->ok &= sqlite3_bind_text(b->st, ++b->n, v, -1, SQLITE_STATIC) == SQLITE_OK;
}
static void bind_INT(binder *b, int64_t v) {
    b->ok &= sqlite3_bind_int64(b->st, ++b->n, v) == SQLITE_OK;
}
static void bind_STATE(binder *b, tg_db_state v) {
    bind_INT(b, v);
}
static void bind_REAL(binder *b, double v) {
    b->ok &= sqlite3_bind_double(b->st, ++b->n, v) == SQLITE_OK;
}

static sqlite3_stmt *prepare_put(tg_db *db, const tg_db_table *t, sqlite3_stmt **kept) {
    char text[2048];
    (void)tg_format(text, sizeof text, "%s%s%s", t->put_head, t->put_values, t->put_tail);
    if (!*kept && sqlite3_prepare_v2(db->sql, text, -1, kept, NULL) != SQLITE_OK) {
        (void)tg_db_fail(db, "preparing");
    }
    return *kept;
}

/* Runs a statement that was bound and leaves it without references to the caller's texts. */
static tg_status finish_put(tg_db *db, const binder *b) {
    bool ok = b->ok && sqlite3_step(b->st) == SQLITE_DONE;
    tg_status s = ok ? TG_OK : tg_db_fail(db, "writing");
    (void)sqlite3_reset(b->st);
    (void)sqlite3_clear_bindings(b->st);
    return s;
}

tg_status tg_db_put_result(tg_db *db, const tg_db_result *row) {
    tg_db_lock(db);
    binder b = {prepare_put(db, &tg_db_result_table, &db->put_result), 0, true};
    tg_status s = TG_ERROR_IO;
    if (b.st) {
#define KEY_COLUMN(f, t)    bind_##t(&b, row->key.f);
#define RESULT_COLUMN(f, t) bind_##t(&b, row->f);
#include "autotune/db_columns.def"
#undef KEY_COLUMN
#undef RESULT_COLUMN
        bind_INT(&b, row->stamp);
        s = finish_put(db, &b);
    }
    tg_db_unlock(db);
    return s;
}

tg_status tg_db_put_winner(tg_db *db, const tg_db_winner *row) {
    tg_db_lock(db);
    binder b = {prepare_put(db, &tg_db_winner_table, &db->put_winner), 0, true};
    tg_status s = TG_ERROR_IO;
    if (b.st) {
#define KEY_COLUMN(f, t)    bind_##t(&b, row->key.f);
#define WINNER_COLUMN(f, t) bind_##t(&b, row->f);
#include "autotune/db_columns.def"
#undef KEY_COLUMN
#undef WINNER_COLUMN
        bind_INT(&b, row->stamp);
        s = finish_put(db, &b);
    }
    tg_db_unlock(db);
    return s;
}

/* ---- reading ------------------------------------------------------------------------------------------------------- */

static const char *read_TEXT(sqlite3_stmt *st, int i) {
    const char *text = (const char *)sqlite3_column_text(st, i);
    return text ? text : "";
}
static int64_t read_INT(sqlite3_stmt *st, int i) {
    return sqlite3_column_int64(st, i);
}
/* What a later version may have added is nothing to use: as good as a failure. */
static tg_db_state read_STATE(sqlite3_stmt *st, int i) {
    int64_t v = read_INT(st, i);
    return v == TG_DB_OK ? TG_DB_OK : v == TG_DB_WRONG ? TG_DB_WRONG : TG_DB_FAILED;
}
static double read_REAL(sqlite3_stmt *st, int i) {
    return sqlite3_column_double(st, i);
}

static void read_result(sqlite3_stmt *st, tg_db_result *r) {
    int i = 0;
#define KEY_COLUMN(f, t)    r->key.f = read_##t(st, i++);
#define RESULT_COLUMN(f, t) r->f = read_##t(st, i++);
#include "autotune/db_columns.def"
#undef KEY_COLUMN
#undef RESULT_COLUMN
    r->stamp = read_INT(st, i);
}

static void read_winner(sqlite3_stmt *st, tg_db_winner *w) {
    int i = 0;
#define KEY_COLUMN(f, t)    w->key.f = read_##t(st, i++);
#define WINNER_COLUMN(f, t) w->f = read_##t(st, i++);
#include "autotune/db_columns.def"
#undef KEY_COLUMN
#undef WINNER_COLUMN
    w->stamp = read_INT(st, i);
}

static sqlite3_stmt *prepare_visit(tg_db *db, const tg_db_key *key, const char *table,
                                   const char *columns, const char *order) {
    char text[2048];
    sqlite3_stmt *st = NULL;
    (void)tg_format(text, sizeof text,
                    "SELECT %s FROM %s WHERE "
#define KEY_COLUMN(f, t) "(" #f " = coalesce(?, " #f ")) AND "
#include "autotune/db_columns.def"
#undef KEY_COLUMN
                    "true ORDER BY "
#define KEY_COLUMN(f, t) #f ", "
#include "autotune/db_columns.def"
#undef KEY_COLUMN
                    "%s",
                    columns, table, order);
    if (sqlite3_prepare_v2(db->sql, text, -1, &st, NULL) != SQLITE_OK) {
        return NULL;
    }
    const char *texts[] = {key->kernel, key->device, NULL, key->spec, key->shape, key->build};
    for (int i = 0; i < 6; i++) {
        int code = SQLITE_OK;
        if (i == 2 && key->threads) {
            code = sqlite3_bind_int64(st, i + 1, key->threads);
        } else if (texts[i]) {
            code = sqlite3_bind_text(st, i + 1, texts[i], -1, SQLITE_STATIC);
        }
        if (code != SQLITE_OK) {
            sqlite3_finalize(st);
            return NULL;
        }
    }
    return st;
}

tg_status tg_db_results(tg_db *db, const tg_db_key *key, tg_db_result_fn fn, void *user) {
    tg_db_lock(db);
    sqlite3_stmt *st = prepare_visit(db, key, "result", tg_db_result_table.columns,
                                     "state, median_ns, schedule");
    int code = SQLITE_ERROR;
    bool more = true;
    while (st && more && (code = sqlite3_step(st)) == SQLITE_ROW) {
        tg_db_result row;
        read_result(st, &row);
        more = fn(user, &row);
    }
    tg_status s = st && (code == SQLITE_DONE || !more) ? TG_OK : tg_db_fail(db, "reading");
    sqlite3_finalize(st);
    tg_db_unlock(db);
    return s;
}

/* `db->lock` is held. */
static tg_status visit_winners(tg_db *db, const tg_db_key *key, tg_db_winner_fn fn,
                               void *user) {
    sqlite3_stmt *st =
        prepare_visit(db, key, "winner", tg_db_winner_table.columns, "stamp DESC");
    int code = SQLITE_ERROR;
    bool more = true;
    while (st && more && (code = sqlite3_step(st)) == SQLITE_ROW) {
        tg_db_winner row;
        read_winner(st, &row);
        more = fn(user, &row);
    }
    tg_status s = st && (code == SQLITE_DONE || !more) ? TG_OK : tg_db_fail(db, "reading");
    sqlite3_finalize(st);
    return s;
}

tg_status tg_db_winners(tg_db *db, const tg_db_key *key, tg_db_winner_fn fn, void *user) {
    tg_db_lock(db);
    tg_status s = visit_winners(db, key, fn, user);
    tg_db_unlock(db);
    return s;
}

bool tg_db_winners_now(tg_db *db, const tg_db_key *key, tg_db_winner_fn fn, void *user) {
    if (!tg_db_try_lock(db)) {
        return false;
    }
    sqlite3_busy_timeout(db->sql, 0);
    tg_status s = visit_winners(db, key, fn, user);
    bool busy = s && (sqlite3_errcode(db->sql) & 0xff) == SQLITE_BUSY;
    sqlite3_busy_timeout(db->sql, TG_DB_BUSY_MS);
    tg_db_unlock(db);
    return !busy;
}
