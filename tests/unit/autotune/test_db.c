/* The tuning database: rows come back as written, newer ones win, databases merge in any order to the same, and what is no tuning
 * database, is broken or cannot be written is an error value. Processes: test_db_kill.c. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tune_fixture.h"

static char path[128], message[512];

static tg_db *open_in(const char *dir, const char *name, tg_db_mode mode) {
    tg_db *db;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    tg_status s = tg_db_open(&tg_allocator_default, path, mode, &db, message, sizeof message);
    cr_assert_eq(s, TG_OK, "%s", message);
    return db;
}

/* Not one that put_range wrote. */
static bool count_broken(void *user, const tg_db_result *row) {
    int i;
    *(int *)user += sscanf(row->key.shape, "M=%d", &i) != 1 || i < 0 || !tune_is_result(row, i);
    return true;
}

static bool count_row(void *user, const tg_db_result *row) {
    (void)row;
    ++*(int *)user;
    return true;
}

static int count_results(tg_db *db) {
    int n = 0;
    tg_db_key all = {0};
    cr_assert_eq(tg_db_results(db, &all, count_row, &n), TG_OK, "%s", tg_db_message(db));
    return n;
}

typedef struct expected {
    int next, wrong;
} expected;

static bool check_row(void *user, const tg_db_result *row) {
    expected *e = user;
    e->wrong += !tune_is_result(row, e->next);
    e->next++;
    return true;
}

Test(db, rows_come_back_as_written_from_a_reopened_file) {
    const char *dir = test_temp_dir();
    tg_db *db = open_in(dir, "t.db", TG_DB_WRITE);
    for (int i = 5; i-- > 0;) {
        tg_db_result row = tune_result(i);
        cr_assert_eq(tg_db_put_result(db, &row), TG_OK, "%s", tg_db_message(db));
    }
    tg_db_close(db);
    db = open_in(dir, "t.db", TG_DB_READ);
    for (int i = 0; i < 5; i++) {
        expected e = {.next = i};
        tg_db_result row = tune_result(i);
        char shape[64];
        snprintf(shape, sizeof shape, "%s", row.key.shape);
        tg_db_key key = {.shape = shape};
        cr_assert_eq(tg_db_results(db, &key, check_row, &e), TG_OK);
        cr_expect_eq(e.next, i + 1);
        cr_expect_eq(e.wrong, 0);
    }
    tg_db_close(db);
    struct stat st;
    cr_expect_eq(stat(path, &st), 0);
    cr_expect_eq(st.st_mode & 0777, 0600);
    test_remove_dir(dir);
}

static bool keep_winner(void *user, const tg_db_winner *w) {
    *(double *)user = w->median_ns;
    return true;
}

Test(db, the_newer_of_two_rows_stays) {
    tg_db *db = NULL;
    double median = 0;
    cr_assert_eq(
        tg_db_open(&tg_allocator_default, NULL, TG_DB_MEMORY, &db, message, sizeof message),
        TG_OK);
    for (int age = 0; age < 3; age++) { /* old, new, middle */
        static const int64_t stamp[] = {10, 30, 20};
        tg_db_winner w = tune_winner(1);
        w.stamp = stamp[age];
        w.median_ns = (double)stamp[age];
        cr_assert_eq(tg_db_put_winner(db, &w), TG_OK);
    }
    tg_db_key key = {.threads = 2};
    cr_assert_eq(tg_db_winners(db, &key, keep_winner, &median), TG_OK);
    cr_expect_eq(median, 30);
    median = 0;
    key.threads = 1;
    cr_assert_eq(tg_db_winners(db, &key, keep_winner, &median), TG_OK);
    cr_expect_eq(median, 0, "no row has one thread");
    tg_db_close(db);
}

typedef struct inner_query {
    tg_db *db;
    int refused;
} inner_query;

/* The database is in use while rows are handed over. */
static bool ask_inside(void *user, const tg_db_winner *w) {
    inner_query *q = user;
    double median = 0;
    tg_db_key all = {0};
    (void)w;
    q->refused += !tg_db_winners_now(q->db, &all, keep_winner, &median);
    cr_expect_eq(median, 0);
    return true;
}

Test(db, a_query_that_may_not_wait_says_that_somebody_is_in_the_way) {
    const char *dir = test_temp_dir();
    inner_query q = {.db = open_in(dir, "t.db", TG_DB_WRITE)};
    double median = 0;
    tg_db_key all = {0};
    tg_db_winner w = tune_winner(3);
    cr_assert_eq(tg_db_put_winner(q.db, &w), TG_OK);
    cr_expect(tg_db_winners_now(q.db, &all, keep_winner, &median));
    cr_expect_eq(median, w.median_ns);
    cr_expect_eq(tg_db_winners(q.db, &all, ask_inside, &q), TG_OK);
    cr_expect_eq(q.refused, 1);
    /* another process that has the file to itself */
    sqlite3 *other;
    cr_assert_eq(sqlite3_open(path, &other), SQLITE_OK);
    tg_db_close(q.db);
    cr_assert_eq(sqlite3_exec(other, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL),
                 SQLITE_OK);
    q.db = open_in(dir, "t.db", TG_DB_READ);
    cr_assert_eq(sqlite3_exec(other, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    cr_expect_not(tg_db_winners_now(q.db, &all, keep_winner, &median));
    clock_gettime(CLOCK_MONOTONIC, &after);
    cr_expect_lt(after.tv_sec - before.tv_sec, 10, "less than the 20 s of a call that waits");
    cr_assert_eq(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    cr_expect(tg_db_winners_now(q.db, &all, keep_winner, &median));
    sqlite3_close(other);
    tg_db_close(q.db);
    test_remove_dir(dir);
}

static void put_range(tg_db *db, int from, int until, int64_t later) {
    for (int i = from; i < until; i++) {
        tg_db_result r = tune_result(i);
        r.stamp += later;
        r.samples += later;
        cr_assert_eq(tg_db_put_result(db, &r), TG_OK);
        tg_db_winner w = tune_winner(i);
        w.stamp += later;
        cr_assert_eq(tg_db_put_winner(db, &w), TG_OK);
    }
}

Test(db, merging_in_any_order_gives_the_same_text) {
    const char *dir = test_temp_dir();
    char other[160], *ab, *ba;
    tg_db *a = open_in(dir, "a.db", TG_DB_WRITE), *b = open_in(dir, "b.db", TG_DB_WRITE);
    put_range(a, 0, 20, 0);
    put_range(b, 10, 30, 100);
    int64_t n;
    snprintf(other, sizeof other, "%s/b.db",
             dir); /* open for writing elsewhere: read through its log */
    cr_assert_eq(tg_db_merge(a, other, &n), TG_OK, "%s", tg_db_message(a));
    cr_expect_eq(n, 40);
    snprintf(other, sizeof other, "%s/a.db", dir);
    cr_assert_eq(tg_db_merge(b, other, &n), TG_OK, "%s", tg_db_message(b));
    cr_assert_eq(tg_db_export(a, &ab), TG_OK);
    cr_assert_eq(tg_db_export(b, &ba), TG_OK);
    cr_expect_str_eq(ab, ba);
    cr_expect_eq(count_results(a), 30);
    /* through the text into an empty one */
    tg_db *c = open_in(dir, "c.db", TG_DB_WRITE);
    char *again;
    cr_assert_eq(tg_db_import(c, ab, strlen(ab), &n), TG_OK, "%s", tg_db_message(c));
    cr_expect_eq(n, 60);
    cr_assert_eq(tg_db_export(c, &again), TG_OK);
    cr_expect_str_eq(again, ab);
    tg_db_free_text(ab);
    tg_db_free_text(ba);
    tg_db_free_text(again);
    tg_db_close(a);
    tg_db_close(b);
    tg_db_close(c);
    test_remove_dir(dir);
}

Test(db, bad_texts_change_nothing) {
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "{\"results\": []}",
        "{\"tegula_tuning\": 2}",
        "{\"tegula_tuning\": 1, \"results\": [{\"kernel\": \"x\"}], \"winners\": []}",
        "{\"tegula_tuning\": 1, \"results\": [], \"winners\": [3]}"};
    tg_db *db = NULL;
    char *good, *text;
    cr_assert_eq(
        tg_db_open(&tg_allocator_default, NULL, TG_DB_MEMORY, &db, message, sizeof message),
        TG_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t n = 7;
        cr_expect_eq(tg_db_import(db, bad[i], strlen(bad[i]), &n), TG_ERROR_INVALID_ARGUMENT,
                     "%s", bad[i]);
        cr_expect_eq(n, 0);
    }
    /* one good row before one with a text for a number: neither is taken */
    tg_db_result row = tune_result(1);
    cr_assert_eq(tg_db_put_result(db, &row), TG_OK);
    cr_assert_eq(tg_db_export(db, &good), TG_OK);
    tg_db_close(db);
    cr_assert_eq(
        tg_db_open(&tg_allocator_default, NULL, TG_DB_MEMORY, &db, message, sizeof message),
        TG_OK);
    char *end = strstr(good, "\n],\n\"winners\"");
    cr_assert_not_null(end);
    *end = '\0';
    char *first = strchr(good, '[') + 1;
    cr_assert_gt(asprintf(&text, "%s,%s\n],\"winners\":[]}", good, first), 0);
    char *samples = strstr(strstr(text, "\"samples\":") + 1, "\"samples\":");
    cr_assert_not_null(samples);
    memcpy(samples, "\"sample\":\"", 10);
    cr_expect_eq(tg_db_import(db, text, strlen(text), NULL), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_eq(count_results(db), 0);
    free(text);
    tg_db_free_text(good);
    tg_db_close(db);
}

static tg_status open_status(tg_db_mode mode) {
    tg_db *db = (tg_db *)1;
    tg_status s = tg_db_open(&tg_allocator_default, path, mode, &db, message, sizeof message);
    cr_expect_null(s ? db : NULL);
    tg_db_close(s ? NULL : db);
    return s;
}

static void write_file(const void *data, size_t n) {
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    fwrite(data, 1, n, f);
    fclose(f);
    chmod(path, 0600);
}

Test(db, what_is_no_tuning_database_is_refused_and_left_alone) {
    const char *dir = test_temp_dir();
    snprintf(path, sizeof path, "%s/t.db", dir);
    write_file("This is a text, not a database, and somebody wants to keep it.", 62);
    cr_expect_eq(open_status(TG_DB_WRITE), TG_ERROR_IO);
    cr_expect(strstr(message, "not a database") != NULL, "%s", message);
    cr_expect_eq(open_status(TG_DB_READ), TG_ERROR_IO);
    struct stat st;
    cr_assert_eq(stat(path, &st), 0);
    cr_expect_eq(st.st_size, 62);
    unlink(path);

    sqlite3 *foreign;
    cr_assert_eq(sqlite3_open(path, &foreign), SQLITE_OK);
    sqlite3_exec(foreign, "CREATE TABLE mine(x); INSERT INTO mine VALUES(1)", NULL, NULL, NULL);
    sqlite3_close(foreign);
    chmod(path, 0600);
    cr_expect_eq(open_status(TG_DB_WRITE), TG_ERROR_IO);
    cr_expect(strstr(message, "another program") != NULL, "%s", message);

    unlink(path);
    cr_expect_eq(open_status(TG_DB_READ), TG_ERROR_NOT_FOUND);
    cr_expect_eq(open_status(TG_DB_WRITE), TG_OK);
    cr_assert_eq(sqlite3_open(path, &foreign), SQLITE_OK);
    sqlite3_exec(foreign, "PRAGMA user_version = 99", NULL, NULL, NULL);
    sqlite3_close(foreign);
    cr_expect_eq(open_status(TG_DB_WRITE), TG_ERROR_IO);
    cr_expect(strstr(message, "another version") != NULL, "%s", message);
    test_remove_dir(dir);
}

Test(db, files_that_others_could_write_to_are_refused) {
    const char *dir = test_temp_dir();
    snprintf(path, sizeof path, "%s/t.db", dir);
    write_file("", 0);
    chmod(path, 0666);
    cr_expect_eq(open_status(TG_DB_WRITE), TG_ERROR_IO);
    chmod(path, 0600);
    chmod(dir, 0777);
    cr_expect_eq(open_status(TG_DB_WRITE), TG_ERROR_IO);
    chmod(dir, 0700);
    unlink(path);
    cr_assert_eq(symlink("elsewhere", path), 0);
    cr_expect_eq(open_status(TG_DB_WRITE), TG_ERROR_IO);
    test_remove_dir(dir);
    snprintf(path, sizeof path, "/proc/none/t.db");
    cr_expect_eq(open_status(TG_DB_WRITE), TG_ERROR_IO);
}

/* Every truncation and a damaged byte on every page either opens with sound rows or is an error: never a crash, never a row that
 * nobody wrote. */
Test(db, damaged_files_are_errors) {
    const char *dir = test_temp_dir();
    tg_db *db = open_in(dir, "t.db", TG_DB_WRITE);
    put_range(db, 0, 200, 0);
    tg_db_close(db);
    FILE *f = fopen(path, "r");
    static char bytes[1 << 20];
    size_t size = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    cr_assert_gt(size, 16 * 4096);
    int refused = 0, tried = 0;
    for (size_t n = 100; n < size; n += 4096 + 37) {
        write_file(bytes, n);
        refused += open_status(TG_DB_WRITE) != TG_OK;
        tried++;
    }
    cr_expect_eq(refused, tried, "%d of %d truncated files were refused", refused, tried);
    for (size_t at = 0; at < size; at += 4096) {
        char kept[64];
        memcpy(kept, bytes + at, sizeof kept);
        memset(bytes + at, 0xa5, sizeof kept);
        write_file(bytes, size);
        memcpy(bytes + at, kept, sizeof kept);
        tg_db *broken;
        if (tg_db_open(&tg_allocator_default, path, TG_DB_READ, &broken, message,
                       sizeof message) == TG_OK) {
            int bad = 0;
            tg_db_key all = {0};
            (void)tg_db_results(broken, &all, count_broken, &bad);
            cr_expect_eq(bad, 0, "damage at %zu: %d rows that nobody wrote", at, bad);
            tg_db_close(broken);
        }
        cr_expect_neq(open_status(TG_DB_WRITE), TG_OK, "damage at %zu", at);
    }
    test_remove_dir(dir);
}

/* A process whose files may not grow: what a full disk looks like. The rows before stay whole. */
Test(db, a_full_disk_is_an_error_and_keeps_what_is_there) {
    const char *dir = test_temp_dir();
    tg_db *db = open_in(dir, "t.db", TG_DB_WRITE);
    put_range(db, 0, 10, 0);
    tg_db_close(db);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = {60000, 60000};
        signal(SIGXFSZ, SIG_DFL); /* which would end the process */
        setrlimit(RLIMIT_FSIZE, &limit);
        tg_db *full;
        if (tg_db_open(&tg_allocator_default, path, TG_DB_WRITE, &full, message,
                       sizeof message)) {
            _exit(2);
        }
        for (int i = 10; i < 5000; i++) {
            tg_db_result row = tune_result(i);
            if (tg_db_put_result(full, &row)) {
                int written = i, n = 0;
                tg_db_key all = {0};
                tg_status s = tg_db_results(full, &all, count_row, &n);
                _exit(s == TG_OK && n == written && *tg_db_message(full) ? 0 : 3);
            }
        }
        _exit(4);
    }
    int status;
    waitpid(child, &status, 0);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
    db = open_in(dir, "t.db", TG_DB_WRITE);
    cr_expect_geq(count_results(db), 10);
    cr_expect_eq(tg_db_check(db), TG_OK);
    tg_db_close(db);
    test_remove_dir(dir);
}

Test(db, numbers_that_are_none_are_refused) {
    tg_db *db = NULL;
    cr_assert_eq(
        tg_db_open(&tg_allocator_default, NULL, TG_DB_MEMORY, &db, message, sizeof message),
        TG_OK);
    tg_db_result row = tune_result(1);
    row.median_ns = 0.0 / (double)(row.samples - 11);
    cr_expect_eq(tg_db_put_result(db, &row), TG_ERROR_IO);
    cr_expect_eq(count_results(db), 0);
    tg_db_close(db);
}
