"""Elements picked, placed and told apart; Select is with the arithmetic."""

from __future__ import annotations

from tests.ops.rows import bad, case, const, flags, grid, nonzero, row, special, value

NO_KERNEL = {"int16": "no kernel for it"}

row(
    "Gather",
    case(grid(4, 3), value([[0, 3], [1, 1]])),
    case(grid(4), value(2)),
    case(grid(4, 3), value([])),
    case(grid(0, 3), value([])),
    bad("InvalidArgumentError", grid(4), value([4])),
    bad("InvalidArgumentError", grid(4), value([-1])),
)
row(
    "GatherV2",
    case(grid(4, 3), value([[0, 3], [1, 1]]), const(0)),
    case(grid(2, 4), value([3, 0, 0]), const(1)),
    case(grid(4), value(2), const(0)),
    case(grid(2, 3, 2), value([[0, 2], [1, 1]]), const(1), batch_dims=1),
    case(grid(2, 3, 4), value([[3, 0], [1, 1]]), const(2), batch_dims=1),
    case(grid(2, 2, 3), value([[0, 2], [1, 1]]), const(-1), batch_dims=2),
    case(grid(2, 3), value([1]), value(-1)),
    bad("InvalidArgumentError", grid(4), value([4]), value(0)),
    bad("InvalidArgumentError", grid(4), value([-1]), value(0)),
    bad("InvalidArgumentError", grid(4), value([1]), value(1)),
    bad("InvalidArgumentError", grid(2, 3), value([[1], [1], [1]]), value(1), batch_dims=1),
    exclude={"Tindices": NO_KERNEL},
)
row(
    "GatherNd",
    case(grid(3, 4), value([[0, 1], [2, 3]])),
    case(grid(3, 4), value([[1], [0]])),
    case(grid(2, 2), value([[[0, 0]], [[1, 1]]])),
    case(grid(3, 4), value([2, 1])),
    case(grid(3), value([[], []])),
    bad("InvalidArgumentError", grid(3, 4), value([[3, 0]])),
    bad("InvalidArgumentError", grid(3, 4), value([[0, -1]])),
    bad("InvalidArgumentError", grid(3), value([[0, 0]])),
    exclude={"Tindices": NO_KERNEL},
)
row("Where", case(flags(2, 3)), case(nonzero(4)), case(grid(2, 2, 2)), case(value([0, 0])),
    case(flags(0, 3)), case(special()))  # fmt: skip

# -------------------------------------------------------------------------------------------- placed

row(
    "ScatterNd",
    case(value([[1], [3], [1]]), grid(3, 2), const([5, 2])),
    case(value([[0, 1], [1, 0]]), grid(2), value([2, 2])),
    case(value([[[1]], [[0]]]), grid(2, 1, 2), const([3, 2])),
    bad("InvalidArgumentError", value([[5]]), grid(1), value([3])),
    bad("InvalidArgumentError", value([[-1]]), grid(1), value([3])),
    bad("InvalidArgumentError", value([[1]]), grid(2), value([3])),
    exclude={"Tindices": NO_KERNEL},
)
for name in ("Update", "Add", "Sub", "Max", "Min"):
    row(
        "TensorScatter" + name,
        case(grid(4, 2), value([[1], [3]]), grid(2, 2)),
        case(grid(3, 3), value([[0, 1], [2, 2]]), grid(2)),
        *([] if name == "Update" else [case(grid(4), value([[1], [2], [1]]), grid(3))]),
        bad("InvalidArgumentError", grid(3), value([[3]]), grid(1)),
        bad("InvalidArgumentError", grid(3), value([[1]]), grid(2)),
        exclude={"Tindices": NO_KERNEL} if name == "Update" else {},
    )
row(
    "ScatterNdNonAliasingAdd",
    case(grid(4, 2), value([[1], [3]]), grid(2, 2)),
    case(grid(4), value([[1], [1]]), grid(2)),
)
row(
    "OneHot",
    case(value([0, 2, 1]), const(3), value(1), value(0)),
    case(value([[0, 1]]), const(2), grid(), grid(), axis=0),
    case(value([[0, 1]]), const(2), grid(), grid(), axis=1),
    case(value([5, 1]), value(3), value(1), value(0)),
    case(value(1), const(3), value(1), value(0)),
    case(value([0, 1]), const(0), value(1), value(0)),
    bad("InvalidArgumentError", value([0]), value(-1), value(1), value(0)),
    bad("InvalidArgumentError", value([0]), value(2), value([1]), value(0)),
)
row(
    "SparseToDense",
    case(value([[0, 1], [1, 0]]), const([2, 3]), grid(2), value(0)),
    case(value([1, 3]), value([5]), grid(), value(2)),
    case(value(1), const([3]), grid(), value(2)),
    case(value([3, 1]), value([5]), grid(2), value(2), validate_indices=False),
    bad("InvalidArgumentError", value([3]), value([2]), grid(), value(0)),
    bad("InvalidArgumentError", value([1, 0]), value([2]), grid(), value(0)),
    bad("InvalidArgumentError", value([1, 1]), value([2]), grid(), value(0)),
    bad("InvalidArgumentError", value([1]), value([2]), grid(2), value(0)),
)

# ---------------------------------------------------------------------------------------- told apart

SOME_EQUAL = value([1, 2, 1, 4, 2])
row("Unique", case(SOME_EQUAL), case(grid(8)), case(value([])), case(grid(300)),
    bad("InvalidArgumentError", grid(2, 2)))  # fmt: skip
row("UniqueWithCounts", case(SOME_EQUAL), case(grid(8)), case(grid(300)))
for op in ("UniqueV2", "UniqueWithCountsV2"):
    row(op, case(value([[1, 2], [1, 2], [0, 1]]), value([0])), case(grid(6), value([])),
        case(value([[1, 0, 1], [2, 0, 2]]), value([1])),
        case(value([[1, 0, 1], [2, 0, 2]]), const([-1])))  # fmt: skip
row("ListDiff", case(value([1, 2, 3, 4]), value([2, 4])), case(grid(6), grid(2)),
    case(value([1, 1, 2]), value([])), bad("InvalidArgumentError", grid(2, 2), grid(2)))  # fmt: skip
row(
    "DynamicStitch",
    case([value([0, 2]), value([1, 3])], [grid(2, 3), grid(2, 3)]),
    case([value(1), value([0, 1])], [grid(2), grid(2, 2)]),
    case([const([[0, 2], [1, 3]])], [grid(2, 2, 3)]),
    case([const([1]), const([0])], [grid(1), grid(1)]),
    bad("InvalidArgumentError", [value([0, 1])], [grid(3)]),
    bad("InvalidArgumentError", [value([0]), value([1])], [grid(1, 2), grid(1, 3)]),
    bad("InvalidArgumentError", [value([-1])], [grid(1)]),
)
row(
    "ParallelDynamicStitch",
    case([value([0, 2]), value([1, 3])], [grid(2, 3), grid(2, 3)]),
    case([value(1), value([0, 2])], [grid(2), grid(2, 2)]),
)
row(
    "DynamicPartition",
    case(grid(5, 2), value([0, 1, 0, 2, 1]), num_partitions=3),
    case(grid(3), value([1, 1, 1]), num_partitions=2),
    case(grid(2, 2, 3), value([[0, 1], [1, 0]]), num_partitions=2),
    case(grid(2), value(1), num_partitions=2),
    bad("InvalidArgumentError", grid(2), value([0, 2]), num_partitions=2),
    bad("InvalidArgumentError", grid(2), value([0, -1]), num_partitions=2),
    bad("InvalidArgumentError", grid(3), value([0, 1]), num_partitions=2),
)
