/* What launches of an attached tuner use when the user measured nothing: rows that ship with a program, in a file that is
 * only read, and the analytic model. */
#include "autotune/tuner.h"
#include "tegula/tegula.h"
#include "tests/support/temp_dir.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
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

static void put_row(const setup *s, const char *schedule) {
    tg_unwind u;
    tg_arena *arena = tg_arena_create(&tg_allocator_default, &u);
    tg_problem *p = TG_NEW(arena, tg_problem);
    cr_assert_eq(tg_problem_make(s->t, s->k, TG_ARGS(s->x, s->y), arena, p), TG_OK);
    tg_db_winner w = {
        .key = p->key, .name = "sums", .bucket = p->bucket, .schedule = schedule, .stamp = 1};
    cr_assert_eq(tg_db_put_winner(s->t->db, &w), TG_OK);
    tg_arena_destroy(arena);
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
    SAYS(tg_tuner_lookup(s.t, other.k, TG_ARGS(s.x, s.y), text, 64, &from), s.c,
         "another context");
    SAYS(tg_tuner_lookup(s.t, s.k, TG_ARGS(s.x, s.y), NULL, 0, &from), s.c, "text is null");
    SAYS(tg_tuner_lookup(s.t, s.k, TG_ARGS(s.x, s.y), text, 64, NULL), s.c, "from is null");
    SAYS(tg_tuner_candidates(s.t, s.k, TG_ARGS(s.x, s.y), NULL, NULL), s.c, "fn is null");
    SAYS(tg_tuner_export(s.t, NULL), s.c, "path is null");
    SAYS(tg_tuner_import(NULL, "x", NULL), NULL, "tuner is null");
    stop(&other);
    stop(&s);
}
