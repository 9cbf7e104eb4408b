/* What elaborated programs compute, by the reference interpreter: control flow, functions in
 * their three forms, indexing. Each
 * program maps X (12 floats, 3 rows of 4) to Z of the same shape; expectations are plain C. */
#include "base/io.h"
#include "dsl/interp/interp.h"
#include "tests/unit/elab/load.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { ROWS = 3, COLS = 4, POINTS = ROWS * COLS };

static const float input[POINTS] = {0.5f, -1, 3, 7.25f, -2.5f, 0, 9, 1, 4, -0.125f, 2, 6};

static void run(const char *text, float *z, int64_t grid_block) {
    loaded l;
    char message[256] = "";
    load_text(&l, "test.dsl", text);
    cr_assert_eq(l.diags.n_errors, 0, "%s", rendered(&l));
    tg_func *f = instantiate(&l, "k", NULL, NULL, NULL);
    cr_assert_not_null(f, "%s", rendered(&l));
    float x[POINTS];
    memcpy(x, input, sizeof x);
    for (int i = 0; i < POINTS; i++) {
        z[i] = -99;
    }
    tg_interp_arg args[2] = {
        {.tensor = {.arg = {.data = x, .shape = {ROWS, COLS}, .stride = {COLS, 1}},
                    .dtype = TG_F32}},
        {.tensor = {.arg = {.data = z, .shape = {ROWS, COLS}, .stride = {COLS, 1}},
                    .dtype = TG_F32}}};
    tg_interp_options options = {.check = true, .max_ops = 1000000, .grid_block = grid_block};
    tg_status s =
        tg_interp_run(f, args, &options, &tg_allocator_default, message, sizeof message);
    cr_assert_eq(s, TG_OK, "%s: %s\n%s", tg_status_name(s), message, printed(&l, f));
    unload(&l);
}

typedef float (*reference)(int r, int c);

static void expect(const char *text, reference want) {
    for (int64_t block = 0; block < 3; block++) {
        float z[POINTS];
        run(text, z, block);
        for (int i = 0; i < POINTS; i++) {
            float w = want(i / COLS, i % COLS);
            cr_expect(fabsf(z[i] - w) <= 1e-5f * fabsf(w),
                      "block %d, [%d, %d]: %g, expected %g in\n%s", (int)block, i / COLS,
                      i % COLS, (double)z[i], (double)w, text);
        }
    }
}

static float x_at(int r, int c) {
    return r >= 0 && r < ROWS && c >= 0 && c < COLS ? input[r * COLS + c] : 0;
}

#define KERNEL(body)                                                                           \
    "kernel k(in f32 X[M, N], out f32 Z[M, N]) { grid (i in M) { axis j in N; " body " } }"
#define POINT(fn)                                                                              \
    fn " kernel k(in f32 X[M, N], out f32 Z[M, N]) { grid (i in M, j in N) Z[i, j] = f(X[i, "  \
       "j]); }"
#define ROW(fn)                                                                                \
    fn " kernel k(in f32 X[M, N], out f32 Z[M, N]) { grid (i in M) { axis j in N; Z[i, j] = "  \
       "f(X[i, j], j); } }"

static float halved(int r, int c) {
    float y = x_at(r, c);
    if (y < 0) {
        return -1;
    }
    while (y > 1) {
        y *= 0.5f;
    }
    return y;
}

static float collatz(int r, int c) {
    int n = (int)x_at(r, c), steps = 0;
    while (1) {
        if (n <= 1) {
            break;
        }
        if (n % 2 == 0) {
            n /= 2;
            steps++;
            continue;
        }
        n = 3 * n + 1;
        steps += 10;
    }
    return (float)steps;
}

Test(meaning, lifted_functions) {
    expect(POINT("fn f(f32 x) -> f32 { if (x < 0) return -1; f32 y = x; while (y > 1) y *= "
                 "0.5; return y; }"),
           halved);
    expect(POINT("fn f(f32 x) -> f32 { int n = int(x); int s = 0; while (true) { if (n <= 1) "
                 "break; if (n % 2 == 0) { n = n / 2; "
                 "s += 1; continue; } n = 3 * n + 1; s += 10; } return f32(s); }"),
           collatz);
    expect(POINT("fn f(f32 x) -> f32 { int n = int(x); int s = 0; for (int t = 0; t < 1000; t "
                 "+= 1) { if (n <= 1) break; "
                 "if (n % 2 == 0) { n = n / 2; s += 1; continue; } n = 3 * n + 1; s += 10; } "
                 "return f32(s); }"),
           collatz);
}

static float row_sum(int r) {
    float s = 0;
    for (int c = 0; c < COLS; c++) {
        s += x_at(r, c);
    }
    return s;
}

static float row_halved(int r, int c) {
    float s = row_sum(r);
    if (s < 8) {
        return x_at(r, c);
    }
    float n = 0;
    while (s > 1) {
        s *= 0.5f;
        n += 1;
        if (n > 3) {
            break;
        }
    }
    return x_at(r, c) * s + n;
}

Test(meaning, masked_functions) {
    expect(ROW("fn f(f32 x[j], axis j) -> f32[j] { f32 s = sum(x, j), n = 0; if (s < 8) return "
               "x; while (s > 1) { s *= 0.5; n += 1; "
               "if (n > 3) break; } return x * s + n; }"),
           row_halved);
    expect(
        ROW("fn f(f32 x[j], axis j) -> f32[j] { f32 s = sum(x, j), n = 0; if (s < 8) { return "
            "x; } else { for (each t in 9) { "
            "if (s <= 1) break; s *= 0.5; n += 1; if (n > 3) break; } } return x * s + n; }"),
        row_halved);
}

static float prefix_until_negative(int r, int c) {
    float s = 0;
    for (int t = 0; t <= c; t++) {
        if (x_at(r, t) < 0) {
            break;
        }
        s += x_at(r, t);
    }
    return s;
}

static float skip_negative(int r, int c) {
    (void)c;
    float s = 0;
    for (int t = 0; t < COLS; t++) {
        if (x_at(r, t) < 0) {
            continue;
        }
        s = s * 2 + x_at(r, t);
    }
    return s;
}

static float only_positive_rows(int r, int c) {
    return row_sum(r) > 8 ? x_at(r, c) : -99;
}

Test(meaning, scalar_control_flow) {
    expect("kernel k(in f32 X[M, N], out f32 Z[M, N]) { grid (each i in M, each c in N) { f32 "
           "s = 0; for (each t in N until c + 1) "
           "{ if (X[i, t] < 0) break; s += X[i, t]; } Z[i, c] = s; } }",
           prefix_until_negative);
    expect("kernel k(in f32 X[M, N], out f32 Z[M, N]) { grid (each i in M) { axis j in N; f32 "
           "s = 0; for (int t = 0; t < N; t += 1) "
           "{ if (X[i, t] < 0) continue; s = s * 2 + X[i, t]; } Z[i, j] = s + f32(j - j); } }",
           skip_negative);
    expect("kernel k(in f32 X[M, N], out f32 Z[M, N]) { grid (each i in M) { axis j in N; f32 "
           "s = 0; unroll for (each t in 4) "
           "{ if (X[i, t] < 0) continue; s = s * 2 + X[i, t]; } Z[i, j] = s + f32(j - j); } }",
           skip_negative);
    expect("kernel k(in f32 X[M, N], out f32 Z[M, N]) { grid (each i in M) { axis j in N; if "
           "(sum(X[i, j], j) <= 8) return; "
           "Z[i, j] = X[i, j]; } }",
           only_positive_rows);
}

static float reversed(int r, int c) {
    return x_at(r, COLS - 1 - c);
}
static float shifted(int r, int c) {
    return c ? x_at(r, c - 1) : 5;
}
static float swapped_pairs(int r, int c) {
    return x_at(r, c ^ 1);
}
static float weighted(int r, int c) {
    return x_at(r, c) * (c == 0 ? 1 : c == 1 ? 2 : c == 2 ? 3 : 5);
}
static float maximum(int r, int c) {
    float m = -INFINITY;
    for (int t = 0; t <= c; t++) {
        m = fmaxf(m, x_at(r, t));
    }
    return m;
}
static float outside(int r, int c) {
    return x_at(r - 1, c) + (c + 1 < COLS ? x_at(r, c + 1) : 100);
}

Test(meaning, indexing_and_folds) {
    expect(KERNEL("f32 x[i, j] = X[i, j]; Z[i, j] = x[j = N - 1 - j];"), reversed);
    expect(KERNEL("f32 x[i, j] = X[i, j]; Z[i, j] = x[j = j - 1] else 5;"), shifted);
    expect(KERNEL("f32 x[i, j] = 0; x[j = N - 1 - j] = X[i, j]; Z[i, j] = x;"), reversed);
    expect(KERNEL("f32 x[i, j] = X[i, j]; Z[i, j] = x[j = j ^ 1];"), swapped_pairs);
    expect("kernel k(in f32 X[M, N], out f32 Z[M, N]) { grid (i in M) { axis j in 4; f32 w[j] "
           "= {1, 2, 3, 5}; Z[i, j] = X[i, j] * w; } }",
           weighted);
    expect("fn larger(f32 a, f32 b) -> f32 = a > b ? a : b; " KERNEL(
               "Z[i, j] = scan(X[i, j], j, larger, -inf);"),
           maximum);
    expect(KERNEL("Z[i, j] = scan(X[i, j], j, max, -inf);"), maximum);
    expect(KERNEL("Z[i, j] = X[i - 1, j] + (X[i, j + 1] else 100);"), outside);
}

/* re + 10 im of the transform of all 12 points */
static float transformed(int r, int c) {
    double re = 0, im = 0;
    for (int t = 0; t < POINTS; t++) {
        double turn = -2 * 3.14159265358979323846 * t * (r * COLS + c) / POINTS;
        re += (double)input[t] * cos(turn);
        im += (double)input[t] * sin(turn);
    }
    return (float)(re + 10 * im);
}

#define TRANSFORM(call)                                                                        \
    "import \"std/fft\" as s; kernel k(in f32 X[M, N], out f32 Z[M, N]) { grid { axis t in "   \
    "12, i in M, j in N; "                                                                     \
    "c32 x[t] = complex(X[t / 4, t % 4], 0.0); let y = " call                                  \
    "; let z = y[t = i * 4 + j]; Z[i, j] = re(z) + 10 * im(z); } }"

Test(meaning, fourier_transforms) {
    float want[POINTS], got[2][POINTS];
    run(TRANSFORM("s.fft(x, t)"), got[0], 0);
    run(TRANSFORM("s.fft_const(x, t, 12)"), got[1], 0);
    for (int i = 0; i < POINTS; i++) {
        want[i] = transformed(i / COLS, i % COLS);
        for (int m = 0; m < 2; m++) {
            cr_expect(fabsf(got[m][i] - want[i]) < 1e-3f, "method %d, %d: %g, expected %g", m,
                      i, (double)got[m][i], (double)want[i]);
        }
    }
}

/* What happens once per block: the function is marked, so that nobody chooses other blocks than its own. */
static bool is_block_dependent(const char *text) {
    loaded l;
    load_text(&l, "test.dsl", text);
    cr_assert_eq(l.diags.n_errors, 0, "%s", rendered(&l));
    tg_func *f = instantiate(&l, "k", NULL, NULL, NULL);
    bool dependent = f->block_dependent;
    unload(&l);
    return dependent;
}

#define COUNT(type, fill, body)                                                                \
    "kernel k(in f32 X[M, N], out " type " Z[M, N] = " fill ") { " body " }"

static float one_at_origin(int r, int c) {
    return r == 0 && c == 0 ? 1 : 0;
}

static float points_at_origin(int r, int c) {
    return r == 0 && c == 0 ? POINTS : 0;
}

static float largest_at_origin(int r, int c) {
    return r == 0 && c == 0 ? 9 : -99;
}

static float two_per_row(int r, int c) {
    (void)r;
    return c == 0 ? 2 : 0;
}

Test(meaning, once_per_block) {
    static const char *const dependent[] = {
        COUNT("f32", "0", "grid (i in M) atomic Z[0, 0] += 1;"),
        COUNT("f32", "0", "grid (i in M, j in N) atomic Z[i, 0] += f32(i);"),
        COUNT("i32", "0", "grid (i in M) atomic Z[0, 0] ^= 1;"),
        COUNT("f32", "0", "grid (i in M) { for (j in N) atomic Z[i, 0] += 1; }"),
        COUNT("f32", "0", "grid (i in M) { f32 n[i] = 0; for (j in N) n += 2; Z[i, 0] = n; }")};
    for (size_t i = 0; i < sizeof dependent / sizeof *dependent; i++) {
        cr_expect(is_block_dependent(dependent[i]), "%s", dependent[i]);
    }
    static const char *const free_of_blocks[] = {
        COUNT("f32", "0", "grid (i in M, j in N) atomic Z[i, j] += 1;"),
        COUNT("f32", "0", "grid (each i in M, each j in N) atomic Z[0, 0] += 1;"),
        COUNT("i32", "0", "grid (i in M) atomic Z[0, 0] max= 1;"),
        COUNT(
            "f32", "0",
            "grid (i in M) { f32 s[i] = 0; for (j in N) s += sum(X[i, j], j); Z[i, 0] = s; }"),
        COUNT("f32", "0",
              "grid (i in M) { f32 m[i] = 0, l[i] = 0; for (j in N) { let t = max(m, "
              "max(X[i, j], j)); l = l * exp(m - t) + sum(exp(X[i, j] - t), j); m = t; } "
              "Z[i, 0] = l; }")};
    for (size_t i = 0; i < sizeof free_of_blocks / sizeof *free_of_blocks; i++) {
        cr_expect_not(is_block_dependent(free_of_blocks[i]), "%s", free_of_blocks[i]);
    }
    expect(dependent[0], one_at_origin); /* one block of its own, whatever the options say */
    expect(
        COUNT("f32", "0", "grid (i in M) { f32 n[i] = 0; for (j in N) n += 2; Z[i, 0] = n; }"),
        two_per_row);
    expect(free_of_blocks[1], points_at_origin);
    expect(COUNT("f32", "-99",
                 "grid (i in M, j in N) { axis z in 1; atomic Z[z, 0] max= max(max(X[i, j], "
                 "i), j); }"),
           largest_at_origin);
}

static void expect_failure(const char *body, const char *want) {
    loaded l;
    char message[256] = "", text[1024];
    (void)tg_format(text, sizeof text, KERNEL("%s"), body);
    load_text(&l, "test.dsl", text);
    cr_assert_eq(l.diags.n_errors, 0, "%s", rendered(&l));
    tg_instance_spec spec = {.checked = true};
    tg_func *f =
        tg_unit_instantiate(l.unit, tg_unit_find_kernel(l.unit, "k"), &spec, l.arena, &l.diags);
    float x[POINTS], z[POINTS];
    memcpy(x, input, sizeof x);
    tg_interp_arg args[2] = {
        {.tensor = {.arg = {.data = x, .shape = {ROWS, COLS}, .stride = {COLS, 1}},
                    .dtype = TG_F32}},
        {.tensor = {.arg = {.data = z, .shape = {ROWS, COLS}, .stride = {COLS, 1}},
                    .dtype = TG_F32}}};
    tg_interp_options options = {.check = true, .max_ops = 1000000};
    cr_expect_eq(
        tg_interp_run(f, args, &options, &tg_allocator_default, message, sizeof message),
        TG_ERROR_LAUNCH);
    cr_expect_str_eq(message, want);
    unload(&l);
}

Test(meaning, assertions_tell_their_values) {
    expect_failure("let x = X[i, j]; assert(x > -2); Z[i, j] = x;",
                   "L0908: x > -2 is false at i = 1, j = 0: x = -2.5");
    expect_failure(
        "let x = X[i, j]; assert(x  <  f32(j) * 2 + 3, \"row {} of {{X}}\", i); Z[i, j] = x;",
        "L0908: x < f32(j) * 2 + 3 is false at i = 1, j = 2: x = 9, f32(j) * 2 + 3 = 7; row 1 "
        "of {X}");
    expect_failure("let s = sum(X[i, j], j); assert(s > 8, \"s={:.2f}\", s); Z[i, j] = s;",
                   "L0908: s > 8 is false at i = 1: s = 7.5; s=7.50");
    expect_failure("assert(all(X[i, j] > -1, j)); Z[i, j] = 1;",
                   "L0908: all(X[i, j] > -1, j) is false at i = 0");
    expect_failure("let bad = X[i, j] == 4; assert(!bad, \"no {}\", 4); Z[i, j] = 1;",
                   "L0908: !bad is false at i = 2, j = 0: no 4");
}

static float blended(int r, int c) {
    return x_at(r, c) > 0 ? x_at(r, c) * 2 + 1 : (x_at(r, c) < -1 ? 7 : 0);
}

Test(meaning, selection_and_literals) {
    expect(KERNEL("let x = X[i, j]; Z[i, j] = x > 0 ? x * 2 + 1 : (x < -1 ? 7 : 0);"), blended);
    expect(KERNEL("let x = X[i, j]; f32 z[i, j] = 0; z = x * 2 + 1 where x > 0; z = 7 where x "
                  "< -1; Z[i, j] = z;"),
           blended);
}

/* Loops over single indices whose bounds differ from point to point. */
static float partial_sum(int r, int c) {
    float s = 0;
    for (int k = c > 1 ? 1 : 0; k < c + 1; k++) {
        if (x_at(r, k) < 0) {
            continue;
        }
        s += x_at(r, k);
        if (s > 9) {
            break;
        }
    }
    return s;
}

static float counted(int r, int c) {
    float s = 0;
    for (int k = 0; k < (int)x_at(r, c); k++) {
        s += (float)k;
    }
    return s;
}

Test(meaning, loops_with_bounds_of_their_own) {
    expect("fn g(f32 x[j], axis j, int n) -> f32 { f32 s = 0; "
           "for (each k in j from n > 1 ? 1 : 0 until n + 1) { "
           "if (x[j = k] < 0) continue; s += x[j = k]; if (s > 9) break; } return s; } " KERNEL(
               "axis q in N; Z[i, q] = g(X[i, j], j, q);"),
           partial_sum);
    expect(
        POINT(
            "fn f(f32 x) -> f32 { f32 s = 0; for (each k in int(x)) s += f32(k); return s; }"),
        counted);
    expect(POINT("fn h(int n) -> f32 { f32 s = 0; for (each k in n) s += f32(k); return s; } "
                 "fn f(f32 x) -> f32 = h(int(x));"),
           counted);
}
