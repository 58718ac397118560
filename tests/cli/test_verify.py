"""``evergraph verify``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from evergraph import tf1 as tf
from evergraph.cli import verify as command

DATA = "data-00000-of-00001"


@pytest.fixture
def trained(model: Path, tmp_path: Path) -> Path:
    """A copy of the trained model's folder, to be damaged."""
    return Path(shutil.copytree(model, tmp_path / "runs"))


def flip(path: Path, offset: int = 0) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("suffix", ["", ".index", ".meta", f".{DATA}"])
def test_a_whole_checkpoint(cli, trained: Path, suffix: str) -> None:
    result = cli("verify", f"{trained}/model.ckpt-30{suffix}")
    assert (result.code, result.err) == (0, "")
    assert "model.ckpt-30: whole. 8 tensors with" in result.out
    assert "every checksum is right; the graph parses" in result.out


def test_a_damaged_one(cli, trained: Path) -> None:
    flip(trained / f"model.ckpt-30.{DATA}", 12)
    result = cli("verify", trained / "model.ckpt-30")
    assert result.code == 1
    assert "model.ckpt-30: damaged." in result.out
    assert "Still readable with evergraph.open_checkpoint: 7 tensors; lost: " in result.out
    facts = json.loads(cli("verify", trained / "model.ckpt-30", "--json").out)
    (checkpoint,) = facts["checkpoints"]
    (damage,) = checkpoint["damage"]
    assert facts["whole"] is checkpoint["whole"] is False
    assert damage["file"] == f"{trained}/model.ckpt-30.{DATA}"
    assert damage["offset"] <= 12
    assert checkpoint["lost"] == [damage["tensor"]]
    assert len(checkpoint["readable"]) == 7


def test_a_folder(cli, trained: Path) -> None:
    result = cli("verify", trained)
    assert result.code == 0
    assert result.out.count(": whole.") == 3
    flip(trained / f"model.ckpt-20.{DATA}")
    result = cli("verify", trained / "checkpoint")
    assert result.code == 1
    assert (result.out.count(": whole."), result.out.count(": damaged.")) == (2, 1)


def test_the_newest_that_is_whole(cli, trained: Path) -> None:
    assert cli("verify", trained, "--latest").out.count(": whole.") == 1
    flip(trained / f"model.ckpt-30.{DATA}")
    (trained / "model.ckpt-20.meta").write_bytes(b"")
    result = cli("verify", trained, "--latest")
    assert result.code == 0
    assert "model.ckpt-30: damaged." in result.out
    assert "model.ckpt-20.meta is empty (0 bytes); a MetaGraphDef was expected" in result.out
    assert result.out.endswith(f"The newest that is whole: {trained}/model.ckpt-10\n")
    flip(trained / f"model.ckpt-10.{DATA}")
    facts = json.loads(cli("verify", trained, "--latest", "--json").out)
    assert (facts["whole"], facts["latest"], len(facts["checkpoints"])) == (False, None, 3)
    assert cli("verify", trained, "--latest").code == 1
    assert cli("verify", trained / "model.ckpt-30", "--latest").code == 2


def test_what_a_dead_save_has_left_is_named(cli, trained: Path) -> None:
    for name in (f"m.{DATA}.tempstate1234567890", "checkpoint.tmp0123456789abcdef"):
        (trained / name).write_bytes(b"half")
    result = cli("verify", trained)
    assert result.code == 0
    assert f"m.{DATA}.tempstate1234567890 (4 bytes) is being written, or was left" in result.out
    assert len(json.loads(cli("verify", trained, "--json").out)["unfinished"]) == 2


def test_nothing_there(cli, tmp_path: Path) -> None:
    result = cli("verify", tmp_path)
    assert result.code == 1
    assert "There is no checkpoint in the folder" in result.err


@pytest.mark.shared
@pytest.mark.shared
def test_a_file_of_another_kind_is_not_called_damaged(cli, shared: Path, tmp_path: Path) -> None:
    graph = tmp_path / "frozen.pb"
    with tf.Graph().as_default():
        tf.constant(1.0)
        tf.train.write_graph(tf.get_default_graph(), tmp_path, graph.name, as_text=False)
    result = cli("verify", graph)
    assert (result.code, result.out) == (1, "")
    assert "is a GraphDef, and no checkpoint: `evergraph inspect` shows what is in it" in result.err
    model = shared / "data/edge/adam_ref/saved_model/saved_model.pb"
    assert cli("verify", model).out == cli("verify", model.parent).out


def test_a_saved_model(cli, shared: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(shared / "data/edge/adam_ref/saved_model", tmp_path / "export"))
    assert "the graph parses" in cli("verify", folder).out
    (folder / "saved_model.pb").write_bytes(b"\x08\x01\x12\x7f")
    result = cli("verify", folder)
    assert result.code == 1
    assert f"{folder}/saved_model.pb is a SavedModel, damaged at byte" in result.out


@pytest.mark.shared
def test_a_saved_model_without_variables(cli, shared: Path, tmp_path: Path) -> None:
    source = shared / "data/edge/adam_ref/saved_model/saved_model.pb"
    (tmp_path / "saved_model.pb").write_bytes(source.read_bytes())
    result = cli("verify", tmp_path)
    assert result.code == 0
    assert "whole. 0 tensors" in result.out
    (tmp_path / "saved_model.pb").write_bytes(b"\x08\x01\x12\x7f")
    assert cli("verify", tmp_path).code == 1


def test_long_work_shows_how_far_it_is(cli, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_LONG_WORK", 10)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    result = cli("verify", trained / "model.ckpt-30")
    assert result.code == 0
    assert "[#########################] 100 %" in result.err
