"""Placeholders and identities, shapes, fills."""

from __future__ import annotations

from tests.ops.rows import bad, case, const, grid, row, special, typed, value

for op in ("Identity", "ZerosLike", "OnesLike", "StopGradient", "PreventGradient", "Snapshot"):
    row(op, case(grid(2, 3)), case(grid()), case(special()), case(grid(0, 2)))
row(
    "IdentityN",
    case([typed("float", grid(2)), typed("int32", grid(3)), typed("string", grid())]),
    case([typed("float", grid(2)), typed("double", grid(3, 1))]),
)
row(
    "PlaceholderWithDefault",
    case(grid(2, 3), shape=[2, 3]),
    case(grid(2, 3), shape=[None, 3]),
    case(grid(2), shape=None),
)
row(
    "EnsureShape",
    case(grid(2, 3), shape=[2, None]),
    case(grid(2, 3), shape=[2, 3]),
    bad("InvalidArgumentError", grid(2, 3), shape=[3, 2]),
    bad("InvalidArgumentError", grid(2, 3), shape=[6]),
)
row(
    "Empty",
    case(const([2, 3]), init=True),
    case(value([0, 2]), init=True),
    case(const(value([])), init=True),
    bad("InvalidArgumentError", value([-1]), init=True),
)

for op in ("Shape", "Size", "Rank"):
    row(op, case(grid(2, 3)), case(grid()), case(grid(0, 3)))
row("ShapeN", case([grid(2, 3), grid()]), case([grid(1)]))
row(
    "Reshape",
    case(grid(2, 3), const([3, 2])),
    case(grid(2, 3), const([-1])),
    case(grid(2, 3), value([3, -1])),
    case(grid(1, 1), const(value([]))),
    case(grid(), const([1, 1])),
    case(grid(0, 3), value([3, 0])),
    case(grid(0, 3), const([-1, 3])),
    case(grid(0, 3), value([-1, 0])),
    case(grid(0, 3, 4), const([0, 2, -1])),
    case(grid(2, 6), const([-1, 2, 3])),
    bad("InvalidArgumentError", grid(2, 3), value([4, 2])),
    bad("InvalidArgumentError", grid(2, 3), value([-1, 4])),
    bad("InvalidArgumentError", grid(2, 3), value([-1, -1])),
    bad("InvalidArgumentError", grid(2, 3), value([-2, 3])),
    bad("InvalidArgumentError", grid(2, 3), value([[2, 3]])),
)
row(
    "ExpandDims",
    case(grid(2, 3), const(0)),
    case(grid(2, 3), const(-1)),
    case(grid(2, 3), const([1])),
    case(grid(2, 3), const(-3)),
    case(grid(), value(0)),
    bad("InvalidArgumentError", grid(2, 3), value(4)),
    bad("InvalidArgumentError", grid(2, 3), value(-4)),
    bad("InvalidArgumentError", grid(2, 3), value([0, 1])),
)
row(
    "Squeeze",
    case(grid(1, 3, 1)),
    case(grid(1, 3, 1), squeeze_dims=[0]),
    case(grid(1, 3, 1), squeeze_dims=[-1]),
    case(grid(1, 3, 1), squeeze_dims=[2, 0]),
    case(grid(1)),
    case(grid(2, 3)),
    bad("InvalidArgumentError", grid(2, 3), squeeze_dims=[0]),
    bad("InvalidArgumentError", grid(1, 3), squeeze_dims=[2]),
)
row(
    "Fill",
    case(const([2, 3]), value(7)),
    case(value([0, 2]), grid()),
    case(const(value([])), grid()),
    bad("InvalidArgumentError", value([-1]), value(7)),
    bad("InvalidArgumentError", value([2]), value([7, 8])),
    bad("InvalidArgumentError", value([[2]]), value(7)),
)
