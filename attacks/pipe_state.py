"""A state file that is a pipe: to read it is to wait for somebody to write."""

from __future__ import annotations

import os
from pathlib import Path

WAY = "latest"
ERRORS = ("FailedPreconditionError",)


def make(folder: Path) -> None:
    os.mkfifo(folder / "checkpoint")
