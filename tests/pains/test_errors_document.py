"""docs/errors.md: every error in it is provoked here, and says what is written there; numbers are masked."""

from __future__ import annotations

import ast
import os
import re
import shutil
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf.message import DecodeError

import evergraph
from evergraph import errors
from evergraph import tf1 as tf
from evergraph.error_table import rows_about
from evergraph.formats import protos
from tests.conftest import ROOT
from tests.pains.conftest import Trained

DOCUMENT = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
DATA = "runs/model-500.data-00000-of-00001"
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 98304\n"
_ROW = re.compile(r"\| (?P<name>[\w-]+) \| `(?P<message>.+)` \| `(?P<kind>\w+)` \| .+ \| .+ \|")
_NOTICE = re.compile(r"\| (?P<name>[\w-]+) \| `(?P<message>[^|]+)` \| [^|]+ \|")


@pytest.fixture(autouse=True)
def beside(trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trained:
    """Paths in messages are short: the trained model is in ``runs`` of the current folder."""
    monkeypatch.chdir(tmp_path)
    return trained


def masked(message: str) -> str:
    return re.sub(r"0x[0-9a-f]+|\d[\d,]*", "#", message.splitlines()[0])


def rows(pattern: re.Pattern[str]) -> list[re.Match[str]]:
    return [match for match in map(pattern.fullmatch, DOCUMENT.splitlines()) if match]


def pointer(name: str) -> str:
    """The line that leads to a row of the page."""
    above = DOCUMENT[: DOCUMENT.index(f"\n| {name} |")]
    heading = re.findall(r"^## (.+)$", above, re.MULTILINE)[-1]
    return f"Cause and cure: evergraph explain {name} (docs/errors.md#{heading.lower().replace(' ', '-')})"


def last_line(error: BaseException) -> str:
    """The last line of an error's traceback."""
    return "".join(traceback.format_exception(error)).splitlines()[-1]


def variables(**values: Any) -> tuple[Any, Any]:
    """A Saver and a session of a graph with these variables."""
    for name, value in values.items():
        tf.get_variable(name.replace("__", "/"), initializer=value)
    return tf.train.Saver(), tf.Session()


def restore(path: Any, **values: Any) -> None:
    saver, session = variables(**(values or {"dense__bias": [0.0, 0.0]}))
    saver.restore(session, path)


def written(path: str, data: bytes) -> str:
    Path(path).write_bytes(data)
    return path


def flipped(path: str, offset: int) -> None:
    data = bytearray(Path(path).read_bytes())
    data[offset] ^= 1
    Path(path).write_bytes(bytes(data))


def frozen_with(op: str) -> Any:
    graph_def = tf.GraphDef()
    graph_def.node.add(name="x", op="Placeholder").attr["dtype"].type = 1
    graph_def.node.add(name="fancy", op=op, input=["x"])
    graph_def.node.add(name="y", op="Identity", input=["fancy"]).attr["T"].type = 1
    return graph_def


# ---- restoring


def a_missing_key() -> None:
    restore("runs/model-500", fc__bias=[0.0], fc__kernel=[0.0])


def another_shape() -> None:
    restore("runs/model-500", dense__bias=[0.0, 0.0, 0.0])


def nothing_there() -> None:
    restore("runs/modle-500")


def none() -> None:
    restore(tf.train.latest_checkpoint("new"))


def deleted_meanwhile() -> None:
    restore("runs/model-200")


def uninitialized() -> None:
    saver, session = variables(dense__bias=[0.0, 0.0], head=[0.0])
    saver = tf.train.Saver([tf.global_variables()[0]])
    saver.restore(session, "runs/model-500")
    session.run("head:0")


def several_and_no_state_file() -> None:
    os.remove("runs/checkpoint")
    evergraph.open_checkpoint("runs")


# ---- reading


def no_such_tensor() -> None:
    evergraph.open_checkpoint("runs")["kernel"]


def a_pointer_for_the_index() -> None:
    written("runs/model-500.index", LFS)
    evergraph.open_checkpoint("runs/model-500")


def no_data() -> None:
    os.remove(DATA)
    evergraph.open_checkpoint("runs/model-500")["dense/bias"]


def a_flipped_bit() -> None:
    flipped(DATA, 9)
    restore("runs/model-500", dense__kernel=np.zeros((2, 2), np.float32))


def cut_short() -> None:
    os.truncate(DATA, 20)
    evergraph.open_checkpoint("runs/model-500")["dense/kernel"]


def a_damaged_index() -> None:
    flipped("runs/model-500.index", 9)
    evergraph.open_checkpoint("runs/model-500")


def a_state_file_that_is_none() -> None:
    written("runs/checkpoint", b"model-500\n")
    evergraph.open_checkpoint("runs")


def a_state_file_of_another_folder() -> None:
    os.mkdir("copy")
    shutil.copy("runs/checkpoint", "copy/checkpoint")
    text = Path("copy/checkpoint").read_text().replace(os.getcwd(), "/home/me")
    Path("copy/checkpoint").write_text(text)
    evergraph.open_checkpoint("copy")


# ---- importing


def a_pointer_for_the_graph() -> None:
    tf.train.import_meta_graph(written("model.meta", LFS))


def a_page_for_the_graph() -> None:
    evergraph.load_model(written("frozen.pb", b"<!DOCTYPE html><html></html>"))


def a_graph_that_is_cut_off() -> None:
    os.truncate("runs/model-500.meta", 1000)
    tf.train.import_meta_graph("runs/model-500.meta")


def bytes_of_another_kind() -> None:
    tf.GraphDef().ParseFromString(LFS)


def no_graph() -> None:
    os.remove("runs/model-500.meta")
    tf.train.import_meta_graph("runs/model-500.meta")


def a_path_for_a_graph() -> None:
    tf.import_graph_def("frozen.pb")


def names_twice() -> None:
    for _ in range(2):
        tf.train.import_meta_graph("runs/model-500.meta")


# ---- running


def a_name_under_import() -> None:
    graph_def = tf.GraphDef()
    graph_def.node.add(name="input", op="Placeholder").attr["dtype"].type = 1
    tf.import_graph_def(graph_def)
    tf.get_default_graph().get_tensor_by_name("input:0")


def an_unknown_op() -> None:
    tf.import_graph_def(frozen_with("FancyOp"), name="")
    tf.Session().run("y:0", {"x:0": 1.0})


def nothing_fed() -> None:
    x = tf.placeholder(tf.float32, [None, 2], name="input")
    tf.Session().run(x + 1.0)


def a_name_that_is_not_there() -> None:
    tf.contrib.no_such_module  # noqa: B018


# ---- freezing


def a_misspelt_output() -> None:
    evergraph.freeze("runs", "probabilties")


# ---- saving


def nothing_to_save() -> None:
    tf.train.Saver()


def a_long_name() -> None:
    saver, session = variables(w=[0.0])
    session.run(tf.global_variables_initializer())
    saver.save(session, "n" * 230)


def a_file_for_a_folder() -> None:
    written("file", b"")
    evergraph.save_checkpoint("file/model", {"x": 1})


def a_full_disk() -> None:
    evergraph.save_checkpoint("big", {"x": np.broadcast_to(np.float32(0), (1 << 58,))})


def no_prefix() -> None:
    evergraph.save_checkpoint("runs", {"x": 1})


def a_graph_beyond_two_gigabytes(monkeypatch: pytest.MonkeyPatch) -> None:
    tf.constant(np.zeros(5000, np.uint8), name="table")
    monkeypatch.setattr(protos, "MAX_BYTES", 4000)
    tf.train.write_graph(tf.get_default_graph(), ".", "graph.pb", as_text=False)


PROVOKED: list[Callable[..., None]] = [
    a_missing_key,
    another_shape,
    nothing_there,
    none,
    deleted_meanwhile,
    uninitialized,
    several_and_no_state_file,
    no_such_tensor,
    a_pointer_for_the_index,
    no_data,
    a_flipped_bit,
    cut_short,
    a_damaged_index,
    a_state_file_that_is_none,
    a_state_file_of_another_folder,
    a_pointer_for_the_graph,
    a_page_for_the_graph,
    a_graph_that_is_cut_off,
    bytes_of_another_kind,
    no_graph,
    a_path_for_a_graph,
    names_twice,
    a_name_under_import,
    an_unknown_op,
    nothing_fed,
    a_name_that_is_not_there,
    a_misspelt_output,
    nothing_to_save,
    a_long_name,
    a_file_for_a_folder,
    a_full_disk,
    no_prefix,
    a_graph_beyond_two_gigabytes,
]


@pytest.mark.parametrize("provoke", PROVOKED, ids=lambda function: function.__name__)
def test_an_error_says_what_the_table_says(
    provoke: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"monkeypatch": monkeypatch} if provoke.__code__.co_argcount else {}
    known = (errors.OpError, ValueError, TypeError, LookupError, AttributeError, DecodeError)
    with tf.Graph().as_default(), pytest.raises(known) as raised:
        provoke(**given)
    error = raised.value
    said = masked(getattr(error, "message", None) or str(error.args[0]))
    row = rows(_ROW)[PROVOKED.index(provoke)]
    # What is left out of a long message is its beginning or its end.
    expected = masked(row["message"])
    if expected.startswith("… "):
        assert said.endswith(expected[2:])
    elif expected.endswith(" …"):
        assert said.startswith(expected[:-2])
    else:
        assert said == expected
    kinds = {kind.__name__ for kind in type(error).__mro__}
    assert row["kind"] in kinds
    # The pointer is beside the message, not in it.
    assert error.__notes__ == [pointer(row["name"])]
    assert "evergraph explain" not in str(error)
    if sys.version_info >= (3, 11):
        assert last_line(error) == pointer(row["name"])
    # Who pastes the message is told the same.
    assert [found.name for found in rows_about(str(error))] == [row["name"]]


def test_every_error_of_the_table_is_provoked() -> None:
    assert len(rows(_ROW)) == len(PROVOKED)


def the_end_of_a_queue() -> None:
    queue = tf.FIFOQueue(2, tf.float32, shapes=[[]])
    session = tf.Session()
    session.run(queue.close())
    session.run(queue.dequeue())


def a_queue_that_takes_no_more() -> None:
    queue = tf.FIFOQueue(2, tf.float32, shapes=[[]])
    session = tf.Session()
    session.run(queue.close(cancel_pending_enqueues=True))
    session.run(queue.enqueue(1.0))


def the_end_of_a_count() -> None:
    counted = tf.Variable(0).count_up_to(0)
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    session.run(counted)


def an_error_of_the_program() -> None:
    raise tf.errors.InvalidArgumentError(None, None, "mine")


def an_error_of_the_program_in_a_run() -> None:
    def fail() -> None:
        raise ValueError("mine")

    tf.Session().run(tf.py_func(fail, [], tf.float32))


def an_error_that_is_not_explained() -> None:
    tf.Session().run(tf.check_numerics([float("nan")], "here"))


@pytest.mark.parametrize(
    "provoke",
    [
        the_end_of_a_queue,
        a_queue_that_takes_no_more,
        the_end_of_a_count,
        an_error_of_the_program,
        an_error_of_the_program_in_a_run,
        an_error_that_is_not_explained,
    ],
    ids=lambda function: function.__name__,
)
def test_what_is_no_error_of_the_table_has_no_pointer(provoke: Callable[[], None]) -> None:
    with tf.Graph().as_default(), pytest.raises(errors.OpError) as raised:
        provoke()
    assert not raised.value.__notes__
    assert "evergraph explain" not in "".join(traceback.format_exception(raised.value))


def test_notices_are_those_that_are_logged() -> None:
    texts = [
        node.value
        for path in (ROOT / "src" / "evergraph").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    notices = [row["message"] for row in rows(_NOTICE)]
    assert len(notices) > 5
    for notice in notices:
        longest = max(re.split(r"runs/model-500|\d[\d,]*", notice), key=len)
        assert any(longest in text for text in texts), notice
