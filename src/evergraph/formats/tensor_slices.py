"""Checkpoint format V1: one sorted table, or one for each shard, with the values in it.

TensorFlow wrote it until 0.12 made V2 the default. The table's blocks are often Snappy-compressed::

    ""            -> SavedTensorSlices with meta (1):
                       SavedTensorSliceMeta: tensor (1), repeated, and versions (2)
                         SavedSliceMeta: name (1), shape (2), type (3), slice (4), repeated
    a slice's key -> SavedTensorSlices with data (2):
                       SavedSlice: name (1), slice (2), data (3), a TensorProto of elements only

Keys are those of `slice_key`; a tensor that is not partitioned is one slice, all of it. Several
shards are files ``PREFIX-00000-of-00003``, and a tensor's slices may lie in different ones.
"""

from __future__ import annotations

import math
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NoReturn

import numpy as np

from evergraph import errors
from evergraph.formats.bundle import decode_name, encode_name
from evergraph.formats.damage import data_loss
from evergraph.formats.dtypes import DType, string
from evergraph.formats.element_list import decode_elements
from evergraph.formats.slice_assembly import (
    Bounds,
    Box,
    bounds_of,
    box_shape,
    cover,
    first_overlapping,
)
from evergraph.formats.slice_key import encode_slice_key
from evergraph.formats.small_messages import Versions, decode_shape
from evergraph.formats.table import TableReader
from evergraph.formats.tensor_info import Place, TensorInfo
from evergraph.formats.tensor_slice import WHOLE, TensorSlice
from evergraph.formats.wire import WireError, fields
from evergraph.nearest import did_you_mean
from evergraph.storage.filesystem import Path, RandomAccessFile, filesystem, path_text

Array = np.ndarray[Any, Any]

# The newest version of the format that there is.
VERSION = 1
_SHARD_PATTERN = "-?????-of-"

# Many tensors of a checkpoint have one shape, and are stored whole.
_decode_shape = lru_cache(256)(decode_shape)
_decode_slice = lru_cache(256)(TensorSlice.decode)


@dataclass(slots=True)
class _Tensor:
    """What the metadata tells of a tensor: its slices, each with the number of its shard."""

    dtype: int = 0
    shape: tuple[int, ...] = ()
    slices: list[tuple[TensorSlice, int]] = field(default_factory=list)


class TensorSliceReader:
    """A checkpoint of format V1, open for reading; several threads may.

    Args:
        prefix: the file; of a sharded checkpoint the pattern ``PREFIX-?????-of-00003``.

    Raises:
        NotFoundError: a file is missing.
        DataLossError: a file is damaged, or is something else.
        UnimplementedError: it is made for newer readers than this.

    Attributes:
        prefix: as given.
        num_shards: how many files belong to it.
    """

    def __init__(self, prefix: Path) -> None:
        self.prefix = path_text(prefix)
        self._tables: list[TableReader] = []
        self._paths = _shard_paths(self.prefix)
        self._tensors: dict[bytes, _Tensor] = {}
        #: Of tensors that have been read.
        self._boxes: dict[str, tuple[list[Box], Bounds]] = {}
        self._files = ExitStack()
        try:
            for shard, path in enumerate(self._paths):
                file: RandomAccessFile = filesystem(path).open_random_access(path)
                self._files.callback(file.close)
                self._tables.append(TableReader(file))
                self._read_metadata(shard)
        except BaseException:
            self._files.close()
            raise
        self.num_shards = len(self._paths)

    def names(self) -> list[str]:
        """The names of all tensors, sorted."""
        return [decode_name(key) for key in sorted(self._tensors)]

    def keys(self) -> list[bytes]:
        """The names as they are stored, in the order of the files and of what each says of itself."""
        return list(self._tensors)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and encode_name(name) in self._tensors

    def __len__(self) -> int:
        return len(self._tensors)

    def info(self, name: str) -> TensorInfo:
        """Type, shape and size of a tensor.

        The size of a string tensor is that of its elements with what the file adds to each.

        Raises:
            KeyNotFoundError: there is no such tensor.
            DataLossError: its metadata is damaged.
        """
        tensor, dtype = self._tensor(name)
        slices = tuple(box for box, _ in tensor.slices)
        if dtype == string:
            stored = [self._stored(name, box, shard) for box, shard in tensor.slices]
            nbytes = sum(map(len, stored))
        else:
            nbytes = math.prod(tensor.shape) * dtype.size
        is_whole = len(slices) == 1 and slices[0].within(tensor.shape) == _whole(tensor.shape)
        return TensorInfo(name, dtype, tensor.shape, nbytes, () if is_whole else slices)

    def infos(self) -> list[TensorInfo]:
        """`info` of every tensor, in the order of `names`. DataLossError if metadata is damaged."""
        return [self.info(name) for name in self.names()]

    def places(self, name: str) -> list[Place]:
        """Where the pieces of a tensor are stored. Errors as in `info`."""
        info = self.info(name)
        tensor, dtype = self._tensor(name)
        return [
            Place(
                box if info.slices else None,
                shard,
                len(self._stored(name, box, shard))
                if dtype == string
                else math.prod(box_shape(box.within(tensor.shape))) * dtype.size,
            )
            for box, shard in tensor.slices
        ]

    def read(self, name: str) -> Array:
        """The value of a tensor, strings as an array of bytes objects. The array is the caller's.

        Raises:
            KeyNotFoundError: there is no such tensor.
            DataLossError: metadata or data are damaged.
        """
        tensor, dtype = self._tensor(name)
        return self._assemble(name, tensor, dtype, TensorSlice(((0, WHOLE),) * len(tensor.shape)))

    def read_slice(self, name: str, box: TensorSlice, verify: bool = True) -> Array:
        """The part ``box`` of a tensor; only the slices needed are read, each whole.

        The checksums of the table's blocks are verified in any case.

        Raises:
            InvalidArgumentError: the box is not within the tensor.
            As `read`.
        """
        tensor, dtype = self._tensor(name)
        return self._assemble(name, tensor, dtype, box)

    def salvage(self) -> tuple[list[str], list[errors.DataLossError]]:
        """The names of all tensors, and what is wrong with the files beside them: as a `BundleReader` does."""
        damage = [error for table in self._tables if (error := table.metaindex_damage())]
        return self.names(), damage

    def verify(self, name: str) -> None:
        """Reads all of a tensor without keeping it, one slice at a time: that much memory is needed.

        Raises:
            As `read`.
        """
        tensor, dtype = self._tensor(name)
        whole = TensorSlice(((0, WHOLE),) * len(tensor.shape))
        self._plan(name, tensor, whole)
        for number, (box, _) in enumerate(tensor.slices):
            self._piece(name, tensor, dtype, number, box_shape(box.within(tensor.shape)))

    def close(self) -> None:
        """Gives the files back."""
        self._files.close()

    def __enter__(self) -> TensorSliceReader:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    # ---------------------------------------------------------------------------------- metadata

    def _read_metadata(self, shard: int) -> None:
        """Adds what a shard says of its tensors to what those before it said."""
        value = self._tables[shard].get(b"")
        if value is None:
            self._fail(shard, "has no metadata: it is a table, but not of a checkpoint")
        try:
            for number, _, meta in fields(value):
                if number == 1 and isinstance(meta, bytes):
                    for part, _, message in fields(meta):
                        if part == 1 and isinstance(message, bytes):
                            self._add_tensor(shard, message)
                        elif part == 2 and isinstance(message, bytes):
                            self._check_versions(shard, Versions.decode(message))
        except WireError as error:
            self._fail(shard, f"has damaged metadata: {error}")

    def _add_tensor(self, shard: int, message: bytes) -> None:
        key, tensor = b"", _Tensor()
        for number, _, value in fields(message):
            if isinstance(value, int):
                if number == 3:
                    tensor.dtype = value
            elif number == 1:
                key = value
            elif number == 2:
                tensor.shape = _decode_shape(value)
            elif number == 4:
                tensor.slices.append((_decode_slice(value), shard))
        known = self._tensors.setdefault(key, tensor)
        if known is not tensor:
            if (known.dtype, known.shape) != (tensor.dtype, tensor.shape):
                raise WireError(f"tensor {decode_name(key)!r} has another type or shape before")
            known.slices += tensor.slices

    def _check_versions(self, shard: int, versions: Versions) -> None:
        if not versions.allows(VERSION):
            raise errors.UnimplementedError(
                None,
                None,
                f"{self._paths[shard]} is made for newer readers, {versions}; evergraph reads "
                f"version {VERSION}.",
            )

    def _tensor(self, name: str) -> tuple[_Tensor, DType]:
        tensor = self._tensors.get(encode_name(name))
        if tensor is None:
            raise errors.KeyNotFoundError(
                None,
                None,
                f"Key {name} not found in checkpoint {self.prefix}, which has {len(self)} tensors."
                + did_you_mean(name, self.names()),
            )
        try:
            dtype = DType(tensor.dtype)
        except TypeError:
            dtype = DType(0)
        if not dtype.is_numpy_compatible or dtype is not dtype.base_dtype:
            self._fail(
                tensor.slices[0][1] if tensor.slices else 0,
                f"has damaged metadata: {tensor.dtype} is no type that tensor {name!r} can have",
            )
        return tensor, dtype

    def _fail(self, shard: int, what: str) -> NoReturn:
        raise data_loss(self._paths[shard], what)

    # -------------------------------------------------------------------------------------- data

    def _stored(self, name: str, box: TensorSlice, shard: int) -> memoryview:
        """The TensorProto of a slice."""
        value = self._tables[shard].get(encode_slice_key(encode_name(name), box))
        if value is None:
            self._fail(shard, f"has no data for the slice '{box}' of tensor {name!r}")
        try:
            for number, _, saved in fields(memoryview(value)):
                if number == 2 and not isinstance(saved, int):
                    for part, _, data in fields(saved):
                        if part == 3 and not isinstance(data, int):
                            return data
        except WireError as error:
            self._fail(shard, f"is damaged in the slice '{box}' of tensor {name!r}: {error}")
        return memoryview(b"")

    def _assemble(self, name: str, tensor: _Tensor, dtype: DType, box: TensorSlice) -> Array:
        wanted = box.within(tensor.shape)
        plan = self._plan(name, tensor, box)
        boxes = self._boxes[name][0]
        if len(plan) == 1 and boxes[plan[0][0]] == wanted:
            return self._piece(name, tensor, dtype, plan[0][0], box_shape(wanted))
        for number, _, _ in plan:  # nothing is allocated that the bytes there could not fill
            stored = self._stored(name, *tensor.slices[number])
            count = math.prod(box_shape(boxes[number]))
            if len(stored) < count:
                self._fail(
                    tensor.slices[number][1],
                    f"is damaged in the slice '{tensor.slices[number][0]}' of tensor {name!r}: "
                    f"{len(stored)} bytes are not {count} elements",
                )
        value = np.empty(box_shape(wanted), dtype.as_numpy_dtype)
        for number, target, source in plan:
            shape = box_shape(boxes[number])
            value[target] = self._piece(name, tensor, dtype, number, shape)[source]
        return value

    def _plan(self, name: str, tensor: _Tensor, box: TensorSlice) -> list[tuple[int, Box, Box]]:
        """Which slices of a tensor make up a part of it, and how."""
        if name not in self._boxes:
            self._boxes[name] = self._find_boxes(name, tensor)
        boxes, bounds = self._boxes[name]
        plan, missing = cover(box.within(tensor.shape), boxes, bounds)
        if missing or not boxes:
            self._fail(
                0,
                f"has not all parts of tensor {name!r}: its {len(boxes)} slices lack {missing} of "
                f"the elements of '{box}'",
            )
        return plan

    def _find_boxes(self, name: str, tensor: _Tensor) -> tuple[list[Box], Bounds]:
        """Where the slices of a tensor belong; no two overlap."""
        boxes = []
        for box, shard in tensor.slices:
            try:
                boxes.append(box.within(tensor.shape))
            except errors.InvalidArgumentError as error:
                self._fail(shard, f"has damaged metadata for tensor {name!r}: {error.message}")
        wrong = first_overlapping(boxes, len(tensor.shape))
        if wrong is not None:
            box, shard = tensor.slices[wrong]
            self._fail(
                shard,
                f"has damaged metadata for tensor {name!r}: its slice '{box}' overlaps another",
            )
        return boxes, bounds_of(boxes, len(tensor.shape))

    def _piece(
        self, name: str, tensor: _Tensor, dtype: DType, number: int, shape: tuple[int, ...]
    ) -> Array:
        box, shard = tensor.slices[number]
        try:
            elements = decode_elements(self._stored(name, box, shard), dtype, math.prod(shape))
            return elements.reshape(shape)
        except (WireError, ValueError) as error:
            self._fail(shard, f"is damaged in the slice '{box}' of tensor {name!r}: {error}")


def _shard_paths(prefix: str) -> list[str]:
    base, is_sharded, total = prefix.rpartition(_SHARD_PATTERN)
    if not is_sharded:
        return [prefix]
    return [f"{base}-{number:05d}-of-{total}" for number in range(int(total))]


def _whole(shape: tuple[int, ...]) -> Box:
    return tuple(slice(0, size) for size in shape)
