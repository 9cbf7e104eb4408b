/* The tuning database: what was measured, on what, with which outcome. SQLite, one file.
 *
 *   result  one row per kernel × device × threads × specialisation × shape × schedule × build:
 *           time statistics, or why the candidate failed
 *   winner  the schedule that won for a shape, and that the shape is finished: one row in
 *           deterministic mode, one without
 *
 * A row is written by one statement of its own, which is one transaction: readers and other
 * writers see whole rows, and a process that is killed loses at most the row it was writing. The
 * file is in write-ahead-log mode, so that readers do not wait for writers, but for a moment when
 * the log is opened, recovered or removed; writers wait for each other, up to 20 s.
 * Rows are only ever added or replaced by newer ones (`stamp`), so databases merge in any order
 * to the same contents.
 *
 * Nothing here is needed for correct results: every failure is a status and a message, and the
 * caller goes on without the database. SQLite's own memory comes from the C library. Any thread:
 * calls on one tg_db wait for each other. */
#ifndef TG_AUTOTUNE_DB_H
#define TG_AUTOTUNE_DB_H

#include "base/alloc.h"

#include <stdbool.h>

typedef struct tg_db tg_db;

typedef enum tg_db_mode {
    TG_DB_WRITE, /* made if absent, in a directory that only its owner can write to */
    TG_DB_READ,  /* an existing file that nobody writes to: the rows that ship with a program */
    TG_DB_MEMORY /* no file; path is ignored */
} tg_db_mode;

/* What a row is about. All texts are UTF-8 without NUL; none may be null. */
typedef struct tg_db_key {
    const char *kernel; /* hash of its canonical tile IR, 32 digits */
    const char *device; /* "x86 avx2 znver1 l1=32K …" */
    int64_t threads;
    const char *spec;  /* "T=f32 causal=1": what it is specialised on */
    const char *shape; /* "M=256 N=512": extents that are not part of spec */
    const char *build; /* of the compiler, 32 digits */
} tg_db_key;

typedef enum tg_db_state {
    TG_DB_OK = 0,
    TG_DB_FAILED = 1, /* did not compile or launch: `reason` */
    TG_DB_WRONG = 2   /* computed something else than the interpreter: `reason` */
} tg_db_state;

typedef struct tg_db_result {
    tg_db_key key;
    const char *name;     /* of the kernel, for people */
    const char *bucket;   /* of the shape */
    const char *schedule; /* "" is the default */
    const char *reason;   /* "" if OK */
    tg_db_state state;
    int64_t samples;
    double median_ns, low_ns, high_ns, min_ns; /* low, high: 95 % confidence of the median */
    double model_ns;                           /* what the model predicted */
    double flops, bytes;                       /* of one launch */
    int64_t stamp;                             /* microseconds since 1970 */
} tg_db_result;

typedef struct tg_db_winner {
    tg_db_key key;
    const char *name, *bucket, *schedule;
    double median_ns, default_ns; /* of the winner and of the default schedule, same session */
    double budget_s;              /* time the search was given */
    int64_t tried;                /* candidates measured */
    int64_t deterministic;        /* key: found inside one class of reduction orders */
    int64_t stamp;
} tg_db_winner;

/* Opens and checks. NOT_FOUND (READ), IO (not ours, corrupt, unwritable, of a newer version,
 * not a tuning database), OUT_OF_MEMORY; `message` then says what, `*out` is null. */
tg_status tg_db_open(const tg_allocator *allocator, const char *path, tg_db_mode mode,
                     tg_db **out, char *message, size_t size);
void tg_db_close(tg_db *db); /* null is fine */
/* Text of the last failure; "" if none. Lives as long as the database. */
const char *tg_db_message(const tg_db *db);

/* Adds a row or replaces an older one of the same key. IO. */
tg_status tg_db_put_result(tg_db *db, const tg_db_result *row);
tg_status tg_db_put_winner(tg_db *db, const tg_db_winner *row);

/* Calls `fn` for every row that matches: null texts and threads 0 in `key` match all. Rows come
 * in the order of their keys, results fastest first. Texts live for the call only. False from
 * `fn` ends the visit. `fn` must not use the same database. IO. */
typedef bool (*tg_db_result_fn)(void *user, const tg_db_result *row);
typedef bool (*tg_db_winner_fn)(void *user, const tg_db_winner *row);
tg_status tg_db_results(tg_db *db, const tg_db_key *key, tg_db_result_fn fn, void *user);
tg_status tg_db_winners(tg_db *db, const tg_db_key *key, tg_db_winner_fn fn, void *user);

/* The winners without waiting for another thread or process: false if one is in the way. A database that cannot be read has no rows. */
bool tg_db_winners_now(tg_db *db, const tg_db_key *key, tg_db_winner_fn fn, void *user);

/* All rows as JSON text, {"tegula_tuning": 1, "results": […], "winners": […]}; free it with
 * tg_db_free_text. IO, OUT_OF_MEMORY. */
tg_status tg_db_export(tg_db *db, char **text);
void tg_db_free_text(char *text);
/* Rows of such a text; newer ones win. All of them or none. INVALID_ARGUMENT: not such a text,
 * or a value of the wrong type; IO. `n` (may be null) receives the number of rows read. */
tg_status tg_db_import(tg_db *db, const char *text, size_t length, int64_t *n);
/* The winners, the newest of each shape, that are faster than the default by `least_gain` (0.03 is 3 %), as such a text that
 * names the version it was made by; and those of a text of this very version. As above. */
tg_status tg_db_export_shipped(tg_db *db, const char *version, double least_gain, char **text);
tg_status tg_db_import_shipped(tg_db *db, const char *version, const char *text, size_t length);
/* Do these bytes begin a database file? */
bool tg_db_is_file(const char *bytes, size_t length);
/* Rows of another database file. */
tg_status tg_db_merge(tg_db *db, const char *path, int64_t *n);

/* Reads every page and index. IO with what is wrong. */
tg_status tg_db_check(tg_db *db);

#endif
