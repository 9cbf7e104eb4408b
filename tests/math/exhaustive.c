/* Every f32 through every unary elementary function, against glibc in f64 (error < 1 ulp of f64: exact enough).
 * Usage: exhaustive [stride [name]]; stride 1 tries all 2^32 inputs. Prints the largest error in ulp; exit 1 above the class. */
#include "tests/math/math_f32.h"

#include <stdio.h>
#include <stdlib.h>

static double ulp_error(float got, double want)
{
    float w = (float)want;
    if (isnan(want) || isnan(got))
        return isnan(want) && isnan(got) ? 0 : 1e9;
    if (isinf(w) || isinf(got)) {
        if (w == got)
            return 0;
        /* one step across the overflow threshold */
        return fabsf(got) == 0x1.fffffep127f || fabsf(w) == 0x1.fffffep127f ? 1 : 1e9;
    }
    if (want == 0)
        return got == 0 && signbit(got) == signbit(w) ? 0 : got == 0 ? 0.25 : 1e9;
    int e = ilogb(want);
    if (e < -126)
        e = -126;
    return fabs((double)got - want) / ldexp(1.0, e - 23);
}
static double ref_rsqrt(double x) { return 1 / sqrt(x); }
static double ref_sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double ref_softplus(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }
static double ref_sinpi(double x)
{
    double a = fabs(x), r = isfinite(a) ? fmod(a, 2) : NAN, s = 0;
    s = r < 0.25 ? sin(M_PI * r) : r < 0.75 ? cos(M_PI * (r - 0.5)) : r < 1.25 ? -sin(M_PI * (r - 1)) : r < 1.75 ? -cos(M_PI * (r - 1.5)) : sin(M_PI * (r - 2));
    if (isnan(r)) return NAN;
    return copysign(1, x) * (s == 0 ? 0.0 : s);
}
static double ref_cospi(double x)
{
    double a = fabs(x), r = isfinite(a) ? fmod(a, 2) : NAN;
    if (isnan(r)) return NAN;
    double c = r < 0.25 ? cos(M_PI * r) : r < 0.75 ? -sin(M_PI * (r - 0.5)) : r < 1.25 ? -cos(M_PI * (r - 1)) : r < 1.75 ? sin(M_PI * (r - 1.5)) : cos(M_PI * (r - 2));
    return c == 0 ? 0.0 : c;
}
/* Where both forms may be used they must give the same bits; a number that no bound allows says that they do not. */
static float both(float x, float general, float bounded)
{
    return x > 0 || isnan(x) ? general : fbits_(general) == fbits_(bounded) ? bounded : -1;
}
static float same(float general, float ldexp) { return isnan(general) || fbits_(general) == fbits_(ldexp) ? ldexp : -1; }
static float exp_both(float x) { return both(x, same(m_exp(x), m_exp_ldexp(x)), m_exp_not_positive(x)); }
static float exp2_both(float x) { return both(x, same(m_exp2(x), m_exp2_ldexp(x)), m_exp2_not_positive(x)); }
static float exp_bounded(float x) { return x > 0 ? 1 : m_exp_not_positive(x); }
static float exp2_bounded(float x) { return x > 0 ? 1 : m_exp2_not_positive(x); }
static double ref_exp_bounded(double x) { return x > 0 ? 1 : exp(x); }
static double ref_exp2_bounded(double x) { return x > 0 ? 1 : exp2(x); }
static const struct { const char *name; float (*f)(float); double (*ref)(double); double bound; } FUNCTIONS[] = {
    {"exp", exp_both, exp, 1}, {"exp2", exp2_both, exp2, 1}, {"exp<=0", exp_bounded, ref_exp_bounded, 1},
    {"exp2<=0", exp2_bounded, ref_exp2_bounded, 1}, {"expm1", m_expm1, expm1, 1}, {"log", m_log, log, 1},
    {"log2", m_log2, log2, 1}, {"log10", m_log10, log10, 1}, {"log1p", m_log1p, log1p, 1}, {"rsqrt", m_rsqrt, ref_rsqrt, 1},
    {"cbrt", m_cbrt, cbrt, 1}, {"sin", m_sin, sin, 2}, {"cos", m_cos, cos, 2}, {"tan", m_tan, tan, 2},
    {"sinpi", m_sinpi, ref_sinpi, 2}, {"cospi", m_cospi, ref_cospi, 2}, {"asin", m_asin, asin, 2}, {"acos", m_acos, acos, 2},
    {"atan", m_atan, atan, 2}, {"sinh", m_sinh, sinh, 2}, {"cosh", m_cosh, cosh, 2}, {"tanh", m_tanh, tanh, 2},
    {"asinh", m_asinh, asinh, 2}, {"acosh", m_acosh, acosh, 2}, {"atanh", m_atanh, atanh, 2}, {"erf", m_erf, erf, 2},
    {"erfc", m_erfc, erfc, 2}, {"sigmoid", m_sigmoid, ref_sigmoid, 4}, {"softplus", m_softplus, ref_softplus, 4},
};
int main(int argc, char **argv)
{
    uint64_t stride = argc > 1 ? strtoull(argv[1], NULL, 0) : 4099;
    int failed = 0, passed = 0;
    for (size_t k = 0; k < sizeof FUNCTIONS / sizeof *FUNCTIONS; k++) {
        if (argc > 2 && strcmp(argv[2], FUNCTIONS[k].name))
            continue;
        double worst = 0;
        float at = 0;
        for (uint64_t i = 0; i < 1ull << 32; i += stride) {
            float x = bitsf_((int32_t)(uint32_t)i);
            double e = ulp_error(FUNCTIONS[k].f(x), FUNCTIONS[k].ref((double)x));
            if (e > worst) { worst = e; at = x; }
        }
        int ok = worst <= FUNCTIONS[k].bound;
        printf("%-9s %8.3f ulp (class %g) at %a%s\n", FUNCTIONS[k].name, worst, FUNCTIONS[k].bound, (double)at, ok ? "" : "  FAILED");
        ok ? passed++ : failed++;
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
