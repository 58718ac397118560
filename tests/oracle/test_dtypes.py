"""Our DTypes say of themselves what TensorFlow's say."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from evergraph.formats import dtypes
from evergraph.formats.dtypes import DType, as_dtype
from tests.oracle.client import Oracle

pytestmark = pytest.mark.oracle

# Both sides run this text, with their own idea of a DType by its number.
SHARED = """
def attempt(ask):
    try:
        return str(ask())
    except Exception as error:
        return f"{type(error).__name__}: {error}"

def number(value):
    return float(value) if value is not None else None

def facts(dtype):
    names = ("name size is_floating is_integer is_complex is_bool is_unsigned is_quantized "
             "is_numpy_compatible _is_ref_dtype as_datatype_enum")
    found = {name: getattr(dtype, name) for name in names.split()}
    found.update(
        repr=repr(dtype), str=str(dtype), hash=hash(dtype), int=int(dtype),
        base=dtype.base_dtype.name, real=dtype.real_dtype.name, ref=dtype._as_ref.name,
        min=attempt(lambda: float(dtype.min)), max=attempt(lambda: float(dtype.max)),
        compatible=[dtype.is_compatible_with(other) for other in ("float32", "float32_ref")],
    )
    if dtype.is_numpy_compatible:
        found["limits"] = attempt(lambda: dtype.limits)
        found["numpy"] = str(np.dtype(dtype.as_numpy_dtype))
    return found
"""

THEIRS = (
    SHARED
    + """
import numpy as np
from tensorflow.python.framework import dtypes

def main(tf, np, numbers):
    known = dtypes._INTERN_TABLE
    return [facts(known[number]) if number in known else None for number in numbers]
"""
)

CONVERT = """
import ml_dtypes

def main(tf, np, expressions):
    answers = []
    for each in expressions:
        try:
            answers.append(tf.as_dtype(eval(each, {"np": np, "ml_dtypes": ml_dtypes})).name)
        except TypeError:
            answers.append("TypeError")
    return answers
"""

NUMBERS = [d.as_datatype_enum + ref for d in dtypes.ALL_DTYPES for ref in (0, 100)]
EXPRESSIONS = [
    "1", "3", "101", "0", "99", "'float'", "'half_ref'", "'uint64'", "'float33'", "float", "bool",
    "object", "np.float32", "np.dtype('>i2')", "np.dtype('S3')", "np.str_", "np.longlong",
    "np.ulonglong", "np.intc", "np.zeros(2, np.uint8)", "np.float16(0.5)", "ml_dtypes.bfloat16",
    "np.dtype(ml_dtypes.int4)", "np.dtype([('quint16', 'u2')])", "np.dtype('M8[s]')", "None", "[]",
    "list", "2.5", "'bfloat16_ref'", "np.complex128", "np.object_",
]  # fmt: skip


def test_every_attribute(oracle: Oracle) -> None:
    scope: dict[str, object] = {"np": np}
    exec(SHARED, scope)
    theirs = oracle.execute(THEIRS, numbers=NUMBERS)
    assert sum(each is not None for each in theirs) == (54 if oracle.version == "2.15" else 66)
    for number, expected in zip(NUMBERS, theirs, strict=True):
        if expected is not None:
            assert scope["facts"](DType(number)) == expected  # type: ignore[operator]


def test_conversion(oracle: Oracle) -> None:
    theirs = oracle.execute(CONVERT, expressions=EXPRESSIONS)
    for expression, expected in zip(EXPRESSIONS, theirs, strict=True):
        try:
            found = as_dtype(eval(expression, {"np": np, "ml_dtypes": ml_dtypes})).name
        except TypeError:
            found = "TypeError"
        assert found == expected, expression
