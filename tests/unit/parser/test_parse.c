/* Trees: the corpus parses, precedence and exceptions to the grammar, hostile nesting,
 * truncated files. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse_fixture.h"

Test(parse, corpus) {
    for (size_t i = 0; i < 5; i++) {
        size_t len;
        char *text = read_source(corpus_files[i], &len);
        cr_assert(text, "%s", corpus_files[i]);
        parsed *p = parse_text(text, len);
        cr_expect(p->diags.list.len == 0, "%s\n%s", corpus_files[i], p->messages);
        cr_expect(p->file->n_items > 5);
        parsed_free(p);
        free(text);
    }
}

/* The dump of `x = <expr>;` inside a function with type parameter T. */
static void expect_expr(const char *source, const char *tree) {
    char text[1024], want[1024];
    snprintf(text, sizeof text, "fn f<T: any>(T t) -> T\n{\n    x = %s;\n}\n", source);
    snprintf(want, sizeof want, "(= x %s)))\n", tree);
    parsed *p = parse_text(text, strlen(text));
    size_t n = strlen(p->dump), m = strlen(want);
    cr_expect(p->diags.n_errors == 0, "%s\n%s", source, p->messages);
    cr_expect(n >= m && strcmp(p->dump + n - m, want) == 0, "%s\nexpected %s\ngot      %s",
              source, want, p->dump);
    parsed_free(p);
}

Test(parse, precedence) {
    expect_expr("a + b * c", "(+ a (* b c))");
    expect_expr("a * b / c % d", "(% (/ (* a b) c) d)");
    expect_expr("a - b - c", "(- (- a b) c)");
    expect_expr("a & b == c", "(== (& a b) c)");
    expect_expr("a | b ^ c & d", "(| a (^ b (& c d)))");
    expect_expr("a << 1 + b & m", "(& (<< a (+ 1 b)) m)");
    expect_expr("P >> 4 * (k % 8) & 15", "(& (>> P (* 4 (paren (% k 8)))) 15)");
    expect_expr("a < b == c > d", "(== (< a b) (> c d))");
    expect_expr("a || b && c == d", "(|| a (&& b (== c d)))");
    expect_expr("a ? b : c ? d : e", "(? a b (? c d e))");
    expect_expr("a ? b ? c : d : e", "(? a (? b c d) e)");
    expect_expr("-a * b", "(* (neg a) b)");
    expect_expr("!a && ~b == --c", "(&& (! a) (== (~ b) (neg (neg c))))");
    expect_expr("-x[i].first", "(neg (. (at x i) first))");
    expect_expr("(a + b) * c", "(* (paren (+ a b)) c)");
    expect_expr("((a))", "(paren a)");
    expect_expr("max(x, (j))", "(call max x (paren j))");
}

Test(parse, postfix_and_literals) {
    expect_expr("t.0.1", "(. (. t 0) 1)");
    expect_expr("f(x).0 + 1.5", "(+ (. (call f x) 0) 1.5)");
    expect_expr("X[i - 1, q] else -v * w", "(* (at X (- i 1) q else (neg v)) w)");
    expect_expr("X[i] else Y[j] else 0", "(at X i else (at Y j else 0))");
    expect_expr("a * X[i] else 0 + 1", "(+ (* a (at X i else 0)) 1)");
    expect_expr("x[c = u + 8, h = 2]", "(at x c=(+ u 8) h=2)");
    expect_expr("scan(x, j, f, 0, reverse = true)", "(call scan x j f 0 reverse=true)");
    expect_expr(
        "T(1) + wide(T)(y) + bitcast(f32, z)",
        "(+ (+ (call (type T) 1) (call (type (wide T)) y)) (call bitcast (type f32) z))");
    expect_expr("T == bf16", "(== (type T) (type bf16))");
    expect_expr("(a, (b, c), -inf)", "(tuple a (tuple b c) (neg inf))");
    expect_expr("0x_Ff + 0b1_0 + 1_000 + 18446744073709551615",
                "(+ (+ (+ 255 2) 1000) 18446744073709551615)");
    expect_expr("print(\"a\\x41\\n\" \"b\\\"\")", "(call print \"aA\\nb\\\"\")");
    expect_expr("nan != 1e-3", "(!= nan 1e-3)");
}

static void expect_dump(const char *text, const char *tree) {
    parsed *p = parse_text(text, strlen(text));
    cr_expect(p->diags.n_errors == 0, "%s\n%s", text, p->messages);
    cr_expect(strcmp(p->dump, tree) == 0, "%s\nexpected\n%sgot\n%s", text, tree, p->dump);
    parsed_free(p);
}

Test(parse, statements) {
    expect_dump("fn f<T: any>(T a) -> T { T min = 0; low min= a; half y[i] = 1; step max= 2; }",
                "(fn f <T: any> -> T\n  (value T a)\n  (block\n    (decl T (min = 0))\n    "
                "(min= low a)\n"
                "    (decl half (y [i] = 1))\n    (max= step 2)))\n");
    expect_dump("fn f() -> i32 { if (a) x = X[i]; else if const (b) y = 1; else { } (p, q) = "
                "g(); g(); return; }",
                "(fn f -> i32\n  (block\n    (if a\n      (= x (at X i))\n      else\n      "
                "(if const b\n        (= y 1)\n"
                "        else\n        (block)))\n    (= (tuple p q) (call g))\n    (call g)\n "
                "   (return)))\n");
}

Test(parse, launch_level) {
    expect_dump(
        "kernel k(in? f32 X[N, const D], ptr f32 p, const int Z = 8, out f32 Y[2*N] = 0) where "
        "N > 0, D == 4"
        " fast(reassoc, ftz)\n{ temp f32 t[N], u[2] = 0; p1: grid { } for (each z in Z step 2) "
        "{ if (z > 0) { }"
        " else if (X) { } else { } } view f32 V[N, 2] = p + 4 strides (2, 1);"
        " grid (i in N from 1 until z) atomic(relaxed, device) Y[i] += 1 where i > 2; }",
        "(kernel k fast(reassoc ftz)\n  (in? f32 X[N const D])\n  (ptr f32 p)\n  (value const "
        "int Z = 8)\n"
        "  (out f32 Y[(* 2 N)] = 0)\n  (where (> N 0) (== D 4))\n  (block\n    (temp f32 "
        "(t[N]) (u[2] = 0))\n"
        "    (grid p1\n      (block))\n    (for (each z in Z step 2)\n      (block\n        "
        "(if (> z 0)\n"
        "          (block)\n          else\n          (if X\n            (block)\n            "
        "else\n"
        "            (block)))))\n    (view f32 V[N 2] = (+ p 4) (strides 2 1))\n"
        "    (grid - (i in N from 1 until z)\n"
        "      (atomic relaxed device (+= (at Y i) 1 where (> i 2))))))\n");
}

Test(parse, items) {
    expect_dump(
        "import \"std/nn\" as n; import \"./a\": b, c;\n/// Doc one.\n///two\nprivate const "
        "wide(f16) A = 1;\n"
        "//// no doc\ngrad f like g; static_assert(1 < 2, \"m\");\n"
        "extern \"ptx\" fn h((f32, (i32, bf16)) x, f32 y[j] = 1, axis j, fn q, in u4 W[N]) -> "
        "(f32[j], T)"
        " = \"a;\" \"b\";",
        "(import \"std/nn\" as n :)\n(import \"./a\" as - :b c)\n; \"Doc one.\\ntwo\"\n"
        "(private const (wide f16) A 1)\n(grad f like g)\n(static_assert (< 1 2) \"m\")\n"
        "(extern-fn \"ptx\" h -> (types f32[j] T)\n  (value (types f32 (types i32 bf16)) x)\n"
        "  (value f32 y[j] = 1)\n  (axis - j)\n  (fn - q)\n  (in u4 W[N])\n  \"a;b\")\n");
    expect_dump("tune k { m, merge.d#2(a) in {1, (2, x(3))}; k in 3..9 step 2; require = 1; "
                "require m * 2 < 5;"
                " bucket M pow2, N; }\nschedule k @ sm_90 when (T == f16) { unroll(r) = full; "
                "s = 0.5; b = false; }",
                "(tune k -\n  (choices m merge.d#2(a) : 1 : (2 x(3)))\n  (range k : 3 9 2)\n  "
                "(set require : 1)\n"
                "  (require : (< (* m 2) 5))\n  (bucket (M pow2) (N -)))\n(schedule k sm_90 "
                "when (== T (type f16))\n"
                "  (set unroll(r) : full)\n  (set s : 0.5)\n  (set b : false))\n");
}

static char *repeat(const char *head, const char *piece, size_t n, const char *tail) {
    size_t step = strlen(piece), h = strlen(head);
    char *text = calloc(h + n * step + strlen(tail) + 1, 1);
    memcpy(text, head, h);
    for (size_t i = 0; i < n; i++)
        memcpy(text + h + i * step, piece, step);
    strcpy(text + h + n * step, tail);
    return text;
}

Test(parse, deep_nesting_is_a_diagnostic) {
    static const struct {
        const char *head, *piece, *tail;
    } shapes[] = {
        {"fn f() -> i32 = ", "(", ";"},
        {"fn f() -> i32 = ", "-", "1;"},
        {"fn f() -> i32 = ", "1+", "1;"},
        {"fn f() -> i32 = x", "[1]", ";"},
        {"fn f() -> i32 = ", "a?b:", "1;"},
        {"fn f() -> i32 = ", "a=", "1;"},
        {"fn f() -> i32 { ", "{", "}"},
        {"fn f() -> i32 { ", "if(a){", "}"},
        {"fn f() -> i32 { ", "if(a)b();else ", "}"},
        {"fn f() -> i32 { f32 x[j] = ", "{", "}"},
        {"fn f(", "(", ") -> i32 = 1;"},
        {"const ", "wide(", ");"},
        {"tune k { a = ", "(", "; }"},
        {"", "/*", ""},
        {"kernel k() { ", "if(a){", "}"},
        {"kernel k() { ", "for(each i in I){", "}"},
        {"kernel k() { ", "grid ", "}"},
        {"fn f() -> i32 = ", "x[i] else ", "1;"},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        char *text = repeat(shapes[i].head, shapes[i].piece, 20000, shapes[i].tail);
        parsed *p = parse_text(text, strlen(text));
        cr_expect(p->diags.n_errors > 0 && p->diags.n_errors <= 20, "%s%s", shapes[i].head,
                  shapes[i].piece);
        parsed_free(p);
        free(text);
    }
}

Test(parse, truncated_files, .timeout = 120) {
    size_t len;
    char *text = read_source(corpus_files[0], &len);
    for (size_t n = 0; n <= len; n++) {
        parsed *p = parse_text(text, n);
        cr_expect(p->diags.n_errors <= 20);
        parsed_free(p);
    }
    free(text);
}
