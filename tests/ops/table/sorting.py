"""Sequences, the largest elements, places in an order."""

from __future__ import annotations

from tests.ops.rows import bad, case, const, distinct, grid, ints, row, value

row(
    "Range",
    case(const(0), const(5), const(1)),
    case(value(7), value(1), value(-2)),
    case(const(3), const(3), const(1)),
    case(value(0), value(1), value(0.1), Tidx="float"),
    case(value(0), value(1), value(0.1), Tidx="double"),
    case(value(1), value(-1), value(-0.3), Tidx="float"),
    bad("InvalidArgumentError", value(0), value(5), value(0)),
    bad("InvalidArgumentError", value(5), value(0), value(1)),
    bad("InvalidArgumentError", value(0), value(5), value(-1)),
)
row(
    "LinSpace",
    case(value(1), value(2), const(5)),
    case(value(3), value(-1), value(4)),
    case(value(3), value(4), value(1)),
    case(value(0), value(1), const(7)),
    bad("InvalidArgumentError", value(0), value(1), value(0)),
    bad("InvalidArgumentError", value([0]), value(1), value(2)),
)
row(
    "TopKV2",
    case(distinct(2, 5), const(3)),
    case(grid(6), value(6)),
    case(grid(2, 3), const(0)),
    case(grid(2, 3, 4), const(2)),
    case(grid(2, 2000), const(9)),
    case(distinct(2, 5), const(1), sorted=False),
    case(grid(4), const(4), sorted=False),
    bad("InvalidArgumentError", grid(2, 3), value(4)),
    bad("InvalidArgumentError", grid(2, 3), value(-1)),
)
row(
    "NthElement",
    case(distinct(5), const(2)),
    case(grid(2, 6), value(0)),
    case(grid(2, 3, 4), const(3), reverse=True),
    bad("InvalidArgumentError", grid(2, 3), value(3)),
    bad("InvalidArgumentError", grid(2, 3), value(-1)),
)
row("InTopK", case(distinct(3, 4), ints(0, 4, 3), k=2), case(grid(3, 4), ints(-1, 6, 3), k=1))
row(
    "InTopKV2",
    case(distinct(3, 4), ints(0, 4, 3), value(2)),
    case(grid(3, 4), ints(0, 4, 3), value(1)),
    case(
        value([[1, float("nan"), 0], [1, float("inf"), 0], [1, 2, 0]]), value([0, 0, 0]), value(2)
    ),
    bad("InvalidArgumentError", grid(3, 4), ints(0, 4, 2), value(1)),
)
for op in ("LowerBound", "UpperBound"):
    row(
        op,
        case(value([[1, 2, 2, 5], [0, 3, 3, 4]]), value([[0, 2, 6], [3, 3, 5]])),
        case(value([[0, 1, 1, 3], [1, 2, 5, 7]]), value([[1, 2], [0, 9]])),
        case(value([[1, 2, 3]]), grid(1, 8)),
        bad("InvalidArgumentError", grid(2, 3), grid(1, 3)),
    )
