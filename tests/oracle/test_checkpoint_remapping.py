"""GenerateVocabRemapping and LoadAndRemapMatrix: one graph, run by evergraph and by TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evergraph import errors
from evergraph.formats.checkpoint_saving import save_checkpoint
from evergraph.graph.graph import Graph
from evergraph.ops.checkpoint_remapping import GenerateVocabRemapping, LoadAndRemapMatrix
from evergraph.runtime.session import Session
from tests.oracle.client import Oracle, OracleError

pytestmark = pytest.mark.oracle

FILES = {
    "ab": b"a\nb\n",
    "ba, returns": b"b\r\na\r\r\n",
    "ba, no end": b"b\na",
    "b, return, no end": b"a\nb\r",
    "a return within": b"a\rb\nc\n",
    "no return": b"ab\nc\n",
    "tabs": b"a\tb\na\tc\n",
    "bytes": b"a\0b\nc\xff\n",
    "twice": b"a\nb\na\n",
    "empty line": b"a\n\nb\n",
    "empty end": b"a\nb\n\n",
    "empty": b"",
}
REMAPPINGS = [
    ("ab", "ba, returns"), ("ba, returns", "ab"), ("ab", "b, return, no end"), ("ba, no end", "ab"),
    ("ab", "ba, no end"),
    ("empty line", "ab", 0, 3), ("ab", "empty line"), ("empty end", "ab", 0, 3), ("twice", "ab", 0, 3),
    ("ab", "twice"), ("ab", "twice", 0, 2, 2), ("ab", "empty"), ("empty", "ab", 0, 0), ("ab", "ab", 1, 1),
    ("ab", "ab", 1, 2), ("ab", "ab", 0, 0), ("ab", "ab", 0, 2, 1), ("ab", "ab", 0, 2, 0), ("ab", "ab", 0, 2, 2),
    ("ab", "ab", 0, 2, 3), ("no return", "a return within"), ("a return within", "no return"), ("tabs", "tabs"),
    ("bytes", "bytes"), ("none", "ab"), ("ab", "none"), ("", "ab"),
    ("ab", "empty line", 0, 2, 5), ("ab", "twice", 0, 2, 5), ("ab", "empty", 0, 2, 0), ("ab", "empty", 0, 2, 2),
    ("ab", "empty end", 0, 2, 2),
]  # fmt: skip
MATRICES = [
    ([1, -1], [], [9, 8, 7], 2, 3),
    ([1, -1], [], [9, 8], 2, 3),
    ([1, -1], [], [9, 8, 7, 6], 2, 3),
    ([1, 1], [], [], 2, 3),
    ([0, 1], [2, 0], [], 2, 2),
    ([0, 1], [2, 2], [], 2, 2),
    ([0, 1], [2, -1], [8, 7], 2, 2),
    ([0], [], [], 2, 3),
    ([0, 1], [0], [], 2, 2),
    ([0, 1], [], [], 2, 2),
    ([-5, 1], [], [1, 2, 3], 2, 3),
    ([3, 0, 2], [1, -1, 0], [1, 2, 3], 3, 3, "m", 2),
    ([-1, -1], [-1], [1, 2], 2, 1),
    ([], [], [], 0, 3),
    ([-1], [], [[1], [2], [3]], 1, 3),
    ([5, 1, 4], [], [], 3, 2, "parts"),
    ([0], [], [], 1, 3, "none"),
    ([0], [], [], 1, 3, "numbers"),
    ([0], [], [], 1, 3, "vector"),
]


def check(graph: Graph, fetches: Any, oracle: Oracle) -> None:
    names = [tensor.name for tensor in fetches]
    theirs: Any
    try:
        theirs = oracle.run_graph(graph.as_graph_def().SerializeToString(), fetches=names)
    except OracleError as error:
        theirs = error.type
    with Session(graph=graph) as session:
        if isinstance(theirs, str):
            with pytest.raises(getattr(errors, theirs)):
                session.run(fetches)
            return
        ours = session.run(fetches)
    for mine, stock in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(mine, stock)


@pytest.mark.parametrize("case", REMAPPINGS, ids=str)
def test_remappings(case: tuple[Any, ...], tf215: Oracle, tmp_path: Path) -> None:
    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
    new, old, offset, count, size = (*case, *(0, 2, -1)[len(case) - 2 :])
    with Graph().as_default() as graph:
        made = GenerateVocabRemapping(
            new and f"{tmp_path}/{new}",
            old and f"{tmp_path}/{old}",
            new_vocab_offset=offset,
            num_new_vocab=count,
            old_vocab_size=size,
        )
    check(graph, list(made), tf215)


@pytest.mark.parametrize("case", MATRICES, ids=str)
def test_matrices(case: tuple[Any, ...], tf215: Oracle, tmp_path: Path) -> None:
    prefix = str(tmp_path / "model")
    save = """
def main(tf, np, prefix):
    parts = [np.float32(np.arange(6).reshape(3, 2)) + 10 * i for i in range(2)]
    with tf.Session() as session:
        session.run(tf.raw_ops.SaveV2(
            prefix=prefix,
            tensor_names=["m", "numbers", "vector", "parts", "parts"],
            shape_and_slices=["", "", "", "6 2 0,3:-", "6 2 3,3:-"],
            tensors=[np.float32(np.arange(12).reshape(4, 3)), np.eye(3), np.float32([1]), *parts],
        ))
"""
    tf215.execute(save, prefix=prefix)
    rows, columns, values, num_rows, num_cols, name, most = (*case, *("m", -1)[len(case) - 5 :])
    with Graph().as_default() as graph:
        made = LoadAndRemapMatrix(
            prefix,
            name,
            np.array(rows, np.int64),
            np.array(columns, np.int64),
            np.array(values, np.float32),
            num_rows=num_rows,
            num_cols=num_cols,
            max_rows_in_memory=most,
        )
    assert made.shape.as_list() == [num_rows, num_cols]
    check(graph, [made], tf215)


def test_a_matrix_that_evergraph_saved(tf215: Oracle, tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "model", {"m": np.arange(12, dtype=np.float32).reshape(4, 3)})
    with Graph().as_default() as graph:
        made = LoadAndRemapMatrix(
            str(tmp_path / "model"), "m", [2, -1, 0], [1, 0], [5.0, 6.0], num_rows=3, num_cols=2
        )
    check(graph, [made], tf215)
