"""Changing the element type: by value (Cast), or by reading the same bytes anew (Bitcast)."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats import dtypes
from evergraph.formats.dtypes import DType
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.scopes import name_scope
from evergraph.graph.shape import text
from evergraph.graph.tensor import Tensor
from evergraph.ops import shape_rules
from evergraph.ops.indexed_slices import IndexedSlices

_FLOATING = (
    dtypes.float16,
    dtypes.float32,
    dtypes.float64,
    dtypes.bfloat16,
    dtypes.complex64,
    dtypes.complex128,
)


@op("Cast", "x: SrcT -> y: DstT", SrcT="type", DstT="type", Truncate=False)
class Cast:
    """Numbers too large for an integer type become what the machine makes of them."""

    shape = shape_rules.unchanged

    def compute(xp, x, *, SrcT, DstT, Truncate):
        if SrcT is DstT:
            return x
        if SrcT.is_complex or SrcT.is_quantized or DstT.is_quantized or Truncate or not DstT.size:
            return _cast_specially(xp, x, SrcT, DstT, Truncate)
        try:
            return x.astype(DstT.as_numpy_dtype)
        except TypeError:
            # The types of four bits do not know each other.
            return x.astype(xp.int8).astype(DstT.as_numpy_dtype)

    def gradient(op, grad):
        source = op.inputs[0].dtype.base_dtype
        if source in _FLOATING and grad.dtype.base_dtype in _FLOATING:
            # Of a complex gradient only the real part counts; no word about it.
            return _cast(grad, source, None)
        return None


def _cast_specially(xp, x, source, target, truncate):
    if not (source.size and target.size):
        raise errors.UnimplementedError(
            None, None, f"Cast {source.name} to {target.name} is not supported"
        )
    if source.is_complex and not target.is_complex:
        x, source = x.real, source.real_dtype
    elif x.dtype.names:
        x = x[x.dtype.names[0]]
    if target.is_quantized:
        kind = target.as_numpy_dtype
        numbers = x.astype(kind[0])
        # A compiler knows quantized numbers as the integers that they are.
        return np.asarray(numbers).view(kind) if xp is np else numbers
    lost = _FRACTION_BITS.get(source, 0) - _FRACTION_BITS.get(target, 52)
    if truncate and lost > 0 and _is_cut(source, target):
        bits = x.view(f"u{x.dtype.itemsize}")
        x = (bits & ~bits.dtype.type((1 << lost) - 1)).view(x.dtype)
    return x.astype(target.as_numpy_dtype)


def _is_cut(source, target):
    """Where TensorFlow heeds ``Truncate``; elsewhere it rounds all the same."""
    if target is dtypes.bfloat16:
        return source is dtypes.float32
    return source.size > target.size


#: What ``Truncate`` cuts off is the difference.
_FRACTION_BITS = {
    dtypes.float64: 52,
    dtypes.float32: 23,
    dtypes.float16: 10,
    dtypes.bfloat16: 7,
    dtypes.float8_e4m3fn: 3,
    dtypes.float8_e5m2: 2,
}


def cast(x: Any, dtype: Any, name: str | None = None) -> Any:
    """``x`` with elements of ``dtype``; ``x`` itself where they are. IndexedSlices stay such.

    Floating point to integer rounds towards zero; to bool asks for "not 0"; complex to real drops
    the imaginary part.
    """
    if _is_complex(x) and dtypes.as_dtype(dtype).is_floating:
        warnings.warn(
            f"Casting complex numbers to {dtypes.as_dtype(dtype).name} discards the imaginary part.",
            stacklevel=2,
        )
    return _cast(x, dtypes.as_dtype(dtype).base_dtype, name)


def _is_complex(x: Any) -> bool:
    kind = getattr(x, "dtype", None)
    if isinstance(kind, DType):
        return kind.is_complex
    return isinstance(x, (complex, np.ndarray, np.generic)) and np.iscomplexobj(x)


def _cast(x: Any, kind: DType, name: str | None) -> Any:
    if getattr(x, "dtype", None) is kind and (isinstance(x, Tensor) or hasattr(x, "handle")):
        return x
    with name_scope(name, "Cast", [x]) as scope:
        if isinstance(x, IndexedSlices):
            return IndexedSlices(_cast(x.values, kind, scope), x.indices, x.dense_shape)
        x = convert_to_tensor(x, name="x")
        return x if x.dtype == kind else Cast(x, DstT=kind, name=scope)


def to_float(x: Any, name: str | None = "ToFloat") -> Any:
    """``x`` as float32."""
    return cast(x, dtypes.float32, name=name)


def to_double(x: Any, name: str | None = "ToDouble") -> Any:
    """``x`` as float64."""
    return cast(x, dtypes.float64, name=name)


def to_int32(x: Any, name: str | None = "ToInt32") -> Any:
    """``x`` as int32."""
    return cast(x, dtypes.int32, name=name)


def to_int64(x: Any, name: str | None = "ToInt64") -> Any:
    """``x`` as int64."""
    return cast(x, dtypes.int64, name=name)


def to_bfloat16(x: Any, name: str | None = "ToBFloat16") -> Any:
    """``x`` as bfloat16."""
    return cast(x, dtypes.bfloat16, name=name)


def to_complex64(x: Any, name: str | None = "ToComplex64") -> Any:
    """``x`` as complex64."""
    return cast(x, dtypes.complex64, name=name)


def to_complex128(x: Any, name: str | None = "ToComplex128") -> Any:
    """``x`` as complex128."""
    return cast(x, dtypes.complex128, name=name)


def saturate_cast(value: Any, dtype: Any, name: str | None = None) -> Any:
    """``value`` as ``dtype``, where what would not fit becomes the nearest that does."""
    from evergraph.ops.clip import ClipByValue
    from evergraph.ops.complex_numbers import real

    with name_scope(name, "saturate_cast", [value]) as scope:
        value = convert_to_tensor(value, name="value")
        kind = dtypes.as_dtype(dtype).base_dtype
        source = value.dtype.base_dtype
        if source.is_complex and kind.is_complex:
            least, most = kind.real_dtype.min, kind.real_dtype.max
            if source.real_dtype.min < least or source.real_dtype.max > most:
                low = convert_to_tensor(complex(least, least), dtype=source)
                high = convert_to_tensor(complex(most, most), dtype=source)
                value = ClipByValue(value, low, high, name="clamp")
            return cast(value, kind, name=scope)
        if source.is_complex:
            warnings.warn("Casting complex to real discards the imaginary part.", stacklevel=2)
            value = real(value)
            source = source.real_dtype
        low, high = _limits(source, kind.real_dtype)
        if low is not None:
            value = ClipByValue(
                value,
                convert_to_tensor(low, dtype=source),
                convert_to_tensor(high, dtype=source),
                name="clamp",
            )
        return cast(value, kind, name=scope)


def _limits(source: DType, target: DType) -> tuple[Any, Any]:
    """The range of ``target`` in numbers of ``source``, or just inside of it; None where all fit."""
    # Python compares its own numbers exactly, of whatever kind they are.
    first, last, least, most = (
        one if isinstance(one, int) else float(one)
        for one in (source.min, source.max, target.min, target.max)
    )
    if least <= first and last <= most:
        return None, None
    number = source.as_numpy_dtype
    low, high = number(max(first, least)), number(min(last, most))
    if low.item() < least:
        low = np.nextafter(low, number(0))
    if high.item() > most:
        high = np.nextafter(high, number(0))
    return low, high


_BITS = (
    "{bfloat16, half, float, double, int64, int32, uint8, uint16, uint32, uint64, int8, "
    "int16, complex64, complex128, qint8, quint8, qint16, quint16, qint32}"
)


@op("Bitcast", "input: T -> output: type", T=_BITS, type=_BITS)
class Bitcast:
    """A last dimension of narrow elements makes, or is made of, a wide one."""

    def shape(c):
        dims = c.shape(0)
        if dims is None:
            return None
        before, after = c.dtype(0).size, c["type"].size
        if before >= after:
            return dims if before == after else (*dims, before // after)
        if not dims or dims[-1] not in (None, after // before):
            raise ValueError(
                f"Cannot bitcast {c.dtype(0).name} to {c['type'].name} due to shape: the last of "
                f"{text(dims)} must be {after // before}"
            )
        return dims[:-1]

    def compute(xp, input, *, T, type):
        kind = type.as_numpy_dtype
        if xp is not np and type.is_quantized:
            kind = kind[0]
        if T.size == type.size:
            return input.view(kind)
        if T.size > type.size:
            return input.reshape((*input.shape, 1)).view(kind)
        if input.shape[-1:] != (type.size // T.size,):
            raise errors.InvalidArgumentError(
                None,
                None,
                f"Cannot bitcast from {T.name} to {type.name}: the last of {text(input.shape)} "
                f"must be {type.size // T.size}",
            )
        if xp is np:
            input = np.ascontiguousarray(input)
        return input.view(kind).reshape(input.shape[:-1])


def bitcast(input: Any, type: Any, name: str | None = None) -> Tensor:
    """The bytes of ``input`` read as ``type``.

    A last dimension comes where its elements are narrower, and goes where they are wider.
    """
    return Bitcast(input, type=type, name=name)
