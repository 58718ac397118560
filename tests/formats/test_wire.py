"""The wire format: round trips, and bytes that are none."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evergraph.formats import wire


@given(st.integers(0, 2**64 - 1), st.binary(max_size=4))
def test_varint_round_trip(value: int, before: bytes) -> None:
    data = before + wire.encode_varint(value) + b"\xff"
    assert wire.decode_varint(data, len(before)) == (value, len(data) - 1)


@pytest.mark.parametrize(
    ("value", "data"), [(0, b"\0"), (127, b"\x7f"), (128, b"\x80\x01"), (300, b"\xac\x02")]
)
def test_known_varints(value: int, data: bytes) -> None:
    assert wire.encode_varint(value) == data


@pytest.mark.parametrize("data", [b"", b"\x80", b"\xff" * 9])
def test_cut_varint(data: bytes) -> None:
    with pytest.raises(wire.WireError, match="cut off"):
        wire.decode_varint(data, 0)


@pytest.mark.parametrize("data", [b"\xff" * 10, b"\xff" * 11, b"\xff" * 9 + b"\x02"])
def test_long_varint(data: bytes) -> None:
    with pytest.raises(wire.WireError, match="longer than 64 bits"):
        wire.decode_varint(data, 0)


field = st.one_of(
    st.tuples(st.just(wire.VARINT), st.integers(-(2**63), 2**63 - 1)),
    st.tuples(st.just(wire.BYTES), st.binary(max_size=300)),
    st.tuples(st.just(wire.FIXED32), st.integers(0, 2**32 - 1)),
)


@given(st.lists(st.tuples(st.integers(1, 2**29 - 1), field)))
def test_fields_round_trip(message: list[tuple[int, tuple[int, int | bytes]]]) -> None:
    write = {
        wire.VARINT: wire.varint_field,
        wire.BYTES: wire.bytes_field,
        wire.FIXED32: wire.fixed32_field,
    }
    data = b"".join(write[code](number, value) for number, (code, value) in message)  # type: ignore[operator]
    read = [
        (number, (code, wire.signed(value) if code == wire.VARINT else value))  # type: ignore[arg-type]
        for number, code, value in wire.fields(data)
    ]
    assert read == message


@given(st.binary(max_size=200))
def test_any_bytes_are_fields_or_a_wire_error(data: bytes) -> None:
    with contextlib.suppress(wire.WireError):
        assert all(number > 0 for number, _, _ in wire.fields(data))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x0a\x05abc", "field 1 is cut off"),
        (b"\x0d\x01", "field 1 is cut off"),
        (b"\x0b", "wire type 3"),
        (b"\x00\x00", "no field number"),
        (b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "cut off"),
    ],
)
def test_bad_messages(data: bytes, words: str) -> None:
    with pytest.raises(wire.WireError, match=words):
        list(wire.fields(data))


def test_fixed64() -> None:
    assert list(wire.fields(b"\x09" + bytes(range(8)))) == [
        (1, wire.FIXED64, int.from_bytes(bytes(range(8)), "little"))
    ]
