"""A tensor bundle: checkpoint format V2, an index and one or more files of bare bytes.

::

    PREFIX.index                  a sorted table (see `table`), which TensorFlow does not compress:
                                  "" -> header, then each tensor's name -> its entry
                                  (see `bundle_entry`)
    PREFIX.data-00000-of-00001    the tensors' bytes, one after the other in the order in which they
                                  were saved; numbers in C order, strings as in `bundle_strings`

A prefix is not a file. The files of one checkpoint are those that begin with it; ``PREFIX.meta``
(a MetaGraphDef) may lie beside them, and a file named ``checkpoint`` tells which prefix is newest.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress

from evergraph import errors
from evergraph.storage import paths
from evergraph.storage.filesystem import filesystem

INDEX_SUFFIX = ".index"
META_SUFFIX = ".meta"

_MEMBER = re.compile(r"(.+)\.(?:index|meta|data-\d{5,}-of-\d{5,})", re.DOTALL)


def index_path(prefix: str) -> str:
    """Where the index of a bundle is."""
    return prefix + INDEX_SUFFIX


def data_path(prefix: str, shard: int, num_shards: int) -> str:
    """Where a data file of a bundle is."""
    return f"{prefix}.data-{shard:05d}-of-{num_shards:05d}"


def prefix_of(path: str) -> str | None:
    """The prefix of the checkpoint that a file belongs to by its name, or None."""
    member = _MEMBER.fullmatch(path)
    return member[1] if member else None


def fresh_shards(prefix: str, wanted: int) -> int:
    """How many data files a new bundle should have so that its index can replace an older one safely.

    Where a store replaces whole sets of files, that is ``wanted``. Elsewhere it is a number that no data file
    of the bundle at ``prefix`` has in its name, so that old and new data lie side by side until the new index
    is in place (see `storage.remote_publication`); files more than are needed are empty.
    """
    if filesystem(prefix).replaces_sets or not filesystem(prefix).exists(index_path(prefix)):
        return wanted
    taken = {shards for _, shards in _data_files(prefix)}
    return next(count for count in range(wanted, wanted + len(taken) + 1) if count not in taken)


def remove_superseded(prefix: str, shards: int) -> None:
    """Removes data files that an index with ``shards`` data files, just put in place, does not name.

    One that cannot be removed stays: it harms nobody.
    """
    files = filesystem(prefix)
    with suppress(errors.OpError):
        for path, count in _data_files(prefix):
            if count != shards:
                files.remove(path)


def _data_files(prefix: str) -> list[tuple[str, int]]:
    """The data files that begin with a prefix, and how many each is one of."""
    folder, name = paths.split(prefix)
    found = []
    for file in filesystem(prefix).list_folder(folder):
        if file.startswith(name + ".data-") and prefix_of(file) == name:
            found.append((os.path.join(folder, file), int(file.rpartition("-")[2])))
    return found


def encode_name(name: str | bytes) -> bytes:
    """A tensor's name as its key in the index. InvalidTypeError if it is no text."""
    try:
        return name if isinstance(name, bytes) else name.encode("utf-8", "surrogateescape")
    except AttributeError:
        raise errors.InvalidTypeError(
            None, None, f"A tensor's name is text, not {name!r}."
        ) from None


def decode_name(key: bytes) -> str:
    """The name that a key stands for; `encode_name` gives the key back, whatever its bytes."""
    return key.decode("utf-8", "surrogateescape")
