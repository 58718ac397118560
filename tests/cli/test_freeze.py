"""``evergraph freeze`` and ``evergraph quickstart``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import evergraph
from evergraph import errors
from evergraph.formats.graph_file import read_graph_def


def test_the_output_is_worked_out(cli, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "frozen.pb"
    result = cli("freeze", model, "-o", out, "--json")
    assert (result.code, result.err) == (0, "")
    facts = json.loads(result.out)
    assert facts["outputs"] == ["probabilities"]
    assert facts["outputs_named"] is False
    assert facts["inputs"] == ["x"]
    assert facts["checkpoint"] == str(model / "model.ckpt-30")
    assert facts["bytes"] == out.stat().st_size
    graph_def = read_graph_def(out)
    assert len(graph_def.node) == facts["nodes"]
    assert not {node.op for node in graph_def.node} & {"VariableV2", "Variable", "VarHandleOp"}
    checkpoint = evergraph.open_checkpoint(model)
    x = np.array([[1.0, -2.0, 0.5, 3.0]], np.float32)
    logits = x @ checkpoint["dense/kernel"] + checkpoint["dense/bias"]
    wanted = np.exp(logits) / np.exp(logits).sum()
    with evergraph.load_model(out) as loaded:
        np.testing.assert_allclose(loaded(x=x)["probabilities"], wanted, rtol=1e-5)


def test_it_says_how(cli, model: Path, tmp_path: Path) -> None:
    text = cli("freeze", model, "-o", tmp_path / "frozen.pb").out
    assert "outputs: probabilities" in text
    assert "The output was worked out" in text


@pytest.mark.parametrize("named", ["MatMul", "MatMul:0", "probabilities, MatMul"])
def test_outputs_by_name(cli, model: Path, tmp_path: Path, named: str) -> None:
    result = cli(
        "freeze", model / "model.ckpt-10.meta", "-o", tmp_path / "f.pbtxt", "--outputs", named
    )
    assert result.code == 0
    assert "worked out" not in result.out
    names = [node.name for node in read_graph_def(tmp_path / "f.pbtxt").node]
    assert "MatMul" in names
    assert ("probabilities" in names) == ("probabilities" in named)


def test_an_output_that_is_not_there(cli, model: Path, tmp_path: Path) -> None:
    result = cli("freeze", model, "-o", tmp_path / "f.pb", "--outputs", "probabilites")
    assert (result.code, result.out) == (1, "")
    assert "probabilites is not in graph" in result.err
    assert "probabilities" in result.err
    assert not (tmp_path / "f.pb").exists()


def test_a_checkpoint_without_its_graph(cli, tmp_path: Path) -> None:
    evergraph.save_checkpoint(tmp_path / "m", {"a": np.zeros(2)})
    result = cli("freeze", tmp_path / "m", "-o", tmp_path / "f.pb")
    assert result.code == 1
    assert "m.meta is not there" in result.err
    with pytest.raises(errors.NotFoundError):
        evergraph.freeze(tmp_path / "m")


def test_quickstart_leaves_its_files_where_it_is_told(cli, tmp_path: Path) -> None:
    result = cli("quickstart", "-d", tmp_path)
    assert (result.code, result.err) == (0, "")
    assert result.out.count("   ok: ") == 2
    assert "boiling point = 1.902 * pressure + 155.30" in result.out
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "checkpoint",
        "frozen.pb",
        "model.ckpt-200.data-00000-of-00001",
        "model.ckpt-200.index",
        "model.ckpt-200.meta",
    ]


def test_quickstart_leaves_nothing_otherwise(cli, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert cli("quickstart").code == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".index", ".meta", ".data-00000-of-00001"])
def test_no_file_of_a_checkpoint_is_overwritten(cli, model: Path, suffix: str) -> None:
    result = cli("freeze", model, "-o", f"{model}/model.ckpt-30{suffix}")
    assert result.code == 2
    assert "is how a file of a checkpoint is called" in result.err
    assert evergraph.verify_checkpoint(model).whole
