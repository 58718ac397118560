"""Element types: TensorFlow's ``tf.DType``, its constants, and the ways to name one.

A type is known by four names, all of which appear in files and programs:

==========  =======================================  =====================
``1``       the number in ``DataType`` (types.proto)  protos, bundle entries
``float32`` the Python name                           programs, messages
``float``   the OpDef spelling                        op signatures
``np.float32``  the NumPy type                        arrays
==========  =======================================  =====================

A reference type (``float32_ref``, what a reference variable outputs) is the same type
with 100 added to its number.  There is exactly one ``DType`` object per number.

The types that NumPy lacks come from ``ml_dtypes``, which is imported only when one of
them is really needed.  Strings are NumPy object arrays of ``bytes``.
"""

from __future__ import annotations

import builtins
from typing import Any, Final

import numpy as np

_REF_OFFSET: Final = 100

# One row a type: number in DataType, Python name, OpDef spelling, kind, bytes per element.
# Kinds: f float, i integer, u unsigned, c complex, b bool, q quantized, s string, h handle.
# An upper-case kind means that the NumPy type lives in ml_dtypes.
_TABLE: Final = (
    (1, "float32", "float", "f", 4),
    (2, "float64", "double", "f", 8),
    (3, "int32", "int32", "i", 4),
    (4, "uint8", "uint8", "u", 1),
    (5, "int16", "int16", "i", 2),
    (6, "int8", "int8", "i", 1),
    (7, "string", "string", "s", 0),
    (8, "complex64", "complex64", "c", 8),
    (9, "int64", "int64", "i", 8),
    (10, "bool", "bool", "b", 1),
    (11, "qint8", "qint8", "q", 1),
    (12, "quint8", "quint8", "q", 1),
    (13, "qint32", "qint32", "q", 4),
    (14, "bfloat16", "bfloat16", "F", 2),
    (15, "qint16", "qint16", "q", 2),
    (16, "quint16", "quint16", "q", 2),
    (17, "uint16", "uint16", "u", 2),
    (18, "complex128", "complex128", "c", 16),
    (19, "float16", "half", "f", 2),
    (20, "resource", "resource", "h", 0),
    (21, "variant", "variant", "h", 0),
    (22, "uint32", "uint32", "u", 4),
    (23, "uint64", "uint64", "u", 8),
    (24, "float8_e5m2", "float8_e5m2", "F", 1),
    (25, "float8_e4m3fn", "float8_e4m3fn", "F", 1),
    (26, "float8_e4m3fnuz", "float8_e4m3fnuz", "F", 1),
    (27, "float8_e4m3b11fnuz", "float8_e4m3b11fnuz", "F", 1),
    (28, "float8_e5m2fnuz", "float8_e5m2fnuz", "F", 1),
    (29, "int4", "int4", "I", 1),
    (30, "uint4", "uint4", "U", 1),
    (31, "int2", "int2", "I", 1),
    (32, "uint2", "uint2", "U", 1),
    (33, "float4_e2m1fn", "float4_e2m1fn", "F", 1),
)

_INTERN: dict[int, DType] = {}
_BY_NAME: dict[str, DType] = {}
_BY_OP_TYPE: dict[str, DType] = {}
# Every hashable thing that `as_dtype` takes: numbers, names, Python and NumPy types.
_ANY: dict[Any, DType] = {}


class DType:
    """The type of the elements of a tensor: one interned object per ``DataType`` number.

    Attributes:
        name: the Python name, such as ``float32`` or ``float32_ref``.
        as_datatype_enum: the number in TensorFlow's ``DataType``.
        size: bytes per element; 0 for strings, resources and variants, 1 for types of
            less than a byte (in memory each element takes one).
        is_floating, is_integer, is_complex, is_bool, is_unsigned, is_quantized: what
            kind of number; a quantized type is neither an integer nor unsigned.
        is_numpy_compatible: whether arrays of the type exist.
    """

    __slots__ = (
        "_is_ref_dtype",
        "_kind",
        "_numpy",
        "_op_type",
        "as_datatype_enum",
        "is_bool",
        "is_complex",
        "is_floating",
        "is_integer",
        "is_numpy_compatible",
        "is_quantized",
        "is_unsigned",
        "name",
        "size",
    )

    name: str
    as_datatype_enum: int
    size: int
    is_floating: builtins.bool
    is_integer: builtins.bool
    is_complex: builtins.bool
    is_bool: builtins.bool
    is_unsigned: builtins.bool
    is_quantized: builtins.bool
    is_numpy_compatible: builtins.bool
    _is_ref_dtype: builtins.bool
    _kind: str
    _numpy: Any
    _op_type: str

    def __new__(cls, type_enum: int) -> DType:
        """Returns the type with this ``DataType`` number; TypeError if there is none."""
        try:
            return _INTERN[type_enum]
        except KeyError:
            raise TypeError(f"{type_enum!r} is not a DataType number that is known here.") from None

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"A DType does not change: cannot set {name!r} of {self!r}.")

    @property
    def as_numpy_dtype(self) -> Any:
        """The NumPy scalar type (for quantized types, the structured ``np.dtype``).

        Raises:
            KeyError: for resources and variants, which no array can hold.
        """
        found = self._numpy
        if found is None:
            if not self.is_numpy_compatible:
                raise KeyError(f"There is no NumPy type for {self.name}.")
            import ml_dtypes

            found = getattr(ml_dtypes, self.base_dtype.name)
            object.__setattr__(self, "_numpy", found)
        return found

    @property
    def base_dtype(self) -> DType:
        """The type without the reference: ``float32`` for ``float32_ref``."""
        return _INTERN[self.as_datatype_enum - _REF_OFFSET] if self._is_ref_dtype else self

    @property
    def _as_ref(self) -> DType:
        """The reference type: ``float32_ref`` for ``float32``."""
        return self if self._is_ref_dtype else _INTERN[self.as_datatype_enum + _REF_OFFSET]

    @property
    def real_dtype(self) -> DType:
        """The type of the real part; the type itself when it is not complex."""
        if not self.is_complex:
            return self
        return float32 if self.size == complex64.size else float64

    @property
    def min(self) -> Any:
        """The least finite value. TypeError if the type has no order or is quantized."""
        return self._range("minimum").min

    @property
    def max(self) -> Any:
        """The greatest finite value. TypeError if the type has no order or is quantized."""
        return self._range("maximum").max

    def _range(self, which: str) -> Any:
        """The NumPy or ml_dtypes description of the values that the type can hold."""
        match self._kind:
            case "f":
                return np.finfo(self.as_numpy_dtype)
            case "i" | "u":
                return np.iinfo(self.as_numpy_dtype)
            case "F" | "I" | "U":
                import ml_dtypes

                info = ml_dtypes.finfo if self.is_floating else ml_dtypes.iinfo
                return info(self.as_numpy_dtype)
            case "h":
                raise TypeError(f"Cannot find {which} value of {self}.")
        kind = "quantized type" if self.is_quantized else "type"
        raise TypeError(f"Cannot find {which} value of {self} with {kind} {self.base_dtype}.")

    @property
    def limits(self) -> tuple[int, Any]:
        """``(0, greatest intensity)`` of an image of this type: 1 for floats, else ``max``.

        Raises:
            ValueError: if the type has no such range.
        """
        if self.is_bool:
            return 0, True
        if self._kind in "iu":
            return 0, self.max
        if self.base_dtype in (float32, float64):
            return 0, 1
        raise ValueError(f"{self} does not have defined limits.")

    def is_compatible_with(self, other: object) -> builtins.bool:
        """Whether a tensor of type `other` serves where this type is wanted.

        A reference serves where its base type is wanted; not the other way round.
        """
        given = as_dtype(other)
        return self is given or self is given.base_dtype

    def __eq__(self, other: object) -> builtins.bool:
        if self is other:
            return True
        if other is None or type(other) is DType:
            return False
        try:
            return self is as_dtype(other)
        except TypeError:
            return False

    def __hash__(self) -> int:
        return self.as_datatype_enum

    def __int__(self) -> int:
        return self.as_datatype_enum

    def __repr__(self) -> str:
        return "tf." + self.name

    def __str__(self) -> str:
        return f"<dtype: {self.name!r}>"

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return as_dtype, (self.name,)


def as_dtype(type_value: object) -> DType:
    """Returns the type that `type_value` names.

    Args:
        type_value: a DType, a ``DataType`` number, a name (``"float32"``, ``"float"``,
            ``"float32_ref"``), a NumPy dtype, scalar type or array, or one of
            Python's ``float`` (float32), ``int`` (int32), ``bool``, ``complex``
            (complex128), ``str``, ``bytes`` and ``object`` (string).

    Raises:
        TypeError: if it names no type.
    """
    if type(type_value) is DType:
        return type_value
    try:
        return _ANY[type_value]
    except (KeyError, TypeError):  # TypeError: not hashable
        pass
    candidate = type_value if isinstance(type_value, (np.dtype, type)) else None
    if candidate is None:
        candidate = getattr(type_value, "dtype", None)
    found = _from_numpy(candidate)
    if found is None:
        raise TypeError(
            f"Cannot convert the argument `type_value`: {type_value!r} to a TensorFlow DType."
        )
    if isinstance(type_value, np.dtype):
        _ANY[type_value] = found
    return found


def _from_numpy(candidate: object) -> DType | None:
    """The type of a NumPy dtype or scalar class that is not in the table as it stands."""
    if not isinstance(candidate, (np.dtype, type)):
        return None
    found = _ANY.get(candidate)  # the quantized types are structured dtypes
    if found is None:
        scalar = candidate.type if isinstance(candidate, np.dtype) else candidate
        found = _ANY.get(scalar)
        if found is None and scalar.__module__ == "ml_dtypes":
            found = _BY_NAME.get(scalar.__name__)
            if found is not None:
                _ANY[scalar] = found
    return found


def op_type_name(dtype: DType) -> str:
    """The OpDef spelling of a type: ``half``, ``float``, ``double``, ``float_ref``, ..."""
    return dtype._op_type


def from_op_type_name(name: str) -> DType:
    """The type that an OpDef spelling names (``float`` as well as ``float32``).

    Raises:
        TypeError: if there is no such type.
    """
    found = _BY_OP_TYPE.get(name)
    if found is None:
        raise TypeError(f"{name!r} is not the name of a type in an op signature.")
    return found


def enum_name(dtype: DType) -> str:
    """The name of the ``DataType`` constant: ``DT_FLOAT``, ``DT_HALF_REF``, ..."""
    return "DT_" + dtype._op_type.upper()


def _define(number: int, name: str, op_type: str, kind: str, size: int) -> DType:
    dtype = object.__new__(DType)
    lower = kind.lower()
    values = {
        "as_datatype_enum": number,
        "name": name,
        "size": size,
        "is_floating": lower == "f",
        "is_integer": lower in "iu",
        "is_complex": lower == "c",
        "is_bool": lower == "b",
        "is_unsigned": lower == "u",
        "is_quantized": lower == "q",
        "is_numpy_compatible": lower != "h",
        "_is_ref_dtype": number > _REF_OFFSET,
        "_kind": kind,
        "_op_type": op_type,
        "_numpy": None,
    }
    base = name.removesuffix("_ref")
    if kind == "q":
        # TensorFlow marks quantized arrays by a structured type with one named field.
        values["_numpy"] = np.dtype([(base, base[1:])])
    elif kind == "s":
        values["_numpy"] = object if base == name else np.object_
    elif kind in "fiucb":
        values["_numpy"] = np.dtype(base).type
    for key, value in values.items():
        object.__setattr__(dtype, key, value)
    _INTERN[number] = dtype
    _BY_NAME[name] = dtype
    _BY_OP_TYPE[name] = _BY_OP_TYPE[op_type] = dtype
    return dtype


for _number, _name, _op_type, _kind, _size in _TABLE:
    _define(_number, _name, _op_type, _kind, _size)
    _define(_number + _REF_OFFSET, _name + "_ref", _op_type + "_ref", _kind, _size)

float32: Final = DType(1)
float64: Final = DType(2)
int32: Final = DType(3)
uint8: Final = DType(4)
int16: Final = DType(5)
int8: Final = DType(6)
string: Final = DType(7)
complex64: Final = DType(8)
int64: Final = DType(9)
bool: Final = DType(10)
qint8: Final = DType(11)
quint8: Final = DType(12)
qint32: Final = DType(13)
bfloat16: Final = DType(14)
qint16: Final = DType(15)
quint16: Final = DType(16)
uint16: Final = DType(17)
complex128: Final = DType(18)
float16: Final = DType(19)
resource: Final = DType(20)
variant: Final = DType(21)
uint32: Final = DType(22)
uint64: Final = DType(23)
float8_e5m2: Final = DType(24)
float8_e4m3fn: Final = DType(25)
float8_e4m3fnuz: Final = DType(26)
float8_e4m3b11fnuz: Final = DType(27)
float8_e5m2fnuz: Final = DType(28)
int4: Final = DType(29)
uint4: Final = DType(30)
int2: Final = DType(31)
uint2: Final = DType(32)
float4_e2m1fn: Final = DType(33)

half: Final = float16
double: Final = float64

float32_ref: Final = DType(101)
float64_ref: Final = DType(102)
int32_ref: Final = DType(103)
uint8_ref: Final = DType(104)
int16_ref: Final = DType(105)
int8_ref: Final = DType(106)
string_ref: Final = DType(107)
complex64_ref: Final = DType(108)
int64_ref: Final = DType(109)
bool_ref: Final = DType(110)
qint8_ref: Final = DType(111)
quint8_ref: Final = DType(112)
qint32_ref: Final = DType(113)
bfloat16_ref: Final = DType(114)
qint16_ref: Final = DType(115)
quint16_ref: Final = DType(116)
uint16_ref: Final = DType(117)
complex128_ref: Final = DType(118)
float16_ref: Final = DType(119)
resource_ref: Final = DType(120)
variant_ref: Final = DType(121)
uint32_ref: Final = DType(122)
uint64_ref: Final = DType(123)
float8_e5m2_ref: Final = DType(124)
float8_e4m3fn_ref: Final = DType(125)
float8_e4m3fnuz_ref: Final = DType(126)
float8_e4m3b11fnuz_ref: Final = DType(127)
float8_e5m2fnuz_ref: Final = DType(128)
int4_ref: Final = DType(129)
uint4_ref: Final = DType(130)
int2_ref: Final = DType(131)
uint2_ref: Final = DType(132)
float4_e2m1fn_ref: Final = DType(133)

half_ref: Final = float16_ref
double_ref: Final = float64_ref

ALL_DTYPES: Final = tuple(_INTERN[row[0]] for row in _TABLE)
"""Every type that is not a reference, in the order of its number."""

QUANTIZED_DTYPES: Final = frozenset(d for d in _INTERN.values() if d.is_quantized)
"""The quantized types and their references (TensorFlow's ``tf.QUANTIZED_DTYPES``)."""

_ANY.update(_INTERN)
_ANY.update(_BY_OP_TYPE)
_ANY.update(
    {
        builtins.float: float32,
        builtins.int: int32,
        builtins.bool: bool,
        builtins.complex: complex128,
        builtins.str: string,
        builtins.bytes: string,
        builtins.object: string,
        np.object_: string,
        np.bytes_: string,
        np.str_: string,
    }
)
for _dtype in ALL_DTYPES:
    if _dtype._kind in "fiucbq":
        _ANY[_dtype.as_numpy_dtype] = _dtype
# C's integer types are classes of their own where two of them have the same width.
for _platform in (np.intc, np.uintc, np.int_, np.uint, np.longlong, np.ulonglong):
    _ANY.setdefault(_platform, _BY_NAME[np.dtype(_platform).name])

#: DT_INVALID: the type of an output that nobody has declared. No tensor of a legal graph has it.
INVALID: Final = _define(0, "invalid", "invalid", "h", 0)
