"""Images: colors, sizes, boxes."""

from __future__ import annotations

from tests.ops.rows import bad, case, const, grid, positive, row, value

PIXELS = positive(2, 3, 2, 3, low=0, high=1)

row("RGBToHSV", case(PIXELS), bad("FailedPreconditionError", grid(2, 4)),
    no_gradient="evergraph has none")  # fmt: skip
row("HSVToRGB", case(PIXELS), bad("FailedPreconditionError", grid(2, 4)))
row("AdjustContrastv2", case(grid(2, 3, 4, 2), value(1.5)), case(grid(3, 4, 1), value(-0.5)))
row("AdjustContrast", case(grid(2, 3, 3, 2), value(0.5), value(-1), value(1)), producer=1)
row("AdjustHue", case(PIXELS, value(0.3)), case(grid(3, 4, 3), value(-0.75)))
row("AdjustSaturation", case(PIXELS, value(0.5)), case(PIXELS, value(3.0)))

WIDER = [
    case(positive(2, 3, 4, 2, low=0, high=4), const([5, 6])),
    case(positive(1, 5, 4, 1, low=0, high=4), const([3, 2]), align_corners=True),
    bad("InvalidArgumentError", grid(1, 3, 3, 1), value([0, 2])),
]
# Weights are float32 in any case.
WEIGHTS = {"float": 1e-5, "double": 1e-6}
CENTERED = [
    case(positive(1, 3, 4, 1, low=0, high=4), const([5, 7]), half_pixel_centers=True),
    case(positive(1, 6, 5, 2, low=0, high=4), value([4, 2]), half_pixel_centers=True),
]
row("ResizeArea", *WIDER)
row("ResizeBilinear", *WIDER, *CENTERED, tolerance=WEIGHTS)
row("ResizeBicubic", *WIDER, *CENTERED, tolerance=WEIGHTS)
row("ResizeNearestNeighbor", *WIDER, *CENTERED)
BACK = [
    case(grid(2, 5, 6, 2), grid(2, 3, 4, 2)),
    case(grid(1, 3, 2, 1), grid(1, 5, 4, 1), align_corners=True),
    case(grid(1, 5, 7, 1), grid(1, 3, 4, 1), half_pixel_centers=True),
]
row("ResizeBilinearGrad", *BACK, tolerance=WEIGHTS)
row("ResizeBicubicGrad", *BACK, tolerance=WEIGHTS)
row(
    "ResizeNearestNeighborGrad",
    case(grid(2, 5, 6, 2), const([3, 4])),
    case(grid(1, 3, 2, 1), const([5, 4]), align_corners=True),
    case(grid(1, 5, 7, 1), const([3, 4]), half_pixel_centers=True),
)

BOXES = value([[0.1, 0.2, 0.9, 0.8], [-0.2, 0.3, 1.1, 0.5], [0.7, 0.9, 0.1, 0.2]])
WHICH = value([0, 1, 0])
row(
    "CropAndResize",
    case(positive(2, 4, 5, 2, low=0), BOXES, WHICH, const([3, 2]), extrapolation_value=0.5),
    case(positive(2, 4, 5, 2, low=0), BOXES, WHICH, const([1, 3])),
    case(positive(2, 4, 5, 2, low=0), BOXES, WHICH, const([3, 2]), method="nearest"),
    bad("OutOfRangeError", grid(1, 4, 5, 1), BOXES, WHICH, const([3, 2])),
)
row(
    "CropAndResizeGradImage",
    case(grid(3, 3, 2, 2), BOXES, WHICH, const([2, 4, 5, 2])),
    case(grid(3, 3, 2, 2), BOXES, WHICH, const([2, 4, 5, 2]), method="nearest"),
)
row(
    "CropAndResizeGradBoxes",
    case(grid(3, 3, 2, 2), positive(2, 4, 5, 2, low=0), BOXES, WHICH),
    case(grid(3, 1, 2, 2), positive(2, 4, 5, 2, low=0), BOXES, WHICH),
)

NEAR = value([[0, 0, 1, 1], [0, 0.125, 1, 1.125], [1, 0.875, 0, -0.125], [0, 10, 1, 11],
              [0, 10.125, 1, 11.125], [0, 100, 1, 101]])  # fmt: skip
SCORES = value([0.875, 0.75, 0.625, 0.9375, 0.5, 0.25])
row(
    "NonMaxSuppression",
    case(NEAR, SCORES, value(3)),
    case(NEAR, SCORES, value(2), iou_threshold=0.75),
)
row("NonMaxSuppressionV2", case(NEAR, SCORES, const(30), value(0.5)))
row("NonMaxSuppressionV3", case(NEAR, SCORES, const(3), value(0.5), value(0.375)),
    bad("InvalidArgumentError", NEAR, SCORES, value(3), value(1.5), value(0.0)))  # fmt: skip
row(
    "NonMaxSuppressionV4",
    case(NEAR, SCORES, const(5), value(0.5), value(0.375)),
    case(NEAR, SCORES, const(5), value(0.5), value(0.375), pad_to_max_output_size=True),
)
row(
    "NonMaxSuppressionV5",
    case(NEAR, SCORES, const(5), value(0.5), value(0.375), value(0.0)),
    case(NEAR, SCORES, const(6), value(1.0), value(0.0), value(0.5), pad_to_max_output_size=True),
)
