"""Our message definitions are TensorFlow's: names, numbers, labels, types, enums, file by file."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import descriptor_pb2

from evergraph.formats import protos
from tests.oracle.client import Oracle

pytestmark = pytest.mark.oracle

# Their files, as they stand after the imports below, in one serialized FileDescriptorSet.
DESCRIBE = """
import importlib
from google.protobuf import descriptor_pb2, descriptor_pool

def main(tf, np, paths):
    missing, found = [], {}
    def add(file):
        if file.name not in found:
            found[file.name] = descriptor_pb2.FileDescriptorProto.FromString(file.serialized_pb)
            for dependency in file.dependencies:
                add(dependency)
    for path in paths:
        name = path.removesuffix(".proto").replace("/", ".") + "_pb2"
        try:
            add(importlib.import_module(name).DESCRIPTOR)
        except ImportError:
            missing.append(path)
    return missing, descriptor_pb2.FileDescriptorSet(file=found.values()).SerializeToString()
"""

# Gone as a file of its own; the messages arrive through the files that import them.
MOVED = {"tensorflow/core/protobuf/coordination_config.proto"}

COEXIST = """
import sys
sys.path.insert(0, {src!r})
def load_ours():
    from evergraph.formats import protos
    protos.GraphDef()
    return protos
def load_theirs():
    import tensorflow as tf
    return tf.compat.v1
if {ours_first}:
    protos, tf = load_ours(), load_theirs()
else:
    tf, protos = load_theirs(), load_ours()
import copy, pickle
with tf.Graph().as_default() as graph:
    tf.constant([1.0, 2.0], name="c")
    theirs = graph.as_graph_def()
ours = protos.adopt(theirs)
assert type(ours) is protos.GraphDef and type(theirs) is tf.GraphDef
assert pickle.loads(pickle.dumps(ours)) == ours == copy.deepcopy(ours)
back = tf.GraphDef.FromString(protos.serialize(ours))
assert back == theirs
with tf.Graph().as_default():
    tf.import_graph_def(back, name="")
    assert tf.get_default_graph().get_tensor_by_name("c:0").shape == [2]
print("both", [n.name for n in ours.node])
"""


def described(files: descriptor_pb2.FileDescriptorSet) -> dict[str, dict[Any, Any]]:
    """Every message and enum by full name: its fields by number, or its values by name."""
    found: dict[str, dict[Any, Any]] = {}

    def add_message(message: Any, scope: str, syntax: str) -> None:
        name = f"{scope}.{message.name}"
        # Whether an absent number is told from a zero hangs on the syntax.
        found[name] = {field.number: facts(field, syntax) for field in message.field}
        for nested in message.nested_type:
            add_message(nested, name, syntax)
        for enum in message.enum_type:
            add_enum(enum, name)

    def add_enum(enum: Any, scope: str) -> None:
        found[f"{scope}.{enum.name}"] = {value.name: value.number for value in enum.value}

    def facts(field: Any, syntax: str) -> tuple[Any, ...]:
        explicit = field.options.HasField("packed")
        packed = field.options.packed if explicit else syntax == "proto3"
        oneof = field.HasField("oneof_index")
        return field.name, field.label, field.type, field.type_name, oneof, packed, syntax

    for file in files.file:
        for message in file.message_type:
            add_message(message, file.package, file.syntax or "proto2")
        for enum in file.enum_type:
            add_enum(enum, file.package)
    return found


def ours() -> descriptor_pb2.FileDescriptorSet:
    data = (Path(str(protos.__file__)).parent / "descriptors.binpb").read_bytes()
    return descriptor_pb2.FileDescriptorSet.FromString(data)


def theirs(oracle: Oracle) -> tuple[set[str], dict[str, dict[Any, Any]]]:
    paths = [file.name for file in ours().file]
    missing, data = oracle.execute(DESCRIBE, paths=paths)
    return set(missing), described(descriptor_pb2.FileDescriptorSet.FromString(data))


def test_every_field_agrees(tf215: Oracle, tf221: Oracle) -> None:
    """What both have is the same; nothing is ours alone, and nothing is theirs alone."""
    mine = described(ours())
    seen: dict[str, set[Any]] = {name: set() for name in mine}
    for oracle in (tf215, tf221):
        missing, other = theirs(oracle)
        assert missing == MOVED
        for name in mine.keys() & other.keys():
            a, b = mine[name], other[name]
            assert not b.keys() - a.keys(), f"{name} lacks {b.keys() - a.keys()}"
            assert {key: a[key] for key in b} == b, name
            seen[name] |= b.keys()
    for name, members in mine.items():
        assert seen[name] == members.keys(), f"{name}: only here: {members.keys() - seen[name]}"


def test_every_message_of_these_files_is_here(oracle: Oracle) -> None:
    _, other = theirs(oracle)
    assert {name for name in other if name.startswith("tensorflow.")} <= described(ours()).keys()


@pytest.mark.parametrize("ours_first", [True, False])
def test_both_in_one_process(oracle: Oracle, ours_first: bool) -> None:
    src = str(Path(__file__).resolve().parents[2] / "src")
    code = COEXIST.format(src=src, ours_first=ours_first)
    done = subprocess.run(
        [str(oracle.python), "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "both ['c']"
