"""``tf.compat``: text, numbers, and the same names again as ``tf.compat.v1``."""

from __future__ import annotations

from evergraph.tf1.lazy import namespace

_TABLE = {
    "evergraph.platform.text": (
        "as_bytes as_str as_str_any as_text bytes_or_text_types complex_types integral_types "
        "path_to_str real_types"
    ),
    "evergraph.graph.shape": "dimension_value",
    "evergraph.tf1": "v1=.",
}

__getattr__, __dir__ = namespace(__name__, "tf.compat", _TABLE)
