"""A tensor of a DataType that there is not."""

from __future__ import annotations

from pathlib import Path

from attacks.building import bundle
from evergraph.formats.bundle_entry import BundleEntry

WAY = "checkpoint"
ERRORS = ("DataLossError",)


def make(folder: Path) -> None:
    bundle(folder, {"a": BundleEntry(9999, (1,), size=4)}, bytes(4))
