"""A checkpoint that shares what has not changed with an older one.

The data files of the older checkpoint get a second name (a hard link) as the first data files of the new one, and the
index of the new one points into them for every tensor with the same bytes. What has changed goes into one more data
file. Both are whole checkpoints: any reader restores either, and deleting one takes nothing from the other.

A tensor is unchanged where its type, shape and checksum are those in the older index and its bytes are those in the
older file, byte for byte: a checksum alone would be wrong once in four billion times, and nobody would see it.

A data file is linked only if half of it is still of use, so that a chain of such checkpoints does not keep
what nobody reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace

from evergraph import errors
from evergraph.formats.bundle import data_path
from evergraph.formats.bundle_entry import BundleEntry
from evergraph.formats.bundle_reader import BundleReader
from evergraph.formats.bundle_writer import BundleWriter
from evergraph.formats.crc32c import mask
from evergraph.formats.dtypes import DType
from evergraph.formats.pinned_array import Array, PinnedArray
from evergraph.formats.tensor_bytes import hand_over
from evergraph.storage.filesystem import Bytes, Path, is_remote
from evergraph.storage.publish import Durability

_MOST_LINKED = 15
_LEAST_USED = 0.5

_base: ContextVar[str | None] = ContextVar("_base", default=None)


@contextmanager
def based_on(prefix: str | None) -> Iterator[None]:
    """What `bundle_writer` makes inside of the block shares data with the checkpoint at ``prefix``."""
    token = _base.set(prefix)
    try:
        yield
    finally:
        _base.reset(token)


def bundle_writer(
    prefix: Path, durability: Durability = "full", expected_bytes: int = 0
) -> BundleWriter:
    """A writer for a checkpoint: one that shares data with another where that was asked for (`based_on`)."""
    base = _base.get()
    if base is not None and not is_remote(base):
        try:
            return IncrementalBundleWriter(prefix, base, durability)
        except errors.OpError:
            pass  # It is gone, or no use: everything is written.
    return BundleWriter(prefix, durability, expected_bytes)


class IncrementalBundleWriter(BundleWriter):
    """Writes a checkpoint that shares unchanged tensors with ``base``; arrays must not change before `finish`.

    Args:
        prefix, durability: as of `BundleWriter`.
        base: the prefix of the older checkpoint, on the same disk.

    Raises:
        NotFoundError, DataLossError: there is no such checkpoint, or its index is damaged.

    Attributes:
        shared_bytes: how many bytes the two have in common, once it is finished.
    """

    def __init__(self, prefix: Path, base: str, durability: Durability = "full") -> None:
        self._older = BundleReader(base)
        self._known = dict(self._older.entries())
        #: The tensors by key, and the entry of the older checkpoint that has the same bytes.
        self._stored: dict[bytes, tuple[Array | PinnedArray, BundleEntry | None]] = {}
        self.shared_bytes = 0
        super().__init__(prefix, durability)

    def _begin(self, expected_bytes: int) -> None:
        """Nothing yet: how many data files there are is known at the end."""

    def _store(self, key: bytes, array: Array | PinnedArray, dtype: DType) -> BundleEntry:
        old = self._known.get(key)
        comparison = _Comparison(self._older, old)
        crc = hand_over(array, comparison.add)
        entry = BundleEntry(
            dtype.as_datatype_enum, array.shape, size=comparison.size, crc=mask(crc)
        )
        is_same = (
            old is not None and comparison.is_same and replace(old, shard=0, offset=0) == entry
        )
        self._stored[key] = array, old if is_same else None
        return entry

    def _finish_data(self) -> None:
        linked = self._link(self._worth_linking())
        written = [
            key for key, (_, old) in self._stored.items() if old is None or old.shard not in linked
        ]
        self._shards = max(1, len(linked) + bool(written))
        for key, (_, old) in self._stored.items():
            if old is not None and old.shard in linked:
                self._entries[key].shard = linked[old.shard]
                self._entries[key].offset = old.offset
                self.shared_bytes += old.size
        if written or not linked:
            size = sum(self._entries[key].size for key in written)
            data = self._publication.create(data_path(self.prefix, len(linked), self._shards), size)
            for key in written:
                self._entries[key].shard = len(linked)
                self._entries[key].offset = data.position
                hand_over(self._stored[key][0], data.write)

    def _worth_linking(self) -> list[int]:
        """The older checkpoint's data files of which enough is still of use, the most useful first."""
        used: dict[int, int] = {}
        for _, old in self._stored.values():
            if old is not None:
                used[old.shard] = used.get(old.shard, 0) + old.size
        worth = [
            shard
            for shard, size in used.items()
            if size and size >= _LEAST_USED * self._older.data_file(shard).size
        ]
        return sorted(worth, key=lambda shard: -used[shard])[:_MOST_LINKED]

    def _link(self, shards: Sequence[int]) -> dict[int, int]:
        """Gives data files of the older checkpoint a second name; their new numbers. None where one cannot have it."""
        changed = any(old is None or old.shard not in shards for _, old in self._stored.values())
        total = len(shards) + changed
        linked: dict[int, int] = {}
        for shard in shards:
            source = data_path(self._older.prefix, shard, self._older.num_shards)
            target = data_path(self.prefix, len(linked), total)
            try:
                file = self._publication.link(source, target)
            except errors.NotFoundError:
                file = None  # Somebody has just deleted it.
            if file is None:
                self._publication.discard()
                return {}
            linked[shard] = len(linked)
        return linked

    def discard(self) -> None:
        """Removes what has been written so far."""
        self._older.close()
        super().discard()


class _Comparison:
    """Holds the bytes of a tensor against those that an older checkpoint has for it, piece by piece.

    Attributes:
        size: how many bytes there were.
        is_same: whether the older checkpoint has them all; it may have more.
    """

    def __init__(self, older: BundleReader, entry: BundleEntry | None) -> None:
        self._older = older
        self._entry = entry
        self.size = 0
        self.is_same = entry is not None and not entry.slices and not older.big_endian

    def add(self, piece: Bytes) -> None:
        """Compares the next piece, unless one before it was another."""
        if self.is_same and self._entry is not None:
            try:
                file = self._older.data_file(self._entry.shard)
                self.is_same = file.read(self._entry.offset + self.size, len(piece)) == piece
            except errors.OpError:
                self.is_same = False  # Missing or cut short: what was there is written anew.
        self.size += len(piece)
