"""What moves elements without computing: shapes, joining, splitting, indexing."""

from __future__ import annotations

from tests.ops.rows import (
    bad,
    case,
    const,
    flags,
    grid,
    nonzero,
    row,
    special,
    typed,
    value,
)

for op in ("Identity", "ZerosLike", "OnesLike", "StopGradient", "PreventGradient", "Snapshot"):
    row(op, case(grid(2, 3)), case(grid()), case(special()))
row("IdentityN", case([typed("float", grid(2)), typed("int32", grid(3)), typed("string", grid())]))
row(
    "EnsureShape",
    case(grid(2, 3), shape=[2, None]),
    case(grid(2, 3), shape=[2, 3]),
    bad("InvalidArgumentError", grid(2, 3), shape=[3, 2]),
)
row("PlaceholderWithDefault", case(grid(2, 3), shape=[2, 3]), case(grid(2), shape=None))

for op in ("Shape", "Size", "Rank"):
    row(op, case(grid(2, 3)), case(grid()), case(grid(0, 3)))
row("ShapeN", case([grid(2, 3), grid()]), case([grid(1)]))
row(
    "Reshape",
    case(grid(2, 3), const([3, 2])),
    case(grid(2, 3), const([-1])),
    case(grid(2, 3), value([3, -1])),
    case(grid(1, 1), const(value([]))),
    case(grid(0, 3), value([3, 0])),
    bad("InvalidArgumentError", grid(2, 3), value([4, 2])),
    bad("InvalidArgumentError", grid(2, 3), value([-1, -1])),
)
row(
    "ExpandDims",
    case(grid(2, 3), const(0)),
    case(grid(2, 3), const(-1)),
    case(grid(), value(0)),
    bad("InvalidArgumentError", grid(2, 3), value(4)),
)
row(
    "Squeeze",
    case(grid(1, 3, 1)),
    case(grid(1, 3, 1), squeeze_dims=[0]),
    case(grid(1, 3, 1), squeeze_dims=[-1]),
    bad("InvalidArgumentError", grid(2, 3), squeeze_dims=[0]),
)
row(
    "Fill",
    case(const([2, 3]), value(7)),
    case(value([0, 2]), grid()),
    case(const(value([])), grid()),
    bad("InvalidArgumentError", value([-1]), value(7)),
    bad("InvalidArgumentError", value([2]), value([7, 8])),
)
row(
    "Tile",
    case(grid(2, 3), const([2, 1])),
    case(grid(2, 3), value([1, 0])),
    case(grid(), const(value([]))),
    bad("InvalidArgumentError", grid(2, 3), value([2])),
)
row(
    "BroadcastTo",
    case(grid(3), const([2, 3])),
    case(grid(2, 1), value([2, 3])),
    case(grid(), const([2])),
    bad("InvalidArgumentError", grid(3), value([2, 4])),
)
for op in ("Transpose", "ConjugateTranspose"):
    row(
        op,
        case(grid(2, 3), const([1, 0])),
        case(grid(2, 3, 4), value([2, 0, 1])),
        case(grid(), const(value([]))),
        bad("InvalidArgumentError", grid(2, 3), value([0, 0])),
        bad("InvalidArgumentError", grid(2, 3), value([0, 1, 2])),
    )
row(
    "InvertPermutation",
    case(value([2, 0, 1])),
    case(value([])),
    bad("InvalidArgumentError", value([0, 0])),
)

# ---------------------------------------------------------------------------- joining and splitting

row(
    "ConcatV2",
    case([grid(2, 3), grid(2, 1)], const(1)),
    case([grid(2, 3), grid(0, 3), grid(1, 3)], const(0)),
    case([grid(2), grid(2)], value(-1)),
    bad("InvalidArgumentError", [grid(2, 3), grid(2, 2)], value(0)),
    bad("InvalidArgumentError", [grid(2), grid(2)], value(1)),
)
row(
    "Concat",
    case(const(1), [grid(2, 3), grid(2, 1)]),
    case(value(0), [grid(2, 3), grid(1, 3)]),
    bad("InvalidArgumentError", value(0), [grid(2, 3), grid(2, 2)]),
)
row(
    "ConcatOffset",
    case(const(1), [const([2, 3]), const([2, 1]), const([2, 4])]),
    case(value(0), [value([2, 3]), value([5, 3])]),
    bad("InvalidArgumentError", value(0), [value([2, 3]), value([5, 4])]),
)
row(
    "Pack",
    case([grid(2, 3)]),
    case([grid(2, 3), grid(2, 3)], axis=1),
    case([grid(), grid(), grid()], axis=-1),
    bad("InvalidArgumentError", [grid(2), grid(3)]),
)
row(
    "Unpack",
    case(grid(2, 3), num=2),
    case(grid(2, 3), num=3, axis=-1),
    bad("InvalidArgumentError", grid(2, 3), num=3),
)
row(
    "Split",
    case(const(0), grid(4, 3), num_split=2),
    case(const(-1), grid(2, 3), num_split=3),
    case(value(1), grid(2, 3), num_split=1),
    bad("InvalidArgumentError", value(1), grid(2, 3), num_split=2),
)
row(
    "SplitV",
    case(grid(5, 2), const([2, 3]), const(0), num_split=2),
    case(grid(2, 5), const([1, -1, 2]), const(1), num_split=3),
    case(grid(2, 5), value([4, 1]), value(-1), num_split=2),
    bad("InvalidArgumentError", grid(5), value([2, 2]), value(0), num_split=2),
    exclude={"Tlen": {"int8": "TensorFlow aborts on it"}},
)

# ----------------------------------------------------------------------------------------- indexing

row(
    "Slice",
    case(grid(3, 4), const([1, 0]), const([2, 3])),
    case(grid(3, 4), const([1, 1]), const([-1, 2])),
    case(grid(3, 4), value([0, 2]), value([3, -1])),
    case(grid(3), const([1]), const([0])),
    bad("InvalidArgumentError", grid(3, 4), value([2, 0]), value([2, 1])),
)
row(
    "StridedSlice",
    case(grid(4, 5), const([0, 1]), const([3, 5]), const([2, 2])),
    case(grid(4, 5), const([-1, 0]), const([0, 0]), const([-1, 1]), end_mask=3),
    case(grid(4, 5), const([1, 0]), const([2, 5]), const([1, 1]), shrink_axis_mask=1),
    case(grid(4, 5), const([0, 0]), const([0, 3]), const([1, 1]), new_axis_mask=1),
    case(grid(2, 3, 4), const([0, 1]), const([0, 3]), const([1, 1]), ellipsis_mask=1),
    case(grid(4), value([1]), value([3]), value([1]), begin_mask=1),
    case(grid(4), const([-9]), const([9]), const([3])),
    case(grid(2, 3, 4), const([0, 0, 1]), const([0, 0, 2]), const([1, 1, 1]), ellipsis_mask=1,
         new_axis_mask=2, shrink_axis_mask=4),
    bad("InvalidArgumentError", grid(4), value([0]), value([2]), value([0])),
    bad("InvalidArgumentError", grid(4), value([5]), value([6]), value([1]), shrink_axis_mask=1),
)  # fmt: skip
row(
    "StridedSliceGrad",
    case(const([4, 5]), const([0, 1]), const([3, 5]), const([2, 2]), grid(2, 2)),
    case(const([4]), const([2]), const([3]), const([1]), grid(), shrink_axis_mask=1),
    case(value([4]), value([3]), value([0]), value([-1]), grid(3)),
)
row(
    "GatherV2",
    case(grid(4, 3), value([[0, 3], [1, 1]]), const(0)),
    case(grid(2, 4), value([3, 0, 0]), const(1)),
    case(grid(4), value(2), const(0)),
    case(grid(2, 3, 2), value([[0, 2], [1, 1]]), const(1), batch_dims=1),
    case(grid(2, 3), value([1]), value(-1)),
    bad("InvalidArgumentError", grid(4), value([4]), value(0)),
    bad("InvalidArgumentError", grid(4), value([-1]), value(0)),
)
row(
    "Gather",
    case(grid(4, 3), value([[0, 3], [1, 1]])),
    case(grid(4), value(2)),
    bad("InvalidArgumentError", grid(4), value([4])),
)
row(
    "GatherNd",
    case(grid(3, 4), value([[0, 1], [2, 3]])),
    case(grid(3, 4), value([[1], [0]])),
    case(grid(2, 2), value([[[0, 0]], [[1, 1]]])),
    bad("InvalidArgumentError", grid(3, 4), value([[3, 0]])),
)
row(
    "ScatterNd",
    case(value([[1], [3], [1]]), grid(3, 2), const([5, 2])),
    case(value([[0, 1], [1, 0]]), grid(2), value([2, 2])),
    bad("InvalidArgumentError", value([[5]]), grid(1), value([3])),
)
for name in ("Update", "Add", "Sub", "Max", "Min"):
    row(
        "TensorScatter" + name,
        case(grid(4, 2), value([[1], [3]]), grid(2, 2)),
        case(grid(3, 3), value([[0, 1], [2, 2]]), grid(2)),
        bad("InvalidArgumentError", grid(3), value([[3]]), grid(1)),
    )
row("ScatterNdNonAliasingAdd", case(grid(4, 2), value([[1], [3]]), grid(2, 2)))
row(
    "OneHot",
    case(value([0, 2, 1]), const(3), value(1), value(0)),
    case(value([[0, 1]]), const(2), grid(), grid(), axis=0),
    case(value([5, 1]), value(3), value(1), value(0)),
    bad("InvalidArgumentError", value([0]), value(-1), value(1), value(0)),
)
row("Where", case(flags(2, 3)), case(nonzero(4)), case(grid(2, 2, 2)), case(value([0, 0])))
row("Unique", case(value([1, 2, 1, 4, 2])), case(grid(8)), case(value([])))
for op in ("UniqueV2", "UniqueWithCountsV2"):
    row(op, case(value([[1, 2], [1, 2], [0, 1]]), value([0])), case(grid(6), value([])),
        case(value([[1, 0, 1], [2, 0, 2]]), value([1])))  # fmt: skip
row("UniqueWithCounts", case(value([1, 2, 1, 4, 2])), case(grid(8)))
row("ListDiff", case(value([1, 2, 3, 4]), value([2, 4])), case(grid(6), grid(2)))
row(
    "Pad",
    case(grid(2, 3), const([[1, 0], [0, 2]])),
    case(grid(2), value([[0, 0]])),
    case(grid(1, 1), value([[1, 1], [1, 1]])),
    bad("InvalidArgumentError", grid(2, 3), value([[1, 1]])),
)
row(
    "PadV2",
    case(grid(2, 3), const([[1, 0], [0, 2]]), value(5)),
    case(grid(2), value([[1, 2]]), grid()),
)
row(
    "MirrorPad",
    case(grid(3, 4), const([[1, 2], [0, 3]]), mode="REFLECT"),
    case(grid(3), value([[3, 1]]), mode="SYMMETRIC"),
    bad("InvalidArgumentError", grid(3), value([[3, 0]]), mode="REFLECT"),
)
row("MirrorPadGrad", case(grid(6), const([[1, 2]]), mode="REFLECT"))
row(
    "ReverseV2",
    case(grid(2, 3), const([1])),
    case(grid(2, 3), const([0, -1])),
    case(grid(3), value([0])),
    case(grid(2), const(value([]))),
    bad("InvalidArgumentError", grid(3), value([1])),
)
row(
    "ReverseSequence",
    case(grid(2, 4), value([3, 2]), seq_dim=1, batch_dim=0),
    case(grid(4, 2), value([0, 4]), seq_dim=0, batch_dim=1),
    bad("InvalidArgumentError", grid(2, 4), value([5, 2]), seq_dim=1, batch_dim=0),
)
row("Roll", case(grid(5), const(2), const(0)), case(grid(3, 4), value([1, -2]), value([0, 1])))
row(
    "DynamicStitch",
    case([value([0, 2]), value([1, 3])], [grid(2, 3), grid(2, 3)]),
    case([value(1), value([0, 1])], [grid(2), grid(2, 2)]),
    bad("InvalidArgumentError", [value([0, 1])], [grid(3)]),
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
    bad("InvalidArgumentError", grid(2), value([0, 2]), num_partitions=2),
)
row(
    "SparseToDense",
    case(value([[0, 1], [1, 0]]), const([2, 3]), grid(2), value(0)),
    case(value([1, 3]), value([5]), grid(), value(2)),
    bad("InvalidArgumentError", value([3]), value([2]), grid(), value(0)),
)
row("Diag", case(grid(3)), case(grid(2, 2)))
row("DiagPart", case(grid(3, 3)), case(grid(2, 2, 2, 2)), bad("InvalidArgumentError", grid(2, 3)))
row("MatrixDiag", case(grid(3)), case(grid(2, 2)))
row("MatrixBandPart", case(grid(3, 4), value(1), value(0)), case(grid(3, 3), value(-1), value(1)))
for op in ("SpaceToDepth", "DepthToSpace"):
    row(op, case(grid(1, 4, 4, 8), block_size=2))
row("SpaceToBatchND", case(grid(1, 4, 2), const([2]), const([[0, 0]])))
row("BatchToSpaceND", case(grid(4, 2, 2), const([2]), const([[1, 0]])))
row("SpaceToBatch", case(grid(1, 4, 4, 2), const([[0, 0], [1, 1]]), block_size=2))
row("BatchToSpace", case(grid(4, 2, 3, 2), const([[0, 0], [1, 1]]), block_size=2))
row("Reverse", case(grid(2, 3), value([True, False])), case(grid(2, 3), const([True, True])))
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
