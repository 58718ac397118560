"""A training script that is killed at any file event of its saves, and run again, ends with the same weights.

`make test` kills at every seventh event; ``KILL_EVERY=1 make test ARGS=tests/durability/test_kills.py`` at each.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from evergraph import tf1 as tf
from evergraph.storage.leftovers import settle

SCRIPT = Path(__file__).with_name("training_script.py")
EVERY = int(os.environ.get("KILL_EVERY", "7"))


def run(folder: Path, *deadly: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), str(folder), *map(str, deadly)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_killed_and_resumed(tmp_path: Path) -> None:
    events, weights = run(tmp_path / "whole").stdout.split()
    folder = tmp_path / "killed"
    for deadly in range(0, int(events), EVERY):
        shutil.rmtree(folder, ignore_errors=True)
        assert run(folder, deadly).returncode == -signal.SIGKILL
        again = run(folder)
        assert again.returncode == 0, again.stderr
        assert again.stdout.split()[1] == weights, f"killed at event {deadly}"
        settle(str(folder))  # as the next save would
        steps = {name.split(".")[1] for name in os.listdir(folder) if name != "checkpoint"}
        assert {"ckpt-4", "ckpt-6"} <= steps <= {"ckpt-2", "ckpt-4", "ckpt-6"}
        suffixes = ("data-00000-of-00001", "index", "meta")
        expected = {f"model.{step}.{suffix}" for step in steps for suffix in suffixes}
        assert set(os.listdir(folder)) == expected | {"checkpoint"}, f"killed at event {deadly}"


@pytest.mark.parametrize("kept", [0, 1])
def test_the_checkpoint_after_a_kill_is_whole(tmp_path: Path, kept: int) -> None:
    """Killed in its second save: the first one is still the newest, and complete."""
    events, _ = run(tmp_path / "whole").stdout.split()
    done = run(tmp_path / "m", int(events) // 3 + 3 + kept)
    assert done.returncode == -signal.SIGKILL
    assert tf.train.latest_checkpoint(str(tmp_path / "m")) == str(tmp_path / "m/model.ckpt-2")
    for suffix in ("meta", "index", "data-00000-of-00001"):
        assert (tmp_path / f"m/model.ckpt-2.{suffix}").exists()
