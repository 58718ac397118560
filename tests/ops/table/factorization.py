"""Matrices as products of simpler ones."""

from __future__ import annotations

from tests.ops.rows import bad, case, distinct, row, value

row(
    "Qr",
    case(value([[2, 1, 0.5], [1, 3, 1], [0.5, 1, 4]])),
    case(value([[2, 1], [1, 3], [0.5, 1], [-1, 2]])),
    case(value([[2, 1, 0.5, -1], [1, 3, 1, 2]])),
    case(value([[[2, 1], [1, 3]], [[1, 2], [-3, 1]]])),
    case(distinct(2, 3, 2), full_matrices=True),
    bad("InvalidArgumentError", distinct(3)),
    tolerance={"float": 2e-6, "complex64": 4e-6, "double": 1e-14},
)
