"""The signature of an op: names, types and attributes, read from the grammar that TensorFlow writes OpDefs in.

A signature is ``"values: N * T, axis: Tidx -> output: T"``: input arguments, an arrow, output arguments. The type of an
argument is

* a type name (``float``, ``int32``, ``string``, ``resource`` ...): fixed,
* the name of a ``type`` attribute (``T``): one tensor of that type,
* the name of a ``list(type)`` attribute (``Tlist``): one tensor for each type in it,
* ``N * T``: as many tensors of one type as the ``int`` attribute ``N`` says,
* ``Ref(T)``: a reference (the cell of a variable, not its value).

An attribute is given by its default (``transpose_a=False``, ``axis=0``), or by a string in OpDef's grammar:
``"type"``, ``"{half, float}"``, ``"{int32, int64} = DT_INT32"``, ``"list(int) >= 4"``, ``"{'SAME', 'VALID'}"``,
``"int >= 1"``, ``"string = ''"``, ``"list(int) = [1, 1]"``, ``"func"``, ``"shape"``,
``"tensor = { dtype: DT_INT32 int_val: 1 }"``.

Source of the grammar: the Attr/Input/Output documentation of TensorFlow's op registration (core/framework/op.h).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from evergraph.formats import dtypes
from evergraph.formats.dtypes import DType

_KINDS = ("string", "int", "float", "bool", "type", "shape", "tensor", "func")
_TYPE_GROUPS = {
    "numbertype": (
        "float double int32 uint8 int16 int8 complex64 int64 qint8 quint8 qint32 bfloat16 qint16 quint16 "
        "uint16 complex128 half uint32 uint64"
    ),
    "realnumbertype": "float double int32 uint8 int16 int8 int64 bfloat16 uint16 half uint32 uint64",
    "quantizedtype": "qint8 quint8 qint16 quint16 qint32",
}
NO_DEFAULT: Any = type("NoDefault", (), {"__repr__": lambda self: "NO_DEFAULT"})()


@dataclass(frozen=True, slots=True)
class Attr:
    """One attribute: its kind (``int``, ``list(type)`` ...), default, and what its values are limited to."""

    name: str
    kind: str
    default: Any = NO_DEFAULT
    allowed: tuple[Any, ...] | None = None
    minimum: int | None = None

    @property
    def is_list(self) -> bool:
        return self.kind.startswith("list(")


@dataclass(frozen=True, slots=True)
class Arg:
    """One input or output argument. Exactly one of dtype, type_attr, type_list_attr says what its type is."""

    name: str
    dtype: DType | None = None
    type_attr: str | None = None
    type_list_attr: str | None = None
    number_attr: str | None = None
    is_ref: bool = False

    @property
    def is_list(self) -> bool:
        return self.number_attr is not None or self.type_list_attr is not None

    def dtypes(self, attrs: Mapping[str, Any]) -> tuple[DType, ...]:
        """The types of the tensors that this argument stands for, given the op's attributes."""
        if self.type_list_attr is not None:
            kinds: tuple[DType, ...] = tuple(attrs[self.type_list_attr])
        else:
            one = self.dtype if self.dtype is not None else attrs[self.type_attr]  # type: ignore[index]
            kinds = (one,) * (attrs[self.number_attr] if self.number_attr is not None else 1)
        return tuple(kind._as_ref for kind in kinds) if self.is_ref else kinds

    def count(self, attrs: Mapping[str, Any]) -> int:
        """How many tensors this argument stands for."""
        if self.type_list_attr is not None:
            return len(attrs[self.type_list_attr])
        return attrs[self.number_attr] if self.number_attr is not None else 1


@dataclass(frozen=True, slots=True)
class Signature:
    """What an OpDef says of an op, without its behaviour."""

    name: str
    inputs: tuple[Arg, ...]
    outputs: tuple[Arg, ...]
    attrs: Mapping[str, Attr]

    @classmethod
    def parse(cls, name: str, text: str, attrs: Mapping[str, Any]) -> Signature:
        """Reads the grammar above. Raises ValueError where it is not followed."""
        parsed = {key: _parse_attr(key, value) for key, value in attrs.items()}
        before, arrow, after = text.partition("->")
        if not arrow:
            raise ValueError(f"{name}: a signature needs '->': {text!r}")
        return cls(
            name,
            tuple(_parse_arg(part, parsed) for part in _split(before)),
            tuple(_parse_arg(part, parsed) for part in _split(after)),
            parsed,
        )


def _split(text: str) -> Iterator[str]:
    return (part.strip() for part in text.split(",") if part.strip())


def _parse_arg(text: str, attrs: Mapping[str, Attr]) -> Arg:
    name, colon, spec = (part.strip() for part in text.partition(":"))
    if not colon:
        raise ValueError(f"an argument is 'name: type', not {text!r}")
    is_ref = spec.startswith("Ref(")
    if is_ref:
        spec = spec[4:-1].strip()
    number, star, kind = (part.strip() for part in spec.rpartition("*"))
    number_attr = number if star else None
    if kind in attrs:
        if attrs[kind].kind == "list(type)":
            return Arg(name, type_list_attr=kind, is_ref=is_ref)
        return Arg(name, type_attr=kind, number_attr=number_attr, is_ref=is_ref)
    return Arg(name, dtype=_dtype(kind), number_attr=number_attr, is_ref=is_ref)


def _dtype(name: str) -> DType:
    name = name.strip()
    if name.startswith("DT_"):
        name = name[3:].lower()
    return dtypes.from_op_type_name(name)


_ATTR = re.compile(
    r"\s*(?P<list>list\()?\s*(?P<body>\{[^}]*\}|\w+)\s*(?(list)\))\s*"
    r"(?:>=\s*(?P<minimum>-?\d+))?\s*(?:=\s*(?P<default>.*))?$",
    re.DOTALL,
)


def _parse_attr(name: str, value: Any) -> Attr:
    if not isinstance(value, str):
        return Attr(name, _kind_of_default(name, value), value)
    match = _ATTR.match(value)
    if match is None:
        raise ValueError(f"attribute {name}: cannot read {value!r}")
    kind, allowed = _parse_kind(name, match["body"])
    if match["list"]:
        kind = f"list({kind})"
    default = NO_DEFAULT if match["default"] is None else _parse_default(kind, match["default"])
    minimum = None if match["minimum"] is None else int(match["minimum"])
    return Attr(name, kind, default, allowed, minimum)


def _kind_of_default(name: str, value: Any) -> str:
    for python_type, kind in ((bool, "bool"), (int, "int"), (float, "float"), (DType, "type")):
        if isinstance(value, python_type):
            return kind
    raise ValueError(f"attribute {name}: write {value!r} as a string in OpDef's grammar")


def _parse_kind(name: str, body: str) -> tuple[str, tuple[Any, ...] | None]:
    if body.startswith("{"):
        items = [item.strip() for item in body[1:-1].split(",") if item.strip()]
        if items[0][0] in "'\"":
            return "string", tuple(ast.literal_eval(item) for item in items)
        return "type", tuple(_dtype(item) for item in items)
    if body in _TYPE_GROUPS:
        return "type", tuple(_dtype(item) for item in _TYPE_GROUPS[body].split())
    if body not in _KINDS:
        raise ValueError(f"attribute {name}: unknown kind {body!r}")
    return body, None


def _parse_default(kind: str, text: str) -> Any:
    text = text.strip()
    if kind == "type":
        return _dtype(text)
    if kind == "list(type)":
        return tuple(_dtype(item) for item in _split(text.strip("[]")))
    if kind in ("bool", "list(bool)"):
        text = text.replace("true", "True").replace("false", "False")
    if kind == "shape":
        return (
            None
            if text in ("<unknown>", "{ unknown_rank: true }")
            else tuple(ast.literal_eval(text))
        )
    if kind == "tensor":
        from evergraph.formats.message_text import parse_text
        from evergraph.formats.protos import TensorProto

        return parse_text(text[1:-1], TensorProto())
    value = ast.literal_eval(text)
    return tuple(value) if isinstance(value, list) else value
