"""``tf.debugging``: checks."""

from __future__ import annotations

from evergraph.tf1.lazy import namespace

_TABLE = {
    "evergraph.ops.assertions": "Assert=assert_",
    "evergraph.ops.numerics": "check_numerics is_finite is_inf is_nan",
    "evergraph.ops.checks": (
        "assert_equal assert_greater assert_greater_equal assert_less assert_less_equal "
        "assert_near assert_negative assert_non_negative assert_non_positive assert_none_equal "
        "assert_positive is_non_decreasing is_numeric_tensor is_strictly_increasing"
    ),
    "evergraph.ops.shape_checks": (
        "assert_integer assert_proper_iterable assert_rank assert_rank_at_least assert_rank_in "
        "assert_same_float_dtype assert_scalar assert_shapes assert_type"
    ),
}

__getattr__, __dir__ = namespace(__name__, "tf.debugging", _TABLE)
