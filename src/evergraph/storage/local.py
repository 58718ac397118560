"""Files on this machine's disks."""

from __future__ import annotations

import os
import shutil
import stat as stat_bits
import weakref
from typing import IO, TYPE_CHECKING

from evergraph import errors
from evergraph.storage.copying import copy_file
from evergraph.storage.filesystem import (
    FilePublication,
    FileStatistics,
    FileSystem,
    RandomAccessFile,
    StagedFolder,
    local_path,
)
from evergraph.storage.os_errors import raise_storage_error, storage_errors

if TYPE_CHECKING:
    from evergraph.storage.publish import Durability

_STREAM_BUFFER = 512 * 1024


class LocalFile(RandomAccessFile):
    """A local file, read with ``pread``.

    Not mapped into memory: a mapped file that somebody cuts short kills the process that reads it,
    and a tensor has to be copied out anyway to become the caller's.
    """

    def __init__(self, path: str) -> None:
        try:
            # Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError as error:
            raise_storage_error(error, path)
        self._close = weakref.finalize(self, os.close, descriptor)
        self._descriptor = descriptor
        self._closed = False
        self.path = path
        found = os.fstat(descriptor)
        self.size = found.st_size
        if not stat_bits.S_ISREG(found.st_mode):
            self.close()
            if stat_bits.S_ISDIR(found.st_mode):
                raise errors.IsFolderError(None, None, f"{path}; Is a directory")
            raise errors.FailedPreconditionError(
                None, None, f"{path} is a device, pipe or socket, not a file."
            )

    def read_into(self, offset: int, buffer: memoryview) -> None:
        if self._closed:
            raise errors.FailedPreconditionError(None, None, f"{self.path} has been closed.")
        try:
            done = os.preadv(self._descriptor, (buffer,), offset)
            while done < len(buffer):
                count = os.preadv(self._descriptor, (buffer[done:],), offset + done)
                if count == 0:
                    raise errors.OutOfRangeError(
                        None,
                        None,
                        f"{self.path} ends at {offset + done}: {len(buffer)} bytes were wanted "
                        f"at offset {offset}.",
                    )
                done += count
        except OSError as error:
            raise_storage_error(error, self.path)

    def close(self) -> None:
        self._closed = True
        self._close()

    def is_current(self) -> bool:
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(self._descriptor))
        except OSError:
            return True  # Removed: what is open is all there is of it.


class LocalFileSystem(FileSystem):
    """The local disks, by path or ``file://`` path."""

    replaces_sets = True

    def open(self, path: str, mode: str) -> IO[bytes]:
        path = local_path(path)
        with storage_errors(path):
            return open(path, mode, buffering=_STREAM_BUFFER)

    def publication(
        self, durability: Durability = "full", make_folders: bool = True
    ) -> FilePublication:
        from evergraph.storage.local_publication import LocalPublication

        return LocalPublication(durability, make_folders)

    def staged_folder(self, target: str) -> StagedFolder:
        from evergraph.storage.staged_folder import LocalStagedFolder

        return LocalStagedFolder(target)

    def open_random_access(self, path: str) -> RandomAccessFile:
        return LocalFile(local_path(path))

    def stat(self, path: str) -> FileStatistics:
        path = local_path(path)
        with storage_errors(path):
            found = os.stat(path)
        return FileStatistics(found.st_size, found.st_mtime_ns, stat_bits.S_ISDIR(found.st_mode))

    def exists(self, path: str) -> bool:
        return os.path.exists(local_path(path))

    def scan_folder(self, path: str) -> dict[str, bool]:
        path = local_path(path)
        with storage_errors(path), os.scandir(path) as entries:
            return dict(sorted((entry.name, entry.is_dir()) for entry in entries))

    def make_folder(self, path: str, parents: bool = False) -> None:
        path = local_path(path)
        with storage_errors(path):
            try:
                (os.makedirs if parents else os.mkdir)(path)
            except FileExistsError as error:
                if not os.path.isdir(path):
                    raise errors.NotFolderError(
                        None, None, f"{path} is not a directory: a file of this name is there."
                    ) from error

    def rename(self, old: str, new: str, overwrite: bool = False) -> None:
        old, new = local_path(old), local_path(new)
        if not overwrite:
            _refuse_existing(new)
        with storage_errors(old):
            os.replace(old, new)

    def copy(self, old: str, new: str, overwrite: bool = False) -> None:
        old, new = local_path(old), local_path(new)
        if not overwrite:
            _refuse_existing(new)
        copy_file(old, new)

    def remove(self, path: str) -> None:
        path = local_path(path)
        with storage_errors(path):
            if os.path.isdir(path) and not os.path.islink(path):
                raise errors.IsFolderError(
                    None, None, f"{path}; Is a directory: DeleteRecursively removes folders."
                )
            os.remove(path)

    def remove_tree(self, path: str) -> None:
        path = local_path(path)
        with storage_errors(path):
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.remove(path)

    def remove_empty_folder(self, path: str) -> None:
        path = local_path(path)
        with storage_errors(path):
            os.rmdir(path)


def _refuse_existing(path: str) -> None:
    if os.path.lexists(path):
        raise errors.FileAlreadyExistsError(
            None, None, f"file already exists: {path}. Pass overwrite=True to replace it."
        )


LOCAL = LocalFileSystem()
