"""What a store that fails leaves behind: always the last checkpoint that was whole."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import evergraph
from evergraph import errors
from evergraph import tf1 as tf
from evergraph.formats.bundle_merge import merge_bundles
from evergraph.storage import gfile
from evergraph.storage.remote_file import RemoteFile
from evergraph.storage.remote_place import place_of
from tests.storage.s3_server import Answer, Request, S3Server

LARGE = np.arange(5 << 20, dtype=np.float32)  # an upload of two parts

#: Each request that changes something, of a save of one large tensor and its state file.
STEPS: dict[str, Callable[[Request], bool]] = {
    "an upload begins": lambda r: r.method == "POST" and "uploads" in r.query,
    "its first part": lambda r: r.method == "PUT" and "partNumber=1" in r.query,
    "its second part": lambda r: r.method == "PUT" and "partNumber=2" in r.query,
    "it is completed": lambda r: r.method == "POST" and "uploadId" in r.query,
    "a small file": lambda r: r.method == "PUT" and r.key.endswith("-of-00002"),
    "the index": lambda r: r.method == "PUT" and r.key.endswith(".index"),
    "the state file": lambda r: r.method == "PUT" and r.key.endswith("/checkpoint"),
}
AFTER_THE_COMMIT = ("the state file",)


def refuse(step: str) -> Callable[[Request], Answer | None]:
    return lambda request: Answer() if STEPS[step](request) else None


@pytest.fixture(autouse=True)
def fresh_graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


def value(path: str) -> Any:
    with evergraph.open_checkpoint(path) as checkpoint:
        return checkpoint["x"].ravel()[0]


@pytest.mark.parametrize("step", [step for step in STEPS if step != "a small file"])
def test_a_save_that_fails_leaves_the_last_one(s3: str, s3_server: S3Server, step: str) -> None:
    evergraph.save_checkpoint(f"{s3}/m-1", {"x": np.float32(1)}, update_state=True)
    with s3_server.failing(refuse(step)), pytest.raises(errors.PermissionDeniedError):
        evergraph.save_checkpoint(f"{s3}/m-2", {"x": LARGE}, update_state=True)
    assert value(s3) == 1
    assert tf.train.latest_checkpoint(s3) == f"{s3}/m-1"
    assert gfile.Exists(f"{s3}/m-2.index") == (step in AFTER_THE_COMMIT)
    evergraph.save_checkpoint(f"{s3}/m-2", {"x": LARGE + 2}, update_state=True)
    assert value(s3) == 2
    assert len(gfile.Glob(f"{s3}/m-2.*")) == (3 if step in AFTER_THE_COMMIT else 2)


@pytest.mark.parametrize("step", STEPS)
def test_a_save_over_another_that_fails(s3: str, s3_server: S3Server, step: str) -> None:
    evergraph.save_checkpoint(f"{s3}/m", {"x": np.float32(1)}, update_state=True)
    with s3_server.failing(refuse(step)), pytest.raises(errors.PermissionDeniedError):
        evergraph.save_checkpoint(f"{s3}/m", {"x": LARGE + 2}, update_state=True)
    assert value(s3) == (2 if step in AFTER_THE_COMMIT else 1)
    evergraph.save_checkpoint(f"{s3}/m", {"x": LARGE + 3}, update_state=True)
    assert value(s3) == 3
    index = {f"{s3}/m.index"}
    total = int(gfile.Glob(f"{s3}/m.data-00000-of-*")[0][-5:])
    data = {f"{s3}/m.data-{shard:05d}-of-{total:05d}" for shard in range(total)}
    assert set(gfile.Glob(f"{s3}/m.*")) == index | data


@pytest.mark.parametrize("prefix", ["m-1", "m-2"])
def test_killed_before_any_request(s3: str, s3_server: S3Server, prefix: str) -> None:
    """From its n-th request on nothing of a program arrives, as when it is killed; for every n."""
    seen = []
    for allowed in itertools.count():
        folder = f"{s3}/{allowed}"
        evergraph.save_checkpoint(f"{folder}/m-1", {"x": np.float32(1)}, update_state=True)
        arrived = itertools.count()
        with s3_server.failing(lambda _: None if next(arrived) < allowed else Answer()):  # noqa: B023
            try:
                evergraph.save_checkpoint(
                    f"{folder}/{prefix}", {"x": np.float32(2)}, update_state=True
                )
                refused = next(arrived) > allowed
            except errors.OpError:
                refused = True
        seen.append(int(value(folder)))
        if not refused:
            break
    assert seen == sorted(seen)
    assert set(seen) == {1, 2}


def test_an_answer_that_is_lost_after_the_commit(s3: str, s3_server: S3Server) -> None:
    """The store took the index, and only said so to nobody: the set is whole, and stays."""

    def lose(request: Request) -> Answer | None:
        if not (request.method == "PUT" and request.key.endswith(".index")):
            return None
        return Answer(status="403 Forbidden", lost=True)

    evergraph.save_checkpoint(f"{s3}/m", {"x": np.float32(1)})
    with s3_server.failing(lose), pytest.raises(errors.PermissionDeniedError):
        evergraph.save_checkpoint(f"{s3}/m", {"x": np.float32(2)})
    assert value(f"{s3}/m") == 2


def test_old_data_that_cannot_be_removed_stays(s3: str, s3_server: S3Server) -> None:
    evergraph.save_checkpoint(f"{s3}/m", {"x": np.float32(1)})
    with s3_server.failing(lambda r: Answer() if r.method == "DELETE" else None):
        evergraph.save_checkpoint(f"{s3}/m", {"x": np.float32(2)})
    assert value(f"{s3}/m") == 2
    for step in (3, 4):
        evergraph.save_checkpoint(f"{s3}/m", {"x": np.float32(step)})
        assert value(f"{s3}/m") == step
    assert len(gfile.Glob(f"{s3}/m.data-00000-of-*")) == 1


def test_saver_goes_on_after_a_save_that_failed(s3: str, s3_server: S3Server) -> None:
    step = tf.Variable(0, name="x")
    saver = tf.train.Saver(max_to_keep=1)
    with tf.Session() as session:
        session.run(step.initializer)
        saver.save(session, f"{s3}/m", global_step=0)
        session.run(step.assign(1))
        for failing in ("the index", "the state file"):
            with s3_server.failing(refuse(failing)), pytest.raises(errors.PermissionDeniedError):
                saver.save(session, f"{s3}/m", global_step=1)
            assert tf.train.latest_checkpoint(s3) == f"{s3}/m-0"
            assert value(s3) == 0
        saver.save(session, f"{s3}/m", global_step=1)
    assert value(s3) == 1
    assert [name for name in gfile.ListDirectory(s3) if name.endswith(".index")] == ["m-1.index"]


@pytest.mark.parametrize("over_another", [False, True])
def test_a_merge_that_fails_gives_the_parts_back(
    s3: str, s3_server: S3Server, over_another: bool
) -> None:
    parts = [f"{s3}/parts/{number}" for number in range(2)]
    for number, part in enumerate(parts):
        evergraph.save_checkpoint(part, {f"x{number}": np.float32(number)})
    if over_another:
        evergraph.save_checkpoint(f"{s3}/m", {"x": np.float32(1)})

    def refuse_second(request: Request) -> Answer | None:
        refused = request.method == "PUT" and ".data-00001-of-" in request.key
        return Answer() if refused else None

    with s3_server.failing(refuse_second), pytest.raises(errors.PermissionDeniedError):
        merge_bundles(parts, f"{s3}/m")
    assert gfile.Exists(f"{s3}/m.index") == over_another
    if over_another:
        assert value(f"{s3}/m") == 1
    merge_bundles(parts, f"{s3}/m")
    with evergraph.open_checkpoint(f"{s3}/m") as checkpoint:
        assert dict(checkpoint) == {"x0": 0, "x1": 1}
    assert not gfile.Exists(f"{s3}/parts")


# ---------------------------------------------------------------------------------------- reading


@pytest.mark.parametrize("size", [1000, 3 << 20, 20 << 20])
def test_an_answer_that_is_too_short_is_asked_for_again(
    s3: str, s3_server: S3Server, size: int
) -> None:
    tensor = np.arange(size, dtype=np.uint32).view(np.uint8)[:size]
    evergraph.save_checkpoint(f"{s3}/m", {"x": tensor, "y": np.zeros(1 << 20, np.uint8)})
    cut = iter([Answer(cut_after=700), Answer(cut_after=1)])

    def shorten(request: Request) -> Answer | None:
        is_data = request.method == "GET" and ".data-" in request.key
        return next(cut, None) if is_data else None

    with s3_server.failing(shorten), evergraph.open_checkpoint(f"{s3}/m") as checkpoint:
        np.testing.assert_array_equal(checkpoint["x"], tensor)


def test_answers_that_stay_too_short_are_no_value(s3: str, s3_server: S3Server) -> None:
    evergraph.save_checkpoint(f"{s3}/m", {"x": LARGE})
    with evergraph.open_checkpoint(f"{s3}/m") as checkpoint:
        with (
            s3_server.failing(lambda r: Answer(cut_after=0) if r.method == "GET" else None),
            pytest.raises(errors.DataLossError, match="ends at"),
        ):
            checkpoint["x"]
        assert checkpoint["x"][1] == 1


def test_data_that_somebody_else_has_changed(s3: str) -> None:
    evergraph.save_checkpoint(f"{s3}/m", {"x": LARGE})
    evergraph.save_checkpoint(f"{s3}/other", {"x": LARGE + 1})
    end = ".data-00000-of-00001"
    gfile.Copy(f"{s3}/other{end}", f"{s3}/m{end}", overwrite=True)
    with pytest.raises(errors.DataLossError, match="not the data that belongs to"):
        value(f"{s3}/m")
    gfile.Remove(f"{s3}/m{end}")
    with pytest.raises(errors.NotFoundError, match="lies in data file 0"):
        value(f"{s3}/m")


@pytest.mark.parametrize("status", ["403 Forbidden", "401 Unauthorized"])
def test_what_may_not_be_read_is_not_missing(s3: str, s3_server: S3Server, status: str) -> None:
    evergraph.save_checkpoint(f"{s3}/m", {"x": 1})
    with s3_server.failing(lambda request: Answer(status)):
        for question in (gfile.Exists, gfile.Stat, evergraph.open_checkpoint):
            with pytest.raises((errors.PermissionDeniedError, errors.UnknownError)):
                question(f"{s3}/m.index")


def test_several_threads_read(remote: str) -> None:
    tensors = {f"v{number}": np.full(1 << (number % 20), number, np.uint8) for number in range(60)}
    tensors["large"] = np.arange(20 << 20, dtype=np.uint32).astype(np.uint8)
    evergraph.save_checkpoint(f"{remote}/m", tensors)
    with evergraph.open_checkpoint(f"{remote}/m") as checkpoint, ThreadPoolExecutor(8) as threads:
        for name, read in zip(tensors, threads.map(checkpoint.__getitem__, tensors), strict=True):
            np.testing.assert_array_equal(read, tensors[name])


def test_a_file_is_read_by_position(remote: str) -> None:
    data = np.random.RandomState(0).bytes(3 << 20)
    with gfile.GFile(f"{remote}/file", "wb") as file:
        file.write(data)
    with RemoteFile(place_of(f"{remote}/file"), len(data)) as reader:
        for offset, length in [(0, 10), (10, 10), (70_000, 5), (70_010, 600_000), (0, 1), (5, 0),
                               (len(data) - 3, 3), (1 << 20, 2 << 20), (100, 1 << 20)]:  # fmt: skip
            assert bytes(reader.read(offset, length)) == data[offset : offset + length]
        with pytest.raises(errors.OutOfRangeError):
            reader.read(len(data), 1)
    with pytest.raises(errors.FailedPreconditionError, match="closed"):
        reader.read(0, 1)
    cut = RemoteFile(place_of(f"{remote}/file"), len(data) + 10)
    with pytest.raises(errors.OutOfRangeError, match=f"ends at {len(data)}"):
        cut.read(len(data) - 5, 10)
