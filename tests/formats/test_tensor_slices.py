"""Format V1: files made with protobuf, real ones, damaged ones."""

from __future__ import annotations

import contextlib
import hashlib
import json
import pathlib
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import evergraph
from evergraph import errors
from evergraph.formats import dtypes, element_list, protos, tensor_slices_writer
from evergraph.formats.element_list import decode_elements, encode_elements
from evergraph.formats.slice_key import encode_slice_key
from evergraph.formats.table import TableWriter
from evergraph.formats.tensor_slice import TensorSlice
from evergraph.formats.tensor_slices import TensorSliceReader
from evergraph.formats.tensor_slices_writer import TensorSliceWriter
from evergraph.formats.wire import WireError, bytes_field

FIELDS = {
    "float32": "float_val",
    "float64": "double_val",
    "string": "string_val",
    "complex64": "scomplex_val",
    "complex128": "dcomplex_val",
    "int64": "int64_val",
    "bool": "bool_val",
    "float16": "half_val",
    "bfloat16": "half_val",
    "uint32": "uint32_val",
    "uint64": "uint64_val",
    **dict.fromkeys(
        "int32 int16 int8 uint16 uint8 qint32 qint16 qint8 quint16 quint8".split(), "int_val"
    ),
}


def proto_of(array: np.ndarray) -> Any:
    """A TensorProto with elements only, as TensorFlow's V1 writer makes."""
    kind = dtypes.as_dtype(array.dtype).name
    flat = array.reshape(-1)
    if kind in ("complex64", "complex128"):
        flat = flat.view(flat.real.dtype)
    elif kind in ("float16", "bfloat16"):
        flat = flat.view(np.uint16)
    elif kind.startswith(("qint", "quint")):
        flat = flat.view(kind[1:])
    return protos.TensorProto(**{FIELDS[kind]: flat.tolist()})


def v1_table(
    tensors: dict[str, tuple[Any, list[tuple[str, Any]]]],
    snappy: bool = False,
    versions: dict[str, Any] | None = None,
) -> bytes:
    """``name -> (whole array, slice texts)``: the file, made with protobuf's own classes."""
    meta = protos.SavedTensorSliceMeta(versions=versions or {"producer": 1})
    entries: dict[bytes, bytes] = {}
    for name, (whole, specs) in tensors.items():
        tensor = meta.tensor.add(name=name, type=dtypes.as_dtype(whole.dtype).as_datatype_enum)
        tensor.shape.SetInParent()
        for size in whole.shape:
            tensor.shape.dim.add(size=size)
        for spec in specs:
            box = TensorSlice.parse(spec)
            tensor.slice.append(protos.TensorSliceProto.FromString(box.encode()))
            saved = protos.SavedTensorSlices()
            saved.data.name = name
            saved.data.slice.CopyFrom(tensor.slice[-1])
            part = np.array(whole[box.within(whole.shape)], whole.dtype)
            saved.data.data.CopyFrom(proto_of(part))
            entries[encode_slice_key(name.encode(), box)] = saved.SerializeToString()
    entries[b""] = protos.SavedTensorSlices(meta=meta).SerializeToString()
    return table(entries, snappy)


def table(entries: dict[bytes, bytes], snappy: bool = False) -> bytes:
    pieces: list[bytes] = []
    writer = TableWriter(lambda piece: pieces.append(bytes(piece)), compress=snappy)
    for key in sorted(entries):
        writer.add(key, entries[key])
    writer.finish()
    return b"".join(pieces)


def whole_spec(array: np.ndarray) -> str:
    return ":".join("-" * array.ndim)


def save(path: pathlib.Path, tensors: dict[str, np.ndarray], snappy: bool = False) -> None:
    path.write_bytes(v1_table({n: (a, [whole_spec(a)]) for n, a in tensors.items()}, snappy))


def random_array(kind: str, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    dtype = dtypes.as_dtype(kind)
    count = int(np.prod(shape, dtype=int))
    if kind == "string":
        array = np.empty(count, object)
        array[:] = [b"s" * (i % 5) + bytes([i % 256]) for i in range(count)]
        return array.reshape(shape)
    rng = np.random.default_rng(seed)
    if dtype.is_floating or dtype.is_complex:
        values = rng.standard_normal(count) + (1j * rng.standard_normal(count))
        return (
            (values if dtype.is_complex else values.real)
            .astype(dtype.as_numpy_dtype)
            .reshape(shape)
        )
    raw = rng.integers(0, 2 if kind == "bool" else 256, count * dtype.size, np.uint8)
    return raw.view(dtype.as_numpy_dtype).reshape(shape)


def same(a: np.ndarray, b: np.ndarray) -> bool:
    if a.dtype == object:
        return a.shape == b.shape and a.tolist() == b.tolist()
    return (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())


# --------------------------------------------------------------------------------------- elements


@pytest.mark.parametrize("kind", FIELDS)
@pytest.mark.parametrize("count", [0, 1, 7, 1000])
def test_elements_are_protobufs(kind: str, count: int) -> None:
    array = random_array(kind, (count,), seed=count)
    data = memoryview(proto_of(array).SerializeToString())
    assert same(decode_elements(data, dtypes.as_dtype(kind), count), array)


@pytest.mark.parametrize("kind", [k for k in FIELDS if k != "string"])
def test_elements_one_by_one(kind: str) -> None:
    """Not packed, as old protobuf wrote them, and packed in several parts."""
    array = random_array(kind, (6,))
    parts = [proto_of(array[i : i + 1]).SerializeToString() for i in range(6)]
    dtype = dtypes.as_dtype(kind)
    assert same(decode_elements(memoryview(b"".join(parts)), dtype, 6), array)
    if FIELDS[kind] in ("int_val", "int64_val", "bool_val"):
        tag = bytes([parts[0][0] & 0xF8])
        single = b"".join(tag + part[2:] for part in parts)
        assert same(decode_elements(memoryview(single), dtype, 6), array)
    if FIELDS[kind] == "float_val":
        single = b"".join(b"\x2d" + part[2:] for part in parts)
        assert same(decode_elements(memoryview(single), dtype, 6), array)


def test_many_varints_across_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(element_list, "_PIECE", 64)
    array = np.random.default_rng(0).integers(-(2**63), 2**63 - 1, 1000)
    array[::3] %= 100
    data = memoryview(proto_of(array).SerializeToString())
    assert same(decode_elements(data, dtypes.int64, 1000), array)


@pytest.mark.parametrize(
    ("data", "dtype", "count", "words"),
    [
        (b"\x2a\x08" + bytes(8), dtypes.float32, 3, "has 2 elements and should have 3"),
        (b"\x2a\x07" + bytes(7), dtypes.float32, 2, "no whole number of float32"),
        (b"\x4a\x04" + bytes(4), dtypes.complex64, 1, "no whole number of complex64"),
        (b"", dtypes.float32, 1, "has 0 elements"),
        (b"", dtypes.int32, 1 << 60, "has 0 elements"),
        (b"\x3a\x02\x80\x80", dtypes.int32, 0, "cut off"),
        (b"\x3a\x0c" + b"\x80" * 11 + b"\x01", dtypes.int32, 1, "longer than 64 bits"),
        (b"\x3a\x03\x01\x02\x80", dtypes.int32, 2, "cut off"),
        (b"\x42\x01a", dtypes.string, 2, "has 1 elements and should have 2"),
        (b"\x2a\xff", dtypes.float32, 1, "cut off"),
        (b"", dtypes.float8_e5m2, 1, "no place in this format"),
    ],
)
def test_elements_that_cannot_be(data: bytes, dtype: dtypes.DType, count: int, words: str) -> None:
    with pytest.raises(WireError, match=words):
        decode_elements(memoryview(data), dtype, count)


@given(st.binary(max_size=60), st.sampled_from(sorted(FIELDS)), st.integers(0, 8))
def test_any_bytes_are_elements_or_a_wire_error(data: bytes, kind: str, count: int) -> None:
    with contextlib.suppress(WireError):
        assert decode_elements(memoryview(data), dtypes.as_dtype(kind), count).size == count


# ------------------------------------------------------------------------------------- checkpoints


@pytest.mark.parametrize("snappy", [False, True])
def test_every_type_and_shape(tmp_path: pathlib.Path, snappy: bool) -> None:
    tensors = {
        f"{kind}/{len(shape)}": random_array(kind, shape)
        for kind in FIELDS
        for shape in [(), (3,), (2, 3), (4, 0, 2, 1)]
    }
    save(tmp_path / "m", tensors, snappy)
    with TensorSliceReader(tmp_path / "m") as reader:
        assert reader.names() == sorted(tensors)
        assert len(reader) == len(tensors)
        for name, value in tensors.items():
            info = reader.info(name)
            assert name in reader
            assert (info.dtype, info.shape) == (dtypes.as_dtype(value.dtype), value.shape)
            assert info.slices == ()
            assert same(reader.read(name), value)
            if value.dtype != object:
                assert info.nbytes == value.nbytes


def test_through_the_front_door(tmp_path: pathlib.Path) -> None:
    value = np.arange(70_000, dtype=np.float32).reshape(700, 100)
    save(tmp_path / "model.ckpt", {"w": value, "s": np.array([b"a"], object)}, snappy=True)
    with evergraph.open_checkpoint(tmp_path / "model.ckpt") as ckpt:
        assert ckpt.format_version == 1
        assert list(ckpt) == ["s", "w"]
        assert "format V1, 2 tensors" in repr(ckpt)
        ckpt["w"][0, 0] = 7
        assert same(ckpt["w"], value)
        assert same(ckpt.read_slice("w", "10,2:-"), value[10:12])
        assert ckpt.nbytes == value.nbytes + 3
        copy = evergraph.save_checkpoint(tmp_path / "v2", ckpt)
        with pytest.raises(KeyError, match=r"Key W not found .* Nearest names there: 'w'"):
            ckpt["W"]
    assert same(evergraph.open_checkpoint(copy)["w"], value)


def test_slices_and_shards(tmp_path: pathlib.Path) -> None:
    whole = np.arange(60, dtype=np.int16).reshape(10, 6)
    other = np.array(3.5)
    (tmp_path / "m-00000-of-00002").write_bytes(
        v1_table({"p": (whole, ["0,4:0,6", "7,3:2,4"]), "x": (other, [""])})
    )
    (tmp_path / "m-00001-of-00002").write_bytes(
        v1_table({"p": (whole, ["4,3:-", "7,3:0,2"])}, snappy=True)
    )
    with evergraph.open_checkpoint(tmp_path / "m") as ckpt:
        assert ckpt.prefix == str(tmp_path / "m-?????-of-00002")
        assert list(ckpt) == ["p", "x"]
        assert [str(box) for box in ckpt.info("p").slices] == [
            "0,4:0,6",
            "7,3:2,4",
            "4,3:-",
            "7,3:0,2",
        ]
        assert same(ckpt["p"], whole)
        assert same(ckpt["x"], other)
        for spec in ("-:-", "3,5:1,4", "9,1:5,1", "4,3:0,6"):
            box = TensorSlice.parse(spec)
            expected = np.ascontiguousarray(whole[box.within((10, 6))])
            assert same(ckpt.read_slice("p", spec), expected)
        with pytest.raises(errors.InvalidArgumentError, match="does not lie within"):
            ckpt.read_slice("p", "8,3:-")


@settings(deadline=None, max_examples=30)
@given(
    st.dictionaries(
        st.text(max_size=6),
        st.tuples(
            st.sampled_from(sorted(FIELDS)), st.lists(st.integers(0, 4), max_size=3).map(tuple)
        ),
        max_size=6,
    ),
    st.booleans(),
)
def test_checkpoint_is_the_dict_it_was_made_from(
    tmp_path_factory: pytest.TempPathFactory,
    kinds: dict[str, tuple[str, tuple[int, ...]]],
    snappy: bool,
) -> None:
    path = tmp_path_factory.mktemp("v1") / "m"
    tensors = {name: random_array(kind, shape) for name, (kind, shape) in kinds.items()}
    save(path, tensors, snappy)
    with TensorSliceReader(path) as reader:
        assert sorted(reader.names()) == sorted(tensors)
        for name, value in tensors.items():
            assert same(reader.read(name), value)


# ----------------------------------------------------------------------------------------- writing

WRITTEN = sorted(FIELDS.keys() - {"bfloat16", "uint32", "uint64", "qint16", "quint16"})


@settings(deadline=None, max_examples=30)
@given(
    st.dictionaries(
        st.text(max_size=6),
        st.tuples(st.sampled_from(WRITTEN), st.lists(st.integers(0, 4), max_size=3).map(tuple)),
        max_size=6,
    )
)
def test_what_is_written_is_what_protobuf_would_write(
    tmp_path_factory: pytest.TempPathFactory, kinds: dict[str, tuple[str, tuple[int, ...]]]
) -> None:
    path = tmp_path_factory.mktemp("v1") / "m"
    tensors = {name: random_array(kind, shape) for name, (kind, shape) in kinds.items()}
    with TensorSliceWriter(path, durability="none") as writer:
        for name, value in tensors.items():
            writer.add(name, value)
    expected = v1_table({n: (a, [whole_spec(a)]) for n, a in tensors.items()})
    assert path.read_bytes() == expected
    with TensorSliceReader(path) as reader:
        assert sorted(reader.names()) == sorted(tensors)
        for name, value in tensors.items():
            assert same(reader.read(name), value)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(sorted(FIELDS)), st.binary(max_size=400))
def test_elements_come_back(kind: str, raw: bytes) -> None:
    dtype = dtypes.as_dtype(kind)
    if kind == "string":
        array = np.array([*raw.split(b"a"), None], object)[:-1]
    elif kind == "bool":
        array = np.frombuffer(raw, np.uint8) > 127
    else:
        array = np.frombuffer(raw[: len(raw) // dtype.size * dtype.size], dtype.as_numpy_dtype)
    message = b"".join(encode_elements(array, dtype))
    assert message == proto_of(array).SerializeToString()
    assert same(decode_elements(memoryview(message), dtype, array.size), array)


def test_many_elements_across_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(element_list, "_PIECE_ELEMENTS", 100)
    array = np.array([0, -1, 1 << 62, -(1 << 63), 127, 128] * 100)
    message = b"".join(encode_elements(array, dtypes.int64))
    assert message == proto_of(array).SerializeToString()


def test_slices_are_written_and_found_again(tmp_path: pathlib.Path) -> None:
    whole = np.arange(60, dtype=np.int16).reshape(10, 6)
    with TensorSliceWriter(tmp_path / "m") as writer:
        for spec in ("4,6:-", "0,4:0,6"):
            box = TensorSlice.parse(spec)
            writer.add_slice("p", whole.shape, box, whole[box.within(whole.shape)])
        writer.add("x", 3.5)
    assert (tmp_path / "m").read_bytes() == v1_table(
        {"p": (whole, ["4,6:-", "0,4:0,6"]), "x": (np.array(3.5, np.float32), [""])}
    )
    with evergraph.open_checkpoint(tmp_path / "m") as ckpt:
        assert same(ckpt["p"], whole)
        assert [str(box) for box in ckpt.info("p").slices] == ["4,6:-", "0,4:0,6"]


def test_what_cannot_be_written(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(adds: tuple[tuple[Any, ...], ...]) -> None:
        with TensorSliceWriter(tmp_path / "m") as writer:
            for name, *rest in adds:
                (writer.add_slice if len(rest) > 1 else writer.add)(name, *rest)

    def refused(error: type[errors.OpError], words: str, *adds: tuple[Any, ...]) -> None:
        with pytest.raises(error, match=words):
            write(adds)
        assert list(tmp_path.iterdir()) == []

    row, box = np.ones(2, np.float32), TensorSlice.parse
    invalid = errors.InvalidArgumentError
    refused(invalid, "duplicate key.*'a'", ("a", 1), ("a", 2))
    refused(invalid, "of float32.*of int32", ("a", 1), ("a", 2.5))
    refused(
        invalid,
        r"'2,2'.*meets",
        ("a", (4,), box("0,3"), np.ones(3, "f")),
        ("a", (4,), box("2,2"), row),
    )
    refused(
        invalid,
        r"of float32 \(5,\).*\(4,\)",
        ("a", (4,), box("0,2"), row),
        ("a", (5,), box("2,2"), row),
    )
    refused(invalid, r"has the shape \(3,\)", ("a", (4,), box("0,3"), row))
    refused(invalid, "does not lie within", ("a", (4,), box("3,2"), row))
    refused(invalid, "cannot be stored", ("a", object()))
    for kind in sorted(FIELDS.keys() - set(WRITTEN)):
        refused(errors.UnimplementedError, f"data type {kind} not", ("a", random_array(kind, (2,))))
    monkeypatch.setattr(tensor_slices_writer, "_MOST_MESSAGE_BYTES", 2000)
    refused(invalid, r"too large to serialize \(conservative", ("a", np.zeros(300, np.float32)))
    refused(invalid, "too large to serialize", ("a", [b"x" * 900, b"y" * 90]))


def test_through_save_checkpoint(tmp_path: pathlib.Path) -> None:
    path = evergraph.save_checkpoint(
        tmp_path / "model.ckpt", {"w": [1.0, 2.0]}, format_version=1, update_state=True
    )
    assert sorted(file.name for file in tmp_path.iterdir()) == ["checkpoint", "model.ckpt"]
    with evergraph.open_checkpoint(tmp_path) as ckpt:
        assert (ckpt.prefix, ckpt.format_version) == (path, 1)
        assert ckpt["w"].tolist() == [1, 2]
    with pytest.raises(errors.InvalidArgumentError, match="2 or 1, not 3"):
        evergraph.save_checkpoint(tmp_path / "n", {}, format_version=3)


# ------------------------------------------------------------------------------------------ damage


def test_metadata_that_cannot_be(tmp_path: pathlib.Path) -> None:
    good = np.arange(4, dtype=np.float32)
    cases: dict[str, tuple[bytes, type[errors.OpError], str]] = {
        "none": (table({b"k": b""}), errors.DataLossError, "has no metadata"),
        "cut": (table({b"": b"\x0a\x7f"}), errors.DataLossError, "damaged metadata.*cut off"),
        "newer": (
            v1_table({"x": (good, ["-"])}, versions={"min_consumer": 9}),
            errors.UnimplementedError,
            "newer readers.*min_consumer=9",
        ),
    }
    for name, (data, cls, words) in cases.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(cls, match=rf"{name} .*{words}"):
            TensorSliceReader(tmp_path / name)
    (tmp_path / "m-00000-of-00002").write_bytes(v1_table({"x": (good, ["0,2"])}))
    (tmp_path / "m-00001-of-00002").write_bytes(v1_table({"x": (good.astype(int), ["2,2"])}))
    with pytest.raises(errors.DataLossError, match="tensor 'x' has another type or shape before"):
        TensorSliceReader(tmp_path / "m-?????-of-00002")
    (tmp_path / "m-00001-of-00002").unlink()
    with pytest.raises(errors.NotFoundError, match="m-00001-of-00002; No such file"):
        TensorSliceReader(tmp_path / "m-?????-of-00002")


def forged(dtype: int, shape: list[int], specs: list[str], data: dict[str, bytes]) -> bytes:
    """A table whose metadata says what one likes, with any TensorProto for each slice."""
    meta = protos.SavedTensorSliceMeta()
    tensor = meta.tensor.add(name="x", type=dtype)
    for size in shape:
        tensor.shape.dim.add(size=size)
    for spec in specs:
        box = TensorSlice.parse(spec)
        tensor.slice.append(protos.TensorSliceProto.FromString(box.encode()))
    entries = {b"": protos.SavedTensorSlices(meta=meta).SerializeToString()}
    for spec, content in data.items():
        saved = bytes_field(2, bytes_field(3, content))
        entries[encode_slice_key(b"x", TensorSlice.parse(spec))] = saved
    return table(entries)


FOUR = b"\x2a\x10" + bytes(16)
REST = f"4,{(1 << 50) - 4}"
TWO = b"\x2a\x08" + bytes(8)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (forged(99, [4], ["-"], {"-": FOUR}), "99 is no type that tensor 'x' can have"),
        (forged(20, [4], ["-"], {"-": FOUR}), "20 is no type"),
        (forged(101, [4], ["-"], {"-": FOUR}), "101 is no type"),
        (forged(1, [5], ["-"], {"-": FOUR}), "slice '-' of tensor 'x': it has 4 .* have 5"),
        (forged(1, [1 << 50], ["-"], {"-": FOUR}), "has 4 elements"),
        (forged(1, [1 << 50], ["0,4", REST], {"0,4": FOUR, REST: FOUR}),
         "18 bytes are not 1125899906842620 elements"),
        (forged(1, [4], ["-"], {}), "has no data for the slice '-' of tensor 'x'"),
        (forged(1, [4], [], {}), "has not all parts of tensor 'x': its 0 slices"),
        (forged(1, [4], ["0,2"], {"0,2": TWO}), "its 1 slices lack 2 of the elements"),
        (forged(1, [4], ["0,4", "2,2"], {"0,4": FOUR, "2,2": TWO}), "'2,2' overlaps another"),
        (forged(1, [4], ["0,4", "4,2"], {"0,4": FOUR, "4,2": TWO}), "does not lie within"),
        (forged(1, [2, 2], ["0,4"], {"0,4": FOUR}), "does not lie within"),
        (forged(1, [4], ["-"], {"-": b"\x2a\x07" + bytes(7)}), "no whole number"),
        (forged(7, [4], ["-"], {"-": b"\x42\x01a"}), "has 1 elements and should have 4"),
    ],
)  # fmt: skip
def test_tensors_that_cannot_be(tmp_path: pathlib.Path, data: bytes, words: str) -> None:
    (tmp_path / "m").write_bytes(data)
    with TensorSliceReader(tmp_path / "m") as reader:
        assert reader.names() == ["x"]
        with pytest.raises(errors.DataLossError, match=rf"/m .*{words}"):
            reader.read("x")


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_random_damage_never_escapes(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("v1") / "m"
    whole = np.arange(60, dtype=np.int16).reshape(10, 6)
    content = bytearray(v1_table({"p": (whole, ["0,4:-", "4,6:-"]), "q": (whole, ["-:-"])}))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        with TensorSliceReader(path) as reader:
            for name in reader.names():
                reader.read(name)
    except errors.OpError:
        pass


# -------------------------------------------------------------------------------------- real files


@pytest.mark.shared
def test_every_tensor_is_as_recorded(shared: pathlib.Path) -> None:
    tensors = 0
    for source in ("artifacts", "edge"):
        folder = shared / "data" / source
        facts = json.loads((folder / "facts.json").read_text())["facts"]
        for entry in json.loads((folder / "manifest.json").read_text())["artifacts"]:
            if entry["kind"] != "ckpt_v1":
                continue
            recorded = facts[entry["id"]]["tensors"]
            with evergraph.open_checkpoint(folder / entry["src"] / entry["main"]) as ckpt:
                assert sorted(ckpt) == sorted(recorded)
                for name, fact in recorded.items():
                    value = ckpt[name]
                    # Real TensorFlow's reader gives quantized values as plain integers.
                    assert ckpt.dtype(name).name in (fact["dtype"], f"q{fact['dtype']}")
                    assert list(ckpt.shape(name)) == list(value.shape) == fact["shape"]
                    data = value.tobytes()
                    if value.dtype == object:
                        strings = value.reshape(-1).tolist()
                        data = b"".join(len(s).to_bytes(8, "little") + s for s in strings)
                    assert hashlib.sha256(data).hexdigest() == fact["sha256"], name
                    tensors += 1
    assert tensors == 34


def test_bfloat16_is_bits() -> None:
    array = np.array([0.5, -2], ml_dtypes.bfloat16)
    data = memoryview(proto_of(array).SerializeToString())
    assert same(decode_elements(data, dtypes.bfloat16, 2), array)
