"""Batch and local response normalization: the gradients, and the forms of before."""

from __future__ import annotations

from tests.ops.rows import case, grid, positive, row, value

OLD = {"variance_epsilon": 0.0625, "scale_after_normalization": True}
CHANNELS = [grid(2), positive(2)]
row(
    "BatchNormWithGlobalNormalization",
    case(grid(2, 3, 3, 2), *CHANNELS, grid(2), grid(2), **OLD),
    case(
        grid(1, 2, 2, 2),
        *CHANNELS,
        grid(2),
        grid(2),
        variance_epsilon=0.5,
        scale_after_normalization=False,
    ),
    producer=8,
)
row(
    "BatchNormWithGlobalNormalizationGrad",
    case(grid(2, 3, 3, 2), *CHANNELS, grid(2), grid(2, 3, 3, 2), **OLD),
    producer=8,
)
row("BiasAddV1", case(grid(2, 3), grid(3)), case(grid(2, 2, 2, 3), grid(3)))

IMAGES = [grid(2, 3, 3, 2), grid(2, 3, 3, 2), grid(2)]
row(
    "FusedBatchNormGrad",
    case(*IMAGES, grid(2), positive(2)),
    case(*IMAGES, grid(2), positive(2), is_training=False),
)
row(
    "FusedBatchNormGradV2",
    case(*IMAGES, grid(2), positive(2)),
    case(*IMAGES, grid(2), positive(2), is_training=False),
)
row(
    "FusedBatchNormGradV3",
    case(*IMAGES, grid(2), positive(2), value([])),
    case(*IMAGES, grid(2), positive(2), value([]), is_training=False),
)
row(
    "LRNGrad",
    case(grid(1, 2, 2, 6), grid(1, 2, 2, 6), positive(1, 2, 2, 6)),
    case(grid(1, 2, 1, 5), grid(1, 2, 1, 5), positive(1, 2, 1, 5), depth_radius=1, alpha=0.5),
)
