/* atan2, pow, fmod, exp_sub and exp2_sub of f32 and f64 against the C library's long double, and at all pairs of special values: there NaN, infinity, zero and its sign must agree.
 * Usage: sampled_pairs [count]; that many pairs of each kind. Prints the largest error in ulp; exit 1 above the class. */
#include "tests/math/math_f32.h"
#include "tests/math/random.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>

/* Units in the last place of a number of `bits` bits whose least exponent is `least`, `top` the largest number */
static double ulp_error(double got, long double want, int bits, int least, double top)
{
    if (isnan(want) || isnan(got))
        return isnan(want) && isnan(got) ? 0 : 1e9;
    if (want == 0 || (isinf(want) && isinf(got)))
        return (long double)got == want && !signbit(got) == !signbit(want) ? 0 : 1e9;
    if (isinf(got))
        return fabsl(want) > top && (got > 0) == (want > 0) ? 0 : 1e9;
    int e = isinf(want) || ilogbl(want) > 1 - least ? 1 - least : ilogbl(want) < least ? least : ilogbl(want);
    long double d = fabsl((long double)got - want) / ldexpl(1.0L, e - bits + 1);
    return d > 1e9L ? 1e9 : (double)d;
}
static double atan2_f32(double x, double y) { return (double)m_atan2((float)x, (float)y); }
static double pow_f32(double x, double y) { return (double)m_pow((float)x, (float)y); }
static double fmod_f32(double x, double y) { return (double)m_fmod((float)x, (float)y); }
static double exp_sub_f32(double x, double y) { return (double)m_exp_sub((float)x, (float)y); }
static double exp2_sub_f32(double x, double y) { return (double)m_exp2_sub((float)x, (float)y); }
/* Of the rounded difference; of -inf and anything but NaN 0 */
static long double lead_of(long double x, long double y, bool single)
{
    return isinf(x) && x < 0 && !isnan(y) ? x : single ? (long double)((float)x - (float)y) : (long double)((double)x - (double)y);
}
static long double exp_of_f32(long double x, long double y) { return expl(lead_of(x, y, true)); }
static long double exp_of_f64(long double x, long double y) { return expl(lead_of(x, y, false)); }
static long double exp2_of_f32(long double x, long double y) { return exp2l(lead_of(x, y, true)); }
static long double exp2_of_f64(long double x, long double y) { return exp2l(lead_of(x, y, false)); }
static const struct function {
    const char *name;
    double (*f)(double, double);
    long double (*ref)(long double, long double);
    bool single;
    double bound;
} FUNCTIONS[] = {
    {"atan2 f64", m_atan2_64, atan2l, false, 2}, {"pow f64", m_pow64, powl, false, 2}, {"fmod f64", m_fmod_64, fmodl, false, 0},
    {"atan2 f32", atan2_f32, atan2l, true, 2},   {"pow f32", pow_f32, powl, true, 2},  {"fmod f32", fmod_f32, fmodl, true, 0},
    {"exp_sub f64", m_exp_sub64, exp_of_f64, false, 1},   {"exp_sub f32", exp_sub_f32, exp_of_f32, true, 1},
    {"exp2_sub f64", m_exp2_sub64, exp2_of_f64, false, 1}, {"exp2_sub f32", exp2_sub_f32, exp2_of_f32, true, 1},
};
static double any_bits(bool single) { return single ? (double)bitsf_((int32_t)(uint32_t)next()) : bitsd_((int64_t)next()); }
static double uniform(double lo, double hi) { return lo + (hi - lo) * (double)(next() >> 11) * 0x1p-53; }
static double rounded(double x, bool single) { return single ? (double)(float)x : x; }
/* Of five pairs one has any bits, one is near 1 and so large that the power is finite, one has a quotient next to an integer, two are moderate. */
static void sample(long i, bool single, double *x, double *y)
{
    *y = i % 5 == 0 ? any_bits(single) : rounded(uniform(-30, 30), single);
    *x = i % 5 == 0 ? any_bits(single) : rounded(uniform(i % 2 ? -5 : 0, 5), single);
    if (i % 5 == 1) {
        int n = (int)(next() % (single ? 23 : 52));
        *x = rounded(1 + ldexp(uniform(-0.5, 0.5), -n), single);
        *y = rounded(ldexp(uniform(-1000, 1000), n), single);
    }
    if (i % 5 == 2) {
        double k = floor(ldexp(uniform(0.5, 1), (int)(next() % (single ? 30 : 60))));
        *x = single ? (double)nextafterf((float)(k * *y), (float)uniform(-1, 1) * FLT_MAX) : nextafter(k * *y, uniform(-1, 1) * DBL_MAX);
    }
}
static const double SPECIAL[] = {0, 1, 0.5, 2, 3, 1.5, 0x1p-149, 0x1p-1074, 0x1p-126, 0x1p-1022, 0x1p23, 0x1p24 + 1, 0x1p52, 0x1p53 + 1, 1e30, FLT_MAX, DBL_MAX, HUGE_VAL, NAN};
enum { N_SPECIAL = 2 * sizeof SPECIAL / sizeof *SPECIAL };
static double special(long i, bool single) { return rounded(i % 2 ? -SPECIAL[i / 2] : SPECIAL[i / 2], single); }

int main(int argc, char **argv)
{
    long count = argc > 1 ? strtol(argv[1], NULL, 0) : 200000, n_special = (long)N_SPECIAL * N_SPECIAL;
    int failed = 0, passed = 0;
    for (size_t k = 0; k < sizeof FUNCTIONS / sizeof *FUNCTIONS; k++) {
        const struct function *f = &FUNCTIONS[k];
        double worst = 0, at[2] = {0, 0}, x, y;
        for (long i = -n_special; i < 5 * count; i++) {
            if (i < 0)
                x = special((-i - 1) % N_SPECIAL, f->single), y = special((-i - 1) / N_SPECIAL, f->single);
            else
                sample(i, f->single, &x, &y);
            double e = ulp_error(f->f(x, y), f->ref(x, y), f->single ? 24 : 53, f->single ? -126 : -1022, f->single ? (double)FLT_MAX : DBL_MAX);
            if (e > worst) { worst = e; at[0] = x; at[1] = y; }
        }
        int ok = worst <= f->bound;
        printf("%-12s %8.3f ulp (class %g) at %a, %a%s\n", f->name, worst, f->bound, at[0], at[1], ok ? "" : "  FAILED");
        ok ? passed++ : failed++;
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
