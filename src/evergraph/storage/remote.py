"""Remote stores, through fsspec: ``gs://``, ``s3://``, ``hdfs://``, ``memory://`` and whatever else it knows.

How files are read is in `remote_file`, how they are published in `remote_publication`, whose rule makes
saving safe; here is the rest. Where it differs from a disk:

- An object store has no folders: one is there as long as something is in it. Making a folder does
  nothing there, and the one above need not exist.
- Renaming and copying a file is the store's own copy; a folder is renamed file by file, and so is
  moved in part if the program dies on the way.
- What `open` writes is uploaded when it is flushed or closed.
- Listings are asked for anew each time: what somebody else has just written is seen.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any

from evergraph import errors
from evergraph.nearest import did_you_mean
from evergraph.storage import paths
from evergraph.storage.copying import copy_file
from evergraph.storage.filesystem import (
    FilePublication,
    FileStatistics,
    FileSystem,
    RandomAccessFile,
    StagedFolder,
)
from evergraph.storage.remote_file import RemoteFile
from evergraph.storage.remote_place import Place, place_of, remote_errors
from evergraph.storage.remote_publication import RemotePublication, move
from evergraph.storage.remote_stream import RemoteReader, RemoteWriter

if TYPE_CHECKING:
    from evergraph.storage.publish import Durability

_STREAM_BUFFER = 512 * 1024
#: What the stores call the time of the last change.
_TIMES = ("mtime", "LastModified", "last_modified", "updated", "modified", "modificationTime", "created")  # fmt: skip


class RemoteFileSystem(FileSystem):
    """Every store that fsspec serves."""

    replaces_sets = False

    def open(self, path: str, mode: str) -> IO[bytes]:
        if mode == "rb":
            return io.BufferedReader(RemoteReader(self.open_random_access(path)), _STREAM_BUFFER)
        kept: RandomAccessFile | None = None
        if mode == "r+b" or (mode == "ab" and self.exists(path)):
            kept = self.open_random_access(path)
        elif self.is_folder(path):
            raise _is_folder(path)
        return RemoteWriter(path, kept, at_end=mode == "ab")

    def publication(
        self, durability: Durability = "full", make_folders: bool = True
    ) -> FilePublication:
        return RemotePublication(durability, make_folders)

    def staged_folder(self, target: str) -> StagedFolder:
        from evergraph.storage.remote_staged_folder import RemoteStagedFolder

        return RemoteStagedFolder(self, target)

    def open_random_access(self, path: str) -> RandomAccessFile:
        found = self.stat(path)
        if found.is_directory:
            raise _is_folder(path)
        return RemoteFile(place_of(path), found.length)

    def stat(self, path: str) -> FileStatistics:
        place = place_of(path)
        with _missing_explained(place):
            found = _info(place)
        return FileStatistics(
            int(found.get("size") or 0), _nanoseconds(found), found.get("type") == "directory"
        )

    def exists(self, path: str) -> bool:
        place = place_of(path)
        try:
            with remote_errors(path):
                _info(place)
        except (errors.NotFoundError, errors.NotFolderError):
            return False
        return True

    def scan_folder(self, path: str) -> dict[str, bool]:
        place = place_of(path)
        with remote_errors(path):
            return dict(sorted(_entries(place)))

    def make_folder(self, path: str, parents: bool = False) -> None:
        place = place_of(path)
        try:
            if not self.stat(path).is_directory:
                raise errors.NotFolderError(
                    None, None, f"{path} is not a directory: a file of this name is there."
                )
            return
        except errors.NotFoundError:
            if place.in_object_store:
                return
        above, _ = paths.split(path.rstrip("/"))
        if not parents and place_of(above).key.strip("/") and not self.is_folder(above):
            raise errors.FileMissingError(
                None, None, f"{path}; No such file or directory. There is no folder {above!r}."
            )
        with remote_errors(path):
            place.store.makedirs(place.key, exist_ok=True)

    def rename(self, old: str, new: str, overwrite: bool = False) -> None:
        source, target = self._pair(old, new, overwrite)
        if not self.stat(old).is_directory:
            move(source, target)
            return
        if self.exists(new):
            raise errors.FileAlreadyExistsError(
                None, None, f"{new} is there: a folder does not replace it."
            )
        if source.renames:
            move(source, target)
            return
        with remote_errors(old):
            inside: list[str] = source.store.find(source.key)
        for key in inside:
            rest = key[len(source.key.rstrip("/")) :].lstrip("/")
            move(place_of(f"{old.rstrip('/')}/{rest}"), place_of(f"{new.rstrip('/')}/{rest}"))
        if not source.in_object_store:
            self.make_folder(new, parents=True)
            if self.exists(old):
                self.remove_tree(old)

    def copy(self, old: str, new: str, overwrite: bool = False) -> None:
        source, target = self._pair(old, new, overwrite)
        if self.stat(old).is_directory:
            raise _is_folder(old)
        if source.key == target.key:
            return
        if not source.in_object_store:
            copy_file(old, new)  # the store's own copy may be seen half done
            return
        with remote_errors(new):
            source.store.cp_file(source.key, target.key)

    def _pair(self, old: str, new: str, overwrite: bool) -> tuple[Place, Place]:
        """The places of a copy, after looking at what is at ``new``."""
        source, target = place_of(old), place_of(new)
        if self.exists(new):
            if not overwrite:
                raise errors.FileAlreadyExistsError(
                    None, None, f"file already exists: {new}. Pass overwrite=True to replace it."
                )
            if self.is_folder(new):
                raise _is_folder(new)
        return source, target

    def remove(self, path: str) -> None:
        if self.stat(path).is_directory:
            raise errors.IsFolderError(
                None, None, f"{path}; Is a directory: DeleteRecursively removes folders."
            )
        place = place_of(path)
        with remote_errors(path):
            place.store.rm_file(place.key)

    def remove_tree(self, path: str) -> None:
        if not self.stat(path).is_directory:
            self.remove(path)
            return
        place = place_of(path)
        with remote_errors(path):
            if place.in_object_store and "/" not in place.key:
                # All that is in a bucket; the bucket is not ours.
                for name, _ in list(_entries(place)):
                    place.store.rm(f"{place.key}/{name}", recursive=True)
            else:
                place.store.rm(place.key, recursive=True)

    def remove_empty_folder(self, path: str) -> None:
        place = place_of(path)
        if self.list_folder(path):
            raise errors.FailedPreconditionError(None, None, f"{path}; Directory not empty")
        if not place.in_object_store:
            with remote_errors(path):
                place.store.rmdir(place.key)


def _info(place: Place) -> dict[str, Any]:
    """What the store says of a path now."""
    if place.in_object_store and not place.key.strip("/"):
        # The folder of all buckets, which gcsfs would ask for as for a bucket.
        return {"type": "directory"}
    _forget(place)
    return dict(place.store.info(place.key))


def _forget(place: Place) -> None:
    """Has the store asked anew. All that its library keeps goes, not only what it keeps of this path: gcsfs, once it
    has listed the buckets, takes what lies directly in one for missing.
    """
    place.store.invalidate_cache()


def _entries(place: Place) -> Iterator[tuple[str, bool]]:
    """The names in a folder, and whether each is a folder."""
    _forget(place)
    home = place.key.rstrip("/")
    for entry in place.store.ls(place.key, detail=True):
        full = entry["name"].rstrip("/")
        if full != home:  # a marker of the folder itself, or a file
            yield full.rpartition("/")[2], entry["type"] == "directory"


def _nanoseconds(found: dict[str, Any]) -> int:
    """When a file was changed, nanoseconds since 1970; 0 where the store does not say."""
    moment = next((found[name] for name in _TIMES if found.get(name)), 0)
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment.replace("Z", "+00:00"))
    if isinstance(moment, datetime):
        moment = moment.timestamp()
    if isinstance(moment, time.struct_time):
        moment = time.mktime(moment)
    return int(moment * 1e9)


@contextmanager
def _missing_explained(place: Place) -> Iterator[None]:
    """As `remote_errors`; where there is nothing, the message says what is beside it."""
    try:
        with remote_errors(place.url):
            yield
    except errors.NotFoundError as error:
        folder, name = paths.split(place.url.rstrip("/"))
        try:
            names = [name for name, _ in _entries(place_of(folder))]
        except Exception:  # the reason why nothing can be listed is not what was asked
            names = []
        message = f"{place.url}; No such file or directory.{did_you_mean(name, names)}"
        raise errors.FileMissingError(None, None, message) from error.__cause__


def _is_folder(path: str) -> errors.IsFolderError:
    return errors.IsFolderError(None, None, f"{path}; Is a directory")


REMOTE = RemoteFileSystem()
