/* tegula fmt: the canonical style. Files with syntax errors are left alone. */
#include "base/io.h"
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

static const cli_command self = {
    "fmt", "FILE…",
    "print source in the canonical style, or rewrite it (\"-\": standard input)", cmd_fmt};

typedef struct fmt_options {
    bool in_place, check, json;
} fmt_options;

typedef enum verdict { UNCHANGED, CHANGED, BROKEN } verdict;

static verdict handle(const fmt_options *o, tg_arena *arena, const char *path, const char *text,
                      size_t len) {
    tg_sources sources = {.arena = arena};
    tg_diags diags = {.arena = arena, .sources = &sources};
    uint32_t file = tg_sources_add(&sources, path, text, len);
    tg_file *tree = tg_parse_file(arena, tg_interner_create(arena), &diags, file);
    tg_strbuf out;
    tg_strbuf_init(&out, arena);
    if (diags.n_errors) {
        o->json ? tg_diags_render_json(&diags, &out)
                : tg_diags_render(&diags, cli_use_colour(stderr), &out);
        fprintf(o->json ? stdout : stderr, "%s%s", out.data, o->json ? "\n" : "");
        return BROKEN;
    }
    tg_format_file(tree, tg_sources_get(&sources, file), &out);
    bool same = out.len == len && memcmp(out.data, text, len) == 0;
    if (!o->in_place && !o->check) {
        fwrite(out.data, 1, out.len, stdout);
    } else if (o->in_place && !same && tg_io_write_file(path, out.data, out.len)) {
        cli_error("cannot write %s", path);
        return BROKEN;
    }
    return same ? UNCHANGED : CHANGED;
}

static verdict format_file(const fmt_options *o, const char *path) {
    tg_unwind u;
    tg_arena *arena = tg_arena_create(&tg_allocator_default, &u);
    if (!arena || TG_PROTECT(&u)) {
        tg_arena_destroy(arena);
        cli_error("out of memory");
        return BROKEN;
    }
    char *text;
    size_t len;
    verdict v = BROKEN;
    const char *name = strcmp(path, "-") == 0 ? "/dev/stdin" : path;
    if (tg_io_read_file(arena, name, 64 << 20, &text, &len)) {
        cli_error("cannot read %s", path);
    } else {
        v = handle(o, arena, name, text, len);
    }
    tg_arena_destroy(arena);
    return v;
}

int cmd_fmt(int argc, char **argv) {
    fmt_options o = {0};
    cli_list files = {.n = 0};
    const cli_option options[] = {
        {"-i", CLI_FLAG, NULL, "rewrite the files", &o.in_place},
        {"--check", CLI_FLAG, NULL, "say which files are not in the style; exit code 1 if any",
         &o.check},
        {"--json", CLI_FLAG, NULL, "diagnostics, and the result of --check, as JSON, one value per file", &o.json},
    };
    int code = CLI_OK;
    if (!cli_parse(&self, options, sizeof options / sizeof options[0], argc, argv, &files,
                   &code)) {
        return code;
    }
    if (files.n == 0) {
        cli_error("fmt: which files?");
        return CLI_USAGE;
    }
    for (uint32_t i = 0; i < files.n; i++) {
        verdict v = format_file(&o, files.items[i]);
        code = v == BROKEN || (o.check && v == CHANGED) ? CLI_FAILED : code;
        if (o.check && v == CHANGED && !o.json) {
            printf("%s\n", files.items[i]);
        } else if (o.check && o.json && v != BROKEN) {
            printf("{\"file\": ");
            cli_json_text(stdout, files.items[i]);
            printf(", \"formatted\": %s}\n", v == UNCHANGED ? "true" : "false");
        }
    }
    return code;
}
