"""Variables: what writes and reads them, and the optimizers' updates."""

from __future__ import annotations

from tests.ops.rows import bad, case, grid, nonzero, ref, resource, row, value

row(
    "Assign",
    case(ref(grid(2, 3)), grid(2, 3)),
    case(ref(grid(2, 3), initialize=False), grid(2, 3)),
    case(ref(grid(2)), grid(3), validate_shape=False),
    bad("InvalidArgumentError", ref(grid(2)), grid(3)),
)
for op in ("AssignAdd", "AssignSub"):
    row(
        op,
        case(ref(grid(2, 3)), grid(2, 3)),
        case(ref(grid()), grid()),
        bad("InvalidArgumentError", ref(grid(2)), grid(3)),
        bad("FailedPreconditionError", ref(grid(2), initialize=False), grid(2)),
        runs=2,
    )
row("IsVariableInitialized", case(ref(grid(2))), case(ref(grid(2), initialize=False)))
for name in ("Update", "Add", "Sub", "Mul", "Div", "Max", "Min"):
    op = "Scatter" + name
    row(
        op,
        case(ref(grid(4, 2)), value([1, 3]), nonzero(2, 2)),
        case(ref(grid(4)), value([[0, 2]]), nonzero(1, 2)),
        case(ref(grid(4, 2)), value([1, 1]), value(2)),
        bad("InvalidArgumentError", ref(grid(2)), value([2]), grid(1)),
        runs=2,
    )
for name in ("Update", "Add", "Sub", "Max", "Min"):
    row(
        "ScatterNd" + name,
        case(ref(grid(3, 2)), value([[0, 1], [2, 0]]), grid(2)),
        case(ref(grid(3, 2)), value([[2], [2]]), grid(2, 2)),
        bad("InvalidArgumentError", ref(grid(2)), value([[2]]), grid(1)),
        runs=2,
    )
row("RefIdentity", case(ref(grid(2, 3))))
row("DeepCopy", case(grid(2, 3)))
row(
    "CountUpTo",
    case(ref(value(0)), limit=5),
    bad("OutOfRangeError", ref(value(5)), limit=5),
    runs=3,
)

# ------------------------------------------------------------------------------ resource variables

row("ReadVariableOp", case(resource("dtype", grid(2, 3))))
row("VarIsInitializedOp", case(resource("float", grid(2))),
    case(resource("float", grid(2), initialize=False)))  # fmt: skip
row("VariableShape", case(resource("float", grid(2, 3))))
row("AssignVariableOp", case(resource("dtype", grid(2, 3)), grid(2, 3)))
for op in ("AssignAddVariableOp", "AssignSubVariableOp"):
    row(
        op,
        case(resource("dtype", grid(2, 3)), grid(2, 3)),
        bad("InvalidArgumentError", resource("dtype", grid(2)), grid(3)),
        runs=2,
    )
row(
    "ResourceGather",
    case(resource("dtype", grid(4, 2)), value([[0, 3]])),
    bad("InvalidArgumentError", resource("dtype", grid(4)), value([4])),
)
for name in ("Update", "Add", "Sub", "Mul", "Div", "Max", "Min"):
    row(
        "ResourceScatter" + name,
        case(resource("dtype", grid(4, 2)), value([1, 1]), nonzero(2, 2)),
        case(resource("dtype", grid(4)), value([[0, 2]]), nonzero(1, 2)),
        bad("InvalidArgumentError", resource("dtype", grid(2)), value([2]), grid(1)),
        runs=2,
    )
row("ResourceGatherNd", case(resource("dtype", grid(3, 4)), value([[0, 1], [2, 3]])))
for name in ("Update", "Add", "Sub", "Max", "Min"):
    row(
        "ResourceScatterNd" + name,
        case(resource("T", grid(3, 2)), value([[0, 1], [2, 0]]), grid(2)),
        runs=2,
        exclude={"T": {"bool": "a difference of booleans"}} if name == "Sub" else {},
    )
row(
    "ResourceCountUpTo",
    case(resource("T", value(0)), limit=5),
    bad("OutOfRangeError", resource("T", value(5)), limit=5),
    runs=3,
)

# ----------------------------------------------------------------------- brackets on the left side

for name, target in (("StridedSliceAssign", ref), ("TensorStridedSliceUpdate", None)):
    start = target(grid(4, 5)) if target else grid(4, 5)
    row(
        name,
        case(start, value([0, 1]), value([3, 5]), value([2, 2]), grid(2, 2)),
        case(start, value([1, 0]), value([2, 5]), value([1, 1]), grid(5), shrink_axis_mask=1),
        case(start, value([-1, 0]), value([0, 0]), value([-1, 1]), grid(4, 5), end_mask=3),
        bad("InvalidArgumentError", start, value([0]), value([2]), value([1]), grid(3, 5)),
    )
row(
    "ResourceStridedSliceAssign",
    case(resource("T", grid(4)), value([1]), value([3]), value([1]), grid(2)),
)
