/* a b + c of bf16 and f16 is rounded once (fma_small in targets/x86/ops/elementwise.c), where the sum in f32 is in the middle of two numbers, next to it, or
 * smaller than the normal ones. */
#include "tests/math/random.h"
#include "tests/support/x86_run.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>

static const char source[] = "func @fma(in %%A: tensor<1 x %s>, in %%B: tensor<1 x %s>, in %%C: tensor<1 x %s>, out %%Y: tensor<1 x %s>)\n"
                             "  axes { #i grid block=4096 }\n"
                             "{\n"
                             "  %%zero = const {value=0} : i64\n"
                             "  %%N = dim %%A {d=0} : i64\n"
                             "  phase () {\n"
                             "    par %%N, %%zero, %%N {axis=#i} () {\n"
                             "      %%i = iota {axis=#i} : tile<#i x i64>\n"
                             "      %%a = load %%A, %%i : tile<#i x %s>\n"
                             "      %%b = load %%B, %%i : tile<#i x %s>\n"
                             "      %%c = load %%C, %%i : tile<#i x %s>\n"
                             "      %%y = fma %%a, %%b, %%c : tile<#i x %s>\n"
                             "      store %%Y, %%y, %%i\n"
                             "    }\n"
                             "  }\n"
                             "}\n";

enum { POINTS = 10007 };

typedef struct format {
    const char *name;
    int mantissa, bias; /* stored bits of the mantissa, bias of the exponent */
} format;

static const format formats[] = {{"bf16", 7, 127}, {"f16", 10, 15}};

static long double value_of(const format *f, uint16_t code) {
    int e = (code & 0x7fff) >> f->mantissa, m = code & ((1 << f->mantissa) - 1);
    long double v = ldexpl(e ? m + (1 << f->mantissa) : m, (e ? e : 1) - f->bias - f->mantissa);
    return code >> 15 ? -v : v;
}

/* Nearest even; `v` is below the largest number. */
static uint16_t code_of(const format *f, long double v, uint16_t sign_of_zero) {
    int least = 1 - f->bias, e = v == 0 || ilogbl(v) < least ? least : ilogbl(v);
    long double steps = rintl(ldexpl(fabsl(v), f->mantissa - e));
    uint16_t sign = v == 0 ? sign_of_zero : (uint16_t)(signbit(v) ? 0x8000 : 0);
    return (uint16_t)(sign | ((unsigned)steps + ((unsigned)(e + f->bias - 1) << f->mantissa)));
}

/* With an exponent from `lowest` on, of `range`; few bits in every other one, so that the middle is met. */
static uint16_t any_code(const format *f, int lowest, int range) {
    unsigned mask = next() & 1 ? (1U << f->mantissa) - 1 : 7U << (f->mantissa - 3);
    unsigned e = (unsigned)(lowest + (int)(next() % (unsigned)range));
    return (uint16_t)((next() & 0x8000) | e << f->mantissa | (next() & mask));
}

static void expect_rounded_once(const format *f, const x86_kernel *k, int factors, int addend) {
    static uint16_t in[3][POINTS], y[POINTS];
    for (int i = 0; i < POINTS; i++) {
        in[0][i] = any_code(f, factors, 4);
        in[1][i] = any_code(f, factors, 4);
        in[2][i] = any_code(f, addend, 12);
    }
    tg_tensor_arg t[4];
    const void *args[4];
    for (int n = 0; n < 4; n++) {
        t[n] = (tg_tensor_arg){.data = n < 3 ? in[n] : y, .shape = {POINTS}, .stride = {1}};
        args[n] = &t[n];
    }
    cr_assert_eq(x86_launch(k, args), 0);
    for (int i = 0; i < POINTS; i++) {
        long double exact = value_of(f, in[0][i]) * value_of(f, in[1][i]) + value_of(f, in[2][i]); /* in 64 bits */
        uint16_t want = code_of(f, exact, y[i] & 0x8000);
        cr_assert_eq(y[i], want, "%s: %04x * %04x + %04x is %04x, not %04x", f->name, in[0][i], in[1][i], in[2][i], y[i], want);
    }
}

Test(fma, is_rounded_once) {
    for (int n = 0; n < 2; n++) {
        const format *f = &formats[n];
        char text[sizeof source + 64];
        snprintf(text, sizeof text, source, f->name, f->name, f->name, f->name, f->name, f->name, f->name, f->name);
        x86_options o = {0};
        x86_kernel *k = x86_open(text, &o);
        cr_assert(!k->error, "%s", k->error ? k->error : "");
        int half = (f->bias + 1) / 2;
        for (int distance = -14; distance <= 4; distance++) {
            int addend = f->bias + distance; /* products are around 1 */
            expect_rounded_once(f, k, f->bias - 2, addend > 0 ? addend : 0);
        }
        for (int least = 0; least < 12; least++) { /* products are among the least numbers */
            expect_rounded_once(f, k, half > least ? half - least : 0, 0);
        }
        x86_close(k);
    }
}
