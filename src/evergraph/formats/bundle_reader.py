"""Reads tensor bundles: opening costs the index, reading a tensor costs that tensor.

Every checksum is verified, and every number from the file is checked against the bytes
that are there before anything is allocated by it.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats.array_memory import memory_of
from evergraph.formats.bundle import data_path, encode_name
from evergraph.formats.bundle_entry import BundleEntry
from evergraph.formats.bundle_index import BundleIndex
from evergraph.formats.bundle_strings import check_strings, decode_strings
from evergraph.formats.crc32c import crc32c, unmask
from evergraph.formats.damage import data_loss
from evergraph.formats.dtypes import DType, string
from evergraph.formats.partial_read import read_box
from evergraph.formats.slice_assembly import (
    Box,
    bounds_of,
    box_shape,
    cover,
    first_overlapping,
)
from evergraph.formats.slice_key import encode_slice_key
from evergraph.formats.tensor_info import Place
from evergraph.formats.tensor_slice import WHOLE, TensorSlice
from evergraph.formats.wire import WireError
from evergraph.storage.filesystem import (
    RandomAccessFile,
)

Array = np.ndarray[Any, Any]

_PIECE = 1 << 20
# A tensor of up to this size is read whole, and verified, where a part of it is wanted.
_READ_WHOLE = 16 << 20

_BIG_ENDIAN = sys.byteorder == "big"

_CHANGED = "Either it has changed, or it is not the data that belongs to {}"


class BundleReader(BundleIndex):
    """The tensors of a checkpoint of format V2; several threads may read. Made and closed as `BundleIndex`."""

    def places(self, name: str) -> list[Place]:
        """Where the pieces of a tensor are stored. Errors as in `info`."""
        entry, _ = self._entry(name)
        if not entry.slices:
            return [Place(None, self._shard(name, entry), entry.size)]
        return [
            Place(box, self._shard(name, stored), stored.size)
            for box, (stored, _) in zip(entry.slices, self._pieces(name, entry), strict=True)
        ]

    def read(self, name: str) -> Array:
        """The value of a tensor, strings as an array of bytes objects. The array is the caller's.

        Raises:
            KeyNotFoundError: there is no such tensor.
            NotFoundError: the data file is missing.
            DataLossError: entry or data are damaged.
            UnimplementedError: values of its type cannot be read.
        """
        entry, dtype = self._entry(name)
        if not entry.slices:
            return self._read_entry(name, entry, dtype)
        return self._assemble(name, entry, dtype, _whole(entry), verify=True)

    def read_slice(self, name: str, box: TensorSlice, verify: bool = False) -> Array:
        """The part ``box`` of a tensor; of one stored in slices, only those needed are read.

        A checksum is over all bytes of what is stored in one piece. Pieces of up to 16 MiB are read whole and
        verified; of larger ones only what the box needs is read, which cannot be verified: unless ``verify``, which
        goes through the rest as well, without keeping it.

        Raises:
            InvalidArgumentError: the box is not within the tensor.
            As `read`.
        """
        entry, dtype = self._entry(name)
        ranges = box.within(entry.shape)
        if not entry.slices:
            return self._read_part(name, entry, dtype, ranges, verify)
        return self._assemble(name, entry, dtype, box, verify)

    def verify(self, name: str) -> None:
        """Reads all of a tensor without keeping it: every checksum, in a few megabytes whatever its size.

        Raises:
            As `read`.
        """
        entry, dtype = self._entry(name)
        if not entry.slices:
            self._verify(name, entry, dtype)
            return
        for stored, _ in self._pieces(name, entry):
            self._verify(name, stored, dtype)
        self._plan(name, _whole(entry), _whole(entry).within(entry.shape))

    def _locate(self, name: str, entry: BundleEntry, dtype: DType) -> RandomAccessFile:
        """The file that holds a stored tensor, after checking that its bytes can be there."""
        if not dtype.is_numpy_compatible:
            raise errors.UnimplementedError(
                None,
                None,
                f"Tensor {name!r} of {self.prefix} is of type {dtype.name}: no array holds its "
                "values.",
            )
        expected = math.prod(entry.shape) * dtype.size
        if entry.size != expected and dtype is not string:
            self._fail(
                f"has a damaged entry for tensor {name!r}: a {dtype.name} of shape {entry.shape} "
                f"takes {expected} bytes, and its stored size is {entry.size}"
            )
        shard = self._shard(name, entry)
        try:
            file = self.data_file(shard)
        except errors.NotFoundError as error:
            raise errors.FileMissingError(
                None,
                None,
                f"Tensor {name!r} cannot be read, it lies in data file {entry.shard} of "
                f"{self.num_shards}: {error.message}",
                {"file": data_path(self.prefix, shard, self.num_shards)},
            ) from error
        if entry.offset < 0 or entry.size < 0:
            self._fail(
                f"has a damaged entry for tensor {name!r}: {entry.size} bytes from offset "
                f"{entry.offset}"
            )
        if entry.offset + entry.size > file.size:
            raise data_loss(
                file.path,
                f"is cut short: tensor {name!r} has {entry.size} bytes from offset "
                f"{entry.offset}, and the file has {file.size}. {_CHANGED.format(self._path)}",
                entry.offset,
            )
        return file

    def _shard(self, name: str, entry: BundleEntry) -> int:
        """The number of the data file that an entry names, which is there."""
        if not 0 <= entry.shard < self.num_shards:
            self._fail(
                f"has a damaged entry for tensor {name!r}: it lies in data file {entry.shard}, and "
                f"there are {self.num_shards}, counted from 0"
            )
        return entry.shard

    def _read_entry(self, name: str, entry: BundleEntry, dtype: DType) -> Array:
        """The value of a tensor that is stored in one piece."""
        file = self._locate(name, entry, dtype)
        if dtype is string:
            return self._read_strings(name, entry, file)
        value = self._new_array(name, entry.shape, dtype)
        data = memory_of(value)
        if entry.size <= file.piece:
            self._read_into(name, file, entry.offset, data)
            crc = crc32c(data)
        else:
            crc = 0
            for start in range(0, entry.size, file.piece):
                piece = data[start : start + file.piece]
                self._read_into(name, file, entry.offset + start, piece)
                crc = crc32c(piece, crc)
        self._check_sum(name, entry, file, crc)
        if self.big_endian is not _BIG_ENDIAN:
            _swap_bytes(value, dtype)
        return value

    def _read_part(
        self, name: str, entry: BundleEntry, dtype: DType, box: Box, verify: bool
    ) -> Array:
        """A part of a tensor that is stored in one piece."""
        shape = box_shape(box)
        if shape == entry.shape:
            return self._read_entry(name, entry, dtype)
        if dtype == string or entry.size <= _READ_WHOLE:
            whole = self._read_entry(name, entry, dtype)
            return np.array(whole[box], whole.dtype)
        file = self._locate(name, entry, dtype)
        if verify:
            self._verify(name, entry, dtype)
        value = self._new_array(name, shape, dtype)
        read_into = partial(self._read_into, name, file)
        read_box(read_into, entry.offset, entry.shape, box, value)
        if self.big_endian is not _BIG_ENDIAN:
            _swap_bytes(value, dtype)
        return value

    def _verify(self, name: str, entry: BundleEntry, dtype: DType) -> None:
        """Reads a tensor that is stored in one piece, and keeps nothing."""
        file = self._locate(name, entry, dtype)
        pieces = self._pass(name, entry, file)
        if dtype == string:
            with self._damaged_strings(name, entry, file):
                count = math.prod(entry.shape)
                crc = check_strings(pieces, count, entry.size, self.big_endian)
        else:
            crc = 0
            for piece in pieces:
                crc = crc32c(piece, crc)
        self._check_sum(name, entry, file, crc)

    def _pass(self, name: str, entry: BundleEntry, file: RandomAccessFile) -> Iterator[memoryview]:
        """The bytes of a tensor, one piece at a time in one buffer."""
        buffer = memoryview(bytearray(min(_PIECE, entry.size)))
        for start in range(0, entry.size, _PIECE):
            piece = buffer[: entry.size - start]
            self._read_into(name, file, entry.offset + start, piece)
            yield piece

    @contextmanager
    def _damaged_strings(
        self, name: str, entry: BundleEntry, file: RandomAccessFile
    ) -> Iterator[None]:
        try:
            yield
        except WireError as error:
            raise data_loss(
                file.path,
                f"is damaged in tensor {name!r}, at offset {entry.offset}: {error}",
                entry.offset,
            ) from error

    def _read_strings(self, name: str, entry: BundleEntry, file: RandomAccessFile) -> Array:
        count = math.prod(entry.shape)
        data = bytearray(entry.size)
        self._read_into(name, file, entry.offset, memoryview(data))
        with self._damaged_strings(name, entry, file):
            strings, crc = decode_strings(bytes(data), count, self.big_endian)
        self._check_sum(name, entry, file, crc)
        value = self._new_array(name, entry.shape, string)
        value.reshape(-1)[:] = strings
        return value

    def _read_into(
        self, name: str, file: RandomAccessFile, offset: int, buffer: memoryview
    ) -> None:
        try:
            file.read_into(offset, buffer)
        except errors.OutOfRangeError as error:
            raise errors.DataLossError(
                None,
                None,
                f"Tensor {name!r} cannot be read, its file has just been cut: {error.message}",
            ) from error

    def _new_array(self, name: str, shape: tuple[int, ...], dtype: DType) -> Array:
        """Memory for as many bytes as are known to be there."""
        try:
            return np.empty(shape, dtype.as_numpy_dtype)
        except ValueError as error:
            raise errors.UnimplementedError(
                None,
                None,
                f"Tensor {name!r} of {self.prefix} has the shape {shape}, which NumPy cannot "
                f"hold: {error}.",
            ) from error
        except MemoryError as error:
            raise errors.ResourceExhaustedError(
                None, None, f"Tensor {name!r} of {self.prefix} does not fit the memory: {error}."
            ) from error

    def _check_sum(self, name: str, entry: BundleEntry, file: RandomAccessFile, crc: int) -> None:
        if crc != unmask(entry.crc):
            raise data_loss(
                file.path,
                f"is damaged in tensor {name!r}, {entry.size} bytes from offset "
                f"{entry.offset}: Checksum does not match, it is {crc:#010x} and should be "
                f"{unmask(entry.crc):#010x}. {_CHANGED.format(self._path)}",
                entry.offset,
            )

    def _assemble(
        self, name: str, entry: BundleEntry, dtype: DType, box: TensorSlice, verify: bool
    ) -> Array:
        """The part ``box`` of a tensor that is stored in slices."""
        wanted = box.within(entry.shape)
        pieces = self._pieces(name, entry)
        plan = self._plan(name, box, wanted)
        room: dict[int, int] = {}
        for number, _, _ in plan:
            stored = pieces[number][0]
            file = self._locate(name, stored, dtype)
            room[stored.shard] = room.get(stored.shard, file.size) - stored.size
        if min(room.values(), default=0) < 0:
            self._fail(
                f"has a damaged entry for tensor {name!r}: its slices have more bytes together "
                "than the data file"
            )
        value = self._new_array(name, box_shape(wanted), dtype)
        for number, target, source in plan:
            value[target] = self._read_part(name, pieces[number][0], dtype, source, verify)
        return value

    def _plan(self, name: str, box: TensorSlice, wanted: Box) -> list[tuple[int, Box, Box]]:
        """Which of the pieces that are known of a tensor make up a part of it, and how."""
        pieces = self._known_pieces[name]
        plan, missing = cover(wanted, [ranges for _, ranges in pieces], self._bounds[name])
        if missing:
            # The file is as it was written: by a program that saved some parts of a variable.
            raise errors.InvalidValueError(
                None,
                None,
                f"{self._path} has not all parts of tensor {name!r}: its {len(pieces)} slices "
                f"lack {missing} of the elements of '{box}'.",
            )
        return plan

    def _pieces(self, name: str, entry: BundleEntry) -> list[tuple[BundleEntry, Box]]:
        """The stored slices of a tensor with the places where they belong; no two overlap."""
        if name in self._known_pieces:
            return self._known_pieces[name]
        key = encode_name(name)
        pieces = []
        for box in entry.slices:
            try:
                ranges = box.within(entry.shape)
            except errors.InvalidArgumentError as error:
                self._fail(f"has a damaged entry for tensor {name!r}: {error.message}")
            value = self._table.get(encode_slice_key(key, box))
            if value is None:
                self._fail(f"has no entry for the slice '{box}' of tensor {name!r}")
            stored = self._decode_entry(name, value)
            if (stored.dtype, stored.shape, stored.slices) != (entry.dtype, box_shape(ranges), ()):
                self._fail(
                    f"has a damaged entry for the slice '{box}' of tensor {name!r}: its type and "
                    "shape are not those of the tensor"
                )
            pieces.append((stored, ranges))
        boxes = [ranges for _, ranges in pieces]
        wrong = first_overlapping(boxes, len(entry.shape))
        if wrong is not None:
            self._fail(
                f"has a damaged entry for tensor {name!r}: its slice '{entry.slices[wrong]}' "
                "overlaps another"
            )
        self._bounds[name] = bounds_of(boxes, len(entry.shape))
        self._known_pieces[name] = pieces
        return pieces


def _whole(entry: BundleEntry) -> TensorSlice:
    """The box of all of a tensor."""
    return TensorSlice(((0, WHOLE),) * len(entry.shape))


def _swap_bytes(value: Array, dtype: DType) -> None:
    """Turns the bytes of numbers of the other endianness around."""
    width = dtype.size // 2 if dtype.is_complex else dtype.size
    value.reshape(-1).view(f"u{width}").byteswap(inplace=True)
