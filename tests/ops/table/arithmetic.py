"""Element-wise arithmetic of two inputs, comparisons, logic."""

from __future__ import annotations

from tests.ops.rows import (
    bad,
    case,
    const,
    flags,
    grid,
    ints,
    nonzero,
    positive,
    row,
    special,
    value,
)

SHAPES = [((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 1, 3), (4, 1)), ((), (3,)), ((0, 3), (1, 3))]
PLAIN = [case(grid(*a), grid(*b)) for a, b in SHAPES]
DIVISION = [case(grid(*a), nonzero(*b)) for a, b in SHAPES]
EXTREMES = case(special(), special())
#: Where complex numbers at infinity differ between C++ libraries, and integers hold zeros.
REAL_EXTREMES = [
    case(special(), special(), T=kind) for kind in ("bfloat16", "half", "float", "double")
]
ZERO_DIVISOR = bad("InvalidArgumentError", grid(3), value([1, 0, 2]), T="int32")
MISFIT = bad("InvalidArgumentError", grid(2, 3), grid(2))

for op in ("Add", "AddV2", "Sub", "Mul", "SquaredDifference"):
    row(op, *PLAIN, EXTREMES, MISFIT)
row("MulNoNan", *PLAIN, *REAL_EXTREMES)
for op in ("Maximum", "Minimum"):
    row(op, *PLAIN, EXTREMES, MISFIT)

row("RealDiv", *DIVISION, *REAL_EXTREMES, MISFIT)
# Nothing, divided by zero, is nothing.
NO_DIVIDEND = case(value([]), value(0), T="int32")
for op in ("Div", "FloorDiv", "FloorMod"):
    row(op, *DIVISION, *REAL_EXTREMES, NO_DIVIDEND, ZERO_DIVISOR, MISFIT)
# For half and bfloat16 there is no kernel; TruncateMod and TruncateDiv call their refusal of a zero
# an internal error.
row("Mod", *DIVISION, *REAL_EXTREMES[2:], ZERO_DIVISOR, MISFIT)
row("TruncateMod", *DIVISION, *REAL_EXTREMES[2:], MISFIT)
row("TruncateDiv", *DIVISION, MISFIT)
for op in ("DivNoNan", "Xdivy", "Xlogy"):
    row(
        op,
        *[case(grid(*a), positive(*b)) for a, b in SHAPES],
        *REAL_EXTREMES,
        case(value([0.0, 0.0]), value([0.0, 2.0])),
    )
row(
    "Pow",
    *[case(positive(*a, high=2), positive(*b, high=1)) for a, b in SHAPES],
    case(grid(2, 3), value(2)),
    *REAL_EXTREMES,
    bad("InvalidArgumentError", value([2, 1]), value([-1, 1]), T="int32"),
    MISFIT,
)
row("Atan2", *PLAIN, EXTREMES)
row("NextAfter", *PLAIN, EXTREMES)
row(
    "Xlog1py",
    *[case(grid(*a), positive(*b)) for a, b in SHAPES],
    *REAL_EXTREMES,
    case(value([0.0]), value([-1.0])),
)

for op in ("Less", "LessEqual", "Greater", "GreaterEqual"):
    row(op, *PLAIN, EXTREMES, MISFIT)
for op in ("Equal", "NotEqual"):
    row(
        op,
        *PLAIN,
        EXTREMES,
        case(grid(2), grid(3), incompatible_shape_error=False),
        case(grid(2, 3), grid(3), incompatible_shape_error=False),
        case(grid(2, 3), grid(4), incompatible_shape_error=False),
        MISFIT,
    )
row(
    "ApproximateEqual",
    case(grid(4), grid(4), tolerance=0.5),
    case(grid(2, 2), grid(2, 2)),
    bad("InvalidArgumentError", grid(2), grid(1)),
)

for op in ("LogicalAnd", "LogicalOr"):
    row(
        op,
        case(flags(2, 3), flags(2, 3)),
        case(flags(2, 1), flags(3)),
        bad("InvalidArgumentError", flags(2), flags(3)),
    )
row("LogicalNot", case(flags(2, 3)), case(flags()))
for op in ("BitwiseAnd", "BitwiseOr", "BitwiseXor"):
    row(op, *PLAIN, EXTREMES)
for op in ("LeftShift", "RightShift"):
    row(
        op,
        case(grid(2, 3), ints(0, 4, 2, 3)),
        case(grid(2, 3), ints(0, 4, 3)),
        # Shifts by more than there are bits, or backwards.
        case(special(), ints(0, 90, 4)),
        case(grid(2, 3), value([-3, 40, 31]), T="int32"),
    )
row("PopulationCount", case(grid(2, 3)), case(special()))
row("Invert", case(grid(2, 3)), case(special()))

row(
    "AddN",
    case([grid(2, 3)]),
    case([grid(2, 3), grid(2, 3), grid(2, 3)]),
    case([grid(3)] * 10),
    case([grid(), grid()]),
    bad("InvalidArgumentError", [grid(2), grid(3)]),
)
row("AccumulateNV2", case([grid(2, 3), grid(2, 3)], shape=[2, 3]), case([grid(2)], shape=[2]))
row(
    "Select",
    case(flags(2, 3), grid(2, 3), grid(2, 3)),
    case(flags(2), grid(2, 3), grid(2, 3)),
    case(flags(), grid(2, 3), grid(2, 3)),
    bad("InvalidArgumentError", flags(3), grid(2, 3), grid(2, 3)),
)
row(
    "SelectV2",
    case(flags(2, 3), grid(2, 3), grid(2, 3)),
    case(flags(3), grid(2, 3), grid()),
    case(flags(2, 1), grid(3), grid(1, 3)),
    bad("InvalidArgumentError", flags(2), grid(2, 3), grid(2, 3)),
)
row(
    "BroadcastGradientArgs",
    case(const([2, 3]), const([3])),
    case(const([2, 1, 3]), const([4, 1])),
    case(value([2, 3]), value([2, 3])),
    case(value([]), value([5])),
    bad("InvalidArgumentError", value([2]), value([3])),
)
row("BroadcastArgs", case(const([2, 3]), const([3])), case(value([2, 1, 3]), value([4, 1])))
row(
    "ClipByValue",
    case(grid(2, 3), value(-1), value(1)),
    case(grid(1, 3), value([[0, 0, 1]]), value([[1, 0, 2]])),
    case(grid(4), value(1), value(-1)),
    bad("InvalidArgumentError", grid(3), value([0]), value(1)),
    exclude={"T": {"complex64 complex128": "complex numbers have no order"}},
)
