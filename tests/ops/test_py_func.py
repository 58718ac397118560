"""Python functions as nodes, and printing."""

from __future__ import annotations

import gc
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evergraph import tf1 as tf
from evergraph.graph.graph import Graph
from evergraph.ops.printing import print_v2, string_format
from evergraph.runtime.session import Session


@pytest.fixture(autouse=True)
def graph() -> Any:
    with Graph().as_default() as graph:
        yield graph


def run(fetches: Any, feeds: Any = None) -> Any:
    with Session() as session:
        return session.run(fetches, feeds)


def test_what_a_function_gets() -> None:
    seen: list[Any] = []
    inputs = [tf.constant(1.5), tf.constant([1, 2]), tf.constant("text"), tf.constant(["a", "b"])]
    run(tf.py_func(lambda *values: seen.extend(values), inputs, []))
    assert isinstance(seen[0], np.float32)
    assert isinstance(seen[2], bytes)
    assert seen[1].dtype == np.int32
    assert seen[3].tolist() == [b"a", b"b"]


def test_a_function_may_write_to_what_it_gets() -> None:
    x = tf.constant([1.0, 2.0])

    def zero(v: Any) -> Any:
        v[0] = 0.0
        return v

    changed = tf.py_func(zero, [x], tf.float32)
    first, second = run([changed, x])
    assert (first.tolist(), second.tolist()) == ([0.0, 2.0], [1.0, 2.0])


@pytest.mark.parametrize(
    ("function", "error", "sentence"),
    [
        (
            lambda: 1.5,
            "InvalidArgumentError",
            "0-th value returned by pyfunc_.* is double, but expects float",
        ),
        (lambda: [1, 2], "InvalidArgumentError", "returns 2 values, but expects to see 1 values"),
        (lambda: {}["a"], "UnknownError", "KeyError"),
        (lambda: int("x"), "InvalidArgumentError", "ValueError: invalid literal"),
        (lambda: next(iter([])), "OutOfRangeError", "StopIteration"),
    ],
)
def test_what_goes_wrong_in_a_function(function: Any, error: str, sentence: str) -> None:
    with pytest.raises(getattr(tf.errors, error), match=sentence):
        run(tf.py_func(function, [], tf.float32))


def test_a_function_is_not_in_the_file(graph: Graph) -> None:
    tf.identity(tf.py_func(lambda: np.float32(1), [], tf.float32), name="out")
    definition = graph.as_graph_def()
    for op in graph.get_operations():
        assert op.type in ("PyFunc", "Identity")
    del op
    graph.attachments.clear()
    gc.collect()
    with Graph().as_default():
        tf.import_graph_def(definition, name="")
        with pytest.raises(tf.errors.InvalidArgumentError, match="not written into its file"):
            run("out:0")


def test_a_graph_that_may_not_run_python() -> None:
    out = tf.py_func(lambda: np.float32(1), [], tf.float32)
    with Session() as session:
        session.state.capabilities = frozenset()
        with pytest.raises(tf.errors.PermissionDeniedError, match="'python'"):
            session.run(out)


def test_decorators_and_eager_functions() -> None:
    @tf.numpy_function(Tout=tf.float32)
    def doubled(x: Any) -> Any:
        return x * 2

    half = tf.py_function(lambda x: x.numpy() / 2, [tf.constant(3.0)], tf.float32)
    whole = tf.py_function(lambda x: 7, [tf.constant(3.0)], tf.float32)
    assert run([doubled(tf.constant(2.0)), half, whole]) == [4.0, 1.5, 7.0]
    with pytest.raises(TypeError, match="Missing required argument: 'Tout'"):
        tf.numpy_function(lambda: 1, [])
    with pytest.raises(TypeError, match="Missing argument `inp`"):
        tf.numpy_function(lambda: 1, Tout=tf.float32)
    with pytest.raises(ValueError, match="Expected func to be callable"):
        tf.py_func(1, [], tf.float32)


def test_print_hands_on_and_prints_so_often(capfd: pytest.CaptureFixture[str]) -> None:
    x = tf.constant([1.0, 2.5, 3.0, 4.0])
    y = tf.Print(x, [x, "text"], message="seen: ", first_n=2)
    with Session() as session:
        for _ in range(3):
            assert session.run(y).tolist() == [1.0, 2.5, 3.0, 4.0]
    assert capfd.readouterr().err == "seen: [1 2.5 3...][text]\n" * 2


def test_print_of_structures(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    x = tf.constant([[1, 2], [3, 4]])
    file = tmp_path / "out.txt"
    made = [
        print_v2("x is", x, {"b": [x[0], 7], "a": None}, output_stream=sys.stdout),
        print_v2(OrderedDict(b=tf.constant(1), a="{}"), output_stream=sys.stdout, end="!\n"),
        print_v2(tf.range(10), "and", 3, sep=";", summarize=2, output_stream=f"file://{file}"),
    ]
    with Session() as session:
        for op in made:
            session.run(op)
    printed = "x is [[1 2]\n [3 4]] {'a': None, 'b': [[1 2], 7]}\n"
    assert capsys.readouterr().out.startswith(printed)
    assert file.read_text() == "[0 1 ... 8 9];and;3\n"
    with pytest.raises(ValueError, match="Unsupported output stream"):
        print_v2(x, output_stream="nowhere")


def test_string_format() -> None:
    text = string_format("a {} b {}", [tf.constant([1.5]), tf.constant("x\n")])
    assert run(text) == b'a [1.5] b "x\\n"'
    with pytest.raises(ValueError, match="expects 2 tensors, but the inputs only has 1"):
        string_format("{} {}", [tf.constant(1)])
