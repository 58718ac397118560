"""Values as TensorFlow prints them: in the message of Assert, in Print, in tf.print (complex numbers too,
for which TensorFlow prints question marks).

Two forms: ``summary`` gives the first elements, brackets around rows but not around all; ``summary_v2`` gives the
elements at both ends of every dimension. Source: Tensor::SummarizeValue (core/framework/tensor.cc).
"""

from __future__ import annotations

from typing import Any

import numpy as np

_ESCAPES = {
    ord("\n"): "\\n",
    ord("\r"): "\\r",
    ord("\t"): "\\t",
    ord('"'): '\\"',
    ord("'"): "\\'",
    ord("\\"): "\\\\",
}


def summary(value: Any, most: int) -> str:
    """The first ``most`` elements of ``value`` (negative: all), ``...`` where there are more."""
    array = np.asarray(value)
    limit = array.size if most < 0 else min(most, array.size)
    if array.ndim == 0:
        return _element(array[()], quoted=False) if limit else "..."
    budget = _Budget(limit)
    text = _rows(array, 0, budget)
    return text + "..." if array.size > limit else text


class _Budget:
    """How many elements may still be printed."""

    def __init__(self, left: int) -> None:
        self.left = left


def _rows(array: Any, depth: int, budget: _Budget) -> str:
    if not budget.left:
        return ""
    if array.ndim == 1:
        shown = array[: budget.left]
        budget.left -= len(shown)
        text = " ".join(_element(item, quoted=False) for item in shown)
        return text + "..." if len(shown) < len(array) and depth else text
    parts = []
    for part in array:
        if not budget.left:
            break
        parts.append(f"[{_rows(part, depth + 1, budget)}]")
    return "".join(parts)


def summary_v2(value: Any, most: int) -> str:
    """``value`` with at most ``most`` elements at each end of every dimension (negative: all), strings in quotes."""
    array = np.asarray(value)
    ends = array.size if most < 0 else min(most, array.size)
    if array.ndim == 0:
        return _element(array[()], quoted=True) if ends else "..."
    return _bracketed(array, ends, 0, array.ndim)


def _bracketed(array: Any, ends: int, depth: int, rank: int) -> str:
    if depth == rank:
        return _element(array, quoted=True)
    count = len(array)
    last = depth == rank - 1
    gap = " " if last else "\n" * (rank - depth - 1) + " " * (depth + 1)
    first = [_bracketed(item, ends, depth + 1, rank) for item in array[:ends]]
    rest = [_bracketed(item, ends, depth + 1, rank) for item in array[max(ends, count - ends) :]]
    left_out = ["..."] if count > 2 * ends else []
    return "[" + gap.join(first) + "".join(gap + text for text in left_out + rest) + "]"


def _element(item: Any, quoted: bool) -> str:
    if isinstance(item, (bytes, str)):
        text = escaped(item.encode() if isinstance(item, str) else item)
        return f'"{text}"' if quoted else text
    kind = np.asarray(item).dtype
    if kind.kind == "b":
        return str(int(item))
    if kind.kind in "iu":
        return str(int(item))
    if kind.kind == "c":
        return f"({_number(item.real, kind)},{_number(item.imag, kind)})"
    return _number(item, kind)


def _number(item: Any, kind: Any) -> str:
    """The shortest of a few precisions that reads back as the same number."""
    value = float(item)
    if np.isnan(value):
        return "nan"
    if np.isinf(value):
        return "inf" if value > 0 else "-inf"
    short, exact = (15, 17) if kind == np.float64 else (6, 9)
    text = f"{value:.{short}g}"
    read = float(text) if kind == np.float64 else float(np.float32(text))
    return text if read == value else f"{value:.{exact}g}"


def escaped(data: bytes) -> str:
    """Bytes as text, with C escapes for what is not printable; UTF-8 stays as it is."""
    return (
        "".join(
            _ESCAPES.get(byte) or (chr(byte) if byte >= 0x20 and byte != 0x7F else f"\\{byte:03o}")
            for byte in data
        )
        .encode("latin-1")
        .decode("utf-8", "replace")
    )
