/* No page of a process that compiles and runs kernels can be written and executed: code is written first and made executable
 * after that. */
#include "tegula/tegula.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const char source[] = "kernel copy<T: any>(in T X[N], out T Y[N])\n"
                             "{\n    grid (i in N) Y[i] = X[i];\n}\n";

static int n_writable_code(void) {
    char line[512];
    int n = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    cr_assert_not_null(maps);
    while (fgets(line, sizeof line, maps)) {
        const char *mode = strchr(line, ' ');
        n += mode && mode[2] == 'w' && mode[3] == 'x';
    }
    fclose(maps);
    return n;
}

static void launch(tg_context *c, tg_kernel *k, tg_dtype dtype) {
    tg_tensor *x = tg_tensor_create(c, dtype, 1, (int64_t[]){50}),
              *y = tg_tensor_create(c, dtype, 1, (int64_t[]){50});
    cr_assert_eq(tg_launch(k, TG_ARGS(x, y)), TG_OK, "%s", tg_last_error(c));
    cr_assert_eq(n_writable_code(), 0);
    tg_tensor_release(x);
    tg_tensor_release(y);
}

Test(pages, are_writable_or_executable) {
    tg_context_options o = TG_CONTEXT_OPTIONS_INIT;
    o.cache_dir = "";
    tg_context *c;
    tg_module *m;
    cr_assert_eq(n_writable_code(), 0);
    cr_assert_eq(tg_context_create(&o, &c), TG_OK);
    cr_assert_eq(tg_module_load_text(c, "copy.dsl", source, strlen(source), &m), TG_OK, "%s",
                 tg_last_error(c));
    launch(c, tg_module_kernel(m, "copy"), TG_F32);
    launch(c, tg_module_kernel(m, "copy"), TG_I16);
    tg_module_destroy(m);
    tg_context_destroy(c);
}
