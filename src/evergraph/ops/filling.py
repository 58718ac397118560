"""Tensors of which every element is the same: Fill, zeros, ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.formats.dtypes import DType
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.scopes import name_scope
from evergraph.graph.shape import TensorShape, is_fully_defined, text, with_rank
from evergraph.graph.tensor import Tensor
from evergraph.ops import shape_rules, shaping
from evergraph.ops.constant import constant
from evergraph.ops.types import INDEX_DEFAULT_INT32

#: ``zeros`` and ``ones`` of fewer elements than this are constants.
_SMALL = 1000


@op(
    "Fill", "dims: index_type, value: T -> output: T", T="type", index_type=INDEX_DEFAULT_INT32,
    static="dims",
)  # fmt: skip
class Fill:
    def shape(c):
        with_rank(c.shape(1), 0)
        return shaping.sizes_of(c, 0)

    def compute(xp, dims, value):
        if dims.ndim != 1:
            raise errors.InvalidArgumentError(
                None, None, f"dims must be a vector, got shape {text(dims.shape)}"
            )
        if value.ndim:
            raise errors.InvalidArgumentError(
                None, None, f"value must be a scalar, got shape {text(value.shape)}"
            )
        sizes = dims.tolist()
        if min(sizes, default=0) < 0:
            raise errors.InvalidArgumentError(None, None, f"Dimension {min(sizes)} must be >= 0")
        return xp.full(sizes, value, value.dtype)

    def gradient(op, grad):
        from evergraph.ops.reductions import reduce_sum

        return None, reduce_sum(grad)


def fill(dims: Any, value: Any, name: str | None = None) -> Tensor:
    """A tensor of shape ``dims`` of which every element is the scalar ``value``."""
    return Fill(dims, value, name=name)


@op("ZerosLike", "x: T -> y: T", T="type")
class ZerosLike:
    shape = shape_rules.unchanged

    def compute(xp, x):
        if x.dtype == object:
            return np.full(x.shape, b"", object)
        return xp.zeros_like(x)

    gradient = None


@op(
    "OnesLike",
    "x: T -> y: T",
    T=(
        "{bfloat16, half, float, double, int8, uint8, int16, uint16, int32, uint32, int64, "
        "uint64, complex64, complex128, bool}"
    ),
)
class OnesLike:
    shape = shape_rules.unchanged

    def compute(xp, x):
        return xp.ones_like(x)

    gradient = None


@op("Empty", "shape: int32 -> output: dtype", dtype="type", init=False, stateful=True)
class Empty:
    def shape(c):
        return shaping.sizes_of(c, 0)

    def compute(ctx, shape, *, dtype):
        # Zeros whether or not ``init`` asks for them: nobody sees what was in memory before.
        blank = b"" if dtype == dtypes.string else 0
        return np.full(shape.tolist(), blank, dtype.as_numpy_dtype)


def zeros(shape: Any, dtype: Any = dtypes.float32, name: str | None = None) -> Tensor:
    """A tensor of ``shape`` (a list, a TensorShape, a Tensor) full of zeros.

    Of type bool, full of False; of type string, of empty strings.
    """
    return _filled(shape, dtype, name, "zeros", 0)


def ones(shape: Any, dtype: Any = dtypes.float32, name: str | None = None) -> Tensor:
    """A tensor of ``shape`` (a list, a TensorShape, a Tensor) full of ones, or of True."""
    return _filled(shape, dtype, name, "ones", 1)


def _filled(shape: Any, dtype: Any, name: str | None, default_name: str, number: int) -> Tensor:
    kind = dtypes.as_dtype(dtype).base_dtype
    value = _element(kind, number)
    with name_scope(name, default_name, [shape]) as scope:
        if not isinstance(shape, Tensor):
            small = _constant_if_small(value, shape, kind, scope)
            if small is not None:
                return small
            try:
                shape = convert_to_tensor(TensorShape(shape))
            except (TypeError, ValueError):
                shape = convert_to_tensor(shape, dtype=dtypes.int32)
        if not shape.dims:
            shape = shaping.reshape(shape, [-1])
        return fill(shape, constant(value, kind), name=scope)


def _element(kind: DType, number: int) -> Any:
    if kind.is_bool:
        return bool(number)
    if kind == dtypes.string and number == 0:
        return ""
    if kind.is_quantized:
        return np.full([], number).astype(kind.as_numpy_dtype)
    return number


def _constant_if_small(value: Any, shape: Any, dtype: DType, name: str) -> Tensor | None:
    try:
        if np.prod(shape) < _SMALL:
            return constant(value, dtype, shape, name=name)
    except (NotImplementedError, TypeError):
        pass  # There are tensors in it, or unknown sizes; or it is a number, not a list of them.
    return None


def zeros_like(
    tensor: Any, dtype: Any = None, name: str | None = None, optimize: bool = True
) -> Tensor:
    """Zeros in the shape of ``tensor``, of its type or of ``dtype``.

    With ``optimize``, a constant where the shape is known while the graph is built.
    """
    with name_scope(name, "zeros_like", [tensor]) as scope:
        tensor = convert_to_tensor(tensor, name="tensor")
        kind = tensor.dtype if dtype is None else dtypes.as_dtype(dtype)
        if optimize and is_fully_defined(tensor.dims) and tensor.dtype != dtypes.variant:
            return zeros(tensor.shape, kind, name=scope)
        if kind not in (tensor.dtype, dtypes.variant):
            return zeros(_own_shape(tensor, optimize), kind, name=scope)
        return ZerosLike(tensor, name=scope)


def ones_like(
    tensor: Any, dtype: Any = None, name: str | None = None, optimize: bool = True
) -> Tensor:
    """Ones in the shape of ``tensor``, of its type or of ``dtype``.

    With ``optimize``, a constant where the shape is known while the graph is built.
    """
    with name_scope(name, "ones_like", [tensor]) as scope:
        tensor = convert_to_tensor(tensor, name="tensor")
        kind = tensor.dtype if dtype is None else dtype
        result = ones(_own_shape(tensor, optimize), kind, name=scope)
        result.set_shape(tensor.dims)
        return result


def _own_shape(tensor: Tensor, optimize: bool) -> Tensor:
    # None: a known shape becomes a constant of the narrower type that can hold it.
    out_type = None if optimize and is_fully_defined(tensor.dims) else dtypes.int32
    return shaping.shape(tensor, out_type=out_type, optimize=optimize)
