"""Convolutions and pooling in three dimensions; the gradients of the depthwise ones; odd pools."""

from __future__ import annotations

from typing import Any

from tests.ops.rows import bad, case, const, distinct, grid, row, value

FLAT: list[int] = [1, 1, 1, 1]
ONES: list[int] = [1, 1, 1, 1, 1]
TWOS: list[int] = [1, 2, 2, 2, 1]

row(
    "Conv3D",
    case(grid(1, 3, 4, 3, 2), grid(2, 2, 3, 2, 2), strides=ONES, padding="SAME"),
    case(grid(1, 4, 4, 4, 1), grid(2, 2, 2, 1, 2), strides=TWOS, padding="VALID"),
    bad("InvalidArgumentError", grid(1, 3, 3, 3, 2), grid(2, 2, 2, 3, 1), strides=ONES,
        padding="SAME"),
)  # fmt: skip
row(
    "Conv3DBackpropInputV2",
    case(const([1, 3, 4, 3, 2]), grid(2, 2, 3, 2, 2), grid(1, 3, 4, 3, 2), strides=ONES,
         padding="SAME"),
    case(value([1, 4, 4, 4, 1]), grid(2, 2, 2, 1, 2), grid(1, 2, 2, 2, 2), strides=TWOS,
         padding="VALID"),
)  # fmt: skip
row(
    "Conv3DBackpropFilterV2",
    case(grid(1, 3, 4, 3, 2), const([2, 2, 3, 2, 2]), grid(1, 3, 4, 3, 2), strides=ONES,
         padding="SAME"),
    case(grid(1, 4, 4, 4, 1), value([2, 2, 2, 1, 2]), grid(1, 2, 2, 2, 2), strides=TWOS,
         padding="VALID"),
)  # fmt: skip

CUBE: dict[str, Any] = {"ksize": TWOS, "strides": TWOS}
for op in ("MaxPool3D", "AvgPool3D"):
    row(
        op,
        case(distinct(1, 4, 4, 2, 2), padding="VALID", **CUBE),
        case(grid(1, 3, 3, 3, 1), padding="SAME", **CUBE),
    )
row(
    "AvgPool3DGrad",
    case(const([1, 4, 4, 2, 2]), grid(1, 2, 2, 1, 2), padding="VALID", **CUBE),
    case(value([1, 3, 3, 3, 1]), grid(1, 2, 2, 2, 1), padding="SAME", **CUBE),
)
EIGHT = [[[[[1], [2]], [[3], [4]]], [[[5], [8]], [[7], [6]]]]]
row(
    "MaxPool3DGrad",
    *(
        case(value(EIGHT), value([[[[[8]]]]]), grid(1, 1, 1, 1, 1), padding="VALID", T=kind,
             TInput=kind, **CUBE)
        for kind in ("float", "half", "bfloat16")
    ),
)  # fmt: skip

SQUARE: dict[str, Any] = {"ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1]}
row(
    "MaxPoolV2",
    case(grid(1, 4, 4, 2), const([1, 2, 2, 1]), const([1, 2, 2, 1]), padding="VALID"),
    case(grid(1, 5, 3, 1), value([1, 3, 3, 1]), value([1, 2, 2, 1]), padding="SAME"),
)
row(
    "MaxPoolWithArgmax",
    case(distinct(2, 4, 4, 2), padding="VALID", **SQUARE),
    case(distinct(1, 5, 3, 1), padding="SAME", **SQUARE),
    case(distinct(2, 4, 4, 1), padding="VALID", include_batch_in_index=True, **SQUARE),
)
row(
    "MaxPoolGradGrad",
    case(value([[[[1], [2]], [[3], [4]]]]), value([[[[4]]]]), grid(1, 2, 2, 1), padding="VALID",
         **SQUARE),
)  # fmt: skip

row(
    "DepthwiseConv2dNativeBackpropInput",
    case(const([1, 5, 4, 2]), grid(3, 2, 2, 2), grid(1, 5, 4, 4), strides=FLAT, padding="SAME"),
    case(value([1, 6, 6, 2]), grid(3, 3, 2, 1), grid(1, 2, 2, 2), strides=[1, 2, 2, 1],
         padding="VALID"),
)  # fmt: skip
row(
    "DepthwiseConv2dNativeBackpropFilter",
    case(grid(1, 5, 4, 2), const([3, 2, 2, 2]), grid(1, 5, 4, 4), strides=FLAT, padding="SAME"),
    case(grid(1, 6, 6, 2), value([3, 3, 2, 1]), grid(1, 2, 2, 2), strides=[1, 2, 2, 1],
         padding="VALID"),
)  # fmt: skip
