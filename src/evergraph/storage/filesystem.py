"""The one interface to places that hold files.

`filesystem(path)` picks by the scheme in front of a path: `local` serves none, ``file://`` and ``local://``,
`remote` all others (``gs://``, ``s3://``, ``hdfs://``, ``memory://``), and is loaded for them only.
Whatever evergraph does with files goes through here, so that nothing elsewhere knows where they are.
"""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import IO, TYPE_CHECKING, Protocol

from evergraph import errors

if TYPE_CHECKING:
    from evergraph.storage.publish import Durability

Path = str | bytes | os.PathLike[str] | os.PathLike[bytes]
Bytes = bytes | bytearray | memoryview

# TensorFlow's rule for what is a scheme.
_SCHEME = re.compile(r"([A-Za-z][0-9A-Za-z.]*)://")
# This machine's disks: TensorFlow's name for them, and fsspec's other one.
_LOCAL_SCHEMES = ("file", "local")
# What fsspec takes for two stores, one behind the other: simplecache::s3://bucket/file.
_CHAIN = re.compile(r"[A-Za-z][0-9A-Za-z.]*::[A-Za-z][0-9A-Za-z.]*://")
# What pathlib makes of "s3://bucket/file" (one letter is a drive).
_LOST_SLASH = re.compile(r"([A-Za-z][0-9A-Za-z.]+):/(?!/)")


@dataclass(frozen=True)
class FileStatistics:
    """What `stat` tells of a path.

    Attributes:
        length: size in bytes.
        mtime_nsec: time of the last change, nanoseconds since 1970.
        is_directory: whether it is a folder.
    """

    length: int
    mtime_nsec: int
    is_directory: bool


class RandomAccessFile(ABC):
    """A file open for reading at any position; safe to use from several threads.

    Attributes:
        path: where it was found.
        size: its size in bytes when it was opened.
        piece: how much to ask for at once when a lot is read.
    """

    path: str
    size: int
    piece: int = 1 << 20  # stays in the cache of a core while it is summed

    @abstractmethod
    def read_into(self, offset: int, buffer: memoryview) -> None:
        """Fills ``buffer`` (writable, of bytes) from ``offset``.

        Raises:
            OutOfRangeError: the file ends earlier.
        """

    @abstractmethod
    def close(self) -> None:
        """Gives the file back. It may be called twice."""

    def is_current(self) -> bool:
        """False where another file has taken the place of this one at its path since."""
        return True

    def read(self, offset: int, length: int) -> bytearray:
        """Returns ``length`` bytes from ``offset``; nothing is allocated that is not there.

        Raises:
            OutOfRangeError: the file ends earlier.
        """
        if offset < 0 or length < 0 or offset + length > self.size:
            raise errors.OutOfRangeError(
                None,
                None,
                f"{self.path}: {length} bytes were wanted at offset {offset}, "
                f"but the file has {self.size}.",
            )
        data = bytearray(length)
        self.read_into(offset, memoryview(data))
        return data

    def __enter__(self) -> RandomAccessFile:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()


class OutgoingFile(Protocol):
    """A file of a publication that is being written.

    Attributes:
        position: how many bytes have been written.
    """

    position: int

    def write(self, data: Bytes) -> None:
        """Appends ``data``, which may change from then on."""
        ...


class FilePublication(ABC):
    """Files that appear all or nothing, as a context manager.

    Leaving the block publishes; leaving it by an exception takes back what was written, and touches no target.

    Args:
        durability: as `publish.Durability`.

    Raises:
        InvalidValueError: ``durability`` is none of the three.
    """

    def __init__(self, durability: Durability) -> None:
        if durability not in ("full", "file", "none"):
            raise errors.InvalidValueError(
                None, None, f"durability is 'full', 'file' or 'none', not {durability!r}."
            )
        self.durability: Durability = durability
        self._afterwards: list[Callable[[], object]] = []

    @abstractmethod
    def create(self, target: Path, expected_bytes: int = 0, commit: bool = False) -> OutgoingFile:
        """Starts the next file of the set; the one that makes the others count is its ``commit``."""

    @abstractmethod
    def adopt(self, source: Path, target: Path) -> OutgoingFile:
        """Makes a finished file of the same store the next of the set, under another name."""

    @abstractmethod
    def link(self, source: Path, target: Path) -> OutgoingFile | None:
        """Makes a second name of a finished file the next of the set; None where that cannot be."""

    @abstractmethod
    def withdraw(self, file: OutgoingFile) -> None:
        """Takes one file back."""

    @abstractmethod
    def discard(self) -> None:
        """Takes back what has not been published."""

    @abstractmethod
    def _publish(self) -> None:
        """Gives all files their names, the commit file's last."""

    def afterwards(self, action: Callable[[], object]) -> None:
        """Has ``action`` called when the set has been published."""
        self._afterwards.append(action)

    def publish(self) -> None:
        """Gives all files their names, the commit file's last, and does what was left for afterwards."""
        self._publish()
        while self._afterwards:
            self._afterwards.pop(0)()

    def __enter__(self) -> FilePublication:
        return self

    def __exit__(self, kind: type[BaseException] | None, *unused: object) -> None:
        try:
            if kind is None:
                self.publish()
        finally:
            self.discard()


class StagedFolder(ABC):
    """A folder to be filled in a place of its own and then published, once or several times.

    What has not been published when it is given up, or when the program ends, removes itself.

    Attributes:
        target: where it will be.
    """

    target: str

    @property
    @abstractmethod
    def is_free(self) -> bool:
        """Whether nothing (but what a killed process left) is in the target."""

    @abstractmethod
    def path(self, *names: str) -> str:
        """The path of a member while the folder is being filled."""

    @abstractmethod
    def publish(self, last: str) -> None:
        """Gives the members their place in the target; ``last`` is the member that makes it whole.

        Raises:
            AlreadyExistsError: somebody else has put a member of that name there in the meantime.
        """

    def _taken(self, last: str) -> errors.FileAlreadyExistsError:
        """The error for a target in which the member ``last`` is somebody else's."""
        return errors.FileAlreadyExistsError(
            None,
            None,
            f"{os.path.join(self.target, last)} is there already: another program has exported to "
            "this folder in the meantime. Nothing has been changed.",
        )


class FileSystem(ABC):
    """What evergraph asks of a place that holds files. All errors are evergraph's.

    Attributes:
        replaces_sets: whether a publication replaces several older files of the same names all at
            once. Where it does not, a new version of a set needs names of its own.
    """

    replaces_sets: bool

    @abstractmethod
    def open(self, path: str, mode: str) -> IO[bytes]:
        """Opens a stream; ``mode`` is one of ``rb``, ``wb``, ``w+b``, ``ab``, ``r+b``."""

    @abstractmethod
    def publication(
        self, durability: Durability = "full", make_folders: bool = True
    ) -> FilePublication:
        """A set of files that will be published together, as a context manager."""

    @abstractmethod
    def staged_folder(self, target: str) -> StagedFolder:
        """A folder that appears when it is whole."""

    @abstractmethod
    def open_random_access(self, path: str) -> RandomAccessFile:
        """Opens a file to be read by position."""

    @abstractmethod
    def stat(self, path: str) -> FileStatistics:
        """Size, time and kind of a path."""

    @abstractmethod
    def exists(self, path: str) -> bool:
        """Whether there is a file or folder."""

    @abstractmethod
    def scan_folder(self, path: str) -> dict[str, bool]:
        """The names in a folder, sorted, and whether each is a folder."""

    @abstractmethod
    def make_folder(self, path: str, parents: bool = False) -> None:
        """Makes a folder, with ``parents`` those above it; one that is there is fine."""

    @abstractmethod
    def rename(self, old: str, new: str, overwrite: bool = False) -> None:
        """Moves a file or folder; with ``overwrite`` a file at ``new`` is replaced at once."""

    @abstractmethod
    def copy(self, old: str, new: str, overwrite: bool = False) -> None:
        """Copies one file."""

    @abstractmethod
    def remove(self, path: str) -> None:
        """Removes one file."""

    @abstractmethod
    def remove_tree(self, path: str) -> None:
        """Removes a folder and all in it, or one file."""

    def read_file(self, path: str) -> bytes:
        """All of a file. FailedPreconditionError for a pipe, which may keep one waiting for ever, or a device, which
        may have no end: a folder from a stranger can hold links to them.
        """
        self.open_random_access(path).close()
        with self.open(path, "rb") as file:
            return file.read()

    @abstractmethod
    def remove_empty_folder(self, path: str) -> None:
        """Removes a folder with nothing in it; FailedPreconditionError if there is something."""

    def list_folder(self, path: str) -> list[str]:
        """The names in a folder, sorted."""
        return list(self.scan_folder(path))

    def is_folder(self, path: str) -> bool:
        """Whether there is a folder of this name."""
        try:
            return self.stat(path).is_directory
        except errors.OpError:
            return False


def path_text(path: Path) -> str:
    """Any way to give a path, as text.

    Raises:
        InvalidTypeError, InvalidValueError: it is none.
        UnimplementedError: it is fsspec's chain of several stores.
    """
    if not isinstance(path, (str, bytes, os.PathLike)):
        raise errors.InvalidTypeError(
            None, None, f"A path is text, bytes or a pathlib.Path, not {path!r}."
        )
    text = os.fsdecode(path)
    if isinstance(path, PurePath) and _LOST_SLASH.match(text):
        raise errors.InvalidValueError(
            None,
            None,
            f"{text!r} has lost a slash behind its scheme, as pathlib does it: give the path of a "
            "remote store as text.",
        )
    if "\0" in text:
        raise errors.InvalidValueError(None, None, f"A path cannot hold a zero byte: {text!r}.")
    if "::" in text and _CHAIN.match(text):
        raise errors.UnimplementedError(
            None,
            None,
            f"{text!r} chains stores, as fsspec can, which is not served here: a cache, for one, does not see what has "
            "been replaced. Give the path in the store itself.",
        )
    return text


def is_remote(path: str) -> bool:
    """Whether a path names a place that is reached through a store's own protocol."""
    scheme = _SCHEME.match(path)
    return scheme is not None and scheme[1].lower() not in _LOCAL_SCHEMES


def plain_path(path: Path) -> str:
    """A path without ``file://`` or ``local://``; that of a remote store with its scheme, as it is."""
    text = path_text(path)
    scheme = _SCHEME.match(text)
    return text[scheme.end() :] if scheme and scheme[1].lower() in _LOCAL_SCHEMES else text


def local_path(path: Path) -> str:
    """The path on this machine's disks that ``path`` (perhaps ``file://...``) names.

    Raises:
        UnimplementedError: it names a place on another machine.
    """
    text = plain_path(path)
    if is_remote(text):
        raise errors.UnimplementedError(None, None, f"{text} is not on this machine's disks.")
    return text


def filesystem(path: Path) -> FileSystem:
    """The file system that holds ``path``.

    Raises:
        UnimplementedError: nothing serves the path's scheme.
    """
    if is_remote(path_text(path)):
        from evergraph.storage.remote import REMOTE

        return REMOTE
    from evergraph.storage.local import LOCAL

    return LOCAL
