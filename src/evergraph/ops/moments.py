"""Means and variances, and what is normalized with them."""

from __future__ import annotations

from typing import Any

from evergraph.formats import dtypes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.scopes import name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.arithmetic import add, maximum, multiply, squared_difference, subtract
from evergraph.ops.casts import cast
from evergraph.ops.complex_numbers import complex, imag, real
from evergraph.ops.constant import constant
from evergraph.ops.division import div_no_nan
from evergraph.ops.picking import gather
from evergraph.ops.reductions import reduce_mean, reduce_prod, reduce_sum
from evergraph.ops.shaping import renamed
from evergraph.ops.unary import reciprocal, rsqrt, square


def _keep(keepdims: Any, keep_dims: Any) -> bool:
    return bool(renamed("keepdims", keepdims, "keep_dims", keep_dims))


def moments(
    x: Any,
    axes: Any,
    shift: Any = None,
    name: str | None = None,
    keep_dims: Any = None,
    keepdims: Any = None,
) -> tuple[Tensor, Tensor]:
    """(mean, variance) of ``x`` over ``axes``; those of float16 are summed up in float32. ``shift`` is ignored."""
    keep = _keep(keepdims, keep_dims)
    with name_scope(name, "moments", [x, axes]):
        narrow = x.dtype.base_dtype == dtypes.float16
        y = cast(x, dtypes.float32) if narrow else x
        mean = reduce_mean(y, axes, keepdims=True, name="mean")
        squares = squared_difference(y, array.stop_gradient(mean))
        variance = reduce_mean(squares, axes, keepdims=True, name="variance")
        if not keep:
            mean = array.squeeze(mean, axes)
            variance = array.squeeze(variance, axes)
        if narrow:
            return cast(mean, dtypes.float16), cast(variance, dtypes.float16)
        return mean, variance


def weighted_moments(
    x: Any,
    axes: Any,
    frequency_weights: Any,
    name: str | None = None,
    keep_dims: Any = None,
    keepdims: Any = None,
) -> tuple[Tensor, Tensor]:
    """(mean, variance) of ``x`` over ``axes``, each value counted ``frequency_weights`` times."""
    keep = _keep(keepdims, keep_dims)
    with name_scope(name, "weighted_moments", [x, frequency_weights, axes]):
        x = convert_to_tensor(x, name="x")
        weights = convert_to_tensor(frequency_weights, name="frequency_weights")
        narrow = x.dtype.base_dtype == dtypes.float16
        if narrow:
            x = cast(x, dtypes.float32)
        weights = cast(weights, x.dtype.base_dtype)
        total = reduce_sum(weights * x, axes, name="weighted_input_sum", keepdims=True)
        everywhere = weights + array.zeros_like(x)
        count = reduce_sum(everywhere, axes, name="sum_of_weights", keepdims=True)
        mean = div_no_nan(total, count)
        squares = reduce_sum(
            weights * squared_difference(x, mean), axes, name="weighted_distsq", keepdims=True
        )
        variance = div_no_nan(squares, count)
        if not keep:
            mean = array.squeeze(mean, axis=axes)
            variance = array.squeeze(variance, axis=axes)
        if narrow:
            return cast(mean, dtypes.float16), cast(variance, dtypes.float16)
        return mean, variance


def sufficient_statistics(
    x: Any,
    axes: Any,
    shift: Any = None,
    keep_dims: Any = None,
    name: str | None = None,
    keepdims: Any = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """(number of elements, sum, sum of squares, shift) of ``x - shift`` over ``axes``, for ``normalize_moments``."""
    axes = list(set(axes))
    keep = _keep(keepdims, keep_dims)
    with name_scope(name, "sufficient_statistics", [x, shift]):
        x = convert_to_tensor(x, name="x")
        if x.dims is not None and all(x.dims[axis] is not None for axis in axes):
            number = 1
            for axis in axes:
                number *= x.dims[axis] or 0
            counts = constant(number, dtype=x.dtype)
        else:
            rank = array.rank(x)
            places = [axis + rank if axis < 0 else axis for axis in axes]
            sizes = gather(cast(array.shape(x), x.dtype), places)
            counts = reduce_prod(sizes, name="count")
        if shift is not None:
            shift = convert_to_tensor(shift, name="shift")
            once, twice = subtract(x, shift), squared_difference(x, shift)
        else:
            once, twice = x, square(x)
        mean_ss = reduce_sum(once, axes, keepdims=keep, name="mean_ss")
        variance_ss = reduce_sum(twice, axes, keepdims=keep, name="var_ss")
    return counts, mean_ss, variance_ss, shift


def normalize_moments(
    counts: Any, mean_ss: Any, variance_ss: Any, shift: Any, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """(mean, variance) of what ``sufficient_statistics`` gave."""
    with name_scope(name, "normalize", [counts, mean_ss, variance_ss, shift]):
        divisor = reciprocal(counts, name="divisor")
        if shift is not None:
            shifted = multiply(mean_ss, divisor, name="shifted_mean")
            mean = add(shifted, shift, name="mean")
        else:
            mean = shifted = multiply(mean_ss, divisor, name="mean")
        squares = multiply(variance_ss, divisor)
        return mean, subtract(squares, square(shifted), name="variance")


def batch_normalization(
    x: Any,
    mean: Any,
    variance: Any,
    offset: Any,
    scale: Any,
    variance_epsilon: Any,
    name: str | None = None,
) -> Tensor:
    """``scale * (x - mean) / sqrt(variance + variance_epsilon) + offset``; offset and scale may be None."""
    with name_scope(name, "batchnorm", [x, mean, variance, scale, offset]):
        inverse = rsqrt(variance + variance_epsilon)
        if scale is not None:
            inverse *= scale
        kind = x.dtype.base_dtype
        scaled = x * cast(inverse, kind)
        rest = offset - mean * inverse if offset is not None else -mean * inverse
        result: Tensor = scaled + cast(rest, kind)
        return result


def batch_norm_with_global_normalization(
    t: Any = None,
    m: Any = None,
    v: Any = None,
    beta: Any = None,
    gamma: Any = None,
    variance_epsilon: Any = None,
    scale_after_normalization: bool | None = None,
    name: str | None = None,
    input: Any = None,
    mean: Any = None,
    variance: Any = None,
) -> Tensor:
    """``batch_normalization`` with an older op's arguments; ``gamma`` counts only if ``scale_after_normalization``."""
    t = renamed("input", input, "t", t)
    m = renamed("mean", mean, "m", m)
    v = renamed("variance", variance, "v", v)
    scale = gamma if scale_after_normalization else None
    return batch_normalization(t, m, v, beta, scale, variance_epsilon, name)


def l2_normalize(
    x: Any, axis: Any = None, epsilon: float = 1e-12, name: str | None = None, dim: Any = None
) -> Tensor:
    """``x`` divided by its length along ``axis`` (``dim`` is its old name)."""
    axis = renamed("axis", axis, "dim", dim)
    with name_scope(name, "l2_normalize", [x]) as scope:
        x = convert_to_tensor(x, name="x")
        if x.dtype.is_complex:
            squares = square(real(x))
            total = real(reduce_sum(squares + square(imag(x)), axis, keepdims=True))
            inverse = rsqrt(maximum(total, epsilon))
            real_part = multiply(real(x), inverse)
            return complex(real_part, multiply(imag(x), inverse), name=scope)
        total = reduce_sum(square(x), axis, keepdims=True)
        return multiply(x, rsqrt(maximum(total, epsilon)), name=scope)
