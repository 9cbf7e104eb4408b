/* Products on tile registers: every number of rows, columns and reduction points around what tiles hold, all four combinations of signs and bf16, operands
 * of every order and at the very ends of their storage. Operands of bf16 are small integers, so that every order of summation gives the same bits; some are
 * infinite or NaN, which must not reach their neighbours through what fills up a tile. Where the processor has no tile registers only the text is checked. */
#include "base/cpu.h"
#include "targets/x86/x86_target.h"
#include "tests/support/guarded.h"
#include "tests/support/x86_run.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SIZE_A = 1 << 20, SIZE_B = 1 << 21, SIZE_C = 1 << 19 };

typedef struct product {
    const char *a, *b, *sum;
    bool a_transposed, b_transposed;
    bool batched; /* rows run over two axes of A */
} product;

static char text[8192];

static void write_product(const product *p) {
    const char *rank_a = p->batched ? "3" : "2", *a = p->batched ? "%g, %i, %l" : p->a_transposed ? "%l, %i" : "%i, %l";
    snprintf(text, sizeof text,
             "func @p(in %%A: tensor<%s x %s>, in %%B: tensor<2 x %s>, out %%C: tensor<%s x %s>)\n  axes { #g grid, #m grid, #n grid, #k local }\n{\n"
             "%%zero = const {value=0} : i64\n%%G = dim %%C {d=0} : i64\n%%M = dim %%C {d=%d} : i64\n%%K = dim %%B {d=%d} : i64\n%%N = dim %%C {d=%d} : i64\n"
             "phase {name=\"main\"} () {\n%spar %%M, %%zero, %%M {axis=#m} () {\npar %%N, %%zero, %%N {axis=#n} () {\n"
             "axis %%K, %%zero, %%K {axis=#k}\n%s%%i = iota {axis=#m} : tile<#m x i64>\n%%j = iota {axis=#n} : tile<#n x i64>\n"
             "%%l = iota {axis=#k} : tile<#k x i64>\n%%a = load %%A, %s : tile<%s#m, #k x %s>\n"
             "%%b = load %%B, %s : tile<#n, #k x %s>\n"
             "%%d = dot %%a, %%b {over=(#k), precision=ieee} : tile<%s#m, #n x %s>\nstore %%C, %%d, %s%%i, %%j\n}\n}\n}\n%s}\n",
             rank_a, p->a, p->b, rank_a, p->sum, p->batched, p->b_transposed, p->batched + 1,
             p->batched ? "par %G, %zero, %G {axis=#g} () {\n" : "", p->batched ? "%g = iota {axis=#g} : tile<#g x i64>\n" : "", a,
             p->batched ? "#g, " : "", p->a, p->b_transposed ? "%j, %l" : "%l, %j", p->b, p->batched ? "#g, " : "", p->sum,
             p->batched ? "%g, " : "", p->batched ? "}\n" : "");
}

/* ---- operands ---------------------------------------------------------------------------------------------------- */

static uint32_t state = 815;

static uint32_t next(void) {
    state = state * 1664525u + 1013904223u;
    return state >> 8;
}

/* A matrix at the end of its storage: element i, j is at (i * row + j * column) elements. */
typedef struct matrix {
    char *data;
    int size, row, column;
    bool is_float, is_signed;
} matrix;

static matrix matrix_at_end(char *storage, size_t bytes, const char *type, int rows, int columns, int pad, bool transposed) {
    matrix m = {.size = type[0] == 'b' ? 2 : 1, .is_float = type[0] == 'b', .is_signed = type[0] == 'i'};
    m.row = transposed ? 1 : columns + pad;
    m.column = transposed ? rows + pad : 1;
    long last = rows > 0 && columns > 0 ? (long)(rows - 1) * m.row + (long)(columns - 1) * m.column + 1 : 0;
    cr_assert((size_t)last * (size_t)m.size <= bytes);
    m.data = storage + bytes - last * m.size;
    for (long i = 0; i < last; i++) {
        if (m.is_float) {
            bool odd = next() % 997 == 0;
            ((uint16_t *)(void *)m.data)[i] = x86_bf16_of(odd ? next() % 2 ? INFINITY : NAN : (float)((int)(next() % 17) - 8));
        } else {
            static const uint8_t extreme[] = {0x80, 0x81, 0xff, 0x7f};
            m.data[i] = (char)(next() % 4 ? (uint8_t)next() : extreme[next() % 4]);
        }
    }
    return m;
}

static tg_tensor_arg argument(const matrix *m, int rows, int columns) {
    return (tg_tensor_arg){.data = m->data, .shape = {rows, columns}, .stride = {m->row, m->column}};
}

static float value(const matrix *m, int i, int j) {
    long at = (long)i * m->row + (long)j * m->column;
    return m->is_float ? x86_f32_of(((const uint16_t *)(const void *)m->data)[at]) : 0;
}

static int32_t integer(const matrix *m, int i, int j) {
    int v = (unsigned char)m->data[(long)i * m->row + (long)j * m->column];
    return m->is_signed && v > 127 ? v - 256 : v;
}

static bool is_right(const matrix *a, const matrix *b, int i, int j, int depth, const void *at) {
    float sum = 0, got;
    uint32_t bits = 0, have;
    for (int l = 0; l < depth; l++) {
        if (a->is_float) {
            sum += value(a, i, l) * value(b, l, j);
        } else {
            bits += (uint32_t)(integer(a, i, l) * integer(b, l, j));
        }
    }
    memcpy(&got, at, sizeof got);
    memcpy(&have, at, sizeof have);
    return a->is_float ? got == sum || (isnan(got) && isnan(sum)) : have == bits;
}

/* ---- the check ------------------------------------------------------------------------------------------------------ */

typedef struct run {
    const x86_kernel *kernel;
    product p;
    char *a, *b, *c;
} run;

static void check(const run *r, int m, int n, int depth, int pad) {
    matrix a = matrix_at_end(r->a, SIZE_A, r->p.a, m, depth, pad, r->p.a_transposed);
    matrix b = matrix_at_end(r->b, SIZE_B, r->p.b, depth, n, pad, r->p.b_transposed);
    size_t bytes = 4 * (size_t)m * (size_t)n;
    char *c = r->c + SIZE_C - bytes;
    cr_assert(bytes + 4 <= SIZE_C);
    memset(c - 4, 0x55, bytes + 4);
    tg_tensor_arg ta = argument(&a, m, depth), tb = r->p.b_transposed ? (tg_tensor_arg){.data = b.data, .shape = {n, depth}, .stride = {b.column, b.row}} : argument(&b, depth, n);
    if (r->p.a_transposed) {
        ta = (tg_tensor_arg){.data = a.data, .shape = {depth, m}, .stride = {a.column, a.row}};
    }
    tg_tensor_arg tc = x86_matrix(c, m, n);
    if (r->p.batched) { /* three rows of A after the other, two apart in memory */
        int g = m / 3;
        ta = (tg_tensor_arg){.data = a.data, .shape = {g, 3, depth}, .stride = {3 * a.row, a.row, 1}};
        tc = (tg_tensor_arg){.data = c, .shape = {g, 3, n}, .stride = {3 * n, n, 1}};
        m = g * 3;
    }
    const void *args[] = {&ta, &tb, &tc};
    cr_assert_eq(x86_launch(r->kernel, args), 0);
    for (int i = 0; i < m; i++) {
        for (int j = 0; j < n; j++) {
            cr_assert(is_right(&a, &b, i, j, depth, c + 4 * (i * n + j)), "%s by %s%s%s%s, %d x %d x %d, pad %d, at %d, %d", r->p.a, r->p.b,
                      r->p.a_transposed ? ", A transposed" : "", r->p.b_transposed ? ", B transposed" : "", r->p.batched ? ", batched" : "", m, n, depth, pad, i, j);
        }
    }
    cr_assert_eq(c[-1], 0x55, "%d x %d x %d writes before C", m, n, depth);
}

static void check_sizes(const run *r) {
    for (int m = 1; m <= 70; m++) {
        check(r, m, m * 31 % 70 + 1, m * 17 % 130 + 1, m % 3);
    }
    for (int n = 1; n <= 70; n++) {
        check(r, n * 13 % 70 + 1, n, n * 29 % 130 + 1, n % 2);
    }
    for (int k = 0; k <= 130; k++) {
        check(r, k * 7 % 70 + 1, k * 11 % 70 + 1, k, 0);
    }
    check(r, 33, 97, 64, 0), check(r, 64, 64, 128, 0), check(r, 48, 65, 256, 0), check(r, 8, 200, 128, 0);
    check(r, 37, 70, 2500, 0), check(r, 37, 70, 2500, 3); /* parts of the reduction */
    check(r, 65, 130, 4096, 0);                           /* rows that crowd a few sets */
    check(r, 9, 331, 1201, 0), check(r, 1, 331, 1201, 0), check(r, 20, 200, 2113, 0), check(r, 48, 140, 2113, 1); /* columns that stream by */
    check(r, 530, 65, 100, 0);                            /* blocks of rows */
}

static void try_form(run *r, bool a_transposed, bool b_transposed, bool batched) {
    r->p.a_transposed = a_transposed, r->p.b_transposed = b_transposed, r->p.batched = batched;
    write_product(&r->p);
    x86_kernel *k = x86_open(text, &(x86_options){.arch = "avx512amx"});
    cr_assert(!k->error, "%s", k->error);
    r->kernel = k;
    check_sizes(r);
    x86_close(k);
}

static void check_product(product p) {
    if (!tg_cpu_runs("avx512amx")) {
        cr_skip("this processor has no tile registers, or the system does not let this process use them");
    }
    run r = {NULL, p, guarded_new(SIZE_A), guarded_new(SIZE_B), guarded_new(SIZE_C)};
    for (int i = 0; i < 4; i++) {
        try_form(&r, i & 1, i & 2, false);
    }
    try_form(&r, false, false, true);
    guarded_free(r.a, SIZE_A), guarded_free(r.b, SIZE_B), guarded_free(r.c, SIZE_C);
}

Test(amx, bf16) {
    check_product((product){.a = "bf16", .b = "bf16", .sum = "f32"});
}

Test(amx, unsigned_by_signed) {
    check_product((product){.a = "u8", .b = "i8", .sum = "i32"});
}

Test(amx, signed_by_unsigned) {
    check_product((product){.a = "i8", .b = "u8", .sum = "i32"});
}

Test(amx, signed_by_signed) {
    check_product((product){.a = "i8", .b = "i8", .sum = "i32"});
}

Test(amx, unsigned_by_unsigned) {
    check_product((product){.a = "u8", .b = "u8", .sum = "u32"});
}

/* ---- instructions ------------------------------------------------------------------------------------------------------ */

static bool uses(const char *arch, const product *p, const char *instruction) {
    write_product(p);
    x86_kernel *k = x86_open(text, &(x86_options){.arch = arch, .emit = TG_EMIT_ASM});
    cr_assert(!k->error, "%s", k->error);
    bool found = strstr(k->object.asm_text, instruction) != NULL;
    x86_close(k);
    return found;
}

Test(amx, instructions) {
    static const struct {
        product p;
        const char *instruction;
    } expected[] = {{{.a = "bf16", .b = "bf16", .sum = "f32"}, "tdpbf16ps"}, {{.a = "u8", .b = "i8", .sum = "i32"}, "tdpbusd"},
                    {{.a = "i8", .b = "u8", .sum = "i32"}, "tdpbsud"},       {{.a = "i8", .b = "i8", .sum = "i32"}, "tdpbssd"},
                    {{.a = "u8", .b = "u8", .sum = "u32"}, "tdpbuud"}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        cr_expect(uses("avx512amx", &expected[i].p, expected[i].instruction), "%s", expected[i].instruction);
        cr_expect(uses("avx512amx", &expected[i].p, "tilerelease"), "%s", expected[i].instruction);
        cr_expect(!uses("avx512vnni", &expected[i].p, expected[i].instruction), "%s", expected[i].instruction);
    }
    tg_machine m;
    cr_assert(tg_x86_machine(NULL, &m));
    cr_expect_eq(m.has_amx, tg_cpu_runs("avx512amx"));
}
