"""Checkpoints that share what has not changed: each is whole, and the same as if it had been written alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evergraph
from evergraph.formats.bundle_increment import IncrementalBundleWriter
from evergraph.formats.bundle_reader import BundleReader
from evergraph.formats.tensor_slice import TensorSlice

Tensors = dict[str, Any]


def tensors(version: int) -> Tensors:
    return {
        "trunk/a": np.arange(50_000, dtype=np.float32),
        "trunk/b": np.arange(3, dtype=np.int16).reshape(1, 3).T,
        "trunk/text": np.array([b"x" * 1000, b""], object),
        "head": np.full(1000, version, np.float64),
        "step": np.int64(version),
    }


def check(path: Path, expected: Tensors) -> None:
    with evergraph.open_checkpoint(path) as checkpoint:
        assert set(checkpoint) == set(expected)
        for name, value in expected.items():
            np.testing.assert_array_equal(checkpoint[name], value)
            assert checkpoint[name].dtype == np.asarray(value).dtype


def inodes(folder: Path, prefix: str) -> list[int]:
    return [os.stat(path).st_ino for path in sorted(folder.glob(f"{prefix}.data-*"))]


def test_unchanged_tensors_are_shared(tmp_path: Path) -> None:
    evergraph.save_checkpoint(tmp_path / "m-1", tensors(1))
    evergraph.save_checkpoint(tmp_path / "m-2", tensors(2), unchanged_from=tmp_path / "m-1")
    evergraph.save_checkpoint(tmp_path / "m-3", tensors(3), unchanged_from=tmp_path / "m-2")
    [first] = inodes(tmp_path, "m-1")
    assert inodes(tmp_path, "m-2")[0] == inodes(tmp_path, "m-3")[0] == first
    assert len(inodes(tmp_path, "m-3")) == 2
    written = (tmp_path / "m-3.data-00001-of-00002").stat().st_size
    assert written == 8 * 1000 + 8
    for version in (1, 2, 3):
        check(tmp_path / f"m-{version}", tensors(version))


def test_each_lives_without_the_others(tmp_path: Path) -> None:
    for version in range(1, 5):
        base = tmp_path / f"m-{version - 1}" if version > 1 else None
        evergraph.save_checkpoint(tmp_path / f"m-{version}", tensors(version), unchanged_from=base)
        for path in tmp_path.glob(f"m-{version - 1}.*"):
            path.unlink()
        check(tmp_path / f"m-{version}", tensors(version))


def test_nothing_has_changed(tmp_path: Path) -> None:
    evergraph.save_checkpoint(tmp_path / "a", tensors(1))
    evergraph.save_checkpoint(tmp_path / "b", tensors(1), unchanged_from=tmp_path / "a")
    assert inodes(tmp_path, "a") == inodes(tmp_path, "b")
    check(tmp_path / "b", tensors(1))


def test_everything_has_changed(tmp_path: Path) -> None:
    evergraph.save_checkpoint(tmp_path / "a", {"v": np.zeros(10)})
    evergraph.save_checkpoint(tmp_path / "b", {"v": np.ones(10)}, unchanged_from=tmp_path / "a")
    assert [path.name for path in tmp_path.glob("b.data*")] == ["b.data-00000-of-00001"]
    check(tmp_path / "b", {"v": np.ones(10)})


def test_a_file_of_little_use_is_not_linked(tmp_path: Path) -> None:
    old = {"small": np.arange(10), "large": np.arange(1000)}
    new = {"small": np.arange(10), "large": np.arange(1000) + 1}
    evergraph.save_checkpoint(tmp_path / "a", old)
    evergraph.save_checkpoint(tmp_path / "b", new, unchanged_from=tmp_path / "a")
    assert [path.name for path in tmp_path.glob("b.data*")] == ["b.data-00000-of-00001"]
    check(tmp_path / "b", new)


def test_over_the_same_prefix(tmp_path: Path) -> None:
    for version in (1, 2, 3):
        base = tmp_path / "m" if version > 1 else None
        evergraph.save_checkpoint(tmp_path / "m", tensors(version), unchanged_from=base)
        check(tmp_path / "m", tensors(version))
    evergraph.save_checkpoint(tmp_path / "m", tensors(4))
    assert sorted(os.listdir(tmp_path)) == ["m.data-00000-of-00001", "m.index"]


def test_equal_checksums_are_not_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evergraph.save_checkpoint(tmp_path / "a", {"v": np.zeros(10)})
    monkeypatch.setattr("evergraph.formats.bundle_increment.mask", lambda crc: old_sum)
    with BundleReader(tmp_path / "a") as reader:
        old_sum = dict(reader.entries())[b"v"].crc
    with IncrementalBundleWriter(tmp_path / "b", str(tmp_path / "a")) as writer:
        writer.add("v", np.ones(10))
    assert writer.shared_bytes == 0


def test_a_damaged_base_is_not_shared(tmp_path: Path) -> None:
    evergraph.save_checkpoint(tmp_path / "a", tensors(1))
    data = tmp_path / "a.data-00000-of-00001"
    damaged = bytearray(data.read_bytes())
    damaged[40] ^= 1
    data.write_bytes(damaged)
    evergraph.save_checkpoint(tmp_path / "b", tensors(1), unchanged_from=tmp_path / "a")
    check(tmp_path / "b", tensors(1))
    data.unlink()
    evergraph.save_checkpoint(tmp_path / "c", tensors(1), unchanged_from=tmp_path / "a")
    check(tmp_path / "c", tensors(1))


def test_slices(tmp_path: Path) -> None:
    whole = np.arange(40_000, dtype=np.float32).reshape(100, 400)
    for prefix, base in (("a", None), ("b", "a")):
        if base is None:
            evergraph.save_checkpoint(tmp_path / "seed", {"x": 1})
        with IncrementalBundleWriter(tmp_path / prefix, str(tmp_path / (base or "seed"))) as writer:
            for start in (0, 50):
                box = TensorSlice.parse(f"{start},50:-")
                part = whole[start : start + 50] + (1 if base and start else 0)
                writer.add_slice("p", whole.shape, box, part)
    assert writer.shared_bytes == 4 * 50 * 400
    with evergraph.open_checkpoint(tmp_path / "b") as checkpoint:
        np.testing.assert_array_equal(checkpoint["p"][:50], whole[:50])
        np.testing.assert_array_equal(checkpoint["p"][50:], whole[50:] + 1)
