"""Graphs: names that are not there, attributes and ops of another version, sizes (numbers: `../shared/PAINS.md`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evergraph import errors
from evergraph import tf1 as tf
from evergraph.formats import protos
from evergraph.train import large_constants
from tests.pains.conftest import Trained


def graph_with(op: str, attr: str, count: int = 1) -> Any:
    x = tf.placeholder(tf.float32, [2], name="x")
    tf.square(x, name="y")
    graph_def = tf.get_default_graph().as_graph_def()
    for number in range(count):
        node = graph_def.node.add(name=f"new_{number}", op=op, input=["x"])
        node.attr["T"].type = tf.float32.as_datatype_enum
        node.attr[attr].b = True
    return graph_def


def test_18_attributes_of_a_newer_tensorflow_are_kept_with_one_warning(
    log: pytest.LogCaptureFixture,
) -> None:
    graph_def = graph_with("Square", "half_pixel_centers", count=3)
    with tf.Graph().as_default() as graph:
        (found,) = tf.import_graph_def(graph_def, return_elements=["new_0:0"], name="")
        with tf.Session() as session:
            assert session.run(found, {"x:0": [2.0, 3.0]}).tolist() == [4.0, 9.0]
        assert graph.as_graph_def().node[2].attr["half_pixel_centers"].b is True
    (record,) = log.records
    assert record.levelname == "WARNING"
    assert record.getMessage() == (
        "The graph has 3 attributes that are not known here, such as 'half_pixel_centers' of Square in node 'new_0': a "
        "newer TensorFlow has added them. They are kept, and have no effect: 'half_pixel_centers' of Square."
    )


def test_18_what_everybody_knows_is_no_cause_for_a_warning(
    trained: Trained, log: pytest.LogCaptureFixture
) -> None:
    with tf.Graph().as_default():
        tf.train.import_meta_graph(trained.prefix + ".meta")
    assert "attributes" not in log.text


def test_24_a_graph_that_grows_between_saves_is_noticed(
    trained: Trained, log: pytest.LogCaptureFixture
) -> None:
    def save() -> None:
        trained.saver.save(trained.session, str(trained.folder / "model"))

    save()
    assert "added since" not in log.text, "the graph is as it was"
    for _ in range(301):
        tf.global_variables()[1].assign([0.0, 0.0])
    nodes = len(tf.get_default_graph().as_graph_def().node)
    save()
    assert "nodes added since the last save; are ops built in a loop?" in log.text
    (record,) = (record for record in log.records if "added since" in record.getMessage())
    added = int(record.getMessage().split()[0].replace(",", ""))
    assert 301 <= added < nodes
    log.clear()
    save()
    assert "added since" not in log.text


def test_24_saving_and_restoring_add_nothing_themselves(trained: Trained) -> None:
    before = tf.get_default_graph().version
    for _ in range(3):
        trained.saver.restore(
            trained.session, trained.saver.save(trained.session, str(trained.folder / "model"))
        )
    assert tf.get_default_graph().version == before


def test_27_a_name_under_import_is_found(trained: Trained) -> None:
    graph_def = tf.get_default_graph().as_graph_def()
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def)
        with pytest.raises(KeyError) as raised:
            graph.get_tensor_by_name("input:0")
        assert "'import/input:0'" in str(raised.value)
        assert "Pass name='' to import_graph_def" in str(raised.value)
        with tf.Session() as session, pytest.raises(ValueError, match="'import/probabilities:0'"):
            session.run("probabilities:0")


def test_m13_a_node_of_an_unknown_op_is_carried_and_named_when_it_is_run() -> None:
    graph_def = graph_with("FancyNewOp", "fancy")
    graph_def.node.add(name="after", op="Identity", input=["new_0"]).attr["T"].type = 1
    with tf.Graph().as_default() as graph, tf.Session() as session:
        tf.import_graph_def(graph_def, name="")
        assert session.run("y:0", {"x:0": [1.0, 2.0]}).tolist() == [1.0, 4.0]
        assert graph.as_graph_def().node[2].op == "FancyNewOp"
        with pytest.raises(errors.UnimplementedError, match=r"'FancyNewOp'.*'new_0'"):
            session.run("after:0", {"x:0": [1.0, 2.0]})


def test_m13_so_is_one_whose_outputs_nobody_takes() -> None:
    graph_def = graph_with("FancyNewOp", "fancy")
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(graph_def, name="")
        with pytest.raises(ValueError, match="Op type not registered 'FancyNewOp'"):
            session.run("new_0:0")


def test_m12_freezing_takes_a_tensors_name_and_knows_near_ones(trained: Trained) -> None:
    graph_def = tf.get_default_graph().as_graph_def()
    frozen = tf.graph_util.convert_variables_to_constants(
        trained.session, graph_def, ["probabilities:0"]
    )
    assert {node.op for node in frozen.node}.isdisjoint(("VariableV2", "Assign"))
    with pytest.raises(AssertionError, match="probabilties is not in graph") as raised:
        tf.graph_util.convert_variables_to_constants(trained.session, graph_def, ["probabilties"])
    assert "probabilities" in str(raised.value)


def test_15_a_large_graph_names_its_largest_constants(
    tmp_path: Path, log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(12):
        tf.constant(np.zeros(1000 * (number + 1), np.uint8) + number, name=f"table_{number}")
    monkeypatch.setattr(large_constants, "LARGE", 50_000)
    tf.train.export_meta_graph(str(tmp_path / "m.meta"))
    (record,) = log.records
    text = record.getMessage()
    assert text.startswith(f"{tmp_path}/m.meta is large: ")
    assert "of the 2,147,483,647 that protobuf takes" in text
    assert "Its largest constants are table_11 (12,0" in text
    assert text.count("table_") == 10
    monkeypatch.setattr(protos, "MAX_BYTES", 50_000)
    with pytest.raises(
        errors.InvalidArgumentError, match=r"constants are table_11 \(12,0"
    ) as raised:
        tf.train.write_graph(tf.get_default_graph(), str(tmp_path), "g.pb", as_text=False)
    assert f"{tmp_path}/g.pb: The GraphDef takes" in raised.value.message
    assert not (tmp_path / "g.pb").exists()
