"""``evergraph inspect``: what it says of each kind of path."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import evergraph
import evergraph.tf1 as tf
from evergraph import errors
from evergraph.cli.facts import facts_of


def test_a_checkpoint(cli, model: Path) -> None:
    result = cli("inspect", model / "model.ckpt-30", "--json")
    assert (result.code, result.err) == (0, "")
    facts = json.loads(result.out)
    assert facts["kind"] == "checkpoint"
    assert (facts["format"], facts["step"]) == ("V2", 30)
    sizes = {tensor["name"]: tensor for tensor in facts["tensors"]}
    assert sizes["dense/kernel"] == {
        "name": "dense/kernel",
        "dtype": "float32",
        "shape": [4, 3],
        "bytes": 48,
    }
    # Two variables with two Adam slots each, and the two powers of beta.
    assert facts["totals"] == {"tensors": 8, "elements": 3 * 15 + 2, "bytes": 4 * (3 * 15 + 2)}
    files = {file["name"]: file for file in facts["files"]}
    assert set(files) == {
        f"model.ckpt-30{end}" for end in (".index", ".meta", ".data-00000-of-00001")
    }
    assert files["model.ckpt-30.data-00000-of-00001"]["bytes"] == 188
    assert files["model.ckpt-30.meta"]["bytes"] == (model / "model.ckpt-30.meta").stat().st_size


@pytest.mark.parametrize("member", ["", ".index", ".data-00000-of-00001"])
def test_any_member_stands_for_a_checkpoint(cli, model: Path, member: str) -> None:
    wanted = cli("inspect", model / "model.ckpt-20").out
    assert cli("inspect", f"{model}/model.ckpt-20{member}").out == wanted


def test_order_and_choice(cli, model: Path) -> None:
    def names(*options: str) -> list[str]:
        return [
            tensor["name"]
            for tensor in json.loads(
                cli("inspect", model / "model.ckpt-30", "--json", *options).out
            )["tensors"]
        ]

    assert names() == sorted(names())
    assert names("--match", "^dense/bias") == ["dense/bias", "dense/bias/Adam", "dense/bias/Adam_1"]
    assert names("--sort", "size")[:2] == ["dense/kernel", "dense/kernel/Adam"]
    assert names("--sort", "shape")[:2] == ["beta1_power", "beta2_power"]
    assert len(names("--sort", "dtype")) == 8
    shown = cli("inspect", model / "model.ckpt-30", "--match", "kernel$").out
    assert "8 tensors (1 shown), 47 elements, 188 bytes:" in shown


def test_a_folder(cli, model: Path) -> None:
    facts = json.loads(cli("inspect", model, "--json").out)
    assert facts["kind"] == "folder"
    assert [checkpoint["step"] for checkpoint in facts["checkpoints"]] == [10, 20, 30]
    assert [checkpoint["latest"] for checkpoint in facts["checkpoints"]] == [False, False, True]
    assert facts["latest"]["prefix"] == str(model / "model.ckpt-30")
    text = cli("inspect", model).out
    assert "a folder with 3 checkpoints" in text
    assert cli("inspect", model / "checkpoint").out == text


def test_a_folder_without_its_state_file(cli, model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(model, folder)
    (folder / "checkpoint").unlink()
    facts = json.loads(cli("inspect", folder, "--json").out)
    assert len(facts["checkpoints"]) == 3
    assert facts["latest"] is None
    assert facts["notice"]


def test_a_state_file_that_names_what_is_gone(cli, model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(model, folder)
    for path in folder.glob("model.ckpt-10.*"):
        path.unlink()
    state = folder / "checkpoint"
    state.write_text(state.read_text().replace(f"{model}/", ""))
    facts = json.loads(cli("inspect", folder, "--json").out)
    assert len(facts["checkpoints"]) == 2
    assert [Path(each).name for each in facts["missing"]] == ["model.ckpt-10"]
    assert "model.ckpt-10: named by the state file, and not there" in cli("inspect", folder).out


def test_a_meta_graph(cli, model: Path) -> None:
    facts = json.loads(cli("inspect", model / "model.ckpt-30.meta", "--json").out)
    assert facts["kind"] == "meta graph"
    assert facts["inputs"] == [
        {"name": "x", "dtype": "float32", "shape": [None, 4]},
        {"name": "labels", "dtype": "int64", "shape": [None]},
    ]
    assert len(facts["variables"]) == 8
    assert facts["collections"]["trainable_variables"]["count"] == 2
    assert (facts["saver"]["format"], facts["saver"]["max_to_keep"]) == ("V2", 5)
    assert facts["saver"]["restore"] == "save/restore_all"
    assert facts["likely_outputs"][0] == "probabilities"
    assert len(facts["files"]) == 3


def test_a_meta_graph_alone(cli, model: Path, tmp_path: Path) -> None:
    shutil.copy(model / "model.ckpt-30.meta", tmp_path / "alone.meta")
    result = cli("inspect", tmp_path / "alone.meta")
    assert result.code == 0
    assert "Its checkpoint is not there" in result.out


@pytest.mark.parametrize("name", ["graph.pb", "graph.pbtxt"])
def test_a_graph(cli, tmp_path: Path, name: str) -> None:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 2], name="x")
        table = tf.constant(np.ones((2, 5), np.float32), name="table")
        tf.nn.softmax(tf.matmul(x, table), name="answer")
        tf.constant(["a", "bcd"], name="words")
    tf.train.write_graph(graph, str(tmp_path), name, as_text=name.endswith("txt"))
    facts = json.loads(cli("inspect", tmp_path / name, "--json").out)
    assert facts["kind"] == "graph"
    assert facts["nodes"] == 5
    assert facts["ops"]["Const"] == 2
    assert facts["likely_outputs"] == ["answer"]
    assert {tensor["name"]: tensor["bytes"] for tensor in facts["tensors"]} == {
        "table": 40,
        "words": 4,
    }
    text = cli("inspect", tmp_path / name).out
    assert "x  float32  [?, 2]" in text
    assert "table  float32  [2, 5]  40" in text


def test_values_are_not_read(cli, tmp_path: Path) -> None:
    evergraph.save_checkpoint(tmp_path / "m", {"a": np.arange(1000.0)})
    data = tmp_path / "m.data-00000-of-00001"
    data.write_bytes(b"\xff" * data.stat().st_size)
    assert "a  float64  [1000]  8,000" in cli("inspect", tmp_path / "m").out
    with pytest.raises(errors.DataLossError):
        evergraph.open_checkpoint(tmp_path / "m")["a"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "Git LFS"),
        (b"\x1f\x8b\x08\x00" + bytes(60), "gzip"),
    ],
)
def test_files_of_other_kinds(cli, tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "model.pb"
    path.write_bytes(content)
    result = cli("inspect", path)
    assert (result.code, result.out) == (1, "")
    assert str(path) in result.err
    assert said in result.err


@pytest.mark.shared
def test_every_shared_file_is_understood_or_refused_with_a_sentence(shared: Path) -> None:
    kinds: dict[str, int] = {}
    for path in sorted((shared / "data").rglob("*")):
        if not path.is_file() or path.suffix in (".json", ".md", ".tsv", ".npz"):
            continue
        try:
            kind = facts_of(str(path))["kind"]
        except errors.OpError:
            kind = "refused"
        kinds[kind] = kinds.get(kind, 0) + 1
    assert kinds["graph"] >= 700
    assert kinds["checkpoint"] >= 140
    assert kinds["saved model"] >= 20
    assert kinds["meta graph"] >= 20


@pytest.mark.shared
def test_functions_and_objects_of_tensorflow_2(shared: Path, cli) -> None:
    result = cli("inspect", shared / "data/artifacts/tfrust/examples/regression_savedmodel")
    assert "functions: __call__, get_b, get_w, train, signatures/train" in result.out
    assert "optimizer/learning_rate  float32" in result.out


@pytest.mark.shared
def test_the_newest_version_of_a_saved_model(shared: Path, cli) -> None:
    folder = "tensorflow/cc/saved_model/testdata/half_plus_two"
    result = cli("inspect", shared / "data/artifacts/tf15" / folder)
    assert "half_plus_two/00000123: a SavedModel" in result.out
