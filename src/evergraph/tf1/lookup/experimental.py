"""``tf.lookup.experimental``: tables that change."""

from __future__ import annotations

from evergraph.tf1.lazy import namespace

_TABLE = {
    "evergraph.lookup.mutable_tables": "DenseHashTable MutableHashTable",
}

__getattr__, __dir__ = namespace(__name__, "tf.lookup.experimental", _TABLE)
