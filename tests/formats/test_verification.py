"""verify_checkpoint: what is noticed, where it is said to be, and what that costs."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import evergraph
from evergraph import errors
from evergraph.formats import bundle_strings
from evergraph.formats.bundle_strings import check_strings, encode_strings
from evergraph.formats.crc32c import crc32c
from evergraph.formats.table import FOOTER_SIZE
from evergraph.formats.verification import newest_whole, verify_checkpoint, verify_folder
from evergraph.formats.wire import WireError

TENSORS = {
    "a/kernel": np.arange(60, dtype=np.float32).reshape(3, 20),
    "b/names": np.array([b"x" * 200, b"", b"z"], object),
    "c/step": np.int64(7),
    "d/empty": np.zeros((0, 4), np.float32),
    "e/no_names": np.array([], object),
}
DATA = ".data-00000-of-00001"


@pytest.fixture
def prefix(tmp_path: Path) -> str:
    return evergraph.save_checkpoint(tmp_path / "model-7", TENSORS, durability="none")


def flip(path: str, offset: int, mask: int = 1) -> None:
    data = bytearray(Path(path).read_bytes())
    data[offset] ^= mask
    Path(path).write_bytes(bytes(data))


def test_a_whole_one(prefix: str) -> None:
    seen: list[tuple[int, int]] = []
    report = evergraph.verify_checkpoint(prefix, lambda *at: seen.append(at))
    assert report.whole
    assert report.readable == tuple(sorted(TENSORS))
    assert report.nbytes == evergraph.open_checkpoint(prefix).nbytes
    assert (report.damage, report.lost, report.has_graph) == ((), (), False)
    assert str(report).startswith(f"{prefix}: whole. 5 tensors with ")
    assert seen[-1] == (report.nbytes, report.nbytes)


@pytest.mark.parametrize("version", [1, 2])
def test_every_byte_counts(tmp_path: Path, version: int) -> None:
    path = evergraph.save_checkpoint(
        tmp_path / "m", TENSORS, durability="none", format_version=version
    )
    files = [path] if version == 1 else [f"{path}.index", path + DATA]
    for file in files:
        good = Path(file).read_bytes()
        padding = range(0)
        if file != path + DATA:  # zeros between the handles and the magic number say nothing
            footer = good[-FOOTER_SIZE:-8]
            padding = range(len(good) - FOOTER_SIZE + len(footer.rstrip(b"\0")), len(good) - 8)
        for offset in range(len(good)):
            flip(file, offset)
            report = verify_checkpoint(path)
            assert report.whole == (offset in padding), (file, offset)
            if not report.whole:
                assert report.damage[0].file == file
                assert file in str(report)
            Path(file).write_bytes(good)


def test_damage_has_a_place(prefix: str) -> None:
    flip(prefix + DATA, 5)
    report = verify_checkpoint(prefix)
    (damage,) = report.damage
    assert (damage.file, damage.offset, damage.tensor) == (prefix + DATA, 0, "a/kernel")
    assert report.lost == ("a/kernel",)
    assert report.readable == tuple(sorted(set(TENSORS) - {"a/kernel"}))
    text = str(report)
    assert "Checksum does not match" in text
    assert "Still readable with evergraph.open_checkpoint: 4 tensors; lost: a/kernel." in text
    with evergraph.open_checkpoint(prefix) as checkpoint:
        for name in report.readable:
            np.testing.assert_array_equal(checkpoint[name], TENSORS[name])


def test_strings(prefix: str) -> None:
    flip(prefix + DATA, 240)
    report = verify_checkpoint(prefix)
    assert [(found.tensor, found.offset) for found in report.damage] == [("b/names", 240)]
    assert "checksum of its strings' lengths" in report.damage[0].message


def test_cut_short_and_missing(prefix: str) -> None:
    os.truncate(prefix + DATA, 300)
    report = verify_checkpoint(prefix)
    assert {found.tensor for found in report.damage} == set(TENSORS) - {"a/kernel"}
    assert "a/kernel" in report.readable
    os.remove(prefix + DATA)
    report = verify_checkpoint(prefix)
    assert [found.file for found in report.damage] == [prefix + DATA]
    assert report.lost == tuple(sorted(TENSORS))
    assert f"{prefix + DATA} is missing: data file 0 of 1" in str(report)
    assert "No tensor can be read; lost: a/kernel" in str(report)


def test_a_damaged_block_of_the_index_loses_what_is_in_it(tmp_path: Path) -> None:
    tensors = {f"{number:05d}" + "x" * 3000: np.float32(number) for number in range(200)}
    path = evergraph.save_checkpoint(tmp_path / "m", tensors, durability="none")
    flip(f"{path}.index", 500_000)
    report = verify_checkpoint(path)
    assert len(report.damage) == 1
    assert report.damage[0].offset is not None
    assert "block checksum mismatch" in report.damage[0].message
    assert 0 < len(report.readable) < 200
    with evergraph.open_checkpoint(path) as checkpoint:
        assert checkpoint[report.readable[-1]] == float(report.readable[-1][:5])


@pytest.mark.shared
def test_slices(tmp_path: Path, shared: Path) -> None:
    for file in (shared / "data" / "edge" / "part_v2").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    path = str(tmp_path / "model.ckpt-5")
    assert verify_checkpoint(path).whole
    with evergraph.open_checkpoint(path) as checkpoint:
        sliced = {info.name for info in checkpoint.tensors if info.slices}
    flip(path + DATA, 0)
    report = verify_checkpoint(path)
    assert len(report.damage) == 1
    assert set(report.lost) < sliced


def test_the_graph_beside_it(prefix: str) -> None:
    Path(f"{prefix}.meta").write_bytes(b"\x0a\x7f")
    report = verify_checkpoint(prefix)
    assert [found.file for found in report.damage] == [f"{prefix}.meta"]
    assert report.has_graph
    assert len(report.readable) == len(TENSORS)


def test_no_more_memory_than_a_piece(tmp_path: Path) -> None:
    size = 64 << 20
    tensors = {
        "numbers": np.zeros(size // 4, np.float32),
        "names": np.array([b"n" * 1000] * 40_000, object),
    }
    path = evergraph.save_checkpoint(tmp_path / "m", tensors, durability="none")
    del tensors
    tracemalloc.start()
    try:
        assert verify_checkpoint(path).whole
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 16 << 20


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(errors.NotFoundError, match="There is no checkpoint"):
        verify_checkpoint(tmp_path / "m")


@pytest.mark.parametrize("piece", [1, 3, 1 << 20])
@pytest.mark.parametrize("lengths", [[], [0], [5, 300, 0, 70_000], [1] * 100])
def test_strings_in_pieces_of_any_size(
    monkeypatch: pytest.MonkeyPatch, lengths: list[int], piece: int
) -> None:
    strings = [bytes([number % 256]) * length for number, length in enumerate(lengths)]
    parts, crc = encode_strings(strings)
    data = b"".join(parts)

    def pieces(data: bytes) -> list[bytes]:
        return [data[start : start + piece] for start in range(0, len(data), piece)]

    assert check_strings(pieces(data), len(strings), len(data), False) == crc
    for cut in range(len(parts[0])):
        with pytest.raises(WireError):
            check_strings(pieces(data[:cut]), len(strings), len(data), False)
    long = b"\x80" * 20
    with pytest.raises(WireError, match="longer than 64 bits"):
        check_strings(pieces(long), 1, len(long), False)
    assert check_strings([], 0, 0, False) == crc32c(b"")
    # A length beyond 32 bits is summed as 64.
    monkeypatch.setattr(bundle_strings, "_FITS_32", 1)
    parts, crc = encode_strings([b"ab", b""])
    assert check_strings(parts, 2, sum(map(len, parts)), False) == crc


# ------------------------------------------------------------------------------------------ folders


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for step in (1, 2, 3):
        evergraph.save_checkpoint(
            tmp_path / f"m-{step}", {"x": step}, update_state=True, durability="none"
        )
    return tmp_path


def test_the_newest_that_is_whole(folder: Path) -> None:
    found, passed_over = newest_whole(folder)
    assert found is not None
    assert (found.prefix, passed_over) == (str(folder / "m-3"), [])
    flip(f"{folder}/m-3{DATA}", 0)
    os.remove(f"{folder}/m-2.index")
    found, passed_over = newest_whole(folder)
    assert found is not None
    assert found.prefix == str(folder / "m-1")
    assert [report.prefix for report in passed_over] == [str(folder / "m-3"), str(folder / "m-2")]
    assert "Its data is there, but only the index" in str(passed_over[1])


def test_a_state_file_that_is_wrong(folder: Path) -> None:
    for name in ("m-3.index", f"m-3{DATA}", "m-1.index", f"m-1{DATA}"):
        os.remove(folder / name)
    reports = list(verify_folder(folder))
    assert [report.whole for report in reports] == [False, True]
    assert "names m-3 as the newest checkpoint, which is not there" in str(reports[0])
    (folder / "checkpoint").write_bytes(b"\xff\xfe")
    reports = list(verify_folder(folder))
    assert "is not a checkpoint state file" in str(reports[0])
    assert reports[1].prefix == str(folder / "m-2")


def test_checkpoints_that_the_state_file_does_not_name(folder: Path) -> None:
    evergraph.save_checkpoint(folder / "other", {"x": 1}, durability="none")
    names = [os.path.basename(report.prefix) for report in verify_folder(folder)]
    assert names == ["m-3", "m-2", "m-1", "other"]
    os.remove(folder / "checkpoint")
    for age, name in enumerate(["m-2", "other", "m-3", "m-1"]):
        os.utime(folder / f"{name}.index", (1000 - age, 1000 - age))
    names = [os.path.basename(report.prefix) for report in verify_folder(folder)]
    assert names == ["m-2", "other", "m-3", "m-1"]


@pytest.mark.shared
@pytest.mark.parametrize("source", ["artifacts", "edge"])
def test_what_tensorflow_wrote_is_whole(shared: Path, source: str) -> None:
    import json

    folder = shared / "data" / source
    seen = 0
    for entry in json.loads((folder / "manifest.json").read_text())["artifacts"]:
        if entry["kind"] in ("ckpt_v1", "ckpt_v2") and "corrupt" not in entry["src"]:
            report = verify_checkpoint(folder / entry["src"] / entry["main"])
            damaged = [found for found in report.damage if not found.file.endswith(".meta")]
            assert not damaged, str(report)
            seen += 1
    assert seen > 5
