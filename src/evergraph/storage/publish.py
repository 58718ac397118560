"""Files that appear all or nothing, in whatever store they are: how everybody above writes.

How it is done is told where it is done: `storage.local_publication` for this machine's disks,
`storage.remote_publication` for stores that cannot rename several files at once.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

from evergraph.storage import paths
from evergraph.storage.filesystem import (
    Bytes,
    FilePublication,
    OutgoingFile,
    Path,
    filesystem,
    is_remote,
    plain_path,
)
from evergraph.storage.os_errors import storage_errors

#: What is on the disk when a set has been published. ``full``: files and folders; ``file``: the files, their names
#: maybe not yet; ``none``: what the operating system likes (safe when the process is killed, not when the power fails).
Durability = Literal["full", "file", "none"]

#: How the prefix of a part of a sharded save ends.
_SHARD = re.compile(r"part-\d{5}-of-\d{5}\Z")
#: The publication around (`one_set`), and the folder that it is for.
_around: ContextVar[tuple[str, FilePublication] | None] = ContextVar("_around", default=None)


@contextmanager
def one_set(target: Path, durability: Durability = "full") -> Iterator[FilePublication]:
    """A publication beside ``target`` that takes in those that are made there inside of the block (`publication`)."""
    path = plain_path(target)
    with filesystem(path).publication(durability) as files:
        token = _around.set((paths.split(path)[0], files))
        try:
            yield files
        finally:
            _around.reset(token)


def publication(target: Path, durability: Durability = "full") -> FilePublication:
    """A publication for ``target`` and files beside it: a part of the one around (`one_set`), or its own.

    The parts of a sharded save, which are read again before the set is complete, have their own, with the durability
    of the set.
    """
    path = plain_path(target)
    folder, around = _around.get() or (None, None)
    if around is not None and _SHARD.search(path):
        return filesystem(path).publication(around.durability)
    if around is not None and folder == paths.split(path)[0]:
        return _Part(around)
    return filesystem(path).publication(durability)


def publish_bytes(target: Path, contents: Bytes, durability: Durability = "full") -> None:
    """Writes one file, all or nothing, in place of any that is there; a remote one as well.

    Where the target is a symbolic link, what it leads to is replaced; not in a set (`one_set`), which is in one folder.
    """
    path = plain_path(target)
    if _around.get() is None and not is_remote(path) and os.path.islink(path):
        path = os.path.realpath(path)
    with publication(path, durability) as files:
        files.create(path, len(contents)).write(contents)


def make_folders(folder: str) -> list[str]:
    """Makes a folder and those above it; returns those that were not there, the lowest first."""
    missing = []
    above = folder
    while above and not os.path.isdir(above):
        missing.append(above)
        above = os.path.dirname(above)
    if missing:
        with storage_errors(folder):
            os.makedirs(folder, exist_ok=True)
    return missing


def sync_folder(folder: str) -> None:
    """Brings the names in a folder to the disk."""
    with storage_errors(folder):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class _Part(FilePublication):
    """Files that join the set of a publication around: leaving its block leaves them to that one."""

    def __init__(self, whole: FilePublication) -> None:
        super().__init__(whole.durability)
        self._whole = whole
        self._files: list[OutgoingFile] = []

    def create(self, target: Path, expected_bytes: int = 0, commit: bool = False) -> OutgoingFile:
        """Starts the next file of the set."""
        return self._joined(self._whole.create(target, expected_bytes, commit))

    def adopt(self, source: Path, target: Path) -> OutgoingFile:
        """Makes a finished file the next of the set, under another name."""
        return self._joined(self._whole.adopt(source, target))

    def link(self, source: Path, target: Path) -> OutgoingFile | None:
        """Makes a second name of a finished file the next of the set."""
        file = self._whole.link(source, target)
        return None if file is None else self._joined(file)

    def _joined(self, file: OutgoingFile) -> OutgoingFile:
        self._files.append(file)
        return file

    def afterwards(self, action: Callable[[], object]) -> None:
        """Leaves an action to the publication around."""
        self._whole.afterwards(action)

    def _publish(self) -> None:
        """Hands the files over."""
        self._files.clear()

    def withdraw(self, file: OutgoingFile) -> None:
        """Takes one file back."""
        self._files.remove(file)
        self._whole.withdraw(file)

    def discard(self) -> None:
        """Takes back the files of this part."""
        while self._files:
            self.withdraw(self._files[-1])
