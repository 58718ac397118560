"""``tf.lookup``: tables from keys to values."""

from __future__ import annotations

from evergraph.tf1.lazy import namespace

_TABLE = {
    "evergraph.lookup.initializers": (
        "KeyValueTensorInitializer TextFileIndex TextFileInitializer"
    ),
    "evergraph.lookup.static_tables": "StaticHashTable",
    "evergraph.lookup.buckets": "StaticVocabularyTable",
    "evergraph.tf1.lookup.experimental": "experimental=.",
}

__getattr__, __dir__ = namespace(__name__, "tf.lookup", _TABLE)
