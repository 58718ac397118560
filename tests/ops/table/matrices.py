"""Diagonals of matrices: taking them, setting them, making matrices of them; bounds in sorted rows."""

from __future__ import annotations

from tests.ops.rows import bad, case, const, distinct, grid, row, value

BEFORE_14 = 10

for prefix, producer in (("", 0), ("Batch", BEFORE_14)):
    if prefix:
        row("BatchMatrixDiag", case(grid(3)), case(grid(2, 2)), producer=producer)
        row(
            "BatchMatrixBandPart",
            case(grid(3, 4), value(1), value(0)),
            case(grid(2, 3, 3), const(-1), const(1)),
            producer=producer,
        )
    row(
        f"{prefix}MatrixDiagPart",
        case(grid(3, 4)),
        case(grid(2, 3, 3)),
        bad("InvalidArgumentError", grid(3)),
        producer=producer,
    )
    row(
        f"{prefix}MatrixSetDiag",
        case(grid(3, 4), grid(3)),
        case(grid(2, 3, 3), grid(2, 3)),
        bad("InvalidArgumentError", grid(3, 4), grid(2)),
        producer=producer,
    )

row(
    "MatrixDiagPartV2",
    case(grid(3, 4), const(0), value(0)),
    case(grid(3, 4), const([-1, 1]), value(7)),
    case(grid(2, 3, 3), value([1]), value(0)),
    bad("InvalidArgumentError", grid(3, 3), value([1, 0]), value(0)),
)
row(
    "MatrixDiagPartV3",
    case(grid(3, 4), const([-1, 1]), value(7)),
    case(grid(3, 4), const([-1, 1]), value(7), align="LEFT_LEFT"),
    case(grid(4, 3), value([-2, 1]), value(0), align="LEFT_RIGHT"),
    case(grid(4, 3), value([-2, 1]), value(0), align="RIGHT_RIGHT"),
)
row(
    "MatrixDiagV2",
    case(grid(3), const(0), const(-1), const(-1), value(0)),
    case(grid(3, 4), const([-1, 1]), const(4), const(4), value(5)),
    case(grid(2, 2), value(1), value(-1), value(-1), value(0)),
)
row(
    "MatrixDiagV3",
    case(grid(3), const(0), const(-1), const(-1), value(0)),
    case(grid(3, 4), const([-1, 1]), const(4), const(4), value(5), align="LEFT_LEFT"),
    case(grid(3, 4), value([-1, 1]), value(4), value(4), value(5), align="RIGHT_LEFT"),
)
row(
    "MatrixSetDiagV2",
    case(grid(3, 4), grid(3), const(0)),
    case(grid(3, 4), grid(2, 3), const([0, 1])),
    case(grid(2, 3, 3), grid(2, 2), value([-1])),
)
row(
    "MatrixSetDiagV3",
    case(grid(3, 4), grid(3), const(0)),
    case(grid(3, 3), grid(3, 3), const([-1, 1]), align="LEFT_LEFT"),
    case(grid(3, 3), grid(3, 3), value([-1, 1]), align="RIGHT_RIGHT"),
)

for op in ("LowerBound", "UpperBound"):
    row(op, case(value([[0, 1, 1, 3], [1, 2, 5, 7]]), value([[1, 2], [0, 9]])))
row("NthElement", case(distinct(2, 5), const(2)), case(distinct(4), value(0), reverse=True),
    bad("InvalidArgumentError", grid(3), value(3)))  # fmt: skip
row("Empty", case(const([2, 3]), init=True), case(value([0, 2]), init=True))
