/* Contexts, modules and directories for the tests of the JIT. */
#ifndef TG_TESTS_JIT_FIXTURE_H
#define TG_TESTS_JIT_FIXTURE_H

#include "tegula/tegula.h"
#include "tests/support/temp_dir.h"

#include <criterion/criterion.h>
#include <string.h>

extern const char jit_source
    []; /* kernels axpy, gemm, scale (const k, optional bias), gather, count_up, speak, fails */

/* Cache in `dir` (null: none). Dies on failure. */
tg_context *jit_context(const char *dir, int checked, int deterministic);
tg_module *jit_module(tg_context *c);
tg_tensor *jit_tensor_f32(tg_context *c, int64_t n, float first, float step);

#define OK(call, ctx)                                                                          \
    do {                                                                                       \
        tg_status status_ = (call);                                                            \
        cr_assert_eq(status_, TG_OK, "%s", tg_last_error(ctx));                                \
    } while (0)

#define FAILS(call, ctx, code, text)                                                           \
    do {                                                                                       \
        cr_assert_eq((call), (code), "%s", tg_last_error(ctx));                                \
        cr_assert(strstr(tg_last_error(ctx), (text)), "%s", tg_last_error(ctx));               \
    } while (0)

#endif
