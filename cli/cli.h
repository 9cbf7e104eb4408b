/* What the commands of `tegula` share: options, output, the kernel that a command line selects. */
#ifndef TG_CLI_CLI_H
#define TG_CLI_CLI_H

#include "jit/context.h"

#include <stdio.h>

/* What commands return. USAGE: no file could make the command line (or a TEGULA_ variable) right, or it asks for a name or a value
 * that the kernel does not take. FAILED: the command line was understood, and what it leads to went wrong. */
enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };
#define CLI_EXIT_CODES                                                                                                       \
    "Exit codes: 0: done. 1: a file cannot be read or written, its source is wrong, a launch or a check failed.\n"           \
    "2: the command line is wrong: an option, or a value or a name that it or the kernel does not take; or a TEGULA_ variable is.\n"

/* ---- options (options.c) ----------------------------------------------------------------------------------
 */

typedef enum cli_kind { CLI_FLAG, CLI_TEXT, CLI_INT, CLI_COUNT, CLI_LIST } cli_kind; /* a count: 0 to INT32_MAX */

enum { CLI_LIST_MAX = 128 };
typedef struct cli_list {
    const char *items[CLI_LIST_MAX];
    uint32_t n;
} cli_list;

typedef struct cli_option {
    const char *name; /* "--kernel" or "-o" */
    cli_kind kind;
    const char *argument; /* placeholder for help, null for flags */
    const char *help;
    void *to; /* bool, const char *, int64_t, cli_list */
} cli_option;

typedef struct cli_command {
    const char *name, *arguments, *summary;
    int (*run)(int argc, char **argv); /* without the command's name */
} cli_command;

/* How wide printf's %-*s has to be for a text to fill so many columns: "…" takes three bytes for one. */
int cli_bytes_of(const char *text, int columns);

/* Reads options and up to CLI_LIST_MAX other arguments. `--help` prints the help of the
 * command. True to go on; else *code is the exit code. A list takes the arguments up to the
 * next option ("--set M=1 N=2") but no file name: its items contain '='. */
bool cli_parse(const cli_command *command, const cli_option *options, size_t n_options,
               int argc, char **argv, cli_list *files, int *code);

/* ---- output (output.c) -------------------------------------------------------------------------------------
 */

bool cli_use_colour(FILE *out); /* a terminal, NO_COLOR unset */
/* "tegula: …" on standard error, after cli_set_json(true) the object {"ok": false, "error": …, "diagnostics": []} on standard output. They give
 * CLI_FAILED and CLI_USAGE. */
int cli_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int cli_wrong_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* What kept a file from being read or written. */
const char *cli_why_unread(tg_status status);
int cli_cannot_write(const char *path, tg_status status);
void cli_set_json(bool json); /* cli_parse calls it: --json may stand behind what is wrong */
/* tg_last_error: with colours if it is a list of diagnostics that can still be rendered. Gives
 * CLI_FAILED. */
int cli_last_error(const tg_context *context);
/* The same for the diagnostics of a compile; without errors among them, `message`. */
int cli_fail_diags(const tg_diags *diags, const char *message, tg_arena *arena);
/* In quotes; what is not UTF-8 becomes U+FFFD. */
void cli_json_text(FILE *out, const char *text);

/* A line on stderr once an activity has lasted a second, if stderr is a terminal. */
typedef struct cli_progress cli_progress;
cli_progress *cli_progress_start(const char *what);
void cli_progress_stop(cli_progress *p); /* null is fine */

/* ---- loading and binding (bind.c) ----------------------------------------------------------------------------
 */

typedef struct cli_selection {
    const char *kernel;   /* null: the only one */
    const char *schedule; /* settings from outside, or null */
    bool only_given;      /* without those of the source */
    cli_list set, dtypes, absent, fill;
} cli_selection;

/* Options that commands share: one wording each. */
#define CLI_OPTION_KERNEL(to)  {"--kernel", CLI_TEXT, "NAME", "which kernel, if the file has several", to}
#define CLI_OPTION_DTYPE(to)   {"--dtype", CLI_LIST, "[T=]TYPE", "type parameters; default f32, else the first allowed", to}
#define CLI_OPTION_ABSENT(to)  {"--absent", CLI_LIST, "NAME", "leave this optional tensor out", to}
#define CLI_OPTION_FILL(to)    {"--fill", CLI_LIST, "NAME=LOW:HIGH", "range of this tensor's elements; default: what `where` says, else -1:1, integers -8:8", to}
#define CLI_OPTION_THREADS(to) {"--threads", CLI_COUNT, "N", "threads of a launch; default: all processors", to}
#define CLI_OPTION_SEED(to)    {"--seed", CLI_INT, "N", "of the generated data; default 1", to}
#define CLI_OPTION_ARCH(to)    {"--arch", CLI_TEXT, "NAME", "avx512amx, avx512vnni, avx512, avx2vnni, avx2, v2; default: this machine's", to}
#define CLI_OPTION_DB(to) \
    {"--db", CLI_TEXT, "FILE", "tuning database; default: TEGULA_TUNING, else tuning.db beside the compiled kernels", to}
#define CLI_OPTION_CONSTANTS(to) \
    {"--set", CLI_LIST, "NAME=VALUE…", "constants; const dimensions have the default of tegula run", to}
#define CLI_OPTIONS_SCHEDULE(s)                                                                                              \
    {"--schedule", CLI_TEXT, "TEXT", "settings like \"m = 96; reg(n) = 16\", over those of the source", &(s).schedule}, \
        {"--no-source-schedule", CLI_FLAG, NULL, "leave out the schedule items of the source", &(s).only_given}

/* tg_context_create; the exit code. */
int cli_open_context(const tg_context_options *options, tg_context **context);
/* The same for code that is not run: that of a level by its name (options->arch) does not depend on this machine. */
int cli_open_compiler(const tg_context_options *options, tg_context **context);

/* Loads the file, or with a path "std:NAME" the module of the standard library that has the kernel NAME, and
 * finds the kernel, under the schedule given if there is one; renders what is wrong. Null: *code. */
tg_kernel *cli_load(tg_context *context, const char *path, const cli_selection *s, bool json,
                    tg_module **module, int *code);
/* Dimensions nobody set: 64, for kernels with many dimensions less (a tensor of four would be
 * large). */
int64_t cli_default_extent(const tg_signature *sig);
/* Types: --dtype, else f32 if allowed, else the first member. Const dimensions: --set, else the
 * default extent. The exit code, after a message unless it is CLI_OK. */
int cli_select(tg_kernel *k, const cli_selection *s, tg_selection *out);
/* "NAME=VALUE": the value of NAME in the list, or null. The last one counts. */
const char *cli_lookup(const cli_list *list, const char *name);
/* Are all names of "canon,cse" passes? A message, if not. */
bool cli_are_passes(const char *list);

/* ---- commands --------------------------------------------------------------------------------------------------
 */

int cmd_run(int argc, char **argv);
int cmd_tune(int argc, char **argv);
int cmd_compile(int argc, char **argv);
int cmd_opt(int argc, char **argv);
int cmd_fmt(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_build(int argc, char **argv);

#endif
