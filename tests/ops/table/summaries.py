"""Summaries: compared as the bytes of their messages."""

from __future__ import annotations

from tests.ops.rows import bad, case, grid, row, value

row("ScalarSummary", case(value("loss"), grid()), case(value(["a", "b"]), grid(2)),
    bad("InvalidArgumentError", value(["a", "b"]), grid(3)))  # fmt: skip
row(
    "MergeSummary",
    case([value(b"\n\x08\n\x01a\x15\0\0\x80?"), value([b"\n\x08\n\x01b\x15\0\0\x80?", b""])]),
    bad("InvalidArgumentError", [value(b"\n\x08\n\x01a\x15\0\0\x80?")] * 2),
    bad("InvalidArgumentError", [value("no summary")]),
)
row("HistogramSummary", case(value("h"), grid(30)), case(value("none"), grid(0)), case(value("one"), grid()),
    bad("InvalidArgumentError", value("h"), value([1.0, float("nan")])))  # fmt: skip
TYPES = {
    "T": {
        "string": "no kernel of TensorFlow's gives the bytes of its own fields",
        "qint8 quint8 qint16 quint16 qint32 int4 uint4 float8_e5m2 float8_e4m3fn": "not fed in tests",
    }
}
row("TensorSummaryV2", case(value("t"), grid(2, 3), value(b"\x12\x04name")), exclude=TYPES)
