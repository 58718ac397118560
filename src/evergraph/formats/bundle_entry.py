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

from evergraph.formats.tensor_slice import TensorSlice
from evergraph.formats.wire import (
    FIXED32,
    VARINT,
    WireError,
    bytes_field,
    fields,
    fixed32_field,
    signed,
    varint_field,
)

# What TensorFlow writes, and the newest that this reader knows.
VERSION = 1

_MOST_DIMENSIONS = 254


@dataclass(slots=True)
class BundleHeader:
    """The header.

    Attributes:
        num_shards: how many data files there are.
        big_endian: whether numbers in them are big-endian.
        producer: version of the writer.
        min_consumer: the least version of a reader.
        bad_consumers: versions of readers that must not read this.
    """

    num_shards: int = 0
    big_endian: bool = False
    producer: int = 0
    min_consumer: int = 0
    bad_consumers: tuple[int, ...] = ()

    def encode(self) -> bytes:
        """The message."""
        version = _nonzero(1, self.producer) + _nonzero(2, self.min_consumer)
        version += b"".join(varint_field(3, number) for number in self.bad_consumers)
        return (
            _nonzero(1, self.num_shards)
            + _nonzero(2, int(self.big_endian))
            + bytes_field(3, version)
        )

    @staticmethod
    def decode(data: bytes) -> BundleHeader:
        """The header in ``data``. WireError if it is none."""
        header = BundleHeader()
        for field in fields(data):
            match field:
                case (1, 0, int(value)):
                    header.num_shards = signed(value)
                case (2, 0, int(value)):
                    if value not in (0, 1):
                        raise WireError(f"endianness is 0 (little) or 1 (big), not {value}")
                    header.big_endian = value == 1
                case (3, 2, bytes(message)):
                    for part in fields(message):
                        match part:
                            case (1, 0, int(value)):
                                header.producer = signed(value)
                            case (2, 0, int(value)):
                                header.min_consumer = signed(value)
                            case (3, 0, int(value)):
                                header.bad_consumers += (signed(value),)
        return header


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
                _nonzero(1, self.dtype),
                bytes_field(2, _encode_shape(self.shape)),
                _nonzero(3, self.shard),
                _nonzero(4, self.offset),
                _nonzero(5, self.size),
                fixed32_field(6, self.crc) if self.crc else b"",
                *(bytes_field(7, box.encode()) for box in self.slices),
            )
        )

    @staticmethod
    def decode(data: bytes) -> BundleEntry:
        """The entry in ``data``. WireError if it is none or has an impossible shape."""
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


@lru_cache(maxsize=4096)
def _encode_shape(shape: tuple[int, ...]) -> bytes:
    return b"".join(bytes_field(2, _nonzero(1, size)) for size in shape)


@lru_cache(maxsize=4096)  # tensors of one model have few shapes
def _decode_shape(data: bytes) -> tuple[int, ...]:
    """The sizes in a ``TensorShapeProto``."""
    shape: list[int] = []
    for number, _, value in fields(data):
        if number == 2 and isinstance(value, bytes):
            size = 0
            for part, _, part_value in fields(value):
                if part == 1 and isinstance(part_value, int):
                    size = signed(part_value)
            if size < 0:
                raise WireError(f"dimension {len(shape)} of its shape has the size {size}")
            shape.append(size)
        elif number == 3 and value:
            raise WireError("its shape is of unknown rank")
    if len(shape) > _MOST_DIMENSIONS:
        raise WireError(f"its shape has {len(shape)} dimensions")
    return tuple(shape)


def _nonzero(number: int, value: int) -> bytes:
    return varint_field(number, value) if value else b""
