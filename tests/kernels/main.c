/* Runs the rows of table.c: all of them, or those named on the command line. Rows are dealt to worker processes, so
 * that a kernel that crashes costs its own worker only, which says what it ran.
 *
 *   kernels [--jobs N] [--verbose] [--arch NAME] [--baseline] [--exact] [KERNEL | BEGINNING*]… */
#include "tests/kernels/kernels.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef struct totals {
    int64_t n, n_open;
    int n_cases, n_failed;
} totals;

enum { MAX_FILES = 64 };

typedef struct worker {
    tg_context *context, *serial;
    tg_module *modules[2][MAX_FILES];
    const char *files[MAX_FILES];
    uint32_t n_files;
    bool verbose, exact;
    totals totals;
} worker;

typedef struct settings {
    const char *arch; /* null: this machine's */
    bool verbose, baseline;
    bool exact; /* code for the shapes of each case, where else usual code runs */
    int jobs, n_names;
    char **names;
} settings;

static tg_context *make_context(const settings *s, int32_t n_threads) {
    tg_context_options options = TG_CONTEXT_OPTIONS_INIT;
    options.n_threads = n_threads;
    options.cache_dir = "";
    options.arch = s->arch;
    tg_context *c = NULL;
    if (tg_context_create(&options, &c)) {
        fprintf(stderr, "kernels: %s\n", tg_last_error(NULL));
        exit(1);
    }
    c->codegen.baseline = s->baseline;
    return c;
}

static tg_kernel *find_kernel(worker *w, const kernel_row *row) {
    uint32_t at = 0;
    while (at < w->n_files && strcmp(w->files[at], row->file)) {
        at++;
    }
    if (at == w->n_files) {
        w->files[w->n_files++] = row->file;
    }
    tg_module **m = &w->modules[row->serial][at];
    tg_context *c = row->serial ? w->serial : w->context;
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/tests/corpus/%s.dsl", TG_SOURCE_DIR, row->file);
    if (!*m && (row->is_std ? tg_std_load(c, row->file, m) : tg_module_load_file(c, path, m))) {
        fprintf(stderr, "%s\n", tg_last_error(c));
        exit(1);
    }
    return tg_module_kernel(*m, row->kernel);
}

static void report(worker *w, const kcase *c, int64_t block) {
    w->totals.n_cases++;
    w->totals.n += c->n;
    w->totals.n_open += c->n_open;
    w->totals.n_failed += c->failed;
    char blocks[32] = "";
    if (block) {
        (void)snprintf(blocks, sizeof blocks, " blocks %lld", (long long)block);
    }
    int length = (int)strcspn(c->text, "|");
    if (c->failed) {
        printf("FAILED %s<%s> %.*s%s: %s: %s\n", c->row->kernel, c->type, length, c->text,
               blocks, c->stage, c->message);
    } else if (w->verbose) {
        printf("ok %s<%s> %.*s%s: %lld elements, %lld open\n", c->row->kernel, c->type, length,
               c->text, blocks, (long long)c->n, (long long)c->n_open);
    }
    fflush(stdout);
}

/* What runs now, for the message when it crashes. */
static char now[256];

static void crashed(int signal_number) {
    (void)!write(STDOUT_FILENO, now, strlen(now));
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void catch_crashes(void) {
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        signal(signals[i], crashed);
    }
}

static void run_case(worker *w, const kernel_row *row, tg_kernel *k, const char *text,
                     const char *type, int64_t block) {
    kcase *c = malloc(sizeof *c);
    (void)snprintf(now, sizeof now, "FAILED %s<%s> %.*s, blocks %lld: crashed\n", row->kernel, type, (int)strcspn(text, "|"), text, (long long)block);
    if (kcase_make(c, row, k, text, type, 20 + (uint64_t)w->totals.n_cases)) {
        c->exact = w->exact;
        kcase_check(c, block);
    }
    report(w, c, block);
    kcase_free(c);
    free(c);
}

static void run_blocks(worker *w, const kernel_row *row, tg_kernel *k, const char *type) {
    static const int64_t sizes[] = {1, 7, 16, 64, 128};
    for (size_t i = 0; row->blocks && i < sizeof sizes / sizeof *sizes; i++) {
        run_case(w, row, k, row->cases, type, sizes[i]);
    }
}

static void run_layouts(worker *w, const kernel_row *row, tg_kernel *k, const char *type) {
    static const char *const layouts[] = {"strided", "transposed", "moved", "reversed"};
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        char text[512];
        (void)snprintf(text, sizeof text, "%.*s %s", (int)strcspn(row->cases, "|"), row->cases,
                       layouts[i]);
        run_case(w, row, k, text, type, 0);
    }
}

static const char *after(const char *text, char separator) {
    const char *p = strchr(text, separator);
    return p ? p + 1 : NULL;
}

/* All cases under each schedule; the interpreter still runs the kernel as it is written. */
static void run_schedules(worker *w, const kernel_row *row, tg_kernel *k, const char *type) {
    for (const char *t = row->schedules; t; t = after(t, '|')) {
        char schedule[128];
        (void)snprintf(schedule, sizeof schedule, "%.*s", (int)strcspn(t, "|"), t);
        tg_schedule_options options = TG_SCHEDULE_OPTIONS_INIT;
        options.schedule = schedule;
        options.alone = 1;
        tg_kernel *scheduled = NULL;
        int failed = w->totals.n_failed;
        if (tg_kernel_with_schedule(k, &options, &scheduled)) {
            w->totals.n_failed++;
        }
        for (const char *text = row->cases; text && scheduled; text = after(text, '|')) {
            run_case(w, row, scheduled, text, type, 0);
        }
        if (w->totals.n_failed != failed) {
            printf("FAILED %s under `%s`\n", row->kernel, schedule);
        }
        tg_kernel_release(scheduled);
    }
}

static void run_row(worker *w, const kernel_row *row) {
    tg_kernel *k = find_kernel(w, row);
    if (!k) {
        printf("FAILED %s: there is no such kernel\n", row->kernel);
        w->totals.n_failed++;
        return;
    }
    bool first = true;
    for (const char *t = row->types ? row->types : "-"; t; t = after(t, ' '), first = false) {
        char type[16];
        (void)snprintf(type, sizeof type, "%.*s", (int)strcspn(t, " "), t);
        int n = 0;
        for (const char *text = row->cases; text && (first || n < 2);
             text = after(text, '|'), n++) {
            run_case(w, row, k, text, type, 0);
        }
        if (first) {
            run_blocks(w, row, k, type);
            run_layouts(w, row, k, type);
            run_schedules(w, row, k, type);
        }
    }
}

/* A name, or the beginning of names before a `*`. */
static bool is_named(const char *name, const kernel_row *row) {
    size_t n = strlen(name);
    return n && name[n - 1] == '*' ? strncmp(name, row->kernel, n - 1) == 0 : strcmp(name, row->kernel) == 0;
}

static bool is_chosen(const settings *s, const kernel_row *row) {
    for (int i = 0; i < s->n_names; i++) {
        if (is_named(s->names[i], row)) {
            return true;
        }
    }
    return s->n_names == 0;
}

static bool is_a_name(const char *name) {
    bool found = false;
    for (uint32_t i = 0; i < n_kernel_rows; i++) {
        found |= is_named(name, &kernel_rows[i]);
    }
    return found;
}

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The rows at, at + step, …; 1 if a case failed. */
static int run_rows(const settings *s, uint32_t at, uint32_t step) {
    worker w = {.verbose = s->verbose, .exact = s->exact};
    catch_crashes();
    w.context = make_context(s, 2);
    w.serial = make_context(s, 1);
    for (uint32_t i = at; i < n_kernel_rows; i += step) {
        if (is_chosen(s, &kernel_rows[i])) {
            double start = seconds();
            run_row(&w, &kernel_rows[i]);
            if (s->verbose) {
                printf("   %s: %.2f s\n", kernel_rows[i].kernel, seconds() - start);
            }
        }
    }
    for (uint32_t i = 0; i < w.n_files; i++) {
        tg_module_destroy(w.modules[0][i]);
        tg_module_destroy(w.modules[1][i]);
    }
    tg_context_destroy(w.context);
    tg_context_destroy(w.serial);
    printf("%d cases, %d failed, %lld elements, %lld not checkable\n", w.totals.n_cases,
           w.totals.n_failed, (long long)w.totals.n, (long long)w.totals.n_open);
    return w.totals.n_failed != 0;
}

static bool worker_failed(int status) {
    if (WIFSIGNALED(status)) {
        printf("FAILED: a worker ended with signal %d\n", WTERMSIG(status));
    }
    return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

static const char usage[] = "usage: kernels [--jobs N] [--arch NAME] [--baseline] [--exact] [--verbose] [KERNEL | BEGINNING*]…\n";

/* False if the command line is wrong: a check of nothing would pass. */
static bool read_settings(settings *s, int argc, char **argv) {
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {{"--verbose", &s->verbose}, {"--baseline", &s->baseline}, {"--exact", &s->exact}};
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        bool known = false;
        for (size_t k = 0; k < sizeof flags / sizeof *flags && !known; k++) {
            known = strcmp(argv[i], flags[k].name) == 0;
            *flags[k].flag |= known;
        }
        if (known) {
            continue;
        }
        if (strcmp(argv[i], "--jobs") == 0 && i + 1 < argc) {
            s->jobs = atoi(argv[++i]);
        } else if (strcmp(argv[i], "--arch") == 0 && i + 1 < argc) {
            s->arch = argv[++i];
        } else {
            return false;
        }
    }
    s->names = argv + i;
    s->n_names = argc - i;
    for (; i < argc; i++) {
        if (!is_a_name(argv[i])) {
            fprintf(stderr, "kernels: there is no kernel '%s'\n", argv[i]);
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv) {
    settings s = {.jobs = 1};
    int failed = 0, status;
    if (!read_settings(&s, argc, argv)) {
        fputs(usage, stderr);
        return 2;
    }
    if (s.jobs < 2) {
        return run_rows(&s, 0, 1);
    }
    for (int i = 0; i < s.jobs; i++) {
        pid_t child = fork();
        if (child == 0) {
            exit(run_rows(&s, (uint32_t)i, (uint32_t)s.jobs));
        }
        failed += child < 0;
    }
    while (wait(&status) > 0) {
        failed += worker_failed(status);
    }
    return failed != 0;
}
