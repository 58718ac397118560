"""A tensor of a terabyte, all sizes in agreement, in a file of four bytes."""

from __future__ import annotations

from pathlib import Path

from attacks.building import FLOAT, bundle
from evergraph.formats.bundle_entry import BundleEntry

WAY = "checkpoint"
ERRORS = ("DataLossError",)


def make(folder: Path) -> None:
    bundle(folder, {"a": BundleEntry(FLOAT, (1 << 38,), size=1 << 40)}, bytes(4))
