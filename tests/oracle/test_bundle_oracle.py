"""Tensor bundles and stock TensorFlow: the same bytes out, and each reads the other's files."""

from __future__ import annotations

import pathlib
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import evergraph
from evergraph import errors
from evergraph.formats import dtypes
from evergraph.formats.bundle_merge import merge_bundles
from evergraph.formats.bundle_reader import BundleReader
from evergraph.formats.bundle_writer import BundleWriter
from evergraph.formats.tensor_slice import TensorSlice, parse_shape_and_slice
from evergraph.formats.tensor_slices import TensorSliceReader
from evergraph.formats.tensor_slices_writer import TensorSliceWriter
from tests.oracle.client import Oracle, OracleError

pytestmark = pytest.mark.oracle

# Where not every byte is a value: the first one that is none, or that only looks like one.
MOST_BYTE = {"bool": 2, "int4": 8, "uint4": 16, "int2": 2, "uint2": 4, "float4_e2m1fn": 16}

# A tensor crosses as its name, slice spec, type, shape and bytes (strings: as a list).
Tensor = tuple[str, str, str, tuple[int, ...], Any]

SAVE = """
from tensorflow.core.framework.tensor_pb2 import TensorProto

def main(tf, np, prefix, tensors):
    def value(kind, shape, data):
        dtype = tf.as_dtype(kind)
        if kind == "string":
            array = np.empty(len(data), object)
            array[:] = data
            return tf.constant(array.reshape(shape), tf.string)
        proto = TensorProto(dtype=dtype.as_datatype_enum, tensor_content=data)
        for size in shape:
            proto.tensor_shape.dim.add(size=size)
        return tf.io.parse_tensor(proto.SerializeToString(), dtype)

    names, specs, values = [], [], []
    for name, spec, kind, shape, data in tensors:
        names.append(name)
        specs.append(spec)
        values.append(value(kind, shape, data))
    save = tf.raw_ops.SaveV2(
        prefix=prefix, tensor_names=names, shape_and_slices=specs, tensors=values)
    with tf.Session() as session:
        session.run(save)
"""

READ = """
def main(tf, np, prefix):
    reader = tf.train.NewCheckpointReader(prefix)
    shapes, types = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
    found = {}
    for name, shape in shapes.items():
        value = np.asarray(reader.get_tensor(name))
        kind = types[name].name
        if kind == "string":
            # The reader's NumPy strings lose zero bytes at the end; the op's do not.
            with tf.Session() as session:
                (tensor,) = tf.raw_ops.RestoreV2(
                    prefix=prefix, tensor_names=[name], shape_and_slices=[""], dtypes=[tf.string])
                data = [bytes(s) for s in np.asarray(session.run(tensor), object).reshape(-1)]
        else:
            data = value.tobytes()
        found[name] = (kind, tuple(shape), data)
    return found
"""

RESTORE_SLICES = """
def main(tf, np, prefix, name, specs):
    with tf.Session() as session:
        return session.run(tf.raw_ops.RestoreV2(
            prefix=prefix, tensor_names=[name] * len(specs), shape_and_slices=specs,
            dtypes=[tf.float32] * len(specs)))
"""


def crossing(name: str, array: np.ndarray, spec: str = "") -> Tensor:
    if array.dtype == object:
        return name, spec, "string", array.shape, array.reshape(-1).tolist()
    return name, spec, dtypes.as_dtype(array.dtype).name, array.shape, array.tobytes()


def value_of(tensor: Tensor) -> np.ndarray:
    _, _, kind, shape, data = tensor
    if kind == "string":
        array = np.empty(len(data), object)
        array[:] = data
        return array.reshape(shape)
    return np.frombuffer(data, dtypes.as_dtype(kind).as_numpy_dtype).reshape(shape)


def write(prefix: pathlib.Path, tensors: list[Tensor]) -> None:
    with BundleWriter(prefix, durability="none") as writer:
        for tensor in tensors:
            name, spec = tensor[:2]
            if spec:
                shape, box = parse_shape_and_slice(spec)
                writer.add_slice(name, shape, box, value_of(tensor))
            else:
                writer.add(name, value_of(tensor))


def files(prefix: pathlib.Path) -> tuple[bytes, bytes]:
    index = pathlib.Path(f"{prefix}.index").read_bytes()
    return index, pathlib.Path(f"{prefix}.data-00000-of-00001").read_bytes()


def kinds(oracle: Oracle) -> list[str]:
    """The types that this TensorFlow can store."""
    found = [
        "float32 float64 float16 bfloat16 complex64 complex128 bool",
        "int8 int16 int32 int64 uint8 uint16 uint32 uint64",
        "qint8 quint8 qint16 quint16 qint32 float8_e5m2 float8_e4m3fn int4 uint4",
    ]
    if oracle.version == "2.21":
        found.append("float8_e4m3fnuz float8_e4m3b11fnuz float8_e5m2fnuz int2 uint2 float4_e2m1fn")
    return " ".join(found).split()


def every_type(oracle: Oracle) -> list[Tensor]:
    rng = np.random.default_rng(7)
    tensors: list[Tensor] = []
    for kind in kinds(oracle):
        dtype = dtypes.as_dtype(kind)
        most = MOST_BYTE.get(kind, 256)
        for label, shape in {"scalar": (), "empty": (0, 3), "cube": (3, 5, 2)}.items():
            count = int(np.prod(shape, dtype=int))
            data = rng.integers(0, most, count * dtype.size, np.uint8).tobytes()
            tensors.append((f"{kind}/{label}", "", kind, shape, data))
    return tensors


def strings() -> list[Tensor]:
    texts = [b"", b"a", "é".encode(), b"\x00\xff\x00", b"x" * 127, b"y" * 128, b"z" * 70_000]
    return [
        crossing("many", np.array(texts, object)),
        crossing("matrix", np.array(texts[:6], object).reshape(3, 2)),
        crossing("none", np.array([], object)),
        crossing("scalar", np.array(b"scalar\x00", object)),
    ]


def parts() -> list[Tensor]:
    whole = np.arange(70, dtype=np.float32).reshape(10, 7)
    tensors = [crossing("before", np.int32(1))]
    for spec in ("0,4:-", "4,3:0,7", "7,3:0,2", "7,3:2,5"):
        part = whole[TensorSlice.parse(spec).within((10, 7))]
        tensors.append(crossing("v", part, f"10 7 {spec}"))
    tensors.append(crossing("all", whole, "10 7 -:-"))
    tensors.append(crossing("all2", whole, "10 7 0,10:0,7"))
    tensors.append(crossing("a\u00ff", whole[:, :1], "10 7 -:0,1"))
    tensors.append(crossing("a\u00ff", whole[:, 1:], "10 7 -:1,6"))
    return tensors


def many() -> list[Tensor]:
    """Several index blocks, names with and without much in common, in no order."""
    rng = np.random.default_rng(3)
    names = [f"scope_{i % 7}/layer_{i}/weights/Adam_{i % 3}" for i in range(3000)]
    names += [rng.bytes(15).hex() for _ in range(4000)]
    rng.shuffle(names)
    return [crossing(name, np.full(i % 3, i, np.int16)) for i, name in enumerate(names)]


def large() -> list[Tensor]:
    """Across TensorFlow's 8 MiB write buffer and the pieces that are written here."""
    rng = np.random.default_rng(5)
    sizes = {"a": 3_000_000, "b": 1, "c": 262_144, "d": 1_048_577}
    return [crossing(name, rng.random(size, np.float32)) for name, size in sizes.items()]


CASES: dict[str, Any] = {
    "types": every_type,
    "strings": lambda oracle: strings(),
    "slices": lambda oracle: parts(),
    "many": lambda oracle: many(),
    "large": lambda oracle: large(),
    "one": lambda oracle: [crossing("x", np.float32(1))],
}


@pytest.mark.parametrize("case", CASES)
def test_the_same_bytes(oracle: Oracle, tmp_path: pathlib.Path, case: str) -> None:
    tensors = CASES[case](oracle)
    oracle.execute(SAVE, prefix=str(tmp_path / "theirs"), tensors=tensors)
    write(tmp_path / "ours", tensors)
    theirs, ours = files(tmp_path / "theirs"), files(tmp_path / "ours")
    assert ours[1] == theirs[1]
    assert ours[0] == theirs[0]


@pytest.mark.parametrize("seed", range(4))
def test_the_same_bytes_for_random_checkpoints(
    oracle: Oracle, tmp_path: pathlib.Path, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    known = kinds(oracle)
    tensors: list[Tensor] = []
    for number in range(40):
        kind = str(rng.choice(known))
        shape = tuple(int(n) for n in rng.integers(0, 5, rng.integers(0, 4)))
        count = int(np.prod(shape, dtype=int)) * dtypes.as_dtype(kind).size
        most = MOST_BYTE.get(kind, 256)
        name = "/".join(rng.choice(["a", "b", "conv", "Ünï", "x" * 300], rng.integers(1, 6)))
        data = rng.integers(0, most, count, np.uint8).tobytes()
        tensors.append((f"{name}_{number}", "", kind, shape, data))
    oracle.execute(SAVE, prefix=str(tmp_path / "theirs"), tensors=tensors)
    write(tmp_path / "ours", tensors)
    assert files(tmp_path / "ours") == files(tmp_path / "theirs")


@pytest.mark.parametrize("case", CASES)
def test_each_reads_the_other(oracle: Oracle, tmp_path: pathlib.Path, case: str) -> None:
    tensors = CASES[case](oracle)
    write(tmp_path / "ours", tensors)
    theirs = oracle.execute(READ, prefix=str(tmp_path / "ours"))
    with BundleReader(tmp_path / "ours") as reader:
        assert set(reader.names()) == set(theirs)
        for name, (kind, shape, data) in theirs.items():
            assert (reader.info(name).dtype.name, reader.info(name).shape) == (kind, tuple(shape))
            assert crossing(name, reader.read(name))[4] == data, name


def test_slices_are_restored_by_any_partition(oracle: Oracle, tmp_path: pathlib.Path) -> None:
    write(tmp_path / "m", parts())
    specs = ["10 7 0,4:-", "10 7 3,5:0,7", "10 7 0,10:6,1", "10 7 8,1:1,3", ""]
    theirs = oracle.execute(RESTORE_SLICES, prefix=str(tmp_path / "m"), name="v", specs=specs)
    with BundleReader(tmp_path / "m") as reader:
        for spec, value in zip(specs, theirs, strict=True):
            ours = (
                reader.read_slice("v", parse_shape_and_slice(spec)[1]) if spec else reader.read("v")
            )
            np.testing.assert_array_equal(ours, value)


def test_recorded_bytes_are_tensorflows(tf215: Oracle, tmp_path: pathlib.Path) -> None:
    """The bytes that `tests/formats/test_bundle.py` has on record, live."""
    from tests.formats.test_bundle import RECORDED_DATA, RECORDED_INDEX

    tensors = [
        crossing("w", np.array([[1.5, -2.0], [0.0, 3.25]], np.float32)),
        crossing("scope/step", np.int64(-3)),
        crossing("names", np.array([b"a", b"", b"\xc3\xa9"], object)),
        crossing("part", np.arange(3, dtype=np.int32), "4 0,3"),
        crossing("part", np.array([9], np.int32), "4 3,1"),
        crossing("half", np.array([1, 2], np.float16)),
        crossing("bf", np.array(0.5, ml_dtypes.bfloat16)),
        crossing("none", np.zeros((0, 2), np.bool_)),
    ]
    tf215.execute(SAVE, prefix=str(tmp_path / "m"), tensors=tensors)
    assert files(tmp_path / "m") == (RECORDED_INDEX, RECORDED_DATA)


MERGE = """
def main(tf, np, parts, prefix):
    with tf.Session() as session:
        session.run(tf.raw_ops.MergeV2Checkpoints(
            checkpoint_prefixes=parts, destination_prefix=prefix, delete_old_dirs=True))
"""


def test_merging_gives_the_same_bytes(oracle: Oracle, tmp_path: pathlib.Path) -> None:
    whole = np.arange(70, dtype=np.float32).reshape(10, 7)
    shards = [
        [crossing("b", np.float64(1)), crossing("p", whole[:4], "10 7 0,4:-")],
        [crossing("p", whole[7:], "10 7 7,3:-"), crossing("a", np.zeros((2, 3), np.int32))],
        [crossing("c", np.array([b"text"], object)), crossing("p", whole[4:7], "10 7 4,3:-")],
    ]
    for side in ("theirs", "ours"):
        parts = [str(tmp_path / side / "temp" / f"part-{i:05d}-of-00003") for i in range(3)]
        for part, tensors in zip(parts, shards, strict=True):
            write(pathlib.Path(part), tensors)
        if side == "theirs":
            oracle.execute(MERGE, parts=parts, prefix=str(tmp_path / side / "m"))
        else:
            merge_bundles(parts, tmp_path / side / "m", durability="none")
    found = [
        {path.name: path.read_bytes() for path in (tmp_path / side).iterdir()}
        for side in ("theirs", "ours")
    ]
    assert len(found[0]) == 4
    assert found[0] == found[1]
    theirs = oracle.execute(READ, prefix=str(tmp_path / "ours" / "m"))
    assert theirs["p"][2] == whole.tobytes()


SAVE_V1 = """
def main(tf, np, path, values, slices):
    with tf.Session() as session:
        names, tensors, specs = [], [], []
        for name, value in values.items():
            for spec in slices.get(name, [""]):
                ranges = tuple(
                    slice(*[int(n) for n in part.split(",")]) for part in spec.split(":") if part)
                names.append(name)
                tensors.append(tf.constant(value[ranges] if spec else value))
                sizes = [(r.start, r.stop - r.start) for r in ranges]
                text = ":".join("%d,%d" % pair for pair in sizes)
                specs.append(" ".join(map(str, value.shape)) + " " + text if spec else "")
        session.run(tf.raw_ops.SaveSlices(
            filename=path, tensor_names=names, shapes_and_slices=specs, data=tensors))
"""


@pytest.mark.parametrize("seed", range(3))
def test_format_v1(oracle: Oracle, tmp_path: pathlib.Path, seed: int) -> None:
    """TensorFlow still writes it, without Snappy today; large values among them. So do we."""
    rng = np.random.default_rng(seed)
    kinds = "float32 float64 int8 uint8 int16 uint16 int32 int64 bool complex64 complex128 float16"
    values: dict[str, np.ndarray] = {}
    for number, kind in enumerate(kinds.split()):
        shape = tuple(int(n) for n in rng.integers(1, 40, rng.integers(0, 4)))
        values[f"{kind}/{number}"] = (rng.standard_normal(shape) * 100).astype(kind)
    values["large"] = np.arange(400_000).reshape(1000, 400) % 7
    values["sliced"] = rng.standard_normal((10, 6)).astype(np.float32)
    values["text"] = np.array([b"", b"a" * 300, "é".encode()], object)
    slices = {"sliced": ["0,4:0,6", "4,10:0,2", "4,10:2,6"]}
    path = tmp_path / "m.ckpt"
    oracle.execute(SAVE_V1, path=str(path), values=values, slices=slices)
    with TensorSliceWriter(tmp_path / "ours", durability="none") as writer:
        for name, value in sorted(values.items()):
            for spec in slices.get(name, [""]):
                # As in SAVE_V1, whose slices are `start,stop`.
                pairs = [[int(n) for n in part.split(",")] for part in spec.split(":") if part]
                box = TensorSlice(tuple((start, stop - start) for start, stop in pairs))
                if spec:
                    writer.add_slice(name, value.shape, box, value[box.within(value.shape)])
                else:
                    writer.add(name, value)
    assert (tmp_path / "ours").read_bytes() == path.read_bytes()
    with TensorSliceReader(path) as reader:
        assert reader.names() == sorted(values)
        for name, value in values.items():
            np.testing.assert_array_equal(reader.read(name), value)
            assert reader.read(name).dtype == value.dtype
        part = reader.read_slice("sliced", TensorSlice.parse("2,4:1,3"))
        np.testing.assert_array_equal(part, values["sliced"][2:6, 1:4])


SAVE_SLICES = SAVE.replace(
    "SaveV2(\n        prefix=prefix, tensor_names=names, shape_and_slices=specs, tensors=values)",
    "SaveSlices(\n        filename=prefix, tensor_names=names, shapes_and_slices=specs, data=values)",
)

RESTORE = """
def main(tf, np, prefix, keys):
    names, specs, kinds = zip(*keys)
    with tf.Session() as session:
        values = session.run(tf.raw_ops.RestoreV2(
            prefix=prefix, tensor_names=names, shape_and_slices=specs, dtypes=kinds))
    return [value.reshape(-1).tolist() if kind == "string" else value.tobytes()
            for value, kind in zip(values, kinds)]
"""

# What format V1 can hold of everything that a tensor can be made of.
V1_KINDS = (
    "float32 float64 float16 complex64 complex128 bool int8 int16 int32 int64 uint8 uint16 "
    "qint8 quint8 qint32"
).split()


def v1_tensors() -> list[Tensor]:
    """Every type and some slices, in the order in which TensorFlow writes them: that of the names."""
    rng = np.random.default_rng(3)
    tensors: list[Tensor] = []
    for kind in V1_KINDS:
        size = dtypes.as_dtype(kind).size
        for label, shape in {"cube": (3, 5, 2), "empty": (0, 3), "scalar": ()}.items():
            data = rng.integers(0, MOST_BYTE.get(kind, 256), int(np.prod(shape)) * size, np.uint8)
            tensors.append((f"{kind}/{label}", "", kind, shape, data.tobytes()))
    tensors.append(("text", "", "string", (2, 2), [b"", b"\x00\xff", b"x" * 300, "é".encode()]))
    return sorted(tensors)


@pytest.mark.parametrize("case", ["every type", "slices"])
def test_format_v1_both_ways(oracle: Oracle, tmp_path: pathlib.Path, case: str) -> None:
    tensors = v1_tensors() if case == "every type" else parts()
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    oracle.execute(SAVE_SLICES, prefix=str(theirs), tensors=tensors)
    with TensorSliceWriter(ours, durability="none") as writer:
        for tensor in sorted(tensors, key=lambda tensor: tensor[0]):
            name, spec = tensor[:2]
            if spec:
                writer.add_slice(name, *parse_shape_and_slice(spec), value_of(tensor))
            else:
                writer.add(name, value_of(tensor))
    assert ours.read_bytes() == theirs.read_bytes()
    keys = [tensor[:3] for tensor in tensors]
    assert oracle.execute(RESTORE, prefix=str(ours), keys=keys) == [row[4] for row in tensors]


@pytest.mark.parametrize("kind", ["bfloat16", "uint32", "qint16", "float8_e5m2"])
def test_what_format_v1_has_no_place_for(oracle: Oracle, tmp_path: pathlib.Path, kind: str) -> None:
    dtype = dtypes.as_dtype(kind)
    tensors: list[Tensor] = [("x", "", kind, (2,), bytes(2 * dtype.size))]
    with pytest.raises(OracleError):
        oracle.execute(SAVE_SLICES, prefix=str(tmp_path / "theirs"), tensors=tensors)
    with pytest.raises(errors.UnimplementedError, match=kind):
        TensorSliceWriter(tmp_path / "ours").add("x", value_of(tensors[0]))


TOO_LARGE = """
def main(tf, np, path, count):
    with tf.Session() as session:
        session.run(tf.raw_ops.SaveSlices(
            filename=path, tensor_names=["x"], shapes_and_slices=[""],
            data=[tf.zeros([count], tf.int8)]))
"""


def test_what_is_too_large_for_format_v1(tf215: Oracle, tmp_path: pathlib.Path) -> None:
    """By the most that an int8 can take, the first that is refused."""
    count = 214_748_262
    with pytest.raises(OracleError, match="conservative estimate: 2147483651 bytes") as theirs:
        tf215.execute(TOO_LARGE, path=str(tmp_path / "theirs"), count=count)
    assert theirs.value.type == "InvalidArgumentError"
    writer = TensorSliceWriter(tmp_path / "ours")
    with pytest.raises(
        errors.InvalidArgumentError, match="conservative estimate: 2147483651 bytes"
    ):
        writer.add("x", np.zeros(count, np.int8))
    writer.discard()
    assert list(tmp_path.iterdir()) == []


def test_checkpoints_that_share_data(oracle: Oracle, tmp_path: pathlib.Path) -> None:
    """TensorFlow restores one that points into the data of an older one, which is gone; and the reverse."""
    trunk = np.arange(5000, dtype=np.float32).reshape(50, 100)
    text = np.array([b"a", b"\0"], object)
    evergraph.save_checkpoint(tmp_path / "a", {"trunk": trunk, "text": text, "head": np.zeros(3)})
    new = {"trunk": trunk, "text": text, "head": np.ones(3), "more": np.int64(1)}
    evergraph.save_checkpoint(tmp_path / "b", new, unchanged_from=tmp_path / "a")
    for path in tmp_path.glob("a.*"):
        path.unlink()
    found = oracle.execute(RESTORE_ALL, prefix=str(tmp_path / "b"))
    for name, value in new.items():
        np.testing.assert_array_equal(found[name], value)


RESTORE_ALL = """
def main(tf, np, prefix):
    with tf.Session() as session:
        reader = tf.train.NewCheckpointReader(prefix)
        types = reader.get_variable_to_dtype_map()
        return {name: session.run(tf.raw_ops.RestoreV2(
                    prefix=prefix, tensor_names=[name], shape_and_slices=[""], dtypes=[types[name]])[0])
                for name in types}
"""
