"""``tf.math``: functions of numbers."""

from __future__ import annotations

from evergraph.tf1.lazy import namespace

_TABLE = {
    "evergraph.ops.activations": "softplus softsign",
    "evergraph.ops.arg_reductions": "argmax argmin",
    "evergraph.ops.arithmetic": (
        "accumulate_n add add_n maximum minimum multiply multiply_no_nan nextafter pow scalar_mul "
        "squared_difference subtract xlog1py xlogy"
    ),
    "evergraph.ops.comparison": "equal greater greater_equal less less_equal not_equal",
    "evergraph.ops.complex_numbers": "angle conj imag real",
    "evergraph.ops.division": (
        "divide divide_no_nan=div_no_nan floordiv floormod mod reciprocal_no_nan truediv xdivy"
    ),
    "evergraph.ops.logical": "logical_and logical_not logical_or logical_xor",
    "evergraph.ops.numerics": "is_finite is_inf is_nan",
    "evergraph.ops.reductions": (
        "count_nonzero reduce_all reduce_any reduce_euclidean_norm reduce_logsumexp reduce_max "
        "reduce_mean reduce_min reduce_prod reduce_sum"
    ),
    "evergraph.ops.rounding": "ceil floor rint round",
    "evergraph.ops.segments": (
        "segment_max segment_mean segment_min segment_prod segment_sum unsorted_segment_max "
        "unsorted_segment_mean unsorted_segment_min unsorted_segment_prod unsorted_segment_sum"
    ),
    "evergraph.ops.softmax": "log_softmax softmax",
    "evergraph.ops.sorting": "in_top_k top_k",
    "evergraph.ops.special": (
        "betainc digamma erf erfc erfcinv erfinv igamma igammac lbeta lgamma ndtri polygamma zeta"
    ),
    "evergraph.ops.transposing": "invert_permutation",
    "evergraph.ops.trigonometric": (
        "acos acosh asin asinh atan atan2 atanh cos cosh sin sinh tan tanh"
    ),
    "evergraph.ops.unary": (
        "abs exp expm1 log log1p log_sigmoid negative reciprocal rsqrt sigmoid sign sqrt square"
    ),
    "evergraph.nn.confusion_matrix": "confusion_matrix",
    "evergraph.ops.checks": "is_non_decreasing is_strictly_increasing",
    "evergraph.ops.cumulative": "cumprod cumsum cumulative_logsumexp",
    "evergraph.ops.moments": "l2_normalize",
    "evergraph.ops.zero_fraction": "zero_fraction",
}

__getattr__, __dir__ = namespace(__name__, "tf.math", _TABLE)
