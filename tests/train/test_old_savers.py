"""Savers that real MetaGraphs of 2015 to 2024 bring along: restored, saved again, and the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evergraph
from evergraph import tf1 as tf

pytestmark = pytest.mark.shared

HALF_PLUS_TWO = "session_bundle/testdata/half_plus_two/00000123/export"
# Where a saver's graph is, what of it is restored, and the version that its SaverDef has.
SAVED = {
    "sharded V2": ("edge/sharded_v2/model.ckpt", "", 2),
    "sharded V2, resources": ("edge/sharded_res_v2/model.ckpt", "", 2),
    "partitioned V2": ("edge/part_v2/model.ckpt-5", "", 2),
    "sharded V1": ("edge/sharded_v1/model.ckpt", "-?????-of-00003", 1),
    "0.12, V1": (f"artifacts/tf15/tensorflow/contrib/{HALF_PLUS_TWO}", "-?????-of-00001", 1),
    "0.12, V1, by a shard": (
        f"artifacts/serving/tensorflow_serving/{HALF_PLUS_TWO}",
        "-00000-of-00001",
        1,
    ),
}
BEFORE_V2 = (
    "artifacts/serving/tensorflow_serving/servables/tensorflow/testdata/"
    "bad_half_plus_two/00000123/export.meta"
)


@pytest.fixture(autouse=True)
def fresh_graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


def restored(shared: Path, name: str, shards: str = "") -> tuple[Any, Any]:
    saver = tf.train.import_meta_graph(shared / "data" / f"{name}.meta")
    session = tf.Session()
    saver.restore(session, shared / "data" / f"{name}{shards}")
    return saver, session


@pytest.mark.parametrize("case", SAVED)
def test_saved_again_it_is_the_same(shared: Path, tmp_path: Path, case: str) -> None:
    name, shards, version = SAVED[case]
    saver, session = restored(shared, name, shards)
    assert saver.as_saver_def().version == version
    prefix = tmp_path / Path(name).name
    path = saver.save(session, prefix)
    kept = {"checkpoint", f"{prefix.name}.meta"}
    files = {file.name: file for file in tmp_path.iterdir() if file.name not in kept}
    original = (shared / "data" / name).parent
    expected = {
        file.name
        for file in original.iterdir()
        if file.name.startswith(prefix.name) and file.name not in kept
    }
    assert set(files) == expected
    for file in files.values():
        assert file.read_bytes() == (original / file.name).read_bytes(), file.name
    assert tf.train.latest_checkpoint(tmp_path) == path
    tf.train.remove_checkpoint(path, version)
    assert {file.name for file in tmp_path.iterdir()} == {"checkpoint"}


def test_partitions_in_the_first_format(shared: Path, tmp_path: Path) -> None:
    """TensorFlow lists the slices of a tensor in no particular order; the rest is the same."""
    name = "edge/part_v1/model.ckpt-5"
    saver, session = restored(shared, name)
    path = saver.save(session, tmp_path / "model.ckpt-5")
    ours, theirs = (evergraph.open_checkpoint(p) for p in (path, shared / "data" / name))
    assert list(ours) == list(theirs)
    for tensor in ours:
        np.testing.assert_array_equal(ours[tensor], theirs[tensor])
        assert sorted(map(str, ours.info(tensor).slices)) == sorted(
            map(str, theirs.info(tensor).slices)
        )
    assert Path(path).stat().st_size == (shared / "data" / name).stat().st_size


def test_a_graph_of_before_v2(shared: Path, tmp_path: Path) -> None:
    """RestoreSlice and SaveSlices, and a SaverDef that knows no versions yet."""
    saver = tf.train.import_meta_graph(shared / "data" / BEFORE_V2)
    assert saver.as_saver_def().version == tf.train.SaverDef.LEGACY
    types = {op.type for op in tf.get_default_graph().get_operations()}
    assert {"SaveSlices", "RestoreSlice"} <= types
    variables = tf.global_variables()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        values = session.run(variables)
        path = saver.save(session, tmp_path / "export", global_step=1)
        saver.save(session, tmp_path / "export", global_step=2)
    assert evergraph.open_checkpoint(path).format_version == 1
    with tf.Session() as session:
        saver.restore(session, path)
        assert session.run(variables) == values
    tf.train.remove_checkpoint(path, saver.as_saver_def().version)
    assert {file.name for file in tmp_path.iterdir()} == {"checkpoint", "export-2", "export-2.meta"}
