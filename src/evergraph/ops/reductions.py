"""Reductions: sums, products, means, extremes and truths over some axes."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph import shape as shapes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.scopes import name_scope
from evergraph.graph.shape import Dims, is_fully_defined, product
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.constant import constant
from evergraph.ops.narrow_floats import is_narrow, widened
from evergraph.ops.types import INDEX_DEFAULT_INT32, NUMERIC

#: Orderable types, in the OpDef's order.
ORDERED = (
    "{float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64, qint8, "
    "quint8, qint32, qint16, quint16}"
)


def _kept_axes(c: Any) -> tuple[Dims, set[int] | None]:
    """The input's shape, and the axes that are reduced where they are known."""
    dims = c.shape(0)
    axes = c.value(1)
    if axes is None or dims is None:
        return dims, None
    return dims, {shapes.check_axis(int(axis), len(dims)) for axis in np.ravel(axes)}


def _reduced(c):
    dims, axes = _kept_axes(c)
    if dims is None:
        return None
    if axes is None:
        return (None,) * len(dims) if c["keep_dims"] else None
    if c["keep_dims"]:
        return tuple(1 if axis in axes else size for axis, size in enumerate(dims))
    return tuple(size for axis, size in enumerate(dims) if axis not in axes)


def _axes(x: Any, reduction_indices: Any) -> tuple[int, ...]:
    """The axes as NumPy takes them. Raises InvalidArgumentError for one that is not there, or is there twice."""
    rank = x.ndim
    found = reduction_indices.tolist()
    found = found if isinstance(found, list) else [found]
    for i, axis in enumerate(found):
        if not -rank <= axis < rank:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Invalid reduction dimension ({axis} for input with {rank} dimension(s)",
            )
        if axis < 0:
            found[i] = axis + rank
    if len(found) > 1 and len(set(found)) != len(found):
        twice = next(axis for axis in found if found.count(axis) > 1)
        raise errors.InvalidArgumentError(
            None,
            None,
            f"Invalid reduction arguments: Axes contains duplicate dimension: {twice}",
        )
    return tuple(found)


def _accumulate(xp: Any, name: str, x: Any, reduction_indices: Any, keep_dims: bool) -> Any:
    """A sum-like reduction in the type of ``x``: NumPy would widen small integers."""
    axes = _axes(x, reduction_indices)
    if is_narrow(x.dtype):
        wide = getattr(xp, name)(x.astype(np.float32), axis=axes, keepdims=keep_dims)
        return wide.astype(x.dtype)
    if xp is np:
        # What np.sum and np.prod come down to, without their looking around.
        return _UFUNCS[name].reduce(x, axis=axes, dtype=x.dtype, keepdims=keep_dims)
    return getattr(xp, name)(x, axis=axes, dtype=x.dtype, keepdims=keep_dims)


_UFUNCS: dict[str, Any] = {"sum": np.add, "prod": np.multiply}


def _sum_gradient(op, grad):
    x = op.inputs[0]
    kept = _kept_shape(op)
    if is_fully_defined(x.dims) and isinstance(kept, tuple):
        multiples = [size if one == 1 else 1 for size, one in zip(x.dims, kept, strict=True)]
        from evergraph.ops.layout import tile

        return tile(array.reshape(grad, list(kept)), multiples), None
    from evergraph.ops.layout import broadcast_to

    return broadcast_to(array.reshape(grad, kept), array.shape(x)), None


def _kept_shape(op: Any) -> Any:
    """The output's shape with the reduced axes kept as 1: a tuple where it is known, else a tensor."""
    from evergraph.graph.constant_value import constant_value

    x, axes = op.inputs
    known = constant_value(axes)
    if known is not None and x.dims is not None:
        reduced = {int(axis) % max(len(x.dims), 1) for axis in np.ravel(known)}
        kept = tuple(1 if axis in reduced else size for axis, size in enumerate(x.dims))
        if is_fully_defined(kept):
            return kept
    return reduced_shape(array.shape(x), axes)


def reduced_shape(input_shape: Any, axes: Any) -> Tensor:
    """The shape of a reduction that keeps its axes, worked out in the run: ``input_shape`` with 1 at ``axes``."""
    from evergraph.ops.casts import cast
    from evergraph.ops.partitioning import dynamic_stitch
    from evergraph.ops.sequences import range_

    input_shape = cast(input_shape, dtypes.int32)
    axes = cast(axes, dtypes.int32)
    rank = array.size(input_shape)
    axes = array.reshape((axes + rank) % rank, [-1])
    return dynamic_stitch(
        [range_(rank), axes], [input_shape, array.ones(array.shape(axes), dtype=dtypes.int32)]
    )


@op(
    "Sum",
    "input: T, reduction_indices: Tidx -> output: T",
    keep_dims=False,
    T=NUMERIC,
    Tidx=INDEX_DEFAULT_INT32,
    static="reduction_indices",
)
class Sum:
    shape = _reduced

    def compute(xp, input, reduction_indices, *, keep_dims):
        return _accumulate(xp, "sum", input, reduction_indices, keep_dims)

    gradient = _sum_gradient


@op(
    "Prod",
    "input: T, reduction_indices: Tidx -> output: T",
    keep_dims=False,
    T=NUMERIC,
    Tidx=INDEX_DEFAULT_INT32,
    static="reduction_indices",
)
class Prod:
    shape = _reduced

    def compute(xp, input, reduction_indices, *, keep_dims):
        return _accumulate(xp, "prod", input, reduction_indices, keep_dims)

    def gradient(op, grad):
        """The product of all the others, without dividing by what may be zero."""
        from evergraph.ops.concatenation import concat
        from evergraph.ops.cumulative import cumprod
        from evergraph.ops.gathering import gather, setdiff1d
        from evergraph.ops.layout import broadcast_to, invert_permutation, transpose
        from evergraph.ops.sequences import range_

        x = op.inputs[0]
        axes = array.reshape(op.inputs[1], [-1])
        grad = broadcast_to(array.reshape(grad, _kept_shape(op)), array.shape(x))
        rank = array.rank(x)
        from evergraph.ops.casts import cast

        axes = cast((cast(axes, dtypes.int32) + rank) % rank, dtypes.int32)
        rest, _ = setdiff1d(range_(rank), axes)
        order = concat([axes, rest], 0)
        sizes = array.shape(x)
        reduced = reduce_prod(gather(sizes, axes))
        others = reduce_prod(gather(sizes, rest))
        swapped = transpose(x, order)
        flat = array.reshape(swapped, [reduced, others])
        left = cumprod(flat, axis=0, exclusive=True)
        right = cumprod(flat, axis=0, exclusive=True, reverse=True)
        from evergraph.ops.complex_numbers import conj

        product_of_others = array.reshape(conj(left) * conj(right), array.shape(swapped))
        result = grad * transpose(product_of_others, invert_permutation(order))
        return array.reshape(result, sizes), None


@op(
    "Mean",
    "input: T, reduction_indices: Tidx -> output: T",
    keep_dims=False,
    T=NUMERIC,
    Tidx=INDEX_DEFAULT_INT32,
    static="reduction_indices",
)
class Mean:
    shape = _reduced

    def compute(xp, input, reduction_indices, *, keep_dims):
        axes = _axes(input, reduction_indices)
        if input.dtype.kind in "iu":
            wide = np.int64 if input.dtype.kind == "i" else np.uint64
            total = xp.sum(input, axis=axes, dtype=wide, keepdims=keep_dims)
            count = wide(max(product(input.shape[axis] for axis in axes), 1))
            # Whole numbers are divided as C divides them, towards zero.
            quotient = xp.abs(total) // count if wide is np.int64 else total // count
            return (xp.sign(total) * quotient).astype(input.dtype)
        if input.dtype.kind == "c" and not input.size:
            return xp.zeros_like(xp.sum(input, axis=axes, keepdims=keep_dims))
        if is_narrow(input.dtype):
            return xp.mean(input.astype(np.float32), axis=axes, keepdims=keep_dims).astype(
                input.dtype
            )
        return xp.mean(input, axis=axes, dtype=input.dtype, keepdims=keep_dims)

    def gradient(op, grad):
        from evergraph.ops.casts import cast
        from evergraph.ops.division import truediv

        total, _ = _sum_gradient(op, grad)
        x, y = op.inputs[0], op.outputs[0]
        if is_fully_defined(x.dims) and is_fully_defined(y.dims):
            count = product(x.dims) // max(product(y.dims), 1)
            factor = constant(count, dtype=total.dtype)
        else:
            from evergraph.ops.division import floordiv

            count = floordiv(array.size(x), array.size(y))
            factor = cast(count, total.dtype)
        return truediv(total, factor), None


def _extreme_gradient(op, grad):
    """Equal shares to all that are the extreme."""
    from evergraph.ops.casts import cast
    from evergraph.ops.comparison import equal

    x, axes = op.inputs
    kept = _kept_shape(op)
    kept = list(kept) if isinstance(kept, tuple) else kept
    y = array.reshape(op.outputs[0], kept)
    grad = array.reshape(grad, kept)
    chosen = cast(equal(y, x), grad.dtype)
    count = array.reshape(reduce_sum(chosen, axes), kept)
    return chosen / count * grad, None


def _lowest(dtype: Any) -> Any:
    return -np.inf if dtype.kind == "f" or dtype.name == "bfloat16" else np.iinfo(dtype).min


def _highest(dtype: Any) -> Any:
    return np.inf if dtype.kind == "f" or dtype.name == "bfloat16" else np.iinfo(dtype).max


@op(
    "Max",
    "input: T, reduction_indices: Tidx -> output: T",
    keep_dims=False,
    T=ORDERED,
    Tidx=INDEX_DEFAULT_INT32,
    static="reduction_indices",
)
class Max:
    shape = _reduced

    def compute(xp, input, reduction_indices, *, keep_dims):
        axes = _axes(input, reduction_indices)
        if input.size:
            return xp.max(input, axis=axes, keepdims=keep_dims)
        return xp.max(input, axis=axes, keepdims=keep_dims, initial=_lowest(input.dtype)).astype(
            input.dtype
        )

    gradient = _extreme_gradient


@op(
    "Min",
    "input: T, reduction_indices: Tidx -> output: T",
    keep_dims=False,
    T=ORDERED,
    Tidx=INDEX_DEFAULT_INT32,
    static="reduction_indices",
)
class Min:
    shape = _reduced

    def compute(xp, input, reduction_indices, *, keep_dims):
        axes = _axes(input, reduction_indices)
        if input.size:
            return xp.min(input, axis=axes, keepdims=keep_dims)
        return xp.min(input, axis=axes, keepdims=keep_dims, initial=_highest(input.dtype)).astype(
            input.dtype
        )

    gradient = _extreme_gradient


@op(
    "All",
    "input: bool, reduction_indices: Tidx -> output: bool",
    keep_dims=False,
    Tidx=INDEX_DEFAULT_INT32,
    static="reduction_indices",
)
class All:
    shape = _reduced

    def compute(xp, input, reduction_indices, *, keep_dims):
        return xp.all(input, axis=_axes(input, reduction_indices), keepdims=keep_dims)

    gradient = None


@op(
    "Any",
    "input: bool, reduction_indices: Tidx -> output: bool",
    keep_dims=False,
    Tidx=INDEX_DEFAULT_INT32,
    static="reduction_indices",
)
class AnyOf:
    shape = _reduced

    def compute(xp, input, reduction_indices, *, keep_dims):
        return xp.any(input, axis=_axes(input, reduction_indices), keepdims=keep_dims)

    gradient = None


@op(
    "EuclideanNorm",
    "input: T, reduction_indices: Tidx -> output: T",
    keep_dims=False,
    T=NUMERIC,
    Tidx=INDEX_DEFAULT_INT32,
    static="reduction_indices",
)
class EuclideanNorm:
    shape = _reduced

    def compute(xp, input, reduction_indices, *, keep_dims):
        axes = _axes(input, reduction_indices)
        wide = widened(input)
        squares = xp.sum(
            (wide * xp.conj(wide)).astype(wide.dtype),
            axis=axes,
            dtype=wide.dtype,
            keepdims=keep_dims,
        )
        return xp.sqrt(squares).astype(input.dtype)

    def gradient(op, grad):
        from evergraph.ops.division import truediv

        kept = _kept_shape(op)
        kept = list(kept) if isinstance(kept, tuple) else kept
        output = array.reshape(op.outputs[0], kept)
        return truediv(op.inputs[0], output / array.reshape(grad, kept)), None


# The functions of programs

_ANY_KEEP = "Cannot specify both 'keepdims' and 'keep_dims'."
_ANY_AXIS = "Cannot specify both 'axis' and 'reduction_indices'."


def _resolve(
    axis: Any, keepdims: Any, reduction_indices: Any, keep_dims: Any
) -> tuple[Any, builtins.bool]:
    """The arguments of both generations. Raises ValueError where one is given under two names."""
    if reduction_indices is not None:
        if axis is not None:
            raise ValueError(_ANY_AXIS)
        axis = reduction_indices
    if keep_dims is not None:
        if keepdims is not None:
            raise ValueError(_ANY_KEEP)
        keepdims = keep_dims
    return axis, builtins.bool(keepdims) if keepdims is not None else False


def _reduce(
    declaration: Any,
    input_tensor: Any,
    axis: Any,
    keepdims: Any,
    name: str | None,
    reduction_indices: Any,
    keep_dims: Any,
    dtype: Any = None,
) -> Tensor:
    axis, keep = _resolve(axis, keepdims, reduction_indices, keep_dims)
    x = convert_to_tensor(input_tensor, dtype)
    axes = all_axes(x) if axis is None else axis
    result: Tensor = declaration(x, axes, keep_dims=keep, name=name)
    if axis is None and not keep and result.dims is None:
        result.set_shape(())
    return result


def all_axes(x: Tensor) -> Any:
    """Every axis of ``x``: a constant where its rank is known (and not 0: TensorFlow asks a scalar for its rank)."""
    if x.dims:
        return constant(np.arange(len(x.dims)), dtype=dtypes.int32)
    from evergraph.ops.sequences import range_

    return range_(0, array.rank(x))


def reduce_sum(
    input_tensor: Any,
    axis: Any = None,
    keepdims: Any = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: Any = None,
) -> Tensor:
    """The sum over ``axis`` (all axes); ``keepdims`` keeps them with size 1."""
    return _reduce(Sum, input_tensor, axis, keepdims, name, reduction_indices, keep_dims)


def reduce_mean(
    input_tensor: Any,
    axis: Any = None,
    keepdims: Any = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: Any = None,
) -> Tensor:
    """The mean over ``axis``; of whole numbers it is a whole number."""
    return _reduce(Mean, input_tensor, axis, keepdims, name, reduction_indices, keep_dims)


def reduce_prod(
    input_tensor: Any,
    axis: Any = None,
    keepdims: Any = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: Any = None,
) -> Tensor:
    """The product over ``axis``."""
    return _reduce(Prod, input_tensor, axis, keepdims, name, reduction_indices, keep_dims)


def reduce_min(
    input_tensor: Any,
    axis: Any = None,
    keepdims: Any = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: Any = None,
) -> Tensor:
    """The least over ``axis``."""
    return _reduce(Min, input_tensor, axis, keepdims, name, reduction_indices, keep_dims)


def reduce_max(
    input_tensor: Any,
    axis: Any = None,
    keepdims: Any = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: Any = None,
) -> Tensor:
    """The greatest over ``axis``."""
    return _reduce(Max, input_tensor, axis, keepdims, name, reduction_indices, keep_dims)


def reduce_all(
    input_tensor: Any,
    axis: Any = None,
    keepdims: Any = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: Any = None,
) -> Tensor:
    """Whether all along ``axis`` are true."""
    return _reduce(
        All, input_tensor, axis, keepdims, name, reduction_indices, keep_dims, dtypes.bool
    )


def reduce_any(
    input_tensor: Any,
    axis: Any = None,
    keepdims: Any = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: Any = None,
) -> Tensor:
    """Whether any along ``axis`` is true."""
    return _reduce(
        AnyOf, input_tensor, axis, keepdims, name, reduction_indices, keep_dims, dtypes.bool
    )


def reduce_euclidean_norm(
    input_tensor: Any, axis: Any = None, keepdims: builtins.bool = False, name: str | None = None
) -> Tensor:
    """The square root of the sum of squares over ``axis``."""
    return _reduce(EuclideanNorm, input_tensor, axis, keepdims, name, None, None)


def reduce_logsumexp(
    input_tensor: Any,
    axis: Any = None,
    keepdims: Any = None,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: Any = None,
) -> Tensor:
    """``log(sum(exp(x)))`` over ``axis``, without overflow."""
    from evergraph.ops.gathering import where
    from evergraph.ops.numerics import is_finite
    from evergraph.ops.passing import stop_gradient
    from evergraph.ops.unary import exp, log

    axis, keep = _resolve(axis, keepdims, reduction_indices, keep_dims)
    with name_scope(name, "ReduceLogSumExp", [input_tensor]) as scope:
        x = convert_to_tensor(input_tensor)
        largest = reduce_max(x, axis=axis, keepdims=True)
        largest = stop_gradient(where(is_finite(largest), largest, array.zeros_like(largest)))
        result = log(reduce_sum(exp(x - largest), axis=axis, keepdims=keep))
        if not keep:
            largest = array.reshape(largest, array.shape(result))
        from evergraph.ops.arithmetic import add

        return add(result, largest, name=scope)


def count_nonzero(
    input_tensor: Any = None,
    axis: Any = None,
    keepdims: Any = None,
    dtype: Any = dtypes.int64,
    name: str | None = None,
    reduction_indices: Any = None,
    keep_dims: Any = None,
    input: Any = None,
) -> Tensor:
    """How many along ``axis`` are not zero."""
    from evergraph.ops.casts import cast
    from evergraph.ops.comparison import not_equal

    axis, keep = _resolve(axis, keepdims, reduction_indices, keep_dims)
    with name_scope(name, "count_nonzero", [input_tensor if input is None else input]):
        x = convert_to_tensor(input_tensor if input is None else input, name="input")
        zero = array.zeros([], dtype=x.dtype)
        counted = cast(not_equal(x, zero), dtypes.int64)
        return cast(reduce_sum(counted, axis=axis, keepdims=keep), dtype)
