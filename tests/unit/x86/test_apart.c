/* Atomic operations as plain ones: only where no two tasks change the same element, which is watched here task by task. */
#include "base/packing.h"
#include "tests/support/x86_run.h"

#include <criterion/criterion.h>

#include <stdlib.h>

enum { ROWS = 5, TOKENS = 203, MOST = 4096 };

/* Y[I[t], d] += X[t, d]; Z takes the value that was there. */
#define ADD_ROWS(attributes)                                                                                                        \
    "func @add_rows(in %X: tensor<2 x f32>, in %I: tensor<1 x i32>, inout %Y: tensor<2 x f32>, out %Z: tensor<2 x f32>)\n"       \
    "  axes { #t grid, #d grid }\n"                                                                                                  \
    "{\n"                                                                                                                           \
    "  %T = dim %X {d=0} : i64\n"                                                                                                   \
    "  %D = dim %X {d=1} : i64\n"                                                                                                   \
    "  %zero = const {value=0} : i64\n"                                                                                             \
    "  phase () {\n"                                                                                                                \
    "    par %T, %zero, %T {axis=#t} () {\n"                                                                                        \
    "      par %D, %zero, %D {axis=#d} () {\n"                                                                                      \
    "        %t = iota {axis=#t} : tile<#t x i64>\n"                                                                                \
    "        %d = iota {axis=#d} : tile<#d x i64>\n"                                                                                \
    "        %i = load %I, %t : tile<#t x i32>\n"                                                                                   \
    "        %v = cast %i : tile<#t x i64>\n"                                                                                       \
    "        %x = load %X, %t, %d : tile<#t, #d x f32>\n"                                                                           \
    "        %o = atomic %Y, %x, %v, %d {" attributes "} : tile<#t, #d x f32>\n"                                                    \
    "        store %Z, %o, %t, %d\n"                                                                                                \
    "      }\n"                                                                                                                     \
    "    }\n"                                                                                                                       \
    "  }\n"                                                                                                                         \
    "}\n"

/* What a launch did. */
typedef struct watch {
    const float *elements;
    int64_t n, n_tasks, met; /* met: elements that two tasks changed */
    int64_t owner[MOST];     /* the task that changed it, and one; 0: none */
    tg_task_fn fn;
} watch;

static void note_changes(watch *w, const float *before, int64_t task) {
    for (int64_t i = 0; i < w->n; i++) {
        if (before[i] != w->elements[i]) {
            w->met += w->owner[i] && w->owner[i] != task + 1;
            w->owner[i] = task + 1;
        }
    }
}

static int32_t run_tasks(const tg_rt *rt, tg_task_fn fn, const void *frame, int64_t n, int64_t scratch) {
    watch *w = rt->owner;
    tg_worker worker = {aligned_alloc(64, ((size_t)scratch + 127) / 64 * 64), scratch, 0, 0, NULL, NULL, NULL, tg_pack_panels, tg_pack_tiles};
    float before[MOST];
    int32_t s = 0;
    w->fn = fn;
    w->n_tasks = n;
    for (int64_t i = 0; i < n && !s; i++) {
        memcpy(before, w->elements, sizeof *before * (size_t)w->n);
        s = fn(frame, i, i + 1, &worker);
        note_changes(w, before, i);
    }
    free(worker.scratch);
    return s;
}

/* Adds rows of ones to Y and checks the sums and the old values, which grow by one in the order of the tokens. */
static watch launch(const x86_kernel *k, int64_t columns, int32_t n_threads, bool in_order) {
    static float x[TOKENS * MOST / ROWS], y[MOST], z[TOKENS * MOST / ROWS];
    int32_t ids[TOKENS];
    int64_t hits[ROWS] = {0};
    for (int t = 0; t < TOKENS; t++) {
        ids[t] = t * 3 % (ROWS + 2) - 1; /* -1 and ROWS are dropped */
        for (int64_t d = 0; d < columns; d++) {
            x[t * columns + d] = 1;
        }
    }
    memset(y, 0, sizeof y);
    tg_tensor_arg ax = x86_matrix(x, TOKENS, columns), ay = x86_matrix(y, ROWS, columns), az = x86_matrix(z, TOKENS, columns);
    tg_tensor_arg ai = {.data = ids, .shape = {TOKENS}, .stride = {1}};
    watch w = {.elements = y, .n = ROWS * columns};
    tg_rt rt = {.abi_version = TG_ABI_VERSION, .n_threads = n_threads, .parallel = run_tasks, .owner = &w};
    cr_assert_eq(k->entry(&rt, (const void *[]){&ax, &ai, &ay, &az}), 0);
    for (int t = 0; t < TOKENS; t++) {
        bool inside = ids[t] >= 0 && ids[t] < ROWS;
        for (int64_t d = 0; d < columns && in_order; d++) {
            cr_expect_eq(z[t * columns + d], inside ? (float)hits[ids[t]] : 0.0f, "old value %d, %d", t, (int)d);
        }
        hits[inside ? ids[t] : 0] += inside;
    }
    for (int64_t i = 0; i < ROWS * columns; i++) {
        cr_expect_eq(y[i], (float)hits[i / columns], "element %d", (int)i);
    }
    return w;
}

Test(apart, tasks_never_meet) {
    x86_kernel *k = x86_open(ADD_ROWS("fn=add"), &(x86_options){0});
    cr_assert(!k->error, "%s", k->error);
    watch alone = launch(k, 3, 1, true);
    watch columns = launch(k, 131, 4, true); /* each task has columns of its own */
    cr_expect_eq(columns.fn, alone.fn);
    cr_expect_geq(columns.n_tasks, 4);
    cr_expect_eq(columns.met, 0);
    watch few = launch(k, 3, 4, true); /* too few columns for so many threads: tasks share them */
    cr_expect_neq(few.fn, alone.fn);
    cr_expect_gt(few.met, 0);
    x86_close(k);
}

/* Other orders are about more than this phase. */
Test(apart, orders_are_kept) {
    x86_kernel *k = x86_open(ADD_ROWS("fn=add, order=acq_rel"), &(x86_options){0});
    cr_assert(!k->error, "%s", k->error);
    cr_expect_eq(launch(k, 131, 4, false).fn, launch(k, 131, 1, false).fn);
    x86_close(k);
}

Test(apart, in_lanes) {
    x86_kernel *k = x86_open(ADD_ROWS("fn=add"), &(x86_options){.emit = TG_EMIT_ASM});
    cr_assert(!k->error, "%s", k->error);
    cr_expect(strstr(k->object.asm_text, "addps"));
    cr_expect(strstr(k->object.asm_text, "cmpxchg"), "where tasks may meet");
    x86_close(k);
}
