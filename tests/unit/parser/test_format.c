/* The formatter: keeps the tree, is idempotent, keeps every comment, and writes the canonical
 * style. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "parse_fixture.h"

static void check_properties(const char *name, const char *text, size_t len) {
    parsed *a = parse_text(text, len);
    cr_assert(a->formatted, "%s: %s", name, a->messages);
    parsed *b = parse_text(a->formatted, strlen(a->formatted));
    cr_assert(b->formatted, "%s: formatted text has errors\n%s", name, b->messages);
    cr_expect(strcmp(a->dump, b->dump) == 0, "%s: the tree changed\n%s", name, a->formatted);
    cr_expect(strcmp(a->formatted, b->formatted) == 0, "%s: not idempotent\n%s\n%s", name,
              a->formatted, b->formatted);
    cr_expect(a->file->n_comments == b->file->n_comments, "%s: comments\n%s", name,
              a->formatted);
    parsed_free(b);
    parsed_free(a);
}

static void check_width(const char *text) {
    for (const char *line = text; *line;) {
        size_t n = strcspn(line, "\n");
        cr_expect(n <= 100 || memchr(line, '/', n), "%.*s", (int)n, line);
        line += n + (line[n] == '\n');
    }
}

Test(format, corpus) {
    for (size_t i = 0; i < 5; i++) {
        size_t len;
        char *text = read_source(corpus_files[i], &len);
        check_properties(corpus_files[i], text, len);
        parsed *p = parse_text(text, len);
        check_width(p->formatted);
        parsed_free(p);
        free(text);
    }
}

/* The corpus with its white space changed: the tree and the canonical text are the same. */
static char *disturb(const char *text, size_t len, uint32_t seed) {
    char *out = calloc(4 * len + 16, 1);
    size_t n = 0;
    bool line_comment = false, string = false;
    for (size_t i = 0; i < len; i++) {
        line_comment =
            text[i] == '\n' ? false : line_comment || (text[i] == '/' && text[i + 1] == '/');
        string ^= text[i] == '"' && !line_comment;
        bool space = text[i] == ' ' && !line_comment && !string;
        seed = seed * 1664525u + 1013904223u;
        if (space && seed >> 28 == 0)
            out[n++] = '\n';
        else if (space && seed >> 28 < 4)
            for (const char *more = " \t "; *more; more++)
                out[n++] = *more;
        else
            out[n++] = text[i];
    }
    return out;
}

Test(format, white_space_does_not_matter) {
    for (size_t i = 0; i < 5; i++) {
        size_t len;
        char *text = read_source(corpus_files[i], &len);
        parsed *a = parse_text(text, len);
        for (uint32_t seed = 1; seed < 6; seed++) {
            char *other = disturb(text, len, seed);
            parsed *b = parse_text(other, strlen(other));
            cr_assert(b->formatted, "%s", b->messages);
            cr_expect(strcmp(a->dump, b->dump) == 0);
            check_properties(corpus_files[i], other, strlen(other));
            parsed_free(b);
            free(other);
        }
        parsed_free(a);
        free(text);
    }
}

/* One-letter names made long: nearly every statement has to be broken. */
static char *lengthen(const char *text, size_t len) {
    char *out = calloc(24 * len + 16, 1);
    size_t n = 0;
    bool comment = false, string = false;
    for (size_t i = 0; i < len; i++) {
        comment = text[i] == '\n' ? false : comment || (text[i] == '/' && text[i + 1] == '/');
        string ^= text[i] == '"' && !comment;
        bool before = i > 0 && (isalnum((unsigned char)text[i - 1]) || text[i - 1] == '_');
        bool after = isalnum((unsigned char)text[i + 1]) || text[i + 1] == '_';
        out[n++] = text[i];
        if (isalpha((unsigned char)text[i]) && !before && !after && !comment && !string) {
            memcpy(out + n, "_with_a_long_name", 17);
            n += 17;
        }
    }
    return out;
}

Test(format, long_names) {
    for (size_t i = 0; i < 5; i++) {
        size_t len;
        char *text = read_source(corpus_files[i], &len);
        char *other = lengthen(text, len);
        check_properties(corpus_files[i], other, strlen(other));
        free(other);
        free(text);
    }
}

/* A comment after every token of a text: none is lost, nothing moves across code. */
static char *comment_everywhere(const char *text, const char *comment, size_t every,
                                size_t phase) {
    char *out = calloc(strlen(text) * (strlen(comment) + 2) + 16, 1);
    size_t n = 0, spaces = 0;
    for (size_t i = 0; text[i]; i++) {
        out[n++] = text[i];
        if ((text[i] == ' ' || text[i] == '\n') && spaces++ % every == phase) {
            memcpy(out + n, comment, strlen(comment));
            n += strlen(comment);
        }
    }
    return out;
}

static const char *const sample =
    "import \"std/nn\" as n ;\n"
    "///Doc\n"
    "kernel k<T: float | i32> ( in T X[M, N], out T Y[M, N] ) where M > 0 , N > 0 fast(ftz) \n"
    "{ let a = M + N ; temp f32 t[M] ; p: grid ( i in M from 0 until a step 2 ) { if ( a > 0 ) "
    "x = 1 ; else y = 2 ;\n"
    " if ( a > 0 ) { x = 1 ; } else if const ( b ) { } else { } for ( k in K ) for ( each j in "
    "J ) acc += 1 ;\n"
    " for ( int q = 0 ; q < 3 ; q += 1 ) { x min= q ; } while ( x < 3 ) x += 1 ; { { } } } }\n"
    "kernel e ( ) { }\n"
    "schedule k @ x86 when ( a > 1 ) { m = 1 ; n = ( 2 , f(3) ) ; } schedule k { }\n"
    "tune k { m in {1, 2} ; k in 3..9 step 2 ; require m < 3 ; bucket M pow2 , N ; } tune k { "
    "}\n"
    "extern \"ptx\" fn f ( f32 x ) -> f32 = \"abc\" \"def\" ;\n"
    "grad k like e ; static_assert ( 1 == 1 , \"x\" ) ;\n"
    "fn g ( f32 x[j], axis j , (f32, (i32, T)) p ) -> (f32[j], T) { atomic(relaxed) Y[i] max= "
    "3 where x > 0 ;\n"
    " unchecked Y[i] = 1 ; const int S = 4 ; f32 w[j] = { {1, 2} , { -inf, nan } } ; ( a , b ) "
    "= f(x, k = 3) ;\n"
    " return a[i = j] else -x[1] else 0 ; }\n";

Test(format, comments_survive_everywhere) {
    static const char *const comments[] = {"/* c */ ", "// c\n", "\n// own\n",
                                           "\n\n/* own\n   two */\n"};
    check_properties("sample", sample, strlen(sample));
    for (size_t c = 0; c < sizeof comments / sizeof comments[0]; c++)
        for (size_t every = 1; every <= 7; every += 2)
            for (size_t phase = 0; phase < every; phase++) {
                char *text = comment_everywhere(sample, comments[c], every, phase);
                check_properties(comments[c], text, strlen(text));
                free(text);
            }
}

static void expect_format(const char *text, const char *want) {
    parsed *p = parse_text(text, strlen(text));
    cr_assert(p->formatted, "%s", p->messages);
    cr_expect(strcmp(p->formatted, want) == 0, "expected\n%sgot\n%s", want, p->formatted);
    parsed_free(p);
}

Test(format, style) {
    expect_format(
        "kernel add(in f32 A[N],out f32 C[N]){grid(i in N)C[i]=A[i];\n\n\n\n// end\n}",
        "kernel add(in f32 A[N], out f32 C[N])\n{\n    grid (i in N) C[i] = A[i];\n\n    // "
        "end\n}\n");
    expect_format("fn f(f32 x)->f32{if(x>0){return 1;}else{return x<0?-1:0;}}",
                  "fn f(f32 x) -> f32\n{\n    if (x > 0) {\n        return 1;\n    } else {\n"
                  "        return x < 0 ? -1 : 0;\n    }\n}\n");
    expect_format("schedule k@x86{m=1;n=2;}tune k{m in{1,2};}",
                  "schedule k @ x86 { m = 1; n = 2; }\ntune k {\n    m in {1, 2};\n}\n");
    expect_format("kernel long_name(in f32 first_tensor[M, N], in f32 second_tensor[M, N], out "
                  "f32 another_result[M, N]) "
                  "where M > 0 {}",
                  "kernel long_name(in f32 first_tensor[M, N], in f32 second_tensor[M, N],\n"
                  "        out f32 another_result[M, N])\n    where M > 0\n{}\n");
}

Test(format, expressions_without_source) {
    const char *text =
        "const f32 A = (a + b) * -c[i = 1, 2] else x ? f(y, k = 1.5) : \"a\\n\";";
    parsed *p = parse_text(text, strlen(text));
    tg_strbuf out;
    tg_strbuf_init(&out, p->arena);
    tg_expr *e = p->file->items[0]->u.constant.value;
    tg_format_expr(e, &out);
    cr_expect(strcmp(out.data, "(a + b) * -c[i = 1, 2] else x ? f(y, k = 1.5) : \"a\\n\"") == 0,
              "%s", out.data);
    e->u.cond.test->u.binary.left->parens =
        false; /* as in a tree made by hand: precedence brings them back */
    tg_strbuf again;
    tg_strbuf_init(&again, p->arena);
    tg_format_expr(e, &again);
    cr_expect(strcmp(out.data, again.data) == 0, "%s", again.data);
    parsed_free(p);
}
