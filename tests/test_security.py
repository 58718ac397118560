"""SECURITY.md says what is so."""

from __future__ import annotations

import os
import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import evergraph
import evergraph.tf1 as tf
from evergraph import errors
from evergraph.formats import protos
from evergraph.formats.bundle_reader import BundleReader
from evergraph.formats.message_text import parse_text
from evergraph.formats.tensor_proto import make_ndarray
from evergraph.graph.graph import Graph
from evergraph.graph.importer import import_graph_def

ROOT = Path(__file__).resolve().parents[1]
SECURITY = (ROOT / "SECURITY.md").read_text()
LIMITS = re.findall(r"^\| .+ \| (\d+)[^|]* \| `([\w.]+):(\w+)` \|$", SECURITY, re.MULTILINE)


@pytest.mark.parametrize(("number", "module", "name"), LIMITS)
def test_limit(number: str, module: str, name: str) -> None:
    assert getattr(import_module(module), name) == int(number)


def test_all_rows_are_compared() -> None:
    rows = [line for line in SECURITY.splitlines() if line.startswith("| ")]
    assert len(LIMITS) == len(rows) - 1  # without the head


def test_importing_runs_nothing(tmp_path: Path) -> None:
    written = tmp_path / "written"
    with tf.Graph().as_default() as graph:
        tf.write_file(str(written), "x")
        tf.py_func(lambda: written.write_text("x"), [], tf.int64)
    with Graph().as_default():
        import_graph_def(graph.as_graph_def(), name="")
    assert not written.exists()


def test_nothing_is_unpickled() -> None:
    for path in (ROOT / "src").rglob("*.py"):
        text = path.read_text()
        assert not re.search(r"^\s*(?:import|from) (?:pickle|marshal|shelve|dill)\b", text, re.M), (
            path
        )
        assert "allow_pickle=True" not in text, path


@pytest.mark.parametrize(
    ("allow", "allowed"), [((), False), (("python",), False), (("files",), True)]
)
def test_files_are_allowed_or_not(tmp_path: Path, allow: tuple[str, ...], allowed: bool) -> None:
    (tmp_path / "secret").write_bytes(b"it")
    with tf.Graph().as_default() as graph:
        tf.identity(tf.read_file(str(tmp_path / "secret")), name="out")
    path = tmp_path / "model.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())
    with evergraph.load_model(path, "out", allow=allow) as model:
        if allowed:
            assert model()["out"] == b"it"
        else:
            with pytest.raises(errors.PermissionDeniedError, match="files"):
                model()


def test_state_files_of_tensorflows_functions_lead_where_they_say(tmp_path: Path) -> None:
    evergraph.save_checkpoint(tmp_path / "m", {"a": np.zeros(1, np.float32)})
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "checkpoint").write_text(f'model_checkpoint_path: "{tmp_path}/m"\n')
    assert tf.train.latest_checkpoint(str(inside)) == f"{tmp_path}/m"
    with pytest.raises(errors.NotFoundError):
        evergraph.open_checkpoint(inside)


def test_a_session_of_ones_own_has_no_limits() -> None:
    with tf.Graph().as_default(), tf.Session() as sess:
        total = tf.while_loop(lambda i: i < 1000, lambda i: i + 1, [0])
        assert sess.run(total) == 1000
        sess.limit(steps=100)
        with pytest.raises(errors.ResourceExhaustedError):
            sess.run(total)


def test_limits_of_a_call_can_be_lifted(tmp_path: Path) -> None:
    with tf.Graph().as_default() as graph:
        tf.identity(tf.fill([1 << 20], 1.0), name="out")
    path = tmp_path / "model.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())
    bounded = evergraph.load_model(path, "out", bytes=1 << 20)
    with bounded, pytest.raises(errors.ResourceExhaustedError, match="bytes="):
        bounded()
    with evergraph.load_model(path, "out", seconds=None, bytes=None, steps=None) as model:
        assert model()["out"].size == 1 << 20


def test_functions_nest_no_deeper(tmp_path: Path) -> None:
    graph = protos.GraphDef()
    graph.versions.producer = 1087
    function = graph.library.function.add()
    function.signature.name = "again"
    function.signature.input_arg.add(name="x", type=1)
    function.signature.output_arg.add(name="y", type=1)
    node = function.node_def.add(name="call", op="PartitionedCall", input=["x"])
    function.ret["y"] = "call:output:0"
    const = graph.node.add(name="c", op="Const")
    const.attr["dtype"].type = 1
    const.attr["value"].tensor.dtype = 1
    call = graph.node.add(name="out", op="PartitionedCall", input=["c"])
    for each in (node, call):
        each.attr["Tin"].list.type.append(1)
        each.attr["Tout"].list.type.append(1)
        each.attr["f"].func.name = "again"
    path = tmp_path / "model.pb"
    path.write_bytes(graph.SerializeToString())
    model = evergraph.load_model(path, "out")
    with model, pytest.raises(errors.ResourceExhaustedError, match="50 deep"):
        model()


def test_one_element_stands_for_any_number_and_takes_one() -> None:
    proto = protos.TensorProto(dtype=1, float_val=[1.5])
    proto.tensor_shape.dim.add(size=1 << 40)
    array = make_ndarray(proto)
    assert array.shape == (1 << 40,)
    assert set(array.strides) == {0}


def test_a_short_list_stands_for_no_more_than_a_gigabyte() -> None:
    proto = protos.TensorProto(dtype=1, float_val=[1, 2])
    proto.tensor_shape.dim.add(size=(1 << 28) + 1)
    with pytest.raises(errors.ResourceExhaustedError):
        make_ndarray(proto)


def test_text_nests_no_deeper() -> None:
    for opening in ("func { attr { value { ", "func {\nattr {\nvalue {\n"):
        with pytest.raises(errors.InvalidArgumentError, match="100 deep"):
            parse_text(opening * 2000, protos.AttrValue())


def test_a_pipe_among_what_a_killed_save_left(tmp_path: Path) -> None:
    """Opening a checkpoint looks at such files, and must not wait for somebody to write into one."""
    prefix = str(tmp_path / "m")
    evergraph.save_checkpoint(prefix, {"a": np.zeros(1, np.float32)})
    os.mkfifo(prefix + ".index.evergraph-new-1-00000000-00000000-0")
    with BundleReader(prefix) as reader:
        assert reader.names() == ["a"]
