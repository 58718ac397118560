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

import re

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


def encode_name(name: str | bytes) -> bytes:
    """A tensor's name as its key in the index."""
    return name if isinstance(name, bytes) else name.encode("utf-8", "surrogateescape")


def decode_name(key: bytes) -> str:
    """The name that a key stands for; `encode_name` gives the key back, whatever its bytes."""
    return key.decode("utf-8", "surrogateescape")
