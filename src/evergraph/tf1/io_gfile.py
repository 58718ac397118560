"""``tf.io.gfile``: files, wherever they are, under the names of 1.13 and later."""

from __future__ import annotations

from evergraph.tf1.lazy import namespace

_TABLE = {
    "evergraph.storage.gfile": "GFile",
    "evergraph.storage.gfile_lower": (
        "copy exists get_registered_schemes glob isdir join listdir makedirs mkdir remove rename rmtree stat walk"
    ),
}

__getattr__, __dir__ = namespace(__name__, "tf.io.gfile", _TABLE)
