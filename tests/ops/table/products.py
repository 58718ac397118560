"""Cross products and einsum."""

from __future__ import annotations

from tests.ops.rows import bad, case, grid, row

row("Cross", case(grid(2, 3), grid(2, 3)), bad("InvalidArgumentError", grid(2, 3), grid(3)))
KINDS = {
    "T": {
        "string bool qint8 quint8 qint16 quint16 qint32 int4 uint4 float8_e5m2 float8_e4m3fn int8 int16 uint8 "
        "uint16 uint32 uint64": "TensorFlow has no kernel"
    }
}
row(
    "Einsum",
    case([grid(2, 3), grid(3, 4)], equation="ij,jk->ik"),
    case([grid(2, 3)], equation="ij->ji"),
    case([grid(2, 3)], equation="ij->i"),
    case([grid(3, 3)], equation="ii->i"),
    case([grid(3)], equation="i->ii"),
    case([grid(2, 3, 4), grid(2, 4, 5)], equation="bij,bjk->bki"),
    case([grid(2, 3), grid(3, 4)], equation="ij,jk->j"),
    bad("InvalidArgumentError", [grid(2, 3), grid(2, 3)], equation="ij,jk->ik"),
    exclude=KINDS,
)
