"""Where along an axis the greatest or the least value is."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph import shape as shapes
from evergraph.graph.registry import op
from evergraph.graph.tensor import Tensor

_COMPARED = (
    "{float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64, qint8, "
    "quint8, qint32, qint16, quint16, bool}"
)


def _without_axis(c):
    dims = c.shape(0)
    axis = c.value(1)
    if dims is None:
        return None
    if len(dims) <= 1:
        return ()
    if axis is None:
        return (None,) * (len(dims) - 1)
    axis = shapes.check_axis(int(axis), len(dims))
    return dims[:axis] + dims[axis + 1 :]


def _search(find: Any, x: Any, dimension: Any, dtype: Any) -> Any:
    axis, rank = int(dimension), x.ndim
    if not -rank <= axis < rank:
        raise errors.InvalidArgumentError(
            None, None, f"Expected dimension in the range [{-rank}, {rank}), but got {axis}"
        )
    if x.shape[axis] == 0:
        raise errors.InvalidArgumentError(
            None, None, f"Reduction axis {axis} is empty in shape {shapes.text(x.shape)}"
        )
    return find(x, axis=axis).astype(dtype)


@op(
    "ArgMax",
    "input: T, dimension: Tidx -> output: output_type",
    T=_COMPARED,
    Tidx="{int16, int32, int64} = DT_INT32",
    output_type="{int16, uint16, int32, int64} = DT_INT64",
    static="dimension",
)
class ArgMax:
    shape = _without_axis

    def compute(xp, input, dimension, *, output_type):
        return _search(xp.argmax, input, dimension, output_type.as_numpy_dtype)

    gradient = None


@op(
    "ArgMin",
    "input: T, dimension: Tidx -> output: output_type",
    T=_COMPARED,
    Tidx="{int32, int64} = DT_INT32",
    output_type="{int32, int64} = DT_INT64",
    static="dimension",
)
class ArgMin:
    shape = _without_axis

    def compute(xp, input, dimension, *, output_type):
        return _search(xp.argmin, input, dimension, output_type.as_numpy_dtype)

    gradient = None


def argmax(
    input: Any,
    axis: Any = None,
    name: str | None = None,
    dimension: Any = None,
    output_type: Any = dtypes.int64,
) -> Tensor:
    """Where along ``axis`` (0) the greatest value is, the first of several. ``dimension`` is its old name."""
    result: Tensor = ArgMax(input, _axis(axis, dimension), output_type=output_type, name=name)
    return result


def argmin(
    input: Any,
    axis: Any = None,
    name: str | None = None,
    dimension: Any = None,
    output_type: Any = dtypes.int64,
) -> Tensor:
    """Where along ``axis`` (0) the least value is, the first of several. ``dimension`` is its old name."""
    result: Tensor = ArgMin(input, _axis(axis, dimension), output_type=output_type, name=name)
    return result


def arg_max(
    input: Any, dimension: Any, output_type: Any = dtypes.int64, name: str | None = None
) -> Tensor:
    """TensorFlow 0.x's spelling of ``argmax``."""
    result: Tensor = ArgMax(input, dimension, output_type=output_type, name=name)
    return result


def arg_min(
    input: Any, dimension: Any, output_type: Any = dtypes.int64, name: str | None = None
) -> Tensor:
    """TensorFlow 0.x's spelling of ``argmin``."""
    result: Tensor = ArgMin(input, dimension, output_type=output_type, name=name)
    return result


def _axis(axis: Any, dimension: Any) -> Any:
    if dimension is not None:
        if axis is not None:
            raise ValueError("Cannot specify both 'axis' and 'dimension'.")
        return dimension
    return np.int32(0) if axis is None else axis
