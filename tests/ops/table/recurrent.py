"""Cells of recurrent networks, sparse tensors."""

from __future__ import annotations

from tests.ops.rows import bad, case, grid, row, value

CELL = (
    grid(2, 3),
    grid(2, 4),
    grid(2, 4),
    grid(7, 16, low=-0.5, high=0.5),
    grid(4),
    grid(4),
    grid(4),
    grid(16),
)
NONE = "evergraph has none"
for op, cells in (("LSTMBlockCell", CELL), ("BlockLSTM", (value(3), grid(3, 2, 3), *CELL[1:])),
                  ("BlockLSTMV2", (value(3), grid(3, 2, 3), *CELL[1:]))):  # fmt: skip
    row(
        op,
        case(*cells),
        case(*cells, use_peephole=True, cell_clip=0.75),
        *([] if op == "BlockLSTMV2" else [case(*cells, forget_bias=0.5, cell_clip=-1.0)]),
        no_gradient=NONE,
    )
row("GRUBlockCell", case(grid(2, 3), grid(2, 4), grid(7, 8), grid(7, 4), grid(8), grid(4)),
    no_gradient=NONE)  # fmt: skip

PLACES = value([[0, 1], [2, 0], [1, 3]])
row(
    "SparseTensorDenseAdd",
    case(PLACES, grid(3), value([3, 4]), grid(3, 4)),
    bad("InvalidArgumentError", PLACES, grid(3), value([3, 4]), grid(4, 3)),
)
row("SparseReorder", case(PLACES, grid(3), value([3, 4])), no_gradient=NONE)
row(
    "SparseTensorDenseMatMul",
    case(PLACES, grid(3), value([3, 4]), grid(4, 2)),
    case(PLACES, grid(3), value([3, 4]), grid(2, 3), adjoint_a=True, adjoint_b=True),
    bad("InvalidArgumentError", PLACES, grid(3), value([3, 4]), grid(3, 2)),
    no_gradient=NONE,
)
