"""Files that are removed together: a list of them is on the disk first, so that a removal that dies is completed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from evergraph import errors
from evergraph.storage import leftovers
from evergraph.storage.filesystem import filesystem, is_remote
from evergraph.storage.os_errors import storage_errors
from evergraph.storage.publish import sync_folder

if TYPE_CHECKING:
    from evergraph.storage.publish import Durability


def remove_together(paths: Sequence[str], durability: Durability = "full") -> None:
    """Removes files of one folder, in this order; those that are not there are passed over.

    A process that dies in between leaves the list of what is to go (`storage.leftovers`); a remote store has none.
    Unless ``durability`` is ``none``, the list and the names that the folder has now are on the disk before the first
    file goes: what takes the place of these files must not be lost after them.

    Raises:
        PermissionDeniedError ...: what the disk says; the files that are left are as they were.
    """
    if is_remote(paths[0]):
        for path in paths:
            with suppress(errors.NotFoundError):
                filesystem(path).remove(path)
        return
    if not any(map(os.path.lexists, paths)):
        return
    folder = os.path.dirname(paths[0]) or "."
    set_id = os.urandom(4).hex()
    listing = leftovers.removal_name(paths[0], set_id)
    with storage_errors(paths[0]):
        descriptor = os.open(listing, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            leftovers.lock(descriptor)
            names = [os.fsencode(os.path.basename(path)) for path in paths]
            os.write(descriptor, b"\n".join(name for name in names if b"\n" not in name))
            if durability != "none":
                os.fsync(descriptor)
                sync_folder(folder)
            for path in paths:
                with suppress(FileNotFoundError):
                    os.remove(path)
            os.remove(listing)
        except BaseException:
            leftovers.give_up(set_id)
            raise
        finally:
            os.close(descriptor)
