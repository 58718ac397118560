"""Of many boxes, the best that overlap little.

A box is ``[y1, x1, y2, x2]``. Source of the algorithm: TensorFlow's core/kernels/image/non_max_suppression_op.cc.
"""

from __future__ import annotations

import heapq
import math
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.graph import shape as shapes
from evergraph.graph.conversion import convert_to_tensor
from evergraph.graph.registry import op
from evergraph.graph.scopes import name_scope
from evergraph.graph.tensor import Tensor

_HALF_OR_FLOAT = "{half, float} = DT_FLOAT"


def _refuse(sentence: str) -> None:
    raise errors.InvalidArgumentError(None, None, sentence)


def _corners(boxes: Any) -> Any:
    """Boxes as float32, the smaller coordinates first."""
    wide = boxes.astype(np.float32)
    return np.concatenate(
        [np.minimum(wide[:, :2], wide[:, 2:]), np.maximum(wide[:, :2], wide[:, 2:])], 1
    )


def _overlap(one: Any, other: Any) -> float:
    """The intersection of two boxes over their union."""
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    if areas[0] <= 0 or areas[1] <= 0:
        return 0.0
    height = min(one[2], other[2]) - max(one[0], other[0])
    width = min(one[3], other[3]) - max(one[1], other[1])
    common = max(height, np.float32(0)) * max(width, np.float32(0))
    return float(common / (areas[0] + areas[1] - common))


def _choose(
    boxes: Any,
    scores: Any,
    most: Any,
    threshold: Any,
    least_score: float = -math.inf,
    sigma: float = 0.0,
) -> tuple[list[int], list[float]]:
    """The indices of boxes, best score first, that overlap no better one by more than ``threshold``; their scores.

    With ``sigma``, an overlap lowers a box's score instead of ruling it out.
    """
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        _refuse(f"boxes must have 4 columns, got shape {shapes.text(boxes.shape)}")
    if scores.shape != boxes.shape[:1]:
        _refuse(
            f"scores has incompatible shape {shapes.text(scores.shape)} with {len(boxes)} boxes"
        )
    if not 0 <= threshold <= 1:
        _refuse("iou_threshold must be in [0, 1]")
    if most < 0:
        _refuse(f"max_output_size must be non-negative, got {most}")
    corners = _corners(boxes)
    queue = [(-float(s), i, 0) for i, s in enumerate(scores) if s > least_score]
    heapq.heapify(queue)
    chosen: list[int] = []
    values: list[float] = []
    soft = sigma > 0
    while queue and len(chosen) < most:
        negative, index, begin = heapq.heappop(queue)
        score = before = -negative
        ruled_out = False
        # Those before ``begin`` have lowered the score already.
        for other in reversed(chosen[begin:]):
            overlap = _overlap(corners[index], corners[other])
            if overlap > threshold and not soft:
                ruled_out = True
                break
            if soft:
                weight = math.exp(-0.5 / sigma * overlap * overlap) if overlap <= threshold else 0.0
                score = float(np.float32(score) * np.float32(weight))
            if score <= least_score:
                break
        if ruled_out:
            continue
        if score == before:
            chosen.append(index)
            values.append(score)
        elif score > least_score:
            heapq.heappush(queue, (-score, index, len(chosen)))
    return chosen, values


def _checked(c: Any, scalars: int) -> None:
    boxes, scores = shapes.with_rank(c.shape(0), 2), shapes.with_rank(c.shape(1), 1)
    shapes.merge(boxes[:1], scores)
    if boxes[1] not in (None, 4):
        raise ValueError(f"Dimension must be 4 but is {boxes[1]}")
    for i in range(2, 2 + scalars):
        shapes.with_rank(c.shape(i), 0)


def _chosen(scalars: int) -> Any:
    def rule(c):
        _checked(c, scalars)
        return (None,)

    return rule


@op(
    "NonMaxSuppression",
    "boxes: float, scores: float, max_output_size: int32 -> selected_indices: int32",
    iou_threshold=0.5,
    host=True,
)
class NonMaxSuppression:
    shape = _chosen(1)

    def compute(xp, boxes, scores, max_output_size, *, iou_threshold):
        return np.array(_choose(boxes, scores, max_output_size, iou_threshold)[0], np.int32)

    gradient = None


@op(
    "NonMaxSuppressionV2",
    "boxes: T, scores: T, max_output_size: int32, iou_threshold: T_threshold -> "
    "selected_indices: int32",
    T=_HALF_OR_FLOAT,
    T_threshold=_HALF_OR_FLOAT,
    host=True,
)
class NonMaxSuppressionV2:
    shape = _chosen(2)

    def compute(xp, boxes, scores, max_output_size, iou_threshold):
        return np.array(_choose(boxes, scores, max_output_size, iou_threshold)[0], np.int32)

    gradient = None


@op(
    "NonMaxSuppressionV3",
    "boxes: T, scores: T, max_output_size: int32, iou_threshold: T_threshold, "
    "score_threshold: T_threshold -> selected_indices: int32",
    T=_HALF_OR_FLOAT,
    T_threshold=_HALF_OR_FLOAT,
    host=True,
)
class NonMaxSuppressionV3:
    shape = _chosen(3)

    def compute(xp, boxes, scores, max_output_size, iou_threshold, score_threshold):
        chosen, _ = _choose(boxes, scores, max_output_size, iou_threshold, score_threshold)
        return np.array(chosen, np.int32)

    gradient = None


def _padded(c: Any, scalars: int) -> Any:
    _checked(c, scalars)
    most = c.value(2)
    return (int(most) if c["pad_to_max_output_size"] and most is not None else None,)


def _filled(values: list[Any], dtype: Any, most: Any, pad: bool) -> Any:
    result = np.array(values, dtype)
    return np.pad(result, (0, int(most) - len(result))) if pad else result


@op(
    "NonMaxSuppressionV4",
    "boxes: T, scores: T, max_output_size: int32, iou_threshold: T_threshold, "
    "score_threshold: T_threshold -> selected_indices: int32, valid_outputs: int32",
    T=_HALF_OR_FLOAT,
    T_threshold=_HALF_OR_FLOAT,
    pad_to_max_output_size=False,
    host=True,
)
class NonMaxSuppressionV4:
    def shape(c):
        return [_padded(c, 3), ()]

    def compute(
        xp,
        boxes,
        scores,
        max_output_size,
        iou_threshold,
        score_threshold,
        *,
        pad_to_max_output_size,
    ):
        chosen, _ = _choose(boxes, scores, max_output_size, iou_threshold, score_threshold)
        indices = _filled(chosen, np.int32, max_output_size, pad_to_max_output_size)
        return indices, np.int32(len(chosen))

    gradient = None


@op(
    "NonMaxSuppressionV5",
    "boxes: T, scores: T, max_output_size: int32, iou_threshold: T, score_threshold: T, "
    "soft_nms_sigma: T -> selected_indices: int32, selected_scores: T, valid_outputs: int32",
    T=_HALF_OR_FLOAT,
    pad_to_max_output_size=False,
    host=True,
)
class NonMaxSuppressionV5:
    def shape(c):
        dims = _padded(c, 4)
        return [dims, dims, ()]

    def compute(
        xp, boxes, scores, max_output_size, iou_threshold, score_threshold, soft_nms_sigma, *,
        pad_to_max_output_size
    ):  # fmt: skip
        chosen, values = _choose(
            boxes, scores, max_output_size, iou_threshold, score_threshold, soft_nms_sigma
        )
        pad = pad_to_max_output_size
        indices = _filled(chosen, np.int32, max_output_size, pad)
        return (
            indices,
            _filled(values, scores.dtype, max_output_size, pad),
            np.int32(len(chosen)),
        )


def non_max_suppression(
    boxes: Any,
    scores: Any,
    max_output_size: Any,
    iou_threshold: Any = 0.5,
    score_threshold: Any = float("-inf"),
    name: str | None = None,
) -> Tensor:
    """The indices of at most ``max_output_size`` boxes, best score first, that overlap no better one too much."""
    with name_scope(name, "non_max_suppression"):
        iou = convert_to_tensor(iou_threshold, dtype="float32", name="iou_threshold")
        score = convert_to_tensor(score_threshold, dtype="float32", name="score_threshold")
        return NonMaxSuppressionV3(boxes, scores, max_output_size, iou, score)
