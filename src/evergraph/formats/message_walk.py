"""Walking over a serialized message: where its fields lie, and where it is damaged.

Protobuf says of a broken file that it is broken.  This says where, and in what.  Nothing is
copied, so that the first fields of a large file cost no more than those of a small one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from evergraph.formats.wire import BYTES, FIXED32, FIXED64, VARINT, WireError, decode_varint

MOST_NESTED = 100  # protobuf's own limit
_TYPE_STRING = 9
_FIXED = {FIXED32: 4, FIXED64: 8}


class Damage(Exception):
    """Bytes that are not a message.

    Attributes:
        offset: where the part begins that does not fit.
        reason: what is wrong with it, words for a sentence.
        number: of the field that is cut off, 0 if it is something else.
    """

    def __init__(self, offset: int, reason: str, number: int = 0) -> None:
        super().__init__(f"at byte {offset}: {reason}")
        self.offset = offset
        self.reason = reason
        self.number = number


class Span(NamedTuple):
    """A field: its number and wire type, where it begins, where its value begins and ends."""

    number: int
    code: int
    begin: int
    start: int
    end: int


def spans(data: bytes, start: int, end: int, *, whole: bool = True) -> Iterator[Span]:
    """The fields of the message in ``data[start:end]``, one after the other.

    Args:
        data: what holds the message.
        start: where the message begins.
        end: where it ends.
        whole: False if `data` may stop short of `end`: the walk stops there too, and the
            last field may reach beyond.

    Raises:
        Damage: at the first byte that is not part of a field.
    """
    position = start
    while position < end and (whole or position < len(data)):
        begin = position
        try:
            tag, value = decode_varint(data, position)
            number, code = tag >> 3, tag & 7
            if code == BYTES:
                length, value = decode_varint(data, value)
                position = value + length
            elif code == VARINT:
                _, position = decode_varint(data, value)
            elif code in _FIXED:
                position = value + _FIXED[code]
            else:
                raise Damage(begin, f"no field is of wire type {code}")
        except WireError as error:
            if not whole and len(data) - begin < 20:
                return  # two numbers may need as much
            raise Damage(begin, str(error)) from None
        if not 0 < number < 1 << 29:
            raise Damage(begin, f"{number} is no field number")
        if position > end:
            raise Damage(begin, f"should go on to byte {position}, past the end at {end}", number)
        yield Span(number, code, begin, value, position)


def find_damage(data: bytes, descriptor: Any) -> Damage | None:
    """The first place where `data` is not a message of this kind; None if there is none.

    Args:
        data: the whole message.
        descriptor: the protobuf descriptor of its kind.
    """
    try:
        _check(data, 0, len(data), descriptor, [])
    except Damage as damage:
        return damage
    return None


def _check(data: bytes, start: int, end: int, descriptor: Any, trail: list[str]) -> None:
    """Raises Damage where a field of known kind is not what it should be."""
    if len(trail) > MOST_NESTED:
        raise Damage(start, f"messages are nested more than {MOST_NESTED} deep")
    seen: Counter[int] = Counter()
    walk = spans(data, start, end)

    def place(number: int) -> str:
        field = descriptor.fields_by_number.get(number)
        name = field.name if field is not None else f"field {number}"
        return ".".join([*trail, f"{name}[{seen[number]}]"])

    while True:
        try:
            span = next(walk, None)
        except Damage as damage:
            if damage.number:
                raise Damage(damage.offset, f"{place(damage.number)} {damage.reason}") from None
            inside = f" (in {'.'.join(trail)})" if trail else ""
            raise Damage(damage.offset, damage.reason + inside) from None
        if span is None:
            return
        field = descriptor.fields_by_number.get(span.number)
        if field is None or span.code != BYTES:
            continue
        where = place(span.number)
        seen[span.number] += 1
        if field.message_type is not None:
            _check(data, span.start, span.end, field.message_type, [*trail, where.split(".")[-1]])
        elif field.type == _TYPE_STRING:
            try:
                data[span.start : span.end].decode()
            except UnicodeDecodeError as error:
                raise Damage(span.start + error.start, f"{where} is not UTF-8 text") from None
