/* Inside the database: db.c opens and checks the file, db_rows.c writes and reads rows, db_exchange.c moves many at once. */
#ifndef TG_AUTOTUNE_DB_INTERNAL_H
#define TG_AUTOTUNE_DB_INTERNAL_H

#include <pthread.h>
#include <sqlite3.h>

#include "autotune/db.h"
#include "base/io.h"

struct tg_db {
    tg_allocator allocator;
    sqlite3 *sql;
    pthread_mutex_t lock;
    tg_io_shield shield; /* of the thread that holds the lock: SQLite writes */
    sqlite3_stmt *put_result, *put_winner; /* prepared on first use */
    char message[256];
};

/* How long a call waits for other processes. */
enum { TG_DB_BUSY_MS = 20000 };

enum { TG_DB_VERSION = 2, TG_DB_APPLICATION = 0x54475431 /* "TGT1" */ };

/* The upsert of a table in pieces: head, then VALUES or a SELECT, then tail, which keeps the newer of two rows. */
typedef struct tg_db_table {
    const char *put_head, *put_values, *put_tail;
    const char *columns;     /* "kernel, device, …, stamp" */
    const char *json_object; /* the row as JSON */
    const char *json_values; /* the columns from a JSON object `value` */
} tg_db_table;
extern const tg_db_table tg_db_result_table, tg_db_winner_table;

/* Around every use of SQLite. */
void tg_db_lock(tg_db *db);
bool tg_db_try_lock(tg_db *db);
void tg_db_unlock(tg_db *db);

/* Records SQLite's message and turns its code into a status. `db->lock` is held. */
tg_status tg_db_fail(tg_db *db, const char *doing);
/* One statement without values or rows. */
tg_status tg_db_exec(tg_db *db, const char *doing, const char *statement);
/* COMMIT if `s` is OK, else ROLLBACK; `s` or why the commit failed. */
tg_status tg_db_end(tg_db *db, tg_status s);

#endif
