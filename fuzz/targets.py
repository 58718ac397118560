"""The parsers that are fuzzed, each by a function of bytes. A new one is a function here and a line in `TARGETS`."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from functools import cache, partial

from google.protobuf.message import DecodeError

import evergraph.ops  # noqa: F401  # declares the ops that graphs consist of
from evergraph.errors import OpError
from evergraph.formats import checkpoint_state, graph_file, protos
from evergraph.formats.bundle_reader import BundleReader
from evergraph.formats.checkpoint import open_checkpoint
from evergraph.formats.checkpoint_path import find_checkpoint
from evergraph.formats.events import summary_iterator
from evergraph.formats.object_graph import ObjectGraph
from evergraph.formats.record import RecordReader
from evergraph.formats.snappy import decompress
from evergraph.formats.sniff import sniff
from evergraph.formats.table import TableReader
from evergraph.formats.tensor_proto import make_ndarray
from evergraph.formats.tensor_slices import TensorSliceReader
from evergraph.formats.wire import WireError
from evergraph.graph.graph import Graph
from evergraph.graph.importer import import_graph_def
from evergraph.serving.load import load_model
from evergraph.storage.filesystem import filesystem
from evergraph.train.saver import import_meta_graph
from fuzz.properties import Target
from fuzz.repair import repair_bundle, repair_records, repair_table, split_bundle

# What one run of a graph from a fuzzer may take: enough for what its examples do.
RUN_SECONDS, RUN_BYTES, RUN_STEPS = 1.0, 16 << 20, 1000


@cache
def _folder() -> str:
    """A folder for the files that parsers are given; in memory where there is such a place."""
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = tempfile.mkdtemp(prefix="evergraph-fuzz-", dir=place)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _file(name: str, data: bytes) -> str:
    path = os.path.join(_folder(), name)
    with open(path, "wb") as file:
        file.write(data)
    return path


def table(data: bytes) -> None:
    with filesystem("").open_random_access(_file("table", data)) as file:
        reader = TableReader(file)
        reader.statistics()
        keys = [key for key, _ in reader]
        for key in keys[:50]:
            reader.get(key)
        reader.get(b"a")


def bundle(data: bytes) -> None:
    index, values = split_bundle(data)
    _file("bundle.data-00000-of-00001", values)
    prefix = _file("bundle.index", index).removesuffix(".index")
    with BundleReader(prefix) as reader:
        for _ in reader.entries():
            pass
        for name in reader.names()[:50]:
            try:
                reader.info(name)
                reader.read(name)
            except OpError:
                continue


def tensor_slices(data: bytes) -> None:
    with TensorSliceReader(_file("slices", data)) as reader:
        for name in reader.names()[:50]:
            try:
                reader.info(name)
                reader.read(name)
            except OpError:
                continue


def snappy(data: bytes) -> None:
    decompress(data)


def tensor_proto(data: bytes) -> None:
    message = protos.TensorProto()
    message.ParseFromString(data)
    array = make_ndarray(message)
    if array.nbytes < 1 << 16:
        array.tolist()


def graph_def(data: bytes) -> None:
    message = graph_file.read_graph_def(_file("graph", data))
    graph = Graph()
    with graph.as_default():
        import_graph_def(message, name="")
    graph.as_graph_def().SerializeToString()


def meta_graph(data: bytes) -> None:
    message = graph_file.read_meta_graph(_file("meta", data))
    graph = Graph()
    with graph.as_default():
        import_meta_graph(message)
    graph.as_graph_def().SerializeToString()


def saved_model(data: bytes) -> None:
    graph_file.read_saved_model(_file("saved_model.pb", data))


def served(data: bytes) -> None:
    folder = os.path.join(_folder(), "served")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "saved_model.pb"), "wb") as file:
        file.write(data)
    limits = {"seconds": RUN_SECONDS, "bytes": RUN_BYTES, "steps": RUN_STEPS}
    with load_model(folder, **limits) as loaded:
        for signature in loaded.signatures.values():
            signature()


def object_graph(data: bytes) -> None:
    graph = ObjectGraph.decode(data)
    for path in list(graph.by_path)[:20]:
        graph.find(path)
    list(graph.aliases())
    dict(graph.by_full_name)


def text(kind: str, data: bytes) -> None:
    message = graph_file.parse_text(data.decode("utf-8", "replace"), getattr(protos, kind)())
    graph_file.to_text(message)


def state(data: bytes) -> None:
    folder = os.path.join(_folder(), "state")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "checkpoint")
    with open(path, "wb") as file:
        file.write(data)
    checkpoint_state.resolve(checkpoint_state.parse(data, path), folder)
    find_checkpoint(folder)


def records(data: bytes) -> None:
    compression = ("", "ZLIB", "GZIP")[data[0] % 3] if data else ""
    with RecordReader(_file("records", data[1:]), compression) as reader:
        for _ in reader:
            pass


def events(data: bytes) -> None:
    for event in summary_iterator(_file("events", data)):
        for value in event.summary.value:
            if value.HasField("tensor"):
                try:
                    make_ndarray(value.tensor)
                except OpError:
                    continue


def any_file(data: bytes) -> None:
    sniff(data)
    path = _file("any", data)
    sniff(path)
    with open_checkpoint(path) as checkpoint:
        for name in list(checkpoint)[:10]:
            checkpoint.info(name)


def model(data: bytes) -> None:
    path = _file("model.pb", data)
    with load_model(path, seconds=RUN_SECONDS, bytes=RUN_BYTES, steps=RUN_STEPS) as loaded:
        loaded()


# A name with a few letters more in a message is an object in Python: a node takes some kilobytes, an attribute some
# hundred bytes. What one byte may cost is therefore more for graphs than for tensors.
TARGETS = {
    target.name: target
    for target in (
        # A key may repeat most of the key before it: see formats/block.py.
        Target("table", table, bytes_per_byte=1024, repair=repair_table),
        Target("bundle", bundle, bytes_per_byte=1024, repair=repair_bundle),
        Target("tensor_slices", tensor_slices, bytes_per_byte=1024, repair=repair_table),
        Target("snappy", snappy, (WireError,), bytes_per_byte=64),
        # A list may stand for more than it holds, up to a gigabyte: see formats/tensor_proto.py.
        Target("tensor_proto", tensor_proto, (DecodeError,), bytes_per_byte=64),
        Target("graph_def", graph_def, (ValueError, TypeError), bytes_per_byte=2048),
        Target("meta_graph", meta_graph, (ValueError, TypeError, KeyError), bytes_per_byte=2048),
        Target("saved_model", saved_model, bytes_per_byte=256),
        Target("served", served, (ValueError, TypeError), bytes_per_byte=4096),
        Target("object_graph", object_graph, (WireError,), bytes_per_byte=1024),
        Target("graph_text", partial(text, "GraphDef"), bytes_per_byte=256),
        Target("state", state, bytes_per_byte=256),
        Target("records", records, bytes_per_byte=1100, repair=repair_records),
        Target("events", events, bytes_per_byte=256, repair=repair_records),
        Target("any_file", any_file, bytes_per_byte=1024),
        Target("model", model, (ValueError, TypeError), bytes_per_byte=4096, examples="graph_def"),
    )
}
