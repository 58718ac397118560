"""Messages as protobuf text: `.pbtxt` files, and what `print(graph_def)` shows.

    node {
      name: "x"
      op: "Placeholder"
      attr {
        key: "dtype"
        value {
          type: DT_FLOAT
        }
      }
    }

Written here is what TensorFlow up to 2.15 writes, byte for byte, with every protobuf: that
library has changed its mind about floats and letters more than once.  Read here, fast, is
text of that usual form, one field a line; any other text goes to the protobuf library,
which also finds the words where it is wrong.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from evergraph.errors import InvalidValueError
from evergraph.formats import protos
from evergraph.formats.message_walk import MOST_NESTED
from evergraph.formats.text_escape import quote, unquote

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"-?(?:[0-9]+(?:\.[0-9]*)?(?:e[-+]?[0-9]+)?|inf|nan)")
_FLOAT32 = struct.Struct("<f")

# FieldDescriptor.type, which is the same in every protobuf.
_TYPE_DOUBLE, _TYPE_FLOAT, _TYPE_BOOL, _TYPE_STRING = 1, 2, 8, 9
_TYPE_MESSAGE, _TYPE_BYTES, _TYPE_ENUM = 11, 12, 14


class _Field(NamedTuple):
    """What printing and parsing need to know of a field, worked out once."""

    name: str
    repeated: bool
    is_map: bool
    message: Any  # the descriptor of the message that it holds, or None
    write: Callable[[Any], str]
    read: Callable[[str], Any]  # gives None for what it does not understand


def to_text(message: Any, *, exact_floats: bool = False) -> str:
    """The text of a message.

    Args:
        message: any protobuf message.
        exact_floats: write all digits of a 32-bit float's value (0.10000000149011612), as
            `tf.train.write_graph` does, rather than as many as tell it apart (0.1).
    """
    lines: list[str] = []
    _print(message, "", lines, exact_floats)
    return "".join(lines)


def parse_text(text: str, message: Any) -> Any:
    """Reads text into a message, over what it holds, and returns it.

    Raises:
        InvalidValueError: if the text is not the text of such a message; it begins with
            line and column.
    """
    kind = type(message)
    parsed = kind()
    if not _parse_usual(text, parsed):
        from google.protobuf import text_format
        from google.protobuf.message import EncodeError

        parsed = kind()
        try:
            text_format.Merge(text, parsed, descriptor_pool=protos.pool())
            parsed.SerializeToString()  # which protobuf does not do of what is nested too deeply
        except text_format.ParseError as error:
            raise InvalidValueError(None, None, str(error)) from None
        except (RecursionError, EncodeError):
            raise InvalidValueError(
                None, None, f"1:1 : Messages are nested more than {MOST_NESTED} deep."
            ) from None
    message.MergeFrom(parsed)
    return message


# ---------------------------------------------------------------------------------- writing


def _print(message: Any, indent: str, lines: list[str], exact: bool) -> None:
    if message.DESCRIPTOR.full_name == "google.protobuf.Any" and _print_any(
        message, indent, lines, exact
    ):
        return
    for descriptor, value in message.ListFields():
        field = _field(descriptor)
        if field.is_map:
            _print_map(field, value, indent, lines, exact)
        elif field.message is not None:
            for each in value if field.repeated else (value,):
                _print_block(field.name, each, indent, lines, exact)
        else:
            write = repr if exact and descriptor.type == _TYPE_FLOAT else field.write
            start = f"{indent}{field.name}: "
            for each in value if field.repeated else (value,):
                lines.append(f"{start}{write(each)}\n")


def _print_block(name: str, message: Any, indent: str, lines: list[str], exact: bool) -> None:
    lines.append(f"{indent}{name} {{\n")
    _print(message, indent + "  ", lines, exact)
    lines.append(f"{indent}}}\n")


def _print_map(field: _Field, values: Any, indent: str, lines: list[str], exact: bool) -> None:
    """A map is entries with a key and a value, sorted; zeros and empty strings are left out."""
    key_field, value_field = (_field(each) for each in field.message.fields)
    for key in sorted(values):
        lines.append(f"{indent}{field.name} {{\n")
        if key:
            lines.append(f"{indent}  key: {key_field.write(key)}\n")
        if value_field.message is not None:
            _print_block("value", values[key], indent + "  ", lines, exact)
        elif values[key]:
            lines.append(f"{indent}  value: {value_field.write(values[key])}\n")
        lines.append(f"{indent}}}\n")


def _print_any(message: Any, indent: str, lines: list[str], exact: bool) -> bool:
    """Writes the message inside an Any, if it is of a known type and whole."""
    from google.protobuf.message import DecodeError
    from google.protobuf.message_factory import GetMessageClass

    prefix, slash, name = message.type_url.rpartition("/")
    try:
        inside = GetMessageClass(protos.pool().FindMessageTypeByName(name))()
        inside.ParseFromString(message.value)
    except (KeyError, DecodeError):
        return False
    _print_block(f"[{prefix}{slash}{name}]", inside, indent, lines, exact)
    return bool(slash)


def _shortest(value: float) -> str:
    """The fewest digits, six or more, that give the same 32-bit float."""
    if not math.isfinite(value):
        return repr(value)
    for digits in (6, 7, 8):
        rounded = float(f"{value:.{digits}g}")
        try:
            if _FLOAT32.unpack(_FLOAT32.pack(rounded))[0] == value:
                return repr(rounded)
        except OverflowError:  # the largest floats, rounded up
            continue
    return repr(float(f"{value:.9g}"))


# ---------------------------------------------------------------------------------- reading


class _Entry:
    """An entry of a map that is being read: its key comes first, then its value goes in."""

    __slots__ = ("filled", "key", "keyed", "values")

    def __init__(self, values: Any, field: _Field) -> None:
        self.values = values
        key_type = field.message.fields_by_name["key"].type
        self.key: Any = "" if key_type == _TYPE_STRING else 0
        self.keyed = False
        self.filled = False

    def open(self) -> Any:
        """The message that is the value."""
        self.filled = True
        return self.values[self.key]

    def take(self, name: str, value: Any) -> bool:
        """Takes `key` or `value`; False if it is not its turn, or not the first of its key."""
        if name == "key":
            self.key = value
            in_turn = not self.keyed and not self.filled and value not in self.values
            self.keyed = True
            return in_turn
        if self.filled:
            return False
        self.values[self.key] = value
        self.filled = True
        return True


def _parse_usual(text: str, message: Any) -> bool:
    """Reads text of the usual form; False, with the message half filled, if it is another."""
    # What is open: a message, or else an entry of a map.
    stack: list[tuple[Any, _Entry | None, dict[str, _Field]]] = []
    entry: _Entry | None = None
    fields = _fields(message.DESCRIPTOR)
    for line in text.split("\n"):
        line = line.strip()
        if line.endswith("{"):
            field = fields.get(line[:-1].rstrip())
            if field is None or field.message is None:
                return False
            if len(stack) >= MOST_NESTED:
                return False
            stack.append((message, entry, fields))
            fields = _fields(field.message)
            if entry is not None:
                if entry.filled:
                    return False
                message, entry = entry.open(), None
            elif field.is_map:
                message, entry = None, _Entry(getattr(message, field.name), field)
            elif field.repeated:
                message = getattr(message, field.name).add()
            else:
                message = getattr(message, field.name)
                message.SetInParent()
        elif line == "}":
            if not stack or (entry is not None and not entry.filled):
                return False
            message, entry, fields = stack.pop()
        elif line:
            name, _, written = line.partition(": ")
            field = fields.get(name)
            if field is None or field.message is not None:
                return False
            value = field.read(written)
            if value is None:
                return False
            try:
                if entry is not None:
                    if not entry.take(name, value):
                        return False
                elif field.repeated:
                    getattr(message, name).append(value)
                else:
                    setattr(message, name, value)
            except (TypeError, ValueError):  # out of range: protobuf's parser says so best
                return False
    return not stack


# ------------------------------------------------------------------------- facts about fields


@cache
def _fields(descriptor: Any) -> dict[str, _Field]:
    return {each.name: _field(each) for each in descriptor.fields}


@cache
def _field(descriptor: Any) -> _Field:
    repeated = getattr(descriptor, "is_repeated", None)
    if repeated is None:  # protobuf before 6
        repeated = descriptor.label == 3
    message = descriptor.message_type
    write, read = _codec(descriptor)
    return _Field(
        descriptor.name,
        repeated,
        message is not None and message.GetOptions().map_entry,
        message,
        write,
        read,
    )


def _codec(descriptor: Any) -> tuple[Callable[[Any], str], Callable[[str], Any]]:
    kind = descriptor.type
    if kind == _TYPE_STRING:
        return lambda value: quote(value.encode()), _read_string
    if kind == _TYPE_BYTES:
        return quote, unquote
    if kind == _TYPE_BOOL:
        return lambda value: "true" if value else "false", {"true": True, "false": False}.get
    if kind == _TYPE_ENUM:
        by_name = {value.name: value.number for value in descriptor.enum_type.values}
        by_number = {value.number: value.name for value in reversed(descriptor.enum_type.values)}
        return lambda value: by_number.get(value) or str(value), by_name.get
    if kind in (_TYPE_FLOAT, _TYPE_DOUBLE):
        return _shortest if kind == _TYPE_FLOAT else repr, _read_float
    return str, _read_integer


def _read_string(text: str) -> str | None:
    data = unquote(text)
    try:
        return None if data is None else data.decode()
    except UnicodeDecodeError:
        return None


def _read_float(text: str) -> float | None:
    return float(text) if _FLOAT.fullmatch(text) else None


def _read_integer(text: str) -> int | None:
    return int(text) if _INTEGER.fullmatch(text) else None
