"""Summaries: numbers, histograms, images and tensors under a tag, as serialized Summary messages.

Sources of the formulas: TensorFlow's core/lib/histogram/histogram.cc and core/kernels/summary_image_op.cc.
"""

from __future__ import annotations

import functools
import logging
import re
import struct
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from evergraph import errors
from evergraph.formats.protos import Summary, SummaryMetadata
from evergraph.formats.tensor_proto import make_ndarray, make_tensor_proto
from evergraph.graph.collections import GraphKeys
from evergraph.graph.default_graph import get_default_graph
from evergraph.graph.registry import op
from evergraph.graph.scopes import name_scope
from evergraph.graph.tensor import Tensor
from evergraph.ops.shape_rules import scalar as scalar_shape
from evergraph.ops.types import REAL

_LOG = logging.getLogger("evergraph")


def _text(value: Any) -> str:
    data: bytes = np.asarray(value, object).item()
    return data.decode("utf-8", "replace")


def _serialized(summary: Any) -> Any:
    return np.asarray(summary.SerializeToString(), object)


def _refuse(sentence: str) -> None:
    raise errors.InvalidArgumentError(None, None, sentence)


# ------------------------------------------------------------------------------------------ numbers


@op("ScalarSummary", "tags: string, values: T -> summary: string", T=REAL, host=True)
class ScalarSummary:
    shape = scalar_shape

    def compute(xp, tags, values):
        if np.shape(tags) != np.shape(values):
            _refuse(
                f"tags and values are not the same shape: {np.shape(tags)} != {np.shape(values)}"
            )
        summary = Summary()
        for tag, value in zip(np.ravel(tags), np.ravel(values), strict=True):
            summary.value.add(tag=_text(tag), simple_value=float(np.float32(value)))
        return _serialized(summary)

    gradient = None


@op("MergeSummary", "inputs: N * string -> summary: string", N="int >= 1", host=True)
class MergeSummary:
    shape = scalar_shape

    def compute(xp, inputs):
        merged = Summary()
        tags: set[str] = set()
        for given in inputs:
            for data in np.ravel(np.asarray(given, object)):
                try:
                    part = Summary.FromString(data)
                except Exception:
                    _refuse("Could not parse one of the summary inputs: it is no Summary message")
                for value in part.value:
                    if value.tag in tags:
                        _refuse(f"Duplicate tag {value.tag} found in summary inputs")
                    # The first versions wrote values without a tag.
                    if value.tag:
                        tags.add(value.tag)
                merged.MergeFrom(part)
        return _serialized(merged)

    gradient = None


# --------------------------------------------------------------------------------------- histograms


@functools.cache
def _limits() -> Any:
    """The upper ends of the intervals: growing by a tenth from 1e-12 to 1e20, to both sides of zero."""
    positive = []
    limit = 1.0e-12
    while limit < 1.0e20:
        positive.append(limit)
        limit *= 1.1
    positive.append(sys.float_info.max)
    return np.array([-x for x in reversed(positive)] + [0.0] + positive)


def histogram_proto(values: Any, into: Any) -> None:
    """Fills the HistogramProto ``into`` with how ``values`` are distributed; runs of empty intervals are one."""
    flat = np.ravel(values).astype(np.float64)
    limits = _limits()
    counts = np.bincount(np.searchsorted(limits, flat, "right"), minlength=len(limits))
    into.min = flat.min() if flat.size else limits[-1]
    into.max = flat.max() if flat.size else limits[0]
    into.num = flat.size
    # One after the other, as a loop adds.
    into.sum = np.add.accumulate(flat)[-1] if flat.size else 0.0
    into.sum_squares = np.add.accumulate(flat * flat)[-1] if flat.size else 0.0
    for limit, count, following in zip(limits, counts, [*counts[1:], 1], strict=True):
        if count or following:
            into.bucket_limit.append(limit)
            into.bucket.append(count)


@op(
    "HistogramSummary",
    "tag: string, values: T -> summary: string",
    T="{float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64} = DT_FLOAT",
    host=True,
)
class HistogramSummary:
    shape = scalar_shape

    def compute(xp, tag, values):
        if np.ndim(tag):
            _refuse("tags must be scalar")
        name = _text(tag)
        wide = np.asarray(values).astype(np.float64)
        if not np.isfinite(wide).all():
            what = "Nan" if np.isnan(wide).any() else "Infinity"
            _refuse(f"{what} in summary histogram for: {name}")
        summary = Summary()
        histogram_proto(wide, summary.value.add(tag=name).histo)
        return _serialized(summary)

    gradient = None


# ------------------------------------------------------------------------------------------- images


_COLOR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}


def png(pixels: Any) -> bytes:
    """``[height, width, channels]`` of uint8 or uint16 as a PNG. Source: the PNG specification, 3rd edition."""
    height, width, channels = pixels.shape
    depth = 8 * pixels.dtype.itemsize
    rows = pixels.astype(pixels.dtype.newbyteorder(">")).reshape(height, -1).view(np.uint8)
    # Each row begins with its filter: none.
    data = np.concatenate([np.zeros((height, 1), np.uint8), rows], 1).tobytes()
    header = struct.pack(">IIBBBBB", width, height, depth, _COLOR_TYPES[channels], 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(data)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )


def _as_bytes(image: Any, bad_color: Any) -> Any:
    """An image of floats in 256 steps: from zero, or around 128 where there are negative numbers."""
    wide = image.astype(np.float32)
    finite = np.isfinite(wide).all(-1)
    if not finite.any():
        low = high = np.float32(0)
    else:
        low, high = wide[finite].min(), wide[finite].max()
    largest = np.float32(max(abs(low), abs(high)) if low < 0 else high)
    steps, offset = (
        (np.float32(127), np.float32(128)) if low < 0 else (np.float32(255), np.float32(0))
    )
    scale = np.float32(0) if largest < 1e-6 else steps / largest
    result = np.where(finite[..., None], wide * scale + offset, 0).astype(np.uint8)
    result[~finite] = bad_color[: image.shape[-1]]
    return result


@op(
    "ImageSummary",
    "tag: string, tensor: T -> summary: string",
    max_images="int >= 1 = 3",
    T="{uint8, float, half, double} = DT_FLOAT",
    bad_color=(
        "tensor = { dtype: DT_UINT8 tensor_shape { dim { size: 4 } } "
        "int_val: 255 int_val: 0 int_val: 0 int_val: 255 }"
    ),
    host=True,
)
class ImageSummary:
    shape = scalar_shape

    def compute(xp, tag, tensor, *, max_images, bad_color):
        if np.ndim(tag):
            _refuse("Tags must be a scalar")
        if tensor.ndim != 4 or tensor.shape[3] not in (1, 3, 4):
            _refuse(f"Tensor must be 4-D with last dim 1, 3, or 4, not {list(tensor.shape)}")
        color = make_ndarray(bad_color)
        summary = Summary()
        for i, image in enumerate(tensor[:max_images]):
            name = f"{_text(tag)}/image" if max_images == 1 else f"{_text(tag)}/image/{i}"
            pixels = image if image.dtype == np.uint8 else _as_bytes(image, color)
            height, width, channels = image.shape
            summary.value.add(tag=name).image.MergeFrom(
                Summary.Image(
                    height=height,
                    width=width,
                    colorspace=channels,
                    encoded_image_string=png(pixels),
                )
            )
        return _serialized(summary)

    gradient = None


# ------------------------------------------------------------------------------------------ tensors


def _tensor_proto(value: Any) -> Any:
    """``value`` with its elements as bytes, whatever their number."""
    proto = make_tensor_proto(value)
    if np.asarray(value).dtype != object:
        data = np.ascontiguousarray(value)
        short = type(proto)(dtype=proto.dtype, tensor_shape=proto.tensor_shape)
        short.tensor_content = data.astype(data.dtype.newbyteorder("<")).tobytes()
        return short
    return proto


@op(
    "TensorSummaryV2",
    "tag: string, tensor: T, serialized_summary_metadata: string -> summary: string",
    T="type",
    host=True,
)
class TensorSummaryV2:
    shape = scalar_shape

    def compute(xp, tag, tensor, serialized_summary_metadata):
        summary = Summary()
        value = summary.value.add(tag=_text(tag))
        value.metadata.ParseFromString(np.asarray(serialized_summary_metadata, object)[()])
        value.tensor.MergeFrom(_tensor_proto(tensor))
        return _serialized(summary)

    gradient = None


# --------------------------------------------------------------------------------- building functions

_NOT_IN_A_NAME = re.compile(r"[^-/\w\.]")


def clean_tag(name: str | None) -> str | None:
    """``name`` as it may stand in a node's name: other characters become ``_``, slashes in front go."""
    if name is None:
        return None
    cleaned = _NOT_IN_A_NAME.sub("_", name).lstrip("/")
    if cleaned != name:
        _LOG.info("Summary name %s is illegal; using %s instead.", name, cleaned)
    return cleaned


@contextmanager
def summary_scope(
    name: str, family: str | None = None, default_name: str | None = None, values: Any = None
) -> Iterator[tuple[str, str]]:
    """The scope of a summary: its tag (led by ``family``, for the dashboard's tabs) and its node's name."""
    name, family = clean_tag(name) or "", clean_tag(family)
    base = name if family is None else f"{family}/{name}"
    with name_scope(base, default_name, values) as scope:
        plain = scope.rstrip("/")
        yield (plain if family is None else f"{family}/{plain}"), scope


def _collect(value: Tensor, collections: Sequence[str] | None, default: Sequence[str]) -> None:
    for key in default if collections is None else collections:
        get_default_graph().add_to_collection(key, value)


def scalar(
    name: str, tensor: Any, collections: Sequence[str] | None = None, family: str | None = None
) -> Tensor:
    """A summary of one number, in the collection ``summaries`` (or ``collections``)."""
    with summary_scope(name, family, values=[tensor]) as (tag, scope):
        summary: Tensor = ScalarSummary(tag, tensor, name=scope)
        _collect(summary, collections, [GraphKeys.SUMMARIES])
    return summary


def histogram(
    name: str, values: Any, collections: Sequence[str] | None = None, family: str | None = None
) -> Tensor:
    """A summary of how ``values`` are distributed."""
    with summary_scope(name, family, "HistogramSummary", [values]) as (tag, scope):
        summary: Tensor = HistogramSummary(tag, values, name=scope)
        _collect(summary, collections, [GraphKeys.SUMMARIES])
    return summary


def image(
    name: str,
    tensor: Any,
    max_outputs: int = 3,
    collections: Sequence[str] | None = None,
    family: str | None = None,
) -> Tensor:
    """A summary of the first ``max_outputs`` images of ``[batch, height, width, channels]``."""
    with summary_scope(name, family, values=[tensor]) as (tag, scope):
        summary: Tensor = ImageSummary(tag, tensor, max_images=max_outputs, name=scope)
        _collect(summary, collections, [GraphKeys.SUMMARIES])
    return summary


def tensor_summary(
    name: str,
    tensor: Any,
    summary_description: str | None = None,
    collections: Sequence[str] | None = None,
    summary_metadata: Any = None,
    family: str | None = None,
    display_name: str | None = None,
) -> Tensor:
    """A summary of a whole tensor."""
    metadata = SummaryMetadata() if summary_metadata is None else summary_metadata
    if summary_description is not None:
        metadata.summary_description = summary_description
    if display_name is not None:
        metadata.display_name = display_name
    with summary_scope(name, family, values=[tensor]) as (tag, scope):
        summary: Tensor = TensorSummaryV2(tag, tensor, metadata.SerializeToString(), name=scope)
        _collect(summary, collections, [GraphKeys.SUMMARIES])
    return summary


def merge(
    inputs: Sequence[Any], collections: Sequence[str] | None = None, name: str | None = None
) -> Tensor:
    """One summary of several. Running it raises InvalidArgumentError where a tag is there twice."""
    name = clean_tag(name)
    with name_scope(name, "Merge", inputs):
        summary: Tensor = MergeSummary(inputs, name=name)
        _collect(summary, collections, [])
    return summary


def merge_all(
    key: str = GraphKeys.SUMMARIES, scope: str | None = None, name: str | None = None
) -> Tensor | None:
    """One summary of all in the collection ``key``; None where there are none."""
    found = get_default_graph().get_collection(key, scope=scope)
    return merge(found, name=name) if found else None
