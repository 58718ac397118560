"""A SavedModel whose vocabulary is a file outside of its folder, by its name."""

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
    (model / "assets").mkdir()
    saved_model(model, "../../secret")
