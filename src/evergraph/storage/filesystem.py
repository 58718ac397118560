"""The one interface to places that hold files; today only local disks implement it.

`filesystem(path)` picks by the scheme in front of a path (``gs://``, ``s3://``, ``file://``, none).
Whatever evergraph does with files goes through it or through `publish`, so that a remote store is
one more class here and nothing elsewhere.
"""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import IO

from evergraph import errors

Path = str | bytes | os.PathLike[str] | os.PathLike[bytes]
Bytes = bytes | bytearray | memoryview

# TensorFlow's rule for what is a scheme.
_SCHEME = re.compile(r"([A-Za-z][0-9A-Za-z.]*)://")


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
    """

    path: str
    size: int

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


class FileSystem(ABC):
    """What evergraph asks of a place that holds files. All errors are evergraph's."""

    @abstractmethod
    def open(self, path: str, mode: str) -> IO[bytes]:
        """Opens a stream; ``mode`` is one of ``rb``, ``wb``, ``ab``, ``r+b``."""

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
    def list_folder(self, path: str) -> list[str]:
        """The names in a folder, sorted."""

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

    def is_folder(self, path: str) -> bool:
        """Whether there is a folder of this name."""
        try:
            return self.stat(path).is_directory
        except errors.OpError:
            return False


def path_text(path: Path) -> str:
    """Any way to give a path, as text. InvalidTypeError if it is none."""
    if not isinstance(path, (str, bytes, os.PathLike)):
        raise errors.InvalidTypeError(
            None, None, f"A path is text, bytes or a pathlib.Path, not {path!r}."
        )
    text = os.fsdecode(path)
    if "\0" in text:
        raise errors.InvalidValueError(None, None, f"A path cannot hold a zero byte: {text!r}.")
    return text


def local_path(path: Path) -> str:
    """The path on this machine's disks that ``path`` (perhaps ``file://...``) names.

    Raises:
        UnimplementedError: it names a place on another machine.
    """
    text = path_text(path)
    scheme = _SCHEME.match(text)
    if scheme is None:
        return text
    if scheme[1].lower() == "file":
        return text[scheme.end() :]
    raise errors.UnimplementedError(
        None,
        None,
        f"File system scheme '{scheme[1]}' not implemented (file: '{text}'). Only local files are "
        "read and written: copy the file here first, or mount the store as a folder.",
    )


def filesystem(path: Path) -> FileSystem:
    """The file system that holds ``path``.

    Raises:
        UnimplementedError: nothing serves the path's scheme.
    """
    from evergraph.storage.local import LOCAL

    local_path(path)
    return LOCAL
