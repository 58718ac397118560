"""The truncated normal distribution with a mean, a deviation and bounds for every batch of numbers.

One stream serves all batches in turn; a batch ends in the middle of a block and leaves the rest of
it unused. Three kinds of proposals, after Robert, "Simulation of truncated normal variables"
(1995): normal ones where the bounds leave them room, else uniform ones between close bounds, else
exponential ones in a tail. All arithmetic is done in the dtype of the result, rounding after every
step, as in TensorFlow's kernel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from evergraph.errors import InternalError, InvalidArgumentError
from evergraph.ops.philox_bits import Philox
from evergraph.ops.philox_draws import FLOAT64, Array, standard_normal, uniform

MOST_ITERATIONS = 1000
_ROOM_FOR_NORMAL_PROPOSALS = 1.3

# From a place and a number of steps: the candidates and which are accepted, in the order in which
# they are looked at.
_Proposals = Callable[[Philox, int], tuple[Array, npt.NDArray[np.bool_]]]


def parameterized_truncated_normal(
    at: Philox,
    count: int,
    per_batch: int,
    parameters: tuple[Array, Array, Array, Array],
) -> Array:
    """`count` numbers, in batches of `per_batch` of which the last may be short.

    `parameters` are vectors of one dtype: means, deviations, lower bounds, upper bounds, each with
    one element or one a batch.
    """
    out = np.empty(count, parameters[0].dtype)
    for batch, start in enumerate(range(0, count, per_batch)):
        wanted = min(per_batch, count - start)
        mean, deviation, low, high = (p[0 if len(p) == 1 else batch] for p in parameters)
        # Far bounds overflow a half, the logarithm of 0 is infinite: such candidates are refused.
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            values, at = _batch(at, wanted, mean, deviation, low, high)
        out[start : start + wanted] = values
    return out


def _batch(
    at: Philox, wanted: int, mean: Any, deviation: Any, low: Any, high: Any
) -> tuple[Array, Philox]:
    """One batch, and the place behind the last block that it used."""
    if not (deviation > 0 and low < high and (np.isfinite(low) or np.isfinite(high))):
        raise InvalidArgumentError(
            None,
            None,
            "A truncated normal distribution needs stddev > 0, minval < maxval and a finite bound; "
            f"got stddev {deviation}, minval {low}, maxval {high}.",
        )
    if np.isneginf(low) or high < mean:
        # Mirrored, the distribution has its finite or its nearer bound below.
        low, high, deviation = high, low, -deviation
    lowest, highest = (low - mean) / deviation, (high - mean) / deviation
    blocks_per_step, proposals = _choose_proposals(lowest, highest)
    pieces = []
    rejected = 0
    while wanted:
        steps = wanted + 8
        candidates, accepted = proposals(at, steps)
        places = np.flatnonzero(accepted)[:wanted]
        _check_rejections(places, len(candidates), rejected, done=len(places) == wanted)
        pieces.append(candidates[places])
        wanted -= len(places)
        if not wanted:
            steps = int(places[-1]) * steps // len(candidates) + 1
        since = int(places[-1]) + 1 if len(places) else -rejected
        rejected = len(candidates) - since
        at = at.skip(steps * blocks_per_step)
    return np.concatenate(pieces) * deviation + mean, at


def _check_rejections(
    places: npt.NDArray[np.int64], candidates: int, rejected: int, *, done: bool
) -> None:
    """Stop where TensorFlow does: after a thousand rejections in a row."""
    ends = places if done else np.append(places, candidates)
    gaps = np.diff(ends, prepend=-1 - rejected) - 1
    if (gaps >= MOST_ITERATIONS).any():
        raise InternalError(
            None,
            None,
            f"A truncated normal draw refused {MOST_ITERATIONS} candidates in a row: next to "
            "nothing of the distribution lies within its bounds.",
        )


def _choose_proposals(lowest: Any, highest: Any) -> tuple[int, _Proposals]:
    """How many blocks a step takes and what it proposes; the bounds are in deviations."""
    t = type(lowest)
    dtype = np.dtype(t)
    room = t(_ROOM_FOR_NORMAL_PROPOSALS)
    numbers = 2 if dtype == FLOAT64 else 4
    root = np.sqrt(lowest * lowest + t(4))
    cutoff = t(2) * np.exp(t(0.5) + lowest * (lowest - root) / t(4)) / (lowest + root)

    def normal(at: Philox, steps: int) -> tuple[Array, npt.NDArray[np.bool_]]:
        z = standard_normal(at, steps * numbers, dtype)
        return z, (z >= lowest) & (z <= highest)

    def flat(at: Philox, steps: int) -> tuple[Array, npt.NDArray[np.bool_]]:
        drawn = uniform(at, 2 * steps * numbers, dtype).reshape(steps, 2, numbers)
        z = drawn[:, 0].reshape(-1) * (highest - lowest) + lowest
        shift = t(0) if lowest < 0 else lowest * lowest
        density = np.exp((shift - z * z) / t(2))
        return z, drawn[:, 1].reshape(-1) <= density

    def tail(at: Philox, steps: int) -> tuple[Array, npt.NDArray[np.bool_]]:
        drawn = uniform(at, steps * numbers, dtype)
        alpha = (lowest + root) / t(2)
        z = -np.log(drawn[0::2]) / alpha + lowest
        x = alpha - z if lowest < alpha else np.full_like(z, lowest - alpha)
        density = np.exp(-x * x / t(2))
        return z, (drawn[1::2] <= density) & (z < highest)

    if (lowest < -room and highest >= 0) or (highest > room and lowest <= 0):
        return 1, normal
    return (2, flat) if highest - lowest < cutoff else (1, tail)
