"""Every error that evergraph raises.

The classes, codes and constructor are TensorFlow's (``tf.errors``), so that ``except`` clauses of
old programs keep working. Where a Python built-in says the same thing, a class is that as well::

    OpError
     +- CancelledError             1
     +- UnknownError               2
     +- InvalidArgumentError       3
     |   +- InvalidValueError        and ValueError
     |   +- InvalidTypeError         and TypeError
     +- DeadlineExceededError      4 and TimeoutError
     +- NotFoundError              5
     |   +- FileMissingError         and FileNotFoundError
     |   |   +- NoCheckpointError      and ValueError
     |   +- KeyNotFoundError         and KeyError
     +- AlreadyExistsError         6
     |   +- FileAlreadyExistsError   and FileExistsError
     +- PermissionDeniedError      7 and PermissionError
     +- ResourceExhaustedError     8
     |   +- StorageFullError         and OSError
     +- FailedPreconditionError    9
     |   +- IsFolderError            and IsADirectoryError
     |   +- NotFolderError           and NotADirectoryError
     +- AbortedError              10
     +- OutOfRangeError           11
     +- UnimplementedError        12 and NotImplementedError
     +- InternalError             13
     +- UnavailableError          14
     +- DataLossError             15
     +- UnauthenticatedError      16
    InaccessibleTensorError          a ValueError
    OperatorNotAllowedInGraphError   a TypeError

The codes are the canonical status codes of ``google.rpc.Code``.

The traceback of an error that ``docs/errors.md`` explains ends with a line that says where (Python 3.11 and newer show
it). It is a note of the error (PEP 678), so that ``str(error)`` and ``error.message`` are TensorFlow's.
"""

from __future__ import annotations

import errno as _errno
import os as _os
import traceback as _traceback
from functools import cached_property as _cached_property
from typing import Any
from typing import TypeVar as _TypeVar

OK = 0
CANCELLED = 1
UNKNOWN = 2
INVALID_ARGUMENT = 3
DEADLINE_EXCEEDED = 4
NOT_FOUND = 5
ALREADY_EXISTS = 6
PERMISSION_DENIED = 7
RESOURCE_EXHAUSTED = 8
FAILED_PRECONDITION = 9
ABORTED = 10
OUT_OF_RANGE = 11
UNIMPLEMENTED = 12
INTERNAL = 13
UNAVAILABLE = 14
DATA_LOSS = 15
UNAUTHENTICATED = 16


#: Where the errors that users meet are explained.
WHERE_TO_LOOK = "Causes and cures of evergraph's errors: evergraph explain (docs/errors.md)"

_Error = _TypeVar("_Error", bound=Exception)


def documented(error: _Error) -> _Error:
    """``error``, a built-in one, with the pointer to its row of the table of errors, if it has one.

    An OpError does without: it finds its pointer itself when it is shown.
    """
    notes = _pointers(str(error.args[0]))
    if notes:
        # Not add_note, which Python 3.10 has not: there, this is an attribute like any other.
        vars(error)["__notes__"] = notes
    return error


def _pointers(message: str) -> list[str]:
    """The line that leads to where ``message`` is explained, if it is."""
    from evergraph.error_table import row_of

    row = row_of(message)
    return [row.pointer] if row is not None and row.kind else []


class OpError(Exception):
    """Base of all errors with a status code.

    Args:
        node_def: the NodeDef of the node that failed, or None.
        op: the Operation that failed, or None.
        message: what went wrong, in a sentence.
        error_code: one of this module's codes.
        *args: at most one dictionary of further details, kept as ``experimental_payloads``.
    """

    def __init__(self, node_def: Any, op: Any, message: str, error_code: int, *args: Any) -> None:
        super().__init__(message)
        self._node_def = node_def
        self._op = op
        self._message = message
        self._error_code = error_code
        self._experimental_payloads: dict[Any, Any] = args[0] if args else {}

    @property
    def message(self) -> str:
        """What went wrong, without the trace of where the op was made."""
        return self._message

    @property
    def op(self) -> Any:
        """The Operation that failed, if one is known."""
        return self._op

    @property
    def node_def(self) -> Any:
        """The NodeDef of the node that failed, if one is known."""
        return self._node_def

    @property
    def error_code(self) -> int:
        """The status code."""
        return self._error_code

    @property
    def experimental_payloads(self) -> dict[Any, Any]:
        """Further details, usually empty."""
        return self._experimental_payloads

    @_cached_property
    def __notes__(self) -> list[str]:
        """What a traceback ends with. Looked up when one is made: most errors are caught, and never shown."""
        return _pointers(str(self._message))

    def __str__(self) -> str:
        if self._op is None:
            return self._message
        lines = [f"{self._message}\n\nOriginal stack trace for {self._op.name!r}:\n"]
        frames = _program_frames(self._op)
        lines += frames
        original = getattr(self._op, "_original_op", None)
        while original is not None:
            lines.append(
                f"\n...which was originally created as op {original.name!r}, defined at:\n"
            )
            previous, frames = frames, _program_frames(original)
            lines += _elide_common(frames, previous)
            original = getattr(original, "_original_op", None)
        return "".join(lines)

    def __reduce__(self) -> tuple[Any, ...]:
        # An Operation belongs to a graph of this process, so a pickled error goes without it.
        return _rebuild, (type(self), self.args, {**self.__dict__, "_op": None})


def _rebuild(cls: type[OpError], args: tuple[Any, ...], state: dict[str, Any]) -> OpError:
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(state)
    return error


def _program_frames(op: Any) -> list[str]:
    """Where the program made an operation, as lines of a traceback; frames of this package left out.

    So is what leads to a program that a command of evergraph runs.
    """
    inside = _os.path.dirname(__file__) + _os.sep
    command = inside + "cli" + _os.sep
    frames = list(op.traceback or [])
    start = max((i for i, frame in enumerate(frames) if frame[0].startswith(command)), default=-1)
    shown = [
        frame
        for frame in frames[start + 1 :]
        if not frame[0].startswith(inside) and frame[0] != "<frozen runpy>"
    ]
    return _traceback.format_list(shown)


def _elide_common(frames: list[str], previous: list[str]) -> list[str]:
    """``frames``, with each run of lines that ``previous`` has at the same place cut short."""
    lines: list[str] = []
    run: list[str] = []

    def close_run() -> None:
        if len(run) > 2:
            count = len(run) - 2
            lines.extend([run[0], f"[elided {count} identical lines from previous traceback]\n"])
            lines.append(run[-1])
        else:
            lines.extend(run)
        run.clear()

    for index, line in enumerate(frames):
        if index < len(previous) and previous[index] == line:
            run.append(line)
        else:
            close_run()
            lines.append(line)
    close_run()
    return lines


class CancelledError(OpError):
    """The caller stopped the operation (a closed queue or session, for example)."""

    def __init__(self, node_def: Any, op: Any, message: str, *args: Any) -> None:
        super().__init__(node_def, op, message, CANCELLED, *args)


class UnknownError(OpError):
    """An error from elsewhere that fits no other class."""

    def __init__(
        self, node_def: Any, op: Any, message: str, error_code: int = UNKNOWN, *args: Any
    ) -> None:
        super().__init__(node_def, op, message, error_code, *args)


class InvalidArgumentError(OpError):
    """An operation was given an argument it cannot take."""

    def __init__(self, node_def: Any, op: Any, message: str, *args: Any) -> None:
        super().__init__(node_def, op, message, INVALID_ARGUMENT, *args)


class InvalidValueError(InvalidArgumentError, ValueError):
    """An argument of the right type with a value that cannot be."""


class InvalidTypeError(InvalidArgumentError, TypeError):
    """An argument of a type that cannot be."""


class DeadlineExceededError(OpError, TimeoutError):
    """The time allowed ran out first."""

    errno = _errno.ETIMEDOUT

    def __init__(self, node_def: Any, op: Any, message: str, *args: Any) -> None:
        super().__init__(node_def, op, message, DEADLINE_EXCEEDED, *args)


class NotFoundError(OpError):
    """What was asked for (a file, a tensor, an op, a table) is not there."""

    def __init__(self, node_def: Any, op: Any, message: str, *args: Any) -> None:
        super().__init__(node_def, op, message, NOT_FOUND, *args)


class FileMissingError(NotFoundError, FileNotFoundError):
    """A file or folder is not there."""

    errno = _errno.ENOENT


class NoCheckpointError(FileMissingError, ValueError):
    """A folder has no checkpoint."""


class KeyNotFoundError(NotFoundError, KeyError):
    """A mapping (a checkpoint, a model's inputs) has no entry of this name."""


class AlreadyExistsError(OpError):
    """What was to be made is there already."""

    def __init__(self, node_def: Any, op: Any, message: str, *args: Any) -> None:
        super().__init__(node_def, op, message, ALREADY_EXISTS, *args)


class FileAlreadyExistsError(AlreadyExistsError, FileExistsError):
    """A file or folder is there already."""

    errno = _errno.EEXIST


class PermissionDeniedError(OpError, PermissionError):
    """The caller may not do this."""

    errno = _errno.EACCES

    def __init__(self, node_def: Any, op: Any, message: str, *args: Any) -> None:
        super().__init__(node_def, op, message, PERMISSION_DENIED, *args)


class ResourceExhaustedError(OpError):
    """Memory, disk, or a limit that the caller set is used up."""

    def __init__(self, node_def: Any, op: Any, message: str, *args: Any) -> None:
        super().__init__(node_def, op, message, RESOURCE_EXHAUSTED, *args)


class StorageFullError(ResourceExhaustedError, OSError):
    """The disk or the quota has no room left."""

    errno = _errno.ENOSPC


class FailedPreconditionError(OpError):
    """The system is in the wrong state for this (an uninitialized variable, for example)."""

    def __init__(self, node_def: Any, op: Any, message: str, *args: Any) -> None:
        super().__init__(node_def, op, message, FAILED_PRECONDITION, *args)


class IsFolderError(FailedPreconditionError, IsADirectoryError):
    """A folder was given where a file is needed."""

    errno = _errno.EISDIR


class NotFolderError(FailedPreconditionError, NotADirectoryError):
    """A file was given where a folder is needed."""

    errno = _errno.ENOTDIR


class AbortedError(OpError):
    """The operation gave way to another one that ran at the same time."""

    def __init__(self, node_def: Any, op: Any, message: str, *args: Any) -> None:
        super().__init__(node_def, op, message, ABORTED, *args)


class OutOfRangeError(OpError):
    """The end was passed: of a file, a queue, a dataset."""

    def __init__(self, node_def: Any, op: Any, message: str, *args: Any) -> None:
        super().__init__(node_def, op, message, OUT_OF_RANGE, *args)


class UnimplementedError(OpError, NotImplementedError):
    """evergraph does not do this."""

    def __init__(self, node_def: Any, op: Any, message: str, *args: Any) -> None:
        super().__init__(node_def, op, message, UNIMPLEMENTED, *args)


class InternalError(OpError):
    """Something that must hold inside evergraph does not: a bug."""

    def __init__(self, node_def: Any, op: Any, message: str, *args: Any) -> None:
        super().__init__(node_def, op, message, INTERNAL, *args)


class UnavailableError(OpError):
    """A service cannot be reached just now."""

    def __init__(self, node_def: Any, op: Any, message: str, *args: Any) -> None:
        super().__init__(node_def, op, message, UNAVAILABLE, *args)


class DataLossError(OpError):
    """A file is damaged or incomplete."""

    def __init__(self, node_def: Any, op: Any, message: str, *args: Any) -> None:
        super().__init__(node_def, op, message, DATA_LOSS, *args)


class UnauthenticatedError(OpError):
    """Valid credentials are missing."""

    def __init__(self, node_def: Any, op: Any, message: str, *args: Any) -> None:
        super().__init__(node_def, op, message, UNAUTHENTICATED, *args)


class InaccessibleTensorError(ValueError):
    """A tensor was used outside the graph or function that it belongs to."""


class OperatorNotAllowedInGraphError(TypeError):
    """A Python operator (``bool``, iteration) was applied to a tensor that has no value yet."""


_CLASS_OF_CODE: dict[int, type[OpError]] = {
    CANCELLED: CancelledError,
    UNKNOWN: UnknownError,
    INVALID_ARGUMENT: InvalidArgumentError,
    DEADLINE_EXCEEDED: DeadlineExceededError,
    NOT_FOUND: NotFoundError,
    ALREADY_EXISTS: AlreadyExistsError,
    PERMISSION_DENIED: PermissionDeniedError,
    RESOURCE_EXHAUSTED: ResourceExhaustedError,
    FAILED_PRECONDITION: FailedPreconditionError,
    ABORTED: AbortedError,
    OUT_OF_RANGE: OutOfRangeError,
    UNIMPLEMENTED: UnimplementedError,
    INTERNAL: InternalError,
    UNAVAILABLE: UnavailableError,
    DATA_LOSS: DataLossError,
    UNAUTHENTICATED: UnauthenticatedError,
}
_CODE_OF_CLASS = {cls: code for code, cls in _CLASS_OF_CODE.items()}


def exception_type_from_error_code(error_code: int) -> type[OpError]:
    """The class for a status code; KeyError for a number that is not one (0, OK, is none)."""
    return _CLASS_OF_CODE[error_code]


def error_code_from_exception_type(cls: type[BaseException]) -> int:
    """The status code of an error class or its nearest base that has one, else UNKNOWN."""
    for base in cls.__mro__:
        if base in _CODE_OF_CLASS:
            return _CODE_OF_CLASS[base]
    return UNKNOWN
