/* The tuner as a program uses it: what it finds, refuses, remembers and leaves alone. Times are not judged here: the machine that runs
 * tests is busy. */
#include "tegula/tegula.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "autotune/tuner.h"
#include "tune_fixture.h"

static const char source[] =
    "kernel gemm<T: float>(in T A[M, K], in T B[K, N], out T C[M, N])\n"
    "{\n    grid (m in M, n in N) {\n        wide(T) acc[m, n] = 0;\n"
    "        for (k in K) acc += dot(A[m, k], B[k, n], k);\n        C[m, n] = T(acc);\n    "
    "}\n}\n"
    "tune gemm { m in {8, 24}; n in {16, 48}; k in {32}; pack(A), pack(B) in {false}; require "
    "m * n <= 768; bucket M pow2, K any; }\n"
    "kernel axpy(in f32 X[N], inout f32 Y[N], f32 alpha = 2.0)\n"
    "{\n    grid (i in N) Y[i] = Y[i] + alpha * X[i];\n}\n"
    "kernel total(in f32 X[M, N], out f32 S[M])\n"
    "{\n    grid (i in M) {\n        f32 s[i] = 0;\n        for (j in N) s += sum(X[i, j], "
    "j);\n        S[i] = s;\n    }\n}\n"
    "tune total { j in {8, 32, 64}; i in {16}; }\n"
    "kernel shifted(in f32 X[N], out f32 Y[N], const int k)\n"
    "{\n    grid (i in N) Y[i] = X[i] + f32(k);\n}\n"
    "kernel partly(in f32 X[N], out f32 Y[N])\n"
    "{\n    grid (i in N from 1 until N) Y[i] = X[i];\n}\n"
    "tune partly { reg(i) in {4}; }\n"
    "kernel raw(ptr f32 X, in f32 Y[N], out f32 Z[N])\n{\n    grid (i in N) Z[i] = Y[i];\n}\n";

typedef struct setup {
    tg_context *c;
    tg_module *m;
    tg_tuner *t;
} setup;

static setup start(const char *database, int deterministic) {
    setup s;
    tg_context_options o = TG_CONTEXT_OPTIONS_INIT;
    o.cache_dir = "";
    o.n_threads = 2;
    o.deterministic = deterministic;
    tg_tuner_options to = TG_TUNER_OPTIONS_INIT;
    to.database = database;
    cr_assert_eq(tg_context_create(&o, &s.c), TG_OK);
    cr_assert_eq(tg_module_load_text(s.c, "t.dsl", source, sizeof source - 1, &s.m), TG_OK,
                 "%s", tg_last_error(s.c));
    cr_assert_eq(tg_tuner_create(s.c, &to, &s.t), TG_OK, "%s", tg_last_error(s.c));
    return s;
}

static void stop(setup *s) {
    tg_tuner_destroy(s->t);
    tg_module_destroy(s->m);
    tg_context_destroy(s->c);
}

static tg_tensor *tensor(const setup *s, int64_t rows, int64_t columns, uint64_t seed) {
    int64_t shape[] = {rows, columns};
    tg_tensor *t = tg_tensor_create(s->c, TG_F32, columns ? 2 : 1, shape);
    cr_assert_not_null(t);
    cr_assert_eq(tg_tensor_fill_random(t, seed, -1, 1), TG_OK);
    return t;
}

typedef struct matrices {
    tg_tensor *a, *b, *c;
} matrices;

static matrices make_matrices(const setup *s, int64_t m, int64_t n, int64_t k) {
    return (matrices){tensor(s, m, k, 1), tensor(s, k, n, 2), tensor(s, m, n, 3)};
}

static void free_matrices(const matrices *x) {
    tg_tensor_release(x->a);
    tg_tensor_release(x->b);
    tg_tensor_release(x->c);
}

static tg_tune_options quick(void) {
    tg_tune_options o = TG_TUNE_OPTIONS_INIT;
    o.budget_s = 60; /* the spaces here are small: all of them, however slow the machine is */
    o.exhaustive = 1;
    return o;
}

static tg_tune_result new_result(void) {
    tg_tune_result r = {.struct_size = sizeof r};
    return r;
}

typedef struct seen {
    int n, with_require;
    int states[3];
    char reason[256];
} seen;

static int see(void *user, const tg_candidate *c) {
    seen *s = user;
    s->n++;
    s->states[c->state]++;
    s->with_require += strstr(c->schedule, "m = 24") && strstr(c->schedule, "n = 48");
    if (c->state != TG_CANDIDATE_OK) {
        snprintf(s->reason, sizeof s->reason, "%s", c->reason);
    } else {
        cr_expect(c->low_ms <= c->median_ms && c->median_ms <= c->high_ms && c->low_ms > 0);
    }
    return 0;
}

Test(tune, the_clauses_span_the_space_and_tensors_stay_as_they_are) {
    setup s = start("", 0);
    matrices x = make_matrices(&s, 50, 70, 40);
    tg_tensor *before = tensor(&s, 50, 70, 9);
    cr_assert_eq(tg_tensor_copy(before, x.c), TG_OK);
    tg_tune_options o = quick();
    tg_tune_result r = new_result();
    tg_kernel *k = tg_module_kernel(s.m, "gemm");
    cr_assert_eq(tg_tune(s.t, k, TG_ARGS(x.a, x.b, x.c), &o, &r), TG_OK, "%s",
                 tg_last_error(s.c));
    /* m, n: left, or two; k: left or one; packing of both: left or false; without m = 24 with n = 48 */
    cr_expect_eq(r.n_space, (3 * 3 - 1) * 2 * 2 * 2);
    cr_expect_eq(r.n_tried, r.n_space);
    cr_expect_eq(r.n_wrong, 0);
    cr_expect_gt(r.best_ms, 0);
    cr_expect_leq(r.best_ms, r.default_ms);
    cr_expect(r.flops >= 2.0 * 50 * 70 * 40 &&
              r.flops <= 2.1 * 50 * 70 * 40); /* and the sum of the blocks */
    cr_expect_eq(memcmp(tg_tensor_data(x.c), tg_tensor_data(before), 50 * 70 * sizeof(float)),
                 0);
    seen all = {0};
    cr_assert_eq(tg_tuner_candidates(s.t, k, TG_ARGS(x.a, x.b, x.c), see, &all), TG_OK);
    cr_expect_eq(all.n, (int)r.n_tried);
    cr_expect_eq(all.with_require, 0);
    tg_tensor_release(before);
    free_matrices(&x);
    stop(&s);
}

static int watch(void *user, const tg_tune_progress *p) {
    double *last = user;
    cr_expect(p->fraction >= *last && p->fraction <= 1, "%g after %g", p->fraction, *last);
    cr_expect(p->eta_s >= 0 && p->eta_s < 1e6, "%g s", p->eta_s);
    *last = p->fraction;
    return 0;
}

Test(tune, an_exhaustive_run_ends_when_the_space_does) {
    setup s = start("", 0);
    tg_tensor *x = tensor(&s, 64, 200, 1), *sums = tensor(&s, 64, 0, 2);
    double last = 0;
    tg_tune_options o = quick();
    o.n_first = INT32_MAX;
    o.progress = watch;
    o.user = &last;
    cr_assert_eq(tg_tune(s.t, tg_module_kernel(s.m, "total"), TG_ARGS(x, sums), &o, NULL),
                 TG_OK);
    cr_expect_eq(last, 1);
    last = 0;
    o.exhaustive = 0;
    o.again = 1;
    o.budget_s = 0.3; /* as many candidates as there may be: no memory for two thousand million */
    cr_assert_eq(tg_tune(s.t, tg_module_kernel(s.m, "total"), TG_ARGS(x, sums), &o, NULL),
                 TG_OK);
    tg_tensor_release(x);
    tg_tensor_release(sums);
    stop(&s);
}

Test(tune, constants_are_told_apart_to_the_last_bit) {
    setup s = start("", 0);
    tg_tensor *x = tensor(&s, 8, 0, 1), *y = tensor(&s, 8, 0, 2);
    tg_unwind u;
    tg_arena *arena = tg_arena_create(&tg_allocator_default, &u);
    static const int64_t values[] = {1LL << 53, (1LL << 53) + 1};
    static const char *const texts[] = {"k=9007199254740992", "k=9007199254740993"};
    for (int i = 0; i < 2; i++) {
        tg_problem *p = TG_NEW(arena, tg_problem);
        cr_assert_eq(tg_problem_make(s.t, tg_module_kernel(s.m, "shifted"),
                                     TG_ARGS(x, y, values[i]), arena, p),
                     TG_OK, "%s", tg_last_error(s.c));
        cr_expect_str_eq(p->key.spec, texts[i]);
    }
    tg_arena_destroy(arena);
    tg_tensor_release(x);
    tg_tensor_release(y);
    stop(&s);
}

/* One element in one output of one schedule: the smallest error there is to plant. */
static void plant(void *user, const char *schedule, tg_tensor *const *outputs, uint32_t n) {
    if (strcmp(schedule, user) == 0 && n > 2 && outputs[2]) {
        float *p = tg_tensor_data(outputs[2]);
        p[tg_tensor_n_elements(outputs[2]) - 1] += 0.01f;
    }
}

/* Of a candidate that does not compile the error is kept, without the warnings in front of it. */
Test(tune, a_failed_candidate_says_why) {
    setup s = start("", 0);
    tg_tensor *x = tensor(&s, 100, 0, 1), *y = tensor(&s, 100, 0, 2);
    tg_tune_options o = quick();
    tg_tune_result r = new_result();
    tg_kernel *k = tg_module_kernel(s.m, "partly");
    cr_assert_eq(tg_tune(s.t, k, TG_ARGS(x, y), &o, &r), TG_OK, "%s", tg_last_error(s.c));
    cr_expect_geq(r.n_failed, 1);
    seen all = {0};
    cr_assert_eq(tg_tuner_candidates(s.t, k, TG_ARGS(x, y), see, &all), TG_OK);
    cr_expect_eq(all.states[TG_CANDIDATE_FAILED], (int)r.n_failed);
    cr_expect(strstr(all.reason, "error[E0703]: ") == all.reason, "%s", all.reason);
    tg_tensor_release(x);
    tg_tensor_release(y);
    stop(&s);
}

Test(tune, a_planted_wrong_candidate_is_rejected) {
    setup s = start("", 0);
    matrices x =
        make_matrices(&s, 200, 180, 160); /* beyond what the interpreter is given whole */
    tg_tune_options o = quick();
    tg_tune_result r = new_result();
    tg_kernel *k = tg_module_kernel(s.m, "gemm");
    char wrong[] = "m = 24; n = 16;";
    s.t->after_launch = plant;
    s.t->after_user = wrong;
    cr_assert_eq(tg_tune(s.t, k, TG_ARGS(x.a, x.b, x.c), &o, &r), TG_OK, "%s",
                 tg_last_error(s.c));
    cr_expect_eq(r.n_wrong, 1);
    cr_expect_str_neq(r.schedule, wrong);
    seen all = {0};
    cr_assert_eq(tg_tuner_candidates(s.t, k, TG_ARGS(x.a, x.b, x.c), see, &all), TG_OK);
    cr_expect_eq(all.states[TG_CANDIDATE_WRONG], 1);
    cr_expect(strstr(all.reason, "C: element") == all.reason, "%s", all.reason);
    /* it is remembered as wrong and not launched again, although it would be right now */
    s.t->after_launch = NULL;
    o.again = 1;
    r = new_result();
    cr_assert_eq(tg_tune(s.t, k, TG_ARGS(x.a, x.b, x.c), &o, &r), TG_OK);
    cr_expect_eq(r.n_wrong, 1);
    free_matrices(&x);
    stop(&s);
}

Test(tune, inout_tensors_are_restored_between_launches_and_not_touched) {
    setup s = start("", 0);
    tg_tensor *x = tensor(&s, 5000, 0, 1), *y = tensor(&s, 5000, 0, 2),
              *before = tensor(&s, 5000, 0, 2);
    tg_tune_options o = TG_TUNE_OPTIONS_INIT;
    o.budget_s = 0.5;
    tg_tune_result r = new_result();
    tg_kernel *k = tg_module_kernel(s.m, "axpy");
    cr_assert_eq(tg_tune(s.t, k, TG_ARGS(x, y), &o, &r), TG_OK, "%s", tg_last_error(s.c));
    cr_expect_eq(r.n_wrong, 0);
    cr_expect_eq(memcmp(tg_tensor_data(y), tg_tensor_data(before), 5000 * sizeof(float)), 0);
    tg_tensor_release(x);
    tg_tensor_release(y);
    tg_tensor_release(before);
    stop(&s);
}

Test(tune, deterministic_mode_tries_only_what_gives_the_same_bits) {
    setup s = start("", 0);
    tg_tensor *x = tensor(&s, 64, 200, 1), *sums = tensor(&s, 64, 0, 2);
    tg_kernel *k = tg_module_kernel(s.m, "total");
    tg_tune_options o = quick();
    tg_tune_result free_run = new_result(), fixed = new_result();
    cr_assert_eq(tg_tune(s.t, k, TG_ARGS(x, sums), &o, &free_run), TG_OK, "%s",
                 tg_last_error(s.c));
    o.deterministic = 1;
    cr_assert_eq(tg_tune(s.t, k, TG_ARGS(x, sums), &o, &fixed), TG_OK, "%s",
                 tg_last_error(s.c));
    cr_expect_eq(free_run.n_space, 8);
    cr_expect_eq(fixed.n_space, 2, "j orders the sum, i does not");
    cr_expect_null(strstr(fixed.schedule, "j ="));
    tg_tensor_release(x);
    tg_tensor_release(sums);
    stop(&s);
}

Test(tune, both_modes_remember_a_finished_shape) {
    setup s = start("", 0);
    tg_tensor *x = tensor(&s, 64, 200, 1), *sums = tensor(&s, 64, 0, 2);
    tg_kernel *k = tg_module_kernel(s.m, "total");
    tg_tune_options o = quick();
    tg_tune_result found[2];
    for (int i = 0; i < 4; i++) { /* free, deterministic, and once more */
        tg_tune_result r = new_result();
        o.deterministic = i % 2;
        o.exhaustive = i < 2;
        cr_assert_eq(tg_tune(s.t, k, TG_ARGS(x, sums), &o, &r), TG_OK, "%s",
                     tg_last_error(s.c));
        cr_expect_eq(r.from_database, i >= 2);
        if (i < 2) {
            found[i] = r;
        } else {
            cr_expect_str_eq(r.schedule, found[i % 2].schedule);
            cr_expect_eq(r.best_ms, found[i % 2].best_ms);
            cr_expect_eq(r.n_tried, found[i % 2].n_tried);
        }
    }
    tg_tensor_release(x);
    tg_tensor_release(sums);
    stop(&s);
}

/* One bit of one sum under one schedule: within every bound. */
static void plant_bit(void *user, const char *schedule, tg_tensor *const *outputs, uint32_t n) {
    if (strcmp(schedule, user) == 0 && n > 1 && outputs[1]) {
        *(uint32_t *)tg_tensor_data(outputs[1]) ^= 1;
    }
}

Test(tune, other_bits_are_wrong_in_deterministic_mode_only) {
    setup s = start("", 0);
    tg_tensor *x = tensor(&s, 64, 200, 1), *sums = tensor(&s, 64, 0, 2);
    tg_kernel *k = tg_module_kernel(s.m, "total");
    char schedule[] = "i = 16;";
    s.t->after_launch = plant_bit;
    s.t->after_user = schedule;
    for (int i = 0; i < 4; i++) {
        tg_tune_options o = quick();
        tg_tune_result r = new_result();
        o.deterministic = i % 2 == 0;
        cr_assert_eq(tg_tune(s.t, k, TG_ARGS(x, sums), &o, &r), TG_OK, "%s",
                     tg_last_error(s.c));
        cr_expect_eq(r.n_wrong, i % 2 == 0);
        cr_expect_eq(r.n_tried, r.n_space);
    }
    seen all = {0};
    cr_assert_eq(tg_tuner_candidates(s.t, k, TG_ARGS(x, sums), see, &all), TG_OK);
    cr_expect_eq(all.states[TG_CANDIDATE_WRONG], 0);
    tg_tensor_release(x);
    tg_tensor_release(sums);
    stop(&s);
}

static int ask_inside(void *user, const tg_candidate *c) {
    (void)c;
    const setup *s = user;
    cr_expect_neq(tg_tuner_export(s->t, "/dev/null/none"), TG_OK); /* and no deadlock */
    return 0;
}

typedef struct reported {
    int n;
    char schedules[256][128];
} reported;

static int note_outcome(void *user, const tg_tune_progress *p) {
    reported *r = user;
    if (p->candidate &&
        (strcmp(p->phase, "measure") == 0 || strcmp(p->phase, "search") == 0)) {
        cr_assert_lt(r->n, 256);
        snprintf(r->schedules[r->n++], sizeof r->schedules[0], "%s", p->candidate->schedule);
    }
    return 0;
}

Test(tune, no_schedule_is_tried_twice) {
    setup s = start("", 0);
    matrices x = make_matrices(&s, 20, 30, 40);
    tg_kernel *k = tg_module_kernel(s.m, "gemm");
    static reported r;
    tg_tune_options o = TG_TUNE_OPTIONS_INIT;
    o.budget_s = 600; /* ends by itself */
    o.n_first = 1;
    o.progress = note_outcome;
    o.user = &r;
    cr_assert_eq(tg_tune(s.t, k, TG_ARGS(x.a, x.b, x.c), &o, NULL), TG_OK);
    cr_expect_gt(r.n, 2, "neighbours were tried");
    for (int i = 0; i < r.n; i++) {
        cr_expect_str_neq(r.schedules[i], "", "the default is no candidate");
        for (int j = 0; j < i; j++) {
            cr_expect_str_neq(r.schedules[i], r.schedules[j]);
        }
    }
    cr_assert_eq(tg_tuner_candidates(s.t, k, TG_ARGS(x.a, x.b, x.c), ask_inside, &s), TG_OK);
    free_matrices(&x);
    stop(&s);
}

/* What a row differs in from what this context would write. */
typedef struct variation {
    const char *build;
    int64_t threads, deterministic;
} variation;

static void put_row(const setup *s, tg_db *db, const matrices *x, const char *schedule,
                    variation v) {
    tg_unwind u;
    tg_arena *arena = tg_arena_create(&tg_allocator_default, &u);
    tg_problem *p = TG_NEW(arena, tg_problem);
    tg_kernel *k = tg_module_kernel(s->m, "gemm");
    cr_assert_eq(tg_problem_make(s->t, k, TG_ARGS(x->a, x->b, x->c), arena, p), TG_OK);
    tg_db_winner w = {.key = p->key,
                      .name = "gemm",
                      .bucket = p->bucket,
                      .schedule = schedule,
                      .deterministic = v.deterministic,
                      .stamp = 1};
    w.key.build = v.build ? v.build : w.key.build;
    w.key.threads = v.threads ? v.threads : w.key.threads;
    cr_assert_eq(tg_db_put_winner(db, &w), TG_OK);
    tg_arena_destroy(arena);
}

static void put_winner(const setup *s, const matrices *x, const char *schedule) {
    put_row(s, s->t->db, x, schedule, (variation){0});
}

static tg_tuned_from look(const setup *s, const matrices *x, char *text) {
    tg_tuned_from from = TG_TUNED_DEFAULT;
    cr_assert_eq(tg_tuner_lookup(s->t, tg_module_kernel(s->m, "gemm"),
                                 TG_ARGS(x->a, x->b, x->c), text, 64, &from),
                 TG_OK);
    return from;
}

/* Rows are put in from the least to the most preferred; each must win over all before it. */
Test(tune, of_several_rows_the_documented_order_decides) {
    setup s = start("", 0);
    matrices exact = make_matrices(&s, 50, 70, 40), near = make_matrices(&s, 51, 70, 40),
             less_near = make_matrices(&s, 90, 130, 40);
    static const char *const other = "00000000000000000000000000000000";
    char text[64], message[256];
    cr_assert_eq(tg_db_open(&tg_allocator_default, NULL, TG_DB_MEMORY, &s.t->shipped, message,
                            sizeof message),
                 TG_OK);
    const struct {
        bool shipped;
        const matrices *shape;
        variation v;
    } rows[] = {
        {true, &less_near, {other, 7, 1}}, {true, &less_near, {other, 7, 0}},
        {true, &near, {other, 7, 1}},      {true, &less_near, {other, 0, 1}},
        {true, &near, {other, 0, 0}},      {true, &less_near, {NULL, 7, 1}},
        {true, &less_near, {NULL, 0, 0}},  {true, &near, {NULL, 0, 0}},
        {false, &less_near, {other, 7, 1}}, {false, &near, {other, 7, 0}},
        {false, &less_near, {other, 0, 0}}, {false, &less_near, {NULL, 7, 0}},
        {false, &near, {NULL, 0, 1}},      {false, &near, {NULL, 0, 0}},
        {true, &exact, {other, 7, 1}},     {true, &exact, {NULL, 0, 0}},
        {false, &exact, {other, 7, 1}},    {false, &exact, {other, 0, 1}},
        {false, &exact, {NULL, 7, 1}},     {false, &exact, {NULL, 0, 1}},
        {false, &exact, {NULL, 0, 0}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char schedule[64];
        snprintf(schedule, sizeof schedule, "m = %d;", 8 * (int)i + 8);
        put_row(&s, rows[i].shipped ? s.t->shipped : s.t->db, rows[i].shape, schedule,
                rows[i].v);
        cr_expect_eq(look(&s, &exact, text),
                     rows[i].shape == &exact ? TG_TUNED_EXACT : TG_TUNED_NEAREST);
        cr_expect_str_eq(text, schedule, "row %zu: %s", i, text);
    }
    /* launches leave kernels of a schedule alone, and so does the look-up */
    tg_schedule_options o = TG_SCHEDULE_OPTIONS_INIT;
    tg_kernel *fixed;
    tg_tuned_from from;
    o.schedule = "n = 16";
    cr_assert_eq(tg_kernel_with_schedule(tg_module_kernel(s.m, "gemm"), &o, &fixed), TG_OK);
    cr_assert_eq(tg_tuner_lookup(s.t, fixed, TG_ARGS(exact.a, exact.b, exact.c), text, 64,
                                 &from),
                 TG_OK);
    cr_expect_eq(from, TG_TUNED_DEFAULT);
    cr_expect_str_eq(text, "");
    tg_kernel_release(fixed);
    free_matrices(&exact);
    free_matrices(&near);
    free_matrices(&less_near);
    stop(&s);
}

Test(tune, launches_use_the_exact_shape_then_the_nearest_then_the_default) {
    setup s = start("", 0);
    tg_kernel *k = tg_module_kernel(s.m, "gemm");
    matrices exact = make_matrices(&s, 50, 70, 40), near = make_matrices(&s, 60, 70, 40),
             far = make_matrices(&s, 1000, 70, 40), any = make_matrices(&s, 50, 70, 1000);
    char text[64];
    cr_expect_eq(look(&s, &exact, text), TG_TUNED_DEFAULT);
    put_winner(&s, &exact, "m = 8; n = 16;");
    cr_expect_eq(look(&s, &exact, text), TG_TUNED_EXACT);
    cr_expect_str_eq(text, "m = 8; n = 16;");
    cr_expect_eq(look(&s, &near, text), TG_TUNED_NEAREST);
    cr_expect_eq(look(&s, &far, text), TG_TUNED_DEFAULT, "M is 20 times as large");
    cr_expect_eq(look(&s, &any, text), TG_TUNED_NEAREST, "the bucket of K is any");

    /* what is launched: a kernel of that schedule with a variant of its own, and the same results */
    tg_tensor *plain = tensor(&s, 50, 70, 5);
    cr_assert_eq(tg_launch(k, TG_ARGS(exact.a, exact.b, plain)), TG_OK);
    cr_assert_eq(tg_tuner_attach(s.t), TG_OK);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(tg_launch(k, TG_ARGS(exact.a, exact.b, exact.c)), TG_OK, "%s",
                     tg_last_error(s.c));
    }
    cr_assert_not_null(k->choices);
    tg_kernel *chosen = atomic_load(&k->choices)->kernel;
    cr_expect_str_eq(chosen->schedule, "m = 8; n = 16;");
    cr_expect_eq(tg_kernel_wait(chosen), TG_OK); /* it was compiled beside the launches */
    cr_assert_eq(tg_launch(k, TG_ARGS(exact.a, exact.b, exact.c)), TG_OK);
    tg_kernel_stats stats = {.struct_size = sizeof stats};
    cr_assert_eq(tg_kernel_get_stats(chosen, &stats), TG_OK);
    cr_expect_eq(stats.n_variants, 1);
    const float *p = tg_tensor_data(plain), *q = tg_tensor_data(exact.c);
    /* two sums of K = 40 products of numbers below 1, each rounded K times by at most 2^-24 of a partial sum below K */
    double bound = 2.0 * 40 * 40 * 0x1p-24;
    for (int i = 0; i < 50 * 70; i++) {
        cr_expect_leq(fabs((double)p[i] - (double)q[i]), bound);
    }
    /* a shape that shares the schedule shares the kernel */
    cr_assert_eq(tg_launch(k, TG_ARGS(near.a, near.b, near.c)), TG_OK);
    cr_expect_eq(atomic_load(&k->choices)->kernel, chosen);
    tg_tensor_release(plain);
    free_matrices(&exact);
    free_matrices(&near);
    free_matrices(&far);
    free_matrices(&any);
    stop(&s);
}

static int see_chooser(void *user, const tg_tune_progress *p) {
    const setup *s = user;
    (void)p;
    cr_expect_eq(atomic_load(&s->c->chooser), &s->t->chooser, "launches beside it go on as before");
    return 0;
}

Test(tune, another_tuner_that_is_attached_has_no_part_in_the_baseline) {
    setup s = start("", 0);
    tg_kernel *k = tg_module_kernel(s.m, "gemm");
    matrices x = make_matrices(&s, 20, 30, 40);
    tg_tuner *other;
    tg_tuner_options to = TG_TUNER_OPTIONS_INIT;
    tg_tune_options o = quick();
    to.database = "";
    o.progress = see_chooser;
    o.user = &s;
    put_winner(&s, &x, "m = 8; n = 16;");
    cr_assert_eq(tg_tuner_attach(s.t), TG_OK);
    cr_assert_eq(tg_tuner_create(s.c, &to, &other), TG_OK);
    cr_assert_eq(tg_tune(other, k, TG_ARGS(x.a, x.b, x.c), &o, NULL), TG_OK);
    cr_expect_null(atomic_load(&k->choices), "the kernel itself was not launched");
    tg_tuner_destroy(other);
    see_chooser(&s, NULL);
    cr_expect_eq(tg_launch(k, TG_ARGS(x.a, x.b, x.c)), TG_OK);
    cr_expect_not_null(atomic_load(&k->choices));
    free_matrices(&x);
    stop(&s);
}

Test(tune, a_schedule_that_does_not_compile_is_no_reason_to_fail_a_launch) {
    setup s = start("", 0);
    tg_kernel *k = tg_module_kernel(s.m, "gemm");
    matrices x = make_matrices(&s, 20, 30, 40);
    put_winner(&s, &x, "no_such_axis = 8;");
    cr_assert_eq(tg_tuner_attach(s.t), TG_OK);
    for (int i = 0; i < 2; i++) {
        cr_expect_eq(tg_launch(k, TG_ARGS(x.a, x.b, x.c)), TG_OK, "%s", tg_last_error(s.c));
    }
    free_matrices(&x);
    stop(&s);
}

Test(tune, a_finished_shape_is_known_to_the_next_process) {
    const char *dir = test_temp_dir();
    char path[128];
    snprintf(path, sizeof path, "%s/t.db", dir);
    tg_tune_options o = quick();
    for (int i = 0; i < 2; i++) {
        setup s = start(path, 0);
        matrices x = make_matrices(&s, 20, 30, 40);
        tg_tune_result r = new_result();
        cr_assert_eq(
            tg_tune(s.t, tg_module_kernel(s.m, "gemm"), TG_ARGS(x.a, x.b, x.c), &o, &r), TG_OK);
        cr_expect_eq(r.from_database, i);
        cr_expect_str_eq(tg_tuner_warning(s.t), "");
        o.exhaustive = 0;
        free_matrices(&x);
        stop(&s);
    }
    test_remove_dir(dir);
}

static int stop_at_once(void *user, const tg_tune_progress *p) {
    ++*(int *)user;
    cr_expect(p->fraction >= 0 && p->fraction <= 1);
    return 1;
}

Test(tune, a_stopped_run_is_not_finished) {
    setup s = start("", 0);
    matrices x = make_matrices(&s, 20, 30, 40);
    int calls = 0;
    tg_tune_options o = TG_TUNE_OPTIONS_INIT;
    o.progress = stop_at_once;
    o.user = &calls;
    for (int i = 0; i < 2; i++) {
        tg_tune_result r = new_result();
        cr_assert_eq(
            tg_tune(s.t, tg_module_kernel(s.m, "gemm"), TG_ARGS(x.a, x.b, x.c), &o, &r), TG_OK,
            "%s", tg_last_error(s.c));
        cr_expect_eq(r.from_database, 0);
        cr_expect_eq(r.n_tried, 1, "the default only");
    }
    cr_expect_gt(calls, 1);
    free_matrices(&x);
    stop(&s);
}

Test(tune, a_broken_database_is_a_warning) {
    const char *dir = test_temp_dir();
    char path[128];
    snprintf(path, sizeof path, "%s/t.db", dir);
    FILE *f = fopen(path, "w");
    fputs("something else entirely, longer than a header of a database file would be, so that "
          "it is read as one",
          f);
    fclose(f);
    setup s = start(path, 0);
    cr_expect(strlen(tg_tuner_warning(s.t)) > 0);
    cr_expect_null(tg_tuner_database(s.t));
    tg_tensor *x = tensor(&s, 64, 30, 1), *sums = tensor(&s, 64, 0, 2);
    tg_tune_options o = quick();
    tg_tune_result r = new_result();
    cr_expect_eq(tg_tune(s.t, tg_module_kernel(s.m, "total"), TG_ARGS(x, sums), &o, &r), TG_OK);
    cr_expect_eq(r.n_tried, r.n_space);
    tg_tensor_release(x);
    tg_tensor_release(sums);
    stop(&s);
    test_remove_dir(dir);
}

Test(tune, bad_arguments_are_errors) {
    setup s = start("", 0);
    tg_tensor *y = tensor(&s, 8, 0, 1), *z = tensor(&s, 9, 0, 2);
    tg_kernel *axpy = tg_module_kernel(s.m, "axpy"), *raw = tg_module_kernel(s.m, "raw");
    cr_expect_eq(tg_tune(NULL, axpy, TG_ARGS(y, z), NULL, NULL), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_eq(tg_tune(s.t, NULL, TG_ARGS(y, z), NULL, NULL), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_eq(tg_tune(s.t, axpy, TG_ARGS(y, z), NULL, NULL), TG_ERROR_LAUNCH,
                 "the lengths differ");
    cr_expect_eq(tg_tune(s.t, axpy, TG_ARGS(1, 2), NULL, NULL), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_eq(tg_tune(s.t, raw, TG_ARGS(y, y, y), NULL, NULL), TG_ERROR_LAUNCH,
                 "out overlaps in");
    tg_tensor *w = tensor(&s, 8, 0, 1);
    cr_expect_eq(tg_tune(s.t, raw, TG_ARGS(y, y, w), NULL, NULL), TG_ERROR_UNSUPPORTED);
    tg_tune_options o = TG_TUNE_OPTIONS_INIT;
    o.struct_size = 3;
    cr_expect_eq(tg_tune(s.t, axpy, TG_ARGS(y, w), &o, NULL), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_eq(tg_tuner_import(s.t, "/no/such/file", NULL), TG_ERROR_NOT_FOUND);
    cr_expect_eq(tg_tuner_create(NULL, NULL, NULL), TG_ERROR_INVALID_ARGUMENT);
    tg_tensor_release(y);
    tg_tensor_release(z);
    tg_tensor_release(w);
    stop(&s);
}
