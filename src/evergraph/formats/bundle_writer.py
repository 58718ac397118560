"""Writes tensor bundles, byte for byte as TensorFlow does for the same tensors in one order."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats.bundle import (
    data_path,
    encode_name,
    fresh_shards,
    index_path,
    remove_superseded,
)
from evergraph.formats.bundle_entry import BundleEntry, BundleHeader
from evergraph.formats.crc32c import mask
from evergraph.formats.dtypes import DType, as_dtype, string
from evergraph.formats.pinned_array import Array, PinnedArray
from evergraph.formats.slice_key import encode_slice_key
from evergraph.formats.table import TableWriter
from evergraph.formats.tensor_bytes import hand_over
from evergraph.formats.tensor_slice import TensorSlice
from evergraph.formats.tensor_values import as_array, flat_strings, is_array_like
from evergraph.storage.filesystem import Path, filesystem, plain_path
from evergraph.storage.publish import Durability, publication


class BundleWriter:
    """Writes a checkpoint with its tensors in one data file, as a context manager.

    Leaving the block publishes data and index together (see `storage.publish`, and
    `storage.remote_publication`); leaving it by an exception leaves what was there before. The index
    is put in place last: it makes the checkpoint.

    Args:
        prefix: path and beginning of the file names; folders are made.
        durability: ``full``, ``file`` or ``none``, as in `storage.publish`.
        expected_bytes: size of all tensors together, so that a full disk is found out first.
    """

    def __init__(
        self, prefix: Path, durability: Durability = "full", expected_bytes: int = 0
    ) -> None:
        self.prefix = plain_path(prefix)
        self._entries: dict[bytes, BundleEntry] = {}
        self._publication = publication(self.prefix, durability)
        try:
            self._begin(expected_bytes)
        except BaseException:
            self._publication.discard()
            raise

    def _begin(self, expected_bytes: int) -> None:
        """Starts the data file."""
        self._shards = fresh_shards(self.prefix, 1)
        data = data_path(self.prefix, 0, self._shards)
        self._data = self._publication.create(data, expected_bytes)

    def add(self, name: str | bytes, value: Any, dtype: DType | None = None) -> None:
        """Appends a tensor.

        Args:
            name: its key, not empty.
            value: an array, which is written from its own memory and must not change before this
                returns, unless it is pinned, and then is released; or a number, a string or lists of
                them, which become what ``tf.constant`` makes.
            dtype: the type to convert to; None: the array's own.

        Raises:
            InvalidArgumentError: the name is taken or empty, or no file can hold such a value.
        """
        key = encode_name(name)
        if not key or key in self._entries:
            raise errors.InvalidValueError(
                None,
                None,
                f"Adding duplicate key: {name!r} is in {self.prefix} already."
                if key
                else f"A tensor of {self.prefix} has no name: the empty key is the header's.",
            )
        array, dtype = to_array(value, name, dtype)
        self._entries[key] = self._store(key, array, dtype)

    def add_slice(
        self, name: str | bytes, shape: tuple[int, ...], box: TensorSlice, value: Any
    ) -> None:
        """Appends one part of a tensor.

        Args:
            name: the key of the whole tensor.
            shape: the shape of the whole tensor.
            box: which part it is; if it is all of it, this is `add`.
            value: the part.

        Raises:
            InvalidArgumentError: as in `add`; the box is outside the shape or the value is not of
                the box's shape; another part had another type or whole shape.
        """
        ranges = box.within(shape)
        array, dtype = to_array(value, name, None)
        expected = tuple(part.stop - part.start for part in ranges)
        if array.shape != expected:
            raise errors.InvalidValueError(
                None,
                None,
                f"The slice '{box}' of tensor {name!r} has the shape {expected}, not "
                f"{array.shape}.",
            )
        if expected == shape:
            self.add(name, array, dtype)
            return
        key = encode_name(name)
        whole = self._entries.get(key) or BundleEntry(dtype.as_datatype_enum, shape)
        stored_whole = key in self._entries and not whole.slices
        if stored_whole or (whole.dtype, whole.shape) != (dtype.as_datatype_enum, shape):
            raise errors.InvalidValueError(
                None,
                None,
                f"The slice '{box}' of tensor {name!r} is of {dtype.name} {shape}; the tensor in "
                f"{self.prefix} is of {DType(whole.dtype).name} {whole.shape}"
                f"{' and stored whole' if stored_whole else ''}.",
            )
        self.add(encode_slice_key(key, box), array, dtype)
        whole.slices += (box,)
        self._entries[key] = whole

    def finish(self) -> None:
        """Writes the index and publishes the checkpoint."""
        self._finish_data()
        index = self._publication.create(index_path(self.prefix), commit=True)
        table = TableWriter(index.write)
        table.add(b"", BundleHeader(num_shards=self._shards).encode())
        for key in sorted(self._entries):
            table.add(key, self._entries[key].encode())
        table.finish()
        if filesystem(self.prefix).exists(index_path(self.prefix)):
            self._publication.afterwards(partial(remove_superseded, self.prefix, self._shards))
        self._publication.publish()

    def discard(self) -> None:
        """Removes what has been written so far."""
        self._publication.discard()

    def __enter__(self) -> BundleWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *unused: object) -> None:
        try:
            if kind is None:
                self.finish()
        finally:
            self.discard()

    def _store(self, key: bytes, array: Array | PinnedArray, dtype: DType) -> BundleEntry:
        """Writes the bytes of a tensor; returns its entry."""
        offset = self._data.position
        crc = hand_over(array, self._data.write)
        if isinstance(array, PinnedArray):
            array.release()
        size = self._data.position - offset
        return BundleEntry(
            dtype.as_datatype_enum, array.shape, offset=offset, size=size, crc=mask(crc)
        )

    def _finish_data(self) -> None:
        """Completes the data files: those that are more than are needed are empty."""
        for shard in range(1, self._shards):
            self._publication.create(data_path(self.prefix, shard, self._shards))


def to_array(
    value: Any, name: str | bytes, dtype: DType | None
) -> tuple[Array | PinnedArray, DType]:
    """The array to store, strings as objects of bytes, and its type; ``name`` is for messages."""
    if dtype is None and type(value) is np.ndarray and value.dtype.kind in "fiub":
        return value, as_dtype(value.dtype)
    if isinstance(value, PinnedArray):
        return value, string if value.dtype.kind == "O" else as_dtype(value.dtype)
    try:
        array = as_array(value, dtype, None)
        if array.dtype.kind not in "OSU":
            return array, as_dtype(array.dtype)
        if array.dtype.kind != "O" and not is_array_like(value):
            array = as_array(value, string, None)  # NumPy's own strings lose zero bytes at the end
        strings = np.empty(array.size, dtype=object)
        strings[:] = list(flat_strings(array.reshape(-1).tolist()))
        return strings.reshape(array.shape), string
    except (TypeError, ValueError) as error:
        raise errors.InvalidValueError(
            None, None, f"The value of tensor {name!r} cannot be stored: {error}"
        ) from error
