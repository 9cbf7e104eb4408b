/* A sweep: every allocation of something that a program does with a context fails in turn, from the first time on, which compiles. Each
 * failure is reported, what follows works, and nothing leaks. Memory that LLVM takes for itself is not part of this. */
#ifndef TG_TESTS_STDLIB_MEMORY_SWEEP_H
#define TG_TESTS_STDLIB_MEMORY_SWEEP_H

#include "tegula/tegula.h"

#include <criterion/criterion.h>

#include "tests/support/failing_alloc.h"

/* `run` does it once, and gives back all it made but what the context keeps. */
static void sweep(tg_status (*run)(tg_context *, const void *user), const void *user, const char *name) {
    failing_alloc a;
    failing_alloc_init(&a);
    tg_context_options o = TG_CONTEXT_OPTIONS_INIT;
    o.cache_dir = "";
    o.n_threads = 2;
    o.allocator = &a.allocator;
    tg_context *c;
    cr_assert_eq(tg_context_create(&o, &c), TG_OK);
    bool failed = true; /* has one failed? Then go on */
    long n = 0;
    while (failed) {
        failing_alloc_reset(&a, ++n);
        tg_status s = run(c, user);
        failed = a.n >= n;
        cr_assert(s == TG_OK || s == TG_ERROR_OUT_OF_MEMORY, "%s, allocation %ld: %s, %s", name, n, tg_status_name(s), tg_last_error(c));
        cr_assert(n < 20000, "%s", name);
        failing_alloc_reset(&a, 0);
    }
    cr_expect(n > 4, "%s: %ld", name, n);
    cr_expect_eq(run(c, user), TG_OK, "%s: %s", name, tg_last_error(c));
    tg_context_destroy(c);
    cr_expect_eq(a.live, 0, "%s: %ld leaked", name, a.live);
}

/* Of a function of packing: x86-64-v2 has no products in registers, and those on tiles read no panels. */
static inline tg_status unless_never_packed(tg_status s) {
    return s == TG_ERROR_UNSUPPORTED ? TG_OK : s;
}

static inline tg_status give_back(tg_status s, tg_tensor *const *all, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        tg_tensor_release(all[i]);
    }
    return s;
}

#endif
