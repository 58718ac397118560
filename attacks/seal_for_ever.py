"""A checkpoint beside what looks like a save of it that process 1 is about to finish, and never will."""

from __future__ import annotations

import os
import time
from pathlib import Path

from attacks.building import FLOAT, bundle
from evergraph.formats.bundle_entry import BundleEntry

WAY = "checkpoint"
ERRORS = ("NotFoundError", "DataLossError", "none")


def make(folder: Path) -> None:
    bundle(folder, {"a": BundleEntry(FLOAT, (1,), size=4)}, bytes(4))
    seal = folder / "m.index.evergraph-new-1-00000000-00000000-0"
    seal.write_bytes(b"")
    later = time.time() + 1e6
    os.utime(seal, (later, later))
