"""A SavedModel whose folder of assets is a link to another folder."""

from __future__ import annotations

from pathlib import Path

from attacks.vocabulary import saved_model

WAY = "saved_model"
ERRORS = ("PermissionDeniedError",)
INSIDE = "model"  # what the victim opens


def make(folder: Path) -> None:
    (folder / "secret").write_text("one\ntwo\n")
    model = folder / INSIDE
    model.mkdir()
    (model / "assets").symlink_to(folder)
    saved_model(model, "secret")
