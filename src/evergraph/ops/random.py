"""Random ops with a state: uniform and normal numbers, integers, shuffles, classes.

Each node owns a stream of random numbers in each session, made from its attributes ``seed`` and
``seed2`` (`evergraph.ops.philox`); what those are for a program's seeds is told in
`evergraph.ops.random_seed`.
"""

from __future__ import annotations

from typing import Any

from evergraph.formats import dtypes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.kernel import KernelContext
from evergraph.graph.registry import op
from evergraph.graph.scopes import name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops import random_shapes
from evergraph.ops.arithmetic import add, multiply
from evergraph.ops.philox import PhiloxStream
from evergraph.ops.random_seed import seed_attrs
from evergraph.ops.random_shapes import shape_tensor, sizes_of
from evergraph.ops.shape_rules import unchanged
from evergraph.ops.types import INDEX, REAL

DRAWN_FLOATS = "{half, bfloat16, float, double}"
STATE: dict[str, Any] = {"seed": 0, "seed2": 0}
_REAL: dict[str, Any] = {
    **STATE,
    "dtype": DRAWN_FLOATS,
    "T": INDEX,
    "static": "shape",
    "stateful": True,
}


def stream_of(ctx: KernelContext) -> PhiloxStream:
    """The random numbers of the node that is being computed, in this session."""
    attrs = ctx.op.attrs
    return ctx.state(lambda: PhiloxStream(attrs["seed"], attrs["seed2"]))


@op("RandomUniform", "shape: T -> output: dtype", **_REAL)
class RandomUniform:
    shape = random_shapes.drawn

    def compute(ctx, shape, *, dtype):
        return stream_of(ctx).uniform(sizes_of(shape), dtype.as_numpy_dtype)

    gradient = None


@op(
    "RandomUniformInt",
    "shape: T, minval: Tout, maxval: Tout -> output: Tout",
    **STATE,
    Tout=INDEX,
    T=INDEX,
    static="shape",
    stateful=True,
)
class RandomUniformInt:
    def shape(c):
        random_shapes.check_scalar(c, 1, "minval")
        random_shapes.check_scalar(c, 2, "maxval")
        return random_shapes.drawn(c)

    def compute(ctx, shape, minval, maxval, *, Tout):
        random_shapes.check_scalar_value(minval, "minval")
        random_shapes.check_scalar_value(maxval, "maxval")
        dtype = Tout.as_numpy_dtype
        return stream_of(ctx).uniform_int(sizes_of(shape), int(minval), int(maxval), dtype)

    gradient = None


def random_uniform(
    shape: Any,
    minval: Any = 0,
    maxval: Any = None,
    dtype: Any = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Numbers drawn from [minval, maxval), the upper bound being 1 for floating-point types.

    Raises ValueError for another type than half, bfloat16, float, double, int32, int64, and for an
    integer type without ``maxval``.
    """
    dtype = dtypes.as_dtype(dtype)
    _check_type(
        dtype,
        dtypes.float16,
        dtypes.bfloat16,
        dtypes.float32,
        dtypes.float64,
        dtypes.int32,
        dtypes.int64,
    )
    if maxval is None:
        if dtype.is_integer:
            raise ValueError(f"Must specify maxval for integer dtype {dtype!r}")
        maxval = 1
    with name_scope(name, "random_uniform", [shape, minval, maxval]) as scope:
        shape = shape_tensor(shape)
        from_zero = isinstance(minval, int) and minval == 0
        to_one = isinstance(maxval, int) and maxval == 1
        if not (from_zero and to_one) or dtype.is_integer:
            minval = convert_to_tensor(minval, dtype, name="min")
            maxval = convert_to_tensor(maxval, dtype, name="max")
        attrs = seed_attrs(seed)
        if dtype.is_integer:
            return RandomUniformInt(shape, minval, maxval, **attrs, name=scope)
        drawn = RandomUniform(shape, dtype=dtype, **attrs)
        if not from_zero:
            return add(drawn * (maxval - minval), minval, name=scope)
        return drawn if to_one else multiply(drawn, maxval)


@op("RandomStandardNormal", "shape: T -> output: dtype", **_REAL)
class RandomStandardNormal:
    shape = random_shapes.drawn

    def compute(ctx, shape, *, dtype):
        return stream_of(ctx).standard_normal(sizes_of(shape), dtype.as_numpy_dtype)

    gradient = None


def random_normal(
    shape: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Numbers drawn from a normal distribution."""
    with name_scope(name, "random_normal", [shape, mean, stddev]) as scope:
        return _scaled(RandomStandardNormal, scope, shape, mean, stddev, dtype, seed)


@op("TruncatedNormal", "shape: T -> output: dtype", **_REAL)
class TruncatedNormal:
    shape = random_shapes.drawn

    def compute(ctx, shape, *, dtype):
        return stream_of(ctx).truncated_normal(sizes_of(shape), dtype.as_numpy_dtype)

    gradient = None


def truncated_normal(
    shape: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = dtypes.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Numbers drawn from a normal distribution, again where they are beyond two deviations."""
    with name_scope(name, "truncated_normal", [shape, mean, stddev]) as scope:
        return _scaled(TruncatedNormal, scope, shape, mean, stddev, dtype, seed)


def _scaled(
    declaration: Any, scope: str, shape: Any, mean: Any, stddev: Any, dtype: Any, seed: int | None
) -> Tensor:
    """A standard draw, times the deviation, plus the mean; the sum has the scope's name."""
    shape = shape_tensor(shape)
    mean = convert_to_tensor(mean, dtype, name="mean")
    stddev = convert_to_tensor(stddev, dtype, name="stddev")
    drawn = declaration(shape, dtype=dtype, **seed_attrs(seed))
    return add(drawn * stddev, mean, name=scope)


@op("RandomShuffle", "value: T -> output: T", **STATE, T="type", stateful=True)
class RandomShuffle:
    shape = unchanged

    def compute(ctx, value):
        return stream_of(ctx).shuffle(value)

    gradient = None


def random_shuffle(value: Any, seed: int | None = None, name: str | None = None) -> Tensor:
    """``value`` with its rows (the elements of its first dimension) in random order."""
    shuffled: Tensor = RandomShuffle(value, **seed_attrs(seed), name=name)
    return shuffled


@op(
    "Multinomial",
    "logits: T, num_samples: int32 -> output: output_dtype",
    **STATE,
    T=REAL,
    output_dtype="{int32, int64} = DT_INT64",
    static="num_samples",
    stateful=True,
)
class Multinomial:
    shape = random_shapes.classes

    def compute(ctx, logits, num_samples, *, output_dtype):
        random_shapes.check_scalar_value(num_samples, "num_samples")
        return stream_of(ctx).multinomial(logits, int(num_samples), output_dtype.as_numpy_dtype)

    gradient = None


def multinomial(
    logits: Any,
    num_samples: Any,
    seed: int | None = None,
    name: str | None = None,
    output_dtype: Any = None,
) -> Tensor:
    """Class indices [batch, num_samples] in proportion to exp(logits), [batch, classes].

    Raises ValueError where ``output_dtype`` is neither int32 nor int64 (the default).
    """
    with name_scope(name, "multinomial", [logits]):
        return _multinomial(logits, num_samples, output_dtype, seed)


def categorical(
    logits: Any,
    num_samples: Any,
    dtype: Any = None,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """`multinomial` under its newer name."""
    with name_scope(name, "categorical", [logits]):
        return _multinomial(logits, num_samples, dtype, seed)


def _multinomial(logits: Any, num_samples: Any, dtype: Any, seed: int | None) -> Tensor:
    logits = convert_to_tensor(logits, name="logits")
    dtype = dtypes.as_dtype(dtype) if dtype else dtypes.int64
    _check_type(dtype, dtypes.int32, dtypes.int64)
    drawn: Tensor = Multinomial(logits, num_samples, output_dtype=dtype, **seed_attrs(seed))
    return drawn


def _check_type(dtype: dtypes.DType, *accepted: dtypes.DType) -> None:
    if dtype not in accepted:
        raise ValueError(
            f"Argument `dtype` got invalid value {dtype}. Accepted dtypes are {accepted}."
        )
