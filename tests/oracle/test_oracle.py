"""The oracle itself: its answers are TensorFlow's, bit for bit; its death does not go unseen."""

from __future__ import annotations

from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from tests.oracle import wire
from tests.oracle.client import Oracle, OracleCrash, OracleError, OracleTimeout

pytestmark = pytest.mark.oracle

BUILD = """
def main(tf, np, dtype):
    x = tf.placeholder(dtype, [None, 2], name="x")
    tf.identity(tf.concat([x, x], 0), name="y")
    return tf.get_default_graph().as_graph_def().SerializeToString()
"""


def test_versions(oracle: Oracle) -> None:
    assert oracle.versions()["tensorflow"].startswith(oracle.version)


@pytest.mark.parametrize(
    "array",
    [
        np.array([[1.5, np.nan], [np.inf, -0.0]], np.float32),
        np.array([[1, 2], [3, -4]], np.int64),
        np.array([[1.5, -2], [3, 4]], ml_dtypes.bfloat16),
        np.array([[b"a\0b", b""], ["ü".encode(), b"\xff"]], object),
        np.array([[1 + 2j, 3]], np.complex64),
        np.zeros((0, 2), np.float16),
        np.array([[True, False]]),
    ],
    ids=lambda array: array.dtype.name,
)
def test_arrays_travel_unchanged(oracle: Oracle, array: np.ndarray) -> None:
    name = "string" if array.dtype == object else array.dtype.name
    graph_def = oracle.execute(BUILD, dtype=name)
    (result,) = oracle.run_graph(graph_def, {"x:0": array}, ["y:0"])
    expected = np.concatenate([array, array])
    assert result.dtype == array.dtype
    assert result.shape == expected.shape
    assert wire.pack(result) == wire.pack(expected)


def test_static_shapes_and_gradients(oracle: Oracle) -> None:
    graph_def = oracle.execute(BUILD, dtype="float32")
    assert oracle.static_shapes(graph_def, ["y:0"]) == {"y:0": ("float32", [-1, 2])}
    x = np.ones((1, 2), np.float32)
    (grad,) = oracle.gradients(graph_def, ["y:0"], ["x:0"], {"x:0": x})
    np.testing.assert_array_equal(grad, 2 * x)


def test_no_gradient_is_none(oracle: Oracle) -> None:
    graph_def = oracle.execute(BUILD, dtype="float32")
    x = np.ones((1, 2), np.float32)
    assert oracle.gradients(graph_def, ["x:0"], ["y:0"], {"x:0": x}) == [None]


def test_errors_keep_their_class(oracle: Oracle) -> None:
    graph_def = oracle.execute(BUILD, dtype="float32")
    with pytest.raises(OracleError) as caught:
        oracle.run_graph(graph_def, {}, ["y:0"])
    assert caught.value.type == "InvalidArgumentError"
    assert "OpError" in caught.value.bases
    assert "must feed a value" in caught.value.message


def test_op_defs(oracle: Oracle) -> None:
    assert len(oracle.op_defs()) > 1000
    with pytest.raises(OracleError, match="KeyError"):
        oracle.op_def("NoSuchOp")


def test_a_crash_is_reported_and_survived(tf215: Oracle) -> None:
    with pytest.raises(OracleCrash, match="exit code -6"):
        tf215.execute("import os\ndef main(tf, np): os.abort()")
    with pytest.raises(OracleTimeout, match="no answer in 1 s"):
        tf215.execute("import time\ndef main(tf, np): time.sleep(60)", timeout=1.0)
    assert tf215.execute("def main(tf, np): print('printed'); return 1") == 1


@pytest.mark.shared
def test_programs_run_under_stock_tensorflow(tf215: Oracle, shared: Path, tmp_path: Path) -> None:
    result = tf215.run_script(
        shared / "programs" / "linear_regression_train.py", [str(tmp_path), "50"]
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("step: 49 w: ")
    assert (tmp_path / "checkpoint").exists()
