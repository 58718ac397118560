"""``tf.gfile``: files, wherever they are."""

from __future__ import annotations

from evergraph.tf1.lazy import namespace

_TABLE = {
    "evergraph.storage.gfile": (
        "Copy DeleteRecursively Exists FastGFile GFile Glob IsDirectory ListDirectory MakeDirs "
        "MkDir Open Remove Rename Stat Walk"
    ),
}

__getattr__, __dir__ = namespace(__name__, "tf.gfile", _TABLE)
