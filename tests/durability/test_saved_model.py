"""An export under a disk that fails or forgets: a SavedModel is there whole or not at all."""

from __future__ import annotations

import gc
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evergraph import errors
from evergraph import tf1 as tf
from evergraph.formats.saved_model_folder import model_file
from evergraph.storage import leftovers
from tests.durability.disk import ERRORS, Disk, Fault, PowerFailureError

#: The parts of temporary names that differ from run to run.
_TEMPORARY = re.compile(r"\.evergraph-[^/]*")
VALUE = np.arange(40_000, dtype=np.float32)


def exporter(folder: Path) -> Callable[[], Any]:
    """What exports a SavedModel with an asset to ``folder/new/export``, or to ``folder/export`` if that is there."""
    words = folder.with_name("words.txt")
    words.write_text("a\nb\n")
    target = folder / "export" if (folder / "export").exists() else folder / "new" / "export"
    graph = tf.Graph()
    with graph.as_default():
        path = tf.constant(str(words), name="path")
        x = tf.Variable(VALUE, name="x")
        signature = tf.saved_model.predict_signature_def({"x": x}, {"x": x})
        tf.train.Saver(name="another")
        session = tf.Session()
        session.run(tf.global_variables_initializer())

    def export() -> None:
        with graph.as_default():
            builder = tf.saved_model.Builder(target)
            builder.add_meta_graph_and_variables(
                session, ["serve"], {"s": signature}, assets_list=[path]
            )
            builder.save()

    return export


def is_whole(folder: Path) -> bool:
    """Whether the export is there; then all of it has to be."""
    target = folder / "export" if (folder / "export").exists() else folder / "new" / "export"
    if not target.exists() or model_file(str(target)) is None:
        return False
    with tf.Session(graph=tf.Graph()) as session:
        meta = tf.saved_model.load(session, ["serve"], target)
        np.testing.assert_array_equal(session.run("x:0"), VALUE)
    (asset,) = meta.asset_file_def
    assert (target / "assets" / asset.filename).read_text() == "a\nb\n"
    return True


def prepared(folder: Path, is_there: bool) -> Callable[[], Any]:
    folder.mkdir()
    if is_there:
        (folder / "export").mkdir()
    return exporter(folder)


def calls_of(folder: Path, is_there: bool) -> list[str]:
    export = prepared(folder, is_there)
    disk = Disk(folder)
    with disk.installed():
        export()
    assert is_whole(folder)
    return disk.calls


# A temporary folder is to be removed at the end, by a process that is off.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("is_there", [False, True], ids=["new", "empty"])
def test_power_failure_at_every_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    # After a power failure no process is alive that was before.
    monkeypatch.setattr(leftovers, "_is_alive", lambda process: False)
    seen: set[frozenset[tuple[str, bytes | None]]] = set()
    found = []
    for number in range(len(calls_of(tmp_path / "clean", is_there))):
        folder = tmp_path / "m"
        export = prepared(folder, is_there)
        disk = Disk(folder, Fault(number, "off"))
        with disk.installed(), pytest.raises(PowerFailureError):
            export()
        for state in disk.survivors():
            key = frozenset((_TEMPORARY.sub("*", path), held) for path, held in state.items())
            if key in seen:
                continue
            seen.add(key)
            disk.write_survivor(state, tmp_path / "left")
            found.append(is_whole(tmp_path / "left"))
        shutil.rmtree(folder)
    assert set(found) == {False, True}


@pytest.mark.parametrize("is_there", [False, True], ids=["new", "empty"])
def test_failure_of_every_call(tmp_path: Path, is_there: bool) -> None:
    for number, what in enumerate(calls_of(tmp_path / "clean", is_there)):
        folder = tmp_path / "m"
        export = prepared(folder, is_there)
        disk = Disk(folder, Fault(number, ERRORS["EIO"]))
        with disk.installed():
            try:
                export()
            except errors.OpError:
                whole = is_whole(folder)
                gc.collect()
            else:
                # What has not to succeed: that the temporary folder is removed.
                whole = True
                assert what.startswith(("remove", "rmdir", "unlink", "open", "close")), what
                assert is_whole(folder)
        assert disk.fault_happened
        if not whole:
            shutil.rmtree(folder / "export", ignore_errors=True)
            export()
            assert is_whole(folder)
        shutil.rmtree(folder)
