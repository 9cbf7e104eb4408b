/* Products of bf16 on processors that multiply pairs of them. Operands are small integers, so that every order of summation gives the same
 * bits; the first point of odd rows and columns is infinite or NaN, which must not reach the results of their neighbours through what fills up
 * the last pair. */
#include "targets/x86/x86_target.h"
#include "tests/support/guarded.h"
#include "tests/support/x86_run.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SIZE_A = 1 << 16, SIZE_B = 1 << 20, SIZE_C = 1 << 17 };

static char text[4096];

static void write_product(const char *ta, bool b_transposed) {
    snprintf(text, sizeof text,
             "func @p(in %%A: tensor<2 x %s>, in %%B: tensor<2 x bf16>, out %%C: tensor<2 x f32>)\n  axes { #m grid, #n grid, #k local }\n{\n"
             "%%zero = const {value=0} : i64\n%%M = dim %%A {d=0} : i64\n%%K = dim %%A {d=1} : i64\n%%N = dim %%C {d=1} : i64\n"
             "phase {name=\"main\"} () {\npar %%M, %%zero, %%M {axis=#m} () {\npar %%N, %%zero, %%N {axis=#n} () {\n"
             "axis %%K, %%zero, %%K {axis=#k}\n%%i = iota {axis=#m} : tile<#m x i64>\n%%j = iota {axis=#n} : tile<#n x i64>\n"
             "%%l = iota {axis=#k} : tile<#k x i64>\n%%a = load %%A, %%i, %%l : tile<#m, #k x %s>\n"
             "%%b = load %%B, %s : tile<#n, #k x bf16>\n"
             "%%d = dot %%a, %%b {over=(#k), precision=ieee} : tile<#m, #n x f32>\nstore %%C, %%d, %%i, %%j\n}\n}\n}\n}\n",
             ta, ta, b_transposed ? "%j, %l" : "%l, %j");
}

static uint32_t state = 4711;

static void fill(uint16_t *p, int rows, int depth, int row_step, int step) {
    for (int i = 0; i < rows; i++) {
        for (int l = 0; l < depth; l++) {
            state = state * 1664525u + 1013904223u;
            float v = (float)((int)(state >> 28) - 8);
            p[i * row_step + l * step] = x86_bf16_of(l == 0 && i % 2 ? (i % 4 == 1 ? INFINITY : NAN) : v);
        }
    }
}

typedef struct operands {
    uint8_t *a, *b, *c;
    bool b_transposed;
} operands;

static float sum_of(const uint16_t *a, const uint16_t *b, int depth, int step) {
    float sum = 0;
    for (int l = 0; l < depth; l++) {
        sum += x86_f32_of(a[l]) * x86_f32_of(b[l * step]);
    }
    return sum;
}

/* Operands lie at the very end of their storage, so that a read behind them faults. */
static void check(const x86_kernel *k, const operands *o, int m, int n, int depth) {
    size_t na = 2 * (size_t)m * (size_t)depth, nb = 2 * (size_t)depth * (size_t)n;
    cr_assert(na <= SIZE_A && nb <= SIZE_B && 4 * m * n < SIZE_C);
    uint16_t *a = (uint16_t *)(void *)(o->a + SIZE_A - na), *b = (uint16_t *)(void *)(o->b + SIZE_B - nb);
    float *c = (float *)(void *)o->c;
    int column = o->b_transposed ? depth : 1, step = o->b_transposed ? 1 : n;
    fill(a, m, depth, depth, 1), fill(b, n, depth, column, step);
    memset(o->c, 0x55, SIZE_C);
    tg_tensor_arg ta = x86_matrix(a, m, depth), tc = x86_matrix(c, m, n);
    tg_tensor_arg tb = o->b_transposed ? x86_matrix(b, n, depth) : x86_matrix(b, depth, n);
    const void *args[] = {&ta, &tb, &tc};
    cr_assert_eq(x86_launch(k, args), 0);
    for (int i = 0; i < m; i++) {
        for (int j = 0; j < n; j++) {
            float want = sum_of(a + i * depth, b + j * column, depth, step), got = c[i * n + j];
            cr_assert(got == want || (isnan(got) && isnan(want)), "%d x %d x %d%s at %d, %d: %g, not %g", m, n, depth,
                      o->b_transposed ? " transposed" : "", i, j, (double)got, (double)want);
        }
    }
    cr_assert_eq(o->c[4 * m * n], 0x55, "%d x %d x %d writes behind C", m, n, depth);
}

static void check_sizes(const char *ta) {
    static const int ms[] = {1, 2, 5, 6, 7, 13}, ns[] = {1, 15, 16, 17, 33, 64, 65, 130, 257}, ks[] = {0, 1, 2, 3, 4, 5, 31, 32, 33, 64, 67};
    operands o = {guarded_new(SIZE_A), guarded_new(SIZE_B), guarded_new(SIZE_C), false};
    for (int c = 0; c < 2; c++) {
        o.b_transposed = c;
        write_product(ta, o.b_transposed);
        x86_kernel *k = x86_open(text, &(x86_options){0});
        cr_assert(!k->error, "%s", k->error);
        for (size_t i = 0; i < sizeof ms / sizeof *ms; i++) {
            for (size_t j = 0; j < sizeof ns / sizeof *ns; j++) {
                for (size_t l = 0; l < sizeof ks / sizeof *ks; l++) {
                    check(k, &o, ms[i], ns[j], ks[l]);
                }
            }
        }
        for (int m = 1; m < 12; m += 5) { /* columns that stream by: the last part, slice and pair are not whole */
            check(k, &o, m, 331, 1201);
            check(k, &o, m, 200, 2113);
        }
        x86_close(k);
    }
    guarded_free(o.a, SIZE_A), guarded_free(o.b, SIZE_B), guarded_free(o.c, SIZE_C);
}

Test(bf16, sizes) {
    check_sizes("bf16");
}

Test(bf16, with_f16) { /* not the same type: converted */
    write_product("f16", false);
    x86_kernel *k = x86_open(text, &(x86_options){.emit = TG_EMIT_ASM});
    cr_assert(!k->error, "%s", k->error);
    cr_expect_null(strstr(k->object.asm_text, "vdpbf16ps"));
    x86_close(k);
}

Test(bf16, instruction) {
    tg_machine m;
    cr_assert(tg_x86_machine(NULL, &m));
    write_product("bf16", false);
    x86_kernel *k = x86_open(text, &(x86_options){.emit = TG_EMIT_ASM});
    cr_assert(!k->error, "%s", k->error);
    cr_expect_eq(strstr(k->object.asm_text, "vdpbf16ps") != NULL, m.has_bf16 && (m.has_amx || m.pairs_bf16));
    x86_close(k);
}
