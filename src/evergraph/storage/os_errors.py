"""From ``OSError`` to evergraph's errors: one table, and sentences that say what is there.

A message begins as TensorFlow's does (``path; No such file or directory``), then says more. The
code for each errno is the one that TensorFlow gives it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from evergraph import errors
from evergraph.nearest import did_you_mean
from evergraph.storage.filesystem import is_remote

# Enough to find a misspelt file name, and bounded where a folder has millions of files.
_MOST_NAMES = 10_000


def _table() -> dict[int, type[errors.OpError]]:
    rows: list[tuple[type[errors.OpError], str]] = [
        (errors.FileMissingError, "ENOENT"),
        (errors.NotFoundError, "ENODEV ENXIO ESRCH"),
        (errors.FileAlreadyExistsError, "EEXIST"),
        (errors.AlreadyExistsError, "EADDRNOTAVAIL EALREADY"),
        (errors.PermissionDeniedError, "EPERM EACCES EROFS"),
        (errors.IsFolderError, "EISDIR"),
        (errors.NotFolderError, "ENOTDIR"),
        (
            errors.FailedPreconditionError,
            "ENOTEMPTY EADDRINUSE EBADF EBUSY ECHILD EISCONN ENOTBLK ENOTCONN EPIPE ESHUTDOWN "
            "ETXTBSY",
        ),
        (errors.StorageFullError, "ENOSPC EDQUOT"),
        (
            errors.ResourceExhaustedError,
            "EMFILE EMLINK ENFILE ENOBUFS ENODATA ENOMEM ENOSR EUSERS",
        ),
        (
            errors.InvalidArgumentError,
            "EINVAL ENAMETOOLONG E2BIG EDESTADDRREQ EDOM EFAULT EILSEQ ENOPROTOOPT ENOSTR "
            "ENOTSOCK ENOTTY EPROTOTYPE ESPIPE",
        ),
        (errors.OutOfRangeError, "EFBIG EOVERFLOW ERANGE"),
        (
            errors.UnimplementedError,
            "ENOPKG ENOSYS ENOTSUP EAFNOSUPPORT EPFNOSUPPORT EPROTONOSUPPORT ESOCKTNOSUPPORT EXDEV",
        ),
        (
            errors.UnavailableError,
            "ECONNREFUSED ECONNABORTED ECONNRESET EINTR EHOSTDOWN EHOSTUNREACH ENETDOWN "
            "ENETRESET ENETUNREACH ENOLCK ENOLINK EAGAIN",
        ),
        (errors.DeadlineExceededError, "ETIMEDOUT ETIME"),
        (errors.AbortedError, "EDEADLK ESTALE"),
        (errors.CancelledError, "ECANCELED"),
    ]
    return {
        getattr(errno, name): cls
        for cls, names in rows
        for name in names.split()
        if hasattr(errno, name)
    }


_CLASS_OF_ERRNO = _table()
#: For errors that were made without a number, as the libraries of remote stores do.
_ERRNO_OF_KIND = (
    (FileNotFoundError, errno.ENOENT),
    (FileExistsError, errno.EEXIST),
    (PermissionError, errno.EACCES),
    (IsADirectoryError, errno.EISDIR),
    (NotADirectoryError, errno.ENOTDIR),
    (TimeoutError, errno.ETIMEDOUT),
    (ConnectionError, errno.ECONNRESET),
)


def raise_storage_error(error: OSError, path: str) -> NoReturn:
    """Raises the error that says what ``error`` says, of ``path``."""
    number, said = error.errno, error.strerror or str(error)
    if number is None:
        number = next((number for kind, number in _ERRNO_OF_KIND if isinstance(error, kind)), 0)
        said = f"{os.strerror(number)} ({said})" if number else said
    cls = _CLASS_OF_ERRNO.get(number, errors.UnknownError)
    message = f"{path}; {said}"
    if cls is errors.FileMissingError and not is_remote(path):
        message += _what_is_there(path)
    if number == errno.ENAMETOOLONG:
        message += _lengths(path)
    mapped = cls(None, None, message)  # type: ignore[call-arg]  # all but OpError take three
    if isinstance(mapped, OSError):
        mapped.filename = path
    raise mapped from error


@contextmanager
def storage_errors(path: str) -> Iterator[None]:
    """Turns an ``OSError`` of the block into evergraph's error about ``path``."""
    try:
        yield
    except errors.OpError:
        raise
    except OSError as error:
        raise_storage_error(error, path)


def _lengths(path: str) -> str:
    """How long a path is that is too long."""
    longest = max(os.fsencode(path).split(b"/"), key=len)
    return (
        f": its longest name has {len(longest)} bytes, and all of it {len(os.fsencode(path))}; most "
        "disks allow 255 and 4,095. (What is written has a temporary name at first, some 45 longer.)"
    )


def _what_is_there(path: str) -> str:
    """For a path that is not there: how far it does exist, or the nearest names beside it."""
    folder, name = os.path.split(path)
    try:
        with os.scandir(folder or ".") as entries:
            names = [entry.name for entry, _ in zip(entries, range(_MOST_NAMES))]  # noqa: B905
    except FileNotFoundError:
        while folder and not os.path.isdir(folder):
            missing, folder = folder, os.path.dirname(folder)
        return f". There is no folder {missing!r}."
    except OSError:
        return ""
    hint = did_you_mean(name, names)
    return "." + hint if hint else ""
