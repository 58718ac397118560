"""Where a remote path leads: the fsspec file system that serves it, and what its errors mean.

fsspec and the package of the store (s3fs, gcsfs, adlfs, pyarrow ...) are optional; they are imported here
and only when a path with their scheme is used. Credentials, endpoints and proxies come from where
those packages look for them: their environment variables, their own files, and fsspec's
configuration (``~/.config/fsspec/*.json``, ``FSSPEC_S3_ENDPOINT_URL`` ...).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from evergraph import errors
from evergraph.storage.os_errors import raise_storage_error

#: Stores that know objects only: no folders, no renaming; an object is there when its upload has
#: been completed, and replaces an older one at once.
OBJECT_STORES = frozenset(("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "oss"))

#: TensorFlow's names for what fsspec calls otherwise.
_SAME = {"ram": "memory"}

#: What is needed beside fsspec for the schemes that TensorFlow's programs use most.
_PACKAGES = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "hdfs": "pyarrow",
    "az": "adlfs",
    "abfs": "adlfs",
}

_Meaning = Callable[[None, None, str], errors.OpError]

#: What HTTP's numbers mean, where an exception has one; those of 500 and above that are not here, and 409 and 429, are
#: the store's own trouble.
_OF_STATUS: dict[int, _Meaning] = {
    400: errors.InvalidArgumentError,
    401: errors.UnauthenticatedError,
    403: errors.PermissionDeniedError,
    404: errors.FileMissingError,
    407: errors.PermissionDeniedError,
    408: errors.DeadlineExceededError,
    409: errors.UnavailableError,
    410: errors.FileMissingError,
    411: errors.InvalidArgumentError,
    412: errors.FailedPreconditionError,
    413: errors.FailedPreconditionError,
    414: errors.InvalidArgumentError,
    416: errors.InvalidArgumentError,
    429: errors.UnavailableError,
    501: errors.UnimplementedError,
    504: errors.DeadlineExceededError,
}

#: Where libraries keep that number: gcsfs, aiohttp and what is built on it, Azure's and requests.
_STATUS_NAMES = ("code", "status", "status_code")

#: What gcsfs raises as Python's own exceptions, with no number: how their messages begin.
_BEGINNINGS: tuple[tuple[str, _Meaning], ...] = (
    ("Forbidden: ", errors.PermissionDeniedError),
    ("Bad Request: ", errors.InvalidArgumentError),
)

#: What parts of an exception's name say where it has no number: each store has classes of its own.
_MEANINGS: tuple[tuple[str, _Meaning], ...] = (
    ("Credential", errors.UnauthenticatedError),
    ("RefreshError", errors.UnauthenticatedError),
    ("NotFound", errors.FileMissingError),
    ("Timeout", errors.DeadlineExceededError),
    ("Connect", errors.UnavailableError),
    ("Client", errors.UnavailableError),
    ("NotImplemented", errors.UnimplementedError),
)


@dataclass(frozen=True)
class Place:
    """A path of a remote store.

    Attributes:
        url: the path as it was given.
        store: the fsspec file system.
        key: the path as ``store`` wants it.
        scheme: what stands before ``://``.
    """

    url: str
    store: Any
    key: str
    scheme: str

    @property
    def in_object_store(self) -> bool:
        """Whether the store knows objects only."""
        return self.scheme in OBJECT_STORES

    @property
    def renames(self) -> bool:
        """Whether the store gives a file or folder another name without copying it."""
        from fsspec import AbstractFileSystem

        return not self.in_object_store and type(self.store).mv is not AbstractFileSystem.mv

    @property
    def takes_threads(self) -> bool:
        """Whether several threads may use the store's one object."""
        return bool(getattr(self.store, "async_impl", False))


def place_of(url: str) -> Place:
    """The place that a path with a scheme names.

    Raises:
        UnimplementedError: nothing serves the scheme, or what serves it is not installed.
    """
    scheme = url.partition("://")[0].lower()
    try:
        import fsspec
        from fsspec.archive import AbstractArchiveFileSystem

        scheme = _SAME.get(scheme, scheme)
        kind = fsspec.get_filesystem_class(scheme)
        if issubclass(kind, AbstractArchiveFileSystem):
            raise ValueError("files are not read inside of an archive: unpack it")
        address = scheme + url[url.index("://") :]
        with remote_errors(url):
            store = fsspec.filesystem(scheme, **kind._get_kwargs_from_urls(address))
            return Place(url, store, kind._strip_protocol(address), scheme)
    except ValueError as error:
        reason = str(error)
    except ImportError as error:
        package = _PACKAGES.get(scheme, "")
        reason = f"{error}. It needs: pip install 'evergraph[remote]' {package}".rstrip()
    raise errors.UnimplementedError(
        None, None, f"File system scheme '{scheme}' not implemented (file: '{url}'): {reason}."
    )


@contextmanager
def remote_errors(url: str) -> Iterator[None]:
    """Turns what a store raises in the block into evergraph's error about ``url``."""
    try:
        yield
    except (errors.OpError, ImportError):
        raise
    except Exception as error:
        meaning = _meaning(error)
        if meaning is not None:
            raise meaning(None, None, f"{url}; {type(error).__name__}: {error}") from error
        if isinstance(error, OSError):
            raise_storage_error(error, url)
        if type(error).__module__ == "builtins":
            raise
        raise errors.UnknownError(None, None, f"{url}; {type(error).__name__}: {error}") from error


def _meaning(error: Exception) -> _Meaning | None:
    """The class for an exception of a store's own; None where its errno or built-in class says it."""
    if isinstance(error, OSError) and error.errno is not None:
        return None
    if type(error) in (OSError, ValueError):
        said = str(error)
        return next((cls for beginning, cls in _BEGINNINGS if said.startswith(beginning)), None)
    if type(error).__module__ == "builtins" and not isinstance(error, NotImplementedError):
        return None
    status = _status(error)
    if status in _OF_STATUS:
        return _OF_STATUS[status]
    if status >= 500:
        return errors.UnavailableError
    names = [cls.__name__ for cls in type(error).__mro__]
    return next((cls for part, cls in _MEANINGS if any(part in name for name in names)), None)


def _status(error: Exception) -> int:
    """The number of HTTP's that an exception has; 0 where it has none."""
    for name in _STATUS_NAMES:
        number = getattr(error, name, None)
        if isinstance(number, (int, str)) and str(number).isdecimal():
            return int(number)
    return 0
