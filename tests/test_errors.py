"""Error classes: codes, constructor, text, built-in bases, pickling."""

from __future__ import annotations

import builtins
import copy
import errno
import pickle
import traceback
from types import SimpleNamespace

import pytest

from evergraph import errors

CODES = {
    "CANCELLED": (1, "CancelledError"),
    "UNKNOWN": (2, "UnknownError"),
    "INVALID_ARGUMENT": (3, "InvalidArgumentError"),
    "DEADLINE_EXCEEDED": (4, "DeadlineExceededError"),
    "NOT_FOUND": (5, "NotFoundError"),
    "ALREADY_EXISTS": (6, "AlreadyExistsError"),
    "PERMISSION_DENIED": (7, "PermissionDeniedError"),
    "RESOURCE_EXHAUSTED": (8, "ResourceExhaustedError"),
    "FAILED_PRECONDITION": (9, "FailedPreconditionError"),
    "ABORTED": (10, "AbortedError"),
    "OUT_OF_RANGE": (11, "OutOfRangeError"),
    "UNIMPLEMENTED": (12, "UnimplementedError"),
    "INTERNAL": (13, "InternalError"),
    "UNAVAILABLE": (14, "UnavailableError"),
    "DATA_LOSS": (15, "DataLossError"),
    "UNAUTHENTICATED": (16, "UnauthenticatedError"),
}
ALL = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, errors.OpError) and value is not errors.OpError
]


@pytest.mark.parametrize(("constant", "code", "name"), [(k, *v) for k, v in CODES.items()])
def test_code_and_class_belong_together(constant: str, code: int, name: str) -> None:
    cls = getattr(errors, name)
    assert getattr(errors, constant) == code
    assert cls(None, None, "m").error_code == code
    assert errors.exception_type_from_error_code(code) is cls
    assert errors.error_code_from_exception_type(cls) == code


def test_ok_is_no_error() -> None:
    assert errors.OK == 0
    with pytest.raises(KeyError):
        errors.exception_type_from_error_code(0)


def test_code_of_a_subclass_and_of_a_stranger() -> None:
    assert errors.error_code_from_exception_type(errors.FileMissingError) == errors.NOT_FOUND
    assert errors.error_code_from_exception_type(ZeroDivisionError) == errors.UNKNOWN


@pytest.mark.parametrize("cls", ALL, ids=lambda c: c.__name__)
def test_fields_text_and_copies(cls: type[errors.OpError]) -> None:
    node = {"name": "n"}
    error = (
        cls(node, None, "a 'quoted' sentence", {"k": "v"})
        if cls is not errors.UnknownError
        else errors.UnknownError(node, None, "a 'quoted' sentence", 2, {"k": "v"})
    )
    for one in (error, pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(one) is cls
        assert (one.message, one.node_def, one.op) == ("a 'quoted' sentence", node, None)
        assert one.error_code == error.error_code
        assert one.experimental_payloads == {"k": "v"}
        assert str(one) == "a 'quoted' sentence"
        assert "quoted" in repr(one)


@pytest.mark.parametrize(
    ("name", "base", "number"),
    [
        ("InvalidValueError", "ValueError", None),
        ("InvalidTypeError", "TypeError", None),
        ("DeadlineExceededError", "TimeoutError", errno.ETIMEDOUT),
        ("FileMissingError", "FileNotFoundError", errno.ENOENT),
        ("KeyNotFoundError", "KeyError", None),
        ("FileAlreadyExistsError", "FileExistsError", errno.EEXIST),
        ("PermissionDeniedError", "PermissionError", errno.EACCES),
        ("StorageFullError", "OSError", errno.ENOSPC),
        ("IsFolderError", "IsADirectoryError", errno.EISDIR),
        ("NotFolderError", "NotADirectoryError", errno.ENOTDIR),
        ("UnimplementedError", "NotImplementedError", None),
    ],
)
def test_is_the_builtin_too(name: str, base: str, number: int | None) -> None:
    error = getattr(errors, name)(None, None, "m")
    assert isinstance(error, getattr(builtins, base))
    if number is not None:
        assert error.errno == number
        assert pickle.loads(pickle.dumps(error)).errno == number


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("NotFoundError", OSError),
        ("NotFoundError", LookupError),
        ("OutOfRangeError", LookupError),
        ("AlreadyExistsError", OSError),
        ("ResourceExhaustedError", OSError),
        ("InvalidArgumentError", ValueError),
        ("FailedPreconditionError", OSError),
    ],
)
def test_wide_classes_are_not_builtins(name: str, base: type[Exception]) -> None:
    assert not issubclass(getattr(errors, name), base)


def frames(*lines: int) -> list[traceback.FrameSummary]:
    return [traceback.FrameSummary("t.py", n, "f", line=f"call_{n}()") for n in lines]


def test_text_tells_where_the_op_was_made() -> None:
    op = SimpleNamespace(name="mul", traceback=frames(1, 2), _original_op=None)
    error = errors.InvalidArgumentError(None, op, "no")
    assert str(error).startswith("no\n\nOriginal stack trace for 'mul':\n")
    assert "call_1()" in str(error)
    assert error.message == "no"
    assert pickle.loads(pickle.dumps(error)).op is None


def test_text_tells_of_the_original_op_without_repeating_frames() -> None:
    first = SimpleNamespace(name="w", traceback=frames(1, 2, 3, 4, 9), _original_op=None)
    op = SimpleNamespace(name="gradients/w", traceback=frames(1, 2, 3, 4, 5), _original_op=first)
    text = str(errors.InvalidArgumentError(None, op, "no"))
    origin = text.split("originally created as op 'w', defined at:\n")[1]
    assert "call_9()" in origin
    assert "call_2()" not in origin
    assert "[elided 2 identical lines from previous traceback]" in origin


def test_errors_outside_the_codes() -> None:
    assert issubclass(errors.InaccessibleTensorError, ValueError)
    assert issubclass(errors.OperatorNotAllowedInGraphError, TypeError)
