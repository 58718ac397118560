"""What the choice of ``Saver(durability=)`` means for all that a save does: data, graph, state file, deletion."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evergraph
from evergraph import tf1 as tf
from evergraph.formats.verification import newest_whole
from evergraph.storage import leftovers
from tests.durability.disk import Disk, Fault, PowerFailureError

SAVERS: dict[str, dict[str, Any]] = {
    "plain": {},
    "keeps one": {"max_to_keep": 1},
    "sharded": {"sharded": True, "max_to_keep": 1},
    "incremental": {"incremental": True, "max_to_keep": 1},
    "V1": {"write_version": tf.train.SaverDef.V1, "max_to_keep": 1},
    "V1, sharded": {
        "write_version": tf.train.SaverDef.V1,
        "sharded": True,
        "max_to_keep": 1,
    },
}


def saving(folder: Path, **options: Any) -> Callable[[int], Any]:
    """A program with two variables on two devices; what it saves at a step is the step's number."""
    with tf.Graph().as_default():
        variables = []
        for number, name in enumerate("ab"):
            with tf.device(f"/cpu:{number}"):
                variables.append(tf.Variable(np.zeros(1000, np.float32), name=name))
        saver = tf.train.Saver(**options)
        session = tf.Session()
        session.run(tf.global_variables_initializer())

    def save(step: int, **how: Any) -> None:
        for variable in variables:
            variable.load(np.full(1000, step, np.float32), session)
        saver.save(session, str(folder / "m"), step, **how)
        saver.wait()

    return save


@pytest.mark.parametrize("options", SAVERS.values(), ids=SAVERS)
@pytest.mark.parametrize("asynchronous", [False, True])
def test_none_never_waits_for_the_disk(
    options: dict[str, Any],
    asynchronous: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    synced: list[int] = []
    for name in ("fsync", "fdatasync", "sync"):
        monkeypatch.setattr(os, name, lambda *which: synced.extend(which or (-1,)))
    save = saving(tmp_path / "new", durability="none", **options)
    save(1, asynchronous=asynchronous)
    save(2, asynchronous=asynchronous)
    assert synced == []
    with evergraph.open_checkpoint(tmp_path / "new") as checkpoint:
        assert checkpoint["a"][0] == 2
    saving(tmp_path, durability="full")(1)
    assert synced


def test_file_syncs_files_and_folders_only_before_a_deletion(tmp_path: Path) -> None:
    save = saving(tmp_path, durability="file", max_to_keep=2)

    def synced(step: int) -> list[str]:
        disk = Disk(tmp_path)
        with disk.installed():
            save(step)
        calls = [call.split(".evergraph-")[0] for call in disk.calls]
        return [call for call in calls if call.startswith(("fsync", "remove m-1.index"))]

    files = ["data-00000-of-00001", "index", "meta"]
    for step in (1, 2):
        *written, state = synced(step)
        assert sorted(written) == [f"fsync m-{step}.{file}" for file in files]
        assert state == "fsync checkpoint"
    # Only now is there something to delete: its list, and the names so far.
    removal = ["fsync m-1.index", "fsync .", "remove m-1.index"]
    assert synced(3)[3:7] == ["fsync checkpoint", *removal]


def test_file_never_loses_the_old_one_with_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest name may be lost; a checkpoint that a limit deletes goes only when its successor is safe."""
    monkeypatch.setattr(leftovers, "_is_alive", lambda process: False)
    versions = set()
    number = 0
    while True:
        folder = tmp_path / "m"
        folder.mkdir()
        saving(folder, durability="full")(1)
        save = saving(folder, durability="file", max_to_keep=1, keep_across_restarts=True)
        disk = Disk(folder, Fault(number, "off"))
        with disk.installed():
            try:
                save(2)
            except PowerFailureError:
                pass
            else:
                break
        for state in disk.survivors():
            disk.write_survivor(state, tmp_path / "left")
            found, _ = newest_whole(tmp_path / "left")
            assert found is not None
            with evergraph.open_checkpoint(found.prefix) as checkpoint:
                [version] = {int(checkpoint[name][0]) for name in "ab"}
            versions.add(version)
        shutil.rmtree(folder)
        number += 1
    assert versions == {1, 2}
