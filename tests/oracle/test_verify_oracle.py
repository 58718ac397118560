"""Verification and stock TensorFlow: what TensorFlow wrote is whole; what it cannot read is found damaged."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

import evergraph
from tests.oracle.client import Oracle

pytestmark = pytest.mark.oracle

SAVE = """
def main(tf, np, prefix, version):
    tf.get_variable("rows", [7, 3], partitioner=tf.fixed_size_partitioner(3),
        initializer=tf.random_normal_initializer(seed=1))
    tf.get_variable("whole", initializer=np.arange(50.0))
    tf.get_variable("text", initializer=tf.constant(["a", "bc" * 100, ""]))
    tf.get_variable("step", initializer=np.int64(3))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return tf.train.Saver(write_version=version).save(session, prefix)
"""

UNREADABLE = """
def main(tf, np, prefixes):
    kinds = {"rows": tf.float32, "whole": tf.float64, "text": tf.string, "step": tf.int64}
    prefix = tf.placeholder(tf.string, [])
    reads = {
        name: tf.raw_ops.RestoreV2(
            prefix=prefix, tensor_names=[name], shape_and_slices=[""], dtypes=[kind])
        for name, kind in kinds.items()
    }
    found = []
    with tf.Session() as session:
        for path in prefixes:
            lost = []
            for name, read in reads.items():
                try:
                    session.run(read, {prefix: path})
                except tf.errors.OpError:
                    lost.append(name)
            found.append(lost)
    return found
"""


@pytest.mark.parametrize("version", [1, 2])
def test_what_tensorflow_cannot_read_is_found(oracle: Oracle, tmp_path: Path, version: int) -> None:
    good = tmp_path / "good"
    good.mkdir()
    oracle.execute(SAVE, prefix=str(good / "m"), version=version)
    report = evergraph.verify_checkpoint(good / "m")
    assert report.whole, report
    assert report.has_graph
    assert report.readable == ("rows", "step", "text", "whole")
    names = ["m"] if version == 1 else ["m.index", "m.data-00000-of-00001"]
    rng = random.Random(4)
    copies: list[tuple[Path, str]] = []
    for number in range(60):
        copy = Path(shutil.copytree(good, tmp_path / f"copy_{number}"))
        name = names[number % len(names)]
        data = bytearray((copy / name).read_bytes())
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        (copy / name).write_bytes(data[: -number // 4] if number % 10 == 9 else data)
        copies.append((copy / "m", name))
    answers = oracle.execute(UNREADABLE, prefixes=[str(prefix) for prefix, _ in copies])
    damaged = 0
    for (prefix, name), unreadable in zip(copies, answers, strict=True):
        report = evergraph.verify_checkpoint(prefix)
        assert not (report.whole and unreadable), (prefix, unreadable)
        assert not set(report.readable) & set(unreadable), (prefix, str(report), unreadable)
        if ".data-" in name:
            assert set(report.lost) == set(unreadable)
        damaged += not report.whole
    assert damaged > 40
