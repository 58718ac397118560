"""What a Saver notices beside its work: signs of mistakes that are silent otherwise.

* A graph that has grown since the last save: a program that makes operations in its training loop gets slower with each
  step, and its ``.meta`` larger with each save.
* A ``var_list`` without variables that are not trained and yet part of the model (``moving_mean``): predictions after
  restoring differ.
"""

from __future__ import annotations

import logging
import re
from typing import Any

from evergraph import errors
from evergraph.formats.checkpoint import open_checkpoint
from evergraph.graph.collections import GraphKeys
from evergraph.graph.graph import Graph
from evergraph.runtime.session import BaseSession
from evergraph.train.restore_errors import wanted

_LOG = logging.getLogger("evergraph")
_SHOWN = 5
#: Of a training run rather than of its model.
_COUNTER = re.compile(
    r"(?:.*/)?(?:beta[12]_power(?:_\d+)?|global_step|iter(?:ations)?|learning_rate)"
)


class SaverNotices:
    """The notices of one Saver, each given once where it would only be repeated."""

    def __init__(self) -> None:
        self._graph: Graph | None = None
        self._nodes = 0
        self._has_looked = False

    def before_save(self, graph: Graph, saver_def: Any) -> None:
        """Looks at the graph that is saved."""
        nodes = graph.version
        if self._graph is graph and nodes > self._nodes:
            _LOG.warning(
                "%s nodes added since the last save; are ops built in a loop? They make the graph, its .meta and every "
                "run slower: build them once, before the loop (tf.get_default_graph().finalize() finds the place).",
                f"{nodes - self._nodes:,}",
            )
        self._graph, self._nodes = graph, nodes
        if not self._has_looked:
            self._has_looked = True
            left = left_out(graph, _set_by(graph, saver_def))
            if left:
                _LOG.warning(
                    "This Saver leaves out %s of the model's variables, which are not trained but have a part in what "
                    "it computes: %s. A model restored from its checkpoints predicts with their initial values. Save "
                    "them too: tf.train.Saver() takes all, tf.trainable_variables() leaves them out.",
                    len(left),
                    _some(left),
                )

    def after_restore(self, session: Any, saver_def: Any, prefix: str) -> None:
        """Looks at what has been restored from a checkpoint, and what could have been."""
        if not isinstance(session, BaseSession):
            return  # something that has ``run`` is enough to restore with
        graph = session.graph
        restored = _set_by(graph, saver_def)
        session.state.restored.update(dict.fromkeys(restored, prefix))
        left = left_out(graph, restored)
        if not left:
            return
        try:
            with open_checkpoint(prefix) as checkpoint:
                there = [name for name in left if name in checkpoint]
        except errors.OpError:
            return  # The restore has been done; this was to say more about it.
        if there:
            _LOG.warning(
                "%s has %s of the model's variables that this Saver does not restore, since its var_list leaves them "
                "out: %s. They keep the values that they have; predictions differ from those of the model that was "
                "saved.",
                prefix,
                len(there),
                _some(there),
            )


def left_out(graph: Graph, saved: set[str]) -> list[str]:
    """The variables that are not among ``saved`` and not trained, and belong to layers that are saved: a name scope
    directly around one of them. What optimizers and averages keep for a variable does not count."""
    if not saved:
        return []
    variables = [variable.op.name for variable in graph.get_collection(GraphKeys.GLOBAL_VARIABLES)]
    trained = {variable.op.name for variable in graph.get_collection(GraphKeys.TRAINABLE_VARIABLES)}
    every, layers = set(variables), {_scope(name) for name in saved}
    return [
        name
        for name in variables
        if name not in saved
        and name not in trained
        and _scope(name) in layers
        and _scope(name) not in every
        and not _COUNTER.fullmatch(name)
    ]


def _set_by(graph: Graph, saver_def: Any) -> set[str]:
    """The names of the variables that the restore operation of a saver sets."""
    try:
        return {item.variable for item in wanted(graph, saver_def) if item.variable}
    except (KeyError, ValueError):
        return set()  # the graph of another saver: running it says so


def _scope(name: str) -> str:
    return name.rpartition("/")[0]


def _some(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
