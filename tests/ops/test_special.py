"""The special functions: values known to 40 digits (mpmath), identities over whole ranges, ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from evergraph.ops import special_erf, special_gamma, special_incomplete

KNOWN: list[tuple[Callable[..., Any], tuple[float, ...], float]] = [
    (special_erf.erf, (0.125,), 0.14031620480133382),
    (special_erf.erf, (0.5,), 0.52049987781304654),
    (special_erf.erf, (1.0,), 0.84270079294971487),
    (special_erf.erf, (2.5,), 0.99959304798255504),
    (special_erf.erf, (-1.25,), -0.92290012825645823),
    (special_erf.erf, (1e-10,), 1.1283791670955126e-10),
    (special_erf.erfc, (0.125,), 0.85968379519866618),
    (special_erf.erfc, (4.5,), 1.9661604415428875e-10),
    (special_erf.erfc, (10.0,), 2.0884875837625448e-45),
    (special_erf.erfc, (26.0,), 5.6631924088561428e-296),
    (special_erf.erfc, (-2.0,), 1.9953222650189527),
    (special_erf.erfinv, (0.0625,), 0.05544594877278202),
    (special_erf.erfinv, (-0.9375,), -1.3171503349861307),
    (special_erf.erfinv, (1e-10,), 8.8622692545275801e-11),
    (special_erf.ndtri, (0.0625,), -1.5341205443525463),
    (special_erf.ndtri, (0.75,), 0.67448975019608174),
    (special_erf.ndtri, (1e-30,), -11.464024688443616),
    (special_gamma.lgamma, (0.001,), 6.9071788853838537),
    (special_gamma.lgamma, (1.5,), -0.12078223763524522),
    (special_gamma.lgamma, (9.5,), 11.689333420797268),
    (special_gamma.lgamma, (100.0,), 359.1342053695754),
    (special_gamma.lgamma, (-2.5,), -0.056243716497674051),
    (special_gamma.lgamma, (1e-300,), 690.77552789821371),
    # Next to its zeros, where a sum of large terms would leave nothing.
    (special_gamma.lgamma, (1 + 2.0**-40,), -5.2497458900760178e-13),
    (special_gamma.lgamma, (2 + 2.0**-40,), 3.8452011276491287e-13),
    (special_gamma.digamma, (0.25,), -4.2274535333762654),
    (special_gamma.digamma, (40.0,), 3.6763273740348431),
    (special_gamma.digamma, (-0.75,), -2.8941202000429321),
    (special_gamma.zeta, (1.5, 0.25), 10.213055360466601),
    (special_gamma.zeta, (7.0, 30.5), 2.2818017330577495e-10),
    (special_gamma.zeta, (30.0, 2.0), 9.3132743241966818e-10),
    (special_gamma.zeta, (3.0, -2.5), 0.054102025820863702),
    (special_gamma.polygamma, (1.0, 0.5), 4.9348022005446793),
    (special_gamma.polygamma, (2.0, 3.25), -0.12815694713911512),
    (special_gamma.polygamma, (5.0, 1.0), 122.0811674381339),
    (special_incomplete.igamma, (0.5, 0.25), 0.52049987781304654),
    (special_incomplete.igamma, (20.0, 30.0), 0.97812653155860915),
    (special_incomplete.igamma, (1000.0, 990.0), 0.37952137853796394),
    (special_incomplete.igammac, (0.5, 9.0), 2.2090496998585441e-5),
    (special_incomplete.igammac, (20.0, 60.0), 6.3519183403789761e-10),
    (special_incomplete.igamma_grad_a, (0.5, 0.25), -0.79794731678322294),
    (special_incomplete.igamma_grad_a, (4.0, 9.0), -0.022806697458923088),
    (special_incomplete.betainc, (0.5, 0.5, 0.25), 1 / 3),
    (special_incomplete.betainc, (40.0, 3.0, 0.9375), 0.50714059307632229),
    (special_incomplete.betainc, (5.0, 0.25, 0.125), 2.6829409999372068e-6),
]


@pytest.mark.parametrize(("function", "arguments", "expected"), KNOWN)
def test_known_values(
    function: Callable[..., Any], arguments: tuple[float, ...], expected: float
) -> None:
    found = function(*[np.array([x]) for x in arguments])
    np.testing.assert_allclose(found, [expected], rtol=3e-14)
    single = function(*[np.array(x) for x in arguments])
    assert single.shape == ()
    assert single == found[0]


def test_erf_in_float32() -> None:
    x = np.linspace(-6, 6, 100_003, dtype=np.float32)  # several blocks, the last not whole
    exact = special_erf.erf(x.astype(np.float64))
    found = special_erf.erf(x)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, exact, rtol=3e-7)
    assert np.all(np.abs(found) <= 1)
    assert np.array_equal(found, special_erf.erf(x.reshape(-1, 1))[:, 0])


def test_inverses_invert() -> None:
    p = np.linspace(0.001, 0.999, 4001)
    z = special_erf.ndtri(p)
    np.testing.assert_allclose(special_erf.erfc(-z / np.sqrt(2)) / 2, p, rtol=1e-14)
    x = np.linspace(-0.999, 0.999, 4001)
    np.testing.assert_allclose(special_erf.erf(special_erf.erfinv(x)), x, rtol=1e-14, atol=1e-16)


def test_erf_and_its_complement_are_1_together() -> None:
    x = np.linspace(-6, 6, 4001)
    np.testing.assert_allclose(special_erf.erf(x) + special_erf.erfc(x), 1, rtol=1e-15)


def test_recurrences_of_the_gamma_function() -> None:
    x = np.concatenate([np.linspace(0.01, 30, 5001), np.linspace(-7.9, -0.1, 4000)])
    x = x[np.abs(x - np.rint(x)) > 1e-3]
    steps = np.log(np.abs(x))
    np.testing.assert_allclose(
        special_gamma.lgamma(x + 1), special_gamma.lgamma(x) + steps, rtol=1e-13, atol=1e-13
    )
    np.testing.assert_allclose(
        special_gamma.digamma(x + 1), special_gamma.digamma(x) + 1 / x, rtol=1e-12, atol=1e-11
    )


def test_recurrences_of_the_incomplete_functions() -> None:
    random = np.random.default_rng(1)
    a, b = random.uniform(0.01, 60, (2, 4000))
    x, y = random.uniform(0.01, 60, 4000), random.uniform(0.001, 0.999, 4000)
    below, above = special_incomplete.igamma(a, x), special_incomplete.igammac(a, x)
    np.testing.assert_allclose(below + above, 1, rtol=1e-14)
    step = np.exp(a * np.log(x) - x - special_gamma.lgamma(a + 1))
    np.testing.assert_allclose(special_incomplete.igamma(a + 1, x), below - step, atol=1e-13)
    share = special_incomplete.betainc(a, b, y)
    np.testing.assert_allclose(share + special_incomplete.betainc(b, a, 1 - y), 1, rtol=1e-12)


def test_far_off_arguments_take_no_longer() -> None:
    far = np.array([1e6, 1e12, 1e300])
    with np.errstate(over="ignore"):
        assert np.all(np.isfinite(special_gamma.zeta(np.array([2.0, 50.0, 1e5]), far)))
    assert np.all(np.isfinite(special_gamma.zeta(np.array([4.0, 3.0, 2.0]), -far[:1] - 0.5)))
    np.testing.assert_allclose(special_gamma.digamma(far), np.log(far), rtol=1e-6)
    with np.errstate(over="ignore"):
        shares = special_incomplete.igamma(far, far)
    np.testing.assert_allclose(shares, 0.5 + 1 / np.sqrt(18 * np.pi * far), rtol=1e-9)


def test_large_parameters_go_on_where_the_series_end() -> None:
    a = np.full(201, 1e6)
    x = a + np.linspace(-4e3, 4e3, 201)
    above = special_incomplete._shares_of_large(a, x)
    for i, function in enumerate(
        [special_incomplete.igamma, special_incomplete.igammac, special_incomplete.igamma_grad_a]
    ):
        np.testing.assert_allclose(above[i], function(a, x), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize(
    ("function", "arguments", "expected"),
    [
        (special_erf.erf, ([np.inf, -np.inf, np.nan],), [1, -1, np.nan]),
        (special_erf.erfc, ([np.inf, -np.inf, np.nan],), [0, 2, np.nan]),
        (special_erf.erfinv, ([1.0, -1.0, 1.5],), [np.inf, -np.inf, np.nan]),
        (special_erf.ndtri, ([0.0, 1.0, -0.5],), [-np.inf, np.inf, np.nan]),
        (special_gamma.lgamma, ([0.0, -3.0, np.inf],), [np.inf, np.inf, np.inf]),
        (special_gamma.digamma, ([0.0, -3.0, np.inf],), [np.nan, np.nan, np.inf]),
        (special_gamma.zeta, ([1.0, 0.5, 2.0], [1.0, 1.0, 0.0]), [np.inf, np.nan, np.inf]),
        (special_gamma.polygamma, ([1.5, -1.0], [1.0, 1.0]), [np.nan, np.nan]),
        (special_incomplete.igamma, ([0.0, 1.0, 1.0, -1.0], [1.0, 0.0, np.inf, 1.0]),
         [np.nan, 0, 1, np.nan]),
        (special_incomplete.betainc, ([1.0, 2.0, 0.0], [1.0, 3.0, 1.0], [0.0, 1.0, 0.5]),
         [0, 1, np.nan]),
    ],
)  # fmt: skip
def test_ends(function: Callable[..., Any], arguments: Any, expected: Any) -> None:
    with np.errstate(all="ignore"):
        found = function(*[np.array(x) for x in arguments])
    np.testing.assert_array_equal(found, expected)
