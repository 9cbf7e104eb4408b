/* Syntax errors: every code has an example, edits repair the program, recovery reports
 * independent errors once. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "parse_fixture.h"

#define IN_GRID(statement)                                                                     \
    "kernel k(in f32 X[N])\n{\n    grid (i in N) {\n        " statement "\n    }\n}\n"

static void expect_one(const char *text, tg_diag_code code, const char *message) {
    parsed *p = parse_text(text, strlen(text));
    cr_expect(p->diags.list.len == 1, "%s\nexpected one diagnostic\n%s", text, p->messages);
    cr_expect(parsed_has(p, code), "%s\nexpected %s\n%s", text, tg_diag_code_name(code),
              p->messages);
    cr_expect(strstr(p->messages, message), "%s\nexpected \"%s\"\n%s", text, message,
              p->messages);
    parsed_free(p);
}

Test(syntax_errors, every_code) {
    expect_one(IN_GRID("let x = a \xC3\x97 b;"), TG_E0101, "U+00D7");
    expect_one(IN_GRID("let x = a $ b;"), TG_E0101, "unexpected character `$`");
    expect_one(IN_GRID("let x = a \xFF b;"), TG_E0101, "0xFF");
    expect_one(IN_GRID("print(\"\\q\");"), TG_E0101, "escape");
    expect_one(IN_GRID("let x = .5;"), TG_E0102, "write 0.5");
    expect_one(IN_GRID("let x = 1.;"), TG_E0102, "write 1.0");
    expect_one(IN_GRID("let x = 1.f;"), TG_E0102, "write 1.0");
    expect_one(IN_GRID("let x = 2u + 1;"), TG_E0102, "write 2");
    expect_one(IN_GRID("let x = 0xg;"), TG_E0102, "hexadecimal");
    expect_one(IN_GRID("let x = 1e+;"), TG_E0102, "exponent");
    expect_one(IN_GRID("let x = 18446744073709551616;"), TG_E0102, "64 bits");
    expect_one(IN_GRID("print(\"abc);"), TG_E0103, "unterminated string");
    expect_one("const int N = 1;\n/* /* */\n", TG_E0103, "unterminated comment");
    expect_one("kernel k() { grid { let x = 1 } }", TG_E0104,
               "expected ';' after the let statement");
    expect_one(IN_GRID("x = ;"), TG_E0105, "expected an expression, found ';'");
    expect_one(IN_GRID("f32 acc[128][64] = 0;"), TG_E0106, "takes axes here");
    expect_one("kernel k(in f32 X[M][N]) { }", TG_E0106, "one pair of brackets");
    expect_one(IN_GRID("if (a = b) x = 1;"), TG_E0107, "did you mean `==`?");
    expect_one(IN_GRID("x = y = 0;"), TG_E0107, "has no value");
    expect_one(IN_GRID("let x = f(a[0] = 1);"), TG_E0107, "`=` in an expression");
    expect_one(IN_GRID("let view = 1; x = view + 2; view += 1;"), TG_E0108,
               "'view' is a keyword");
    expect_one("kernel k(in f32 X[N])\n{\n    X[0] = 1;\n}\n", TG_E0109, "at launch level");
    expect_one("kernel k(in f32 X[N])\n{\n    for (k in N) { }\n}\n", TG_E0109, "for (each");
    expect_one(IN_GRID("f(a, b,);"), TG_E0110, "trailing comma");
    expect_one(IN_GRID("x = 0 <= i < n;"), TG_E0111, "use &&");
    expect_one(IN_GRID("unsigned int x = 1;"), TG_E0202, "u8, u16");
}

Test(syntax_errors, habits_from_elsewhere) {
    expect_one("#include <stdio.h>\n", TG_E0104, "import \"std/nn\"");
    expect_one("__global__ void add(float *a, int n) { a[0] = 1; }\n", TG_E0104,
               "kernel name(");
    expect_one("@triton.jit\ndef add(x):\n    y = x\n", TG_E0104, "nothing decorates a kernel");
    expect_one("def f(x):\n    return x\n", TG_E0104, "`fn name(");
    expect_one("kernel k(in f32 X[N], BLOCK: tl.constexpr) { }", TG_E0104, "`const int BLOCK`");
    expect_one("kernel k(float *x) { }", TG_E0104, "ptr f32 p");
    expect_one("kernel k(f32 X[N]) { }", TG_E0104, "'in', 'out' or 'inout'");
    expect_one("kernel k<T>(in T X[N]) { }", TG_E0104, "bound");
    expect_one("kernel k(in f32 X[N]) -> f32 { }", TG_E0104, "`out` tensors");
    expect_one("kernel k(in f32 X) { }", TG_E0104, "a scalar `f32 X`");
    expect_one("fn f(f32 x) f32 { return x; }", TG_E0104, "'->'");
    expect_one(IN_GRID("x = X[:, None];"), TG_E0105, "there are no slices");
    expect_one(IN_GRID("x = X[a:b];"), TG_E0104, "there are no slices");
    expect_one(IN_GRID("for i in range(n): x += 1;"), TG_E0104, "for (k in K)");
    expect_one(IN_GRID("for (i in range(n)) x += 1;"), TG_E0104, "for (k in K)");
    expect_one(IN_GRID("i++;"), TG_E0104, "i += 1");
    expect_one(IN_GRID("--i;"), TG_E0104, "i -= 1");
    expect_one(IN_GRID("a &&= b;"), TG_E0104, "x = x && y");
    expect_one(IN_GRID("p->x = 1;"), TG_E0104, "no pointers");
    expect_one(IN_GRID("x = (f32)y + 1;"), TG_E0104, "f32(");
    expect_one(IN_GRID("x = y ** 2;"), TG_E0105, "pow(x, y)");
    expect_one(IN_GRID("if x > 0 { y = 1; }"), TG_E0104, "parentheses");
    expect_one(IN_GRID("a == b;"), TG_E0104, "expected '='");
    expect_one(IN_GRID("__shared__ f32 x[i] = 0;"), TG_E0202, "where a tile lives");
    expect_one(IN_GRID("*p = 3;"), TG_E0105, "no pointers");
    expect_one(IN_GRID("let x: f32 = 1;"), TG_E0104, "the type stands first");
    expect_one(IN_GRID("let x[i] = 1;"), TG_E0104, "takes the axes of its value");
    expect_one(IN_GRID("for (j in 0..n) x += 1;"), TG_E0104, "from a until b");
}

static void expect_repaired(const char *text, const char *repaired) {
    parsed *p = parse_text(text, strlen(text));
    char *edited = apply_edits(p, text);
    cr_expect(p->diags.n_errors > 0);
    cr_expect(strcmp(edited, repaired) == 0, "%s\nexpected\n%sgot\n%s", text, repaired, edited);
    parsed *again = parse_text(edited, strlen(edited));
    cr_expect(again->diags.n_errors == 0, "%s\n%s", edited, again->messages);
    free(edited);
    parsed_free(again);
    parsed_free(p);
}

Test(syntax_errors, edits_repair) {
    expect_repaired(IN_GRID("f32 acc[128][N] = 0;"),
                    IN_GRID("axis i in 128, j in N; f32 acc[i, j] = 0;"));
    expect_repaired(IN_GRID("f32 acc[m][n] = 0;"), IN_GRID("f32 acc[m, n] = 0;"));
    expect_repaired("kernel k(in f32 X[M][N]) {}", "kernel k(in f32 X[M, N]) {}");
    expect_repaired(IN_GRID("if (a = b) x = 1;"), IN_GRID("if (a == b) x = 1;"));
    expect_repaired(IN_GRID("x = y = 0;"), IN_GRID("y = 0; x = y;"));
    expect_repaired(IN_GRID("let view = 1;"), IN_GRID("let view_ = 1;"));
    expect_repaired("kernel k()\n{\n    x = 1;\n}\n",
                    "kernel k()\n{\n    grid { x = 1; }\n}\n");
    expect_repaired("kernel k()\n{\n    for (k in N) {}\n}\n",
                    "kernel k()\n{\n    for (each k in N) {}\n}\n");
    expect_repaired(IN_GRID("f(a, b,);"), IN_GRID("f(a, b);"));
    expect_repaired(IN_GRID("x = 0 <= i + 1 < n;"), IN_GRID("x = 0 <= i + 1 && i + 1 < n;"));
    expect_repaired(IN_GRID("x = (f32)y + 1;"), IN_GRID("x = f32(y) + 1;"));
    expect_repaired(IN_GRID("x = a \xE2\x89\xA4 .5"), IN_GRID("x = a <= 0.5;"));
    expect_repaired(IN_GRID("for (i = 0; i < n; i++) x += 1;"),
                    IN_GRID("for (int i = 0; i < n; i += 1) x += 1;"));
    expect_repaired(IN_GRID("if (a > (b + 1) { x = 1; }"),
                    IN_GRID("if (a > (b + 1)) { x = 1; }"));
}

Test(syntax_errors, recovery_finds_independent_errors) {
    const char *text = "import \"std/nn\": gelu,;\n"               /* E0110 */
                       "kernel a(in f32 X[M] in f32 Y[N])\n{\n"    /* E0104, then the body */
                       "    grid (i in M {\n"                      /* E0104 ) */
                       "        let x = 1\n"                       /* E0104 ; */
                       "        y = * 2;\n"                        /* E0105 */
                       "        for (int j = 0; j < ; j += 1) {\n" /* E0105 */
                       "            z = 0 < j < 3;\n"              /* E0111 */
                       "        }\n"
                       "    }\n}\n"
                       "fn f(f32 x) -> = x;\n"                   /* E0104 */
                       "kernel b()\n{\n    grid { x = (1; }\n\n" /* E0104 ) and the missing } */
                       "kernel c()\n{\n    grid { x = [1]; }\n}\n"; /* E0105 */
    parsed *p = parse_text(text, strlen(text));
    cr_expect(p->diags.n_errors == 11, "%u\n%s", p->diags.n_errors, p->messages);
    cr_expect(p->file->n_items >= 4);
    uint32_t last = 0;
    for (uint32_t i = 0; i < p->diags.list.len; i++) {
        cr_expect(p->diags.list.data[i]->span.begin >= last || i + 1 < p->diags.list.len);
        last = p->diags.list.data[i]->span.begin;
    }
    parsed_free(p);
}

/* One block is not closed, another closed twice: the brackets of the file balance all the same. */
Test(syntax_errors, unclosed_block_does_not_swallow_the_next_kernel) {
    const char *text =
        "kernel a(in f32 X[N])\n{\n    grid (i in N) {\n        if (i) {\n            y = 1;\n"
        "    }\n}\n"
        "kernel b(in f32 X[N])\n{\n    grid (i in N) { y = 1; } }\n}\n"
        "kernel c(in f32 X[N])\n{\n    grid (i in N) y = 1;\n}\n";
    parsed *p = parse_text(text, strlen(text));
    cr_expect(p->diags.n_errors == 2, "%s", p->messages);
    cr_expect(p->file->n_items == 3, "%s", p->messages);
    parsed_free(p);
}

Test(syntax_errors, at_most_twenty) {
    char text[4096] = "fn f() -> i32\n{\n";
    for (int i = 0; i < 60; i++)
        strcat(text, "    x = ;\n");
    strcat(text, "}\n");
    parsed *p = parse_text(text, strlen(text));
    cr_expect(p->diags.list.len == 20);
    parsed_free(p);
}
