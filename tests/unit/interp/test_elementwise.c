/* Every elementwise operation on every dtype it takes, against the scalar definitions of dsl/ir/scalar_eval.h (EXACT, bit for bit) and
 * against the C library (elementary functions); and IDEAL bounds against perturbed operands. */
#include "dsl/ir/scalar_eval.h"
#include "tests/unit/interp/interp_fixture.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { N = 700 }; /* more than one chunk */

static const tg_dtype all_types[] = {TG_BOOL, TG_I8,  TG_U8,  TG_I16, TG_U16,
                                     TG_I32,  TG_U32, TG_I64, TG_U64, TG_BF16,
                                     TG_F16,  TG_F32, TG_F64, TG_C32, TG_C64};
enum { N_TYPES = sizeof all_types / sizeof all_types[0] };

static tg_scalar sample(tg_dtype t, uint64_t *state) {
    static const double special[] = {0,        -0.0,      1,   -1,    0.5,  1.5,   2.5,  -3.5,
                                     INFINITY, -INFINITY, NAN, 1e-42, 6e-8, 65504, 3e38, 1e300};
    static const int64_t ints[] = {0,    1,         -1,        2,         7,        8,
                                   31,   32,        63,        64,        127,      128,
                                   -128, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
    double r = random_unit(state), pick = random_unit(state);
    tg_scalar s = {.dtype = t};
    if (tg_dtype_is_int(t) || t == TG_BOOL) {
        int64_t v = pick < 0 ? ints[(size_t)((r + 1) * 8.49)]
                             : (int64_t)(r * (pick < 0.5 ? 100 : 9e18));
        s.i = tg_int_wrap(t, v);
        return s;
    }
    double scale = pick < -0.5 ? 1 : pick < 0 ? 100 : pick < 0.3 ? 1e-3 : 10;
    s.f = tg_round_to(tg_dtype_real(t),
                      pick > 0.7 ? special[(size_t)((r + 1) * 7.99)] : r * scale);
    if (tg_dtype_kind_of(t) == TG_KIND_COMPLEX) {
        s.g = tg_round_to(tg_dtype_real(t), random_unit(state) * 3);
    }
    return s;
}

typedef struct pointwise {
    tg_opcode op;
    tg_enum pred;
    uint32_t n;
    tg_dtype in[3], out;
} pointwise;

typedef struct pointwise_data {
    unsigned char in[3][N * 16], out[N * 16];
    double value[2 * N], bound[N];
} pointwise_data;
static pointwise_data data;

static tg_func *pointwise_func(tg_arena *arena, const pointwise *p) {
    tg_interner *names = tg_interner_create(arena);
    tg_func *f = tg_func_create(arena, names, tg_intern_cstr(names, "f"));
    tg_value *x[3], *y;
    for (uint32_t k = 0; k < p->n; k++) {
        x[k] = tg_func_add_param(f, (tg_fparam){.name = tg_intern_cstr(names, "x"),
                                                .kind = TG_FP_IN,
                                                .dtype = p->in[k],
                                                .rank = 1});
    }
    y = tg_func_add_param(f, (tg_fparam){.name = tg_intern_cstr(names, "y"),
                                         .kind = TG_FP_OUT,
                                         .dtype = p->out,
                                         .rank = 1});
    tg_axis *axis =
        tg_func_add_axis(f, TG_AXIS_LOCAL, tg_intern_cstr(names, "i"), (tg_span){0});
    tg_builder b = {.func = f, .block = &f->body.body};
    tg_op *phase = tg_build_op(&b, TG_OP_PHASE, NULL, 0, NULL, 0, NULL, 0);
    b.block = &phase->regions[0].body;
    tg_value *domain[3] = {tg_build_dim(&b, y, 0), tg_build_int(&b, TG_I64, 0), NULL};
    domain[2] = domain[0];
    tg_attr attr = tg_attr_axis(arena, TG_ATTR_AXIS, axis);
    tg_build_op(&b, TG_OP_AXIS, domain, 3, NULL, 0, &attr, 1);
    tg_value *i = tg_build_iota(&b, axis), *v[3];
    for (uint32_t k = 0; k < p->n; k++) {
        v[k] = tg_build_load(&b, x[k], &i, 1, NULL);
    }
    tg_attr pred = tg_attr_enum(TG_ATTR_PRED, p->pred);
    const tg_type *type = tg_type_tile(f, p->out, &axis, 1);
    tg_op *op = tg_build_op(&b, p->op, v, p->n, &type, 1, &pred, p->op == TG_OP_CMP);
    tg_build_store(&b, y, tg_result(op, 0), &i, 1, NULL);
    return f;
}

static void pointwise_run(const pointwise *p, tg_interp_mode mode) {
    tg_unwind u;
    tg_arena *arena = tg_arena_create(&tg_allocator_default, &u);
    if (TG_PROTECT(&u)) {
        cr_assert_fail("out of memory");
    }
    tg_func *f = pointwise_func(arena, p);
    const char *broken = tg_ir_verify(f, arena);
    cr_assert(!broken, "%s", broken ? broken : "");
    tg_interp_arg args[4];
    for (uint32_t k = 0; k < p->n; k++) {
        args[k] = vector_arg(p->in[k], data.in[k], N);
    }
    args[p->n] = vector_arg(p->out, data.out, N);
    args[p->n].tensor.value = data.value;
    args[p->n].tensor.bound = data.bound;
    tg_interp_options o = {.mode = mode};
    char message[100];
    tg_status s = tg_interp_run(f, args, &o, NULL, message, sizeof message);
    cr_assert_eq(s, TG_OK, "%s: %s", tg_op_info_of(p->op)->mnemonic, message);
    tg_arena_destroy(arena);
}

static bool same(tg_scalar a, tg_scalar b) {
    if (tg_dtype_is_int(a.dtype) || a.dtype == TG_BOOL) {
        return a.i == b.i;
    }
    bool f = (a.f != a.f && b.f != b.f) || a.f == b.f,
         g = (a.g != a.g && b.g != b.g) || a.g == b.g;
    return f && g;
}

static void fill_inputs(const pointwise *p, uint64_t seed) {
    for (uint32_t k = 0; k < p->n; k++) {
        for (int64_t i = 0; i < N; i++) {
            tg_scalar_store(sample(p->in[k], &seed), data.in[k], i);
        }
    }
}

/* Runs EXACT and compares with the scalar definition; false if that does not cover the operation. */
static bool check_exact(const pointwise *p) {
    tg_scalar in[3], expected;
    fill_inputs(p, 17 + (uint64_t)p->op);
    for (uint32_t k = 0; k < p->n; k++) {
        in[k] = tg_scalar_load(p->in[k], data.in[k], 0);
    }
    expected = (tg_scalar){.dtype = p->out};
    if (!tg_scalar_eval(p->op, p->pred, p->out, in, p->n, &expected) ||
        expected.dtype != p->out) {
        return false;
    }
    pointwise_run(p, TG_INTERP_EXACT);
    for (int64_t i = 0; i < N; i++) {
        for (uint32_t k = 0; k < p->n; k++) {
            in[k] = tg_scalar_load(p->in[k], data.in[k], i);
        }
        tg_scalar_eval(p->op, p->pred, p->out, in, p->n, &expected);
        tg_scalar got = tg_scalar_load(p->out, data.out, i);
        cr_assert(
            same(got, expected),
            "%s %s -> %s at %d: (%lld %a, %lld %a, %a): got %lld %a%+ai, expected %lld %a%+ai",
            tg_op_info_of(p->op)->mnemonic, tg_dtype_name(p->in[0]), tg_dtype_name(p->out),
            (int)i, (long long)in[0].i, in[0].f, (long long)in[1].i, in[1].f,
            p->n > 2 ? in[2].f : 0, (long long)got.i, got.f, got.g, (long long)expected.i,
            expected.f, expected.g);
    }
    return true;
}

static const struct {
    tg_opcode op;
    uint32_t n;
} arithmetic[] = {{TG_OP_ADD, 2},   {TG_OP_SUB, 2},      {TG_OP_MUL, 2},       {TG_OP_DIV, 2},
                  {TG_OP_REM, 2},   {TG_OP_TDIV, 2},     {TG_OP_TREM, 2},      {TG_OP_FMA, 3},
                  {TG_OP_NEG, 1},   {TG_OP_ABS, 1},      {TG_OP_SIGN, 1},      {TG_OP_MIN, 2},
                  {TG_OP_MAX, 2},   {TG_OP_MINNUM, 2},   {TG_OP_MAXNUM, 2},    {TG_OP_FMOD, 2},
                  {TG_OP_AND, 2},   {TG_OP_OR, 2},       {TG_OP_XOR, 2},       {TG_OP_NOT, 1},
                  {TG_OP_SHL, 2},   {TG_OP_SHR, 2},      {TG_OP_MULHI, 2},     {TG_OP_POPC, 1},
                  {TG_OP_CLZ, 1},   {TG_OP_CTZ, 1},      {TG_OP_BREV, 1},      {TG_OP_ROTL, 2},
                  {TG_OP_GCD, 2},   {TG_OP_FLOOR, 1},    {TG_OP_CEIL, 1},      {TG_OP_TRUNC, 1},
                  {TG_OP_ROUND, 1}, {TG_OP_COPYSIGN, 2}, {TG_OP_NEXTAFTER, 2}, {TG_OP_SQRT, 1},
                  {TG_OP_CONJ, 1}};

static bool takes(tg_opcode op, tg_dtype t) {
    char kind = tg_op_info_of(op)->operands[0];
    bool is_int = tg_dtype_is_int(t), is_complex = tg_dtype_kind_of(t) == TG_KIND_COMPLEX;
    bool any = op == TG_OP_AND || op == TG_OP_OR || op == TG_OP_XOR || op == TG_OP_NOT;
    if (t == TG_BOOL || any) {
        return any && (is_int || t == TG_BOOL);
    }
    if (is_complex) {
        return op == TG_OP_ADD || op == TG_OP_SUB || op == TG_OP_MUL || op == TG_OP_DIV ||
               op == TG_OP_NEG || op == TG_OP_CONJ;
    }
    return kind == 'n'   ? true
           : kind == 'i' ? is_int
           : kind == 'f' ? tg_dtype_is_float(t)
                         : false;
}

Test(interp_elementwise, arithmetic) {
    int checked = 0;
    for (size_t k = 0; k < sizeof arithmetic / sizeof arithmetic[0]; k++) {
        for (size_t j = 0; j < N_TYPES; j++) {
            tg_dtype t = all_types[j];
            pointwise p = {arithmetic[k].op, TG_ENUM_NONE, arithmetic[k].n, {t, t, t}, t};
            if (!takes(p.op, t)) {
                continue;
            }
            bool covered = check_exact(&p);
            cr_assert(covered, "%s %s has no scalar definition", tg_op_info_of(p.op)->mnemonic,
                      tg_dtype_name(t));
            checked++;
        }
    }
    cr_assert(checked > 200);
    pointwise perm = {TG_OP_BYTE_PERM, TG_ENUM_NONE, 3, {TG_U32, TG_U32, TG_U32}, TG_U32};
    cr_assert(check_exact(&perm));
}

Test(interp_elementwise, conversions) {
    static const tg_dtype storage[] = {TG_F8E4M3, TG_F8E5M2, TG_F8E8M0};
    for (size_t i = 0; i < N_TYPES; i++) {
        for (size_t j = 0; j < N_TYPES + 3; j++) {
            tg_dtype from = all_types[i],
                     to = j < N_TYPES ? all_types[j] : storage[j - N_TYPES];
            bool complex_from = tg_dtype_kind_of(from) == TG_KIND_COMPLEX,
                 complex_to = tg_dtype_kind_of(to) == TG_KIND_COMPLEX;
            if (from == to || to == TG_BOOL || (complex_from != complex_to) ||
                (j >= N_TYPES && !tg_dtype_is_float(from))) {
                continue;
            }
            pointwise p = {TG_OP_CAST, TG_ENUM_NONE, 1, {from}, to};
            check_exact(&p);
            pointwise bits = {TG_OP_BITCAST, TG_ENUM_NONE, 1, {from}, to};
            if (tg_dtype_bits(from) == tg_dtype_bits(to) && from != TG_BOOL && !complex_from &&
                j < N_TYPES) {
                cr_assert(check_exact(&bits));
            }
        }
        for (int pred = TG_EQ; pred <= TG_GE; pred++) {
            bool ordered = tg_dtype_kind_of(all_types[i]) != TG_KIND_COMPLEX;
            pointwise p = {TG_OP_CMP, (tg_enum)pred, 2, {all_types[i], all_types[i]}, TG_BOOL};
            if (ordered || pred <= TG_NE) {
                cr_assert(check_exact(&p));
            }
        }
        pointwise s = {
            TG_OP_SELECT, TG_ENUM_NONE, 3, {TG_BOOL, all_types[i], all_types[i]}, all_types[i]};
        cr_assert(check_exact(&s));
    }
    const tg_opcode tests[] = {TG_OP_ISNAN, TG_OP_ISINF, TG_OP_ISFINITE, TG_OP_SIGNBIT};
    for (size_t k = 0; k < 4; k++) {
        pointwise p = {tests[k], TG_ENUM_NONE, 1, {TG_F32}, TG_BOOL};
        cr_assert(check_exact(&p));
    }
    pointwise c = {TG_OP_CPLX, TG_ENUM_NONE, 2, {TG_F32, TG_F32}, TG_C32};
    pointwise re = {TG_OP_RE, TG_ENUM_NONE, 1, {TG_C64}, TG_F64},
              im = {TG_OP_IM, TG_ENUM_NONE, 1, {TG_C32}, TG_F32};
    cr_assert(check_exact(&c) && check_exact(&re) && check_exact(&im));
}

/* ---- elementary functions: EXACT is the correctly rounded value, or next to it where libm is not certain  */

static double rsqrt(double x) {
    return 1 / sqrt(x);
}
static double sinpi(double x) {
    return x == floor(x) ? 0 * x : sin(3.14159265358979323846 * fmod(x, 2));
}
static double cospi(double x) {
    return fabs(fmod(x, 1)) == 0.5 ? 0 : cos(3.14159265358979323846 * fmod(x, 2));
}
static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}
static double softplus(double x) {
    return x > 30 ? x + exp(-x) : log1p(exp(x));
}
static double exp_sub(double x, double y) {
    return x == -INFINITY && y == y ? 0 : exp((double)(float)(x - y));
}
static double exp2_sub(double x, double y) {
    return x == -INFINITY && y == y ? 0 : exp2((double)(float)(x - y));
}
static double logaddexp(double x, double y) {
    return fmax(x, y) + log1p(exp(-fabs(x - y)));
}

static const struct {
    tg_opcode op;
    double (*f1)(double);
    double (*f2)(double, double);
    double scale;
} math_rows[] = {{TG_OP_RSQRT, rsqrt, 0, 9},
                 {TG_OP_CBRT, cbrt, 0, 99},
                 {TG_OP_EXP, exp, 0, 90},
                 {TG_OP_EXP2, exp2, 0, 130},
                 {TG_OP_EXPM1, expm1, 0, 20},
                 {TG_OP_LOG, log, 0, 99},
                 {TG_OP_LOG2, log2, 0, 99},
                 {TG_OP_LOG10, log10, 0, 99},
                 {TG_OP_LOG1P, log1p, 0, 3},
                 {TG_OP_SIN, sin, 0, 1e6},
                 {TG_OP_COS, cos, 0, 1e6},
                 {TG_OP_TAN, tan, 0, 50},
                 {TG_OP_SINPI, sinpi, 0, 9},
                 {TG_OP_COSPI, cospi, 0, 9},
                 {TG_OP_ASIN, asin, 0, 1},
                 {TG_OP_ACOS, acos, 0, 1},
                 {TG_OP_ATAN, atan, 0, 20},
                 {TG_OP_ATAN2, 0, atan2, 5},
                 {TG_OP_SINH, sinh, 0, 20},
                 {TG_OP_COSH, cosh, 0, 20},
                 {TG_OP_TANH, tanh, 0, 4},
                 {TG_OP_ASINH, asinh, 0, 50},
                 {TG_OP_ACOSH, acosh, 0, 50},
                 {TG_OP_ATANH, atanh, 0, 1},
                 {TG_OP_ERF, erf, 0, 3},
                 {TG_OP_ERFC, erfc, 0, 5},
                 {TG_OP_LGAMMA, lgamma, 0, 30},
                 {TG_OP_POW, 0, pow, 5},
                 {TG_OP_EXP_SUB, 0, exp_sub, 20},
                 {TG_OP_EXP2_SUB, 0, exp2_sub, 20},
                 {TG_OP_SIGMOID, sigmoid, 0, 20},
                 {TG_OP_SOFTPLUS, softplus, 0, 20},
                 {TG_OP_LOGADDEXP, 0, logaddexp, 20}};

static void fill_uniform(tg_dtype t, int k, double scale, uint64_t seed) {
    for (int64_t i = 0; i < N; i++) {
        double v = i == 0 && k == 0      ? -INFINITY
                   : i == 1 && scale > 1 ? 0
                                         : random_unit(&seed) * scale;
        tg_scalar_store((tg_scalar){.dtype = t, .f = tg_round_to(t, v)}, data.in[k], i);
    }
}

Test(interp_elementwise, elementary_functions) {
    static const tg_dtype types[] = {TG_F16, TG_BF16, TG_F32, TG_F64};
    for (size_t k = 0; k < sizeof math_rows / sizeof math_rows[0]; k++) {
        for (size_t j = 0; j < 4; j++) {
            tg_dtype t = types[j];
            pointwise p = {math_rows[k].op, TG_ENUM_NONE, math_rows[k].f2 ? 2 : 1, {t, t}, t};
            fill_uniform(t, 0, math_rows[k].scale, k);
            fill_uniform(t, 1, math_rows[k].scale, k + 100);
            for (int mode = 0; mode < 2; mode++) {
                pointwise_run(&p, (tg_interp_mode)mode);
                for (int64_t i = 0; i < N; i++) {
                    double x = tg_scalar_load(t, data.in[0], i).f,
                           y = tg_scalar_load(t, data.in[1], i).f;
                    double expected =
                        math_rows[k].f1 ? math_rows[k].f1(x) : math_rows[k].f2(x, y);
                    double got = mode ? data.value[i] : tg_scalar_load(t, data.out, i).f;
                    double room = (t == TG_F64 ? 64
                                   : mode      ? 4
                                               : 1) *
                                      tg_dtype_unit(t) * fabs(expected) +
                                  0x1p-149;
                    room += t == TG_F16                                  ? 0x1p-24
                            : t == TG_BF16                               ? 0x1p-133
                            : p.op == TG_OP_SINPI || p.op == TG_OP_COSPI ? 1e-15
                                                                         : 0;
                    room += p.n == 2 && mode ? fabs(x - y) * 0x1p-24 * fabs(expected) : 0;
                    room += (p.op == TG_OP_EXP_SUB || p.op == TG_OP_EXP2_SUB) && t == TG_F64
                                ? fabs(expected) * 1e-5
                                : 0;
                    double rounded = mode ? expected : tg_round_to(t, expected);
                    bool ok = (got != got && rounded != rounded) || got == rounded ||
                              fabs(got - rounded) <= room;
                    cr_assert(ok || (isinf(got) && fabs(expected) > 6e4),
                              "%s %s(%a, %a): got %a, expected %a", tg_dtype_name(t),
                              tg_op_info_of(p.op)->mnemonic, x, y, got, rounded);
                    bool bounded =
                        mode == 0 || !isfinite(tg_round_to(t, got * 1.02)) ||
                        data.bound[i] <= 40 * (tg_dtype_unit(t) + 0x1p-22 * (p.n == 2)) *
                                                 (fabs(got) + 0x1p-126) +
                                             0x1p-20 * (t == TG_F16);
                    cr_assert(bounded, "%s %s(%a, %a) bound %g", tg_dtype_name(t),
                              tg_op_info_of(p.op)->mnemonic, x, y, data.bound[i]);
                }
            }
        }
    }
}
