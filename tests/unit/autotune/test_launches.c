/* What launches of an attached tuner use when the user measured nothing: rows that ship with a program, in a file that is
 * only read, and the analytic model. */
#include "autotune/tuner.h"
#include "tegula/tegula.h"
#include "tests/support/temp_dir.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char source[] = "kernel sums(in f32 X[K, N], out f32 Y[M, N])\n"
                             "{\n    grid (n in N) {\n        f32 acc[n] = 0;\n        for (k "
                             "in K) acc += sum(X[k, n], k);\n"
                             "        axis m in M;\n        Y[m, n] = acc;\n    }\n}\n";

typedef struct setup {
    tg_context *c;
    tg_module *m;
    tg_kernel *k;
    tg_tuner *t;
    tg_tensor *x, *y;
} setup;

static setup start(const char *database, const char *shipped, int64_t rows) {
    setup s;
    tg_context_options o = TG_CONTEXT_OPTIONS_INIT;
    tg_tuner_options to = TG_TUNER_OPTIONS_INIT;
    o.cache_dir = "";
    o.n_threads = 4;
    to.database = database;
    to.shipped = shipped;
    cr_assert_eq(tg_context_create(&o, &s.c), TG_OK);
    cr_assert_eq(tg_module_load_text(s.c, "t.dsl", source, sizeof source - 1, &s.m), TG_OK,
                 "%s", tg_last_error(s.c));
    s.k = tg_module_kernel(s.m, "sums");
    cr_assert_eq(tg_tuner_create(s.c, &to, &s.t), TG_OK);
    cr_expect_str_eq(tg_tuner_warning(s.t), "");
    s.x = tg_tensor_create(s.c, TG_F32, 2, (int64_t[]){4, 16});
    s.y = tg_tensor_create(s.c, TG_F32, 2, (int64_t[]){rows, 16});
    cr_assert_eq(tg_tensor_fill_random(s.x, 1, -1, 1), TG_OK);
    return s;
}

static void stop(setup *s) {
    tg_tensor_release(s->x);
    tg_tensor_release(s->y);
    tg_tuner_destroy(s->t);
    tg_module_destroy(s->m);
    tg_context_destroy(s->c);
}

static tg_tuned_from look(const setup *s, char *text) {
    tg_tuned_from from = TG_TUNED_DEFAULT;
    cr_assert_eq(tg_tuner_lookup(s->t, s->k, TG_ARGS(s->x, s->y), text, 64, &from), TG_OK);
    return from;
}

/* A winner for the tensors of `s` that took 1 of the default's `times`. */
static void put_gain(const setup *s, const char *schedule, double times) {
    tg_unwind u;
    tg_arena *arena = tg_arena_create(&tg_allocator_default, &u);
    tg_problem *p = TG_NEW(arena, tg_problem);
    cr_assert_eq(tg_problem_make(s->t, s->k, TG_ARGS(s->x, s->y), arena, p), TG_OK);
    tg_db_winner w = {.key = p->key,
                      .name = "sums",
                      .bucket = p->bucket,
                      .schedule = schedule,
                      .median_ns = 1000,
                      .default_ns = 1000 * times,
                      .stamp = 1};
    cr_assert_eq(tg_db_put_winner(s->t->db, &w), TG_OK);
    tg_arena_destroy(arena);
}

static void put_row(const setup *s, const char *schedule) {
    put_gain(s, schedule, 2);
}

static void expect_sums(const setup *s, int64_t rows) {
    const float *x = tg_tensor_data(s->x), *y = tg_tensor_data(s->y);
    for (int64_t i = 0; i < rows * 16; i++) {
        const float *p = x + i % 16;
        double sum = (double)p[0] + p[16] + p[32] + p[48];
        cr_assert_leq(fabs(y[i] - sum), 4 * 4 * 0x1p-24, "%lld", (long long)i);
    }
}

/* One task makes all 16 columns if nobody says otherwise, and three threads stand by; the model sees that two halves take half as long. */
Test(launches, follow_the_model_where_it_promises_much) {
    enum { ROWS = 100000 };
    setup s = start("", NULL, ROWS);
    char text[64];
    cr_assert_eq(look(&s, text), TG_TUNED_MODEL);
    cr_assert_str_neq(text, "");
    cr_assert_eq(tg_tuner_attach(s.t), TG_OK);
    cr_assert_eq(tg_launch(s.k, TG_ARGS(s.x, s.y)), TG_OK);
    cr_assert_not_null(s.k->choices);
    tg_kernel *chosen = atomic_load(&s.k->choices)->kernel;
    cr_assert_neq(chosen, s.k);
    cr_expect_str_eq(chosen->schedule, text);
    cr_assert_eq(tg_kernel_wait(chosen), TG_OK);
    cr_assert_eq(tg_tensor_fill_random(s.y, 2, -1, 1), TG_OK);
    cr_assert_eq(tg_launch(s.k, TG_ARGS(s.x, s.y)), TG_OK);
    tg_kernel_stats stats = {.struct_size = sizeof stats};
    cr_assert_eq(tg_kernel_get_stats(chosen, &stats), TG_OK);
    cr_expect_eq(stats.n_variants, 1);
    expect_sums(&s, ROWS);
    stop(&s);
}

/* A small launch is not worth the question. */
Test(launches, leave_short_ones_alone) {
    setup s = start("", NULL, 100);
    char text[64];
    cr_expect_eq(look(&s, text), TG_TUNED_DEFAULT);
    stop(&s);
}

Test(launches, use_rows_that_ship_until_the_user_has_better) {
    const char *dir = test_temp_dir();
    char shipped[200], own[200], text[64];
    snprintf(shipped, sizeof shipped, "%s/shipped.db", dir);
    snprintf(own, sizeof own, "%s/own.db", dir);
    setup maker = start(shipped, NULL, 100);
    put_row(&maker, "n = 8;");
    stop(&maker);

    setup s = start(own, shipped, 100);
    cr_expect_eq(look(&s, text), TG_TUNED_EXACT);
    cr_expect_str_eq(text, "n = 8;");
    put_row(&s, "n = 4;");
    cr_expect_eq(look(&s, text), TG_TUNED_EXACT);
    cr_expect_str_eq(text, "n = 4;");
    cr_assert_eq(tg_tuner_attach(s.t), TG_OK);
    cr_assert_eq(tg_launch(s.k, TG_ARGS(s.x, s.y)), TG_OK);
    cr_expect_str_eq(atomic_load(&s.k->choices)->kernel->schedule, "n = 4;");
    expect_sums(&s, 100);
    stop(&s);

    setup again = start("", shipped, 100); /* what ships has no row more */
    cr_expect_eq(look(&again, text), TG_TUNED_EXACT);
    cr_expect_str_eq(text, "n = 8;");
    stop(&again);
    test_remove_dir(dir);
}

Test(launches, do_without_rows_that_do_not_ship) {
    setup s = {0};
    tg_context_options o = TG_CONTEXT_OPTIONS_INIT;
    tg_tuner_options to = TG_TUNER_OPTIONS_INIT;
    o.cache_dir = "";
    to.database = "";
    to.shipped = "/nowhere/rows.db";
    cr_assert_eq(tg_context_create(&o, &s.c), TG_OK);
    cr_assert_eq(tg_tuner_create(s.c, &to, &s.t), TG_OK);
    cr_expect(strstr(tg_tuner_warning(s.t), "/nowhere/rows.db"), "%s", tg_tuner_warning(s.t));
    tg_tuner_destroy(s.t);
    tg_context_destroy(s.c);
}

/* ---- files of tg_tuner_ship ------------------------------------------------------------------------------------ */

/* What ships after a row of `times` for 100 rows was found. */
static char *ship(const char *path, double times) {
    static char text[4096];
    setup maker = start("", "", 100);
    put_gain(&maker, "n = 8;", times);
    cr_assert_eq(tg_tuner_ship(maker.t, path, 0.03), TG_OK, "%s", tg_last_error(maker.c));
    stop(&maker);
    FILE *f = fopen(path, "r");
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = '\0';
    return text;
}

/* The file with the first `from` in it as `to`. */
static void alter(const char *path, const char *text, const char *from, const char *to) {
    const char *at = strstr(text, from);
    cr_assert_not_null(at, "no '%s' in %s", from, text);
    FILE *f = fopen(path, "w");
    fprintf(f, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    fclose(f);
}

static tg_tuned_from ask_shipped(const char *path, int64_t rows, char *text) {
    setup s = start("", path, rows);
    tg_tuned_from from = look(&s, text);
    stop(&s);
    return from;
}

/* The tuner works, without these rows, and says why. */
static void expect_refused(const char *path, const char *why) {
    tg_context *c;
    tg_tuner *t;
    tg_context_options o = TG_CONTEXT_OPTIONS_INIT;
    tg_tuner_options to = TG_TUNER_OPTIONS_INIT;
    o.cache_dir = "";
    to.database = "";
    to.shipped = path;
    cr_assert_eq(tg_context_create(&o, &c), TG_OK);
    cr_assert_eq(tg_tuner_create(c, &to, &t), TG_OK);
    cr_expect(strstr(tg_tuner_warning(t), path) && strstr(tg_tuner_warning(t), why), "%s",
              tg_tuner_warning(t));
    cr_expect_null(t->shipped);
    tg_tuner_destroy(t);
    tg_context_destroy(c);
}

Test(shipped, serve_their_own_shape) {
    const char *dir = test_temp_dir();
    char path[200], text[64];
    snprintf(path, sizeof path, "%s/tuned.json", dir);
    (void)ship(path, 1.04);
    cr_expect_eq(ask_shipped(path, 100, text), TG_TUNED_EXACT);
    cr_expect_str_eq(text, "n = 8;");
    cr_expect_eq(ask_shipped(path, 99, text), TG_TUNED_DEFAULT); /* not even in their bucket */
    (void)ship(path, 1.02); /* not worth it */
    cr_expect_eq(ask_shipped(path, 100, text), TG_TUNED_DEFAULT);
    (void)ship(path, 1.04);
    setup s = start("", path, 100);
    put_row(&s, ""); /* what the user measured counts, though it is the compiler's choice */
    cr_expect_eq(look(&s, text), TG_TUNED_EXACT);
    cr_expect_str_eq(text, "");
    stop(&s);
    test_remove_dir(dir);
}

Test(shipped, are_found_by_the_environment) {
    const char *dir = test_temp_dir();
    char path[200], text[64];
    snprintf(path, sizeof path, "%s/tuned.json", dir);
    (void)ship(path, 2);
    cr_assert_eq(setenv("TEGULA_SHIPPED", path, 1), 0);
    cr_expect_eq(ask_shipped(NULL, 100, text), TG_TUNED_EXACT);
    cr_expect_eq(ask_shipped("", 100, text), TG_TUNED_DEFAULT);
    cr_assert_eq(setenv("TEGULA_SHIPPED", "", 1), 0);
    cr_expect_eq(ask_shipped(NULL, 100, text), TG_TUNED_DEFAULT);
    cr_assert_eq(unsetenv("TEGULA_SHIPPED"), 0);
    cr_expect_eq(ask_shipped(NULL, 100, text), TG_TUNED_DEFAULT); /* nothing is installed */
    test_remove_dir(dir);
}

Test(shipped, serve_no_other_machine_threads_or_kernel) {
    const char *dir = test_temp_dir();
    char path[200], text[64];
    snprintf(path, sizeof path, "%s/tuned.json", dir);
    const char *file = ship(path, 2);
    alter(path, file, " cores=", " cores=9"); /* more cores are fine */
    cr_expect_eq(ask_shipped(path, 100, text), TG_TUNED_EXACT);
    static const char *const others[][2] = {{" l3=", " l3=1"},
                                            {"\"device\":\"x86 ", "\"device\":\"x86 avx9 "},
                                            {" cores=", "K cores="},
                                            {"\"threads\":", "\"threads\":1"},
                                            {"\"kernel\":\"", "\"kernel\":\"0"},
                                            {"\"spec\":\"", "\"spec\":\"T=f64"}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        alter(path, file, others[i][0], others[i][1]);
        cr_expect_eq(ask_shipped(path, 100, text), TG_TUNED_DEFAULT, "%s", others[i][1]);
    }
    test_remove_dir(dir);
}

Test(shipped, are_left_alone_if_they_cannot_be_read) {
    const char *dir = test_temp_dir();
    char path[200];
    snprintf(path, sizeof path, "%s/tuned.json", dir);
    const char *file = ship(path, 2);
    alter(path, file, "\"tegula\": \"", "\"tegula\": \"9");
    expect_refused(path, "another version");
    alter(path, file, "\"tegula\"", "\"other\"");
    expect_refused(path, "another version");
    alter(path, file, "\"tegula_tuning\": 1", "\"tegula_tuning\": 2");
    expect_refused(path, "no export");
    alter(path, file, "]}", "");
    expect_refused(path, "no export");
    alter(path, file, "\"default_ns\":", "\"default\":");
    expect_refused(path, "NOT NULL");
    alter(path, file, file, "SQLite format 3 and nothing more");
    expect_refused(path, "tuned.json");
    alter(path, file, file, "");
    expect_refused(path, "no export");
    expect_refused(dir, "input/output error");
    test_remove_dir(dir);
}

#define SAYS(call, context, text)                                                              \
    do {                                                                                       \
        cr_expect_eq((call), TG_ERROR_INVALID_ARGUMENT, "%s", #call);                          \
        cr_expect(strstr(tg_last_error(context), text), "%s: %s", #call,                       \
                  tg_last_error(context));                                                     \
    } while (0)

Test(launches, wrong_questions_say_what_is_wrong) {
    setup s = start("", NULL, 100), other = start("", NULL, 100);
    tg_tuner_options to = TG_TUNER_OPTIONS_INIT;
    tg_tuner *t;
    tg_tuned_from from;
    char text[64];
    to.struct_size = 2;
    SAYS(tg_tuner_create(NULL, NULL, &t), NULL, "context is null");
    SAYS(tg_tuner_create(s.c, NULL, NULL), s.c, "out is null");
    SAYS(tg_tuner_create(s.c, &to, &t), s.c, "struct_size");
    SAYS(tg_tuner_attach(NULL), NULL, "tuner is null");
    SAYS(tg_tune(NULL, s.k, NULL, 0, NULL, NULL), NULL, "tuner is null");
    SAYS(tg_tune(s.t, NULL, NULL, 0, NULL, NULL), s.c, "kernel is null");
    SAYS(tg_tune(s.t, other.k, NULL, 0, NULL, NULL), s.c, "another context than the tuner");
    SAYS(tg_tune(s.t, s.k, NULL, 0, NULL, NULL), s.c, "sums: X is missing");
    static const double budgets[] = {-1, (double)NAN, (double)INFINITY};
    for (int i = 0; i < 3; i++) {
        tg_tune_options o = TG_TUNE_OPTIONS_INIT;
        o.budget_s = budgets[i];
        SAYS(tg_tune(s.t, s.k, TG_ARGS(s.x, s.y), &o, NULL), s.c, "0 ... 1e6 seconds are expected");
    }
    SAYS(tg_tuner_lookup(s.t, other.k, TG_ARGS(s.x, s.y), text, 64, &from), s.c,
         "another context");
    SAYS(tg_tuner_lookup(s.t, s.k, TG_ARGS(s.x, s.y), NULL, 0, &from), s.c, "text is null");
    SAYS(tg_tuner_lookup(s.t, s.k, TG_ARGS(s.x, s.y), text, 64, NULL), s.c, "from is null");
    SAYS(tg_tuner_candidates(s.t, s.k, TG_ARGS(s.x, s.y), NULL, NULL), s.c, "fn is null");
    SAYS(tg_tuner_export(s.t, NULL), s.c, "path is null");
    SAYS(tg_tuner_ship(s.t, NULL, 0), s.c, "path is null");
    SAYS(tg_tuner_ship(NULL, "x", 0), NULL, "tuner is null");
    SAYS(tg_tuner_ship(s.t, "x", -1), s.c, "least_gain");
    SAYS(tg_tuner_ship(s.t, "x", NAN), s.c, "least_gain");
    SAYS(tg_tuner_import(NULL, "x", NULL), NULL, "tuner is null");
    stop(&other);
    stop(&s);
}
