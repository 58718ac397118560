"""``tf.app``: how a program starts."""

from __future__ import annotations

from evergraph.tf1.lazy import namespace

_TABLE = {
    "evergraph.platform.app": "run",
    "evergraph.tf1.flags": "flags=.",
}

__getattr__, __dir__ = namespace(__name__, "tf.app", _TABLE)
