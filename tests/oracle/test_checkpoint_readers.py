"""Checkpoints read without a graph: TensorFlow's words for TensorFlow's files and for ours, and its errors."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evergraph import tf1
from evergraph.formats.checkpoint_saving import save_checkpoint
from evergraph.graph.graph import Graph
from evergraph.ops.checkpoint_io import SaveV2
from evergraph.runtime.session import Session
from evergraph.train.inspect_checkpoint import print_tensors_in_checkpoint_file
from tests.oracle.client import Oracle, OracleError

pytestmark = pytest.mark.oracle

DESCRIBE = """
def main(tf, np, path):
    reader = tf.train.NewCheckpointReader(path)
    shapes = reader.get_variable_to_shape_map()
    types = reader.get_variable_to_dtype_map()
    values = {}
    for name in shapes:
        try:
            value = reader.get_tensor(name)
            values[name] = type(value).__name__, np.asarray(value)
        except Exception as error:
            values[name] = type(error).__name__, None
    return (
        reader.debug_string(),
        {name: list(shape) for name, shape in shapes.items()},
        {name: dtype.name for name, dtype in types.items()},
        values,
        [[name, list(shape)] for name, shape in tf.train.list_variables(path)],
        [reader.has_tensor(name) for name in ("no such tensor", *shapes)],
    )
"""
REAL = [
    "dtypes/model.ckpt",
    "strings/model.ckpt",
    "names/model.ckpt",
    "part_v2/model.ckpt-5",
    "part_v1/model.ckpt-5",
    "sharded_v2/model.ckpt",
    "sharded_res_v2/model.ckpt",
    "sharded_v1/model.ckpt-?????-of-00003",
    "v1_dtypes/model.ckpt",
    "onescalar/model.ckpt",
    "many/model.ckpt",
]


def describe(path: str) -> Any:
    namespace: dict[str, Any] = {}
    exec(DESCRIBE, namespace)
    return namespace["main"](tf1, np, path)


def check(oracle: Oracle, path: str) -> None:
    text, shapes, types, values, listed, has = describe(path)
    theirs = oracle.execute(DESCRIBE, path=path)
    if (
        "?" in path
    ):  # Shards of V1: TensorFlow takes them in the order in which the disk lists them.
        assert sorted(text.splitlines()) == sorted(theirs[0].splitlines())
    else:
        assert text == theirs[0]
    assert (shapes, types, listed) == (theirs[1], theirs[2], theirs[4])
    assert has == theirs[5] == [False] + [True] * len(shapes)
    for name, (kind, value) in theirs[3].items():
        ours_kind, ours = values[name]
        if (
            value is None
        ):  # What TensorFlow does not give an array for (slices of V1), evergraph may.
            continue
        # NumPy 2 calls bool_ bool; a quantized number alone is a plain one in TensorFlow.
        assert ours_kind == kind or (ours_kind, kind[:3]) in (
            ("bool", "boo"),
            ("void", "int"),
            ("void", "uin"),
        ), name
        assert ours.shape == value.shape, name
        same = (
            ours.tolist() == value.tolist() if value.dtype == object else _bytes_equal(ours, value)
        )
        assert same, name


def _bytes_equal(a: Any, b: Any) -> bool:
    return a.dtype.itemsize == b.dtype.itemsize and a.tobytes() == b.tobytes()


@pytest.mark.shared
@pytest.mark.parametrize("path", REAL)
def test_files_of_tensorflow(path: str, tf215: Oracle, shared: Path) -> None:
    check(tf215, str(shared / "data/edge" / path))


def test_our_files(oracle: Oracle, tmp_path: Path) -> None:
    values = {
        "a/b": np.arange(6, dtype=np.float16).reshape(2, 3),
        "scalar": np.float64(2.5),
        "text": np.array([b"x", b"\xff"], object),
        "word": np.array(b"one", object),
        "none": np.zeros((0, 4), np.int8),
    }
    save_checkpoint(tmp_path / "model", values)
    check(oracle, str(tmp_path / "model"))


def test_our_slices(oracle: Oracle, tmp_path: Path) -> None:
    prefix = str(tmp_path / "model")
    with Graph().as_default(), Session() as session:
        parts = [np.full([2, 3], i, np.float32) for i in range(2)]
        session.run(SaveV2(prefix, ["w", "w"], ["4 3 0,2:0,3", "4 3 2,2:0,3"], parts))
    check(oracle, prefix)


def test_many_tensors_of_format_v1(tf215: Oracle, tmp_path: Path) -> None:
    """The hash table that TensorFlow lists them in has grown eight times."""
    save = """
def main(tf, np, prefix):
    for i in range(1500):
        tf.get_variable("layer_%d/%s" % (i, "weights"[i % 7:]), initializer=np.float32(i))
    saver = tf.train.Saver(write_version=tf.train.SaverDef.V1)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        saver.save(session, prefix, write_meta_graph=False)
"""
    tf215.execute(save, prefix=str(tmp_path / "model"))
    check(tf215, str(tmp_path / "model"))


INSPECT = """
def main(tf, np, path, arguments):
    import contextlib, io
    from tensorflow.python.tools.inspect_checkpoint import print_tensors_in_checkpoint_file as show
    with contextlib.redirect_stdout(io.StringIO()) as out:
        show(path, **arguments)
    return out.getvalue()
"""


@pytest.mark.shared
@pytest.mark.parametrize(
    "arguments",
    [
        {"tensor_name": "", "all_tensors": False},
        {"tensor_name": None, "all_tensors": True},
        {"tensor_name": None, "all_tensors": False, "all_tensor_names": True},
        {"tensor_name": "v1", "all_tensors": False},
        {"tensor_name": "no", "all_tensors": False},
        {"tensor_name": "v1", "all_tensors": False, "count_exclude_pattern": "v[23]|p"},
    ],
)
@pytest.mark.parametrize("path", ["sharded_v2/model.ckpt", "onescalar/model.ckpt"])
def test_inspect_checkpoint(
    path: str, arguments: dict[str, Any], tf215: Oracle, shared: Path
) -> None:
    full = str(shared / "data/edge" / path)
    with contextlib.redirect_stdout(io.StringIO()) as out:
        print_tensors_in_checkpoint_file(full, **arguments)
    assert out.getvalue() == tf215.execute(INSPECT, path=full, arguments=arguments)


ERRORS = {
    "no file": "tf.train.NewCheckpointReader(folder + '/none')",
    "no folder": "tf.train.list_variables('/no/such/folder')",
    "an empty folder": "tf.train.load_checkpoint(folder + '/empty')",
    "an empty folder, listed": "tf.train.list_variables(folder + '/empty')",
    "None": "tf.train.NewCheckpointReader(None)",
    "None, loaded": "tf.train.load_checkpoint(None)",
    "no tensor": "tf.train.NewCheckpointReader(folder + '/model').get_tensor('no')",
    "no variable": "tf.train.load_variable(folder, 'no:0')",
    "a table no more": "tf.train.NewCheckpointReader(folder + '/text')",
}


@pytest.mark.parametrize("name", ERRORS)
def test_what_an_except_clause_catches(name: str, oracle: Oracle, tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "model", {"yes": np.float32(1)}, update_state=True)
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("some text " * 20)
    source = f"def main(tf, np, folder): return {ERRORS[name]}"
    with pytest.raises(OracleError) as theirs:
        oracle.execute(source, folder=str(tmp_path))
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    with pytest.raises(Exception) as ours:
        namespace["main"](tf1, np, str(tmp_path))
    assert theirs.value.type in [base.__name__ for base in ours.type.__mro__], ours.value


def test_a_variable_by_its_tensor_name(oracle: Oracle, tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "model", {"yes": np.float32(1.5)}, update_state=True)
    source = "def main(tf, np, folder): return float(tf.train.load_variable(folder, 'yes:0'))"
    assert oracle.execute(source, folder=str(tmp_path)) == 1.5
    assert tf1.train.load_variable(str(tmp_path), "yes:0") == 1.5
