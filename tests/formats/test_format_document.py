"""docs/format.md: its example is what evergraph writes."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

import evergraph
from evergraph.formats.slice_key import encode_slice_key
from evergraph.formats.tensor_slice import TensorSlice
from tests.conftest import ROOT

DOCUMENT = (ROOT / "docs" / "format.md").read_text()


def dumps() -> list[bytes]:
    """The hex dumps of the document."""
    found: list[bytes] = []
    for offset, text in re.findall(r"^    ([0-9a-f]{4})  ((?:[0-9a-f]{2} ?)+)$", DOCUMENT, re.M):
        if int(offset, 16) == 0:
            found.append(b"")
        assert len(found[-1]) == int(offset, 16)
        found[-1] += bytes.fromhex(text)
    return found


def test_the_example_is_what_is_written(tmp_path: Path) -> None:
    [code] = re.findall(r"```python\n(.*?)```", DOCUMENT, re.S)
    code = code.replace('"m"', repr(str(tmp_path / "m")))
    exec(code, {"evergraph": evergraph, "np": np})
    data, index = dumps()
    assert (tmp_path / "m.data-00000-of-00001").read_bytes() == data
    assert (tmp_path / "m.index").read_bytes() == index


def test_the_places_in_its_tables_are_right() -> None:
    index = dumps()[1]
    rows = re.findall(r"^\| ([0-9a-f]{4}) \| (.*?) \|", DOCUMENT, re.M)
    assert len(rows) > 10
    for offset, cell in rows:
        expected = bytes.fromhex("".join(re.findall(r"`([0-9a-f ]+)`", cell)))
        start = int(offset, 16)
        assert index[start : start + len(expected)] == expected, offset


def test_the_key_of_a_slice() -> None:
    [text] = re.findall(r"matrix `p`: `([0-9a-f ]+)`", DOCUMENT)
    assert encode_slice_key(b"p", TensorSlice.parse("0,4:-")) == bytes.fromhex(text)
