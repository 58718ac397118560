"""Distributions drawn by rejection: gamma and Poisson.

Every output of gamma and Poisson owns 256 blocks of the stream and starts at the first of them, so
all outputs are advanced side by side, one attempt at a time, until each has been accepted.
Everything is computed in float64, as in TensorFlow's kernels; a draw that TensorFlow accepts and
this module does not (a logarithm that differs in its last bit, right on the edge) comes out
entirely different, about once in 10^14 attempts.

- Gamma: Marsaglia and Tsang, "A simple method for generating gamma variables" (2000), with alpha
  below 1 raised by one and the result multiplied by u^(1/alpha); the exponential distribution where
  alpha is 1.
- Poisson: Knuth's product of uniform numbers below rate 10, from there on Hoermann's "The
  transformed rejection method for generating Poisson random variables" (1993).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from evergraph.errors import InvalidArgumentError
from evergraph.ops.philox_bits import Philox, Words
from evergraph.ops.philox_draws import Array, normal_double, uniform_double

Doubles = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

_BLOCKS_PER_OUTPUT = 256
_OUTPUTS_AT_A_TIME = 65536
# An output owns 256 blocks; one that has not been accepted after this many will not be.
_MOST_BLOCKS = 4096


class _Sources:
    """A stream for each output, read block by block; a block's second double comes first."""

    def __init__(self, at: Philox, outputs: Indices) -> None:
        self._at = at
        self._next_block = outputs.astype(np.uint64) * np.uint64(_BLOCKS_PER_OUTPUT)
        self._last_block = self._next_block + np.uint64(_MOST_BLOCKS)
        self._kept = {"uniform": _Kept(len(outputs)), "normal": _Kept(len(outputs))}

    def uniform(self, which: Indices) -> Doubles:
        """The next uniform number of each of these outputs."""
        return self._take("uniform", which, _two_uniform)

    def normal(self, which: Indices) -> Doubles:
        """The next normal number of each of these outputs."""
        return self._take("normal", which, normal_double)

    def _take(self, kind: str, which: Indices, convert: Callable[[Words], Doubles]) -> Doubles:
        kept = self._kept[kind]
        empty = which[~kept.full[which]]
        if len(empty):
            if (self._next_block[empty] >= self._last_block[empty]).any():
                raise InvalidArgumentError(
                    None,
                    None,
                    f"Nothing was drawn in {_MOST_BLOCKS} attempts: the parameters leave no number "
                    "that can be drawn in this dtype (a rate too large for it, for one).",
                )
            pairs = convert(self._at.words_at(self._next_block[empty]))
            self._next_block[empty] += np.uint64(1)
            kept.first[empty], kept.second[empty] = pairs[:, 0], pairs[:, 1]
        taken = np.where(kept.full[which], kept.first[which], kept.second[which])
        kept.full[which] = ~kept.full[which]
        return taken


class _Kept:
    """The last block of one kind of each output; `full`: its first number is yet to be taken."""

    def __init__(self, outputs: int) -> None:
        self.full = np.zeros(outputs, np.bool_)
        self.first = np.empty(outputs)
        self.second = np.empty(outputs)


def _two_uniform(words: Words) -> Doubles:
    return uniform_double(words[:, 0::2], words[:, 1::2])


def gamma(at: Philox, alpha: Array, samples: int) -> Array:
    """`samples` gamma numbers for each element of the vector `alpha`: [samples, len(alpha)]."""
    drawn = _by_output(at, alpha, samples, alpha.dtype, _gamma_outputs)
    if drawn.dtype.itemsize >= 4:
        # TensorFlow's threads have the processor flush numbers below the normal range to zero.
        drawn[drawn < np.finfo(drawn.dtype).tiny] = 0
    return drawn


def poisson(at: Philox, rate: Array, samples: int, dtype: npt.DTypeLike) -> Array:
    """`samples` Poisson numbers for each element of the vector `rate`: [samples, len(rate)]."""
    if np.isnan(rate.astype(np.float64)).any():
        raise InvalidArgumentError(None, None, "A Poisson rate is NaN: there is no number to draw.")
    out_dtype = np.dtype(dtype)

    def draw(sources: _Sources, rates: Doubles) -> Doubles:
        return _poisson_outputs(sources, rates, out_dtype)

    return _by_output(at, rate, samples, out_dtype, draw)


def _by_output(
    at: Philox,
    parameter: Array,
    samples: int,
    dtype: np.dtype[Any],
    draw: Callable[[_Sources, Doubles], Doubles],
) -> Array:
    """Draw all samples of the first parameter, then those of the next; one column a parameter."""
    wide = parameter.astype(np.float64)
    drawn = np.empty(samples * len(wide), dtype)
    for start in range(0, len(drawn), _OUTPUTS_AT_A_TIME):
        outputs = np.arange(start, min(start + _OUTPUTS_AT_A_TIME, len(drawn)))
        values = draw(_Sources(at, outputs), wide[outputs // samples])
        # A double becomes a half by way of a float in TensorFlow, rounded twice.
        drawn[outputs] = values.astype(np.float32) if dtype.itemsize == 2 else values
    by_parameter: Array = drawn.reshape(len(wide), samples).T
    return by_parameter


def _gamma_outputs(sources: _Sources, alpha: Doubles) -> Doubles:
    out = np.empty(len(alpha))
    exponential = np.flatnonzero(alpha == 1.0)
    out[exponential] = -np.log1p(-sources.uniform(exponential))
    small = alpha < 1.0
    d = alpha + np.where(small, 2.0 / 3.0, -1.0 / 3.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        c = 1.0 / 3.0 / np.sqrt(d)
        pending = np.flatnonzero(alpha != 1.0)
        while len(pending):
            x = sources.normal(pending)
            v = 1.0 + c[pending] * x
            tried = np.flatnonzero(~(v <= 0.0))
            which, x, v = pending[tried], x[tried], v[tried]
            v = v * v * v
            u = sources.uniform(which)
            accepted = (u < 1.0 - 0.0331 * (x * x) * (x * x)) | (
                np.log(u) < 0.5 * x * x + d[which] * (1.0 - v + np.log(v))
            )
            done = which[accepted]
            out[done] = d[done] * v[accepted]
            raised = done[small[done]]
            out[raised] *= sources.uniform(raised) ** (1.0 / alpha[raised])
            pending = np.setdiff1d(pending, done, assume_unique=True)
    return out


def _poisson_outputs(sources: _Sources, rate: Doubles, dtype: np.dtype[Any]) -> Doubles:
    out = np.empty(len(rate))
    few = np.flatnonzero(rate < 10.0)
    out[few] = _poisson_by_product(sources, few, rate[few])
    endless = np.isposinf(rate)
    out[endless] = 0.0 if dtype.kind == "i" else np.inf
    many = np.flatnonzero((rate >= 10.0) & ~endless)
    out[many] = _poisson_by_rejection(sources, many, rate[many], _highest(dtype))
    return out


def _poisson_by_product(sources: _Sources, which: Indices, rate: Doubles) -> Doubles:
    """How many uniform numbers multiply to more than exp(-rate)."""
    limit = np.exp(-rate)
    product = np.ones(len(rate))
    count = np.zeros(len(rate))
    pending = np.arange(len(rate))
    while len(pending):
        product[pending] *= sources.uniform(which[pending])
        pending = pending[product[pending] > limit[pending]]
        count[pending] += 1.0
    return count


def _poisson_by_rejection(
    sources: _Sources, which: Indices, rate: Doubles, highest: float
) -> Doubles:
    out = np.empty(len(rate))
    log_rate = np.log(rate)
    b = 0.931 + 2.53 * np.sqrt(rate)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    pending = np.arange(len(rate))
    while len(pending):
        u = sources.uniform(which[pending]) - 0.5
        v = sources.uniform(which[pending])
        p_rate, p_a, p_b = rate[pending], a[pending], b[pending]
        shifted = 0.5 - np.abs(u)
        with np.errstate(divide="ignore", invalid="ignore"):
            k = np.floor((2.0 * p_a / shifted + p_b) * u + p_rate + 0.43)
            fits = k <= highest
            accepted = fits & (shifted >= 0.07) & (v <= 0.9277 - 3.6224 / (p_b - 2.0))
            in_doubt = fits & ~accepted & (k >= 0.0) & ~((shifted < 0.013) & (v > shifted))
            doubt = np.flatnonzero(in_doubt)
            s = np.log(
                v[doubt]
                * inverse_alpha[pending[doubt]]
                / (p_a[doubt] / shifted[doubt] ** 2 + p_b[doubt])
            )
        t = -p_rate[doubt] + k[doubt] * log_rate[pending[doubt]] - _log_factorial(k[doubt])
        accepted[doubt[s <= t]] = True
        out[pending[accepted]] = k[accepted]
        pending = pending[~accepted]
    return out


def _log_factorial(k: Doubles) -> Doubles:
    distinct, place = np.unique(k, return_inverse=True)
    values: Doubles = np.array([math.lgamma(value + 1.0) for value in distinct.tolist()])
    return values[place]


def _highest(dtype: np.dtype[Any]) -> float:
    info = np.iinfo(dtype) if dtype.kind == "i" else np.finfo(dtype)
    return float(info.max)
