/* Checks .dsl files and prints what the compiler says about each: the golden tests of diagnostics, and a way to look at
 * messages while writing them.
 *
 *   diag_render FILE…             prints the diagnostics of each file
 *   diag_render --check FILE…     compares with FILE's .expected beside it; fails if one differs
 *   diag_render --update FILE…    writes the .expected files */
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
    const char *full = tg_arena_printf(arena, "%.*s%s%s", (int)n, b->path, strncmp(path, "./", 2) == 0 ? path + 2 : path,
                                       strstr(path, ".dsl") ? "" : ".dsl");
    return tg_io_read_file(arena, full, 1 << 20, &text, len) == TG_OK ? text : NULL;
}

/* The diagnostics of one file as text; null if it cannot be read. */
static const char *render(tg_arena *arena, const char *path) {
    char *text;
    size_t len;
    if (tg_io_read_file(arena, path, 1 << 20, &text, &len) != TG_OK) {
        return NULL;
    }
    tg_sources sources = {.arena = arena};
    tg_diags diags = {.arena = arena, .sources = &sources};
    beside b = {path};
    tg_loader loader = {load_beside, &b};
    (void)tg_unit_load(arena, tg_interner_create(arena), &diags, base_name(path), text, len, &loader);
    tg_strbuf out;
    tg_strbuf_init(&out, arena);
    tg_diags_render(&diags, false, &out);
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

static int run(const char *mode, const char *path) {
    tg_unwind unwind;
    tg_arena *arena = tg_arena_create(&tg_allocator_default, &unwind);
    int failed = 0;
    if (!arena || TG_PROTECT(&unwind)) {
        printf("%s: out of memory\n", path);
        tg_arena_destroy(arena);
        return 1;
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
