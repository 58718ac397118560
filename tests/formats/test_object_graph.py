"""The object graph of a TensorFlow 2 checkpoint: paths, aliases, slots, and messages of strangers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import evergraph
from evergraph.formats.object_graph import (
    OBJECT_GRAPH_KEY,
    ObjectGraph,
    SavedAttribute,
    SlotReference,
)
from evergraph.formats.wire import WireError, bytes_field, varint_field


def node(
    children: Mapping[str, int] | Sequence[tuple[str, int]] = (),
    attributes: Sequence[tuple[str, str, str]] = (),
    slots: Sequence[tuple[int, str, int]] = (),
    more: bytes = b"",
) -> bytes:
    """A TrackableObject within the message."""
    pairs = children.items() if isinstance(children, Mapping) else children
    message = b"".join(
        bytes_field(1, varint_field(1, number) + bytes_field(2, name.encode()))
        for name, number in pairs
    )
    for texts in attributes:
        message += bytes_field(
            2, b"".join(bytes_field(i + 1, text.encode()) for i, text in enumerate(texts))
        )
    for variable, slot, number in slots:
        message += bytes_field(
            3, varint_field(1, variable) + bytes_field(2, slot.encode()) + varint_field(3, number)
        )
    return bytes_field(1, message + more)


def variable(key: str, full_name: str = "") -> bytes:
    return node(
        attributes=[("VARIABLE_VALUE", full_name, f"{key}/.ATTRIBUTES/VARIABLE_VALUE")],
        more=bytes_field(5, varint_field(1, 1)),
    )


TRAINING = b"".join(
    (
        node({"model": 1, "optimizer": 2, "again": 3}),
        node({"kernel": 3, "parent": 0}),
        node({"beta": 5}, slots=[(3, "m", 4)], more=bytes_field(4, bytes_field(1, b"saver"))),
        variable("model/kernel", "dense/kernel"),
        variable("model/kernel/.OPTIMIZER_SLOT/optimizer/m", "dense/kernel/m"),
        variable("optimizer/beta", "beta"),
    )
)


def test_paths_slots_and_names() -> None:
    graph = ObjectGraph.decode(TRAINING)
    assert [tensor.path for tensor in graph.tensors] == [
        "again",
        "optimizer/beta",
        "again/.OPTIMIZER_SLOT/optimizer/m",
    ]
    assert list(graph.aliases()) == [("model/kernel", "again"), ("model/parent", "")]
    key = "model/kernel/.ATTRIBUTES/VARIABLE_VALUE"
    assert graph.keys("again") == graph.keys("model/kernel") == (key,)
    assert graph.keys("model/parent/model/parent/again") == (key,)
    assert graph.keys("dense/kernel") == (key,)
    assert graph.keys("dense") == graph.keys("model") == graph.keys("") == ()
    slot = graph.by_full_name["dense/kernel/m"][0]
    assert slot.description == "optimizer slot m of again"
    assert graph.by_key[key].full_name == "dense/kernel"
    assert graph.nodes[2].registered_saver == ("saver", "")
    assert graph.nodes[2].slot_variables == (SlotReference(3, "m", 4),)
    assert graph.nodes[3].has_values is True
    assert graph.nodes[0].has_values is None


def test_names_with_slashes_and_dots() -> None:
    graph = ObjectGraph.decode(
        node({"a/b": 1, "a": 2, "c.Sd": 3}) + variable("1") + node({"b": 3}) + variable("3")
    )
    assert [tensor.path for tensor in graph.tensors] == ["a.Sb", "c.Sd"]
    assert graph.find("a.Sb") == 1
    assert graph.find("a/b") == graph.find("c.Sd") == graph.find("c..Sd") == 3
    assert graph.find("c/d") is graph.find("a/b/c") is None


def test_one_name_may_mean_several() -> None:
    graph = ObjectGraph.decode(
        node({"x": 1, "y": 2, "Variable": 3})
        + variable("x", "Variable")
        + variable("y", "Variable")
        + variable("z")
    )
    assert [key.partition("/")[0] for key in graph.keys("Variable")] == ["x", "y", "z"]
    assert [tensor.path for tensor in graph.by_full_name["Variable"]] == ["x", "y"]


def test_attributes_that_are_no_variables() -> None:
    graph = ObjectGraph.decode(
        node({"t": 1}, attributes=[("VARIABLE_VALUE", "v", "root")])
        + node(attributes=[("keys", "t", "k"), ("values", "t", "v")])
    )
    assert {tensor.path: tensor.key for tensor in graph.tensors} == {
        "VARIABLE_VALUE": "root",
        "t/keys": "k",
        "t/values": "v",
    }
    assert graph.nodes[1].attributes[0] == SavedAttribute("keys", "t", "k", False)
    old = bytes_field(2, bytes_field(3, b"k") + varint_field(4, 1))
    assert ObjectGraph.decode(node(more=old)).nodes[0].attributes[0].optional_restore


def test_an_empty_message_is_an_empty_graph() -> None:
    graph = ObjectGraph.decode(b"")
    assert (graph.nodes, graph.tensors, graph.paths) == ((), (), {})
    assert graph.find("") is graph.find("x") is None


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(node({"x": 1}), id="child"),
        pytest.param(node({"x": -1}), id="negative"),
        pytest.param(node(slots=[(1, "m", 0)]), id="slot of"),
        pytest.param(node(slots=[(0, "m", 1 << 40)]), id="slot"),
        pytest.param(node()[:-1] + b"\x07", id="cut"),
    ],
)
def test_what_refers_to_nothing_is_no_graph(data: bytes) -> None:
    with pytest.raises(WireError):
        ObjectGraph.decode(data)


def test_a_few_bytes_make_no_large_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WireError, match="larger than"):
        ObjectGraph.decode(node() * 1_000_001)
    monkeypatch.setattr("evergraph.formats.object_graph._MOST_PATH_CHARACTERS", 1 << 20)
    # A chain: its paths are as long as the square of its length.
    chain = b"".join(node({"child": i + 1}) for i in range(2_000)) + node()
    with pytest.raises(WireError, match="larger than"):
        ObjectGraph.decode(chain)
    # Tensors of one object with a long path.
    wide = node({"x" * 3_000: 1}) + node(attributes=[("a", "", "")] * 2_000)
    with pytest.raises(WireError, match="larger than"):
        ObjectGraph.decode(wide)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_graph_or_an_error(data: bytes) -> None:
    try:
        graph = ObjectGraph.decode(data)
    except WireError:
        return
    assert len(graph.paths) <= len(graph.nodes)


@given(st.integers(0, len(TRAINING) - 1), st.integers(0, 255))
def test_a_damaged_byte_is_a_graph_or_an_error(at: int, value: int) -> None:
    try:
        graph = ObjectGraph.decode(TRAINING[:at] + bytes((value,)) + TRAINING[at + 1 :])
    except WireError:
        return
    for tensor in graph.tensors:
        assert graph.keys(tensor.path)


@pytest.mark.shared
def test_files_of_tensorflow(shared: Path) -> None:
    edge = shared / "data" / "edge"
    with evergraph.open_checkpoint(edge / "object_based") as ckpt:
        key = "model/l/0/.ATTRIBUTES/VARIABLE_VALUE"
        assert ckpt.info("kernel").name == ckpt.info("model/l/0").name == key
        assert ckpt["bias"].shape == ckpt["model/l/1"].shape == (3,)
        assert ckpt["save_counter"] == 1
        assert "Variable" not in ckpt  # which three are called
        assert "_CHECKPOINTABLE_OBJECT_GRAPH" in list(ckpt)
    with evergraph.open_checkpoint(edge / "keras_object") as ckpt:
        graph = ckpt.object_graph
        assert graph is not None
        assert ckpt.shape("model/_functional/_operations/1/_kernel") == (5, 4)
        assert ckpt.shape("sequential/dense/kernel") == (5, 4)
        path = "optimizer/_trainable_variables/0"
        assert ("model/_functional/_operations/1/_kernel", path) in list(graph.aliases())
        assert len(graph.tensors) == len(ckpt) - 1
        with pytest.raises(KeyError, match="'sequential/dense/kernel'"):
            ckpt["dense/kernel"]
    with evergraph.open_checkpoint(edge / "adam_ref") as ckpt:
        assert ckpt.object_graph is None


@pytest.mark.shared
@pytest.mark.parametrize("place", ["object_based", "keras_object"])
def test_damage_in_a_real_message_is_found_or_does_no_harm(shared: Path, place: str) -> None:
    with evergraph.open_checkpoint(shared / "data" / "edge" / place) as ckpt:
        data = ckpt[OBJECT_GRAPH_KEY].item()
    for at in range(0, len(data), 7):
        for value in (0, 0x7F, 0xFF):
            try:
                graph = ObjectGraph.decode(data[:at] + bytes((value,)) + data[at + 1 :])
            except WireError:
                continue
            assert all(graph.keys(tensor.path) for tensor in graph.tensors)


@pytest.mark.shared
def test_every_real_object_graph_names_every_tensor(shared: Path) -> None:
    seen = 0
    for source in ("artifacts", "edge"):
        folder = shared / "data" / source
        for entry in json.loads((folder / "manifest.json").read_text())["artifacts"]:
            if entry["kind"] != "ckpt_v2":
                continue
            with evergraph.open_checkpoint(folder / entry["src"] / entry["main"]) as ckpt:
                graph = ckpt.object_graph
                assert (graph is not None) is (OBJECT_GRAPH_KEY in list(ckpt))
                if graph is not None:
                    seen += 1
                    assert {tensor.key for tensor in graph.tensors} == {*ckpt} - {OBJECT_GRAPH_KEY}
                    assert {ckpt.info(path).name for path in graph.by_path} == set(graph.by_key)
    assert seen >= 8
