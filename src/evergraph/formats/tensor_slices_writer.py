"""Writes checkpoints of format V1 (see `tensor_slices`), byte for byte as TensorFlow does.

The metadata, which names all tensors, begins the table, and the tensors follow in the order of their
keys. So nothing can be written before the last of them is known: all are held in memory, encoded.
TensorFlow 2.15 does not compress these tables (readers accept blocks that are), and neither does
this. A slice is one message, of less than 2 GiB.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from evergraph import errors
from evergraph.formats.bundle import decode_name, encode_name
from evergraph.formats.bundle_writer import to_array
from evergraph.formats.dtypes import DType, string
from evergraph.formats.element_list import encode_elements
from evergraph.formats.slice_assembly import box_shape, first_overlapping
from evergraph.formats.slice_key import encode_slice_key
from evergraph.formats.small_messages import Versions, encode_shape
from evergraph.formats.table import TableWriter
from evergraph.formats.tensor_bytes import steady
from evergraph.formats.tensor_slice import WHOLE, TensorSlice
from evergraph.formats.tensor_slices import VERSION
from evergraph.formats.wire import bytes_field, bytes_head, varint_field
from evergraph.storage.filesystem import Path, plain_path
from evergraph.storage.publish import Durability, publication

# TensorFlow refuses a message that could become longer than this, by the most bytes that an
# element of each type can take, and something for what stands around them.
_MOST_MESSAGE_BYTES = 1 << 31
_AROUND = 1 << 10
_MOST_BYTES = {
    "float32": 4,
    "float64": 8,
    "complex64": 8,
    "complex128": 16,
    "float16": 3,
    "uint16": 3,
    "uint8": 2,
    "quint8": 2,
    "bool": 1,
    **dict.fromkeys("int8 int16 int32 int64 qint8 qint32 string".split(), 10),
}


@dataclass(slots=True)
class _Tensor:
    """What the metadata will tell of a tensor."""

    dtype: DType
    shape: tuple[int, ...]
    slices: list[TensorSlice] = field(default_factory=list)

    def encode(self, name: bytes) -> bytes:
        """The ``SavedSliceMeta``."""
        return b"".join(
            (
                _name_field(name),
                bytes_field(2, encode_shape(self.shape)),
                varint_field(3, self.dtype.as_datatype_enum),
                *(bytes_field(4, box.encode()) for box in self.slices),
            )
        )


class TensorSliceWriter:
    """Writes a checkpoint of format V1, or one shard of it, as a context manager.

    Leaving the block publishes the file (see `storage.publish`); leaving it by an exception leaves
    what was there before.

    Args:
        path: of the file; its folder is made.
        durability: ``full``, ``file`` or ``none``, as in `storage.publish`.
        expected_bytes: size of all tensors together, so that a full disk is found out first.
    """

    def __init__(
        self, path: Path, durability: Durability = "full", expected_bytes: int = 0
    ) -> None:
        self.path = plain_path(path)
        self._tensors: dict[bytes, _Tensor] = {}
        self._values: dict[bytes, bytes] = {}
        self._publication = publication(self.path, durability)
        try:
            self._file = self._publication.create(self.path, expected_bytes)
        except BaseException:
            self._publication.discard()
            raise

    def add(self, name: str | bytes, value: Any, dtype: DType | None = None) -> None:
        """Adds a tensor.

        Args:
            name: its name.
            value: an array, or a number, a string or lists of them (as ``tf.constant`` takes).
            dtype: the type to convert to; None: the array's own.

        Raises:
            InvalidArgumentError: the name is taken, no file can hold such a value, or it is too
                large for this format.
            UnimplementedError: this format has no place for elements of this type.
        """
        array, dtype = to_array(value, name, dtype)
        whole = TensorSlice(((0, WHOLE),) * array.ndim)
        with steady(array) as elements:
            self._add(encode_name(name), _Tensor(dtype, array.shape), whole, elements)

    def add_slice(
        self, name: str | bytes, shape: Sequence[int], box: TensorSlice, value: Any
    ) -> None:
        """Adds one part of a tensor.

        Args:
            name: the name of the whole tensor.
            shape: the shape of the whole tensor.
            box: which part it is.
            value: the part.

        Raises:
            InvalidArgumentError: as in `add`; the box is outside the shape, or the value is not of
                its shape; another part had another type or whole shape.
            UnimplementedError: as in `add`.
        """
        array, dtype = to_array(value, name, None)
        expected = box_shape(box.within(tuple(shape)))
        if array.shape != expected:
            _refuse(
                f"The slice '{box}' of tensor {name!r} has the shape {expected}, not {array.shape}."
            )
        with steady(array) as elements:
            self._add(encode_name(name), _Tensor(dtype, tuple(shape)), box, elements)

    def _add(self, name: bytes, tensor: _Tensor, box: TensorSlice, array: Any) -> None:
        shown = decode_name(name)
        known = self._tensors.get(name, tensor)
        if (known.dtype, known.shape) != (tensor.dtype, tensor.shape):
            _refuse(
                f"The slice '{box}' of tensor {shown!r} is of {tensor.dtype.name} {tensor.shape}; "
                f"the tensor in {self.path} is of {known.dtype.name} {known.shape}."
            )
        key = encode_slice_key(name, box)
        if key in self._values:
            _refuse(
                f"Adding duplicate key: the slice '{box}' of tensor {shown!r} is in {self.path} "
                "already."
            )
        head = _name_field(name) + bytes_field(2, box.encode())
        _check_size(shown, tensor.dtype, array, len(head))
        elements = encode_elements(array, tensor.dtype)
        size = sum(map(len, elements))
        head += bytes_head(3, size)
        # Put together once: the elements may be large.
        self._values[key] = b"".join((bytes_head(2, len(head) + size), head, *elements))
        known.slices.append(box)
        self._tensors[name] = known

    def finish(self) -> None:
        """Writes and publishes the file. InvalidArgumentError where slices of a tensor meet."""
        for name, tensor in self._tensors.items():
            boxes = [box.within(tensor.shape) for box in tensor.slices]
            meets = first_overlapping(boxes, len(tensor.shape)) if len(boxes) > 1 else None
            if meets is not None:
                _refuse(
                    f"The slice '{tensor.slices[meets]}' of tensor {decode_name(name)!r} meets "
                    f"another one in {self.path}."
                )
        meta = [bytes_field(1, tensor.encode(name)) for name, tensor in self._tensors.items()]
        meta.append(bytes_field(2, Versions(producer=VERSION).encode()))
        table = TableWriter(self._file.write)
        table.add(b"", bytes_field(1, b"".join(meta)))
        for key in sorted(self._values):
            table.add(key, self._values[key])
        table.finish()
        self._publication.publish()

    def discard(self) -> None:
        """Removes what has been written so far."""
        self._publication.discard()

    def __enter__(self) -> TensorSliceWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *unused: object) -> None:
        try:
            if kind is None:
                self.finish()
        finally:
            self.discard()


def _name_field(name: bytes) -> bytes:
    """A name, which is left out where it is empty, as every field of its messages."""
    return bytes_field(1, name) if name else b""


def _check_size(name: str, dtype: DType, array: Any, around: int) -> None:
    """Raises UnimplementedError or InvalidArgumentError for a slice that the format cannot hold."""
    width = _MOST_BYTES.get(dtype.name)
    if width is None:
        raise errors.UnimplementedError(
            None,
            None,
            f"Saving data type {dtype.name} not yet supported: tensor {name!r} cannot be in a "
            "checkpoint of format V1, which has no place for it. Format V2 has.",
        )
    bound = around + _AROUND + width * array.size
    if dtype == string:
        bound += sum(map(len, array.reshape(-1).tolist()))
    if bound > _MOST_MESSAGE_BYTES:
        _refuse(
            f"Tensor slice is too large to serialize (conservative estimate: {bound} bytes): "
            f"tensor {name!r} of {dtype.name} {array.shape}. Format V1 has room for "
            f"{_MOST_MESSAGE_BYTES} bytes a slice; use format V2, or partition the variable."
        )


def _refuse(why: str) -> None:
    raise errors.InvalidValueError(None, None, why)
