"""How a row of the op table is written, and what it expands to.

    row(
        "MatMul",
        case(grid(3, 4), grid(4, 5)),
        case(grid(4, 3), grid(5, 4), transpose_a=True, transpose_b=True),
        bad("InvalidArgumentError", grid(3, 4), grid(5, 6)),
    )

A ``case`` gives one input maker for each argument of the op (a list of them for a list argument)
and the attributes that are not defaults. A type attribute that the case leaves open takes, one
after the other, every type that the OpDef allows; where there are several, each is varied while
the others stay at their base (default, else float, else the first). ``exclude`` leaves types out,
with a reason that shows in ``docs/coverage.md``.

An expanded case is plain data: the recorder in TensorFlow and the harness here build the same small
graph from it. Makers draw integers only (NumPy's frozen ``RandomState``) and scale them, so that
inputs are the same on every machine, and exact in every type.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import numpy as np

from evergraph.formats import dtypes
from evergraph.graph import registry
from evergraph.graph.signature import NO_DEFAULT, Attr

Maker = Callable[[np.random.RandomState, dtypes.DType], np.ndarray]

# What a `type` attribute without a list stands for. Handles are not values: never compared.
ANY_TYPE = (
    "half bfloat16 float double int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool complex64 "
    "complex128 string qint8 quint8 qint16 quint16 qint32 float8_e5m2 float8_e4m3fn int4 uint4"
).split()
NEVER = {
    "resource": "a handle, not a value",
    "variant": "a handle, not a value",
}
FLOATS = ("half", "bfloat16", "float", "double", "complex64", "complex128")

# ----------------------------------------------------------------------------------- input makers


@dataclass(frozen=True)
class Input:
    """One input tensor: how it is made, and how it reaches the op."""

    make: Maker
    role: str = "feed"  # feed | const | ref | resource
    dtype: str | None = None  # for arguments whose type no attribute fixes; or an attribute's name
    initialize: bool = True  # a variable that is not, for ops that ask


def grid(*shape: int, low: float = -2, high: float = 2) -> Input:
    """Multiples of 1/16 between ``low`` and ``high``; integers of four times that range."""
    fine = (round(low * 16), round(high * 16) + 1)

    def make(random: np.random.RandomState, dtype: dtypes.DType) -> np.ndarray:
        if dtype.is_complex:
            real, imaginary = (random.randint(*fine, shape) for _ in "ri")
            return ((real + 1j * imaginary) / 16).astype(dtype.as_numpy_dtype)
        if dtype.is_floating:
            return (random.randint(*fine, shape) / 16).astype(dtype.as_numpy_dtype)
        if dtype == dtypes.string:
            return _words(random, shape)
        if dtype.is_bool:
            return random.randint(0, 2, shape).astype(bool)
        bottom, top = math.ceil(low * 4), math.floor(high * 4)
        if dtype.is_unsigned or dtype.name.startswith("quint"):
            bottom = max(bottom, 0)
        if dtype.name in ("int4", "uint4"):
            top = min(top, 7)
        return integers(dtype, random.randint(bottom, top + 1, shape))

    return Input(make)


def positive(*shape: int, low: float = 0.25, high: float = 4) -> Input:
    """As ``grid``, above zero."""
    return grid(*shape, low=low, high=high)


def unit(*shape: int) -> Input:
    """Inside (-1, 1); integers are 0."""
    return grid(*shape, low=-0.9375, high=0.9375)


def nonzero(*shape: int) -> Input:
    """As ``grid``, without zeros."""
    return _mapped(grid(*shape), lambda x: np.where(x == 0, np.ones_like(x), x))


def distinct(*shape: int) -> Input:
    """Every value once, in random order."""

    def make(random: np.random.RandomState, dtype: dtypes.DType) -> np.ndarray:
        count = int(np.prod(shape))
        order = random.permutation(count).reshape(shape)
        if dtype.is_floating or dtype.is_complex:
            return ((order - count // 2) / 4).astype(dtype.as_numpy_dtype)
        if dtype == dtypes.string:
            return _strings([b"%03d" % i for i in order.ravel()], shape)
        return integers(dtype, order)

    return Input(make)


def special() -> Input:
    """Zeros of both signs, infinities, NaN; integers: both ends, 0, 1.

    No infinite complex numbers: what arithmetic makes of them differs between C++ libraries.
    """

    def make(random: np.random.RandomState, dtype: dtypes.DType) -> np.ndarray:
        if dtype.is_complex:
            return np.array([0, -0.0, 1, -1, 1j, -1j, 0.5, 3.5, -2.5, 1 + 1j], dtype.as_numpy_dtype)
        if dtype.is_floating:
            values = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 0.5, 3.5, -2.5])
            return values.astype(dtype.as_numpy_dtype)
        if dtype.is_bool:
            return np.array([True, False])
        if dtype == dtypes.string:
            return _strings([b"", b"\0", "ü".encode(), b"\xff"], (4,))
        if dtype.is_quantized:
            return integers(dtype, np.array([0, 1, 2, 3]))
        return np.array([dtype.min, dtype.max, 0, 1], dtype.as_numpy_dtype)

    return Input(make)


def ints(low: int, high: int, *shape: int) -> Input:
    """Integers in ``[low, high)``, in the argument's type: indices, axes, sizes."""

    def make(random: np.random.RandomState, dtype: dtypes.DType) -> np.ndarray:
        return random.randint(low, high, shape).astype(dtype.as_numpy_dtype)

    return Input(make)


def flags(*shape: int) -> Input:
    """Random booleans, or zeros and ones."""
    return Input(lambda random, dtype: integers(dtype, random.randint(0, 2, shape)))


def value(literal: Any) -> Input:
    """Exactly this, in the argument's type."""

    def make(random: np.random.RandomState, dtype: dtypes.DType) -> np.ndarray:
        if dtype == dtypes.string:
            array = np.array(literal, dtype=object)  # NumPy's own strings lose zeros at the end
            return _strings([_bytes(item) for item in array.ravel().tolist()], array.shape)
        if dtype.is_quantized:
            return integers(dtype, np.asarray(literal))
        return np.asarray(literal).astype(dtype.as_numpy_dtype)

    return Input(make)


def const(given: Any) -> Input:
    """A Const node instead of a feed, so that its value is known while the graph is built."""
    return Input(_input(given).make, "const", _input(given).dtype)


def ref(given: Any, initialize: bool = True) -> Input:
    """The cell of a reference variable (VariableV2), initialized first and read afterwards."""
    return Input(_input(given).make, "ref", _input(given).dtype, initialize)


def resource(dtype: str, given: Any, initialize: bool = True) -> Input:
    """The handle of a resource variable, initialized first and read afterwards.

    ``dtype`` is a type's name, or that of the attribute that says it.
    """
    return Input(_input(given).make, "resource", dtype, initialize)


def typed(dtype: str, given: Any) -> Input:
    """An input of that type, for arguments of a ``list(type)`` attribute."""
    return Input(_input(given).make, _input(given).role, dtype)


def _input(given: Any) -> Input:
    return given if isinstance(given, Input) else value(given)


def _mapped(one: Input, change: Callable[[np.ndarray], np.ndarray]) -> Input:
    def make(random: np.random.RandomState, dtype: dtypes.DType) -> np.ndarray:
        array = one.make(random, dtype)
        return array if dtype == dtypes.string else change(array).astype(array.dtype)

    return Input(make, one.role, one.dtype)


def integers(dtype: dtypes.DType, array: np.ndarray) -> np.ndarray:
    """Integers in an integer or quantized type; quantized ones travel as the integers inside."""
    if dtype.is_quantized:
        return array.astype(dtype.name[1:])
    return array.astype(dtype.as_numpy_dtype)


def _words(random: np.random.RandomState, shape: Sequence[int]) -> np.ndarray:
    count = int(np.prod(shape))
    letters = b"abAB \xc3\xbc"
    lengths = random.randint(0, 6, count)
    words = [bytes(letters[i] for i in random.randint(0, 5, length)) for length in lengths]
    return _strings(words, shape)


def _strings(items: Sequence[bytes], shape: Sequence[int]) -> np.ndarray:
    array = np.empty(len(items), object)
    array[:] = items
    return array.reshape(shape)


def _bytes(item: Any) -> bytes:
    return item if isinstance(item, bytes) else str(item).encode()


# ------------------------------------------------------------------------------------------- rows


@dataclass(frozen=True)
class Case:
    """One use of an op. ``error`` is the class that running it raises, for a ``bad`` one."""

    inputs: tuple[Any, ...]
    attrs: Mapping[str, Any]
    error: str | None = None


@dataclass(frozen=True)
class Row:
    """One op, with what to try it on."""

    op: str
    cases: tuple[Case, ...]
    exclude: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    runs: int = 1
    tolerance: Mapping[str, float] = field(default_factory=dict)
    flips: float = 0.0
    no_gradient: str | None = None
    product: bool = False
    producer: int = 0


ROWS: dict[str, Row] = {}


def case(*inputs: Any, **attrs: Any) -> Case:
    """One input maker (or literal, or a list of them) for each argument; attributes by name."""
    return Case(inputs, attrs)


def bad(error: str, *inputs: Any, **attrs: Any) -> Case:
    """A use that TensorFlow refuses; ``error`` is the class when all is known only at the run."""
    return Case(inputs, attrs, error)


def row(op: str, *cases: Case, **options: Any) -> None:
    """Adds a row. Options:

    exclude: ``{"T": {"string half": "the reason"}}``, types that are left out.
    runs: how many times the op is run in one session (stateful ops).
    tolerance: relative tolerance by type name, where the general one does not serve.
    flips: the share of elements that may differ beyond that (draws by rejection).
    no_gradient: why gradients are not compared.
    product: vary several type attributes together, not one by one.
    producer: the version of graphs that still had this op (0: today's).
    """
    if op in ROWS:
        raise ValueError(f"op {op} has two rows")
    if "exclude" in options:
        options["exclude"] = {
            attr: {name: why for names, why in reasons.items() for name in names.split()}
            for attr, reasons in options["exclude"].items()
        }
    ROWS[op] = Row(op, cases, **options)


# -------------------------------------------------------------------------------------- expansion


def expand(one: Row, seed: int | None = None) -> Iterator[dict[str, Any]]:
    """Every case of a row with every type, as plain data. Without ``seed``, the row has its own."""
    declaration = registry.lookup(one.op)
    if declaration is None:
        raise LookupError(f"the table has a row for {one.op}, which is not declared")
    base_seed = crc32(one.op.encode()) if seed is None else seed
    for number, use in enumerate(one.cases):
        for position, types in enumerate(_assignments(one, declaration, use)):
            random = np.random.RandomState((base_seed + 7919 * number + 31 * position) % 2**32)
            attrs = {**types, **use.attrs}
            inputs = [
                _entries(random, arg, given, attrs)
                for arg, given in zip(declaration.inputs, use.inputs, strict=True)
            ]
            label = ", ".join(f"{name}={kind}" for name, kind in types.items())
            yield {
                "op": one.op,
                "label": f"case {number}" + (f" ({label})" if label else ""),
                "inputs": inputs,
                "attrs": attrs,
                "runs": one.runs,
                "producer": one.producer,
                # Shapes hardly depend on types; refusals do not.
                "shapes": position == 0 and use.error is None,
                "gradient": one.no_gradient is None and use.error is None,
                "error": use.error,
            }
            if use.error is not None:
                break


def _assignments(one: Row, declaration: registry.Declaration, use: Case) -> list[dict[str, str]]:
    """For one case, the values of the type attributes that it leaves open."""
    open_attrs = [
        attr
        for attr in declaration.attrs.values()
        if attr.kind == "type" and attr.name not in use.attrs
    ]
    base = {attr.name: _base(one, attr) for attr in open_attrs}
    found = [base]
    for attr in open_attrs:
        grown = found if one.product else [base]
        found = found + [
            {**start, attr.name: kind} for start in grown for kind in types_of(one, attr)
        ]
    unique = {tuple(types.items()): types for types in found}
    return list(unique.values())


def types_of(one: Row, attr: Attr) -> list[str]:
    """The types that a row tries for a type attribute, in OpDef order."""
    left_out = {**NEVER, **one.exclude.get(attr.name, {})}
    return [name for name in allowed_types(attr) if name not in left_out]


def allowed_types(attr: Attr) -> list[str]:
    """The types that the OpDef allows, by their OpDef names."""
    if attr.allowed is None:
        return [*ANY_TYPE, *NEVER]
    return [dtypes.op_type_name(dtype) for dtype in attr.allowed]


def _base(one: Row, attr: Attr) -> str:
    names = types_of(one, attr)
    if attr.default is not NO_DEFAULT:
        default = dtypes.op_type_name(attr.default)
        if default in names:
            return default
    return "float" if "float" in names else names[0]


def _entries(random: np.random.RandomState, arg: Any, given: Any, attrs: Mapping[str, Any]) -> Any:
    if arg.is_list:
        return [_entry(random, arg, _input(item), attrs) for item in given]
    return _entry(random, arg, _input(given), attrs)


def _entry(
    random: np.random.RandomState, arg: Any, one: Input, attrs: Mapping[str, Any]
) -> dict[str, Any]:
    if one.dtype is not None:
        name = attrs.get(one.dtype, one.dtype)
    elif arg.dtype is not None:
        name = dtypes.op_type_name(arg.dtype)
    else:
        name = attrs[arg.type_attr]
    array = one.make(random, dtypes.from_op_type_name(name))
    return {"role": one.role, "dtype": name, "value": array, "initialize": one.initialize}
