/* Divisions by a value that is the same for a whole row, which invite a reciprocal: every quotient must have the bits of IEEE
 * division, by whatever means it comes. Rows hold the numbers that could go wrong: around powers of two, zeros of both
 * signs, subnormals, infinities, NaN, the ends of the proved ranges; and random ones of every exponent. */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tegula/tegula.h"

static const char text[] =
    "kernel divide<T: f32 | f64>(in T X[M, N], in T D[M], out T Y[M, N])\n"
    "{\n"
    "    grid (i in M) {\n"
    "        axis j in N;\n"
    "        Y[i, j] = X[i, j] / D[i];\n"
    "    }\n"
    "}\n";

static uint64_t next_random(uint64_t *s) {
    *s += 0x9e3779b97f4a7c15u;
    uint64_t z = (*s ^ *s >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* ---- the numbers, as bits ----------------------------------------------------------------------------- */

typedef struct format {
    tg_dtype dtype;
    int mantissa, exponent; /* bits */
    int dividend, divisor;  /* ends of the ranges: 2^±this */
} format;

static const format formats[] = {{TG_F32, 23, 8, 100, 20}, {TG_F64, 52, 11, 900, 100}};

static uint64_t compose(const format *f, uint64_t sign, int exponent, uint64_t mantissa) {
    int bias = (1 << (f->exponent - 1)) - 1;
    return sign << (f->mantissa + f->exponent) | (uint64_t)(exponent + bias) << f->mantissa | mantissa;
}

/* Number i of those around 2^e, in steps of one unit. */
static uint64_t around(const format *f, int e, int64_t i) {
    return (uint64_t)((int64_t)compose(f, 0, e, 0) + i);
}

static uint64_t special(const format *f, uint64_t *rng) {
    uint64_t top = (1ull << f->exponent) - 1, sign = next_random(rng) & 1, r = next_random(rng);
    int ends[] = {f->dividend, -f->dividend, f->divisor, -f->divisor, 0, 1};
    uint64_t v = 0;
    switch (r % 8) {
    case 0:
        break;
    case 1:
        v = top << f->mantissa; /* infinity */
        break;
    case 2:
        v = top << f->mantissa | 1ull << (f->mantissa - 1) | r >> 60;
        break;
    case 3:
        v = r >> (65 - f->mantissa); /* subnormal */
        break;
    case 4:
        v = (top << f->mantissa) - 1; /* the largest */
        break;
    default:
        v = around(f, ends[(r >> 8) % 6], (int64_t)((r >> 16) % 9) - 4);
        break;
    }
    return v | sign << (f->mantissa + f->exponent);
}

static uint64_t anything(const format *f, uint64_t *rng) {
    uint64_t r = next_random(rng);
    return f->mantissa + f->exponent == 63 ? r : r >> 32;
}

/* ---- one table of quotients ------------------------------------------------------------------------------- */

typedef struct table {
    const format *f;
    tg_context *context;
    tg_kernel *kernel;
    uint64_t checked;
} table;

static uint64_t bits_at(const format *f, const void *data, int64_t i) {
    return f->dtype == TG_F64 ? ((const uint64_t *)data)[i] : ((const uint32_t *)data)[i];
}

static void set_bits(const format *f, void *data, int64_t i, uint64_t v) {
    if (f->dtype == TG_F64) {
        ((uint64_t *)data)[i] = v;
    } else {
        ((uint32_t *)data)[i] = (uint32_t)v;
    }
}

static bool is_nan(const format *f, uint64_t v) {
    uint64_t magnitude = v & ~(1ull << (f->mantissa + f->exponent));
    return magnitude > compose(f, 0, 1 << (f->exponent - 1), 0);
}

static uint64_t quotient(const format *f, uint64_t a, uint64_t d) {
    if (f->dtype == TG_F64) {
        double x, y;
        memcpy(&x, &a, 8);
        memcpy(&y, &d, 8);
        x /= y;
        memcpy(&a, &x, 8);
        return a;
    }
    uint32_t a32 = (uint32_t)a, d32 = (uint32_t)d;
    float x, y;
    memcpy(&x, &a32, 4);
    memcpy(&y, &d32, 4);
    x /= y;
    memcpy(&a32, &x, 4);
    return a32;
}

typedef uint64_t make(const format *f, int64_t i, int64_t j, uint64_t *rng);

/* Row i is divided by divide(i); element j of it is dividend(i, j). */
static bool try_table(table *t, int64_t m, int64_t n, make *dividend, make *divisor) {
    const format *f = t->f;
    tg_tensor *x = tg_tensor_create(t->context, f->dtype, 2, (int64_t[]){m, n});
    tg_tensor *d = tg_tensor_create(t->context, f->dtype, 1, (int64_t[]){m});
    tg_tensor *y = tg_tensor_create(t->context, f->dtype, 2, (int64_t[]){m, n});
    if (!x || !d || !y) {
        puts("out of memory");
        exit(1);
    }
    uint64_t rng = (uint64_t)(m * 1000 + n);
    for (int64_t i = 0; i < m; i++) {
        set_bits(f, tg_tensor_data(d), i, divisor(f, i, 0, &rng));
        for (int64_t j = 0; j < n; j++) {
            set_bits(f, tg_tensor_data(x), i * n + j, dividend(f, i, j, &rng));
        }
    }
    bool ok = tg_launch(t->kernel, TG_ARGS(x, d, y)) == TG_OK;
    if (!ok) {
        puts(tg_last_error(t->context));
    }
    for (int64_t i = 0; ok && i < m * n; i++) {
        uint64_t a = bits_at(f, tg_tensor_data(x), i), b = bits_at(f, tg_tensor_data(d), i / n);
        uint64_t got = bits_at(f, tg_tensor_data(y), i), want = quotient(f, a, b);
        ok = got == want || (is_nan(f, got) && is_nan(f, want));
        if (!ok) {
            printf("%s: %llx / %llx = %llx, not %llx (element %lld of rows of %lld)\n", tg_dtype_name(f->dtype),
                   (unsigned long long)a, (unsigned long long)b, (unsigned long long)want, (unsigned long long)got,
                   (long long)(i % n), (long long)n);
        }
    }
    t->checked += (uint64_t)(m * n);
    tg_tensor_release(x);
    tg_tensor_release(d);
    tg_tensor_release(y);
    return ok;
}

static uint64_t any_number(const format *f, int64_t i, int64_t j, uint64_t *rng) {
    (void)i, (void)j;
    return anything(f, rng);
}
static uint64_t special_number(const format *f, int64_t i, int64_t j, uint64_t *rng) {
    (void)i, (void)j;
    return next_random(rng) % 4 ? special(f, rng) : anything(f, rng);
}
/* Random mantissas within the ranges: no vector leaves the fast way. */
static uint64_t near_one(const format *f, int64_t i, int64_t j, uint64_t *rng) {
    (void)i, (void)j;
    uint64_t r = next_random(rng);
    return compose(f, r & 1, (int)(r >> 1 & 15) - 8, next_random(rng) >> (64 - f->mantissa));
}
/* The largest numbers below 2, where the first quotient is farthest off. */
static uint64_t below_two(const format *f, int64_t i, int64_t j, uint64_t *rng) {
    (void)i, (void)rng;
    return around(f, 1, -1 - j);
}
static uint64_t row_below_two(const format *f, int64_t i, int64_t j, uint64_t *rng) {
    return below_two(f, j, i, rng);
}
static uint64_t above_one(const format *f, int64_t i, int64_t j, uint64_t *rng) {
    (void)i, (void)rng;
    return around(f, 0, j);
}

static bool try_format(table *t) {
    bool ok = try_table(t, 512, 2048, below_two, row_below_two) && try_table(t, 512, 2048, above_one, row_below_two) &&
              try_table(t, 2000, 1500, near_one, near_one) && try_table(t, 700, 300, any_number, any_number) &&
              try_table(t, 3000, 200, special_number, special_number) && try_table(t, 3000, 40, near_one, special_number) &&
              try_table(t, 300, 400, special_number, near_one);
    for (int64_t n = 0; ok && n < 70; n++) { /* ends of rows */
        ok = try_table(t, 5, n, near_one, near_one) && try_table(t, 3, n, special_number, near_one);
    }
    return ok;
}

int main(void) {
    tg_context *context = NULL;
    tg_module *module = NULL;
    tg_context_options options = TG_CONTEXT_OPTIONS_INIT;
    options.n_threads = 1;
    if (tg_context_create(&options, &context) || tg_module_load_text(context, "quotient.dsl", text, sizeof text - 1, &module)) {
        puts(tg_last_error(context));
        return 1;
    }
    table t = {.context = context, .kernel = tg_module_kernel(module, "divide")};
    bool ok = t.kernel != NULL;
    for (size_t i = 0; ok && i < sizeof formats / sizeof *formats; i++) {
        t.f = &formats[i];
        ok = try_format(&t);
    }
    printf("%llu quotients%s\n", (unsigned long long)t.checked, ok ? ", all right" : ": FAILED");
    tg_module_destroy(module);
    tg_context_destroy(context);
    return !ok;
}
