#!/usr/bin/env python3
"""Coefficients of the f32 polynomials of dsl/passes/math_f32.inc.

Fits sum(c[k] x^k) to a function on an interval so that the largest weighted error is least (C. L. Lawson's iteration: least
squares whose weights grow where the error is large), in 50-digit decimals. Coefficients are rounded to f32 one after the
other, the lowest first, and the rest is fitted again to what the rounded ones leave.

Usage: tools/fit_math.py            prints each fit with its error, as a power of two, relative to the result
"""
import struct
from decimal import Decimal as D, getcontext

getcontext().prec = 50
POINTS = 120 # even: 0 is none of them
ROUNDS = 25


def f32(x):
    return D(struct.unpack("f", struct.pack("f", float(x)))[0])


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


def fit(name, function, weight, lo, hi, degree):
    """Prints c[0 … degree]; weight(x) turns an error of the polynomial into a relative error of the result."""
    xs = [D(lo) + (D(hi) - D(lo)) * (D(2 * i + 1) / D(2 * POINTS)) for i in range(POINTS)]
    ys = [function(x) for x in xs]
    ws = [weight(x) for x in xs]
    fixed = []
    for _ in range(degree + 1):
        c, _ = fit_rest(xs, ys, ws, degree, fixed)
        fixed.append(f32(c[0]))
    e = max(abs(w * (poly(fixed, x) - y)) for x, y, w in zip(xs, ys, ws))
    print(f"{name}: 2^{float(e.log10() / D(2).log10()):.1f}")
    print("   ", ", ".join(f"F({float(c):.12g})" for c in fixed))


def tail_of_exp(r):
    """(exp(r) - 1 - r) / r^2"""
    term, total = D("0.5"), D(0)
    for k in range(3, 40):
        total += term
        term = term * r / k
    return total


HALF_LN2 = D(2).ln() / 2 * D("1.0005")

if __name__ == "__main__":
    fit("exp(r) = 1 + r + r^2 q(r)", tail_of_exp, lambda r: r * r / r.exp(), -HALF_LN2, HALF_LN2, 4)
    fit("exp(r) - 1 = r + r^2 q(r)", tail_of_exp, lambda r: abs(r * r / (r.exp() - 1)), -HALF_LN2, HALF_LN2, 4)
    fit("exp(r) - 1 = r + r^2 q(r)", tail_of_exp, lambda r: abs(r * r / (r.exp() - 1)), -HALF_LN2, HALF_LN2, 5)
