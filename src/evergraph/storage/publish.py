"""Files that appear all or nothing.

A `Publication` writes every file under a temporary name beside its target, brings all of them
to the disk, and only then renames them, in the order in which they were created. Whoever looks at a
target sees the whole old file or the whole new one, and a crash leaves the old ones in place.

Temporary names end in ``.evergraph-tmp-PID-HOST-SET-N``: the process and machine that wrote the
file, the set it belongs to (the same for all files of one publication) and its number in the set.
What a killed process left is therefore known, and `settle` deals with it:

- file 0 of a set is still there: nothing of the set was renamed; all of it is removed.
- file 0 is gone: the process died between two renames, after everything had reached
  the disk. The rest is renamed now, and the set is complete.

Files of a set are therefore created first to last, and removed last to first.
"""

from __future__ import annotations

import os
import re
import socket
import zlib
from typing import Literal

from evergraph import errors
from evergraph.storage.filesystem import Bytes, Path, filesystem, local_path
from evergraph.storage.os_errors import raise_storage_error, storage_errors

Durability = Literal["full", "file", "none"]

# Pieces below this are gathered before they go to the system, larger ones go from their own memory.
_GATHER = 256 * 1024

_TEMPORARY = re.compile(r"(.+)\.evergraph-tmp-(\d+)-([0-9a-f]{8})-([0-9a-f]{8})-(\d+)")


class NewFile:
    """A file being written, under its temporary name. Made by `Publication`.

    Attributes:
        target: the name that it will have.
        origin: the name that it had, if it was there before.
        position: how many bytes have been written.
    """

    def __init__(self, target: str, temporary: str, origin: str | None = None) -> None:
        self.target = target
        self.temporary = temporary
        self.origin = origin
        self.position = 0
        self._gathered: list[Bytes] = []
        self._gathered_bytes = 0
        flags = os.O_WRONLY | (os.O_CREAT | os.O_EXCL if origin is None else 0)
        try:
            self._descriptor = os.open(temporary, flags, 0o666)
        except OSError as error:
            raise_storage_error(error, temporary)

    def write(self, data: Bytes) -> None:
        """Appends ``data``, which must not change before `flush`; a memoryview must be of bytes."""
        self.position += len(data)
        if len(data) < _GATHER:
            self._gathered.append(data)
            self._gathered_bytes += len(data)
            if self._gathered_bytes >= _GATHER:
                self.flush()
        else:
            self.flush()
            self._write_out(data)

    def flush(self) -> None:
        """Hands everything written so far to the operating system."""
        if self._gathered:
            joined = b"".join(self._gathered)
            self._gathered.clear()
            self._gathered_bytes = 0
            self._write_out(joined)

    def _write_out(self, data: Bytes) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            raise_storage_error(error, self.target)

    def finish(self, sync: bool) -> None:
        """Closes the file, with ``sync`` after its bytes have reached the disk."""
        self.flush()
        try:
            if sync:
                os.fsync(self._descriptor)
        except OSError as error:
            raise_storage_error(error, self.target)
        finally:
            self.close()

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
        self._folder: str | None = None
        self._new_folders: list[str] = []
        self._files: list[NewFile] = []

    def create(self, target: Path, expected_bytes: int = 0) -> NewFile:
        """Starts the next file of the set.

        Args:
            target: the name under which it will be published; all of a set are in one folder.
            expected_bytes: its size as far as it is known; room for it is asked for now.

        Raises:
            StorageFullError: the disk has less room than ``expected_bytes``.
        """
        temporary = self._place(target, expected_bytes)
        self._files.append(NewFile(local_path(target), temporary))
        return self._files[-1]

    def adopt(self, source: Path, target: Path) -> None:
        """Makes a finished file on the same disk the next of the set, under another name.

        Raises:
            NotFoundError: there is no such file.
        """
        path = local_path(source)
        temporary = self._place(target, 0)
        with storage_errors(path):
            os.rename(path, temporary)
        self._files.append(NewFile(local_path(target), temporary, origin=path))

    def _place(self, target: Path, expected_bytes: int) -> str:
        """The temporary name of the next file, once its place has been made ready."""
        path = local_path(target)
        folder = os.path.dirname(path) or "."
        if self._folder is None:
            self._folder = folder
            if self._make_folders:
                self._make_folder(folder)
        elif folder != self._folder:
            raise errors.InvalidValueError(
                None, None, f"Files of one set lie in one folder: {path} is not in {self._folder}."
            )
        if os.path.isdir(path):
            raise errors.IsFolderError(
                None, None, f"{path}; Is a directory: a file cannot replace it."
            )
        _check_room(folder, expected_bytes, path)
        number = len(self._files)
        return f"{path}.evergraph-tmp-{os.getpid()}-{_host()}-{self._set}-{number}"

    def _make_folder(self, folder: str) -> None:
        above = folder
        while above and not os.path.isdir(above):
            self._new_folders.append(above)
            above = os.path.dirname(above)
        if self._new_folders:
            with storage_errors(folder):
                os.makedirs(folder, exist_ok=True)

    def publish(self) -> None:
        """Brings all files to the disk, then gives them their names, in order of creation."""
        if self._folder is None:
            return
        for file in self._files:
            file.finish(sync=self._durability != "none")
        settle(self._folder, {os.path.basename(file.target) for file in self._files})
        # From the first rename on, what is left to rename is what completes the set: it is kept.
        waiting, self._files = self._files, []
        for file in waiting:
            with storage_errors(file.target):
                os.replace(file.temporary, file.target)
        if self._durability == "full":
            for folder in [self._folder, *(os.path.dirname(new) for new in self._new_folders)]:
                sync_folder(folder or ".")

    def discard(self) -> None:
        """Removes what has been written, gives back what was adopted. Targets stay as they are."""
        for file in reversed(self._files):
            file.close()
            if file.origin is None:
                _remove_if_there(file.temporary)
            else:
                with storage_errors(file.origin):
                    os.rename(file.temporary, file.origin)
        self._files.clear()

    def __enter__(self) -> Publication:
        return self

    def __exit__(self, kind: type[BaseException] | None, *unused: object) -> None:
        try:
            if kind is None:
                self.publish()
        finally:
            self.discard()


def publish_bytes(target: Path, contents: Bytes, durability: Durability = "full") -> None:
    """Writes one file, all or nothing, in place of any that is there; a remote one as well."""
    with filesystem(target).publication(durability) as files:
        files.create(target, len(contents)).write(contents)


def sync_folder(folder: str) -> None:
    """Brings the names in a folder to the disk."""
    with storage_errors(folder):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def settle(folder: str, names: set[str] | None = None) -> list[str]:
    """Completes or removes what processes of this machine that are dead left in ``folder``.

    Args:
        folder: where to look.
        names: only sets that one of these files belongs to are dealt with; None means all.

    Returns:
        The names of the temporary files that are gone now.
    """
    gone = []
    for files in _leftover_sets(folder, names):
        is_complete = files[0][0] > 0
        for _, name, target in files if is_complete else reversed(files):
            temporary, final = os.path.join(folder, name), os.path.join(folder, target)
            if is_complete and not _is_newer(final, temporary):
                with storage_errors(final):
                    os.replace(temporary, final)
            else:
                _remove_if_there(temporary)
            gone.append(name)
    return gone


def half_published(path: str) -> bool:
    """Whether a process died while it renamed the set that the file ``path`` belongs to.

    The files of that set do not fit each other until `settle` has completed it.
    """
    folder, name = os.path.split(path)
    return any(files[0][0] > 0 for files in _leftover_sets(folder or ".", {name}))


def _leftover_sets(folder: str, names: set[str] | None) -> list[list[tuple[int, str, str]]]:
    """By set, what dead processes left: number in the set, temporary name, name of the target."""
    with storage_errors(folder):
        found = os.listdir(folder)
    sets: dict[str, list[tuple[int, str, str]]] = {}
    for name in found:
        parts = _TEMPORARY.fullmatch(name)
        if parts and parts[3] == _host() and not _is_alive(int(parts[2])):
            sets.setdefault(parts[4], []).append((int(parts[5]), name, parts[1]))
    return [
        sorted(files)
        for files in sets.values()
        if names is None or not names.isdisjoint(target for _, _, target in files)
    ]


def _is_newer(target: str, temporary: str) -> bool:
    """Whether somebody has written ``target`` since ``temporary`` was left behind."""
    with storage_errors(target):
        try:
            return os.stat(target).st_mtime_ns > os.stat(temporary).st_mtime_ns
        except FileNotFoundError:
            return False


def _remove_if_there(path: str) -> None:
    try:
        os.remove(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise_storage_error(error, path)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _host() -> str:
    """A short mark of this machine: a process number means nothing on another one."""
    return f"{zlib.crc32(socket.gethostname().encode()):08x}"


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
