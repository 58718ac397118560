"""How a variable is cut into parts: along one axis, the first parts one longer where it does not
come out even.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from evergraph.formats.dtypes import DType
from evergraph.graph.shape import TensorShape, known_sizes

#: ``partitioner(shape=TensorShape, dtype=DType)`` -> the number of parts along each axis.
Partitioner = Callable[..., Sequence[int]]


class PartitionInfo:
    """Which part of a variable an initializer is asked for: the shape of the whole, and the part's
    offset in it.

    Raises TypeError for what is no list or tuple, ValueError where the offset is not within the
    whole.
    """

    def __init__(self, full_shape: Sequence[int], var_offset: Sequence[int]) -> None:
        for name, value in (("full_shape", full_shape), ("var_offset", var_offset)):
            if not isinstance(value, (list, tuple)):
                raise TypeError(
                    f"`{name}` must be a sequence (like tuple or list) instead of "
                    f"{type(value).__name__}"
                )
        if len(var_offset) != len(full_shape):
            raise ValueError(
                f"Expected equal length, but `var_offset` is of length {len(var_offset)} while "
                f"full_shape is of length {len(full_shape)}."
            )
        for offset, size in zip(var_offset, full_shape, strict=True):
            if not 0 <= offset < size:
                raise ValueError(
                    f"Expected 0 <= offset < shape but found offset={offset}, shape={size} for "
                    f"var_offset={var_offset}, full_shape={full_shape}."
                )
        self._full_shape = full_shape
        self._var_offset = var_offset

    @property
    def full_shape(self) -> Sequence[int]:
        return self._full_shape

    @property
    def var_offset(self) -> Sequence[int]:
        return self._var_offset

    def single_offset(self, shape: Sequence[int]) -> int:
        """Where a part of ``shape`` begins along the axis that is cut; 0 where none is.

        Raises TypeError and ValueError as ``single_slice_dim``.
        """
        axis = self.single_slice_dim(shape)
        return 0 if axis is None else self._var_offset[axis]

    def single_slice_dim(self, shape: Sequence[int]) -> int | None:
        """The axis along which a part of ``shape`` is cut from the whole; None where it is the
        whole.

        Raises TypeError where ``shape`` is no list or tuple, ValueError where it has another rank,
        reaches outside, or is cut along more than one axis.
        """
        if not isinstance(shape, (list, tuple)):
            raise TypeError(
                f"`shape` must be a sequence (like tuple or list) instead of {type(shape).__name__}"
            )
        if len(shape) != len(self._full_shape):
            raise ValueError(
                f"Expected equal length, but received shape={shape} of length {len(shape)} while "
                f"self.full_shape={self._full_shape} is of length {len(self._full_shape)}."
            )
        whole = list(zip(self._var_offset, shape, self._full_shape, strict=True))
        for axis, (offset, size, full) in enumerate(whole):
            if offset + size > full:
                raise ValueError(
                    f"With self.var_offset={self._var_offset}, a partition of shape={shape} would "
                    f"exceed self.full_shape={self._full_shape} in dimension {axis}."
                )
        cut = [axis for axis, (_, size, full) in enumerate(whole) if size != full]
        if len(cut) > 1:
            raise ValueError(
                f"Cannot use single_slice_dim() with shape={shape} and "
                f"self.full_shape={self._full_shape} since slice dim could be either dimension "
                f"{cut[1]} or {cut[0]}."
            )
        return cut[0] if cut else None


def partitions(partitioner: Partitioner, shape: TensorShape, dtype: DType) -> Sequence[int]:
    """What ``partitioner`` says: the number of parts along each axis, of which at most one is cut.

    Raises ValueError where the shape is not known or a scalar's, or the answer does not fit it.
    """
    if not shape.is_fully_defined():
        raise ValueError(
            f"Shape of a new partitioned variable must be fully defined, but instead was {shape}."
        )
    if not shape.ndims:
        raise ValueError(f"A partitioned Variable must have rank at least 1, shape: {shape}")
    found = partitioner(shape=shape, dtype=dtype)
    if not isinstance(found, Sequence):
        raise ValueError(f"Partitioner must return a sequence, but saw: {found}")
    if len(found) != shape.ndims:
        raise ValueError(
            "Partitioner returned a partition list that does not match the Variable's rank: "
            f"{found} vs. {shape}"
        )
    if any(count < 1 for count in found):
        raise ValueError(f"Partitioner returned zero partitions for some axes: {found}")
    if sum(count > 1 for count in found) > 1:
        raise ValueError(
            f"Can only slice a variable along one dimension: shape: {shape}, partitioning: {found}"
        )
    # TensorFlow finds this out when it has made the parts that are not empty.
    if any(count > size for count, size in zip(found, known_sizes(shape), strict=True)):
        raise ValueError(
            f"Partitioner returned more parts than there are elements along an axis: {found} for "
            f"shape {shape}; no part may be empty"
        )
    return found


def axis_and_count(parts: Sequence[int]) -> tuple[int, int]:
    """The axis that is cut (0 where none is), and into how many parts."""
    return next(((axis, count) for axis, count in enumerate(parts) if count > 1), (0, 1))


def slices(shape: Sequence[int], axis: int, count: int) -> Iterator[tuple[list[int], list[int]]]:
    """The offset and shape of each part of a variable of ``shape`` that is cut into ``count``."""
    length, longer = divmod(shape[axis], count)
    offset = [0] * len(shape)
    for number in range(count):
        part = list(shape)
        part[axis] = length + (number < longer)
        yield list(offset), part
        offset[axis] += part[axis]
