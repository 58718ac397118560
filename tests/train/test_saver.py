"""Saver: what it writes, keeps, restores and says."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evergraph
from evergraph import errors
from evergraph import tf1 as tf
from evergraph.train.checkpoints import meta_graph_filename
from evergraph.train.saveables import SaveableObject, SaveSpec
from evergraph.train.saver import get_saver_or_default


@pytest.fixture(autouse=True)
def fresh_graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


def model(value: float = 1.0) -> tuple[Any, Any]:
    return tf.Variable([value, 2.0], name="w"), tf.Variable(value, name="b")


def saved(folder: Path, steps: int = 1, **options: Any) -> tuple[Any, Any]:
    """A session with two variables, saved ``steps`` times."""
    model()
    saver = tf.train.Saver(**options)
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    for step in range(steps):
        saver.save(session, folder / "model", global_step=step)
    return saver, session


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_checkpoint_is_three_files_and_a_state(tmp_path: Path) -> None:
    model()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        prefix = tf.train.Saver().save(session, str(tmp_path / "model"))
    assert prefix == str(tmp_path / "model")
    assert names(tmp_path) == {
        "model.index",
        "model.data-00000-of-00001",
        "model.meta",
        "checkpoint",
    }
    with evergraph.open_checkpoint(prefix) as checkpoint:
        assert {name: value.tolist() for name, value in checkpoint.items()} == {
            "w": [1.0, 2.0],
            "b": 1.0,
        }


def test_restore_does_not_need_an_initialized_variable(tmp_path: Path) -> None:
    saver, session = saved(tmp_path)
    session.close()
    with tf.Session() as other:
        saver.restore(other, str(tmp_path / "model-0"))
        assert other.run("w:0").tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("keep", "left"), [(2, {3, 4}), (5, {0, 1, 2, 3, 4}), (0, {0, 1, 2, 3, 4})]
)
def test_old_checkpoints_are_deleted(tmp_path: Path, keep: int, left: set[int]) -> None:
    saver, _ = saved(tmp_path, 5, max_to_keep=keep)
    indexes = {name for name in names(tmp_path) if name.endswith(".index")}
    assert indexes == {f"model-{step}.index" for step in left}
    assert {name.split(".")[0] for name in names(tmp_path)} == {
        "checkpoint",
        *(f"model-{step}" for step in left),
    }
    state = tf.train.get_checkpoint_state(str(tmp_path))
    assert state.model_checkpoint_path == str(tmp_path / "model-4")
    # Without a limit too, where TensorFlow lists the newest only.
    assert len(state.all_model_checkpoint_paths) == len(left)
    assert saver.last_checkpoints == (
        [f"{tmp_path}/model-{step}" for step in sorted(left)] if keep else []
    )


def test_some_are_kept_for_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000_000.0]
    monkeypatch.setattr("evergraph.train.saver.time.time", lambda: now[0])
    model()
    saver = tf.train.Saver(max_to_keep=1, keep_checkpoint_every_n_hours=2)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for hour in range(6):
            saver.save(session, str(tmp_path / "model"), global_step=hour)
            now[0] += 3600
    kept = {int(name[6:-6]) for name in names(tmp_path) if name.endswith(".index")}
    assert kept == {3, 5}


def test_the_meta_is_there_before_the_state_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[str]] = []
    update = "evergraph.train.saver.update_checkpoint_state"
    monkeypatch.setattr(update, lambda *args, **named: seen.append(names(tmp_path)))
    saved(tmp_path)
    assert seen == [{"model-0.index", "model-0.data-00000-of-00001", "model-0.meta"}]


def test_steps_may_be_padded_and_paths_relative(tmp_path: Path) -> None:
    saved(tmp_path, pad_step_number=True, save_relative_paths=True)
    assert (tmp_path / "checkpoint").read_text().splitlines() == [
        'model_checkpoint_path: "model-00000000"',
        'all_model_checkpoint_paths: "model-00000000"',
    ]
    assert tf.train.latest_checkpoint(str(tmp_path)) == str(tmp_path / "model-00000000")


def test_a_moved_folder_still_has_its_latest(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    saved(tmp_path / "there", 2)
    (tmp_path / "there").rename(tmp_path / "here")
    with caplog.at_level(logging.WARNING, "evergraph"):
        assert tf.train.latest_checkpoint(str(tmp_path / "here")) == str(tmp_path / "here/model-1")
    assert "the folder was moved" in caplog.text


@pytest.mark.parametrize(
    "given",
    ["model-1", "model-1.index", "model-1.meta", "model-1.data-00000-of-00001", "checkpoint", ""],
)
def test_any_file_of_a_checkpoint_stands_for_it(tmp_path: Path, given: str) -> None:
    saver, _ = saved(tmp_path, 2)
    with tf.Session() as session:
        saver.restore(session, str(tmp_path / given))
        assert session.run("b:0") == 1.0


def test_what_is_missing_is_listed_with_what_is_near(tmp_path: Path) -> None:
    saved(tmp_path)
    with tf.Graph().as_default(), tf.Session() as session:
        tf.Variable([0.0, 0.0], name="w")
        tf.Variable(0.0, name="bias")
        tf.Variable(0.0, name="scope/b")
        with pytest.raises(errors.NotFoundError) as caught:
            tf.train.Saver().restore(session, str(tmp_path / "model-0"))
    message = caught.value.message
    assert "2 of the 3 variables" in message
    assert "scope/b  (near: b" in message
    assert "does not restore: b." in message


def test_other_shapes_are_listed_by_variable(tmp_path: Path) -> None:
    saved(tmp_path)
    with tf.Graph().as_default(), tf.Session() as session:
        tf.Variable([0.0, 0.0, 0.0], name="w")
        tf.Variable(0, name="b")
        with pytest.raises(errors.InvalidArgumentError) as caught:
            tf.train.Saver().restore(session, str(tmp_path / "model-0"))
    assert "w: float32[3] in the graph, float32[2] in the checkpoint" in caught.value.message
    assert "b: int32[] in the graph, float32[] in the checkpoint" in caught.value.message


def test_reshape_restores_another_shape(tmp_path: Path) -> None:
    saved(tmp_path)
    with tf.Graph().as_default(), tf.Session() as session:
        w = tf.Variable([[0.0], [0.0]], name="w")
        tf.train.Saver([w], reshape=True).restore(session, str(tmp_path / "model-0"))
        assert session.run(w).tolist() == [[1.0], [2.0]]


@pytest.mark.parametrize(
    ("path", "phrase"),
    [(None, "Can't load save_path when it is None"), ("nowhere", "not a valid checkpoint")],
)
def test_restore_of_nothing(path: Any, phrase: str) -> None:
    model()
    with tf.Session() as session, pytest.raises(ValueError, match=phrase):
        tf.train.Saver().restore(session, path)


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="No variables to save"):
        tf.train.Saver()
    assert tf.train.Saver(allow_empty=True).save(tf.Session(), str(tmp_path / "m")) is None
    w, _ = model()
    with pytest.raises(ValueError, match="restored with two names"):
        tf.train.Saver({"one": w, "two": w})
    with pytest.raises(TypeError, match=r"not a Variable|Not a variable"):
        tf.train.Saver([tf.constant(1.0)])
    saver = tf.train.Saver()
    with pytest.raises(TypeError, match="must be a Session"):
        saver.save(None, str(tmp_path / "m"))
    with tf.Session() as session:
        with pytest.raises(ValueError, match="path components"):
            saver.save(session, str(tmp_path / "m"), latest_filename="a/b")
        with pytest.raises(ValueError, match="collides"):
            saver.save(session, str(tmp_path / "checkpoint"))
        with pytest.raises(errors.FailedPreconditionError, match="uninitialized value"):
            saver.save(session, str(tmp_path / "m"))
    deferred = tf.train.Saver(defer_build=True)
    with pytest.raises(RuntimeError, match="build"):
        deferred.save(tf.Session(), str(tmp_path / "m"))


@pytest.mark.parametrize("version", [1, 2])
def test_a_save_that_fails_leaves_the_old_one(tmp_path: Path, version: int) -> None:
    _, session = saved(tmp_path, write_version=version)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    tf.Variable(0.0, name="never_initialized")
    with pytest.raises(errors.FailedPreconditionError):
        tf.train.Saver(write_version=version).save(session, str(tmp_path / "model"), global_step=0)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_resource_variables(tmp_path: Path) -> None:
    v = tf.get_variable("v", initializer=np.arange(4.0, dtype=np.float32), use_resource=True)
    saver = tf.train.Saver()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        path = saver.save(session, str(tmp_path / "model"))
        session.run(v.assign(np.zeros(4, np.float32)))
        saver.restore(session, path)
        assert session.run(v).tolist() == [0.0, 1.0, 2.0, 3.0]


def test_sharded(tmp_path: Path) -> None:
    with tf.device("/cpu:0"):
        a = tf.Variable([1.0], name="a")
    with tf.device("/cpu:1"):
        b = tf.Variable([2.0], name="b")
    saver = tf.train.Saver(sharded=True)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        path = saver.save(session, str(tmp_path / "model"))
        assert names(tmp_path) == {
            "checkpoint",
            "model.meta",
            "model.index",
            "model.data-00000-of-00002",
            "model.data-00001-of-00002",
        }
        session.run([a.assign([0.0]), b.assign([0.0])])
        saver.restore(session, path)
        assert [value.tolist() for value in session.run([a, b])] == [[1.0], [2.0]]


def test_recover_last_checkpoints(tmp_path: Path) -> None:
    _, session = saved(tmp_path, 3, max_to_keep=3)
    state = tf.train.get_checkpoint_state(str(tmp_path))
    later = tf.train.Saver(max_to_keep=3)
    later.recover_last_checkpoints([*state.all_model_checkpoint_paths, "gone"])
    later.save(session, str(tmp_path / "model"), global_step=3)
    assert {name for name in names(tmp_path) if name.endswith(".index")} == {
        f"model-{step}.index" for step in (1, 2, 3)
    }


V1 = tf.train.SaverDef.V1


def test_the_first_format_is_one_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        saver, _ = saved(tmp_path, steps=3, write_version=V1, max_to_keep=2)
    assert len(caplog.records) == 1
    assert "V1 checkpoint format has been deprecated" in caplog.text
    assert names(tmp_path) == {"checkpoint", "model-1", "model-1.meta", "model-2", "model-2.meta"}
    latest = tf.train.latest_checkpoint(tmp_path)
    assert latest == str(tmp_path / "model-2")
    assert tf.train.checkpoint_exists(latest)
    with tf.Session() as other:
        saver.restore(other, latest)
        assert other.run("w:0").tolist() == [1.0, 2.0]
    with evergraph.open_checkpoint(tmp_path) as checkpoint:
        assert checkpoint.format_version == 1


def test_the_first_format_in_shards(tmp_path: Path) -> None:
    for number in range(3):
        with tf.device(f"/cpu:{number}"):
            tf.Variable(float(number), name=f"v{number}")
    saver = tf.train.Saver(sharded=True, write_version=V1, max_to_keep=1)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        saver.save(session, tmp_path / "model", global_step=1)
        path = saver.save(session, tmp_path / "model", global_step=2)
        assert path == str(tmp_path / "model-2-?????-of-00003")
        shards = {f"model-2-0000{number}-of-00003" for number in range(3)}
        assert names(tmp_path) == {"checkpoint", "model-2.meta"} | shards
        assert tf.train.latest_checkpoint(tmp_path) == path
        assert tf.train.get_checkpoint_mtimes([path]) != []
        shard = tmp_path / "model-2-00001-of-00003"
        for given in (path, tmp_path / "model-2", shard, tmp_path, tmp_path / "checkpoint"):
            with tf.Session() as other:
                saver.restore(other, given)
                assert other.run(["v0:0", "v1:0", "v2:0"]) == [0, 1, 2]
        tf.train.remove_checkpoint(path, V1)
        assert names(tmp_path) == {"checkpoint"}


@pytest.mark.parametrize("name", ["m-1", "m-1-?????-of-00003", "m-1-00002-of-00003"])
def test_the_graph_beside_a_checkpoint(name: str) -> None:
    assert meta_graph_filename(f"a-1-of-2/{name}") == "a-1-of-2/m-1.meta"


def test_a_moved_folder_of_the_first_format(tmp_path: Path) -> None:
    saved(tmp_path / "here", sharded=True, write_version=V1)
    (tmp_path / "here").rename(tmp_path / "there")
    latest = tf.train.latest_checkpoint(tmp_path / "there")
    assert latest == str(tmp_path / "there" / "model-0-?????-of-00001")


def test_the_first_format_says_what_it_cannot_hold(tmp_path: Path) -> None:
    v = tf.Variable(tf.cast([1, 2], tf.uint32), name="counts")
    with tf.Session() as session:
        session.run(v.initializer)
        with pytest.raises(errors.UnimplementedError, match=r"uint32 .*'counts'.* Format V2 has"):
            tf.train.Saver(write_version=V1).save(session, tmp_path / "model")
    assert names(tmp_path) == set()


@pytest.mark.parametrize("version", [1, 2])
def test_a_folder_may_have_any_name(tmp_path: Path, version: int) -> None:
    """As a pattern, its name would mean another folder's files."""
    folder, other = tmp_path / "lr=[1]", tmp_path / "lr=1"
    other.mkdir()
    saver, _ = saved(folder, steps=2, write_version=version, max_to_keep=1)
    there = "model-0" if version == 1 else "model-0.data-00000-of-00001"
    (other / there).write_bytes(b"another run's")
    tf.train.remove_checkpoint(str(folder / "model-0"), version)
    assert (other / there).exists()
    assert tf.train.latest_checkpoint(folder) == saver.last_checkpoints[-1]
    tf.train.remove_checkpoint(str(folder / "model-1"), version)
    assert names(folder) == {"checkpoint"}


class Pair(SaveableObject):
    """Two variables saved as one object, as their sum and the second: made when they are saved."""

    def __init__(self, first: Any, second: Any, name: str) -> None:
        self.variables = first, second
        specs = [
            SaveSpec(lambda: first + second, "", f"{name}/sum", tf.float32, first.device),
            SaveSpec(second.value(), "", f"{name}/second"),
        ]
        super().__init__(first, specs, name)

    def restore(self, restored_tensors: Any, restored_shapes: Any) -> Any:
        total, second = restored_tensors
        first, other = self.variables
        return tf.group(first.assign(total - second), other.assign(second))


@pytest.mark.parametrize("in_collection", [False, True])
def test_an_object_of_several_tensors(tmp_path: Path, in_collection: bool) -> None:
    collections = [tf.GraphKeys.LOCAL_VARIABLES]
    pair = Pair(
        tf.Variable(1.0, collections=collections), tf.Variable(2.0, collections=collections), "pair"
    )
    if in_collection:
        tf.add_to_collection(tf.GraphKeys.SAVEABLE_OBJECTS, pair)
    saver = tf.train.Saver() if in_collection else tf.train.Saver([pair])
    with tf.Session() as session:
        session.run(tf.local_variables_initializer())
        saver.save(session, tmp_path / "model")
    checkpoint = evergraph.open_checkpoint(tmp_path / "model")
    assert {name: value.tolist() for name, value in checkpoint.items()} == {
        "pair/sum": 3.0,
        "pair/second": 2.0,
    }
    with tf.Session() as session:
        saver.restore(session, tmp_path / "model")
        assert session.run(pair.variables) == (1.0, 2.0)


def test_an_object_without_restore() -> None:
    v = tf.Variable(1.0)
    with pytest.raises(ValueError, match="abstract method"):
        tf.train.Saver([SaveableObject(v, [SaveSpec(v.value(), "", "v")], "v")])
    with pytest.raises(AssertionError, match="explicit dtype and device"):
        SaveSpec(lambda: v, "", "v", dtype=tf.float32)


def test_the_default_saver() -> None:
    empty = get_saver_or_default()
    assert get_saver_or_default() is empty
    assert empty.save(tf.Session(), "nowhere", write_meta_graph=False) is None
    assert empty.to_proto() is empty.to_proto("scope") is None
    tf.add_to_collection(tf.GraphKeys.SAVERS, tf.train.Saver([tf.Variable(1.0)]))
    with pytest.raises(RuntimeError, match="More than one item in collection savers: there are 2"):
        get_saver_or_default()
