"""A checkpoint under other names, written without a look at its values.

The names of tensors are in the index of a bundle only. Where no tensor is left out, the data files of
the new checkpoint are second names (hard links) of the old one's, or copies where the disk has no
links; a Saver never writes into a file that is there, so that the two stay independent. Where tensors
are left out, the bytes of the others are copied, each data file to one of its own. Types, slices,
checksums and byte order stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping

from evergraph import errors
from evergraph.formats.bundle import data_path, encode_name, index_path
from evergraph.formats.bundle_entry import BundleEntry, BundleHeader
from evergraph.formats.bundle_reader import BundleReader
from evergraph.formats.checkpoint import Checkpoint
from evergraph.formats.checkpoint_saving import check_prefix, save_checkpoint
from evergraph.formats.slice_key import encode_slice_key
from evergraph.formats.table import TableWriter
from evergraph.storage.filesystem import OutgoingFile, Path, filesystem
from evergraph.storage.publish import Durability, publication

_PIECE = 4 << 20


def save_renamed(
    prefix: Path,
    checkpoint: Checkpoint,
    *,
    link: bool = True,
    overwrite: bool = False,
    durability: Durability = "full",
) -> bool:
    """Writes a renamed checkpoint (`Checkpoint.rename`), all or nothing, and as cheaply as it can be.

    Args:
        prefix: of what is made; never that of the checkpoint itself.
        checkpoint: what is written; one of format V1 becomes one of format V2, tensor by tensor.
        link: give the data files a second name where that is possible; False copies them.
        overwrite: replace a checkpoint that is there.
        durability: as in `storage.publish`.

    Returns:
        Whether the data files are links.

    Raises:
        AlreadyExistsError: there is a checkpoint of this prefix.
        InvalidArgumentError: the prefix cannot be one, or is the checkpoint's own.
        NotFoundError, DataLossError: a file is missing or damaged.
    """
    target = check_prefix(prefix)
    if target == checkpoint.prefix:
        raise errors.InvalidValueError(
            None, None, f"{target!r} is the checkpoint itself: choose another prefix."
        )
    if not overwrite and filesystem(target).exists(index_path(target)):
        raise errors.FileAlreadyExistsError(
            None,
            None,
            f"There is a checkpoint {target!r} already, and overwriting was not asked for.",
        )
    if checkpoint.format_version != 2:
        save_checkpoint(target, checkpoint, durability=durability)
        return False
    names = {old: new for new, old in checkpoint.original_names.items()}
    with BundleReader(checkpoint.prefix) as reader, publication(target, durability) as files:
        entries = _renamed(reader, names)
        shards = range(reader.num_shards)
        paths = [data_path(reader.prefix, shard, reader.num_shards) for shard in shards]
        targets = [data_path(target, shard, reader.num_shards) for shard in shards]
        linked = link and len(names) == len(reader)
        if linked and not all(files.link(*pair) for pair in zip(paths, targets, strict=True)):
            files.discard()
            linked = False
        if not linked:
            for shard in shards:
                own = [entry for entry in entries.values() if entry.shard == shard]
                _copy(paths[shard], files.create(targets[shard], _size(own)), own)
        index = files.create(index_path(target), commit=True)
        table = TableWriter(index.write)
        table.add(b"", BundleHeader(reader.num_shards, reader.big_endian, reader.versions).encode())
        for key in sorted(entries):
            table.add(key, entries[key].encode())
        table.finish()
    return linked


def _renamed(reader: BundleReader, names: Mapping[str, str]) -> dict[bytes, BundleEntry]:
    """The entries by their new keys, those of slices too."""
    stored = dict(reader.entries())
    entries: dict[bytes, BundleEntry] = {}
    for old, new in names.items():
        key, new_key = encode_name(old), encode_name(new)
        moved = [(key, new_key)]
        if key in stored:
            moved += [
                (encode_slice_key(key, box), encode_slice_key(new_key, box))
                for box in stored[key].slices
            ]
        for place, new_place in moved:
            if place not in stored:
                raise errors.DataLossError(
                    None,
                    None,
                    f"{index_path(reader.prefix)} has no entry for {old!r} or a slice of it: it is damaged, or has "
                    "been replaced since it was opened.",
                )
            entries[new_place] = stored[place]
    return entries


def _size(entries: list[BundleEntry]) -> int:
    return sum(entry.size for entry in entries if not entry.slices)


def _copy(path: str, file: OutgoingFile, entries: list[BundleEntry]) -> None:
    """Copies the bytes of ``entries`` in their order, and sets their new places."""
    with filesystem(path).open_random_access(path) as data:
        moved: dict[tuple[int, int], int] = {}
        for entry in sorted(entries, key=lambda entry: (entry.offset, entry.size)):
            if entry.slices:
                continue
            place = (entry.offset, entry.size)
            if place not in moved:  # two names may share their bytes
                moved[place] = file.position
                for start in range(0, entry.size, _PIECE):
                    length = min(_PIECE, entry.size - start)
                    file.write(data.read(entry.offset + start, length))
            entry.offset = moved[place]
