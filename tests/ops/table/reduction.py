"""Reductions, arg-reductions, cumulative sums, segments."""

from __future__ import annotations

from collections.abc import Callable

from tests.ops.rows import (
    Case,
    Input,
    bad,
    case,
    const,
    distinct,
    flags,
    grid,
    positive,
    row,
    special,
    value,
)


def reductions(make: Callable[..., Input]) -> list[Case]:
    """Over one axis, several, negative ones, none, all; keeping dimensions; of nothing."""
    return [
        case(make(2, 3), const(1)),
        case(make(2, 3), const([0]), keep_dims=True),
        case(make(2, 3, 2), const([0, -1])),
        case(make(2, 3), const(value([]))),
        case(make(2, 3), value([0, 1]), keep_dims=True),
        case(make(), const(value([]))),
        case(make(0, 3), const(0)),
        bad("InvalidArgumentError", make(2, 3), value(2)),
    ]


for op in ("Sum", "Mean", "Max", "Min"):
    row(op, *reductions(grid), case(special(), const(0)))
row("Prod", *reductions(lambda *shape: grid(*shape, low=-1, high=1)))
for op in ("All", "Any"):
    row(op, *reductions(flags))
row("EuclideanNorm", *reductions(grid))

for op in ("ArgMax", "ArgMin"):
    row(
        op,
        case(grid(3, 4), const(1)),
        case(distinct(3, 4), const(0)),
        case(grid(2, 3, 2), const(-2)),
        case(grid(5), value(0)),
        bad("InvalidArgumentError", grid(3, 4), value(2)),
        bad("InvalidArgumentError", grid(0, 4), value(0)),
        exclude={"Tidx": {"int16": "TensorFlow reads it as a wider type"}}
        if op == "ArgMax"
        else {},
    )
for op in ("SegmentSum", "SegmentMean", "SegmentMax", "SegmentMin", "SegmentProd"):
    row(
        op,
        case(grid(5, 2), value([0, 0, 1, 3, 3])),
        case(grid(3), const([0, 1, 1])),
        bad("InvalidArgumentError", grid(3), value([1, 0, 0])),
    )
for op in ("UnsortedSegmentSum", "UnsortedSegmentMax", "UnsortedSegmentMin", "UnsortedSegmentProd"):
    row(
        op,
        case(grid(5, 2), value([2, 0, 1, 0, -1]), const(4)),
        case(grid(2, 2), value([[0, 1], [1, 0]]), value(2)),
        bad("InvalidArgumentError", grid(3), value([0, 1, 7]), value(3)),
    )
row("L2Loss", case(grid(2, 3)), case(grid()), case(grid(0)))
row("Softmax", case(grid(2, 4)), case(grid(5)), case(grid(2, 3, 2)), case(positive(1, 1)))
row("LogSoftmax", case(grid(2, 4)), case(grid(5)), case(grid(2, 3, 2)))
