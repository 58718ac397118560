"""The sizes 2**32 x 2**32: their product is 0 in 64 bits, and so fits a tensor of no bytes."""

from __future__ import annotations

from pathlib import Path

from attacks.building import FLOAT, bundle
from evergraph.formats.bundle_entry import BundleEntry

WAY = "checkpoint"
ERRORS = ("DataLossError",)


def make(folder: Path) -> None:
    bundle(folder, {"a": BundleEntry(FLOAT, (1 << 32, 1 << 32), size=0)}, b"")
