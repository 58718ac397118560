"""A tensor with a size of -1."""

from __future__ import annotations

from pathlib import Path

from attacks.building import FLOAT, bundle
from evergraph.formats.bundle_entry import BundleEntry

WAY = "checkpoint"
ERRORS = ("DataLossError",)


def make(folder: Path) -> None:
    bundle(folder, {"a": BundleEntry(FLOAT, (-1,), size=4)}, bytes(4))
