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

import struct
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
    encode_varint,
    fields,
    signed,
)

# What TensorFlow writes, and the newest that this reader knows.
VERSION = 1
_WRITTEN = Versions(producer=VERSION)

# The fields of an entry: number and wire type in one byte.
_DTYPE, _SHAPE, _SHARD, _OFFSET, _SIZE, _CRC = 0x08, 0x12, 0x18, 0x20, 0x28, 0x35
_SHARD_TAG, _OFFSET_TAG, _SIZE_TAG, _CRC_TAG = b"\x18", b"\x20", b"\x28", b"\x35"
_UINT32 = struct.Struct("<I")
_LONGEST_POSITIVE = 9  # bytes of the varint of an int64 that is not negative
_64_BITS = (1 << 64) - 1  # of a negative number: its two's complement


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
        # Once a tensor, of which there may be 100,000: so not by functions for fields in general.
        parts = (
            _encode_kind(self.dtype, self.shape),
            _SHARD_TAG + encode_varint(self.shard & _64_BITS) if self.shard else b"",
            _OFFSET_TAG + encode_varint(self.offset & _64_BITS) if self.offset else b"",
            _SIZE_TAG + encode_varint(self.size & _64_BITS) if self.size else b"",
            _CRC_TAG + self.crc.to_bytes(4, "little") if self.crc else b"",
        )
        if self.slices:
            return b"".join((*parts, *(bytes_field(7, box.encode()) for box in self.slices)))
        return b"".join(parts)

    @staticmethod
    def decode(data: bytes) -> BundleEntry:
        """The entry in ``data``. WireError if it is none or has an impossible shape."""
        return _decode_usual(data) or _decode_any(data)


@lru_cache(maxsize=4096)
def _decode_kind(head: bytes) -> tuple[int, tuple[int, ...]]:
    """Type and shape, from the two fields that begin an entry."""
    return head[1], decode_shape(head[4:])


def _decode_usual(data: bytes) -> BundleEntry | None:
    """An entry without slices as TensorFlow writes it, in a third of the time; None for any other."""
    # Written out, field after field: it is done once a tensor, of which there may be 100,000.
    shard = offset = size = shift = 0
    try:
        position = 4 + data[3]
        if data[0] != _DTYPE or data[2] != _SHAPE or (data[1] | data[3]) > 0x7F:
            return None
        dtype, shape = _decode_kind(data[:position])
        if data[position] == _SHARD:
            shard = data[position + 1]
            position += 2
        if data[position] == _OFFSET:
            position += 1
            for byte in data[position : position + _LONGEST_POSITIVE]:
                position += 1
                offset |= (byte & 0x7F) << shift
                if byte < 0x80:
                    break
                shift += 7
            else:
                return None
        if data[position] == _SIZE:
            size, position = decode_varint(data, position + 1)
        if data[position] != _CRC or position + 5 != len(data) or shard > 0x7F or size >> 63:
            return None
    except IndexError:
        return None  # It ends within a field.
    return BundleEntry(
        dtype, shape, shard, offset, size, _UINT32.unpack_from(data, position + 1)[0]
    )


def _decode_any(data: bytes) -> BundleEntry:
    entry = BundleEntry()
    slices = []
    for number, code, value in fields(data):
        if isinstance(value, bytes):
            if number == 2:
                entry.shape = decode_shape(value)
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
