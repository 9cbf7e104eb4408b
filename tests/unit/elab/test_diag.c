/* Wrong programs for the elaborator: tests/diag/CODE_what.dsl reports CODE, and renders as
 * CODE_what.expected (which
 * tests/tools/diag_render.c --update writes). */
#include "base/io.h"
#include "tests/unit/elab/load.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <string.h>

static bool reports(const loaded *l, const char *code) {
    for (uint32_t i = 0; i < l->diags.list.len; i++) {
        if (strcmp(tg_diag_code_name(l->diags.list.data[i]->code), code) == 0) {
            return true;
        }
    }
    return false;
}

static void check(const char *name, size_t stem) {
    loaded l;
    char path[512], code[8] = {0};
    load_file(&l, name);
    memcpy(code, name, 5);
    cr_expect(reports(&l, code), "%s does not report %s:\n%s", name, code, rendered(&l));
    tg_format(path, sizeof path, "%s/tests/diag/%.*s.expected", TG_SOURCE_DIR, (int)stem, name);
    const char *got = rendered(&l);
    char *want = NULL;
    size_t len;
    if (tg_io_read_file(l.arena, path, 1 << 20, &want, &len) == TG_OK) {
        cr_expect_str_eq(got, want, "%s", name);
    } else {
        cr_expect(false, "%s is missing", path);
    }
    unload(&l);
}

Test(diag, wrong_programs_are_explained) {
    DIR *d = opendir(TG_SOURCE_DIR "/tests/diag");
    cr_assert_not_null(d);
    unsigned n = 0;
    for (struct dirent *f; (f = readdir(d)) != NULL;) {
        const char *dot = strrchr(f->d_name, '.');
        if (dot && strcmp(dot, ".dsl") == 0 && f->d_name[5] == '_') {
            check(f->d_name, (size_t)(dot - f->d_name));
            n++;
        }
    }
    closedir(d);
    cr_expect_geq(n, 50u);
}
