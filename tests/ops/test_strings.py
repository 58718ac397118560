"""Strings: regular expressions in RE2's syntax, errors, what numbers look like."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph.graph import Graph
from evergraph.ops import array, regular_expressions, string_values, strings
from evergraph.ops.constant import constant
from evergraph.runtime.session import Session


def run(build: Any) -> Any:
    with Graph().as_default(), Session() as session:
        return session.run(build())


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (b"^s3://.*", b"s3://bucket/x", True),
        (b"a$", b"a\n", False),
        (b"[[:digit:]]+", b"123", True),
        (b"[]a]+", b"a]", True),
        (b"[^]a]", b"]", False),
        (rb"\Qa.b\E.", b"a.bc", True),
        (rb"\w+", "ä".encode(), False),
        (b".", "ä".encode(), True),
        (rb"x\z", b"x", True),
        (b"a(?i)b", b"aB", True),
        (b"(?P<n>a)b", b"ab", True),
    ],
)
def test_patterns(pattern: bytes, text: bytes, expected: bool) -> None:
    assert regular_expressions.fully_matches(pattern, text) is expected


@pytest.mark.parametrize("pattern", [b"(", b"[a", rb"\pN", rb"(a)\1", b"[:alpha:]"])
def test_no_patterns(pattern: bytes) -> None:
    with pytest.raises(errors.InvalidArgumentError, match="Invalid pattern"):
        regular_expressions.compiled(pattern)


def test_a_rewrite_without_its_group() -> None:
    with pytest.raises(errors.InvalidArgumentError, match="groups"):
        regular_expressions.replaced(b"(a)", rb"\2", b"a", True)


def test_formats() -> None:
    def build() -> Any:
        x = constant([1.5, -0.125])
        return [
            string_values.as_string(x),
            string_values.as_string(x, precision=1, width=6),
            string_values.as_string(x, scientific=True, precision=2),
            string_values.as_string(x, shortest=True),
            string_values.as_string(constant(7), width=3, fill="0"),
            string_values.as_string(constant([True])),
            string_values.as_string(constant(1 + 2j), precision=1),
        ]

    found = [np.asarray(value, object).ravel().tolist() for value in run(build)]
    assert found == [
        [b"1.500000", b"-0.125000"],
        [b"   1.5", b"  -0.1"],
        [b"1.50e+00", b"-1.25e-01"],
        [b"1.5", b"-0.125"],
        [b"007"],
        [b"true"],
        [b"(1.0,2.0)"],
    ]


def test_numbers() -> None:
    with pytest.raises(errors.InvalidArgumentError, match="could not correctly convert"):
        run(lambda: string_values.string_to_number(constant("1_0")))
    with pytest.raises(errors.InvalidArgumentError, match="could not correctly convert"):
        run(lambda: string_values.string_to_number(constant("2147483648"), dtypes.int32))
    assert run(lambda: string_values.string_to_number(constant([" -7 "]), dtypes.int64)) == [-7]


def test_raw_bytes() -> None:
    found = run(
        lambda: string_values.decode_raw(constant([b"\1\0\2\0", b"\3\0\4\0"]), dtypes.int16)
    )
    assert found.tolist() == [[1, 2], [3, 4]]
    found = run(
        lambda: string_values.decode_raw(constant(b"\1\0"), dtypes.int16, little_endian=False)
    )
    assert found.tolist() == [256]
    with pytest.raises(errors.InvalidArgumentError, match="same size"):
        run(lambda: string_values.decode_raw(constant(["a", "bc"]), dtypes.uint8))
    with pytest.raises(ValueError, match="out_type"):
        string_values.decode_raw("a")


def test_static_shapes() -> None:
    with Graph().as_default():
        x = array.placeholder(dtypes.string, [2, 3])
        assert strings.reduce_join(x, 1).shape.as_list() == [2]
        assert strings.string_join([x, "a"]).shape.as_list() == [2, 3]
        assert string_values.decode_raw(x, dtypes.uint8).shape.as_list() == [2, 3, None]
        with pytest.raises(ValueError):
            strings.string_join([x, array.placeholder(dtypes.string, [3, 2])])
