"""Finding the names that somebody probably meant.

Used where a name is missing (a tensor of a checkpoint, a node of a graph, an op type). Names in
TensorFlow files differ from what people ask for in few ways, so these are looked for first: another
scope in front, a ``_1`` from uniquifying, ``:0`` at the end, the slot of an optimizer or a
moving average behind the variable's name, letter case. Then misspellings.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable
from itertools import islice

from evergraph.errors import documented

# What is looked at is bounded: this runs while an error is being raised.
_MOST_NAMES = 200_000
_SHORTLIST = 100
_LIKENESS = 0.6
_SCOPED, _SAME = 10.0, 20.0

_COUNTER = re.compile(r"_\d+(?=/|$)")
_ATTACHED = re.compile(
    r"(/(adam|adamax|momentum|adagrad|adadelta|rmsprop|ftrl|nadam|lamb"
    r"|exponentialmovingaverage|\.attributes/variable_value|read))+$"
)


def nearest(name: str, candidates: Iterable[str], limit: int = 3) -> list[str]:
    """The ``candidates`` that resemble ``name``, best first; at most ``limit``, often none.

    Work is bounded: about half a second for 100,000 candidates.
    """
    wanted, wanted_plain = name.lower(), _plain(name)
    wanted_reversed = wanted[::-1]
    wanted_parts = set(wanted.split("/"))

    def likeness(candidate: str) -> float:
        lowered, plain = candidate.lower(), _plain(candidate)
        # One misspelling anywhere leaves a common beginning and a common end.
        shared = _shared(lowered, wanted) + _shared(lowered[::-1], wanted_reversed)
        score = min(2.0 * shared / (len(lowered) + len(wanted) + 1), 1.0)
        score += 0.5 * len(wanted_parts.intersection(lowered.split("/"))) / len(wanted_parts)
        if plain == wanted_plain:
            return score + _SAME
        if plain.endswith("/" + wanted_plain) or wanted_plain.endswith("/" + plain):
            return score + _SCOPED
        return score

    scored = ((likeness(c), c) for c in islice(candidates, _MOST_NAMES))
    shortlist = heapq.nlargest(_SHORTLIST, scored, key=lambda pair: pair[0])

    from difflib import SequenceMatcher

    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(name)
    found: list[tuple[float, str]] = []
    for score, candidate in shortlist:
        matcher.set_seq1(candidate)
        ratio = matcher.ratio() if len(candidate) + len(name) < 2_000 else 0.0
        if score >= _SCOPED:
            found.append((score + ratio, candidate))
        elif ratio >= _LIKENESS:
            found.append((ratio, candidate))
    found.sort(key=lambda pair: (-pair[0], pair[1]))
    return [candidate for _, candidate in found[:limit]]


def did_you_mean(name: str, candidates: Iterable[str], limit: int = 3) -> str:
    """A sentence that names the nearest candidates, or an empty string; to append to a message."""
    names = nearest(name, candidates, limit)
    return f" Nearest names there: {', '.join(map(repr, names))}." if names else ""


def no_attribute(module: str, name: str, names: Iterable[str], hint: str = "") -> AttributeError:
    """The error for a name that ``module`` (as programs call it) does not have: with ``hint``, or the nearest names."""
    message = f"module '{module}' has no attribute '{name}' in evergraph."
    if name.startswith("__"):
        # Python's own machinery asks for such names, and nobody reads what it is told.
        return AttributeError(message)
    return documented(AttributeError(message + (hint or did_you_mean(name, names))))


def _shared(a: str, b: str) -> int:
    """How many characters ``a`` and ``b`` have in common at their beginning."""
    count = 0
    for x, y in zip(a, b):  # noqa: B905 - the shorter one decides
        if x != y:
            break
        count += 1
    return count


def _plain(name: str) -> str:
    """``name`` without what frameworks attach to it."""
    lowered = name.lower()
    if lowered.endswith(":0"):
        lowered = lowered[:-2]
    if "_" in lowered:
        lowered = _COUNTER.sub("", lowered)
    return _ATTACHED.sub("", lowered) if "/" in lowered else lowered
