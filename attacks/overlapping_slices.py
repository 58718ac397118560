"""A matrix of 2 GB, put together from 2000 slices that are all the same megabyte of the file."""

from __future__ import annotations

from pathlib import Path

from attacks.building import FLOAT, bundle
from evergraph.formats.bundle_entry import BundleEntry
from evergraph.formats.slice_key import encode_slice_key
from evergraph.formats.tensor_slice import TensorSlice

WAY = "checkpoint"
ERRORS = ("DataLossError",)


def make(folder: Path) -> None:
    count, row = 2000, 1 << 18
    boxes = [TensorSlice(((i, 1), (0, -1))) for i in range(count)]
    entries = {"a": BundleEntry(FLOAT, (count, row), slices=tuple(boxes))}
    for box in boxes:
        key = encode_slice_key(b"a", box)
        entries[key] = BundleEntry(FLOAT, (1, row), size=4 * row)
    bundle(folder, entries, bytes(4 * row))
