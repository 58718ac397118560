"""A matrix of a checkpoint under another vocabulary, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evergraph import errors
from evergraph.formats.checkpoint_saving import save_checkpoint
from evergraph.graph.graph import Graph
from evergraph.ops.checkpoint_remapping import GenerateVocabRemapping, LoadAndRemapMatrix
from evergraph.runtime.session import Session


def run(fetch: Any) -> Any:
    with Session() as session:
        return session.run(fetch)


@pytest.fixture(autouse=True)
def graph() -> Any:
    with Graph().as_default() as graph:
        yield graph


def vocabulary(path: Path, *lines: str) -> str:
    path.write_text("".join(f"{line}\n" for line in lines))
    return str(path)


def test_where_entities_were(tmp_path: Path) -> None:
    old = vocabulary(tmp_path / "old", "mars", "venus", "moon")
    new = vocabulary(tmp_path / "new", "sun", "moon", "pluto", "mars")
    made = GenerateVocabRemapping(new, old, new_vocab_offset=1, num_new_vocab=3)
    assert made.remapping.shape.as_list() == [3]
    remapping, present = run(list(made))
    assert remapping.tolist() == [2, -1, 0]
    assert present == 2
    (first, _) = run(
        list(
            GenerateVocabRemapping(new, old, new_vocab_offset=1, num_new_vocab=3, old_vocab_size=2)
        )
    )
    assert first.tolist() == [-1, -1, 0]


def test_the_example_of_the_documentation(tmp_path: Path) -> None:
    w = np.arange(12, dtype=np.float32).reshape(4, 3)
    save_checkpoint(tmp_path / "model", {"w": w})
    made = LoadAndRemapMatrix(
        str(tmp_path / "model"),
        "w",
        [1, 0, -1],
        [0, 2, -1],
        [0.5, -0.5, 0.25, -0.25, 42.0],
        num_rows=3,
        num_cols=3,
    )
    assert run(made).tolist() == [
        [w[1, 0], w[1, 2], 0.5],
        [w[0, 0], w[0, 2], -0.5],
        [0.25, -0.25, 42],
    ]


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_any_remapping(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    shape = data.draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    old = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)

    def remapping(size: int) -> list[int]:
        present = data.draw(st.permutations(range(size)))[: data.draw(st.integers(0, size))]
        missing = [-1] * data.draw(st.integers(0, 2))
        found: list[int] = data.draw(st.permutations([*present, *missing]))
        return found

    rows, columns = remapping(shape[0]), remapping(shape[1]) or [-1]
    holes = [(i, j) for i, r in enumerate(rows) for j, c in enumerate(columns) if -1 in (r, c)]
    expected = np.zeros((len(rows), len(columns)), np.float32)
    for i, r in enumerate(rows):
        for j, c in enumerate(columns):
            expected[i, j] = -1 - holes.index((i, j)) if -1 in (r, c) else old[r, c]
    prefix = str(tmp_path_factory.mktemp("ckpt") / "model")
    save_checkpoint(prefix, {"w": old})
    with Graph().as_default():
        made = LoadAndRemapMatrix(
            prefix,
            "w",
            np.array(rows, np.int64),
            np.array(columns, np.int64),
            -1 - np.arange(len(holes), dtype=np.float32),
            num_rows=len(rows),
            num_cols=len(columns),
        )
        np.testing.assert_array_equal(run(made), expected)


@pytest.mark.parametrize(
    ("rows", "columns", "message"),
    [
        ([0, 4], [], "row of tensor w number 4, of which there are 4"),
        ([0, 1], [0, 3, 1], "column of tensor w number 3, of which there are 3"),
        ([0], [], "row_remapping is 1 instead of being equal to num_rows=2"),
    ],
)
def test_what_does_not_fit_is_refused(
    rows: list[int], columns: list[int], message: str, tmp_path: Path
) -> None:
    save_checkpoint(tmp_path / "model", {"w": np.zeros((4, 3), np.float32)})
    made = LoadAndRemapMatrix(
        str(tmp_path / "model"),
        "w",
        rows,
        np.array(columns, np.int64),
        np.array([], np.float32),
        num_rows=2,
        num_cols=3,
    )
    with pytest.raises(errors.InvalidArgumentError, match=message):
        run(made)


def test_a_vocabulary_that_names_something_twice(tmp_path: Path) -> None:
    path = vocabulary(tmp_path / "v", "a", "b", "a")
    with pytest.raises(
        errors.FailedPreconditionError, match=r"v: .*a is in line 1 and again in line 3"
    ):
        run(GenerateVocabRemapping(path, path, new_vocab_offset=0, num_new_vocab=1).remapping)


def test_files_are_read_only_where_the_graph_may(tmp_path: Path, graph: Graph) -> None:
    """The op has no state, and yet a graph of strangers cannot have it read files, not even ahead of the run."""
    path = vocabulary(tmp_path / "v", "a")
    made = GenerateVocabRemapping(path, path, new_vocab_offset=0, num_new_vocab=1).remapping
    with Session() as session:
        session.limit(capabilities=frozenset(), seconds=None)
        with pytest.raises(errors.PermissionDeniedError, match="files"):
            session.run(made)


def test_vocabularies_are_read_with_the_checks_of_tables(tmp_path: Path) -> None:
    path = vocabulary(tmp_path / "v", "a", "b")
    empty = vocabulary(tmp_path / "empty")
    os.mkfifo(tmp_path / "pipe")
    for old, size, error, message in (
        (path, 3, errors.InvalidArgumentError, "vocab_size in .*v: expected 3 but got 2"),
        (empty, 2, errors.InvalidArgumentError, "expected 2 but got 0"),
        (empty, -1, errors.OutOfRangeError, "is empty"),
        (path, 0, errors.OutOfRangeError, "No line of .*v is wanted"),
        (str(tmp_path / "pipe"), -1, errors.FailedPreconditionError, "pipe"),
    ):
        made = GenerateVocabRemapping(
            path, old, new_vocab_offset=0, num_new_vocab=2, old_vocab_size=size
        )
        with pytest.raises(error, match=message):
            run(made.remapping)
