"""Checkpoints of remote stores and TensorFlow's: what replaces another has more data files than tensors need."""

from __future__ import annotations

import uuid
from pathlib import Path

import numpy as np
import pytest

import evergraph
from evergraph.formats.bundle_merge import merge_bundles
from evergraph.storage import gfile
from tests.oracle.client import Oracle

pytestmark = pytest.mark.oracle

READ = """
def main(tf, np, prefix):
    reader = tf.train.load_checkpoint(prefix)
    names = sorted(reader.get_variable_to_shape_map())
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        variable = tf.compat.v1.get_variable("x0", [1000], tf.float32)
        tf.compat.v1.train.Saver().restore(session, prefix)
        restored = session.run(variable)
    return {name: reader.get_tensor(name) for name in names}, restored
"""

WRITE = """
def main(tf, np, folder):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        variable = tf.compat.v1.get_variable("x", initializer=np.arange(5.0))
        session.run(variable.initializer)
        saver = tf.compat.v1.train.Saver()
        for step in (1, 2):
            saver.save(session, folder + "/m", step)
"""


def taken(remote: str, folder: Path) -> None:
    for path in gfile.Glob(f"{remote}/m.*"):
        gfile.Copy(path, str(folder / path.rpartition("/")[2]))


def tensors(step: int) -> dict[str, np.ndarray]:
    return {f"x{part}": np.full(1000, step + part, np.float32) for part in range(2)}


@pytest.mark.parametrize("parts", [1, 2])
def test_tensorflow_reads_what_replaced_another(oracle: Oracle, tmp_path: Path, parts: int) -> None:
    remote = f"memory://{uuid.uuid4().hex}"
    for step in (1, 2):
        if parts == 1:
            evergraph.save_checkpoint(f"{remote}/m", tensors(step))
        else:
            for name, value in tensors(step).items():
                evergraph.save_checkpoint(f"{remote}/parts/{name}", {name: value})
            merge_bundles([f"{remote}/parts/x0", f"{remote}/parts/x1"], f"{remote}/m")
    taken(remote, tmp_path)
    total = parts + 1
    data = {f"m.data-{shard:05d}-of-{total:05d}" for shard in range(total)}
    assert {path.name for path in tmp_path.iterdir()} == {"m.index", *data}
    read, restored = oracle.execute(READ, prefix=str(tmp_path / "m"))
    for name, value in tensors(2).items():
        np.testing.assert_array_equal(read[name], value)
    np.testing.assert_array_equal(restored, tensors(2)["x0"])


def test_evergraph_reads_tensorflows_folder_in_a_store(oracle: Oracle, tmp_path: Path) -> None:
    oracle.execute(WRITE, folder=str(tmp_path))
    remote = f"memory://{uuid.uuid4().hex}"
    for path in tmp_path.iterdir():
        gfile.Copy(str(path), f"{remote}/{path.name}")
    with evergraph.open_checkpoint(remote) as checkpoint:
        assert checkpoint.prefix == f"{remote}/m-2"
        assert checkpoint["x"].tolist() == [0, 1, 2, 3, 4]
