/* tegula info: what this machine and this build are. */
#include "autotune/tuner.h"
#include "cli/cli.h"
#include "tegula/ops.h"

#include <string.h>
#include <unistd.h>

static const cli_command self = {"info", "", "the machine, the code generator, the cache",
                                 cmd_info};

static void print_json(const tg_context *c, const char *llvm, uint64_t bytes, uint64_t n) {
    const tg_machine *m = &c->machine;
    printf("{\"version\": \"%s\", \"llvm\": \"%s\", \"device\": \"%s\", \"target\": \"%s\", "
           "\"arch\": \"%s\", \"cpu\": ",
           tg_version_string(), llvm, tg_context_device(c), c->target->name, m->arch);
    cli_json_text(stdout, m->cpu ? m->cpu : "");
    printf(", \"vector_bits\": %d, \"fma\": %s, \"bf16\": %s, \"vnni\": %s, \"amx\": %s, "
           "\"threads\": %d",
           m->vector_bits, m->has_fma ? "true" : "false", m->has_bf16 ? "true" : "false",
           m->has_vnni ? "true" : "false", m->has_amx ? "true" : "false",
           tg_context_n_threads(c));
    printf(", \"l1\": %lld, \"l2\": %lld, \"l3\": %lld, \"cache_dir\": ",
           (long long)m->l1_bytes, (long long)m->l2_bytes, (long long)m->l3_bytes);
    cli_json_text(stdout, tg_context_cache_dir(c) ? tg_context_cache_dir(c) : "");
    char path[4200], device[160];
    tg_device_text(c, device, sizeof device);
    printf(", \"tuning_device\": ");
    cli_json_text(stdout, device);
    tg_tuner_path(c, NULL, path, sizeof path);
    printf(", \"tuning\": ");
    cli_json_text(stdout, path);
    tg_tuner_shipped_path(NULL, path, sizeof path);
    printf(", \"shipped\": ");
    cli_json_text(stdout, path);
    printf(", \"cache_bytes\": %llu, \"cache_entries\": %llu}\n", (unsigned long long)bytes,
           (unsigned long long)n);
}

static void print_text(const tg_context *c, const char *llvm, uint64_t bytes, uint64_t n) {
    const tg_machine *m = &c->machine;
    printf("tegula %s, LLVM %s\n", tg_version_string(), llvm);
    printf("device   %s: %s %s (%s), %d-bit vectors, %d threads\n", tg_context_device(c),
           c->target->name, m->arch, m->cpu ? m->cpu : "generic", m->vector_bits,
           tg_context_n_threads(c));
    printf("features%s%s%s%s%s\n", m->has_fma ? " fma" : "", m->has_f16c ? " f16c" : "",
           m->has_bf16 ? " bf16" : "", m->has_vnni ? " vnni" : "", m->has_amx ? " amx" : "");
    printf("caches   L1 %lld KiB, L2 %lld KiB, L3 %lld KiB\n", (long long)m->l1_bytes / 1024,
           (long long)m->l2_bytes / 1024, (long long)m->l3_bytes / 1024);
    if (tg_context_cache_dir(c)) {
        printf("kernels  %s: %llu entries, %.1f MiB\n", tg_context_cache_dir(c),
               (unsigned long long)n, (double)bytes / 1048576.0);
    } else {
        printf("kernels  not kept on disk\n");
    }
    char path[4200];
    tg_tuner_path(c, NULL, path, sizeof path);
    printf("tuning   %s%s\n", path[0] ? path : "not kept on disk",
           path[0] && access(path, F_OK) ? " (not there yet)" : "");
    tg_tuner_shipped_path(NULL, path, sizeof path);
    printf("shipped  %s\n", path[0] ? path : "no rows");
}

/* One line per kernel, from the same table as docs/stdlib.md. */
static int print_stdlib(bool json) {
    for (uint32_t i = 0; i < tg_stdlib_count(); i++) {
        tg_stdlib_info r = {.struct_size = sizeof r};
        (void)tg_stdlib_describe(i, &r);
        if (!json) {
            printf("std:%-24s %s\n", r.name, r.summary);
            continue;
        }
        printf("%s{\"name\": \"%s\", \"file\": \"%s\", \"summary\": ", i ? ",\n " : "[", r.name,
               r.file);
        cli_json_text(stdout, r.summary);
        printf(", \"flops\": \"%s\", \"error_class\": \"%s\", \"gradient\": \"%s\"}", r.flops,
               r.error_class, r.gradient ? r.gradient : "");
    }
    printf(json ? "]\n" : "");
    return CLI_OK;
}

int cmd_info(int argc, char **argv) {
    bool json = false, clear = false, stdlib = false;
    const char *arch = NULL;
    cli_list files = {.n = 0};
    const cli_option options[] = {
        {"--arch", CLI_TEXT, "NAME",
         "describe this instruction set instead of the machine's best", &arch},
        {"--clear-cache", CLI_FLAG, NULL, "remove all compiled kernels from disk", &clear},
        {"--stdlib", CLI_FLAG, NULL, "list the kernels of the standard library instead",
         &stdlib},
        {"--json", CLI_FLAG, NULL, "one JSON object (with --stdlib an array)", &json},
    };
    int code;
    if (!cli_parse(&self, options, sizeof options / sizeof options[0], argc, argv, &files,
                   &code)) {
        return code;
    }
    if (files.n) {
        return cli_wrong_usage("info takes no file; see tegula info --help");
    }
    if (stdlib) {
        return print_stdlib(json);
    }
    tg_context_options o = TG_CONTEXT_OPTIONS_INIT;
    o.arch = arch;
    tg_context *c;
    code = cli_open_context(&o, &c);
    if (code) {
        return code;
    }
    char llvm[32];
    uint64_t bytes, n;
    tg_code_version(llvm, sizeof llvm);
    if (clear) {
        (void)tg_cache_clear(&c->cache);
    }
    tg_cache_usage(&c->cache, &bytes, &n);
    json ? print_json(c, llvm, bytes, n) : print_text(c, llvm, bytes, n);
    tg_context_destroy(c);
    return CLI_OK;
}
