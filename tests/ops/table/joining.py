"""Joining and splitting."""

from __future__ import annotations

from tests.ops.rows import bad, case, const, grid, row, value

row(
    "ConcatV2",
    case([grid(2, 3), grid(2, 1)], const(1)),
    case([grid(2, 3), grid(0, 3), grid(1, 3)], const(0)),
    case([grid(2), grid(2)], value(-1)),
    case([grid(2, 1, 2), grid(2, 3, 2)], const(-2)),
    case([grid(1, 2)] * 18, const(0)),
    bad("InvalidArgumentError", [grid(2, 3), grid(2, 2)], value(0)),
    bad("InvalidArgumentError", [grid(2), grid(2)], value(1)),
    bad("InvalidArgumentError", [grid(2), grid(2, 2)], value(0)),
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
    case(value(-1), [value([2, 3]), value([2, 0])]),
    bad("InvalidArgumentError", value(0), [value([2, 3]), value([5, 4])]),
    bad("InvalidArgumentError", value(2), [value([2, 3]), value([5, 3])]),
)
row(
    "ParallelConcat",
    case([grid(1, 3), grid(1, 3)], shape=[2, 3]),
    case([grid(1, 2, 2)] * 3, shape=[3, 2, 2]),
)
row(
    "Pack",
    case([grid(2, 3)]),
    case([grid(2, 3), grid(2, 3)], axis=1),
    case([grid(2, 3), grid(2, 3)], axis=-1),
    case([grid(), grid(), grid()], axis=-1),
    case([grid(0, 2), grid(0, 2)], axis=0),
    bad("InvalidArgumentError", [grid(2), grid(3)]),
    bad("InvalidArgumentError", [grid(2), grid(2)], axis=2),
)
row(
    "Unpack",
    case(grid(2, 3), num=2),
    case(grid(2, 3), num=3, axis=-1),
    case(grid(2, 3, 4), num=3, axis=1),
    case(grid(3), num=3),
    case(grid(0, 3), num=0),
    bad("InvalidArgumentError", grid(2, 3), num=3),
    bad("InvalidArgumentError", grid(2, 3), num=3, axis=2),
)
row(
    "Split",
    case(const(0), grid(4, 3), num_split=2),
    case(const(-1), grid(2, 3), num_split=3),
    case(value(1), grid(2, 3), num_split=1),
    case(const(1), grid(2, 4, 3), num_split=2),
    bad("InvalidArgumentError", value(1), grid(2, 3), num_split=2),
    bad("InvalidArgumentError", value(2), grid(2, 3), num_split=1),
)
row(
    "SplitV",
    case(grid(5, 2), const([2, 3]), const(0), num_split=2),
    case(grid(2, 5), const([1, -1, 2]), const(1), num_split=3),
    case(grid(2, 5), value([4, 1]), value(-1), num_split=2),
    case(grid(2, 5), const([0, 5, 0]), const(1), num_split=3),
    bad("InvalidArgumentError", grid(5), value([2, 2]), value(0), num_split=2),
    bad("InvalidArgumentError", grid(5), value([-1, -1]), value(0), num_split=2),
    bad("InvalidArgumentError", grid(5), value([6, -1]), value(0), num_split=2),
    bad("InvalidArgumentError", grid(5), value([2, 3]), value(1), num_split=2),
    exclude={"Tlen": {"int8": "TensorFlow aborts on it"}},
)
