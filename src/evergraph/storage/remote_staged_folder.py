"""A folder of a remote store that appears file by file, the one that makes it last.

No store gives a folder another name at once; most have no folders at all. So, as with the files of a checkpoint
(`remote_publication`), one file makes the folder: ``saved_model.pb`` a SavedModel. It gets its place last.

Until then the folder grows in the same store under a name of its own, beside its target (or inside of it where that is
there): ``.evergraph-`` and a number. What is large is uploaded while it is written and not held here. To publish it, an
object store copies its files by itself; their bytes do not travel again. Other stores rename them.

What fails before the last file takes back what has its place already. A program that is killed leaves files of one of
the two places; nothing reads them, as the file that makes them count is not there.
"""

from __future__ import annotations

import logging
import os
import weakref

from evergraph import errors
from evergraph.storage import paths
from evergraph.storage.filesystem import FileSystem, StagedFolder
from evergraph.storage.remote_place import place_of

_LOG = logging.getLogger("evergraph")
_MARK = ".evergraph-"


class RemoteStagedFolder(StagedFolder):
    """The folder ``target`` of a remote store; see `filesystem.StagedFolder`."""

    def __init__(self, files: FileSystem, target: str) -> None:
        self.target = paths.absolute(target)
        self._files = files
        self._in_object_store = place_of(target).in_object_store
        self._holder: str | None = None
        self._folder = ""
        self._remove_holder: weakref.finalize[..., RemoteStagedFolder] | None = None
        self._is_ours = False

    @property
    def is_free(self) -> bool:
        if not self._files.is_folder(self.target):
            return not self._files.exists(self.target)
        return all(name.startswith(_MARK) for name in self._files.list_folder(self.target))

    def path(self, *names: str) -> str:
        if self._holder is None:
            if self._files.is_folder(self.target):
                place, beside = self.target, "new"
            else:
                place, beside = paths.split(self.target)
            self._holder = os.path.join(place, f"{_MARK}{os.urandom(8).hex()}")
            self._folder = os.path.join(self._holder, beside)
            # It is removed where the program ends before the folder is published.
            self._remove_holder = weakref.finalize(self, _remove, self._files, self._holder)
        return os.path.join(self._folder, *names)

    def publish(self, last: str) -> None:
        if self._holder is None or self._remove_holder is None:
            return
        if not self._is_ours and self._files.exists(os.path.join(self.target, last)):
            raise self._taken(last)
        members = [name for name in _files_in(self._files, self._folder) if name != last]
        placed: list[str] = []
        try:
            for name in members:
                placed.append(name)  # before: the store may take it and lose only the answer
                self._give_place(name)
        except BaseException:
            for name in reversed(placed):
                self._take_back(name)
            raise
        # The store may take the last one and lose only the answer: from here on all stays, and is whole with it.
        self._is_ours = True
        self._give_place(last)
        self._remove_holder()
        self._holder = self._remove_holder = None

    def _give_place(self, name: str) -> None:
        old, new = os.path.join(self._folder, name), os.path.join(self.target, name)
        if self._in_object_store:
            self._files.copy(old, new, overwrite=True)
            return
        self._files.make_folder(paths.split(new)[0], parents=True)
        self._files.rename(old, new, overwrite=True)

    def _take_back(self, name: str) -> None:
        old, new = os.path.join(self._folder, name), os.path.join(self.target, name)
        try:
            if self._in_object_store:
                self._files.remove(new)
            else:
                self._files.rename(new, old)
        except errors.NotFoundError:
            pass  # it never had its place
        except errors.OpError as error:
            _LOG.warning("%s is left over and could not be taken back: %s", new, error.message)


def _files_in(files: FileSystem, folder: str) -> list[str]:
    """What leads from ``folder`` to each file below it."""
    found: list[str] = []
    for name, is_folder in files.scan_folder(folder).items():
        inside = _files_in(files, os.path.join(folder, name)) if is_folder else None
        found += [name] if inside is None else [os.path.join(name, each) for each in inside]
    return found


def _remove(files: FileSystem, folder: str) -> None:
    """Removes what has been copied or given up, as far as the store allows it."""
    try:
        if files.exists(folder):
            files.remove_tree(folder)
    except Exception as error:
        # In a finalizer nobody could catch it, and nothing needs what is left.
        _LOG.warning("%s is left over and could not be removed: %s", folder, error)
