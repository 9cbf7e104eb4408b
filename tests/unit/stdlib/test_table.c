/* stdlib.def, the kernels, ops.h and docs/stdlib.md agree with each other. */
#include "base/io.h"
#include "dsl/parser/std_modules.h"
#include "stdlib/stdlib.h"
#include "tegula/tegula.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "tools/gen_stdlib_doc.h"

extern const tg_std_module tg_stdlib_files[];

static tg_context *make_context(void) {
    tg_context_options o = TG_CONTEXT_OPTIONS_INIT;
    tg_context *c = NULL;
    o.cache_dir = "";
    cr_assert_eq(tg_context_create(&o, &c), TG_OK, "%s", tg_last_error(NULL));
    return c;
}

static char *read_text(tg_arena *arena, const char *path) {
    char *text;
    size_t n;
    cr_assert_eq(tg_io_read_file(arena, path, 1 << 22, &text, &n), TG_OK, "%s", path);
    return text;
}

Test(stdlib_table, docs_are_up_to_date) {
    tg_context *c = make_context();
    tg_arena *arena = tg_arena_create(&tg_allocator_default, NULL);
    tg_strbuf out;
    tg_strbuf_init(&out, arena);
    cr_assert(gen_stdlib_doc(c, &out), "%s", tg_last_error(c));
    cr_expect(strcmp(out.data, read_text(arena, TG_SOURCE_DIR "/docs/stdlib.md")) == 0,
              "run bin/gen_stdlib_doc > docs/stdlib.md");
    tg_arena_destroy(arena);
    tg_context_destroy(c);
}

/* Names of the parameters of the prototype of `function`, in order, separated by blanks; false if there is none. */
static bool read_prototype(const char *header, const char *function, char *names, size_t size) {
    char pattern[128];
    (void)tg_format(pattern, sizeof pattern, "TG_API tg_status %s(", function);
    const char *at = strstr(header, pattern);
    if (!at) {
        return false;
    }
    size_t used = 0;
    const char *end = strchr(at, ')');
    for (const char *p = at + strlen(pattern); p < end; p = strpbrk(p, ",)") + 1) {
        const char *last = strpbrk(p, ",)"), *first = last;
        while (isalnum((unsigned char)first[-1]) || first[-1] == '_') {
            first--;
        }
        used += tg_format(names + used, size - used, "%.*s ", (int)(last - first), first);
    }
    return true;
}

/* A function whose parameters are the kernel's has them in the same order, in lower case. */
static void expect_same_parameters(tg_context *c, tg_std_row row, const char *names) {
    char expected[512] = "context ";
    tg_kernel *k = tg_stdlib_kernel(c, tg_std_table[row].name);
    cr_assert_not_null(k, "%s", tg_last_error(c));
    size_t used = strlen(expected);
    for (uint32_t i = 0; i < k->signature->n_params; i++) {
        used += tg_format(expected + used, sizeof expected - used, "%s ",
                          k->signature->params[i].name);
    }
    for (char *p = expected; *p; p++) {
        *p = (char)tolower((unsigned char)*p);
    }
    cr_expect_str_eq(names, expected, "tg_op_%s of ops.h", tg_std_table[row].name);
}

Test(stdlib_table, header_agrees_with_the_kernels) {
    tg_context *c = make_context();
    tg_arena *arena = tg_arena_create(&tg_allocator_default, NULL);
    const char *header = read_text(arena, TG_SOURCE_DIR "/include/tegula/ops.h");
    for (uint32_t i = 0; i < TG_STD_COUNT; i++) {
        const tg_std_info *r = &tg_std_table[i];
        char own[128], names[512] = "";
        (void)tg_format(own, sizeof own, "tg_op_%s", r->name);
        bool found = read_prototype(header, r->via ? r->via : own, names, sizeof names);
        cr_expect(found, "ops.h does not declare %s", r->via ? r->via : own);
        if (found && !r->via) {
            expect_same_parameters(c, (tg_std_row)i, names);
        }
    }
    tg_arena_destroy(arena);
    tg_context_destroy(c);
}

/* Length of a function's name without what it does for the row: lay out an operand, or say how. */
static size_t n_without_role(const char *name) {
    static const char *const roles[] = {"_pack", "_extents"};
    size_t n = strlen(name);
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        size_t role = strlen(roles[i]);
        if (n > strlen("tg_op_") + role && strcmp(name + n - role, roles[i]) == 0) {
            return n - role;
        }
    }
    return n;
}

Test(stdlib_table, every_function_of_the_header_is_a_row) {
    tg_arena *arena = tg_arena_create(&tg_allocator_default, NULL);
    const char *header = read_text(arena, TG_SOURCE_DIR "/include/tegula/ops.h");
    unsigned n = 0;
    for (const char *p = header; (p = strstr(p, "TG_API tg_status tg_op_")); n++) {
        p += strlen("TG_API tg_status ");
        char name[64];
        (void)tg_format(name, sizeof name, "%.*s", (int)strcspn(p, "("), p);
        size_t n_via = n_without_role(name);
        char row[64];
        (void)tg_format(row, sizeof row, "%.*s", (int)(n_via - strlen("tg_op_")), name + strlen("tg_op_"));
        bool used = tg_std_find(row) < TG_STD_COUNT;
        for (uint32_t i = 0; i < TG_STD_COUNT; i++) {
            const char *via = tg_std_table[i].via;
            used = used || (via && strlen(via) == n_via && strncmp(via, name, n_via) == 0);
        }
        cr_expect(used, "no row of stdlib.def is launched by %s", name);
    }
    cr_expect_geq(n, 15u);
    tg_arena_destroy(arena);
}

/* Kernels over packed rows leave those that belong to no sequence or group as they are (ops.h says so): W0805 with that reason is all
 * they may be warned about. The gradient of a convolution in three dimensions stores place h of stride z, where h is a digit of a number. fft_rader writes through a table of powers, whose values are 1 … N - 1 in another order; fft_untangle writes k and H - k of half the extent, which meet in the middle, so that counting says
 * nothing; its reference checks every element. Gradients of norms of rows take 32 rows at a time, which is more than the rules prove. */
static bool warns_as_expected(const char *text) {
    static const char *const known[] = {"runs over a part of its extent",
                                        "z * stride_d + h",
                                        "scaled_by(T(complex(re(first) + im(first)",
                                        "Y[a, c, int(R[m])]",
                                        "unchecked dX[i, j]"};
    const char *next = strstr(text, "warning[");
    while (next) {
        const char *first = next, *reason = NULL;
        next = strstr(first + 1, "warning[");
        for (size_t i = 0; i < sizeof known / sizeof *known && !reason; i++) {
            reason = strstr(first, known[i]);
            reason = next && reason > next ? NULL : reason;
        }
        if (strncmp(first, "warning[W0805]", 14) != 0 || !reason) {
            return false;
        }
    }
    return true;
}

/* With all checks, which the library leaves out when it loads them. */
Test(stdlib_table, every_kernel_is_a_row) {
    tg_context *c = make_context();
    for (const tg_std_module *f = tg_stdlib_files; f->path; f++) {
        tg_module *m = NULL;
        cr_assert_eq(tg_module_load_text(c, f->path, f->text, f->len, &m), TG_OK, "%s", tg_last_error(c));
        cr_expect(warns_as_expected(tg_module_warnings(m)), "%s", tg_module_warnings(m));
        for (uint32_t i = 0; i < tg_module_n_kernels(m); i++) {
            const char *name = tg_kernel_name(tg_module_kernel_at(m, i));
            tg_std_row row = tg_std_find(name);
            cr_assert(row < TG_STD_COUNT, "%s has a kernel '%s' that stdlib.def lacks", f->path,
                      name);
            cr_expect_str_eq(tg_std_table[row].file, f->path + 4);
        }
        tg_module_destroy(m);
    }
    tg_context_destroy(c);
}

Test(stdlib_table, gradients_are_rows) {
    for (uint32_t i = 0; i < TG_STD_COUNT; i++) {
        const char *grad = tg_std_table[i].grad;
        cr_expect(!grad || tg_std_find(grad) < TG_STD_COUNT, "%s: %s", tg_std_table[i].name,
                  grad);
        cr_expect(strchr("XCUR", tg_std_table[i].error[0]) && !tg_std_table[i].error[1]);
    }
}

static bool some_names(void *user, const char *name, size_t n, double *value) {
    (void)user;
    *value = n == 1 && *name == 'M' ? 3 : 5;
    return n == 1 && (*name == 'M' || *name == 'N');
}

static double value_of(const char *formula) {
    double v;
    return tg_std_evaluate(formula, some_names, NULL, &v) ? v : -1;
}

Test(stdlib_table, formulas) {
    cr_expect_eq(value_of("2*M*N + 4*M - 1"), 41);
    cr_expect_eq(value_of("(M + N)*2/4"), 4);
    cr_expect_eq(value_of("min(M, N) + max(M, N)*log2(8)"), 18);
    cr_expect_eq(value_of("0.5*M"), 1.5);
    static const char *const wrong[] = {"",       "2*",   "M N", "Q",    "(M",
                                        "min(M)", "f(M)", "M)",  "2**M", "log2(M, N)"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_expect_eq(value_of(wrong[i]), -1, "%s", wrong[i]);
    }
    char deep[256];
    memset(deep, '(', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    cr_expect_eq(value_of(deep), -1);
}

Test(stdlib_table, unknown_names) {
    tg_context *c = make_context();
    tg_module *m;
    cr_expect_null(tg_stdlib_kernel(c, "sofmax"));
    cr_expect_not_null(strstr(tg_last_error(c), "did you mean 'softmax'"));
    cr_expect_eq(tg_stdlib_module(c, "?", &m), TG_ERROR_NOT_FOUND);
    cr_expect_eq(tg_stdlib_module(NULL, "softmax", &m), TG_ERROR_INVALID_ARGUMENT);
    cr_expect_eq(tg_stdlib_launch(c, "sofmax", NULL, 0), TG_ERROR_NOT_FOUND);
    cr_expect_eq(tg_stdlib_launch(c, "softmax", NULL, 2), TG_ERROR_INVALID_ARGUMENT);
    tg_context_destroy(c);
}

/* A changed copy of a file is used instead of the embedded one. */
Test(stdlib_table, path_for_development) {
    char dir[] = "/tmp/tegula-stdlib-XXXXXX", path[128];
    cr_assert_not_null(mkdtemp(dir));
    (void)tg_format(path, sizeof path, "%s/rows.dsl", dir);
    static const char text[] =
        "kernel softmax(in f32 X[M], out f32 Y[M])\n{\n    grid (i in M) "
        "Y[i] = 7 * X[i];\n}\n";
    cr_assert_eq(tg_io_write_file(path, text, sizeof text - 1), TG_OK);
    setenv("TEGULA_STDLIB_PATH", dir, 1);
    tg_context *c = make_context();
    int64_t one = 1;
    tg_tensor *x = tg_tensor_create(c, TG_F32, 1, &one),
              *y = tg_tensor_create(c, TG_F32, 1, &one);
    *(float *)tg_tensor_data(x) = 2;
    cr_expect_eq(tg_stdlib_launch(c, "softmax", TG_ARGS(x, y)), TG_OK, "%s", tg_last_error(c));
    cr_expect_eq(*(float *)tg_tensor_data(y), 14);
    cr_expect_eq(tg_stdlib_launch(c, "matmul", NULL, 0), TG_ERROR_NOT_FOUND);
    tg_tensor_release(x);
    tg_tensor_release(y);
    tg_context_destroy(c);
}
