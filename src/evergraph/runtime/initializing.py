"""Runs that initialize a variable again after it has been restored: what was restored is lost, silently."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from evergraph.graph.operation import Operation
from evergraph.graph.tensor import Tensor
from evergraph.runtime.prune import needed
from evergraph.runtime.state import SessionState

_LOG = logging.getLogger("evergraph")
_ASSIGNMENTS = frozenset(("Assign", "AssignVariableOp"))
_SHOWN = 5


def initialized_variables(
    fetches: Iterable[Tensor], targets: Iterable[Operation], fed: Iterable[Tensor]
) -> frozenset[str]:
    """The names of the variables whose initializers a run runs: ``w/Assign`` initializes ``w``.

    With its value fed it does not: that is how ``Variable.load`` sets one.
    """
    given = set(fed)
    return frozenset(
        op.inputs[0].op.name
        for op in needed(fetches, targets, given)
        if op.type in _ASSIGNMENTS
        and op.name == f"{op.inputs[0].op.name}/Assign"
        and op.inputs[1] not in given
    )


def note_initialized(state: SessionState, names: frozenset[str]) -> None:
    """Says which restored variables a run initializes again, once. Programs do so on purpose too: at the level INFO."""
    again = [name for name in state.restored if name in names]
    if not again:
        return
    prefix = state.restored[again[0]]
    for name in again:
        del state.restored[name]
    more = len(again) - _SHOWN
    _LOG.info(
        "Variables that were restored from %s are initialized again, and what was restored is lost: %s%s. Run the "
        "initializer before restoring.",
        prefix,
        ", ".join(again[:_SHOWN]),
        f" and {more} more" if more > 0 else "",
    )
