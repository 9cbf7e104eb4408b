/* tegula fmt: the canonical style. Files with syntax errors are left alone. */
#include "base/io.h"
#include "cli/cli.h"

#include <string.h>

static const cli_command self = {
    "fmt", "FILE…",
    "print source in the canonical style, or rewrite it (\"-\": standard input)", cmd_fmt};

typedef struct fmt_options {
    bool in_place, check, json;
} fmt_options;

/* What came of a file. Texts live in the arena. */
typedef struct formatted {
    const char *path;
    bool same;               /* it was in the style */
    const char *text;        /* in the style; null: broken */
    const char *error;       /* what else went wrong, or null */
    const char *diagnostics; /* of a file with syntax errors, rendered, as JSON or as text; or null */
    size_t length;
} formatted;

static bool is_broken(const formatted *f) {
    return f->error || f->diagnostics;
}

static void format_text(const fmt_options *o, tg_arena *arena, const char *name, const char *text, size_t length, formatted *f) {
    tg_sources sources = {.arena = arena};
    tg_diags diags = {.arena = arena, .sources = &sources};
    uint32_t file = tg_sources_add(&sources, name, text, length);
    tg_file *tree = tg_parse_file(arena, tg_interner_create(arena), &diags, file);
    tg_strbuf out;
    tg_strbuf_init(&out, arena);
    if (diags.n_errors) {
        o->json ? tg_diags_render_json(&diags, &out) : tg_diags_render(&diags, cli_use_colour(stderr), &out);
        f->diagnostics = out.data;
        return;
    }
    tg_format_file(tree, tg_sources_get(&sources, file), &out);
    f->text = out.data ? out.data : "";
    f->length = out.len;
    f->same = out.len == length && memcmp(f->text, text, length) == 0;
}

static void format_file(const fmt_options *o, tg_arena *arena, formatted *f) {
    char *text;
    size_t length;
    const char *name = strcmp(f->path, "-") == 0 ? "/dev/stdin" : f->path;
    tg_status status = tg_io_read_file(arena, name, 64 << 20, &text, &length);
    if (status) {
        f->error = tg_arena_printf(arena, "cannot read %s: %s", f->path, cli_why_unread(status));
        return;
    }
    format_text(o, arena, name, text, length, f);
    if (o->in_place && f->text && !f->same && tg_io_write_file(f->path, f->text, f->length)) {
        f->error = tg_arena_printf(arena, "cannot write %s", f->path);
    }
}

static void print_text(const fmt_options *o, const formatted *f) {
    if (f->diagnostics) {
        fprintf(stderr, "%s", f->diagnostics);
    } else if (f->error) {
        (void)cli_error("%s", f->error);
    } else if (o->check && !f->same) {
        printf("%s\n", f->path);
    } else if (!o->check && !o->in_place) {
        fwrite(f->text, 1, f->length, stdout);
    }
}

static void print_json(const fmt_options *o, const formatted *f) {
    printf("{\"file\": ");
    cli_json_text(stdout, f->path);
    printf(", \"formatted\": %s, \"error\": ", f->same ? "true" : "false");
    cli_json_text(stdout, f->error ? f->error : "");
    printf(", \"diagnostics\": %s", f->diagnostics ? f->diagnostics : "[]");
    if (f->text && !o->check && !o->in_place) {
        printf(", \"text\": ");
        cli_json_text(stdout, f->text);
    }
    printf("}");
}

/* One file; the arena lasts until it is printed. Was anything wrong with it? */
static bool handle(const fmt_options *o, const char *path) {
    tg_unwind u;
    tg_arena *arena = tg_arena_create(&tg_allocator_default, &u);
    formatted f = {.path = path};
    if (!arena || TG_PROTECT(&u)) {
        f = (formatted){.path = path, .error = "out of memory"};
    } else {
        format_file(o, arena, &f);
    }
    o->json ? print_json(o, &f) : print_text(o, &f);
    tg_arena_destroy(arena);
    return is_broken(&f) || (o->check && !f.same);
}

int cmd_fmt(int argc, char **argv) {
    fmt_options o = {0};
    cli_list files = {.n = 0};
    const cli_option options[] = {
        {"-i", CLI_FLAG, NULL, "rewrite the files", &o.in_place},
        {"--check", CLI_FLAG, NULL, "say which files are not in the style; exit code 1 if any",
         &o.check},
        {"--json", CLI_FLAG, NULL, "one JSON object; of each file its diagnostics, and its \"text\" unless -i or --check", &o.json},
    };
    int code;
    if (!cli_parse(&self, options, sizeof options / sizeof options[0], argc, argv, &files,
                   &code)) {
        return code;
    }
    if (files.n == 0) {
        return cli_wrong_usage("fmt: which files?");
    }
    for (uint32_t i = 0; o.in_place && i < files.n; i++) {
        if (strcmp(files.items[i], "-") == 0) {
            return cli_wrong_usage("fmt -i rewrites files; standard input is none");
        }
    }
    printf(o.json ? "{\"files\": [" : "");
    uint32_t n_failed = 0;
    for (uint32_t i = 0; i < files.n; i++) {
        printf(o.json && i ? ",\n " : "");
        n_failed += handle(&o, files.items[i]);
    }
    if (o.json && n_failed) {
        printf("], \"ok\": false, \"error\": \"%u of %u files\", \"diagnostics\": []}\n", n_failed, files.n);
    } else if (o.json) {
        printf("], \"ok\": true}\n");
    }
    return n_failed ? CLI_FAILED : CLI_OK;
}
