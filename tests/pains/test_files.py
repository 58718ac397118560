"""Files: which they are, whether they are whole, where they go, who else has them (numbers: `../shared/PAINS.md`)."""

from __future__ import annotations

import gzip
import json
import logging
import os
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf.message import DecodeError

import evergraph
from evergraph import errors
from evergraph import tf1 as tf
from evergraph.storage import leftovers
from tests.cli.conftest import cli  # noqa: F401 - a fixture
from tests.pains.conftest import Trained

DATA = ".data-00000-of-00001"


def zipped(folder: Path) -> bytes:
    path = folder / "made.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model", "x" * 100)
    return path.read_bytes()


#: What was downloaded instead of the model: what it is, what is said of it.
WRONG: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "lfs": (
        lambda _: b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 98304\n",
        "git lfs pull",
    ),
    "html": (
        lambda _: b"<!DOCTYPE html>\n<html><head></head></html>" + b" " * 60,
        "a web page (HTML)",
    ),
    "gzip": (lambda _: gzip.compress(os.urandom(100)), "gzip"),
    "zip": (zipped, "zip"),
    "empty": (lambda _: b"", "empty"),
    "hdf5": (lambda _: b"\x89HDF\r\n\x1a\n" + b"\0" * 100, "HDF5"),
    "numpy": (lambda _: b"\x93NUMPY\1\0" + b"\0" * 100, "NumPy array"),
}


def calls(saver: Any, session: Any) -> dict[str, Callable[[str], object]]:
    """Every place that takes a path."""
    return {
        "Saver.restore": lambda path: saver.restore(session, path),
        "open_checkpoint": evergraph.open_checkpoint,
        "load_checkpoint": tf.train.load_checkpoint,
        "NewCheckpointReader": tf.train.NewCheckpointReader,
        "evergraph.restore": lambda path: evergraph.restore(path, session=session),
        "import_meta_graph": tf.train.import_meta_graph,
        "load_model": evergraph.load_model,
        "freeze": evergraph.freeze,
    }


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize("name", ["model.pb", "model.ckpt", "model.ckpt.index", "model.ckpt.meta"])
def test_03_19_a_file_of_another_kind_is_named_by_what_is_in_it(
    trained: Trained, tmp_path: Path, kind: str, name: str
) -> None:
    make, words = WRONG[kind]
    path = tmp_path / name
    path.write_bytes(make(tmp_path))
    for call, function in calls(trained.saver, trained.session).items():
        with tf.Graph().as_default(), pytest.raises((errors.OpError, ValueError)) as raised:
            function(str(path))
        text = str(raised.value)
        assert words.lower() in text.lower(), (call, text)
        assert str(path) in text, (call, text)


@pytest.mark.parametrize("kind", [*WRONG, "text graph", "half"])
def test_19_parse_from_string_says_what_it_was_given(
    trained: Trained, tmp_path: Path, kind: str
) -> None:
    graph_def = tf.get_default_graph().as_graph_def()
    whole = graph_def.SerializeToString()
    if kind == "text graph":
        data, words = str(graph_def).encode(), "google.protobuf.text_format.Merge"
    elif kind == "half":
        data, words = whole[: len(whole) // 2], "are a GraphDef, damaged at byte "
    else:
        make, words = WRONG[kind]
        data = make(tmp_path)
    if kind == "empty":
        return  # no bytes are a GraphDef without nodes, and always were
    for parse in (tf.GraphDef().ParseFromString, tf.GraphDef.FromString):
        with pytest.raises(DecodeError, match="Error parsing message") as raised:
            parse(data)
        assert f"These {len(data):,} bytes are " in str(raised.value)
        assert words.lower() in str(raised.value).lower()
    assert tf.GraphDef.FromString(whole) == graph_def
    assert tf.GraphDef().ParseFromString(whole) == len(whole)


def test_19_a_meta_that_is_cut_off_names_the_byte(trained: Trained) -> None:
    path = trained.prefix + ".meta"
    size = os.path.getsize(path)
    os.truncate(path, size // 2)
    with tf.Graph().as_default(), pytest.raises(errors.DataLossError) as raised:
        tf.train.import_meta_graph(path)
    assert raised.value.message.startswith(f"{path} is a MetaGraphDef, damaged at byte ")
    assert f" of {size // 2}: " in raised.value.message


def test_19_the_path_is_not_the_graph() -> None:
    with pytest.raises(
        TypeError, match=r"must be a GraphDef proto, got str\. To import a file, parse"
    ):
        tf.import_graph_def("frozen.pb")


def test_04_inspect_says_which_files_belong_together(cli, trained: Trained) -> None:  # noqa: F811
    os.remove(trained.prefix + ".meta")
    text = cli("inspect", trained.prefix + DATA).out
    assert "model-500.index" in text
    assert "names, types, shapes" in text
    assert "values" in text
    facts = json.loads(cli("inspect", trained.prefix, "--json").out)
    assert [file["name"] for file in facts["files"]] == [f"model-500{DATA}", "model-500.index"]
    assert facts["step"] == 500


def test_25_what_is_in_a_file_is_seen_without_a_graph(cli, trained: Trained) -> None:  # noqa: F811
    os.remove(trained.prefix + ".meta")
    text = cli("inspect", trained.prefix).out
    assert "dense/kernel" in text
    assert "[2, 2]" in text
    assert "..." not in text
    found = json.loads(cli("inspect", trained.prefix, "--json", "--match", "bias").out)["tensors"]
    assert [(tensor["name"], tensor["shape"]) for tensor in found] == [("dense/bias", [2])]


# ---------------------------------------------------------------------------- 20: killed, disk full


def test_20_no_room_is_said_before_anything_is_written(trained: Trained) -> None:
    huge = np.broadcast_to(np.float32(0), (1 << 58,))
    with pytest.raises(errors.ResourceExhaustedError, match="Nothing has been written"):
        evergraph.save_checkpoint(trained.prefix, {"x": huge})
    assert evergraph.verify_checkpoint(trained.prefix).whole


def test_20_the_newest_that_is_whole_is_found(
    trained: Trained, log: pytest.LogCaptureFixture
) -> None:
    data = Path(trained.prefix + DATA)
    data.write_bytes(data.read_bytes()[:-3])
    with pytest.raises(errors.DataLossError, match="is cut short: tensor"):
        trained.saver.restore(trained.session, trained.prefix)
    assert tf.train.latest_checkpoint(trained.folder) == trained.prefix
    found = tf.train.latest_checkpoint(trained.folder, valid=True)
    assert found == str(trained.folder / "model-400")
    assert f"Passed over: {trained.prefix}: damaged." in log.text
    assert "Still readable with evergraph.open_checkpoint: 1 tensor" in log.text
    trained.saver.restore(trained.session, found)


def test_20_where_none_is_whole_the_log_says_so(
    trained: Trained, log: pytest.LogCaptureFixture
) -> None:
    for path in trained.folder.glob("*.index"):
        path.write_bytes(b"")
    assert tf.train.latest_checkpoint(trained.folder, valid=True) is None
    assert "No checkpoint in" in log.text
    assert tf.train.latest_checkpoint(trained.folder / "none", valid=True) is None
    assert f"There is no folder {trained.folder / 'none'}" in log.text


def test_20_what_a_killed_save_has_left_is_swept(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(os, "getpid", lambda: 1 << 22)  # of nobody
        name = leftovers.temporary_name(f"{trained.prefix}{DATA}", "00000000", 0)
    Path(name).write_bytes(b"half")
    trained.saver.save(trained.session, str(trained.folder / "model"), global_step=600)
    assert not os.path.exists(name)


def test_20_checkpoints_that_share_data_are_verified_each_for_itself(trained: Trained) -> None:
    saver = tf.train.Saver(incremental=True)
    for step in (1, 2):
        trained.session.run(tf.global_variables()[1].assign([float(step), 0.0]))
        saver.save(trained.session, str(trained.folder / "shared"), global_step=step)
    for step in (1, 2):
        report = evergraph.verify_checkpoint(trained.folder / f"shared-{step}")
        assert report.whole, report
        assert report.readable == ("dense/bias", "dense/kernel")


def test_31_on_a_store_without_renames_the_newest_whole_one_is_found_too() -> None:
    for step in (1, 2):
        evergraph.save_checkpoint(
            f"memory://pains/m-{step}", {"x": [1.0, 2.0]}, update_state=True, durability="none"
        )
    with tf.gfile.GFile(f"memory://pains/m-2{DATA}", "wb") as file:
        file.write(b"half")
    assert not evergraph.verify_checkpoint("memory://pains/m-2").whole
    assert tf.train.latest_checkpoint("memory://pains", valid=True) == "memory://pains/m-1"


# -------------------------------------------------------------------------------------- 34: paths


def test_34_the_parent_folder_is_made(trained: Trained, tmp_path: Path) -> None:
    prefix = trained.saver.save(trained.session, str(tmp_path / "a" / "b" / "model"))
    assert os.path.exists(f"{prefix}.index")


def test_34_a_bare_file_name_is_the_current_folder(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for given in ("model", "./model2"):
        saved = trained.saver.save(trained.session, given)
        assert saved == given
        trained.saver.restore(trained.session, given)
    assert tf.train.latest_checkpoint(".") is not None
    assert tf.train.latest_checkpoint("") is not None


def test_34_a_long_name_is_told_its_length(trained: Trained, tmp_path: Path) -> None:
    assert trained.saver.save(trained.session, str(tmp_path / ("n" * 190)))
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(errors.InvalidArgumentError) as raised:
        trained.saver.save(trained.session, str(tmp_path / ("n" * 230)))
    assert "File name too long: its longest name has 2" in raised.value.message
    assert "most disks allow 255" in raised.value.message
    assert sorted(os.listdir(tmp_path)) == before


def test_34_a_parent_that_is_a_file_is_named(trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.OpError, match="is a file, so there can be no folder of that name"):
        trained.saver.save(trained.session, str(tmp_path / "file" / "model"))


# ------------------------------------------------------------- 35: trainer deletes, evaluator reads


def test_35_what_is_open_stays_readable(trained: Trained) -> None:
    reader = tf.train.load_checkpoint(trained.prefix)
    with evergraph.open_checkpoint(trained.prefix) as checkpoint:
        for path in trained.folder.glob("model-500*"):
            path.unlink()
        assert checkpoint["dense/bias"].tolist() == [0.5, 0.25]
        assert reader.get_tensor("dense/bias").tolist() == [0.5, 0.25]
        evergraph.restore(checkpoint, session=trained.session)
        assert trained.value("dense/bias:0") == [0.5, 0.25]


def test_35_one_that_was_deleted_meanwhile_says_so(trained: Trained) -> None:
    for step in (600, 700, 800, 900):
        trained.saver.save(trained.session, str(trained.folder / "model"), global_step=step)
    gone = str(trained.folder / "model-300")
    assert not os.path.exists(f"{gone}.index")
    for restore in (
        lambda: trained.saver.restore(trained.session, gone),
        lambda: evergraph.restore(gone, session=trained.session),
    ):
        with pytest.raises((ValueError, errors.NotFoundError)) as raised:
            restore()
        text = str(raised.value)
        assert (
            "The newest is 'model-900', of a later step: a training run that keeps the last" in text
        )
        assert "Ask tf.train.latest_checkpoint again" in text


def test_35_a_misspelt_name_is_no_deleted_one(trained: Trained) -> None:
    with pytest.raises(errors.NotFoundError) as raised:
        evergraph.open_checkpoint(trained.folder / "modle-500")
    assert "Nearest names there: 'model-500'" in raised.value.message
    assert "later step" not in raised.value.message


# ----------------------------------------------------------------------------- 36: untrusted files


@pytest.mark.shared
def test_36_numbers_in_a_file_allocate_nothing(shared: Path) -> None:
    for source in sorted((shared / "data" / "edge" / "corrupt").glob("entry_*")):
        tracemalloc.start()
        try:
            report = evergraph.verify_checkpoint(source / "m")
            with evergraph.open_checkpoint(source / "m") as checkpoint:
                for name in ("a", "b", "s"):
                    if name in report.lost:
                        with pytest.raises(errors.DataLossError, match=f"'{name}'"):
                            checkpoint[name]
                    else:
                        assert checkpoint[name] is not None
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert not report.whole
        assert peak < 4 << 20, source


def test_36_a_state_file_does_not_lead_out_of_its_folder(trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "strange").mkdir()
    (tmp_path / "strange" / "checkpoint").write_text(f'model_checkpoint_path: "{trained.prefix}"\n')
    with pytest.raises(errors.NotFoundError, match="open it by that name"):
        evergraph.open_checkpoint(tmp_path / "strange")


def test_levels_of_the_log_are_those_of_tensorflow(log: pytest.LogCaptureFixture) -> None:
    tf.logging.set_verbosity(tf.logging.WARN)
    assert logging.getLogger("evergraph").getEffectiveLevel() >= logging.INFO
