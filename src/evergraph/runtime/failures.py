"""Turning what went wrong in a kernel into TensorFlow's error, with the node's name and where the program made it."""

from __future__ import annotations

from typing import Any

from evergraph import errors
from evergraph.graph.operation import Operation

_PACKAGE = __name__.partition(".")[0]
_INTERNALS = f"/{_PACKAGE}/"
_COMMANDS = f"/{_PACKAGE}/cli/"


def attach(error: Exception, op: Operation) -> Exception:
    """``error`` as an OpError that names ``op``; the original stays its cause."""
    if isinstance(error, errors.OpError):
        if error.op is not None:
            return error
        kind: Any = type(error)  # OpError itself takes a code too; nothing raises that
        message = error.message
    elif isinstance(error, MemoryError):
        kind, message = errors.ResourceExhaustedError, f"Out of memory: {error}"
    elif isinstance(error, (ValueError, IndexError, TypeError)):
        # NumPy's own refusal of shapes and values: the rule of an op is that such input is the caller's error.
        kind, message = errors.InvalidArgumentError, str(error)
    else:
        kind, message = errors.InternalError, f"{type(error).__name__}: {error}"
    raised = kind(op.node_def, op, f"{message}\n\t [[node {op.name} ({op.type}), {place(op)}]]")
    raised.__cause__ = error if not isinstance(error, errors.OpError) else error.__cause__
    return raised


def place(op: Operation) -> str:
    """Where the program made ``op``: the innermost line outside this package."""
    for frame in reversed(op.traceback):
        if _COMMANDS in frame.filename:
            break  # A command has made it: of a file, not of a program.
        if _INTERNALS not in frame.filename:
            return f"defined at {frame.filename}:{frame.lineno}"
    return "imported"
