"""A state file that names a checkpoint outside of its folder."""

from __future__ import annotations

from pathlib import Path

from attacks.building import FLOAT, bundle
from evergraph.formats.bundle_entry import BundleEntry

WAY = "latest"
ERRORS = ("NotFoundError",)
INSIDE = "inside"  # what the victim opens


def make(folder: Path) -> None:
    bundle(folder, {"secret": BundleEntry(FLOAT, (1,), size=4)}, bytes(4))
    inside = folder / INSIDE
    inside.mkdir()
    (inside / "checkpoint").write_text('model_checkpoint_path: "../m"\n')
