"""Tensor bundles without TensorFlow: round trips, recorded bytes, damage of every kind."""

from __future__ import annotations

import math
import os
import pathlib
import signal
import subprocess
import sys
import threading
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.formats.bundle import data_path, prefix_of
from evergraph.formats.bundle_entry import BundleEntry, BundleHeader
from evergraph.formats.bundle_reader import BundleReader
from evergraph.formats.bundle_writer import BundleWriter
from evergraph.formats.crc32c import crc32c, mask
from evergraph.formats.slice_key import encode_slice_key
from evergraph.formats.small_messages import Versions
from evergraph.formats.table import TableWriter
from evergraph.formats.tensor_slice import TensorSlice
from evergraph.formats.wire import WireError

STORABLE = [d for d in dtypes.ALL_DTYPES if d.is_numpy_compatible and d is not dtypes.string]


def same(a: np.ndarray, b: np.ndarray) -> bool:
    if a.dtype == object:
        return a.shape == b.shape and a.tolist() == b.tolist()
    return (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())


def write(prefix: pathlib.Path, tensors: dict[str, Any]) -> None:
    with BundleWriter(prefix, durability="none") as writer:
        for name, value in tensors.items():
            writer.add(name, value)


def random_array(dtype: dtypes.DType, shape: tuple[int, ...], seed: int) -> np.ndarray:
    raw = np.random.default_rng(seed).integers(
        0, 2 if dtype == dtypes.bool else 256, math.prod(shape) * dtype.size, np.uint8
    )
    return raw.view(dtype.as_numpy_dtype).reshape(shape)


# ------------------------------------------------------------------------------------- round trips


@pytest.mark.parametrize("dtype", STORABLE, ids=lambda d: d.name)
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (7,), (2, 3, 1, 2)])
def test_every_type(tmp_path: pathlib.Path, dtype: dtypes.DType, shape: tuple[int, ...]) -> None:
    value = random_array(dtype, shape, 3)
    write(tmp_path / "m", {"x": value})
    with BundleReader(tmp_path / "m") as reader:
        info = reader.info("x")
        assert (info.dtype, info.shape, info.nbytes) == (dtype, shape, value.nbytes)
        assert same(reader.read("x"), value)


STRINGS = [b"", b"a", "é".encode(), b"\x00\xff\x00", b"x" * 127, b"y" * 128, b"z" * 70_000]


@pytest.mark.parametrize(
    "value",
    [
        np.array(STRINGS, dtype=object),
        np.array(STRINGS[:6], dtype=object).reshape(3, 2),
        np.array([], dtype=object),
        np.array(b"scalar\x00", dtype=object),
    ],
    ids=["many", "matrix", "none", "scalar"],
)
def test_strings(tmp_path: pathlib.Path, value: np.ndarray) -> None:
    write(tmp_path / "m", {"s": value})
    with BundleReader(tmp_path / "m") as reader:
        assert reader.info("s").dtype is dtypes.string
        assert same(reader.read("s"), value)


NAMES = st.text(min_size=1, max_size=20)
VALUES = st.one_of(
    st.tuples(
        st.sampled_from(STORABLE),
        st.lists(st.integers(0, 4), max_size=3).map(tuple),
        st.integers(0, 99),
    ).map(lambda args: random_array(*args)),
    st.lists(st.binary(max_size=200), max_size=6).map(lambda s: np.array([*s, 0], object)[:-1]),
)


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(NAMES, VALUES, max_size=12))
def test_bundle_is_the_dict_it_was_made_from(
    tmp_path_factory: pytest.TempPathFactory, tensors: dict[str, np.ndarray]
) -> None:
    prefix = tmp_path_factory.mktemp("bundle") / "m"
    write(prefix, tensors)
    with BundleReader(prefix) as reader:
        assert reader.names() == sorted(tensors, key=str.encode)
        assert len(reader) == len(tensors)
        for name, value in tensors.items():
            assert name in reader
            assert same(reader.read(name), value)


def test_memory_that_is_not_as_files_want_it(tmp_path: pathlib.Path) -> None:
    array = np.arange(24, dtype=np.float32).reshape(4, 6)
    big = array.astype(">f4")
    view = array[::-1, ::2]
    fortran = np.asfortranarray(array)
    write(tmp_path / "m", {"a": big, "b": view, "c": fortran, "d": array.T})
    with BundleReader(tmp_path / "m") as reader:
        for name, value in {"a": array, "b": view, "c": array, "d": array.T}.items():
            np.testing.assert_array_equal(reader.read(name), value)
            assert reader.read(name).dtype == np.float32


def test_python_values(tmp_path: pathlib.Path) -> None:
    write(
        tmp_path / "m",
        {"i": 7, "f": [1.5, 2.5], "s": "text\x00", "l": ["a", b"b\x00"], "g": np.float64(2)},
    )
    with BundleReader(tmp_path / "m") as reader:
        kinds = {name: reader.info(name).dtype.name for name in reader.names()}
        assert kinds == {
            "f": "float32",
            "g": "float64",
            "i": "int32",
            "l": "string",
            "s": "string",
        }
        assert reader.read("s")[()] == b"text\x00"
        assert reader.read("l").tolist() == [b"a", b"b\x00"]


def test_the_array_is_the_callers(tmp_path: pathlib.Path) -> None:
    write(tmp_path / "m", {"x": np.zeros(3)})
    with BundleReader(tmp_path / "m") as reader:
        reader.read("x")[:] = 5
        assert reader.read("x").tolist() == [0, 0, 0]


@pytest.mark.parametrize("elements", [10, 10_000, 1_000_000])
def test_what_has_been_added_may_change(tmp_path: pathlib.Path, elements: int) -> None:
    # Other threads go on training while a save is under way: each variable is theirs again once it has been added.
    array = np.arange(elements, dtype=np.float32)
    with BundleWriter(tmp_path / "m") as writer:
        for name in ("a", "b"):
            writer.add(name, array)
            array += 1
    with BundleReader(tmp_path / "m") as reader:
        np.testing.assert_array_equal(reader.read("a"), np.arange(elements, dtype=np.float32))
        np.testing.assert_array_equal(reader.read("b"), np.arange(elements, dtype=np.float32) + 1)


def test_large_tensor_in_pieces(tmp_path: pathlib.Path) -> None:
    value = np.random.default_rng(0).random(500_001)
    write(tmp_path / "m", {"before": np.int8(1), "x": value})
    with BundleReader(tmp_path / "m") as reader:
        assert same(reader.read("x"), value)


# --------------------------------------------------------------------------------- recorded bytes

# What TensorFlow 2.15.1's SaveV2 writes for the tensors of `test_recorded_bytes`, in this order.
RECORDED_INDEX = bytes.fromhex(
    "00000608011a020801000b11007061727400010101808308031204120208032022280c354fa57a7a09021183"
    "810803120412020801202e280435a5b1b5a700020d6266080e12002036280235fa2912a700041168616c6608"
    "131204120208022032280435c267f7360005116e616d657308071204120208032018280a354b6b1250010311"
    "6f6e65080a1206120012020802203835d8ea82a20004167061727408031204120208043a040a0210033a060a"
    "0408031001000a0d73636f70652f73746570080912002010280835179f960500011377080112081202080212"
    "0208022810358ada7da9000000000100000000b626f48f000000000100000000c0f2a1b00001037800ee0100"
    "000000010000000080a71b57f3010880020f0000000000000000000000000000000000000000000000000000"
    "000000000000000057fb808b247547db"
)
RECORDED_DATA = bytes.fromhex(
    "0000c03f000000c00000000000005040fdffffffffffffff010002c4355c2861c3a900000000010000000200"
    "000009000000003c0040003f"
)


def recorded_tensors(writer: BundleWriter) -> None:
    writer.add("w", np.array([[1.5, -2.0], [0.0, 3.25]], np.float32))
    writer.add("scope/step", np.int64(-3))
    writer.add("names", np.array([b"a", b"", b"\xc3\xa9"], object))
    writer.add_slice("part", (4,), TensorSlice.parse("0,3"), np.arange(3, dtype=np.int32))
    writer.add_slice("part", (4,), TensorSlice.parse("3,1"), np.array([9], np.int32))
    writer.add("half", np.array([1, 2], np.float16))
    writer.add("bf", np.array(0.5, ml_dtypes.bfloat16))
    writer.add("none", np.zeros((0, 2), np.bool_))


def test_recorded_bytes(tmp_path: pathlib.Path) -> None:
    with BundleWriter(tmp_path / "m") as writer:
        recorded_tensors(writer)
    assert (tmp_path / "m.data-00000-of-00001").read_bytes() == RECORDED_DATA
    assert (tmp_path / "m.index").read_bytes() == RECORDED_INDEX
    assert sorted(os.listdir(tmp_path)) == ["m.data-00000-of-00001", "m.index"]


# ------------------------------------------------------------------------------------ the writer


def test_refused_by_the_writer(tmp_path: pathlib.Path) -> None:
    with BundleWriter(tmp_path / "m") as writer:
        writer.add("x", 1)
        refusals: list[tuple[tuple[Any, ...], str]] = [
            (("x", 2), "Adding duplicate key: 'x'"),
            (("", 2), "no name"),
            (("v", np.zeros(1, "M8[s]")), "tensor 'v' cannot be stored"),
            (("v", object()), "tensor 'v' cannot be stored"),
            (("v", None), "tensor 'v' cannot be stored"),
            (("v", [[1], [2, 3]]), "tensor 'v' cannot be stored"),
            (("v", np.array([b"a", 3], object)), "tensor 'v' cannot be stored.*string, got 3"),
        ]
        for arguments, words in refusals:
            with pytest.raises(errors.InvalidArgumentError, match=words):
                writer.add(*arguments)
        with pytest.raises(errors.InvalidArgumentError, match=r"has the shape \(2,\), not \(3,\)"):
            writer.add_slice("p", (4,), TensorSlice.parse("0,2"), np.zeros(3))
        with pytest.raises(errors.InvalidArgumentError, match="does not lie within"):
            writer.add_slice("p", (4,), TensorSlice.parse("3,2"), np.zeros(2))
        writer.add_slice("p", (4,), TensorSlice.parse("0,2"), np.zeros(2))
        with pytest.raises(errors.InvalidArgumentError, match=r"of float32 \(4,\); .* float64 \(4"):
            writer.add_slice("p", (4,), TensorSlice.parse("2,2"), np.zeros(2, np.float32))
        with pytest.raises(errors.InvalidArgumentError, match="stored whole"):
            writer.add_slice("x", (2,), TensorSlice.parse("0,1"), np.zeros(1, np.int32))
    with BundleReader(tmp_path / "m") as reader:
        assert reader.names() == ["p", "x"]


def test_failed_save_leaves_the_old_one(tmp_path: pathlib.Path) -> None:
    write(tmp_path / "m", {"x": np.float32(1)})

    def fail() -> None:
        with BundleWriter(tmp_path / "m") as writer:
            writer.add("x", np.float32(2))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert BundleReader(tmp_path / "m").read("x") == 1
    assert len(os.listdir(tmp_path)) == 2


KILLED_SAVE = """
import os, signal, sys
import evergraph
prefix, moment = sys.argv[1], int(sys.argv[2])
count = 0
def step(real):
    def counted(*args):
        global count
        if count == moment:
            os.kill(os.getpid(), signal.SIGKILL)
        count += 1
        return real(*args)
    return counted
for name in ("write", "fsync", "replace"):
    setattr(os, name, step(getattr(os, name)))
evergraph.save_checkpoint(prefix, {"x": [2.0] * 300, "y": [2.0]})
os._exit(7)
"""


@pytest.mark.parametrize("moment", range(11))
def test_killed_while_replacing_a_checkpoint(tmp_path: pathlib.Path, moment: int) -> None:
    """Old or new, never a mixture."""
    write(tmp_path / "m", {"x": np.ones(200, np.float32)})
    done = subprocess.run(
        [sys.executable, "-c", KILLED_SAVE, str(tmp_path / "m"), str(moment)], check=False
    )
    assert done.returncode in (-signal.SIGKILL, 7)
    with BundleReader(tmp_path / "m") as reader:
        assert reader.read("x").tolist() in ([1.0] * 200, [2.0] * 300)
    write(tmp_path / "m", {"x": np.float32(3)})
    assert len(os.listdir(tmp_path)) == 2
    assert BundleReader(tmp_path / "m").read("x") == 3


def test_too_little_room(tmp_path: pathlib.Path) -> None:
    with pytest.raises(errors.ResourceExhaustedError, match="Nothing has been written"):
        BundleWriter(tmp_path / "m", expected_bytes=1 << 60)
    assert os.listdir(tmp_path) == []


def test_folders_are_made(tmp_path: pathlib.Path) -> None:
    write(tmp_path / "a/b/m", {"x": 1})
    assert BundleReader(tmp_path / "a/b/m").read("x") == 1


# --------------------------------------------------------------------------------------- slices


def sliced(prefix: pathlib.Path) -> np.ndarray:
    whole = np.arange(60, dtype=np.int16).reshape(10, 6)
    with BundleWriter(prefix, durability="none") as writer:
        for spec in ("0,4:0,6", "4,3:0,6", "7,3:0,2", "7,3:2,4"):
            box = TensorSlice.parse(spec)
            writer.add_slice("p", (10, 6), box, whole[box.within((10, 6))])
        writer.add("after", np.int8(1))
        writer.add_slice("whole", (10, 6), TensorSlice.parse("-:-"), whole)
        writer.add_slice("whole2", (10, 6), TensorSlice.parse("0,10:0,6"), whole)
    return whole


def test_sliced_tensor_is_read_whole_or_in_part(tmp_path: pathlib.Path) -> None:
    whole = sliced(tmp_path / "m")
    with BundleReader(tmp_path / "m") as reader:
        assert reader.names() == ["after", "p", "whole", "whole2"]
        info = reader.info("p")
        assert (info.shape, info.nbytes, len(info.slices)) == ((10, 6), 120, 4)
        assert str(info.slices[2]) == "7,3:0,2"
        assert reader.info("whole").slices == reader.info("whole2").slices == ()
        assert same(reader.read("p"), whole)
        for spec in ("0,10:-", "-:-", "3,5:1,4", "9,1:5,1", "4,3:-"):
            box = TensorSlice.parse(spec)
            for name in ("p", "whole"):
                part = reader.read_slice(name, box)
                assert same(part, np.ascontiguousarray(whole[box.within((10, 6))]))
                assert part.flags.owndata
        with pytest.raises(errors.InvalidArgumentError, match="does not lie within"):
            reader.read_slice("p", TensorSlice.parse("8,3:-"))


def test_only_the_slices_needed_are_read(tmp_path: pathlib.Path) -> None:
    whole = sliced(tmp_path / "m")
    path = data_path(str(tmp_path / "m"), 0, 1)
    data = bytearray(pathlib.Path(path).read_bytes())
    data[0] ^= 1
    pathlib.Path(path).write_bytes(data)
    with BundleReader(tmp_path / "m") as reader:
        assert same(reader.read_slice("p", TensorSlice.parse("4,6:-")), whole[4:])
        with pytest.raises(errors.DataLossError, match=r"tensor 'p'.*Checksum"):
            reader.read("p")


# ------------------------------------------------------------------------------- hand-made files


def forge(
    prefix: pathlib.Path,
    entries: dict[bytes, BundleEntry | bytes],
    data: bytes = b"",
    header: BundleHeader | bytes | None = None,
    shards: int = 1,
) -> BundleReader:
    """Writes an index of any entries, and a data file; opens it."""
    pieces: list[bytes] = []
    table = TableWriter(lambda piece: pieces.append(bytes(piece)))
    header = header or BundleHeader(num_shards=shards)
    table.add(b"", header if isinstance(header, bytes) else header.encode())
    for key in sorted(entries):
        entry = entries[key]
        table.add(key, entry if isinstance(entry, bytes) else entry.encode())
    table.finish()
    pathlib.Path(f"{prefix}.index").write_bytes(b"".join(pieces))
    pathlib.Path(data_path(str(prefix), 0, shards)).write_bytes(data)
    return BundleReader(prefix)


def stored(dtype: int, shape: tuple[int, ...], data: bytes, offset: int = 0) -> BundleEntry:
    return BundleEntry(dtype, shape, 0, offset, len(data), mask(crc32c(data)))


@pytest.mark.parametrize(
    ("header", "cls", "words"),
    [
        (BundleHeader(num_shards=0), errors.DataLossError, "names 0 data files"),
        (BundleHeader(num_shards=-1), errors.DataLossError, "names -1 data files"),
        (
            BundleHeader(1, versions=Versions(2, 2)),
            errors.UnimplementedError,
            "newer readers.*min_consumer=2",
        ),
        (
            BundleHeader(1, versions=Versions(1, 0, (1,))),
            errors.UnimplementedError,
            r"bad_consumers=\(1,\)",
        ),
        (b"\x08", errors.DataLossError, "damaged header: a varint is cut off"),
        (b"\x10\x02", errors.DataLossError, "endianness is 0"),
    ],
)
def test_headers_that_cannot_be(
    tmp_path: pathlib.Path, header: Any, cls: type[errors.OpError], words: str
) -> None:
    with pytest.raises(cls, match=rf"m\.index.*{words}"):
        forge(tmp_path / "m", {}, header=header)


def test_table_that_is_no_checkpoint(tmp_path: pathlib.Path) -> None:
    pieces: list[bytes] = []
    table = TableWriter(lambda piece: pieces.append(bytes(piece)))
    table.add(b"key", b"value")
    table.finish()
    (tmp_path / "m.index").write_bytes(b"".join(pieces))
    with pytest.raises(errors.DataLossError, match="does not begin with a header"):
        BundleReader(tmp_path / "m")


FOUR = np.float32(1).tobytes()
DATA = FOUR * 8


@pytest.mark.parametrize(
    ("entry", "cls", "words"),
    [
        (BundleEntry(99, (1,)), errors.DataLossError, "99 is no DataType"),
        (BundleEntry(0, (1,)), errors.DataLossError, "0 is no DataType"),
        (BundleEntry(101, (1,)), errors.DataLossError, "101 is no DataType"),
        (BundleEntry(-1, (1,)), errors.DataLossError, "-1 is no DataType"),
        (BundleEntry(20, ()), errors.UnimplementedError, "of type resource"),
        (BundleEntry(21, ()), errors.UnimplementedError, "of type variant"),
        (BundleEntry(1, (-1,), size=4), errors.DataLossError, "has the size -1"),
        (BundleEntry(1, (2,) * 255, size=4), errors.DataLossError, "has 255 dimensions"),
        (BundleEntry(1, (1 << 40,), size=4), errors.DataLossError, "takes 4398046511104 bytes"),
        (BundleEntry(1, (1 << 62, 1 << 62), size=4), errors.DataLossError, "takes"),
        (BundleEntry(1, (0, 1 << 62), size=0), errors.UnimplementedError, "NumPy cannot hold"),
        (BundleEntry(1, (1,) * 200, size=4), errors.UnimplementedError, "NumPy cannot hold"),
        (BundleEntry(1, (1,), size=5), errors.DataLossError, "its stored size is 5"),
        (BundleEntry(1, (1,), size=4, offset=-4), errors.DataLossError, "from offset -4"),
        (BundleEntry(7, (1,), size=-4), errors.DataLossError, "-4 bytes from"),
        (BundleEntry(1, (1,), size=4, offset=32), errors.DataLossError, "the file has 32"),
        (
            BundleEntry(1, (1,), size=4, shard=1),
            errors.DataLossError,
            "data file 1, and there are 1",
        ),
        (BundleEntry(1, (1,), size=4, shard=-1), errors.DataLossError, "data file -1"),
        (BundleEntry(1, (1,), size=4, crc=5), errors.DataLossError, "Checksum does not match"),
        (BundleEntry(7, (100,), size=32), errors.DataLossError, "100 strings cannot lie in 32"),
        (BundleEntry(7, (1 << 50,), size=32), errors.DataLossError, "cannot lie in 32"),
        (BundleEntry(7, (3,), size=32), errors.DataLossError, "strings' lengths"),
        (b"\x0a\xff", errors.DataLossError, "a varint is cut off"),
        (b"\x12\x02\x18\x01", errors.DataLossError, "unknown rank"),
    ],
)
def test_entries_that_cannot_be(
    tmp_path: pathlib.Path, entry: Any, cls: type[errors.OpError], words: str
) -> None:
    good = stored(1, (2,), DATA[:8])
    with forge(tmp_path / "m", {b"x": entry, b"y": good}, DATA) as reader:
        assert reader.names() == ["x", "y"]
        with pytest.raises(cls, match=rf"(?s)'x'.*{words}|{words}.*'x'") as caught:
            reader.read("x")
        assert str(tmp_path / "m") in str(caught.value)
        assert reader.read("y").tolist() == [1, 1]


def string_bytes(lengths: list[int], body: bytes, length_crc: int | None = None) -> bytes:
    summed = crc32c(np.array(lengths, "<u4").tobytes())
    checksum = mask(summed if length_crc is None else length_crc).to_bytes(4, "little")
    return bytes(lengths) + checksum + body


@pytest.mark.parametrize(
    ("lengths", "body", "crc", "words"),
    [
        ([1, 2], b"abc", 7, "lengths is .* and should be 0x00000007"),
        ([1, 2], b"abcd", None, "have 3 bytes by their lengths, and 4 are stored"),
        ([1, 2], b"a", None, "have 3 bytes by their lengths, and 1 are stored"),
        ([1, 2], b"abc", None, "Checksum does not match"),
    ],
)
def test_strings_that_cannot_be(
    tmp_path: pathlib.Path, lengths: list[int], body: bytes, crc: int | None, words: str
) -> None:
    data = string_bytes(lengths, body, crc)
    entry = BundleEntry(7, (2,), 0, 0, len(data), 1)
    reader = forge(tmp_path / "m", {b"s": entry}, data)
    with pytest.raises(errors.DataLossError, match=rf"tensor 's'.*{words}"):
        reader.read("s")


def pieces(*specs: str, shape: tuple[int, ...] = (4,)) -> dict[bytes, Any]:
    boxes = tuple(TensorSlice.parse(spec) for spec in specs)
    entries: dict[bytes, Any] = {b"p": BundleEntry(1, shape, slices=boxes)}
    for box in boxes:
        part = tuple(length for _, length in box.extents)
        entries[encode_slice_key(b"p", box)] = stored(1, part, DATA[: 4 * math.prod(part)])
    return entries


def test_slices_that_cannot_be(tmp_path: pathlib.Path) -> None:
    good = pieces("0,1", "1,3")
    missing = pieces("0,1", "1,3")
    del missing[encode_slice_key(b"p", TensorSlice.parse("1,3"))]
    other_type = pieces("0,1", "1,3")
    other_type[encode_slice_key(b"p", TensorSlice.parse("1,3"))] = stored(3, (3,), DATA[:12])
    nested = pieces("0,1", "1,3")
    nested[encode_slice_key(b"p", TensorSlice.parse("1,3"))] = nested[b"p"]
    many = pieces(*[f"{i},1" for i in range(100)], shape=(100,))
    for name, (entries, words) in {
        "overlap": (pieces("0,2", "1,3"), "its slice '1,3' overlaps another"),
        "twice": (pieces("0,4", "0,4"), "overlaps another"),
        "outside": (pieces("0,1", "1,5"), "does not lie within"),
        "rank": (pieces("0,1:0,1", "1,3:0,1"), "does not lie within"),
        "missing": (missing, "no entry for the slice '1,3'"),
        "type": (other_type, "type and shape are not those"),
        "nested": (nested, "type and shape are not those"),
        "shared": (many, "more bytes together than the data file"),
    }.items():
        reader = forge(tmp_path / name, entries, DATA)
        with pytest.raises(errors.DataLossError, match=rf"{name}\.index.*{words}"):
            reader.read("p")
    # Some parts of a variable may be saved without the others.
    with (
        forge(tmp_path / "gap", pieces("0,1", "2,2"), DATA) as reader,
        pytest.raises(errors.InvalidValueError, match="its 2 slices lack 1 of the elements of '-'"),
    ):
        reader.read("p")
    with forge(tmp_path / "good", good, DATA) as reader:
        assert reader.names() == ["p"]
        assert reader.read("p").tolist() == [1, 1, 1, 1]


def test_a_slice_without_its_tensor_is_listed_raw(tmp_path: pathlib.Path) -> None:
    key = encode_slice_key(b"p", TensorSlice.parse("0,1"))
    with forge(tmp_path / "m", {key: stored(1, (1,), FOUR)}, DATA) as reader:
        assert reader.names() == [key.decode(errors="surrogateescape")]


def test_big_endian(tmp_path: pathlib.Path) -> None:
    values = {
        b"c": np.array([1 + 2j, 3 - 4j], np.complex64),
        b"f": np.array([1.5, -2.0], np.float64),
        b"h": np.array([1.5], np.float16),
        b"i": np.array([[1, -2]], np.int32),
        b"u": np.array([7, 8], np.uint8),
    }
    data, entries = b"", {}
    for key, value in values.items():
        raw = value.astype(value.dtype.newbyteorder(">")).tobytes()
        number = dtypes.as_dtype(value.dtype).as_datatype_enum
        entries[key] = stored(number, value.shape, raw, len(data))
        data += raw
    bf = np.array([0.5, 2], ml_dtypes.bfloat16)
    raw = bf.view(np.uint16).astype(">u2").tobytes()
    entries[b"b"] = stored(14, (2,), raw, len(data))
    data += raw
    summed = crc32c(np.array([1, 2], ">u4").tobytes())
    checksum = mask(summed).to_bytes(4, "big")
    text = b"\x01\x02" + checksum + b"abc"
    entries[b"s"] = BundleEntry(
        7, (2,), 0, len(data), len(text), mask(crc32c(b"abc", crc32c(checksum, summed)))
    )
    data += text
    header = BundleHeader(num_shards=1, big_endian=True)
    with forge(tmp_path / "m", entries, data, header) as reader:
        assert reader.big_endian
        for key, value in values.items():
            assert same(reader.read(key.decode()), value)
        assert same(reader.read("b"), bf)
        assert reader.read("s").tolist() == [b"a", b"bc"]


# ------------------------------------------------------------------------------------ the reader


def test_missing_key_names_the_nearest(tmp_path: pathlib.Path) -> None:
    write(tmp_path / "m", {"model/dense/kernel": 1, "model/dense/bias": 2})
    with BundleReader(tmp_path / "m") as reader:
        for name in ("dense/kernel", "model/dense/kernl", "model/dense_1/kernel"):
            with pytest.raises(
                errors.KeyNotFoundError,
                match=rf"Key {name} not found in checkpoint .*m, which has 2 tensors.*"
                "Nearest names there: 'model/dense/kernel'",
            ):
                reader.info(name)
        with pytest.raises(KeyError, match="Key  not found"):
            reader.read("")
        assert "" not in reader
        assert 3 not in reader
        assert "model/dense/bias" in reader


def test_missing_files(tmp_path: pathlib.Path) -> None:
    write(tmp_path / "m", {"x": 1})
    with pytest.raises(FileNotFoundError, match=r"n\.index; No such file.*'m\.index'"):
        BundleReader(tmp_path / "n")
    os.remove(data_path(str(tmp_path / "m"), 0, 1))
    with BundleReader(tmp_path / "m") as reader:
        assert reader.info("x").shape == ()
        with pytest.raises(
            errors.NotFoundError,
            match=r"'x' cannot be read, .*data file 0 of 1.*data-00000-of-00001",
        ):
            reader.read("x")


def test_open_checkpoint_survives_its_removal(tmp_path: pathlib.Path) -> None:
    write(tmp_path / "m", {"x": np.arange(5)})
    with BundleReader(tmp_path / "m") as reader:
        for name in os.listdir(tmp_path):
            os.remove(tmp_path / name)
        assert reader.names() == ["x"]
        assert reader.read("x").tolist() == [0, 1, 2, 3, 4]


def test_several_data_files(tmp_path: pathlib.Path) -> None:
    entries = {b"a": stored(1, (2,), DATA[:8]), b"b": stored(1, (1,), FOUR)}
    entries[b"b"].shard = 1
    with forge(tmp_path / "m", entries, DATA, shards=2) as reader:
        assert reader.num_shards == 2
        assert reader.read("a").tolist() == [1, 1]
        with pytest.raises(errors.NotFoundError, match="data-00001-of-00002"):
            reader.read("b")
        (tmp_path / "m.data-00001-of-00002").write_bytes(FOUR)
        assert reader.read("b").tolist() == [1]


def test_names_of_any_bytes(tmp_path: pathlib.Path) -> None:
    entries = {key: stored(1, (1,), FOUR) for key in (b"\xff\xfe", "ü/é".encode(), b"a b\n")}
    with forge(tmp_path / "m", entries, DATA) as reader:
        assert reader.names() == ["a b\n", "ü/é", "\udcff\udcfe"]
        assert [reader.read(name).item() for name in reader.names()] == [1, 1, 1]


def test_threads_share_a_reader(tmp_path: pathlib.Path) -> None:
    tensors = {f"v{i}": np.full(1000 + i, i, np.int32) for i in range(60)}
    write(tmp_path / "m", tensors)
    wrong: list[str] = []
    with BundleReader(tmp_path / "m") as reader:

        def check(part: int) -> None:
            wrong.extend(
                name
                for name in list(tensors)[part::4]
                if not same(reader.read(name), tensors[name])
            )

        threads = [threading.Thread(target=check, args=(part,)) for part in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_entry_messages_are_the_protos(tmp_path: pathlib.Path) -> None:
    """The tiny codec and protobuf agree, in both directions."""
    from evergraph.formats import protos

    entry = BundleEntry(
        14, (3, 0, 1 << 40), 2, 1 << 33, 77, 0xDEADBEEF, (TensorSlice.parse("-:1,2"),)
    )
    message = protos.BundleEntryProto.FromString(entry.encode())
    assert message.SerializeToString(deterministic=True) == entry.encode()
    assert [dim.size for dim in message.shape.dim] == [3, 0, 1 << 40]
    assert (message.dtype, message.shard_id, message.offset, message.size) == (14, 2, 1 << 33, 77)
    assert message.crc32c == 0xDEADBEEF
    assert (message.slices[0].extent[1].start, message.slices[0].extent[1].length) == (1, 2)
    assert BundleEntry.decode(message.SerializeToString()) == entry

    header = BundleHeader(3, True, Versions(1, 0, (5, 6)))
    head = protos.BundleHeaderProto.FromString(header.encode())
    assert (head.num_shards, head.endianness, head.version.producer) == (3, 1, 1)
    assert BundleHeader.decode(head.SerializeToString()) == header  # bad_consumers packed
    assert BundleHeader.decode(header.encode()) == header


@given(st.binary(max_size=80))
def test_any_bytes_are_an_entry_or_a_wire_error(data: bytes) -> None:
    for decode in (BundleEntry.decode, BundleHeader.decode):
        try:
            decode(data)
        except WireError:
            continue


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_random_damage_never_escapes(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    with BundleWriter(folder / "m", durability="none") as writer:
        recorded_tensors(writer)
    path = folder / data.draw(st.sampled_from(sorted(os.listdir(folder))))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        with BundleReader(folder / "m") as reader:
            for name in reader.names():
                reader.read(name)
    except errors.OpError:
        pass


def test_reading_needs_no_protobuf() -> None:
    code = (
        "import sys, evergraph.formats.bundle_reader\n"
        "assert not [m for m in sys.modules if m.startswith('google')], 'protobuf'\n"
        "assert not [m for m in sys.modules if m in ('ml_dtypes', 'cramjam')]\n"
        "assert not [m for m in sys.modules if m.startswith(('evergraph.graph', 'evergraph.ops'))]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("path", "prefix"),
    [
        ("a/m.index", "a/m"),
        ("m.ckpt-5.data-00000-of-00001", "m.ckpt-5"),
        ("m.data-123456-of-200000", "m"),
        ("m.meta", "m"),
        ("m", None),
        ("m.ckpt-5", None),
        ("m.data-0-of-1", None),
        ("checkpoint", None),
        (".index", None),
    ],
)
def test_prefix_of(path: str, prefix: str | None) -> None:
    assert prefix_of(path) == prefix
