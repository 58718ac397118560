"""Files that appear all or nothing.

A `Publication` writes every file under a temporary name beside its target, brings all of them
to the disk, and only then renames them. Whoever looks at a target sees the whole old file or the whole new one.

One file of a set may be its *commit* (the index of a checkpoint): it makes the others count, and gets its name last.
The steps, each on the disk (``durability="full"``) before the next begins:

1. all files, under temporary names;
2. the *seal*: the commit file's temporary name says from now on that the set is whole;
3. the names of all files but the commit;
4. the name of the commit.

A process that dies before 2 has changed nothing. After 2, the set is completed by whoever next
publishes in the folder or opens the checkpoint (`storage.leftovers`). A single file needs no seal.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Literal

from evergraph import errors
from evergraph.storage import leftovers, paths
from evergraph.storage.filesystem import (
    Bytes,
    FilePublication,
    OutgoingFile,
    Path,
    filesystem,
    local_path,
    plain_path,
)
from evergraph.storage.os_errors import raise_storage_error, storage_errors

Durability = Literal["full", "file", "none"]

# Pieces below this are gathered before they go to the system, larger ones go from their own memory.
_GATHER = 256 * 1024


class NewFile:
    """A file being written, under its temporary name. Made by `Publication`.

    Attributes:
        target: the name that it will have.
        origin: the name that it had, if it was there before.
        position: how many bytes have been written.
    """

    def __init__(
        self,
        target: str,
        temporary: str,
        origin: str | None = None,
        descriptor: int | None = None,
    ) -> None:
        self.target = target
        self.temporary = temporary
        self.origin = origin
        self.position = 0
        self._gathered = bytearray()
        if descriptor is not None:
            self._descriptor = descriptor
            return
        flags = os.O_WRONLY | (os.O_CREAT | os.O_EXCL if origin is None else 0)
        try:
            self._descriptor = os.open(temporary, flags, 0o666)
        except OSError as error:
            raise_storage_error(error, temporary)
        leftovers.lock(self._descriptor)

    def write(self, data: Bytes) -> None:
        """Appends ``data``, which may change from then on; a memoryview must be of bytes."""
        self.position += len(data)
        if len(data) < _GATHER:
            self._gathered += data
            if len(self._gathered) >= _GATHER:
                self.flush()
        else:
            self.flush()
            self._write_out(data)

    def flush(self) -> None:
        """Hands everything written so far to the operating system."""
        if self._gathered:
            gathered, self._gathered = self._gathered, bytearray()
            self._write_out(gathered)

    def _write_out(self, data: Bytes) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            raise_storage_error(error, self.target)

    def sync(self) -> None:
        """Brings everything written so far to the disk."""
        self.flush()
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            raise_storage_error(error, self.target)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class Publication:
    """A set of files that are published together, as a context manager.

    Leaving the block publishes; leaving it by an exception removes what was written and touches
    no target.

    Args:
        durability: ``full``: files and folders are on the disk when the block is left; ``file``:
            the files are, their names may not yet be; ``none``: the operating system writes when it
            likes (safe when the process is killed, not when the power fails).
        make_folders: make the targets' folders if they are not there.

    Raises:
        InvalidValueError: ``durability`` is none of the three.
        StorageFullError, PermissionDeniedError ...: what the disk says; no target has been touched.
    """

    def __init__(self, durability: Durability = "full", make_folders: bool = True) -> None:
        if durability not in ("full", "file", "none"):
            raise errors.InvalidValueError(
                None, None, f"durability is 'full', 'file' or 'none', not {durability!r}."
            )
        self._durability = durability
        self._make_folders = make_folders
        self._set = os.urandom(4).hex()
        self._count = 0
        self._folder: str | None = None
        self._new_folders: list[str] = []
        self._files: list[NewFile] = []
        self._commit: NewFile | None = None
        self._afterwards: list[Callable[[], object]] = []

    def create(self, target: Path, expected_bytes: int = 0, commit: bool = False) -> NewFile:
        """Starts the next file of the set.

        Args:
            target: the name under which it will be published; all of a set are in one folder.
            expected_bytes: its size as far as it is known; room for it is asked for now.
            commit: it is the file that makes the others count, and gets its name last.

        Raises:
            StorageFullError: the disk has less room than ``expected_bytes``.
        """
        temporary = self._place(target, expected_bytes)
        file = NewFile(local_path(target), temporary)
        self._files.append(file)
        if commit:
            self._commit = file
        return file

    def adopt(self, source: Path, target: Path) -> NewFile:
        """Makes a finished file on the same disk the next of the set, under another name.

        Raises:
            NotFoundError: there is no such file.
        """
        path = local_path(source)
        temporary = self._place(target, 0)
        with storage_errors(path):
            os.rename(path, temporary)
        self._files.append(NewFile(local_path(target), temporary, origin=path))
        return self._files[-1]

    def link(self, source: Path, target: Path) -> NewFile | None:
        """Makes a second name of a finished file the next of the set, which takes no room on the disk.

        Returns:
            The file; None, with nothing changed, where that cannot be: the files would be on two
            disks, the system does not allow it, or the target is there already.

        Raises:
            NotFoundError: there is no such file.
        """
        path, final = local_path(source), local_path(target)
        temporary = self._place(target, 0)
        if os.path.lexists(final):
            return None
        with storage_errors(path):
            descriptor = os.open(path, os.O_RDONLY)
        leftovers.lock(descriptor)  # before there is a name that somebody could take for a leftover
        try:
            os.link(path, temporary)
        except OSError:
            os.close(descriptor)
            return None
        self._files.append(NewFile(final, temporary, descriptor=descriptor))
        return self._files[-1]

    def _place(self, target: Path, expected_bytes: int) -> str:
        """The temporary name of the next file, once its place has been made ready."""
        path = local_path(target)
        folder = _folder_of(path)
        if self._folder is None:
            self._folder = folder
        if self._make_folders and not self._count:
            self._make_folder(folder)
        if folder != self._folder:
            raise errors.InvalidValueError(
                None, None, f"Files of one set lie in one folder: {path} is not in {self._folder}."
            )
        if os.path.isdir(path):
            raise errors.IsFolderError(
                None, None, f"{path}; Is a directory: a file cannot replace it."
            )
        _check_room(folder, expected_bytes, path)
        self._count += 1
        return leftovers.temporary_name(path, self._set, self._count - 1)

    def _make_folder(self, folder: str) -> None:
        above = folder
        while above and not os.path.isdir(above):
            self._new_folders.append(above)
            above = os.path.dirname(above)
        if self._new_folders:
            with storage_errors(folder):
                os.makedirs(folder, exist_ok=True)

    def publish(self) -> None:
        """Brings all files to the disk, then gives them their names, the commit file's last."""
        if not self._files:
            return
        for file in self._files:
            if self._durability == "none":
                file.flush()
            else:
                file.sync()
        commit = self._commit or self._files[-1]
        others = [file for file in self._files if file is not commit]
        if others:
            self._sync_names()
        # Two writers of one prefix take turns: a mixture of their files would be neither's.
        with leftovers.turn(self._folder or "."):
            leftovers.settle(self._folder or ".")
            if others:
                self._rename(commit, leftovers.seal_name(commit.temporary))
                commit.temporary = leftovers.seal_name(commit.temporary)
                self._sync_names()
            self._give_names(commit, others)

    def _give_names(self, commit: NewFile, others: Sequence[NewFile]) -> None:
        # What is left to rename from here on is what completes the set: it is kept.
        written, self._files = self._files, []
        try:
            for file in others:
                self._rename(file, file.target)
            if others:
                self._sync_names()
            self._rename(commit, commit.target)
            self._sync_names()
        except BaseException:
            leftovers.give_up(self._set)
            raise
        finally:
            for file in written:
                file.close()
        for action in self._afterwards:
            action()

    def _rename(self, file: NewFile, name: str) -> None:
        with storage_errors(file.target):
            os.replace(file.temporary, name)

    def _sync_names(self) -> None:
        """Brings the names that files have now to the disk."""
        if self._durability == "full":
            while self._new_folders:
                sync_folder(_folder_of(self._new_folders[-1]))
                self._new_folders.pop()
            sync_folder(self._folder or ".")

    def afterwards(self, action: Callable[[], object]) -> None:
        """Has ``action`` called when the set has been published."""
        self._afterwards.append(action)

    def discard(self) -> None:
        """Removes what has been written, gives back what was adopted. Targets stay as they are."""
        # A seal that outlived the files it speaks for would complete a set that is not whole.
        for file in sorted(self._files, key=lambda file: file is not self._commit):
            self.withdraw(file)

    def withdraw(self, file: OutgoingFile) -> None:
        """Takes one file back, as `discard` does all."""
        assert isinstance(file, NewFile)
        self._files.remove(file)
        if file is self._commit:
            self._commit = None
        try:
            with storage_errors(file.target), suppress(FileNotFoundError):
                if file.origin is not None and os.path.isdir(_folder_of(file.origin)):
                    os.rename(file.temporary, file.origin)
                else:
                    os.remove(file.temporary)
        finally:
            file.close()

    def __enter__(self) -> Publication:
        return self

    def __exit__(self, kind: type[BaseException] | None, *unused: object) -> None:
        try:
            if kind is None:
                self.publish()
        finally:
            self.discard()


class _Part:
    """Files that join the set of a publication around: leaving its block leaves them to that one."""

    def __init__(self, whole: FilePublication) -> None:
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

    def withdraw(self, file: OutgoingFile) -> None:
        """Takes one file back."""
        self._files.remove(file)
        self._whole.withdraw(file)

    def publish(self) -> None:
        """Hands the files over."""
        self._files.clear()

    def discard(self) -> None:
        """Takes back the files of this part."""
        while self._files:
            self.withdraw(self._files[-1])

    def __enter__(self) -> _Part:
        return self

    def __exit__(self, kind: type[BaseException] | None, *unused: object) -> None:
        if kind is not None:
            self.discard()


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

    The parts of a sharded save, which are read again before the set is complete, have their own.
    """
    path = plain_path(target)
    around = _around.get()
    if around is not None and around[0] == paths.split(path)[0] and not _SHARD.search(path):
        return _Part(around[1])
    return filesystem(path).publication(durability)


def _folder_of(path: str) -> str:
    return os.path.dirname(path) or "."


def publish_bytes(target: Path, contents: Bytes, durability: Durability = "full") -> None:
    """Writes one file, all or nothing, in place of any that is there; a remote one as well."""
    with publication(target, durability) as files:
        files.create(target, len(contents)).write(contents)


def sync_folder(folder: str) -> None:
    """Brings the names in a folder to the disk."""
    with storage_errors(folder):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _check_room(folder: str, wanted: int, path: str) -> None:
    if wanted <= 0:
        return
    with storage_errors(path):
        found = os.statvfs(folder)
    free = found.f_bavail * found.f_frsize
    if free < wanted:
        raise errors.StorageFullError(
            None,
            None,
            f"{path} needs {wanted:,} bytes, but the disk of {os.path.abspath(folder)} has "
            f"{free:,} left. Nothing has been written.",
        )
