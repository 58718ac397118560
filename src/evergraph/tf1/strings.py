"""``tf.strings``: text in tensors."""

from __future__ import annotations

from evergraph.tf1.lazy import namespace

_TABLE = {
    "evergraph.ops.strings": (
        "join=string_join length=string_length lower=string_lower reduce_join regex_full_match "
        "regex_replace strip=string_strip substr upper=string_upper"
    ),
    "evergraph.ops.hashing": (
        "to_hash_bucket=string_to_hash_bucket to_hash_bucket_fast=string_to_hash_bucket_fast "
        "to_hash_bucket_strong=string_to_hash_bucket_strong"
    ),
    "evergraph.ops.printing": "format=string_format",
    "evergraph.ops.string_values": "as_string to_number=string_to_number",
}

__getattr__, __dir__ = namespace(__name__, "tf.strings", _TABLE)
