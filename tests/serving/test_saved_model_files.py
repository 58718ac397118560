"""Every real SavedModel, each of its signatures: what TensorFlow gave is what ``load_model`` gives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import evergraph
from tests.manifest import checks
from tests.manifest.entries import Entry, entries, feed

pytestmark = pytest.mark.shared

#: Signatures that do not run yet, with what is in the way: "file: signature" -> the sentence.
BLOCKED: dict[str, str] = {}


def saved_models(shared: Path) -> list[Entry]:
    return [entry for entry in entries(shared / "data").values() if entry.kind == "saved_model"]


def test_signatures(shared: Path) -> None:
    ran = 0
    blocked: dict[str, str] = {}
    for entry in saved_models(shared):
        for facts in entry.facts["meta_graphs"]:
            for name in facts["runs"]:
                try:
                    check(entry, facts, name)
                    ran += 1
                except (evergraph.errors.OpError, checks.Difference) as error:
                    blocked[f"{entry.id}: {name}"] = str(error).splitlines()[0]
    assert blocked == BLOCKED
    assert ran >= 45


def check(entry: Entry, facts: dict[str, Any], name: str) -> None:
    signature, run = facts["signature_defs"][name], facts["runs"][name]
    fed = {tensor: feed(entry, fact) for tensor, fact in run["feeds"].items()}
    with evergraph.load_model(entry.path.parent, tags=facts["tags"]) as model:
        function = model.signatures[name]
        inputs = {key: fed[tensor] for key, (tensor, _, _) in signature["inputs"].items()}
        outputs = function(inputs)
    assert set(function.inputs) == set(signature["inputs"])
    assert set(outputs) == set(signature["outputs"])
    by_tensor = {tensor: outputs[key] for key, (tensor, _, _) in signature["outputs"].items()}
    with_graph = replace(entry, facts={**entry.facts, "graph": facts["graph"]})
    for fact in run["outputs"]:
        checks._compare(with_graph, fact, by_tensor[fact["name"]])


def test_variables(shared: Path) -> None:
    """The variables of each are a checkpoint, also by the folder."""
    for entry in saved_models(shared):
        if (entry.path.parent / "variables" / "variables.index").exists():
            with evergraph.open_checkpoint(entry.path.parent) as checkpoint:
                assert all(checkpoint[name] is not None for name in checkpoint)


@pytest.mark.parametrize("name", ["half_plus_two", "half_plus_two_pbtxt"])
def test_the_newest_version(shared: Path, name: str) -> None:
    folder = shared / "data/artifacts/tf15/tensorflow/cc/saved_model/testdata" / name
    with evergraph.load_model(folder) as model:
        assert model(x=[[2.0]])["y"].tolist() == [[3.0]]
