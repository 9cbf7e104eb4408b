/* tegula run: a kernel on generated data, timed and compared with the interpreter; under a schedule of the tuning database if there is one. */
#include "autotune/flops.h"
#include "autotune/tuner.h"
#include "base/clock.h"
#include "cli/data.h"
#include "cli/roof.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const cli_command self = {
    "run", "FILE|std:KERNEL",
    "run a kernel on seeded data; time it; with --check compare it with the interpreter",
    cmd_run};

typedef struct run_options {
    cli_selection selection;
    const char *arch, *db;
    int64_t repeat, threads, seed;
    bool check, json, baseline, checked, no_cache, untuned, roof;
} run_options;

typedef struct run_result {
    double compile_ms, cold_ms, run_ms, min_ms, flops, bytes;
    double roof_gflops, roof_gbps; /* of the machine; 0: not asked for, or of no use here */
    bool from_cache;
    const char *schedule_from;
    char schedule[512];
    cli_check check;
} run_result;

static void print_text_of_kernel(void *user, const char *text, size_t n) {
    (void)user;
    fwrite(text, 1, n, stdout);
}

/* ---- timing --------------------------------------------------------------------------------------------------
 */

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Repeats until there are enough samples; without --repeat for about half a second. */
static bool time_launches(const run_options *o, cli_data *d, run_result *r) {
    enum { MOST = 10000 };
    double *ms = malloc(MOST * sizeof *ms), begin = tg_now_ms();
    int64_t n = 0, most = o->repeat > 0 ? o->repeat : MOST;
    uint32_t n_args = d->kernel->signature->n_params;
    while (ms && n < most && n < MOST &&
           (o->repeat > 0 || n < 3 || tg_now_ms() - begin < 500)) {
        double start = tg_now_ms();
        if (tg_launch(d->kernel, d->values, n_args)) {
            free(ms);
            return false;
        }
        ms[n++] = tg_now_ms() - start;
    }
    if (n) {
        qsort(ms, (size_t)n, sizeof *ms, by_size);
        r->run_ms = ms[n / 2];
        r->min_ms = ms[0];
    }
    free(ms);
    return true;
}

/* Of the machine, on the same threads, where the kernel computes or moves anything. */
static void measure_roofs(const cli_data *d, run_result *r) {
    tg_context *c = d->kernel->context;
    r->roof_gflops = r->flops > 0 ? cli_roof_gflops(c, cli_roof_dtype(cli_data_dtype(d))) : 0;
    r->roof_gbps = cli_roof_gbps(c, r->bytes);
}

/* The least time in milliseconds for so much arithmetic; for so many bytes. */
static double arithmetic_ms(const run_result *r) {
    return r->roof_gflops > 0 ? r->flops / r->roof_gflops * 1e-6 : 0;
}

static double traffic_ms(const run_result *r) {
    return r->roof_gbps > 0 ? r->bytes / r->roof_gbps * 1e-6 : 0;
}

static double share_of_roof(const run_result *r) {
    double least = arithmetic_ms(r) > traffic_ms(r) ? arithmetic_ms(r) : traffic_ms(r);
    return least / r->run_ms;
}

/* ---- the tile IR, for counting and for the oracle ---------------------------------------------------------------
 */

static tg_func *instantiate(const cli_data *d, tg_arena *arena) {
    const tg_kernel *k = d->kernel;
    tg_instance_spec spec = {.types = d->selection.types,
                             .consts = d->selection.consts,
                             .present = d->selection.present,
                             .machine = &k->context->machine,
                             .schedule = k->schedule,
                             .only_given = k->only_given,
                             .checked = k->context->checked};
    tg_diags diags = tg_compilation_diags(k->module->compilation, arena);
    tg_compile_options options = {.target = k->context->target,
                                  .machine = &k->context->machine,
                                  .passes = "",
                                  .stop_after_passes = true};
    tg_artifact a;
    const char *message;
    tg_status s = tg_compile_kernel(k->module->compilation, k->item, &spec, &options, arena,
                                    &diags, &a, &message);
    return s ? NULL : (tg_func *)(uintptr_t)a.func;
}

static void measure_work(const cli_data *d, const tg_func *f, tg_arena *arena, run_result *r) {
    tg_launch_arg args[TG_MAX_PARAMS];
    for (uint32_t i = 0; i < d->kernel->signature->n_params; i++) {
        args[i] = (tg_launch_arg){.scalar = d->scalars[i],
                                  .tensor = d->tensors[i] ? &d->tensors[i]->arg : NULL};
    }
    r->flops = tg_count_flops(f, args, arena);
    r->bytes = d->bytes;
}

/* ---- the report ---------------------------------------------------------------------------------------------------
 */

static void print_bindings(FILE *out, const cli_data *d, const char *separator) {
    const tg_signature *sig = d->kernel->signature;
    for (uint32_t i = 0; i < sig->n_tparams; i++) {
        fprintf(out, "%s%s=%s", i ? separator : "", sig->tparams[i].name,
                tg_dtype_name(d->selection.types[i]));
    }
    for (uint32_t i = 0; i < sig->n_dims; i++) {
        fprintf(out, "%s%s=%lld", i || sig->n_tparams ? separator : "", sig->dims[i].name,
                (long long)d->binding.dims[i]);
    }
}

static void print_number(const char *key, double v) {
    if (v - v == 0) {
        printf(", \"%s\": %.6g", key, v);
    } else {
        printf(", \"%s\": null", key);
    }
}

static void print_json(const run_options *o, const cli_data *d, const run_result *r) {
    const tg_context *c = d->kernel->context;
    printf("{\"kernel\": \"%s\", \"target\": \"%s\", \"arch\": \"%s\", \"threads\": %d, "
           "\"bindings\": \"",
           d->kernel->signature->name, c->target->name, c->machine.arch,
           tg_context_n_threads(c));
    print_bindings(stdout, d, " ");
    printf("\"");
    printf(", \"schedule\": ");
    cli_json_text(stdout, r->schedule);
    printf(", \"schedule_from\": \"%s\"", r->schedule_from);
    print_number("compile_ms", r->compile_ms);
    print_number("cold_ms", r->cold_ms);
    print_number("run_ms", r->run_ms);
    print_number("min_ms", r->min_ms);
    print_number("gflops", r->flops / r->run_ms * 1e-6);
    print_number("gbps", r->bytes / r->run_ms * 1e-6);
    print_number("flops", r->flops);
    print_number("bytes", r->bytes);
    if (o->roof) {
        print_number("roof_gflops", r->roof_gflops);
        print_number("roof_gbps", r->roof_gbps);
        print_number("of_roof", share_of_roof(r));
    }
    printf(", \"from_cache\": %s, \"checked\": %s", r->from_cache ? "true" : "false",
           o->check ? "true" : "false");
    if (o->check) {
        print_number("max_error", r->check.max_error);
        print_number("error_bound", r->check.error_bound);
        print_number("error_ratio", r->check.max_ratio);
        printf(", \"elements\": %lld, \"unverifiable\": %lld, \"failed\": %lld, \"message\": ",
               (long long)r->check.n, (long long)r->check.n_unverifiable,
               (long long)r->check.n_failed);
        cli_json_text(stdout, r->check.message);
    }
    printf(", \"ok\": %s}\n", !o->check || r->check.ok ? "true" : "false");
}

static void print_roof(const run_result *r) {
    if (r->roof_gflops <= 0 && r->roof_gbps <= 0) {
        printf("  no roof: nothing is computed or moved\n");
        return;
    }
    printf("  %.0f %% of the roof: ", 100 * share_of_roof(r));
    if (arithmetic_ms(r) > traffic_ms(r)) {
        printf("a product of matrices reaches %.1f GFLOP/s\n", r->roof_gflops);
    } else {
        printf("as many bytes are summed or copied at %.1f GB/s\n", r->roof_gbps);
    }
}

static void print_text(const run_options *o, const cli_data *d, const run_result *r) {
    const tg_context *c = d->kernel->context;
    printf("%s (%s %s, %d thread%s)  ", d->kernel->signature->name, c->target->name,
           c->machine.arch, tg_context_n_threads(c), tg_context_n_threads(c) == 1 ? "" : "s");
    print_bindings(stdout, d, " ");
    if (r->schedule[0]) {
        printf("\n  schedule (%s): %s", r->schedule_from, r->schedule);
    }
    printf("\n  %s %.2f ms, first launch %.2f ms\n",
           r->from_cache ? "loaded from cache, compile" : "compile", r->compile_ms, r->cold_ms);
    printf("  run %.4f ms (median; best %.4f)  %.2f GFLOP/s  %.2f GB/s\n", r->run_ms, r->min_ms,
           r->flops / r->run_ms * 1e-6, r->bytes / r->run_ms * 1e-6);
    if (o->roof) {
        print_roof(r);
    }
    if (!o->check) {
        return;
    }
    if (r->check.ok) {
        printf("  check ok: %lld elements, max error %.3g, at most %.2f of its bound (bounds "
               "up to %.3g)",
               (long long)r->check.n, r->check.max_error, r->check.max_ratio,
               r->check.error_bound);
        printf(r->check.n_unverifiable ? ", %lld not checkable\n" : "\n",
               (long long)r->check.n_unverifiable);
    } else {
        printf("  check FAILED: %s\n", r->check.message);
    }
}

/* ---- flow ------------------------------------------------------------------------------------------------------------
 */

/* The kernel of the data becomes one under what launches with the tuner would use. */
static bool use_known(const tg_tuner_options *where, cli_data *d, run_result *r) {
    static const char *const names[] = {[TG_TUNED_DEFAULT] = "compiler",
                                        [TG_TUNED_NEAREST] = "nearest shape tuned",
                                        [TG_TUNED_EXACT] = "tuned",
                                        [TG_TUNED_MODEL] = "model"};
    tg_tuner *tuner;
    tg_tuned_from from = TG_TUNED_DEFAULT;
    uint32_t n = d->kernel->signature->n_params;
    if (tg_tuner_create(d->kernel->context, where, &tuner)) {
        return false;
    }
    if (*tg_tuner_warning(tuner)) {
        fprintf(stderr, "tegula: %s\n", tg_tuner_warning(tuner));
    }
    bool ok = tg_tuner_lookup(tuner, d->kernel, d->values, n, r->schedule, sizeof r->schedule,
                              &from) == TG_OK;
    tg_schedule_options options = TG_SCHEDULE_OPTIONS_INIT;
    options.schedule = r->schedule;
    r->schedule_from = names[from];
    if (ok && r->schedule[0]) {
        ok = tg_kernel_with_schedule(d->kernel, &options, &d->kernel) == TG_OK;
    }
    tg_tuner_destroy(tuner);
    return ok;
}

/* Only a database that exists is asked, beside what ships: a run leaves no file behind. */
static bool choose_schedule(const run_options *o, cli_data *d, run_result *r) {
    char path[4200], shipped[4200];
    tg_tuner_options where = TG_TUNER_OPTIONS_INIT;
    bool given = o->selection.schedule || o->selection.only_given;
    r->schedule_from = given ? "given" : "compiler";
    if (given) {
        (void)tg_format(r->schedule, sizeof r->schedule, "%s",
                        o->selection.schedule ? o->selection.schedule : "");
        return true;
    }
    tg_tuner_path(d->kernel->context, o->db, path, sizeof path);
    tg_tuner_shipped_path(NULL, shipped, sizeof shipped);
    if (access(path, F_OK) != 0) {
        path[0] = '\0';
    }
    where.database = path;
    where.shipped = shipped;
    bool there = path[0] || shipped[0];
    return o->untuned || o->baseline || !there || use_known(&where, d, r);
}

static bool first_launch(cli_data *d, run_result *r) {
    tg_kernel *k = d->kernel;
    cli_progress *p = cli_progress_start("compiling");
    double start = tg_now_ms();
    bool ok = tg_launch(k, d->values, k->signature->n_params) == TG_OK;
    r->cold_ms = tg_now_ms() - start;
    cli_progress_stop(p);
    tg_kernel_stats stats = {.struct_size = sizeof stats};
    (void)tg_kernel_get_stats(k, &stats);
    r->compile_ms = stats.compile_ms;
    r->from_cache = stats.n_from_cache > 0;
    return ok;
}

static void run_check(const run_options *o, const cli_data *d, const tg_func *f,
                      run_result *r) {
    if (!o->check) {
        return;
    }
    cli_progress *p = cli_progress_start("checking with the interpreter");
    if (!f || !cli_data_check(d, f, tg_processor_count(), &r->check)) {
        r->check.ok = false;
    }
    cli_progress_stop(p);
}

static int run_data(const run_options *o, cli_data *d) {
    run_result r = {0};
    tg_kernel *own = d->kernel;
    bool ran = choose_schedule(o, d, &r) && first_launch(d, &r);
    if (!ran && d->kernel != own) { /* a row of another build that no longer compiles */
        d->kernel = own;
        r.schedule[0] = '\0';
        r.schedule_from = "compiler";
        ran = first_launch(d, &r);
    }
    if (!ran) {
        return cli_last_error(d->kernel->context);
    }
    tg_unwind u;
    tg_arena *arena = tg_arena_create(&tg_allocator_default, &u);
    if (!arena || TG_PROTECT(&u)) {
        tg_arena_destroy(arena);
        return cli_error("out of memory");
    }
    tg_func *f = instantiate(d, arena);
    if (f) {
        measure_work(d, f, arena, &r);
    }
    run_check(o, d, f, &r); /* before further launches change what is written */
    bool ok = time_launches(o, d, &r);
    if (ok && o->roof) {
        measure_roofs(d, &r);
    }
    if (ok) {
        o->json ? print_json(o, d, &r) : print_text(o, d, &r);
    }
    tg_arena_destroy(arena);
    if (!ok) {
        return cli_last_error(d->kernel->context);
    }
    return !o->check || r.check.ok ? CLI_OK : CLI_FAILED;
}

static int run_file(const run_options *o, const char *path) {
    tg_context_options options = TG_CONTEXT_OPTIONS_INIT;
    options.arch = o->arch;
    options.n_threads = (int32_t)o->threads;
    options.checked = o->checked;
    options.cache_dir = o->no_cache ? "" : NULL;
    options.print = print_text_of_kernel;
    tg_context *c;
    int code = cli_open_context(&options, &c);
    if (code) {
        return code;
    }
    c->codegen.baseline = o->baseline;
    tg_module *m = NULL;
    tg_kernel *k = cli_load(c, path, &o->selection, o->json, &m, &code);
    if (k) {
        cli_data d;
        code = cli_data_make(k, &o->selection, (uint64_t)o->seed, &d);
        code = code ? code : run_data(o, &d);
        cli_data_free(&d);
    }
    tg_module_destroy(m);
    tg_context_destroy(c);
    return code;
}

int cmd_run(int argc, char **argv) {
    run_options o = {.seed = 1};
    cli_list files = {.n = 0};
    const cli_option options[] = {
        CLI_OPTION_KERNEL(&o.selection.kernel),
        CLI_OPTIONS_SCHEDULE(o.selection),
        {"--set", CLI_LIST, "NAME=VALUE…",
         "dimensions (default: what `where` implies, else 64, 32 or 16) and scalars (default "
         "1)",
         &o.selection.set},
        CLI_OPTION_DTYPE(&o.selection.dtypes),
        CLI_OPTION_ABSENT(&o.selection.absent),
        CLI_OPTION_FILL(&o.selection.fill),
        {"--check", CLI_FLAG, NULL, "compare with the interpreter; exit code 1 if it differs",
         &o.check},
        {"--repeat", CLI_COUNT, "N", "timed launches; default: for half a second", &o.repeat},
        {"--roof", CLI_FLAG, NULL, "measure what the machine reaches, and the kernel's share of it", &o.roof},
        CLI_OPTION_THREADS(&o.threads),
        CLI_OPTION_SEED(&o.seed),
        CLI_OPTION_ARCH(&o.arch),
        {"--checked", CLI_FLAG, NULL, "run `assert` and verify content facts", &o.checked},
        CLI_OPTION_DB(&o.db),
        {"--untuned", CLI_FLAG, NULL, "the compiler's own choice, whatever was tuned",
         &o.untuned},
        {"--baseline", CLI_FLAG, NULL, "the slow lowering that optimised code is compared with",
         &o.baseline},
        {"--no-cache", CLI_FLAG, NULL, "compile even if the kernel is on disk", &o.no_cache},
        {"--json", CLI_FLAG, NULL, "one JSON object", &o.json},
    };
    int code;
    if (!cli_parse(&self, options, sizeof options / sizeof options[0], argc, argv, &files,
                   &code)) {
        return code;
    }
    if (files.n != 1) {
        return cli_wrong_usage("run takes one file; see tegula run --help");
    }
    return run_file(&o, files.items[0]);
}
