/* Greatest and least elements of rows and of columns, and where they are: NaN if one of them is NaN, wherever it stands, and else the bits
 * of one of the elements; the first NaN, else the first of equals. Lanes keep NaN apart from the numbers (targets/x86/nest/reduce.c), so
 * every position is tried, with infinities around it. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>

#include "tests/diff/elements.h"

static const char text[] =
    "kernel extremes<T: f32 | f64>(in T X[M, N], out T most[M], out T least[M], out T high[N], out T low[N])\n"
    "{\n"
    "    grid (i in M) {\n"
    "        axis j in N;\n"
    "        most[i] = max(X[i, j], j);\n"
    "        least[i] = min(X[i, j], j);\n"
    "    }\n"
    "    grid (j in N) {\n"
    "        axis i in M;\n"
    "        high[j] = max(X[i, j], i);\n"
    "        low[j] = min(X[i, j], i);\n"
    "    }\n"
    "}\n"
    "kernel positions<T: f32 | f64>(in T X[M, N], out i64 most[M], out i64 least[M], out i64 high[N], out i64 low[N])\n"
    "{\n"
    "    grid (i in M) {\n"
    "        axis j in N;\n"
    "        most[i] = argmax(X[i, j], j);\n"
    "        least[i] = argmin(X[i, j], j);\n"
    "    }\n"
    "    grid (j in N) {\n"
    "        axis i in M;\n"
    "        high[j] = argmax(X[i, j], i);\n"
    "        low[j] = argmin(X[i, j], i);\n"
    "    }\n"
    "}\n";

typedef enum contents { NUMBERS, NANS, TIES, LOWEST, HIGHEST, N_CONTENTS } contents;

enum { MOST = 200, RESULTS = 4 };

typedef struct table {
    tg_context *context;
    tg_kernel *kernel, *positions;
    tg_dtype dtype;
    unsigned long long checked;
} table;

/* Of `n` elements from `first` on. */
static double extreme(const tg_tensor *x, int64_t first, int64_t n, int64_t stride, bool greatest) {
    double best = greatest ? -INFINITY : INFINITY;
    for (int64_t i = 0; i < n; i++) {
        double v = element_at(x, first + i * stride);
        if (isnan(v)) {
            return v;
        }
        best = (greatest ? v > best : v < best) ? v : best;
    }
    return best;
}

static int64_t position(const tg_tensor *x, int64_t first, int64_t n, int64_t stride, bool greatest) {
    int64_t best = n > 0 ? 0 : -1;
    for (int64_t i = 0; i < n; i++) {
        double v = element_at(x, first + i * stride), w = element_at(x, first + best * stride);
        if (isnan(v)) {
            return i;
        }
        best = (greatest ? v > w : v < w) ? i : best;
    }
    return best;
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

static bool compare(table *t, tg_tensor *x, tg_tensor **y, int64_t m, int64_t n) {
    bool ok = true;
    for (int64_t i = 0; ok && i < m; i++) {
        ok = same(t, y[0], i, extreme(x, i * n, n, 1, true), "row, greatest") &&
             same(t, y[1], i, extreme(x, i * n, n, 1, false), "row, least");
    }
    for (int64_t j = 0; ok && j < n; j++) {
        ok = same(t, y[2], j, extreme(x, j, m, n, true), "column, greatest") &&
             same(t, y[3], j, extreme(x, j, m, n, false), "column, least");
    }
    return ok;
}

static bool compare_positions(table *t, const tg_tensor *x, tg_tensor **y, int64_t m, int64_t n) {
    for (int k = 0; k < RESULTS; k++) {
        bool rows = k < 2;
        const int64_t *got = tg_tensor_data(y[k]);
        for (int64_t i = 0; i < (rows ? m : n); i++, t->checked++) {
            int64_t want = rows ? position(x, i * n, n, 1, k % 2 == 0) : position(x, i, m, n, k % 2 == 0);
            if (got[i] != want) {
                printf("%s, %lld by %lld, position %lld of result %d: %lld, not %lld\n", tg_dtype_name(t->dtype), (long long)m, (long long)n,
                       (long long)i, k, (long long)got[i], (long long)want);
                return false;
            }
        }
    }
    return true;
}

/* NANS: row i has one at place i (none in the rows after place n - 1). TIES: of four values, some rows with two NaN. */
static double element(contents of, int64_t i, int64_t n) {
    int64_t r = i * 7919 % 101, row = i / n, column = i % n;
    switch (of) {
    case NUMBERS:
    case NANS:
        return of == NANS && row == column ? (i % 2 ? -NAN : NAN) : r == 0 ? INFINITY : r == 1 ? -INFINITY : (double)(r - 50) / 8;
    case TIES:
        return row % 4 == 3 && (column == row % 9 || column == 13) ? NAN : (double)(r % 4);
    case LOWEST:
        return -INFINITY;
    default:
        return INFINITY;
    }
}

static bool try_kernel(table *t, tg_kernel *kernel, tg_tensor *x, int64_t m, int64_t n) {
    int64_t shape[] = {m, n};
    bool values = kernel == t->kernel;
    tg_tensor *y[RESULTS];
    for (int k = 0; k < RESULTS; k++) {
        y[k] = tg_tensor_create(t->context, values ? t->dtype : TG_I64, 1, &shape[k / 2]);
    }
    bool ok = tg_launch(kernel, TG_ARGS(x, y[0], y[1], y[2], y[3])) == TG_OK;
    if (!ok) {
        puts(tg_last_error(t->context));
    }
    ok = ok && (values ? compare(t, x, y, m, n) : compare_positions(t, x, y, m, n));
    for (int k = 0; k < RESULTS; k++) {
        tg_tensor_release(y[k]);
    }
    return ok;
}

static bool try_size(table *t, int64_t m, int64_t n) {
    bool ok = true;
    for (contents of = NUMBERS; ok && of < N_CONTENTS; of++) {
        tg_tensor *x = tg_tensor_create(t->context, t->dtype, 2, (int64_t[]){m, n});
        for (int64_t i = 0; i < m * n; i++) {
            set_element(x, i, element(of, i, n));
        }
        ok = try_kernel(t, t->kernel, x, m, n) && try_kernel(t, t->positions, x, m, n);
        tg_tensor_release(x);
    }
    return ok;
}

static bool try_sizes(table *t) {
    bool ok = true;
    for (int64_t n = 0; ok && n < 75; n++) {
        ok = try_size(t, n + 3, n) && try_size(t, 2, n) && try_size(t, 7, n);
    }
    return ok && try_size(t, MOST, MOST) && try_size(t, MOST, MOST + 1);
}

int main(void) {
    tg_context *context = NULL;
    tg_module *module = NULL;
    tg_context_options options = TG_CONTEXT_OPTIONS_INIT;
    options.n_threads = 1;
    if (tg_context_create(&options, &context) || tg_module_load_text(context, "extremes.dsl", text, sizeof text - 1, &module)) {
        puts(tg_last_error(context));
        return 1;
    }
    table t = {.context = context, .kernel = tg_module_kernel(module, "extremes"), .positions = tg_module_kernel(module, "positions")};
    bool ok = t.kernel && t.positions;
    for (int k = 0; ok && k < 2; k++) {
        t.dtype = k ? TG_F64 : TG_F32;
        ok = try_sizes(&t);
    }
    printf("%llu extremes%s\n", t.checked, ok ? ", all right" : ": FAILED");
    tg_module_destroy(module);
    tg_context_destroy(context);
    return !ok;
}
