"""A box within a tensor: which part of a partitioned variable a stored piece is.

As text, a slice has for each dimension ``start,length`` or ``-`` for all of it, joined by colons:
``0,10:-`` are the first ten rows of a matrix. In messages (``TensorSliceProto``) the same, with the
length left out for all of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from evergraph import errors
from evergraph.formats.wire import (
    WireError,
    bytes_field,
    fields,
    signed,
    varint_field,
)

WHOLE = -1


@dataclass(frozen=True, slots=True)
class TensorSlice:
    """A box.

    Attributes:
        extents: for each dimension its start and length, ``(0, -1)`` for all of it.
    """

    extents: tuple[tuple[int, int], ...]

    @staticmethod
    def parse(text: str) -> TensorSlice:
        """The slice of a text such as ``0,10:-``. InvalidArgumentError if it is none."""
        extents = []
        for part in text.split(":") if text else []:
            if part == "-":
                extents.append((0, WHOLE))
                continue
            start, comma, length = part.partition(",")
            if not (comma and start.isascii() and length.isascii()) or not (
                start.isdigit() and length.isdigit() and int(length) > 0
            ):
                raise errors.InvalidValueError(
                    None,
                    None,
                    f"{text!r} is no slice: each dimension is START,LENGTH or -, as in '0,10:-'.",
                )
            extents.append((int(start), int(length)))
        return TensorSlice(tuple(extents))

    def __str__(self) -> str:
        return ":".join("-" if n == WHOLE else f"{start},{n}" for start, n in self.extents)

    def within(self, shape: tuple[int, ...]) -> tuple[slice, ...]:
        """The slice as an index into an array of ``shape``.

        Raises:
            InvalidArgumentError: it has another rank, or reaches outside.
        """
        if len(self.extents) == len(shape):
            ranges = [
                slice(0, size) if length == WHOLE else slice(start, start + length)
                for (start, length), size in zip(self.extents, shape, strict=True)
            ]
            if all(
                0 <= part.start <= part.stop <= size
                for part, size in zip(ranges, shape, strict=True)
            ):
                return tuple(ranges)
        raise errors.InvalidValueError(
            None, None, f"The slice '{self}' does not lie within a tensor of shape {shape}."
        )

    def encode(self) -> bytes:
        """The ``TensorSliceProto``."""
        extents = []
        for start, length in self.extents:
            extent = varint_field(1, start) if start else b""
            if length != WHOLE:
                extent += varint_field(2, length)
            extents.append(bytes_field(1, extent))
        return b"".join(extents)

    @staticmethod
    def decode(data: bytes) -> TensorSlice:
        """The slice of a ``TensorSliceProto``. WireError if ``data`` is none."""
        extents = []
        for number, _, value in fields(data):
            if number == 1 and not isinstance(value, int):
                start, length = 0, WHOLE
                for part, _, part_value in fields(value):
                    if part == 1 and isinstance(part_value, int):
                        start = signed(part_value)
                    elif part == 2 and isinstance(part_value, int):
                        length = signed(part_value)
                        if length < 0:
                            raise WireError(f"a slice has the length {length}")
                extents.append((start, length))
        return TensorSlice(tuple(extents))


def parse_shape_and_slice(text: str) -> tuple[tuple[int, ...], TensorSlice]:
    """The whole shape and the slice in a text such as ``20 5 0,10:-`` (``SaveV2``'s argument).

    Raises:
        InvalidArgumentError: the text is not of that form, or the slice is not within the shape.
    """
    *sizes, spec = text.split(" ")
    if not sizes or not all(size.isascii() and size.isdigit() for size in sizes):
        raise errors.InvalidValueError(
            None,
            None,
            f"{text!r} is no shape and slice: it takes the sizes of all dimensions, then the "
            "slice, as in '20 5 0,10:-'.",
        )
    shape, box = tuple(map(int, sizes)), TensorSlice.parse(spec)
    box.within(shape)
    return shape, box
