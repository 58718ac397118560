"""``tf.python_io``: files of records."""

from __future__ import annotations

from evergraph.tf1.lazy import namespace

_TABLE = {
    "evergraph.formats.record": "TFRecordWriter tf_record_iterator",
    "evergraph.formats.record_options": "TFRecordCompressionType TFRecordOptions",
}

__getattr__, __dir__ = namespace(__name__, "tf.python_io", _TABLE)
