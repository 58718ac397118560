"""A SavedModel that is a link to a device without end."""

from __future__ import annotations

from pathlib import Path

WAY = "saved_model"
ERRORS = ("FailedPreconditionError",)


def make(folder: Path) -> None:
    (folder / "saved_model.pb").symlink_to("/dev/zero")
