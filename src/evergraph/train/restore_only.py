"""Restoring a checkpoint through a graph from elsewhere, which may do that and nothing more."""

from __future__ import annotations

from typing import Any

from evergraph import errors
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
        if op.type not in _RESTORING:
            raise errors.PermissionDeniedError(
                None,
                None,
                f"'{restore.name}', which is to restore the variables, also runs '{op.name}' ({op.type}). "
                "If you trust the source of this graph, import it with tf.train.import_meta_graph and "
                "restore it in a tf.Session.",
            )
    saver.restore(session, prefix)
