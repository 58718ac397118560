"""Running sums, histograms, simulated quantization."""

from __future__ import annotations

from tests.ops.rows import bad, case, const, grid, ints, nonzero, positive, row, value

for op, given in (("Cumsum", grid), ("Cumprod", nonzero), ("CumulativeLogsumexp", grid)):
    row(
        op,
        case(given(3, 4), const(0)),
        case(given(2, 3, 2), value(-2), exclusive=True),
        case(given(3, 4), const(1), reverse=True),
        case(given(3, 4), const(1), reverse=True, exclusive=True),
        bad("InvalidArgumentError", grid(2, 2), value(2)),
        **({"no_gradient": "evergraph has none"} if op == "CumulativeLogsumexp" else {}),
    )

row(
    "Bincount",
    case(ints(0, 6, 2, 4), const(5), value([])),
    case(ints(0, 4, 5), value(4), grid(5)),
    bad("InvalidArgumentError", value([-1]), value(3), value([])),
)
row(
    "HistogramFixedWidth",
    case(grid(3, 4), value([-1, 1]), const(3)),
    case(positive(7), value([0, 3]), value(4), dtype="int64"),
    bad("InvalidArgumentError", grid(3), value([2, 1]), value(3)),
)

row("FakeQuantWithMinMaxArgs", case(grid(3, 4), min=-1.25, max=1.5), case(grid(5), num_bits=4, narrow_range=True),
    case(grid(5), min=0.5, max=1.5, num_bits=3))  # fmt: skip
row("FakeQuantWithMinMaxArgsGradient", case(grid(3, 4), grid(3, 4), min=-1.25, max=1.5))
RANGE = (value(-0.75), value(1.5))
row("FakeQuantWithMinMaxVars", case(grid(3, 4), *RANGE), case(grid(3), value(0), value(0)),
    case(grid(4), *RANGE, num_bits=4, narrow_range=True))  # fmt: skip
row("FakeQuantWithMinMaxVarsGradient", case(grid(3, 4), grid(3, 4), *RANGE),
    case(grid(3), grid(3), value(0), value(0)))  # fmt: skip
# A step that no eighth is half of: there TensorFlow rounds up or down by the last bit of a product.
RANGES = (value([-0.7, -1.45]), value([1.6, 0.3]))
row(
    "FakeQuantWithMinMaxVarsPerChannel",
    case(grid(3, 2), *RANGES),
    case(grid(2), *RANGES, num_bits=5),
)
row("FakeQuantWithMinMaxVarsPerChannelGradient", case(grid(2, 3, 2), grid(2, 3, 2), *RANGES))
