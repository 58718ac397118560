"""Several tensor bundles made into one: how a sharded save ends.

Each shard of a sharded save is a bundle of its own, somewhere else. Merging moves their data files
to the checkpoint's names and writes one index over them; no tensor is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from evergraph import errors
from evergraph.formats.bundle import (
    data_path,
    decode_name,
    fresh_shards,
    index_path,
    remove_superseded,
)
from evergraph.formats.bundle_entry import BundleEntry, BundleHeader
from evergraph.formats.bundle_reader import BundleReader
from evergraph.formats.table import TableWriter
from evergraph.storage import paths
from evergraph.storage.filesystem import Path, filesystem, plain_path
from evergraph.storage.publish import Durability, publication


def merge_bundles(
    prefixes: Sequence[Path],
    destination: Path,
    *,
    delete_old_dirs: bool = True,
    durability: Durability = "full",
) -> None:
    """Makes one checkpoint of several, as TensorFlow's ``MergeV2Checkpoints``.

    The checkpoint appears all or nothing; the parts are gone when it has.

    Args:
        prefixes: of the parts, in the order in which their data files will be counted.
        destination: prefix of the whole.
        delete_old_dirs: remove the parts' folders, if nothing else is in them.
        durability: as in `storage.publish`.

    Raises:
        InvalidArgumentError: two parts have the same tensor, or are not of one kind.
        NotFoundError, DataLossError: a part is missing or damaged.
    """
    parts = [plain_path(prefix) for prefix in prefixes]
    target = plain_path(destination)
    header, entries, sources = _merged(parts)
    header.num_shards = fresh_shards(target, header.num_shards)
    with publication(target, durability) as files:
        for number, source in enumerate(sources):
            files.adopt(source, data_path(target, number, header.num_shards))
        for number in range(max(len(sources), 1), header.num_shards):
            files.create(data_path(target, number, header.num_shards))
        index = files.create(index_path(target), commit=True)
        table = TableWriter(index.write)
        table.add(b"", header.encode())
        for key in sorted(entries):
            table.add(key, entries[key].encode())
        table.finish()
        if filesystem(target).exists(index_path(target)):
            files.afterwards(partial(remove_superseded, target, header.num_shards))
        files.afterwards(partial(_remove_parts, parts, delete_old_dirs))


def _remove_parts(parts: Sequence[str], delete_old_dirs: bool) -> None:
    """Removes what is left of the parts when their data has moved."""
    for part in parts:
        with suppress(errors.OpError):
            filesystem(part).remove(index_path(part))
    for folder in {paths.split(part)[0] for part in parts} if delete_old_dirs else ():
        with suppress(errors.OpError):
            filesystem(folder).remove_empty_folder(folder)


def _merged(parts: Sequence[str]) -> tuple[BundleHeader, dict[bytes, BundleEntry], list[str]]:
    """The header and entries of the whole, and its data files where they are now, in order."""
    header: BundleHeader | None = None
    entries: dict[bytes, BundleEntry] = {}
    sources: dict[str, int] = {}
    for part in parts:
        with BundleReader(part) as reader:
            if header is None:
                header = BundleHeader(0, reader.big_endian, reader.versions)
            elif (header.big_endian, header.versions) != (reader.big_endian, reader.versions):
                raise errors.InvalidValueError(
                    None,
                    None,
                    f"{part} and {parts[0]} cannot be merged: byte order or version differ.",
                )
            for key, entry in reader.entries():
                known = entries.get(key)
                if known is None:
                    source = data_path(part, entry.shard, reader.num_shards)
                    entry.shard = sources.setdefault(source, len(sources))
                    entries[key] = entry
                else:
                    _add_slices(known, entry, key, part)
    if header is None:
        raise errors.InvalidValueError(None, None, "There are no checkpoints to merge.")
    header.num_shards = max(len(sources), 1)
    return header, entries, list(sources)


def _add_slices(known: BundleEntry, entry: BundleEntry, key: bytes, part: str) -> None:
    """Only a tensor that is stored in slices may be in several parts."""
    same = (known.dtype, known.shape) == (entry.dtype, entry.shape)
    if not (same and known.slices and entry.slices):
        raise errors.InvalidValueError(
            None,
            None,
            f"Duplicate tensor keyed by {decode_name(key)} encountered, when merging prefix: "
            f"{part}",
        )
    known.slices += entry.slices
