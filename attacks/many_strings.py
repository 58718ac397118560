"""A string tensor with 2**40 elements in eight bytes: a list of lengths is allocated by the count."""

from __future__ import annotations

from pathlib import Path

from attacks.building import STRING, bundle
from evergraph.formats.bundle_entry import BundleEntry

WAY = "checkpoint"
ERRORS = ("DataLossError",)


def make(folder: Path) -> None:
    bundle(folder, {"a": BundleEntry(STRING, (1 << 40,), size=8)}, bytes(8))
