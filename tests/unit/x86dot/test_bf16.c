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
        static const int few[] = {1, 4, 5, 10, 11}; /* tiles of one, four and six rows, of which one or none is left, of six and two */
        for (size_t i = 0; i < sizeof few / sizeof *few; i++) { /* columns that stream by: the last part, slice and pair are not whole */
            check(k, &o, few[i], 331, 1201);
            check(k, &o, few[i], 200, 2113);
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

/* ---- values --------------------------------------------------------------------------------------------------------- */

/* As attention has them: A is laid down before the loop, and P, of which the loop makes a block, is rounded to bf16. */
static const char chain[] =
    "func @p(in %A: tensor<2 x bf16>, in %B: tensor<2 x bf16>, in %V: tensor<2 x bf16>, out %C: tensor<2 x f32>)\n"
    "  axes { #m grid block=64, #j loop block=192, #k local, #n local }\n{\n"
    "%zero = const {value=0} : i64\n%M = dim %A {d=0} : i64\n%K = dim %A {d=1} : i64\n%L = dim %B {d=0} : i64\n%N = dim %V {d=1} : i64\n"
    "phase {name=\"main\"} () {\npar %M, %zero, %M {axis=#m} () {\naxis %K, %zero, %K {axis=#k}\naxis %N, %zero, %N {axis=#n}\n"
    "%i = iota {axis=#m} : tile<#m x i64>\n%l = iota {axis=#k} : tile<#k x i64>\n%q = iota {axis=#n} : tile<#n x i64>\n"
    "%a = load %A, %i, %l : tile<#m, #k x bf16>\n%z = const {value=0.0} : f32\n%init = broadcast %z : tile<#m, #n x f32>\n"
    "%r = for %L, %zero, %L, %init {axis=#j} (%acc: tile<#m, #n x f32>) {\n"
    "%j = iota {axis=#j} : tile<#j x i64>\n%b = load %B, %j, %l : tile<#j, #k x bf16>\n"
    "%s = dot %a, %b {over=(#k), precision=ieee} : tile<#m, #j x f32>\n%p = cast %s : tile<#m, #j x bf16>\n"
    "%v = load %V, %j, %q : tile<#j, #n x bf16>\n%t = dot %p, %v, %acc {over=(#j), precision=ieee} : tile<#m, #n x f32>\n"
    "yield %t\n} : tile<#m, #n x f32>\nstore %C, %r, %i, %q\n}\n}\n}\n";

typedef struct chain_size {
    int m, l, k, n;
} chain_size;

/* P is exact: products of numbers up to 8, three of them at most. */
static void check_chain(const x86_kernel *x, const operands *o, uint8_t *v_end, chain_size s) {
    size_t na = 2 * (size_t)(s.m * s.k), nb = 2 * (size_t)(s.l * s.k), nv = 2 * (size_t)(s.l * s.n);
    uint16_t *a = (uint16_t *)(void *)(o->a + SIZE_A - na), *b = (uint16_t *)(void *)(o->b + SIZE_B - nb);
    uint16_t *v = (uint16_t *)(void *)(v_end + SIZE_B - nv);
    float *c = (float *)(void *)o->c;
    fill(a, s.m, s.k, s.k, 1), fill(b, 1, s.l * s.k, 0, 1), fill(v, 1, s.l * s.n, 0, 1);
    memset(o->c, 0x55, SIZE_C);
    tg_tensor_arg ta = x86_matrix(a, s.m, s.k), tb = x86_matrix(b, s.l, s.k), tv = x86_matrix(v, s.l, s.n), tc = x86_matrix(c, s.m, s.n);
    const void *args[] = {&ta, &tb, &tv, &tc};
    cr_assert_eq(x86_launch(x, args), 0);
    for (int i = 0; i < s.m; i++) {
        for (int q = 0; q < s.n; q++) {
            float want = 0, got = c[i * s.n + q];
            for (int j = 0; j < s.l; j++) {
                want += sum_of(a + i * s.k, b + j * s.k, s.k, 1) * x86_f32_of(v[j * s.n + q]);
            }
            cr_assert(got == want || (isnan(got) && isnan(want)), "%d x %d x %d x %d at %d, %d: %g, not %g", s.m, s.l, s.k, s.n, i, q, (double)got,
                      (double)want);
        }
    }
    cr_assert_eq(o->c[4 * s.m * s.n], 0x55, "%d x %d x %d x %d writes behind C", s.m, s.l, s.k, s.n);
}

Test(bf16, values) {
    static const int ms[] = {1, 5, 16, 17, 64, 71}, ls[] = {0, 1, 2, 7, 16, 33, 192, 193, 201}, ns[] = {1, 16, 64, 70};
    operands o = {guarded_new(SIZE_A), guarded_new(SIZE_B), guarded_new(SIZE_C), false};
    uint8_t *v = guarded_new(SIZE_B);
    tg_machine machine;
    cr_assert(tg_x86_machine(NULL, &machine));
    x86_kernel *x = x86_open(chain, &(x86_options){.emit = TG_EMIT_ASM});
    cr_assert(!x->error, "%s", x->error);
    cr_expect_eq(strstr(x->object.asm_text, "vdpbf16ps") != NULL, machine.pairs_bf16);
    for (size_t i = 0; i < sizeof ms / sizeof *ms; i++) {
        for (size_t j = 0; j < sizeof ls / sizeof *ls; j++) {
            for (size_t q = 0; q < sizeof ns / sizeof *ns; q++) {
                check_chain(x, &o, v, (chain_size){ms[i], ls[j], 1 + (int)(i + j + q) % 3, ns[q]});
            }
        }
    }
    x86_close(x);
    guarded_free(o.a, SIZE_A), guarded_free(o.b, SIZE_B), guarded_free(o.c, SIZE_C), guarded_free(v, SIZE_B);
}
