"""The names of the parts of a partitioned variable, which a checkpoint that is in order does not have: there the parts
are slices of one tensor. ``w/part_0`` is a part of ``w``, its slot ``w/part_0/Adam`` a part of ``w/Adam``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_PART = re.compile(r"/part_\d+(?=/|$)")
_MOST_LISTED = 3


def hints(missing: Iterable[str], names: Iterable[str]) -> Iterator[str]:
    """Sentences that help where names are missing in a checkpoint that has ``names``: because parts were saved one by
    one, or are asked for one by one; none where it is something else.
    """
    present = list(names)
    parts_of: dict[str, list[str]] = {}
    for name in present:
        for whole in _wholes(name):
            parts_of.setdefault(whole, []).append(name)
    wanted = list(missing)
    for whole in wanted:
        if whole in parts_of:
            yield _saved_apart(whole, parts_of[whole])
            break
    known = set(present)
    for part in wanted:
        found = known.intersection(_wholes(part))
        if found:
            yield _asked_apart(part, min(found))
            break


def _wholes(name: str) -> Iterator[str]:
    """The names that a whole may have of which ``name`` is a part."""
    for match in _PART.finditer(name):
        yield name[: match.start()] + name[match.end() :]


def _saved_apart(whole: str, parts: list[str]) -> str:
    listed = ", ".join(parts[:_MOST_LISTED]) + (", ..." if len(parts) > _MOST_LISTED else "")
    return (
        f"The checkpoint has {listed}: the parts of {whole} were saved one by one, as tensors of their own, and not as "
        f"the slices of {whole}. Into a variable that is cut in the same way, restore them one by one: "
        "tf.train.Saver({part.op.name: part for part in <the partitioned variable>}). For any other, put them together "
        f"first: evergraph.save_checkpoint(<new prefix>, {{{whole!r}: numpy.concatenate([<their values>])}})."
    )


def _asked_apart(part: str, whole: str) -> str:
    return (
        f"The checkpoint has {whole}, of which {part} is a part: parts are restored together, by the name of the "
        f"whole: tf.train.Saver({{{whole!r}: <the partitioned variable, or the list of its parts>}})."
    )
