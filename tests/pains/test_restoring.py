"""Restoring: what people were told when it failed, and when it silently went wrong (numbers: `../shared/PAINS.md`)."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evergraph
from evergraph import errors
from evergraph import tf1 as tf
from tests.pains.conftest import Trained

MEMBERS = ["", ".index", ".data-00000-of-00001", ".meta"]


def restored_into(names: dict[str, Any], prefix: str, **options: Any) -> errors.OpError:
    """What a Saver says of a graph with variables of these names and initial values."""
    with tf.Graph().as_default(), tf.Session() as session:
        for name, value in names.items():
            tf.get_variable(name, initializer=value)
        with pytest.raises((errors.NotFoundError, errors.InvalidArgumentError)) as raised:
            tf.train.Saver(**options).restore(session, prefix)
    return raised.value


def test_02_key_not_found_names_every_missing_key_and_what_is_near(trained: Trained) -> None:
    wanted = {"fc/kernel": np.ones((2, 2), np.float32), "fc/bias": np.ones(2, np.float32)}
    error = restored_into(wanted, trained.prefix)
    assert isinstance(error, errors.NotFoundError)
    assert isinstance(error, KeyError)
    first, *rest = error.message.splitlines()
    assert first == (
        f"Key fc/bias not found in checkpoint {trained.prefix}. 2 of the 2 variables that the graph restores are not "
        "in it:"
    )
    text = "\n".join(rest)
    assert "fc/kernel  (near: dense/kernel)" in text
    assert (
        "The checkpoint has these that the graph does not restore: dense/bias, dense/kernel."
        in text
    )
    assert "evergraph.restore(" in text
    assert "All 2 missing names are in the checkpoint under 'dense/' instead of 'fc/'." in text
    assert "session=sess, rename={'^dense/': 'fc/'})" in text


@pytest.mark.parametrize("member", MEMBERS)
def test_03_any_member_of_the_set_stands_for_the_checkpoint(trained: Trained, member: str) -> None:
    path = trained.prefix + member
    trained.session.run(tf.global_variables()[1].assign([9.0, 9.0]))
    trained.saver.restore(trained.session, path)
    assert trained.value("dense/bias:0") == [0.5, 0.25]
    with evergraph.open_checkpoint(path) as checkpoint:
        assert checkpoint["dense/bias"].tolist() == [0.5, 0.25]
    assert evergraph.freeze(path).outputs == ["probabilities"]
    assert evergraph.verify_checkpoint(path).whole
    assert evergraph.load_model(path)(input=[[0.0, 0.0]])["probabilities"].shape == (1, 2)
    with tf.Graph().as_default(), tf.Session() as session:
        saver = tf.train.import_meta_graph(path)
        saver.restore(session, path)
        assert session.run("dense/bias:0").tolist() == [0.5, 0.25]


@pytest.mark.parametrize("member", ["", "/", "/checkpoint"])
def test_03_so_do_the_folder_and_the_state_file(trained: Trained, member: str) -> None:
    trained.saver.restore(trained.session, f"{trained.folder}{member}")
    with evergraph.open_checkpoint(f"{trained.folder}{member}") as checkpoint:
        assert os.path.basename(checkpoint.prefix) == "model-500"


def test_03_a_wrong_member_of_import_meta_graph_is_told(
    trained: Trained, log: pytest.LogCaptureFixture
) -> None:
    with tf.Graph().as_default():
        tf.train.import_meta_graph(trained.prefix + ".index")
    assert f"its graph is read, {trained.prefix}.meta" in log.text


def test_10_another_shape_is_told_by_the_variables_name(trained: Trained) -> None:
    error = restored_into(
        {"dense/kernel": np.ones((2, 5), np.float32), "dense/bias": np.ones(2, np.float32)},
        trained.prefix,
    )
    assert isinstance(error, errors.InvalidArgumentError)
    assert "1 variable has another shape or type than in checkpoint" in error.message
    assert (
        "dense/kernel: float32[2,5] in the graph, float32[2,2] in the checkpoint" in error.message
    )
    assert "skip_mismatch=True" in error.message
    assert "save/Assign" not in error.message


def test_11_a_part_is_restored_with_a_report(trained: Trained) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        tf.get_variable("dense/bias", initializer=[0.0, 0.0])
        tf.get_variable("head/bias", initializer=[7.0])
        session.run(tf.global_variables_initializer())
        report = evergraph.restore(trained.prefix, session=session, strict=False)
        assert report.restored == ("dense/bias",)
        assert report.missing == ("head/bias",)
        assert report.unexpected == ("dense/kernel",)
        assert session.run("dense/bias:0").tolist() == [0.5, 0.25]
        assert session.run("head/bias:0").tolist() == [7.0]


def test_12_renaming_needs_no_session(trained: Trained, tmp_path: Path) -> None:
    with evergraph.open_checkpoint(trained.prefix) as checkpoint:
        evergraph.save_checkpoint(tmp_path / "renamed", checkpoint.rename({"^dense/": "fc/"}))
    assert list(evergraph.open_checkpoint(tmp_path / "renamed")) == ["fc/bias", "fc/kernel"]


def test_13_m4_a_moved_folder_resolves_with_a_notice(
    trained: Trained, tmp_path: Path, log: pytest.LogCaptureFixture
) -> None:
    assert f'"{trained.prefix}"' in (trained.folder / "checkpoint").read_text()
    moved = tmp_path / "elsewhere"
    shutil.move(trained.folder, moved)
    assert tf.train.latest_checkpoint(str(moved)) == str(moved / "model-500")
    assert "the folder was moved" in log.text
    trained.saver.restore(trained.session, str(moved))
    assert evergraph.open_checkpoint(moved).prefix == str(moved / "model-500")


@pytest.mark.parametrize(
    ("change", "level", "phrase"),
    [
        ("nothing", "INFO", "There is no folder"),
        ("empty", "INFO", "and no checkpoint."),
        (
            "no state",
            "WARNING",
            "Checkpoints there: model-300, model-400, model-500; restore one by",
        ),
        ("lost", "ERROR", "Couldn't match files for checkpoint"),
    ],
)
def test_13_when_there_is_no_latest_checkpoint_the_log_says_why(
    trained: Trained, log: pytest.LogCaptureFixture, change: str, level: str, phrase: str
) -> None:
    folder = trained.folder
    if change == "nothing":
        folder = folder / "no_such"
    elif change == "empty":
        folder = folder / "new"
        folder.mkdir()
    elif change == "no state":
        os.remove(folder / "checkpoint")
    else:
        for path in folder.glob("model-500*"):
            path.unlink()
    log.clear()
    assert tf.train.latest_checkpoint(folder) is None
    (record,) = log.records
    assert record.levelname == level
    assert phrase in record.getMessage()
    with pytest.raises(
        ValueError, match=r"Can't load save_path when it is None.*latest_checkpoint"
    ):
        trained.saver.restore(trained.session, None)


def test_14_without_a_meta_the_weights_are_readable_and_it_says_how(trained: Trained) -> None:
    os.remove(trained.prefix + ".meta")
    for given in (trained.prefix + ".meta", trained.prefix):
        with tf.Graph().as_default(), pytest.raises(errors.NotFoundError) as raised:
            tf.train.import_meta_graph(given)
        assert "has values but no graph" in raised.value.message
        assert f"evergraph.open_checkpoint('{trained.prefix}')" in raised.value.message
    for call in (evergraph.freeze, evergraph.load_model):
        with pytest.raises(errors.NotFoundError, match="no graph"):
            call(trained.prefix)
    assert "dense/kernel" in evergraph.open_checkpoint(trained.prefix)


def with_averages(folder: Path, *, averaged: bool) -> str:
    with tf.Graph().as_default(), tf.Session() as session:
        w = tf.get_variable("w", initializer=[1.0])
        if averaged:
            tf.train.ExponentialMovingAverage(0.9).apply([w])
        session.run(tf.global_variables_initializer())
        return str(tf.train.Saver().save(session, folder / "m"))


def test_26_moving_averages_that_are_missing_are_recognised(tmp_path: Path) -> None:
    prefix = with_averages(tmp_path, averaged=False)
    error = restored_into({"w/ExponentialMovingAverage": [0.0]}, prefix)
    assert "moving averages that the checkpoint has not, though it has the variables, as 'w'" in (
        error.message.replace("The missing name is moving", "moving")
    )


def test_26_so_are_variables_that_are_there_as_averages_only(tmp_path: Path) -> None:
    prefix = with_averages(tmp_path / "both", averaged=True)
    with evergraph.open_checkpoint(prefix) as checkpoint:
        only = checkpoint.rename({"^w$": None})
        prefix = evergraph.save_checkpoint(tmp_path / "only", only)
    error = restored_into({"w": [0.0]}, prefix)
    assert "there as moving averages only, as 'w/ExponentialMovingAverage'" in error.message
    assert "rename={'/ExponentialMovingAverage$': ''}" in error.message


def test_28_an_uninitialized_twin_points_at_the_other(trained: Trained) -> None:
    with trained.session.graph.as_default(), tf.variable_scope("dense_1"):
        tf.get_variable("kernel", initializer=[[0.0]])
    with pytest.raises(errors.FailedPreconditionError) as raised:
        trained.session.run("dense_1/kernel:0")
    assert raised.value.message.startswith("Attempting to use uninitialized value dense_1/kernel")
    assert (
        "'dense/kernel' is initialized: the graph may hold the model twice" in raised.value.message
    )


def test_28_so_does_a_key_that_is_missing_for_it(trained: Trained) -> None:
    error = restored_into(
        {
            "dense_1/kernel": np.ones((2, 2), np.float32),
            "dense/kernel": np.ones((2, 2), np.float32),
        },
        trained.prefix,
    )
    assert (
        "there without a counter: the graph wants 'dense_1/kernel', and also has" in error.message
    )
    assert "tf.reset_default_graph()" in error.message


@pytest.mark.parametrize("resource", [False, True])
def test_29_an_initializer_after_the_restore_is_noticed(
    tmp_path: Path, log: pytest.LogCaptureFixture, resource: bool
) -> None:
    tf.get_variable("w", initializer=[1.0], use_resource=resource)
    new = tf.get_variable("new", initializer=[2.0], use_resource=resource)
    initialize, saver = tf.global_variables_initializer(), tf.train.Saver()
    with tf.Session() as session:
        session.run(initialize)
        prefix = saver.save(session, str(tmp_path / "m"))
        saver.restore(session, prefix)
        session.run([new])
        assert "initialized again" not in log.text
        session.run(initialize)
        assert f"Variables that were restored from {prefix} are initialized again" in log.text
        assert "is lost: " in log.text
        assert "Run the initializer before restoring." in log.text
        log.clear()
        session.run(initialize)
        assert not log.text, "once is enough"


def test_29_initializing_what_was_not_restored_is_fine(
    tmp_path: Path, log: pytest.LogCaptureFixture
) -> None:
    w, new = tf.get_variable("w", initializer=[1.0]), tf.get_variable("new", initializer=[2.0])
    saver = tf.train.Saver([w])
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        prefix = saver.save(session, str(tmp_path / "m"))
        saver.restore(session, prefix)
        session.run(tf.variables_initializer([new]))
    assert "initialized again" not in log.text


@pytest.mark.parametrize("resource", [False, True])
def test_29_setting_a_variable_is_no_initializing(
    tmp_path: Path, log: pytest.LogCaptureFixture, resource: bool
) -> None:
    w = tf.get_variable("w", initializer=[1.0], use_resource=resource)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        prefix = tf.train.Saver().save(session, str(tmp_path / "m"))
        for _ in range(2):
            evergraph.restore(prefix, session=session)
        w.load([5.0], session)
        assert "initialized again" not in log.text
        session.run(w.initializer)
        assert "what was restored is lost: w. Run the initializer" in log.text


def with_batch_norm() -> None:
    scale = tf.get_variable("bn/gamma", initializer=[1.0])
    tf.get_variable("bn/moving_mean", initializer=[0.0], trainable=False)
    tf.get_variable("bn/moving_variance", initializer=[1.0], trainable=False)
    step = tf.train.get_or_create_global_step()
    tf.train.AdamOptimizer().minimize(scale * 2.0, global_step=step)


def test_09_a_saver_that_leaves_out_moving_averages_of_batch_norm_says_so(
    tmp_path: Path, log: pytest.LogCaptureFixture
) -> None:
    with_batch_norm()
    whole, part = tf.train.Saver(), tf.train.Saver(tf.trainable_variables())
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        prefix = whole.save(session, str(tmp_path / "whole"))
        whole.restore(session, prefix)
        assert "This Saver leaves" not in log.text, "what an optimizer keeps is not the model's"
        for _ in range(2):
            part.save(session, str(tmp_path / "part"))
        assert log.text.count("This Saver leaves out 2 of the model's variables") == 1
        assert "bn/moving_mean, bn/moving_variance" in log.text
        log.clear()
        part.restore(session, str(tmp_path / "part"))
        assert "does not restore" not in log.text, "the checkpoint does not have them either"
        part.restore(session, prefix)
        assert (
            f"{prefix} has 2 of the model's variables that this Saver does not restore" in log.text
        )


def test_32_any_partition_is_restored_into_any_other(tmp_path: Path) -> None:
    counts = (1, 3, 4, 1)
    for number, parts in enumerate(counts):
        with tf.Graph().as_default(), tf.Session() as session:
            w = tf.get_variable(
                "w",
                [12],
                initializer=tf.ones_initializer(),
                partitioner=tf.fixed_size_partitioner(parts) if parts > 1 else None,
            )
            value = tf.convert_to_tensor(w)
            saver = tf.train.Saver()
            if number:
                saver.restore(session, str(tmp_path / f"m{number - 1}"))
            else:
                session.run(w.assign(np.arange(12)))
            assert session.run(value).tolist() == list(range(12))
            saver.save(session, str(tmp_path / f"m{number}"))


def test_37_both_formats_are_read_with_one_call(tmp_path: Path) -> None:
    w = tf.get_variable("w", initializer=[1.0, 2.0])
    old = tf.train.Saver(write_version=tf.train.SaverDef.V1)
    new = tf.train.Saver()
    with tf.Session() as session:
        session.run(w.initializer)
        path = old.save(session, str(tmp_path / "old.ckpt"))
        session.run(w.assign([0.0, 0.0]))
        new.restore(session, path)
        assert session.run(w).tolist() == [1.0, 2.0]
    with evergraph.open_checkpoint(path) as checkpoint:
        assert checkpoint.format_version == 1
        evergraph.save_checkpoint(tmp_path / "new.ckpt", checkpoint)
    assert evergraph.open_checkpoint(tmp_path / "new.ckpt")["w"].tolist() == [1.0, 2.0]


def test_38_one_error_and_no_other_in_front_of_it(trained: Trained) -> None:
    error = restored_into({"other": [1.0]}, trained.prefix)
    assert "_CHECKPOINTABLE_OBJECT_GRAPH" not in str(error)
    assert error.__cause__ is None
    assert error.__suppress_context__


@pytest.mark.shared
def test_38_checkpoints_of_objects_are_read_and_said_to_be_such(shared: Path) -> None:
    path = str(shared / "data" / "edge" / "object_based" / "model")
    found = list((shared / "data" / "edge" / "object_based").glob("*.index"))
    error = restored_into({"other": [1.0]}, str(found[0]) if found else path)
    assert (
        "The checkpoint is object-based (tf.train.Checkpoint or Keras, TensorFlow 2)"
        in error.message
    )
