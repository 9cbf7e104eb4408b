/* The functions of f64 against the C library's long double (64 bits: an eleventh of an ulp of f64 at most).
 * Usage: sampled_f64 [count]; that many numbers of each kind. Prints the largest error in ulp; exit 1 above the class. */
#include "tests/math/math_f32.h"
#include "tests/math/random.h"

#include <stdio.h>
#include <stdlib.h>

#define LN2     0.693147180559945309417232121458176568L
#define HALF_PI 1.57079632679489661923132169163975144L

static double ulp_error(double got, long double want)
{
    double w = (double)want;
    if (isnan(w) || isnan(got))
        return isnan(w) && isnan(got) ? 0 : 1e9;
    if (isinf(w) || isinf(got))
        return w == got ? 0 : 1e9;
    int e = want == 0 ? -1022 : ilogbl(want);
    e = e < -1022 ? -1022 : e;
    if (want == 0 && (got != 0 || signbit(got) != signbit(w)))
        return 1e9;
    return (double)(fabsl((long double)got - want) / ldexpl(1.0L, e - 52));
}
/* `period`: what multiples of the argument reduction subtracts, 0 if nothing */
static const struct { const char *name; double (*f)(double); long double (*ref)(long double); double lo, hi; long double period; double bound; } FUNCTIONS[] = {
    {"exp", m_exp64, expl, -746, 710, LN2, 1}, {"exp2", m_exp2_64, exp2l, -1076, 1025, 0.5L, 1}, {"expm1", m_expm1_64, expm1l, -40, 40, LN2, 1},
    {"log", m_log64, logl, 0.4, 2.5, 0, 1}, {"log1p", m_log1p64, log1pl, -1, 3, 0, 1},
    {"sin", m_sin64, sinl, -100, 100, HALF_PI, 2}, {"cos", m_cos64, cosl, -100, 100, HALF_PI, 2}, {"tan", m_tan64, tanl, -100, 100, HALF_PI, 2},
    {"sinh", m_sinh64, sinhl, -3, 3, LN2, 2}, {"cosh", m_cosh64, coshl, -3, 3, LN2, 2}, {"tanh", m_tanh64, tanhl, -3, 3, LN2, 2},
    {"log2", m_log2_64, log2l, 0.4, 2.5, 0, 1}, {"log10", m_log10_64, log10l, 0.4, 2.5, 0, 1}, {"erf", m_erf64, erfl, -6, 6, 0, 2},
    {"asin", m_asin_64, asinl, -1, 1, 0, 2}, {"acos", m_acos_64, acosl, -1, 1, 0, 2}, {"atan", m_atan_64, atanl, -4, 4, 0, 2},
    {"atanh", m_atanh_64, atanhl, -1, 1, 0, 2}, {"asinh", m_asinh64, asinhl, -4, 4, 0, 2}, {"acosh", m_acosh64, acoshl, 1, 4, 0, 2},
    {"cbrt", m_cbrt64, cbrtl, -9, 9, 0, 1},
};
/* Of six numbers one has any bits, one is subnormal or small, one is next to a multiple of half the period, below 2^40, one is of any size above 2^-32, two are
 * where the function is neither constant nor infinite. */
static double sample(long i, double lo, double hi, long double period)
{
    uint64_t r = next();
    double u = (double)(r >> 11) * 0x1p-53;
    long double multiple = (long double)(int64_t)(next() >> 1 >> (24 + r % 40)) * (period / 2);
    switch (i % 6) {
    case 0: return bitsd_((int64_t)r);
    case 1: return ldexp(u - 0.5, -(int)(r % 1080));
    case 2: return bitsd_((int64_t)((uint64_t)dbits_((double)(r & 1024 ? multiple : -multiple)) + (r >> 50 & 7) - 3));
    case 3: return ldexp(u - 0.5, (int)(r % 75) - 32);
    default: return lo + (hi - lo) * u;
    }
}
static const double SPECIAL[] = {0.0, -0.0, INFINITY, -INFINITY, NAN, 1.0, 0x1p-1074, 0x1p-1022, 709.782712893384, -745.13321910194122, 1024, -1075};

int main(int argc, char **argv)
{
    long count = argc > 1 ? strtol(argv[1], NULL, 0) : 1000000, n_special = sizeof SPECIAL / sizeof *SPECIAL;
    int failed = 0, passed = 0;
    for (size_t k = 0; k < sizeof FUNCTIONS / sizeof *FUNCTIONS; k++) {
        double worst = 0, at = 0;
        for (long i = -n_special; i < 6 * count; i++) {
            double x = i < 0 ? SPECIAL[-i - 1] : sample(i, FUNCTIONS[k].lo, FUNCTIONS[k].hi, FUNCTIONS[k].period);
            double e = ulp_error(FUNCTIONS[k].f(x), FUNCTIONS[k].ref(x));
            if (e > worst) { worst = e; at = x; }
        }
        int ok = worst <= FUNCTIONS[k].bound;
        printf("%-5s %8.3f ulp (class %g) at %a%s\n", FUNCTIONS[k].name, worst, FUNCTIONS[k].bound, at, ok ? "" : "  FAILED");
        ok ? passed++ : failed++;
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
