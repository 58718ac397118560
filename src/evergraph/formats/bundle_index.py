"""The index of a tensor bundle: which tensors there are, and where; opening costs its last block.

Every number from the file is checked against the bytes that are there before anything is allocated by it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from threading import Lock
from typing import NoReturn, TypeVar

from evergraph import errors
from evergraph.formats.bundle import data_path, decode_name, encode_name, index_path
from evergraph.formats.bundle_entry import VERSION, BundleEntry, BundleHeader
from evergraph.formats.damage import data_loss
from evergraph.formats.dtypes import DType
from evergraph.formats.slice_assembly import (
    Bounds,
    Box,
)
from evergraph.formats.slice_key import encode_slice_key, is_slice_key
from evergraph.formats.table import TableReader
from evergraph.formats.tensor_info import TensorInfo
from evergraph.formats.wire import WireError
from evergraph.nearest import did_you_mean
from evergraph.storage.filesystem import (
    Path,
    RandomAccessFile,
    filesystem,
    path_text,
)
from evergraph.storage.leftovers import heal

_FIRST_REFERENCE = 100  # the types of reference variables: a file holds values
# Data files are opened with the index, so that a checkpoint that is open can still be read when
# somebody (a training run that keeps the newest five) removes it; but not hundreds of them.
_MOST_OPENED_AHEAD = 16
# What a search looks at: the entries between two restarts of a block, and those around its steps.
_BYTES_PER_SEARCH = 1024


_Self = TypeVar("_Self", bound="BundleIndex")


class BundleIndex:
    """The index of a checkpoint of format V2, open for reading; several threads may.

    Args:
        prefix: path and beginning of the file names.

    Raises:
        NotFoundError: there is no index file.
        DataLossError: the index is damaged.
        UnimplementedError: it is made for newer readers than this.

    Attributes:
        prefix: as given.
        num_shards: how many data files belong to it.
        big_endian: whether its numbers are stored big-endian.
        versions: of the writer, and of the readers it asks for.
    """

    def __init__(self, prefix: Path) -> None:
        self.prefix = path_text(prefix)
        self._path = index_path(self.prefix)
        self._lock = Lock()
        self._values: dict[str, bytes] | None = None
        self._searched = 0
        self._recent: tuple[str, tuple[BundleEntry, DType]] | None = None
        # What is known of tensors that are stored in slices: reading n parts of one in n slices
        # looks at each slice once.
        self._sliced: dict[str, tuple[BundleEntry, DType]] = {}
        self._known_pieces: dict[str, list[tuple[BundleEntry, Box]]] = {}
        self._bounds: dict[str, Bounds] = {}
        self._open()
        # Somebody may be saving to the same prefix: index and data have to be of one save.
        while heal(self._path) or not self._index.is_current():
            self.close()
            self._open()

    def _open(self) -> None:
        self._data: dict[int, RandomAccessFile] = {}
        self._index = filesystem(self.prefix).open_random_access(self._path)
        try:
            self._table = TableReader(self._index)
            header = self._read_header()
        except BaseException:
            self._index.close()
            raise
        self.num_shards = header.num_shards
        self.big_endian = header.big_endian
        self.versions = header.versions
        for shard in range(self.num_shards) if self.num_shards <= _MOST_OPENED_AHEAD else ():
            try:
                self.data_file(shard)
            except errors.OpError:  # reading a tensor of a missing file says so
                if not filesystem(self.prefix).exists(self._path):
                    self.close()
                    raise errors.FileMissingError(
                        None, None, f"The checkpoint {self.prefix} was deleted while it was opened."
                    ) from None

    def names(self) -> list[str]:
        """The names of all tensors, sorted; a tensor that is stored in slices is one."""
        return list(self._all_values())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._value(name) is not None

    def __len__(self) -> int:
        return len(self._all_values())

    def entries(self) -> Iterator[tuple[bytes, BundleEntry]]:
        """Yields the whole index: every key but the header's, those of slices too, and its entry.

        Raises:
            DataLossError: the index is damaged.
        """
        for key, value in self._table:
            if key:
                yield key, self._decode_entry(decode_name(key), value)

    def info(self, name: str) -> TensorInfo:
        """Type, shape and size of a tensor.

        Raises:
            KeyNotFoundError: there is no such tensor.
            DataLossError: its entry is damaged.
        """
        return _info(name, *self._entry(name))

    def infos(self) -> list[TensorInfo]:
        """`info` of every tensor, in the order of `names`. DataLossError if an entry is damaged."""
        found = []
        for name, value in self._all_values().items():
            try:
                entry = BundleEntry.decode(value)
                found.append(_info(name, entry, _value_type(entry.dtype)))
            except (WireError, TypeError):
                self._decode(name, value)  # which says so
        return found

    def salvage(self) -> tuple[list[str], list[errors.DataLossError]]:
        """The names of the tensors in those parts of the index that are whole, in the order of their bytes; and what
        is wrong with the other parts."""
        values: dict[bytes, bytes] = {}
        damage: list[errors.DataLossError] = []
        for item in self._table.salvage():
            if isinstance(item, errors.DataLossError):
                damage.append(item)
            else:
                values[item[0]] = item[1]
        values.pop(b"", None)
        is_whole = not damage
        try:
            self._leave_out_pieces(values)
        except errors.DataLossError:
            is_whole = False  # verifying that tensor says so
        order: list[tuple[int, int, str]] = []
        for key, value in values.items():
            if not is_whole and is_slice_key(key):
                continue  # a piece of a tensor whose own entry is lost
            entry = BundleEntry()
            with suppress(errors.DataLossError):  # it is one that says so when it is read
                entry = self._decode_entry(decode_name(key), value)
            order.append((entry.shard, entry.offset, decode_name(key)))
        return [name for _, _, name in sorted(order)], damage

    def data_file(self, shard: int) -> RandomAccessFile:
        """One of the data files, open. NotFoundError if it is missing."""
        file = self._data.get(shard)
        if file is not None:
            return file
        with self._lock:
            if shard not in self._data:
                path = data_path(self.prefix, shard, self.num_shards)
                self._data[shard] = filesystem(path).open_random_access(path)
            return self._data[shard]

    def close(self) -> None:
        """Gives the files back."""
        self._index.close()
        for file in self._data.values():
            file.close()

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    def _read_header(self) -> BundleHeader:
        first = self._table.first()
        if first is None or first[0] != b"":
            self._fail("does not begin with a header: it is a table, but not of a checkpoint")
        try:
            header = BundleHeader.decode(first[1])
        except WireError as error:
            self._fail(f"has a damaged header: {error}")
        if header.num_shards < 1:
            self._fail(f"has a damaged header: it names {header.num_shards} data files")
        if not header.versions.allows(VERSION):
            raise errors.UnimplementedError(
                None,
                None,
                f"{self._path} is made for newer readers, {header.versions}; evergraph reads "
                f"version {VERSION}.",
            )
        return header

    def _all_values(self) -> dict[str, bytes]:
        """Each tensor's entry, not decoded, in order. The pieces of sliced tensors are left out."""
        if self._values is None:
            values = dict(self._table)
            del values[b""]
            self._leave_out_pieces(values)
            self._values = {decode_name(key): value for key, value in values.items()}
        return self._values

    def _leave_out_pieces(self, values: dict[bytes, bytes]) -> None:
        """Removes the entries of the slices of tensors, which are no tensors themselves."""
        if is_slice_key(next(iter(values), b"")):  # they sort before names
            for key, value in list(values.items()):
                for box in self._decode_entry(decode_name(key), value).slices:
                    values.pop(encode_slice_key(key, box), None)

    def _value(self, name: str) -> bytes | None:
        if self._values is None:
            # One tensor costs a search; for many of them, going through the index once costs less.
            self._searched += _BYTES_PER_SEARCH
            if self._searched <= self._index.size:
                return self._table.get(encode_name(name)) if name else None
        return self._all_values().get(name)

    def _entry(self, name: str) -> tuple[BundleEntry, DType]:
        if name in self._sliced:
            return self._sliced[name]
        recent = self._recent
        if recent is not None and recent[0] == name:
            return recent[1]
        value = self._value(name)
        if value is None:
            raise errors.KeyNotFoundError(
                None,
                None,
                f"Key {name} not found in checkpoint {self.prefix}, which has {len(self)} tensors."
                + did_you_mean(name, self.names()),
            )
        found = self._decode(name, value)
        self._recent = name, found
        if found[0].slices:
            self._sliced[name] = found
        return found

    def _decode(self, name: str, value: bytes) -> tuple[BundleEntry, DType]:
        entry = self._decode_entry(name, value)
        try:
            return entry, _value_type(entry.dtype)
        except TypeError:
            self._fail(
                f"has a damaged entry for tensor {name!r}: {entry.dtype} is no DataType that evergraph knows"
            )

    def _decode_entry(self, name: str, value: bytes) -> BundleEntry:
        try:
            return BundleEntry.decode(value)
        except WireError as error:
            self._fail(f"has a damaged entry for tensor {name!r}: {error}")

    def _fail(self, what: str) -> NoReturn:
        raise data_loss(self._path, what)


@lru_cache(256)
def _value_type(number: int) -> DType:
    """The type with a number, if values can be of it: TypeError otherwise."""
    if not 0 < number < _FIRST_REFERENCE:
        raise TypeError(f"{number} is no type of values")
    return DType(number)


def _info(name: str, entry: BundleEntry, dtype: DType) -> TensorInfo:
    nbytes = math.prod(entry.shape) * dtype.size if entry.slices else entry.size
    return TensorInfo(name, dtype, entry.shape, nbytes, entry.slices)
