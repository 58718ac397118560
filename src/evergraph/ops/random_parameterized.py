"""Random ops whose inputs are the parameters of distributions: gamma, Poisson, truncated normal."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph.formats import dtypes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.scopes import name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops import random_shapes
from evergraph.ops.arithmetic import maximum
from evergraph.ops.random import DRAWN_FLOATS, STATE, stream_of
from evergraph.ops.random_seed import seed_attrs
from evergraph.ops.random_shapes import shape_tensor, sizes_of
from evergraph.ops.shaping import shape as shape_of
from evergraph.ops.tiling import broadcast_dynamic_shape, broadcast_to
from evergraph.ops.types import INDEX

GAMMA_TYPES = "{half, float, double}"
POISSON_TYPES = "{half, float, double, int32, int64}"


@op(
    "RandomGamma",
    "shape: S, alpha: T -> output: T",
    **STATE,
    S=INDEX,
    T=GAMMA_TYPES,
    static="shape",
    stateful=True,
)
class RandomGamma:
    shape = random_shapes.drawn_for_each

    def compute(ctx, shape, alpha):
        return stream_of(ctx).gamma(sizes_of(shape), np.asarray(alpha))


def random_gamma(
    shape: Any,
    alpha: Any,
    beta: Any = None,
    dtype: Any = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """An array of ``shape``, drawn from the gamma distribution of each ``alpha`` and rate ``beta``.

    The result has the shape ``shape`` + that of alpha and beta broadcast. Zeros become the smallest
    normal number.
    """
    with name_scope(name, "random_gamma", [shape, alpha, beta]):
        shape = convert_to_tensor(shape, dtypes.int32, name="shape")
        alpha = convert_to_tensor(alpha, dtype, name="alpha")
        beta = convert_to_tensor(1 if beta is None else beta, dtype, name="beta")
        each = broadcast_to(alpha, broadcast_dynamic_shape(shape_of(alpha), shape_of(beta)))
        smallest = np.finfo(alpha.dtype.as_numpy_dtype).tiny
        drawn = RandomGamma(shape, each, **seed_attrs(seed)) / beta
        return maximum(smallest, drawn)


@op(
    "RandomPoisson",
    "shape: S, rate: dtype -> output: dtype",
    **STATE,
    S=INDEX,
    dtype=GAMMA_TYPES,
    static="shape",
    stateful=True,
)
class RandomPoisson:
    shape = random_shapes.drawn_for_each

    def compute(ctx, shape, rate):
        return stream_of(ctx).poisson(sizes_of(shape), np.asarray(rate), rate.dtype)


@op(
    "RandomPoissonV2",
    "shape: S, rate: R -> output: dtype",
    **STATE,
    S=INDEX,
    R=f"{POISSON_TYPES} = DT_DOUBLE",
    dtype=f"{POISSON_TYPES} = DT_INT64",
    static="shape",
    stateful=True,
)
class RandomPoissonV2:
    shape = random_shapes.drawn_for_each

    def compute(ctx, shape, rate, *, dtype):
        return stream_of(ctx).poisson(sizes_of(shape), np.asarray(rate), dtype.as_numpy_dtype)


def random_poisson(
    lam: Any,
    shape: Any,
    dtype: Any = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """An array of ``shape``, drawn from the Poisson distribution of each rate in ``lam``."""
    with name_scope(name, "random_poisson", [lam, shape]):
        shape = convert_to_tensor(shape, dtypes.int32, name="shape")
        drawn: Tensor = RandomPoissonV2(shape, lam, dtype=dtype, **seed_attrs(seed))
        return drawn


@op(
    "ParameterizedTruncatedNormal",
    "shape: T, means: dtype, stdevs: dtype, minvals: dtype, maxvals: dtype -> output: dtype",
    **STATE,
    dtype=DRAWN_FLOATS,
    T=INDEX,
    static="shape",
    stateful=True,
)
class ParameterizedTruncatedNormal:
    def shape(c):
        for i in range(1, 5):
            rank = len(c.shape(i) or ())
            if rank > 1:
                raise ValueError(f"Shape must be at most rank 1 but is rank {rank}")
        return random_shapes.drawn(c)

    def compute(ctx, shape, means, stdevs, minvals, maxvals, *, dtype):
        return stream_of(ctx).parameterized_truncated_normal(
            sizes_of(shape), means, stdevs, minvals, maxvals, dtype.as_numpy_dtype
        )

    gradient = None


def parameterized_truncated_normal(
    shape: Any,
    means: Any = 0.0,
    stddevs: Any = 1.0,
    minvals: Any = -2.0,
    maxvals: Any = 2.0,
    dtype: Any = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Numbers drawn from normal distributions within bounds: one for all rows, or one for each."""
    values = [shape, means, stddevs, minvals, maxvals]
    with name_scope(name, "parameterized_truncated_normal", values):
        drawn: Tensor = ParameterizedTruncatedNormal(
            shape_tensor(shape),
            convert_to_tensor(means, dtype, name="means"),
            convert_to_tensor(stddevs, dtype, name="stddevs"),
            convert_to_tensor(minvals, dtype, name="minvals"),
            convert_to_tensor(maxvals, dtype, name="maxvals"),
            **seed_attrs(seed),
        )
        return drawn
