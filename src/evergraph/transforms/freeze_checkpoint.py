"""From a checkpoint to a frozen GraphDef, with the outputs worked out where nobody names them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from evergraph import errors
from evergraph.formats.checkpoint_path import find_checkpoint
from evergraph.graph.graph import Graph
from evergraph.runtime.session import Session
from evergraph.train.checkpoints import graph_file_of
from evergraph.train.restore_only import restore_only
from evergraph.train.saver import import_meta_graph
from evergraph.transforms.freeze import convert_variables_to_constants
from evergraph.transforms.subgraph import candidate_outputs, node_names


class Frozen(NamedTuple):
    """A frozen graph: the message, its outputs, all candidates for them (best first), and the inputs that it is fed."""

    graph_def: Any
    outputs: list[str]
    candidates: list[str]
    inputs: list[str]
    prefix: str


def freeze(path: Any, outputs: str | Sequence[str] | None = None) -> Frozen:
    """Freezes a checkpoint with its ``.meta``: the part of the graph that the outputs need, variables as constants.

    Args:
      path: a prefix, a folder (its latest checkpoint), or any file of a checkpoint.
      outputs: names of nodes (a list, or separated by commas); None for the likeliest: see ``candidate_outputs``.

    Raises:
      NotFoundError: there is no checkpoint, or it has no ``.meta``.
      MissingNodeError: an output is not in the graph.
      InvalidArgumentError: no outputs are named and none can be worked out.
    """
    found = find_checkpoint(path)
    meta = graph_file_of(found.prefix)
    with Graph().as_default() as graph, Session(graph=graph) as session:
        saver = import_meta_graph(meta, clear_devices=True)
        graph_def = graph.as_graph_def()
        candidates = candidate_outputs(graph_def.node)
        wanted = node_names(outputs) if outputs else candidates[:1]
        if not wanted:
            raise errors.InvalidArgumentError(
                None, None, f"{meta}: no node looks like an output; name one (or more) of its nodes"
            )
        if saver is not None:
            restore_only(session, saver, found.prefix)
        frozen = convert_variables_to_constants(session, graph_def, wanted)
    inputs = [node.name for node in frozen.node if node.op.startswith("Placeholder")]
    return Frozen(frozen, wanted, candidates, inputs, found.prefix)
