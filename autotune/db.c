/* Opening the tuning database: whose file it is, whether it is one, its tables. See db.h. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "autotune/db_internal.h"

enum { PATH_SIZE = 1100 };

/* ---- SQL made from db_columns.def ------------------------------------------------------------------------- */

#define TYPE_TEXT "TEXT"
#define TYPE_INT  "INTEGER"
#define TYPE_STATE "INTEGER"
#define TYPE_REAL "REAL"

static const char create_tables[] =
    "CREATE TABLE IF NOT EXISTS result("
#define KEY_COLUMN(f, t)    #f " " TYPE_##t " NOT NULL, "
#define RESULT_COLUMN(f, t) #f " " TYPE_##t " NOT NULL, "
#include "autotune/db_columns.def"
#undef KEY_COLUMN
#undef RESULT_COLUMN
    "stamp INTEGER NOT NULL, PRIMARY KEY("
#define KEY_COLUMN(f, t) #f ", "
#include "autotune/db_columns.def"
#undef KEY_COLUMN
    "schedule)) WITHOUT ROWID, STRICT; CREATE TABLE IF NOT EXISTS winner("
#define KEY_COLUMN(f, t)    #f " " TYPE_##t " NOT NULL, "
#define WINNER_COLUMN(f, t) #f " " TYPE_##t " NOT NULL, "
#include "autotune/db_columns.def"
#undef KEY_COLUMN
#undef WINNER_COLUMN
    "stamp INTEGER NOT NULL, PRIMARY KEY("
#define KEY_COLUMN(f, t) #f ", "
#include "autotune/db_columns.def"
#undef KEY_COLUMN
    "deterministic)) WITHOUT ROWID, STRICT;";

/* ---- the lock ------------------------------------------------------------------------------------------------- */

void tg_db_lock(tg_db *db) {
    pthread_mutex_lock(&db->lock);
    tg_io_shield_begin(&db->shield);
}

bool tg_db_try_lock(tg_db *db) {
    if (pthread_mutex_trylock(&db->lock)) {
        return false;
    }
    tg_io_shield_begin(&db->shield);
    return true;
}

/* The next owner may write the shield as soon as the lock is free. */
void tg_db_unlock(tg_db *db) {
    tg_io_shield shield = db->shield;
    pthread_mutex_unlock(&db->lock);
    tg_io_shield_end(&shield);
}

/* ---- errors --------------------------------------------------------------------------------------------------- */

tg_status tg_db_fail(tg_db *db, const char *doing) {
    int code = sqlite3_errcode(db->sql);
    (void)tg_format(db->message, sizeof db->message, "tuning database: %s: %s", doing,
                    sqlite3_errmsg(db->sql));
    return code == SQLITE_NOMEM ? TG_ERROR_OUT_OF_MEMORY : TG_ERROR_IO;
}

tg_status tg_db_exec(tg_db *db, const char *doing, const char *statement) {
    return sqlite3_exec(db->sql, statement, NULL, NULL, NULL) == SQLITE_OK
               ? TG_OK
               : tg_db_fail(db, doing);
}

tg_status tg_db_end(tg_db *db, tg_status s) {
    if (s == TG_OK) {
        s = tg_db_exec(db, "writing", "COMMIT");
    }
    if (s) { /* keeping the message of what failed; SQLite may have ended the transaction itself */
        (void)sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
    }
    return s;
}

const char *tg_db_message(const tg_db *db) {
    return db ? db->message : "";
}

static tg_status fail_text(tg_db *db, const char *text) {
    (void)tg_format(db->message, sizeof db->message, "tuning database: %s", text);
    return TG_ERROR_IO;
}

/* ---- the file -------------------------------------------------------------------------------------------------- */

/* The directory part of the path, "." if there is none. */
static bool dir_of(const char *path, char *out) {
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 1;
    if (n >= PATH_SIZE) {
        return false;
    }
    memcpy(out, slash ? path : ".", n);
    out[n] = '\0';
    if (n == 0) {
        memcpy(out, "/", 2);
    }
    return true;
}

/* Makes the file with mode 0600 if it is absent; SQLite gives its log the same mode. Refused: what is not a regular file, is not
 * ours, or others could write to. */
static tg_status claim_file(tg_db *db, const char *path) {
    char dir[PATH_SIZE];
    struct stat st;
    if (!dir_of(path, dir)) {
        return fail_text(db, "the path is too long");
    }
    if (tg_io_make_dirs(dir) || !tg_io_is_private_dir(dir)) {
        return fail_text(db, "its directory cannot be made, or others could write to it");
    }
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return fail_text(db, "the file cannot be opened for writing");
    }
    bool ours = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
                (st.st_mode & 022) == 0;
    close(fd);
    return ours ? TG_OK : fail_text(db, "the file is not ours, or others could write to it");
}

/* A path as a URI with options. */
static bool make_uri(const char *path, const char *options, char *out, size_t size) {
    size_t n = tg_format(out, size, "file:");
    for (const unsigned char *p = (const unsigned char *)path; *p; p++) {
        if (n + 4 >= size) {
            return false;
        }
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                     (*p >= '0' && *p <= '9') || strchr("/-_.", *p);
        n += tg_format(out + n, size - n, plain ? "%c" : "%%%02X", *p);
    }
    return n + tg_format(out + n, size - n, "?%s", options) < size;
}

static tg_status connect(tg_db *db, const char *path, int flags) {
    int code = sqlite3_open_v2(path, &db->sql, flags | SQLITE_OPEN_FULLMUTEX, NULL);
    if (!db->sql) {
        return TG_ERROR_OUT_OF_MEMORY;
    }
    sqlite3_busy_timeout(db->sql, TG_DB_BUSY_MS);
    return code == SQLITE_OK ? TG_OK : tg_db_fail(db, "opening");
}

static tg_status read_number(tg_db *db, const char *pragma, int64_t *out) {
    sqlite3_stmt *st = NULL;
    bool ok = sqlite3_prepare_v2(db->sql, pragma, -1, &st, NULL) == SQLITE_OK &&
              sqlite3_step(st) == SQLITE_ROW;
    *out = ok ? sqlite3_column_int64(st, 0) : 0;
    tg_status s = ok ? TG_OK : tg_db_fail(db, "reading");
    sqlite3_finalize(st);
    return s;
}

/* A database that others may be writing to is read through its log. Where that cannot be (a directory without write permission
 * has no place for the log's index), it is taken to be one that nobody changes. */
static tg_status open_reading(tg_db *db, const char *path) {
    static const char *const options[] = {"mode=ro", "mode=ro&immutable=1"};
    char uri[3 * PATH_SIZE];
    int64_t ignored;
    if (access(path, R_OK)) {
        (void)fail_text(db, "no such file, or it cannot be read");
        return TG_ERROR_NOT_FOUND;
    }
    tg_status s = TG_OK;
    for (int i = 0; i < 2; i++) {
        if (!make_uri(path, options[i], uri, sizeof uri)) {
            return fail_text(db, "the path is too long");
        }
        s = connect(db, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
        s = s ? s : read_number(db, "SELECT count(*) FROM sqlite_master", &ignored);
        int code = sqlite3_errcode(db->sql) & 0xff;
        if (s == TG_OK || i == 1 || (code != SQLITE_CANTOPEN && code != SQLITE_READONLY)) {
            break;
        }
        (void)sqlite3_close(db->sql);
        db->sql = NULL;
    }
    return s;
}

static tg_status open_file(tg_db *db, const char *path, tg_db_mode mode) {
    tg_status s;
    switch (mode) {
    case TG_DB_WRITE:
        s = claim_file(db, path);
        return s ? s : connect(db, path, SQLITE_OPEN_READWRITE);
    case TG_DB_READ:
        return open_reading(db, path);
    case TG_DB_MEMORY:
        break;
    }
    return connect(db, ":memory:", SQLITE_OPEN_READWRITE);
}

/* ---- what is in it ----------------------------------------------------------------------------------------------- */

/* A new file has application and version 0 and no tables; anything else must be ours. */
static tg_status check_kind(tg_db *db, bool *is_new) {
    int64_t application, version, tables;
    tg_status s = tg_db_exec(db, "reading", "BEGIN"); /* all three of the same moment */
    s = s ? s : read_number(db, "PRAGMA application_id", &application);
    s = s ? s : read_number(db, "PRAGMA user_version", &version);
    s = s ? s : read_number(db, "SELECT count(*) FROM sqlite_master", &tables);
    s = s ? s : tg_db_exec(db, "reading", "COMMIT");
    if (s) {
        return s;
    }
    *is_new = application == 0 && tables == 0;
    if (!*is_new && application != TG_DB_APPLICATION) {
        return fail_text(db, "the file is another program's database");
    }
    return !*is_new && version != TG_DB_VERSION
               ? fail_text(db, "the file was made by another version of Tegula")
               : TG_OK;
}

/* Two processes may find the file new at the same time: the transaction makes the second one see the first one's tables. */
static tg_status make_tables(tg_db *db) {
    char version[96];
    tg_status s = tg_db_exec(db, "locking", "BEGIN IMMEDIATE");
    if (s) {
        return s;
    }
    s = tg_db_exec(db, "making tables", create_tables);
    (void)tg_format(version, sizeof version,
                    "PRAGMA application_id = %d; PRAGMA user_version = %d",
                    (int)TG_DB_APPLICATION, (int)TG_DB_VERSION);
    s = s ? s : tg_db_exec(db, "making tables", version);
    return tg_db_end(db, s);
}

/* Turning the log on needs the file for oneself for a moment, and SQLite does not wait for that: two processes that wait for each
 * other would wait for ever. So it is tried again, with nothing held in between. */
static tg_status turn_log_on(tg_db *db) {
    const struct timespec pause = {0, 5 * 1000 * 1000};
    tg_status s = TG_ERROR_IO;
    for (int waited = 0; waited < TG_DB_BUSY_MS; waited += 5) {
        s = tg_db_exec(db, "opening", "PRAGMA journal_mode = WAL");
        if (s == TG_OK || sqlite3_errcode(db->sql) != SQLITE_BUSY) {
            break;
        }
        (void)nanosleep(&pause, NULL);
    }
    return s;
}

static tg_status quick_check(tg_db *db) {
    sqlite3_stmt *st = NULL;
    tg_status s = TG_OK;
    if (sqlite3_prepare_v2(db->sql, "PRAGMA quick_check(1)", -1, &st, NULL) != SQLITE_OK ||
        sqlite3_step(st) != SQLITE_ROW) {
        s = tg_db_fail(db, "checking");
    } else if (strcmp((const char *)sqlite3_column_text(st, 0), "ok") != 0) {
        s = fail_text(db, (const char *)sqlite3_column_text(st, 0));
    }
    sqlite3_finalize(st);
    return s;
}

/* Normal synchronisation: a killed process loses nothing that was committed; a power failure may lose the last rows, and
 * corrupts nothing. */
static tg_status prepare(tg_db *db, tg_db_mode mode) {
    bool is_new;
    /* What is in the file is data: no functions or triggers of it may run. */
    (void)sqlite3_db_config(db->sql, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(db->sql, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    tg_status s = check_kind(db, &is_new);
    if (s == TG_OK && mode == TG_DB_WRITE) {
        s = turn_log_on(db);
        s = s ? s : tg_db_exec(db, "opening", "PRAGMA synchronous = NORMAL");
        s = s ? s : quick_check(db);
    }
    if (s == TG_OK && mode == TG_DB_READ && is_new) {
        return fail_text(db, "the file is empty");
    }
    return s == TG_OK && is_new ? make_tables(db) : s;
}

tg_status tg_db_check(tg_db *db) {
    tg_db_lock(db);
    tg_status s = quick_check(db);
    tg_db_unlock(db);
    return s;
}

tg_status tg_db_open(const tg_allocator *allocator, const char *path, tg_db_mode mode,
                     tg_db **out, char *message, size_t size) {
    *out = NULL;
    tg_db *db = tg_alloc(allocator, sizeof *db, _Alignof(tg_db));
    if (!db) {
        (void)tg_format(message, size, "out of memory");
        return TG_ERROR_OUT_OF_MEMORY;
    }
    db->allocator = *allocator;
    pthread_mutex_init(&db->lock, NULL);
    tg_db_lock(db);
    tg_status s = open_file(db, path, mode);
    s = s ? s : prepare(db, mode);
    tg_db_unlock(db);
    if (s) {
        (void)tg_format(message, size, "%s%s%s", mode == TG_DB_MEMORY ? "" : path,
                        mode == TG_DB_MEMORY ? "" : ": ", db->message);
        tg_db_close(db);
        return s;
    }
    *out = db;
    return TG_OK;
}

void tg_db_close(tg_db *db) {
    if (!db) {
        return;
    }
    tg_db_lock(db); /* closing empties the log into the file */
    sqlite3_finalize(db->put_result);
    sqlite3_finalize(db->put_winner);
    (void)sqlite3_close(db->sql);
    tg_db_unlock(db);
    pthread_mutex_destroy(&db->lock);
    tg_allocator a = db->allocator;
    tg_free(&a, db, sizeof *db);
}
