"""Writes `fuzz/corpus/`: small examples of every format, made by evergraph itself. `python -m fuzz.make_corpus`."""

from __future__ import annotations

import gzip
import os
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import evergraph.tf1 as tf
from evergraph.formats import protos
from evergraph.formats.bundle_writer import BundleWriter
from evergraph.formats.graph_file import to_text
from evergraph.formats.record import TFRecordWriter
from evergraph.formats.snappy import compress
from evergraph.formats.tensor_proto import make_tensor_proto
from evergraph.formats.tensor_slice import TensorSlice
from evergraph.formats.tensor_slices_writer import TensorSliceWriter
from fuzz.repair import join_bundle, write_table

CORPUS = Path(__file__).parent / "corpus"


def main() -> None:
    shutil.rmtree(CORPUS, ignore_errors=True)
    for target, name, data in _examples():
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def _examples() -> Iterator[tuple[str, str, bytes]]:
    yield from _tables()
    yield from _tensors()
    graphs = _graphs()
    for name, graph in graphs.items():
        yield "graph_def", name, graph.SerializeToString(deterministic=True)
        yield "graph_text", name, to_text(graph).encode()
    yield from _trained()
    yield from _records()
    yield from _objects()


def _tables() -> Iterator[tuple[str, str, bytes]]:
    entries = {f"layer_{i % 3}/weights_{i:03}".encode(): bytes([i] * (i % 7)) for i in range(60)}
    yield "table", "plain", write_table(entries)
    yield "table", "snappy", write_table(entries | {b"zeros": bytes(500)}, compress=True)
    yield "table", "one", write_table({b"": b"x"})
    yield "table", "empty", write_table({})
    yield "snappy", "zeros", compress(bytes(3000))
    yield "snappy", "text", compress(b"the quick brown fox jumps over the lazy dog " * 8)


def _tensors() -> Iterator[tuple[str, str, bytes]]:
    values = {
        "float": np.arange(6, dtype=np.float32).reshape(2, 3),
        "int": np.array([1, -2, 3], np.int32),
        "int64": np.array(7, np.int64),
        "bool": np.array([True, False]),
        "complex": np.array([1 + 2j], np.complex64),
        "half": np.array([0.5, 2], np.float16),
        "string": np.array([b"a", b"", b"\xff" * 20], object),
        "empty": np.zeros((0, 3), np.float64),
    }
    for name, value in values.items():
        yield "tensor_proto", name, make_tensor_proto(value).SerializeToString()
    filled = make_tensor_proto(1.5, shape=[3, 4])
    yield "tensor_proto", "filled", filled.SerializeToString()
    listed = protos.TensorProto(dtype=1, float_val=[1, 2])
    listed.tensor_shape.dim.add(size=5)
    yield "tensor_proto", "listed", listed.SerializeToString()
    strings = protos.TensorProto(dtype=7, tensor_content=b"\x01\x02abc")
    strings.tensor_shape.dim.add(size=2)
    yield "tensor_proto", "packed_strings", strings.SerializeToString()


def _graphs() -> dict[str, protos.GraphDef]:
    def layers() -> None:
        x = tf.placeholder_with_default(np.ones((2, 3), np.float32), [None, 3], name="x")
        w = tf.constant(np.arange(12, dtype=np.float32).reshape(3, 4), name="w")
        tf.nn.softmax(tf.nn.relu(tf.matmul(x, w) + tf.constant([1.0, 2, 3, 4])), name="out")

    def shapes() -> None:
        x = tf.range(tf.constant(12))
        y = tf.reshape(x, tf.stack([tf.size(x) // 4, -1]))
        z = tf.pad(tf.transpose(y), [[1, 1], [0, 0]])
        tf.concat([tf.tile(z, [1, 2]), tf.fill([6, 1], 7)], 1, name="out")

    def loop() -> None:
        array = tf.TensorArray(tf.float32, 3, dynamic_size=True)
        tf.while_loop(
            lambda i, a: i < 3,
            lambda i, a: (i + 1, a.write(i, tf.cast(i, tf.float32))),
            (tf.constant(0), array),
        )[1].stack(name="out")

    def branches() -> None:
        x = tf.constant(3.0)
        tf.cond(x > 1, lambda: tf.exp(x), lambda: tf.fill([2, 2], x)[0, 0], name="choice")

    def strings() -> None:
        words = tf.constant(["a b", "c"])
        tf.string_join([words, tf.as_string(tf.constant([1, 2]))], "-", name="out")

    made = {}
    for build in (layers, shapes, loop, branches, strings):
        graph = tf.Graph()
        with graph.as_default():
            build()
        made[build.__name__] = graph.as_graph_def()
    made["calls"] = _calls()
    return made


def _calls() -> protos.GraphDef:
    """A graph with a function, and a call of it."""
    graph = protos.GraphDef()
    graph.versions.producer = 1087
    function = graph.library.function.add()
    function.signature.name = "twice"
    function.signature.input_arg.add(name="x", type=1)
    function.signature.output_arg.add(name="y", type=1)
    node = function.node_def.add(name="sum", op="AddV2", input=["x", "x"])
    node.attr["T"].type = 1
    function.ret["y"] = "sum:z:0"
    const = graph.node.add(name="c", op="Const")
    const.attr["dtype"].type = 1
    const.attr["value"].tensor.CopyFrom(make_tensor_proto(1.5))
    call = graph.node.add(name="call", op="PartitionedCall", input=["c"])
    call.attr["Tin"].list.type.append(1)
    call.attr["Tout"].list.type.append(1)
    call.attr["f"].func.name = "twice"
    return graph


def _trained() -> Iterator[tuple[str, str, bytes]]:
    """A tiny trained model in every form that it is kept in."""
    with tempfile.TemporaryDirectory() as folder:
        graph = tf.Graph()
        with graph.as_default(), tf.Session() as sess:
            tf.set_random_seed(1)
            w = tf.get_variable("w", [2, 3])
            v = tf.get_variable("v", initializer=np.arange(4, dtype=np.int64))
            tf.get_variable("names", initializer=np.array([b"one", b""], object))
            tf.train.GradientDescentOptimizer(0.1).minimize(
                tf.reduce_sum(w) * tf.cast(v[1], tf.float32)
            )
            sess.run(tf.global_variables_initializer())
            sess.run(graph.get_operation_by_name("GradientDescent"))
            path = os.path.join(folder, "model")
            tf.train.Saver().save(sess, path, global_step=3)
            old = tf.train.Saver({"v": v}, write_version=tf.train.SaverDef.V1)
            old_path = old.save(sess, os.path.join(folder, "old"), write_state=False)
        index = Path(f"{path}-3.index").read_bytes()
        values = Path(f"{path}-3.data-00000-of-00001").read_bytes()
        meta = Path(f"{path}-3.meta").read_bytes()
        v1 = Path(old_path).read_bytes()
    yield "bundle", "model", join_bundle(index, values)
    yield "bundle", "slices", _sliced_bundle()
    yield "tensor_slices", "slices", _sliced_table()
    yield "tensor_slices", "model", v1
    yield "meta_graph", "model", meta
    yield "state", "model", b'model_checkpoint_path: "model-3"\n'
    yield (
        "state",
        "kept",
        b'model_checkpoint_path: "m-2"\nall_model_checkpoint_paths: "m-1"\n'
        b'all_model_checkpoint_paths: "m-2"\nall_model_checkpoint_timestamps: 1.5e9\n'
        b"all_model_checkpoint_timestamps: 1500000600.25\nlast_preserved_timestamp: 1.5e9\n",
    )
    yield "state", "escapes", b"model_checkpoint_path: 'a\\303\\244/\\x41'  # why\n"
    saved = protos.SavedModel(saved_model_schema_version=1)
    saved.meta_graphs.add().ParseFromString(meta)
    saved.meta_graphs[0].meta_info_def.tags.append("serve")
    yield "served", "model", _served()
    yield "saved_model", "model", saved.SerializeToString(deterministic=True)
    for name, data in (("index", index), ("v1", v1), ("meta", meta[:2000])):
        yield "any_file", name, data
    yield "any_file", "text", b'node {\n  name: "x"\n}\n'
    yield "any_file", "lfs", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"


_ROWS = [TensorSlice(((0, 2), (0, -1))), TensorSlice(((2, 1), (0, -1)))]


def _sliced_bundle() -> bytes:
    """A matrix in two pieces."""
    with tempfile.TemporaryDirectory() as folder:
        prefix = os.path.join(folder, "m")
        with BundleWriter(prefix) as writer:
            for box in _ROWS:
                writer.add_slice("w", (3, 2), box, np.ones((box.extents[0][1], 2), np.float32))
        index = Path(f"{prefix}.index").read_bytes()
        return join_bundle(index, Path(f"{prefix}.data-00000-of-00001").read_bytes())


def _sliced_table() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "m")
        with TensorSliceWriter(path) as writer:
            for box in _ROWS:
                writer.add_slice("w", (3, 2), box, np.ones((box.extents[0][1], 2), np.int32))
        return Path(path).read_bytes()


def _objects() -> Iterator[tuple[str, str, bytes]]:
    """Two layers of a model, one of them known by two names, and a slot of an optimizer."""
    graph = protos.TrackableObjectGraph()
    root, layer, kernel, optimizer, slot = (graph.nodes.add() for _ in range(5))
    root.children.add(node_id=1, local_name="dense")
    root.children.add(node_id=1, local_name="last")
    root.children.add(node_id=3, local_name="optimizer")
    layer.children.add(node_id=2, local_name="kernel")
    key = ".ATTRIBUTES/VARIABLE_VALUE"
    kernel.attributes.add(
        name="VARIABLE_VALUE", full_name="w", checkpoint_key=f"dense/kernel/{key}"
    )
    optimizer.slot_variables.add(
        original_variable_node_id=2, slot_name="m", slot_variable_node_id=4
    )
    slot.attributes.add(name="VARIABLE_VALUE", full_name="w/m", checkpoint_key=f"m/{key}")
    yield "object_graph", "model", graph.SerializeToString()


def _served() -> bytes:
    """A SavedModel with a signature, a table and an initializer."""
    with tempfile.TemporaryDirectory() as place, tf.Graph().as_default(), tf.Session() as sess:
        x = tf.placeholder_with_default(np.ones((1, 2), np.float32), [None, 2], name="x")
        words = tf.contrib.lookup.index_table_from_tensor(["a", "b"])
        found = words.lookup(tf.constant(["b"]))
        total = tf.identity(tf.reduce_sum(x) + tf.cast(found, tf.float32), name="out")
        folder = os.path.join(place, "export")
        builder = tf.saved_model.builder.SavedModelBuilder(folder)
        signature = tf.saved_model.signature_def_utils.predict_signature_def({"x": x}, {"y": total})
        builder.add_meta_graph_and_variables(
            sess,
            ["serve"],
            {"serving_default": signature},
            main_op=tf.tables_initializer(),
        )
        builder.save()
        return Path(folder, "saved_model.pb").read_bytes()


def _records() -> Iterator[tuple[str, str, bytes]]:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "records")
        with TFRecordWriter(path) as writer:
            for record in (b"", b"one", bytes(300)):
                writer.write(record)
        plain = Path(path).read_bytes()
        yield "records", "plain", b"\x00" + plain
        yield "records", "zlib", b"\x01" + zlib.compress(plain)
        yield "records", "gzip", b"\x02" + gzip.compress(plain, mtime=0)
        with TFRecordWriter(path) as writer:
            event = protos.Event(wall_time=1.5e9, file_version="brain.Event:2")
            writer.write(event.SerializeToString())
            event = protos.Event(wall_time=1.5e9, step=3)
            event.summary.value.add(tag="loss", simple_value=0.5)
            event.summary.value.add(tag="w").tensor.CopyFrom(make_tensor_proto([1.0, 2.0]))
            writer.write(event.SerializeToString())
        yield "events", "events", Path(path).read_bytes()


if __name__ == "__main__":
    main()
