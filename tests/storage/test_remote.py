"""Checkpoints and graphs in remote stores: servers of S3 and of Google's storage on this machine, and ``memory://``."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evergraph
from evergraph import errors
from evergraph import tf1 as tf
from evergraph.formats.bundle_reader import BundleReader
from evergraph.formats.bundle_writer import BundleWriter
from evergraph.storage import gfile
from tests.storage.store_server import StoreServer

TENSORS: dict[str, Any] = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "text": np.array([b"x", b"\0\xff"], object),
    "empty": np.zeros((0, 4), bool),
}


@pytest.fixture(autouse=True)
def fresh_graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


def names(folder: str) -> set[str]:
    return set(gfile.ListDirectory(folder))


def values(path: str) -> dict[str, Any]:
    with evergraph.open_checkpoint(path) as checkpoint:
        return {name: value.tolist() for name, value in checkpoint.items()}


def trained(prefix: str, steps: int = 1, **options: Any) -> tuple[Any, Any]:
    """A session with three variables on two devices, saved ``steps`` times."""
    tf.Variable([1.0, 2.0], name="w")
    for number in range(2):
        with tf.device(f"/cpu:{number}"):
            tf.Variable(float(number), name=f"on{number}")
    saver = tf.train.Saver(**options)
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    for step in range(steps):
        saver.save(session, prefix, global_step=step)
    return saver, session


# ----------------------------------------------------------------------------- without any graph


def test_what_is_saved_comes_back(remote: str) -> None:
    assert evergraph.save_checkpoint(f"{remote}/d/m", TENSORS, update_state=True) == f"{remote}/d/m"
    assert names(f"{remote}/d") == {"checkpoint", "m.index", "m.data-00000-of-00001"}
    for path in ("d/m", "d", "d/m.index", "d/checkpoint", "d/m.data-00000-of-00001"):
        assert values(f"{remote}/{path}") == {
            name: value.tolist() for name, value in TENSORS.items()
        }
    assert gfile.GFile(f"{remote}/d/checkpoint").readline() == 'model_checkpoint_path: "m"\n'


def test_the_same_bytes_as_on_a_disk(remote: str, tmp_path: Path) -> None:
    for folder in (remote, str(tmp_path)):
        evergraph.save_checkpoint(f"{folder}/m", TENSORS)
    for name in ("m.index", "m.data-00000-of-00001"):
        there = gfile.GFile(f"{remote}/{name}", "rb").read()
        assert there == (tmp_path / name).read_bytes()


def test_the_state_names_the_last_of_several(remote: str) -> None:
    for step in (1, 2):
        evergraph.save_checkpoint(f"{remote}/m-{step}", {"step": step}, update_state=True)
    assert values(remote) == {"step": 2}
    assert tf.train.latest_checkpoint(remote) == f"{remote}/m-2"
    assert list(tf.train.get_checkpoint_state(remote).all_model_checkpoint_paths) == [
        f"{remote}/m-1",
        f"{remote}/m-2",
    ]


def test_a_checkpoint_that_replaces_another(remote: str) -> None:
    """The new data lies beside the old, and the index decides; then the old is removed."""
    prefix = f"{remote}/m"
    for step, shards in enumerate((1, 2, 1)):
        evergraph.save_checkpoint(prefix, {"step": step})
        data = {f"m.data-{shard:05d}-of-{shards:05d}" for shard in range(shards)}
        assert names(remote) == {"m.index", *data}
        assert values(remote) == {"step": step}


def test_the_names_of_other_checkpoints_are_left_alone(remote: str) -> None:
    for prefix in ("m", "m.data-00000-of-00001x", "mm"):
        evergraph.save_checkpoint(f"{remote}/{prefix}", {"x": 1})
    others = names(remote) - {"m.index", "m.data-00000-of-00001"}
    evergraph.save_checkpoint(f"{remote}/m", {"x": 2})
    assert others < names(remote)


def test_whoever_reads_while_it_is_replaced(remote: str) -> None:
    prefix = f"{remote}/m"
    evergraph.save_checkpoint(prefix, {"x": 1.0, "y": 2.0})
    with BundleReader(prefix) as reader, BundleWriter(prefix) as writer:
        writer.add("x", 7.0)
        assert reader.read("x") == 1.0
        assert values(prefix) == {"x": 1.0, "y": 2.0}
    assert values(prefix) == {"x": 7.0}


def test_giving_up_leaves_nothing_new(remote: str) -> None:
    evergraph.save_checkpoint(f"{remote}/m", {"x": 1.0})
    before = names(remote)
    for prefix in ("m", "other"):
        with pytest.raises(errors.InvalidArgumentError, match="cannot be stored"):
            evergraph.save_checkpoint(f"{remote}/{prefix}", {"x": np.zeros(1000), "y": object()})
    assert names(remote) == before
    assert values(remote) == {"x": 1.0}


def test_files_at_the_root_of_a_store() -> None:
    prefix = "memory://at-the-root"
    try:
        evergraph.save_checkpoint(prefix, {"x": 5}, update_state=True)
        assert tf.train.latest_checkpoint("memory://") == prefix
        assert gfile.Glob("memory://at-the-root*") == [
            f"{prefix}.data-00000-of-00001",
            f"{prefix}.index",
        ]
        with tf.Session() as session:
            variable = tf.Variable(1, name="v")
            session.run(variable.initializer)
            assert tf.train.Saver().save(session, prefix) == prefix
        assert "checkpoint" in names("memory://")
        assert values("memory://") == {"v": 1}
    finally:
        for path in [*gfile.Glob(f"{prefix}*"), "memory://checkpoint"]:
            gfile.Remove(path)


def test_a_state_file_that_names_places_elsewhere(remote: str) -> None:
    evergraph.save_checkpoint(f"{remote}/d/m", {"x": 1})
    evergraph.save_checkpoint(f"{remote}/elsewhere/other", {"x": 2})
    for named in (f"{remote}/elsewhere/other", "../elsewhere/other", "s3://no-such-bucket/other"):
        with gfile.GFile(f"{remote}/d/checkpoint", "w") as state:
            state.write(f'model_checkpoint_path: "{named}"\n')
        assert values(f"{remote}/d") == {"x": 1}
    with gfile.GFile(f"{remote}/d/checkpoint", "w") as state:
        state.write(f'model_checkpoint_path: "{remote}/d/m"\n')
    assert evergraph.open_checkpoint(f"{remote}/d").notice == ""


def test_what_is_not_there_is_said(remote: str) -> None:
    evergraph.save_checkpoint(f"{remote}/model-3", {"x": 1})
    with pytest.raises(FileNotFoundError, match="Nearest names there: 'model-3'"):
        evergraph.open_checkpoint(f"{remote}/modle-3")
    gfile.Remove(f"{remote}/model-3.index")
    with pytest.raises(errors.NotFoundError, match="only the index tells"):
        evergraph.open_checkpoint(f"{remote}/model-3")


@pytest.mark.parametrize("prefix", ["", "/", "/x.index"])
def test_what_cannot_be_a_prefix(remote: str, prefix: str) -> None:
    evergraph.save_checkpoint(f"{remote}/m", {"x": 1})
    with pytest.raises(errors.InvalidArgumentError, match="cannot be a checkpoint's prefix"):
        evergraph.save_checkpoint(remote + prefix, {"x": 1})


def test_a_bucket_is_no_file(server: StoreServer) -> None:
    with pytest.raises(errors.InvalidArgumentError, match="name of a store or folder"):
        evergraph.save_checkpoint(f"{server.scheme}://bare", {"x": 1})


def test_a_path_that_pathlib_has_changed() -> None:
    with pytest.raises(errors.InvalidArgumentError, match="lost a slash"):
        evergraph.open_checkpoint(Path("s3://bucket/m"))
    assert not gfile.Exists("s3:/local")


# ------------------------------------------------------------------------------------------ Saver


@pytest.mark.parametrize("sharded", [False, True])
def test_saver_saves_keeps_and_restores(remote: str, sharded: bool) -> None:
    saver, session = trained(f"{remote}/t/model", 4, max_to_keep=2, sharded=sharded)
    shards = 3 if sharded else 1
    ends = ["index", "meta", *(f"data-{shard:05d}-of-{shards:05d}" for shard in range(shards))]
    kept = {f"model-{step}.{end}" for step in (2, 3) for end in ends}
    assert names(f"{remote}/t") == {"checkpoint", *kept}
    assert tf.train.latest_checkpoint(f"{remote}/t") == f"{remote}/t/model-3"
    assert saver.last_checkpoints == [f"{remote}/t/model-2", f"{remote}/t/model-3"]
    session.run(tf.global_variables()[0].assign([8.0, 9.0]))
    assert saver.save(session, f"{remote}/t/model", global_step=3) == f"{remote}/t/model-3"
    session.run(tf.global_variables()[0].assign([0.0, 0.0]))
    saver.restore(session, tf.train.latest_checkpoint(f"{remote}/t"))
    assert session.run("w:0").tolist() == [8.0, 9.0]
    assert dict(tf.train.list_variables(f"{remote}/t")) == {"w": [2], "on0": [], "on1": []}


def test_from_the_command_line(bucket: str, server: StoreServer) -> None:
    trained(f"{bucket}/model")
    environment = {**os.environ, **server.environment}

    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "evergraph", *arguments]
        return subprocess.run(
            command, env=environment, check=True, capture_output=True, text=True
        ).stdout

    assert json.loads(run("inspect", bucket, "--json"))["latest"]["prefix"] == f"{bucket}/model-0"
    run("freeze", bucket, "-o", f"{bucket}/out/frozen.pb", "--outputs", "w/read")
    with evergraph.load_model(f"{bucket}/out/frozen.pb", outputs="w/read") as model:
        assert model()["w/read"].tolist() == [1.0, 2.0]


# -------------------------------------------------------------------------------- what it costs


def test_one_tensor_costs_its_bytes(bucket: str, server: StoreServer) -> None:
    large = np.arange(5 << 20, dtype=np.float32)
    evergraph.save_checkpoint(
        f"{bucket}/m", {"a": large, "b": np.ones(1000, np.float32), "c": large}
    )
    server.requests.clear()
    with evergraph.open_checkpoint(f"{bucket}/m") as checkpoint:
        assert checkpoint["b"].sum() == 1000
    fetched = [request for request in server.requests if request.kind == "read"]
    data = [request.range for request in fetched if ".data-" in request.key]
    assert data == [f"bytes={large.nbytes}-{large.nbytes + 3999}"]
    assert len([request for request in fetched if request.key.endswith(".index")]) == 1


def test_a_large_tensor_is_fetched_in_parts(bucket: str, server: StoreServer) -> None:
    large = np.arange(5 << 20, dtype=np.float32)
    evergraph.save_checkpoint(f"{bucket}/m", {"a": large})
    sent = [request.size for request in server.requests if ".data-" in request.key]
    assert 16 << 20 <= max(sent) <= 17 << 20
    server.requests.clear()
    with evergraph.open_checkpoint(f"{bucket}/m") as checkpoint:
        np.testing.assert_array_equal(checkpoint["a"], large)
    ranges = sorted(
        int(request.range[6:].partition("-")[0])
        for request in server.requests
        if ".data-" in request.key and request.range
    )
    assert ranges == [0, 8 << 20, 16 << 20]


def test_many_small_tensors_take_few_requests(bucket: str, server: StoreServer) -> None:
    tensors = {f"v{number:04d}": np.full(3000, number, np.float32) for number in range(300)}
    evergraph.save_checkpoint(f"{bucket}/m", tensors)
    server.requests.clear()
    with evergraph.open_checkpoint(f"{bucket}/m") as checkpoint:
        for name, value in tensors.items():
            np.testing.assert_array_equal(checkpoint[name], value)
    assert len(server.requests) < 20


# ----------------------------------------------------------------------------- without the extra


def test_local_files_load_nothing_remote(tmp_path: Path) -> None:
    program = f"""
import sys, evergraph
evergraph.save_checkpoint({str(tmp_path / "m")!r}, {{"x": 1}}, update_state=True)
evergraph.open_checkpoint({str(tmp_path)!r})["x"]
print([name for name in sys.modules if "fsspec" in name or "remote" in name])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("hidden", "path", "advice"),
    [
        ("fsspec", "memory://x", r"pip install 'evergraph\[remote\]'"),
        ("s3fs", "s3://b/x", r"pip install 'evergraph\[remote\]' s3fs"),
        ("gcsfs", "gs://b/x", r"pip install 'evergraph\[remote\]' gcsfs"),
        ("s3fs", "nonsense://b/x", r"scheme 'nonsense' not implemented .*not known"),
    ],
)
def test_what_is_missing_is_named(hidden: str, path: str, advice: str) -> None:
    program = f"""
import sys
sys.modules[{hidden!r}] = None
from evergraph import errors
from evergraph.storage import gfile
try:
    gfile.Exists({path!r})
except errors.UnimplementedError as error:
    print(error.message)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert re.search(advice, done.stdout)
