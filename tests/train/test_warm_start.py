"""Warm starts, from the same vocabulary and from another one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evergraph.tf1 as tf
from evergraph import errors
from evergraph.formats.checkpoint_saving import save_checkpoint
from evergraph.train.matrix_remapping import (
    load_and_remap_matrix_initializer,
    load_embedding_initializer,
)

MATRIX = np.arange(12, dtype=np.float32).reshape(4, 3)


@pytest.fixture
def folder(tmp_path: Path) -> str:
    save_checkpoint(
        tmp_path / "model-5",
        {"emb": MATRIX, "bias": np.array([1, 2], np.float32), "steps": np.array([3], np.float32)},
        update_state=True,
    )
    (tmp_path / "old.txt").write_text("mars\nvenus\nsaturn\nmoon\n")
    (tmp_path / "new.txt").write_text("moon\npluto\nmars\n")
    return str(tmp_path)


@pytest.fixture(autouse=True)
def graph() -> Any:
    with tf.Graph().as_default() as graph:
        yield graph


def initialized(*wanted: Any) -> list[Any]:
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return [session.run(variable) for variable in wanted]


def test_which_variables(folder: str) -> None:
    zeros = tf.zeros_initializer()
    bias = tf.get_variable("bias", [2], initializer=zeros)
    steps = tf.get_variable("steps", [1], initializer=zeros, trainable=False)
    tf.train.warm_start(folder)
    assert [value.tolist() for value in initialized(bias, steps)] == [[1, 2], [0]]
    tf.train.warm_start(folder, ["steps"])
    assert [value.tolist() for value in initialized(bias, steps)] == [[1, 2], [3]]


def test_another_vocabulary(folder: str) -> None:
    emb = tf.get_variable("emb", [5, 3])
    info = tf.train.VocabInfo(
        f"{folder}/new.txt", 3, 2, f"{folder}/old.txt", backup_initializer=tf.ones_initializer()
    )
    tf.train.warm_start(folder, None, {"emb": info})
    expected = [MATRIX[3], np.ones(3), MATRIX[0], np.ones(3), np.ones(3)]
    np.testing.assert_array_equal(initialized(emb)[0], expected)


def test_parts_of_another_vocabulary(folder: str) -> None:
    parts = [tf.get_variable(f"new/part_{i}", [n, 3]) for i, n in enumerate((2, 2, 1))]
    for offset, part in zip((0, 2, 4), parts, strict=True):
        info = tf.Variable.SaveSliceInfo("new", [5, 3], [offset, 0], part.shape.as_list())
        part._set_save_slice_info(info)
    vocabulary = tf.train.VocabInfo(f"{folder}/new.txt", 3, 2, f"{folder}/old.txt")
    tf.train.warm_start(folder, "new", {"new": vocabulary}, {"new": "emb"})
    zeros = np.zeros(3)
    expected = [MATRIX[3], zeros, MATRIX[0], zeros, zeros]
    np.testing.assert_array_equal(np.concatenate(initialized(*parts)), expected)


def test_names_that_are_not_used(folder: str) -> None:
    tf.get_variable("bias", [2])
    with pytest.raises(ValueError, match=r"not used: bais.*'bias'"):
        tf.train.warm_start(folder, var_name_to_prev_var_name={"bais": "b"})


@pytest.mark.parametrize("graph_of_objects", [b"\xff\xff", [b"", b""], 5.0])
def test_a_damaged_graph_of_objects(graph_of_objects: Any, tmp_path: Path) -> None:
    value = np.array(graph_of_objects, object if graph_of_objects != 5.0 else np.float32)
    prefix = save_checkpoint(tmp_path / "m", {"_CHECKPOINTABLE_OBJECT_GRAPH": value})
    tf.get_variable("a", [2])
    with pytest.raises(errors.DataLossError, match="_CHECKPOINTABLE_OBJECT_GRAPH"):
        tf.train.warm_start(prefix)


def test_initializers_for_get_variable(folder: str) -> None:
    files = {"old_row_vocab_file": f"{folder}/old.txt", "new_row_vocab_file": f"{folder}/new.txt"}
    prefix = f"{folder}/model-5"
    loaded = load_and_remap_matrix_initializer(prefix, "emb", 3, 3, **files)
    embedded = load_embedding_initializer(
        prefix, "emb", 3, 3, f"{folder}/old.txt", f"{folder}/new.txt", num_oov_buckets=1
    )
    made = tf.get_variable("a", [3, 3], initializer=loaded)
    larger = tf.get_variable("b", [4, 3], initializer=embedded)
    a, b = initialized(made, larger)
    np.testing.assert_array_equal(a, [MATRIX[3], np.zeros(3), MATRIX[0]])
    np.testing.assert_array_equal(b[[0, 2]], MATRIX[[3, 0]])
    assert b[1].any()
    with pytest.raises(ValueError, match="4 additional rows after 0 rows"):
        loaded([4, 3])
    with pytest.raises(ValueError, match="Expected 2nd dim of shape"):
        loaded([3, 4])
    with pytest.raises(TypeError, match="only float32"):
        loaded([3, 3], tf.float64)
    with pytest.raises(TypeError, match="must be callable"):
        load_and_remap_matrix_initializer(prefix, "emb", 3, 3, initializer=5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="must both be specified"):
        load_and_remap_matrix_initializer(prefix, "emb", 3, 3, old_row_vocab_file="x")([3, 3])
    with pytest.raises(ValueError, match="init_from_checkpoint"):
        load_and_remap_matrix_initializer(prefix, "emb", 3, 3)([3, 3])
