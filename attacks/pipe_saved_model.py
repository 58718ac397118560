"""A SavedModel that is a pipe: to read it is to wait for somebody to write."""

from __future__ import annotations

import os
from pathlib import Path

WAY = "saved_model"
ERRORS = ("FailedPreconditionError",)


def make(folder: Path) -> None:
    os.mkfifo(folder / "saved_model.pb")
