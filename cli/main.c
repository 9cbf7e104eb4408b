/* tegula: the command. Each subcommand is one file, cmd_*.c; this one lists them. */
#include "cli/cli.h"

#include <signal.h>
#include <string.h>

static const cli_command commands[] = {
    {"run", "FILE", "run a kernel on generated data, time it, compare it with the interpreter",
     cmd_run},
    {"compile", "FILE", "compile a kernel and print a stage: syntax tree, tile IR, assembly …",
     cmd_compile},
    {"tune", "FILE", "find the fastest schedules for some shapes and remember them", cmd_tune},
    {"build", "FILE", "compile ahead of time: an object file and a C header", cmd_build},
    {"opt", "FILE.ir", "run passes on the text of tile IR", cmd_opt},
    {"fmt", "FILE…", "print source in the canonical style, or rewrite it", cmd_fmt},
    {"explain", "CODE", "explain a diagnostic, such as E0402", cmd_explain},
    {"info", "", "the machine, the code generator, the cache", cmd_info},
};
enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

static void print_help(FILE *out) {
    fprintf(out, "usage: tegula COMMAND [OPTION…]\n\n");
    for (size_t i = 0; i < N_COMMANDS; i++) {
        const char *arguments = commands[i].arguments;
        fprintf(out, "  %-8s %-*s  %s\n", commands[i].name, cli_bytes_of(arguments, 8), arguments, commands[i].summary);
    }
    fprintf(
        out,
        "\n`tegula COMMAND --help` lists the options of a command. With --json each writes one JSON value.\n" CLI_EXIT_CODES);
}

static int unknown(int argc, char **argv) {
    const char *name = argv[1];
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            cli_set_json(true);
        }
    }
    const char *names[N_COMMANDS];
    for (size_t i = 0; i < N_COMMANDS; i++) {
        names[i] = commands[i].name;
    }
    const char *near = tg_suggest(name, names, N_COMMANDS);
    return cli_wrong_usage(near ? "no command '%s'; did you mean '%s'?" : "no command '%s'%s; see tegula --help", name, near ? near : "");
}

/* A full disk behind standard output is a failure too. */
static int finish(int code) {
    if (fflush(stdout) || ferror(stdout)) {
        fprintf(stderr, "tegula: cannot write to standard output\n");
        return CLI_FAILED;
    }
    return code;
}

int main(int argc, char **argv) {
    signal(SIGXFSZ, SIG_IGN); /* a write beyond `ulimit -f` fails like one to a full disk */
    if (argc < 2) {
        print_help(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return finish(CLI_OK);
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("tegula %s\n", tg_version_string());
        return finish(CLI_OK);
    }
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            return finish(commands[i].run(argc - 2, argv + 2));
        }
    }
    return unknown(argc, argv);
}
