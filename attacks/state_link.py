"""A state file that names a checkpoint in a folder that is a link to somewhere else."""

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
    (inside / "here").symlink_to(folder)
    (inside / "checkpoint").write_text('model_checkpoint_path: "here/m"\n')
