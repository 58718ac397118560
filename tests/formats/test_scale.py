"""Checkpoints of a size that nobody wants to load: what is read and what is kept is counted, never the time."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import evergraph
from evergraph import errors
from evergraph.formats import protos
from evergraph.formats.bundle import data_path, index_path
from evergraph.formats.bundle_entry import BundleEntry, BundleHeader
from evergraph.formats.bundle_writer import BundleWriter
from evergraph.formats.crc32c import crc32c, mask
from evergraph.formats.partial_read import read_box
from evergraph.formats.slice_key import encode_slice_key
from evergraph.formats.table import TableWriter
from evergraph.formats.tensor_slice import TensorSlice
from evergraph.storage.local import LocalFile

MANY = 100_000
MIB = 1 << 20


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch, memory: bool = False) -> Iterator[dict[str, int]]:
    """Counts the bytes that are read from files, by the end of their names, and the most ``memory`` in use."""
    found: dict[str, int] = {}
    real = LocalFile.read_into

    def read_into(self: LocalFile, offset: int, buffer: memoryview) -> None:
        kind = self.path.rpartition(".")[2].partition("-")[0]
        found[kind] = found.get(kind, 0) + len(buffer)
        real(self, offset, buffer)

    with monkeypatch.context() as patch:
        patch.setattr(LocalFile, "read_into", read_into)
        if not memory:
            yield found
            return
        tracemalloc.start()
        try:
            yield found
            found["memory"] = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


# ------------------------------------------------------------------------------------ many tensors


def write_many_v2(prefix: str) -> None:
    with BundleWriter(prefix, "none", 0) as writer:
        for i in range(MANY):
            writer.add(f"layer_{i // 100:04d}/unit_{i % 100:02d}/w", np.full((2, 3), i, np.float32))


def write_many_v1(path: str) -> None:
    meta = protos.SavedTensorSliceMeta(versions={"producer": 1})
    box = TensorSlice(((0, -1), (0, -1)))
    entries = {}
    for i in range(MANY):
        name = f"layer_{i // 100:04d}/unit_{i % 100:02d}/w"
        tensor = meta.tensor.add(name=name, type=1)
        tensor.shape.dim.add(size=2)
        tensor.shape.dim.add(size=3)
        tensor.slice.append(protos.TensorSliceProto.FromString(box.encode()))
        saved = protos.SavedTensorSlices()
        saved.data.name = name
        saved.data.data.float_val.extend([i] * 6)
        entries[encode_slice_key(name.encode(), box)] = saved.SerializeToString()
    with Path(path).open("wb") as file:
        writer = TableWriter(file.write)
        writer.add(b"", protos.SavedTensorSlices(meta=meta).SerializeToString())
        for key in sorted(entries):
            writer.add(key, entries[key])
        writer.finish()


def test_many_tensors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prefix = str(tmp_path / "model")
    write_many_v2(prefix)
    index = Path(index_path(prefix)).stat().st_size
    with counted(monkeypatch) as opening:
        checkpoint = evergraph.open_checkpoint(prefix)
        checkpoint["layer_0500/unit_50/w"]
    assert opening["index"] < index / 4  # a block or two of sixteen
    assert opening["data"] == 24
    with counted(monkeypatch) as listing:
        infos = checkpoint.tensors
    assert len(infos) == MANY
    assert (infos[-1].name, infos[-1].shape) == ("layer_0999/unit_99/w", (2, 3))
    assert listing["index"] < 1.1 * index
    assert "data" not in listing
    np.testing.assert_array_equal(checkpoint[infos[-1].name], np.full((2, 3), MANY - 1))


def test_many_tensors_of_the_old_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "model.v1")
    write_many_v1(path)
    size = Path(path).stat().st_size
    with counted(monkeypatch) as opening:
        checkpoint = evergraph.open_checkpoint(path)
        assert len(checkpoint.tensors) == MANY
    # The list of tensors is one entry of the table.
    assert opening["v1"] < size
    with counted(monkeypatch) as reading:
        np.testing.assert_array_equal(checkpoint["layer_0999/unit_99/w"], np.full((2, 3), MANY - 1))
    assert reading["v1"] < MIB


# ---------------------------------------------------------------------------------- a large tensor


def holes(prefix: str, shape: tuple[int, ...], marks: dict[int, float]) -> None:
    """A checkpoint of one float32 tensor of zeros but for ``marks`` (flat index -> value): its file is mostly holes."""
    size = int(np.prod(shape)) * 4
    zeros = bytes(MIB)
    crc = 0
    with Path(data_path(prefix, 0, 1)).open("wb") as file:
        file.truncate(size)
        position = 0
        for index in [*sorted(marks), size // 4]:
            gap = 4 * index - position
            for _ in range(gap // MIB):
                crc = crc32c(zeros, crc)
            crc = crc32c(zeros[: gap % MIB], crc)
            if index in marks:
                data = np.float32(marks[index]).tobytes()
                file.seek(4 * index)
                file.write(data)
                crc = crc32c(data, crc)
            position = 4 * index + 4
    entry = BundleEntry(dtype=1, shape=shape, size=size, crc=mask(crc))
    with Path(index_path(prefix)).open("wb") as file:
        writer = TableWriter(file.write)
        writer.add(b"", BundleHeader(num_shards=1).encode())
        writer.add(b"embedding", entry.encode())
        writer.finish()


def test_a_tensor_of_more_than_4_gib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shape = (1_100_000, 1000)
    rows = 1_000_000
    marks = {0: 1.0, 999: 2.0, rows * 1000: 3.0, rows * 1000 + 1999: 4.0, 1_099_999_999: 5.0}
    holes(str(tmp_path / "large"), shape, marks)
    with counted(monkeypatch, memory=True) as found:
        checkpoint = evergraph.open_checkpoint(tmp_path / "large")
        (info,) = checkpoint.tensors
        assert (info.name, info.shape, info.nbytes) == ("embedding", shape, 4_400_000_000)
    assert found["memory"] < MIB
    assert "data" not in found
    with counted(monkeypatch, memory=True) as found:
        part = checkpoint.read_slice("embedding", f"{rows},2:-")
    expected = np.zeros((2, 1000), np.float32)
    expected[0, 0], expected[1, 999] = 3.0, 4.0
    np.testing.assert_array_equal(part, expected)
    assert found["data"] == part.nbytes
    assert found["memory"] < MIB
    with counted(monkeypatch, memory=True) as found:
        part = checkpoint.read_slice("embedding", f"{rows - 1},1001:990,10")
    assert part.shape == (1001, 10)
    assert part[2, 9] == 4.0
    assert np.count_nonzero(part) == 1
    assert found["data"] == 1001 * 4000  # whole rows
    assert found["memory"] < 4 * MIB
    assert checkpoint.read_slice("embedding", "1099999,1:999,1") == 5.0
    with pytest.raises(errors.InvalidArgumentError, match="does not lie within"):
        checkpoint.read_slice("embedding", "1099999,2:-")


def test_a_part_is_verified_where_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shape = (6, 1_000_000)  # 24 MB
    holes(str(tmp_path / "m"), shape, {7: 1.0, 5_999_999: 2.0})
    with evergraph.open_checkpoint(tmp_path / "m") as checkpoint:
        with counted(monkeypatch, memory=True) as found:
            assert checkpoint.read_slice("embedding", "0,1:7,1", verify=True) == 1.0
        assert found["data"] == 24_000_004
        assert found["memory"] < 3 * MIB
    with Path(data_path(str(tmp_path / "m"), 0, 1)).open("r+b") as file:
        file.seek(10_000_000)
        file.write(b"\1")
    with evergraph.open_checkpoint(tmp_path / "m") as checkpoint:
        assert checkpoint.read_slice("embedding", "0,1:7,1") == 1.0
        with pytest.raises(errors.DataLossError, match="Checksum does not match"):
            checkpoint.read_slice("embedding", "0,1:7,1", verify=True)
        with pytest.raises(errors.DataLossError, match="Checksum does not match"):
            checkpoint["embedding"]


def test_a_cut_file(tmp_path: Path) -> None:
    holes(str(tmp_path / "m"), (6, 1_000_000), {})
    with Path(data_path(str(tmp_path / "m"), 0, 1)).open("r+b") as file:
        file.truncate(20_000_000)
    with (
        evergraph.open_checkpoint(tmp_path / "m") as checkpoint,
        pytest.raises(errors.DataLossError, match="cut short"),
    ):
        checkpoint.read_slice("embedding", "0,1:-")


# ------------------------------------------------------------------------------------------ boxes


@st.composite
def boxes(draw: Callable[..., Any]) -> tuple[tuple[int, ...], tuple[slice, ...]]:
    shape = tuple(draw(st.lists(st.integers(0, 5), max_size=4)))
    box = []
    for size in shape:
        start = draw(st.integers(0, size))
        box.append(slice(start, draw(st.integers(start, size))))
    return shape, tuple(box)


@given(boxes(), st.sampled_from([1, 8, 40, 1 << 20]))
@settings(max_examples=300)
def test_any_box(case: tuple[tuple[int, ...], tuple[slice, ...]], piece: int) -> None:
    shape, box = case
    array = np.arange(np.prod(shape), dtype=np.int32).reshape(shape)
    file = b"head" + array.tobytes()

    def read_into(offset: int, buffer: memoryview) -> None:
        assert 4 <= offset <= offset + len(buffer) <= len(file)
        buffer[:] = file[offset : offset + len(buffer)]

    out = np.full(array[box].shape, -1, np.int32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("evergraph.formats.partial_read._PIECE", piece)
        read_box(read_into, 4, shape, box, out)
    np.testing.assert_array_equal(out, array[box])
