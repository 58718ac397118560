"""Operations on sets."""

from __future__ import annotations

from tests.ops.rows import bad, case, grid, row, value

row(
    "DenseToDenseSetOperation",
    case(grid(2, 3), grid(2, 2), set_operation="a-b"),
    case(grid(2, 3), grid(2, 2), set_operation="intersection"),
    case(value([[1, 3, 2]]), value([[3, 5]]), set_operation="union"),
    case(value([[1, 3, 2]]), value([[3, 5]]), set_operation="b-a"),
    bad("InvalidArgumentError", value([[1, 3, 2]]), value([[3], [5]]), set_operation="union"),
)
