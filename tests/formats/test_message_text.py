"""Messages as text: what protobuf's own printer and parser say, only sooner."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format
from hypothesis import given
from hypothesis import strategies as st

from evergraph.errors import InvalidValueError
from evergraph.formats import message_text, protos
from evergraph.formats.message_text import parse_text, to_text
from evergraph.formats.text_escape import quote, unquote

VALUES = st.one_of(
    st.builds(lambda v: {"s": v}, st.binary()),
    st.builds(lambda v: {"i": v}, st.integers(-(2**63), 2**63 - 1)),
    st.builds(lambda v: {"f": v}, st.floats(width=32, allow_nan=False)),
    st.builds(lambda v: {"b": v}, st.booleans()),
    st.builds(lambda v: {"type": v}, st.sampled_from([0, 1, 19, 101, 77])),
    st.builds(lambda v: {"placeholder": v}, st.text()),
    st.builds(
        lambda v, f: {"list": {"s": v, "f": f, "type": [1, 2]}},
        st.lists(st.binary(max_size=4), max_size=3),
        st.lists(st.floats(width=32, allow_nan=False), max_size=3),
    ),
    st.builds(lambda v: {"func": {"name": v, "attr": {}}}, st.text(max_size=3)),
)
NODES = st.builds(
    lambda name, inputs, attr: protos.NodeDef(
        name=name,
        input=inputs,
        attr={key: protos.AttrValue(**value) for key, value in attr.items()},
    ),
    st.text(),
    st.lists(st.text(max_size=3), max_size=3),
    st.dictionaries(st.text(max_size=3), VALUES, max_size=4),
)


def by_protobuf(message: Any) -> str:
    text: str = text_format.MessageToString(message, as_utf8=False, descriptor_pool=protos.pool())
    return text


@given(st.lists(NODES, max_size=3))
def test_as_protobuf_prints_and_parses(nodes: list[Any]) -> None:
    graph = protos.GraphDef(node=nodes)
    text = to_text(graph)
    assert text == by_protobuf(graph)
    assert text_format.Parse(text, protos.GraphDef()) == graph
    assert parse_text(text, protos.GraphDef()) == graph
    if "type: 77" not in text:
        assert message_text._parse_usual(text, protos.GraphDef())


@given(st.binary(), st.booleans())
def test_quoting(data: bytes, letters: bool) -> None:
    written = quote(data)
    assert written.isascii()
    assert unquote(written) == data
    if letters:
        text = data.decode("latin-1").replace("\\", "").replace('"', "").replace("\n", "")
        assert unquote(f'"{text}"') == text.encode()


@pytest.mark.parametrize(
    ("written", "data"),
    [
        (r'"\a\b\f\n\r\t\v\\\'\""', b"\a\b\f\n\r\t\v\\'\""),
        (r'"\1\12\123\0x"', b"\1\n\123\0x"),
        (r'"\x41\377é"', b"A\xff\xc3\xa9"),
        (r'"\400"', None),
        (r'"\q"', None),
        ('"a" "b"', None),
        ("'a'", None),
        ('"a', None),
        ('"a"b"', None),
        ("a", None),
        ('"', None),
    ],
)
def test_escapes(written: str, data: bytes | None) -> None:
    assert unquote(written) == data


@pytest.mark.parametrize(
    ("value", "shortest", "exact"),
    [
        (0.1, "0.1", "0.10000000149011612"),
        (1.0, "1.0", "1.0"),
        (1e10, "10000000000.0", "10000000000.0"),
        (3.4028234663852886e38, "3.4028235e+38", "3.4028234663852886e+38"),
        (1.401298464324817e-45, "1.4013e-45", "1.401298464324817e-45"),
        (16777217.0, "16777216.0", "16777216.0"),
        (math.inf, "inf", "inf"),
        (-math.inf, "-inf", "-inf"),
        (math.nan, "nan", "nan"),
    ],
)
def test_floats(value: float, shortest: str, exact: str) -> None:
    message = protos.AttrValue(f=value)
    assert to_text(message) == f"f: {shortest}\n"
    assert to_text(message, exact_floats=True) == f"f: {exact}\n"
    assert to_text(message) == by_protobuf(message)
    parsed = parse_text(to_text(message), protos.AttrValue())
    assert parsed.SerializeToString() == message.SerializeToString()


def test_maps_leave_out_what_is_zero() -> None:
    function = protos.FunctionDef(ret={"": "", "a": "", "b": "x"})
    function.resource_arg_unique_id[0] = 0
    function.resource_arg_unique_id[5] = 7
    function.arg_attr[0].attr[""].SetInParent()
    assert to_text(function) == by_protobuf(function)
    assert parse_text(to_text(function), protos.FunctionDef()) == function


def test_any() -> None:
    meta = protos.MetaGraphDef()
    meta.meta_info_def.any_info.Pack(protos.SaverDef(max_to_keep=5))
    unknown = meta.collection_def["c"].any_list.value
    unknown.add(type_url="type.googleapis.com/other.Message", value=b"\1")
    unknown.add(type_url="type.googleapis.com/tensorflow.SaverDef", value=b"\xff")
    text = to_text(meta)
    assert "[type.googleapis.com/tensorflow.SaverDef] {\n      max_to_keep: 5\n" in text
    assert parse_text(text, protos.MetaGraphDef()) == meta
    unknown.pop()
    assert to_text(meta) == by_protobuf(meta)


@pytest.mark.parametrize(
    "text",
    [
        "node { name: 'x' op: \"Y\" }",
        "node: <\n name: 'x'; op: 'Y'\n>",
        'node {\n  name: "x"  # comment\n  op: "" "Y"\n}',
        '# a graph\nnode {\n  name: "x"\n  op: "Y"\n}\n# end {',
        'node {\n  op: "Y"\n  name: "w"\n  name: "x"\n}',
        'node {\n  name: "\\u0078"\n  op: "Y"\n}',
    ],
)
def test_other_forms(text: str) -> None:
    assert parse_text(text, protos.GraphDef()) == protos.GraphDef(
        node=[protos.NodeDef(name="x", op="Y")]
    )


@pytest.mark.parametrize(
    "text",
    [
        'attr {\n  value {\n    i: 1\n  }\n  key: "a"\n}',  # value before key
        'attr {\n  key: "a"\n}\nattr {\n  key: "a"\n  value {\n    i: 1\n  }\n}',
        'attr {\n  key: "a"\n  value {\n  i: 2\n  }\n}\n'
        'attr {\n  key: "a"\n  value {\n  i: 1\n  }\n}',
        'attr {\n  key: "a"\n  value {\n    i: 0x1\n  }\n}',
        'attr {\n  key: "a"\n  value: < i: 01 >\n}',
        'attr {\n  key: "z"\n  key: "a"\n  value {\n    i: 1\n  }\n}',
    ],
)  # fmt: skip
def test_maps_in_other_forms(text: str) -> None:
    node = protos.NodeDef(attr={"a": protos.AttrValue(i=1)})
    assert text_format.Merge(text, protos.NodeDef()) == node
    assert parse_text(text, protos.NodeDef()) == node


def test_an_entry_without_value() -> None:
    assert "a" in parse_text('attr {\n  key: "a"\n}', protos.NodeDef()).attr
    assert parse_text('ret {\n  key: "a"\n}', protos.FunctionDef()).ret["a"] == ""


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("nodes {\n}", "1:1"),
        ("node {\n", "1:6"),
        ("node {\n  name: 3\n}", "2:9"),
        ("node {\n  name: x\n}", "2:9"),
        ("}", "1:1"),
        ('versions {\n  producer: "x"\n}', "2:13"),
        ("versions {\n  producer: 99999999999\n}", "2:13"),
        ("library: 3", "1:10"),
        ("node {\n  attr {\n    key: {\n    }\n  }\n}", "3:10"),
        ('node {\n  name: "\\377"\n}', "3:1"),
    ],
)
def test_errors_say_where(text: str, place: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_text(text, protos.GraphDef())
    assert str(caught.value).startswith(place), str(caught.value)


def test_merges_into_what_is_there() -> None:
    graph = protos.GraphDef(node=[protos.NodeDef(name="a")])
    assert parse_text('node {\n  name: "b"\n}', graph) is graph
    assert [node.name for node in graph.node] == ["a", "b"]


@pytest.mark.shared
def test_every_shared_text_file_takes_the_fast_way(shared: Path) -> None:
    seen = 0
    for name in ("artifacts", "edge"):
        folder = shared / "data" / name
        for artifact in json.loads((folder / "manifest.json").read_text())["artifacts"]:
            if artifact["kind"] == "graphdef_text":
                text = (folder / artifact["src"] / artifact["main"]).read_text()
                graph = protos.GraphDef()
                assert message_text._parse_usual(text, graph)
                if len(text) < 20_000:
                    assert graph == text_format.Merge(text, protos.GraphDef())
                    assert to_text(graph) == by_protobuf(graph)
                seen += 1
    assert seen > 100
