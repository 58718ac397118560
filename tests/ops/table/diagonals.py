"""Diagonals of tensors and matrices."""

from __future__ import annotations

from tests.ops.rows import bad, case, const, grid, row, value

row("Diag", case(grid(3)), case(grid(2, 2)), bad("InvalidArgumentError", grid()))
row(
    "DiagPart",
    case(grid(3, 3)),
    case(grid(2, 2, 2, 2)),
    case(grid(2, 3, 2, 3)),
    bad("InvalidArgumentError", grid(2, 3)),
    bad("InvalidArgumentError", grid(2)),
)
# The ops for batches were left out at GraphDef version 14.
BEFORE_14 = 10
for prefix, producer in (("", 0), ("Batch", BEFORE_14)):
    row(f"{prefix}MatrixDiag", case(grid(3)), case(grid(2, 2)), producer=producer)
    row(
        f"{prefix}MatrixDiagPart",
        case(grid(3, 4)),
        case(grid(2, 3, 3)),
        case(grid(4, 2)),
        bad("InvalidArgumentError", grid(3)),
        producer=producer,
    )
    row(
        f"{prefix}MatrixSetDiag",
        case(grid(3, 4), grid(3)),
        case(grid(2, 3, 3), grid(2, 3)),
        case(grid(2, 4, 3), grid(2, 3)),
        bad("InvalidArgumentError", grid(3, 4), grid(2)),
        producer=producer,
    )
    row(
        f"{prefix}MatrixBandPart",
        case(grid(3, 4), value(1), value(0)),
        case(grid(3, 3), value(-1), value(1)),
        case(grid(2, 4, 3), value(0), value(-1)),
        case(grid(3, 4), value(3), value(4)),
        bad("InvalidArgumentError", grid(3, 4), value(4), value(0)),
        bad("InvalidArgumentError", grid(3, 4), value([0, 1]), value(0)),
        producer=producer,
    )

ALIGNS = ("LEFT_RIGHT", "RIGHT_LEFT", "LEFT_LEFT", "RIGHT_RIGHT")
ANY = const(-1)

for op in ("MatrixDiagV2", "MatrixDiagV3"):
    row(
        op,
        case(grid(3), const(0), ANY, ANY, value(0)),
        case(grid(2, 3), value(1), ANY, ANY, grid()),
        case(grid(2, 3), value(-2), ANY, ANY, grid()),
        case(grid(3), const(1), const(3), const(5), value(0)),
        case(grid(2, 3), value([-1, 0]), ANY, ANY, grid()),
        case(grid(3, 3), const([-1, 1]), const(3), const(3), grid()),
        case(grid(2, 2), value([1, 2]), ANY, ANY, grid()),
        *(case(grid(2, 3, 3), const([-1, 1]), ANY, ANY, grid(), align=a) for a in ALIGNS
          if op == "MatrixDiagV3"),
        bad("InvalidArgumentError", grid(3), value(0), value(2), value(3), value(0)),
        bad("InvalidArgumentError", grid(3), value(0), value(4), value(4), value(0)),
        bad("InvalidArgumentError", grid(2, 3), value([1, 0]), ANY, ANY, value(0)),
    )  # fmt: skip
for op in ("MatrixDiagPartV2", "MatrixDiagPartV3"):
    row(
        op,
        case(grid(3, 3), const(0), value(0)),
        case(grid(2, 3, 4), const(1), grid()),
        case(grid(2, 3, 4), const(-2), grid()),
        case(grid(2, 3, 4), const([-1, 2]), grid()),
        case(grid(4, 3), value([0, 1]), grid()),
        *(case(grid(3, 4), const([-2, 3]), grid(), align=a) for a in ALIGNS
          if op == "MatrixDiagPartV3"),
        bad("InvalidArgumentError", grid(3, 3), value(3), value(0)),
        bad("InvalidArgumentError", grid(3, 3), value([-3, 0]), value(0)),
        bad("InvalidArgumentError", grid(3, 3), value([1, 0]), value(0)),
    )  # fmt: skip
for op in ("MatrixSetDiagV2", "MatrixSetDiagV3"):
    row(
        op,
        case(grid(3, 3), grid(3), const(0)),
        case(grid(2, 3, 4), grid(2, 3), const(1)),
        case(grid(2, 3, 4), grid(2, 1), const(-2)),
        case(grid(3, 4), grid(4, 3), const([-1, 2])),
        case(grid(4, 3), grid(2, 3), value([-1, 0])),
        *(case(grid(3, 4), grid(4, 3), const([-2, 1]), align=a) for a in ALIGNS
          if op == "MatrixSetDiagV3"),
        bad("InvalidArgumentError", grid(3, 3), grid(2), value(0)),
        bad("InvalidArgumentError", grid(3, 3), grid(1), value(3)),
    )  # fmt: skip
