"""Restoring a checkpoint through a graph from elsewhere, which may do that and nothing more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from evergraph import errors
from evergraph.graph.graph import Graph
from evergraph.graph.operation import Operation
from evergraph.runtime.prune import needed
from evergraph.runtime.session import Session
from evergraph.train.saver import Saver

#: What the restoring side of a Saver consists of, in any TensorFlow so far.
_RESTORING = frozenset(
    """Assign AssignVariableOp Cast Const ExpandDims Identity LookupTableImport
    LookupTableImportV2 MutableDenseHashTable MutableDenseHashTableV2 MutableHashTable
    MutableHashTableOfTensors MutableHashTableOfTensorsV2 MutableHashTableV2 NoOp Pack Placeholder
    PlaceholderWithDefault RestoreV2 Restore RestoreSlice Reshape ShardedFilename ShardedFilespec
    Split SplitV StridedSlice VarHandleOp Variable VariableV2""".split()
)
#: Restoring in a SavedModel of TensorFlow 2 is a call of a function.
_CALLS = ("PartitionedCall", "StatefulPartitionedCall")


def restore_only(session: Session, saver: Saver, prefix: Any) -> None:
    """``saver.restore``, after a look at what that would run.

    Raises PermissionDeniedError where the restore operation of the graph does something else than
    reading a checkpoint into variables; otherwise as ``Saver.restore``.
    """
    graph = session.graph
    try:
        restore = graph.get_operation_by_name(saver.saver_def.restore_op_name)
        filename = graph.get_tensor_by_name(saver.saver_def.filename_tensor_name)
    except (KeyError, ValueError) as error:
        raise errors.InvalidArgumentError(
            None, None, f"The graph's saver names what is not in the graph: {error}"
        ) from None
    for op in needed([], [restore], {filename}):
        for name, kind in _runs(graph, op):
            if kind in _RESTORING:
                continue
            raise errors.PermissionDeniedError(
                None,
                None,
                f"'{restore.name}', which is to restore the variables, also runs '{name}' ({kind}). "
                "If you trust the source of this graph, import it with tf.train.import_meta_graph and "
                "restore it in a tf.Session.",
            )
    saver.restore(session, prefix)


def _runs(graph: Graph, op: Operation) -> Iterator[tuple[str, str]]:
    """Names and types of the nodes that running ``op`` runs: itself, or those of the functions that it calls."""
    if op.type not in _CALLS:
        yield op.name, op.type
        return
    waiting, seen = [op.attrs["f"].name], set()
    while waiting:
        function = waiting.pop()
        if function in seen:
            continue
        seen.add(function)
        # One that is not in the library fails when it is called.
        definition = graph.functions.get(function)
        for node in definition.node_def if definition is not None else ():
            if node.op in _CALLS:
                waiting.append(node.attr["f"].func.name)
            else:
                yield f"{function}/{node.name}", node.op
