"""Random ops without a state whose inputs are parameters: classes, gamma, Poisson."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph.errors import InvalidArgumentError
from evergraph.formats import dtypes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.scopes import name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops import random_shapes
from evergraph.ops.random_parameterized import GAMMA_TYPES, POISSON_TYPES
from evergraph.ops.random_shapes import shape_tensor, sizes_of
from evergraph.ops.stateless_random import DRAW, SEED, by_key, by_seed, check_seed, keyed, seeded
from evergraph.ops.types import INDEX, INDEX_DEFAULT_INT32, REAL


@op(
    "StatelessMultinomial",
    "logits: T, num_samples: int32, seed: Tseed -> output: output_dtype",
    T=REAL,
    Tseed=SEED,
    output_dtype="{int32, int64} = DT_INT64",
    static="num_samples",
    host=True,
)
class StatelessMultinomial:
    def shape(c):
        check_seed(c, 2)
        return random_shapes.classes(c)

    def compute(xp, logits, num_samples, seed, *, output_dtype):
        random_shapes.check_scalar_value(num_samples, "num_samples")
        return by_seed(seed).multinomial(logits, int(num_samples), output_dtype.as_numpy_dtype)

    gradient = None


def stateless_multinomial(
    logits: Any,
    num_samples: Any,
    seed: Any,
    output_dtype: Any = dtypes.int64,
    name: str | None = None,
) -> Tensor:
    """The classes of this seed (two integers): indices [batch, num_samples]."""
    with name_scope(name, "stateless_multinomial", [logits, seed]):
        return _multinomial(logits, num_samples, seed, output_dtype)


def stateless_categorical(
    logits: Any,
    num_samples: Any,
    seed: Any,
    dtype: Any = dtypes.int64,
    name: str | None = None,
) -> Tensor:
    """`stateless_multinomial` under its newer name."""
    with name_scope(name, "stateless_categorical", [logits, seed]):
        return _multinomial(logits, num_samples, seed, dtype)


def _multinomial(logits: Any, num_samples: Any, seed: Any, dtype: Any) -> Tensor:
    logits = convert_to_tensor(logits, name="logits")
    drawn: Tensor = StatelessMultinomial(
        logits, num_samples, seed, output_dtype=dtype or dtypes.int64
    )
    return drawn


@op(
    "StatelessRandomGammaV2",
    "shape: T, seed: Tseed, alpha: dtype -> output: dtype",
    dtype=GAMMA_TYPES,
    T=INDEX,
    Tseed=SEED,
    **DRAW,
)
class StatelessRandomGammaV2:
    shape = seeded

    def compute(xp, shape, seed, alpha):
        return by_seed(seed).gamma(_shape_for_each(shape, alpha), np.asarray(alpha))


@op(
    "StatelessRandomGammaV3",
    "shape: shape_dtype, key: uint64, counter: uint64, alg: int32, alpha: dtype -> output: dtype",
    dtype=GAMMA_TYPES,
    shape_dtype=INDEX_DEFAULT_INT32,
    **DRAW,
)
class StatelessRandomGammaV3:
    shape = keyed

    def compute(xp, shape, key, counter, alg, alpha):
        stream = by_key(key, counter, alg)
        return stream.gamma(_shape_for_each(shape, alpha), np.asarray(alpha))


@op(
    "StatelessRandomPoisson",
    "shape: T, seed: Tseed, lam: Rtype -> output: dtype",
    Rtype=POISSON_TYPES,
    dtype=POISSON_TYPES,
    T=INDEX,
    Tseed=SEED,
    **DRAW,
)
class StatelessRandomPoisson:
    shape = seeded

    def compute(xp, shape, seed, lam, *, dtype):
        sizes = _shape_for_each(shape, lam)
        return by_seed(seed).poisson(sizes, np.asarray(lam), dtype.as_numpy_dtype)

    gradient = None


def _shape_for_each(shape: np.ndarray[Any, Any], parameter: Any) -> list[int]:
    """What of the drawn shape is left of the parameter's own, with which it must end."""
    sizes, own = sizes_of(shape), list(np.shape(parameter))
    rank = len(sizes) - len(own)
    if rank < 0 or sizes[rank:] != own:
        raise InvalidArgumentError(
            None,
            None,
            f"Shape passed in must end with broadcasted shape: {sizes} does not end with {own}.",
        )
    return sizes[:rank]


def stateless_random_poisson(
    shape: Any, seed: Any, lam: Any, dtype: Any = dtypes.int32, name: str | None = None
) -> Tensor:
    """The Poisson numbers of this seed (two integers); ``shape`` ends with the shape of ``lam``."""
    with name_scope(name, "stateless_random_poisson", [shape, seed, lam]):
        shape = shape_tensor(shape)
        drawn: Tensor = StatelessRandomPoisson(shape, seed, lam, dtype=dtype)
        return drawn
