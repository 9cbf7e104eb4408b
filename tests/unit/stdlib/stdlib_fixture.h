/* The context of tests of the standard library that need one: `.init = setup, .fini = teardown`. */
#ifndef TG_TESTS_STDLIB_FIXTURE_H
#define TG_TESTS_STDLIB_FIXTURE_H

#include "tegula/tegula.h"

#include <criterion/criterion.h>

static tg_context *ctx;

static void setup(void) {
    tg_context_options o = TG_CONTEXT_OPTIONS_INIT;
    o.cache_dir = "";
    cr_assert_eq(tg_context_create(&o, &ctx), TG_OK, "%s", tg_last_error(NULL));
}

static void teardown(void) {
    tg_context_destroy(ctx);
}

#endif
