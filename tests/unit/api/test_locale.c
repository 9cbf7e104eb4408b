/* Numbers in texts do not follow the host's locale. Skipped where no locale with a decimal comma is to be had. */
#include "base/io.h"
#include "jit/context.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

static const char source[] = "kernel show(in f32 X[N], const f32 a) { grid { print(\"{} {:.2f}\", X[0] * 2.5, a); } }";

static void keep(void *user, const char *text, size_t length) {
    memcpy(user, text, length);
}

Test(locale, decimal_comma) {
    cr_assert(setlocale(LC_ALL, "C"));
    if (!setlocale(LC_ALL, "de_DE.UTF-8")) {
        cr_skip("no locale de_DE.UTF-8");
    }
    cr_assert_str_eq(localeconv()->decimal_point, ",");
    char text[64] = "", *end;
    (void)tg_format(text, sizeof text, "%g", 1.5);
    cr_expect_str_eq(text, "1.5");
    cr_expect(tg_text_to_double("1.5x", &end) > 1.4 && *end == 'x');
    cr_expect_str_eq(localeconv()->decimal_point, ",", "the host's locale is as it was");
    memset(text, 0, sizeof text);
    tg_context_options o = TG_CONTEXT_OPTIONS_INIT;
    o.cache_dir = "";
    o.print = keep;
    o.print_user = text;
    tg_context *c;
    tg_module *m;
    cr_assert_eq(tg_context_create(&o, &c), TG_OK);
    cr_assert_eq(tg_module_load_text(c, "show.dsl", source, sizeof source - 1, &m), TG_OK, "%s", tg_last_error(c));
    tg_kernel *k = tg_module_kernel(m, "show");
    const char *binding = "a=0.25";
    tg_kernel_spec spec = {.struct_size = sizeof spec, .bindings = &binding, .n_bindings = 1};
    cr_expect_eq(tg_kernel_prepare(k, &spec), TG_OK, "%s", tg_last_error(c));
    tg_tensor *x = tg_tensor_create(c, TG_F32, 1, (int64_t[]){1});
    *(float *)tg_tensor_data(x) = 0.5f;
    cr_expect_eq(tg_launch(k, TG_ARGS(x, 0.25)), TG_OK, "%s", tg_last_error(c));
    cr_expect_str_eq(text, "1.25 0.25\n");
    tg_tensor_release(x);
    tg_module_destroy(m);
    tg_context_destroy(c);
}
