/* Every allocation of a session with a tuner fails in turn: calls report it or do without (a candidate that could not be made is no
 * error), nothing leaks, nothing crashes. */
#include "tegula/tegula.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/failing_alloc.h"
#include "tests/support/temp_dir.h"

static const char source[] =
    "kernel product(in f32 A[M, K], in f32 B[K, N], out f32 C[M, N])\n"
    "{\n    grid (m in M, n in N) {\n        f32 acc[m, n] = 0;\n"
    "        for (k in K) acc += dot(A[m, k], B[k, n], k);\n        C[m, n] = acc;\n    }\n}\n"
    "tune product { m in {4}; n, k in {8}; require m != 4 || n == 8; }\n";

static int stop_after_two(void *user, const tg_tune_progress *p) {
    (void)user;
    return p->n_tried > 2;
}

static int see(void *user, const tg_candidate *c) {
    ++*(int *)user;
    return c->n_samples < 0;
}

/* All functions of tegula/autotune.h. */
static tg_status use_tuner(tg_tuner *t, tg_kernel *k, const tg_argument *values, uint32_t n_values,
                           const char *file) {
    tg_tune_options o = TG_TUNE_OPTIONS_INIT;
    tg_tune_result r = {.struct_size = sizeof r};
    char text[64];
    int n = 0;
    int64_t rows = 0;
    tg_tuned_from from;
    o.n_first = 1;
    o.budget_s = 5;
    o.progress = stop_after_two;
    tg_status s = tg_tune(t, k, values, n_values, &o, &r);
    s = s ? s : tg_tuner_lookup(t, k, values, n_values, text, sizeof text, &from);
    s = s ? s : tg_tuner_candidates(t, k, values, n_values, see, &n);
    s = s ? s : tg_tuner_ship(t, file, 0);
    s = s ? s : tg_tuner_export(t, file);
    s = s ? s : tg_tuner_import(t, file, &rows);
    s = s ? s : tg_tuner_attach(t);
    return s ? s : tg_launch(k, values, n_values);
}

static tg_status use_context(tg_context *c, tg_module *m, const char *file) {
    tg_tuner_options to = TG_TUNER_OPTIONS_INIT;
    tg_tuner *t = NULL;
    to.database = "";
    to.shipped = file;
    tg_tensor *a = tg_tensor_create(c, TG_F32, 2, (int64_t[]){9, 5}), *b = tg_tensor_create(c, TG_F32, 2, (int64_t[]){5, 17}),
              *p = tg_tensor_create(c, TG_F32, 2, (int64_t[]){9, 17});
    tg_status s = a && b && p ? tg_tuner_create(c, &to, &t) : TG_ERROR_OUT_OF_MEMORY;
    s = s ? s : use_tuner(t, tg_module_kernel(m, "product"), TG_ARGS(a, b, p), file);
    tg_tuner_destroy(t);
    tg_tensor_release(a);
    tg_tensor_release(b);
    tg_tensor_release(p);
    return s;
}

static tg_status session(failing_alloc *a, long fail_at, const char *file) {
    tg_context_options o = TG_CONTEXT_OPTIONS_INIT;
    o.cache_dir = "";
    o.n_threads = 1;
    o.allocator = &a->allocator;
    tg_context *c;
    tg_module *m = NULL;
    failing_alloc_reset(a, 0); /* contexts and modules are the sweep of tests/unit/api */
    cr_assert_eq(tg_context_create(&o, &c), TG_OK);
    cr_assert_eq(tg_module_load_text(c, "product.dsl", source, sizeof source - 1, &m), TG_OK);
    failing_alloc_reset(a, fail_at);
    tg_status s = use_context(c, m, file);
    tg_module_destroy(m);
    tg_context_destroy(c);
    return s;
}

enum { PARTS = 4 }; /* tests run at once, and each has its time: one session is a tuning run */

/* Every fourth allocation from this one on. */
static void sweep(long first) {
    failing_alloc a;
    failing_alloc_init(&a);
    const char *dir = test_temp_dir();
    char file[128];
    snprintf(file, sizeof file, "%s/rows.json", dir);
    long n = first, reported = 0;
    for (;; n += PARTS) {
        FILE *f = fopen(file, "w"); /* what ships: the reading of it is swept as well */
        fprintf(f, "{\"tegula_tuning\": 1, \"tegula\": \"%s\", \"results\": [], \"winners\": []}",
                tg_version_string());
        cr_assert_eq(fclose(f), 0);
        tg_status s = session(&a, n, file);
        cr_assert(s == TG_OK || s == TG_ERROR_OUT_OF_MEMORY, "allocation %ld: %s", n, tg_status_name(s));
        cr_assert_eq(a.live, 0, "allocation %ld: %ld leaked", n, a.live);
        reported += s != TG_OK;
        if (a.n < n) {
            break; /* all have failed once */
        }
    }
    cr_assert(n > 50 && reported > 20 / PARTS, "%ld of %ld", reported, n);
    test_remove_dir(dir);
}

#define PART(number)                                                                           \
    Test(tune_memory, every_failure_is_reported_or_harmless_##number, .timeout = 300) {        \
        sweep(number);                                                                         \
    }
PART(1)
PART(2)
PART(3)
PART(4)
