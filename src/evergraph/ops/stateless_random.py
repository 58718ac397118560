"""Random ops without a state: the numbers are a function of the ``seed`` input, two integers.

The first form of each op takes the seed itself. The second (``V2``) takes the key and counter that
StatelessRandomGetKeyCounter makes of it, and the number of the algorithm; the building functions
make that form.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph.errors import InvalidArgumentError
from evergraph.formats import dtypes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.scopes import name_scope
from evergraph.graph.shape import Dims, with_rank
from evergraph.graph.shape_inference import ShapeContext
from evergraph.graph.tensor import Tensor
from evergraph.ops import random_shapes
from evergraph.ops.arithmetic import add
from evergraph.ops.philox import (
    ALGORITHM_AUTO_SELECT,
    ALGORITHM_PHILOX,
    PhiloxStream,
    key_counter,
    stateless_stream,
    stream_at,
)
from evergraph.ops.random import DRAWN_FLOATS
from evergraph.ops.random_shapes import shape_tensor, sizes_of
from evergraph.ops.types import INDEX, INDEX_DEFAULT_INT32

SEED = "{int32, int64} = DT_INT64"
FULL_INTEGERS = "{int32, int64, uint32, uint64}"
BY_SEED = "shape: T, seed: Tseed -> output: dtype"
BY_KEY = "shape: Tshape, key: uint64, counter: uint64, alg: int32 -> output: dtype"
DRAW: dict[str, Any] = {"static": "shape", "host": True}
_REAL = {"dtype": f"{DRAWN_FLOATS} = DT_FLOAT"}
_REAL_BY_SEED = {**_REAL, "T": INDEX_DEFAULT_INT32, "Tseed": SEED, **DRAW}
_REAL_BY_KEY = {**_REAL, "Tshape": INDEX_DEFAULT_INT32, **DRAW}


def seeded(c: ShapeContext) -> Dims:
    """Shape of a draw with inputs shape and seed."""
    check_seed(c, 1)
    return random_shapes.drawn(c)


def keyed(c: ShapeContext) -> Dims:
    """Shape of a draw with inputs shape, key, counter and algorithm."""
    _check_size(c, 1, 1)
    with_rank(c.shape(2), 1)
    with_rank(c.shape(3), 0)
    return random_shapes.drawn(c)


def check_seed(c: ShapeContext, i: int) -> None:
    """Raises ValueError where argument ``i`` is known not to be two numbers."""
    _check_size(c, i, 2)


def _check_size(c: ShapeContext, i: int, wanted: int) -> None:
    (size,) = with_rank(c.shape(i), 1)
    if size not in (None, wanted):
        raise ValueError(f"Dimension must be {wanted} but is {size}")


def by_seed(seed: np.ndarray[Any, Any]) -> PhiloxStream:
    """The numbers of a seed. Raises InvalidArgumentError where it is not two numbers."""
    if seed.shape != (2,):
        raise InvalidArgumentError(None, None, f"seed must have shape [2], not {list(seed.shape)}")
    return stateless_stream(seed.tolist())


def by_key(key: Any, counter: Any, alg: Any) -> PhiloxStream:
    """The numbers from a place on. Raises InvalidArgumentError where the inputs name no place."""
    if int(alg) not in (ALGORITHM_PHILOX, ALGORITHM_AUTO_SELECT):
        raise InvalidArgumentError(None, None, f"Unsupported algorithm id: {int(alg)}")
    if key.shape != (1,) or counter.ndim != 1 or len(counter) < 2:
        raise InvalidArgumentError(
            None,
            None,
            "key must have shape [1] and counter must be a vector with length at least 2; their "
            f"shapes are {list(key.shape)} and {list(counter.shape)}",
        )
    return stream_at(key, counter[:2])


# ---------------------------------------------------------------------------------- key and counter


@op(
    "StatelessRandomGetKeyCounter",
    "seed: Tseed -> key: uint64, counter: uint64",
    Tseed=SEED,
    host=True,
)
class StatelessRandomGetKeyCounter:
    def shape(c):
        check_seed(c, 0)
        return [(1,), (2,)]

    def compute(xp, seed):
        by_seed(seed)
        return key_counter(seed.tolist())


@op("StatelessRandomGetAlg", "-> alg: int32", stateful=True)
class StatelessRandomGetAlg:
    def shape(c):
        return ()

    def compute(ctx):
        return np.int32(ALGORITHM_PHILOX)


@op(
    "StatelessRandomGetKeyCounterAlg",
    "seed: Tseed -> key: uint64, counter: uint64, alg: int32",
    Tseed=SEED,
    host=True,
)
class StatelessRandomGetKeyCounterAlg:
    def shape(c):
        check_seed(c, 0)
        return [(1,), (2,), ()]

    def compute(xp, seed):
        by_seed(seed)
        return (*key_counter(seed.tolist()), np.int32(ALGORITHM_PHILOX))


def _key_counter_algorithm(seed: Any, alg: Any) -> tuple[Tensor, Tensor, int]:
    if alg not in ("auto_select", ALGORITHM_AUTO_SELECT):
        raise ValueError(
            f"Argument `alg` got unsupported value {alg!r}: there is 'auto_select' (Philox) only."
        )
    key, counter = StatelessRandomGetKeyCounter(seed)
    return key, counter, ALGORITHM_AUTO_SELECT


# ------------------------------------------------------------------------------------- real numbers


@op("StatelessRandomUniform", BY_SEED, **_REAL_BY_SEED)
class StatelessRandomUniform:
    shape = seeded

    def compute(xp, shape, seed, *, dtype):
        return by_seed(seed).uniform(sizes_of(shape), dtype.as_numpy_dtype)

    gradient = None


@op("StatelessRandomUniformV2", BY_KEY, **_REAL_BY_KEY)
class StatelessRandomUniformV2:
    shape = keyed

    def compute(xp, shape, key, counter, alg, *, dtype):
        return by_key(key, counter, alg).uniform(sizes_of(shape), dtype.as_numpy_dtype)

    gradient = None


@op("StatelessRandomNormal", BY_SEED, **_REAL_BY_SEED)
class StatelessRandomNormal:
    shape = seeded

    def compute(xp, shape, seed, *, dtype):
        return by_seed(seed).standard_normal(sizes_of(shape), dtype.as_numpy_dtype)

    gradient = None


@op("StatelessRandomNormalV2", BY_KEY, **_REAL_BY_KEY)
class StatelessRandomNormalV2:
    shape = keyed

    def compute(xp, shape, key, counter, alg, *, dtype):
        return by_key(key, counter, alg).standard_normal(sizes_of(shape), dtype.as_numpy_dtype)

    gradient = None


@op("StatelessTruncatedNormal", BY_SEED, **_REAL_BY_SEED)
class StatelessTruncatedNormal:
    shape = seeded

    def compute(xp, shape, seed, *, dtype):
        return by_seed(seed).truncated_normal(sizes_of(shape), dtype.as_numpy_dtype)

    gradient = None


@op("StatelessTruncatedNormalV2", BY_KEY, **_REAL_BY_KEY)
class StatelessTruncatedNormalV2:
    shape = keyed

    def compute(xp, shape, key, counter, alg, *, dtype):
        return by_key(key, counter, alg).truncated_normal(sizes_of(shape), dtype.as_numpy_dtype)

    gradient = None


def stateless_random_normal(
    shape: Any,
    seed: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = dtypes.float32,
    name: str | None = None,
    alg: Any = "auto_select",
) -> Tensor:
    """The normal numbers of this seed (two integers). Raises ValueError for another algorithm."""
    with name_scope(name, "stateless_random_normal", [shape, seed, mean, stddev]) as scope:
        return _scaled(StatelessRandomNormalV2, scope, shape, seed, mean, stddev, dtype, alg)


def stateless_truncated_normal(
    shape: Any,
    seed: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = dtypes.float32,
    name: str | None = None,
    alg: Any = "auto_select",
) -> Tensor:
    """As `stateless_random_normal`, within two deviations."""
    with name_scope(name, "stateless_truncated_normal", [shape, seed, mean, stddev]) as scope:
        return _scaled(StatelessTruncatedNormalV2, scope, shape, seed, mean, stddev, dtype, alg)


def _scaled(
    declaration: Any,
    scope: str,
    shape: Any,
    seed: Any,
    mean: Any,
    stddev: Any,
    dtype: Any,
    alg: Any,
) -> Tensor:
    shape = shape_tensor(shape)
    mean = convert_to_tensor(mean, dtype, name="mean")
    stddev = convert_to_tensor(stddev, dtype, name="stddev")
    key, counter, number = _key_counter_algorithm(seed, alg)
    drawn = declaration(shape, key, counter, number, dtype=dtype)
    return add(drawn * stddev, mean, name=scope)


# ----------------------------------------------------------------------------------------- integers


@op(
    "StatelessRandomUniformInt",
    "shape: T, seed: Tseed, minval: dtype, maxval: dtype -> output: dtype",
    dtype=INDEX,
    T=INDEX,
    Tseed=SEED,
    **DRAW,
)
class StatelessRandomUniformInt:
    def shape(c):
        with_rank(c.shape(2), 0)
        with_rank(c.shape(3), 0)
        return seeded(c)

    def compute(xp, shape, seed, minval, maxval, *, dtype):
        return _integers(by_seed(seed), shape, minval, maxval, dtype)

    gradient = None


@op(
    "StatelessRandomUniformIntV2",
    "shape: Tshape, key: uint64, counter: uint64, alg: int32, minval: dtype, maxval: dtype -> "
    "output: dtype",
    dtype=FULL_INTEGERS,
    Tshape=INDEX_DEFAULT_INT32,
    **DRAW,
)
class StatelessRandomUniformIntV2:
    def shape(c):
        with_rank(c.shape(4), 0)
        with_rank(c.shape(5), 0)
        return keyed(c)

    def compute(xp, shape, key, counter, alg, minval, maxval, *, dtype):
        return _integers(by_key(key, counter, alg), shape, minval, maxval, dtype)

    gradient = None


@op(
    "StatelessRandomUniformFullInt",
    BY_SEED,
    dtype=f"{FULL_INTEGERS} = DT_UINT64",
    T=INDEX_DEFAULT_INT32,
    Tseed=f"{FULL_INTEGERS} = DT_INT64",
    **DRAW,
)
class StatelessRandomUniformFullInt:
    shape = seeded

    def compute(xp, shape, seed, *, dtype):
        return by_seed(seed).uniform_full_int(sizes_of(shape), dtype.as_numpy_dtype)

    gradient = None


@op(
    "StatelessRandomUniformFullIntV2",
    BY_KEY,
    dtype=f"{FULL_INTEGERS} = DT_UINT64",
    Tshape=INDEX_DEFAULT_INT32,
    **DRAW,
)
class StatelessRandomUniformFullIntV2:
    shape = keyed

    def compute(xp, shape, key, counter, alg, *, dtype):
        return by_key(key, counter, alg).uniform_full_int(sizes_of(shape), dtype.as_numpy_dtype)

    gradient = None


def _integers(stream: PhiloxStream, shape: Any, minval: Any, maxval: Any, dtype: Any) -> Any:
    random_shapes.check_scalar_value(minval, "minval")
    random_shapes.check_scalar_value(maxval, "maxval")
    return stream.uniform_int(sizes_of(shape), int(minval), int(maxval), dtype.as_numpy_dtype)


def stateless_random_uniform(
    shape: Any,
    seed: Any,
    minval: Any = 0,
    maxval: Any = None,
    dtype: Any = dtypes.float32,
    name: str | None = None,
    alg: Any = "auto_select",
) -> Tensor:
    """The numbers of this seed (two integers) in [minval, maxval).

    Integers over the whole range of their type where both bounds are None. Raises ValueError for
    another type, for one bound without the other, and for bounds of unsigned integers.
    """
    dtype = dtypes.as_dtype(dtype)
    if dtype.is_integer:
        if (minval is None) != (maxval is None):
            raise ValueError(
                f"For integer `dtype` argument {dtype}, argument `minval` and `maxval` must be "
                f"both None or not None. Got `minval`={minval} and `maxval`={maxval}."
            )
        if minval is not None and dtype.is_unsigned:
            raise ValueError(
                f"Argument `dtype` got invalid value {dtype} when argument `minval` is not None. "
                "Please don't use unsigned integers in this case."
            )
    elif maxval is None:
        maxval = 1
    with name_scope(name, "stateless_random_uniform", [shape, seed, minval, maxval]) as scope:
        shape = shape_tensor(shape)
        if minval is None:
            place = _key_counter_algorithm(seed, alg)
            drawn: Tensor = StatelessRandomUniformFullIntV2(shape, *place, dtype=dtype, name=scope)
            return drawn
        minval = convert_to_tensor(minval, dtype, name="min")
        maxval = convert_to_tensor(maxval, dtype, name="max")
        place = _key_counter_algorithm(seed, alg)
        if dtype.is_integer:
            integers: Tensor = StatelessRandomUniformIntV2(
                shape, *place, minval, maxval, name=scope
            )
            return integers
        unit = StatelessRandomUniformV2(shape, *place, dtype=dtype)
        return add(unit * (maxval - minval), minval, name=scope)
