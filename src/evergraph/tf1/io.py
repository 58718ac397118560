"""``tf.io``: files of graphs and of records."""

from __future__ import annotations

from evergraph.tf1.lazy import namespace

_TABLE = {
    "evergraph.train.meta_graph": "write_graph",
    "evergraph.formats.record": "TFRecordWriter tf_record_iterator",
    "evergraph.formats.record_options": "TFRecordCompressionType TFRecordOptions",
    "evergraph.ops.example_features": (
        "FixedLenFeature FixedLenSequenceFeature VarLenFeature parse_example parse_single_example"
    ),
    "evergraph.tf1.io_gfile": "gfile=.",
    "evergraph.ops.files": "matching_files read_file write_file",
    "evergraph.ops.string_values": "decode_base64 decode_raw encode_base64",
}

__getattr__, __dir__ = namespace(__name__, "tf.io", _TABLE)
