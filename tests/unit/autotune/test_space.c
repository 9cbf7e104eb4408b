/* What the tuner varies, how a stopped exhaustive run goes on, and what it says about shapes that nobody measured. */
#include "tegula/tegula.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "autotune/tuner.h"

static const char source[] =
    "kernel product(in f32 A[M, K], in f32 B[K, N], out f32 C[M, N])\n"
    "{\n    grid (m in M, n in N) {\n        f32 acc[m, n] = 0;\n"
    "        for (k in K) acc += dot(A[m, k], B[k, n], k);\n        C[m, n] = acc;\n    }\n}\n"
    "kernel settled(in f32 A[M, K], in f32 B[K, N], out f32 C[M, N])\n"
    "{\n    grid (m in M, n in N) {\n        f32 acc[m, n] = 0;\n"
    "        for (k in K) acc += dot(A[m, k], B[k, n], k);\n        C[m, n] = acc;\n    }\n}\n"
    "schedule settled { order = (n, m); }\ntune settled { reg(m) in {4}; m in {8, 16}; pack(B) in {false}; }\n"
    "kernel chain(in f32 A[M, K], in f32 B[K, N], in f32 D[N, P], out f32 C[M, P])\n"
    "{\n    grid (m in M) {\n        axis k in K, p in P;\n        f32 acc[m, p] = 0;\n        for (n in N) {\n"
    "            let t = dot(A[m, k], B[k, n], k);\n            acc += dot(t, D[n, p], n);\n        }\n        C[m, p] = acc;\n    }\n}\n"
    "kernel rows(in f32 X[M, N], out f32 S[M])\n"
    "{\n    grid (i in M) {\n        f32 s[i] = 0;\n        for (j in N) s += sum(X[i, j], j);\n        S[i] = s;\n    }\n}\n"
    "tune rows { i in {4, 8, 16, 32}; }\n"
    "kernel twice(in f32 X[M, N], out f32 Y[M, N])\n{\n    grid (i in M, j in N) Y[i, j] = 2 * X[i, j];\n}\n"
    "kernel borders(in f32 X[M, N], out f32 R[M], out f32 C[N])\n"
    "{\n    grid (i in M) R[i] = X[i, 0];\n    grid (j in N) C[j] = X[0, j];\n}\n";

typedef struct setup {
    tg_context *c;
    tg_module *m;
    tg_tuner *t;
    tg_arena *arena;
    tg_problem *p;
    tg_space *s;
    tg_tensor *x[4];
} setup;

static setup start(int32_t n_threads) {
    setup s = {0};
    tg_context_options o = TG_CONTEXT_OPTIONS_INIT;
    tg_tuner_options to = TG_TUNER_OPTIONS_INIT;
    static tg_unwind u;
    o.cache_dir = "";
    o.n_threads = n_threads;
    to.database = "";
    cr_assert_eq(tg_context_create(&o, &s.c), TG_OK);
    cr_assert_eq(tg_module_load_text(s.c, "t.dsl", source, sizeof source - 1, &s.m), TG_OK, "%s", tg_last_error(s.c));
    cr_assert_eq(tg_tuner_create(s.c, &to, &s.t), TG_OK);
    s.arena = tg_arena_create(&tg_allocator_default, &u);
    s.p = TG_NEW(s.arena, tg_problem);
    s.s = TG_NEW(s.arena, tg_space);
    return s;
}

static void stop(setup *s) {
    for (int i = 0; i < 4; i++) {
        tg_tensor_release(s->x[i]);
    }
    tg_arena_destroy(s->arena);
    tg_tuner_destroy(s->t);
    tg_module_destroy(s->m);
    tg_context_destroy(s->c);
}

static tg_argument matrix(setup *s, int i, int64_t rows, int64_t columns) {
    s->x[i] = tg_tensor_create(s->c, TG_F32, columns ? 2 : 1, (int64_t[]){rows, columns});
    cr_assert_eq(tg_tensor_fill_random(s->x[i], (uint64_t)i + 1, -1, 1), TG_OK);
    return tg_argument_tensor(s->x[i]);
}

static void open_space(setup *s, const char *kernel, const tg_argument *values, uint32_t n, bool deterministic) {
    cr_assert_eq(tg_problem_make(s->t, tg_module_kernel(s->m, kernel), values, n, s->arena, s->p), TG_OK, "%s",
                 tg_last_error(s->c));
    tg_space_make(s->p, deterministic, s->s);
    tg_space_add_directives(s->s, tg_context_n_threads(s->c));
}

static const tg_space_param *find(const setup *s, const char *key) {
    for (uint32_t i = 0; i < s->s->n_params; i++) {
        if (strcmp(s->s->params[i].key, key) == 0) {
            return &s->s->params[i];
        }
    }
    return NULL;
}

static bool has_fma(const setup *s) {
    return s->c->machine.has_fma;
}

/* Each single setting of every parameter, through the code generator, which refuses what has no effect. */
static void expect_all_obeyed(setup *s) {
    for (uint32_t i = 0; i < s->s->n_params; i++) {
        for (uint32_t v = 1; v < s->s->params[i].n; v++) {
            tg_point x = {{0}};
            tg_artifact a;
            const char *message = "";
            x.at[i] = (uint8_t)v;
            const char *text = tg_space_text(s->s, &x, s->arena);
            cr_expect_eq(tg_problem_compile(s->p, text, TG_EMIT_PLAN, &a, &message), TG_OK, "%s: %s", text, message);
        }
    }
}

Test(space, a_product_can_vary_what_its_code_obeys) {
    setup s = start(2);
    tg_argument v[] = {matrix(&s, 0, 64, 300), matrix(&s, 1, 300, 70), matrix(&s, 2, 64, 70)};
    open_space(&s, "product", v, 3, false);
    cr_expect_eq(s.s->n_ranked, 3, "m, n, k");
    cr_expect_not_null(find(&s, "order"));
    cr_expect_eq(find(&s, "reg(n), reg(m)") != NULL, has_fma(&s));
    cr_expect_eq(find(&s, "pack(B)") != NULL, has_fma(&s));
    cr_expect_null(find(&s, "pack(C)"));
    cr_expect_null(find(&s, "split(m)"), "an axis of the grid");
    expect_all_obeyed(&s);
    stop(&s);
}

Test(space, reductions_are_split_where_the_grid_is_small) {
    for (int many = 0; many < 2; many++) {
        setup s = start(2);
        int64_t rows = many ? 2000 : 3;
        tg_argument v[] = {matrix(&s, 0, rows, 300), matrix(&s, 1, rows, 0)};
        open_space(&s, "rows", v, 2, false);
        const tg_space_param *split = find(&s, "split(j)");
        cr_expect_eq(split != NULL, !many);
        cr_expect(!split || (split->n == 4 && strcmp(split->text[3], "split(j) = 8") == 0), "parts of 32 and more");
        expect_all_obeyed(&s);
        stop(&s);
    }
    setup s = start(1);
    tg_argument v[] = {matrix(&s, 0, 3, 300), matrix(&s, 1, 3, 0)};
    open_space(&s, "rows", v, 2, false);
    cr_expect_null(find(&s, "split(j)"), "one thread");
    stop(&s);
}

Test(space, what_is_settled_is_not_varied) {
    setup s = start(2);
    tg_argument v[] = {matrix(&s, 0, 64, 300), matrix(&s, 1, 300, 70), matrix(&s, 2, 64, 70)};
    open_space(&s, "settled", v, 3, false);
    cr_expect_eq(s.s->n_ranked, 5, "m, n, k and what the clauses add");
    cr_expect_null(find(&s, "order"), "a schedule item gives it");
    cr_expect_null(find(&s, "reg(n), reg(m)"));
    cr_expect_eq(find(&s, "pack(B)")->n, 2);
    cr_expect_eq(find(&s, "pack(A)") != NULL, has_fma(&s));
    stop(&s);
}

Test(space, deterministic_mode_varies_the_order_of_the_grid_only) {
    setup s = start(2);
    tg_argument v[] = {matrix(&s, 0, 64, 300), matrix(&s, 1, 300, 70), matrix(&s, 2, 64, 70)};
    open_space(&s, "product", v, 3, true);
    cr_expect_eq(s.s->n_ranked, 2, "m, n");
    cr_expect_eq(s.s->n_params, 3);
    cr_expect_not_null(find(&s, "order"));
    stop(&s);
}

Test(space, directives_that_name_one_target_exclude_each_other) {
    setup s = start(1);
    tg_argument v[] = {matrix(&s, 0, 64, 32), matrix(&s, 1, 32, 70), matrix(&s, 2, 70, 24), matrix(&s, 3, 64, 24)};
    open_space(&s, "chain", v, 4, false);
    uint32_t with_m = 0, at[4];
    for (uint32_t i = s.s->n_ranked; i < s.s->n_params && with_m < 4; i++) {
        if (strstr(s.s->params[i].key, "reg(m)")) {
            at[with_m++] = i;
        }
    }
    if (with_m >= 2) {
        tg_point x = {{0}};
        x.at[at[0]] = 1;
        cr_expect(tg_space_legal(s.s, &x));
        x.at[at[1]] = 1;
        cr_expect_not(tg_space_legal(s.s, &x));
    }
    cr_expect(with_m >= 2 || !has_fma(&s));
    stop(&s);
}

/* May lanes along i and j be asked for at once, and is what the space says of them what the target does? */
static void expect_lanes(setup *s, bool both) {
    uint32_t at[2], n = 0;
    for (uint32_t i = s->s->n_ranked; i < s->s->n_params; i++) {
        bool lanes = strncmp(s->s->params[i].key, "vector(", 7) == 0;
        if (lanes && n < 2) {
            at[n++] = i;
        }
    }
    cr_assert_eq(n, 2);
    tg_point x = {{0}};
    tg_artifact a;
    const char *message;
    x.at[at[0]] = 1;
    cr_expect(tg_space_legal(s->s, &x));
    x.at[at[1]] = 1;
    cr_expect_eq(tg_space_legal(s->s, &x), both);
    const char *text = tg_space_text(s->s, &x, s->arena);
    cr_expect_eq(tg_problem_compile(s->p, text, TG_EMIT_PLAN, &a, &message) == TG_OK, both, "%s", text);
}

Test(space, lanes_of_the_same_loops_run_along_one_axis) {
    setup s = start(1);
    tg_argument v[] = {matrix(&s, 0, 64, 70), matrix(&s, 1, 64, 70)};
    open_space(&s, "twice", v, 2, false);
    expect_lanes(&s, false);
    stop(&s);
    s = start(1);
    tg_argument w[] = {matrix(&s, 0, 64, 70), matrix(&s, 1, 64, 0), matrix(&s, 2, 70, 0)};
    open_space(&s, "borders", w, 3, false);
    expect_lanes(&s, true);
    stop(&s);
}

typedef struct launches {
    int n;
    char schedules[64][64];
} launches;

static void note_launch(void *user, const char *schedule, tg_tensor *const *outputs, uint32_t n) {
    launches *l = user;
    (void)outputs;
    (void)n;
    for (int i = 0; i < l->n; i++) {
        if (strcmp(l->schedules[i], schedule) == 0) {
            return;
        }
    }
    cr_assert_lt(l->n, 64);
    snprintf(l->schedules[l->n++], sizeof l->schedules[0], "%s", schedule);
}

static int stop_after_seven(void *user, const tg_tune_progress *p) {
    (void)user;
    return p->n_tried >= 7;
}

Test(space, a_stopped_exhaustive_run_goes_on_where_it_was) {
    setup s = start(1);
    tg_argument v[] = {matrix(&s, 0, 40, 300), matrix(&s, 1, 40, 0)};
    tg_tune_options o = TG_TUNE_OPTIONS_INIT;
    tg_tune_result r = {.struct_size = sizeof r};
    static launches l;
    s.t->after_launch = note_launch;
    s.t->after_user = &l;
    o.exhaustive = 1;
    o.progress = stop_after_seven;
    cr_assert_eq(tg_tune(s.t, tg_module_kernel(s.m, "rows"), v, 2, &o, &r), TG_OK);
    cr_expect_lt(r.n_tried, r.n_space);
    o.progress = NULL;
    l.n = 0;
    cr_assert_eq(tg_tune(s.t, tg_module_kernel(s.m, "rows"), v, 2, &o, &r), TG_OK);
    cr_expect_eq(r.n_space, 5 * 7, "i: left or four; j: left, 16 to 256, 512");
    cr_expect_eq(r.n_tried, r.n_space);
    l.n = 0; /* complete: only the last few are measured again */
    cr_assert_eq(tg_tune(s.t, tg_module_kernel(s.m, "rows"), v, 2, &o, &r), TG_OK);
    cr_expect_eq(r.n_tried, r.n_space);
    cr_expect_leq(l.n, 7, "%d", l.n);
    stop(&s);
}

Test(space, the_model_alone_decides_only_where_it_promises_much) {
    setup s = start(1);
    char text[64];
    tg_tuned_from from;
    tg_argument v[] = {matrix(&s, 0, 300, 300), matrix(&s, 1, 300, 300), matrix(&s, 2, 300, 300)};
    cr_assert_eq(tg_tuner_lookup(s.t, tg_module_kernel(s.m, "product"), v, 3, text, sizeof text, &from), TG_OK);
    cr_expect_eq(from, TG_TUNED_DEFAULT);
    cr_expect_str_eq(text, "");
    /* The same product with a block of one row from the source's own point of view: what another choice promises is large. */
    open_space(&s, "product", v, 3, false);
    tg_point x = {{0}};
    double own = tg_model_ns(s.s, &x, 1);
    for (uint32_t i = 0; i < s.p->func->axes.len; i++) {
        s.s->own_block[i] = 1;
    }
    cr_expect_gt(tg_model_ns(s.s, &x, 1), 1.75 * own);
    stop(&s);
}
