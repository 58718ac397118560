"""The messages in the index of a tensor bundle: one header, and one entry a tensor.

::

    BundleHeaderProto, under the empty key       BundleEntryProto, under the tensor's name
      1 num_shards  int32                          1 dtype     DataType
      2 endianness  0 little, 1 big                2 shape     TensorShapeProto
      3 version     VersionDef                     3 shard_id  int32
          1 producer                               4 offset    int64, in the shard's file
          2 min_consumer                           5 size      int64, bytes there
          3 bad_consumers                          6 crc32c    fixed32, masked, of those bytes
                                                   7 slices    TensorSliceProto, repeated

An entry with slices has no bytes of its own: each slice is a tensor under a key of its own (see
`slice_key`). Fields that are zero are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from evergraph.formats.small_messages import (
    Versions,
    decode_shape,
    encode_shape,
    nonzero_field,
)
from evergraph.formats.tensor_slice import TensorSlice
from evergraph.formats.wire import (
    FIXED32,
    VARINT,
    WireError,
    bytes_field,
    decode_varint,
    fields,
    fixed32_field,
    signed,
)

# Many tensors of a checkpoint have one shape.
_decode_shape = lru_cache(256)(decode_shape)

# What TensorFlow writes, and the newest that this reader knows.
VERSION = 1
_WRITTEN = Versions(producer=VERSION)

# The fields of an entry: number and wire type in one byte.
_DTYPE, _SHAPE, _SHARD, _OFFSET, _SIZE, _CRC = 0x08, 0x12, 0x18, 0x20, 0x28, 0x35


@dataclass(slots=True)
class BundleHeader:
    """The header.

    Attributes:
        num_shards: how many data files there are.
        big_endian: whether numbers in them are big-endian.
        versions: of the writer, and of the readers it asks for.
    """

    num_shards: int = 0
    big_endian: bool = False
    versions: Versions = _WRITTEN

    def encode(self) -> bytes:
        """The message."""
        return (
            nonzero_field(1, self.num_shards)
            + nonzero_field(2, int(self.big_endian))
            + bytes_field(3, self.versions.encode())
        )

    @staticmethod
    def decode(data: bytes) -> BundleHeader:
        """The header in ``data``. WireError if it is none."""
        header = BundleHeader(versions=Versions())
        for number, _, value in fields(data):
            if isinstance(value, bytes):
                if number == 3:
                    header.versions = Versions.decode(value)
            elif number == 1:
                header.num_shards = signed(value)
            elif number == 2:
                if value not in (0, 1):
                    raise WireError(f"endianness is 0 (little) or 1 (big), not {value}")
                header.big_endian = value == 1
        return header


@lru_cache(maxsize=4096)  # tensors of one model have few types and shapes
def _encode_kind(dtype: int, shape: tuple[int, ...]) -> bytes:
    return nonzero_field(1, dtype) + bytes_field(2, encode_shape(shape))


@dataclass(slots=True)
class BundleEntry:
    """What the index tells of a tensor.

    Attributes:
        dtype: number in ``DataType``.
        shape: size of each dimension.
        shard: number of the data file.
        offset: where in it the tensor's bytes begin.
        size: how many bytes there are.
        crc: their masked checksum.
        slices: the boxes that the tensor is stored in, if it is stored in several.
    """

    dtype: int = 0
    shape: tuple[int, ...] = ()
    shard: int = 0
    offset: int = 0
    size: int = 0
    crc: int = 0
    slices: tuple[TensorSlice, ...] = ()

    def encode(self) -> bytes:
        """The message."""
        return b"".join(
            (
                _encode_kind(self.dtype, self.shape),
                nonzero_field(3, self.shard),
                nonzero_field(4, self.offset),
                nonzero_field(5, self.size),
                fixed32_field(6, self.crc) if self.crc else b"",
                *(bytes_field(7, box.encode()) for box in self.slices),
            )
        )

    @staticmethod
    def decode(data: bytes) -> BundleEntry:
        """The entry in ``data``. WireError if it is none or has an impossible shape."""
        try:
            usual = _decode_usual(data)
        except IndexError:
            usual = None
        return _decode_any(data) if usual is None else usual


def _decode_usual(data: bytes) -> BundleEntry | None:
    """An entry without slices as TensorFlow writes it, in a third of the time; None for any other.

    IndexError where ``data`` ends within a field.
    """
    numbers = {_DTYPE: 0, _SHARD: 0, _OFFSET: 0, _SIZE: 0}
    shape: tuple[int, ...] = ()
    crc = position = 0
    end = len(data)
    while position < end:
        tag = data[position]
        first = data[position + 1]
        if tag in numbers:
            if first < 0x80:
                numbers[tag] = first
                position += 2
            else:
                value, position = decode_varint(data, position + 1)
                numbers[tag] = signed(value)
        elif tag == _SHAPE and first < 0x80:
            shape = _decode_shape(data[position + 2 : position + 2 + first])
            position += 2 + first
        elif tag == _CRC:
            crc = int.from_bytes(data[position + 1 : position + 5], "little")
            position += 5
        else:
            return None
    if position > end:
        return None
    return BundleEntry(
        numbers[_DTYPE], shape, numbers[_SHARD], numbers[_OFFSET], numbers[_SIZE], crc
    )


def _decode_any(data: bytes) -> BundleEntry:
    entry = BundleEntry()
    slices = []
    for number, code, value in fields(data):
        if isinstance(value, bytes):
            if number == 2:
                entry.shape = _decode_shape(value)
            elif number == 7:
                slices.append(TensorSlice.decode(value))
        elif code == VARINT:
            if number == 1:
                entry.dtype = signed(value)
            elif number == 3:
                entry.shard = signed(value)
            elif number == 4:
                entry.offset = signed(value)
            elif number == 5:
                entry.size = signed(value)
        elif code == FIXED32 and number == 6:
            entry.crc = value
    entry.slices = tuple(slices)
    return entry
