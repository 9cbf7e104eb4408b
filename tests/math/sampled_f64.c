/* exp, exp2 and log of f64 against the C library's long double (64 bits: an eleventh of an ulp of f64 at most).
 * Usage: sampled_f64 [count]; that many numbers of each kind. Prints the largest error in ulp; exit 1 above the class. */
#include "tests/math/math_f32.h"

#include <stdio.h>
#include <stdlib.h>

static double ulp_error(double got, long double want)
{
    double w = (double)want;
    if (isnan(w) || isnan(got))
        return isnan(w) && isnan(got) ? 0 : 1e9;
    if (isinf(w) || isinf(got))
        return w == got ? 0 : 1e9;
    int e = want == 0 ? -1022 : ilogbl(want);
    e = e < -1022 ? -1022 : e;
    return (double)(fabsl((long double)got - want) / ldexpl(1.0L, e - 52));
}
static const struct { const char *name; double (*f)(double); long double (*ref)(long double); double lo, hi; } FUNCTIONS[] = {
    {"exp", m_exp64, expl, -746, 710}, {"exp2", m_exp2_64, exp2l, -1076, 1025}, {"log", m_log64, logl, 0.4, 2.5},
};
static uint64_t state = 1;
static uint64_t next(void) /* SplitMix64 */
{
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}
/* Of four numbers one has any bits, one is subnormal or small, two are where the function is neither constant nor infinite. */
static double sample(long i, double lo, double hi)
{
    uint64_t r = next();
    double u = (double)(r >> 11) * 0x1p-53;
    return i % 4 == 0 ? bitsd_((int64_t)r) : i % 4 == 1 ? ldexp(u - 0.5, -(int)(r % 1080)) : lo + (hi - lo) * u;
}
static const double SPECIAL[] = {0.0, -0.0, INFINITY, -INFINITY, NAN, 1.0, 0x1p-1074, 0x1p-1022, 709.782712893384, -745.13321910194122, 1024, -1075};

int main(int argc, char **argv)
{
    long count = argc > 1 ? strtol(argv[1], NULL, 0) : 1000000, n_special = sizeof SPECIAL / sizeof *SPECIAL;
    int failed = 0, passed = 0;
    for (size_t k = 0; k < sizeof FUNCTIONS / sizeof *FUNCTIONS; k++) {
        double worst = 0, at = 0;
        for (long i = -n_special; i < 4 * count; i++) {
            double x = i < 0 ? SPECIAL[-i - 1] : sample(i, FUNCTIONS[k].lo, FUNCTIONS[k].hi);
            double e = ulp_error(FUNCTIONS[k].f(x), FUNCTIONS[k].ref(x));
            if (e > worst) { worst = e; at = x; }
        }
        int ok = worst <= 1;
        printf("%-5s %8.3f ulp (class 1) at %a%s\n", FUNCTIONS[k].name, worst, at, ok ? "" : "  FAILED");
        ok ? passed++ : failed++;
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
