/* usage: unit_autotune_db_kill [KILLS [ROWS]]
 *
 * 1. Eight processes write ROWS rows each into one database, their keys interleaved, and all see the same file: every row is there.
 * 2. KILLS times a process that writes rows as fast as it can is killed with SIGKILL at a random moment. Each row that it reported
 *    as written is there and whole, and the file passes the full check.
 * The counts of a full run: 1000 500. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tune_fixture.h"

enum { PROCESSES = 8, KILLS_PER_FILE = 50 /* each check reads the whole file */ };

static char path[128];

static tg_db *open_or_exit(void) {
    tg_db *db;
    char message[512];
    if (tg_db_open(&tg_allocator_default, path, TG_DB_WRITE, &db, message, sizeof message)) {
        fprintf(stderr, "open: %s\n", message);
        _exit(3);
    }
    return db;
}

typedef struct found {
    unsigned char *seen;
    int n, broken;
} found;

static bool note_row(void *user, const tg_db_result *row) {
    found *f = user;
    int i;
    if (sscanf(row->key.shape, "M=%d", &i) != 1 || i < 0 || i > f->n ||
        !tune_is_result(row, i)) { /* row n may have been written and not yet reported */
        f->broken++;
    } else {
        f->seen[i] = 1;
    }
    return true;
}

/* Rows 0 … n-1 that are missing or not as written. */
static int missing_rows(int n) {
    tg_db *db = open_or_exit();
    found f = {.seen = calloc((size_t)n + 1, 1), .n = n};
    tg_db_key all = {0};
    int bad = tg_db_check(db) != TG_OK || tg_db_results(db, &all, note_row, &f) != TG_OK;
    if (bad) {
        fprintf(stderr, "%s\n", tg_db_message(db));
    }
    bad += f.broken;
    for (int i = 0; i < n; i++) {
        bad += !f.seen[i];
    }
    free(f.seen);
    tg_db_close(db);
    return bad;
}

static bool test_writers(int rows) {
    pid_t child[PROCESSES];
    int failed = 0;
    for (int p = 0; p < PROCESSES; p++) {
        child[p] = fork();
        if (child[p] == 0) {
            tg_db *db = open_or_exit();
            for (int i = 0; i < rows; i++) {
                tg_db_result row = tune_result(i * PROCESSES + p);
                if (tg_db_put_result(db, &row)) {
                    fprintf(stderr, "put: %s\n", tg_db_message(db));
                    _exit(2);
                }
            }
            tg_db_close(db);
            _exit(0);
        }
    }
    for (int p = 0; p < PROCESSES; p++) {
        int status;
        waitpid(child[p], &status, 0);
        failed += status != 0;
    }
    int missing = missing_rows(PROCESSES * rows);
    printf("%d processes × %d rows: %d failed, %d rows missing or broken\n", PROCESSES, rows,
           failed, missing);
    return failed == 0 && missing == 0;
}

/* Opens the file and says so, then writes rows from `next` on and says so after each. */
static void write_forever(int next, int out) {
    tg_db *db = open_or_exit();
    int ready = next - 1;
    if (write(out, &ready, sizeof ready) != sizeof ready) {
        _exit(2);
    }
    for (int i = next;; i++) {
        tg_db_result row = tune_result(i);
        if (tg_db_put_result(db, &row) || write(out, &i, sizeof i) != sizeof i) {
            _exit(2);
        }
    }
}

/* The number of rows that were reported before the end. */
static int kill_one(int next, bool at_start, unsigned *seed) {
    int fd[2], row;
    if (pipe(fd)) {
        exit(1);
    }
    pid_t child = fork();
    if (child == 0) {
        close(fd[0]);
        write_forever(next, fd[1]);
    }
    close(fd[1]);
    *seed = *seed * 1103515245u + 12345u;
    for (int i = 0; i < 2 && !at_start;
         i++) { /* "ready", then the first row: the kill hits writing */
        if (read(fd[0], &row, sizeof row) != sizeof row) {
            fprintf(stderr, "the writer did not start\n");
            exit(1);
        }
        next = row + 1;
    }
    struct timespec t = {0, (long)(*seed >> 8) % 60000000};
    nanosleep(&t, NULL);
    kill(child, SIGKILL);
    int status;
    waitpid(child, &status, 0);
    if (!WIFSIGNALED(status)) {
        fprintf(stderr, "the writer ended by itself\n");
        exit(1);
    }
    while (read(fd[0], &row, sizeof row) == sizeof row) {
        next = row + 1;
    }
    close(fd[0]);
    return next;
}

static bool test_kills(const char *dir, int kills) {
    unsigned seed = 1;
    int next = 0, rows = 0, bad = 0, silent = 0;
    for (int i = 0; i < kills; i++) {
        if (i % KILLS_PER_FILE == 0) {
            rows += next;
            next = 0;
            snprintf(path, sizeof path, "%s/kill%d.db", dir, i / KILLS_PER_FILE);
        }
        int before = next;
        next = kill_one(next, i % 8 == 0, &seed); /* some before and while the file is opened */
        silent += next == before;
        bad += missing_rows(next) != 0;
    }
    printf("%d kills (%d before the first row), %d rows, %d times a row was lost or broken\n",
           kills, silent, rows + next, bad);
    return bad == 0 && silent <= (kills + 7) / 8;
}

int main(int argc, char **argv) {
    int kills = argc > 1 ? atoi(argv[1]) : 40, rows = argc > 2 ? atoi(argv[2]) : 50;
    const char *dir = test_temp_dir();
    snprintf(path, sizeof path, "%s/many.db", dir);
    bool ok = test_writers(rows);
    ok = test_kills(dir, kills) && ok;
    test_remove_dir(dir);
    return ok ? 0 : 1;
}
