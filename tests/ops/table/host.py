"""Checks, printing and strings: what stays on the host."""

from __future__ import annotations

from tests.ops.rows import bad, case, const, flags, grid, nonzero, row, typed, value

row("NoOp", case())
row(
    "Assert",
    case(value(True), [typed("float", grid(2)), typed("string", value("text"))]),
    bad("InvalidArgumentError", value(False), [typed("int32", value([1, 2, 3, 4]))]),
)
row("Print", case(grid(2), [typed("float", grid(2))], message="seen: "), case(grid(2), []))
for op in ("CheckNumerics", "CheckNumericsV2"):
    row(
        op,
        case(grid(2, 3), message="fine"),
        bad("InvalidArgumentError", value([1.0, float("nan")]), message="bad"),
        bad("InvalidArgumentError", value([float("-inf")]), message="bad"),
    )
row("StringJoin", case([value(["a", "b"]), value("-"), value(["c", "d"])]),
    case([value("x"), value("y")], separator=", "))  # fmt: skip
row("AsString", case(value([1, 0, 3])), case(nonzero(3)))
row("StringToNumber", case(value(["1", "-5", "12"])), bad("InvalidArgumentError", value(["x"])))
row("ReduceJoin", case(value([["a", "b"], ["c", "d"]]), const([1]), separator="+"))
row("StringLength", case(value(["", "abc"])))
row("EncodeBase64", case(value(["abc", ""])))
row("DecodeBase64", case(value(["YWJj"])))
row("DecodeRaw", case(value(["\x01\x00\x02\x00\x01\x00\x02\x00"]), out_type="int16"))
row("ControlTrigger", case())
row("LoopCond", case(flags()))
row("ShardedFilename", case(value("/a/b"), value(2), value(10)))
row("ShardedFilespec", case(value("/a/b"), value(10)))
row("PrintV2", case(value("a line"), end=""), case(value("a line"), output_stream="stdout"))
row(
    "StringFormat",
    case(
        [typed("int32", value([1, 2, 3, 4, 5, 6, 7])), typed("string", value("x"))],
        template="%s|%s",
    ),
    case([typed("float", value([[1.5, 2.0], [-0.25, 4.0]]))], template="{}", placeholder="{}"),
)
