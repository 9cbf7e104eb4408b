/* Running products of floats. Lanes regroup them (targets/x86/nest/reduce.c), which must not overflow or underflow where the order of the definition
 * does neither: rows of powers of two, whose products are exact, with factors near the ends of the exponents, zeros, infinities and NaN.
 * A row is compared up to where the definition itself leaves the normal numbers. */
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>

#include "tests/diff/elements.h"

static const char text[] = "kernel products<T: f32 | f64>(in T X[M, N], out T upward[M, N], out T downward[M, N], out T turned[M, N])\n"
                           "{\n"
                           "    grid (i in M) {\n"
                           "        axis j in N;\n"
                           "        let p = cumprod(X[i, j], j);\n"
                           "        upward[i, j] = p;\n"
                           "        downward[i, j] = cumprod(X[i, j], j, exclusive = true, reverse = true);\n"
                           "        turned[i, j] = p[j = N - 1 - j];\n"
                           "    }\n"
                           "}\n";

typedef enum contents { NEAR, FAR, ZEROS, SPECIAL, N_CONTENTS } contents;

enum { ROWS = 5, MOST = 70, RESULTS = 3 };

typedef struct table {
    tg_context *context;
    tg_kernel *kernel;
    tg_dtype dtype;
    unsigned long long checked;
} table;

/* FAR: large, small, small, large, and so on: products from the row's begin stay in range where it begins so or two places later, those of
 * neighbours do not. */
static double element(const table *t, contents of, int64_t row, int64_t j) {
    int64_t r = (row * 131 + j) * 7919 % 101;
    double near = ldexp(r % 2 ? -1 : 1, (int)(r % 3) - 1);
    int far = t->dtype == TG_F64 ? 900 : 100;
    switch (of) {
    case FAR:
        return ldexp(r % 2 ? -1 : 1, (j + 2 * row) % 4 % 3 == 0 ? far : -far);
    case ZEROS:
        return r == 7 ? 0 : near;
    case SPECIAL:
        return r == 7 ? INFINITY : r == 8 ? NAN : r == 9 ? 0 : near;
    default:
        return near;
    }
}

static double product(const table *t, double a, double b) {
    return t->dtype == TG_F64 ? a * b : (double)((float)a * (float)b);
}

/* Did `p`, of finite factors other than 0, become infinite, subnormal or 0? */
static bool is_lost(const table *t, double p, double before, double factor) {
    double least = t->dtype == TG_F64 ? DBL_MIN : (double)FLT_MIN;
    return isfinite(before) && isfinite(factor) && before != 0 && factor != 0 && (!isfinite(p) || fabs(p) < least);
}

static bool same(table *t, const tg_tensor *y, int64_t i, double want, const char *of) {
    double got = element_at(y, i);
    t->checked++;
    if (got == want || (isnan(got) && isnan(want))) {
        return true;
    }
    printf("%s %s %lld: %g, not %g\n", tg_dtype_name(t->dtype), of, (long long)i, got, want);
    return false;
}

static bool compare_row(table *t, const tg_tensor *x, tg_tensor **y, int64_t row, int64_t n) {
    bool ok = true;
    double p = 1;
    for (int64_t j = 0, first = row * n; ok && j < n; j++) {
        double v = element_at(x, first + j), next = product(t, p, v);
        if (is_lost(t, next, p, v)) {
            break;
        }
        ok = same(t, y[0], first + j, next, "upward") && same(t, y[2], first + n - 1 - j, next, "turned");
        p = next;
    }
    p = 1;
    for (int64_t j = n - 1, first = row * n; ok && j >= 0; j--) {
        double v = element_at(x, first + j), next = product(t, p, v);
        ok = same(t, y[1], first + j, p, "downward");
        if (is_lost(t, next, p, v)) {
            break;
        }
        p = next;
    }
    return ok;
}

static bool try_row_length(table *t, contents of, int64_t n) {
    int64_t shape[] = {ROWS, n};
    tg_tensor *x = tg_tensor_create(t->context, t->dtype, 2, shape), *y[RESULTS];
    for (int64_t i = 0; i < ROWS * n; i++) {
        set_element(x, i, element(t, of, i / n, i % n));
    }
    for (int k = 0; k < RESULTS; k++) {
        y[k] = tg_tensor_create(t->context, t->dtype, 2, shape);
    }
    bool ok = tg_launch(t->kernel, TG_ARGS(x, y[0], y[1], y[2])) == TG_OK;
    if (!ok) {
        puts(tg_last_error(t->context));
    }
    for (int64_t row = 0; ok && row < ROWS; row++) {
        ok = compare_row(t, x, y, row, n);
    }
    tg_tensor_release(x);
    for (int k = 0; k < RESULTS; k++) {
        tg_tensor_release(y[k]);
    }
    return ok;
}

int main(void) {
    tg_context *context = NULL;
    tg_module *module = NULL;
    tg_context_options options = TG_CONTEXT_OPTIONS_INIT;
    options.n_threads = 1;
    if (tg_context_create(&options, &context) || tg_module_load_text(context, "products.dsl", text, sizeof text - 1, &module)) {
        puts(tg_last_error(context));
        return 1;
    }
    table t = {.context = context, .kernel = tg_module_kernel(module, "products")};
    bool ok = t.kernel != NULL;
    for (int k = 0; ok && k < 2 * N_CONTENTS; k++) {
        t.dtype = k < N_CONTENTS ? TG_F32 : TG_F64;
        for (int64_t n = 0; ok && n < MOST; n++) {
            ok = try_row_length(&t, (contents)(k % N_CONTENTS), n);
        }
    }
    printf("%llu products%s\n", t.checked, ok ? ", all right" : ": FAILED");
    tg_module_destroy(module);
    tg_context_destroy(context);
    return !ok;
}
