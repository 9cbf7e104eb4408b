/* Reductions, scans, named indexing, orders, lifted regions, atomics, storage types, control flow: each against plain C. */
#include "tests/unit/interp/interp_fixture.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* A function with one instance over the full axes #i (dimension 0 of X) and #j (dimension 1): indices %i and %j, scalar %z = 0. */
#define HEAD(params, axes)                                                                     \
    "func @f(" params ")\n  axes { #i local, #j local" axes " }\n{\n"                          \
    "  %z = const {value=0} : i64\n  %M = dim %X {d=0} : i64\n  %N = dim %X {d=1} : i64\n"     \
    "  phase () {\n    axis %M, %z, %M {axis=#i}\n    axis %N, %z, %N {axis=#j}\n"             \
    "    %i = iota {axis=#i} : tile<#i x i64>\n    %j = iota {axis=#j} : tile<#j x i64>\n"
#define TAIL  "  }\n}\n"
#define F32IJ "tile<#i, #j x f32>"

enum { M = 5, N = 37 };
static float x[M * N], y[M * N];

/* `$0` … `$9` are replaced by the given texts. */
static void put(char *out, size_t size, const char *text, const char *const *with) {
    size_t used = 0;
    for (const char *p = text; *p && used + 40 < size; p++) {
        if (*p == '$') {
            used += (size_t)snprintf(out + used, size - used, "%s", with[*++p - '0']);
        } else {
            out[used++] = *p;
        }
    }
    out[used] = 0;
}

static void run_text(const char *text, tg_interp_arg *args, tg_interp_mode mode) {
    fixture f;
    fixture_open(&f, text);
    tg_interp_options o = {.mode = mode, .check = true};
    cr_assert_eq(fixture_run(&f, args, &o), TG_OK, "%s", f.message);
    fixture_close(&f);
}

Test(interp_structure, reduce_all_functions) {
    static const char *const names[] = {"add", "mul", "min", "max", "argmin", "argmax"};
    random_f32(x, M * N, 1);
    x[N + 4] = NAN;
    for (int fn = 0; fn < 6; fn++) {
        for (int over_i = 0; over_i < 2; over_i++) {
            char text[2000];
            const char *type = fn < 4 ? "f32" : "i64", *kept = over_i ? "j" : "i";
            const char *with[] = {type, over_i ? "i" : "j", names[fn], kept};
            put(text, sizeof text,
                HEAD("in %X: tensor<2 x f32>, out %Y: tensor<1 x $0>",
                     "") "    %x = load %X, %i, %j : " F32IJ
                         "\n    %r = reduce %x {over=(#$1), fn=$2} : tile<#$3 x $0>\n"
                         "    store %Y, %r, %$3\n" TAIL,
                with);
            int64_t r64[N];
            float r32[N];
            int64_t n = over_i ? N : M, length = over_i ? M : N;
            tg_interp_arg args[2] = {
                matrix_arg(TG_F32, x, M, N),
                vector_arg(fn < 4 ? TG_F32 : TG_I64, fn < 4 ? (void *)r32 : r64, n)};
            run_text(text, args, TG_INTERP_EXACT);
            for (int64_t k = 0; k < n; k++) {
                float acc = fn == 0              ? 0
                            : fn == 1            ? 1
                            : fn == 2 || fn == 4 ? INFINITY
                                                 : -INFINITY;
                int64_t best = 0;
                for (int64_t q = 0; q < length; q++) {
                    float v = over_i ? x[q * N + k] : x[k * N + q];
                    bool beats =
                        acc == acc && (v != v || (fn == 2 || fn == 4 ? v < acc : v > acc));
                    best = fn > 1 && beats ? q : best;
                    acc = fn == 0 ? acc + v : fn == 1 ? acc * v : beats ? v : acc;
                }
                cr_assert(fn > 3 ? r64[k] == best
                                 : (r32[k] == acc || (isnan(r32[k]) && isnan(acc))),
                          "%s %d", names[fn], (int)k);
            }
        }
    }
}

Test(interp_structure, integer_reductions_and_empty_sets) {
    static const char *const names[] = {"add", "mul", "min", "max",
                                        "and", "or",  "xor", "argmax"};
    int32_t v[12] = {7, -3, 0x55, 12, 9, -8, 1, 2, 3, 4, 5, 6};
    for (int k = 0; k < 8; k++) {
        for (int64_t n = 0; n <= 6; n += 6) {
            char text[2000];
            const char *type = k == 7 ? "i64" : "i32";
            const char *with[] = {type, names[k]};
            put(text, sizeof text,
                HEAD("in %X: tensor<2 x i32>, out %Y: tensor<1 x $0>",
                     "") "    %x = load %X, %i, %j : tile<#i, #j x i32>\n    %r = reduce %x "
                         "{over=(#j), fn=$1} : tile<#i x $0>\n"
                         "    store %Y, %r, %i\n" TAIL,
                with);
            int64_t r64[2];
            int32_t r32[2];
            tg_interp_arg args[2] = {
                matrix_arg(TG_I32, v, 2, n),
                vector_arg(k == 7 ? TG_I64 : TG_I32, k == 7 ? (void *)r64 : r32, 2)};
            run_text(text, args, TG_INTERP_IDEAL);
            int32_t acc = k == 0   ? 0
                          : k == 1 ? 1
                          : k == 2 ? INT32_MAX
                          : k == 3 ? INT32_MIN
                          : k == 4 ? -1
                                   : 0;
            for (int64_t q = 0; q < n; q++) {
                int32_t e = v[q];
                acc = k == 0   ? acc + e
                      : k == 1 ? acc * e
                      : k == 2 ? (e < acc ? e : acc)
                      : k == 3 ? (e > acc ? e : acc)
                      : k == 4 ? acc & e
                      : k == 5 ? acc | e
                               : acc ^ e;
            }
            cr_assert(k == 7 ? r64[0] == (n ? 2 : -1) : r32[0] == acc,
                      "%s n=%d: %d, expected %d", names[k], (int)n, r32[0], acc);
        }
    }
}

Test(interp_structure, scan_sort_topk_histogram) {
    static float s[M * N], v[M * N], t[M * 3];
    static int64_t at[M * N], ti[M * 3];
    random_f32(x, M * N, 3);
    x[7] = x[9];
    x[3 * N] = NAN;
    tg_interp_arg args[4] = {matrix_arg(TG_F32, x, M, N), matrix_arg(TG_F32, s, M, N),
                             matrix_arg(TG_F32, v, M, N), matrix_arg(TG_I64, at, M, N)};
    run_text(
        HEAD("in %X: tensor<2 x f32>, out %S: tensor<2 x f32>, out %V: tensor<2 x f32>, out "
             "%T: tensor<2 x i64>",
             "") "    %x = load %X, %i, %j : " F32IJ
                 "\n    %s = scan %x {fn=add, axis=#i, reverse, exclusive} : " F32IJ "\n"
                 "    store %S, %s, %i, %j\n    %v, %t = sort %x {axis=#j, descending} : " F32IJ
                 ", tile<#i, #j x i64>\n"
                 "    store %V, %v, %i, %j\n    store %T, %t, %i, %j\n" TAIL,
        args, TG_INTERP_EXACT);
    for (int i = 0; i < M; i++) {
        for (int j = 0; j < N; j++) {
            float sum = 0;
            for (int k = M - 1; k > i; k--) {
                sum += x[k * N + j];
            }
            cr_assert(s[i * N + j] == sum || (sum != sum && s[i * N + j] != s[i * N + j]));
            int64_t from = at[i * N + j];
            float got = v[i * N + j], before = j ? v[i * N + j - 1] : INFINITY;
            cr_assert(got == x[i * N + from] || (got != got && j == N - 1));
            cr_assert(got != got || before > got ||
                      (before == got && at[i * N + j - 1] < from));
        }
    }
    int32_t h[M * 4];
    tg_interp_arg more[4] = {matrix_arg(TG_F32, x, M, N), matrix_arg(TG_F32, t, M, 3),
                             matrix_arg(TG_I64, ti, M, 3), matrix_arg(TG_I32, h, M, 4)};
    run_text(
        HEAD("in %X: tensor<2 x f32>, out %T: tensor<2 x f32>, out %I: tensor<2 x i64>, out "
             "%H: tensor<2 x i32>",
             ", #k local extent=3, #b local extent=4") "    %three = const {value=3} : i64\n   "
                                                       " axis %three, %z, %three {axis=#k}\n   "
                                                       " %k = iota {axis=#k} : tile<#k x i64>\n"
                                                       "    %four = const {value=4} : i64\n    "
                                                       "axis %four, %z, %four {axis=#b}\n    "
                                                       "%b = iota {axis=#b} : tile<#b x i64>\n"
                                                       "    %x = load %X, %i, %j : " F32IJ
                                                       "\n    %t, %w = topk %x {axis=#j, "
                                                       "to=#k} : tile<#i, #k x f32>, tile<#i, "
                                                       "#k x i64>\n"
                                                       "    store %T, %t, %i, %k\n    store "
                                                       "%I, %w, %i, %k\n    %ij = mul %i, %j : "
                                                       "tile<#i, #j x i64>\n"
                                                       "    %h = histogram %ij {axis=#j, "
                                                       "bins=#b} : tile<#i, #b x i32>\n    "
                                                       "store %H, %h, %i, %b\n" TAIL,
        more, TG_INTERP_IDEAL);
    for (int i = 0; i < M; i++) {
        for (int k = 0; k < 3; k++) {
            cr_assert(t[i * 3 + k] == v[i * N + k] && ti[i * 3 + k] == at[i * N + k]);
        }
        for (int b = 0; b < 4; b++) {
            int count = 0;
            for (int j = 0; j < N; j++) {
                count += i * j == b;
            }
            cr_assert_eq(h[i * 4 + b], count);
        }
    }
}

Test(interp_structure, named_indexing_and_else) {
    random_f32(x, M * N, 5);
    tg_interp_arg args[2] = {matrix_arg(TG_F32, x, M, N), matrix_arg(TG_F32, y, M, N)};
    /* y[i, j] = x[j := j - 1] else 9; then y[j := 2 i] = -1; loads outside the tensor give the else value */
    run_text(
        HEAD("in %X: tensor<2 x f32>, out %Y: tensor<2 x f32>",
             "") "    %x = load %X, %i, %j : " F32IJ "\n    %one = const {value=1} : i64\n    "
                 "%left = sub %j, %one : tile<#j x i64>\n"
                 "    %nine = const {value=9.0} : f32\n    %s = reindex %x, %left, %nine "
                 "{axes=(#j), else} : " F32IJ "\n"
                 "    %i2 = add %i, %i : tile<#i x i64>\n    %m1 = const {value=-1.0} : f32\n"
                 "    %u = reindex_set %s, %m1, %i2 {axes=(#j)} : " F32IJ
                 "\n    %up = sub %i, %one : tile<#i x i64>\n"
                 "    %above = load %X, %up, %j, %nine : " F32IJ
                 "\n    %r = add %u, %above : " F32IJ "\n"
                 "    store %Y, %r, %i, %j\n" TAIL,
        args, TG_INTERP_EXACT);
    for (int i = 0; i < M; i++) {
        for (int j = 0; j < N; j++) {
            float u = j == 2 * i ? -1
                      : j        ? x[i * N + j - 1]
                                 : 9,
                  above = i ? x[(i - 1) * N + j] : 9;
            cr_assert_eq(y[i * N + j], u + above);
        }
    }
}

/* Collatz steps of each element: while with a different trip count per point; if inside. */
static const char map_text[] = HEAD(
    "in %X: tensor<2 x i64>, out %Y: tensor<2 x i64>",
    "") "    %x = load %X, %i, %j : tile<#i, #j x i64>\n"
        "    %r = map %x (%v: i64) {\n"
        "      %zero = const {value=0} : i64\n      %one = const {value=1} : i64\n      %two = "
        "const {value=2} : i64\n"
        "      %three = const {value=3} : i64\n"
        "      %n, %last = while %zero, %v (%c: i64, %w: i64) {\n"
        "        %go = cmp %w, %one {pred=gt} : bool\n        condition %go, %c, %w\n"
        "      } (%c2: i64, %w2: i64) {\n"
        "        %odd = and %w2, %one : i64\n        %is = cmp %odd, %one {pred=eq} : bool\n"
        "        %next = if %is () {\n          %t = mul %w2, %three : i64\n          %t1 = "
        "add %t, %one : i64\n          yield %t1\n"
        "        } () {\n          %h = div %w2, %two : i64\n          yield %h\n        } : "
        "i64\n"
        "        %c3 = add %c2, %one : i64\n        yield %c3, %next\n"
        "      } : i64, i64\n"
        "      %sum = for %last, %zero, %n, %zero (%k: i64, %a: i64) {\n        %a1 = add %a, "
        "%k : i64\n        yield %a1\n      } : i64\n"
        "      %total = sub %n, %sum : i64\n"
        "      yield %total\n    } : tile<#i, #j x i64>\n"
        "    store %Y, %r, %i, %j\n" TAIL;

Test(interp_structure, map_with_control_flow) {
    static int64_t in[M * N], out[M * N];
    for (int k = 0; k < M * N; k++) {
        in[k] = k;
    }
    tg_interp_arg args[2] = {matrix_arg(TG_I64, in, M, N), matrix_arg(TG_I64, out, M, N)};
    for (int mode = 0; mode < 2; mode++) {
        memset(out, 0, sizeof out);
        run_text(map_text, args, (tg_interp_mode)mode);
        for (int k = 0; k < M * N; k++) {
            int64_t n = 0, v = k;
            for (; v > 1; n++) {
                v = v % 2 ? 3 * v + 1 : v / 2;
            }
            cr_assert_eq(out[k], n, "%d: %d, expected %d", k, (int)out[k],
                         (int)n); /* the loop runs over [0, last) = {0} or nothing */
        }
    }
    fixture f;
    fixture_open(&f, map_text);
    tg_interp_options o = {.max_ops = 50};
    cr_assert_eq(fixture_run(&f, args, &o), TG_ERROR_LAUNCH);
    fixture_close(&f);
}

/* (mean, squares, count) of Welford along j, and a scan with the affine pair (a, b): v -> a v + b. */
Test(interp_structure, reduce_fn_and_scan_fn) {
    static double in[M * N], mean[M], var[M], lin[M * N];
    uint64_t seed = 9;
    for (int k = 0; k < M * N; k++) {
        in[k] = random_unit(&seed);
    }
    tg_interp_arg args[4] = {matrix_arg(TG_F64, in, M, N), vector_arg(TG_F64, mean, M),
                             vector_arg(TG_F64, var, M), matrix_arg(TG_F64, lin, M, N)};
    run_text(HEAD("in %X: tensor<2 x f64>, out %A: tensor<1 x f64>, out %B: tensor<1 x f64>, "
                  "out %L: tensor<2 x f64>",
                  "") "    %x = load %X, %i, %j : tile<#i, #j x f64>\n    %o = const "
                      "{value=0.0} : f64\n    %e = const {value=1.0} : f64\n"
                      "    %m, %q, %n = reduce_fn %o, %o, %o, %x, %o, %e {over=(#j)} (%ma: "
                      "f64, %qa: f64, %na: f64, %mb: f64, %qb: f64, %nb: f64) {\n"
                      "      %n1 = add %na, %nb : f64\n      %d = sub %mb, %ma : f64\n      %t "
                      "= div %nb, %n1 : f64\n"
                      "      %s = mul %d, %t : f64\n      %m1 = add %ma, %s : f64\n      %q1 = "
                      "add %qa, %qb : f64\n"
                      "      %ds = mul %d, %s : f64\n      %dn = mul %ds, %na : f64\n      %q2 "
                      "= add %q1, %dn : f64\n"
                      "      yield %m1, %q2, %n1\n    } : tile<#i x f64>, tile<#i x f64>, "
                      "tile<#i x f64>\n"
                      "    store %A, %m, %i\n    store %B, %q, %i\n"
                      "    %half = const {value=0.5} : f64\n"
                      "    %a, %b = scan_fn %e, %o, %half, %x {axis=#j} (%a1: f64, %b1: f64, "
                      "%a2: f64, %b2: f64) {\n"
                      "      %a3 = mul %a1, %a2 : f64\n      %b3 = mul %a2, %b1 : f64\n      "
                      "%b4 = add %b3, %b2 : f64\n"
                      "      yield %a3, %b4\n    } : tile<#i, #j x f64>, tile<#i, #j x f64>\n"
                      "    store %L, %b, %i, %j\n" TAIL,
             args, TG_INTERP_IDEAL);
    for (int i = 0; i < M; i++) {
        double mu = 0, sq = 0, b = 0;
        for (int j = 0; j < N; j++) {
            mu += in[i * N + j] / N;
            b = 0.5 * b + in[i * N + j];
            cr_assert_float_eq(lin[i * N + j], b, 1e-12);
        }
        for (int j = 0; j < N; j++) {
            sq += (in[i * N + j] - mu) * (in[i * N + j] - mu);
        }
        cr_assert_float_eq(mean[i], mu, 1e-12);
        cr_assert_float_eq(var[i], sq, 1e-12);
    }
}

Test(interp_structure, philox_known_answers) {
    /* Counter (low, high, 0, 0), key = seed; the zero vector is in Random123's kat_vectors. */
    int64_t in[2] = {0, 1};
    uint32_t out[4][2];
    tg_interp_arg args[5] = {vector_arg(TG_I64, in, 2), vector_arg(TG_U32, out[0], 2),
                             vector_arg(TG_U32, out[1], 2), vector_arg(TG_U32, out[2], 2),
                             vector_arg(TG_U32, out[3], 2)};
    run_text("func @f(in %X: tensor<1 x i64>, out %A: tensor<1 x u32>, out %B: tensor<1 x "
             "u32>, out %C: tensor<1 x u32>, out %D: tensor<1 x u32>)\n"
             "  axes { #i local }\n{\n  %z = const {value=0} : i64\n  %M = dim %X {d=0} : "
             "i64\n  phase () {\n"
             "    axis %M, %z, %M {axis=#i}\n    %i = iota {axis=#i} : tile<#i x i64>\n    "
             "%seed = const {value=0} : u64\n"
             "    %n = load %X, %i : tile<#i x i64>\n    %a, %b, %c, %d = philox %seed, %n : "
             "tile<#i x u32>, tile<#i x u32>, tile<#i x u32>, tile<#i x u32>\n"
             "    store %A, %a, %i\n    store %B, %b, %i\n    store %C, %c, %i\n    store %D, "
             "%d, %i\n" TAIL,
             args, TG_INTERP_EXACT);
    cr_assert(out[0][0] == 0x6627e8d5 && out[1][0] == 0xe169c58d && out[2][0] == 0xbc57ac4c &&
              out[3][0] == 0x9b00dbd8);
    cr_assert(out[0][1] != out[0][0]);
}

/* Launch-level for, if, temp and fill; dependent grid bounds; atomics; all orders give the same. */
static const char launch_text[] =
    "func @f(in %off: tensor<1 x i32>, inout %Y: tensor<1 x i64>, scalar %n: i64)\n  axes { #i "
    "grid block=4, #k grid block=4 }\n{\n"
    "  %z = const {value=0} : i64\n  %one = const {value=1} : i64\n  %N = dim %Y {d=0} : i64\n "
    " %E = dim %off {d=0} : i64\n"
    "  %E1 = sub %E, %one : i64\n  %t = temp %N : tensor<1 x i64>\n  %five = const {value=5} : "
    "i64\n  fill %t, %five\n"
    "  for %n, %z, %n (%r: i64) {\n"
    "    phase () {\n      par %E1, %z, %E1 () (%e: i64) {\n"
    "        %lo32 = load %off, %e : i32\n        %lo = cast %lo32 : i64\n        %e2 = add "
    "%e, %one : i64\n"
    "        %hi32 = load %off, %e2 : i32\n        %hi = cast %hi32 : i64\n"
    "        par %N, %lo, %hi {axis=#i} () {\n          %i = iota {axis=#i} : tile<#i x i64>\n"
    "          %first = axis_first {axis=#i} : i64\n          %size = axis_size {axis=#i} : "
    "i64\n"
    "          %v = mul %e, %size : i64\n          %w = add %v, %first : i64\n          %wr = "
    "add %w, %r : i64\n"
    "          %old = atomic %t, %wr, %i {fn=add} : tile<#i x i64>\n"
    "        }\n      }\n    }\n  }\n"
    "  phase () {\n    par %N, %z, %N {axis=#k} () {\n      %k = iota {axis=#k} : tile<#k x "
    "i64>\n"
    "      %x = load %t, %k : tile<#k x i64>\n      store %Y, %x, %k\n    }\n  }\n}\n";

Test(interp_structure, launch_level_grid_and_atomics) {
    int32_t off[4] = {0, 7, 7, 18};
    int64_t out[20], expected[20];
    for (int k = 0; k < 20; k++) {
        expected[k] = 5;
    }
    for (int r = 0; r < 3; r++) {
        for (int e = 0; e < 3; e++) {
            for (int i = off[e]; i < off[e + 1]; i++) {
                int first = (i - off[e]) / 4 * 4 + off[e],
                    size = off[e + 1] - first < 4 ? off[e + 1] - first : 4;
                expected[i] += e * size + first + r;
            }
        }
    }
    for (int order = 0; order < 3; order++) {
        fixture f;
        char text[sizeof launch_text];
        /* `par` prints attributes only if it has some */
        strcpy(text, launch_text);
        char *braces = strstr(text, "%E1 () (");
        memcpy(braces, "%E1    (", 8);
        fixture_open(&f, text);
        tg_interp_stats stats;
        tg_interp_options o = {.order = (tg_interp_order)order,
                               .seed = 4,
                               .mode = order == 1 ? TG_INTERP_IDEAL : TG_INTERP_EXACT,
                               .stats = &stats};
        tg_interp_arg args[3] = {vector_arg(TG_I32, off, 4), vector_arg(TG_I64, out, 20),
                                 int_arg(TG_I64, 3)};
        memset(out, 0, sizeof out);
        cr_assert_eq(fixture_run(&f, args, &o), TG_OK, "%s", f.message);
        cr_assert_arr_eq(out, expected, sizeof out);
        cr_assert_eq(stats.instances, 3 * (2 + 3) + 5);
        fixture_close(&f);
    }
}

Test(interp_structure, storage_types_and_strides) {
    unsigned char packed[16] = {0x21, 0x43, 0x8f, 0x70},
                  f8[6] = {0x38, 0x7e, 0xb8, 0x00, 0x01, 0x7f};
    int32_t out[8];
    float wide[3];
    tg_interp_arg args[4] = {matrix_arg(TG_I4, packed, 2, 4), matrix_arg(TG_I32, out, 2, 4),
                             vector_arg(TG_F8E4M3, f8, 3), vector_arg(TG_F32, wide, 3)};
    args[2].tensor.arg.stride[0] = 2; /* elements 0, 2, 4 */
    run_text(HEAD("in %X: tensor<2 x i4>, out %Y: tensor<2 x i32>, in %F: tensor<1 x f8e4m3>, "
                  "out %W: tensor<1 x f32>",
                  ", #k local") "    %x = load %X, %i, %j : tile<#i, #j x i4>\n    %w = cast "
                                "%x : tile<#i, #j x i32>\n    store %Y, %w, %i, %j\n"
                                "    %K = dim %F {d=0} : i64\n    axis %K, %z, %K {axis=#k}\n  "
                                "  %k = iota {axis=#k} : tile<#k x i64>\n"
                                "    %f = load %F, %k : tile<#k x f8e4m3>\n    %g = cast %f : "
                                "tile<#k x f32>\n    store %W, %g, %k\n" TAIL,
             args, TG_INTERP_EXACT);
    const int32_t expected[8] = {1, 2, 3, 4, -1, -8, 0, 7};
    cr_assert_arr_eq(out, expected, sizeof out);
    cr_assert(wide[0] == 1.0f && wide[1] == -1.0f && wide[2] == 0x1p-9f);
}

static char printed[500];
static void collect(void *user, const char *text, size_t n) {
    (void)user;
    strncat(printed, text, n);
}

Test(interp_structure, print_assert_and_check) {
    float in[4] = {1, 2, -3, 4}, out[4];
    fixture f;
    fixture_open(&f,
                 HEAD("in %X: tensor<2 x f32>, out %Y: tensor<2 x f32>",
                      "") "    %x = load %X, %i, %j : " F32IJ
                          "\n    %o = const {value=0.0} : f32\n    print %M, %x "
                          "{format=\"M={} x={:.1f}\"}\n"
                          "    %p = cmp %x, %o {pred=gt} : tile<#i, #j x bool>\n    assert "
                          "%p, %i, %j {format=\"x is positive is false at i = {}, j = {}\"}\n"
                          "    store %Y, %x, %i, %j\n" TAIL);
    tg_interp_arg args[2] = {matrix_arg(TG_F32, in, 2, 2), matrix_arg(TG_F32, out, 2, 2)};
    tg_interp_options o = {.print = collect};
    cr_assert_eq(fixture_run(&f, args, &o), TG_OK);
    cr_assert_str_eq(printed, "M=2 x={[0, 0]: 1.0, [0, 1]: 2.0, [1, 0]: -3.0, [1, 1]: 4.0}\n");
    o.check = true;
    cr_assert_eq(fixture_run(&f, args, &o), TG_ERROR_LAUNCH);
    cr_assert_str_eq(f.message, "L0908: x is positive is false at i = 1, j = 0");
    o.max_bytes = 1000;
    cr_assert_eq(fixture_run(&f, args, &o), TG_ERROR_OUT_OF_MEMORY);
    fixture_close(&f);
}

/* A value that depends on an uncertain comparison has a bound that covers both outcomes; an uncertain integer has none. */
Test(interp_structure, uncertain_outcomes) {
    float in[3] = {0.1f, 0.7f, -0.2f}, out[3];
    int32_t n[3];
    double value[3], bound[3], open[3];
    tg_interp_arg args[3] = {matrix_arg(TG_F32, in, 3, 1), vector_arg(TG_F32, out, 3),
                             vector_arg(TG_I32, n, 3)};
    args[1].tensor.value = value;
    args[1].tensor.bound = bound;
    args[2].tensor.value = open;
    args[2].tensor.bound = open;
    /* d = x*x - 0.01f*1: near zero for the first element */
    run_text(HEAD("in %X: tensor<2 x f32>, out %Y: tensor<1 x f32>, out %K: tensor<1 x i32>",
                  "") "    %x = load %X, %i, %z : tile<#i x f32>\n    %q = mul %x, %x : "
                      "tile<#i x f32>\n    %c = const {value=0.01} : f32\n"
                      "    %o = const {value=0.0} : f32\n    %a = const {value=1.0} : f32\n    "
                      "%b = const {value=3.0} : f32\n"
                      "    %d = sub %q, %c : tile<#i x f32>\n    %p = cmp %d, %o {pred=gt} : "
                      "tile<#i x bool>\n"
                      "    %s = select %p, %a, %b : tile<#i x f32>\n    store %Y, %s, %i\n    "
                      "%k = cast %s : tile<#i x i32>\n    store %K, %k, %i\n" TAIL,
             args, TG_INTERP_IDEAL);
    cr_assert_float_eq(bound[0], 2.0, 1e-9);
    cr_assert(bound[1] == 0 && bound[2] == 0 && value[1] == 1 && value[2] == 1);
    cr_assert(isinf(open[0]) && open[1] == 0 && open[2] == 0);
}

/* A product that overflows in some order of its factors is open; one part of a sum of complex numbers keeps its bound where the other is infinite. */
Test(interp_structure, uncertain_reductions) {
    float in[2 * 4] = {1e30f, 0.1f, 1e30f, 1e-30f, 3, 0.1f, 5, 7}, out[2];
    double value[4], bound[2];
    tg_interp_arg args[2] = {matrix_arg(TG_F32, in, 2, 4), vector_arg(TG_F32, out, 2)};
    args[1].tensor.value = value;
    args[1].tensor.bound = bound;
    run_text(HEAD("in %X: tensor<2 x f32>, out %Y: tensor<1 x f32>", "") "    %x = load %X, %i, %j : " F32IJ
                  "\n    %r = reduce %x {over=(#j), fn=mul} : tile<#i x f32>\n    store %Y, %r, %i\n" TAIL,
             args, TG_INTERP_IDEAL);
    cr_expect(isinf(bound[0]) && bound[1] > 0 && bound[1] < 1e-4, "%g %g", bound[0], bound[1]);

    float parts[2 * 2 * 2] = {1.1f, INFINITY, 0.7f, 1, INFINITY, 0.3f, 1, 0.9f}, sums[4];
    tg_interp_arg complex_args[2] = {matrix_arg(TG_C32, parts, 2, 2), vector_arg(TG_C32, sums, 2)};
    complex_args[1].tensor.value = value;
    complex_args[1].tensor.bound = bound;
    run_text(HEAD("in %X: tensor<2 x c32>, out %Y: tensor<1 x c32>", "") "    %x = load %X, %i, %j : tile<#i, #j x c32>\n"
                  "    %two = add %x, %x : tile<#i, #j x c32>\n"
                  "    %r = reduce %two {over=(#j), fn=add} : tile<#i x c32>\n    store %Y, %r, %i\n" TAIL,
             complex_args, TG_INTERP_IDEAL);
    for (int i = 0; i < 2; i++) {
        cr_expect(bound[i] > 1e-8 && bound[i] < 1e-5, "%d: %g", i, bound[i]);
    }
    cr_expect(isinf(value[1]) && isinf(value[2]));
}

/* The sum s of the first row may overflow, so it is open; so is what it and an infinite value are combined to. The product p that a loop
 * carries overflows if its later factors come first; that of the second row does not. */
Test(interp_structure, uncertain_values_in_reductions) {
    float in[2 * 2] = {3e38f, 1e38f, 2, 3}, out[4 * 2], start = 1e-3f;
    double value[8], bound[8];
    tg_interp_arg args[3] = {matrix_arg(TG_F32, in, 2, 2), matrix_arg(TG_F32, out, 4, 2), {.scalar = {TG_F32, 0, start, 0}}};
    args[1].tensor.value = value;
    args[1].tensor.bound = bound;
    run_text(HEAD("in %X: tensor<2 x f32>, out %Y: tensor<2 x f32>, scalar %start: f32", ", #k local extent=2, #l loop extent=2 block=1")
             "    %x = load %X, %i, %j : " F32IJ "\n    %s = reduce %x {over=(#j), fn=add} : tile<#i x f32>\n"
             "    %two = const {value=2} : i64\n    axis %two, %z, %two {axis=#k}\n    %k = iota {axis=#k} : tile<#k x i64>\n"
             "    %first = cmp %k, %z {pred=eq} : tile<#k x bool>\n    %inf = const {value=inf} : f32\n"
             "    %b = select %first, %s, %inf : tile<#i, #k x f32>\n"
             "    %m = reduce %b {over=(#k), fn=max} : tile<#i x f32>\n    store %Y, %m, %z, %i\n"
             "    %a = reduce %b {over=(#k), fn=add} : tile<#i x f32>\n    %o1 = const {value=1} : i64\n    store %Y, %a, %o1, %i\n"
             "    %d = dot %b, %b {over=(#k)} : tile<#i x f32>\n    store %Y, %d, %two, %i\n"
             "    %c0 = broadcast %start : tile<#i x f32>\n"
             "    %p = for %two, %z, %two, %c0 {axis=#l} (%c: tile<#i x f32>) {\n      %l = iota {axis=#l} : tile<#l x i64>\n"
             "      %f = load %X, %i, %l : tile<#i, #l x f32>\n      %g = reduce %f {over=(#l), fn=mul} : tile<#i x f32>\n"
             "      %h = mul %c, %g : tile<#i x f32>\n      yield %h\n    } : tile<#i x f32>\n"
             "    %t = const {value=1e-9} : f32\n    %q = mul %p, %t : tile<#i x f32>\n"
             "    %o3 = const {value=3} : i64\n    store %Y, %q, %o3, %i\n" TAIL,
             args, TG_INTERP_IDEAL);
    for (int row = 0; row < 4; row++) {
        cr_expect(isinf(bound[2 * row]), "%d: %g", row, bound[2 * row]);
        cr_expect(bound[2 * row + 1] < 1e-6, "%d: %g", row, bound[2 * row + 1]);
    }
}

/* exp(-110) of f16 is zero, or the least number in a result that is not rounded: times infinity NaN or infinite. exp(0) is neither. */
Test(interp_structure, uncertain_products_of_infinity) {
    float in[2] = {-110, 0}, out[3 * 2];
    double value[6], bound[6];
    tg_interp_arg args[2] = {matrix_arg(TG_F32, in, 2, 1), matrix_arg(TG_F32, out, 3, 2)};
    args[1].tensor.value = value;
    args[1].tensor.bound = bound;
    run_text(HEAD("in %X: tensor<2 x f32>, out %Y: tensor<2 x f32>", ", #k local extent=2")
             "    %x = load %X, %i, %z : tile<#i x f32>\n    %h = cast %x : tile<#i x f16>\n    %e = exp %h : tile<#i x f16>\n"
             "    %inf = const {value=inf} : f16\n    %p = mul %inf, %e : tile<#i x f16>\n    %one = const {value=1.0} : f16\n"
             "    %q = fma %e, %inf, %one : tile<#i x f16>\n"
             "    %two = const {value=2} : i64\n    axis %two, %z, %two {axis=#k}\n    %k = iota {axis=#k} : tile<#k x i64>\n"
             "    %first = cmp %k, %z {pred=eq} : tile<#k x bool>\n    %b = select %first, %inf, %one : tile<#k x f16>\n"
             "    %ek = broadcast %e : tile<#i, #k x f16>\n    %d = dot %ek, %b {over=(#k)} : tile<#i x f32>\n"
             "    %p32 = cast %p : tile<#i x f32>\n    store %Y, %p32, %z, %i\n    %q32 = cast %q : tile<#i x f32>\n"
             "    %o1 = const {value=1} : i64\n    store %Y, %q32, %o1, %i\n    store %Y, %d, %two, %i\n" TAIL,
             args, TG_INTERP_IDEAL);
    for (int row = 0; row < 3; row++) {
        cr_expect(isinf(bound[2 * row]), "%d: %g", row, bound[2 * row]);
        cr_expect(bound[2 * row + 1] == 0 && isinf(value[2 * row + 1]), "%d: %g", row, bound[2 * row + 1]);
    }
}

/* A loop adds 2e38, 2e38 and -inf: in this order the first two overflow, and the sum is a NaN; in others it is -inf. That of the second row is not in doubt, nor
 * is that of the third, which has a NaN. */
Test(interp_structure, uncertain_sums_of_loops) {
    float in[3 * 3] = {2e38f, 2e38f, -INFINITY, 1, 2, 3, 2e38f, NAN, 3}, out[3];
    double value[3], bound[3];
    tg_interp_arg args[2] = {matrix_arg(TG_F32, in, 3, 3), vector_arg(TG_F32, out, 3)};
    args[1].tensor.value = value;
    args[1].tensor.bound = bound;
    run_text(HEAD("in %X: tensor<2 x f32>, out %Y: tensor<1 x f32>", ", #l loop extent=3 block=1")
             "    %three = const {value=3} : i64\n    %zero = const {value=0.0} : f32\n    %c0 = broadcast %zero : tile<#i x f32>\n"
             "    %s = for %three, %z, %three, %c0 {axis=#l} (%c: tile<#i x f32>) {\n      %l = iota {axis=#l} : tile<#l x i64>\n"
             "      %f = load %X, %i, %l : tile<#i, #l x f32>\n      %g = reduce %f {over=(#l), fn=add} : tile<#i x f32>\n"
             "      %h = add %c, %g : tile<#i x f32>\n      yield %h\n    } : tile<#i x f32>\n"
             "    store %Y, %s, %i\n" TAIL,
             args, TG_INTERP_IDEAL);
    cr_expect(isinf(bound[0]), "%g", bound[0]);
    cr_expect(bound[1] < 1e-5 && value[1] == 6, "%g", bound[1]);
    cr_expect(bound[2] == 0 && isnan(value[2]), "%g", bound[2]);
}

/* (inf + 1e30 i) (1e30 + 1e30 i): the real part is inf - 1e60, which is a NaN where products are f32. With ones it is infinite. */
Test(interp_structure, uncertain_complex_products) {
    float in[2 * 2 * 2] = {INFINITY, 1e30f, 1e30f, 1e30f, INFINITY, 1, 1, 1}, out[2 * 2];
    double value[4], bound[2];
    tg_interp_arg args[2] = {matrix_arg(TG_C32, in, 2, 2), vector_arg(TG_C32, out, 2)};
    args[1].tensor.value = value;
    args[1].tensor.bound = bound;
    run_text(HEAD("in %X: tensor<2 x c32>, out %Y: tensor<1 x c32>", "") "    %one = const {value=1} : i64\n"
                  "    %x = load %X, %i, %z : tile<#i x c32>\n    %y = load %X, %i, %one : tile<#i x c32>\n"
                  "    %p = mul %x, %y : tile<#i x c32>\n    store %Y, %p, %i\n" TAIL,
             args, TG_INTERP_IDEAL);
    cr_expect(isinf(bound[0]) && bound[1] == 0, "%g %g", bound[0], bound[1]);
    cr_expect(isinf(value[2]));
}
