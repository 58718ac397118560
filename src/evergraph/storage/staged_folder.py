"""A folder of this machine's disks that appears all or nothing: filled elsewhere, and renamed when it is whole."""

from __future__ import annotations

import os
import tempfile

from evergraph.storage.filesystem import Path, StagedFolder, local_path
from evergraph.storage.os_errors import storage_errors
from evergraph.storage.publish import make_folders, sync_folder

_MARK = ".evergraph-"


class LocalStagedFolder(StagedFolder):
    """The folder ``target``; see `filesystem.StagedFolder`.

    Where ``target`` is not there, the place is beside it, and publishing is one rename. Where it is there, the place
    is inside of it, and its members move up one by one, the one named last after all others.
    """

    def __init__(self, target: Path) -> None:
        self.target = os.path.normpath(local_path(target))
        self._holder: tempfile.TemporaryDirectory[str] | None = None
        self._folder: str | None = None
        self._new_folders: list[str] = []
        self._has_published = False

    @property
    def is_free(self) -> bool:
        with storage_errors(self.target):
            if not os.path.isdir(self.target):
                return not os.path.lexists(self.target)
            return all(name.startswith(_MARK) for name in os.listdir(self.target))

    def path(self, *names: str) -> str:
        if self._folder is None:
            with storage_errors(self.target):
                if os.path.isdir(self.target):
                    place, beside = self.target, ""
                else:
                    self._new_folders = make_folders(os.path.dirname(self.target))
                    place, beside = os.path.split(self.target)
                # It removes itself where the program ends before the folder is published.
                self._holder = tempfile.TemporaryDirectory(
                    prefix=_MARK, dir=place or ".", ignore_cleanup_errors=True
                )
                self._folder = os.path.join(self._holder.name, beside or "new")
                os.mkdir(self._folder)
        return os.path.join(self._folder, *names)

    def publish(self, last: str) -> None:
        if self._folder is None or self._holder is None:
            return
        with storage_errors(self.target):
            for folder, _, _ in os.walk(self._folder):
                sync_folder(folder)
            if os.path.isdir(self.target):
                if not self._has_published and os.path.lexists(os.path.join(self.target, last)):
                    raise self._taken(last)
                _move_members(self._folder, self.target, last)
            else:
                os.rename(self._folder, self.target)
            for folder in [self.target, *self._new_folders]:
                sync_folder(os.path.dirname(folder) or ".")
        self._holder.cleanup()
        self._holder = self._folder = None
        self._has_published = True


def _move_members(source: str, target: str, last: str) -> None:
    """Moves what is in one folder into another, a folder into one of its name; ``last`` when all others are on the
    disk.
    """
    names = os.listdir(source)
    for name in names:
        old, new = os.path.join(source, name), os.path.join(target, name)
        if os.path.isdir(old) and os.path.isdir(new):
            _move_members(old, new, last)
        elif name != last:
            os.replace(old, new)
    sync_folder(target)
    if last in names:
        os.replace(os.path.join(source, last), os.path.join(target, last))
        sync_folder(target)
