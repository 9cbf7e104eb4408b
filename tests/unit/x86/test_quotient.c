/* Quotients by a divisor that all lanes share (targets/x86/ops/quotient.c) are those of IEEE 754, bit for bit: at the ends of the range, and where
 * they lie next to the middle between two numbers. */
#include "tests/support/x86_run.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char source[] = "func @quotient(in %X: tensor<2 x f32>, in %D: tensor<1 x f32>, out %Y: tensor<2 x f32>)\n"
                             "  axes { #i grid block=4, #j grid block=4096 }\n"
                             "{\n"
                             "  %zero = const {value=0} : i64\n"
                             "  %M = dim %X {d=0} : i64\n"
                             "  %N = dim %X {d=1} : i64\n"
                             "  phase () {\n"
                             "    par %M, %zero, %M {axis=#i} () {\n"
                             "      par %N, %zero, %N {axis=#j} () {\n"
                             "        %i = iota {axis=#i} : tile<#i x i64>\n"
                             "        %j = iota {axis=#j} : tile<#j x i64>\n"
                             "        %x = load %X, %i, %j : tile<#i, #j x f32>\n"
                             "        %d = load %D, %i : tile<#i x f32>\n"
                             "        %y = div %x, %d : tile<#i, #j x f32>\n"
                             "        store %Y, %y, %i, %j\n"
                             "      }\n"
                             "    }\n"
                             "  }\n"
                             "}\n";

static bool is_same(float a, float b) {
    return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0;
}

/* y = x / d, one divisor a row, compared with C. */
static void expect_quotients(const x86_kernel *k, float *x, float *d, float *y, int64_t rows, int64_t columns) {
    tg_tensor_arg in = x86_matrix(x, rows, columns), by = {.data = d, .shape = {rows}, .stride = {1}}, out = x86_matrix(y, rows, columns);
    const void *args[] = {&in, &by, &out};
    cr_assert_eq(x86_launch(k, args), 0);
    for (int64_t i = 0; i < rows * columns; i++) {
        float want = x[i] / d[i / columns];
        cr_assert(is_same(y[i], want), "%a / %a = %a, not %a", (double)x[i], (double)d[i / columns], (double)want, (double)y[i]);
    }
}

static x86_kernel *open_kernel(void) {
    x86_options o = {0};
    x86_kernel *k = x86_open(source, &o);
    cr_assert(!k->error, "%s", k->error ? k->error : "");
    return k;
}

/* All of these by all of them: rows of one dividend alone, and of all in turns. */
Test(quotient, ends_of_the_range) {
    static const float edges[] = {0.0F,       -0.0F,      1.0F,       -3.0F,       0.1F,       0x1p-24F,   0x1.fffffep-25F, 0x1p24F,
                                  0x1.8p24F,  0x1p-100F,  0x1.8p-101F, 0x1p100F,   0x1.8p100F, 0x1p-126F,  0x1p-149F,       0x1.6p-130F,
                                  INFINITY,   -INFINITY,  NAN,        0x1.fffffep127F, -0x1.1p-140F, 7.0F,  0x1.fffffep23F,  0x1.23456p-99F};
    enum { N = sizeof edges / sizeof edges[0], COLUMNS = 203 };
    static float x[N * COLUMNS], d[N], y[N * COLUMNS];
    x86_kernel *k = open_kernel();
    for (int mode = 0; mode <= N; mode++) {
        for (int i = 0; i < N * COLUMNS; i++) {
            x[i] = edges[mode < N ? mode : i % COLUMNS % N];
            d[i / COLUMNS] = edges[i / COLUMNS];
        }
        expect_quotients(k, x, d, y, N, COLUMNS);
    }
    x86_close(k);
}

/* The mantissa X in [2^23, 2^24) for which X 2^(k+1) = Y + distance (mod 2Y): X 2^k / Y is distance / 2Y from the middle between two integers.
 * 0: there is none. */
static int64_t near_middle(int64_t y, int k, int64_t distance) {
    int twos = __builtin_ctzll((uint64_t)y) + 1;
    int64_t rest = (y + distance + 2 * y) % (2 * y), modulus = 2 * y >> twos;
    if (twos > k + 1 || rest & ((INT64_C(1) << twos) - 1)) {
        return 0;
    }
    int64_t x = (rest >> twos) % modulus;
    for (int i = twos; i < k + 1; i++) {
        x = x & 1 ? (x + modulus) / 2 : x / 2;
    }
    while (x < 1 << 23) {
        x += modulus;
    }
    return x < 1 << 24 && (k == 23) == (x >= y) ? x : 0;
}

/* Dividends of one row for the divisor y: all that come within `MOST` / 2y of a middle, at several powers of two. */
Test(quotient, near_the_middle) {
    enum { MOST = 9, COLUMNS = 128, STEP = 997 };
    static float x[COLUMNS], y[COLUMNS];
    x86_kernel *k = open_kernel();
    for (int64_t divisor = 1 << 23; divisor < 1 << 24; divisor += STEP) {
        int n = 0;
        for (int64_t distance = -MOST; distance <= MOST; distance++) {
            for (int shift = 23; shift <= 24; shift++) {
                int64_t mantissa = near_middle(divisor, shift, distance);
                for (int power = -98; mantissa && power < 100 && n < COLUMNS; power += 65) {
                    x[n++] = ldexpf((float)mantissa, power - 23);
                }
            }
        }
        for (int i = n; n && i < COLUMNS; i++) {
            x[i] = x[i % n];
        }
        for (int power = -24; n && power < 24; power += 23) {
            float d = ldexpf((float)divisor, power - 23);
            expect_quotients(k, x, &d, y, 1, COLUMNS);
        }
    }
    x86_close(k);
}
