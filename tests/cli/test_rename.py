"""``evergraph rename``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import evergraph
from evergraph.formats.object_graph import OBJECT_GRAPH_KEY
from tests.formats.test_object_graph import node, variable


def test_new_names(cli, model: Path, tmp_path: Path) -> None:
    result = cli(
        "rename", model, tmp_path / "new", "--map", "s/^dense/head/", "--map", "/_power$/d"
    )
    assert result.code == 0, result.err
    assert f"{model}/model.ckpt-30: 6 tensors renamed, 2 dropped, 0 as they were" in result.out
    assert "dense/kernel/Adam -> head/kernel/Adam" in result.out
    assert "beta1_power dropped" in result.out
    assert "with data of its own" in result.out
    assert "no .meta" in result.out
    old, new = evergraph.open_checkpoint(model), evergraph.open_checkpoint(tmp_path / "new")
    assert len(new) == 6
    np.testing.assert_array_equal(new["head/kernel"], old["dense/kernel"])


def test_only_names_change(cli, model: Path, tmp_path: Path) -> None:
    result = cli("rename", model / "model.ckpt-30", tmp_path / "new", "--map", "s|^|a/|", "--json")
    facts = json.loads(result.out)
    assert facts["renamed"]["dense/bias"] == "a/dense/bias"
    assert (facts["unchanged"], facts["dropped"], facts["written"]) == ([], [], True)
    data = "data-00000-of-00001"
    same = (tmp_path / f"new.{data}").samefile(model / f"model.ckpt-30.{data}")
    assert same is facts["data_linked"]
    cli("rename", model / "model.ckpt-30", tmp_path / "copy", "--map", "s|^|a/|", "--copy")
    assert not (tmp_path / f"copy.{data}").samefile(model / f"model.ckpt-30.{data}")


def test_a_dry_run_writes_nothing(cli, model: Path, tmp_path: Path) -> None:
    result = cli("rename", model, "--dry-run", "--map", r"s/DENSE.(\w+)/\1/i")
    assert result.code == 0, result.err
    assert "dense/kernel/Adam_1 -> kernel/Adam_1" in result.out
    assert "Nothing was written." in result.out
    cli("rename", model, tmp_path / "new", "--dry-run", "--map", "s/a/b/")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        ("s/e/E/", "dEnse/kernel"),
        ("s/e/E/g", "dEnsE/kErnEl"),
        ("s/DENSE/d/i", "d/kernel"),
        (r"s/^dense\///", "kernel"),
        (r"s,(\w+)/(\w+)$,\2/\1,", "kernel/dense"),
        (r"s|dense\|x|y|", "y/kernel"),  # an escaped separator is what it is without it
        ("s/N/x/gi", "dexse/kerxel"),
    ],
)
def test_rules_are_those_of_sed(cli, tmp_path: Path, rule: str, name: str) -> None:
    path = evergraph.save_checkpoint(tmp_path / "m", {"dense/kernel": 1})
    facts = json.loads(cli("rename", path, "--dry-run", "--json", "--map", rule).out)
    assert facts["renamed"] == {"dense/kernel": name}


@pytest.mark.parametrize(
    "rule", ["", "s", "s/a/b", "a=b", "s/a/b/x", "/a/", "sxaxbx", "s/(/b/", "/[/d"]
)
def test_what_is_no_rule(cli, model: Path, rule: str) -> None:
    result = cli("rename", model, "--dry-run", "--map", rule)
    assert result.code == 2
    assert "Invalid value" in result.err


def test_refusals(cli, model: Path, tmp_path: Path) -> None:
    assert cli("rename", model, tmp_path / "new").code == 2
    assert cli("rename", model, "--map", "s/a/b/").code == 2
    assert cli("rename", model, tmp_path / "new", "--full-names").code == 2
    clash = cli("rename", model, tmp_path / "new", "--map", r"s/_1?$//", "--map", "s/.Adam//")
    assert clash.code == 1
    assert "Two tensors would be called" in clash.err
    assert list(tmp_path.iterdir()) == []
    assert cli("rename", model, tmp_path / "new", "--map", "s/^/a/").code == 0
    again = cli("rename", model, tmp_path / "new", "--map", "s/^/b/")
    assert again.code == 1
    assert "already" in again.err
    assert cli("rename", model, tmp_path / "new", "--map", "s/^/b/", "--force").code == 0
    assert "bbeta1_power" in evergraph.open_checkpoint(tmp_path / "new")
    same = cli("rename", tmp_path / "new", tmp_path / "new", "--map", "s/^/b/", "--force")
    assert same.code == 1
    assert "is the checkpoint itself" in same.err


def test_an_object_based_checkpoint_gets_its_variables_names(cli, tmp_path: Path) -> None:
    key = "layer/kernel/.ATTRIBUTES/VARIABLE_VALUE"
    graph = node({"layer": 1}) + node({"kernel": 2}) + variable("layer/kernel", "dense/kernel")
    path = evergraph.save_checkpoint(tmp_path / "m", {key: 1.5, OBJECT_GRAPH_KEY: graph})
    result = cli("rename", path, tmp_path / "new", "--full-names", "--map", "s/dense/head/")
    assert result.code == 0, result.err
    assert dict(evergraph.open_checkpoint(tmp_path / "new")) == {"head/kernel": 1.5}
