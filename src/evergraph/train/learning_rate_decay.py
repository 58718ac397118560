"""Learning rates that fall as training goes on (``tf.train.exponential_decay`` and its kind).

Each is made of the same nodes, in the same order, as in TensorFlow, so that graphs compare. Sources of the cosine
forms: Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts" (2017); Bello et al., "Neural
Optimizer Search with Reinforcement Learning" (2017).

In all of them ``learning_rate`` is the first one, a scalar tensor or a number, ``global_step`` the number of steps
taken so far, ``name`` the name scope; the result is a scalar tensor of the type of ``learning_rate``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from evergraph.formats import dtypes
from evergraph.formats.dtypes import DType
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.scopes import name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops.arithmetic import add, minimum, multiply, pow
from evergraph.ops.case import case
from evergraph.ops.casts import cast
from evergraph.ops.comparison import equal
from evergraph.ops.cond import cond
from evergraph.ops.constant import constant
from evergraph.ops.division import divide
from evergraph.ops.random import random_normal
from evergraph.ops.rounding import ceil, floor
from evergraph.ops.selection import where_v2
from evergraph.ops.trigonometric import cos
from evergraph.ops.unary import exp, log, negative, sqrt


@contextmanager
def _decay(name: str, learning_rate: Any) -> Iterator[tuple[str, Tensor]]:
    """The name scope of a decay, and the first learning rate in it."""
    with name_scope(name) as scope:
        yield scope, convert_to_tensor(learning_rate, name="initial_learning_rate")


def _periods(global_step: Any, decay_steps: Any, staircase: bool) -> Tensor:
    """How many times ``decay_steps`` the training has lasted."""
    periods: Tensor = global_step / decay_steps
    return floor(periods) if staircase else periods


def _half_cosine(fraction: Tensor, height: Any = 0.5) -> Tensor:
    """From ``2 * height`` at fraction 0 down to 0 at fraction 1."""
    result: Tensor = height * (1.0 + cos(constant(math.pi) * fraction))
    return result


def exponential_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Tensor:
    """``learning_rate * decay_rate ** (global_step / decay_steps)``; ``staircase``: the exponent is rounded down."""
    with _decay(name or "ExponentialDecay", learning_rate) as (scope, initial):
        decay_steps, decay_rate, global_step = (
            cast(value, initial.dtype) for value in (decay_steps, decay_rate, global_step)
        )
        periods = _periods(global_step, decay_steps, staircase)
        return multiply(initial, pow(decay_rate, periods), name=scope)


def natural_exp_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Tensor:
    """``learning_rate * exp(-decay_rate * global_step / decay_steps)``; ``staircase``: the quotient is rounded down."""
    rate = exp(negative(decay_rate))
    return exponential_decay(learning_rate, global_step, decay_steps, rate, staircase, name)


def inverse_time_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    decay_rate: Any,
    staircase: bool = False,
    name: str | None = None,
) -> Tensor:
    """``learning_rate / (1 + decay_rate * global_step / decay_steps)``; ``staircase``: the quotient is rounded down."""
    with _decay(name or "InverseTimeDecay", learning_rate) as (scope, initial):
        decay_steps, decay_rate, global_step = (
            cast(value, initial.dtype) for value in (decay_steps, decay_rate, global_step)
        )
        periods = _periods(global_step, decay_steps, staircase)
        one = cast(constant(1), initial.dtype)
        return divide(initial, add(one, multiply(decay_rate, periods)), name=scope)


def polynomial_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    end_learning_rate: Any = 0.0001,
    power: Any = 1.0,
    cycle: bool = False,
    name: str | None = None,
) -> Tensor:
    """From ``learning_rate`` to ``end_learning_rate`` in ``decay_steps``: what is left of the way, to the ``power``.

    ``cycle``: past the end, the way becomes the next multiple of ``decay_steps`` long, and the rate jumps up.
    """
    with _decay(name or "PolynomialDecay", learning_rate) as (scope, initial):
        end, power, global_step, length = (
            cast(value, initial.dtype)
            for value in (end_learning_rate, power, global_step, decay_steps)
        )
        if cycle:
            # The first cycle is one long even at step 0.
            cycles = where_v2(equal(global_step, 0), 1.0, ceil(global_step / decay_steps))
            length = multiply(length, cycles)
        else:
            global_step = minimum(global_step, length)
        gone = divide(global_step, length)
        return add(multiply(initial - end, pow(1 - gone, power)), end, name=scope)


def cosine_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    alpha: Any = 0.0,
    name: str | None = None,
) -> Tensor:
    """Half a cosine from ``learning_rate`` down to ``alpha * learning_rate`` in ``decay_steps``."""
    with _decay(name or "CosineDecay", learning_rate) as (_, initial):
        decay_steps, global_step = (
            cast(value, initial.dtype) for value in (decay_steps, global_step)
        )
        fraction = minimum(global_step, decay_steps) / decay_steps
        return multiply(initial, (1 - alpha) * _half_cosine(fraction) + alpha)


def cosine_decay_restarts(
    learning_rate: Any,
    global_step: Any,
    first_decay_steps: Any,
    t_mul: Any = 2.0,
    m_mul: Any = 1.0,
    alpha: Any = 0.0,
    name: str | None = None,
) -> Tensor:
    """Cosine decays one after the other, each ``t_mul`` times as long as the one before and ``m_mul`` times as high."""
    with _decay(name or "SGDRDecay", learning_rate) as (scope, initial):
        first_decay_steps, alpha, t_mul, m_mul, global_step = (
            cast(value, initial.dtype)
            for value in (first_decay_steps, alpha, t_mul, m_mul, global_step)
        )
        lasted = global_step / first_decay_steps

        def same_lengths() -> tuple[Any, Any]:
            restarts = floor(lasted)
            return restarts, lasted - restarts

        def growing_lengths() -> tuple[Any, Any]:
            # n periods last (1 - t_mul ** n) / (1 - t_mul) times the first one.
            restarts = floor(log(1.0 - lasted * (1.0 - t_mul)) / log(t_mul))
            before = (1.0 - t_mul**restarts) / (1.0 - t_mul)
            return restarts, (lasted - before) / t_mul**restarts

        restarts, fraction = cond(equal(t_mul, 1.0), same_lengths, growing_lengths)
        height = m_mul**restarts
        wave = _half_cosine(fraction, 0.5 * height)
        return multiply(initial, (1 - alpha) * wave + alpha, name=scope)


def linear_cosine_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    num_periods: Any = 0.5,
    alpha: Any = 0.0,
    beta: Any = 0.001,
    name: str | None = None,
) -> Tensor:
    """``learning_rate`` times a line from 1 to 0 (plus ``alpha``) times ``num_periods`` of a cosine, plus ``beta``."""
    with _decay(name or "LinearCosineDecay", learning_rate) as (scope, initial):
        decay_steps, num_periods, alpha, beta, global_step = (
            cast(value, initial.dtype)
            for value in (decay_steps, num_periods, alpha, beta, global_step)
        )
        global_step = minimum(global_step, decay_steps)
        line = (decay_steps - global_step) / decay_steps
        fraction = global_step / decay_steps
        wave = _half_cosine(2.0 * num_periods * fraction)
        return multiply(initial, (alpha + line) * wave + beta, name=scope)


def noisy_linear_cosine_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    initial_variance: Any = 1.0,
    variance_decay: Any = 0.55,
    num_periods: Any = 0.5,
    alpha: Any = 0.0,
    beta: Any = 0.001,
    name: str | None = None,
) -> Tensor:
    """As ``linear_cosine_decay``, with normal noise on the line.

    Its variance is ``initial_variance / (1 + global_step) ** variance_decay``.
    """
    with _decay(name or "NoisyLinearCosineDecay", learning_rate) as (scope, initial):
        settings = (decay_steps, initial_variance, variance_decay, num_periods, alpha, beta)
        decay_steps, initial_variance, variance_decay, num_periods, alpha, beta, global_step = (
            cast(value, initial.dtype) for value in (*settings, global_step)
        )
        global_step = minimum(global_step, decay_steps)
        line = (decay_steps - global_step) / decay_steps
        deviation = sqrt(initial_variance / pow(1.0 + global_step, variance_decay))
        line = line + random_normal(line.get_shape(), stddev=deviation)
        fraction = global_step / decay_steps
        wave = _half_cosine(2.0 * num_periods * fraction)
        return multiply(initial, (alpha + line) * wave + beta, name=scope)


def piecewise_constant(
    x: Any, boundaries: Sequence[Any], values: Sequence[Any], name: str | None = None
) -> Tensor:
    """``values[0]`` up to and with ``boundaries[0]``, ``values[1]`` from there up to ``boundaries[1]`` and so on.

    Args:
      x: a scalar, mostly the global step.
      boundaries: ascending, of the type of ``x`` (int32 also where that is int64).
      values: one more than ``boundaries``, all of one type.
      name: of the name scope.

    Raises:
      ValueError: the types or the numbers of elements are not such.
    """
    limits = [convert_to_tensor(limit) for limit in boundaries]
    choices = [convert_to_tensor(value) for value in values]
    kind_of_x = convert_to_tensor(x).dtype.base_dtype
    limits = [_as_type(limit, kind_of_x) for limit in limits]
    kinds = [choice.dtype.base_dtype for choice in choices]
    for kind in kinds[1:]:
        if kind != kinds[0]:
            raise ValueError(
                f"Values must have elements all with the same dtype ({kinds[0]} vs {kind})."
            )
    if len(limits) != len(choices) - 1:
        raise ValueError(
            "The length of boundaries should be 1 less than the length of values, "
            f"not {len(limits)} and {len(choices)}"
        )
    with name_scope(name or "PiecewiseConstant"):
        x = convert_to_tensor(x)  # A resource variable is read once more, within the scope.
        pairs = [(x <= limits[0], partial(_same, choices[0]))]
        pairs.append((x > limits[-1], partial(_same, choices[-1])))
        for low, high, choice in zip(limits[:-1], limits[1:], choices[1:-1], strict=True):
            pairs.append(((x > low) & (x <= high), partial(_same, choice)))
        chosen: Tensor = case(pairs, default=partial(_same, choices[0]), exclusive=True)
        return chosen


def _same(value: Tensor) -> Tensor:
    return value


def _as_type(limit: Tensor, wanted: DType) -> Tensor:
    kind = limit.dtype.base_dtype
    if kind == wanted:
        return limit
    if (kind, wanted) != (dtypes.int32, dtypes.int64):
        raise ValueError(f"Boundaries ({kind}) must have the same dtype as x ({wanted}).")
    widened: Tensor = cast(limit, wanted)
    return widened
