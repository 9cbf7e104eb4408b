/* Passes keep the meaning: every text of tests/ir and tests/passes runs in the interpreter
 * before and after each pass and after the standard list, on tensors of small whole numbers
 * with extents 0 to 7; what it stores must be equal. Sums of small whole numbers are exact
 * in any order, so only rounding after divisions and functions may differ in the last
 * places. */
#include "dsl/interp/interp.h"
#include "dsl/passes/passes.h"
#include "tests/support/ir_text.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PARAMS = 8 };

typedef struct launch {
    tg_interp_arg args[MAX_PARAMS];
    int64_t n[MAX_PARAMS]; /* elements */
} launch;

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

static bool is_whole(tg_dtype t) {
    return tg_dtype_is_int(t) || t == TG_BOOL;
}

static tg_scalar small_number(tg_dtype t, uint32_t *state) {
    int64_t i = (int64_t)(next_random(state) % 5);
    tg_scalar s = {.dtype = t};
    if (is_whole(t)) {
        s.i = t == TG_BOOL ? i & 1 : i;
    } else {
        s.f = (double)(i - 2);
        s.g = tg_dtype_kind_of(t) == TG_KIND_COMPLEX ? (double)(i & 1) : 0.0;
    }
    return t == TG_F8E8M0 || t == TG_F4E2M1 ? (tg_scalar){.dtype = t, .f = 1.0} : s;
}

static void make_tensor(ir_text *t, const tg_fparam *p, int64_t extent, uint32_t *state,
                        tg_interp_arg *a, int64_t *n) {
    *n = 1;
    for (uint32_t d = p->rank; d-- > 0;) {
        a->tensor.arg.shape[d] = extent;
        a->tensor.arg.stride[d] = *n;
        *n *= extent;
    }
    a->tensor.dtype = p->dtype;
    a->tensor.arg.data = tg_arena_alloc(t->arena, (size_t)*n * 16 + 16, 64);
    for (int64_t i = 0; i < *n; i++) {
        tg_scalar_store(small_number(p->dtype, state), a->tensor.arg.data, i);
    }
}

/* False if the function takes an address or too much. */
static bool make_launch(ir_text *t, const tg_func *f, int64_t extent, launch *l) {
    uint32_t state = 7;
    memset(l, 0, sizeof *l);
    for (uint32_t i = 0; i < f->n_params; i++) {
        const tg_fparam *p = &f->params[i];
        if (i == MAX_PARAMS || p->kind == TG_FP_PTR) {
            return false;
        }
        if (p->kind == TG_FP_SCALAR) {
            l->args[i].scalar = small_number(p->dtype, &state);
            l->args[i].scalar.i += p->dtype == TG_I64 ? 1 : 0;
        } else if (!p->absent) {
            make_tensor(t, p, extent, &state, &l->args[i], &l->n[i]);
        }
    }
    return true;
}

static tg_status run(const tg_func *f, launch *l, char *message) {
    tg_interp_options options = {.mode = TG_INTERP_EXACT, .max_ops = 1 << 22, .n_threads = 1};
    return tg_interp_run(f, l->args, &options, &tg_allocator_default, message, 200);
}

static bool close_enough(tg_scalar x, tg_scalar y) {
    if (is_whole(x.dtype)) {
        return x.i == y.i;
    }
    double unit = 64.0 * tg_dtype_unit(tg_dtype_real(x.dtype));
    bool re = x.f == y.f || (isnan(x.f) && isnan(y.f)) || fabs(x.f - y.f) <= unit * fabs(x.f);
    bool im = x.g == y.g || (isnan(x.g) && isnan(y.g)) || fabs(x.g - y.g) <= unit * fabs(x.g);
    return re && im;
}

static void compare(const tg_func *f, const launch *x, const launch *y, const char *what) {
    for (uint32_t i = 0; i < f->n_params; i++) {
        tg_fparam_kind kind = f->params[i].kind;
        for (int64_t j = 0; j < x->n[i] && (kind == TG_FP_OUT || kind == TG_FP_INOUT); j++) {
            tg_scalar a = tg_scalar_load(f->params[i].dtype, x->args[i].tensor.arg.data, j);
            tg_scalar b = tg_scalar_load(f->params[i].dtype, y->args[i].tensor.arg.data, j);
            cr_assert(close_enough(a, b),
                      "%s: parameter %u, element %lld: %g, %lld instead of %g, %lld", what, i,
                      (long long)j, b.f, (long long)b.i, a.f, (long long)a.i);
        }
    }
}

static uint32_t n_compared;

static void check_list(const char *path, const char *text, const char *list, int64_t extent) {
    ir_text t;
    ir_text_init(&t);
    launch before, after;
    char message[200] = "";
    tg_func *f = ir_text_read(&t, text), *original = tg_func_clone(f, t.arena, NULL);
    const char *what = tg_arena_printf(t.arena, "%s, %s, extent %d", path, list, (int)extent);
    if (make_launch(&t, f, extent, &before) && make_launch(&t, f, extent, &after) &&
        run(original, &before, message) == TG_OK) {
        cr_assert_null(tg_pass_run_list(f, list, NULL), "%s", what);
        cr_assert_eq(run(f, &after, message), TG_OK, "%s: %s", what, message);
        compare(original, &before, &after, what);
        n_compared++;
    }
    ir_text_fini(&t);
}

static void check_text(const char *path, void *user) {
    const char *text = ir_text_load(user, path);
    const char *end = strstr(text, "// EXPECT\n");
    text = end ? tg_arena_strndup(((ir_text *)user)->arena, text, (size_t)(end - text)) : text;
    for (uint32_t i = 0; i <= TG_PASS_COUNT; i++) {
        const char *list =
            i < TG_PASS_COUNT ? tg_pass_of((tg_pass_id)i)->name : TG_PASSES_STANDARD;
        check_list(path, text, list, 0);
        check_list(path, text, list, 3);
        check_list(path, text, list, 7);
    }
}

Test(passes, keep_the_meaning) {
    ir_text t;
    ir_text_init(&t);
    ir_text_each(&t, "tests/ir", ".tir", check_text, &t);
    ir_text_each(&t, "tests/passes", ".tir", check_text, &t);
    cr_expect_gt(n_compared, 1500u, "only %u comparisons ran", n_compared);
    ir_text_fini(&t);
}
