"""Messages without generated code behave as protobuf's own, with whichever protobuf is here."""

from __future__ import annotations

import copy
import importlib.util
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import any_pb2, descriptor_pool, json_format, message_factory, text_format
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.message import Message

from evergraph.errors import InvalidArgumentError
from evergraph.formats import protos

ROOT = Path(__file__).resolve().parents[2]


def small_graph() -> Any:
    """A graph with a map, a nested list, an enum, bytes and a submessage in it."""
    graph = protos.GraphDef(versions=protos.VersionDef(producer=22))
    node = graph.node.add(name="x", op="Placeholder")
    node.attr["dtype"].type = protos.DT_FLOAT
    node.attr["shape"].shape.dim.add(size=-1)
    node.attr["strides"].list.i.extend([1, 2, 2, 1])
    graph.node.add(name="y", op="Identity", input=["x"]).attr["label"].s = b"\xff\0"
    return graph


def foreign_graph_class() -> Any:
    """A GraphDef from another pool, as a TensorFlow in the same process would bring."""
    pool = descriptor_pool.DescriptorPool()

    def add(file: Any) -> None:
        for dependency in file.dependencies:
            add(dependency)
        pool.AddSerializedFile(file.serialized_pb)

    add(protos.GraphDef.DESCRIPTOR.file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("tensorflow.GraphDef"))


def all_classes(kind: Any) -> list[Any]:
    nested = [getattr(kind, each.name) for each in kind.DESCRIPTOR.nested_types]
    return [kind, *(one for each in nested for one in all_classes(each))]


def test_the_committed_set_is_what_the_files_say() -> None:
    pytest.importorskip("grpc_tools", reason="grpcio-tools, of the dev extra, brings protoc")
    spec = importlib.util.spec_from_file_location("c", ROOT / "tools" / "compile_protos.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert tool.DESCRIPTOR_SET.read_bytes() == tool.compile_protos(), (
        "run python tools/compile_protos.py"
    )


def test_every_proto_file_is_loaded() -> None:
    folder = Path(str(protos.__file__)).parent
    for path in folder.rglob("*.proto"):
        assert protos.file_members(path.relative_to(folder).as_posix())
    members = protos.file_members("tensorflow/core/framework/types.proto")
    assert members["DT_HALF"] == 19
    assert members["DataType"] is protos.DataType
    with pytest.raises(KeyError):
        protos.file_members("tensorflow/core/framework/no.proto")


def test_names() -> None:
    assert protos.GraphDef.DESCRIPTOR.full_name == "tensorflow.GraphDef"
    assert protos.DataType.Name(1) == "DT_FLOAT"
    assert protos.DataType.Value("DT_INT2") == protos.DT_INT2 == 31
    assert protos.SaverDef.V2 == protos.SaverDef.CheckpointFormatVersion.Value("V2") == 2
    assert protos.Code.Value("DATA_LOSS") == 15
    assert "GraphDef" in dir(protos)
    with pytest.raises(AttributeError, match="'GraphDeff'"):
        _ = protos.GraphDeff


def test_every_class_lives_in_the_module_and_can_be_found_there() -> None:
    kinds = [each for name in dir(protos) if isinstance(each := getattr(protos, name), type)]
    classes = [one for kind in kinds for one in all_classes(kind)]
    assert len(classes) > 200
    assert protos.Any in classes
    for kind in classes:
        assert issubclass(kind, Message)
        found: Any = protos
        for part in kind.__qualname__.split("."):
            found = getattr(found, part)
        assert found is kind
        assert kind.__module__ == "evergraph.formats.protos"
        assert type(pickle.loads(pickle.dumps(kind()))) is kind


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(protocol: int) -> None:
    for message in (small_graph(), small_graph().node[0], protos.AttrValue.ListValue(i=[3])):
        loaded = pickle.loads(pickle.dumps(message, protocol))
        assert type(loaded) is type(message)
        assert loaded == message


def test_pickle_into_a_process_that_has_loaded_nothing() -> None:
    data = pickle.dumps([small_graph(), protos.TensorShapeProto.Dim(size=3)])
    code = "import pickle, sys; print(pickle.load(sys.stdin.buffer)[1].size)"
    done = subprocess.run([sys.executable, "-c", code], input=data, capture_output=True, check=True)
    assert done.stdout.strip() == b"3"


def test_copies() -> None:
    graph = small_graph()
    twin = copy.deepcopy(graph)
    twin.node[0].name = "z"
    assert graph == small_graph() != twin
    assert copy.copy(graph) == graph
    assert copy.deepcopy([graph.node[1]])[0] == graph.node[1]


def test_isinstance() -> None:
    graph = small_graph()
    assert isinstance(graph, protos.GraphDef)
    assert isinstance(graph.node[0], protos.NodeDef)
    assert isinstance(graph.node[0].attr["strides"].list, protos.AttrValue.ListValue)
    assert not isinstance(graph, protos.MetaGraphDef)
    assert isinstance(graph, Message)


def test_text_and_json_by_a_users_own_calls() -> None:
    graph = small_graph()
    text = text_format.MessageToString(graph)
    assert "type: DT_FLOAT" in text
    assert text_format.Parse(text, protos.GraphDef()) == graph
    json = json_format.MessageToJson(graph)
    assert '"producer": 22' in json
    assert json_format.Parse(json, protos.GraphDef()) == graph


def test_any_of_ours_in_protobufs_own() -> None:
    box = any_pb2.Any()
    box.Pack(small_graph())
    assert box.type_url == "type.googleapis.com/tensorflow.GraphDef"
    graph = protos.GraphDef()
    assert box.Unpack(graph)
    assert graph == small_graph()


def test_any_inside_ours() -> None:
    meta = protos.MetaGraphDef()
    meta.meta_info_def.any_info.Pack(small_graph())
    values = meta.collection_def["boxes"].any_list.value
    values.add().Pack(protos.SaverDef(version=protos.SaverDef.V2))
    foreign = any_pb2.Any()
    foreign.Pack(small_graph())
    values.add().MergeFromString(foreign.SerializeToString())

    read = protos.MetaGraphDef.FromString(meta.SerializeToString())
    graph, saver = protos.GraphDef(), protos.SaverDef()
    assert not read.meta_info_def.any_info.Unpack(saver)
    assert read.meta_info_def.any_info.Unpack(graph)
    assert graph == small_graph()
    assert read.collection_def["boxes"].any_list.value[0].Is(protos.SaverDef.DESCRIPTOR)
    assert read.collection_def["boxes"].any_list.value[1].Unpack(graph)


def test_any_as_text_and_json_with_the_pool() -> None:
    meta = protos.MetaGraphDef()
    meta.meta_info_def.any_info.Pack(protos.SaverDef(max_to_keep=5))
    text = text_format.MessageToString(meta, descriptor_pool=protos.pool())
    assert "[type.googleapis.com/tensorflow.SaverDef]" in text
    parsed = text_format.Parse(text, protos.MetaGraphDef(), descriptor_pool=protos.pool())
    assert parsed == meta
    json = json_format.MessageToJson(meta, descriptor_pool=protos.pool())
    assert json_format.Parse(json, protos.MetaGraphDef(), descriptor_pool=protos.pool()) == meta
    # Without the pool the text shows the bytes, and still comes back the same.
    plain = text_format.MessageToString(meta)
    assert "type_url" in plain
    assert text_format.Parse(plain, protos.MetaGraphDef()) == meta


def test_wrappers() -> None:
    graph = protos.TrackableObjectGraph()
    graph.nodes.add().has_checkpoint_values.value = True
    read = protos.TrackableObjectGraph.FromString(graph.SerializeToString())
    assert isinstance(read.nodes[0].has_checkpoint_values, protos.BoolValue)
    assert read.nodes[0].has_checkpoint_values.value


def test_unknown_fields_survive() -> None:
    node = protos.NodeDef(name="x").SerializeToString()
    unknown = b"\xc2\x3e\x05later" + b"\xc8\x3e\x07"  # fields 1000 (bytes) and 1001 (varint)
    inner = node + unknown
    data = b"\x0a" + bytes([len(inner)]) + inner + unknown
    graph = protos.GraphDef.FromString(data)
    assert graph.node[0].name == "x"
    assert graph.SerializeToString() == data
    assert copy.deepcopy(graph).SerializeToString() == data
    assert pickle.loads(pickle.dumps(graph)).SerializeToString() == data


def test_adopt() -> None:
    foreign = foreign_graph_class().FromString(small_graph().SerializeToString())
    assert not isinstance(foreign, protos.GraphDef)
    own = protos.adopt(foreign)
    assert isinstance(own, protos.GraphDef)
    assert own == small_graph()
    assert protos.adopt(own) is own
    with pytest.raises(TypeError, match="Expected a protobuf message, got 'x'"):
        protos.adopt("x")
    with pytest.raises(TypeError, match=r"google\.protobuf\.FileDescriptorProto"):
        protos.adopt(FileDescriptorProto())


def test_the_default_pool_stays_empty_of_them() -> None:
    protos.GraphDef()
    with pytest.raises(KeyError):
        descriptor_pool.Default().FindMessageTypeByName("tensorflow.GraphDef")


def test_serialize() -> None:
    graph, turned = protos.NodeDef(), protos.NodeDef()
    names = [f"attr{i}" for i in range(20)]
    for name in names:
        graph.attr[name].i = 1
    for name in reversed(names):
        turned.attr[name].i = 1
    assert protos.serialize(graph, deterministic=True) == protos.serialize(
        turned, deterministic=True
    )
    assert protos.NodeDef.FromString(protos.serialize(graph)) == graph


def test_too_large_to_be_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tensor = protos.TensorProto(tensor_content=bytes(100))
    monkeypatch.setattr(protos, "MAX_BYTES", 102)
    assert len(protos.serialize(tensor)) == 102
    monkeypatch.setattr(protos, "MAX_BYTES", 101)
    with pytest.raises(InvalidArgumentError, match=r"The TensorProto takes 102 bytes.*split form"):
        protos.serialize(tensor)


def test_first_use_from_several_threads() -> None:
    code = """
import threading
from evergraph.formats import protos
barrier, seen = threading.Barrier(8), []
def use():
    barrier.wait()
    seen.append(protos.GraphDef)
threads = [threading.Thread(target=use) for _ in range(8)]
[t.start() for t in threads], [t.join() for t in threads]
assert len(seen) == 8 and len(set(map(id, seen))) == 1
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_pure_python_protobuf_serves_too() -> None:
    code = """
import pickle
from google.protobuf.internal import api_implementation
assert api_implementation.Type() == "python"
from evergraph.formats import protos
message = protos.AttrValue.ListValue(i=[1, 2])
assert pickle.loads(pickle.dumps(message)) == message
graph = protos.GraphDef(node=[protos.NodeDef(name="x")])
graph = protos.GraphDef.FromString(graph.SerializeToString())
assert isinstance(graph.node[0], protos.NodeDef)
"""
    env = {**os.environ, "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "python"}
    subprocess.run([sys.executable, "-c", code], check=True, env=env)


def test_naming_the_module_loads_no_protobuf() -> None:
    code = (
        "import sys; from evergraph.formats import protos;"
        "print([m for m in sys.modules if m.startswith('google.protobuf')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
