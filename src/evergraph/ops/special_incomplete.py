"""The regularized incomplete gamma and beta functions, in NumPy, float64.

Power series and continued fractions: NIST Handbook of Mathematical Functions, 8.7.1, 8.9.2,
8.17.22; the continued fractions are evaluated forwards (gamma) and by Lentz's method (beta). For
parameters above a million, of which these need ever more terms: the uniform expansion, 8.12.
"""

from __future__ import annotations

import numpy as np

from evergraph.ops.special_erf import Array, erfc, polynomial
from evergraph.ops.special_gamma import digamma, lgamma, stirling

#: Above, the uniform expansion serves; below, these steps do.
_LARGE = 1e6
_MOST_STEPS = 10_000
_EPSILON = 2.0**-52
_TINY = 1e-300


def igamma(a: Array, x: Array) -> Array:
    """The share of the gamma function of ``a`` below ``x``, broadcast; NaN unless a > 0, x >= 0."""
    return _gamma_shares(a, x)[0]


def igammac(a: Array, x: Array) -> Array:
    """The share of the gamma function of ``a`` above ``x``, broadcast; NaN unless a > 0, x >= 0."""
    return _gamma_shares(a, x)[1]


def igamma_grad_a(a: Array, x: Array) -> Array:
    """The derivative of ``igamma`` with respect to ``a``."""
    return _gamma_shares(a, x, slope=True)[2]


def _gamma_shares(a: Array, x: Array, slope: bool = False) -> tuple[Array, Array, Array]:
    a, x = np.broadcast_arrays(a, x)
    below, above, slopes = (np.full(a.shape, np.nan) for _ in range(3))
    inside = (a > 0) & (x > 0) & np.isfinite(a) & np.isfinite(x)
    large = inside & (a > _LARGE)
    if large.any():
        below[large], above[large], slopes[large] = _shares_of_large(a[large], x[large])
        inside = inside & ~large
    by_fraction = inside & (x > 1) & (x > a)
    for chosen, function in (
        (inside & ~by_fraction, _share_below),
        (by_fraction, _share_above),
    ):
        if not chosen.any():
            continue
        share, change = function(a[chosen], x[chosen], slope)
        first, second = (below, above) if function is _share_below else (above, below)
        first[chosen] = share
        second[chosen] = 1 - share
        slopes[chosen] = change if function is _share_below else -change
    # The ends: nothing lies below 0, all below infinity; nothing where ``a`` is infinite.
    for ends, below_them in (
        ((a > 0) & np.isfinite(a) & np.isposinf(x), 1.0),
        (np.isposinf(a) & (x > 0), 0.0),
        ((a > 0) & (x == 0), 0.0),
    ):
        below[ends], above[ends], slopes[ends] = below_them, 1 - below_them, 0.0
    # TensorFlow looks at x first.
    below[x == 0] = slopes[x == 0] = 0.0
    return below, above, slopes


def _log_density(a: Array, x: Array) -> Array:
    """``a log(x) - x - lgamma(a)``; from a = 8 on without these differences of large numbers."""
    large = np.maximum(a, 8.0)
    by_stirling = 0.5 * np.log(large / (2 * np.pi)) - stirling(large)
    by_stirling -= large * _less_its_logarithm((x - large) / large)
    return np.where(a < 8, a * np.log(x) - x - lgamma(a), by_stirling)


def _less_its_logarithm(u: Array) -> Array:
    """``u - log(1 + u)``, exact near 0."""
    near = np.where(np.abs(u) < 0.01, u, 0.0)
    series = polynomial(near, [1 / 8, -1 / 7, 1 / 6, -1 / 5, 1 / 4, -1 / 3, 1 / 2]) * near * near
    return np.where(np.abs(u) < 0.01, series, u - np.log1p(np.maximum(u, -1 + _EPSILON)))


def _shares_of_large(a: Array, x: Array) -> tuple[Array, Array, Array]:
    """The shares below and above, and the derivative by ``a`` of the first, for large ``a``."""
    u = (x - a) / a
    half_squared = _less_its_logarithm(u)
    eta = np.copysign(np.sqrt(2 * half_squared), u)
    near = np.abs(eta) < 0.01
    safe_eta, safe_u = np.where(near, 1.0, eta), np.where(near, 1.0, u)
    c0 = np.where(
        near, polynomial(eta, [1 / 864, -2 / 135, 1 / 12, -1 / 3]), 1 / safe_u - 1 / safe_eta
    )
    density = np.exp(-a * half_squared) / np.sqrt(2 * np.pi * a)
    rest = density * c0
    root = np.sqrt(a / 2)
    ratio = np.where(near, polynomial(eta, [1 / 36, 1 / 3, 1.0]), safe_u / safe_eta)
    slope = density * (eta / 2 - ratio) - rest * (u - half_squared)
    return erfc(-eta * root) / 2 - rest, erfc(eta * root) / 2 + rest, slope


def _share_below(a: Array, x: Array, slope: bool) -> tuple[Array, Array]:
    """The power series of igamma, and its derivative by ``a``."""
    term = np.ones_like(a)
    total = np.ones_like(a)
    term_slope, total_slope = np.zeros_like(a), np.zeros_like(a)
    k = a.copy()
    done = np.zeros(a.shape, bool)
    for _ in range(_MOST_STEPS):
        k += 1
        term_slope = (term_slope - term / k) * x / k
        term = term * x / k
        total += term
        total_slope += term_slope
        small = term <= _EPSILON * total
        if slope:
            small &= np.abs(term_slope) <= _EPSILON * np.abs(total_slope)
        done |= small
        if done.all():
            break
    density = np.exp(_log_density(a, x)) / a
    if not slope:
        return density * total, total_slope
    return density * total, density * (total_slope + total * (np.log(x) - digamma(a + 1)))


def _share_above(a: Array, x: Array, slope: bool) -> tuple[Array, Array]:
    """The continued fraction of igammac, and its derivative by ``a``."""
    y = 1 - a
    z = x + y + 1
    before = [np.ones_like(a), x.copy(), np.zeros_like(a), np.zeros_like(a)]
    now = [x + 1, z * x, np.zeros_like(a), -x]
    value, change = now[0] / now[1], -now[0] * now[3] / now[1] ** 2
    done = np.zeros(a.shape, bool)
    for c in range(1, _MOST_STEPS):
        y = y + 1
        z = z + 2
        yc = y * c
        p = now[0] * z - before[0] * yc
        q = now[1] * z - before[1] * yc
        p_slope = now[2] * z - now[0] - before[2] * yc + before[0] * c
        q_slope = now[3] * z - now[1] - before[3] * yc + before[1] * c
        fraction = p / q
        fraction_change = (p_slope - fraction * q_slope) / q
        same = np.abs(fraction - value) <= _EPSILON * np.abs(fraction)
        if slope:
            same &= np.abs(fraction_change - change) <= _EPSILON * np.abs(fraction_change)
        value, change = fraction, fraction_change
        done |= same
        if done.all():
            break
        # Numerators and denominators grow without end; only their ratios matter.
        scale = np.where(np.abs(p) > 2.0**52, 2.0**-52, 1.0)
        before = [one * scale for one in now]
        now = [one * scale for one in (p, q, p_slope, q_slope)]
    density = np.exp(_log_density(a, x))
    if not slope:
        return density * value, change
    return density * value, density * (change + value * (np.log(x) - digamma(a)))


def betainc(a: Array, b: Array, x: Array) -> Array:
    """The share of the beta function of ``a`` and ``b`` that lies below ``x``, broadcast.

    NaN unless a > 0, b > 0 and 0 <= x <= 1.
    """
    a, b, x = np.broadcast_arrays(a, b, x)
    inside = (a > 0) & (b > 0) & (x > 0) & (x < 1)
    result = np.full(a.shape, np.nan)
    result[(a > 0) & (b > 0) & (x == 0)] = 0.0
    result[(a > 0) & (b > 0) & (x == 1)] = 1.0
    a, b, x = a[inside], b[inside], x[inside]
    density = np.exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * np.log(x) + b * np.log1p(-x))
    # The fraction converges fast on one side of the mean; of the other, it gives the rest.
    turned = x > (a + 1) / (a + b + 2)
    one, other, y = np.where(turned, b, a), np.where(turned, a, b), np.where(turned, 1 - x, x)
    share = density * _beta_fraction(one, other, y) / one
    result[inside] = np.where(turned, 1 - share, share)
    return result


def _beta_fraction(a: Array, b: Array, x: Array) -> Array:
    c = np.ones_like(x)
    d = 1 / _not_0(1 - (a + b) * x / (a + 1))
    value = d
    done = np.zeros(x.shape, bool)
    for m in range(1, _MOST_STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / _not_0(1 + even * d)
        c = _not_0(1 + even / c)
        value = value * d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d = 1 / _not_0(1 + odd * d)
        c = _not_0(1 + odd / c)
        change = d * c
        value = value * change
        done |= np.abs(change - 1) <= _EPSILON
        if done.all():
            break
    return value


def _not_0(x: Array) -> Array:
    return np.where(np.abs(x) < _TINY, _TINY, x)
