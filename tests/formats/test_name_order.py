"""The order of names in a V1 checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evergraph.formats.checkpoint import open_checkpoint
from evergraph.formats.name_order import name_order


@given(st.lists(st.sampled_from(["a", "a/b", "b", "c", "ab"]), max_size=200))
def test_it_sorts(names: list[str]) -> None:
    order = name_order(names)
    assert sorted(order) == list(range(len(names)))
    assert [names[i] for i in order] == sorted(names)
    if len(names) <= 16:
        assert order == sorted(range(len(names)), key=names.__getitem__)


def test_equals_as_cpp_leaves_them() -> None:
    """As TensorFlow 2.15.1 wrote 17 slices of one tensor."""
    assert name_order(["w"] * 17) == [8, 16, 15, 14, 13, 12, 11, 10, 9, 0, 7, 6, 5, 4, 3, 2, 1]


@pytest.mark.shared
def test_a_real_file(shared: Path) -> None:
    """The slices of a file that TensorFlow wrote from a list in order."""
    with open_checkpoint(shared / "data" / "edge" / "part_v1" / "model.ckpt-5") as checkpoint:
        slices = {name: checkpoint.info(name).slices for name in checkpoint}
    listed = [
        (name, box)
        for name in sorted(slices)
        for box in sorted(slices[name], key=lambda box: box.extents) or [None]
    ]
    found: dict[str, list[Any]] = {}
    for i in name_order([name for name, _ in listed]):
        name, box = listed[i]
        found.setdefault(name, []).append(box)
    assert [str(box) for box in found["fixed0"]] == ["4,3:0,4", "7,3:0,4", "0,4:0,4"]
    assert found == {name: list(boxes) or [None] for name, boxes in slices.items()}
