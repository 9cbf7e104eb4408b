/* Checks .dsl files and prints what the compiler says about each: the golden tests of diagnostics, and a way to look at
 * messages while writing them.
 *
 *   diag_render FILE…             prints the diagnostics of each file
 *   diag_render --check FILE…     compares with FILE's .expected beside it; fails if one differs
 *   diag_render --update FILE…    writes the .expected files
 *   diag_render --pages FILE.md…  pages of docs/errors: the program under "Wrong" reports the page's code, the one under "Right" nothing */
#include "base/io.h"
#include "dsl/parser/elab.h"

#include <stdio.h>
#include <string.h>

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Modules beside the file, for imports by relative path. */
typedef struct beside {
    const char *path;
} beside;

static const char *load_beside(void *user, const char *path, tg_arena *arena, size_t *len) {
    const beside *b = user;
    size_t n = (size_t)(base_name(b->path) - b->path);
    char *text;
    const char *full = tg_arena_printf(arena, "%.*s%s%s", (int)n, b->path,
                                       strncmp(path, "./", 2) == 0 ? path + 2 : path,
                                       strstr(path, ".dsl") ? "" : ".dsl");
    return tg_io_read_file(arena, full, 1 << 20, &text, len) == TG_OK ? text : NULL;
}

static tg_diags *diagnose(tg_arena *arena, const char *path, const char *text) {
    tg_sources *sources = TG_NEW(arena, tg_sources);
    tg_diags *diags = TG_NEW(arena, tg_diags);
    beside *b = TG_NEW(arena, beside);
    sources->arena = arena;
    *diags = (tg_diags){.arena = arena, .sources = sources};
    b->path = path;
    tg_loader loader = {load_beside, b, false};
    (void)tg_unit_load(arena, tg_interner_create(arena), diags, base_name(path), text,
                       strlen(text), &loader);
    return diags;
}

/* The diagnostics of one file as text; null if it cannot be read. */
static const char *render(tg_arena *arena, const char *path) {
    char *text;
    size_t len;
    if (tg_io_read_file(arena, path, 1 << 20, &text, &len) != TG_OK) {
        return NULL;
    }
    tg_diags *diags = diagnose(arena, path, text);
    tg_strbuf out;
    tg_strbuf_init(&out, arena);
    tg_diags_render(diags, false, &out);
    return out.len ? out.data : "no diagnostics\n";
}

static const char *expected_path(tg_arena *arena, const char *path) {
    size_t n = strlen(path);
    n -= n > 4 && strcmp(path + n - 4, ".dsl") == 0 ? 4 : 0;
    return tg_arena_printf(arena, "%.*s.expected", (int)n, path);
}

static int check(tg_arena *arena, const char *path, const char *got) {
    char *wanted;
    size_t len;
    if (tg_io_read_file(arena, expected_path(arena, path), 1 << 20, &wanted, &len) != TG_OK) {
        printf("%s: no .expected file; run with --update\n", path);
        return 1;
    }
    if (strcmp(wanted, got) != 0) {
        printf("%s: differs\n--- expected\n%s--- got\n%s", path, wanted, got);
        return 1;
    }
    return 0;
}

/* The first ```c block behind a heading; null if there is none. */
static const char *program(tg_arena *arena, const char *page, const char *heading) {
    const char *at = strstr(page, heading), *next = at ? strstr(at + 1, "\n## ") : NULL;
    const char *begin = at ? strstr(at, "```c\n") : NULL,
               *end = begin ? strstr(begin + 5, "```") : NULL;
    return end && (!next || begin < next)
               ? tg_arena_strndup(arena, begin + 5, (size_t)(end - begin - 5))
               : NULL;
}

static int check_page(tg_arena *arena, const char *path) {
    char *page, code[8] = {0};
    size_t len;
    if (tg_io_read_file(arena, path, 1 << 20, &page, &len) != TG_OK) {
        printf("%s: cannot be read\n", path);
        return 1;
    }
    strncpy(code, base_name(path), 5);
    const char *wrong = program(arena, page, "## Wrong"),
               *right = program(arena, page, "## Right");
    int failed = 0;
    if (wrong) {
        tg_diags *d = diagnose(arena, path, wrong);
        bool found = false;
        for (uint32_t i = 0; i < d->list.len; i++) {
            found = found || strcmp(tg_diag_code_name(d->list.data[i]->code), code) == 0;
        }
        if (!found) {
            printf("%s: the wrong program does not report %s\n", path, code);
            failed = 1;
        }
    }
    if (right && diagnose(arena, path, right)->list.len) {
        printf("%s: the right program is not accepted\n", path);
        failed = 1;
    }
    return failed;
}

static int run(const char *mode, const char *path) {
    tg_unwind unwind;
    tg_arena *arena = tg_arena_create(&tg_allocator_default, &unwind);
    int failed = 0;
    if (!arena || TG_PROTECT(&unwind)) {
        printf("%s: out of memory\n", path);
        tg_arena_destroy(arena);
        return 1;
    }
    if (strcmp(mode, "--pages") == 0) {
        failed = check_page(arena, path);
        tg_arena_destroy(arena);
        return failed;
    }
    const char *got = render(arena, path);
    if (!got) {
        printf("%s: cannot be read\n", path);
        failed = 1;
    } else if (strcmp(mode, "--check") == 0) {
        failed = check(arena, path, got);
    } else if (strcmp(mode, "--update") == 0) {
        failed = tg_io_write_file(expected_path(arena, path), got, strlen(got)) != TG_OK;
    } else {
        printf("== %s\n%s", base_name(path), got);
    }
    tg_arena_destroy(arena);
    return failed;
}

int main(int argc, char **argv) {
    const char *mode = argc > 1 && argv[1][0] == '-' ? argv[1] : "";
    int failed = 0;
    for (int i = mode[0] ? 2 : 1; i < argc; i++) {
        failed += run(mode, argv[i]);
    }
    if (failed) {
        printf("%d of %d files failed\n", failed, argc - 1 - (mode[0] != 0));
    }
    return failed != 0;
}
