"""The assert family and printed values against stock TensorFlow: nodes, sentences, texts."""

from __future__ import annotations

import textwrap
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from evergraph import tf1
from evergraph.graph.graph import Graph
from evergraph.ops.value_text import summary, summary_v2
from tests.oracle.client import Oracle
from tests.oracle.nodes import built, differences

pytestmark = pytest.mark.oracle

INPUTS = """
x = tf.placeholder(tf.float32, [2], name="x")
y = tf.placeholder(tf.float32, None, name="y")
z = tf.placeholder(tf.float32, [None, 3], name="z")
i = tf.placeholder(tf.int32, [2], name="i")
r = tf.placeholder(tf.int32, [], name="r")
"""
PROGRAMS = {
    "pairs": """
        tf.assert_equal(x, y)
        tf.assert_equal(x, x)
        tf.assert_less(x, 3.0, message="not so large")
        tf.assert_greater(i, 0, summarize=2)
        tf.assert_less_equal(x, y, data=["a", x])
        tf.assert_greater_equal(x, y, name="own")
        tf.debugging.assert_none_equal(x, 7.0)
        tf.debugging.assert_near(x, y)
        """,
    "signs": """
        tf.assert_positive(x)
        tf.assert_negative(-x)
        tf.assert_non_negative(i)
        tf.assert_non_positive(-x, message="q")
        """,
    "orders": "tf.is_non_decreasing(x); tf.is_strictly_increasing(y)",
    "ranks": """
        tf.assert_rank(x, 1)
        tf.assert_rank(y, 1)
        tf.assert_rank(y, r)
        tf.assert_rank_at_least(y, 1)
        tf.assert_rank_at_least(x, 0)
        tf.debugging.assert_rank_in(y, [1, 2])
        tf.debugging.assert_rank_in(x, (1, 2))
        """,
    "types": """
        tf.assert_integer(r)
        tf.assert_type(x, tf.float32)
        tf.assert_scalar(r)
        tf.assert_scalar(1)
        """,
    "shapes": """
        tf.debugging.assert_shapes([(x, ("N",)), (z, ("N", "D")), (r, ())])
        tf.debugging.assert_shapes([(y, ("*", "N")), (z, ("N", 3))])
        """,
}
REFUSED = [
    "tf.assert_equal(a, [1, 3], message='hello')",
    "tf.assert_rank(a, 2)",
    "tf.assert_rank_at_least(a, 2)",
    "tf.debugging.assert_rank_in(a, [0, 2])",
    "tf.assert_integer(tf.constant(1.0))",
    "tf.assert_scalar(a)",
    "tf.assert_type(a, tf.float32)",
    "tf.debugging.assert_shapes([(a, (3,))])",
]
REFUSE = """
def main(tf, np, lines):
    found = []
    for line in lines:
        with tf.Graph().as_default():
            a = tf.constant([1, 2])
            try:
                eval(line)
                found.append("nothing")
            except Exception as error:
                found.append(f"{type(error).__name__}: {error}")
    return found
"""
TEXTS = """
def main(tf, np, values, kinds):
    found = []
    for value, kind in zip(values, kinds):
        for most in (3, 1, -1, 5):
            c = tf.constant(value, dtype=kind)
            with tf.Session() as session:
                v2 = session.run(tf.strings.format("{}", [c], summarize=most)).decode()
                try:
                    session.run(tf.Assert(tf.constant(False), [c], summarize=most))
                except tf.errors.InvalidArgumentError as error:
                    text = error.message.split("assertion failed: ")[1].split("\\n\\t")[0]
            found.append([v2, text])
    return found
"""
VALUES: list[tuple[Any, str]] = [
    ([1, 2, 3, 4, 5, 6, 7], "int32"),
    (3, "int64"),
    ([[1.5, 2.25], [3.0, 1 / 3]], "float32"),
    (np.arange(24.0).reshape(2, 3, 4).tolist(), "float64"),
    ([0.1, 1e10, -0.0, float("nan"), float("inf"), 1e-7, 123456.789, 16777217.0], "float32"),
    ([0.1, 1 / 3, 1e22, 2.0**53], "float64"),
    ([True, False], "bool"),
    (["a", 'b"\n\t\\é', "c", "d"], "string"),
    ([["x", "y"], ["z", "w"]], "string"),
    ([1.1, 2.2], "float16"),
    ([1, -2], "int8"),
    ([], "float32"),
    ([[], []], "float32"),
    ([200, 3], "uint8"),
    ([1.1, 2.5], "bfloat16"),
]


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_nodes(name: str, tf215: Oracle) -> None:
    ours, theirs = built(INPUTS + textwrap.dedent(PROGRAMS[name]), tf215)
    for node in theirs.node:
        node.ClearField("experimental_type")
    assert differences(ours, theirs) == []


def test_sentences(tf215: Oracle) -> None:
    namespace: dict[str, Any] = {"Graph": Graph}
    exec(REFUSE, namespace)
    found = namespace["main"](tf1, np, REFUSED)
    assert found == tf215.execute(REFUSE, lines=REFUSED)


def test_values_as_text(tf215: Oracle) -> None:
    values, kinds = [value for value, _ in VALUES], [kind for _, kind in VALUES]
    expected = iter(tf215.execute(TEXTS, values=values, kinds=kinds))
    for value, kind in VALUES:
        if kind == "string":
            encode = np.vectorize(lambda text: text.encode(), otypes=[object])
            array = encode(np.asarray(value, object))
        else:
            array = np.asarray(value).astype(ml_dtypes.bfloat16 if kind == "bfloat16" else kind)
        for most in (3, 1, -1, 5):
            assert [summary_v2(array, most), f"[{summary(array, most)}]"] == next(expected)
