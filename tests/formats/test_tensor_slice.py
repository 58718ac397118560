"""Slices of partitioned tensors: their text, their message, their keys."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evergraph import errors
from evergraph.formats.slice_assembly import (
    Box,
    bounds_of,
    box_shape,
    cover,
    first_overlapping,
    overlap,
)
from evergraph.formats.slice_key import encode_slice_key, is_slice_key
from evergraph.formats.tensor_slice import TensorSlice, parse_shape_and_slice
from evergraph.formats.wire import WireError

EXTENTS = st.lists(
    st.one_of(st.just((0, -1)), st.tuples(st.integers(0, 2**62), st.integers(1, 2**62))), max_size=5
).map(tuple)


@given(EXTENTS)
def test_text_and_message_round_trip(extents: tuple[tuple[int, int], ...]) -> None:
    box = TensorSlice(extents)
    assert TensorSlice.decode(box.encode()) == box
    assert TensorSlice.parse(str(box)) == box


@pytest.mark.parametrize(
    ("text", "extents"),
    [("", ()), ("-", ((0, -1),)), ("0,10:-:3,4", ((0, 10), (0, -1), (3, 4)))],
)
def test_text(text: str, extents: tuple[tuple[int, int], ...]) -> None:
    assert TensorSlice.parse(text).extents == extents
    assert str(TensorSlice(extents)) == text


@pytest.mark.parametrize(
    "text", ["0", "a,b", "0,0", "-1,2", "1,-1", ":", "0,1:", "1,2,3", "\u0663,\u0661"]
)
def test_texts_that_are_none(text: str) -> None:
    with pytest.raises(errors.InvalidArgumentError, match="is no slice"):
        TensorSlice.parse(text)


def test_shape_and_slice() -> None:
    assert parse_shape_and_slice("20 5 0,10:-") == ((20, 5), TensorSlice(((0, 10), (0, -1))))
    assert parse_shape_and_slice("0 -") == ((0,), TensorSlice(((0, -1),)))
    for text in ("", "-", "a -", "20 5 0,10", "20 5 15,10:-", "-1 -", "20  -"):
        with pytest.raises(errors.InvalidArgumentError):
            parse_shape_and_slice(text)


def test_within() -> None:
    box = TensorSlice(((2, 3), (0, -1)))
    assert box.within((5, 7)) == (slice(2, 5), slice(0, 7))
    for shape in ((4, 7), (5,), (5, 7, 1)):
        with pytest.raises(errors.InvalidArgumentError, match="does not lie within"):
            box.within(shape)
    with pytest.raises(errors.InvalidArgumentError):
        TensorSlice(((-1, 2),)).within((5,))


def test_message_with_a_negative_length() -> None:
    with pytest.raises(WireError, match="length -1"):
        TensorSlice.decode(b"\x0a\x0b\x10" + b"\xff" * 9 + b"\x01")


def test_overlap() -> None:
    a, b = (slice(0, 5), slice(2, 4)), (slice(3, 9), slice(0, 3))
    assert overlap(a, b) == ((slice(3, 5), slice(0, 1)), (slice(0, 2), slice(2, 3)))
    assert overlap(a, (slice(5, 9), slice(0, 3))) is None
    assert overlap((), ()) == ((), ())


BOXES = st.lists(
    st.tuples(*[st.tuples(st.integers(0, 5), st.integers(0, 3))] * 2).map(
        lambda box: tuple(slice(start, start + length) for start, length in box)
    ),
    max_size=6,
)


@given(BOXES)
def test_boxes_that_meet(boxes: list[Box]) -> None:
    """The model: a field of counters."""
    field = np.zeros((8, 8), int)
    first = None
    for number, box in enumerate(boxes):
        field[box] += 1
        if first is None and (field > 1).any():
            first = number
    assert first_overlapping(boxes, 2) == first


@given(BOXES, BOXES)
def test_cover(boxes: list[Box], wanted: list[Box]) -> None:
    whole = np.arange(64).reshape(8, 8)
    boxes = boxes[: first_overlapping(boxes, 2)]
    for target in wanted:
        plan, missing = cover(target, boxes, bounds_of(boxes, 2))
        value = np.full(box_shape(target), -1)
        for number, place, source in plan:
            value[place] = whole[boxes[number]][source]
        assert (value == -1).sum() == missing
        assert ((value == whole[target]) | (value == -1)).all()


@pytest.mark.parametrize(
    ("name", "text", "key"),
    [
        # As in files of TensorFlow 2.21.
        (b"fixed0", "0,4:0,4", b"\x00fixed0\x00\x01\x01\x02\x80\x84\x80\x84"),
        (b"fixed0", "4,3:0,4", b"\x00fixed0\x00\x01\x01\x02\x84\x83\x80\x84"),
        # By hand: the escapes; all of a dimension; numbers of one, two and three bytes.
        (b"a\x00\xffb", "-", b"\x00a\x00\xff\xff\x00b\x00\x01\x01\x01\x80\x7f"),
        (b"", "63,64:8191,8192", b"\x00\x00\x01\x01\x02\xbf\xc0\x40\xdf\xff\xe0\x20\x00"),
        (b"", "", b"\x00\x00\x01\x00"),
    ],
)
def test_known_keys(name: bytes, text: str, key: bytes) -> None:
    assert encode_slice_key(name, TensorSlice.parse(text)) == key
    assert is_slice_key(key)


@given(
    st.tuples(st.binary(max_size=5), st.integers(0, 2**63 - 1)),
    st.tuples(st.binary(max_size=5), st.integers(0, 2**63 - 1)),
)
def test_keys_sort_as_what_they_stand_for(a: tuple[bytes, int], b: tuple[bytes, int]) -> None:
    keys = [encode_slice_key(name, TensorSlice(((start, -1),))) for name, start in (a, b)]
    assert (keys[0] < keys[1]) == (a < b)
    assert (keys[0] == keys[1]) == (a == b)
