"""save_checkpoint in a thread of its own."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evergraph
from evergraph import errors
from evergraph.formats.bundle_writer import BundleWriter


def test_the_values_are_those_of_the_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = threading.Event()
    real = BundleWriter.add

    def add(*args: Any) -> None:
        assert opened.wait(30)
        real(*args)

    monkeypatch.setattr(BundleWriter, "add", add)
    value = np.zeros(1000)
    fixed = np.ones(10)
    fixed.flags.writeable = False
    saving = evergraph.save_checkpoint(
        tmp_path / "m", {"v": value, "fixed": fixed, "n": 3}, asynchronous=True, update_state=True
    )
    value += 1
    assert not saving.done()
    opened.set()
    assert saving.result() == str(tmp_path / "m")
    with evergraph.open_checkpoint(tmp_path) as checkpoint:
        assert set(checkpoint["v"]) == {0.0}
        assert set(checkpoint["fixed"]) == {1.0}
        assert checkpoint["n"] == 3


def test_what_goes_wrong_comes_with_the_result(tmp_path: Path) -> None:
    saving = evergraph.save_checkpoint(tmp_path / "m", {"v": None}, asynchronous=True)
    with pytest.raises(errors.InvalidArgumentError, match="'v' cannot be stored"):
        saving.result()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(errors.InvalidArgumentError, match="cannot be a checkpoint's prefix"):
        evergraph.save_checkpoint(tmp_path, {"v": 1}, asynchronous=True)


def test_a_program_that_ends_waits(tmp_path: Path) -> None:
    program = (
        "import sys, numpy, evergraph;"
        "evergraph.save_checkpoint(sys.argv[1], {'v': numpy.ones((500, 1000))}, asynchronous=True)"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "m")], check=True)
    with evergraph.open_checkpoint(tmp_path / "m") as checkpoint:
        assert checkpoint["v"].sum() == 500_000


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="A tensor's name is text, not 1"):
        evergraph.save_checkpoint(tmp_path / "m", {1: np.ones(2)})  # type: ignore[dict-item]
    assert list(tmp_path.iterdir()) == []


def test_asynchronously_the_values_are_those_of_the_call(tmp_path: Path) -> None:
    memory = np.zeros(3, np.float32)
    view = memory[:]
    view.flags.writeable = False
    numbers = [1.0, 2.0]
    gate = threading.Event()
    values = {"view": view, "spread": np.broadcast_to(memory[:1], (2,)), "list": numbers}
    add = BundleWriter.add

    def held(self: BundleWriter, *args: Any) -> None:
        assert gate.wait(30)
        add(self, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BundleWriter, "add", held)
        saved = evergraph.save_checkpoint(tmp_path / "m", values, asynchronous=True)
        memory[:] = 9
        numbers[0] = 9.0
        gate.set()
        saved.result()
    with evergraph.open_checkpoint(tmp_path / "m") as checkpoint:
        assert checkpoint["view"].tolist() == [0, 0, 0]
        assert checkpoint["spread"].tolist() == [0, 0]
        assert checkpoint["list"].tolist() == [1, 2]
