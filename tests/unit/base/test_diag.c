/* Rendering of diagnostics, exact; the rules of the list; positions; suggestions. */
#include "base/diag.h"

#include <criterion/criterion.h>
#include <string.h>

static const char source_text[] = "kernel f() {\n"
                                  "    x = load(x_ptr + cols, mask)\n"
                                  "\n"
                                  "\ty = exp(é - max(x)) + bias\n"
                                  "}\n";

typedef struct fixture {
    tg_arena *arena;
    tg_sources sources;
    tg_diags diags;
} fixture;

static void setup(fixture *f, tg_unwind *u) {
    *f = (fixture){.arena = tg_arena_create(NULL, u)};
    f->sources.arena = f->arena;
    f->diags.arena = f->arena;
    f->diags.sources = &f->sources;
    tg_sources_add(&f->sources, "softmax.dsl", source_text, sizeof source_text - 1);
}

static tg_span span_of(const char *what) {
    uint32_t begin = (uint32_t)(strstr(source_text, what) - source_text);
    return (tg_span){1, begin, begin + (uint32_t)strlen(what)};
}

static const char *render(fixture *f, bool colour) {
    tg_strbuf s;
    tg_strbuf_init(&s, f->arena);
    tg_diags_render(&f->diags, colour, &s);
    return s.data;
}

Test(diag, renders_labels_notes_help_and_edits) {
    tg_unwind u;
    cr_assert_eq(TG_PROTECT(&u), 0);
    fixture f;
    setup(&f, &u);
    tg_span plus = span_of("+ bias"), bias = span_of("bias");
    plus.end = plus.begin + 1;
    tg_diag *d = tg_report(&f.diags, TG_E0213, plus, "cannot add `%s` to this", "bias");
    tg_diag_set_label(&f.diags, d, "1024 and 512 disagree");
    tg_diag_add_label(&f.diags, d, bias, "this has shape [512]");
    tg_diag_add_label(&f.diags, d, span_of("load(x_ptr + cols, mask)"),
                      "this has shape [1024]");
    tg_diag_add_note(&f.diags, d, "first line\nsecond line");
    tg_diag_add_help(&f.diags, d, "did you mean `bias_full`?");
    tg_diag_add_edit(&f.diags, d, bias, "bias_full");
    cr_assert_str_eq(render(&f, false),
                     "error[E0213]: cannot add `bias` to this\n"
                     " --> softmax.dsl:4:23\n"
                     "  |\n"
                     "2 |     x = load(x_ptr + cols, mask)\n"
                     "  |         ------------------------ this has shape [1024]\n"
                     "...\n"
                     "4 |     y = exp(é - max(x)) + bias\n"
                     "  |                         ^ ---- this has shape [512]\n"
                     "  |                         |\n"
                     "  |                         1024 and 512 disagree\n"
                     "  = note: first line\n"
                     "          second line\n"
                     "  = help: did you mean `bias_full`?\n"
                     "  = help: change it like this\n"
                     "4 | -     y = exp(é - max(x)) + bias\n"
                     "4 | +     y = exp(é - max(x)) + bias_full\n"
                     "\n");
    tg_arena_destroy(f.arena);
}

Test(diag, renders_overlaps_ranges_and_the_end_of_the_file) {
    tg_unwind u;
    cr_assert_eq(TG_PROTECT(&u), 0);
    fixture f;
    setup(&f, &u);
    tg_diag *d = tg_report(&f.diags, TG_E0203, span_of("x_ptr + cols"), "no common type");
    tg_diag_add_label(&f.diags, d, span_of("x_ptr"), "i32");
    tg_diag_add_label(&f.diags, d, span_of("cols"), "f32");
    d = tg_report(&f.diags, TG_W0806, (tg_span){1, 0, sizeof source_text - 2}, "unused kernel");
    tg_diag_set_label(&f.diags, d, "all of this");
    tg_report(&f.diags, TG_L0904, (tg_span){0}, "M must be even");
    uint32_t end = sizeof source_text - 1;
    d = tg_report(&f.diags, TG_E0104, (tg_span){1, end, end}, "expected '}'");
    tg_diag_add_edit(&f.diags, d, (tg_span){1, end, end}, "}");
    cr_assert_str_eq(render(&f, false), "error[E0203]: no common type\n"
                                        " --> softmax.dsl:2:14\n"
                                        "  |\n"
                                        "2 |     x = load(x_ptr + cols, mask)\n"
                                        "  |              ^^^^^^^^^^^^\n"
                                        "  |              |       |\n"
                                        "  |              |       f32\n"
                                        "  |              i32\n"
                                        "\n"
                                        "warning[W0806]: unused kernel\n"
                                        " --> softmax.dsl:1:1\n"
                                        "  |\n"
                                        "1 | kernel f() {\n"
                                        "  | ^^^^^^^^^^^^\n"
                                        "...\n"
                                        "5 | }\n"
                                        "  | ^ all of this\n"
                                        "\n"
                                        "error[L0904]: M must be even\n"
                                        "\n"
                                        "error[E0104]: expected '}'\n"
                                        " --> softmax.dsl:6:1\n"
                                        "  |\n"
                                        "6 |\n"
                                        "  | ^\n"
                                        "  = help: change it like this\n"
                                        "6 | -\n"
                                        "6 | + }\n"
                                        "\n");
    tg_arena_destroy(f.arena);
}

/* Whatever the spans: colour adds escapes only, and the text stays well formed. */
Test(diag, colour_only_adds_escapes_for_any_span) {
    tg_unwind u;
    cr_assert_eq(TG_PROTECT(&u), 0);
    fixture f;
    setup(&f, &u);
    tg_sources_add(&f.sources, "other.dsl", "a\x1b[31m\tb\r\n\xff", 11);
    uint32_t seed = 1;
    for (int i = 0; i < 3000; i++) {
        f.diags.list.len = f.diags.n_errors = 0;
        tg_span s[5];
        for (int k = 0; k < 5; k++) {
            seed = seed * 1664525u + 1013904223u;
            uint32_t begin = seed >> 8 & 127, size = seed >> 20 & 31;
            s[k] = (tg_span){seed >> 30 ? 1 + (seed >> 29 & 1) : 0, begin, begin + size};
        }
        tg_diag *d = tg_report(&f.diags, TG_E0201, s[0], "m");
        tg_diag_set_label(&f.diags, d, "primary");
        tg_diag_add_label(&f.diags, d, s[1], "one");
        tg_diag_add_label(&f.diags, d, s[2], "two");
        tg_diag_add_edit(&f.diags, d, s[3], "e\ne");
        tg_diag_add_edit(&f.diags, d, s[4], "");
        const char *plain = render(&f, false);
        const char *p = plain;
        for (const char *c = render(&f, true); *c; c++) {
            if (*c == '\033') {
                c = strchr(c, 'm');
            } else {
                cr_assert_eq(*c, *p, "differs at: %s", p);
                p++;
            }
        }
        cr_assert_eq(*p, '\0');
        cr_assert_null(strchr(plain, '\033'), "the source must not drive the terminal");
    }
    tg_arena_destroy(f.arena);
}

Test(diag, json) {
    tg_unwind u;
    cr_assert_eq(TG_PROTECT(&u), 0);
    fixture f;
    setup(&f, &u);
    tg_diag *d = tg_report(&f.diags, TG_L0904, span_of("bias"), "say \"no\"");
    tg_diag_add_edit(&f.diags, d, (tg_span){0}, "x");
    tg_strbuf s;
    tg_strbuf_init(&s, f.arena);
    tg_diags_render_json(&f.diags, &s);
    cr_assert_str_eq(
        s.data,
        "[{\"code\": \"L0904\", \"severity\": \"launch error\", \"title\": \"where condition "
        "failed\", "
        "\"message\": \"say \\\"no\\\"\", \"span\": {\"file\": \"softmax.dsl\", \"begin\": 71, "
        "\"end\": 75, \"line\": 4, \"column\": 25, \"end_line\": 4, \"end_column\": 29}, "
        "\"label\": null, \"labels\": [], \"notes\": [], \"help\": [], "
        "\"edits\": [{\"span\": null, \"text\": \"x\"}]}]\n");
    tg_arena_destroy(f.arena);
}

Test(diag, list_drops_repeats_and_stops_at_the_limit) {
    tg_unwind u;
    cr_assert_eq(TG_PROTECT(&u), 0);
    fixture f;
    setup(&f, &u);
    tg_report(&f.diags, TG_E0201, (tg_span){1, 2, 3}, "a");
    tg_diag *again = tg_report(&f.diags, TG_E0201, (tg_span){1, 2, 3}, "b");
    tg_diag_add_note(&f.diags, again, "may be filled");
    cr_assert_eq(f.diags.list.len, 1);
    for (uint32_t i = 0; i < 50; i++) {
        tg_report(&f.diags, TG_E0202, (tg_span){1, i, i + 1}, "c");
    }
    cr_assert_eq(f.diags.list.len, 20);
    cr_assert_eq(f.diags.n_errors, 20);
    tg_report(&f.diags, TG_W0801, (tg_span){1, 1, 2}, "warnings are not limited");
    cr_assert_eq(f.diags.list.len, 21);
    cr_assert_eq(f.diags.n_errors, 20);
    tg_arena_destroy(f.arena);
}

Test(diag, codes_positions_spans_suggestions) {
    tg_unwind u;
    cr_assert_eq(TG_PROTECT(&u), 0);
    fixture f;
    setup(&f, &u);
    cr_assert_str_eq(tg_diag_code_name(TG_E0213), "E0213");
    cr_assert_eq(tg_diag_code_from_name("W0801"), TG_W0801);
    cr_assert_eq(tg_diag_code_from_name("E9999"), TG_DIAG_COUNT);
    cr_assert_eq(tg_diag_severity(TG_L0901), TG_SEV_LAUNCH);
    const tg_source *src = tg_sources_get(&f.sources, 1);
    cr_assert_null(tg_sources_get(&f.sources, 0));
    cr_assert_null(tg_sources_get(&f.sources, 2));
    uint32_t line = 1, column = 1;
    for (uint32_t i = 0; i <= src->len; i++) {
        uint32_t got_line, got_column;
        tg_source_position(src, i, &got_line, &got_column);
        cr_assert(got_line == line && got_column == column, "offset %u", i);
        bool newline = src->text[i] == '\n';
        line += newline;
        column = newline ? 1 : column + 1;
    }
    tg_span joined = tg_span_join((tg_span){1, 5, 9}, (tg_span){1, 2, 6});
    cr_assert(joined.begin == 2 && joined.end == 9);
    cr_assert_eq(tg_span_join((tg_span){0}, joined).end, 9);
    const char *const names[] = {"softmax", "max", "min", "matmul", NULL};
    cr_assert_str_eq(tg_suggest("sotfmax", names, 5), "softmax");
    cr_assert_str_eq(tg_suggest("mx", names, 5), "max");
    cr_assert_null(tg_suggest("conv", names, 5));
    cr_assert_null(tg_suggest("q", (const char *const[]){"x"}, 1));
    tg_arena_destroy(f.arena);
}
