"""Elements moved, repeated, surrounded; BroadcastArgs is with the arithmetic."""

from __future__ import annotations

from tests.ops.rows import bad, case, const, grid, row, value

for op in ("Transpose", "ConjugateTranspose"):
    row(
        op,
        case(grid(2, 3), const([1, 0])),
        case(grid(2, 3), const([0, 1])),
        case(grid(2, 3, 4), value([2, 0, 1])),
        case(grid(), const(value([]))),
        case(grid(3), value([0])),
        bad("InvalidArgumentError", grid(2, 3), value([0, 0])),
        bad("InvalidArgumentError", grid(2, 3), value([0, 1, 2])),
    )
row(
    "InvertPermutation",
    case(value([2, 0, 1])),
    case(value([])),
    bad("InvalidArgumentError", value([0, 0])),
    bad("InvalidArgumentError", value([0, 2])),
    bad("InvalidArgumentError", value([[0]])),
)
row(
    "Reverse",
    case(grid(2, 3), value([True, False])),
    case(grid(2, 3), const([True, True])),
    case(grid(2, 3), const([False, False])),
    bad("InvalidArgumentError", grid(2, 3), value([True])),
)
row(
    "ReverseV2",
    case(grid(2, 3), const([1])),
    case(grid(2, 3), const([0, -1])),
    case(grid(3), value([0])),
    case(grid(2), const(value([]))),
    bad("InvalidArgumentError", grid(3), value([1])),
    bad("InvalidArgumentError", grid(3), value([0, -1])),
)
row(
    "ReverseSequence",
    case(grid(2, 4), value([3, 2]), seq_dim=1, batch_dim=0),
    case(grid(4, 2), value([0, 4]), seq_dim=0, batch_dim=1),
    case(grid(3, 2, 4), value([1, 3]), seq_dim=0, batch_dim=1),
    case(grid(2, 2, 4), value([4, 1]), seq_dim=2, batch_dim=0),
    bad("InvalidArgumentError", grid(2, 4), value([5, 2]), seq_dim=1, batch_dim=0),
    bad("InvalidArgumentError", grid(2, 4), value([-1, 2]), seq_dim=1, batch_dim=0),
    bad("InvalidArgumentError", grid(2, 4), value([1, 2, 3]), seq_dim=1, batch_dim=0),
)
row(
    "Roll",
    case(grid(5), const(2), const(0)),
    case(grid(3, 4), value([1, -2]), value([0, 1])),
    case(grid(3, 4), value([1, 1]), value([1, 1])),
    case(grid(3, 4), value(7), value(-1)),
    bad("InvalidArgumentError", grid(3), value(1), value(1)),
    bad("InvalidArgumentError", grid(3), value([1, 2]), value([0])),
)

# ------------------------------------------------------------------------------------------ repeated

row(
    "Tile",
    case(grid(2, 3), const([2, 1])),
    case(grid(2, 3), const([3, 2])),
    case(grid(2, 3), value([1, 0])),
    case(grid(), const(value([]))),
    bad("InvalidArgumentError", grid(2, 3), value([2])),
    bad("InvalidArgumentError", grid(2, 3), value([2, -1])),
)
row(
    "BroadcastTo",
    case(grid(3), const([2, 3])),
    case(grid(2, 1), value([2, 3])),
    case(grid(), const([2])),
    case(grid(2, 3), const([2, 3])),
    case(grid(1, 3), const([0, 3])),
    bad("InvalidArgumentError", grid(3), value([2, 4])),
    bad("InvalidArgumentError", grid(2, 3), value([3])),
)

# ---------------------------------------------------------------------------------------- surrounded

row(
    "Pad",
    case(grid(2, 3), const([[1, 0], [0, 2]])),
    case(grid(2), value([[0, 0]])),
    case(grid(1, 1), value([[1, 1], [1, 1]])),
    case(grid(0, 2), const([[1, 0], [0, 1]])),
    bad("InvalidArgumentError", grid(2, 3), value([[1, 1]])),
    bad("InvalidArgumentError", grid(2), value([[-1, 1]])),
)
row(
    "PadV2",
    case(grid(2, 3), const([[1, 0], [0, 2]]), value(5)),
    case(grid(2), value([[1, 2]]), grid()),
    bad("InvalidArgumentError", grid(2), value([[1, 1]]), value([1])),
)
row(
    "MirrorPad",
    case(grid(3, 4), const([[1, 2], [0, 3]]), mode="REFLECT"),
    case(grid(3), value([[3, 1]]), mode="SYMMETRIC"),
    case(grid(2, 3), const([[0, 0], [2, 1]]), mode="REFLECT"),
    bad("InvalidArgumentError", grid(3), value([[3, 0]]), mode="REFLECT"),
    bad("InvalidArgumentError", grid(3), value([[0, 4]]), mode="SYMMETRIC"),
)
row(
    "MirrorPadGrad",
    case(grid(6), const([[1, 2]]), mode="REFLECT"),
    case(grid(5), value([[1, 2]]), mode="SYMMETRIC"),
    case(grid(4, 6), const([[0, 1], [2, 1]]), mode="REFLECT"),
)
for op in ("SpaceToDepth", "DepthToSpace"):
    row(
        op,
        case(grid(1, 4, 4, 8), block_size=2),
        case(grid(2, 6, 3, 18), block_size=3),
        bad("InvalidArgumentError", grid(1, 3, 4, 6), block_size=2),
    )
row(
    "SpaceToBatchND",
    case(grid(1, 4, 2), const([2]), const([[0, 0]])),
    case(grid(2, 3, 4, 2), const([2, 3]), const([[0, 1], [1, 1]])),
    case(grid(1, 4, 2), value([2]), const([[0, 2]])),
    case(grid(1, 4), const([2]), value([[2, 0]])),
    bad("ValueError", grid(1, 3), value([2]), value([[0, 0]])),
    bad("ValueError", grid(1, 4), value([0]), value([[0, 0]])),
)
row(
    "BatchToSpaceND",
    case(grid(4, 2, 2), const([2]), const([[1, 0]])),
    case(grid(6, 3, 2, 2), const([2, 3]), const([[0, 1], [1, 1]])),
    case(grid(4, 2, 2), value([2]), const([[1, 0]])),
    case(grid(2, 2), const([2]), value([[0, 1]])),
    bad("ValueError", grid(3, 2), value([2]), value([[0, 0]])),
    bad("ValueError", grid(4, 2), value([2]), value([[3, 2]])),
)
row(
    "SpaceToBatch",
    case(grid(1, 4, 4, 2), const([[0, 0], [1, 1]]), block_size=2),
    case(grid(2, 3, 5, 1), value([[1, 2], [0, 1]]), block_size=3),
    bad("InvalidArgumentError", grid(1, 3, 4, 1), value([[0, 0], [0, 0]]), block_size=2),
)
row(
    "BatchToSpace",
    case(grid(4, 2, 3, 2), const([[0, 0], [1, 1]]), block_size=2),
    case(grid(9, 2, 1, 1), value([[1, 2], [0, 1]]), block_size=3),
    bad("InvalidArgumentError", grid(3, 2, 2, 1), value([[0, 0], [0, 0]]), block_size=2),
)
