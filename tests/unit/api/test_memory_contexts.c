/* Every allocation fails in turn in contexts of other kinds than that of test_memory_failure.c: with files (a module that imports another, compiled
 * kernels on disk, found or not), checked, printing, and with code for shapes that come often. What a program can do without is not reported (a
 * file of the cache, code for one shape); everything else is, nothing leaks, nothing crashes. */
#include "tegula/tegula.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/failing_alloc.h"
#include "tests/support/temp_dir.h"

static const char imported[] = "fn twice(f32 x) -> f32 { return 2 * x; }\n";
static const char source[] =
    "import \"./tool\";\n"
    "kernel rows(in f32 X[M, N], in i32 at[M], out f32 Y[M, N])\n    where unique(at), at < M\n"
    "{\n    grid (i in M, j in N) {\n        assert(X[i, j] < 9, \"at {}\", i);\n        print(\"{}\", X[i, j]);\n"
    "        Y[i, j] = tool.twice(X[at[i], j]);\n    }\n}\n";

enum { M = 3, N = 5, TIMES = 6 };

typedef struct way {
    const char *name;
    const char *dir; /* null: no files of compiled kernels */
    bool found;      /* they are there */
    int32_t checked, often;
} way;

static void drop(void *user, const char *text, size_t length) {
    (void)text;
    *(size_t *)user += length;
}

static tg_status use_call(tg_kernel *k, tg_tensor *x, tg_tensor *at, tg_tensor *y) {
    float other[M * N];
    tg_call *call;
    tg_status s = tg_call_create(k, TG_ARGS(x, at, y), NULL, &call);
    s = s ? s : tg_call_run_on(call, (void *[]){NULL, NULL, other}, 3);
    s = s ? s : tg_call_rebind(call, TG_ARGS(y, at, x));
    tg_call_destroy(call);
    return s;
}

static tg_status use_kernel(tg_context *c, tg_kernel *k) {
    float numbers[M * N] = {0};
    tg_kernel_spec spec = {.struct_size = sizeof spec};
    tg_tensor *x = tg_tensor_from_memory(c, TG_F32, 1, (int64_t[]){M * N}, NULL, numbers, NULL, NULL);
    tg_tensor *view = tg_tensor_view(x, 2, (int64_t[]){M, N}, (int64_t[]){N, 1}, 0);
    tg_tensor *at = tg_tensor_create(c, TG_I32, 1, (int64_t[]){M}), *y = tg_tensor_create(c, TG_F32, 2, (int64_t[]){M, N});
    tg_status s = view && at && y ? tg_kernel_prepare(k, &spec) : TG_ERROR_OUT_OF_MEMORY;
    for (int32_t i = 0; i < M && s == TG_OK; i++) {
        ((int32_t *)tg_tensor_data(at))[i] = M - 1 - i;
    }
    for (int i = 0; i < TIMES && s == TG_OK; i++) {
        s = tg_launch(k, TG_ARGS(view, at, y));
    }
    tg_status waited = tg_kernel_wait(k); /* for code for this shape */
    cr_expect(waited == TG_OK || waited == TG_ERROR_OUT_OF_MEMORY, "%s", tg_status_name(waited));
    s = s ? s : use_call(k, view, at, y);
    tg_tensor_release(x);
    tg_tensor_release(view);
    tg_tensor_release(at);
    tg_tensor_release(y);
    return s;
}

static tg_status session(const way *w, const tg_allocator *a, const char *file) {
    size_t printed = 0;
    tg_context_options o = TG_CONTEXT_OPTIONS_INIT;
    o.cache_dir = w->dir ? w->dir : "";
    o.checked = w->checked;
    o.specialise_after = w->often;
    o.n_threads = 2;
    o.allocator = a;
    o.print = drop;
    o.print_user = &printed;
    tg_context *c;
    tg_module *m = NULL;
    tg_status s = tg_context_create(&o, &c);
    s = s ? s : tg_module_load_file(c, file, &m);
    s = s ? s : use_kernel(c, tg_module_kernel_at(m, 0));
    cr_expect(s != TG_OK || printed > 0, "%s", w->name);
    tg_module_destroy(m);
    tg_context_destroy(c);
    return s;
}

static void sweep(const way *w, const char *file) {
    failing_alloc a;
    failing_alloc_init(&a);
    long n = 0, reported = 0;
    for (bool failed = true; failed;) {
        failing_alloc_reset(&a, ++n);
        if (w->dir && !w->found) {
            test_empty_dir(w->dir);
        }
        tg_status s = session(w, &a.allocator, file);
        cr_assert(s == TG_OK || s == TG_ERROR_OUT_OF_MEMORY, "%s, allocation %ld: %s", w->name, n, tg_status_name(s));
        cr_assert_eq(a.live, 0, "%s, allocation %ld: %ld leaked", w->name, n, a.live);
        reported += s != TG_OK;
        failed = a.n >= n;
        cr_assert(n < 5000, "%s", w->name);
    }
    cr_expect(n > 20 && reported > 15, "%s: %ld of %ld", w->name, reported, n);
}

static void write_file(char *path, size_t size, const char *dir, const char *name, const char *text) {
    snprintf(path, size, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    cr_assert(f && fputs(text, f) >= 0);
    cr_assert_eq(fclose(f), 0);
}

Test(memory, every_failure_in_other_contexts, .timeout = 120) {
    const char *dir = test_temp_dir();
    char tool[128], file[128], cache[128];
    write_file(tool, sizeof tool, dir, "tool.dsl", imported);
    write_file(file, sizeof file, dir, "rows.dsl", source);
    snprintf(cache, sizeof cache, "%s/cache", dir);
    const way ways[] = {{"files, empty", cache, false, 0, -1},
                        {"files, full", cache, true, 0, -1},
                        {"checked", NULL, false, 1, -1},
                        {"often", NULL, false, 0, 2}};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        sweep(&ways[i], file);
    }
    test_remove_dir(cache);
    test_remove_dir(dir);
}
