/* Arithmetic on real floats: values, and the first-order error analysis of IDEAL. In the error kernels a, b, c are the operands'
 * values, ea, eb, ec their bounds, v the result, u the unit roundoff and t the smallest positive number of the dtype. */
#include "dsl/interp/internal.h"
#include "dsl/ir/scalar_eval.h"

#include <math.h>

#define VALUE1(name, expr)                                                                     \
    WIDE static void name##_value(const kernel_facts *k, int64_t n, const chunk *r,            \
                                  const chunk *x) {                                            \
        const double *restrict pa = x[0].f;                                                    \
        double *restrict out = r->f;                                                           \
        (void)k;                                                                               \
        for (int64_t i = 0; i < n; i++) {                                                      \
            double a = pa[i];                                                                  \
            out[i] = expr;                                                                     \
        }                                                                                      \
    }
#define VALUE2(name, expr)                                                                     \
    WIDE static void name##_value(const kernel_facts *k, int64_t n, const chunk *r,            \
                                  const chunk *x) {                                            \
        const double *restrict pa = x[0].f;                                                    \
        const double *restrict pb = x[1].f;                                                    \
        double *restrict out = r->f;                                                           \
        (void)k;                                                                               \
        for (int64_t i = 0; i < n; i++) {                                                      \
            double a = pa[i], b = pb[i];                                                       \
            out[i] = expr;                                                                     \
        }                                                                                      \
    }
#define ERROR1(name, expr)                                                                     \
    WIDE static void name##_error(const kernel_facts *k, int64_t n, const chunk *r,            \
                                  const chunk *x) {                                            \
        const double *restrict pa = x[0].f, *restrict qa = x[0].e, *restrict pv = r->f;        \
        double *restrict out = r->e;                                                           \
        double u = k->unit, t = k->tiny;                                                       \
        for (int64_t i = 0; i < n; i++) {                                                      \
            double a = pa[i], ea = qa[i], v = pv[i];                                           \
            (void)a, (void)v, (void)u, (void)t;                                                \
            out[i] = expr;                                                                     \
        }                                                                                      \
    }
#define ERROR2(name, expr)                                                                     \
    WIDE static void name##_error(const kernel_facts *k, int64_t n, const chunk *r,            \
                                  const chunk *x) {                                            \
        const double *restrict pa = x[0].f, *restrict qa = x[0].e, *restrict pv = r->f;        \
        const double *restrict pb = x[1].f, *restrict qb = x[1].e;                             \
        double *restrict out = r->e;                                                           \
        double u = k->unit, t = k->tiny;                                                       \
        for (int64_t i = 0; i < n; i++) {                                                      \
            double a = pa[i], ea = qa[i], v = pv[i], b = pb[i], eb = qb[i];                    \
            (void)a, (void)b, (void)v, (void)u, (void)t;                                       \
            out[i] = expr;                                                                     \
        }                                                                                      \
    }

VALUE2(add, a + b)
VALUE2(sub, a - b)
VALUE2(mul, a *b)
VALUE2(div, a / b)
ERROR2(sum, ea + eb + u * fabs(v))
/* A product underflows, unless a factor is exactly zero. */
#define UNDERFLOW(a, ea, b, eb, t) (((a) == 0 && (ea) == 0) || ((b) == 0 && (eb) == 0) ? 0 : (t))
ERROR2(mul, is_open_product(a, ea, b, eb) ? UNSURE : fabs(a) * eb + fabs(b) * ea + ea * eb + u * fabs(v) + UNDERFLOW(a, ea, b, eb, t))
/* UNSURE stays as it is: an infinite or NaN value added to it would say that its class is certain. */
static double div_bound(double ea, double b, double eb, double v) {
    if (ea == 0 && eb == 0) {
        return 0;
    }
    return fabs(b) > eb ? (ea + fabs(v) * eb) / (fabs(b) - eb) : UNSURE;
}
static double rounded_bound(double bound, double rounding) {
    return bound == UNSURE ? UNSURE : bound + rounding;
}
ERROR2(div, rounded_bound(div_bound(ea, b, eb, v), u * fabs(v) + t))

VALUE1(neg, -a)
VALUE1(abs, fabs(a))
VALUE1(sign, a > 0 ? 1.0 : a < 0 ? -1.0 : a)
ERROR1(same, ea)
ERROR1(sign, ea == 0 || fabs(a) > ea ? 0.0 : 2.0)

VALUE2(min, a != a ? a : b != b ? b : a < b ? a : b)
VALUE2(max, a != a ? a : b != b ? b : a > b ? a : b)
VALUE2(minnum, a != a ? b : b != b ? a : a < b ? a : b)
VALUE2(maxnum, a != a ? b : b != b ? a : a > b ? a : b)
ERROR2(larger, ea > eb ? ea : eb)

VALUE2(fmod, fmod(a, b))
static double fmod_bound(double a, double ea, double b, double eb) {
    if (ea == 0 && eb == 0) {
        return 0;
    }
    double low = fabs(b) - eb, high = fabs(b) + eb;
    double first = trunc((fabs(a) - ea) / high), last = trunc((fabs(a) + ea) / low);
    return low > 0 && fabs(a) >= ea && first == last ? ea + last * eb : high + ea;
}
ERROR2(fmod, fmod_bound(a, ea, b, eb))

VALUE1(floor, floor(a))
VALUE1(ceil, ceil(a))
VALUE1(trunc, trunc(a))
VALUE1(nearest, nearbyint(a))
#define STEP_ERROR(name, fn)                                                                   \
    static double name##_bound(double a, double ea, double v) {                                \
        return ea == 0 ? 0 : max_f(fabs(fn(a + ea) - v), fabs(fn(a - ea) - v));                \
    }                                                                                          \
    ERROR1(name, name##_bound(a, ea, v))
STEP_ERROR(floor, floor)
STEP_ERROR(ceil, ceil)
STEP_ERROR(trunc, trunc)
STEP_ERROR(nearest, nearbyint)

VALUE2(copysign, copysign(a, b))
ERROR2(copysign, b != b || (eb > 0 && fabs(b) <= eb) ? ea + 2 * fabs(a) : ea)

VALUE2(ldexp, a * exp2(b))
ERROR2(ldexp, exp2(b) * ((fabs(a) + ea) * exp2(eb) - fabs(a)) + u * fabs(v) + t)

/* Correctly rounded in f64; the smaller formats have few enough digits that rounding twice is harmless. */
VALUE1(sqrt, sqrt(a))
static double sqrt_bound(double a, double ea, double v) {
    if (ea == 0 || a < -ea) {
        return 0;
    }
    return a > ea ? ea / v : a - ea < 0 ? UNSURE : sqrt(a + ea);
}
ERROR1(sqrt, rounded_bound(sqrt_bound(a, ea, v), u * fabs(v)))

static void nextafter_value(const kernel_facts *k, int64_t n, const chunk *r, const chunk *x) {
    for (int64_t i = 0; i < n; i++) {
        tg_scalar out = {.dtype = k->dtype}, in[2] = {out, out};
        in[0].f = round_value(k->dtype, x[0].f[i]);
        in[1].f = round_value(k->dtype, x[1].f[i]);
        tg_scalar_eval(TG_OP_NEXTAFTER, TG_ENUM_NONE, k->dtype, in, 2, &out);
        r->f[i] = out.f;
    }
}
ERROR2(nextafter, ea == 0 && eb == 0 ? 0 : ea + 4 * u * fabs(v) + 2 * t)

/* x*y + z of a format whose products are exact in f64, rounded to odd, so that rounding again to at most 51 bits gives the
 * correctly rounded result. */
static double fma_to_odd(double a, double b, double c) {
    double p = a * b, s = p + c;
    double other = s - p, lost = (p - (s - other)) + (c - other);
    if (lost == 0 || !isfinite(s)) {
        return s;
    }
    uint64_t bits;
    memcpy(&bits, &s, sizeof bits);
    if (!(bits & 1)) {
        bits = (lost > 0) == (s > 0) ? bits + 1 : bits - 1;
        memcpy(&s, &bits, sizeof s);
    }
    return s;
}

static void fma_value(const kernel_facts *k, int64_t n, const chunk *r, const chunk *x) {
    for (int64_t i = 0; i < n; i++) {
        double a = x[0].f[i], b = x[1].f[i], c = x[2].f[i];
        r->f[i] = k->dtype == TG_F64 ? fma(a, b, c)
                  : k->ideal         ? a * b + c
                                     : fma_to_odd(a, b, c);
    }
}

WIDE static void fma_error(const kernel_facts *k, int64_t n, const chunk *r, const chunk *x) {
    for (int64_t i = 0; i < n; i++) {
        double a = x[0].f[i], b = x[1].f[i], ea = x[0].e[i], eb = x[1].e[i];
        double own = 0x1p-53 * fabs(a * b); /* the interpreter's product is rounded */
        double e = fabs(a) * eb + fabs(b) * ea + ea * eb + x[2].e[i] + k->unit * fabs(r->f[i]) +
                   own + UNDERFLOW(a, ea, b, eb, k->tiny);
        r->e[i] = is_open_product(a, ea, b, eb) ? UNSURE : e;
    }
}

kernel_entry float_kernel(tg_opcode op) {
    static const kernel_entry table[TG_OP_COUNT] = {
        [TG_OP_ADD] = {add_value, sum_error, false},
        [TG_OP_SUB] = {sub_value, sum_error, false},
        [TG_OP_MUL] = {mul_value, mul_error, false},
        [TG_OP_DIV] = {div_value, div_error, false},
        [TG_OP_FMA] = {fma_value, fma_error, false},
        [TG_OP_SQRT] = {sqrt_value, sqrt_error, false},
        [TG_OP_NEG] = {neg_value, same_error, true},
        [TG_OP_ABS] = {abs_value, same_error, true},
        [TG_OP_SIGN] = {sign_value, sign_error, true},
        [TG_OP_MIN] = {min_value, larger_error, true},
        [TG_OP_MAX] = {max_value, larger_error, true},
        [TG_OP_MINNUM] = {minnum_value, larger_error, true},
        [TG_OP_MAXNUM] = {maxnum_value, larger_error, true},
        [TG_OP_FMOD] = {fmod_value, fmod_error, true},
        [TG_OP_FLOOR] = {floor_value, floor_error, true},
        [TG_OP_CEIL] = {ceil_value, ceil_error, true},
        [TG_OP_TRUNC] = {trunc_value, trunc_error, true},
        [TG_OP_ROUND] = {nearest_value, nearest_error, true},
        [TG_OP_COPYSIGN] = {copysign_value, copysign_error, true},
        [TG_OP_NEXTAFTER] = {nextafter_value, nextafter_error, true},
        [TG_OP_LDEXP] = {ldexp_value, ldexp_error, false},
    };
    return table[op];
}
