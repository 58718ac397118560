"""Loading SavedModels: tags, scopes, main ops with assets; and what cannot be loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import evergraph.tf1 as tf
from evergraph import errors
from evergraph.formats.graph_file import read_saved_model


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """A SavedModel with two graphs; the main op of the first copies an asset's path into a variable."""
    words = tmp_path / "words.txt"
    words.write_text("a\nb\n")
    builder = tf.saved_model.Builder(tmp_path / "export")
    with tf.Graph().as_default(), tf.Session() as session:
        path = tf.constant(str(words), name="path")
        w = tf.Variable(3.0, name="w")
        seen = tf.Variable("", name="seen")
        session.run(tf.global_variables_initializer())
        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            {"s": tf.saved_model.predict_signature_def({"w": w}, {"w": w})},
            assets_collection=[path],
            main_op=tf.assign(seen, path).op,
        )
    with tf.Graph().as_default():
        tf.Variable(0.0, name="w")
        builder.add_meta_graph(["train", "gpu"])
    builder.save()
    words.unlink()
    return tmp_path / "export"


def load(folder: Any, tags: Any, **options: Any) -> Any:
    session = tf.Session(graph=tf.Graph())
    return session, tf.saved_model.load(session, tags, folder, **options)


def test_the_main_op_sees_the_assets(export: Path) -> None:
    session, meta = load(export, ["serve"])
    assert session.run("seen:0") == str(export / "assets" / "words.txt").encode()
    assert session.run("w:0") == 3.0
    assert list(meta.signature_def) == ["s"]


@pytest.mark.parametrize("tags", [["train", "gpu"], ("gpu", "train"), {"train", "gpu"}])
def test_tags_have_no_order(export: Path, tags: Any) -> None:
    assert load(export, tags)[0].run("w:0") == 3.0


def test_a_single_tag(export: Path) -> None:
    assert load(export, "serve")[0].run("w:0") == 3.0


@pytest.mark.parametrize("tags", [[], ["train"], ["serve", "gpu"], ["sreve"]])
def test_other_tags(export: Path, tags: list[str]) -> None:
    with pytest.raises(RuntimeError, match=r"available tags \{'serve'\}, \{'gpu', 'train'\}"):
        load(export, tags)


def test_scopes(export: Path) -> None:
    session, _ = load(export, ["serve"], import_scope="one")
    tf.saved_model.load(session, ["serve"], export, import_scope="two")
    for scope in ("one", "two"):
        assert session.run(f"{scope}/w:0") == 3.0
        assert session.run(f"{scope}/seen:0").endswith(b"/assets/words.txt")


def test_input_map(export: Path) -> None:
    graph = tf.Graph()
    with graph.as_default(), tf.Session() as session:
        path = tf.constant("elsewhere")
        tf.saved_model.load(session, ["serve"], export, input_map={"path:0": path})
        assert session.run("seen:0") == b"elsewhere"


def test_is_it_one(export: Path) -> None:
    assert tf.saved_model.maybe_saved_model_directory(str(export))
    assert tf.saved_model.contains_saved_model(export)
    assert not tf.saved_model.loader.maybe_saved_model_directory(export.parent)
    assert not tf.saved_model.contains_saved_model(export / "none")


def test_folders_without_one(export: Path, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="There is no such folder"):
        load(tmp_path / "none", ["serve"])
    with pytest.raises(OSError, match=r"It holds variables\.data-00000-of-00001, variables\.index"):
        load(export / "variables", ["serve"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(OSError, match="It is empty"):
        load(tmp_path / "empty", ["serve"])


def test_folders_of_versions(export: Path, tmp_path: Path) -> None:
    versions = tmp_path / "versions"
    versions.mkdir()
    export.rename(versions / "10")
    for other in ("9", "11", "notes"):
        (versions / other).mkdir()
    (versions / "9" / "saved_model.pb").write_bytes((versions / "10/saved_model.pb").read_bytes())
    with pytest.raises(errors.NotFoundError, match=r"versions of one \(9, 10\).*newest is .*/10"):
        load(versions, ["serve"])


def test_the_split_form(tmp_path: Path) -> None:
    (tmp_path / "saved_model.cpb").write_bytes(b"")
    with pytest.raises(errors.NotFoundError, match="split form"):
        load(tmp_path, ["serve"])


def test_damage(export: Path) -> None:
    path = export / "saved_model.pb"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(errors.DataLossError, match=r"saved_model\.pb is a SavedModel, damaged"):
        load(export, ["serve"])
    (export / "variables" / "variables.index").unlink()
    path.write_bytes(b"<!DOCTYPE html>")
    with pytest.raises(errors.DataLossError, match="a web page"):
        load(export, ["serve"])


def test_missing_variables(export: Path) -> None:
    (export / "variables" / "variables.index").unlink()
    with pytest.raises(ValueError, match=r"not a valid checkpoint.*variables/variables"):
        load(export, ["serve"])


def edit(export: Path, change: Any) -> None:
    model = read_saved_model(export)
    change(model.meta_graphs[0])
    (export / "saved_model.pb").write_bytes(model.SerializeToString())


@pytest.mark.parametrize("name", ["../saved_model.pb", "/etc/passwd", "a/../../variables"])
def test_assets_that_lead_out(export: Path, name: str) -> None:
    def change(meta: Any) -> None:
        meta.asset_file_def.add(filename=name).tensor_info.name = "path:0"

    edit(export, change)
    with pytest.raises(errors.PermissionDeniedError, match=r"outside of .*assets"):
        load(export, ["serve"])


def test_two_main_ops(export: Path) -> None:
    edit(
        export, lambda meta: meta.collection_def["saved_model_main_op"].node_list.value.append("w")
    )
    with pytest.raises(RuntimeError, match=r"exactly one SavedModel init op\. Found 2"):
        load(export, ["serve"])


def test_an_init_op_that_is_not_there(export: Path) -> None:
    def change(meta: Any) -> None:
        key = "__saved_model_init_op"
        meta.signature_def[key].outputs[key].name = "missing"

    edit(export, change)
    with pytest.raises(errors.NotFoundError, match="'missing'"):
        load(export, ["serve"])


def test_a_damaged_list_of_assets(export: Path) -> None:
    def change(meta: Any) -> None:
        meta.collection_def["saved_model_assets"].any_list.value[0].value = b"\xff\xff"

    edit(export, change)
    with pytest.raises(errors.DataLossError, match="saved_model_assets"):
        load(export, ["serve"])


def test_step_by_step(export: Path) -> None:
    from evergraph.saved_model.loader import SavedModelLoader

    loader = SavedModelLoader(export)
    assert loader.export_dir == str(export)
    assert loader.saved_model.saved_model_schema_version == 1
    with tf.Session(graph=tf.Graph()) as session:
        saver, _ = loader.load_graph(session.graph, ["serve"])
        with pytest.raises(ValueError, match="a saver is required"):
            loader.restore_variables(session, None)
        loader.restore_variables(session, saver)
        assert session.run("seen:0") == b""
        loader.run_init_ops(session, ["serve"])
        assert session.run("seen:0")
