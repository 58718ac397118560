"""Graph files: what is in them is read, what is wrong with them is said."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evergraph.errors import DataLossError, InvalidArgumentError, NotFoundError, OpError
from evergraph.formats import graph_file, protos
from evergraph.formats.graph_file import (
    FileKind,
    parse_text,
    read_graph_def,
    read_meta_graph,
    read_saved_model,
    sniff,
    to_text,
)
from evergraph.formats.message_walk import find_damage


def graph_def() -> Any:
    graph = protos.GraphDef(versions=protos.VersionDef(producer=22))
    for name, op in (("x", "Placeholder"), ("scope/w", "VariableV2"), ("y", "MatMul")):
        graph.node.add(name=name, op=op).attr["T"].type = protos.DT_FLOAT
    return graph


def meta_graph() -> Any:
    meta = protos.MetaGraphDef(graph_def=graph_def())
    meta.meta_info_def.tensorflow_version = "1.15.0"
    meta.meta_info_def.tags.append("serve")
    meta.saver_def.version = protos.SaverDef.V2
    meta.collection_def["variables"].bytes_list.value.append(b"\n\1x")
    return meta


def saved_model() -> Any:
    return protos.SavedModel(saved_model_schema_version=1, meta_graphs=[meta_graph()])


MESSAGES: list[tuple[Callable[[], Any], Callable[[Any], Any], FileKind, FileKind]] = [
    (graph_def, read_graph_def, FileKind.GRAPH_DEF, FileKind.GRAPH_DEF_TEXT),
    (meta_graph, read_meta_graph, FileKind.META_GRAPH, FileKind.META_GRAPH_TEXT),
    (saved_model, read_saved_model, FileKind.SAVED_MODEL, FileKind.SAVED_MODEL_TEXT),
]


@pytest.mark.parametrize(("make", "read", "kind", "text_kind"), MESSAGES)
def test_binary_and_text_under_any_name(
    tmp_path: Path, make: Any, read: Any, kind: FileKind, text_kind: FileKind
) -> None:
    path = tmp_path / "file.dat"
    path.write_bytes(make().SerializeToString())
    assert read(path) == make()
    assert sniff(path) is sniff(path.read_bytes()) is kind
    for text in (
        to_text(make()),
        "\ufeff# written by hand\n\n" + to_text(make()),
        to_text(make()).replace("\n", "\r\n"),
    ):
        path.write_bytes(text.encode())
        assert read(str(path)) == make()
        assert sniff(path) is text_kind


def changed(message: Any, **clear: bool) -> bytes:
    for field in clear:
        message.ClearField(field)
    data: bytes = message.SerializeToString()
    return data


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        # Messages with only some of their parts.
        (protos.GraphDef(versions=protos.VersionDef(producer=3)).SerializeToString(), "GRAPH_DEF"),
        (protos.GraphDef(version=3).SerializeToString(), "GRAPH_DEF"),
        (protos.GraphDef(node=[protos.NodeDef(op="NoOp")]).SerializeToString(), "GRAPH_DEF"),
        (
            protos.GraphDef(
                library=protos.FunctionDefLibrary(
                    function=[protos.FunctionDef(signature=protos.OpDef(name="f"))]
                )
            ).SerializeToString(),
            "GRAPH_DEF",
        ),
        (changed(meta_graph(), meta_info_def=True), "META_GRAPH"),
        (changed(meta_graph(), graph_def=True), "META_GRAPH"),
        (changed(meta_graph(), graph_def=True, meta_info_def=True), "META_GRAPH"),
        (
            changed(meta_graph(), graph_def=True, meta_info_def=True, saver_def=True),
            "META_GRAPH",
        ),
        (changed(saved_model(), saved_model_schema_version=True), "SAVED_MODEL"),
        (changed(saved_model(), meta_graphs=True), "SAVED_MODEL"),
        # Other things that turn up under the name of a model.
        (b"", "EMPTY"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 9\n", "GIT_LFS_POINTER"),
        (b"\n<!DOCTYPE html>\n<html>", "HTML"),
        (b"<HTML><body>404", "HTML"),
        (b'<?xml version="1.0"?><Error>', "HTML"),
        (gzip.compress(b"x", mtime=0), "GZIP"),
        (b"PK\x03\x04\x14\0", "ARCHIVE"),
        (b"BZh91AY", "ARCHIVE"),
        (b"\xfd7zXZ\0\0", "ARCHIVE"),
        (b"\x89HDF\r\n\x1a\n\0", "HDF5"),
        (b"\x1c\0\0\0TFL3\0", "TFLITE"),
        (b"\x08\x07\x12\x07pytorch\x1a\x032.1:\0", "ONNX"),
        (b"\x93NUMPY\x01\0", "NUMPY"),
        (b"\x80\x04\x95\x0b\0", "PICKLE"),
        (b'{"class_name": "Model"}', "JSON"),
        (b"[1, 2]", "JSON"),
        (b"hello\n", "TEXT"),
        (b'model_checkpoint_path: "m"\n', "CHECKPOINT_STATE"),
        (b"\xff" * 100, "UNKNOWN"),
        (b"\x00\x01\x02", "UNKNOWN"),
        (b"\x3b\x0c\x00", "UNKNOWN"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_sniff(data: bytes, kind: str) -> None:
    assert sniff(data).name == kind


def test_sniff_reads_no_more_than_it_needs(tmp_path: Path) -> None:
    path = tmp_path / "large.pb"
    with path.open("wb") as file:
        big = protos.NodeDef(name="w", op="Const", input=["^" + "x" * 100_000])
        node = big.SerializeToString()
        file.write(
            b"\x0a" + bytes([len(node) & 127 | 128, len(node) >> 7 & 127 | 128, len(node) >> 14])
        )
        file.write(node)
    assert sniff(path) is FileKind.GRAPH_DEF
    assert len(read_graph_def(path).node[0].input[0]) == 100_001


def test_sniff_archives_of_real_tools() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a", "b")
    assert sniff(buffer.getvalue()) is FileKind.ARCHIVE
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("a"))
    assert sniff(buffer.getvalue()) is FileKind.ARCHIVE
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    assert sniff(buffer.getvalue()) is FileKind.NUMPY


def test_checkpoint_data_is_known_by_name_only(tmp_path: Path) -> None:
    path = tmp_path / "m-1.data-00000-of-00001"
    for data, kind in [
        (graph_def().SerializeToString(), FileKind.CHECKPOINT_DATA),
        (b"hello", FileKind.CHECKPOINT_DATA),
        (b"", FileKind.EMPTY),
        (b"<html>", FileKind.HTML),
    ]:
        path.write_bytes(data)
        assert sniff(path) is kind


def error_of(read: Callable[[Any], Any], path: Path, kind: type[OpError]) -> str:
    with pytest.raises(kind) as caught:
        read(path)
    message = str(caught.value)
    assert message.startswith(str(path)), message
    return message[len(str(path)) :].strip()


@pytest.mark.parametrize(
    ("data", "kind", "message"),
    [
        (meta_graph().SerializeToString(), InvalidArgumentError,
         "is a MetaGraphDef; a GraphDef was expected. Import it with tf.train.import_meta_graph."),
        (to_text(meta_graph()).encode(), InvalidArgumentError,
         "is a MetaGraphDef as text; a GraphDef was expected. "
         "Import it with tf.train.import_meta_graph."),
        (saved_model().SerializeToString(), InvalidArgumentError,
         "is a SavedModel; a GraphDef was expected. "
         "Load the folder that it is in with tf.saved_model.loader.load."),
        (b"version https://git-lfs.github.com/spec/v1\n", DataLossError,
         "is a Git LFS pointer, a few lines of text that stand for the file; a GraphDef was "
         "expected. Fetch the file itself: run `git lfs pull` in its repository."),
        (b"<html>", DataLossError,
         "is a web page (HTML); a GraphDef was expected. A server sent a page instead of the file: "
         "log in first, or use the direct link (on GitHub, the one behind 'Raw')."),
        (gzip.compress(graph_def().SerializeToString(), mtime=0), InvalidArgumentError,
         "is compressed (gzip); a GraphDef was expected. Unpack it first (gunzip, or tar xzf)."),
        (b"", DataLossError,
         "is empty (0 bytes); a GraphDef was expected. "
         "Whatever wrote or copied it did not finish: get the file again."),
        (b"\xff" * 100, DataLossError,
         "is of no kind that is known here (100 bytes); a GraphDef was expected. "
         "It is damaged, encrypted, or the file of another program."),
        (b"hello", InvalidArgumentError,
         "is text of no kind that is known here; a GraphDef was expected."),
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_the_wrong_file(tmp_path: Path, data: bytes, kind: type[OpError], message: str) -> None:
    path = tmp_path / "model.pb"
    path.write_bytes(data)
    assert error_of(read_graph_def, path, kind) == message


def test_a_folder(tmp_path: Path) -> None:
    assert error_of(read_graph_def, tmp_path, InvalidArgumentError) == (
        "is a folder; a GraphDef was expected. It holds no .pb, .pbtxt or .meta file."
    )
    (tmp_path / "frozen.pb").touch()
    (tmp_path / "m.meta").touch()
    assert error_of(read_meta_graph, tmp_path, InvalidArgumentError).endswith(
        "It holds frozen.pb, m.meta."
    )
    with pytest.raises(NotFoundError, match=r"SavedModel file does not exist at: .*frozen\.pb"):
        read_saved_model(tmp_path)
    (tmp_path / "saved_model.pbtxt").write_text(to_text(saved_model()))
    assert read_saved_model(tmp_path) == saved_model()
    assert sniff(tmp_path) is FileKind.FOLDER


def test_no_file(tmp_path: Path) -> None:
    (tmp_path / "frozen.pb").touch()
    with pytest.raises(FileNotFoundError, match=r"frozen\.pb"):
        read_graph_def(tmp_path / "frozne.pb")


def test_a_member_of_a_checkpoint_names_the_meta(tmp_path: Path) -> None:
    path = tmp_path / "m-1.data-00000-of-00001"
    path.write_bytes(bytes(40))
    assert error_of(read_graph_def, path, InvalidArgumentError).endswith(f"is {tmp_path}/m-1.meta.")


@pytest.mark.parametrize(
    ("cut", "reason"),
    [
        (30, "damaged at byte 27 of 30: node[1] should go on to byte 59, past the end at 30"),
        (60, "damaged at byte 59 of 60: a varint is cut off"),
    ],
)
def test_a_truncated_graph(tmp_path: Path, cut: int, reason: str) -> None:
    path = tmp_path / "g.pb"
    path.write_bytes(graph_def().SerializeToString()[:cut])
    message = error_of(read_graph_def, path, DataLossError)
    assert message.startswith(f"is a GraphDef, {reason}."), message
    assert message.endswith("get the file again.")


def test_damage_inside(tmp_path: Path) -> None:
    path = tmp_path / "g.pb"
    data = graph_def().SerializeToString()
    at = data.index(b"scope/w")
    path.write_bytes(data.replace(b"scope/w", b"scope\xff\xfe"))
    assert error_of(read_graph_def, path, DataLossError).startswith(
        f"is a GraphDef, damaged at byte {at + 5} of {len(data)}: "
        "node[1].name[0] is not UTF-8 text."
    )
    longer = data.replace(b"\x0a\x07scope/w", b"\x0a\x77scope/w")
    path.write_bytes(longer)
    assert error_of(read_graph_def, path, DataLossError).startswith(
        f"is a GraphDef, damaged at byte {at - 2} of {len(data)}: "
        f"node[1].name[0] should go on to byte {at + 0x77}, past the end at"
    )
    path.write_bytes(data.replace(b"\x12\x06MatMul", b"\x13\x06MatMul"))
    assert "no field is of wire type 3 (in node[2])" in error_of(
        read_graph_def, path, DataLossError
    )


def test_nesting_has_an_end() -> None:
    data = b""
    for _ in range(150):
        length = len(data)
        data = b"\x12" + bytes([length & 127 | 128, length >> 7]) + data
    damage = find_damage(data, protos.FullTypeDef.DESCRIPTOR)
    assert damage is not None
    assert "nested more than 100 deep" in damage.reason


def test_text_with_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "g.pbtxt"
    path.write_text('node {\n  name: "x"\n  opp: "y"\n}\n')
    message = error_of(read_graph_def, path, DataLossError)
    assert message.startswith("is a GraphDef as text, with a fault: line 3:3 ")
    assert '"opp"' in message
    path.write_bytes(b'node {\n  name: "x"\n}\n' * 5000 + b"\xff")
    assert "byte 105000 is not UTF-8 text" in error_of(read_graph_def, path, DataLossError)


def test_more_than_protobuf_takes_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "g.pb"
    data = graph_def().SerializeToString()
    path.write_bytes(data)
    monkeypatch.setattr(protos, "MAX_BYTES", len(data) // 2)
    assert len(graph_file._pieces(data)) > 1
    assert b"".join(graph_file._pieces(data)) == data
    assert read_graph_def(path) == graph_def()
    path.write_bytes(data[:-1])
    error_of(read_graph_def, path, DataLossError)


def test_unknown_fields_do_not_hide_a_graph(tmp_path: Path) -> None:
    path = tmp_path / "g.pb"
    data = b"\xc2\x3e\x05later" + graph_def().SerializeToString()
    path.write_bytes(data)
    assert [node.name for node in read_graph_def(path).node] == ["x", "scope/w", "y"]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80), st.integers(0, 120), st.integers(0, 255))
def test_any_bytes_are_judged(data: bytes, position: int, byte: int) -> None:
    whole = bytearray(meta_graph().SerializeToString())
    whole[position % len(whole)] = byte
    for each in (data, bytes(whole), bytes(whole[:position])):
        assert isinstance(sniff(each), FileKind)
        damage = find_damage(each, protos.MetaGraphDef.DESCRIPTOR)
        try:
            protos.MetaGraphDef.FromString(each)
        except Exception:
            continue
        # What protobuf takes has no damage, but for groups, which nobody writes any more, and
        # text that protobuf 4 does not look at.
        allowed = ("wire type", "key[0] is not UTF-8")
        assert damage is None or any(words in damage.reason for words in allowed)


# --------------------------------------------------------------------------------- real files


def facts_of(graph: Any) -> dict[str, Any]:
    names = "\n".join(node.name for node in graph.node)
    return {
        "nodes": len(graph.node),
        "ops": dict(Counter(node.op for node in graph.node)),
        "functions": len(graph.library.function),
        "producer": graph.versions.producer,
        "min_consumer": graph.versions.min_consumer,
        "node_names_sha256": hashlib.sha256(names.encode()).hexdigest(),
    }


def meta_facts(meta: Any) -> dict[str, Any]:
    collections = {
        name: {
            "kind": each.WhichOneof("kind"),
            "n": len(getattr(each, each.WhichOneof("kind")).value),
        }
        for name, each in meta.collection_def.items()
    }
    return {
        "graph": facts_of(meta.graph_def),
        "collections": collections,
        "tf_version": meta.meta_info_def.tensorflow_version,
        "tags": list(meta.meta_info_def.tags),
    }


def listed(shared: Path, *kinds: str) -> list[tuple[str, Path, dict[str, Any]]]:
    found = []
    for name in ("artifacts", "edge"):
        folder = shared / "data" / name
        facts = json.loads((folder / "facts.json").read_text())["facts"]
        for each in json.loads((folder / "manifest.json").read_text())["artifacts"]:
            if each["kind"] in kinds:
                found.append((each["kind"], folder / each["src"] / each["main"], facts[each["id"]]))
    return found


def agree(ours: dict[str, Any], fact: dict[str, Any]) -> None:
    assert "graph" in fact or "nodes" in fact
    for key in ours.keys() & fact.keys():
        if isinstance(ours[key], dict) and key == "graph":
            agree(ours[key], fact[key])
        else:
            assert ours[key] == fact[key], key


@pytest.mark.shared
def test_every_shared_graph_holds_what_tensorflow_found(shared: Path) -> None:
    files = listed(shared, "graphdef", "graphdef_text")
    for _, path, fact in files:
        agree({"graph": facts_of(read_graph_def(path))}, fact)
    assert len(files) > 700


@pytest.mark.shared
def test_every_shared_meta_graph_holds_what_tensorflow_found(shared: Path) -> None:
    files = listed(shared, "meta")
    for _, path, fact in files:
        agree(meta_facts(read_meta_graph(path)), fact)
    assert len(files) > 15


@pytest.mark.shared
def test_every_shared_saved_model_holds_what_tensorflow_found(shared: Path) -> None:
    files = listed(shared, "saved_model")
    for _, path, fact in files:
        model = read_saved_model(path.parent)
        assert len(model.meta_graphs) == len(fact["meta_graphs"])
        for meta, expected in zip(model.meta_graphs, fact["meta_graphs"], strict=True):
            agree(meta_facts(meta), expected)
    assert len(files) > 20


@pytest.mark.shared
def test_the_damaged_shared_graphs(shared: Path) -> None:
    corrupt = shared / "data" / "edge" / "corrupt"
    for name in ("garbage", "truncated"):
        error_of(read_graph_def, corrupt / f"graph_{name}" / "g.pb", DataLossError)
    for name in ("garbage", "truncated", "zero_length"):
        error_of(read_meta_graph, corrupt / f"meta_{name}" / "m.meta", DataLossError)
    # The others are whole files with wrong graphs in them: importing them is what fails.
    whole = sorted(corrupt.glob("graph_[bcdmtu]*/g.pb"))
    assert len([path for path in whole if "truncated" not in path.parent.name]) == 9
    for path in whole:
        if "truncated" not in path.parent.name:
            assert len(read_graph_def(path).node) >= 15


@pytest.mark.shared
def test_every_shared_file_is_of_the_kind_that_its_list_says(shared: Path) -> None:
    kinds = {
        "graphdef": {FileKind.GRAPH_DEF},
        "graphdef_text": {FileKind.GRAPH_DEF_TEXT},
        "meta": {FileKind.META_GRAPH, FileKind.META_GRAPH_TEXT},
        "saved_model": {FileKind.SAVED_MODEL, FileKind.SAVED_MODEL_TEXT},
        "state": {FileKind.CHECKPOINT_STATE},
        "events": {FileKind.EVENTS},
    }
    for kind, path, _ in listed(shared, *kinds):
        assert sniff(path) in kinds[kind], path
    for name in ("artifacts", "edge"):
        for path in (shared / "data" / name).rglob("*.index"):
            if "corrupt" not in path.parts:
                assert sniff(path) is FileKind.CHECKPOINT_INDEX, path
    for _, path, _ in listed(shared, "ckpt_v1"):
        for shard in path.parent.glob(path.name):
            assert sniff(shard) is FileKind.CHECKPOINT_V1
    assert parse_text("", protos.GraphDef()) == protos.GraphDef()
