"""Gradients of pooling whose arguments fit each other: images, what pooling makes of them, gradients."""

from __future__ import annotations

from tests.ops.rows import case, const, grid, row, value

IMAGE = value([[[[1], [2]], [[4], [3]]]])
VOLUME = value([[[[[1], [2]], [[4], [3]]]]])
row(
    "MaxPoolGradV2",
    case(
        IMAGE,
        value([[[[4]]]]),
        grid(1, 1, 1, 1),
        const([1, 2, 2, 1]),
        const([1, 2, 2, 1]),
        padding="VALID",
    ),
    no_gradient="MaxPoolGradGradV2 is not there: windows that the run decides, differentiated twice",
)
row(
    "MaxPool3DGradGrad",
    case(
        VOLUME,
        value([[[[[4]]]]]),
        grid(1, 1, 2, 2, 1),
        padding="VALID",
        ksize=[1, 1, 2, 2, 1],
        strides=[1, 1, 2, 2, 1],
    ),
)
row(
    "MaxPoolGradWithArgmax",
    case(
        IMAGE,
        grid(1, 1, 1, 1),
        value([[[[2]]]]),
        padding="VALID",
        ksize=[1, 2, 2, 1],
        strides=[1, 2, 2, 1],
    ),
)
