"""Sets of types that many ops allow, in OpDef's grammar."""

NUMERIC = "numbertype"
REAL = "realnumbertype"
FLOATS = "{bfloat16, half, float, double}"
FLOATS_COMPLEX = "{bfloat16, half, float, double, complex64, complex128}"
INDEX = "{int32, int64}"
INDEX_DEFAULT_INT32 = "{int32, int64} = DT_INT32"
