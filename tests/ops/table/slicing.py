"""Slices; what writes to them is with the variables."""

from __future__ import annotations

from tests.ops.rows import bad, case, const, grid, row, value

row(
    "Slice",
    case(grid(3, 4), const([1, 0]), const([2, 3])),
    case(grid(3, 4), const([1, 1]), const([-1, 2])),
    case(grid(3, 4), value([0, 2]), value([3, -1])),
    case(grid(3), const([1]), const([0])),
    case(grid(3), const([3]), const([-1])),
    case(grid(), const(value([])), const(value([]))),
    case(grid(2, 3), value([0, 1]), const([2, 1])),
    bad("InvalidArgumentError", grid(3, 4), value([2, 0]), value([2, 1])),
    bad("InvalidArgumentError", grid(3, 4), value([4, 0]), value([0, 1])),
    bad("InvalidArgumentError", grid(3, 4), value([-1, 0]), value([1, 1])),
    bad("InvalidArgumentError", grid(3, 4), value([0]), value([1])),
)
row(
    "StridedSlice",
    case(grid(4, 5), const([0, 1]), const([3, 5]), const([2, 2])),
    case(grid(4, 5), const([-1, 0]), const([0, 0]), const([-1, 1]), end_mask=3),
    case(grid(4, 5), const([1, 0]), const([2, 5]), const([1, 1]), shrink_axis_mask=1),
    case(grid(4, 5), const([-2, -1]), const([-1, 0]), const([1, 1]), shrink_axis_mask=3),
    case(grid(4, 5), const([0, 0]), const([0, 3]), const([1, 1]), new_axis_mask=1),
    case(grid(2, 3, 4), const([0, 1]), const([0, 3]), const([1, 1]), ellipsis_mask=1),
    case(grid(4), value([1]), value([3]), value([1]), begin_mask=1),
    case(grid(4), const([-9]), const([9]), const([3])),
    case(grid(4), const([9]), const([-9]), const([-3])),
    case(grid(4), const([3]), const([1]), const([1])),
    case(grid(2, 3, 4), const([0, 0, 1]), const([0, 0, 2]), const([1, 1, 1]), ellipsis_mask=1,
         new_axis_mask=2, shrink_axis_mask=4),
    case(grid(2, 3, 4), const([1, 0, 0, 2]), const([2, 0, 0, 3]), const([1, 1, 1, 1]),
         ellipsis_mask=2, new_axis_mask=4, shrink_axis_mask=9),
    case(grid(4, 5), value([1, 0]), value([2, 0]), const([1, 1]), shrink_axis_mask=1,
         begin_mask=2, end_mask=2),
    case(grid(4, 5), const(value([])), const(value([])), const(value([]))),
    case(grid(), const([0]), const([0]), const([1]), new_axis_mask=1),
    bad("InvalidArgumentError", grid(4), value([0]), value([2]), value([0])),
    bad("InvalidArgumentError", grid(4), value([5]), value([6]), value([1]), shrink_axis_mask=1),
    bad("InvalidArgumentError", grid(4), value([-5]), value([6]), value([1]), shrink_axis_mask=1),
    bad("InvalidArgumentError", grid(4), value([1]), value([2]), value([-1]), shrink_axis_mask=1),
    bad("InvalidArgumentError", grid(4), value([0, 0]), value([1, 1]), value([1, 1])),
    bad("InvalidArgumentError", grid(4), value([0, 0]), value([1, 1]), value([1, 1]),
        ellipsis_mask=3),
)  # fmt: skip
row(
    "StridedSliceGrad",
    case(const([4, 5]), const([0, 1]), const([3, 5]), const([2, 2]), grid(2, 2)),
    case(const([4]), const([2]), const([3]), const([1]), grid(), shrink_axis_mask=1),
    case(value([4]), value([3]), value([0]), value([-1]), grid(3)),
    case(const([2, 3]), const([0, 0, 0]), const([0, 0, 2]), const([1, 1, 1]), grid(1, 2, 2),
         new_axis_mask=1, ellipsis_mask=2),
    bad("InvalidArgumentError", value([4]), value([1]), value([3]), value([1]), grid(3)),
)  # fmt: skip
