/* tegula compile: one variant of a kernel through the stages, printing the one asked for. */
#include "base/io.h"
#include "cli/cli.h"
#include "dsl/passes/passes.h"

#include <string.h>

static const cli_command self = {"compile", "FILE|std:KERNEL",
                                 "compile a kernel and print one stage of it", cmd_compile};

typedef struct compile_options {
    cli_selection selection;
    const char *emit, *output, *arch, *print_after, *passes;
    bool json, time, baseline, o2, debug, checked, verify;
} compile_options;

static const struct stage {
    const char *name;
    unsigned emit;
} stages[] = {
    {"ast", 0},
    {"tile", 0},
    {"passes", 0},
    {"plan", TG_EMIT_PLAN},
    {"directives", TG_EMIT_DIRECTIVES},
    {"llvm", TG_EMIT_LLVM},
    {"asm", TG_EMIT_ASM},
    {"obj", TG_EMIT_OBJECT},
};
enum { N_STAGES = sizeof stages / sizeof stages[0] };

static const struct stage *find_stage(const char *name) {
    for (int i = 0; i < N_STAGES; i++) {
        if (strcmp(stages[i].name, name) == 0) {
            return &stages[i];
        }
    }
    return NULL;
}

/* ---- printing on the way ------------------------------------------------------------------------------------
 */

typedef struct watcher {
    const char *print_after; /* a pass, "instantiate", "all", or null */
    FILE *out;
} watcher;

/* Called between passes: works in an arena of its own, so that the compile's is not disturbed. */
static void print_function(const tg_func *f, const char *heading, FILE *to) {
    tg_unwind u;
    tg_arena *arena = tg_arena_create(&tg_allocator_default, &u);
    if (arena && !TG_PROTECT(&u)) {
        tg_strbuf out;
        tg_strbuf_init(&out, arena);
        tg_ir_print(f, &out);
        fprintf(to, "// after %s\n%s", heading, out.data);
    }
    tg_arena_destroy(arena);
}

/* What --print-after takes besides the passes. */
static bool is_stage(const char *name) {
    return strcmp(name, "instantiate") == 0 || strcmp(name, "all") == 0;
}

static void on_stage(void *user, const char *name, const tg_func *f) {
    const watcher *w = user;
    if (w->print_after &&
        (strcmp(w->print_after, name) == 0 || strcmp(w->print_after, "all") == 0)) {
        print_function(f, name, w->out);
    }
}

static void print_times(const compile_options *o, const tg_artifact *a, const double *seconds) {
    double total = 0;
    for (int i = 0; i < TG_STAGE_COUNT; i++) {
        total += a->ms[i];
    }
    for (int i = 0; i < TG_STAGE_COUNT; i++) {
        fprintf(stderr, "%-16s %8.3f ms  %5.1f %%\n", tg_stage_name((tg_stage)i), a->ms[i],
                total > 0 ? 100 * a->ms[i] / total : 0);
        for (int p = 0; i == TG_STAGE_PASSES && p < TG_PASS_COUNT && o->time; p++) {
            if (seconds[p] > 0) {
                fprintf(stderr, "  %-14s %8.3f ms\n", tg_pass_of((tg_pass_id)p)->name,
                        seconds[p] * 1e3);
            }
        }
    }
}

/* ---- results --------------------------------------------------------------------------------------------------
 */

static int write_out(const char *path, const void *data, size_t n) {
    if (!path || strcmp(path, "-") == 0) {
        fwrite(data, 1, n, stdout);
        return CLI_OK;
    }
    tg_status status = tg_io_write_file(path, data, n);
    return status ? cli_cannot_write(path, status) : CLI_OK;
}

/* `a` null: the stage comes before the variants. */
static void print_json(const compile_options *o, const tg_kernel *k, const tg_artifact *a,
                       const char *text) {
    printf("{\"ok\": true, \"kernel\": \"%s\", \"target\": \"%s\", \"arch\": \"%s\", \"emit\": "
           "\"%s\"",
           k->signature->name, k->context->target->name, k->context->machine.arch, o->emit);
    for (int i = 0; a && i < TG_STAGE_COUNT; i++) {
        printf(", \"%s_ms\": %.3f", tg_stage_name((tg_stage)i), a->ms[i]);
    }
    if (a) {
        printf(", \"object_bytes\": %zu", a->object.size);
    }
    if (text) {
        printf(", \"text\": ");
        cli_json_text(stdout, text);
    }
    printf("}\n");
}

/* A text goes to the file that -o names, in JSON mode else into the object. */
static int put_text(const compile_options *o, const tg_kernel *k, const tg_artifact *a, const char *text) {
    bool shown = o->print_after && !o->json; /* what was asked for is on standard output already */
    int code = !shown && (o->output || !o->json) ? write_out(o->output, text, strlen(text)) : CLI_OK;
    if (o->json && code == CLI_OK) {
        print_json(o, k, a, o->output ? NULL : text);
    }
    return code;
}

/* `reg(n), reg(m): 8, 14 | 8, 9`: what a schedule could still say, and values worth trying. */
static const char *directives_text(const tg_object *object, tg_arena *arena) {
    tg_strbuf s;
    tg_strbuf_init(&s, arena);
    for (uint32_t i = 0; i < object->n_directives; i++) {
        const tg_directive *d = &object->directives[i];
        for (uint32_t k = 0; k < d->n_targets; k++) {
            tg_strbuf_printf(&s, "%s%s", k ? ", " : "", d->target[k]);
        }
        for (uint32_t v = 0; v < d->n_values; v++) {
            for (uint32_t k = 0; k < d->n_targets; k++) {
                tg_strbuf_printf(&s, "%s%s", k ? ", " : v ? " | " : ": ", d->value[v][k]);
            }
        }
        tg_strbuf_putc(&s, '\n');
    }
    return s.data ? s.data : "";
}

static int emit_result(const compile_options *o, const tg_kernel *k, const tg_artifact *a,
                       tg_arena *arena) {
    const char *text = a->object.plan_text   ? a->object.plan_text
                       : a->object.llvm_text ? a->object.llvm_text
                                             : a->object.asm_text;
    bool is_object = strcmp(o->emit, "obj") == 0;
    if (strcmp(o->emit, "directives") == 0) {
        text = directives_text(&a->object, arena);
    }
    if (strcmp(o->emit, "tile") == 0 || strcmp(o->emit, "passes") == 0) {
        tg_strbuf out;
        tg_strbuf_init(&out, arena);
        tg_ir_print(a->func, &out);
        text = out.data;
    }
    if (!is_object) {
        return put_text(o, k, a, text ? text : "");
    }
    const char *file = o->output || o->json ? o->output : tg_arena_printf(arena, "%s.o", k->signature->name);
    int code = file ? write_out(file, a->object.bytes, a->object.size) : CLI_OK;
    if (o->json && code == CLI_OK) {
        print_json(o, k, a, NULL);
    }
    return code;
}

static int compile_variant(const compile_options *o, tg_kernel *k, tg_selection *s,
                           tg_arena *arena) {
    tg_context *c = k->context;
    double seconds[TG_PASS_COUNT] = {0};
    watcher w = {o->print_after, o->json ? stderr : stdout};
    bool tile = strcmp(o->emit, "tile") == 0;
    tg_instance_spec spec = {.types = s->types,
                             .consts = s->consts,
                             .present = s->present,
                             .machine = &c->machine,
                             .schedule = k->schedule,
                             .only_given = k->only_given,
                             .checked = o->checked};
    tg_compile_options options = {
        .target = c->target,
        .machine = &c->machine,
        .codegen = {.baseline = o->baseline, .optimise_o2 = o->o2, .debug_info = o->debug},
        .emit = find_stage(o->emit)->emit,
        .passes = tile ? "" : o->passes,
        .stop_after_passes = tile || strcmp(o->emit, "passes") == 0,
        .verify = o->verify,
        .after = on_stage,
        .user = &w,
        .pass_seconds = seconds};
    tg_diags diags = tg_compilation_diags(k->module->compilation, arena);
    tg_artifact a;
    const char *message;
    tg_status status = tg_compile_kernel(k->module->compilation, k->item, &spec, &options,
                                         arena, &diags, &a, &message);
    if (status) {
        return cli_fail_diags(&diags, message, arena);
    }
    if (o->time) {
        print_times(o, &a, seconds);
    }
    return emit_result(o, k, &a, arena);
}

static int with_arena(const compile_options *o, tg_kernel *k, tg_selection *s) {
    tg_unwind u;
    tg_arena *arena = tg_arena_create(&tg_allocator_default, &u);
    if (!arena || TG_PROTECT(&u)) {
        tg_arena_destroy(arena);
        return cli_error("out of memory");
    }
    int code;
    if (strcmp(o->emit, "ast") == 0) {
        tg_strbuf out;
        tg_strbuf_init(&out, arena);
        tg_ast_dump(tg_unit_file(k->module->compilation->unit), &out);
        code = put_text(o, k, NULL, out.data ? out.data : "");
    } else {
        code = compile_variant(o, k, s, arena);
    }
    tg_arena_destroy(arena);
    return code;
}

static int compile_file(const compile_options *o, const char *path) {
    tg_context_options options = TG_CONTEXT_OPTIONS_INIT;
    options.arch = o->arch;
    options.cache_dir = "";
    tg_context *c;
    int code = cli_open_compiler(&options, &c);
    if (code) {
        return code;
    }
    tg_module *m = NULL;
    tg_kernel *k = cli_load(c, path, &o->selection, o->json, &m, &code);
    tg_selection s;
    if (k) {
        code = cli_select(k, &o->selection, &s);
        code = code ? code : with_arena(o, k, &s);
    }
    tg_module_destroy(m);
    tg_context_destroy(c);
    return code;
}

int cmd_compile(int argc, char **argv) {
    compile_options o = {.emit = "asm"};
    cli_list files = {.n = 0};
    const cli_option options[] = {
        CLI_OPTION_KERNEL(&o.selection.kernel),
        CLI_OPTIONS_SCHEDULE(o.selection),
        {"--emit", CLI_TEXT, "STAGE", "ast, tile, passes, plan, directives, llvm, asm (default) or obj",
         &o.emit},
        {"-o", CLI_TEXT, "FILE", "write there instead of standard output (obj: KERNEL.o)",
         &o.output},
        CLI_OPTION_CONSTANTS(&o.selection.set),
        CLI_OPTION_DTYPE(&o.selection.dtypes),
        CLI_OPTION_ABSENT(&o.selection.absent),
        CLI_OPTION_ARCH(&o.arch),
        {"--passes", CLI_TEXT, "A,B,…", "these passes instead of the target's list", &o.passes},
        {"--print-after", CLI_TEXT, "PASS", "print the IR after this pass (instantiate, all); with --json on standard error",
         &o.print_after},
        {"--time-passes", CLI_FLAG, NULL, "time of every stage and pass on standard error",
         &o.time},
        {"--verify", CLI_FLAG, NULL, "check the IR after every pass", &o.verify},
        {"--checked", CLI_FLAG, NULL, "keep `assert`", &o.checked},
        {"--baseline", CLI_FLAG, NULL, "the slow lowering that optimised code is compared with",
         &o.baseline},
        {"--o2", CLI_FLAG, NULL, "all of LLVM's O2 instead of the short list of passes", &o.o2},
        {"--debug", CLI_FLAG, NULL, "line numbers of the source in the object", &o.debug},
        {"--json", CLI_FLAG, NULL, "one JSON object; the stage is its \"text\" unless -o names a file", &o.json},
    };
    int code;
    if (!cli_parse(&self, options, sizeof options / sizeof options[0], argc, argv, &files,
                   &code)) {
        return code;
    }
    if (files.n != 1 || !find_stage(o.emit)) {
        return cli_wrong_usage(files.n == 1 ? "--emit takes ast, tile, passes, plan, directives, llvm, asm or obj"
                                            : "compile takes one file");
    }
    if ((o.passes && !cli_are_passes(o.passes)) || (o.print_after && !is_stage(o.print_after) && !cli_are_passes(o.print_after))) {
        return CLI_USAGE;
    }
    return compile_file(&o, files.items[0]);
}
