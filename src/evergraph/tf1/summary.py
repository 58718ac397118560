"""``tf.summary``: what a run reports."""

from __future__ import annotations

from evergraph.tf1.lazy import namespace

_TABLE = {
    "evergraph.ops.summaries": "histogram image merge merge_all scalar tensor_summary",
    "evergraph.formats.protos": "Event SessionLog Summary SummaryDescription TaggedRunMetadata",
}

__getattr__, __dir__ = namespace(__name__, "tf.summary", _TABLE)
