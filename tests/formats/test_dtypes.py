"""Element types: their names, their NumPy types, and every way to ask for one."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from evergraph.formats import dtypes
from evergraph.formats.dtypes import ALL_DTYPES, DType, as_dtype


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, dtypes.float32),
        (np.int64(3), dtypes.int32),
        ("float32", dtypes.float32),
        ("float", dtypes.float32),
        ("double", dtypes.float64),
        ("half", dtypes.float16),
        ("half_ref", dtypes.float16_ref),
        ("float32_ref", dtypes.float32_ref),
        ("float_ref", dtypes.float32_ref),
        (float, dtypes.float32),
        (int, dtypes.int32),
        (bool, dtypes.bool),
        (complex, dtypes.complex128),
        (str, dtypes.string),
        (bytes, dtypes.string),
        (object, dtypes.string),
        (np.float64, dtypes.float64),
        (np.dtype("<f4"), dtypes.float32),
        (np.dtype(">f4"), dtypes.float32),
        (np.dtype("S7"), dtypes.string),
        (np.dtype("U7"), dtypes.string),
        (np.dtype(object), dtypes.string),
        (np.longlong, dtypes.int64),
        (np.dtype(np.longlong), dtypes.int64),
        (np.ulonglong, dtypes.uint64),
        (np.intc, dtypes.int32),
        (np.float16(0.5), dtypes.float16),
        (np.zeros(3, np.uint8), dtypes.uint8),
        (np.dtype([("qint8", np.int8)]), dtypes.qint8),
        (ml_dtypes.bfloat16, dtypes.bfloat16),
        (np.dtype(ml_dtypes.int2), dtypes.int2),
        (np.zeros(2, ml_dtypes.float8_e5m2), dtypes.float8_e5m2),
        (dtypes.int8, dtypes.int8),
    ],
)
def test_as_dtype(value: object, expected: DType) -> None:
    assert as_dtype(value) is expected


@pytest.mark.parametrize(
    "value",
    [
        0,
        34,
        134,
        -1,
        "float33",
        "",
        None,
        [1],
        np.dtype("M8[s]"),
        np.dtype("V3"),
        list,
        2.5,
        ml_dtypes.float8_e3m4,
        np.longdouble,
    ],
)
def test_as_dtype_refuses(value: object) -> None:
    with pytest.raises(TypeError, match=r"Cannot convert the argument `type_value`"):
        as_dtype(value)


def test_one_object_per_number() -> None:
    for dtype in ALL_DTYPES:
        ref = dtype._as_ref
        assert DType(int(dtype)) is dtype
        assert DType(int(dtype) + 100) is ref is ref._as_ref
        assert ref.base_dtype is dtype is dtype.base_dtype
        assert [ref._is_ref_dtype, dtype._is_ref_dtype] == [True, False]
        for one in (dtype, ref):
            assert getattr(dtypes, one.name) is one
            assert as_dtype(one.name) is one
            assert copy.copy(one) is copy.deepcopy(one) is one
            assert pickle.loads(pickle.dumps(one)) is one
            assert dtypes.from_op_type_name(dtypes.op_type_name(one)) is one
    with pytest.raises(TypeError, match="77"):
        DType(77)


def test_numpy_types_hold_the_stated_bytes() -> None:
    for dtype in ALL_DTYPES:
        if not dtype.is_numpy_compatible:
            assert dtype in (dtypes.resource, dtypes.variant)
            with pytest.raises(KeyError, match=dtype.name):
                _ = dtype.as_numpy_dtype
        elif dtype is dtypes.string:
            assert dtype.as_numpy_dtype is object
        else:
            assert np.dtype(dtype.as_numpy_dtype).itemsize == dtype.size
            assert as_dtype(dtype.as_numpy_dtype) is dtype
            assert as_dtype(np.empty(0, dtype.as_numpy_dtype)) is dtype


def test_kinds_do_not_overlap() -> None:
    for dtype in ALL_DTYPES:
        kinds = [
            dtype.is_floating,
            dtype.is_integer,
            dtype.is_complex,
            dtype.is_bool,
            dtype.is_quantized,
        ]
        assert sum(kinds) == (0 if dtype in ("string", "resource", "variant") else 1)
        assert not dtype.is_unsigned or dtype.is_integer
        assert dtype.is_unsigned == (dtype.is_integer and dtype.name.startswith("u"))


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [
        (dtypes.float32, np.finfo(np.float32).min, np.finfo(np.float32).max),
        (dtypes.float16_ref, -65504, 65504),
        (dtypes.bfloat16, -3.3895313892515355e38, 3.3895313892515355e38),
        (dtypes.float8_e4m3fn, -448, 448),
        (dtypes.float4_e2m1fn, -6, 6),
        (dtypes.int8, -128, 127),
        (dtypes.uint64, 0, 2**64 - 1),
        (dtypes.int4, -8, 7),
        (dtypes.uint2, 0, 3),
    ],
)
def test_range(dtype: DType, low: float, high: float) -> None:
    assert float(dtype.min) == low
    assert float(dtype.max) == float(high)


@pytest.mark.parametrize(
    ("dtype", "message"),
    [
        (dtypes.string, "of <dtype: 'string'> with type <dtype: 'string'>."),
        (dtypes.bool_ref, "of <dtype: 'bool_ref'> with type <dtype: 'bool'>."),
        (dtypes.complex64, "with type <dtype: 'complex64'>."),
        (dtypes.qint8, "of <dtype: 'qint8'> with quantized type <dtype: 'qint8'>."),
        (dtypes.resource, "of <dtype: 'resource'>."),
    ],
)
def test_no_range(dtype: DType, message: str) -> None:
    for which, word in (("min", "minimum"), ("max", "maximum")):
        with pytest.raises(TypeError) as caught:
            getattr(dtype, which)
        assert str(caught.value).startswith(f"Cannot find {word} value ")
        assert str(caught.value).endswith(message)


def test_limits() -> None:
    assert dtypes.uint8.limits == (0, 255)
    assert dtypes.int16_ref.limits == (0, 32767)
    assert dtypes.float32.limits == (0, 1)
    assert dtypes.bool.limits == (0, True)
    with pytest.raises(ValueError, match="does not have defined limits"):
        _ = dtypes.float16.limits


def test_printing_and_hashing() -> None:
    assert repr(dtypes.float32_ref) == "tf.float32_ref"
    assert str(dtypes.float16) == "<dtype: 'float16'>"
    assert (int(dtypes.string), hash(dtypes.string)) == (7, 7)
    assert dtypes.enum_name(dtypes.float16_ref) == "DT_HALF_REF"
    assert dtypes.op_type_name(dtypes.float64) == "double"
    assert {dtypes.float32: 1}[as_dtype("float")] == 1
    with pytest.raises(TypeError, match="'floot' is not the name of a type"):
        dtypes.from_op_type_name("floot")


def test_equality() -> None:
    different: list[Any] = [None, "nonsense", dtypes.float64, dtypes.float32_ref, [1]]
    same: list[Any] = [1, "float32", np.float32, np.dtype("f4"), dtypes.half.__class__(1)]
    assert all(dtypes.float32 == other for other in same)
    assert all(dtypes.float32 != other for other in different)


def test_compatibility_goes_from_reference_to_value() -> None:
    assert dtypes.float32.is_compatible_with(dtypes.float32_ref)
    assert not dtypes.float32_ref.is_compatible_with(dtypes.float32)
    assert not dtypes.float32.is_compatible_with("float64")


def test_real_dtype() -> None:
    assert dtypes.complex64_ref.real_dtype is dtypes.float32
    assert dtypes.complex128.real_dtype is dtypes.float64
    assert dtypes.int8_ref.real_dtype is dtypes.int8_ref


def test_a_type_does_not_change() -> None:
    with pytest.raises(AttributeError, match="cannot set 'name'"):
        dtypes.float32.name = "x"


def test_import_is_light() -> None:
    code = (
        "import sys, evergraph.formats.dtypes as d; d.as_dtype('bfloat16'); d.bfloat16.size;"
        "print([m for m in ('google.protobuf', 'ml_dtypes') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
