"""What is known of a stored tensor without reading it."""

from __future__ import annotations

from typing import NamedTuple

from evergraph.formats.dtypes import DType
from evergraph.formats.tensor_slice import TensorSlice


class TensorInfo(NamedTuple):
    """Name, type, shape and size of a tensor in a checkpoint.

    Attributes:
        name: its key.
        dtype: its type.
        shape: its size in each dimension.
        nbytes: how many bytes it takes; for strings, in the file.
        slices: the parts in which it is stored; none if it is stored whole.
    """

    name: str
    dtype: DType
    shape: tuple[int, ...]
    nbytes: int
    slices: tuple[TensorSlice, ...] = ()


class Place(NamedTuple):
    """Where a tensor, or a slice of one, is stored.

    Attributes:
        box: which part of the tensor it is; None for all of it.
        shard: number of the data file.
        nbytes: how many bytes it takes; of strings, in the file.
    """

    box: TensorSlice | None
    shard: int
    nbytes: int
