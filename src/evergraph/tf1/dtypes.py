"""``tf.dtypes``: element types."""

from __future__ import annotations

from evergraph.tf1.lazy import namespace

_TABLE = {
    "evergraph.formats.dtypes": (
        "DType QUANTIZED_DTYPES as_dtype bfloat16 bool complex128 complex64 double float16 float32 "
        "float64 half int16 int32 int64 int8 qint16 qint32 qint8 quint16 quint8 resource string "
        "uint16 uint32 uint64 uint8 variant"
    ),
    "evergraph.ops.casts": "cast saturate_cast",
    "evergraph.ops.complex_numbers": "complex",
}

__getattr__, __dir__ = namespace(__name__, "tf.dtypes", _TABLE)
