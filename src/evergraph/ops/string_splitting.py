"""Strings cut into pieces: the pieces are the values of a sparse matrix with a row for each string."""

from __future__ import annotations

from typing import Any

import numpy as np

from evergraph.graph import shape as shapes
from evergraph.graph.registry import op
from evergraph.graph.shape import Dims


def _split_shapes(c: Any) -> list[Dims]:
    shapes.with_rank(c.shape(0), 1)
    shapes.with_rank(c.shape(1), 0)
    return [(None, 2), (None,), (2,)]


def _as_sparse(rows: list[list[bytes]]) -> tuple[Any, Any, Any]:
    """Rows of pieces as the parts of a sparse matrix."""
    places = [(i, j) for i, row in enumerate(rows) for j in range(len(row))]
    values = np.empty(len(places), object)
    values[:] = [piece for row in rows for piece in row]
    widest = max((len(row) for row in rows), default=0)
    indices = np.array(places, np.int64).reshape(-1, 2)
    return indices, values, np.array([len(rows), widest], np.int64)


@op(
    "StringSplit",
    "input: string, delimiter: string -> indices: int64, values: string, shape: int64",
    skip_empty=True,
    host=True,
)
class StringSplit:
    shape = _split_shapes

    def compute(xp, input, delimiter, *, skip_empty):
        marks = np.asarray(delimiter, object)[()]
        return _as_sparse([_split_at_any(text, marks, skip_empty) for text in input])

    gradient = None


def _split_at_any(text: bytes, marks: bytes, skip_empty: bool) -> list[bytes]:
    """Cut at each byte that is one of ``marks``; into single bytes where there are none."""
    if not marks:
        return [text[i : i + 1] for i in range(len(text))]
    for mark in marks[1:]:
        text = text.replace(bytes([mark]), marks[:1])
    pieces = text.split(marks[:1])
    return [piece for piece in pieces if piece] if skip_empty else pieces


@op(
    "StringSplitV2",
    "input: string, sep: string -> indices: int64, values: string, shape: int64",
    maxsplit=-1,
    host=True,
)
class StringSplitV2:
    shape = _split_shapes

    def compute(xp, input, sep, *, maxsplit):
        mark = np.asarray(sep, object)[()] or None
        return _as_sparse([text.split(mark, maxsplit) for text in input])

    gradient = None
