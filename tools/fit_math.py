#!/usr/bin/env python3
"""Coefficients of the polynomials of dsl/passes/math_f32.inc and math_f64.inc.

Fits sum(c[k] x^k) to a function on an interval so that the largest weighted error is least (C. L. Lawson's iteration: least
squares whose weights grow where the error is large), in 50-digit decimals. Coefficients are rounded to f32 one after the
other, the lowest first, and the rest is fitted again to what the rounded ones leave.

Usage: tools/fit_math.py            prints each fit with its error, as a power of two, relative to the result
"""
import struct
from decimal import Decimal as D, getcontext, localcontext

getcontext().prec = 50
POINTS = 120 # even: 0 is none of them
ROUNDS = 25


def f32(x):
    return D(struct.unpack("f", struct.pack("f", float(x)))[0])


def f64(x):
    return D(float(x))


def solve(a, b):
    """Gaussian elimination with pivots."""
    n = len(b)
    m = [row[:] + [v] for row, v in zip(a, b)]
    for i in range(n):
        p = max(range(i, n), key=lambda k: abs(m[k][i]))
        m[i], m[p] = m[p], m[i]
        for k in range(i + 1, n):
            f = m[k][i] / m[i][i]
            m[k] = [u - f * v for u, v in zip(m[k], m[i])]
    x = [D(0)] * n
    for i in reversed(range(n)):
        x[i] = (m[i][n] - sum(m[i][k] * x[k] for k in range(i + 1, n))) / m[i][i]
    return x


def poly(c, x):
    y = D(0)
    for k in reversed(c):
        y = y * x + k
    return y


def fit_rest(xs, ys, ws, degree, fixed):
    """The best coefficients from number len(fixed) on, and the largest weighted error."""
    lead = len(fixed)
    ks = range(lead, degree + 1)
    rest = [y - poly(fixed, x) for x, y in zip(xs, ys)]
    powers = [[x**k for k in ks] for x in xs]
    v = [D(1)] * len(xs)
    best = None
    for _ in range(ROUNDS):
        g = [u * w * w for u, w in zip(v, ws)]
        a = [[sum(gi * p[i] * p[k] for gi, p in zip(g, powers)) for k in range(len(ks))] for i in range(len(ks))]
        b = [sum(gi * p[i] * r for gi, p, r in zip(g, powers, rest)) for i in range(len(ks))]
        c = solve(a, b)
        e = [abs(w * (sum(q * t for q, t in zip(c, p)) - r)) for w, p, r in zip(ws, powers, rest)]
        if best is None or max(e) < best[1]:
            best = (c, max(e))
        total = sum(vi * ei for vi, ei in zip(v, e))
        v = [vi * ei / total * len(xs) for vi, ei in zip(v, e)]
    return best


def fit(name, function, weight, lo, hi, degree, number=f32):
    """Prints c[0 … degree], each of them a `number`; weight(x) turns an error of the polynomial into a relative error of the result."""
    xs = [D(lo) + (D(hi) - D(lo)) * (D(2 * i + 1) / D(2 * POINTS)) for i in range(POINTS)]
    ys = [function(x) for x in xs]
    ws = [weight(x) for x in xs]
    fixed = []
    for _ in range(degree + 1):
        c, _ = fit_rest(xs, ys, ws, degree, fixed)
        fixed.append(number(c[0]))
    e = max(abs(w * (poly(fixed, x) - y)) for x, y, w in zip(xs, ys, ws))
    print(f"{name}: 2^{float(e.log10() / D(2).log10()):.1f}")
    print("   ", ", ".join(f"F({float(c):.12g})" if number is f32 else f"D({float(c)!r})" for c in fixed))


def tail_of_exp(r):
    """(exp(r) - 1 - r) / r^2"""
    term, total = D("0.5"), D(0)
    for k in range(3, 40):
        total += term
        term = term * r / k
    return total


def third_tail_of_exp(r):
    """(exp(r) - 1 - r - r^2 / 2) / r^3"""
    return (tail_of_exp(r) - D("0.5")) / r


def pi():
    """Machin's formula"""
    def arctan_of_inverse(n):
        term, total, k = D(1) / n, D(0), 0
        while abs(term) > D(10) ** -(getcontext().prec + 5):
            total += term / (2 * k + 1) * (1 if k % 2 == 0 else -1)
            term /= n * n
            k += 1
        return total
    return 16 * arctan_of_inverse(5) - 4 * arctan_of_inverse(239)


def erf(x):
    """The series around 0; 100 digits more, for what cancels up to x = 10"""
    with localcontext() as context:
        context.prec += 100
        x, term, total, k = D(x), D(x), D(0), 0
        while abs(term) > D(10) ** -context.prec:
            total += term / (2 * k + 1)
            k += 1
            term = -term * x * x / k
        return 2 * total / pi().sqrt()


def erfc(x):
    with localcontext() as context:
        context.prec += 100
        return 1 - erf(x)


def erfc_quotient(u):
    """erfc(a) exp(a^2) / t, a from t = u + ERFC_MIDDLE = 3 / (3 + a)"""
    t = u + ERFC_MIDDLE
    a = 3 * (1 - t) / t
    with localcontext() as context:
        context.prec += 100
        return erfc(a) * (a * a).exp() / t


def atan(t):
    """The series, after the angle was halved four times"""
    for _ in range(4):
        t = t / (1 + (1 + t * t).sqrt())
    term, total, k = t, D(0), 0
    while abs(term) > D(10) ** -(getcontext().prec + 5):
        total += term / (2 * k + 1)
        term = -term * t * t
        k += 1
    return 16 * total


def atan_tail(z):
    """(atan(t) - t) / t^3, z = t^2"""
    return (atan(z.sqrt()) / z.sqrt() - 1) / z


def asin_tail(z):
    """(asin(s) - s) / s^3, z = s^2"""
    return (atan((z / (1 - z)).sqrt()) / z.sqrt() - 1) / z


def second_tail_of_atanh(z):
    """(atanh(s) - s - s^3 / 3) / s^5"""
    return sum(z ** k / (2 * k + 5) for k in range(120))


def atanh_tail(z):
    """(atanh(s) - s) / s^3, z = s^2"""
    return sum(z ** k / (2 * k + 3) for k in range(120))


def sin_tail(z):
    """(sin(s) / s - 1) / z, z = s^2"""
    term, total = -D(1) / 6, D(0)
    for k in range(2, 30):
        total += term
        term = -term * z / ((2 * k) * (2 * k + 1))
    return total


def cos_tail(z):
    """(cos(s) - 1) / z"""
    term, total = -D(1) / 2, D(0)
    for k in range(2, 30):
        total += term
        term = -term * z / ((2 * k - 1) * (2 * k))
    return total


def second_tail_of_cos(z):
    """(cos(s) - 1 + z / 2) / z^2"""
    return (cos_tail(z) + D("0.5")) / z


ERFC_MIDDLE = D("0.6328125") # where g is near a number of f32
HALF_LN2 = D(2).ln() / 2 * D("1.0005")

if __name__ == "__main__":
    fit("exp(r) = 1 + r + r^2 q(r)", tail_of_exp, lambda r: r * r / r.exp(), -HALF_LN2, HALF_LN2, 4)
    fit("exp(r) - 1 = r + r^2 q(r)", tail_of_exp, lambda r: abs(r * r / (r.exp() - 1)), -HALF_LN2, HALF_LN2, 4)
    fit("exp(r) - 1 = r + r^2 q(r)", tail_of_exp, lambda r: abs(r * r / (r.exp() - 1)), -HALF_LN2, HALF_LN2, 5)
    fit("erfc(a) exp(a^2) = t g(t - 0.6328125), t = 3 / (3 + a)", erfc_quotient, lambda u: 1 / erfc_quotient(u),
        D(3) / D("13.1") - ERFC_MIDDLE, 1 - ERFC_MIDDLE, 9)
    fit("erf(x) = x + x p(x^2)", lambda z: erf(z.sqrt()) / z.sqrt() - 1, lambda z: z.sqrt() / erf(z.sqrt()), 0, "0.8836", 5)
    fit("erf(x) = 1 - exp(p(x))", lambda x: erfc(x).ln(), lambda x: erfc(x) / erf(x), "0.92", 4, 6)
    fit("2 atanh(s) = 2 s + s^3 p(s^2)", lambda z: 2 * atanh_tail(z), lambda z: z / 2 / (1 + z * atanh_tail(z)), 0, D(1) / 9, 4)
    fit("f64: 2 atanh(s) = 2 s + s^3 p(s^2)", lambda z: 2 * atanh_tail(z), lambda z: z / 2 / (1 + z * atanh_tail(z)), 0, "0.0295", 6, f64)
    quarter = (pi() / 4) ** 2 * D("1.0005")
    fit("sin(s) = s + s^3 p(s^2)", sin_tail, lambda z: z / (1 + z * sin_tail(z)), 0, quarter, 3)
    fit("cos(s) = 1 + s^2 p(s^2)", cos_tail, lambda z: z / (1 + z * cos_tail(z)), 0, quarter, 3)
    fit("f64: exp(r) - 1 = r + r^2 / 2 + r^3 p(r)", third_tail_of_exp, lambda r: abs(r ** 3 / (r.exp() - 1)), -HALF_LN2, HALF_LN2, 9, f64)
    fit("f64: sin(s) = s + s^3 p(s^2)", sin_tail, lambda z: z / (1 + z * sin_tail(z)), 0, quarter, 5, f64)
    fit("f64: cos(s) = 1 - s^2 / 2 + s^4 p(s^2)", second_tail_of_cos, lambda z: z * z / (1 + z * cos_tail(z)), 0, quarter, 5, f64)
    fit("f64: 2 atanh(s) = 2 s + 2/3 s^3 + s^5 p(s^2)", lambda z: 2 * second_tail_of_atanh(z), lambda z: z * z / 2, 0, "0.0295", 6, f64)
    # The ends of the interval are not among the points: it is a little larger where the error grows there.
    fit("atan(t) = t + t^3 p(t^2)", atan_tail, lambda z: z / (1 + z * atan_tail(z)), 0, 1, 7)
    fit("f64: atan(t) = t + t^3 p(t^2)", atan_tail, lambda z: z / (1 + z * atan_tail(z)), 0, "1.006", 19, f64)
    fit("asin(s) = s + s^3 p(s^2)", asin_tail, lambda z: z / (1 + z * asin_tail(z)), 0, "0.25", 4)
    fit("f64: asin(s) = s + s^3 p(s^2)", asin_tail, lambda z: z / (1 + z * asin_tail(z)), 0, "0.252", 11, f64)
    fit("f64: erf(x) = x + x p(x^2)", lambda z: erf(z.sqrt()) / z.sqrt() - 1, lambda z: z.sqrt() / erf(z.sqrt()), 0, "1.006", 11, f64)
    fit("f64: erf(x) = 1 - exp(p(x - 3/2))", lambda u: erfc(u + D("1.5")).ln(), lambda u: erfc(u + D("1.5")) / erf(u + D("1.5")), "-0.53", "4.5", 17, f64)
