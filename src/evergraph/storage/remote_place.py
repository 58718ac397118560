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

#: What parts of an exception's name say where it is no OSError: each store has classes of its own.
_MEANINGS: tuple[tuple[str, Callable[[None, None, str], errors.OpError]], ...] = (
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
    except ImportError:
        raise _not_served(
            url, scheme, "fsspec reads such paths: pip install 'evergraph[remote]'"
        ) from None
    try:
        kind = fsspec.get_filesystem_class(scheme)
    except ValueError:
        raise _not_served(url, scheme, "fsspec knows no such scheme") from None
    except ImportError as error:
        hint = "for s3:// install s3fs, for gs:// gcsfs, beside evergraph[remote]"
        raise _not_served(url, scheme, f"{error} ({hint})") from None
    with remote_errors(url):
        store = fsspec.filesystem(scheme, **kind._get_kwargs_from_urls(url))
        return Place(url, store, kind._strip_protocol(url), scheme)


def _not_served(url: str, scheme: str, reason: str) -> errors.UnimplementedError:
    return errors.UnimplementedError(
        None, None, f"File system scheme '{scheme}' not implemented (file: '{url}'): {reason}."
    )


@contextmanager
def remote_errors(url: str) -> Iterator[None]:
    """Turns what a store raises in the block into evergraph's error about ``url``."""
    try:
        yield
    except errors.OpError:
        raise
    except OSError as error:
        raise_storage_error(error, url)
    except Exception as error:
        for cls in type(error).__mro__:
            for part, meaning in _MEANINGS:
                if part in cls.__name__:
                    raise meaning(None, None, f"{url}; {type(error).__name__}: {error}") from error
        if type(error).__module__ == "builtins":
            raise
        raise errors.UnknownError(None, None, f"{url}; {type(error).__name__}: {error}") from error
