/* Options of the command line: one table per command gives parsing and help. */
#include "cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int cli_bytes_of(const char *text, int columns) {
    for (; *text; text++) {
        columns += ((unsigned char)*text & 0xc0) == 0x80;
    }
    return columns;
}

static void print_help(const cli_command *c, const cli_option *options, size_t n) {
    printf("usage: tegula %s [OPTION…] %s\n\n%s\n\n", c->name, c->arguments, c->summary);
    for (size_t i = 0; i < n; i++) {
        char left[64];
        snprintf(left, sizeof left, "%s%s%s", options[i].name, options[i].argument ? " " : "",
                 options[i].argument ? options[i].argument : "");
        printf("  %-*s %s\n", cli_bytes_of(left, 26), left, options[i].help);
    }
}

static int usage(const cli_command *c, const cli_option *o, const char *given) {
    if (!o) {
        return cli_wrong_usage("unknown option '%s'; see tegula %s --help", given, c->name);
    }
    static const char *const wants[] = {[CLI_FLAG] = "takes no value",
                                        [CLI_TEXT] = "needs a value",
                                        [CLI_INT] = "needs an integer",
                                        [CLI_COUNT] = "needs an integer from 0 to 2147483647",
                                        [CLI_LIST] = "needs a value, at most 128 of them"};
    return cli_wrong_usage("option %s %s; see tegula %s --help", o->name, wants[o->kind], c->name);
}

static bool read_integer(const char *text, bool is_count, int64_t *out) {
    char *end;
    errno = 0;
    *out = strtoll(text, &end, 10);
    return *text && *end == '\0' && !errno && (!is_count || (*out >= 0 && *out <= INT32_MAX));
}

static bool push(cli_list *list, const char *item) {
    if (list->n == CLI_LIST_MAX) {
        return false;
    }
    list->items[list->n++] = item;
    return true;
}

/* Takes the value(s) of an option; returns how many arguments it used, or -1. */
static int take(const cli_option *o, const char *joined, int argc, char **argv) {
    if (o->kind == CLI_FLAG) {
        *(bool *)o->to = true;
        return joined ? -1 : 0;
    }
    const char *value = joined ? joined : argc > 0 ? argv[0] : NULL;
    if (!value) {
        return -1;
    }
    int used = joined ? 0 : 1;
    switch (o->kind) {
    case CLI_TEXT:
        *(const char **)o->to = value;
        return used;
    case CLI_INT:
    case CLI_COUNT:
        return read_integer(value, o->kind == CLI_COUNT, o->to) ? used : -1;
    case CLI_LIST:
        if (!push(o->to, value)) {
            return -1;
        }
        while (!joined && used < argc && argv[used][0] != '-' && strchr(argv[used], '=')) {
            if (!push(o->to, argv[used++])) {
                return -1;
            }
        }
        return used;
    case CLI_FLAG:
        break;
    }
    return -1;
}

static const cli_option *find(const cli_option *options, size_t n, const char *arg,
                              const char **joined) {
    size_t len = strcspn(arg, "=");
    *joined = arg[len] ? arg + len + 1 : NULL;
    for (size_t i = 0; i < n; i++) {
        if (strlen(options[i].name) == len && memcmp(options[i].name, arg, len) == 0) {
            return &options[i];
        }
    }
    return NULL;
}

bool cli_parse(const cli_command *command, const cli_option *options, size_t n_options,
               int argc, char **argv, cli_list *files, int *code) {
    bool only_files = false;
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            cli_set_json(true);
        }
    }
    for (int i = 0; i < argc; i++) {
        const char *joined;
        if (!only_files && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)) {
            print_help(command, options, n_options);
            *code = CLI_OK;
            return false;
        }
        if (!only_files && strcmp(argv[i], "--") == 0) {
            only_files = true;
            continue;
        }
        if (only_files || argv[i][0] != '-' || argv[i][1] == '\0') {
            if (!push(files, argv[i])) {
                *code = cli_wrong_usage("%s takes at most %d files", command->name, CLI_LIST_MAX);
                return false;
            }
            continue;
        }
        const cli_option *o = find(options, n_options, argv[i], &joined);
        int used = o ? take(o, joined, argc - i - 1, argv + i + 1) : -1;
        if (used < 0) {
            *code = usage(command, o, argv[i]);
            return false;
        }
        i += used;
    }
    return true;
}
