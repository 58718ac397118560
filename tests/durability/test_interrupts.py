"""Ctrl+C at any moment of a save: the call has been done, and then the program is interrupted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evergraph
from evergraph.storage import leftovers

CALLS = ("replace", "fsync", "open", "close", "write", "remove", "link")


class Interrupt:
    """Interrupts the program behind one call of the system, by its number; None: counts them only."""

    def __init__(self, patch: pytest.MonkeyPatch, at: int | None) -> None:
        self.count = 0
        self._at = at
        for name in CALLS:
            patch.setattr(os, name, self._interrupted(getattr(os, name)))

    def _interrupted(self, real: Any) -> Any:
        def call(*args: Any, **named: Any) -> Any:
            result = real(*args, **named)
            self.count += 1
            if self.count - 1 == self._at:
                raise KeyboardInterrupt
            return result

        return call


def save(folder: Path, value: float, base: Path | None) -> None:
    tensors = {"frozen": np.ones(1000, np.float32), "v": np.full(2000, value, np.float32)}
    evergraph.save_checkpoint(folder / "m", tensors, update_state=True, unchanged_from=base)


def saves(tmp_path: Path, shared: bool) -> Iterator[tuple[Path, Path | None]]:
    """Folders with a checkpoint, for one save after the other, and what that shares data with."""
    number = 0
    while True:
        folder = tmp_path / str(number)
        base = folder / "base" if shared else None
        save(folder, 1.0, None)
        if base is not None:
            evergraph.save_checkpoint(base, {"frozen": np.ones(1000, np.float32)})
        yield folder, base
        number += 1


@pytest.mark.parametrize("shared", [False, True])
def test_nothing_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared: bool) -> None:
    # What an interrupted save has left is nobody's at once, as it would be after some seconds.
    monkeypatch.setattr(leftovers, "_UNLOCKED_SECONDS", -1.0)
    places = saves(tmp_path, shared)
    folder, base = next(places)
    with monkeypatch.context() as patch:
        calls = Interrupt(patch, None)
        save(folder, 2.0, base)
    assert calls.count > 20
    for at in range(calls.count):
        folder, base = next(places)
        with monkeypatch.context() as patch:
            Interrupt(patch, at)
            with pytest.raises(KeyboardInterrupt):
                save(folder, 2.0, base)
        for path in (folder / "m", folder):
            with evergraph.open_checkpoint(path) as checkpoint:
                assert set(checkpoint["v"]) in ({1.0}, {2.0}), at
                assert set(checkpoint["frozen"]) == {1.0}
        save(folder, 3.0, base)
        with evergraph.open_checkpoint(folder) as checkpoint:
            assert set(checkpoint["v"]) == {3.0}
