"""``tf.debugging``: checks."""

from __future__ import annotations

from evergraph.tf1.lazy import namespace

_TABLE = {
    "evergraph.ops.assertions": "Assert=assert_",
    "evergraph.ops.numerics": "check_numerics is_finite is_inf is_nan",
}

__getattr__, __dir__ = namespace(__name__, "tf.debugging", _TABLE)
