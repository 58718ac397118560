"""Rows dealt out to several tensors, and put together again: DynamicPartition, DynamicStitch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.graph import shape as shapes
from evergraph.graph.registry import op
from evergraph.graph.shape import Dims
from evergraph.graph.tensor import Tensor
from evergraph.ops import array
from evergraph.ops.picking import gather


@op(
    "DynamicPartition", "data: T, partitions: int32 -> outputs: num_partitions * T",
    num_partitions="int >= 1", T="type", host=True,
)  # fmt: skip
class DynamicPartition:
    def shape(c):
        data, partitions = c.shape(0), c.shape(1)
        if data is None or partitions is None:
            return [None] * c.output_count
        rank = len(partitions)
        if not shapes.compatible(data[:rank], partitions):
            raise ValueError(
                f"data.shape must start with partitions.shape: {shapes.text(data)} does not start "
                f"with {shapes.text(partitions)}"
            )
        return [(None, *data[rank:])] * c.output_count

    def compute(xp, data, partitions, *, num_partitions):
        rank = partitions.ndim
        if data.shape[:rank] != partitions.shape:
            raise errors.InvalidArgumentError(
                None,
                None,
                "data.shape must start with partitions.shape, got data.shape = "
                f"{shapes.text(data.shape)}, partitions.shape = {shapes.text(partitions.shape)}",
            )
        outside = (partitions < 0) | (partitions >= num_partitions)
        if outside.any():
            where = tuple(int(i) for i in np.argwhere(outside)[0])
            raise errors.InvalidArgumentError(
                None,
                None,
                f"partitions{list(where) if where else ''} = {partitions[where]} is not in "
                f"[0, {num_partitions})",
            )
        rows = data.reshape((partitions.size, *data.shape[rank:]))
        numbers = partitions.reshape(-1)
        return tuple(rows[numbers == i] for i in range(num_partitions))

    def gradient(op, *grads):
        from evergraph.ops.reductions import reduce_prod
        from evergraph.ops.sequences import range_

        data, partitions = op.inputs
        dims = array.shape(partitions)
        numbers = array.reshape(range_(reduce_prod(dims)), dims)
        dealt = dynamic_partition(numbers, partitions, op.attrs["num_partitions"])
        whole = parallel_dynamic_stitch(dealt, list(grads))
        return array.reshape(whole, array.shape(data)), None


def dynamic_partition(
    data: Any, partitions: Any, num_partitions: int, name: str | None = None
) -> list[Tensor]:
    """The slices of ``data``, each in the tensor of that number which ``partitions`` says."""
    return DynamicPartition(data, partitions, num_partitions=num_partitions, name=name)


def _stitched(c: Any) -> Dims:
    """The static shape: as many rows as the largest index says, if all of them are known."""
    extra: Dims = None
    rows: int | None = 0
    for index, data in zip(c.tensors(0), c.tensors(1), strict=True):
        value = _value(index)
        if value is None:
            rows = None
        elif rows is not None and value.size:
            rows = max(rows, int(value.max()) + 1)
        if index.dims is None or data.dims is None:
            continue
        rank = len(index.dims)
        if not shapes.compatible(data.dims[:rank], index.dims):
            raise ValueError(
                f"data.shape must start with indices.shape: {shapes.text(data.dims)} does not "
                f"start with {shapes.text(index.dims)}"
            )
        extra = shapes.merge(extra, data.dims[rank:])
    return None if extra is None else (rows, *extra)


def _value(tensor: Tensor) -> Any:
    from evergraph.graph.constant_value import constant_value

    return constant_value(tensor)


def _stitch(indices: Sequence[Any], data: Sequence[Any]) -> Any:
    extra = data[0].shape[indices[0].ndim :]
    rows = 0
    for i, (index, part) in enumerate(zip(indices, data, strict=True)):
        if part.shape != index.shape + extra:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Need data[{i}].shape to start with indices[{i}].shape and to end as data[0] does"
                f", got data[{i}].shape = {shapes.text(part.shape)}, indices[{i}].shape = "
                f"{shapes.text(index.shape)}, data[0].shape = {shapes.text(data[0].shape)}",
            )
        if index.size:
            if index.min() < 0:
                raise errors.InvalidArgumentError(
                    None, None, f"indices[{i}] has the negative index {index.min()}"
                )
            rows = max(rows, int(index.max()) + 1)
    blank = b"" if data[0].dtype == object else None
    sizes = (rows, *extra)
    # TensorFlow leaves rows that no index names as they happen to be: here they are zeros.
    merged = np.zeros(sizes, data[0].dtype) if blank is None else np.full(sizes, blank, object)
    for index, part in zip(indices, data, strict=True):
        merged[index.reshape(-1)] = part.reshape((index.size, *extra))
    return merged


def _stitch_gradient(op: Any, grad: Any) -> list[Any]:
    from evergraph.ops.indexed_slices import IndexedSlices

    count = len(op.inputs) // 2
    if isinstance(grad, IndexedSlices):
        from evergraph.ops.segments import unsorted_segment_sum

        dims: Any = array.shape(op.outputs[0])
        grad = unsorted_segment_sum(grad.values, grad.indices, dims[0])
    return [None] * count + [gather(grad, index) for index in op.inputs[:count]]


@op(
    "DynamicStitch", "indices: N * int32, data: N * T -> merged: T", N="int >= 1", T="type",
    host=True,
)  # fmt: skip
class DynamicStitch:
    shape = _stitched

    def compute(xp, indices, data):
        return _stitch(indices, data)

    gradient = _stitch_gradient


@op(
    "ParallelDynamicStitch", "indices: N * int32, data: N * T -> merged: T", N="int >= 1",
    T="type", host=True,
)  # fmt: skip
class ParallelDynamicStitch:
    shape = _stitched

    def compute(xp, indices, data):
        return _stitch(indices, data)

    gradient = _stitch_gradient


def dynamic_stitch(indices: Any, data: Any, name: str | None = None) -> Tensor:
    """``data[i]`` at the rows ``indices[i]`` of one tensor; where a row is twice, the last wins."""
    return DynamicStitch(indices, data, name=name)


def parallel_dynamic_stitch(indices: Any, data: Any, name: str | None = None) -> Tensor:
    """``dynamic_stitch`` for rows that are all different."""
    return ParallelDynamicStitch(indices, data, name=name)
