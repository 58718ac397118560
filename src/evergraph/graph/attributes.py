"""Attribute values: AttrValue messages <-> the plain Python values that ops and shape rules work with.

========== =================================================================
kind       in Python
========== =================================================================
int, float int, float
bool       bool
string     str (bytes that are not UTF-8 survive as surrogate escapes)
type       DType
shape      Dims: None, or a tuple of int/None
tensor     TensorProto
func       NameAttrList
list(...)  a tuple of the above
========== =================================================================
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evergraph.formats import dtypes
from evergraph.formats.protos import AttrValue, NameAttrList, TensorProto
from evergraph.graph.shape import as_dims, dims_to_proto
from evergraph.graph.signature import Attr


def to_text(value: bytes) -> str:
    """Bytes of a message as str, losslessly."""
    return value.decode("utf-8", "surrogateescape")


def to_bytes(value: str | bytes) -> bytes:
    """The inverse of ``to_text``; bytes pass."""
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value


def _same(value: Any) -> Any:
    return value


_FIELDS = {
    "int": "i", "float": "f", "bool": "b", "string": "s", "type": "type", "shape": "shape",
    "tensor": "tensor", "func": "func",
}  # fmt: skip
_SPELLED = {field: kind for kind, field in _FIELDS.items()}
_DECODE: dict[str, Callable[[Any], Any]] = {
    "i": int, "f": float, "b": bool, "s": to_text, "type": dtypes.as_dtype, "shape": as_dims,
    "tensor": _same, "func": _same,
}  # fmt: skip


def decode(message: Any) -> Any:
    """The Python value of an AttrValue. An empty list, of which the message tells no kind, is ``()``."""
    field = message.WhichOneof("value")
    if field is None:
        return None
    if field == "list":
        for descriptor, values in message.list.ListFields():
            read = _DECODE[descriptor.name]
            return tuple(read(value) for value in values)
        return ()
    if field == "placeholder":
        return message
    return _DECODE[field](getattr(message, field))


def decode_as(attr: Attr, message: Any) -> Any:
    """The Python value of an AttrValue of a file, where ``attr`` is expected. TypeError for one of another kind."""
    field = message.WhichOneof("value")
    wanted = _FIELDS.get(attr.kind.removeprefix("list(").removesuffix(")"))
    if attr.is_list:
        fits = field in (None, "list") and all(
            descriptor.name == wanted for descriptor, _ in message.list.ListFields()
        )
    else:
        fits = field is not None and field == wanted
    if not fits:
        found = "no value" if field is None else f"a value of type '{_SPELLED.get(field, field)}'"
        raise TypeError(f"attribute '{attr.name}' has {found} where '{attr.kind}' is expected")
    return decode(message)


def encode(kind: str, value: Any, into: Any) -> None:
    """Writes ``value`` of ``kind`` into the AttrValue ``into``. AttrValue messages are copied as they are."""
    if isinstance(value, AttrValue):
        into.CopyFrom(value)
    elif kind.startswith("list("):
        field = _FIELDS[kind[5:-1]]
        into.list.SetInParent()
        items = getattr(into.list, field)
        if field == "shape":
            for dims in value:
                dims_to_proto(dims, items.add())
        elif field in ("tensor", "func"):
            items.extend(value)
        else:
            items.extend(_plain(field, item) for item in value)
    elif kind == "shape":
        into.shape.SetInParent()
        dims_to_proto(value, into.shape)
    elif kind in ("tensor", "func"):
        getattr(into, _FIELDS[kind]).CopyFrom(value)
    else:
        setattr(into, _FIELDS[kind], _plain(_FIELDS[kind], value))


def _plain(field: str, value: Any) -> Any:
    if field == "s":
        return to_bytes(value)
    return value.as_datatype_enum if field == "type" else value


def normalize(attr: Attr, value: Any, op_name: str) -> Any:
    """``value``, as a caller gave it, as the Python value of ``attr``.

    Raises TypeError or ValueError, with the op's and the attribute's name, where it is of another kind or not allowed.
    """
    if isinstance(value, AttrValue):
        value = decode(value)
    try:
        if attr.is_list:
            one = attr.kind[5:-1]
            if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
                raise TypeError(f"expected a list of {one}, got {value!r}")
            value = tuple(_convert(one, item) for item in value)
        else:
            value = _convert(attr.kind, value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{op_name}: attribute '{attr.name}': {error}") from None
    check(attr, value, op_name)
    return value


def check(attr: Attr, value: Any, op_name: str) -> None:
    """Raises TypeError (types) or ValueError (strings, numbers, lengths) where ``value`` is not allowed."""
    if attr.allowed is not None:
        for item in value if attr.is_list else (value,):
            if item not in attr.allowed:
                _refuse(attr, item, op_name)
    if attr.minimum is not None:
        size = len(value) if attr.is_list else value
        if size < attr.minimum:
            what = f"length {size}" if attr.is_list else str(size)
            raise ValueError(
                f"Attr '{attr.name}' of '{op_name}' Op passed {what} less than minimum {attr.minimum}."
            )


def _refuse(attr: Attr, item: Any, op_name: str) -> None:
    allowed = attr.allowed or ()
    if attr.kind.endswith("type") or attr.kind == "list(type)":
        names = ", ".join(kind.name for kind in allowed)
        raise TypeError(
            f"Value passed to parameter '{attr.name}' of '{op_name}' has DataType {item.name} "
            f"not in list of allowed values: {names}"
        )
    quoted = ", ".join(f'"{text}"' for text in allowed)
    raise ValueError(
        f"Attr '{attr.name}' of '{op_name}' Op passed string '{item}' not in: {quoted}."
    )


def _convert(kind: str, value: Any) -> Any:
    if kind == "type":
        return dtypes.as_dtype(value).base_dtype
    if kind == "shape":
        return as_dims(value)
    if kind == "string":
        if isinstance(value, bytes):
            return to_text(value)
        if not isinstance(value, str):
            raise TypeError(f"expected a string, got {value!r}")
        return value
    if kind == "bool":
        if isinstance(value, (str, bytes)):
            raise TypeError(f"expected bool, got {value!r}")
        return bool(value)
    if kind == "int":
        if isinstance(value, (str, bytes)):
            raise TypeError(f"expected int, got {value!r}")
        whole = int(value)
        if whole != value:
            raise TypeError(f"expected int, got {value!r}")
        return whole
    if kind == "float":
        if isinstance(value, (str, bytes)):
            raise TypeError(f"expected float, got {value!r}")
        return float(value)
    if kind == "tensor":
        if not isinstance(value, TensorProto):
            raise TypeError(f"expected a TensorProto, got {type(value).__name__}")
        return value
    return _function(value)


def _function(value: Any) -> Any:
    if isinstance(value, NameAttrList):
        return value
    if isinstance(value, (str, bytes)):
        return NameAttrList(name=value)
    if hasattr(value, "name"):
        return NameAttrList(name=value.name)
    raise TypeError(f"expected a function or its name, got {value!r}")
