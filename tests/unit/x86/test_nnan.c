/* A softmax whose maximum need not be NaN (dsl/passes/nnan.c) gives NaN in all of a row that has one, wherever it stands, and in no other row. */
#include "tests/support/x86_run.h"

#include <criterion/criterion.h>

#include <math.h>

static const char source[] = "func @softmax(in %X: tensor<2 x f32>, out %Y: tensor<2 x f32>)\n"
                             "  axes { #i grid, #j local }\n"
                             "{\n"
                             "  %zero = const {value=0} : i64\n"
                             "  %M = dim %X {d=0} : i64\n"
                             "  %N = dim %X {d=1} : i64\n"
                             "  phase () {\n"
                             "    par %M, %zero, %M {axis=#i} () {\n"
                             "      axis %N, %zero, %N {axis=#j}\n"
                             "      %i = iota {axis=#i} : tile<#i x i64>\n"
                             "      %j = iota {axis=#j} : tile<#j x i64>\n"
                             "      %x = load %X, %i, %j : tile<#i, #j x f32>\n"
                             "      %m = reduce %x {over=(#j), fn=max, nnan} : tile<#i x f32>\n"
                             "      %e = exp_sub %x, %m : tile<#i, #j x f32>\n"
                             "      %s = reduce %e {over=(#j), fn=add} : tile<#i x f32>\n"
                             "      %y = div %e, %s : tile<#i, #j x f32>\n"
                             "      store %Y, %y, %i, %j\n"
                             "    }\n"
                             "  }\n"
                             "}\n";

enum { ROWS = 3, MOST = 150 };

static void fill(float *x, int64_t n, int64_t at, float around) {
    for (int64_t i = 0; i < ROWS * n; i++) {
        x[i] = i % 7 == 3 ? around : (float)(i * 37 % 64) - 32.0F;
    }
    x[n + at] = NAN;
}

Test(nnan, a_row_with_nan_is_nan) {
    x86_options o = {0};
    x86_kernel *k = x86_open(source, &o);
    cr_assert(!k->error, "%s", k->error ? k->error : "");
    static float x[ROWS * MOST], y[ROWS * MOST];
    for (int64_t n = 1; n <= MOST; n += 1 + n / 3) {
        tg_tensor_arg in = x86_matrix(x, ROWS, n), out = x86_matrix(y, ROWS, n);
        const void *args[] = {&in, &out};
        for (int64_t at = 0; at < n; at++) {
            fill(x, n, at, at % 2 ? -INFINITY : 1.0F);
            cr_assert_eq(x86_launch(k, args), 0);
            for (int64_t i = 0; i < ROWS * n; i++) {
                bool all_infinite = n == 1 && isinf(x[i]); /* exp_sub gives 0, and 0 / 0 */
                cr_assert(isnan(y[i]) == (i / n == 1 || all_infinite), "row of %lld, NaN at %lld: element %lld is %g", (long long)n, (long long)at, (long long)i,
                          (double)y[i]);
            }
        }
    }
    x86_close(k);
}
