"""Strings and what they stand for: numbers, raw bytes, base64."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.graph import room
from evergraph.graph.registry import op
from evergraph.graph.tensor import Tensor
from evergraph.ops.shape_rules import unchanged
from evergraph.ops.shaping import renamed
from evergraph.ops.strings import each


@op(
    "AsString",
    "input: T -> output: string",
    T=(
        "{float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64, "
        "complex64, complex128, bool, variant, string}"
    ),
    precision=-1,
    scientific=False,
    shortest=False,
    width=-1,
    fill="string = ''",
    host=True,
)
class AsString:
    shape = unchanged

    def compute(xp, input, *, precision, scientific, shortest, width, fill):
        value = np.asarray(input)
        pattern = _pattern(value.dtype, precision, scientific, shortest, width, fill)
        room.reserve(value.size * (max(width, 0) + max(precision, 0)))
        if value.dtype.kind == "b":
            return each(lambda x: b"true" if x else b"false", value)
        if value.dtype.kind == "O":
            # Python pads bytes as C does.
            return each(lambda x: pattern.encode() % x, value)
        if value.dtype.kind == "c":
            return each(lambda x: (f"({pattern},{pattern})" % (x.real, x.imag)).encode(), value)
        if value.dtype.kind not in "iu":
            value = value.astype(np.float64)
        return each(lambda x: (pattern % x).encode(), value)

    gradient = None


def _pattern(
    kind: Any, precision: int, scientific: bool, shortest: bool, width: int, fill: str
) -> str:
    """The format in C's language. Raises InvalidArgumentError for what makes no sense."""
    if scientific and shortest:
        raise errors.InvalidArgumentError(
            None, None, "Cannot select both scientific and shortest notation"
        )
    if len(fill) > 1:
        raise errors.InvalidArgumentError(
            None, None, f"Fill string must be one character: {fill!r}"
        )
    if fill and fill not in " +-0#":
        raise errors.InvalidArgumentError(None, None, f"Fill argument not supported: {fill!r}")
    is_number = kind.kind not in "biuO"
    if not is_number and (scientific or shortest or precision > -1):
        what = "precision" if precision > -1 else "scientific and shortest format"
        raise errors.InvalidArgumentError(None, None, f"{what} not supported for datatype {kind}")
    letter = {"O": "s", "i": "d", "u": "d"}.get(kind.kind) or (
        "e" if scientific else "g" if shortest else "f"
    )
    return (
        "%"
        + (fill if kind.kind != "O" or width > -1 else "")
        + (str(width) if width > -1 else "")
        + (f".{precision}" if precision > -1 else "")
        + letter
    )


def as_string(
    input: Any,
    precision: int = -1,
    scientific: bool = False,
    shortest: bool = False,
    width: int = -1,
    fill: str = "",
    name: str | None = None,
) -> Tensor:
    """The values as text, as C's printf writes them."""
    return AsString(
        input,
        precision=precision,
        scientific=scientific,
        shortest=shortest,
        width=width,
        fill=fill,
        name=name,
    )


_WHOLE = re.compile(rb"\s*(-?[0-9]+)\s*", re.ASCII)


@op(
    "StringToNumber",
    "string_tensor: string -> output: out_type",
    out_type="{float, double, int32, int64} = DT_FLOAT",
    host=True,
)
class StringToNumber:
    shape = unchanged

    def compute(xp, string_tensor, *, out_type):
        kind = np.dtype(out_type.as_numpy_dtype)
        parse = number_parser(kind)

        def parsed(text: bytes) -> Any:
            try:
                return parse(text)
            except ValueError:
                raise errors.InvalidArgumentError(
                    None,
                    None,
                    "StringToNumberOp could not correctly convert string: "
                    + text.decode("utf-8", "replace"),
                ) from None

        return each(parsed, string_tensor, dtype=kind)

    gradient = None


def number_parser(kind: np.dtype[Any]) -> Callable[[bytes], Any]:
    """What reads a number of type ``kind`` from text; it raises ValueError where the text is none."""
    return _float if kind.kind == "f" else _integer(np.iinfo(kind))


def _float(text: bytes) -> float:
    if b"_" in text:
        raise ValueError(text)
    if b"0x" in text.lower():
        return float.fromhex(text.decode())
    return float(text)


def _integer(limits: Any) -> Callable[[bytes], int]:
    def parse(text: bytes) -> int:
        match = _WHOLE.fullmatch(text)
        if match is None or not limits.min <= int(match[1]) <= limits.max:
            raise ValueError(text)
        return int(match[1])

    return parse


def string_to_number(
    string_tensor: Any = None,
    out_type: Any = dtypes.float32,
    name: str | None = None,
    input: Any = None,
) -> Tensor:
    """The numbers that the strings spell. Running it raises InvalidArgumentError where one spells none."""
    text = renamed("input", input, "string_tensor", string_tensor)
    return StringToNumber(text, out_type=out_type, name=name)


@op(
    "DecodeRaw",
    "bytes: string -> output: out_type",
    out_type=(
        "{half, float, double, int32, uint16, uint8, int16, int8, int64, complex64, complex128, bool, "
        "bfloat16}"
    ),
    little_endian=True,
    host=True,
)
class DecodeRaw:
    def shape(c):
        dims = c.shape(0)
        return None if dims is None else (*dims, None)

    def compute(xp, bytes, *, out_type, little_endian):
        texts = np.asarray(bytes, object)
        kind = np.dtype(out_type.as_numpy_dtype)
        lengths = {len(text) for text in texts.flat}
        if len(lengths) > 1:
            raise errors.InvalidArgumentError(
                None,
                None,
                "DecodeRaw requires input strings to all be the same size, but they have sizes "
                + ", ".join(map(str, sorted(lengths))),
            )
        length = lengths.pop() if lengths else 0
        if length % kind.itemsize:
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Input to DecodeRaw has length {length} that is not a multiple of {kind.itemsize}, "
                f"the size of {out_type.name}",
            )
        data = b"".join(texts.flat)
        units = kind.itemsize // 2 if kind.kind == "c" else kind.itemsize
        if not little_endian and units > 1:
            data = np.frombuffer(data, f"u{units}").byteswap().tobytes()
        return np.frombuffer(data, kind).reshape(*texts.shape, length // kind.itemsize)

    gradient = None


def decode_raw(
    input_bytes: Any = None,
    out_type: Any = None,
    little_endian: bool = True,
    name: str | None = None,
    bytes: Any = None,
) -> Tensor:
    """The bytes of each string as numbers of ``out_type``: one more dimension. Raises ValueError without a type."""
    data = renamed("input_bytes", input_bytes, "bytes", bytes)
    if out_type is None:
        raise ValueError("decode_raw() missing 1 positional argument: 'out_type'")
    return DecodeRaw(data, out_type=out_type, little_endian=little_endian, name=name)


@op("EncodeBase64", "input: string -> output: string", pad=False, host=True)
class EncodeBase64:
    shape = unchanged

    def compute(xp, input, *, pad):
        def encode(data):
            text = base64.urlsafe_b64encode(data)
            return text if pad else text.rstrip(b"=")

        return each(encode, input)

    gradient = None


def encode_base64(input: Any, pad: bool = False, name: str | None = None) -> Tensor:
    """The strings in base64 with the alphabet for addresses (``-`` and ``_``)."""
    return EncodeBase64(input, pad=pad, name=name)


_BASE64 = re.compile(rb"[A-Za-z0-9_-]*={0,2}")


@op("DecodeBase64", "input: string -> output: string", host=True)
class DecodeBase64:
    shape = unchanged

    def compute(xp, input):
        return each(_decoded, input)

    gradient = None


def _decoded(text: bytes) -> bytes:
    bare = text.rstrip(b"=")
    if _BASE64.fullmatch(text) is None or len(bare) % 4 == 1:
        raise errors.InvalidArgumentError(
            None,
            None,
            f"Invalid character found in base64: {text!r} (of the alphabet with - and _)",
        )
    return base64.urlsafe_b64decode(bare + b"=" * (-len(bare) % 4))


def decode_base64(input: Any, name: str | None = None) -> Tensor:
    """The strings that ``encode_base64`` had; padding may be there or not."""
    return DecodeBase64(input, name=name)
