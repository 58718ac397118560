"""Matrix products, convolutions, pooling, bias, batch normalization, cross-entropies."""

from __future__ import annotations

from tests.ops.rows import (
    bad,
    case,
    const,
    distinct,
    grid,
    ints,
    positive,
    row,
    value,
)

row(
    "MatMul",
    case(grid(3, 4), grid(4, 5)),
    case(grid(4, 3), grid(4, 5), transpose_a=True),
    case(grid(3, 4), grid(5, 4), transpose_b=True),
    case(grid(4, 3), grid(5, 4), transpose_a=True, transpose_b=True),
    case(grid(0, 4), grid(4, 2)),
    case(grid(2, 0), grid(0, 3)),
    bad("InvalidArgumentError", grid(3, 4), grid(5, 6)),
    bad("InvalidArgumentError", grid(3), grid(3, 2)),
)
for op in ("BatchMatMul", "BatchMatMulV2"):
    row(
        op,
        case(grid(2, 3, 4), grid(2, 4, 2)),
        case(grid(3, 4), grid(4, 2)),
        case(grid(2, 4, 3), grid(2, 4, 2), adj_x=True),
        case(grid(2, 3, 4), grid(2, 2, 4), adj_y=True),
        *([case(grid(2, 1, 3, 4), grid(3, 4, 2))] if op == "BatchMatMulV2" else []),
        bad("InvalidArgumentError", grid(2, 3, 4), grid(2, 3, 4)),
    )

row(
    "BatchMatMulV3",
    case(grid(2, 3, 4), grid(2, 4, 2), Ta="float", Tb="float", Tout="float"),
    case(grid(1, 3, 4), grid(2, 2, 4), Ta="double", Tb="double", Tout="double", adj_y=True),
    case(grid(2, 3), grid(3, 2), Ta="int8", Tb="int8", Tout="int32"),
    case(grid(2, 3), grid(3, 2), Ta="uint8", Tb="int8", Tout="int32"),
)

ONES = [1, 1, 1, 1]
CONV = [
    case(grid(2, 5, 4, 2), grid(3, 2, 2, 3), strides=ONES, padding="SAME"),
    case(grid(1, 6, 5, 2), grid(3, 3, 2, 2), strides=[1, 2, 2, 1], padding="SAME"),
    case(grid(1, 6, 5, 2), grid(3, 2, 2, 2), strides=[1, 2, 1, 1], padding="VALID"),
    case(grid(1, 3, 3, 3), grid(1, 1, 3, 2), strides=ONES, padding="VALID"),
    case(grid(1, 7, 7, 1), grid(3, 2, 1, 2), strides=ONES, padding="VALID", dilations=[1, 2, 2, 1]),
    case(grid(1, 4, 4, 1), grid(3, 3, 1, 1), strides=ONES, padding="EXPLICIT",
         explicit_paddings=[0, 0, 1, 2, 0, 1, 0, 0]),
]  # fmt: skip
row(
    "Conv2D",
    *CONV,
    bad("InvalidArgumentError", grid(1, 4, 4, 3), grid(2, 2, 2, 1), strides=ONES, padding="SAME"),
    bad("InvalidArgumentError", grid(4, 4, 3), grid(2, 2, 3, 1), strides=ONES, padding="SAME"),
)
row(
    "Conv2DBackpropInput",
    case(const([2, 5, 4, 2]), grid(3, 2, 2, 3), grid(2, 5, 4, 3), strides=ONES, padding="SAME"),
    case(const([1, 6, 5, 2]), grid(3, 3, 2, 2), grid(1, 3, 3, 2), strides=[1, 2, 2, 1],
         padding="SAME"),
    case(value([1, 6, 5, 2]), grid(3, 2, 2, 2), grid(1, 2, 4, 2), strides=[1, 2, 1, 1],
         padding="VALID"),
    bad("InvalidArgumentError", value([1, 6, 5, 2]), grid(3, 2, 2, 2), grid(1, 4, 4, 2),
        strides=[1, 2, 1, 1], padding="VALID"),
)  # fmt: skip
row(
    "Conv2DBackpropFilter",
    case(grid(2, 5, 4, 2), const([3, 2, 2, 3]), grid(2, 5, 4, 3), strides=ONES, padding="SAME"),
    case(grid(1, 6, 5, 2), const([3, 3, 2, 2]), grid(1, 3, 3, 2), strides=[1, 2, 2, 1],
         padding="SAME"),
    case(grid(1, 6, 5, 2), value([3, 2, 2, 2]), grid(1, 2, 4, 2), strides=[1, 2, 1, 1],
         padding="VALID"),
)  # fmt: skip
row(
    "DepthwiseConv2dNative",
    case(grid(1, 5, 4, 2), grid(3, 2, 2, 2), strides=ONES, padding="SAME"),
    case(grid(1, 6, 6, 2), grid(3, 3, 2, 1), strides=[1, 2, 2, 1], padding="VALID"),
)

POOL = {"ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1]}
OVERLAPPING = {"ksize": [1, 3, 2, 1], "strides": [1, 2, 1, 1]}
row(
    "MaxPool",
    case(grid(2, 4, 4, 2), padding="VALID", **POOL),
    case(distinct(1, 5, 3, 2), padding="SAME", **POOL),
    case(grid(1, 5, 5, 1), padding="SAME", **OVERLAPPING),
    case(grid(1, 5, 5, 1), padding="VALID", **OVERLAPPING),
    bad("InvalidArgumentError", grid(4, 4), padding="VALID", **POOL),
)
row(
    "MaxPoolGrad",
    case(
        value([[[[1], [2]], [[3], [4]]]]),
        value([[[[4]]]]),
        grid(1, 1, 1, 1),
        padding="VALID",
        **POOL,
    ),
    case(
        value([[[[2], [2]], [[2], [1]]]]),
        value([[[[2]]]]),
        grid(1, 1, 1, 1),
        padding="VALID",
        **POOL,
    ),
)
row(
    "AvgPool",
    case(grid(2, 4, 4, 2), padding="VALID", **POOL),
    case(grid(1, 5, 3, 2), padding="SAME", **POOL),
    case(grid(1, 5, 5, 1), padding="SAME", **OVERLAPPING),
)
row(
    "AvgPoolGrad",
    case(const([2, 4, 4, 2]), grid(2, 2, 2, 2), padding="VALID", **POOL),
    case(value([1, 5, 3, 2]), grid(1, 3, 2, 2), padding="SAME", **POOL),
)
row(
    "BiasAdd",
    case(grid(2, 3), grid(3)),
    case(grid(2, 2, 2, 3), grid(3)),
    case(grid(2, 3, 2, 2), grid(3), data_format="NCHW"),
    bad("InvalidArgumentError", grid(2, 3), grid(2)),
)
row(
    "BiasAddGrad",
    case(grid(2, 3)),
    case(grid(2, 2, 2, 3)),
    case(grid(2, 3, 2, 2), data_format="NCHW"),
)
row(
    "SoftmaxCrossEntropyWithLogits",
    case(grid(3, 4), positive(3, 4, low=0, high=1)),
    case(grid(3, 4), positive(1, 4, low=0, high=1)),
    bad("InvalidArgumentError", grid(3, 4), grid(3, 5)),
)
row(
    "SparseSoftmaxCrossEntropyWithLogits",
    case(grid(3, 4), ints(0, 4, 3)),
    case(grid(2, 2), value([1, 0])),
    bad("InvalidArgumentError", grid(3, 4), value([0, 1])),
)
row(
    "LRN",
    case(grid(1, 2, 2, 6)),
    case(grid(1, 2, 1, 5), depth_radius=1, bias=2.0, alpha=0.5, beta=0.75),
)
