"""Two small messages that checkpoints of both formats hold: VersionDef and TensorShapeProto.

::

    VersionDef                  TensorShapeProto
      1 producer      int32       2 dim, repeated:  1 size int64, 2 name
      2 min_consumer  int32       3 unknown_rank    bool
      3 bad_consumers int32, repeated
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from evergraph.formats.wire import (
    WireError,
    bytes_field,
    decode_varint,
    fields,
    signed,
    varint_field,
)

_MOST_DIMENSIONS = 254


@dataclass(frozen=True, slots=True)
class Versions:
    """Who wrote a file and who may read it.

    Attributes:
        producer: version of the writer.
        min_consumer: the least version of a reader.
        bad_consumers: versions of readers that must not read it.
    """

    producer: int = 0
    min_consumer: int = 0
    bad_consumers: tuple[int, ...] = ()

    def allows(self, version: int) -> bool:
        """Whether a reader of this version may read the file."""
        return version >= self.min_consumer and version not in self.bad_consumers

    def encode(self) -> bytes:
        """The ``VersionDef``."""
        return (
            nonzero_field(1, self.producer)
            + nonzero_field(2, self.min_consumer)
            + b"".join(varint_field(3, number) for number in self.bad_consumers)
        )

    @staticmethod
    def decode(data: bytes) -> Versions:
        """The versions in a ``VersionDef``. WireError if ``data`` is none."""
        producer = min_consumer = 0
        bad: list[int] = []
        for number, _, value in fields(data):
            if number == 3 and isinstance(value, bytes):
                bad += _packed(value)
            elif not isinstance(value, int):
                continue
            elif number == 1:
                producer = signed(value)
            elif number == 2:
                min_consumer = signed(value)
            elif number == 3:
                bad.append(signed(value))
        return Versions(producer, min_consumer, tuple(bad))


@lru_cache(maxsize=4096)
def encode_shape(shape: tuple[int, ...]) -> bytes:
    """The ``TensorShapeProto`` of a shape."""
    return b"".join(bytes_field(2, nonzero_field(1, size)) for size in shape)


@lru_cache(maxsize=4096)  # tensors of one model have few shapes
def decode_shape(data: bytes) -> tuple[int, ...]:
    """The sizes in a ``TensorShapeProto``. WireError if they are not all known and possible."""
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


def nonzero_field(number: int, value: int) -> bytes:
    """A field of a number, left out if it is zero."""
    return varint_field(number, value) if value else b""


def _packed(data: bytes) -> list[int]:
    values, position = [], 0
    while position < len(data):
        value, position = decode_varint(data, position)
        values.append(signed(value))
    return values
