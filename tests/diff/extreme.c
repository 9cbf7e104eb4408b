/* Greatest and least elements of rows and of columns: NaN if one of them is NaN, wherever it stands, and else the bits of one of the
 * elements. Lanes keep NaN apart from the numbers (targets/x86/reduce.c), so every position is tried, with infinities around it. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>

#include "tegula/tegula.h"

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
    "}\n";

enum { MOST = 200, RESULTS = 4 };

typedef struct table {
    tg_context *context;
    tg_kernel *kernel;
    tg_dtype dtype;
    unsigned long long checked;
} table;

static double at(const table *t, const tg_tensor *x, int64_t i) {
    const void *data = tg_tensor_data(x);
    return t->dtype == TG_F64 ? ((const double *)data)[i] : (double)((const float *)data)[i];
}

static void set(const table *t, tg_tensor *x, int64_t i, double v) {
    void *data = tg_tensor_data(x);
    if (t->dtype == TG_F64) {
        ((double *)data)[i] = v;
    } else {
        ((float *)data)[i] = (float)v;
    }
}

/* Of `n` elements from `first` on. */
static double extreme(const table *t, const tg_tensor *x, int64_t first, int64_t n, int64_t stride, bool greatest) {
    double best = greatest ? -INFINITY : INFINITY;
    for (int64_t i = 0; i < n; i++) {
        double v = at(t, x, first + i * stride);
        if (isnan(v)) {
            return v;
        }
        best = (greatest ? v > best : v < best) ? v : best;
    }
    return best;
}

static bool same(table *t, const tg_tensor *y, int64_t i, double want, const char *of) {
    double got = at(t, y, i);
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
        ok = same(t, y[0], i, extreme(t, x, i * n, n, 1, true), "row, greatest") &&
             same(t, y[1], i, extreme(t, x, i * n, n, 1, false), "row, least");
    }
    for (int64_t j = 0; ok && j < n; j++) {
        ok = same(t, y[2], j, extreme(t, x, j, m, n, true), "column, greatest") &&
             same(t, y[3], j, extreme(t, x, j, m, n, false), "column, least");
    }
    return ok;
}

/* Row i has NaN at place i (none in the rows after place n - 1, and none at all without `nans`). */
static bool try_size(table *t, int64_t m, int64_t n, bool nans) {
    int64_t shape[] = {m, n};
    tg_tensor *x = tg_tensor_create(t->context, t->dtype, 2, shape), *y[RESULTS];
    for (int k = 0; k < RESULTS; k++) {
        y[k] = tg_tensor_create(t->context, t->dtype, 1, &shape[k / 2]);
    }
    for (int64_t i = 0; i < m * n; i++) {
        int64_t r = i * 7919 % 101;
        double v = r == 0 ? INFINITY : r == 1 ? -INFINITY : (double)(r - 50) / 8;
        set(t, x, i, nans && i / n == i % n ? (i % 2 ? -NAN : NAN) : v);
    }
    bool ok = tg_launch(t->kernel, TG_ARGS(x, y[0], y[1], y[2], y[3])) == TG_OK;
    if (!ok) {
        puts(tg_last_error(t->context));
    }
    ok = ok && compare(t, x, y, m, n);
    for (int k = 0; k < RESULTS; k++) {
        tg_tensor_release(y[k]);
    }
    tg_tensor_release(x);
    return ok;
}

static bool try_sizes(table *t) {
    bool ok = true;
    for (int64_t n = 0; ok && n < 75; n++) {
        ok = try_size(t, n + 3, n, true) && try_size(t, 2, n, false) && try_size(t, 7, n, true);
    }
    return ok && try_size(t, MOST, MOST, true) && try_size(t, MOST, MOST + 1, true) && try_size(t, MOST, MOST, false);
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
    table t = {.context = context, .kernel = tg_module_kernel(module, "extremes")};
    bool ok = t.kernel != NULL;
    for (int k = 0; ok && k < 2; k++) {
        t.dtype = k ? TG_F64 : TG_F32;
        ok = try_sizes(&t);
    }
    printf("%llu extremes%s\n", t.checked, ok ? ", all right" : ": FAILED");
    tg_module_destroy(module);
    tg_context_destroy(context);
    return !ok;
}
