"""A save under a disk that fails or forgets: at every single call, nothing that was saved before is lost.

Each scenario saves once on a good disk to count its calls of the operating system. Then, for every one of
them: the power goes there, and whatever the disk may then hold is opened as after a reboot; or the call
fails, and the folder, the same process and a second save are looked at.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evergraph
from evergraph import errors
from evergraph import tf1 as tf
from evergraph.formats.checkpoint_path import find_checkpoint
from evergraph.storage import leftovers
from tests.durability.disk import ERRORS, Disk, Fault, PowerFailureError

#: A tensor for each way that bytes take: strings, gathered small pieces, and one written on its own.
SIZES = {"small": 3, "large": 100_000}


def values(version: int) -> dict[str, Any]:
    numbers = {name: np.full(size, version, np.float32) for name, size in SIZES.items()}
    text = np.array([b"version", str(version).encode()], object)
    return {**numbers, "text": text, "frozen": np.arange(60_000, dtype=np.float32)}


@dataclass
class Scenario:
    """What was saved first, and how it is saved once more.

    Attributes:
      prepare: makes the folder, with version 1 saved in it; returns the save of version 2.
      keeps: the checkpoint of version 1 is still there when version 2 is.
    """

    prepare: Callable[[Path], Callable[[], Any]]
    keeps: bool


def beside(folder: Path) -> Callable[[], Any]:
    evergraph.save_checkpoint(folder / "m-1", values(1), update_state=True)
    return lambda: evergraph.save_checkpoint(folder / "m-2", values(2), update_state=True)


def over(folder: Path) -> Callable[[], Any]:
    evergraph.save_checkpoint(folder / "m", values(1), update_state=True)
    return lambda: evergraph.save_checkpoint(folder / "m", values(2), update_state=True)


def sharing(folder: Path) -> Callable[[], Any]:
    old = evergraph.save_checkpoint(folder / "m-1", values(1), update_state=True)
    return lambda: evergraph.save_checkpoint(
        folder / "m-2", values(2), update_state=True, unchanged_from=old
    )


def in_a_new_folder(folder: Path) -> Callable[[], Any]:
    evergraph.save_checkpoint(folder / "m-1", values(1), update_state=True)
    return lambda: evergraph.save_checkpoint(folder / "a/b/m-2", values(2))


def by_saver(sharded: bool, max_to_keep: int, step: bool) -> Callable[[Path], Callable[[], Any]]:
    def prepare(folder: Path) -> Callable[[], Any]:
        with tf.Graph().as_default():
            for number, (name, value) in enumerate(values(1).items()):
                with tf.device(f"/cpu:{number % 2 if sharded else 0}"):
                    tf.Variable(value, name=name)
            saver = tf.train.Saver(sharded=sharded, max_to_keep=max_to_keep)
            session = tf.Session()
            session.run(tf.global_variables_initializer())
            variables = {variable.op.name: variable for variable in tf.global_variables()}

        def save(version: int) -> None:
            for name, value in values(version).items():
                variables[name].load(value, session)
            saver.save(session, str(folder / "m"), global_step=version if step else None)

        save(1)
        return lambda: save(2)

    return prepare


SCENARIOS = {
    "beside the old one": Scenario(beside, keeps=True),
    "over the old one": Scenario(over, keeps=False),
    "sharing data with the old one": Scenario(sharing, keeps=True),
    "in a new folder": Scenario(in_a_new_folder, keeps=True),
    "Saver": Scenario(by_saver(sharded=False, max_to_keep=5, step=True), keeps=True),
    "Saver that keeps one": Scenario(
        by_saver(sharded=False, max_to_keep=1, step=True), keeps=False
    ),
    "Saver over the old one": Scenario(
        by_saver(sharded=False, max_to_keep=5, step=False), keeps=False
    ),
    "sharded Saver": Scenario(by_saver(sharded=True, max_to_keep=1, step=True), keeps=False),
    "sharded Saver over the old one": Scenario(
        by_saver(sharded=True, max_to_keep=5, step=False), keeps=False
    ),
}


@pytest.fixture(params=SCENARIOS, ids=lambda name: name.replace(" ", "-"))
def scenario(request: pytest.FixtureRequest) -> Scenario:
    return SCENARIOS[request.param]


@pytest.fixture
def rebooted(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a power failure no process is alive that was before."""
    monkeypatch.setattr(leftovers, "_is_alive", lambda process: False)


def calls_of(scenario: Scenario, folder: Path) -> list[str]:
    """The calls of a save that nothing happens to."""
    folder.mkdir()
    save = scenario.prepare(folder)
    disk = Disk(folder)
    with disk.installed():
        save()
    return disk.calls


def version_at(folder: Path) -> int:
    """Which version the newest checkpoint of a folder holds; everything in it must be of that one."""
    nested = folder / "a/b/m-2"
    newest = nested if nested.with_suffix(".index").exists() else folder
    with evergraph.open_checkpoint(newest) as checkpoint:
        found = {name: checkpoint[name] for name in checkpoint}
    [version] = {int(found[name].flat[0]) for name in SIZES}
    for name, expected in values(version).items():
        np.testing.assert_array_equal(found[name], expected)
    return version


def test_power_failure_at_every_call(scenario: Scenario, tmp_path: Path, rebooted: None) -> None:
    calls = calls_of(scenario, tmp_path / "clean")
    seen: set[tuple[tuple[str, bytes | None], ...]] = set()
    versions = []
    for number in range(len(calls)):
        folder = tmp_path / "m"
        folder.mkdir()
        save = scenario.prepare(folder)
        disk = Disk(folder, Fault(number, "off"))
        with disk.installed(), pytest.raises(PowerFailureError):
            save()
        for state in disk.survivors():
            key = tuple(sorted(state.items()))
            if key in seen:
                continue
            seen.add(key)
            left = tmp_path / "left"
            disk.write_survivor(state, left)
            versions.append(version_at(left))
            assert_next_save_works(left)
        shutil.rmtree(folder)
    assert set(versions) == {1, 2}


@pytest.mark.parametrize("kind", ["short", *ERRORS])
def test_failure_of_every_call(scenario: Scenario, kind: str, tmp_path: Path) -> None:
    calls = calls_of(scenario, tmp_path / "clean")
    for number, what in enumerate(calls):
        if kind == "short" and not what.startswith("write"):
            continue
        folder = tmp_path / "m"
        folder.mkdir()
        save = scenario.prepare(folder)
        disk = Disk(folder, Fault(number, ERRORS.get(kind, kind)))
        failed = kind != "short" and needed(calls)[number]
        expectation = pytest.raises(errors.OpError, match=str(folder)) if failed else nullcontext()
        with disk.installed(), expectation:
            save()
        assert disk.fault_happened
        assert version_at(folder) in ((1, 2) if failed else (2,))
        if scenario.keeps:
            with evergraph.open_checkpoint(folder / "m-1") as old:
                np.testing.assert_array_equal(old["large"], values(1)["large"])
        save()
        if not what.startswith("fsync .") and scenario is not SCENARIOS["in a new folder"]:
            assert version_at(folder) == 2
        assert [name for name in os.listdir(folder) if "evergraph" in name] == []
        shutil.rmtree(folder)


def needed(calls: list[str]) -> list[bool]:
    """Which calls a save cannot do without: not the removal of old checkpoints, at its end, nor that of parts."""
    end = next((i for i, what in enumerate(calls) if ".evergraph-old-" in what), len(calls))
    return [
        i < end and (".evergraph-" in what or not what.startswith("remove"))
        for i, what in enumerate(calls)
    ]


def assert_next_save_works(folder: Path) -> None:
    """A later process saves there, and no temporary file of the dead one is left."""
    evergraph.save_checkpoint(folder / "later", values(3))
    with evergraph.open_checkpoint(folder / "later") as later:
        np.testing.assert_array_equal(later["large"], values(3)["large"])
    assert [name for name in os.listdir(folder) if "evergraph" in name] == []


def test_the_state_file_never_names_what_is_not_there(tmp_path: Path, rebooted: None) -> None:
    """Stock TensorFlow follows the state file alone; the first path that it names must be whole."""
    scenario = SCENARIOS["Saver that keeps one"]
    for number in range(len(calls_of(scenario, tmp_path / "clean"))):
        folder = tmp_path / "m"
        folder.mkdir()
        save = scenario.prepare(folder)
        disk = Disk(folder, Fault(number, "off"))
        with disk.installed(), pytest.raises(PowerFailureError):
            save()
        for state in disk.survivors():
            disk.write_survivor(state, tmp_path / "left")
            shutil.rmtree(folder)
            shutil.move(tmp_path / "left", folder)
            named = tf.train.get_checkpoint_state(str(folder)).model_checkpoint_path
            assert find_checkpoint(named).prefix == named
            assert os.path.exists(named + ".meta")
        shutil.rmtree(folder)
