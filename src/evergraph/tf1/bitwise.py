"""``tf.bitwise``: bit by bit."""

from __future__ import annotations

from evergraph.tf1.lazy import namespace

_TABLE = {
    "evergraph.ops.bitwise": "bitwise_and bitwise_or bitwise_xor invert left_shift right_shift",
}

__getattr__, __dir__ = namespace(__name__, "tf.bitwise", _TABLE)
