"""A header that names two thousand million data files."""

from __future__ import annotations

from pathlib import Path

from attacks.building import FLOAT, bundle
from evergraph.formats.bundle_entry import BundleEntry, BundleHeader

WAY = "inspect"
ERRORS = ("none",)


def make(folder: Path) -> None:
    header = BundleHeader(num_shards=(1 << 31) - 1)
    bundle(folder, {"a": BundleEntry(FLOAT, (1,), size=4)}, bytes(4), header)
