"""Files of this machine's disks that appear all or nothing.

A `LocalPublication` writes every file under a temporary name beside its target, brings all of them
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
import stat as stat_bits
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from evergraph import errors
from evergraph.storage import leftovers
from evergraph.storage.filesystem import Bytes, FilePublication, OutgoingFile, Path, local_path
from evergraph.storage.os_errors import raise_storage_error, storage_errors
from evergraph.storage.publish import make_folders, sync_folder

if TYPE_CHECKING:
    from evergraph.storage.publish import Durability

# Pieces below this are gathered before they go to the system, larger ones go from their own memory.
_GATHER = 256 * 1024


class NewFile:
    """A file being written, under its temporary name. Made by `LocalPublication`.

    Attributes:
        target: the name that it will have.
        origin: the name that it had, if it was there before.
        unsealed: the temporary name that it had before it became the seal.
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
        self.unsealed: str | None = None
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

    def discard(self) -> None:
        """Removes it, or gives what was adopted its old name back."""
        try:
            for name in filter(None, (self.temporary, self.unsealed)):
                with storage_errors(self.target), suppress(FileNotFoundError):
                    if self.origin is not None and os.path.isdir(_folder_of(self.origin)):
                        os.rename(name, self.origin)
                    else:
                        os.remove(name)
        finally:
            self.close()

    def close(self) -> None:
        """Gives it back to the operating system, and its lock with it. It may be called twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class LocalPublication(FilePublication):
    """A set of files of one folder that are published together, by the steps above.

    Args:
        durability: as `publish.Durability`.
        make_folders: make the targets' folders if they are not there.

    Raises:
        InvalidValueError: ``durability`` is none of the three.
        StorageFullError, PermissionDeniedError ...: what the disk says; no target has been touched.
    """

    def __init__(self, durability: Durability = "full", make_folders: bool = True) -> None:
        super().__init__(durability)
        self._make_folders = make_folders
        self._set = os.urandom(4).hex()
        self._count = 0
        self._folder: str | None = None
        self._new_folders: list[str] = []
        self._files: list[NewFile] = []
        self._commit: NewFile | None = None

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
        # Before there is a name that somebody could take for a leftover.
        leftovers.lock(descriptor, shared=True)
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
            self._new_folders = make_folders(folder)
        if folder != self._folder:
            raise errors.InvalidValueError(
                None, None, f"Files of one set lie in one folder: {path} is not in {self._folder}."
            )
        _check_replaceable(path)
        _check_room(folder, expected_bytes, path)
        self._count += 1
        return leftovers.temporary_name(path, self._set, self._count - 1)

    def _publish(self) -> None:
        """Brings all files to the disk, then gives them their names."""
        if not self._files:
            return
        for file in self._files:
            if self.durability == "none":
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
                # Told first: where this is interrupted, the file has one of the two names.
                commit.unsealed = commit.temporary
                commit.temporary = leftovers.seal_name(commit.temporary)
                with storage_errors(commit.target):
                    os.replace(commit.unsealed, commit.temporary)
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

    def _rename(self, file: NewFile, name: str) -> None:
        with storage_errors(file.target):
            os.replace(file.temporary, name)

    def _sync_names(self) -> None:
        """Brings the names that files have now to the disk."""
        if self.durability == "full":
            while self._new_folders:
                sync_folder(_folder_of(self._new_folders[-1]))
                self._new_folders.pop()
            sync_folder(self._folder or ".")

    def discard(self) -> None:
        """Removes what has been written, gives back what was adopted. Targets stay as they are."""
        # A seal that outlived the files it speaks for would complete a set that is not whole.
        sealed = [file for file in self._files if file.unsealed is not None]
        for file in sealed:
            self.withdraw(file)
        if sealed:
            with suppress(errors.OpError):
                self._sync_names()
        for file in list(self._files):
            self.withdraw(file)

    def withdraw(self, file: OutgoingFile) -> None:
        """Takes one file back, as `discard` does all."""
        assert isinstance(file, NewFile)
        self._files.remove(file)
        if file is self._commit:
            self._commit = None
        file.discard()


def _folder_of(path: str) -> str:
    return os.path.dirname(path) or "."


def _check_replaceable(path: str) -> None:
    """Raises where there is something that a file must not replace: a folder, a device, a pipe."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return  # Nothing is there; or writing says what is wrong.
    if stat_bits.S_ISDIR(mode):
        raise errors.IsFolderError(None, None, f"{path}; Is a directory: a file cannot replace it.")
    if not stat_bits.S_ISREG(mode):
        raise errors.FailedPreconditionError(
            None, None, f"{path} is a device, pipe or socket: a file cannot replace it."
        )


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
