"""Merging the parts of a sharded save."""

from __future__ import annotations

import os
import pathlib

import numpy as np
import pytest

from evergraph import errors
from evergraph.formats.bundle_merge import merge_bundles
from evergraph.formats.bundle_reader import BundleReader
from evergraph.formats.bundle_writer import BundleWriter
from evergraph.formats.tensor_slice import TensorSlice

WHOLE = np.arange(12, dtype=np.float32).reshape(6, 2)


def parts(folder: pathlib.Path) -> list[pathlib.Path]:
    """Three shards, with a variable that is partitioned over two of them."""
    prefixes = [folder / "temp" / f"part-{i:05d}-of-00003" for i in range(3)]
    for number, prefix in enumerate(prefixes):
        with BundleWriter(prefix, durability="none") as writer:
            writer.add(f"v{number}", np.full(3, number))
            if number < 2:
                box = TensorSlice.parse(f"{3 * number},3:-")
                writer.add_slice("p", (6, 2), box, WHOLE[3 * number : 3 * number + 3])
    return prefixes


def test_parts_become_one(tmp_path: pathlib.Path) -> None:
    merge_bundles(parts(tmp_path), tmp_path / "out" / "m")
    assert sorted(os.listdir(tmp_path)) == ["out"]
    assert sorted(os.listdir(tmp_path / "out")) == [
        "m.data-00000-of-00003",
        "m.data-00001-of-00003",
        "m.data-00002-of-00003",
        "m.index",
    ]
    with BundleReader(tmp_path / "out" / "m") as reader:
        assert (reader.num_shards, reader.names()) == (3, ["p", "v0", "v1", "v2"])
        np.testing.assert_array_equal(reader.read("p"), WHOLE)
        assert [reader.read(f"v{i}")[0] for i in range(3)] == [0, 1, 2]


def test_folders_are_kept_when_asked_or_not_empty(tmp_path: pathlib.Path) -> None:
    merge_bundles(parts(tmp_path), tmp_path / "m", delete_old_dirs=False)
    assert os.listdir(tmp_path / "temp") == []
    prefixes = parts(tmp_path)
    (tmp_path / "temp" / "notes").touch()
    merge_bundles(prefixes, tmp_path / "m")
    assert os.listdir(tmp_path / "temp") == ["notes"]


def test_one_part(tmp_path: pathlib.Path) -> None:
    with BundleWriter(tmp_path / "t" / "a") as writer:
        writer.add("x", 1)
    merge_bundles([tmp_path / "t" / "a"], tmp_path / "m")
    assert BundleReader(tmp_path / "m").read("x") == 1


@pytest.mark.parametrize("second", ["x", "p"])
def test_what_cannot_be_merged_stays(tmp_path: pathlib.Path, second: str) -> None:
    for name in ("a", "b"):
        with BundleWriter(tmp_path / name) as writer:
            writer.add("x" if name == "a" else second, np.zeros(2, np.float32))
            if second == "p" and name == "a":
                writer.add_slice("p", (4,), TensorSlice.parse("0,2"), np.zeros(2, np.float32))
    with pytest.raises(errors.InvalidArgumentError, match=f"Duplicate tensor keyed by {second} "):
        merge_bundles([tmp_path / "a", tmp_path / "b"], tmp_path / "m")
    with pytest.raises(errors.NotFoundError):
        merge_bundles([tmp_path / "a", tmp_path / "gone"], tmp_path / "m")
    with pytest.raises(errors.InvalidArgumentError, match="no checkpoints to merge"):
        merge_bundles([], tmp_path / "m")
    os.remove(tmp_path / "b.data-00000-of-00001")
    with BundleWriter(tmp_path / "c") as writer:
        writer.add("c", 1)
    os.remove(tmp_path / "c.data-00000-of-00001")
    with pytest.raises(errors.NotFoundError, match=r"c\.data-00000-of-00001; No such file"):
        merge_bundles([tmp_path / "a", tmp_path / "c"], tmp_path / "m")
    assert BundleReader(tmp_path / "a").read("x").shape == (2,)
    assert not any(name.startswith("m.") for name in os.listdir(tmp_path))
