"""Waiting for checkpoints that appear."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import evergraph.tf1 as tf
from evergraph.formats.checkpoint_saving import save_checkpoint
from evergraph.train import checkpoints_iterator as waiting


class Clock:
    """Time that passes only while somebody sleeps; ``events`` happen at their seconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self.events: dict[float, str] = {}

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for when in [when for when in self.events if when <= self.now]:
            save_checkpoint(self.events.pop(when), {"x": np.float32(1)}, update_state=True)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(waiting, "time", clock)
    return clock


def test_each_new_one_until_the_time_is_over(clock: Clock, tmp_path: Path) -> None:
    clock.events = {2: f"{tmp_path}/a-1", 5: f"{tmp_path}/a-2"}
    found = [Path(path).name for path in tf.train.checkpoints_iterator(str(tmp_path), timeout=10)]
    assert found == ["a-1", "a-2"]
    assert clock.now == 15


def test_the_interval(clock: Clock, tmp_path: Path) -> None:
    clock.events = {1: f"{tmp_path}/a-1", 2: f"{tmp_path}/a-2", 3: f"{tmp_path}/a-3"}
    times = [
        (clock.now, Path(path).name)
        for path in tf.train.checkpoints_iterator(tmp_path, min_interval_secs=30, timeout=5)
    ]
    assert times == [(1, "a-1"), (31, "a-3")]


def test_who_decides_that_it_is_over(clock: Clock, tmp_path: Path) -> None:
    asked: list[float] = []

    def over() -> bool:
        asked.append(clock.now)
        return len(asked) == 2

    clock.events = {12: f"{tmp_path}/a-1"}
    assert len(list(tf.train.checkpoints_iterator(tmp_path, timeout=10, timeout_fn=over))) == 1
    assert asked == [10, 22]


def test_no_longer_than_the_timeout(clock: Clock, tmp_path: Path) -> None:
    assert waiting.wait_for_new_checkpoint(tmp_path, seconds_to_sleep=4, timeout=10) is None
    assert clock.now == 8
