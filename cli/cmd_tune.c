/* tegula tune: finds the fastest schedules of a kernel for a sweep of shapes and keeps them in the tuning database. */
#include "cli/data.h"
#include "cli/tune_report.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const cli_command self = {
    "tune", "FILE|std:KERNEL", "find the fastest schedules for some shapes and remember them", cmd_tune};

enum { MOST_SHAPES = 1024, NAME_SIZE = 96 };

typedef struct tune_options {
    cli_selection selection;
    const char *arch, *db, *shipped, *report, *export_to, *ship, *import_from, *budget;
    int64_t threads, seed, first;
    bool json, again, deterministic, exhaustive;
} tune_options;

typedef struct sweep {
    const tune_options *o;
    tg_tuner *tuner;
    tg_kernel *kernel;
    double budget_s;
    uint32_t n_shapes, done;
    bool terminal;
    cli_tuned *shapes;
} sweep;

/* ---- the product of the lists ------------------------------------------------------------------------------- */

/* Item i of "256,512": its length, or 0 beyond the last. */
static size_t list_item(const char *values, uint32_t i, const char **out) {
    while (i > 0 && (values = strchr(values, ',')) != NULL) {
        values++;
        i--;
    }
    *out = values;
    return values ? strcspn(values, ",") : 0;
}

static uint32_t list_length(const char *values) {
    uint32_t n = 1;
    for (; *values; values++) {
        n += *values == ',';
    }
    return n;
}

/* Combination `number` of all --set lists, the last one fastest. */
static int combine(const cli_list *set, uint32_t number, char (*text)[NAME_SIZE],
                    cli_list *out) {
    out->n = set->n;
    for (uint32_t i = set->n; i-- > 0;) {
        const char *equals = strchr(set->items[i], '='), *value;
        uint32_t n = equals ? list_length(equals + 1) : 1;
        size_t length = equals ? list_item(equals + 1, number % n, &value) : 0;
        size_t name = equals ? (size_t)(equals - set->items[i]) : 0;
        if (length == 0 || name + length + 2 > NAME_SIZE) {
            return cli_wrong_usage("--set %s: write NAME=VALUE or NAME=VALUE,VALUE…", set->items[i]);
        }
        snprintf(text[i], NAME_SIZE, "%.*s=%.*s", (int)name, set->items[i], (int)length, value);
        out->items[i] = text[i];
        number /= n;
    }
    return CLI_OK;
}

static uint32_t n_combinations(const cli_list *set) {
    uint64_t n = 1;
    for (uint32_t i = 0; i < set->n && n <= MOST_SHAPES; i++) {
        const char *equals = strchr(set->items[i], '=');
        n *= equals ? list_length(equals + 1) : 1;
    }
    return n > MOST_SHAPES ? 0 : (uint32_t)n;
}

/* ---- progress --------------------------------------------------------------------------------------------------- */

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number) {
    (void)number;
    interrupted = 1;
}

static int show_progress(void *user, const tg_tune_progress *p) {
    const sweep *s = user;
    double whole = s->o->exhaustive ? p->seconds + p->eta_s : s->budget_s; /* of a shape */
    double eta = p->eta_s + whole * (s->n_shapes - s->done - 1);
    if (s->terminal) {
        enum { WIDTH = 20 };
        int full = (int)((double)WIDTH * (s->done + p->fraction) / s->n_shapes);
        fprintf(stderr, "\r\033[K[%.*s%.*s] %u/%u %s  %s, %u tried", full,
                "####################", WIDTH - full, "....................", s->done + 1,
                s->n_shapes, s->shapes[s->done].shape, p->phase, p->n_tried);
        if (p->best_ms > 0) {
            fprintf(stderr, ", best %.4g ms (%.2fx)", p->best_ms, p->default_ms / p->best_ms);
        }
        fprintf(stderr, ", ETA %.0f s", eta);
        fflush(stderr);
    }
    return interrupted;
}

/* ---- one shape --------------------------------------------------------------------------------------------------- */

static void name_shape(const cli_data *d, char *out, size_t size) {
    const tg_signature *sig = d->kernel->signature;
    size_t n = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < sig->n_dims && n < size; i++) {
        n += (size_t)snprintf(out + n, size - n, "%s%s=%lld", i ? " " : "", sig->dims[i].name,
                              (long long)d->binding.dims[i]);
    }
}

static int keep_candidate(void *user, const tg_candidate *c) {
    enum { MOST = 4096 };
    cli_tuned *t = user;
    if (t->n_candidates % 64 == 0) {
        void *more = realloc(t->candidates, (t->n_candidates + 64) * sizeof *t->candidates);
        if (!more) {
            return 1;
        }
        t->candidates = more;
    }
    struct cli_candidate *to = &t->candidates[t->n_candidates++];
    snprintf(to->schedule, sizeof to->schedule, "%s", c->schedule);
    snprintf(to->reason, sizeof to->reason, "%s", c->reason);
    to->c = *c;
    to->c.schedule = to->c.reason = NULL;
    return t->n_candidates >= MOST;
}

static int tune_shape(sweep *s, const cli_selection *selection) {
    cli_data d;
    cli_tuned *t = &s->shapes[s->done];
    tg_tune_options o = TG_TUNE_OPTIONS_INIT;
    o.budget_s = s->budget_s;
    o.n_first = (int32_t)s->o->first;
    o.deterministic = s->o->deterministic;
    o.again = s->o->again;
    o.exhaustive = s->o->exhaustive;
    o.progress = show_progress;
    o.user = s;
    t->result.struct_size = sizeof t->result;
    int code = cli_data_make(s->kernel, selection, (uint64_t)s->o->seed, &d);
    if (code == CLI_OK) {
        uint32_t n = s->kernel->signature->n_params;
        name_shape(&d, t->shape, sizeof t->shape);
        t->dtype = cli_data_dtype(&d);
        if (tg_tune(s->tuner, s->kernel, d.values, n, &o, &t->result) ||
            tg_tuner_candidates(s->tuner, s->kernel, d.values, n, keep_candidate, t)) {
            code = cli_last_error(s->kernel->context);
        }
    }
    cli_data_free(&d);
    return code;
}

/* ---- results ---------------------------------------------------------------------------------------------------------- */

static void print_table(const sweep *s) {
    int width = 5;
    for (uint32_t i = 0; i < s->done; i++) {
        int n = (int)strlen(s->shapes[i].shape);
        width = n > width ? n : width;
    }
    printf("%-*s  %11s  %11s  %7s  %8s  %5s  %s\n", width, "shape", "default ms", "best ms",
           "speedup", "GFLOP/s", "tried", "schedule");
    for (uint32_t i = 0; i < s->done; i++) {
        const tg_tune_result *r = &s->shapes[i].result;
        printf("%-*s  %11.4g  %11.4g  %6.2fx  %8.2f  %5u  %s%s\n", width, s->shapes[i].shape,
               r->default_ms, r->best_ms, r->default_ms / r->best_ms,
               r->flops / r->best_ms * 1e-6, r->n_tried,
               r->schedule[0] ? r->schedule : "(the compiler's choice)",
               r->from_database ? "  [known]" : "");
    }
}

static void print_json(const sweep *s) {
    printf("{\"kernel\": \"%s\", \"arch\": \"%s\", \"threads\": %d, \"database\": ",
           tg_kernel_name(s->kernel), tg_context_arch(s->kernel->context),
           tg_context_n_threads(s->kernel->context));
    cli_json_text(stdout, tg_tuner_database(s->tuner) ? tg_tuner_database(s->tuner) : "");
    printf(", \"warning\": ");
    cli_json_text(stdout, tg_tuner_warning(s->tuner));
    printf(", \"shapes\": [");
    for (uint32_t i = 0; i < s->done; i++) {
        const tg_tune_result *r = &s->shapes[i].result;
        printf("%s\n  {\"shape\": \"%s\", \"schedule\": ", i ? "," : "", s->shapes[i].shape);
        cli_json_text(stdout, r->schedule);
        printf(", \"default_ms\": %.6g, \"best_ms\": %.6g, \"speedup\": %.4f, \"gflops\": "
               "%.4g, \"seconds\": %.3f, "
               "\"space\": %u, \"tried\": %u, \"failed\": %u, \"wrong\": %u, \"known\": %s}",
               r->default_ms, r->best_ms, r->default_ms / r->best_ms,
               r->flops / r->best_ms * 1e-6, r->seconds, r->n_space, r->n_tried, r->n_failed,
               r->n_wrong, r->from_database ? "true" : "false");
    }
    printf("], \"ok\": %s}\n", s->done == s->n_shapes ? "true" : "false");
}

static int run_sweep(sweep *s) {
    int code = CLI_OK;
    signal(SIGINT, on_interrupt);
    while (code == CLI_OK && s->done < s->n_shapes && !interrupted) {
        char text[CLI_LIST_MAX][NAME_SIZE];
        cli_selection one = s->o->selection;
        code = combine(&s->o->selection.set, s->done, text, &one.set);
        code = code ? code : tune_shape(s, &one);
        s->done += code == CLI_OK;
    }
    signal(SIGINT, SIG_DFL);
    if (s->terminal) {
        fprintf(stderr, "\r\033[K");
    }
    if (code) {
        return code;
    }
    if (s->o->report && !cli_tune_report(s->o->report, s->kernel, s->shapes, s->done)) {
        return cli_error("%s cannot be written", s->o->report);
    }
    s->o->json ? print_json(s) : print_table(s);
    if (*tg_tuner_warning(s->tuner) && !s->o->json) {
        fprintf(stderr, "tegula: %s%s\n",
                tg_tuner_database(s->tuner) ? "" : "results are not kept: ",
                tg_tuner_warning(s->tuner));
    }
    if (interrupted) {
        fprintf(stderr, "tegula: interrupted; the same command goes on with what is missing\n");
    }
    return interrupted ? CLI_FAILED : CLI_OK;
}

/* ---- flow -------------------------------------------------------------------------------------------------------------- */

static int exchange(const tune_options *o, tg_context *c, tg_tuner *tuner) {
    int64_t n;
    if (o->import_from) {
        if (tg_tuner_import(tuner, o->import_from, &n)) {
            return cli_last_error(c);
        }
        fprintf(stderr, "%lld rows taken from %s\n", (long long)n, o->import_from);
    }
    return CLI_OK;
}

/* All of the text, finite and above 0. */
static bool read_seconds(const char *text, double *out) {
    char *end;
    *out = strtod(text, &end);
    return *text && !*end && *out > 0 && *out <= 1e6;
}

static int tune_file(const tune_options *o, tg_context *c, tg_tuner *tuner, const char *path) {
    tg_module *m = NULL;
    int code;
    sweep s = {.o = o, .tuner = tuner, .terminal = isatty(STDERR_FILENO)};
    s.kernel = cli_load(c, path, &o->selection, o->json, &m, &code);
    s.budget_s = 10;
    s.n_shapes = n_combinations(&o->selection.set);
    s.shapes = calloc(s.n_shapes ? s.n_shapes : 1, sizeof *s.shapes);
    if (s.kernel && o->budget && !read_seconds(o->budget, &s.budget_s)) {
        code = cli_wrong_usage("--budget %s: write a number of seconds above 0", o->budget);
    } else if (s.kernel && s.n_shapes == 0) {
        code = cli_wrong_usage("more than %d shapes", MOST_SHAPES);
    } else if (s.kernel && !s.shapes) {
        code = cli_error("out of memory");
    } else if (s.kernel) {
        code = run_sweep(&s);
    }
    for (uint32_t i = 0; i < s.n_shapes && s.shapes; i++) {
        free(s.shapes[i].candidates);
    }
    free(s.shapes);
    tg_module_destroy(m);
    return code;
}

static int run(const tune_options *o, const cli_list *files) {
    tg_context_options options = TG_CONTEXT_OPTIONS_INIT;
    options.arch = o->arch;
    options.n_threads = (int32_t)o->threads;
    tg_tuner_options t = TG_TUNER_OPTIONS_INIT;
    t.database = o->db;
    t.shipped = o->shipped;
    tg_context *c;
    tg_tuner *tuner = NULL;
    int code = cli_open_context(&options, &c);
    if (code) {
        return code;
    }
    code = tg_tuner_create(c, &t, &tuner) ? cli_last_error(c) : exchange(o, c, tuner);
    if (code == CLI_OK && files->n) {
        code = tune_file(o, c, tuner, files->items[0]);
    }
    if (code == CLI_OK && o->export_to && tg_tuner_export(tuner, o->export_to)) {
        code = cli_last_error(c);
    }
    if (code == CLI_OK && o->ship && tg_tuner_ship(tuner, o->ship, 0.03)) {
        code = cli_last_error(c);
    }
    if (code == CLI_OK && !files->n && o->json) {
        printf("{\"ok\": true}\n");
    }
    tg_tuner_destroy(tuner);
    tg_context_destroy(c);
    return code;
}

int cmd_tune(int argc, char **argv) {
    tune_options o = {.seed = 1};
    cli_list files = {.n = 0};
    const cli_option options[] = {
        CLI_OPTION_KERNEL(&o.selection.kernel),
        {"--set", CLI_LIST, "NAME=V,V…",
         "dimensions and scalars; all combinations of the lists are tuned", &o.selection.set},
        CLI_OPTION_DTYPE(&o.selection.dtypes),
        CLI_OPTION_ABSENT(&o.selection.absent),
        CLI_OPTION_FILL(&o.selection.fill),
        {"--budget", CLI_TEXT, "S", "seconds per shape; default 10", &o.budget},
        {"--first", CLI_COUNT, "N", "candidates that the model proposes; default 12", &o.first},
        CLI_OPTION_THREADS(&o.threads),
        CLI_OPTION_SEED(&o.seed),
        CLI_OPTION_ARCH(&o.arch),
        CLI_OPTION_DB(&o.db),
        {"--shipped", CLI_TEXT, "FILE",
         "rows that are only read; default: TEGULA_SHIPPED, else what is installed", &o.shipped},
        {"--report", CLI_TEXT, "FILE", "write an HTML report", &o.report},
        {"--export", CLI_TEXT, "FILE", "write the database as JSON (no kernel file is needed)",
         &o.export_to},
        {"--ship", CLI_TEXT, "FILE",
         "write what gains 3 % or more, for --shipped (no kernel file is needed)", &o.ship},
        {"--import", CLI_TEXT, "FILE", "take the rows of such a file or of a database first",
         &o.import_from},
        {"--deterministic", CLI_FLAG, NULL,
         "only schedules with bit for bit the results of the default", &o.deterministic},
        {"--exhaustive", CLI_FLAG, NULL, "measure all combinations of blocks and of what clauses name, whatever the budget; goes on if it was stopped",
         &o.exhaustive},
        {"--again", CLI_FLAG, NULL, "also shapes that are finished in the database", &o.again},
        {"--json", CLI_FLAG, NULL, "one JSON object", &o.json},
    };
    int code;
    if (!cli_parse(&self, options, sizeof options / sizeof options[0], argc, argv, &files,
                   &code)) {
        return code;
    }
    if (files.n > 1 || (files.n == 0 && !o.export_to && !o.import_from && !o.ship)) {
        return cli_wrong_usage("tune takes one file; see tegula tune --help");
    }
    return run(&o, &files);
}
