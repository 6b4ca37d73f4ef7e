#!/usr/bin/env python3
"""Computes the coefficients of the polynomials in dm-1.cl.

Needs mpmath. Each polynomial interpolates at Chebyshev nodes of its interval, in 60 digits; the
coefficients are rounded to single precision from the highest down, each rounding made good by a new fit of
the lower ones. Printed as C literals, highest degree first.
"""

from mpmath import mp, mpf, cos, pi, exp, log, erf, erfc, sin, tanh, sqrt, matrix, lu_solve
import struct

mp.dps = 60


def f32(x):
    return mpf(struct.unpack("f", struct.pack("f", float(x)))[0])


def fit(function, low, high, degree, fixed=()):
    """Coefficients, lowest degree first; the highest `len(fixed)` are given."""
    free = degree + 1 - len(fixed)
    nodes = [(low + high) / 2 + (high - low) / 2 * cos((2 * k + 1) * pi / (2 * free)) for k in range(free)]
    rows = matrix(free, free)
    right = matrix(free, 1)
    for i, x in enumerate(nodes):
        known = sum(c * x ** (degree - j) for j, c in enumerate(fixed))
        for j in range(free):
            rows[i, j] = x**j
        right[i] = function(x) - known
    return [c for c in lu_solve(rows, right)]


def rounded(function, low, high, degree):
    fixed = []
    for _ in range(degree + 1):
        fixed.append(f32(fit(function, mpf(low), mpf(high), degree, fixed)[degree - len(fixed)]))
    worst = mpf(0)
    for k in range(2001):
        x = mpf(low) + (mpf(high) - mpf(low)) * k / 2000
        value = sum(c * x ** (degree - j) for j, c in enumerate(fixed))
        worst = max(worst, abs(value - function(x)))
    return fixed, worst


def literal(x):
    return f"{float(x).hex()}f"


def show(name, function, low, high, degree):
    coefficients, worst = rounded(function, low, high, degree)
    print(f"{name}  (absolute error {mp.nstr(worst, 3)})")
    for c in coefficients:
        print(f"    {literal(c)}  {mp.nstr(c, 10)}")


def series(function, at_zero):
    """`function`, with its limit at 0."""
    return lambda x: at_zero if abs(x) < mpf(10) ** -25 else function(x)


half_ln2 = log(2) / 2
show("exp: (e^r - 1 - r)/r^2 in r", series(lambda r: (exp(r) - 1 - r) / r**2, mpf(1) / 2), -half_ln2, half_ln2, 5)
t = (sqrt(2) - 1) ** 2 / (sqrt(2) + 1) ** 2
show("log: (2 atanh s - 2s)/s^3 in s^2",
     series(lambda z: (log((1 + sqrt(z)) / (1 - sqrt(z))) - 2 * sqrt(z)) / sqrt(z) ** 3, mpf(2) / 3), 0, t * mpf("1.02"), 3)
show("tanh: (tanh x - x)/x^3 in x^2", series(lambda z: (tanh(sqrt(z)) - sqrt(z)) / sqrt(z) ** 3, -mpf(1) / 3), 0, mpf("0.5625") ** 2, 4)
show("erf: erf x / x - 1 in x^2", series(lambda z: erf(sqrt(z)) / sqrt(z) - 1, 2 / sqrt(pi) - 1), 0, mpf("0.9375") ** 2, 6)
show("erfc: ln erfc x in x", lambda x: log(erfc(x)), mpf("0.9375"), 4, 9)
q = (pi / 4) ** 2
show("sin: (sin r - r)/r^3 in r^2", series(lambda z: (sin(sqrt(z)) - sqrt(z)) / sqrt(z) ** 3, -mpf(1) / 6), 0, q, 3)
show("cos: (cos r - 1 + r^2/2)/r^4 in r^2", series(lambda z: (cos(sqrt(z)) - 1 + z / 2) / z**2, mpf(1) / 24), 0, q, 2)
print("ln2   ", literal(f32(log(2))), literal(f32(log(2) - f32(log(2)))))
high = mpf(int(log(2) * 2**15)) / 2**15
print("ln2 with 15 bits", literal(high), literal(f32(log(2) - high)), literal(f32(log(2) - high - f32(log(2) - high))))
print("1/ln2 ", literal(f32(1 / log(2))))
rest = pi / 2
parts = []
for _ in range(3):
    parts.append(f32(rest))
    rest -= parts[-1]
print("pi/2  ", *[literal(p) for p in parts])
print("2/pi  ", literal(f32(2 / pi)))
print("1/sqrt2", literal(f32(1 / sqrt(2))))
bits = int(2 / pi * mpf(2) ** 224)
mp.dps = 120
bits = int(2 / mp.pi * mpf(2) ** 224)
print("2/pi in 32-bit words", ", ".join(f"0x{(bits >> (224 - 32 * (k + 1))) & 0xffffffff:08x}" for k in range(7)))
