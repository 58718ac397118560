"""Real V2 checkpoints, of TensorFlow 0.12 to 2.21, against recorded facts; and damaged ones."""

from __future__ import annotations

import hashlib
import json
import pathlib
from typing import Any

import numpy as np
import pytest

from evergraph import errors
from evergraph.formats.bundle_reader import BundleReader
from evergraph.formats.bundle_writer import BundleWriter
from evergraph.formats.tensor_slice import TensorSlice

pytestmark = pytest.mark.shared


def checkpoints(shared: pathlib.Path) -> list[tuple[pathlib.Path, dict[str, Any]]]:
    """Every V2 checkpoint: its prefix and what TensorFlow says of it."""
    found = []
    for source in ("artifacts", "edge"):
        folder = shared / "data" / source
        facts = json.loads((folder / "facts.json").read_text())["facts"]
        for entry in json.loads((folder / "manifest.json").read_text())["artifacts"]:
            if entry["kind"] == "ckpt_v2":
                found.append((folder / entry["src"] / entry["main"], facts[entry["id"]]))
    assert len(found) >= 49
    return found


def digest(value: np.ndarray, recorded: str) -> str:
    """As in the facts; the recorder's NumPy strings lost zero bytes at the end of scalars."""
    if value.dtype != object:
        return hashlib.sha256(value.tobytes()).hexdigest()
    strings = value.reshape(-1).tolist()
    if recorded.startswith("bytes"):
        strings = [string.rstrip(b"\0") for string in strings]
    data = b"".join(len(string).to_bytes(8, "little") + string for string in strings)
    return hashlib.sha256(data).hexdigest()


def test_every_tensor_is_as_recorded(shared: pathlib.Path) -> None:
    tensors = 0
    for prefix, facts in checkpoints(shared):
        with BundleReader(prefix) as reader:
            assert sorted(reader.names()) == sorted(facts["tensors"]), prefix
            assert reader.num_shards == facts["num_shards"]
            assert reader.big_endian == bool(facts["endianness"])
            for name, fact in facts["tensors"].items():
                info, value = reader.info(name), reader.read(name)
                assert (info.dtype.name, list(info.shape)) == (fact["dtype"], fact["shape"])
                assert value.shape == info.shape
                assert digest(value, fact["np"]) == fact["sha256"], (prefix, name)
                if name in facts.get("slices", {}):
                    assert [[list(e) for e in s.extents] for s in info.slices] == facts["slices"][
                        name
                    ]
                tensors += 1
    assert tensors > 8000


def test_written_again_they_are_the_same_bytes(
    shared: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    """Those in one little-endian file; Snappy is only read, as TensorFlow writes none today."""
    same = 0
    for number, (prefix, facts) in enumerate(checkpoints(shared)):
        if facts["num_shards"] > 1 or facts["endianness"]:
            continue
        copy = tmp_path / str(number) / "m"
        with BundleReader(prefix) as reader, BundleWriter(copy, durability="none") as writer:
            pieces: list[tuple[int, str, TensorSlice | None, np.ndarray]] = []
            for name in reader.names():
                entry, _ = reader._entry(name)
                if not entry.slices:
                    pieces.append((entry.offset, name, None, reader.read(name)))
                for box, (stored, _) in zip(
                    entry.slices, reader._pieces(name, entry) if entry.slices else (), strict=True
                ):
                    pieces.append((stored.offset, name, box, reader.read_slice(name, box)))
            for _, name, box, value in sorted(pieces, key=lambda piece: piece[0]):
                if box is None:
                    writer.add(name, value)
                else:
                    writer.add_slice(name, reader.info(name).shape, box, value)
        for suffix in (".data-00000-of-00001", ".index"):
            if suffix == ".index" and facts["snappy_blocks"]:
                continue
            ours = pathlib.Path(f"{copy}{suffix}").read_bytes()
            assert ours == pathlib.Path(f"{prefix}{suffix}").read_bytes(), f"{prefix}{suffix}"
        same += 1
    assert same >= 45


# Damaged checkpoint -> where it shows (a tensor, or None: opening), error, what the sentence says.
DAMAGED: list[tuple[str, str | None, type[errors.OpError], str]] = [
    ("index_truncated_half", None, errors.DataLossError, r"m\.index is not a sorted table .*magic"),
    ("index_truncated_footer", None, errors.DataLossError, r"has lost its end: bad magic number"),
    ("index_zero_length", None, errors.DataLossError, r"m\.index is an empty file\. A checkpoint"),
    ("index_wrong_magic", None, errors.DataLossError, r"should be 0xdb4775248b80fb57 and are 0x0+"),
    ("index_flip_in_block", None, errors.DataLossError, r"block checksum mismatch.*offset 0 \(81"),
    (
        "index_flip_in_block_crc",
        None,
        errors.DataLossError,
        r"mismatch, the index block at offset 99",
    ),
    (
        "index_footer_garbage",
        None,
        errors.DataLossError,
        r"m\.index has a damaged footer at offset",
    ),
    ("index_is_text", None, errors.DataLossError, r"m\.index is a text file\. A checkpoint was"),
    ("index_missing", None, errors.NotFoundError, r"m\.index; No such file"),
    (
        "many_flip_mid_block",
        None,
        errors.DataLossError,
        r"checksum mismatch, the block at offset 0",
    ),
    ("many_truncated", None, errors.DataLossError, r"m\.index is not a sorted table"),
    ("header_num_shards_0", None, errors.DataLossError, r"damaged header: it names 0 data files"),
    ("header_num_shards_2", "a", errors.NotFoundError, r"'a'.* 0 of 2: .*data-00000-of-00002; No"),
    (
        "data_missing",
        "s",
        errors.NotFoundError,
        r"'s' cannot be read.*data-00000-of-00001; No such",
    ),
    ("data_truncated", "a", errors.DataLossError, r"-00001 is cut short.*'a' has 256 .* has 100"),
    ("data_truncated", "s", errors.DataLossError, r"'s' has 15 bytes from offset 336.* has 100"),
    ("data_zero_length", "b", errors.DataLossError, r"'b' has 80 bytes from offset 256.* has 0"),
    ("data_flip", "a", errors.DataLossError, r"tensor 'a', 256 bytes from offset 0: Checksum does"),
    ("data_flip_string", "s", errors.DataLossError, r"tensor 's', 15 .* offset 336: Checksum"),
    ("data_flip_string_lengths", "s", errors.DataLossError, r"'s', at offset 336: .*lengths"),
    (
        "entry_past_end",
        "a",
        errors.DataLossError,
        r"'a' has 256 bytes from offset 100000.* has 351",
    ),
    ("entry_huge_size", "a", errors.DataLossError, r"'a': .*\(64,\) takes 256 .* is 1099511627776"),
    ("entry_negative_offset", "a", errors.DataLossError, r"'a': 256 bytes from offset -8"),
    ("entry_shape_huge", "a", errors.DataLossError, r"takes 4398046511104 bytes.*size is 256"),
    ("entry_negative_dim", "a", errors.DataLossError, r"'a': dimension 0 .* has the size -5"),
    ("entry_unknown_dtype", "a", errors.DataLossError, r"'a': 77 is no DataType"),
    (
        "entry_shard_out_of_range",
        "a",
        errors.DataLossError,
        r"'a': it lies in data file 7, and .* 1",
    ),
    ("entry_size_mismatch", "a", errors.DataLossError, r"'a': .* takes 256 .* size is 200"),
]


@pytest.mark.parametrize(
    ("case", "tensor", "cls", "words"), DAMAGED, ids=[f"{row[0]}-{row[1]}" for row in DAMAGED]
)
def test_damage_is_named(
    shared: pathlib.Path, case: str, tensor: str | None, cls: type[errors.OpError], words: str
) -> None:
    folder = shared / "data" / "edge" / "corrupt" / case
    before = {path: path.read_bytes() for path in folder.iterdir()}
    if tensor is None:
        with pytest.raises(cls, match=words) as caught:
            BundleReader(folder / "m")
    else:
        with BundleReader(folder / "m") as reader:
            assert reader.names() == ["a", "b", "s"]
            with pytest.raises(cls, match=words) as caught:
                reader.read(tensor)
    assert str(folder) in str(caught.value)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_all_damaged_checkpoints_are_in_the_list(shared: pathlib.Path) -> None:
    harmless = {"good", "data_extra_bytes"}
    folders = {
        path.name
        for path in (shared / "data" / "edge" / "corrupt").iterdir()
        if any(p.suffix == ".index" or ".data-" in p.name for p in path.iterdir())
    }
    assert folders == {row[0] for row in DAMAGED} | harmless
    for name in harmless:
        with BundleReader(shared / "data" / "edge" / "corrupt" / name / "m") as reader:
            assert [reader.read(tensor).nbytes for tensor in reader.names()] == [256, 80, 24]


@pytest.mark.parametrize(
    "case", ["data_flip", "data_flip_string", "entry_unknown_dtype", "entry_negative_dim"]
)
def test_the_rest_of_a_damaged_checkpoint_is_read(shared: pathlib.Path, case: str) -> None:
    corrupt = shared / "data" / "edge" / "corrupt"
    with BundleReader(corrupt / case / "m") as reader, BundleReader(corrupt / "good" / "m") as good:
        np.testing.assert_array_equal(reader.read("b"), good.read("b"))
