/* tegula opt: passes on the text of tile IR, which is also how tests of single passes are
 * written. */
#include "base/io.h"
#include "cli/cli.h"
#include "dsl/passes/passes.h"

#include <string.h>

static const cli_command self = {
    "opt", "FILE.ir", "run passes on the text of tile IR and print the result", cmd_opt};

typedef struct opt_options {
    const char *passes;
    bool list, time, json;
} opt_options;

static int list_passes(const opt_options *o) {
    for (int i = 0; i < TG_PASS_COUNT; i++) {
        const tg_pass *p = tg_pass_of((tg_pass_id)i);
        if (o->json) {
            printf("%s{\"pass\": \"%s\", \"summary\": ", i ? ",\n " : "[", p->name);
            cli_json_text(stdout, p->summary);
            printf("}");
        } else {
            printf("%-16s %s\n", p->name, p->summary);
        }
    }
    printf(o->json ? "]\n" : "");
    return CLI_OK;
}

static int optimise(const opt_options *o, tg_arena *arena, const char *path) {
    char *text;
    size_t len;
    tg_status status = tg_io_read_file(arena, strcmp(path, "-") == 0 ? "/dev/stdin" : path, 64 << 20, &text, &len);
    if (status) {
        return cli_error("cannot read %s: %s", path, cli_why_unread(status));
    }
    tg_sources sources = {.arena = arena};
    tg_diags diags = {.arena = arena, .sources = &sources};
    uint32_t file = tg_sources_add(&sources, path, text, len);
    tg_func *f = tg_ir_read(arena, tg_interner_create(arena), &diags, file);
    tg_strbuf out;
    tg_strbuf_init(&out, arena);
    if (!f || diags.n_errors) {
        return cli_fail_diags(&diags, "no tile IR", arena);
    }
    double seconds[TG_PASS_COUNT] = {0};
    tg_pass_options options = {.verify_each = true, .seconds = seconds};
    const char *broken = tg_ir_verify(f, arena);
    broken = broken ? broken : tg_pass_run_list(f, o->passes, &options);
    if (broken) {
        return cli_error("%s", broken);
    }
    tg_ir_print(f, &out);
    if (o->json) {
        printf("{\"ok\": true, \"text\": ");
        cli_json_text(stdout, out.data);
        printf("}\n");
    } else {
        fwrite(out.data, 1, out.len, stdout);
    }
    for (int i = 0; o->time && i < TG_PASS_COUNT; i++) {
        if (seconds[i] > 0) {
            fprintf(stderr, "%-16s %8.3f ms\n", tg_pass_of((tg_pass_id)i)->name,
                    seconds[i] * 1e3);
        }
    }
    return CLI_OK;
}

int cmd_opt(int argc, char **argv) {
    opt_options o = {.passes = ""};
    cli_list files = {.n = 0};
    const cli_option options[] = {
        {"--passes", CLI_TEXT, "A,B,…", "passes in this order; none: read, verify, print",
         &o.passes},
        {"--list", CLI_FLAG, NULL, "list the passes there are", &o.list},
        {"--time-passes", CLI_FLAG, NULL, "time of each pass on standard error", &o.time},
        {"--json", CLI_FLAG, NULL, "one JSON object, the IR is its \"text\"; with --list an array", &o.json},
    };
    int code;
    if (!cli_parse(&self, options, sizeof options / sizeof options[0], argc, argv, &files,
                   &code)) {
        return code;
    }
    if (o.list) {
        return list_passes(&o);
    }
    if (files.n != 1) {
        return cli_wrong_usage("opt takes one file of tile IR");
    }
    if (!cli_are_passes(o.passes)) {
        return CLI_USAGE;
    }
    tg_unwind u;
    tg_arena *arena = tg_arena_create(&tg_allocator_default, &u);
    if (!arena || TG_PROTECT(&u)) {
        tg_arena_destroy(arena);
        return cli_error("out of memory");
    }
    code = optimise(&o, arena, files.items[0]);
    tg_arena_destroy(arena);
    return code;
}
