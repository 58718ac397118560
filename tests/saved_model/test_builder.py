"""SavedModelBuilder: what is written, and that it is there whole or not at all."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evergraph
import evergraph.tf1 as tf
from evergraph import errors
from evergraph.formats.graph_file import read_saved_model


@pytest.fixture
def session() -> Any:
    """A session of y = x w, with w = 2."""
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None], name="x")
        w = tf.get_variable("w", initializer=2.0)
        tf.multiply(x, w, name="y")
        session.run(tf.global_variables_initializer())
        yield session


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def simple(session: Any) -> dict[str, Any]:
    tensor = session.graph.get_tensor_by_name
    return {"inputs": {"x": tensor("x:0")}, "outputs": {"y": tensor("y:0")}}


WHOLE = [
    "saved_model.pb",
    "variables",
    "variables/variables.data-00000-of-00001",
    "variables/variables.index",
]


def test_nothing_is_there_before_save(session: Any, tmp_path: Path) -> None:
    builder = tf.saved_model.Builder(tmp_path / "export")
    builder.add_meta_graph_and_variables(session, ["serve"])
    assert not (tmp_path / "export").exists()
    path = builder.save()
    assert path == os.fsencode(tmp_path / "export" / "saved_model.pb")
    assert files_in(tmp_path / "export") == WHOLE
    assert os.listdir(tmp_path) == ["export"]


def test_what_fails_leaves_nothing(session: Any, tmp_path: Path) -> None:
    def export() -> None:
        builder = tf.saved_model.Builder(tmp_path / "deep" / "export")
        builder.add_meta_graph_and_variables(session, ["serve"])
        with pytest.raises(TypeError, match="must be a Tensor"):
            builder.add_meta_graph(["train"], assets_collection=["words.txt"])

    export()
    assert files_in(tmp_path) == ["deep"]


def test_uninitialized_variables_are_not_exported(tmp_path: Path) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        tf.get_variable("w", [2])
        x = tf.placeholder(tf.float32)
        with pytest.raises(errors.FailedPreconditionError, match="uninitialized"):
            tf.saved_model.simple_save(session, tmp_path / "export", {"x": x}, {"y": x})
    assert files_in(tmp_path) == []


def test_an_empty_folder_is_filled(session: Any, tmp_path: Path) -> None:
    (tmp_path / "export").mkdir()
    tf.saved_model.simple_save(session, str(tmp_path / "export") + "/", **simple(session))
    assert files_in(tmp_path / "export") == WHOLE


def test_a_folder_with_files_is_refused(session: Any, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(AssertionError, match="already exists, and isn't empty"):
        tf.saved_model.simple_save(session, tmp_path, **simple(session))
    (tmp_path / "file").write_text("")
    with pytest.raises(AssertionError):
        tf.saved_model.Builder(tmp_path / "file")
    assert files_in(tmp_path) == ["file", "notes.txt"]


def test_what_a_killed_export_left_is_no_obstacle(session: Any, tmp_path: Path) -> None:
    (tmp_path / "export" / ".evergraph-abc").mkdir(parents=True)
    tf.saved_model.simple_save(session, tmp_path / "export", **simple(session))
    assert [*WHOLE] == files_in(tmp_path / "export")[1:]


def test_the_folder_appears_in_the_meantime(session: Any, tmp_path: Path) -> None:
    """Other files of a program stay; another model is not written over."""
    first, second = (tf.saved_model.Builder(tmp_path / "export") for _ in range(2))
    first.add_meta_graph_and_variables(session, ["first"])
    second.add_meta_graph_and_variables(session, ["second"])
    (tmp_path / "export" / "assets.extra").mkdir(parents=True)
    first.save()
    assert files_in(tmp_path / "export") == ["assets.extra", *WHOLE]
    with pytest.raises(errors.AlreadyExistsError, match="in the meantime"):
        second.save()
    (meta,) = read_saved_model(tmp_path / "export").meta_graphs
    assert list(meta.meta_info_def.tags) == ["first"]


def test_saved_again_with_more(session: Any, tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("a\n")
    builder = tf.saved_model.Builder(tmp_path / "export")
    builder.add_meta_graph_and_variables(session, ["serve"])
    builder.save()
    asset = tf.constant(str(words))
    builder.add_meta_graph(["train"], assets_collection=[asset])
    builder.save()
    builder.save(as_text=True)
    found = files_in(tmp_path / "export")
    assert found == ["assets", "assets/words.txt", WHOLE[0], "saved_model.pbtxt", *WHOLE[1:]]
    for name in ("saved_model.pb", "saved_model.pbtxt"):
        metas = read_saved_model(tmp_path / "export" / name).meta_graphs
        assert [list(meta.meta_info_def.tags) for meta in metas] == [["serve"], ["train"]]


def test_assets_of_one_name(session: Any, tmp_path: Path) -> None:
    paths = []
    for i, text in enumerate(["a", "b", "a", "c"]):
        path = tmp_path / str(i) / "words.txt"
        path.parent.mkdir()
        path.write_text(text)
        paths.append(tf.constant(str(path), name=f"path_{i}"))
    builder = tf.saved_model.Builder(tmp_path / "export")
    builder.add_meta_graph_and_variables(session, ["a"], assets_list=paths)
    builder.save()
    (meta,) = read_saved_model(tmp_path / "export").meta_graphs
    assert [(each.filename, each.tensor_info.name) for each in meta.asset_file_def] == [
        ("words.txt", "path_0:0"),
        ("words.txt_1", "path_1:0"),
        ("words.txt", "path_2:0"),
        ("words.txt_2", "path_3:0"),
    ]
    assets = tmp_path / "export" / "assets"
    texts = {path.name: path.read_text() for path in assets.iterdir()}
    assert texts == {"words.txt": "a", "words.txt_1": "b", "words.txt_2": "c"}


def test_an_asset_that_is_not_there(
    session: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    builder = tf.saved_model.Builder(tmp_path / "export")
    with caplog.at_level(logging.WARNING):
        builder.add_meta_graph_and_variables(
            session, ["a"], assets_collection=[tf.constant("/nowhere/words.txt")]
        )
    assert "/nowhere/words.txt" in caplog.text


def test_init_and_train_ops_as_signatures(session: Any, tmp_path: Path) -> None:
    init, train = tf.no_op(name="prepare"), tf.no_op(name="learn")
    builder = tf.saved_model.Builder(tmp_path / "export")
    builder.add_meta_graph_and_variables(session, ["a"], init_op=init, train_op=train)
    builder.save()
    with tf.Session(graph=tf.Graph()) as other:
        meta = tf.saved_model.load(other, ["a"], tmp_path / "export")
        op = tf.saved_model.signature_def_utils.load_op_from_signature_def(
            meta.signature_def["__saved_model_train_op"], "__saved_model_train_op"
        )
    assert op.name == "learn"
    assert meta.signature_def["__saved_model_init_op"].outputs["__saved_model_init_op"].name == (
        "prepare"
    )


def test_a_builder_of_one_saver(session: Any, tmp_path: Path) -> None:
    (w,) = tf.global_variables()
    builder = tf.saved_model.Builder(tmp_path / "export")
    builder.add_meta_graph_and_variables(session, ["a"], saver=tf.train.Saver({"renamed": w}))
    builder.save()
    with evergraph.open_checkpoint(tmp_path / "export") as checkpoint:
        assert {name: float(checkpoint[name]) for name in checkpoint} == {"renamed": 2.0}


def test_a_model_goes_through_unharmed(session: Any, tmp_path: Path) -> None:
    tf.saved_model.simple_save(session, tmp_path / "export", **simple(session))
    os.rename(tmp_path / "export", tmp_path / "moved")
    with tf.Session(graph=tf.Graph()) as other:
        tf.saved_model.loader.load(other, [tf.saved_model.SERVING], str(tmp_path / "moved"))
        np.testing.assert_array_equal(other.run("y:0", {"x:0": [1, 2]}), [2, 4])
