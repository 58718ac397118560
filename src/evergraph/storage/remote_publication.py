"""Files of remote stores that appear all or nothing.

A remote store cannot rename several files at once; most cannot rename at all (S3 and Google Cloud Storage
copy and delete). The rule by which a set is there or not is therefore one that readers check:

    **One file of a set makes it**, the last one to get its place. A checkpoint is there when its index is,
    and it is what the index says; a reader opens the index first, and data that no index names is nothing.

A set is published like this:

1. All files but the last one are uploaded, under names that no published set uses. A checkpoint that
   replaces one of the same prefix gets another number of data files, and with it other names
   (``m.data-00000-of-00002`` beside ``m.data-00000-of-00001``, see `formats.bundle.fresh_shards`): the old
   index still finds the old data.
2. The last file, the index, is put in place. This is the moment at which the set changes, and it has no middle.
3. What the old index needed is removed.

When a program dies, or the store fails, before 2, the old checkpoint is there as it was; afterwards, the new
one is. What is left over is data that no index names; the next save of the prefix removes it. Whoever has the
old checkpoint open while it is replaced may miss its data after 3, never gets the wrong one.

How one file gets its place: an object store shows an object when its upload is complete, and then all of it, in
place of the older one. Other stores (HDFS, SFTP, ``memory://``) get the file under a temporary name beside its
target, ending in ``.evergraph-tmp-`` and a number, and rename it. (Where renaming does not replace, the old file is
put aside before as ``.evergraph-tmp-old``: for that moment there is none.)

A large file is uploaded in parts while it is written; 16 MiB of it at most are held in memory. Parts of an
upload that was never completed are not visible, but S3 keeps (and bills) them until a rule of the bucket,
``AbortIncompleteMultipartUpload``, removes them; Google Cloud Storage forgets them after a week.
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from evergraph import errors
from evergraph.storage import paths
from evergraph.storage.filesystem import (
    Bytes,
    FilePublication,
    OutgoingFile,
    Path,
    is_remote,
    path_text,
)
from evergraph.storage.remote_place import Place, place_of, remote_errors

if TYPE_CHECKING:
    from evergraph.storage.publish import Durability

_LOG = logging.getLogger("evergraph")
_PART = 16 << 20
_MOST_PARTS = 9_000  # S3 takes 10,000


class RemoteNewFile:
    """A file being uploaded. Made by `RemotePublication`.

    Attributes:
        place: where it will be.
        uploaded: where it is until then; for an object store the same.
        position: how many bytes have been written.
    """

    def __init__(self, place: Place, uploaded: Place, expected_bytes: int) -> None:
        self.place = place
        self.uploaded = uploaded
        self.position = 0
        part = max(_PART, -(-expected_bytes // _MOST_PARTS) + 0xFFFFF & ~0xFFFFF)
        with remote_errors(place.url):
            self._stream: Any = uploaded.store.open(uploaded.key, "wb", block_size=part)

    def write(self, data: Bytes) -> None:
        """Appends ``data``; a memoryview must be of bytes."""
        with remote_errors(self.place.url):
            self._stream.write(data)
        self.position += len(data)

    def prepare(self) -> None:
        """Completes an upload that nobody sees yet, under its temporary name."""
        if self.uploaded is not self.place:
            self._complete()

    def take_place(self) -> None:
        """Makes the file what is found under its name."""
        if self.uploaded is self.place:
            self._complete()
        else:
            move(self.uploaded, self.place)

    def give_back(self) -> None:
        """Undoes `take_place`; the name was of no published set."""
        _try_to_remove(self.place)

    def discard(self) -> None:
        """Gives up an upload, or removes it from its temporary name; what has its place keeps it."""
        stream, self._stream = self._stream, None
        if stream is not None:
            with suppress(Exception):  # whatever the library raises: why it is given up is worse
                stream.discard()
            with suppress(AttributeError):
                stream.closed = True  # or it would be completed when it is collected
        if self.uploaded is not self.place:
            _try_to_remove(self.uploaded)

    def _complete(self) -> None:
        with remote_errors(self.place.url):
            self._stream.close()
        self._stream = None


class AdoptedFile:
    """A file that is there under another name. Made by `RemotePublication`."""

    def __init__(self, source: Place, place: Place) -> None:
        self._source = source
        self.place = place
        self.position = 0

    def write(self, data: Bytes) -> None:
        """Nothing can be appended to it."""
        raise errors.FailedPreconditionError(None, None, f"{self.place.url} is complete.")

    def prepare(self) -> None:
        """Nothing: it is complete."""

    def take_place(self) -> None:
        """Moves it to its new name."""
        move(self._source, self.place)

    def give_back(self) -> None:
        """Moves it to where it was."""
        with suppress(errors.OpError):
            move(self.place, self._source)

    def discard(self) -> None:
        """Nothing: it has stayed where it was."""


class RemotePublication(FilePublication):
    """A set of files of a remote store that are published together, by the rule above.

    Args:
        durability: what a store has taken it keeps; accepted for all, without a difference.
        make_folders: make the targets' folders if the store has folders and they are not there.

    Raises:
        PermissionDeniedError, UnavailableError ...: what the store says; no published set has been changed.
    """

    def __init__(self, durability: Durability = "full", make_folders: bool = True) -> None:
        super().__init__(durability)
        self._make_folders = make_folders
        self._files: list[RemoteNewFile | AdoptedFile] = []
        self._commit: RemoteNewFile | None = None
        self._folder: str | None = None

    def create(self, target: Path, expected_bytes: int = 0, commit: bool = False) -> RemoteNewFile:
        """Starts the next file of the set.

        Args:
            target: the name under which it will be published; all of a set are in one folder.
            expected_bytes: its size as far as it is known; it decides the size of the parts.
            commit: it is the file that makes the set; else that is the last one.
        """
        place = self._place(target)
        uploaded = place
        if not place.in_object_store:
            uploaded = place_of(f"{place.url}.evergraph-tmp-{os.urandom(8).hex()}")
        file = RemoteNewFile(place, uploaded, expected_bytes)
        self._files.append(file)
        if commit:
            self._commit = file
        return file

    def link(self, source: Path, target: Path) -> None:
        """None: no store has second names."""

    def adopt(self, source: Path, target: Path) -> AdoptedFile:
        """Makes a finished file of the same store the next of the set, under another name.

        Raises:
            NotFoundError: there is no such file.
            UnimplementedError: it is in another store.
        """
        old, new = path_text(source), self._place(target)
        if not is_remote(old) or place_of(old).scheme != new.scheme:
            raise errors.UnimplementedError(
                None, None, f"{old} cannot be moved to {new.url}, which is in another store."
            )
        file = AdoptedFile(place_of(old), new)
        self._files.append(file)
        return file

    def _place(self, target: Path) -> Place:
        place = place_of(path_text(target))
        folder, name = paths.split(place.url)
        if not name or (place.in_object_store and "/" not in place.key):
            raise errors.InvalidValueError(
                None, None, f"{place.url} is the name of a store or folder, not of a file."
            )
        if self._folder is None:
            self._folder = folder
            if self._make_folders and not place.in_object_store:
                above = place_of(folder)
                with remote_errors(folder):
                    above.store.makedirs(above.key, exist_ok=True)
        elif folder != self._folder:
            raise errors.InvalidValueError(
                None, None, f"Files of one set lie in one folder: {place.url} is not in {folder}."
            )
        return place

    def _publish(self) -> None:
        """Completes the uploads and gives the files their names, the commit file's last."""
        self._files.sort(key=lambda file: file is self._commit)
        for file in self._files:
            file.prepare()
        placed: list[RemoteNewFile | AdoptedFile] = []
        try:
            while self._files:
                self._files[0].take_place()
                placed.append(self._files.pop(0))
        except BaseException:
            # Where it was the last, the store may have taken it and lost only the answer: then the set is there,
            # and stays whole.
            for file in reversed(placed) if len(self._files) > 1 else ():
                file.give_back()
            raise

    def discard(self) -> None:
        """Gives up what has not been published. Sets that are there stay as they are."""
        while self._files:
            self.withdraw(self._files[0])

    def withdraw(self, file: OutgoingFile) -> None:
        """Gives up one file."""
        assert isinstance(file, (RemoteNewFile, AdoptedFile))
        self._files.remove(file)
        file.discard()


def move(old: Place, new: Place) -> None:
    """Moves one file within a store, in place of any that is at ``new``."""
    store = old.store
    with remote_errors(new.url):
        if not old.renames:
            store.cp_file(old.key, new.key)
            store.rm_file(old.key)
            return
        try:
            store.mv(old.key, new.key)
        except Exception:
            if not (store.exists(old.key) and store.exists(new.key)):
                raise
            _replace(store, old.key, new.key)


def _replace(store: Any, old: str, new: str) -> None:
    """Moves a file in place of another, in a store whose renaming does not replace (HDFS)."""
    aside = new + ".evergraph-tmp-old"
    store.mv(new, aside)
    try:
        store.mv(old, new)
    except Exception:
        store.mv(aside, new)
        raise
    store.rm_file(aside)


def _try_to_remove(place: Place) -> None:
    try:
        with remote_errors(place.url):
            place.store.rm_file(place.key)
    except errors.NotFoundError:
        pass
    except errors.OpError as error:
        _LOG.warning("%s is left over and could not be removed: %s", place.url, error.message)
