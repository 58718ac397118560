"""Partitioners: into how many parts ``get_variable`` cuts a variable; and
``create_partitioned_variables``, which is told.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from evergraph.formats import dtypes
from evergraph.formats.dtypes import DType
from evergraph.graph.shape import TensorShape, known_sizes
from evergraph.variables.partitioning import Partitioner
from evergraph.variables.scope import get_partitioned_variable, variable_scope


def fixed_size_partitioner(num_shards: int, axis: int = 0) -> Partitioner:
    """Cuts ``axis`` into ``num_shards`` parts, or as many as it is long."""

    def partitioner(shape: TensorShape, **unused: Any) -> list[int]:
        return _parts(shape, axis, min(num_shards, known_sizes(shape)[axis]))

    return partitioner


def variable_axis_size_partitioner(
    max_shard_bytes: int,
    axis: int = 0,
    bytes_per_string_element: int = 16,
    max_shards: int | None = None,
) -> Partitioner:
    """Cuts ``axis`` into parts of at most ``max_shard_bytes``, where one step along it is not
    more.

    Args:
        max_shard_bytes: the most that a part may hold.
        axis: the axis to cut.
        bytes_per_string_element: what a string is taken to need.
        max_shards: the most parts; it counts for more than the size.

    Raises ValueError for sizes or counts that are not positive. The partitioner raises it for what
    is no known TensorShape, or no DType.
    """
    if max_shard_bytes < 1 or bytes_per_string_element < 1:
        raise ValueError(
            "Both max_shard_bytes and bytes_per_string_element must be positive. Currently, "
            f"max_shard_bytes is {max_shard_bytes} and bytes_per_string_element is "
            f"{bytes_per_string_element}"
        )
    if max_shards and max_shards < 1:
        raise ValueError("max_shards must be positive.")

    def partitioner(shape: TensorShape, dtype: DType) -> list[int]:
        if not isinstance(shape, TensorShape):
            raise ValueError(f"shape is not a TensorShape: {shape}")
        if not shape.is_fully_defined():
            raise ValueError(f"shape is not fully defined: {shape}")
        if not isinstance(dtype, DType):
            raise ValueError(f"dtype is not a DType: {dtype}")
        sizes = known_sizes(shape)
        length = sizes[axis]
        step = math.prod(sizes) // length * _element_size(dtype, bytes_per_string_element)
        steps_of_part = max(1, max_shard_bytes // step)
        count = math.ceil(length / steps_of_part)
        return _parts(shape, axis, min(max_shards, count) if max_shards else count)

    return partitioner


def min_max_variable_partitioner(
    max_partitions: int = 1,
    axis: int = 0,
    min_slice_size: int = 256 << 10,
    bytes_per_string_element: int = 16,
) -> Partitioner:
    """Cuts ``axis`` into at most ``max_partitions`` parts, of at least ``min_slice_size`` bytes.

    ``bytes_per_string_element`` is what a string is taken to need. The partitioner raises
    ValueError where the variable has no such axis.
    """

    def partitioner(shape: TensorShape, dtype: DType) -> list[int]:
        if axis >= len(shape):
            raise ValueError(
                f"Cannot partition variable along axis {axis} when shape is only {shape}"
            )
        sizes = known_sizes(shape)
        nbytes = math.prod(sizes) * _element_size(dtype, bytes_per_string_element)
        count = min(sizes[axis], max_partitions, math.ceil(nbytes / min_slice_size))
        return _parts(shape, axis, max(1, count))

    return partitioner


def _parts(shape: TensorShape, axis: int, count: int) -> list[int]:
    found = [1] * len(shape)
    found[axis] = count
    return found


def _element_size(dtype: DType, bytes_per_string: int) -> int:
    return bytes_per_string if dtype.base_dtype == dtypes.string else dtype.size


def create_partitioned_variables(
    shape: Sequence[int],
    slicing: Sequence[int],
    initializer: Any,
    dtype: Any = dtypes.float32,
    trainable: bool = True,
    collections: Any = None,
    name: str | None = None,
    reuse: Any = None,
) -> list[Any]:
    """The parts of a variable as a list (``get_variable`` with a partitioner is the newer way).

    Args:
        shape: of the whole.
        slicing: the number of parts along each axis; at most one is above 1.
        initializer: the value of the whole, or a function that is asked for each part.
        dtype: its type, where the initializer is no tensor.
        trainable, collections: as of a Variable.
        name: its name (default: ``PartitionedVariable``, made unique).
        reuse: as in ``variable_scope``.

    Raises ValueError where shape and slicing do not fit.
    """
    if len(shape) != len(slicing):
        raise ValueError(
            "The 'shape' and 'slicing' of a partitioned Variable must have the length: shape: "
            f"{shape}, slicing: {slicing}"
        )
    if len(shape) < 1:
        raise ValueError(f"A partitioned Variable must have rank at least 1: shape: {shape}")
    with variable_scope(name, "PartitionedVariable", reuse=reuse):
        whole = get_partitioned_variable(
            None,
            shape=shape,
            dtype=dtype,
            initializer=initializer,
            trainable=trainable,
            partitioner=lambda **unused: slicing,
            collections=collections,
        )
    return list(whole)
