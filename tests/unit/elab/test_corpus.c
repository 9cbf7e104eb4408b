/* Every kernel of the corpus, of std/ and of the specification's examples elaborates for every
 * type and verifies. */
#include "base/io.h"
#include "tests/unit/elab/load.h"

#include <criterion/criterion.h>
#include <string.h>

static void check_file(const char *path, unsigned least) {
    loaded l;
    load_file(&l, path);
    cr_expect_eq(l.diags.n_errors, 0, "%s:\n%s", path, rendered(&l));
    unsigned n = instantiate_all(&l);
    cr_expect_geq(n, least, "%s: %u instances", path, n);
    unload(&l);
}

Test(corpus, every_kernel_for_every_type) {
    check_file("tests/corpus/a_basic.dsl", 30);
    check_file("tests/corpus/b_attention.dsl", 10);
    check_file("tests/corpus/c_conv.dsl", 20);
    check_file("tests/corpus/d_norm.dsl", 30);
    check_file("tests/corpus/e_misc.dsl", 60);
    check_file("tests/corpus/f_std.dsl", 11);
    check_file("tests/corpus/g_grid.dsl", 8);
    check_file("tests/corpus/h_image.dsl", 10);
    check_file("tests/corpus/i_programs.dsl", 8);
    check_file("tests/corpus/j_pixels.dsl", 4);
    check_file("tests/corpus/k_searches.dsl", 5);
}

/* The blocks ```c … ``` of the chapter "Worked kernels" form one module, except that names may
 * repeat between blocks. */
Test(corpus, examples_of_the_specification) {
    loaded l;
    load_text(&l, "none", "");
    char *text;
    size_t len;
    cr_assert_eq(
        tg_io_read_file(l.arena, TG_SOURCE_DIR "/docs/language.md", 1 << 20, &text, &len),
        TG_OK);
    const char *at = strstr(text, "## 13.");
    unsigned blocks = 0;
    cr_assert_not_null(at);
    tg_strbuf prelude;
    tg_strbuf_init(&prelude, l.arena);
    tg_strbuf_puts(&prelude, "import \"std/nn\": gelu;\nconst f32 LOG2E = "
                             "1.4426950408889634;\nconst f32 LN2 = 0.6931471805599453;\n");
    for (; (at = strstr(at, "```c\n")) != NULL; blocks++) {
        const char *begin = at + 5, *end = strstr(begin, "```");
        cr_assert_not_null(end);
        tg_strbuf module;
        tg_strbuf_init(&module, l.arena);
        bool own = strncmp(begin, "const f32 LOG2E", 15) == 0;
        tg_strbuf_puts(&module, own ? "" : prelude.data);
        tg_strbuf_put(&module, begin, (size_t)(end - begin));
        loaded m;
        load_text(&m, "language.md", module.data);
        cr_expect_eq(m.diags.n_errors, 0, "%s", rendered(&m));
        cr_expect_geq(instantiate_all(&m), 1u);
        unload(&m);
        at = end + 3;
    }
    cr_expect_geq(blocks, 8u);
    unload(&l);
}
