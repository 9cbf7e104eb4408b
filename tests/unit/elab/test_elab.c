/* What constructs become: structure of the IR, folding, contraction, control flow, functions,
 * modules. */
#include "base/io.h"
#include "tests/unit/elab/load.h"

#include <criterion/criterion.h>
#include <string.h>

static tg_func *one(loaded *l, const char *text) {
    load_text(l, "test.dsl", text);
    cr_assert_eq(l->diags.n_errors, 0, "%s", rendered(l));
    tg_func *f = instantiate(l, "k", NULL, NULL, NULL);
    cr_assert_not_null(f, "%s", rendered(l));
    return f;
}

/* Numbers of operations in kernel `k` of a module. */
static void expect_ops(const char *text, const tg_opcode *ops, const unsigned *counts,
                       unsigned n) {
    loaded l;
    tg_func *f = one(&l, text);
    for (unsigned i = 0; i < n; i++) {
        cr_expect_eq(count_ops(f, ops[i]), counts[i], "%s: %u, expected %u in\n%s\n%s",
                     tg_op_info_of(ops[i])->mnemonic, count_ops(f, ops[i]), counts[i], text,
                     printed(&l, f));
    }
    unload(&l);
}

#define EXPECT(text, ...)                                                                      \
    do {                                                                                       \
        const struct {                                                                         \
            tg_opcode op;                                                                      \
            unsigned n;                                                                        \
        } rows[] = {__VA_ARGS__};                                                              \
        tg_opcode ops[8];                                                                      \
        unsigned counts[8];                                                                    \
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {                            \
            ops[i] = rows[i].op;                                                               \
            counts[i] = rows[i].n;                                                             \
        }                                                                                      \
        expect_ops(text, ops, counts, sizeof rows / sizeof *rows);                             \
    } while (0)

#define POINTWISE(e)                                                                           \
    "kernel k(in f32 X[N], in f32 Y[N], out f32 Z[N]) { grid (i in N) { let x = X[i], y = "    \
    "Y[i]; Z[i] = " e "; } }"

Test(elab, contraction_follows_the_source) {
    EXPECT(POINTWISE("x * y + x"), {TG_OP_FMA, 1}, {TG_OP_MUL, 0}, {TG_OP_ADD, 0});
    EXPECT(POINTWISE("(x * y) + x"), {TG_OP_FMA, 0}, {TG_OP_MUL, 1}, {TG_OP_ADD, 1});
    EXPECT(POINTWISE("x + x * y"), {TG_OP_FMA, 1}, {TG_OP_NEG, 0});
    EXPECT(POINTWISE("x - x * y"), {TG_OP_FMA, 1}, {TG_OP_NEG, 1});
    EXPECT(POINTWISE("x * y - x"), {TG_OP_FMA, 1}, {TG_OP_NEG, 1});
    EXPECT(POINTWISE("x * y + y * x"), {TG_OP_FMA, 1}, {TG_OP_MUL, 1});
    EXPECT(POINTWISE("x * y * x + y"), {TG_OP_FMA, 1}, {TG_OP_MUL, 1});
    EXPECT(POINTWISE("2 * 3 + x"), {TG_OP_FMA, 0}, {TG_OP_MUL, 0}, {TG_OP_ADD, 1});
    EXPECT("kernel k(in f32 X[N], inout f32 Y[N]) { grid (i in N) Y[i] += X[i] * X[i]; }",
           {TG_OP_FMA, 1}, {TG_OP_LOAD, 3});
    EXPECT("kernel k(in f32 X[N], inout f32 Y[N]) { grid (i in N) Y[i] += (X[i] * X[i]); }",
           {TG_OP_FMA, 0}, {TG_OP_MUL, 1});
    EXPECT("kernel k(in bf16 X[N], in f32 Y[N], out f32 Z[N]) { grid (i in N) Z[i] = X[i] * "
           "X[i] + Y[i]; }",
           {TG_OP_FMA, 0}, {TG_OP_MUL, 1});
    EXPECT("kernel k(in i32 X[N], out i32 Z[N]) { grid (i in N) Z[i] = X[i] * X[i] + X[i]; }",
           {TG_OP_FMA, 0}, {TG_OP_MUL, 1});
}

/* static_assert sees exact constants. */
Test(elab, constants_fold_exactly) {
    loaded l;
    load_text(
        &l, "test.dsl",
        "const int A = -7 / 2; const int B = -7 % 2; const u8 C = 255; const f32 D = 0.1;\n"
        "static_assert(A == -4 && B == 1); static_assert(tdiv(-7, 2) == -3 && trem(-7, 2) == "
        "-1);\n"
        "static_assert(C + u8(1) == 0); static_assert(i8(200) == -56); static_assert(u8(3.9) "
        "== 3 && i32(-3.9) == -3);\n"
        "static_assert(1 << 40 == 1099511627776); static_assert(i32(1) << 40 == 0); "
        "static_assert(i32(-1) >> 40 == -1);\n"
        "static_assert(7 / 0 == 0 && 7 % 0 == 7); static_assert(18446744073709551615 == "
        "u64(-1));\n"
        "static_assert(f64(D) != 0.1 && f32(0.1) == D); static_assert(ceil_div(7, 2) == 4 && "
        "ceil_div(-7, 2) == -3);\n"
        "static_assert(is_pow2(64) && !is_pow2(0) && ctz(8) == 3 && popc(255) == 8 && "
        "clz(u8(1)) == 7 && gcd(12, 18) == 6);\n"
        "static_assert(max(2, 3) == 3 && min(2.5, 3) == 2.5 && abs(-3) == 3 && clamp(9, 0, 5) "
        "== 5);\n"
        "static_assert(sqrt(2.0) * sqrt(2.0) > 1.99); static_assert(inf > 1e300 && !(nan == "
        "nan));\n"
        "static_assert((true ? 1 : 2) == 1 && (false || true)); static_assert(6 & 3 == 2 && 6 "
        "^ 3 == 5 && ~0 == -1);\n");
    cr_expect_eq(l.diags.n_errors, 0, "%s", rendered(&l));
    unload(&l);
    load_text(&l, "test.dsl", "static_assert(1 > 2, \"no\");");
    cr_expect_eq(l.diags.n_errors, 1);
    unload(&l);
}

Test(elab, control_flow_becomes_regions) {
    EXPECT("kernel k(in f32 X[N], out f32 Y[N], int n) { grid (i in N) { f32 y[i] = 0; if (n > "
           "0) y = X[i]; else y = 1; Y[i] = y; } }",
           {TG_OP_IF, 1}, {TG_OP_STORE, 1});
    EXPECT("kernel k(in f32 X[N], out f32 Y[N], int n) { grid (i in N) { f32 y[i] = 0; for "
           "(int t = 0; t < n; t += 1) y += X[i]; "
           "Y[i] = y; } }",
           {TG_OP_WHILE, 1}, {TG_OP_FOR, 0});
    EXPECT("kernel k(in f32 X[N], out f32 Y[N]) { grid (i in N) { f32 y[i] = 0; unroll for "
           "(int t = 0; t < 5; t += 1) y += X[i + t]; "
           "Y[i] = y; } }",
           {TG_OP_WHILE, 0}, {TG_OP_LOAD, 5});
    EXPECT("kernel k(in f32 X[N], out f32 Y[N]) { grid (i in N) { f32 y[i] = 0; unroll for "
           "(each t in 4) y += X[i + t]; Y[i] = y; } }",
           {TG_OP_FOR, 0}, {TG_OP_LOAD, 4});
    EXPECT("kernel k(in f32 X[N], out f32 Y[1]) { grid { f32 y = 0; for (each t in N) { if "
           "(X[t] < 0) break; y += X[t]; } Y[0] = y; } }",
           {TG_OP_FOR, 1}, {TG_OP_IF, 3});
    EXPECT("kernel k(in f32 X[N], out f32 Y[1]) { grid { f32 y = 0; for (each t in N) { if "
           "(X[t] < 0) continue; y += X[t]; } "
           "Y[0] = y; } }",
           {TG_OP_FOR, 1}, {TG_OP_IF, 2});
    EXPECT("kernel k(in f32 X[N], out f32 Y[N], int n) { grid (i in N) { if (n < 0) return; "
           "Y[i] = X[i]; } }",
           {TG_OP_IF, 2}, {TG_OP_STORE, 1});
    EXPECT("kernel k(in f32 X[N], out f32 Y[N], const bool on) { grid (i in N) { if (on) Y[i] "
           "= X[i]; else Y[i] = 0; } }",
           {TG_OP_IF, 0}, {TG_OP_STORE, 1});
    EXPECT("kernel k(in f32 X[N], out f32 Y[N], const bool on) { grid (i in N) if const (!on) "
           "Y[i] = 1 + true; else Y[i] = X[i]; }",
           {TG_OP_IF, 0}, {TG_OP_STORE, 1});
}

Test(elab, functions_are_inlined_or_mapped) {
    EXPECT("fn f(f32 x, f32 y) -> f32 = x > y ? x : y * y; kernel k(in f32 X[M], in f32 Y[N], "
           "out f32 Z[M, N]) "
           "{ grid (m in M, n in N) Z[m, n] = f(X[m], Y[n]); }",
           {TG_OP_MAP, 0}, {TG_OP_SELECT, 1});
    EXPECT("fn f(f32 x) -> f32 { if (x < 0) return 0; f32 y = x; while (y > 1) y *= 0.5; "
           "return y; } "
           "kernel k(in f32 X[N], out f32 Z[N]) { grid (i in N) Z[i] = f(X[i]); }",
           {TG_OP_MAP, 1}, {TG_OP_WHILE, 1});
    EXPECT("fn f(f32 x) -> f32 { if (x < 0) return 0; f32 y = x; while (y > 1) y *= 0.5; "
           "return y; } "
           "kernel k(in f32 X[N], out f32 Z[N]) { grid (each i in N) Z[i] = f(X[i]); }",
           {TG_OP_MAP, 0}, {TG_OP_WHILE, 1});
    EXPECT("fn f(f32 x, const int n) -> f32 { f32 y = x; unroll for (int t = 0; t < n; t += 1) "
           "y = y * y; return y; } "
           "kernel k(in f32 X[N], out f32 Z[N]) { grid (i in N) Z[i] = f(X[i], 3); }",
           {TG_OP_MAP, 0}, {TG_OP_MUL, 3});
    EXPECT("fn twice(f32 x, fn g) -> f32 = g(g(x)); fn inc(f32 x) -> f32 = x + 1; "
           "kernel k(in f32 X[N], out f32 Z[N]) { grid (i in N) Z[i] = twice(X[i], inc) + "
           "twice(X[i], exp); }",
           {TG_OP_ADD, 3}, {TG_OP_EXP, 2});
    EXPECT("fn pick(in f32 T[N], int n) -> f32 { int t = n; while (T[t] < 0) t += 1; return "
           "T[t]; } "
           "kernel k(in f32 T[M], out f32 Z[N]) { grid (i in N) Z[i] = pick(T, i); }",
           {TG_OP_MAP, 1}, {TG_OP_LOAD, 2});
    EXPECT("fn center(f32 x[j], axis j) -> f32[j] = x - mean(x, j); kernel k(in f32 X[M, N], "
           "out f32 Z[M, N]) "
           "{ grid (m in M) { axis n in N; Z[m, n] = center(X[m, n], n); } }",
           {TG_OP_REDUCE, 1}, {TG_OP_AXIS_SIZE, 1});
}

Test(elab, axes_and_indices) {
    EXPECT("kernel k(in f32 X[N, 4], out f32 Y[N, 4]) { grid (i in N) { axis c in 4, d in 4; "
           "f32 x[i, c] = X[i, c]; "
           "x[c = 3 - c] = x; Y[i, d] = x[c = d] else 7; } }",
           {TG_OP_REINDEX_SET, 1}, {TG_OP_REINDEX, 1}, {TG_OP_AXIS, 2});
    EXPECT("kernel k(in f32 X[N], out f32 Y[N]) { grid (i in N) { axis c in 3; f32 w[c] = {1, "
           "2, 4}; "
           "Y[i] = sum(w * X[i + c], c); } }",
           {TG_OP_SELECT, 2}, {TG_OP_REDUCE, 1});
    EXPECT("kernel k(in f32 X[N], out f32 Y[N]) { grid (i in N) { axis u in i; Y[i] = "
           "sum(X[u], u) + f32(i.first + i.last); } }",
           {TG_OP_AXIS_FIRST, 3}, {TG_OP_AXIS_SIZE, 2});
    EXPECT("kernel k(out i32 Y[N]) { grid (i in N) { axis j in 8; let m = max(i, (j)); Y[i] = "
           "i32(sum(m, j)); } }",
           {TG_OP_MAX, 1}, {TG_OP_REDUCE, 1});
    EXPECT("kernel k(in f32 X[N, 8], out f32 Y[N]) { grid (i in N) { axis j in 8; Y[i] = "
           "max(X[i, j], j) + max(X[i, 0], f32(i)); } }",
           {TG_OP_MAX, 1}, {TG_OP_REDUCE, 1});
}

Test(elab, optional_parameters_are_constants) {
    const char *text = "kernel k(in f32 X[N], in? f32 B[N], out f32 Y[N]) { grid (i in N) { "
                       "f32 y[i] = X[i]; if (B) y += B[i]; "
                       "Y[i] = B ? y * B[i] : y; } }";
    loaded l;
    load_text(&l, "test.dsl", text);
    cr_assert_eq(l.diags.n_errors, 0, "%s", rendered(&l));
    bool present[] = {true, false, true};
    tg_func *with = instantiate(&l, "k", NULL, NULL, NULL),
            *without = instantiate(&l, "k", NULL, NULL, present);
    cr_assert(with && without, "%s", rendered(&l));
    cr_expect_eq(count_ops(with, TG_OP_LOAD), 3);
    cr_expect_eq(count_ops(without, TG_OP_LOAD), 1);
    cr_expect(without->params[1].absent && !without->params[1].value);
    unload(&l);
}

Test(elab, optional_parameters_may_be_tested_in_many_ways) {
    EXPECT(
        "kernel k(in f32 X[N], in? f32 B[N], out f32 Y[N], int n) { grid (i in N) { f32 y[i] = "
        "X[i]; if (!B) y = 0; else { y += B ? B[i] "
        ": 0; y += B[i]; } if (B && n > 0) y += B[i]; Y[i] = !B || n < 0 ? y : y * B[i]; } }",
        {TG_OP_LOAD, 5}, {TG_OP_IF, 1});
}

Test(elab, launch_level) {
    EXPECT("kernel k(in f32 X[N], out f32 Y[N] = 1, int n) { temp f32 t[N, 2], u[N] = 0; let h "
           "= N / 2; "
           "for (each s in n) { a: grid (i in h) t[i, 0] = X[i] * f32(s); if (n > 3) { grid (i "
           "in N) u[i] = X[i]; } } "
           "grid (i in N) Y[i] = t[i, 0] + u[i]; }",
           {TG_OP_PHASE, 3}, {TG_OP_TEMP, 2}, {TG_OP_FILL, 2}, {TG_OP_FOR, 1}, {TG_OP_IF, 1},
           {TG_OP_PAR, 3});
}

Test(elab, effects_and_random_numbers) {
    EXPECT("kernel k(in f32 X[N], inout i32 C[4], out f32 Y[N]) { grid (i in N) { "
           "atomic(acq_rel, system) C[0] += 1; "
           "let old = atomic_max(C[1], 3, order = acquire); let o2 = atomic_cas(C[2], 0, 1); "
           "print(\"x={} {:.3f}\", i, X[i]); "
           "Y[i] = rand(7, i) + randn(7, i) + f32(old + o2); } }",
           {TG_OP_ATOMIC, 2}, {TG_OP_CAS, 1}, {TG_OP_PRINT, 1}, {TG_OP_PHILOX, 2});
}

Test(elab, masked_functions_with_axes) {
    EXPECT("fn f(f32 x[j], axis j) -> f32 { f32 s = sum(x, j); while (s > 1) s *= 0.5; if (s < "
           "0) return 0; return s; } "
           "kernel k(in f32 X[M, N], out f32 Y[M]) { grid (m in M) { axis n in N; Y[m] = "
           "f(X[m, n], n); } }",
           {TG_OP_MAP, 0}, {TG_OP_WHILE, 1}, {TG_OP_REDUCE, 2});
}

/* Each built-in elaborates to IR that verifies, for f32 and f64 (integers where it takes
 * them). */
Test(elab, every_builtin) {
    static const char *const floats[] = {"abs(x)",
                                         "sign(x)",
                                         "floor(x)",
                                         "ceil(x)",
                                         "round(x)",
                                         "trunc(x)",
                                         "fract(x)",
                                         "min(x, y)",
                                         "max(x, y)",
                                         "minnum(x, y)",
                                         "maxnum(x, y)",
                                         "clamp(x, 0, 1)",
                                         "fma(x, y, x)",
                                         "sqrt(x)",
                                         "rcp(x)",
                                         "rsqrt(x)",
                                         "cbrt(x)",
                                         "exp(x)",
                                         "exp2(x)",
                                         "expm1(x)",
                                         "log(x)",
                                         "log2(x)",
                                         "log10(x)",
                                         "log1p(x)",
                                         "sin(x)",
                                         "cos(x)",
                                         "sincos(x).0",
                                         "tan(x)",
                                         "asin(x)",
                                         "acos(x)",
                                         "atan(x)",
                                         "atan2(x, y)",
                                         "sinpi(x)",
                                         "cospi(x)",
                                         "sinh(x)",
                                         "cosh(x)",
                                         "tanh(x)",
                                         "asinh(x)",
                                         "acosh(x)",
                                         "atanh(x)",
                                         "erf(x)",
                                         "erfc(x)",
                                         "lgamma(x)",
                                         "pow(x, y)",
                                         "pow(x, 3)",
                                         "pow(x, i)",
                                         "fmod(x, y)",
                                         "exp_sub(x, y)",
                                         "exp2_sub(x, y)",
                                         "sigmoid(x)",
                                         "softplus(x)",
                                         "logaddexp(x, y)",
                                         "T(isnan(x))",
                                         "T(isinf(x))",
                                         "T(isfinite(x))",
                                         "T(signbit(x))",
                                         "copysign(x, y)",
                                         "nextafter(x, y)",
                                         "re(complex(x, y))",
                                         "im(conj(complex(x, y)))",
                                         "arg(cis(x))",
                                         "abs(cispi(x))",
                                         "widen(x)",
                                         "stop(x)",
                                         "sum(X[j], j)",
                                         "prod(X[j], j)",
                                         "mean(X[j], j)",
                                         "min(X[j], j)",
                                         "max(X[j], j)",
                                         "T(argmin(X[j], j))",
                                         "T(argmax(X[j], j))",
                                         "T(any(X[j] > 0, j))",
                                         "T(all(X[j] > 0, j))",
                                         "T(count(X[j] > 0, j))",
                                         "sum(cumsum(X[j], j), j)",
                                         "sum(cumprod(X[j], j, exclusive = true), j)",
                                         "sum(cummin(X[j], j, reverse = true), j)",
                                         "sum(cummax(X[j], j), j)",
                                         "dot(X[j], Y[j], j)",
                                         "sum(sort(X[j], j), j)",
                                         "T(sum(argsort(X[j], j, descending = true), j))",
                                         "sum(sort_index(X[j], j).0, j)",
                                         "sum(topk(X[j], j, c).0, c)",
                                         "T(sum(histogram(i64(X[j]), j, c), c))",
                                         "T(rand(1, i))",
                                         "T(randn(1, i))",
                                         "T(philox(1, i).3)",
                                         "T(sizeof(T))",
                                         "reduce(X[j], j, max, -inf)",
                                         "sum(scan(X[j], j, min, inf), j)"};
    static const char *const integers[] = {"tdiv(x, y)",
                                           "trem(x, y)",
                                           "ceil_div(x, y)",
                                           "ceil_div(x, 3)",
                                           "gcd(x, y)",
                                           "popc(x)",
                                           "clz(x)",
                                           "ctz(x)",
                                           "brev(x)",
                                           "rotl(x, 3)",
                                           "mulhi(x, y)",
                                           "T(is_pow2(x))",
                                           "abs(x)",
                                           "sign(x)",
                                           "min(x, 3)",
                                           "x << 3 >> y",
                                           "x & y | ~x ^ 5",
                                           "x % y / 7",
                                           "T(byte_perm(u32(x), u32(y), 1))",
                                           "bitcast(T, x)",
                                           "T(u8(x) + 1)",
                                           "-x",
                                           "x != y ? x : 0"};
    char text[512];
    for (size_t i = 0; i < sizeof floats / sizeof *floats + sizeof integers / sizeof *integers;
         i++) {
        bool whole = i >= sizeof floats / sizeof *floats;
        const char *e = whole ? integers[i - sizeof floats / sizeof *floats] : floats[i];
        tg_format(text, sizeof text,
                  "kernel k<T: %s>(in T X[N], in T Y[N], out T Z[N]) { grid (i in N) { axis j "
                  "in N, c in 4; let x = X[i], y = Y[i]; "
                  "Z[i] = %s; } }",
                  whole ? "i32 | i64 | u32 | u64" : "f32 | f64", e);
        loaded l;
        load_text(&l, "test.dsl", text);
        cr_expect_eq(l.diags.n_errors, 0, "%s", rendered(&l));
        if (l.diags.n_errors == 0) {
            instantiate_all(&l);
        }
        unload(&l);
    }
}
