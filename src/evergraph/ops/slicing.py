"""Parts of a tensor: Slice, and Python's brackets."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph import shape as shapes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.scopes import name_scope
from evergraph.graph.shape import Dimension
from evergraph.graph.tensor import Tensor
from evergraph.ops import array, passing
from evergraph.ops.constant import constant
from evergraph.ops.stacking import stack
from evergraph.ops.strided import strided_slice
from evergraph.ops.types import INDEX

__all__ = ["Slice", "getitem", "slice_", "strided_slice"]

_INDEX_TYPES = (dtypes.int16, dtypes.int32, dtypes.int64)


@op(
    "Slice", "input: T, begin: Index, size: Index -> output: T", T="type", Index=INDEX,
    static="begin, size",
)  # fmt: skip
class Slice:
    def shape(c):
        dims = c.shape(0)
        begin_length, size_length = shapes.with_rank(c.shape(1), 1), shapes.with_rank(c.shape(2), 1)
        (rank,) = shapes.merge(begin_length, size_length)
        if rank is None:
            return None if dims is None else (None,) * len(dims)
        dims = shapes.with_rank(dims, rank)
        begin = c.value_as_shape(1) or (None,) * rank
        sizes = c.value(2)
        if sizes is None:
            return c.value_as_shape(2) or (None,) * rank
        return tuple(_extent(*places) for places in zip(dims, begin, sizes.tolist(), strict=True))

    def compute(xp, input, begin, size):
        window = _window(input.shape, begin, size)
        return passing.detached(xp, input[tuple(window)])

    def gradient(op, grad):
        from evergraph.ops.concatenation import concat
        from evergraph.ops.layout import pad

        whole, begin, _ = op.inputs
        rank = array.rank(whole)
        size = array.shape(op.outputs[0], out_type=begin.dtype)
        column = stack([rank, 1])
        before = array.reshape(begin, column)
        after = array.shape(whole, out_type=begin.dtype) - size - begin
        return pad(grad, concat([before, array.reshape(after, column)], 1)), None, None


def _extent(length: int | None, begin: int | None, size: int) -> int | None:
    """How long a slice of a dimension is, as far as it is known."""
    if size < -1:
        raise ValueError(f"Invalid value in tensor used for shape: {size}")
    if size >= 0:
        return size
    if length is None or begin is None:
        return None
    if begin > length:
        raise ValueError(f"Negative dimension size caused by subtracting {begin} from {length}")
    return length - begin


def _window(dims: tuple[int, ...], begin: Any, size: Any) -> list[Any]:
    rank = len(dims)
    if begin.shape != (rank,) or size.shape != (rank,):
        raise errors.InvalidArgumentError(
            None,
            None,
            f"Expected begin and size arguments to be 1-D tensors of size {rank}, but got shapes "
            f"{shapes.text(begin.shape)} and {shapes.text(size.shape)} instead.",
        )
    window: list[Any] = [...]  # keeps a single element an array
    for i, (start, count, length) in enumerate(
        zip(begin.tolist(), size.tolist(), dims, strict=True)
    ):
        if not 0 <= start <= length:
            raise errors.InvalidArgumentError(
                None, None, f"Expected begin[{i}] in [0, {length}], but got {start}"
            )
        if not -1 <= count <= length - start:
            raise errors.InvalidArgumentError(
                None, None, f"Expected size[{i}] in [0, {length - start}], but got {count}"
            )
        window.append(slice(start, length if count == -1 else start + count))
    return window


def slice_(input_: Any, begin: Any, size: Any, name: str | None = None) -> Tensor:
    """``size`` elements of each dimension of ``input_`` from ``begin`` on; -1: all that follow.

    Raises ValueError (in the run: InvalidArgumentError) where there are not as many.
    """
    return Slice(input_, begin, size, name=name)


# ----------------------------------------------------------------------------------------- brackets


class _Spec:
    """What stands between the brackets, in the form that StridedSlice takes."""

    def __init__(self) -> None:
        self.begin: list[Any] = []
        self.end: list[Any] = []
        self.strides: list[Any] = []
        self.masks = dict.fromkeys(
            ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask"), 0
        )

    def add(self, entry: Any) -> None:
        if isinstance(entry, slice):
            self._add_range(entry)
        elif entry is Ellipsis:
            self._add(0, 0, 1, "ellipsis_mask")
        elif entry is None:
            self._add(0, 0, 1, "new_axis_mask")
        else:
            _check_index(entry)
            # Begin, end and stride must be of one type.
            wide = isinstance(entry, Tensor) and entry.dtype in (dtypes.int16, dtypes.int64)
            end = entry + 1
            stride = constant(1, dtype=entry.dtype) if wide else 1
            self._add(entry, end, stride, "shrink_axis_mask")

    def _add(self, begin: Any, end: Any, stride: Any, *masks: str) -> None:
        for mask in masks:
            self.masks[mask] |= 1 << len(self.begin)
        self.begin.append(begin)
        self.end.append(end)
        self.strides.append(stride)

    def _add_range(self, entry: slice) -> None:
        dtype = _type_of([entry.start, entry.stop, entry.step])
        parts: list[Any] = []
        masks: list[str] = []
        for given, default, mask in (
            (entry.start, 0, "begin_mask"),
            (entry.stop, 0, "end_mask"),
            (entry.step, 1, None),
        ):
            if given is None or (isinstance(given, Dimension) and given.value is None):
                parts.append(default if dtype is None else constant(default, dtype=dtype))
                if mask is not None:
                    masks.append(mask)
            else:
                _check_index(given)
                parts.append(given)
        self._add(parts[0], parts[1], parts[2], *masks)


def _type_of(bounds: list[Any]) -> Any:
    """The widest of the types of the Tensors among ``bounds``."""
    found = {bound.dtype.base_dtype for bound in bounds if isinstance(bound, Tensor)}
    for dtype in (dtypes.int64, dtypes.int32, dtypes.int16):
        if dtype in found:
            return dtype
    return None


def _check_index(index: Any) -> None:
    """Raises TypeError for what is neither a whole number nor a tensor of one."""
    if isinstance(index, (numbers.Integral, Dimension)):
        return
    dtype = getattr(index, "dtype", None)
    if (
        dtype is None
        or dtypes.as_dtype(dtype).base_dtype not in _INDEX_TYPES
        or (index.shape and len(index.shape) == 1)
    ):
        raise TypeError(
            "Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and scalar "
            f"tf.int32/tf.int64 tensors are valid indices, got {index!r}"
        )


def getitem(tensor: Any, slice_spec: Any, var: Any = None) -> Tensor:
    """``tensor[slice_spec]``, as NumPy means it; a boolean mask chooses as ``boolean_mask`` does.

    ``var`` is the variable behind ``tensor``, where the part is to have an ``assign``. Raises
    TypeError for an index of another kind, ValueError where it is out of range.
    """
    tensor = convert_to_tensor(tensor)
    if _is_mask(slice_spec):
        from evergraph.ops.gathering import boolean_mask

        return boolean_mask(tensor, slice_spec)
    spec = _Spec()
    for entry in slice_spec if isinstance(slice_spec, (list, tuple)) else [slice_spec]:
        spec.add(entry)
    values = [tensor, *spec.begin, *spec.end, *spec.strides]
    with name_scope(None, "strided_slice", values) as scope:
        if spec.begin:
            bounds = _same_type([stack(spec.begin), stack(spec.end), stack(spec.strides)])
        else:
            bounds = [constant([], dtype=dtypes.int32)] * 3
        begin, end, strides = bounds
        return strided_slice(tensor, begin, end, strides, **spec.masks, var=var, name=scope)


def _is_mask(spec: Any) -> bool:
    if isinstance(spec, Tensor):
        return spec.dtype.base_dtype == dtypes.bool
    return isinstance(spec, bool) or (isinstance(spec, np.ndarray) and spec.dtype == bool)


def _same_type(bounds: list[Tensor]) -> list[Tensor]:
    from evergraph.ops.casts import Cast

    if any(bound.dtype == dtypes.int64 for bound in bounds):
        return [
            bound if bound.dtype == dtypes.int64 else Cast(bound, DstT=dtypes.int64)
            for bound in bounds
        ]
    return bounds


Tensor.override_operator("__getitem__", getitem)
