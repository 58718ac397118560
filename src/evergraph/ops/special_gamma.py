"""The logarithm of the gamma function, its derivatives, and the Hurwitz zeta function, in NumPy.

All in float64. lgamma: Stirling's series from 8 on; below, by recurrence, a polynomial for
lgamma(2 + t) / t, |t| <= 1/2, fitted in 40 digits to 6e-19. digamma: the asymptotic series from 10
on, by recurrence below. zeta: the Euler-Maclaurin formula (NIST Handbook of Mathematical Functions,
5.11, 5.15 and 25.11).
"""

from __future__ import annotations

import numpy as np

from evergraph.ops.special_erf import Array, polynomial

_NEAR_TWO = (
    -1.3219945666117874478e-7, 2.7874080521135899778e-7, -4.325239344560481638e-7,
    9.2005278949681004906e-7, -2.0439048107029906744e-6, 4.384704404598360326e-6,
    -9.4387150992115326607e-6, 0.00002050559075583345311, -0.000044926313379155697453,
    0.000099457673558194982074, -0.0002231547540052050773, 0.00050966951541154583479,
    -0.0011927539118428156859, 0.002890510331034266859, -0.0073855510286719983953,
    0.020580808427780380065, -0.06735230105319810342, 0.32246703342411323562,
    0.42278433509846713939,
)  # fmt: skip
#: B(2j) / (2j (2j - 1)), j = 8 ... 1.
_STIRLING = (
    -3617 / 122400, 1 / 156, -691 / 360360, 1 / 1188, -1 / 1680, 1 / 1260, -1 / 360, 1 / 12,
)  # fmt: skip
#: B(2j) / 2j, j = 8 ... 1.
_DIGAMMA = (-3617 / 8160, 1 / 12, -691 / 32760, 1 / 132, -1 / 240, 1 / 252, -1 / 120, 1 / 12)
#: B(2j), j = 1 ... 12.
_BERNOULLI = (
    1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798,
    -174611 / 330, 854513 / 138, -236364091 / 2730,
)  # fmt: skip


def lgamma(x: Array) -> Array:
    """The logarithm of the absolute value of the gamma function; infinite at 0, -1, -2, ..."""
    flat = np.ravel(x)
    size = np.abs(flat)
    result = np.where(size < 8, _lgamma_below_8(np.minimum(size, 8.0)), _lgamma_from_8(size))
    below = flat < 0
    if below.any():
        # Reflection: gamma(x) gamma(-x) = -pi / (x sin(pi x)).
        distance = flat[below] - np.rint(flat[below])
        sine = np.abs(np.sin(np.pi * distance) * flat[below])
        reflected = np.log(np.pi / sine) - result[below]
        result[below] = np.where(np.isinf(flat[below]), np.inf, reflected)
    return result.reshape(x.shape)


def _lgamma_from_8(x: Array) -> Array:
    x = np.maximum(x, 8.0)
    # log(x) - 1 first: x log(x) alone may overflow where the result does not.
    return (x - 0.5) * (np.log(x) - 1) + (0.5 * np.log(2 * np.pi) - 0.5) + stirling(x)


def stirling(x: Array) -> Array:
    """What lgamma(x) is above (x - 1/2) log(x) - x + log(2 pi) / 2, for x from 8 on."""
    inverse = 1 / x
    return polynomial(inverse * inverse, _STIRLING) * inverse


def _lgamma_below_8(x: Array) -> Array:
    # Of t no digit may be lost: near 1 and 2, where lgamma is 0, x - 1 and x - 2 are exact.
    shift = np.where(x >= 1.5, np.rint(x), np.where(x >= 0.5, 1.0, 0.0))
    t = x - shift
    result = t * polynomial(t, _NEAR_TWO)
    product = np.ones_like(x)
    for i in range(1, 7):
        product *= np.where(shift > i + 1.5, x - i, 1.0)
    result = result + np.log(product)
    result = np.where(shift < 1.5, result - np.log1p(t), result)
    return np.where(shift < 0.5, result - np.log(x), result)


def digamma(x: Array) -> Array:
    """The derivative of lgamma; NaN at 0, -1, -2, ..."""
    flat = np.ravel(x)
    # Reflection: digamma(x) = digamma(1 - x) - pi / tan(pi x).
    below = flat <= 0
    shifted = np.where(below, 1 - flat, flat)
    total = np.zeros_like(shifted)
    for _ in range(10):
        small = shifted < 10
        total -= np.where(small, 1 / shifted, 0.0)
        shifted += small
    inverse = 1 / shifted
    squared = inverse * inverse
    total += np.log(shifted) - 0.5 * inverse - squared * polynomial(squared, _DIGAMMA)
    if below.any():
        distance = flat[below] - np.rint(flat[below])
        cotangent = np.pi / np.tan(np.pi * distance)
        total[below] = np.where(distance == 0, np.nan, total[below] - cotangent)
    return total.reshape(x.shape)


def zeta(x: Array, q: Array) -> Array:
    """The sum of (q + k)^-x over k = 0, 1, 2, ..., broadcast.

    Infinite where x is 1 or a term is 1/0; NaN where the sum diverges (x < 1), or a term is no real
    number or may have either sign.
    """
    x, q = np.broadcast_arrays(x, q)
    shape, x, q = x.shape, x.ravel(), q.ravel()
    above = np.where(q > 0, q, 1.0)
    result = _zeta_above_0(x, above)
    below = (q < 0) & (q != np.floor(q)) & (x == np.floor(x)) & (x > 1)
    if below.any():
        # The terms before 0, by their distance from it, are the difference of two such sums.
        power, start = x[below], q[below]
        fraction = start - np.floor(start)
        before = _zeta_above_0(power, 1 - fraction) - _zeta_above_0(power, 1 - start)
        odd = np.where(power % 2 == 0, 1.0, -1.0)
        result[below] = _zeta_above_0(power, fraction) + odd * before
    result = np.where((q < 0) & ~below, np.nan, result)
    even = np.where(x % 2 == 0, np.inf, np.nan)
    result = np.where((q <= 0) & (q == np.floor(q)), even, result)
    result = np.where(x == 1, np.inf, result)
    return np.where((x < 1) | np.isnan(x) | np.isnan(q), np.nan, result).reshape(shape)


def _zeta_above_0(x: Array, q: Array) -> Array:
    total = np.zeros_like(q)
    a = q.copy()
    # Terms one by one, until the formula for the rest holds or nothing more comes.
    active = a < 10 + x
    while active.any():
        term = np.where(active, a**-x, 0.0)
        total += term
        a += active
        active &= (a < 10 + x) & (term > 1e-18 * total)
    power = a**-x
    rest = power * (a / (x - 1) + 0.5)
    factor = x * power / (2 * a)
    for j, bernoulli in enumerate(_BERNOULLI, 1):
        rest += bernoulli * factor
        factor *= (x + 2 * j - 1) * (x + 2 * j) / (a * a * (2 * j + 1) * (2 * j + 2))
    return total + np.where(power > 0, rest, 0.0)


def polygamma(n: Array, x: Array) -> Array:
    """The ``n``-th derivative of digamma at ``x``, broadcast; NaN for ``n`` not 0, 1, 2, ..."""
    n, x = np.broadcast_arrays(n, x)
    order = np.where(n == np.floor(n), n, np.nan)
    sign = np.where(order % 2 == 0, -1.0, 1.0)
    derivative = sign * np.exp(lgamma(order + 1)) * zeta(order + 1, x)
    return np.where(order == 0, digamma(x), derivative)
