/* Elementary functions. Values come from the C library in f64 (long double for f64 in EXACT mode) and are then rounded once, which is
 * as good as correctly rounded for every dtype. IDEAL propagates the operand's bound through the function (its slope, or its values
 * at both ends where it is monotone) and adds the error class of language.md section 8. */
#include "dsl/interp/internal.h"

#include <math.h>

static const double PI = 3.14159265358979323846;
static const long double PI_LONG = 3.14159265358979323846264338327950288L;

/* x mod 2, reduced to [-1/4, 1/4] with the quadrant in *n: exact. */
static long double half_turns(long double x, int *n) {
    long double r = fmodl(x, 2.0L), q = rintl(2.0L * r);
    *n = (int)q & 3;
    return r - q / 2;
}

static long double sinpi_long(long double x) {
    if (!isfinite(x)) {
        return (long double)NAN;
    }
    int n;
    long double r = half_turns(x, &n), s = r == 0 ? 0 : sinl(PI_LONG * r),
                c = r == 0 ? 1 : cosl(PI_LONG * r);
    long double v = n == 0 ? s : n == 1 ? c : n == 2 ? -s : -c;
    return v == 0 ? copysignl(0, x) : v;
}

static long double cospi_long(long double x) {
    if (!isfinite(x)) {
        return (long double)NAN;
    }
    int n;
    long double r = half_turns(x, &n), s = r == 0 ? 0 : sinl(PI_LONG * r),
                c = r == 0 ? 1 : cosl(PI_LONG * r);
    long double v = n == 0 ? c : n == 1 ? -s : n == 2 ? -c : s;
    return v == 0 ? 0 : v;
}

static double sinpi_double(double x) {
    return (double)sinpi_long(x);
}
static double cospi_double(double x) {
    return (double)cospi_long(x);
}
static double rsqrt_double(double x) {
    return 1 / sqrt(x);
}
static long double rsqrt_long(long double x) {
    return 1 / sqrtl(x);
}
static double sigmoid_double(double x) {
    return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x));
}
static long double sigmoid_long(long double x) {
    return x >= 0 ? 1 / (1 + expl(-x)) : expl(x) / (1 + expl(x));
}
static double softplus_double(double x) {
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}
static long double softplus_long(long double x) {
    return x > 0 ? x + log1pl(expl(-x)) : log1pl(expl(x));
}
static double cbrt_double(double x) { /* glibc's cbrt errs by up to 3.7 ulp */
    return (double)cbrtl(x);
}
static double exp_sub_double(double x, double y) {
    return x == -INFINITY && y == y ? 0 : exp(x - y);
}
static long double exp_sub_long(long double x, long double y) {
    return x == -(long double)INFINITY && y == y ? 0 : expl((long double)((double)x - (double)y));
}
static double exp2_sub_double(double x, double y) {
    return x == -INFINITY && y == y ? 0 : exp2(x - y);
}
static long double exp2_sub_long(long double x, long double y) {
    return x == -(long double)INFINITY && y == y ? 0 : exp2l((long double)((double)x - (double)y));
}
static double logaddexp_double(double x, double y) {
    double high = x > y ? x : y, low = x > y ? y : x;
    return x != x || y != y ? x + y : isinf(high) ? high : high + log1p(exp(low - high));
}
static long double logaddexp_long(long double x, long double y) {
    long double high = x > y ? x : y, low = x > y ? y : x;
    return x != x || y != y ? x + y : isinf(high) ? high : high + log1pl(expl(low - high));
}

/* ---- propagation: how far f(a ± ea) can be from v = f(a) -------------------------------- */

typedef enum slope {
    S_MONOTONE, /* ends of the interval */
    S_EXP,      /* f' = f */
    S_EXP2,
    S_LOG, /* relative error of the operand */
    S_ONE, /* |f'| <= 1 */
    S_PI,  /* |f'| <= pi, and never more than 2 */
    S_SIGMOID,
    S_COSH,
    S_TAN,
    S_LGAMMA,
    S_POW,
    S_ATAN2,
    S_EXP_SUB,
    S_EXP2_SUB,
    S_LOGADDEXP
} slope;

typedef struct math_row {
    double (*f1)(double);
    long double (*l1)(long double);
    double (*f2)(double, double);
    long double (*l2)(long double, long double);
    slope slope;
    int ulps;
    double scale; /* S_LOG: factor */
} math_row;

static double ends(double v, double high, double low) {
    double e = max_f(fabs(high - v), fabs(low - v));
    return high != high || low != low || (isinf(high) != isinf(v)) || (isinf(low) != isinf(v))
               ? UNSURE
               : e;
}

/* e^ea - 1, from above */
static double grow(double ea) {
    return ea < 1 ? ea + ea * ea : expm1(ea) * (1 + 0x1p-50);
}

static double pow_bound(const double a[2], const double e[2], double v) {
    double worst = 0;
    for (int k = 0; k < 4; k++) {
        double x = a[0] + (k & 1 ? e[0] : -e[0]), y = a[1] + (k & 2 ? e[1] : -e[1]);
        double d = ends(v, pow(x, y), v);
        if (d == UNSURE) {
            return UNSURE;
        }
        worst = max_f(worst, d);
    }
    bool crosses_zero = fabs(a[0]) <= e[0];
    if (crosses_zero && (a[1] < 0 || e[1] > 0)) {
        return UNSURE;
    }
    return crosses_zero ? max_f(worst, fabs(v)) : worst;
}

static double tan_bound(double a, double ea, double v) {
    double high = tan(a + ea), low = tan(a - ea);
    return ea < 1 && high >= v && low <= v ? max_f(high - v, v - low) : UNSURE;
}

static double atan2_bound(const double a[2], const double e[2]) {
    double r = hypot(a[0], a[1]), lost = e[0] + e[1];
    bool cut = a[1] - e[1] < 0 && fabs(a[0]) <= e[0];
    return r > lost && !cut ? lost / (r - lost) : 2 * PI;
}

static double propagate(const math_row *m, const double a[2], const double e[2], double v,
                        double unit) {
    double ea = e[0];
    switch (m->slope) {
    case S_MONOTONE:
        return ends(v, m->f1(a[0] + ea), m->f1(a[0] - ea));
    case S_EXP:
        return fabs(v) * grow(ea);
    case S_EXP2:
        return fabs(v) * grow(ea * 0.6931471805599454);
    case S_LOG:
        return ea < a[0] ? m->scale * ea / (a[0] - ea) : a[0] < -ea ? 0 : UNSURE;
    case S_ONE:
        return ea;
    case S_PI:
        return ea < 1 ? PI * ea : 2;
    case S_SIGMOID:
        return ea < 1 ? max_f(0, fabs(v) * grow(ea)) : 1;
    case S_COSH:
        return sinh(fabs(a[0]) + ea) * ea;
    case S_TAN:
        return tan_bound(a[0], ea, v);
    case S_LGAMMA: {
        double d = ends(v, lgamma(a[0] + ea), lgamma(a[0] - ea));
        return a[0] - ea <= 0.5 || d == UNSURE ? UNSURE : 2 * d + ea;
    }
    case S_POW:
        return pow_bound(a, e, v);
    case S_ATAN2:
        return atan2_bound(a, e);
    case S_EXP_SUB:
    case S_EXP2_SUB: {
        bool gone = a[0] == -(double)INFINITY;
        double d = ea + e[1] + unit * fabs(a[0] - a[1]);
        return gone ? 0 : fabs(v) * grow(m->slope == S_EXP_SUB ? d : d * 0.6931471805599454);
    }
    case S_LOGADDEXP:
        break;
    }
    return max_f(ea, e[1]);
}

static const math_row *row_of(tg_opcode op) {
#define F1(opcode, name, s, u) [TG_OP_##opcode] = { name, name##l, NULL, NULL, s, u, 1 }
#define G1(opcode, name, s, u)                                                                 \
    [TG_OP_##opcode] = {name##_double, name##_long, NULL, NULL, s, u, 1}
#define F2(opcode, name, s, u) [TG_OP_##opcode] = {NULL, NULL, name, name##l, s, u, 1}
#define G2(opcode, name, s, u)                                                                 \
    [TG_OP_##opcode] = {NULL, NULL, name##_double, name##_long, s, u, 1}
    static const math_row table[TG_OP_COUNT] = {
        G1(RSQRT, rsqrt, S_MONOTONE, 1),
        [TG_OP_CBRT] = {cbrt_double, cbrtl, NULL, NULL, S_MONOTONE, 1, 1},
        F1(EXP, exp, S_EXP, 1),
        F1(EXP2, exp2, S_EXP2, 1),
        F1(EXPM1, expm1, S_MONOTONE, 1),
        F1(LOG, log, S_LOG, 1),
        [TG_OP_LOG2] = {log2, log2l, NULL, NULL, S_LOG, 1, 1.4426950408889634},
        [TG_OP_LOG10] = {log10, log10l, NULL, NULL, S_LOG, 1, 0.4342944819032519},
        F1(LOG1P, log1p, S_MONOTONE, 1),
        F1(SIN, sin, S_ONE, 2),
        F1(COS, cos, S_ONE, 2),
        F1(TAN, tan, S_TAN, 2),
        G1(SINPI, sinpi, S_PI, 2),
        G1(COSPI, cospi, S_PI, 2),
        F1(ASIN, asin, S_MONOTONE, 2),
        F1(ACOS, acos, S_MONOTONE, 2),
        F1(ATAN, atan, S_ONE, 2),
        F2(ATAN2, atan2, S_ATAN2, 2),
        F1(SINH, sinh, S_MONOTONE, 4),
        F1(COSH, cosh, S_COSH, 4),
        F1(TANH, tanh, S_MONOTONE, 4),
        F1(ASINH, asinh, S_ONE, 4),
        F1(ACOSH, acosh, S_MONOTONE, 4),
        F1(ATANH, atanh, S_MONOTONE, 4),
        F1(ERF, erf, S_MONOTONE, 4),
        F1(ERFC, erfc, S_MONOTONE, 4),
        F1(LGAMMA, lgamma, S_LGAMMA, 4),
        F2(POW, pow, S_POW, 4),
        G2(EXP_SUB, exp_sub, S_EXP_SUB, 1),
        G2(EXP2_SUB, exp2_sub, S_EXP2_SUB, 1),
        G1(SIGMOID, sigmoid, S_SIGMOID, 4),
        G1(SOFTPLUS, softplus, S_ONE, 4),
        G2(LOGADDEXP, logaddexp, S_LOGADDEXP, 4),
    };
    return table[op].f1 || table[op].f2 ? &table[op] : NULL;
}

/* f16 and bf16 compute in f32: the difference of exp_sub is rounded there. */
static double difference_unit(const kernel_facts *k) {
    return k->dtype == TG_F64 ? k->unit : 0x1p-24 + 0x1p-53;
}

static void value_f64(const math_row *m, int64_t n, const chunk *r, const chunk *x) {
    for (int64_t i = 0; i < n; i++) {
        r->f[i] = (double)(m->l1 ? m->l1(x[0].f[i]) : m->l2(x[0].f[i], x[1].f[i]));
    }
}

/* The difference is rounded to the dtype before the exponential. */
static void value_sub(const kernel_facts *k, int64_t n, const chunk *r, const chunk *x) {
    bool base2 = k->opcode == TG_OP_EXP2_SUB;
    for (int64_t i = 0; i < n; i++) {
        double d = x[0].f[i] - x[1].f[i];
        d = (double)(float)d;
        r->f[i] = x[0].f[i] == -(double)INFINITY && !isnan(x[1].f[i]) ? 0 : base2 ? exp2(d) : exp(d);
    }
}

static void value(const kernel_facts *k, int64_t n, const chunk *r, const chunk *x) {
    const math_row *m = row_of(k->opcode);
    if (!k->ideal && k->dtype == TG_F64) {
        value_f64(m, n, r, x);
    } else if (!k->ideal && (m->slope == S_EXP_SUB || m->slope == S_EXP2_SUB)) {
        value_sub(k, n, r, x);
    } else if (m->f1) {
        for (int64_t i = 0; i < n; i++) {
            r->f[i] = m->f1(x[0].f[i]);
        }
    } else {
        for (int64_t i = 0; i < n; i++) {
            r->f[i] = m->f2(x[0].f[i], x[1].f[i]);
        }
    }
}

static void error(const kernel_facts *k, int64_t n, const chunk *r, const chunk *x) {
    const math_row *m = row_of(k->opcode);
    bool small = k->dtype == TG_F16 || k->dtype == TG_BF16;
    double ulps = small ? k->unit + 2.0 * m->ulps * k->slack * 0x1p-24
                        : 2.0 * m->ulps * k->slack * k->unit;
    bool needs = m->slope == S_EXP_SUB || m->slope == S_EXP2_SUB;
    double unit = difference_unit(k);
    for (int64_t i = 0; i < n; i++) {
        double a[2] = {x[0].f[i], m->f2 ? x[1].f[i] : 0},
               e[2] = {x[0].e[i], m->f2 ? x[1].e[i] : 0};
        double v = r->f[i], from = 0;
        if (needs || e[0] > 0 || e[1] > 0) {
            from = propagate(m, a, e, v, unit);
        }
        r->e[i] = from == UNSURE ? UNSURE : from + ulps * (fabs(v) + from) + k->tiny;
        if (needs && a[0] == -(double)INFINITY && e[0] == 0) {
            r->e[i] = 0; /* by definition, not by underflow */
        }
    }
}

kernel_entry math_kernel(tg_opcode op) {
    return row_of(op) ? (kernel_entry){value, error, false} : (kernel_entry){NULL, NULL, false};
}
