/* Golden tests of passes. A file of tests/passes is
 *
 *   // RUN: canon,dce          the passes
 *   func @before …             the input
 *   // EXPECT
 *   func @after …              what they make of it, exactly
 *
 * TG_UPDATE_GOLDEN=1 in the environment rewrites what is expected; read the difference before
 * committing it. Every text of tests/ir also goes through every pass and through the
 * standard list, verified after each. */
#include "dsl/passes/passes.h"
#include "tests/support/ir_text.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char run_mark[] = "// RUN: ", expect_mark[] = "// EXPECT\n";

static void update(ir_text *t, const char *path, const char *text, const char *end,
                   const char *after) {
    FILE *file = fopen(tg_arena_printf(t->arena, "%s/%s", TG_SOURCE_DIR, path), "wb");
    cr_assert_not_null(file);
    fprintf(file, "%.*s%s%s", (int)(end - text), text, expect_mark, after);
    fclose(file);
}

static void golden(const char *path, void *user) {
    ir_text *t = user;
    const char *text = ir_text_load(t, path);
    cr_assert(strncmp(text, run_mark, strlen(run_mark)) == 0, "%s does not start with RUN",
              path);
    const char *list = text + strlen(run_mark), *mark = strstr(text, expect_mark);
    const char *end = mark ? mark : text + strlen(text);
    tg_func *f = ir_text_read(t, tg_arena_strndup(t->arena, text, (size_t)(end - text)));
    cr_assert_not_null(f, "%s: %s", path, ir_text_diags(t));
    tg_pass_options options = {.verify_each = true};
    const char *error = tg_ir_verify(f, t->arena);
    cr_assert_null(error, "%s: %s", path, error);
    error =
        tg_pass_run_list(f, tg_arena_strndup(t->arena, list, strcspn(list, "\n")), &options);
    cr_expect_null(error, "%s: %s", path, error);
    const char *after = ir_text_print(t, f);
    if (getenv("TG_UPDATE_GOLDEN")) {
        update(t, path, text, end, after);
        return;
    }
    cr_assert_not_null(mark, "%s has no EXPECT", path);
    cr_expect_str_eq(after, mark + strlen(expect_mark), "%s: got\n%s", path, after);
}

Test(passes, golden) {
    ir_text t;
    ir_text_init(&t);
    cr_expect_geq(ir_text_each(&t, "tests/passes", ".tir", golden, &t), 15u);
    ir_text_fini(&t);
}

static void run_all(const char *path, void *user) {
    const char *text = ir_text_load(user, path);
    for (uint32_t i = 0; i <= TG_PASS_COUNT; i++) {
        ir_text t;
        ir_text_init(&t);
        tg_func *f = ir_text_read(&t, text);
        cr_assert_not_null(f, "%s", path);
        tg_pass_options options = {.verify_each = true};
        const char *list =
            i < TG_PASS_COUNT ? tg_pass_of((tg_pass_id)i)->name : TG_PASSES_STANDARD;
        const char *error = tg_pass_run_list(f, list, &options);
        cr_expect_null(error, "%s, %s: %s", path, list, error);
        const char *once = ir_text_print(&t, f);
        if (i == TG_PASS_canon || i == TG_PASS_cse || i == TG_PASS_dce ||
            i == TG_PASS_licm) { /* idempotent */
            cr_expect_null(tg_pass_run_list(f, list, &options));
            cr_expect_str_eq(ir_text_print(&t, f), once, "%s: %s does more when run twice",
                             path, list);
        }
        ir_text_fini(&t);
    }
}

Test(passes, every_text_through_every_pass) {
    ir_text t;
    ir_text_init(&t);
    ir_text_each(&t, "tests/ir", ".tir", run_all, &t);
    ir_text_fini(&t);
}

static void count_call(void *user, const char *pass, const tg_func *f) {
    ++*(uint32_t *)user;
    cr_expect(pass && f);
}

Test(passes, manager) {
    ir_text t;
    ir_text_init(&t);
    tg_func *f = ir_text_read(&t, ir_text_load(&t, "tests/ir/gemm.tir"));
    uint32_t calls = 0;
    double seconds[TG_PASS_COUNT] = {0};
    tg_pass_options options = {
        .verify_each = true, .after = count_call, .user = &calls, .seconds = seconds};
    cr_expect_null(tg_pass_run_list(f, "canon,dce,cse", &options));
    cr_expect_eq(calls, 3u);
    options.limit = 1;
    cr_expect_null(tg_pass_run_list(f, "canon,dce", &options));
    cr_expect_eq(calls, 4u);
    cr_expect_not_null(strstr(tg_pass_run_list(f, "canon,polish", NULL), "polish"));
    ir_text_fini(&t);
}
