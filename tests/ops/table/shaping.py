"""What is left of moving elements: the same bits as another type, the first of several."""

from __future__ import annotations

from tests.ops.rows import bad, case, grid, row

row(
    "Bitcast",
    case(grid(2, 4), T="float", type="int32"),
    case(grid(2, 4), T="int32", type="uint8"),
    case(grid(2, 4), T="uint8", type="float"),
    case(grid(0, 4), T="uint8", type="float"),
    case(grid(), T="float", type="uint8"),
    case(grid(4), T="uint8", type="float"),
    case(grid(2), T="qint8", type="uint8"),
    case(grid(2, 2), T="int16", type="qint32"),
    bad("InvalidArgumentError", grid(2, 3), T="uint8", type="float"),
)
row("Merge", case([grid(2)]), case([grid(2, 3)]))
