"""The tutorial programs with stock TensorFlow on the other side of every file.

Each program runs under evergraph and under TensorFlow 2.15; then each reads, runs, goes on training
from and writes again what the other wrote, and the files are compared.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evergraph
import evergraph.tf1 as tf
from evergraph.formats.graph_file import read_graph_def, read_meta_graph
from tests.oracle.client import Oracle
from tests.programs.runner import evergraph_run

pytestmark = [pytest.mark.oracle, pytest.mark.shared]

#: Checkpoints that the programs leave, as paths below their folder.
PREFIXES = {
    "linear": "linear/model.ckpt-100",
    "two": "two/model.ckpt",
    "conv": "conv/model.ckpt",
    "persist": "persist/model.ckpt",
}
SUFFIXES = (".index", ".data-00000-of-00001")
#: Frozen graphs: path, input, output.
FROZEN = {
    "persist_pb": ("pb/model.pb", "input_holder", "predictions"),
    "freeze_ckpt": ("frozen.pb", "input_holder", "predictions"),
}


def _run_all(run: Any, programs: Path, folder: Path) -> dict[str, list[str]]:
    """Runs every program into ``folder``; what each printed."""
    calls = {
        "linear_regression_train": [folder / "linear", "100"],
        "linear_regression_resume": [folder / "linear"],
        "linear_regression_import": [folder / "linear"],
        "two_variables": [folder / "two"],
        "conv_session": [folder / "conv"],
        "persist_ckpt": [folder / "persist"],
        "persist_pb": [folder / "pb" / "model.pb"],
        "freeze_ckpt": [folder / "persist", folder / "frozen.pb"],
    }
    printed = {}
    for name in ("linear", "two", "conv"):
        (folder / name).mkdir()
    for program, arguments in calls.items():
        done = run(programs / f"{program}.py", list(map(str, arguments)))
        assert done.returncode == 0, f"{program}: {done.stderr}"
        printed[program] = done.stdout.replace(str(folder), "FOLDER").splitlines()
    return printed


@pytest.fixture(scope="module")
def sides(
    shared: Path, tmp_path_factory: pytest.TempPathFactory, tf215: Oracle
) -> dict[str, tuple[Path, dict[str, list[str]]]]:
    """By side ("ours", "theirs"): the folder of files, and what the programs printed."""
    folder = tmp_path_factory.mktemp("programs")
    found = {}
    for side in ("ours", "theirs"):
        place = folder / side
        place.mkdir()
        run = (
            (lambda script, arguments: evergraph_run(script, *arguments))
            if side == "ours"
            else tf215.run_script
        )
        found[side] = (place, _run_all(run, shared / "programs", place))
    return found


@pytest.fixture(scope="module")
def ours(sides: dict[str, tuple[Path, Any]]) -> Path:
    return sides["ours"][0]


@pytest.fixture(scope="module")
def theirs(sides: dict[str, tuple[Path, Any]]) -> Path:
    return sides["theirs"][0]


# ---------------------------------------------------------------------------------------- printing


@pytest.mark.parametrize(
    "program", ["two_variables", "conv_session", "persist_ckpt", "persist_pb", "freeze_ckpt"]
)
def test_both_print_the_same(sides: dict[str, Any], program: str) -> None:
    assert sides["ours"][1][program] == sides["theirs"][1][program]


# ------------------------------------------------------------------------------------- checkpoints

LOAD = """
def main(tf, np, prefix):
    reader = tf.train.load_checkpoint(prefix)
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}
"""


def _values(prefix: Path) -> dict[str, np.ndarray]:
    with evergraph.open_checkpoint(prefix) as checkpoint:
        return {name: checkpoint[name] for name in checkpoint}


def _same(a: dict[str, Any], b: dict[str, Any]) -> None:
    assert set(a) == set(b)
    for name, value in a.items():
        np.testing.assert_array_equal(value, b[name], err_msg=name)


@pytest.mark.parametrize("program", PREFIXES)
@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_both_read_the_same_values(
    sides: dict[str, Any], oracle: Oracle, program: str, side: str
) -> None:
    prefix = sides[side][0] / PREFIXES[program]
    _same(_values(prefix), oracle.execute(LOAD, prefix=str(prefix)))


@pytest.mark.parametrize("program", ["two", "persist"])
def test_programs_without_chance_leave_the_same_bytes(
    ours: Path, theirs: Path, program: str
) -> None:
    for suffix in SUFFIXES:
        name = PREFIXES[program] + suffix
        assert (ours / name).read_bytes() == (theirs / name).read_bytes(), name


RESAVE = """
def main(tf, np, prefix, target):
    saver = tf.train.import_meta_graph(prefix + ".meta")
    with tf.Session() as session:
        saver.restore(session, prefix)
        saver.save(session, target, write_meta_graph=False, write_state=False)
"""


@pytest.mark.parametrize("program", PREFIXES)
def test_tensorflow_writes_again_what_we_wrote(
    ours: Path, tf215: Oracle, tmp_path: Path, program: str
) -> None:
    prefix = ours / PREFIXES[program]
    tf215.execute(RESAVE, prefix=str(prefix), target=str(tmp_path / "again"))
    _same_bytes(prefix, tmp_path / "again")


@pytest.mark.parametrize("program", PREFIXES)
def test_we_write_again_what_tensorflow_wrote(theirs: Path, tmp_path: Path, program: str) -> None:
    prefix = theirs / PREFIXES[program]
    space: dict[str, Any] = {}
    exec(RESAVE, space)
    with tf.Graph().as_default():
        space["main"](tf, np, str(prefix), str(tmp_path / "again"))
    _same_bytes(prefix, tmp_path / "again")


def _same_bytes(a: Path, b: Path) -> None:
    for suffix in SUFFIXES:
        assert Path(f"{a}{suffix}").read_bytes() == Path(f"{b}{suffix}").read_bytes(), suffix


# ------------------------------------------------------------------------------------------ graphs


@pytest.mark.parametrize("program", PREFIXES)
def test_graphs_are_the_same_node_for_node(ours: Path, theirs: Path, program: str) -> None:
    """Name, op, inputs, device and attributes, in order, outside ``gradients/``; and collections."""
    a, b = (read_meta_graph(f"{side / PREFIXES[program]}.meta") for side in (ours, theirs))
    nodes_a, nodes_b = (_nodes(meta.graph_def) for meta in (a, b))
    assert [node.name for node in nodes_a] == [node.name for node in nodes_b]
    for node_a, node_b in zip(nodes_a, nodes_b, strict=True):
        assert node_a == node_b
    assert a.saver_def == b.saver_def
    assert set(a.collection_def) == set(b.collection_def)
    for key, collection in a.collection_def.items():
        assert collection == b.collection_def[key]


def _nodes(graph_def: Any) -> list[Any]:
    return [node for node in graph_def.node if not node.name.startswith("gradients/")]


@pytest.mark.parametrize("name", ["graph.pb", "graph.pbtxt"])
def test_written_graphs_are_the_same(ours: Path, theirs: Path, name: str) -> None:
    a, b = (read_graph_def(side / "two" / name) for side in (ours, theirs))
    assert list(a.node) == list(b.node)


def test_frozen_graphs_are_the_same(ours: Path, theirs: Path) -> None:
    for path, _, _ in FROZEN.values():
        a, b = (read_graph_def(side / path) for side in (ours, theirs))
        assert list(a.node) == list(b.node)


# ---------------------------------------------------------------------------- training and running

GO_ON = """
def main(tf, np, prefix, data):
    saver = tf.train.import_meta_graph(prefix + ".meta")
    graph = tf.get_default_graph()
    x, w, b = (graph.get_tensor_by_name(n) for n in ("Placeholder:0", "Variable:0", "Variable_1:0"))
    seen = []
    with tf.Session() as session:
        saver.restore(session, prefix)
        for _ in range(25):
            loss, _ = session.run(["Mean:0", "GradientDescent"], {x: data})
            seen.append([loss, *session.run([w, b])])
    return np.array([[np.squeeze(value) for value in step] for step in seen], np.float32)
"""


@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_both_go_on_training_alike(sides: dict[str, Any], oracle: Oracle, side: str) -> None:
    prefix = str(sides[side][0] / PREFIXES["linear"])
    data = np.linspace(0, 1, 10, dtype=np.float32).reshape(10, 1)
    expected = oracle.execute(GO_ON, prefix=prefix, data=data)
    space: dict[str, Any] = {}
    exec(GO_ON, space)
    with tf.Graph().as_default():
        found = space["main"](tf, np, prefix, data)
    assert expected[-1, 0] < expected[0, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


RUN = """
def main(tf, np, prefix, feeds, fetches):
    saver = tf.train.import_meta_graph(prefix + ".meta", clear_devices=True)
    with tf.Session() as session:
        saver.restore(session, prefix)
        return session.run(fetches, feeds)
"""
ONES = np.linspace(-1, 1, 100 * 100 * 3, dtype=np.float32).reshape(1, 100, 100, 3)


@pytest.mark.parametrize("side", ["ours", "theirs"])
@pytest.mark.parametrize(
    ("program", "feeds", "fetches"),
    [
        ("two", {}, ["v1:0", "v2:0"]),
        ("conv", {"Placeholder:0": ONES}, ["conv_3/BiasAdd:0", "conv_1/kernel/read:0"]),
        ("persist", {"input_holder:0": np.array([10.0], np.float32)}, ["predictions:0", "add:0"]),
    ],
)
def test_both_run_alike_what_was_saved(
    sides: dict[str, Any],
    oracle: Oracle,
    side: str,
    program: str,
    feeds: dict[str, Any],
    fetches: list[str],
) -> None:
    prefix = str(sides[side][0] / PREFIXES[program])
    expected = oracle.execute(RUN, prefix=prefix, feeds=feeds, fetches=fetches)
    space: dict[str, Any] = {}
    exec(RUN, space)
    with tf.Graph().as_default():
        found = space["main"](tf, np, prefix, feeds, fetches)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("side", ["ours", "theirs"])
@pytest.mark.parametrize("program", FROZEN)
def test_both_run_alike_what_was_frozen(
    sides: dict[str, Any], oracle: Oracle, side: str, program: str
) -> None:
    path, fed, fetched = FROZEN[program]
    file = sides[side][0] / path
    x = np.array([10.0], np.float32)
    (expected,) = oracle.run_graph(file.read_bytes(), {f"{fed}:0": x}, [f"{fetched}:0"])
    with evergraph.load_model(file) as model:
        np.testing.assert_array_equal(model({fed: x})[fetched], expected)


def test_the_state_file_is_the_same(ours: Path, theirs: Path) -> None:
    """But for the times at which the checkpoints were written."""
    a, b = (
        [
            line.replace(str(side), "FOLDER")
            for line in (side / "linear" / "checkpoint").read_text().splitlines()
            if "timestamp" not in line
        ]
        for side in (ours, theirs)
    )
    assert a == b
